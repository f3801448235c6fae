"""Tables on slides: as many rows and columns as can be read from the back of a room, the rest on the next slide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cx_metrics.charts.theme import LIGHT, Reader
from cx_metrics.exports import fonts
from cx_metrics.exports.blocks import Cell, Grid
from cx_metrics.exports.slide_words import Words, points, write

INSET = 6.0  # points around the words of a cell
MOST = 300.0  # points of a column that words may take without a break
LINE = 1.25


def tables(grid: Grid, first: float, room: float, across: float, size: float, reader: Reader) -> Iterator[Grid]:
    """The table in parts that fit on a slide, each with its heads, and with the names of its rows. `first`: what room is left on
    the slide that is begun."""
    for part in _columns(grid, across, size, reader):
        wide = widths(part, across, size, reader)
        heights = row_heights(part, wide, size, reader)
        head = heights[0] if part.heads else 0.0
        rows: list[Sequence[Cell]] = []
        used = head
        for row, height in zip(part.rows, heights[1:] if part.heads else heights, strict=True):
            if rows and used + height > first:
                first = room
                yield Grid(part.heads, rows)
                rows, used = [], head
            rows.append(row)
            used += height
        first = room
        yield Grid(part.heads, rows)


def _columns(grid: Grid, across: float, size: float, reader: Reader) -> Iterator[Grid]:
    """The table by columns that fit side by side; the first stands before each part."""
    least = _least(grid, size, reader)
    count = len(least)
    start = 1
    while start < count or count == 1:
        chosen, used = [0], least[0] if least else 0.0
        while start < count and (len(chosen) == 1 or used + least[start] <= across):
            used += least[start]
            chosen.append(start)
            start += 1
        yield Grid(_picked(grid.heads, chosen), [_picked(row, chosen) for row in grid.rows])
        if count == 1:
            return


def _picked(row: Sequence[Cell], columns: Sequence[int]) -> list[Cell]:
    return [row[i] if i < len(row) else Cell("") for i in columns] if row else []


def _said(cell: Cell) -> str:
    return f"{cell.text} ({cell.under})" if cell.under else cell.text


def _least(grid: Grid, size: float, reader: Reader) -> list[float]:
    """How narrow each column can be: its longest word."""
    return [
        max(
            [
                40.0,
                *(
                    fonts.width(word, size, _family(reader), c.strong) + 2 * INSET + 2
                    for c in cells
                    for word in _unbroken(c)
                ),
            ]
        )
        for cells in _by_column(grid)
    ]


def _unbroken(cell: Cell) -> list[str]:
    return [cell.text] if cell.number else _said(cell).split(" ")


def _by_column(grid: Grid) -> list[list[Cell]]:
    rows = [list(grid.heads), *map(list, grid.rows)] if grid.heads else [list(row) for row in grid.rows]
    return [[row[i] for row in rows if i < len(row)] for i in range(max(map(len, rows), default=0))]


def widths(grid: Grid, across: float, size: float, reader: Reader) -> list[float]:
    """How wide each column is: all of its words where there is room, never less than its longest word."""
    least = _least(grid, size, reader)
    wanted = [
        max(
            low,
            min(
                MOST,
                max([0.0, *(fonts.width(_said(c), size, _family(reader), c.strong) + 2 * INSET + 2 for c in cells)]),
            ),
        )
        for low, cells in zip(least, _by_column(grid), strict=True)
    ]
    if sum(wanted) <= across:
        spare = (across - sum(wanted)) / max(len(wanted), 1)
        return [width + spare for width in wanted]
    over, give = sum(wanted) - across, sum(wanted) - sum(least)
    part = min(over / give, 1.0) if give > 0 else 0.0
    found = [width - (width - low) * part for width, low in zip(wanted, least, strict=True)]
    squeeze = min(across / sum(found), 1.0)
    return [width * squeeze for width in found]


def row_heights(grid: Grid, wide: Sequence[float], size: float, reader: Reader) -> list[float]:
    """How high each row is, the heads first."""
    rows = [grid.heads, *grid.rows] if grid.heads else list(grid.rows)
    found = []
    for row in rows:
        lines = [
            len(fonts.lines(_said(cell), size, width - 2 * INSET - 2, _family(reader), cell.strong))
            for cell, width in zip(row, wide, strict=False)
        ]
        found.append(max([1, *lines]) * size * LINE + INSET)
    return found


def add_table(slide: Any, grid: Grid, place: tuple[float, float, float, float], size: float, reader: Reader) -> None:
    """PowerPoint's own table, from right to left where the reader reads so."""
    left, top, across, height = place
    rows = [grid.heads, *grid.rows] if grid.heads else list(grid.rows)
    wide = widths(grid, across, size, reader)
    if not rows or not wide:
        return
    shape = slide.shapes.add_table(len(rows), len(wide), points(left), points(top), points(across), points(height))
    table = shape.table
    properties = table._tbl.tblPr
    for name in ("bandRow", "firstRow"):
        properties.set(name, "0")
    if grid.heads:
        properties.set("firstRow", "1")
    if reader.rtl:
        properties.set("rtl", "1")
    style = properties.find("{http://schemas.openxmlformats.org/drawingml/2006/main}tableStyleId")
    if style is not None:
        style.text = "{2D5ABB26-0587-4C30-8999-92F81FD0307C}"  # "No Style, No Grid"
    for i, width in enumerate(wide):
        table.columns[i].width = points(width)
    for i, (row, high) in enumerate(zip(rows, row_heights(grid, wide, size, reader), strict=True)):
        table.rows[i].height = points(high)
        for j in range(len(wide)):
            cell = row[j] if j < len(row) else Cell("")
            _fill(table.cell(i, j), cell, size, reader, head=bool(grid.heads) and i == 0)


def _fill(target: Any, cell: Cell, size: float, reader: Reader, head: bool) -> None:
    from pptx.dml.color import RGBColor

    target.margin_left = target.margin_right = points(INSET)
    target.margin_top = target.margin_bottom = points(INSET / 2)
    ink = cell.ink or (LIGHT.muted if cell.dim or head else LIGHT.text)
    words = Words(_said(cell), size, ink, cell.strong)
    write(target.text_frame.paragraphs[0], words, reader, end=cell.number)
    target.text_frame.word_wrap = True
    if cell.fill:
        target.fill.solid()
        target.fill.fore_color.rgb = RGBColor.from_string(cell.fill.lstrip("#"))
    else:
        target.fill.background()
    _line_below(target)


def _line_below(target: Any) -> None:
    """A hairline under the row."""
    from pptx.oxml import parse_xml
    from pptx.oxml.ns import nsdecls

    properties = target._tc.get_or_add_tcPr()
    line = parse_xml(
        f'<a:lnB {nsdecls("a")} w="9525"><a:solidFill><a:srgbClr val="{LIGHT.line.lstrip("#")}"/></a:solidFill></a:lnB>'
    )
    properties.insert(0, line)


def _family(reader: Reader) -> str:
    return fonts.FAMILIES[1 if reader.rtl else 0]
