"""Activity: on how many days are customers there, and how much of a month's customers does a day see?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any

import ibis
import numpy as np
import pandas as pd
from ibis import _

from cx_metrics import intervals
from cx_metrics.options import Count
from cx_metrics.registry import Measure, metric
from cx_metrics.texts import N_

Days = tuple[date, date]  # the first and the last


def finish_stickiness(
    frame: pd.DataFrame, *, by: tuple[str, ...], days: Days | None, confidence: float
) -> pd.DataFrame:
    """One row per group and month that the view covers, from customers counted by their active days."""
    rows = []
    for key, part in _parts(frame, by):
        by_month = dict(iter(part.groupby("month")))
        for month, covered, whole in _months(days):
            own = by_month.get(month, part.iloc[:0])
            customers, active = int(own["customers"].sum()), int((own["active_days"] * own["customers"]).sum())
            low, high = intervals.bootstrap_mean(own["active_days"] / covered, own["customers"], confidence)
            rows.append((*key, month, covered, covered < whole, customers, active / covered,
                         active / covered / customers if customers else np.nan, low, high))  # fmt: skip
    columns = ["month", "days", "is_partial", "customers", "daily_customers_mean"]
    finished = pd.DataFrame(rows, columns=[*by, *columns, *(f"stickiness{e}" for e in ("", "_low", "_high"))])
    return finished.astype({"days": "int64", "is_partial": bool, "customers": "int64"})


@metric(
    title=N_("Stickiness"),
    unit=N_("share of the month's customers"),
    denominator=N_("customers with a touchpoint in the month"),
    inputs=("touchpoints",),
    source="DAU / MAU: mean of the daily customers of a month over its monthly customers",
    needs_time=True,
    groups=("month",),
    finish=finish_stickiness,
    measures={
        "days": Measure(N_("Days"), "count", meaning=N_("days of the month that lie in the range and in the data")),
        "customers": Measure(N_("Customers in the month"), "count", meaning=N_("customers with a touchpoint in the month")),
        "daily_customers_mean": Measure(
            N_("Customers a day"), "count", n="days", meaning=N_("customers with a touchpoint on a day, mean over the days")
        ),
        "stickiness": Measure(
            N_("Stickiness"), "share", n="customers", interval="bootstrap by customer", higher_is_better=True,
            meaning=N_("customers a day / customers in the month: the part of the days on which a customer is there"),
        ),
    },
)  # fmt: skip
def stickiness(touchpoints: ibis.Table, by: tuple[str, ...] = ()) -> ibis.Table:
    """How much of a month's customers does a day see?

    One row per calendar month that the range and the data cover: days (of the month that they cover), is_partial (not all of
    them), customers (with a touchpoint in the month), daily_customers_mean, stickiness. Days and months are cut in the time
    zone of the dataset. A month in which nobody was there has its row, without a stickiness.

    A month that is not covered in full is no lower for it, but over few days each customer counts as active on a larger
    part of them: 1 of 4 days, not 1 of 30. Do not compare it with whole months. One customer has no interval.
    """
    each = _days_of_customers(touchpoints, by, "month").group_by([*by, "month", "customer_number"])
    counted = each.aggregate(active_days=_.count()).group_by([*by, "month", "active_days"])
    return counted.aggregate(customers=_.count()).order_by([*by, "month", "active_days"])


def finish_active_days(frame: pd.DataFrame, *, by: tuple[str, ...], most: int, confidence: float) -> pd.DataFrame:
    """One row per number of days, up to the highest there is; numbers that no customer has are 0."""
    rows = []
    for key, part in _parts(frame, by):
        found = dict(zip(part["active_days"], part["customers"], strict=True))
        everybody = int(part["customers"].sum())
        for days in range(1, max(found) + 1 if found else 1):
            shown = f"{days}+" if days == most else str(days)
            rows.append((*key, shown, int(found.get(days, 0)), everybody))
    finished = pd.DataFrame(rows, columns=[*by, "active_days", "customers", "population"])
    finished = finished.astype({"customers": "int64", "population": "int64"})
    finished = intervals.add_share(finished, "share", "customers", "population", confidence)
    return finished[[*by, "active_days", "customers", "share", "share_low", "share_high", "population"]]


@metric(
    title=N_("Active days"),
    unit=N_("customers"),
    denominator=N_("customers of the view with a dated touchpoint"),
    inputs=("touchpoints",),
    source="Wilson (1927), JASA 22 (interval of a share)",
    needs_time=True,
    groups=("active_days",),
    finish=finish_active_days,
    measures={
        "customers": Measure(N_("Customers"), "count", meaning=N_("customers with a touchpoint on exactly so many days")),
        "share": Measure(
            N_("Share"), "share", n="population", interval="wilson", meaning=N_("of the customers of the view")
        ),
        "population": Measure(N_("Population"), "count", meaning=N_("customers of the view")),
    },
)  # fmt: skip
def active_days(
    touchpoints: ibis.Table,
    by: tuple[str, ...] = (),
    *,
    most: Annotated[int, Count(N_("this many days or more are one row"), low=2, high=366)] = 30,
) -> ibis.Table:
    """On how many days are customers there?

    One row per number of days with a touchpoint, from 1 up to the highest there is, at most `most` (then written "30+"):
    customers, share of all customers, population. Days are cut in the time zone of the dataset and counted over the whole
    range, not month by month.
    """
    each = _days_of_customers(touchpoints, by).group_by([*by, "customer_number"]).aggregate(n=_.count())
    capped = each.mutate(active_days=ibis.least(each.n, most)).group_by([*by, "active_days"])
    return capped.aggregate(customers=_.count()).order_by([*by, "active_days"])


def _days_of_customers(touchpoints: ibis.Table, by: tuple[str, ...], *more: str) -> ibis.Table:
    """One row per customer and day with a touchpoint."""
    dated = touchpoints.filter(_.day.notnull())
    return dated.select(*dict.fromkeys([*by, *more, "customer_number", "day"])).distinct()


def _parts(frame: pd.DataFrame, by: tuple[str, ...]) -> Iterator[tuple[tuple[Any, ...], pd.DataFrame]]:
    """The groups of a frame with their keys, in order, unknown ones last; the whole frame without groups."""
    if not by:
        yield (), frame
        return
    yield from frame.sort_values(list(by), kind="stable").groupby(list(by), dropna=False, sort=False)


def _months(days: Days | None) -> Iterator[tuple[date, int, int]]:
    """The months between two days: first day, days between the two, days in all.

    >>> list(_months((date(2026, 1, 30), date(2026, 2, 28))))
    [(datetime.date(2026, 1, 1), 2, 31), (datetime.date(2026, 2, 1), 28, 28)]
    """
    if days is None:
        return
    first, last = days
    month = first.replace(day=1)
    while month <= last:
        following = (month + timedelta(days=31)).replace(day=1)
        covered = min(last, following - timedelta(days=1)) - max(first, month)
        yield month, covered.days + 1, (following - month).days
        month = following
