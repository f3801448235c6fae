"""Days of three calendars, whole columns at once: Gregorian, Jalali (Iran, Afghanistan) and Umm al-Qura (Saudi Arabia).

A day is a number here: days since 1970-01-01. Jalali leap years follow the rule of 33 years, which is the calendar as it
was and will be kept in all years offered. Umm al-Qura months follow no rule; their lengths are listed as they were published
(King Abdulaziz City for Science and Technology; for the years before 1356 as newspapers carried them).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from cx_metrics.reading.report import Mask

Numbers = npt.NDArray[np.int64]

JALALI_YEARS = (1278, 1479)  # 1900 to 2100
HIJRI_YEARS = (1343, 1500)  # 1924-08-01 to 2077-11-16
NO_DAY = -1_000_000  # a day of a year that no calendar here offers: out of any range

_NOWRUZ_1404 = 20_168  # 2025-03-21
_MUHARRAM_1343 = -16_589  # 1924-08-01
_BEFORE = np.array(
    [0, 31, 62, 93, 124, 155, 186, 216, 246, 276, 306, 336], np.int64
)  # days of a Jalali year before its months

# Each year: its twelve months, two bits each, as days beyond 28.
_HIJRI_LENGTHS = (
    "9a6a2a 599999 99d8a6 5a6969 5a69a5 999a5c 999a8e 6659a6 9995a6 999999 9a6696 666999 9999a6 599a59 99999a a65969 a99659 "
    "99999a 999999 999999 99999a 9998a9 99999a 999999 999999 99999a 999a69 999999 99666a 66659a 666666 999a5a 999969 65a999 "
    "96669a 999999 666666 999999 9a6599 9a6966 669999 999999 9a59a9 a5999a 59999a 699999 99999a 999a65 99999a 59999a 99599a "
    "999969 9a6599 9a9966 669999 999a66 666669 a6599a 666599 a99966 6a6659 69a996 5a6999 9999a6 666666 999966 9a6659 9a9996 "
    "669a65 969a99 65a69a 5966a6 6659a6 999966 99a665 99a999 6669a6 659aa6 595aa6 9656a6 999666 9a6599 9a6699 6669a6 599a69 "
    "965a9a 65969a 696666 699996 6a6665 9a6999 6669a5 9999a6 666666 9a5996 9a9659 9a9996 66a665 99a699 666699 99999a 669666 "
    "6a6596 6a6965 9a9999 669a66 599a69 996669 a65999 a99666 6a5999 6a6666 5a6699 9666a6 65969a 9965a6 a65969 a6665a 669999 "
    "9999a6 659a69 99666a 66596a 999666 9a6599 9a6666 5a69a5 9699a9 659a69 999669 9a6599 a69966 66a659 66a696 59a6a5 9669a6 "
    "6599a6 696666 69a659 9a6996 5a6a65 969a69 65a66a 59999a 66659a 699966 6a6659 9a6996 66699a 5999a6 9665a6 a59666 a66599 "
    "a99966 69a599 99a666 666669 a5966a"
)


def _month_starts() -> Numbers:
    """The first day of each Umm al-Qura month from 1343-01 on, and the day after the last one."""
    lengths = [
        28 + (int(year, 16) >> 2 * month & 3) for year in _HIJRI_LENGTHS.split() for month in reversed(range(12))
    ]
    return np.concatenate([[_MUHARRAM_1343], _MUHARRAM_1343 + np.cumsum(lengths)])


_HIJRI_STARTS = _month_starts()


def gregorian_days(year: Numbers, month: Numbers, day: Numbers) -> tuple[Numbers, Mask]:
    """The days, and which of them there are."""
    good = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + np.where(good, day - 1, 0)
    return days.astype(np.int64), good & (days.astype("datetime64[M]") == months)


def jalali_days(year: Numbers, month: Numbers, day: Numbers) -> tuple[Numbers, Mask]:
    """The days, and which of them there are; a day of a year that is not offered is `NO_DAY`."""
    length = np.where(month <= 6, 31, np.where((month < 12) | _is_leap(year), 30, 29))
    good = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1) & (day <= length)
    days = _nowruz(year) + _BEFORE[np.where(good, month - 1, 0)] + day - 1
    offered = (year >= JALALI_YEARS[0]) & (year <= JALALI_YEARS[1])
    return np.where(good & offered, days, NO_DAY), good


def hijri_days(year: Numbers, month: Numbers, day: Numbers) -> tuple[Numbers, Mask]:
    """The days, and which of them there are; a day of a year that is not offered is `NO_DAY`."""
    month_is = (year >= 1) & (month >= 1) & (month <= 12)
    offered = month_is & (year >= HIJRI_YEARS[0]) & (year <= HIJRI_YEARS[1])
    place = np.where(offered, (year - HIJRI_YEARS[0]) * 12 + month - 1, 0)
    length = np.where(offered, _HIJRI_STARTS[place + 1] - _HIJRI_STARTS[place], 30)
    good = month_is & (day >= 1) & (day <= length)
    return np.where(good & offered, _HIJRI_STARTS[place] + day - 1, NO_DAY), good


def to_jalali(days: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Year, month and day; all 0 for a day of a year that is not offered."""
    year = 1404 + (days - _NOWRUZ_1404) * 33 // 12_053  # 33 years are 12,053 days
    year = year - (days < _nowruz(year)) + (days >= _nowruz(year + 1))
    of_year = days - _nowruz(year)
    month = np.searchsorted(_BEFORE, of_year, side="right")
    day = of_year - _BEFORE[month - 1] + 1
    offered = (year >= JALALI_YEARS[0]) & (year <= JALALI_YEARS[1])
    return np.where(offered, year, 0), np.where(offered, month, 0), np.where(offered, day, 0)


def to_hijri(days: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Year, month and day; all 0 for a day of a year that is not offered."""
    offered = (days >= _HIJRI_STARTS[0]) & (days < _HIJRI_STARTS[-1])
    place = np.where(offered, np.searchsorted(_HIJRI_STARTS, days, side="right") - 1, 0)
    year, month, day = HIJRI_YEARS[0] + place // 12, place % 12 + 1, days - _HIJRI_STARTS[place] + 1
    return np.where(offered, year, 0), np.where(offered, month, 0), np.where(offered, day, 0)


def _nowruz(year: Numbers) -> Numbers:
    """The first day of a Jalali year."""
    return _NOWRUZ_1404 + 365 * (year - 1404) + (8 * year + 21) // 33 - (8 * 1404 + 21) // 33


def _is_leap(year: Numbers) -> Mask:
    leap: Mask = (8 * year + 21) % 33 >= 25
    return leap
