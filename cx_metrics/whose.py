"""Whose journeys a view keeps, and whose answers, from what is in memory where that tells it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import ibis
import numpy as np
import pandas as pd

from cx_metrics.datasets import Dataset, InMemory, alone, fetched
from cx_metrics.instants import Bools, Ints
from cx_metrics.population import BITS, KEPT_BACK, MEMBERS, MET, asked_to_meet, check, population
from cx_metrics.sequences import Sequences
from cx_metrics.view import View

MOST_ROWS_KEPT = 2_000_000  # answers of a dataset whose rows are kept for all views
PERSON = "person in all"  # whose a row is, under a name like no column of a file


@dataclass(frozen=True)
class Alike:
    """Rows that are equal in some columns: `rows` says in what, `person` whose they are (customer_number, 0: nobody's), those of
    the first row first, and `begins` where those of each row begin."""

    rows: pd.DataFrame
    person: Ints
    begins: Ints

    @staticmethod
    def of(dataset: Dataset, table: ibis.Table, most: float) -> Alike | None:
        """The rows of a table by how they are equal in all its columns but `PERSON`; None where those that differ are more than
        this share of them, or there are none."""
        columns = [c for c in table.columns if c != PERSON]
        sizes = table.group_by(columns).aggregate(**{PERSON: table.count()})
        found = dataset.fetch(sizes.aggregate(different=sizes.count(), whole=sizes[PERSON].sum().fill_null(0)))
        different, whole = (int(n) for n in found.iloc[0])
        if not different or different > most * whole:
            return None
        whose = table[PERSON].fill_null(0).cast("int32").collect()
        rows = dataset.fetch(table.group_by(columns).aggregate(**{PERSON: whose}))
        people = rows.pop(PERSON)
        begins = np.cumsum([0, *(len(held) for held in people)])[:-1]
        return Alike(rows, np.concatenate(people.to_numpy()), begins)

    def times(self, people: Bools) -> Ints:
        """Of each row, how many are of these people (by customer number)."""
        found: Ints = np.add.reduceat(whose_are(self.person, people), self.begins, dtype="int64")
        return found


def in_memory(dataset: Dataset, view: View) -> Sequences | None:
    """The touchpoints of a dataset that has them in memory, where the view keeps journeys of customers whole."""
    whole = view.grain == "journey" and not (view.touchpoints and view.touchpoint_rule == "touchpoints")
    return dataset.sequences() if whole and isinstance(dataset, InMemory) else None


def is_by_start(view: View) -> bool:
    """Do days choose journeys by when they began?"""
    return (view.first_day is not None or view.last_day is not None) and view.range_rule == "journeys"


def people_of(dataset: Dataset, view: View) -> Bools | None:
    """By customer number, whose journeys a view keeps; None for everybody's."""
    chooses = view.customers or view.touchpoints or view.chooses_people() or MEMBERS in dataset.tables
    if not (is_by_start(view) or chooses):
        return None
    if (
        view == View(customers=view.customers, touchpoints=view.touchpoints, goal=view.goal)
        and MEMBERS not in dataset.tables
    ):
        known = _who_met(dataset, view, _by_attributes(dataset, view))
        if known is not None:
            return known
    found, _known = fetched(dataset, view, ("whose journeys",), partial(alone, _whose, dataset))
    numbers = found["customer_number"].to_numpy(dtype="int64")
    people = np.zeros(int(numbers.max(initial=0)) + 1, dtype=bool)
    people[numbers] = True
    return people


def _by_attributes(dataset: Dataset, view: View) -> Bools | None:
    """The customers with the values that the view keeps, from their attributes in memory; None where it keeps others."""
    customers = dataset.tables["customers"]
    people = np.ones(customers_of(dataset) + 1, dtype=bool)
    for kept in view.customers:
        if kept.column not in dataset.facts.attributes or kept.column not in customers.columns:
            return None
        codes, values = dataset.shelf.get(("attribute", kept.column), partial(attribute, dataset, kept.column))
        if not pd.api.types.is_string_dtype(values):
            return None
        people &= np.append(pd.Index(values).isin(kept.values), "" in kept.values)[codes]  # −1: not known
    return people


def customers_of(dataset: Dataset) -> int:
    """How many customers there are."""

    def count() -> int:
        customers = dataset.tables["customers"]
        return int(dataset.fetch(customers.aggregate(n=customers.count()))["n"].iloc[0])

    found: int = dataset.shelf.get(("customers",), count)
    return found


def _who_met(dataset: Dataset, view: View, people: Bools | None) -> Bools | None:
    """Those of them who met what the view asks for, from what was noted of each, in memory; None where that was not noted."""
    if people is None or not view.touchpoints:
        return people
    if asked_to_meet(view) is None or MET not in dataset.tables:
        return None
    kept = view.touchpoints[0]
    bits, named = bits_of(dataset, kept.column)
    found: Bools = people & ((bits & sum(named.get(value, 0) for value in dict.fromkeys(kept.values))) != 0)
    return found


def bits_of(dataset: Dataset, kept: str) -> tuple[Ints, dict[str, int]]:
    """By customer number a bit for each touchpoint or channel (`kept`) that the customer met, and the bit of each name."""
    column, names = BITS[kept]

    def noted() -> tuple[Ints, dict[str, int]]:
        rows, named = (dataset.fetch(dataset.tables[table]) for table in (MET, names))
        bits = np.zeros(customers_of(dataset) + 1, dtype="int64")
        bits[rows["customer_number"].to_numpy(dtype="int64")] = rows[column]
        return bits, dict(zip(named[kept], 1 << (named[f"{kept}_number"].to_numpy() - 1), strict=True))

    found: tuple[Ints, dict[str, int]] = dataset.shelf.get(("noted", column), noted)
    return found


def _whose(dataset: Dataset, view: View) -> ibis.Table:
    """The customers whose journeys a view keeps."""
    left = population(dataset.tables, view, dataset.facts)
    only = replace(view, first_day=None, last_day=None, goal=None, range_rule="touchpoints")
    if only == View(customers=view.customers) and {f.column for f in view.customers} <= set(dataset.facts.attributes):
        whole = left.tables["customers"] if view.range_rule == "touchpoints" else left.entries
    else:
        whole = left.entries
    assert whole is not None
    return whole.select("customer_number").distinct()


def only_met(dataset: Dataset, view: View) -> Bools | None:
    """By customer number, who is left, where a view asks for nothing but to have met something: whose an answer is then tells
    whether it is left. None for other views."""
    own = view == View(touchpoints=view.touchpoints, goal=view.goal) and asked_to_meet(view) is not None
    if not own or not {MEMBERS, KEPT_BACK}.isdisjoint(dataset.tables):
        return None
    check(dataset.tables, view, dataset.facts)
    return people_of(dataset, view)


def whose_are(person: Ints, people: Bools) -> Bools:
    """Which rows are of these people. `person`: of each row the customer_number, 0 for nobody."""
    kept = np.zeros(max(len(people), int(person.max(initial=0)) + 1), dtype=bool)
    kept[1 : len(people)] = people[1:]
    found: Bools = kept[person]
    return found


def are_few(dataset: Dataset) -> bool:
    """Are all answers so few that their rows are kept?"""
    answered = dataset.answered() if isinstance(dataset, InMemory) else None
    return answered is not None and len(answered.response) <= MOST_ROWS_KEPT


def attribute(dataset: Dataset, column: str) -> tuple[Any, Any]:
    """An attribute of all customers: the place of each one's value among the values, by customer number (−1: not known)."""
    customers = dataset.tables["customers"]
    frame = dataset.fetch(customers.select("customer_number", held=customers[column]))
    codes, values = pd.factorize(frame["held"])
    found = np.full(len(frame) + 1, -1, dtype="int32")
    found[frame["customer_number"].to_numpy(dtype="int64")] = codes
    return found, values
