"""What people say, on the pages about what they do: the score and the loudest theme of each stage or touchpoint, and in short."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from cx_metrics import findings, findings_words
from cx_metrics.texts import N_, NP_, Text
from pages.parts import cache, figure, scores, state, view_words, words
from pages.parts.markup import Markup, Words
from pages.parts.page import Page

PLACES = ("stage", "touchpoint")
MOST_ROWS = 20
IN_SHORT = 3  # themes
NOTES = {
    "stage": N_("What answers about each stage score, and what their comments are about most"),
    "touchpoint": N_("What answers about each touchpoint score, and what their comments are about most"),
}


def draw_said(page: Page) -> None:
    """By stage or touchpoint: the score with its interval, the theme most written about, and how people feel about it."""
    offered = [place for place in PLACES if place in page.columns("surveys")]
    if not offered:
        return
    asked, _problems = scores.ask(page)
    chosen = state.kept("said_by", offered[0])
    place = str(chosen) if chosen in offered else offered[0]
    name, _enough = scores.broadest(page, place, list(asked)) if asked else (None, 0)
    scored = page.ask(name, by=[place]) if name else None
    themes = page.ask("themes", by=[place]) if words.is_read(page) else None
    loud = findings_words.loudest(themes.frame, place) if themes else pd.DataFrame(columns=[place])
    known = scored.frame[scored.frame[place].notna() & (scored.frame["responses"] > 0)] if scored else pd.DataFrame()
    rows = {r[place]: r for _i, r in known.iterrows()}
    said = {r[place]: r for _i, r in loud.iterrows()}
    order = _in_order(page, place, [*rows, *said])
    result = scored or themes
    if not order or result is None:
        return
    finding = findings_words.loudest_at(loud.assign(named=[_word(page, place, v) for v in loud[place]]), "named") if (
        len(loud)) else scores.finding(page, place, str(name))  # fmt: skip
    caption = page.caption("responses", [
        Text(N_("grey: fewer than {n} answers or {m} comments"), {"n": findings.MIN_SCORES, "m": words.ENOUGH}),
        *(words.trust(page) if themes else []),
    ])  # fmt: skip
    heads: list[Words] = [Text(view_words.LABELS[place])]
    if scored and name:
        heads += [scores.label(name, scored.frame), Text(N_("n"))]
    if len(loud):
        heads += [Text(N_("Loudest theme")), Text(N_("Comments")), Text(N_("Negative"))]
    numeric = tuple(i for i in range(1, len(heads)) if not (len(loud) and i == len(heads) - 3))
    with page.card("said_at", finding, Text(NOTES[place]), result, caption):
        _choose(page, offered, place)
        figure.html(lambda m: m.table(heads, [
            [m.strong(_word(page, place, at)), *(_score(m, str(name), rows.get(at)) if scored else ()),
             *(_theme(m, said.get(at)) if len(loud) else ())]
            for at in order[:MOST_ROWS]
        ], numeric=numeric))  # fmt: skip


def _in_order(page: Page, place: str, found: list[Any]) -> list[Any]:
    """The places in the order of the journey, each once."""
    known = page.facts.stages if place == "stage" else page.ask("touchpoint_engagement").frame["touchpoint"]
    return [at for at in dict.fromkeys([*known, *found]) if at in set(found)]


def _word(page: Page, place: str, at: object) -> str:
    return page.stage(at) if place == "stage" else str(at)


def _score(m: Markup, name: str, row: Any) -> list[object]:
    if row is None:
        return [m.dim("–"), ""]
    share, decimals = name == "csat", 1 if name == "ces" else 0
    shown = m.percent(row[name]) if share else m.number(row[name], decimals)
    both = m.over(shown, m.interval(row[f"{name}_low"], row[f"{name}_high"], decimals, share))
    return [both if row["responses"] >= findings.MIN_SCORES else m.dim(both), m.number(row["responses"])]


def _theme(m: Markup, row: Any) -> list[object]:
    if row is None:
        return [m.dim("–"), "", ""]
    negative = m.over(
        m.percent(row["negative_share"]), m.interval(row["negative_share_low"], row["negative_share_high"], 0, True)
    )
    return [
        m.text(row["theme"]),
        m.number(row["comments"]),
        negative if row["read"] >= words.ENOUGH else m.dim(negative),
    ]


def _choose(page: Page, offered: list[str], place: str) -> None:
    if len(offered) < 2:
        return
    state.seed("said_place", place)
    st.segmented_control(
        page.reader.say(N_("Grouped by")), offered, key="said_place", label_visibility="collapsed", on_change=_take_place,
        format_func=lambda name: page.reader.say(view_words.LABELS[name]),
    )  # fmt: skip


def _take_place() -> None:
    state.keep("said_by", state.value("said_place"))


def draw_in_short(page: Page) -> None:
    """What people say, in short: the themes most written about, how people feel about them, where; more of it on Voice."""
    if not page.has("surveys") or not words.is_read(page):
        return
    themes = page.ask("themes")
    frame = themes.frame[themes.frame["theme"].notna() & (themes.frame["comments"] > 0)]
    if not len(frame):
        return
    place = next((c for c in PLACES if c in page.columns("surveys")), None)
    at = page.ask("themes", by=[place]).frame if place else pd.DataFrame()
    at = at[at["theme"].notna() & at[place].notna()] if place else at
    at = at.assign(named=[_word(page, str(place), v) for v in at[place]]) if place else at
    finding = findings_words.loudest_of_all(frame, at, "named")
    total = int(frame["of"].iloc[0])
    one, many = NP_("{n} comment", "{n} comments")
    heads = [Text(N_("Theme")), Text(N_("Comments")), Text(N_("Negative")), *([Text(N_("Most often at"))] if place else []),
             Text(N_("In their words"))]  # fmt: skip
    top = frame.head(IN_SHORT)
    where = {theme: findings_words.where_most(at, theme, "named") for theme in top["theme"]} if place else {}
    quotes = {theme: _quote(page, str(theme)) for theme in top["theme"]}
    with page.card("said_in_short", finding, Text(N_("What people write about most")), themes,
                   [Text(one, {"n": total}, many, total), *page.period("surveys"), *words.trust(page)],
                   ("comments", "share", "negative_share")):  # fmt: skip
        figure.html(lambda m: m.table(heads, [
            [m.strong(r.theme), m.over(m.number(r.comments), m.percent(r.share)), _theme(m, r._asdict())[2],
             *([where[r.theme] or m.dim("–")] if place else []),
             m.quote(quotes[r.theme]) if quotes[r.theme] else m.dim("–")]
            for r in top.itertuples(index=False)
        ], numeric=(1, 2)))  # fmt: skip
        if st.button(page.reader.say(N_("More on what they say")), key="to_voice", type="tertiary"):
            st.switch_page("pages/opinion/voice.py")


def _quote(page: Page, theme: str) -> str:
    """A typical comment about a theme."""
    found, _count = cache.comments(page.version, page.view, theme=theme, typical=True, most=1)
    return str(found["comment"].iloc[0]) if len(found) else ""
