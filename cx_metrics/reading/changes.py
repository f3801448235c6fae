"""A list of releases and campaigns → the table changes: one dated change."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.files import RawFile
from cx_metrics.reading.mapping import FileMapping
from cx_metrics.reading.report import Report
from cx_metrics.reading.touchpoints import file_stage
from cx_metrics.reading.typed import Rowset, Typed, read_typed, table_schema
from cx_metrics.texts import N_, Text


def read_changes(raw: RawFile, mapping: FileMapping) -> Typed:
    """What was changed, and when?

    One row per row of the file that has a readable date and a title.

    Raises:
        MappingProblem: the mapping does not fit the file.
    """
    return read_typed(raw, mapping, table_schema(mapping), _build, Report(raw.name, "changes"))


def _build(rows: Rowset) -> Mapping[str, pa.Array]:
    dates = rows.text("changed_at")
    blank = pc.is_null(dates).to_numpy(zero_copy_only=False)
    rows.set_aside(blank, "changed_at", dates, Text(N_("The date is missing.")))
    return {
        "changed_at": rows.times("changed_at"),
        "title": rows.required("title", N_("The title is missing.")),
        "touchpoint": rows.text("touchpoint"),
        "channel": rows.text("channel"),
        "stage": file_stage(rows.text("stage")),
        "note": rows.text("note"),
    }
