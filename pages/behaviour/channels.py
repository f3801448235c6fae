"""Which channels bring people to the goal, and what do they cost?"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from cx_metrics import findings
from cx_metrics.channels import NONE
from cx_metrics.charts.bars import draw_bars
from cx_metrics.options import Duration
from cx_metrics.run import Result
from cx_metrics.texts import N_, Text
from pages.parts import differing, engagement, figure, scores
from pages.parts.differing import Compared
from pages.parts.markup import Words
from pages.parts.page import Page, run

ENOUGH = 30
MOST_BARS = 20


def show(page: Page) -> None:
    """Conversion by channel with intervals, the performance table, what a conversion costs, engagement, scores by channel."""
    if not page.has("touchpoints"):
        scores.opinion(page, "channel")
        return
    if not page.people.get("touchpoints"):
        page.open(Text(N_("Nobody is left in this view")))
        page.nobody()
        return
    show_behaviour(page)
    if page.has("surveys") and "channel" in page.columns("surveys"):
        asked, problems = scores.ask(page)
        scores.say(problems)
        scores.draw_scores(page, "channel", list(asked))


def show_behaviour(page: Page) -> None:
    """What channels do; what is missing where they cannot be compared."""
    if "channel" not in page.columns("touchpoints"):
        page.open(Text(N_("These touchpoints name no channel")))
        box = st.container(key="card_empty")
        how = Text(N_("Choose the column on the Data page, or map touchpoints to channels there."))
        box.html(page.m.empty(Text(N_("Add a channel column to compare channels")), how))
        return
    if not page.has_goal():
        page.open(Text(N_("No goal is set")))
        box = st.container(key="card_empty")
        how = Text(N_("Choose one or more touchpoints under Goal in the bar above, or on the Data page."))
        box.html(page.m.empty(Text(N_("Say what counts as conversion")), how))
        draw_engagement(page)
        return
    result = page.ask("channel_performance")
    page.open(findings.channels(result.frame), comparing=True)
    draw_differences(page)
    left, right = st.columns([0.5, 0.5], gap="small")
    with left:
        draw_rates(page, result)
    with right:
        draw_cost(page, result)
    draw_table(page, result)
    draw_engagement(page)


def draw_differences(page: Page) -> None:
    """Reach and conversion of each channel, against other days or another segment."""
    differing.draw(page, Compared(
        "channel_performance", ("reach", "conversion_rate"), lambda row: page.group(row.channel), Text(N_("Channel")),
        Text(N_("Where A and B differ most")), keep=lambda frame: frame["channel"] != NONE,
    ))  # fmt: skip


def draw_engagement(page: Page) -> None:
    """Whom each channel reaches, how often, and whether it leads on: needs no goal."""
    engagement.draw_groups(page, page.ask("channel_engagement"), "channel", (), switched=False)


def draw_rates(page: Page, result: Result) -> None:
    """Conversion rate of the customers on each channel."""
    known = result.frame[(result.frame["customers"] > 0) & (result.frame["channel"] != NONE)]
    known = known.sort_values(["conversion_rate", "channel"], ascending=[False, True])
    frame = known if len(known) <= MOST_BARS else pd.concat([known.head(MOST_BARS - 1), known.tail(1)])
    frame = frame.assign(named=[page.group(c) for c in frame["channel"]])
    finding = findings.channels(result.frame)
    words: list[Words] = [Text(N_("pale: fewer than {n} customers"), {"n": ENOUGH})]
    if len(frame) < len(known):
        words.append(Text(N_("{shown} of {n} channels: the best and the last"), {"shown": len(frame), "n": len(known)}))
    with page.card(
        "rates", finding, Text(N_("Share of the customers on a channel who reach the goal at or after their first contact there")),
        result, page.caption("customers", words),
        ("conversion_rate", "converted", "customers"), height="stretch",
    ):  # fmt: skip
        figure.altair(lambda who: draw_bars(frame, who, "named", "conversion_rate", "conversion_rate_low", "conversion_rate_high",
                                            "customers", share=True, min_n=ENOUGH), finding, key="rates")  # fmt: skip


def draw_cost(page: Page, result: Result) -> None:
    """What a conversion costs on each paid channel, and what comes back."""
    frame = result.frame[result.frame["cost"].notna()]
    note = Text(N_("Spend in the range against the conversions each channel opened and closed"))
    heads = [Text(N_("Channel")), Text(N_("Cost")), Text(N_("Per first-touch conversion")), Text(N_("Return, first touch")),
             Text(N_("Per last-touch conversion")), Text(N_("Return, last touch"))]  # fmt: skip
    caption = page.caption(
        "customers", [Text(N_("return: value of the credited conversions / cost")), Text(N_("counted, no interval"))]
    )
    measures = ("cost", "cost_per_first_touch", "return_on_first_touch", "cost_per_conversion", "return_on_spend")
    with page.card("cost", findings.spend(result.frame), note, result, caption, measures, height="stretch"):
        if not len(frame) and page.has("spend"):
            words = Text(
                N_(
                    "Spend is known for all customers together, not for a group of them. Take away the customer filters."
                )
            )
            figure.html(lambda m: m.notice(words, "plain"))
            return
        if not len(frame):
            how = Text(N_("One row per channel and period, with the cost."))
            figure.html(lambda m: m.empty(Text(N_("Add a spend file to see what channels cost")), how))
            return
        figure.html(lambda m: m.table(heads, [
            [page.group(r.channel), m.number(r.cost), m.number(r.cost_per_first_touch, 1), m.number(r.return_on_first_touch, 2),
             m.number(r.cost_per_conversion, 1), m.number(r.return_on_spend, 2)] for r in frame.itertuples()
        ], numeric=(1, 2, 3, 4, 5)))  # fmt: skip


def draw_table(page: Page, result: Result) -> None:
    """All channels: reach, conversion, credit by first and last touch, value."""
    frame = result.frame
    heads = [Text(N_("Channel")), Text(N_("Customers")), Text(N_("Reach")), Text(N_("Touchpoints")), Text(N_("Converted")),
             Text(N_("Conversion rate")), Text(N_("Interval")), Text(N_("First touch")), Text(N_("Last touch")),
             Text(N_("Value"))]  # fmt: skip
    finding = findings.credits(frame)

    def rows(m: Any) -> list[list[object]]:
        return [
            [m.strong(page.reader.say(N_("no touchpoint before")) if r.channel == NONE else page.group(r.channel)),
             m.with_bar(m.number(r.customers), r.reach, 1), m.percent(r.reach, 1), m.number(r.touchpoints), m.number(r.converted),
             m.percent(r.conversion_rate, 1), m.dim(m.interval(r.conversion_rate_low, r.conversion_rate_high, 1, True)),
             m.number(r.first_touch_conversions), m.number(r.last_touch_conversions), m.number(r.value)]
            for r in frame.itertuples()
        ]  # fmt: skip

    caption = page.caption(
        "customers", [credit_in_words(page, result), Text(N_("both credits sum to the conversions"))]
    )
    with page.card("performance", finding, Text(N_("Reach, conversion and credit by channel")), result, caption):
        figure.html(lambda m: m.table(heads, rows(m), numeric=tuple(range(1, len(heads)))))


def credit_in_words(page: Page, result: Result) -> Text:
    """How far before a conversion its path reaches."""
    back = Duration("", unlimited=True).parse(result.definition["options"]["lookback"])
    if back is None or not page.facts.timed:
        return Text(N_("credit reaches back to the conversion before"))
    time = Text("{t}", {"t": page.reader.duration(back.total_seconds())})
    return Text(N_("credit reaches back {time}, at most to the conversion before"), {"time": time})


run(show, N_("Channels"), N_("Which channels bring people to the goal, and what do they cost?"))
