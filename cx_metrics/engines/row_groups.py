"""Rows in the portions in which DuckDB keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa

ROW_GROUP = 122_880  # rows; portions of another size are taken apart and put together again, which takes as long as storing them


def in_row_groups(batches: Iterable[pa.RecordBatch], rows: int = ROW_GROUP) -> Iterator[pa.RecordBatch]:
    """The same rows in the same order, in batches of `rows` rows but for the last one."""
    waiting: list[pa.RecordBatch] = []
    held = 0
    for batch in batches:
        while held + batch.num_rows >= rows:
            waiting.append(batch.slice(0, rows - held))
            yield pa.concat_batches(waiting)
            batch, waiting, held = batch.slice(waiting[-1].num_rows), [], 0
        if batch.num_rows:
            waiting.append(batch)
            held += batch.num_rows
    if waiting:
        yield pa.concat_batches(waiting)
