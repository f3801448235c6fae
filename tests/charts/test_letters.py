"""Widths of letters: those of the font files, so that labels end where the next column begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from cx_metrics.charts.letters import fitting, width_of

STATIC = Path(__file__).parents[2] / "static"


@pytest.mark.parametrize(
    ("file", "signs"),
    [("ibm-plex-sans-latin", "AWMilj01 ,-gé"), ("ibm-plex-sans-cyrillic", "ЖШщяпр")],
)
def test_widths_are_those_of_the_fonts(file: str, signs: str) -> None:
    fonts = pytest.importorskip("fontTools.ttLib")
    pytest.importorskip("brotli")
    font = fonts.TTFont(STATIC / f"{file}-400-normal.woff2")
    for sign in signs:
        real = font["hmtx"][font.getBestCmap()[ord(sign)]][0] / font["head"].unitsPerEm * 12
        assert real <= width_of(sign, 12) < real + 0.04 * 12 + 0.01, sign


def test_what_fits_stays_and_what_does_not_ends_with_an_ellipsis_and_fits() -> None:
    name = "Newsletter with the summer catalogue"
    assert fitting(name, width_of(name, 12), 12) == name
    for room in (40, 80, 120):
        shown = fitting(name, room, 12)
        assert shown.endswith("…") and name.startswith(shown[:-1].rstrip()) and width_of(shown, 12) <= room
        longer = name[: len(shown) + 1] + "…"  # two letters more would not have fitted (one may be a blank)
        assert width_of(longer, 12) > room


def test_there_is_always_a_letter_to_see() -> None:
    assert fitting("Website", 1, 12) == "W…" and fitting("W", 1, 12) == "W"


def test_wide_narrow_and_invisible_signs_are_told_apart() -> None:
    assert width_of("網站", 10) == 20 and width_of("\u2066\u2069\u0301", 10) == 0
    assert width_of("iii", 12) < width_of("www", 12)
    assert width_of("كلمة", 12) > 0
