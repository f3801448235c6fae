"""Uploading: files in, what was recognised and why, the user's corrections, an import in a child process with its progress."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zoneinfo import available_timezones

import streamlit as st

from cx_metrics import importing, reading
from cx_metrics.errors import WorkspaceProblem
from cx_metrics.importing import Plan, Progress
from cx_metrics.reading import FileMapping
from cx_metrics.safe_text import safe
from cx_metrics.texts import N_, NP_, Text
from cx_metrics.workspace import jobs
from pages.parts import cache, confirming, state, uploads
from pages.parts.language import PageReader
from pages.parts.markup import Markup
from pages.parts.uploads import Waiting

NEW, MORE, INSTEAD = "new", "more", "instead"  # what uploaded files are for
KINDS = [
    "csv",
    "tsv",
    "txt",
    "tab",
    "gz",
    "zip",
    "xlsx",
    "xlsm",
    "xls",
    "xlsb",
    "ods",
    "json",
    "jsonl",
    "ndjson",
    "parquet",
    "xes",
]


def show(reader: PageReader, m: Markup) -> bool:
    """The upload card: files, their mapping, the import button; while an import runs, its progress.

    Says whether an upload or an import is under way.
    """
    job = _job()
    with st.container(key="card_upload"):
        if job:
            going_on = N_("You may go on reading other pages, or close this one; the work goes on by itself.")
            st.html(m.card_head(Text(N_("At work on the data")), Text(going_on)))
            _watch(reader, m, job)
            return True
        st.html(m.card_head(
            Text(N_("Drop your exports here")),
            Text(N_("Touchpoints, survey answers, invitations, customers, spend or changes, as your tools export them: CSV in any "
                    "encoding, Excel, ODS, JSON, Parquet, event logs (XES), compressed or not. Up to 200 MB each.")),
        ))  # fmt: skip
        given = st.file_uploader(
            reader.say(N_("Files")), type=KINDS, accept_multiple_files=True, key=f"uploader_{state.kept('upload_round', 0)}",
            label_visibility="collapsed",
        )  # fmt: skip
        if given:
            try:
                with st.spinner(reader.say(N_("Looking at the files …"))):
                    uploads.receive(given)
            except WorkspaceProblem as problem:  # no room, or over a quota
                st.html(m.notice(problem.text, "bad"))
            else:  # empty the widget, so that the memory goes back
                state.keep("upload_round", int(str(state.kept("upload_round", 0))) + 1)
                st.rerun()
        waiting = uploads.waiting()
        if waiting:
            _confirm(reader, m, waiting)
    return bool(waiting)


def _job() -> str | None:
    """The import this session follows: its own, or one that runs for the dataset it looks at and whose tab was closed."""
    mine = state.kept("job")
    if isinstance(mine, str):
        return mine
    here = state.current_address().dataset
    seen = state.kept("jobs_left", frozenset())
    left = seen if isinstance(seen, frozenset) else frozenset()
    return next(
        (job for job, now in jobs.under_way(cache.workspace()) if now.dataset == here and job not in left), None
    )


def _confirm(reader: PageReader, m: Markup, waiting: tuple[Waiting, ...]) -> None:
    """Each table with what was recognised; one button that imports those that are chosen."""
    asked: list[tuple[Waiting, FileMapping]] = []
    ready = True
    several = Counter(found.origin.token for found in waiting)
    shown: set[str] = set()
    for place, found in enumerate(waiting):
        with st.container(key=f"file_{found.token[:8]}"):
            if place:
                st.divider()
            chosen = several[found.origin.token] == 1 or st.checkbox(
                safe(reader.say(Text(N_("Import {table}"), {"table": found.source.name})), "markdown"),
                value=found.raw is not None, key=f"choose_{found.token}",
            )  # fmt: skip
            if not chosen:
                continue
            mapping = confirming.show(reader, m, found, first=found.origin.token not in shown)
            shown.add(found.origin.token)
        if mapping is None:
            ready = False
        else:
            asked.append((found, mapping))
    reopened = state.kept("reopened")
    purpose = INSTEAD if reopened else _purpose(reader)
    title, zone, pseudonyms = "", "UTC", False
    if purpose == NEW:
        title = st.text_input(
            reader.say(N_("Name of the dataset")), value=_title(waiting[0].origin.name), key="upload_title"
        )
        zones = ["UTC", *sorted(available_timezones() - {"UTC"})]
        zone = st.selectbox(
            reader.say(N_("Time zone: where the days of these files begin")), zones, key="upload_zone", width=330
        )
        pseudonyms = st.checkbox(
            reader.say(N_("Keep no customer id as it is")), key="upload_pseudonyms",
            help=reader.say(N_("Each id is replaced by a keyed hash before the import, in the stored files too. The same id has "
                               "the same hash in all files, so they still join; comments and other columns stay as they are.")),
        )  # fmt: skip
    with st.container(horizontal=True):
        if st.button(reader.say(N_("Import")), type="primary", key="upload_import", disabled=not (ready and asked)):
            try:
                _begin(purpose, title, asked, Plan((), zone=zone, pseudonyms=pseudonyms))
            except WorkspaceProblem as problem:
                st.html(m.notice(problem.text, "bad"))
        words = N_("Leave it as it is") if reopened else N_("Discard")
        st.button(reader.say(words), type="tertiary", key="upload_discard", on_click=_discard)


def _purpose(reader: PageReader) -> str:
    """What the files are for: a dataset of their own, more of the present one, or other files in its place."""
    here = next((i for i in cache.workspace().datasets() if i.id == state.current_address().dataset), None)
    if here is None or here.engine or here.is_sample:
        return NEW
    words = {
        NEW: Text(N_("A new dataset")),
        MORE: Text(N_('More of "{title}"; where they overlap, the new files count'), {"title": here.title}),
        INSTEAD: Text(N_('In place of the files of "{title}"'), {"title": here.title}),
    }
    return str(st.radio(
        reader.say(N_("These files are")), list(words), key="upload_purpose",
        format_func=lambda p: safe(reader.say(words[p]), "markdown"),
    ))  # fmt: skip


def _title(name: str) -> str:
    """The name of a file without its endings."""
    return Path(name.removesuffix(".gz")).stem[:60]


def _begin(purpose: str, title: str, asked: Sequence[tuple[Waiting, FileMapping]], plan: Plan) -> None:
    """Move the uploads into their dataset, remember how they are read, and put the import into the queue."""
    workspace = cache.workspace()
    for found, mapping in asked:
        if found.raw is not None:
            workspace.keep_mapping(reading.fingerprint(found.raw.header), reading.mapping_to_yaml(mapping))
    if purpose == NEW:
        dataset = workspace.create(title.strip() or asked[0][0].origin.name)
    else:
        dataset = str(state.kept("reopened") or state.current_address().dataset)
        plan = importing.plan_of(workspace, workspace.current(dataset))
    for found, _mapping in asked:
        if (loaded := confirming.loaded_mapping(found)) is not None:
            plan = replace(plan, names={**plan.names, **loaded.names})
    files = uploads.adopted(dataset, asked)
    if state.kept("reopened"):
        plan = replace(plan, files=tuple(files))
    else:
        plan = plan.with_files(files) if purpose == MORE else plan.instead(files)
    state.keep("job", importing.start(workspace, dataset, plan, state.session()))
    state.keep("reopened", None)
    st.rerun()


def _discard() -> None:
    state.keep("reopened", None)
    uploads.discard()


@st.fragment(run_every=0.5)
def _watch(reader: PageReader, m: Markup, job: str) -> None:
    """How far the import is; at its end, the new version or the reason why not."""
    try:
        now = jobs.look(cache.workspace(), job)
    except WorkspaceProblem as gone:  # its dataset was deleted meanwhile
        now = Progress("failed", error=gone.text)
    if now.state in ("failed", "cancelled"):
        words = now.error or Text(N_("It was stopped. Nothing was changed."))
        st.html(m.notice(words, "bad" if now.error else ""))
        st.button(reader.say(N_("Back")), key="job_back", on_click=_leave, args=(job, now.dataset))
        return
    if now.state == "done":
        _leave(job, "")
        state.set_dataset(now.dataset)
        state.set_version(0)
        st.rerun()
    st.progress(min(now.share, 1.0), text=safe(reader.say(_said(now)), "markdown"))
    st.button(reader.say(N_("Stop it")), type="tertiary", key="job_cancel", on_click=_cancel, args=(job,))


def _said(now: Progress) -> Text:
    """Stage, rows, percent, and how long it may still take."""
    if now.state == "waiting" and now.ahead:
        one, many = NP_("Waiting: {n} import is before it", "Waiting: {n} imports are before it")
        return Text(one, {"n": now.ahead}, many, now.ahead)
    values = {"stage": Text(now.stage or N_("Starting")), "rows": now.rows, "done_share": now.share}
    left = now.seconds_left
    if left is None or not now.rows:
        return Text(
            N_("{stage} · {rows} rows read · {done_share}") if now.rows else N_("{stage} · {done_share}"), values
        )
    if left < 60:
        one, many = NP_("{stage} · {rows} rows read · {done_share} · about {n} second left",
                        "{stage} · {rows} rows read · {done_share} · about {n} seconds left")  # fmt: skip
        n = max(5 * round(left / 5), 5)
    else:
        one, many = NP_("{stage} · {rows} rows read · {done_share} · about {n} minute left",
                        "{stage} · {rows} rows read · {done_share} · about {n} minutes left")  # fmt: skip
        n = round(left / 60)
    return Text(one, values | {"n": n}, many, n)


def _cancel(job: str) -> None:
    with contextlib.suppress(WorkspaceProblem):  # it ended meanwhile
        jobs.cancel(cache.workspace(), job)


def _leave(job: str, dataset: str) -> None:
    """Follow an import no longer; a dataset that never got a version goes with it."""
    state.keep("job", None)
    left = state.kept("jobs_left", frozenset())
    state.keep("jobs_left", (left if isinstance(left, frozenset) else frozenset()) | {job})
    with contextlib.suppress(WorkspaceProblem):  # somebody else deleted it
        if dataset and not cache.workspace().versions(dataset):
            cache.workspace().delete(dataset)
