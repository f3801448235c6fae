"""What is kept between runs: the workspace, opened datasets, answers.

Keys hold whose answers they are, the dataset, its version and the checksum of its store: nothing of one person reaches another,
and nothing is stale after an import or an erasure. Answers are small finished frames. Who asks for the same at once waits for one
answer; where its asker gives up, the next one asks.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from cx_metrics import workers
from cx_metrics.answering import Answer, comparison_of, metric_of, movers_of, place_of
from cx_metrics.comparison import COMPARED, MEASURES
from cx_metrics.differences import MEASURES as DIFFERENCES
from cx_metrics.engines import Served, Store, open_store
from cx_metrics.errors import ViewProblem
from cx_metrics.explaining import Query
from cx_metrics.explaining import queries as find_queries
from cx_metrics.explaining import queries_of_people as find_queries_of_people
from cx_metrics.movers import MOVERS
from cx_metrics.reading.dictionary import look_up
from cx_metrics.registry import Metric, find
from cx_metrics.run import Result
from cx_metrics.run import changes as find_changes
from cx_metrics.run import comments as find_comments
from cx_metrics.run import conversions as count_conversions
from cx_metrics.run import daily as find_daily
from cx_metrics.run import names as find_names
from cx_metrics.run import out_of_order as count_out_of_order
from cx_metrics.run import people as count_people
from cx_metrics.run import places as find_places
from cx_metrics.run import stages as find_stages
from cx_metrics.run import values as find_values
from cx_metrics.small_groups import Privacy
from cx_metrics.texts import N_
from cx_metrics.view import View
from cx_metrics.workspace import OWNER, ServedWorkspace, Version, Viewer, Workspace, jobs, open_workspace
from pages.parts import ahead, drawn, keeping
from pages.parts.keeping import ANSWERS
from pages.parts.waiting import while_waited_for

# Answers are small frames: names of columns and a few texts are found in half the time that Arrow's way of keeping them takes.
pd.set_option("mode.string_storage", "python")
_FORGETTING = threading.Lock()
_forgotten: dict[str, int] = {}  # how many erasures this process knows of
MOST_VALUES = 5_000  # values of one column that filters offer
MOST_LOOKED_UP, SURVEY = 300, "Survey"  # names that are looked up in the dictionary; what it calls a survey


def kept(question: Callable[..., Any]) -> Callable[..., Any]:
    """The question, asked once for all readers; a page that is to end gives it up."""
    waiting = while_waited_for(keeping.kept(question))

    @functools.wraps(question)
    def asked(*given: Any) -> Any:
        ahead.note(waiting, given)
        return waiting(*given)

    return asked


def viewer() -> Viewer:
    """Who looks at this page. A server on one machine has one: its owner."""
    return OWNER


def workspace() -> Workspace:
    """The workspace of this server, as whoever looks at this page may use it."""
    return _workspace().seen_by(viewer())


def forget_erased() -> None:
    """Let go of every answer and every opened dataset once somebody was erased, here or by another server."""
    now = _workspace().erasures()
    with _FORGETTING:
        if _forgotten.get("erasures", now) != now:
            _opened.clear()
            workers.forget()
            forget_answers()
        _forgotten["erasures"] = now


@st.cache_resource(show_spinner=False)
def _workspace() -> Workspace:
    """Opened once. Imports that a server that died had begun or left waiting go on."""
    found = open_workspace()
    jobs.advance(found)
    return found


def _key(version: Version) -> str:
    """What keeps answers apart: whose they are, and exactly which data they are about."""
    return f"{viewer().scope}/{version.content}"


def privacy(version: Version) -> Privacy | None:
    """How small a group of this dataset may be that is shown to whoever looks at this page; None where nothing is hidden."""
    return workspace().privacy(version.dataset)


def _shown_to(hidden: Privacy | None, version: Version) -> str:
    """The key of answers in which small groups are hidden, or are not."""
    return f"{_key(version)}/{hidden!r}"


def asked_about(version: Version) -> str:
    """Which data answers are about, and what of them is shown to whoever looks at this page."""
    return _shown_to(privacy(version), version)


def opened(version: Version) -> Store | Served:
    """The store of a version, opened once per process and checked against its checksum; or its engine."""
    return _opened(_key(version), version)


def forget(version: Version) -> None:
    """Let go of a version whose dataset was deleted, and of every answer. Who still reads it goes on until the page is drawn."""
    _opened.clear(_key(version), version)
    workers.forget()
    forget_answers()


def forget_answers() -> None:
    """Let go of every answer, and of every chart drawn from one."""
    ANSWERS.forget()
    drawn.forget()


def _shown(frame: pd.DataFrame, by: tuple[str, ...]) -> pd.DataFrame:
    """The rows that may be shown. Raises ViewProblem where that is none, and nothing was asked but a total."""
    if "suppressed" not in frame or not frame["suppressed"].any():
        return frame
    shown = frame[~frame["suppressed"].astype(bool)]
    if not len(shown) and not by:
        raise ViewProblem(
            N_("Too few people are left in this view: small groups of this dataset are protected. Take a filter away.")
        )
    return shown.reset_index(drop=True)


def answered(version: Version, metric: str, view: View, by: tuple[str, ...], options: dict[str, Any]) -> Result:
    """The answer of a metric, computed once per dataset version, view, groups and options."""
    declared = find(metric)
    texts = tuple((o.name, o.type.print(options[o.name])) for o in declared.options if o.name in options)
    hidden = privacy(version)
    key = _shown_to(hidden, version)
    frame, definition, route = _answered(key, metric, repr(view), by, texts, version, view, hidden)
    return Result(declared, _shown(frame, by), definition, route, (view,))


def queries(
    version: Version, metric: Metric, views: tuple[View, ...], by: tuple[str, ...], options: Mapping[str, str]
) -> list[Query]:
    """The queries behind an answer, put together now; nothing of them is kept."""
    return find_queries(metric, opened(version), views, by, options, privacy(version))


def queries_of_people(version: Version, view: View) -> list[Query]:
    """The queries behind the counts of a caption."""
    return find_queries_of_people(opened(version), view, privacy(version))


def compared(
    version: Version, metric: str, a: View, b: View, options: dict[str, Any], by: tuple[str, ...] = ()
) -> Result:
    """View A against view B, computed once per dataset version, views and options."""
    declared = find(metric)
    texts = tuple((o.name, o.type.print(options[o.name])) for o in declared.options if o.name in options)
    keys, hidden = (repr(a), repr(b)), privacy(version)
    key = _shown_to(hidden, version)
    frame, definition, route = _compared(key, metric, keys, by, texts, version, (a, b), hidden)
    measures = MEASURES if metric in COMPARED else DIFFERENCES
    return Result(replace(declared, measures=measures, finish=None), _shown(frame, by), definition, route, (a, b))


def _ask(question: Callable[..., Any], version: Version, *given: Any, place: int | None = None, **named: Any) -> Any:
    """The answer to a question about a version, by one of the workers where the server has any."""
    return workers.ask(question, opened(version), version.content, version.path, *given, place=place, **named)


@kept
def _compared(
    key: str, metric: str, view_keys: tuple[str, str], by: tuple[str, ...],
    texts: tuple[tuple[str, str], ...], _version: Version, _views: tuple[View, View], _hidden: Privacy | None,
) -> tuple[pd.DataFrame, dict[str, Any], str]:  # fmt: skip
    place = place_of(find(metric))
    found: Answer = _ask(comparison_of, _version, metric, _views, by, _version.key, _hidden, dict(texts), place=place)
    return found


def movers(version: Version, now: View, before: View) -> Result:
    """What changed between two periods, computed once per dataset version and views."""
    hidden = privacy(version)
    key = _shown_to(hidden, version)
    frame, definition = _movers(key, (repr(now), repr(before)), version, (now, before), hidden)
    return Result(MOVERS, frame, definition)


@kept
def _movers(
    key: str, view_keys: tuple[str, str], _version: Version, _views: tuple[View, View], _hidden: Privacy | None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    found: Answer = _ask(movers_of, _version, _views, _version.key, _hidden)
    return found[:2]


def people(version: Version, view: View) -> dict[str, int]:
    """Who the view leaves: counts for captions."""
    hidden = privacy(version)
    return _people(_shown_to(hidden, version), repr(view), version, view, hidden)


def conversions(version: Version, view: View) -> int:
    """How many touchpoints of the view are conversions."""
    hidden = privacy(version)
    return _conversions(_shown_to(hidden, version), repr(view), version, view, hidden)


@kept
def _conversions(key: str, view_key: str, _version: Version, _view: View, _hidden: Privacy | None) -> int:
    return int(_ask(count_conversions, _version, _view, _hidden))


def values(version: Version, column: str) -> tuple[str, ...]:
    """The values of a column that filters offer, most frequent first; "" stands for "not known"."""
    return _values(_key(version), column, version)


@st.cache_resource(show_spinner=False, max_entries=16)
def _opened(key: str, _version: Version) -> Store | Served:
    here = workspace()
    if isinstance(here, ServedWorkspace) and _version.engine:
        return here.served(_version)
    here.verify(_version)
    return open_store(_version.path, _version.facts)


@kept
def _answered(
    key: str, metric: str, view_key: str, by: tuple[str, ...], texts: tuple[tuple[str, str], ...],
    _version: Version, _view: View, _hidden: Privacy | None,
) -> tuple[pd.DataFrame, dict[str, Any], str]:  # fmt: skip
    place = place_of(find(metric))
    found: Answer = _ask(metric_of, _version, metric, _view, by, _version.key, _hidden, dict(texts), place=place)
    return found


@kept
def _people(key: str, view_key: str, _version: Version, _view: View, _hidden: Privacy | None) -> dict[str, int]:
    found: dict[str, int] = _ask(count_people, _version, _view, _hidden)
    return found


@kept
def _values(key: str, column: str, _version: Version) -> tuple[str, ...]:
    found: tuple[str, ...] = _ask(find_values, _version, column, MOST_VALUES)
    return found


def changes(version: Version, view: View) -> pd.DataFrame:
    """The dated changes in the range of the view."""
    return _changes(_key(version), repr(view), version, view)


@kept
def _changes(key: str, view_key: str, _version: Version, _view: View) -> pd.DataFrame:
    found: pd.DataFrame = _ask(find_changes, _version, _view)
    return found


def comments(version: Version, view: View, **wanted: Any) -> tuple[pd.DataFrame, int]:
    """The newest comments of the view, and how many there are."""
    hidden = privacy(version)
    key = _shown_to(hidden, version)
    return _comments(key, repr(view), tuple(sorted(wanted.items())), version, view, hidden)


@kept
def _comments(
    key: str,
    view_key: str,
    wanted: tuple[tuple[str, Any], ...],
    _version: Version,
    _view: View,
    _hidden: Privacy | None,
) -> tuple[pd.DataFrame, int]:
    found: tuple[pd.DataFrame, int] = _ask(find_comments, _version, _view, privacy=_hidden, **dict(wanted))
    return found


def stages(version: Version) -> dict[str, str]:
    """The stage of each touchpoint: the one it stands in most often."""
    return _stages(_key(version), version)


@kept
def _stages(key: str, _version: Version) -> dict[str, str]:
    found: dict[str, str] = _ask(find_stages, _version)
    return found


def answer_touchpoints(version: Version) -> tuple[str, ...]:
    """The touchpoints that are surveys themselves, by the dictionary: tools write an answer down as a touchpoint too."""
    return _answer_touchpoints(_key(version), version)


@kept
def _answer_touchpoints(key: str, _version: Version) -> tuple[str, ...]:
    found = {name: look_up(name) for name in _ask(find_values, _version, "touchpoint", MOST_LOOKED_UP) if name}
    return tuple(sorted(name for name, known in found.items() if known is not None and known.touchpoint == SURVEY))


def names(version: Version) -> pd.DataFrame:
    """The touchpoint names of the files and where they were put."""
    return _names(_key(version), version)


@kept
def _names(key: str, _version: Version) -> pd.DataFrame:
    found: pd.DataFrame = _ask(find_names, _version)
    return found


def places(version: Version) -> pd.DataFrame:
    """To which stage the rows of each touchpoint belong."""
    return _places(_key(version), version)


@kept
def _places(key: str, _version: Version) -> pd.DataFrame:
    found: pd.DataFrame = _ask(find_places, _version)
    return found


def out_of_order(version: Version) -> int:
    """How many touchpoints stood in their file after a later one."""
    return _out_of_order(_key(version), version)


@kept
def _out_of_order(key: str, _version: Version) -> int:
    return int(_ask(count_out_of_order, _version))


def daily(version: Version) -> pd.DataFrame:
    """Touchpoints per day."""
    return _daily(_key(version), version)


@kept
def _daily(key: str, _version: Version) -> pd.DataFrame:
    found: pd.DataFrame = _ask(find_daily, _version)
    return found
