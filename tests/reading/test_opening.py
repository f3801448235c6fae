"""Any upload becomes plain tables: what is one stays as it is, all else is written once, with the numbers of its rows."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pytest

from cx_metrics import importing
from cx_metrics.errors import FileProblem
from cx_metrics.plans import ImportFile, Plan
from cx_metrics.reading import (
    PlainTable,
    default_mapping,
    open_raw,
    open_upload,
    read_batches,
    read_touchpoints,
    recognise,
)
from tests.reading import books

LOG = 'customer_id,occurred_at,touchpoint\nc1,2026-01-05 09:00:00,visit\nc2,2026-01-05 10:00:00,"buy, now"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "tables"
    made.mkdir()
    return made


def cells(table: PlainTable) -> list[tuple[int, tuple[str, ...]]]:
    """The rows of a table with their numbers."""
    found = []
    for batch, rows, _problems in read_batches(table.raw):
        found += list(zip(rows.tolist(), zip(*(c.to_pylist() for c in batch.columns), strict=True), strict=True))
    return found


def test_a_plain_table_is_read_where_it_lies(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "upload"
    path.write_text(LOG, encoding="utf-8")
    (table,) = open_upload(path, "log.csv", folder)
    assert (table.raw.path, table.made, table.told, table.part) == (path, False, (), "")
    assert table.raw == open_raw(path, "log.csv") and list(folder.iterdir()) == []
    assert PlainTable.from_dict(table.to_dict()) == table


def test_a_plain_table_in_an_archive_is_moved_not_written_again(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "upload"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/log.csv", LOG)
        archive.writestr("notes.txt", "customer;score\n1;9\n")
    first, second = open_upload(path, "export.zip", folder)
    assert first.made and first.raw.path.parent == folder and first.raw.path.read_text(encoding="utf-8") == LOG
    assert (first.raw.name, second.raw.name) == ("export.zip · a/log.csv", "export.zip · notes.txt")
    assert second.raw.delimiter == ";" and [row for row, _cells in cells(first)] == [2, 3]


def test_each_sheet_is_a_table_and_rows_have_the_numbers_of_the_sheet(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "upload"
    books.xlsx(
        path,
        {
            "Log": books.Sheet(
                books.rows(("customer_id", "occurred_at", "touchpoint"), ("c1", "2026-01-05", "visit"), first=4)
            ),
            "Spend": books.Sheet(books.rows(("period_start", "channel", "cost"), ("2026-01-01", "ads", 12.5))),
        },
    )
    log, spend = open_upload(path, "book.xlsx", folder)
    assert (log.part, spend.part) == ("Log", "Spend") and log.made and spend.made
    assert cells(log) == [(5, ("c1", "2026-01-05", "visit"))] and cells(spend) == [(2, ("2026-01-01", "ads", "12.5"))]
    assert recognise(log.raw).table == "touchpoints" and recognise(spend.raw).table == "spend"
    asked = [
        ImportFile(t.raw.path, t.raw.name, default_mapping(t.raw, recognise(t.raw)), told=t.told) for t in (log, spend)
    ]
    _store, reports = importing.load(Plan(tuple(asked)))
    assert {r.table: (r.rows, r.loaded) for r in reports} == {"touchpoints": (1, 1), "spend": (1, 1)}
    assert any("row 4" in str(note) for note in reports[0].notes)  # what had to be understood is kept with the dataset


def test_a_record_that_is_none_is_reported_with_its_reason(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "upload"
    good = [f'{{"customer_id": "c{n}", "occurred_at": "2026-01-05 09:00:00", "touchpoint": "visit"}}' for n in range(9)]
    path.write_text("\n".join([*good[:4], '{"customer_id": "c4", ', *good[5:]]) + "\n", encoding="utf-8")
    (table,) = open_upload(path, "events.jsonl", folder)
    typed = read_touchpoints(table.raw, default_mapping(table.raw, recognise(table.raw)))
    assert typed.to_table().num_rows == 8
    assert (typed.report.rows, typed.report.set_aside) == (9, 1)
    (reason,) = typed.report.reasons
    assert str(reason.reason) == "The line is no JSON object." and reason.rows[0].row == 6
    assert reason.rows[0].found.startswith("{'customer_id': 'c4'")


def test_the_encoding_and_the_delimiter_can_be_said(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes("клиент;оценка\n1;9\n".encode("koi8-r"))
    (table,) = open_upload(path, "answers.csv", folder, "cp1251", ";")
    assert table.raw.encoding == "cp1251" and table.raw.header[0] != "клиент"
    (table,) = open_upload(path, "answers.csv", folder, "koi8-r")
    assert table.raw.header == ("клиент", "оценка")


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04" + b"\0" * 40, gzip.compress(b"PAR1" + b"x" * 100), b"\x1f\x8b\x08\0broken"]
)
def test_a_file_that_is_not_whole_is_refused_in_words(content: bytes, tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)
    with pytest.raises(FileProblem, match=r"export\.bin"):
        open_upload(path, "export.bin", folder)


def test_an_archive_of_nothing_that_is_a_table_says_so(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "upload"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("picture.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 50)
    with pytest.raises(FileProblem, match=r"export\.zip"):
        open_upload(path, "export.zip", folder)


def test_signs_that_look_like_digits_and_are_no_numbers_are_text(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "signs.csv"
    path.write_bytes("1,2,³\n3,4,5\n".encode())
    (table,) = open_upload(path, path.name, folder)
    assert [row for _number, row in cells(table)][-1] == ("3", "4", "5")
