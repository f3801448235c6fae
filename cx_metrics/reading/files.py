"""Bytes → raw table: what kind of file it is, how it is written, and its rows as text with their numbers."""

from __future__ import annotations

import codecs
import gzip
import io
import itertools
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.errors import FileProblem
from cx_metrics.reading.dialect import find_delimiter, said_delimiter
from cx_metrics.reading.kinds import GZIP, refuse_other_kinds
from cx_metrics.reading.records import LONG_CELL, MAX_CELL, MAX_COLUMNS, first_record, plain_columns, records
from cx_metrics.reading.report import RowProblem, Rows, shorten
from cx_metrics.texts import N_, NP_, Text

MAX_NAME = 4_000  # letters of a column name; survey tools put whole questions there
MAX_INFLATED = 2 * 1024**3  # bytes after unpacking
MAX_LINE = 16 * 1024**2  # bytes: 500 columns of 32 kB; a longer line is no line of a table
MAX_LINES = 50_000_000  # what an import has been measured with; a small archive can hold far more
SAMPLE = 256 * 1024  # bytes that decide on kind and delimiter
SAMPLE_LINES = 200
MAX_HEADER = MAX_COLUMNS * MAX_NAME  # letters
DAMAGED_SHARE = 0.01  # with more damaged lines than this the whole file is in another encoding
BLOCK = 1024 * 1024  # characters parsed at once
BATCH = 64 * 1024**2  # bytes of one batch

_DAMAGED = Text(N_("The row holds bytes that are not UTF-8 text, or control signs that stand in no text."))
_LINE_ENDS = ("\n", "\r\n", "\r")
_CONTROL = (b"\0", b"\x1f")  # bytes that no text has; the engine uses the second one as a mark of its own


@dataclass(frozen=True)
class RawFile:
    """An opened upload: where it lies, the name the user gave it (data, never a path), and how it is written.

    `header` are the column names, trimmed; a column without a name is called `column_3` after its place.
    `size` is the size on disk, `lines` how many lines there are (at least as many as rows), `damaged_lines` how many of
    them hold bytes that are not text.
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

    def to_dict(self) -> dict[str, Any]:
        """What was found as plain JSON values."""
        return {**asdict(self), "path": str(self.path), "header": list(self.header)}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> RawFile:
        """The reverse of `to_dict`."""
        return cls(**{**kept, "path": Path(kept["path"]), "header": tuple(kept["header"])})


def open_raw(path: Path, name: str) -> RawFile:
    """Is this a table in text form, and how is it written?

    Reads the file once from end to end: kind by its first bytes, encoding (UTF-8 with or without byte order mark,
    UTF-16 with one), inflated size, damaged lines; then the delimiter and the header.

    Raises:
        FileProblem: what was found, what was expected, what to do.
    """
    path = Path(path)
    with readable(name):
        size = path.stat().st_size
        with path.open("rb") as file:
            compressed = file.read(2) == GZIP
        start = _start(path, compressed)
        if not start.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
            raise FileProblem(N_("{file} is empty. A header and at least one row were expected."), file=shorten(name))
        refuse_other_kinds(start, name)
        encoding = _encoding(start, name)
        lines, damaged = _scan(path, compressed, encoding, name)
        found = RawFile(path, name, ",", encoding, (), compressed, size, False, damaged, lines)
        with _open_text(found) as text:
            sample = _sample(text)
        said = said_delimiter(sample[0])
        found = replace(found, delimiter=said or find_delimiter(sample), delimiter_line=said is not None)
        return replace(found, header=_header(found))


def read_batches(
    raw: RawFile, rows_a_batch: int = 65_536, bytes_a_batch: int | None = None
) -> Iterator[tuple[pa.RecordBatch, Rows, list[RowProblem]]]:
    """The rows of the file, all columns as text, with the row numbers of the file and the rows that are no rows.

    The header is row 1; a record with quoted line breaks is one row. Streaming: a batch has about `rows_a_batch` rows,
    fewer where rows are wide (`bytes_a_batch`). Every record is in exactly one place: in a batch, or in the list of
    problems beside it.
    """
    with readable(raw.name), _open_text(raw) as text:
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
            broken = _DAMAGED
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
def readable(name: str) -> Iterator[None]:
    """Faults of the file, not of ours, become a FileProblem."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as fault:
        raise FileProblem(
            N_(
                "{file} is a damaged gzip archive: it ends too early or its check sum is wrong. Compress or upload it again."
            ),
            file=shorten(name),
        ) from fault
    except UnicodeError as fault:
        raise FileProblem(
            N_("{file} holds bytes that are not text in the encoding it begins with. Save it again as CSV UTF-8."),
            file=shorten(name),
        ) from fault
    except OSError as fault:
        raise FileProblem(
            N_("{file} could not be read: {why}."), file=shorten(name), why=fault.strerror or "?"
        ) from fault


@contextmanager
def open_bytes(path: Path, compressed: bool) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked."""
    with path.open("rb") as file:
        if compressed:
            with gzip.GzipFile(fileobj=file) as inflated:
                yield inflated  # type: ignore[misc]
        else:
            yield file


@contextmanager
def _open_text(raw: RawFile) -> Iterator[IO[str]]:
    """The lines of the file from its header on; bytes that are not UTF-8 stay recognisable as lone surrogates."""
    errors = "surrogateescape" if raw.encoding == "utf-8" else "strict"
    with open_bytes(raw.path, raw.compressed) as file:
        if raw.encoding == "utf-8":
            begin = file.read(3)
            if begin != codecs.BOM_UTF8:
                file.seek(0)
        with io.TextIOWrapper(file, encoding=raw.encoding, errors=errors, newline="") as text:
            if raw.delimiter_line:
                next(text, None)
            yield text


def _start(path: Path, compressed: bool) -> bytes:
    with open_bytes(path, compressed) as file:
        return file.read(SAMPLE)


def _encoding(start: bytes, name: str) -> str:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    nuls = start.count(0)
    if nuls > len(start) * 0.2:
        sides = Counter(place % 2 for place, byte in enumerate(start[:4096]) if byte == 0)
        source = N_("{file} holds NUL bytes and is not text. A table in text form (CSV UTF-8) was expected.")
        if len(sides) == 1 or min(sides.values()) * 10 < max(sides.values()):
            source = N_("{file} looks like UTF-16 text without a byte order mark. Save it again as CSV UTF-8.")
        raise FileProblem(source, file=shorten(name))
    return "utf-8"


def _scan(path: Path, compressed: bool, encoding: str, name: str) -> tuple[int, int]:
    """Number of lines and of damaged lines of the whole file, within its limits of size, of lines and of their length."""
    total = lines = damaged = first = 0
    rest = b""
    decoder = codecs.getincrementaldecoder(encoding)()
    with open_bytes(path, compressed) as file:
        while block := file.read(1024 * 1024):
            total += len(block)
            if encoding != "utf-8":
                block = decoder.decode(block).encode("utf-8", "surrogatepass")
            whole, rest = _whole_lines(rest + block)
            bad = _damaged_lines(whole)
            first = first or (lines + bad[0] if bad else 0)
            damaged += len(bad)
            lines += whole.count(b"\n")
            _refuse_size(total if compressed else 0, lines, len(rest), name)
    bad = _damaged_lines(rest)
    first = first or (lines + bad[0] if bad else 0)
    damaged += len(bad)
    lines += 2 if rest.endswith(b"\r") else 1
    if damaged > DAMAGED_SHARE * lines:
        _refuse_encoding(name, damaged, first)
    return lines, damaged


def _whole_lines(block: bytes) -> tuple[bytes, bytes]:
    """The lines that end in the block, all with one kind of line end, and what follows them."""
    if b"\r" not in block:
        cut = block.rfind(b"\n") + 1
        return block[:cut], block[cut:]
    cut = max(block.rfind(b"\n"), block.rfind(b"\r", 0, -1)) + 1  # a \r at the very end may be half of a line end
    return block[:cut].replace(b"\r\n", b"\n").replace(b"\r", b"\n"), block[cut:]


def _refuse_size(unpacked: int, lines: int, line: int, name: str) -> None:
    if unpacked > MAX_INFLATED:
        raise FileProblem(
            N_("{file} is larger than {limit} GB when unpacked. Split it into several files."),
            file=shorten(name),
            limit=MAX_INFLATED // 1024**3,
        )
    if lines > MAX_LINES + 1:  # the header comes first
        raise FileProblem(
            N_("{file} has more than {limit} rows. Split it into several files."), file=shorten(name), limit=MAX_LINES
        )
    if line > MAX_LINE:
        raise FileProblem(
            N_("{file} has a line longer than {limit} MB, so it is no table in text form. Export it again as CSV."),
            file=shorten(name),
            limit=MAX_LINE // 1024**2,
        )


def _damaged_lines(block: bytes) -> list[int]:
    """Which lines of the block (from 1) are not UTF-8 text or hold NUL bytes."""
    if not any(sign in block for sign in _CONTROL):
        try:
            block.decode()
            return []
        except UnicodeDecodeError:
            pass
    return [place for place, line in enumerate(block.split(b"\n"), 1) if not _is_text(line)]


def _is_text(line: bytes) -> bool:
    if any(sign in line for sign in _CONTROL):
        return False
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _refuse_encoding(name: str, damaged: int, first: int) -> None:
    one, many = NP_(
        "{file} is not UTF-8 text: {count} line holds other bytes (line {line}). "
        "In the program that made the file, save it as CSV UTF-8.",
        "{file} is not UTF-8 text: {count} lines hold other bytes (first: line {line}). "
        "In the program that made the file, save it as CSV UTF-8.",
    )
    raise FileProblem(Text(one, {"file": shorten(name), "count": damaged, "line": first}, many, damaged))


def _sample(text: IO[str]) -> list[str]:
    """The lines that decide on the delimiter: the header, then whole lines of at most 256 kB together."""
    header = text.readline(MAX_HEADER)
    start = text.read(SAMPLE) if header.endswith(("\n", "\r")) else ""
    lines = list(itertools.islice(io.StringIO(start, newline=""), SAMPLE_LINES))
    if len(start) == SAMPLE and len(lines) < SAMPLE_LINES:
        lines.pop()  # it may be cut
    return [header, *lines]


def _header(raw: RawFile) -> tuple[str, ...]:
    with _open_text(raw) as text:
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
    return " ".join("".join(" " if unicodedata.category(c) == "Cc" else c for c in cell).split())


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
