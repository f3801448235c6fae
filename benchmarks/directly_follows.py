"""How long does the directly-follows table of all journeys take: which touchpoint follows which, how often?

    python -m benchmarks.directly_follows --rows 10M

Our side also counts the journeys of each pair and gives its mean time, in one line its median too; the others only count pairs.
PM4Py is asked in three ways: as its manual shows it, its function below that told that the log is sorted, and on a Polars frame.
"""

from __future__ import annotations

import argparse

from benchmarks.generate import events, number_of
from benchmarks.measuring import Contender, Report, compare
from benchmarks.persona_to_sankey import median, ratio
from benchmarks.stores import prepared

CUBE, COLUMNS = "ours by cube", "ours by columns"
PM4PY = "PM4Py discover_dfg"
OURS = {"repeats": "keep", "times": "mean"}
CONTENDERS = (
    Contender(CUBE, "touchline", ("store",), "directly_follows", OURS | {"route": "cube"}),
    Contender(COLUMNS, "touchline", ("store",), "directly_follows", OURS | {"route": "columns"}),
    Contender("ours by columns, with medians", "touchline", ("store",), "directly_follows",
              OURS | {"route": "columns", "times": "median"}),
    Contender("ours by windows", "touchline", ("store",), "directly_follows", OURS | {"route": "windows"}),
    Contender("DuckDB by hand, columns", "duckdb", ("sorted_table",), "directly_follows_by_columns"),
    Contender("DuckDB by hand, windows", "duckdb", ("sorted_table",), "directly_follows"),
    Contender("pandas on the fly", "pandas", ("sorted_frame",), "directly_follows"),
    Contender("pandas, columns", "pandas", ("sorted_frame", "columns"), "directly_follows_by_columns"),
    Contender("Polars on the fly", "polars", ("sorted_frame",), "directly_follows"),
    Contender("Polars, columns", "polars", ("sorted_frame", "columns"), "directly_follows_by_columns"),
    Contender("retentioneering", "retentioneering", ("sorted_stream",), "directly_follows"),
    Contender(PM4PY, "pm4py", ("formatted_log",), "directly_follows"),
    Contender("PM4Py get_dfg_graph, told it is sorted", "pm4py", ("formatted_log",), "directly_follows_sorted"),
    Contender("PM4Py discover_dfg on Polars", "pm4py", ("polars_log",), "directly_follows_polars"),
)  # fmt: skip
JUDGE = Contender("DuckDB by hand, windows", "duckdb", ("sorted_table",), "directly_follows")


def main() -> None:
    """Measure; state the goals."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", default="1M")
    asked.add_argument("--rounds", type=int, default=7)
    given = asked.parse_args()
    rows = number_of(given.rows)
    report = Report("directly_follows", rows, "How long does the directly-follows table of all journeys take?")
    store = prepared(rows)
    paths = store.paths | {"parquet": str(events(rows).parquet)}
    found = compare(CONTENDERS, [{}], paths, rounds=given.rounds, reference=JUDGE, peer_versions=report.versions)
    for one in found:
        if one.contender.peer == "touchline" and one.prepared_seconds is not None:
            one.prepared_seconds += store.seconds
    report.contest("Directly-follows, all journeys", found, [CUBE, COLUMNS])
    for ours in (CUBE, COLUMNS):
        report.goal(f"PM4Py against {ours}", ratio(found, PM4PY, ours), 100, at_most=False)
    best = min((m for one in found if one.contender.peer == "pm4py" and (m := one.median)), default=None)
    for ours in (CUBE, COLUMNS):
        mine = median(found, ours)
        report.goal(f"the fastest of PM4Py against {ours}", best / mine if best and mine else None, 100, at_most=False)
    report.write()


if __name__ == "__main__":
    main()
