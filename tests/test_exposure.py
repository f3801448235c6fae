"""Exposure curves: every point by hand once, then against plain Python on random journeys."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cx_metrics as cx
from cx_metrics.errors import ViewProblem
from cx_metrics.view import Filter, View
from tests.conftest import MORNING, dataset, paths

Row = dict[str, Any]
POINTS = ["0", "1", "2", "3", "4", "5+"]


def curves(rows: list[Row], view: View | None = None, **options: Any) -> dict[str, list[tuple[int, int]]]:
    """Customers and converted at each point, by touchpoint, in the order of the result."""
    found: dict[str, list[tuple[int, int]]] = {}
    for row in cx.run("exposure_curve", dataset(rows, goal=("buy",)), view, **options).to_dict()["rows"]:
        points = found.setdefault(row["touchpoint"], [])
        assert row["contacts"] == POINTS[len(points)]
        points.append((row["customers"], row["converted"]))
    return found


def test_customers_stand_at_their_number_of_contacts_before_the_first_conversion() -> None:
    rows = paths("ad ad buy", "ad", "visit buy", "ad ad ad ad ad ad", "ad ad ad ad ad")
    assert curves(rows) == {
        # u3 never saw it and converts; u2 once; u1 twice and converts; u4 and u5 five times or more
        "ad": [(1, 1), (1, 0), (1, 1), (0, 0), (0, 0), (2, 0)],
        "visit": [(4, 1), (1, 1), (0, 0), (0, 0), (0, 0), (0, 0)],
    }


def test_rates_are_shares_of_the_customers_at_the_point_with_their_wilson_interval() -> None:
    rows = paths(*["ad buy"] * 8, *["ad"] * 2, "visit")
    found = cx.run("exposure_curve", dataset(rows, goal=("buy",)), touchpoint="ad").to_dict()["rows"]
    once = found[1]
    # 8 of 10, Wilson (statsmodels 0.15.0): .4902, .9433
    assert (once["customers"], once["converted"], once["conversion_rate"]) == (10, 8, 0.8)
    assert (once["conversion_rate_low"], once["conversion_rate_high"]) == pytest.approx((0.4902, 0.9433), abs=0.0001)
    assert found[2]["customers"] == 0 and found[2]["conversion_rate"] is found[2]["conversion_rate_low"] is None


def test_contacts_at_or_after_the_first_conversion_do_not_count() -> None:
    assert curves(paths("ad buy ad ad buy ad"))["ad"][1] == (1, 1)
    assert curves(paths("buy ad")) == {}  # nobody met it before


def test_at_one_instant_the_order_of_arrival_says_what_came_before() -> None:
    same = {"occurred_at": MORNING}
    before = [row | same for row in paths("ad buy")]
    after = [row | same | {"customer_id": "u2"} for row in paths("buy ad")]
    assert curves(before + after)["ad"] == [(1, 1), (1, 1), (0, 0), (0, 0), (0, 0), (0, 0)]


def test_touchpoints_of_the_goal_have_no_curve() -> None:
    assert set(curves(paths("ad call buy", "ad"), View(goal=("buy", "call")))) == {"ad"}
    assert curves(paths("buy", "buy buy")) == {}


def test_the_most_frequent_contact_stands_first_and_only_so_many_are_shown() -> None:
    rows = paths("b b a", "c a", "d buy d d d")  # before a conversion: a 2 contacts of 2, b 2 of 1, c 1, d 1
    assert list(curves(rows)) == ["a", "b", "c", "d"]
    assert list(curves(rows, top=2)) == ["a", "b"]


def test_chosen_touchpoints_are_all_shown_whatever_the_top() -> None:
    rows = paths("a b c", "a b", "a")
    assert list(curves(rows, touchpoint="c|b", top=1)) == ["b", "c"]
    assert list(curves(rows, touchpoint=("nowhere",))) == []
    assert curves(rows, touchpoint="all") == curves(rows)
    assert set(curves(paths("all", "a"), touchpoint='"all"')) == {"all"}


def test_the_customers_of_a_view_are_those_of_every_curve() -> None:
    rows = paths("ad buy", "visit", "visit ad ad buy", "ad visit", seconds=86_400)
    view = View(first_day=date(2026, 1, 6))  # the second day: u1's ad and u2 are gone, u3 has ad ad buy
    assert curves(rows, view) == {
        "ad": [(2, 1), (0, 0), (1, 1), (0, 0), (0, 0), (0, 0)],
        "visit": [(2, 2), (1, 0), (0, 0), (0, 0), (0, 0), (0, 0)],
    }


def test_only_these_touchpoints_leave_the_order_of_the_others() -> None:
    only = View(touchpoints=(Filter("touchpoint", ("ad", "buy")),), touchpoint_rule="touchpoints")
    assert curves(paths("ad visit buy ad"), only) == {"ad": [(0, 0), (1, 1), (0, 0), (0, 0), (0, 0), (0, 0)]}


def test_every_group_has_every_curve_of_the_whole() -> None:
    rows = [
        row | {"region": {"u1": "north", "u2": "north"}.get(row["customer_id"])} for row in paths("a buy", "a", "b")
    ]
    found = cx.run("exposure_curve", dataset(rows, goal=("buy",)), by=["region"]).to_dict()["rows"]
    assert len(found) == 2 * 2 * 6
    first = {(r["region"], r["touchpoint"]): (r["customers"], r["converted"]) for r in found if r["contacts"] == "0"}
    assert first == {("north", "a"): (0, 0), ("north", "b"): (2, 1), (None, "a"): (1, 0), (None, "b"): (0, 0)}
    assert [r["region"] for r in found[:12]] == ["north"] * 12


def test_a_group_of_touchpoints_asks_the_whole_journey_when_the_conversion_was() -> None:
    rows = paths("a a buy a")
    rows[0]["channel"], rows[1]["channel"], rows[3]["channel"] = "web", "app", "web"
    found = cx.run("exposure_curve", dataset(rows, goal=("buy",)), by=["channel"]).to_dict()["rows"]
    once = {r["channel"]: (r["customers"], r["converted"]) for r in found if r["contacts"] == "1"}
    assert once == {"web": (1, 1), "app": (1, 1), None: (0, 0)}


def test_a_curve_needs_a_goal() -> None:
    with pytest.raises(ViewProblem, match="Exposure curve needs a goal"):
        cx.run("exposure_curve", dataset(paths("a")))


# Second opinion


def opinion(journeys: list[list[str]]) -> dict[str, list[tuple[int, int]]]:
    """Customer by customer: count up to the first "buy"."""
    names = {name for names in journeys for name in names[: names.index("buy") if "buy" in names else None]}
    found: dict[str, list[list[int]]] = defaultdict(lambda: [[0, 0] for _ in POINTS])
    for own in journeys:
        converted = "buy" in own
        before = own[: own.index("buy")] if converted else own
        for name in names:
            point = found[name][min(before.count(name), 5)]
            point[0] += 1
            point[1] += converted
    return {name: [(a, b) for a, b in points] for name, points in found.items()}


def agree(chance: random.Random, customers: int) -> None:
    journeys = [
        chance.choices(["a", "b", "c d", "buy"], [6, 3, 1, 1], k=chance.randint(1, 12)) for _ in range(customers)
    ]
    rows = [
        {"customer_id": f"u{u}", "touchpoint": name, "occurred_at": MORNING, "mark": str(i)}  # at one instant, in order
        for u, names in enumerate(journeys)
        for i, name in enumerate(names)
    ]
    assert curves(rows) == opinion(journeys)


def test_curves_agree_with_plain_python_on_random_journeys() -> None:
    agree(random.Random(3), 400)


@pytest.mark.long
def test_curves_agree_with_plain_python_on_10_000_random_journeys() -> None:
    agree(random.Random(4), 10_000)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(st.sampled_from(["a", "b", "buy"]), min_size=1, max_size=7), min_size=1, max_size=6))
def test_the_points_of_a_curve_add_up_to_the_customers_and_the_converted(journeys: list[list[str]]) -> None:
    found = curves(paths(*(" ".join(names) for names in journeys)))
    converted = sum("buy" in names for names in journeys)
    for points in found.values():
        assert sum(customers for customers, _converted in points) == len(journeys)
        assert sum(some for _customers, some in points) == converted
