"""The fonts of the pages as TTF, for files that are made without a browser: PDF and pictures.

`python -m cx_metrics.exports.fonts` makes the files in `fonts/` afresh from their npm packages (needs npm, fonttools and brotli).
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # takes its time to import, and only files need it
    from PIL import ImageFont

FOLDER = Path(__file__).with_name("fonts")
FAMILIES = ("IBM Plex Sans", "Vazirmatn")
PACKAGES = {  # npm package and version: what is taken out of it
    "@ibm/plex-sans@1.1.0": {
        "package/fonts/complete/woff2/IBMPlexSans-Regular.woff2": "IBMPlexSans-Regular.ttf",
        "package/fonts/complete/woff2/IBMPlexSans-SemiBold.woff2": "IBMPlexSans-SemiBold.ttf",
    },
    "vazirmatn@33.0.3": {
        "package/fonts/ttf/Vazirmatn-Regular.ttf": "Vazirmatn-Regular.ttf",
        "package/fonts/ttf/Vazirmatn-SemiBold.ttf": "Vazirmatn-SemiBold.ttf",
    },
}


def file(family: str, strong: bool = False) -> Path:
    """The file of a family in its usual or its strong weight."""
    return FOLDER / f"{family.replace(' ', '')}-{'SemiBold' if strong else 'Regular'}.ttf"


@lru_cache(maxsize=1)
def register() -> None:
    """Let charts be drawn with these fonts, whatever is installed where the server runs."""
    import vl_convert

    vl_convert.register_font_directory(str(FOLDER))


@lru_cache(maxsize=20_000)
def width(text: str, size: float, family: str = FAMILIES[0], strong: bool = False) -> float:
    """How wide a text is, in pixels, at that size. Arabic letters are measured apart, so they come out a little too wide."""
    return float(_measure(family, strong).getlength(text)) * size / 100


@lru_cache(maxsize=8)
def _measure(family: str, strong: bool) -> ImageFont.FreeTypeFont:
    from PIL import ImageFont

    return ImageFont.truetype(str(file(family, strong)), 100, layout_engine=ImageFont.Layout.BASIC)


def lines(text: str, size: float, room: float, family: str = FAMILIES[0], strong: bool = False) -> list[str]:
    """The text in lines that are no wider than `room`, parted between words."""
    found: list[list[str]] = []
    used, space = 0.0, width(" ", size, family, strong)
    for word in text.split(" "):
        needed = width(word, size, family, strong)
        if found and used + space + needed <= room:
            found[-1].append(word)
            used += space + needed
        else:
            found.append([word])
            used = needed
    return [" ".join(words) for words in found]


def _make() -> None:
    """Fetch the packages and write the files."""
    from fontTools.ttLib import TTFont

    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for package, wanted in PACKAGES.items():
            packed = subprocess.run(
                ["npm", "pack", "--silent", package], cwd=folder, check=True, capture_output=True, text=True
            )
            with tarfile.open(Path(folder) / packed.stdout.split()[-1]) as archive:
                for inside, name in wanted.items():
                    found = archive.extractfile(inside)
                    assert found is not None, inside
                    font = TTFont(found)
                    font.flavor = None
                    font.save(FOLDER / name)
                    sys.stdout.write(f"{name}: {(FOLDER / name).stat().st_size:,} bytes\n")


if __name__ == "__main__":
    _make()
