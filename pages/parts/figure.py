"""A card: the finding, what is drawn, the picture, one caption line; and in its corner how it was counted, and the data.

What a run shows is written down as it is drawn, so that the page can be exported (`exporting.py`). Charts and markup may come
as a function of their reader: a file is always on light ground, whatever ground the screen has.

    figure.begin()                                            # once per run, before the first card
    with figure.card("funnel", finding, note, [people, dates], explain=figure.Explain(meaning, frame)):
        figure.altair(lambda reader: draw_funnel(frame, reader), alt=finding)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import altair as alt
import pandas as pd
import streamlit as st

from cx_metrics.charts.sankey import SankeyFigure
from cx_metrics.charts.theme import css_variables
from cx_metrics.explaining import Query
from cx_metrics.exports.book import Drawing, Format
from cx_metrics.safe_text import safe
from cx_metrics.texts import Text
from pages.parts import card_files, state
from pages.parts.drawn import picture
from pages.parts.explained import show_queries
from pages.parts.language import PageReader, _, reader
from pages.parts.markup import Html, Markup, Words

STYLE = Path(__file__).with_name("style.css")
SHOWN, OPENED = "shown_cards", "shown_page"  # session_state: the cards of this run, in order; what the page opens with
QUIET = "quiet"  # session_state: a run that nobody looks at, for an export of all pages

Draw = alt.LayerChart | alt.Chart | Callable[[PageReader], alt.LayerChart | alt.Chart]
Build = Html | Callable[[Markup], Html]


@dataclass(frozen=True)
class Explain:
    """What stands behind a card: how it is counted (term and meaning, or one paragraph), and its data.

    `table` is shown on the page on demand and given as CSV; `name` is the stem of that file, ASCII only. `query` puts the queries
    together once somebody wants to see them. `columns`: what a column of the table is called in a workbook, and how its numbers are
    written there.
    """

    meaning: Sequence[tuple[Words, object]] | Words = ()
    table: pd.DataFrame | None = None
    name: str = ""
    query: Callable[[], Sequence[Query]] | None = None
    columns: Mapping[str, tuple[Words, Format]] = field(default_factory=dict)


@dataclass
class Opened:
    """What a page opens with: its name, its finding, its question, who was counted and when."""

    name: str
    finding: Words
    question: str
    lines: Sequence[Words] = ()


@dataclass
class Shown:
    """One card as it was drawn in this run."""

    finding: Words = ""
    note: Words = ""
    caption: Sequence[Words] = ()
    body: list[Callable[[PageReader], str | Drawing]] = field(default_factory=list)
    key: str = ""
    explain: Explain | None = None
    pictures: int = 0  # how many of its parts are charts


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
    st.session_state[OPENED] = None


def opened(name: str, finding: Words, question: str, lines: Sequence[Words]) -> None:
    """Write down what the page opens with."""
    st.session_state[OPENED] = Opened(name, finding, question, lines)


def drawn() -> tuple[Opened | None, list[Shown]]:
    """What the last run of the page showed."""
    return st.session_state.get(OPENED), [c for c in _cards() if c.finding or c.body]


def is_quiet() -> bool:
    """Whether nobody looks at this run."""
    return bool(st.session_state.get(QUIET))


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
    shown = Shown(finding, note, caption_parts, key=key, explain=explain)
    _cards().append(shown)
    as_table, files = False, None
    with st.container(key=f"card_{key}", height=height) as place:
        with st.container(horizontal=True, wrap=False, key=f"menu_{key}", gap="small"):
            st.html(m.card_head(finding, note))
            if explain is not None and not is_quiet():
                as_table, files = _explain(key, explain, m)
        yield place
        if files is not None:
            with files:
                card_files.offer(shown, reader())
        if as_table and explain is not None and explain.table is not None:
            st.dataframe(explain.table, hide_index=True, key=f"data_{key}")
        if caption_parts:
            st.html(m.caption(caption_parts))
    _cards().append(Shown())  # what follows outside a card stands bare until the next one begins


def _explain(key: str, explain: Explain, m: Markup) -> tuple[bool, Any]:
    """The popover in the corner of a card: whether the data should be shown as a table, and where the files of the card go."""
    as_table = False
    with st.popover(_("Explain"), type="tertiary", key=f"explain_{key}"):
        _meaning(explain, m)
        if explain.query is not None:
            show_queries(key, explain.query, m)
        if explain.table is not None:
            as_table = st.toggle(_("Show as table"), key=f"table_{key}")
        files = st.container(horizontal=True, key=f"files_{key}", gap="small")
    return as_table, files


def _meaning(explain: Explain, m: Markup) -> None:
    """How it is counted: term and meaning, or one paragraph."""
    if explain.meaning:
        st.markdown(f"**{_('How this is counted')}**")
        pairs = explain.meaning
        whole = isinstance(pairs, (str, Text))
        st.html(f'<p class="tl-caption">{m.words(pairs)}</p>' if whole else m.definitions(pairs))  # type: ignore[arg-type]


def explain_several(key: str, parts: Sequence[tuple[Words, Explain]]) -> None:
    """One popover for several numbers that stand together: each of them opens by its name."""
    m = Markup(reader())
    with st.popover(_("Explain"), type="tertiary", key=f"explain_{key}"):
        for i, (name, explain) in enumerate(parts):
            words = m.reader.say(name) if isinstance(name, Text) else str(name)
            with st.expander(safe(words, "markdown"), key=f"explain_{key}_{i}"):
                _meaning(explain, m)
                if explain.query is not None:
                    show_queries(f"{key}_{i}", explain.query, m)


def html(build: Build) -> None:
    """Our own markup, here and in the file."""
    _record(lambda who: build if isinstance(build, Html) else build(Markup(who)))
    here = state.query_without("touchpoint", "name")
    st.html(build if isinstance(build, Html) else build(Markup(reader(), here)))


def altair(draw: Draw, alt: Words, key: str | None = None, wide: bool = False, on_select: Any = "ignore") -> Any:
    """A Vega-Lite chart. `alt` says what it shows; `wide` lets it scroll inside its card on a phone."""
    who = reader()
    words = who.say(alt) if isinstance(alt, Text) else str(alt)
    _record(lambda light: Drawing(draw(light) if callable(draw) else draw, words), picture=True)
    if is_quiet():
        return None
    chart = picture(draw, who) if callable(draw) else draw
    with _wide(key if wide else None):
        return st.altair_chart(chart, theme=None, width="stretch", alt=words, key=key, on_select=on_select)


def echarts(
    figure: SankeyFigure,
    key: str,
    offline: Callable[[PageReader], Any] | None = None,
    height: int = 470,
    on_select: Any = "rerun",
) -> Any:
    """The Sankey, in SVG: sharp on paper and readable by tests. `offline` draws the same picture for files. One that needs
    more width than its card has scrolls inside it.

    Returns the event: `event.selection` holds indices into `figure.nodes` ("node") or `figure.links` ("edge").
    """
    if offline is not None:
        _record(lambda light: Drawing(offline(light), figure.alt), picture=True)
    if is_quiet():
        return None
    with _wide(key if figure.width is None else f"{figure.width}_{key}", scrolls=True):
        return st.echarts_chart(
            figure.options, height=height, key=key, theme=None, on_select=on_select, renderer="svg", alt=figure.alt
        )


def _cards() -> list[Shown]:
    cards: list[Shown] = st.session_state.setdefault(SHOWN, [])
    return cards


def _record(build: Callable[[PageReader], str | Drawing], picture: bool = False) -> None:
    cards = _cards()
    if not cards:
        cards.append(Shown())
    cards[-1].body.append(build)
    cards[-1].pictures += picture


@contextmanager
def _wide(key: str | None, scrolls: bool = False) -> Iterator[None]:
    """A box that a picture can be wider than: on a phone, or everywhere where it `scrolls`. The keyboard comes into it too."""
    if key is None:
        yield
        return
    with st.container(key=f"wide_{key}"):
        m = Markup(reader())
        st.html(m.reach(scrolls))
        yield
