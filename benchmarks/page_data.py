"""How long does the flow page wait for its data after a filter has changed?

    python -m benchmarks.page_data --rows 10M [--fifty]

All the questions the page asks, one after the other, as a reader would wait for them whose question nobody asked before; only
building widgets and drawing are left out. The value of the filter changes every round. Who is counted, the flow, whole paths,
transitions, rework: as pages/behaviour/flow.py and its cards ask them.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any

import cx_metrics as cx
from benchmarks.generate import CHANNELS, PERSONAS, SEGMENTS, TOUCHPOINTS, number_of, short
from benchmarks.measuring import Report
from benchmarks.stores import prepared
from cx_metrics.engines import Store
from cx_metrics.view import View
from pages.parts.flow_cards import PATHS
from pages.parts.flow_rules import MOST_WITH_MEDIANS

FIFTY = 50_000_000
SMALL = 1_000_000
Ask = Callable[[Store, View, str], Any]  # store, view, which times of moves

# the calls of the page, with the options it has when nobody has chosen any
CALLS: dict[str, Ask] = {
    "people": lambda store, view, _times: cx.people(store, view),
    "flow": lambda store, view, times: cx.run("flow_links", store, view, **FIRST_LOOK, repeats="merge", times=times),
    "paths": lambda store, view, _times: cx.run("variants", store, view, top=PATHS, repeats="merge"),
    "transitions": lambda store, view, times: cx.run("transitions", store, view, repeats="merge", times=times),
    "rework": lambda store, view, _times: cx.run("rework", store, view),
}
FIRST_LOOK = {"steps": 4, "top": 7}


def times_for(touchpoints: int) -> str:
    """Which times of moves the page asks for, by the number of touchpoints in the view."""
    return "median" if touchpoints <= MOST_WITH_MEDIANS else "mean"


def months(start: int) -> View:
    """Two months of the year of the data, beginning `start` weeks into it."""
    first = date(2025, 1, 6) + timedelta(weeks=start)
    return View(first_day=first, last_day=first + timedelta(days=59))


VIEWS: dict[str, list[View]] = {
    "nothing chosen": [View()],
    "persona": [View().with_values("persona", (name,)) for name in PERSONAS],
    "persona and segment": [
        View().with_values("persona", (name,)).with_values("segment", SEGMENTS[i % 4 : i % 4 + 1])
        for i, name in enumerate(PERSONAS)
    ],
    "dates": [months(start) for start in (0, 3, 6, 9, 12, 15)],
    "journeys that began in": [View(range_rule="journeys", first_day=v.first_day, last_day=v.last_day)
                               for v in (months(s) for s in (0, 3, 6, 9, 12, 15))],
    "customers with a channel": [View().with_values("channel", (name,)) for name in CHANNELS[1:]],
    "customers with a touchpoint": [View().with_values("touchpoint", (name,)) for name, _s, _c in TOUCHPOINTS[10:16]],
    "only the touchpoints of a channel": [
        View(touchpoint_rule="touchpoints").with_values("channel", (name,)) for name in CHANNELS[1:]
    ],
    "sessions": [View(grain="session").with_values("persona", (name,)) for name in PERSONAS],
    "passing a node": [View(passing=cx.Passing(2, name)) for name, _s, _c in TOUCHPOINTS[:6]],
}  # fmt: skip
GOALS_SECONDS = {  # kind of filter → the goal at 10M and at 50M
    "persona": (0.150, 0.5), "persona and segment": (0.150, 0.5),
    "dates": (1.0, 5.0), "customers with a channel": (1.0, 5.0), "customers with a touchpoint": (1.0, 5.0),
    "only the touchpoints of a channel": (1.0, 5.0),
}  # fmt: skip


def measure(store: Store, rounds: int) -> tuple[dict[str, dict[str, list[float]]], dict[str, float]]:
    """Seconds per kind of view and call; kinds take turns, each round with another value. And the seconds of the first round,
    when every query was compiled for the first time since the server began."""
    firsts = dict.fromkeys(VIEWS, 0.0)
    found: dict[str, dict[str, list[float]]] = {kind: {name: [] for name in CALLS} for kind in VIEWS}
    for round_ in range(-1, rounds):  # the first one warms up
        for kind, views in VIEWS.items():
            view = views[round_ % len(views)]
            times = ""
            for name, ask in CALLS.items():
                start = time.perf_counter()
                answer = ask(store, view, times)
                took = time.perf_counter() - start
                if name == "people":  # the page knows who is left before it asks for more
                    times = times_for(answer["touchpoints"])
                if round_ >= 0:
                    found[kind][name].append(took)
                else:
                    firsts[kind] += took
    return found, firsts


def whole(calls: dict[str, list[float]]) -> float:
    """The median of what the calls of one round take together."""
    return statistics.median(sum(each) for each in zip(*calls.values(), strict=True))


def state_goals(report: Report, rows: int, took: dict[str, float]) -> None:
    """Against the goals of the issue; at other sizes than 10M and 50M the one of 10M."""
    for kind, (ten, fifty) in GOALS_SECONDS.items():
        goal = fifty if rows >= FIFTY else ten
        report.goal(f"{short(rows)}: page data, {kind}, ms", 1_000 * took[kind], 1_000 * goal)


def routes(store: Store) -> dict[str, str]:
    """Which route answers the flow, per kind of view."""
    return {kind: cx.run("flow_links", store, views[0], times="mean").route for kind, views in VIEWS.items()}


def growth(sizes: Sequence[int], took: dict[int, dict[str, float]]) -> list[list[Any]]:
    """The exponent of growth between the smallest and the largest size, per kind."""
    small, large = sizes[0], sizes[-1]
    by = math.log(large / small)
    return [[kind, *(1_000 * took[s][kind] for s in sizes), math.log(took[large][kind] / took[small][kind]) / by]
            for kind in VIEWS]  # fmt: skip


def main() -> None:
    """Measure each size; state the goals."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", default="1M")
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--fifty", action="store_true", help="also 50M rows")
    given = asked.parse_args()
    rows = number_of(given.rows)
    report = Report("page_data", rows, "How long does the flow page wait for its data after a filter?")
    took: dict[int, dict[str, float]] = {}
    sizes = sorted({min(SMALL, rows), rows} | ({FIFTY} if given.fifty else set()))
    for size in sizes:
        store = prepared(size).open()
        by_route = routes(store)
        found, firsts = measure(store, given.rounds if size < FIFTY else min(given.rounds, 3))
        took[size] = {kind: whole(calls) for kind, calls in found.items()}
        report.table(
            f"{short(size)}: the data of the flow page, median ms", ["view", "route", "together", *CALLS, "the first time"],
            [[kind, by_route[kind], 1_000 * took[size][kind], *(1_000 * statistics.median(t) for t in calls.values()),
              1_000 * firsts[kind]]
             for kind, calls in found.items()],
        )  # fmt: skip
        if size in (rows, FIFTY):
            state_goals(report, size, took[size])
        store.close()
    if len(sizes) > 1:
        head = ["view", *(f"{short(s)} ms" for s in sizes), f"exponent {short(sizes[0])} → {short(sizes[-1])}"]
        report.table("How it grows", head, growth(sizes, took))
    report.write()


if __name__ == "__main__":
    main()
