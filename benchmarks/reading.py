"""How long does a CSV take from the file into the store, before anything is prepared, and how much memory does an import hold?

    python -m benchmarks.reading --rows 10M

Against the least that anybody could do: DuckDB copying the CSV to Parquet with two threads, which checks nothing and reports no
row. Reading is ours from opening the file to the last typed row where the store takes them in; preparing is told apart: the whole
import, as the Data page does it, less reading. Each runs in a process of its own, in turns, and its peak counts. The process that
started the import stands for the server: how much it grew meanwhile is said too. At last, the preview of a file of a gigabyte on
the command line, from start to end.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.generate import GOAL, STAGES, events, folder, number_of
from benchmarks.measuring import Report
from benchmarks.peers import Peer
from benchmarks.prepare import bare_copy
from cx_metrics import importing
from cx_metrics.workspace import Workspace

ROUNDS = 3
GIGABYTE = 2**30
PREVIEW_BYTES = 2**22  # of the file of a gigabyte; the rest is a hole
WANTED_TIMES, WANTED_PEAK_MIB, WANTED_GROWTH_MIB, WANTED_PREVIEW = 2.0, 2_048.0, 50.0, 2.0


def read(csv: Path) -> tuple[float, float]:
    """Seconds and peak memory of reading the file into the store, in a fresh process."""
    with Peer("touchline") as peer, tempfile.TemporaryDirectory(dir=folder()) as into:
        seconds = peer.prepare("read_csv", {"csv": str(csv), "folder": into, "stages": STAGES, "goal": [GOAL]})
        return seconds, peer.peak_mib()


def import_as_the_page_does(csv: Path, rows: int) -> tuple[float, float, float]:
    """Seconds of a whole import, the peak of the process that did it, and how far this one grew meanwhile."""
    with tempfile.TemporaryDirectory(dir=folder()) as home:
        workspace = Workspace(Path(home))
        dataset = workspace.create("reading")
        plan = importing.Plan((importing.ImportFile(csv, csv.name),), stages=STAGES, goal=(GOAL,))
        forget_peak()
        before = status_mib(os.getpid(), "VmRSS")
        with watching(home) as peaks:
            start = time.perf_counter()
            ended = importing.wait(workspace, importing.start(workspace, dataset, plan), 3_600)
            seconds = time.perf_counter() - start
        kept = workspace.current(dataset).manifest["rows"].get("touchpoints") if ended.state == "done" else None
        if kept != rows:
            raise RuntimeError(f"{kept} of {rows:,} rows were imported: {ended.state}, {ended.error}")
        return seconds, max(peaks), status_mib(os.getpid(), "VmHWM") - before


@contextmanager
def watching(home: str) -> Iterator[list[float]]:
    """Looks four times a second how much the importing process of a workspace has held at most."""
    peaks, done = [0.0], threading.Event()

    def look() -> None:
        while not done.wait(0.25):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    command = (process / "cmdline").read_bytes()
                    if b"cx_metrics.importing" in command and home.encode() in command:
                        peaks.append(status_mib(int(process.name), "VmHWM"))
                except OSError:  # it has ended
                    continue

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield peaks
    finally:
        done.set()
        thread.join()


def forget_peak() -> None:
    """From now on VmHWM of this process counts anew."""
    Path("/proc/self/clear_refs").write_text("5")


def status_mib(process: int, name: str) -> float:
    """One figure of a process, in MiB."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(name + ":")), 0.0)


def preview_seconds(csv: Path) -> float:
    """Seconds of `python -m cx_metrics preview` for a file of a gigabyte that begins as this one."""
    path = folder() / "gigabyte.csv"
    with csv.open("rb") as source, path.open("wb") as file:
        file.write(source.read(PREVIEW_BYTES))
        file.truncate(GIGABYTE)
    try:
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "cx_metrics", "preview", str(path)], check=True, stdout=subprocess.DEVNULL
        )
        return time.perf_counter() - start
    finally:
        path.unlink()


def main() -> None:
    """Measure in turns; state the goals."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", default="1M")
    asked.add_argument("--rounds", type=int, default=ROUNDS)
    given = asked.parse_args()
    rows = number_of(given.rows)
    report = Report("reading", rows, "How long does a CSV take into the store, and how much memory?")
    csv = events(rows).csv
    bare, ours, previews = [], [], []
    for _round in range(given.rounds):
        bare.append(bare_copy(csv))
        ours.append(read(csv))
        previews.append(preview_seconds(csv))
    whole, peak, growth = import_as_the_page_does(csv, rows)
    seconds, copied = (statistics.median(took for took, _peak in both) for both in (ours, bare))
    ratio = statistics.median(o / b for (o, _op), (b, _bp) in zip(ours, bare, strict=True))
    report.table("From the file into the store", ["", "median s", "fastest", "slowest", "M rows/s", "peak MiB"], [
        [name, statistics.median(took), min(took), max(took), rows / statistics.median(took) / 1e6, max(peaks)]
        for name, both in (("bare copy to Parquet", bare), ("reading", ours))
        for took, peaks in [zip(*both, strict=True)]
    ])  # fmt: skip
    report.table("The whole import, once", ["import s", "of it preparing", "preparing / copy", "peak MiB", "server grew MiB"], [
        [whole, whole - seconds, (whole - seconds) / copied, peak, growth]
    ])  # fmt: skip
    report.goal("reading against a bare copy, side by side", ratio, WANTED_TIMES)
    report.goal("peak of an import in MiB", peak, WANTED_PEAK_MIB)
    report.goal("growth of the process that started it, in MiB", growth, WANTED_GROWTH_MIB)
    report.goal("preview of a gigabyte, seconds from start to end", statistics.median(previews), WANTED_PREVIEW)
    report.write()


if __name__ == "__main__":
    main()
