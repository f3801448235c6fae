"""What a cell of a workbook holds, as text: exact numbers, dates as dates, whatever the format shows of them."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache

DAY = 86_400_000  # milliseconds; a serial number holds no more
LAST_DAY = 2_958_465  # 9999-12-31
LONGEST = 10**15  # beyond it a double no longer holds each whole number
NUMBER, DATE, TIME, MOMENT, DURATION = "number", "date", "time", "moment", "duration"

_BUILT_IN = {
    **dict.fromkeys([*range(14, 18), *range(27, 32), *range(34, 37), *range(50, 59)], DATE),
    **dict.fromkeys([18, 19, 20, 21, 32, 33, 45, 47], TIME),
    22: MOMENT,
    46: DURATION,
}
_SAID = re.compile(r'"[^"]*"|\\.|_.|\*.|\[\$[^\]]*\]')  # words that a format shows as they are
_SPAN = re.compile(r"\[(h+|m+|s+)\]")
_BRACKETS = re.compile(r"\[[^\]]*\]")
_WHOLE = re.compile(r"0|-?[1-9]\d*")


def kind_of_format(number: int, code: str | None) -> str:
    """What values with this number format are: numbers, dates, times of day, moments or durations."""
    if code is None:
        return _BUILT_IN.get(number, NUMBER)
    shown = _SAID.sub("", code.split(";")[0]).lower()
    if _SPAN.search(shown):
        return DURATION
    shown = _BRACKETS.sub("", shown).replace("general", "")
    half_days = "am/pm" in shown or "a/p" in shown
    shown = shown.replace("am/pm", "").replace("a/p", "")
    if re.search(r"[0#?]e[+-]", shown):
        return NUMBER
    clock = half_days or "h" in shown or "s" in shown
    day = "y" in shown or "d" in shown or "mmm" in shown or ("m" in shown and not clock)
    if day:
        return MOMENT if clock else DATE
    return TIME if clock else NUMBER


def number_text(written: str) -> str:
    """The number a cell holds, in the shortest form that is exact, without an exponent; what is no number stays as it is."""
    if (written.isdecimal() and written.isascii() and (written[0] != "0" or written == "0")) or _WHOLE.fullmatch(
        written
    ):
        return written
    try:
        value = float(written)
    except ValueError:
        return written
    if value != value or value in (float("inf"), float("-inf")):
        return written
    shortest = repr(value)
    if "e" not in shortest and abs(value) < LONGEST:
        return shortest.removesuffix(".0") if value else "0"
    try:
        exact = Decimal(written) if abs(value) >= LONGEST else Decimal(shortest)
    except InvalidOperation:
        return written
    if exact == exact.to_integral_value():
        return format(exact.to_integral_value(), "f") if exact else "0"
    return format(exact.normalize(), "f")


def date_text(written: str, kind: str, from_1904: bool) -> str:
    """A serial number as ISO text: a day, a time of day, both, or hours, minutes and seconds that passed."""
    try:
        value = float(written)
    except ValueError:
        return written
    if not -LAST_DAY <= value <= LAST_DAY + 1 or (value < 0 and kind != DURATION):
        return number_text(written)
    thousandths = round(abs(value) * DAY)
    days, rest = divmod(thousandths, DAY)
    if kind == DURATION:
        sign = "-" if value < 0 and thousandths else ""
        return f"{sign}{days * 24 + rest // 3_600_000:02}{_clock(rest)[2:]}"
    if days == 0 and not from_1904:
        return _clock(rest) if rest or kind == TIME else number_text(written)
    if days == 0 and kind == TIME:
        return _clock(rest)
    day = _day(days, from_1904)
    if day is None:
        return number_text(written)
    return day if kind == DATE and rest == 0 else f"{day} {_clock(rest)}"


@lru_cache(maxsize=20_000)
def _day(days: int, from_1904: bool) -> str | None:
    """The day with this number; none is 1900-02-29, which only a spreadsheet knows."""
    if from_1904:
        first = dt.date(1904, 1, 1)
    elif days == 60:
        return None
    else:
        first = dt.date(1899, 12, 31 if days < 60 else 30)
    try:
        return (first + dt.timedelta(days)).isoformat()
    except OverflowError:
        return None


def _clock(thousandths: int) -> str:
    seconds, rest = divmod(thousandths, 1000)
    return f"{_seconds(seconds)}.{rest:03}" if rest else _seconds(seconds)


@lru_cache(maxsize=86_400)
def _seconds(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
