"""A card: the finding, what is drawn, the picture, one caption line; and in its corner how it was counted, and the data.

What a run shows is written down as it is drawn, so that the page can be kept as one file (`offline_page`). Charts and markup
may come as a function of their reader: the file is always on light ground, whatever ground the screen has.

    figure.begin()                                            # once per run, before the first card
    with figure.card("funnel", finding, note, [people, dates], explain=figure.Explain(meaning, frame)):
        figure.altair(lambda reader: draw_funnel(frame, reader), alt=finding)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import altair as alt
import pandas as pd
import streamlit as st

from cx_metrics.charts.sankey import SankeyFigure
from cx_metrics.charts.theme import css_variables
from cx_metrics.exports.html import Card, Drawing, page_html
from cx_metrics.exports.tables import safe_csv
from cx_metrics.texts import Text
from pages.parts import drawn
from pages.parts.language import PageReader, _, reader, speaking
from pages.parts.markup import Html, Markup, Words

STYLE = Path(__file__).with_name("style.css")
SHOWN = "shown_cards"  # session_state: the cards of this run, in order

Draw = alt.LayerChart | alt.Chart | Callable[[PageReader], alt.LayerChart | alt.Chart]
Build = Html | Callable[[Markup], Html]


@dataclass(frozen=True)
class Explain:
    """What stands behind a card: how it is counted (term and meaning, or one paragraph), and its data.

    `table` is shown on the page on demand and given as CSV; `name` is the stem of that file, ASCII only.
    """

    meaning: Sequence[tuple[Words, object]] | Words = ()
    table: pd.DataFrame | None = None
    name: str = ""


@dataclass
class Shown:
    """One card as it was drawn in this run."""

    finding: Words = ""
    note: Words = ""
    caption: Sequence[Words] = ()
    body: list[Callable[[PageReader], str | Drawing]] = field(default_factory=list)


def page_style() -> None:
    """Tokens, rules, and the language and direction of the document. Once per run, from app.py."""
    who = reader()
    st.html(f"<style>{css_variables(who.mode)}{STYLE.read_text(encoding='utf-8')}</style>")
    direction = "rtl" if who.rtl else "ltr"  # all three from fixed lists: no data reaches this script
    rtl = "r.dataset.rtl=''" if who.rtl else "delete r.dataset.rtl"
    script = f"const r=document.documentElement;r.lang='{who.language}';r.dir='{direction}';r.dataset.mode='{who.mode}';{rtl}"
    st.html(f"<script>(()=>{{{script}}})()</script>", unsafe_allow_javascript=True)


def begin() -> None:
    """Forget what the last run showed."""
    st.session_state[SHOWN] = []


@contextmanager
def card(
    key: str,
    finding: Words,
    note: Words = "",
    caption_parts: Sequence[Words] = (),
    explain: Explain | None = None,
    height: Literal["content", "stretch"] | int = "content",
) -> Iterator[Any]:
    """Finding (h2), muted note, the body that the caller draws, one caption line; "Explain" in the corner."""
    m = Markup(reader())
    shown = Shown(finding, note, caption_parts)
    _cards().append(shown)
    as_table = False
    with st.container(key=f"card_{key}", height=height) as place:
        with st.container(horizontal=True, wrap=False, key=f"menu_{key}", gap="small"):
            st.html(m.card_head(finding, note))
            if explain is not None:
                as_table = _explain(key, explain, m)
        yield place
        if as_table and explain is not None and explain.table is not None:
            st.dataframe(explain.table, hide_index=True, key=f"data_{key}")
        if caption_parts:
            st.html(m.caption(caption_parts))
    _cards().append(Shown())  # what follows outside a card stands bare until the next one begins


def _explain(key: str, explain: Explain, m: Markup) -> bool:
    """The popover in the corner of a card; says whether the data should be shown as a table."""
    with st.popover(_("Explain"), type="tertiary", key=f"explain_{key}"):
        if explain.meaning:
            st.markdown(f"**{_('How this is counted')}**")
            pairs = explain.meaning
            whole = isinstance(pairs, (str, Text))
            st.html(f'<p class="tl-caption">{m.words(pairs)}</p>' if whole else m.definitions(pairs))  # type: ignore[arg-type]
        if explain.table is None:
            return False
        as_table = st.toggle(_("Show as table"), key=f"table_{key}")
        st.download_button(
            _("Download CSV"), partial(safe_csv, explain.table), f"touchline-{explain.name or key}.csv", "text/csv",
            key=f"csv_{key}", icon=":material/download:", on_click="ignore",
        )  # fmt: skip
    return as_table


def html(build: Build) -> None:
    """Our own markup, here and in the file."""
    _record(lambda who: build if isinstance(build, Html) else build(Markup(who)))
    st.html(build if isinstance(build, Html) else build(Markup(reader())))


def altair(draw: Draw, alt: Words, key: str | None = None, wide: bool = False, on_select: Any = "ignore") -> Any:
    """A Vega-Lite chart. `alt` says what it shows; `wide` lets it scroll inside its card on a phone."""
    who = reader()
    words = who.say(alt) if isinstance(alt, Text) else str(alt)
    _record(lambda light: Drawing(draw(light) if callable(draw) else draw, words))
    chart = drawn.picture(draw, who) if callable(draw) else draw
    with _wide(wide, key):
        return st.altair_chart(chart, theme=None, width="stretch", alt=words, key=key, on_select=on_select)


def echarts(
    figure: SankeyFigure,
    key: str,
    offline: Callable[[PageReader], Any] | None = None,
    height: int = 470,
    on_select: Any = "rerun",
) -> Any:
    """The Sankey, in SVG: sharp on paper and readable by tests. `offline` builds its Plotly twin for the file. One that needs
    more width than its card has scrolls inside it.

    Returns the event: `event.selection` holds indices into `figure.nodes` ("node") or `figure.links` ("edge").
    """
    if offline is not None:
        _record(lambda light: Drawing(offline(light), figure.alt))
    with _wide(True, key if figure.width is None else f"{figure.width}_{key}"):
        return st.echarts_chart(
            figure.options, height=height, key=key, theme=None, on_select=on_select, renderer="svg", alt=figure.alt
        )


def offline_page(title: Words, question: Words, view_lines: Sequence[Words]) -> Callable[[], str]:
    """The page as one file, made when it is asked for: pass it as `data` of a download button.

    May be called before the cards are drawn; it keeps the list that they are written into.
    """
    light = replace(reader(), mode="light")
    cards = _cards()

    def words(value: Words) -> str:
        return light.say(value) if isinstance(value, Text) else str(value)

    def build() -> str:
        with speaking(light.language):
            return whole()

    def whole() -> str:
        kept = [
            Card(words(c.finding), words(c.note), [draw(light) for draw in c.body], [words(p) for p in c.caption])
            for c in cards
            if c.finding or c.body
        ]
        lines = [words(line) for line in view_lines]
        return page_html(words(title), words(question), lines, kept, light, STYLE.read_text(encoding="utf-8"))

    return build


def _cards() -> list[Shown]:
    cards: list[Shown] = st.session_state.setdefault(SHOWN, [])
    return cards


def _record(build: Callable[[PageReader], str | Drawing]) -> None:
    cards = _cards()
    if not cards:
        cards.append(Shown())
    cards[-1].body.append(build)


@contextmanager
def _wide(wide: bool, key: str | None) -> Iterator[None]:
    if not wide:
        yield
        return
    with st.container(key=f"wide_{key}"):
        yield
