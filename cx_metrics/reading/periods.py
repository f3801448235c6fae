"""Periods as column names say them: 2026-01, Jan 2026, Январь 2026, يناير 2026, 01/2026."""

from __future__ import annotations

import re
from functools import cache

import pyarrow as pa

from cx_metrics.reading.signs import in_plain_signs
from cx_metrics.reading.words import fold

_MONTHS = (
    "january jan январь января янв يناير كانون_الثاني ژانویه",
    "february feb февраль февраля фев فبراير شباط فوریه",
    "march mar март марта мар مارس آذار",
    "april apr апрель апреля апр أبريل ابريل نيسان آوریل",
    "may май мая مايو أيار مه",
    "june jun июнь июня июн يونيو حزيران ژوئن",
    "july jul июль июля июл يوليو تموز ژوئیه",
    "august aug август августа авг أغسطس آب اوت",
    "september sep sept сентябрь сентября сен сент سبتمبر أيلول سپتامبر",
    "october oct октябрь октября окт أكتوبر تشرين_الأول اکتبر",
    "november nov ноябрь ноября ноя نوفمبر تشرين_الثاني نوامبر",
    "december dec декабрь декабря дек ديسمبر كانون_الأول دسامبر",
)
_YEAR_MONTH = re.compile(r"(\d{4})[-/.\s]?(0?[1-9]|1[0-2])")
_MONTH_YEAR = re.compile(r"(0?[1-9]|1[0-2])[-/.](\d{4})")
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_NAMED = re.compile(r"([^\W\d]+(?: [^\W\d]+)?)\.?,?[\s\-_/']*(\d{4}|\d{2})")
_NAMED_LAST = re.compile(r"(\d{4})[\s\-_/]*([^\W\d]+(?: [^\W\d]+)?)\.?")
_QUARTER = re.compile(r"(?:q([1-4])[\s\-_/]*(\d{4})|(\d{4})[\s\-_/]*q([1-4]))")


@cache
def _months() -> dict[str, int]:
    return {fold(name.replace("_", " ")): n for n, names in enumerate(_MONTHS, 1) for name in names.split()}


def period_of(header: str) -> str | None:
    """The period a column name says, as `shapes.period` reads it; None where it says none, or no year."""
    plain = fold(in_plain_signs(pa.array([header]))[0].as_py())
    if found := _DAY.fullmatch(plain):
        return plain
    if found := _YEAR_MONTH.fullmatch(plain):
        return _month(found[1], int(found[2]))
    if found := _MONTH_YEAR.fullmatch(plain):
        return _month(found[2], int(found[1]))
    if found := _QUARTER.fullmatch(plain):
        year, quarter = found[2] or found[3], int(found[1] or found[4])
        return f"{year}-{quarter * 3 - 2:02d}-01/{year}-{quarter * 3:02d}-{(31, 30, 30, 31)[quarter - 1]}"
    if (found := _NAMED.fullmatch(plain)) and (month := _months().get(found[1])):
        return _month(found[2] if len(found[2]) == 4 else f"20{found[2]}", month)
    if (found := _NAMED_LAST.fullmatch(plain)) and (month := _months().get(found[2])):
        return _month(found[1], month)
    return None


def _month(year: str, month: int) -> str | None:
    return f"{year}-{month:02d}" if 1990 <= int(year) <= 2100 else None
