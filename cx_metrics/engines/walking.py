"""The path columns and the calendar in one walk over sorted touchpoints, for an engine that hands them out in order.

The same columns as `prepared.touchpoints` defines by windows; a walk needs neither a sort for each window nor a join back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cx_metrics.engines.prepared import SESSION_GAP_SECONDS, Shift
from cx_metrics.engines.room import give_back

ROWS_AT_ONCE = 65_536  # held several times over while they are walked; more are not faster
PATH = pa.schema(
    [
        ("step", pa.int64()), ("next_touchpoint", pa.string()), ("visit", pa.int64()), ("pair_visit", pa.int64()),
        ("run", pa.int64()), ("run_ends", pa.int64()),
        ("previous_microseconds", pa.int64()), ("session_number", pa.int64()), ("journey_start", pa.timestamp("us")),
        ("seconds_to_next", pa.float64()), ("run_seconds", pa.float64()),
        ("day", pa.date32()), ("week", pa.date32()), ("month", pa.date32()),
    ]
)  # fmt: skip

Numbers = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]


def walked_schema(schema: pa.Schema) -> pa.Schema:
    """The columns of sorted touchpoints, then those of `PATH`; names may come as codes."""
    for column in PATH:
        kind = schema.field("touchpoint").type if column.name == "next_touchpoint" else column.type
        schema = schema.append(pa.field(column.name, kind))
    return schema


def walk(batches: Iterable[pa.RecordBatch], schema: pa.Schema, shifts: Sequence[Shift]) -> Iterator[pa.RecordBatch]:
    """Add the path columns to touchpoints that come sorted by (customer_number, occurred_at, sequence), unknown times last, with
    the number of their name.

    Holds about `ROWS_AT_ONCE` rows in memory, or all rows of one customer who has more.
    """
    waiting: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows < ROWS_AT_ONCE:
            continue
        t = pa.Table.from_batches(waiting, schema)
        whole = _rows_of_whole_customers(t)
        if whole:
            yield from _with_path(t.slice(0, whole), shifts)
        waiting, rows = t.slice(whole).to_batches(), t.num_rows - whole
        give_back()
    if rows:
        yield from _with_path(pa.Table.from_batches(waiting, schema), shifts)


def _rows_of_whole_customers(t: pa.Table) -> int:
    """How many rows stand before the last customer, whose rows may go on?"""
    customer = t["customer_number"].to_numpy()
    return int(np.searchsorted(customer, customer[-1]))


def _with_path(t: pa.Table, shifts: Sequence[Shift]) -> list[pa.RecordBatch]:
    t = t.unify_dictionaries().combine_chunks()
    names = t["touchpoint"].chunk(0)
    first = _differs(t["customer_number"].to_numpy())
    last = np.append(first[1:], True)
    number = t["touchpoint_number"].to_numpy()
    begins = first | _differs(number)
    following = np.where(last, 0, np.append(number[1:], 0))
    at = t["occurred_microseconds"].fill_null(0).to_numpy()
    known = t["occurred_microseconds"].is_valid().to_numpy()
    start = np.flatnonzero(first)[np.cumsum(first) - 1]  # where the journey begins that a row stands in
    ends = np.flatnonzero(np.append(begins[1:], True))  # the last touchpoint of each run
    gap, gap_known = _elapsed(at, known, last)
    run_gap, run_gap_known = _elapsed(at[ends], known[ends], last[ends])
    new_session = np.append(False, (gap > SESSION_GAP_SECONDS * 1_000_000) & gap_known)[:-1]
    run_ends, run_seconds, run_timed = np.zeros(len(t), np.int64), np.zeros(len(t)), np.zeros(len(t), bool)
    run_ends[ends], run_seconds[ends], run_timed[ends] = 1, run_gap / 1e6, run_gap_known
    before = np.append(0, at[:-1]), np.append(False, known[:-1]) & ~first
    path = {
        "step": pa.array(np.arange(len(t)) - start + 1),
        "next_touchpoint": names.take(pa.array(np.arange(1, len(t) + 1), mask=last)),
        "visit": pa.array(_nth(start, number)),
        "pair_visit": pa.array(_nth(start, number, following)),
        "run": pa.array(_counted(begins, start)),
        "run_ends": pa.array(run_ends),
        "previous_microseconds": pa.array(before[0], mask=~before[1]),
        "session_number": pa.array(_counted(new_session, start)),
        "journey_start": pa.array(at[start], pa.timestamp("us"), mask=~known[start]),
        "seconds_to_next": pa.array(gap / 1e6, mask=~gap_known),
        "run_seconds": pa.array(run_seconds, mask=~run_timed),
    } | _calendar(at, known, shifts)
    for name in PATH.names:
        t = t.append_column(name, path[name])
    return list(t.to_batches(65_536))


def _nth(*keys: Numbers) -> Numbers:
    """The how-manieth row with the same keys each row is, from 1."""
    order = np.lexsort(keys[::-1])
    new = np.logical_or.reduce([_differs(key[order]) for key in keys])
    places = np.arange(len(order))
    found = np.empty(len(order), np.int64)
    found[order] = places - np.flatnonzero(new)[np.cumsum(new) - 1] + 1
    return found


def _differs(values: npt.NDArray[np.generic]) -> Marks:
    """Where a value is not the one before; the first one is not."""
    return np.append(True, values[1:] != values[:-1])


def _elapsed(at: Numbers, known: Marks, last: Marks) -> tuple[Numbers, Marks]:
    """Microseconds to the next row of the same journey, and where they are known."""
    return np.append(at[1:] - at[:-1], 0), known & np.append(known[1:], False) & ~last


def _calendar(at: Numbers, known: Marks, shifts: Sequence[Shift]) -> dict[str, pa.Array]:
    """Day, week from Monday and month of local time."""
    ahead = np.array([shift.seconds for shift in shifts] or [0], np.int64)
    since = np.array([shift.from_microseconds for shift in shifts[1:]], np.int64)
    day = (at // 1_000_000 + ahead[np.searchsorted(since, at, side="right")]) // 86_400
    week = day - (day + 3) % 7  # 1 January 1970 was a Thursday
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    dates = {"day": day, "week": week, "month": month}
    return {name: pa.array(days.astype(np.int32), pa.date32(), mask=~known) for name, days in dates.items()}


def _counted(marks: Marks, start: Numbers) -> Numbers:
    """How many marks stand in a journey up to each row, from 1 at its beginning."""
    so_far: Numbers = np.cumsum(marks, dtype=np.int64)
    counted: Numbers = so_far - so_far[start] + 1
    return counted
