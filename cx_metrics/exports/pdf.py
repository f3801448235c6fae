"""A page, or all pages, as PDF on A4: text to search and to read aloud in its order, from right to left where it is read so.

Made by Typst. The form stands in `report.typ`; words and numbers reach it as data, so nothing in them is read as markup.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pandas as pd

from cx_metrics.charts.theme import LIGHT, Reader
from cx_metrics.exports import fonts
from cx_metrics.exports.blocks import Block, Cell, Grid, Items, Pairs, Said, Split, Tiles, blocks
from cx_metrics.exports.book import Book, Card, Chapter, Drawing, Progress, no_progress
from cx_metrics.exports.frames import grid_of
from cx_metrics.exports.pictures import size, svg
from cx_metrics.safe_text import clean

FORM = Path(__file__).with_name("report.typ")
ARROWS = str.maketrans("▲▼", "↑↓")  # the fonts have these
NUMBERING = {"٠": "١", "۰": "۱"}  # the reader's zero: how pages are numbered
SHEET = 660  # pixels of a drawing as wide as the sheet: letters of 12 pixels are about 9 points high


def book_pdf(book: Book, reader: Reader, progress: Progress = no_progress) -> bytes:
    """The book as a PDF with its fonts inside."""
    import typst

    made = 0
    chapters = []
    for chapter in book.chapters:
        cards = []
        for card in chapter.cards:
            cards.append(_card(card, reader))
            made += 1
            progress(made, book.cards)
        chapters.append(_chapter(chapter, cards))
    data = {
        "title": clean(book.title),
        "language": reader.language,
        "rtl": reader.rtl,
        "numbering": NUMBERING.get(reader.number(0), "1"),
        "contents": clean(book.words.contents),
        "counted": clean(book.words.counted),
        "colours": {f.name: value for f in fields(LIGHT) if isinstance(value := getattr(LIGHT, f.name), str)},
        "chapters": chapters,
    }
    pdf: bytes = typst.compile(
        str(FORM), root=str(FORM.parent), font_paths=[str(fonts.FOLDER)], ignore_system_fonts=True, format="pdf",
        sys_inputs={"data": json.dumps(data, ensure_ascii=False).translate(ARROWS)},
    )  # fmt: skip
    return pdf


def _chapter(chapter: Chapter, cards: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": clean(chapter.name),
        "finding": clean(chapter.finding),
        "question": clean(chapter.question),
        "lines": [clean(line) for line in chapter.lines if line],
        "cards": cards,
    }


def _card(card: Card, reader: Reader) -> dict[str, Any]:
    body: list[dict[str, Any]] = []
    for piece in card.body:
        if isinstance(piece, Drawing):
            body.append(_picture(piece))
        elif isinstance(piece, pd.DataFrame):
            body.append(_block(grid_of(piece, card.columns, reader)))
        else:
            body += [_block(block) for block in blocks(piece, reader.rtl)]
    return {
        "finding": clean(card.finding),
        "note": clean(card.note),
        "blocks": body,
        "caption": " · ".join(clean(part) for part in card.caption if part),
        "meaning": [[clean(term), clean(meaning)] for term, meaning in card.meaning],
    }


def _picture(drawing: Drawing) -> dict[str, Any]:
    drawn = svg(drawing.figure, SHEET)
    across, _down = size(drawn)
    return {"kind": "picture", "svg": drawn, "alt": clean(drawing.alt), "part": 100 * across / SHEET}


def _block(block: Block) -> dict[str, Any]:
    """A block as Typst's form expects it."""
    match block:
        case Said():
            return {"kind": block.kind, "text": block.text}
        case Grid():
            return _grid(block)
        case Pairs():
            return {"kind": "pairs", "pairs": [list(pair) for pair in block.pairs]}
        case Items():
            return {"kind": "items", "items": list(block.items)}
        case Tiles():
            found = [{"label": label, "value": value, "rest": list(rest)} for label, value, rest in block.tiles]
            return {"kind": "tiles", "tiles": found}
        case Split():
            return {"kind": "split", "parts": [{"group": g, "size": s, "text": t} for g, s, t in block.parts]}


def _grid(grid: Grid) -> dict[str, Any]:
    columns = max([len(grid.heads), *(len(row) for row in grid.rows)], default=0)
    empty = Cell("")

    def filled(row: Any) -> list[dict[str, Any]]:
        return [asdict(cell) for cell in [*row, *[empty] * (columns - len(row))]]

    longest = [
        max([0, *(len(row[i].text) for row in [grid.heads, *grid.rows] if i < len(row))]) for i in range(columns)
    ]
    numeric = [any(row[i].number for row in [grid.heads, *grid.rows] if i < len(row)) for i in range(columns)]
    return {
        "kind": "grid",
        "columns": columns,
        "heads": filled(grid.heads) if grid.heads else [],
        "rows": [filled(row) for row in grid.rows],
        "numeric": numeric,
        "widths": [min(max(n, 5), 44) for n in longest],
    }
