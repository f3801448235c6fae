"""Exposure: do customers who met a touchpoint more often reach the goal more often?"""

from __future__ import annotations

from typing import Annotated

import ibis
import pandas as pd
from ibis import _

from cx_metrics import intervals
from cx_metrics.options import Count, Touchpoints
from cx_metrics.registry import Measure, metric
from cx_metrics.texts import N_

MOST_CONTACTS = 5  # this many or more are one point of the curve: few customers have each higher number
COUNTS = ("customers", "converted", "exposures")


def finish_exposure(
    frame: pd.DataFrame, *, by: tuple[str, ...], touchpoint: tuple[str, ...], top: int, confidence: float
) -> pd.DataFrame:
    """Every group has every point of every curve: who never met the touchpoint is what is left of its customers."""
    frame = frame.assign(
        group=frame.groupby(list(by), dropna=False, sort=False).ngroup() if by else 0,
        **{name: frame[name].astype("int64") for name in COUNTS},
    )
    met, scope = frame[frame["is_scope"] == 0], frame[frame["is_scope"] == 1]
    ranked = met.groupby("touchpoint", as_index=False)[["exposures", "customers"]].sum()
    ranked = ranked.sort_values(["exposures", "customers", "touchpoint"], ascending=[False, False, True])
    names = list(ranked["touchpoint"] if touchpoint else ranked["touchpoint"].head(top))
    points_of = zip(met["group"], met["touchpoint"], met["contacts"], strict=True)
    found = dict(zip(points_of, zip(met["customers"], met["converted"], strict=True), strict=True))
    rows = []
    for whole in (scope.sort_values(list(by)) if by else scope).to_dict("records"):
        for name in names:
            points = [found.get((whole["group"], name, k), (0, 0)) for k in range(1, MOST_CONTACTS + 1)]
            left = (
                int(whole["customers"]) - sum(c for c, _n in points),
                int(whole["converted"]) - sum(n for _c, n in points),
            )
            for contacts, (customers, converted) in enumerate([left, *points]):
                shown = f"{contacts}+" if contacts == MOST_CONTACTS else str(contacts)
                rows.append((*(whole[column] for column in by), name, shown, customers, converted))
    finished = pd.DataFrame(rows, columns=[*by, "touchpoint", "contacts", "customers", "converted"])
    finished = finished.astype({"customers": "int64", "converted": "int64"})
    return intervals.add_share(finished, "conversion_rate", "converted", "customers", confidence)


@metric(
    title=N_("Exposure curve"),
    unit=N_("share of customers"),
    denominator=N_("customers of the view with that many contacts before their first conversion or the end of the data"),
    inputs=("touchpoints",),
    source="Wilson (1927), JASA 22 (interval of a share)",
    needs_goal=True,
    groups=("touchpoint", "contacts"),
    finish=finish_exposure,
    measures={
        "customers": Measure(
            N_("Customers"), "count",
            meaning=N_("customers with that many contacts before their first conversion, or in all if they have none"),
        ),
        "converted": Measure(N_("Converted"), "count", meaning=N_("of these, customers who reach the goal")),
        "conversion_rate": Measure(
            N_("Conversion rate"), "share", n="customers", interval="wilson", higher_is_better=True,
            meaning=N_("converted, as a share of these customers; it goes with the contacts and need not come from them"),
        ),
    },
)  # fmt: skip
def exposure_curve(
    touchpoints: ibis.Table,
    by: tuple[str, ...] = (),
    *,
    touchpoint: Annotated[
        tuple[str, ...], Touchpoints(N_("which touchpoints have a curve; all, or names"), optional=True)
    ] = (),
    top: Annotated[int, Count(N_("how many touchpoints have a curve, the most frequent first"), high=200)] = 10,
) -> ibis.Table:
    """Do customers who met a touchpoint more often reach the goal more often?

    Six rows per touchpoint, contacts "0", "1", "2", "3", "4", "5+": customers with that many contacts with it before their
    first conversion (customers who never convert: in all), converted, conversion_rate. The customers of a curve add up to
    those of the view. The touchpoint with most such contacts stands first, ties by customers, then by name.

    Contacts at or after the first conversion do not count, and the touchpoints of the goal have no curve. Nor has a
    touchpoint that nobody met before. With `by`, the whole journey of a customer says when the first conversion was.
    An association: who stays longer has time for more contacts, and more reasons than contacts to convert.
    """
    # `step` orders a journey as time and sequence do, also where a view took touchpoints out of it
    t = touchpoints.select(*dict.fromkeys(["customer_number", "step", "touchpoint", "is_goal", *by]))
    goals = t.filter(_.is_goal == 1).group_by("customer_number").aggregate(goal_step=_.step.min())
    t = t.left_join(goals, "customer_number").drop("customer_number_right")
    t = t.mutate(goal_step=t.goal_step.fill_null(0)).mutate(converted=ibis.ifelse(_.goal_step > 0, 1, 0))
    before = t.filter((_.is_goal == 0) & ((_.goal_step == 0) | (_.step < _.goal_step)))
    if touchpoint:
        before = before.filter(_.touchpoint.isin(touchpoint))
    each = before.group_by([*by, "touchpoint", "customer_number"]).aggregate(n=_.count(), converted=_.converted.max())
    met = each.mutate(contacts=ibis.least(each.n, MOST_CONTACTS)).group_by([*by, "touchpoint", "contacts"])
    people = t.group_by([*by, "customer_number"]).aggregate(converted=_.converted.max())
    none = ibis.literal(0, type="int64")
    curves = met.aggregate(customers=_.count(), converted=_.converted.sum(), exposures=_.n.sum()).mutate(is_scope=none)
    scope = people.aggregate(by=list(by), customers=_.count(), converted=_.converted.sum().fill_null(0)).mutate(
        touchpoint=ibis.literal(""), contacts=none, exposures=none, is_scope=none + 1
    )
    columns = [*by, "touchpoint", "contacts", *COUNTS, "is_scope"]
    return _typed(curves.select(*columns)).union(_typed(scope.select(*columns))).order_by(columns)


def _typed(rows: ibis.Table) -> ibis.Table:
    """The counts as int64 and nothing promised not to be null, so that two tables can stand under each other."""
    counts = {name: rows[name].cast("int64") for name in ("contacts", *COUNTS, "is_scope")}
    return rows.mutate(touchpoint=rows.touchpoint.cast("string"), **counts)
