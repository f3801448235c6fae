"""How long something took, as people write it → seconds: 0:01:23, 1h 5m, PT1H5M, 65."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.numbers import Numbers, read_numbers
from cx_metrics.reading.pieces import different
from cx_metrics.reading.signs import in_plain_signs

_UNITS = {
    0.001: "ms msec millisecond milliseconds мс میلی‌ثانیه",
    1.0: "s sec secs second seconds с сек секунда секунды секунд ثانیه ث ثانية ثواني ثوان s. сек.",
    60.0: "m min mins minute minutes м мин минута минуты минут دقیقه د دقيقة دقائق min. мин.",
    3600.0: "h hr hrs hour hours std ч час часа часов ساعت س ساعة ساعات ч.",
    86_400.0: "d day days tag tage д дн день дня дней روز يوم أيام д.",
}
_SECONDS = {unit.replace("\u200c", ""): seconds for seconds, units in _UNITS.items() for unit in units.split()}
# 0:01:23, 12:34.5, 2 days 03:04:05, 1.02:03:04. Two numbers alone (1:23) may be minutes or hours: not guessed.
_CLOCK = re.compile(
    r"(?:(?P<d>[0-9]{1,5})(?:\.| ?(?:d|days?),? ))?"
    r"(?:(?P<h>[0-9]{1,5}):(?P<m>[0-5]?[0-9]):(?P<s>[0-5]?[0-9](?:[.,][0-9]{1,9})?)|(?P<m2>[0-9]{1,5}):(?P<s2>[0-5][0-9][.,][0-9]{1,9}))"
)
_ISO = re.compile(
    r"P(?:(?P<d>[0-9]+)D)?(?:T(?:(?P<h>[0-9]+)H)?(?:(?P<m>[0-9]+)M)?(?:(?P<s>[0-9]+(?:[.,][0-9]{1,9})?)S)?)?",
    re.IGNORECASE,
)
_PART = re.compile(r"([0-9]+(?:[.,][0-9]+)?) ?([^\W\d_]+\.?)(?: و| and)?[ ,]*")
_BY_NAME = {"d": 86_400.0, "h": 3600.0, "m": 60.0, "m2": 60.0, "s": 1.0, "s2": 1.0}
MOST_LETTERS = 80  # what is longer is no duration


def read_durations(values: pa.Array, decimal_comma: bool = False) -> Numbers:
    """How many seconds do these texts say? Null stays null.

    A bare number is seconds; `0:01:23`, `1h 5m`, `5 мин 3 с`, `PT1H5M` say their units. A unit stands once, the larger before
    the smaller. Negative durations, and `1:23`, which may be minutes or hours, are unreadable.
    """
    plain = read_numbers(values, decimal_comma)
    words = plain.unreadable
    if words.any():
        texts, place = different(pc.utf8_trim_whitespace(in_plain_signs(values.filter(pa.array(words)))))
        read = pa.array([_seconds(text) for text in texts], pa.float64()).take(pa.array(place))
        seconds = pc.replace_with_mask(plain.values, words, read)
    else:
        seconds = plain.values
    bad = pc.fill_null(pc.less(seconds, 0.0), False).to_numpy(zero_copy_only=False) | plain.percent
    seconds = pc.if_else(pa.array(bad), pa.scalar(None, pa.float64()), seconds)
    unreadable = pc.and_(pc.is_valid(values), pc.is_null(seconds)).to_numpy(zero_copy_only=False)
    return Numbers(seconds, unreadable, np.zeros(len(values), bool))


def _seconds(text: str) -> float | None:
    if len(text) > MOST_LETTERS:
        return None
    found = _CLOCK.fullmatch(text) or _ISO.fullmatch(text)
    if found:
        parts = {name: part for name, part in found.groupdict().items() if part is not None}
        return sum(_BY_NAME[name] * float(part.replace(",", ".")) for name, part in parts.items()) if parts else None
    units, place = [], 0
    while part := _PART.match(text, place):
        units.append((float(part[1].replace(",", ".")), _SECONDS.get(part[2].casefold())))
        place = part.end()
    sizes = [size for _, size in units if size is not None]
    if place < len(text) or not units or len(sizes) < len(units) or sorted(set(sizes), reverse=True) != sizes:
        return None
    return round(sum(count * size for count, size in units if size is not None), 9)
