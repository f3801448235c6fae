"""Uploading: files in, what was recognised and why, the user's corrections, an import in a child process with its progress."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import pandas as pd
import streamlit as st

from cx_metrics import importing, looking, reading
from cx_metrics.errors import FileProblem, MappingProblem, TouchlineError, WorkspaceProblem
from cx_metrics.importing import ImportFile, Plan, Progress
from cx_metrics.looking import Seen
from cx_metrics.reading import FileMapping, RawFile, Recognition
from cx_metrics.reading.dates import TIME_FORMATS
from cx_metrics.reading.mapping import mappable
from cx_metrics.safe_text import safe
from cx_metrics.tables import SURVEY_TYPES, TABLES
from cx_metrics.texts import N_, NP_, Text
from cx_metrics.workspace import Source, jobs
from pages.parts import cache, state
from pages.parts.language import PageReader
from pages.parts.markup import Markup

PIECE = 1 << 20
ATTRIBUTE, LEAVE_OUT = "+", "–"  # in the grid: keep the column as an attribute; leave it out
NEW, MORE, INSTEAD = "new", "more", "instead"  # what uploaded files are for
KINDS = ["csv", "tsv", "txt", "gz"]
TABLE_WORDS = {
    "touchpoints": N_("Touchpoints: one row per contact"),
    "surveys": N_("Survey answers: one row per answer"),
    "customers": N_("Customers: persona, segment, region"),
    "spend": N_("Spend: cost by channel and period"),
    "changes": N_("Changes: dated releases and campaigns"),
}
SURVEY_WORDS = {
    "nps": N_("NPS, 0 to 10"), "csat": N_("Satisfaction (CSAT)"), "ces": N_("Effort (CES)"), "rating": N_("Other rating"),
    "choice": N_("Choice"), "text": N_("Comments only"),
}  # fmt: skip
SCALES = {"1–5": (1.0, 5.0), "1–7": (1.0, 7.0), "1–10": (1.0, 10.0), "0–10": (0.0, 10.0), "1–4": (1.0, 4.0)}
USUAL_SCALES = {"csat": "1–5", "ces": "1–7"}
EFFORT_SCALE = "1–5"  # CES 1.0 asks for effort, so a high score is bad


@dataclass(frozen=True)
class Waiting:
    """An upload that is not imported yet: where it lies, how it reads, what it seems to be, or what is wrong with it."""

    source: Source
    raw: RawFile | None
    problem: TouchlineError | None


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
            Text(N_("CSV files of touchpoints, survey answers, customers, spend or changes. Up to 200 MB each; plain or .gz.")),
        ))  # fmt: skip
        uploads = st.file_uploader(
            reader.say(N_("Files")), type=KINDS, accept_multiple_files=True, key=f"uploader_{state.kept('upload_round', 0)}",
            label_visibility="collapsed",
        )  # fmt: skip
        if uploads:
            try:
                _received(uploads)
            except WorkspaceProblem as problem:  # no room, or over a quota
                st.html(m.notice(problem.text, "bad"))
        waiting = _waiting()
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


def _received(uploads: Sequence[Any]) -> None:
    """Write new uploads to the workspace, then empty the widget so that the memory goes back."""
    found = list(_waiting())
    for upload in uploads:
        source = cache.workspace().receive(upload.name, _pieces(upload.getbuffer()), state.session(), upload.size)
        found.append(_opened(source))
        state.keep("waiting", tuple(found))
    state.keep("upload_round", int(str(state.kept("upload_round", 0))) + 1)
    st.rerun()


def _pieces(buffer: memoryview) -> Iterator[bytes]:
    for start in range(0, len(buffer), PIECE):
        yield bytes(buffer[start : start + PIECE])


def _opened(source: Source) -> Waiting:
    try:
        return Waiting(source, looking.look(source.path, source.name), None)
    except TouchlineError as problem:
        return Waiting(source, None, problem)


def _waiting() -> tuple[Waiting, ...]:
    found = state.kept("waiting", ())
    return found if isinstance(found, tuple) else ()


def _confirm(reader: PageReader, m: Markup, waiting: tuple[Waiting, ...]) -> None:
    """Each file with what was recognised; one button that imports all that can be read."""
    asked: list[ImportFile] = []
    ready = True
    for i, file in enumerate(waiting):
        with st.container(key=f"file_{file.source.token[:8]}"):
            mapping = _file(reader, m, file, i)
        if mapping is None:
            ready = False
        else:
            asked.append(ImportFile(file.source.path, file.source.name, mapping))
    purpose = _purpose(reader)
    title, zone, pseudonyms = "", "UTC", False
    if purpose == NEW:
        title = st.text_input(
            reader.say(N_("Name of the dataset")), value=_title(waiting[0].source.name), key="upload_title"
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
        st.button(reader.say(N_("Discard")), type="tertiary", key="upload_discard", on_click=_discard)


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


def _begin(purpose: str, title: str, asked: Sequence[ImportFile], plan: Plan) -> None:
    """Move the uploads into their dataset and put its import into the queue."""
    workspace = cache.workspace()
    if purpose == NEW:
        dataset = workspace.create(title.strip() or asked[0].name)
    else:
        dataset = state.current_address().dataset
        plan = importing.plan_of(workspace, workspace.current(dataset))
    moved = [replace(file, path=workspace.adopt(dataset, file.path.name)) for file in asked]
    plan = plan.with_files(moved) if purpose == MORE else plan.instead(moved)
    state.keep("job", importing.start(workspace, dataset, plan, state.session()))
    state.keep("waiting", ())
    st.rerun()


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


def _file(reader: PageReader, m: Markup, file: Waiting, i: int) -> FileMapping | None:
    """One file: which table, which column is what and why, how its times and scores are written."""
    name = Text("{file}", {"file": file.source.name})
    seen = _seen(file)
    if isinstance(seen, TouchlineError):
        st.html(m.card_head(name))
        st.html(m.notice(seen.text, "bad"))
        st.button(reader.say(N_("Remove this file")), key=f"drop_{i}", on_click=_drop, args=(file.source.token,))
        return None
    found, problem = seen.found, seen.problem
    mapping = seen.mapping or _partly(found)
    st.html(m.card_head(name, found.reason))
    chosen = _choose_table(reader, file, found, mapping)
    if chosen is None:
        st.html(m.notice(problem.text if problem else found.reason, "bad"))
        return None
    for note in (*found.problems, *found.blockers):
        st.html(m.notice(note))
    with st.expander(reader.say(N_("Columns: what was recognised, and why")), expanded=problem is not None):
        columns = _grid(reader, file, found, chosen)
    mapping = replace(mapping, table=chosen, columns=columns[0], attributes=columns[1])
    mapping = _formats(reader, file, mapping)
    try:
        reading.check_mapping(file.raw, mapping)
    except MappingProblem as missing:
        st.html(m.notice(missing.text, "bad"))
        return None
    return mapping


def _seen(file: Waiting) -> Seen | TouchlineError:
    """What the file seems to be under the table that was chosen, asked once; or why nobody can say."""
    if file.raw is None:
        return file.problem or FileProblem(N_("This file cannot be read."))
    table = state.kept(f"table_{file.source.token}")
    asked = (file.source.token, str(table) if table else None)
    kept = state.kept("seen")
    known = dict(kept) if isinstance(kept, dict) else {}
    if asked not in known:
        try:
            known[asked] = looking.recognise(file.raw, asked[1])
        except TouchlineError as problem:
            known[asked] = problem
        waiting = {w.source.token for w in _waiting()}
        state.keep("seen", {key: seen for key, seen in known.items() if key[0] in waiting})
    return known[asked]


def _discard() -> None:
    """Forget the uploads, and remove them from the disk."""
    for file in _waiting():
        cache.workspace().discard(file.source.token)
    state.keep("waiting", ())


def _drop(token: str) -> None:
    cache.workspace().discard(token)
    state.keep("waiting", tuple(w for w in _waiting() if w.source.token != token))


def _partly(found: Recognition) -> FileMapping:
    """The mapping as far as recognition goes, where it does not go all the way."""
    return FileMapping(
        found.table or "touchpoints", found.columns, (), found.time_format or "iso", found.survey_type, found.scale_low,
        found.scale_high, found.higher_is_better, found.decimal_comma,
    )  # fmt: skip


def _choose_table(reader: PageReader, file: Waiting, found: Recognition, mapping: FileMapping) -> str | None:
    token = file.source.token
    key = f"pick_table_{token}"
    state.seed(key, found.table)
    return st.selectbox(
        reader.say(N_("What is in this file?")), list(TABLES), key=key, placeholder=reader.say(N_("Choose one")),
        format_func=lambda t: reader.say(TABLE_WORDS[t]),
        on_change=lambda: state.keep(f"table_{token}", state.value(key)),
    )  # fmt: skip


def _grid(
    reader: PageReader, file: Waiting, found: Recognition, table: str
) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """The columns of the file with their meaning; the second column can be changed."""
    rows = [
        {"column": match.column, "becomes": match.field or ATTRIBUTE, "reason": reader.say(match.reason)}
        for match in found.matches
    ]
    edited = st.data_editor(
        pd.DataFrame(rows), hide_index=True, key=f"grid_{file.source.token}_{table}", width="stretch",
        column_config={
            "column": st.column_config.TextColumn(reader.say(N_("Column in the file")), disabled=True),
            "becomes": st.column_config.SelectboxColumn(
                reader.say(N_("Becomes")), options=[*mappable(table), ATTRIBUTE, LEAVE_OUT], required=True,
                help=reader.say(N_("+ keeps the column as it is, – leaves it out")),
            ),
            "reason": st.column_config.TextColumn(reader.say(N_("Why")), disabled=True),
        },
    )  # fmt: skip
    pairs = list(zip(edited["column"], edited["becomes"], strict=True))
    columns = {field: column for column, field in pairs if field not in (ATTRIBUTE, LEAVE_OUT)}
    taken = set(columns.values())
    return columns, tuple(c for c, field in pairs if field == ATTRIBUTE or (field != LEAVE_OUT and c not in taken))


def _formats(reader: PageReader, file: Waiting, mapping: FileMapping) -> FileMapping:
    """How times are written; which question the scores answer, on which scale, and which end of it is good."""
    token = file.source.token
    with st.container(horizontal=True):
        if any(TABLES[mapping.table][c].type in _TIMES for c in mapping.columns if c in TABLES[mapping.table].names):
            known = list(TIME_FORMATS)
            chosen = st.selectbox(reader.say(N_("Times are written as")), known, index=known.index(mapping.time_format),
                                  format_func=lambda f: reader.say(TIME_FORMATS[f]), key=f"time_{token}", width=330)  # fmt: skip
            mapping = replace(mapping, time_format=chosen)
        if mapping.table == "surveys" and "survey_type" not in mapping.columns and "score" in mapping.columns:
            mapping = _question(reader, token, mapping)
    return mapping


def _question(reader: PageReader, token: str, mapping: FileMapping) -> FileMapping:
    """The kind of question, its scale and direction. Another kind brings its own usual scale: nothing of a wrong guess stays."""
    kinds = list(SURVEY_TYPES)
    kind = st.selectbox(reader.say(N_("The score is")), kinds, index=kinds.index(mapping.survey_type or "rating"),
                        format_func=lambda k: reader.say(SURVEY_WORDS[k]), key=f"kind_{token}", width=220)  # fmt: skip
    if kind in ("choice", "text"):
        return replace(mapping, survey_type=kind, scale_low=None, scale_high=None, higher_is_better=None)
    if kind == "nps":
        return replace(mapping, survey_type=kind, scale_low=0.0, scale_high=10.0, higher_is_better=True)
    usual = USUAL_SCALES.get(kind, "0–10")
    scales = {usual: SCALES[usual], **SCALES}
    if kind == mapping.survey_type and mapping.scale_low is not None and mapping.scale_high is not None:
        ends = (mapping.scale_low, mapping.scale_high)
        scales = {f"{ends[0]:g}–{ends[1]:g}": ends, **scales}
    scale = st.selectbox(reader.say(N_("On the scale")), list(scales), key=f"scale_{token}_{kind}", width=140)
    good = (
        kind != "ces" or scale != EFFORT_SCALE if mapping.survey_type != kind else mapping.higher_is_better is not False
    )
    directions = [True, False] if good else [False, True]
    better = st.selectbox(reader.say(N_("A high score is")), directions, key=f"direction_{token}_{kind}_{scale}", width=160,
                          format_func=lambda up: reader.say(N_("good") if up else N_("bad")))  # fmt: skip
    low, high = scales[scale]
    return replace(mapping, survey_type=kind, scale_low=low, scale_high=high, higher_is_better=better)


_TIMES = (TABLES["touchpoints"]["occurred_at"].type, TABLES["spend"]["period_start"].type)
