"""Where is it high, where is it low? A measure by two groupings, the number in every cell.

As a chart, or as the cells of a table: for wide ones, and for pages whose chart library is another.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import altair as alt
import pandas as pd

from cx_metrics.charts.fields import Fields, is_missing, labels
from cx_metrics.charts.theme import Reader, on, themed, tokens
from cx_metrics.texts import N_

NOTHING = "–"
COUNT = N_("n")  # i18n: the number of cases, before a number


def draw_heatmap(
    frame: pd.DataFrame,
    reader: Reader,
    row: str,
    column: str,
    value: str,
    n: str | None = None,
    *,
    domain: tuple[float, float],
    diverging: bool = False,
    share: bool = False,
    decimals: int = 0,
    min_n: int = 0,
    rows: Sequence[Hashable] | None = None,
    columns: Sequence[Hashable] | None = None,
    names: Mapping[str, str] | None = None,
) -> alt.LayerChart:
    """One cell per row of `frame`. `domain` is fixed per measure (NPS −80..80), so that cells compare across pages.

    Below `min_n` a cell is sunken and says "5 (n 18)"; a missing value (suppressed, or nothing there) says "–". `rows` and
    `columns` give the order, for example that of the journey; otherwise the order of the frame.
    """
    t = tokens(reader.mode)
    cells = frame.to_dict("records")
    down = labels(rows if rows is not None else frame[row], names)
    across = labels(columns if columns is not None else frame[column], names)
    cells = [c for c in cells if c[row] in down and c[column] in across]
    few = [bool(n and not is_missing(c[n]) and c[n] < min_n) or is_missing(c[value]) for c in cells]
    judged = list(zip(cells, few, strict=True))
    fills = [t.sunken if pale else shade(c[value], domain, diverging, reader.mode) for c, pale in judged]
    written = [_written(c[value], c[n] if n and pale else None, share, decimals, reader) for c, pale in judged]
    f = Fields(
        row=[down[c[row]] for c in cells],
        column=[across[c[column]] for c in cells],
        fill=fills,
        ink=[t.muted if pale else on(fill, reader.mode) for fill, pale in zip(fills, few, strict=True)],
        written=written,
        tip=[_tip(down[c[row]], across[c[column]], c, value, n, share, decimals, reader) for c in cells],
    )
    order = list(across.values())
    x = alt.X(
        field=f["column"], type="nominal", sort=order[::-1] if reader.rtl else order, title=None,
        axis=alt.Axis(orient="top", labelAngle=0, labelFontSize=13, labelLimit=110),
    )  # fmt: skip
    y = alt.Y(
        field=f["row"], type="nominal", sort=list(down.values()), title=None,
        axis=alt.Axis(orient="right" if reader.rtl else "left", labelFontSize=13, labelColor=t.text, labelLimit=170),
    )  # fmt: skip
    base = alt.Chart(f.frame).encode(x=x, y=y)
    cell = base.mark_rect(cornerRadius=4, stroke=t.surface, strokeWidth=3).encode(
        color=alt.Color(field=f["fill"], type="nominal", scale=None), tooltip=f.tooltip("tip")
    )
    text = base.mark_text(fontSize=13).encode(
        text=f.text("written"), color=alt.Color(field=f["ink"], type="nominal", scale=None), tooltip=f.tooltip("tip")
    )
    return themed([cell, text], reader, alt.Step(42))


@dataclass(frozen=True)
class Cell:
    """What a cell of a heat table says, its ground and ink, what it says in full, and what stands under the number."""

    shown: str
    fill: str
    ink: str
    tip: str
    under: str = ""


@dataclass(frozen=True)
class HeatTable:
    """Names of the columns; rows with their name, how many each rests on (None: not said), and one cell a column."""

    heads: list[str]
    rows: list[tuple[str, int | None, list[Cell]]]


def heat_table(
    frame: pd.DataFrame,
    reader: Reader,
    row: str,
    column: str,
    value: str,
    n: str | None = None,
    *,
    domain: tuple[float, float],
    min_n: int = 0,
    rows: Sequence[Hashable] | None = None,
    columns: Sequence[Hashable] | None = None,
    names: Mapping[str, str] | None = None,
) -> HeatTable:
    """Shares as the cells of a table, in the reader's digits; "–" where `frame` has no row. `n` belongs to the whole row.

    `rows` and `columns` give the order and choose; otherwise the order of the frame. A row that rests on fewer than `min_n`
    is sunken. Colours as in `draw_heatmap`.
    """
    t = tokens(reader.mode)
    down = labels(rows if rows is not None else frame[row], names)
    across = labels(columns if columns is not None else frame[column], names)
    held = {(c[row], c[column]): c for c in frame.to_dict("records")}
    counts = {c[row]: int(c[n]) for c in held.values()} if n else {}
    found = []
    for here, name in down.items():
        cells = []
        few = n is not None and counts.get(here, 0) < min_n
        for there, next_name in across.items():
            cell = held.get((here, there))
            if cell is None or is_missing(cell[value]):
                cells.append(Cell(NOTHING, t.surface, t.muted, f"{name} · {next_name}"))
                continue
            fill = t.sunken if few else shade(cell[value], domain, False, reader.mode)
            tip = _tip(name, next_name, cell, value, n, True, 1, reader)
            cells.append(Cell(reader.percent(cell[value]), fill, t.muted if few else on(fill, reader.mode), tip))
        found.append((name, counts.get(here) if n else None, cells))
    return HeatTable(list(across.values()), found)


def plain_cell(
    shown: str, tip: str, under: str, reader: Reader, apart: float | None = None, widest: float = 1.0
) -> Cell:
    """A cell of a table whose rows have units of their own: coloured only where `apart` says how far it lies from what is usual,
    orange below and blue above, strongest at `widest`."""
    t = tokens(reader.mode)
    if apart is None:
        return Cell(shown, t.surface, t.text, tip, under)
    fill = shade(apart, (-widest, widest), True, reader.mode)
    return Cell(shown, fill, on(fill, reader.mode), tip, under)


def shade(value: float, domain: tuple[float, float], diverging: bool, mode: str) -> str:
    """The colour of that value between the ends of the domain."""
    t = tokens(mode)
    stops = t.diverging if diverging else t.sequential
    at = max(0.0, min(1.0, (value - domain[0]) / ((domain[1] - domain[0]) or 1))) * (len(stops) - 1)
    low, high = list(pairwise(stops))[min(int(at), len(stops) - 2)]
    part = at - min(int(at), len(stops) - 2)
    mixed = (round(_channel(low, i) * (1 - part) + _channel(high, i) * part) for i in (1, 3, 5))
    return "#" + "".join(f"{c:02X}" for c in mixed)


def _channel(colour: str, at: int) -> int:
    return int(colour[at : at + 2], 16)


def _shown(value: Any, share: bool, decimals: int, reader: Reader) -> str:
    if is_missing(value):
        return "–"
    shown = reader.percent(value, decimals) if share else reader.number(value, decimals)
    return reader.isolate(shown) if reader.rtl else shown


def _written(value: Any, n: Any, share: bool, decimals: int, reader: Reader) -> str:
    shown = _shown(value, share, decimals, reader)
    if is_missing(value) or is_missing(n):
        return shown
    count = f"({reader.say(COUNT)} {reader.number(n)})"
    return reader.isolate(f"{shown} {count}") if reader.rtl else f"{shown} {count}"


def _tip(
    down: str,
    across: str,
    cell: Mapping[Any, Any],
    value: str,
    n: str | None,
    share: bool,
    decimals: int,
    reader: Reader,
) -> str:
    parts = [down, across, _shown(cell[value], share, decimals, reader)]
    if f"{value}_low" in cell and not is_missing(cell[f"{value}_low"]) and not is_missing(cell[value]):
        low, high = (_shown(cell[f"{value}_{end}"], share, decimals, reader) for end in ("low", "high"))
        parts.append(f"{low} – {high}")
    if n and not is_missing(cell[n]):
        parts.append(f"{reader.say(COUNT)} {reader.number(cell[n])}")
    return " · ".join(parts)
