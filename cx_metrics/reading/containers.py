"""Any file that holds tables → its tables, whatever it is: the one door to the readers of each kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cx_metrics.errors import FileProblem
from cx_metrics.reading import archives, documents, event_logs, parquet, workbooks
from cx_metrics.reading.files import SAMPLE
from cx_metrics.reading.found import FoundTable
from cx_metrics.reading.kinds import GZIP, kind_of
from cx_metrics.reading.report import shorten
from cx_metrics.reading.scan import open_bytes, readable
from cx_metrics.texts import N_

DEEPEST = 2  # archives within archives: a ZIP archive of packed files

TextTables = Callable[[Path, str], list[FoundTable]]


def found_tables(path: Path, name: str, folder: Path, text_tables: TextTables) -> list[FoundTable]:
    """The tables of a file: one, or one for each sheet, list or file inside.

    `name` is what the user calls it (data, never a path); `folder` is an empty folder for what has to be unpacked, which must
    stay until all records are read; `text_tables` finds the tables of a file in text form.

    Raises:
        FileProblem: what the file is instead, what is wrong with it, or which limit it goes beyond.
    """
    return _found(path, name, folder, text_tables, 0)


def kind_of_file(path: Path, name: str) -> str:
    """Which reader a file needs, as `kind_of` says; packed by gzip or not.

    Raises:
        FileProblem: empty, or nothing that holds a table.
    """
    with readable(name), path.open("rb") as file:
        packed = file.read(2) == GZIP
    with readable(name), open_bytes(path, packed) as content:
        start = content.read(SAMPLE)
    if not start.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
        raise FileProblem(N_("{file} is empty. A header and at least one row were expected."), file=shorten(name))
    kind = kind_of(start, path, name)
    return "packed" if packed and kind in ("workbook", "parquet", "zip") else kind


def _found(path: Path, name: str, folder: Path, text_tables: TextTables, depth: int) -> list[FoundTable]:
    kind = kind_of_file(path, name)
    if kind in ("zip", "packed") and depth >= DEEPEST:
        raise FileProblem(
            N_(
                "{file} is an archive inside of an archive inside of an archive. Unpack it and upload the files inside."
            ),
            file=shorten(name),
        )

    def inside(member: Path, called: str) -> list[FoundTable]:
        return _found(member, called, folder, text_tables, depth + 1)

    match kind:
        case "workbook":
            return workbooks.tables(path, name)
        case "json":
            return documents.tables(path, name)
        case "parquet":
            return parquet.tables(path, name)
        case "xes":
            return event_logs.tables(path, name)
        case "zip":
            return archives.tables(path, name, folder, inside)
        case "packed":
            return inside(archives.unpack(path, name, folder), name)
    return text_tables(path, name)
