"""A delimited text becomes records: exact row numbers, quoted line breaks, and a way back from a stray quotation mark."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator

from cx_metrics.texts import N_, Text

MAX_CELL = 32 * 1024  # bytes; no comment is longer, a broken quotation is

OPEN_QUOTE = Text(
    N_("A quotation mark is opened in this row and never closed, or quotation marks inside a cell are not doubled.")
)
LONG_CELL = Text(N_("A cell is longer than {limit} bytes."), {"limit": MAX_CELL})


def records(lines: Iterable[str], delimiter: str, row: int = 1) -> Iterator[tuple[int, list[str], Text | None]]:
    """Row number, cells, and what is broken (None for a good record), for each record of the text.

    Rows are counted as a spreadsheet counts them: the first line is `row`, a record with quoted line breaks is one row,
    a blank line is a row but no record. Where quotation marks are broken, the line in which the trouble begins is
    handed on alone as broken, and reading goes on at the next line, so that one stray mark costs one row.
    """
    source = iter(lines)
    again: deque[str] = deque()
    taken: list[str] = []

    def feed() -> Iterator[str]:
        while again:
            line = again.popleft()
            taken.append(line)
            yield line
        for line in source:
            taken.append(line)
            yield line

    reader = csv.reader(feed(), delimiter=delimiter, strict=True)
    while True:
        try:
            for cells in reader:
                if not cells or (len(cells) == 1 and not cells[0].strip()):
                    row += 1
                else:
                    yield row, cells, None
                    row += 1
                taken.clear()
            return
        except csv.Error:
            first, rest = taken[0], taken[1:]
            too_long = not rest and len(first) > MAX_CELL
            again.extendleft(reversed(rest))
            taken.clear()
            yield row, [first], LONG_CELL if too_long else OPEN_QUOTE
            row += 1
            reader = csv.reader(feed(), delimiter=delimiter, strict=True)
