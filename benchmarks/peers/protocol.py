"""How a peer is asked: one JSON line in, one JSON line out, in a process of its own that stays alive between questions.

    {"do": "prepare", "what": "sorted", "rows": …}     → {"seconds": 12.3}
    {"do": "ask", "question": "links", "options": {…}}  → {"seconds": 0.04, "answer": […]}   (the answer only with "check": true)
    {"do": "memory"}                                    → {"peak_mib": 812.0, "now_mib": 640.5}
    {"do": "forget_peak"}, {"do": "versions"}, {"do": "quit"}

Time is taken here, around the work itself: the pipe costs nobody anything. An answer is put in order after the clock has stopped.
This file is read by every peer's Python and needs nothing but the standard library.
"""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Work = Callable[..., Any]
OTHER = "(other)"


class Peer:
    """Ways to prepare, questions to ask, and how an answer becomes plain rows that can be compared."""

    def __init__(self, *packages: str) -> None:
        self.packages = packages
        self.preparations: dict[str, Work] = {}
        self.questions: dict[str, tuple[Work, Work]] = {}

    def preparation(self, work: Work) -> Work:
        """Register a way to prepare; called with the paths of the data as named values."""
        self.preparations[work.__name__] = work
        return work

    def question(self, rows: Work) -> Callable[[Work], Work]:
        """Register a question; `rows` turns its answer into plain rows, off the clock."""

        def register(work: Work) -> Work:
            self.questions[work.__name__] = (work, rows)
            return work

        return register

    def serve(self) -> None:
        """Answer until asked to quit. What libraries print goes to the log, not into the conversation."""
        answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        for line in sys.stdin:
            try:
                answer = self.answer(json.loads(line))
            except Exception as problem:
                traceback.print_exc()
                answer = {"error": f"{type(problem).__name__}: {problem}"[:500]}
            print(json.dumps(answer), file=answers, flush=True)
            if answer.get("bye"):
                return

    def answer(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """One answer to one line."""
        if asked["do"] == "prepare":
            _result, seconds = timed(self.preparations[asked["what"]], asked["options"])
            gc.collect()
            return {"seconds": seconds}
        if asked["do"] == "ask":
            work, rows = self.questions[asked["question"]]
            result, seconds = timed(work, asked["options"])
            return {"seconds": seconds} | ({"answer": rows(result)} if asked.get("check") else {})
        if asked["do"] == "memory":
            return {"peak_mib": resident("VmHWM"), "now_mib": resident("VmRSS")}
        if asked["do"] == "forget_peak":
            with open("/proc/self/clear_refs", "w", encoding="ascii") as refs:
                refs.write("5")
            return {}
        if asked["do"] == "versions":
            return {"versions": {name: importlib.metadata.version(name) for name in self.packages}}
        return {"bye": True}


def timed(work: Work, options: Mapping[str, Any]) -> tuple[Any, float]:
    """The result and how long it took."""
    start = time.perf_counter()
    result = work(**options)
    return result, time.perf_counter() - start


def resident(line: str) -> float:
    """A line of this process' status in MiB. VmHWM is the peak of this program alone, without what ran before it."""
    with open("/proc/self/status", encoding="ascii") as status:
        for found in status:
            if found.startswith(line + ":"):
                return int(found.split()[1]) / 1024
    return 0.0


def links(counted: Iterable[tuple[int, str, str | None, int]], steps: int, top: int) -> list[list[Any]]:
    """Counts per (step, touchpoint, next touchpoint or None) → the rows of a flow, as the dashboard defines them.

    At each step the `top` largest touchpoints keep their names (ties by name), the rest is one group; a journey that ends is a
    drop-off, one that is longer than the last step continues beyond.
    """
    counted = list(counted)
    sizes: dict[int, dict[str, int]] = {}
    for step, source, _target, n in counted:
        at = sizes.setdefault(step, {})
        at[source] = at.get(source, 0) + n
    kept = {step: set(sorted(at, key=lambda name: (-at[name], name))[:top]) for step, at in sizes.items()}
    found: dict[tuple[int, str, str, str], int] = {}
    for step, source, target, n in counted:
        here = source if source in kept[step] else OTHER
        if target is None:
            key = (step, here, "", "drop_off")
        elif step == steps:
            key = (step, here, "", "continues_beyond")
        else:
            key = (step, here, target if target in kept[step + 1] else OTHER, "move")
        found[key] = found.get(key, 0) + n
    return [[*key, n] for key, n in sorted(found.items())]


def ranked(counted: Mapping[Any, int], top: int) -> list[list[Any]]:
    """The `top` most frequent paths: the names and the count, ties by name."""
    first = sorted(counted.items(), key=lambda item: (-item[1], tuple(item[0])))[:top]
    return [[list(path), int(n)] for path, n in first]
