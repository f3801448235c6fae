"""How long does the dictionary take to be read, and to place 100,000 distinct touchpoint names?

    python -m benchmarks.dictionary [names]

The names are those of tests/reading/touchpoint_names.txt and of the dictionary, with ids and words behind them as exports
have them, so that few are known as a whole. Prints seconds; the median of three rounds.
"""

from __future__ import annotations

import statistics
import sys
import time
from itertools import count, islice
from pathlib import Path

from cx_metrics.reading.dictionary import entries, look_up
from cx_metrics.reading.dictionary_index import index

ROUNDS = 3
LABELLED = Path(__file__).parents[1] / "tests/reading/touchpoint_names.txt"


def names(number: int) -> list[str]:
    """So many distinct names."""
    lines = [line for line in LABELLED.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    shown = (line.split("|", 1)[1].rsplit("|", 3)[0] for line in lines)
    known = dict.fromkeys([*shown, *(name for entry in entries() for name in entry.names)])
    endings = (f" {word}{i}" for i in count() for word in ("", "order ", "ref_x", "campaign spring "))
    return list(dict.fromkeys(islice((name + ending for ending in endings for name in known), 2 * number)))[:number]


def main() -> None:
    """Measure and print."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    wanted = names(number)
    assert len(set(wanted)) == number
    building, looking = [], []
    for _round in range(ROUNDS):
        entries.cache_clear()
        index.cache_clear()
        start = time.perf_counter()
        index()
        building.append(time.perf_counter() - start)
        start = time.perf_counter()
        mapped = sum(look_up(name) is not None for name in wanted)
        looking.append(time.perf_counter() - start)
    read, placed = statistics.median(building), statistics.median(looking)
    print(f"dictionary read in {read:.2f} s; {number:,} names in {placed:.2f} s, {mapped:,} mapped")


if __name__ == "__main__":
    main()
