"""Where each name belongs: the grid in which it is corrected, the same as a file, and the goal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from cx_metrics import importing, reading
from cx_metrics.errors import TouchlineError
from cx_metrics.plans import Plan
from cx_metrics.reading import NameMapping
from cx_metrics.safe_text import safe
from cx_metrics.tables import PHASES, TOUCHPOINT_TYPES
from cx_metrics.texts import N_, NP_, Text
from pages.parts import cache, figure, state
from pages.parts.page import Page
from pages.parts.view_words import value_word


def show(page: Page) -> None:
    """Where each name belongs: touchpoint, stage, channel, type, phase; and which touchpoints are the goal."""
    say = page.reader.say
    frame = _with_proposals(page, cache.names(page.version))
    unmapped = frame[frame["stage"].isna()]
    title = Text(N_("Every touchpoint belongs to a stage"))
    if len(unmapped):
        one, many = NP_("{n} touchpoint belongs to no stage yet", "{n} touchpoints belong to no stage yet")
        title = Text(one, {"n": len(unmapped)}, many, len(unmapped))
    note = Text(N_("Change a name, stage, type, phase or channel; an empty cell keeps what the file says."))
    with figure.card("names", title, note):
        edited = _names_grid(page, frame)
        with st.form("goal_form", border=False):
            goal = st.multiselect(say(N_("Goal: touchpoints that count as conversion")), cache.values(page.version, "touchpoint"),
                                  default=[g for g in page.facts.goal if g in cache.values(page.version, "touchpoint")],
                                  placeholder=say(N_("Choose touchpoints")))  # fmt: skip
            saved = st.form_submit_button(say(N_("Save as a new version")), type="primary")
        if saved:
            _import_again(page, frame, edited, tuple(goal))
        _as_file(page, frame)


def _with_proposals(page: Page, frame: pd.DataFrame) -> pd.DataFrame:
    """What the dictionary takes for likely, but not for sure, beside names without a stage."""
    said = [
        _proposal(page, str(name)) if pd.isna(stage) else ""
        for name, stage in zip(frame["raw_touchpoint"], frame["stage"], strict=True)
    ]
    return frame.assign(proposed=said) if any(said) else frame


def _proposal(page: Page, name: str) -> str:
    found = reading.propose(name)
    if found is None or not found.stage:
        return ""
    values = {
        "touchpoint": found.touchpoint or "", "stage": page.stage(found.stage), "confidence_share": found.confidence,
    }  # fmt: skip
    return page.reader.say(Text(N_("{touchpoint}, {stage} ({confidence_share})"), values))


def _as_file(page: Page, frame: pd.DataFrame) -> None:
    """The names and where they belong as a CSV, to be corrected elsewhere and brought back."""
    say = page.reader.say
    with st.container(horizontal=True):
        mapped = {str(row["raw_touchpoint"]): NameMapping(str(row["raw_touchpoint"]), **{a: _cell(row[a]) for a in AXES})
                  for row in frame.to_dict("records")}  # fmt: skip
        st.download_button(
            say(N_("Names as CSV")), reading.write_dictionary_csv(mapped), file_name="touchline-names.csv", mime="text/csv",
            key="names_csv", type="tertiary", icon=":material/download:",
        )  # fmt: skip
        with st.popover(say(N_("Names from a CSV")), icon=":material/upload:", type="tertiary"):
            st.caption(
                say(N_("A file as the button beside this writes it. Names that are not in it stay as they are."))
            )
            given = st.file_uploader(
                say(N_("Names from a CSV")), type=["csv"], key="names_file", label_visibility="collapsed"
            )
            if given is None:
                return
            try:
                read = reading.read_dictionary_csv(given.getvalue(), given.name)
            except TouchlineError as problem:
                st.html(page.m.notice(problem.text, "bad"))
                return
            one, many = NP_("Save {n} name as a new version", "Save {n} names as a new version")
            words = safe(say(Text(one, {"n": len(read)}, many, len(read))), "markdown")
            if st.button(words, type="primary", key="names_take"):
                plan = importing.plan_of(cache.workspace(), page.version)
                _start(page, replace(plan, names={**plan.names, **read}, goal=page.facts.goal))


def _names_grid(page: Page, frame: pd.DataFrame) -> pd.DataFrame:
    say = page.reader.say
    column = st.column_config

    def kind(name: str) -> Callable[[Any], str]:
        """The reader's word for a value of a column."""
        return lambda value: safe(value_word(name, str(value), page.reader), "canvas")

    return st.data_editor(
        frame, hide_index=True, key=f"names_{page.version.key}", width="stretch", height=min(520, 38 * (len(frame) + 1)),
        column_config={
            "raw_touchpoint": column.TextColumn(say(N_("Name in the file")), disabled=True),
            "rows": column.NumberColumn(say(N_("Rows")), disabled=True, format="localized"),
            "touchpoint": column.TextColumn(say(N_("Touchpoint"))),
            "stage": column.SelectboxColumn(say(N_("Stage")), options=list(page.facts.stages), format_func=kind("stage")),
            "touchpoint_type": column.SelectboxColumn(say(N_("Type")), options=list(TOUCHPOINT_TYPES),
                                                     format_func=kind("touchpoint_type")),
            "phase": column.SelectboxColumn(say(N_("Phase")), options=list(PHASES), format_func=kind("phase")),
            "channel": column.TextColumn(say(N_("Channel"))),
            "proposed": column.TextColumn(say(N_("The dictionary proposes")), disabled=True),
        },
    )  # fmt: skip


AXES = ("touchpoint", "stage", "touchpoint_type", "phase", "channel")


def _import_again(page: Page, before: pd.DataFrame, after: pd.DataFrame, goal: tuple[str, ...]) -> None:
    """Import the same sources with the corrected names, as the next version of the dataset."""
    if page.version.number != page.newest:
        state.note([Text(N_("Somebody else saved a newer version meanwhile. Look at it and make your changes there."))])
        state.set_version(0)
        st.rerun()
    plan = importing.plan_of(cache.workspace(), page.version)
    names = dict(plan.names)
    renamed: dict[str, str] = {}
    for old, new in zip(before.to_dict("records"), after.to_dict("records"), strict=True):
        changed = {a: _cell(new[a]) for a in AXES if _cell(new[a]) != _cell(old[a])}
        raw = str(old["raw_touchpoint"])
        if changed:
            names[raw] = replace(names.get(raw, NameMapping(raw)), **changed)
        if changed.get("touchpoint"):
            renamed[str(old["touchpoint"])] = str(changed["touchpoint"])
    goal = tuple(dict.fromkeys(renamed.get(g, g) for g in goal))
    _start(page, replace(plan, names=names, goal=goal))


def _start(page: Page, plan: Plan) -> None:
    state.keep("job", importing.start(cache.workspace(), page.version.dataset, plan, state.session()))
    st.rerun()


def _cell(value: Any) -> str | None:
    return None if value is None or value != value or not str(value).strip() else str(value).strip()
