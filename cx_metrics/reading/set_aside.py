"""All rows of a file that were set aside, as they stand in it: their numbers while it is read, their text in a second pass.

A report lists some rows of each reason; whoever mends an export needs all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from cx_metrics.reading.broken import why_broken
from cx_metrics.reading.files import BLOCK, RawFile, lines_of
from cx_metrics.reading.records import first_record, only_around_cells, records
from cx_metrics.reading.report import Rows
from cx_metrics.reading.scan import readable
from cx_metrics.texts import Text

MOST_ROWS = 5_000_000  # of one file that are remembered; 16 bytes each


@dataclass(frozen=True)
class AsideRow:
    """One row that was set aside: its number in the file, the column that is to blame, why, and the row as it is written."""

    row: int
    column: str | None
    reason: Text
    record: str


@dataclass
class Every:
    """The numbers of all rows that were set aside, in groups of one column and reason; `count` is of all, remembered or not."""

    count: int = 0
    _groups: list[tuple[str | None, Text]] = field(default_factory=list)
    _rows: list[Rows] = field(default_factory=list)

    def add(self, rows: Rows, column: str | None, reason: Text) -> None:
        """Remember these rows."""
        room = max(MOST_ROWS - self.count, 0)
        self.count += len(rows)
        if room and len(rows):
            self._groups.append((column, reason))
            self._rows.append(np.asarray(rows[:room], np.int64))

    def of(self, raw: RawFile) -> Iterator[AsideRow]:
        """The rows in the order of the file, with their text. Reads the file once more; where nothing was set aside, not at all."""
        if not self._rows:
            return
        rows = np.concatenate(self._rows)
        group = np.repeat(np.arange(len(self._rows)), [len(part) for part in self._rows])
        order = np.argsort(rows, kind="stable")
        written = raw_records(raw, np.unique(rows))
        number, record = 0, ""
        for place in order.tolist():
            if rows[place] != number:
                number, record = next(written, (int(rows[place]), ""))
            column, reason = self._groups[group[place]]
            yield AsideRow(int(rows[place]), column, reason, record)


def raw_records(raw: RawFile, wanted: Rows) -> Iterator[tuple[int, str]]:
    """The records with these numbers (each once, in order) as they are written, without the line end."""
    place = 0
    with readable(raw.name), lines_of(raw) as text:
        row = first_record(text, raw.delimiter)[0] + 1
        while place < len(wanted) and (block := text.readlines(BLOCK)):
            if _in_every_line(block, raw.delimiter):
                end = row + len(block)
                while place < len(wanted) and wanted[place] < end:
                    yield int(wanted[place]), _shown(block[int(wanted[place]) - row])
                    place += 1
                row = end
                continue
            taken: list[str] = []
            for number, _cells, _broken in records(block, raw.delimiter, row, text, taken):
                row = number + 1
                if place < len(wanted) and number == wanted[place]:
                    yield number, _shown("".join(taken))
                    place += 1


def _in_every_line(block: list[str], delimiter: str) -> bool:
    """Whether each line of the block is one record."""
    whole = "".join(block)
    if '"' not in whole:
        return True
    if not delimiter.isascii() or whole.count("\r") != whole.count("\r\n"):
        return False
    return only_around_cells(whole.encode("utf-8", "surrogateescape"), delimiter)


def _shown(line: str) -> str:
    """The line without its end; of a line that stands for a record of a workbook or a document, what was found there."""
    line = line.rstrip("\r\n")
    broken = why_broken(line)
    return line if broken is None else broken[0]
