"""A file becomes a dataset version: reading, preparing, keeping. The only room that joins the three.

On the page this runs in a child process (`python -m cx_metrics.importing WORKSPACE JOB`), so that a bad file or a closed tab
hurts nobody; progress is a small JSON file that any page can poll.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from cx_metrics import reading
from cx_metrics.engines import Engine, Served, Store, build, connect, loading, memory_store, read_address, serve
from cx_metrics.engines.incoming import Built, Incoming
from cx_metrics.errors import FileProblem, MappingProblem, TouchlineError, WorkspaceProblem
from cx_metrics.reading import FileMapping, NameMapping, Report, Typed
from cx_metrics.reading.mapping import EXTRA
from cx_metrics.tables import STAGES, TABLES
from cx_metrics.texts import N_, Text
from cx_metrics.view import Facts
from cx_metrics.workspace import Version, Workspace, files
from cx_metrics.workspace.store import facts_from_dict, facts_to_dict

State = Literal["waiting", "running", "done", "failed"]
BEHIND = 10  # how much an import stands behind the pages for the processor: it has time, who waits for a page has none


@dataclass(frozen=True)
class ImportFile:
    """One file to import: where it lies, what its user calls it, and how its columns are meant (None = as recognised)."""

    path: Path
    name: str
    mapping: FileMapping | None = None


@dataclass(frozen=True)
class Plan:
    """What to import and how. `goal` None asks for a proposal from the touchpoint names."""

    files: tuple[ImportFile, ...]
    names: Mapping[str, NameMapping] = field(default_factory=dict)
    stages: tuple[str, ...] = STAGES
    zone: str = "UTC"
    goal: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Progress:
    """How far an import is: rows read so far, the stage it is at, and how it ended."""

    state: State
    stage: str = ""
    rows: int = 0
    share: float = 0.0
    version: int = 0
    error: Text | None = None


def open_files(
    touchpoints: str | Path | Sequence[str | Path] = (),
    surveys: str | Path | Sequence[str | Path] = (),
    customers: str | Path | Sequence[str | Path] = (),
    spend: str | Path | Sequence[str | Path] = (),
    changes: str | Path | Sequence[str | Path] = (),
    *,
    goal: Sequence[str] | None = None,
    stages: Sequence[str] = STAGES,
    zone: str = "UTC",
) -> Store:
    """Files of any recognised columns → an opened dataset in memory, for a notebook or one command.

    Raises the error family for what cannot be read. Rows set aside are in the `reports` of `load`, which this calls.
    """
    given = {"touchpoints": touchpoints, "surveys": surveys, "customers": customers, "spend": spend, "changes": changes}
    asked = []
    for table, paths in given.items():
        for path in [paths] if isinstance(paths, (str, Path)) else paths:
            raw = reading.open_raw(Path(path), Path(path).name)
            mapping = reading.default_mapping(raw, reading.recognise(raw, table))
            asked.append(ImportFile(Path(path), Path(path).name, mapping))
    plan = Plan(tuple(asked), stages=tuple(stages), zone=zone, goal=None if goal is None else tuple(goal))
    store, _reports = load(plan)
    return store


def existing(path: str | Path) -> Path:
    """The path, if there is a file. Raises FileProblem otherwise."""
    found = Path(path)
    if not found.is_file():
        raise FileProblem(N_("There is no file {path}. Check the name and the folder."), path=str(path))
    return found


def load(plan: Plan) -> tuple[Store, list[Report]]:
    """Import into memory. Returns the opened dataset and one report per file."""
    typed = _read(plan)
    store, built = memory_store(_incoming(typed, lambda _rows: None), _asked(plan))
    goal = reading.propose_goal(built.touchpoints) if plan.goal is None else plan.goal
    return replace(store, facts=replace(store.facts, goal=goal)), _reports(typed)


def import_version(
    workspace: Workspace, dataset: str, plan: Plan, tell: Callable[[Progress], None] = lambda _p: None
) -> Version:
    """Import into the workspace: build the next version of a dataset in a temporary file, then publish it."""
    teller = _Teller(tell)
    teller.stage(N_("Reading the files"), 0.0)
    typed = _read(plan)
    part = workspace.new_part(dataset)
    with tempfile.TemporaryDirectory(
        prefix="spill_", suffix=files.PART, dir=part.parent
    ) as spill:  # swept after a crash
        try:
            built = build(part, _incoming(typed, teller.read), _asked(plan), teller.prepared, Path(spill))
            goal = reading.propose_goal(built.touchpoints) if plan.goal is None else plan.goal
            teller.stage(N_("Keeping the dataset"), 0.95)
            return workspace.publish(dataset, part, _manifest(built, goal, plan, typed))
        finally:
            part.unlink(missing_ok=True)
            part.with_name(part.name + ".wal").unlink(missing_ok=True)


def load_into(
    engine: Engine, plan: Plan, tell: Callable[[Progress], None] = lambda _p: None
) -> tuple[int, list[Report]]:
    """Import into an engine: write and prepare the tables there, then publish them. Returns the number of the load."""
    teller = _Teller(tell)
    teller.stage(N_("Reading the files"), 0.0)
    typed = _read(plan)
    loaded = loading.load(engine, _incoming(typed, teller.read), _asked(plan), teller.prepared)
    goal = reading.propose_goal(loaded.built.touchpoints) if plan.goal is None else plan.goal
    kept = {"loaded_at": datetime.now(UTC).isoformat(timespec="seconds"), "tables": loaded.tables}
    return engine.publish(_manifest(loaded.built, goal, plan, typed) | kept), _reports(typed)


def open_engine(url: str) -> Served:
    """The dataset that lives in an engine, opened: only its address is needed, as TOUCHLINE_ENGINE has it.

    Raises EngineProblem if nobody answers there, or nothing was loaded.
    """
    engine = connect(read_address(url))
    _number, manifest = max(engine.readable().items())
    return serve(engine, facts_from_dict(manifest["facts"]), manifest["tables"])


def start(workspace: Workspace, dataset: str, plan: Plan) -> str:
    """Begin an import in a child process and return its job id; `progress` tells how far it is."""
    job = workspace.new_job()
    folder = workspace.job(job)
    files.write_json(folder / "request.json", {"dataset": dataset, "plan": plan_to_dict(plan)})
    _tell(folder, Progress("waiting"))
    with (folder / "log").open("wb") as log:
        fcntl.flock(log, fcntl.LOCK_EX)  # handed on to the child, and free again when it ends, however it ends
        subprocess.Popen(
            [sys.executable, "-m", "cx_metrics.importing", str(workspace.root.resolve()), job],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            cwd=Path(__file__).resolve().parent.parent,
        )  # fmt: skip
    return job


def progress(workspace: Workspace, job: str) -> Progress:
    """How far a job is; one whose process died has failed. Raises WorkspaceProblem if there is no such job."""
    path = workspace.job(job) / "progress.json"
    if not path.exists():
        raise WorkspaceProblem(N_("There is no such import any more."))
    alive = _alive(path.with_name("log"))  # asked first: who is dead now has written all there will be
    kept = files.read_json(path)
    if kept["state"] in ("waiting", "running") and not alive:
        return Progress("failed", error=_stopped(job))
    error = Text.from_dict(kept.pop("error")) if kept["error"] else None
    kept.pop("error", None)
    return Progress(**kept, error=error)


def wait(workspace: Workspace, job: str, seconds: float = 600) -> Progress:
    """Wait until a job has ended."""
    until = time.monotonic() + seconds
    while (now := progress(workspace, job)).state in ("waiting", "running") and time.monotonic() < until:
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


def plan_to_dict(plan: Plan) -> dict[str, Any]:
    """A plan as plain JSON values: kept in the manifest, and handed to the child process."""
    return {
        "files": [
            {"path": str(f.path), "name": f.name, "mapping": f.mapping.to_dict() if f.mapping else None}
            for f in plan.files
        ],
        "names": {raw: mapping.to_dict() for raw, mapping in plan.names.items()},
        "stages": list(plan.stages),
        "zone": plan.zone,
        "goal": None if plan.goal is None else list(plan.goal),
    }


def plan_from_dict(kept: Mapping[str, Any]) -> Plan:
    """The reverse of `plan_to_dict`."""
    asked = tuple(
        ImportFile(Path(f["path"]), f["name"], FileMapping.from_dict(f["mapping"]) if f["mapping"] else None)
        for f in kept["files"]
    )
    names = {raw: NameMapping.from_dict(mapping) for raw, mapping in kept["names"].items()}
    goal = None if kept["goal"] is None else tuple(kept["goal"])
    return Plan(asked, names, tuple(kept["stages"]), kept["zone"], goal)


def main(arguments: Sequence[str]) -> int:
    """The child process: import what the job asks for, and say how it went."""
    workspace, folder = Workspace(Path(arguments[0])), Path(arguments[0]) / "jobs" / arguments[1]
    request = files.read_json(folder / "request.json")
    try:
        plan = plan_from_dict(request["plan"])
        version = import_version(workspace, request["dataset"], plan, lambda now: _tell(folder, now))
    except TouchlineError as problem:
        _tell(folder, Progress("failed", error=problem.text))
        return 2
    except Exception:
        traceback.print_exc()  # to the job's log; the page names the job, never the trace
        _tell(folder, Progress("failed", error=_stopped(arguments[1])))
        return 1
    _tell(folder, Progress("done", N_("Done"), sum(version.manifest["rows"].values()), 1.0, version.number))
    return 0


def _stopped(job: str) -> Text:
    return Text(N_("The import stopped unexpectedly. Its log is in job {job}."), {"job": job[:8]})


def _alive(log: Path) -> bool:
    """Whether the child that writes this log still runs: it holds the lock that `start` took."""
    with log.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _tell(folder: Path, now: Progress) -> None:
    files.write_json(folder / "progress.json", vars(now) | {"error": now.error.to_dict() if now.error else None})


class _Teller:
    """Passes progress on, at most ten times a second."""

    def __init__(self, tell: Callable[[Progress], None]) -> None:
        self.tell, self.rows, self.at, self.name, self.share = tell, 0, 0.0, "", 0.0

    def stage(self, name: str, share: float) -> None:
        self.name, self.share = name, share
        self.tell(Progress("running", name, self.rows, share))

    def read(self, rows: int) -> None:
        self.rows += rows
        if time.monotonic() - self.at > 0.1:
            self.at = time.monotonic()
            self.tell(Progress("running", self.name, self.rows, self.share))

    def prepared(self, done: int, of: int) -> None:
        self.stage(N_("Reading the files") if done < of - 2 else N_("Preparing the journeys"), 0.9 * done / of)


def _manifest(built: Built, goal: tuple[str, ...], plan: Plan, typed: Mapping[str, Sequence[Typed]]) -> dict[str, Any]:
    """What is kept about an import: what it found, how it was asked for, what became of every row."""
    return {
        "rows": built.rows,
        "duplicates": built.duplicates,
        "conflicts": built.conflicts,
        "facts": facts_to_dict(replace(built.facts, goal=goal)),
        "plan": plan_to_dict(plan),
        "reports": [report.to_dict() for report in _reports(typed)],
    }


def _asked(plan: Plan) -> Facts:
    return Facts(plan.stages, plan.zone, plan.goal or ())


def _read(plan: Plan) -> dict[str, list[Typed]]:
    """Open every file and say how it becomes a typed table. Touchpoint files come one after another in `sequence`."""
    if not plan.files:
        raise MappingProblem(
            N_("There is no file to import. Choose at least one file of touchpoints or survey answers.")
        )
    typed: dict[str, list[Typed]] = {}
    read = {
        "touchpoints": lambda raw, m: reading.read_touchpoints(
            raw, m, plan.names, 2**40 * len(typed.get("touchpoints", ()))
        ),
        "surveys": lambda raw, m: reading.read_surveys(raw, m, plan.names),
        "customers": reading.read_customers,
        "spend": reading.read_spend,
        "changes": reading.read_changes,
    }
    for file in plan.files:
        raw = reading.open_raw(file.path, file.name)
        mapping = file.mapping or reading.default_mapping(raw, reading.recognise(raw))
        if (
            mapping.time_zone == "UTC"
        ):  # a file may have a zone of its own; otherwise its times are local to the dataset
            mapping = replace(mapping, time_zone=plan.zone)
        typed.setdefault(mapping.table, []).append(read[mapping.table](raw, mapping))
    _say_what_stands_twice(typed)
    return {name: typed[name] for name in TABLES if name in typed}


def _say_what_stands_twice(typed: Mapping[str, Sequence[Typed]]) -> None:
    """An attribute of customers that another file has too counts as the customers file says it; that is noted there."""
    known = {n for t in typed.get("customers", ()) for n in t.schema.names if n not in TABLES["customers"].names}
    for name in ("touchpoints", "surveys"):
        for t in typed.get(name, ()):
            for column in sorted(known & set(t.schema.names) - set(TABLES[name].names)):
                t.report.assume(
                    Text(N_('"{column}" stands in the customers file too; that file counts.'), {"column": column})
                )


def _incoming(typed: Mapping[str, Sequence[Typed]], seen: Callable[[int], None]) -> dict[str, Incoming]:
    """One stream per table: files of one table follow each other, columns that only one has are null in the others."""
    spelled = _spelling(typed)
    found = {}
    for name, group in typed.items():
        streams = [(t, [spelled.get((name, column), column) for column in t.schema.names]) for t in group]
        schema = pa.unify_schemas([_renamed(t.schema, columns) for t, columns in streams])
        batches = itertools.chain.from_iterable(_batches(t, columns) for t, columns in streams)
        found[name] = Incoming(schema, _counted(batches, schema, seen), any(t.ordered for t in group))
    return found


def _batches(typed: Typed, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    for batch in typed.batches:
        yield batch.rename_columns(names)


def _spelling(typed: Mapping[str, Sequence[Typed]]) -> dict[tuple[str, str], str]:
    """(table, attribute) → how it is called: "Plan" in one file and "plan" in another are one attribute, as they are one
    name for the engine. The customers' spelling counts, else the first one."""
    first: dict[str, str] = {}
    spelled = {}
    for name in sorted(typed, key=lambda table: table != "customers"):
        own = {*TABLES[name].names, *EXTRA[name]}
        for column in (c for t in typed[name] for c in t.schema.names if c not in own):
            spelled[name, column] = first.setdefault(column.casefold(), column)
    return spelled


def _renamed(schema: pa.Schema, names: Sequence[str]) -> pa.Schema:
    return pa.schema([field.with_name(name) for field, name in zip(schema, names, strict=True)])


def _counted(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, seen: Callable[[int], None]
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        columns = [batch[f.name] if f.name in batch.schema.names else pa.nulls(batch.num_rows, f.type) for f in schema]
        yield pa.record_batch(columns, schema=schema)
        seen(batch.num_rows)


def _reports(typed: Mapping[str, Sequence[Typed]]) -> list[Report]:
    return [t.report for group in typed.values() for t in group]


if __name__ == "__main__":
    os.nice(BEHIND)
    sys.exit(main(sys.argv[1:]))
