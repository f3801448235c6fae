"""Engagement by stage, touchpoint, channel, type and phase: every number by hand once, then against plain Python."""

from __future__ import annotations

import math
import random
import statistics
from collections import defaultdict
from datetime import timedelta
from itertools import groupby
from typing import Any

import pytest

import cx_metrics as cx
from cx_metrics import intervals
from cx_metrics.view import Filter, View
from tests.conftest import MORNING, dataset, paths

Row = dict[str, Any]
HOUR = 3_600
STAGE = {"ad": "awareness", "search": "awareness", "visit": "consideration", "buy": "action", "chat": None}
METRICS = {
    "stage_engagement": "stage", "touchpoint_engagement": "touchpoint", "channel_engagement": "channel",
    "type_engagement": "touchpoint_type", "phase_engagement": "phase",
}  # fmt: skip


def journey(customer: str, text: str, **more: Any) -> list[Row]:
    """Touchpoints from "ad 0, visit 60": name and seconds; the stage follows from the name."""
    items = [item.split() for item in text.split(",")]
    return [
        {"customer_id": customer, "touchpoint": name, "stage": STAGE.get(name), "mark": str(i)}
        | {"occurred_at": MORNING + timedelta(seconds=float(seconds))}
        | more
        for i, (name, seconds) in enumerate(items)
    ]


def by_stage(rows: list[Row], **facts: Any) -> dict[str | None, Row]:
    """Result rows by stage."""
    return {row["stage"]: row for row in cx.run("stage_engagement", dataset(rows, **facts)).to_dict()["rows"]}


def by_touchpoint(rows: list[Row], **facts: Any) -> dict[str, Row]:
    return {row["touchpoint"]: row for row in cx.run("touchpoint_engagement", dataset(rows, **facts)).to_dict()["rows"]}


THREE = [
    *journey("u1", "ad 0, search 60, visit 100, buy 400"),
    *journey("u2", "ad 0, visit 7200, visit 7260, ad 7300"),  # two sessions
    *journey("u3", "chat 0"),
]


# By hand: and


def test_reach_is_customers_of_the_stage_in_the_customers_of_the_view() -> None:
    found = by_stage(THREE)
    assert {s: (r["customers"], r["population"], r["reach"]) for s, r in found.items()} == {
        "awareness": (2, 3, 2 / 3),
        "consideration": (2, 3, 2 / 3),
        "action": (1, 3, 1 / 3),
        None: (1, 3, 1 / 3),
    }
    # Wilson of 2 of 3 (statsmodels 0.15.0): .2077, .9385
    row = found["awareness"]
    assert (row["reach_low"], row["reach_high"]) == pytest.approx((0.2077, 0.9385), abs=0.0001)


def test_frequency_is_touchpoints_per_customer_reached() -> None:
    found = by_stage(THREE)
    assert {s: (r["touchpoints"], r["frequency"]) for s, r in found.items()} == {
        "awareness": (4, 2),
        "consideration": (3, 1.5),
        "action": (1, 1),
        None: (1, 1),
    }


def test_interval_of_frequency_resamples_customers_and_one_customer_has_none() -> None:
    rows = [row for u in range(12) for row in journey(f"u{u}", "ad 0" + ", ad 60" * (u % 4))]
    row = by_stage(rows)["awareness"]  # three customers each with 1, 2, 3 and 4 contacts
    assert row["frequency"] == 2.5
    low, high = intervals.bootstrap_mean([1, 2, 3, 4], [3, 3, 3, 3])
    assert (row["frequency_low"], row["frequency_high"]) == (low, high)
    one = by_stage(THREE)["action"]
    assert one["frequency_low"] is one["frequency_high"] is None


def test_depth_is_the_median_of_distinct_touchpoints_per_customer_reached() -> None:
    found = by_stage(THREE)  # awareness: u1 ad and search, u2 ad twice: 2 and 1
    assert {s: r["depth_median"] for s, r in found.items()} == {
        "awareness": 1.5,
        "consideration": 1,
        "action": 1,
        None: 1,
    }


def test_time_spent_is_unknown_for_a_visit_of_one_touchpoint_and_left_out() -> None:
    found = by_stage(THREE)  # awareness: u1 60 s, u2 two visits of one; consideration: u2 60 s
    assert {s: (r["dwell_seconds_median"], r["dwell_customers"]) for s, r in found.items()} == {
        "awareness": (60, 1),
        "consideration": (60, 1),
        "action": (None, 0),
        None: (None, 0),
    }


def test_touchpoints_of_another_stage_between_end_a_visit() -> None:
    rows = journey("u1", "ad 0, ad 10, visit 500, ad 1000, ad 1007")
    assert by_stage(rows)["awareness"]["dwell_seconds_median"] == 10 + 7  # not 1007


def test_time_spent_is_unknown_where_touchpoints_have_only_an_order() -> None:
    rows = [row | {"occurred_at": None} for row in journey("u1", "ad 0, ad 10")]
    row = by_stage(rows)["awareness"]
    assert (row["dwell_seconds_median"], row["dwell_customers"]) == (None, 0)


def test_next_stage_rate_is_the_share_who_later_reach_a_later_stage() -> None:
    found = by_stage(THREE)  # u2 visits, then goes back to awareness: not on to a later stage
    assert {s: (r["went_on"], r["next_stage_rate"]) for s, r in found.items() if s != "action" and s} == {
        "awareness": (2, 1),
        "consideration": (1, 0.5),
    }


def test_next_stage_may_skip_stages_and_must_come_after() -> None:
    assert by_stage(journey("u1", "ad 0, buy 5"))["awareness"]["next_stage_rate"] == 1
    assert by_stage(journey("u1", "buy 0, ad 5"))["awareness"]["next_stage_rate"] == 0


def test_the_last_stage_and_unmapped_touchpoints_have_no_next_stage_rate() -> None:
    found = by_stage(THREE, stages=("awareness", "consideration", "action"))
    assert found["action"]["next_stage_rate"] is found["action"]["next_stage_rate_low"] is None
    assert found[None]["next_stage_rate"] is None
    assert by_stage(THREE)["action"]["next_stage_rate"] == 0  # loyalty comes after it


def test_bounce_is_the_share_of_sessions_that_start_here_and_have_one_touchpoint() -> None:
    found = by_stage(THREE)
    assert {s: (r["entry_sessions"], r["bounced_sessions"], r["bounce_rate"]) for s, r in found.items()} == {
        "awareness": (2, 1, 0.5),
        "consideration": (1, 0, 0),
        "action": (0, 0, None),
        None: (1, 1, 1),
    }


def test_a_gap_of_exactly_30_minutes_is_no_bounce() -> None:
    assert by_touchpoint(journey("u1", "ad 0, visit 1800"))["ad"]["bounce_rate"] == 0
    assert by_touchpoint(journey("u1", "ad 0, visit 1801"))["ad"]["bounce_rate"] == 1


def test_stages_stand_in_the_order_of_the_dataset_and_unmapped_ones_last() -> None:
    assert list(by_stage(THREE)) == ["awareness", "consideration", "action", None]
    assert list(by_stage(THREE, stages=("action", "consideration", "awareness"))) == [
        "action", "consideration", "awareness", None,
    ]  # fmt: skip


def test_a_stage_beyond_the_list_of_the_dataset_stands_after_the_list_and_before_unmapped_ones() -> None:
    found = by_stage([*THREE, *journey("u4", "chat 0"), *journey("u5", "fair 0", stage="elsewhere")])
    assert list(found) == ["awareness", "consideration", "action", "elsewhere", None]
    assert found["elsewhere"]["next_stage_rate"] is None


def test_touchpoints_stand_in_the_order_of_their_stage_then_by_customers_then_by_name() -> None:
    rows = [*THREE, *journey("u4", "search 0, zoom 5, chat 9"), *journey("u5", "alpha 0")]
    assert list(by_touchpoint(rows)) == ["ad", "search", "visit", "buy", "chat", "alpha", "zoom"]


def test_touchpoint_engagement_by_hand() -> None:
    found = by_touchpoint(THREE)
    picked = ("customers", "touchpoints", "frequency", "depth_median", "next_stage_rate", "bounce_rate")
    assert {name: tuple(row[c] for c in picked) for name, row in found.items()} == {
        "ad": (2, 3, 1.5, 1, 1, 0.5),
        "search": (1, 1, 1, 1, 1, None),
        "visit": (2, 3, 1.5, 1, 0.5, 0),
        "buy": (1, 1, 1, 1, 0, None),
        "chat": (1, 1, 1, 1, None, 1),
    }


def test_a_touchpoint_of_several_stages_stands_under_the_earliest() -> None:
    rows = journey("u1", "visit 0, mail 5, buy 10")
    rows[1]["stage"] = "loyalty"
    rows += journey("u2", "mail 0, visit 3", stage="awareness")
    assert list(by_touchpoint(rows))[0] == "mail"


def test_equal_times_keep_their_order_of_arrival() -> None:
    assert by_stage(journey("u1", "ad 0, visit 0"))["awareness"]["next_stage_rate"] == 1
    assert by_stage(journey("u1", "visit 0, ad 0"))["awareness"]["next_stage_rate"] == 0


def test_reach_within_a_group_is_of_the_customers_of_that_group() -> None:
    rows = [row | {"region": {"u1": "north", "u2": "north"}.get(row["customer_id"])} for row in THREE]
    result = cx.run("stage_engagement", dataset(rows), by=["region"]).to_dict()["rows"]
    assert [(r["region"], r["stage"], r["customers"], r["population"]) for r in result] == [
        ("north", "awareness", 2, 2), ("north", "consideration", 2, 2), ("north", "action", 1, 2), (None, None, 1, 1),
    ]  # fmt: skip


def test_a_group_column_of_numbers_may_be_unknown() -> None:
    rows = [row | {"value": 2.5 if row["customer_id"] == "u1" else None} for row in THREE]
    result = cx.run("stage_engagement", dataset(rows), by=["value"]).to_dict()["rows"]
    assert {(r["value"], r["population"]) for r in result} == {(2.5, 1), (None, 2)}


# Channel, type, phase


def rows_of(metric: str, rows: list[Row], view: View | None = None, **options: Any) -> dict[Any, Row]:
    """Result rows by their group."""
    found = cx.run(metric, dataset(rows, goal=("buy",)), view, **options).to_dict()["rows"]
    return {row[METRICS[metric]]: row for row in found}


WHERE = {"ad": ("web", "digital", "before"), "search": ("web", "digital", "before"), "visit": ("store", "physical", "during"),
         "buy": ("store", "physical", "during"), "chat": (None, None, "after")}  # fmt: skip
PLACED = [
    row | dict(zip(("channel", "touchpoint_type", "phase"), WHERE[row["touchpoint"]], strict=True)) for row in THREE
]


@pytest.mark.parametrize(
    ("metric", "groups"),
    [
        ("channel_engagement", ("store", "web", None)),
        ("type_engagement", ("physical", "digital", None)),
        ("phase_engagement", ("during", "before", "after")),
    ],
)
def test_engagement_of_a_channel_a_type_and_a_phase_by_hand(metric: str, groups: tuple[str | None, ...]) -> None:
    found = rows_of(metric, PLACED)
    picked = (
        "customers",
        "touchpoints",
        "frequency",
        "depth_median",
        "dwell_seconds_median",
        "next_stage_rate",
        "bounce_rate",
    )
    # in the store u1 visits and buys after 300 s (depth 2), u2 visits twice within 60 s (depth 1) and opens a session there;
    # of the two only u1 reaches a later stage. On the web both later reach a stage beyond; u2's first session is one ad.
    assert {group: tuple(found[group][c] for c in picked) for group in groups} == {
        groups[0]: (2, 4, 2, 1.5, (300 + 60) / 2, 0.5, 0),
        groups[1]: (2, 4, 2, 1.5, 60, 1, 0.5),
        groups[2]: (1, 1, 1, 1, None, None, 1),
    }


def test_channels_and_types_stand_by_customers_then_name_and_phases_in_their_order() -> None:
    more = [*PLACED, *journey("u4", "ad 0, ad 9", channel="web", touchpoint_type="digital", phase="before")]
    more += journey("u5", "chat 0", phase="after", channel="app")
    assert list(rows_of("channel_engagement", more)) == ["web", "store", "app", None]
    assert list(rows_of("type_engagement", more)) == ["digital", "physical", None]
    assert list(rows_of("phase_engagement", more)) == ["before", "during", "after"]
    assert list(rows_of("channel_engagement", PLACED)) == ["store", "web", None]  # as many customers: by name


def test_going_on_from_a_channel_is_to_a_stage_beyond_that_of_the_contact() -> None:
    rows = journey("u1", "visit 0, ad 60", channel="web") + journey("u2", "buy 0, visit 60", channel="web")
    rows += journey("u3", "ad 0, visit 60", channel="web")
    row = rows_of("channel_engagement", rows)["web"]
    assert (row["went_on"], row["next_stage_rate"]) == (1, 1 / 3)  # u1 and u2 go back


# Which sessions bounce


def bounced(rows: list[Row], **options: Any) -> tuple[int, int]:
    row = rows_of("touchpoint_engagement", rows, **options)["ad"]
    return row["bounced_sessions"], row["entry_sessions"]


def test_a_session_is_not_engaged_under_10_seconds_with_one_touchpoint_and_no_goal() -> None:
    lengths = (None, 0, 9.9, 10, 60)
    rows = [row for i, s in enumerate(lengths) for row in journey(f"u{i}", "ad 0", duration_seconds=s)]
    rows += journey("two", "ad 0, ad 3", duration_seconds=1)
    assert bounced(rows) == (5, 6)
    assert bounced(rows, bounce="not_engaged") == (3, 6)


def test_a_session_with_a_goal_is_engaged() -> None:
    rows = [*journey("u1", "buy 0"), *journey("u2", "ad 0")]
    assert rows_of("touchpoint_engagement", rows)["buy"]["bounce_rate"] == 1
    assert rows_of("touchpoint_engagement", rows, bounce="not_engaged")["buy"]["bounce_rate"] == 0
    assert rows_of("stage_engagement", rows, bounce="not_engaged")["awareness"]["bounce_rate"] == 1


# Views


def test_customers_are_counted_whatever_the_grain() -> None:
    rows = [row | {"case_id": f"{row['customer_id']}-{row['mark']}"} for row in PLACED]
    for metric in METRICS:
        found = [rows_of(metric, rows, View(grain=grain)) for grain in ("journey", "session", "case")]
        assert found[0] == found[1] == found[2]


def test_only_these_touchpoints_are_linked_to_each_other() -> None:
    only = View(touchpoints=(Filter("touchpoint", ("ad",)),), touchpoint_rule="touchpoints")
    row = rows_of("stage_engagement", journey("u1", "ad 0, visit 500, ad 1000"), only)["awareness"]
    assert (row["dwell_seconds_median"], row["next_stage_rate"], row["bounced_sessions"]) == (1000, 0, 0)


# Second opinion


def opinion(rows: list[Row], group: str, rank: dict[str, int], bounce: str) -> dict[Any, Row]:
    """The counts of each group, customer by customer. Rows of a customer stand in order."""
    customers: dict[str, list[Row]] = {}
    for row in rows:
        customers.setdefault(row["customer_id"], []).append(row)
    found: dict[Any, Row] = defaultdict(
        lambda: {
            "customers": 0,
            "touchpoints": 0,
            "depth": [],
            "dwell": [],
            "went_on": 0,
            "entries": 0,
            "bounces": 0,
            "ranks": set(),
        }  # fmt: skip
    )
    for own in customers.values():
        sessions: list[list[Row]] = []
        for i, row in enumerate(own):
            gap = i and row["occurred_at"] - own[i - 1]["occurred_at"] > timedelta(minutes=30)
            sessions.append([row]) if i == 0 or gap else sessions[-1].append(row)
        for key in {row[group] for row in own}:
            here, total = [row for row in own if row[group] == key], found[key]
            total["customers"] += 1
            total["touchpoints"] += len(here)
            total["depth"].append(len({row["touchpoint"] for row in here}))
            total["ranks"] |= {rank[row["stage"]] for row in here if row["stage"] in rank}
            visits = [list(run) for k, run in groupby(own, key=lambda row: row[group]) if k == key]
            lengths = [v[-1]["occurred_at"] - v[0]["occurred_at"] for v in visits if len(v) > 1]
            if lengths:
                total["dwell"].append(sum(lengths, timedelta()).total_seconds())
            total["went_on"] += any(
                rank.get(later["stage"], 0) > rank[row["stage"]]
                for i, row in enumerate(own)
                if row[group] == key and row["stage"] in rank
                for later in own[i + 1 :]
            )
            opened = [s for s in sessions if s[0][group] == key]
            total["entries"] += len(opened)
            total["bounces"] += sum(bounces(s, bounce) for s in opened)
    return dict(found)


def bounces(session: list[Row], rule: str) -> bool:
    """Whether a session has no second touchpoint; or is not engaged."""
    only = session[0]
    short = (only["duration_seconds"] or 0) < 10
    return len(session) == 1 and (rule == "one_touchpoint" or (short and only["touchpoint"] != "buy"))


def random_journeys(chance: random.Random, customers: int) -> list[Row]:
    """Touchpoints with ties in time, gaps around 30 minutes, and every other column at random, some not known."""
    rows = []
    for u in range(customers):
        times = sorted(chance.choice([0, 0.5, 60, 1_860, 1_861, 9_000]) for _ in range(chance.randint(1, 7)))
        rows += journey(f"u{u}", ",".join(f"{chance.choice([*STAGE])} {t}" for t in times))
    columns = {
        "channel": ("web", "store", "app", None), "touchpoint_type": ("digital", "human", None),
        "phase": ("before", "during", "after", None), "duration_seconds": (None, 0.0, 9.5, 10.0, 40.0),
    }  # fmt: skip
    return [row | {name: chance.choice(values) for name, values in columns.items()} for row in rows]


def agree(metric: str, bounce: str, customers: int) -> None:
    """Every number of a metric is that of plain Python on random journeys."""
    group = METRICS[metric]
    rows = random_journeys(random.Random(f"{metric} {bounce}"), customers)
    stages = ("awareness", "consideration", "action")
    expected = opinion(rows, group, {stage: i for i, stage in enumerate(stages, 1)}, bounce)
    store = dataset(rows, stages=stages, goal=("buy",))
    found = {row[group]: row for row in cx.run(metric, store, bounce=bounce).to_dict()["rows"]}
    assert set(found) == set(expected)
    for key, want in expected.items():
        got = found[key]
        counted = ("customers", "touchpoints", "went_on")
        assert [got[c] for c in counted] == [want[c] for c in counted]
        assert (got["entry_sessions"], got["bounced_sessions"]) == (want["entries"], want["bounces"])
        assert got["depth_median"] == statistics.median(want["depth"])
        assert got["dwell_customers"] == len(want["dwell"])
        assert got["dwell_seconds_median"] == (statistics.median(want["dwell"]) if want["dwell"] else None)
        assert got["population"] == customers and got["reach"] == want["customers"] / customers
        assert got["frequency"] == want["touchpoints"] / want["customers"]
        assert got["frequency_low"] <= got["frequency"] <= got["frequency_high"]
        last = not want["ranks"] or min(want["ranks"]) == len(stages)
        assert got["next_stage_rate"] == (None if last else want["went_on"] / want["customers"])
        assert got["bounce_rate"] == (want["bounces"] / want["entries"] if want["entries"] else None)


@pytest.mark.parametrize("bounce", ["one_touchpoint", "not_engaged"])
@pytest.mark.parametrize("metric", METRICS)
def test_engagement_agrees_with_plain_python_on_random_journeys(metric: str, bounce: str) -> None:
    agree(metric, bounce, 300)


@pytest.mark.long
@pytest.mark.parametrize("bounce", ["one_touchpoint", "not_engaged"])
@pytest.mark.parametrize("metric", METRICS)
def test_engagement_agrees_with_plain_python_on_10_000_random_journeys(metric: str, bounce: str) -> None:
    agree(metric, bounce, 10_000)


def test_counts_of_two_halves_of_the_customers_add_up() -> None:
    rows = [row | {"half": "ab"[int(row["customer_id"][1:]) % 2]} for row in THREE]
    whole = by_stage(THREE)
    parts = cx.run("stage_engagement", dataset(rows), by=["half"]).to_dict()["rows"]
    for count in ("customers", "touchpoints", "went_on", "entry_sessions", "bounced_sessions", "dwell_customers"):
        for stage, row in whole.items():
            assert sum(p[count] for p in parts if p["stage"] == stage) == row[count]


def test_shares_lie_between_0_and_1_inside_their_intervals() -> None:
    for row in [*by_stage(THREE).values(), *by_touchpoint(THREE).values(), *by_stage(paths("a b", "b")).values()]:
        for share in ("reach", "next_stage_rate", "bounce_rate"):
            if row[share] is not None:
                assert 0 <= row[f"{share}_low"] <= row[share] <= row[f"{share}_high"] <= 1
                assert not math.isnan(row[share])
