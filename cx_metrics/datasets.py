"""What is needed of an opened dataset, whichever engine holds it, and the frame of a query that it may remember."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

import ibis
import pandas as pd

from cx_metrics.answers_in_memory import Answers
from cx_metrics.sequences import Sequences
from cx_metrics.shelf import Shelf
from cx_metrics.view import Facts, View


class Dataset(Protocol):
    """What `run` needs of an opened dataset, whichever engine holds it."""

    @property
    def facts(self) -> Facts: ...
    @property
    def tables(self) -> Mapping[str, ibis.Table]: ...
    @property
    def shelf(self) -> Shelf: ...
    def lend(self, frame: pd.DataFrame) -> ibis.Table: ...
    def sql(self, expression: ibis.Table) -> str: ...
    def fetch(self, expression: ibis.Table) -> pd.DataFrame: ...


Asked: TypeAlias = tuple[ibis.Table, Any]  # a query, and what its asker wants to know about it


@runtime_checkable
class InMemory(Protocol):
    """A dataset that has its touchpoints and its answers in memory, unless they are too many."""

    def sequences(self) -> Sequences | None: ...
    def answered(self) -> Answers | None: ...


@runtime_checkable
class Remembering(Protocol):
    """A dataset that keeps compiled queries: for another value of the same filter, only the value is another."""

    def remembered(
        self,
        key: tuple[Any, ...],
        build: Callable[[], Asked],
        values: Mapping[str, str],
        instants: Mapping[str, str] | None = None,
        lent: tuple[str, ...] = (),
    ) -> tuple[pd.DataFrame, Any] | None: ...


def fetched(
    dataset: Dataset,
    view: View,
    key: tuple[Any, ...],
    build: Callable[[View], Asked],
    names: Mapping[str, str] | None = None,
    lent: tuple[str, ...] = (),
) -> tuple[pd.DataFrame, Any]:
    """The frame of a query, compiled once for all views of the same shape where the dataset remembers. `names`: placeholders in
    the query, and what they stand for; `lent`: tables of it that others of the same columns stand for the next time."""
    if isinstance(dataset, Remembering):
        shape, values = view.shape()
        values = values | dict(names or {})
        moved, instants = shape.at_stand_in(dataset.facts.zone)
        if instants and (found := dataset.remembered((*key, moved), lambda: build(moved), values, instants, lent)):
            return found
        found = dataset.remembered((*key, shape), lambda: build(shape), values, None, lent)
        assert found is not None  # nothing stands in for anything but names
        return found
    query, known = build(view)
    return dataset.fetch(query), known


def fetched_both(
    dataset: Dataset, a: View, b: View, key: tuple[Any, ...], build: Callable[[View, View], Asked]
) -> tuple[pd.DataFrame, Any]:
    """The frame of a query of two views, as `fetched`."""
    if isinstance(dataset, Remembering):
        (a, values), zone = a.shape(), dataset.facts.zone
        b, more = b.shape(len(values))
        (here, of_a), (there, of_b) = a.at_stand_in(zone), b.at_stand_in(zone, other=True)
        values, instants = values | more, of_a | of_b
        if instants and (
            found := dataset.remembered((*key, here, there), lambda: build(here, there), values, instants)
        ):
            return found
        found = dataset.remembered((*key, a, b), lambda: build(a, b), values)
        assert found is not None  # as in `fetched`
        return found
    query, known = build(a, b)
    return dataset.fetch(query), known


def alone(count: Callable[[Dataset, View], ibis.Table], dataset: Dataset, view: View) -> Asked:
    return count(dataset, view), None
