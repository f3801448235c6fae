"""How long from "the persona filter has changed" to the rows of the Sankey in a data frame?

    python -m benchmarks.persona_to_sankey --rows 10M

The persona changes with every question, so nothing is answered from memory. Eight steps, the ten largest touchpoints of each
step, drop-offs, journeys that continue beyond. Our side gives mean seconds of each move as well; the others only count.
Retentioneering gives touchpoints per step without moves and without folding: less work, so its time is in its favour.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Any

from benchmarks.generate import PERSONAS, events, number_of
from benchmarks.measuring import Contender, Measured, Report, compare
from benchmarks.stores import prepared

STEPS, TOP = 8, 10
OURS = {"steps": STEPS, "top": TOP, "times": "mean"}
THEIRS = {"steps": STEPS, "top": TOP}
CUBE, COLUMNS, WINDOWS = "ours by cube", "ours by columns", "ours by windows"
PANDAS, USUAL, REBUILT = "pandas on the fly", "pandas, as usually written", "retentioneering, rebuilt"


def ours(repeats: str) -> list[Contender]:
    """Our three routes."""
    asked = OURS | {"repeats": repeats}
    named = {CUBE: "cube", COLUMNS: "columns", WINDOWS: "windows"}
    return [Contender(n, "touchline", ("store",), "links", asked | {"route": route}) for n, route in named.items()]


def nodes_of_links(links: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Journeys per step and touchpoint, from moves."""
    found: dict[tuple[int, str], int] = {}
    for step, source, _target, _kind, n in links:
        found[step, source] = found.get((step, source), 0) + n
    return [[*key, n] for key, n in sorted(found.items())]


def folded(nodes: Sequence[Sequence[Any]], top: int) -> list[list[Any]]:
    """Journeys per step and touchpoint with the small ones as one group."""
    found: dict[tuple[int, str], int] = {}
    for step in {node[0] for node in nodes}:
        ranked = sorted((node for node in nodes if node[0] == step), key=lambda node: (-node[2], node[1]))
        for place, (_step, name, n) in enumerate(ranked):
            key = (step, name if place < top else "(other)")
            found[key] = found.get(key, 0) + n
    return [[*key, n] for key, n in sorted(found.items())]


def keeping() -> list[Contender]:
    """Repeats kept: everybody can do that."""
    asked = THEIRS | {"repeats": "keep"}
    steps = {"seen": partial(folded, top=TOP), "expected": nodes_of_links}
    stream = ("retentioneering", ("sorted_stream",))
    return [
        *ours("keep"),
        Contender("DuckDB by hand, cube", "duckdb", ("sorted_table", "cube"), "links_by_cube", asked),
        Contender("DuckDB by hand, columns", "duckdb", ("sorted_table",), "links_by_columns", asked),
        Contender("DuckDB by hand, windows", "duckdb", ("sorted_table",), "links_on_the_fly", asked),
        Contender(PANDAS, "pandas", ("sorted_frame",), "links_on_the_fly", asked),
        Contender(USUAL, "pandas", ("plain_frame",), "links_as_usually_written", asked),
        Contender("pandas, columns", "pandas", ("sorted_frame", "columns"), "links_by_columns", asked),
        Contender("Polars on the fly", "polars", ("sorted_frame",), "links_on_the_fly", asked),
        Contender("Polars, columns", "polars", ("sorted_frame", "columns"), "links_by_columns", asked),
        Contender(REBUILT, *stream, "links_by_rebuilding", asked, **steps),
        Contender("retentioneering, its filter", *stream, "links_by_its_filter", asked, **steps),
    ]


def merging() -> list[Contender]:
    """Repeats merged, as the page asks: equal neighbours are one step."""
    asked = THEIRS | {"repeats": "merge"}
    return [
        *ours("merge"),
        Contender("DuckDB by hand, windows", "duckdb", ("sorted_table",), "links_on_the_fly", asked),
        Contender(PANDAS, "pandas", ("sorted_frame",), "links_on_the_fly", asked),
        Contender(USUAL, "pandas", ("plain_frame",), "links_as_usually_written", asked),
        Contender("Polars on the fly", "polars", ("sorted_frame",), "links_on_the_fly", asked),
    ]


def median(found: Sequence[Measured], name: str) -> float | None:
    """The median seconds of one contender."""
    return next((one.median for one in found if one.name == name), None)


def ratio(found: Sequence[Measured], slow: str, fast: str) -> float | None:
    """How many times as long the one takes as the other."""
    a, b = median(found, slow), median(found, fast)
    return a / b if a is not None and b else None


def main() -> None:
    """Measure both definitions; state the goals."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", default="1M")
    asked.add_argument("--rounds", type=int, default=12)
    asked.add_argument("--ours-only", action="store_true", help="without peers, for sizes that they do not hold")
    given = asked.parse_args()
    rows = number_of(given.rows)
    report = Report("persona_to_sankey", rows, "A persona chosen: how long until the rows of the Sankey?")
    store = prepared(rows)
    paths = store.paths | {"parquet": str(events(rows).parquet)}
    questions = [{"persona": name} for name in PERSONAS]
    judge = Contender("the plain count", "duckdb", ("sorted_table",), "links_plainly")
    for title, contenders in (("Repeats kept", keeping()), ("Repeats merged", merging())):
        if given.ours_only:
            contenders = [c for c in contenders if c.peer == "touchline"]
        reference = Contender(judge.name, judge.peer, judge.prepare, judge.question,
                              THEIRS | {"repeats": contenders[0].options["repeats"]})  # fmt: skip
        found = compare(
            contenders, questions, paths, rounds=given.rounds, reference=reference, peer_versions=report.versions
        )
        for one in found:
            if one.contender.peer == "touchline" and one.prepared_seconds is not None:
                one.prepared_seconds += store.seconds
        report.contest(title, found, [CUBE, COLUMNS])
        cube, columns = median(found, CUBE), median(found, COLUMNS)
        report.goal(f"{title}: by cube, ms", cube and 1_000 * cube, 10)
        report.goal(f"{title}: by columns, ms", columns and 1_000 * columns, 60)
        for theirs in (PANDAS, USUAL):
            for mine in (CUBE, COLUMNS):
                report.goal(f"{title}: {theirs} against {mine}", ratio(found, theirs, mine), 100, at_most=False)
        if title == "Repeats kept":
            report.goal("retentioneering rebuilt against columns", ratio(found, REBUILT, COLUMNS), 300, at_most=False)
            report.goal("retentioneering rebuilt against cube", ratio(found, REBUILT, CUBE), 300, at_most=False)
    report.write()


if __name__ == "__main__":
    main()
