"""What an engine is given to prepare, and what it says about it afterwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pandas as pd
import pyarrow as pa

from cx_metrics.view import Facts

UPLOAD = "upload_number"  # which upload a row came with; no column of a dataset
ORDER = "upload_order"  # the number that its file gave it, if that numbers its rows; likewise


def with_upload(schema: pa.Schema) -> pa.Schema:
    """The schema of batches that came with several uploads."""
    return schema.append(pa.field(UPLOAD, pa.int32())).append(pa.field(ORDER, pa.int64()))


@dataclass(frozen=True)
class Incoming:
    """One typed table on its way into the store: a schema and its batches.

    `ordered` says that its file numbers its rows: then rows that look alike are not duplicates, their numbers differ. Where
    there is a `key`, batches have the columns of `with_upload`: of rows that agree in the key and are not null in it, those
    of the newest upload count.
    """

    schema: pa.Schema
    batches: Iterable[pa.RecordBatch]
    ordered: bool = False
    key: tuple[str, ...] = ()


def lent_rows(frame: pd.DataFrame) -> pa.Table:
    """A frame that is lent to queries, as rows. A column in which nothing is known holds texts: engines have no type for none."""
    rows = pa.Table.from_pandas(frame, preserve_index=False)
    return rows.cast(pa.schema([f.with_type(pa.string()) if pa.types.is_null(f.type) else f for f in rows.schema]))


@dataclass(frozen=True)
class Built:
    """What preparing found: rows per table, exact duplicates removed, customers with more than one persona, segment or region
    in their rows, the facts of the dataset, how often each touchpoint occurs, rows per table that a newer upload replaced."""

    rows: dict[str, int]
    duplicates: int
    conflicts: int
    facts: Facts
    touchpoints: dict[str, int] = field(default_factory=dict)
    replaced: dict[str, int] = field(default_factory=dict)
