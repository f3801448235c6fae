"""Short questions go before imports: while one is answered, the imports that this server began stand still.

A lower priority is not enough: an import that has a processor to itself still slows its neighbours by what it moves through
memory and caches. So its process is stopped (SIGSTOP) when a question begins, and goes on (SIGCONT) when none is left, or when
the question turns out to be a longer one. However many ask, an import has a fifth of the time for itself.

A process that stands still never outlives who stopped it: it first asks the system (`stand_still_for_parent`) to be sent on
should the server end, and says so by its name; one that does not bear that name is never stopped. Systems other than Linux know
neither, and there everything runs as it comes.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NAME = "import"  # of a process that may be stopped, as the system lists it
LINGER_SECONDS = 0.02  # a page asks several questions, one right after the other
LONGEST_SECONDS = 0.25  # that an import stands still at a time
OWED = 0.25  # of the time it stood still, which it then has for itself
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15  # of prctl(2)


def stand_still_for_parent() -> None:
    """Say that the process which started this one may stop it: should that end, this one goes on."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            system = ctypes.CDLL(None)
            if system.prctl(PR_SET_PDEATHSIG, signal.SIGCONT, 0, 0, 0) == 0:
                system.prctl(PR_SET_NAME, NAME.encode(), 0, 0, 0)


class RightOfWay:
    """The questions and the imports of one process."""

    def __init__(self) -> None:
        self._changes = threading.Condition()
        self._imports: dict[
            int, int
        ] = {}  # a handle that means this process and no later one with its number: its number
        self._questions = 0
        self._still = False
        self._since = self._ended = self._rests_until = 0.0
        self._thread: threading.Thread | None = None

    @contextmanager
    def given_by(self, process: int) -> Iterator[None]:
        """As long as the block runs, the process (a child that has not been waited for) makes way. The block has to be run by the
        thread that started it: it is this thread whose end the system tells the child of."""
        try:
            handle = os.pidfd_open(process)
        except (AttributeError, OSError):  # a system without such handles
            yield
            return
        with self._changes:
            self._imports[handle] = process
            if self._thread is None or not self._thread.is_alive():  # a forked process has none
                self._thread = threading.Thread(target=self._send_on, name="right of way", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._changes:
                del self._imports[handle]
                _signal(handle, signal.SIGCONT)
                os.close(handle)

    def begins(self) -> None:
        """A question begins."""
        with self._changes:
            self._questions += 1
            if self._imports and not self._still and time.monotonic() >= self._rests_until:
                self._stop()

    def ends(self) -> None:
        """A question is answered, or is no short one."""
        with self._changes:
            self._questions -= 1
            self._ended = time.monotonic()

    def _stop(self) -> None:
        for handle, process in self._imports.items():
            if _may_be_stopped(process):
                self._still |= _signal(handle, signal.SIGSTOP)
        if self._still:
            self._since = time.monotonic()
            self._changes.notify()

    def _send_on(self) -> None:
        """Let imports go on when their time has come."""
        while True:
            with self._changes:
                while not self._still:
                    self._changes.wait()
            time.sleep(LINGER_SECONDS / 2)
            with self._changes:
                now = time.monotonic()
                done = not self._questions and now - self._ended >= LINGER_SECONDS
                if done or now - self._since >= LONGEST_SECONDS:
                    for handle in self._imports:
                        _signal(handle, signal.SIGCONT)
                    self._still, self._rests_until = False, now + OWED * (now - self._since)


def _may_be_stopped(process: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{process}/comm").read_text(encoding="utf-8", errors="replace").strip() == NAME
    return False


def _signal(handle: int, what: signal.Signals) -> bool:
    with suppress(OSError):  # it has ended
        signal.pidfd_send_signal(handle, what)
        return True
    return False


RIGHT_OF_WAY = RightOfWay()
