"""Engagement from touchpoints in memory: the rows that the queries of `engagement` give, without a query, for everybody or by an
attribute of customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from cx_metrics.contacts_in_memory import UNKNOWN, Column, Contacts, contacts_of
from cx_metrics.datasets import Dataset
from cx_metrics.groups import apart
from cx_metrics.instants import Ints
from cx_metrics.view import View
from cx_metrics.whose import attribute

MOST_CELLS = 8_000_000  # customers times the places they can be in, each with a number: beyond, the engine is asked


def engagement_here(
    dataset: Dataset, view: View, options: Mapping[str, Any], by: Sequence[str], group: str
) -> pd.DataFrame | None:
    """The rows of `_engagement`: one for each value of an attribute of customers (`by`, or none), value of `group`, number of
    contacts and depth; None where they have to be asked."""
    if options["bounce"] != "one_touchpoint" or (contacts := contacts_of(dataset, view)) is None:
        return None
    sides = _sides(dataset, contacts, by)
    held, name, people = contacts.columns[group], contacts.columns["touchpoint"], contacts.people
    places = len(held.values) + 1  # what is not known stands last
    if sides is None or people * places > MOST_CELLS:
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
    spot, spots = (
        sides.codes.astype("int64") * places,
        len(sides.values) * places,
    )  # the first place of each customer's side
    rows = pd.DataFrame({
        "spot": spot[there // places] + there % places, "contacts": times[there], "depth": depth[there], "with_contacts": 1,
        "went_on": went_on[there].astype("int64"), "entry_sessions": np.bincount(cell[contacts.opens], minlength=cells)[there],
        "bounced_sessions": np.bincount(cell[contacts.bounces], minlength=cells)[there],
    })  # fmt: skip
    counted = rows.groupby(["spot", "contacts", "depth"], as_index=False).sum()
    at = counted.pop("spot").to_numpy()
    names = {apart(column): np.array(sides.values, dtype=object)[at // places] for column in by}
    names[group] = np.array([*held.values, None], dtype=object)[at % places]
    median, customers = _dwell(contacts, held, cell, spot, places, spots)
    return pd.DataFrame({column: pd.Series(values, dtype=object) for column, values in names.items()}).join(counted).assign(
        own_rank=_lowest_rank(contacts, spot[contacts.person] + place, spots)[at],
        dwell_seconds_median=median[at], dwell_customers=customers[at],
        population=np.bincount(sides.codes, minlength=len(sides.values))[at // places],
    )  # fmt: skip


def _sides(dataset: Dataset, contacts: Contacts, by: Sequence[str]) -> Column | None:
    """Of each customer the place of the value of the attribute `by` among all values, None the last; None where it is something
    else that is grouped by."""
    if not by:
        return Column(np.zeros(contacts.people, dtype="int32"), (None,))
    if len(by) > 1 or by[0] not in dataset.facts.attributes:
        return None
    codes, values = dataset.shelf.get(("attribute", by[0]), partial(attribute, dataset, by[0]))
    if not pd.api.types.is_string_dtype(values):
        return None
    own = codes[contacts.customers]
    return Column(np.where(own < 0, len(values), own), (*values, None))


def reach_here(
    dataset: Dataset, view: View, _options: Mapping[str, Any], by: Sequence[str], kinds: tuple[str, ...]
) -> pd.DataFrame | None:
    """The rows of `reach`: one for each value of each of these kinds of places; None where they have to be asked."""
    if by or (contacts := contacts_of(dataset, view)) is None:
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


def _dwell(contacts: Contacts, held: Column, cell: Ints, spot: Ints, places: int, spots: int) -> tuple[Any, Ints]:
    """Of each place of each side the median of the seconds that customers spent in it, and how many spent a known time. `cell`:
    of each touchpoint customer times places, and place; `spot`: of each customer the first place of the side."""
    stays, cells = np.flatnonzero(contacts.stays(held)), len(spot) * places
    spent = np.bincount(cell[stays], weights=contacts.at[stays] - contacts.at[stays - 1], minlength=cells) / 1e6
    known = np.flatnonzero(np.bincount(cell[stays], minlength=cells))
    where = spot[known // places] + known % places
    customers, seconds = np.bincount(where, minlength=spots), spent[known][np.lexsort((spent[known], where))]
    median, some, ends = np.full(spots, np.nan), customers > 0, np.cumsum(customers)
    low, high = ends - customers + (customers - 1) // 2, ends - customers + customers // 2
    median[some] = (seconds[low[some]] + seconds[high[some]]) / 2
    return median, customers
