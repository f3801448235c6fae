"""Those who were lost in a funnel: where did they go next?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Annotated

import ibis
import numpy as np
import pandas as pd
from ibis import _

from cx_metrics import intervals
from cx_metrics.funnel import SOURCE, TRIES, FunnelSteps, OrderRule, SpanRule, TakenFromRule, TopGroups, tries_by_group
from cx_metrics.funnel_rules import instant, serving, with_next
from cx_metrics.groups import OTHER
from cx_metrics.instants import Ints
from cx_metrics.options import Count
from cx_metrics.registry import Follow, Measure, metric
from cx_metrics.sequences import Sequences
from cx_metrics.steps import EVERY_TOUCHPOINT, FIRST_TOUCH
from cx_metrics.texts import N_
from cx_metrics.tries import Tries

OWN = "own "  # before the name of a column whose values journeys were walked apart by


def lost_of(tries: Tries) -> Ints:
    """The tries that did not come to the end."""
    steps = len(tries.at) if tries.funnel.order == "unordered" else len(tries.funnel.needed)
    return np.flatnonzero(tries.depth < steps)


def lend_lost(tries: Tries, by: Sequence[str], *, taken_from: TakenFromRule = FIRST_TOUCH) -> pd.DataFrame:
    """Those who did not come to the end: journey_id, number (of the try), place (of the last step that it took), instant (when);
    and the values by which journeys were walked apart, under names that begin with OWN."""
    lost = lost_of(tries)
    place = len(tries.at) - 1 - np.argmax(tries.taken[::-1, lost], axis=0) if len(tries.at) else lost
    ids = tries.journey[lost]
    frame = pd.DataFrame({
        "journey_id": ids if ids.dtype.kind == "i" else ids.astype(str), "number": lost, "place": place,
        "instant": tries.at[place, lost],
    })  # fmt: skip
    own = tries.groups.set_index("which") if taken_from == EVERY_TOUCHPOINT and by else None
    return frame if own is None else frame.assign(**{OWN + c: own[c].reindex(lost).to_numpy() for c in by})


def ask_next(
    touchpoints: ibis.Table, lent: ibis.Table, *, steps: FunnelSteps, order: OrderRule = "ordered", span: SpanRule = "first_step",
    whole: bool = False,
) -> ibis.Table:  # fmt: skip
    """What came after the last step that each of these took: after the last touchpoint of that instant that could have served it.
    number, next_touchpoint, seconds_to_next. `whole`: journeys are as they were prepared."""
    t = touchpoints if span == "first_step" else touchpoints.filter(touchpoints.in_range == 1)
    if not (whole and span == "first_step"):
        t = with_next(t)
    t = t.filter(t.touchpoint.isin(sorted({name for step in steps for name in step.touchpoints}))).mutate(
        instant=instant(t)
    )
    found = t.join(lent, ["journey_id", "instant"])
    serves = [serving(found, step.kind) & ((found.place == j) | (order == "unordered")) for j, step in enumerate(steps)]
    found = found.filter(reduce(or_, serves))
    for column in (c for c in lent.columns if c.startswith(OWN)):
        held = found[column.removeprefix(OWN)]
        own = found[column].cast(held.type())  # what nobody has came as texts
        found = found.filter((held == own).fill_null(False) | (held.isnull() & own.isnull()))
    last = ibis.row_number().over(ibis.window(group_by="number", order_by=ibis.desc("sequence")))
    found = found.mutate(back=last).filter(_.back == 0)
    return found.select("number", "next_touchpoint", "seconds_to_next")


def pick_next(
    sequences: Sequences, tries: Tries, until: int | None, *, span: SpanRule = "first_step"
) -> pd.DataFrame | None:
    """The same out of all touchpoints in memory; not where the tries were made of other rows."""
    if tries.last is None:
        return None
    lost = lost_of(tries)
    after = sequences.after(tries.last[lost], tries.timed, until if span == "every_step" else None)
    return after.assign(number=lost)


TopNext = Annotated[int, Count(N_("how many next touchpoints to show at each step; the rest becomes one"), 1, 200)]


@metric(
    title=N_("Where they went instead"),
    unit=N_("customers"),
    denominator=N_("customers lost before the step"),
    inputs=("touchpoints",),
    source=SOURCE,
    entries=True,
    groups=("step", "touchpoint", "next_touchpoint"),
    walk=TRIES,
    follow=Follow(lend_lost, ask_next, pick_next),
    measures={
        "customers": Measure(N_("Customers"), "count", meaning=N_("customers lost before the step who went there next")),
        "share": Measure(
            N_("Share"), "share", n="lost", interval="wilson", meaning=N_("share of all who were lost before the step")
        ),
        "median_seconds": Measure(
            N_("Median time"), "seconds", n="customers", meaning=N_("median time from their last step to there")
        ),
        "lost": Measure(N_("Lost"), "count", higher_is_better=False, meaning=N_("customers lost since the step before")),
    },
)  # fmt: skip
def drop_out_next(
    tries: Tries, by: tuple[str, ...] = (), confidence: float = 0.95, followed: pd.DataFrame | None = None, *,
    next_top: TopNext = 8, top: TopGroups = 25,
) -> pd.DataFrame:  # fmt: skip
    """Where did those who were lost before a step go next?

    For each step but the first that is not optional: one row per touchpoint that came directly after the last step they took:
    step, touchpoint (the step they did not reach), next_touchpoint (null: nothing came after), customers, share, median_seconds
    (from their last step to there), lost. What came next may lie after the window, and after the range. Beyond the `next_top`
    largest of a step, the rest is one row. Steps that lost nobody have no rows.
    """
    groups, frame = tries_by_group(tries, by, top)
    frame = frame.assign(depth=tries.depth[frame["which"]], next_touchpoint=None, seconds=np.nan)
    if followed is not None and len(followed):
        after = followed.set_index("number").reindex(frame["which"])
        names = after["next_touchpoint"].astype(object)
        names = names.where(names.notna(), None)
        frame = frame.assign(next_touchpoint=names.to_numpy(), seconds=after["seconds_to_next"].to_numpy())
    rows = []
    for j, step in enumerate(tries.funnel.steps):
        place = j if tries.funnel.order == "unordered" else tries.funnel.needed.index(j) if not step.optional else 0
        if not place:
            continue
        label = f"{j + 1}/{len(tries.funnel.steps)}" if tries.funnel.order == "unordered" else step.label
        lost = frame[frame["depth"] == place]
        largest = lost["next_touchpoint"].value_counts().reset_index().sort_values(
            ["count", "next_touchpoint"], ascending=[False, True], kind="stable"
        )["next_touchpoint"].head(next_top)  # fmt: skip
        told = lost["next_touchpoint"].isin(largest) | lost["next_touchpoint"].isna()
        lost = lost.assign(next_touchpoint=lost["next_touchpoint"].where(told, OTHER))
        counted = lost.groupby(["group", "next_touchpoint"], dropna=False, sort=False).agg(
            customers=("which", "size"), median_seconds=("seconds", "median")
        )  # fmt: skip
        counted = counted.reset_index().assign(step=j + 1, touchpoint=label)
        counted["lost"] = counted.groupby("group")["customers"].transform("sum")
        counted["rest"] = counted["next_touchpoint"] == OTHER
        rows.append(
            counted.sort_values(["group", "rest", "customers", "next_touchpoint"], ascending=[True, True, False, True])
        )
    columns = [
        *by,
        "step",
        "touchpoint",
        "next_touchpoint",
        "customers",
        "share",
        "share_low",
        "share_high",
        "median_seconds",
        "lost",
    ]
    if not rows or not any(len(r) for r in rows):
        return pd.DataFrame({c: pd.Series(dtype="object") for c in columns})
    found = pd.concat([r for r in rows if len(r)], ignore_index=True).sort_values(["group", "step"], kind="stable")
    found = pd.concat([groups.iloc[found["group"]].reset_index(drop=True), found.reset_index(drop=True)], axis=1)
    return intervals.add_share(found, "share", "customers", "lost", confidence)[columns]
