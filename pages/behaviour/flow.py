"""How do people really move?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from cx_metrics import findings
from cx_metrics.charts.sankey import Link, Node, SankeyFigure, draw_sankey, plotly_sankey
from cx_metrics.flows import OTHER
from cx_metrics.run import Result
from cx_metrics.texts import N_, NP_, Text
from cx_metrics.view import Passing
from pages.parts import figure, state
from pages.parts.language import PageReader
from pages.parts.page import Page, run

STEPS = (3, 4, 5, 6, 7, 8)
TOPS = (5, 7, 10, 15, 20)
FIRST_LOOK = {"steps": 4, "top": 7}
PATHS = 8
MOVES = 12
SURE = 100  # journeys below which a conversion rate is greyed


def show(page: Page) -> None:
    """The Sankey with its keyboard path, the most frequent whole paths, the busiest moves."""
    links = page.ask("flow_links", repeats="merge", **first_look(page))
    page.open(findings.flow(links.frame))
    left, right = st.columns([0.64, 0.36], gap="small")
    with left:
        draw_flow(page, links)
    with right:
        draw_paths(page)
    draw_moves(page)


def first_look(page: Page) -> dict[str, int]:
    """Fewer steps and names than the metric's own defaults fit on a screen; the address may ask for others."""
    return {name: value for name, value in FIRST_LOOK.items() if page.option("flow_links", name) is None}


def draw_flow(page: Page, links: Result) -> None:
    """The flow by step; a click on a node or link, or a choice from the list, filters the page to those journeys."""
    options = links.definition["options"]
    caption = page.caption("journeys", [
        Text(N_("the {top} largest touchpoints of a step, the rest as Other"), {"top": int(options["top"])}),
        Text(N_("the same touchpoint twice in a row is one step")), Text(N_("share of all journeys in the tooltip")),
    ])  # fmt: skip
    with page.card(
        "flow", findings.busiest_move(links.frame), Text(N_("The first steps of each journey")), links, caption
    ):
        with st.container(horizontal=True, key="flow_options"):
            choose(page, "steps", N_("Steps"), STEPS, int(options["steps"]))
            choose(page, "top", N_("Touchpoints per step"), TOPS, int(options["top"]))
        drawn = draw_sankey(links.frame, page.reader)
        key = f"sankey_{links.definition['hash']}"  # a new picture starts without a selection
        event = figure.echarts(drawn, key, lambda who: plotly_sankey(links.frame, who), height=500)
        clicked = picked(event, drawn)
        if isinstance(clicked, Passing):
            state.change(lambda v: replace(v, passing=clicked))
            st.rerun()
        if clicked == OTHER:
            say_other(page, event, drawn)
        look_closer(page, drawn)


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


def draw_paths(page: Page) -> None:
    """The most frequent whole paths and how many of them reach the goal."""
    variants = page.ask("variants", top=PATHS, repeats="merge")
    frame = variants.frame
    largest = float(frame["journeys"].max()) if len(frame) else 1.0
    goal = page.has_goal()

    def rows(m: Any) -> list[list[object]]:
        found = []
        for row in frame.itertuples():
            rate = m.percent(row.conversion_rate)
            cells = [m.path(row.path), m.with_bar(m.number(row.journeys), row.journeys, largest)]
            if goal:
                rate = rate if row.journeys >= SURE else m.dim(rate)
                cells.append(m.over(rate, m.interval(row.conversion_rate_low, row.conversion_rate_high, 0, True)))
            found.append(cells)
        return found

    heads = [Text(N_("Path")), Text(N_("Journeys"))] + ([Text(N_("Reach the goal"))] if goal else [])
    caption = page.caption("journeys", [Text(N_("grey: fewer than {n} journeys"), {"n": SURE})] if goal else [])
    with page.card(
        "paths", findings.paths(frame), Text(N_("Whole paths by number of journeys, repeats merged")), variants, caption,
        ("journeys", "share", "conversion_rate"),
    ):  # fmt: skip
        figure.html(lambda m: m.table(heads, rows(m), numeric=(1, 2)))


def draw_moves(page: Page) -> None:
    """The busiest moves anywhere in the journey, with the time they take."""
    transitions = page.ask("transitions", repeats="keep")
    frame = transitions.frame.head(MOVES)
    largest = float(frame["transitions"].max()) if len(frame) else 1.0
    heads = [Text(N_("Touchpoint")), Text(N_("Followed by")), Text(N_("Transitions")), Text(N_("Journeys")),
             Text(N_("Median time")), Text(N_("Mean time"))]  # fmt: skip
    n = len(transitions.frame)
    one, many = NP_("{n} pair of touchpoints follows directly", "{n} pairs of touchpoints follow each other directly")
    finding = Text(one, {"n": n}, many, n)
    caption = page.caption(
        "journeys", [Text(N_("the {n} most frequent pairs"), {"n": len(frame)}), Text(N_("repeats kept"))]
    )
    with page.card("moves", finding, Text(N_("What follows directly, anywhere in the journey")), transitions, caption):
        figure.html(lambda m: m.table(heads, [
            [r.touchpoint, r.next_touchpoint,
             m.with_bar(m.number(r.transitions), r.transitions, largest), m.number(r.journeys),
             page.reader.duration(r.median_seconds), page.reader.duration(r.mean_seconds)]
            for r in frame.itertuples()
        ], numeric=(2, 3, 4, 5)))  # fmt: skip


run(show, N_("Journey flow"), N_("How do people really move?"), "touchpoints")
