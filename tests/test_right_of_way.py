"""Imports stand still while a short question is answered, and never for good."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cx_metrics.right_of_way import LONGEST_SECONDS, OWED, RightOfWay

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems let imports run as they come")

WORKS = "import time\nprint('ready', flush=True)\nwhile True: time.sleep(0.01)"
MAKES_WAY = f"from cx_metrics.right_of_way import stand_still_for_parent\nstand_still_for_parent()\n{WORKS}"
STOPS_ITS_CHILD = f"""
import subprocess, sys, time
from cx_metrics.right_of_way import RightOfWay
child = subprocess.Popen([sys.executable, "-c", {MAKES_WAY!r}], stdout=subprocess.PIPE)
child.stdout.readline()
way = RightOfWay()
with way.given_by(child.pid):
    way.begins()
    print(child.pid, flush=True)
    time.sleep(600)
"""


def state(process: int) -> str:
    """What the system says of a process: T if it stands still."""
    return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]


def becomes(process: int, still: bool, seconds: float = 5.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if (state(process) == "T") == still:
            return True
        time.sleep(0.002)
    return False


@contextmanager
def running(program: str) -> Iterator[int]:
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        try:
            yield child.pid
        finally:
            child.kill()


def test_an_import_stands_still_for_a_question_and_goes_on_after_it() -> None:
    way = RightOfWay()
    with running(MAKES_WAY) as process, way.given_by(process):
        way.begins()
        assert becomes(process, still=True)
        way.ends()
        assert becomes(process, still=False)
        time.sleep(LONGEST_SECONDS)
        way.begins()
        assert becomes(process, still=True)
        way.ends()


def test_it_goes_on_when_the_question_does_not_end() -> None:
    way = RightOfWay()
    with running(MAKES_WAY) as process, way.given_by(process):
        began = time.monotonic()
        way.begins()
        assert becomes(process, still=True)
        assert becomes(process, still=False)
        assert time.monotonic() - began >= LONGEST_SECONDS


def test_however_many_ask_it_has_its_share_of_the_time() -> None:
    way, over = RightOfWay(), threading.Event()

    def ask() -> None:
        while not over.is_set():
            way.begins()
            time.sleep(0.005)
            way.ends()

    with running(MAKES_WAY) as process, way.given_by(process):
        asking = [threading.Thread(target=ask) for _n in range(4)]
        for thread in asking:
            thread.start()
        looks = []
        until = time.monotonic() + 8 * LONGEST_SECONDS
        while time.monotonic() < until:
            looks.append(state(process) == "T")
            time.sleep(0.001)
        over.set()
        for thread in asking:
            thread.join()
    assert 0.2 < sum(looks) / len(looks) < 1 / (1 + OWED) + 0.1


def test_an_import_that_ends_while_it_stands_still_ends() -> None:
    way = RightOfWay()
    with running(MAKES_WAY) as process:
        with way.given_by(process):
            way.begins()
            assert becomes(process, still=True)
        assert becomes(process, still=False)


def test_it_goes_on_when_its_server_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STOPS_ITS_CHILD], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        process = int(server.stdout.readline())
        try:
            server.kill()
            assert becomes(process, still=False)
            time.sleep(0.1)
            assert state(process) != "T"
        finally:
            os.kill(process, signal.SIGKILL)


def test_a_process_that_did_not_offer_it_is_never_stopped() -> None:
    way = RightOfWay()
    with running(WORKS) as process, way.given_by(process):
        way.begins()
        assert not becomes(process, still=True, seconds=0.2)
