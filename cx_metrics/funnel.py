"""Funnels: how many go on from step to step, how long do they take, and does it get better?"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal

import ibis
import numpy as np
import pandas as pd

from cx_metrics import intervals
from cx_metrics.errors import OptionProblem
from cx_metrics.funnel_rules import (
    Entry,
    EqualTimes,
    Funnel,
    Order,
    Repeats,
    shape,
    step_events,
)
from cx_metrics.groups import OTHER
from cx_metrics.instants import Bools
from cx_metrics.options import Count, Duration
from cx_metrics.registry import Measure, Walk, metric
from cx_metrics.sequences import Sequences
from cx_metrics.steps import FIRST_TOUCH, Exclusion, Exclusions, Step, Steps, TakenFrom
from cx_metrics.texts import N_
from cx_metrics.tries import Tries, walk

Span = Literal["first_step", "every_step"]
Period = Literal["day", "week", "month", "quarter"]

FunnelSteps = Annotated[
    tuple[Step, ...], Steps(N_("the steps, in order: ad|search,visit[channel=web],cart?,purchase@2d"))
]
Window = Annotated[timedelta | None, Duration(N_("longest time from the first step to the last"), unlimited=True)]
OrderRule = Annotated[
    Order,
    N_("ordered: other touchpoints may lie between the steps; strict: none may; unordered: the steps in any order"),
]
EntryRule = Annotated[
    Entry, N_("whether every touchpoint of the first step may start a try, or only the customer's first")
]
EqualTimesRule = Annotated[
    EqualTimes, N_("whether touchpoints of one instant may be steps one after the other (together), or not (apart)")
]
RepeatsRule = Annotated[
    Repeats, N_("whether a step that is done again before the next one is tolerated, or ends the try (end_the_try)")
]
ExcludeRule = Annotated[
    tuple[Exclusion, ...], Exclusions(N_("what must not happen between the steps: complaint,refund|return@2-3"))
]
SpanRule = Annotated[
    Span, N_("whether the first step alone has to lie in the range of dates, or every step (every_step)")
]
TakenFromRule = Annotated[
    str,
    TakenFrom(
        N_(
            "whose value a breakdown takes: first_touch or last_touch of the try, every_touchpoint, or a step, like step 2"
        )
    ),
]
TopGroups = Annotated[
    int, Count(N_("how many groups to show by the size of their first step; the rest becomes one"), 1, 1_000)
]
ToStep = Annotated[int, Count(N_("the step to arrive at; 0 for the last"), 0, 12)]


def ask_tries(
    touchpoints: ibis.Table,
    by: tuple[str, ...] = (),
    *,
    steps: FunnelSteps,
    window: Window = timedelta(14),
    order: OrderRule = "ordered",
    entry: EntryRule = "every_entry",
    equal_times: EqualTimesRule = "together",
    repeats: RepeatsRule = "tolerated",
    exclude: ExcludeRule = (),
    span: SpanRule = "first_step",
    taken_from: TakenFromRule = FIRST_TOUCH,
) -> ibis.Table:
    """The touchpoints that tries are made of."""
    rules = Funnel(steps, window, order, entry, equal_times, repeats, exclude)
    return step_events(
        touchpoints if span == "first_step" else touchpoints.filter(touchpoints.in_range == 1), by, rules
    )


def make_tries(
    rows: pd.DataFrame, by: Sequence[str], *, ends: int | None, timed: bool, span: str, taken_from: str, **rules: Any
) -> Tries:
    """The counted tries; `span` has had its say in the query."""
    return walk(rows, Funnel(**rules), ends, by, taken_from, timed)


def pick_tries(
    sequences: Sequences, people: Bools | None, bounds: tuple[int | None, int | None], *, ends: int | None, timed: bool, span: str,
    taken_from: str, **rules: Any,
) -> Tries | None:  # fmt: skip
    """The same tries out of all touchpoints that are in memory; not where a step filters by more than names."""
    funnel, all_inside = Funnel(**rules), span == "every_step"
    if any(kind.where for kind in funnel.kinds):
        return None
    at_once = sequences.tries(funnel, people, bounds, all_inside, ends, timed)
    if at_once is not None:
        return at_once
    return walk(sequences.step_events(funnel, people, bounds, all_inside), funnel, ends, (), taken_from, timed)


TRIES = Walk(ask_tries, make_tries, shape=shape, picked=pick_tries)
SOURCE = "ClickHouse windowFunnel; PostHog and Mixpanel funnels"
ENTRANTS = Measure(N_("Entrants"), "count", meaning=N_("customers who reached the first step"))
OPEN = Measure(
    N_("Not over yet"), "count",
    meaning=N_("of those who did not get here, how many still could: their window is not over"),
)  # fmt: skip


@metric(
    title=N_("Funnel"),
    unit=N_("customers"),
    denominator=N_("entrants: customers who reached the first step"),
    inputs=("touchpoints",),
    source=SOURCE,
    entries=True,
    groups=("step", "touchpoint"),
    walk=TRIES,
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
        "entrants": ENTRANTS,
        "previous": Measure(N_("At the step before"), "count", meaning=N_("customers who reached the step before")),
        "not_over": OPEN,
    },
)  # fmt: skip
def funnel(tries: Tries, by: tuple[str, ...] = (), confidence: float = 0.95, *, top: TopGroups = 25) -> pd.DataFrame:
    """How many customers go on from step to step, in order, within the window?

    One row per step, also for steps that nobody reached: customers (reached this step or a later one), share_of_first and
    share_of_previous, drop_off, mean, median and 90th percentile of the seconds since the step before, over the customers who
    reached the step, entrants, previous, not_over. The unit is that of the view: customers, sessions or cases.

    Other touchpoints may lie between, unless the order is strict: then any other one breaks the chain, and a later first step
    may start a new one. One touchpoint serves one step; a step that stands twice needs two. Touchpoints of one instant count
    as in order. The window runs from the first step of a try, inclusive; a step's own window from the step before. A
    customer's result is the furthest step of any try; ties are won by the try that finished first, then by the one that
    started last. The first step lies in the range of the view, later ones may lie after it.

    An optional step may be skipped: its row counts who took it in the counted try, and the step after it is compared with the
    last step that is not optional. In any order, row k counts who did at least k of the steps within one window. Who meets an
    exclusion in the furthest try leaves the funnel from step 1 on, unless another try got equally far without; in any order,
    the steps done before it stay.

    `by` groups by a column of the touchpoints of the counted try; who has no value is a group. Groups beyond `top` are one,
    counted again over their customers. Without times the order counts, without a window and without seconds.
    """
    groups, frame = tries_by_group(tries, by, top)
    rows = []
    for j, step in enumerate(tries.funnel.steps):
        reached, seconds = tries.reached(j), tries.seconds(j)
        here = frame[reached[frame["which"]]]
        counted = per_group(here, seconds, len(groups))
        counted["not_over"] = np.bincount(frame["group"][_just_before(tries, j)[frame["which"]]], minlength=len(groups))
        label = f"{j + 1}/{len(tries.funnel.steps)}" if tries.funnel.order == "unordered" else step.label
        rows.append(groups.assign(step=j + 1, touchpoint=label, optional=step.optional, **counted))
    found = pd.concat(rows, ignore_index=True)
    return _compared(found, by, confidence)


def tries_by_group(tries: Tries, by: Sequence[str], top: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The groups in order (one row each: `by`), and the tries of each: which, group (its place). Groups beyond the `top` largest
    are one; one try counts once in it."""
    if not by:
        return pd.DataFrame(index=[0]), tries.groups[["which"]].assign(group=0)
    number = tries.groups.groupby(list(by), dropna=False, sort=False, observed=True).ngroup()
    frame = tries.groups.assign(group=number)
    groups = frame.drop_duplicates("group").sort_values("group")[list(by)].reset_index(drop=True).astype(object)
    size = np.bincount(frame["group"], minlength=len(groups))
    name = [tuple("" if pd.isna(v) else str(v) for v in row) for row in groups.itertuples(index=False)]
    ranked = sorted(range(len(groups)), key=lambda g: (-size[g], name[g]))
    place = np.full(len(groups), top, dtype="int64")
    place[ranked[:top]] = np.arange(min(top, len(groups)))
    kept = groups.iloc[ranked[:top]].reset_index(drop=True)
    if len(groups) > top:
        kept = pd.concat([kept, pd.DataFrame({column: [OTHER] for column in by})], ignore_index=True)
    frame = frame[["which"]].assign(group=place[frame["group"]]).drop_duplicates()
    order = _by_name(kept, by, rest=len(groups) > top)
    back = np.empty(len(kept), dtype="int64")
    back[order] = np.arange(len(kept))
    return kept.iloc[order].reset_index(drop=True), frame.assign(group=back[frame["group"].to_numpy(dtype="int64")])


def _by_name(groups: pd.DataFrame, by: Sequence[str], rest: bool) -> list[int]:
    """The order in which groups are shown: by value, what is not known after, the rest last."""

    def key(place: int) -> tuple[Any, ...]:
        values = [groups[column].iloc[place] for column in by]
        last = rest and place == len(groups) - 1
        return (last, *((pd.isna(v), "" if pd.isna(v) else v) for v in values))

    try:
        return sorted(range(len(groups)), key=key)
    except TypeError:  # values of two kinds have no order of their own
        return list(range(len(groups)))


def per_group(here: pd.DataFrame, seconds: np.ndarray[Any, Any], groups: int) -> dict[str, Any]:
    """Of the tries of each group: how many, and the mean, median and 90th percentile (Hyndman & Fan type 7) of their seconds."""
    which, group = here["which"].to_numpy(), here["group"].to_numpy()
    if groups > 1:
        order = np.argsort(group, kind="stable")
        which, group = which[order], group[order]
    known = ~np.isnan(seconds[which])
    cuts = np.searchsorted(group[known], np.arange(groups + 1))
    parts = [seconds[which][known][start:end] for start, end in itertools.pairwise(cuts)]
    measured = np.array([_times(part) for part in parts]).reshape(groups, 3)
    return {
        "customers": np.bincount(group, minlength=groups),
        "mean_seconds": measured[:, 0], "median_seconds": measured[:, 1], "p90_seconds": measured[:, 2],
    }  # fmt: skip


def _times(seconds: np.ndarray[Any, Any]) -> tuple[float, float, float]:
    """Mean, median and 90th percentile."""
    if not len(seconds):
        return np.nan, np.nan, np.nan
    median, p90 = np.percentile(seconds, (50, 90))
    return float(seconds.mean()), float(median), float(p90)


def _just_before(tries: Tries, j: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Whose try came no further than to the step before, and is not over?"""
    if tries.funnel.order == "unordered":
        return np.asarray(tries.open & (tries.depth == j))
    if tries.funnel.steps[j].optional:
        return np.zeros(len(tries.depth), dtype=bool)
    return np.asarray(tries.open & (tries.depth == tries.funnel.needed.index(j)))


def _compared(frame: pd.DataFrame, by: Sequence[str], confidence: float) -> pd.DataFrame:
    """Shares of the first step and of the step before with Wilson intervals; customers lost before the step."""
    frame = frame.astype({"customers": "int64", "not_over": "int64"})
    frame["order"] = frame.groupby("step").cumcount()
    frame = frame.sort_values(["order", "step"], kind="stable")
    frame["entrants"] = frame.groupby("order")["customers"].transform("first")
    needed = frame["customers"].where(~frame["optional"])
    frame["previous"] = needed.groupby(frame["order"]).ffill().groupby(frame["order"]).shift(1)
    frame["previous"] = frame["previous"].fillna(frame["customers"]).astype("int64")
    frame = intervals.add_share(frame, "share_of_first", "customers", "entrants", confidence)
    frame = intervals.add_share(frame, "share_of_previous", "customers", "previous", confidence)
    start = frame["step"] == 1  # there is no step before the first
    for column in ("share_of_previous", "share_of_previous_low", "share_of_previous_high"):
        frame[column] = frame[column].mask(start, np.nan)
    frame["drop_off"] = (frame["previous"] - frame["customers"]).mask(frame["optional"], 0)
    shares = [f"{name}{end}" for name in ("share_of_first", "share_of_previous") for end in ("", "_low", "_high")]
    return frame[[*by, "step", "touchpoint", "customers", *shares, "drop_off", "mean_seconds", "median_seconds",
                  "p90_seconds", "entrants", "previous", "not_over"]].reset_index(drop=True)  # fmt: skip


Bins = Annotated[int, Count(N_("how many bars, all of the same width"), 1, 200)]
FromStep = Annotated[int, Count(N_("the step to start from"), 1, 12)]


@metric(
    title=N_("Time to convert"),
    unit=N_("customers"),
    denominator=N_("customers who took both steps in the counted try"),
    inputs=("touchpoints",),
    source=SOURCE,
    entries=True,
    needs_time=True,
    groups=("bar",),
    walk=TRIES,
    measures={
        "from_seconds": Measure(N_("From"), "seconds", meaning=N_("the shortest time of the bar, which belongs to it")),
        "to_seconds": Measure(N_("To"), "seconds", meaning=N_("the next bar begins here; the last bar holds it too")),
        "customers": Measure(N_("Customers"), "count", meaning=N_("customers who took so long")),
        "share": Measure(
            N_("Share"), "share", n="all_customers", interval="wilson", meaning=N_("share of all who took both steps")
        ),
        "all_customers": Measure(N_("All customers"), "count", meaning=N_("customers who took both steps")),
    },
)  # fmt: skip
def time_to_convert(
    tries: Tries, by: tuple[str, ...] = (), confidence: float = 0.95, *,
    from_step: FromStep = 1, to_step: ToStep = 0, bins: Bins = 20, top: TopGroups = 25,
) -> pd.DataFrame:  # fmt: skip
    """How long do they take from one step to another?

    One row per bar of equal width between the shortest and the longest time: from_seconds, to_seconds, customers, share,
    all_customers. The left edge belongs to a bar; the last bar holds the longest time too. Times are those of the counted
    tries; all groups have the same bars. If all take the same time, there is one bar. Nobody converted: no rows.
    """
    first, last = from_step - 1, (to_step or len(tries.funnel.steps)) - 1
    if not first < last < len(tries.funnel.steps):
        raise OptionProblem(N_("The times are from step {first} to step {last}, and the funnel has {count} steps."),
                            first=first + 1, last=last + 1, count=len(tries.funnel.steps))  # fmt: skip
    seconds = tries.seconds(last, since=first)
    groups, frame = tries_by_group(tries, by, top)
    known = ~np.isnan(seconds)
    columns = [
        *by,
        "bar",
        "from_seconds",
        "to_seconds",
        "customers",
        "share",
        "share_low",
        "share_high",
        "all_customers",
    ]
    if not known.any():
        return groups.iloc[:0].assign(
            **{
                c: pd.Series(dtype="int64" if c in ("bar", "customers", "all_customers") else "float64")
                for c in columns[len(by) :]
            }
        )
    shortest, longest = float(seconds[known].min()), float(seconds[known].max())
    edges = np.linspace(shortest, longest, (bins if longest > shortest else 1) + 1)
    frame = frame[known[frame["which"]]]
    bar = np.clip(np.searchsorted(edges, seconds[frame["which"]], side="right") - 1, 0, len(edges) - 2)
    counted = np.bincount(frame["group"] * (len(edges) - 1) + bar, minlength=len(groups) * (len(edges) - 1))
    found = groups.loc[np.repeat(np.arange(len(groups)), len(edges) - 1)].reset_index(drop=True)
    found = found.assign(
        bar=np.tile(np.arange(1, len(edges)), len(groups)), from_seconds=np.tile(edges[:-1], len(groups)),
        to_seconds=np.tile(edges[1:], len(groups)), customers=counted,
        all_customers=np.repeat(np.bincount(frame["group"], minlength=len(groups)), len(edges) - 1),
    )  # fmt: skip
    return intervals.add_share(found, "share", "customers", "all_customers", confidence)[columns]


PeriodRule = Annotated[Period, N_("how long a period is: a day, a week from Monday, a month or a quarter")]
STARTS = {"day": "D", "week": "W-SUN", "month": "M", "quarter": "Q"}


@metric(
    title=N_("Conversion over time"),
    unit=N_("customers"),
    denominator=N_("entrants of the period: customers whose counted try began in it"),
    inputs=("touchpoints",),
    source=SOURCE,
    entries=True,
    needs_time=True,
    groups=("period",),
    walk=TRIES,
    measures={
        "entrants": ENTRANTS,
        "converted": Measure(N_("Converted"), "count", meaning=N_("entrants of the period who reached the step")),
        "conversion_rate": Measure(
            N_("Conversion rate"), "share", n="entrants", interval="wilson", higher_is_better=True,
            meaning=N_("share of the entrants of the period who reached the step"),
        ),
        "not_over": OPEN,
    },
)  # fmt: skip
def conversion_trend(
    tries: Tries, by: tuple[str, ...] = (), confidence: float = 0.95, zone: str = "UTC", *,
    period: PeriodRule = "week", to_step: ToStep = 0, top: TopGroups = 25,
) -> pd.DataFrame:  # fmt: skip
    """Do those who enter later convert more often?

    One row per period, by the day the counted try began, in the time zone of the dataset: period (its first day), entrants,
    converted (reached the step), conversion_rate, not_over (did not, but their window is not over: the rate may still rise).
    Periods between the first and the last without an entrant have 0 and no rate.
    """
    n = len(tries.funnel.steps)
    if to_step > n:
        raise OptionProblem(N_("The trend is of step {step}, and the funnel has {count} steps."), step=to_step, count=n)
    reached = tries.reached((to_step or n) - 1)
    columns = [
        *by,
        "period",
        "entrants",
        "converted",
        "conversion_rate",
        "conversion_rate_low",
        "conversion_rate_high",
        "not_over",
    ]
    if not len(tries.depth):
        return pd.DataFrame({c: pd.Series(dtype="object") for c in columns})
    began = pd.to_datetime(pd.Series(tries.at[0]), unit="us", utc=True).dt.tz_convert(zone).dt.tz_localize(None)
    periods = began.dt.to_period(STARTS[period])
    every = pd.period_range(periods.min(), periods.max(), freq=STARTS[period])
    place = (periods.astype("int64") - every[0].ordinal).to_numpy()
    groups, frame = tries_by_group(tries, by, top)
    cell = frame["group"].to_numpy() * len(every) + place[frame["which"]]
    size = len(groups) * len(every)
    found = groups.loc[np.repeat(np.arange(len(groups)), len(every))].reset_index(drop=True).assign(
        period=np.tile(every.start_time.date, len(groups)),
        entrants=np.bincount(cell, minlength=size),
        converted=np.bincount(cell[reached[frame["which"]]], minlength=size),
        not_over=np.bincount(cell[(tries.open & ~reached)[frame["which"]]], minlength=size),
    )  # fmt: skip
    return intervals.add_share(found, "conversion_rate", "converted", "entrants", confidence)[columns]
