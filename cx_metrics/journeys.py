"""The path of one journey: which touchpoint stands at which step, and what comes next.

The one place where touchpoints become steps. Flows, variants, filters on a node and drop-outs all read it, so they agree.
Order is always (occurred_at, sequence).
"""

from __future__ import annotations

from typing import Literal

import ibis
from ibis import _

from cx_metrics.view import Passing

Repeats = Literal["merge", "keep"]
ORDER = ("occurred_at", "sequence")


def within(*group: str, **frame: tuple[int | None, int | None]) -> ibis.expr.builders.LegacyWindowBuilder:
    """The window of one journey (or of `group`) in the order of its touchpoints."""
    return ibis.window(group_by=list(group or ("journey_id",)), order_by=list(ORDER), **frame)


def steps(touchpoints: ibis.Table, repeats: Repeats = "merge", keep: tuple[str, ...] = ()) -> ibis.Table:
    """What stands at each step of each journey?

    One row per node of a path: journey_id, customer_id, occurred_at, sequence, touchpoint, is_goal, the columns of `keep`,
    `position` (from 1), `next_touchpoint` (null at the end), `seconds_to_next`. With `merge`, equal neighbours are one
    node that carries the time of the last of the run, and is a goal if any of the run is; with `keep` each row is a node.
    """
    columns = ["journey_id", "customer_id", *ORDER, "occurred_microseconds", "touchpoint", "is_goal", *keep]
    t = touchpoints.select(*dict.fromkeys(columns))
    if repeats == "merge":
        ahead = t.mutate(following=t.touchpoint.lead().over(within()))
        # a run ends where the next touchpoint is another one or none
        t = ahead.filter(_.following.isnull() | (_.following != _.touchpoint)).drop("following")
    t = t.mutate(
        position=ibis.row_number().over(within()) + 1,
        next_touchpoint=t.touchpoint.lead().over(within()).nullif(""),
        next_microseconds=t.occurred_microseconds.lead().over(within()),
    )
    last = t.next_touchpoint.isnull()
    elapsed = (t.next_microseconds - t.occurred_microseconds).cast("float64") / 1e6
    return t.mutate(seconds_to_next=ibis.ifelse(last, ibis.null("float64"), elapsed)).drop("next_microseconds")


def passing(touchpoints: ibis.Table, asked: Passing) -> ibis.Table:
    """Which journeys pass this node or link? One row per journey: journey_id."""
    path = steps(touchpoints).filter((_.position == asked.step) & (_.touchpoint == asked.touchpoint))
    if asked.ends:
        path = path.filter(_.next_touchpoint.isnull())
    elif asked.next_touchpoint is not None:
        path = path.filter(_.next_touchpoint == asked.next_touchpoint)
    return path.select("journey_id").distinct()
