"""How long does it take from a CSV to a prepared store, and how does that grow with the rows?

    python -m benchmarks.prepare --rows 10M [--fifty]

Ours: the importer of the Data page (read, report, drop duplicates, sort, steps, sessions, cubes, publish). Against the least
that anybody could do: DuckDB copying the CSV to Parquet, two threads and 2 GB like ours, knowing nothing about journeys
afterwards. Every import is a process of its own; the last one stays as the store that the other benchmarks open.
"""

from __future__ import annotations

import argparse
import math
import statistics
from pathlib import Path
from typing import Any

from benchmarks.generate import events, folder, number_of, short
from benchmarks.measuring import Report
from benchmarks.peers import Peer
from benchmarks.stores import Prepared, renewed

SMALL, FIFTY = 1_000_000, 50_000_000
LONG_SECONDS = 100  # an import that takes longer is measured once
HEAD = ("rows", "ours s", "bare copy s", "ratio", "ours M rows/s", "ours peak MiB", "copy peak MiB", "CSV MiB", "store MiB",
        "rounds")  # fmt: skip
ROUNDS = {1_000_000: 3, 10_000_000: 2}


def bare_copy(csv: Path) -> tuple[float, float]:
    """Seconds and peak memory of a bare copy to Parquet."""
    into = folder() / "bare_copy.parquet"
    with Peer("duckdb") as peer:
        seconds = peer.prepare("copy_csv", {"csv": str(csv), "into": str(into)})
        peak = peer.peak_mib()
    into.unlink()
    return seconds, peak


def measure(rows: int, rounds: int) -> tuple[list[Prepared], list[tuple[float, float]]]:
    """Imports and bare copies, in turn."""
    csv = events(rows).csv
    ours, bare = [], []
    for _round in range(rounds):
        bare.append(bare_copy(csv))
        ours.append(renewed(rows))
        if ours[-1].seconds > LONG_SECONDS:
            break
    return ours, bare


def main() -> None:
    """Measure each size; state the goals."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", default="1M")
    asked.add_argument("--fifty", action="store_true", help="also 50M rows: half an hour and 10 GB of disk")
    given = asked.parse_args()
    rows = number_of(given.rows)
    report = Report("prepare", rows, "How long does it take from a CSV to a prepared store?")
    took: dict[int, float] = {}
    table: list[list[Any]] = []
    for size in sorted({min(SMALL, rows), rows} | ({FIFTY} if given.fifty else set())):
        ours, bare = measure(size, ROUNDS.get(size, 1 if size > SMALL else 3))
        took[size] = statistics.median(one.seconds for one in ours)
        copied = statistics.median(seconds for seconds, _peak in bare)
        memory = [max(one.peak_mib for one in ours), max(peak for _seconds, peak in bare)]
        table.append([
            short(size), took[size], copied, took[size] / copied, size / took[size] / 1e6, *memory,
            events(size).csv.stat().st_size / 2**20, ours[-1].size_mib, len(ours),
        ])  # fmt: skip
        report.goal(f"{short(size)}: prepare against a bare copy", took[size] / copied, 3)
    report.table("From CSV to a prepared store", HEAD, table)
    sizes = sorted(took)
    for small, large in zip(sizes, sizes[1:], strict=False):
        exponent = math.log(took[large] / took[small]) / math.log(large / small)
        report.goal(f"exponent of growth {short(small)} → {short(large)}", exponent, 1.05)
    if len(sizes) > 2:
        exponent = math.log(took[sizes[-1]] / took[sizes[0]]) / math.log(sizes[-1] / sizes[0])
        report.goal(f"exponent of growth {short(sizes[0])} → {short(sizes[-1])}", exponent, 1.05)
    report.write()


if __name__ == "__main__":
    main()
