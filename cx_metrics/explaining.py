"""Explain this number: the query that a result comes from, with its parameters, and what the number rests on.

The query is put together as `run` and `compare` do it, and nothing is asked of the data but whom a segment or a funnel chooses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cx_metrics import answers, registry
from cx_metrics.asking import ask, check_needs
from cx_metrics.comparison import COMPARED, query_of_both
from cx_metrics.datasets import Dataset
from cx_metrics.engines.templates import SAYS_A_DAY
from cx_metrics.registry import Metric
from cx_metrics.run import Result, chosen_by, query_of_people
from cx_metrics.small_groups import Privacy
from cx_metrics.view import View

PLACE = re.compile("'(\ue000[^'\ue000\ue001]*\ue001)'")  # a text of the query that stands for a name
LENT = re.compile(r"\b(lent|touchline_lent)_\w+")


@dataclass(frozen=True)
class Parameter:
    """What stands for `$1` in a query; `at`: the instant that a number of microseconds means."""

    name: str
    value: str | int
    at: datetime | None = None


@dataclass(frozen=True)
class Query:
    """What an engine is asked. `side`: of A or of B, where two views are compared. `walked`: its rows are followed in memory,
    step by step. `lent`: it names tables of chosen customers that are in memory alone."""

    sql: str
    parameters: tuple[Parameter, ...] = ()
    side: str = ""
    walked: bool = False

    @property
    def lent(self) -> bool:
        return LENT.search(self.sql) is not None


def queries(
    metric: Metric,
    dataset: Dataset,
    views: Sequence[View],
    by: Sequence[str],
    options: Mapping[str, Any],
    privacy: Privacy | None = None,
) -> list[Query]:
    """The queries behind a metric for one view, or for two that are compared. Raises OptionProblem or ViewProblem where the metric
    does."""
    asked = metric.read_options(options)
    declared = registry.find(metric.name)  # of a comparison: what is compared
    if len(views) == 2 and metric.name in COMPARED:
        both = query_of_both(declared, dataset, *views, by=by, privacy=privacy, options=asked)
        return [Query(dataset.sql(both))]
    sides = ("a", "b") if len(views) == 2 else ("",)
    return [_query(declared, dataset, view, by, asked, privacy, side) for view, side in zip(views, sides, strict=True)]


def queries_of_people(dataset: Dataset, view: View, privacy: Privacy | None = None) -> list[Query]:
    """The queries behind the counts of a caption: customers and their journeys, and answers."""
    found = [
        query_of_people(dataset, view, privacy, table)
        for table in ("touchpoints", "surveys")
        if table in dataset.tables
    ]
    return [Query(dataset.sql(query)) for query in found]


def _query(
    metric: Metric,
    dataset: Dataset,
    view: View,
    by: Sequence[str],
    options: Mapping[str, Any],
    privacy: Privacy | None,
    side: str,
) -> Query:
    """The query of one view, with a parameter for every name that it filters by and for the ends of its range."""
    view = answers.acting(view, metric.inputs, by)
    check_needs(metric, dataset.facts, view)
    held, view, _guarded = chosen_by(metric, dataset, view, by, privacy)
    shape, values = view.shape()
    if metric.walk is not None and metric.walk.shape is not None:
        shaped, names = metric.walk.shape({name: options[name] for name in metric.walk.options})
        options, values = {**options, **shaped}, values | names
    moved, instants = shape.at_stand_in(dataset.facts.zone)
    sql = _asked(metric, held, moved if instants else shape, by, options)
    if instants and SAYS_A_DAY.search(sql):  # it names a day in another form too
        sql, instants = _asked(metric, held, shape, by, options), {}
    return _with_parameters(sql, values, instants, side, metric.walk is not None)


def _asked(metric: Metric, held: Dataset, view: View, by: Sequence[str], options: Mapping[str, Any]) -> str:
    query, _groups, _route = ask(metric, held, view, by, options)
    return held.sql(query)


def _with_parameters(
    sql: str, values: Mapping[str, str], instants: Mapping[str, str], side: str, walked: bool
) -> Query:
    """The query with `$1` and so on in the places of names and instants, numbered as they come."""
    known: dict[str, Parameter] = {}

    def place(found: re.Match[str]) -> str:
        token = found[1] if found[0].startswith("'") else found[0]
        if token not in known:
            name = f"${len(known) + 1}"
            if token in instants:
                micros = int(instants[token])
                known[token] = Parameter(name, micros, datetime.fromtimestamp(micros / 1e6, UTC))
            else:
                known[token] = Parameter(name, values[token])
        return known[token].name

    either = PLACE if not instants else re.compile(PLACE.pattern + r"|\b(?:" + "|".join(instants) + r")\b")
    return Query(either.sub(place, sql), tuple(known.values()), side, walked)


def rests_on(result: Result, measures: Sequence[str]) -> dict[str, tuple[int, int]]:
    """How many cases do the measures rest on? Their counts, each with the smallest and the largest of the rows; a count that no row
    has is left out."""
    named = dict.fromkeys(m.n for name in measures if (m := result.metric.measures.get(name)) is not None and m.n)
    found: dict[str, tuple[int, int]] = {}
    for column in named:
        counts = result.frame.get(column)
        if counts is not None and len(counts := counts.dropna()):
            found[str(column)] = int(counts.min()), int(counts.max())
    return found
