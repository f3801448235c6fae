"""Touchline's metrics: everything that computes, with no dashboard in sight.

import cx_metrics as cx
shop = cx.open_files(touchpoints="touchpoints.csv", surveys="surveys.csv", goal=["Purchase"])
cx.run("nps", shop, by=["persona"]).frame
cx.run("funnel", shop, steps="Website,Checkout,Purchase", window="14d").frame
"""

from typing import TYPE_CHECKING, Any

from cx_metrics import (
    activity,
    answers,
    around_answers,
    branches,
    channels,
    clusters,
    contacts,
    conversion,
    correlates,
    drivers,
    drop_out,
    engagement,
    exposure,
    flows,
    funnel,
    process,
    responses,
    score_differences,
    silent,
    surveys,
    traits,
    voiced,
    volume,
)
from cx_metrics.comparison import compare
from cx_metrics.definition import differing
from cx_metrics.errors import TouchlineError
from cx_metrics.movers import movers
from cx_metrics.registry import METRICS, Metric
from cx_metrics.run import Result, people, run
from cx_metrics.small_groups import Privacy
from cx_metrics.view import Answered, Belonging, Facts, Filter, Member, Passing, Tried, View
from cx_metrics.view_text import print_view, read_view

if TYPE_CHECKING:
    from cx_metrics.importing import load, open_engine, open_files

__all__ = [
    "METRICS", "Answered", "Belonging", "Facts", "Filter", "Member", "Metric", "Passing", "Privacy", "Result", "TouchlineError",
    "Tried", "View", "activity", "answers", "around_answers", "branches", "channels", "clusters", "compare", "contacts",
    "conversion", "correlates", "differing", "drivers", "drop_out", "engagement", "exposure", "flows", "funnel", "load",
    "movers", "open_engine", "open_files", "people", "print_view", "process", "read_view", "responses", "run",
    "score_differences", "silent", "surveys", "traits", "voiced", "volume",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """What reads files comes when it is first asked for: half of the time of starting is that of its libraries."""
    if name in ("load", "open_engine", "open_files"):
        from cx_metrics import importing

        return getattr(importing, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
