"""Tries: how far does each journey come through the steps of a funnel, and when? The one place where touchpoints become tries.

An engine picks the touchpoints that serve a step or break a try (`funnel_rules.step_events`); the walk over them is numpy, so
that every engine gives the same tries. The funnel, its times, its trend and its drop-outs all read them, so they agree.

The walk works on instants, not rows: touchpoints of one instant have no order. What an instant can serve is a question of how
many touchpoints of each kind it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from cx_metrics.any_order import walk_in_any_order
from cx_metrics.errors import OptionProblem
from cx_metrics.funnel_rules import Funnel
from cx_metrics.instants import NEVER, NOBODY, Bools, Instants, Ints, firsts, stretches
from cx_metrics.steps import EVERY_TOUCHPOINT, FIRST_TOUCH
from cx_metrics.texts import N_

AT_ONCE = 2  # parts walked side by side: the cores that a server counts on
Reached: TypeAlias = (
    "tuple[Ints, Ints]"  # instants at which a step is taken, and the latest instant its try may have opened at
)


@dataclass(frozen=True)
class Tries:
    """The counted try of each journey that opened one and was not excluded.

    journey: the ids. depth: how many steps that are not optional it took (in any order: how many steps). at: (steps × journeys)
    when it took each step, in microseconds, NEVER if it did not. first_at: (steps × journeys) when any try of the journey took
    each step for the first time. open: its window was not over when the data ended, and it could go on. timed: are these times?
    groups: the values to break down by: `which` (the number of the try) and a column each; a try may stand in several groups, or
    in none. last: where the rows know their position, that of the last touchpoint that each try took.
    """

    funnel: Funnel
    journey: np.ndarray[Any, Any]
    depth: Ints
    at: Ints
    first_at: Ints
    open: Bools
    timed: bool
    groups: pd.DataFrame = field(repr=False)
    last: Ints | None = field(default=None, repr=False)

    @cached_property
    def taken(self) -> Bools:
        """(steps × journeys): was the step taken?"""
        return self.at < NEVER

    def reached(self, j: int) -> Bools:
        """Who came as far as step j? An optional step has to be taken; who went past another has reached it."""
        if self.funnel.order == "unordered":
            return self.depth > j
        return self.taken[j] if self.funnel.steps[j].optional else self.depth > self.funnel.needed.index(j)

    def lost(self, j: int) -> Bools:
        """Who came as far as the step before step j, which is not optional, and not to it?"""
        place = j if self.funnel.order == "unordered" else self.funnel.needed.index(j)
        return np.asarray(self.depth == place)

    def of_step(self, j: int, lost: bool) -> np.ndarray[Any, Any]:
        """The journeys that reached step j, or that were lost before it; each once."""
        return np.unique(self.journey[self.lost(j) if lost else self.reached(j)])

    def seconds(self, j: int, since: int | None = None) -> np.ndarray[Any, np.dtype[np.float64]]:
        """From the step taken before (or from step `since`) to step j, of each try; unknown where either was not taken, and
        without times."""
        if not self.timed or j == 0:
            return np.full(len(self.depth), np.nan)
        start = self.at[j - 1 if since is None else since]
        for earlier in range(j - 2, -1, -1) if since is None else ():
            if self.funnel.order == "unordered" or not self.funnel.steps[earlier + 1].optional:
                break
            start = np.where(start < NEVER, start, self.at[earlier])
        return np.where(self.taken[j] & (start < NEVER), (self.at[j] - start) / 1e6, np.nan)


def walk(
    rows: pd.DataFrame, funnel: Funnel, ends: int | None = None, by: Sequence[str] = (), taken_from: str = FIRST_TOUCH,
    timed: bool = True,
) -> Tries:  # fmt: skip
    """How far does each journey come? `rows`: those of `step_events`; `ends`: when the data end, in microseconds; `timed`: are
    there times, or just an order? Then windows do not matter.

    A try opens at a touchpoint of the first step in the range (by the option, at the first of them only). Its journey's result is
    the furthest step of any try; ties are won by the try that finished first, then by the one that started last; the steps
    between are as early as they can be. A journey whose furthest tries all meet an exclusion is left out.

    `taken_from`: where the values of `by` come from: the first or the last touchpoint of the counted try that has one, the
    touchpoints of a step, or `every_touchpoint`: each value is walked by itself, over the touchpoints that carry it.
    """
    apart = tuple(by) if taken_from == EVERY_TOUCHPOINT else ()
    parts = Instants.of(rows, timed, apart)
    with ThreadPoolExecutor(AT_ONCE) as pool:  # numpy lets other threads go on
        made = list(pool.map(lambda part: _walk_part(part, funnel, ends, by, apart, taken_from), parts))
    if not made:
        none = np.zeros((len(funnel.steps), 0), dtype="int64")
        groups = pd.DataFrame({"which": none[0], **{column: pd.Series(dtype=object) for column in by}})
        return Tries(funnel, none[0], none[0], none, none, none[0] == 1, timed, groups)
    before = np.cumsum([0, *(len(tries.depth) for tries in made)])
    groups = pd.concat([t.groups.assign(which=t.groups["which"] + n) for t, n in zip(made, before, strict=False)])
    return Tries(
        funnel, np.concatenate([t.journey for t in made]), np.concatenate([t.depth for t in made]),
        np.concatenate([t.at for t in made], axis=1), np.concatenate([t.first_at for t in made], axis=1),
        np.concatenate([t.open for t in made]), timed, groups.reset_index(drop=True),
        None if made[0].last is None else np.concatenate([t.last for t in made if t.last is not None]),
    )  # fmt: skip


def _walk_part(
    instants: Instants, funnel: Funnel, ends: int | None, by: Sequence[str], apart: Sequence[str], taken_from: str
) -> Tries:
    """The tries of some journeys."""
    if funnel.order == "unordered":
        depth, instant, earliest = walk_in_any_order(instants, funnel)
        more = depth < len(funnel.steps)
    else:
        depth, instant, earliest = _Walk(instants, funnel).tries()
        more = depth < len(funnel.needed)
    still = np.zeros(len(depth), dtype=bool)
    if funnel.limit is not None and ends is not None and instants.timed:
        over = instants.t[instant[0]] + funnel.limit
        still = more & (over > ends) & _may_go_on(instants, funnel, instant, ends)
    groups = pd.DataFrame({"which": np.arange(len(depth))})
    first = instants.first[instant[0]]
    for column in by:
        if column in apart:
            groups[column] = instants.rows[column].astype(object).to_numpy()[first]
            continue
        which, values = _values(instants, funnel, instant, column, taken_from)
        groups = groups.merge(pd.DataFrame({"which": which, column: pd.Series(values, dtype=object)}), on="which")
    at, first_at = (np.where(found == NOBODY, NEVER, instants.t[found]) for found in (instant, earliest))
    ids = instants.rows["journey_id"].to_numpy()[first]
    known = "position" in instants.rows
    last = instants.rows["position"].to_numpy()[_last_rows(instants, funnel, instant)] if known else None
    return Tries(funnel, ids, depth, at, first_at, still, instants.timed, groups, last)


def _last_rows(i: Instants, funnel: Funnel, instant: Ints) -> Ints:
    """The row of the last step that each try took: of its instant, the last one that could have served it."""
    last = len(instant) - 1 - np.argmax(instant[::-1] != NOBODY, axis=0)
    row = np.zeros(len(last), dtype="int64")
    for j in range(len(funnel.steps)):
        rows, which = _rows_of(i, funnel, instant, j, np.flatnonzero(last == j))
        row[which] = rows  # in order: the last one written stays
    return row


def _values(i: Instants, funnel: Funnel, instant: Ints, column: str, taken_from: str) -> tuple[Ints, Any]:
    """The value of a column for each try: tries (by a step: some twice or not at all), and values."""
    codes, found_values = pd.factorize(i.rows[column], use_na_sentinel=True)
    known = np.append(np.asarray(found_values, dtype=object), [None])
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
    rows, which = stretches(i.first[at], i.first[at] + i.size[at])
    which = tries[which]
    wanted = (1 << funnel.step_kinds) - 1 if funnel.order == "unordered" else funnel.bits[j]
    serves = (i.row_marks[rows] & wanted) != 0
    return rows[serves], which[serves]


def _may_go_on(instants: Instants, funnel: Funnel, instant: Ints, ends: int) -> Bools:
    """Is the window of a next step still open when the data end?"""
    last = len(instant) - 1 - np.argmax(instant[::-1] != NOBODY, axis=0)
    found = np.zeros(len(last), dtype=bool)
    for j in range(len(funnel.steps)):
        here = last == j
        own = [funnel.own_window(b) for b in funnel.after(j)]
        if None in own or funnel.order == "unordered":
            found |= here
        elif own:
            longest = max(window for window in own if window is not None)
            found |= here & (instants.t[np.maximum(instant[j], 0)] + longest > ends)
    return found


class _Walk:
    """Ordered and strict funnels.

    Forward: for each step, at which instants it is taken by some try, and the latest instant such a try may have opened at.
    Between two steps only the latest earlier instant has to be looked at: it is nearest, so its windows are kept and its gap is
    clear wherever those of an earlier one are. Then the counted try's steps are found from its two ends.
    """

    def __init__(self, instants: Instants, funnel: Funnel) -> None:
        self.i, self.f = instants, funnel
        self.serving = [np.flatnonzero(instants.marks & bit) for bit in funnel.bits]
        self.limit = funnel.limit if instants.timed else None
        self.together = len(instants.several) > 0 and funnel.equal_times == "together"
        self.barriers: dict[tuple[int, int, int], tuple[Ints, Bools] | None] = {}
        self.holding: dict[int, Ints] = {}
        constrained = funnel.order == "strict" or funnel.repeats != "tolerated" or bool(funnel.exclude)
        self.constrained = constrained or any(step.optional or step.window is not None for step in funnel.steps)

    def tries(self) -> tuple[Ints, Ints, Ints]:
        """How many needed steps each counted try took, at which instants it took its steps, and at which any try did so first."""
        opening = self.serving[0][self.i.opens[self.serving[0]]]
        if self.f.entry == "first_entry":
            opening = opening[firsts(self.i.u[opening])]
        reached = self.reach(opening, live=False)
        deepest = np.full(self.i.units, NOBODY, dtype="int64")
        start, end = deepest.copy(), deepest.copy()
        for d in reversed(self.f.needed):
            self.count(d, reached[d], deepest < 0, deepest, start, end)
        if self.f.exclude:
            start[:], end[:] = NOBODY, NOBODY
            reached, asked = self.reach(opening, live=True), deepest.copy()
            for d in self.f.needed:
                instants, starts = reached[d]
                spoilt = self.spoilt(d, instants, starts)
                self.count(d, (instants[~spoilt], starts[~spoilt]), asked == d, deepest, start, end)
                self.earlier(d, opening, (instants[spoilt], starts[spoilt]), asked == d, start, end)
        units = np.flatnonzero(end >= 0)
        instant = self.fill(deepest[units], start[units], end[units])
        depth = np.searchsorted(np.asarray(self.f.needed), deepest[units], side="right")
        return depth.astype("int64"), instant, np.stack([self.i.earliest(found)[units] for found, _starts in reached])

    def earlier(self, d: int, opening: Ints, spoilt: Reached, asked: Bools, start: Ints, end: Ints) -> None:
        """A try that is spoilt after its last step may have one beside it that opened earlier and whose window was over before.

        Steps taken between two instants of what is excluded share the bound: their try has to open more than a window before
        the later one. So each such gap is walked once more, with the openings before the bound alone.
        """
        instants, _starts = spoilt
        i, meets = self.i, np.flatnonzero(self.i.marks & self.f.barred(d, d + 1))
        chosen = asked[i.u[instants]] & ((end[i.u[instants]] < 0) | (instants <= end[i.u[instants]]))
        instants = instants[chosen]
        if self.limit is None or not len(instants):
            return
        met, first_of_gap = np.unique(np.searchsorted(meets, instants, side="right"), return_index=True)
        ends = meets[met]  # what is excluded: one for each gap
        begins = self.first_from(i.u[ends], i.t[instants[first_of_gap]] - self.limit)
        bounds = self.first_from(i.u[ends], i.t[ends] - self.limit)  # from here on an opening is too late
        can = np.searchsorted(opening, begins) < np.searchsorted(opening, bounds)
        begins, bounds, ends = begins[can], bounds[can], ends[can]
        if not len(ends):
            return
        part, places, which = self.part_of(begins, ends)
        opens = np.isin(places, opening, kind="sort") & (places < bounds[which])
        taken, starts = _Walk(part, self.f).reach(np.flatnonzero(opens), live=True)[d]
        of_gap = np.searchsorted(meets, places[taken], side="right") == np.searchsorted(meets, ends[part.u[taken]])
        first, last = places[starts[of_gap]], places[taken[of_gap]]
        best = np.lexsort((-first, last, i.u[first]))
        best = best[firsts(i.u[first[best]])]
        better = (end[i.u[first[best]]] < 0) | (last[best] < end[i.u[first[best]]])
        best = best[better]
        end[i.u[first[best]]], start[i.u[first[best]]] = last[best], first[best]

    def first_from(self, units: Ints, times: Ints) -> Ints:
        """The first instant of each journey that is not before a time: by halves, for all at once."""
        i = self.i
        low, high = np.searchsorted(i.u, units), np.searchsorted(i.u, units, side="right")
        while (searched := low < high).any():
            middle = (low + high) // 2
            before = searched & (i.t[np.minimum(middle, len(i.t) - 1)] < times)
            low, high = np.where(before, middle + 1, low), np.where(searched & ~before, middle, high)
        return low

    def part_of(self, begins: Ints, ends: Ints) -> tuple[Instants, Ints, Ints]:
        """Stretches of journeys as journeys of their own; where their instants come from, and which stretch each is of."""
        i = self.i
        places, which = stretches(begins, ends)
        from_row, to_row = i.first[begins], i.first[ends]
        rows, unit = stretches(from_row, to_row)
        offset: Ints = np.cumsum(to_row - from_row) - (to_row - from_row) - from_row
        first = i.first[places] + offset[which]
        opens = np.zeros(len(places), dtype=bool)
        return Instants(unit, i.row_marks[rows], i.at[rows], first, opens, i.timed, i.rows.iloc[:0]), places, which

    def count(self, d: int, reached: Reached, asked: Bools, deepest: Ints, start: Ints, end: Ints) -> None:
        """Where step d is as far as a journey comes: the first instant that takes it ends the counted try."""
        instants, starts = reached
        chosen = asked[self.i.u[instants]]
        instants, starts = instants[chosen], starts[chosen]
        begins = firsts(self.i.u[instants])
        units = self.i.u[instants[begins]]
        deepest[units], end[units], start[units] = d, instants[begins], starts[begins]

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
        found = []
        for a in range(j):
            between = sum(1 << k for k in self.f.needed if a < k < j)
            instants, starts = entered[a]
            large = self.i.is_several[instants]
            instants, starts = instants[large], starts[large]
            ok = self.feasible(1 << a | between | 1 << j, instants)
            found.append((instants[ok], starts[ok]))
        instants = np.concatenate([entered[j][0], *(instants for instants, _starts in found)])
        if len(instants) == len(entered[j][0]):
            return entered[j]
        starts = np.concatenate([entered[j][1], *(starts for _instants, starts in found)])
        order = np.argsort(instants, kind="stable")
        instants, starts = instants[order], starts[order]
        begins = firsts(instants)
        return instants[begins], np.maximum.reduceat(starts, begins)

    def feasible(self, chosen: int, instants: Ints) -> Bools:
        """Does each instant hold touchpoints enough to serve all these steps, one each?"""
        ok: Bools = self.i.size[instants] >= chosen.bit_count()
        large = np.flatnonzero(ok)
        for marks, needed in self.f.demands(chosen).items() if len(large) else ():
            if marks not in self.holding:
                self.holding[marks] = self.i.held(marks)
            ok[large] &= self.holding[marks][instants[large]] >= needed
        return ok

    def may(self, a: int, b: int, here: Ints, there: Ints, live: bool) -> Bools:
        """May a try go from step a at one instant to step b at a later one?"""
        ok: Bools = self.i.u[here] == self.i.u[there]
        own = self.f.own_window(b)
        if own is not None and self.i.timed:
            ok &= self.i.t[there] - self.i.t[here] <= own
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
            at_all = (self.i.marks & barred) != 0
            if strict:
                at_all |= self.i.unlike(tolerated)
            self.barriers[key] = (np.cumsum(at_all), at_all)
        return self.barriers[key]

    def spoilt(self, d: int, instants: Ints, starts: Ints) -> Bools:
        """Tries that end at step d: do they meet what is excluded before the next step, while their window is open?"""
        barred = self.f.barred(d, d + 1) if d != self.f.needed[-1] else 0
        meets = np.flatnonzero(self.i.marks & barred)
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
        beyond = np.asarray(f.beyond)[deepest]
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
            after = (
                within
                & (deepest < j)
                & np.asarray([d < j < next((k for k in f.needed if k > d), n) for d in range(n)])[deepest]
            )
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
