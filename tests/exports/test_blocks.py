"""Markup of the pages is read back as what it says: tables, tiles, words, and the direction of each."""

import pytest

from cx_metrics.exports.blocks import Grid, Items, Pairs, Said, Split, Tiles, blocks, plain
from cx_metrics.exports.numbers import amount
from pages.parts.language import PageReader
from pages.parts.markup import Markup
from pages.parts.strips import Stage, Tile

EN, AR, FA, RU = (PageReader(language) for language in ("en", "ar", "fa", "ru"))


def test_a_table_keeps_its_cells_and_drops_columns_of_marks() -> None:
    m = Markup(EN)
    rows = [["a<b>", m.over(m.percent(0.4), m.interval(0.3, 0.5, share=True)), m.track(1, 0, 2, 0, 3)]]
    (grid,) = blocks(m.table(["Name", "Share", ""], rows, numeric=(1,)))
    assert isinstance(grid, Grid)
    assert [head.text for head in grid.heads] == ["Name", "Share"]
    assert [(cell.text, cell.under, cell.number) for cell in grid.rows[0]] == [
        ("a<b>", "", False),
        ("40%", "30–50%", True),
    ]


def test_tiles_and_stages_keep_label_value_and_what_stands_under_it() -> None:
    m = Markup(EN)
    (tiles,) = blocks(m.tiles([Tile("NPS", 31, 28, 34, n=412, moved=-5, moved_unit="pts", periods=[1, 2])]))
    assert tiles == Tiles([("NPS", "31", ["28–34 · n 412", "▼ −5 pts"])])
    (strip,) = blocks(m.stage_strip([Stage("awareness", 4000, 0.4, 0.02, 31, 200)]))
    assert strip == Tiles([("awareness", "4,000", ["NPS 31 n 200", "40% go on · ▲ +2.0 pt"])])


def test_words_lists_terms_and_parts() -> None:
    m = Markup(EN)
    assert blocks(m.caption(["48 customers", "Oct"])) == [Said("48 customers · Oct", "caption")]
    assert blocks(m.list(["a", "b"])) == [Items(["a", "b"])]
    assert blocks(m.definitions([("Score", m.quote("good"))])) == [Pairs([("Score", "“good”")])]
    assert blocks(m.split_bar({"promoters": 3, "passives": 1, "detractors": 0}))[0] == Split(
        [("promoters", 75.0, "Promoters 75%"), ("passives", 25.0, "Passives 25%"), ("detractors", 0.0, "Detractors 0%")]
    )
    assert plain(m.path(["a", "b"])) == "a → b"


def test_numbers_keep_their_direction_where_the_page_runs_from_the_right() -> None:
    m = Markup(AR)
    (grid,) = blocks(m.table(["n"], [[m.number(-5)]]), rtl=True)
    assert isinstance(grid, Grid) and grid.rows[0][0].text == "\u2067−٥\u2069"
    (english,) = blocks(Markup(EN).table(["n"], [["سلام"], [Markup(EN).number(-5)]]))
    assert isinstance(english, Grid) and [r[0].text for r in english.rows] == ["\u2068سلام\u2069", "−5"]


@pytest.mark.parametrize("reader", [EN, AR, FA, RU, PageReader("fa", digits="latin")], ids=str)
def test_a_number_that_stands_alone_is_read_back(reader: PageReader) -> None:
    for value, decimals in ((48210, 0), (-0.6, 1), (7.25, 2), (0, 0)):
        found = amount(reader.isolate(reader.number(value, decimals)), reader)
        assert found is not None and found.value == value
    share = amount(reader.isolate(reader.percent(0.068, 1)), reader)
    assert share is not None and share.value == 0.068 and share.pattern.endswith("0.0%")


@pytest.mark.parametrize("text", ["", "–", "007", "2026-10-01", "1 to 3", "5 days", "1,2", "=1", "48.210,5", "١٢a"])
def test_what_is_no_number_stays_text(text: str) -> None:
    assert amount(text, EN) is None
