"""How are these times written? One format for a column, decided on a sample, with the evidence in words.

What the values leave open is said, never guessed in silence: the guess names the other reading, and a person chooses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.report import shorten
from cx_metrics.reading.signs import in_plain_signs
from cx_metrics.reading.times import (
    CALENDAR_FORMATS,
    FIRST_YEAR,
    TIME_FORMATS,
    Times,
    first_and_last_year,
    last_year,
    read_times,
    was_rounded,
)
from cx_metrics.reading.written_dates import SHAPES
from cx_metrics.texts import N_, NP_, Text

__all__ = [
    "CALENDAR_FORMATS",
    "FIRST_YEAR",
    "TIME_FORMATS",
    "TimeGuess",
    "Times",
    "first_and_last_year",
    "guess_time_format",
    "last_year",
    "read_times",
]

# Formats that may read the same text as different times, the likelier one first.
_FAMILIES = (
    ("day_first", "month_first"),
    ("day_first_short", "month_first_short", "year_first_short"),
    ("jalali", "hijri"),
    ("excel_serial", "excel_serial_1904"),
)
_SERIALS = _FAMILIES[-1]
_SHOWN_AS_READ = (
    "epoch_seconds",
    "epoch_milliseconds",
    "epoch_microseconds",
    "jalali",
    "hijri",
    *_SERIALS,
    *_FAMILIES[1],
)
_ONLY = {
    "day_first": N_('"{found}" can only be day first'),
    "month_first": N_('"{found}" can only be month first'),
    "day_first_short": N_('"{found}" can only be day first'),
    "month_first_short": N_('"{found}" can only be month first'),
    "year_first_short": N_('"{found}" can only be year first'),
    "jalali": N_('"{found}" can only be a Jalali date'),
    "hijri": N_('"{found}" can only be a Hijri date'),
}
_IN_ORDER = N_("the rows are in the order of time only when written as {format}, which is weak evidence")
_FEW_IN_ORDER = 3  # different times that must follow one another before their order says something
# How every time begins: numbers parted by signs, many digits, a clock, or a number and a word and a number.
_LIKELY = (
    r"^\s*(?:\D{0,30}\d{1,4}\s?[-/.]\s?\d{1,2}\s?[-/.]\s?\d{1,4}|\d{8,16}(?:\D|$)|\d{1,2}:\d{2}\D"
    r"|\D{0,40}\d{1,4}\D{1,40}\d{1,4}|\d[.,]\d+[eE])"
)
_LIKELY_SERIAL = r"^\s*\d{5}(?:[.,]\d+)?\s*$"


@dataclass(frozen=True)
class TimeGuess:
    """The format under which most of the sample reads as times, how many of how many do, and why it is this one.

    `also`: another format that reads as many of them, as other times. `ambiguous`: a person should say which of the two it is.
    `evidence` is what the values show, with one of them.
    """

    format: str | None
    readable: int
    of: int
    ambiguous: bool = False
    also: str | None = None
    evidence: Text | None = None

    @property
    def share(self) -> float:
        return self.readable / self.of if self.of else 0.0

    @property
    def reason(self) -> Text:
        if self.format is None:
            one, many = NP_("the {of} value in the sample is no date", "none of {of} values in the sample is a date")
            return self.evidence or Text(one, {"of": self.of}, many, self.of)
        one, many = NP_(
            "{readable} of {of} value in the sample is a date written as {format}",
            "{readable} of {of} values in the sample are dates written as {format}",
        )
        about = {"format": Text(TIME_FORMATS[self.format]), "readable": self.readable, "of": self.of}
        counted = Text(one, about, many, self.of)
        return _and(counted, self.evidence)

    @property
    def doubt(self) -> Text | None:
        """What a person should decide, or None."""
        if not self.ambiguous or self.format is None or self.also is None:
            return None
        both = {"format": Text(TIME_FORMATS[self.format]), "also": Text(TIME_FORMATS[self.also])}
        asked = N_(
            "All values can be read as {format} or as {also}. The former is taken; choose the latter if that is wrong."
        )
        return Text(asked, both)


def guess_time_format(values: pa.Array, until_year: int | None = None, sure: bool = False) -> TimeGuess:
    """Under which format do these texts read as times?

    The format that reads most of the values that are there; None where no format reads any. Where two formats read equally
    many, the one under which the rows are in order is taken, else the likelier one, and the guess says that it is ambiguous.
    `sure`: the column is a time by its name, so bare numbers may be days as spreadsheets count them.
    """
    present = in_plain_signs(values.drop_null())
    of = len(present)
    if not of:
        return TimeGuess(None, 0, 0)
    few = present.take(np.linspace(0, of - 1, 50).astype(np.int64))
    likely = f"{_LIKELY}|{_LIKELY_SERIAL}" if sure else _LIKELY
    if not pc.any(pc.match_substring_regex(few, likely)).as_py():
        return TimeGuess(None, 0, of)
    formats = [name for name in TIME_FORMATS if sure or name not in _SERIALS]
    formats = [name for name in formats if _count(few, name, until_year)] if of > 50 else formats
    counts = {name: _count(present, name, until_year) for name in formats}
    most = max(counts.values(), default=0)
    if not most:
        return TimeGuess(None, 0, of, evidence=_rounded(present))
    best = next(name for name in formats if counts[name] == most)
    family = next((family for family in _FAMILIES if best in family), (best,))
    tied = [name for name in family if counts.get(name) == most]
    best, evidence = _decide(present, tied, family, until_year)
    also = next((name for name in tied if name != best), None)
    return TimeGuess(best, most, of, also is not None and best not in _SERIALS, also, evidence)


def _count(values: pa.Array, time_format: str, until_year: int | None) -> int:
    return len(values) - int(read_times(values, time_format, until_year).values.null_count)


def _decide(
    present: pa.Array, tied: list[str], family: tuple[str, ...], until_year: int | None
) -> tuple[str, Text | None]:
    """One format of those that read equally many, and what speaks for it."""
    times = {name: read_times(present, name, until_year).values for name in family}
    if len(tied) > 1:
        in_order = [name for name in tied if _are_in_order(times[name])]
        if len(in_order) == 1:
            return in_order[0], Text(_IN_ORDER, {"format": Text(TIME_FORMATS[in_order[0]])})
        return tied[0], _example(present, tied[0], times[tied[0]])
    best = tied[0]
    evidence = _example(present, best, times[best])
    for rival in family:
        only = pc.and_(pc.is_valid(times[best]), pc.is_null(times[rival]))
        shape = SHAPES.get(rival)
        if shape is not None and rival != best and pc.any(only).as_py():
            found = present.filter(only)[0].as_py()
            if any(sign in found for sign in shape.signs) or shape.named:
                return best, _and(Text(_ONLY[best], {"found": shorten(found)}), evidence)
    return best, evidence


def _are_in_order(times: pa.Array) -> bool:
    """Whether the rows go forward, or back, in time."""
    moments = times.drop_null().cast(pa.int64()).to_numpy(zero_copy_only=False)
    steps = np.diff(moments)
    return len(np.unique(moments)) >= _FEW_IN_ORDER and bool((steps >= 0).all() or (steps <= 0).all())


def _example(present: pa.Array, time_format: str, times: pa.Array) -> Text | None:
    """What the first time is read as, where that is not what one reads."""
    if time_format not in _SHOWN_AS_READ:
        return None
    place = int(np.argmax(pc.is_valid(times).to_numpy(zero_copy_only=False)))
    read = times[place].as_py()
    shown = f"{read:%Y-%m-%d}" if read.time() == read.min.time() else f"{read:%Y-%m-%d %H:%M:%S}"
    return Text(N_('"{found}" is {read}'), {"found": shorten(present[place].as_py()), "read": shown})


def _rounded(present: pa.Array) -> Text | None:
    if not was_rounded(present):
        return None
    return Text(
        N_('a spreadsheet rounded the times (first: "{found}"), so they are lost; export them again as text'),
        {"found": shorten(present[0].as_py())},
    )


def _and(first: Text, then: Text | None) -> Text:
    return first if then is None else Text(N_("{first}; {then}"), {"first": first, "then": then})
