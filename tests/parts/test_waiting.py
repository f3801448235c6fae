"""A reader who changes a filter, presses Stop or leaves: the query of the page they left ends, and nobody else notices."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx
from streamlit.testing.v1 import AppTest

from cx_metrics.engines import Store
from pages.parts import cache, waiting
from pages.parts.keeping import ANSWERS
from tests.conftest import dataset, paths

ENDLESS = "select count(*) as n from range(1000000) a, range(1000000) b where hash(a.range + b.range) = 1"
SOON = 2.0  # seconds, beside other tests


def requested(*reruns: RerunData, stop: bool = False) -> ScriptRequests:
    """The requests that a script run has before it, once it has begun."""
    requests = ScriptRequests()
    for rerun in reruns:
        requests.request_rerun(rerun)
    if stop:
        requests.request_stop()
    return requests


@pytest.mark.parametrize("requests, ends", [
    (requested(), False),
    (requested(RerunData()), True),
    (requested(RerunData(fragment_id="part")), False),
    (requested(RerunData(fragment_id_queue=["part"], is_fragment_scoped_rerun=True)), True),
    (requested(RerunData(fragment_id="part"), RerunData()), True),
    (requested(stop=True), True),
    (requested(RerunData(fragment_id="part"), stop=True), True),
])  # fmt: skip
def test_a_run_is_to_end_when_streamlit_would_end_it_and_looking_takes_nothing(
    requests: ScriptRequests, ends: bool
) -> None:
    assert [waiting.is_to_end(requests) for _twice in range(2)] == [ends, ends]
    assert (requests.on_scriptrunner_yield() is not None) == ends


class Asked:
    """Who asked the question that never ends, and what to tell their runs."""

    def __init__(self, store: Store) -> None:
        self.store, self.runs, self.endless = store, list[ScriptRequests](), True
        self.gave_up_after: list[float] = []

    def values(self, _store: Store, column: str, _most: int) -> tuple[str, ...]:
        """In place of the values of a column: ends where `endless` has become False."""
        run = get_script_run_ctx(suppress_warning=True)
        if run is not None and run.script_requests is not None:
            self.runs.append(run.script_requests)
        if self.endless:
            try:
                self.store._run(ENDLESS, pa.schema([("n", pa.int64())]))
            finally:
                self.gave_up_after.append(time.monotonic())
        return (column, "answered")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    made = Asked(dataset(touchpoints=paths("A B C")))
    monkeypatch.setattr(cache, "opened", lambda _version: made.store)
    monkeypatch.setattr(cache, "find_values", made.values)
    ANSWERS.forget()
    yield made
    ANSWERS.forget()


VERSION: Any = SimpleNamespace(dataset="d", number=1, content="d.1.0", path=Path("d"))


def page(version: object) -> None:
    import streamlit as st

    from pages.parts import cache

    st.session_state["runs"] = st.session_state.get("runs", 0) + 1
    st.text(" ".join(cache.values(version, "channel")))


def until_it_is_asked(asked: Asked) -> None:
    for _again in range(1_000):
        if asked.runs:
            return
        time.sleep(0.01)
    raise AssertionError("nobody asked within ten seconds")


def once_asked(asked: Asked, then: Callable[[ScriptRequests], Any]) -> list[float]:
    """Does something as soon as the first question runs; gives the time at which it did."""
    at: list[float] = []

    def wait() -> None:
        until_it_is_asked(asked)
        time.sleep(0.2)
        asked.endless = False  # for whoever asks next
        at.append(time.monotonic())
        then(asked.runs[0])

    threading.Thread(target=wait, daemon=True).start()
    return at


def test_a_page_that_is_stopped_ends_its_query_and_shows_no_problem(asked: Asked) -> None:
    at = once_asked(asked, lambda run: run.request_stop())
    shown = AppTest.from_function(page, args=(VERSION,), default_timeout=20).run()
    assert asked.gave_up_after[0] - at[0] < SOON
    assert not shown.exception and not shown.text and len(asked.runs) == 1
    assert cache.values(VERSION, "channel") == ("channel", "answered")  # nothing half-computed was kept


def test_a_page_that_is_to_be_drawn_anew_ends_its_query_and_is_drawn_anew(asked: Asked) -> None:
    at = once_asked(asked, lambda run: run.request_rerun(RerunData()))
    shown = AppTest.from_function(page, args=(VERSION,), default_timeout=20).run()
    assert asked.gave_up_after[0] - at[0] < SOON
    assert not shown.exception and [text.value for text in shown.text] == ["channel answered"]
    assert shown.session_state["runs"] == 2 and len(asked.runs) == 2


def test_another_reader_of_the_same_gets_the_answer_when_the_first_gives_up(asked: Asked) -> None:
    began, other = list[float](), list[Any]()

    def waits_for_the_same() -> None:
        until_it_is_asked(asked)
        began.append(time.monotonic())
        other.append(cache.values(VERSION, "channel"))

    beside = threading.Thread(target=waits_for_the_same)
    beside.start()
    at = once_asked(asked, lambda run: run.request_stop())
    shown = AppTest.from_function(page, args=(VERSION,), default_timeout=20).run()
    beside.join()
    assert began[0] < at[0]  # it waited for the answer that the first reader did not want any more
    assert not shown.exception and not shown.text
    assert other == [("channel", "answered")]


def test_a_run_that_cannot_end_here_gets_its_answer(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    run = SimpleNamespace(script_requests=requested(stop=True), yield_check=lambda: None, session_id="s")
    monkeypatch.setattr(waiting, "get_script_run_ctx", lambda suppress_warning: run)
    asked.endless = False
    question = waiting.while_waited_for(lambda: asked.store._run("select 7 as n", pa.schema([("n", pa.int64())])))
    assert question()["n"].tolist() == [7]


def test_where_no_page_asks_the_question_is_asked_to_its_end(asked: Asked) -> None:
    asked.endless = False
    assert get_script_run_ctx(suppress_warning=True) is None
    assert cache.values(VERSION, "stage") == ("stage", "answered")
