"""Segment A against segment B: the moves, steps or paths in which they differ most, with intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from cx_metrics import findings_flow
from cx_metrics.charts.sankey_both import BOTH_HEIGHT, draw_both, picture_both
from cx_metrics.run import Result
from cx_metrics.texts import N_, Text
from pages.parts import cache, differing, figure, flow_rules, state, view_words
from pages.parts.differing import Pair
from pages.parts.flow_rules import Rules
from pages.parts.markup import Words
from pages.parts.page import Page

LOOKS = {"flow_links": N_("Flow"), "step_matrix": N_("Steps"), "variants": N_("Whole paths")}
NOTES = {
    "flow_links": N_("Share of journeys that make a move: where A and B differ most"),
    "step_matrix": N_("Share of journeys at a touchpoint, step by step: where A and B differ most"),
    "variants": N_("Share of journeys with exactly this path: where A and B differ most"),
}
HEADS = {
    "flow_links": (N_("Move"), N_("Step")),
    "step_matrix": (N_("Touchpoint"), N_("Step")),
    "variants": (N_("Path"),),
}
ROWS = 12
PATHS = 50  # of A and B together, among which the differences are looked for
LOOK = "against_look"


def draw(page: Page, rules: Rules, sizes: Mapping[str, Any]) -> None:
    """A card for each comparison of the view. `sizes`: steps and top as the flow shows them."""
    for pair in differing.pairs(page):
        if not differing.is_empty(page, pair, "journeys"):
            draw_pair(page, pair, rules, sizes)


def draw_pair(page: Page, pair: Pair, rules: Rules, sizes: Mapping[str, Any]) -> None:
    """One comparison: the moves, steps or paths that differ most."""
    key = f"{LOOK}_{pair.kind}"
    name = f"against_{pair.kind}"
    look = state.current_address().option("flow", name) or "flow_links"
    given = rules.of(look) | ({"top": PATHS} if look == "variants" else sizes)
    result = cache.compared(page.version, look, pair.a, pair.b, given)
    shown = findings_flow.largest_differences(result.frame, ROWS)
    finding, words = findings_flow.against(result.frame), caption(page, pair, rules, result)
    with page.card(f"against_{pair.kind}", finding, Text(NOTES[look]), result, words, ()):
        state.seed(key, look)
        st.segmented_control(page.reader.say(N_("Compare by")), list(LOOKS), key=key, label_visibility="collapsed",
                             format_func=lambda name: page.reader.say(LOOKS[name]),
                             on_change=take_look, args=(key, name))  # fmt: skip
        if look == "flow_links" and len(result.frame):
            draw_picture(page, pair, rules, result)
        if len(shown):
            figure.html(lambda m: m.table(heads(look), rows(page, m, look, shown), numeric=numeric(look)))


def take_look(key: str, name: str) -> None:
    """What is compared, in the address; the flow is not written."""
    look = state.value(key)
    state.set_option("flow", name, None if look in (None, "flow_links") else str(look))


def draw_picture(page: Page, pair: Pair, rules: Rules, result: Result) -> None:
    """The flow of A over that of B: the same nodes in the same order and places, shares on one scale."""
    drawn = draw_both(result.frame, page.reader, (pair.named_a, pair.named_b), rules.anchor)
    figure.echarts(drawn, f"both_{result.definition['hash']}", lambda who: picture_both(
        result.frame, who, (pair.named_a, pair.named_b), rules.anchor
    ), height=BOTH_HEIGHT, on_select="ignore")  # fmt: skip


def caption(page: Page, pair: Pair, rules: Rules, result: Result) -> list[Words]:
    """Who A and B are and how many; the rules; when a difference counts."""
    n = len(result.frame)
    first = (
        result.frame.iloc[0] if n else {"all_a": 0, "all_b": 0}
    )  # what shares are of: under the rules, perhaps not all
    return [
        *differing.sides(page, pair, "journeys", int(first["all_a"]), int(first["all_b"])),
        *view_words.filters_in_words(pair.shared(), page.reader, True), *rules.in_words(result.metric.name),
        Text(differing.BEYOND[0], {"n": n}, differing.BEYOND[1], n),
    ]  # fmt: skip


def heads(look: str) -> list[Words]:
    """Heads of the table."""
    first: list[Words] = [Text(head) for head in HEADS[look]]
    return [*first, Text(N_("A")), Text(N_("B")), Text(N_("Difference")), "", Text(N_("Chance"))]


def numeric(look: str) -> tuple[int, ...]:
    """Columns that end-align: the step, both shares, the difference."""
    at = len(HEADS[look])
    return (*range(1, at), at, at + 1, at + 2)


def rows(page: Page, m: Any, look: str, shown: Any) -> list[list[object]]:
    """What differs, the share of A and of B, the difference with its interval, and whether it is beyond chance in words."""
    widest = max([*shown["difference_high"].abs(), *shown["difference_low"].abs(), 0.01])
    largest = max([*shown["share_a"], *shown["share_b"], 0.01])
    beyond, within = page.reader.say(N_("beyond chance")), page.reader.say(N_("within chance"))
    found = []
    for r in shown.itertuples():
        interval = m.interval(r.difference_low * 100, r.difference_high * 100, 1)
        plot = m.track(r.difference, r.difference_low, r.difference_high, -widest, widest)
        found.append([
            *subject(page, m, look, r),
            m.with_bar(m.percent(r.share_a, 1), r.share_a, largest, "group_a"),
            m.with_bar(m.percent(r.share_b, 1), r.share_b, largest, "group_b"),
            m.over(m.change(r.difference, "pt", None), interval), plot,
            m.strong(beyond) if r.flagged else m.dim(within),
        ])  # fmt: skip
    return found


def subject(page: Page, m: Any, look: str, row: Any) -> list[object]:
    """What is compared in a row: a move, a touchpoint at a step, a path."""
    if look == "variants":
        return [m.path([flow_rules.node(page, name) for name in row.path])]
    if look == "step_matrix":
        return [flow_rules.node(page, row.touchpoint), m.number(row.step)]
    target = row.target if row.kind == "move" else row.kind
    return [m.path([flow_rules.node(page, row.source), flow_rules.node(page, target)]), m.number(row.step)]
