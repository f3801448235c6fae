"""The rows of a file as columns of text, batch by batch: plain blocks of lines the quick way, all others record by record."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.blocks import Source
from cx_metrics.reading.broken import DAMAGED, why_broken
from cx_metrics.reading.files import RawFile, is_damaged, skip_mark
from cx_metrics.reading.records import LONG_CELL, MAX_CELL, first_record, plain_columns, records
from cx_metrics.reading.report import RowProblem, Rows, shorten
from cx_metrics.reading.scan import CONTROL, open_bytes, readable
from cx_metrics.texts import N_, Text

FIRST_BLOCK = 256 * 1024  # bytes read for who wants the first rows alone
BLOCK = 4 * 1024**2  # bytes parsed at once: with larger ones processors wait for memory
BATCH = 64 * 1024**2  # bytes of one batch

Read = tuple[pa.RecordBatch, Rows, int]  # columns, row numbers, the number of the row after them


def read_batches(
    raw: RawFile, rows_a_batch: int = 65_536, bytes_a_batch: int | None = None
) -> Iterator[tuple[pa.RecordBatch, Rows, list[RowProblem]]]:
    """The rows of the file, all columns as text, with the row numbers of the file and the rows that are no rows.

    The header is row 1; a record with quoted line breaks is one row. Streaming: a batch has about `rows_a_batch` rows,
    fewer where rows are wide (`bytes_a_batch`). Every record is in exactly one place: in a batch, or in the list of
    problems beside it.
    """
    with readable(raw.name), _source(raw) as source:
        row = first_record(source.lines(), raw.delimiter)[0] + 1
        chunks: list[pa.RecordBatch] = []
        numbers: list[Rows] = []
        problems: list[RowProblem] = []
        size = 0
        while block := source.block():
            source.size = min(2 * source.size, BLOCK)
            chunk, rows, row = _plain(block, raw, row, problems) or _one_by_one(block, source, raw, row, problems)
            chunks.append(chunk)
            numbers.append(rows)
            size += chunk.nbytes
            if sum(map(len, numbers)) + len(problems) >= rows_a_batch or size >= (bytes_a_batch or BATCH):
                yield pa.concat_batches(chunks), np.concatenate(numbers), problems
                chunks, numbers, problems, size = [], [], [], 0
        if chunks:
            yield pa.concat_batches(chunks), np.concatenate(numbers), problems


@contextmanager
def _source(raw: RawFile) -> Iterator[Source]:
    """The text of the file from its header on. What is no character of another encoding than UTF-8 must not make one there."""
    with open_bytes(raw.path, raw.compressed) as file:
        skip_mark(file, raw.encoding)
        source = Source(raw, file, raw.encoding, "surrogateescape" if raw.encoding == "utf-8" else "surrogatepass")
        source.size = min(FIRST_BLOCK, BLOCK)
        if raw.delimiter_line:
            next(source.lines(), None)
        yield source


def _plain(block: bytes, raw: RawFile, row: int, problems: list[RowProblem]) -> Read | None:
    """The records of a block that can be read the quick way; None for another."""
    if raw.damaged_lines and any(sign in block for sign in CONTROL):
        return None
    found = plain_columns(block, raw.delimiter, raw.header)
    if found is None:
        return None
    return *_without_long_cells(found.batch, row + found.places, problems), row + found.lines


def _one_by_one(block: bytes, source: Source, raw: RawFile, row: int, problems: list[RowProblem]) -> Read:
    """The records that begin in any block; takes further lines where one goes on."""
    width = len(raw.header)
    ragged = Text(N_("The number of cells is not that of the header ({expected})."), {"expected": width})
    kept: list[list[str]] = []
    found: list[int] = []
    lines = io.StringIO(source.text(block), newline="").readlines()
    for number, cells, broken in records(lines, raw.delimiter, row, source.lines()):
        row = number + 1
        if not cells:
            continue
        if raw.damaged_lines and (marked := why_broken(cells[0])):
            problems.append(RowProblem(number, None, shorten(marked[0]), marked[1]))
            continue
        if broken is None and len(cells) != width:
            broken = ragged
        elif broken is None and raw.damaged_lines and is_damaged(cells):
            broken = DAMAGED
        if broken is None:
            kept.append(cells)
            found.append(number)
        else:
            problems.append(RowProblem(number, None, shorten(raw.delimiter.join(cells)), broken))
    columns = list(zip(*kept, strict=True)) or [()] * width
    arrays = [pa.array(column, pa.string()) for column in columns]
    batch = pa.RecordBatch.from_arrays(arrays, names=list(raw.header))
    return *_without_long_cells(batch, np.array(found, np.int64), problems), row


def _without_long_cells(batch: pa.RecordBatch, rows: Rows, problems: list[RowProblem]) -> tuple[pa.RecordBatch, Rows]:
    keep = np.ones(len(rows), bool)
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        lengths = pc.binary_length(column)
        if (pc.max(lengths).as_py() or 0) > MAX_CELL:
            for place in np.flatnonzero(lengths.to_numpy(zero_copy_only=False) > MAX_CELL):
                if keep[place]:
                    keep[place] = False
                    problems.append(RowProblem(int(rows[place]), name, shorten(column[int(place)]), LONG_CELL))
    return (batch, rows) if keep.all() else (batch.filter(pa.array(keep)), rows[keep])
