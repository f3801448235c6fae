"""All rows that an import set aside: listed as they stand in their files, kept with the version, offered, and erased."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_metrics import erasing, importing
from cx_metrics.errors import DamagedVersion
from cx_metrics.exports.tables import safe_lines
from cx_metrics.importing import ImportFile, Plan
from cx_metrics.reading import (
    Every,
    FileMapping,
    default_mapping,
    open_raw,
    open_upload,
    read_batches,
    read_customers,
    read_touchpoints,
    recognise,
)
from cx_metrics.reading.set_aside import raw_records
from cx_metrics.workspace import Version, Workspace, limits, packing
from cx_metrics.workspace import aside as aside_file
from tests.reading.books import Sheet, rows, xlsx

CANARY = "canary-7f3a9c51@example.com"
LOG = (
    "customer_id,occurred_at,touchpoint,note\n"
    "u1,2026-01-05 09:00:00,Website,fine\n"
    f'{CANARY},never,Website,"=cmd, with a comma"\n'
    "\n"
    'u2,2026-01-05 09:00:00,"Website\nin two lines",fine\n'
    ",2026-01-05 09:00:00,Website,nobody\n"
    f"u3,2026-01-05 09:00:00,Website,fine,one too many {CANARY}\n"
    'u4,2026-01-05 09:00:00,"Web"site,fine\n'
    "u5,2026-01-05 09:00:00,,\n"
)
LISTED = [
    ("3", "occurred_at", f'{CANARY},never,Website,"=cmd, with a comma"'),
    ("6", "customer_id", ",2026-01-05 09:00:00,Website,nobody"),
    ("7", "", f"u3,2026-01-05 09:00:00,Website,fine,one too many {CANARY}"),
    ("8", "", 'u4,2026-01-05 09:00:00,"Web"site,fine'),
    ("9", "touchpoint", "u5,2026-01-05 09:00:00,,"),
]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


def imported(workspace: Workspace, folder: Path, text: str = LOG) -> Version:
    path = folder / "log.csv"
    path.write_text(text, encoding="utf-8")
    return importing.import_version(workspace, workspace.create("shop"), Plan((ImportFile(path, path.name),)))


def listed(workspace: Workspace, version: Version) -> list[tuple[str, str, str]]:
    return [(line.row, line.column, line.record) for line in workspace.set_aside(version)]


def test_every_row_set_aside_is_listed_as_it_stands_in_the_file(workspace: Workspace, tmp_path: Path) -> None:
    version = imported(workspace, tmp_path)
    assert listed(workspace, version) == LISTED
    lines = list(workspace.set_aside(version))
    assert {line.file for line in lines} == {"log.csv"}
    assert lines[1].reason == "The customer is missing."
    (report,) = version.manifest["reports"]
    assert report["set_aside"] == len(LISTED) == version.manifest["aside"]["rows"] == version.manifest["aside"]["of"]
    assert version.size > version.path.stat().st_size
    workspace.verify(version)


def test_more_rows_of_a_reason_than_a_report_lists(workspace: Workspace, tmp_path: Path) -> None:
    rows = "".join(f"u{n},{'never' if n % 2 else '2026-01-05'},Website\n" for n in range(5_000))
    version = imported(workspace, tmp_path, "customer_id,occurred_at,touchpoint\n" + rows)
    assert listed(workspace, version) == [
        (str(n + 2), "occurred_at", f"u{n},never,Website") for n in range(1, 5_000, 2)
    ]


def test_without_rows_set_aside_there_is_no_file(workspace: Workspace, tmp_path: Path) -> None:
    version = imported(workspace, tmp_path, "customer_id,occurred_at,touchpoint\nu1,2026-01-05,Website\n")
    assert version.aside is None and listed(workspace, version) == []
    assert sorted(path.name for path in version.path.parent.iterdir()) == ["manifest.json", "store.duckdb"]


def test_a_list_beyond_the_quota_is_cut_and_says_so(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "spare", lambda _folder, _held: 500)
    version = imported(workspace, tmp_path)
    assert (version.manifest["aside"]["rows"], version.manifest["aside"]["of"]) == (2, len(LISTED))
    assert listed(workspace, version) == LISTED[:2]


def test_a_damaged_list_is_named(workspace: Workspace, tmp_path: Path) -> None:
    version = imported(workspace, tmp_path)
    assert version.aside is not None
    version.aside.chmod(0o644)
    version.aside.write_bytes(version.aside.read_bytes()[:-1])
    for ask in (workspace.verify, workspace.set_aside):
        with pytest.raises(DamagedVersion):
            ask(version)


def test_rows_of_an_erased_customer_leave_the_list(workspace: Workspace, tmp_path: Path) -> None:
    version = imported(workspace, tmp_path)
    receipt = erasing.erase(workspace, version.dataset, CANARY)
    after = workspace.current(version.dataset)
    workspace.verify(after)
    assert receipt["set_aside"] == 2 and receipt["files_with_the_id"] == 0
    assert listed(workspace, after) == [row for row in LISTED if CANARY not in row[2]]
    assert (after.manifest["aside"]["rows"], after.manifest["aside"]["of"]) == (3, 3)
    assert not version.path.exists()
    again = erasing.erase(workspace, version.dataset, "u5")  # whose only row was set aside
    assert again["set_aside"] == 1 and [
        row for row, _c, _r in listed(workspace, workspace.current(version.dataset))
    ] == ["6", "8"]
    other = erasing.erase(workspace, version.dataset, "u")  # part of other ids
    assert other["set_aside"] == 0


def test_a_list_travels_with_its_dataset(workspace: Workspace, tmp_path: Path) -> None:
    version = imported(workspace, tmp_path)
    packing.pack(workspace, version.dataset, tmp_path / "shop.tar")
    restored = workspace.current(packing.unpack(workspace, tmp_path / "shop.tar"))
    workspace.verify(restored)
    assert listed(workspace, restored) == LISTED and restored.size == version.size


def test_a_lost_catalog_finds_the_list_again(workspace: Workspace, tmp_path: Path) -> None:
    version = imported(workspace, tmp_path)
    workspace.close()
    for path in (tmp_path / "workspace").glob("catalog.sqlite*"):
        path.unlink()
    found = Workspace(tmp_path / "workspace")
    again = found.current(version.dataset)
    found.verify(again)
    assert listed(found, again) == LISTED and again.size == version.size
    assert found.sweep() == 0


def test_no_cell_of_the_download_is_a_formula(workspace: Workspace, tmp_path: Path) -> None:
    text = "customer_id,occurred_at,touchpoint\n=1+1,never,Website\n-x,never,@y\nu1,2026-01-05,Website\n"
    version = imported(workspace, tmp_path, text)
    content = safe_lines(aside_file.HEADER, workspace.set_aside(version))
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert [row[-1] for row in rows] == ["record", "'=1+1,never,Website", "'-x,never,@y"]
    assert [row[1] for row in rows] == ["row", "2", "3"]


def test_rows_of_a_sheet_are_listed_with_their_numbers(tmp_path: Path) -> None:
    book = tmp_path / "book.xlsx"
    header = ("customer_id", "occurred_at", "touchpoint")
    cells = (("u1", "2026-01-05", "Website"), ("u2", "never", "Website"), ("", "2026-01-05", "Shop, big"))
    xlsx(book, {"Log": Sheet(rows(header, *cells))})
    (tmp_path / "made").mkdir()
    (plain,) = open_upload(book, book.name, tmp_path / "made")
    typed = read_touchpoints(plain.raw, default_mapping(plain.raw, recognise(plain.raw)))
    typed.report.every = every = Every()
    typed.to_table()
    assert [(found.row, found.column, found.record) for found in every.of(plain.raw)] == [
        (3, "occurred_at", "u2,never,Website"),
        (4, "customer_id", ',2026-01-05,"Shop, big"'),
    ]


def test_rows_that_were_asked_to_be_left_out_are_listed_too(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("id,state\na,test\nb,live\nc,test\n")
    raw = open_raw(path, "x.csv")
    typed = read_customers(raw, FileMapping("customers", {"customer_id": "id"}, leave_out={"state": ("test",)}))
    typed.report.every = every = Every()
    typed.to_table()
    assert [(found.row, found.record, str(found.reason)) for found in every.of(raw)] == [
        (2, "a,test", 'left out: "state" is "test"'),
        (4, "c,test", 'left out: "state" is "test"'),
    ]


CELLS = st.sampled_from(["a", "é", '"b,c"', '"d\ne"', '"f""g"', ' "h"', 'i"j', "", "\r"])


@given(st.lists(st.lists(CELLS, min_size=1, max_size=3).map(",".join), max_size=12), st.booleans())
def test_records_have_the_numbers_that_reading_gives_them(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], windows: bool
) -> None:
    end = "\r\n" if windows else "\n"
    path = tmp_path_factory.mktemp("any") / "file"
    path.write_bytes(("x,y" + end + end.join([*lines, "z,z", ""])).encode())
    raw = open_raw(path, "x.csv")
    numbers, cells, broken = [], [], []
    for batch, places, problems in read_batches(raw):
        numbers += places.tolist()
        cells += list(zip(*(column.to_pylist() for column in batch.columns), strict=True))
        broken += [problem.row for problem in problems]
    found = dict(raw_records(raw, np.array(sorted({*numbers, *broken}), np.int64)))
    assert set(found) == {*numbers, *broken}
    for number, row in zip(numbers, cells, strict=True):
        read = [r for r in csv.reader(io.StringIO(found[number], newline=""), delimiter=raw.delimiter) if r]
        assert [tuple(r) for r in read] == [row]
