"""Workbooks that are damaged, locked, or made to do harm: refused in words that name the file and its fault."""

from __future__ import annotations

import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cx_metrics.errors import FileProblem
from cx_metrics.reading.workbooks import MAX_PARTS, tables

from .books import Cell, Sheet, compound, ods, ods_cell, ods_row, ods_words, rows, xlsx
from .test_containers_workbooks import VALUES, only, read


def refusal(path: Path) -> str:
    with pytest.raises(FileProblem) as refused:
        for table in tables(path, "book.xlsx"):
            for _ in table.records:
                pass
    assert "book.xlsx" in str(refused.value)
    return str(refused.value)


def replaced(path: Path, part: str, content: bytes) -> Path:
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, inside in {**parts, part: content}.items():
            book.writestr(name, inside)
    return path


def sheet_of(body: bytes) -> bytes:
    return b"<worksheet><sheetData>" + body + b"</sheetData></worksheet>"


SHEET = "xl/worksheets/sheet1.xml"
LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'


def small(folder: Path) -> Path:
    return xlsx(folder / "book", {"S": Sheet(rows(["a", "b"], ["1", "2"]))})


@pytest.mark.parametrize(
    ("part", "content", "says"),
    [
        (SHEET, sheet_of(b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'), "column XFD of sheet S"),
        (SHEET, sheet_of(b"<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>"), "column XFD of sheet S"),
        (SHEET, LAUGHS + sheet_of(b'<row r="1"><c r="A1" t="str"><v>&b;</v></c></row>'), "DOCTYPE"),
        ("xl/sharedStrings.xml", LAUGHS + b"<sst><si><t>&b;</t></si></sst>", "DOCTYPE"),
        ("xl/workbook.xml", b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><workbook/>', "DOCTYPE"),
        (SHEET, b"<worksheet><sheetData><row r='1'><c", "XML breaks off"),
        (SHEET, sheet_of(b'<row r="1"><c r="A1" t="s"><v>99</v></c></row>'), "refers to a text"),
        (
            SHEET,
            sheet_of(b'<row r="2"><c r="A2"><v>1</v></c></row><row r="2"><c r="A2"><v>1</v></c></row>'),
            "out of their order near row 2",
        ),
        (SHEET, sheet_of(b'<row r="99999999"><c r="A2"><v>1</v></c></row>'), "out of their order"),
        (SHEET, sheet_of(b""), "no values in any"),
        (SHEET, sheet_of(b"<row>" + b" " * (33 * 1024**2)), "longer than 32 MB"),
        (SHEET, sheet_of(b'<row r="1"><c r="C1"><v>1</v></c><c r="A1"><v>2</v></c></row>'), "out of their order"),
        (SHEET, sheet_of(b'<c r="A1"><v>1</v></c><row r="1"></row>'), "out of their order"),
        (SHEET, sheet_of(b'<row r="1"><c r="A1" t="str"><f>1</f><v>2</v></row>'), "damaged"),
        ("xl/styles.xml", b"<a>" * 300 + b"</a>" * 300, "200 deep"),
    ],
)
def test_hostile_workbooks_are_refused_by_name(tmp_path: Path, part: str, content: bytes, says: str) -> None:
    path = xlsx(tmp_path / "book", {"S": Sheet(rows(["a"], [Cell("46027", style="date")]))})
    assert says in refusal(replaced(path, part, content))


def test_a_late_row_does_not_fill_memory(tmp_path: Path) -> None:
    table = only(xlsx(tmp_path / "b", {"S": Sheet({1: ["a", "b"], 2: ["1", "2"], 1_048_576: ["3", "4"]})}))
    assert read(table) == {2: ["1", "2"], 1_048_576: ["3", "4"]}


def test_a_million_blank_rows_are_no_rows(tmp_path: Path) -> None:
    body = b'<row r="1"><c r="A1"><v>1</v></c></row>' + b"".join(
        b'<row r="%d" s="1"><c r="A%d" s="1"/></row>' % (i, i) for i in range(2, 200_000)
    )
    table = only(
        replaced(small(tmp_path), SHEET, sheet_of(body + b'<row r="200000"><c r="A200000"><v>5</v></c></row>'))
    )
    assert {row: cells for row, cells in read(table).items() if any(cells)} == {200_000: ["5"]}


def test_a_workbook_that_would_grow_beyond_the_limit_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = replaced(small(tmp_path), "xl/media/x", bytes(3 * 1024**2))
    monkeypatch.setattr("cx_metrics.reading.workbooks.MAX_INFLATED", 2 * 1024**2)
    assert "GB when unpacked" in refusal(path)
    monkeypatch.undo()
    monkeypatch.setattr("cx_metrics.reading.workbooks.LARGE", 1024**2)
    assert "grows more than 400 times" in refusal(path)


def test_too_many_parts_and_sheets(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "b", {f"S{i}": Sheet({}) for i in range(201)})
    assert "201 sheets, more than 200" in refusal(path)
    with zipfile.ZipFile(tmp_path / "book", "w") as book:
        for number in range(MAX_PARTS + 1):
            book.writestr(f"xl/{number}", b"")
    assert "10,001 parts" in refusal(tmp_path / "book")


def test_what_is_cut_short_or_locked_is_said(tmp_path: Path) -> None:
    whole = small(tmp_path).read_bytes()
    path = tmp_path / "cut"
    path.write_bytes(whole[: len(whole) // 2])
    assert "damaged workbook" in refusal(path)
    path.write_bytes(compound({"EncryptionInfo": b"x" * 90, "EncryptedPackage": b"y" * 9000}))
    assert "protected by a password" in refusal(path)
    path.write_bytes(compound({"WordDocument": b"x" * 9000}))
    assert "damaged workbook" in refusal(path)
    flipped = bytearray(whole)
    flipped[whole.find(b"PK\x03\x04", 200) + 60] ^= 255
    path.write_bytes(flipped)
    assert "damaged" in refusal(path)


def test_every_damaged_copy_is_read_or_refused_in_words(tmp_path: Path) -> None:
    whole = xlsx(tmp_path / "w", {"S": Sheet(VALUES)}).read_bytes()
    path, refused = tmp_path / "copy", 0
    for seed in range(300):
        chance = random.Random(seed)
        copy = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            copy[chance.randrange(len(copy))] = chance.randrange(256)
        path.write_bytes(copy[: chance.randint(1, len(copy))] if seed % 5 == 0 else copy)
        try:
            for table in tables(path, "book.xlsx"):
                list(table.records)
        except FileProblem:
            refused += 1
    assert refused > 50


def test_hostile_open_documents(tmp_path: Path) -> None:
    far = ods_row(ods_cell(table_number_columns_repeated="16000"), ods_words("x"))
    assert "WQK1 of sheet S" in refusal(ods(tmp_path / "b", {"S": far}))
    assert "more than 500 columns or 1,048,576 rows" in refusal(
        ods(tmp_path / "b", {"S": ods_row(ods_words("x"), number_rows_repeated="9000000")})
    )
    wide = ods_cell("string", "<text:p>x</text:p>", table_number_columns_repeated="99999999")
    assert "more than 500 columns" in refusal(ods(tmp_path / "b", {"S": ods_row(wide)}))
    assert "no number of cells" in refusal(
        ods(tmp_path / "b", {"S": ods_row(ods_cell(table_number_columns_repeated="-4"))})
    )
    locked = {"META-INF/manifest.xml": "<manifest:encryption-data/>"}
    path = tmp_path / "locked"
    ods(path, {"S": ods_row(ods_words("x"))})
    assert "protected by a password" in refusal(replaced(path, *next((k, v.encode()) for k, v in locked.items())))


LARGE = """
import sys
from pathlib import Path
from cx_metrics import limits, looking
from cx_metrics.reading.found import write_plain
from cx_metrics.reading.workbooks import tables

limits.limit_this_process(looking.MEMORY_MB * limits.MB, looking.SECONDS)
(table,) = tables(Path(sys.argv[1]), "large.xlsx")
print(write_plain(table, Path(sys.argv[2]), "large.xlsx").rows)
"""


@pytest.mark.long
def test_a_million_rows_are_read_within_the_limits_of_looking(tmp_path: Path) -> None:
    """A million rows of ten columns: a text of its own in each row, seven shared ones, a moment, a number."""
    path = small(tmp_path)
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist() if name not in (SHEET, "xl/sharedStrings.xml")}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        for name, content in parts.items():
            book.writestr(name, content)
        with book.open("xl/sharedStrings.xml", "w") as strings:
            strings.write(b"<sst>" + b"".join(b"<si><t>customer-%d</t></si>" % i for i in range(1_000_001)) + b"</sst>")
        with book.open(SHEET, "w", force_zip64=True) as sheet:
            sheet.write(b"<worksheet><sheetData>")
            for r in range(1, 1_000_002):
                shared = (b'<c r="%c%d" t="s"><v>%d</v></c>' % (column, r, r * 7 % 1000) for column in b"BCDEFGH")
                sheet.write(
                    b'<row r="%d"><c r="A%d" t="s"><v>%d</v></c>%s<c r="I%d" s="2"><v>%.6f</v></c><c r="J%d"><v>%.2f</v></c></row>'
                    % (r, r, r - 1, b"".join(shared), r, 45_000 + r / 1000, r, r * 0.37)
                )
            sheet.write(b"</sheetData></worksheet>")
    run = subprocess.run(
        [sys.executable, "-c", LARGE, str(path), str(tmp_path / "plain")], cwd=Path(__file__).parents[2], capture_output=True,
        text=True, timeout=200,
    )  # fmt: skip
    assert (run.returncode, run.stdout.strip()) == (0, "1000000"), run.stderr
    assert (tmp_path / "plain").read_bytes().count(b"\n") == 1_000_001
