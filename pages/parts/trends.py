"""Every chart over time: one function draws them all, so that dated changes stand on every time axis."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cx_metrics.charts.lines import draw_trend
from cx_metrics.texts import N_, Text
from pages.parts import cache, figure
from pages.parts.markup import Words
from pages.parts.page import Page

DASHED = N_("dated changes are dashed")


def draw(
    page: Page, frame: pd.DataFrame, when: str, measure: str, n: str | None, finding: Words, key: str, *,
    interval: bool = True, **options: Any,
) -> None:  # fmt: skip
    """The line of a measure over the column `when`, with its interval, small groups hollow, and the dated changes of the view."""
    ends = (f"{measure}_low", f"{measure}_high") if interval else (None, None)
    changes = cache.changes(page.version, page.view.alone())
    figure.altair(
        lambda who: draw_trend(frame, who, when, measure, *ends, n, changes=changes, **options),
        finding,
        key=key,
        wide=True,
    )


def dashed(page: Page) -> list[Words]:
    """What the dashed lines are, where there are any: for a caption."""
    return [Text(DASHED)] if len(cache.changes(page.version, page.view.alone())) else []
