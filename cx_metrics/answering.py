"""Answers as they can be handed from one process to another: the frame, what its numbers mean, by which route they came."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cx_metrics.comparison import compare
from cx_metrics.engines import Store
from cx_metrics.movers import movers
from cx_metrics.registry import Metric
from cx_metrics.run import Result, run
from cx_metrics.small_groups import Privacy
from cx_metrics.view import View
from cx_metrics.workers import FIRST, LAST

Answer = tuple[pd.DataFrame, dict[str, Any], str]


def metric_of(
    store: Store, name: str, view: View, by: tuple[str, ...], version: str, privacy: Privacy | None, options: dict[str, Any]
) -> Answer:  # fmt: skip
    """One metric for one view."""
    return _told(run(name, store, view, by=by, version=version, privacy=privacy, **options))


def comparison_of(
    store: Store, name: str, views: tuple[View, View], by: tuple[str, ...], version: str, privacy: Privacy | None,
    options: dict[str, Any],
) -> Answer:  # fmt: skip
    """One metric for two views side by side."""
    return _told(compare(name, store, *views, by=by, version=version, privacy=privacy, **options))


def movers_of(store: Store, views: tuple[View, View], version: str, privacy: Privacy | None) -> Answer:
    """What changed from the second view to the first."""
    return _told(movers(store, *views, version=version, privacy=privacy))


def _told(result: Result) -> Answer:
    return result.frame, result.definition, result.route


def place_of(metric: Metric) -> int | None:
    """Which worker a metric is asked of, where it is not all the same: those that walk through touchpoints in memory share them,
    and those that look at the same rows share these."""
    if (
        metric.beside
        or (metric.walk and (metric.walk.picked or metric.walk.told))
        or (metric.follow and metric.follow.picked)
    ):
        return FIRST
    return LAST if metric.same_rows else None
