"""Whatever is uploaded: it ends as a dataset in which every row is accounted for, or in words that name the file and its fault;
and the process that serves pages takes no harm."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cx_metrics import importing, looking, reading
from cx_metrics.errors import FileProblem, MappingProblem, TouchlineError
from cx_metrics.importing import ImportFile, Plan
from cx_metrics.reading import Report, touchpoints
from cx_metrics.workspace import Workspace
from tests.conftest import seldom

from .hostile import HEADER, LARGE, MB, SMALL, Write, mutated, numbered
from .reading.conftest import READERS

ROOT = Path(__file__).parents[1]
SECONDS = 30  # for each file, with the start of a process
GROWTH = 300 * MB
NAME = "hostile.csv"
SOURCES = ("changes.csv", "customers.csv", "spend.csv", "surveys.csv", "touchpoints.csv.gz")


def accounted(reports: list[Report]) -> None:
    for report in reports:
        assert report.rows == report.loaded + report.set_aside
        assert report.set_aside == sum(reason.count for reason in report.reasons)


def names_its_fault(problem: TouchlineError, says: str) -> None:
    assert isinstance(problem, (FileProblem, MappingProblem))
    assert NAME in str(problem) and says in str(problem)


@pytest.mark.parametrize("kind", SMALL)
def test_a_hostile_file_is_refused_in_words_or_accounted_for(kind: str, tmp_path: Path) -> None:
    write, says = SMALL[kind]
    path = tmp_path / "file"
    write(path)
    begun = time.monotonic()
    try:
        (tmp_path / "tables").mkdir()
        table = looking.open_upload(path, NAME, tmp_path / "tables")[0]
        seen = looking.recognise(table.raw)
    except TouchlineError as problem:
        names_its_fault(problem, says)
        assert says
        return
    if seen.problem is not None:
        names_its_fault(seen.problem, says)
        assert says
        return
    assert not says, "it should have been refused"
    store, reports = importing.load(Plan((ImportFile(table.raw.path, NAME, seen.mapping),)))
    accounted(reports)
    assert reports[0].rows > 0
    assert store.fetch(store.tables["touchpoints"].count().as_table()).iloc[0, 0] <= reports[0].loaded
    assert time.monotonic() - begun < SECONDS


SERVER = """
import json, sys
from pathlib import Path
from cx_metrics import limits, looking
from cx_metrics.errors import TouchlineError

before = limits.peak_memory()
for path in sys.argv[1:]:
    try:
        looking.recognise(looking.look(Path(path), "hostile.csv"))
    except TouchlineError:
        pass
print(json.dumps(limits.peak_memory() - before))
"""


def growth(paths: list[Path]) -> int:
    """By how much a process grows that asks about these files."""
    run = subprocess.run(
        [sys.executable, "-c", SERVER, *map(str, paths)], cwd=ROOT, capture_output=True, text=True, timeout=280
    )
    assert run.returncode == 0, run.stderr
    return int(run.stdout)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads its memory from /proc")
def test_the_process_that_asks_does_not_grow(tmp_path: Path) -> None:
    paths = []
    for kind in ("one line", "8 million columns", "100,000 columns", "old line ends", "500 long names", "json, deep"):
        paths.append(tmp_path / str(len(paths)))
        SMALL[kind][0](paths[-1])
    assert growth(paths) < GROWTH


@pytest.mark.long
@pytest.mark.parametrize("kind", LARGE)
def test_a_large_hostile_file_is_refused_in_words_or_accounted_for(kind: str, tmp_path: Path) -> None:
    write, says = LARGE[kind]
    path = tmp_path / "file"
    write(path)
    assert growth([path]) < GROWTH
    begun = time.monotonic()
    try:
        seen = looking.recognise(looking.look(path, NAME))
    except TouchlineError as problem:
        names_its_fault(problem, says)
        assert says
        return
    finally:
        assert time.monotonic() - begun < SECONDS
    if seen.problem is not None:
        names_its_fault(seen.problem, says)
        assert says
        return
    workspace = Workspace(tmp_path / "workspace")
    dataset = workspace.create("hostile")
    job = importing.start(workspace, dataset, Plan((ImportFile(path, NAME, seen.mapping),)))
    ended = importing.wait(workspace, job, 250)
    if ended.error is not None:
        assert NAME in str(ended.error)
    else:
        assert ended.state == "done"
        accounted([Report.from_dict(kept) for kept in workspace.latest(dataset).manifest["reports"]])


def start_of(name: str) -> bytes:
    """The first rows of a sample file."""
    path = ROOT / "sample_data" / name
    content = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    return b"".join(content.splitlines(keepends=True)[:60])


def records_by_hand(content: bytes, delimiter: str) -> int:
    """How many rows stand in a text without quotation marks: lines that are not blank, less the header."""
    text = content.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = [line for line in re.split("\r\n|\r|\n", text) if line.strip() or delimiter in line]
    return len(lines) - 1


def read_to_the_end(path: Path) -> tuple[reading.RawFile, Report, int]:
    """The file as it is recognised: how it is written, what became of its rows, and how many came out."""
    raw = reading.open_raw(path, NAME)
    mapping = reading.default_mapping(raw, reading.recognise(raw))
    typed = READERS[mapping.table](raw, mapping)
    rows = sum(batch.num_rows for batch in typed.batches)
    return raw, typed.report, rows


@pytest.mark.parametrize("name", [*SOURCES[:2], *seldom(*SOURCES[2:])])
def test_damaged_copies_of_a_file_are_refused_in_words_or_accounted_for(name: str, tmp_path: Path) -> None:
    content = start_of(name)
    path = tmp_path / "file"
    loaded = refused = counted = 0
    for seed in range(200):
        damaged = mutated(content, seed)
        path.write_bytes(gzip.compress(damaged, 1) if seed % 10 == 0 else damaged)
        try:
            raw, report, rows = read_to_the_end(path)
        except TouchlineError as problem:
            names_its_fault(problem, "")
            refused += 1
            continue
        accounted([report])
        assert rows == report.loaded, seed
        if b'"' not in damaged and not damaged.startswith((b"\xff\xfe", b"\xfe\xff")):
            assert report.rows == records_by_hand(damaged, raw.delimiter), seed
            counted += 1
        loaded += 1
    assert loaded > 30 and refused > 0 and (counted > 20 or b'"' in content)  # both ends were seen


@pytest.mark.long
@pytest.mark.parametrize("name", SOURCES)
def test_damaged_copies_of_a_whole_file_become_datasets(name: str, tmp_path: Path) -> None:
    path = ROOT / "sample_data" / name
    content = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    for seed in range(20):
        (tmp_path / "file").write_bytes(mutated(content, seed))
        try:
            store, reports = importing.load(Plan((ImportFile(tmp_path / "file", NAME),)))
        except TouchlineError as problem:
            names_its_fault(problem, "")
            continue
        accounted(reports)
        store.close()


def test_an_id_taken_for_a_touchpoint_is_said_while_importing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    numbered(1_001, "c{c},2026-01-05 09:00:00,order {i}\n")(path)
    plan = Plan((ImportFile(path, NAME),))
    monkeypatch.setattr(touchpoints, "MOST_NAMES", 1_000)
    with pytest.raises(MappingProblem, match=r'hostile\.csv: "touchpoint" holds more than 1,000 different touchpoints'):
        importing.load(plan)
    monkeypatch.setattr(touchpoints, "MOST_NAMES", 1_001)
    accounted(importing.load(plan)[1])


@pytest.mark.parametrize("write", [numbered(3, "c{i},2026-01-05,visit\n"), numbered(40, "c{i},2026-01-05,visit\r\n")])
def test_lines_are_counted_alike_for_every_line_end(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path)
    content = path.read_bytes().replace(b"\r\n", b"\n")
    for end in (b"\n", b"\r", b"\r\n"):
        path.write_bytes(content.replace(b"\n", end))
        raw = reading.open_raw(path, NAME)
        assert raw.lines == content.count(b"\n") + 1
        assert len(raw.header) == HEADER.count(b",") + 1
