"""Our own HTML: every value in it is escaped, mirrored for readers from right to left, and said in words."""

import re

import numpy as np
import pytest

from cx_metrics.texts import N_, Text
from pages.parts.language import PageReader
from pages.parts.markup import Html, Markup
from pages.parts.strips import Stage, Tile

EN, FA, AR = (Markup(PageReader(code)) for code in ("en", "fa", "ar"))
HOSTILE = '<img src=x onerror="alert(1)">&"\''


def words(markup: str) -> str:
    """What is read: without tags, isolated numbers joined."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", markup)).strip()


@pytest.mark.parametrize(
    "built",
    [
        EN.text(HOSTILE),
        EN.words(HOSTILE),
        EN.figure(HOSTILE),
        EN.head(HOSTILE, HOSTILE, HOSTILE),
        EN.card_head(HOSTILE, HOSTILE),
        EN.caption([HOSTILE]),
        EN.notice(HOSTILE),
        EN.empty(HOSTILE, HOSTILE, [HOSTILE]),
        EN.definitions([(HOSTILE, HOSTILE)]),
        EN.chips([HOSTILE]),
        EN.path([HOSTILE, HOSTILE]),
        EN.table([HOSTILE], [[HOSTILE]], label=HOSTILE),
        EN.tile(Tile(HOSTILE, 1, periods=[1, 2], shown=HOSTILE)),
        EN.stage_strip([Stage(HOSTILE, 1, score=1, score_n=1, score_name=HOSTILE)]),
        EN.change(1, HOSTILE),
        EN.hidden(HOSTILE),
    ],
)
def test_no_value_becomes_markup(built: Html) -> None:
    assert isinstance(built, Html)
    assert "<img src=x" not in built
    assert 'onerror="' not in built
    assert "alert(1)" in built


def test_a_plain_string_in_a_cell_is_data_and_finished_markup_is_kept() -> None:
    table = EN.table(["a", "b"], [["<b>x</b>", EN.strong("y")]])
    assert "&lt;b&gt;x&lt;/b&gt;" in table
    assert "<strong><bdi>y</bdi></strong>" in table


def test_an_empty_head_is_no_header_cell() -> None:
    assert EN.table(["a", ""], [["1", "2"]]).count("<th ") == 1


@pytest.mark.parametrize(
    ("value", "unit", "better", "said", "tone"),
    [
        (-0.006, "pt", True, "▼ −0.6 pt", "bad"),
        (-0.006, "pt", False, "▼ −0.6 pt", "good"),
        (5, "pts", True, "▲ +5 pts", "good"),
        (0.05, "%", True, "▲ +5.0%", "good"),
        (0.05, "%", None, "▲ +5.0%", "same"),
        (0.0001, "pt", True, "no change", "same"),
    ],
)
def test_a_change_says_direction_amount_and_unit(
    value: float, unit: str, better: bool | None, said: str, tone: str
) -> None:
    built = EN.change(value, unit, better)
    assert words(built) == said
    assert f'class="tl-delta {tone}"' in built


def test_a_missing_change_says_nothing() -> None:
    assert EN.change(None) == ""


def test_intervals_name_the_unit_once_and_use_to_below_zero() -> None:
    assert words(EN.interval(0.066, 0.07, 1, share=True)) == "6.6–7.0%"
    assert words(EN.interval(-20, -8)) == "−20 to −8"
    assert words(EN.interval(None, 1)) == "–"


def test_a_tile_without_bounds_is_a_count() -> None:
    assert "counted, no interval" in words(EN.tile(Tile("Customers", 48210)))
    assert "6.6–7.0% · n 48,210" in words(EN.tile(Tile("Conversion", 0.068, 0.066, 0.07, 48210, 1, share=True)))


def test_numbers_of_numpy_are_numbers() -> None:
    assert words(EN.tile(Tile("n", np.int64(3), np.float64(2), np.float64(4), np.int64(9)))) == "n32–4 · n 9"


def test_arrows_point_in_reading_direction() -> None:
    assert "→" in EN.path(["a", "b"])
    assert "←" in FA.path(["a", "b"])


def test_a_sentence_keeps_the_direction_of_the_page() -> None:
    assert FA.words("NPS و سه گروه آن").startswith('<bdi dir="rtl">')
    assert FA.words("not translated.").startswith('<bdi dir="ltr">')


def test_signs_stand_right_in_arabic_and_left_in_persian() -> None:
    assert AR.figure("−٥").startswith('<bdi dir="rtl"')
    assert FA.figure("−۵").startswith('<bdi dir="ltr"')


def test_positions_never_leave_their_scale() -> None:
    track = EN.track(500, -500, float("nan"), -20, 20)
    assert all(0 <= float(p) <= 100 for p in re.findall(r":(-?[\d.]+)%", track))


def test_split_bar_says_every_group_even_where_it_is_too_small_to_write_in() -> None:
    said = words(EN.split_bar({"promoters": 96, "passives": 2, "detractors": 2}))
    assert said == "Promoters 96%Passives 2%Detractors 2%"


def test_texts_are_translated_where_they_are_written() -> None:
    assert words(EN.caption([Text(N_("{n} answers"), {"n": 3412}), "x"])) == "3,412 answers · x"


def test_a_spark_line_needs_two_periods_and_carries_its_name() -> None:
    assert EN.spark([1], "x") == ""
    assert 'alt="&lt;x&gt;"' in EN.spark([1, 2], "<x>")


def test_a_long_comment_is_read_in_a_box_that_the_keyboard_reaches() -> None:
    short, long = EN.quote("a <b> c"), EN.quote("a <b> " * 200)
    assert "tl-long" not in short and 'class="tl-long" tabindex="0"' in long
    assert "<b>" not in long and "tl-long" in EN.marked("word " * 200, [(0, 4)])
