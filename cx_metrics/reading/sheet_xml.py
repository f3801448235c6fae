"""The XML of one sheet of a workbook → its rows.

Nearly all programs write a sheet in one plain way, which `sheet_blocks` reads several times as fast as any parser; a sheet
written otherwise goes through the parser. Both say the same. `scan` decides, and finds how wide the sheet is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from cx_metrics.errors import FileProblem
from cx_metrics.reading.grids import Tally, cell_name, column_number
from cx_metrics.reading.report import shorten
from cx_metrics.reading.xml_events import plain, read_xml
from cx_metrics.texts import N_

BLOCK = 1024 * 1024
MAX_ROW = 32 * BLOCK  # bytes; a row of a table is at most half as long
TAIL = 8 * BLOCK  # bytes after the last row: what is merged
LAST_ROW = 1_048_576

Meaning = Callable[[str], str] | list[str] | None  # how a value is read, or the texts it counts in; None for an error
Means = Callable[[str, str], Meaning]  # by type and style of a cell
Rows = Iterator[tuple[int, list[str]]]

_CODED = re.compile(r"_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True)
class Scan:
    """Whether a sheet is written in the plain way, how many columns it has then, and what follows its rows."""

    simple: bool
    width: int
    tail: bytes


def scan(file: IO[bytes], name: str) -> Scan:
    """One look through the XML of a sheet."""
    simple, width, tail = True, 0, b""
    for rows, is_tail in blocks(file, name):
        if is_tail:
            tail = rows
            simple = simple and b"<!" not in tail and (b"</sheetData>" in tail or b"<sheetData/>" in tail)
            break
        body = rows[rows.find(b"<sheetData") :] if b"<sheetData" in rows else rows
        cells = rows.count(b"<c ") + rows.count(b"<c>") + rows.count(b"<c/>")
        plain_cells = cells == rows.count(b'<c r="') and rows.count(b"<") == rows.count(b">")
        simple = simple and plain_cells and b"<!" not in rows and b"\r" not in body
        if simple:
            width = max(width, _widest(rows))
    return Scan(simple, width, tail)


def _widest(rows: bytes) -> int:
    """How many columns these rows have, up to the last value."""
    ends = set()
    for row in rows.split(b"</row>"):
        at = row.rfind(b'<c r="')
        while (
            at >= 0 and row[row.find(b">", at) - 1] == 47
        ):  # "/>": styled cells without a value may go on to the last column
            at = row.rfind(b'<c r="', 0, at)
        if at >= 0:
            ends.add(row[at + 6 : row.find(b'"', at + 6)].rstrip(b"0123456789"))
    return max((column_number(letters.decode("ascii", "replace")) + 1 for letters in ends), default=0)


def blocks(file: IO[bytes], name: str) -> Iterator[tuple[bytes, bool]]:
    """Whole rows, many at once; then what follows the last row, at most TAIL of it, marked with True."""
    rest = b""
    while block := file.read(BLOCK):
        rest += block
        cut = rest.rfind(b"</row>") + 6
        if cut > 5:
            yield rest[:cut], False
            rest = rest[cut:]
        elif len(rest) > MAX_ROW:
            if b"</sheetData>" in rest or b"<sheetData/>" in rest:
                break
            raise FileProblem(
                N_("{file} has a row longer than {limit} MB, so it is no table. Save the table itself as a workbook."),
                file=shorten(name), limit=MAX_ROW // BLOCK,
            )  # fmt: skip
    while file.read(BLOCK):  # to its end, where its check sum is compared
        pass
    yield rest[:TAIL], True


def no_such_text(name: str) -> FileProblem:
    return FileProblem(
        N_("{file} is damaged: a cell refers to a text that is not there. Save the workbook again."), file=shorten(name)
    )


def plain_words(text: str) -> str:
    """A text of a workbook, in which signs that XML cannot hold are written _x000D_."""
    return _CODED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


@dataclass
class _Cell:
    column: int
    kind: str
    style: str
    value: str = ""
    formula: bool = False


def careful_rows(file: IO[bytes], name: str, width: int, means: Means, tally: Tally) -> Rows:
    """The rows of any sheet."""
    last = 0
    for row, hidden, found in _parsed_rows(file, name):
        number = row or last + 1
        if not last < number <= LAST_ROW:
            raise disorder(number, name)
        last = number
        cells = [""] * width
        for cell in found:
            if not cell.value:
                if cell.formula and not cell.kind:
                    tally.add("uncomputed", cell_name(number, cell.column))
                continue
            meaning = means(cell.kind, cell.style)
            if meaning is None:
                tally.add("error", cell_name(number, cell.column))
            elif isinstance(meaning, list):
                try:
                    cells[cell.column] = meaning[int(cell.value)]
                except (IndexError, ValueError) as fault:
                    raise no_such_text(name) from fault
            else:
                cells[cell.column] = meaning(cell.value)
        if hidden and any(cells):
            tally.add("hidden", f"{number}:{number}")
        if any(cells):
            yield number, cells


def careful_width(file: IO[bytes], name: str) -> int:
    """How many columns a sheet has, whatever way it is written."""
    rows = _parsed_rows(file, name)
    return max((cell.column + 1 for _, _, cells in rows for cell in cells if cell.value or cell.formula), default=0)


def _parsed_rows(file: IO[bytes], name: str) -> Iterator[tuple[int, bool, list[_Cell]]]:
    """Number (0 where none is said), whether it is hidden, and the cells of each row, by the XML parser."""
    done: list[tuple[int, bool, list[_Cell]]] = []
    cells: list[_Cell] = []
    row, hidden = 0, False
    reading, sounds = False, 0  # whether words belong to a value

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        nonlocal row, hidden, reading, sounds, cells
        said = {plain(key): value for key, value in attributes.items()}
        if tag == "row":
            row, hidden, cells = int(said.get("r", "0")), said.get("hidden") in ("1", "true"), []
        elif tag == "c":
            letters = said.get("r", "").rstrip("0123456789")
            column = column_number(letters) if letters else (cells[-1].column + 1 if cells else 0)
            cells.append(_Cell(column, said.get("t", ""), said.get("s", "")))
        elif tag == "f" and cells:
            cells[-1].formula = True
        elif tag == "rPh":
            sounds += 1
        reading = bool(cells) and (tag == "v" or tag == "t" and not sounds)

    def words(text: str) -> None:
        if reading:
            cells[-1].value += text

    def end(tag: str) -> None:
        nonlocal reading, sounds, cells
        reading = False
        if tag == "rPh":
            sounds -= 1
        elif tag == "row":
            done.append((row, hidden, cells))
            cells = []

    for _ in read_xml(file, name, start, end, words):
        yield from done
        done.clear()


def disorder(row: int, name: str) -> FileProblem:
    """A row that does not come after those before it, or whose cells stand in no order."""
    return FileProblem(
        N_("{file} is damaged: rows or cells are out of their order near row {row}. Save the workbook again."),
        file=shorten(name), row=row,
    )  # fmt: skip
