"""OpenDocument workbooks (ODS) as a stream of rows; a row that is written once for a million is blank or refused."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from cx_metrics.errors import FileProblem
from cx_metrics.reading.cell_values import number_text
from cx_metrics.reading.grids import Area, Grid, Tally, cell_name
from cx_metrics.reading.records import MAX_COLUMNS
from cx_metrics.reading.report import shorten
from cx_metrics.reading.xml_events import plain, read_xml
from cx_metrics.texts import N_

CONTENT = "content.xml"
LAST_ROW = 1_048_576
_SPAN = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,](\d+))?S)?)?")


@dataclass
class _Cell:
    column: int
    repeated: int
    text: str
    fault: str | None


@dataclass
class _Row:
    """A row as it is written, `repeated` times from `number` on; only cells with something to tell."""

    number: int
    repeated: int
    hidden: bool
    cells: list[_Cell] = field(default_factory=list)


@dataclass
class _Sheet:
    name: str
    style: str
    width: int = 0
    merged: list[Area] = field(default_factory=list)


def grids(archive: zipfile.ZipFile, name: str) -> Iterator[Grid]:
    """The sheets that have a value in any cell.

    Raises:
        FileProblem: the workbook is damaged or locked, or a sheet is larger than a table can be.
    """
    sheets: list[_Sheet] = []
    events = _Events(name, None)
    for row in _read(archive, name, events):
        for cell in row.cells:
            sheets = events.sheets
            sheets[-1].width = max(sheets[-1].width, cell.column + cell.repeated)
            if sheets[-1].width > MAX_COLUMNS or row.number + row.repeated - 1 > LAST_ROW:
                raise FileProblem(
                    N_("{file} has a value in cell {cell} of sheet {sheet}: more than {columns} columns or {rows} rows. "
                       "Delete what stands far outside of the table and upload the file again."),
                    file=shorten(name), sheet=shorten(sheets[-1].name), columns=MAX_COLUMNS, rows=LAST_ROW,
                    cell=cell_name(row.number + row.repeated - 1, cell.column + cell.repeated - 1),
                )  # fmt: skip
    for place, sheet in enumerate(events.sheets):
        if sheet.width:
            hidden = sheet.style in events.hidden_styles
            yield _grid(archive, name, place, sheet, hidden)


def _grid(archive: zipfile.ZipFile, name: str, place: int, sheet: _Sheet, hidden: bool) -> Grid:
    def rows(tally: Tally) -> Iterator[tuple[int, list[str]]]:
        for row in _read(archive, name, _Events(name, place)):
            cells = [""] * sheet.width
            for cell in row.cells:
                if cell.fault:
                    tally.add(cell.fault, cell_name(row.number, cell.column))
                cells[cell.column : cell.column + cell.repeated] = [cell.text] * cell.repeated
            for number in range(row.number, row.number + row.repeated):
                if row.hidden and any(cells):
                    tally.add("hidden", f"{number}:{number}")
                yield number, cells.copy()

    return Grid(sheet.name, sheet.width, rows, hidden, tuple(sheet.merged))


def _read(archive: zipfile.ZipFile, name: str, events: _Events) -> Iterator[_Row]:
    with archive.open(CONTENT) as file:
        for _ in read_xml(file, name, events.start, events.end, events.words):
            yield from events.rows
            events.rows.clear()
            if events.done:
                return


class _Events:
    """Turns the events of the XML into rows of one sheet, or of all: those of a block belong to the last of `sheets`."""

    def __init__(self, name: str, wanted: int | None) -> None:
        self.rows: list[_Row] = []
        self.sheets: list[_Sheet] = []
        self.hidden_styles: set[str] = set()
        self.done = False
        self._name, self._wanted = name, wanted
        self._style = ""
        self._row = _Row(0, 1, False)
        self._column = 0
        self._said: dict[str, str] = {}
        self._text: list[str] = []
        self._lines = self._aside = 0
        self._inside = False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag in ("p", "s", "tab", "line-break"):
            self._start_text(tag, attributes)
        elif tag in ("table-cell", "covered-table-cell"):
            self._said = {plain(key): value for key, value in attributes.items() if plain(key) != "value-type"}
            kinds = [value for key, value in attributes.items() if plain(key) == "value-type"]
            self._said["type"] = "error" if "error" in kinds else (kinds[0] if kinds else "")
            self._text, self._lines = [], 0
        elif tag == "table-row":
            after = self._row.number + self._row.repeated
            said = {plain(key): value for key, value in attributes.items()}
            hidden = said.get("visibility", "visible") != "visible"
            self._row = _Row(after, _count(said.get("number-rows-repeated"), self._name), hidden)
            self._column = 0
        elif tag == "table":
            said = {plain(key): value for key, value in attributes.items()}
            self.sheets.append(_Sheet(said.get("name", ""), said.get("style-name", "")))
            self._row = _Row(0, 1, False)
        elif tag == "style":
            self._style = next((value for key, value in attributes.items() if plain(key) == "name"), "")
        elif tag == "table-properties" and "false" in [v for k, v in attributes.items() if plain(k) == "display"]:
            self.hidden_styles.add(self._style)
        elif tag == "annotation":
            self._aside += 1

    def _start_text(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._aside:
            return
        if tag == "p":
            if self._lines:
                self._text.append("\n")
            self._lines += 1
            self._inside = True
        elif tag == "s":
            count = next((value for key, value in attributes.items() if plain(key) == "c"), "1")
            self._text.append(" " * min(_count(count, self._name), 1000))
        else:
            self._text.append("\t" if tag == "tab" else "\n")

    def words(self, text: str) -> None:
        if self._inside and not self._aside:
            self._text.append(text)

    def end(self, tag: str) -> None:
        if tag == "p":
            self._inside = False
        elif tag == "annotation":
            self._aside -= 1
        elif tag in ("table-cell", "covered-table-cell"):
            self._end_cell()
        elif tag == "table-row" and self._row.cells and self._wanted in (None, len(self.sheets) - 1):
            self.rows.append(self._row)
        elif tag == "table" and self._wanted == len(self.sheets) - 1:
            self.done = True

    def _end_cell(self) -> None:
        said, row, column = self._said, self._row, self._column
        repeated = _count(said.get("number-columns-repeated"), self._name)
        self._column += repeated
        text, fault = _value(said, "".join(self._text))
        if text or fault:
            row.cells.append(_Cell(column, repeated, text, fault))
        wide = _count(said.get("number-columns-spanned"), self._name)
        tall = _count(said.get("number-rows-spanned"), self._name)
        if (wide > 1 or tall > 1) and text and self._wanted is None and len(self.sheets[-1].merged) < 1000:
            self.sheets[-1].merged.append((row.number, column, row.number + tall - 1, column + wide - 1))


def _value(said: Mapping[str, str], text: str) -> tuple[str, str | None]:
    """What a cell holds as text, and what is wrong with it."""
    kind = said["type"]
    if kind == "error":
        return "", "error"
    if kind in ("float", "percentage", "currency"):
        return number_text(said.get("value", "")), None
    if kind == "date":
        return said.get("date-value", "").replace("T", " "), None
    if kind == "time":
        return _passed(said.get("time-value", "")), None
    if kind == "boolean":
        return said.get("boolean-value", ""), None
    if not kind and "formula" in said and not text:
        return "", "uncomputed"
    return said.get("string-value") or text, None


def _passed(written: str) -> str:
    """PT09H30M00S as 09:30:00."""
    found = _SPAN.fullmatch(written)
    if found is None:
        return written
    sign, days, hours, minutes, seconds, rest = found.groups()
    thousandths = (rest or "").ljust(3, "0")[:3]
    shown = f"{sign}{int(days or 0) * 24 + int(hours or 0):02}:{int(minutes or 0):02}:{int(seconds or 0):02}"
    return shown if thousandths == "000" else f"{shown}.{thousandths}"


def _count(written: str | None, name: str) -> int:
    if written is None:
        return 1
    if not (written.isascii() and written.isdecimal() and 0 < len(written) < 9):
        raise FileProblem(
            N_("{file} is damaged: {found} is no number of cells. Save the workbook again."),
            file=shorten(name), found=shorten(written),
        )  # fmt: skip
    return max(int(written), 1)
