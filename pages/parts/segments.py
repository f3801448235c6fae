"""Saved segments: who is inside and who is outside, saved from what the page shows, combined, renamed, deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import streamlit as st

from cx_metrics.errors import TouchlineError, WorkspaceProblem
from cx_metrics.safe_text import safe
from cx_metrics.segments import AllOf, AnyOf, Condition, Not, condition_of, parse_condition, print_condition
from cx_metrics.texts import N_, NP_, Text
from cx_metrics.view import Member, View
from cx_metrics.workspace import Version
from pages.parts import cache, state
from pages.parts.language import PageReader
from pages.parts.markup import Markup
from pages.parts.view_words import answered_label, condition_in_words, member_label

SIDES = {"in": True, "out": False}
SIDE_WORDS = {"in": N_("In these segments"), "out": N_("Not in these segments")}
HOW_WORDS = {"all": N_("in all of them"), "any": N_("in any of them")}
CUSTOMERS = NP_("{n} customer", "{n} customers")


def saved(version: Version) -> dict[str, str]:
    """The saved segments of a dataset: condition by name; none, and a note, where they cannot be read."""
    try:
        return cache.workspace().segments(version.dataset)
    except WorkspaceProblem as problem:
        state.note([problem.text])
        return {}


def choose(version: Version, view: View, reader: PageReader, against: bool = False) -> None:
    """Which segments customers are in, and which not. `against`: those of segment B."""
    known = saved(version)
    members = view.against_members if against else view.members
    named = {condition: name for name, condition in known.items()} | {m.condition: m.name for m in members}
    if not named:
        return
    for side, inside in SIDES.items():
        key = f"bar_{'b_' if against else ''}{side}_segments"
        state.seed(key, [m.condition for m in members if m.inside == inside])
        st.multiselect(
            reader.say(SIDE_WORDS[side]), list(named), key=key, on_change=_take, args=(key, named, inside, against),
            format_func=lambda c: named[c] or condition_in_words(parse_condition(c), reader),
            placeholder=reader.say(N_("Choose segments")),
        )  # fmt: skip


def _take(key: str, named: dict[str, str], inside: bool, against: bool) -> None:
    chosen = state.value(key)
    wanted = [str(c) for c in chosen] if isinstance(chosen, Sequence) else []

    def edit(view: View) -> View:
        kept = view.against_members if against else view.members
        rest = [m for m in kept if m.inside != inside and m.condition not in wanted]
        members = tuple(sorted((*rest, *(Member(named[c], c, inside) for c in wanted)), key=lambda m: m.condition))
        return replace(view, against_members=members) if against else replace(view, members=members)

    state.change(edit)


def chips(view: View, reader: PageReader) -> None:
    """A button for each segment and answer that the view chooses by; a click takes it away."""
    if view.answered:
        st.button(safe(answered_label(view.answered, reader), "markdown"), key="bar_answered", icon=":material/close:",
                  on_click=state.change, args=(lambda v: replace(v, answered=None),))  # fmt: skip
    for i, member in enumerate(view.members):
        st.button(safe(member_label(member, reader), "markdown"), key=f"bar_member_{i}", icon=":material/close:",
                  on_click=state.change, args=(lambda v, c=member.condition: v.without_member(c),))  # fmt: skip


def buttons(version: Version, view: View, reader: PageReader) -> None:
    """Save who is on the page as a segment; look after the saved ones."""
    with st.container(horizontal=True):
        save_button(version, view, reader, "people")
        if saved(version) and st.button(reader.say(N_("Saved segments")), key="bar_segments", type="tertiary",
                                        icon=":material/bookmarks:"):  # fmt: skip
            _dialog(N_("Saved segments"), reader, lambda: _look_after(version, reader))


def save_button(version: Version, view: View, reader: PageReader, place: str) -> None:
    """Save who is on the page as a segment; not where that is everybody, or one segment as it is."""
    condition = condition_of(view)
    fresh = condition is not None and not (len(view.members) == 1 and condition_of(replace(view, members=())) is None)
    words = reader.say(N_("The customers on this page, under a name: for every page and for links"))
    if st.button(reader.say(N_("Save as a segment")), key=f"save_segment_{place}", type="tertiary", disabled=not fresh, help=words,
                 icon=":material/bookmark_add:"):  # fmt: skip
        assert condition is not None
        _dialog(N_("Save as a segment"), reader, lambda: _save(version, condition, reader))


def _dialog(title: str, reader: PageReader, body: Callable[[], None]) -> None:
    st.dialog(reader.say(title), width="large")(body)()


def _save(version: Version, condition: Condition, reader: PageReader) -> None:
    """A name for the customers on the page."""
    _who(version, condition, reader)
    name = st.text_input(reader.say(N_("Name")), key="segment_name", max_chars=80).strip()
    known = saved(version)
    if name in known:
        m, words = Markup(reader), Text(N_("There is a segment {name} already; saving replaces it."), {"name": name})
        st.html(m.notice(words, "plain"))
    if st.button(reader.say(N_("Save")), key="segment_save", type="primary", disabled=not name):
        _keep(version, name, condition)


def _keep(version: Version, name: str, condition: Condition) -> None:
    """Save it, and look at its customers; the filters that it was made of are gone from the bar."""
    text = print_condition(condition)
    cache.workspace().keep_segment(version.dataset, name, text)
    member = Member(name, text)
    made_of = ("customers", "touchpoints", "touchpoint_rule", "passing", "tried", "answered")
    plain = {name: getattr(View(), name) for name in made_of}
    state.change(lambda v: replace(v, **plain, members=(member,)))
    st.rerun()


def _who(version: Version, condition: Condition, reader: PageReader) -> None:
    """Who belongs, in words, and how many."""
    m = Markup(reader)
    words = condition_in_words(condition, reader)
    try:
        n = cache.people(version, View(members=(Member("", print_condition(condition)),))).get("customers", 0)
    except TouchlineError as problem:
        st.html(m.caption([words, problem.text]))
        return
    one, many = CUSTOMERS
    st.html(m.caption([Text(one, {"n": n}, many, n), words]))


def _look_after(version: Version, reader: PageReader) -> None:
    """The saved segments: who belongs, another name, away with it; several combined into a new one."""
    known = saved(version)
    for i, (name, text) in enumerate(known.items()):
        with st.container(border=True, key=f"segment_{i}"):
            row = st.columns([0.6, 0.2, 0.2], vertical_alignment="bottom")
            renamed = (
                row[0].text_input(reader.say(N_("Name")), value=name, key=f"segment_name_{i}", max_chars=80).strip()
            )
            if row[1].button(
                reader.say(N_("Rename")),
                key=f"segment_rename_{i}",
                disabled=renamed == name or not renamed or renamed in known,
            ):
                cache.workspace().rename_segment(version.dataset, name, renamed)
                _call_it(text, renamed)
                st.rerun()
            if row[2].button(reader.say(N_("Delete")), key=f"segment_delete_{i}"):
                cache.workspace().drop_segment(version.dataset, name)
                st.rerun()
            _who(version, parse_condition(text), reader)
    _combine(version, known, reader)


def _call_it(text: str, name: str) -> None:
    def renamed(members: tuple[Member, ...]) -> tuple[Member, ...]:
        return tuple(replace(m, name=name) if m.condition == text else m for m in members)

    state.change(lambda v: replace(v, members=renamed(v.members), against_members=renamed(v.against_members)))


def _combine(version: Version, known: dict[str, str], reader: PageReader) -> None:
    """Customers in all or any of some segments, and not in others."""
    words = reader.say(N_("Combine segments"))
    st.markdown(f"**{words}**")
    row = st.columns(2)
    chosen = row[0].multiselect(
        reader.say(N_("Customers in")), list(known), key="combine_in", placeholder=reader.say(N_("Choose segments"))
    )
    without = row[1].multiselect(
        reader.say(N_("but not in")), list(known), key="combine_out", placeholder=reader.say(N_("Choose segments"))
    )
    how = "all"
    if len(chosen) > 1:
        how = st.radio(reader.say(N_("Customers have to be")), list(HOW_WORDS), key="combine_how", horizontal=True,
                       format_func=lambda h: reader.say(HOW_WORDS[h]))  # fmt: skip
    parts = [parse_condition(known[name]) for name in chosen]
    several: list[Condition] = [AnyOf(tuple(parts))] if how == "any" and len(parts) > 1 else list(parts)
    several += [Not(parse_condition(known[name])) for name in without]
    if not several:
        return
    combined = AllOf(tuple(several)) if len(several) > 1 else several[0]
    _who(version, combined, reader)
    name = st.text_input(reader.say(N_("Name of the new segment")), key="combine_name", max_chars=80).strip()
    if st.button(reader.say(N_("Save")), key="combine_save", type="primary", disabled=not name):
        _keep(version, name, combined)
