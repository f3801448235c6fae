"""A chart that is drawn already: SVG with its size. And the numbers of a chart, for programs that draw charts of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import pandas as pd

_NUMBERS = "_touchline_numbers"  # an attribute beside the specification, so that the screen gets nothing more
Kind = Literal["bars", "funnel", "lines"]


@dataclass(frozen=True)
class Picture:
    """A finished drawing on no ground: the text of an SVG, and its width and height in pixels."""

    svg: str
    width: float
    height: float


@dataclass(frozen=True)
class Series:
    """One row of numbers, in the order of the names: values, their bounds, how each is written beside its mark, its colour."""

    name: str
    values: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    written: Sequence[str] = ()
    colours: Sequence[str] = ()


@dataclass(frozen=True)
class Numbers:
    """What a chart is drawn from: bars from one zero, a funnel (reached, and lost before), or lines over an order of names."""

    kind: Kind
    names: Sequence[str]
    series: Sequence[Series]
    share: bool = False
    decimals: int = 0
    zero: bool = True
    mirrored: bool = False


def amounts(values: Iterable[Any]) -> list[float | None]:
    """The values as plain numbers, None where there is none."""
    return [None if value is None or bool(pd.isna(value)) else float(value) for value in values]


def with_numbers(chart: alt.LayerChart, numbers: Numbers) -> alt.LayerChart:
    """The chart with its numbers kept beside it."""
    object.__setattr__(chart, _NUMBERS, numbers)
    return chart


def numbers_of(chart: Any) -> Numbers | None:
    """The numbers of a chart; None for a picture, or a chart that only Vega can draw."""
    found = vars(chart).get(_NUMBERS) if hasattr(chart, "__dict__") else None
    return found if isinstance(found, Numbers) else None
