"""Saved views: a short link becomes the view that it names; the bar saves what the page shows; a view is opened with one click."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

import streamlit as st

from cx_metrics.errors import WorkspaceProblem
from cx_metrics.safe_text import cut, safe
from cx_metrics.texts import N_, Text
from cx_metrics.workspace import SavedView, Version
from cx_metrics.workspace.access import may
from cx_metrics.workspace.views import MOST_NAME_SIGNS, MOST_NOTE_SIGNS
from pages.parts import address, cache, language, navigation, state
from pages.parts.address import Address
from pages.parts.language import PageReader
from pages.parts.markup import Markup

WANTED, FORM_OF = "page_wanted", "view_form_of"
SHORT = N_("The short address opens the saved view, of the data that count on that day.")
NAME_SHOWN = 24  # characters of a name in the bar


def open_linked() -> None:
    """A link of nothing but a saved view opens that view, on its page and of the data that count now. Once a run, right after the
    address was read."""
    now = state.current_address()
    if not now.saved or now.dataset:
        return
    try:
        open_view(cache.workspace().view_of(now.saved))
    except WorkspaceProblem as problem:
        state.take(replace(now, saved=""))
        state.note([problem.text])


def open_view(view: SavedView) -> None:
    """Let the session look at a saved view; `turn` goes to its page."""
    asked, notes = address.from_query(view.query)
    now = state.current_address()
    state.take(
        replace(
            asked, dataset=view.dataset, language=now.language, digits=now.digits, calendar=now.calendar, saved=view.id
        )
    )
    state.note(notes)
    state.keep(WANTED, view.page)


def turn() -> None:
    """Go to the page of the view that was opened, if this run is about another one."""
    wanted = state.kept(WANTED)
    state.keep(WANTED, None)
    if isinstance(wanted, str) and wanted != navigation.here():
        navigation.turn_to(wanted)


def opened() -> SavedView | None:
    """The saved view that the page was opened from, whatever was edited since; None if there is none any more."""
    now = state.current_address()
    try:
        found = cache.workspace().view_of(now.saved) if now.saved else None
    except WorkspaceProblem:
        return None
    return found if found and found.dataset == now.dataset else None


def asked_by(view: SavedView) -> Address:
    """What a saved view asks for: its filters and options."""
    return address.from_query(view.query)[0]


def is_as_saved(view: SavedView) -> bool:
    """Whether the page shows what was saved."""
    now, then = state.current_address(), asked_by(view)
    return (then.view, then.options, view.page) == (now.view, now.options, navigation.here())


def short_link(view: SavedView) -> str:
    """An address that names nothing but the saved view."""
    return f"{navigation.address_of(view.page)}?{urlencode({'saved': view.id})}"


def full_link(view: SavedView) -> str:
    """An address that says all that the view says, with the version of the data that it was saved with."""
    whole = replace(asked_by(view), dataset=view.dataset, version=view.version)
    return f"{navigation.address_of(view.page)}?{urlencode(address.encode(whole), doseq=True)}"


def bar(version: Version, reader: PageReader) -> None:
    """Save what the page shows under a name; the name stands in the bar while the page shows a saved view."""
    view = opened()
    words, icon = Text(N_("Save view")), "bookmark_add"
    if view is not None:
        as_saved = is_as_saved(view)
        words = Text(
            N_("View: {name}") if as_saved else N_("View: {name}, changed"), {"name": cut(view.name, NAME_SHOWN)}
        )
        icon = "bookmark" if as_saved else "bookmark_add"
    with (
        st.container(key="quiet_view", width="content"),
        st.popover(safe(reader.say(words), "markdown"), icon=f":material/{icon}:", key="bar_view"),
    ):
        if may(cache.viewer(), version.dataset, "change"):
            _form(version, view, reader)
        if st.button(reader.say(N_("All saved views")), key="bar_views", type="tertiary", icon=":material/bookmarks:"):
            navigation.turn_to("views")


def _form(version: Version, view: SavedView | None, reader: PageReader) -> None:
    """Name and note. The name of the view that is open overwrites it; another name makes a new one."""
    say, m = reader.say, Markup(reader)
    words = N_("The page with its filters, for the whole team. A name that is taken replaces that view.")
    st.html(m.caption([Text(words)]))
    if state.kept(FORM_OF) != (view and view.id):  # another view is open now: its words stand in the fields
        state.seed("view_name", view.name if view else "")
        state.seed("view_note", view.note if view else "")
        state.keep(FORM_OF, view and view.id)
    with st.form("save_view", border=False):
        st.text_input(say(N_("Name")), key="view_name", max_chars=MOST_NAME_SIGNS)
        st.text_input(say(N_("Note, if you like")), key="view_note", max_chars=MOST_NOTE_SIGNS)
        st.form_submit_button(say(N_("Save")), key="view_save", type="primary", on_click=_save, args=(version,))


def _save(version: Version) -> None:
    now = state.current_address()
    try:
        kept = cache.workspace().save_view(
            version.dataset, str(state.value("view_name") or ""), str(state.value("view_note") or ""), navigation.here(),
            address.as_query(now), version.number,
        )  # fmt: skip
    except WorkspaceProblem as problem:
        state.note([problem.text])
        return
    state.take(replace(now, saved=kept.id))
    words = language.say(Text(N_("The view {name} is saved."), {"name": kept.name}))
    st.toast(safe(words, "markdown"), icon=":material/bookmark:")


def say_short_link(reader: PageReader) -> None:
    """Under the whole address, the short one, where the page shows a saved view as it was saved."""
    view = opened()
    if view is not None and is_as_saved(view):
        m = Markup(reader)
        st.html(m.caption([Text(SHORT)]))
        st.code(short_link(view), language=None, wrap_lines=True)
