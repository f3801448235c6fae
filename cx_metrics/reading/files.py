"""Bytes → raw table: what kind of file it is, how it is written, and its rows as text with their numbers."""

from __future__ import annotations

import codecs
import io
import itertools
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.errors import FileProblem, OptionProblem
from cx_metrics.reading.dialect import find_delimiter, said_delimiter
from cx_metrics.reading.encodings import ENCODINGS, errors_of, known_encoding
from cx_metrics.reading.kinds import GZIP, refuse_other_kinds
from cx_metrics.reading.records import LONG_CELL, MAX_CELL, MAX_COLUMNS, first_record, plain_columns, records
from cx_metrics.reading.report import RowProblem, Rows, shorten
from cx_metrics.reading.scan import open_bytes, readable, scan
from cx_metrics.texts import N_, Text

MAX_NAME = 4_000  # letters of a column name; survey tools put whole questions there
SAMPLE = 256 * 1024  # bytes that decide on kind and delimiter
SAMPLE_LINES = 200
MAX_HEADER = MAX_COLUMNS * MAX_NAME  # letters
BLOCK = 1024 * 1024  # characters parsed at once
BATCH = 64 * 1024**2  # bytes of one batch

DAMAGED = Text(
    N_("The row holds bytes that are no text in the encoding of the file, or control signs that stand in no text.")
)
_LINE_ENDS = ("\n", "\r\n", "\r")


@dataclass(frozen=True)
class RawFile:
    """An opened upload: where it lies, the name the user gave it (data, never a path), and how it is written.

    `header` are the column names, trimmed; a column without a name is called `column_3` after its place.
    `size` is the size on disk, `lines` how many lines there are (at least as many as rows), `damaged_lines` how many of
    them hold bytes that are not text. `encoding` is a codec; `encoding_reason` says how it was found (None: the bytes are
    UTF-8), `other_encodings` in which others the words would read nearly as well, the likeliest first.
    """

    path: Path
    name: str
    delimiter: str
    encoding: str
    header: tuple[str, ...]
    compressed: bool
    size: int
    delimiter_line: bool = False
    damaged_lines: int = 0
    lines: int = 0
    encoding_reason: Text | None = None
    other_encodings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What was found as plain JSON values."""
        reason = None if self.encoding_reason is None else self.encoding_reason.to_dict()
        kept = {field.name: getattr(self, field.name) for field in fields(self)}
        lists = {"header": list(self.header), "other_encodings": list(self.other_encodings)}
        return {**kept, **lists, "path": str(self.path), "encoding_reason": reason}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> RawFile:
        """The reverse of `to_dict`."""
        reason = None if kept["encoding_reason"] is None else Text.from_dict(kept["encoding_reason"])
        lists = {"header": tuple(kept["header"]), "other_encodings": tuple(kept["other_encodings"])}
        return cls(**{**kept, **lists, "path": Path(kept["path"]), "encoding_reason": reason})


def open_raw(path: Path, name: str, encoding: str | None = None, delimiter: str | None = None) -> RawFile:
    """Is this a table in text form, and how is it written?

    Reads the file from end to end: kind by its first bytes, encoding, inflated size, damaged lines; then the delimiter and the
    header. `encoding` and `delimiter` are what the user says of them; a byte order mark wins over the encoding that was said.

    Raises:
        FileProblem: what was found, what was expected, what to do.
        OptionProblem: an encoding that we do not know, or a delimiter that parts no cells.
    """
    if delimiter is not None and (len(delimiter) != 1 or delimiter.isalnum() or delimiter in '"\r\n\0'):
        raise OptionProblem(
            N_('"{found}" cannot part columns. One sign was expected, like ; or a tab.'), found=shorten(delimiter)
        )
    found = open_text(path, name, encoding)
    with readable(name):
        with lines_of(found) as text:
            sample = first_lines(text)
        said = said_delimiter(sample[0])
        found = replace(found, delimiter=delimiter or said or find_delimiter(sample), delimiter_line=said is not None)
        return replace(found, header=_header(found))


def open_text(path: Path, name: str, encoding: str | None = None) -> RawFile:
    """The same before anything is known of columns: delimiter and header are still to be found.

    Raises:
        FileProblem: it is no text, or beyond a limit.
        OptionProblem: an encoding that we do not know.
    """
    path = Path(path)
    codec = None if encoding is None else known_encoding(encoding)
    if encoding is not None and codec is None:
        raise OptionProblem(
            N_('"{found}" is no encoding that files are read in. Those are: {known}.'),
            found=shorten(encoding),
            known=", ".join(ENCODINGS.values()),
        )
    with readable(name):
        size = path.stat().st_size
        with path.open("rb") as file:
            compressed = file.read(2) == GZIP
        start = _start(path, compressed)
        if not start.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
            raise FileProblem(N_("{file} is empty. A header and at least one row were expected."), file=shorten(name))
        refuse_other_kinds(start, name)
        found, tally = scan(path, compressed, start, name, codec)
        raw = RawFile(path, name, ",", found.codec, (), compressed, size, False, tally.damaged, tally.lines)
        return replace(raw, encoding_reason=found.reason, other_encodings=found.others)


def read_batches(
    raw: RawFile, rows_a_batch: int = 65_536, bytes_a_batch: int | None = None
) -> Iterator[tuple[pa.RecordBatch, Rows, list[RowProblem]]]:
    """The rows of the file, all columns as text, with the row numbers of the file and the rows that are no rows.

    The header is row 1; a record with quoted line breaks is one row. Streaming: a batch has about `rows_a_batch` rows,
    fewer where rows are wide (`bytes_a_batch`). Every record is in exactly one place: in a batch, or in the list of
    problems beside it.
    """
    with readable(raw.name), lines_of(raw) as text:
        row = first_record(text, raw.delimiter)[0] + 1
        chunks: list[pa.RecordBatch] = []
        numbers: list[Rows] = []
        problems: list[RowProblem] = []
        size = 0
        while block := text.readlines(BLOCK):
            if not "".join(block).strip("\r\n"):
                row += len(block)
                continue
            chunk, rows, row = _chunk(block, text, raw, row, problems)
            chunks.append(chunk)
            numbers.append(rows)
            size += chunk.nbytes
            if sum(map(len, numbers)) + len(problems) >= rows_a_batch or size >= (bytes_a_batch or BATCH):
                yield pa.concat_batches(chunks), np.concatenate(numbers), problems
                chunks, numbers, problems, size = [], [], [], 0
        if chunks:
            yield pa.concat_batches(chunks), np.concatenate(numbers), problems


def _chunk(
    block: list[str], more: IO[str], raw: RawFile, row: int, problems: list[RowProblem]
) -> tuple[pa.RecordBatch, Rows, int]:
    """The columns of the records that begin in the block, their row numbers, and the number of the row after them."""
    found_plain = None if raw.damaged_lines else _plain(block, raw)
    if found_plain is not None:
        batch, places = found_plain
        return *_without_long_cells(batch, row + places, problems), row + len(block)
    width = len(raw.header)
    ragged = Text(N_("The number of cells is not that of the header ({expected})."), {"expected": width})
    kept: list[list[str]] = []
    found: list[int] = []
    for number, cells, broken in records(block, raw.delimiter, row, more):
        row = number + 1
        if not cells:
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


def _plain(block: list[str], raw: RawFile) -> tuple[pa.RecordBatch, Rows] | None:
    """The columns of a block that can be read the quick way, blank lines left out, and the places of its records in it."""
    batch = plain_columns(block, raw.delimiter, raw.header)
    if batch is not None:
        return batch, np.arange(len(block), dtype=np.int64)
    written = [place for place, line in enumerate(block) if line not in _LINE_ENDS]
    if len(written) == len(block):
        return None
    batch = plain_columns([block[place] for place in written], raw.delimiter, raw.header)
    return None if batch is None else (batch, np.array(written, np.int64))


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


def is_damaged(cells: list[str]) -> bool:
    """Whether the cells hold bytes that are no text."""
    whole = "".join(cells)
    return "\0" in whole or "\x1f" in whole or any("\udc80" <= sign <= "\udcff" for sign in whole)


@contextmanager
def lines_of(raw: RawFile) -> Iterator[IO[str]]:
    """The lines of the file from its header on; bytes that are no text stay recognisable as lone surrogates."""
    with open_bytes(raw.path, raw.compressed) as file:
        skip_mark(file, raw.encoding)
        with io.TextIOWrapper(file, encoding=raw.encoding, errors=errors_of(raw.encoding), newline="") as text:
            if raw.delimiter_line:
                next(text, None)
            yield text


def skip_mark(file: IO[bytes], codec: str) -> bytes:
    """Read past the byte order mark, which is handed back; the codec "utf-16" needs to see it, and keeps it."""
    marks = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
    mark = marks.get(codec, b"")
    if file.read(len(mark)) == mark:
        return mark
    file.seek(0)
    return b""


def _start(path: Path, compressed: bool) -> bytes:
    with open_bytes(path, compressed) as file:
        return file.read(SAMPLE)


def first_lines(text: IO[str]) -> list[str]:
    """The lines that decide on the delimiter: the header, then whole lines of at most 256 kB together."""
    header = text.readline(MAX_HEADER)
    start = text.read(SAMPLE) if header.endswith(("\n", "\r")) else ""
    lines = list(itertools.islice(io.StringIO(start, newline=""), SAMPLE_LINES))
    if len(start) == SAMPLE and len(lines) < SAMPLE_LINES:
        lines.pop()  # it may be cut
    return [header, *lines]


def _header(raw: RawFile) -> tuple[str, ...]:
    with lines_of(raw) as text:
        _, cells, broken = first_record(text, raw.delimiter)
        if broken is not None or not cells:
            raise FileProblem(
                N_("{file} has no readable header in its first row: {why}"),
                file=shorten(raw.name),
                why=broken or Text(N_("it is blank.")),
            )
        if not any(block.strip() for block in iter(lambda: text.read(BLOCK), "")):
            raise FileProblem(
                N_("{file} has a header but no rows. Was the export empty? Choose another period and export again."),
                file=shorten(raw.name),
            )
    if len(cells) > MAX_COLUMNS:
        raise FileProblem(
            N_("{file} has {found} columns, more than {limit}. Keep the columns you need and upload the file again."),
            file=shorten(raw.name),
            found=len(cells),
            limit=MAX_COLUMNS,
        )
    if any(len(cell) > MAX_NAME for cell in cells):
        raise FileProblem(
            N_("{file} has a column name longer than {limit} letters. Is the header in its first row?"),
            file=shorten(raw.name),
            limit=MAX_NAME,
        )
    names = [_clean_name(cell) or f"column_{place}" for place, cell in enumerate(cells, 1)]
    _refuse_twins(names, raw.name)
    return tuple(names)


def _clean_name(cell: str) -> str:
    """A header in one line, without control characters and spaces around it."""
    kinds = {"Cc": " ", "Cs": "\ufffd"}  # the latter: bytes that are no text
    return " ".join("".join(kinds.get(unicodedata.category(c), c) for c in cell).split())


def _refuse_twins(names: list[str], file: str) -> None:
    plain = Counter("".join(name.casefold().split()) for name in names)
    twins = [name for name in names if plain["".join(name.casefold().split())] > 1]
    if twins:
        raise FileProblem(
            N_(
                "{file} has column names that are the same but for case or spaces: {names}. Give each column its own name."
            ),
            file=shorten(file),
            names=", ".join(f'"{shorten(name)}"' for name in twins[:6]),
        )
