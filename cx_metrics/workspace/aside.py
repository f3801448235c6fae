"""The rows that an import set aside, all of them, in a file beside its version: file, row, column, reason, the row as written.

The file is a packed CSV for programs; whoever offers it to a spreadsheet disarms its cells first. Its rows may hold ids of
customers, so erasing writes it again.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

ASIDE = "aside.csv.gz"
HEADER = ("file", "row", "column", "reason", "record")
MOST_BYTES = 200 * 1024**2  # of text; as much as a browser uploads
MOST_CELL = 2**24  # letters; a broken quotation can swallow a whole block


class Line(NamedTuple):
    """One row that was set aside. `reason` is in English; the manifest has its texts for other languages."""

    file: str
    row: str
    column: str
    reason: str
    record: str


def write(path: Path, lines: Iterable[Line], most: int = MOST_BYTES) -> int:
    """Write the lines, as many as fit in `most` bytes of text; returns how many."""
    count = size = 0
    with _written(path) as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(HEADER)
        for line in lines:
            size += sum(len(cell.encode("utf-8", "replace")) for cell in line) + len(line)
            if size > most:
                break
            out.writerow([cell.replace("\0", "") for cell in line])
            count += 1
    return count


def read(path: Path) -> Iterator[Line]:
    """The lines of such a file."""
    csv.field_size_limit(max(csv.field_size_limit(), MOST_CELL))
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows, None)
        yield from (Line(*row) for row in rows)


def rewrite(path: Path, out: Path, keep: Callable[[Line], bool]) -> tuple[int, int]:
    """Write the lines again that are to stay; returns how many stayed and how many went."""
    gone = 0

    def staying() -> Iterator[Line]:
        nonlocal gone
        for line in read(path):
            if keep(line):
                yield line
            else:
                gone += 1

    return write(out, staying(), 2 * MOST_BYTES), gone


@contextmanager
def _written(path: Path) -> Iterator[Any]:
    with (
        path.open("xb") as plain,
        gzip.GzipFile("", "wb", 1, plain, 0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", errors="backslashreplace", newline="") as text,
    ):
        yield text
