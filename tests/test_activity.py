"""Stickiness and active days: the known answer, the calendar, and plain Python on random days."""

from __future__ import annotations

import random
from calendar import monthrange
from collections import Counter, defaultdict
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import cx_metrics as cx
from cx_metrics import intervals
from cx_metrics.view import View
from tests.conftest import dataset

Row = dict[str, Any]


def on(**days: list[date | datetime]) -> list[Row]:
    """One touchpoint per customer and day, at noon UTC unless a time is given."""
    return [
        {"customer_id": customer, "touchpoint": "a"}
        | {"occurred_at": day if isinstance(day, datetime) else datetime.combine(day, time(12))}
        for customer, own in days.items()
        for day in own
    ]


def january(*days: int) -> list[date | datetime]:
    return [date(2026, 1, day) for day in days]


def sticky(rows: list[Row], view: View | None = None, **facts: Any) -> list[Row]:
    return list(cx.run("stickiness", dataset(rows, **facts), view).to_dict()["rows"])


FOUR_DAYS = on(u1=january(1), u2=january(1, 2), u3=january(2, 3, 4))


def test_three_customers_on_1_2_and_3_of_4_days_give_a_half() -> None:
    (row,) = sticky(FOUR_DAYS)  # daily customers 2, 2, 1, 1: mean 1.5 of 3
    assert (row["month"], row["days"], row["is_partial"]) == ("2026-01-01", 4, True)
    assert (row["daily_customers_mean"], row["customers"], row["stickiness"]) == (1.5, 3, 0.5)


def test_the_interval_draws_customers_with_their_active_days() -> None:
    (row,) = sticky(FOUR_DAYS)
    bounds = intervals.bootstrap_mean([1 / 4, 2 / 4, 3 / 4], [1, 1, 1])
    assert (row["stickiness_low"], row["stickiness_high"]) == bounds
    (alone,) = sticky(on(u1=january(1, 3)))
    assert alone["stickiness"] == 2 / 3 and alone["stickiness_low"] is None


def test_several_touchpoints_on_a_day_are_one_active_day() -> None:
    (row,) = sticky(
        [*FOUR_DAYS, *(row | {"occurred_at": row["occurred_at"] + timedelta(hours=1)} for row in FOUR_DAYS)]
    )
    assert (row["daily_customers_mean"], row["stickiness"]) == (1.5, 0.5)


def test_a_month_is_whole_if_the_data_cover_its_first_and_last_day() -> None:
    rows = on(u1=[date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 28), date(2026, 3, 1)])
    assert [(r["month"], r["days"], r["is_partial"]) for r in sticky(rows)] == [
        ("2026-01-01", 1, True), ("2026-02-01", 28, False), ("2026-03-01", 1, True),
    ]  # fmt: skip


def test_a_range_counts_only_its_own_days_of_the_data() -> None:
    view = View(first_day=date(2026, 1, 2), last_day=date(2026, 6, 30))  # the data end on 4 January
    (row,) = sticky(FOUR_DAYS, view)
    assert (row["days"], row["customers"], row["daily_customers_mean"]) == (3, 2, 4 / 3)  # u2 on one day, u3 on three
    assert row["stickiness"] == pytest.approx(4 / 6)


def test_days_on_which_nobody_of_the_view_was_there_count_as_days() -> None:
    rows = [row | {"region": "north" if row["customer_id"] == "u1" else "south"} for row in FOUR_DAYS]
    found = cx.run("stickiness", dataset(rows), by=["region"]).to_dict()["rows"]
    assert [(r["region"], r["days"], r["stickiness"]) for r in found] == [("north", 4, 1 / 4), ("south", 4, 5 / 8)]


def test_a_month_without_anybody_has_its_row_and_no_stickiness() -> None:
    rows = sticky(on(u1=[date(2026, 1, 5), date(2026, 3, 5)]))
    assert [(r["month"], r["days"], r["customers"], r["stickiness"]) for r in rows] == [
        ("2026-01-01", 27, 1, 1 / 27), ("2026-02-01", 28, 0, None), ("2026-03-01", 5, 1, 1 / 5),
    ]  # fmt: skip


def test_journeys_that_start_in_the_range_reach_to_the_end_of_the_data() -> None:
    rows = on(u1=january(1, 2, 4), u2=january(3))
    (row,) = sticky(rows, View(first_day=date(2026, 1, 1), last_day=date(2026, 1, 2), range_rule="journeys"))
    assert (row["days"], row["customers"], row["stickiness"]) == (4, 1, 3 / 4)


def test_days_and_months_are_cut_in_the_time_zone_of_the_dataset() -> None:
    late = [datetime(2026, 1, 31, 22), datetime(2026, 1, 31, 23, 30)]  # 23:00 and 0:30 in Berlin
    assert [r["month"] for r in sticky(on(u1=late))] == ["2026-01-01"]
    berlin = sticky(on(u1=late), zone="Europe/Berlin")
    assert [(r["month"], r["days"], r["stickiness"]) for r in berlin] == [("2026-01-01", 1, 1), ("2026-02-01", 1, 1)]


# Active days


def histogram(rows: list[Row], **options: Any) -> dict[str, int]:
    found = cx.run("active_days", dataset(rows), **options).to_dict()["rows"]
    return {row["active_days"]: row["customers"] for row in found}


def test_customers_by_number_of_days_without_a_gap_in_the_numbers() -> None:
    assert histogram(FOUR_DAYS) == {"1": 1, "2": 1, "3": 1}
    assert histogram(on(u1=january(1), u2=january(1, 2, 3, 4))) == {"1": 1, "2": 0, "3": 0, "4": 1}


def test_the_last_row_holds_so_many_days_or_more() -> None:
    assert histogram(FOUR_DAYS, most=2) == {"1": 1, "2+": 2}
    assert histogram(on(u1=january(1)), most=2) == {"1": 1}


def test_shares_are_of_all_customers_with_their_wilson_interval() -> None:
    rows = on(**{f"u{i}": january(1) for i in range(8)}, v1=january(1, 2), v2=january(1, 2))
    row = cx.run("active_days", dataset(rows)).to_dict()["rows"][0]
    assert (row["customers"], row["population"], row["share"]) == (8, 10, 0.8)
    # 8 of 10, Wilson (statsmodels 0.15.0): .4902, .9433
    assert (row["share_low"], row["share_high"]) == pytest.approx((0.4902, 0.9433), abs=0.0001)


def test_active_days_of_a_group_are_of_its_own_customers() -> None:
    rows = [row | {"region": "north" if row["customer_id"] == "u1" else None} for row in FOUR_DAYS]
    found = cx.run("active_days", dataset(rows), by=["region"]).to_dict()["rows"]
    assert [(r["region"], r["active_days"], r["customers"], r["population"]) for r in found] == [
        ("north", "1", 1, 1), (None, "1", 0, 2), (None, "2", 1, 2), (None, "3", 1, 2),
    ]  # fmt: skip


# Second opinion


def agree(customers: int) -> None:
    """Months and days against plain Python, in a zone whose clock changes within the data."""
    chance, zone = random.Random(11), ZoneInfo("America/New_York")
    rows = []
    for u in range(customers):
        start = datetime(2026, 2, 10) + timedelta(hours=chance.randint(0, 1_500))
        times = [start + timedelta(hours=chance.choice([0, 1, 5, 23, 24, 300])) for _ in range(chance.randint(1, 6))]
        rows += on(**{f"u{u}": times})  # type: ignore[arg-type]
    days = defaultdict(set)
    for row in rows:
        days[row["customer_id"]].add(row["occurred_at"].replace(tzinfo=ZoneInfo("UTC")).astimezone(zone).date())
    every = sorted(day for own in days.values() for day in own)
    store = dataset(rows, zone="America/New_York")
    found = cx.run("stickiness", store).to_dict()["rows"]
    months = sorted({day.replace(day=1) for day in every})
    assert [row["month"] for row in found] == [month.isoformat() for month in months]
    for row, month in zip(found, months, strict=True):
        whole = [month + timedelta(days=i) for i in range(monthrange(month.year, month.month)[1])]
        covered = [day for day in whole if every[0] <= day <= every[-1]]
        daily = [sum(day in own for own in days.values()) for day in covered]
        monthly = sum(any(day in own for day in covered) for own in days.values())
        assert (row["days"], row["is_partial"]) == (len(covered), len(covered) < len(whole))
        assert (row["customers"], row["daily_customers_mean"]) == (monthly, sum(daily) / len(covered))
        assert row["stickiness"] == pytest.approx(sum(daily) / len(covered) / monthly)
        assert row["stickiness_low"] <= row["stickiness"] <= row["stickiness_high"]
    counted = Counter(len(own) for own in days.values())
    shown = cx.run("active_days", store).to_dict()["rows"]
    assert {int(row["active_days"]): row["customers"] for row in shown if row["customers"]} == counted


def test_stickiness_and_active_days_agree_with_plain_python() -> None:
    agree(300)


@pytest.mark.long
def test_stickiness_and_active_days_agree_with_plain_python_on_10_000_random_journeys() -> None:
    agree(10_000)
