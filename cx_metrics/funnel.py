"""Funnels: how many go on from step to step, and how long do they take?"""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations
from typing import Annotated, Literal

import ibis
import numpy as np
import pandas as pd
from ibis import _

from cx_metrics import intervals
from cx_metrics.errors import OptionProblem
from cx_metrics.options import Duration, Step, Steps
from cx_metrics.registry import Measure, metric
from cx_metrics.texts import N_

Entry = Literal["every_entry", "first_entry"]
MOST_LINKED = 5  # either-or steps that overlap: every set of them has to be looked at
NEVER = 2**62  # an instant later than all others, in microseconds

FunnelSteps = Annotated[tuple[Step, ...], Steps(N_("the steps, in order: ad|search,visit,purchase"))]
Window = Annotated[timedelta | None, Duration(N_("longest time from the first step to the last"), unlimited=True)]
EntryRule = Annotated[
    Entry, N_("whether every touchpoint of the first step may start a try, or only the customer's first")
]


def finish_funnel(
    frame: pd.DataFrame, *, by: tuple[str, ...], steps: tuple[Step, ...], confidence: float
) -> pd.DataFrame:
    """One row per step, also for steps that nobody reached; shares with Wilson intervals; customers lost before the step."""
    groups = frame[list(by)].drop_duplicates() if by else pd.DataFrame(index=[0])
    every = groups.merge(
        pd.DataFrame({"step": range(1, len(steps) + 1), "touchpoint": [s.label for s in steps]}), how="cross"
    )
    frame = every.merge(frame, on=[*by, "step"], how="left")
    frame["customers"] = frame["customers"].fillna(0).astype("int64")
    earlier = frame.groupby(list(by), dropna=False)["customers"] if by else frame["customers"]
    first = earlier.transform("first") if by else pd.Series(frame["customers"].iloc[0], index=frame.index)
    previous = earlier.shift(1)
    frame["entrants"], frame["previous"] = first, previous.fillna(frame["customers"]).astype("int64")
    frame = intervals.add_share(frame, "share_of_first", "customers", "entrants", confidence)
    frame = intervals.add_share(frame, "share_of_previous", "customers", "previous", confidence)
    start = frame["step"] == 1  # there is no step before the first
    for column in ("share_of_previous", "share_of_previous_low", "share_of_previous_high"):
        frame[column] = frame[column].mask(start, np.nan)
    frame["drop_off"] = frame["previous"] - frame["customers"]
    shares = [f"{name}{end}" for name in ("share_of_first", "share_of_previous") for end in ("", "_low", "_high")]
    return frame[[*by, "step", "touchpoint", "customers", *shares, "drop_off", "mean_seconds", "median_seconds",
                  "p90_seconds", "entrants", "previous"]]  # fmt: skip


@metric(
    title=N_("Funnel"),
    unit=N_("customers"),
    denominator=N_("entrants: customers who reached the first step"),
    inputs=("touchpoints",),
    source="ClickHouse windowFunnel; PostHog and Mixpanel funnels",
    entries=True,
    groups=("step", "touchpoint"),
    finish=finish_funnel,
    measures={
        "customers": Measure(N_("Customers"), "count", meaning=N_("customers who reached this step")),
        "share_of_first": Measure(
            N_("Of the first step"), "share", n="entrants", interval="wilson", higher_is_better=True,
            meaning=N_("share of the entrants who reached this step"),
        ),
        "share_of_previous": Measure(
            N_("Of the step before"), "share", n="previous", interval="wilson", higher_is_better=True,
            meaning=N_("share of those at the step before who reached this one"),
        ),
        "drop_off": Measure(N_("Lost"), "count", higher_is_better=False, meaning=N_("customers lost since the step before")),
        "mean_seconds": Measure(N_("Mean time"), "seconds", n="customers", meaning=N_("mean time since the step before")),
        "median_seconds": Measure(N_("Median time"), "seconds", n="customers", meaning=N_("median time since the step before")),
        "p90_seconds": Measure(N_("90% within"), "seconds", n="customers", meaning=N_("nine in ten took no longer than this")),
        "entrants": Measure(N_("Entrants"), "count", meaning=N_("customers who reached the first step")),
        "previous": Measure(N_("At the step before"), "count", meaning=N_("customers who reached the step before")),
    },
)  # fmt: skip
def funnel(
    touchpoints: ibis.Table,
    by: tuple[str, ...] = (),
    *,
    steps: FunnelSteps,
    window: Window = timedelta(14),
    entry: EntryRule = "every_entry",
) -> ibis.Table:
    """How many customers go on from step to step, in order, within the window?

    One row per step: customers (reached this step or a later one), share_of_first and share_of_previous, drop_off, mean,
    median and 90th percentile of the seconds since the step before, over the customers who reached the step.

    Other touchpoints may lie between. One touchpoint serves one step; a step that stands twice needs two. Touchpoints of one
    instant count as in order. The window runs from the first step of a try, inclusive. A customer's result is the furthest
    step of any try; ties are won by the try that finished first, then by the one that started last. The first step lies in
    the range of the view, later ones may lie after it. `by` groups by a column of the first step of the counted try.
    Without times the order counts, without a window and without seconds.
    """
    for step in steps:
        if step.optional or step.window is not None:
            raise OptionProblem(
                N_("Step {step} is optional or has a window of its own; this funnel takes plain and either-or steps. "
                   "Leave out ? and @, and use the option window."), step=str(step),
            )  # fmt: skip
    tries = _tries(touchpoints, by, steps, window)
    if entry == "first_entry":
        first = ibis.window(group_by="customer_id", order_by="t1")
        tries = tries.mutate(nth=ibis.row_number().over(first)).filter(_.nth == 0).drop("nth")
    finished = tries[f"t{len(steps)}"]
    for j in range(len(steps) - 1, 0, -1):
        finished = ibis.ifelse(tries.depth == j, tries[f"t{j}"], finished)
    best = ibis.window(group_by="customer_id", order_by=[ibis.desc("depth"), "finished", ibis.desc("t1")])
    counted = tries.mutate(finished=finished)
    counted = counted.mutate(nth=ibis.row_number().over(best)).filter(_.nth == 0)
    rows = None
    for j in range(1, len(steps) + 1):
        elapsed = ibis.null("float64")
        if j > 1:
            seconds = (counted[f"t{j}"] - counted[f"t{j - 1}"]).cast("float64") / 1e6
            elapsed = ibis.ifelse(counted.timed == 1, seconds, elapsed)
        reached = counted.filter(counted.depth >= j).select(*by, step=ibis.literal(j, type="int64"), seconds=elapsed)
        rows = reached if rows is None else rows.union(reached)
    assert rows is not None
    group = ibis.window(group_by=[*by, "step"])
    ordered = ibis.window(group_by=[*by, "step"], order_by="seconds")
    rows = rows.mutate(place=ibis.row_number().over(ordered), known=rows.seconds.count().over(group))
    rows = rows.mutate(tenths=(rows.known - 1) * 9)  # the 90th percentile lies so many tenths of a row after the first
    under = rows.place == rows.tenths // 10
    above = rows.place == (rows.tenths + 9) // 10
    counted = rows.group_by([*by, "step"]).aggregate(
        customers=_.count(), mean_seconds=_.seconds.mean(), median_seconds=_.seconds.median(), tenths=_.tenths.max(),
        lower=rows.seconds.max(where=under), upper=rows.seconds.max(where=above),
    )  # fmt: skip
    between = (counted.tenths % 10).cast("float64") / 10
    p90 = counted.lower + between * (counted.upper - counted.lower)
    return counted.select(
        *by, "step", "customers", "mean_seconds", "median_seconds", p90_seconds=p90
    ).order_by([*by, "step"])  # fmt: skip


def _tries(
    touchpoints: ibis.Table, by: tuple[str, ...], steps: tuple[Step, ...], window: timedelta | None
) -> ibis.Table:
    """Every try of every customer: `t1` … `tn` = when its steps were reached (null = not), `depth` = how many were.

    Works on instants, not rows, so that touchpoints of one instant have no order: an instant knows how many touchpoints of
    each step's kind it holds, hence how far a chain that arrives wanting step i may advance there (`r{i}`: the first step
    still wanted). Then, from the last step backwards, `f{i}_{j}` is when step j is reached by a chain that takes step i at
    this instant, `n{i}_{j}` by one that takes it at a later one: the earliest is never worse, so a running minimum finds it.
    """
    n = len(steps)
    kinds = [frozenset(s.touchpoints) for s in steps]
    demands = {(i, j): _demands(kinds[i - 1 : j]) for i in range(1, n + 1) for j in range(i, n + 1)}
    unions = sorted({union for needed in demands.values() for union in needed}, key=sorted)
    column = {union: f"k{i}" for i, union in enumerate(unions)}
    names = sorted(frozenset().union(*kinds))
    t = touchpoints.filter(_.touchpoint.isin(names))
    # without a time, the order of the file stands in for it: each row is an instant of its own
    untimed = t.occurred_microseconds.isnull()
    t = t.mutate(at=ibis.coalesce(t.occurred_microseconds, t.sequence), timed=ibis.ifelse(untimed, 0, 1))
    held = {column[u]: ibis.ifelse(t.touchpoint.isin(sorted(u)), 1, 0).sum() for u in unions}
    first = t.touchpoint.isin(steps[0].touchpoints) & (t.in_range == 1)
    groups = {f"g{i}": t[name].max(where=first) for i, name in enumerate(by)}
    instants = t.group_by(["customer_id", "at", "timed"]).aggregate(
        **held, **groups, opens=ibis.ifelse(first, 1, 0).max()
    )
    advance = {}
    for i in range(1, n + 1):  # r{i}: the step wanted after this instant by a chain that comes wanting step i
        advance[f"r{i}"] = ibis.literal(i, type="int64")
        for j in range(i, n + 1):
            enough = ibis.and_(*(instants[column[u]] >= needed for u, needed in demands[i, j].items()))
            advance[f"r{i}"] = ibis.ifelse(enough, j + 1, advance[f"r{i}"])
    instants = instants.mutate(**advance)
    null = ibis.literal(NEVER, type="int64")
    later = ibis.window(group_by="customer_id", order_by="at", following=(1, None))
    for i in range(n, 0, -1):  # arrival times of a chain that takes step i exactly here: f{i}_{j}
        taken = {}
        for j in range(i, n + 1):
            value = null
            for wanted in range(n + 1, i, -1):  # the chain leaves here still wanting step `wanted`
                arrival = instants["at"] if j < wanted else instants[f"n{wanted}_{j}"]
                value = ibis.ifelse(instants[f"r{i}"] == wanted, arrival, value)
            taken[f"f{i}_{j}"] = value
        instants = instants.mutate(**taken)
        if i > 1:  # the same for a chain that takes step i somewhere after this instant
            instants = instants.mutate(
                **{f"n{i}_{j}": instants[f"f{i}_{j}"].min().over(later).fill_null(NEVER) for j in range(i, n + 1)}
            )
    limit = NEVER - 1 if window is None else round(window.total_seconds() * 1e6)
    opened = instants.filter(instants.opens == 1)
    reached = {}
    for j in range(1, n + 1):
        inside = (opened[f"f1_{j}"] - opened["at"] <= limit) | (opened.timed == 0)
        reached[j] = (opened[f"f1_{j}"] < NEVER) & inside
    depth = ibis.literal(0, type="int64")
    for j in range(1, n + 1):
        depth = depth + ibis.ifelse(reached[j], 1, 0)
    return opened.select(
        "customer_id",
        "timed",
        depth=depth,
        **{name: opened[f"g{i}"] for i, name in enumerate(by)},
        **{f"t{j}": ibis.ifelse(reached[j], opened[f"f1_{j}"], ibis.null("int64")) for j in range(1, n + 1)},
    )


def _demands(kinds: list[frozenset[str]]) -> dict[frozenset[str], int]:
    """How many touchpoints of one instant do these steps need to be taken at that instant?

    Hall's condition: for every set of steps, as many touchpoints of their names as there are steps in the set. Only sets of
    kinds that share names, one with the next, can add to what the single kinds ask.
    """
    needed: dict[frozenset[str], int] = {}
    linked: list[list[frozenset[str]]] = []
    for kind in dict.fromkeys(kinds):
        touching = [group for group in linked if any(kind & other for other in group)]
        linked = [group for group in linked if group not in touching] + [[kind, *(k for g in touching for k in g)]]
    for group in linked:
        if len(group) > MOST_LINKED:
            raise OptionProblem(
                N_("{count} either-or steps share touchpoints with each other; at most {most} may. Name each in fewer steps."),
                count=len(group), most=MOST_LINKED,
            )  # fmt: skip
        for size in range(1, len(group) + 1):
            for chosen in combinations(group, size):
                union = frozenset[str]().union(*chosen)
                count = sum(kinds.count(kind) for kind in chosen)
                needed[union] = max(needed.get(union, 0), count)
    return needed
