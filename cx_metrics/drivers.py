"""What goes with a high or low score? Other answers and what happened before, by how much of the score's spread goes with each.

This is association. Whoever waited long and scores low may do both for a third reason; no number here says what leads to what.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd

from cx_metrics import intervals
from cx_metrics import relative_weights as weights
from cx_metrics.driver_choice import ATTRIBUTE, Chosen, Driver, cases, choose, named, offered
from cx_metrics.drivers_in_memory import cases_here, offered_here
from cx_metrics.errors import DataProblem, OptionProblem
from cx_metrics.intervals import Array
from cx_metrics.options import Count
from cx_metrics.registry import Follow, Measure, Walk, metric
from cx_metrics.texts import N_

Held = dict[str, Array]  # the measures of all drivers: a number for each
MOST_GROUPS = 100  # each has a bootstrap of its own
ENDS = ("", "_low", "_high")
CONSTANT, COLLINEAR, TOO_FEW, SAME_SCORE = "constant", "collinear", "too_few", "same_score"
NOTES = {
    CONSTANT: N_("the same in all responses, so left out"),
    COLLINEAR: N_("determined by the other drivers: what they share is split between them"),
    TOO_FEW: N_("too few responses for this many drivers"),
    SAME_SCORE: N_("all responses have the same score, so nothing goes with it"),
}
FIX_FIRST, KEEP_UP, LOW_PRIORITY, OVERKILL = "fix_first", "keep_up", "low_priority", "possible_overkill"
QUADRANTS = {
    FIX_FIRST: N_("Fix first"),
    KEEP_UP: N_("Keep up"),
    LOW_PRIORITY: N_("Low priority"),
    OVERKILL: N_("Possible overkill"),
}

Method = Annotated[
    Literal["lmg", "johnson"],
    N_("how what drivers share is split: lmg (mean over all orders, at most 15 drivers) or johnson (relative weights)"),
]
FewestEach = Annotated[int, Count(N_("how many responses there must be for each driver"), 0, 1_000)]
DRIVERS = Walk(offered, choose, told=offered_here)

MEASURES = {
    "responses": Measure(N_("Responses"), "count", meaning=N_("responses that know the score and every driver")),
    "correlation": Measure(
        N_("Correlation"), "ratio", n="responses", interval="Fisher z",
        meaning=N_("Pearson's: 1 where both rise together, −1 where one falls as the other rises"),
    ),
    "spearman": Measure(
        N_("Rank correlation"), "ratio", n="responses", interval="Fisher z, Bonett-Wright",
        meaning=N_("Spearman's: the same by the order of the values alone"),
    ),
    "importance": Measure(
        N_("Importance"), "share", n="responses", interval="percentile bootstrap",
        meaning=N_("the driver's share of what all drivers together explain of the score (of R²)"),
    ),
    "contribution": Measure(
        N_("Part of R²"), "ratio", n="responses", interval="percentile bootstrap",
        meaning=N_("how much of the spread of the score goes with the driver; all parts add up to R²"),
    ),
    "mean_score": Measure(
        N_("Mean"), "score", n="responses", interval="Student t",
        meaning=N_("mean of the driver in its own unit; of one with two values, the share of the rarer one"),
    ),
    "performance_share": Measure(
        N_("Performance"), "share", n="responses", interval="Student t",
        meaning=N_("how far the mean stands from the worst answer of its scale (0) to the best (1)"),
    ),
    "vif": Measure(
        N_("Variance inflation"), "ratio", n="responses",
        meaning=N_("1 where the other drivers say nothing of it; from 5 on, they say nearly the same"),
    ),
    "r_squared": Measure(
        N_("R²"), "share", n="responses", interval="percentile bootstrap",
        meaning=N_("share of the spread of the score that goes with all drivers together"),
    ),
    "adjusted_r_squared": Measure(
        N_("Adjusted R²"), "ratio", n="responses", meaning=N_("R² less what as many drivers would explain by chance alone")
    ),
    "answers": Measure(N_("Answers"), "count", meaning=N_("responses that know the score, with or without the drivers")),
}  # fmt: skip


@metric(
    title=N_("Key drivers"),
    unit=N_("share of R²"),
    denominator=N_("responses that know the score and every driver"),
    inputs=("surveys",),
    source="Lindeman, Merenda & Gold (1980); Grömping (2006), J. Stat. Softw. 17(1); Johnson (2000), Multivar. Behav. Res. 35",
    groups=("driver", "kind", "level"),
    walk=DRIVERS,
    follow=Follow(named, cases, alike=True, told=cases_here),
    measures=MEASURES,
)
def key_drivers(
    chosen: Chosen, by: tuple[str, ...] = (), confidence: float = 0.95, followed: pd.DataFrame | None = None, *,
    method: Method = "lmg", min_per_driver: FewestEach = 10,
) -> pd.DataFrame:  # fmt: skip
    """What goes with a high or low score?

    One row per group of `by` and driver: driver, kind (survey type of the question, measure or attribute), level, responses
    (complete ones), correlation, spearman, importance (share of R²), contribution (part of R²), mean_score, performance_share,
    vif, r_squared, adjusted_r_squared, answers (all that know the score), scale_low, scale_high, quadrant, note. The plain
    linear model of the score on all drivers; ordinal scores count as numbers, and raw ones: on an effort scale a high score may
    be the bad one.

    Drivers are scored questions of the same response, columns of numbers, and columns of at most 12 values: one with two values
    stands as its rarer value (level), one with more counts together and has no sign. Unless named: all other scored questions,
    and numbers of the customer's journey before the answer, that at least half of those who gave the score have.

    `lmg` is the mean over all orders of what a driver adds to R² (Shapley), `johnson` the relative weights; both add up to R²
    and neither is negative. Intervals by percentile bootstrap: 1,000 draws with seed 0, of customers where some answered more
    than once, else of responses; more than 2,000 of them with different answers in 2,000 random blocks. They are stretched to
    hold the estimate where it lies outside. Correlations have Fisher's interval.

    Quadrant: importance against the median of the drivers, performance against their mean. fix_first is important and low,
    keep_up important and high, low_priority neither, possible_overkill high alone; a driver without a scale has none. A driver
    that does not vary is left out of the model and says so in its note, and so does one that the others determine.
    Raises DataProblem where no group has `min_per_driver` responses for each driver, OptionProblem for more than 15 drivers
    under lmg. No drivers, or nobody gave the score: no rows.
    """
    if followed is None or not chosen.drivers:
        return pd.DataFrame({c: pd.Series(dtype="object") for c in _columns(by)})
    if method == "lmg" and len(chosen.drivers) > weights.MOST_LMG:
        raise OptionProblem(
            N_("The method lmg takes at most {most} drivers; here are {count}. Choose the method johnson, or name fewer drivers."),
            most=weights.MOST_LMG, count=len(chosen.drivers),
        )  # fmt: skip
    groups = [(key, rows) for key, rows in followed.groupby(list(by), dropna=False)] if by else [((), followed)]
    if len(groups) > MOST_GROUPS:
        raise OptionProblem(N_("Drivers are told for at most {most} groups; this column makes {count}. Group by another one."),
                            most=MOST_GROUPS, count=len(groups))  # fmt: skip
    needed = min_per_driver * len(chosen.drivers)
    most = max(int(rows["n"][rows["outcome"].notna()].sum()) for _key, rows in groups)
    if most < needed:
        raise DataProblem(
            N_("{count} responses know the score and all {drivers} drivers; {needed} are needed, {each} for each driver. "
               "Name fewer drivers, or look at more answers."),
            count=most, drivers=len(chosen.drivers), needed=needed, each=min_per_driver,
        )  # fmt: skip
    found = []
    for key, rows in groups:
        answers = int(rows["n"].sum()) if by else chosen.answers
        told = _of_group(rows.drop(columns=list(by)), answers, chosen, method, needed, confidence)
        found.append(told.assign(**_key(by, key)))
    return pd.concat(found, ignore_index=True)[_columns(by)].astype({"responses": "int64", "answers": "int64"})


def _key(by: Sequence[str], key: Any) -> dict[str, Any]:
    """The values of a group, unknown as null."""
    return {name: None if value != value else value for name, value in zip(by, key, strict=True)}


def _columns(by: Sequence[str]) -> list[str]:
    known = [name + end for name, m in MEASURES.items() for end in (ENDS if m.interval else ENDS[:1])]
    return [*by, "driver", "kind", "level", *known, "scale_low", "scale_high", "quadrant", "note"]


def _of_group(
    rows: pd.DataFrame, answers: int, chosen: Chosen, method: str, needed: int, confidence: float
) -> pd.DataFrame:
    """All drivers in one group of so many who gave the outcome: the most important first, ties by name."""
    known = rows["outcome"].notna()
    complete = rows if known.all() else rows[known]
    texts = [c for c in complete if not pd.api.types.is_numeric_dtype(complete[c])]
    if texts and not chosen.by_customer:  # engines put texts in orders of their own, and what is drawn goes by place
        complete = complete.sort_values([str(c) for c in complete if c != "n"])
    n, drivers = complete["n"].to_numpy(dtype="int64"), chosen.drivers
    table = pd.DataFrame({
        "driver": [d.name for d in drivers], "kind": [d.kind for d in drivers],
        "level": [d.levels[0] if len(d.levels) == 1 else None for d in drivers],
        "scale_low": [d.scale_low for d in drivers], "scale_high": [d.scale_high for d in drivers],
        "responses": int(n.sum()), "answers": answers,
    })  # fmt: skip
    blank = [
        name + end for name, m in MEASURES.items() if m.unit != "count" for end in (ENDS if m.interval else ENDS[:1])
    ]
    held: Held = {name: np.full(len(drivers), np.nan) for name in blank}
    notes = np.full(len(drivers), None, dtype=object)
    if n.sum() < max(needed, 1):
        return table.assign(quadrant=None, note=TOO_FEW, **held)
    columns = [_values(complete[f"d{place}"], driver) for place, driver in enumerate(drivers, 1)]
    outcome = complete["outcome"].to_numpy(dtype=float)
    _levels(held, drivers, columns, n, confidence)
    varies = np.array([bool(c.shape[1]) and bool(np.any(np.ptp(c, axis=0) > 0)) for c in columns], dtype=bool)
    notes[~varies] = CONSTANT
    if np.ptp(outcome) == 0:
        return table.assign(quadrant=None, note=SAME_SCORE, **held)
    kept = np.flatnonzero(varies)
    if len(kept):
        units = complete["customer"].to_numpy(dtype="int64") if chosen.by_customer else None
        _explained(held, notes, kept, [columns[k] for k in kept], outcome, n, units, method, confidence)
    table = table.assign(note=pd.Series(notes, table.index, dtype=object), quadrant=_quadrants(held), **held)
    return table.sort_values(["importance", "driver", "kind"], ascending=[False, True, True], na_position="last")


def _values(held: pd.Series, driver: Driver) -> Array:
    """The columns of a driver: its numbers, or a 1 for each of its values but the most frequent."""
    if driver.kind != ATTRIBUTE:
        return held.to_numpy(dtype=float)[:, None]
    found: Array = np.column_stack(
        [np.zeros((len(held), 0)), *(held.eq(level).to_numpy(dtype=float) for level in driver.levels)]
    )
    return found


def _levels(held: Held, drivers: Sequence[Driver], columns: Sequence[Array], n: Any, confidence: float) -> None:
    """Write down the means, and where they stand on their scale."""
    total, n = int(n.sum()), n.astype(float)  # whole numbers would be cast again and again
    for place, (driver, values) in enumerate(zip(drivers, columns, strict=True)):
        if values.shape[1] != 1:
            continue
        mean = float((n * values[:, 0]).sum() / total)
        spread = np.sqrt((n * (values[:, 0] - mean) ** 2).sum() / (total - 1)) if total > 1 else np.nan
        low, high = intervals.mean_t(mean, spread, total, confidence)
        at = np.array([mean, float(low), float(high)])
        _place(held, place, "mean_score", at)
        if driver.scale_low is not None and driver.scale_high is not None and total > 1:
            way = np.clip((at - driver.scale_low) / (driver.scale_high - driver.scale_low), 0, 1)
            _place(held, place, "performance_share", way if driver.higher_is_better else 1 - way[[0, 2, 1]])


def _explained(
    held: Held, notes: Any, kept: Any, columns: Sequence[Array], outcome: Array, n: Any, units: Array | None, method: str,
    confidence: float,
) -> None:  # fmt: skip
    """Write down correlations, parts of R² and what goes with them, for the drivers that vary."""
    plain = [*(column for driver in columns for column in driver.T), outcome]
    times = n.astype(float)
    ends = np.cumsum([0, *(c.shape[1] for c in columns)])
    blocks = [range(a, b) for a, b in zip(ends, ends[1:], strict=False)]
    own, resampled = weights.sampled(weights.beside_one(plain, len(plain), times), n, units)
    matrix = weights.correlations(own)
    split = weights.lmg if method == "lmg" else weights.johnson
    parts = split(matrix, blocks)
    drawn = split(weights.correlations(resampled), blocks)
    whole, drawn_whole = parts.sum(), drawn.sum(axis=-1)
    shares = np.divide(drawn, drawn_whole[:, None], out=np.zeros_like(drawn), where=drawn_whole[:, None] > 0)
    own = parts / whole if whole > 0 else np.full(len(parts), np.nan)
    for name, estimate, each in (
        ("contribution", parts, drawn),
        ("importance", own, shares),
        ("r_squared", whole, drawn_whole),
    ):
        _place(held, kept, name, (estimate, *weights.percentile(each, estimate, confidence)))
    inflated = weights.inflation(matrix, blocks)
    held["vif"][kept] = np.where(np.isfinite(inflated), inflated, np.nan)
    notes[kept[~np.isfinite(inflated)]] = COLLINEAR
    held["adjusted_r_squared"][kept] = float(weights.adjusted_r_squared(whole, n.sum(), int(ends[-1])))
    one = np.array([len(block) == 1 for block in blocks])
    first = [block[0] for block in blocks]
    ranks = weights.beside_one((weights.ranks(column, times) for column in plain), len(plain), times)
    ranked = weights.correlations(weights.mean_products(ranks, times))
    for name, r, by_rank in (("correlation", matrix, False), ("spearman", ranked, True)):
        known = np.where(one, r[first, -1], np.nan)
        _place(held, kept, name, (known, *weights.fisher(known, n.sum(), confidence, by_rank)))


def _place(held: Held, rows: Any, name: str, values: Sequence[Any] | Array) -> None:
    """Put a measure and its ends into these rows."""
    for end, value in zip(ENDS, values, strict=True):
        held[name + end][rows] = value


def _quadrants(held: Held) -> Any:
    """Where each driver stands by importance and performance; none where either is not known."""
    importance, performance = held["importance"], held["performance_share"]
    placed = ~np.isnan(importance) & ~np.isnan(performance)
    if not placed.any():
        return [None] * len(importance)
    important = importance >= np.median(importance[~np.isnan(importance)])
    good = performance >= performance[placed].mean()
    named = {(True, False): FIX_FIRST, (True, True): KEEP_UP, (False, False): LOW_PRIORITY, (False, True): OVERKILL}
    return [named[bool(i), bool(g)] if p else None for i, g, p in zip(important, good, placed, strict=True)]
