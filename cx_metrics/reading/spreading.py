"""Rows of a file → the records it means: some rows are left out, a row of a wide file becomes several records.

Stands between the text columns of a file and the typed ones. Records keep the row number of the file and know the column they
come from, so that a problem still names row and column.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.mapping import FileMapping
from cx_metrics.reading.report import KEPT_ROWS, Mask, Report, RowProblem, Rows, shorten
from cx_metrics.reading.shapes import Spread, SpreadColumn, period
from cx_metrics.reading.words import fold, folded, not_chosen
from cx_metrics.texts import N_, Text

RECORDS = 65_536  # made at once
MARK = "\t"  # begins the names of columns that are made; no header can hold it

Places = npt.NDArray[np.int64]
LEFT_OUT = N_('left out: "{column}" is "{left_out}"')
LEFT_OUT_BLANK = N_('left out: "{column}" is blank')


@dataclass(frozen=True)
class Records:
    """Some records of a file: their columns, the row of the file of each, and the place in the spread of the column it comes
    from (None where a row is a record)."""

    batch: pa.RecordBatch
    rows: Rows
    places: Places | None = None


def effective(mapping: FileMapping) -> FileMapping:
    """The mapping of the records: the columns that spreading makes stand under their made names."""
    if mapping.spread is None:
        return mapping
    made = {name: MARK + name for name in _made(mapping.spread)}
    time_format = "iso" if mapping.spread.kind == "costs_by_period" else mapping.time_format
    return replace(mapping, columns={**mapping.columns, **made}, time_format=time_format)


def made_from(header: str | None, mapping: FileMapping, place: int | None) -> str | None:
    """The column of the file behind a column of the records."""
    if header is None or not header.startswith(MARK) or mapping.spread is None or place is None:
        return header
    return mapping.spread.columns[place].column


def records(batch: pa.RecordBatch, rows: Rows, mapping: FileMapping, report: Report) -> Iterator[Records]:
    """The records that rows of the file mean; `report` learns of the rows, of those left out and of cells without a record."""
    report.file_rows += len(rows)
    batch, rows = _leave_out(batch, rows, mapping, report)
    if mapping.spread is None:
        report.rows += len(rows)
        yield Records(batch, rows)
        return
    step = max(RECORDS // len(mapping.spread.columns), 1)
    for begin in range(0, len(rows), step):
        found = _spread(batch.slice(begin, step), rows[begin : begin + step], mapping, report)
        report.rows += len(found.rows)
        yield found


def _leave_out(batch: pa.RecordBatch, rows: Rows, mapping: FileMapping, report: Report) -> tuple[pa.RecordBatch, Rows]:
    keep = np.ones(len(rows), bool)
    for header, values in mapping.leave_out.items():
        found = folded(batch.column(header))
        for value in dict.fromkeys(values):
            if fold(value):
                reason = Text(LEFT_OUT, {"column": shorten(header), "left_out": shorten(value)})
            else:
                reason = Text(LEFT_OUT_BLANK, {"column": shorten(header)})
            out = pc.equal(found, fold(value)).to_numpy(zero_copy_only=False) & keep
            count = int(out.sum())
            if count:
                report.rows += count
                report.set_rows_aside(_problems(out, rows, batch.column(header), header, reason), rows[out])
                keep &= ~out
    return (batch, rows) if keep.all() else (batch.filter(pa.array(keep)), rows[keep])


def _problems(out: Mask, rows: Rows, values: pa.Array, header: str, reason: Text) -> Iterator[RowProblem]:
    for place in np.flatnonzero(out)[:KEPT_ROWS]:
        yield RowProblem(int(rows[place]), header, shorten(values[int(place)].as_py() or ""), reason)


def _made(spread: Spread) -> tuple[str, ...]:
    """The columns that are made as text."""
    made = {
        "answers": ("question", "score", "comment"),
        "times": ("occurred_at", "touchpoint"),
        "costs_by_period": ("period_start", "period_end", "cost"),
        "costs_by_channel": ("channel", "cost"),
    }[spread.kind]
    about = [name for name in ("touchpoint", "stage", "channel") if spread.kind == "answers" and name in spread.makes]
    return (*made, *about)


def _spread(batch: pa.RecordBatch, rows: Rows, mapping: FileMapping, report: Report) -> Records:
    """One record for each cell that means one: in the order of the rows, then of the columns."""
    spread = mapping.spread
    assert spread is not None
    found = []
    for column in spread.columns:
        lines, cells, empty = _cells(batch.column(column.column), spread, column, mapping)
        report.empty_cells += empty
        found.append((lines, cells))
    line = np.concatenate([lines for lines, _ in found])
    place = np.repeat(np.arange(len(found)), [len(lines) for lines, _ in found])
    order = np.argsort(line, kind="stable")  # within a row: columns as they were added, choices as they stand
    line, place = line[order], place[order]
    cell = pa.concat_arrays([cells for _, cells in found]).take(pa.array(order))
    kept = [name for name in mapping.headers if name in batch.schema.names]
    arrays = {name: batch.column(name).take(pa.array(line)) for name in kept}
    made = _columns(spread, place, cell)
    if spread.beside:
        made["touchpoint"] = _named(spread, place, arrays, made["touchpoint"])
    arrays |= {MARK + name: values for name, values in made.items()}
    return Records(pa.RecordBatch.from_pydict(arrays), rows[line], place)


def _cells(
    values: pa.Array, spread: Spread, column: SpreadColumn, mapping: FileMapping
) -> tuple[Places, pa.Array, int]:
    """The lines of the batch whose cell means a record, the cell of each, and how many cells mean none.

    A blank score is an answer that is missing. A blank text, choice, time or cost is nothing; so is a box that was not ticked.
    """
    said = pc.utf8_trim_whitespace(values)
    said = pc.if_else(pc.equal(said, ""), pa.scalar(None, pa.string()), said)
    if spread.kind == "answers" and column.role == "score":
        return np.arange(len(values)), said, 0
    nothing: tuple[str, ...] = not_chosen() if spread.kind == "answers" and column.role == "option" else ()
    if column.role != "text" or spread.kind == "times":
        nothing += (column.kind and column.kind.no_answer) or mapping.no_answer
    there = pc.is_valid(said)
    if nothing:
        without = pc.is_in(folded(said), value_set=pa.array([fold(value) for value in nothing], pa.string()))
        there = pc.and_not(there, without)
    lines = np.flatnonzero(there.to_numpy(zero_copy_only=False))
    empty = len(values) - len(lines)
    found = said.take(pa.array(lines))
    if spread.kind == "answers" and column.role == "option":
        found = pa.repeat(column.option or column.shown, len(lines))
    elif spread.kind == "answers" and column.role == "choice" and column.parted_by:
        parts = pc.split_pattern(found, column.parted_by)
        lines = lines[pc.list_parent_indices(parts).to_numpy()]
        found = pc.utf8_trim_whitespace(pc.list_flatten(parts))
        stands = pc.not_equal(found, "").to_numpy(zero_copy_only=False)
        lines, found = lines[stands], found.filter(pa.array(stands))
    return lines, found, empty


def _named(spread: Spread, place: Places, arrays: dict[str, pa.Array], names: pa.Array) -> pa.Array:
    """The touchpoints, as the columns that name them say; as they are called where nothing is said."""
    for number, column in enumerate(spread.columns):
        if column.name_from:
            said = pc.utf8_trim_whitespace(arrays[column.name_from])
            mine = pc.and_(pa.array(place == number), pc.fill_null(pc.not_equal(said, ""), False))
            names = pc.if_else(mine, said, names)
    return names


def _columns(spread: Spread, place: Places, cell: pa.Array) -> dict[str, pa.Array]:
    """The made columns of records, from the column each comes from and its cell."""

    def each(say: list[str | None]) -> pa.Array:
        return pa.array(say, pa.string()).take(pa.array(place))

    names = each([column.shown for column in spread.columns])
    if spread.kind == "times":
        return {"occurred_at": cell, "touchpoint": names}
    if spread.kind == "costs_by_channel":
        return {"channel": names, "cost": cell}
    if spread.kind == "costs_by_period":
        periods = [period(column.shown) for column in spread.columns]
        starts, ends = ([str(both[side]) for both in periods] for side in (0, 1))
        return {"period_start": each([*starts]), "period_end": each([*ends]), "cost": cell}
    scores = np.array([column.role == "score" for column in spread.columns])[place]
    none = pa.scalar(None, pa.string())
    found = {
        "question": names,
        "score": pc.if_else(pa.array(scores), cell, none),
        "comment": pc.if_else(pa.array(scores), none, cell),
    }
    about = [name for name in _made(spread) if name in ("touchpoint", "stage", "channel")]
    return found | {name: each([getattr(column, name) for column in spread.columns]) for name in about}
