"""The path of one journey: which touchpoint stands at which step, and what comes next.

The one place where touchpoints become steps. Flows, variants, filters on a node and drop-outs all read it, so they agree.
Order is always (occurred_at, sequence). The same nodes come about in two ways: from the columns that were prepared at import,
or from windows over the rows at hand, where a view or an option took touchpoints out or renamed them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import ibis
from ibis import _

from cx_metrics.groups import how_many, nullable
from cx_metrics.view import Passing

Repeats = Literal["merge", "keep"]
ORDER = ("occurred_at", "sequence")


@dataclass(frozen=True)
class Cut:
    """Whole journeys cut to the instants from … to (microseconds, half-open; None: no end)."""

    from_microseconds: int | None
    to_microseconds: int | None


Way = Literal["columns", "slices", "gaps", "windows"] | Cut
PATH_SIGN = "\x1f"  # unit separator: stands in no name, so a path can be cut again exactly
PAD = 1_000_000_000  # positions are padded to one width so that they sort as text
PADDED = len(str(PAD))
PLACE = 2**31  # a position times this, and the number of a name: one number for a node, in the order of its path
CODE_PAD = 4 * 10**18  # such numbers are padded too; no journey has 10^9 touchpoints
CODE_PADDED = len(str(CODE_PAD))
COUNTED = ("visit", "pair_visit")  # prepared for whole journeys; `nodes` hands them on where they still hold

NODE = ("journey_id", "occurred_microseconds", "touchpoint", "position", "next_touchpoint", "seconds_to_next")


def within(*group: str, **frame: Any) -> ibis.expr.builders.LegacyWindowBuilder:
    """The window of one journey (or of `group`) in the order of its touchpoints."""
    return ibis.window(group_by=list(group or ("journey_id",)), order_by=list(ORDER), **frame)


def nodes(touchpoints: ibis.Table, repeats: Repeats, way: Way, keep: Sequence[str] = ()) -> ibis.Table:
    """What stands at each step of each journey?

    One row per node of a path: journey_id, occurred_microseconds, touchpoint, `position` (from 1), `next_touchpoint` (null
    at the end), `seconds_to_next` (null at the end), and the columns of `keep`. With `merge`, equal neighbours are one node
    that carries the time of the last of the run; with `keep` each row is a node.

    `way`: "columns" where journeys are whole, a Cut where they are cut to a range, "slices" where each journey_id is a stretch
    of a journey with nothing missing inside (a session), "gaps" where touchpoints are missing from journeys, but those left
    keep their steps in order, "windows" for any rows. Where several hold they give the same nodes. Of `keep`, the columns
    COUNTED are left out where they do not hold; with a Cut they are null for journeys that began before it.
    """
    if not isinstance(way, Cut) and way != "columns":
        keep = [c for c in keep if c not in COUNTED]
    if isinstance(way, Cut):
        return _by_cut(touchpoints, repeats, way, keep)
    if way in ("gaps", "windows"):
        return _by_windows(touchpoints, repeats, keep, ORDER if way == "windows" else ("step",))
    if way == "slices":
        return _by_slices(touchpoints, repeats, keep)
    t = touchpoints
    if repeats == "merge":
        t = t.filter(t.run_ends == 1)
        return t.select(
            "journey_id", "occurred_microseconds", "touchpoint", *_extra(keep), position=t.run,
            next_touchpoint=t.next_touchpoint, seconds_to_next=t.run_seconds,
        )  # fmt: skip
    return t.select(
        "journey_id", "occurred_microseconds", "touchpoint", *_extra(keep), position=t.step,
        next_touchpoint=t.next_touchpoint, seconds_to_next=t.seconds_to_next,
    )  # fmt: skip


def _extra(keep: Sequence[str]) -> list[str]:
    return [c for c in dict.fromkeys(keep) if c not in NODE]


def _by_cut(t: ibis.Table, repeats: Repeats, cut: Cut, keep: Sequence[str]) -> ibis.Table:
    """Nodes of journeys cut to a range, from prepared columns. Only journeys that the cut goes through need a second look."""
    t = t.mutate(skipped_steps=ibis.literal(0, "int64"), skipped_runs=ibis.literal(0, "int64"))
    if cut.from_microseconds is not None:
        first = t.filter(
            t.previous_microseconds < cut.from_microseconds
        )  # the first in the range, of those begun before it
        first = first.select("journey_id", steps_before=first.step - 1, runs_before=first.run - 1)
        t = t.left_join(first, "journey_id").drop("journey_id_right")
        t = t.mutate(skipped_steps=_.steps_before.fill_null(0), skipped_runs=_.runs_before.fill_null(0))
    last = t.next_touchpoint.isnull() | _not_before(t, t.seconds_to_next, cut.to_microseconds)
    t = t.mutate(ends_here=ibis.ifelse(last, 1, 0))
    if repeats == "merge":
        inside = t.filter((t.ends_here == 1) & (t.run_ends == 0))  # journeys whose last run the cut goes through
        t = t.filter((t.run_ends == 1) | (t.ends_here == 1))
        t = t.left_join(inside.select("journey_id", last_microseconds=inside.occurred_microseconds), "journey_id")
        to_cut = (t.last_microseconds - t.occurred_microseconds).cast("float64") / 1e6
        position = t.run - t.skipped_runs
        seconds = ibis.ifelse(_not_before(t, t.run_seconds, cut.to_microseconds), to_cut, t.run_seconds)
    else:
        position, seconds = t.step - t.skipped_steps, t.seconds_to_next
    last = t.ends_here == 1
    counted = {c: ibis.ifelse(t.skipped_steps == 0, t[c], ibis.null("int64")) for c in COUNTED if c in keep}
    if "pair_visit" in counted:  # a journey ends once
        counted["pair_visit"] = ibis.ifelse(last, 1, counted["pair_visit"])
    return t.select(
        "journey_id", "occurred_microseconds", "touchpoint", *(c for c in _extra(keep) if c not in COUNTED), **counted,
        position=position,
        next_touchpoint=ibis.ifelse(last, ibis.null("string"), t.next_touchpoint),
        seconds_to_next=ibis.ifelse(last, ibis.null("float64"), seconds),
    )  # fmt: skip


def _not_before(t: ibis.Table, seconds: ibis.Value, end: int | None) -> ibis.Value:
    """Is the instant so many seconds after a touchpoint outside the range: unknown, or not before its end? (Half a microsecond
    less, because seconds are not whole.)"""
    if end is None:
        return seconds.isnull()
    after = t.occurred_microseconds.cast("float64") - end + seconds * 1e6
    return (after >= -0.5).fill_null(True)


def _by_slices(t: ibis.Table, repeats: Repeats, keep: Sequence[str]) -> ibis.Table:
    """Nodes of stretches of journeys, from prepared columns: positions shift, and the last move of a stretch ends."""
    ends = t.group_by("journey_id").aggregate(
        first_step=_.step.min(), last_step=_.step.max(), first_run=_.run.min(), last_run=_.run.max(),
        # times that are not known sort last: if any is missing, that of the last touchpoint is
        last_microseconds=ibis.ifelse(
            _.count() == _.occurred_microseconds.count(), _.occurred_microseconds.max(), ibis.null("int64")
        ),
    )  # fmt: skip
    t = t.join(ends, "journey_id")
    if repeats == "merge":
        t = t.filter((t.run_ends == 1) | (t.step == t.last_step))
        last, position = t.run == t.last_run, t.run - t.first_run + 1
        to_end = (t.last_microseconds - t.occurred_microseconds).cast("float64") / 1e6
        seconds = ibis.ifelse(t.run + 1 == t.last_run, to_end, t.run_seconds)
    else:
        last, position = t.step == t.last_step, t.step - t.first_step + 1
        seconds = t.seconds_to_next
    return t.select(
        "journey_id", "occurred_microseconds", "touchpoint", *_extra(keep), position=position,
        next_touchpoint=ibis.ifelse(last, ibis.null("string"), t.next_touchpoint),
        seconds_to_next=ibis.ifelse(last, ibis.null("float64"), seconds),
    )  # fmt: skip


def _by_windows(t: ibis.Table, repeats: Repeats, keep: Sequence[str], order: tuple[str, ...]) -> ibis.Table:
    """Nodes of the rows at hand, whatever was taken out of them before."""
    each = ibis.window(group_by="journey_id", order_by=list(order))
    columns = ["journey_id", *order, "occurred_microseconds", "touchpoint", *keep]
    t = t.select(*dict.fromkeys(columns))
    if repeats == "merge":
        ahead = t.mutate(following=t.touchpoint.lead().over(each).nullif(""))
        # a run ends where the next touchpoint is another one or none
        t = ahead.filter(_.following.isnull() | (_.following != _.touchpoint)).drop("following")
    t = t.mutate(
        position=ibis.row_number().over(each) + 1,
        next_touchpoint=t.touchpoint.lead().over(each).nullif(""),
        next_microseconds=t.occurred_microseconds.lead().over(each),
    )
    elapsed = (t.next_microseconds - t.occurred_microseconds).cast("float64") / 1e6
    seconds = ibis.ifelse(t.next_touchpoint.isnull(), ibis.null("float64"), elapsed)
    return t.mutate(seconds_to_next=seconds).select(*NODE, *_extra(keep))


def passing(path: ibis.Table, asked: Passing) -> ibis.Table:
    """Which journeys pass this node or link? One row per journey: journey_id. `path`: nodes with repeats merged."""
    path = path.filter((_.position == asked.step) & (_.touchpoint == asked.touchpoint))
    if asked.ends:
        path = path.filter(_.next_touchpoint.isnull())
    elif asked.next_touchpoint is not None:
        path = path.filter(_.next_touchpoint == asked.next_touchpoint)
    return path.select("journey_id").distinct()


def whole(path: ibis.Table, by: Sequence[str] = ()) -> ibis.Table:
    """Which touchpoints does each journey pass, in order? One row per journey: `by`, journey_id, path_key, ended_microseconds;
    and begun_microseconds and reaches where the nodes carry them.

    `path_key` sorts as the names of the path do: a list of numbers where the nodes carry `touchpoint_number` (`spelled` gives
    their names), else the names with PATH_SIGN between.
    """
    numbered = "touchpoint_number" in path.columns
    node = path.position * PLACE + path.touchpoint_number if numbered else _padded(path.position + PAD, path.touchpoint)
    told = {"begun_microseconds": _.begun_microseconds.min(), "reaches": _.reaches.max()}
    told = {name: value for name, value in told.items() if name in path.columns}
    found = path.mutate(node=node).group_by([*by, "journey_id"]).aggregate(
        nodes=_.node.collect(), ended_microseconds=_.occurred_microseconds.max(), **told
    )  # fmt: skip
    key = found.nodes.sort() if numbered else _joined(found.nodes, PADDED)
    return found.mutate(path_key=key).drop("nodes")


def spelled(keys: ibis.Table, names: ibis.Table) -> ibis.Table:
    """The names of paths of numbers: the rows of `keys` (path_id, path_key) as path_id, path, steps. `names`: touchpoint_number,
    touchpoint."""
    single = keys.select("path_id", node=keys.path_key.unnest())
    single = single.mutate(number=single.node % PLACE)
    named = single.join(names, single.number == names.touchpoint_number)
    named = named.select("path_id", named=_padded(named.node + CODE_PAD, named.touchpoint))
    found = named.group_by("path_id").aggregate(nodes=_.named.collect(), steps=_.count())
    return found.select("path_id", path=_joined(found.nodes, CODE_PADDED), steps=found.steps)


def _padded(place: ibis.Value, name: ibis.Value) -> ibis.Value:
    return place.cast("string") + name.cast("string")


def _joined(nodes: ibis.Value, padded: int) -> ibis.Value:
    return nodes.sort().map(lambda name: name.substr(padded)).join(PATH_SIGN)


def moves(path: ibis.Table, by: Sequence[str] = (), most: int | None = None) -> ibis.Table:
    """How many journeys make each move? Nodes added up: `by`, position, touchpoint, next_touchpoint, journeys, timed (moves
    with a known time), seconds (their sum). `most` leaves out later positions."""
    if most is not None:
        path = path.filter(path.position <= most)
    return path.group_by([*by, "position", "touchpoint", "next_touchpoint"]).aggregate(
        journeys=_.count(), timed=_.seconds_to_next.count(), seconds=_.seconds_to_next.sum()
    )


def pairs(path: ibis.Table, by: Sequence[str] = (), partly: bool = False) -> ibis.Table:
    """How often does one touchpoint follow another directly? `by`, touchpoint, next_touchpoint (null: the journey ends),
    transitions, journeys (in which the pair occurs), opens (journeys that begin with the touchpoint), timed, seconds.

    Where the nodes carry `pair_visit`, journeys are counted by it; `partly`: and one by one where it is not known.
    """
    journeys = how_many(_.pair_visit == 1) if "pair_visit" in path.columns else _.journey_id.nunique()
    if "pair_visit" in path.columns and partly:
        path = path.mutate(unknown=ibis.ifelse(path.pair_visit.isnull(), path.journey_id, ibis.null("int64")))
        journeys = journeys + _.unknown.nunique()
    return path.group_by([*by, "touchpoint", "next_touchpoint"]).aggregate(
        transitions=_.count(), journeys=journeys, opens=ibis.ifelse(_.position == 1, 1, 0).sum(),
        timed=_.seconds_to_next.count(), seconds=_.seconds_to_next.sum(),
    )  # fmt: skip


def visits(path: ibis.Table, by: Sequence[str] = (), partly: bool = False) -> ibis.Table:
    """How many journeys are at each touchpoint, once and again? `by`, touchpoint, journeys, reworked (journeys that are there
    more than once), occurrences, begins and ends (journeys whose first or last node it is). `path` has repeats kept.

    Where the nodes carry `visit`, journeys are counted by it; `partly`: and one by one where it is not known.
    """
    keys, partly = [*by, "touchpoint"], partly and "visit" in path.columns
    ends = {
        "begins": ibis.ifelse(_.position == 1, 1, 0).sum(),
        "ends": ibis.ifelse(_.next_touchpoint.isnull(), 1, 0).sum(),
    }
    if "visit" in path.columns:
        known = path.filter(path.visit.notnull()) if partly else path
        counted = known.group_by(keys).aggregate(
            journeys=how_many(_.visit == 1), reworked=how_many(_.visit == 2), occurrences=_.count(), **ends
        )
        if not partly:
            return counted
        path = path.filter(path.visit.isnull())
    each = path.group_by([*by, "journey_id", "touchpoint"]).aggregate(times=_.count(), **ends)
    single = each.group_by(keys).aggregate(
        journeys=_.count(), reworked=ibis.ifelse(_.times > 1, 1, 0).sum(), occurrences=_.times.sum(),
        begins=_.begins.sum(), ends=_.ends.sum(),
    )  # fmt: skip
    if not partly:
        return single
    both = nullable(counted).union(nullable(single.select(*counted.columns)))
    return both.group_by(keys).aggregate(**{c: both[c].sum().cast("int64") for c in counted.columns if c not in keys})
