"""Engagement from touchpoints in memory: the rows that the queries of `engagement` give without groups, without a query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from cx_metrics.contacts_in_memory import UNKNOWN, Column, Contacts, contacts_of
from cx_metrics.datasets import Dataset
from cx_metrics.instants import Ints
from cx_metrics.view import View

MOST_CELLS = 8_000_000  # customers times the places they can be in, each with a number: beyond, the engine is asked


def engagement_here(dataset: Dataset, view: View, options: Mapping[str, Any], group: str) -> pd.DataFrame | None:
    """The rows of `_engagement`: one for each value of `group`, number of contacts and depth; None where they have to be asked."""
    if options["bounce"] != "one_touchpoint" or (contacts := contacts_of(dataset, view)) is None:
        return None
    held, name = contacts.columns[group], contacts.columns["touchpoint"]
    places, people = len(held.values) + 1, contacts.people  # what is not known stands last
    if people * places > MOST_CELLS:
        return None
    place = np.where(held.codes == UNKNOWN, places - 1, held.codes).astype("int64")
    depth = np.ones(people * places, dtype="int64") if group == "touchpoint" else _depth(contacts, name, place, places)
    if depth is None:
        return None
    cell, cells = contacts.person * np.int64(places) + place, people * places
    times = np.bincount(cell, minlength=cells)
    there = np.flatnonzero(times)
    went_on = np.zeros(cells, dtype=bool)
    went_on[cell[contacts.goes_on]] = True
    rows = pd.DataFrame({
        "place": there % places, "contacts": times[there], "depth": depth[there], "with_contacts": 1,
        "went_on": went_on[there].astype("int64"), "entry_sessions": np.bincount(cell[contacts.opens], minlength=cells)[there],
        "bounced_sessions": np.bincount(cell[contacts.bounces], minlength=cells)[there],
    })  # fmt: skip
    counted = rows.groupby(["place", "contacts", "depth"], as_index=False).sum()
    lowest, seconds = _lowest_rank(contacts, place, places), _dwell(contacts, held, cell, cells, places)
    names = np.array([*held.values, None], dtype=object)
    at = counted.pop("place").to_numpy()
    counted.insert(0, group, pd.Series(names[at], dtype=object))
    return counted.assign(
        own_rank=lowest[at],
        dwell_seconds_median=seconds["median"][at],
        dwell_customers=seconds["customers"][at],
        population=people,
    )


def reach_here(
    dataset: Dataset, view: View, _options: Mapping[str, Any], kinds: tuple[str, ...]
) -> pd.DataFrame | None:
    """The rows of `reach`: one for each value of each of these kinds of places; None where they have to be asked."""
    contacts = contacts_of(dataset, view)
    if contacts is None:
        return None
    parts = []
    for kind in kinds:
        held = contacts.columns[kind]
        places, people = len(held.values) + 1, contacts.people
        if people * places > MOST_CELLS:
            return None
        place = np.where(held.codes == UNKNOWN, places - 1, held.codes).astype("int64")
        cell = contacts.person * np.int64(places) + place
        customers, went_on = (_customers(which, people, places) for which in (cell, cell[contacts.goes_on]))
        found = pd.DataFrame({
            "kind": kind, "name": pd.Series([*held.values, None], dtype=object), "customers": customers, "went_on": went_on,
            "entry_sessions": np.bincount(place[contacts.opens], minlength=places),
            "bounced_sessions": np.bincount(place[contacts.bounces], minlength=places),
            "own_rank": _lowest_rank(contacts, place, places), "population": people,
        })  # fmt: skip
        parts.append(found[customers > 0])
    return pd.concat(parts, ignore_index=True)


def _customers(cell: Ints, people: int, places: int) -> Ints:
    """How many customers are in each place. `cell`: customer times places, and place."""
    there = np.zeros(people * places, dtype=bool)
    there[cell] = True
    found: Ints = there.reshape(people, places).sum(axis=0)
    return found


def _depth(contacts: Contacts, name: Column, place: Ints, places: int) -> Ints | None:
    """Of each customer and place, how many different touchpoints they met there; None where these would be too many to mark."""
    code = name.codes * np.int64(places) + place
    there = np.bincount(code, minlength=1) > 0
    kinds = np.flatnonzero(there)  # what is met, and where
    if contacts.people * len(kinds) > MOST_CELLS:
        return None
    met = np.zeros((contacts.people, len(kinds)), dtype="float32")
    met[contacts.person, (np.cumsum(there) - 1)[code]] = 1
    of_place = np.zeros((len(kinds), places), dtype="float32")
    of_place[np.arange(len(kinds)), kinds % places] = 1
    found: Ints = (met @ of_place).astype("int64").ravel()
    return found


def _lowest_rank(contacts: Contacts, place: Ints, places: int) -> Any:
    """The rank of the earliest stage of each place; not a number where it has none."""
    ranks = int(contacts.rank.max(initial=0)) + 1
    there = np.bincount(place * ranks + contacts.rank, minlength=places * ranks).reshape(places, ranks)[:, 1:] > 0
    return np.where(there.any(axis=1), there.argmax(axis=1) + 1 if ranks > 1 else 0, np.nan)


def _dwell(contacts: Contacts, held: Column, cell: Ints, cells: int, places: int) -> dict[str, Any]:
    """Of each place, how many customers spent a known time in it, and the median of their seconds."""
    stays = np.flatnonzero(contacts.stays(held))
    spent = np.bincount(cell[stays], weights=contacts.at[stays] - contacts.at[stays - 1], minlength=cells) / 1e6
    known = np.bincount(cell[stays], minlength=cells) > 0
    median, customers = np.full(places, np.nan), np.zeros(places, dtype="int64")
    for place in range(places):
        seconds = spent[place::places][known[place::places]]
        customers[place] = len(seconds)
        if len(seconds):
            median[place] = np.median(seconds)
    return {"median": median, "customers": customers}
