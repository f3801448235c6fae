"""Instants: all that a journey did at one time. Touchpoints of one instant have no order."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

Ints: TypeAlias = "np.ndarray[Any, np.dtype[np.int64]]"
Bools: TypeAlias = "np.ndarray[Any, np.dtype[np.bool_]]"
NEVER = 2**62  # an instant later than all others, in microseconds
NOBODY = -1  # no instant, no row
ROWS_AT_ONCE = 300_000  # walked together: what is made of them stays in the caches of a processor


@dataclass(frozen=True)
class Instants:
    """Rows of step events in order, and the instants they make: all that a journey did at one time."""

    unit: Ints  # of each row: the number of its journey, from 0
    row_marks: Ints
    at: Ints
    first: Ints  # of each instant: its first row
    opens: Bools  # of each instant: does it lie in the range?
    timed: bool
    rows: pd.DataFrame = field(repr=False)

    @staticmethod
    def of(rows: pd.DataFrame, timed: bool, by: Sequence[str] = ()) -> list[Instants]:
        """In parts of whole journeys, so that a part stays small. `by`: a journey is walked once for each of their values, over the
        touchpoints that carry it."""
        if by or not pd.api.types.is_integer_dtype(rows["journey_id"]):
            unit = rows.groupby(["journey_id", *by], dropna=False, sort=False, observed=True).ngroup().to_numpy("int64")
        else:
            unit = rows["journey_id"].to_numpy("int64")
        keys = [
            unit,
            rows["at"].to_numpy("int64"),
            *([rows["sequence"].to_numpy("int64")] if "sequence" in rows else []),
        ]
        if not in_order(keys):
            order = np.lexsort(keys[::-1])
            rows, keys = rows.iloc[order], [key[order] for key in keys]
        unit, at = keys[0], keys[1]
        if not len(unit):
            return []
        marks, in_range = rows["marks"].to_numpy(), rows["in_range"].to_numpy()
        cuts = np.unique(np.searchsorted(unit, unit[ROWS_AT_ONCE::ROWS_AT_ONCE]))
        parts = []
        for start, end in itertools.pairwise([0, *cuts[cuts > 0].tolist(), len(unit)]):
            part = slice(start, end)
            other = np.append(True, unit[part][1:] != unit[part][:-1])
            first = np.flatnonzero(other | np.append(True, at[part][1:] != at[part][:-1]))
            parts.append(
                Instants(
                    np.cumsum(other) - 1, marks[part], at[part], first, in_range[part][first] == 1, timed, rows[part]
                )
            )
        return parts

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
    def units(self) -> int:
        """How many journeys there are."""
        return int(self.unit[-1]) + 1

    @cached_property
    def several(self) -> Ints:
        """The instants of more than one row."""
        return np.flatnonzero(self.is_several) if len(self.first) < len(self.unit) else self.first[:0]

    @cached_property
    def is_several(self) -> Bools:
        """Of each instant: has it more than one row?"""
        return self.size > 1

    @cached_property
    def _of_several(self) -> tuple[Ints, Ints]:
        """Their rows, and where those of each begin."""
        size = self.size[self.several]
        rows, _which = stretches(self.first[self.several], self.first[self.several] + size)
        return rows, np.cumsum(size) - size

    @cached_property
    def marks(self) -> Ints:
        """Of each instant: the marks of all its rows."""
        found = self.row_marks[self.first]
        if len(self.several):
            rows, begins = self._of_several
            found[self.several] = np.bitwise_or.reduceat(self.row_marks[rows], begins)
        return found

    def earliest(self, instants: Ints) -> Ints:
        """Of each journey: the first of these instants, which are in order; NOBODY if it has none."""
        found = np.full(self.units, NOBODY, dtype="int64")
        begins = instants[firsts(self.u[instants])]
        found[self.u[begins]] = begins
        return found

    def unlike(self, mark: int) -> Bools:
        """Of each instant: has any of its rows none of these marks?"""
        found: Bools = (self.row_marks[self.first] & mark) == 0
        if len(self.several):
            rows, begins = self._of_several
            found[self.several] = np.logical_or.reduceat((self.row_marks[rows] & mark) == 0, begins)
        return found

    def held(self, marks: int) -> Ints:
        """Of each instant: how many rows have any of these marks?"""
        found: Ints = ((self.row_marks[self.first] & marks) != 0).astype("int64")
        if len(self.several):
            rows, begins = self._of_several
            found[self.several] = np.add.reduceat((self.row_marks[rows] & marks) != 0, begins, dtype="int64")
        return found


def in_order(keys: Sequence[Ints]) -> bool:
    """Are the rows in the order of the keys?"""
    same = np.ones(max(len(keys[0]) - 1, 0), dtype=bool)
    for key in keys:
        if (same & (key[1:] < key[:-1])).any():
            return False
        same &= key[1:] == key[:-1]
    return True


def stretches(starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """The places start … end (half-open) of several stretches, one after the other, and which stretch each is of."""
    many = ends - starts
    which = np.repeat(np.arange(len(starts)), many)
    places: Ints = np.arange(many.sum()) + (starts - np.cumsum(many) + many)[which]
    return places, which


def firsts(units: Ints) -> Ints:
    """The first place of each journey among places in order."""
    return np.flatnonzero(np.append(True, units[1:] != units[:-1])[: len(units)])
