"""Measures of contacts: what is a number and what is not, means and their intervals by hand, and plain Python."""

from __future__ import annotations

import math
import random
import statistics
from collections import defaultdict
from typing import Any

import pytest

import cx_metrics as cx
from cx_metrics.contacts import measure_columns
from tests.conftest import dataset

Row = dict[str, Any]


def contact(customer: str, channel: str | None = "web", **measures: Any) -> Row:
    return {"customer_id": customer, "touchpoint": "a", "channel": channel} | measures


def measured(rows: list[Row], people: list[Row] | None = None, **options: Any) -> dict[tuple[Any, str], Row]:
    """Result rows by group and measure, in the order of the result."""
    per = options.get("per", "channel")
    found = cx.run("contact_measures", dataset(rows, None, people), **options).to_dict()["rows"]
    return {(row[per], row["measure"]): row for row in found}


# By hand


def test_total_mean_median_and_per_customer_of_the_known_contacts() -> None:
    rows = [contact("u1", duration_seconds=10.0), contact("u1", duration_seconds=20.0), contact("u2", duration_seconds=60.0),
            contact("u3"), contact("u4", "app")]  # fmt: skip
    found = measured(rows)
    assert list(found) == [("web", "duration_seconds"), ("app", "duration_seconds")]
    row = found["web", "duration_seconds"]
    assert [row[c] for c in ("contacts", "known", "missing", "not_numbers", "customers")] == [4, 3, 1, 0, 2]
    assert [row[c] for c in ("total", "mean", "median", "per_customer")] == [90, 30, 20, 45]
    other = found["app", "duration_seconds"]
    assert (other["contacts"], other["known"], other["missing"]) == (1, 0, 1)
    assert [other[c] for c in ("total", "mean", "mean_low", "median", "per_customer")] == [None] * 5


def test_with_one_contact_each_the_interval_is_that_of_student() -> None:
    rows = [contact(f"u{i}", value=float(v)) for i, v in enumerate((7, 7, 6, 5, 2))]
    row = measured(rows)["web", "value"]
    # mean 5.4; deviations 1.6 1.6 .6 -.4 -3.4, squares 17.2, sd sqrt(17.2 / 4) = 2.0736; t(.975, 4) = 2.7764 (tables)
    half = 2.7764 * 2.0736 / math.sqrt(5)
    for measure in ("mean", "per_customer"):
        ends = (row[measure], row[f"{measure}_low"], row[f"{measure}_high"])
        assert ends == pytest.approx((5.4, 5.4 - half, 5.4 + half), abs=0.001)


def test_contacts_of_one_customer_are_taken_together_in_the_interval() -> None:
    rows = [contact("u1", value=2.0), contact("u1", value=2.0), contact("u2", value=5.0)]
    row = measured(rows)["web", "value"]
    # mean 3; residuals of the customers 4 - 2 * 3 = -2 and 5 - 3 = 2; variance 2 / 1 * (4 + 4) / 3^2 = 16 / 9, error 4 / 3
    half = 12.7062 * 4 / 3  # t(.975, 1) = 12.7062 (tables)
    assert (row["mean"], row["mean_low"], row["mean_high"]) == pytest.approx((3, 3 - half, 3 + half), abs=0.001)
    # per customer 4 and 5: mean 4.5, sd .7071, error .5
    assert (row["per_customer_low"], row["per_customer_high"]) == pytest.approx((4.5 - 6.3531, 4.5 + 6.3531), abs=0.001)


def test_equal_measures_have_an_interval_without_width_and_one_customer_has_none() -> None:
    row = measured([contact(f"u{i % 3}", cost=0.1) for i in range(7)])["web", "cost"]
    assert row["mean_low"] == row["mean"] == row["mean_high"] == pytest.approx(0.1)
    alone = measured([contact("u1", cost=1.0), contact("u1", cost=2.0)])["web", "cost"]
    assert (alone["mean"], alone["mean_low"], alone["per_customer"], alone["per_customer_low"]) == (1.5, None, 3, None)


# What is a number


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), ("0", 0), (" 1.5 ", 1.5), ("-3", -3), ("+4", 4), ("2e3", 2000), ("1E-2", 0.01), ("007", 7)],
)
def test_plain_decimal_numbers_are_read(text: str, number: float) -> None:
    row = measured([contact("u1", clicks=text)])["web", "clicks"]
    assert (row["known"], row["total"], row["not_numbers"], row["missing"]) == (1, number, 0, 0)


@pytest.mark.parametrize(
    "text", ["1,200", "1 200", "twelve", "1.2.3", "nan", "inf", "0x1F", "1e", ".5.", "--1", "5%", "۱۲", "1\n2"]
)
def test_anything_else_is_counted_and_left_out(text: str) -> None:
    row = measured([contact("u1", clicks=text), contact("u2", clicks="4"), contact("u3")])["web", "clicks"]
    assert (row["known"], row["total"], row["not_numbers"], row["missing"]) == (1, 4, 1, 1)


@pytest.mark.parametrize("blank", [None, "", "  "])
def test_a_blank_is_missing(blank: str | None) -> None:
    row = measured([contact("u1", clicks=blank), contact("u2", clicks="4")])["web", "clicks"]
    assert (row["known"], row["not_numbers"], row["missing"]) == (1, 0, 1)


def test_a_measure_nobody_knows_anything_about_has_no_row() -> None:
    assert measured([contact("u1"), contact("u2")]) == {}
    assert list(measured([contact("u1", clicks="many")])) == [("web", "clicks")]


def test_columns_are_known_by_the_words_in_their_names() -> None:
    names = ["Clicks", "page_views", "emailOpens", "Ad-Impressions", "Просмотры страниц", "عدد نقرات", "تعداد کلیک"]
    assert measure_columns(names) == tuple(names)
    assert (
        measure_columns(["click_id", "view_name", "opened_at", "opens rate", "url", "colour", "customer_id", "step"])
        == ()
    )


def test_prepared_columns_are_no_measures() -> None:
    rows = [contact("u1", clicks="1"), contact("u1", clicks="2")]
    assert {measure for _channel, measure in measured(rows)} == {"clicks"}


def test_what_belongs_to_the_customer_is_no_measure_of_contacts() -> None:
    people = [{"customer_id": "u1", "visits": "7"}]
    assert set(measured([contact("u1", clicks="1")], people)) == {("web", "clicks")}


# Money, order, groups


def test_money_of_several_currencies_has_no_total() -> None:
    rows = [contact("u1", value=1.0, currency="EUR"), contact("u2", value=2.0, currency="USD"), contact("u2", currency="SEK"),
            contact("u1", "app", value=3.0, currency="EUR", clicks="2"), contact("u2", clicks="5")]  # fmt: skip
    found = measured(rows)
    mixed = found["web", "value"]
    assert (mixed["known"], mixed["total"], mixed["mean"], mixed["per_customer"], mixed["currency"]) == (
        2,
        None,
        None,
        None,
        None,
    )
    assert (found["app", "value"]["total"], found["app", "value"]["currency"]) == (3, "EUR")
    assert (found["web", "clicks"]["total"], found["web", "clicks"]["currency"]) == (5, None)


def test_the_largest_group_stands_first_unknown_last_and_our_own_measures_before_those_of_the_file() -> None:
    rows = [contact("u1", None, clicks="1", cost=1.0)] * 4 + [contact("u1", "app", clicks="1")] * 2
    rows += [contact("u1", "web", cost=1.0)] * 3 + [contact("u1", "call", cost=1.0)] * 2
    rows = [row | {"sequence": i} for i, row in enumerate(rows)]
    order = [(c, m) for c in ("web", "app", "call", None) for m in ("cost", "clicks")]
    assert list(measured(rows)) == order


def test_contacts_can_be_grouped_by_any_axis_stages_in_their_order() -> None:
    rows = [contact("u1", stage="action", phase="after", value=1.0), contact("u1", stage="awareness", phase="before", value=2.0),
            contact("u2", stage="action", phase="after", value=3.0), contact("u2", value=4.0)]  # fmt: skip
    assert [key for key, _m in measured(rows, per="stage")] == ["awareness", "action", None]
    assert [key for key, _m in measured(rows, per="phase")] == ["after", "before", None]
    assert [key for key, _m in measured(rows, per="touchpoint")] == ["a"]
    assert [key for key, _m in measured(rows, per="touchpoint_type")] == [None]


def test_a_column_grouped_by_is_no_measure_of_its_own_groups() -> None:
    rows = [contact("u1", clicks="1", opens="3"), contact("u2", clicks="2", opens="5")]
    found = cx.run("contact_measures", dataset(rows), by=["clicks"]).to_dict()["rows"]
    assert [(r["clicks"], r["measure"], r["total"]) for r in found] == [
        ("1", "clicks", 1), ("1", "opens", 3), ("2", "clicks", 2), ("2", "opens", 5),
    ]  # fmt: skip


# Second opinion


def agree(customers: int) -> None:
    """Group by group in plain Python: the sums, and the interval of the mean as that of the customers' residuals."""
    chance = random.Random(5)
    rows = []
    for u in range(customers):
        for _ in range(chance.randint(1, 6)):
            texts = chance.choice(["1", "2.5", "0", "-1e1", "none", None])
            seconds = chance.choice([None, 1.5, 30.0, 4e3])
            rows.append(contact(f"u{u}", chance.choice(["web", "app", None]), duration_seconds=seconds, opens=texts))
    found = measured(rows)
    for (channel, measure), row in found.items():
        own = [r for r in rows if r["channel"] == channel]
        given = [r[measure] for r in own]
        odd = given.count("none")
        numbers = [(r["customer_id"], float(r[measure])) for r in own if r[measure] not in (None, "none")]
        each: dict[str, list[float]] = defaultdict(list)
        for customer, number in numbers:
            each[customer].append(number)
        assert (row["contacts"], row["known"], row["not_numbers"]) == (len(own), len(numbers), odd)
        assert row["missing"] == given.count(None) and row["customers"] == len(each)
        total, mean = sum(x for _c, x in numbers), statistics.fmean(x for _c, x in numbers)
        assert (row["total"], row["mean"]) == (pytest.approx(total), pytest.approx(mean))
        assert row["median"] == statistics.median(x for _c, x in numbers)
        assert row["per_customer"] == pytest.approx(total / len(each))
        m = len(each)
        residuals = [sum(x) - mean * len(x) for x in each.values()]
        error = math.sqrt(m / (m - 1) * sum(r * r for r in residuals)) / len(numbers)
        spread = statistics.stdev(sum(x) for x in each.values()) / math.sqrt(m)
        ratio = (row["mean_high"] - row["mean"]) / error
        assert ratio == pytest.approx((row["mean"] - row["mean_low"]) / error)
        assert ratio == pytest.approx((row["per_customer_high"] - row["per_customer"]) / spread)
        assert 1.96 <= ratio < 2.1  # Student's t of so many customers
    assert len(found) == 6


def test_measures_agree_with_plain_python() -> None:
    agree(200)


@pytest.mark.long
def test_measures_agree_with_plain_python_on_10_000_random_journeys() -> None:
    agree(10_000)
