"""PM4Py, in a process and an environment of its own: nothing of ours imports it."""

from __future__ import annotations

import pandas as pd
import pm4py
import polars as pl
import pyarrow.parquet as pq
from pm4py.algo.discovery.dfg.adapters.pandas.df_statistics import get_dfg_graph
from protocol import Peer, ranked

peer = Peer("pm4py", "pandas", "polars")
log = pd.DataFrame()
lazy: pl.LazyFrame | None = None
CASE, ACTIVITY, TIME = "case:concept:name", "concept:name", "time:timestamp"
NAMED = {"customer_id": CASE, "touchpoint": ACTIVITY, "occurred_at": TIME}


@peer.preparation
def formatted_log(parquet: str, **_paths: str) -> None:
    """Read, sort by customer, time and place in the file, and let PM4Py format the log."""
    global log
    frame = pq.read_table(parquet, columns=["customer_id", "touchpoint", "occurred_at", "sequence"]).to_pandas()
    frame = frame.sort_values(["customer_id", "occurred_at", "sequence"]).drop(columns="sequence")
    frame = frame.rename(columns=NAMED).astype({CASE: "str", ACTIVITY: "str"})
    log = pm4py.format_dataframe(frame, case_id=CASE, activity_key=ACTIVITY, timestamp_key=TIME)


@peer.preparation
def polars_log(parquet: str, **_paths: str) -> None:
    """The same as a Polars frame, which PM4Py takes too.

    It sorts such a frame by time without keeping the order of equal times, so those are told apart by microseconds here.
    """
    global lazy
    place = pl.int_range(pl.len()).over("customer_id", "occurred_at")
    lazy = (
        pl.scan_parquet(parquet)
        .select("customer_id", "touchpoint", "occurred_at", "sequence")
        .sort("customer_id", "occurred_at", "sequence")
        .with_columns(occurred_at=pl.col("occurred_at") + pl.duration(microseconds=place))
        .drop("sequence")
        .rename(NAMED)
        .with_columns(pl.col(CASE, ACTIVITY).cast(pl.String))
        .collect()
        .lazy()
    )


def pairs(found: dict[tuple[str, str], int]) -> list[list[object]]:
    """The pairs in order."""
    return sorted([a, b, int(n)] for (a, b), n in found.items())


@peer.question(pairs)
def directly_follows() -> dict[tuple[str, str], int]:
    """`discover_dfg`, as its manual shows it."""
    return pm4py.discover_dfg(log)[0]


@peer.question(pairs)
def directly_follows_sorted() -> dict[tuple[str, str], int]:
    """The function below it, told that the log is sorted already."""
    return get_dfg_graph(
        log, activity_key=ACTIVITY, case_id_glue=CASE, timestamp_key=TIME,
        sort_caseid_required=False, sort_timestamp_along_case_id=False,
    )  # fmt: skip


@peer.question(pairs)
def directly_follows_polars() -> dict[tuple[str, str], int]:
    """`discover_dfg` on a Polars frame."""
    return pm4py.discover_dfg(lazy)[0]


@peer.question(lambda found: ranked(found, 20))
def variants() -> dict[tuple[str, ...], int]:
    """`get_variants`: every whole path with its count."""
    return pm4py.get_variants(log)


@peer.question(lambda found: ranked(found, 20))
def variants_polars() -> dict[tuple[str, ...], int]:
    """`get_variants` on a Polars frame."""
    return pm4py.get_variants(lazy)


if __name__ == "__main__":
    peer.serve()
