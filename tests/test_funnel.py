"""The ordered funnel: known answers of other programs, edges by hand, and a slow second opinion on random journeys."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cx_metrics as cx
from cx_metrics.engines import Store
from cx_metrics.errors import OptionProblem
from cx_metrics.steps import Step
from cx_metrics.view import Filter, View
from tests.conftest import MORNING, dataset, paths

Row = dict[str, Any]
HOUR = 3_600


def at(**journeys: str) -> list[Row]:
    """Touchpoints from journeys like u1="A 0, B 30": name and seconds, in order of arrival."""
    return [
        {
            "customer_id": customer,
            "touchpoint": item.split()[0],
            "occurred_at": MORNING + timedelta(seconds=float(item.split()[1])),
            "mark": str(i),
        }
        for customer, journey in journeys.items()
        for i, item in enumerate(journey.split(","))
    ]


def funnel(rows: list[Row] | Store, steps: str, view: View | None = None, **options: Any) -> pd.DataFrame:
    store = dataset(rows) if isinstance(rows, list) else rows
    return cx.run("funnel", store, view, steps=steps, **options).frame


def counts(rows: list[Row] | Store, steps: str, view: View | None = None, **options: Any) -> list[int]:
    return funnel(rows, steps, view, **options)["customers"].tolist()


def level(journey: str, steps: str, **options: Any) -> int:
    """How many steps the one customer with this journey reaches."""
    return sum(counts(at(u1=journey), steps, **options))


def levels(journeys: Iterable[str], steps: str, **options: Any) -> dict[str, int]:
    """How many steps each of these journeys reaches, one customer each."""
    rows = at(**{journey: journey for journey in journeys})
    frame = cx.run(
        "funnel", dataset([row | {"who": row["customer_id"]} for row in rows]), steps=steps, by=["who"], **options
    ).frame
    return dict(frame[frame["customers"] > 0].groupby("who")["step"].max())


# Known answers of other programs:


def test_four_journeys_of_retentioneering_count_3_2_1() -> None:
    frame = funnel(paths("A B C", "A B", "A", "B"), "A,B,C")  # tests of retentioneering 5.2.4
    assert frame["customers"].tolist() == [3, 2, 1]
    assert frame["share_of_first"].tolist() == pytest.approx([1, 2 / 3, 1 / 3])
    assert frame["share_of_previous"].tolist()[1:] == pytest.approx([2 / 3, 0.5])
    assert frame["share_of_previous"].isna().tolist() == [True, False, False]
    assert frame["drop_off"].tolist() == [0, 1, 1]
    assert frame[["entrants", "previous"]].values.tolist() == [[3, 3], [3, 3], [3, 2]]


def test_clickhouse_in_its_default_mode_reaches_level_4() -> None:
    # ClickHouse windowFunnel: a b c b d for steps a b c d; strict_deduplication stops at 3
    assert counts(paths("a b c b d"), "a,b,c,d") == [1, 1, 1, 1]
    assert counts(paths("a b c b d"), "a,b,c,d", repeats="end_the_try") == [1, 1, 1, 0]


def test_mixpanel_journey_converts_only_with_re_entry() -> None:
    # Mixpanel documentation: steps A B C within 1 h; A 13:00, A 13:30, B 13:45, C 14:15
    rows = at(u1="A 0, A 1800, B 2700, C 4500")
    assert counts(rows, "A,B,C", window="1h") == [1, 1, 1]
    assert counts(rows, "A,B,C", window="1h", entry="first_entry") == [1, 1, 0]


def test_posthog_customer_who_pays_after_8_days_converts_within_14() -> None:
    rows = [
        {"customer_id": "u1", "touchpoint": "sign up", "occurred_at": datetime(2020, 1, 2, 14)},
        {"customer_id": "u1", "touchpoint": "paid", "occurred_at": datetime(2020, 1, 10, 14)},
    ]
    frame = funnel(rows, "sign up,paid", window="14d")
    assert frame["customers"].tolist() == [1, 1]
    assert frame["median_seconds"].tolist()[1] == 691_200  # 8 × 86,400
    assert counts(rows, "sign up,paid", window="7d") == [1, 0]


# Window


def test_window_is_inclusive_to_the_microsecond() -> None:
    assert level(f"A 0, B {HOUR}", "A,B", window="1h") == 2
    assert level(f"A 0, B {HOUR}.000001", "A,B", window="1h") == 1


def test_window_runs_from_the_first_step_not_from_the_step_before() -> None:
    assert level("A 0, B 3600, C 3601", "A,B,C", window="1h") == 2


def test_window_is_14_days_unless_said_otherwise_and_can_be_unlimited() -> None:
    journey = f"A 0, B {14 * 86_400}, C {14 * 86_400 + 1}"
    assert level(journey, "A,B,C") == 2
    assert level(journey, "A,B,C", window="unlimited") == 3


def test_window_is_plain_seconds_across_a_clock_change() -> None:
    # Europe/Berlin, 2026-03-29: 02:00 becomes 03:00. From 12:00 on Saturday to 12:00 on Sunday are 23 hours.
    rows = [
        {"customer_id": "u1", "touchpoint": "A", "occurred_at": datetime(2026, 3, 28, 11)},
        {"customer_id": "u1", "touchpoint": "B", "occurred_at": datetime(2026, 3, 29, 10)},
    ]
    assert counts(dataset(rows, zone="Europe/Berlin"), "A,B", window="23h") == [1, 1]
    assert counts(dataset(rows, zone="Europe/Berlin"), "A,B", window="22h") == [1, 0]


def test_a_window_of_nothing_is_refused_as_text_and_as_value() -> None:
    for window in ("0s", timedelta(0), -timedelta(1)):
        with pytest.raises(OptionProblem):
            counts(paths("A B"), "A,B", window=window)


# One touchpoint serves one step; touchpoints of one instant have no order


@pytest.mark.parametrize(
    ("steps", "reached"),
    [
        ("A,A", {"A 0, B 1": 1, "A 0, A 1": 2, "A 0, A 0": 2}),
        ("A,B,A", {"A 0, B 0": 2, "A 0, B 0, A 0": 3, "A 0, B 5, A 5": 3}),
        ("A,B,C", {"A 1, B 0": 1, "A 0, X 1, B 2, X 3, C 4": 3}),
    ],
)
def test_a_repeated_step_needs_a_touchpoint_of_its_own(steps: str, reached: dict[str, int]) -> None:
    assert levels(reached, steps) == reached


def test_equal_times_convert_in_any_order_of_arrival() -> None:
    orders = {f"u{i}": ",".join(order) for i, order in enumerate(itertools.permutations(["A 0", "B 0", "C 0"]))}
    assert counts(at(**orders), "A,B,C", window="1s") == [6, 6, 6]


def test_time_of_a_step_at_the_same_instant_is_0_seconds() -> None:
    frame = funnel(at(u1="B 7, A 7"), "A,B")
    assert frame[["mean_seconds", "median_seconds", "p90_seconds"]].values[1].tolist() == [0, 0, 0]


# Either-or steps


@pytest.mark.parametrize(
    ("steps", "reached"),
    [
        ("A|B,C", {"A 0, C 1": 2, "B 0, C 1": 2, "C 0, A 1": 1}),
        ("A|B,A|B", {"A 0, B 1": 2, "A 0": 1}),
        ("A|B,B|C", {"A 0, B 0": 2, "B 0": 1, "B 0, C 0": 2}),  # one B serves one step, whichever helps more
        ("A|B,B|C,A|C", {"A 0, B 0, C 0": 3, "A 0, B 0": 2}),
        ("A,A|B,A|C", {"A 0, A 0, B 0": 3, "A 0, B 0, B 0": 2}),  # A B A; one A cannot be first and third
        ("A,A|B,B|C", {"A 0, A 0, B 0": 3, "A 0, B 0": 2}),
    ],
)
def test_either_or_steps_share_the_touchpoints_of_one_instant_as_well_as_they_can(
    steps: str, reached: dict[str, int]
) -> None:
    assert levels(reached, steps) == reached


# Which try counts


def test_the_furthest_try_counts_whenever_it_started() -> None:
    rows = at(u1="A 0, B 10, A 1000, B 1010, C 1020")
    assert funnel(rows, "A,B,C", window="1min")["median_seconds"].tolist()[1:] == [10, 10]
    assert counts(rows, "A,B,C", window="1min") == [1, 1, 1]


def test_of_equally_far_tries_the_one_that_finished_first_counts() -> None:
    frame = funnel(at(u1="A 0, B 50, A 1000, B 1010"), "A,B", window="1min")
    assert frame["median_seconds"].tolist()[1] == 50


def test_of_tries_that_finish_together_the_one_that_started_last_counts() -> None:
    #: among entries before step 2 the latest one counts for times
    assert funnel(at(u1="A 0, A 30, B 50"), "A,B")["median_seconds"].tolist()[1] == 20


def test_first_entry_starts_only_at_the_first_touchpoint_of_step_1() -> None:
    assert funnel(at(u1="A 0, A 30, B 50"), "A,B", entry="first_entry")["median_seconds"].tolist()[1] == 50


def test_a_longer_try_outside_the_window_does_not_hide_a_shorter_one_inside() -> None:
    assert level("A 0, B 3600, A 3601, C 3602", "A,B,C", window="1h") == 2


# Range, groups, empty steps


def test_the_range_selects_the_first_step_and_later_ones_may_follow_it() -> None:
    day = 86_400
    store = dataset(at(u1=f"A 0, B {day}", u2=f"A -{day}, B 0", u3=f"A 0, A {day}, B {2 * day}", u4=f"B -{day}, A 0"))
    one_day = View(first_day=date(2026, 1, 5), last_day=date(2026, 1, 5))
    assert counts(store, "A,B", one_day) == [3, 2]  # u2 started before, u4's B came before its A
    assert counts(store, "A,B", one_day, window="12h") == [3, 0]
    # u3 starts on the 5th and needs 2 days; the A of the 6th lies after the range and starts no try
    assert funnel(store, "A,B", one_day)["mean_seconds"].tolist()[1] == (day + 2 * day) / 2


def test_steps_that_nobody_reached_are_rows_with_0() -> None:
    frame = funnel(paths("A", "A B"), "A,B,C,D")
    assert frame["customers"].tolist() == [2, 1, 0, 0]
    assert frame["share_of_first"].tolist() == [1, 0.5, 0, 0]
    assert frame["share_of_previous"].tolist()[1:3] == [0.5, 0]
    assert frame["share_of_previous"].isna().tolist() == [True, False, False, True]  # a share of nobody is unknown
    assert frame["median_seconds"].isna().tolist() == [True, False, True, True]


def test_a_funnel_that_nobody_entered_has_all_its_steps() -> None:
    rows = cx.run("funnel", dataset(paths("X")), steps="A,B").to_dict()["rows"]
    assert [row["customers"] for row in rows] == [0, 0]
    assert all(row["share_of_first"] is row["share_of_previous"] is row["mean_seconds"] is None for row in rows)


def test_groups_are_those_of_the_first_step_of_the_counted_try() -> None:
    # first_touch; customers are in one group each
    rows = at(u1="A 0, B 10", u2="A 0, A 1000, B 1010", u3="A 0")
    channels = ["web", "store", "web", "email", "store", None]
    rows = [row | {"channel": channel} for row, channel in zip(rows, channels, strict=True)]
    frame = cx.run("funnel", dataset(rows), steps="A,B", window="1min", by=["channel"]).to_dict()["rows"]
    assert [(r["channel"], r["step"], r["customers"], r["entrants"]) for r in frame] == [
        ("email", 1, 1, 1), ("email", 2, 1, 1), ("web", 1, 1, 1), ("web", 2, 1, 1), (None, 1, 1, 1), (None, 2, 0, 1),
    ]  # fmt: skip


def test_a_group_that_lost_everybody_keeps_its_rows() -> None:
    rows = [row | {"persona": row["customer_id"]} for row in paths("A B", "A")]
    frame = cx.run("funnel", dataset(rows), steps="A,B", by=["persona"]).frame
    assert frame[["persona", "step", "customers"]].values.tolist() == [
        ["u1", 1, 1],
        ["u1", 2, 1],
        ["u2", 1, 1],
        ["u2", 2, 0],
    ]


def test_median_of_an_even_number_is_the_mean_of_the_middle_two_and_p90_lies_between_order_statistics() -> None:
    frame = funnel(at(u1="A 0, B 10", u2="A 0, B 20", u3="A 0, B 40", u4="A 0, B 80"), "A,B")
    assert frame["mean_seconds"].tolist()[1] == 37.5
    assert frame["median_seconds"].tolist()[1] == 30
    assert frame["p90_seconds"].tolist()[1] == pytest.approx(
        40 + 0.7 * 40
    )  # position .9 × 3 = 2.7 (Hyndman & Fan type 7)


@pytest.mark.parametrize(
    ("steps", "options", "words"),
    [
        ("A?,B", {}, "cannot be optional.*A"),
        ("A@2d,B", {}, "window of its own.*A"),
        ("A,B?,C?,D?,E?,F?", {}, "5 steps are optional; at most 4"),
        ("A,B", {"exclude": "X@1-3"}, "step 3, and the funnel has 2"),
        ("A,B?,C", {"exclude": "X@1-2"}, "step 2, which is optional"),
        ("A,B", {"exclude": "X@2-1"}, "earlier and a later step"),
        ("A,B", {"exclude": "X@one"}, "between which steps"),
        ("A,B?", {"order": "unordered"}, "Step B. is optional"),
        ("A,B@2d", {"order": "unordered"}, "window of its own"),
        ("A,B", {"order": "unordered", "exclude": "X@1-2"}, "In any order there is no step before"),
        ("A|B,B|C", {"order": "unordered"}, "may not share touchpoints"),
        ("A[nothing=web],B", {}, "filters by nothing"),
        ("A[channel=web,B", {}, "not closed"),
        ("A,B", {"taken_from": "somewhere"}, "Choose one of: first_touch"),
    ],
)
def test_rules_that_do_not_go_together_are_refused_with_the_reason(steps: str, options: Row, words: str) -> None:
    with pytest.raises(OptionProblem, match=words):
        counts(paths("A B C"), steps, **options)


def test_a_funnel_over_touchpoints_without_times_goes_by_their_order() -> None:
    rows = [row | {"occurred_at": None} for row in paths("A B", "B A", "A C B")]
    assert counts(rows, "A,B") == [3, 2]
    frame = cx.run("funnel", dataset(rows), steps="A,B").frame
    assert frame["median_seconds"].isna().all()


# Strict: no other touchpoint between two steps


@pytest.mark.parametrize(
    ("options", "reached"),
    [
        (
            {},
            {
                "a 0, b 1, b 2, c 3": 3,
                "a 0, x 1, b 2, c 3": 1,
                "a 0, b 1, a 2, b 3, c 4": 3,
                "x 0, a 1, b 2, c 3, x 4": 3,
            },
        ),
        ({"repeats": "end_the_try"}, {"a 0, b 1, b 2, c 3": 2, "a 0, b 1, c 2": 3}),
        (
            {"entry": "first_entry"},
            {"a 0, b 1, x 2, a 3, b 4, c 5": 2, "a 0, a 1, b 2, c 3": 3},
        ),  # the first chain counts
        ({}, {"a 0, b 1, x 1, c 2": 3, "a 0, x 0, b 1, c 2": 3}),  # what shares an instant with a step is not between
    ],
)
def test_strict_steps_follow_each_other_directly(options: Row, reached: dict[str, int]) -> None:
    assert levels(reached, "a,b,c", order="strict", **options) == reached


# In any order


def test_in_any_order_step_k_counts_who_did_at_least_k_within_one_window() -> None:
    rows = at(u1="C 0, A 10, B 20", u2="B 0, A 4000, C 4010", u3="A 0, A 1", u4="X 0")
    frame = funnel(rows, "A,B,C", order="unordered", window="1h")
    assert frame["customers"].tolist() == [3, 2, 1]  # u2 does A and C within an hour of each other
    assert frame["touchpoint"].tolist() == ["1/3", "2/3", "3/3"]
    assert frame["median_seconds"].tolist()[1:] == [10, 10]  # u1: 10 and 10; u2: A to C 10


def test_a_step_that_stands_twice_has_to_be_done_twice_in_any_order_too() -> None:
    reached = {"A 0, B 1": 2, "A 0, B 1, A 2": 3, "A 0, A 0": 2}
    assert levels(reached, "A,B,A", order="unordered") == reached


# What must not happen


@pytest.mark.parametrize(
    ("exclude", "reached"),
    [
        ("X", {"A 0, B 1, C 2": 3, "A 0, X 1, B 2, C 3": 0, "X 0, A 1, B 2, C 3, X 4": 3, "A 0, X 1": 0, "A 0, B 1, X 2": 0}),
        ("X@2-3", {"A 0, X 1, B 2, C 3": 3, "A 0, B 1, X 2, C 3": 0, "A 0, X 1": 1, "A 0, B 1, X 2": 0}),
        ("X@1-2", {"A 0, B 1, X 2": 2, "A 0, B 1, X 2, C 3": 3}),
        ("X", {"A 0, X 0, B 1, X 1, C 2": 3}),  # at exactly the instant of a step
        ("X", {"A 0, X 1, B 2, C 3, A 10, B 11, C 12": 3, "A 0, X 1, B 2, C 3, A 10, B 11": 0}),  # a live try as far, or not
        ("X|Y", {"A 0, Y 1, B 2, C 3": 0}),
        ("B", {"A 0, B 1, C 2": 3, "A 0, B 1, B 2, C 3": 0}),  # either B has the other one between two steps
    ],
)  # fmt: skip
def test_a_furthest_try_that_meets_what_is_excluded_leaves_the_funnel(exclude: str, reached: dict[str, int]) -> None:
    found = levels(reached, "A,B,C", exclude=exclude, window="1min")
    assert {journey: found.get(journey, 0) for journey in reached} == reached


def test_what_is_excluded_does_not_matter_after_the_window() -> None:
    assert level("A 0, B 10, X 61", "A,B,C", exclude="X", window="1min") == 2
    assert level("A 0, B 10, X 60", "A,B,C", exclude="X", window="1min") == 0
    # the A of 0 had its minute when X came; the later one had not, but got no further
    assert level("A 0, A 10, B 20, X 65", "A,B,C", exclude="X", window="1min") == 2


def test_in_any_order_the_steps_done_before_an_exclusion_stay() -> None:
    reached = {"B 0, A 1, X 2, C 3": 2, "B 0, X 1, A 2, C 3": 2, "B 0, A 1, C 2": 3}
    assert levels(reached, "A,B,C", order="unordered", exclude="X") == reached  # of the second, A and C after X


# Optional steps, windows of steps, filters of steps


def test_an_optional_step_may_be_skipped_and_counts_who_took_it() -> None:
    frame = funnel(paths("A B C", "A C", "A B", "A", "A C B"), "A,B?,C")
    assert frame["customers"].tolist() == [5, 2, 3]  # of the last, B came after C
    assert frame["previous"].tolist() == [5, 5, 5]  # C is compared with A
    assert frame["drop_off"].tolist() == [0, 0, 2]
    assert frame["share_of_previous"].tolist()[1:] == [0.4, 0.6]
    # seconds since the step taken before: from B 60, from A 60 in "A C", 60 in "A C B"
    assert frame["mean_seconds"].tolist()[1:] == [60, 60]


def test_a_step_with_a_window_of_its_own_takes_the_way_that_keeps_it() -> None:
    # C within 5 seconds of B: the first B is too early, the second is not
    frame = funnel(at(u1="A 0, B 10, B 100, C 104"), "A,B,C@5s", window="1h")
    assert frame["customers"].tolist() == [1, 1, 1]
    assert frame["median_seconds"].tolist()[1:] == [100, 4]
    assert level("A 0, B 10, C 16", "A,B,C@5s", window="1h") == 2
    assert level("A 0, B 10, C 15", "A,B,C@5s", window="1h") == 3


def test_a_filter_of_a_step_holds_for_that_step_alone() -> None:
    rows = at(u1="A 0, B 1", u2="A 0, B 1", u3="A 0, B 1")
    channels = ["web", "app", "app", "web", "web", None]
    rows = [row | {"channel": channel} for row, channel in zip(rows, channels, strict=True)]
    assert counts(rows, "A[channel=web],B") == [2, 2]
    assert counts(rows, "A,B[channel=web|app]") == [3, 2]
    assert counts(rows, 'A[channel=web],B[channel=""]') == [2, 1]
    frame = funnel(rows, "A[channel=web],A|B[channel=app]")
    assert frame["touchpoint"].tolist() == ["A (channel: web)", "A | B (channel: app)"]
    assert frame["customers"].tolist() == [2, 1]


def test_equal_times_can_be_told_to_have_an_order() -> None:
    assert level("A 0, B 0", "A,B", equal_times="apart") == 1
    assert level("A 0, B 0, B 1", "A,B", equal_times="apart") == 2


def test_all_steps_can_be_asked_to_lie_in_the_range() -> None:
    store = dataset(at(u1=f"A 0, B {86_400}", u2="A 0, B 1"))
    one_day = View(first_day=date(2026, 1, 5), last_day=date(2026, 1, 5))
    assert counts(store, "A,B", one_day) == [2, 2]
    assert counts(store, "A,B", one_day, span="every_step") == [2, 1]


def test_a_funnel_of_sessions_counts_each_session() -> None:
    rows = at(u1="A 0, B 10, A 90000, B 90010", u2="A 0, B 90000")
    assert counts(rows, "A,B") == [2, 2]
    assert counts(rows, "A,B", View(grain="session")) == [3, 2]  # u2's B is in another session


# Breakdowns


def broken_down(rows: list[Row], taken_from: str, steps: str = "A,B,C", **options: Any) -> dict[Any, list[int]]:
    frame = cx.run("funnel", dataset(rows), steps=steps, by=["channel"], taken_from=taken_from, **options).frame
    return {None if pd.isna(k) else k: list(part["customers"]) for k, part in frame.groupby("channel", dropna=False)}


def with_channels(rows: list[Row], *channels: str | None) -> list[Row]:
    return [row | {"channel": channel} for row, channel in zip(rows, channels, strict=True)]


def test_breakdowns_take_the_value_of_the_touchpoint_that_is_asked_for() -> None:
    rows = with_channels(at(u1="A 0, B 1, C 2", u2="A 0, B 1"), None, "web", "app", "app", None)
    assert broken_down(rows, "first_touch") == {"web": [1, 1, 1], "app": [1, 1, 0]}  # u1: the first that is set is B's
    assert broken_down(rows, "last_touch") == {"app": [2, 2, 1]}
    assert broken_down(rows, "step 2") == {"web": [1, 1, 1], None: [1, 1, 0]}
    assert broken_down(rows, "step 3") == {"app": [1, 1, 1]}  # who never did step 3 is in no group
    assert broken_down(rows, "every_touchpoint") == {
        None: [1, 0, 0],
        "app": [1, 0, 0],
    }  # u1: A is not known


def test_who_has_two_values_at_a_step_is_in_both_groups() -> None:
    rows = with_channels(at(u1="A 0, B 5, B 5, C 9"), None, "web", "app", None)
    assert broken_down(rows, "step 2") == {"web": [1, 1, 1], "app": [1, 1, 1]}
    assert broken_down(rows, "step 2", top=1) == {"app": [1, 1, 1], "(other)": [1, 1, 1]}


def test_groups_beyond_the_largest_are_one_counted_over_its_customers() -> None:
    rows = with_channels(
        at(u1="A 0, B 1", u2="A 0", u3="A 0, B 1", u4="A 0", u5="A 0"), "w", "w", "w", "b", "b", "c", None
    )
    found = broken_down(rows, "first_touch", "A,B", top=1)
    assert found == {"w": [2, 1], "(other)": [3, 1]}  # by size, ties by name
    assert broken_down(rows, "first_touch", "A,B", top=2) == {"w": [2, 1], None: [1, 0], "(other)": [2, 1]}


# Tries whose window is not over


def test_lost_customers_whose_window_is_not_over_are_counted_apart() -> None:
    rows = at(u1="A 0, B 10", u2="A 0", u3="A 3000", u4="A 3000, B 3100", u5="X 3600")  # the data end at 3600
    frame = funnel(rows, "A,B,C", window="1h")
    assert frame["customers"].tolist() == [4, 2, 0]
    assert frame["not_over"].tolist() == [0, 1, 1]  # u3 until 6600 for B, u4 for C; the hour of u1 and u2 is over
    assert funnel(rows, "A,B,C", window="unlimited")["not_over"].tolist() == [0, 0, 0]
    assert funnel(rows, "A,B,C@1min", window="1h")["not_over"].tolist() == [0, 1, 0]  # u4 had a minute


# Time to convert, and the trend


def test_times_to_convert_lie_in_bars_of_one_width_and_the_last_holds_the_longest() -> None:
    journeys = {f"u{i}": f"A 0, B {seconds}" for i, seconds in enumerate([0, 10, 19, 20, 40])}
    frame = cx.run("time_to_convert", dataset(at(**journeys, z="A 0")), steps="A,B", bins=4).frame
    assert frame[["from_seconds", "to_seconds", "customers"]].values.tolist() == [
        [0, 10, 1], [10, 20, 2], [20, 30, 1], [30, 40, 1],
    ]  # fmt: skip
    assert frame["all_customers"].tolist() == [5] * 4
    assert frame["share"].tolist() == [0.2, 0.4, 0.2, 0.2]


def test_times_to_convert_can_be_those_of_a_pair_of_steps_and_all_the_same() -> None:
    store = dataset(at(u1="A 0, B 10, C 15", u2="A 0, B 30, C 35"))
    frame = cx.run("time_to_convert", store, steps="A,B,C", from_step=2).frame
    assert frame[["bar", "from_seconds", "to_seconds", "customers"]].values.tolist() == [[1, 5, 5, 2]]
    assert cx.run("time_to_convert", store, steps="C,A").frame.empty
    with pytest.raises(OptionProblem, match="from step 3 to step 3"):
        cx.run("time_to_convert", store, steps="A,B,C", from_step=3)


def test_the_trend_is_by_the_day_in_the_datasets_zone_on_which_the_try_began() -> None:
    hour = 3_600
    rows = at(
        u1="A 0, B 10", u2=f"A {15 * hour}, B {40 * hour}", u3=f"A {60 * hour}"
    )  # MORNING is 09:00 UTC on Monday the 5th
    frame = cx.run("conversion_trend", dataset(rows, zone="Asia/Tehran"), steps="A,B", period="day").frame
    # Tehran is 3.5 hours ahead: u2 enters on Tuesday at 03:30, u3 on Thursday at 00:30
    assert frame[["period", "entrants", "converted", "not_over"]].values.tolist() == [
        [date(2026, 1, 5), 1, 1, 0], [date(2026, 1, 6), 1, 1, 0], [date(2026, 1, 7), 0, 0, 0], [date(2026, 1, 8), 1, 0, 1],
    ]  # fmt: skip
    assert frame["conversion_rate"].isna().tolist() == [False, False, True, False]
    weekly = cx.run("conversion_trend", dataset(rows), steps="A,B").frame
    assert weekly[["period", "entrants", "converted"]].values.tolist() == [[date(2026, 1, 5), 3, 2]]
    monthly = cx.run("conversion_trend", dataset(rows), steps="A,B", period="quarter").frame
    assert monthly["period"].tolist() == [date(2026, 1, 1)]


# Where those who were lost went


def test_who_was_lost_is_followed_to_the_next_touchpoint_of_the_journey() -> None:
    day = 86_400
    rows = at(u1="A 0, X 5, B 100", u2="A 0, X 15, Y 20", u3="A 0", u4="A 0, B 5, Z 8, A 9", u5=f"A 0, Y {20 * day}")
    frame = cx.run("drop_out_next", dataset(rows), steps="A,B,C").frame
    assert frame[["step", "touchpoint", "customers", "median_seconds", "lost"]].values.tolist()[:3] == [
        [2, "B", 1, 15, 3], [2, "B", 1, 20 * day, 3], [2, "B", 1, pytest.approx(float("nan"), nan_ok=True), 3],
    ]  # fmt: skip
    next_ones = [None if pd.isna(name) else name for name in frame["next_touchpoint"]]
    assert next_ones == [
        "X",
        "Y",
        None,
        "Z",
        None,
    ]  # u1 and u4 took B and no C: after u1's B came nothing, after u4's Z
    assert frame["lost"].tolist()[3:] == [2, 2]
    assert frame["share"].tolist()[3:] == [0.5, 0.5]


def test_what_came_next_is_that_of_the_journeys_the_view_makes() -> None:
    rows = at(u1="A 0, X 5, Y 9", u2="A 0, X 5400")
    rows = [row | {"channel": channel} for row, channel in zip(rows, ["web", "app", "web", "web", "web"], strict=True)]
    store = dataset(rows)

    def found(view: View, **options: Any) -> dict[Any, int]:
        frame = cx.run("drop_out_next", store, view, steps="A,B", **options).frame
        return {None if pd.isna(n) else n: c for n, c in zip(frame["next_touchpoint"], frame["customers"], strict=True)}

    assert found(View()) == {"X": 2}
    assert found(View(grain="session")) == {"X": 1, None: 1}  # u2's X is in another session
    only_web = View(touchpoints=(Filter("channel", ("web",)),), touchpoint_rule="touchpoints")
    assert found(only_web) == {"Y": 1, "X": 1}
    assert found(View(), next_top=1) == {"X": 2}


def test_where_they_went_adds_up_to_the_drop_off_of_the_funnel() -> None:
    rows = paths("A B C", "A X", "A X", "A Y B", "A", "A Z", "B A C")
    lost = cx.run("drop_out_next", dataset(rows), steps="A,B,C", next_top=1).frame.groupby("step")["customers"].sum()
    assert lost.to_dict() == {row.step: row.drop_off for row in funnel(rows, "A,B,C").itertuples() if row.drop_off}


# Second opinion: every assignment of distinct touchpoints to steps


Event = tuple[str, int]
Answer = tuple[int, tuple[int, ...]]


def by_brute_force(
    events: Sequence[Event], steps: Sequence[frozenset[str]], window: int, first_only: bool
) -> Answer | None:
    """Depth and step times of the counted try; None if the first step is never reached. From, word for word."""
    opening = [t for name, t in events if name in steps[0]]
    if not opening:
        return None
    if first_only:
        opening = [min(opening)]
    for depth in range(len(steps), 0, -1):
        tries = []
        for chosen in itertools.permutations(events, depth):  # distinct touchpoints, one for each step
            times = tuple(t for _name, t in chosen)
            fits = all(name in step for (name, _t), step in zip(chosen, steps, strict=False))
            in_order = all(a <= b for a, b in itertools.pairwise(times))
            if fits and in_order and times[0] in opening and times[-1] - times[0] <= window:
                tries.append(times)
        if tries:  # finished first, then latest entry; what lies between as early as can be
            return depth, min(tries, key=lambda times: (times[-1], -times[0], times))
    raise AssertionError


def random_journeys(chance: random.Random, customers: int) -> dict[str, list[Event]]:
    """Small journeys over four touchpoints; times from a tiny set, so that ties are common."""
    return {
        f"u{u}": [(chance.choice("ABCD"), chance.randrange(7)) for _ in range(chance.randint(1, 6))]
        for u in range(customers)
    }


def random_steps(chance: random.Random) -> tuple[frozenset[str], ...]:
    """Two to four steps, with repeats and either-or steps that overlap."""
    return tuple(
        frozenset(chance.sample("ABCD", chance.choice([1, 1, 1, 2, 2, 3]))) for _ in range(chance.choice([2, 3, 3, 4]))
    )


def compare(seed: int, customers: int, funnels: int) -> None:
    chance = random.Random(seed)
    journeys = random_journeys(chance, customers)
    rows = [
        {"customer_id": u, "who": u, "mark": str(i), "touchpoint": name, "occurred_at": MORNING + timedelta(seconds=t)}
        for u, events in journeys.items()
        for i, (name, t) in enumerate(events)
    ]
    store = dataset(rows)
    for _ in range(funnels):
        steps, window, entry = (
            random_steps(chance),
            chance.choice([1, 2, 3, 6]),
            chance.choice(["every_entry", "first_entry"]),
        )
        asked = tuple(Step(tuple(sorted(names))) for names in steps)
        options = {"steps": asked, "window": timedelta(seconds=window), "entry": entry}
        each = cx.run("funnel", store, by=["who"], top=1_000, **options).frame
        found = {
            who: (int((part["customers"] > 0).sum()), part["median_seconds"].dropna().tolist())
            for who, part in each.groupby("who")
        }
        expected, totals = {}, [0] * len(steps)
        for who, events in journeys.items():
            answer = by_brute_force(events, steps, window, entry == "first_entry")
            if answer is not None:
                depth, times = answer
                expected[who] = (depth, [b - a for a, b in itertools.pairwise(times)])
                totals = [n + (depth > i) for i, n in enumerate(totals)]
        assert found == expected, (steps, window, entry)
        if entry == "first_entry" or customers > 100:
            assert cx.run("funnel", store, **options).frame["customers"].tolist() == totals


def test_counts_and_times_agree_with_trying_every_assignment_on_300_random_journeys() -> None:
    compare(seed=1, customers=60, funnels=3)
    compare(seed=2, customers=60, funnels=2)


@pytest.mark.long
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("seed", range(100, 110))
def test_counts_and_times_agree_with_trying_every_assignment_on_10000_random_journeys(seed: int) -> None:
    compare(seed, customers=1_000, funnels=6)


# Properties


@settings(deadline=None, max_examples=4)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 9)), min_size=1, max_size=6), min_size=5, max_size=9
    )
)
def test_a_funnel_never_widens_and_a_longer_window_never_converts_fewer(journeys: list[list[Event]]) -> None:
    rows = at(**{f"u{u}": ",".join(f"{name} {t}" for name, t in events) for u, events in enumerate(journeys)})
    store, before = dataset(rows), [0, 0, 0]
    for window in ("3s", "unlimited"):
        frame = funnel(store, "A,B|C,A", window=window)
        reached = frame["customers"].tolist()
        assert reached == sorted(reached, reverse=True)
        assert frame["drop_off"].tolist()[1:] == [a - b for a, b in itertools.pairwise(reached)]
        assert all(now >= then for now, then in zip(reached, before, strict=True))
        before = reached
