"""The one global bar: every chip shows its current value and edits the view; link and export end the row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import streamlit as st

from cx_metrics.safe_text import safe
from cx_metrics.segments import opposite
from cx_metrics.texts import N_, NP_, Text
from cx_metrics.view import (
    COMPARES,
    GRAINS,
    RANGE_RULES,
    TOUCHPOINT_FILTERS,
    TOUCHPOINT_RULES,
    Facts,
    Filter,
    Member,
    View,
)
from cx_metrics.workspace import Version
from pages.parts import cache, calendars, saved_views, segments, state, undoing
from pages.parts.language import PageReader
from pages.parts.view_words import (
    ALL,
    GRAIN_WORDS,
    LABELS,
    RANGE_WORDS,
    RULE_WORDS,
    label,
    passing_label,
    segment_in_words,
    several,
    tried_label,
    value_word,
)

COMPARE_WORDS = {"none": N_("nothing"), "previous": N_("the previous period"), "range": N_("other days")}
MOST_OTHERS = 30  # values that "everybody else" may stand for; more would not fit in a link


def show(version: Version, view: View, reader: PageReader, export: Callable[[], None], comparing: bool = False) -> None:
    """The row of chips. Widgets show the view of the address and edit it; they keep nothing themselves. `comparing`: a page
    that compares segments; others do not look at segment B and do not offer it. `export` ends the row."""
    facts = version.facts
    with st.container(horizontal=True, key="filters", vertical_alignment="center"):
        if facts.timed and facts.first_day:
            _range(view, facts, reader)
        if {"touchpoints", "surveys"} & set(facts.tables):
            _people(version, view, reader, comparing)
        if "channel" in facts.columns.get("touchpoints", ()):
            _channel(version, view, reader)
        if "touchpoints" in facts.tables:
            _goal(version, view, reader)
        _more(version, view, reader)
        if view.passing:
            st.button(safe(passing_label(view.passing, reader), "markdown"), key="bar_passing", icon=":material/close:",
                      on_click=state.change, args=(lambda v: replace(v, passing=None),))  # fmt: skip
        segments.chips(view, reader)
        if view.tried:
            st.button(safe(tried_label(view.tried, reader), "markdown"), key="bar_tried", icon=":material/close:",
                      on_click=state.change, args=(lambda v: replace(v, tried=None),))  # fmt: skip
        if view.passing or view.tried or view.answered:
            segments.save_button(version, view, reader, "bar")
        undoing.buttons(reader)
        st.space("stretch")
        with st.container(horizontal=True, key="bar_end", width="content", gap="small"):
            saved_views.bar(version, reader)
            _link(reader)
            export()


def remove_buttons(view: View, reader: PageReader) -> None:
    """One button per filter that takes it away."""
    for kept in view.customers + view.touchpoints:
        words = reader.say(Text(N_("Remove filter {column}"), {"column": label(kept.column)}))
        st.button(safe(words, "markdown"), key=f"remove_{kept.column}",
                  on_click=state.change, args=(lambda v, c=kept.column: v.with_values(c, ()),))  # fmt: skip
    if view.first_day or view.last_day:
        st.button(reader.say(N_("All dates")), key="remove_dates",
                  on_click=state.change, args=(_all_dates,))  # fmt: skip
    if view.passing:
        st.button(reader.say(N_("Whole flow")), key="remove_passing",
                  on_click=state.change, args=(lambda v: replace(v, passing=None),))  # fmt: skip
    if view.tried:
        st.button(reader.say(N_("Everybody, however far they came")), key="remove_tried",
                  on_click=state.change, args=(lambda v: replace(v, tried=None),))  # fmt: skip
    if view.answered:
        st.button(reader.say(N_("Everybody, whatever they answered")), key="remove_answered",
                  on_click=state.change, args=(lambda v: replace(v, answered=None),))  # fmt: skip
    if view.members:
        st.button(reader.say(N_("No segments")), key="remove_members",
                  on_click=state.change, args=(lambda v: replace(v, members=()),))  # fmt: skip


def _people(version: Version, view: View, reader: PageReader, comparing: bool) -> None:
    """Who is looked at: persona and segment first, then every other attribute of customers; and whom to compare them with."""
    attributes = sorted(
        version.facts.attributes, key=lambda a: (a not in LABELS, list(LABELS).index(a) if a in LABELS else 0)
    )
    shown = segment_in_words(view.customers, attributes, reader)
    compared = comparing and view.has_other_side
    if compared:
        shown = segment_in_words(view.customers, attributes, reader, view.members)
        against = segment_in_words(view.against, attributes, reader, view.against_members)
        shown = reader.say(Text(N_("{a} against {b}"), {"a": shown, "b": against}))
    with chip("people", bool(view.customers) or compared, shown, "group"):
        for column in attributes:
            _choose(version, view, reader, column)
        segments.choose(version, view, reader)
        segments.buttons(version, view, reader)
        if comparing:
            _compare(version, view, reader, attributes)


def _compare(version: Version, view: View, reader: PageReader, attributes: Sequence[str]) -> None:
    """Segment B, by the same attributes; everybody else is one click away where one attribute makes segment A."""
    title = reader.say(N_("Compare with (B)"))
    st.markdown(f"**{title}**")
    others = _everybody_else(version, view)
    with st.container(horizontal=True):
        if others is not None:
            st.button(reader.say(N_("Everybody else")), key="bar_others", type="tertiary",
                      on_click=state.change, args=(partial(_against, others),))  # fmt: skip
        if view.has_other_side:
            st.button(reader.say(N_("No comparison")), key="bar_alone", type="tertiary",
                      on_click=state.change, args=(lambda v: replace(v, against=(), against_members=()),))  # fmt: skip
    for column in attributes:
        key = f"bar_b_{column}"
        state.seed(key, list(view.values_against(column)))
        words = reader.say(Text(N_("{column} of B"), {"column": label(column)}))
        st.multiselect(
            safe(words, "markdown"), cache.values(version, column), key=key,
            format_func=lambda v, c=column: value_word(c, v, reader), placeholder=reader.say(ALL.get(column, N_("All"))),
            on_change=_take_against, args=(column,),
        )  # fmt: skip
    segments.choose(version, view, reader, against=True)


def _everybody_else(version: Version, view: View) -> tuple[tuple[Filter, ...], tuple[Member, ...]] | None:
    """The customers outside segment A: those outside its segments, or the other values of the one attribute that makes it."""
    if view.members:
        return view.customers, opposite(view.members)
    if len(view.customers) != 1:
        return None
    kept = view.customers[0]
    others = tuple(v for v in cache.values(version, kept.column) if v not in kept.values)
    return ((Filter(kept.column, others),), ()) if 0 < len(others) <= MOST_OTHERS else None


def _against(others: tuple[tuple[Filter, ...], tuple[Member, ...]], view: View) -> View:
    return replace(view, against=others[0], against_members=others[1])


def _take_against(column: str) -> None:
    chosen = state.value(f"bar_b_{column}")
    values = tuple(str(v) for v in chosen) if isinstance(chosen, Sequence) else ()
    state.change(lambda v: v.with_against(column, values))


def _channel(version: Version, view: View, reader: PageReader) -> None:
    chosen = [value_word("channel", v, reader) for v in view.values("channel")]
    with chip("channel", bool(chosen), several(chosen, reader) if chosen else reader.say(ALL["channel"]), "hub"):
        _choose(version, view, reader, "channel")


@contextmanager
def chip(key: str, is_set: bool, shown: str, icon: str) -> Iterator[None]:
    """A popover whose closed face says its current value; a set one is filled."""
    with (
        st.container(key=f"chip_{key}", width="content"),
        st.popover(
            safe(shown, "markdown"),
            icon=f":material/{icon}:",
            type="primary" if is_set else "secondary",
            key=f"open_{key}",
        ),
    ):
        yield


def _choose(version: Version, view: View, reader: PageReader, column: str) -> None:
    """A multiselect of the values of a column."""
    key = f"bar_{column}"
    state.seed(key, list(view.values(column)))
    st.multiselect(
        safe(reader.say(label(column)), "markdown"), cache.values(version, column), key=key,
        format_func=lambda v: value_word(column, v, reader), placeholder=reader.say(ALL.get(column, N_("All"))),
        on_change=_take_values, args=(column,),
    )  # fmt: skip


def _take_values(column: str) -> None:
    chosen = state.value(f"bar_{column}")
    values = tuple(str(v) for v in chosen) if isinstance(chosen, Sequence) else ()
    state.change(lambda v: v.with_values(column, values))


def _range(view: View, facts: Facts, reader: PageReader) -> None:
    first, last = view.first_day or facts.first_day, view.last_day or facts.last_day
    assert first is not None and last is not None and facts.first_day is not None and facts.last_day is not None
    chosen = view.first_day is not None or view.last_day is not None
    with chip("range", chosen, reader.dates(first, last), "calendar_month"):
        days = st.columns(2)
        known = (facts.first_day, facts.last_day)
        for column, name, key, day in zip(
            days, (N_("From"), N_("To")), ("bar_first", "bar_last"), (first, last), strict=True
        ):
            with column:
                _day(reader, name, key, day, known, _take_range)
        st.button(reader.say(N_("All dates")), key="bar_all_dates", type="tertiary",
                  on_click=state.change, args=(_all_dates,))  # fmt: skip
        _compare_days(view, facts, reader, chosen)
        state.seed("bar_range_rule", view.range_rule)
        st.radio(reader.say(N_("What counts")), RANGE_RULES, key="bar_range_rule",
                 format_func=lambda r: reader.say(RANGE_WORDS[r]),
                 on_change=lambda: state.change(lambda v: replace(v, range_rule=state.value("bar_range_rule"))))  # type: ignore[arg-type]  # fmt: skip


def _all_dates(view: View) -> View:
    """All dates have no period before them; other days to compare with stay."""
    return replace(view, first_day=None, last_day=None, compare="none" if view.compare == "previous" else view.compare)


def _take_range(key: str, first_known: date, last_known: date) -> None:
    """One end of the range was chosen; the other is that of the view."""
    chosen = state.value(key)
    if isinstance(chosen, date):
        now = state.view()
        ends = (chosen, now.last_day or last_known) if key == "bar_first" else (now.first_day or first_known, chosen)
        first, last = min(ends), max(ends)
        whole = first == first_known and last == last_known
        state.change(lambda v: replace(v, first_day=None if whole else first, last_day=None if whole else last))


def _compare_days(view: View, facts: Facts, reader: PageReader, chosen: bool) -> None:
    """Compare with nothing, with the period before, or with other days."""
    offered = [c for c in COMPARES if c != "previous" or chosen]
    state.seed("bar_compare", view.compare)
    st.radio(reader.say(N_("Compare with")), offered, key="bar_compare", on_change=_take_compare, args=(facts,),
             format_func=lambda c: reader.say(COMPARE_WORDS[c]))  # fmt: skip
    if view.compare != "range" or facts.first_day is None or facts.last_day is None:
        return
    known = (facts.first_day, facts.last_day)
    for column, name, key, other in zip(st.columns(2), (N_("From"), N_("To")), ("bar_compare_first", "bar_compare_last"),
                                        (view.compare_first, view.compare_last), strict=True):  # fmt: skip
        with column:
            _day(reader, name, key, other or facts.first_day, known, _take_other_days)


def _day(
    reader: PageReader,
    name: str,
    key: str,
    day: date,
    known: tuple[date, date],
    take: Callable[[str, date, date], None],
) -> None:
    """A day to choose: from the calendar sheet, which is Gregorian, or typed in the reader's own calendar."""
    first, last = known
    shown = min(max(day, first), last)
    if reader.own_calendar == "gregorian":
        state.seed(key, shown)
        st.date_input(reader.say(name), key=key, min_value=first, max_value=last, format="YYYY-MM-DD", on_change=take,
                      args=(key, first, last))  # fmt: skip
        return
    unread = state.kept(f"{key}_unread")
    state.seed(f"{key}_typed", unread or reader.typed(shown))
    st.text_input(
        reader.say(name), key=f"{key}_typed", on_change=_take_typed, args=(key, reader.own_calendar, known, take)
    )
    if unread:
        example = {"example": reader.typed(last)}
        st.caption(safe(reader.say(Text(N_("This is no day. Write it like {example}."), example)), "markdown"))


def _take_typed(
    key: str, calendar: calendars.Calendar, known: tuple[date, date], take: Callable[[str, date, date], None]
) -> None:
    """The day that was typed, or what was typed in its place, which stays until it is a day."""
    text = str(state.value(f"{key}_typed") or "")
    read = calendars.read(text, calendar)
    state.keep(f"{key}_unread", None if read else text[:40])
    if read is not None:
        state.keep(key, min(max(read, known[0]), known[1]))
        take(key, *known)


def _take_compare(facts: Facts) -> None:
    wanted = state.value("bar_compare")
    if wanted == "range":  # to begin with, the first half of the data
        assert facts.first_day is not None and facts.last_day is not None
        middle = facts.first_day + (facts.last_day - facts.first_day) // 2
        state.change(lambda v: replace(v, compare="range", compare_first=facts.first_day, compare_last=middle))
    else:
        kind: Any = "previous" if wanted == "previous" else "none"
        state.change(lambda v: replace(v, compare=kind, compare_first=None, compare_last=None))


def _take_other_days(key: str, first_known: date, last_known: date) -> None:
    """One end of the days to compare with was chosen; the other is that of the view."""
    chosen = state.value(key)
    if isinstance(chosen, date):
        now = state.view()
        one, other = ((chosen, now.compare_last or last_known) if key == "bar_compare_first"
                      else (now.compare_first or first_known, chosen))  # fmt: skip
        state.change(lambda v: replace(v, compare_first=min(one, other), compare_last=max(one, other)))


def _goal(version: Version, view: View, reader: PageReader) -> None:
    goal = version.facts.goal_of(view)
    words = reader.listing(goal) if goal else reader.say(N_("none"))
    shown = reader.say(Text(N_("Goal: {goal}"), {"goal": words}))
    with chip("goal", bool(view.goal), shown, "flag"):
        state.seed("bar_goal", list(goal))
        st.multiselect(
            reader.say(N_("Touchpoints that count as conversion")), cache.values(version, "touchpoint"), key="bar_goal",
            placeholder=reader.say(N_("Choose touchpoints")), on_change=_take_goal, args=(version.facts.goal,),
        )  # fmt: skip


def _take_goal(default: tuple[str, ...]) -> None:
    chosen = state.value("bar_goal")
    goal = tuple(str(g) for g in chosen) if isinstance(chosen, Sequence) else ()
    state.change(lambda v: replace(v, goal=None if not goal or goal == default else goal))


def _more(version: Version, view: View, reader: PageReader) -> None:
    """The filters that have no chip of their own; the chip says how many are set."""
    facts = version.facts
    offered = [c for c in TOUCHPOINT_FILTERS if c != "channel" and c in facts.columns.get("touchpoints", ())]
    n = sum(1 for c in offered if view.values(c)) + (view.grain != "journey")
    one, many = NP_("More filters: {n} set", "More filters: {n} set")
    words = reader.say(Text(one, {"n": n}, many, n)) if n else reader.say(N_("More filters"))
    with chip("more", n > 0, words, "tune"):
        for column in offered:
            _choose(version, view, reader, column)
        if view.touchpoints:
            state.seed("bar_rule", view.touchpoint_rule)
            st.radio(reader.say(N_("Filters on touchpoints keep")), TOUCHPOINT_RULES, key="bar_rule",
                     format_func=lambda r: reader.say(RULE_WORDS[r]),
                     on_change=lambda: state.change(lambda v: replace(v, touchpoint_rule=state.value("bar_rule"))))  # type: ignore[arg-type]  # fmt: skip
        grains = [g for g in GRAINS if g != "case" or "case_id" in facts.columns.get("touchpoints", ())]
        if "touchpoints" in facts.tables:
            state.seed("bar_grain", view.grain)
            st.radio(reader.say(N_("Count paths by")), grains, key="bar_grain", format_func=lambda g: reader.say(GRAIN_WORDS[g]),
                     on_change=lambda: state.change(lambda v: replace(v, grain=state.value("bar_grain"))))  # type: ignore[arg-type]  # fmt: skip


def _link(reader: PageReader) -> None:
    """The address of this view, to copy."""
    with (
        st.container(key="quiet_link", width="content"),
        st.popover(reader.say(N_("Copy link")), icon=":material/link:"),
    ):
        st.caption(reader.say(N_("This address opens the same view. Copy it and send it to a colleague.")))
        st.code(state.link(), language=None, wrap_lines=True)
        saved_views.say_short_link(reader)
