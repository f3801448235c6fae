"""Pictures of cards: well formed, on white, twice the size, with the words of the card."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import pytest
from PIL import Image

from cx_metrics.exports import fonts
from cx_metrics.exports.book import Card, Drawing
from cx_metrics.exports.pictures import card_png, card_svg, png, size
from pages.parts.language import PageReader
from tests.exports.sample_book import BARS, bars, sample, trend

EN, AR = PageReader("en"), PageReader("ar")
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("reader", [EN, AR], ids=["en", "ar"])
def test_a_card_has_its_finding_its_chart_and_its_caption(reader: PageReader) -> None:
    for chapter in sample(reader).chapters:
        for card in chapter.cards:
            root = ElementTree.fromstring(card_svg(card, reader))
            said = "".join("".join(text.itertext()) for text in root.iter(f"{SVG}text"))
            assert all(word in said for word in card.finding.split())
            assert all(word in said for part in card.caption for word in part.split())
            assert not list(root.iter(f"{SVG}script")) and not list(root.iter(f"{SVG}image"))


def test_the_numbers_of_the_chart_stand_in_the_picture() -> None:
    said = card_svg(Card("Finding", body=[Drawing(bars(EN), "bars")]), EN)
    for rate, n in zip(BARS["rate"], BARS["customers"], strict=True):
        assert f"{rate:.1%} · n {n:,}" in said


def test_a_png_is_opaque_white_and_twice_the_size() -> None:
    card = Card("Finding", "", [Drawing(trend(EN), "trend")], ["caption"])
    image = Image.open(io.BytesIO(card_png(card, EN)))
    width, height = size(card_svg(card, EN))
    assert abs(image.width - 2 * width) <= 2 and abs(image.height - 2 * height) <= 2
    assert image.convert("RGBA").getextrema()[3] == (255, 255)
    assert image.convert("RGB").getpixel((1, 1)) == (255, 255, 255)
    assert Image.open(io.BytesIO(png(trend(EN)))).convert("RGBA").getextrema()[3] == (255, 255)


def test_letters_from_right_to_left_are_drawn_with_our_font_wherever_they_stand() -> None:
    # Without the font every missing letter is the same box; so two words of as many letters would be one picture.
    one, other = (card_png(Card(text), AR) for text in ("معدل", "رضوى"))
    assert one != other
    assert {"Vazirmatn-Regular.ttf", "IBMPlexSans-Regular.ttf"} <= {p.name for p in fonts.FOLDER.iterdir()}
    assert {"OFL-ibm-plex-sans.txt", "OFL-vazirmatn.txt"} <= {p.name for p in fonts.FOLDER.iterdir()}


def test_long_words_are_parted_into_lines_that_fit() -> None:
    text = "many words that need more than one line to be said"
    found = fonts.lines(text, 18, 160)
    assert " ".join(found) == text and len(found) > 1
    assert all(fonts.width(line, 18) <= 161 or " " not in line for line in found)
