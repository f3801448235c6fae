"""How much slower are our queries than hand-written DuckDB SQL of the same definition on the same store?

    python -m benchmarks.overhead --rows 10M

First every metric on everybody, to see which take longer than 200 ms. Then each question for which there is SQL by hand
(`by_hand`), in turn: ours through `run`, as a page asks, and the SQL on a cursor of the same connection. Answers are compared
before the clock starts.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pandas as pd

import cx_metrics as cx
from benchmarks import by_hand
from benchmarks.by_hand import FUNNEL_STEPS, FUNNEL_WINDOW_DAYS, SPAN
from benchmarks.generate import number_of
from benchmarks.measuring import Report
from benchmarks.page_data import months
from benchmarks.stores import prepared
from cx_metrics.engines import Store
from cx_metrics.view import View

SLOW_SECONDS = 0.2
GOAL_RATIO = 1.2
SPANNED = months(6)
EMAIL = View(touchpoint_rule="touchpoints").with_values("channel", ("email",))
PERSONA = View().with_values("persona", ("persona B",))
STEPS, TOP, PATHS = 4, 7, 8
OF_EMAIL, OF_PERSONA = "channel = 'email'", "persona = 'persona B'"


@dataclass(frozen=True)
class Pair:
    """One question: how we answer it, the SQL by hand (the fastest of several counts), and the columns to compare."""

    name: str
    ours: Callable[[Store], pd.DataFrame]
    by_hand: Sequence[str]
    columns: Sequence[str]
    values: Mapping[str, Any] = field(default_factory=dict)
    order: str | None = None  # sort ours by this column before comparing


def metric(name: str, view: View, **options: Any) -> Callable[[Store], pd.DataFrame]:
    """The frame of a metric under a view."""
    return lambda store: cx.run(name, store, view, **options).frame


def span(view: View) -> dict[str, Any]:
    """The range of a view as values of the SQL."""
    first, last = view.bounds("UTC")
    return {"first": first, "last": last}


LINKS = ("step", "source", "target", "kind", "journeys", "mean_seconds", "median_seconds")
MOVES = ("touchpoint", "next_touchpoint", "transitions", "journeys", "mean_seconds", "median_seconds")
WHOLE = ("path", "journeys", "median_seconds")
REACHED = (
    "customers",
    "touchpoints",
    "depth_median",
    "dwell_seconds_median",
    "went_on",
    "entry_sessions",
    "bounced_sessions",
)
FLOW = {"steps": STEPS, "top": TOP, "repeats": "merge"}
PAIRS = (
    Pair("flow, a persona", metric("flow_links", PERSONA, **FLOW),
         [by_hand.flow_by_columns(OF_PERSONA, STEPS, TOP)], LINKS),
    Pair("flow, a range of dates", metric("flow_links", SPANNED, **FLOW),
         [by_hand.flow_by_windows(SPAN, STEPS, TOP)], LINKS, span(SPANNED)),
    Pair("flow, only the touchpoints of a channel", metric("flow_links", EMAIL, **FLOW),
         [by_hand.flow_by_windows(OF_EMAIL, STEPS, TOP)], LINKS),
    Pair("transitions, everybody", metric("transitions", View()), [by_hand.transitions("true")], MOVES),
    Pair("transitions, a range of dates", metric("transitions", SPANNED),
         [by_hand.transitions_in_span(), by_hand.transitions_by_windows(SPAN)], MOVES, span(SPANNED)),
    Pair("transitions, only the touchpoints of a channel", metric("transitions", EMAIL),
         [by_hand.transitions_by_windows(OF_EMAIL)], MOVES),
    Pair("paths, everybody", metric("variants", View(), top=PATHS, repeats="merge"),
         [by_hand.stored_paths("true", PATHS)], WHOLE),
    Pair("paths, a range of dates", metric("variants", SPANNED, top=PATHS, repeats="merge"),
         [by_hand.paths_in_span(PATHS), by_hand.paths_by_windows(SPAN, PATHS)], WHOLE, span(SPANNED)),
    Pair("paths, only the touchpoints of a channel", metric("variants", EMAIL, top=PATHS, repeats="merge"),
         [by_hand.paths_by_windows(OF_EMAIL, PATHS)], WHOLE),
    Pair("people, a range of dates", lambda store: pd.DataFrame([cx.people(store, SPANNED)]),
         [by_hand.people(SPAN)], ("customers", "journeys", "touchpoints"), span(SPANNED)),
    Pair("engagement by stage", metric("stage_engagement", View()), [by_hand.engagement("stage")], REACHED, order="stage"),
    Pair("engagement by touchpoint", metric("touchpoint_engagement", View()), [by_hand.engagement("touchpoint")], REACHED,
         order="touchpoint"),
    Pair("funnel of four steps", metric("funnel", View(), steps=",".join(FUNNEL_STEPS), window=timedelta(FUNNEL_WINDOW_DAYS)),
         [by_hand.funnel(FUNNEL_STEPS, FUNNEL_WINDOW_DAYS * 86_400)], ("step", "customers")),
)  # fmt: skip


def asked_by_hand(store: Store, sql: str, values: Mapping[str, Any]) -> pd.DataFrame:
    """The SQL on a cursor of its own, as a frame."""
    found: pd.DataFrame = store.connection.cursor().execute(sql, dict(values)).to_arrow_table().to_pandas()
    return found


def plain(frame: pd.DataFrame, columns: Sequence[str]) -> list[list[Any]]:
    """The compared columns as plain values; floats to nine digits."""

    def value(cell: Any) -> Any:
        if hasattr(cell, "tolist") or isinstance(cell, (list, tuple)):
            return (
                tuple(str(part) for part in cell)
                if not isinstance(cell, (int, float)) and hasattr(cell, "__len__")
                else cell
            )
        if cell is None or cell != cell:
            return None
        return float(f"{cell:.9g}") if isinstance(cell, float) else cell

    return [[value(cell) for cell in row] for row in frame[list(columns)].astype(object).values.tolist()]


def problem_of(pair: Pair, store: Store) -> str:
    """Why the two answers differ; nothing if they are the same."""
    ours = pair.ours(store)
    if pair.order is not None:
        ours = ours.sort_values(pair.order)
    mine = plain(ours, pair.columns)
    for sql in pair.by_hand:
        theirs = plain(asked_by_hand(store, sql, pair.values), pair.columns)
        if mine != theirs:
            differing = next(((a, b) for a, b in zip(mine, theirs, strict=False) if a != b), (len(mine), len(theirs)))
            return f"the answers differ: {differing[0]} against {differing[1]}"[:300]
    return ""


def seconds(work: Callable[[], Any]) -> float:
    """How long it takes once."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(pair: Pair, store: Store, rounds: int) -> tuple[float, float]:
    """Medians of ours and of the fastest SQL by hand, in turn."""
    ours: list[float] = []
    theirs: list[list[float]] = [[] for _sql in pair.by_hand]
    for _round in range(rounds):
        ours.append(seconds(lambda: pair.ours(store)))
        for sql, took in zip(pair.by_hand, theirs, strict=True):
            took.append(seconds(lambda sql=sql: asked_by_hand(store, sql, pair.values)))
    return statistics.median(ours), min(statistics.median(took) for took in theirs)


def every_metric(store: Store, rounds: int) -> list[list[Any]]:
    """Median ms of every metric on everybody, slowest first."""
    found: list[list[Any]] = []
    failed: list[list[Any]] = []
    for name, declared in cx.METRICS.items():
        options: dict[str, Any] = {}
        if any(o.required for o in declared.options):
            options = {"steps": ",".join(FUNNEL_STEPS)}
        try:
            work = metric(name, View(), **options)
            first = seconds(lambda work=work: work(store))
            took = statistics.median(seconds(lambda work=work: work(store)) for _round in range(rounds))
            found.append([name, 1_000 * took, 1_000 * first])
        except cx.TouchlineError:
            continue  # it needs a table or a column that these data do not have
        except Exception as trouble:  # a metric that fails is reported, the others go on
            failed.append([f"{name}: {type(trouble).__name__}: {trouble}".splitlines()[0][:200], None, None])
    return sorted(found, key=lambda row: -row[1]) + failed


def main() -> None:
    """Measure; state the goal for every question over 200 ms."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", default="1M")
    asked.add_argument("--rounds", type=int, default=5)
    given = asked.parse_args()
    rows = number_of(given.rows)
    report = Report("overhead", rows, "How much slower are our queries than SQL by hand?")
    store = prepared(rows).open()
    report.table("Every metric on everybody", ["metric", "median ms", "the first time ms"], every_metric(store, 2))
    table: list[list[Any]] = []
    for pair in PAIRS:
        try:
            problem = problem_of(pair, store)
            if problem:
                table.append([pair.name, problem, None, None])
                continue
            ours, hand = measure(pair, store, given.rounds)
        except Exception as trouble:  # a question that fails is reported, the others go on
            table.append([pair.name, f"{type(trouble).__name__}: {trouble}"[:300], None, None])
            continue
        table.append([pair.name, 1_000 * ours, 1_000 * hand, ours / hand])
        if ours > SLOW_SECONDS:
            report.goal(f"{pair.name}: ours against SQL by hand", ours / hand, GOAL_RATIO)
    report.table("Ours against SQL by hand, same store", ["", "ours ms", "by hand ms", "ratio"], table)
    report.write()


if __name__ == "__main__":
    main()
