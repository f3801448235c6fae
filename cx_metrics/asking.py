"""A metric, a view, a dataset → its query, and the frame that the dataset gives for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Protocol, TypeAlias, runtime_checkable

import ibis
import numpy as np
import pandas as pd

from cx_metrics import answers, registry, routes
from cx_metrics.answers_in_memory import Answers
from cx_metrics.errors import ViewProblem, nearest
from cx_metrics.instants import Bools, Ints
from cx_metrics.population import (
    BITS,
    MEMBERS,
    MET,
    MOST_SESSIONS,
    Population,
    asked_to_meet,
    check,
    population,
    ways_of,
)
from cx_metrics.registry import Follow, Metric, Walk
from cx_metrics.routes import Paths, Route
from cx_metrics.rules import PathRules
from cx_metrics.sequences import Sequences
from cx_metrics.shelf import Shelf
from cx_metrics.steps import FIRST_TOUCH, LAST_TOUCH
from cx_metrics.tables import CUSTOMER_COLUMNS, TABLE_NAMES, TOUCHPOINTS
from cx_metrics.tallies import TIMES, tallied
from cx_metrics.texts import N_, Text
from cx_metrics.view import Facts, View, microseconds

CONFIDENCE = 0.95


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


def walked(
    metric: Metric, walk: Walk, dataset: Dataset, view: View, by: Sequence[str], options: Mapping[str, Any]
) -> tuple[Any, tuple[str, ...], str]:
    """What a walk makes of its rows, made once for all metrics that ask the same of the same view, and for all groups that the
    attributes of customers make: these are the same at every touchpoint."""
    if by and of_customers(dataset, view, by, options):
        left = population(dataset.tables, view, dataset.facts)
        groups = groups_of(metric, inputs_of(metric, left, dataset, view, None), by)
        plain, _none, taken = walked(metric, walk, dataset, view, (), options)
        return with_attributes(plain, dataset, view, groups), groups, taken
    shared = {name: options[name] for name in walk.options}
    shaped, names = walk.shape(shared) if walk.shape and isinstance(dataset, Remembering) else (shared, {})
    key = (walk.query.__name__, tuple(by))

    def build(shown: View) -> Asked:
        query, groups, taken = ask(metric, dataset, shown, by, {**options, **shaped})
        return query, (groups, taken)

    def make() -> tuple[Any, tuple[str, ...], str]:
        last = _last(dataset)
        made = None if by else picked(walk, dataset, view, last, shared)
        if made is not None:
            return made, (), ""
        if walk.told is not None and (rows := told(walk.told, dataset, view, by, shared)) is not None:
            return walk.make(rows, (), ends=None, timed=dataset.facts.timed, **shared), (), ""
        rows, (groups, taken) = fetched(dataset, view, (*key, *shaped.items()), build, names)
        named = tuple(apart(column) for column in groups)
        return walk.make(rows, named, ends=last, timed=dataset.facts.timed, **shared), groups, taken

    found: tuple[Any, tuple[str, ...], str] = dataset.shelf.get((view.alone(), *key, *shared.items()), make)
    return found


def picked(walk: Walk, dataset: Dataset, view: View, ends: int | None, options: Mapping[str, Any]) -> Any:
    """What a walk makes of all touchpoints, where these are in memory and the view keeps journeys of customers whole; None
    where a query has to be asked."""
    sequences = in_memory(dataset, view) if walk.picked is not None else None
    if walk.picked is None or sequences is None:
        return None
    check(dataset.tables, view, dataset.facts)
    people = people_of(dataset, view)
    by_start = is_by_start(view)
    start, end = (None if at is None or by_start else microseconds(at) for at in view.bounds(dataset.facts.zone))
    return walk.picked(sequences, people, (start, end), ends=ends, timed=dataset.facts.timed, **options)


def made_beside(
    metric: Metric, dataset: Dataset, view: View, by: Sequence[str], options: Mapping[str, Any]
) -> pd.DataFrame | None:
    """The frame of a metric from touchpoints in memory and rows of its table; None where its query has to be asked."""
    own = metric.beside
    if own is None or by or (sequences := in_memory(dataset, view)) is None:
        return None
    query, asked = own.query, registry.accepted(own.query, options)

    def build(shown: View) -> Asked:
        left = population(dataset.tables, shown, dataset.facts)
        return query(inputs_of(metric, left, dataset, shown, None)[0], **asked), None

    rows, _known = fetched(dataset, view, (query.__name__, *asked.items()), build)
    return own.make(sequences, rows, people_of(dataset, view), **registry.accepted(own.make, options))


def told(
    of_answers: Callable[..., pd.DataFrame | None], dataset: Dataset, view: View, by: Sequence[str], known: Mapping[str, Any]
) -> pd.DataFrame | None:  # fmt: skip
    """What is made of the responses in memory that a view leaves; None where a query has to be asked."""
    if by or not isinstance(dataset, InMemory) or (answered := dataset.answered()) is None:
        return None

    def whole() -> Ints | None:
        found, _known = fetched(dataset, view, ("which answers",), partial(alone, _which, dataset))
        return answered.whole(found["nth_answer"].to_numpy())

    places = dataset.shelf.get(("which answers", view.alone()), whole)
    return None if places is None else of_answers(answered, places, **known)


def _which(dataset: Dataset, view: View) -> ibis.Table:
    """The numbers of the answers that a view leaves."""
    surveys = population(dataset.tables, view, dataset.facts)["surveys"]
    return surveys.select(nth_answer=surveys.nth_answer.cast("int32"))


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
    people = np.ones(_customers(dataset) + 1, dtype=bool)
    for kept in view.customers:
        if kept.column not in dataset.facts.attributes or kept.column not in customers.columns:
            return None
        codes, values = dataset.shelf.get(("attribute", kept.column), partial(_attribute, dataset, kept.column))
        if not pd.api.types.is_string_dtype(values):
            return None
        people &= np.append(pd.Index(values).isin(kept.values), "" in kept.values)[codes]  # −1: not known
    return people


def _customers(dataset: Dataset) -> int:
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
    column, names = BITS[kept.column]

    def noted() -> tuple[Ints, dict[str, int]]:
        rows, named = (dataset.fetch(dataset.tables[table]) for table in (MET, names))
        bits = np.zeros(len(people), dtype="int64")
        bits[rows["customer_number"].to_numpy(dtype="int64")] = rows[column]
        return bits, dict(zip(named[kept.column], 1 << (named[f"{kept.column}_number"].to_numpy() - 1), strict=True))

    bits, named = dataset.shelf.get(("noted", column), noted)
    found: Bools = people & ((bits & sum(named.get(value, 0) for value in dict.fromkeys(kept.values))) != 0)
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


def of_customers(dataset: Dataset, view: View, by: Sequence[str], options: Mapping[str, Any]) -> bool:
    """Are the values to group by those of customers, and not of touchpoints that some try took?"""
    own = {name.casefold() for name in TOUCHPOINTS.names} - set(CUSTOMER_COLUMNS)
    told = [
        c in dataset.facts.attributes and c.casefold() not in own and c in dataset.tables["customers"].columns
        for c in by
    ]
    return all(told) and view.grain != "case" and options.get("taken_from") in (FIRST_TOUCH, LAST_TOUCH)


def with_attributes(made: Any, dataset: Dataset, view: View, groups: Sequence[str]) -> Any:
    """The tries with the attributes of their customers to group by."""
    numbers = made.journey // MOST_SESSIONS if view.grain == "session" else made.journey
    columns: dict[str, Any] = {"which": np.arange(len(numbers))}
    for column in groups:
        codes, values = dataset.shelf.get(("attribute", column), partial(_attribute, dataset, column))
        columns[apart(column)] = pd.Categorical.from_codes(codes[numbers], categories=values)
    return replace(made, groups=pd.DataFrame(columns))


def _attribute(dataset: Dataset, column: str) -> tuple[Any, Any]:
    """An attribute of all customers: the place of each one's value among the values, by customer number (−1: not known)."""
    customers = dataset.tables["customers"]
    frame = dataset.fetch(customers.select("customer_number", held=customers[column]))
    codes, values = pd.factorize(frame["held"])
    found = np.full(len(frame) + 1, -1, dtype="int32")
    found[frame["customer_number"].to_numpy(dtype="int64")] = codes
    return found, values


def followed(
    metric: Metric, follow: Follow, dataset: Dataset, view: View, by: Sequence[str], options: Mapping[str, Any], made: Any
) -> pd.DataFrame:  # fmt: skip
    """What the tables say of what a walk made, asked once for all options that do not change it. No rows where there is nothing
    to ask about."""
    named = {o.name: options[o.name] for o in metric.options}
    lending, asking = registry.accepted(follow.lend, named), registry.accepted(follow.query, named)

    def make() -> pd.DataFrame:
        if follow.picked is not None and isinstance(dataset, InMemory) and (held := dataset.sequences()) is not None:
            ends = None if view.range_rule == "journeys" else view.bounds(dataset.facts.zone)[1]
            until = None if ends is None else microseconds(ends)
            known_already = follow.picked(held, made, until, **registry.accepted(follow.picked, named))
            if known_already is not None:
                return known_already
        lent = follow.lend(made, by, **lending)
        if lent.empty:
            return pd.DataFrame()
        if follow.told is not None and (rows := told(follow.told, dataset, view, by, {"made": made})) is not None:
            return rows
        beside = dataset.lend(lent)

        def build(shown: View) -> Asked:
            left = population(dataset.tables, shown, dataset.facts)
            groups = tuple(column.removeprefix(APART) for column in by)
            inputs = inputs_of(metric, left, dataset, shown, None)
            if metric.inputs[0] == "surveys" and isinstance(inputs[0], ibis.Table):
                inputs[0] = answers.grouped(inputs[0], shown.belonging, groups, dataset.tables)
            table = set_apart(inputs, groups)[0]
            whole = is_whole(shown, dataset.facts)
            known = {"attributes": dataset.facts.attributes, "whole": whole, "by": by, "made": made}
            return follow.query(table, beside, **asking, **registry.accepted(follow.query, known)), None

        same = ("followed", metric.name, tuple(by), *asking.items())
        if not registry.accepted(follow.query, {"made": made}):  # it knows no more of what was made than its columns
            of_frame = tuple(beside.schema().items())
            return fetched(dataset, view, (*same, of_frame), build, lent=(beside.get_name(),))[0]
        if not follow.alike:
            return dataset.fetch(build(view)[0])
        return fetched(dataset, view, (*same, made, beside.get_name()), build)[0]

    of_walk = {name: named[name] for name in metric.walk.options} if metric.walk else {}
    key = ("followed", metric.name, view.alone(), tuple(by), *(of_walk | lending | asking).items())
    found: pd.DataFrame = dataset.shelf.get(key, make)
    return found


def alone(count: Callable[[Dataset, View], ibis.Table], dataset: Dataset, view: View) -> Asked:
    return count(dataset, view), None


def _last(dataset: Dataset) -> int | None:
    """When the touchpoints of the dataset end, in microseconds; None where there are none, or none has a time."""
    if "touchpoints" not in dataset.tables:
        return None
    ends, _known = fetched(dataset, View(), ("ends",), partial(alone, _ends, dataset))
    return None if ends.empty or pd.isna(ends["ends"].iloc[0]) else int(ends["ends"].iloc[0])


def _ends(dataset: Dataset, _view: View) -> ibis.Table:
    """When the touchpoints of the dataset end, in microseconds."""
    t = dataset.tables["touchpoints"]
    return t.aggregate(ends=t.occurred_microseconds.max())


def ask(
    metric: Metric,
    dataset: Dataset,
    view: View,
    by: Sequence[str],
    options: Mapping[str, Any],
    confidence: float = CONFIDENCE,
    route: Route | None = None,
) -> tuple[ibis.Table, tuple[str, ...], str]:
    """The query of a metric before it runs, the columns it is grouped by (called "by …" in the query), and its route."""
    left = population(dataset.tables, view, dataset.facts)
    inputs = inputs_of(metric, left, dataset, view, route)
    refused = set(by) & set(metric.groups)  # in words that name all columns
    added_up = metric.tallied and not options.get("weighted") and not refused
    summed = tallied(dataset.tables, view, (*by, *metric.tallied_by)) if added_up else None
    if summed is not None:
        inputs[0] = with_quarter(summed)
    if metric.inputs[0] == "surveys" and isinstance(inputs[0], ibis.Table):
        inputs[0] = answers.grouped(inputs[0], view.belonging, by, dataset.tables)
    groups = groups_of(metric, inputs, by)
    tables = set_apart(inputs, groups)
    known = {"confidence": confidence, "goal": dataset.facts.goal_of(view), "attributes": dataset.facts.attributes}
    given = registry.accepted(metric.query, known)
    own = {name: options[name] for name in metric.walk.options} if metric.walk else options
    query = metric.query(*tables, by=tuple(apart(c) for c in groups), **own, **given)
    first = tables[0]
    return query, groups, first.under(PathRules.of(options)).taken() if isinstance(first, Paths) else ""


Input: TypeAlias = ibis.Table | Paths | None


def inputs_of(metric: Metric, left: Population, dataset: Dataset, view: View, route: Route | None) -> list[Input]:
    """The tables the metric takes, in its order; paths for a metric of paths. Raises ViewProblem for a table that was not
    uploaded."""
    found: list[Input] = []
    for name in metric.inputs:
        table = "touchpoints" if name == "paths" else name
        if table not in left.tables:
            raise ViewProblem(
                N_("{metric} needs a file of {table}, and this dataset has none. Add one on the Data page."),
                metric=Text(metric.title), table=Text(TABLE_NAMES[table]),
            )  # fmt: skip
        if name == "paths":
            found.append(routes.paths(left, dataset.tables, view, dataset.facts, route))
        else:
            found.append(left.entries if name == "touchpoints" and metric.entries else with_quarter(left[name]))
    return found + [left.tables.get(name) for name in metric.optional_inputs]


def with_quarter(t: ibis.Table) -> ibis.Table:
    """Answers with the quarter they were given in (its first day), to group by; a file's own column of that name stays."""
    if not ({"answered_at", "month"} <= set(t.columns) or {TIMES, "month"} <= set(t.columns)) or any(
        c.casefold() == "quarter" for c in t.columns
    ):
        return t
    return t.mutate(quarter=t.month.truncate("Q"))


def groups_of(metric: Metric, inputs: Sequence[Input], by: Sequence[str]) -> tuple[str, ...]:
    """The columns to group by, each once. Raises ViewProblem for a column the data does not have."""
    first = inputs[0].touchpoints if isinstance(inputs[0], Paths) else inputs[0]
    taken = {*metric.groups, *(name + end for name in metric.measures for end in ("", "_low", "_high"))}
    known = [c for c in (first.columns if first is not None else ()) if c not in taken]
    for column in by:
        if column not in known:
            raise ViewProblem(
                N_("{metric} cannot be grouped by {found}. Nearest: {nearest}. Columns: {columns}."),
                metric=Text(metric.title), found=column, nearest=nearest(column, known) or "–", columns=tuple(known),
            )  # fmt: skip
    return tuple(dict.fromkeys(by))


APART = "by "


def apart(column: str) -> str:
    """A name for a column to group by that no metric uses, so that any column can be grouped by."""
    return APART + column


def is_whole(view: View, facts: Facts) -> bool:
    """Are the journeys of a view, with what comes after its range, as they were prepared?"""
    return ways_of(replace(view, first_day=None, last_day=None), facts)[0] == "columns"


def set_apart(inputs: Sequence[Input], groups: Sequence[str]) -> list[Input]:
    """The columns to group by once more, under names of their own."""
    named = {apart(column): column for column in groups}
    first, *rest = inputs
    if isinstance(first, Paths):
        return [first.grouped(named), *rest]
    if first is not None:
        first = first.mutate(**{name: first[column] for name, column in named.items()})
    return [first, *rest]


def check_needs(metric: Metric, facts: Facts, view: View) -> None:
    if metric.needs_goal and not facts.goal_of(view):
        raise ViewProblem(
            N_("{metric} needs a goal: touchpoints that count as conversion. Set it on the Data page, or with --goal."),
            metric=Text(metric.title),
        )  # fmt: skip
    if metric.needs_time and not facts.timed:
        raise ViewProblem(
            N_("{metric} needs times, and these touchpoints have only an order."), metric=Text(metric.title)
        )
