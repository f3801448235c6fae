"""Kill imports, again and again, at random times and at each step that touches the disk; then look what is left.

    python tests/kill_loop.py [--times 1000]

Each import runs in a process of its own, which is killed (SIGKILL). Afterwards, as a server does at its start, the workspace is
opened and swept. Then: every version that was acknowledged is there and whole (lost: 0), every version that is listed is whole
and has all its rows (half-visible: 0), and no file is left that belongs to nothing (orphans: 0).
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import duckdb
import sqlalchemy as sa

from cx_metrics import importing
from cx_metrics.workspace import Workspace, files
from cx_metrics.workspace import catalog as c
from cx_metrics.workspace.aside import ASIDE

ROWS = 400
TOUCHED = ("fsync", "rename", "replace", "link", "unlink", "mkdir", "chmod", "rmdir")
WATCHED = (*TOUCHED, "begin", "commit")


@dataclass
class Seen:
    """What the kills left behind."""

    killed: int = 0
    ended: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    half: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)


def kill(times: int, seed: int, folder: Path) -> Seen:
    """Run the loop in a folder: every second import is killed at a step, the others at a random time."""
    os.environ["TOUCHLINE_KEEP_VERSIONS"] = "3"  # so that removing old ones is killed too
    draw, seen, root = random.Random(seed), Seen(), folder / "workspace"
    file = folder / "touchpoints.csv"
    lines = [f"u{i % 97},2026-01-{1 + i % 28:02} 09:00:00,Website {i % 7}\n" for i in range(ROWS)]
    aside = [f"u{i},never,Website\n" for i in range(ROWS // 20)]  # set aside, and listed in a file beside the version
    file.write_text("customer_id,occurred_at,touchpoint\n" + "".join(lines + aside))
    made = Workspace(root)
    dataset = made.create("shop")
    importing.import_version(made, dataset, importing.Plan((importing.ImportFile(file, file.name),)))
    made.close()
    took = time.monotonic()
    number, steps, _name = attempt(root, dataset, file, lambda *_: None, 60)
    took = time.monotonic() - took
    acknowledged = number
    for n in range(times):
        at = 1 + (n // 2) % len(steps)
        if n % 2:
            number, _steps, where = attempt(root, dataset, file, at_step(at), 60)
            where = where or steps[at - 1]
        else:
            number, _steps, where = attempt(root, dataset, file, lambda *_: None, draw.uniform(0, 1.1 * took))
            where = "at a random time"
        seen.steps[where] += 1
        seen.killed, seen.ended = seen.killed + (number is None), seen.ended + (number is not None)
        acknowledged = number if number is not None else acknowledged
        look(root, dataset, acknowledged or 0, where, seen)
    return seen


def at_step(wanted: int) -> Callable[[int, str], None]:
    """Ends the process when the disk would be touched for this time."""

    def end(count: int, _name: str) -> None:
        if count == wanted:
            os.kill(os.getpid(), signal.SIGKILL)

    return end


def attempt(
    root: Path, dataset: str, file: Path, end: Callable[[int, str], None], seconds: float
) -> tuple[int | None, list[str], str]:
    """An upload and its import in a child process: the number of the version it acknowledged, if it came so far, and its steps."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        steps = watched(end, lambda name: os.write(write, f"{name}\n".encode()))
        workspace = Workspace(root)
        with file.open("rb") as content:
            source = workspace.receive(file.name, [content.read()])
        home = workspace.adopt(dataset, source.token)
        version = importing.import_version(workspace, dataset, importing.Plan((importing.ImportFile(home, file.name),)))
        os.write(write, f"acknowledged {version.number}\n".encode())
        os._exit(0 if steps is not None else 1)
    os.close(write)
    until = time.monotonic() + seconds
    while time.monotonic() < until and os.waitpid(child, os.WNOHANG)[0] == 0:
        time.sleep(0.001)
    else:
        if time.monotonic() >= until:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    with os.fdopen(read) as said:
        lines = said.read().splitlines()
    numbers = [int(line.split()[1]) for line in lines if line.startswith("acknowledged ")]
    steps_seen = [line for line in lines if not line.startswith("acknowledged ")]
    return (numbers[0] if numbers else None), steps_seen, (steps_seen[-1] if steps_seen else "before the first step")


def watched(end: Callable[[int, str], None], tell: Callable[[str], Any]) -> list[str]:
    """Count the calls of this process that change the disk; `end` may end it before one happens."""
    steps: list[str] = []

    def step(name: str) -> None:
        steps.append(name)
        tell(name)
        end(len(steps), name)

    for name in TOUCHED:
        real = getattr(os, name)

        def call(*arguments: Any, name: str = name, real: Any = real, **named: Any) -> Any:
            step(name)
            return real(*arguments, **named)

        setattr(os, name, call)
    sa.event.listen(sa.Engine, "begin", lambda _connection: step("begin"))
    sa.event.listen(sa.Engine, "commit", lambda _connection: step("commit"))
    return steps


def look(root: Path, dataset: str, acknowledged: int, where: str, seen: Seen) -> None:
    """What a server finds that starts now."""
    workspace = Workspace(root)
    workspace.sweep()
    found = workspace.versions(dataset)
    if acknowledged and (not found or workspace.current(dataset).number < acknowledged):
        seen.lost.append(f"version {acknowledged}, {where}")
    for version in found:
        workspace.verify(version)
        with duckdb.connect(str(version.path), read_only=True) as store:
            row = store.execute("select count(*) from touchpoints").fetchone()
        if row is None or row[0] != ROWS or version.manifest["rows"]["touchpoints"] != ROWS:
            seen.half.append(f"version {version.number}, {where}")
    seen.orphans += [f"{name}, {where}" for name in sorted(on_disk(root) - by_catalog(workspace, dataset))]
    workspace.close()


def on_disk(root: Path) -> set[str]:
    """Every file and folder but the catalog's own."""
    return {str(p.relative_to(root)) for p in root.rglob("*") if not p.name.startswith("catalog.")}


def by_catalog(workspace: Workspace, dataset: str) -> set[str]:
    """What there should be: of this dataset, and the uploads that nobody imported yet."""
    home = f"datasets/{dataset}"
    expected = {
        "workspace.json",
        "datasets",
        "uploads",
        "jobs",
        "parts",
        "segments",
        "views",
        "mappings",
        "protected",
        home,
        f"{home}/versions",
        f"{home}/sources",
    }
    with workspace.catalog.reading() as connection:
        expected |= {f"uploads/{token}" for token in connection.execute(sa.select(c.uploads.c.token)).scalars()}
        expected |= {f"{home}/sources/{token}" for token in connection.execute(sa.select(c.sources.c.token)).scalars()}
        for store, manifest in connection.execute(sa.select(c.versions.c.store, c.versions.c.manifest)):
            expected |= {f"{home}/{store}", f"{home}/{manifest}", f"{home}/{Path(store).parent}"}
            expected |= (
                {f"{home}/{Path(store).parent}/{ASIDE}"} if lists_rows_aside(workspace, home, manifest) else set()
            )
    return expected


def lists_rows_aside(workspace: Workspace, home: str, manifest: str) -> bool:
    """Whether a version says that it has a list of rows set aside."""
    return bool(files.read_json(workspace.root / home / manifest).get("aside"))


def main() -> int:
    """The long loop, from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--times", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="touchline_kill_"))
    try:
        began = time.monotonic()
        seen = kill(asked.times, asked.seed, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(
        f"{asked.times} imports in {time.monotonic() - began:.0f} s: {seen.killed} killed, {seen.ended} had ended before"
    )
    print("killed at: " + ", ".join(f"{name} {count}" for name, count in seen.steps.most_common()))
    print(f"lost {len(seen.lost)}, half-visible {len(seen.half)}, orphans {len(seen.orphans)}")
    for problem in (*seen.lost, *seen.half, *seen.orphans[:20]):
        print(f"  {problem}")
    return 1 if seen.lost or seen.half or seen.orphans else 0


if __name__ == "__main__":
    sys.exit(main())
