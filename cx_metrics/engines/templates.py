"""A compiled query as a template: names and instants that stood in when it was compiled give way to those that are asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta

from cx_metrics.view import EPOCH, STAND_INS

MARKS = [mark for day in STAND_INS for mark in (day.year, day.toordinal() - EPOCH, day.toordinal() - EPOCH + 1)]
SAYS_A_DAY = re.compile(r"\b(" + "|".join(map(str, MARKS)) + r")\b")


def filled(
    sql: str, values: Mapping[str, str], instants: Mapping[str, str] | None, literal: Callable[[str], str]
) -> str | None:
    """The query with `values` in the places of their placeholders and `instants` (microseconds, as numbers are written, and days
    as 2026-03-30) in those of the ones that stand in: instants as numbers or as timestamps are made, days as dates are made. None
    where it names a day that stands in in another form too, as a text or counted from 1970.

    `literal` is how the engine writes a text.
    """
    if instants:
        numbers = {there: here for there, here in instants.items() if not is_day(there)}
        places = numbers | {as_made(there): as_made(here) for there, here in instants.items()}
        stood_in = re.compile("|".join(rf"\b{re.escape(place)}(?!\w)" for place in places))
        if SAYS_A_DAY.search(stood_in.sub("", sql)):
            return None
        sql = stood_in.sub(lambda found: places[found[0]], sql)
    if values:  # in one go, so that no value is taken for a placeholder
        literals = {literal(place): literal(value) for place, value in values.items()}
        sql = re.sub("|".join(map(re.escape, literals)), lambda found: literals[found[0]], sql)
    return sql


def renamed(sql: str, then: Sequence[str], now: Sequence[str]) -> str:
    """The query with the lent tables of `now` in the places of those that it was compiled with."""
    if then == now:
        return sql
    names = dict(zip(then, now, strict=True))
    return re.sub("|".join(rf"\b{re.escape(name)}\b" for name in names), lambda found: names[found[0]], sql)


def is_day(place: str) -> bool:
    """Is it a day, and no instant?"""
    return "-" in place[1:]


def as_made(place: str) -> str:
    """An instant as a compiled query writes a timestamp, a day as it writes a date.

    >>> as_made("1774828800000000"), as_made("2026-03-30")
    ('MAKE_TIMESTAMP(2026, 3, 30, 0, 0, 0.0)', 'MAKE_DATE(2026, 3, 30)')
    """
    if is_day(place):
        day = date.fromisoformat(place)
        return f"MAKE_DATE({day.year}, {day.month}, {day.day})"
    at = datetime(1970, 1, 1) + timedelta(microseconds=int(place))
    return (
        f"MAKE_TIMESTAMP({at.year}, {at.month}, {at.day}, {at.hour}, {at.minute}, {at.second + at.microsecond / 1e6})"
    )
