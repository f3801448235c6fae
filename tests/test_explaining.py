"""The query that is shown is the query that was asked: with its parameters bound, the engine gives the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import ibis
import pandas as pd
import pytest

import cx_metrics as cx
from cx_metrics.asking import ask
from cx_metrics.engines import Store
from cx_metrics.engines.duckdb_store import LENT_NAMES
from cx_metrics.errors import ViewProblem
from cx_metrics.explaining import Query, queries, queries_of_people, rests_on
from cx_metrics.registry import METRICS, find
from cx_metrics.run import chosen_by
from cx_metrics.small_groups import Privacy
from cx_metrics.view import Filter, Member, View
from tests.conftest import dataset, paths, seldom
from tests.test_reconciliation import random_store
from tests.test_registry import ASKED

HOSTILE = "x' or '1'='1' --"
VIEWS = {
    "everybody": View(),
    "a persona": View(customers=(Filter("persona", ("saver", HOSTILE)),)),
    "a range": View(first_day=date(2025, 10, 25), last_day=date(2025, 11, 20)),
    "only some touchpoints": View(touchpoints=(Filter("channel", ("web", "store")),), touchpoint_rule="touchpoints"),
    "a segment": View(members=(Member("those", "touchpoint=A"),), customers=(Filter("persona", ("saver",)),)),
}


def answered(store: Store, query: Query, types: ibis.Schema | None = None) -> pd.DataFrame:
    """What the engine gives for the text that is shown, its parameters bound by name."""
    cursor = store.connection.cursor()
    for name in LENT_NAMES.findall(query.sql):
        cursor.register(name, store._lent.peek(name))
    found = cursor.execute(query.sql, {p.name.removeprefix("$"): p.value for p in query.parameters}).to_arrow_table()
    return (found if types is None else found.cast(types.to_pyarrow())).to_pandas()


def rows(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    """The rows in an order of their own; sums of floats differ in their last digits."""
    said = frame.astype(object).map(lambda v: f"{v:.9g}" if isinstance(v, float) else str(v))
    return sorted(said.itertuples(index=False, name=None))


@pytest.mark.parametrize("view", ["a range", "a segment", *seldom(*VIEWS.keys() - {"a range", "a segment"})])
def test_every_metric_shows_a_query_that_gives_its_rows(view: str) -> None:
    store, _rows = random_store(3, 30)
    compared = 0
    for name, metric in METRICS.items():
        if set(metric.inputs) - {"paths", *store.tables} or metric.walk is not None:
            continue
        given = ASKED.get(name, {}) | ({"times": "mean"} if "times" in [o.name for o in metric.options] else {})
        try:
            (query,) = queries(metric, store, (VIEWS[view],), (), given)
        except ViewProblem:  # the metric has no answer here, and so no query
            with pytest.raises(ViewProblem):
                cx.run(name, store, VIEWS[view], **given)
            continue
        held, asked, _guarded = chosen_by(metric, store, VIEWS[view], (), None)
        expression = ask(metric, held, asked, (), metric.read_options(given))[0]
        assert rows(answered(store, query, expression.schema())) == rows(held.fetch(expression)), name
        compared += 1
    assert compared > 15


def test_names_and_instants_are_parameters_and_never_text_of_the_query() -> None:
    store, _rows = random_store(1, 20)
    view = View(first_day=date(2025, 10, 26), customers=(Filter("persona", (HOSTILE, "saver")),))
    (query,) = queries(find("conversion"), store, (view,), (), {})
    values = {p.value: p for p in query.parameters}
    assert {HOSTILE, "saver"} <= set(values) and HOSTILE not in query.sql and "\ue000" not in query.sql
    instant = next(p for p in query.parameters if p.at is not None)
    assert instant.at == datetime(2025, 10, 25, 22, tzinfo=UTC)  # midnight in Berlin, in summer time
    assert isinstance(instant.value, int) and str(instant.value) not in query.sql
    assert [p.name for p in query.parameters] == [f"${i}" for i in range(1, len(query.parameters) + 1)]


def test_the_query_of_a_funnel_picks_what_serves_a_step() -> None:
    store = dataset(paths("A B C", "A B", "A X", "X"))
    (query,) = queries(find("funnel"), store, (View(),), (), {"steps": "A,B,C"})
    assert query.walked and {p.value for p in query.parameters} == {"A", "B", "C"}
    assert len(answered(store, query)) == 6  # A three times, B twice, C once


def test_the_people_of_a_caption_have_a_query() -> None:
    store = dataset(paths("A B C", "A B", "A X", "X"))
    (query,) = queries_of_people(store, View(touchpoints=(Filter("touchpoint", ("B",)),)))
    assert answered(store, query)["customers"].tolist() == [2]


def test_two_views_have_two_queries_and_flows_of_both_one() -> None:
    people = [{"customer_id": f"u{i}", "persona": "saver" if i < 3 else "family"} for i in range(1, 5)]
    store = dataset(paths("A B C", "A B", "A X", "X"), customers=people)
    views = tuple(View(customers=(Filter("persona", (who,)),), goal=("C",)) for who in ("saver", "family"))
    result = cx.compare("conversion", store, *views)
    assert result.views == views
    a, b = queries(result.metric, store, result.views, (), {})
    assert [(q.side, answered(store, q)["customers"].tolist()) for q in (a, b)] == [("a", [2]), ("b", [2])]
    flows = cx.compare("flow_links", store, *views)
    (both,) = queries(flows.metric, store, flows.views, (), {})
    found = answered(store, both)
    assert set(found["side"]) == {"a", "b"}


def test_protected_groups_are_protected_in_the_query_too() -> None:
    store = dataset(paths(*["A B"] * 12, "A X"))
    (query,) = queries(find("conversion"), store, (View(goal=("B",)),), (), {}, Privacy())
    result = cx.run("conversion", store, View(goal=("B",)), privacy=Privacy())
    assert answered(store, query)["customers"].tolist() == result.frame["customers"].tolist()


@pytest.mark.parametrize(
    ("measures", "expected"),
    [(("conversion_rate",), {"customers": (4, 4)}), (("customers",), {}), (("no such",), {})],
)
def test_what_a_number_rests_on(measures: Sequence[str], expected: Mapping[str, Any]) -> None:
    store = dataset(paths("A B C", "A B", "A X", "X"))
    assert rests_on(cx.run("conversion", store, View(goal=("C",))), measures) == expected


def test_what_many_rows_rest_on_is_a_range() -> None:
    people = [{"customer_id": f"u{i}", "persona": "saver" if i < 4 else "family"} for i in range(1, 5)]
    store = dataset(paths("A B C", "A B", "A X", "X"), customers=people)
    result = cx.run("conversion", store, View(goal=("C",)), by=["persona"])
    assert rests_on(result, ("conversion_rate",)) == {"customers": (1, 3)}
