"""A metric, a view, a dataset → a finished result with its definition. The one place where a query is asked for a frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import ibis
import numpy as np
import pandas as pd
from ibis import _

from cx_metrics import registry, routes
from cx_metrics.definition import define, rows_of
from cx_metrics.errors import OptionProblem, ViewProblem, nearest
from cx_metrics.groups import how_many
from cx_metrics.journeys import Cut
from cx_metrics.population import CHOSEN, MEMBERS, Population, by_customer, population, ways_of
from cx_metrics.registry import Follow, Metric, Walk
from cx_metrics.routes import Paths, Route
from cx_metrics.rules import PathRules
from cx_metrics.segments import AllOf, Leaf, Not, Numbers, members_of, parse_condition
from cx_metrics.shelf import Shelf
from cx_metrics.tables import TABLE_NAMES
from cx_metrics.texts import N_, Text
from cx_metrics.view import Facts, View

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
    def fetch(self, expression: ibis.Table) -> pd.DataFrame: ...


Asked: TypeAlias = tuple[ibis.Table, Any]  # a query, and what its asker wants to know about it


@runtime_checkable
class Remembering(Protocol):
    """A dataset that keeps compiled queries: for another value of the same filter, only the value is another."""

    def remembered(
        self,
        key: tuple[Any, ...],
        build: Callable[[], Asked],
        values: Mapping[str, str],
        instants: Mapping[str, str] | None = None,
    ) -> tuple[pd.DataFrame, Any] | None: ...


@dataclass(frozen=True)
class Result:
    """A small finished frame, what its numbers mean, and by which route they came (no part of the meaning)."""

    metric: Metric
    frame: pd.DataFrame
    definition: dict[str, Any]
    route: str = ""

    def to_dict(self) -> dict[str, Any]:
        """`{"metric": …, "definition": {…}, "rows": [{…}]}` with plain JSON values; unknown numbers are null."""
        return {"metric": self.metric.name, "definition": self.definition, "rows": rows_of(self.frame)}


def run(
    name: str | Metric,
    dataset: Dataset,
    view: View | None = None,
    *,
    by: Sequence[str] = (),
    confidence: float = CONFIDENCE,
    version: str = "",
    route: Route | None = None,
    **options: Any,
) -> Result:
    """Answer one metric for one view of a dataset.

    `by` names columns to group by; `options` are the metric's own, as values or in their text form. `route` asks for one way
    to the paths; without it the fastest is taken, and all give the same answer. Raises OptionProblem or ViewProblem for what
    the metric or the dataset cannot answer.
    """
    metric = name if isinstance(name, Metric) else registry.find(name)
    if not 0 < confidence < 1:
        raise OptionProblem(N_("A confidence lies between 0 and 1, like 0.95; found {found}."), found=str(confidence))
    view = view or View()
    dataset = narrowed(dataset, view)
    asked = metric.read_options(options)
    check_needs(metric, dataset.facts, view)
    printed = tuple((o.name, str(o.type.print(asked[o.name]))) for o in metric.options)

    def build(shown: View) -> Asked:
        query, groups, taken = ask(metric, dataset, shown, by, asked, confidence, route)
        return query, (groups, taken)

    if metric.walk is not None:
        frame, groups, taken = _walked(metric, metric.walk, dataset, view, by, asked)
    else:
        key = (metric.name, tuple(by), printed, confidence, route)
        frame, (groups, taken) = _fetched(dataset, view, key, build)
    named = tuple(apart(column) for column in groups)
    if metric.finish is not None:
        given = asked | {"confidence": confidence, "by": named, "stages": dataset.facts.stages}
        given |= {"days": dataset.facts.days_of(view), "zone": dataset.facts.zone}
        if metric.follow is not None:
            given["followed"] = _followed(metric, metric.follow, dataset, view, named, asked, frame)
        frame = metric.finish(frame, **registry.accepted(metric.finish, given))
    frame = frame.drop(columns=[c for c in groups if c in frame]).rename(columns=dict(zip(named, groups, strict=True)))
    definition = define(metric, dataset.facts, view, groups, asked, confidence, version)
    return Result(metric, frame.reset_index(drop=True), definition, taken)


def _fetched(
    dataset: Dataset,
    view: View,
    key: tuple[Any, ...],
    build: Callable[[View], Asked],
    names: Mapping[str, str] | None = None,
) -> tuple[pd.DataFrame, Any]:
    """The frame of a query, compiled once for all views of the same shape where the dataset remembers. `names`: placeholders in
    the query, and what they stand for."""
    if isinstance(dataset, Remembering):
        shape, values = view.shape()
        values = values | dict(names or {})
        moved, instants = shape.at_stand_in(dataset.facts.zone)
        if instants and (found := dataset.remembered((*key, moved), lambda: build(moved), values, instants)):
            return found
        found = dataset.remembered((*key, shape), lambda: build(shape), values)
        assert found is not None  # nothing stands in for anything but names
        return found
    query, known = build(view)
    return dataset.fetch(query), known


def _walked(
    metric: Metric, walk: Walk, dataset: Dataset, view: View, by: Sequence[str], options: Mapping[str, Any]
) -> tuple[Any, tuple[str, ...], str]:
    """What a walk makes of its rows, made once for all metrics that ask the same of the same view."""
    shared = {name: options[name] for name in walk.options}
    shaped, names = walk.shape(shared) if walk.shape and isinstance(dataset, Remembering) else (shared, {})
    key = (walk.query.__name__, tuple(by))

    def build(shown: View) -> Asked:
        query, groups, taken = ask(metric, dataset, shown, by, {**options, **shaped})
        return query, (groups, taken)

    def make() -> tuple[Any, tuple[str, ...], str]:
        rows, (groups, taken) = _fetched(dataset, view, (*key, *shaped.items()), build, names)
        ends, _known = _fetched(dataset, View(), ("ends",), partial(_alone, _ends, dataset))
        last = None if ends.empty or pd.isna(ends["ends"].iloc[0]) else int(ends["ends"].iloc[0])
        named = tuple(apart(column) for column in groups)
        return walk.make(rows, named, ends=last, timed=dataset.facts.timed, **shared), groups, taken

    made: tuple[Any, tuple[str, ...], str] = dataset.shelf.get((view.alone(), *key, *shared.items()), make)
    return made


def _followed(
    metric: Metric, follow: Follow, dataset: Dataset, view: View, by: Sequence[str], options: Mapping[str, Any], made: Any
) -> pd.DataFrame:  # fmt: skip
    """What the tables say of what a walk made, asked once for all options that do not change it. No rows where there is nothing
    to ask about."""
    named = {o.name: options[o.name] for o in metric.options}
    lending, asking = registry.accepted(follow.lend, named), registry.accepted(follow.query, named)

    def make() -> pd.DataFrame:
        lent = follow.lend(made, by, **lending)
        if lent.empty:
            return pd.DataFrame()
        left = population(dataset.tables, view, dataset.facts)
        table = inputs_of(metric, left, dataset, view, None)[0]
        return dataset.fetch(follow.query(table, dataset.lend(lent), attributes=dataset.facts.attributes, **asking))

    of_walk = {name: named[name] for name in metric.walk.options} if metric.walk else {}
    key = ("followed", metric.name, view.alone(), tuple(by), *(of_walk | lending | asking).items())
    found: pd.DataFrame = dataset.shelf.get(key, make)
    return found


@dataclass(frozen=True)
class Narrowed:
    """A dataset, and whom a view chooses by what they did or said: lent tables, by the name that the population knows."""

    inner: Dataset
    lent: Mapping[str, ibis.Table]

    @property
    def facts(self) -> Facts:
        return self.inner.facts

    @property
    def tables(self) -> Mapping[str, ibis.Table]:
        return {**self.inner.tables, **self.lent}

    @property
    def shelf(self) -> Shelf:
        return self.inner.shelf

    def lend(self, frame: pd.DataFrame) -> ibis.Table:
        """As the dataset does."""
        return self.inner.lend(frame)

    def fetch(self, expression: ibis.Table) -> pd.DataFrame:
        """As the dataset does."""
        return self.inner.fetch(expression)

    def remembered(
        self, key: tuple[Any, ...], build: Callable[[], Asked], values: Mapping[str, str],
        instants: Mapping[str, str] | None = None,
    ) -> tuple[pd.DataFrame, Any] | None:  # fmt: skip
        """As the dataset does, for these journeys."""
        assert isinstance(self.inner, Remembering)
        named = tuple(table.get_name() for table in self.lent.values())
        return self.inner.remembered((*key, *named), build, values, instants)


def narrowed(dataset: Dataset, view: View) -> Dataset:
    """The dataset with those whom the view chooses by segments, answers and a funnel beside its tables. The journeys of the
    funnel are those that it counts under the same view. Raises OptionProblem for a condition, a funnel or a step that cannot be."""
    tried = view.tried
    if isinstance(dataset, Narrowed):
        return dataset
    if view.members or view.answered:
        dataset = Narrowed(dataset, {MEMBERS: dataset.lend(_numbers(_members(dataset, view)))})
    if tried is None:
        return dataset
    metric = registry.find("funnel")
    options = metric.read_options(dict(tried.funnel))
    steps = options["steps"]
    if not 1 <= tried.step <= len(steps) or (tried.lost and (tried.step == 1 or steps[tried.step - 1].optional)):
        raise OptionProblem(N_("Nobody can be lost before step {step} of this funnel, or reach it; it has {count} steps."),
                            step=tried.step, count=len(steps))  # fmt: skip
    assert metric.walk is not None
    check_needs(metric, dataset.facts, view)
    whole = replace(view, tried=None).alone()
    made, _groups, _route = _walked(metric, metric.walk, dataset, whole, (), options)
    key = ("journeys of tries", whole, *options.items(), tried.step, tried.lost)
    frame = dataset.shelf.get(key, lambda: _journeys(made.of_step(tried.step - 1, tried.lost)))
    if isinstance(dataset, Narrowed):
        return Narrowed(dataset.inner, {**dataset.lent, CHOSEN: dataset.lend(frame)})
    return Narrowed(dataset, {CHOSEN: dataset.lend(frame)})


def _members(dataset: Dataset, view: View) -> Numbers:
    """For each customer, by number: do the segments and the answers of the view leave them?"""
    conditions = [parse_condition(m.condition) if m.inside else Not(parse_condition(m.condition)) for m in view.members]
    if view.answered:
        conditions.append(Leaf(View(view.first_day, view.last_day, answered=view.answered)))
    return members_of(AllOf(tuple(conditions)), partial(_left, dataset))


def _left(dataset: Dataset, view: View) -> Numbers:
    """For each customer, by number: does the view leave something of theirs? Filters on touchpoints ask for a touchpoint; a range
    of dates alone for a touchpoint or an answer in it; attributes alone for nothing else."""

    def found() -> Numbers:
        rest = replace(view, answered=None)
        held = np.ones(_how_many_customers(dataset), dtype=bool)
        if view.answered:
            held &= _numbered(dataset, len(held), view, _who_answered)
        undated = replace(rest, first_day=None, last_day=None, range_rule="touchpoints")
        if undated == View() and (view.answered or rest == View()):
            return held
        if undated == rest == View(customers=rest.customers):
            return held & _numbered(dataset, len(held), rest, _who_is)
        inner, left = narrowed(dataset, rest), np.zeros(len(held), dtype=bool)
        if "touchpoints" in dataset.tables:
            left |= _numbered(inner, len(held), rest, _who_touched)
        if "surveys" in dataset.tables and not (rest.touchpoints or rest.chooses_people()):
            left |= _numbered(inner, len(held), rest, _who_said)
        return held & left

    kept: Numbers = dataset.shelf.get(("members", view), found)
    return kept


def _numbered(dataset: Dataset, size: int, view: View, ask: Callable[[Dataset, View], ibis.Table]) -> Numbers:
    """The customers of a query (customer_number), as one yes or no for each."""
    frame, _known = _fetched(dataset, view, (ask.__name__,), partial(_alone, ask, dataset))
    held = np.zeros(size, dtype=bool)
    held[frame["customer_number"].to_numpy(dtype="int64") - 1] = True  # they are numbered from 1
    return held


def _how_many_customers(dataset: Dataset) -> int:
    frame, _known = _fetched(dataset, View(), ("customers",), partial(_alone, _customers, dataset))
    return int(frame["n"].iloc[0])


def _customers(dataset: Dataset, _view: View) -> ibis.Table:
    return dataset.tables["customers"].aggregate(n=_.count())


def _who_is(dataset: Dataset, view: View) -> ibis.Table:
    """Customers by their attributes."""
    return by_customer(dataset.tables["customers"], view).select("customer_number")


def _who_touched(dataset: Dataset, view: View) -> ibis.Table:
    """Customers with a touchpoint that the view leaves."""
    left = population(dataset.tables, view, dataset.facts)
    if left.journeys is not None:
        return left.journeys.select("customer_number")
    return left["touchpoints"].select("customer_number").distinct()


def _who_said(dataset: Dataset, view: View) -> ibis.Table:
    """Customers with an answer that the view leaves."""
    answers = population(dataset.tables, view, dataset.facts)["surveys"]
    return _of_answers(dataset, answers)


def _who_answered(dataset: Dataset, view: View) -> ibis.Table:
    """Customers who gave such an answer in the range."""
    asked = view.answered
    assert asked is not None
    if "surveys" not in dataset.tables:
        raise ViewProblem(N_("This dataset has no survey answers to choose customers by."))
    s = population(dataset.tables, View(view.first_day, view.last_day), dataset.facts)["surveys"]
    s = s.filter(
        (s.survey_type == asked.survey_type) & (s.score_status == "valid") & s.score.between(asked.low, asked.high)
    )
    return _of_answers(dataset, s if asked.touchpoint is None else s.filter(s.touchpoint == asked.touchpoint))


def _of_answers(dataset: Dataset, answers: ibis.Table) -> ibis.Table:
    said = answers.filter(answers.customer_id.notnull()).select("customer_id").distinct()
    return dataset.tables["customers"].semi_join(said, "customer_id").select("customer_number")


def _numbers(held: Numbers) -> pd.DataFrame:
    return pd.DataFrame({"customer_number": np.flatnonzero(held) + 1})


def _journeys(ids: Any) -> pd.DataFrame:
    """Journeys as a frame of one column; cases have texts for ids."""
    return pd.DataFrame({"journey_id": ids if ids.dtype.kind == "i" else ids.astype(str)})


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
    groups = groups_of(metric, inputs, by)
    tables = set_apart(inputs, groups)
    known = {"confidence": confidence, "goal": dataset.facts.goal_of(view), "attributes": dataset.facts.attributes}
    known |= {"whole": ways_of(replace(view, first_day=None, last_day=None), dataset.facts)[0] == "columns"}
    given = registry.accepted(metric.query, known)
    own = {name: options[name] for name in metric.walk.options} if metric.walk else options
    query = metric.query(*tables, by=tuple(apart(c) for c in groups), **own, **given)
    first = tables[0]
    return query, groups, first.under(PathRules.of(options)).taken() if isinstance(first, Paths) else ""


def people(dataset: Dataset, view: View | None = None) -> dict[str, int]:
    """Who is left by the view? Counts for captions: customers, journeys, touchpoints, responses, and journeys that began
    before the range."""
    view = view or View()
    dataset = narrowed(dataset, view)
    counts: dict[str, int] = {}
    for table, counted in (("touchpoints", _counted), ("surveys", _answers)):
        if table in dataset.tables:
            frame, _known = _fetched(dataset, view, ("people", table), partial(_alone, counted, dataset))
            counts |= {str(k): int(v) for k, v in frame.iloc[0].items()}
    return counts


def _alone(count: Callable[[Dataset, View], ibis.Table], dataset: Dataset, view: View) -> Asked:
    return count(dataset, view), None


def _answers(dataset: Dataset, view: View) -> ibis.Table:
    """Valid responses and all answers, in one row."""
    s = population(dataset.tables, view, dataset.facts)["surveys"]
    return s.aggregate(responses=how_many(s.score_status == "valid"), answers=s.count())


def _counted(dataset: Dataset, view: View) -> ibis.Table:
    """Customers, journeys, touchpoints and journeys begun earlier, in one row: from the journeys' own table where each is
    whole."""
    left = population(dataset.tables, view, dataset.facts)
    cubes = routes.paths(left, dataset.tables, view, dataset.facts).cubes
    if "journeys" in cubes:
        j = cubes["journeys"]
        whole = j.aggregate(customers=j.count(), journeys=j.count(), touchpoints=j.touchpoints.sum().fill_null(0))
        return whole.mutate(begun_earlier=ibis.literal(0))
    t = left["touchpoints"]
    start, _end = view.bounds(dataset.facts.zone)
    if isinstance(left.ways[0], Cut):  # a journey has one touchpoint that is its first in the range
        since = left.ways[0].from_microseconds
        earlier = ibis.literal(False) if since is None else (t.previous_microseconds < since).fill_null(False)
        firsts = how_many((t.step == 1) | earlier)
        begun = ibis.literal(0) if since is None else how_many(earlier)
        return t.aggregate(customers=firsts, journeys=firsts, touchpoints=t.count(), begun_earlier=begun)
    earlier = t.journey_start < ibis.timestamp(start) if start is not None else ibis.literal(False)
    return t.aggregate(
        customers=t.customer_number.nunique(),
        journeys=t.journey_id.nunique(),
        touchpoints=t.count(),
        begun_earlier=t.customer_number.nunique(where=earlier),
    )


def conversions(dataset: Dataset, view: View | None = None) -> int:
    """How many touchpoints of the view are conversions?"""
    dataset = narrowed(dataset, view or View())
    t = population(dataset.tables, view or View(), dataset.facts)["touchpoints"]
    return int(dataset.fetch(t.aggregate(n=t.is_goal.sum().fill_null(0)))["n"].iloc[0])


def values(dataset: Dataset, column: str, most: int) -> tuple[str, ...]:
    """Which values does a column hold? The most frequent first, ties by name; "" stands for "not known".

    Looks in touchpoints, then customers, then surveys: the first table that has the column.
    """
    for name in ("touchpoints", "customers", "surveys"):
        t = dataset.tables.get(name)
        if t is not None and column in t.columns:
            held = t.select(held=t[column].cast("string").fill_null(""))
            counted = held.group_by("held").aggregate(n=held.count()).order_by([ibis.desc("n"), "held"]).limit(most)
            return tuple(dataset.fetch(counted)["held"])
    return ()


def stages(dataset: Dataset) -> dict[str, str]:
    """Which stage does each touchpoint belong to? The one it stands in most often; unmapped ones are left out."""
    t = dataset.tables["touchpoints"]
    counted = t.filter(t.stage.notnull()).group_by(["touchpoint", "stage"]).aggregate(n=ibis._.count())
    frame = dataset.fetch(counted.order_by(["n", ibis.desc("stage")]))
    return dict(zip(frame["touchpoint"], frame["stage"], strict=True))


def names(dataset: Dataset, most: int = 2_000) -> pd.DataFrame:
    """Which touchpoint names does the file use, and where were they put? The most frequent first.

    One row per raw name: raw_touchpoint, rows, touchpoint, stage, touchpoint_type, phase, channel (null where the file and
    the dictionary say nothing, or say different things in different rows).
    """
    t = dataset.tables["touchpoints"]
    axes = ("touchpoint", "stage", "touchpoint_type", "phase", "channel")
    one = {a: ibis.ifelse(t[a].nunique() == 1, t[a].max(), ibis.null("string")) for a in axes}
    counted = t.group_by("raw_touchpoint").aggregate(rows=t.count(), **one)
    return dataset.fetch(counted.order_by([ibis.desc("rows"), "raw_touchpoint"]).limit(most))


def daily(dataset: Dataset) -> pd.DataFrame:
    """How many touchpoints lie on each day? Days without any are missing: day, touchpoints."""
    t = dataset.tables["touchpoints"]
    return dataset.fetch(
        t.filter(t.day.notnull()).group_by("day").aggregate(touchpoints=ibis._.count()).order_by("day")
    )


def changes(dataset: Dataset, view: View | None = None) -> pd.DataFrame:
    """The dated changes in the range of the view, for time axes: changed_at, title, in order."""
    left = population(narrowed(dataset, view or View()).tables, view or View(), dataset.facts)
    if "changes" not in left.tables:
        return pd.DataFrame({"changed_at": pd.Series(dtype="datetime64[us]"), "title": pd.Series(dtype="str")})
    return dataset.fetch(left["changes"].select("changed_at", "title").order_by(["changed_at", "title"]).limit(50))


Mood = Literal["low", "high"]
LOW_END, HIGH_END = (
    0.34,
    0.66,
)  # of the way from the worst answer of a scale to the best: up to here unhappy, from here happy


def comments(
    dataset: Dataset, view: View | None = None, *, survey_type: str | None = None, mood: Mood | None = None,
    touchpoint: str | None = None, most: int = 100,
) -> tuple[pd.DataFrame, int]:  # fmt: skip
    """What did people write? The newest comments of the view, and how many there are in all.

    Columns: answered_at, survey_type, score, comment, touchpoint, language. `mood` keeps valid answers on the bad or the good
    side of their own scale: detractors and promoters for NPS, else the worst and the best third.
    """
    dataset = narrowed(dataset, view or View())
    left = population(dataset.tables, view or View(), dataset.facts)
    s = left["surveys"]
    s = s.filter(s.comment.notnull() & (s.comment.strip() != ""))
    if survey_type is not None:
        s = s.filter(s.survey_type == survey_type)
    if mood is not None:
        way = (s.score - s.scale_low) / (s.scale_high - s.scale_low)
        good = ibis.ifelse(s.higher_is_better, way, 1 - way)
        nps = s.survey_type == "nps"
        unhappy = ibis.ifelse(nps, s.score <= 6, good <= LOW_END)
        happy = ibis.ifelse(nps, s.score >= 9, good >= HIGH_END)
        s = s.filter((s.score_status == "valid") & (unhappy if mood == "low" else happy))
    if touchpoint is not None:
        s = s.filter(s.touchpoint == touchpoint)
    count = int(dataset.fetch(s.aggregate(n=s.count()))["n"].iloc[0])
    newest = s.order_by([ibis.desc("answered_at"), "response_id"]).limit(most)
    return dataset.fetch(
        newest.select("answered_at", "survey_type", "score", "comment", "touchpoint", "language")
    ), count


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
            found.append(left.entries if name == "touchpoints" and metric.entries else left[name])
    return found + [left.tables.get(name) for name in metric.optional_inputs]


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


def apart(column: str) -> str:
    """A name for a column to group by that no metric uses, so that any column can be grouped by."""
    return f"by {column}"


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
