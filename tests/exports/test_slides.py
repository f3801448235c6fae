"""Slides read back: a finding as title, native charts and tables with the numbers of the frames, the source at the foot."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from pptx import Presentation
from pptx.oxml.ns import qn
from pptx.util import Pt

from cx_metrics.exports.slides import book_slides
from pages.parts.language import PageReader
from tests.exports.sample_book import BARS, STEPS, TREND, sample

EN, AR = PageReader("en"), PageReader("ar")


def made(reader: PageReader) -> Any:
    return Presentation(io.BytesIO(book_slides(sample(reader), reader)))


def slide(deck: Any, title: str) -> Any:
    return next(s for s in deck.slides if s.shapes.title.text_frame.text.startswith(title))


def charts(deck: Any) -> Iterator[Any]:
    return (shape.chart for s in deck.slides for shape in s.shapes if shape.has_chart)


def literal(series: Any, side: str) -> list[float]:
    marks = series._element.find(f".//{qn('c:errBars')}/{qn('c:' + side)}")
    return [float(v.text) for v in marks.iter(qn("c:v"))]


@pytest.mark.parametrize("reader", [EN, AR], ids=["en", "ar"])
def test_charts_are_native_and_hold_the_numbers_of_the_frames(reader: PageReader) -> None:
    bars, funnel, trend = list(charts(made(reader)))
    assert list(bars.plots[0].series[0].values) == list(BARS["rate"])
    assert literal(bars.plots[0].series[0], "plus") == pytest.approx(list(BARS["rate_high"] - BARS["rate"]), abs=1e-12)
    assert literal(bars.plots[0].series[0], "minus") == pytest.approx(list(BARS["rate"] - BARS["rate_low"]), abs=1e-12)
    reached, lost = funnel.plots[0].series
    assert list(reached.values) == list(STEPS["share_of_first"])
    assert list(lost.values) == pytest.approx(list(STEPS["drop_off"] / 1000))
    assert list(trend.plots[0].series[0].values) == [12.4, None, -7.1] == [None if v != v else v for v in TREND["nps"]]


def test_titles_are_findings_and_the_source_line_stands_at_the_foot() -> None:
    deck = made(EN)
    titles = [s.shapes.title.text_frame.text for s in deck.slides]
    assert titles[:4] == ["Sample", "35% reach the goal", "35% reach the goal", "Web converts most"]
    foot = max((s for s in slide(deck, "Web converts most").shapes if s.has_text_frame), key=lambda s: s.top)
    assert foot.text_frame.text == "1,530 customers · Oct"
    assert foot.top + foot.height <= deck.slide_height and deck.slide_width / deck.slide_height == pytest.approx(16 / 9)


def test_no_letter_is_smaller_than_18_points() -> None:
    for s in made(EN).slides:
        for size in s._element.iter(qn("a:rPr"), qn("a:defRPr")):
            assert int(size.get("sz", "1800")) >= Pt(18) / Pt(1) * 100
        for shape in s.shapes:
            if shape.has_chart:
                assert shape.chart.font.size >= Pt(18)


def test_tables_are_native_and_nothing_hangs_over_the_slide() -> None:
    deck = made(EN)
    tables = [shape.table for s in deck.slides for shape in s.shapes if shape.has_table]
    cells = [[cell.text for cell in row.cells] for row in tables[0].rows]
    assert cells[0] == ["Channel", "Customers"] and [row[1] for row in cells[1:]] == ["1,234", "200", "96"]
    for s in deck.slides:
        for shape in s.shapes:
            assert shape.left >= 0 and shape.left + shape.width <= deck.slide_width + 1
            assert shape.top >= 0 and shape.top + shape.height <= deck.slide_height + 1, shape.name


def test_slides_for_readers_from_the_right_are_mirrored() -> None:
    deck = made(AR)
    paragraphs = [
        p for s in deck.slides for p in s._element.iter(qn("a:pPr")) if p.getparent().find(qn("a:r")) is not None
    ]
    assert paragraphs and all(p.get("rtl") == "1" for p in paragraphs if p.getparent().tag == qn("a:p"))
    tables = [shape.table for s in deck.slides for shape in s.shapes if shape.has_table]
    assert tables and all(t._tbl.tblPr.get("rtl") == "1" for t in tables)
    bars, funnel, trend = list(charts(deck))
    assert bars.value_axis.reverse_order and funnel.value_axis.reverse_order
    assert not trend.category_axis.reverse_order  # time runs from left to right for everybody
    fonts = {found.get("typeface") for s in deck.slides for found in s._element.iter(qn("a:cs"))}
    assert fonts == {"Vazirmatn"}


def test_what_powerpoint_cannot_draw_is_a_picture_with_its_words() -> None:
    pictures = [shape for s in made(EN).slides for shape in s.shapes if shape.shape_type == 13]
    assert [p._element._nvXxPr.cNvPr.get("descr") for p in pictures] == ["flow", "heat"]


def test_how_it_is_counted_stands_in_the_notes() -> None:
    notes = slide(made(EN), "Web converts most").notes_slide.notes_text_frame.text
    assert "How this is counted" in notes and "Denominator: customers of the view" in notes
