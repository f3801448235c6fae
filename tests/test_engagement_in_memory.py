"""Engagement from touchpoints in memory: the same as from the query, and asked where it must be."""

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from cx_metrics import contacts_in_memory, engagement_in_memory
from cx_metrics.engines import Store, memory_store
from cx_metrics.registry import METRICS
from cx_metrics.run import run
from cx_metrics.view import Answered, Filter, Passing, View
from tests.conftest import MORNING, dataset, seldom
from tests.engines.events import START, ask, differences, random_events

ENGAGEMENT = (
    "stage_engagement",
    "touchpoint_engagement",
    "channel_engagement",
    "type_engagement",
    "phase_engagement",
    "reach",
)
DAY = START.date()
WEB = Filter("channel", ("web",))
TOLD = {
    "everybody": View(),
    "days": View(first_day=DAY + timedelta(days=3), last_day=DAY + timedelta(days=9)),
    "days from": View(first_day=DAY + timedelta(days=6)),
    "days up to": View(last_day=DAY + timedelta(days=6)),
    "journeys that began": View(first_day=DAY + timedelta(days=3), last_day=DAY + timedelta(days=9), range_rule="journeys"),
    "a persona": View(customers=(Filter("persona", ("saver",)),), first_day=DAY + timedelta(days=2)),
    "who has no persona": View(customers=(Filter("persona", ("",)),)),
    "a channel": View(touchpoints=(WEB,)),
    "a channel in these days": View(touchpoints=(WEB,), first_day=DAY + timedelta(days=2), last_day=DAY + timedelta(days=12)),
    "detractors": View(answered=Answered("nps", 0, 6)),
    "a node": View(passing=Passing(2, "A")),
    "nobody": View(customers=(Filter("persona", ("never heard of",)),)),
    "no day of it": View(last_day=DAY - timedelta(days=300)),
}  # fmt: skip
ASKED = {
    "sessions": View(grain="session"),
    "cases": View(grain="case"),
    "touchpoints alone": View(touchpoints=(WEB,), touchpoint_rule="touchpoints"),
}  # fmt: skip


def opened(seed: int, timed: bool = True) -> Store:
    events = random_events(seed, 40, timed)
    return memory_store(events.tables(), events.facts, 100)[0]


def both(
    store: Store, metric: str, view: View, monkeypatch: pytest.MonkeyPatch, by: tuple[str, ...] = (), **options: Any
) -> tuple[bool, list[str]]:
    """Did its answer come from memory, and where does it differ from that of the query?"""
    told, declared, found = list[pd.DataFrame | None](), METRICS[metric].here, []
    assert declared is not None

    def noted(*given: Any) -> pd.DataFrame | None:
        told.append(declared(*given))
        return told[-1]

    for here in (noted, lambda *_given: None):
        found.append(ask(replace(METRICS[metric], here=here), store, view, by, options))
    return any(frame is not None for frame in told), differences(*found)


@pytest.mark.parametrize("metric", [*ENGAGEMENT[:2], ENGAGEMENT[-1], *seldom(*ENGAGEMENT[2:-1])])
@pytest.mark.parametrize("seed", [1, *seldom(2, 3, 4)])
def test_engagement_is_told_from_memory(metric: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(seed)
    for name, view in TOLD.items():
        assert both(store, metric, view, monkeypatch) == (True, []), name


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("metric", ["stage_engagement", "reach"])
def test_other_views_are_asked(metric: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert both(opened(5), metric, ASKED[name], monkeypatch) == (False, [])


@pytest.mark.parametrize("metric", [ENGAGEMENT[0], *seldom(*ENGAGEMENT[1:-1])])
def test_engagement_by_an_attribute_of_customers_is_told_from_memory(
    metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(8)
    assert run(metric, store, View(), by=("persona",)).frame["persona"].isna().any()
    for name, view in TOLD.items():
        assert both(store, metric, view, monkeypatch, ("persona",)) == (True, []), name


def test_what_memory_does_not_tell_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for by in (("month",), ("persona", "month")):
        assert both(opened(6), "stage_engagement", View(), monkeypatch, by) == (False, []), by
    assert both(opened(6), "reach", View(), monkeypatch, ("persona",)) == (False, [])
    assert both(opened(6), "stage_engagement", View(), monkeypatch, bounce="not_engaged") == (False, [])
    assert both(opened(6, timed=False), "stage_engagement", View(), monkeypatch) == (False, [])
    for module, limit, value in (
        (contacts_in_memory, "MOST_TOUCHPOINTS", 10), (contacts_in_memory, "MOST_VALUES", 2),
        (engagement_in_memory, "MOST_CELLS", 20),
    ):  # fmt: skip
        for metric in ("stage_engagement", "reach"):
            with monkeypatch.context() as changed:
                changed.setattr(module, limit, value)
                assert both(opened(6), metric, View(), changed) == (False, []), limit


def test_touchpoints_of_a_file_in_any_order_stand_in_the_order_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    dice, rows = random.Random(7), []
    for number in range(300):
        at = MORNING + timedelta(minutes=dice.randrange(12) * 20)  # many at once, which stay as the file has them
        rows.append({
            "customer_id": f"u{dice.randrange(9)}", "touchpoint": dice.choice("ABCD"), "occurred_at": at, "sequence": number,
            "stage": dice.choice(("Search", "Pay", "Care", None)), "channel": None,
        })  # fmt: skip
    dice.shuffle(rows)
    store = dataset(rows, stages=("Search", "Pay", "Care"))
    for metric in ENGAGEMENT:
        for view in (View(), View(first_day=MORNING.date())):
            assert both(store, metric, view, monkeypatch) == (True, []), metric
