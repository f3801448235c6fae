"""Excel workbooks (XLSX, XLSM) as a stream of rows: what each cell holds, exactly, in little memory.

Sheets are read as they are written, row by row: a library that builds the whole sheet first needs a gigabyte for a
million rows, and no longer knows which cell held an error or a formula without a value.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from posixpath import join, normpath
from typing import IO

from cx_metrics.errors import FileProblem
from cx_metrics.reading import sheet_blocks, sheet_xml
from cx_metrics.reading.cell_values import NUMBER, date_text, kind_of_format, number_text
from cx_metrics.reading.grids import Area, Grid, Tally, cell_name, column_number
from cx_metrics.reading.records import MAX_COLUMNS
from cx_metrics.reading.report import shorten
from cx_metrics.reading.sheet_xml import Meaning, plain_words
from cx_metrics.reading.xml_events import plain, read_xml
from cx_metrics.texts import N_

MAX_SHEETS = 200

_RANGE = re.compile(r"\$?([A-Z]{1,3})\$?(\d{1,7})(?::\$?([A-Z]{1,3})\$?(\d{1,7}))?")
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*?\bref="([A-Z0-9:$]+)"')


@dataclass(frozen=True)
class Sheet:
    """A sheet as the workbook lists it; `kind` is the last word of its relation: worksheet, chartsheet, dialogsheet …"""

    name: str
    kind: str
    hidden: bool
    target: str


def grids(archive: zipfile.ZipFile, name: str) -> Iterator[Grid]:
    """The worksheets of a workbook that have a value in any cell.

    Raises:
        FileProblem: the workbook is damaged, or a sheet is wider than a table can be.
    """
    book = _Book(archive, name)
    for sheet in book.sheets():
        if sheet.kind == "worksheet":
            grid = book.grid(sheet)
            if grid is not None:
                yield grid


class _Book:
    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._archive, self._name = archive, name
        self._members = {member.casefold(): member for member in archive.namelist()}
        main = [target for kind, target in self._related("", "_rels/.rels").values() if kind == "officeDocument"]
        self._main = main[0] if main else "xl/workbook.xml"
        folder, _, own = self._main.rpartition("/")
        self._parts = self._related(folder, join(folder, "_rels", f"{own}.rels"))
        self._from_1904 = False
        self._formats: list[str] | None = None
        self._strings: list[str] | None = None

    def sheets(self) -> list[Sheet]:
        found: list[Sheet] = []

        def start(tag: str, attributes: Mapping[str, str]) -> None:
            said = {plain(key): value for key, value in attributes.items()}
            if tag == "workbookPr":
                self._from_1904 = said.get("date1904", "0") in ("1", "true")
            elif tag == "sheet":
                kind, target = self._parts.get(said.get("id", ""), ("", ""))
                found.append(Sheet(said.get("name", ""), kind, said.get("state", "visible") != "visible", target))

        self._read(self._main, start)
        if len(found) > MAX_SHEETS:
            raise FileProblem(
                N_("{file} has {found} sheets, more than {limit}. Save the ones you need as a workbook of their own."),
                file=shorten(self._name), found=len(found), limit=MAX_SHEETS,
            )  # fmt: skip
        return found

    def grid(self, sheet: Sheet) -> Grid | None:
        with self._open(sheet.target) as file:
            scan = sheet_xml.scan(file, self._name)
        width = scan.width
        if not scan.simple:
            with self._open(sheet.target) as file:
                width = sheet_xml.careful_width(file, self._name)
        if width == 0:
            return None
        if width > MAX_COLUMNS:
            raise FileProblem(
                N_("{file} has a value in column {column} of sheet {sheet}: more than {limit} columns. "
                   "Delete what stands far to the right, or keep the columns you need, and upload the file again."),
                file=shorten(self._name), column=cell_name(0, width - 1)[:-1], sheet=shorten(sheet.name), limit=MAX_COLUMNS,
            )  # fmt: skip
        read = sheet_blocks.quick_rows if scan.simple else sheet_xml.careful_rows

        def rows(tally: Tally) -> Iterator[tuple[int, list[str]]]:
            with self._open(sheet.target) as file:
                yield from read(file, self._name, width, self._meaning, tally)

        merged = tuple(area for ref in _MERGED.findall(scan.tail) if (area := _area(ref.decode())))
        return Grid(sheet.name, width, rows, sheet.hidden, merged, tuple(self._tables(sheet)))

    # the parts beside the sheets -------------------------------------------------------------------------------------

    def _open(self, member: str) -> IO[bytes]:
        known = self._members.get(member.casefold())
        if known is None:
            raise FileProblem(
                N_("{file} is damaged: its part {part} is missing. Save the workbook again."),
                file=shorten(self._name), part=shorten(member),
            )  # fmt: skip
        return self._archive.open(known)

    def _read(
        self,
        member: str,
        start: Callable[[str, Mapping[str, str]], None],
        end: Callable[[str], None] = lambda _tag: None,
        words: Callable[[str], None] | None = None,
    ) -> None:
        with self._open(member) as file:
            for _ in read_xml(file, self._name, start, end, words):
                pass

    def _related(self, folder: str, member: str) -> dict[str, tuple[str, str]]:
        """What a part refers to: by id, the kind and where it is in the archive."""
        found: dict[str, tuple[str, str]] = {}

        def start(tag: str, attributes: Mapping[str, str]) -> None:
            if tag == "Relationship" and attributes.get("TargetMode") != "External":
                target = attributes.get("Target", "")
                whole = target[1:] if target.startswith("/") else normpath(join(folder, target))
                found[attributes.get("Id", "")] = attributes.get("Type", "").rpartition("/")[2], whole

        if member.casefold() in self._members:
            self._read(member, start)
        return found

    def _part(self, kind: str) -> str | None:
        found = [target for said, target in self._parts.values() if said == kind]
        return found[0] if found and found[0].casefold() in self._members else None

    def _tables(self, sheet: Sheet) -> Iterator[tuple[str, Area]]:
        folder, _, own = sheet.target.rpartition("/")
        for kind, target in self._related(folder, join(folder, "_rels", f"{own}.rels")).values():
            found: list[tuple[str, Area]] = []

            def start(tag: str, said: Mapping[str, str], found: list[tuple[str, Area]] = found) -> None:
                area = _area(said.get("ref", "")) if tag == "table" and said.get("headerRowCount", "1") != "0" else None
                if area:
                    found.append((said.get("displayName") or said.get("name") or "", area))

            if kind == "table" and target.casefold() in self._members:
                self._read(target, start)
            yield from found

    @property
    def strings(self) -> list[str]:
        """The texts that cells share."""
        if self._strings is None:
            texts = _SharedTexts()
            member = self._part("sharedStrings")
            if member is not None:
                self._read(member, texts.start, texts.end, texts.words)
            self._strings = texts.found
        return self._strings

    @property
    def formats(self) -> list[str]:
        """What values with each style are: numbers, dates, times …"""
        if self._formats is None:
            codes: dict[int, str] = {}
            used: list[int] = []
            inside = False

            def start(tag: str, attributes: Mapping[str, str]) -> None:
                nonlocal inside
                if tag == "numFmt":
                    codes[_whole(attributes.get("numFmtId"))] = attributes.get("formatCode", "")
                elif tag == "cellXfs":
                    inside = True
                elif tag == "xf" and inside:
                    used.append(_whole(attributes.get("numFmtId")))

            def end(tag: str) -> None:
                nonlocal inside
                inside = inside and tag != "cellXfs"

            member = self._part("styles")
            if member is not None:
                self._read(member, start, end)
            self._formats = [kind_of_format(number, codes.get(number)) for number in used]
        return self._formats

    # what a cell holds -----------------------------------------------------------------------------------------------

    def _meaning(self, kind: str, style: str) -> Meaning:
        """How the value of a cell of this type and style is read; None for an error."""
        if kind == "s":
            return self.strings
        if kind == "e":
            return None
        if kind == "b":
            return lambda value: {"1": "true", "0": "false"}.get(value, value)
        if kind == "d":
            return lambda value: value.replace("T", " ").removesuffix(" 00:00:00")
        if kind in ("str", "inlineStr"):
            return plain_words
        known = self.formats
        place = int(style) if style.isdecimal() else 0
        what = known[place] if place < len(known) else NUMBER
        if what == NUMBER:
            return number_text
        return lambda value: date_text(value, what, self._from_1904)


class _SharedTexts:
    """Collects the texts of `si` elements, runs of one text joined, the marks of how they sound left out."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._parts: list[str] = []
        self._inside, self._sounds = False, False

    def start(self, tag: str, _attributes: Mapping[str, str]) -> None:
        if tag == "si":
            self._parts = []
        elif tag == "rPh":
            self._sounds = True
        self._inside = tag == "t" and not self._sounds

    def words(self, text: str) -> None:
        if self._inside:
            self._parts.append(text)

    def end(self, tag: str) -> None:
        self._inside = False
        if tag == "rPh":
            self._sounds = False
        elif tag == "si":
            self.found.append(plain_words("".join(self._parts)))


def _whole(written: str | None) -> int:
    return int(written) if written and written.isdecimal() and len(written) < 7 else 0


def _area(written: str) -> Area | None:
    """B2:D9 as rows and columns; None for what is no area."""
    found = _RANGE.fullmatch(written)
    if found is None:
        return None
    first, row, last, last_row = found.groups()
    return int(row), column_number(first), int(last_row or row), column_number(last or first)
