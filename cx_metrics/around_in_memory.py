"""What stands around each answer, from touchpoints in memory: what `around_answers` asks an engine for, without its windows.

Customers' touchpoints lie side by side in order of time, and every answer knows how many lie before it: its neighbours are a few
places away, and need no query.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cx_metrics.groups import OTHER
from cx_metrics.instants import Bools, Ints
from cx_metrics.sequences import Sequences

MOST_KEPT = 5_000_000  # touchpoints whose runs are kept: 18 bytes each
MOST_MARKS = 50_000_000  # groups times people: beyond, those who are there are sorted instead of marked
UNKNOWN, NOTHING = -1, -1  # mood of an answer; number of the touchpoint where none is


@dataclass(frozen=True)
class Answers:
    """Answers that stand in a journey: mood (its place among the moods), person (customer_number), at (microseconds), before (how
    many touchpoints lie before it)."""

    mood: Ints
    person: Ints
    at: Ints
    before: Ints


class _Runs:
    """The touchpoints that count, and which of them, next to each other, are one: a run."""

    def __init__(self, sequences: Sequences, leave_out: Sequence[str], merge: bool) -> None:
        who, self.at, number = sequences.who, sequences.at, sequences.number
        people = int(who[-1]) + 2 if len(who) else 1
        self.first = np.searchsorted(who, np.arange(people + 1))  # of each customer, among all
        self.counted = None
        out = [sequences.names[name] for name in leave_out if name in sequences.names]
        if out:
            kept = ~np.isin(number, out)
            self.counted = np.concatenate(
                [np.zeros(1, "int32"), np.cumsum(kept, dtype="int32")]
            )  # how many count before each
            who, self.at, number = who[kept], self.at[kept], number[kept]
        begins = np.ones(len(who), dtype=bool)
        if merge:
            begins[1:] = (number[1:] != number[:-1]) | (who[1:] != who[:-1])
        self.run = np.cumsum(begins, dtype="int32") - 1
        self.starts = np.append(np.flatnonzero(begins), len(who))
        self.number = number[self.starts[:-1]].astype("int64")

    def place(self, everything: Ints) -> Ints:
        """Places among all touchpoints as places among those that count."""
        return everything if self.counted is None else self.counted[everything]

    def around(self, answers: Answers, places: int) -> Iterator[tuple[int, Ints, Ints]]:
        """Each place (−1: the last before the answer, 1: the first after it), the touchpoint's number there (NOTHING for none) and
        how far away it is, in microseconds."""
        begin, end = self.place(self.first[answers.person]), self.place(self.first[answers.person + 1])
        at = np.clip(self.place(self.first[answers.person] + answers.before), begin, end)
        for side in (-1, 1):
            near, there = (at - 1, at > begin) if side < 0 else (at, at < end)
            near = np.where(there, near, 0)
            run, last = self._run(near), self._run(np.where(end > begin, begin if side < 0 else end - 1, 0))
            for step in range(places):
                held = there & ((run - step >= last) if side < 0 else (run + step <= last))
                own = np.where(held, run + side * step, 0)
                when = near if step == 0 else self._starts(own + 1) - 1 if side < 0 else self._starts(own)
                yield (
                    side * (step + 1),
                    np.where(held, self._of(self.number, own), NOTHING),
                    side * (self._of(self.at, when) - answers.at),
                )

    def _run(self, places: Ints) -> Ints:
        return self._of(self.run, places)

    def _starts(self, runs: Ints) -> Ints:
        return self.starts[np.minimum(runs, len(self.starts) - 1)]

    @staticmethod
    def _of(values: Any, places: Ints) -> Ints:
        found: Ints = values[places] if len(values) else np.zeros(len(places), dtype="int64")
        return found


def _runs(sequences: Sequences, leave_out: Sequence[str], merge: bool) -> _Runs:
    """The runs of touchpoints: the same for all views, so kept, unless they are too many."""
    make = partial(_Runs, sequences, leave_out, merge)
    return make() if len(sequences.who) > MOST_KEPT else sequences.shelf.get(("runs", tuple(leave_out), merge), make)


def counted(
    sequences: Sequences, answers: Answers, moods: Sequence[str], ends: int, *, places: int, window: timedelta | None, top: int,
    merge: bool, exclude: Sequence[str],
) -> pd.DataFrame:  # fmt: skip
    """One row per mood, place and touchpoint (None: nothing there): answers_there, customers_there, not_over, median_seconds.
    `ends`: when the touchpoints of the view end."""
    length = None if window is None else window // timedelta(microseconds=1)
    is_open = np.ones(len(answers.at), dtype=bool) if length is None else answers.at + length > ends
    names = {number: name for name, number in sequences.names.items()}
    told = []
    for place, number, away in _runs(sequences, exclude, merge).around(answers, places):
        near = number if length is None else np.where(away <= length, number, NOTHING)
        named, which = _folded(near, names, top)
        key = answers.mood * len(named) + which
        told.append(_told(key, answers.person, away, is_open & (near == NOTHING) & (place > 0), place, named, moods))
    return pd.concat(told, ignore_index=True)


def _folded(number: Ints, names: dict[int, str], top: int) -> tuple[list[str | None], Ints]:
    """The touchpoints of most answers, ties by name, then OTHER, then nothing; and which of these each answer has."""
    sizes = np.bincount(number[number != NOTHING], minlength=max(names, default=0) + 1)
    most = sorted(np.flatnonzero(sizes).tolist(), key=lambda one: (-sizes[one], names[one]))[:top]
    which = np.full(len(sizes) + 1, len(most))  # OTHER; nothing stands last, where NOTHING points
    which[most], which[NOTHING] = np.arange(len(most)), len(most) + 1
    return [*(names[one] for one in most), OTHER, None], which[number]


def _told(
    key: Ints, person: Ints, away: Ints, is_open: Bools, place: int, named: Sequence[str | None], moods: Sequence[str]
) -> pd.DataFrame:
    """The rows of one place. `key`: of each answer its mood and what stands there."""
    groups = len(moods) * len(named)
    there = np.bincount(key, minlength=groups)
    order = np.argsort(key.astype("int16") if groups < 2**15 else key, kind="stable")
    ends = np.cumsum(there)
    found = np.flatnonzero(there)
    away = away[order]
    seconds = [_median(away[ends[at] - there[at] : ends[at]]) / 1e6 for at in found]
    touchpoint = np.array(named, dtype=object)[found % len(named)]
    return pd.DataFrame({
        "mood": np.array(moods, dtype=object)[found // len(named)], "place": place, "touchpoint": touchpoint,
        "answers_there": there[found], "customers_there": _customers(key, person, groups)[found],
        "not_over": np.bincount(key, is_open, groups).astype("int64")[found],
        "median_seconds": np.where(pd.isna(touchpoint), np.nan, seconds),
    })  # fmt: skip


def _median(values: Ints) -> float:
    """As numpy has it, without its care for what is not known."""
    half = len(values) // 2
    if len(values) % 2:
        return float(np.partition(values, half)[half])
    parted = np.partition(values, (half - 1, half))
    return float(parted[half - 1] + parted[half]) / 2


def _customers(key: Ints, person: Ints, groups: int) -> Ints:
    """How many different people each key has."""
    people = int(person.max(initial=0)) + 1
    if groups * people > MOST_MARKS:
        return np.bincount(np.unique(key * people + person) // people, minlength=groups)
    met = np.zeros((groups, people), dtype=bool)
    met[key, person] = True
    found: Ints = met.sum(axis=1)
    return found
