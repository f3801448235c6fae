"""Answers that are kept between runs, for all readers: those asked for last, up to so many bytes.

Each reader gets a copy, so nobody changes what others read: a frame shares its numbers with its copies until one of them is
written to. Who asks for what somebody is asking already waits for that answer; where its asker gives up or fails, the next one
asks.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from inspect import signature
from typing import Any

import pandas as pd

MOST_BYTES = 256 * 2**20  # of all answers: some 20,000 of the usual size


class Answers:
    """The answers asked for last. Safe for many threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self._kept: OrderedDict[str, tuple[Any, int]] = OrderedDict()  # the answer, and what it takes
        self._lock = threading.Lock()
        self._asking: dict[str, tuple[threading.Lock, int]] = {}  # key → whose turn it is, and how many want it
        self._times_forgotten = 0

    def get(self, key: str, ask: Callable[[], Any]) -> Any:
        """The answer of that key, a copy of one's own; asked if nobody has it. What `ask` raises leaves nothing behind."""
        held = self._find(key)
        if held is None:
            with self._turn(key):
                held = self._find(key)  # somebody asked meanwhile
                if held is None:
                    held = self._ask(key, ask)
        return copied(held[0])

    def forget(self) -> None:
        """Ask everything anew, even what is being asked right now."""
        with self._lock:
            self._times_forgotten += 1
            self._kept.clear()
            self.bytes = 0

    def _find(self, key: str) -> tuple[Any, int] | None:
        with self._lock:
            held = self._kept.get(key)
            if held is not None:
                self._kept.move_to_end(key)
            return held

    def _ask(self, key: str, ask: Callable[[], Any]) -> tuple[Any, int]:
        with self._lock:
            before = self._times_forgotten
        found = ask()
        look_up(found)
        held = found, size(found)
        with self._lock:
            if before == self._times_forgotten and held[1] <= self.most_bytes:
                self._kept[key] = held
                self.bytes += held[1]
                while self.bytes > self.most_bytes:
                    self.bytes -= self._kept.popitem(last=False)[1][1]
        return held

    @contextmanager
    def _turn(self, key: str) -> Iterator[None]:
        """One at a time for each key."""
        with self._lock:
            turn, wanted = self._asking.get(key, (threading.Lock(), 0))
            self._asking[key] = turn, wanted + 1
        try:
            with turn:
                yield
        finally:
            with self._lock:
                turn, wanted = self._asking[key]
                if wanted == 1:
                    del self._asking[key]
                else:
                    self._asking[key] = turn, wanted - 1


def copied(thing: Any) -> Any:
    """The same frames, mappings and lists, to be changed at will; what cannot be changed is the thing itself."""
    if isinstance(thing, pd.DataFrame):
        return thing.copy(deep=False)  # pandas copies what is written to, when it is written to
    if isinstance(thing, dict):
        return {key: copied(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return type(thing)(map(copied, thing))
    return thing


def look_up(thing: Any) -> None:
    """Have frames look their names up once: pandas keeps where they are when it first needs it, copies share that, and many
    threads at once would write it down at once."""
    if isinstance(thing, pd.DataFrame):
        for names in (thing.columns, thing.index):
            if names.is_unique:
                names.get_indexer(names)
    elif isinstance(thing, (list, tuple)):
        for one in thing:
            look_up(one)
    elif isinstance(thing, dict):
        look_up(list(thing.values()))


def size(thing: Any) -> int:
    """How many bytes a thing takes, about: with what stands in it, and 500 for what is written down about a frame."""
    if isinstance(thing, pd.DataFrame):
        return 500 + int(thing.memory_usage(deep=True).sum())
    inside: Any = ()
    if isinstance(thing, dict):
        inside = (*thing.keys(), *thing.values())
    elif isinstance(thing, (list, tuple)):
        inside = thing
    return sys.getsizeof(thing) + sum(map(size, inside))


ANSWERS = Answers()


def kept(question: Callable[..., Any]) -> Callable[..., Any]:
    """The same question, asked once for all that give it equal arguments: by what Python writes for them, so these are texts,
    numbers and tuples of such. Those whose name begins with `_` say nothing new, and do not count."""
    name = f"{question.__module__}.{question.__qualname__}"
    counting = [not parameter.startswith("_") for parameter in signature(question).parameters]

    @wraps(question)
    def asked(*given: Any) -> Any:
        told = [repr(value) for value, counts in zip(given, counting, strict=True) if counts]
        return ANSWERS.get("\n".join((name, *told)), lambda: question(*given))

    return asked
