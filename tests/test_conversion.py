"""Conversion and time to goal: shares of all customers, a median and the order statistics around it."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from scipy import stats

import cx_metrics as cx
from cx_metrics.errors import ViewProblem
from cx_metrics.view import View
from tests.conftest import MORNING, dataset, paths

Row = dict[str, Any]


def after(seconds: Sequence[float]) -> list[Row]:
    """One customer per number, who buys so many seconds after the first touchpoint."""
    return [
        {"customer_id": f"u{u}", "touchpoint": name, "occurred_at": MORNING + timedelta(seconds=s), "mark": name}
        for u, taken in enumerate(seconds)
        for name, s in (("visit", 0.0), ("buy", taken))
    ]


def time_to_goal(rows: list[Row], **options: Any) -> Row:
    rows = cx.run("time_to_goal", dataset(rows, goal=("buy",)), **options).to_dict()["rows"]
    assert len(rows) == 1
    return rows[0]


def test_conversion_rate_is_of_all_customers_of_the_view() -> None:
    frame = cx.run("conversion", dataset(paths("A buy buy", "buy", *["A"] * 8), goal=("buy",))).frame
    assert frame[["customers", "converted", "conversion_rate"]].values.tolist() == [[10, 2, 0.2]]
    # Wilson of 2 of 10 mirrors 8 of 10: 1 − .9433, 1 − .4902
    row = frame.iloc[0]
    assert (row["conversion_rate_low"], row["conversion_rate_high"]) == pytest.approx((0.0567, 0.5098), abs=0.0001)


def test_any_of_several_goals_converts_and_the_goal_of_the_view_wins() -> None:
    store = dataset(paths("A buy", "A call", "A"), goal=("buy", "call"))
    assert cx.run("conversion", store).frame["converted"].item() == 2
    assert cx.run("conversion", store, View(goal=("call",))).frame["converted"].item() == 1
    with pytest.raises(ViewProblem, match="needs a goal"):
        cx.run("conversion", store, View(goal=()))


def test_conversion_by_group_keeps_groups_without_a_conversion() -> None:
    rows = [
        row | {"region": {"u1": "north", "u2": "south"}.get(row["customer_id"])} for row in paths("A buy", "A", "buy")
    ]
    result = cx.run("conversion", dataset(rows, goal=("buy",)), by=["region"]).to_dict()["rows"]
    assert [(r["region"], r["customers"], r["converted"]) for r in result] == [
        ("north", 1, 1),
        ("south", 1, 0),
        (None, 1, 1),
    ]


def test_no_customers_convert_at_an_unknown_rate() -> None:
    row = cx.run("conversion", dataset([], goal=("buy",))).to_dict()["rows"][0]
    assert row == {
        "customers": 0, "converted": 0, "conversion_rate": None, "conversion_rate_low": None, "conversion_rate_high": None,
    }  # fmt: skip


@pytest.mark.parametrize("n", [1, 2, 7, 8, 51])
def test_median_time_to_goal_is_that_of_the_standard_library(n: int) -> None:
    seconds = [round(random.Random(n + i).expovariate(1 / 5_000), 3) for i in range(n)]
    row = time_to_goal(after(seconds))
    assert row["customers"] == n
    assert row["median_seconds"] == pytest.approx(statistics.median(seconds))


@pytest.mark.parametrize(
    ("n", "low", "high"),
    # ranks of the shortest symmetric interval with P(X < low) ≤ .025, X ~ Binomial(n, ½): Conover (1999) §3.2, table A3.
    # n = 10: P(X ≤ 1) = 11 / 1024 = .0107, P(X ≤ 2) = 56 / 1024 = .0547: ranks 2 and 9. n = 6: P(X ≤ 0) = 1 / 64 = .0156.
    [(6, 1, 6), (8, 1, 8), (9, 2, 8), (10, 2, 9), (20, 6, 15), (25, 8, 18), (100, 40, 61)],
)
def test_interval_of_the_median_lies_between_order_statistics(n: int, low: int, high: int) -> None:
    seconds = [float(10 * i) for i in range(1, n + 1)]
    random.Random(n).shuffle(seconds)
    row = time_to_goal(after(seconds))
    assert (row["median_seconds_low"], row["median_seconds_high"]) == (10 * low, 10 * high)


def test_fewer_than_six_customers_have_a_median_without_interval() -> None:
    for n in (1, 5):  # n = 5: even the whole range covers the median with 1 − 2 / 32 = .9375 only
        row = time_to_goal(after([10.0 * i for i in range(1, n + 1)]))
        assert row["median_seconds_low"] is row["median_seconds_high"] is None


def test_interval_of_the_median_follows_the_confidence() -> None:
    # 80 %, n = 10: P(X ≤ 2) = .0547 ≤ .10 < P(X ≤ 3) = .1719: ranks 3 and 8
    row = time_to_goal(after([10.0 * i for i in range(1, 11)]), confidence=0.8)
    assert (row["median_seconds_low"], row["median_seconds_high"]) == (30, 80)


def test_interval_of_the_median_keeps_its_promise_at_every_size() -> None:
    seconds, sizes = [], []
    for n in range(6, 60):
        seconds += [(n, float(i)) for i in range(1, n + 1)]
        sizes.append(n)
    rows = [
        {"customer_id": f"u{n}-{i}", "touchpoint": name, "mark": name, "size": str(n)}
        | {"occurred_at": MORNING + timedelta(seconds=t)}
        for n, i in seconds
        for name, t in (("visit", 0.0), ("buy", i))
    ]
    frame = cx.run("time_to_goal", dataset(rows, goal=("buy",)), by=["size"]).frame.set_index("size")
    for n in sizes:
        low, high = frame.loc[str(n), "median_seconds_low"], frame.loc[str(n), "median_seconds_high"]
        assert low + high == n + 1
        assert stats.binom.cdf(high - 1, n, 0.5) - stats.binom.cdf(low - 1, n, 0.5) >= 0.95


def test_the_first_goal_counts_and_a_goal_at_once_takes_0_seconds() -> None:
    rows = after([30.0]) + [{"customer_id": "u0", "touchpoint": "buy", "occurred_at": MORNING + timedelta(seconds=99)}]
    assert time_to_goal(rows)["median_seconds"] == 30
    assert time_to_goal(paths("buy A"))["median_seconds"] == 0


def test_customers_who_never_reach_the_goal_have_no_time() -> None:
    assert time_to_goal(paths("A", "A B")) == {
        "customers": 0, "median_seconds": None, "median_seconds_low": None, "median_seconds_high": None,
    }  # fmt: skip
    assert time_to_goal(paths("A", "A buy"))["customers"] == 1


def test_time_runs_from_the_first_touchpoint_in_the_range() -> None:
    rows = after([7_200.0])
    rows[0]["occurred_at"] -= timedelta(1)
    rows.append({"customer_id": "u0", "touchpoint": "visit", "occurred_at": MORNING})
    store = dataset(rows, goal=("buy",))
    assert cx.run("time_to_goal", store).frame["median_seconds"].item() == 86_400 + 7_200
    today = View(first_day=date(2026, 1, 5), last_day=date(2026, 1, 5))
    assert cx.run("time_to_goal", store, today).frame["median_seconds"].item() == 7_200


def test_time_to_goal_by_group_has_a_row_for_each_group_that_converts() -> None:
    rows = [row | {"region": None if row["customer_id"] == "u2" else "north"} for row in after([10, 20, 50])]
    result = cx.run("time_to_goal", dataset(rows, goal=("buy",)), by=["region"]).to_dict()["rows"]
    assert [(r["region"], r["customers"], r["median_seconds"]) for r in result] == [("north", 2, 15), (None, 1, 50)]


def test_time_to_goal_without_times_is_refused() -> None:
    with pytest.raises(ViewProblem, match="needs times"):
        time_to_goal([row | {"occurred_at": None} for row in paths("A buy")])
    assert not math.isnan(cx.run("conversion", dataset([row | {"occurred_at": None} for row in paths("A buy")], goal=("buy",)))
                          .frame["conversion_rate"].item())  # fmt: skip
