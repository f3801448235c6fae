"""How do people really move?"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import streamlit as st

from cx_metrics import findings, findings_branch, findings_flow
from cx_metrics.charts.sankey import Link, SankeyFigure, draw_sankey
from cx_metrics.charts.sankey_branch import links_of_branch, links_of_path
from cx_metrics.charts.sankey_picture import sankey_picture
from cx_metrics.errors import OptionProblem, ViewProblem
from cx_metrics.run import Result
from cx_metrics.texts import N_, Text
from pages.parts import against, figure, flow_branch, flow_cards, flow_fold, flow_pick, flow_rules, state
from pages.parts.address import IGNORED
from pages.parts.flow_pick import Pick
from pages.parts.flow_rules import Rules
from pages.parts.page import Page, run

STEPS = tuple(range(2, 11))
FEWEST_BETWEEN = 3  # steps between two touchpoints: both, and what lies in the middle
FIRST_LOOK = {"steps": 4, "top": 7}


def show(page: Page) -> None:
    """The Sankey with its keyboard path, what was chosen in it, whole paths beside it, steps and moves, rework; A against B."""
    rules = flow_rules.asked(page)
    sizes = size(page, rules)
    try:
        links = page.ask("flow_links", **sizes, **rules.of("flow_links"), times=flow_rules.times(page))
    except OptionProblem as problem:  # what can be put right in the rules leaves the rules there
        page.open(problem.text, comparing=True)
        flow_rules.show(page, rules)
        return
    pick, branch = chosen(page, rules, links, sizes)
    marked = links_of_branch(branch.frame) if branch is not None else way(page, links, rules)
    page.open(finding(links, rules), comparing=True)
    flow_rules.show(page, rules)
    if not len(links.frame):
        st.html(page.m.notice(Text(N_("No journey of this view has such a part. Choose other touchpoints.")), "plain"))
        return
    against.draw(page, rules, sizes)
    left, right = st.columns([0.64, 0.36], gap="small")
    with left:
        journeys = draw_flow(page, links, rules, pick, marked)
        flow_fold.draw(page, rules, links, sizes)
        if pick is not None:
            flow_branch.draw_said(page, rules, pick)
    with right:
        if pick is not None and branch is not None:
            flow_branch.draw(page, rules, pick, branch, sizes)
        flow_cards.draw_paths(page, rules, journeys, pick, sizes)
    flow_cards.draw_moves(page, rules, links, sizes)
    flow_cards.draw_rework(page, rules, links)


def size(page: Page, rules: Rules) -> dict[str, Any]:
    """Steps and touchpoints per step: fewer than the metric's own defaults fit on a screen; the address may ask for others."""
    asked = {name: int(page.option("flow_links", name) or first) for name, first in FIRST_LOOK.items()}
    fewest = FEWEST_BETWEEN if rules.anchor == "between" else STEPS[0]
    return flow_rules.fold(page, asked["top"]) | {"steps": max(asked["steps"], fewest)}


def chosen(page: Page, rules: Rules, links: Result, sizes: dict[str, Any]) -> tuple[Pick | None, Result | None]:
    """The node or link that is looked at, and its branch; what the flow does not show is said and let go."""
    pick = flow_fold.sought(page, links) or flow_pick.asked(page)
    if pick is None:
        return None, None
    try:
        given = pick.options | sizes | rules.of("flow_branch") | {"times": flow_rules.times(page)}
        branch = page.ask("flow_branch", **given)
    except (OptionProblem, ViewProblem) as problem:
        state.note([problem.text])
        return None, None
    if len(branch.frame):
        return pick, branch
    state.note([Text(IGNORED, {"what": flow_pick.in_words(pick, page.reader)[:80]})])
    return None, None


def finding(links: Result, rules: Rules) -> Text:
    """The sentence of the page: where journeys start, or what the chosen part of them shows."""
    if rules.anchor == "after":
        return findings_flow.after(links.frame, rules.start)
    if rules.anchor == "before":
        return findings_flow.before(links.frame, rules.end)
    if rules.anchor == "between":
        return findings_flow.between(links.frame, rules.start, rules.end)
    return findings.flow(links.frame)


def draw_flow(page: Page, links: Result, rules: Rules, pick: Pick | None, marked: dict[Link, int]) -> int:
    """The flow by step; a click on a node or link, or a choice from the list, highlights its branch. How many journeys it shows."""
    options = links.definition["options"]
    plain = draw_sankey(links.frame, page.reader, anchor=rules.anchor)
    node = pick.node(plain.nodes) if pick else None
    drawn = draw_sankey(links.frame, page.reader, picked=node, anchor=rules.anchor, branch=marked) if marked else plain
    caption = page.caption("journeys", [
        *rules.in_words("flow_links"),
        *flow_fold.in_words(options),
        Text(N_("share of these journeys in the tooltip")),
    ], drawn.journeys)  # fmt: skip
    finding = findings.busiest_move(links.frame, rules.anchor != "before")
    with page.card("flow", finding, Text(NOTES[rules.anchor]), links, caption):
        offered = tuple(n for n in STEPS if n >= FEWEST_BETWEEN) if rules.anchor == "between" else STEPS
        with st.container(horizontal=True, key="flow_options", gap="small"):
            flow_fold.choose(page, "steps", N_("Steps"), offered, int(options["steps"]))
            flow_fold.controls(page, rules, links)
        looked_at = f"{pick}{flow_pick.path()}".encode()
        key = f"sankey_{links.definition['hash']}_{sha256(looked_at).hexdigest()[:12]}"  # a new picture starts without a selection
        figure.echarts(
            drawn, key, lambda who: sankey_picture(links.frame, who, anchor=rules.anchor, branch=marked or None), height=500,
            on_select=lambda: flow_pick.take_click(key, drawn, pick),
        )  # fmt: skip
        look_closer(page, plain, pick)
    return drawn.journeys


def way(page: Page, links: Result, rules: Rules) -> dict[Link, int]:
    """The links of the whole path that is looked at; none where it is not among the most frequent ones."""
    path = flow_pick.path()
    if not path:
        return {}
    known = flow_cards.paths_of(page, rules, None, {})
    journeys = findings_branch.journeys_of(known.frame, path)
    if journeys is None:
        state.note([Text(IGNORED, {"what": " → ".join(path)[:80]})])
        return {}
    return links_of_path(links.frame, path, journeys, int(links.definition["options"]["steps"]), rules.anchor)


NOTES = {
    "none": N_("The first steps of each journey; choose a node or link to look closer"),
    "after": N_("The first steps from there on"),
    "before": N_("The last steps up to there"),
    "between": N_("The steps from one to the other; the middle of longer paths is folded"),
}


def look_closer(page: Page, drawn: SankeyFigure, pick: Pick | None) -> None:
    """The keyboard path: the same nodes and links as a list that can be typed into."""
    offered = flow_pick.offered(drawn)
    state.seed("flow_pick", pick if pick in offered else None)
    st.selectbox(
        page.reader.say(N_("Look closer at a step")), offered, key="flow_pick", on_change=take_pick,
        placeholder=page.reader.say(N_("Click a node or a link, or choose one here")),
        format_func=lambda p: flow_pick.in_words(p, page.reader),
    )  # fmt: skip


def take_pick() -> None:
    """The choice in the list is looked at; nothing chosen shows the whole flow."""
    found = state.value("flow_pick")
    flow_pick.take(found if isinstance(found, Pick) else None)


run(show, N_("Journey flow"), N_("How do people really move?"), "touchpoints")
