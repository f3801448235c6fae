"""What the strip of stages and the strip of tiles say, before it is written as HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pages.parts.markup import Words


@dataclass(frozen=True)
class Stage:
    """One node of the stage strip. `go_on` and `moved` are shares; `score` is a whole number of `score_n` answers.
    `higher_is_better` None: the change lies within chance, and takes no colour."""

    name: str
    customers: int
    go_on: float | None = None
    moved: float | None = None
    score: float | None = None
    score_n: int | None = None
    score_name: str = "NPS"
    score_share: bool = False
    higher_is_better: bool | None = True


@dataclass(frozen=True)
class Tile:
    """One number of the tile strip: value with interval and n, change against the previous period, its last periods.

    `share` says that value, bounds and change are shares of 0..1. Without bounds the number is a plain count.
    `moved_unit`: pt, pts, %, days; % and pt take shares. `higher_is_better` None: a change is neither good nor bad.
    """

    label: Words
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    decimals: int = 0
    share: bool = False
    moved: float | None = None
    moved_unit: str = ""
    higher_is_better: bool | None = True
    periods: Sequence[float] = ()
    shown: str | None = None  # instead of the number: "3.4 days"
