"""Conversion: how many reach the goal, and how long does it take them?"""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
from ibis import _

from cx_metrics import intervals
from cx_metrics.registry import Measure, metric
from cx_metrics.texts import N_


def finish_conversion(frame: pd.DataFrame, *, confidence: float) -> pd.DataFrame:
    """Add the conversion rate with its interval."""
    frame = frame.assign(converted=frame["converted"].fillna(0).astype("int64"))
    return intervals.add_share(frame, "conversion_rate", "converted", "customers", confidence)


@metric(
    title=N_("Conversion"),
    unit=N_("share of customers"),
    denominator=N_("customers of the view"),
    inputs=("touchpoints",),
    source="Wilson (1927), JASA 22 (interval of a share)",
    needs_goal=True,
    finish=finish_conversion,
    measures={
        "customers": Measure(N_("Customers"), "count", higher_is_better=True, meaning=N_("customers with a touchpoint")),
        "converted": Measure(N_("Converted"), "count", meaning=N_("customers who reach the goal")),
        "conversion_rate": Measure(
            N_("Conversion rate"), "share", n="customers", interval="wilson", higher_is_better=True,
            meaning=N_("share of customers who reach the goal"),
        ),
    },
)  # fmt: skip
def conversion(touchpoints: ibis.Table, by: tuple[str, ...] = ()) -> ibis.Table:
    """How many customers reach the goal?

    One row per group of `by`: customers (with a touchpoint in the group), converted (with a goal touchpoint in the group),
    conversion_rate with its Wilson interval. The denominator is all customers of the view, not the entrants of a funnel.
    """
    t = touchpoints
    return t.aggregate(by=list(by), 
        customers=t.customer_id.nunique(), converted=t.customer_id.nunique(where=t.is_goal == 1)
    ).order_by([*by, "customers"])  # fmt: skip


def finish_time(frame: pd.DataFrame, *, by: tuple[str, ...]) -> pd.DataFrame:
    """From the ranked rows to one row per group: the median and the order statistics that bound it."""
    rows = []
    parts = frame.groupby(list(by), dropna=False, sort=False) if by else [((), frame)]
    for key, part in parts:
        if not len(part):
            continue
        middle = part[part["is_middle"] == 1]["seconds"]
        row = dict(zip(by, key if isinstance(key, tuple) else (key,), strict=True))
        row |= {"customers": int(part["customers"].iloc[0]), "median_seconds": float(middle.mean())}
        for end in ("low", "high"):
            found = part[part[f"is_{end}"] == 1]["seconds"]
            row[f"median_seconds_{end}"] = float(found.iloc[0]) if len(found) else np.nan
        rows.append(row)
    columns = [*by, "customers", "median_seconds", "median_seconds_low", "median_seconds_high"]
    empty = {"customers": 0} | {c: np.nan for c in columns[-3:]}
    return pd.DataFrame(rows if rows or by else [empty], columns=columns)


@metric(
    title=N_("Time to goal"),
    unit=N_("seconds, median"),
    denominator=N_("customers who reach the goal"),
    inputs=("touchpoints",),
    source="Conover (1999), Practical Nonparametric Statistics, 3.2 (interval of a quantile by order statistics)",
    needs_goal=True,
    needs_time=True,
    finish=finish_time,
    measures={
        "customers": Measure(N_("Customers"), "count", meaning=N_("customers who reach the goal")),
        "median_seconds": Measure(
            N_("Median time to goal"), "seconds", n="customers", interval="order statistics", higher_is_better=False,
            meaning=N_("median time from a customer's first touchpoint to the first goal"),
        ),
    },
)  # fmt: skip
def time_to_goal(touchpoints: ibis.Table, by: tuple[str, ...] = (), confidence: float = 0.95) -> ibis.Table:
    """How long do customers take from their first touchpoint to the goal?

    One row per group of `by`: customers who reach the goal, median_seconds from their first touchpoint in the view to their
    first goal touchpoint, with the distribution-free interval of a median (order statistics, normal approximation).
    Fewer than six customers have no interval at 95 %. A customer whose first touchpoint is the goal counts with 0.
    """
    t = touchpoints
    each = (
        t.group_by([*by, "customer_id"])
        .aggregate(first=_.occurred_microseconds.min(), goal=t.occurred_microseconds.min(where=t.is_goal == 1))
        .filter(_.goal.notnull())
    )
    each = each.mutate(seconds=(each.goal - each["first"]).cast("float64") / 1e6)
    group = ibis.window(group_by=list(by)) if by else ibis.window()
    ordered = ibis.window(group_by=list(by), order_by=["seconds", "customer_id"])
    each = each.mutate(rank=ibis.row_number().over(ordered) + 1, customers=each.count().over(group))
    n = each.customers.cast("float64")
    half = intervals.z_of(confidence) * n.sqrt() / 2
    low = ((n + 1) / 2 - half).floor()  # with continuity correction; 0 = the interval has no such end
    high = n + 1 - low
    rank = each["rank"].cast("float64")
    middle = (rank == ((n + 1) / 2).floor()) | (rank == ((n + 1) / 2).ceil())
    marked = each.mutate(
        is_middle=ibis.ifelse(middle, 1, 0),
        is_low=ibis.ifelse(rank == low, 1, 0),
        is_high=ibis.ifelse(rank == high, 1, 0),
    )
    kept = marked.filter((_.is_middle == 1) | (_.is_low == 1) | (_.is_high == 1))
    return kept.select(*by, "customers", "seconds", "is_middle", "is_low", "is_high").order_by([*by, "seconds"])
