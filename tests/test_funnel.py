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
from cx_metrics.options import Step
from cx_metrics.view import View
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


def levels(journeys: Iterable[str], steps: str) -> dict[str, int]:
    """How many steps each of these journeys reaches, one customer each."""
    rows = at(**{journey: journey for journey in journeys})
    frame = cx.run(
        "funnel", dataset([row | {"who": row["customer_id"]} for row in rows]), steps=steps, by=["who"]
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
    # ClickHouse windowFunnel: a b c b d for steps a b c d; strict_deduplication would stop at 3
    assert counts(paths("a b c b d"), "a,b,c,d") == [1, 1, 1, 1]


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


def test_optional_steps_and_windows_of_steps_are_refused_with_the_step() -> None:
    for steps in ("A,B?,C", "A,B@2d"):
        with pytest.raises(OptionProblem, match="Step B"):
            counts(paths("A B C"), steps)


def test_a_funnel_over_touchpoints_without_times_goes_by_their_order() -> None:
    rows = [row | {"occurred_at": None} for row in paths("A B", "B A", "A C B")]
    assert counts(rows, "A,B") == [3, 2]
    frame = cx.run("funnel", dataset(rows), steps="A,B").frame
    assert frame["median_seconds"].isna().all()


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
        each = cx.run("funnel", store, by=["who"], **options).frame
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
