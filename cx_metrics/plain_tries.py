"""Funnels out of all touchpoints in memory, by compiled loops: which touchpoints a funnel asks for, and, of a funnel without
exclusions, optional steps or windows of single steps (most are so), its tries at once.

The rules are those of `tries`, whose walk says them for every funnel; tests hold the two against each other. numpy has to look at
all touchpoints once for each rule and step; a loop over the touchpoints of a customer looks at each once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np

from cx_metrics.funnel_rules import Funnel
from cx_metrics.instants import NEVER, Bools, Ints
from cx_metrics.steps import Step

NO_LIMIT = 2**62  # microseconds
NO_START, NO_END = -(2**62), 2**62  # of a range without that end
EVERYBODY: Bools = np.zeros(0, dtype=bool)
_COMPILING = threading.Lock()

Columns = tuple[
    np.ndarray[Any, np.dtype[np.int32]], Ints, np.ndarray[Any, Any]
]  # who, at, number: by customer and time
Bounds = tuple[int | None, int | None]


def is_plain(funnel: Funnel) -> bool:
    """Has the funnel no rule but the order of its steps, its window, and what it does with entries and equal times? Where these
    may be steps one after the other, each name has to be good for one step alone."""
    plain = funnel.order == "ordered" and funnel.repeats == "tolerated" and not funnel.exclude
    if not plain or any(step.optional or step.window is not None for step in funnel.steps):
        return False
    return funnel.equal_times == "apart" or not any(
        set(one.touchpoints) & set(other.touchpoints) for one, other in combinations(funnel.steps, 2)
    )


def tries_of(
    columns: Columns, marks_of: Ints, funnel: Funnel, people: Bools | None, bounds: Bounds, all_inside: bool, limit: int | None
) -> tuple[Ints, Ints, Ints, Ints, Ints]:  # fmt: skip
    """The counted try of each customer (`marks_of` the number of a name: which steps it serves): whose it is, how many steps it
    took, when it took them and when any try did so first (steps × tries), and where the last touchpoint stands that it took."""
    rules = (
        marks_of, np.asarray(funnel.bits, dtype="int64"), NO_LIMIT if limit is None else limit,
        funnel.equal_times == "together", funnel.entry == "first_entry",
    )  # fmt: skip
    made = _in_halves(_compiled(_tries), columns, rules, people, bounds, all_inside)
    who, depth, last = (np.concatenate([half[n] for half in made]) for n in (0, 1, 4))
    at, first_at = (np.concatenate([half[n] for half in made]).T for n in (2, 3))
    return who, depth, at, first_at, last


def pick(
    columns: Columns, marks_of: Ints, opening: int, people: Bools | None, bounds: Bounds, all_inside: bool
) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """The touchpoints that have a mark, of customers who have one with an `opening` mark in the range: where they stand, whose they
    are, their times, their marks, and whether they lie in the range."""
    made = _in_halves(_compiled(_pick), columns, (marks_of, opening), people, bounds, all_inside)
    place, who, at, marks, inside = (np.concatenate([half[n] for half in made]) for n in range(5))
    return place, who, at, marks, inside


def compile_ahead() -> None:
    """Have the loops ready before somebody waits for a first funnel. A machine does this once: it keeps what was compiled."""
    columns = (np.ones(1, dtype="int32"), np.zeros(1, dtype="int64"), np.zeros(1, dtype="int16"))
    funnel, marks_of = Funnel((Step(("A",)), Step(("B",)))), np.ones(1, dtype="int64")
    pick(columns, marks_of, 1, None, (None, None), False)
    tries_of(columns, marks_of, funnel, None, (None, None), False, None)


def _compiled(loop: Callable[..., Any]) -> Any:
    with _COMPILING:  # by one thread: the other one would do the same work again
        return _made(loop)


@cache
def _made(loop: Callable[..., Any]) -> Any:
    import numba  # takes 100 MB, which only a process that answers funnels needs

    try:
        return numba.njit(nogil=True, cache=True)(loop)
    except RuntimeError:  # there is no folder to keep it in
        return numba.njit(nogil=True)(loop)


def _in_halves(
    loop: Any, columns: Columns, rules: tuple[Any, ...], people: Bools | None, bounds: Bounds, all_inside: bool
) -> list[Any]:
    """What a loop makes of each half of the customers, side by side."""
    who = columns[0]
    half = int(np.searchsorted(who, who[len(who) // 2])) if len(who) else 0
    start, end = bounds
    chosen = (
        people is None, EVERYBODY if people is None else people, NO_START if start is None else start,
        NO_END if end is None else end, all_inside,
    )  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda ends: loop(*columns, *ends, *rules, *chosen), [(0, half), (half, len(who))]))


def _pick(who, at, number, first, n, marks_of, opening, everybody, people, start, end, all_inside):  # type: ignore[no-untyped-def]
    place, marks, when = (
        np.empty(n - first, np.int64),
        np.empty(n - first, marks_of.dtype),
        np.empty(n - first, np.int64),
    )
    whose, inside = np.empty(n - first, np.int64), np.empty(n - first, np.int8)
    found = begin = 0
    entered = False
    for i in range(first, n):
        if i > first and who[i] != who[i - 1]:
            if not entered:
                found = begin
            begin, entered = found, False
        m = marks_of[number[i]]
        if not m:
            continue
        if not everybody and (who[i] >= len(people) or not people[who[i]]):
            continue
        within = start <= at[i] < end
        if all_inside and not within:
            continue
        place[found], whose[found], when[found], marks[found], inside[found] = i, who[i], at[i], m, within
        found += 1
        entered = entered or (within and m & opening != 0)
    if not entered:
        found = begin
    return place[:found], whose[:found], when[:found], marks[:found], inside[:found]


def _tries(  # type: ignore[no-untyped-def]
    who, at, number, first, n, marks_of, bits, limit, together, first_entry, everybody, people, start, end, all_inside
):  # fmt: skip
    steps = len(bits)
    most = who[n - 1] - who[first] + 1 if n > first else 0
    whose, depth, last = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64)
    taken, soonest = np.empty((most, steps), np.int64), np.empty((most, steps), np.int64)
    latest = np.empty(
        steps, np.int64
    )  # of each step: where the instant stands at which the latest try opened that took it so far
    entered = np.empty(steps, np.int64)  # the same, taken at this very instant
    began = np.empty(steps, np.int64)  # the same, of the try that took it first
    made, i = 0, first
    while i < n:
        customer = who[i]
        if not everybody and (customer >= len(people) or not people[customer]):
            while i < n and who[i] == customer:
                i += 1
            continue
        deepest, opened = -1, False
        while i < n and who[i] == customer:
            instant, m, now = i, 0, at[i]
            within = start <= now < end
            while i < n and who[i] == customer and at[i] == now:
                m |= marks_of[number[i]]
                i += 1
            if m == 0 or (all_inside and not within) or (deepest < 0 and not m & bits[0]):
                continue
            if deepest < 0:
                for j in range(steps):
                    latest[j] = began[j] = -1
            for j in range(steps):
                entered[j] = -1
                if not m & bits[j]:
                    continue
                if j == 0:
                    if within and not (first_entry and opened):
                        entered[0], opened = instant, True
                    continue
                if latest[j - 1] >= 0 and now - at[latest[j - 1]] <= limit:
                    entered[j] = latest[j - 1]
                if together and entered[j - 1] > entered[j]:
                    entered[j] = entered[j - 1]
            for j in range(steps):
                if entered[j] < 0:
                    continue
                latest[j] = max(latest[j], entered[j])
                if began[j] < 0:
                    began[j] = entered[j]
                    soonest[made, j] = now
                    deepest = max(deepest, j)
        if deepest < 0:
            continue
        whose[made], depth[made] = customer, deepest + 1
        for j in range(deepest + 1, steps):
            taken[made, j] = soonest[made, j] = NEVER
        row, j = began[deepest], 0
        while j <= deepest:
            now, m, row_ends = at[row], 0, row
            while row_ends < i and at[row_ends] == now:
                m |= marks_of[number[row_ends]]
                row_ends += 1
            if not all_inside or start <= now < end:
                while j <= deepest and m & bits[j]:
                    taken[made, j] = now
                    j += 1
                    if not together:
                        break
                if j > deepest:
                    for place in range(row, row_ends):
                        if marks_of[number[place]] & bits[deepest]:
                            last[made] = place
            row = row_ends
        made += 1
    return whose[:made], depth[:made], taken[:made], soonest[:made], last[:made]
