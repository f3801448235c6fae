"""How do people really move?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from cx_metrics import findings, findings_flow
from cx_metrics.charts.sankey import Link, Node, SankeyFigure, draw_sankey, sankey_picture
from cx_metrics.errors import OptionProblem
from cx_metrics.groups import OTHER
from cx_metrics.run import Result
from cx_metrics.texts import N_, Text
from cx_metrics.view import Passing
from pages.parts import against, figure, flow_cards, flow_rules, state
from pages.parts.flow_rules import Rules
from pages.parts.language import PageReader
from pages.parts.page import Page, run

STEPS = tuple(range(2, 11))
FEWEST_BETWEEN = 3  # steps between two touchpoints: both, and what lies in the middle
TOPS = (5, 7, 10, 15, 20)
FIRST_LOOK = {"steps": 4, "top": 7}


def show(page: Page) -> None:
    """The Sankey with its keyboard path, the most frequent whole paths, steps and moves, rework; A against B where asked."""
    rules = flow_rules.asked(page)
    sizes = size(page, rules)
    try:
        links = page.ask("flow_links", **sizes, **rules.of("flow_links"), times=flow_rules.times(page))
    except OptionProblem as problem:  # what can be put right in the rules leaves the rules there
        page.open(problem.text, comparing=True)
        flow_rules.show(page, rules)
        return
    page.open(finding(links, rules), comparing=True)
    flow_rules.show(page, rules)
    if not len(links.frame):
        st.html(page.m.notice(Text(N_("No journey of this view has such a part. Choose other touchpoints.")), "plain"))
        return
    against.draw(page, rules, sizes)
    left, right = st.columns([0.64, 0.36], gap="small")
    with left:
        journeys = draw_flow(page, links, rules)
    with right:
        flow_cards.draw_paths(page, rules, journeys)
    flow_cards.draw_moves(page, rules, links, sizes)
    flow_cards.draw_rework(page, rules, links)


def size(page: Page, rules: Rules) -> dict[str, int]:
    """Steps and touchpoints per step: fewer than the metric's own defaults fit on a screen; the address may ask for others."""
    asked = {name: int(page.option("flow_links", name) or first) for name, first in FIRST_LOOK.items()}
    fewest = FEWEST_BETWEEN if rules.anchor == "between" else STEPS[0]
    return asked | {"steps": max(asked["steps"], fewest)}


def finding(links: Result, rules: Rules) -> Text:
    """The sentence of the page: where journeys start, or what the chosen part of them shows."""
    if rules.anchor == "after":
        return findings_flow.after(links.frame, rules.start)
    if rules.anchor == "before":
        return findings_flow.before(links.frame, rules.end)
    if rules.anchor == "between":
        return findings_flow.between(links.frame, rules.start, rules.end)
    return findings.flow(links.frame)


def draw_flow(page: Page, links: Result, rules: Rules) -> int:
    """The flow by step; a click on a node or link, or a choice from the list, filters the page to those journeys. How many
    journeys it shows."""
    options = links.definition["options"]
    drawn = draw_sankey(links.frame, page.reader, anchor=rules.anchor)
    caption = page.caption("journeys", [
        *rules.in_words("flow_links"),
        Text(N_("the {top} largest touchpoints of a step, the rest as Other"), {"top": int(options["top"])}),
        Text(N_("share of these journeys in the tooltip")),
    ], drawn.journeys)  # fmt: skip
    with page.card("flow", findings.busiest_move(links.frame), Text(NOTES[rules.anchor]), links, caption):
        with st.container(horizontal=True, key="flow_options"):
            offered = tuple(n for n in STEPS if n >= FEWEST_BETWEEN) if rules.anchor == "between" else STEPS
            choose(page, "steps", N_("Steps"), offered, int(options["steps"]))
            choose(page, "top", N_("Touchpoints per step"), TOPS, int(options["top"]))
        key = f"sankey_{links.definition['hash']}"  # a new picture starts without a selection
        event = figure.echarts(
            drawn, key, lambda who: sankey_picture(links.frame, who, anchor=rules.anchor), height=500,
            on_select="rerun" if rules.plain else "ignore",
        )  # fmt: skip
        if rules.plain:
            take_click(page, drawn, event)
            look_closer(page, drawn)
        else:
            figure.html(lambda m: m.caption([Text(NOT_CLICKED)]))
    return drawn.journeys


def take_click(page: Page, drawn: SankeyFigure, event: Any) -> None:
    """A node or link that was clicked becomes the filter of the page; of Other, it is said what is in it."""
    clicked = picked(event, drawn)
    if isinstance(clicked, Passing):
        state.change(lambda v: replace(v, passing=clicked))
        st.rerun()
    if clicked == OTHER:
        say_other(page, event, drawn)


NOT_CLICKED = N_("A node or link can be clicked where the flow shows whole journeys by the standard rules.")
NOTES = {
    "none": N_("The first steps of each journey"),
    "after": N_("The first steps from there on"),
    "before": N_("The last steps up to there"),
    "between": N_("The steps from one to the other; the middle of longer paths is folded"),
}


def choose(page: Page, option: str, label: str, offered: tuple[int, ...], current: int) -> None:
    """A small choice that is an option of the metric, kept in the address."""
    key = f"flow_{option}"
    state.seed(key, current)
    st.selectbox(page.reader.say(label), sorted({*offered, current}), key=key, format_func=page.reader.number, width=170,
                 on_change=lambda: state.set_option("flow_links", option, str(state.value(key))))  # fmt: skip


def picked(event: Any, drawn: SankeyFigure) -> Passing | str | None:
    """What was clicked: the journeys to keep, OTHER for a folded node, or nothing."""
    selected = event.selection.selected if event and event.selection else []
    for one in selected:
        for index in one["data_indices"]:
            if one.get("data_type") == "node" and index < len(drawn.nodes):
                return of_node(drawn.nodes[index])
            if one.get("data_type") == "edge" and index < len(drawn.links):
                return of_link(drawn.links[index])
    return None


def of_node(node: Node) -> Passing | str | None:
    """The journeys that pass a node."""
    if node.kind == "other":
        return OTHER
    return Passing(node.step, node.touchpoint) if node.kind == "touchpoint" else None


def of_link(link: Link) -> Passing | str | None:
    """The journeys that make a move."""
    if OTHER in (link.source, link.target):
        return OTHER
    if link.kind == "move":
        return Passing(link.step, link.source, link.target)
    return Passing(link.step, link.source, ends=True) if link.kind == "drop_off" else Passing(link.step, link.source)


def say_other(page: Page, event: Any, drawn: SankeyFigure) -> None:
    """Which touchpoints are folded into Other, so that one of them can be chosen."""
    whole = page.ask("flow_links", top=200, repeats="merge").frame
    steps = {n.step for s in event.selection.selected for i in s["data_indices"][:1]
             for n in drawn.nodes[i : i + 1] if s.get("data_type") == "node"}  # fmt: skip
    step = min(steps, default=1)
    shown = {n.touchpoint for n in drawn.nodes if n.step == step}
    folded = sorted(set(whole.loc[whole["step"] == step, "source"]) - shown)
    names = page.reader.listing(page.reader.name(n) for n in folded[:20])
    words = Text(N_("Other at step {step} holds: {names}. Raise the number of touchpoints per step to see them apart."),
                 {"step": step, "names": Text("{n}", {"n": names})})  # fmt: skip
    st.html(page.m.notice(words, "plain"))


def look_closer(page: Page, drawn: SankeyFigure) -> None:
    """The keyboard path: the same nodes and links as a list."""
    nodes = [p for n in drawn.nodes if isinstance(p := of_node(n), Passing)]
    moves = [p for x in drawn.links if isinstance(p := of_link(x), Passing)]
    offered = list(dict.fromkeys([*nodes, *moves]))
    current = page.view.passing
    state.seed("flow_pick", current if current in offered else None)
    st.selectbox(
        page.reader.say(N_("Look closer at a step")), offered, key="flow_pick", on_change=take_pick,
        placeholder=page.reader.say(N_("Click a node or a link, or choose one here")),
        format_func=lambda p: in_words(p, page.reader),
    )  # fmt: skip


def take_pick() -> None:
    """The choice in the list becomes the filter of the page."""
    chosen = state.value("flow_pick")
    state.change(lambda v: replace(v, passing=chosen if isinstance(chosen, Passing) else None))


def in_words(passing: Passing, reader: PageReader) -> str:
    """1 · Website, or 1 · Website → Cart."""
    arrow = "←" if reader.rtl else "→"
    names = [passing.touchpoint]
    if passing.ends:
        names.append(reader.say(N_("Drop-off")))
    elif passing.next_touchpoint is not None:
        names.append(passing.next_touchpoint)
    return f"{reader.number(passing.step)} · " + f" {arrow} ".join(reader.name(n) for n in names)


run(show, N_("Journey flow"), N_("How do people really move?"), "touchpoints")
