"""Is there a column with the time of day beside the date? Told with what speaks for it; asked where it may be something else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.aliases import plain
from cx_metrics.reading.day_and_clock import read_clocks, read_day_and_clock
from cx_metrics.reading.mapping import TIME_WITH_CLOCK
from cx_metrics.reading.questions import Question, clock_question
from cx_metrics.reading.report import shorten
from cx_metrics.reading.sample import ALMOST_ALL, Sample, Values
from cx_metrics.reading.times import read_times
from cx_metrics.texts import N_, NP_, Text

HALF = 0.5
SURE, LIKELY, POSSIBLE = 3, 2, 1  # told; asked, and taken until somebody answers; asked, and not taken
_DAY = 86_400_000_000  # microseconds
# A column with one of these names that holds times of day is the time of day of the date.
_NAMES = frozenset(map(plain, (
    "time", "clock", "clock time", "time of day", "event time", "visit time", "order time", "purchase time", "contact time",
    "call time", "start time", "local time", "created time", "submit time", "time of contact", "time of visit", "uhrzeit", "heure",
    "hora", "الوقت", "وقت", "الساعة", "ساعة", "وقت الحدث", "وقت الزيارة", "وقت الطلب",
    "ساعت", "زمان", "ساعت رویداد", "ساعت مراجعه", "ساعت سفارش",
    "время", "часы", "время события", "время визита", "время заказа", "время звонка", "время покупки",
)))  # fmt: skip


@dataclass(frozen=True)
class ClockFound:
    """The column with the time of day, what speaks for it, and what must be asked."""

    header: str | None = None
    reason: Text | None = None
    notes: tuple[Text, ...] = ()
    question: Question | None = None


def find_clock(sample: Sample, table: str, columns: Mapping[str, str], time_format: str | None) -> ClockFound:
    """Which column is the time of day of the date of a table? None where the dates have one of their own."""
    day = columns.get(TIME_WITH_CLOCK.get(table, ""))
    if day is None or time_format is None or _has_clock(sample.columns[day], time_format):
        return ClockFound()
    taken = set(columns.values())
    fits = {h: fit for h, values in sample.columns.items() if h not in taken and (fit := _fit(h, values))}
    if not fits:
        return ClockFound()
    order = sorted(fits, key=lambda header: -fits[header])
    chosen = order[0] if fits[order[0]] >= LIKELY else None
    if chosen and fits[chosen] == SURE and len(fits) == 1:
        return _told(sample, day, chosen, time_format)
    asked = clock_question(day, {header: _first(sample.columns[header]) for header in order}, chosen)
    told = _told(sample, day, chosen, time_format) if chosen else ClockFound()
    return ClockFound(chosen, told.reason, told.notes, asked)


def _has_clock(values: Values, time_format: str) -> bool:
    """Whether the dates have times of day of their own."""
    moments = read_times(values.texts, time_format).values.drop_null().cast(pa.int64()).to_numpy(zero_copy_only=False)
    return not len(moments) or bool((moments % _DAY != 0).any())


def _fit(header: str, values: Values) -> int:
    """By name and values: SURE, LIKELY or POSSIBLE that it is a time of day; 0 where it is none."""
    if not values.present:
        return 0
    share = float(read_clocks(values.texts).good.sum()) / values.present
    colons = (pc.sum(pc.match_substring(values.texts, ":")).as_py() or 0) >= HALF * values.present
    if plain(header) in _NAMES and share >= HALF:
        if colons and share >= ALMOST_ALL and values.filled_share >= HALF:
            return SURE
        padded = pc.any(pc.match_substring_regex(values.texts, r"^0[0-9]{3}(?:[0-9]{2})?$")).as_py()
        return LIKELY if colons or padded else POSSIBLE
    return POSSIBLE if colons and share >= ALMOST_ALL else 0


def _told(sample: Sample, day: str, clock: str, time_format: str) -> ClockFound:
    """The column, and in words what its first time is read as; and how many rows will have none."""
    days, clocks = sample.columns[day].texts, sample.columns[clock].texts
    joined = read_day_and_clock(days, clocks, time_format)
    good = pc.is_valid(joined.times.values).to_numpy(zero_copy_only=False) & ~joined.missing & ~joined.unreadable
    said = {"date": shorten(day), "clock": shorten(clock)}
    reason = Text(N_('it is the time of day of "{date}"'), said)
    if not good.any():
        return ClockFound(clock, reason)
    place = int(np.argmax(good))
    found = f"{days[place].as_py()} {clocks[place].as_py()}"
    shown = f"{joined.times.values[place].as_py():%Y-%m-%d %H:%M:%S}"
    source = N_('"{date}" and "{clock}" are read as one time: "{found}" is {read}.')
    notes = [Text(source, {**said, "found": shorten(found), "read": shown})]
    without = int((joined.missing | joined.unreadable).sum())
    if without:
        of = int(good.sum()) + without
        one, many = NP_(
            '{readable} of {of} date in the sample has a time of day in "{clock}"; other rows are reported.',
            '{readable} of {of} dates in the sample have a time of day in "{clock}"; other rows are reported.',
        )
        notes.append(Text(one, {**said, "readable": int(good.sum()), "of": of}, many, of))
    return ClockFound(clock, reason, tuple(notes))


def _first(values: Values) -> str:
    return str(values.texts.drop_null()[0].as_py())
