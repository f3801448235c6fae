"""Threads: sixteen sessions that ask at once get the answers that one alone gets: none wrong, none failed."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import cx_metrics as cx
from cx_metrics.engines import Store, build, duckdb_store, memory_store, open_store
from cx_metrics.view import Filter, Grain, View
from cx_metrics.workspace import Version, Workspace, facts_to_dict
from cx_metrics.workspace.store import STORE
from pages.parts import cache
from tests.conftest import seldom
from tests.engines.events import random_events, views
from tests.second_opinion import random_view, rows_of

SESSIONS = 16
METRICS: tuple[tuple[str, dict[str, Any], tuple[str, ...]], ...] = (
    ("flow_links", {"times": "mean"}, ()),
    ("flow_links", {"steps": 8, "top": 3}, ("persona",)),
    ("transitions", {}, ()),
    ("variants", {}, ()),
    ("variants", {"repeats": "merge", "who": "converters"}, ("plan",)),
    ("touchpoint_engagement", {}, ()),
    ("stage_engagement", {}, ("region",)),
    ("channel_performance", {}, ()),
    ("funnel", {"steps": "A|a,B|b", "window": "2d"}, ()),
    ("conversion", {}, ()),
    ("nps", {}, ("stage",)),
    ("people", {}, ()),
)
Question = tuple[str, dict[str, Any], tuple[str, ...], View]


@dataclass
class Tally:
    """What the sessions found together."""

    asked: int = 0
    wrong: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def kept(root: Path, seed: int, customers: int = 60) -> Version:
    """A dataset version in a workspace."""
    workspace, events = Workspace(root), random_events(seed, customers)
    dataset = workspace.create(f"log {seed}")
    with workspace.building() as part:
        built = build(part / STORE, events.tables(), events.facts, lambda _done, _of: None, root)
        manifest = {"rows": built.rows, "duplicates": 0, "conflicts": 0, "plan": {"files": []}, "reports": []}
        return workspace.publish(dataset, part, manifest | {"facts": facts_to_dict(built.facts)})


def ask(store: Store, question: Question) -> pd.DataFrame:
    metric, options, by, view = question
    if metric == "people":
        return pd.DataFrame([cx.people(store, view)])
    return cx.run(metric, store, view, by=by, **options).frame


def ask_page(version: Version, question: Question) -> pd.DataFrame:
    metric, options, by, view = question
    if metric == "people":
        return pd.DataFrame([cache.people(version, view)])
    return cache.answered(version, metric, view, by, cx.METRICS[metric].read_options(options)).frame


def same(ours: pd.DataFrame, theirs: pd.DataFrame) -> bool:
    """Counts, names and order exactly; sums of floats, whose order is the engine's, to nine digits."""
    try:
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-9, atol=1e-9)
        return all((ours[c] == theirs[c]).all() for c in ours.select_dtypes("integer").columns)
    except AssertionError:
        return False


def together(
    alone: Sequence[tuple[Question, pd.DataFrame]],
    ask_one: Callable[[Question], pd.DataFrame],
    rounds: int,
    beside: Callable[[], None] | None = None,
) -> Tally:
    """Sixteen threads start at once and ask everything, each in its own order; `beside` goes on all the while."""
    tally, lock, done = Tally(), threading.Lock(), threading.Event()
    start = threading.Barrier(SESSIONS + 1 if beside else SESSIONS)

    def session(number: int) -> None:
        dice = random.Random(number)
        start.wait()
        for _ in range(rounds):
            for question, expected in dice.sample(alone, len(alone)):
                try:
                    right, note = same(ask_one(question), expected), ""
                except Exception as problem:
                    right, note = True, f"{question}: {type(problem).__name__}: {problem}"
                with lock:
                    tally.asked += 1
                    tally.wrong += [] if right else [str(question)]
                    tally.failed += [note] if note else []

    def other() -> None:
        start.wait()
        while beside is not None and not done.is_set():
            try:
                beside()
            except Exception as problem:
                tally.failed.append(f"beside: {type(problem).__name__}: {problem}")
                return

    threads = [threading.Thread(target=session, args=(n,)) for n in range(SESSIONS)]
    aside = [threading.Thread(target=other)] if beside else []
    for thread in (*threads, *aside):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    for thread in aside:
        thread.join()
    return tally


def questions(store: Store, many: int, seed: int = 0) -> list[Question]:
    """Different metrics under different views: each metric at least once, some views of one shape with other values."""
    dice, rows = random.Random(seed), rows_of(store)
    known = [*views().values(), *(View(customers=(Filter("persona", (p,)),)) for p in ("saver", "Saver", "new'ish"))]
    found = []
    for number in range(many):
        metric, options, by = METRICS[number % len(METRICS)]
        view = random_view(dice, rows, store) if number % 3 == 2 else dice.choice(known)
        found.append((metric, options, by, view))
    return found


def check(tally: Tally, asked: int) -> None:
    assert (tally.failed[:3], tally.wrong[:3], tally.asked) == ([], [], asked)


def alone(store: Store, asked: Sequence[Question]) -> list[tuple[Question, pd.DataFrame]]:
    """What one session gets that asks nobody's neighbour: a store of its own memory, each question compiled anew."""
    return [(question, ask(Store(store.connection, store.facts, store.tables), question)) for question in asked]


def run_rounds(tmp_path: Path, many: int, rounds: int) -> None:
    version, another = kept(tmp_path, 1), kept(tmp_path, 2)
    store, fresh = open_store(version.path, version.facts), memory_of(1)
    expected = alone(fresh, questions(fresh, many))

    def open_and_close_another() -> None:
        other = open_store(another.path, another.facts)
        assert cx.people(other)["customers"] > 0
        other.close()
        del other
        time.sleep(0.01)

    check(together(expected, lambda q: ask(store, q), rounds), SESSIONS * many * rounds)
    check(together(expected, lambda q: ask(store, q), rounds, open_and_close_another), SESSIONS * many * rounds)


def memory_of(seed: int) -> Store:
    events = random_events(seed, 60)
    return memory_store(events.tables(), events.facts)[0]


def test_sixteen_sessions_get_the_answers_of_one_while_another_version_comes_and_goes(tmp_path: Path) -> None:
    run_rounds(tmp_path, 12, 1)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_sixteen_sessions_get_thousands_of_answers_right(tmp_path: Path) -> None:
    run_rounds(tmp_path, 60, 1)  # 2 × 960 questions


def page_rounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int, rounds: int) -> None:
    version, fresh = kept(tmp_path, 1), memory_of(1)
    workspace = Workspace(tmp_path)
    monkeypatch.setattr(cache, "workspace", lambda: workspace)
    expected = alone(fresh, questions(fresh, many, seed=1))
    cache.forget(version)
    check(together(expected, lambda q: ask_page(version, q), rounds), SESSIONS * many * rounds)

    def forget() -> None:
        cache.forget(version)  # answers and store are let go of, and come again
        time.sleep(0.05)

    check(together(expected, lambda q: ask_page(version, q), rounds, forget), SESSIONS * many * rounds)
    cache.forget(version)


def test_sixteen_pages_get_the_answers_of_one_also_while_what_is_kept_is_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page_rounds(tmp_path, monkeypatch, 12, 1)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_sixteen_pages_get_thousands_of_answers_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page_rounds(tmp_path, monkeypatch, 60, 1)


def test_sessions_that_push_each_others_queries_out_of_memory_still_get_their_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(duckdb_store, "MOST_COMPILED", 2)
    store = memory_of(3)
    asked: list[Question] = [("people", {}, (), view) for view in list(views().values())[:8]]
    expected = alone(store, asked)
    check(together(expected, lambda q: ask(store, q), 1), SESSIONS * len(asked))


def test_a_store_with_another_goal_does_not_remember_the_answers_of_the_first() -> None:
    store = memory_of(4)
    other = replace(store, facts=replace(store.facts, goal=("C",)))
    goals = [cx.run("conversion", s).frame["converted"].item() for s in (store, other)]
    rows = rows_of(store)
    wanted = [len({r["customer_id"] for r in rows if r["touchpoint"] in s.facts.goal}) for s in (store, other)]
    assert goals == wanted and goals[0] != goals[1]


def test_who_opens_a_version_again_after_it_was_closed_can_read_it(tmp_path: Path) -> None:
    version = kept(tmp_path, 5, 10)
    first = open_store(version.path, version.facts)
    wanted = cx.people(first)
    first.close()
    assert cx.people(open_store(version.path, version.facts)) == wanted  # `first` is still held, and closed


@pytest.mark.parametrize("grain", ["session", *seldom("journey")])
def test_another_range_asks_the_same_query_at_other_instants(grain: Grain) -> None:
    store = replace(memory_of(5))  # with nothing compiled yet
    first, last = store.facts.ranges["touchpoints"]
    day = timedelta(1)
    for start, end in (
        (first, None),
        (None, last - day),
        (first + day, None),
        (None, last),
        (first, last - day),
        (first + day, last),
    ):
        view = View(grain=grain, first_day=start, last_day=end)
        for metric in ("flow_links", "variants", "transitions", "rework", "conversion", "channel_performance"):
            before = len(store._compiled)
            found = cx.run(metric, store, view)
            fresh = cx.run(metric, replace(store), view)
            assert same(found.frame, fresh.frame) and found.definition == fresh.definition, (metric, view)
            again = start == first + day or end == last  # the second of its kind
            if metric != "channel_performance":  # spend is cut by day, so its query is another one
                assert (len(store._compiled) == before) == again, (metric, view)


def test_people_of_a_range_with_one_end_or_two_are_those_of_its_rows() -> None:
    store = memory_of(5)
    columns = store.tables["touchpoints"].select("customer_id", "day")
    rows = [
        (who, at.date() if hasattr(at, "date") else at)
        for who, at in store.fetch(columns).dropna().itertuples(index=False)
    ]
    first, last = store.facts.ranges["touchpoints"]
    day = timedelta(1)
    for start, end in ((None, last - day), (first + day, None), (first + day, last - day), (last + day, None)):
        held = [who for who, at in rows if (start or first) <= at <= (end or last)]
        begun = {who for who, at in rows if start and at < start}
        found = cx.people(store, View(first_day=start, last_day=end))
        customers = len(set(held))
        wanted = {"customers": customers, "journeys": customers, "touchpoints": len(held),
                  "begun_earlier": len(begun & set(held))}  # fmt: skip
        assert {name: found[name] for name in wanted} == wanted, (start, end)


def test_answers_by_the_time_they_were_given_are_asked_for_each_range() -> None:
    store = memory_of(5)
    first, last = store.facts.ranges["surveys"]
    middle = first + (last - first) / 2
    ranges = ((first, last), (first, middle), (middle + timedelta(1), last), (last + timedelta(1), last + timedelta(9)))
    views = [View(first_day=start, last_day=end) for start, end in ranges]
    whole, early, late, none = (int(cx.run("nps", store, view).frame["responses"].sum()) for view in views)
    assert whole == early + late and 0 < early < whole and none == 0
