"""Somebody edits the steps of a funnel: how long until its numbers?

    python -m benchmarks.funnel --rows 10M

Ordered, four steps, re-entry, a window of fourteen days. The peers count customers per step alone; ours also says times, shares
with intervals, and who may still come. Every round asks other steps, so that nothing is answered from memory. Then the same of
ours with a window of its own for one step and an exclusion, and everything that the drop-off page asks.
"""

from __future__ import annotations

import argparse
import statistics
import time
from functools import partial
from typing import Any

import cx_metrics as cx
from benchmarks.generate import events, number_of
from benchmarks.measuring import Contender, Report, compare
from benchmarks.persona_to_sankey import median, ratio
from benchmarks.stores import prepared
from cx_metrics.shelf import MOST

OURS, PANDAS, POLARS, SQL = "ours", "pandas, step by step backwards", "Polars, step by step backwards", "DuckDB by hand"
DAYS = 14
STEPS = (
    ("home", "product page", "cart", "payment"), ("search", "product page", "cart", "payment"),
    ("display ad", "home", "product page", "cart"), ("email open", "home", "cart", "payment"),
    ("paid search", "product page", "cart", "payment"), ("social post", "home", "search", "product page"),
)  # fmt: skip
CONTENDERS = (
    Contender(OURS, "touchline", ("store",), "funnel"),
    Contender(SQL, "duckdb", ("sorted_table",), "funnel"),
    Contender(PANDAS, "pandas", ("timed_frame",), "funnel"),
    Contender(POLARS, "polars", ("timed_frame",), "funnel"),
)
RULES: dict[str, dict[str, Any]] = {
    "four steps": {},
    "a window of its own and an exclusion": {"own": "@2d", "exclude": "blog@2-3"},
    "one step optional": {"optional": True},
    "strict": {"order": "strict"},
    "in any order": {"order": "unordered"},
    "by persona": {"by": ("persona",)},
}


def text_of(steps: tuple[str, ...], own: str = "", optional: bool = False) -> str:
    """The steps as the option writes them; the last may have a window of its own, the second may be optional."""
    return ",".join([steps[0], steps[1] + ("?" if optional else ""), *steps[2:-1], steps[-1] + own])


def asked(
    store: Any, steps: tuple[str, ...], days: int, own: str = "", optional: bool = False, **options: Any
) -> cx.Result:
    """One funnel."""
    return cx.run("funnel", store, steps=text_of(steps, own, optional), window=f"{days}d", **options)


def page(store: Any, steps: tuple[str, ...], days: int) -> None:
    """What the drop-off page asks: the funnel, where the lost went, the trend, the times, two breakdowns."""
    for name, by in (("funnel", ()), ("drop_out_next", ()), ("conversion_trend", ()), ("time_to_convert", ()),
                     ("funnel", ("persona",)), ("funnel", ("segment",))):  # fmt: skip
        cx.run(name, store, by=by, steps=text_of(steps), window=f"{days}d")


def apart(store: Any, steps: tuple[str, ...], days: int) -> None:
    """What sets those apart who were lost before the second step, of the funnel that the page has counted."""
    cx.run("drop_out_correlates", store, steps=text_of(steps), window=f"{days}d", step=2)


def condition_of(steps: tuple[str, ...], days: int) -> str:
    """Those who were lost before the third step, and touched no blog."""
    return f"all(tried=lost|3|steps={text_of(steps)}|window={days}d;not(touchpoint=blog))"


def segment(store: Any, steps: tuple[str, ...], days: int) -> None:
    """The flow page for a behavioural segment."""
    view = cx.View(members=(cx.Member("lost", condition_of(steps, days)),))
    cx.people(store, view)
    cx.run("flow_links", store, view, steps=4, top=7, times="mean")
    cx.run("variants", store, view, top=8)
    cx.run("transitions", store, view, times="mean")
    cx.run("rework", store, view)


def counted(store: Any, steps: tuple[str, ...], days: int) -> None:
    """How many customers such a segment has."""
    cx.people(store, cx.View(members=(cx.Member("", condition_of(steps, days)),)))


def timed(store: Any, work: Any, rounds: int, before: Any = None) -> float:
    """Median seconds; other steps or another window every round, the first round not counted. `before`: not timed."""
    found = []
    store.shelf.forget()  # other metrics asked of these steps before
    for place in range(rounds + 1):
        given = STEPS[place % len(STEPS)], DAYS - place // len(STEPS)
        if before is not None:
            before(*given)
        start = time.perf_counter()
        work(*given)
        found.append(time.perf_counter() - start)
    return statistics.median(found[1:])


def main() -> None:
    """Measure; state the goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="1M")
    parser.add_argument("--rounds", type=int, default=6)
    given = parser.parse_args()
    rows = number_of(given.rows)
    report = Report("funnel", rows, "Somebody edits the steps of a funnel: how long until its numbers?")
    store = prepared(rows)
    paths = store.paths | {"parquet": str(events(rows).parquet)}
    questions = [{"steps": list(steps), "days": days} for days in range(DAYS, DAYS - 6, -1) for steps in STEPS]
    assert len(questions) > MOST  # a shelf holds fewer
    found = compare(
        CONTENDERS, questions, paths, rounds=given.rounds, reference=CONTENDERS[1], peer_versions=report.versions
    )
    for one in found:
        if one.contender.peer == "touchline" and one.prepared_seconds is not None:
            one.prepared_seconds += store.seconds
    report.contest("Four steps, fourteen days", found, [OURS])
    report.goal("Polars against ours", ratio(found, POLARS, OURS), 10, at_most=False)
    report.goal("pandas against ours", ratio(found, PANDAS, OURS), 5, at_most=False)
    ours = median(found, OURS)
    report.goal("four steps, ms", ours and 1_000 * ours, 150)
    opened = store.open()
    lines = []
    for name, rules in RULES.items():
        seconds = timed(opened, lambda steps, days, rules=rules: asked(opened, steps, days, **rules), given.rounds)
        lines.append([name, 1_000 * seconds])
        if name == "a window of its own and an exclusion":
            report.goal("with a window of a step and an exclusion, ms", 1_000 * seconds, 1_000)
    seconds = timed(opened, lambda steps, days: page(opened, steps, days), given.rounds)
    lines.append(["everything the drop-off page asks", 1_000 * seconds])
    report.goal("the data of the drop-off page, ms", 1_000 * seconds, 1_000)
    seconds = timed(opened, lambda steps, days: apart(opened, steps, days), given.rounds, before=partial(asked, opened))
    lines.append(["and, where asked for, what sets those who were lost apart", 1_000 * seconds])
    seconds = timed(opened, lambda steps, days: segment(opened, steps, days), given.rounds)
    lines.append(["the flow page for a new behavioural segment", 1_000 * seconds])
    report.goal("the flow page for a new behavioural segment, ms", 1_000 * seconds, 1_000)
    seconds = timed(
        opened, lambda steps, days: segment(opened, steps, days), given.rounds, before=partial(counted, opened)
    )
    lines.append(["the flow page for one that was counted before", 1_000 * seconds])
    report.table("Ours, by rule", ["rule", "median ms"], lines)
    report.write()


if __name__ == "__main__":
    main()
