"""Undo and redo of what was chosen on the pages, within one session of the browser.

Each run looks once at what the address says, whoever changed it: the bar, a click on a chart, or the browser's own back button.
A step that leads back to the state before is an undo, one that leads forth again a redo; so buttons and browser agree.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from cx_metrics.safe_text import safe
from cx_metrics.texts import N_, NP_, Text
from cx_metrics.view import View
from pages.parts import state
from pages.parts.language import PageReader
from pages.parts.view_words import changes_in_words

PAST, PRESENT, FUTURE = "undo_past", "undo_present", "undo_future"
MOST_STEPS = 50
SHOWN = 40  # characters of a change on a button
Step = tuple[str, View, tuple[tuple[str, str], ...]]  # dataset, view, options


def watch() -> None:
    """What was chosen since the last run becomes a step. Once a run, when the address is known."""
    then, now = state.kept(PRESENT), _now()
    past, future = _steps(PAST), _steps(FUTURE)
    if not isinstance(then, tuple) or then[0] != now[0]:
        past, future = [], []
    elif then != now:
        if past and past[-1] == now:
            past, future = past[:-1], [*future, then]
        elif future and future[-1] == now:
            past, future = [*past, then], future[:-1]
        else:
            past, future = [*past, then][-MOST_STEPS:], []
    for key, value in ((PAST, past), (PRESENT, now), (FUTURE, future)):
        state.keep(key, value)


def settle() -> None:
    """What the page made of the address, without anybody asking, is no step. Once a run, when the page was shown."""
    state.keep(PRESENT, _now())


def buttons(reader: PageReader) -> None:
    """Undo and redo, each with what it takes back or does again; nothing where there is no such step."""
    now = _now()
    past, future = _steps(PAST), _steps(FUTURE)
    if past:
        _button("bar_undo", N_("Undo: {change}"), "undo", past[-1], now, PAST, reader)
    if future:
        _button("bar_redo", N_("Redo: {change}"), "redo", now, future[-1], FUTURE, reader)


def _button(key: str, words: str, icon: str, before: Step, after: Step, where: str, reader: PageReader) -> None:
    found = changes_in_words(before[1], after[1], reader)
    change: Any = found[0] if found else Text(N_("a setting of the page"))
    if len(found) > 1:
        one, many = NP_("{change} and {n} more change", "{change} and {n} more changes")
        change = Text(one, {"change": change, "n": len(found) - 1}, many, len(found) - 1)
    whole = reader.say(Text(words, {"change": change}))
    st.button(safe(whole, "markdown", limit=SHOWN), key=key, type="tertiary", icon=f":material/{icon}:", on_click=_go,
              args=(where,), help=safe(whole, "markdown") if len(whole) > SHOWN else None)  # fmt: skip


def _go(where: str) -> None:
    """Take the step; `watch` sees in which direction it leads."""
    steps = _steps(where)
    if steps:
        _dataset, view, options = steps[-1]
        state.take(replace(state.current_address(), view=view, options=options))


def _now() -> Step:
    now = state.current_address()
    return now.dataset, now.view, now.options


def _steps(key: str) -> list[Step]:
    found = state.kept(key, [])
    return list(found) if isinstance(found, list) else []
