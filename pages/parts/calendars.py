"""Days in the calendar of the reader: Gregorian, Jalali (Iran, Afghanistan), Hijri (Umm al-Qura), written and read."""

from __future__ import annotations

import datetime
from functools import lru_cache
from typing import Literal

import numpy as np
from babel.dates import get_month_names

from cx_metrics.reading import calendars, month_names
from cx_metrics.texts import N_

Calendar = Literal["gregorian", "jalali", "hijri"]
CALENDARS: dict[Calendar, str] = {
    "gregorian": N_("Gregorian"),
    "jalali": N_("Jalali (solar Hijri)"),
    "hijri": N_("Hijri (Umm al-Qura)"),
}
USUAL: dict[str, Calendar] = {"fa": "jalali"}  # of a language; else Gregorian
NAMES: dict[tuple[Calendar, str], tuple[str, ...]] = {
    ("jalali", "en"): ("Farvardin", "Ordibehesht", "Khordad", "Tir", "Mordad", "Shahrivar", "Mehr", "Aban", "Azar", "Dey", "Bahman",
                       "Esfand"),
    ("jalali", "fa"): ("فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند"),
    ("jalali", "ar"): ("فروردين", "أرديبهشت", "خرداد", "تير", "مرداد", "شهريور", "مهر", "آبان", "آذر", "دي", "بهمن", "إسفند"),
    ("jalali", "ru"): ("фарвардин", "ордибехешт", "хордад", "тир", "мордад", "шахривар", "мехр", "абан", "азер", "дей", "бахман",
                       "эсфанд"),
    ("hijri", "en"): ("Muharram", "Safar", "Rabi I", "Rabi II", "Jumada I", "Jumada II", "Rajab", "Shaban", "Ramadan", "Shawwal",
                      "Dhu al-Qadah", "Dhu al-Hijjah"),
    ("hijri", "fa"): ("محرم", "صفر", "ربیع‌الاول", "ربیع‌الثانی", "جمادی‌الاول", "جمادی‌الثانی", "رجب", "شعبان", "رمضان", "شوال",
                      "ذی‌قعده", "ذی‌حجه"),
    ("hijri", "ar"): ("محرم", "صفر", "ربيع الأول", "ربيع الآخر", "جمادى الأولى", "جمادى الآخرة", "رجب", "شعبان", "رمضان", "شوال",
                      "ذو القعدة", "ذو الحجة"),
    ("hijri", "ru"): ("мухаррам", "сафар", "раби I", "раби II", "джумада I", "джумада II", "раджаб", "шаабан", "рамадан",
                      "шавваль", "зуль-када", "зуль-хиджа"),
}  # fmt: skip
ERAS = {"en": "AH", "fa": "ق", "ar": "هـ", "ru": "г. х."}  # of a Hijri year, lest it is taken for a Jalali one
EPOCH = datetime.date(1970, 1, 1)
_LATIN = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")
_PARTING = str.maketrans(dict.fromkeys("/-.,،\u2066\u2067\u2068\u2069\u200e\u200f", " "))
_LONGEST_YEAR = 4  # digits
_FIRST_GREGORIAN_YEAR = 1700  # a year of four digits from here on is of no other calendar


@lru_cache(maxsize=4096)
def parts(day: datetime.date, calendar: Calendar) -> tuple[int, int, int] | None:
    """Year, month and day; None beyond the years that are known of the calendar (Jalali 1278–1479, Hijri 1343–1500)."""
    if calendar == "gregorian":
        return day.year, day.month, day.day
    convert = calendars.to_jalali if calendar == "jalali" else calendars.to_hijri
    year, month, number = (int(part[0]) for part in convert(np.array([(day - EPOCH).days], np.int64)))
    return (year, month, number) if year else None


def month_name(month: int, calendar: Calendar, language: str, standing_alone: bool = False) -> str:
    """The month of that number in a calendar, in the reader's language; Gregorian ones shortened."""
    if calendar == "gregorian":
        how = "stand-alone" if standing_alone else "format"
        name = str(get_month_names("abbreviated", how, language)[month])
        return name.rstrip(".") if standing_alone else name
    return NAMES[calendar, language][month - 1]


def typed(day: datetime.date, calendar: Calendar) -> str:
    """A day as one types it, year first: 1405/07/09. Beyond the years of the calendar in the Gregorian one."""
    year, month, number = parts(day, calendar) or parts(day, "gregorian") or (day.year, day.month, day.day)
    return f"{year:04d}/{month:02d}/{number:02d}"


def read(text: str, calendar: Calendar) -> datetime.date | None:
    """The day that somebody typed: year first in any digits (1405/7/9, ۱۴۰۵-۰۷-۰۹), or with the name of the month (9 Mehr 1405).

    A name of a month says its calendar, and so does a year from 1700 on; else it is the reader's. None where it is no day.
    """
    words = text.translate(_LATIN).translate(_PARTING).split()
    numbers = [word for word in words if word.isdecimal() and len(word) <= _LONGEST_YEAR]
    others = [word for word in words if word not in numbers]
    named = month_names.month(" ".join(others)) if others else None
    if named is not None and len(numbers) == 2:
        number, year = sorted(numbers, key=len)
        return _day(named[0], int(year), named[1], int(number))  # type: ignore[arg-type]
    if named is None and len(numbers) == 3 == len(words) and len(numbers[0]) == 4:
        year, month, number = numbers
        return _day("gregorian" if int(year) >= _FIRST_GREGORIAN_YEAR else calendar, int(year), int(month), int(number))
    return None


def _day(calendar: Calendar, year: int, month: int, number: int) -> datetime.date | None:
    if calendar == "gregorian" and not 1 <= year <= 9_999:
        return None
    count = {"gregorian": calendars.gregorian_days, "jalali": calendars.jalali_days, "hijri": calendars.hijri_days}[
        calendar
    ]
    days, good = count(*(np.array([part], np.int64) for part in (year, month, number)))
    return EPOCH + datetime.timedelta(days=int(days[0])) if good[0] and days[0] != calendars.NO_DAY else None
