"""How long do the whole paths of all journeys take, from first to last touchpoint: the twenty most frequent and their counts?

    python -m benchmarks.variants --rows 10M

Our side also says how many of each reach the goal, their median time and the shares with intervals; the others only count.
"""

from __future__ import annotations

import argparse

from benchmarks.generate import events, number_of
from benchmarks.measuring import Contender, Report, compare
from benchmarks.persona_to_sankey import ratio
from benchmarks.stores import prepared

STORED, WINDOWS, PM4PY = "ours by stored paths", "ours by windows", "PM4Py get_variants"
OURS = {"repeats": "keep", "top": 20}
CONTENDERS = (
    Contender(STORED, "touchline", ("store",), "variants", OURS | {"route": "columns"}),
    Contender(WINDOWS, "touchline", ("store",), "variants", OURS | {"route": "windows"}),
    Contender("DuckDB by hand, stored paths", "duckdb", ("sorted_table", "paths"), "variants_by_path"),
    Contender("DuckDB by hand, on the fly", "duckdb", ("sorted_table",), "variants"),
    Contender("pandas, stored paths", "pandas", ("sorted_frame", "paths"), "variants_by_path"),
    Contender("pandas on the fly", "pandas", ("sorted_frame",), "variants"),
    Contender("Polars on the fly", "polars", ("sorted_frame",), "variants"),
    Contender(PM4PY, "pm4py", ("formatted_log",), "variants"),
    Contender("PM4Py get_variants on Polars", "pm4py", ("polars_log",), "variants_polars"),
)
JUDGE = Contender("DuckDB by hand, on the fly", "duckdb", ("sorted_table",), "variants")


def main() -> None:
    """Measure; state the goals."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", default="1M")
    asked.add_argument("--rounds", type=int, default=7)
    given = asked.parse_args()
    rows = number_of(given.rows)
    report = Report("variants", rows, "How long do the whole paths of all journeys take?")
    store = prepared(rows)
    paths = store.paths | {"parquet": str(events(rows).parquet)}
    found = compare(CONTENDERS, [{}], paths, rounds=given.rounds, reference=JUDGE, peer_versions=report.versions)
    for one in found:
        if one.contender.peer == "touchline" and one.prepared_seconds is not None:
            one.prepared_seconds += store.seconds
    report.contest("Whole paths, all journeys", found, [STORED, WINDOWS])
    report.goal("PM4Py against stored paths", ratio(found, PM4PY, STORED), 20, at_most=False)
    report.goal("PM4Py against windows", ratio(found, PM4PY, WINDOWS), 20, at_most=False)
    report.write()


if __name__ == "__main__":
    main()
