"""A metric, a view, a dataset → its query, and the frame that the dataset gives for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import ibis
import numpy as np
import pandas as pd

from cx_metrics import answers, registry, routes
from cx_metrics.datasets import Asked, Dataset, InMemory, Remembering, alone, fetched
from cx_metrics.errors import ViewProblem, nearest
from cx_metrics.groups import APART, apart
from cx_metrics.instants import Ints
from cx_metrics.population import (
    MOST_SESSIONS,
    Population,
    check,
    population,
    ways_of,
)
from cx_metrics.registry import Follow, Metric, Walk
from cx_metrics.routes import Paths, Route
from cx_metrics.rules import PathRules
from cx_metrics.steps import FIRST_TOUCH, LAST_TOUCH
from cx_metrics.tables import CUSTOMER_COLUMNS, TABLE_NAMES, TOUCHPOINTS
from cx_metrics.tallies import TIMES, tallied
from cx_metrics.tallies_in_memory import as_tally, tally_here
from cx_metrics.texts import N_, Text
from cx_metrics.view import Facts, View, microseconds
from cx_metrics.whose import are_few, attribute, in_memory, is_by_start, only_met, people_of, whose_are

CONFIDENCE = 0.95


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

    same = (query.__name__, *asked.items())
    met = only_met(dataset, view)
    if met is not None and own.person and are_few(dataset):
        rows = dataset.shelf.get(("whole", *same), lambda: fetched(dataset, View(), same, build)[0])
        rows = rows[whose_are(rows[own.person].fillna(0).to_numpy(dtype="int64"), met)]
    else:
        rows, _known = fetched(dataset, view, same, build)
    people = people_of(dataset, view) if met is None else met
    return own.make(sequences, rows, people, **registry.accepted(own.make, options))


def told(
    of_answers: Callable[..., pd.DataFrame | None], dataset: Dataset, view: View, by: Sequence[str], known: Mapping[str, Any]
) -> pd.DataFrame | None:  # fmt: skip
    """What is made of the responses in memory that a view leaves; None where a query has to be asked."""
    if by or not isinstance(dataset, InMemory) or (answered := dataset.answered()) is None:
        return None

    def whole() -> Ints | None:
        met = only_met(dataset, view)
        if met is not None:
            return np.flatnonzero(whose_are(answered.person, met))
        found, _known = fetched(dataset, view, ("which answers",), partial(alone, _which, dataset))
        return answered.whole(found["nth_answer"].to_numpy())

    places = dataset.shelf.get(("which answers", view.alone()), whole)
    return None if places is None else of_answers(answered, places, **known)


def _which(dataset: Dataset, view: View) -> ibis.Table:
    """The numbers of the answers that a view leaves."""
    surveys = population(dataset.tables, view, dataset.facts)["surveys"]
    return surveys.select(nth_answer=surveys.nth_answer.cast("int32"))


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
        codes, values = dataset.shelf.get(("attribute", column), partial(attribute, dataset, column))
        columns[apart(column)] = pd.Categorical.from_codes(codes[numbers], categories=values)
    return replace(made, groups=pd.DataFrame(columns))


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
    summed: ibis.Table | None = None,
) -> tuple[ibis.Table, tuple[str, ...], str]:
    """The query of a metric before it runs, the columns it is grouped by (called "by …" in the query), and its route. `summed`: the
    answers, where they were added up before."""
    left = population(dataset.tables, view, dataset.facts)
    inputs = inputs_of(metric, left, dataset, view, route)
    if summed is None and is_added_up(metric, by, options):
        summed = tallied(dataset.tables, view, (*by, *metric.tallied_by))
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


def is_added_up(metric: Metric, by: Sequence[str], options: Mapping[str, Any]) -> bool:
    """Can its answers be added up before? Columns that it refuses to group by are not: words about them name all columns."""
    return metric.tallied and not options.get("weighted") and not set(by) & set(metric.groups)


def plainly(
    metric: Metric, dataset: Dataset, view: View, by: Sequence[str], options: Mapping[str, Any], confidence: float,
    route: Route | None,
) -> tuple[pd.DataFrame, Any]:  # fmt: skip
    """The frame of its query, and how it is grouped; from memory where that tells it, or of answers that are added up there."""
    if metric.here is not None and route is None and not named_by(metric) & set(by):
        told_here = metric.here(dataset, view, options, tuple(by))
        if told_here is not None:
            return told_here, (tuple(by), "")
    printed = tuple((o.name, str(o.type.print(options[o.name]))) for o in metric.options)
    key = (metric.name, tuple(by), printed, confidence, route)
    here = tally_here(dataset, view, (*by, *metric.tallied_by)) if is_added_up(metric, by, options) else None
    lent = None if here is None else dataset.lend(here)

    def build(shown: View) -> Asked:
        summed = None if lent is None else as_tally(lent, dataset.tables["surveys"])
        query, groups, taken = ask(metric, dataset, shown, by, options, confidence, route, summed)
        return query, (groups, taken)

    if lent is None:
        return fetched(dataset, view, key, build)
    return fetched(dataset, View(), (*key, *lent.schema().items()), build, lent=(lent.get_name(),))


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


def named_by(metric: Metric) -> set[str]:
    """The columns that a metric names itself: no other one of that name can be grouped by."""
    return {*metric.groups, *(name + end for name in metric.measures for end in ("", "_low", "_high"))}


def groups_of(metric: Metric, inputs: Sequence[Input], by: Sequence[str]) -> tuple[str, ...]:
    """The columns to group by, each once. Raises ViewProblem for a column the data does not have."""
    first = inputs[0].touchpoints if isinstance(inputs[0], Paths) else inputs[0]
    known = [c for c in (first.columns if first is not None else ()) if c not in named_by(metric)]
    for column in by:
        if column not in known:
            raise ViewProblem(
                N_("{metric} cannot be grouped by {found}. Nearest: {nearest}. Columns: {columns}."),
                metric=Text(metric.title), found=column, nearest=nearest(column, known) or "–", columns=tuple(known),
            )  # fmt: skip
    return tuple(dict.fromkeys(by))


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
