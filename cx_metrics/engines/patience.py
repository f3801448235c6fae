"""How long a question may take, and whether anybody still waits for the answer.

Every query runs under one watchdog, a thread that looks at all running queries twenty times a second. It ends a query that
takes longer than the limit, or that nobody wants any more. A query that has run for half a second is a heavy one, and only a
few of those run side by side: one that finds no place gives way, waits for a place and starts anew. So a short question never
stands in line behind long ones.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TypeVar

from cx_metrics.errors import Cancelled, ViewProblem, WorkspaceProblem
from cx_metrics.right_of_way import RIGHT_OF_WAY
from cx_metrics.texts import N_

SECONDS = 10  # that a question may take
SECONDS_VARIABLE = "TOUCHLINE_QUERY_SECONDS"
HEAVY_SECONDS = 0.5  # from here on a query is a heavy one
MOST_HEAVY = 4  # that run side by side
LONG_SECONDS = 0.1  # from here on who asks may step back behind the others, and imports need not make way
LATELY_SECONDS = 5  # after a long question its asker's next one may be long too
BEHIND = 19  # how far: as far as there is; it still has a processor that nobody else wants
TICK_SECONDS = 0.05  # between two looks at what runs
ENDING_SECONDS = 0.2  # that an engine may take to hear that a query is over: so much earlier it is told

Found = TypeVar("Found")

_still_wanted: ContextVar[Callable[[], bool]] = ContextVar("still_wanted", default=lambda: True)
_steps_back: ContextVar[bool] = ContextVar("steps_back", default=False)
_who: ContextVar[str] = ContextVar("who", default="")


@contextmanager
def asking_while(still_wanted: Callable[[], bool], steps_back: bool = False, who: str = "") -> Iterator[None]:
    """Ask only as long as somebody waits: a query inside ends with `Cancelled` soon after `still_wanted()` says no.

    It is called by another thread too, many times a second. Inside another `asking_while`, both have to want the answer.
    `steps_back`: from a long query on, the thread that asks stands behind the others for the processor. It does so to its end
    (the system gives nobody a priority back), so only a thread that ends soon may ask for it, as one that draws a page.
    `who` asks: imports do not make way for somebody whose questions have lately been long ones.
    """
    outer = _still_wanted.get()
    token = _still_wanted.set(lambda: outer() and still_wanted())
    stepping = _steps_back.set(steps_back or _steps_back.get())
    asking = _who.set(who or _who.get())
    try:
        yield
    finally:
        _who.reset(asking)
        _still_wanted.reset(token)
        _steps_back.reset(stepping)


def share_with(processes: int) -> None:
    """So many processes answer questions: each runs its part of the heavy ones."""
    global MOST_HEAVY
    MOST_HEAVY = max(MOST_HEAVY // processes, 1)


def asker() -> str:
    """Who asks, as `asking_while` was told."""
    return _who.get()


def check_wanted() -> None:
    """Raise `Cancelled` if nobody waits for an answer any more."""
    if not _still_wanted.get()():
        raise Cancelled


def query_seconds() -> int:
    """How long a question may take: TOUCHLINE_QUERY_SECONDS, else 10. Raises WorkspaceProblem for what is no such number."""
    asked = os.environ.get(SECONDS_VARIABLE)
    if asked and not re.fullmatch(r"[1-9][0-9]{0,3}", asked):
        raise WorkspaceProblem(
            N_("{variable} has to be a number of seconds from 1 to 9999, like 30; found {found}."),
            variable=SECONDS_VARIABLE, found=asked,
        )  # fmt: skip
    return int(asked) if asked else SECONDS


def too_slow(seconds: int) -> ViewProblem:
    """The answer to a question that was ended at the limit."""
    return ViewProblem(
        N_("This question takes longer than {seconds} s, so it was ended. Narrow the view, or set {variable} higher."),
        seconds=seconds, variable=SECONDS_VARIABLE,
    )  # fmt: skip


def busy(seconds: int) -> ViewProblem:
    """The answer to a question that had to wait for others, and for which the limit left too little time."""
    return ViewProblem(
        N_("The server is busy: this question had to wait for others, and {seconds} s were not enough for it. "
           "Ask again in a moment, or narrow the view."),
        seconds=seconds,
    )  # fmt: skip


def patiently(begin: Callable[[], tuple[Callable[[], Found], Callable[[], object]]], stopped: type[Exception]) -> Found:
    """The answer of a query, unless it takes too long or is not wanted any more.

    `begin` makes the query ready: what answers, and what ends that from another thread. It is called again for a query that
    gave way, so each time with a cursor of its own. `stopped` is what answering raises when it was ended. Raises ViewProblem
    at the limit, and `Cancelled` when `asking_while` says no.
    """
    thread = threading.get_native_id() if _steps_back.get() else None
    question = _Question(_still_wanted.get(), query_seconds(), thread, _who.get())
    try:
        while True:
            question.check()
            answer, stop = begin()
            _WATCHDOG.watch(question, stop)
            try:
                return answer()
            except stopped:
                if not question.ended:
                    raise
            finally:
                _WATCHDOG.look_away(question)
            question.check()
            _WATCHDOG.place(question)
    finally:
        _WATCHDOG.forget(question)


class _Question:
    """What somebody asks: whether it is still wanted, until when it may take, and what has become of it."""

    is_short = False  # is it being answered, and was it begun a short while ago? Imports make way for it

    def __init__(self, still_wanted: Callable[[], bool], seconds: int, thread: int | None, who: str) -> None:
        self.still_wanted, self.seconds, self.who = still_wanted, seconds, who
        self.until = time.monotonic() + seconds - ENDING_SECONDS
        self.heavy_from = self.long_from = 0.0
        self.thread = thread  # that asks, if it is to step back
        self.gives_way = self.late = self.unwanted = self.waited = False
        self.problem: Exception | None = None  # of `still_wanted`

    def over(self) -> bool:
        """Whether it is too late for an answer, or nobody wants it."""
        try:
            self.unwanted = self.unwanted or not self.still_wanted()
        except Exception as problem:  # the asker's own: `check` raises it in the asker's thread
            self.unwanted, self.problem = True, problem
        self.late = self.late or time.monotonic() >= self.until
        return self.unwanted or self.late

    @property
    def ended(self) -> bool:
        """Whether the watchdog has had a reason to end it."""
        return self.unwanted or self.late or self.gives_way

    def check(self) -> None:
        """Raise what the asker has to be told if it is over."""
        if not self.over():
            return
        if self.problem is not None:
            raise self.problem
        if self.unwanted:
            raise Cancelled
        raise busy(self.seconds) if self.waited else too_slow(self.seconds)


class _Watchdog:
    """The thread that looks at all running queries of this process; it is there from the first query on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begins, self._changes = threading.Condition(self._lock), threading.Condition(self._lock)
        self._running: dict[_Question, Callable[[], object]] = {}
        self._heavy: set[_Question] = set()
        self._waiting: deque[_Question] = deque()
        self._sleeps = False
        self._long: dict[str, float] = {}  # who asked a long question: until when no import makes way for them
        self._thread: threading.Thread | None = None

    def watch(self, question: _Question, stop: Callable[[], object]) -> None:
        """A query begins."""
        question.gives_way = False
        question.heavy_from = time.monotonic() + HEAVY_SECONDS
        question.long_from = time.monotonic() + LONG_SECONDS
        with self._lock:
            self._running[question] = stop
            if time.monotonic() >= self._long.get(question.who, 0.0):
                question.is_short = True
                RIGHT_OF_WAY.begins()
            if self._thread is None or not self._thread.is_alive():  # a forked process has none
                self._thread = threading.Thread(target=self._look, name="query watchdog", daemon=True)
                self._thread.start()
            elif self._sleeps:
                self._begins.notify()

    def look_away(self, question: _Question) -> None:
        """A query has come to an end, of its own or not."""
        with self._lock:
            self._running.pop(question, None)
            _is_no_short_one(question)

    def place(self, question: _Question) -> None:
        """Wait in line for a place among the heavy queries. Raises what there is to say if the question is over before."""
        question.waited = True
        with self._lock:
            self._waiting.append(question)
        try:
            while not self._placed(question):
                question.check()
        finally:
            with self._lock:
                self._waiting.remove(question)
                self._changes.notify_all()

    def _placed(self, question: _Question) -> bool:
        with self._lock:
            free = self._waiting[0] is question and len(self._heavy) < MOST_HEAVY
            if free:
                self._heavy.add(question)
            else:
                self._changes.wait(TICK_SECONDS)
            return free

    def forget(self, question: _Question) -> None:
        """A question is done with: its place is free."""
        if question in self._heavy:
            with self._lock:
                self._heavy.discard(question)
                self._changes.notify_all()

    def _look(self) -> None:
        while True:
            with self._lock:
                while not self._running:
                    self._sleeps = True
                    self._begins.wait()
                self._sleeps = False
            time.sleep(TICK_SECONDS)
            self._ask()
            with self._lock:
                self._stop()

    def _ask(self) -> None:
        """Which questions are over? Asked without the lock: what somebody else says to that may take its time."""
        with self._lock:
            running = list(self._running)
        for question in running:
            question.over()

    def _stop(self) -> None:
        """End what is to end. Under the lock, and with names of its own: a cursor that is held here after its query has ended
        keeps the file open that its dataset has let go of."""
        for question, stop in self._running.items():
            self._weigh(question)
            if question.ended:
                stop()

    def _remember(self, who: str) -> None:
        now = time.monotonic()
        self._long = {name: until for name, until in self._long.items() if until > now}
        if who:
            self._long[who] = now + LATELY_SECONDS

    def _weigh(self, question: _Question) -> None:
        """A query that has run for a while lets others go first, then takes a place among the heavy ones, or has to give way."""
        if time.monotonic() >= question.long_from:
            _is_no_short_one(question)
            self._remember(question.who)
        if question.thread is not None and time.monotonic() >= question.long_from:
            with suppress(OSError):  # a system that has no such priorities
                os.setpriority(os.PRIO_PROCESS, question.thread, BEHIND)
            question.thread = None
        if question in self._heavy or time.monotonic() < question.heavy_from:
            return
        if len(self._heavy) < MOST_HEAVY and not self._waiting:
            self._heavy.add(question)
        else:
            question.gives_way = True


def _is_no_short_one(question: _Question) -> None:
    """Said once of each: it is answered, or takes longer than those that imports make way for. Under the watchdog's lock."""
    if question.is_short:
        question.is_short = False
        RIGHT_OF_WAY.ends()


_WATCHDOG = _Watchdog()
