"""Words on a slide: fonts, sizes, direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cx_metrics.charts.theme import LIGHT, Reader
from cx_metrics.exports import fonts
from cx_metrics.safe_text import clean


@dataclass(frozen=True)
class Words:
    """A paragraph: its text, the size of its letters in points, its ink."""

    text: str
    size: float
    ink: str = LIGHT.text
    strong: bool = False


def points(amount: float) -> int:
    """Points in the unit of the file."""
    return round(amount * 12_700)


def say(frame: Any, words: Sequence[Words], reader: Reader, inset: float = 0.0) -> None:
    """Fill a text frame with paragraphs, from the side where the reader begins."""
    frame.word_wrap = True
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = points(inset)
    frame.vertical_anchor = None
    for i, one in enumerate(words):
        paragraph = frame.paragraphs[0] if i == 0 else frame.add_paragraph()
        write(paragraph, one, reader)


def write(paragraph: Any, words: Words, reader: Reader, end: bool = False) -> None:
    """One paragraph. `end`: at the far side, as numbers in a table stand."""
    from pptx.enum.text import PP_ALIGN

    paragraph.alignment = PP_ALIGN.RIGHT if reader.rtl != end else PP_ALIGN.LEFT
    properties = paragraph._p.get_or_add_pPr()
    if reader.rtl:
        properties.set("rtl", "1")
    run = paragraph.add_run()
    run.text = clean(words.text)
    style(run.font, words, reader)


def style(font: Any, words: Words, reader: Reader) -> None:
    """Size, ink and families: Latin and Cyrillic letters in one, Arabic ones in the other."""
    from pptx.dml.color import RGBColor
    from pptx.oxml.ns import qn
    from pptx.util import Pt

    font.size, font.bold = Pt(words.size), words.strong
    font.color.rgb = RGBColor.from_string(words.ink.lstrip("#"))
    font.name = fonts.FAMILIES[0]
    properties = font._rPr
    properties.set("lang", {"ar": "ar-SA", "fa": "fa-IR", "ru": "ru-RU"}.get(reader.language, "en-US"))
    for tag in ("a:ea", "a:cs"):
        found = properties.find(qn(tag))
        if found is None:
            found = properties.makeelement(qn(tag), {})
            properties.append(found)
        found.set("typeface", fonts.FAMILIES[1])
