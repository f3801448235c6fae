"""Views of those who were lost in a funnel, or came through: every metric counts these journeys, and the funnel agrees."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

import cx_metrics as cx
from cx_metrics.errors import OptionProblem
from cx_metrics.view import Filter, Member, Tried, View
from tests.conftest import MORNING, dataset, paths

JOURNEYS = ("A B C", "A B", "A X B X", "A", "A Y", "B C", "A B X C")


SAID = [{"customer_id": f"u{i}", "score": 2.0 * i, "scale_low": 0.0, "scale_high": 10.0} for i in (1, 4, 5)]


def tried(step: int, lost: bool = True, **rules: str) -> View:
    return View(tried=Tried(step, lost, tuple(sorted(({"steps": "A,B,C"} | rules).items()))))


def flow_of(store: Any, view: View) -> dict[tuple[str, ...], int]:
    """Whole paths and how many journeys take them."""
    frame = cx.run("variants", store, view, top=50).frame
    return {tuple(path): int(n) for path, n in zip(frame["path"], frame["journeys"], strict=True)}


@pytest.mark.parametrize("cube_share", [0.0, 1_000.0])
def test_those_lost_before_a_step_are_those_the_funnel_lost(cube_share: float) -> None:
    store = dataset(paths(*JOURNEYS), cube_share=cube_share)
    assert cx.run("funnel", store, steps="A,B,C").frame["drop_off"].tolist() == [0, 2, 2]
    assert flow_of(store, tried(2)) == {("A",): 1, ("A", "Y"): 1}
    assert flow_of(store, tried(3)) == {("A", "B"): 1, ("A", "X", "B", "X"): 1}
    assert flow_of(store, tried(3, lost=False)) == {("A", "B", "C"): 1, ("A", "B", "X", "C"): 1}
    assert flow_of(store, tried(1, lost=False)) == {p: n for p, n in flow_of(store, View()).items() if p != ("B", "C")}
    assert cx.people(store, tried(2)) == {"customers": 2, "journeys": 2, "touchpoints": 3, "begun_earlier": 0}


def test_the_funnel_of_those_who_were_lost_loses_them_all() -> None:
    store = dataset(paths(*JOURNEYS))
    frame = cx.run("funnel", store, tried(3), steps="A,B,C").frame
    assert frame["customers"].tolist() == [2, 2, 0]


def test_others_who_are_chosen_alike_ask_the_same_compiled_query() -> None:
    people = [{"customer_id": f"u{i}", "persona": "xy"[i % 2]} for i in range(1, 8)]
    x, y = (replace(tried(2), customers=(Filter("persona", (value,)),)) for value in "xy")
    store = dataset(paths(*JOURNEYS), SAID, customers=people)
    first = cx.run("nps", store, x).frame
    compiled = len(store._compiled)
    other = cx.run("nps", store, y).frame
    assert len(store._compiled) == compiled
    assert first["nps"].tolist() == [0.0] and other["nps"].tolist() == [100.0]  # u4 gave 8 of 10, u5 gave 10


def test_another_step_and_another_funnel_ask_the_same_compiled_query() -> None:
    people = [{"customer_id": f"u{i}", "persona": "xy"[i % 2]} for i in range(1, 8)]
    asked = [
        tried(2),
        tried(3),
        tried(3, lost=False),
        tried(2, steps="A,X"),
        tried(2, lost=False, steps="B,C", order="unordered"),
    ]
    asked += [
        View(members=(Member("those", text, inside),))
        for text in ("touchpoint=A", "persona=x")
        for inside in (True, False)
    ]
    store = dataset(paths(*JOURNEYS), SAID, customers=people)
    for metric in ("nps", "variants"):
        cx.run(metric, store, asked[0])
        cx.run(metric, store, asked[-1])
    kinds = {key[0] for key in store._compiled}
    compiled = len([key for key in store._compiled if key[0] in ("nps", "variants")])
    for view in asked:
        for metric in ("nps", "variants"):
            alone = dataset(paths(*JOURNEYS), SAID, customers=people)  # it has compiled nothing yet
            pd.testing.assert_frame_equal(cx.run(metric, store, view).frame, cx.run(metric, alone, view).frame)
    assert (
        len([key for key in store._compiled if key[0] in ("nps", "variants")]) == compiled
        and {"nps", "variants"} <= kinds
    )


def test_the_rules_of_the_funnel_count() -> None:
    rows = [row | {"channel": "web" if i % 2 else "app"} for i, row in enumerate(paths(*JOURNEYS))]
    store = dataset(rows)
    assert flow_of(store, tried(2, order="strict")) == {("A",): 1, ("A", "Y"): 1, ("A", "X", "B", "X"): 1}
    assert sum(flow_of(store, tried(2, exclude="X")).values()) == 2  # "A X B X" left the funnel
    assert flow_of(store, tried(2, lost=False, steps="A,X?,B")) == {
        ("A", "X", "B", "X"): 1
    }  # who took the optional step


def test_other_filters_say_under_which_view_the_funnel_is_walked() -> None:
    day = timedelta(days=1)
    rows = [
        {"customer_id": "u1", "touchpoint": "A", "occurred_at": MORNING, "persona": "saver"},
        {"customer_id": "u1", "touchpoint": "B", "occurred_at": MORNING + 3 * day, "persona": "saver"},
        {"customer_id": "u2", "touchpoint": "A", "occurred_at": MORNING + day, "persona": "family"},
        {"customer_id": "u3", "touchpoint": "A", "occurred_at": MORNING, "persona": "saver"},
    ]
    store = dataset(
        rows,
        customers=[{"customer_id": c, "persona": p} for c, p in (("u1", "saver"), ("u2", "family"), ("u3", "saver"))],
    )
    lost = tried(2, steps="A,B")
    assert cx.people(store, lost)["customers"] == 2
    assert cx.people(store, replace(lost, customers=(Filter("persona", ("saver",)),)))["customers"] == 1
    first = replace(lost, first_day=date(2026, 1, 5), last_day=date(2026, 1, 5))
    assert cx.people(store, first)["customers"] == 1  # u3; u2 entered later, and u1 went on after the range
    assert cx.people(store, replace(lost, grain="session"))["journeys"] == 3  # by session, u1's A is lost too
    wide = replace(first, tried=Tried(2, True, (("span", "every_step"), ("steps", "A,B"))))
    assert cx.people(store, wide)["customers"] == 2


def test_answers_are_those_of_the_people_who_are_left() -> None:
    store = dataset(paths(*JOURNEYS), SAID)
    assert cx.run("nps", store, tried(2)).frame["responses"].tolist() == [2]
    assert cx.run("nps", store, tried(3, lost=False)).frame["responses"].tolist() == [1]


def test_two_sides_of_a_comparison_can_be_the_lost_and_the_rest() -> None:
    store = dataset(paths(*JOURNEYS))
    frame = cx.compare("variants", store, tried(3), tried(3, lost=False)).frame
    assert frame["all_a"].tolist()[0] == frame["all_b"].tolist()[0] == 2
    assert set(frame["journeys_a"]) == {0, 1}


def test_nobody_left_is_an_answer_and_cases_are_journeys_too() -> None:
    rows = [row | {"case_id": row["customer_id"] + "/1"} for row in paths(*JOURNEYS)]
    store = dataset(rows)
    assert cx.people(store, tried(2, steps="X,Y"))["customers"] == 2
    assert cx.people(store, tried(2, lost=False, steps="Y,X"))["customers"] == 0
    assert cx.people(store, replace(tried(2), grain="case"))["journeys"] == 2
    assert cx.people(store, replace(tried(2, lost=False, steps="Y,X"), grain="case"))["journeys"] == 0


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (tried(4), "it has 3 steps"),
        (tried(1), "lost before step 1"),
        (tried(2, steps="A,B?,C"), "lost before step 2"),
        (tried(2, steps="A"), "2 to 12 steps"),
        (tried(2, order="sideways"), "sideways"),
    ],
)
def test_a_step_or_a_funnel_that_cannot_be_is_refused(view: View, words: str) -> None:
    with pytest.raises(OptionProblem, match=words):
        cx.people(dataset(paths(*JOURNEYS)), view)


def test_the_definition_says_whose_journeys_they_are() -> None:
    store = dataset(paths(*JOURNEYS))
    said = cx.run("flow_links", store, tried(3)).definition
    assert said["population"]["tried"] == {"step": 3, "lost": True, "funnel": {"steps": "A,B,C"}}
    assert said["hash"] != cx.run("flow_links", store, tried(2)).definition["hash"]
