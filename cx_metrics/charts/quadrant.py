"""What weighs much and does badly? One point per thing: how it does across, how much it weighs up, with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from cx_metrics.charts.fields import Fields, is_missing, label_expression, labels, nice_ticks, width_of
from cx_metrics.charts.theme import Reader, themed, tokens
from cx_metrics.texts import N_

ACROSS, UP = N_("how well it does, on its own scale"), N_("how much of the score goes with it")
NARROWEST = 520  # pixels: the picture for which labels are kept apart
LABEL_HEIGHT, LETTER_WIDTH = 17, 6.8


@dataclass(frozen=True)
class _Point:
    """One thing: its place, its interval, its words."""

    across: float
    up: float
    low: float | None
    high: float | None
    label: str
    tip: str
    colour: str


def draw_quadrant(
    frame: pd.DataFrame,
    reader: Reader,
    name: str,
    performance: str,
    importance: str,
    low: str,
    high: str,
    *,
    urgent: Sequence[bool],
    names: Mapping[str, str] | None = None,
    height: int = 300,
) -> alt.LayerChart:
    """One point per row, `performance` and `importance` as shares. Dashed rules part the picture at the medians: what weighs more
    than the median and does worse than the median stands in one quarter. Rows that are `urgent` are drawn in the colour of bad
    news, and named in bold. A row without a performance is left out: a table beside it says all. It mirrors with the page.
    """
    t = tokens(reader.mode)
    kept = [not is_missing(p) and not is_missing(i) for p, i in zip(frame[performance], frame[importance], strict=True)]
    rows = frame[kept]
    shown = labels(rows[name], names, isolate=reader.rtl)
    colours = [t.bad if u else t.accent for u, k in zip(urgent, kept, strict=True) if k]
    points = [
        _Point(float(r[performance]), float(r[importance]), _number(r[low]), _number(r[high]), shown[r[name]],
               _tip(r, shown[r[name]], performance, importance, low, high, reader), colour)
        for r, colour in zip(rows.to_dict("records"), colours, strict=True)
    ]  # fmt: skip
    across = nice_ticks(min([p.across for p in points] or [0.0]), max([p.across for p in points] or [1.0]), 4)
    up = nice_ticks(0.0, max([p.high if p.high is not None else p.up for p in points] or [1.0]), 4)
    f = _fields(points, across, up, height)
    x = alt.X(
        field=f["across"], type="quantitative", title=reader.say(ACROSS),
        scale=alt.Scale(domain=[across[0], across[-1]], nice=False, zero=False, reverse=reader.rtl),
        axis=alt.Axis(
            values=across, tickCount=len(across), grid=False, labelFlush=False,
            labelExpr=label_expression(across, [_share(v, reader) for v in across]),
        ),
    )  # fmt: skip
    y = alt.Y(
        field=f["up"], type="quantitative", title=None, scale=alt.Scale(domain=[up[0], up[-1]], nice=False),
        axis=alt.Axis(
            values=up, tickCount=len(up), orient="right" if reader.rtl else "left",
            labelExpr=label_expression(up, [_share(v, reader) for v in up]),
        ),
    )  # fmt: skip
    layers = [*_medians(points, x, y, t.line_strong)] if points else []
    return themed([*layers, *_marks(f, x, y, reader)], reader, height)


def _marks(f: Fields, x: alt.X, y: alt.Y, reader: Reader) -> list[alt.Chart]:
    """The intervals, the points, and their names on either side."""
    base = alt.Chart(f.frame)
    t, layers = tokens(reader.mode), []
    colour = alt.Color(field=f["colour"], type="nominal", scale=None)
    layers.append(
        base.mark_rule(strokeWidth=1.5, opacity=0.45).encode(
            x=x, y=_on(y, f["low"]), y2=alt.Y2(field=f["high"]), color=colour
        )
    )
    layers.append(
        base.mark_point(size=90, filled=True, opacity=1).encode(x=x, y=y, color=colour, tooltip=f.tooltip("tip"))
    )
    for inward in (False, True):
        side = f.rows([bool(i) is inward for i in f.frame[f["inward"]]])
        to_right = inward is reader.rtl
        words = alt.Chart(side).mark_text(
            align="left" if to_right else "right", dx=9 if to_right else -9, fontSize=12, color=t.text
        )
        layers.append(words.encode(x=x, y=_on(y, f["label_at"]), text=f.text("label")))
    return layers


def _fields(points: Sequence[_Point], across: Sequence[float], up: Sequence[float], height: int) -> Fields:
    inward, label_at = _label_places(points, across, up, height)
    return Fields(
        across=[p.across for p in points], up=[p.up for p in points], low=[p.low for p in points], high=[p.high for p in points],
        label=[p.label for p in points], tip=[p.tip for p in points], colour=[p.colour for p in points],
        inward=inward, label_at=label_at,
    )  # fmt: skip


def _label_places(
    points: Sequence[_Point], across: Sequence[float], up: Sequence[float], height: int
) -> tuple[list[bool], list[float]]:
    """On which side of its point each label stands (true: before it), and how high, so that none lies over another."""
    wide, tall = NARROWEST / ((across[-1] - across[0]) or 1.0), height / ((up[-1] - up[0]) or 1.0)
    taken: list[tuple[float, float, float]] = []  # from, to, height: in pixels
    inward, heights = [False] * len(points), [0.0] * len(points)
    for i in sorted(range(len(points)), key=lambda i: -points[i].up):
        p, width = points[i], width_of([points[i].label], LETTER_WIDTH) + 12
        at = (p.across - across[0]) * wide
        inward[i] = at + width > NARROWEST
        start = at - width if inward[i] else at
        y = p.up * tall
        while any(start < to and from_ < start + width and abs(y - other) < LABEL_HEIGHT for from_, to, other in taken):
            y -= LABEL_HEIGHT / 2
        taken.append((start, start + width, y))
        heights[i] = max(y, LABEL_HEIGHT / 2) / tall
    return inward, heights


def _medians(points: Sequence[_Point], x: alt.X, y: alt.Y, colour: str) -> list[alt.Chart]:
    f = Fields(across=[_median([p.across for p in points])], up=[_median([p.up for p in points])])
    rule = alt.Chart(f.frame).mark_rule(strokeDash=[4, 4], color=colour, strokeWidth=1)
    return [rule.encode(x=_on(x, f["across"])), rule.encode(y=_on(y, f["up"]))]


def _median(values: Sequence[float]) -> float:
    return float(pd.Series(list(values)).median())


def _on(channel: Any, field: str) -> Any:
    placed = channel.copy()
    placed.field = field
    return placed


def _number(value: Any) -> float | None:
    return None if is_missing(value) else float(value)


def _share(value: float, reader: Reader) -> str:
    text = reader.percent(value, 0 if abs(value * 100 - round(value * 100)) < 1e-6 else 1)
    return reader.isolate(text) if reader.rtl else text


def _tip(
    row: Mapping[Any, Any], label: str, performance: str, importance: str, low: str, high: str, reader: Reader
) -> str:
    parts = [label, f"{reader.say(ACROSS)} {reader.percent(row[performance], 0)}",
             f"{reader.say(UP)} {reader.percent(row[importance], 1)}"]  # fmt: skip
    if not is_missing(row[low]):
        parts.append(f"{reader.percent(row[low], 1)} – {reader.percent(row[high], 1)}")
    return " · ".join(reader.isolate(part) for part in parts) if reader.rtl else " · ".join(parts)
