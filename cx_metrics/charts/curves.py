"""How does a share change with a count? One line with its band per group over the same few steps, small groups hollow."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from cx_metrics.charts.fields import Fields, is_missing, label_expression, labels, nice_ticks, room_for_words, width_of
from cx_metrics.charts.picture import Numbers, Series, amounts, with_numbers
from cx_metrics.charts.theme import Reader, themed, tokens
from cx_metrics.texts import N_

COUNT = N_("n")  # i18n: the number of cases, before a number
LABEL_HEIGHT = 17  # pixels from one label at the end of a line to the next


def draw_curves(
    frame: pd.DataFrame,
    reader: Reader,
    x: str,
    value: str,
    low: str,
    high: str,
    n: str,
    *,
    series: str,
    steps: Sequence[Hashable],
    names: Mapping[str, str] | None = None,
    shown_steps: Mapping[Hashable, str] | None = None,
    min_n: int = 10,
    height: int = 252,
) -> alt.LayerChart:
    """One line per value of `series` (up to three) over `steps`, the values of `x` in order; its name and last value at the edge.

    `value`, `low` and `high` are shares. Points with fewer than `min_n` cases are hollow; a missing value parts the line.
    Shares start at zero. The steps run in reading direction. `shown_steps` are the reader's words for them.
    """
    t = tokens(reader.mode)
    groups = labels(frame[series], names, isolate=reader.rtl)
    words = shown_steps or {}
    known = [float(v) for c in (value, low, high) for v in frame[c] if not is_missing(v)] or [0.0, 1.0]
    ticks = nice_ticks(0.0, max(known))
    room = 52 + width_of(groups.values(), 7.6)  # beside the last point
    said = [words.get(s, str(s)) for s in steps]
    across = _across([reader.isolate(s) if reader.rtl else s for s in said], room, reader)
    up = alt.Y(
        type="quantitative", title=None, scale=alt.Scale(domain=[0, ticks[-1]], nice=False),
        axis=alt.Axis(
            values=ticks, tickCount=len(ticks), orient="right" if reader.rtl else "left",
            labelExpr=label_expression(ticks, [_share(tick, reader, ticks) for tick in ticks]),
        ),
    )  # fmt: skip
    places = {step: i for i, step in enumerate(steps)}
    ends = _ends(frame.assign(at=frame[x].map(places)), series, value, ticks[-1] * LABEL_HEIGHT / height)
    colours = [t.accent] if len(groups) == 1 else list(t.categorical)
    layers: list[alt.Chart] = []
    drawn: list[Series] = []
    for (key, label), colour in zip(groups.items(), colours, strict=False):
        part = frame[frame[series] == key].assign(at=lambda rows: rows[x].map(places)).sort_values("at")
        f = Fields(
            at=list(part["at"]), value=list(part[value]), low=list(part[low]), high=list(part[high]),
            tip=[_tip(row, x, value, low, high, n, label, words, reader) for row in part.to_dict("records")],
        )  # fmt: skip
        layers += _line(f, across, up, colour, list((part[n] < min_n) & part[value].notna()), t.surface)
        known_at = {row["at"]: row for row in part.to_dict("records")}
        over, least, most = (
            amounts(known_at.get(i, {}).get(column) for i in range(len(steps))) for column in (value, low, high)
        )
        drawn.append(Series(label, over, least, most, colours=[colour] * len(steps)))
        if key in ends:
            shown, at = ends[key]
            layers.append(_label(f"{_share(shown, reader)}  {label}", len(steps) - 1, at, across, up, colour, reader))
    numbers = Numbers("lines", [words.get(s, str(s)) for s in steps], drawn, True, mirrored=reader.rtl)
    return with_numbers(themed(layers, reader, height), numbers)


def _across(steps: Sequence[str], room: int, reader: Reader) -> alt.X:
    """The axis of the steps, with `room` pixels beside the last one."""
    last = alt.ExprRef(f"{len(steps) - 1} * {room_for_words(room)}")
    return alt.X(
        type="quantitative", title=None,
        scale=alt.Scale(domainMin=0, domainMax=last, nice=False, zero=False, reverse=reader.rtl),
        axis=alt.Axis(values=list(range(len(steps))), grid=False, tickCount=len(steps), labelFlush=False,
                      labelExpr=label_expression(range(len(steps)), steps)),
    )  # fmt: skip


def _line(f: Fields, across: alt.X, up: alt.Y, colour: str, few: list[bool], ground: str) -> list[alt.Chart]:
    """The band, the line, something to point at, and the hollow points."""
    place, y = _on(across, f["at"]), _on(up, f["value"])
    base = alt.Chart(f.frame).encode(x=place)
    layers = [
        base.mark_area(opacity=0.16, color=colour).encode(y=_on(up, f["low"]), y2=alt.Y2(field=f["high"])),
        base.mark_line(color=colour).encode(y=y),
        base.mark_point(size=48, filled=True, opacity=1, color=colour).encode(y=y, tooltip=f.tooltip("tip")),
    ]
    if any(few):
        hollow = alt.Chart(f.rows(few)).mark_point(
            size=56, filled=True, fill=ground, stroke=colour, strokeWidth=2, opacity=1
        )
        layers.append(hollow.encode(x=place, y=y, tooltip=f.tooltip("tip")))
    return layers


def _label(text: str, at: int, height: float, across: alt.X, up: alt.Y, colour: str, reader: Reader) -> alt.Chart:
    f = Fields(at=[at], height=[height], text=[reader.isolate(text) if reader.rtl else text])
    beside = -10 if reader.rtl else 10
    mark = alt.Chart(f.frame).mark_text(
        align="right" if reader.rtl else "left", dx=beside, fontWeight=600, color=colour
    )
    placed: alt.Chart = mark.encode(x=_on(across, f["at"]), y=_on(up, f["height"]), text=f.text("text"))
    return placed


def _ends(frame: pd.DataFrame, series: str, value: str, gap: float) -> dict[Hashable, tuple[float, float]]:
    """The last value of each line and the height of its label, all at the same edge and with a gap between them."""
    last = frame[frame[value].notna()].sort_values("at").groupby(series, sort=False).tail(1)
    ends: dict[Hashable, tuple[float, float]] = {}
    above = float("inf")
    for row in last.sort_values([value, series], ascending=[False, True]).to_dict("records"):
        above = min(float(row[value]), above - gap)
        ends[row[series]] = (float(row[value]), above)
    lift = max(0.0, gap / 2 - min((height for _shown, height in ends.values()), default=gap))
    return {key: (shown, height + lift) for key, (shown, height) in ends.items()}  # none falls off the picture


def _on(channel: Any, field: str) -> Any:
    """The channel for a column."""
    placed = channel.copy()
    placed.field = field
    return placed


def _share(value: float, reader: Reader, ticks: Sequence[float] = ()) -> str:
    fine = any(abs(tick * 100 - round(tick * 100)) > 1e-6 for tick in ticks)
    text = reader.percent(value, 1 if fine else 0)
    return reader.isolate(text) if reader.rtl else text


def _tip(
    row: Mapping[Any, Any], x: str, value: str, low: str, high: str, n: str, label: str,
    words: Mapping[Hashable, str], reader: Reader,
) -> str:  # fmt: skip
    if is_missing(row[value]):
        return label
    bounds = f"{reader.percent(row[low], 1)} – {reader.percent(row[high], 1)}"
    parts = [label, words.get(row[x], str(row[x])), reader.percent(row[value], 1), bounds]
    parts.append(f"{reader.say(COUNT)} {reader.number(row[n])}")
    return " · ".join(reader.isolate(part) for part in parts) if reader.rtl else " · ".join(parts)
