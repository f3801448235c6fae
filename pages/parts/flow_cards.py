"""The cards beside the flow: whole paths, moves and steps, what journeys come back to. All under the same rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from cx_metrics import findings, findings_flow
from cx_metrics.charts.heatmap import heat_table
from cx_metrics.run import Result
from cx_metrics.safe_text import safe
from cx_metrics.texts import N_, NP_, Text
from pages.parts import figure, flow_pick, flow_rules, state
from pages.parts.flow_pick import Pick
from pages.parts.flow_rules import Rules
from pages.parts.markup import Words
from pages.parts.page import Page

PATHS = 8
MOVES = 12
LARGEST = 12  # touchpoints of the transition matrix
REWORKED = 15
SURE = 100  # journeys below which a conversion rate is greyed
ENOUGH = 10  # cases below which a share is greyed
STRONGEST = 0.6  # share at which a cell of a matrix has its strongest colour: fixed, so that matrices compare
WHO_WORDS = {
    "all": N_("Everyone"),
    "converters": N_("Reach the goal"),
    "drop-outs": N_("Do not reach it"),
}
WHO_NOTES = {
    "all": N_("Whole paths by number of journeys"),
    "converters": N_("Whole paths of journeys that reach the goal, share of all journeys"),
    "drop-outs": N_("Whole paths of journeys that do not reach the goal, share of all journeys"),
}
LOOKS = {"moves": N_("Moves"), "matrix": N_("What follows what"), "steps": N_("Step by step")}
LOOK = "moves_look"


def paths_of(page: Page, rules: Rules, pick: Pick | None, sizes: Mapping[str, Any]) -> Result:
    """The most frequent whole paths of all journeys, or of those that pass what is looked at."""
    who = (page.option("variants", "who") or "all") if page.has_goal() else "all"
    if pick is None:
        return page.ask("variants", top=PATHS, who=who, **rules.of("variants"))
    return page.ask("branch_paths", most=PATHS, who=who, **pick.options, **sizes, **rules.of("branch_paths"))


def draw_paths(page: Page, rules: Rules, journeys: int, pick: Pick | None, sizes: Mapping[str, Any]) -> None:
    """The most frequent whole paths of these journeys, of everyone or of those who do or do not reach the goal. One that is
    chosen is highlighted in the flow; where a node or link is looked at, the paths are those that pass it."""
    goal = page.has_goal()
    variants = paths_of(page, rules, pick, sizes)
    who = variants.definition["options"]["who"]
    frame = variants.frame
    largest = float(frame["journeys"].max()) if len(frame) else 1.0
    rated = goal and who == "all"
    looked_at = flow_pick.path()

    def rows(m: Any) -> list[list[object]]:
        found = []
        for row in frame.itertuples():
            share = m.percent(row.share, 1)
            number = m.with_bar(m.number(row.journeys), row.journeys, largest)
            path = m.path([flow_rules.node(page, name) for name in row.path])
            cells = [m.number(row.rank), m.strong(path) if tuple(row.path) == looked_at else path, number]
            if rated:
                rate = m.percent(row.conversion_rate)
                rate = rate if row.journeys >= SURE else m.dim(rate)
                cells.append(m.over(rate, m.interval(row.conversion_rate_low, row.conversion_rate_high, 0, True)))
            else:
                cells.append(m.over(share, m.interval(row.share_low, row.share_high, 1, True)))
            found.append(cells)
        return found

    last = Text(N_("Reach the goal")) if rated else Text(N_("Share"))
    grey = [Text(N_("grey: fewer than {n} journeys"), {"n": SURE})] if rated else []
    chosen = [Text(N_("of {place}"), {"place": flow_pick.in_words(pick, page.reader)})] if pick else []
    n = journeys if pick is None else int(frame["all_journeys"].max()) if len(frame) else 0
    caption = page.caption("journeys", [*chosen, *rules.in_words("variants"), *grey], n)
    with page.card(
        "paths", findings.paths(frame), Text(WHO_NOTES[who]), variants, caption, ("journeys", "share", "conversion_rate")
    ):  # fmt: skip
        if goal:
            state.seed("flow_who", who)
            st.segmented_control(
                page.reader.say(N_("Whose paths")), list(WHO_WORDS), key="flow_who", label_visibility="collapsed",
                format_func=lambda name: page.reader.say(WHO_WORDS[name]), on_change=take_who,
            )  # fmt: skip
        if pick is None and len(frame):
            choose_path(page, [tuple(path) for path in frame["path"]], looked_at)
        heads: list[Words] = [Text(N_("No.")), Text(N_("Path")), Text(N_("Journeys")), last]
        figure.html(lambda m: m.table(heads, rows(m), numeric=(2, 3)))


def choose_path(page: Page, paths: list[tuple[str, ...]], looked_at: tuple[str, ...]) -> None:
    """One number a path: its way through the flow is highlighted; the same number again lets it go."""
    ranks = {rank: path for rank, path in enumerate(paths, 1)}
    state.seed("flow_path", next((rank for rank, path in ranks.items() if path == looked_at), None))

    def take() -> None:
        flow_pick.take(None, ranks.get(state.value("flow_path"), ()))

    st.pills(page.reader.say(N_("Show a path in the flow, by its number")), list(ranks), key="flow_path",
             format_func=lambda rank: safe(page.reader.number(rank), "markdown"), on_change=take)  # fmt: skip


def take_who() -> None:
    """Whose paths, as an option in the address; everyone, and a choice taken back, are not written."""
    who = state.value("flow_who")
    state.set_option("variants", "who", None if who in (None, "all") else str(who))


def draw_moves(page: Page, rules: Rules, links: Result, sizes: Mapping[str, Any]) -> None:
    """One card, three looks: the busiest moves, what follows what, and where journeys are at each step."""
    look = state.current_address().option("flow", "moves") or "moves"

    def switch() -> None:
        state.seed(LOOK, look)
        st.segmented_control(page.reader.say(N_("Show")), list(LOOKS), key=LOOK, label_visibility="collapsed",
                             format_func=lambda name: page.reader.say(LOOKS[name]), on_change=take_look)  # fmt: skip

    if look == "matrix":
        draw_matrix(page, rules, links, switch)
    elif look == "steps":
        draw_steps(page, rules, links, sizes, switch)
    else:
        draw_pairs(page, rules, links, switch)


def take_look() -> None:
    """Which look of the moves, in the address; the first one is not written."""
    look = state.value(LOOK)
    state.set_option("flow", "moves", None if look in (None, "moves") else str(look))


def draw_pairs(page: Page, rules: Rules, links: Result, switch: Callable[[], None]) -> None:
    """The busiest moves anywhere in the journey, with the time they take."""
    transitions = page.ask("transitions", **rules.of("transitions"), times=flow_rules.times(page))
    frame = transitions.frame.head(MOVES)
    largest = float(frame["transitions"].max()) if len(frame) else 1.0
    timed = page.facts.timed
    medians = timed and transitions.definition["options"]["times"] == "median"
    heads = [Text(N_("Touchpoint")), Text(N_("Followed by")), Text(N_("Transitions")), Text(N_("Journeys"))]
    heads += [Text(N_("Median time"))] if medians else []
    heads += [Text(N_("Mean time"))] if timed else []
    n = len(transitions.frame)
    one, many = NP_("{n} pair of touchpoints follows directly", "{n} pairs of touchpoints follow each other directly")
    caption = page.caption(
        "journeys", [Text(N_("the {n} most frequent pairs"), {"n": len(frame)}), *rules.in_words("transitions")]
    )
    with page.card(
        "moves", Text(one, {"n": n}, many, n), Text(N_("What follows directly, anywhere in the journey")), transitions, caption
    ):  # fmt: skip
        switch()
        say_unlike(page, transitions, links)
        figure.html(lambda m: m.table(heads, [
            [m.profile(r.touchpoint), m.profile(r.next_touchpoint),
             m.with_bar(m.number(r.transitions), r.transitions, largest), m.number(r.journeys),
             *([page.reader.duration(r.median_seconds)] if medians else []),
             *([page.reader.duration(r.mean_seconds)] if timed else [])]
            for r in frame.itertuples()
        ], numeric=tuple(range(2, len(heads)))))  # fmt: skip


def draw_matrix(page: Page, rules: Rules, links: Result, switch: Callable[[], None]) -> None:
    """Which touchpoint follows which: of each row, the share that goes on to each column."""
    matrix = page.ask("transition_matrix", **rules.of("transition_matrix"))
    frame = matrix.frame
    names = findings_flow.largest_rows(frame, LARGEST)
    n = len(findings_flow.largest_rows(frame, len(frame)))
    note = Text(
        N_("Of every {count} contacts with the touchpoint of a row, how many the touchpoint of a column follows"),
        {"count": 100},
    )
    caption = page.caption("journeys", [
        *rules.in_words("transition_matrix"),
        *([Text(N_("the {n} largest of {all} touchpoints"), {"n": len(names), "all": n})] if n > len(names) else []),
        Text(N_("a row adds up to 100% over all touchpoints")), Text(N_("–: never")),
        Text(N_("grey: fewer than {n} transitions"), {"n": ENOUGH}),
    ])  # fmt: skip
    rows, columns = [findings_flow.PATH_START, *names], [*names, findings_flow.PATH_END]
    with page.card("moves", findings_flow.follows(frame), note, matrix, caption):
        switch()
        say_unlike(page, matrix, links)
        figure.html(lambda m: m.heat(heat_table(
            frame, m.reader, "touchpoint", "next_touchpoint", "share", "all_transitions", domain=(0, STRONGEST), min_n=ENOUGH,
            rows=rows, columns=columns, names=flow_rules.nodes(page, [*rows, *columns]),
        ), Text(N_("Touchpoint")), Text(N_("Transitions"))))  # fmt: skip


def draw_steps(page: Page, rules: Rules, links: Result, sizes: Mapping[str, Any], switch: Callable[[], None]) -> None:
    """Where journeys are at each step; those that are over stay over."""
    matrix = page.ask("step_matrix", **sizes, **rules.of("step_matrix"))
    frame = matrix.frame
    names = findings_flow.in_order_of_steps(frame)
    caption = page.caption("journeys", [
        *rules.in_words("step_matrix"),
        Text(N_("the {top} largest touchpoints of a step, the rest as Other"), {"top": sizes["top"]}),
        Text(N_("every step adds up to 100%")), Text(N_("–: nobody, or among Other")),
    ], int(frame["all_journeys"].max()) if len(frame) else 0)  # fmt: skip
    steps = {
        str(step): page.reader.say(Text(N_("Step {number}"), {"number": int(step)}))
        for step in sorted(set(frame["step"]))
    }
    shown = frame.assign(step=[str(step) for step in frame["step"]])
    with page.card(
        "moves",
        findings_flow.steps(frame),
        Text(N_("Share of journeys at each touchpoint, step by step")),
        matrix,
        caption,
    ):
        switch()
        say_unlike(page, matrix, links)
        figure.html(lambda m: m.heat(heat_table(
            shown, m.reader, "touchpoint", "step", "share", domain=(0, STRONGEST), rows=names, columns=list(steps),
            names=flow_rules.nodes(page, names) | steps,
        ), Text(N_("Touchpoint"))))  # fmt: skip


def draw_rework(page: Page, rules: Rules, links: Result) -> None:
    """What journeys come back to, and where they begin and end."""
    rework = page.ask("rework", **rules.of("rework"))
    frame = rework.frame.head(REWORKED)
    largest = float(frame["journeys"].max()) if len(frame) else 1.0
    heads: list[Words] = [Text(N_("Touchpoint")), Text(N_("Journeys")), Text(N_("More than once")), Text(N_("Interval")),
                          Text(N_("Contacts")), Text(N_("Begin here")), Text(N_("End here"))]  # fmt: skip
    n = len(rework.frame)
    caption = page.caption("journeys", [
        Text(N_("grey: fewer than {n} journeys"), {"n": ENOUGH}),
        *([Text(N_("the first {n} of {all}"), {"n": REWORKED, "all": n})] if n > REWORKED else []),
    ])  # fmt: skip
    note = Text(N_("Share of the journeys with a touchpoint that have it more than once"))
    with page.card("rework", findings_flow.rework(rework.frame), note, rework, caption):
        say_unlike(page, rework, links)
        figure.html(lambda m: m.table(heads, [
            [m.profile(r.touchpoint), m.with_bar(m.number(r.journeys), r.journeys, largest),
             m.percent(r.rework_rate, 1) if r.journeys >= ENOUGH else m.dim(m.percent(r.rework_rate, 1)),
             m.dim(m.interval(r.rework_rate_low, r.rework_rate_high, 1, True)), m.number(r.occurrences), m.number(r.begins),
             m.number(r.ends)] for r in frame.itertuples()
        ], numeric=tuple(range(1, len(heads)))))  # fmt: skip


def say_unlike(page: Page, here: Result, links: Result) -> None:
    """Where this card counts by another definition than the flow, say so."""
    words = flow_rules.unlike(here, links)
    if words is not None:
        figure.html(lambda m: m.notice(words, "plain"))
