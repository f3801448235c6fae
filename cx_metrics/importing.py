"""A file becomes a dataset version: reading, preparing, keeping. The only room that joins the three.

On the page this runs in a child process (`python -m cx_metrics.importing WORKSPACE JOB`), so that a bad file or a closed tab
hurts nobody; the queue and its progress are in `workspace.jobs`.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cx_metrics import erasing, reading
from cx_metrics.arriving import Opened, open_plan, reports, streams
from cx_metrics.engines import Engine, Served, Store, build, connect, loading, memory_store, read_address, serve
from cx_metrics.engines.incoming import Built
from cx_metrics.engines.room import memory_for
from cx_metrics.errors import FileProblem, MappingProblem, TooLittleMemory, TouchlineError, WorkspaceProblem
from cx_metrics.hearing import Hearing
from cx_metrics.limits import limit_this_process, step_back
from cx_metrics.logs import described, event, keep_messages_out
from cx_metrics.plans import ImportFile, Plan, open_file, plan_from_dict, plan_to_dict
from cx_metrics.reading import Report
from cx_metrics.reading.pseudonyms import pseudonym
from cx_metrics.reading.rewriting import rewrite
from cx_metrics.right_of_way import stand_still_for_parent
from cx_metrics.tables import STAGES
from cx_metrics.texts import N_, Text
from cx_metrics.view import Facts
from cx_metrics.workspace import Version, Workspace, files, jobs, limits
from cx_metrics.workspace.access import authorize
from cx_metrics.workspace.aside import ASIDE, MOST_BYTES, Line
from cx_metrics.workspace.aside import write as write_aside
from cx_metrics.workspace.facts import facts_from_dict, facts_to_dict
from cx_metrics.workspace.jobs import Progress
from cx_metrics.workspace.sources import DATASETS
from cx_metrics.workspace.store import STORE

__all__ = [
    "ImportFile",
    "Plan",
    "Progress",
    "import_sample",
    "import_version",
    "load",
    "open_files",
    "plan_of",
    "start",
    "wait",
]

KEEPING = erasing.KEEPING
ERASING = "erasing"  # a request to erase somebody, not to import
BEAT_SECONDS = 0.25  # how often a child says how far it is, and asks whether it should stop
PIECE = 1 << 20


def open_files(
    touchpoints: str | Path | Sequence[str | Path] = (),
    surveys: str | Path | Sequence[str | Path] = (),
    customers: str | Path | Sequence[str | Path] = (),
    spend: str | Path | Sequence[str | Path] = (),
    changes: str | Path | Sequence[str | Path] = (),
    invitations: str | Path | Sequence[str | Path] = (),
    *,
    stages: Sequence[str] = STAGES,
    zone: str = "UTC",
    goal: Sequence[str] | None = None,
    read_comments: bool = True,
) -> Store:
    """Files of any recognised columns → an opened dataset in memory, for a notebook or one command. `read_comments`: as in `load`.

    Raises the error family for what cannot be read. Rows set aside are in the `reports` of `load`, which this calls.
    """
    given = {
        "touchpoints": touchpoints, "surveys": surveys, "invitations": invitations, "customers": customers, "spend": spend,
        "changes": changes,
    }  # fmt: skip
    paths = {table: [p] if isinstance(p, (str, Path)) else p for table, p in given.items()}
    with tempfile.TemporaryDirectory() as folder:
        asked = files_of(paths, Path(folder))
        plan = Plan(asked, stages=tuple(stages), zone=zone, goal=None if goal is None else tuple(goal))
        store, _reports = load(plan, read_comments)
    return store


def files_of(paths: Mapping[str, Iterable[str | Path]], folder: Path) -> tuple[ImportFile, ...]:
    """The tables of files, by what each file is said to hold; what is no plain text yet is written to `folder`.

    Of a file of several tables those count that can be what is said. Raises FileProblem or MappingProblem where none can.
    """
    found: list[ImportFile] = []
    for table, given in paths.items():
        for path in map(existing, given):
            where = folder / str(len(list(folder.iterdir())))
            where.mkdir()
            problems: list[TouchlineError] = []
            before = len(found)
            for plain in reading.open_upload(path, path.name, where):
                try:
                    mapping = reading.default_mapping(plain.raw, reading.recognise(plain.raw, table))
                except MappingProblem as problem:
                    problems.append(problem)
                else:
                    found.append(ImportFile(plain.raw.path, plain.raw.name, mapping, told=plain.told))
            if len(found) == before:
                raise problems[0]
    return tuple(found)


def existing(path: str | Path) -> Path:
    """The path, if there is a file. Raises FileProblem otherwise."""
    found = Path(path)
    if not found.is_file():
        raise FileProblem(N_("There is no file {path}. Check the name and the folder."), path=str(path))
    return found


def load(plan: Plan, read_comments: bool = True) -> tuple[Store, list[Report]]:
    """Import into memory. Returns the opened dataset and one report per file. Comments need not be read (`tables.HEARD`) where
    nothing is asked about them: it takes seconds."""
    opened = open_plan(plan)
    with tempfile.TemporaryDirectory() as folder:
        hearing, tables = Hearing(Path(folder), plan.themes), streams(opened, lambda _rows: None)
        store, built = memory_store(hearing.over(tables) if read_comments else tables, _asked(plan))
    return replace(store, facts=_facts(built, plan, hearing)), reports(opened)


def import_version(
    workspace: Workspace, dataset: str, plan: Plan, tell: Callable[[Progress], None] = lambda _p: None
) -> Version:
    """Import into the workspace: build the next version of a dataset in a folder of its own, then publish it.

    Files that lie elsewhere are copied into the dataset first: a mapping can be corrected later without them.
    """
    plan = _kept(workspace, dataset, plan)
    workspace.check_sources(dataset, [f.path for f in plan.files])
    limits.check_disk(workspace.root, limits.DISK_FACTOR * sum(f.path.stat().st_size for f in plan.files))
    opened = open_plan(plan)
    *less, most = memory_for(_records(opened))
    for memory in less:
        with contextlib.suppress(TooLittleMemory):
            return _built(workspace, dataset, plan, opened, tell, memory)
        opened = open_plan(plan)  # its rows can be read once
    return _built(workspace, dataset, plan, opened, tell, most)


def _records(opened: Mapping[str, Sequence[Opened]]) -> int:
    return sum(o.records for group in opened.values() for o in group)


def _built(
    workspace: Workspace,
    dataset: str,
    plan: Plan,
    opened: Mapping[str, Sequence[Opened]],
    tell: Callable[[Progress], None],
    memory: str,
) -> Version:
    """Build the next version within so much memory, then publish it."""
    every = {id(o): reading.Every() for group in opened.values() for o in group}
    for o in itertools.chain.from_iterable(opened.values()):
        o.typed.report.every = every[id(o)]
    teller = _Teller(tell, _records(opened))
    with limits.room(), workspace.building() as part:
        (spill := part / "spill").mkdir()
        hearing = Hearing(spill, plan.themes, teller.hears)
        tables = hearing.over(streams(opened, teller.read))
        built = build(part / STORE, tables, _asked(plan), teller.prepared, spill, memory=memory)
        teller.stage(N_("Listing the rows set aside"), 0.965)
        listed = _list_aside(opened, every, part / ASIDE, min(workspace.spare_bytes() // 2, MOST_BYTES))
        teller.stage(KEEPING, 0.97)
        home = workspace.root / DATASETS / dataset
        facts = _facts(built, plan, hearing)
        manifest = _manifest(built, facts, plan_to_dict(plan, home), opened, hearing)
        return workspace.publish(dataset, part, manifest | listed)


def load_into(
    engine: Engine, plan: Plan, tell: Callable[[Progress], None] = lambda _p: None
) -> tuple[int, list[Report]]:
    """Import into an engine: write and prepare the tables there, then publish them. Returns the number of the load."""
    opened = open_plan(plan)
    teller = _Teller(tell, _records(opened))
    with tempfile.TemporaryDirectory() as folder:
        hearing = Hearing(Path(folder), plan.themes, teller.hears)
        tables = hearing.over(streams(opened, teller.read))
        loaded = loading.load(engine, tables, _asked(plan), teller.prepared)
    facts = _facts(loaded.built, plan, hearing)
    kept = {"loaded_at": datetime.now(UTC).isoformat(timespec="seconds"), "tables": loaded.tables}
    manifest = _manifest(loaded.built, facts, plan_to_dict(plan, Path()), opened, hearing)
    return engine.publish(manifest | kept), reports(opened)


def open_engine(url: str) -> Served:
    """The dataset that lives in an engine, opened: only its address is needed, as TOUCHLINE_ENGINE has it.

    Raises EngineProblem if nobody answers there, or nothing was loaded.
    """
    engine = connect(read_address(url))
    _number, manifest = max(engine.readable().items())
    return serve(engine, facts_from_dict(manifest["facts"]), manifest["tables"])


def plan_of(workspace: Workspace, version: Version) -> Plan:
    """How a version was imported, with its files where they lie now: to import them once more, or together with others."""
    return plan_from_dict(version.manifest["plan"], workspace.root / DATASETS / version.dataset)


def start(workspace: Workspace, dataset: str, plan: Plan, session: str = "") -> str:
    """Put an import into the queue, whose child processes do it; returns its job. `jobs.look` tells how far it is."""
    return jobs.ask(workspace, dataset, {"plan": plan_to_dict(plan, workspace.root / DATASETS / dataset)}, session)


def start_erasing(workspace: Workspace, dataset: str, customer_id: str, session: str = "") -> str:
    """Put the erasure of a customer into the queue, behind imports of the same dataset; returns its job. The id goes by a file of
    the job that goes when that ends, never by the catalog."""
    authorize(workspace.viewer, dataset, "delete")
    return jobs.ask(workspace, dataset, {ERASING: True, "plan": {"files": []}}, session, secret=customer_id)


def wait(workspace: Workspace, job: str, seconds: float = 600) -> Progress:
    """Wait until a job has ended."""
    until = time.monotonic() + seconds
    while not (now := jobs.look(workspace, job)).is_over and time.monotonic() < until:
        time.sleep(0.1)
    return now


def import_sample(workspace: Workspace, folder: Path, title: str) -> str:
    """Import the sample data as a dataset, unless it is there already; returns its id."""
    for info in workspace.datasets():
        if info.is_sample:
            return info.id
    plan = Plan(tuple(
        ImportFile(path, path.name) for path in sorted(folder.iterdir()) if path.name.endswith((".csv", ".csv.gz"))
    ))  # fmt: skip
    dataset = workspace.create(title, is_sample=True)
    import_version(workspace, dataset, plan)
    return dataset


def upgrade(workspace: Workspace, session: str = "") -> list[str]:
    """Prepare afresh, from its files, each dataset whose current version an earlier Touchline prepared; returns the jobs.

    The old version stays beside the new one.
    """
    begun = {p.dataset for _job, p in jobs.under_way(workspace)}
    asked = []
    for info in workspace.datasets():
        with contextlib.suppress(WorkspaceProblem):
            if not info.engine and info.id not in begun and workspace.is_old(version := workspace.current(info.id)):
                asked.append(start(workspace, info.id, plan_of(workspace, version), session))
    return asked


def main(arguments: Sequence[str]) -> int:
    """The child process: import what the job asks for, and say how it went."""
    keep_messages_out()
    step_back()  # whoever reads a page goes first
    stand_still_for_parent()
    minutes = limits.setting("TOUCHLINE_IMPORT_MINUTES")
    limit_this_process(limits.import_memory(), 60 * minutes * (os.cpu_count() or 1))
    workspace, job = Workspace(Path(arguments[0])), arguments[1]
    dataset, request = jobs.request_of(workspace, job)
    told = _Told(workspace, job)
    threading.Thread(target=told.beat, daemon=True).start()
    try:
        if ERASING in request:
            customer = jobs.secret(workspace, job)
            erasing.erase(
                workspace, dataset, customer, lambda stage, share: told.tell(Progress("running", stage, 0, share))
            )
            told.end("done", share=1.0, stage=N_("Done"))
            return 0
        plan = plan_from_dict(request["plan"], workspace.root / DATASETS / dataset)
        version = import_version(workspace, dataset, plan, told.tell)
    except TouchlineError as problem:
        event("refused", job=job, kind=type(problem).__name__)
        told.end("failed", problem.text)
        return 2
    except MemoryError:
        told.end("failed", jobs.too_much_memory())
        return 2
    except Exception as fault:
        print(described(fault), file=sys.stderr)  # to the job's log; the page names the job, never the trace
        told.end("failed", jobs.stopped(job))
        return 1
    event("imported", job=job, dataset=dataset, version=version.number, bytes=version.size)
    told.end("done", version=version.number, rows=sum(version.manifest["rows"].values()), share=1.0, stage=N_("Done"))
    return 0


class _Told:
    """What a child says of itself: written four times a second by a thread of its own, which also looks whether somebody wants
    the end, or time is up."""

    def __init__(self, workspace: Workspace, job: str) -> None:
        self.workspace, self.job, self.lock = workspace, job, threading.Lock()
        self.now: Progress | None = None
        self.over = False
        self.until = time.monotonic() + 60 * limits.setting("TOUCHLINE_IMPORT_MINUTES")

    def tell(self, now: Progress) -> None:
        self.now = now

    def end(self, state: jobs.State, error: Text | None = None, **values: Any) -> None:
        with self.lock:
            self.over = True
            jobs.end(self.workspace, self.job, state, error, **values)

    def beat(self) -> None:
        said: Progress | None = None
        while True:
            time.sleep(BEAT_SECONDS)
            with self.lock:
                if self.over:
                    return
                now = self.now
                news = {} if now is None or now is said else {"stage": now.stage, "rows": now.rows, "share": now.share}
                said = now
                with contextlib.suppress(WorkspaceProblem):  # the catalog is busy: say it next time
                    stop = jobs.tell(self.workspace, self.job, **news)
                    if stop and (self.now is None or self.now.stage != KEEPING):  # from there on it is about to be done
                        self._leave("cancelled", None)
                if time.monotonic() > self.until:
                    minutes = limits.setting("TOUCHLINE_IMPORT_MINUTES")
                    words = N_("The import took longer than the {minutes} minutes that {variable} allows. "
                               "Split the files, or set it higher.")  # fmt: skip
                    self._leave("failed", Text(words, {"minutes": minutes, "variable": "TOUCHLINE_IMPORT_MINUTES"}))

    def _leave(self, state: jobs.State, error: Text | None) -> None:
        """End this process now, whatever its other threads do; what it was building goes."""
        jobs.end(self.workspace, self.job, state, error)
        for folder in files.holding():
            shutil.rmtree(folder, ignore_errors=True)
        os._exit(3)


class _Teller:
    """Turns rows read and work done into one share of the whole."""

    def __init__(self, tell: Callable[[Progress], None], expected: int) -> None:
        self.tell, self.expected, self.rows, self.at, self.share = tell, max(expected, 1), 0, 0.0, 0.0
        self.stage(N_("Reading the files"), 0.0)

    def stage(self, name: str, share: float) -> None:
        self.name, self.share = name, max(share, self.share)
        self.tell(Progress("running", name, self.rows, self.share))

    def read(self, rows: int) -> None:
        self.rows += rows
        if time.monotonic() - self.at > 0.1:
            self.at = time.monotonic()
            self.stage(self.name, min(0.39, 0.39 * self.rows / self.expected))

    def hears(self) -> None:
        self.stage(N_("Reading the comments"), 0.39)

    def prepared(self, done: int, of: int) -> None:
        share = 0.96 * done / of
        self.stage(N_("Reading the files") if share < 0.38 else N_("Preparing the journeys"), share)


def _kept(workspace: Workspace, dataset: str, plan: Plan) -> Plan:
    """The plan with all its files in the dataset's own folder."""
    home = workspace.root / DATASETS / dataset / "sources"
    kept = [f if f.path.parent == home else _copied(workspace, dataset, f) for f in plan.files]
    if plan.pseudonyms:
        kept = [f if f.is_pseudonymous else _pseudonymous(workspace, dataset, f) for f in kept]
    return replace(plan, files=tuple(kept))


def _pseudonymous(workspace: Workspace, dataset: str, file: ImportFile) -> ImportFile:
    """The file with a pseudonym in the place of each customer id; the one with the ids goes."""
    (raw, mapping), key = open_file(file), workspace.key()
    named = functools.lru_cache(maxsize=1_000_000)(lambda customer_id: pseudonym(key, customer_id))
    with workspace.building() as part:
        rewrite(raw, mapping, part / STORE, named)
        path = workspace.exchange(dataset, file.path.name, part / STORE)
    return replace(file, path=path, mapping=mapping, is_pseudonymous=True)


def _copied(workspace: Workspace, dataset: str, file: ImportFile) -> ImportFile:
    path = existing(file.path)
    with path.open("rb") as content:
        source = workspace.receive(file.name, iter(lambda: content.read(PIECE), b""), size=path.stat().st_size)
    return replace(file, path=workspace.adopt(dataset, source.token))


def _manifest(
    built: Built, facts: Facts, plan: Mapping[str, Any], opened: Mapping[str, Sequence[Opened]], hearing: Hearing
) -> dict[str, Any]:
    """What is kept about an import: what it found, how it was asked for, what became of every row."""
    return {
        "rows": built.rows,
        "duplicates": built.duplicates,
        "replaced": built.replaced,
        "conflicts": built.conflicts,
        "facts": facts_to_dict(facts),
        "plan": plan,
        "reports": [report.to_dict() for report in reports(opened)],
        "comments_not_read": hearing.failed,
    }


def _list_aside(
    opened: Mapping[str, Sequence[Opened]], every: Mapping[int, reading.Every], path: Path, most: int
) -> dict[str, Any]:
    """Write all rows that were set aside to a file of the version; returns what its manifest says of it: how many there are and how
    many fitted, and the reasons as texts. Nothing where no row was set aside."""
    total = sum(found.count for found in every.values())
    if not total:
        return {}
    reasons: dict[str, Text] = {}

    def lines() -> Iterator[Line]:
        for o in itertools.chain.from_iterable(opened.values()):
            if o.raw is not None:
                for found in every[id(o)].of(o.raw):
                    reason = str(found.reason)
                    reasons.setdefault(reason, found.reason)
                    yield Line(o.raw.name, str(found.row), found.column or "", reason, found.record)

    written = write_aside(path, lines(), most)
    return {"aside": {"rows": written, "of": total, "reasons": [text.to_dict() for text in reasons.values()]}}


def _facts(built: Built, plan: Plan, hearing: Hearing) -> Facts:
    """What the dataset knows about itself: as it was built, its goal, and what was read in its comments."""
    goal = reading.propose_goal(built.touchpoints) if plan.goal is None else plan.goal
    return replace(built.facts, goal=goal, heard=hearing.heard)


def _asked(plan: Plan) -> Facts:
    return Facts(plan.stages, plan.zone, plan.goal or ())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
