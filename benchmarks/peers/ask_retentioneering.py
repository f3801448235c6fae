"""Retentioneering: its event stream, its transition graph, its step Sankey. Its usage reports are switched off."""

from __future__ import annotations

import os

os.environ["RETENTIONEERING_NO_TRACK"] = "1"

import pandas as pd
import pyarrow.parquet as pq
from protocol import Peer
from retentioneering import Eventstream

peer = Peer("retentioneering", "pandas", "duckdb")
raw = pd.DataFrame()
stream: Eventstream | None = None
ROLES = {
    "path_cols": ["customer_id"],
    "event_col": "touchpoint",
    "timestamp_col": "occurred_at",
    "segment_cols": ["persona"],
}


@peer.preparation
def sorted_stream(parquet: str, **_paths: str) -> None:
    """Read, sort by customer, time and place in the file, build the stream; the frame stays for rebuilding."""
    global raw, stream
    wanted = ["customer_id", "occurred_at", "touchpoint", "persona", "sequence"]
    frame = pq.read_table(parquet, columns=wanted, read_dictionary=["touchpoint", "persona"]).to_pandas()
    frame = frame.sort_values(["customer_id", "occurred_at", "sequence"]).reset_index(drop=True)
    raw = frame[["customer_id", "occurred_at", "touchpoint", "persona"]]
    stream = Eventstream(raw, schema=ROLES)


def nodes(matrix: pd.DataFrame) -> list[list[object]]:
    """Shares per step and touchpoint → journeys there; its start and end are no touchpoints."""
    journeys = matrix.attrs["journeys"]
    found = []
    for name, shares in matrix.iterrows():
        if name in ("path_start", "path_end"):
            continue
        found += [
            [int(step), str(name), round(share * journeys)] for step, share in shares.items() if step and share > 0
        ]
    return sorted(found)


def with_journeys(matrix: pd.DataFrame, kept: Eventstream) -> pd.DataFrame:
    """The matrix; how many journeys its shares rest on is counted when it is asked for."""
    matrix.attrs["stream"] = kept
    return matrix


def nodes_of(matrix: pd.DataFrame) -> list[list[object]]:
    """Count the journeys, off the clock, and put shares in numbers."""
    kept = matrix.attrs.pop("stream")
    matrix.attrs["journeys"] = kept.df["customer_id"].nunique()
    return nodes(matrix)


@peer.question(nodes_of)
def links_by_rebuilding(persona: str, steps: int, top: int, repeats: str) -> pd.DataFrame:
    """Filter the frame, build a stream of it, ask for the data of the step Sankey."""
    kept = Eventstream(raw[raw["persona"] == persona], schema=ROLES)
    return with_journeys(kept.step_sankey_data(max_steps=steps), kept)


@peer.question(nodes_of)
def links_by_its_filter(persona: str, steps: int, top: int, repeats: str) -> pd.DataFrame:
    """Filter the stream itself, ask for the data of the step Sankey."""
    kept = stream.filter_events(keep={"persona": [persona]})
    return with_journeys(kept.step_sankey_data(max_steps=steps), kept)


def pairs(matrix: pd.DataFrame) -> list[list[object]]:
    """The cells that hold something, between touchpoints."""
    ends = ("path_start", "path_end")
    cells = matrix.stack()
    return sorted([str(a), str(b), int(n)] for (a, b), n in cells.items() if n and a not in ends and b not in ends)


@peer.question(pairs)
def directly_follows() -> pd.DataFrame:
    """Its transition graph, in counts."""
    return stream.transition_graph_data(edge_weight="count")


if __name__ == "__main__":
    peer.serve()
