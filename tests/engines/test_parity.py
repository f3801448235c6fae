"""The same answer from every engine, cell by cell: counts exactly, other numbers up to 1e-9 of their size.

ClickHouse and PostgreSQL in every run, on a few questions of each kind to each metric; a smoke set on a Spark cluster of one
master and two workers. `make parity` asks many more questions of every engine, Spark Connect included.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

import cx_metrics as cx
from cx_metrics import answers
from cx_metrics.engines import Engine, Served, Store, loading, memory_store, serve
from cx_metrics.engines.incoming import Built
from cx_metrics.registry import Metric
from cx_metrics.tables import EMBEDDED_TABLES
from cx_metrics.view import Belonging, View
from tests.engines.events import Events, ask, differences, groups, questions, random_events, same, views

Question = tuple[str, View, dict[str, Any], tuple[str, ...]]
Pair = tuple[Store, Served, Built, Built]
MANY = 1_000.0  # times the touchpoints: cubes are kept, however long
SMOKE = ("stage_engagement", "flow_links", "transitions", "variants", "funnel", "nps")
EVERY_RUN = ("clickhouse", "postgres")
ASKED_OF_EACH_METRIC = {
    "clickhouse": 60,
    "postgres": 60,
    "spark": 12,
    "spark_connect": 12,
}  # a job of a cluster takes seconds


@pytest.fixture(autouse=True)
def _time_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is compared are answers, on machines of any speed."""
    monkeypatch.setenv("TOUCHLINE_QUERY_SECONDS", "120")


def both(engine: Engine, events: Events, cube_share: float = MANY) -> Pair:
    """The same rows in the embedded engine and in another one."""
    ours, built = memory_store(events.tables(), events.facts, cube_share)
    loaded = loading.load(engine, events.tables(), events.facts, cube_share=cube_share)
    return ours, serve(engine, loaded.built.facts, loaded.tables), built, loaded.built


def all_questions(metric: Metric, timed: bool) -> list[Question]:
    return [
        (name, view, options, by)
        for name, view in views(timed).items()
        for options in questions(metric)
        for by in groups(metric)
    ]  # fmt: skip


def some_questions(metric: Metric, timed: bool, most: int) -> list[Question]:
    """A few of each metric's questions, others for each metric, so that all kinds of view are asked about."""
    asked = all_questions(metric, timed)
    return random.Random(metric.name).sample(asked, min(most, len(asked)))


def unlike(pair: Pair, metrics: Sequence[str], timed: bool, most: int) -> list[str]:
    """Every difference between the two answers to the questions."""
    ours, theirs, *_built = pair
    found = []
    for name in metrics:
        metric = cx.METRICS[name]
        for kind, view, options, by in some_questions(metric, timed, most):
            unlike_here = differences(ask(metric, ours, view, by, options), ask(metric, theirs, view, by, options))
            found += [f"{name}, {kind}, by {by}, {options}: {what}" for what in unlike_here]
    return found


def tables_differ(pair: Pair) -> list[str]:
    """Differences between the prepared tables: columns, and rows in any order."""
    ours, theirs, *_built = pair
    apart = set(ours.tables) ^ set(theirs.tables)
    found = [] if apart == set(EMBEDDED_TABLES) & set(ours.tables) else [f"tables {apart}"]
    for name in set(ours.tables) & set(theirs.tables):
        left, right = ours.tables[name], theirs.tables[name]
        if set(left.columns) != set(right.columns):
            found.append(f"{name}: columns {set(left.columns) ^ set(right.columns)}")
            continue
        rows, others = (
            sorted(written(store.fetch(t.select(*left.columns)))) for store, t in ((ours, left), (theirs, right))
        )
        found += [f"{name}: {row} is not {other}" for row, other in zip(rows, others, strict=True) if row != other][:3]
    return found


def written(frame: Any) -> Iterator[str]:
    """Every row as text; numbers to twelve digits, nothing as nothing."""
    for row in frame.itertuples(index=False):
        yield " | ".join("–" if v is None or v != v else f"{v:.12g}" if isinstance(v, float) else str(v) for v in row)


@pytest.fixture(scope="module", params=EVERY_RUN)
def timed_pair(request: pytest.FixtureRequest) -> Pair:
    return both(request.getfixturevalue(request.param), random_events(1))


@pytest.fixture(scope="module", params=EVERY_RUN)
def untimed_pair(request: pytest.FixtureRequest) -> Pair:
    return both(request.getfixturevalue(request.param), random_events(2, customers=12, timed=False))


@pytest.fixture(scope="module")
def on_the_cluster(spark: Engine) -> Pair:
    events = random_events(3, customers=12)
    few = {name: events.rows[name] for name in ("touchpoints", "customers", "surveys")}
    return both(spark, Events(few, events.facts), cube_share=0)  # every job of a cluster takes a second or two


# In every run


def test_random_events_hold_what_engines_treat_differently() -> None:
    rows = random_events(1).rows["touchpoints"]
    instants = [(row["customer_id"], row["occurred_at"]) for row in rows]
    customers = [row["customer_id"] for row in rows]
    assert len(set(instants)) < len(instants)  # ties in time
    assert any(customers.count(customer) == 1 for customer in customers)
    assert any(row["stage"] is None for row in rows)
    names = {row["touchpoint"] for row in rows}
    assert {"A", "a", "back\\slash", "o'clock", "100%"} <= names


def test_a_loaded_dataset_has_the_facts_of_an_imported_one(timed_pair: Pair) -> None:
    _ours, _theirs, built, loaded = timed_pair
    assert loaded == built


def test_prepared_tables_hold_the_same_rows(timed_pair: Pair) -> None:
    assert tables_differ(timed_pair) == []


def test_prepared_tables_without_times_hold_the_same_rows(untimed_pair: Pair) -> None:
    assert tables_differ(untimed_pair) == []


@pytest.mark.parametrize("name", list(cx.METRICS))
def test_every_metric_answers_alike(timed_pair: Pair, name: str) -> None:
    assert unlike(timed_pair, [name], timed=True, most=3) == []


def test_scores_by_the_journeys_of_those_who_answered_are_alike(timed_pair: Pair) -> None:
    ours, theirs, *_built = timed_pair
    rules = (Belonging("last", 86_400), Belonging("journey"), Belonging("none"))
    asked = [(View(belonging=rule), (place,)) for rule in rules for place in answers.PLACES]
    asked += [(View(belonging=Belonging("journey")), ("channel", "stage", "waiting"))]
    asked += [(View(), (name, "region")) for name in (*answers.GROUPS, answers.PATH)]
    metric, unlike_here = cx.METRICS["nps"], []
    for view, by in asked:
        both_ways = (ask(metric, store, view, by, {}) for store in (ours, theirs))
        unlike_here += [f"{view.belonging}, by {by}: {what}" for what in differences(*both_ways)]
    assert unlike_here == []


def test_metrics_answer_alike_without_times(untimed_pair: Pair) -> None:
    assert unlike(untimed_pair, list(cx.METRICS), timed=False, most=1) == []


@pytest.mark.timeout(900)  # two minutes, where nothing else runs
def test_a_spark_cluster_answers_alike(on_the_cluster: Pair) -> None:
    assert tables_differ(on_the_cluster) == []
    assert unlike(on_the_cluster, SMOKE, timed=True, most=1) == []


def test_the_comparison_of_answers_sees_a_difference() -> None:
    row = {"stage": "action", "customers": 3, "rate": 0.5, "path": ("A", "B"), "low": None}
    assert differences([row], [row | {"low": float("nan"), "path": ["A", "B"], "rate": 0.5 + 1e-12}]) == []
    for change in ({"customers": 4}, {"rate": 0.5 + 1e-6}, {"path": ("B", "A")}, {"stage": None}, {"low": 0.0}):
        assert differences([row], [row | change]), change
    assert differences([row], []) and differences("refused", [row]) and differences([row], [{"stage": "action"}])
    assert not same(1, 2) and not same("a", "A")


# The whole of it: make parity


@pytest.mark.parity
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("engine", ["clickhouse", "postgres", "spark", "spark_connect"])
@pytest.mark.parametrize("timed", [True, False])
def test_many_questions_are_answered_alike(engine: str, timed: bool, request: pytest.FixtureRequest) -> None:
    pair = both(request.getfixturevalue(engine), random_events(4 if timed else 5, timed=timed))
    assert tables_differ(pair) == []
    assert unlike(pair, list(cx.METRICS), timed=timed, most=ASKED_OF_EACH_METRIC[engine]) == []


@pytest.mark.parity
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("seed", range(10, 22))
@pytest.mark.parametrize("engine", EVERY_RUN)
def test_many_random_events_are_answered_alike(engine: str, seed: int, request: pytest.FixtureRequest) -> None:
    timed = seed % 4 != 3
    pair = both(request.getfixturevalue(engine), random_events(seed, customers=seed * 3, timed=timed))
    assert tables_differ(pair) == []
    assert unlike(pair, list(cx.METRICS), timed=timed, most=4) == []
