"""What is known of every customer, from memory: the patterns that `known.patterns_query` asks an engine for.

Of customers who met something all is known in advance but which names and channels are the largest among them: that
alone is counted, or asked where touchpoints are many.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import ibis
import numpy as np
import pandas as pd

from cx_metrics.datasets import Dataset, InMemory, alone, fetched
from cx_metrics.instants import Bools, Ints
from cx_metrics.known import (
    CONTACT_LIMITS,
    MET,
    MET_MOST,
    MOST_MET,
    MOST_VALUES,
    OF,
    UNKNOWN,
    attributes_of,
    kinds_of,
    latest_answers,
)
from cx_metrics.population import CHANNELS, population
from cx_metrics.population import MET as NOTED
from cx_metrics.view import View
from cx_metrics.whose import PERSON, Alike, attribute, bits_of, customers_of, only_met, whose_are

MOST_CUSTOMERS = 1_000_000  # beyond, the engine is asked
MOST_KEYS = 2**62
MOST_TOUCHPOINTS = 5_000_000  # whose kinds are kept for all views: 4 bytes each
MOST_DIFFERENT = 0.25  # of the touchpoints: their kinds


@dataclass(frozen=True)
class Everybody:
    """By place: number (customer_number), contacts, different (touchpoints), last_stage (UNKNOWN: none), the bits of what they met
    by column, and of each attribute the place of the value among its values (−1: not known), these, and codes of the largest."""

    number: Ints
    contacts: Ints
    different: Ints
    last_stage: Ints
    bits: Mapping[str, Ints]
    attributes: Mapping[str, tuple[Ints, Any, Mapping[str, int]]]


@dataclass(frozen=True)
class Latest:
    """By customer number: did they answer, the score of their latest answer, the place of its scale in scales (the last: none)."""

    answered: Bools
    score: np.ndarray[Any, np.dtype[np.float64]]
    scale: Ints
    scales: Any


def patterns_here(dataset: Dataset, view: View, kind: str) -> pd.DataFrame | None:
    """The rows of `patterns_query` without groups; None where the view asks for more than to have met something, or the dataset has
    not in memory what this needs."""
    people = only_met(dataset, view) if isinstance(dataset, InMemory) else None
    needed = {NOTED, CHANNELS, "names", "journeys", "customers", "touchpoints", "surveys"}
    if people is None or not needed <= set(dataset.tables) or customers_of(dataset) > MOST_CUSTOMERS:
        return None
    everybody: Everybody | None = dataset.shelf.get(("everybody",), partial(_everybody, dataset))
    if everybody is None:
        return None
    kinds = _kinds_left(dataset, view, people)
    latest = dataset.shelf.get(("latest", kind), partial(_latest, dataset, kind))
    kept = np.flatnonzero(whose_are(everybody.number, people))
    means = _meanings(kinds)
    codes = _codes(dataset, everybody, kept, means, set(kinds.loc[kinds["goal"] == 1, "touchpoint"]))
    rows = _added_up(codes, everybody.number[kept], latest)
    if rows is None:
        return None
    told = means | {name: of for name, (_place, _values, of) in everybody.attributes.items()}
    legends = [(trait, place, value) for trait, of in told.items() for value, place in of.items()]
    return pd.concat([rows, pd.DataFrame(legends, columns=["trait", "place", "value"])], ignore_index=True)


def _everybody(dataset: Dataset) -> Everybody | None:
    """All customers with a touchpoint; None where an attribute is no text, or is called like what they did."""
    left = population(dataset.tables, View(), dataset.facts)
    customers = left["customers"]
    held = attributes_of(customers, dataset.facts.attributes)
    rows = dataset.fetch(left[NOTED].order_by("customer_number"))
    attributes = {}
    for name in held:
        place, values = attribute(dataset, name)
        if not pd.api.types.is_string_dtype(values) or name in (*MET_MOST, "last_stage"):
            return None
        sizes = np.bincount(place[place >= 0], minlength=len(values))
        told = _largest(dict(zip(values, sizes.tolist(), strict=True)), MOST_VALUES)
        attributes[name] = place[rows["customer_number"].to_numpy(dtype="int64")], values, told
    number, contacts, different, last_stage = (
        rows[c].fillna(UNKNOWN).to_numpy(dtype="int64")
        for c in ("customer_number", "contacts", "different", "last_stage")
    )
    bits = {column: rows[f"{column}s_met"].to_numpy(dtype="int64") for column in MET_MOST}
    return Everybody(number, contacts, different, last_stage, bits, attributes)


def _kinds_left(dataset: Dataset, view: View, people: Bools) -> pd.DataFrame:
    """What `kinds_of` gives of the touchpoints of these people: of kinds that are told from memory, where touchpoints are few."""
    alike: Alike | None = dataset.shelf.get(("kinds",), partial(_all_kinds, dataset))
    if alike is None:
        return fetched(dataset, view, ("kinds",), partial(alone, _kinds, dataset))[0]
    kinds = alike.rows.assign(n=alike.times(people))
    reached = kinds["touchpoint"].isin(dataset.facts.goal_of(view)).astype("int64")
    return kinds.assign(goal=reached)[kinds["n"] > 0]


def _all_kinds(dataset: Dataset) -> Alike | None:
    """The kinds of all touchpoints; None where these are too many, or hardly two are of a kind."""
    t = dataset.tables["touchpoints"]
    if int(dataset.fetch(t.aggregate(n=t.count()))["n"].iloc[0]) > MOST_TOUCHPOINTS:
        return None
    kinds = {"touchpoint": t.touchpoint, "channel": t.channel, "stage": t.stage, "rank": t.stage_rank}
    return Alike.of(dataset, t.select(**{PERSON: t.customer_number}, **kinds), MOST_DIFFERENT)


def _kinds(dataset: Dataset, view: View) -> ibis.Table:
    return kinds_of(population(dataset.tables, view, dataset.facts)["touchpoints"])


def _meanings(kinds: pd.DataFrame) -> dict[str, dict[str, int]]:
    """By trait the codes of the stages, and of the largest channels and touchpoints. `kinds`: what `kinds_of` gives."""
    rows = list(zip(*(kinds[c] for c in ("stage", "rank", "n", *MET_MOST)), strict=True))
    means: dict[str, dict[str, int]] = {"last_stage": {}}
    for stage, rank, *_rest in rows:
        if pd.notna(stage):
            means["last_stage"][stage] = max(int(rank), means["last_stage"].get(stage, 0))
    for at, (column, most) in enumerate(MET_MOST.items(), 3):
        sizes = Counter[str]()
        for row in rows:
            if pd.notna(row[at]):
                sizes[row[at]] += int(row[2])
        means[column] = _largest(sizes, most)
    return means


def _largest(sizes: Mapping[str, int], most: int) -> dict[str, int]:
    """The values that most rows hold, ties by name, with their places, from 1."""
    order = sorted((value for value, size in sizes.items() if size), key=lambda value: (-sizes[value], value))
    return {value: place for place, value in enumerate(order[:most], 1)}


def _latest(dataset: Dataset, kind: str) -> Latest:
    """The latest answers of everybody."""
    surveys = population(dataset.tables, View(), dataset.facts)["surveys"]
    rows = dataset.fetch(latest_answers(surveys, kind))
    number, many = rows["customer_number"].to_numpy(dtype="int64"), customers_of(dataset) + 1
    codes, scales = pd.factorize(rows["scale"])
    answered, score, scale = np.zeros(many, dtype=bool), np.full(many, np.nan), np.full(many, len(scales))
    answered[number], score[number] = True, np.nan if kind == "any" else rows["score"].to_numpy(dtype="float64")
    scale[number] = codes
    return Latest(answered, score, scale, np.array([*scales, None], dtype=object))


def _codes(
    dataset: Dataset, everybody: Everybody, kept: Ints, means: Mapping[str, Mapping[str, int]], goal: Collection[str]
) -> dict[str, Ints]:  # fmt: skip
    """The columns of codes of these customers, by the same names as the query's."""
    bits = {column: held[kept] for column, held in everybody.bits.items()}
    named = {column: bits_of(dataset, column)[1] for column in MET_MOST}
    goals = sum(named["touchpoint"][name] for name in goal)
    codes = {
        f"{OF}contacts": np.searchsorted(CONTACT_LIMITS, everybody.contacts[kept]),
        f"{OF}touchpoints_met": np.minimum(everybody.different[kept], MOST_MET + 1),
        f"{OF}converted": ((bits["touchpoint"] & goals) != 0).astype("int64"),
        f"{OF}last_stage": everybody.last_stage[kept],
    }
    for column, held in bits.items():
        codes[f"{MET}{column}"] = sum(
            (((held & named[column][value]) != 0).astype("int64") << (place - 1) for value, place in means[column].items()),
            np.zeros(len(kept), dtype="int64"),
        )  # fmt: skip
    for name, (place, values, told) in everybody.attributes.items():
        of_value = [*(told.get(value, MOST_VALUES + 1) for value in values), UNKNOWN]  # not known stands last
        codes[f"{OF}{name}"] = np.array(of_value, dtype="int64")[place[kept]]
    return codes


def _added_up(codes: Mapping[str, Ints], number: Ints, latest: Latest) -> pd.DataFrame | None:
    """Equal customers as one row; None where there are too many different ones to number."""
    answered = latest.answered[number]
    scores, which = np.unique(latest.score[number], return_inverse=True)  # not known is one of them
    told = [*codes.values(), answered.astype("int64"), which, latest.scale[number]]
    key, keys = np.zeros(len(number), dtype="int64"), 1
    for one in told:
        size = int(one.max(initial=0)) + 1
        keys *= size
        if keys > MOST_KEYS:
            return None
        key = key * size + one
    _keys, first, customers = np.unique(key, return_index=True, return_counts=True)
    return pd.DataFrame({
        **{name: held[first] for name, held in codes.items()}, "answered": answered[first].astype("int64"),
        "score": scores[which[first]], "scale": latest.scales[latest.scale[number][first]],
        "customers": customers, "trait": None, "place": np.nan, "value": None,
    })  # fmt: skip
