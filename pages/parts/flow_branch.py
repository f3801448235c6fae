"""A node or link of the flow that was chosen: how many journeys, from where, to where, do they convert, what did they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from cx_metrics import findings_branch
from cx_metrics.registry import METRICS
from cx_metrics.run import Result
from cx_metrics.texts import N_, NP_, Text
from cx_metrics.view import Passing, View
from pages.parts import cache, differing, figure, flow_pick, flow_rules, lost, scores, segments, state
from pages.parts.flow_pick import FOLDED, OTHER, Pick
from pages.parts.flow_rules import Rules
from pages.parts.markup import Html, Markup, Words
from pages.parts.page import Page

NEIGHBOURS, QUOTES = 5, 3
NOT_CHOSEN = N_(
    "Scores, comments and the filter are there for a touchpoint or a move of whole journeys under the standard rules."
)


def draw(page: Page, rules: Rules, pick: Pick, branch: Result, sizes: Mapping[str, Any]) -> None:
    """The card about the node or link: numbers, the steps before and after, and what can be done with these journeys."""
    through = page.ask("flow_through", **pick.options, **sizes, **rules.of("flow_through"))
    row = through.frame.iloc[0]
    finding = findings_branch.through(through.frame, *pick.options.values())
    caption = page.caption("journeys", rules.in_words("flow_through"), int(row["all_journeys"]))
    note = Text(N_("The journeys that pass it, one by one; highlighted in the flow"))
    with page.card("branch", finding, note, through, caption):
        figure.html(lambda m: m.table(
            ["", Text(N_("These journeys")), Text(N_("Everyone else"))], numbers(page, m, row), numeric=(1, 2)
        ))  # fmt: skip
        actions(page, rules, pick)
        before = findings_branch.came_from(branch.frame, pick.step, pick.source).head(NEIGHBOURS)
        after = findings_branch.went_to(branch.frame, *pick.options.values()).head(NEIGHBOURS)
        neighbours(page, Text(N_("The step before")), before, "source")
        neighbours(page, Text(N_("The next step")), after, "target")


def numbers(page: Page, m: Markup, row: Any) -> list[list[object]]:
    """How many there are, and how many reach the goal, against everyone else."""
    share = m.over(m.number(row["journeys"]), shares(m, row, "share"))
    found: list[list[object]] = [[Text(N_("Journeys")), share, m.number(row["other_journeys"])]]
    if page.has_goal():
        cells = [
            m.over(m.percent(row[name], 1), shares(m, row, name, value=False))
            for name in ("conversion_rate", "other_rate")
        ]
        found.append([Text(N_("Reach the goal")), *cells])
        bounds = m.interval(row["difference_low"] * 100, row["difference_high"] * 100, 1)
        found.append([Text(N_("Difference")), m.over(m.change(row["difference"], "pt", True, 1), bounds), ""])
    return found


def shares(m: Markup, row: Any, name: str, value: bool = True) -> Html:
    """A share and its interval, or the interval alone."""
    interval = m.interval(row[f"{name}_low"], row[f"{name}_high"], 1, True)
    return m.over(m.percent(row[name], 1), interval) if value else interval


def neighbours(page: Page, head: Words, rows: pd.DataFrame, column: str) -> None:
    """The steps before or after: touchpoint, journeys, share of these journeys, time."""
    if rows.empty:
        return
    timed = page.facts.timed
    time = "median_seconds" if bool(rows["median_seconds"].notna().any()) else "mean_seconds"
    times = [Text(N_("Median time") if time == "median_seconds" else N_("Mean time"))] if timed else []
    names = [row[column] if row["kind"] == "move" or column == "source" else row["kind"] for _i, row in rows.iterrows()]
    figure.html(lambda m: m.table([head, Text(N_("Journeys")), Text(N_("Share")), *times], [
        [flow_rules.node(page, name), m.number(r.journeys),
         m.over(m.percent(r.share, 1), m.interval(r.share_low, r.share_high, 1, True)),
         *([page.reader.duration(getattr(r, time))] if timed else [])]
        for name, r in zip(names, rows.itertuples(), strict=True)
    ], numeric=(1, 2)))  # fmt: skip


def actions(page: Page, rules: Rules, pick: Pick) -> None:
    """What can be done with these journeys: keep only them, save them, anchor the flow, compare, let go."""
    say, passing = page.reader.say, pick.passing(rules)
    first = pick.source if pick.source not in ("", OTHER, FOLDED) else ""
    last = pick.target if pick.target not in ("", OTHER, FOLDED) else first
    with st.container(horizontal=True, key="branch_actions", gap="small"):
        st.button(say(N_("Only these journeys")), key="branch_only", disabled=passing is None, on_click=only, args=(passing,),
                  icon=":material/filter_alt:", type="tertiary")  # fmt: skip
        if passing is not None and cache.privacy(page.version) is None:
            segments.save_button(page.version, kept(page.view, passing), page.reader, "branch")
        st.button(say(N_("Compare with everyone else")), key="branch_compare", disabled=passing is None, on_click=compare,
                  args=(passing,), icon=":material/compare_arrows:", type="tertiary")  # fmt: skip
        st.button(say(N_("Start the flow here")), key="branch_start", disabled=not first, on_click=anchor, args=("start", first),
                  icon=":material/first_page:", type="tertiary")  # fmt: skip
        st.button(say(N_("End the flow here")), key="branch_end", disabled=not last, on_click=anchor, args=("end", last),
                  icon=":material/last_page:", type="tertiary")  # fmt: skip
        st.button(say(N_("Show the whole flow again")), key="branch_close", on_click=flow_pick.take, args=(None,),
                  icon=":material/close:", type="tertiary")  # fmt: skip
    if passing is None:
        figure.html(lambda m: m.caption([Text(NOT_CHOSEN)]))


def kept(view: View, passing: Passing) -> View:
    """The view of these journeys alone; beside a filter of that kind, as a segment."""
    return replace(view, passing=passing) if view.passing is None else flow_pick.sides(view, passing)[0]


def only(passing: Passing) -> None:
    """These journeys become the filter of all pages."""
    state.change(lambda view: kept(view, passing))
    flow_pick.take(None)


def compare(passing: Passing) -> None:
    """These journeys become segment A, everyone else of the view segment B."""

    def edit(view: View) -> View:
        inside, outside = flow_pick.sides(view, passing)
        return replace(view, members=inside.members, against=view.customers, against_members=outside.members)

    state.change(edit)
    flow_pick.take(None)


def anchor(side: str, touchpoint: str) -> None:
    """The flow begins or ends at a touchpoint; steps count afresh, so nothing is looked at any more."""
    flow_rules.anchor(side, touchpoint)
    flow_pick.take(None)


def draw_said(page: Page, rules: Rules, pick: Pick) -> None:
    """Scores of the people of these journeys against everyone else, and what they wrote."""
    passing = pick.passing(rules)
    if passing is None or not (page.has("surveys") and "customer_id" in page.columns("surveys")):
        return
    inside, outside = flow_pick.sides(page.view, passing)
    found = [(name, said) for name in lost.SCORES if (said := lost.said_of(page, name, inside, outside)) is not None]
    if not found:
        return
    counts = [cache.people(page.version, view).get("responses", 0) for view in (inside, outside)]
    one, many = NP_("{n} response of these people", "{n} responses of these people")
    others, of_others = NP_("{n} of everyone else", "{n} of everyone else")
    caption = [
        Text(one, {"n": counts[0]}, many, counts[0]), Text(others, {"n": counts[1]}, of_others, counts[1]),
        *page.period("surveys"),
    ]  # fmt: skip
    heads = [
        Text(N_("Score")),
        Text(N_("These people")),
        Text(N_("Everyone else")),
        Text(N_("Difference")),
        Text(N_("Chance")),
    ]
    rows = [(name, said.frame[said.frame["measure"] == name].iloc[0]) for name, said in found]
    with page.card(
        "branch_said", Text(N_("What the people of these journeys say")), Text(N_("Their answers against everyone else’s")),
        found[0][1], caption, ("value_a", "value_b", "difference"),
    ):  # fmt: skip
        figure.html(lambda m: m.table(heads, [score_row(page, m, name, row) for name, row in rows], numeric=(1, 2, 3)))
        quotes(page, inside)


def score_row(page: Page, m: Markup, name: str, row: Any) -> list[object]:
    """A score of both sides, each with its interval and n, and the difference."""
    measure = METRICS[name].measures[name]
    is_share, decimals = measure.unit == "share", differing.DECIMALS.get(measure.unit, 1)

    def side(letter: str) -> Html:
        low, high = row[f"value_{letter}_low"], row[f"value_{letter}_high"]
        interval = m.interval(low, high, decimals, is_share)
        return m.over(
            differing.value(m, row[f"value_{letter}"], measure.unit), m.over(interval, m.count(int(row[f"n_{letter}"])))
        )

    factor = 100 if is_share else 1
    bounds = m.interval(row["difference_low"] * factor, row["difference_high"] * factor, decimals)
    better = measure.higher_is_better if row["flagged"] else None
    change = m.change(row["difference"], differing.UNITS.get(measure.unit, ""), better, decimals)
    beyond, within = page.reader.say(N_("beyond chance")), page.reader.say(N_("within chance"))
    chance = m.strong(beyond) if row["flagged"] else m.dim(within)
    return [scores.label(name, page.ask(name).frame), side("a"), side("b"), m.over(change, bounds), chance]


def quotes(page: Page, inside: View) -> None:
    """A few comments of these people, those that can be quoted first."""
    if "comment" not in page.columns("surveys"):
        return
    wrote, _n = cache.comments(page.version, inside, typical=True, most=QUOTES)
    if not len(wrote):  # none of a length to be quoted: the newest
        wrote, _n = cache.comments(page.version, inside, most=QUOTES)
    if len(wrote):
        heads = [Text(N_("Date")), Text(N_("Score")), Text(N_("Comment"))]
        figure.html(lambda m: m.table(heads, [
            [m.day(r.answered_at), m.number(r.score), m.quote(r.comment)] for r in wrote.itertuples()
        ], numeric=(1,)))  # fmt: skip
