"""Where the time of day stands in a text: found for a whole column at once, from its first colon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cx_metrics.reading.pieces import cut, places_of, written_bytes
from cx_metrics.reading.report import Mask

Numbers = npt.NDArray[np.int64]
_ROOM = 16  # bytes behind the last text, so that looking ahead never leaves the column
_MICRO, _NANO = 6, 9  # digits of a fraction that are read, and that may stand


@dataclass(frozen=True)
class Clocks:
    """Each text parted at its time of day: what stands before it, the time itself, what stands behind it.

    Where no time of day `stands`, all of the text is `before`, and the time is 0.
    """

    before: pa.Array
    behind: pa.Array
    stands: Mask
    hour: Numbers
    minute: Numbers
    second: Numbers
    microsecond: Numbers


def find_clocks(texts: pa.Array) -> Clocks:
    """The first H:MM, HH:MM, with or without seconds and a fraction of up to nine digits, in each of the texts."""
    data = np.concatenate([written_bytes(texts), np.zeros(_ROOM, np.uint8)])
    places = places_of(texts)
    begin, end = places[:-1], places[1:]
    colons = np.append(np.flatnonzero(data == ord(":")), len(data))
    colon = colons[np.searchsorted(colons, begin)]
    stands = colon < end
    colon = np.where(stands, colon, 0)
    digits = data.astype(np.int64) - ord("0")
    is_digit = (digits >= 0) & (digits <= 9)

    def digit(place: Numbers) -> Mask:
        there: Mask = is_digit[np.maximum(place, 0)] & (place >= begin) & (place < end)
        return there

    two_digits = digit(colon - 2)
    stands &= digit(colon - 1) & ~(two_digits & digit(colon - 3)) & digit(colon + 1) & digit(colon + 2)
    hour = digits[colon - 1] + np.where(two_digits, 10 * digits[colon - 2], 0)
    minute = 10 * digits[colon + 1] + digits[colon + 2]
    behind = colon + 3
    has_second = stands & (data[behind] == ord(":")) & digit(behind + 1) & digit(behind + 2)
    second = np.where(has_second, 10 * digits[behind + 1] + digits[behind + 2], 0)
    behind = behind + 3 * has_second
    microsecond = np.zeros(len(begin), np.int64)
    more = has_second & np.isin(data[behind], (ord("."), ord(","))) & digit(behind + 1)
    behind = behind + more
    for place in range(_NANO):
        more &= digit(behind)
        if not more.any():
            break
        if place < _MICRO:
            microsecond += np.where(more, digits[behind] * 10 ** (_MICRO - 1 - place), 0)
        behind = behind + more
    clock_begins = np.where(stands, colon - 1 - two_digits, end)
    return Clocks(
        cut(data, begin, clock_begins),
        cut(data, np.where(stands, behind, end), end),
        stands,
        *(np.where(stands, part, 0) for part in (hour, minute, second, microsecond)),
    )
