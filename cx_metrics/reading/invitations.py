"""Who was asked, and how far that came → the table invitations: one invitation, or as many as a file counts together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.files import RawFile
from cx_metrics.reading.mapping import COUNTED, FileMapping
from cx_metrics.reading.numbers import read_numbers
from cx_metrics.reading.report import Report
from cx_metrics.reading.typed import Rowset, Typed, read_typed, table_schema
from cx_metrics.reading.words import invitation_status
from cx_metrics.tables import CUSTOMER_COLUMNS, INVITATION_STATUSES
from cx_metrics.texts import N_, Text

MOST_COUNTED = 10**12  # in one row: more is no count of invitations

_NOT_SENT = N_("The invitation was never sent.")
_UNKNOWN = N_("The status says none of: sent, bounced, opted out, started, completed.")
_NO_COUNT = N_("The count is missing or no whole number.")
_TOO_MANY = N_(
    "The counts do not fit each other: more bounced, opted out or began than were sent, or more finished than began."
)
_SPREAD = N_("The file counts invitations: each row became one row for each status that some of them reached at most.")


def read_invitations(raw: RawFile, mapping: FileMapping) -> Typed:
    """Who was invited, when, and how far did it come?

    One row per row of the file whose status is known, in the words of survey tools or in four languages; what was never sent is
    set aside. A file that counts (a row per round with sent, bounced, opted out, started, completed) becomes one row for each
    status, `stands_for` as many invitations as came that far and no further: sent 10, started 4, completed 3 are 6 sent, 1
    started, 3 completed. Counts that the file does not have are 0; without starts, those who completed are all who began.

    Raises:
        MappingProblem: the mapping does not fit the file.
    """
    report = Report(raw.name, "invitations")
    schema = table_schema(mapping, CUSTOMER_COLUMNS)
    if "status" in mapping.columns:
        return read_typed(raw, mapping, schema, _build, report)
    counts = [pa.field(_held(name), pa.int64()) for name in COUNTED]
    read = read_typed(raw, mapping, pa.schema([*schema, *counts]), _build_counts, report)
    report.assume(Text(_SPREAD))
    return Typed(schema, _spread(read.batches, schema), report)


def _build(rows: Rowset) -> Mapping[str, pa.Array]:
    written = rows.required("status", N_("The status is missing."))
    codes = pc.fill_null(written, "").dictionary_encode()
    meant = pa.array([invitation_status(word) for word in codes.dictionary.to_pylist()], pa.string()).take(
        codes.indices
    )
    rows.set_aside(pc.is_null(meant).to_numpy(zero_copy_only=False), "status", written, Text(_UNKNOWN))
    unsent = pc.fill_null(pc.equal(meant, "not_sent"), False).to_numpy(zero_copy_only=False)
    rows.set_aside(unsent, "status", written, Text(_NOT_SENT))
    return _shared(rows) | {"status": meant, "stands_for": pa.array(_whole(rows, "stands_for", 1))}


def _build_counts(rows: Rowset) -> Mapping[str, pa.Array]:
    found = {name: _whole(rows, name, 0) for name in COUNTED}
    if not rows.header("started"):
        found["started"] = found["completed"]
    left = found["sent"] - found["bounced"] - found["opted_out"] - found["started"]
    begun = found["started"] - found["completed"]
    rows.set_aside((left < 0) | (begun < 0), "sent", rows.text("sent"), Text(_TOO_MANY))
    exact = found | {"sent": left, "started": begun}
    nothing = {"status": pa.nulls(len(rows), pa.string()), "stands_for": pa.nulls(len(rows), pa.int64())}
    return _shared(rows) | nothing | {_held(name): pa.array(exact[name]) for name in COUNTED}


def _shared(rows: Rowset) -> dict[str, pa.Array]:
    texts = ("invitation_id", "customer_id", "wave", "channel", "touchpoint", *CUSTOMER_COLUMNS)
    return {name: rows.text(name) for name in texts} | {"sent_at": rows.times("sent_at")}


def _whole(rows: Rowset, name: str, absent: int) -> npt.NDArray[np.int64]:
    """A column of counts; rows in which it is none are set aside. `absent`: what a file without the column means."""
    if not rows.header(name):
        return np.full(len(rows), absent, np.int64)
    written = rows.text(name)
    values = read_numbers(written, rows.mapping.decimal_comma).values.to_numpy(zero_copy_only=False)
    good = np.nan_to_num(values, nan=-1.0)
    bad = (good < 0) | (good > MOST_COUNTED) | (good != np.floor(good))
    rows.set_aside(bad, name, written, Text(_NO_COUNT))
    return np.where(bad, 0, good).astype(np.int64)


def _held(name: str) -> str:
    """Where a count stands until it has a row of its own."""
    return f"{name} in all"


def _spread(batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """One row for each status that some invitations of a row have."""
    for batch in batches:
        counts = np.stack([batch[_held(name)].to_numpy(zero_copy_only=False) for name in INVITATION_STATUSES], axis=1)
        rows, places = np.nonzero(counts)
        repeated = batch.select(schema.names).take(pa.array(rows))
        made = {
            "status": pa.array(np.array(INVITATION_STATUSES, dtype=object)[places], pa.string()),
            "stands_for": pa.array(counts[rows, places], pa.int64()),
        }
        columns = [made.get(name, repeated[name]) for name in schema.names]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
