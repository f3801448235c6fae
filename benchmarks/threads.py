"""Do sixteen sessions that ask at once get right answers, and how many a second?

    python -m benchmarks.threads --rows 10M

One opened store, sixteen threads, each asking a dozen of the same questions in an order of its own. Every answer is compared
with the one that was given when nobody else asked: exactly for counts and names, to nine digits for sums of floats.
"""

from __future__ import annotations

import argparse
import random
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

import cx_metrics as cx
from benchmarks.generate import number_of
from benchmarks.measuring import Report
from benchmarks.page_data import CALLS, VIEWS
from benchmarks.stores import prepared
from cx_metrics.engines import Store
from cx_metrics.view import View

THREADS = 16
QUESTIONS_EACH = 12  # that a session asks, drawn from all
SEED = 11
Question = tuple[str, View]  # which call, under which view

FAST = [
    (name, view)
    for name in ("flow mean", "paths")
    for kind in ("persona", "persona and segment")
    for view in VIEWS[kind]
]
MIXED = [(name, views[i % len(views)]) for i, views in enumerate(VIEWS.values()) for name in CALLS]


@dataclass
class Tally:
    """What the threads found together."""

    seconds: list[float] = field(default_factory=list)
    wrong: int = 0
    failed: list[str] = field(default_factory=list)


def answer(store: Store, question: Question) -> pd.DataFrame:
    """The answer as a frame."""
    name, view = question
    if name == "flow mean":
        return cx.run("flow_links", store, view, steps=8, top=10, times="mean").frame
    found: Any = CALLS[name](store, view, "mean")
    return pd.DataFrame([found]) if isinstance(found, dict) else found.frame


def same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Equal, with nine digits for floats."""
    try:
        pd.testing.assert_frame_equal(one, other, rtol=1e-9)
    except AssertionError:
        return False
    return True


def session(
    store: Store, questions: Sequence[Question], right: Sequence[pd.DataFrame], seed: int, tally: Tally
) -> None:
    """One session: questions of its own choice, in an order of its own."""
    drawn = random.Random(seed).sample(range(len(questions)), min(QUESTIONS_EACH, len(questions)))
    for i in drawn:
        start = time.perf_counter()
        try:
            found = answer(store, questions[i])
        except Exception as problem:
            tally.failed.append(f"{type(problem).__name__}: {problem}"[:200])
            continue
        tally.seconds.append(time.perf_counter() - start)
        tally.wrong += not same(found, right[i])


def crowd(store: Store, questions: Sequence[Question], threads: int) -> list[Any]:
    """Ask alone, then in a crowd: answers a second, waiting times, wrong and failed answers."""
    right = [answer(store, q) for q in questions]
    start = time.perf_counter()
    for q in questions:
        answer(store, q)
    alone = len(questions) / (time.perf_counter() - start)
    tally = Tally()
    asking = [threading.Thread(target=session, args=(store, questions, right, SEED + i, tally)) for i in range(threads)]
    start = time.perf_counter()
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    took = time.perf_counter() - start
    for problem in sorted(set(tally.failed)):
        print(f"  failed: {problem}", flush=True)
    waits = sorted(tally.seconds) or [0.0]
    asked = threads * min(QUESTIONS_EACH, len(questions))
    return [asked, alone, len(tally.seconds) / took, 1_000 * statistics.median(waits), 1_000 * waits[int(0.95 * (len(waits) - 1))],
            tally.wrong, len(tally.failed)]  # fmt: skip


def main() -> None:
    """Measure both kinds of questions; state the goal."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", default="1M")
    asked.add_argument("--threads", type=int, default=THREADS)
    given = asked.parse_args()
    rows = number_of(given.rows)
    report = Report("threads", rows, f"Do {given.threads} sessions that ask at once get right answers?")
    store = prepared(rows).open()
    table = []
    for name, questions in (("persona questions", FAST), ("every kind of view", MIXED)):
        found = crowd(store, questions, given.threads)
        table.append([name, *found])
        report.goal(f"wrong answers, {name}", float(found[-2]), 0)
        report.goal(f"failed answers, {name}", float(found[-1]), 0)
    head = ["", "asked", "alone, answers/s", "together, answers/s", "median wait ms", "p95 wait ms", "wrong", "failed"]
    report.table(f"{given.threads} threads on one store", head, table)
    report.write()


if __name__ == "__main__":
    main()
