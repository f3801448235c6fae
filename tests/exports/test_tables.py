"""Files for spreadsheets: no text is a formula, numbers stay numbers."""

import datetime
import io

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_metrics.exports.tables import disarmed, safe_csv, safe_frame

SIGNS = "=+-@\t\r\0＝＋－＠"
ARMED = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")', "＝1", "＋1", "－1", "＠x"]
ARMED += ["\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1", "\0=1"]


def read(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(safe_csv(frame)), dtype=str, keep_default_na=False, encoding="utf-8-sig")


@pytest.mark.parametrize("text", ARMED)
def test_cells_and_heads_that_look_like_formulas_get_an_apostrophe(text: str) -> None:
    back = read(pd.DataFrame({text: [text]}))
    assert back.columns[0].startswith("'")
    assert back.iloc[0, 0].startswith("'")


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_no_text_begins_with_a_formula_sign(text: str) -> None:
    assert disarmed(text).lstrip(" \u00a0\u3000")[:1] not in SIGNS or not disarmed(text).lstrip(" \u00a0\u3000")


@given(st.text(alphabet="abc xyz0-9é=", min_size=1).filter(lambda t: t.strip() and t.strip()[0] not in "=-"))
def test_harmless_text_is_left_alone(text: str) -> None:
    assert disarmed(text) == text


def test_numbers_and_dates_stay_as_they_are() -> None:
    frame = pd.DataFrame({"a": [-1, 2], "b": [-0.5, None], "c": [datetime.date(2026, 1, 2)] * 2})
    back = read(frame)
    assert list(back["a"]) == ["-1", "2"]
    assert list(back["b"]) == ["-0.5", ""]
    assert list(back["c"]) == ["2026-01-02"] * 2


def test_categories_and_mixed_columns_are_disarmed_too() -> None:
    frame = pd.DataFrame({"a": pd.Categorical(["=1", "x"]), "b": ["=2", 3]})
    back = read(frame)
    assert list(back["a"]) == ["'=1", "x"]
    assert list(back["b"]) == ["'=2", "3"]


def test_a_path_is_one_cell() -> None:
    assert read(pd.DataFrame({"path": [("=ad", "site")]})).iloc[0, 0] == "'=ad > site"


def test_the_frame_itself_is_untouched() -> None:
    frame = pd.DataFrame({"a": ["=1"]})
    safe_frame(frame)
    assert list(frame["a"]) == ["=1"]


def test_commas_quotes_and_lines_survive() -> None:
    text = 'a,"b"\nc'
    assert read(pd.DataFrame({"x": [text]})).iloc[0, 0] == text


def test_an_empty_frame_keeps_its_header() -> None:
    assert safe_csv(pd.DataFrame({"a": []})) == b"\xef\xbb\xbfa\r\n"
