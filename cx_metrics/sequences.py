"""All touchpoints of a dataset as three columns in memory: a funnel that somebody edits picks its steps from here.

What `funnel_rules.step_events` asks an engine for, of whole journeys of customers: the same rows, without a query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from cx_metrics.funnel_rules import Funnel
from cx_metrics.instants import Bools, Ints, in_order
from cx_metrics.plain_tries import is_plain, pick, tries_of
from cx_metrics.shelf import Shelf
from cx_metrics.tries import Tries

NEVER = np.iinfo("int64").min
MOST_ROWS = 20_000_000  # 14 bytes each; beyond, the engine is asked


@dataclass(frozen=True)
class Sequences:
    """Of each touchpoint, by customer and time: who (customer_number), when (microseconds; the order of the file where there is no
    time), and its name's number. names: the number of each name. timed: does each have a time?"""

    who: np.ndarray[Any, np.dtype[np.int32]]
    at: Ints
    number: np.ndarray[Any, Any]
    names: Mapping[str, int]
    timed: bool = True
    shelf: Shelf = field(default_factory=lambda: Shelf(2), compare=False, repr=False)  # what was made of them last

    @staticmethod
    def of(rows: pd.DataFrame, names: Mapping[str, int], timed: bool = True) -> Sequences:
        """From rows who, at, number, and sequence, which decides among those of one time."""
        who, at, number, sequence = (rows[column].to_numpy() for column in ("who", "at", "number", "sequence"))
        if not in_order((who, at, sequence)):
            order = np.lexsort((sequence, at, who))
            who, at, number = who[order], at[order], number[order]
        number = number.astype("int16") if max(names.values(), default=0) < 2**15 else number
        return Sequences(who, at, number, names, timed)

    def step_events(
        self, funnel: Funnel, people: Bools | None, bounds: tuple[int | None, int | None], all_inside: bool
    ) -> pd.DataFrame:
        """The touchpoints that serve a step or break a try: journey_id, at, in_range, marks, and position, where they stand here.

        `people`: by customer number, whose. `bounds`: the range, half-open. `all_inside`: every step has to lie in it, not the
        first alone. Left out are customers who take no step that opens a try, in the range.
        """
        marks_of, opening = self._marks(funnel), self._opening(funnel)
        if funnel.order != "strict":
            return _events(*pick(self._columns, marks_of, opening, people, bounds, all_inside))
        opens = (marks_of & opening) != 0
        start, end = bounds
        first = np.flatnonzero(opens[self.number])
        first = first[_inside(self.at[first], start, end)]
        entered = np.zeros(int(self.who[-1]) + 1 if len(self.who) else 1, dtype=bool)
        entered[self.who[first]] = True
        if people is not None:
            entered[: len(people)] &= people[: len(entered)]
            entered[len(people) :] = False
        place = np.flatnonzero(entered[self.who])
        at = self.at[place]
        inside = _inside(at, start, end)
        if all_inside:
            place, at, inside = place[inside], at[inside], inside[inside]
        return _events(place, self.who[place].astype("int64"), at, marks_of[self.number[place]], inside.astype("int8"))

    def tries(
        self, funnel: Funnel, people: Bools | None, bounds: tuple[int | None, int | None], all_inside: bool, ends: int | None,
        timed: bool,
    ) -> Tries | None:  # fmt: skip
        """What `tries.walk` makes of `step_events`, at once; None where the funnel has rules that only the walk knows."""
        if not is_plain(funnel):
            return None
        limit = funnel.limit if timed else None
        who, depth, at, first_at, last = tries_of(
            self._columns, self._marks(funnel), funnel, people, bounds, all_inside, limit
        )
        still = np.zeros(len(who), dtype=bool)
        if limit is not None and ends is not None:
            still = (depth < len(funnel.steps)) & (at[0] + limit > ends)
        return Tries(funnel, who, depth, at, first_at, still, timed, pd.DataFrame({"which": np.arange(len(who))}), last)

    def having(self, people: Bools | None) -> Bools:
        """By customer number, who has a touchpoint, of these people."""
        there = self._last > NEVER
        found = np.zeros(max(len(there), 0 if people is None else len(people)), dtype=bool)
        found[: len(there)] = there
        if people is not None:
            found[: len(people)] &= people
            found[len(people) :] = False
        return found

    def ends(self, people: Bools) -> int:
        """When the last touchpoint of these people was; 0 where they have none."""
        known = self._last[: len(people)]
        return max(int(known[people[: len(known)]].max(initial=NEVER)), 0)

    @cached_property
    def _last(self) -> Ints:
        """By customer number, when their last touchpoint was; NEVER for who has none."""
        last = np.full(int(self.who[-1]) + 1 if len(self.who) else 1, NEVER)
        last[self.who] = self.at  # in order: the last one stays
        return last

    @property
    def _columns(self) -> tuple[np.ndarray[Any, np.dtype[np.int32]], Ints, np.ndarray[Any, Any]]:
        return self.who, self.at, self.number

    def _marks(self, funnel: Funnel) -> Ints:
        """Of each number of a name: what it is good for, a bit each."""
        marks_of = np.zeros(max(self.names.values(), default=0) + 1, dtype="int64")
        for bit, kind in enumerate(funnel.kinds):
            for name in kind.touchpoints:
                if name in self.names:
                    marks_of[self.names[name]] |= 1 << bit
        return marks_of

    @staticmethod
    def _opening(funnel: Funnel) -> int:
        """The marks of what opens a try."""
        return sum(set(funnel.bits[:1] if funnel.order != "unordered" else funnel.bits))

    def after(self, position: Ints, timed: bool, before: int | None = None) -> pd.DataFrame:
        """What comes next in the journey of each of these touchpoints: next_touchpoint and seconds_to_next. `before`: what comes at
        that time or later does not count."""
        following = np.minimum(position + 1, max(len(self.who) - 1, 0))
        none = (position + 1 >= len(self.who)) | (self.who[following] != self.who[position])
        if before is not None:
            none |= self.at[following] >= before
        named = np.empty(max(self.names.values(), default=0) + 1, dtype=object)
        for name, number in self.names.items():
            named[number] = name
        seconds = (self.at[following] - self.at[position]) / 1e6 if timed else np.full(len(position), np.nan)
        names = np.where(none, None, named[self.number[following]])
        return pd.DataFrame({"next_touchpoint": names, "seconds_to_next": np.where(none, np.nan, seconds)})


def _events(place: Ints, who: Ints, at: Ints, marks: Ints, inside: Ints) -> pd.DataFrame:
    columns = {"journey_id": who, "at": at, "in_range": inside, "marks": marks, "position": place}
    return pd.DataFrame(columns, copy=False)


def _inside(at: Ints, start: int | None, end: int | None) -> Bools:
    inside: Bools = np.ones(len(at), dtype=bool)
    if start is not None:
        inside &= at >= start
    if end is not None:
        inside &= at < end
    return inside
