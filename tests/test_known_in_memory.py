"""What is known of customers who met something: the same from memory as from the query, and left to the query where it must be."""

import random
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

from cx_metrics import known_in_memory
from cx_metrics.engines import Store
from cx_metrics.registry import METRICS
from cx_metrics.view import Answered, Filter, View
from tests.conftest import MORNING, dataset
from tests.engines.events import ask, differences

STAGES = (("Search", "Pay"), ("Care",))
CHANNELS = ("web", "store", "app", "post", "chat", "mail", "phone", "ads", None)
MET = {
    "a channel": View(touchpoints=(Filter("channel", ("web",)),)),
    "channels and a goal": View(touchpoints=(Filter("channel", ("app", "ads", "never heard of")),), goal=("T3", "T11")),
    "a touchpoint": View(touchpoints=(Filter("touchpoint", ("T1", "поиск")),), goal=("never met",)),
    "what nobody met": View(touchpoints=(Filter("channel", ("fax",)),)),
}  # fmt: skip
OTHERS = {
    "everybody": View(),
    "a persona too": View(
        customers=(Filter("persona", ("saver",)),), touchpoints=(Filter("channel", ("web",)),)
    ),
    "those without a channel": View(touchpoints=(Filter("channel", ("web", "")),)),
    "touchpoints alone": View(touchpoints=(Filter("channel", ("web",)),), touchpoint_rule="touchpoints"),
    "days": View(touchpoints=(Filter("channel", ("web",)),), first_day=MORNING.date()),
    "detractors": View(touchpoints=(Filter("channel", ("web",)),), answered=Answered("nps", 0, 6)),
}  # fmt: skip
NAMES = [*(f"T{n}" for n in range(14)), "поиск"]
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("adjusted_nps", {}), ("adjusted_score", {"score": "csat"}), ("answer_bias", {"score": "nps"}), ("answer_bias", {}),
]  # fmt: skip


def shop(seed: int, customers: int = 500, attributes: tuple[str, ...] = ("persona", "town")) -> Store:
    """Customers of whom some answer several times, on several scales; attributes with more values than are told apart."""
    dice = random.Random(seed)
    people = [
        {"customer_id": f"u{n}", "persona": dice.choice(("saver", "owl", None)), "town": f"town {int(dice.expovariate(0.2))}"}
        for n in range(customers)
    ]  # fmt: skip
    met, said = [], []
    for n in range(customers - 5):  # some have no touchpoint
        for _again in range(dice.choice((1, 1, 2, 3, 5, 8, 30))):
            at = MORNING + timedelta(hours=dice.randrange(300))
            met.append({"customer_id": f"u{n}", "touchpoint": dice.choice(NAMES), "channel": dice.choice(CHANNELS),
                        "occurred_at": at, "stage": dice.choice(("Search", "Pay", "Care", None))})  # fmt: skip
        for kind, high in (("nps", 10), ("csat", 5), ("csat", 7)):
            if dice.random() < 0.5:
                said.append({
                    "response_id": f"r{len(said)}", "customer_id": f"u{n}" if dice.random() < 0.95 else None, "survey_type": kind,
                    "answered_at": MORNING + timedelta(hours=dice.randrange(300)), "score": float(dice.randrange(1, high + 1)),
                    "scale_low": 0.0 if kind == "nps" else 1.0, "scale_high": float(high), "higher_is_better": True,
                    "score_status": dice.choice(("valid", "valid", "valid", "invalid")),
                })  # fmt: skip
    return dataset(met, said, people, 100, attributes=attributes)


def both(store: Store, view: View, monkeypatch: pytest.MonkeyPatch, **more: Any) -> tuple[int, list[Any]]:
    """Of how many questions patterns came from memory; and how the answers of both ways differ."""
    found, plain = list[Any](), known_in_memory.patterns_here
    told = []

    def noted(*given: Any) -> pd.DataFrame | None:
        told.append(plain(*given))
        return told[-1]

    for here in (noted, lambda *_given: None):
        with monkeypatch.context() as changed:
            changed.setattr("cx_metrics.silent.patterns_here", here)
            store.shelf.forget()
            found.append([ask(METRICS[name], store, view, (), options, **more) for name, options in ASKED])
    return sum(frame is not None for frame in told), [
        differences(one, other) for one, other in zip(*found, strict=True)
    ]


@pytest.mark.parametrize("name", MET)
def test_those_who_met_something_are_told_from_memory(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert both(shop(len(name)), MET[name], monkeypatch) == (3, [[]] * len(ASKED))


@pytest.mark.parametrize("name", OTHERS)
def test_other_views_are_asked(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert both(shop(len(name), 120), OTHERS[name], monkeypatch) == (0, [[]] * len(ASKED))


def test_what_memory_does_not_tell_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    view = MET["a channel"]
    with monkeypatch.context() as few:
        few.setattr(known_in_memory, "MOST_CUSTOMERS", 499)
        assert both(shop(1), view, few)[0] == 0
        few.setattr(known_in_memory, "MOST_CUSTOMERS", 500)
        assert both(shop(1), view, few)[0] == 3
        few.setattr(known_in_memory, "MOST_KEYS", 1_000)
        assert both(shop(1), view, few) == (0, [[]] * len(ASKED))


def test_kinds_of_touchpoints_are_asked_where_these_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, plain = list[View](), known_in_memory._kinds

    def noted(dataset: Any, view: View) -> Any:
        asked.append(view)
        return plain(dataset, view)

    monkeypatch.setattr(known_in_memory, "_kinds", noted)
    for limit, value in (("MOST_TOUCHPOINTS", 100), ("MOST_DIFFERENT", 0.001)):
        for most, times in ((getattr(known_in_memory, limit), 0), (value, 1)):
            with monkeypatch.context() as changed:
                changed.setattr(known_in_memory, limit, most)
                asked.clear()
                assert both(shop(3), MET["channels and a goal"], changed) == (3, [[]] * len(ASKED))
                assert len(asked) == times, (limit, most)  # compiled once


def test_groups_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    store, told = shop(2), list[Any]()
    monkeypatch.setattr("cx_metrics.silent.patterns_here", lambda *given: told.append(given))
    assert len(ask(METRICS["adjusted_nps"], store, MET["a channel"], ("persona",), {})) == 3
    assert not told
    assert not isinstance(ask(METRICS["answer_bias"], store, MET["a channel"], (), {}), str)
    assert len(told) == 1
