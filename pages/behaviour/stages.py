"""Which touchpoints work?"""

from __future__ import annotations

from typing import Any

import streamlit as st

from cx_metrics import findings
from cx_metrics.charts.heatmap import draw_heatmap
from cx_metrics.run import Result
from cx_metrics.texts import N_, Text
from pages.parts import cache, differing, echoes, engagement, figure, scores, view_words, words
from pages.parts.differing import Compared
from pages.parts.page import Page, run

MOST_ROWS = 40
MOST_GROUPS = 8
EXPLAINED = ("customers", "reach", "frequency", "next_stage_rate")
ENOUGH = 10  # customers below which a share is greyed
BY_GROUP = {
    "persona": N_("Next-stage rate by stage and persona"),
    "segment": N_("Next-stage rate by stage and segment"),
    "region": N_("Next-stage rate by stage and region"),
}


def show(page: Page) -> None:
    """Engagement per stage or channel and group, the scorecard of touchpoints, exposure, active days, what contacts carry."""
    if not page.has("touchpoints"):
        scores.opinion(page, "stage", "touchpoint")
        return
    if not page.people.get("touchpoints"):
        page.open(Text(N_("Nobody is left in this view")))
        page.nobody()
        return
    group = engagement.chosen(page)
    grouped = group if group in engagement.METRICS else "stage"
    groups = page.ask(engagement.METRICS[grouped])
    touchpoints = page.ask("touchpoint_engagement")
    page.open(findings.touchpoints(touchpoints.frame), comparing=True)
    draw_differences(page, grouped)
    column = next((c for c in ("persona", "segment", "region") if c in page.facts.attributes), None)
    measures = (
        (*EXPLAINED, "dwell_seconds_median", "bounce_rate")[: 6 - (grouped == "stage")]
        if page.facts.timed
        else EXPLAINED
    )
    if column is None and not page.facts.timed:
        engagement.draw_groups(page, groups, grouped, measures)
    else:
        left, right = st.columns([0.5, 0.5], gap="small")
        with left:
            engagement.draw_groups(page, groups, grouped, measures)
        with right:
            draw_bounce(page, touchpoints) if column is None else draw_by_group(page, column)
    draw_scorecard(page, touchpoints, column is not None and page.facts.timed)
    if page.has("surveys"):
        with page.part():
            echoes.draw_said(page)
        with page.part():
            words.draw_feelings(page)
    if page.has_goal():
        engagement.draw_exposure(page)
    if page.facts.timed:
        left, right = st.columns([0.5, 0.5], gap="small")
        with left:
            engagement.draw_stickiness(page)
        with right:
            engagement.draw_active_days(page)
    if engagement.has_measures(page):
        engagement.draw_measures(page, group)


def draw_differences(page: Page, group: str) -> None:
    """Reach, frequency and whether it leads on, against other days or another segment."""
    measures = ("reach", "frequency", *(("next_stage_rate",) if group == "stage" else ()))
    differing.draw(page, Compared(
        engagement.METRICS[group], measures, lambda row: engagement.word(page, group, getattr(row, group)),
        Text(view_words.LABELS[group]), Text(N_("Where A and B differ most")),
    ))  # fmt: skip
    if group != "touchpoint":
        differing.draw(page, Compared(
            "touchpoint_engagement", ("reach", "frequency"), lambda row: str(row.touchpoint), Text(N_("Touchpoint")),
            Text(N_("Touchpoints in which A and B differ most")),
        ))  # fmt: skip


def draw_by_group(page: Page, column: str) -> None:
    """The next-stage rate of each stage in each persona: the same colours for the same rate on every page."""
    result = page.ask("stage_engagement", by=[column])
    frame = result.frame[result.frame["stage"].notna() & result.frame["next_stage_rate"].notna()]
    groups = list(dict.fromkeys(frame.sort_values("population", ascending=False)[column]))[:MOST_GROUPS]
    frame = frame[frame[column].isin(groups)].assign(
        group=lambda f: [page.group(v) for v in f[column]], named=lambda f: [page.stage(s) for s in f["stage"]]
    )
    order = [page.stage(s) for s in page.facts.stages if s in set(frame["stage"])]
    finding = findings.stages_by(frame, column, "named")
    columns = [page.group(g) for g in groups]
    with page.card(
        "by_group", finding, Text(BY_GROUP[column]), result,
        page.caption("customers", [Text(N_("grey: fewer than {n} customers"), {"n": ENOUGH})]), ("next_stage_rate", "customers"),
        height="stretch",
    ):  # fmt: skip
        figure.altair(
            lambda who: draw_heatmap(frame, who, "named", "group", "next_stage_rate", "customers", domain=(0, 1), share=True,
                                     min_n=ENOUGH, rows=order, columns=columns),
            finding, key="by_group", wide=True,
        )  # fmt: skip


def draw_bounce(page: Page, touchpoints: Result) -> None:
    """Where sessions start and end at once."""
    frame = (
        touchpoints.frame[touchpoints.frame["entry_sessions"] > 0]
        .sort_values("entry_sessions", ascending=False)
        .head(10)
    )
    heads = [Text(N_("Touchpoint")), Text(N_("Sessions started here")), Text(N_("Bounce")), Text(N_("Interval"))]
    with page.card("bounce", findings.bounce(touchpoints.frame), Text(N_("Sessions with no second touchpoint")), touchpoints,
                   page.caption("customers", [Text(N_("a gap of more than 30 minutes starts a session"))]),
                   ("bounce_rate", "entry_sessions"), height="stretch"):  # fmt: skip
        figure.html(lambda m: m.table(heads, [
            [m.profile(r.touchpoint), m.number(r.entry_sessions), m.percent(r.bounce_rate),
             m.dim(m.interval(r.bounce_rate_low, r.bounce_rate_high, 0, True))] for r in frame.itertuples()
        ], numeric=(1, 2, 3)))  # fmt: skip


def draw_scorecard(page: Page, touchpoints: Result, by_bounce: bool) -> None:
    """One row per touchpoint: reach, frequency, repeat, who goes on, bounce, and the score its answers give it."""
    frame = touchpoints.frame.head(MOST_ROWS)
    stage_of = cache.stages(page.version)
    scored: dict[str, Any] = {}
    if page.has("surveys") and "touchpoint" in page.columns("surveys"):
        said, _why = scores.attempt(page, "csat", by=["touchpoint"])
        scored = {r.touchpoint: r for r in said.frame.itertuples() if r.responses} if said else {}
    heads = [Text(N_("Touchpoint")), Text(N_("Stage")), Text(N_("Customers")), Text(N_("Reach")), Text(N_("Frequency")),
             Text(N_("Next-stage rate")), Text(N_("Interval"))]  # fmt: skip
    heads += [Text(N_("Bounce"))] if page.facts.timed else []
    heads += [Text(N_("Satisfied (CSAT)"))] if scored else []

    def rows(m: Any) -> list[list[object]]:
        found = []
        for r in frame.itertuples():
            cells = [
                m.strong(m.profile(r.touchpoint)), page.stage(stage_of.get(r.touchpoint)),
                m.with_bar(m.number(r.customers), r.reach, 1), m.percent(r.reach, 1), m.number(r.frequency, 1),
                _greyed(m, m.percent(r.next_stage_rate), r.customers),
                m.dim(m.interval(r.next_stage_rate_low, r.next_stage_rate_high, 0, True)),
                *([m.percent(r.bounce_rate)] if page.facts.timed else []),
            ]  # fmt: skip
            if scored:
                score = scored.get(r.touchpoint)
                cells.append(_score(m, score) if score else m.dim("–"))
            found.append(cells)
        return found

    finding = findings.bounce(touchpoints.frame) if by_bounce else findings.frequency(touchpoints.frame)
    caption = page.caption("customers", [
        Text(N_("next-stage rate: reached here and later a later stage")),
        *([Text(N_("a gap of more than 30 minutes starts a session"))] if page.facts.timed else []),
        *([Text(N_("the first {n} of {all}"), {"n": MOST_ROWS, "all": len(touchpoints.frame)})]
          if len(touchpoints.frame) > MOST_ROWS else []),
    ])  # fmt: skip
    with page.card(
        "scorecard",
        finding,
        Text(N_("Every touchpoint, in the order of the journey")),
        touchpoints,
        caption,
        (*EXPLAINED, "bounce_rate") if page.facts.timed else EXPLAINED,
    ):
        figure.html(lambda m: m.table(heads, rows(m), numeric=tuple(range(2, len(heads)))))


def _greyed(m: Any, shown: Any, n: int) -> Any:
    return m.dim(shown) if n < ENOUGH else shown


def _score(m: Any, score: Any) -> Any:
    shown = m.percent(score.csat)
    return m.over(shown if score.responses >= findings.MIN_SCORES else m.dim(shown), m.count(score.responses))


run(show, N_("Stages"), N_("Which touchpoints work?"))
