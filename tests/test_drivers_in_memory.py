"""Drivers told from answers in memory are those that the queries tell, and awkward answers are left to these."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cx_metrics import answers_in_memory
from cx_metrics.engines import Store
from cx_metrics.registry import METRICS
from cx_metrics.view import Answered, Filter, View
from tests.conftest import MORNING, dataset, seldom
from tests.engines.events import ask, differences

Row = Mapping[str, Any]
ASKED = (  # kind, question, lowest, highest, higher is better
    ("nps", "Recommend?", 0, 10, True), ("csat", "Speed", 1, 5, True), ("csat", "Цена", 1, 5, True), ("ces", "آسان؟", 1, 7, False),
    ("rating", "nps", 1, 5, True),
)  # fmt: skip
VIEWS = {
    "everybody": View(),
    "a persona": View(customers=(Filter("persona", ("saver",)),)),
    "an unknown persona": View(customers=(Filter("persona", ("", "owl")),), grain="session"),
    "nobody": View(customers=(Filter("persona", ("never heard of",)),)),
    "who met a channel": View(touchpoints=(Filter("channel", ("web",)),)),
    "days": View(first_day=MORNING.date(), last_day=(MORNING + timedelta(days=2)).date()),
    "touchpoints alone": View(touchpoints=(Filter("channel", ("web",)),), touchpoint_rule="touchpoints"),
    "detractors": View(answered=Answered("nps", 0, 6)),
}
OUTCOMES = ("", "csat", "ces", "nps", "Speed", "never asked", "rating")


def answers(seed: int, customers: int = 30) -> list[dict[str, Any]]:
    """Responses to some of the questions each, of customers who answer up to three times, at one time each."""
    dice = random.Random(seed)
    said = []
    for response in range(customers * 2):
        who, at = dice.choice((None, f"u{dice.randrange(customers)}")), MORNING + timedelta(hours=dice.randrange(96))
        channel, mood = dice.choice((None, "web", "store")), dice.random()
        for kind, question, low, high, better in ASKED:
            if dice.random() < 0.85:
                score = low + round((high - low) * min(max(mood + dice.gauss(0, 0.3), 0), 1))
                status = dice.choice(("valid",) * 8 + ("missing", "invalid"))
                said.append({
                    "response_id": f"r{response}", "customer_id": who, "answered_at": at, "question": question, "survey_type": kind,
                    "scale_low": float(low), "scale_high": float(high), "higher_is_better": better, "score_status": status,
                    "score": None if status == "missing" else float(score), "channel": channel,
                })  # fmt: skip
    return said


def opened(said: list[dict[str, Any]], customers: int = 30) -> Store:
    dice = random.Random(len(said))
    met = [
        {"customer_id": f"u{i}", "touchpoint": dice.choice("ABC"), "channel": dice.choice(("web", "store", "app"))}
        for i in range(customers)
        for _again in range(dice.randrange(4))
    ]
    people = [{"customer_id": f"u{i}", "persona": dice.choice(("saver", "owl", None))} for i in range(customers)]
    return dataset(met, said, people, 100)


def both(store: Store, view: View, monkeypatch: pytest.MonkeyPatch, **options: Any) -> list[Any]:
    """What is told from memory and what by queries alone."""
    told = []
    for in_memory in (True, False):
        with monkeypatch.context() as changed:
            if not in_memory:
                changed.setattr(Store, "answered", lambda _store: None)
            store.shelf.forget()
            told.append(ask(METRICS["key_drivers"], store, view, (), {"min_per_driver": 0, **options}))
    return told


@pytest.mark.parametrize("view", ["a persona", *seldom(*(name for name in VIEWS if name != "a persona"))])
def test_drivers_from_memory_are_those_of_the_queries(view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(answers(len(view)))
    told = 0
    for outcome in OUTCOMES:
        one, other = both(store, VIEWS[view], monkeypatch, outcome=outcome)
        assert differences(one, other) == [], outcome
        told += 0 if isinstance(one, str) else len(one)
    assert (told > 0) == (view != "nobody")


def told_by_query(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The queries that key drivers asked, answers being in memory where they can."""
    asked: list[str] = []
    plain = Store._run

    def noted(self: Store, sql: str, schema: Any) -> Any:
        asked.append(sql)
        return plain(self, sql, schema)

    with monkeypatch.context() as changed:
        changed.setattr(Store, "_run", noted)
        store.answered()
        asked.clear()
        store.shelf.forget()
        ask(METRICS["key_drivers"], store, VIEWS["a persona"], (), {"min_per_driver": 0})
    return asked


def test_only_which_answers_a_view_leaves_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = told_by_query(opened(answers(1)), monkeypatch)
    assert len([sql for sql in asked if "nth_answer" in sql]) == 1
    assert not any('"score_status"' in sql and "COUNT" in sql for sql in asked)


def twice_asked(said: list[dict[str, Any]]) -> None:
    first = next(row for row in said if row["survey_type"] == "nps" and row["score_status"] == "valid")
    said.append(first | {"score": (first["score"] + 5) % 11})


def of_two_customers(said: list[dict[str, Any]]) -> None:
    named = [row for row in said if row["customer_id"]]
    again = next(row for row in named if row["response_id"] == named[0]["response_id"] and row is not named[0])
    again["customer_id"] = "somebody else"


def on_two_scales(said: list[dict[str, Any]]) -> None:
    for row in said[: len(said) // 2]:
        if row["question"] == "Speed":
            row |= {"scale_high": 7.0}


def at_times_of_their_own(said: list[dict[str, Any]]) -> None:
    for place, row in enumerate(said):
        row["answered_at"] += timedelta(hours=place % 50)


def words_between(said: list[dict[str, Any]]) -> None:
    said += [
        row | {"survey_type": "text", "question": "Why?", "score": None, "score_status": "missing"} for row in said[::3]
    ]


def each_customer_once(said: list[dict[str, Any]]) -> None:
    for row in said:
        row["customer_id"] = None if row["customer_id"] is None else row["response_id"]


AWKWARD: dict[str, Callable[[list[dict[str, Any]]], None]] = {
    made.__name__: made
    for made in (
        at_times_of_their_own, twice_asked, of_two_customers, on_two_scales, words_between, each_customer_once,
    )
}  # fmt: skip


@pytest.mark.parametrize("awkward", ["at_times_of_their_own", *seldom(*list(AWKWARD)[1:])])
def test_awkward_answers_are_told_alike(awkward: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = answers(len(awkward), 60)
    AWKWARD[awkward](said)
    store = opened(said, 60)
    for view in ("everybody", "a persona", "days"):
        for outcome in OUTCOMES:
            assert differences(*both(store, VIEWS[view], monkeypatch, outcome=outcome)) == [], (view, outcome)


@pytest.mark.parametrize("drivers", ["channel|contacts_before", "contacts_before|Speed", "wave|Цена", "region"])
def test_drivers_that_somebody_named_are_told_alike(drivers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(answers(7, 60), 60)
    named = both(store, View(), monkeypatch, outcome="ces", drivers=drivers)
    assert differences(*named) == []
    assert isinstance(named[0], str) == (drivers == "region")  # there is no such column


def test_answers_that_are_no_single_ones_are_not_kept_in_memory() -> None:
    for awkward, kept in (
        (twice_asked, False),
        (of_two_customers, False),
        (at_times_of_their_own, True),
        (words_between, True),
    ):
        said = answers(3)
        awkward(said)
        assert (opened(said).answered() is not None) == kept, awkward
    assert dataset([{"customer_id": "u", "touchpoint": "A"}]).answered() is None


def test_too_many_answers_are_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cx_metrics.engines.duckdb_store.MOST_NUMBERS", 100)
    assert opened(answers(3)).answered() is None
    monkeypatch.undo()
    monkeypatch.setattr(
        answers_in_memory, "MOST_NUMBERS", 500
    )  # few answers, but of questions that hardly anybody was asked
    assert opened(answers(3)).answered() is None


def test_responses_of_which_a_view_leaves_a_part_are_left_to_the_query(monkeypatch: pytest.MonkeyPatch) -> None:
    said = answers(8, 60)
    at_times_of_their_own(said)
    store = opened(said, 60)
    held = store.answered()
    assert held is not None
    rows = store.fetch(store.tables["surveys"].select("nth_answer", "response_number"))
    whole = rows["nth_answer"].to_numpy()
    places = held.whole(whole)
    assert places is not None and len(places) == rows["response_number"].nunique()
    assert held.whole(whole[:-1]) is None
    days = replace(VIEWS["days"], last_day=MORNING.date())
    assert differences(*both(store, days, monkeypatch)) == []
