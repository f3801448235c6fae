"""What a page showed, written down for an export: in the reader's words, on light ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from cx_metrics.exports.blocks import plain
from cx_metrics.exports.book import Card, Chapter, Column, Words
from cx_metrics.exports.frames import columns_of
from cx_metrics.texts import N_, Text
from pages.parts.language import PageReader
from pages.parts.markup import Html
from pages.parts.markup import Words as Said

if TYPE_CHECKING:
    from pages.parts.figure import Explain, Opened, Shown


def on_paper(reader: PageReader) -> PageReader:
    """The same reader before a light ground."""
    return replace(reader, mode="light")


def card(shown: Shown, light: PageReader) -> Card:
    """A card as it was shown, with how its numbers are counted, and the numbers."""
    explain = shown.explain
    return Card(
        _said(shown.finding, light),
        _said(shown.note, light),
        [draw(light) for draw in shown.body],
        [_said(part, light) for part in shown.caption if part],
        _meaning(explain, light) if explain else (),
        explain.table if explain else None,
        _columns(explain, explain.table, light) if explain and explain.table is not None else (),
        (explain.name if explain else "") or shown.key,
    )


def chapter(opened: Opened, cards: Sequence[Shown], light: PageReader) -> Chapter:
    """A page as it was shown."""
    return Chapter(
        light.say(opened.name),
        _said(opened.finding, light),
        light.say(opened.question),
        [_said(line, light) for line in opened.lines],
        [card(shown, light) for shown in cards],
    )


def words(light: PageReader) -> Words:
    """The words of a file itself."""
    return Words(
        contents=light.say(N_("Contents")),
        counted=light.say(N_("How this is counted")),
        part=lambda i, of: light.say(Text(N_("{part} of {parts}"), {"part": i, "parts": of})),
    )


def _meaning(explain: Explain, light: PageReader) -> list[tuple[str, str]]:
    if isinstance(explain.meaning, (str, Text)):
        return [("", _said(explain.meaning, light))] if explain.meaning else []
    return [(_said(term, light), _said(value, light)) for term, value in explain.meaning]


def _columns(explain: Explain, frame: pd.DataFrame, light: PageReader) -> list[Column]:
    """The columns of the table in words where the page has some; else their own names."""
    found = []
    for name, own in zip(frame.columns, columns_of(frame), strict=True):
        title, format = explain.columns.get(str(name), (own.title, own.format))
        found.append(Column(_said(title, light), own.format if "text" in (format, own.format) else format))
    return found


def _said(words: Said | object, light: PageReader) -> str:
    if isinstance(words, Html):
        return plain(words, light.rtl)
    return light.say(words) if isinstance(words, Text) else str(words)
