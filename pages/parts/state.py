"""What one reader's session holds: the address (dataset, language, view, options) and notes about it.

`load` runs first in app.py, `save` last before the page: the address bar always says what the page shows.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urlencode

import streamlit as st

from cx_metrics.texts import Text
from cx_metrics.view import View
from pages.parts import address
from pages.parts.address import Address
from pages.parts.language import LANGUAGES


def load() -> None:
    """Take the address bar's word in a new session, or when it was edited or stepped back in; else keep the session's."""
    params = {name: st.query_params.get_all(name) for name in st.query_params}
    seen = st.session_state.get("address_seen")
    if seen is None or (params and params != seen):
        found, notes = address.decode(params)
        language = found.language or st.session_state.get("lang") or _browser_language()
        current = st.session_state.get("address")
        dataset = found.dataset or (current.dataset if current and not found.saved else "")
        st.session_state["address"] = replace(found, language=language, dataset=dataset)
        st.session_state["notes"] = notes
    _speak_as_chosen()


def _speak_as_chosen() -> None:
    """Language, digits and calendar of the address are those of the reader."""
    now = current_address()
    st.session_state["lang"], st.session_state["digits"] = now.language, now.digits
    st.session_state["calendar"] = now.calendar


def save() -> None:
    """Write the session's address to the address bar, if it says something else."""
    wanted = address.encode(current_address())
    if {name: st.query_params.get_all(name) for name in st.query_params} != wanted:
        st.query_params.from_dict(wanted)
    st.session_state["address_seen"] = wanted


def current_address() -> Address:
    """The address of the session."""
    found = st.session_state.get("address")
    return found if isinstance(found, Address) else Address(language="en")


def view() -> View:
    """The view of the session."""
    return current_address().view


def change(edit: Callable[[View], View]) -> None:
    """Edit the view; widgets call this before the page runs again."""
    now = current_address()
    st.session_state["address"] = replace(now, view=edit(now.view))
    st.session_state["notes"] = []


def take(whole: Address) -> None:
    """Look at another address: of a saved view, or of a step that is undone."""
    st.session_state["address"] = whole
    st.session_state["notes"] = []
    _speak_as_chosen()


def set_option(metric: str, name: str, text: str | None) -> None:
    """Set an option of a metric by its text form; None goes back to the default."""
    st.session_state["address"] = current_address().with_option(metric, name, text)


def set_language(language: str) -> None:
    """Choose the language of the pages."""
    st.session_state["address"] = replace(current_address(), language=language, digits="", calendar="")
    _speak_as_chosen()


def set_writing(digits: str | None = None, calendar: str | None = None) -> None:
    """Choose how numbers and days are written; "" is what is usual in the language, None leaves it."""
    now = current_address()
    st.session_state["address"] = replace(
        now, digits=now.digits if digits is None else digits, calendar=now.calendar if calendar is None else calendar
    )
    _speak_as_chosen()


def set_dataset(dataset: str) -> None:
    """Look at another dataset, with a fresh view: filters and options of one mean nothing in another."""
    now = current_address()
    if dataset != now.dataset:
        st.session_state["address"] = Address(dataset, language=now.language, digits=now.digits, calendar=now.calendar)
        if now.dataset:  # else they are about a link that named none
            st.session_state["notes"] = []


def set_version(number: int) -> None:
    """Look at another version of the dataset; 0 is the newest."""
    st.session_state["address"] = replace(current_address(), version=number)


def notes() -> list[Text]:
    """What of the link was ignored."""
    found = st.session_state.get("notes", [])
    return list(found)


def note(more: list[Text]) -> None:
    """Say that more of the link was ignored, each note once."""
    known = {str(n) for n in notes()}
    st.session_state["notes"] = notes() + [n for n in more if str(n) not in known]


def seed(key: str, value: object) -> None:
    """Let the widget that comes next show `value`: widgets show the view, they do not keep it."""
    st.session_state[key] = value


def value(key: str) -> object:
    """What the widget with that key holds, in its callback."""
    return st.session_state.get(key)


def keep(key: str, kept: object) -> None:
    """Keep something for this session that is not part of a view: a job that runs, uploads in hand."""
    st.session_state[key] = kept


def kept(key: str, default: object = None) -> object:
    """What `keep` put away."""
    return st.session_state.get(key, default)


def session() -> str:
    """A random name of this browser session, for quotas; it says nothing about who it is."""
    if "session" not in st.session_state:
        st.session_state["session"] = secrets.token_hex(8)
    return str(st.session_state["session"])


def _browser_language() -> str:
    asked = (st.context.locale or "en").split("-")[0]
    return asked if asked in LANGUAGES else "en"


def change_quietly(fitted: View) -> None:
    """Keep the part of the view that the dataset has; notes stay."""
    now = current_address()
    if fitted != now.view:
        st.session_state["address"] = replace(now, view=fitted)


def query_without(page: str, name: str) -> str:
    """The address of what the page shows now, without one choice: what a link to another page begins with."""
    return urlencode(address.encode(current_address().with_option(page, name, None)), doseq=True)


def link() -> str:
    """The whole address of what the page shows now."""
    query = urlencode(address.encode(current_address()), doseq=True)
    return f"{(st.context.url or '').split('?')[0]}?{query}"
