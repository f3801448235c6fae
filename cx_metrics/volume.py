"""Volume: how many touchpoints come in a day or a week, and is that within what is usual?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal

import ibis
import numpy as np
import pandas as pd
from ibis import _
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike

from cx_metrics.intervals import Array
from cx_metrics.registry import Measure, metric
from cx_metrics.texts import N_

WEEKS = 8  # of the baseline: what was usual before the period that is looked at
FACTOR = 3 / 1.128  # three standard deviations, from the mean moving range of two neighbours (NIST/SEMATECH 6.3.2.2)

Days = tuple[date, date]  # the first and the last
Length = Annotated[Literal["day", "week"], N_("how long a period is: a day, or a week from Monday")]


def spread_of(rows: ArrayLike) -> Array:
    """Half the width of the control limits of individuals charts (XmR), one a row: 3 / 1.128 times the mean moving range.
    Unknown values leave out their ranges.

    >>> values = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]
    >>> round(float(spread_of([values])[0]), 4)
    4.9941
    """
    ranges = np.abs(np.diff(np.asarray(rows, dtype=float), axis=1))
    known = ~np.isnan(ranges)
    unknown = np.full(len(ranges), np.nan)
    spread: Array = FACTOR * np.divide(
        np.where(known, ranges, 0).sum(axis=1), known.sum(axis=1), out=unknown, where=known.any(axis=1)
    )
    return spread


def finish_volume(
    frame: pd.DataFrame, *, by: tuple[str, ...], days: Days | None, period: Literal["day", "week"]
) -> pd.DataFrame:
    """Every period that the view covers, also empty ones, with what the eight weeks before it make usual."""
    columns = ["period", "touchpoints", "usual", "usual_low", "usual_high", "baseline", "is_partial", "is_low"]
    rows = []
    every, partial = _periods(days, period)
    for key, part in _parts(frame, by):
        counts = dict(zip(part["period"], part["touchpoints"], strict=True))
        values = np.array([counts.get(at, 0) for at in every], dtype=float)
        usual, low, high, of = usual_of(values, partial, 7 if period == "day" else 1)
        is_low = ~partial & (values < low)
        rows += [(*key, *row) for row in zip(every, values, usual, low, high, of, partial, is_low, strict=True)]
    finished = pd.DataFrame(rows, columns=[*by, *columns])
    return finished.astype({"touchpoints": "int64", "baseline": "int64", "is_partial": bool, "is_low": bool})


def usual_of(values: Array, partial: Any, season: int) -> tuple[Array, Array, Array, Any]:
    """For each period: what is usual, the limits of that, and how many periods before it they rest on.

    The baseline are the eight weeks before, never the period itself. Each is set in relation to the mean of its weekday, and
    the limits are those of an individuals chart of these relations. Unknown where the baseline is not whole.
    """
    size = WEEKS * season
    unknown = np.full(len(values), np.nan)
    usual, low, high = unknown.copy(), unknown.copy(), unknown.copy()
    of = np.zeros(len(values), dtype="int64")
    if len(values) <= size:
        return usual, low, high, of
    before = sliding_window_view(values, size)[:-1].reshape(-1, WEEKS, season)  # that of period i + size
    whole = ~sliding_window_view(np.asarray(partial, dtype=bool), size)[:-1].any(axis=1)
    means = before.mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        relations = np.where(means[:, None, :] > 0, before / means[:, None, :], np.nan).reshape(-1, size)
    spread = spread_of(relations)
    expected = means[:, 0]  # the first of the window has the weekday of the period that follows it
    at = slice(size, None)
    usual[at] = np.where(whole, expected, np.nan)
    low[at] = np.where(whole, expected * np.maximum(1 - spread, 0), np.nan)
    high[at] = np.where(whole, expected * (1 + spread), np.nan)
    of[at] = np.where(whole, size, 0)
    return usual, low, high, of


@metric(
    title=N_("Touchpoints a day"),
    unit=N_("touchpoints"),
    denominator=N_("touchpoints of the view"),
    inputs=("touchpoints",),
    source="NIST/SEMATECH e-Handbook 6.3.2.2 (individuals chart); weekdays by their means",
    needs_time=True,
    groups=("period",),
    finish=finish_volume,
    measures={
        "touchpoints": Measure(N_("Touchpoints"), "count", meaning=N_("contacts in the period")),
        "usual": Measure(
            N_("Usual"), "count", n="baseline", interval="individuals chart",
            meaning=N_("mean of the same weekday in the eight weeks before (of a week: of the weeks)"),
        ),
        "baseline": Measure(N_("Periods before"), "count", meaning=N_("periods that the usual number rests on")),
    },
)  # fmt: skip
def volume(touchpoints: ibis.Table, by: tuple[str, ...] = (), *, period: Length = "day") -> ibis.Table:
    """How many touchpoints come in a day, and is that within what is usual?

    One row per day (or week from Monday) that the range and the data cover, also where there are none: period (its first day),
    touchpoints, usual (mean of the same weekday over the eight weeks before) with its control limits, baseline (periods these
    rest on; 0 where the range begins less than eight weeks before, and then nothing is usual), is_partial (a week that is not
    covered in full), is_low (fewer than the lower limit). The limits are those of an individuals chart (mean ± 2.66 times the
    mean moving range) of the days in relation to their weekday. Days are cut in the time zone of the dataset.
    """
    t = touchpoints.filter(_.day.notnull())
    return t.group_by([*by, t[period].name("period")]).aggregate(touchpoints=_.count()).order_by([*by, "period"])


def _periods(days: Days | None, period: Literal["day", "week"]) -> tuple[list[date], Any]:
    """The first days of the periods between two days, and which of them are not covered in full."""
    if days is None:
        return [], np.zeros(0, dtype=bool)
    every = pd.period_range(*days, freq="D" if period == "day" else "W-SUN")
    first, last = (pd.Timestamp(day) for day in days)
    partial = (every.start_time < first) | (every.end_time.normalize() > last)
    return list(every.start_time.date), np.asarray(partial, dtype=bool)


def _parts(frame: pd.DataFrame, by: tuple[str, ...]) -> Iterator[tuple[tuple[Any, ...], pd.DataFrame]]:
    """The groups of a frame with their keys; the whole frame without groups."""
    if not by:
        yield (), frame
        return
    yield from frame.groupby(list(by), dropna=False, sort=False)
