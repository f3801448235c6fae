"""Slides and workbooks opened in LibreOffice: numbers and words are those of the pages, and nothing of the data is computed."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import openpyxl
import pypdf
import pytest
from pptx import Presentation

from cx_metrics.exports.slides import book_slides
from cx_metrics.exports.workbook import book_workbook
from pages.parts.language import PageReader
from tests.exports.sample_book import BARS, FORMULAS, STEPS, sample

OFFICE = shutil.which("soffice")
LANGUAGES = ("en", "ar", "fa", "ru")
MARKS = re.compile("[\u2066-\u2069\u200e\u200f]")
pytestmark = [pytest.mark.long, pytest.mark.skipif(OFFICE is None, reason="LibreOffice is not installed")]


def converted(folder: Path, name: str, data: bytes, to: str) -> bytes:
    """A file as LibreOffice reads it, written by it in another format."""
    (folder / name).write_bytes(data)
    profile = f"-env:UserInstallation=file://{folder / 'profile'}"
    command = [str(OFFICE), profile, "--headless", "--convert-to", to, "--outdir", str(folder / "out"), name]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=180)
    return (folder / "out" / name).with_suffix(f".{to}").read_bytes()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_workbook_holds_the_same_numbers_and_no_formula(tmp_path: Path, language: str) -> None:
    reader = PageReader(language)
    made = book_workbook(sample(reader), reader)
    before = openpyxl.load_workbook(io.BytesIO(made))
    after = openpyxl.load_workbook(io.BytesIO(converted(tmp_path, "book.xlsx", made, "xlsx")))
    assert after.sheetnames == before.sheetnames
    seen = set()
    for sheet in after:
        assert sheet.sheet_view.rightToLeft == (language in ("ar", "fa"))
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f" and cell.value == before[sheet.title][cell.coordinate].value
                seen.add(str(cell.value).lstrip("'"))
    formulas = (formula.replace("\t", " ") for formula in FORMULAS)  # a cell has no tabs
    assert seen >= {*formulas, *map(str, BARS["rate"]), *map(str, STEPS["customers"])}


@pytest.mark.parametrize("language", LANGUAGES)
def test_slides_show_every_title_and_keep_every_native_chart(tmp_path: Path, language: str) -> None:
    reader = PageReader(language)
    made = book_slides(sample(reader), reader)
    deck = Presentation(io.BytesIO(made))
    pages = pypdf.PdfReader(io.BytesIO(converted(tmp_path, "deck.pptx", made, "pdf"))).pages
    assert len(pages) == len(deck.slides)
    for slide, page in zip(deck.slides, pages, strict=True):
        said = re.sub(r"\s+", "", MARKS.sub("", page.extract_text()))
        assert re.sub(r"\s+", "", MARKS.sub("", slide.shapes.title.text_frame.text)) in said
    again = Presentation(io.BytesIO(converted(tmp_path, "again.pptx", made, "pptx")))
    assert values(again) == values(deck) != []


def values(deck: Any) -> list[list[float | None]]:
    """The numbers of all native charts of a deck, series by series."""
    shapes = (shape for slide in deck.slides for shape in slide.shapes if shape.has_chart)
    return [list(series.values) for shape in shapes for plot in shape.chart.plots for series in plot.series]
