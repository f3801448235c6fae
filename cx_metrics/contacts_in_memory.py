"""The touchpoints that a view leaves, from memory, with what their neighbours decide: what `engagement` asks an engine for.

Touchpoints of a customer lie side by side in order of time, so the neighbours of each are those before and after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import ibis
import numpy as np

from cx_metrics.datasets import Dataset
from cx_metrics.instants import Bools, Ints, in_order
from cx_metrics.population import check
from cx_metrics.sequences import Sequences
from cx_metrics.view import View, microseconds
from cx_metrics.whose import in_memory, is_by_start, people_of, whose_are

MOST_TOUCHPOINTS = 5_000_000  # whose places are kept: 14 bytes each
MOST_VALUES = 250  # of a column, that are told apart
PLACES = ("stage", "channel", "touchpoint_type", "phase")
UNKNOWN = -1


@dataclass(frozen=True)
class Column:
    """A column of touchpoints: of each the place of its value among `values` (UNKNOWN: none)."""

    codes: Ints
    values: tuple[str | None, ...]

    def of(self, rows: Ints | slice) -> Column:
        """The same of some touchpoints."""
        return Column(self.codes[rows], self.values)


@dataclass(frozen=True)
class Places:
    """All touchpoints, in the order of `Sequences`: rank of their stage (0: none), number of the session, places by column."""

    rank: Ints
    session: Ints
    columns: Mapping[str, Column]


@dataclass(frozen=True)
class Contacts:
    """The touchpoints that a view leaves, by customer and time. customers: who has any (customer_number); person: whose, by their
    place there; first: the first of a customer; at: microseconds; the others as in Places, with `touchpoint` among the columns."""

    customers: Ints
    person: Ints
    first: Bools
    at: Ints
    rank: Ints
    session: Ints
    columns: Mapping[str, Column]

    @cached_property
    def people(self) -> int:
        """How many customers there are."""
        return len(self.customers)

    @cached_property
    def opens(self) -> Bools:
        """Does a session begin with it?"""
        opens = self.first.copy()
        opens[1:] |= self.session[1:] != self.session[:-1]
        return opens

    @cached_property
    def bounces(self) -> Bools:
        """Does a session begin with it, and end?"""
        found: Bools = self.opens & np.append(self.opens[1:], True)[: len(self.opens)]
        return found

    @cached_property
    def goes_on(self) -> Bools:
        """Does the customer reach a later stage after it?"""
        back = self.rank[::-1].astype("int64") + (self.person[-1:] - self.person)[::-1].astype("int64") * (2**16)
        highest = np.maximum.accumulate(back)[::-1] % 2**16  # of it and of all after it
        found: Bools = (self.rank > 0) & (highest > self.rank)
        return found

    def stays(self, column: Column) -> Bools:
        """Is it in the same place as the one before it? Not to be known is a place too."""
        same = ~self.first
        same[1:] &= column.codes[1:] == column.codes[:-1]
        return same


def contacts_of(dataset: Dataset, view: View) -> Contacts | None:
    """The touchpoints that a view leaves; None where they have to be asked for: they are too many or not all timed, their places
    are too different, or the view does not keep journeys of customers."""
    sequences = in_memory(dataset, view)
    if sequences is None or not sequences.timed or len(sequences.who) > MOST_TOUCHPOINTS:
        return None
    places: Places | None = dataset.shelf.get(("places",), partial(_places, dataset, sequences))
    if places is None:
        return None
    check(dataset.tables, view, dataset.facts)
    found: Contacts = dataset.shelf.get((view.alone(), "contacts"), partial(_left, dataset, view, sequences, places))
    return found


def _left(dataset: Dataset, view: View, sequences: Sequences, places: Places) -> Contacts:
    """The touchpoints of the customers that the view keeps, in its range."""
    rows: Any = slice(None)
    start, end = (None, None) if is_by_start(view) else view.bounds(dataset.facts.zone)
    people = people_of(dataset, view)
    if start is not None or end is not None:
        inside = np.ones(len(sequences.at), dtype=bool)
        inside &= True if start is None else sequences.at >= microseconds(start)
        inside &= True if end is None else sequences.at < microseconds(end)
        rows = np.flatnonzero(inside)
    if people is not None:
        kept = np.flatnonzero(whose_are(sequences.who[rows], people))
        rows = kept if isinstance(rows, slice) else rows[kept]
    who = sequences.who[rows]
    first = np.ones(len(who), dtype=bool)
    first[1:] = who[1:] != who[:-1]
    names = sorted(sequences.names, key=lambda name: sequences.names[name])
    number = np.full(max(sequences.names.values(), default=0) + 1, UNKNOWN, dtype="int32")
    number[[sequences.names[name] for name in names]] = np.arange(len(names))
    columns = {name: column.of(rows) for name, column in places.columns.items()}
    columns["touchpoint"] = Column(number[sequences.number[rows]], tuple(names))
    return Contacts(
        who[first],
        np.cumsum(first, dtype="int32") - 1,
        first,
        sequences.at[rows],
        places.rank[rows],
        places.session[rows],
        columns,
    )


def _places(dataset: Dataset, sequences: Sequences) -> Places | None:
    """The places of all touchpoints; None where they are not all in sessions, a column has too many values, or an empty one."""
    t = dataset.tables["touchpoints"]
    values: dict[str, tuple[str, ...]] = {}
    for name in PLACES:
        found = dataset.fetch(t.filter(t[name].notnull()).select(name).distinct().limit(MOST_VALUES + 1))[name]
        values[name] = tuple(sorted(found))
        if len(found) > MOST_VALUES or "" in values[name]:
            return None
    coded = {f"place{i}": _coded(t[name], values[name]) for i, name in enumerate(PLACES)}
    rows = dataset.fetch(
        t.select(
            "sequence", who=t.customer_number.cast("int32"), at=t.occurred_microseconds, **coded,
            rank=t.stage_rank.fill_null(0).cast("int16"), session=t.session_number.fill_null(-1).cast("int32"),
        )
    )  # fmt: skip
    who, at, sequence = (rows[c].to_numpy() for c in ("who", "at", "sequence"))
    if len(who) != len(sequences.who) or (rows["session"] < 0).any():
        return None
    order: Any = slice(None) if in_order((who, at, sequence)) else np.lexsort((sequence, at, who))
    columns = {name: Column(rows[f"place{i}"].to_numpy()[order], values[name]) for i, name in enumerate(PLACES)}
    return Places(rows["rank"].to_numpy()[order], rows["session"].to_numpy()[order], columns)


def _coded(column: ibis.Value, values: tuple[str, ...]) -> ibis.Value:
    """Of each value its place among all of them."""
    if not values:
        return ibis.literal(UNKNOWN, "int16")
    return column.find_in_set(list(values)).fill_null(UNKNOWN).cast("int16")
