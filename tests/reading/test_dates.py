"""Times: one format for a column, nothing taken from the clock, nothing mixed."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_metrics.reading import dates
from cx_metrics.reading.dates import TIME_FORMATS, guess_time_format, read_times

UNTIL = 2027


def times(values: list[str | None], time_format: str, zone: str = "UTC") -> list[datetime | None]:
    found: list[datetime | None] = read_times(
        pa.array(values, pa.string()), time_format, UNTIL, zone
    ).values.to_pylist()
    return found


@pytest.mark.parametrize(
    ("time_format", "written", "meant"),
    [
        ("iso", "2026-01-31", datetime(2026, 1, 31)),
        ("iso", "2026-1-5 9:05", datetime(2026, 1, 5, 9, 5)),
        ("iso", "2026-01-31 14:05:09", datetime(2026, 1, 31, 14, 5, 9)),
        ("iso", "2026-01-31T14:05:09.123456789", datetime(2026, 1, 31, 14, 5, 9, 123456)),
        ("iso", "2026-01-31T14:05:09,5Z", datetime(2026, 1, 31, 14, 5, 9, 500000)),
        ("iso", "2026-01-31 14:05:09 UTC", datetime(2026, 1, 31, 14, 5, 9)),
        ("iso", "2026-01-31T00:05:00+03:30", datetime(2026, 1, 30, 20, 35)),
        ("iso", "2015-02-24 11:35:52 -0800", datetime(2015, 2, 24, 19, 35, 52)),
        ("iso", "2024-02-29", datetime(2024, 2, 29)),
        ("iso", " 2026-01-31 ", datetime(2026, 1, 31)),
        ("iso", "٢٠٢٦-٠١-٣١", datetime(2026, 1, 31)),
        ("year_first", "2026/01/31 14:05", datetime(2026, 1, 31, 14, 5)),
        ("day_first", "31/01/2026", datetime(2026, 1, 31)),
        ("day_first", "31.01.2026, 14:05", datetime(2026, 1, 31, 14, 5)),
        ("day_first", "05-06-2026", datetime(2026, 6, 5)),
        ("day_first", "٠١/١١/٢٠١٩ ٠٥:٥٩:١٣ م", datetime(2019, 11, 1, 17, 59, 13)),
        ("month_first", "1/31/2026 3:45 PM", datetime(2026, 1, 31, 15, 45)),
        ("month_first", "01/31/2026 12:00:01 a.m.", datetime(2026, 1, 31, 0, 0, 1)),
        ("compact", "20260131", datetime(2026, 1, 31)),
        ("compact", "20260131T140509Z", datetime(2026, 1, 31, 14, 5, 9)),
        ("epoch_seconds", "1577836800", datetime(2020, 1, 1)),
        ("epoch_seconds", "1577836800.25", datetime(2020, 1, 1, 0, 0, 0, 250000)),
        ("epoch_milliseconds", "1577836800123", datetime(2020, 1, 1, 0, 0, 0, 123000)),
        ("epoch_microseconds", "1577836800123456", datetime(2020, 1, 1, 0, 0, 0, 123456)),
    ],
)
def test_time_is_read_as_it_is_meant(time_format: str, written: str, meant: datetime) -> None:
    assert times([written], time_format) == [meant]


@pytest.mark.parametrize("time_format", list(TIME_FORMATS))
def test_words_and_impossible_dates_are_never_times(time_format: str) -> None:
    words = [
        "now",
        "today",
        "yesterday",
        "NaT",
        "null",
        "-",
        "",
        "5",
        "2026-02-30",
        "30/02/2026",
        "02/30/2026",
        "31/04/2026",
    ]
    words += [
        "2026-13-01",
        "2026-01-31 24:00",
        "2026-01-31 10:60",
        "2026-01-31 10:00:60",
        "31/01.2026",
        "31/01/26",
        "20260230",
    ]
    found = read_times(pa.array(words), time_format, UNTIL)
    assert found.values.null_count == len(words)
    assert found.unreadable.all()


def test_years_that_cannot_be_are_told_from_unreadable_ones() -> None:
    found = read_times(
        pa.array(["0001-01-01", "1989-12-31", "1990-01-01", "2027-12-31", "2028-01-01", "9999-12-31", None]),
        "iso",
        UNTIL,
    )
    assert found.out_of_range.tolist() == [True, True, False, False, True, True, False]
    assert not found.unreadable.any()
    assert found.values.to_pylist() == [None, None, datetime(1990, 1, 1), datetime(2027, 12, 31), None, None, None]


def test_time_without_zone_is_local_to_the_zone_that_is_named() -> None:
    written = ["2026-07-01 12:00", "2026-07-01T12:00Z", "2026-03-29 02:30", "2026-10-25 02:30"]
    assert times(written, "iso", "Europe/Berlin") == [
        datetime(2026, 7, 1, 10),
        datetime(2026, 7, 1, 12),
        datetime(2026, 3, 29, 1),  # the hour is skipped: moved on to 03:00
        datetime(2026, 10, 25, 0, 30),  # the hour comes twice: the first one
    ]


def test_naive_times_are_counted_but_dates_are_not() -> None:
    found = read_times(pa.array(["2026-01-01 10:00", "2026-01-01", "2026-01-01 10:00Z"]), "iso", UNTIL)
    assert found.naive.tolist() == [True, False, False]


@settings(deadline=None)
@given(st.datetimes(datetime(1990, 1, 1), datetime(2027, 12, 31)), st.sampled_from(["iso", "day_first", "month_first"]))
def test_written_times_come_back(moment: datetime, time_format: str) -> None:
    pattern = {
        "iso": "%Y-%m-%dT%H:%M:%S.%f",
        "day_first": "%d/%m/%Y %H:%M:%S.%f",
        "month_first": "%m/%d/%Y %I:%M:%S.%f %p",
    }
    assert times([f"{moment:{pattern[time_format]}}"], time_format) == [moment]


@pytest.mark.parametrize(
    ("values", "time_format"),
    [
        (["2026-01-31", "2026-02-01"], "iso"),
        (["31/01/2026", "01/02/2026"], "day_first"),
        (["01/02/2026", "01/31/2026"], "month_first"),
        (["01.02.2026", "03.04.2026"], "day_first"),
        (["2026/01/02"], "year_first"),
        (["1577836800", "1577836801"], "epoch_seconds"),
        (["1577836800000"], "epoch_milliseconds"),
        (["20260131"], "compact"),
    ],
)
def test_values_decide_on_the_format(values: list[str], time_format: str) -> None:
    guess = guess_time_format(pa.array(values), UNTIL)
    assert (guess.format, guess.ambiguous) == (time_format, False)


def test_day_and_month_that_both_fit_are_said_to_be_ambiguous() -> None:
    guess = guess_time_format(pa.array(["01/02/2026", "03/04/2026"]), UNTIL)
    assert (guess.format, guess.ambiguous) == ("day_first", True)


def test_one_format_holds_for_the_whole_column() -> None:
    """Two rows read only as day first, one only as month first: day first is taken, and the third is no date."""
    values = ["13/04/2026", "25/04/2026", "04/13/2026", "01/02/2026"]
    guess = guess_time_format(pa.array(values), UNTIL)
    assert (guess.format, guess.readable, guess.of) == ("day_first", 3, 4)
    assert times(values, "day_first")[2] is None


@pytest.mark.parametrize("values", [["a", "b"], ["12", "13"], [], ["219483890", "31"], ["12:30", "12:31"]])
def test_other_values_are_no_times(values: list[str]) -> None:
    assert guess_time_format(pa.array(values, pa.string()), UNTIL).format is None


def shaped(tail: str) -> st.SearchStrategy[str]:
    """Texts that begin as a date does, possible or not, and end in `tail` (0: any digit)."""
    date = st.dates(datetime(1985, 1, 1).date(), datetime(2030, 12, 31).date()).map(str)
    begin = st.one_of(date, date, date, st.from_regex(r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]\Z"))
    digits = "".join(r"[0-9]" if sign == "0" else f"[{sign}]" for sign in tail)
    return st.tuples(begin, st.from_regex(rf"\A{digits}\Z")).map("".join)


TAILS = (
    "",
    " 00:00",
    "T00:00:00",
    " 00:00:00",
    " 00:00:00.000",
    "T00:00:00.000000",
    "T00:00:00.0000000",
    "T00",
    "T00:00:00Z",
    "Z",
    "+00:00",
)


@settings(deadline=None, max_examples=400)
@given(st.data(), st.sampled_from(TAILS), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Tehran"]))
def test_quick_way_reads_the_same_times_as_the_careful_one(data: st.DataObject, tail: str, zone: str) -> None:
    column: list[str | None] = list(data.draw(st.lists(shaped(tail), min_size=1, max_size=5)))
    odd = st.sampled_from(
        [None, "", "2026-01-31", "2026-01-31T10:00:60", "2026-01-31_10:00:00", "٢٠٢٦-٠١-٣١", "Z" * 19]
    )
    column += data.draw(st.lists(odd, max_size=1))
    values = pa.array(["cut off", *column], pa.string())[1:]
    quick, careful = read_times(values, "iso", UNTIL, zone), dates._read_carefully(values, "iso", UNTIL, zone)
    assert quick.values.equals(careful.values)
    for mask in ("unreadable", "out_of_range", "naive"):
        assert getattr(quick, mask).tolist() == getattr(careful, mask).tolist(), mask


@pytest.mark.parametrize(
    "written", ["2026-01-31", "2026-01-31 14:05", "2026-01-31T14:05:09", "2026-01-31 14:05:09.25", "2026-01-31T14:05:09.123456Z"]
)  # fmt: skip
def test_columns_of_one_common_shape_are_read_the_quick_way(written: str) -> None:
    assert dates._read_plainly(pa.array([written, written]), UNTIL, "UTC") is not None
    assert dates._read_plainly(pa.array([written, "words"]), UNTIL, "UTC") is None
