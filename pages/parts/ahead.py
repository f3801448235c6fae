"""What a page asked for its last view is asked for the new one as soon as that is known: by a second asker, from the end of the
page, while the page itself asks from the beginning. Both share the answers; where they meet, one waits for the other.

A page alone keeps one worker busy. Where the server has none, nothing is asked ahead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from cx_metrics import workers
from cx_metrics.engines import asking_while
from cx_metrics.errors import Cancelled, TouchlineError
from cx_metrics.view import View
from pages.parts.waiting import is_to_end

PAGES, NOW = "asked by pages", "asked now"  # session_state: by page, what it asked; what the page of this run asks
MOST_CALLS = 200  # of a page that are noted

Call = tuple[Callable[..., Any], tuple[Any, ...]]  # a question, and what it is given


@dataclass
class Asked:
    """What a page asked for one view of one dataset, and what it was expected to ask."""

    about: str
    view: View
    calls: list[Call] = field(default_factory=list)
    expected: list[Call] = field(default_factory=list)
    is_noted: bool = True
    is_over: bool = False
    is_whole: bool = False  # did the run come to its end?


def begin(page: str, about: str, view: View) -> None:
    """A page begins to ask. `about`: which data it asks about, and as whom."""
    pages: dict[str, Asked] = st.session_state.setdefault(PAGES, {})
    before, now = pages.get(page), Asked(about, view)
    pages[page] = st.session_state[NOW] = now
    run = get_script_run_ctx(suppress_warning=True)
    if before is None or before.about != about or run is None or workers.hired() < 2:
        return
    now.expected = calls_for(before, view)
    if before.view == view:
        return
    requests = run.script_requests

    def still_wanted() -> bool:
        return not (now.is_over or (requests is not None and is_to_end(requests)))

    asking = (now.expected[::-1], still_wanted, run.session_id)
    Thread(target=ask, args=asking, name="ahead", daemon=True).start()


def note(question: Callable[..., Any], given: tuple[Any, ...]) -> None:
    """The page of this run asks something."""
    if get_script_run_ctx(suppress_warning=True) is None:
        return
    now: Asked | None = st.session_state.get(NOW)
    if now is not None and now.is_noted and len(now.calls) < MOST_CALLS:
        now.calls.append((question, given))


@contextmanager
def while_it_asks() -> Iterator[None]:
    """The run of a page, from before it begins to ask: nothing is asked ahead after it."""
    whole = False
    try:
        yield
        whole = True
    finally:
        now: Asked | None = st.session_state.get(NOW)
        if now is not None:
            now.is_over, now.is_whole = True, whole


@contextmanager
def whatever_the_view() -> Iterator[None]:
    """What is asked inside is the same for every view of the page."""
    now: Asked | None = st.session_state.get(NOW)
    if now is None:
        yield
        return
    now.is_noted = False
    try:
        yield
    finally:
        now.is_noted = True


def ask(calls: list[Call], still_wanted: Callable[[], bool], who: str) -> None:
    """Ask them one after the other, as long as somebody wants to know. What cannot be answered the page will be told itself."""
    with asking_while(still_wanted, steps_back=True, who=who), suppress(Cancelled):
        for question, given in calls:
            if not still_wanted():
                return
            with suppress(TouchlineError):
                question(*given)


def calls_for(before: Asked, view: View) -> list[Call]:
    """The same questions for another view; without those that say nothing of the view, whose answers are there. Of a run that was
    cut short, also those that it had not come to."""
    changed = [(made(before.view), made(view)) for made in (View.alone, View.compared, View.other_side, _itself)]
    pairs = [(old, new) for old, new in changed if old is not None and new is not None and old != new]
    found, asked = [], before.calls if before.is_whole else [*before.calls, *before.expected]
    for question, given in asked:
        other = tuple(_for(value, pairs) for value in given)
        if (other != given or before.view == view) and (question, other) not in found:
            found.append((question, other))
    return found


def _itself(view: View) -> View:
    return view


def _for(value: Any, pairs: list[tuple[View, View]]) -> Any:
    """What was given for the old view, as it is given for the new one: views, and the texts that stand for them."""
    if isinstance(value, tuple):
        return tuple(_for(one, pairs) for one in value)
    for old, new in pairs:
        if isinstance(value, View) and value == old:
            return new
        if isinstance(value, str) and value == repr(old):
            return repr(new)
    return value
