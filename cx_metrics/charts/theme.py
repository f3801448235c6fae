"""Design tokens, and what each chart library makes of them. One place for every colour, for pages, charts and exports.

tests/test_design.py checks contrast and colour blindness, and that .streamlit/config.toml says the same.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, Protocol

import altair as alt

from cx_metrics.texts import Text

if TYPE_CHECKING:  # Plotly takes its time to import, and only offline files need it
    import plotly.graph_objects as go

Mode = Literal["light", "dark"]
Options = dict[str, Any]

FONT = "IBM Plex Sans, Vazirmatn, sans-serif"
SPACE = (4, 8, 12, 16, 24, 32, 48)
RADIUS = {"control": 6, "card": 10, "chip": 999}


class Reader(Protocol):
    """What a chart needs to know about who reads it: language, direction, ground, how numbers are written."""

    @property
    def language(self) -> str: ...
    @property
    def rtl(self) -> bool: ...
    @property
    def mode(self) -> Mode: ...

    def number(self, x: float | None, decimals: int = 0, sign: bool = False) -> str: ...
    def percent(self, share: float | None, decimals: int = 0) -> str: ...
    def date(self, day: datetime.date) -> str: ...
    def month(self, day: datetime.date) -> str: ...
    def month_and_year(self, day: datetime.date) -> str: ...
    def duration(self, seconds: float | None) -> str: ...
    def say(self, text: Text | str) -> str: ...
    def isolate(self, text: str) -> str: ...


@dataclass(frozen=True)
class Tokens:
    """The colours of one ground, by role. Lists run from low to high, or in the order of groups."""

    page: str
    surface: str
    sunken: str
    line: str
    line_strong: str
    text: str
    muted: str
    accent: str
    accent_soft: str
    on_accent: str
    good: str
    bad: str
    warning: str
    warning_soft: str
    promoters: str
    passives: str
    detractors: str
    drop_off: str
    other: str
    group_a: str
    group_b: str
    shadow: str
    categorical: tuple[str, ...]
    sequential: tuple[str, ...]
    diverging: tuple[str, ...]

    def __getitem__(self, role: str) -> str:
        value = getattr(self, role)
        assert isinstance(value, str)
        return value


LIGHT = Tokens(
    page="#FAFAF7",
    surface="#FFFFFF",
    sunken="#F1F1EC",
    line="#E0E0D9",
    line_strong="#8A8E87",
    text="#1B2422",
    muted="#59615E",
    accent="#14716A",
    accent_soft="#DCEBE8",
    on_accent="#FFFFFF",
    good="#1F6B3A",
    bad="#A8352B",
    warning="#8A5A00",
    warning_soft="#FBF1DC",
    promoters="#2468B0",
    passives="#918D84",
    detractors="#C4501B",
    drop_off="#7E1F3D",
    other="#8A8E87",
    group_a="#14716A",
    group_b="#B86E00",
    shadow="0 1px 2px rgba(27,36,34,.06)",
    categorical=("#14716A", "#D67007", "#284195", "#6B200C", "#7D936D", "#4C2648", "#7D5F0C", "#229DC1"),
    sequential=("#E6F1EF", "#C3DFDA", "#98C9C2", "#68AFA7", "#3D938B", "#14716A", "#0B514C", "#063531"),
    diverging=("#A23C0D", "#C96B3C", "#E3A482", "#F3D8C8", "#F1F1EC", "#CBDDF0", "#8FB6DF", "#4F89C6", "#1D5595"),
)
DARK = Tokens(
    page="#111716",
    surface="#19211F",
    sunken="#212B29",
    line="#303B38",
    line_strong="#7F8A86",
    text="#E9EDEA",
    muted="#A9B3AF",
    accent="#4DB8A8",
    accent_soft="#1E3935",
    on_accent="#0C1514",
    good="#7CC796",
    bad="#F0938A",
    warning="#E5B95C",
    warning_soft="#33290F",
    promoters="#6CA8E6",
    passives="#8D918C",
    detractors="#EE8650",
    drop_off="#F9BFCC",
    other="#7F8A86",
    group_a="#4DB8A8",
    group_b="#E0A13C",
    shadow="none",
    categorical=("#4DB8A8", "#B07049", "#708DCF", "#FEC2BA", "#ABC670", "#897190", "#BB984B", "#A0DEF8"),
    sequential=("#17302D", "#1C4742", "#225F58", "#2B7A71", "#3A978B", "#4DB8A8", "#86D2C6", "#C2EAE3"),
    diverging=("#F2A27A", "#CF7746", "#94532F", "#55362A", "#262F2D", "#27405A", "#345F8C", "#4E88C2", "#8FBDEB"),
)


def tokens(mode: str) -> Tokens:
    """The colours for that ground; light for anything but "dark"."""
    return DARK if mode == "dark" else LIGHT


def css_variables(mode: str) -> str:
    """The tokens as CSS variables (--tl-accent …); paper always gets the light ones."""

    def block(values: Tokens) -> str:
        pairs = ((f.name.replace("_", "-"), getattr(values, f.name)) for f in fields(values))
        return "".join(f"--tl-{name}:{value};" for name, value in pairs if isinstance(value, str))

    return f":root{{{block(tokens(mode))}}}@media print{{:root{{{block(LIGHT)}}}}}"


def on(colour: str, mode: str) -> str:
    """Which ink can be read on that colour? The text of the page while it can, otherwise white or black, whichever reads best."""
    text = tokens(mode).text
    return text if contrast(text, colour) >= 4.5 else max(("#FFFFFF", "#000000"), key=lambda ink: contrast(ink, colour))


def contrast(one: str, other: str) -> float:
    """Contrast of two colours after WCAG 2: 1 (none) to 21.

    >>> round(contrast("#000000", "#FFFFFF"))
    21
    """
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def altair_config(reader: Reader) -> Options:
    """Vega-Lite configuration. Applied chart by chart: a global theme would leak between readers."""
    t = tokens(reader.mode)
    words: Options = {
        "labelFont": FONT,
        "titleFont": FONT,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "labelColor": t.muted,
        "titleColor": t.muted,
        "titleFontWeight": "normal",
    }
    axis = {"grid": False, "domain": False, "ticks": False, "labelPadding": 8, "labelLimit": 190, "gridColor": t.line}
    title = {"font": FONT, "fontSize": 14, "fontWeight": 600, "color": t.text}
    return {
        "background": "transparent",
        "font": FONT,
        "padding": 4,
        "view": {"stroke": None},
        "mark": {"tooltip": None},  # only where a chart has prepared one; else Streamlit shows raw columns
        "axis": words | axis,
        "axisQuantitative": {"grid": True, "tickCount": 5},
        "legend": words | {"symbolSize": 80},
        "title": title | {"anchor": "end" if reader.rtl else "start"},
        "text": {"font": FONT, "fontSize": 12, "color": t.text},
        "bar": {"color": t.accent, "cornerRadius": 2},
        "line": {"color": t.accent, "strokeWidth": 2.25},
        "area": {"color": t.accent, "opacity": 0.16},
        "rule": {"color": t.line_strong},
        "point": {"color": t.accent, "filled": True},
        "range": {
            "category": list(t.categorical),
            "ramp": list(t.sequential),
            "heatmap": list(t.sequential),
            "diverging": list(t.diverging),
        },
    }


def themed(layers: Sequence[alt.Chart], reader: Reader, height: float | alt.Step) -> alt.LayerChart:
    """The layers as one chart with our configuration; draw it with theme=None."""
    chart = alt.LayerChart(layer=list(layers), height=height)
    configured: alt.LayerChart = chart.configure(**altair_config(reader))
    return configured


def echarts_base(reader: Reader) -> Options:
    """ECharts options of every chart. Streamlit has no theme registry, so they are merged into each one."""
    t = tokens(reader.mode)
    return {
        "backgroundColor": "transparent",
        "color": list(t.categorical),
        "animation": False,  # a rerun during the opening animation left the picture half drawn; and some readers ask for none
        "textStyle": {"fontFamily": FONT, "color": t.text, "fontSize": 13},
        "tooltip": {
            "backgroundColor": t.surface,
            "borderColor": t.line,
            "borderWidth": 1,
            "padding": [8, 12],
            "textStyle": {"color": t.text, "fontFamily": FONT, "fontSize": 13},
            "confine": True,
        },
        "aria": {"enabled": False},  # the page gives alt= in the reader's language
    }


def plotly_template(reader: Reader) -> go.layout.Template:
    """Plotly template, for offline files and for charts the other two libraries lack."""
    import plotly.graph_objects as go

    t, rtl = tokens(reader.mode), reader.rtl
    axis: Options = {
        "gridcolor": t.line,
        "zerolinecolor": t.line_strong,
        "linecolor": t.line,
        "ticks": "",
        "automargin": True,
        "tickfont": {"color": t.muted, "size": 12},
        "title": {"font": {"color": t.muted, "size": 12}},
    }
    start = {"x": 1 if rtl else 0, "xanchor": "right" if rtl else "left"}
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": t.text},
            "colorway": list(t.categorical),
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 8, "r": 8, "t": 32, "b": 8},
            "title": {"font": {"size": 16}} | start,
            "xaxis": axis | {"showgrid": False},
            "yaxis": axis | {"side": "right" if rtl else "left"},
            "hoverlabel": {"bgcolor": t.surface, "bordercolor": t.line, "font": {"family": FONT, "color": t.text}},
            "legend": {"orientation": "h", "y": 1.08} | start,
            "colorscale": {
                "sequential": [[i / 7, c] for i, c in enumerate(t.sequential)],
                "diverging": [[i / 8, c] for i, c in enumerate(t.diverging)],
            },
        }
    )
