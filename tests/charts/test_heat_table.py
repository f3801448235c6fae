"""The cells of a heat table: a number in every one, order as asked, colours as in the chart, hostile names as they are."""

import re

import pandas as pd

from cx_metrics.charts.heatmap import heat_table, shade
from cx_metrics.charts.theme import LIGHT, contrast
from pages.parts.language import PageReader
from pages.parts.markup import Markup

EN, AR = PageReader("en"), PageReader("ar")
MATRIX = pd.DataFrame(
    [("A", "B", 0.5, 0.4, 0.6, 40), ("A", "path_end", 0.5, 0.4, 0.6, 40), ("B", "A", 1.0, 0.4, 1.0, 4)],
    columns=["touchpoint", "next_touchpoint", "share", "share_low", "share_high", "all_transitions"],
)
EVIL = "<img src=x onerror=alert(1)>\"'"


def table(reader: PageReader = EN, **more: object):
    return heat_table(
        MATRIX, reader, "touchpoint", "next_touchpoint", "share", "all_transitions", domain=(0, 0.6), **more
    )  # type: ignore[arg-type]


def test_every_cell_says_its_share_and_an_empty_one_says_so() -> None:
    found = table(columns=["A", "B", "path_end"])
    assert found.heads == ["A", "B", "path_end"]
    assert [(name, n, [c.shown for c in cells]) for name, n, cells in found.rows] == [
        ("A", 40, ["–", "50%", "50%"]),
        ("B", 4, ["100%", "–", "–"]),
    ]


def test_rows_and_columns_come_in_the_order_asked_and_in_the_words_of_the_reader() -> None:
    found = table(rows=["B"], columns=["path_end", "A"], names={"path_end": "Journey over"})
    assert found.heads == ["Journey over", "A"]
    assert [(name, [c.shown for c in cells]) for name, _n, cells in found.rows] == [("B", ["–", "100%"])]


def test_colours_are_those_of_the_scale_and_every_ink_can_be_read() -> None:
    (_a, _n, cells), (_b, _m, few) = table(columns=["A", "B"]).rows
    assert cells[1].fill == shade(0.5, (0, 0.6), False, "light")
    assert few[0].fill == shade(1.0, (0, 0.6), False, "light") == LIGHT.sequential[-1]  # beyond the scale: its end
    assert all(contrast(c.ink, c.fill) >= 4.5 for c in (*cells, *few))


def test_rows_that_rest_on_few_are_sunken() -> None:
    (_a, _n, many), (_b, _m, few) = table(columns=["A", "B"], min_n=10).rows
    assert (few[0].fill, few[0].ink, few[0].shown) == (LIGHT.sunken, LIGHT.muted, "100%")
    assert many[1].fill != LIGHT.sunken


def test_a_cell_says_its_interval_in_full() -> None:
    assert table(columns=["B"]).rows[0][2][0].tip == "A · B · 50.0% · 40.0% – 60.0% · n 40"


def test_the_table_is_markup_with_names_escaped() -> None:
    frame = MATRIX.replace({"B": EVIL})
    drawn = heat_table(frame, EN, "touchpoint", "next_touchpoint", "share", domain=(0, 1))
    html = Markup(EN).heat(drawn, "Touchpoint")
    assert "<img" not in html and "&lt;img" in html
    assert not re.search(r'title="[^"]*"[^ >]', html)  # no name closes the attribute it stands in
    assert html.count('<th scope="row">') == 2 and html.count('class="cell"') == 6


def test_readers_from_right_to_left_get_their_own_digits() -> None:
    html = Markup(AR).heat(table(AR, columns=["B"]), "x", "n")
    assert "٥٠" in html and "50" not in re.sub(r'style="[^"]*"', "", html)


def test_no_rows_are_an_empty_table() -> None:
    drawn = heat_table(MATRIX.head(0), EN, "touchpoint", "next_touchpoint", "share", "all_transitions", domain=(0, 1))
    assert (drawn.heads, drawn.rows) == ([], [])
