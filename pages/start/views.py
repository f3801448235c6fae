"""Which views does the team look at?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import streamlit as st

from cx_metrics.errors import TouchlineError, WorkspaceProblem
from cx_metrics.texts import N_, NP_, Text
from cx_metrics.workspace import DatasetInfo, SavedView
from cx_metrics.workspace.access import may
from cx_metrics.workspace.views import MOST_NAME_SIGNS, MOST_NOTE_SIGNS
from pages.parts import address, cache, figure, navigation, saved_views, state
from pages.parts.language import PageReader, reader
from pages.parts.markup import Markup, Words
from pages.parts.page import Page, add_files_button, begin_bare, known_values
from pages.parts.sidebar import title
from pages.parts.view_words import view_in_words

QUESTION = N_("Which views does the team look at?")
DROPPED = "dropped_view"
STEPS = (
    N_("Choose dates, people, channels or a goal on any page"),
    N_("Click “Save view” in the bar above the page and give the view a name"),
    N_("Open it from here, or send its short link to a colleague"),
)


def show() -> None:
    """The saved views of the dataset that is open, the pinned ones first; then those of the other datasets."""
    figure.begin()
    who = reader()
    m = Markup(who)
    page = begin_bare(N_("Views"), QUESTION)
    here = cache.workspace()
    known = {info.id: info for info in here.datasets()}
    now = state.current_address().dataset
    found = {i: here.views(i) for i in sorted(known, key=lambda i: i != now)}
    st.html(m.head(who.say(N_("Views")), finding(sum(map(len, found.values()))), who.say(QUESTION)))
    for note in state.notes():
        st.html(m.notice(note))
    offer_undo(who, m)
    if not any(found.values()):
        say_how(who, m, bool(known))
        return
    st.html(m.caption([Text(N_("Whoever may see a dataset sees its views; whoever may change it can change them.")),
                       Text(N_("A view is asked of the data that count on the day you open it."))]))  # fmt: skip
    for dataset, views in found.items():
        if views and dataset != now:
            st.html(m.card_head(Text(N_("Of the dataset {title}"), {"title": title(who, known[dataset])})))
        for view in views:
            draw_view(view, known[dataset], page if dataset == now else None, who, m)


def finding(n: int) -> Text:
    """How many views there are."""
    one, many = NP_("{n} view is saved for the team", "{n} views are saved for the team")
    return Text(one, {"n": n}, many, n) if n else Text(N_("No views are saved yet"))


def say_how(who: PageReader, m: Markup, data: bool) -> None:
    """Nobody saved a view: what one is, and how to."""
    body = N_(
        "A saved view is a page with its filters under a name: the question you ask every Monday, one click away."
    )
    box = st.container(key="card_empty")
    box.html(m.empty(Text(N_("Save the views you come back to")), Text(body), [Text(s) for s in STEPS]))
    with box.container(horizontal=True):
        if not data:
            add_files_button(who)
        elif st.button(who.say(N_("Go to the overview")), type="primary", key="go_overview"):
            navigation.turn_to("")


def offer_undo(who: PageReader, m: Markup) -> None:
    """The view that was deleted last can be put back."""
    gone = state.kept(DROPPED)
    if isinstance(gone, SavedView):
        st.html(m.notice(Text(N_("The view {name} was deleted."), {"name": gone.name}), "plain"))
        st.button(who.say(N_("Undo")), key="view_back", icon=":material/undo:", on_click=_put_back, args=(gone,))


def draw_view(view: SavedView, info: DatasetInfo, page: Page | None, who: PageReader, m: Markup) -> None:
    """One view: what it is called, what it shows, in which state it is; open it, and what else can be done with it."""
    words = view_in_words(saved_views.asked_by(view).view, who)
    with st.container(key=f"card_view_{view.id}"):
        st.html(m.card_head(view.name, view.note))
        st.html(m.chips([Text(navigation.called(view.page)), *(words or [Text(N_("Everything, no filters"))])]))
        st.html(m.caption(_state(view, info, who)))
        for note in _lost(view, page):
            st.html(m.notice(note))
        with st.container(horizontal=True, key=f"tools_view_{view.id}", vertical_alignment="center"):
            if st.button(who.say(N_("Open")), key=f"view_open_{view.id}", icon=":material/arrow_outward:"):
                saved_views.open_view(view)
                state.keep(saved_views.WANTED, None)
                navigation.turn_to(view.page)
            _links(view, who)
            if may(cache.viewer(), view.dataset, "change"):
                _look_after(view, who)


def _state(view: SavedView, info: DatasetInfo, who: PageReader) -> list[Words]:
    """Since when, of which data, who sees it."""
    at = datetime.fromisoformat(view.saved_at)
    said: list[Words] = [Text(N_("pinned"))] if view.pinned else []
    saved = {"day": who.date(at.date()), "time": who.clock(at)}
    said.append(Text(N_("saved {day}, {time} UTC"), saved))
    if view.version == info.version:
        said.append(Text(N_("of version {version} of the data, the one that counts"), {"version": view.version}))
    else:
        words = N_("of version {version} of the data; version {now} counts now, and is what it shows")
        said.append(Text(words, {"version": view.version, "now": info.version}))
    seen = {"title": title(who, info)}
    return [*said, Text(N_("seen by everybody who may see {title}"), seen)]


def _lost(view: SavedView, page: Page | None) -> list[Text]:
    """What it asks for and the data do not have any more: only where they were replaced since, and are open."""
    if page is None or page.version.number == view.version:
        return []
    asked = saved_views.asked_by(view).view
    return address.fit(asked, page.facts, known_values(page.version, asked))[1]


def _links(view: SavedView, who: PageReader) -> None:
    m = Markup(who)
    whole = N_("The whole address keeps its filters and the version of the data, whatever becomes of the saved view.")
    with st.popover(who.say(N_("Copy link")), icon=":material/link:", type="tertiary", key=f"view_link_{view.id}"):
        st.html(m.caption([Text(saved_views.SHORT)]))
        st.code(saved_views.short_link(view), language=None, wrap_lines=True)
        st.html(m.caption([Text(whole)]))
        st.code(saved_views.full_link(view), language=None, wrap_lines=True)


def _look_after(view: SavedView, who: PageReader) -> None:
    """Pin, call it something else, delete."""
    words = N_("Unpin") if view.pinned else N_("Pin to the top")
    icon = "keep_off" if view.pinned else "keep"
    st.button(who.say(words), key=f"view_pin_{view.id}", type="tertiary", icon=f":material/{icon}:", on_click=_edit,
              args=(lambda: cache.workspace().pin_view(view.dataset, view.id, not view.pinned),))  # fmt: skip
    with (
        st.popover(who.say(N_("Rename")), icon=":material/edit:", type="tertiary", key=f"view_edit_{view.id}"),
        st.form(f"rename_{view.id}", border=False),
    ):
        st.text_input(who.say(N_("Name")), value=view.name, key=f"view_name_{view.id}", max_chars=MOST_NAME_SIGNS)
        st.text_input(
            who.say(N_("Note, if you like")), value=view.note, key=f"view_note_{view.id}", max_chars=MOST_NOTE_SIGNS
        )
        st.form_submit_button(
            who.say(N_("Save")), key=f"view_rename_{view.id}", on_click=_edit, args=(lambda: _rename(view),)
        )
    st.button(who.say(N_("Delete")), key=f"view_drop_{view.id}", type="tertiary", icon=":material/delete:", on_click=_edit,
              args=(lambda: _drop(view),))  # fmt: skip


def _edit(change: Callable[[], None]) -> None:
    """Do it, or say why it cannot be done."""
    state.keep(DROPPED, None)
    try:
        change()
    except WorkspaceProblem as problem:
        state.note([problem.text])


def _rename(view: SavedView) -> None:
    name, note = (str(state.value(f"view_{what}_{view.id}") or "") for what in ("name", "note"))
    cache.workspace().rename_view(view.dataset, view.id, name, note)


def _drop(view: SavedView) -> None:
    cache.workspace().drop_view(view.dataset, view.id)
    state.keep(DROPPED, view)


def _put_back(view: SavedView) -> None:
    _edit(lambda: cache.workspace().put_view_back(view.dataset, view))


def guarded() -> None:
    """The page; what cannot be done is said in words."""
    try:
        show()
    except TouchlineError as problem:
        m = Markup(reader())
        st.html(m.notice(problem.text, "bad"))


guarded()
