"""Can I trust this upload?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from cx_metrics import importing
from cx_metrics.charts.lines import draw_trend
from cx_metrics.errors import TouchlineError, WorkspaceProblem
from cx_metrics.reading import NameMapping, Report
from cx_metrics.tables import PHASES, TABLE_NAMES, TOUCHPOINT_TYPES
from cx_metrics.texts import N_, NP_, Text
from cx_metrics.workspace import Version
from pages.parts import cache, figure, places, state, upload, versions
from pages.parts.figure import Explain
from pages.parts.language import reader
from pages.parts.markup import Markup
from pages.parts.page import Page, begin_bare, offer_another

QUESTION = N_("Can I trust this upload?")


def show() -> None:
    """Upload; then what became of every row, the names and where they belong, rows a day, and deleting the dataset."""
    figure.begin()
    who = reader()
    m = Markup(who)
    page = begin_bare(N_("Data"), QUESTION)
    if page is None:
        st.html(m.head(who.say(N_("Data")), Text(N_("No data yet")), who.say(QUESTION)))
        for note in state.notes():
            st.html(m.notice(note))
        upload.show(who, m)
        if any(info.id == state.current_address().dataset for info in cache.workspace().datasets()):
            offer_another(who)  # there is one, and it is damaged
            versions.show(who, state.current_address().dataset)
        return
    reports = [Report.from_dict(kept) for kept in page.version.manifest["reports"]]
    st.html(m.head(who.say(N_("Data")), finding(reports), who.say(QUESTION)))
    for note in state.notes():
        st.html(m.notice(note))
    if upload.show(who, m):  # first things first: the rest of the page comes back when the upload is settled
        return
    draw_files(page, reports)
    draw_aside(page, reports)
    if page.has("touchpoints"):
        draw_days(page)
        places.show(page)
    if page.version.engine:
        say_where(page)
        return
    versions.show(who, page.version.dataset)
    if page.has("touchpoints"):
        edit_names(page)
    delete(page)


def say_where(page: Page) -> None:
    """A dataset that lives in an engine is changed there."""
    words = N_("This dataset lives in {engine} and is changed there: python -m cx_metrics engine load")
    st.html(page.m.notice(Text(words, {"engine": page.version.engine})))


def finding(reports: Sequence[Report]) -> Text:
    """How much of what came in is there."""
    rows, aside = sum(r.rows for r in reports), sum(r.set_aside for r in reports)
    if not aside:
        one, many = NP_("The {rows} row of your files is loaded", "All {rows} rows of your files are loaded")
        return Text(one, {"rows": rows}, many, rows)
    one, many = NP_("{loaded} of {rows} rows are loaded; {aside} row was set aside",
                    "{loaded} of {rows} rows are loaded; {aside} rows were set aside")  # fmt: skip
    return Text(one, {"loaded": rows - aside, "rows": rows, "aside": aside}, many, aside)


def draw_files(page: Page, reports: Sequence[Report]) -> None:
    """One row per file: rows in = rows loaded + rows set aside; then what was assumed."""
    say = page.reader.say
    manifest = page.version.manifest
    heads = [Text(N_("File")), Text(N_("Holds")), Text(N_("Rows")), Text(N_("Loaded")), Text(N_("Set aside"))]
    rows_held = manifest["rows"]
    notes: list[Text] = [Text("{file}: {note}", {"file": r.file, "note": n}) for r in reports for n in r.notes]
    if manifest["conflicts"]:
        n = int(manifest["conflicts"])
        one, many = NP_(
            "{n} customer has more than one persona, segment or region in the rows; the most frequent one counts",
            "{n} customers have more than one persona, segment or region in the rows; the most frequent one counts",
        )
        notes.append(Text(one, {"n": n}, many, n))
    title = Text(N_("Version {version}: {touchpoints} touchpoints, {answers} answers, {customers} customers"), {
        "version": page.version.number, "touchpoints": int(rows_held.get("touchpoints", 0)),
        "answers": int(rows_held.get("surveys", 0)), "customers": int(rows_held.get("customers", 0)),
    })  # fmt: skip
    caption = [
        Text(N_("rows in the file = rows loaded + rows set aside")),
        Text(N_("times in {zone}"), {"zone": page.facts.zone}),
    ]
    if manifest["duplicates"]:
        n = int(manifest["duplicates"])
        one, many = NP_("{n} exact duplicate counted once", "{n} exact duplicates counted once")
        caption.append(Text(one, {"n": n}, many, n))
    if n := sum(manifest.get("replaced", {}).values()):
        one, many = NP_("{n} row of an earlier upload was replaced by a newer one",
                        "{n} rows of earlier uploads were replaced by newer ones")  # fmt: skip
        caption.append(Text(one, {"n": n}, many, n))
    if n := int(manifest.get("erased", 0)):
        one, many = NP_("{n} row was erased on request", "{n} rows were erased on request")
        caption.append(Text(one, {"n": n}, many, n))
    with figure.card("files", title, Text(N_("Rows in, rows loaded, rows set aside")), caption):
        figure.html(lambda m: m.table(heads, [
            [m.strong(r.file), say(TABLE_NAMES[r.table]), m.number(r.rows), m.number(r.loaded), m.number(r.set_aside)]
            for r in reports
        ], numeric=(2, 3, 4)))  # fmt: skip
        if notes:
            with st.expander(say(N_("What was assumed while reading"))):
                figure.html(lambda m: m.list(notes))


def draw_aside(page: Page, reports: Sequence[Report]) -> None:
    """Every row that was set aside, with its reason."""
    listed = [(r.file, problem) for r in reports for group in r.reasons for problem in group.rows]
    if not listed:
        return
    total = sum(r.set_aside for r in reports)
    heads = [Text(N_("File")), Text(N_("Row")), Text(N_("Column")), Text(N_("Found")), Text(N_("Reason"))]
    table = pd.DataFrame(
        [(f, p.row, p.column or "", p.found, page.reader.say(p.reason)) for f, p in listed],
        columns=["file", "row", "column", "found", "reason"],
    )
    one, many = NP_("{total} row could not be used", "{total} rows could not be used")
    caption = [
        Text(
            N_("{shown} of {total} shown; the CSV holds up to 200 for each reason"),
            {"shown": min(20, len(listed)), "total": total},
        )
    ]
    with figure.card("aside", Text(one, {"total": total}, many, total), Text(N_("Rows set aside, with the reason")), caption,
                     Explain((), table, "rows-set-aside")):  # fmt: skip
        figure.html(lambda m: m.table(heads, [
            [f, m.number(p.row), p.column or "–", p.found or "–", p.reason] for f, p in listed[:20]
        ], numeric=(1,)))  # fmt: skip


def draw_days(page: Page) -> None:
    """Rows a day: gaps and jumps show exports that are not whole."""
    frame = cache.daily(page.version)
    if len(frame) < 2:
        return
    days = (frame["day"].iloc[-1] - frame["day"].iloc[0]).days + 1
    gaps = days - len(frame)
    title = Text(N_("Every day from the first to the last has touchpoints"))
    if gaps:
        one, many = NP_("{gaps} day of {days} has no touchpoint", "{gaps} days of {days} have no touchpoint")
        title = Text(one, {"gaps": gaps, "days": days}, many, gaps)
    caption = [page.counted("touchpoints", int(frame["touchpoints"].sum())), *page.period()]
    with figure.card("days", title, Text(N_("Touchpoints per day")), caption, Explain((), frame, "rows-per-day")):
        figure.altair(
            lambda who: draw_trend(frame, who, "day", "touchpoints", zero=True, height=180),
            title,
            key="days",
            wide=True,
        )


def edit_names(page: Page) -> None:
    """Where each name belongs: touchpoint, stage, channel, type, phase; and which touchpoints are the goal."""
    say = page.reader.say
    frame = cache.names(page.version)
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


def _names_grid(page: Page, frame: pd.DataFrame) -> pd.DataFrame:
    say = page.reader.say
    column = st.column_config
    return st.data_editor(
        frame, hide_index=True, key=f"names_{page.version.key}", width="stretch", height=min(520, 38 * (len(frame) + 1)),
        column_config={
            "raw_touchpoint": column.TextColumn(say(N_("Name in the file")), disabled=True),
            "rows": column.NumberColumn(say(N_("Rows")), disabled=True),
            "touchpoint": column.TextColumn(say(N_("Touchpoint"))),
            "stage": column.SelectboxColumn(say(N_("Stage")), options=list(page.facts.stages)),
            "touchpoint_type": column.SelectboxColumn(say(N_("Type")), options=list(TOUCHPOINT_TYPES)),
            "phase": column.SelectboxColumn(say(N_("Phase")), options=list(PHASES)),
            "channel": column.TextColumn(say(N_("Channel"))),
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
    again = replace(plan, names=names, goal=goal)
    state.keep("job", importing.start(cache.workspace(), page.version.dataset, again, state.session()))
    st.rerun()


def _cell(value: Any) -> str | None:
    return None if value is None or value != value or not str(value).strip() else str(value).strip()


def delete(page: Page) -> None:
    """Remove the dataset, its sources and all versions from this server."""
    say = page.reader.say
    with st.container(key="tools", horizontal=True):
        erase(page)
        box = st.popover(say(N_("Delete this dataset")), icon=":material/delete:", type="tertiary")
    with box:
        st.caption(
            say(N_("Its files and all versions are removed from this server at once. Links to it stop working."))
        )
        st.button(say(N_("Delete for good")), key="delete_dataset", on_click=_delete, args=(page.version,))


def erase(page: Page) -> None:
    """Remove one customer from all versions and files of the dataset."""
    say = page.reader.say
    with st.popover(say(N_("Erase a customer")), icon=":material/person_remove:", type="tertiary"):
        st.caption(say(N_("Every row of this customer is removed from all versions and files of this dataset, and cannot be "
                          "brought back. A receipt is kept that does not name them.")))  # fmt: skip
        with st.form("erase_form", border=False):
            customer = st.text_input(say(N_("Customer id, as it stands in the files")), key="erase_customer")
            asked = st.form_submit_button(say(N_("Erase for good")))
        if asked and customer.strip():
            state.keep(
                "job", importing.start_erasing(cache.workspace(), page.version.dataset, customer, state.session())
            )
            st.rerun()


def _delete(version: Version) -> None:
    try:
        cache.workspace().delete(version.dataset)
    except WorkspaceProblem as gone:
        state.note([gone.text])
    cache.forget(version)
    state.set_dataset("")


def guarded() -> None:
    """Show the page; a problem of the data or the workspace is said in words."""
    try:
        show()
    except TouchlineError as problem:
        m = Markup(reader())
        st.html(m.notice(problem.text, "bad"))


guarded()
