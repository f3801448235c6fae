"""Around the answer: what the unhappy did before and after it, and the happy beside them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from cx_metrics import findings_around
from cx_metrics.around_answers import MOODS
from cx_metrics.groups import OTHER
from cx_metrics.run import Result
from cx_metrics.safe_text import safe
from cx_metrics.texts import N_, NP_, Text
from pages.parts import cache, figure, funnel_builder, state
from pages.parts.markup import Markup, Words
from pages.parts.page import Page

METRIC = "around_answers"
ENOUGH = 10  # answers below which a share is greyed
SHOWN = 5  # touchpoints at each place of the way
WINDOWS = ("7d", "30d", "90d", "unlimited")
GROUPS = {  # what the groups of answers are called
    ("nps", "unhappy"): N_("Detractors"), ("nps", "neutral"): N_("Passives"), ("nps", "happy"): N_("Promoters"),
    ("csat", "unhappy"): N_("Not satisfied"), ("csat", "happy"): N_("Satisfied"),
    ("ces", "unhappy"): N_("Not easy"), ("ces", "happy"): N_("Easy"),
}  # fmt: skip
PLACES = {
    ("before", 3): N_("3rd before"), ("before", 2): N_("2nd before"), ("before", 1): N_("Last before"),
    ("after", 1): N_("Next"), ("after", 2): N_("2nd after"), ("after", 3): N_("3rd after"),
}  # fmt: skip
LEFT_OUT = {
    "without_customer": NP_("{n} answer names no customer", "{n} answers name no customer"),
    "without_time": NP_("{n} answer has no time", "{n} answers have no time"),
    "without_journey": NP_(
        "{n} answer is by a customer without touchpoints", "{n} answers are by customers without touchpoints"
    ),
    "without_scale": NP_("{n} answer has no scale", "{n} answers have no scale"),
}
OPEN = NP_("{n} of those with nothing after may still come: their time is not over",
           "{n} of those with nothing after may still come: their time is not over")  # fmt: skip


def is_possible(page: Page) -> bool:
    """Whether answers can be found in journeys at all."""
    return page.has("touchpoints") and page.facts.timed and "contacts_before" in page.columns("surveys")


def jump(page: Page) -> None:
    """From the card of a score to what people did around their answer."""
    if is_possible(page):
        st.html(page.m.jump(METRIC, Text(N_("What they did before and after their answer"))))


def draw(page: Page, main: str) -> None:
    """The way of one group to its answer and away from it; below, unhappy and happy answers side by side."""
    if not is_possible(page) or (main, MOODS[0]) not in GROUPS:
        return
    own = cache.answer_touchpoints(page.version)
    chosen = {} if page.option(METRIC, "exclude") is not None or not own else {"exclude": own}
    result = page.ask(METRIC, score=main, **chosen)
    frame = result.frame
    if not len(frame) or not int(frame.iloc[0]["all_unhappy"]) + int(frame.iloc[0]["all_happy"]):
        return
    finding = findings_around.around(frame, main)
    note = Text(N_("The touchpoints before an answer and after it"))
    with page.card("around", finding, note, result, caption(page, result, frame.iloc[0]),
                   ("unhappy_share", "neutral_share", "happy_share", "difference", "unhappy_not_over")):  # fmt: skip
        st.html(page.m.anchor(METRIC))
        mood = choose(page, main, result)
        way = places(page, frame, mood)
        figure.html(lambda m: m.ways(way, Text(N_("Answer")), sum(side == "before" for side, _place in PLACES)))
        left, right = st.columns(2, gap="medium")
        for place, side in ((left, "before"), (right, "after")):
            with place:
                draw_side(page, frame, side, main)


def caption(page: Page, result: Result, row: Any) -> list[Words]:
    """Who stands in a journey and who does not; which touchpoints count."""
    options = result.definition["options"]
    words: list[Words] = []
    if options["window"] != "unlimited":
        within = Text("{w}", {"w": funnel_builder.within(page, options["window"])})
        words.append(Text(N_("touchpoints up to {within} before or after the answer"), {"within": within}))
    if options["exclude"]:
        words.append(Text(N_("left out: {touchpoints}"), {"touchpoints": options["exclude"].replace("|", ", ")}))
    words += [
        Text(N_("a touchpoint of the same instant lies before the answer")),
        Text(N_("journeys whole, whatever the days chosen")),
    ]
    for name, (one, many) in LEFT_OUT.items():
        if n := int(row[name]):
            words.append(Text(one, {"n": n}, many, n))
    nothing = result.frame[
        (result.frame["side"] == "after") & (result.frame["place"] == 1) & result.frame["touchpoint"].isna()
    ]
    for row in nothing.itertuples():
        n = int(row.unhappy_not_over + row.neutral_not_over + row.happy_not_over)
        words += [Text(OPEN[0], {"n": n}, OPEN[1], n)] if n else []
    return page.caption("responses", words, int(result.frame.iloc[0]["all_answers"]))


def choose(page: Page, main: str, result: Result) -> str:
    """Whose way is shown, and how far from the answer a touchpoint may lie: both kept in the link."""
    asked = page.option("voice", "around")
    offered = [mood for mood in MOODS if (main, mood) in GROUPS]
    mood = asked if asked in offered else MOODS[0]
    window = result.definition["options"]["window"]
    state.seed("around_mood", mood)
    state.seed("around_window", window)
    with st.container(horizontal=True, key="around_choice", vertical_alignment="bottom"):
        st.segmented_control(
            page.reader.say(N_("Whose answers")), offered, key="around_mood", on_change=_take_mood,
            format_func=lambda name: page.reader.say(GROUPS[main, name]),
        )  # fmt: skip
        st.segmented_control(
            page.reader.say(N_("How far from the answer")), list(dict.fromkeys([*WINDOWS, window])), key="around_window",
            on_change=_take_window, format_func=lambda text: safe(funnel_builder.within(page, text), "markdown"),
        )  # fmt: skip
    return mood


def _take_mood() -> None:
    chosen = state.value("around_mood")
    state.set_option("voice", "around", None if chosen in (None, "unhappy") else str(chosen))


def _take_window() -> None:
    chosen = state.value("around_window")
    state.set_option(METRIC, "window", None if chosen in (None, "30d") else str(chosen))


def places(page: Page, frame: pd.DataFrame, mood: str) -> list[tuple[Words, list[tuple[str, float, bool]]]]:
    """The touchpoints of most answers of the group at each place, the farthest before first."""
    columns: list[tuple[Words, list[tuple[str, float, bool]]]] = []
    told = list(zip(*(frame[c] for c in ("side", "place", "touchpoint", mood, f"{mood}_share")), strict=True))
    for (side, place), head in PLACES.items():
        rows = [(name, n, share) for at, step, name, n, share in told if at == side and step == place and n > 0]
        named = [row for row in rows if isinstance(row[0], str) and row[0] != OTHER]
        largest = sorted(named, key=lambda row: -row[1])[:SHOWN]
        nowhere = [row for row in rows if not isinstance(row[0], str)]
        shown = [
            (word(page, side, name), float(share), not isinstance(name, str)) for name, _n, share in largest + nowhere
        ]
        columns.append((Text(head), shown))
    return columns


def word(page: Page, side: str, name: object) -> str:
    """A touchpoint, the rest of them, or nothing, in the reader's words."""
    if not isinstance(name, str):
        return page.reader.say(N_("Nothing before") if side == "before" else N_("Nothing after"))
    return page.reader.say(N_("Other touchpoints")) if name == OTHER else name


def draw_side(page: Page, frame: pd.DataFrame, side: str, main: str) -> None:
    """The touchpoint next to the answer: unhappy and happy answers, and how far apart they are."""
    rows = frame[(frame["side"] == side) & (frame["place"] == 1)]
    if not len(rows):
        return
    first = N_("Last touchpoint before") if side == "before" else N_("Next touchpoint after")
    heads = [
        Text(first),
        Text(GROUPS[main, "unhappy"]),
        Text(GROUPS[main, "happy"]),
        Text(N_("Difference")),
        Text(N_("Chance")),
    ]
    beyond, within = page.reader.say(N_("beyond chance")), page.reader.say(N_("within chance"))

    def share(m: Markup, r: Any, mood: str) -> object:
        value = getattr(r, f"{mood}_share")
        bounds = m.interval(getattr(r, f"{mood}_share_low"), getattr(r, f"{mood}_share_high"), 0, True)
        shown = m.over(m.percent(value), bounds)
        return shown if getattr(r, f"all_{mood}") >= ENOUGH else m.dim(shown)

    figure.html(lambda m: m.table(heads, [
        [m.text(word(page, side, r.touchpoint)), share(m, r, "unhappy"), share(m, r, "happy"),
         m.over(m.change(r.difference, "pt", None, 1),
                m.interval(r.difference_low * 100, r.difference_high * 100, 1)),
         m.strong(beyond) if r.flagged else m.dim(within)]
        for r in rows.itertuples()
    ], numeric=(1, 2, 3)))  # fmt: skip
