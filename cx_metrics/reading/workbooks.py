"""Workbooks → their sheets as tables: XLSX and ODS cell by cell, older and binary ones through a library."""

from __future__ import annotations

import datetime as dt
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import python_calamine as calamine

from cx_metrics.errors import FileProblem
from cx_metrics.reading import ods, xlsx
from cx_metrics.reading.cell_values import number_text
from cx_metrics.reading.found import FoundTable, Record
from cx_metrics.reading.grids import Grid, Tally, tables_of
from cx_metrics.reading.records import MAX_COLUMNS
from cx_metrics.reading.report import shorten
from cx_metrics.reading.scan import MAX_INFLATED
from cx_metrics.reading.xlsb import with_whole_cells
from cx_metrics.texts import N_, Text

MAX_PARTS = 10_000
MAX_BINARY = 128 * 1024**2  # bytes: what the library holds in memory is several times as large
MAX_RATIO = 400  # times that a large archive may grow; texts that repeat grow a hundred times
LARGE = 256 * 1024**2
_LOCKED = "EncryptedPackage".encode("utf-16-le")


def tables(path: Path, name: str) -> list[FoundTable]:
    """The tables of a workbook: one for each sheet with values in it, or several where a person has marked several.

    Cells become text: numbers exact and without exponents, dates and times as ISO text, true and false; a formula is its last
    computed value. Rows keep the numbers they have in the sheet. What cannot be read as it is, is told.

    Raises:
        FileProblem: damaged, protected by a password, beyond a limit, or without any values.
    """
    with workbook_faults(name):
        found = _zipped(path, name) if zipfile.is_zipfile(path) else _through_library(path, name)
        if not found:
            raise FileProblem(
                N_("{file} has no values in any of its sheets. A header and at least one row were expected."),
                file=shorten(name),
            )
        return found


def _zipped(path: Path, name: str) -> list[FoundTable]:
    archive = zipfile.ZipFile(path)  # open as long as its rows are read
    check_archive(archive, name)
    members = set(archive.namelist())
    if "xl/workbook.bin" in members:
        return _through_library(path, name)
    if ods.CONTENT in members:
        if _is_locked(archive):
            raise calamine.PasswordError
        found = ods.grids(archive, name)
    else:
        found = xlsx.grids(archive, name)
    return [_guarded(table, name) for grid in found for table in tables_of(grid)]


def check_archive(archive: zipfile.ZipFile, name: str) -> None:
    """Refuse an archive that says itself that it is a bomb, before anything in it is unpacked.

    Raises:
        FileProblem: too many parts, too large, or parts that are locked or packed in an unusual way.
    """
    parts = archive.infolist()
    if len(parts) > MAX_PARTS:
        raise FileProblem(
            N_("{file} holds {found} parts, more than {limit}. Export the table itself as CSV and upload that file."),
            file=shorten(name), found=len(parts), limit=MAX_PARTS,
        )  # fmt: skip
    size = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts)
    if size > MAX_INFLATED or (size > LARGE and size > MAX_RATIO * max(packed, 1)):
        raise FileProblem(
            N_("{file} is larger than {limit} GB when unpacked, or grows more than {ratio} times. Split it into several files."),
            file=shorten(name), limit=MAX_INFLATED // 1024**3, ratio=MAX_RATIO,
        )  # fmt: skip


def _is_locked(archive: zipfile.ZipFile) -> bool:
    try:
        with archive.open("META-INF/manifest.xml") as file:
            return b"encryption-data" in file.read(1024**2)
    except KeyError:
        return False


def _guarded(table: FoundTable, name: str) -> FoundTable:
    """The table, with faults that come to light while its rows are read in words."""

    def records(rows: Iterator[Record] = table.records) -> Iterator[Record]:
        with workbook_faults(name):
            yield from rows

    table.records = records()
    return table


@contextmanager
def workbook_faults(name: str) -> Iterator[None]:
    """Faults of the workbook, not of ours, become a FileProblem."""
    try:
        yield
    except calamine.PasswordError as fault:
        raise FileProblem(
            N_("{file} is protected by a password. Open it in a spreadsheet, remove the password and save it again."),
            file=shorten(name),
        ) from fault
    except (
        calamine.CalamineError,
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        KeyError,
        NotImplementedError,
        UnicodeError,
        ValueError,
        RuntimeError,
        OSError,
    ) as fault:
        if isinstance(fault, OSError) and fault.errno is not None:  # of the disk; the library raises some of its own
            raise
        raise FileProblem(
            N_(
                "{file} is a damaged workbook: it ends too early, or a part of it cannot be read. Save or export it again."
            ),
            file=shorten(name),
        ) from fault


# what the library reads ---------------------------------------------------------------------------------------------


def _through_library(path: Path, name: str) -> list[FoundTable]:
    with path.open("rb") as file:
        start = file.read(MAX_BINARY + 1)
    if len(start) > MAX_BINARY:
        raise FileProblem(
            N_("{file} is larger than {limit} MB, the most for a workbook of this kind. Save it as .xlsx or as CSV UTF-8."),
            file=shorten(name), limit=MAX_BINARY // 1024**2,
        )  # fmt: skip
    if _LOCKED in start:
        raise calamine.PasswordError
    binary = with_whole_cells(path) if zipfile.is_zipfile(path) else path
    book = calamine.load_workbook(str(binary) if isinstance(binary, Path) else binary)
    found = []
    for place, sheet in enumerate(book.sheets_metadata):
        if sheet.typ == calamine.SheetTypeEnum.WorkSheet:
            grid = _grid(book.get_sheet_by_index(place), sheet.visible != calamine.SheetVisibleEnum.Visible, name)
            found += [] if grid is None else tables_of(grid)
    for table in found:
        table.told.append(
            Text(
                N_(
                    "In a workbook of this kind a cell with an error reads as blank. Save it as .xlsx to have errors counted."
                )
            )
        )
    return found


def _grid(sheet: calamine.CalamineSheet, hidden: bool, name: str) -> Grid | None:
    if sheet.start is None or sheet.end is None:
        return None
    width = sheet.end[1] + 1
    if width > MAX_COLUMNS:
        raise FileProblem(
            N_("{file} has {found} columns in sheet {sheet}, more than {limit}. "
               "Keep the columns you need and upload the file again."),
            file=shorten(name), found=width, sheet=shorten(sheet.name), limit=MAX_COLUMNS,
        )  # fmt: skip
    moments: set[int] = set()
    for cells in sheet.iter_rows():
        moments.update(place for place, cell in enumerate(cells) if type(cell) is dt.datetime)

    def rows(_tally: Tally) -> Iterator[tuple[int, list[str]]]:
        for row, cells in enumerate(sheet.iter_rows(), 1):
            read = [_text(cell, place in moments) for place, cell in enumerate(cells)]
            if any(read):
                yield row, [""] * (width - len(read)) + read

    merged = tuple((a + 1, b, c + 1, d) for (a, b), (c, d) in sheet.merged_cell_ranges or ())
    return Grid(sheet.name, width, rows, hidden, merged)


def _text(cell: Any, is_moment: bool) -> str:
    """A value of the library as text; in a column with times of day midnight is one too."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, (int, float)):
        return number_text(repr(cell))
    if isinstance(cell, dt.timedelta):
        seconds = round(cell.total_seconds())
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if isinstance(cell, dt.datetime):
        return _clocked(cell.isoformat(" "))
    if isinstance(cell, dt.date):
        return f"{cell.isoformat()} 00:00:00" if is_moment else cell.isoformat()
    return _clocked(cell.isoformat())


def _clocked(iso: str) -> str:
    """ISO text with thousandths of seconds, where there are any."""
    whole, _, rest = iso.partition(".")
    return f"{whole}.{rest[:3]}" if rest.strip("0") else whole
