"""Those who were lost before a step: where they went, what sets them apart, what they said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

import pandas as pd
import streamlit as st

from cx_metrics import findings, findings_drop_off, findings_words
from cx_metrics.errors import TouchlineError
from cx_metrics.groups import OTHER
from cx_metrics.registry import METRICS
from cx_metrics.run import Result
from cx_metrics.texts import N_, NP_, Text
from cx_metrics.view import Tried, View
from pages.parts import cache, differing, figure, funnel_builder, scores, state, view_words
from pages.parts.markup import Markup, Words
from pages.parts.page import Page
from pages.parts.words import is_read

Rules: TypeAlias = Mapping[str, Any]
TRAITS = 10
QUOTES = 4
THEMES, TYPICAL = 6, 2
AT_ONCE = 2_000_000  # touchpoints: beyond, what sets them apart takes more than a moment and is asked for
SCORES = {"nps": ("nps",), "csat": ("csat",), "ces": ("ces",)}


def draw_who(page: Page, rules: Rules, funnel: Result, shown: pd.DataFrame, step: int) -> None:
    """What sets those apart who were lost before a step, and what they said."""
    if not (page.has("surveys") and "customer_id" in page.columns("surveys")):
        draw_apart(page, rules, step)
        return
    left, right = st.columns([0.55, 0.45], gap="small")
    with left:
        draw_apart(page, rules, step)
    named = str(shown.loc[shown["step"] == step, "touchpoint"].iloc[0])
    with right:
        draw_said(page, funnel, step, named)
        with page.part():
            draw_themes(page, funnel, step, named)


def draw_next(page: Page, rules: Rules, funnel: Result, shown: pd.DataFrame) -> int | None:
    """Those who were lost before a step: how many, whether they may still come, and where they went instead."""
    lost = shown[(shown["step"] > 1) & (shown["drop_off"] > 0)]
    if not len(lost):
        return None
    went = page.ask("drop_out_next", **rules)
    steps = [int(step) for step in lost["step"]]
    worst = int(lost.loc[lost["drop_off"].idxmax(), "step"])
    chosen = state.value("drop_step")
    step = chosen if chosen in steps else worst
    row = shown[shown["step"] == step].iloc[0]
    frame = went.frame[went.frame["step"] == step].assign(touchpoint=str(row["touchpoint"]))
    largest = float(frame["customers"].max())
    labels = {s: str(name) for s, name in zip(lost["step"], lost["touchpoint"], strict=True)}
    not_over = int(row["not_over"])
    one, many = NP_(
        "of whom {n} may still come: their time is not over", "of whom {n} may still come: their time is not over"
    )
    still = [Text(one, {"n": not_over}, many, not_over)] if not_over else []
    lost_one, lost_many = NP_("{n} customer lost before {touchpoint}", "{n} customers lost before {touchpoint}")
    n = int(row["drop_off"])
    counted = Text(lost_one, {"n": n, "touchpoint": str(row["touchpoint"])}, lost_many, n)
    heads = [
        Text(N_("Next touchpoint")),
        Text(N_("Customers")),
        Text(N_("Share")),
        *([Text(N_("Time to it"))] if page.facts.timed else []),
    ]
    words = [counted, *still, Text(N_("what came next may lie after the window"))]
    with page.card(
        "next", findings.went(frame), Text(N_("The touchpoint directly after the last step they took")), went,
        [*page.period(), *view_words.filters_in_words(page.view, page.reader), *words],
        ("customers", "share", "median_seconds"),
    ):  # fmt: skip
        state.seed("drop_step", step)
        st.selectbox(
            page.reader.say(N_("Lost before")),
            steps,
            key="drop_step",
            format_func=lambda s: page.reader.name(labels[s]),
        )
        with st.container(horizontal=True, key="drop_see"):
            see(page, funnel, step, True, N_("See the journeys of those lost"))
            see(page, funnel, step, False, N_("See the journeys of those who came through"))
        figure.html(lambda m: m.table(heads, [
            [m.text(goes_to(page, r.next_touchpoint)), m.with_bar(m.number(r.customers), r.customers, largest, "drop_off"),
             m.over(m.percent(r.share, 1), m.interval(r.share_low, r.share_high, 1, True)),
             *([page.reader.duration(r.median_seconds)] if page.facts.timed else [])]
            for r in frame.itertuples()
        ], numeric=tuple(range(1, len(heads)))))  # fmt: skip
    return step


def see(page: Page, funnel: Result, step: int, lost: bool, words: str) -> None:
    """To the flow page, with these journeys alone; the filter stays on every page until it is taken away."""
    key = "see_lost" if lost else "see_reached"
    if st.button(page.reader.say(words), key=key, type="tertiary", icon=":material/filter_alt:"):
        tried = Tried(step, lost, rules_of(funnel))
        state.change(lambda view: replace(view, tried=tried))
        st.switch_page("pages/behaviour/flow.py")


def goes_to(page: Page, name: object) -> str:
    """Where they went, in the reader's words."""
    if name is None or name != name:
        return page.reader.say(N_("Nothing came after"))
    return page.reader.say(N_("Other touchpoints")) if name == OTHER else str(name)


def rules_of(funnel: Result) -> tuple[tuple[str, str], ...]:
    """The rules of the funnel that are not as usual, as a view names them."""
    asked = {o.name: o for o in funnel.metric.options if o.name in funnel_builder.TRIES.options}
    return tuple(sorted(
        (name, text) for name, text in funnel.definition["options"].items()
        if name in asked and (asked[name].required or text != asked[name].type.print(asked[name].default))
    ))  # fmt: skip


def draw_apart(page: Page, rules: Rules, step: int) -> None:
    """What goes with being lost: attributes, and what they met before; each with its interval."""
    many_rows = page.people.get("touchpoints", 0) > AT_ONCE
    if many_rows and not st.toggle(
        page.reader.say(N_("Look for what sets them apart (takes a moment)")), key="lost_apart"
    ):
        return
    with st.spinner(page.reader.say(N_("Looking for what sets them apart"))):
        found = page.ask("drop_out_correlates", step=step, **rules)
    frame = found.frame.assign(
        kind_word=[page.reader.say(view_words.label(str(kind))) for kind in found.frame["kind"]],
        trait_word=[page.group(trait) if kind not in view_words.TRANSLATED or trait is None or trait != trait
                    else view_words.value_word(str(kind), str(trait), page.reader)
                    for kind, trait in zip(found.frame["kind"], found.frame["trait"], strict=True)],
    )  # fmt: skip
    if frame.empty:
        return
    finding = findings_drop_off.set_apart(frame, kind="kind_word", trait="trait_word")
    options = found.definition["options"]
    n = int(frame["compared"].iloc[0])
    one, many = NP_(
        "{n} customer compared: who reached the step before", "{n} customers compared: who reached the step before"
    )
    words = [
        *page.period(), *view_words.filters_in_words(page.view, page.reader), Text(one, {"n": n}, many, n),
        Text(N_("traits that at least {n} of them have and at least {n} lack"), {"n": int(options["min_support"])}),
        Text(N_("met up to the step before; touchpoints of the funnel itself are left out")),
        Text(N_("association, not cause; beyond chance at a false discovery rate of 10%")),
    ]  # fmt: skip
    shown = frame.head(TRAITS)
    widest = max(float(shown[["difference_low", "difference_high"]].abs().max().max()), 0.01)
    heads = [
        Text(N_("Trait")),
        Text(N_("Lost with it")),
        Text(N_("Lost without")),
        Text(N_("Difference")),
        "",
        Text(N_("Chance")),
    ]
    measures = ("lost_share_with", "lost_share_without", "difference", "ratio")
    with page.card(
        "apart", finding, Text(N_("Share lost, of those with a trait and of those without")), found, words, measures
    ):
        figure.html(
            lambda m: m.table(heads, [trait_row(page, m, r, widest) for r in shown.itertuples()], numeric=(1, 2, 3))
        )


def trait_row(page: Page, m: Markup, row: Any, widest: float) -> list[object]:
    """A trait: the share lost with it and without, and the difference."""
    beyond, within = page.reader.say(N_("beyond chance")), page.reader.say(N_("within chance"))
    named = m.over(m.text(row.trait_word), row.kind_word)
    return [
        named,
        m.over(m.percent(row.lost_share_with, 1), m.count(int(row.with_trait))),
        m.over(m.percent(row.lost_share_without, 1), m.count(int(row.without_trait))),
        m.over(m.change(row.difference, "pt", False if row.flagged else None, 1),
               m.interval(row.difference_low * 100, row.difference_high * 100, 1)),
        m.track(row.difference, row.difference_low, row.difference_high, -widest, widest),
        m.strong(beyond) if row.flagged else m.dim(within),
    ]  # fmt: skip


def both_sides(page: Page, funnel: Result, step: int) -> tuple[View, View]:
    """The views of those who were lost before a step, and of those who came to it."""
    lost, came = (replace(page.view.alone(), tried=Tried(step, side, rules_of(funnel))) for side in (True, False))
    return lost, came


def draw_said(page: Page, funnel: Result, step: int, named: str) -> None:
    """Scores of those who were lost against those who came through, how many wrote something, and what they wrote last."""
    lost, came = both_sides(page, funnel, step)
    compared = [(name, found) for name in SCORES if (found := said_of(page, name, lost, came)) is not None]
    counts = [cache.people(page.version, view).get("responses", 0) for view in (lost, came)]
    wrote = [cache.comments(page.version, view, most=QUOTES) for view in (lost, came)] if (
        "comment" in page.columns("surveys")) else []  # fmt: skip
    if not compared or not counts[0]:
        return
    frame = pd.concat([
        found.frame[found.frame["measure"] == name].assign(what=page.reader.say(scores.label(name, page.ask(name).frame)))
        for name, found in compared
    ])  # fmt: skip
    declared = {name: METRICS[name].measures[name] for name, _found in compared}
    finding = findings_drop_off.said(frame, named)
    caption: list[Words] = [
        Text(N_("A: lost before {touchpoint}, {counted}"), {"touchpoint": named, "counted": page.counted("responses", counts[0])}),
        Text(N_("B: came to {touchpoint}, {counted}"), {"touchpoint": named, "counted": page.counted("responses", counts[1])}),
        *page.period("surveys"), *view_words.filters_in_words(page.view, page.reader),
    ]  # fmt: skip
    heads = [Text(N_("Score")), Text(N_("A")), Text(N_("B")), Text(N_("Difference")), "", Text(N_("Chance"))]
    result = compared[0][1]
    with page.card("said", finding, Text(N_("Scores of those who were lost and of those who came through")), result, caption,
                   ("value_a", "value_b", "difference")):  # fmt: skip
        figure.html(
            lambda m: m.table(heads, differing.rows(page, m, declared, frame, several=False), numeric=(1, 2, 3))
        )
        if wrote:
            draw_wrote(page, wrote)


def draw_themes(page: Page, funnel: Result, step: int, named: str) -> None:
    """What those who were lost write about, against those who came through, and their own words on what they write about most."""
    if not is_read(page):
        return
    lost, came = both_sides(page, funnel, step)
    found = cache.compared(page.version, "themes", lost, came, {})
    frame = found.frame[(found.frame["measure"] == "share") & found.frame["theme"].notna()]
    written = frame[frame["value_a"] > 0]
    if not len(written):
        return
    shown = written.sort_values(["value_a", "theme"], ascending=[False, True], kind="stable").head(THEMES)
    shown = shown.assign(what=shown["theme"].astype(str))
    finding = findings_words.said_of_themes(shown, named)
    top = str(finding.values.get("theme", shown["theme"].iloc[0]))
    typical, _count = cache.comments(page.version, lost, theme=top, typical=True, most=TYPICAL)
    n_a, n_b = (int(shown[f"n_{side}"].max()) for side in "ab")
    caption: list[Words] = [
        Text(N_("A: comments of those who were lost, {n}"), {"n": n_a}),
        Text(N_("B: comments of those who came through, {n}"), {"n": n_b}),
        Text(N_("share of all comments of the group")), *page.period("surveys"),
    ]  # fmt: skip
    heads = [Text(N_("Theme")), Text(N_("A")), Text(N_("B")), Text(N_("Difference")), "", Text(N_("Chance"))]
    with page.card("said_themes", finding,
                   Text(N_("Themes in the comments of those who were lost and of those who came through")), found, caption,
                   ("value_a", "value_b", "difference")):  # fmt: skip
        declared = METRICS["themes"].measures
        figure.html(
            lambda m: m.table(heads, differing.rows(page, m, declared, shown, several=False), numeric=(1, 2, 3))
        )
        if len(typical):
            figure.html(lambda m: m.definitions([(top, m.quote(str(comment))) for comment in typical["comment"]]))


def said_of(page: Page, name: str, lost: View, came: View) -> Result | None:
    """A score of both sides; None where it cannot be counted, or nobody gave it."""
    try:
        found = cache.compared(page.version, name, lost, came, page.given(name, {}))
    except TouchlineError:
        return None
    own = found.frame[found.frame["measure"] == name]
    return found if len(own) and bool((own["n_a"] > 0).any()) else None


def draw_wrote(page: Page, wrote: list[tuple[pd.DataFrame, int]]) -> None:
    """How many comments there are of either side, and the newest of those who were lost."""
    (newest, of_lost), (_others, of_rest) = wrote
    counts: list[Words] = [Text(N_("comments of those who were lost: {n}"), {"n": of_lost}),
                           Text(N_("comments of those who came through: {n}"), {"n": of_rest})]  # fmt: skip
    figure.html(lambda m: m.caption(counts))
    if len(newest):
        heads = [Text(N_("Date")), Text(N_("Score")), Text(N_("Comment"))]
        figure.html(lambda m: m.table(heads, [
            [m.day(r.answered_at), m.number(r.score), r.comment] for r in newest.itertuples()
        ], numeric=(1,)))  # fmt: skip
