"""A delimited text becomes records: exact row numbers, quoted line breaks, and a way back from a stray quotation mark."""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from cx_metrics.texts import N_, Text

MAX_COLUMNS = 500
MAX_CELL = 32 * 1024  # bytes; no comment is longer, a broken quotation is
FEW_MARKS = 8  # lines of a broken record that end and begin a cell in quotation marks; by chance it is one or two

OPEN_QUOTE = Text(
    N_("A quotation mark is opened in this row and never closed, or quotation marks inside a cell are not doubled.")
)
LONG_CELL = Text(N_("A cell is longer than {limit} bytes."), {"limit": MAX_CELL})

Record = tuple[int, list[str], Text | None]
Places = npt.NDArray[np.int64]

WINDOW = 2**16  # bytes looked at together: what is found of them stays near, in memory that is at hand
_APOSTROPHE, _SIGN = "\ufdd0", "\ufdd1"  # stand in no text; for an apostrophe and a delimiter that part nothing
_FEED, _RETURN, _MARK = (ord(sign) for sign in '\n\r"')
_ESCAPED = re.compile(r'\\(["\\])')  # other backslashes are what they are


@dataclass(frozen=True)
class Dialect:
    """How a delimited text is written. `escaped`: a quotation mark or a delimiter in a cell has a backslash before it;
    `spaced`: a space stands after each delimiter, before quotation marks too. Only the delimiter may differ in a plain table.
    """

    delimiter: str = ","
    quote: str = '"'
    escaped: bool = False
    spaced: bool = False

    @property
    def plain(self) -> bool:
        """Whether a plain table may be written so."""
        return (self.quote, self.escaped, self.spaced) == ('"', False, False)

    def unescaped(self, lines: Iterable[str]) -> Iterator[str]:
        """The lines with doubled quotation marks in the place of escaped ones, and marks for what parts no cells."""
        inside = re.compile(f"(?<=[^{re.escape(self.delimiter)}\r\n])'(?=[^{re.escape(self.delimiter)}\r\n])")
        for line in lines:
            if self.escaped and "\\" in line:
                line = line.replace("\\" + self.delimiter, _SIGN)
                line = _ESCAPED.sub(lambda found: '""' if found[1] == '"' else "\\", line)
            yield inside.sub(_APOSTROPHE, line) if self.quote == "'" else line

    def restored(self, text: str) -> str:
        """A cell, or a broken line, without marks."""
        return text.replace(_APOSTROPHE, "'").replace(_SIGN, self.delimiter)


def records(
    block: Iterable[str],
    dialect: str | Dialect,
    row: int = 1,
    more: Iterator[str] | None = None,
    taken: list[str] | None = None,
) -> Iterator[Record]:
    """Row number, cells, and what is broken (None for a good record), for each record that begins in `block`.

    Rows are counted as a spreadsheet counts them, from `row`: a record with quoted line breaks is one row (its last lines
    are taken from `more` if need be), and a blank line is a row without cells. Where quotation marks are broken, the line
    in which the trouble begins is handed on alone as broken, and reading goes on at the next line: one stray mark costs
    one row. Lines that go on ending and beginning cells in quotation marks are all handed on as broken, so that no line is
    read more than a few times, and none are gathered beyond what a record can hold. `taken`: a list that holds the lines of each
    record as they are written, while it is handed out. A dialect may be given by its delimiter alone; lines of an escaped one
    are handed in unescaped.
    """
    how = Dialect(dialect) if isinstance(dialect, str) else dialect
    quote, twice = how.quote, how.quote * 2
    lines = deque(block)
    taken = [] if taken is None else taken
    marked = 0

    def feed() -> Iterator[str]:
        nonlocal marked
        while marked <= MAX_COLUMNS:
            line = lines.popleft() if lines else next(more or iter(()), None)
            if line is None:
                return
            if (
                taken and quote in line and quote in line.replace(twice, "")
            ):  # it ends a cell that began in a line before
                marked += 1
            taken.append(line)
            yield line

    def new_reader() -> Iterator[list[str]]:
        return csv.reader(feed(), delimiter=how.delimiter, quotechar=quote, skipinitialspace=how.spaced, strict=True)

    reader = new_reader()
    while lines:
        try:
            cells = next(reader)
        except csv.Error:
            first, rest = how.restored(taken[0]), taken[1:]
            taken[1:] = []
            yield row, [first], LONG_CELL if not rest and len(first) > MAX_CELL else OPEN_QUOTE
            if marked > FEW_MARKS:
                for line in rest:
                    row += 1
                    taken[:] = [line]
                    yield row, [line], OPEN_QUOTE
            else:
                lines.extendleft(reversed(rest))
            reader = new_reader()
        else:
            blank = len(cells) == 1 and not cells[0].strip()
            if not how.plain:
                cells = [how.restored(cell) for cell in cells]
            yield row, [] if blank else cells, None
        row += 1
        marked = 0
        taken.clear()


def first_record(lines: Iterator[str], delimiter: str) -> Record:
    """The first record that is not blank; without cells if there is none."""
    row = 1
    for line in lines:
        for found in records([line], delimiter, row, lines):
            if found[1]:
                return found
            row = found[0] + 1
    return row, [], None


@dataclass(frozen=True)
class Plain:
    """The columns of a block that has one record in every line but blank ones: which lines those are, of how many."""

    batch: pa.RecordBatch
    places: Places
    lines: int


def plain_columns(block: bytes, delimiter: str, names: Sequence[str]) -> Plain | None:
    """The columns of a block of whole lines in which every line is one whole record or blank, with no quotation marks but around
    whole cells; None where one is not, and for what is not UTF-8.

    The quick way for most of most files. It says nothing that `records` would say otherwise.
    """
    if len(names) == 1 or not delimiter.isascii() or block.startswith(codecs.BOM_UTF8):
        return None
    if block[:1] in (b"\n", b"\r") and not block.strip(b"\r\n"):
        none = pa.RecordBatch.from_arrays([pa.array([], pa.string())] * len(names), names=list(names))
        return Plain(none, np.zeros(0, np.int64), lines_in(block))
    quoted = b'"' in block
    parts = _parts(block, delimiter) if quoted else None
    if quoted and parts is None and not _around_cells(block, delimiter):
        return None
    try:
        table = pacsv.read_csv(
            pa.BufferReader(block),
            pacsv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=list(names)),
            pacsv.ParseOptions(
                delimiter=delimiter, quote_char='"' if quoted else False, double_quote=False, ignore_empty_lines=True
            ),
            pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), null_values=[], strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    if parts is not None and parts != table.num_rows * len(names) and not _around_cells(block, delimiter):
        return None  # some part cells inside of quotation marks
    lines = lines_in(block)
    if table.num_rows == lines:
        places = np.arange(lines, dtype=np.int64)
    else:
        places = written_lines(block)
        if len(places) != table.num_rows:  # a cell goes on in the next line
            return None
    columns = [column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in table.columns]
    return Plain(pa.RecordBatch.from_arrays(columns, names=list(names)), places, lines)


def lines_in(block: bytes) -> int:
    """How many lines there are; one ends after a line feed, a carriage return, or both."""
    signs = np.frombuffer(block, np.uint8)
    ends = np.count_nonzero(signs == _FEED)
    if b"\r" in block:
        ends += block.count(b"\r") - block.count(b"\r\n")
    return int(ends) + (not block.endswith((b"\n", b"\r")))


def written_lines(block: bytes) -> Places:
    """The places of the lines that are not blank."""
    signs = np.frombuffer(block, np.uint8)
    feeds = signs == _FEED
    ending = feeds | (signs == _RETURN)
    last = feeds.copy()  # the last sign of each line's end
    last[:-1] |= ending[:-1] & ~feeds[:-1] & ~feeds[1:]
    last[-1] |= ending[-1]
    begins = np.append(0, np.flatnonzero(last) + 1)
    begins = begins[begins < len(signs)]
    return np.flatnonzero(~ending[begins])


def only_around_cells(data: bytes, delimiter: str) -> bool:
    """Do quotation marks open at the beginning of a cell, close at its end, in the same line, and stand nowhere else?"""
    if not _around_cells(data, delimiter):
        return False
    signs = np.frombuffer(data, dtype=np.uint8)
    marks, ends = np.flatnonzero(signs == _MARK), np.flatnonzero(signs == _FEED)
    return bool((np.searchsorted(marks, ends) % 2 == 0).all())  # no line ends in between


def _parts(data: bytes, delimiter: str) -> int | None:
    """In how many parts delimiters and line ends divide a text; None where a quotation mark stands elsewhere than at the beginning
    or at the end of a part, or fewer stand at one of them.

    If a reader who minds the marks finds as many cells, no cell holds a delimiter or a line end: then cells are these parts, none
    is open at its end (the last mark closes one), and `_around_cells` holds, which takes five times as long to see.
    """
    signs, parts, open_marks = np.frombuffer(data, dtype=np.uint8), 0, 0
    returns, last = b"\r" in data, data.rfind(b'"')
    if returns and data.endswith(b"\r") or data[last + 1 : last + 2] not in (b"", delimiter.encode(), b"\n", b"\r"):
        return None
    for start in range(0, len(signs), WINDOW):
        stop = min(start + WINDOW, len(signs))
        seen = signs[max(start - 1, 0) : stop + 1]  # a sign more on either side
        own = slice(min(start, 1), min(start, 1) + stop - start)
        marks, feeds = seen == _MARK, seen == _FEED
        ends = feeds | (seen == ord(delimiter))
        parts += int(np.count_nonzero(ends[own]))
        opening, closing = marks.copy(), marks.copy()
        opening[1:] &= ends[:-1]
        if returns:
            back = seen == _RETURN
            if (back[:-1] & ~feeds[1:]).any():
                return None
            ends |= back
        closing[:-1] &= ends[1:]
        if ((opening ^ closing) != marks)[own].any():
            return None
        open_marks += int(np.count_nonzero(opening[own])) - int(np.count_nonzero(closing[own]))
    return None if open_marks else parts + (not data.endswith(b"\n"))


def _around_cells(data: bytes, delimiter: str) -> bool:
    """The same, but for line ends inside of cells."""
    signs = np.frombuffer(b"\n" + data + b"\n", dtype=np.uint8)
    marks = np.flatnonzero(signs == _MARK)
    if len(marks) % 2:
        return False
    before, after = signs[marks[::2] - 1], signs[marks[1::2] + 1]
    cell = ord(delimiter)
    return bool(
        ((before == cell) | (before == _FEED)).all() and ((after == cell) | (after == _FEED) | (after == _RETURN)).all()
    )
