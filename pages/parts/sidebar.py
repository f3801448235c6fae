"""The sidebar under the navigation: which dataset, which language, how dates and numbers are written."""

from __future__ import annotations

import streamlit as st

from cx_metrics.texts import N_, Text
from cx_metrics.workspace import DatasetInfo
from pages.parts import cache, state
from pages.parts.calendars import CALENDARS, USUAL
from pages.parts.language import LANGUAGES, OWN_DIGITS, PageReader, reader

DIGITS = {"native": N_("Those of the language"), "latin": N_("Latin, 0 to 9")}


def choose_dataset_if_none() -> None:
    """A link without a dataset opens the newest one; the sample if there is no other."""
    if not state.current_address().dataset:
        found = cache.workspace().datasets()
        if found:
            state.set_dataset(found[0].id)


def title(who: PageReader, info: DatasetInfo) -> str:
    """What a dataset is called, and where it lives if that is not here."""
    if info.engine:
        return who.say(Text(N_("{title}, in {engine}"), {"title": info.title, "engine": info.engine}))
    return who.say(N_("Sample data")) if info.is_sample else info.title


def show() -> None:
    """The data picker and the language switch."""
    who = reader()
    known = {info.id: info for info in cache.workspace().datasets()}
    current = state.current_address().dataset
    with st.sidebar:
        if known:
            state.seed("side_dataset", current if current in known else None)
            st.selectbox(
                who.say(N_("Dataset")), list(known), key="side_dataset", placeholder=who.say(N_("Choose a dataset")),
                format_func=lambda i: title(who, known[i]),
                on_change=lambda: state.set_dataset(str(state.value("side_dataset"))),
            )  # fmt: skip
        state.seed("side_language", who.language)
        st.selectbox(
            who.say(N_("Language")), list(LANGUAGES), key="side_language", format_func=lambda code: LANGUAGES[code],
            on_change=lambda: state.set_language(str(state.value("side_language"))),
        )  # fmt: skip
        _writing(who)


def _writing(who: PageReader) -> None:
    """In which calendar days are written, and in which digits where the language has its own."""
    usual = USUAL.get(who.language, "gregorian")
    with st.popover(who.say(N_("Dates and digits")), width="stretch", key="side_writing"):
        state.seed("side_calendar", who.own_calendar)
        st.radio(
            who.say(N_("Calendar")), list(CALENDARS), key="side_calendar", format_func=lambda c: who.say(CALENDARS[c]),
            on_change=_take_calendar, args=(usual,),
        )  # fmt: skip
        if who.language in OWN_DIGITS:
            state.seed("side_digits", "latin" if who.digits == "latin" else "native")
            st.radio(
                who.say(N_("Digits")), list(DIGITS), key="side_digits",
                format_func=lambda d: who.say(DIGITS[d]),
                on_change=lambda: state.set_writing(digits="latin" if state.value("side_digits") == "latin" else ""),
            )  # fmt: skip


def _take_calendar(usual: str) -> None:
    chosen = str(state.value("side_calendar"))
    state.set_writing(calendar="" if chosen == usual else chosen)
