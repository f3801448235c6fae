"""Tries: how far does each journey come through the steps of a funnel, and when? The one place where touchpoints become tries.

An engine picks the touchpoints that serve a step or break a try (`step_events`); the walk over them (`walk`) is numpy, so that
every engine gives the same tries. The funnel, its times, its trend and its drop-outs all read them, so they agree.

The walk works on instants, not rows: touchpoints of one instant have no order. What an instant can serve is a question of how
many touchpoints of each kind it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from itertools import combinations
from typing import Any, Literal, TypeAlias

import ibis
import numpy as np
import pandas as pd

from cx_metrics.errors import OptionProblem
from cx_metrics.steps import EVERY_TOUCHPOINT, FIRST_TOUCH, Exclusion, Kind, Step
from cx_metrics.texts import N_

Order = Literal["ordered", "strict", "unordered"]
Entry = Literal["every_entry", "first_entry"]
EqualTimes = Literal["together", "apart"]
Repeats = Literal["tolerated", "end_the_try"]

MOST_LINKED = 5  # either-or steps that overlap: every set of them has to be looked at
MOST_OPTIONAL = 4  # each may be taken or not: what one instant can serve is looked at for each way
NEVER = 2**62  # an instant later than all others, in microseconds
NOBODY = -1  # no instant, no row
Ints: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"
Bools: TypeAlias = "np.ndarray[Any, np.dtype[np.bool_]]"
Reached: TypeAlias = "tuple[Ints, Ints]"  # instants at which a step is taken, and the latest instant its try may have opened at


@dataclass(frozen=True)
class Funnel:
    """The rules of a funnel. Raises OptionProblem where they do not go together."""

    steps: tuple[Step, ...]
    window: timedelta | None = None
    order: Order = "ordered"
    entry: Entry = "every_entry"
    equal_times: EqualTimes = "together"
    repeats: Repeats = "tolerated"
    exclude: tuple[Exclusion, ...] = ()

    def __post_init__(self) -> None:
        first = self.steps[0]
        if first.optional or first.window is not None:
            raise OptionProblem(N_("The first step opens the funnel: it cannot be optional or have a window of its own; "
                                   "found {step}."), step=str(first))  # fmt: skip
        if (optional := sum(step.optional for step in self.steps)) > MOST_OPTIONAL:
            raise OptionProblem(N_("{count} steps are optional; at most {most} may be."), count=optional, most=MOST_OPTIONAL)
        for exclusion in self.exclude:
            if exclusion.before is None:
                continue
            if exclusion.before > len(self.steps):
                raise OptionProblem(N_("The exclusion {found} names step {step}, and the funnel has {count} steps."),
                                    found=str(exclusion), step=exclusion.before, count=len(self.steps))  # fmt: skip
            for place in (exclusion.after, exclusion.before):
                if place is not None and self.steps[place - 1].optional:
                    raise OptionProblem(N_("The exclusion {found} names step {step}, which is optional. Name the steps around it."),
                                        found=str(exclusion), step=place)  # fmt: skip
            if self.order == "unordered":
                raise OptionProblem(N_("In any order there is no step before or after: the exclusion {found} can only be for the "
                                       "whole funnel. Leave out what follows the @."), found=str(exclusion))  # fmt: skip
        self.demands(self.every_step)
        if self.order != "unordered":
            return
        if step := next((s for s in self.steps if s.optional or s.window is not None), None):
            raise OptionProblem(N_("Step {step} is optional or has a window of its own; a funnel in any order has neither. "
                                   "Leave out ? and @."), step=str(step))  # fmt: skip
        for one, other in combinations(self.kinds[: self.step_kinds], 2):
            if set(one.touchpoints) & set(other.touchpoints):
                raise OptionProblem(N_("In any order, the steps {one} and {other} may not share touchpoints."),
                                    one=str(one), other=str(other))  # fmt: skip

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """What a touchpoint may be good for, each once: steps, then exclusions. The place is the bit of its mark."""
        of_steps = dict.fromkeys(step.kind for step in self.steps)
        return (*of_steps, *dict.fromkeys(e.kind for e in self.exclude if e.kind not in of_steps))

    @cached_property
    def step_kinds(self) -> int:
        """How many of the kinds are kinds of steps."""
        return len({step.kind for step in self.steps})

    @cached_property
    def bits(self) -> tuple[int, ...]:
        """The mark of each step."""
        return tuple(1 << self.kinds.index(step.kind) for step in self.steps)

    @cached_property
    def needed(self) -> tuple[int, ...]:
        """The places of the steps that are not optional."""
        return tuple(j for j, step in enumerate(self.steps) if not step.optional)

    @cached_property
    def every_step(self) -> int:
        """All steps as a set: one bit each."""
        return (1 << len(self.steps)) - 1

    def before(self, j: int) -> list[int]:
        """The steps that may be taken directly before step j: back to the last one that is not optional."""
        found: list[int] = []
        for a in range(j - 1, -1, -1):
            found.append(a)
            if not self.steps[a].optional:
                break
        return found

    def after(self, j: int) -> list[int]:
        """The steps that may be taken directly after step j: up to the first one that is not optional."""
        return [b for b in range(j + 1, len(self.steps)) if j in self.before(b)]

    def barred(self, a: int, b: int) -> int:
        """The marks of what is excluded between the steps a and b."""
        last, found = self.needed[-1], 0
        for exclusion in self.exclude:
            start, end = (exclusion.after or 1) - 1, last if exclusion.before is None else exclusion.before - 1
            if a < end and b > start:
                found |= 1 << self.kinds.index(exclusion.kind)
        return found

    def demands(self, chosen: int) -> dict[int, int]:
        """How many touchpoints of one instant do these steps need to be taken at that instant? Marks → how many with any of them.

        Hall's condition: for every set of steps, as many touchpoints that serve one of them as there are steps in the set.
        Only sets of kinds that share names, one with the next, can add to what the single kinds ask.
        """
        kinds = [self.steps[j].kind for j in range(len(self.steps)) if chosen >> j & 1]
        linked: list[list[Kind]] = []
        for kind in dict.fromkeys(kinds):
            touching = [group for group in linked if any(set(kind.touchpoints) & set(k.touchpoints) for k in group)]
            linked = [group for group in linked if group not in touching] + [[kind, *(k for g in touching for k in g)]]
        needed: dict[int, int] = {}
        for group in linked:
            if len(group) > MOST_LINKED:
                raise OptionProblem(
                    N_("{count} either-or steps share touchpoints with each other; at most {most} may. Name each in fewer steps."),
                    count=len(group), most=MOST_LINKED,
                )  # fmt: skip
            for size in range(1, len(group) + 1):
                for some in combinations(group, size):
                    marks = sum(1 << self.kinds.index(kind) for kind in some)
                    needed[marks] = max(needed.get(marks, 0), sum(kinds.count(kind) for kind in some))
        return needed


def step_events(touchpoints: ibis.Table, by: Sequence[str], funnel: Funnel) -> ibis.Table:
    """The touchpoints that serve a step or break a try; for a strict funnel, all those of the journeys that could enter.

    One row each: journey_id, `at` (microseconds; the order of the file where there is no time), timed, sequence, in_range,
    `marks` (which kinds it is: one bit each), and the columns of `by`.
    """
    t = touchpoints
    serves = [_serves(t, kind) for kind in funnel.kinds]
    if funnel.order == "strict":
        entering = t.filter(_serves(t, funnel.steps[0].kind) & (t.in_range == 1)).select("journey_id").distinct()
        t = t.semi_join(entering, "journey_id")
        serves = [_serves(t, kind) for kind in funnel.kinds]
    else:
        t = t.filter(ibis.or_(*serves))
    marks = ibis.literal(0, type="int64")
    for bit, served in enumerate(serves):
        marks = marks + ibis.ifelse(served.fill_null(False), 1 << bit, 0)
    return t.select(
        "journey_id", "sequence", "in_range", *by, marks=marks.cast("int64"),
        at=ibis.coalesce(t.occurred_microseconds, t.sequence), timed=ibis.ifelse(t.occurred_microseconds.isnull(), 0, 1),
    )  # fmt: skip


def _serves(t: ibis.Table, kind: Kind) -> ibis.Value:
    held = t.touchpoint.isin(kind.touchpoints)
    for where in kind.where:
        if where.column not in t.columns:
            raise OptionProblem(N_("The step {step} filters by {found}, and the touchpoints have no such column. Columns: {columns}."),
                                step=str(kind), found=where.column, columns=tuple(t.columns))  # fmt: skip
        column = t[where.column] if t[where.column].type().is_string() else t[where.column].cast("string")
        kept = column.isin(where.values)
        held = held & (kept | column.isnull() if "" in where.values else kept)
    return held


@dataclass(frozen=True)
class Instants:
    """Rows of step events in order, and the instants they make: all that a journey did at one time."""

    unit: Ints  # of each row: the number of its journey, from 0
    marks: Ints
    at: Ints
    first: Ints  # of each instant: its first row
    opens: Bools  # of each instant: does it lie in the range?
    timed: bool
    rows: pd.DataFrame = field(repr=False)

    @staticmethod
    def of(rows: pd.DataFrame, by: Sequence[str] = ()) -> Instants:
        """`by`: a journey is walked once for each of their values, over the touchpoints that carry it."""
        if by or not pd.api.types.is_integer_dtype(rows["journey_id"]):
            unit = rows.groupby(["journey_id", *by], dropna=False, sort=False, observed=True).ngroup().to_numpy("int64")
        else:
            unit = rows["journey_id"].to_numpy("int64")
        at, sequence = rows["at"].to_numpy("int64"), rows["sequence"].to_numpy("int64")
        if not _in_order(unit, at, sequence):
            order = np.lexsort((sequence, at, unit))
            rows = rows.iloc[order]
            unit, at = unit[order], at[order]
        other = np.concatenate(([True], unit[1:] != unit[:-1]))[: len(unit)]
        unit = np.cumsum(other) - 1
        first = np.flatnonzero(other | np.concatenate(([True], at[1:] != at[:-1]))[: len(at)])
        opens = rows["in_range"].to_numpy()[first] == 1
        timed = bool((rows["timed"].to_numpy() == 1).all())
        return Instants(unit, rows["marks"].to_numpy("int64"), at, first, opens, timed, rows)

    @cached_property
    def u(self) -> Ints:
        """The journey of each instant."""
        return self.unit[self.first]

    @cached_property
    def t(self) -> Ints:
        """The time of each instant."""
        return self.at[self.first]

    @cached_property
    def size(self) -> Ints:
        """How many rows each instant has."""
        return np.diff(self.first, append=len(self.unit))

    @cached_property
    def several(self) -> bool:
        """Has any instant more than one row?"""
        return len(self.first) < len(self.unit)

    @cached_property
    def units(self) -> int:
        """How many journeys there are."""
        return int(self.unit[-1]) + 1 if len(self.unit) else 0

    def holding(self, of_rows: Bools) -> Bools:
        """Of each instant: does any of its rows have it?"""
        return np.logical_or.reduceat(of_rows, self.first) if self.several else of_rows

    def held(self, marks: int) -> Ints:
        """Of each instant: how many rows have any of these marks?"""
        return np.add.reduceat((self.marks & marks) != 0, self.first, dtype="int64")


def _in_order(unit: Ints, at: Ints, sequence: Ints) -> bool:
    step = np.diff(unit)
    if (step < 0).any():
        return False
    same, later = step == 0, np.diff(at)
    return not (same & ((later < 0) | ((later == 0) & (np.diff(sequence) < 0)))).any()


@dataclass(frozen=True)
class Tries:
    """The counted try of each journey that opened one and was not excluded.

    journey: the ids. depth: how many steps that are not optional it took (in any order: how many steps). at: (steps × journeys)
    when it took each step, in microseconds, NEVER if it did not. open: its window was not over when the data ended, and it
    could go on. timed: are these times? groups: the values to break down by: `which` (the number of the try) and a column each;
    a try may stand in several groups, or in none.
    """

    funnel: Funnel
    journey: np.ndarray[Any, Any]
    depth: Ints
    at: Ints
    open: Bools
    timed: bool
    groups: pd.DataFrame = field(repr=False)

    @cached_property
    def taken(self) -> Bools:
        """(steps × journeys): was the step taken?"""
        return self.at < NEVER

    def reached(self, j: int) -> Bools:
        """Who came as far as step j? An optional step has to be taken; who went past another has reached it."""
        if self.funnel.order == "unordered":
            return self.depth > j
        return self.taken[j] if self.funnel.steps[j].optional else self.depth > self.funnel.needed.index(j)

    def seconds(self, j: int, since: int | None = None) -> np.ndarray[Any, np.dtype[np.float64]]:
        """From the step taken before (or from step `since`) to step j, of each try; unknown where either was not taken, and
        without times."""
        if not self.timed or j == 0:
            return np.full(len(self.depth), np.nan)
        before = np.full(len(self.depth), since) if since is not None else j - 1 - np.argmax(self.taken[:j][::-1], axis=0)
        start = self.at[before, np.arange(len(before))]
        return np.where(self.taken[j] & (start < NEVER), (self.at[j] - start) / 1e6, np.nan)


def walk(
    rows: pd.DataFrame, funnel: Funnel, ends: int | None = None, by: Sequence[str] = (), taken_from: str = FIRST_TOUCH
) -> Tries:
    """How far does each journey come? `rows`: those of `step_events`; `ends`: when the data end, in microseconds.

    A try opens at a touchpoint of the first step in the range (by the option, at the first of them only). Its journey's result is
    the furthest step of any try; ties are won by the try that finished first, then by the one that started last; the steps
    between are as early as they can be. A journey whose furthest tries all meet an exclusion is left out.

    `taken_from`: where the values of `by` come from: the first or the last touchpoint of the counted try that has one, the
    touchpoints of a step, or `every_touchpoint`: each value is walked by itself, over the touchpoints that carry it.
    """
    apart = tuple(by) if taken_from == EVERY_TOUCHPOINT else ()
    instants = Instants.of(rows, apart)
    if not instants.units:
        none = np.zeros((len(funnel.steps), 0), dtype="int64")
        groups = pd.DataFrame({"which": none[0], **{column: pd.Series(dtype=object) for column in by}})
        return Tries(funnel, none[0], none[0], none, none[0] == 1, instants.timed, groups)
    if funnel.order == "unordered":
        depth, instant = _unordered(instants, funnel)
        more = depth < len(funnel.steps)
    else:
        depth, instant = _Walk(instants, funnel).tries()
        more = depth < len(funnel.needed)
    still = np.zeros(len(depth), dtype=bool)
    if funnel.window is not None and ends is not None and instants.timed:
        over = instants.t[instant[0]] + _microseconds(funnel.window)
        still = more & (over > ends) & _may_go_on(instants, funnel, instant, ends)
    groups = pd.DataFrame({"which": np.arange(len(depth))})
    first = instants.first[instant[0]]
    for column in by:
        if column in apart:
            groups[column] = instants.rows[column].astype(object).to_numpy()[first]
            continue
        which, values = _values(instants, funnel, instant, column, taken_from)
        groups = groups.merge(pd.DataFrame({"which": which, column: pd.Series(values, dtype=object)}), on="which")
    at = np.where(instant == NOBODY, NEVER, instants.t[instant])
    return Tries(funnel, instants.rows["journey_id"].to_numpy()[first], depth, at, still, instants.timed, groups)


def _values(i: Instants, funnel: Funnel, instant: Ints, column: str, taken_from: str) -> tuple[Ints, Any]:
    """The value of a column for each try: tries (by a step: some twice or not at all), and values."""
    codes, known = pd.factorize(i.rows[column], use_na_sentinel=True)
    known = np.append(np.asarray(known, dtype=object), [None])
    steps = range(len(funnel.steps))
    if taken_from.startswith("step "):
        j = int(taken_from.split()[1]) - 1
        if j >= len(funnel.steps):
            raise OptionProblem(N_("The breakdown is by {found}, and the funnel has {count} steps."),
                                found=taken_from, count=len(funnel.steps))  # fmt: skip
        rows, which = _rows_of(i, funnel, instant, j, np.flatnonzero(instant[j] != NOBODY))
        pairs = pd.DataFrame({"which": which, "code": codes[rows]}).drop_duplicates()
        return pairs["which"].to_numpy(), known[pairs["code"].to_numpy()]
    found = np.full(instant.shape[1], -1, dtype="int64")
    for j in steps if taken_from == FIRST_TOUCH else reversed(steps):
        rows, which = _rows_of(i, funnel, instant, j, np.flatnonzero((found < 0) & (instant[j] != NOBODY)))
        set_ = codes[rows] >= 0
        rows, which = rows[set_], which[set_]
        if taken_from == FIRST_TOUCH:
            rows, which = rows[::-1], which[::-1]
        found[which] = codes[rows]  # of several the last one written stays
    return np.arange(len(found)), known[found]


def _rows_of(i: Instants, funnel: Funnel, instant: Ints, j: int, tries: Ints) -> tuple[Ints, Ints]:
    """The rows that could have served step j of these tries, in order, and whose they are."""
    at = instant[j, tries]
    rows, which = _stretches(i.first[at], i.first[at] + i.size[at])
    which = tries[which]
    wanted = (1 << funnel.step_kinds) - 1 if funnel.order == "unordered" else funnel.bits[j]
    serves = (i.marks[rows] & wanted) != 0
    return rows[serves], which[serves]


def _may_go_on(instants: Instants, funnel: Funnel, instant: Ints, ends: int) -> Bools:
    """Is the window of a next step still open when the data end?"""
    last = len(instant) - 1 - np.argmax(instant[::-1] != NOBODY, axis=0)
    found = np.zeros(len(last), dtype=bool)
    for j in range(len(funnel.steps)):
        here = last == j
        own = [funnel.steps[b].window for b in funnel.after(j)]
        if None in own or funnel.order == "unordered":
            found |= here
        elif own:
            longest = max(_microseconds(w) for w in own if w is not None)
            found |= here & (instants.t[np.maximum(instant[j], 0)] + longest > ends)
    return found


def _microseconds(length: timedelta) -> int:
    return length // timedelta(microseconds=1)


class _Walk:
    """Ordered and strict funnels.

    Forward: for each step, at which instants it is taken by some try, and the latest instant such a try may have opened at.
    Between two steps only the latest earlier instant has to be looked at: it is nearest, so its windows are kept and its gap is
    clear wherever those of an earlier one are. Then the counted try's steps are found from its two ends.
    """

    def __init__(self, instants: Instants, funnel: Funnel) -> None:
        self.i, self.f = instants, funnel
        marks = np.bitwise_or.reduceat(instants.marks, instants.first) if instants.several else instants.marks
        self.serving = [np.flatnonzero(marks & bit) for bit in funnel.bits]
        self.limit = None if funnel.window is None or not instants.timed else _microseconds(funnel.window)
        self.together = instants.several and funnel.equal_times == "together"
        self.barriers: dict[tuple[int, int, int], tuple[Ints, Bools] | None] = {}
        self.holding: dict[int, Ints] = {}
        constrained = funnel.order == "strict" or funnel.repeats != "tolerated" or bool(funnel.exclude)
        self.constrained = constrained or any(step.optional or step.window is not None for step in funnel.steps)

    def tries(self) -> tuple[Ints, Ints]:
        """How many needed steps each counted try took, and at which instants it took its steps."""
        opening = self.serving[0][self.i.opens[self.serving[0]]]
        if self.f.entry == "first_entry":
            opening = opening[_firsts(self.i.u[opening])]
        reached = self.reach(opening, live=False)
        deepest = np.full(self.i.units, NOBODY, dtype="int64")
        start, end = deepest.copy(), deepest.copy()
        for d in reversed(self.f.needed):
            self.count(d, reached[d], deepest < 0, deepest, start, end)
        if self.f.exclude:
            start[:], end[:] = NOBODY, NOBODY
            alive, asked = self.reach(opening, live=True), deepest.copy()
            for d in self.f.needed:
                instants, starts = alive[d]
                spoilt = self.spoilt(d, instants, starts)
                self.count(d, (instants[~spoilt], starts[~spoilt]), asked == d, deepest, start, end)
                self.earlier(d, opening, (instants[spoilt], starts[spoilt]), asked == d, start, end)
        units = np.flatnonzero(end >= 0)
        instant = self.fill(deepest[units], start[units], end[units])
        depth = np.searchsorted(np.asarray(self.f.needed), deepest[units], side="right")
        return depth.astype("int64"), instant

    def earlier(self, d: int, opening: Ints, spoilt: Reached, asked: Bools, start: Ints, end: Ints) -> None:
        """Where the latest opening is spoilt after its last step, one before it may not be: its window is over sooner.

        Rare, so each opening of such a journey is walked by itself.
        """
        instants, starts = spoilt
        i, chosen = self.i, asked[self.i.u[instants]]
        before = opening[np.maximum(np.searchsorted(opening, starts) - 1, 0)] if len(opening) else starts
        chosen &= (before < starts) & (i.u[before] == i.u[starts]) & self.inside(before, instants)
        chosen &= (end[i.u[instants]] < 0) | (instants <= end[i.u[instants]])
        units = np.unique(i.u[instants[chosen]])
        if not len(units):
            return
        single = opening[np.isin(i.u[opening], units)]
        part, places = self.windows_of(single)
        depth, taken = _Walk(part, self.f).tries()
        kept = depth == self.f.needed.index(d) + 1
        first, last = places[taken[0, kept]], places[taken[d, kept]]
        best = np.lexsort((-first, last, i.u[first]))
        best = best[_firsts(i.u[first[best]])]
        units = i.u[first[best]]
        end[units], start[units] = last[best], first[best]

    def windows_of(self, opening: Ints) -> tuple[Instants, Ints]:
        """The windows of these openings as journeys of their own, which nothing but the opening opens; and where their instants
        come from."""
        i = self.i
        ends = np.searchsorted(i.u, i.u[opening], side="right")
        if self.limit is not None:
            late = i.t[opening] + self.limit
            ends = np.array([o + np.searchsorted(i.t[o:e], t, side="right") for o, e, t in zip(opening, ends, late, strict=True)])
        places, which = _stretches(opening, ends)
        from_row, to_row = i.first[opening], np.append(i.first, len(i.unit))[ends]
        rows, unit = _stretches(from_row, to_row)
        offset = np.cumsum(to_row - from_row) - (to_row - from_row) - from_row
        first = i.first[places] + offset[which]
        opens: Bools = places == opening[which]
        return Instants(unit, i.marks[rows], i.at[rows], first, opens, i.timed, i.rows.iloc[:0]), places

    def count(self, d: int, reached: Reached, asked: Bools, deepest: Ints, start: Ints, end: Ints) -> None:
        """Where step d is as far as a journey comes: the first instant that takes it ends the counted try."""
        instants, starts = reached
        chosen = asked[self.i.u[instants]]
        instants, starts = instants[chosen], starts[chosen]
        firsts = _firsts(self.i.u[instants])
        units = self.i.u[instants[firsts]]
        deepest[units], end[units], start[units] = d, instants[firsts], starts[firsts]

    def reach(self, opening: Ints, live: bool) -> list[Reached]:
        """For each step: the instants at which some try takes it, in order. `live`: tries that no exclusion has ended."""
        entered: list[Reached] = [(opening, opening)]  # taken as the first step of that instant
        reached: list[Reached] = [entered[0]]
        for j in range(1, len(self.f.steps)):
            here = self.serving[j]
            best = np.full(len(here), NOBODY, dtype="int64")
            for a in self.f.before(j):
                instants, starts = reached[a]
                if not len(instants):
                    continue
                place = np.searchsorted(instants, here) - 1
                found = np.maximum(place, 0)
                ok = (place >= 0) & self.may(a, j, instants[found], here, live) & self.inside(starts[found], here)
                best = np.maximum(best, np.where(ok, starts[found], NOBODY))
            kept = best >= 0
            entered.append((here[kept], best[kept]))
            reached.append(self.with_same_instant(entered, j))
        return reached

    def with_same_instant(self, entered: list[Reached], j: int) -> Reached:
        """Step j taken at the instant that takes an earlier step, with all that is needed between."""
        if not self.together:
            return entered[j]
        starts = np.full(len(self.i.first), NOBODY, dtype="int64")
        starts[entered[j][0]] = entered[j][1]
        for a in range(j):
            between = sum(1 << k for k in self.f.needed if a < k < j)
            instants, of_them = entered[a]
            ok = self.feasible(1 << a | between | 1 << j, instants)
            starts[instants[ok]] = np.maximum(starts[instants[ok]], of_them[ok])
        instants = np.flatnonzero(starts >= 0)
        return instants, starts[instants]

    def feasible(self, chosen: int, instants: Ints) -> Bools:
        """Does each instant hold touchpoints enough to serve all these steps, one each?"""
        ok = self.i.size[instants] >= chosen.bit_count()
        for marks, needed in self.f.demands(chosen).items():
            if marks not in self.holding:
                self.holding[marks] = self.i.held(marks)
            ok &= self.holding[marks][instants] >= needed
        return ok

    def may(self, a: int, b: int, here: Ints, there: Ints, live: bool) -> Bools:
        """May a try go from step a at one instant to step b at a later one?"""
        ok = self.i.u[here] == self.i.u[there]
        own = self.f.steps[b].window
        if own is not None and self.i.timed:
            ok &= self.i.t[there] - self.i.t[here] <= _microseconds(own)
        barrier = self.barrier(a, b, live)
        if barrier is not None:
            so_far, at_all = barrier  # strictly between: what lies at either instant does not matter
            ok &= so_far[there] - at_all[there] == so_far[here]
        return ok

    def inside(self, start: Ints, there: Ints) -> Bools:
        """Does the window of a try that opened at `start` reach there?"""
        if self.limit is None:
            return np.ones(len(there), dtype=bool)
        found: Bools = self.i.t[there] - self.i.t[start] <= self.limit
        return found

    def barrier(self, a: int, b: int, live: bool) -> tuple[Ints, Bools] | None:
        """What must not lie between steps a and b: how many instants with it up to each instant, and whether it has it."""
        strict, repeats = self.f.order == "strict", self.f.repeats == "end_the_try"
        barred = self.f.barred(a, b) if live else 0
        if repeats and not strict:
            for bit in self.f.bits[: b + 1]:
                barred |= bit
        tolerated = 0 if repeats else self.f.bits[a]
        if not strict and not barred:
            return None
        key = (barred, tolerated if strict else -1, int(strict))
        if key not in self.barriers:
            broken = (self.i.marks & barred) != 0
            if strict:
                broken |= (self.i.marks & tolerated) == 0
            at_all = self.i.holding(broken)
            self.barriers[key] = (np.cumsum(at_all), at_all)
        return self.barriers[key]

    def spoilt(self, d: int, instants: Ints, starts: Ints) -> Bools:
        """Tries that end at step d: do they meet what is excluded before the next step, while their window is open?"""
        barred = self.f.barred(d, d + 1) if d != self.f.needed[-1] else 0
        meets = np.flatnonzero(self.i.holding((self.i.marks & barred) != 0)) if barred else np.zeros(0, dtype="int64")
        if not len(meets):
            return np.zeros(len(instants), dtype=bool)
        place = np.searchsorted(meets, instants, side="right")
        found = meets[np.minimum(place, len(meets) - 1)]
        met: Bools = (place < len(meets)) & (self.i.u[found] == self.i.u[instants]) & self.inside(starts, found)
        return met

    def fill(self, deepest: Ints, start: Ints, end: Ints) -> Ints:
        """(steps × tries): the instant of each step of the counted tries, each as early as it can be after those before it."""
        n, f = len(self.f.steps), self.f
        instant = np.full((n, len(start)), NOBODY, dtype="int64")
        instant[0] = start
        self.goals(deepest, start, end)
        here, before = start.copy(), np.zeros(len(start), dtype="int64")
        together = np.ones(len(start), dtype="int64")  # the steps that this instant serves, one bit each
        beyond = np.array([next((k for k in f.needed if k > d), n) for d in range(n)])[deepest]
        good = self.good() if self.constrained else self.serving
        for j in range(1, n):
            todo = np.flatnonzero(j < beyond)
            now = np.zeros(len(todo), dtype=bool)
            if self.together:
                for chosen in np.unique(together[todo]).tolist():
                    some = np.flatnonzero(together[todo] == chosen)
                    now[some] = self.goes_on(chosen | 1 << j, j, here[todo[some]], deepest[todo[some]])
                at_once = todo[now]
                instant[j, at_once] = here[at_once]
                together[at_once] |= 1 << j
                before[at_once] = j
            later = todo[~now]
            if not len(good[j]) or not len(later):
                continue
            place = np.searchsorted(good[j], here[later], side="right")
            there = good[j][np.minimum(place, len(good[j]) - 1)]
            ok = (place < len(good[j])) & self.inside(start[later], there)
            for a in np.unique(before[later]).tolist():
                some = np.flatnonzero(before[later] == a)
                ok[some] &= self.may(a, j, here[later[some]], there[some], live=True)
            moved = later[ok]
            instant[j, moved] = here[moved] = there[ok]
            together[moved] = 1 << j
            before[moved] = j
        return instant

    def goals(self, deepest: Ints, start: Ints, end: Ints) -> None:
        """Remember for each journey how far its counted try goes, and from when to when."""
        self.deepest = np.full(self.i.units, NOBODY, dtype="int64")
        self.start, self.end = self.deepest.copy(), self.deepest.copy()
        units = self.i.u[end]
        self.deepest[units], self.start[units], self.end[units] = deepest, start, end

    def goes_on(self, chosen: int, j: int, instants: Ints, deepest: Ints) -> Bools:
        """May this instant serve these steps, j the last of them, and the try still come as far as it came?"""
        ok = self.feasible(chosen, instants)
        if self.constrained:
            needed = np.flatnonzero(ok & (j <= deepest))
            ok[needed] = self.leads(chosen, j, instants[needed])
        return ok

    def good(self) -> list[Ints]:
        """For each step: the instants from which, with that step as the first of the instant, a counted try comes to its end."""
        n, f = len(self.f.steps), self.f
        self.ahead: list[Ints] = [np.zeros(0, dtype="int64")] * n
        for j in range(n - 1, 0, -1):
            here = self.serving[j]
            units = self.i.u[here]
            deepest = self.deepest[units]
            within = (deepest >= 0) & (here > self.start[units])
            after = within & (deepest < j) & np.asarray([d < j < next((k for k in f.needed if k > d), n) for d in range(n)])[deepest]
            towards = within & (deepest >= j) & (here <= self.end[units])
            ok = after.copy()
            ok[towards] = self.leads(1 << j, j, here[towards])
            self.ahead[j] = here[ok]
        return self.ahead

    def leads(self, chosen: int, j: int, instants: Ints) -> Bools:
        """From instants that serve these steps, j the last of them: does the counted try come to its end?"""
        units = self.i.u[instants]
        found: Bools = (self.deepest[units] == j) & (self.end[units] == instants)
        for b in self.f.after(j):
            if len(ahead := self.ahead[b]):
                open_ = np.flatnonzero(~found & (self.deepest[units] > j))
                place = np.searchsorted(ahead, instants[open_], side="right")
                there = ahead[np.minimum(place, len(ahead) - 1)]
                found[open_] = (place < len(ahead)) & self.may(j, b, instants[open_], there, live=True)
            if self.together:
                open_ = np.flatnonzero(~found & (self.deepest[units] > j))
                open_ = open_[self.feasible(chosen | 1 << b, instants[open_])]
                if len(open_):
                    found[open_] = self.leads(chosen | 1 << b, b, instants[open_])
        return found


def _stretches(starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """The places start … end (half-open) of several stretches, one after the other, and which stretch each is of."""
    many = ends - starts
    which = np.repeat(np.arange(len(starts)), many)
    places: Ints = np.arange(many.sum()) + (starts - np.cumsum(many) + many)[which]
    return places, which


def _firsts(units: Ints) -> Ints:
    """The first place of each journey among places in order."""
    return np.flatnonzero(np.concatenate(([True], units[1:] != units[:-1]))[: len(units)])


MOST_AT_ONCE = 1_000_000  # openings looked at together: bounds the memory


def _unordered(i: Instants, f: Funnel) -> tuple[Ints, Ints]:
    """How many steps are done inside one window, in any order? Depth, and the instants at which the first, second, … was done.

    A window may open at a touchpoint of any step. What is excluded ends it; the steps done before stay.
    """
    any_step = (1 << f.step_kinds) - 1
    opening = np.flatnonzero(i.holding((i.marks & any_step) != 0) & i.opens)
    if f.entry == "first_entry":
        opening = opening[_firsts(i.u[opening])]
    parts = [_windows(i, f, part) for part in np.array_split(opening, len(opening) // MOST_AT_ONCE + 1)]
    done = np.concatenate(parts, axis=1)
    depth = (done < NEVER).sum(axis=0)
    units = i.u[opening]
    starts = _firsts(units)
    if not len(starts):
        return depth, done
    deepest = np.repeat(np.maximum.reduceat(depth, starts), np.diff(starts, append=len(units)))
    finished = np.where(depth == deepest, done[np.maximum(depth, 1) - 1, np.arange(len(depth))], NEVER)
    earliest = np.repeat(np.minimum.reduceat(finished, starts), np.diff(starts, append=len(units)))
    latest = np.maximum.reduceat(np.where(finished == earliest, np.arange(len(units)), -1), starts)
    return depth[latest], np.where(done[:, latest] < NEVER, done[:, latest], NOBODY)


def _windows(i: Instants, f: Funnel, opening: Ints) -> Ints:
    """(steps × openings): the instants at which the first, second, … step of each window is done; NEVER if it is not."""
    instant_of = np.repeat(np.arange(len(i.first)), i.size)
    ends = np.full(len(opening), NEVER, dtype="int64")
    barred = f.barred(0, 1)
    meets = np.flatnonzero(i.holding((i.marks & barred) != 0)) if barred else np.zeros(0, dtype="int64")
    if len(meets):
        place = np.searchsorted(meets, opening, side="right")
        found = meets[np.minimum(place, len(meets) - 1)]
        met = (place < len(meets)) & (i.u[found] == i.u[opening])
        ends = np.where(met, i.t[found], ends)
    if f.window is not None and i.timed:
        ends = np.minimum(ends, i.t[opening] + _microseconds(f.window))
    done = []
    for bit in dict.fromkeys(f.bits):
        serving = np.flatnonzero(i.marks & bit)
        place = np.searchsorted(serving, i.first[opening])
        for nth in range(f.bits.count(bit)):
            row = np.minimum(place + nth, max(len(serving) - 1, 0))
            found = instant_of[serving[row]] if len(serving) else opening
            ok = (place + nth < len(serving)) & (i.u[found] == i.u[opening]) & (i.t[found] <= ends)
            done.append(np.where(ok, found, NEVER))
    return np.sort(np.stack(done), axis=0)
