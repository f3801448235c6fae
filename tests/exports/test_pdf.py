"""PDF read back: its words, its fonts inside, letters in the order they are read; nothing of the data is read as markup."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import unicodedata
from dataclasses import replace
from pathlib import Path

import pypdf
import pytest

from cx_metrics.exports.book import Book, Card, Chapter
from cx_metrics.exports.pdf import book_pdf
from pages.parts.language import PageReader
from tests.exports.sample_book import BARS, FORMULAS, sample

EN, AR, FA = PageReader("en"), PageReader("ar"), PageReader("fa")
MARKS = re.compile("[\u2066-\u2069\u200e\u200f]")


def words(data: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(data)).pages
    return re.sub(r"\s+", " ", MARKS.sub("", " ".join(page.extract_text() for page in pages)))


def one(*cards: Card) -> Book:
    return replace(sample(EN), chapters=[Chapter("Page", "Finding", "Question?", ["Line"], cards)])


def test_every_card_has_its_words_and_numbers_in_order() -> None:
    said = words(book_pdf(sample(EN), EN))
    places = [said.index(text) for text in (
        "Sample", "Contents", "35% reach the goal", "What changed?", "NPS", "412", "Web converts most", "Conversion by channel",
        "1,234", "1,530 customers · Oct", "310 of 1,000 reach Purchase", "Denominator: customers of the view", "How they move",
    )]  # fmt: skip
    assert places[2:] == sorted(places[2:]) or said.index("35% reach the goal") < places[4]
    for count in BARS["customers"]:
        assert f"{count:,}" in said


def test_text_of_typst_stays_text() -> None:
    evil = '#panic("x") $x$ *b* _i_ `c` @ref <tag> = head \\ // no #import "x.typ" [y](z) ~ -- "q"'
    said = words(book_pdf(one(Card(evil, evil, [f"<p>{evil.replace('<', '&lt;')}</p>"], [evil], [(evil, evil)])), EN))
    assert said.count('#panic("x") $x$ *b* _i_ `c` @ref <tag>') >= 4
    for text in (formula for formula in FORMULAS if formula.isascii()):
        assert MARKS.sub("", text).strip() in words(book_pdf(sample(EN), EN))


@pytest.mark.parametrize(
    ("reader", "text", "number"), [(AR, "معدل التحويل حسب القناة", 1234), (FA, "نرخ تبدیل در هر کانال", 1234)]
)
def test_words_from_right_to_left_have_their_letters_in_order(reader: PageReader, text: str, number: int) -> None:
    shown = reader.number(number)
    said = words(book_pdf(one(Card(text, "", [f"<p><bdi>{shown}</bdi></p>"])), reader))
    for word in text.split(" "):
        assert word in said
    digits = [sign for sign in shown if sign.isdigit()]
    assert all(sign in said for sign in digits)


# without lam-alef: programs that turn words round to read them turn its one sign of two letters round as well
ARABIC_SENTENCE = "يواصل ٤٠٪ ممن يبلغون مرحلة «القرار» بعدها، من بين ١٢٬٣٤٥ شخص على Web"
PERSIAN_SENTENCE = (
    "۴۰٪ از ۱۲٬۳۴۵ مشتری که به «تصمیم» می\u200cرسند از Web ادامه می\u200cدهند؛ کمترین سهم در میان مرحله\u200cها"
)


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler's pdftotext is not installed")
@pytest.mark.parametrize(("reader", "sentence"), [(AR, ARABIC_SENTENCE), (FA, PERSIAN_SENTENCE)])
def test_a_sentence_from_right_to_left_is_read_in_its_order(tmp_path: Path, reader: PageReader, sentence: str) -> None:
    (tmp_path / "x.pdf").write_bytes(book_pdf(one(Card(sentence, "", [])), reader))
    said = subprocess.run(
        ["pdftotext", "x.pdf", "-"], cwd=tmp_path, check=True, capture_output=True, encoding="utf-8"
    ).stdout
    assert letters(sentence) in letters(said)


def letters(text: str) -> str:
    """Letters and digits in their order. What a program reads out of a PDF has signs and spaces on either side of a word, and
    signs of no width before or after their letter."""
    kept = "".join(sign for sign in MARKS.sub("", text) if unicodedata.category(sign) not in ("Mn", "Cf"))
    return "".join(re.findall(r"\w+(?:٬\d+)*", kept))


def test_fonts_are_inside_and_the_file_is_tagged_a4_and_named() -> None:
    made = pypdf.PdfReader(io.BytesIO(book_pdf(sample(AR), AR)))
    fonts = {
        str(font.get_object()["/BaseFont"]).split("+")[-1]
        for page in made.pages for font in page["/Resources"].get("/Font", {}).values()
    }  # fmt: skip
    assert any("Vazirmatn" in name for name in fonts) and any("IBMPlexSans" in name for name in fonts)
    assert all(
        "+" in str(f.get_object()["/BaseFont"]) for p in made.pages for f in p["/Resources"].get("/Font", {}).values()
    )
    assert made.metadata is not None and made.metadata.title == "Sample"
    assert made.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert made.trailer["/Root"]["/Lang"] == "ar"
    assert [round(float(x)) for x in made.pages[0].mediabox[2:]] == [595, 842]


def test_a_long_table_goes_on_on_the_next_page_with_its_heads() -> None:
    rows = "".join(f"<tr><td>row {i}</td><td class=n>{i}</td></tr>" for i in range(120))
    table = f"<table class=tl-table><thead><tr><th>Name of it</th><th>n</th></tr></thead><tbody>{rows}</tbody></table>"
    pages = pypdf.PdfReader(io.BytesIO(book_pdf(one(Card("Long", "", [table])), EN))).pages
    assert len(pages) > 2
    assert all("Name of it" in page.extract_text() for page in pages)
    assert "row 119" in words(book_pdf(one(Card("Long", "", [table])), EN))


def test_nothing_to_show_is_still_a_file() -> None:
    assert book_pdf(one(), EN).startswith(b"%PDF")
