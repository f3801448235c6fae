"""Does one session's heaviest question, or a large import, make another session's ordinary page slow?

    python -m benchmarks.hog --rows 1M [--seconds 60]

One process, as the server is. An ordinary session asks what the flow page asks, of a small dataset, with a little time to think
between two questions: first alone, then while another session asks the heaviest questions of a large dataset, each under a
range of days that nobody asked about, then while a large file is imported in a child process as the Data page does it, then
beside both. The goal: with both, 95 of 100 questions wait less than twice as long as when nobody else is there.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from pathlib import Path

import cx_metrics as cx
from benchmarks.generate import GOAL, STAGES, events, number_of, short
from benchmarks.measuring import Report
from benchmarks.page_data import CALLS, VIEWS
from benchmarks.stores import prepared
from cx_metrics import importing
from cx_metrics.engines import Store, asking_while
from cx_metrics.view import View
from cx_metrics.workspace import Workspace

SMALL = 100_000  # rows of the ordinary session's dataset
THINK_SECONDS = 0.05
ROUNDS = 3  # in turns, so that what else the machine does meets all alike
WARM_SECONDS = 2.0
WORST = ("variants", "transitions", "flow_links")  # of all touchpoints in a range of days
ORDINARY = [(name, view) for kind in ("nothing chosen", "persona", "dates") for view in VIEWS[kind] for name in CALLS]
MOST_TIMES_SLOWER = 2.0


def ordinary(store: Store, seconds: float) -> list[float]:
    """How long each question of an ordinary session waits for its answer."""
    waits = []
    until = time.perf_counter() + seconds
    for name, view in itertools.cycle(ORDINARY):
        start = time.perf_counter()
        if start > until:
            return waits
        CALLS[name](store, view, "median")
        waits.append(time.perf_counter() - start)
        time.sleep(THINK_SECONDS)
    raise AssertionError("a cycle has no end")


@contextmanager
def hog(store: Store, answered: list[float]) -> Iterator[None]:
    """A session that asks heavy questions one after the other, as long as the block runs."""
    done = threading.Event()

    def ask() -> None:
        for n, metric in zip(itertools.count(), itertools.cycle(WORST)):
            if done.is_set():
                return
            first = date(2025, 1, 1) + timedelta(days=n % 60)
            view = View(grain="session", first_day=first, last_day=first + timedelta(days=150 + n // 60))
            start = time.perf_counter()
            page = threading.Thread(target=draw, args=(metric, view))  # each run of a page has a thread of its own
            page.start()
            page.join()
            answered.append(time.perf_counter() - start)

    def draw(metric: str, view: View) -> None:
        with asking_while(lambda: True, steps_back=True, who="hog"):
            cx.run(metric, store, view)

    session = threading.Thread(target=ask)
    session.start()
    yield
    done.set()
    session.join()


@contextmanager
def imports(csv: Path, ended: list[str]) -> Iterator[None]:
    """The import of a large file, begun anew when it has ended, as long as the block runs."""
    done = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        dataset = workspace.create("large")
        plan = importing.Plan((importing.ImportFile(csv, csv.name),), stages=STAGES, goal=(GOAL,))

        def go_on() -> None:
            while not done.is_set():
                ended.append(importing.wait(workspace, importing.start(workspace, dataset, plan)).state)

        importing_one = threading.Thread(target=go_on)
        importing_one.start()
        yield
        done.set()
        importing_one.join()


def p95(waits: list[float]) -> float:
    """What 95 of 100 do not exceed."""
    return sorted(waits)[int(0.95 * (len(waits) - 1))]


def main() -> None:
    """Measure alone, beside each, beside both; state the goal."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", default="1M")
    asked.add_argument("--seconds", type=float, default=60)
    given = asked.parse_args()
    rows = number_of(given.rows)
    report = Report("hog", rows, "Does one session's heaviest question make another session's page slow?")
    small, large, csv = prepared(SMALL).open(), prepared(rows).open(), events(rows).csv
    ordinary(small, WARM_SECONDS)
    heavy: list[float] = []
    ended: list[str] = []
    others = {
        "alone": (), "beside the heaviest questions": (lambda: hog(large, heavy),),
        "beside an import": (lambda: imports(csv, ended),),
        "beside both": (lambda: hog(large, heavy), lambda: imports(csv, ended)),
    }  # fmt: skip
    waits: dict[str, list[float]] = {name: [] for name in others}
    for _round in range(ROUNDS):
        for name, beside in others.items():
            with ExitStack() as stack:
                for other in beside:
                    stack.enter_context(other())
                time.sleep(WARM_SECONDS if beside else 0)
                waits[name] += ordinary(small, given.seconds / ROUNDS)
    alone = p95(waits["alone"])
    table = [
        [name, len(took), 1_000 * statistics.median(took), 1_000 * p95(took), p95(took) / alone]
        for name, took in waits.items()
    ]
    if failed := [state for state in ended if state != "done"]:
        raise RuntimeError(f"{len(failed)} of {len(ended)} imports did not end well")
    head = ["", "questions", "median wait ms", "p95 wait ms", "p95 × alone"]
    report.table(f"An ordinary session of {short(SMALL)} rows beside others of {short(rows)}", head, table)
    report.note(
        f"Meanwhile {len(heavy)} heavy questions were answered, median {1_000 * statistics.median(heavy):,.0f} ms, "
        f"and {len(ended)} imports ended."
    )
    report.goal(
        "p95 of an ordinary session beside both, times alone", p95(waits["beside both"]) / alone, MOST_TIMES_SLOWER
    )
    report.write()


if __name__ == "__main__":
    main()
