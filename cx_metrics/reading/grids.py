"""The sheet of a workbook → a table: where its header stands, what is above and beside it, and what its cells could not say."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from cx_metrics.reading.found import FoundTable, Record
from cx_metrics.reading.report import shorten
from cx_metrics.texts import N_, NP_, Text

LOOKED_AT = 100  # rows with values that decide where the header stands
ALMOST_FULL = 0.7  # a header names nearly as many columns as the fullest row has values; titles name one or two

Area = tuple[int, int, int, int]  # first row, first column, last row, last column; rows count from 1, columns from 0


@dataclass
class Tally:
    """What reading the cells of one table came across: how often, and the first place."""

    counts: dict[str, int] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, what: str, place: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1
        self.first.setdefault(what, place)


_TOLD = {
    "error": NP_(
        "{count} cell holds an error such as #N/A and was read as blank ({place}).",
        "{count} cells hold an error such as #N/A and were read as blank (first: {place}).",
    ),
    "uncomputed": NP_(
        "{count} formula has no computed value and was read as blank ({place}). "
        "Open the workbook in a spreadsheet and save it again.",
        "{count} formulas have no computed value and were read as blank (first: {place}). "
        "Open the workbook in a spreadsheet and save it again.",
    ),
    "hidden": NP_(
        "{count} row is hidden in the sheet and was read too ({place}).",
        "{count} rows are hidden in the sheet and were read too (first: {place}).",
    ),
    "beside": NP_(
        "{count} cell with a value stands outside of the table and was not read ({place}).",
        "{count} cells with a value stand outside of the table and were not read (first: {place}).",
    ),
}

Cells = list[str]


@dataclass(frozen=True)
class Grid:
    """One sheet: `rows` hands out the number and the cells of each row that has any, `width` cells from the first column on.

    `merged` are areas shown as one cell; `tables` are the named tables a person made in it.
    """

    name: str
    width: int
    rows: Callable[[Tally], Iterator[tuple[int, Cells]]]
    hidden: bool = False
    merged: tuple[Area, ...] = ()
    tables: tuple[tuple[str, Area], ...] = ()


def cell_name(row: int, column: int) -> str:
    """A place as spreadsheets call it: C7."""
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(65 + letter) + letters
    return f"{letters}{row}"


def column_number(letters: str) -> int:
    """The column that spreadsheets call by these letters, from 0."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def tables_of(grid: Grid) -> list[FoundTable]:
    """The tables of a sheet: one, or each of several that a person has marked as tables; none where all cells are blank."""
    start = list(itertools.islice(((row, cells) for row, cells in grid.rows(Tally()) if any(cells)), LOOKED_AT))
    if not start:
        return []
    if len(grid.tables) > 1:
        return [_marked_table(grid, place, start) for place in range(len(grid.tables))]
    header_row, told = _find_header(grid, start)
    before = [row for row, _ in start if row < header_row]
    if before:
        one, many = NP_(
            "The header is in row {row}; {count} line of notes stands before it.",
            "The header is in row {row}; {count} lines of notes stand before it.",
        )
        told.append(Text(one, {"row": header_row, "count": len(before)}, many, len(before)))
    elif header_row > 1:
        told.append(Text(N_("The header is in row {row}."), {"row": header_row}))
    names, joined = _names(grid, dict(start), header_row)
    if joined:
        told.append(joined)
    used = [column for _, cells in start for column, cell in enumerate(cells) if cell]
    area = header_row, min(used), 10**9, grid.width - 1
    return [_table(grid, grid.name, area, names, told, lambda row, column: row > header_row and column < area[1])]


def _marked_table(grid: Grid, place: int, start: Sequence[tuple[int, Cells]]) -> FoundTable:
    """One of several tables of a sheet; what stands in none of them is told with the first."""
    title, (row, first, last_row, last) = grid.tables[place]
    names = next((cells for number, cells in start if number == row), None)
    if names is None:  # the header stands below the first rows
        names = next((cells for number, cells in grid.rows(Tally()) if number == row), [""] * grid.width)
    told = [Text(N_("The sheet has several tables; this one is called {table}."), {"table": shorten(title)})]

    def nowhere(row: int, column: int) -> bool:
        return not any(a <= row <= c and b <= column <= d for _, (a, b, c, d) in grid.tables)

    area = row, first, last_row, min(last, grid.width - 1)
    return _table(grid, f"{grid.name}: {title}", area, names, told, None if place else nowhere)


def _table(
    grid: Grid, part: str, area: Area, names: Sequence[str], told: list[Text], beside: Callable[[int, int], bool] | None
) -> FoundTable:
    """The rows under the header of an area; `beside` says of a cell whether it is lost to this and every other table."""
    header_row, first, last_row, last = area
    if grid.hidden:
        told.append(Text(N_("This sheet is hidden in the workbook.")))
    whole = beside is None or len(grid.tables) < 2 and first == 0

    def records() -> Iterator[Record]:
        tally = Tally()
        for row, cells in grid.rows(tally):
            if header_row < row <= last_row:
                yield row, cells[first : last + 1]
            if beside is None or whole:
                continue
            for column, cell in enumerate(cells):
                if cell and beside(row, column):
                    tally.add("beside", cell_name(row, column))
        for what, (one, many) in _TOLD.items():
            count = tally.counts.get(what, 0)
            if count:
                told.append(Text(one, {"count": count, "place": tally.first[what]}, many, count))

    return FoundTable(part, tuple(names[first : last + 1]), records(), told, header_row)


def _find_header(grid: Grid, start: Sequence[tuple[int, Cells]]) -> tuple[int, list[Text]]:
    """The header that a person has marked, or the first row with nearly as many values as the fullest one has."""
    if grid.tables:
        title, area = grid.tables[0]
        if any(row == area[0] for row, _ in start):
            return area[0], [Text(N_("A table called {table} is marked in the sheet."), {"table": shorten(title)})]
    fullest = max(sum(map(bool, cells)) for _, cells in start)
    place = next(i for i, (_, cells) in enumerate(start) if sum(map(bool, cells)) >= ALMOST_FULL * fullest)
    row, cells = start[place]
    if _is_worded(cells):
        return row, []
    before, names = start[place - 1] if place else (0, [])
    if before == row - 1 and _is_worded(names) and sum(map(bool, names)) > 1:  # some columns have no name
        return before, []
    source = N_("Row {row} holds more numbers than words and was read as the header all the same.")
    return row, [Text(source, {"row": row})]


def _is_worded(cells: Cells) -> bool:
    return sum(map(_is_word, cells)) * 2 >= sum(map(bool, cells))


def _is_word(cell: str) -> bool:
    """Whether a cell names something: it holds a letter and does not begin like a number or a date."""
    return any(map(str.isalpha, cell)) and not cell[:1].isdigit()


def _names(grid: Grid, start: dict[int, Cells], header_row: int) -> tuple[Cells, Text | None]:
    """The names of the columns; where cells of the header are merged, or one above names several, each column gets its words."""
    names = list(start[header_row])
    groups = [""] * len(names)
    for first_row, first, last_row, last in grid.merged:
        words = start.get(first_row, names)[first] if first < len(names) else ""
        if not words:
            continue
        columns = range(first, min(last + 1, len(names)))
        if first_row <= header_row <= last_row:
            for column in columns:
                names[column] = names[column] or words
        elif first_row == last_row == header_row - 1 and last > first and len(columns) < len(names):
            for column in columns:
                groups[column] = words
    if not any(groups):
        return names, None
    joined = [f"{group} {name}".strip() for group, name in zip(groups, names, strict=True)]
    row = header_row - 1
    return joined, Text(
        N_("Row {row} names groups of columns; their names stand before those of the header."), {"row": row}
    )
