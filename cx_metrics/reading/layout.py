"""What stands around the tables of a text: notes, titles, blank lines, totals; and where each table begins and ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from cx_metrics.reading.headers import Header, find_header, kind_of, without_names
from cx_metrics.reading.records import MAX_COLUMNS, Dialect, records
from cx_metrics.reading.report import shorten

HEAD = 40  # records of each stretch that are looked at
MOST_STRETCHES = 5_000  # with more changes of width than this, a text is one table with ragged rows
MOST_TABLES = 100
FEW = 3  # rows after a table that may be its totals
MOST_OTHERS = 50  # lines that belong to no table, where the tables are not longer
PAIRS = 15  # rows of "name, value" before a table
NOTES = 12  # lines of notes that are kept
MOSTLY_ONE_WIDTH = 0.5  # of the rows of a table

_TOTALS = frozenset(
    {"total", "totals", "grand total", "subtotal", "overall total", "sum total", "total general", "total général", "totale",
     "totaal", "gesamt", "gesamtsumme", "summe", "insgesamt", "итого", "итого и средние", "всего", "итог", "общий итог",
     "المجموع", "المجموع الكلي", "الإجمالي", "الإجمالي الكلي", "إجمالي", "جمع", "جمع کل", "مجموع", "مجموع کل"}
)  # fmt: skip


@dataclass
class Stretch:
    """Records one below the other with as many cells each; `head` are the first of them, with their rows and lines."""

    width: int
    comment: bool
    broken: bool = False
    head: list[tuple[int, int, list[str]]] = field(default_factory=list)
    count: int = 0
    last_row: int = 0
    last: list[str] = field(default_factory=list)
    again: list[int] = field(default_factory=list)  # rows like the first of this width since a blank line


@dataclass
class Table:
    """Where a table lies: the row and line where its header begins, or its records if it has none, and the last row that may be
    a record (None: the end).

    `not_records`: row → code of BROKEN. `before`: how many lines of notes stand before it.
    """

    header: Header
    title: str
    notes: tuple[str, ...]
    before: int
    width: int
    row: int
    line: int
    last_row: int | None
    records: int
    even: int  # those with as many cells as the table, its header included
    index: str = (
        ""  # "first": the first column has no name; "last": the last one has none; "odd": the header has another width
    )
    not_records: dict[int, str] = field(default_factory=dict)
    own_header: tuple[str, ...] = ()


@dataclass
class Layout:
    """All tables with rows; the titles or first names of those without; whether anything but one plain table was found."""

    tables: list[Table] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    simple: bool = True


def find_layout(lines: Sequence[str], dialect: Dialect, whole: bool) -> Layout | None:
    """The tables of a text by its lines (all of them if `whole`, else its beginning); None where it has no more than one column,
    too many, a header that cannot be read, or too many stretches to be anything but one table."""
    found = _sections(_stretches(lines, dialect))
    if found is None or not any(_width(section) > 1 for section in found):
        return None
    sections = [part for section in found for part in _parted(section)]
    if len(sections) == 1 and _share(sections[0]) < MOSTLY_ONE_WIDTH:
        return None
    layout = _Builder().build(sections)
    lines_of_tables = sum(table.even for table in layout.tables) if layout is not None else 0
    others = sum(stretch.count for section in sections for stretch in section if not stretch.comment) - lines_of_tables
    if others > max(MOST_OTHERS, lines_of_tables):
        return None
    if layout is not None and layout.tables and not whole:
        layout.tables[-1].last_row = None
    return layout


def _stretches(lines: Sequence[str], dialect: Dialect) -> Iterator[Stretch | None]:
    """The stretches of a text; None where a blank line (or one with blank cells alone) parts them."""
    now: Stretch | None = None
    firsts: dict[int, list[str]] = {}
    taken: list[str] = []
    line = 0
    for row, cells, broken in records(dialect.unescaped(lines), dialect, taken=taken):
        begun, line = line, line + len(taken)
        if broken is None and not any(cell.strip() for cell in cells):
            if now is not None:
                yield now
                yield None
                firsts.clear()
            now = None
            continue
        if broken is not None and now is not None:
            now.last_row = row
            now.count += 1
            continue
        width = len(cells) if broken is None else 1
        comment = broken is None and cells[0].lstrip().startswith("#")
        if now is None or (now.width, now.comment) != (width, comment):
            if now is not None:
                yield now
            now = Stretch(width, comment, broken is not None)
        if now.count < HEAD:
            now.head.append((row, begun, cells))
        now.count += 1
        now.last_row, now.last = row, cells
        if firsts.setdefault(width, cells) is not cells and firsts[width] == cells:
            now.again.append(row)
    if now is not None:
        yield now


def _sections(found: Iterable[Stretch | None]) -> list[list[Stretch]] | None:
    """Stretches without a blank line between them, together; lines of comments on their own."""
    sections: list[list[Stretch]] = []
    open_one = False
    comments: bool | None = None
    total = 0
    for stretch in found:
        if stretch is None:
            open_one = False
            continue
        total += 1
        if total > MOST_STRETCHES:
            return None
        if comments is None:  # a header may begin with a #, too; a text that begins with a comment has more of them
            comments = stretch.comment and (stretch.width == 1 or len(stretch.head[0][2][0].strip()) > 1)
        stretch.comment = stretch.comment and comments
        if open_one and sections[-1][-1].comment == stretch.comment:
            sections[-1].append(stretch)
        else:
            sections.append([stretch])
        open_one = True
    return sections


def _parted(section: list[Stretch]) -> Iterator[list[Stretch]]:
    """A section in parts, where a table of another width begins with its header right below the rows of another."""
    begun, width = 0, 0
    for place, stretch in enumerate(section):
        if stretch.width < 2 or stretch.count < FEW or stretch.comment:
            continue
        if width and stretch.width != width and _begins(stretch):
            yield section[begun:place]
            begun = place
        if not width or stretch.width != width:
            width = stretch.width
    yield section[begun:]


def _begins(stretch: Stretch) -> bool:
    header = find_header([cells for _row, _line, cells in stretch.head])
    return header.rows > 0 and header.sure


def _share(section: Sequence[Stretch]) -> float:
    """The share of the records of a section that have the number of cells of its table."""
    width = _width(section)
    total = sum(stretch.count for stretch in section)
    return _even(section, width) / total


def _width(section: Sequence[Stretch]) -> int:
    """The number of cells of the table in a section; 1 where there is none."""
    if section[0].comment:
        return 1
    rows = Counter[int]()
    for stretch in section:
        if stretch.width > 1:
            rows[stretch.width] += stretch.count
    return max(rows, key=lambda width: (rows[width] * width, rows[width]), default=1)


class _Builder:
    """Tables from sections, one after another; what stands between them waits until it is known to what it belongs."""

    def __init__(self) -> None:
        self._layout = Layout()
        self._notes: list[str] = []
        self._waiting: list[Stretch] = []  # lines after a table: notes to it, or the title of the next one
        self._above: tuple[int, int, list[str]] | None = None  # a header that is written as a comment
        self._before = 0
        self._broken = False  # a header that cannot be read

    def build(self, sections: Sequence[Sequence[Stretch]]) -> Layout | None:
        tables = self._layout.tables
        for place, section in enumerate(sections):
            width = _width(section)
            if width == 1 or self._is_note(section, width, sections[place + 1 :]):
                self._note(section)
            elif not (tables and self._goes_on(tables[-1], section, width)):
                self._table(section, width)
            if len(tables) > MOST_TABLES or self._broken or width > MAX_COLUMNS:
                return None
        if tables:
            self._close(tables[-1])
        self._layout.empty = [table.title for table in tables if table.records <= 0]
        self._layout.tables = [table for table in tables if table.records > 0]
        self._layout.simple = self._layout.simple and len(tables) == 1
        return self._layout

    def _is_note(self, section: Sequence[Stretch], width: int, later: Sequence[Sequence[Stretch]]) -> bool:
        """A title with blank cells after it, or pairs of name and value before a wider table."""
        rows = sum(stretch.count for stretch in section)
        if rows > PAIRS:
            return False
        heads = [cells for stretch in section for _row, _line, cells in stretch.head]
        if width > 2 and all(_filled(cells) <= 1 for cells in heads):
            return True
        wider = any(_width(other) > max(width, 2) for other in later)
        pairs = width == 2 and not self._layout.tables and wider
        return pairs and (rows <= 2 or not find_header(heads_of(section, width)).sure)

    def _note(self, section: Sequence[Stretch]) -> None:
        for stretch in section:
            self._before += stretch.count
            for row, line, cells in stretch.head:
                text = ", ".join(cell.strip() for cell in cells if cell.strip())
                text = text.lstrip("# ").strip() if stretch.comment else text
                self._above = (row, line, cells) if stretch.comment and len(cells) > 1 else None
                if text.strip("-=_*#· "):
                    self._notes.append(text)
            self._waiting.append(stretch)
        self._layout.simple = False

    def _goes_on(self, table: Table, section: Sequence[Stretch], width: int) -> bool:
        """Whether the section belongs to the table above: more of its rows after a blank line, or its totals."""
        if self._before:
            return False
        rows = heads_of(section, width)
        count = sum(stretch.count for stretch in section)
        header = find_header(rows)
        again = tuple(cell.strip() for cell in rows[0]) == table.own_header
        if count <= FEW and _is_total(rows[0]) or (count == 1 and width != table.width and not header.sure):
            self._after(table, section, "total" if _is_total(rows[0]) else "note")
            return True
        if width != table.width or again or (header.sure and header.rows > 0):
            return False
        table.last_row = section[-1].last_row
        table.records += count
        table.even += _even(section, width)
        return True

    def _after(self, table: Table, section: Sequence[Stretch], code: str) -> None:
        for stretch in section:
            table.not_records |= {row: code for row, _line, _cells in stretch.head}
            table.last_row = stretch.last_row
            table.records += stretch.count
        self._layout.simple = False

    def _close(self, table: Table) -> None:
        """What waits after the last table are notes to it."""
        for stretch in self._waiting:
            self._after(table, [stretch], "note")

    def _table(self, section: Sequence[Stretch], width: int) -> None:
        self._waiting = []
        all_heads = [(row, line, cells, stretch) for stretch in section for row, line, cells in stretch.head]
        start = next(place for place, (_r, _l, cells, _s) in enumerate(all_heads) if len(cells) == width)
        index = ""
        if (
            start
            and not section[0].broken
            and section[0].count == 1
            and abs(section[0].width - width) == 1
            and len(section) > 1
        ):
            index = _unnamed(section[0].head[0][2], heads_of(section, width))
            start = 0 if index else start
        while width > 2 and not index and start + 1 < len(all_heads) and _filled(all_heads[start][2]) <= 1:
            start += 1
        before = _records_before(section, all_heads[start])
        self._before += before
        for _row, _line, cells, _stretch in all_heads[:start]:
            self._notes.append(", ".join(cell.strip() for cell in cells if cell.strip()))
        row, line, cells, _stretch = all_heads[start]
        names = all_heads[start - 1] if start and all_heads[start - 1][0] == row - 1 else None
        rows = [cells for _r, _l, cells, _s in all_heads[start:] if len(cells) == width][:HEAD]
        if index:
            cut = ["", *(cell.strip() for cell in cells)] if index == "first" else [*(c.strip() for c in cells), ""]
            header = Header(1, tuple(cut[:width]))
        else:
            header = find_header(rows or [[*cells, *[""] * width][:width]])
        self._broken = header.rows == 0 and names is not None and names[3].broken
        if header.rows == 0 and names is not None and _filled(names[2]) > 1:
            header = without_names(names[0], [cell.strip() for cell in names[2]], width)
            self._notes, self._before, start, before = self._notes[:-1], self._before - 1, start - 1, before - 1
            row, line, cells = names[:3]
            index = "odd"
        if header.rows == 0 and self._above is not None and len(self._above[2]) == width:
            above = [cell.strip() for cell in self._above[2]]
            header = Header(0, (above[0].lstrip("# "), *above[1:]))
            self._notes, self._before = self._notes[:-1], self._before - 1
        total = sum(stretch.count for stretch in section) - before
        if self._before or header.rows != 1 or index:
            self._layout.simple = False
        own = tuple(cell.strip() for cell in cells) if header.rows else ()
        table = Table(
            header, self._title(header), tuple(self._notes[:NOTES]), self._before, width, row, line, section[-1].last_row,
            total - header.rows, _even(section, width), index, {}, own,
        )  # fmt: skip
        self._add(table, all_heads[start:], section)
        self._notes, self._before, self._above = [], 0, None

    def _add(
        self, table: Table, heads: Sequence[tuple[int, int, list[str], Stretch]], section: Sequence[Stretch]
    ) -> None:
        rows = table.header.rows
        if rows < len(heads) and table.records > 1 and _is_total(heads[rows][2]):
            table.not_records[heads[rows][0]] = "total"
        if table.records > 1 and _is_total(section[-1].last):
            table.not_records[section[-1].last_row] = "total"
        first = next((cells for _row, _line, cells, _stretch in heads if len(cells) == table.width), [])
        if rows and tuple(cell.strip() for cell in first) == table.own_header:
            repeated = [row for stretch in section if stretch.width == table.width for row in stretch.again]
            table.not_records |= dict.fromkeys((row for row in repeated if row > heads[rows - 1][0]), "header")
        names = ["".join(name.casefold().split()) for name in table.header.names]
        if table.not_records or len(set(names)) < len(names) or "" in names:
            self._layout.simple = False
        self._layout.tables.append(table)

    def _title(self, header: Header) -> str:
        """The last note before the table that is words and no "name: value"; else its first names."""
        for note in reversed(self._notes):
            if (
                ":" not in note
                and any(sign.isalpha() for sign in note)
                and not any(sign.isdigit() for sign in note[:4])
            ):
                return shorten(note)
        return shorten(", ".join(name for name in header.names[:3] if name))


def _records_before(section: Sequence[Stretch], head: tuple[int, int, list[str], Stretch]) -> int:
    """How many records of a section stand before one of its heads."""
    count = 0
    for stretch in section:
        if stretch is head[3]:
            return count + [row for row, _line, _cells in stretch.head].index(head[0])
        count += stretch.count
    return count


def _even(section: Sequence[Stretch], width: int) -> int:
    return sum(stretch.count for stretch in section if stretch.width == width)


def heads_of(section: Sequence[Stretch], width: int) -> list[list[str]]:
    """The first records of a section that have this many cells."""
    return [cells for stretch in section if stretch.width == width for _row, _line, cells in stretch.head][:HEAD]


def _filled(cells: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _is_total(cells: Sequence[str]) -> bool:
    """Whether a row says of itself that it is a total, and has numbers."""
    words = [cell.strip().rstrip(":").strip().casefold() for cell in cells[:MAX_COLUMNS]]
    first = next((word for word in words[:2] if word), "")
    return first in _TOTALS and any(kind_of(cell) == "number" for cell in words)


def _unnamed(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Where a header has a name less (or a blank one more) than the rows below it: "first" or "last" column, "" if it is none."""
    if any(kind_of(cell) not in ("", "word") for cell in header) or len(rows) < 2:
        return ""
    width = len(rows[0])
    if len(header) == width + 1:
        return "last" if not header[-1].strip() else ""
    if not any(row[-1].strip() for row in rows):
        return "last"
    firsts = [row[0].strip() for row in rows]
    numbered = all(cell.isdigit() for cell in firsts) and len(set(firsts)) == len(firsts)
    return "first" if numbered else ""
