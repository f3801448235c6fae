"""What is kept between runs: the workspace, opened datasets, answers.

Keys hold the dataset and its version, so nothing is stale after an import. Answers are small finished frames.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from cx_metrics import run as running
from cx_metrics.engines import Store, open_store
from cx_metrics.registry import find
from cx_metrics.run import Result
from cx_metrics.view import View
from cx_metrics.workspace import Version, Workspace

ROOT = Path(__file__).resolve().parents[2]
MOST_VALUES = 5_000  # values of one column that filters offer


@st.cache_resource(show_spinner=False)
def workspace() -> Workspace:
    """The workspace folder of this server: TOUCHLINE_WORKSPACE, else `workspace` beside app.py."""
    return Workspace(Path(os.environ.get("TOUCHLINE_WORKSPACE") or ROOT / "workspace"))


def opened(version: Version) -> Store:
    """The store of a version, opened once per process and checked against its checksum."""
    return _opened(version.dataset, version.number, version)


def forget(dataset: str) -> None:
    """Close what is open of a dataset that was deleted."""
    _opened.clear()
    _answered.clear()
    _people.clear()
    _values.clear()


def answered(version: Version, metric: str, view: View, by: tuple[str, ...], options: dict[str, Any]) -> Result:
    """The answer of a metric, computed once per dataset version, view, groups and options."""
    declared = find(metric)
    texts = tuple((o.name, o.type.print(options[o.name])) for o in declared.options if o.name in options)
    frame, definition = _answered(version.dataset, version.number, metric, repr(view), by, texts, version, view)
    return Result(declared, frame, definition)


def people(version: Version, view: View) -> dict[str, int]:
    """Who the view leaves: counts for captions."""
    return _people(version.dataset, version.number, repr(view), version, view)


def values(version: Version, column: str) -> tuple[str, ...]:
    """The values of a column that filters offer, most frequent first; "" stands for "not known"."""
    return _values(version.dataset, version.number, column, version)


@st.cache_resource(show_spinner=False, max_entries=16)
def _opened(dataset: str, number: int, _version: Version) -> Store:
    workspace().verify(_version)
    return open_store(_version.path, _version.facts)


@st.cache_data(show_spinner=False, max_entries=2_000)
def _answered(
    dataset: str, number: int, metric: str, view_key: str, by: tuple[str, ...], texts: tuple[tuple[str, str], ...],
    _version: Version, _view: View,
) -> tuple[pd.DataFrame, dict[str, Any]]:  # fmt: skip
    result = running.run(metric, opened(_version), _view, by=by, version=_version.key, **dict(texts))
    return result.frame, result.definition


@st.cache_data(show_spinner=False, max_entries=500)
def _people(dataset: str, number: int, view_key: str, _version: Version, _view: View) -> dict[str, int]:
    return running.people(opened(_version), _view)


@st.cache_data(show_spinner=False, max_entries=500)
def _values(dataset: str, number: int, column: str, _version: Version) -> tuple[str, ...]:
    return running.values(opened(_version), column, MOST_VALUES)


def changes(version: Version, view: View) -> pd.DataFrame:
    """The dated changes in the range of the view."""
    return _changes(version.dataset, version.number, repr(view), version, view)


@st.cache_data(show_spinner=False, max_entries=200)
def _changes(dataset: str, number: int, view_key: str, _version: Version, _view: View) -> pd.DataFrame:
    return running.changes(opened(_version), _view)


def comments(version: Version, view: View, **wanted: Any) -> tuple[pd.DataFrame, int]:
    """The newest comments of the view, and how many there are."""
    return _comments(version.dataset, version.number, repr(view), tuple(sorted(wanted.items())), version, view)


@st.cache_data(show_spinner=False, max_entries=200)
def _comments(
    dataset: str, number: int, view_key: str, wanted: tuple[tuple[str, Any], ...], _version: Version, _view: View
) -> tuple[pd.DataFrame, int]:
    return running.comments(opened(_version), _view, **dict(wanted))


def stages(version: Version) -> dict[str, str]:
    """The stage of each touchpoint: the one it stands in most often."""
    return _stages(version.dataset, version.number, version)


@st.cache_data(show_spinner=False, max_entries=50)
def _stages(dataset: str, number: int, _version: Version) -> dict[str, str]:
    return running.stages(opened(_version))
