"""Times as people write them: a day of some calendar, a time of day, perhaps a zone.

Times of day are found for the whole column at once. What stands around them repeats (a log of a year has some hundred days),
so each different text is read once, with the day of the week, the name of the month, the era and the zone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.aliases import words
from cx_metrics.reading.calendars import gregorian_days, hijri_days, jalali_days
from cx_metrics.reading.clocks import find_clocks
from cx_metrics.reading.month_names import GREGORIAN, HIJRI, JALALI, era, is_weekday, month
from cx_metrics.reading.pieces import different, different_pairs
from cx_metrics.reading.report import Mask
from cx_metrics.reading.zones import AFTER_CLOCK

Numbers = npt.NDArray[np.int64]
Written = tuple[str, int, int]  # the digits of the year, the month, the day


@dataclass(frozen=True)
class Shape:
    """How dates of one format look: the orders of year, month and day, the signs between them, the digits of a year."""

    orders: tuple[str, ...] = ()
    signs: str = ""
    year_digits: int = 4
    calendar: str = GREGORIAN
    named: bool = False  # the month may be a name
    together: bool = False  # no signs stand between the numbers


SHAPES: Mapping[str, Shape] = MappingProxyType({
    "iso": Shape(("ymd",), "-"),
    "year_first": Shape(("ymd",), "/."),
    "day_first": Shape(("dmy",), "/.-"),
    "month_first": Shape(("mdy",), "/-"),
    "month_name": Shape(named=True),
    "day_first_short": Shape(("dmy",), "/.-", 2),
    "month_first_short": Shape(("mdy",), "/-", 2),
    "year_first_short": Shape(("ymd",), "/.-", 2),
    "compact": Shape(together=True),
    "jalali": Shape(("ymd", "dmy"), "/.-", calendar=JALALI, named=True),
    "hijri": Shape(("ymd", "dmy"), "/.-", calendar=HIJRI, named=True),
})  # fmt: skip
_DAYS = {GREGORIAN: gregorian_days, JALALI: jalali_days, HIJRI: hijri_days}

MOST_LETTERS = 150  # bytes; what is longer is no date
_MARK = r"[AaPp]\.?[Mm]\b\.?|صباح[\w\u064b-\u0652]*|مساء[\w\u064b-\u0652]*|[قب]\.? ?ظ\.?|(?:قبل|بعد) ?از ?ظهر|[صم]"
_BEFORE_CLOCK = re.compile(r"(.*?)(?:[ ,]+(?:(?:at|um|à|в|ساعت|الساعة|-) )?|T ?)")
_BEHIND_CLOCK = re.compile(rf"(?: ?({_MARK}))?(?: ?({AFTER_CLOCK}))?(?: ([0-9]{{4}}))?")
_DATE_BEHIND = re.compile(rf"(?: ?({_MARK}))?(?: ?- ?|[ ,]+)(\S.*)")
_ZONE_OF_DAY = re.compile(r"(.*[^ ]) ?(\+[0-9]{2,4}|[Zz]|UTC|GMT)")
# 20260131T1405, 20260131140509.5Z: a clock without colons
_COMPACT = r"^([0-9]{8})[T ]?([0-9]{2})([0-9]{2})((?:[0-9]{2}(?:\.[0-9]{1,9})?)?(?:[+-][0-9]{4}|Z)?)$"
_HOUR_ONLY = r"^([0-9]{8})[T ]?([0-9]{2})$"
_TOGETHER = re.compile(r"[0-9]{8}")
_NUMBER = re.compile(r"[0-9]+")
_ODD_SIGN = re.compile(r"[^\w\s,./'()\-]|_")


@dataclass(frozen=True)
class Stamp:
    """What stands around a time of day: the day, whether a mark says afternoon (None: no mark), the zone as it is written.

    `is_offset`: the clock is none, but how far the zone of a day is from UTC, as in 2026-01-31+03:00.
    """

    date: Written
    afternoon: bool | None = None
    zone: str = ""
    is_offset: bool = False


@dataclass(frozen=True)
class Stamps:
    """What a column says, text by text: days since 1970 and microseconds of the day; `good`: there is such a time.

    `zone` is the place of its zone in `zones`, which are as written; "" where none stands.
    """

    days: Numbers
    of_day: Numbers
    has_clock: Mask
    zones: list[str]
    zone: Numbers
    good: Mask


def read_stamps(plain: pa.Array, time_format: str, first_year: int, until_year: int) -> Stamps:
    """Take texts in plain signs apart into day, time of day and zone. Null is not good.

    A year of two digits is the one that lies in range.
    """
    shape = SHAPES[time_format]
    plain = pc.if_else(pc.greater(pc.binary_length(plain), MOST_LETTERS), "", pc.fill_null(plain, ""))
    if shape.together:
        plain = pc.replace_substring_regex(plain, _HOUR_ONLY, r"\1 \2:00")
        plain = pc.replace_substring_regex(plain, _COMPACT, r"\1 \2:\3\4")
        plain = pc.replace_substring_regex(plain, r"^([0-9]{8} [0-9]{2}:[0-9]{2})([0-9]{2})", r"\1:\2")
    clocks = find_clocks(plain)
    heads, head = different(clocks.before)
    tails, tail = different(clocks.behind)
    around, rests, place = different_pairs(head * 2 + clocks.stands, tail, 2 * len(heads), len(tails))
    stamps = [
        _read_stamp(heads[pair // 2], tails[rest], bool(pair % 2), shape)
        for pair, rest in zip(around.tolist(), rests.tolist(), strict=True)
    ]
    days, good = _days([stamp.date if stamp else None for stamp in stamps], shape.calendar, first_year, until_year)
    twelve = np.array([stamp is not None and stamp.afternoon is not None for stamp in stamps], bool)[place]
    afternoon = np.array([stamp is not None and bool(stamp.afternoon) for stamp in stamps], bool)[place]
    is_offset = np.array([stamp is not None and stamp.is_offset for stamp in stamps], bool)[place]
    zones, zone = [stamp.zone if stamp else "" for stamp in stamps], place
    if is_offset.any():
        signs = zip(zone[is_offset], clocks.hour[is_offset], clocks.minute[is_offset], strict=True)
        zone = zone.copy()
        zone[is_offset] = len(zones) + np.arange(is_offset.sum())
        zones = [*zones, *(f"{zones[sign]}{hours:02}:{minutes:02}" for sign, hours, minutes in signs)]
    good = good[place] & (clocks.minute < 60) & (clocks.second < 60)
    good &= np.where(twelve, (clocks.hour >= 1) & (clocks.hour <= 12), clocks.hour < 24)
    hour = np.where(twelve, clocks.hour % 12 + 12 * afternoon, clocks.hour)
    of_day = ((hour * 60 + clocks.minute) * 60 + clocks.second) * 1_000_000 + clocks.microsecond
    return Stamps(days[place], np.where(is_offset, 0, of_day), clocks.stands & ~is_offset, zones, zone, good)


def _days(dates: list[Written | None], calendar: str, first_year: int, until_year: int) -> tuple[Numbers, Mask]:
    """Days since 1970, and which of them there are."""
    numbers = np.zeros((len(dates), 3), np.int64)
    for place, written in enumerate(dates):
        if written is not None and (year := _whole_year(written[0], first_year, until_year)):
            numbers[place] = (year, *written[1:])
    return _DAYS[calendar](*numbers.T)


def _read_stamp(before: str, behind: str, has_clock: bool, shape: Shape) -> Stamp | None:
    """What the text around a time of day says; None where it is no time of this shape."""
    mark, zone = None, ""
    if not has_clock:
        if of_day := _ZONE_OF_DAY.fullmatch(before):
            before, zone = of_day[1], of_day[2]
    elif not before:
        if (clock_first := _DATE_BEHIND.fullmatch(behind)) is None:
            return None
        mark, before = clock_first[1], clock_first[2]
    elif not behind and before[-1] in "+-" and before[-2:-1].isdecimal():
        written = _read_date(before[:-1], shape)
        return written and Stamp(written, zone=before[-1], is_offset=True)
    else:
        date, rest = _BEFORE_CLOCK.fullmatch(before), _BEHIND_CLOCK.fullmatch(behind)
        if date is None or rest is None:
            return None
        mark, zone = rest[1], rest[2] or ""
        before = f"{date[1]} {rest[3]}" if rest[3] else date[1]
    written = _read_date(before.strip(), shape)
    return written and Stamp(written, None if mark is None else mark[0] in "Ppمب", zone.strip())


def _read_date(text: str, shape: Shape) -> Written | None:
    """The digits of the year, the month and the day; None where the text is no date of this shape."""
    if shape.together:
        return (text[:4], int(text[4:6]), int(text[6:])) if _TOGETHER.fullmatch(text) else None
    numbers, between = _NUMBER.findall(text), _NUMBER.split(text)
    if not 2 <= len(numbers) <= 3 or _ODD_SIGN.search(text) or not _fits_era(between[-1], shape.calendar):
        return None
    if len(numbers) == 2:
        return _read_named(numbers, between, shape) if shape.named else None
    before, sign, second = between[0], between[1].strip(), between[2].strip()
    if sign != second or len(sign) != 1 or sign not in shape.signs or not _is_day_name(before):
        return None
    for order in shape.orders:
        part = dict(zip(order, numbers, strict=True))
        if len(part["y"]) == shape.year_digits and len(part["m"]) <= 2 and len(part["d"]) <= 2:
            return part["y"], int(part["m"]), int(part["d"])
    return None


def _read_named(numbers: list[str], between: list[str], shape: Shape) -> Written | None:
    """31 January 2026, 2026 January 31, 31-Jan-26; or January 31, 2026."""
    (one, two), (before, middle, _after) = numbers, between
    if found := month(middle):
        year, day = (one, two) if len(one) == 4 else (two, one)
        good = _is_day_name(before) and len(year) in (4, 2 if len(one) <= 2 and shape.calendar == GREGORIAN else 4)
    else:
        found, year, day = month(before), two, one
        good = is_weekday(middle) and not set(words(middle)) - {"st", "nd", "rd", "th"} and len(year) == 4
    if found is None or not good or found[0] != shape.calendar or len(day) > 2:
        return None
    return year, found[1], int(day)


def _is_day_name(before: str) -> bool:
    return not before or before[0].isalpha() and is_weekday(before)


def _fits_era(after: str, calendar: str) -> bool:
    return not after or any(map(str.isalpha, after)) and era(after) in ("", calendar)


def _whole_year(digits: str, first_year: int, until_year: int) -> int | None:
    """A year of two digits is the only one in range that ends so; None where two do."""
    if len(digits) == 4:
        return int(digits)
    near, far = 2000 + int(digits), 1900 + int(digits)
    if near > until_year:
        return far
    return near if far < first_year else None
