"""Funnels whose steps may be done in any order: how many of them are done inside one window?"""

from __future__ import annotations

import numpy as np

from cx_metrics.funnel_rules import Funnel
from cx_metrics.instants import NEVER, NOBODY, Instants, Ints, firsts


def walk_in_any_order(i: Instants, f: Funnel) -> tuple[Ints, Ints, Ints]:
    """How many steps are done inside one window, in any order? Depth, the instants at which the first, second, … was done, and
    those at which so many were done for the first time, in whichever window.

    A window may open at a touchpoint of any step. What is excluded ends it; the steps done before stay.
    """
    any_step = (1 << f.step_kinds) - 1
    opening = np.flatnonzero(((i.marks & any_step) != 0) & i.opens)
    if f.entry == "first_entry":
        opening = opening[firsts(i.u[opening])]
    done = _windows(i, f, opening)
    depth = (done < NEVER).sum(axis=0)
    units = i.u[opening]
    starts = firsts(units)
    if not len(starts):
        return depth, done, done
    deepest = np.repeat(np.maximum.reduceat(depth, starts), np.diff(starts, append=len(units)))
    finished = np.where(depth == deepest, done[np.maximum(depth, 1) - 1, np.arange(len(depth))], NEVER)
    earliest = np.repeat(np.minimum.reduceat(finished, starts), np.diff(starts, append=len(units)))
    latest = np.maximum.reduceat(np.where(finished == earliest, np.arange(len(units)), -1), starts)
    soonest = np.minimum.reduceat(done, starts, axis=1)
    return depth[latest], *(np.where(found < NEVER, found, NOBODY) for found in (done[:, latest], soonest))


def _windows(i: Instants, f: Funnel, opening: Ints) -> Ints:
    """(steps × openings): the instants at which the first, second, … step of each window is done; NEVER if it is not."""
    instant_of = np.repeat(np.arange(len(i.first)), i.size)
    ends = np.full(len(opening), NEVER, dtype="int64")
    barred = f.barred(0, 1)
    meets = np.flatnonzero(i.marks & barred)
    if len(meets):
        place = np.searchsorted(meets, opening, side="right")
        found = meets[np.minimum(place, len(meets) - 1)]
        met = (place < len(meets)) & (i.u[found] == i.u[opening])
        ends = np.where(met, i.t[found], ends)
    if f.limit is not None and i.timed:
        ends = np.minimum(ends, i.t[opening] + f.limit)
    done = []
    for bit in dict.fromkeys(f.bits):
        serving = np.flatnonzero(i.row_marks & bit)
        place = np.searchsorted(serving, i.first[opening])
        for nth in range(f.bits.count(bit)):
            row = np.minimum(place + nth, max(len(serving) - 1, 0))
            found = instant_of[serving[row]] if len(serving) else opening
            ok = (place + nth < len(serving)) & (i.u[found] == i.u[opening]) & (i.t[found] <= ends)
            done.append(np.where(ok, found, NEVER))
    return np.sort(np.stack(done), axis=0)
