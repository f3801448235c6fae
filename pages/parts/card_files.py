"""The files of one card, in its Explain popover: the picture as SVG and PNG, the numbers as CSV. Made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
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
    explain = shown.explain
    stem = f"touchline-{(explain.name if explain else '') or shown.key}"
    if explain is not None and explain.table is not None:
        _button(reader.say(CSV), partial(safe_csv, explain.table), f"{stem}.csv", "text/csv", f"csv_{shown.key}")
    if shown.pictures:
        light = written.on_paper(reader)
        _button(reader.say(SVG), partial(as_svg, shown, light), f"{stem}.svg", "image/svg+xml", f"svg_{shown.key}")
        _button(reader.say(PNG), partial(as_png, shown, light), f"{stem}.png", "image/png", f"png_{shown.key}")


def _button(label: str, make: Callable[[], Any], name: str, kind: str, key: str) -> None:
    st.download_button(label, make, name, kind, key=key, icon=":material/download:", on_click="ignore")


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
