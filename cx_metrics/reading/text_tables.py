"""Text that is more, or other, than one plain table → the tables in it."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cx_metrics.errors import FileProblem
from cx_metrics.reading.dialect import DELIMITER_NAMES, DELIMITERS, find_delimiter, find_dialect, said_delimiter
from cx_metrics.reading.encodings import encoding_name
from cx_metrics.reading.files import SAMPLE, RawFile, first_lines, is_damaged, lines_of, open_text
from cx_metrics.reading.found import Broken, FoundTable, Record
from cx_metrics.reading.layout import Layout, Table, find_layout
from cx_metrics.reading.records import LONG_CELL, MAX_CELL, Dialect, records
from cx_metrics.reading.report import quoted, shorten
from cx_metrics.reading.scan import readable
from cx_metrics.texts import N_, NP_, Text

SMALL = 8 * 1024**2  # bytes: looked at as a whole; of larger files the beginning says what stands around the table
SMALL_LINES = 200_000
NAMED = 6  # names in a message

_BEFORE = NP_(
    "The header is in row {row}; {count} line before it is no part of the table.",
    "The header is in row {row}; {count} lines before it are no part of the table.",
)
_BEFORE_VALUES = NP_(
    "The values begin in row {row}; {count} line before them is no part of the table.",
    "The values begin in row {row}; {count} lines before them are no part of the table.",
)
_TABLES = N_('The file holds {tables} tables. This one, "{title}", begins in row {row}.')
_EMPTY = NP_(
    "{count} table of the file has a header but no rows, and is left out: {names}.",
    "{count} tables of the file have a header but no rows, and are left out: {names}.",
)
_SHIFTED = N_("As a header was added, rows count one more than in the file.")
_FIRST = N_("The first column has no name. It numbers or names the rows.")
_LAST = N_("The last column has no name and may be blank: rows have a delimiter more, or less, than the header.")
_PARTED = N_("The columns are parted by this sign: {delimiter}.")
_SINGLE = N_("Cells stand in single quotation marks.")
_ESCAPED = N_("Quotation marks inside of cells have a backslash before them.")
_SPACED = N_("A space stands after each delimiter.")
_OTHERS = N_("Letters that look wrong may be right in another encoding: {others}.")
_LEFT = NP_(
    "{count} row is a total, a note or the header once more, and no record.",
    "{count} rows are totals, notes or the header once more, and no records.",
)


def text_tables(
    path: Path, name: str, encoding: str | None = None, delimiter: str | None = None
) -> list[FoundTable] | None:
    """The tables of a text file; None where it is one plain table as it is, which `open_raw` reads (or refuses, saying why).

    Files up to 8 MB are looked at as a whole; of larger ones the first 256 kB say what stands around the table, which then goes
    on to the end. Records are streamed from the file, which must stay where it is.

    Raises:
        FileProblem: no text, beyond a limit, or nothing but tables without rows.
        OptionProblem: an encoding that we do not know.
    """
    raw = open_text(path, name, encoding)
    with readable(name):
        lines, whole = _beginning(raw)
        said = said_delimiter(lines[0]) if lines else None
        if said is not None:
            raw, lines = replace(raw, delimiter_line=True), lines[1:]
        dialect = find_dialect(_few(lines), delimiter or said)
        layout = find_layout(lines, dialect, whole)
        if layout is None or not (layout.tables or layout.empty):
            return None
        if layout.tables and layout.simple and _as_it_is(raw, dialect, delimiter or said):
            return None
        if not layout.tables:
            _refuse_empty(layout, name)
            return None
        if not whole and _only_unnamed(layout) and dialect.plain:
            return None
        del lines
        return list(_found(raw, dialect, layout))


def _beginning(raw: RawFile) -> tuple[list[str], bool]:
    """The lines of a small file, or whole lines of the first 256 kB."""
    with lines_of(raw) as text:
        if raw.lines <= SMALL_LINES:
            start = text.read(SMALL)
            if len(start) < SMALL:
                return io.StringIO(start, newline="").readlines(), True
        else:
            start = text.read(SAMPLE)
    lines = io.StringIO(start[:SAMPLE], newline="").readlines()
    return lines[:-1], False


def _few(lines: Sequence[str]) -> list[str]:
    sizes = itertools.accumulate(map(len, lines))
    return [line for line, size in zip(lines, sizes, strict=False) if size <= SAMPLE]


def _as_it_is(raw: RawFile, dialect: Dialect, said: str | None) -> bool:
    """Whether `open_raw` reads the file as it is meant."""
    if not dialect.plain:
        return False
    with lines_of(raw) as text:
        return dialect.delimiter == (said or find_delimiter(first_lines(text)))


def _only_unnamed(layout: Layout) -> bool:
    """Whether nothing is odd but columns without a name, which `open_raw` calls after their places: not worth a large copy."""
    if len(layout.tables) > 1 or layout.empty:
        return False
    table = layout.tables[0]
    names = ["".join(name.casefold().split()) for name in table.header.names if name]
    plain = table.header.rows == 1 and not table.before and not table.index and not table.not_records
    return plain and len(set(names)) == len(names)


def _refuse_empty(layout: Layout, name: str) -> None:
    """Only headers: a single one is for `open_raw` to refuse."""
    if len(layout.empty) > 1:
        count = len(layout.empty)
        one, many = NP_(
            "{file} holds {count} table with a header but no rows: {names}. Choose another period and export again.",
            "{file} holds {count} tables with a header but no rows: {names}. Choose another period and export again.",
        )
        about = {"file": shorten(name), "count": count, "names": _names(layout.empty)}
        raise FileProblem(Text(one, about, many, count))


def _found(raw: RawFile, dialect: Dialect, layout: Layout) -> Iterator[FoundTable]:
    taken: dict[str, int] = {}
    for place, table in enumerate(layout.tables):
        told = _told(raw, dialect, table)
        part = ""
        if len(layout.tables) > 1:
            taken[table.title] = taken.get(table.title, 0) + 1
            part = table.title if taken[table.title] == 1 else f"{table.title} ({taken[table.title]})"
            told.insert(0, Text(_TABLES, {"tables": len(layout.tables), "title": part, "row": table.row}))
        if place == 0 and layout.empty:
            count = len(layout.empty)
            told.append(Text(_EMPTY[0], {"count": count, "names": _names(layout.empty)}, _EMPTY[1], count))
        yield FoundTable(
            part,
            table.header.names,
            _records(raw, dialect, table, told),
            told,
            questions=dict(table.header.questions),
            notes=table.notes,
        )


def _told(raw: RawFile, dialect: Dialect, table: Table) -> list[Text]:
    """What had to be understood before the first record."""
    told = [] if raw.encoding_reason is None or raw.encoding == "utf-8" else [raw.encoding_reason]
    if raw.other_encodings:
        told.append(Text(_OTHERS, {"others": ", ".join(map(encoding_name, raw.other_encodings))}))
    if dialect.delimiter not in DELIMITERS:
        name = DELIMITER_NAMES.get(dialect.delimiter)
        told.append(Text(_PARTED, {"delimiter": Text(name) if name else dialect.delimiter}))
    told += [Text(_SINGLE)] if dialect.quote == "'" else []
    told += [Text(_ESCAPED)] if dialect.escaped else []
    told += [Text(_SPACED)] if dialect.spaced else []
    if table.before:
        one, many = _BEFORE if table.header.rows else _BEFORE_VALUES
        told.append(Text(one, {"row": table.row, "count": table.before}, many, table.before))
    told += table.header.told
    told += [Text(_SHIFTED)] if _is_shifted(table) else []
    if table.index == "first" or (table.header.names[0] == "" and not table.index):
        told.append(Text(_FIRST))
    return told + ([Text(_LAST)] if table.index == "last" else [])


def _is_shifted(table: Table) -> bool:
    """Whether a header that is not in the file has to take the place of the first record."""
    return table.row == 1 and table.header.rows == 0


def _records(raw: RawFile, dialect: Dialect, table: Table, told: list[Text]) -> Iterator[Record]:
    """The records of a table, read again from the file; what is told is completed with the rows that are none."""
    shift = 1 if _is_shifted(table) else 0
    skip, left = table.header.rows, 0
    with readable(raw.name), lines_of(raw) as text:
        lines = dialect.unescaped(itertools.islice(text, table.line, None))
        row = table.row
        while block := list(itertools.islice(lines, 4096)):
            for number, cells, broken in records(block, dialect, row, lines):
                row = number + 1
                if table.last_row is not None and number > table.last_row:
                    break
                if skip or not cells:
                    skip -= skip > 0 and (broken is not None or any(cell.strip() for cell in cells))
                    continue
                code = table.not_records.get(number) or _fault(cells, broken, bool(raw.damaged_lines))
                left += number in table.not_records
                if code is not None:
                    yield number + shift, Broken(code, shorten(dialect.delimiter.join(cells)))
                else:
                    cut = cells[: table.width] if table.index == "last" and not any(cells[table.width :]) else cells
                    yield number + shift, cut
            else:
                continue
            break
    if left:
        told.append(Text(_LEFT[0], {"count": left}, _LEFT[1], left))


def _fault(cells: list[str], broken: Text | None, damaged: bool) -> str | None:
    """The code of what is wrong with a record."""
    if broken is not None:
        return "long" if broken is LONG_CELL else "quotation"
    if damaged and is_damaged(cells):
        return "damaged"
    return (
        "long"
        if any(len(cell) * 4 > MAX_CELL and len(cell.encode("utf-8", "replace")) > MAX_CELL for cell in cells)
        else None
    )


def _names(names: Sequence[str]) -> tuple[Text, ...]:
    return quoted(names, NAMED)
