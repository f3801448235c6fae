"""What is added up, numbered and noted of survey answers and customers at import, against the same questions without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

import cx_metrics as cx
from cx_metrics import relative_weights as weights
from cx_metrics import tallies
from cx_metrics.engines import Store, memory_store
from cx_metrics.engines.prepared import MOST_BITS
from cx_metrics.registry import METRICS
from cx_metrics.view import Belonging, Filter, View
from tests.conftest import MORNING, dataset, seldom
from tests.engines.events import ask, differences, random_events

SCORES = [name for name, metric in METRICS.items() if metric.tallied]
BY: tuple[tuple[str, ...], ...] = (
    (), ("month",), ("week",), ("quarter",), ("touchpoint",), ("stage",), ("channel",), ("wave",), ("question",), ("persona",),
    ("touchpoint", "persona"), ("contacts_before",), ("waiting", "plan"), ("repeats_before",), ("persona", "plan"),
)  # fmt: skip
VIEWS = (
    View(),
    View(customers=(Filter("persona", ("saver",)),)),
    View(customers=(Filter("persona", ("saver", "")),), grain="session"),
    View(customers=(Filter("persona", ("Saver",)), Filter("plan", ("x",)))),
    View(customers=(Filter("region", ("n",)),), goal=("A",)),
)
MET = (
    View(touchpoints=(Filter("channel", ("web",)),)),
    View(touchpoints=(Filter("channel", ("store", "web", "never heard of")),), goal=("A",)),
    View(touchpoints=(Filter("touchpoint", ("A",)),), grain="session"),
    View(touchpoints=(Filter("channel", ("never heard of",)),)),
)
NOT_NOTED = (  # filters on touchpoints that what was noted of customers does not answer
    View(touchpoints=(Filter("channel", ("web", "")),)), View(touchpoints=(Filter("stage", ("action",)),)),
    View(touchpoints=(Filter("channel", ("web",)), Filter("touchpoint", ("A",)))), replace(MET[0], first_day=MORNING.date()),
    replace(MET[0], touchpoint_rule="touchpoints"), replace(MET[0], grain="case"),
)  # fmt: skip
SILENT: tuple[tuple[str, dict[str, Any]], ...] = (
    ("answer_bias", {}), ("answer_bias", {"score": "csat"}), ("adjusted_nps", {}), ("adjusted_score", {"score": "ces"}),
)  # fmt: skip


def opened(seed: int, customers: int = 40) -> Store:
    """Random events with all that can be prepared of them."""
    events = random_events(seed, customers)
    return memory_store(events.tables(), events.facts, 100)[0]


def without(store: Store, *names: str) -> Store:
    """The same data where some tables were not prepared."""
    kept = {name: table for name, table in store.tables.items() if name not in names}
    return Store(store.connection, store.facts, kept)


@pytest.mark.parametrize("metric", [*SCORES[:2], *seldom(*SCORES[2:])])
def test_scores_of_tallies_are_those_of_the_answers(metric: str) -> None:
    store = opened(SCORES.index(metric))
    plain = without(store, "tallies")
    for view in VIEWS:
        for by in BY if view == VIEWS[1] else BY[::5]:
            assert tallies.tallied(store.tables, view, by) is not None, (view, by)
            answers = [ask(METRICS[metric], each, view, by, {}) for each in (store, plain)]
            assert differences(*answers) == [], (view, by)
        assert cx.people(store, view) == cx.people(plain, view)


@pytest.mark.parametrize("metric", [SCORES[0], *seldom(*SCORES[1:])])
def test_scores_of_who_met_a_channel_or_a_touchpoint_are_those_of_the_answers(metric: str) -> None:
    store = opened(SCORES.index(metric) + 10)
    plain = without(store, "tallies", "channel_tallies", "touchpoint_tallies", "met", "channels")
    for view in MET:
        for by in ((), ("month",), ("quarter",), ("touchpoint",), ("channel",), ("question",), ("waiting",)):
            assert tallies.tallied(store.tables, view, by) is not None, (view, by)
            answers = [ask(METRICS[metric], each, view, by, {}) for each in (store, plain)]
            assert differences(*answers) == [], (view, by)
        assert cx.people(store, view) == cx.people(plain, view)


@pytest.mark.parametrize(
    "metric",
    [
        "nps", "stage_engagement",
        "around_answers",
        "funnel",
        *seldom("key_drivers", "touchpoint_engagement", "transitions", "response_rate", "answer_rate", "adjusted_nps"),
    ],
)  # fmt: skip
def test_whom_a_filter_on_touchpoints_keeps_is_the_same_from_what_was_noted_and_from_touchpoints(metric: str) -> None:
    store = opened(len(metric), 60)
    plain = without(store, "tallies", "channel_tallies", "touchpoint_tallies", "met", "channels")
    kept = Filter("persona", ("saver",))
    views = (
        *MET,
        *NOT_NOTED[:-1],
        replace(MET[0], customers=(kept,)),
        replace(MET[0], customers=(Filter("clicks", ("3",)),)),
    )
    for view in views:
        options = {"steps": "A,B"} if metric == "funnel" else {}
        answers = [ask(METRICS[metric], each, view, (), options) for each in (store, plain)]
        assert differences(*answers) == [], view


def test_what_tallies_do_not_tell_is_read_from_the_answers() -> None:
    tables = opened(3).tables
    day = MORNING.date()
    others: Sequence[tuple[View, tuple[str, ...]]] = (
        (View(first_day=day), ()), *((view, ()) for view in NOT_NOTED), (View(), ("day",)), (View(), ("score",)),
        (View(), ("path",)), (View(), ("touchpoint", "month")), (View(belonging=Belonging("last", 60)), ("touchpoint",)),
        (View(customers=(Filter("clicks", ("3",)),)), ()), (MET[0], ("persona",)), (MET[0], ("day",)),
        (replace(MET[0], customers=(Filter("persona", ("saver",)),)), ()),
    )  # fmt: skip
    for view, by in others:
        assert tallies.tallied(tables, view, by) is None, (view, by)
    weighted = [
        ask(METRICS["nps"], store, View(), (), {"weighted": True})
        for store in (opened(3), without(opened(3), "tallies"))
    ]
    assert differences(*weighted) == []


def test_a_tally_nearly_as_long_as_the_answers_is_not_kept() -> None:
    said = [{"score": float(i % 11), "survey_type": "nps", "touchpoint": f"T{i}"} for i in range(100)]
    tables = dataset(surveys=said).tables
    assert tallies.tallied(tables, View(), ()) is not None  # 11 ways to answer
    assert tallies.tallied(tables, View(), ("touchpoint",)) is None  # 100 touchpoints, an answer each


def test_tallies_by_what_customers_met_are_kept_where_they_are_few() -> None:
    view = View(touchpoints=(Filter("touchpoint", ("A",)),))

    def said(touchpoints: int) -> Mapping[str, Any]:
        """Forty customers; each met some of so many touchpoints, and answered four times."""
        met = [
            {"customer_id": f"u{i}", "touchpoint": "ABCDEF"[place]}
            for i in range(40)
            for place in range(touchpoints)
            if i >> place & 1
        ]
        answered = [{"customer_id": f"u{i}", "score": float(i % 2), "survey_type": "nps"} for i in range(40)] * 4
        return dataset(met, [{**one, "response_id": str(place)} for place, one in enumerate(answered)]).tables

    assert tallies.tallied(said(1), view, ()) is not None  # all met the same
    assert tallies.tallied(said(6), view, ()) is None  # nearly everybody met others


@pytest.mark.parametrize("asked", [SILENT[0], SILENT[2], *seldom(SILENT[1], SILENT[3])], ids=str)
def test_who_is_silent_is_the_same_from_what_was_noted_and_from_touchpoints(asked: tuple[str, dict[str, Any]]) -> None:
    metric, options = asked
    store = opened(len(metric), 300)
    plain = without(store, "met", "channels")
    touched = View(touchpoints=(Filter("channel", ("web",)),))
    for view in (*VIEWS, touched, replace(touched, touchpoint_rule="touchpoints"), View(first_day=(MORNING).date())):
        for by in ((), ("plan",)) if view == View() else ((),):
            answers = [ask(METRICS[metric], each, view, by, options) for each in (store, plain)]
            assert differences(*answers) == [], (view, by)


def test_more_names_than_bits_are_not_noted() -> None:
    few = [{"customer_id": "u", "touchpoint": f"T{i}"} for i in range(MOST_BITS)]
    assert "met" in dataset(few, surveys=[]).tables
    assert "met" not in dataset([*few, {"customer_id": "u", "touchpoint": "one more"}], surveys=[]).tables


@pytest.mark.parametrize(("column", "letter"), [("channel", "c"), ("touchpoint", "T")])
def test_every_bit_tells_its_own_name(column: str, letter: str) -> None:
    met = [{"customer_id": f"u{i}", "touchpoint": f"T{i:02}", "channel": f"c{i:02}"} for i in range(MOST_BITS)]
    said = [{"customer_id": f"u{i}", "score": float(i % 11), "survey_type": "nps"} for i in range(MOST_BITS)]
    store = dataset(met, said, None, 100)
    for place in (0, 30, 31, 32, MOST_BITS - 1):  # whole numbers of 32 bits end in between
        view = View(touchpoints=(Filter(column, (f"{letter}{place:02}",)),))
        for table in (store, without(store, "channel_tallies", "touchpoint_tallies")):
            counts = cx.run("nps", table, view).frame.iloc[0][["promoters", "passives", "detractors"]].tolist()
            score = place % 11
            assert counts == [int(score >= 9), int(score in (7, 8)), int(score <= 6)], place


def test_of_several_answers_of_a_customer_the_latest_counts_and_of_one_time_the_first_by_id() -> None:
    at = [MORNING + timedelta(days=day) for day in range(3)]
    said = [
        {"response_id": "b", "customer_id": "u1", "answered_at": at[1], "score": 3.0},
        {"response_id": "a", "customer_id": "u1", "answered_at": at[1], "score": 10.0},  # of one time: the first by id
        {"response_id": "c", "customer_id": "u1", "answered_at": None, "score": 4.0},  # unknown times are the earliest
        {"response_id": "d", "customer_id": "u1", "answered_at": at[2], "score": None, "score_status": "missing"},
        {"response_id": "e", "customer_id": "u2", "answered_at": None, "score": 0.0},
        {"response_id": "f", "customer_id": None, "answered_at": at[2], "score": 0.0},
    ]
    store = dataset([{"customer_id": who, "touchpoint": "A"} for who in ("u1", "u2", "u3")], said)
    row = cx.run("adjusted_nps", store).frame.iloc[0]
    assert (row["customers"], row["answered"], row["raw_nps"]) == (3, 2, 0.0)  # a promoter and a detractor
    frame = store.fetch(store.tables["surveys"]).set_index("response_id").sort_index()
    assert frame["response_number"].tolist() == [1, 2, 3, 4, 5, 6]
    assert frame["customer_number"].fillna(0).astype(int).tolist() == [1, 1, 1, 1, 2, 0]
    # unknown times first, backwards by id: e, c; then of day 1 b, a; of day 2 f, d
    assert frame["nth_answer"].to_dict() == {"e": 1, "c": 2, "b": 3, "a": 4, "f": 5, "d": 6}


def test_the_numbers_of_answers_are_not_offered_as_columns_or_drivers() -> None:
    rows = [
        {"response_id": str(i // 2), "customer_id": f"u{i // 2}", "survey_type": ("nps", "csat")[i % 2], "question": str(i % 2),
         "score": float(i % 5 + 1), "scale_low": 0.0, "scale_high": 10.0} for i in range(60)
    ]  # fmt: skip
    store = dataset(surveys=rows)
    assert not {"customer_number", "response_number", "nth_answer"} & set(store.facts.columns["surveys"])
    assert cx.run("key_drivers", store, outcome="nps").frame["driver"].tolist() == ["1"]


def test_equal_units_are_drawn_as_often_as_chance_says() -> None:
    # How often one of n is drawn in n draws is binomial: mean 1, variance 1 - 1/n; two of them covary by -1/n.
    drawn = np.concatenate([*weights._draws(np.random.default_rng(1), np.ones(50, dtype="int64"), 40_000)])
    assert (drawn.sum(axis=1) == 50).all()
    assert drawn.mean(axis=0) == pytest.approx(np.ones(50), abs=0.025)  # 5 errors of 1 / sqrt(40,000)
    together = np.cov(drawn.T)
    assert np.diag(together) == pytest.approx(np.full(50, 0.98), abs=0.05)
    assert together[0, 1:] == pytest.approx(np.full(49, -0.02), abs=0.025)


def test_whole_numbers_have_the_ranks_of_their_order() -> None:
    values, n = np.array([7.0, 3.0, 3.0, -2.0, 7.0, 5.0]), np.array([1, 2, 1, 4, 1, 1])
    # -2 four times: 1 to 4; 3 three times: 5 to 7; 5: 8; 7 twice: 9 and 10
    assert weights.ranks(values, n).tolist() == [9.5, 6.0, 6.0, 2.5, 9.5, 8.0]
    assert weights.ranks(values + 0.25, n).tolist() == [9.5, 6.0, 6.0, 2.5, 9.5, 8.0]
