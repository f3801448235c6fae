"""Days in the calendar of the reader: against the libraries of each calendar, and as people type them."""

from __future__ import annotations

import datetime

import pytest
from hijridate import Gregorian
from hypothesis import given, settings
from hypothesis import strategies as st
from persiantools.jdatetime import JalaliDate

from pages.parts import calendars
from pages.parts.calendars import CALENDARS, NAMES, Calendar
from pages.parts.language import LANGUAGES, PageReader

NOWRUZ = datetime.date(2026, 3, 21)  # 1 Farvardin 1405
DAYS = st.dates(datetime.date(1930, 1, 1), datetime.date(2075, 1, 1))


@settings(deadline=None)
@given(DAYS)
def test_every_day_is_that_of_the_libraries(day: datetime.date) -> None:
    jalali, hijri = JalaliDate(day), Gregorian(day.year, day.month, day.day).to_hijri()
    assert calendars.parts(day, "jalali") == (jalali.year, jalali.month, jalali.day)
    assert calendars.parts(day, "hijri") == (hijri.year, hijri.month, hijri.day)


@settings(deadline=None)
@given(DAYS, st.sampled_from(list(CALENDARS)), st.sampled_from(list(LANGUAGES)))
def test_what_is_written_is_read_again(day: datetime.date, calendar: Calendar, language: str) -> None:
    reader = PageReader(language, calendar=calendar)
    assert calendars.read(reader.typed(day), calendar) == day


@pytest.mark.parametrize(
    ("text", "calendar", "day"),
    [
        ("1405/1/1", "jalali", NOWRUZ),
        ("۱۴۰۵-۰۱-۰۱", "jalali", NOWRUZ),
        ("۱ فروردین ۱۴۰۵", "gregorian", NOWRUZ),
        ("1 Farvardin 1405", "hijri", NOWRUZ),
        ("2026-03-21", "jalali", NOWRUZ),  # no Jalali year is as late
        ("21 مارس 2026", "hijri", NOWRUZ),
        ("1447/9/1", "hijri", datetime.date(2026, 2, 18)),  # the first of Ramadan in Saudi Arabia
        ("١ رمضان ١٤٤٧", "hijri", datetime.date(2026, 2, 18)),
        ("", "jalali", None),
        ("1405", "jalali", None),
        ("yesterday", "jalali", None),
        ("1405/13/1", "jalali", None),
        ("1405/²/1", "jalali", None),  # a digit that is no number
        ("9" * 5_000 + "/1/1", "jalali", None),
        ("1405/12/30", "jalali", None),  # no leap year
        ("1/1/1405", "jalali", None),  # year first: no guess
        ("1405/1/1/1", "jalali", None),
        ("0000/01/01", "gregorian", None),
    ],
)
def test_days_as_people_type_them(text: str, calendar: Calendar, day: datetime.date | None) -> None:
    assert calendars.read(text, calendar) == day


def test_each_calendar_has_twelve_names_in_every_language() -> None:
    for language in LANGUAGES:
        for calendar in ("jalali", "hijri"):
            assert len(set(NAMES[calendar, language])) == 12
            assert calendars.ERAS[language]


def test_days_beyond_the_known_years_stay_gregorian() -> None:
    assert PageReader("en", calendar="hijri").date(datetime.date(1900, 5, 4)) == "4 May 1900"
    assert PageReader("en", calendar="hijri").typed(datetime.date(1900, 5, 4)) == "1900/05/04"


def test_a_hijri_year_says_so() -> None:
    assert PageReader("en", calendar="hijri").date(datetime.date(2026, 2, 18)) == "1 Ramadan 1447 AH"
    assert PageReader("ar", calendar="hijri").date(datetime.date(2026, 2, 18)) == "١ رمضان ١٤٤٧ هـ"
    assert PageReader("fa", digits="latin").date(NOWRUZ) == "1 فروردین 1405"
