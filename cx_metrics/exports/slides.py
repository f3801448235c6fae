"""A page, or all pages, as PowerPoint slides: 16:9, a card a slide, the finding as title, who was counted at the foot.

Bars, funnels, lines and tables are PowerPoint's own, so that they can be edited; what it cannot draw is a picture. No letter is
smaller than 18 points: a table or chart that is longer goes on on the next slide. How numbers are counted stands in the notes.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from cx_metrics.charts.picture import numbers_of
from cx_metrics.charts.theme import LIGHT, Reader
from cx_metrics.exports import fonts
from cx_metrics.exports.blocks import Cell, Grid, Items, Pairs, Said, Split, Tiles, blocks
from cx_metrics.exports.book import Book, Card, Chapter, Drawing, Progress, no_progress
from cx_metrics.exports.frames import grid_of
from cx_metrics.exports.pictures import png
from cx_metrics.exports.slide_charts import Chart, add_chart, charts
from cx_metrics.exports.slide_tables import add_table, tables
from cx_metrics.exports.slide_words import Words, points, say
from cx_metrics.safe_text import clean

WIDTH, HEIGHT = 960.0, 540.0  # points: 13.33 by 7.5 inches
MARGIN = 36.0
ROOM = WIDTH - 2 * MARGIN
TITLE, BODY = 28, 18  # points of letters; BODY is the least
LINE = 1.25  # from a line to the next, in heights of its letters
TITLE_LINES, FOOT_LINES = 2, 5
ACROSS = 3  # tiles in a row
LEAST_CHART, LEAST_TABLE = 200.0, 140.0
PICTURE_WIDTH = 560  # pixels of a chart that is drawn as wide as a slide: its letters of 12 pixels are 19 points high

Part = Said | Grid | Items | Tiles | Split | Chart | Drawing


def book_slides(book: Book, reader: Reader, progress: Progress = no_progress) -> bytes:
    """The book as a PPTX."""
    from pptx import Presentation

    made = Presentation()
    made.slide_width, made.slide_height = points(WIDTH), points(HEIGHT)
    made.core_properties.title = clean(book.title)
    made.core_properties.author = "Touchline"
    deck = _Deck(made, reader, book)
    if len(book.chapters) > 1:
        deck.opening(book.title, [f"{chapter.name}: {chapter.finding}" for chapter in book.chapters])
    done = 0
    for chapter in book.chapters:
        deck.opening(chapter.finding, [chapter.question, *chapter.lines], chapter.name)
        for card in chapter.cards:
            deck.card(card, chapter)
            done += 1
            progress(done, book.cards)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def height_of(text: str, size: float, room: float, reader: Reader, strong: bool = False) -> float:
    """How high a text stands in that room."""
    family = fonts.FAMILIES[1 if reader.rtl else 0]
    return len(fonts.lines(text, size, room, family, strong)) * size * LINE


@dataclass
class _Deck:
    """Slides that are made one after the other."""

    made: Any
    reader: Reader
    book: Book

    def opening(self, title: str, lines: Sequence[str], above: str = "") -> None:
        """A slide of words: what is coming."""
        slide = self._slide(title, top=150.0)
        if above:
            self._say(slide, [Words(above, BODY, LIGHT.accent, True)], MARGIN, 110.0, ROOM, 30.0)
        words = [Words(line, BODY, LIGHT.muted) for line in lines if line]
        self._say(slide, words, MARGIN, 240.0, ROOM, HEIGHT - 240.0 - MARGIN)

    def card(self, card: Card, chapter: Chapter) -> None:
        """The slides of a card: as many as it needs."""
        title = card.finding or chapter.finding
        caption = " · ".join(clean(part) for part in card.caption if part)
        foot = min(height_of(caption, BODY, ROOM, self.reader), FOOT_LINES * BODY * LINE) if caption else 0.0
        head = min(height_of(title, TITLE, ROOM, self.reader, strong=True), TITLE_LINES * TITLE * LINE)
        note = height_of(card.note, BODY, ROOM, self.reader) if card.note else 0.0
        top, bottom = 24.0 + head + note + 12.0, HEIGHT - 20.0 - foot - (8.0 if foot else 0.0)
        sheets = list(self._sheets(card, bottom - top))
        for i, sheet in enumerate(sheets, 1):
            said = f"{title} ({self.book.words.part(i, len(sheets))})" if len(sheets) > 1 else title
            slide = self._slide(said)
            if card.note:
                self._say(slide, [Words(card.note, BODY, LIGHT.muted)], MARGIN, 24.0 + head, ROOM, note)
            self._place(slide, sheet, top, bottom)
            if caption:
                self._say(slide, [Words(caption, BODY, LIGHT.muted)], MARGIN, HEIGHT - 20.0 - foot, ROOM, foot)
            self._notes(slide, card)

    def _sheets(self, card: Card, room: float) -> Iterator[list[Part]]:
        """What stands together on a slide: parts in their order, as many as there is room for."""
        sheet: list[Part] = []
        used = 0.0
        for whole in self._parts(card, room):
            left = room - used if room - used > LEAST_TABLE else room
            for part in tables(whole, left, room, ROOM, BODY, self.reader) if isinstance(whole, Grid) else [whole]:
                needed = self._needs(part)
                if sheet and used + needed > room:
                    yield sheet
                    sheet, used = [], 0.0
                sheet.append(part)
                used += needed + 10.0
        if sheet or not card.body:
            yield sheet

    def _parts(self, card: Card, room: float) -> Iterator[Part]:
        for piece in card.body:
            if isinstance(piece, Drawing):
                numbers = numbers_of(piece.figure)
                if numbers is None:
                    yield piece
                else:
                    yield from charts(numbers, piece.alt, room)
                continue
            found = (
                [grid_of(piece, card.columns, self.reader)]
                if isinstance(piece, pd.DataFrame)
                else blocks(piece, self.reader.rtl)
            )
            for block in found:
                if isinstance(block, Pairs):
                    block = Grid([], [[Cell(term, dim=True), Cell(meaning)] for term, meaning in block.pairs])
                yield block

    def _needs(self, part: Part) -> float:
        """How high a part is at least."""
        match part:
            case Said():
                return height_of(part.text, TITLE if part.kind == "hero" else BODY, ROOM, self.reader)
            case Items():
                return sum(height_of(item, BODY, ROOM - 20.0, self.reader) for item in part.items)
            case Tiles():
                rows = -(-len(part.tiles) // ACROSS)
                return rows * self._tile_height(part)
            case Split():
                return 24.0 + height_of(" · ".join(text for _g, _s, text in part.parts), BODY, ROOM, self.reader)
            case Grid():
                return sum(tables_height(part, self.reader))
            case _:
                return LEAST_CHART

    def _tile_height(self, part: Tiles) -> float:
        room = (ROOM - 12.0 * (ACROSS - 1)) / ACROSS - 16.0
        longest = max(
            (
                height_of(label, BODY, room, self.reader)
                + sum(height_of(line, BODY, room, self.reader) for line in rest)
                for label, _value, rest in part.tiles
            ),
            default=0.0,
        )
        return longest + TITLE * LINE + 20.0

    def _place(self, slide: Any, sheet: Sequence[Part], top: float, bottom: float) -> None:
        """Put the parts of a slide one under the other; charts share what words and tables leave."""
        fixed = sum(self._needs(part) + 10.0 for part in sheet if not isinstance(part, (Chart, Drawing)))
        drawn = sum(isinstance(part, (Chart, Drawing)) for part in sheet)
        each = (bottom - top - fixed) / drawn if drawn else 0.0
        for part in sheet:
            height = each - 6.0 if isinstance(part, (Chart, Drawing)) else self._needs(part)
            self._part(slide, part, top, height)
            top += height + 10.0

    def _part(self, slide: Any, part: Part, top: float, height: float) -> None:
        match part:
            case Said():
                size = TITLE if part.kind == "hero" else BODY
                ink = LIGHT.muted if part.kind == "caption" else LIGHT.text
                self._say(
                    slide, [Words(part.text, size, ink, part.kind in ("hero", "head"))], MARGIN, top, ROOM, height
                )
            case Items():
                self._say(slide, [Words(f"• {item}", BODY) for item in part.items], MARGIN, top, ROOM, height)
            case Tiles():
                self._tiles(slide, part, top)
            case Split():
                self._split(slide, part, top)
            case Grid():
                add_table(slide, part, (MARGIN, top, ROOM, height), BODY, self.reader)
            case Chart():
                add_chart(slide, part, (MARGIN, top, ROOM, height), BODY, self.reader)
            case Drawing():
                self._picture(slide, part, top, height)

    def _tiles(self, slide: Any, part: Tiles, top: float) -> None:
        height = self._tile_height(part)
        width = (ROOM - 12.0 * (ACROSS - 1)) / ACROSS
        for i, (label, value, rest) in enumerate(part.tiles):
            across = i % ACROSS
            left = MARGIN + (width + 12.0) * (ACROSS - 1 - across if self.reader.rtl else across)
            words = [Words(label, BODY, LIGHT.muted), Words(value, TITLE, LIGHT.text, True)]
            words += [Words(line, BODY, LIGHT.muted) for line in rest]
            self._say(slide, words, left, top + height * (i // ACROSS), width, height - 8.0, framed=True)

    def _split(self, slide: Any, part: Split, top: float) -> None:
        from pptx.dml.color import RGBColor
        from pptx.enum.shapes import MSO_SHAPE

        total = sum(size for _group, size, _text in part.parts) or 1.0
        left = MARGIN
        for group, size, text in reversed(part.parts) if self.reader.rtl else part.parts:
            width = ROOM * size / total
            if width >= 1:
                box = slide.shapes.add_shape(
                    MSO_SHAPE.RECTANGLE, points(left), points(top), points(width), points(16.0)
                )
                box.fill.solid()
                box.fill.fore_color.rgb = RGBColor.from_string(getattr(LIGHT, group, LIGHT.accent).lstrip("#"))
                box.line.fill.background()
                box.shadow.inherit = False
                box._element._nvXxPr.cNvPr.set("descr", clean(text))
            left += width
        words = " · ".join(text for _group, _size, text in part.parts)
        self._say(slide, [Words(words, BODY, LIGHT.muted)], MARGIN, top + 20.0, ROOM, 30.0)

    def _picture(self, slide: Any, drawing: Drawing, top: float, height: float) -> None:
        """What PowerPoint cannot draw, as large as there is room for."""
        data = png(drawing.figure, PICTURE_WIDTH)
        picture = slide.shapes.add_picture(io.BytesIO(data), 0, points(top))
        scale = min(points(ROOM) / picture.width, points(height) / picture.height)
        picture.width, picture.height = int(picture.width * scale), int(picture.height * scale)
        picture.left = points(WIDTH - MARGIN) - picture.width if self.reader.rtl else points(MARGIN)
        picture._element._nvXxPr.cNvPr.set("descr", clean(drawing.alt))

    def _slide(self, title: str, top: float = 20.0) -> Any:
        """A slide with its title, where programs and screen readers look for it."""
        slide = self.made.slides.add_slide(self.made.slide_layouts[5])
        box = slide.shapes.title
        high = height_of(title, TITLE, ROOM, self.reader, strong=True)
        box.left, box.top, box.width, box.height = points(MARGIN), points(top), points(ROOM), points(high)
        say(box.text_frame, [Words(title, TITLE, LIGHT.text, True)], self.reader)
        return slide

    def _say(
        self,
        slide: Any,
        words: Sequence[Words],
        left: float,
        top: float,
        width: float,
        height: float,
        framed: bool = False,
    ) -> None:
        from pptx.dml.color import RGBColor

        box = slide.shapes.add_textbox(points(left), points(top), points(width), points(height))
        if framed:
            box.line.color.rgb = RGBColor.from_string(LIGHT.line.lstrip("#"))
        say(box.text_frame, words, self.reader, 8.0 if framed else 0.0)

    def _notes(self, slide: Any, card: Card) -> None:
        """How the numbers are counted, for whoever speaks to the slide."""
        lines = [f"{term}: {meaning}" if term else meaning for term, meaning in card.meaning]
        if lines:
            words = [Words(self.book.words.counted, 12, LIGHT.text, True), *(Words(line, 12) for line in lines)]
            say(slide.notes_slide.notes_text_frame, words, self.reader)


def tables_height(grid: Grid, reader: Reader) -> list[float]:
    """How high the rows of a table are on a slide."""
    from cx_metrics.exports.slide_tables import row_heights, widths

    return row_heights(grid, widths(grid, ROOM, BODY, reader), BODY, reader)
