"""Numbers as people write them."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cx_metrics.reading import numbers
from cx_metrics.reading.numbers import evident_decimal_comma, guess_decimal_sign, read_numbers


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
        ("۱۲٫۵", 12.5, 12.5),
        ("١٬٢٣٤٫٥", 1234.5, 1234.5),
        ("12،5", None, 12.5),
        ("1,23,456.78", 123456.78, None),
        ("12,34,567", 1234567.0, None),
        ("₹ 1,23,456", 123456.0, None),
        ("1’234’567", 1234567.0, 1234567.0),
        ("1\u00a0234\u00a0567,89", None, 1234567.89),
        ("(1,234)", -1234.0, -1.234),
        ("($ 1,234.50)", -1234.5, None),
        ("(5 €)", -5.0, -5.0),
        ("-€12", -12.0, -12.0),
        ("€-12", -12.0, -12.0),
        ("CA$ 12", 12.0, 12.0),
        ("۱۲۳ تومان", 123.0, 123.0),
        ("12 درهم", 12.0, 12.0),
        ("5.", 5.0, None),
        ("-.5", -0.5, None),
        ("\u200f12\u200f", 12.0, 12.0),
        ("５", 5.0, 5.0),
        ("(-5)", None, None),
        ("(5", None, None),
        ("-€-5", None, None),
        ("1,234'567", None, None),
        ("1,2345", None, 1.2345),
        ("12 s", None, None),
        ("12 MIN", None, None),
        ("5%%", None, None),
        ("5 4", None, None),
        ("1,23,4", None, None),
        ("--1", None, None),
        (".", None, None),
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
        (["0,125"], True),
        (["0.125"], False),
        (["1234,567"], True),
        (["1.234.567"], True),
        (["1,234,567"], False),
        (["1,23,456"], False),
        (["12,5 %"], True),
        (["€ 1.234,50"], True),
        (["1.234", "2.500"], None),
        (["1.234", "2.500", "0,5"], True),
        (["1.234", "2.500", "0.5"], False),
        (["1,5", "2.5"], None),
        (["1,5", "2,5", "2.5"], True),
    ],
)
def test_decimal_comma_is_taken_only_where_it_is_evident(values: list[str], comma: bool | None) -> None:
    assert evident_decimal_comma(pa.array(values, pa.string())) is comma


@pytest.mark.parametrize(
    ("values", "ambiguous", "reason"),
    [
        (["3", "12,5"], False, '"12,5" has a decimal comma'),
        (["3", "1,234.50"], False, '"1,234.50" has a decimal point'),
        (["1.234", "2.500"], True, 'numbers such as "1.234" may be thousands or decimals, and no value shows which'),
        (["1", "2"], False, "no value has a decimal sign"),
        (["1,5", "2.5"], True, "as many values write a decimal comma as a decimal point"),
        (
            ["1,5", "2,5", "2.5"],
            True,
            '"1,5" shows the decimal sign, as most values do, but 1 value uses the other one',
        ),
    ],
)
def test_evidence_for_the_decimal_sign_is_said(values: list[str], ambiguous: bool, reason: str) -> None:
    guess = guess_decimal_sign(pa.array(values))
    assert (guess.ambiguous, str(guess.reason)) == (ambiguous, reason)


@pytest.mark.parametrize("written", ["12.3%", "12.3 %", "%12.3", "١٢٫٣٪", "12.3\u202f%"])
def test_percent_is_the_number_before_the_sign_and_marked(written: str) -> None:
    found = read_numbers(pa.array([written, "12.3", None, "x%"]))
    assert found.values.to_pylist() == [12.3, 12.3, None, None]
    assert found.percent.tolist() == [True, False, False, False]
    assert found.unreadable.tolist() == [False, False, False, True]


SCRIPTS = ("0123456789", "۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩", "０１２３４５６７８９")


@settings(deadline=None, max_examples=300)
@given(
    st.decimals(-(10**9), 10**9, places=2, allow_nan=False),
    st.sampled_from(["", ",", ".", " ", "'", "\u00a0", "\u202f", "’", "\u066c"]),
    st.sampled_from([".", ",", "\u066b"]),
    st.sampled_from(SCRIPTS),
    st.sampled_from(["{}", "€ {}", "{} EUR", "{}\u00a0₽", "\u200f{}"]),
)
def test_every_way_to_write_an_amount_reads_as_that_amount(
    amount: Decimal, group: str, decimal: str, script: str, around: str
) -> None:
    assume(group != decimal and not (decimal == "\u066b" and group in ",."))
    written = f"{amount:,.2f}".replace(",", "G").replace(".", decimal).replace("G", group)
    text = around.format(written.translate(str.maketrans("0123456789", script)))
    assert read_numbers(pa.array([text]), decimal == ",").values.to_pylist() == [float(amount)]


def test_hostile_texts_are_no_numbers_and_quick() -> None:
    values = pa.array(
        [
            "1," * 10**6,
            "9" * 10**6,
            "-" * 10**6,
            "€" * 10**5 + "x",
            "(" * 10**6 + ")" * 10**6,
            "% " * 10**5,
            "e" * 10**6,
        ]
    )
    for comma in (False, True):
        assert read_numbers(values, comma).unreadable.all()
    assert guess_decimal_sign(values).comma is None


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
