"""Funnels picked from touchpoints in memory are those that a query would have picked, under every view."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import cx_metrics as cx
from cx_metrics.engines import Store, duckdb_store
from cx_metrics.sequences import Sequences
from cx_metrics.steps import Exclusion, Kind, Step
from tests.conftest import dataset, paths, seldom
from tests.engines.events import STEPS, views
from tests.second_opinion import segment_view
from tests.test_reconciliation import random_store

RULES: tuple[dict[str, str], ...] = (
    {}, {"order": "strict"}, {"order": "unordered"}, {"exclude": "C"}, {"entry": "first_entry", "repeats": "end_the_try"},
    {"span": "every_step", "window": "unlimited"}, {"equal_times": "apart", "window": "2d"},
)  # fmt: skip


class Asking(Store):
    """A store that asks a query for every funnel."""

    def sequences(self) -> Sequences | None:
        return None


def twin(store: Store) -> Asking:
    return Asking(store.connection, store.facts, store.tables)


def same(store: Store, view: cx.View, metric: str = "funnel", **options: str) -> None:
    found, expected = (cx.run(metric, held, view, **options).frame for held in (store, twin(store)))
    pd.testing.assert_frame_equal(found, expected, check_dtype=False)


@pytest.mark.parametrize("timed", [True, *seldom(False)])
def test_every_kind_of_view_gives_the_funnel_of_a_query(timed: bool) -> None:
    store, rows = random_store(4, 40, timed)
    assert store.sequences() is not None
    dice = random.Random(4)
    asked = [*views(timed).values(), *(segment_view(dice, rows, store) for _ in range(4))]
    for place, view in enumerate(asked):
        steps = STEPS[place % len(STEPS)]
        rules = RULES[place % len(RULES)] if "?" not in steps and "@" not in steps else {}
        same(store, view, steps=steps, **rules)
        same(store, view, "drop_out_next", steps=steps, **rules)


@pytest.mark.parametrize("rules", [*RULES[::2], *seldom(*RULES[1::2])])
def test_every_rule_gives_the_funnel_of_a_query(rules: dict[str, str]) -> None:
    store, _rows = random_store(5, 60)
    ranged = views()["range"]
    for steps in ("A,B", "A|a,b,B", "B,A,B"):
        for view in (cx.View(), ranged, replace(ranged, range_rule="journeys")):
            same(store, view, steps=steps, **rules)
    same(store, ranged, "conversion_trend", steps="A|a,b|B", **rules)
    same(store, ranged, "drop_out_next", steps="A|a,b|B", **rules)


def test_touchpoints_that_open_no_try_are_left_out() -> None:
    store = dataset(paths("A B", "B A", "B C", "A X B"))
    held = store.sequences()
    assert held is not None
    funnel = cx.funnel.Funnel((Step(("A",)), Step(("B",))))
    assert held.step_events(funnel, None, (None, None), False)["journey_id"].tolist() == [1, 1, 2, 2, 4, 4]
    strict = replace(funnel, order="strict")
    assert held.step_events(strict, None, (None, None), False)["journey_id"].tolist() == [1, 1, 2, 2, 4, 4, 4]
    people = np.array([False, True, False, True])  # by number: the first, and one who never takes a step
    assert held.step_events(funnel, people, (None, None), False)["journey_id"].tolist() == [1, 1]
    shut = replace(funnel, exclude=(Exclusion(Kind(("X",))),))
    assert held.step_events(shut, None, (None, None), False)["marks"].tolist() == [1, 2, 2, 1, 1, 4, 2]


def test_too_many_touchpoints_stay_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    store = dataset(paths("A B", "A"))
    monkeypatch.setattr(duckdb_store, "MOST_ROWS", 2)
    assert store.sequences() is None
    assert cx.run("funnel", store, steps="A,B").frame["customers"].tolist() == [2, 1]


def test_rows_in_no_order_are_put_in_order() -> None:
    rows = pd.DataFrame({"who": [2, 1, 1, 1], "at": [5, 9, 3, 3], "number": [1, 2, 3, 4], "sequence": [0, 1, 3, 2]})
    held = Sequences.of(rows.astype({"who": "int32"}), {"a": 1, "b": 2, "c": 3, "d": 4})
    assert (
        held.who.tolist() == [1, 1, 1, 2] and held.at.tolist() == [3, 3, 9, 5] and held.number.tolist() == [4, 3, 2, 1]
    )


def test_without_touchpoints_there_is_nobody() -> None:
    held = Sequences.of(pd.DataFrame({c: pd.Series(dtype="int64") for c in ("who", "at", "number", "sequence")}), {})
    assert held.step_events(cx.funnel.Funnel((Step(("A",)),)), None, (None, None), False).empty
