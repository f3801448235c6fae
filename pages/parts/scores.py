"""Scores on pages: which of them there are, what they are called, and the table of them by touchpoint, stage or channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from cx_metrics import findings
from cx_metrics.errors import DataProblem
from cx_metrics.run import Result
from cx_metrics.safe_text import safe
from cx_metrics.texts import N_, Text
from cx_metrics.view import Answered, View
from pages.parts import differing, figure, state, view_words
from pages.parts.differing import Compared
from pages.parts.page import Page

NAMES = {"nps": N_("NPS"), "csat": N_("Satisfied (CSAT)"), "ces": N_("Ease (CES)")}
EFFORT = N_("Effort (CES)")  # a scale on which less is better
NOTES = {
    "touchpoint": N_("Scores by the touchpoint the answer is about"),
    "stage": N_("Scores by the stage the answer is about"),
    "channel": N_("Scores by the channel the answer is about"),
    "wave": N_("Scores by the survey round"),
}
UNLINKED = N_(
    "These answers name no customer, so filters on customers and their journeys leave none of them. "
    "Take the filters away, or import the answers with a customer column."
)
MOST_ROWS = 15


def attempt(
    page: Page, name: str, by: Sequence[str] = (), view: View | None = None
) -> tuple[Result | None, list[Text]]:
    """A score, or what keeps it from being counted: two scales in one dataset, answers without a scale."""
    try:
        return page.ask(name, by=by, view=view), []
    except DataProblem as problem:
        return None, [problem.text]


def ask(page: Page) -> tuple[dict[str, Result], list[Text]]:
    """Every score that has valid answers in this view, and what keeps others from being counted."""
    found: dict[str, Result] = {}
    problems: list[Text] = []
    for name in NAMES if page.has("surveys") else ():
        result, why = attempt(page, name)
        problems += why
        if result is not None and len(result.frame) and int(result.frame.iloc[0]["responses"]):
            found[name] = result
    return found, problems


def label(name: str, frame: pd.DataFrame) -> Text:
    """What a score is called: a scale on which less is better asks for effort, not ease."""
    less = name == "ces" and any(v is not None and v == v and not v for v in frame["higher_is_better"])
    return Text(EFFORT) if less else Text(NAMES[name])


def say(problems: Sequence[Text]) -> None:
    """One line for each score that cannot be counted."""
    for problem in problems:
        figure.html(lambda m, problem=problem: m.notice(problem))


def narrowed(view: View) -> bool:
    """Whether the view leaves anybody out."""
    return bool(view.customers or view.touchpoints or view.chooses_people() or view.first_day or view.last_day)


def unlinked(page: Page) -> bool:
    """Whether filters take away all answers because answers do not say who gave them."""
    if not page.has("surveys") or page.people.get("responses") or "customer_id" in page.columns("surveys"):
        return False
    by_people = any(f.column not in page.columns("surveys") for f in page.view.customers)
    by_journey = page.view.touchpoints and page.view.touchpoint_rule == "customers"
    return bool(by_people or by_journey or page.view.chooses_people())


def say_unlinked(page: Page) -> None:
    """Why filters on customers leave no answer."""
    if unlinked(page):
        st.html(page.m.notice(Text(UNLINKED)))


def broadest(page: Page, place: str, asked: Sequence[str]) -> tuple[str | None, int]:
    """The score with enough answers about most places, and about how many."""
    counts: dict[str, int] = {}
    for name in asked:
        frame = page.ask(name, by=[place]).frame
        counts[name] = int(((frame["responses"] >= findings.MIN_SCORES) & frame[place].notna()).sum())
    best = max(counts, key=lambda name: counts[name], default=None)
    return best, counts[best] if best else 0


def finding(page: Page, place: str, name: str) -> Text:
    """Where a score is lowest and highest, with the names of stages in the reader's words."""
    return findings.score_by(_named(page, place, name), place, name)


def main_of(asked: Mapping[str, Result]) -> str:
    """The score that a page is about: the first that enough people gave, or else the first there is."""
    enough = (n for n, r in asked.items() if int(r.frame.iloc[0]["responses"]) >= findings.MIN_SCORES)
    return next(enough, next(iter(asked)))


def summary(page: Page, asked: Mapping[str, Result]) -> Text:
    """The main score in one sentence."""
    main = main_of(asked)
    return findings.score(asked[main].frame, main, page.people.get("responses", 0))


def opinion(page: Page, *places: str) -> None:
    """A page about behaviour where there are only answers: their scores by stage or channel, else what to upload."""
    asked, problems = ask(page)
    carried = [place for place in places if place in page.columns("surveys")]
    if not carried or not (asked or page.people.get("responses") == 0 and narrowed(page.view)):
        page.empty("touchpoints")
        say(problems)
        return
    if not asked:
        page.open(Text(N_("No valid answers in this view")))
        say_unlinked(page)
        page.nobody()
        return
    best, enough = broadest(page, carried[0], list(asked))
    page.open(finding(page, carried[0], str(best)) if enough > 1 else summary(page, asked))
    say(problems)
    for place in carried:
        draw_scores(page, place, list(asked))


def draw_scores(page: Page, place: str, asked: Sequence[str]) -> None:
    """Every score by touchpoint, stage or channel with its interval and n."""
    frames = {name: _named(page, place, name) for name in asked}
    scored = {name: {row[place]: row for _i, row in frame.iterrows()} for name, frame in frames.items()}
    said = [place_name for rows in scored.values() for place_name, row in rows.items() if row["responses"]]
    names = list(dict.fromkeys(said))
    if place == "stage":
        order = [page.stage(s) for s in page.facts.stages]
        names.sort(key=lambda name: order.index(name) if name in order else len(order))
    if place == "wave":
        names.sort()
    if not names:
        return
    heads: list[Any] = [Text(view_words.LABELS[place])]
    for name in asked:
        heads += [label(name, frames[name]), Text(N_("Interval")), Text(N_("n"))]

    def cells(m: Any, name: str, row: Any) -> list[Any]:
        if row is None or not row["responses"]:
            return [m.dim("–"), "", ""]
        share, decimals = name == "csat", 1 if name == "ces" else 0
        shown = m.percent(row[name]) if share else m.number(row[name], decimals)
        bounds = m.dim(m.interval(row[f"{name}_low"], row[f"{name}_high"], decimals, share))
        return [shown if row["responses"] >= findings.MIN_SCORES else m.dim(shown), bounds, m.number(row["responses"])]

    best, _enough = broadest(page, place, asked)
    main = best or asked[0]
    caption = page.caption("responses", [Text(N_("grey: fewer than {n} answers"), {"n": findings.MIN_SCORES})])
    with page.card(
        f"scores_{place}", finding(page, place, main), Text(NOTES[place]), page.ask(main, by=[place]), caption
    ):
        figure.html(lambda m: m.table(heads, [
            [m.strong(m.profile(t) if place == "touchpoint" else t),
             *(c for name in asked for c in cells(m, name, scored[name].get(t)))] for t in names[:MOST_ROWS]
        ], numeric=tuple(range(1, len(heads)))))  # fmt: skip


def groups_of(name: str, row: Any) -> dict[str, tuple[float, float]]:
    """The answers that a score sets apart: what they are called, and from which to which."""
    if name == "nps":
        return {words: bounds for bounds, words in view_words.SCORE_GROUPS.items()}
    low, high = row["scale_low"], row["scale_high"]
    if low != low or high != high or high - low < 2:
        return {}
    better = bool(row["higher_is_better"])
    if name == "csat":
        good, rest = ((high - 1, high), (low, high - 2)) if better else ((low, low + 1), (low + 2, high))
        return {N_("Not satisfied"): rest, N_("Satisfied"): good}
    upper, lower = ((low + high) // 2 + 1, high), (low, (low + high) // 2)
    if not better:
        upper, lower = (low, -(-(low + high) // 2) - 1), (-(-(low + high) // 2), high)
    return {N_("Not easy"): lower, N_("Easy"): upper}


def see_groups(page: Page, name: str, row: Any) -> None:
    """To the flow page, with the journeys of those who gave such answers alone; the filter stays on every page."""
    if not page.has("touchpoints") or "customer_id" not in page.columns("surveys"):
        return
    with st.container(horizontal=True, key=f"see_{name}"):
        for place, (words, (low, high)) in enumerate(groups_of(name, row).items()):
            shown = page.reader.say(Text(N_("Journeys: {group}"), {"group": Text(words)}))
            if st.button(
                safe(shown, "markdown"), key=f"see_{name}_{place}", type="tertiary", icon=":material/filter_alt:"
            ):
                state.change(partial(_who_answered, Answered(name, float(low), float(high))))
                st.switch_page("pages/behaviour/flow.py")


def _who_answered(answered: Answered, view: View) -> View:
    return replace(view, answered=answered)


def draw_differences(page: Page, main: str, broad: str, place: str | None) -> None:
    """The main score against other days or another segment; the one given about most places, by place."""
    if not differing.pairs(page):
        return
    whole = page.reader.say(label(main, page.ask(main).frame))
    head, note = Text(N_("Score")), Text(N_("The score of A and of B"))
    differing.draw(page, Compared(main, (main,), lambda row: whole, head, note, "responses"))
    if place is not None and page.ask(broad, by=[place]).frame[place].notna().sum() > 1:
        note = Text(
            N_("{measure} by touchpoint: where A and B differ most"), {"measure": label(broad, page.ask(broad).frame)}
        )
        differing.draw(page, Compared(
            broad, (broad,), lambda row: str(getattr(row, place)), Text(view_words.LABELS[place]), note, "responses",
            by=(place,), keep=lambda frame: frame[place].notna(),
        ))  # fmt: skip


def _named(page: Page, place: str, name: str) -> pd.DataFrame:
    """A score by place, without answers about none, names of stages in the reader's words."""
    frame = page.ask(name, by=[place]).frame
    frame = frame[frame[place].notna()]
    return frame.assign(**{place: [page.stage(s) if place == "stage" else str(s) for s in frame[place]]})
