"""A page, or all pages, as an Excel workbook: a sheet for each card with its numbers, their names, and how they are counted.

Numbers are numbers and dates are dates. Text is written as text: nothing that comes from data becomes a formula or a link.
"""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from cx_metrics.charts.theme import LIGHT, Reader
from cx_metrics.exports import fonts
from cx_metrics.exports.blocks import Cell, Grid, Items, Pairs, Said, Split, Tiles, blocks
from cx_metrics.exports.book import Book, Card, Chapter, Column, Drawing, Progress, no_progress
from cx_metrics.exports.frames import columns_of, plain_value
from cx_metrics.exports.number_formats import pattern
from cx_metrics.exports.numbers import Amount, amount
from cx_metrics.exports.tables import PATH_JOINER, disarmed
from cx_metrics.safe_text import clean

MOST_LETTERS = 31  # of the name of a sheet
FORBIDDEN = re.compile(r"[\[\]:*?/\\']")
ISOLATES = re.compile("[\u2066-\u2069]")
WIDE, WIDEST = 14, 48  # letters of a column
LONGEST = 32_000  # letters of a cell; Excel stops at 32,767


def book_workbook(book: Book, reader: Reader, progress: Progress = no_progress) -> bytes:
    """The book as a workbook; its first sheet says what is in it and who was counted."""
    import xlsxwriter

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
               "nan_inf_to_errors": False, "default_date_format": "yyyy-mm-dd"}  # fmt: skip
    with xlsxwriter.Workbook(out, options) as made:
        made.set_properties({"title": clean(book.title), "author": "Touchline"})
        writer = _Writer(made, reader)
        names = _names(book)
        writer.contents(book, names)
        for i, (name, chapter, card) in enumerate(names, 1):
            writer.card(name, chapter, card, book)
            progress(i, len(names))
    return out.getvalue()


def _names(book: Book) -> list[tuple[str, Chapter, Card]]:
    """A name for the sheet of each card: the page and a number; at most 31 letters, none that Excel forbids, none twice."""
    found = []
    for chapter in book.chapters:
        for i, card in enumerate(chapter.cards, 1):
            tail = f" {i}"
            name = FORBIDDEN.sub(" ", _plain(chapter.name)).strip()[: MOST_LETTERS - len(tail)] + tail
            found.append((name, chapter, card))
    return found


class _Writer:
    """Writes sheets in the reader's direction, digits and letters."""

    def __init__(self, made: Any, reader: Reader) -> None:
        self.made, self.reader = made, reader
        self.known: dict[tuple[tuple[str, Any], ...], Any] = {}

    def style(self, **wanted: Any) -> Any:
        """A cell format, made once."""
        family = fonts.FAMILIES[1 if self.reader.rtl else 0]
        base = {"font_name": family, "font_size": 11, "font_color": LIGHT.text, "valign": "top"}
        if self.reader.rtl:
            base["reading_order"] = 2
        key = tuple(sorted((base | wanted).items()))
        if key not in self.known:
            self.known[key] = self.made.add_format(dict(key))
        return self.known[key]

    def sheet(self, name: str) -> Any:
        """A new sheet, from right to left where the reader reads so."""
        sheet = self.made.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 30, WIDE)
        if self.reader.rtl:
            sheet.right_to_left()
        sheet.set_paper(9)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        return sheet

    def text(self, sheet: Any, row: int, column: int, words: str, **style: Any) -> None:
        """Text as text, whatever it begins with."""
        if words:
            sheet.write_string(row, column, disarmed(_plain(words))[:LONGEST], self.style(**style))

    def contents(self, book: Book, names: Sequence[tuple[str, Chapter, Card]]) -> None:
        """The first sheet: title, each page with its finding, who was counted and when, and its sheets."""
        first = FORBIDDEN.sub(" ", _plain(book.words.contents))[:MOST_LETTERS] or "1"
        sheet = self.sheet(first)
        sheet.set_column(1, 1, 90)
        self.text(sheet, 0, 0, book.title, bold=True, font_size=16)
        row = 2
        for chapter in book.chapters:
            self.text(sheet, row, 0, chapter.name, bold=True, font_color=LIGHT.accent)
            self.text(sheet, row, 1, chapter.finding, bold=True)
            row += 1
            for line in (chapter.question, *chapter.lines):
                self.text(sheet, row, 1, line, font_color=LIGHT.muted)
                row += bool(line)
            for name, of, card in names:
                if of is chapter:
                    sheet.write_url(row, 0, f"internal:'{name}'!A1", self.style(font_color=LIGHT.accent), name)
                    self.text(sheet, row, 1, card.finding)
                    row += 1
            row += 1

    def card(self, name: str, chapter: Chapter, card: Card, book: Book) -> None:
        """A card: finding, note, numbers, caption, how they are counted."""
        sheet = self.sheet(name)
        self.text(sheet, 0, 0, card.finding or chapter.finding, bold=True, font_size=14)
        self.text(sheet, 1, 0, card.note or chapter.question, font_color=LIGHT.muted)
        row = 3
        if card.table is not None:
            row = self.frame(sheet, row, card.table, columns_of(card.table, card.columns)) + 1
        else:
            for piece in card.body:
                row = self.piece(sheet, row, piece)
        self.text(sheet, row, 0, " · ".join(part for part in card.caption if part), font_color=LIGHT.muted)
        row += 2
        if card.meaning:
            self.text(sheet, row, 0, book.words.counted, bold=True)
            row += 1
        for term, meaning in card.meaning:
            self.text(sheet, row, 0, term, font_color=LIGHT.muted, text_wrap=True)
            self.text(sheet, row, 1, meaning)
            row += 1

    def frame(self, sheet: Any, row: int, frame: pd.DataFrame, columns: Sequence[Column]) -> int:
        """The numbers of a card, a column each with its format; the next free row."""
        for i, column in enumerate(columns):
            self.text(sheet, row, i, column.title, bold=True, text_wrap=True, bottom=1, bottom_color=LIGHT.line_strong)
            if i:
                sheet.set_column(i, i, min(max(WIDE, len(column.title) * 0.6), WIDEST))
        for values in frame.itertuples(index=False, name=None):
            row += 1
            for i, (value, column) in enumerate(zip(values, columns, strict=True)):
                self.value(sheet, row, i, value, column)
        return row + 1

    def value(self, sheet: Any, row: int, at: int, value: Any, column: Column) -> None:
        """One value in its type; an empty cell where nothing is known."""
        plain = plain_value(value)
        if isinstance(plain, bool):
            sheet.write_boolean(row, at, plain, self.style())
        elif isinstance(plain, (int, float)):
            if abs(plain) == float("inf"):
                self.text(sheet, row, at, self.reader.number(plain))
                return
            wanted = (
                column.format
                if column.format not in ("text", "day")
                else "whole"
                if isinstance(plain, int)
                else "number"
            )
            sheet.write_number(row, at, plain, self.style(num_format=pattern(wanted, self.reader)))
        elif isinstance(plain, datetime.datetime):
            sheet.write_datetime(row, at, plain, self.style(num_format=pattern("time", self.reader)))
        elif isinstance(plain, datetime.date):
            sheet.write_datetime(row, at, plain, self.style(num_format=pattern("day", self.reader)))
        elif isinstance(plain, (list, tuple)):
            self.text(sheet, row, at, PATH_JOINER.join(map(str, plain)))
        elif plain is not None:
            self.text(sheet, row, at, str(plain))

    def piece(self, sheet: Any, row: int, piece: str | Drawing | pd.DataFrame) -> int:
        """A part of a card that has no table of numbers, as it is shown; numbers that stand alone are numbers."""
        if isinstance(piece, Drawing):
            self.text(sheet, row, 0, piece.alt)
            return row + 2
        if isinstance(piece, pd.DataFrame):
            return self.frame(sheet, row, piece, columns_of(piece)) + 1
        for block in blocks(piece, self.reader.rtl):
            for cells in _rows(block):
                for i, cell in enumerate(cells):
                    self.cell(sheet, row, i, cell)
                row += 1
            row += 1
        return row

    def cell(self, sheet: Any, row: int, at: int, cell: Cell) -> None:
        """A cell as it is shown: its number, if it is one."""
        found: Amount | None = amount(cell.text, self.reader)
        bold = {"bold": True} if cell.strong else {}
        if found is None or cell.under:
            said = f"{cell.text} ({cell.under})" if cell.under else cell.text
            self.text(sheet, row, at, said, **bold)
        else:
            sheet.write_number(row, at, found.value, self.style(num_format=found.pattern, **bold))


def _rows(block: Said | Grid | Pairs | Items | Tiles | Split) -> list[Sequence[Cell]]:
    """A block as rows of cells."""
    match block:
        case Grid():
            return [*([list(block.heads)] if block.heads else []), *block.rows]
        case Pairs():
            return [[Cell(term), Cell(meaning)] for term, meaning in block.pairs]
        case Tiles():
            return [[Cell(label), Cell(value), *(Cell(line) for line in rest)] for label, value, rest in block.tiles]
        case Split():
            return [[Cell(text) for _group, _size, text in block.parts]]
        case Items():
            return [[Cell(item)] for item in block.items]
        case Said():
            return [[Cell(block.text)]]


def _plain(words: str) -> str:
    """The words without marks of direction: a cell has its own."""
    return ISOLATES.sub("", clean(words))
