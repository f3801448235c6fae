"""The user's own dictionary as a file: which touchpoint belongs where, to be kept, corrected in a spreadsheet and read back."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from cx_metrics.errors import FileProblem, MappingProblem, nearest
from cx_metrics.exports.tables import disarmed
from cx_metrics.limits import MB
from cx_metrics.reading.aliases import plain
from cx_metrics.reading.mapping import NameMapping
from cx_metrics.reading.report import quoted, shorten
from cx_metrics.tables import PHASES, STAGES, TOUCHPOINT_TYPES
from cx_metrics.texts import N_, Text

COLUMNS = ("raw_touchpoint", "touchpoint", "phase", "stage", "touchpoint_type", "channel")
ALLOWED: Mapping[str, tuple[str, ...]] = {"phase": PHASES, "touchpoint_type": TOUCHPOINT_TYPES}
LARGEST = 50 * MB
DELIMITERS = (",", ";", "\t")
_UNNAMED = "dictionary.csv"  # what bytes are called in a message


def write_dictionary_csv(names: Mapping[str, NameMapping]) -> str:
    """The mappings as CSV, a row a name, in the order they come in; `read_dictionary_csv` reads them back.

    A cell that a spreadsheet would take for a formula gets a leading apostrophe, which reading takes away again.
    Confidence and reason stay behind: what is in the file is what somebody wants.
    """
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for raw, mapping in names.items():
        axes = (getattr(mapping, column) or "" for column in COLUMNS[1:])
        writer.writerow([_disarm(cell) for cell in (raw, *axes)])
    return lines.getvalue()


def read_dictionary_csv(source: Path | bytes, name: str = "") -> dict[str, NameMapping]:
    """The mappings of such a file, by raw name. A blank cell says nothing: then the file or the dictionary counts.

    Columns may come in any order; of all but `raw_touchpoint` any may be missing. Comma, semicolon and tab part the cells,
    as spreadsheets of different countries write them; the text is UTF-8, or UTF-16 with its mark.

    Raises:
        FileProblem: no text, too large, no row, a row with too many cells.
        MappingProblem: a column or a value that is none of ours, a row without a name, one name with two mappings.
    """
    shown = shorten(name or (source.name if isinstance(source, Path) else _UNNAMED))
    rows = _rows(_text(source, shown), shown)
    _row, header = next(rows, (1, []))
    places = _columns(header, shown)
    found: dict[str, NameMapping] = {}
    first: dict[str, int] = {}
    for row, cells in rows:
        if len(cells) > len(header):
            raise FileProblem(
                N_("{file}: row {row} has {found} cells, but the header has {expected}. Put names with a delimiter in quotes."),
                file=shown, row=row, found=len(cells), expected=len(header),
            )  # fmt: skip
        said: dict[str, str | None] = {
            column: _cell(cells[i], column, row, shown) for column, i in places.items() if i < len(cells)
        }
        raw = said.pop("raw_touchpoint", None)
        if raw is None and not any(said.values()):
            continue
        if raw is None:
            raise MappingProblem(
                N_('{file}: row {row} has no value in column "{column}", so nobody knows which name it maps. Fill it in.'),
                file=shown, row=row, column="raw_touchpoint",
            )  # fmt: skip
        touchpoint, phase, stage, kind, channel = (said.get(column) for column in COLUMNS[1:])
        mapping = NameMapping(raw, touchpoint, channel, kind, stage, phase)
        if found.setdefault(raw, mapping) != mapping:
            raise MappingProblem(
                N_('{file}: rows {first} and {row} map "{name}" to different places. Keep one of them.'),
                file=shown, first=first[raw], row=row, name=shorten(raw),
            )  # fmt: skip
        first.setdefault(raw, row)
    return found


def _text(source: Path | bytes, shown: str) -> str:
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > LARGEST:
        raise FileProblem(
            N_("{file} is larger than {limit} MB; a dictionary of touchpoints was expected."),
            file=shown,
            limit=LARGEST // MB,
        )
    content = source if isinstance(source, bytes) else source.read_bytes()
    utf16 = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as problem:
        raise FileProblem(
            N_("{file} is not text in UTF-8 (byte {byte}). In the spreadsheet, save it as CSV UTF-8."),
            file=shown,
            byte=problem.start + 1,
        ) from problem
    if not text.strip():
        raise FileProblem(
            N_("{file} is empty. Its first row has to name the columns: {columns}."),
            file=shown,
            columns=", ".join(COLUMNS),
        )
    return text


def _rows(text: str, shown: str) -> Iterator[tuple[int, list[str]]]:
    """The rows with their number, the header first; rows without any cell are left out."""
    line = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=line.count)
    row = 0
    try:
        for row, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), start=1):
            if cells:
                yield row, cells
    except csv.Error as problem:
        raise FileProblem(
            N_("{file}: row {row} holds a cell that is too long for a name, or a quote that is never closed. Look at its quotes."),
            file=shown, row=row + 1,
        ) from problem  # fmt: skip


def _columns(header: list[str], shown: str) -> dict[str, int]:
    """Our column → its place.

    Raises:
        MappingProblem: a column that is none of ours or stands there twice, or no column of raw names.
    """
    known = {plain(column): column for column in COLUMNS}
    places: dict[str, int] = {}
    for i, cell in enumerate(header):
        column = known.get(plain(cell))
        if column is None and not cell.strip():
            continue
        if column is None or column in places:
            close = nearest(cell, COLUMNS) if column is None else None
            raise MappingProblem(
                N_('{file}: row 1, column {place} is called "{found}", which is none of {columns}, or is there twice. {hint}'),
                file=shown, place=i + 1, found=shorten(cell), columns=", ".join(COLUMNS),
                hint=Text(N_('Did you mean "{name}"?'), {"name": close}) if close else Text(N_("Rename or remove it.")),
            )  # fmt: skip
        places[column] = i
    if "raw_touchpoint" not in places:
        raise MappingProblem(
            N_('{file} has no column "{column}", which says what your files call a touchpoint. Its columns are: {headers}.'),
            file=shown, column="raw_touchpoint", headers=quoted(header, 12),
        )  # fmt: skip
    return places


def _cell(cell: str, column: str, row: int, shown: str) -> str | None:
    value = _rearm(cell.strip())
    if not value:
        return None
    lower = value.casefold()
    if column == "stage":
        return lower if lower in STAGES else value
    allowed = ALLOWED.get(column)
    if allowed is None:
        return value
    if lower not in allowed:
        raise MappingProblem(
            N_('{file}: row {row}, column "{column}" holds "{found}". It may be one of: {known}; or blank.'),
            file=shown, row=row, column=column, found=shorten(value), known=", ".join(allowed),
        )  # fmt: skip
    return lower


def _disarm(cell: str) -> str:
    """The cell with an apostrophe more if it is a formula, also behind apostrophes: so that `_rearm` knows its own."""
    cell = cell.replace("\0", "")
    return "'" + cell if _is_formula(cell.lstrip("'")) else cell


def _rearm(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _is_formula(cell.lstrip("'")) else cell


def _is_formula(text: str) -> bool:
    return disarmed(text) != text.replace("\0", "")
