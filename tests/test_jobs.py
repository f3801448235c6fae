"""The queue of imports: whose turn it is, what a crash leaves, stopping, quotas. The child processes are real ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cx_metrics import importing
from cx_metrics.errors import WorkspaceProblem
from cx_metrics.importing import ImportFile, Plan
from cx_metrics.workspace import Workspace, jobs, limits

ROOT = Path(__file__).parents[1]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


@pytest.fixture
def unbegun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Jobs that were begun, whose processes never start and hold their locks: the queue alone."""
    begun: list[str] = []
    logs: list[Any] = []

    def begin(_workspace: Workspace, job: str, log: Any) -> None:
        begun.append(job)
        logs.append(log)

    monkeypatch.setattr(jobs, "_begin", begin)
    return begun


def rows(folder: Path, name: str = "touchpoints.csv", count: int = 3) -> Path:
    path = folder / name
    lines = "".join(f"u{i},2026-01-05 09:00:00,Website\n" for i in range(count))
    path.write_text("customer_id,occurred_at,touchpoint\n" + lines)
    return path


def asked(path: Path) -> Plan:
    return Plan((ImportFile(path, path.name),))


REQUEST: dict[str, Any] = {"plan": {"files": []}}


def test_jobs_wait_for_each_other_in_the_order_they_came(workspace: Workspace, unbegun: list[str]) -> None:
    shops = [workspace.create(f"shop {n}") for n in range(3)]
    asked_for = [jobs.ask(workspace, shop, REQUEST) for shop in shops]
    assert unbegun == asked_for[:1]
    assert [jobs.look(workspace, job).ahead for job in asked_for] == [0, 1, 2]
    jobs.end(workspace, asked_for[0], "done", version=1)
    jobs.advance(workspace)
    assert unbegun == asked_for[:2] and jobs.look(workspace, asked_for[2]).ahead == 1
    assert [job for job, _now in jobs.under_way(workspace)] == asked_for[1:]


def test_several_may_run_at_once_but_not_for_one_dataset(
    workspace: Workspace, unbegun: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_IMPORTS_AT_ONCE", "2")
    first, second = workspace.create("first"), workspace.create("second")
    one, two, three = (jobs.ask(workspace, d, REQUEST) for d in (first, first, second))
    assert unbegun == [one, three]
    jobs.end(workspace, one, "failed", jobs.stopped(one))
    jobs.advance(workspace)
    assert unbegun == [one, three, two]


def test_a_job_that_waits_is_cancelled_at_once(workspace: Workspace, unbegun: list[str]) -> None:
    shop = workspace.create("shop")
    _first, second = jobs.ask(workspace, shop, REQUEST), jobs.ask(workspace, shop, REQUEST)
    jobs.cancel(workspace, second)
    assert jobs.look(workspace, second).state == "cancelled"
    jobs.end(workspace, unbegun[0], "done", version=1)
    jobs.advance(workspace)
    assert len(unbegun) == 1


def test_one_session_cannot_fill_the_queue(
    workspace: Workspace, unbegun: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_IMPORTS_WAITING", "2")
    shop = workspace.create("shop")
    for _ in range(3):  # one runs, two wait
        jobs.ask(workspace, shop, REQUEST, "mine")
    with pytest.raises(WorkspaceProblem, match="2 imports of yours wait already"):
        jobs.ask(workspace, shop, REQUEST, "mine")
    jobs.ask(workspace, shop, REQUEST, "somebody else")
    assert len(unbegun) == 1


def test_the_first_word_about_how_a_job_ended_counts(workspace: Workspace, unbegun: list[str]) -> None:
    job = jobs.ask(workspace, workspace.create("shop"), REQUEST)
    jobs.end(workspace, job, "done", version=4)
    jobs.end(workspace, job, "failed", jobs.stopped(job))
    ended = jobs.look(workspace, job)
    assert (ended.state, ended.version, ended.error) == ("done", 4, None) and unbegun == [job]


def test_the_time_left_is_guessed_from_the_time_it_took() -> None:
    running = jobs.Progress("running", share=0.25, seconds=30)
    assert running.seconds_left == 90
    assert replace(running, share=0.01).seconds_left is None and replace(running, state="done").seconds_left is None


def test_a_running_import_is_stopped_and_leaves_nothing(workspace: Workspace, tmp_path: Path) -> None:
    dataset = workspace.create("shop")
    importing.import_version(workspace, dataset, asked(rows(tmp_path)))
    job = importing.start(workspace, dataset, asked(rows(tmp_path, "many.csv", 1_500_000)))
    until = time.monotonic() + 60
    while not jobs.look(workspace, job).rows and time.monotonic() < until:
        time.sleep(0.02)
    stopped_at = time.monotonic()
    jobs.cancel(workspace, job)
    ended = importing.wait(workspace, job, 20)
    took = time.monotonic() - stopped_at
    assert ended.state == "cancelled" and took < 10
    until = time.monotonic() + 10
    while list((workspace.root / "parts").iterdir()) and time.monotonic() < until:
        time.sleep(0.05)
    assert list((workspace.root / "parts").iterdir()) == [] and workspace.current(dataset).number == 1


def test_an_import_whose_server_and_child_both_die_is_done_by_the_next_server(
    workspace: Workspace, tmp_path: Path
) -> None:
    dataset = workspace.create("shop")
    path = rows(tmp_path, count=300_000)
    first, job = server_that_imports(workspace, dataset, path)
    until = time.monotonic() + 60
    while not jobs.look(workspace, job).rows and time.monotonic() < until:
        time.sleep(0.02)
    first.kill()
    first.wait()
    (child,) = children_of(job)
    os.kill(child, signal.SIGKILL)
    time.sleep(0.2)
    again = Workspace(workspace.root)  # the next server
    jobs.advance(again)
    ended = importing.wait(again, job, 90)
    assert (ended.state, ended.version) == ("done", 1), ended
    assert again.current(dataset).manifest["rows"]["touchpoints"] == 300_000


def test_an_import_goes_on_when_its_server_dies(workspace: Workspace, tmp_path: Path) -> None:
    dataset = workspace.create("shop")
    path = rows(tmp_path, count=300_000)
    first, job = server_that_imports(workspace, dataset, path)
    first.kill()
    first.wait()
    ended = importing.wait(workspace, job, 90)
    assert (ended.state, ended.version) == ("done", 1), ended


SERVER = """
import sys, time; from pathlib import Path
from cx_metrics import importing; from cx_metrics.workspace import Workspace
workspace, file = Workspace(Path(sys.argv[1])), Path(sys.argv[3])
print(importing.start(workspace, sys.argv[2], importing.Plan((importing.ImportFile(file, file.name),))), flush=True)
time.sleep(600)
"""


def server_that_imports(workspace: Workspace, dataset: str, path: Path) -> tuple[subprocess.Popen[str], str]:
    """Another process that has begun an import, and its job."""
    command = [sys.executable, "-c", SERVER, str(workspace.root), dataset, str(path)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    return server, server.stdout.readline().strip()


def children_of(job: str) -> list[int]:
    """The processes that work on a job."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                if (
                    job in (folder / "cmdline").read_text().split("\0")
                    and "cx_metrics.importing" in (folder / "cmdline").read_text()
                ):
                    found.append(int(folder.name))
            except OSError:
                continue
    return found


# Room


def test_a_disk_without_room_is_said_with_both_numbers(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        limits.shutil, "disk_usage", lambda _path: type("Usage", (), {"free": limits.SPARE_BYTES + 30 * 2**20})
    )
    with pytest.raises(WorkspaceProblem, match="has 30 MB to spare, and this needs about 61 MB"):
        workspace.receive("big.csv", [b"x"], size=20 * 2**20)  # three times, to read, to prepare and to keep it
    workspace.receive("small.csv", [b"x"], size=2**20)


def test_a_disk_that_fills_while_an_upload_arrives_keeps_nothing_of_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = iter([10**10, 10**10, 0])
    monkeypatch.setattr(limits.shutil, "disk_usage", lambda _path: type("Usage", (), {"free": next(free)}))
    with pytest.raises(WorkspaceProblem, match="to spare"):
        workspace.receive("big.csv", [b"x" * 100, b"y" * 100])
    assert list((workspace.root / "uploads").iterdir()) == []


def test_quotas_are_named_and_counted(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "GB", 1_000)
    monkeypatch.setenv("TOUCHLINE_SESSION_GB", "2")
    monkeypatch.setenv("TOUCHLINE_WORKSPACE_GB", "3")
    mine = workspace.receive("a.csv", [b"x" * 1_500], "me", 1_500)
    with pytest.raises(WorkspaceProblem, match="more than the 2 GB that TOUCHLINE_SESSION_GB allows"):
        workspace.receive("b.csv", [b"x" * 600], "me", 600)
    workspace.receive("b.csv", [b"x" * 600], "you", 600)
    with pytest.raises(WorkspaceProblem, match="TOUCHLINE_WORKSPACE_GB"):
        workspace.receive("c.csv", [b"x" * 1_000], "they", 1_000)
    workspace.discard(mine.token)
    workspace.receive("c.csv", [b"x" * 1_000], "me", 1_000)


@pytest.mark.parametrize("found", ["many", "-1", "1.5", "99999999", "٣"])
def test_a_setting_that_is_no_number_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    monkeypatch.setenv("TOUCHLINE_KEEP_VERSIONS", found)
    with pytest.raises(WorkspaceProblem, match="TOUCHLINE_KEEP_VERSIONS has to be a whole number"):
        limits.setting("TOUCHLINE_KEEP_VERSIONS")
