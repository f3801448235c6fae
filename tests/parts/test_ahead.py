"""What a page asked of its last view is asked of the new one, from the end, as long as somebody looks on."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cx_metrics import workers
from cx_metrics.engines.patience import check_wanted
from cx_metrics.errors import ViewProblem
from cx_metrics.view import Filter, View
from pages.parts import ahead, cache, keeping
from pages.parts.ahead import Asked

A = View(customers=(Filter("persona", ("a",)),))
B = View(customers=(Filter("persona", ("b",)),))
C = View(customers=(Filter("persona", ("c",)),))


def no_question(*_given: Any) -> None:
    raise AssertionError("nobody asks here")


def test_the_same_is_asked_for_the_new_view_and_what_says_nothing_of_it_is_not() -> None:
    before = Asked("data", A, [
        (no_question, ("key", repr(A), ("month",), A, None)), (no_question, ("key", "persona")),
        (no_question, ("key", repr(View()), View())),
        (no_question, ("key", repr(A), ("month",), A, None)),
    ], is_whole=True)  # fmt: skip
    assert ahead.calls_for(before, B) == [(no_question, ("key", repr(B), ("month",), B, None))]


def test_the_days_and_the_segment_compared_with_are_those_of_the_new_view() -> None:
    month = View(first_day=date(2026, 5, 1), last_day=date(2026, 5, 31), compare="previous")
    later = replace(month, first_day=date(2026, 6, 1), last_day=date(2026, 6, 30))
    shown, compared = month.alone(), month.compared()
    given = ("key", (repr(shown), repr(compared)), (shown, compared))
    assert ahead.calls_for(Asked("data", month, [(no_question, given)]), later) == [
        (no_question, ("key", (repr(later.alone()), repr(later.compared())), (later.alone(), later.compared())))
    ]
    against = replace(A, against=B.customers)
    other = replace(against, against=A.customers)
    given = ("key", repr(against.other_side()), against.other_side())
    assert ahead.calls_for(Asked("data", against, [(no_question, given)]), other) == [
        (no_question, ("key", repr(other.other_side()), other.other_side()))
    ]


def test_a_question_that_cannot_be_answered_does_not_keep_the_others_from_being_asked() -> None:
    asked: list[str] = []

    def question(name: str) -> None:
        asked.append(name)
        if name == "refused":
            raise ViewProblem("No")

    ahead.ask([(question, ("refused",)), (question, ("next",))], lambda: True, "somebody")
    assert asked == ["refused", "next"]


def test_nothing_more_is_asked_once_nobody_looks_on_and_what_runs_is_given_up() -> None:
    wanted, asked = [True], list[str]()

    def question(name: str) -> None:
        asked.append(name)
        wanted[0] = False
        check_wanted()
        asked.append("went on")

    ahead.ask([(question, ("first",)), (question, ("second",))], lambda: wanted[0], "somebody")
    assert asked == ["first"]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[Any]]:
    """The questions that threads were begun for, as if two workers answered."""
    begun: list[list[Any]] = []

    class Begun:
        def __init__(self, target: Callable[..., None], args: tuple[Any, ...], **_named: Any) -> None:
            begun.append(args[0])

        def start(self) -> None: ...

    monkeypatch.setattr(workers, "hired", lambda: 2)
    monkeypatch.setattr(ahead, "Thread", Begun)
    return begun


def page_asks() -> None:
    """Two runs of a page, and one of another; the last view is that of the first again."""
    from pages.parts import ahead
    from tests.parts.test_ahead import A, B, no_question

    for page, about, view in (
        ("Voice", "d", A),
        ("Voice", "d", B),
        ("Stages", "d", B),
        ("Voice", "d", B),
        ("Voice", "other", A),
    ):
        with ahead.while_it_asks():
            ahead.begin(page, about, view)
            ahead.note(no_question, (repr(view), view))
            with ahead.whatever_the_view():
                ahead.note(no_question, ("the same for all", view))
            ahead.note(no_question, ("last", view))


def test_only_a_page_that_was_there_with_another_view_of_the_same_data_asks_ahead(started: list[list[Any]]) -> None:
    app = AppTest.from_function(page_asks).run()
    assert not app.exception
    given = [[what for _question, what in calls] for calls in started]
    assert given == [[("last", B), (repr(B), B)]]  # from the end of the page


def page_is_left_early() -> None:
    """A page is there, is left before it has asked all with another view, once more with that one, then there with a third."""
    from contextlib import suppress

    from pages.parts import ahead
    from tests.parts.test_ahead import A, B, C, no_question

    for view, comes_to_its_end in ((A, True), (B, False), (B, False), (C, True)):
        with suppress(LookupError), ahead.while_it_asks():
            ahead.begin("Voice", "d", view)
            ahead.note(no_question, ("first", view))
            if not comes_to_its_end:
                raise LookupError
            ahead.note(no_question, ("last", view))


def test_what_a_page_that_was_left_early_had_not_come_to_is_asked_for_the_next_view(started: list[list[Any]]) -> None:
    assert not AppTest.from_function(page_is_left_early).run().exception
    given = [[what for _question, what in calls] for calls in started]
    assert given == [[("last", B), ("first", B)], [("last", C), ("first", C)]]


@pytest.mark.parametrize("count", [0, 1])
def test_where_no_second_worker_would_answer_nothing_is_asked_ahead(
    count: int, started: list[list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "hired", lambda: count)
    AppTest.from_function(page_asks).run()
    assert started == []


def test_who_meets_a_question_that_is_asked_ahead_waits_for_that_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    times, going_on, asked = list[str](), threading.Event(), threading.Event()
    monkeypatch.setattr(keeping, "ANSWERS", keeping.Answers())

    def slow(key: str) -> str:
        times.append(key)
        asked.set()
        assert going_on.wait(10)
        return key.upper()

    question = cache.kept(slow)
    first = threading.Thread(target=ahead.ask, args=([(question, ("a",))], lambda: True, ""))
    first.start()
    assert asked.wait(10)
    threading.Timer(0.1, going_on.set).start()
    assert question("a") == "A"
    first.join(10)
    assert times == ["a"]
