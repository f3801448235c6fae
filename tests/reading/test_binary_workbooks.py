"""XLSB: the same rows as in an XLSX are the same table, whichever way their cells are written."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from pathlib import Path

import pytest

from cx_metrics.errors import FileProblem
from cx_metrics.reading import PlainTable, default_mapping, open_upload, read_batches, read_touchpoints, recognise
from cx_metrics.reading.xlsb import with_whole_cells

from .books import Cell, Sheet, rows, serial, xlsx

BOOKS = Path(__file__).parent / "books_in_binary"
TIMES = [
    dt.datetime(2026, 1, 5, 9, 30),
    dt.datetime(2026, 1, 5, 12),
    dt.datetime(2026, 1, 6, 18, 30, 10),
    None,
    dt.datetime(2026, 1, 7),
]
LOG = [
    ("u1", "Website", 12.5, True, "first visit"),
    ("007", "Cart", 1234567890123, False, "ids stay text"),
    ("کاربر", "خرید", 0.1, True, "Persian words"),
    ("u4", "Website", -3, True, "a time that is none"),
    (None, "Website", 7, False, "nobody"),
]


def opened(path: Path, folder: Path) -> list[PlainTable]:
    folder.mkdir()
    return open_upload(path, path.name, folder)


def cells(table: PlainTable) -> list[tuple[str, ...]]:
    return [row for b, _, _ in read_batches(table.raw) for row in zip(*(c.to_pylist() for c in b.columns), strict=True)]


def as_xlsx(path: Path) -> Path:
    """The same rows as an XLSX, written by the tests' own writer."""
    moments = [Cell(serial(t), style="moment") if t else "never" for t in TIMES]
    log = [(who, moment, *rest) for (who, *rest), moment in zip(LOG, moments, strict=True)]
    header = ("customer_id", "occurred_at", "touchpoint", "value", "paid", "note")
    return xlsx(
        path, {"Log": Sheet(rows(header, *log)), "Answers": Sheet(rows(("answer_id", "nps"), ("a1", 9), ("a2", 3)))}
    )


@pytest.mark.parametrize("name", ["whole_cells.xlsb", "short_cells.xlsb"])
def test_a_binary_workbook_reads_as_the_other_one(tmp_path: Path, name: str) -> None:
    binary = opened(BOOKS / name, tmp_path / "binary")
    plain = opened(as_xlsx(tmp_path / "log.xlsx"), tmp_path / "plain")
    assert [(t.part, t.raw.header, cells(t)) for t in binary] == [(t.part, t.raw.header, cells(t)) for t in plain]
    assert cells(binary[0])[1] == ("007", "2026-01-05 12:00:00", "Cart", "1234567890123", "false", "ids stay text")
    typed = read_touchpoints(binary[0].raw, default_mapping(binary[0].raw, recognise(binary[0].raw)))
    table = typed.to_table()
    assert table["occurred_at"].to_pylist() == TIMES[:3]
    assert table["value"].to_pylist() == [12.5, 1234567890123.0, 0.1]
    assert [(group.rows[0].row, group.rows[0].column) for group in typed.report.reasons] == [
        (6, "customer_id"),
        (5, "occurred_at"),
    ]


def test_whole_cells_are_left_as_they_are(tmp_path: Path) -> None:
    assert with_whole_cells(BOOKS / "whole_cells.xlsb") == BOOKS / "whole_cells.xlsb"
    made = with_whole_cells(BOOKS / "short_cells.xlsb")
    assert isinstance(made, io.BytesIO)
    with zipfile.ZipFile(made) as ours, zipfile.ZipFile(BOOKS / "whole_cells.xlsb") as theirs:
        assert {name: ours.read(name) for name in ours.namelist()} == {
            name: theirs.read(name) for name in theirs.namelist()
        }


@pytest.mark.parametrize("cut", [40, 200, 400])
def test_a_sheet_that_breaks_off_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.xlsb"
    with zipfile.ZipFile(BOOKS / "short_cells.xlsb") as whole, zipfile.ZipFile(path, "w") as broken:
        for name in whole.namelist():
            content = whole.read(name)
            broken.writestr(name, content[:cut] if name == "xl/worksheets/sheet1.bin" else content)
    with pytest.raises(FileProblem, match="damaged workbook"):
        opened(path, tmp_path / "made")
