"""What people wrote: themes with how they feel, typical words of each, how far the reading can be trusted, and the comments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from cx_metrics import findings_words, importing
from cx_metrics.charts.heatmap import draw_heatmap
from cx_metrics.comments.labels import CLASSES
from cx_metrics.comments.search import places
from cx_metrics.comments.theme_edits import ThemeEdit
from cx_metrics.texts import N_, NP_, Text
from cx_metrics.workspace.access import may
from pages.parts import cache, figure, scores, state
from pages.parts.markup import Markup, Words
from pages.parts.page import Page

COMMENTS, QUOTES, MOST_THEMES, MOST_PLACES = 30, 2, 14, 6
HEAT = {
    "stage": N_("Negative share of comments by theme and stage"),
    "touchpoint": N_("Negative share of comments by theme and touchpoint"),
    "channel": N_("Negative share of comments by theme and channel"),
}
ENOUGH = 10  # comments below which a share is greyed
ALL = "all"
MOODS: dict[str, str] = {ALL: N_("All"), "low": N_("Unhappy"), "high": N_("Happy")}
KINDS = {**scores.NAMES, "ces": N_("Effort (CES)"), "rating": N_("Other rating"), "choice": N_("Choice"),
         "text": N_("Open question")}  # fmt: skip
LANGUAGES = {"en": N_("English"), "ar": N_("Arabic"), "fa": N_("Persian"), "ru": N_("Russian")}
UNKNOWN = N_("language not known")
FINDING = N_('All words have to be there. "Words in quotes" stand side by side; -word leaves out.')
STEADY = 0.75  # of the Jaccard index (Hennig 2007)
PLACES = ("stage", "touchpoint", "channel")


def is_read(page: Page) -> bool:
    """Whether the comments of this dataset were read when they came in."""
    return page.facts.heard is not None and "sentiment" in page.columns("surveys")


def draw_themes(page: Page) -> None:
    """What people write about, how they feel about it, and the words that stand for it."""
    if not is_read(page):
        return
    themes = page.ask("themes")
    frame = themes.frame[themes.frame["theme"].notna() & themes.frame["comments"].notna()]
    if not len(frame):
        draw_untold(page)
        return
    total = int(frame["of"].iloc[0])
    one, many = NP_("{n} comment", "{n} comments")
    caption: list[Words] = [
        Text(one, {"n": total}, many, total), *page.period("surveys"), Text(N_("themes found in the words, named by them")),
        Text(N_("a comment has one theme or none")),
        Text(N_("steadiness: how much of a theme is found again in half of the comments; below {steady} the theme may not hold up"),
             {"steady": page.reader.number(STEADY, 2)}), *trust(page),
    ]  # fmt: skip
    heads = [Text(N_("Theme")), Text(N_("Comments")), Text(N_("Share")), Text(N_("Negative")), Text(N_("Positive")),
             Text(N_("Mean score, 0 to 1")), Text(N_("Steadiness"))]  # fmt: skip
    largest = float(frame["share"].max())
    heard = page.facts.heard
    steadiness = {t.name: t.stability for t in heard.themes} if heard else {}

    def share(m: Markup, r: Any, measure: str) -> object:
        shown = m.over(
            m.percent(getattr(r, measure)),
            m.interval(getattr(r, f"{measure}_low"), getattr(r, f"{measure}_high"), 0, True),
        )
        return shown if r.read >= ENOUGH else m.dim(shown)

    def rows(m: Markup) -> list[list[object]]:
        return [
            [m.strong(r.theme),
             m.with_bar(m.number(r.comments), r.share, largest),
             m.over(m.percent(r.share), m.interval(r.share_low, r.share_high, 0, True)),
             share(m, r, "negative_share"), share(m, r, "positive_share"),
             m.over(m.number(r.mean_score, 2), m.interval(r.mean_score_low, r.mean_score_high, 2)),
             m.dim(m.number(steadiness.get(r.theme), 2))]
            for r in frame.head(MOST_THEMES).itertuples()
        ]  # fmt: skip

    with page.card("themes", findings_words.themes(frame), Text(N_("Themes of comments and how people feel about them")), themes,
                   caption, ("comments", "share", "negative_share", "positive_share", "mean_score")):  # fmt: skip
        figure.html(lambda m: m.table(heads, rows(m), numeric=(1, 2, 3, 4, 5, 6)))
        draw_quotes(page, frame)
        edit_themes(page)


def draw_feelings(page: Page) -> None:
    """How people feel about each theme at each stage, or touchpoint where answers name no stage."""
    place = next((c for c in PLACES if is_read(page) and c in page.columns("surveys")), None)
    if place is None:
        return
    result = page.ask("themes", by=[place])
    frame = result.frame[result.frame["theme"].notna() & result.frame[place].notna() & (result.frame["read"] > 0)]
    rows = list(dict.fromkeys(frame.sort_values("comments", ascending=False)["theme"]))[:MOST_THEMES]
    if frame[place].nunique() < 2 or not rows:
        return
    frame = frame[frame["theme"].isin(rows)]
    frame = frame.assign(named=[page.stage(v) if place == "stage" else str(v) for v in frame[place]])
    order = [page.stage(s) for s in page.facts.stages] if place == "stage" else []
    named = sorted(dict.fromkeys(frame["named"]), key=lambda n: order.index(n) if n in order else len(order))[
        :MOST_PLACES
    ]
    note = Text(HEAT[place])
    caption = page.caption(
        "responses", [Text(N_("grey: fewer than {n} comments"), {"n": ENOUGH})], int(frame["comments"].sum())
    )
    finding = findings_words.theme_at(frame, "named")
    with page.card("theme_heat", finding, note, result, caption, ("negative_share", "read")):
        figure.altair(
            lambda who: draw_heatmap(frame, who, "theme", "named", "negative_share", "read", domain=(0, 1), share=True,
                                     min_n=ENOUGH, rows=rows, columns=named),
            finding, key="theme_heat", wide=True,
        )  # fmt: skip


def draw_untold(page: Page) -> None:
    """There are comments, and no themes: why, and how they feel all the same."""
    feelings = page.ask("sentiment")
    if not len(feelings.frame) or not feelings.frame["read"].iloc[0]:
        return
    heard = page.facts.heard
    notes = [Text.from_dict(dict(why)) for why in (heard.notes or {}).values()] if heard else []
    with page.card("themes", findings_words.feelings(feelings.frame), Text(N_("How people feel in what they write")), feelings,
                   [*page.period("surveys"), *trust(page)]):  # fmt: skip
        figure.html(lambda m: m.list(notes))


def draw_quotes(page: Page, frame: pd.DataFrame) -> None:
    """Typical words of one theme, and words that feel the opposite of most of it."""
    names = [str(name) for name in frame["theme"].head(MOST_THEMES)]
    asked = state.kept("quoted_theme", "")
    chosen = str(asked) if asked in names else str(findings_words.most_negative(frame)["theme"])
    state.seed("theme_quoted", chosen)
    with st.container(horizontal=True, key="theme_choice", vertical_alignment="bottom"):
        st.selectbox(page.reader.say(N_("In their words")), names, key="theme_quoted", width=340, on_change=_take_theme)
    row = frame[frame["theme"] == chosen].iloc[0]
    most, other = ("negative", "positive") if row["negative"] >= row["positive"] else ("positive", "negative")
    said = [(feeling, cache.comments(page.version, page.view, theme=chosen, feeling=feeling, typical=True, most=QUOTES)[0])
            for feeling in (most, other)]  # fmt: skip
    quotes = [(Text(CLASSES[feeling]), str(comment)) for feeling, found in said for comment in found["comment"]]
    if quotes:
        figure.html(lambda m: m.definitions([(word, m.quote(comment)) for word, comment in quotes]))


def _take_theme() -> None:
    state.keep("quoted_theme", state.value("theme_quoted"))


def trust(page: Page) -> list[Words]:
    """How often the feeling that was read agrees with the score beside the comment, language by language."""
    heard = page.facts.heard
    found: list[Words] = []
    for one in heard.languages if heard else ():
        language = Text(LANGUAGES[one.language]) if one.language in LANGUAGES else one.language or Text(UNKNOWN)
        found.append(findings_words.proof(one, language))
    return found


def edit_themes(page: Page) -> None:
    """Call themes what people call them, or hide them: kept with the dataset, for this and every later import."""
    heard = page.facts.heard
    if heard is None or not heard.themes or not may(cache.viewer(), page.version.dataset, "change"):
        return
    say = page.reader.say
    with st.expander(say(N_("Name, merge or hide themes")), key="theme_edits"):
        st.html(
            page.m.caption([Text(N_("Themes that are given one name become one. Names are kept with the dataset."))])
        )
        shown = pd.DataFrame({
            "name": [t.name for t in heard.themes], "hidden": [t.hidden for t in heard.themes],
            "terms": [page.reader.listing(t.terms) for t in heard.themes], "comments": [t.comments for t in heard.themes],
        })  # fmt: skip
        columns = {
            "name": st.column_config.TextColumn(say(N_("Theme")), max_chars=80, required=True),
            "hidden": st.column_config.CheckboxColumn(say(N_("Hidden"))),
            "terms": st.column_config.TextColumn(say(N_("Its words")), disabled=True),
            "comments": st.column_config.NumberColumn(say(N_("Comments")), disabled=True),
        }
        edited = st.data_editor(shown, column_config=columns, hide_index=True, key="themes_grid", num_rows="fixed")
        changed = edited[["name", "hidden"]].ne(shown[["name", "hidden"]]).any(axis=1)
        if st.button(say(N_("Keep these names")), key="keep_themes", disabled=not changed.any(), type="primary"):
            new = [
                ThemeEdit(t.language, t.terms, str(name).strip(), bool(hidden))
                for t, name, hidden, other in zip(heard.themes, edited["name"], edited["hidden"], changed, strict=True) if other
            ]  # fmt: skip
            _keep(page, new)


def _keep(page: Page, edits: Sequence[ThemeEdit]) -> None:
    """Read the files once more with these names: a new version, which can be undone as any."""
    plan = importing.plan_of(cache.workspace(), page.version)
    kept = {edit.fingerprint: edit for edit in (*plan.themes, *edits)}
    plan = replace(plan, themes=tuple(kept.values()), goal=page.facts.goal)
    state.keep("job", importing.start(cache.workspace(), page.version.dataset, plan, state.session()))
    st.switch_page("pages/start/data.py")


def draw_comments(page: Page) -> None:
    """What people wrote, newest first, by question, mood, theme and words."""
    if "comment" not in page.columns("surveys"):
        return
    say = page.reader.say
    known = cache.values(page.version, "survey_type")
    themes = [str(t) for t in page.ask("themes").frame["theme"].dropna()] if is_read(page) else []
    with st.container(key="card_comments"):
        with st.container(horizontal=True, key="comment_filters"):
            question = st.selectbox(say(N_("Question")), [ALL, *(k for k in KINDS if k in known)], key="comment_question",
                                    width=200, format_func=lambda n: say(KINDS.get(n, MOODS[ALL])))  # fmt: skip
            theme = st.selectbox(say(N_("Theme")), ["", *themes], key="comment_theme", width=240,
                                 format_func=lambda n: n or say(MOODS[ALL])) if themes else ""  # fmt: skip
            find = st.text_input(say(N_("Search the comments")), key="comment_find", width=240, max_chars=200,
                                 help=say(FINDING),
                                 ) if is_read(page) else ""  # fmt: skip
            mood = st.segmented_control(say(N_("Answers")), list(MOODS), default=ALL, key="comment_mood",
                                        format_func=lambda x: say(MOODS[x]))  # fmt: skip
        frame, count = cache.comments(
            page.version, page.view, survey_type=None if question == ALL else question, theme=theme or None, find=find.strip(),
            mood=None if mood in (None, ALL) else mood, most=COMMENTS,
        )  # fmt: skip
        one, many = NP_("{shown} of {count} comment, newest first", "{shown} of {count} comments, newest first")
        shown = Text(one, {"shown": len(frame), "count": count}, many, count)
        st.html(page.m.card_head(Text(N_("In their own words")), shown))
        if len(frame):
            heads = [Text(N_("Date")), Text(N_("Score")), Text(N_("Touchpoint")), *([Text(N_("Theme"))] if themes else []),
                     Text(N_("Comment"))]  # fmt: skip
            st.html(page.m.table(heads, _rows(page, frame, find.strip(), bool(themes)), numeric=(1,)))
        elif count == 0:
            st.html(page.m.caption([Text(N_("No comment fits. Take a word or a choice away."))]))


def _rows(page: Page, frame: pd.DataFrame, find: str, with_theme: bool) -> list[list[object]]:
    m = page.m
    return [
        [m.day(r.answered_at), m.number(r.score), page.group(r.touchpoint),
         *([r.theme if isinstance(r.theme, str) else m.dim("–")] if with_theme else []),
         m.marked(r.comment, places(r.comment, find) if find else ())]
        for r in frame.itertuples()
    ]  # fmt: skip
