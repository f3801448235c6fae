"""Times: one format for a column, nothing taken from the clock, nothing mixed."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hijridate import Gregorian
from hypothesis import given, settings
from hypothesis import strategies as st
from persiantools.jdatetime import JalaliDate
from pyarrow import csv

from cx_metrics.reading import times as reading
from cx_metrics.reading.dates import TIME_FORMATS, TimeGuess, first_and_last_year, guess_time_format, read_times
from cx_metrics.reading.sample import Values

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
        ("iso", "2026-01-31 10:00 GMT+3", datetime(2026, 1, 31, 7)),
        ("iso", "2026-01-31T10:00:00+01:00[Europe/Berlin]", datetime(2026, 1, 31, 9)),
        ("iso", "2026-07-01T10:00[Europe/Berlin]", datetime(2026, 7, 1, 8)),
        ("iso", "2026-07-01 10:00 CEST", datetime(2026, 7, 1, 8)),
        ("iso", "2012-01-01 12:00 MSK", datetime(2012, 1, 1, 8)),  # four hours in those years
        ("iso", "2026-01-31+03:00", datetime(2026, 1, 30, 21)),
        ("iso", "2026-01-31-05:00", datetime(2026, 1, 31, 5)),
        ("iso", "\u200f2026-01-31\u200e 10:00", datetime(2026, 1, 31, 10)),
        ("iso", "2026\u221201\u221231\u00a010:00", datetime(2026, 1, 31, 10)),
        ("iso", "Saturday, 2026-01-31 10:00", datetime(2026, 1, 31, 10)),
        ("year_first", "2024/05/01 3:12:45 PM GMT+3", datetime(2024, 5, 1, 12, 12, 45)),
        ("day_first", "14:05 31.01.2026", datetime(2026, 1, 31, 14, 5)),
        ("day_first", "сб 31.01.2026 в 14:05", datetime(2026, 1, 31, 14, 5)),
        ("day_first", "31/01/2026 05:59 مساءً", datetime(2026, 1, 31, 17, 59)),
        ("day_first", "31. 01. 2026", datetime(2026, 1, 31)),
        ("day_first_short", "31/01/26", datetime(2026, 1, 31)),
        ("day_first_short", "31.12.99 23:59", datetime(1999, 12, 31, 23, 59)),
        ("month_first_short", "1/31/26 3:45 PM", datetime(2026, 1, 31, 15, 45)),
        ("year_first_short", "26-01-31", datetime(2026, 1, 31)),
        ("month_name", "31 January 2026", datetime(2026, 1, 31)),
        ("month_name", "January 31st, 2026 at 2:05 PM", datetime(2026, 1, 31, 14, 5)),
        ("month_name", "31-Jan-26", datetime(2026, 1, 31)),
        ("month_name", "Sat, 31 Jan 2026 14:05:09 +0300", datetime(2026, 1, 31, 11, 5, 9)),
        ("month_name", "Sat Jan 31 14:05:09 UTC 2026", datetime(2026, 1, 31, 14, 5, 9)),
        ("month_name", "Sat Jan 31 14:05:09 2026", datetime(2026, 1, 31, 14, 5, 9)),
        ("month_name", "Sat Jan 31 2026 14:05:00 GMT+0300 (Moscow Standard Time)", datetime(2026, 1, 31, 11, 5)),
        ("month_name", "31 января 2026 г., 14:05", datetime(2026, 1, 31, 14, 5)),
        ("month_name", "31 янв. 2026", datetime(2026, 1, 31)),
        ("month_name", "٣١ كانون الثاني ٢٠٢٦", datetime(2026, 1, 31)),
        ("month_name", "السبت، ٣١ يناير ٢٠٢٦ ٠٢:٠٥ م", datetime(2026, 1, 31, 14, 5)),
        ("month_name", "۳۱ ژانویه ۲۰۲۶", datetime(2026, 1, 31)),
        ("month_name", "mar. 3 mars 2026", datetime(2026, 3, 3)),
        ("month_name", "31 de enero de 2026", datetime(2026, 1, 31)),
        ("month_name", "3. März 2026", datetime(2026, 3, 3)),
        ("jalali", "1404/05/12", datetime(2025, 8, 3)),
        ("jalali", "۱۴۰۴/۰۵/۱۲ ۱۴:۰۵", datetime(2025, 8, 3, 14, 5)),
        ("jalali", "12/05/1404", datetime(2025, 8, 3)),
        ("jalali", "14:05 - 1404/05/12", datetime(2025, 8, 3, 14, 5)),
        ("jalali", "یکشنبه ۱۲ مرداد ۱۴۰۴ ساعت ۱۴:۰۵", datetime(2025, 8, 3, 14, 5)),
        ("jalali", "1404-05-12 02:05 ب.ظ", datetime(2025, 8, 3, 14, 5)),
        ("jalali", "1404-05-12 02:05 قبل از ظهر", datetime(2025, 8, 3, 2, 5)),
        ("jalali", "1404/05/12 2:05 بعدازظهر", datetime(2025, 8, 3, 14, 5)),
        ("jalali", "1403/12/30 ه.ش", datetime(2025, 3, 20)),
        ("hijri", "1447/01/01", datetime(2025, 6, 26)),
        ("hijri", "1 محرم 1447 هـ", datetime(2025, 6, 26)),
        ("hijri", "٠١/٠٩/١٤٤٦", datetime(2025, 3, 1)),
        ("hijri", "1 Ramadan 1446 AH", datetime(2025, 3, 1)),
        ("compact", "2026013114", datetime(2026, 1, 31, 14)),
        ("compact", "20260131 14:05:09", datetime(2026, 1, 31, 14, 5, 9)),
        ("epoch_seconds", "1.70000000012E+09", datetime(2023, 11, 14, 22, 13, 20, 120000)),
        ("epoch_seconds", "1.7E9", datetime(2023, 11, 14, 22, 13, 20)),
        ("epoch_milliseconds", "1,700000000E+12", datetime(2023, 11, 14, 22, 13, 20)),
        ("excel_serial", "46053", datetime(2026, 1, 31)),
        ("excel_serial", "46053.5869212963", datetime(2026, 1, 31, 14, 5, 10)),
        ("excel_serial", "46053,25", datetime(2026, 1, 31, 6)),
        ("excel_serial_1904", "44591", datetime(2026, 1, 31)),
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
        "20260230",
    ]
    words += [
        "сегодня",
        "вчера",
        "امروز",
        "دیروز",
        "اليوم",
        "TODAY()",
        "0000-00-00",
        "00/00/0000",
        "0000-00-00 00:00:00",
    ]
    words += ["31 January", "January 2026", "31 Janvember 2026", "31 january 2026 24:00", "31?january!2026", "2026"]
    if not time_format.endswith("_short"):
        words.append("31/01/26")
    found = read_times(pa.array(words), time_format, UNTIL)
    assert found.values.null_count == len(words)
    if time_format not in ("jalali", "hijri"):  # there the year 2026 is in the far future, not unreadable
        assert found.unreadable.all()


@pytest.mark.parametrize(
    ("time_format", "written"),
    [
        ("epoch_seconds", "1.7E+09"),  # a spreadsheet left digits out: the times are lost
        ("epoch_milliseconds", "1.70123E+12"),
        ("jalali", "1404/07/31"),  # the seventh month has 30 days
        ("jalali", "1402/12/30"),  # no leap year
        ("jalali", "1404/05/12 هـ"),  # says itself that it is the other calendar
        ("hijri", "1447/05/31"),
        ("hijri", "1447/05/12 ه.ش"),
        ("day_first", "31/01/2026 هـ"),
        ("iso", "2026-01-31 10:00 CST"),  # American, Chinese or Cuban
        ("iso", "2026-01-31 10:00[Europe/Atlantis]"),
        ("iso", "2026-01-31 13:05 PM"),
        ("iso", "2026-01-31 0:05 AM"),
        ("iso", "-2026-01-31"),
        ("month_name", "Janvember 31, 2026"),
        ("month_name", "31 января 2026 года назад"),
        ("month_name", "31 February 2026"),
        ("excel_serial", "4605"),
    ],
)
def test_what_no_calendar_has_and_what_was_lost_is_unreadable(time_format: str, written: str) -> None:
    found = read_times(pa.array([written, None]), time_format, UNTIL)
    assert (found.values.null_count, found.unreadable.tolist()) == (2, [True, False])


@pytest.mark.parametrize(("time_format", "far"), [("jalali", "1300/01/01"), ("hijri", "1300/01/01"), ("hijri", "1600/01/01"),
                                                  ("day_first_short", "31/01/45"), ("excel_serial", "12345")])  # fmt: skip
def test_years_out_of_range_are_told_in_every_calendar(time_format: str, far: str) -> None:
    found = read_times(pa.array([far]), time_format, UNTIL)
    assert (found.unreadable.tolist(), found.out_of_range.tolist()) == ([False], [True])


def test_the_range_is_named_in_years_of_the_calendar() -> None:
    # 1 January 1990 was 11 Dey 1368 and 4 Jumada II 1410; 31 December 2027 will be 10 Dey 1406 and 3 Shaban 1449.
    assert first_and_last_year("iso", 2027) == (1990, 2027)
    assert first_and_last_year("jalali", 2027) == (1368, 1406)
    assert first_and_last_year("hijri", 2027) == (1410, 1449)


def test_two_digits_that_two_years_in_range_end_with_are_unreadable() -> None:
    found = read_times(pa.array(["31/01/91", "31/01/50"]), "day_first_short", 2095)
    assert (found.unreadable.tolist(), found.values.to_pylist()) == ([True, False], [None, datetime(2050, 1, 31)])


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
        (["31/01/26", "01/02/26"], "day_first_short"),
        (["01/31/26", "02/01/26"], "month_first_short"),
        (["31.12.25", "30.12.25"], "day_first_short"),
        (["26-01-31", "26-01-30"], "year_first_short"),
        (["Jan 31, 2026"], "month_name"),
        (["31 января 2026 г."], "month_name"),
        (["1404/05/12", "1404/05/13"], "jalali"),
        (["۱۲ مرداد ۱۴۰۴"], "jalali"),
        (["1447/05/12"], "hijri"),
        (["5 رمضان 1446"], "hijri"),
    ],
)
def test_values_decide_on_the_format(values: list[str], time_format: str) -> None:
    guess = guess_time_format(pa.array(values), UNTIL)
    assert (guess.format, guess.ambiguous) == (time_format, False)


def said(guess: TimeGuess) -> str:
    return str(guess.evidence or "")


def test_evidence_names_the_value_that_shows_it() -> None:
    assert (
        said(guess_time_format(pa.array(["01/02/2026", "31/01/2026"]), UNTIL)) == '"31/01/2026" can only be day first'
    )
    assert (
        said(guess_time_format(pa.array(["01/02/2026", "01/31/2026"]), UNTIL)) == '"01/31/2026" can only be month first'
    )
    jalali = guess_time_format(pa.array(["۱۴۰۴/۰۵/۱۲"]), UNTIL)
    assert said(jalali) == '"1404/05/12" can only be a Jalali date; "1404/05/12" is 2025-08-03'
    assert str(jalali.reason).endswith(said(jalali))
    assert said(guess_time_format(pa.array(["1700000000"]), UNTIL)) == '"1700000000" is 2023-11-14 22:13:20'
    assert said(guess_time_format(pa.array(["2026-01-31"]), UNTIL)) == ""


@pytest.mark.parametrize(
    ("values", "time_format", "weak"),
    [
        (["01/02/2026", "02/02/2026", "01/03/2026"], "day_first", True),
        (["01/02/2026", "02/01/2026", "02/02/2026"], "month_first", True),
        (["02/02/2026", "02/01/2026", "01/02/2026"], "month_first", True),  # the newest first
        (["01/02/2026", "02/03/2026", "03/04/2026"], "day_first", False),  # in order either way
        (["03/04/2026", "01/02/2026", "02/03/2026"], "day_first", False),  # in no order
    ],
)
def test_order_of_the_rows_is_weak_evidence_and_said_to_be(values: list[str], time_format: str, weak: bool) -> None:
    guess = guess_time_format(pa.array(values), UNTIL)
    assert (guess.format, guess.ambiguous) == (time_format, True)
    assert ("weak evidence" in said(guess)) is weak
    assert {guess.format, guess.also} == {"day_first", "month_first"}
    assert guess.doubt is not None and str(guess.doubt).startswith("All values can be read as ")


def test_calendars_that_both_fit_are_said_to_be_ambiguous() -> None:
    """Until 2030 no year fits both; in 2035 Jalali 1411 is 2032 and Hijri 1411 was 1990."""
    values = pa.array(["1411/05/12", "1411/06/01"])
    assert guess_time_format(values, UNTIL).format == "hijri"
    later = guess_time_format(values, 2035)
    assert (later.format, later.also, later.ambiguous) == ("jalali", "hijri", True)
    by_day = guess_time_format(pa.array(["1411/05/12", "1411/05/31"]), 2035)  # only Jalali months have 31 days
    assert (by_day.format, by_day.ambiguous, by_day.also) == ("jalali", False, None)
    by_mark = guess_time_format(pa.array(["1411/05/12", "1411/05/13 هـ"]), 2035)
    assert (by_mark.format, by_mark.ambiguous) == ("hijri", False)


def test_days_as_spreadsheets_count_are_offered_for_sure_times_only() -> None:
    values = pa.array(["46053.5", "45000"])
    assert guess_time_format(values, UNTIL).format is None
    guess = guess_time_format(values, UNTIL, sure=True)
    assert (guess.format, guess.also, guess.ambiguous) == ("excel_serial", None, False)  # since 1904 it would be 2030
    older = guess_time_format(pa.array(["43000.5"]), UNTIL, sure=True)
    assert (older.format, older.also, older.ambiguous) == ("excel_serial", "excel_serial_1904", False)


def test_times_that_a_spreadsheet_rounded_are_told() -> None:
    guess = guess_time_format(pa.array(["1.7E+09", "1.70123E+09"]), UNTIL, sure=True)
    assert guess.format is None
    assert str(guess.reason).startswith('a spreadsheet rounded the times (first: "1.7E+09")')


def test_formats_that_look_like_versions_are_no_times_without_a_name() -> None:
    values = Values(pa.array(["10.04.21", "11.05.22"]))
    assert values.time.format == "day_first_short"
    assert values.calendar_time.format is None


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
    quick, careful = read_times(values, "iso", UNTIL, zone), reading._read_carefully(values, "iso", UNTIL, zone)
    assert quick.values.equals(careful.values)
    for mask in ("unreadable", "out_of_range", "naive"):
        assert getattr(quick, mask).tolist() == getattr(careful, mask).tolist(), mask


@pytest.mark.parametrize(
    "written", ["2026-01-31", "2026-01-31 14:05", "2026-01-31T14:05:09", "2026-01-31 14:05:09.25", "2026-01-31T14:05:09.123456Z"]
)  # fmt: skip
def test_columns_of_one_common_shape_are_read_the_quick_way(written: str) -> None:
    assert reading._read_plainly(pa.array([written, written]), UNTIL, "UTC") is not None
    assert reading._read_plainly(pa.array([written, "words"]), UNTIL, "UTC") is None


WRITTEN = {
    "iso": "%Y-%m-%d %H:%M:%S", "year_first": "%Y/%m/%d %H:%M:%S", "day_first": "%d.%m.%Y %H:%M:%S",
    "month_first": "%m/%d/%Y %I:%M:%S %p", "day_first_short": "%d/%m/%y %H:%M:%S", "month_first_short": "%m-%d-%y %H:%M:%S",
    "year_first_short": "%y.%m.%d %H:%M:%S", "compact": "%Y%m%dT%H%M%S", "month_name": "%a, %d %b %Y %H:%M:%S",
}  # fmt: skip
SCRIPTS = {"latin": "0123456789", "persian": "۰۱۲۳۴۵۶۷۸۹", "arabic": "٠١٢٣٤٥٦٧٨٩", "wide": "０１２３４５６７８９"}


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.datetimes(datetime(1990, 1, 1), datetime(2027, 12, 31)), min_size=1, max_size=4),
    st.sampled_from(list(WRITTEN)),
    st.sampled_from(list(SCRIPTS)),
    st.sampled_from(["", "\u200f", "\u202b"]),
)
def test_times_of_every_format_and_script_come_back(
    moments: list[datetime], time_format: str, script: str, mark: str
) -> None:
    whole = [moment.replace(microsecond=0) for moment in moments]
    digits = str.maketrans("0123456789", SCRIPTS[script])
    written = [mark + f"{moment:{WRITTEN[time_format]}}".translate(digits) + mark for moment in whole]
    assert times(written, time_format) == whole
    assert times([None, *written], time_format) == [None, *whole]


@settings(deadline=None, max_examples=200)
@given(st.datetimes(datetime(1990, 1, 1), datetime(2027, 12, 31)))
def test_times_of_other_calendars_come_back(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    jalali, hijri = JalaliDate(whole.date()), Gregorian.fromdate(whole.date()).to_hijri()
    assert times([f"{jalali.year}/{jalali.month:02}/{jalali.day:02} {whole:%H:%M:%S}"], "jalali") == [whole]
    assert times([f"{jalali:%d %B %Y} {whole:%H:%M:%S}"], "jalali") == [whole]
    assert times([f"{jalali.strftime('%d %B %Y', locale='fa')} {whole:%H:%M:%S}"], "jalali") == [whole]
    assert times([f"{whole:%H:%M:%S} {jalali.day}-{jalali.month}-{jalali.year}"], "jalali") == [whole]
    assert times([f"{hijri.year}-{hijri.month}-{hijri.day} {whole:%H:%M:%S}"], "hijri") == [whole]
    assert times([f"{hijri.day} {hijri.month_name('ar')} {hijri.year} هـ {whole:%H:%M:%S}"], "hijri") == [whole]
    assert times([f"{hijri.day} {hijri.month_name('en')} {hijri.year} AH {whole:%H:%M:%S}"], "hijri") == [whole]


@settings(deadline=None, max_examples=300)
@given(
    st.lists(
        st.one_of(st.none(), st.text("0123456789۱٤:/-. TZ+AMص[]()ه", max_size=24), st.text(max_size=8)), max_size=6
    )
)
def test_no_text_breaks_the_reading_or_is_lost(column: list[str | None]) -> None:
    column = [text and text.encode("utf-8", "replace").decode() for text in column]
    values = pa.array(["cut off", *column], pa.string())[1:]
    for time_format in TIME_FORMATS:
        found = read_times(values, time_format, UNTIL)
        null = found.values.is_null().to_numpy(zero_copy_only=False)
        assert (null == (found.unreadable | found.out_of_range | values.is_null().to_numpy(zero_copy_only=False))).all()
        assert not (found.unreadable & found.out_of_range).any()
    guess_time_format(values, UNTIL, sure=True)


def test_hostile_texts_are_unreadable_and_quick() -> None:
    hostile = [
        "9" * 10**6,
        ":" * 10**6,
        "1 " * 10**6,
        "\u200f" * 10**6,
        "(" * 10**5,
        "۱" * 10**6,
        "12:" * 10**5,
        "A" * 10**6,
    ]
    values = pa.array(hostile)
    for time_format in TIME_FORMATS:
        assert read_times(values, time_format, UNTIL).unreadable.all(), time_format
    assert guess_time_format(values, UNTIL, sure=True).format is None


DATA = os.environ.get("TOUCHLINE_TEST_DATA")


@pytest.mark.skipif(not DATA, reason="TOUCHLINE_TEST_DATA is not set")
@pytest.mark.parametrize(
    ("file", "column", "check", "time_format"),
    [
        ("persian_digits_jalali_dates_utf8bom.csv", "تاریخ", "gregorian_check", "jalali"),
        ("arabic_indic_digits_am_pm_arabic.csv", "التاريخ", "iso_check", "day_first"),
    ],
)
def test_real_exports_are_read_as_their_check_column_says(file: str, column: str, check: str, time_format: str) -> None:
    table = csv.read_csv(Path(str(DATA)) / "encodings" / file, convert_options=csv.ConvertOptions(
        column_types={column: pa.string(), check: pa.string()}))  # fmt: skip
    values = table[column].combine_chunks()
    assert guess_time_format(values, UNTIL).format == time_format
    assert times(values.to_pylist(), time_format) == [datetime.fromisoformat(said) for said in table[check].to_pylist()]
