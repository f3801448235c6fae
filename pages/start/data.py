"""Can I trust this upload?"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from cx_metrics import importing
from cx_metrics.errors import TouchlineError, WorkspaceProblem
from cx_metrics.exports.tables import safe_lines
from cx_metrics.reading import Report
from cx_metrics.safe_text import safe
from cx_metrics.tables import TABLE_NAMES
from cx_metrics.texts import N_, NP_, Text
from cx_metrics.workspace import Version, Workspace
from cx_metrics.workspace.access import may
from pages.parts import cache, figure, names, places, state, trends, upload, uploads, versions
from pages.parts.figure import Explain
from pages.parts.language import reader
from pages.parts.markup import Markup
from pages.parts.page import Page, begin_bare, offer_another

QUESTION = N_("Can I trust this upload?")
MOST_COMPARED = (
    5_000_000  # touchpoints of which each is compared with the one before; of more it takes longer than a page may
)
IN_AND_OUT = N_(
    "Every row of a file is either loaded or set aside with a reason; the two add up to the rows that were read."
)
SET_ASIDE = N_(
    "Rows that cannot be used as they are: a value is missing or cannot be read. Nothing of them is guessed or counted."
)
PER_DAY = N_(
    "Loaded touchpoints by the day of their time, in the time zone of the dataset. Days without any are gaps in the line."
)
PROTECTED = N_(
    "For everybody who looks at this dataset: groups of fewer than 5 people have no score or share, comments are shown from 8 "
    "on, and people are counted in blocks, so that no two filters tell one person apart. Behavioural segments and funnels are "
    "switched off."
)

NOT_READ = N_(
    "Reading the comments failed, by a fault of Touchline: their language, feeling and themes are not known. Everything else is "
    "loaded, and comments are shown as they are. The log of the server says where it failed. Import them again after an update."
)


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
        names.show(page)
    delete(page)


def say_where(page: Page) -> None:
    """A dataset that lives in an engine is changed there."""
    words = N_("This dataset lives in {engine} and is changed there: python -m cx_metrics engine load")
    st.html(page.m.notice(Text(words, {"engine": page.version.engine})))


def finding(reports: Sequence[Report]) -> Text:
    """How much of what came in is there."""
    rows, aside = sum(r.rows for r in reports), sum(r.set_aside for r in reports)
    if any(r.file_rows != r.rows for r in reports):  # a row of a wide file makes several records
        one, many = NP_("{rows} row of your files is {loaded} records; {aside} was set aside",
                        "{rows} rows of your files are {loaded} records; {aside} were set aside")  # fmt: skip
        of_files = sum(r.file_rows for r in reports)
        return Text(one, {"rows": of_files, "loaded": rows - aside, "aside": aside}, many, of_files)
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
    few = int(rows_held.get("touchpoints", 0)) <= MOST_COMPARED
    if page.has("touchpoints") and page.facts.timed and few and (n := cache.out_of_order(page.version)):
        one, many = NP_("{n} touchpoint stood after a later one of its customer; journeys are in order of time",
                        "{n} touchpoints stood after a later one of their customer; journeys are in order of time")  # fmt: skip
        caption.append(Text(one, {"n": n}, many, n))
    if n := sum(manifest.get("replaced", {}).values()):
        one, many = NP_("{n} row of an earlier upload was replaced by a newer one",
                        "{n} rows of earlier uploads were replaced by newer ones")  # fmt: skip
        caption.append(Text(one, {"n": n}, many, n))
    if n := int(manifest.get("erased", 0)):
        one, many = NP_("{n} row was erased on request", "{n} rows were erased on request")
        caption.append(Text(one, {"n": n}, many, n))
    if manifest.get("comments_not_read"):
        figure.html(lambda m: m.notice(Text(NOT_READ)))
    how = Explain(Text(IN_AND_OUT))
    with figure.card("files", title, Text(N_("Rows in, rows loaded, rows set aside")), caption, how):
        figure.html(lambda m: m.table(heads, [
            [m.strong(r.file), say(TABLE_NAMES[r.table]), m.number(r.rows), m.number(r.loaded), m.number(r.set_aside)]
            for r in reports
        ], numeric=(2, 3, 4)))  # fmt: skip
        if notes:
            with st.expander(say(N_("What was assumed while reading"))):
                figure.html(lambda m: m.list(notes))
        if not page.version.engine:
            st.button(say(N_("Correct how these files are read")), key="reopen", icon=":material/edit:", on_click=_reopen,
                      args=(page.version,))  # fmt: skip


def _reopen(version: Version) -> None:
    """Take the files of the dataset in hand again; nothing is uploaded anew."""
    try:
        uploads.reopen(version.dataset, importing.plan_of(cache.workspace(), version).files)
    except WorkspaceProblem as gone:
        state.note([gone.text])


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
                     Explain(Text(SET_ASIDE), table, "rows-set-aside")):  # fmt: skip
        figure.html(lambda m: m.table(heads, [
            [f, m.number(p.row), p.column or "–", p.found or "–", p.reason] for f, p in listed[:20]
        ], numeric=(1,)))  # fmt: skip
        offer_all_aside(page)


def offer_all_aside(page: Page) -> None:
    """All rows that were set aside as one CSV, each as it stands in its file."""
    if page.version.aside is None:
        return
    held = page.version.manifest["aside"]
    one, many = NP_("CSV of the {count} row set aside, as it stands in its file",
                    "CSV of all {count} rows set aside, as they stand in their files")  # fmt: skip
    count = int(held["rows"])
    if count < held["of"]:
        one, many = NP_("CSV of the first {count} of {total} rows set aside, as it stands in its file",
                        "CSV of the first {count} of {total} rows set aside, as they stand in their files")  # fmt: skip
    label = safe(page.reader.say(Text(one, {"count": count, "total": int(held["of"])}, many, count)), "markdown")
    workspace = cache.workspace()  # the list is written in another thread, once it is wanted
    st.download_button(label, lambda: all_aside(page, workspace), file_name="rows-set-aside.csv", mime="text/csv", key="all_aside",
                       type="tertiary", icon=":material/download:", on_click="ignore")  # fmt: skip


def all_aside(page: Page, workspace: Workspace) -> bytes:
    """The CSV, with reasons in the reader's language and cells that no spreadsheet takes for formulas."""
    texts = map(Text.from_dict, page.version.manifest["aside"]["reasons"])
    said = {str(text): page.reader.say(text) for text in texts}
    lines = workspace.set_aside(page.version)
    names = (N_("File"), N_("Row"), N_("Column"), N_("Reason"), N_("Row as written"))
    return safe_lines([page.reader.say(name) for name in names], (
        (line.file, line.row, line.column, said.get(line.reason, line.reason), line.record) for line in lines
    ))  # fmt: skip


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
    caption = [page.counted("touchpoints", int(frame["touchpoints"].sum())), *page.period(), *trends.dashed(page)]
    with figure.card(
        "days", title, Text(N_("Touchpoints per day")), caption, Explain(Text(PER_DAY), frame, "rows-per-day")
    ):
        trends.draw(page, frame, "day", "touchpoints", None, title, "days", interval=False, zero=True, height=180)


def delete(page: Page) -> None:
    """Remove the dataset, its sources and all versions from this server."""
    say = page.reader.say
    protect(page)
    with st.container(key="tools", horizontal=True):
        erase(page)
        box = st.popover(say(N_("Delete this dataset")), icon=":material/delete:", type="tertiary")
    with box:
        st.caption(
            say(N_("Its files and all versions are removed from this server at once. Links to it stop working."))
        )
        st.button(say(N_("Delete for good")), key="delete_dataset", on_click=_delete, args=(page.version,))


def protect(page: Page) -> None:
    """The switch that hides small groups from everybody who looks at this dataset."""
    here, dataset = cache.workspace(), page.version.dataset
    if page.version.engine or not may(cache.viewer(), dataset, "administer"):
        return
    state.seed("protect", here.protects(dataset))
    st.toggle(
        page.reader.say(N_("Protect small groups")), key="protect", on_change=_protect, args=(dataset,),
        help=page.reader.say(PROTECTED),
    )  # fmt: skip


def _protect(dataset: str) -> None:
    cache.workspace().protect(dataset, bool(state.value("protect")))
    cache.forget_answers()


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
