"""The XML of one sheet of a workbook → its rows.

Nearly all programs write a sheet in one plain way, which is read by pattern, twice as fast as any parser; a sheet written
otherwise goes through the parser. Both say the same. `scan` decides, and finds how wide the sheet is.
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

_CELL = re.compile(r'<c r="([A-Z]+)[0-9]+"([^>]*?)(?:/>|>(?:<v>([^<]*)</v>|(.*?))</c>)', re.DOTALL)
_ROW = re.compile(r'<row\b(?:[^>]*? r="(\d+)")?[^>]*>')
_VALUE = re.compile(r"<v(?: [^>]*)?>([^<]*)</v>")
_WORDS = re.compile(r"<t(?: [^>]*)?>([^<]*)</t>")
_SOUNDS = re.compile(r"<rPh\b.*?</rPh>", re.DOTALL)
_TYPE = re.compile(r'\bt="(\w+)"')
_STYLE = re.compile(r'\bs="(\d+)"')
_HIDDEN = re.compile(r'\bhidden="(?:1|true)"')
_REFERENCE = re.compile(r"&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
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
    for rows, is_tail in _blocks(file, name):
        if is_tail:
            tail = rows
            simple = simple and b"<!" not in tail and (b"</sheetData>" in tail or b"<sheetData/>" in tail)
            break
        body = rows[rows.find(b"<sheetData") :] if b"<sheetData" in rows else rows
        cells = rows.count(b"<c ") + rows.count(b"<c>") + rows.count(b"<c/>")
        simple = simple and b"<!" not in rows and b"\r" not in body and cells == rows.count(b'<c r="')
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


def _blocks(file: IO[bytes], name: str) -> Iterator[tuple[bytes, bool]]:
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


def quick_rows(file: IO[bytes], name: str, width: int, means: Means, tally: Tally) -> Rows:
    """The rows of a sheet that is written in the plain way."""
    meanings: dict[str, Meaning] = {}
    columns = _Columns()
    last, blank = 0, [""] * width
    pieces = (row for rows, is_tail in _blocks(file, name) if not is_tail for row in rows.decode().split("</row>")[:-1])
    for piece in pieces:
        at = max(piece.rfind("<row"), 0)
        head = _ROW.match(piece, at)
        number = int(head[1]) if head and head[1] else last + 1
        if not last < number <= LAST_ROW:
            raise _disorder(last, number, name)
        last = number
        cells = blank.copy()
        for letters, attributes, value, other in _CELL.findall(piece, at):
            if other:
                value = _inner(other, attributes)
                if value is None:
                    tally.add("uncomputed", f"{letters}{number}")
            if not value:
                continue
            if attributes not in meanings:
                meanings[attributes] = means(_first(_TYPE, attributes), _first(_STYLE, attributes))
            meaning = meanings[attributes]
            if type(meaning) is list:
                try:
                    cells[columns[letters]] = meaning[int(value)]
                except (IndexError, ValueError) as fault:
                    raise _no_such_text(name) from fault
            elif meaning is None:
                tally.add("error", f"{letters}{number}")
            else:
                cells[columns[letters]] = meaning(_resolved(value) if "&" in value else value)  # type: ignore[operator]
        if head and "hidden=" in head[0] and _HIDDEN.search(head[0]) and any(cells):
            tally.add("hidden", f"{number}:{number}")
        yield number, cells


class _Columns(dict[str, int]):
    """The places of columns by their letters."""

    def __missing__(self, letters: str) -> int:
        self[letters] = column_number(letters)
        return self[letters]


def _no_such_text(name: str) -> FileProblem:
    return FileProblem(
        N_("{file} is damaged: a cell refers to a text that is not there. Save the workbook again."), file=shorten(name)
    )


def _first(pattern: re.Pattern[str], attributes: str) -> str:
    found = pattern.search(attributes)
    return found[1] if found else ""


def _inner(other: str, attributes: str) -> str | None:
    """The value of a cell that holds more than one; None for a formula that nobody has computed."""
    if "<is" in other:
        return "".join(_WORDS.findall(_SOUNDS.sub("", other)))
    found = _VALUE.search(other)
    value = found[1] if found else ""
    return None if not value and "<f" in other and not _TYPE.search(attributes) else value


def _resolved(text: str) -> str:
    """A text of XML with its references as the signs they stand for."""

    def sign(found: re.Match[str]) -> str:
        if found[3]:
            return _NAMED[found[3]]
        code = int(found[1]) if found[1] else int(found[2], 16)
        return chr(code) if code <= 0x10FFFF else found[0]

    return _REFERENCE.sub(sign, text)


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
            raise _disorder(last, number, name)
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
                    raise _no_such_text(name) from fault
            else:
                cells[cell.column] = meaning(cell.value)
        if hidden and any(cells):
            tally.add("hidden", f"{number}:{number}")
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


def _disorder(last: int, number: int, name: str) -> FileProblem:
    return FileProblem(
        N_("{file} is damaged: row {row} of a sheet comes after row {last}. Save the workbook again."),
        file=shorten(name), row=number, last=last,
    )  # fmt: skip
