"""All touchpoints of a dataset as three columns in memory: a funnel that somebody edits picks its steps from here.

What `funnel_rules.step_events` asks an engine for, of whole journeys of customers: the same rows, without a query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cx_metrics.funnel_rules import Funnel
from cx_metrics.instants import Bools, Ints, in_order

MOST_ROWS = 20_000_000  # 14 bytes each; beyond, the engine is asked
FEW_KINDS = 15  # that fit in the bits of a small number


@dataclass(frozen=True)
class Sequences:
    """Of each touchpoint, by customer and time: who (customer_number), when (microseconds; the order of the file where there is no
    time), and its name's number. names: the number of each name."""

    who: np.ndarray[Any, np.dtype[np.int32]]
    at: Ints
    number: np.ndarray[Any, Any]
    names: Mapping[str, int]

    @staticmethod
    def of(rows: pd.DataFrame, names: Mapping[str, int]) -> Sequences:
        """From rows who, at, number, and sequence, which decides among those of one time."""
        who, at, number, sequence = (rows[column].to_numpy() for column in ("who", "at", "number", "sequence"))
        if not in_order((who, at, sequence)):
            order = np.lexsort((sequence, at, who))
            who, at, number = who[order], at[order], number[order]
        number = number.astype("int16") if max(names.values(), default=0) < 2**15 else number
        return Sequences(who, at, number, names)

    def step_events(
        self, funnel: Funnel, people: Bools | None, bounds: tuple[int | None, int | None], all_inside: bool
    ) -> pd.DataFrame:
        """The touchpoints that serve a step or break a try: journey_id, at, in_range, marks, and position, where they stand here.

        `people`: by customer number, whose. `bounds`: the range, half-open. `all_inside`: every step has to lie in it, not the
        first alone. Left out are customers who take no step that opens a try, in the range.
        """
        marks_of = np.zeros(
            max(self.names.values(), default=0) + 1, dtype="int16" if len(funnel.kinds) < FEW_KINDS else "int32"
        )
        for bit, kind in enumerate(funnel.kinds):
            for name in kind.touchpoints:
                if name in self.names:
                    marks_of[self.names[name]] |= 1 << bit
        marks = marks_of[self.number]
        first_steps = funnel.bits[:1] if funnel.order != "unordered" else funnel.bits
        opens = (marks_of & sum(set(first_steps))) != 0
        start, end = bounds
        first = np.flatnonzero(opens[self.number])
        first = first[_inside(self.at[first], start, end)]
        entered = np.zeros(int(self.who[-1]) + 1 if len(self.who) else 1, dtype=bool)
        entered[self.who[first]] = True
        if people is not None:
            entered[: len(people)] &= people[: len(entered)]
            entered[len(people) :] = False
        kept = entered[self.who]
        if funnel.order != "strict":
            kept &= marks != 0
        place = np.flatnonzero(kept)
        at = self.at[place]
        inside = _inside(at, start, end)
        if all_inside:
            place, at, inside = place[inside], at[inside], inside[inside]
        return pd.DataFrame(
            {
                "journey_id": self.who[place].astype("int64"),
                "at": at,
                "in_range": inside.astype("int8"),
                "marks": marks[place],
                "position": place,
            },
            copy=False,
        )

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


def _inside(at: Ints, start: int | None, end: int | None) -> Bools:
    inside: Bools = np.ones(len(at), dtype=bool)
    if start is not None:
        inside &= at >= start
    if end is not None:
        inside &= at < end
    return inside
