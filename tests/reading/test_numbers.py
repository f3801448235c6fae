"""Numbers as people write them."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_metrics.reading import numbers
from cx_metrics.reading.numbers import evident_decimal_comma, read_numbers


@pytest.mark.parametrize(
    ("written", "point", "comma"),
    [
        ("1234.5", 1234.5, None),
        ("1,234.50", 1234.5, None),
        ("1.234,50", None, 1234.5),
        ("12,5", None, 12.5),
        ("12,345", 12345.0, 12.345),
        ("1 234", 1234.0, 1234.0),
        ("1\u202f234,5", None, 1234.5),
        ("1'234.5", 1234.5, None),
        ("-3", -3.0, -3.0),
        ("−3", -3.0, -3.0),
        ("+5", 5.0, 5.0),
        (".5", 0.5, None),
        ("1e3", 1000.0, 1000.0),
        ("€ 12", 12.0, 12.0),
        ("-$1,000.00", -1000.0, None),
        ("12 EUR", 12.0, 12.0),
        ("R$ 9.90", 9.9, None),
        ("1 234 руб.", 1234.0, 1234.0),
        ("۱۲٫۵", 12.5, None),
        ("5 4", None, None),
        ("1,23,4", None, None),
        ("--1", None, None),
        (".", None, None),
        ("5%", None, None),
        ("inf", None, None),
        ("NaN", None, None),
        ("1e999", None, None),
        ("five", None, None),
        ("0x10", None, None),
        ("1_000", None, None),
    ],
)
def test_number_is_read_as_it_is_meant_or_not_at_all(written: str, point: float | None, comma: float | None) -> None:
    for decimal_comma, meant in ((False, point), (True, comma)):
        found = read_numbers(pa.array([written, None]), decimal_comma)
        assert found.values.to_pylist() == [meant, None]
        assert found.unreadable.tolist() == [meant is None, False]


@pytest.mark.parametrize(
    ("values", "comma"),
    [
        (["1,5", "2,25"], True),
        (["1.234,50"], True),
        (["1.5", "2"], False),
        (["1,234.50"], False),
        (["1,234", "5,678"], None),
        (["1", "2"], None),
        ([], None),
    ],
)
def test_decimal_comma_is_taken_only_where_it_is_evident(values: list[str], comma: bool | None) -> None:
    assert evident_decimal_comma(pa.array(values, pa.string())) is comma


@settings(deadline=None, max_examples=400)
@given(
    st.lists(
        st.one_of(
            st.none(), st.text("0123456789.-", max_size=6), st.floats().map(repr), st.integers().map(str),
            st.sampled_from(["1" * 400, "1,5", "1e5", "٣", "€ 3", "", "-", ".", "-.5", "5."]),
        ),
        max_size=5,
    ),
    st.booleans(),
)  # fmt: skip
def test_quick_way_reads_the_same_numbers_as_the_careful_one(column: list[str | None], decimal_comma: bool) -> None:
    values = pa.array(["cut off", *column], pa.string())[1:]
    quick, careful = read_numbers(values, decimal_comma), numbers._read_carefully(values, decimal_comma)
    assert quick.values.equals(careful.values)
    assert quick.unreadable.tolist() == careful.unreadable.tolist()


def test_columns_of_digits_are_read_the_quick_way() -> None:
    assert numbers._read_plainly(pa.array(["12", None, "-0.5"]), False) is not None
    assert numbers._read_plainly(pa.array(["12", "1,5"]), False) is None
    assert numbers._read_plainly(pa.array(["1.234"]), True) is None
