"""Workbooks read back: the frames of the cards value by value, text as text, from right to left where it is read so."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import pandas as pd
import pytest

from cx_metrics.exports.tables import FORMULA_SIGNS
from cx_metrics.exports.workbook import book_workbook
from pages.parts.language import PageReader
from tests.exports.sample_book import BARS, STEPS, TREND, TYPES, sample

EN, AR, FA = PageReader("en"), PageReader("ar"), PageReader("fa")


def made(reader: PageReader) -> tuple[bytes, openpyxl.Workbook]:
    data = book_workbook(sample(reader), reader)
    return data, openpyxl.load_workbook(io.BytesIO(data))


def frame_of(sheet: openpyxl.worksheet.worksheet.Worksheet, rows: int) -> list[tuple[object, ...]]:
    """The rows under the heads, which stand in the fourth row."""
    return [tuple(cell.value for cell in row) for row in sheet.iter_rows(min_row=5, max_row=4 + rows)]


@pytest.mark.parametrize("reader", [EN, AR], ids=["en", "ar"])
def test_numbers_are_those_of_the_frames_in_full_and_numbers(reader: PageReader) -> None:
    _data, book = made(reader)
    for name, frame in (("Overview 2", BARS), ("Overview 3", STEPS), ("Overview 4", TREND)):
        found = frame_of(book[name], len(frame))
        for row, values in zip(found, frame.itertuples(index=False, name=None), strict=True):
            for cell, value in zip(row, values, strict=False):
                if isinstance(value, str):
                    assert str(cell).lstrip("'") == value
                elif pd.isna(value):
                    assert cell is None
                elif isinstance(value, pd.Timestamp):
                    assert cell == value.to_pydatetime()
                else:
                    assert isinstance(cell, (int, float)) and cell == value


def test_heads_are_words_and_numbers_have_their_format() -> None:
    _data, book = made(EN)
    sheet = book["Overview 2"]
    assert [cell.value for cell in sheet[4]][:5] == ["Channel", "Rate", "Low", "High", "Customers"]
    assert (sheet["B5"].number_format, sheet["E5"].number_format) == ("0.0%", "#,##0")
    assert sheet["A1"].value == "Web converts most" and sheet["A2"].value == "Conversion by channel"


def test_tiles_are_numbers_too() -> None:
    _data, book = made(EN)
    rows = [[cell.value for cell in row] for row in book["Overview 1"].iter_rows(min_row=4, max_row=5)]
    assert [row[:2] for row in rows] == [["NPS", 31], ["Conversion", 0.353]]


def test_no_text_becomes_a_formula_or_a_link() -> None:
    data, book = made(EN)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheets = [archive.read(name).decode() for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
        assert not any("<f>" in sheet or "<f " in sheet for sheet in sheets)
        assert not any(
            "hyperlink" in archive.read(name).decode() for name in archive.namelist() if "_rels/sheet" in name
        )
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                if isinstance(cell.value, str):
                    assert cell.value.lstrip()[:1] not in FORMULA_SIGNS, cell.value
    assert [row[0] for row in frame_of(book["Flow 3"], len(TYPES))][:2] == ["'=1+1", "'+1"]


@pytest.mark.parametrize(
    ("reader", "rtl", "digits"), [(EN, None, ""), (AR, True, "[$-2000401]"), (FA, True, "[$-3000429]")]
)
def test_sheets_run_in_the_direction_and_digits_of_the_reader(
    reader: PageReader, rtl: bool | None, digits: str
) -> None:
    _data, book = made(reader)
    assert {sheet.sheet_view.rightToLeft for sheet in book} == {rtl}
    assert book["Overview 2"]["E5"].number_format == f"{digits}#,##0"


def test_the_first_sheet_says_what_is_in_it_and_who_was_counted() -> None:
    _data, book = made(EN)
    words = [str(cell.value) for row in book.worksheets[0].iter_rows() for cell in row if cell.value is not None]
    assert words[0] == "Sample"
    assert {"Overview", "35% reach the goal", "1,530 customers", "Overview 2", "Web converts most", "Flow 3"} <= set(
        words
    )
    assert book.sheetnames == ["Contents", *(f"Overview {i}" for i in range(1, 5)), *(f"Flow {i}" for i in range(1, 4))]


def test_definition_and_caption_are_kept() -> None:
    _data, book = made(EN)
    words = [cell.value for row in book["Overview 2"].iter_rows() for cell in row]
    assert {"1,530 customers · Oct", "How this is counted", "Denominator", "customers of the view"} <= set(words)
