"""Engagement on pages: the table of any group, exposure curves, active days, and the numbers that contacts carry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from cx_metrics import findings, findings_engagement
from cx_metrics.charts.bars import draw_bars
from cx_metrics.charts.curves import draw_curves
from cx_metrics.contacts import measure_columns
from cx_metrics.options import Touchpoints
from cx_metrics.run import Result
from cx_metrics.texts import N_, NP_, Text
from pages.parts import cache, figure, state, trends, view_words
from pages.parts.page import Page

METRICS = {
    "stage": "stage_engagement", "channel": "channel_engagement", "touchpoint_type": "type_engagement",
    "phase": "phase_engagement",
}  # fmt: skip
NOTES = {
    "stage": N_("Engagement by stage, in the order of the journey"),
    "channel": N_("Engagement by channel, by number of customers"),
    "touchpoint_type": N_("Engagement by type of touchpoint, by number of customers"),
    "phase": N_("Engagement by phase, in the order of the journey"),
}
MEASURED = {
    "stage": N_("What contacts carry, by stage"), "channel": N_("What contacts carry, by channel"),
    "touchpoint_type": N_("What contacts carry, by type"), "phase": N_("What contacts carry, by phase"),
    "touchpoint": N_("What contacts carry, by touchpoint"),
}  # fmt: skip
MEASURES = {
    "duration_seconds": N_("Duration, seconds"), "value": N_("Value"), "cost": N_("Cost"),
}  # fmt: skip
CURVES = 3  # lines that can be told apart, each with its name at its end
CONTACTS = ("0", "1", "2", "3", "4", "5+")
MOST_DAYS = 7
MOST_ROWS = 40
ENOUGH = 10  # customers below which a share is greyed


def word(page: Page, group: str, value: object) -> str:
    """The name of a group in the reader's words."""
    if group == "stage":
        return page.stage(value)
    return (
        page.group(value) if value is None or value != value else view_words.value_word(group, str(value), page.reader)
    )


def offered(page: Page) -> list[str]:
    """The groups that this dataset can be looked at by; stages always."""
    return [name for name in METRICS if name == "stage" or name in page.columns("touchpoints")]


def chosen(page: Page) -> str:
    """The group that the address asks for: what contacts are grouped by, on the whole page."""
    asked = page.option("contact_measures", "per")
    return asked if asked is not None and (asked in offered(page) or asked == "touchpoint") else "stage"


def switch(page: Page, current: str) -> None:
    """Stage, channel, type or phase: kept in the address."""
    groups = offered(page)
    if len(groups) < 2:
        return
    state.seed("engagement_by", current if current in groups else "stage")
    st.segmented_control(
        page.reader.say(N_("Grouped by")), groups, key="engagement_by", on_change=take_group,
        format_func=lambda name: page.reader.say(view_words.LABELS[name]), label_visibility="collapsed",
    )  # fmt: skip


def take_group() -> None:
    """The chosen group becomes an option in the address; stage, and a choice taken back, are not written."""
    name = state.value("engagement_by")
    state.set_option("contact_measures", "per", None if name in (None, "stage") else str(name))


def draw_groups(page: Page, result: Result, group: str, measures: Sequence[str], switched: bool = True) -> None:
    """One row per group: reach, frequency, depth, time, who goes on, bounce."""
    frame = result.frame.assign(named=[word(page, group, v) for v in result.frame[group]])
    finding = findings.stages(frame) if group == "stage" else findings_engagement.groups(frame, "named")
    timed = page.facts.timed
    heads = [Text(view_words.LABELS[group]), Text(N_("Customers")), Text(N_("Reach")), Text(N_("Frequency"))]
    heads += [Text(N_("Time spent"))] if timed else []
    heads += [Text(N_("Next-stage rate"))]
    heads += [Text(N_("Bounce"))] if timed and group != "stage" else []
    caption = page.caption("customers", [
        Text(N_("frequency: contacts per customer reached")),
        *([Text(N_("time: from first to last touchpoint of a visit"))] if timed else []),
    ])  # fmt: skip

    def cells(m: Any, r: Any) -> list[object]:
        rate = m.over(m.percent(r.next_stage_rate), m.interval(r.next_stage_rate_low, r.next_stage_rate_high, 0, True))
        found = [r.named, m.with_bar(m.number(r.customers), r.reach, 1), m.percent(r.reach), m.number(r.frequency, 1)]
        found += [page.reader.duration(r.dwell_seconds_median)] if timed else []
        found += [m.dim(rate) if r.customers < ENOUGH else rate]
        bounce = m.over(m.percent(r.bounce_rate), m.interval(r.bounce_rate_low, r.bounce_rate_high, 0, True))
        return found + ([bounce] if timed and group != "stage" else [])

    with page.card(
        "stages" if switched else "engagement", finding, Text(NOTES[group]), result, caption, measures, height="stretch"
    ):
        if switched:
            switch(page, group)
        figure.html(lambda m: m.table(
            heads, [cells(m, r) for r in frame.head(MOST_ROWS).itertuples()], numeric=tuple(range(1, len(heads)))
        ))  # fmt: skip


def draw_exposure(page: Page) -> None:
    """The conversion rate by number of contacts, for up to three touchpoints."""
    asked = page.option("exposure_curve", "touchpoint")
    result = page.ask("exposure_curve") if asked else page.ask("exposure_curve", top=CURVES)
    names = list(dict.fromkeys(result.frame["touchpoint"]))[:CURVES]
    frame = result.frame[result.frame["touchpoint"].isin(names)]
    finding = findings_engagement.exposure(frame)
    caption = page.caption("customers", [
        Text(N_("contacts before the first conversion, or all if there is none")),
        Text(N_("the goal itself does not count as a contact")),
        Text(N_("hollow: fewer than {n} customers"), {"n": findings.MIN_SCORES}),
    ])  # fmt: skip
    with page.card("exposure", finding, Text(N_("Share of customers who reach the goal, by number of contacts before")),
                   result, caption, height="stretch"):  # fmt: skip
        goal = page.facts.goal_of(page.view)
        known = [t for t in cache.values(page.version, "touchpoint") if t not in goal]
        state.seed("exposure_touchpoints", [t for t in names if t in known])
        st.multiselect(
            page.reader.say(N_("Touchpoints")), known, key="exposure_touchpoints", max_selections=CURVES,
            format_func=page.reader.name, on_change=take_touchpoints, label_visibility="collapsed",
            placeholder=page.reader.say(N_("The most frequent touchpoints")),
        )  # fmt: skip
        if not len(frame):
            figure.html(lambda m: m.notice(Text(N_("Nobody had a contact before reaching the goal")), "plain"))
            return

        def draw(who: Any) -> Any:
            steps = {c: who.number(int(c.rstrip("+"))) + ("+" if c.endswith("+") else "") for c in CONTACTS}
            return draw_curves(
                frame, who, "contacts", "conversion_rate", "conversion_rate_low", "conversion_rate_high", "customers",
                series="touchpoint", steps=CONTACTS, shown_steps=steps, min_n=findings.MIN_SCORES,
            )  # fmt: skip

        figure.altair(draw, finding, key="exposure", wide=True)


def take_touchpoints() -> None:
    """The chosen touchpoints become an option in the address; none of them means the most frequent ones."""
    names = state.value("exposure_touchpoints")
    text = Touchpoints("").print(names) if isinstance(names, Sequence) and names else None
    state.set_option("exposure_curve", "touchpoint", text)


def draw_stickiness(page: Page) -> None:
    """How much of a month's customers a day sees, month by month."""
    result = page.ask("stickiness")
    frame = result.frame[result.frame["customers"] > 0]
    finding = findings_engagement.stickiness(frame)
    caption = page.caption("customers", [
        Text(N_("customers a day / customers of the month")),
        *trends.dashed(page),
        *([Text(N_("hollow: a month that is not covered in full"))] if frame["is_partial"].any() else []),
    ])  # fmt: skip
    with page.card("stickiness", finding, Text(N_("Stickiness by month with its interval")), result, caption,
                   height="stretch"):  # fmt: skip
        trends.draw(page, frame, "month", "stickiness", "customers", finding, "stickiness", partial="is_partial", share=True,
                    decimals=1, zero=True)  # fmt: skip


def draw_active_days(page: Page) -> None:
    """Customers by number of days on which they are there."""
    result = page.ask("active_days", most=MOST_DAYS)
    finding = findings_engagement.active_days(result.frame)
    with page.card("active_days", finding, Text(N_("Customers by number of days with a touchpoint")), result,
                   page.caption(), height="stretch"):  # fmt: skip
        figure.altair(lambda who: draw_bars(
            result.frame.assign(named=[_days(who, d) for d in result.frame["active_days"]]), who, "named", "share",
            "share_low", "share_high", "customers", share=True, decimals=1, keep_order=True,
        ), finding, key="active_days")  # fmt: skip


def _days(who: Any, days: str) -> str:
    """1 day · 7 days or more"""
    n = int(days.removesuffix("+"))
    one, many = NP_("{n} day", "{n} days")
    if days.endswith("+"):
        one, many = NP_("{n} day or more", "{n} days or more")
    return str(who.say(Text(one, {"n": n}, many, n)))


def has_measures(page: Page) -> bool:
    """Whether any column of the touchpoints holds a measure of contacts."""
    return bool(measure_columns(page.columns("touchpoints"), page.facts.attributes))


def draw_measures(page: Page, group: str) -> None:
    """The numbers that contacts carry, group by group: how many are known, their mean, median and sum per customer."""
    result = page.ask("contact_measures", per=group)
    whole = result.frame.assign(named=[word(page, group, v) for v in result.frame[group]],
                                measured=[_measure(page, r) for r in result.frame.itertuples()])  # fmt: skip
    frame = whole[whole["known"] + whole["not_numbers"] > 0]
    several = bool((frame["total"].isna() & (frame["known"] > 0)).any())
    heads = [Text(view_words.LABELS[group]), Text(N_("Measure")), Text(N_("Known contacts")), Text(N_("Mean")),
             Text(N_("Interval")), Text(N_("Median")), Text(N_("Per customer")), Text(N_("Total"))]  # fmt: skip
    odd = int(frame["not_numbers"].sum())
    caption = page.caption("customers", [
        Text(N_("contacts without a number are left out, never counted as 0")),
        *([Text(N_("{n} values are no plain number and left out"), {"n": odd})] if odd else []),
        *([Text(N_("several currencies in one row are not added up"))] if several else []),
        *([Text(N_("the first {n} of {all}"), {"n": MOST_ROWS, "all": len(frame)})] if len(frame) > MOST_ROWS else []),
    ])  # fmt: skip
    with page.card(
        "measures", findings_engagement.measures(whole, "named", "measured"), Text(MEASURED[group]), result, caption
    ):
        figure.html(lambda m: m.table(heads, [
            [r.named, r.measured, m.with_bar(m.number(r.known), r.known, r.contacts), m.number(r.mean, 1),
             m.dim(m.interval(r.mean_low, r.mean_high, 1)), m.number(r.median, 1), m.number(r.per_customer, 1),
             m.number(r.total, 0 if pd.isna(r.total) or float(r.total).is_integer() else 1)]
            for r in frame.head(MOST_ROWS).itertuples()
        ], numeric=tuple(range(2, len(heads)))))  # fmt: skip


def _measure(page: Page, row: Any) -> str:
    """The name of a measure; money with its currency."""
    name = page.reader.say(MEASURES[row.measure]) if row.measure in MEASURES else str(row.measure)
    return f"{name}, {row.currency}" if isinstance(row.currency, str) else name
