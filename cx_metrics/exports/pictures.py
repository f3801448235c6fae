"""A chart as a picture: SVG, or PNG at twice its size on light ground; alone, or as its card (finding, chart, caption).

Drawn in this process, without a browser and without the network.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import altair as alt

from cx_metrics.charts.picture import Picture
from cx_metrics.charts.theme import FONT, LIGHT, Reader
from cx_metrics.exports import fonts
from cx_metrics.exports.book import Card, Drawing
from cx_metrics.safe_text import clean, has_right_to_left, safe

CHART_WIDTH = 840  # pixels of the drawing; it scales with what it stands in
SCALE = 2  # a PNG has so many points to a pixel
MARGIN = 24
_SIZE = re.compile(r'<svg[^>]*?\swidth="([\d.]+)"[^>]*?\sheight="([\d.]+)"')
_TEXT = re.compile(r"<text([^>]*)>(.*?)</text>", re.DOTALL)
_FAMILY = re.compile(r'\sfont-family="[^"]*"')
_OPENING = re.compile(r"<svg[^>]*>")


def svg(figure: alt.LayerChart | alt.Chart | Picture, width: int = CHART_WIDTH) -> str:
    """The chart as SVG on no ground."""
    if isinstance(figure, Picture):
        return _sheet(figure.svg, figure.width, figure.height)
    import vl_convert

    fonts.register()
    specification = figure.properties(width=width).to_dict(validate=False)
    drawn: str = vl_convert.vegalite_to_svg(json.dumps(specification), vl_version=_vega_version(), allowed_base_urls=[])
    return drawn


def png(figure: alt.LayerChart | alt.Chart | Picture, width: int = CHART_WIDTH) -> bytes:
    """The chart as PNG on white."""
    drawn = svg(figure, width)
    across, down = size(drawn)
    return _points(_sheet(f"{_ground(across, down)}{drawn}", across, down))


def card_svg(card: Card, reader: Reader, faces: str = "") -> str:
    """The charts of a card under its finding, its note and caption with them. `faces`: fonts to put inside, as CSS."""
    drawn = [svg(drawing.figure) for drawing in card.drawings]
    sizes = [size(text) for text in drawn]
    width = max([CHART_WIDTH, *(across for across, _down in sizes)]) + 2 * MARGIN
    page = _Page(width, reader)
    page.say(card.finding, 18, LIGHT.text, strong=True)
    page.say(card.note, 13, LIGHT.muted)
    page.below(8)
    for text, (across, down) in zip(drawn, sizes, strict=True):
        page.place(text, across, down)
    page.say(" · ".join(part for part in card.caption if part), 13, LIGHT.muted)
    style = f"<style>{faces}</style>" if faces else ""
    words = safe("; ".join([card.finding, *(d.alt for d in card.drawings)]), "html")
    inside = f"<title>{words}</title>{style}{_ground(width, page.down + MARGIN)}{''.join(page.parts)}"
    return _sheet(inside, width, page.down + MARGIN)


def card_png(card: Card, reader: Reader) -> bytes:
    """The same as PNG."""
    return _points(card_svg(card, reader))


def size(drawn: str) -> tuple[float, float]:
    """Width and height of an SVG of ours, in pixels."""
    found = _SIZE.search(drawn)
    assert found is not None, "an SVG of ours says its size"
    return float(found[1]), float(found[2])


@dataclass
class _Page:
    """Words and drawings one under the other."""

    width: float
    reader: Reader
    down: float = MARGIN

    def __post_init__(self) -> None:
        self.parts: list[str] = []

    def below(self, pixels: float) -> None:
        self.down += pixels

    def say(self, text: str, points: float, colour: str, strong: bool = False) -> None:
        """Words in as many lines as they need, from the side where the reader begins."""
        if not text:
            return
        at, side = (self.width - MARGIN, "end") if self.reader.rtl else (MARGIN, "start")
        family = fonts.FAMILIES[1 if self.reader.rtl else 0]
        for line in fonts.lines(clean(text), points, self.width - 2 * MARGIN, family, strong):
            self.down += points * 1.4
            said = safe(self.reader.isolate(line) if self.reader.rtl else line, "html")
            weight = ' font-weight="600"' if strong else ""
            self.parts.append(
                f'<text x="{at:.1f}" y="{self.down:.1f}" font-family="{FONT}" font-size="{points}"{weight} fill="{colour}" '
                f'text-anchor="{side}">{said}</text>'
            )

    def place(self, drawn: str, across: float, down: float) -> None:
        """A drawing, at the side where the reader begins."""
        x = self.width - MARGIN - across if self.reader.rtl else MARGIN
        opening = (
            f'<svg x="{x:.1f}" y="{self.down:.1f}" width="{across}" height="{down}" viewBox="0 0 {across} {down}">'
        )
        self.parts.append(_OPENING.sub(opening, drawn, count=1))
        self.down += down


def _sheet(inside: str, width: float, height: float) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}">'
        f"{inside}</svg>"
    )


def _ground(width: float, height: float) -> str:
    return f'<rect width="{width:g}" height="{height:g}" fill="{LIGHT.surface}"/>'


def _points(drawn: str) -> bytes:
    import vl_convert

    fonts.register()
    made: bytes = vl_convert.svg_to_png(_TEXT.sub(_arabic_first, drawn), scale=SCALE)
    return made


def _arabic_first(text: re.Match[str]) -> str:
    """A text with letters from right to left names their font first: this renderer takes any other font for a missing letter."""
    if not has_right_to_left(text[2]):
        return text[0]
    return f'<text{_FAMILY.sub("", text[1])} font-family="{fonts.FAMILIES[1]}, {fonts.FAMILIES[0]}">{text[2]}</text>'


def _vega_version() -> str:
    return ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])


__all__: Sequence[str] = ("Drawing", "card_png", "card_svg", "png", "size", "svg")
