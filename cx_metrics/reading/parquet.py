"""Parquet files → a table of text, batch by batch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cx_metrics.errors import FileProblem
from cx_metrics.reading.cell_values import number_text
from cx_metrics.reading.found import FoundTable, Record
from cx_metrics.reading.records import MAX_COLUMNS
from cx_metrics.reading.report import quoted, shorten
from cx_metrics.reading.scan import MAX_INFLATED, MAX_LINES
from cx_metrics.texts import N_, Text

ROWS = 8_192  # read at once
NAMES_SHOWN = 6


def tables(path: Path, name: str) -> list[FoundTable]:
    """The table of a Parquet file: numbers exact, times as ISO text (in UTC with Z where they have a zone), nested values as JSON.

    Raises:
        FileProblem: damaged, encrypted, without rows, or beyond a limit.
    """
    with _faults(name):
        file = pq.ParquetFile(path, page_checksum_verification=True)
        schema, about = file.schema_arrow, file.metadata
        _refuse(len(schema.names), about, name)
        told = []
        zoned = [field.name for field in schema if pa.types.is_timestamp(field.type) and field.type.tz]
        if zoned:
            told.append(Text(N_("Times of these columns are in UTC: {names}."), {"names": _shown(zoned)}))
        nested = [field.name for field in schema if pa.types.is_nested(field.type)]
        if nested:
            told.append(
                Text(N_("Values of several parts stand in one cell as JSON: {names}."), {"names": _shown(nested)})
            )
        return [FoundTable("", tuple(schema.names), _records(file, name), told)]


def _refuse(columns: int, about: Any, name: str) -> None:
    if about.num_rows == 0:
        raise FileProblem(
            N_("{file} has a header but no rows. Was the export empty? Choose another period and export again."),
            file=shorten(name),
        )
    if columns > MAX_COLUMNS:
        raise FileProblem(
            N_("{file} has {found} columns, more than {limit}. Keep the columns you need and upload the file again."),
            file=shorten(name), found=columns, limit=MAX_COLUMNS,
        )  # fmt: skip
    if about.num_rows > MAX_LINES:
        raise FileProblem(
            N_("{file} has more than {limit} rows. Split it into several files."), file=shorten(name), limit=MAX_LINES
        )
    size = sum(about.row_group(place).total_byte_size for place in range(about.num_row_groups))
    if size > MAX_INFLATED:
        raise FileProblem(
            N_("{file} is larger than {limit} GB when unpacked. Split it into several files."),
            file=shorten(name), limit=MAX_INFLATED // 1024**3,
        )  # fmt: skip


def _records(file: pq.ParquetFile, name: str) -> Iterator[Record]:
    with _faults(name):
        row = 1
        for batch in file.iter_batches(ROWS, use_threads=False):
            columns = [text_column(column) for column in batch.columns]
            yield from enumerate(zip(*columns, strict=True), row + 1)
            row += len(batch)


@contextmanager
def _faults(name: str) -> Iterator[None]:
    """Faults of the file, not of ours, become a FileProblem."""
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, UnicodeError) as fault:
        if "ncrypt" in str(fault):
            raise FileProblem(
                N_("{file} is encrypted. Export it without encryption and upload that file."), file=shorten(name)
            ) from fault
        raise FileProblem(
            N_("{file} is a damaged Parquet file: it ends too early, or a page of it cannot be read. Export it again."),
            file=shorten(name),
        ) from fault


def text_column(values: pa.Array) -> list[str]:
    """The values of a column as text; what is missing is blank."""
    kind = values.type
    if isinstance(kind, pa.BaseExtensionType):
        return text_column(values.storage)
    if pa.types.is_dictionary(kind):
        words = text_column(values.dictionary)
        return ["" if place is None else words[place] for place in values.indices.to_pylist()]
    if pa.types.is_null(kind):
        return [""] * len(values)
    if pa.types.is_floating(kind):
        return _each(values, _float)
    if pa.types.is_decimal(kind):
        return _each(values, lambda value: format(value, "f"))
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        naive = values.cast(pa.timestamp(kind.unit)) if pa.types.is_timestamp(kind) else values
        written = pc.replace_substring_regex(naive.cast(pa.string()), r"\.0+$", "")
        written = pc.replace_substring_regex(written, r"(\.\d*[1-9])0+$", r"\1")
        zoned = pa.types.is_timestamp(kind) and kind.tz
        return _plain(pc.binary_join_element_wise(written, "Z", "") if zoned else written)
    if pa.types.is_duration(kind):
        return _each(values.cast(pa.duration("ms"), safe=False).cast(pa.int64()), _passed)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return _each(values, lambda value: value.decode("utf-8", "surrogateescape"))
    if pa.types.is_nested(kind):
        return _each(values, lambda value: json.dumps(value, default=str, ensure_ascii=False))
    return _plain(values.cast(pa.string()))


def _plain(values: pa.Array) -> list[str]:
    found: list[str] = pc.fill_null(values, "").to_pylist()
    return found


def _each(values: pa.Array, said: Callable[[Any], str]) -> list[str]:
    """Each value in words, by a function that knows no missing ones."""
    if pa.types.is_floating(values.type):
        plain = values.to_numpy(zero_copy_only=False)
        return ["" if missing else said(value) for value, missing in zip(plain, np.isnan(plain), strict=True)]
    return ["" if value is None else said(value) for value in values.to_pylist()]


def _float(value: Any) -> str:
    """The shortest number that is this one in its own precision."""
    if isinstance(value, np.float64):
        return number_text(repr(float(value)))
    return np.format_float_positional(value, unique=True, trim="-") if np.isfinite(value) else str(value)


def _passed(thousandths: int) -> str:
    seconds, rest = divmod(abs(thousandths), 1000)
    shown = f"{'-' if thousandths < 0 else ''}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{shown}.{rest:03}" if rest else shown


def _shown(names: list[str]) -> tuple[Text, ...]:
    return quoted(names, NAMES_SHOWN)
