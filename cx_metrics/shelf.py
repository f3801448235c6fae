"""A shelf of the last few things that were made: who asks again for the same gets the same, made once."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import pandas as pd

MOST = 24  # of a dataset: what a page asks of one view, its segments and attributes, and perhaps of another to compare with


def content(frame: pd.DataFrame) -> str:
    """A short name for what a frame holds: the same rows under the same names have the same."""
    names = repr([(name, str(kind)) for name, kind in frame.dtypes.items()]).encode()
    rows = pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes()
    return hashlib.sha256(names + rows).hexdigest()[:16]


class Shelf:
    """Keeps the `most` things asked for last. Safe for many threads; two that ask for a new thing at once may both make it."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """The thing of that key, made if nobody has it."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > self.most:
                self._kept.popitem(last=False)
        return made

    def part(self, name: Hashable) -> Shelf:
        """The same shelf for things that others have under the same keys: these are kept apart by a name."""
        return _Part(self, name)

    def forget(self) -> None:
        """Make everything anew from here on."""
        with self._lock:
            self._kept.clear()

    def peek(self, key: Hashable) -> Any:
        """The thing of that key; None if it is not there."""
        with self._lock:
            return self._kept.get(key)


class _Part(Shelf):
    def __init__(self, whole: Shelf, name: Hashable) -> None:
        super().__init__(whole.most)
        self._whole, self._name = whole, name

    def get(self, key: Hashable, make: Callable[[], Any]) -> Any:
        return self._whole.get((self._name, key), make)

    def peek(self, key: Hashable) -> Any:
        return self._whole.peek((self._name, key))

    def forget(self) -> None:
        self._whole.forget()
