"""Times as files write them: one format for a column, decided on a sample with evidence, never by the clock.

Words like "now" or "today" are no times here. A time without a zone is taken in the zone that the mapping names.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.numbers import latin_digits, written_bytes
from cx_metrics.reading.report import Mask
from cx_metrics.texts import N_, Text

FIRST_YEAR = 1990

_CLOCK = (
    r"(?:[T ,]\s?(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<F>\d{1,9}))?)?"
    r"(?:[ \x{A0}\x{202F}]?(?:(?P<P>[AaPp])\.?[Mm]\.?|(?P<P2>[صم])))?)?"
    r"(?:\s?(?:(?P<Z>[+-]\d{2}:?\d{2}|[+-]\d{2})|(?P<U>[Zz]|UTC|GMT)))?$"
)
_PATTERNS = {
    "iso": r"^(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})" + _CLOCK,
    "year_first": r"^(?P<y>\d{4})(?:/(?P<m>\d{1,2})/(?P<d>\d{1,2})|\.(?P<m2>\d{1,2})\.(?P<d2>\d{1,2}))" + _CLOCK,
    "day_first": r"^(?P<d>\d{1,2})(?:/(?P<m>\d{1,2})/|\.(?P<m2>\d{1,2})\.|-(?P<m3>\d{1,2})-)(?P<y>\d{4})" + _CLOCK,
    "month_first": r"^(?P<m>\d{1,2})(?:/(?P<d>\d{1,2})/|-(?P<d2>\d{1,2})-)(?P<y>\d{4})" + _CLOCK,
    "compact": (
        r"^(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?:[T ]?(?P<H>\d{2})(?P<M>\d{2})(?P<S>\d{2})?(?:\.(?P<F>\d{1,9}))?)?"
        r"(?P<P>)(?P<P2>)(?:(?P<Z>[+-]\d{4})|(?P<U>Z))?$"
    ),
}
_PLAIN_SHAPE = "0000-00-00T00:00:00.000000"  # 0: any digit, T: that or a space
_PLAIN_WIDTHS = (10, 16, 19, *range(21, 27))  # a day, minutes, seconds, one to six digits of a fraction
_EPOCHS = {"epoch_seconds": 1_000_000, "epoch_milliseconds": 1_000, "epoch_microseconds": 1}
_EPOCH_PATTERNS = {
    "epoch_seconds": r"^(?P<n>\d{9,10})(?:\.(?P<F>\d{1,9}))?$",
    "epoch_milliseconds": r"^(?P<n>\d{12,13})(?:\.0+)?$",
    "epoch_microseconds": r"^(?P<n>\d{15,16})(?:\.0+)?$",
}

_LIKELY = r"^\s*(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{8,16}(?:\D|$))"  # how every time begins

TIME_FORMATS = {
    "iso": N_("year-month-day, as 2026-01-31 14:05"),
    "year_first": N_("year/month/day, as 2026/01/31"),
    "day_first": N_("day/month/year, as 31/01/2026"),
    "month_first": N_("month/day/year, as 01/31/2026"),
    "compact": N_("year, month, day without signs, as 20260131"),
    "epoch_seconds": N_("seconds since 1970"),
    "epoch_milliseconds": N_("milliseconds since 1970"),
    "epoch_microseconds": N_("microseconds since 1970"),
}


CALENDAR_FORMATS = ("iso", "year_first", "day_first", "month_first")  # the others are bare numbers


@dataclass(frozen=True)
class Times:
    """`values` as UTC microseconds, null where nothing stood, nothing could be read, or the year cannot be.

    `unreadable` and `out_of_range` mark the latter two, `naive` times of day that named no zone.
    """

    values: pa.Array
    unreadable: Mask
    out_of_range: Mask
    naive: Mask


@dataclass(frozen=True)
class TimeGuess:
    """The format under which most of the sample reads as times, and how many of how many do.

    `ambiguous`: day first and month first read equally many; day first was taken.
    """

    format: str | None
    readable: int
    of: int
    ambiguous: bool = False

    @property
    def share(self) -> float:
        return self.readable / self.of if self.of else 0.0

    @property
    def reason(self) -> Text:
        if self.format is None:
            return Text(N_("none of {of} values in the sample is a date"), {"of": self.of})
        return Text(
            N_("{readable} of {of} values in the sample are dates written as {format}"),
            {"format": Text(TIME_FORMATS[self.format]), "readable": self.readable, "of": self.of},
        )


def last_year() -> int:
    """The last year a date may lie in: the next one."""
    return datetime.now(UTC).year + 1


def read_times(values: pa.Array, time_format: str, until_year: int | None = None, zone: str = "UTC") -> Times:
    """Which times do these texts say, in UTC microseconds? Null stays null.

    A time lies between 1990 and the end of next year, or it is out of range. A date without a time of day is its
    midnight. Times and dates without a zone are local to `zone`; an hour that the clocks repeat is the first one, an
    hour that they skip is moved on. Two-digit years, 24:00 and leap seconds are unreadable. Fractions beyond
    microseconds are cut.
    """
    until_year = until_year or last_year()
    plainly = _read_plainly(values, until_year, zone) if time_format == "iso" else None
    return plainly or _read_carefully(values, time_format, until_year, zone)


def _read_plainly(values: pa.Array, until_year: int, zone: str) -> Times | None:
    """The times, where all texts have one shape, 2026-01-31 or 2026-01-31 14:05:00 with or without a fraction and Z, and are
    times in range; None where one is not.

    The quick way for most files. It says nothing that the careful way would say otherwise.
    """
    signs = written_bytes(values)
    width = len(signs) // len(values) if len(values) else 0
    if not width or values.null_count or not pc.all(pc.equal(pc.binary_length(values), width)).as_py():
        return None
    written = signs.reshape(len(values), width)
    in_utc = bool((written[:, -1] == ord("Z")).all())
    if in_utc:
        written, width, values = written[:, :-1], width - 1, pc.utf8_slice_codeunits(values, 0, width - 1)
    if width not in _PLAIN_WIDTHS:
        return None
    for place, sign in enumerate(_PLAIN_SHAPE[:width]):
        column = written[:, place]
        allowed = (column == ord("T")) | (column == ord(" ")) if sign == "T" else column == ord(sign)
        if not (column - ord("0") < 10 if sign == "0" else allowed).all():
            return None
    try:
        times = values.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return None
    if not _in_range(times.cast(pa.int64()).to_numpy(), until_year).all():
        return None
    none = np.zeros(len(values), bool)
    if in_utc:
        return Times(times, none, none, none)
    return Times(_in_utc(times, zone), none, none, np.full(len(values), width > len("2026-01-31")))


def _read_carefully(values: pa.Array, time_format: str, until_year: int, zone: str) -> Times:
    plain = pc.utf8_trim_whitespace(latin_digits(values))
    if time_format in _EPOCHS:
        moments, good = _read_epochs(plain, time_format)
        naive = local = np.zeros(len(values), bool)
    else:
        moments, good, local, naive = _read_calendar(plain, time_format)
    in_range = _in_range(moments, until_year)
    present = pc.is_valid(values).to_numpy(zero_copy_only=False)
    times = pa.array(moments, pa.int64(), mask=~(good & in_range)).cast(pa.timestamp("us"))
    if local.any():
        times = pc.if_else(pa.array(local), _in_utc(times, zone), times)
    return Times(times, present & ~good, good & ~in_range, naive & in_range)


def _in_range(moments: npt.NDArray[np.int64], until_year: int) -> Mask:
    first = np.datetime64(f"{FIRST_YEAR}-01-01", "us").astype(np.int64)
    end = np.datetime64(f"{until_year + 1}-01-01", "us").astype(np.int64)
    inside: Mask = (moments >= first) & (moments < end)
    return inside


def _in_utc(local: pa.Array, zone: str) -> pa.Array:
    """Times of the clocks of a zone as UTC."""
    if zone == "UTC":
        return local
    zoned = pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="latest")
    return zoned.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))


def guess_time_format(values: pa.Array, until_year: int | None = None) -> TimeGuess:
    """Under which format do these texts read as times?

    The format that reads most of the values that are there; None where no format reads any. Where day first and month
    first read equally many, day first is taken and the guess says that it is ambiguous.
    """
    present = values.drop_null()
    of = len(present)
    if not of:
        return TimeGuess(None, 0, 0)
    formats = list(TIME_FORMATS)
    few = present.take(np.linspace(0, of - 1, 50).astype(np.int64))
    if not pc.any(pc.match_substring_regex(latin_digits(few), _LIKELY)).as_py():
        return TimeGuess(None, 0, of)
    formats = [f for f in formats if _count(few, f, until_year)] if of > 50 else formats
    counts = {f: _count(present, f, until_year) for f in formats}
    best = max(counts, key=lambda f: counts[f], default=None)
    if best is None or not counts[best]:
        return TimeGuess(None, 0, of)
    ambiguous = best == "day_first" and counts.get("month_first") == counts[best]
    return TimeGuess(best, counts[best], of, ambiguous)


def _count(values: pa.Array, time_format: str, until_year: int | None) -> int:
    return len(values) - int(read_times(values, time_format, until_year).values.null_count)


def _read_epochs(plain: pa.Array, time_format: str) -> tuple[npt.NDArray[np.int64], Mask]:
    found = pc.extract_regex(plain, _EPOCH_PATTERNS[time_format])
    good = pc.is_valid(found).to_numpy(zero_copy_only=False)
    moments = _whole(found.field("n"), good) * _EPOCHS[time_format]
    if time_format == "epoch_seconds":
        moments += _microseconds(found.field("F"), good)
    return moments, good


def _read_calendar(plain: pa.Array, time_format: str) -> tuple[npt.NDArray[np.int64], Mask, Mask, Mask]:
    """Microseconds of the clock or, where a zone stands, of UTC; which are good, local, and local with a time of day."""
    found = pc.extract_regex(plain, _PATTERNS[time_format])
    good = pc.is_valid(found).to_numpy(zero_copy_only=False)
    part = {field.name: found.field(place) for place, field in enumerate(found.type)}
    year, hour, minute, second = (_whole(part[name], good) for name in "yHMS")
    month, day = (sum(_whole(part[n], good) for n in part if n[0] == name) for name in "md")
    good &= (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    good &= (minute < 60) & (second < 60)
    months = np.where(good, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + np.where(good, day - 1, 0)
    good &= days.astype("datetime64[M]") == months
    hour, day_has_it = _hour(hour, part["P"], part["P2"])
    good &= day_has_it
    seconds = days.astype("datetime64[s]").astype(np.int64) + hour * 3600 + minute * 60 + second
    offset, zoned = _offset(part["Z"], good)
    local = good & ~zoned & ~_stands(part["U"])
    moments = (seconds - offset) * 1_000_000 + _microseconds(part["F"], good)
    return moments, good, local, local & _stands(part["H"])


def _hour(hour: npt.NDArray[np.int64], latin: pa.Array, arabic: pa.Array) -> tuple[npt.NDArray[np.int64], Mask]:
    """The hour of the day, with a mark for morning or afternoon taken into account, and whether there is such an hour."""
    marks = pc.utf8_lower(pc.binary_join_element_wise(latin, arabic, ""))
    twelve = _stands(marks)
    if not twelve.any():
        return hour, hour < 24
    late = pc.fill_null(pc.is_in(marks, value_set=pa.array(["p", "م"])), False).to_numpy(zero_copy_only=False)
    return np.where(twelve, hour % 12 + np.where(late, 12, 0), hour), np.where(
        twelve, (hour >= 1) & (hour <= 12), hour < 24
    )


def _stands(part: pa.Array) -> Mask:
    """Where a part of the time is written at all."""
    stands: Mask = pc.not_equal(pc.fill_null(part, ""), "").to_numpy(zero_copy_only=False)
    return stands


def _whole(texts: pa.Array, good: Mask) -> npt.NDArray[np.int64]:
    """The digits as numbers, 0 where there are none."""
    digits = pc.if_else(pc.fill_null(pc.not_equal(texts, ""), False), texts, "0")
    return np.where(good, digits.cast(pa.int64()).to_numpy(zero_copy_only=False), 0).astype(np.int64)


def _microseconds(fraction: pa.Array, good: Mask) -> npt.NDArray[np.int64]:
    return _whole(pc.utf8_slice_codeunits(pc.utf8_rpad(fraction, 6, "0"), 0, 6), good)


def _offset(zone: pa.Array, good: Mask) -> tuple[npt.NDArray[np.int64], Mask]:
    """Seconds east of UTC, and where an offset stood."""
    stood = _stands(zone) & good
    if not stood.any():
        return np.zeros(len(good), np.int64), stood
    digits = pc.utf8_rpad(pc.replace_substring_regex(zone, "[^0-9]", ""), 4, "0")
    number = np.where(stood, _whole(digits, good), 0)
    east = (number // 100 * 60 + number % 100) * 60
    return np.where(pc.starts_with(pc.fill_null(zone, ""), "-").to_numpy(zero_copy_only=False), -east, east), stood
