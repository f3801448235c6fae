"""What a crash, a full disk or a lost power line leaves: everything that was acknowledged, and nothing else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cx_metrics import importing
from cx_metrics.errors import WorkspaceProblem
from cx_metrics.workspace import Workspace, limits
from tests import kill_loop

ROOT = Path(__file__).parents[1]
IMPORT = """
import sys; from pathlib import Path
from cx_metrics import importing; from cx_metrics.workspace import Workspace
workspace, file = Workspace(Path(sys.argv[1])), Path(sys.argv[2])
importing.import_version(workspace, sys.argv[3], importing.Plan((importing.ImportFile(file, file.name),)))
"""


def rows(path: Path, count: int) -> Path:
    lines = "".join(f"u{i},2026-01-05 09:00:00,Website {i % 9}\n" for i in range(count))
    path.write_text("customer_id,occurred_at,touchpoint\n" + lines)
    return path


def plan(path: Path) -> importing.Plan:
    return importing.Plan((importing.ImportFile(path, path.name),))


def test_thirty_killed_imports_lose_nothing_and_leave_nothing(tmp_path: Path) -> None:
    # in a process of its own: it forks, which a process with threads should not
    found = subprocess.run(
        [sys.executable, "tests/kill_loop.py", "--times", "30", "--seed", "3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    said = re.search(r"(\d+) killed, (\d+) had ended", found.stdout)
    assert said is not None and int(said[1]) > 15 and "lost 0, half-visible 0, orphans 0" in found.stdout


def test_what_a_kill_leaves_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The look of the loop itself: a lost version, a file too many and a short table are found."""
    monkeypatch.setattr(kill_loop, "ROWS", 5)
    workspace = Workspace(tmp_path / "workspace")
    dataset = workspace.create("shop")
    importing.import_version(workspace, dataset, plan(rows(tmp_path / "a.csv", 5)))
    importing.import_version(workspace, dataset, plan(rows(tmp_path / "b.csv", 4)))
    seen = kill_loop.Seen()
    kill_loop.look(workspace.root, dataset, 3, "here", seen)
    assert seen.lost == ["version 3, here"] and seen.half == ["version 2, here"] and seen.orphans == []
    (workspace.root / "datasets" / dataset / "left").write_text("x")
    kill_loop.look(workspace.root, dataset, 2, "here", seen)
    assert seen.orphans == [f"datasets/{dataset}/left, here"]


def test_files_are_durable_before_they_are_named_and_named_before_their_row(tmp_path: Path) -> None:
    """As the system saw it: sync of the store, the manifest and their folder, then the name, its folder, and the catalog last."""
    workspace = Workspace(tmp_path / "workspace")
    dataset = workspace.create("shop")
    workspace.close()
    log = tmp_path / "calls"
    command = ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync,rename,renameat,renameat2", "-o", str(log), sys.executable, "-c",
               IMPORT, str(workspace.root), str(rows(tmp_path / "a.csv", 50)), dataset]  # fmt: skip
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    if "ptrace" in ran.stderr and ran.returncode:
        pytest.skip("this system does not let one process trace another")
    assert ran.returncode == 0, ran.stderr
    kinds = [
        ("catalog", r"(fsync|fdatasync)\(\d+<[^>]*catalog\.sqlite-wal>"), ("store", r"fsync\(\d+<[^>]*/store\.duckdb>"),
        ("manifest", r"fsync\(\d+<[^>]*/manifest\.json>"), ("part", r"fsync\(\d+<[^>]*/parts/[0-9a-f]{32}>"),
        ("name", r"rename\w*\(.*/parts/[0-9a-f]{32}\", .*/versions/000001-[0-9a-f]{8}\""),
        ("versions", r"fsync\(\d+<[^>]*/versions>"),
    ]  # fmt: skip
    calls = [
        next((kind for kind, pattern in kinds if re.search(pattern, line)), "") for line in log.read_text().splitlines()
    ]
    order = [kind for kind in calls if kind]
    named = order.index("name")
    assert {"store", "manifest", "part"} <= set(order[:named]) and order.count("name") == 1
    assert max(i for i, kind in enumerate(order) if kind in ("store", "manifest", "part")) < named
    assert order[named + 1 : named + 3] == ["versions", "catalog"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 24 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this system lets nobody mount a small disk")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_ends_in_a_message_and_what_was_there_stays(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SPARE_BYTES", 0)
    workspace = Workspace(small_disk / "workspace")
    dataset = workspace.create("shop")
    first = importing.import_version(workspace, dataset, plan(rows(tmp_path / "a.csv", 100)))
    big = plan(rows(tmp_path / "b.csv", 280_000))
    with pytest.raises(WorkspaceProblem, match="to spare, and this needs about"):  # it is looked at first
        importing.import_version(workspace, dataset, big)
    monkeypatch.setattr(limits, "check_disk", lambda _folder, _wanted: None)
    filler = small_disk / "somebody else's"
    with pytest.raises(WorkspaceProblem, match="disk of the workspace is full"), filler.open("wb") as file:
        file.write(b"x" * (shutil.disk_usage(small_disk).free - 7 * 2**20))
        file.flush()
        importing.import_version(workspace, dataset, big)  # and when it fills meanwhile
    with pytest.raises((WorkspaceProblem, OSError)), filler.open("ab") as file:
        while True:
            file.write(b"x" * 4096)
            file.flush()
    again = Workspace(workspace.root)  # a server that starts on a full disk
    assert again.current(dataset) == first
    again.verify(first)
    filler.unlink()
    assert list((workspace.root / "parts").iterdir()) == []
    again.sweep()
    assert importing.import_version(again, dataset, plan(rows(tmp_path / "a.csv", 200))).number == 2
