"""A page as one file: everything inside, nothing asked for, every text escaped."""

import re

import altair as alt
import pandas as pd

from cx_metrics.charts.funnel import draw_funnel
from cx_metrics.charts.picture import Picture
from cx_metrics.charts.sankey_picture import sankey_picture
from cx_metrics.exports.book import Book, Card, Chapter, Drawing, Words
from cx_metrics.exports.html import book_html
from pages.parts.language import PageReader

EN, FA = PageReader("en"), PageReader("fa")
EVIL = '</script><img src="http://x.example/a.png">'


def chart(reader: PageReader, name: str = EVIL) -> alt.LayerChart:
    frame = pd.DataFrame(
        {
            "step": [1, 2],
            "touchpoint": [name, "cart"],
            "customers": [10, 4],
            "share_of_first": [1, 0.4],
            "drop_off": [0, 6],
        }
    )
    return draw_funnel(frame, reader)


def sankey(reader: PageReader) -> Picture:
    frame = pd.DataFrame({
        "step": [1, 2], "source": [EVIL, "b"], "target": ["b", None], "kind": ["move", "drop_off"], "journeys": [5, 5],
        "median_seconds": [60.0, None],
    })  # fmt: skip
    return sankey_picture(frame, reader)


def page(reader: PageReader = EN, *body: object) -> str:
    cards = [Card("A finding", "a note", list(body), ["48,210 customers", EVIL])]
    return book_html(book(Chapter("Overview", "Finding " + EVIL, "Question?", ["1–31 Oct 2026", EVIL], cards)), reader)


def book(*chapters: Chapter) -> Book:
    return Book("All of it", chapters, Words("Contents", "How this is counted", lambda i, of: f"{i} of {of}"))


def test_the_file_says_language_direction_and_its_words() -> None:
    made = page(FA)
    assert '<html lang="fa" dir="rtl" data-mode="light" data-rtl>' in made
    assert "1–31 Oct 2026" in made
    assert "48,210 customers" in made


def test_no_text_becomes_markup() -> None:
    made = page(EN, Drawing(chart(EN), EVIL), pd.DataFrame({EVIL: [EVIL], "n": [1]}))
    assert "<img" not in made
    assert "</script>" not in made


def test_charts_are_svg_with_their_labels_as_text() -> None:
    made = page(EN, Drawing(chart(EN, "Checkout {b}|<i>"), "what it shows"))
    assert 'role="img" aria-label="what it shows"' in made
    assert "Checkout {b}|&lt;i&gt;" in made
    assert made.count("<svg") == 1


def test_nothing_is_asked_for() -> None:
    made = page(EN, Drawing(chart(EN), "x"))
    assert "default-src 'none'" in made
    addresses = re.findall(r"""<[^>]*\s(?:src|href)=["']([^"']+)|url\(([^)]{1,40})""", made)
    assert all((a or b).startswith(("data:", "#")) for a, b in addresses)


def test_fonts_are_inside() -> None:
    made = page()
    assert made.count("@font-face") == 6
    assert "font/woff2;base64,d09GMg" in made


def test_nothing_in_the_file_can_run() -> None:
    made = page(EN, Drawing(sankey(EN), "flow"), Drawing(chart(EN), "funnel"))
    assert "<script" not in made and "script-src" not in made and "default-src 'none'" in made
    assert made.count("<svg") == 2


def test_all_pages_are_one_file_with_its_contents_first() -> None:
    chapters = [
        Chapter(name, f"{name} found", "Why?", [], [Card("Card of " + name, meaning=[("Denominator", "customers")])])
        for name in ("One", "Two")
    ]
    made = book_html(book(*chapters), EN)
    places = [
        made.index(words)
        for words in ("Contents", 'href="#page-1"', 'href="#page-2"', 'id="page-1"', "Card of One", 'id="page-2"')
    ]
    assert places == sorted(places)
    assert made.count("Denominator") == 2 and "Contents" not in book_html(book(chapters[0]), EN)


def test_paper_gets_light_colours_and_whole_cards() -> None:
    made = page()
    assert "break-inside:avoid" in made
    assert "--tl-page:#FAFAF7" in made


def test_a_frame_becomes_a_table_in_the_digits_of_the_reader() -> None:
    made = page(FA, pd.DataFrame({"name": ["a", None], "n": [1200, 5], "share": [0.25, None]}))
    assert "۱٬۲۰۰" in made
    assert "۰٫۲۵۰" in made
    assert "–" in made
