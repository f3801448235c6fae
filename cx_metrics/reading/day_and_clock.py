"""A day in one column and its time of day in another: one time.

The day is read in its calendar, the time of day by itself, as 14:05:09, 2:05 PM, 14.05, 14h05 or 1405, with or without a zone.
A time of day that is missing or cannot be read is never midnight: whoever asks learns which they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.report import Mask
from cx_metrics.reading.signs import in_plain_signs
from cx_metrics.reading.times import FIRST_YEAR, Times, in_utc, meant_zones, read_times
from cx_metrics.reading.written_dates import read_stamps

_DAY = 86_400_000_000  # microseconds
_ANY_DAY = "2000-01-01 "
# Ways to part hours, minutes and seconds that are no colons; what they become.
_OTHER_SIGNS = (
    (r"^([0-9]{1,2})[.h] ?([0-5][0-9])[.m] ?([0-5][0-9])s?$", r"\1:\2:\3"),
    (r"^([0-9]{1,2}) ?[.hч] ?([0-5][0-9])(?: ?m| ?мин)?( .*)?$", r"\1:\2\3"),
    (r"^([0-9]{1,2})([0-5][0-9])([0-5][0-9])$", r"\1:\2:\3"),
    (r"^([0-9]{1,2})([0-5][0-9])$", r"\1:\2"),
    (r"^([0-9]{1,2}) ?([AaPp]\.?[Mm]\.?|[صمقب][^0-9:]*)$", r"\1:00 \2"),  # 2 PM
)


@dataclass(frozen=True)
class Clocks:
    """Times of day: microseconds since midnight, where they are `good`; `blank` where nothing stands. `zone` is the place of
    the zone of each in `zones`, as it is written ("": none)."""

    of_day: npt.NDArray[np.int64]
    good: Mask
    blank: Mask
    zones: list[str]
    zone: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Joined:
    """Times of two columns. Where the day is good but its time of day is `missing` or `unreadable`, the time is the beginning of
    the day; where the day has a time of day or a zone of its own (`twice`), it is that one."""

    times: Times
    missing: Mask
    unreadable: Mask
    twice: Mask


def read_clocks(values: pa.Array) -> Clocks:
    """Which times of day do these texts say? 24:00, leap seconds and a bare hour are none."""
    plain = pc.utf8_trim_whitespace(in_plain_signs(pc.fill_null(values, "")))
    blank = pc.equal(plain, "").to_numpy(zero_copy_only=False)
    if not pc.all(pc.or_(pa.array(blank), pc.match_substring(plain, ":"))).as_py():
        for pattern, colons in _OTHER_SIGNS:
            plain = pc.replace_substring_regex(plain, pattern, colons)
    found = read_stamps(pc.binary_join_element_wise(_ANY_DAY, plain, ""), "iso", FIRST_YEAR, 2000)
    return Clocks(found.of_day, found.good & found.has_clock & ~blank, blank, found.zones, found.zone)


def read_day_and_clock(
    days: pa.Array, clocks: pa.Array, time_format: str, until_year: int | None = None, zone: str = "UTC"
) -> Joined:
    """Which times do a day and the time of day beside it say, in UTC microseconds?

    A day is read as `read_times` reads it. A zone may stand behind the time of day; otherwise it is that of `zone`.
    """
    day = read_times(days, time_format, until_year)
    there = pc.is_valid(day.values).to_numpy(zero_copy_only=False)
    moments = pc.fill_null(day.values.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    found = read_clocks(clocks)
    twice = there & (moments % _DAY != 0)
    both = there & ~twice & found.good
    east, names, known = meant_zones(found.zones, found.zone)
    both &= known
    local = np.array([not written for written in found.zones], bool)[found.zone] | ~both
    moments = np.where(both, moments + found.of_day - east * 1_000_000, moments)
    times = pa.array(moments, pa.int64(), mask=~there).cast(pa.timestamp("us"))
    named = {name: both & mine for name, mine in names.items()}
    for name, mine in {**named, zone: (there & local) | named.get(zone, False)}.items():
        if mine.any() and name != "UTC":
            times = pc.replace_with_mask(times, mine, in_utc(times.filter(pa.array(mine)), name))
    rest = there & ~twice & ~both
    whole = Times(times, day.unreadable, day.out_of_range, both & local)
    return Joined(whole, rest & found.blank, rest & ~found.blank, twice)
