"""The design tokens keep their promises: contrast (WCAG 2), colour blindness (Machado 2009, OKLab), one source for all."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from cx_metrics.charts.heatmap import shade
from cx_metrics.charts.theme import DARK, FONT, LIGHT, Tokens, contrast, css_variables, on

ROOT = Path(__file__).parents[1]
CONFIG = tomllib.loads((ROOT / ".streamlit/config.toml").read_text(encoding="utf-8"))
STYLE = (ROOT / "pages/parts/style.css").read_text(encoding="utf-8")
GROUNDS = ("page", "surface", "sunken")
SIGHT = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_LMS = np.array([
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
])  # fmt: skip
TO_LAB = np.array([
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
])  # fmt: skip
both = pytest.mark.parametrize("t", [LIGHT, DARK], ids=["light", "dark"])


def linear(colour: str) -> np.ndarray:
    c = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def closest(colours: list[str], sight: str) -> float:
    """Distance in OKLab × 100 of the two colours that look most alike."""
    lab = [TO_LAB @ np.cbrt(TO_LMS @ np.clip(SIGHT[sight] @ linear(c), 0, 1)) for c in colours]
    return min(100 * float(np.linalg.norm(a - b)) for i, a in enumerate(lab) for b in lab[i + 1 :])


def sets(t: Tokens) -> dict[str, list[str]]:
    return {
        "categorical": list(t.categorical),
        "nps": [t.promoters, t.passives, t.detractors],
        "flow": [t.accent, t.drop_off, t.other],
        "a and b": [t.group_a, t.group_b],
    }


@both
@pytest.mark.parametrize("word", ["text", "muted", "accent", "good", "bad", "warning"])
def test_words_can_be_read_on_every_ground(t: Tokens, word: str) -> None:
    assert min(contrast(t[word], t[ground]) for ground in GROUNDS) >= 4.5


@both
def test_a_notice_and_a_chip_can_be_read(t: Tokens) -> None:
    assert contrast(t.text, t.warning_soft) >= 4.5
    assert contrast(t.text, t.accent_soft) >= 4.5
    assert contrast(t.on_accent, t.accent) >= 4.5


@both
def test_marks_stand_out_from_their_ground(t: Tokens) -> None:
    roles = ("promoters", "passives", "detractors", "drop_off", "other", "group_a", "group_b")
    for mark in [*t.categorical, *(t[role] for role in roles)]:
        assert min(contrast(mark, t[ground]) for ground in ("page", "surface")) >= 3, mark


@both
@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("name", ["categorical", "nps", "flow", "a and b"])
def test_colours_of_one_chart_differ_for_every_sight(t: Tokens, sight: str, name: str) -> None:
    assert closest(sets(t)[name], sight) >= 8


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("diverging", [True, False])
def test_the_number_in_a_heat_map_cell_can_be_read(mode: str, diverging: bool) -> None:
    for value in range(-80, 81, 2):
        fill = shade(value, (-80, 80), diverging, mode)
        assert contrast(on(fill, mode), fill) >= 4.5, value


@pytest.mark.parametrize(("t", "mode"), [(LIGHT, "light"), (DARK, "dark")])
def test_streamlit_has_the_same_colours(t: Tokens, mode: str) -> None:
    theme = CONFIG["theme"][mode]
    assert theme["primaryColor"] == theme["linkColor"] == t.accent
    assert theme["backgroundColor"] == t.page
    assert theme["secondaryBackgroundColor"] == t.surface
    assert theme["textColor"] == t.text
    assert theme["borderColor"] == theme["dataframeBorderColor"] == t.line
    assert theme["dataframeHeaderBackgroundColor"] == t.sunken
    assert (theme["greenColor"], theme["redColor"]) == (t.good, t.bad)
    assert tuple(theme["chartCategoricalColors"]) == t.categorical
    assert set(t.sequential) <= set(theme["chartSequentialColors"])
    assert set(t.diverging) <= set(theme["chartDivergingColors"])


def test_streamlit_knows_every_setting() -> None:
    from streamlit import config

    def names(table: dict[str, object], start: str = "") -> list[str]:
        return [n for k, v in table.items() for n in (names(v, f"{start}{k}.") if isinstance(v, dict) else [start + k])]

    assert set(names(CONFIG)) <= set(config._config_options_template)


def test_the_server_is_private_and_tells_no_secrets() -> None:
    assert CONFIG["server"]["address"] == "127.0.0.1"
    assert CONFIG["client"]["showErrorDetails"] == "none"
    assert CONFIG["client"]["disableDataExport"] is True
    assert CONFIG["browser"]["gatherUsageStats"] is False


def test_every_font_is_there_with_its_licence() -> None:
    assert CONFIG["theme"]["font"] == FONT
    faces = CONFIG["theme"]["fontFaces"]
    assert len(faces) == 10
    for face in faces:
        assert (ROOT / face["url"].removeprefix("app/")).read_bytes()[:4] == b"wOF2"
    assert {p.name for p in (ROOT / "static").glob("OFL-*.txt")} == {"OFL-ibm-plex-sans.txt", "OFL-vazirmatn.txt"}


def test_the_style_uses_only_known_colours_and_no_emotion_classes() -> None:
    known = {"--tl-" + f.name.replace("_", "-") for f in fields(Tokens)} | {"--tl-stages"}
    assert set(re.findall(r"--tl-[\w-]+", STYLE)) <= known
    assert "emotion" not in re.sub(r"/\*.*?\*/", "", STYLE, flags=re.DOTALL)


def test_the_style_has_no_direction_of_its_own() -> None:
    rules = re.sub(r"/\*.*?\*/", "", STYLE, flags=re.DOTALL)
    assert not re.search(r"(margin|padding|border|inset)-(left|right)\b|text-align:(left|right)", rules)


def test_paper_is_always_light() -> None:
    on_paper = css_variables("dark").split("@media print")[1]
    assert f"--tl-page:{LIGHT.page};" in on_paper
