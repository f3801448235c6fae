"""What changed, and what to know before believing it: movers by evidence, each beside a link to the page behind it; flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from cx_metrics import findings_movers, flags
from cx_metrics.flags import RULES, Flag
from cx_metrics.movers import TITLES, recent
from cx_metrics.run import Result
from cx_metrics.texts import N_, Text
from cx_metrics.view import View
from cx_metrics.view_text import Params
from pages.parts import cache, figure, scores, state, view_words
from pages.parts.address import encode
from pages.parts.figure import Explain
from pages.parts.markup import Markup, Words
from pages.parts.page import Page

AT_ONCE = 2_000_000  # touchpoints: beyond, comparing everything takes more than a moment and is asked for
KINDS = {"touchpoint": N_("touchpoint"), "stage": N_("stage"), "channel": N_("channel"), "all": N_("everybody"),
         "persona": N_("persona"), "segment": N_("segment"), "region": N_("region")}  # fmt: skip
PAGES = {"stages": N_("Stages"), "channels": N_("Channels"), "drop-off": N_("Drop-off"), "voice": N_("Voice")}
SAID = ("nps", "csat", "easy_share")


def draw_movers(page: Page) -> None:
    """The numbers that changed most surely, of all touchpoints, stages and channels."""
    periods = recent(page.facts, page.view)
    if periods is None:
        return
    if page.people.get("touchpoints", 0) > AT_ONCE and not st.toggle(
        page.reader.say(N_("Compare every touchpoint with the period before")), key="movers_asked"
    ):
        return
    result = cache.movers(page.version, *periods)
    frame = result.frame
    listed = findings_movers.shown(frame)
    finding = findings_movers.movers(frame, TITLES, {name: page.stage(name) for name in page.facts.stages})
    with page.card(
        "movers", finding, Text(N_("Every touchpoint, stage and channel against the period before, the surest change first")),
        named(page, result), caption(page, periods, frame), ("difference", "p_value", "q_value"),
    ):  # fmt: skip
        if len(listed):
            rows(page, listed, periods[0])
        if page.view.compared() is None:
            st.button(
                page.reader.say(N_("Show this whole page for these days")), key="movers_days", type="tertiary",
                icon=":material/date_range:", on_click=state.change, args=(partial(_these_days, now=periods[0]),),
            )  # fmt: skip


def named(page: Page, result: Result) -> Result:
    """The answer with what each number is called, for the table behind it."""
    titles = [page.reader.say(TITLES[measure]) for measure in result.frame["measure"]]
    return replace(result, frame=result.frame.assign(measure=titles))


def caption(page: Page, periods: tuple[View, View], frame: pd.DataFrame) -> list[Words]:
    """Which days, how many numbers, by which rule."""
    days: list[Words] = []
    for view in periods:
        covered = page.facts.days_of(view) or (view.first_day, view.last_day)
        days += [page.reader.dates(*covered)] if covered[0] and covered[1] else []
    against = [Text(N_("{now} against {before}"), {"now": days[0], "before": days[1]})] if len(days) == 2 else []
    said: list[Words] = [*against, *view_words.filters_in_words(page.view, page.reader)]
    said += [findings_movers.tested(frame), findings_movers.beyond(frame)] if len(frame) else []
    most = {"n": findings_movers.MOST, "most": findings_movers.MOST_OF_ONE}
    return [
        *said,
        Text(N_("at most {n} are shown, at most {most} per measure; the table behind has them all"), most),
    ]


def rows(page: Page, listed: pd.DataFrame, now: View) -> None:
    """One row a mover, and beside it the way to its page, with these days against those."""
    heads = (N_("What"), N_("Before, now"), N_("Difference"), "", N_("p-value"))
    with st.container(key="mover_head"):
        figure.html(lambda m: m.mover([Text(head) if head else "" for head in heads], head=True))
    address = address_of(page, now)
    ends = listed[["difference_low", "difference_high"]].abs().max(axis=1)
    widest = {of_score: float(ends[(listed["measure"] == "nps") == of_score].max()) for of_score in (True, False)}
    for place, row in enumerate(listed.itertuples()):
        with st.container(horizontal=True, wrap=False, key=f"mover_{place}"):
            figure.html(lambda m, row=row: m.mover(cells(page, m, row, widest[row.measure == "nps"])))
            link(page, behind(row), address)


def link(page: Page, place: str, address: Params) -> None:
    """To the page that a number comes from; its address goes along."""
    of_behaviour = "pages/behaviour/channels.py" if place == "channels" else "pages/behaviour/stages.py"
    of_goal = "pages/behaviour/drop_off.py" if place == "drop-off" else of_behaviour
    file = "pages/opinion/voice.py" if place == "voice" else of_goal
    title = page.reader.say(PAGES[place])
    st.page_link(file, label=title, icon=":material/arrow_outward:", query_params=address)


def address_of(page: Page, now: View) -> Params:
    """The address that shows these days against those, in all else as it is."""
    view = page.view if page.view.compared() is not None else _these_days(page.view, now)
    return encode(replace(state.current_address(), view=view))


def _these_days(view: View, now: View) -> View:
    return replace(view, first_day=now.first_day, last_day=now.last_day, compare="previous")


def behind(row: Any) -> str:
    """The page that a number comes from."""
    if row.measure in SAID:
        return "voice"
    if row.measure == "conversion_rate":
        return "drop-off"
    return "channels" if row.kind == "channel" else "stages"


def cells(page: Page, m: Markup, row: Any, widest: float) -> list[object]:
    """What, before and now, the difference with its interval, its plot, the evidence. `widest`: how far plots of its unit reach."""
    share = row.measure != "nps"
    factor, decimals, unit = (100, 1, "pt") if share else (1, 0, "pts")
    name = (
        page.reader.say(TITLES[row.measure])
        if row.kind == "all"
        else page.stage(row.name)
        if row.kind == "stage"
        else row.name
    )
    what = page.reader.say(KINDS[row.kind] if row.kind == "all" else TITLES[row.measure])
    values = [m.percent(x, 1) if share else m.number(x) for x in (row.value_before, row.value_now)]
    bounds = m.interval(row.difference_low * factor, row.difference_high * factor, decimals)
    tone = (
        "accent" if row.higher_is_better is None else "good" if (row.difference > 0) == row.higher_is_better else "bad"
    )
    return [
        m.over(m.strong(name), what), m.over(m.moved(*values), counted(m, row)),
        m.over(m.change(row.difference, unit, row.higher_is_better), bounds),
        m.track(row.difference, row.difference_low, row.difference_high, -widest, widest, tone),
        m.figure(f"< {page.reader.number(0.001, 3)}") if row.p_value < 0.001 else m.number(row.p_value, 3),
    ]  # fmt: skip


def counted(m: Markup, row: Any) -> object:
    """How many cases either side has."""
    return m.moved(m.count(row.n_before), m.number(row.n_now))


def raised(page: Page, scored: Mapping[str, Result]) -> list[Flag]:
    """The flags of the view."""
    watched = flags.watched(page.view, page.facts) if page.has("touchpoints") else None
    volume = None
    if watched is not None:
        volume = scores.attempt(page, "volume", view=watched)[0]
    answered = {name: (scores.label(name, r.frame), int(r.frame.iloc[0]["responses"])) for name, r in scored.items()}
    return flags.raised(page.facts, page.view, volume.frame if volume else None, answered, today(page))


def today(page: Page) -> Any:
    """The day at the dataset; None for the sample data, whose year is long over."""
    known = cache.workspace().datasets()
    if any(info.is_sample for info in known if info.id == page.version.dataset):
        return None
    return datetime.now(ZoneInfo(page.facts.zone)).date()


def say_flags(found: list[Flag]) -> None:
    """One line for each flag, above the first card."""
    for flag in found:
        figure.html(lambda m, flag=flag: m.notice(flag.found))


def draw_flags(page: Page, found: list[Flag]) -> None:
    """Every rule that was looked at, and what it found."""
    heads = [Text(N_("Finding")), Text(N_("Rule"))]
    by_kind = {flag.kind: flag for flag in reversed(found)}
    order = sorted(RULES, key=lambda kind: kind not in by_kind)
    unseen = {"stale": Text(N_("not looked at: sample data"))} if today(page) is None else {}
    with figure.card("flags", findings_movers.flags(len(found)), Text(N_("What was looked at, and by which rule")),
                     page.caption("customers" if page.has("touchpoints") else "responses"),
                     Explain(Text(N_("Flags are raised by fixed rules from the numbers of this page.")))):  # fmt: skip
        figure.html(lambda m: m.table(heads, [
            [m.strong(m.words(by_kind[kind].found)) if kind in by_kind else
             m.dim(unseen.get(kind, Text(N_("nothing found")))), RULES[kind]]
            for kind in order
        ]))  # fmt: skip
