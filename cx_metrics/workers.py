"""Processes that answer questions beside the server, so that who draws a page and who counts for another one do not stand in
each other's way: one process of Python has one processor for all its threads.

A worker opens the same read-only stores and is asked the same questions; where none is hired, questions are answered by whoever
asks. They hand each other objects over a pair of sockets that belongs to the two of them and has no name: nobody else can put
anything into it. A worker whose server is gone ends.
"""

from __future__ import annotations

import functools
import gc
import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import Any
from zlib import crc32

import pandas as pd

from cx_metrics.engines import Store, asking_while, open_store
from cx_metrics.engines.duckdb_store import MEMORY_VARIABLE
from cx_metrics.engines.patience import asker, check_wanted, share_with
from cx_metrics.errors import Cancelled, TouchlineError, ViewProblem, WorkspaceProblem
from cx_metrics.limits import step_back
from cx_metrics.logs import described, event, keep_messages_out
from cx_metrics.right_of_way import RIGHT_OF_WAY
from cx_metrics.texts import N_
from cx_metrics.view import Facts

VARIABLE = "TOUCHLINE_WORKERS"
MOST = 16
FIRST, LAST = 0, -1  # places of workers
MOST_OPEN = 16  # stores that a worker holds open
BEHIND_PAGES = 5  # how far workers stand behind the server for the processor: drawing is short, and somebody looks on
GRACE_SECONDS = 2  # for a worker to end by itself
PAUSE_SECONDS = 60  # before one is tried again that ended while it began
LEAST_MEMORY_MB = 2_000  # of a worker, as of a server
LOOK_SECONDS = 0.05  # between two looks whether an answer is still waited for
ROOT = Path(__file__).resolve().parents[1]
PROGRAM = "import sys, cx_metrics.answering; from cx_metrics.workers import serve; serve(*map(int, sys.argv[1:]))"

Question = Callable[..., Any]  # store, what was given → something that can be sent


def wanted() -> int:
    """How many workers a server hires: TOUCHLINE_WORKERS, else as many as it may use processors, at most four; none on a machine
    with one. Raises WorkspaceProblem for what is no such number."""
    asked = os.environ.get(VARIABLE, "")
    if asked:
        if not asked.isdecimal() or int(asked) > MOST:
            raise WorkspaceProblem(
                N_("{variable} has to be a number from 0 to {most}; found {found}."), variable=VARIABLE, most=MOST, found=asked
            )  # fmt: skip
        return int(asked)
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(processors, 4) if processors > 1 else 0


@dataclass(frozen=True)
class Asked:
    """A question about a store: what caches call its data, and where they are."""

    question: Question
    content: str
    path: Path
    facts: Facts
    given: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> int:
        """A number that questions have in common which differ in the view alone: who answered one has the query of the next."""
        words = [one for one in self.given if isinstance(one, str)]
        groups = [one for one in self.given if isinstance(one, tuple) and all(isinstance(name, str) for name in one)]
        return crc32(repr((self.question.__qualname__, words, groups)).encode())

    def here(self) -> Any:
        """The answer of this process."""
        return self.question(open_store(self.path, self.facts), *self.given, **self.named)


@dataclass
class _Open:
    """A question that was put to a worker, and what has come of it: the answer or the problem, as it was sent."""

    there: threading.Event = field(default_factory=threading.Event)
    answer: bytes | None = None


class Lost(Exception):
    """The worker ended before it had answered."""


class Worker:
    """One process, as the server sees it: one `of` so many. Questions of one that `replaces` another wait until it listens."""

    def __init__(self, of: int, replaces: bool = False) -> None:
        self._replaces, self.begun = replaces, time.monotonic()
        mine, theirs = socket.socketpair()
        with mine, theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(theirs.fileno()), str(of)],
                cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=_memory_shared(of),
            )  # fmt: skip
            self._door = Connection(mine.detach())
        self._sending, self._numbers = threading.Lock(), itertools.count()
        self._open: dict[int, _Open] = {}
        self._told: set[str] = set()
        self.ready, self.lost = threading.Event(), False
        threading.Thread(target=self._listen, name="worker", daemon=True).start()

    @property
    def can_be_asked(self) -> bool:
        """Whether it listens, or will in a moment."""
        return not self.lost and (self._replaces or self.ready.is_set())

    @property
    def rank(self) -> tuple[bool, int]:
        """Who is least is asked: one that listens, then the one with fewest questions that are not answered yet."""
        return not self.ready.is_set(), len(self._open)

    def put(self, asked: Asked, who: str) -> int:
        """Put a question to it. Raises Lost where it has ended."""
        number = next(self._numbers)
        self._open[number] = _Open()
        try:
            with self._sending:
                if asked.content not in self._told:
                    self._send("open", asked.content, asked.path, asked.facts)
                    self._told.add(asked.content)
                self._send("ask", number, asked.content, asked.question, asked.given, asked.named, who)
            if self.lost:
                raise Lost
        except BaseException:
            self._open.pop(number, None)
            raise
        return number

    def wait(self, number: int) -> Any:
        """Its answer. Raises what the question raised, `Cancelled` where nobody waits any more, Lost where the worker ended."""
        waiting = self._open[number]
        try:
            while not waiting.there.wait(LOOK_SECONDS):
                check_wanted()
        except BaseException:
            self.give_up(number)
            raise
        finally:
            self._open.pop(number, None)
        if waiting.answer is None:
            raise Lost
        answer, problem = ForkingPickler.loads(waiting.answer)
        if problem is not None:
            try:
                raise problem
            finally:
                del problem  # else it would hold the frames that it was raised through, and what they hold
        return answer

    def echo(self, asked: Asked) -> None:
        """Put a question to it whose answer nobody waits for: it will have made it ready for the next time."""
        self._open.pop(self.put(asked, ""), None)

    def prepare(self, work: Callable[[], object]) -> None:
        """Have it do something before it is asked."""
        with self._sending:
            self._send("prepare", work)

    def give_up(self, number: int) -> None:
        """Nobody waits for that answer any more."""
        with self._sending:
            self._send("cancel", number)

    def forget(self) -> None:
        """Have it let go of all stores."""
        with self._sending:
            self._told.clear()
            self._send("forget")

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()

    def _send(self, *message: Any) -> None:
        with suppress(OSError):  # that it has ended is heard by the thread that listens
            self._door.send(message)

    def _listen(self) -> None:
        imports_wait = 0
        try:
            while True:
                kind, *said = self._door.recv()
                if kind == "ready":
                    self.ready.set()
                elif kind == "begins":
                    imports_wait += 1
                    RIGHT_OF_WAY.begins()
                elif kind == "ends":
                    imports_wait -= 1
                    RIGHT_OF_WAY.ends()
                elif (waiting := self._open.get(said[0])) is not None:
                    waiting.answer = said[1]
                    waiting.there.set()
        except (EOFError, OSError):
            pass
        finally:  # whatever went wrong, nobody waits for it any more
            for _begun in range(imports_wait):
                RIGHT_OF_WAY.ends()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(GRACE_SECONDS)
            self.end()
            self.lost = True
            for waiting in list(self._open.values()):
                waiting.there.set()
            with self._sending:
                self._door.close()


def _memory_shared(processes: int) -> dict[str, str]:
    """The environment of a worker: all together take half of the machine's memory, unless somebody said how much."""
    found = dict(os.environ)
    if not found.get(MEMORY_VARIABLE) and processes > 2:
        half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2 // 2**20
        found[MEMORY_VARIABLE] = f"{max(half // processes, LEAST_MEMORY_MB)}MB"
    return found


class Workers:
    """All of them. One that ends unexpectedly is replaced."""

    def __init__(self, count: int) -> None:
        self._hiring, self._again = threading.Lock(), threading.Lock()
        self._all: list[Worker] = []
        self.count = count
        with suppress(OSError):  # the system has no room for more
            for _place in range(count):
                self._all.append(Worker(count))
        self.rehearses: Callable[[], bool] = lambda: False

    def ask(self, asked: Asked, place: int | None = None) -> Any:
        """The answer of one of them: the one at `place`, else one that has least to do, and of these the one that knows its kind.
        Raises what the question raised."""
        with suppress(Lost):
            return self._ask(asked, place)
        with self._again, suppress(Lost):  # one after the other: which of them ends a worker?
            return self._ask(asked, place)
        raise ViewProblem(
            N_("This question took more memory than the machine has, so it was ended. Narrow the view, or ask again in a moment.")
        )  # fmt: skip

    def _ask(self, asked: Asked, place: int | None) -> Any:
        worker = self._chosen(asked, place)
        if worker is None:
            return asked.here()
        number = worker.put(asked, asker())
        if place is None and self.rehearses():
            for other in self._all:
                if other is not worker and other.ready.is_set():
                    with suppress(Lost):
                        other.echo(asked)
        return worker.wait(number)

    def _chosen(self, asked: Asked, place: int | None) -> Worker | None:
        """A worker that can be asked; None while the first ones begin, or cannot. For one that replaces another its questions wait:
        what ended a worker is not to be asked here."""
        with self._hiring:
            for at, worker in enumerate(self._all):
                came_to_be = worker.ready.is_set()
                if worker.lost and (came_to_be or time.monotonic() - worker.begun > PAUSE_SECONDS):
                    event("worker_lost", status=int(worker.process.returncode or 0))
                    with suppress(OSError):
                        self._all[at] = Worker(len(self._all), replaces=came_to_be)
            if place is not None and self._all:
                only = self._all[place % len(self._all)]
                return only if only.can_be_asked else None
            own = asked.kind % max(len(self._all), 1)
            turned = (*self._all[own:], *self._all[:own])
            return min((w for w in turned if w.can_be_asked), key=lambda worker: worker.rank, default=None)

    def wait_until_ready(self, seconds: float) -> None:
        """Wait until all can be asked, or so long."""
        until = time.monotonic() + seconds
        for worker in self._all:
            while not (worker.lost or worker.ready.wait(LOOK_SECONDS)) and time.monotonic() < until:
                pass

    def prepare(self, work: Callable[[], object]) -> None:
        """Have the first one do something before it is asked."""
        for worker in self._all[:1]:
            worker.prepare(work)

    def forget(self) -> None:
        """Have all let go of all stores."""
        for worker in self._all:
            worker.forget()

    def end(self) -> None:
        """End all of them."""
        for worker in self._all:
            worker.end()


_hired: Workers | None = None


def hire(count: int) -> None:
    """Have so many workers answer the questions of this process from now on."""
    global _hired
    dismiss()
    _hired = Workers(count) if count else None


def hired() -> int:
    """How many answer questions for this process."""
    return 0 if _hired is None else _hired.count


def dismiss() -> None:
    """Answer questions without workers from now on."""
    global _hired
    if _hired is not None:
        _hired.end()
    _hired = None


def prepare(work: Callable[[], object]) -> None:
    """Do something that questions of the first place need, by who will be asked."""
    if _hired is None:
        work()
    else:
        _hired.prepare(work)


@contextmanager
def rehearsal(seconds: float, alone: Callable[[], bool]) -> Iterator[None]:
    """What is asked in this block while `alone`, all workers are asked, so that none of them meets it for the first time later. The
    block begins when they are ready, or so many seconds have passed."""
    if _hired is None:
        yield
        return
    _hired.wait_until_ready(seconds)
    _hired.rehearses = alone
    try:
        yield
    finally:
        _hired.rehearses = lambda: False


def forget() -> None:
    """Let go of stores whose data are to be gone."""
    if _hired is not None:
        _hired.forget()
        gc.collect()  # what a problem was raised through


def ask(
    question: Question, store: Any, content: str, path: Path, *given: Any, place: int | None = None, **named: Any
) -> Any:
    """The answer to a question about a store, by a worker where there are any, else here. `content` is what caches call the data;
    questions of one `place` are answered by the same worker, for what it keeps of the last ones."""
    if _hired is None or not isinstance(store, Store):
        return question(store, *given, **named)
    return _hired.ask(Asked(question, content, path, store.facts, given, named), place)


# What follows runs in a worker.


class _Service:
    """A worker, as it sees itself."""

    def __init__(self, door: Connection) -> None:
        self._door, self._sending = door, threading.Lock()
        self._known: dict[str, tuple[Path, Facts]] = {}
        self._stores: dict[str, Store] = {}
        self._opening = threading.Lock()
        self._given_up: dict[int, threading.Event] = {}

    def send(self, *message: Any) -> None:
        with self._sending, suppress(OSError):
            self._door.send(message)

    def run(self) -> None:
        """Answer until the server is gone."""
        self.send("ready")
        while True:
            kind, *said = self._door.recv()
            if kind == "open":
                self._open(*said)
            elif kind == "forget":
                self.forget()
            elif kind == "prepare":
                threading.Thread(target=said[0], daemon=True).start()
            elif kind == "cancel":
                if (given_up := self._given_up.get(said[0])) is not None:
                    given_up.set()
            else:
                number, content, *asked = said
                self._given_up[number] = threading.Event()
                whose = (content, *self._known[content])
                threading.Thread(target=self._answer, args=(number, whose, *asked), daemon=True).start()

    def forget(self) -> None:
        """Let go of all stores; their temporary folders go with them."""
        with self._opening:
            self._known.clear()
            self._stores.clear()
        gc.collect()

    def _open(self, content: str, path: Path, facts: Facts) -> None:
        with self._opening:
            for other in [c for c, (where, _facts) in self._known.items() if where == path]:
                self._known.pop(other)
                self._stores.pop(other, None)
            self._known[content] = (path, facts)

    def _store(self, content: str, path: Path, facts: Facts) -> Store:
        with self._opening:
            store = self._stores.get(content) or open_store(path, facts)
            if content in self._known:  # else its data are to be gone
                self._stores[content] = store
                while len(self._stores) > MOST_OPEN:
                    self._stores.pop(next(iter(self._stores)))
            return store

    def _answer(
        self, number: int, whose: tuple[str, Path, Facts], question: Question, given: tuple[Any, ...], named: Mapping[str, Any],
        who: str,
    ) -> None:  # fmt: skip
        given_up = self._given_up[number]
        answer: Any = None
        problem: BaseException | None = None
        try:
            with asking_while(lambda: not given_up.is_set(), steps_back=True, who=who):
                answer = question(self._store(*whose), *given, **named)
        except (TouchlineError, Cancelled) as said:
            problem = said.with_traceback(None)
        except Exception as fault:  # of ours: whoever asked has it
            print(described(fault), file=sys.stderr, flush=True)
            problem = fault.with_traceback(None)
            problem.__context__ = None  # frames hold stores
        self._given_up.pop(number, None)
        try:
            told = bytes(ForkingPickler.dumps((answer, problem)))
        except Exception:  # of a kind that cannot be sent
            told = bytes(ForkingPickler.dumps((None, RuntimeError(type(problem or answer).__name__))))
        self.send("answer", number, told)


def serve(descriptor: int, of: int) -> None:
    """What one `of` so many workers runs: answer what comes through that socket, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the server, whose end is heard
    keep_messages_out()
    step_back(BEHIND_PAGES)
    share_with(of)
    pd.set_option("mode.string_storage", "python")  # as pages keep texts
    service = _Service(Connection(descriptor))
    RIGHT_OF_WAY.begins = functools.partial(service.send, "begins")  # type: ignore[method-assign]
    RIGHT_OF_WAY.ends = functools.partial(service.send, "ends")  # type: ignore[method-assign]
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 5, 5)
    try:
        service.run()
    except (EOFError, OSError):
        service.forget()
        os._exit(0)
