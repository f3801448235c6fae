"""The files of one card, in its Explain popover: the picture as SVG and PNG, the numbers as CSV. Made when they are asked for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from cx_metrics.exports.tables import safe_csv
from cx_metrics.texts import N_
from pages.parts import written
from pages.parts.language import PageReader, speaking

if TYPE_CHECKING:
    from pages.parts.figure import Shown

CSV, SVG, PNG = N_("Download CSV"), N_("Picture (SVG)"), N_("Picture (PNG)")


def offer(shown: Shown, reader: PageReader) -> None:
    """A button per file that the card has: its numbers, and a picture where something is drawn."""
    explain, key = shown.explain, shown.key
    stem = f"touchline-{(explain.name if explain else '') or key}"
    look: dict[str, Any] = {"icon": ":material/download:", "on_click": "ignore"}
    if explain is not None and explain.table is not None:
        table = partial(safe_csv, explain.table)
        st.download_button(reader.say(CSV), table, f"{stem}.csv", "text/csv", key=f"csv_{key}", **look)
    if shown.pictures:
        light = written.on_paper(reader)
        svg, png = partial(as_svg, shown, light), partial(as_png, shown, light)
        st.download_button(reader.say(SVG), svg, f"{stem}.svg", "image/svg+xml", key=f"svg_{key}", **look)
        st.download_button(reader.say(PNG), png, f"{stem}.png", "image/png", key=f"png_{key}", **look)


def as_svg(shown: Shown, light: PageReader) -> bytes:
    """The card's charts with its finding and caption, fonts inside."""
    from cx_metrics.exports.html import font_faces
    from cx_metrics.exports.pictures import card_svg

    with speaking(light.language):
        return card_svg(written.card(shown, light), light, font_faces()).encode()


def as_png(shown: Shown, light: PageReader) -> bytes:
    """The same as PNG, at twice its size."""
    from cx_metrics.exports.pictures import card_png

    with speaking(light.language):
        return card_png(written.card(shown, light), light)
