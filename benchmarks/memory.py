"""How much memory does a process need that answers "persona changed → Sankey", and nothing else?

    python -m benchmarks.memory --rows 10M

Each contender is a fresh process that gets ready and answers for every persona, twice. The peak of its resident memory
counts, in all and while it answers. pandas has two ways: it sorts the frame itself, or it reads a file that was sorted before
(as our store was).
"""

from __future__ import annotations

import argparse
from typing import Any

from benchmarks.generate import PERSONAS, events, number_of
from benchmarks.measuring import Contender, Report
from benchmarks.peers import Peer, PeerProblem
from benchmarks.persona_to_sankey import OURS, THEIRS
from benchmarks.stores import prepared

KEEP = {"repeats": "keep"}
PANDAS = "pandas on the fly"
CONTENDERS = (
    Contender("ours by cube", "touchline", ("store",), "links", OURS | KEEP | {"route": "cube"}),
    Contender("ours by columns", "touchline", ("store",), "links", OURS | KEEP | {"route": "columns"}),
    Contender("ours by windows", "touchline", ("store",), "links", OURS | KEEP | {"route": "windows"}),
    Contender("DuckDB by hand, columns", "duckdb", ("sorted_table",), "links_by_columns", THEIRS | KEEP),
    Contender(PANDAS, "pandas", ("sorted_frame",), "links_on_the_fly", THEIRS | KEEP),
    Contender("pandas, sorted file", "pandas", ("sorted_file",), "links_on_the_fly", THEIRS | KEEP),
    Contender("Polars on the fly", "polars", ("sorted_frame",), "links_on_the_fly", THEIRS | KEEP),
    Contender("retentioneering, rebuilt", "retentioneering", ("sorted_stream",), "links_by_rebuilding", THEIRS | KEEP),
)


def peaks(one: Contender, paths: dict[str, str]) -> list[float]:
    """MiB of a fresh process: at rest, at most in all, at most while answering."""
    with Peer(one.peer) as peer:
        at_rest = peer.peak_mib()
        for what in one.prepare:
            peer.prepare(what, paths)
        ready = peer.peak_mib()
        peer.forget_peak()
        for persona in PERSONAS * 2:
            peer.ask(one.question, {**one.options, "persona": persona})
        answering = peer.peak_mib()
    return [at_rest, max(ready, answering), answering]


def main() -> None:
    """Measure one after the other; state the goal."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", default="1M")
    given = asked.parse_args()
    rows = number_of(given.rows)
    report = Report("memory", rows, "How much memory does the persona → Sankey question need?")
    store = prepared(rows)
    paths = store.paths | {"parquet": str(events(rows).parquet)}
    with Peer("duckdb") as peer:
        peer.prepare("sorted_parquet", paths)
    found: dict[str, list[float]] = {}
    table: list[list[Any]] = []
    for one in CONTENDERS:
        try:
            found[one.name] = peaks(one, paths)
            table.append([one.name, *found[one.name]])
        except PeerProblem as problem:
            table.append([one.name, str(problem), None, None])
    for row in table:
        row.append(row[2] / found[PANDAS][1] if row[0] in found and PANDAS in found else None)
    head = ["", "at rest MiB", "peak MiB", "peak while answering MiB", "peak × pandas"]
    report.table("Resident memory of one process", head, table)
    for name in ("ours by cube", "ours by columns", "ours by windows"):
        for against in (PANDAS, "pandas, sorted file"):
            both = name in found and against in found
            report.goal(
                f"peak of {name} against {against}", found[name][1] / found[against][1] if both else None, 1 / 3
            )
    report.note(f"Our import, once, in a process of its own: {store.peak_mib:,.0f} MiB at most.")
    report.write()


if __name__ == "__main__":
    main()
