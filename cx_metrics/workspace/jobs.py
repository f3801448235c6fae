"""Imports that run in child processes: a queue in the catalog, so that it outlives tabs and servers.

A job waits, runs, and is done, failed or cancelled. Its process holds the lock of its log from before it starts until it ends,
however it ends: that is how everybody knows whether it lives. A job whose process and server both died is begun again, once.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Literal

import sqlalchemy as sa

from cx_metrics.errors import WorkspaceProblem
from cx_metrics.logs import event
from cx_metrics.right_of_way import RIGHT_OF_WAY
from cx_metrics.texts import N_, Text
from cx_metrics.workspace import catalog as c
from cx_metrics.workspace import files, limits
from cx_metrics.workspace.access import authorize, may
from cx_metrics.workspace.ids import checked, new_id, now
from cx_metrics.workspace.recovery import sweep
from cx_metrics.workspace.store import JOBS, Workspace

State = Literal["waiting", "running", "done", "failed", "cancelled"]
RUNNER = "cx_metrics.importing"  # the program of the child: python -m RUNNER WORKSPACE JOB
SECRET = "secret"
MOST_ATTEMPTS = 2  # a job that took its server with it is not tried for ever
GRACE_SECONDS = 2  # until somebody else than the server that began a job takes it for dead
FEW = 0.03  # share from which on a guess of the time left is worth saying


@dataclass(frozen=True)
class Progress:
    """How far a job is: rows read so far, the stage it is at, how many wait before it, and how it ended."""

    state: State
    stage: str = ""
    rows: int = 0
    share: float = 0.0
    version: int = 0
    error: Text | None = None
    dataset: str = ""
    ahead: int = 0  # jobs before it in the queue
    seconds: float = 0.0  # it runs for so long

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state not in ("waiting", "running")

    @property
    def seconds_left(self) -> float | None:
        """A guess from the time it took so far; None while that says nothing."""
        if self.state != "running" or not FEW <= self.share < 1:
            return None
        return self.seconds * (1 - self.share) / self.share


def ask(workspace: Workspace, dataset: str, request: Mapping[str, Any], session: str = "", secret: str = "") -> str:
    """Put a job into the queue, and begin it if it is its turn; returns its id. Raises WorkspaceProblem if too many wait.

    What is `secret` of the request never reaches the catalog: it lies in a file of the job until that asks for it.
    """
    authorize(workspace.viewer, dataset, "change")
    job = new_id()
    row = {
        "id": job, "dataset": checked(dataset), "session": session, "state": "waiting", "request": json.dumps(request), "stage": "",
        "rows": 0, "share": 0.0, "version": 0, "error": "", "attempt": 0, "stop": False, "created_at": _moment(), "started_at": "",
        "ended_at": "",
    }  # fmt: skip
    most = limits.setting("TOUCHLINE_IMPORTS_WAITING")
    with workspace.catalog.writing() as connection:
        waiting = sa.select(sa.func.count()).where(c.jobs.c.state == "waiting", c.jobs.c.session == session)
        if (connection.execute(waiting).scalar() or 0) >= most:
            raise WorkspaceProblem(N_("{most} imports of yours wait already. Try again when one has ended."), most=most)
        connection.execute(c.jobs.insert().values(row))
        folder(workspace, job).mkdir()
        if secret:
            with os.fdopen(
                os.open(folder(workspace, job) / SECRET, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w"
            ) as file:
                file.write(secret)
    advance(workspace)
    return job


def secret(workspace: Workspace, job: str) -> str:
    """The secret of a job. It is removed when the job has ended, however it did."""
    return (folder(workspace, job) / SECRET).read_text(encoding="utf-8")


def folder(workspace: Workspace, job: str) -> Path:
    """Where the log of a job lies."""
    return workspace.root / JOBS / checked(job)


def look(workspace: Workspace, job: str) -> Progress:
    """How far a job is. Raises WorkspaceProblem if there is no such job, or it is about a dataset the viewer may not see."""
    found = _read(workspace, job)
    if found.state == "running" and found.seconds > GRACE_SECONDS and not _lives(workspace, job):
        advance(workspace)
        found = _read(workspace, job)
    return found


def under_way(workspace: Workspace) -> list[tuple[str, Progress]]:
    """Jobs that wait or run, for datasets that the viewer may see: a tab that was closed finds its import again."""
    asked = sa.select(c.jobs.c.id).where(c.jobs.c.state.in_(("waiting", "running"))).order_by(c.jobs.c.created_at)
    with workspace.catalog.reading() as connection:
        ids = connection.execute(asked).scalars().all()
    found = []
    for job in ids:
        with contextlib.suppress(WorkspaceProblem):
            found.append((job, _read(workspace, job)))
    return found


def cancel(workspace: Workspace, job: str) -> None:
    """Ask a job to end: one that waits never begins, one that runs stops within a second and leaves nothing behind."""
    found = _read(workspace, job)
    authorize(workspace.viewer, found.dataset, "change")
    with workspace.catalog.writing() as connection:
        mine = c.jobs.update().where(c.jobs.c.id == job)
        never = mine.where(c.jobs.c.state == "waiting").values(state="cancelled", ended_at=now())
        if connection.execute(never).rowcount:
            (folder(workspace, job) / SECRET).unlink(missing_ok=True)
        connection.execute(mine.where(c.jobs.c.state == "running").values(stop=True))


def advance(workspace: Workspace) -> None:
    """Begin the jobs whose turn it is; first, put those back into the queue whose process is gone."""
    begun: list[tuple[str, IO[bytes]]] = []
    with workspace.catalog.writing() as connection:
        asked = (
            sa.select(c.jobs)
            .where(c.jobs.c.state.in_(("waiting", "running")))
            .order_by(c.jobs.c.created_at, c.jobs.c.id)
        )
        busy: set[str] = set()
        rows = connection.execute(asked).mappings().all()
        for row in (r for r in rows if r["state"] == "running"):
            if _lives(workspace, row["id"]):
                busy.add(row["dataset"])
            else:
                _back(workspace, connection, row)
        free = max(limits.setting("TOUCHLINE_IMPORTS_AT_ONCE"), 1) - len(busy)
        for row in connection.execute(asked.where(c.jobs.c.state == "waiting")).mappings().all():
            if free > 0 and row["dataset"] not in busy:  # one after the other within a dataset
                free -= 1
                busy.add(row["dataset"])
                begun.append((row["id"], _claim(workspace, connection, row)))
    for job, log in begun:
        _begin(workspace, job, log)


def tell(workspace: Workspace, job: str, **values: Any) -> bool:
    """Write what a running job says of itself; returns whether somebody asked it to end."""
    with workspace.catalog.writing() as connection:
        mine = c.jobs.c.id == job, c.jobs.c.state == "running"
        if values:
            connection.execute(c.jobs.update().where(*mine).values(**values))
        return bool(connection.execute(sa.select(c.jobs.c.stop).where(*mine)).scalar())


def end(workspace: Workspace, job: str, state: State, error: Text | None = None, **values: Any) -> None:
    """Write how a job ended; the first word about that counts."""
    said = json.dumps(error.to_dict()) if error else ""
    (folder(workspace, job) / SECRET).unlink(missing_ok=True)
    mine = c.jobs.c.id == job, c.jobs.c.state == "running"
    with workspace.catalog.writing() as connection:
        ended = c.jobs.update().where(*mine).values(state=state, error=said, ended_at=now(), **values)
        is_first = connection.execute(ended).rowcount > 0
    if is_first:
        event("job_ended", job=job, state=state)


def request_of(workspace: Workspace, job: str) -> tuple[str, Mapping[str, Any]]:
    """The dataset and the request of a job."""
    with workspace.catalog.reading() as connection:
        row = connection.execute(sa.select(c.jobs.c.dataset, c.jobs.c.request).where(c.jobs.c.id == checked(job))).one()
    return row.dataset, json.loads(row.request)


def stopped(job: str) -> Text:
    """What is said of a job that ended without a word."""
    return Text(N_("The import stopped unexpectedly. Its log is in job {job}."), {"job": job[:8]})


def _read(workspace: Workspace, job: str) -> Progress:
    with workspace.catalog.reading() as connection:
        row = connection.execute(sa.select(c.jobs).where(c.jobs.c.id == checked(job))).mappings().first()
        if row is None or not may(workspace.viewer, row["dataset"], "see"):
            raise WorkspaceProblem(N_("There is no such import any more."))
        before = sa.select(sa.func.count()).where(
            c.jobs.c.state.in_(("waiting", "running")), c.jobs.c.created_at < row["created_at"]
        )
        ahead = int(connection.execute(before).scalar() or 0) if row["state"] == "waiting" else 0
    return Progress(
        row["state"], row["stage"], row["rows"], row["share"], row["version"],
        Text.from_dict(json.loads(row["error"])) if row["error"] else None, row["dataset"], ahead, _since(row["started_at"]),
    )  # fmt: skip


def _back(workspace: Workspace, connection: sa.Connection, row: sa.RowMapping) -> None:
    """A job whose process is gone, and no server saw how: once more, unless somebody wanted its end or it died twice."""
    values: dict[str, Any] = {"state": "waiting", "share": 0.0, "rows": 0, "stage": ""}
    if row["stop"]:
        values = {"state": "cancelled", "ended_at": now()}
    elif row["attempt"] >= MOST_ATTEMPTS:
        values = {"state": "failed", "error": json.dumps(stopped(row["id"]).to_dict()), "ended_at": now()}
    if values["state"] != "waiting":
        (folder(workspace, row["id"]) / SECRET).unlink(missing_ok=True)
    connection.execute(c.jobs.update().where(c.jobs.c.id == row["id"]).values(**values))


def _claim(workspace: Workspace, connection: sa.Connection, row: sa.RowMapping) -> IO[bytes]:
    home = folder(workspace, row["id"])
    home.mkdir(exist_ok=True)
    log = (home / "log").open("ab")
    fcntl.flock(log, fcntl.LOCK_EX)  # handed on to the child, and free again when it ends, however it ends
    begun = {"state": "running", "attempt": row["attempt"] + 1, "started_at": _moment()}
    connection.execute(c.jobs.update().where(c.jobs.c.id == row["id"]).values(**begun))
    return log


def _begin(workspace: Workspace, job: str, log: IO[bytes]) -> None:
    event("job_begun", job=job)
    begun: queue.SimpleQueue[bool] = queue.SimpleQueue()
    staying = threading.Thread(
        target=_accompany, args=(workspace, job, log, begun.put), name=f"import {job[:8]}", daemon=True
    )
    staying.start()
    if not begun.get():
        raise OSError(f"job {job} could not be started")


def _accompany(workspace: Workspace, job: str, log: IO[bytes], say: Callable[[bool], None]) -> None:
    """Start a child and stay with it until it ends; if it could not say how, say it; then let the next one begin."""
    child = None
    try:
        with log:
            child = subprocess.Popen(
                [sys.executable, "-m", RUNNER, str(workspace.root.resolve()), job],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                cwd=Path(__file__).resolve().parents[2],
            )  # fmt: skip
    finally:
        say(child is not None)
    with RIGHT_OF_WAY.given_by(child.pid):
        status = child.wait()
    with contextlib.suppress(WorkspaceProblem, OSError):  # the workspace may be gone by now
        if tell(workspace, job):
            end(workspace, job, "cancelled")
        else:
            end(workspace, job, "failed", _why(job, status))
        sweep(workspace.catalog, workspace.root)
        advance(workspace)


def too_much_memory() -> Text:
    """What is said of a job that needed more memory than it may have."""
    words = N_(
        "The import needed more memory than the {limit} MB that one may have here. Split the files, or set {variable} higher."
    )
    return Text(words, {"limit": limits.import_memory() // 2**20, "variable": "TOUCHLINE_IMPORT_GB"})


def _why(job: str, status: int) -> Text:
    if status in (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS):  # how a library ends that is refused memory
        return too_much_memory()
    if status == -signal.SIGXCPU:
        return Text(
            N_(
                "The import took more computing time than one may here. Split the files, or ask whoever runs this server."
            )
        )
    if status == -signal.SIGKILL:
        return Text(
            N_("The import was ended by the system, most likely because it needed more memory than there is. "
               "Its log is in job {job}."), {"job": job[:8]},
        )  # fmt: skip
    return stopped(job)


def _lives(workspace: Workspace, job: str) -> bool:
    return files.is_held(folder(workspace, job) / "log")


def _moment() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _since(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds() if moment else 0.0
