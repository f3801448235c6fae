"""The table that says whether the numbers agree: it does for every kind of view, and says so when one is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

import cx_metrics as cx
from cx_metrics.engines import Store
from cx_metrics.errors import ViewProblem
from cx_metrics.reconciling import Check, checks
from cx_metrics.run import Result, conversions
from cx_metrics.texts import Text
from cx_metrics.view import View
from tests.conftest import MORNING, dataset, paths, seldom
from tests.engines.events import views
from tests.test_reconciliation import random_store

ANSWERS = [{"customer_id": f"u{i}", "score": s, "answered_at": MORNING} for i, s in ((1, 10.0), (2, 3.0), (3, 7.0))]


def reconciled(store: Store, view: View, wrong: str = "", by: int = 0) -> list[Check]:
    """The checks of a view; the counts of one metric are `by` too many."""

    def ask(metric: str, by_: tuple[str, ...] = (), **options: Any) -> Result:
        found = cx.run(metric, store, view, by=options.pop("by", by_), **options)
        if metric != wrong:
            return found
        counts = {c: found.frame[c] + by for c in found.frame if pd.api.types.is_integer_dtype(found.frame[c])}
        return replace(found, frame=found.frame.assign(**counts))

    goals = conversions(store, view) if store.facts.goal_of(view) else None
    return checks(ask, cx.people(store, view), goals, store.facts, view)


def test_known_journeys_are_counted_as_by_hand() -> None:
    store = dataset(paths("A B C", "A B", "A X", "B"), ANSWERS)
    found = {str(c.what): (c.page, c.found, c.expected) for c in reconciled(store, View(goal=("C",)))}
    assert found["Journeys that start in the flow"] == ("Journey flow", 4, 4)
    assert found["Journeys in the list of whole paths"] == ("Journey flow", 4, 4)
    assert found["Transitions, and one first touchpoint for each journey"] == ("Journey flow", 8, 8)
    assert found["A trial funnel of the two most frequent touchpoints, A to B: customers who enter it"] == (
        "Drop-off",
        3,
        3,
    )
    assert found["Those who are lost, by where they went next"] == ("Drop-off", 1, 1)
    assert found["Those who come through, by how long it took"] == ("Drop-off", 2, 2)
    assert found["Conversions credited by last touch"] == ("Channels", 1, 1)
    assert found["NPS: promoters, passives and detractors"] == ("Voice", 3, 3)
    assert found["NPS: answers over all months"] == ("Voice", 3, 3)


@pytest.mark.parametrize(
    "name", ["range", "outside of segments", *seldom("attribute", "session", "only these", "lost")]
)
def test_every_kind_of_view_of_a_random_log_agrees(name: str) -> None:
    store, _rows = random_store(5, 25)
    found = reconciled(store, views()[name])
    assert [f"{c.what}: {c.found} of {c.expected} {c.why or ''}" for c in found if not c.agrees] == []
    assert len(found) > 8


def test_a_count_that_is_wrong_is_found() -> None:
    store = dataset(paths("A B C", "A B", "A X", "B"), ANSWERS)
    for metric, page in (("flow_links", "Journey flow"), ("stage_engagement", "Stages"), ("conversion", "Channels"),
                         ("drop_out_next", "Drop-off"), ("transitions", "Journey flow")):  # fmt: skip
        wrong = [c for c in reconciled(store, View(goal=("C",)), metric, 1) if not c.agrees]
        assert {c.page for c in wrong} == {page}, metric


def test_what_cannot_be_counted_says_why_and_the_rest_goes_on() -> None:
    store = dataset(paths("A B C", "A B"))

    def ask(metric: str, by: tuple[str, ...] = (), **options: Any) -> Result:
        if metric == "flow_links":
            raise ViewProblem(Text("{n}", {"n": "too long"}))
        return cx.run(metric, store, by=by, **options)

    found = checks(ask, cx.people(store), None, store.facts, View())
    (broken,) = [c for c in found if c.why is not None]
    assert (broken.page, str(broken.why), broken.agrees) == ("Journey flow", "too long", False)
    assert all(c.agrees for c in found if c is not broken) and len(found) > 6
