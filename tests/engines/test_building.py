"""The connection that builds a version: it writes its file and what it spills, and nothing makes it do more."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import cx_metrics as cx
from cx_metrics import importing
from cx_metrics.engines import build, duckdb_build, open_store
from cx_metrics.engines.incoming import Incoming
from cx_metrics.errors import TooLittleMemory, WorkspaceProblem
from cx_metrics.tables import TOUCHPOINTS
from cx_metrics.view import Facts
from cx_metrics.workspace import Workspace

ROWS = 400_000


def many() -> Incoming:
    """Touchpoints that do not fit into 100 MB when they are sorted: each customer has twenty, far apart in the file."""

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, ROWS, 50_000):
            rows = np.arange(start, start + 50_000)
            held = {
                "customer_id": pa.array([f"customer {i % (ROWS // 20):09} of a shop with long names" for i in rows]),
                "occurred_at": pa.array(rows * 7_000_000, pa.timestamp("us")),
                "sequence": pa.array(rows),
                "touchpoint": pa.array([f"touchpoint {i % 11}" for i in rows]),
                "raw_touchpoint": pa.array([f"row {i} as it was written in the file" for i in rows]),
            }
            nulls = {f.name: pa.nulls(len(rows), f.type) for f in TOUCHPOINTS.schema if f.name not in held}
            columns = held | nulls
            arrays = [columns[f.name].cast(f.type) for f in TOUCHPOINTS.schema]
            yield pa.record_batch(arrays, schema=TOUCHPOINTS.schema)

    return Incoming(TOUCHPOINTS.schema, batches())


def built(folder: Path) -> Path:
    path = folder / "version.duckdb"
    (folder / "spill").mkdir()
    build(path, {"touchpoints": many()}, Facts(), lambda *_: None, folder / "spill", memory="100MB")
    return path


def test_what_does_not_fit_into_memory_is_built_on_the_disk(tmp_path: Path) -> None:
    store = open_store(built(tmp_path), Facts())
    found = cx.people(store)
    assert (found["customers"], found["touchpoints"]) == (ROWS // 20, ROWS)


def test_an_import_that_the_disk_has_no_room_for_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duckdb_build, "spill_room", lambda _spill: 2_000_000)
    with pytest.raises(WorkspaceProblem, match="100MB of memory and 2 MB of the disk"):
        built(tmp_path)


def test_an_import_that_needs_more_memory_after_all_is_begun_again_with_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first amount is too little for anything; what it was building is gone, and the second one does all."""
    asked = []

    def amounts(records: int) -> tuple[str, ...]:
        asked.append(records)
        return ("1MB", "300MB")

    monkeypatch.setattr(importing, "memory_for", amounts)
    path = tmp_path / "log.csv"
    lines = [f"c{n % 500},2026-01-{n % 28 + 1:02} 10:00:00,{('visit', 'buy')[n % 2]}" for n in range(5_000)]
    path.write_text("\n".join(["customer_id,occurred_at,touchpoint", *lines]))
    workspace = Workspace(tmp_path / "workspace")
    dataset = workspace.create("log")
    version = importing.import_version(workspace, dataset, importing.Plan((importing.ImportFile(path, path.name),)))
    assert asked == [5_001]
    assert version.number == 1
    (report,) = version.manifest["reports"]
    assert (report["rows"], report["loaded"]) == (5_000, 5_000)
    monkeypatch.setattr(importing, "memory_for", lambda _records: ("1MB",))
    with pytest.raises(TooLittleMemory, match="1MB of memory"):
        importing.import_version(workspace, dataset, importing.Plan((importing.ImportFile(path, path.name),)))


def test_an_import_takes_half_of_the_free_disk_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: type("Usage", (), {"free": 5_000_000}))
    assert duckdb_build.spill_room(tmp_path) == 2_500_000
    connection = duckdb_build._open(tmp_path / "v.duckdb", tmp_path, 5 * 2**20, "1GB")
    (room,) = connection.cursor().execute("select current_setting('max_temp_directory_size')").fetchone() or ("",)
    assert room == "5.0 MiB"


@pytest.mark.parametrize("statement", [
    "set threads = 64", "set memory_limit = '64GB'", "set max_temp_directory_size = '1TB'", "set temp_directory = '{d}/x'",
    "set enable_external_access = true", "set lock_configuration = false", "reset lock_configuration", "load httpfs",
    "install httpfs", "select * from read_text('{d}/secret')", "select * from '{d}/secret.csv'", "attach '{d}/other.duckdb'",
    "copy (select 1) to '{d}/written.csv'", "export database '{d}/all'", "set extension_directory = '{d}'",
])  # fmt: skip
def test_what_builds_reads_and_writes_no_other_file(tmp_path: Path, statement: str) -> None:
    (tmp_path / "secret").write_text("a", "utf-8")
    (tmp_path / "spill").mkdir()
    before = {path.name for path in tmp_path.rglob("*")}
    connection = duckdb_build._open(tmp_path / "v.duckdb", tmp_path / "spill", 2**30, "1GB")
    with pytest.raises(duckdb.Error):
        connection.cursor().execute(statement.format(d=tmp_path)).fetchall()
    connection.cursor().execute("create table touchpoints as select 1 as a")
    assert {path.name for path in tmp_path.rglob("*")} - before <= {"v.duckdb", "v.duckdb.wal"}
    connection.close()
