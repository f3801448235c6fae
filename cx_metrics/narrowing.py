"""Whom a view chooses by what they did or said, found out before its queries: segments, answers, and how far they came in a
funnel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import ibis
import numpy as np
import pandas as pd
from ibis import _

from cx_metrics import registry
from cx_metrics.answers_in_memory import Answers
from cx_metrics.asking import check_needs, walked
from cx_metrics.datasets import Asked, Dataset, InMemory, Remembering, alone, fetched
from cx_metrics.errors import OptionProblem, ViewProblem
from cx_metrics.population import CHOSEN, MEMBERS, by_customer, population
from cx_metrics.segments import AllOf, Leaf, Not, Numbers, members_of, parse_condition
from cx_metrics.sequences import Sequences
from cx_metrics.shelf import Shelf
from cx_metrics.texts import N_
from cx_metrics.view import Facts, View


@dataclass(frozen=True)
class Narrowed:
    """A dataset, and whom a view chooses by what they did or said: lent tables, by the name that the population knows."""

    inner: Dataset
    lent: Mapping[str, ibis.Table]
    scope: tuple[str, ...] = ()  # what is not in the view, and yet decides what is made for it

    @property
    def facts(self) -> Facts:
        return self.inner.facts

    @property
    def tables(self) -> Mapping[str, ibis.Table]:
        return {**self.inner.tables, **self.lent}

    @property
    def shelf(self) -> Shelf:
        return self.inner.shelf.part(self.scope) if self.scope else self.inner.shelf

    def lend(self, frame: pd.DataFrame) -> ibis.Table:
        """As the dataset does."""
        return self.inner.lend(frame)

    def fetch(self, expression: ibis.Table) -> pd.DataFrame:
        """As the dataset does."""
        return self.inner.fetch(expression)

    def sql(self, expression: ibis.Table) -> str:
        """As the dataset does."""
        return self.inner.sql(expression)

    def sequences(self) -> Sequences | None:
        """As the dataset does."""
        return self.inner.sequences() if isinstance(self.inner, InMemory) else None

    def answered(self) -> Answers | None:
        """As the dataset does."""
        return self.inner.answered() if isinstance(self.inner, InMemory) else None

    def remembered(
        self, key: tuple[Any, ...], build: Callable[[], Asked], values: Mapping[str, str],
        instants: Mapping[str, str] | None = None, lent: tuple[str, ...] = (),
    ) -> tuple[pd.DataFrame, Any] | None:  # fmt: skip
        """As the dataset does: a query is compiled once for all that can be chosen alike, and asked of those who are."""
        assert isinstance(self.inner, Remembering)
        named = tuple(table.get_name() for table in self.lent.values())
        alike = tuple((role, table.schema(), named.index(table.get_name())) for role, table in self.lent.items())
        return self.inner.remembered((*key, alike), build, values, instants, (*lent, *named))


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
    made, _groups, _route = walked(metric, metric.walk, dataset, whole, (), options)
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
    frame, _known = fetched(dataset, view, (ask.__name__,), partial(alone, ask, dataset))
    held = np.zeros(size, dtype=bool)
    held[frame["customer_number"].to_numpy(dtype="int64") - 1] = True  # they are numbered from 1
    return held


def _how_many_customers(dataset: Dataset) -> int:
    frame, _known = fetched(dataset, View(), ("customers",), partial(alone, _customers, dataset))
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
