"""What a view leaves: filters, ranges and grains, and that all metrics of a view speak about the same people."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import cx_metrics as cx
from cx_metrics.engines import Store, memory_store
from cx_metrics.errors import ViewProblem
from cx_metrics.tables import TOUCHPOINTS
from cx_metrics.view import Facts, Filter, Passing, View
from tests.conftest import MORNING, dataset, incoming, paths

Row = dict[str, Any]
ONLY = "touchpoints"  # the rule "only these touchpoints"


def whole_paths(store: Store, view: View | None = None) -> dict[tuple[str, ...], int]:
    frame = cx.run("variants", store, view, top=200).frame
    return dict(zip(frame["path"], frame["journeys"], strict=True))


def touch(customer: str, name: str, when: datetime, **more: Any) -> Row:
    return {"customer_id": customer, "touchpoint": name, "occurred_at": when} | more


def keeping(column: str, *values: str, rule: Any = "customers") -> View:
    return View(touchpoints=(Filter(column, values),), touchpoint_rule=rule)


# Customer filters


def test_a_persona_filter_keeps_journeys_whole() -> None:
    people = [{"customer_id": "u1", "persona": "saver"}, {"customer_id": "u2", "persona": "spender"}]
    store = dataset(paths("A B C", "A C", "B"), customers=people)
    assert whole_paths(store, View(customers=(Filter("persona", ("saver",)),))) == {("A", "B", "C"): 1}
    either = View(customers=(Filter("persona", ("saver", "spender")),))
    assert whole_paths(store, either) == {("A", "B", "C"): 1, ("A", "C"): 1}


def test_the_empty_value_of_a_filter_stands_for_not_known() -> None:
    store = dataset(paths("A B", "A"), customers=[{"customer_id": "u1", "persona": "saver"}])
    assert whole_paths(store, View(customers=(Filter("persona", ("",)),))) == {("A",): 1}


def test_two_customer_filters_both_have_to_hold() -> None:
    people = [{"customer_id": f"u{u}", "persona": "ab"[u % 2], "region": "ns"[u // 3]} for u in (1, 2, 3, 4)]
    store = dataset(paths("A", "B", "C", "D"), customers=people)
    view = View(customers=(Filter("persona", ("b",)), Filter("region", ("s",))))
    assert whole_paths(store, view) == {("C",): 1}


def test_segment_b_changes_nobody_in_segment_a() -> None:
    store = dataset(
        paths("A B", "A"), customers=[{"customer_id": "u1", "persona": "x"}, {"customer_id": "u2", "persona": "y"}]
    )
    one = View().with_values("persona", ("x",))
    both = one.with_against("persona", ("y",))
    assert whole_paths(store, both) == whole_paths(store, one) == {("A", "B"): 1}
    assert cx.run("variants", store, both).definition == cx.run("variants", store, one).definition
    assert whole_paths(store, both.other_side()) == {("A",): 1}


def test_a_customer_filter_reaches_the_answers_too() -> None:
    answers = [{"customer_id": "u1", "score": 10.0}, {"customer_id": "u2", "score": 0.0}, {"score": 5.0}]
    store = dataset(paths("A", "B"), answers, [{"customer_id": "u1", "persona": "saver"}])
    assert cx.run("nps", store, View(customers=(Filter("persona", ("saver",)),))).frame["nps"].item() == 100


def test_an_attribute_of_customers_never_replaces_a_column_of_touchpoints_or_answers() -> None:
    answers = [{"customer_id": "u1", "score": 10.0, "channel": "mail"}]
    people = [{"customer_id": "u1", "channel": "radio", "question": "how did you hear of us?", "persona": "saver"}]
    store = dataset([row | {"channel": "web"} for row in paths("A B")], answers, people, goal=("B",))
    assert cx.run("channel_performance", store).frame["channel"].tolist() == ["web"]
    assert cx.run("nps", store, by=["channel", "question"]).frame[["channel", "question"]].values.tolist() == [
        ["mail", "q"]
    ]
    assert cx.run("nps", store, by=["persona"]).frame["persona"].tolist() == ["saver"]


# Touchpoint filters


def test_customers_who_touched_a_channel_keep_their_whole_journeys() -> None:
    rows = paths("A B C", "B C", "A")
    for row in rows:
        row["channel"] = "web" if row["touchpoint"] == "A" else "store"
    store = dataset(rows)
    assert whole_paths(store, keeping("channel", "web")) == {("A", "B", "C"): 1, ("A",): 1}


def test_only_these_touchpoints_removes_the_others_and_links_the_journey_again() -> None:
    store = dataset(paths("A B C", "B", "A C"))
    assert whole_paths(store, keeping("touchpoint", "A", "C", rule=ONLY)) == {("A", "C"): 2}
    frame = cx.run("transitions", store, keeping("touchpoint", "A", "C", rule=ONLY)).frame
    assert frame[["touchpoint", "next_touchpoint", "mean_seconds"]].values.tolist() == [["A", "C", 90]]  # 120 and 60


def test_who_touched_it_only_outside_the_range_does_not_count_as_having_touched_it() -> None:
    rows = [touch("u1", "A", MORNING - timedelta(1)), touch("u1", "B", MORNING), touch("u2", "A", MORNING)]
    view = replace(keeping("touchpoint", "A"), first_day=date(2026, 1, 5))
    assert whole_paths(dataset(rows), view) == {("A",): 1}


def test_two_touchpoint_filters_have_to_hold_for_one_touchpoint() -> None:
    rows = [
        touch("u1", "A", MORNING, channel="web"),
        touch("u1", "B", MORNING, channel="store"),
        touch("u2", "A", MORNING, channel="store"),
    ]
    view = View(touchpoints=(Filter("channel", ("store",)), Filter("touchpoint", ("A",))))
    assert cx.people(dataset(rows), view)["customers"] == 1


def test_answers_follow_the_people_or_the_touchpoints_of_the_filter() -> None:
    answers = [
        {"customer_id": "u1", "score": 10.0, "channel": "store"},
        {"customer_id": "u2", "score": 0.0, "channel": "web"},
        {"score": 9.0, "channel": "web"},
    ]
    rows = [touch("u1", "A", MORNING, channel="web"), touch("u2", "B", MORNING, channel="store")]
    store = dataset(rows, answers)
    assert cx.run("nps", store, keeping("channel", "web")).frame["nps"].item() == 100  # u1 touched it
    assert cx.run("nps", store, keeping("channel", "web", rule=ONLY)).frame["responses"].item() == 2  # answers about it


def test_a_column_that_is_not_there_is_refused_with_the_nearest() -> None:
    with pytest.raises(ViewProblem, match="no column chanel .*Nearest: channel"):
        whole_paths(dataset(paths("A")), keeping("chanel", "web"))


# Range


def test_a_range_holds_its_first_instant_and_not_the_one_after_its_last_day() -> None:
    instants = {
        "before": datetime(2026, 1, 4, 23, 59, 59, 999_999),
        "first": datetime(2026, 1, 5),
        "last": datetime(2026, 1, 6, 23, 59, 59, 999_999),
        "after": datetime(2026, 1, 7),
    }
    store = dataset([touch("u1", name, when) for name, when in instants.items()])
    view = View(first_day=date(2026, 1, 5), last_day=date(2026, 1, 6))
    assert whole_paths(store, view) == {("first", "last"): 1}
    assert whole_paths(store, View(first_day=date(2026, 1, 6))) == {("last", "after"): 1}
    assert whole_paths(store, View(last_day=date(2026, 1, 4))) == {("before",): 1}


@pytest.mark.parametrize(
    ("zone", "day", "first", "after"),
    [  # UTC instants of midnight; on the two days of the clock change Berlin has 23 and 25 hours
        ("Europe/Berlin", date(2026, 3, 29), datetime(2026, 3, 28, 23), datetime(2026, 3, 29, 22)),
        ("Europe/Berlin", date(2026, 10, 25), datetime(2026, 10, 24, 22), datetime(2026, 10, 25, 23)),
        ("Asia/Tehran", date(2026, 1, 5), datetime(2026, 1, 4, 20, 30), datetime(2026, 1, 5, 20, 30)),
        ("America/St_Johns", date(2026, 1, 5), datetime(2026, 1, 5, 3, 30), datetime(2026, 1, 6, 3, 30)),
    ],
)
def test_a_day_is_a_day_of_the_zone_of_the_dataset(zone: str, day: date, first: datetime, after: datetime) -> None:
    tick = timedelta(microseconds=1)
    instants = {"before": first - tick, "first": first, "last": after - tick, "after": after}
    store = dataset([touch("u1", name, when) for name, when in instants.items()], zone=zone)
    view = View(first_day=day, last_day=day)
    assert whole_paths(store, view) == {("first", "last"): 1}
    by_day = cx.run("touchpoint_engagement", store, by=["day"]).frame  # the calendar of the data agrees with the range
    assert set(by_day[by_day["day"] == day]["touchpoint"]) == {"first", "last"}


def test_journeys_that_start_in_the_range_are_kept_whole_and_others_not_at_all() -> None:
    day = timedelta(1)
    rows = [
        *(touch("u1", name, MORNING - n * day) for n, name in enumerate("BA")),
        *(touch("u2", name, MORNING + n * day) for n, name in enumerate("AB")),
    ]
    one_day = {"first_day": date(2026, 1, 5), "last_day": date(2026, 1, 5)}
    assert whole_paths(dataset(rows), View(**one_day, range_rule="journeys")) == {("A", "B"): 1}
    assert whole_paths(dataset(rows), View(**one_day)) == {("B",): 1, ("A",): 1}


def test_journeys_begun_before_the_range_are_counted_for_the_caption() -> None:
    rows = [touch("u1", "A", MORNING - timedelta(1)), touch("u1", "B", MORNING), touch("u2", "A", MORNING)]
    counted = cx.people(dataset(rows, goal=("B",)), View(first_day=date(2026, 1, 5)))
    assert counted == {"customers": 2, "journeys": 2, "touchpoints": 2, "begun_earlier": 1}


def test_answers_count_when_answered_in_the_range() -> None:
    answers = [
        {"score": 10.0, "answered_at": MORNING},
        {"score": 0.0, "answered_at": MORNING - timedelta(1)},
        {"score": 0.0},
    ]
    for row in answers[2:]:
        row["answered_at"] = None
    store = dataset(surveys=answers)
    assert cx.run("nps", store, View(first_day=date(2026, 1, 5))).frame["responses"].item() == 1
    assert cx.run("nps", store).frame["responses"].item() == 3


def test_touchpoints_with_only_an_order_cannot_be_cut_to_a_range() -> None:
    store = dataset([row | {"occurred_at": None} for row in paths("A")])
    with pytest.raises(ViewProblem, match="order but no time"):
        cx.people(store, View(first_day=date(2026, 1, 5)))


def test_the_range_before_is_as_long_and_ends_the_day_before() -> None:
    view = View(first_day=date(2026, 3, 1), last_day=date(2026, 3, 31), compare="previous")
    before = view.previous()
    assert before is not None
    assert (before.first_day, before.last_day, before.compare) == (date(2026, 1, 29), date(2026, 2, 28), "none")
    assert View(first_day=date(2026, 3, 1)).previous() is None


# Journeys that pass a node


def test_passing_looks_at_the_journeys_as_the_view_leaves_them() -> None:
    store = dataset(paths("X A B", "A B", "B A"))
    view = View(touchpoints=(Filter("touchpoint", ("A", "B")),), touchpoint_rule="touchpoints", passing=Passing(1, "A"))
    assert whole_paths(store, view) == {("A", "B"): 2}


def test_answers_follow_the_customers_who_pass() -> None:
    answers = [{"customer_id": "u1", "score": 10.0}, {"customer_id": "u2", "score": 0.0}]
    store = dataset(paths("A B", "B A"), answers)
    assert cx.run("nps", store, View(passing=Passing(1, "A"))).frame["nps"].item() == 100


# Exact duplicates


def test_exact_duplicates_count_once_and_are_counted() -> None:
    rows = [row | {"sequence": i} for i, row in enumerate(paths("A B") * 2 + paths("A"))]
    for row in rows:
        row["raw_touchpoint"] = row["touchpoint"]
    rows[4]["channel"] = "web"  # not the same in every column
    store, built = memory_store({"touchpoints": incoming(rows, TOUCHPOINTS.schema)}, Facts())
    assert built.duplicates == 2
    assert whole_paths(store) == {("A", "A", "B"): 1}


# All metrics of a view speak about the same people


FEW = (Phase.explicit, Phase.reuse, Phase.generate)  # an example runs all metrics: shrinking would take minutes


def draw(seed: int) -> list[list[tuple[str, int]]]:
    """Journeys of 20 customers: touchpoints and seconds, with ties and gaps that cut sessions."""
    chance = random.Random(seed)
    times = (0, 1, 60, 1_860, 1_861, 5_000)
    return [[(chance.choice("ABCD"), chance.choice(times)) for _ in range(chance.randint(1, 6))] for _ in range(20)]


journeys = st.integers(0, 10**6).map(draw)


def rows_of(drawn: list[list[tuple[str, int]]]) -> list[Row]:
    rows = [
        touch(
            f"u{u}",
            name,
            MORNING + timedelta(seconds=s),
            stage={"A": "awareness", "B": "decision"}.get(name),
            mark=str(i),
        )
        | {"raw_touchpoint": name, "half": "ab"[u % 2], "channel": {"A": "web", "C": None}.get(name, "store")}
        for u, journey in enumerate(drawn)
        for i, (name, s) in enumerate(journey)
    ]
    return [row | {"sequence": i} for i, row in enumerate(rows)]


@settings(deadline=None, max_examples=2, phases=FEW)
@given(journeys)
def test_funnel_engagement_and_flow_agree_on_how_many_people_there_are(drawn: list[list[tuple[str, int]]]) -> None:
    rows = rows_of(drawn)
    store = dataset(rows)
    engagement = cx.run("touchpoint_engagement", store).frame.set_index("touchpoint")
    for name in engagement.index[:2]:
        entered = cx.run("funnel", store, steps=f"{name},Z").frame["customers"].iloc[0]
        touched = cx.people(store, keeping("touchpoint", name))["customers"]
        assert entered == engagement.loc[name, "customers"] == touched
        assert touched == len({row["customer_id"] for row in rows if row["touchpoint"] == name})
    flow = cx.run("flow_links", store).frame
    assert flow[flow["step"] == 1]["journeys"].sum() == len(drawn) == cx.people(store)["customers"]
    assert set(engagement["population"]) == {len(drawn)}


OVER_TOUCHPOINTS = [name for name, metric in cx.METRICS.items() if metric.inputs == ("touchpoints",)]


def answers_of(store: Store, names: Iterable[str] = OVER_TOUCHPOINTS, **options: Any) -> dict[str, pd.DataFrame]:
    """What these metrics answer, with the funnel's steps given."""
    asked = {name: {"steps": "A,B|C,A", "window": "1h"} for name, metric in cx.METRICS.items() if metric.walk}
    asked["drop_out_correlates"] |= {"min_support": "0"}
    return {name: cx.run(name, store, **asked.get(name, {}), **options).frame for name in names}


@settings(deadline=None, max_examples=2, phases=FEW)
@given(journeys, st.integers(0, 10**6))
def test_order_of_rows_and_names_of_customers_do_not_matter(drawn: list[list[tuple[str, int]]], seed: int) -> None:
    rows, chance = rows_of(drawn), random.Random(seed)
    numbers = list(range(100, 100 + len(drawn)))
    chance.shuffle(numbers)
    renamed = [row | {"customer_id": f"customer {numbers[int(row['customer_id'][1:])]}"} for row in rows]
    chance.shuffle(renamed)  # each row keeps its `sequence`, which says the order of arrival
    mine, theirs = answers_of(dataset(rows, goal=("B",))), answers_of(dataset(renamed, goal=("B",)))
    for name, frame in mine.items():
        pd.testing.assert_frame_equal(frame, theirs[name], obj=name)


HALVES = {  # what may be added up, and by which columns a row is found
    "conversion": ([], ["customers", "converted"]),
    "channel_performance": (
        ["channel"],
        ["customers", "touchpoints", "converted", "first_touch_conversions", "last_touch_conversions"],
    ),
    "flow_links": (["step", "source", "target", "kind"], ["journeys"]),
    "transitions": (["touchpoint", "next_touchpoint"], ["transitions", "journeys"]),
    "variants": (["path"], ["journeys", "converted"]),
    "funnel": (["step"], ["customers", "entrants", "drop_off"]),
    "touchpoint_engagement": (
        ["touchpoint"],
        ["customers", "touchpoints", "went_on", "entry_sessions", "bounced_sessions"],
    ),
}


@settings(deadline=None, max_examples=2, phases=FEW)
@given(journeys)
def test_two_halves_of_the_customers_add_up(drawn: list[list[tuple[str, int]]]) -> None:
    store = dataset(rows_of(drawn), goal=("B",))
    whole, parts = answers_of(store, HALVES), answers_of(store, HALVES, by=["half"])
    for name, (keys, counts) in HALVES.items():

        def totals(frame: pd.DataFrame, keys: list[str] = keys, counts: list[str] = counts) -> dict[Any, list[int]]:
            found: dict[Any, list[int]] = {}
            for row in frame[[*keys, *counts]].astype(object).itertuples(index=False):
                key = tuple(None if v != v else v for v in row[: len(keys)])
                found[key] = [a + b for a, b in zip(found.get(key, [0] * len(counts)), row[len(keys) :], strict=True)]
            return {key: n for key, n in found.items() if any(n)}

        assert totals(parts[name]) == totals(whole[name]), name
