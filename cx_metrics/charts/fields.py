"""Data as Vega-Lite may have it: columns called f0, f1 … and labels that are plain, distinct text.

A column name from data is a path to Vega-Lite (`a.b`, `a[0]`) and, if it is `image`, a picture to fetch. So every chart
renames: `fields["share"]` is the name of that column in the specification.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from cx_metrics.charts.theme import Reader
from cx_metrics.safe_text import safe

STRAIT = "\u2060"  # word joiner: sets equal labels apart without being seen


class Fields:
    """The columns of one chart: our words for them on this side, f0 … fn in the specification."""

    def __init__(self, **columns: Iterable[Any]) -> None:
        self._names = {ours: f"f{i}" for i, ours in enumerate(columns)}
        self.frame = pd.DataFrame({self._names[ours]: list(values) for ours, values in columns.items()})

    def __getitem__(self, ours: str) -> str:
        return self._names[ours]

    def rows(self, keep: Sequence[bool]) -> pd.DataFrame:
        return self.frame[list(keep)]

    def text(self, ours: str) -> alt.Text:
        return alt.Text(field=self[ours], type="nominal")

    def tooltip(self, ours: str) -> alt.Tooltip:
        """One prepared sentence. A single field is shown as text; a list of fields would be read as an object."""
        return alt.Tooltip(field=self[ours], type="nominal")


def labels(
    values: Iterable[Hashable], names: Mapping[str, str] | None = None, *, isolate: bool = False
) -> dict[Hashable, str]:
    """For each different value its label: the reader's word if there is one, as plain text, distinct from all others. `isolate`:
    each in its own direction, for a picture whose reader reads from the right: charts are laid out from the left."""
    given = names or {}
    made: dict[Hashable, str] = {}
    for value in dict.fromkeys(values):
        label = safe(given.get(str(value), value), "canvas", isolate=isolate)
        while label in made.values():
            label += STRAIT
        made[value] = label
    return made


def with_n(shown: str, n: Any, word: str, reader: Reader) -> str:
    """31 · n 412, in the direction of the page."""
    count = reader.number(n)
    if not reader.rtl:
        return f"{shown} · {word} {count}"
    return reader.isolate(f"{reader.isolate(shown)} · {word} {reader.isolate(count)}")


def nice_ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Three to five round values that cover low to high.

    >>> nice_ticks(28, 41)
    [25.0, 30.0, 35.0, 40.0, 45.0]
    """
    span = (high - low) or abs(high) or 1.0
    raw = span / max(about - 1, 1)
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * k for k in (1, 2, 2.5, 5, 10) if size * k >= raw * 0.9)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(i * step, 10) for i in range(first, last + 1)]


def label_expression(values: Sequence[float], shown: Sequence[str]) -> str:
    """An axis that writes these texts at these values: our own digits and month names, which Vega does not know."""
    return f"{json.dumps(list(shown))}[indexof({json.dumps(list(values))}, datum.value)]"


def width_of(texts: Iterable[str], character: float = 7) -> int:
    """About how wide is the longest of these texts, in pixels? Isolates and other unseen signs do not count."""
    seen = (sum(unicodedata.category(sign) not in ("Cf", "Mn") for sign in text) for text in texts)
    return round(max(seen, default=0) * character)


def room_for_words(pixels: int) -> str:
    """By how much must a scale reach beyond its data, so that words of that width stand beside the longest mark?

    As a Vega expression of the width that the page gives: a phone leaves less for the marks, and cuts no word.
    """
    return f"width / max(width - {pixels}, 60)"


def is_missing(value: Any) -> bool:
    return value is None or bool(pd.isna(value))
