"""Which is the largest? Ranked horizontal bars from one zero, each with its interval and its number."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd

from cx_metrics.charts.fields import Fields, is_missing, labels, room_for_words, width_of, with_n
from cx_metrics.charts.picture import Numbers, Series, amounts, with_numbers
from cx_metrics.charts.theme import Reader, themed, tokens
from cx_metrics.texts import N_

COUNT = N_("n")  # i18n: the number of cases, before a number


def draw_bars(
    frame: pd.DataFrame,
    reader: Reader,
    label: str,
    value: str,
    low: str | None = None,
    high: str | None = None,
    n: str | None = None,
    *,
    share: bool = False,
    decimals: int = 0,
    names: Mapping[str, str] | None = None,
    other: str | None = None,
    keep_order: bool = False,
    min_n: int = 0,
    step: int = 30,
) -> alt.LayerChart:
    """One bar per row, largest first, `other` (a value of `label`) last and grey.

    `value`, `low` and `high` are columns of one unit (shares 0..1 with `share=True`), `n` the count behind them. Rows with
    fewer than `min_n` cases are pale. Bars always start at zero. A row without a value keeps its place and says "–".
    """
    t = tokens(reader.mode)
    rows = frame if keep_order else frame.sort_values([value, label], ascending=[False, True], kind="stable")
    if other is not None:
        rows = pd.concat([rows[rows[label] != other], rows[rows[label] == other]])
    shown = labels(rows[label], names, isolate=reader.rtl)
    written = [_written(row, value, n, share, decimals, reader) for row in rows.to_dict("records")]
    few = [bool(n and min_n and row[n] < min_n) for row in rows.to_dict("records")]
    colours = [t.other if k == other else t.accent for k in rows[label]]
    f = _fields(rows, [shown[k] for k in rows[label]], value, low, high, written, colours, few)
    top = max([float(e) for e in f.frame[f["end"]]] or [1.0]) or 1.0
    words = 14 + width_of(written, 6.8)
    far = alt.ExprRef(f"{top} * {room_for_words(words)}")
    scale = alt.Scale(domainMin=_lowest(f.frame[f["low"]]), domainMax=far, nice=False, reverse=reader.rtl)

    def at(column: str) -> alt.X:
        return alt.X(field=f[column], type="quantitative", scale=scale, axis=None)

    side = alt.Axis(orient="right" if reader.rtl else "left", labelFontSize=13, labelColor=t.text, labelLimit=200)
    y = alt.Y(field=f["name"], type="nominal", sort=list(f.frame[f["name"]]), title=None, axis=side)
    base = alt.Chart(f.frame).encode(y=y)
    bars = base.mark_bar(size=min(16, step - 10), cornerRadius=2).encode(
        x=at("value"),
        color=alt.Color(field=f["colour"], type="nominal", scale=None),
        opacity=alt.Opacity(field=f["opacity"], type="quantitative", scale=None),
        tooltip=f.tooltip("tip"),
    )
    layers: list[alt.Chart] = [bars]
    if low and high:
        layers.append(base.mark_rule(strokeWidth=2, color=t.text).encode(x=at("low"), x2=alt.X2(field=f["high"])))
    outside = base.mark_text(
        align="right" if reader.rtl else "left", dx=-8 if reader.rtl else 8, fontSize=13, color=t.text
    )
    layers.append(outside.encode(x=at("end"), text=f.text("written")))
    least, most = (amounts(rows[column]) if column else [] for column in (low, high))
    series = Series("", amounts(rows[value]), least, most, written, colours)
    names_shown = [shown[k] for k in rows[label]]
    numbers = Numbers("bars", names_shown, [series], share, decimals, mirrored=reader.rtl)
    return with_numbers(themed(layers, reader, alt.Step(step)), numbers)


def _fields(
    rows: pd.DataFrame, names: list[str], value: str, low: str | None, high: str | None, written: list[str],
    colours: list[str], few: list[bool],
) -> Fields:  # fmt: skip
    ends = list(rows[high or value])
    return Fields(
        name=names,
        value=list(rows[value]),
        low=list(rows[low or value]),
        high=ends,
        end=[max([0.0, *(x for x in pair if not is_missing(x))]) for pair in zip(rows[value], ends, strict=True)],
        colour=colours,
        opacity=[0.4 if pale else 1.0 for pale in few],
        written=written,
        tip=[f"{name} · {text}" for name, text in zip(names, written, strict=True)],
    )


def _lowest(values: pd.Series[float]) -> float:
    """Zero, or the lowest bound if one lies below it."""
    return min([0.0, *(float(v) for v in values if not is_missing(v))])


def _written(
    row: Mapping[object, object], value: str, n: str | None, share: bool, decimals: int, reader: Reader
) -> str:
    amount = row[value]
    if is_missing(amount):
        text = "–"
    else:
        assert isinstance(amount, (int, float))
        text = reader.percent(amount, decimals) if share else reader.number(amount, decimals)
    if n is None:
        return reader.isolate(text) if reader.rtl else text
    return with_n(text, row[n], reader.say(COUNT), reader)
