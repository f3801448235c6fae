"""Channels: first and last touch on the published paths, lookback, spend, return, and a plain-Python second opinion."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cx_metrics as cx
from cx_metrics.engines import Store, memory_store
from cx_metrics.errors import ViewProblem
from cx_metrics.tables import SPEND, TOUCHPOINTS
from cx_metrics.view import Facts, Filter, View
from tests.conftest import MORNING, dataset, incoming

Row = dict[str, Any]
DAY = 86_400
SEVEN = (  #: seven converting paths
    "search email direct", "search", "social search", "social email email direct", "direct", "search email", "email search",
)  # fmt: skip


def path(customer: str, channels: str, value: float | None = None, channel: str | None = None) -> list[Row]:
    """Contacts on these channels, a minute apart, then a purchase."""
    names = channels.split()
    rows = [{"customer_id": customer, "touchpoint": "contact", "channel": name} for name in names]
    rows.append({"customer_id": customer, "touchpoint": "purchase", "channel": channel, "value": value})
    return [row | {"occurred_at": MORNING + timedelta(minutes=i)} for i, row in enumerate(rows)]


def shop(rows: list[Row], spend: list[Row] | None = None, **facts: Any) -> Store:
    """A dataset whose goal is the purchase."""
    if spend is None:
        return dataset(rows, goal=("purchase",), **facts)
    numbered = [{"sequence": i, "raw_touchpoint": row["touchpoint"]} | row for i, row in enumerate(rows)]
    tables: dict[str, pa.Schema] = {"touchpoints": incoming(numbered, TOUCHPOINTS.schema)}
    return memory_store(tables | {"spend": incoming(spend, SPEND.schema)}, Facts(goal=("purchase",), **facts))[0]


def channels(store: Store, view: View | None = None, **options: Any) -> dict[str | None, Row]:
    """Result rows by channel."""
    return {row["channel"]: row for row in cx.run("channel_performance", store, view, **options).to_dict()["rows"]}


def credits(found: dict[str | None, Row], which: str) -> dict[str | None, int]:
    return {c: n for c, row in found.items() if (n := row[f"{which}_touch_conversions"])}


# First and last touch


def test_first_and_last_touch_of_the_seven_published_paths() -> None:
    found = channels(shop([row for u, names in enumerate(SEVEN) for row in path(f"u{u}", names)]))
    assert credits(found, "first") == {"search": 3, "social": 2, "direct": 1, "email": 1}  #
    # last touch by hand: direct ends paths 1, 4, 5; search 2, 3, 7; email 6
    assert credits(found, "last") == {"direct": 3, "search": 3, "email": 1}


def test_conversion_without_a_touchpoint_before_it_stands_under_none() -> None:
    found = channels(shop(path("u1", "") + path("u2", "web")))
    assert credits(found, "first") == credits(found, "last") == {"(none)": 1, "web": 1}
    none = found["(none)"]
    assert (none["customers"], none["touchpoints"], none["conversion_rate"], none["population"]) == (0, 0, None, 2)


def test_the_channel_of_the_goal_itself_earns_no_credit() -> None:
    found = channels(shop(path("u1", "email", channel="store")))
    assert credits(found, "last") == {"email": 1}
    assert (found["store"]["customers"], found["store"]["converted"]) == (1, 1)  # at or after the first contact


def test_touchpoints_after_the_conversion_are_ignored() -> None:
    rows = path("u1", "web") + [
        {"customer_id": "u1", "touchpoint": "contact", "channel": "late", "occurred_at": MORNING + timedelta(hours=1)}
    ]
    found = channels(shop(rows))
    assert credits(found, "first") == credits(found, "last") == {"web": 1}
    assert (found["late"]["customers"], found["late"]["converted"]) == (1, 0)


def test_the_path_of_a_second_conversion_starts_after_the_first() -> None:
    rows = path("u1", "web") + [row | {"occurred_at": row["occurred_at"] + timedelta(1)} for row in path("u1", "email")]
    found = channels(shop(rows))
    assert credits(found, "first") == {"web": 1, "email": 1}
    assert found[None]["touchpoints"] == 2  # the two purchases, whose channel is not known
    again = channels(shop(path("u1", "web") + path("u1", "")))
    assert credits(again, "last") == {"web": 1, "(none)": 1}


def test_a_conversion_whose_only_contact_has_no_channel_is_credited_to_not_known() -> None:
    rows = [row | {"channel": None} for row in path("u1", "web")]
    assert credits(channels(shop(rows)), "last") == {None: 1}


@pytest.mark.parametrize(("early", "credited"), [(90 * DAY, "web"), (90 * DAY + 1e-6, "(none)")])
def test_lookback_of_90_days_is_inclusive(early: float, credited: str) -> None:
    rows = path("u1", "web")
    rows[0]["occurred_at"] = rows[1]["occurred_at"] - timedelta(seconds=early)  #: look-back inclusive
    assert credits(channels(shop(rows)), "first") == {credited: 1}


def test_lookback_can_be_shorter_and_can_be_unlimited() -> None:
    rows = path("u1", "old new")
    rows[0]["occurred_at"] -= timedelta(400)
    store = shop(rows)
    assert credits(channels(store), "first") == {"new": 1}
    assert credits(channels(store, lookback="unlimited"), "first") == {"old": 1}
    assert credits(channels(store, lookback="30s"), "first") == {"(none)": 1}


def test_equal_times_keep_their_order_of_arrival() -> None:
    rows = [row | {"occurred_at": MORNING} for row in path("u1", "web email")]
    found = channels(shop(rows))
    assert (credits(found, "first"), credits(found, "last")) == ({"web": 1}, {"email": 1})


def test_channels_without_times_are_credited_by_order() -> None:
    found = channels(shop([row | {"occurred_at": None} for row in path("u1", "web email")]))
    assert (credits(found, "first"), credits(found, "last")) == ({"web": 1}, {"email": 1})


def test_a_goal_is_needed_and_can_come_with_the_view() -> None:
    store = dataset(path("u1", "web"))
    with pytest.raises(ViewProblem, match="needs a goal"):
        channels(store)
    assert credits(channels(store, View(goal=("purchase",))), "last") == {"web": 1}


# Reach and conversion rate


def test_reach_and_conversion_rate_count_customers_once() -> None:
    rows = path("u1", "web web email") + path("u2", "web") + path("u3", "email")[:1]
    found = channels(shop(rows))
    picked = ("customers", "reach", "touchpoints", "converted", "conversion_rate")
    assert [found["web"][c] for c in picked] == [2, 2 / 3, 3, 2, 1]
    assert [found["email"][c] for c in picked] == [2, 2 / 3, 2, 1, 0.5]
    # Wilson of 1 of 2 (statsmodels 0.15.0): .0945, .9055
    low, high = found["email"]["conversion_rate_low"], found["email"]["conversion_rate_high"]
    assert (low, high) == pytest.approx((0.0945, 0.9055), abs=0.0001)


def test_channels_stand_by_customers_then_by_name() -> None:
    # the purchases of both customers have no known channel
    assert list(channels(shop(path("u1", "b a c") + path("u2", "c")))) == ["c", None, "a", "b"]


# Money


def spent(channel: str, cost: float, first: date = date(2026, 1, 1), end: date = date(2026, 2, 1)) -> Row:
    return {"channel": channel, "cost": cost, "period_start": first, "period_end": end}


def test_cost_200_revenue_500_and_10_conversions_return_2_5_at_20_each() -> None:
    rows = [row for u in range(10) for row in path(f"u{u}", "ad", value=50.0)]
    row = channels(shop(rows, [spent("ad", 150), spent("ad", 50)]))["ad"]  #
    assert (row["cost"], row["value"], row["last_touch_conversions"]) == (200, 500, 10)
    assert (row["return_on_spend"], row["cost_per_conversion"]) == (2.5, 20)


def test_value_is_credited_by_last_touch() -> None:
    found = channels(shop(path("u1", "ad email", value=30.0) + path("u2", "ad", value=12.0)))
    assert (found["ad"]["value"], found["email"]["value"]) == (12, 30)


def test_no_cost_has_no_return_and_no_conversion_has_no_price() -> None:
    rows = path("u1", "ad mail", value=10.0) + path("u2", "free", value=5.0)
    found = channels(shop(rows, [spent("free", 0), spent("ad", 7)]))
    assert (found["free"]["return_on_spend"], found["free"]["cost_per_conversion"]) == (None, 0)
    assert (found["ad"]["return_on_spend"], found["ad"]["cost_per_conversion"]) == (0, None)
    assert (found["mail"]["cost"], found["mail"]["return_on_spend"], found["mail"]["cost_per_conversion"]) == (
        None,
    ) * 3


def test_conversions_without_a_known_value_have_no_return_instead_of_none_at_all() -> None:
    row = channels(shop(path("u1", "ad"), [spent("ad", 7)]))["ad"]
    assert (row["value"], row["return_on_spend"], row["cost_per_conversion"]) == (None, None, 7)


def test_money_spent_on_a_channel_that_reached_nobody_has_a_row() -> None:
    found = channels(shop(path("u1", "ad"), [spent("ad", 7), spent("tv", 900)]))
    tv = found["tv"]
    assert (tv["cost"], tv["customers"], tv["reach"], tv["population"]) == (900, 0, 0, 1)
    assert sum(row["cost"] or 0 for row in found.values()) == 907


def test_spend_counts_by_the_days_of_its_period_that_lie_in_the_range() -> None:
    # 31 days cost 310; 5 to 14 January are 10 of them (: pro rata by day); the period end is not part of it
    store = shop(path("u1", "ad"), [spent("ad", 310), spent("ad", 99, date(2025, 12, 1), date(2026, 1, 5))])
    ten_days = View(first_day=date(2026, 1, 5), last_day=date(2026, 1, 14))
    assert channels(store, ten_days)["ad"]["cost"] == pytest.approx(100)
    assert channels(store)["ad"]["cost"] == pytest.approx(409)
    february = View(first_day=date(2026, 1, 5), last_day=date(2026, 3, 1))
    assert channels(store, february)["ad"]["cost"] == pytest.approx(270)


def test_spend_of_other_channels_leaves_with_a_filter_on_channels() -> None:
    store = shop(path("u1", "ad mail"), [spent("ad", 7), spent("mail", 5)])
    view = View(touchpoints=(Filter("channel", ("ad",)),))
    assert {c: row["cost"] for c, row in channels(store, view).items()}["mail"] is None


def test_groups_of_customers_have_no_cost_because_spend_does_not_know_them() -> None:
    rows = [row | {"persona": row["customer_id"]} for row in path("u1", "ad") + path("u2", "ad")]
    result = cx.run("channel_performance", shop(rows, [spent("ad", 7)]), by=["persona"]).frame
    assert result["cost"].isna().all() and result["cost_per_conversion"].isna().all()
    assert result[["persona", "population"]].drop_duplicates().values.tolist() == [["u1", 1], ["u2", 1]]


def test_a_group_column_of_numbers_may_be_unknown() -> None:
    rows = [
        row | {"duration_seconds": None if row["customer_id"] == "u1" else 5.0}
        for row in path("u1", "ad") + path("u2", "ad")
    ]
    result = cx.run("channel_performance", shop(rows), by=["duration_seconds"]).to_dict()["rows"]
    ad = {row["duration_seconds"]: row for row in result if row["channel"] == "ad"}
    assert {k: (r["customers"], r["last_touch_conversions"]) for k, r in ad.items()} == {5.0: (1, 1), None: (1, 1)}


# Second opinion and properties


def opinion(
    rows: list[Row], lookback: timedelta
) -> tuple[Counter[str | None], Counter[str | None], Counter[str | None]]:
    """First touches, last touches and value by channel: each purchase looks back to the one before."""
    first, last, value = Counter[str | None](), Counter[str | None](), Counter[str | None]()
    journeys: dict[str, list[Row]] = {}
    for row in rows:
        journeys.setdefault(row["customer_id"], []).append(row)
    for own in journeys.values():
        since: list[Row] = []
        for row in own:
            if row["touchpoint"] != "purchase":
                since.append(row)
                continue
            recent = [r["channel"] for r in since if row["occurred_at"] - r["occurred_at"] <= lookback] or ["(none)"]
            first[recent[0]] += 1
            last[recent[-1]] += 1
            value[recent[-1]] += row["value"]
            since = []
    return first, last, value


def random_rows(chance: random.Random, customers: int) -> list[Row]:
    """Journeys in order of arrival; times tie, and lie on both sides of a lookback of 5 minutes."""
    rows = []
    for u in range(customers):
        minutes = sorted(chance.choice([0, 1, 5, 6, 10]) for _ in range(chance.randint(1, 7)))
        for i, minute in enumerate(minutes):
            bought = chance.random() < 0.3
            rows.append({"customer_id": f"u{u}", "touchpoint": "purchase" if bought else "contact",
                         "channel": chance.choice(["web", "email", "store", None]), "mark": str(i),
                         "value": float(chance.randrange(9)) if bought else None,
                         "occurred_at": datetime(2026, 1, 1) + timedelta(minutes=minute)})  # fmt: skip
    return rows


def test_credits_agree_with_plain_python_on_random_journeys() -> None:
    rows = random_rows(random.Random(5), 400)
    store = shop(rows)
    for lookback in (timedelta(minutes=5), timedelta(90)):
        found = channels(store, lookback=lookback)
        first, last, value = opinion(rows, lookback)
        assert (credits(found, "first"), credits(found, "last")) == (first, last)
        assert {c: row["value"] for c, row in found.items() if row["value"]} == +value


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10**6), st.sampled_from(["30s", "5min", "unlimited"]))
def test_credits_sum_to_the_conversions(seed: int, lookback: str) -> None:
    rows = random_rows(random.Random(seed), 12)
    found = channels(shop(rows), lookback=lookback)
    goals = sum(row["touchpoint"] == "purchase" for row in rows)
    assert sum(credits(found, "first").values()) == sum(credits(found, "last").values()) == goals
