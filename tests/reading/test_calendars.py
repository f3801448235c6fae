"""Days of the Jalali and the Umm al-Qura calendar, against known days and against libraries, day by day."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pytest
from hijridate import Gregorian, Hijri
from persiantools.jdatetime import JalaliDate

from cx_metrics.reading.calendars import NO_DAY, gregorian_days, hijri_days, jalali_days, to_hijri, to_jalali
from cx_metrics.reading.month_names import GREGORIAN, HIJRI, JALALI, era, is_weekday, month
from cx_metrics.reading.zones import _HOURS, zone_of

EPOCH = date(1970, 1, 1)
DAYS = {JALALI: jalali_days, HIJRI: hijri_days, GREGORIAN: gregorian_days}


def days_between(first: date, last: date) -> np.ndarray:
    return np.arange((first - EPOCH).days, (last - EPOCH).days + 1, dtype=np.int64)


def columns(dates: list[tuple[int, int, int]]) -> list[np.ndarray]:
    return list(np.array(dates, np.int64).T)


@pytest.mark.parametrize(
    ("calendar", "written", "meant"),
    [
        (JALALI, (1404, 1, 1), date(2025, 3, 21)),  # Nowruz
        (JALALI, (1403, 12, 30), date(2025, 3, 20)),  # 1403 is a leap year
        (JALALI, (1399, 12, 30), date(2021, 3, 20)),
        (JALALI, (1357, 11, 22), date(1979, 2, 11)),  # the revolution in Iran
        (JALALI, (1408, 12, 30), date(2030, 3, 20)),  # five years after the leap year before
        (HIJRI, (1446, 9, 1), date(2025, 3, 1)),  # Ramadan as announced in Saudi Arabia
        (HIJRI, (1446, 10, 1), date(2025, 3, 30)),  # Eid
        (HIJRI, (1447, 1, 1), date(2025, 6, 26)),
        (HIJRI, (1343, 1, 1), date(1924, 8, 1)),
        (HIJRI, (1500, 12, 30), date(2077, 11, 16)),
    ],
)
def test_known_days_are_those_days(calendar: str, written: tuple[int, int, int], meant: date) -> None:
    days, good = DAYS[calendar](*columns([written]))
    assert (EPOCH + timedelta(int(days[0])), bool(good[0])) == (meant, True)


def test_every_jalali_day_of_two_centuries_is_that_of_persiantools() -> None:
    days = days_between(date(1900, 1, 1), date(2100, 12, 31))
    ours = np.stack(to_jalali(days))
    found = [JalaliDate(EPOCH + timedelta(int(day))) for day in days]
    assert np.array_equal(ours, np.array([(d.year, d.month, d.day) for d in found]).T)
    back, good = jalali_days(*ours)
    assert np.array_equal(back, days) and good.all()


def test_every_umm_al_qura_day_there_is_is_that_of_hijridate() -> None:
    days = days_between(date(1924, 8, 1), date(2077, 11, 16))
    ours = np.stack(to_hijri(days))
    found = [Gregorian.fromdate(EPOCH + timedelta(int(day))).to_hijri() for day in days]
    assert np.array_equal(ours, np.array([(d.year, d.month, d.day) for d in found]).T)
    back, good = hijri_days(*ours)
    assert np.array_equal(back, days) and good.all()


def test_days_that_are_in_no_calendar_are_refused() -> None:
    """Every number of a day from 0 to 32 of every month, against the lengths of the libraries."""
    for year in (1398, 1399, 1400, 1403, 1404, 1408):
        dates = [(year, m, d) for m in range(14) for d in range(33)]
        length = {m: JalaliDate.days_in_month(m, year) for m in range(1, 13)}
        assert jalali_days(*columns(dates))[1].tolist() == [1 <= d <= length.get(m, 0) for _, m, d in dates]
    for year in (1364, 1446, 1447, 1448):
        dates = [(year, m, d) for m in range(14) for d in range(33)]
        length = {m: Hijri(year, m, 1).month_length() for m in range(1, 13)}
        assert hijri_days(*columns(dates))[1].tolist() == [1 <= d <= length.get(m, 0) for _, m, d in dates]


def test_a_year_beyond_the_calendars_is_no_day_but_no_error() -> None:
    for convert in (jalali_days, hijri_days):
        days, good = convert(*columns([(1, 1, 1), (9999, 1, 1), (0, 1, 1)]))
        assert (days.tolist(), good.tolist()) == ([NO_DAY] * 3, [True, True, False])
    for back in (to_jalali, to_hijri):
        assert np.stack(back(np.array([NO_DAY, 10**7]))).tolist() == [[0, 0]] * 3


@pytest.mark.parametrize(
    ("phrase", "meant"),
    [
        (" January ", (GREGORIAN, 1)),
        ("Sept.", (GREGORIAN, 9)),
        ("Saturday, May", (GREGORIAN, 5)),
        (" de enero de ", (GREGORIAN, 1)),
        ("août", (GREGORIAN, 8)),
        ("Mrz", (GREGORIAN, 3)),
        ("янв.", (GREGORIAN, 1)),
        ("мая", (GREGORIAN, 5)),
        ("كانون الثاني", (GREGORIAN, 1)),
        ("تشرين الأول/أكتوبر", (GREGORIAN, 10)),
        ("إبريل", (GREGORIAN, 4)),
        ("ژانویه", (GREGORIAN, 1)),
        ("مرداد ماه", (JALALI, 5)),
        ("سه‌شنبه، اسفند", (JALALI, 12)),
        ("Mordad", (JALALI, 5)),
        ("ربيع الأول", (HIJRI, 3)),
        ("ربیع‌الاول", (HIJRI, 3)),
        ("جمادى الآخرة", (HIJRI, 6)),
        ("ذو القعدة", (HIJRI, 11)),
        ("Ramadan", (HIJRI, 9)),
        ("كانون الثاني/فبراير", None),  # two names of different months
        ("Janvember", None),
        ("Monday", None),
        ("", None),
    ],
)
def test_month_is_known_by_its_name(phrase: str, meant: tuple[str, int] | None) -> None:
    assert month(phrase) == meant


def test_days_of_the_week_and_eras_are_known_by_name() -> None:
    assert all(map(is_weekday, ["", "Mon,", "الثلاثاء", "سه شنبه", "вт", "jeudi", "miércoles"]))
    assert not any(map(is_weekday, ["Month", "after", "января"]))
    assert [era(said) for said in (" هـ", "ه.ش", "г.", "AH", "SH", "م", " ", "x")] == [
        HIJRI, JALALI, GREGORIAN, HIJRI, JALALI, GREGORIAN, "", None,
    ]  # fmt: skip


def test_abbreviations_of_zones_mean_one_offset_in_the_whole_world() -> None:
    """Against the tz database, since 1991. Manila, too, says PST; headers of mails (RFC 5322) know it as Pacific time only."""
    offsets: dict[str, set[float]] = {}
    for name in sorted(available_timezones()):
        if "/" not in name or name.startswith("Etc/"):
            continue
        for year in range(1991, 2027):
            for month_ in (1, 4, 7, 10):
                then = datetime(year, month_, 15, tzinfo=ZoneInfo(name))
                offsets.setdefault(str(then.tzname()).casefold(), set()).add(then.utcoffset() / timedelta(hours=1))
    for name in ("cst", "cdt", "ist"):
        assert len(offsets[name]) > 1 and zone_of(name) is None
    for name, hours in _HOURS.items():
        if name in offsets and name not in ("pst", "kst"):
            assert offsets[name] == {hours}, name
    assert offsets["pst"] == {-8, 8} and offsets["kst"] == {8.5, 9}  # the latter in North Korea, for three years


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Z", 0), ("UTC", 0), ("GMT+3", 10_800), ("UTC-03:30", -12_600), ("+0530", 19_800), ("-08", -28_800), ("EST", -18_000),
        ("GMT+0300 (Moscow Standard Time)", 10_800), ("+01:00[Europe/Berlin]", 3600), ("[Europe/Berlin]", "Europe/Berlin"),
        ("(UTC+3)", 10_800), ("Asia/Tehran", "Asia/Tehran"), ("MSK", "Europe/Moscow"), ("Etc/GMT+3", "Etc/GMT+3"),
        ("CST", None), ("IST", None), ("+15:00", None), ("+03:60", None), ("[Europe/Atlantis]", None), ("[]", None),
        ("((Z))", None),
    ],
)  # fmt: skip
def test_zone_is_read_or_refused(written: str, meant: int | str | None) -> None:
    assert zone_of(written) == meant
