"""Tables found in a file that is no plain text table, and the writer that turns each into one.

A workbook, a JSON document, a Parquet file or an event log is read once and written as text: UTF-8, commas, one header. From
then on it is read like any other upload, and the numbers of its rows are those of the file it came from.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from cx_metrics.errors import FileProblem
from cx_metrics.reading import files, scan
from cx_metrics.reading.broken import MARK
from cx_metrics.reading.dialect import said_delimiter
from cx_metrics.reading.records import MAX_CELL, MAX_COLUMNS
from cx_metrics.reading.report import quoted, shorten
from cx_metrics.texts import N_, NP_, Text

BATCH = 2_000  # records written at once
NAMES_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Broken:
    """A record of the file that is none: why (a key of BROKEN), and what stands there."""

    code: str
    found: str


Record = tuple[int, Sequence[str] | Broken]


@dataclass
class FoundTable:
    """One table inside a file, to be read once from start to end.

    `part` is its sheet, member or title ("" where the file is one table): data, like `header`, whose names are as in the file.
    `records` hands out (row, cells), where rows count as the user's tool counts them and always grow; a blank cell is "". A
    record that is none is (row, Broken), so that every record of the file appears exactly once. `told` are sentences about
    how the table was understood, complete after the last record. `header_row` is where the header stands. `questions`: name in
    the header → the whole question, where the file has both. `notes`: the first lines that stand before the table, such as a
    title and a period. `ready`: the file of the table, where it is a plain one that was unpacked.
    """

    part: str
    header: tuple[str, ...]
    records: Iterator[Record]
    told: list[Text] = field(default_factory=list)
    header_row: int = 1
    questions: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    ready: files.RawFile | None = None


@dataclass(frozen=True)
class Written:
    """What was written: rows with at least one value, rows handed on as broken, bytes, the names of the columns, what to tell."""

    rows: int
    broken_rows: int
    size: int
    header: tuple[str, ...]
    told: tuple[Text, ...]


def write_plain(table: FoundTable, path: Path, name: str) -> Written:
    """Write a table as the plain text file that `open_raw` reads: UTF-8, commas, one header, each record at its own row.

    Names of columns are repaired where they are missing, twins, too long or hold control signs, and each repair is told. A blank
    row becomes a blank line. A record that is none becomes a line that begins with MARK.

    Raises:
        FileProblem: too many columns, rows or bytes; or what reading the table itself finds wrong.
    """
    header, repairs = usable_header(table.header, name)
    with path.open("wb") as file:
        out = _Writer(file, name)
        out.skip_to(table.header_row)
        out.put([header])
        batch: list[Sequence[str]] = []
        for row, cells in table.records:
            following = out.row + len(batch)
            if row == following and not isinstance(cells, Broken) and any(map(str.strip, cells)):
                batch.append(cells)
                if len(batch) == BATCH:
                    out.put(batch)
                    batch = []
                continue
            out.put(batch)
            batch = []
            if isinstance(cells, Broken):
                out.skip_to(row)
                out.put_broken(cells)
            elif any(map(str.strip, cells)):
                out.skip_to(row)
                batch.append(cells)
        out.put(batch)
        return Written(out.rows - 1, out.broken, out.size, header, (*table.told, *repairs))


class _Writer:
    """The lines of a plain file: `row` is the number of the next one."""

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.row, self.rows, self.broken, self.size = 1, 0, 0, 0
        self._file, self._name = file, name

    def skip_to(self, row: int) -> None:
        """Blank lines, so that the next record is this row."""
        if row < self.row:
            raise ValueError(f"row {row} comes after row {self.row - 1}")
        if row - 1 > scan.MAX_LINES + 1:
            self._refuse(N_("{file} has more than {limit} rows. Split it into several files."), scan.MAX_LINES)
        self._write(b"\n" * (row - self.row))
        self.row = row

    def put(self, batch: Sequence[Sequence[str]]) -> None:
        """Records that follow each other without a gap."""
        if not batch:
            return
        if self.row + len(batch) > scan.MAX_LINES + 2:
            self._refuse(N_("{file} has more than {limit} rows. Split it into several files."), scan.MAX_LINES)
        lines = _lines(batch)
        if lines is not None:
            self._write(lines)
            self.row += len(batch)
            self.rows += len(batch)
            return
        for cells in batch:
            fault = _fault(cells)
            if fault is not None:
                self.put_broken(Broken(fault, ",".join(cell[: files.SAMPLE_LINES] for cell in cells[:20])))
            else:
                self._write(_text([cells]).encode())
                self.row += 1
                self.rows += 1

    def put_broken(self, found: Broken) -> None:
        """One line that stands for a record that is none; quotation marks are made single, so that no cell opens in it."""
        shown = shorten(found.found).replace('"', "'").encode("utf-8", "replace").decode()
        self._write(f"{MARK}{found.code}{MARK[0]}{shown}\n".encode())
        self.row += 1
        self.broken += 1

    def _write(self, lines: bytes) -> None:
        self.size += len(lines)
        if self.size > scan.MAX_INFLATED:
            self._refuse(
                N_("{file} is larger than {limit} GB when written as text. Split it into several files."),
                scan.MAX_INFLATED // 1024**3,
            )
        self._file.write(lines)

    def _refuse(self, source: str, limit: int) -> None:
        raise FileProblem(source, file=shorten(self._name), limit=limit)


def _lines(batch: Sequence[Sequence[str]]) -> bytes | None:
    """The records as lines; None where one of them must not be written as it is."""
    text = _text(batch)
    if "\0" in text or "\x1f" in text:
        return None
    most = 1 if text.isascii() else 4  # bytes of one letter
    if max(map(len, text.split("\n"))) * most > MAX_CELL or '"' in text and _longest(batch) * most > MAX_CELL:
        return None
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None


def _text(batch: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(batch)
    if "\r" in text.getvalue():  # the writer leaves it bare, and readers take it for a line end
        text = io.StringIO()
        csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(batch)
    return text.getvalue()


def _longest(batch: Sequence[Sequence[str]]) -> int:
    """Letters of the longest cell; one in quotation marks may have several lines."""
    return max(len(cell) for cells in batch for cell in cells)


def _fault(cells: Sequence[str]) -> str | None:
    """Why a record must not be written, as a key of BROKEN."""
    whole = "".join(cells)
    if "\0" in whole or "\x1f" in whole:
        return "control"
    try:
        size = len(whole.encode())
    except UnicodeEncodeError:
        return "damaged"
    if size > MAX_CELL and any(len(cell.encode()) > MAX_CELL for cell in cells):
        return "long"
    return "lines" if size > scan.MAX_LINE // 2 else None


def usable_header(found: Sequence[str], file: str) -> tuple[tuple[str, ...], list[Text]]:
    """Names by which each column can be told from the others, and what had to be changed for that.

    Raises:
        FileProblem: no columns, or too many.
    """
    if not found:
        raise FileProblem(N_("{file} has no columns. A header and at least one row were expected."), file=shorten(file))
    if len(found) > MAX_COLUMNS:
        raise FileProblem(
            N_("{file} has {found} columns, more than {limit}. Keep the columns you need and upload the file again."),
            file=shorten(file), found=len(found), limit=MAX_COLUMNS,
        )  # fmt: skip
    plain = [clean_name(name) for name in found]
    cut = [name for name in plain if len(name) > files.MAX_NAME]
    if len(plain) == 1 and said_delimiter(plain[0]) is not None:
        plain = [""]
    names: list[str] = []
    missing: list[str] = []
    twins: list[str] = []
    taken = {_key(name) for name in plain if name}
    seen: set[str] = set()
    for place, name in enumerate(plain, 1):
        wanted = name[: files.MAX_NAME] or f"column_{place}"
        if not name:
            missing.append(wanted := _free(wanted, taken | seen))
        elif _key(wanted) in seen:
            twins.append(wanted := _free(wanted, taken | seen))
        seen.add(_key(wanted))
        names.append(wanted)
    told = []
    if missing:
        one, many = NP_(
            "{count} column has no name and is called {names} after its place.",
            "{count} columns have no name and are called after their places: {names}.",
        )
        told.append(_counted(one, many, missing))
    if twins:
        one, many = NP_(
            "{count} column has the name of another one and is called {names}.",
            "{count} columns have the name of another one and are called {names}.",
        )
        told.append(_counted(one, many, twins))
    if cut:
        one, many = NP_(
            "{count} column name was cut after {limit} letters: {names}.",
            "{count} column names were cut after {limit} letters: {names}.",
        )
        told.append(_counted(one, many, cut, limit=files.MAX_NAME))
    return tuple(names), told


def clean_name(name: str) -> str:
    """A name in one line, without control characters and spaces around it, and with nothing that is no text."""
    name = name.encode("utf-8", "replace").decode() if not name.isascii() else name
    plain = "".join(" " if unicodedata.category(sign) == "Cc" else sign for sign in name).replace("\ufeff", "")
    return " ".join(plain.split())


def _key(name: str) -> str:
    """Names with the same key are the same to a reader."""
    return "".join(name.casefold().split())


def _free(name: str, taken: set[str]) -> str:
    if _key(name) not in taken:
        return name
    number = 2
    while _key(f"{name} ({number})") in taken:
        number += 1
    return f"{name[: files.MAX_NAME - 8]} ({number})"


def _counted(one: str, many: str, names: Sequence[str], **values: int) -> Text:
    return Text(one, {"count": len(names), "names": quoted(names, NAMES_SHOWN), **values}, many, len(names))
