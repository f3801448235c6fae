"""What is exported, before it has a form: pages, their cards, what stands in a card, in the reader's words.

A page hands over what it showed, so every form holds the same words and numbers. Markup comes as it stands on the page
(`blocks.py` reads it); charts come as figures on light ground.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import altair as alt
import pandas as pd

from cx_metrics.charts.picture import Picture

Progress = Callable[[int, int], None]  # how many cards are made, of how many
Format = Literal["text", "whole", "number", "share", "score", "day", "time"]


@dataclass(frozen=True)
class Drawing:
    """A chart and what it shows, in words."""

    figure: alt.LayerChart | alt.Chart | Picture
    alt: str


@dataclass(frozen=True)
class Column:
    """A column of numbers as a reader meets it: its name in words, and how its values are written."""

    title: str
    format: Format = "text"


@dataclass(frozen=True)
class Card:
    """What one card showed: finding, note, its body in order (finished markup, charts, frames), its caption.

    `meaning`: term and meaning, how the numbers are counted. `table`: the numbers themselves, `columns` says what they are.
    """

    finding: str = ""
    note: str = ""
    body: Sequence[str | Drawing | pd.DataFrame] = field(default_factory=list)
    caption: Sequence[str] = ()
    meaning: Sequence[tuple[str, str]] = ()
    table: pd.DataFrame | None = None
    columns: Sequence[Column] = ()
    name: str = ""

    @property
    def drawings(self) -> list[Drawing]:
        """The charts of the card."""
        return [piece for piece in self.body if isinstance(piece, Drawing)]


@dataclass(frozen=True)
class Chapter:
    """One page: its name, its finding, the question it answers, who was counted and when, its cards."""

    name: str
    finding: str
    question: str
    lines: Sequence[str]
    cards: Sequence[Card]


@dataclass(frozen=True)
class Words:
    """The few words that a file needs besides those of the page, in the reader's language."""

    contents: str
    counted: str
    part: Callable[[int, int], str]


@dataclass(frozen=True)
class Book:
    """One page, or all pages of a view: what a file is made of."""

    title: str
    chapters: Sequence[Chapter]
    words: Words

    @property
    def cards(self) -> int:
        """How many cards there are in all."""
        return sum(len(chapter.cards) for chapter in self.chapters)


def no_progress(_made: int, _of: int) -> None:
    """For whoever does not watch."""
