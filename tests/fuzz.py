"""Damaged files by the thousand, through the reader: nothing crashes, nothing is lost in silence, nothing grows without end.

    python -m tests.fuzz [--files N] [--fresh N] [--seed N]       (`make fuzz`)

Every file of the test data (TOUCHLINE_TEST_DATA) and of the sample is cut, flipped, shuffled and joined with another, seeded. Each
result is opened, recognised and read to its end, as an import would: in one worker that goes on to the next, and some in a worker
of their own. Found are: a crash, rows that are neither loaded nor reported, more than 300 MB over the start, more than 30 s.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MB = 1024**2
LARGEST = 2 * MB  # of a file before it is damaged: what matters are kinds, not sizes
SECONDS = 30
GROWTH_MB = 300
FILES = 10_000
FRESH = 200


def sources() -> list[Path]:
    """The files that are damaged: all of the test data, and the sample."""
    given = os.environ.get("TOUCHLINE_TEST_DATA")
    roots = [ROOT / "sample_data", *([Path(given)] if given else [])]
    found = [
        path
        for root in roots
        for path in root.rglob("*")
        if path.is_file() and path.suffix not in (".md", ".py", ".xz")
    ]
    return sorted(path for path in found if path.stat().st_size)


def damaged(content: bytes, other: bytes, seed: int) -> bytes:
    """The content with something wrong with it; the same for the same seed."""
    chance = random.Random(seed)
    made = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 4])):
        if not made:
            break
        how, at = chance.randrange(9), chance.randrange(len(made))
        end = min(at + chance.choice([1, 10, 1_000, 100_000]), len(made))
        if how == 0:
            for place in (chance.randrange(len(made)) for _ in range(chance.choice([1, 5, 100]))):
                made[place] ^= 1 << chance.randrange(8)
        elif how == 1:
            del made[at:]
        elif how == 2:
            del made[at:end]
        elif how == 3:
            made[at:at] = made[at:end]
        elif how == 4:
            made[at:end] = bytes(chance.randrange(256) for _ in range(min(end - at, 2_000)))
        elif how == 5:
            lines = made.splitlines(keepends=True)
            chance.shuffle(lines)
            made = bytearray(b"".join(lines))
        elif how == 6:
            cut = chance.randrange(len(other)) if other else 0
            made += other[cut : cut + 200_000]
        elif how == 7:
            made[at:at] = chance.choice(
                [b'"', b"\0", b"\n\n\n", b"\x1f", b"\xff\xfe", b";" * 600, b"\r", b"'", b"\\", b"{", b"<"]
            )
        else:
            sign, instead = chance.sample([b",", b";", b"\t", b"|", b'"', b"\n", b"\r\n", b" "], 2)
            made = bytearray(bytes(made).replace(sign, instead))
    return bytes(made)


def cases(files: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """So many damaged files, each with a name that says how to make it again."""
    known = sources()
    contents: dict[Path, bytes] = {}

    def content(path: Path) -> bytes:
        if path not in contents:
            with path.open("rb") as file:
                contents[path] = file.read(LARGEST)
        return contents[path]

    for n in range(seed, seed + files):
        chance = random.Random(n)
        path, other = chance.choice(known), chance.choice(known)
        whole = content(path)
        if path.suffix == ".gz" and chance.random() < 0.8:  # a damaged archive says little about what reads it
            try:
                made = damaged(gzip.decompress(path.read_bytes())[:LARGEST], content(other), n)
            except (OSError, EOFError):
                made = damaged(whole, content(other), n)
            yield (
                f"{n}-{path.name.removesuffix('.gz')}",
                gzip.compress(made, 1, mtime=0) if chance.random() < 0.3 else made,
            )
        else:
            yield f"{n}-{path.name}", damaged(whole, content(other), n)


def read_all(path: Path, name: str, folder: Path) -> dict[str, Any]:
    """Read a file as an import would. Says what became of its rows, or in which words it was refused.

    Raises AssertionError where rows are lost."""
    from cx_metrics import reading
    from cx_metrics.errors import TouchlineError
    from tests.reading.conftest import READERS

    said: dict[str, Any] = {"tables": 0, "loaded": 0, "aside": 0, "refused": 0}
    try:
        tables = reading.open_upload(path, name, folder)
    except TouchlineError as problem:
        assert str(problem).strip()
        return said | {"refused": 1}
    for table in tables:
        try:
            mapping = reading.default_mapping(table.raw, reading.recognise(table.raw))
            typed = READERS[mapping.table](table.raw, mapping)
            rows = sum(batch.num_rows for batch in typed.batches)
        except TouchlineError as problem:
            assert str(problem).strip()
            said["refused"] += 1
            continue
        report = typed.report
        assert report.rows == report.loaded + report.set_aside, (report.rows, report.loaded, report.set_aside)
        assert rows == report.loaded, (rows, report.loaded)
        assert report.set_aside == sum(reason.count for reason in report.reasons)
        said["tables"] += 1
        said["loaded"] += report.loaded
        said["aside"] += report.set_aside
    return said


def worker() -> int:
    """Read the files named on the input, one a line, and say what became of each."""
    import cx_metrics.reading  # noqa: F401  what is loaded is no growth
    from cx_metrics.limits import peak_memory

    begun = peak_memory()
    for line in sys.stdin:
        asked = json.loads(line)
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                said = read_all(Path(asked["path"]), asked["name"], Path(folder))
            except BaseException as fault:  # a crash is what is looked for
                said = {"fault": f"{type(fault).__name__}: {fault}"[:500]}
        print(
            json.dumps(said | {"seconds": time.monotonic() - start, "grown": (peak_memory() - begun) // MB}), flush=True
        )
    return 0


class Reader:
    """A worker, and what it says of each file."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz", "--worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
        )

    def read(self, path: Path, name: str) -> dict[str, Any]:
        """What the worker says; a fault if it is gone, was too slow or grew too much."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"path": str(path), "name": name}) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            return {"fault": f"the worker ended with status {self._process.wait()}"}
        said: dict[str, Any] = json.loads(answer)
        if said["seconds"] > SECONDS:
            said.setdefault("fault", f"it took {said['seconds']:.0f} s")
        if said["grown"] > GROWTH_MB:
            said.setdefault("fault", f"the worker grew by {said['grown']} MB")
        return said

    def close(self) -> None:
        """End the worker."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def run(files: int, fresh: int, seed: int, say: bool = False) -> tuple[Counter[str], list[str], float, int]:
    """Read so many damaged files in one worker, and so many in workers of their own. Returns what became of them, the faults, the
    longest time and the most memory of the one worker."""
    counts: Counter[str] = Counter()
    faults: list[str] = []
    longest, grown = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        reader = Reader()
        for number, (name, content) in enumerate(cases(files + fresh, seed)):
            path.write_bytes(content)
            alone = number >= files
            if alone:
                reader.close()
                reader = Reader()
            said = reader.read(path, name)
            counts.update(
                {key: value for key, value in said.items() if key in ("tables", "loaded", "aside", "refused")}
            )
            counts["files"] += 1
            if "fault" in said:
                faults.append(f"{name}: {said['fault']}")
                reader.close()
                reader = Reader()
            longest, grown = max(longest, said.get("seconds", 0.0)), max(grown, said.get("grown", 0))
            if say and (number + 1) % 500 == 0:
                print(f"{number + 1} files, {len(faults)} faults", flush=True)
        reader.close()
    return counts, faults, longest, grown


def main(arguments: Sequence[str]) -> int:
    """Run and say what was found."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--files", type=int, default=FILES)
    asked.add_argument("--fresh", type=int, default=FRESH)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = asked.parse_args(arguments)
    if given.worker:
        return worker()
    counts, faults, longest, grown = run(given.files, given.fresh, given.seed, say=True)
    print(f"{counts['files']} files: {counts['tables']} tables read, {counts['refused']} refused in words;\n"
          f"{counts['loaded']} rows loaded, {counts['aside']} set aside; at most {longest:.1f} s and {grown} MB more.")  # fmt: skip
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
