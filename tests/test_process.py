"""The process view: matrices, rework, durations: known answers, and a plain-Python second opinion."""

from __future__ import annotations

import random
import statistics
from collections import Counter, defaultdict
from datetime import timedelta

import numpy as np
import pytest
from scipy import stats

import cx_metrics as cx
from cx_metrics.view import View
from tests.conftest import MORNING, dataset, paths
from tests.test_flows import L1, random_journeys, records, sessions_of, timed

# Matrices


def test_step_matrix_of_two_journeys_keeps_the_one_that_is_over_in_path_end() -> None:
    #: paths A B and A: step 2: B .5, path_end .5
    frame = cx.run("step_matrix", dataset(paths("A B", "A")), steps=3).frame
    assert records(frame, "step", "touchpoint", "journeys", "share", "all_journeys") == [
        (1, "A", 2, 1, 2), (2, "B", 1, 0.5, 2), (2, "path_end", 1, 0.5, 2), (3, "path_end", 2, 1, 2),
    ]  # fmt: skip


def test_transition_matrix_of_two_journeys_has_rows_that_add_up_to_one() -> None:
    #: paths A B and A: row A: B .5, path_end .5
    frame = cx.run("transition_matrix", dataset(paths("A B", "A"))).frame
    assert records(frame, "touchpoint", "next_touchpoint", "transitions", "share", "all_transitions") == [
        ("A", "B", 1, 0.5, 2), ("A", "path_end", 1, 0.5, 2), ("B", "path_end", 1, 1, 1), ("path_start", "A", 2, 1, 2),
    ]  # fmt: skip


def test_shares_of_the_matrices_have_wilson_intervals() -> None:
    #: 8 of 10 (R prop.test, correct = FALSE): .4902, .9433
    store = dataset(paths(*["A B"] * 8, "A", "A"))
    step = cx.run("step_matrix", store).frame.query("step == 2 and touchpoint == 'B'").iloc[0]
    move = cx.run("transition_matrix", store).frame.query("touchpoint == 'A' and next_touchpoint == 'B'").iloc[0]
    for row in (step, move):
        assert (row["share_low"], row["share_high"]) == pytest.approx((0.4902, 0.9433), abs=5e-5)


def test_small_touchpoints_of_a_step_fold_and_every_step_still_adds_up() -> None:
    store = dataset(paths("A X", "A Y Z", "B Y", "C"))
    frame = cx.run("step_matrix", store, top=1, steps=3).frame
    assert records(frame, "step", "touchpoint", "journeys") == [
        (1, "(other)", 2), (1, "A", 2), (2, "Y", 2), (2, "(other)", 1), (2, "path_end", 1), (3, "Z", 1), (3, "path_end", 3),
    ]  # fmt: skip
    assert (frame.groupby("step")["journeys"].sum() == 4).all()


def test_groups_have_step_matrices_of_their_own_journeys() -> None:
    rows = [row | {"persona": "p" if row["customer_id"] == "u1" else None} for row in paths("A B", "A", "B")]
    frame = cx.run("step_matrix", dataset(rows), by=["persona"], steps=2).frame
    assert records(frame, "persona", "step", "touchpoint", "journeys", "all_journeys") == [
        ("p", 1, "A", 1, 1), ("p", 2, "B", 1, 1), (None, 1, "A", 1, 2), (None, 1, "B", 1, 2), (None, 2, "path_end", 2, 2),
    ]  # fmt: skip


def test_as_many_journeys_begin_as_end_and_begin_and_end_in_log_l1_at_one_place() -> None:
    #: van der Aalst's L1: start a 6, end d 6
    frame = cx.run("transition_matrix", dataset(paths(*L1))).frame
    start, end = frame[frame["touchpoint"] == "path_start"], frame[frame["next_touchpoint"] == "path_end"]
    assert records(start, "next_touchpoint", "transitions") == [("a", 6)]
    assert records(end, "touchpoint", "transitions") == [("d", 6)]


# Times of moves


@pytest.mark.parametrize("seconds", [[5], [1, 2], list(range(0, 101, 10)), [3, 3, 3, 80], [0.5, 1.25, 7, 11, 400, 401]])
def test_nine_in_ten_moves_stay_under_the_ninth_decile_of_numpy(seconds: list[float]) -> None:
    rows = [row for u, s in enumerate(seconds) for row in timed(f"u{u}", ("A", 0), ("B", s))]
    frame = cx.run("transitions", dataset(rows), times="all").frame
    assert frame["p90_seconds"].tolist() == pytest.approx([np.quantile(seconds, 0.9)])
    assert cx.run("transitions", dataset(rows)).frame["p90_seconds"].isna().all()


def test_times_of_moves_that_are_not_known_have_no_ninth_decile() -> None:
    store = dataset([row | {"occurred_at": None} for row in paths("A B")])
    assert cx.run("transitions", store, times="all").frame["p90_seconds"].isna().all()


# Rework


def test_rework_counts_journeys_that_come_back_to_a_touchpoint_directly_or_later() -> None:
    frame = cx.run("rework", dataset(paths("A B A", "A A C", "C"))).frame
    columns = ("touchpoint", "journeys", "reworked", "rework_rate", "occurrences", "begins", "ends", "all_journeys")
    assert records(frame, *columns) == [
        ("A", 2, 2, 1, 4, 2, 1, 3), ("C", 2, 0, 0, 2, 1, 2, 3), ("B", 1, 0, 0, 1, 0, 0, 3),
    ]  # fmt: skip


def test_log_l1_has_no_rework_and_begins_and_ends_at_one_place() -> None:
    #: van der Aalst's L1: start a 6, end d 6; no activity twice
    frame = cx.run("rework", dataset(paths(*L1))).frame
    assert frame["reworked"].tolist() == [0] * 5
    assert {name: n for name, n in records(frame, "touchpoint", "begins") if n} == {"a": 6}
    assert {name: n for name, n in records(frame, "touchpoint", "ends") if n} == {"d": 6}


def rework_agrees(customers: int, grain: str) -> None:
    journeys = random_journeys(random.Random(f"rework {grain}"), customers)
    store = dataset([row for u, items in journeys.items() for row in timed(u, *items)])
    units = list(journeys.values()) if grain == "journey" else sessions_of(journeys)
    expected: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for unit in units:
        for name, times in Counter(name for name, _t in unit).items():
            counted = (1, times > 1, times, unit[0][0] == name, unit[-1][0] == name)
            expected[name] = [n + more for n, more in zip(expected[name], counted, strict=True)]
    frame = cx.run("rework", store, View(grain=grain)).frame  # type: ignore[arg-type]
    found = {
        row[0]: [*row[1:]]
        for row in records(frame, "touchpoint", "journeys", "reworked", "occurrences", "begins", "ends")
    }
    assert found == expected
    assert frame["begins"].sum() == frame["ends"].sum() == len(units)
    assert set(frame["all_journeys"]) == {len(units)}


@pytest.mark.parametrize("grain", ["journey", "session"])
def test_rework_agrees_with_plain_python_on_random_journeys(grain: str) -> None:
    rework_agrees(150, grain)


@pytest.mark.long
@pytest.mark.parametrize("grain", ["journey", "session"])
def test_rework_agrees_with_plain_python_on_many_random_journeys(grain: str) -> None:
    rework_agrees(10_000, grain)


# Duration


def test_a_journey_lasts_from_first_to_last_touchpoint_and_one_touchpoint_lasts_0() -> None:
    #: case duration = last − first; a case of one event lasts 0
    rows = [*timed("u1", ("A", 0), ("B", 40), ("A", 90)), *timed("u2", ("A", 7)), *timed("u3", ("A", 0), ("B", 30))]
    frame = cx.run("journey_duration", dataset(rows)).frame
    columns = ("journeys", "mean_seconds", "median_seconds", "touchpoints_mean", "timed_journeys")
    assert records(frame, *columns) == [(3, 40, 30, 2, 3)]


@pytest.mark.parametrize(("n", "low", "high"), [(100, 40, 61), (10, 2, 9), (6, 1, 6)])
def test_interval_of_the_median_reaches_between_ranks_that_hold_95_percent(n: int, low: int, high: int) -> None:
    # ranks of the binomial table; 100: 40th and 61st (Campbell & Gardner 1988, BMJ 296)
    rows = [row for u in range(1, n + 1) for row in timed(f"u{u}", ("A", 0), ("B", u))]  # the u-th lasts u seconds
    row = cx.run("journey_duration", dataset(rows)).frame.iloc[0]
    assert (row["median_seconds_low"], row["median_seconds_high"]) == (low, high)
    assert stats.binom.cdf(high - 1, n, 0.5) - stats.binom.cdf(low - 1, n, 0.5) >= 0.95


def test_fewer_than_six_journeys_have_no_interval_of_the_median_and_one_none_of_the_mean() -> None:
    rows = [row for u in range(5) for row in timed(f"u{u}", ("A", 0), ("B", u))]
    row = cx.run("journey_duration", dataset(rows)).frame.iloc[0]
    assert np.isnan(row["median_seconds_low"]) and np.isnan(row["median_seconds_high"])
    one = cx.run("journey_duration", dataset(paths("A B"))).frame.iloc[0]
    assert one["mean_seconds"] == 60 and np.isnan(one["mean_seconds_low"])


def test_durations_agree_with_plain_python_on_random_journeys_in_groups() -> None:
    journeys = random_journeys(random.Random("duration"), 200)
    rows = [row | {"persona": u[-1]} for u, items in journeys.items() for row in timed(u, *items)]
    frame = cx.run("journey_duration", dataset(rows), by=["persona"]).frame
    for row in frame.itertuples():
        own = [items for u, items in journeys.items() if u[-1] == row.persona]
        seconds = [items[-1][1] - items[0][1] for items in own]
        low, high = stats.t.interval(0.95, len(own) - 1, statistics.mean(seconds), stats.sem(seconds))
        assert row.journeys == row.timed_journeys == len(own)
        assert row.mean_seconds == pytest.approx(statistics.mean(seconds))
        assert (row.mean_seconds_low, row.mean_seconds_high) == pytest.approx((max(low, 0), high))
        assert row.median_seconds == statistics.median(seconds)
        assert row.touchpoints_mean == pytest.approx(statistics.mean(map(len, own)))
    assert frame["journeys"].sum() == 200


def test_journeys_without_times_are_counted_and_last_nobody_knows_how_long() -> None:
    rows = [row | ({"occurred_at": None} if row["customer_id"] == "u1" else {}) for row in paths("A B", "A B C")]
    frame = cx.run("journey_duration", dataset(rows)).frame
    assert records(frame, "journeys", "timed_journeys", "mean_seconds", "touchpoints_mean") == [(2, 1, 120, 2.5)]


@pytest.mark.parametrize("route", ["cube", "columns", "windows"])
@pytest.mark.parametrize("grain", ["journey", "session"])
def test_durations_are_the_same_by_every_route(route: str, grain: str) -> None:
    if (route, grain) == ("cube", "session"):
        return  # nothing is added up for sessions
    journeys = random_journeys(random.Random("routes"), 60)
    store = dataset([row for u, items in journeys.items() for row in timed(u, *items)], cube_share=1e9)
    units = list(journeys.values()) if grain == "journey" else sessions_of(journeys)
    frame = cx.run("journey_duration", store, View(grain=grain), route=route).frame  # type: ignore[arg-type]
    assert frame["mean_seconds"].tolist() == pytest.approx([statistics.mean(u[-1][1] - u[0][1] for u in units)])


def test_rework_by_a_column_that_touchpoints_differ_in_is_counted_under_a_range_of_dates_too() -> None:
    store = dataset(paths("A B A", "A B"))
    day = MORNING.date()
    ranged = View(first_day=day, last_day=day)
    found, whole = (cx.run("rework", store, view, by=["week"]).frame for view in (ranged, View()))
    assert records(found, "touchpoint", "journeys", "reworked") == records(whole, "touchpoint", "journeys", "reworked")
    assert {row[:3] for row in records(found, "touchpoint", "journeys", "reworked")} == {("A", 2, 1), ("B", 2, 0)}


def test_the_time_to_the_next_touchpoint_is_that_after_the_first_contact() -> None:
    # A to B: 60, 120, 300 seconds after the first A; the fourth journey ends with A, the second A of the first does not count
    gaps = {"u1": [("A", 0), ("B", 60), ("A", 600), ("C", 660)], "u2": [("A", 0), ("B", 120)], "u3": [("A", 0), ("C", 300)],
            "u4": [("A", 0)]}  # fmt: skip
    rows = [
        {"customer_id": who, "touchpoint": name, "occurred_at": MORNING + timedelta(seconds=after)}
        for who, path in gaps.items() for name, after in path
    ]  # fmt: skip
    frame = cx.run("time_to_next", dataset(rows)).frame
    first = frame[frame["touchpoint"] == "A"].iloc[0]
    assert (first.journeys, first.went_on, first.timed, first.median_seconds) == (4, 3, 3, 120)
    assert frame["touchpoint"].tolist() == ["A", "B", "C"]
    assert cx.run("time_to_next", dataset(rows), touchpoint="C").frame["went_on"].tolist() == [0]


def test_the_median_time_to_next_has_the_order_statistics_around_it() -> None:
    # 10 times of 1 to 10 minutes: ranks 2 and 9 (Conover 1999, 3.2: 5.5 − 1.96 · √10 / 2 = 2.4, rounded down)
    rows = [
        {"customer_id": f"u{i}", "touchpoint": name, "occurred_at": MORNING + timedelta(minutes=after)}
        for i in range(1, 11) for name, after in (("A", 0), ("B", i))
    ]  # fmt: skip
    row = cx.run("time_to_next", dataset(rows), touchpoint="A").frame.iloc[0]
    assert (row.median_seconds, row.median_seconds_low, row.median_seconds_high) == (330, 120, 540)
