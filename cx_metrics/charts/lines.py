"""How did it change over time? A line with its interval as a band, small groups hollow, dated changes as dashed rules."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import altair as alt
import pandas as pd

from cx_metrics.charts.fields import Fields, is_missing, label_expression, labels, nice_ticks, room_for_words, width_of
from cx_metrics.charts.picture import Numbers, Series, amounts, with_numbers
from cx_metrics.charts.theme import Reader, themed, tokens
from cx_metrics.safe_text import safe
from cx_metrics.texts import N_

COUNT = N_("n")  # i18n: the number of cases, before a number
MOST_LABELS = 6  # dates along the axis
YEAR = 360  # days: from the first of a month to that of the last of twelve is less
MOST_NAMED = 6  # dated changes with a name; more would lie over each other
ROWS, NAME_HEIGHT = 5, 16  # rows for the names, each so many pixels high
NAME_LENGTH = 32  # longer names of changes are cut
LETTER_WIDTH, NARROW = 6.2, 520  # pixels of a letter, and of the narrowest picture the names are placed for
DATES_HEIGHT, GAP = 28, 6  # pixels of the dates below, and between the names and the highest value


@dataclass(frozen=True)
class _Axes:
    """Time across, the measure up: the same for every layer."""

    across: alt.Scale
    dates: alt.Axis
    up: alt.Scale
    ticks: alt.Axis

    def x(self, field: str) -> alt.X:
        return alt.X(field=field, type="quantitative", scale=self.across, axis=self.dates, title=None)

    def y(self, field: str) -> alt.Y:
        return alt.Y(field=field, type="quantitative", scale=self.up, axis=self.ticks, title=None)


@dataclass(frozen=True)
class _Measure:
    """Which columns are drawn, and how their numbers are written."""

    x: str
    value: str
    low: str | None
    high: str | None
    n: str | None
    share: bool
    decimals: int
    reader: Reader

    def shown(self, value: Any, decimals: int | None = None) -> str:
        if is_missing(value):
            return "–"
        places = self.decimals if decimals is None else decimals
        text = self.reader.percent(value, places) if self.share else self.reader.number(value, places)
        return self.reader.isolate(text) if self.reader.rtl else text


def draw_trend(
    frame: pd.DataFrame,
    reader: Reader,
    x: str,
    value: str,
    low: str | None = None,
    high: str | None = None,
    n: str | None = None,
    *,
    changes: pd.DataFrame | None = None,
    series: str | None = None,
    names: Mapping[str, str] | None = None,
    min_n: int = 30,
    partial: str | None = None,
    share: bool = False,
    decimals: int = 0,
    zero: bool = False,
    height: int = 236,
) -> alt.LayerChart:
    """One point per date in `x` (first day of its period), in each `series` (up to three; labelled at their last point).

    `low` and `high`: bounds of the band. Points with fewer than `min_n` cases, and periods that are not over (true in
    the column `partial`), are hollow. A missing value parts the line.
    `changes`: `changed_at` and `title` of dated changes. Time runs from left to right for every reader. The value axis
    leaves out zero unless `zero`: right for scores, never for counts.
    """
    t = tokens(reader.mode)
    measure = _Measure(x, value, low, high, n, share, decimals, reader)
    rows = frame.assign(**{x: pd.to_datetime(frame[x])}).sort_values(x, kind="stable")
    groups = labels(rows[series], names, isolate=reader.rtl) if series else {None: ""}
    colours = [t.accent] if len(groups) == 1 else [t.group_a, t.group_b] if len(groups) == 2 else list(t.categorical)
    days = sorted({_day(d) for d in rows[x]})
    rows_above = _rows_of_names(changes, days)
    names_above = (rows_above * NAME_HEIGHT + GAP) * bool(rows_above)
    words = 44 + width_of(groups.values(), 7.6)  # beside the last point
    small = _hollow(rows, n, min_n, partial)
    axes = _Axes(
        *_time_axis(days, reader, words),
        *_value_axis(rows, measure, zero, names_above / (height - DATES_HEIGHT - names_above), small),
    )
    layers = _changes(changes, days, axes, reader) if changes is not None and len(days) else []
    for (key, label), colour in zip(groups.items(), colours, strict=False):
        part = rows[rows[series] == key] if series else rows
        layers += _series(part, measure, axes, colour, label, _hollow(part, n, min_n, partial))
    return with_numbers(themed(layers, reader, height), _numbers(rows, measure, groups, colours, series, days, zero))


def _numbers(
    rows: pd.DataFrame, measure: _Measure, groups: Mapping[Any, str], colours: Sequence[str], series: str | None,
    days: Sequence[int], zero: bool,
) -> Numbers:  # fmt: skip
    """What is drawn, as numbers: each series over all the dates."""
    found = []
    for (key, label), colour in zip(groups.items(), colours, strict=False):
        part = rows[rows[series] == key] if series else rows
        at = {_day(row[measure.x]): row for row in part.to_dict("records")}

        def over(column: str | None, at: Mapping[int, Mapping[Any, Any]] = at) -> list[float | None]:
            return amounts(at[day][column] if day in at else None for day in days) if column else []

        newest = [measure.shown(v) if i + 1 == len(days) else "" for i, v in enumerate(over(measure.value))]
        found.append(
            Series(label, over(measure.value), over(measure.low), over(measure.high), newest, [colour] * len(days))
        )
    names = [measure.reader.date(_date(day)) for day in days]
    return Numbers("lines", names, found, measure.share, measure.decimals, zero)


def _hollow(rows: pd.DataFrame, n: str | None, min_n: int, partial: str | None) -> list[bool]:
    """Which points rest on too few cases, or on a part of their period?"""
    few = [bool(not is_missing(c) and c < min_n) for c in rows[n]] if n else [False] * len(rows)
    return [small or bool(p) for small, p in zip(few, rows[partial], strict=True)] if partial else few


def _series(
    rows: pd.DataFrame, measure: _Measure, axes: _Axes, colour: str, label: str, small: list[bool]
) -> list[alt.Chart]:
    t = tokens(measure.reader.mode)
    known = [not is_missing(v) for v in rows[measure.value]]
    newest = max((i for i, there in enumerate(known) if there), default=-1)
    shown = [measure.shown(v) for v in rows[measure.value]]
    f = Fields(
        at=[_day(d) for d in rows[measure.x]],
        value=[None if is_missing(v) else float(v) for v in rows[measure.value]],
        low=[None if is_missing(v) else float(v) for v in rows[measure.low or measure.value]],
        high=[None if is_missing(v) else float(v) for v in rows[measure.high or measure.value]],
        tip=[_tip(row, measure, label) for row in rows.to_dict("records")],
        label=[f"{text}  {label}" if label else text for text in shown],
    )
    place, y = axes.x(f["at"]), axes.y(f["value"])
    base = alt.Chart(f.frame).encode(x=place)
    layers: list[alt.Chart] = []
    if measure.low and measure.high:
        band = base.mark_area(opacity=0.16, color=colour, clip=True)
        layers.append(band.encode(y=axes.y(f["low"]), y2=alt.Y2(field=f["high"])))
    layers.append(base.mark_line(color=colour).encode(y=y))
    every = alt.Chart(f.frame).mark_point(size=160, opacity=0, color=colour)  # something to point at
    layers.append(every.encode(x=place, y=y, tooltip=f.tooltip("tip")))
    hollow = alt.Chart(f.rows(small)).mark_point(
        size=56, filled=True, fill=t.surface, stroke=colour, strokeWidth=2, opacity=1
    )
    if any(small):
        layers.append(hollow.encode(x=place, y=y, tooltip=f.tooltip("tip")))
    if newest >= 0:
        last = alt.Chart(f.frame.iloc[[newest]])
        if not small[newest]:
            layers.append(
                last.mark_point(size=80, opacity=1, color=colour).encode(x=place, y=y, tooltip=f.tooltip("tip"))
            )
        text = last.mark_text(align="left", dx=9, fontWeight=600, fontSize=13 if label else 15)
        layers.append(text.encode(x=place, y=y, text=f.text("label")))
    return layers


def _changes(changes: pd.DataFrame, days: Sequence[int], axes: _Axes, reader: Reader) -> list[alt.Chart]:
    """Dashed rules at the dates of changes, each up to its name above the values."""
    t = tokens(reader.mode)
    layers: list[alt.Chart] = []
    placed = _placed(changes, days)
    lowest = NAME_HEIGHT * (max((name.row for name in placed), default=-1) + 1)
    for name in placed:
        top = NAME_HEIGHT * name.row if name.row >= 0 else lowest
        f = Fields(at=[name.at], title=[safe(name.title, "canvas", limit=NAME_LENGTH, isolate=reader.rtl)])
        place = axes.x(f["at"])
        mark = alt.Chart(f.frame)
        layers.append(mark.mark_rule(strokeDash=[3, 3]).encode(x=place, y=alt.value(top), y2=alt.value("height")))
        if name.row >= 0:
            before = name.end == name.at
            text = mark.mark_text(align="right" if before else "left", dx=-6 if before else 6, color=t.muted)
            layers.append(
                text.encode(x=place, y=alt.value(NAME_HEIGHT // 2 + NAME_HEIGHT * name.row), text=f.text("title"))
            )
    return layers


@dataclass(frozen=True)
class _Name:
    """The name of a change: its date, its row (-1: there is no room for it), from where to where it stands."""

    at: int
    title: str
    row: int
    start: float
    end: float


def _placed(changes: pd.DataFrame | None, days: Sequence[int]) -> list[_Name]:
    """When, what, and where the name stands, so that none lies over another and no rule runs through a name. The first names stand
    behind their rules, each lower than the one before; the last ones before theirs, so that they stay in the picture. How many are
    the first: so that as many as possible have a name."""
    inside = _inside(changes, days)
    if len(inside) > MOST_NAMED or not days:
        return [_Name(at, title, -1, at, at) for at, title in inside]
    ways = [_parted(inside[:first], inside[first:], days) for first in range(len(inside), -1, -1)]
    best = min(
        ways, key=lambda names: (sum(name.row < 0 for name in names), max((name.row for name in names), default=0))
    )
    for place, name in enumerate(best):
        if name.row < 0:
            best[place] = _crossed(name, best, days)
    return best


def _crossed(name: _Name, others: Sequence[_Name], days: Sequence[int]) -> _Name:
    """A name without better room: where it lies over no other, though a rule runs through one of them."""
    is_late = name.at - days[0] > (days[-1] - days[0]) / 2
    width = name.end - name.start
    start, end = (name.at - width, float(name.at)) if is_late else (float(name.at), name.at + width)
    taken = {other.row for other in others if start < other.end and other.start < end}
    return replace(name, start=start, end=end, row=next((row for row in range(ROWS) if row not in taken), -1))


def _parted(first: Sequence[tuple[int, str]], last: Sequence[tuple[int, str]], days: Sequence[int]) -> list[_Name]:
    """The first names behind their rules, from the earliest on, the last ones before theirs, from the latest on."""
    a_letter = (days[-1] - days[0]) * LETTER_WIDTH / NARROW
    found: list[_Name] = []
    for at, title in [*first, *reversed(last)]:
        width = (min(len(title), NAME_LENGTH) + 2) * a_letter
        start, end = (float(at), at + width) if (at, title) in first else (at - width, float(at))
        fits = days[0] <= start and end <= days[-1]
        rows = (row for row in range(ROWS) if fits and _is_free(_Name(at, title, row, start, end), found))
        found.append(_Name(at, title, next(rows, -1), start, end))
    return sorted(found, key=lambda name: (name.at, name.title))


def _is_free(name: _Name, others: Sequence[_Name]) -> bool:
    """No other name in its row, no rule of a name above through it, and its own rule through none below."""
    for other in (other for other in others if other.row >= 0):
        if other.row == name.row and name.start < other.end and other.start < name.end:
            return False
        if other.row < name.row and name.start < other.at < name.end:
            return False
        if other.row > name.row and other.start < name.at < other.end:
            return False
    return True


def _inside(changes: pd.DataFrame | None, days: Sequence[int]) -> list[tuple[int, str]]:
    if changes is None or not days:
        return []
    dated = [(_day(at), str(title)) for at, title in zip(changes["changed_at"], changes["title"], strict=True)]
    return sorted((at, title) for at, title in dated if days[0] <= at <= days[-1])


def _rows_of_names(changes: pd.DataFrame | None, days: Sequence[int]) -> int:
    return max((name.row for name in _placed(changes, days)), default=-1) + 1


def _time_axis(days: Sequence[int], reader: Reader, room: int) -> tuple[alt.Scale, alt.Axis]:
    monthly = all(_date(d).day == 1 for d in days)
    most = MOST_LABELS if monthly else 4
    months_only = monthly and len(days) and days[-1] - days[0] < YEAR  # of two Mays the year has to be said
    written = (reader.month if months_only else reader.month_and_year) if monthly else reader.date
    chosen = _spread(days, most if months_only or not monthly else most - 1)
    words = [reader.isolate(written(_date(d))) if reader.rtl else written(_date(d)) for d in chosen]
    axis = alt.Axis(
        values=chosen, labelExpr=label_expression(chosen, words), grid=False, tickCount=len(days), labelOverlap=False,
        labelFlush=True,
    )  # fmt: skip
    if not days:
        return alt.Scale(domain=[0, 1]), axis
    span = (days[-1] - days[0]) or 1
    last = f"{days[0]} + {span} * {room_for_words(room)}"
    return alt.Scale(domainMin=days[0], domainMax=alt.ExprRef(last), nice=False, zero=False), axis


def _spread(days: Sequence[int], most: int) -> list[int]:
    """Of the days those that get a label: counted from the newest, none so near to another that they would lie over each other."""
    chosen: list[int] = []
    for day in reversed(days):
        if not chosen or (chosen[-1] - day) * most >= days[-1] - days[0]:
            chosen.append(day)
    return chosen[::-1]


def _value_axis(
    rows: pd.DataFrame, measure: _Measure, zero: bool, above: float, small: Sequence[bool]
) -> tuple[alt.Scale, alt.Axis]:
    """As high as the values and the bands of periods with enough cases; where no period has, at most once more as high as the
    values. The band of two answers would otherwise press all others flat."""
    values = [float(v) for v in rows[measure.value] if not is_missing(v)] or [0.0, 1.0]
    low, high = min(values), max(values)
    solid = rows[[not s for s in small]]
    spread = (high - low) or abs(high) or 1.0
    bounds = [
        min(max(float(v), low - spread), high + spread) if solid.empty else float(v)
        for c in (measure.low, measure.high) if c
        for v in (rows if solid.empty else solid)[c] if not is_missing(v)
    ]  # fmt: skip
    low, high = min([low, *bounds]), max([high, *bounds])
    ticks = nice_ticks(min(low, 0.0) if zero else low, high)
    top = ticks[-1] + (ticks[-1] - ticks[0]) * above
    return alt.Scale(domain=[ticks[0], top], zero=False, nice=False), _ticks(ticks, measure)


def _ticks(values: Sequence[float], measure: _Measure) -> alt.Axis:
    fine = 100 if measure.share else 1
    whole = all(abs(v * fine - round(v * fine)) < 1e-6 for v in values)
    words = [measure.shown(v, 0 if whole else max(1, measure.decimals)) for v in values]
    return alt.Axis(values=list(values), labelExpr=label_expression(values, words), tickCount=len(values))


def _tip(row: Mapping[Any, Any], measure: _Measure, label: str) -> str:
    reader = measure.reader
    parts = [label] if label else []
    parts += [reader.date(_date(_day(row[measure.x]))), measure.shown(row[measure.value])]
    if measure.low and measure.high and not is_missing(row[measure.low]):
        parts.append(f"{measure.shown(row[measure.low])} – {measure.shown(row[measure.high])}")
    if measure.n and not is_missing(row[measure.n]):
        parts.append(f"{reader.say(COUNT)} {reader.number(row[measure.n])}")
    return " · ".join(parts)


def _day(at: Any) -> int:
    """A date as a number, so that no time zone of a browser can shift it."""
    return int(pd.Timestamp(at).toordinal())


def _date(day: int) -> datetime.date:
    return datetime.date.fromordinal(day)
