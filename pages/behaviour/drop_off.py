"""Where and when do we lose them, where do they go, and how long do they take?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from cx_metrics import findings, findings_drop_off
from cx_metrics.charts.bars import draw_bars
from cx_metrics.charts.funnel import draw_funnel
from cx_metrics.errors import OptionProblem
from cx_metrics.run import Result
from cx_metrics.steps import Exclusions, Step
from cx_metrics.texts import N_, NP_, Text
from pages.parts import cache, differing, figure, funnel_builder, lost, state, trends, view_words
from pages.parts.differing import Compared
from pages.parts.page import Page, run

GROUPS = 6
BARS = 8  # of the times to convert
FEW = 10  # customers below which a share is greyed
PERIOD_WORDS = {"day": N_("By day"), "week": N_("By week"), "month": N_("By month"), "quarter": N_("By quarter")}
BY_GROUP = {
    "persona": N_("Share of entrants who reach the last step, by persona"),
    "segment": N_("Share of entrants who reach the last step, by segment"),
    "region": N_("Share of entrants who reach the last step, by region"),
}
AT_LEAST = NP_("at least {n} of the steps", "at least {n} of the steps")


def show(page: Page) -> None:
    """The step builder; the funnel with intervals and the table of steps; who was lost and where they went; trend and times."""
    names = cache.values(page.version, "touchpoint")
    steps = funnel_builder.asked(page, names)
    steps = steps if len(steps) > 1 else funnel_builder.proposed(page)
    if len(steps) < 2:
        page.open(Text(N_("Choose at least two steps")))
        return
    try:
        rules = funnel_builder.rules(page, steps)
        funnel = page.ask("funnel", **rules)
    except OptionProblem as problem:  # what can be put right in the builder leaves the builder there
        page.open(problem.text)
        funnel_builder.show(page, steps, names)
        return
    shown = in_words(page, funnel.frame, steps)
    page.open(findings.drop_off(shown), comparing=True)
    funnel_builder.show(page, steps, names)
    draw_differences(page, rules, shown)
    left, right = st.columns([0.58, 0.42], gap="small")
    with left:
        draw(page, funnel, shown)
        draw_table(page, funnel, shown)
        if page.facts.timed:
            draw_over_time(page, rules)
            draw_times(page, rules, shown)
    with right:
        step = lost.draw_next(page, rules, funnel, shown)
    if step is not None:
        lost.draw_who(page, rules, funnel, shown, step)
    columns = [c for c in ("persona", "segment", "region") if c in page.facts.attributes][:2]
    for column, place in zip(columns, st.columns(len(columns), gap="small") if columns else (), strict=True):
        with place:
            draw_groups(page, rules, column)


def in_words(page: Page, frame: pd.DataFrame, steps: Sequence[Step]) -> pd.DataFrame:
    """The rows of the funnel with what each step is called; in any order, a row is how many of them were done."""
    if (page.option("funnel", "order") or "ordered") != "unordered":
        return frame
    one, many = AT_LEAST
    labels = [page.reader.say(Text(one, {"n": n}, many, n)) for n in range(1, len(steps) + 1)]
    return frame.assign(touchpoint=labels)


def caption(page: Page, funnel: Result, entrants: int) -> list[Any]:
    """Who entered, when, within which window, by which rules."""
    options = funnel.definition["options"]
    words = [Text(funnel_builder.ORDER_WORDS[options["order"]])]
    if page.facts.timed:
        window = options["window"]
        limit = Text(N_("without a time limit"))
        if window != "unlimited":
            limit = Text(N_("within {window}"), {"window": Text("{w}", {"w": funnel_builder.within(page, window)})})
        words += [limit, Text(funnel_builder.SPAN_WORDS[options["span"]])]
    if options["entry"] == "first_entry":
        words.append(Text(N_("only the first touchpoint of step 1 starts a try")))
    if options["exclude"]:
        kinds = Exclusions("").parse(options["exclude"])
        named = tuple(funnel_builder.excluded(page, exclusion) for exclusion in kinds)
        words.append(Text(N_("without: {touchpoints}"), {"touchpoints": named}))
    return page.caption("entrants", words, entrants)


def entrants_of(frame: pd.DataFrame) -> int:
    """How many entered."""
    return int(frame["entrants"].iloc[0]) if len(frame) else 0


def draw(page: Page, funnel: Result, shown: pd.DataFrame) -> None:
    """The funnel: solid bars reached, pale segments lost, the worst loss stronger."""
    later = shown.iloc[1:]
    worst = int(later.loc[later["drop_off"].idxmax(), "step"]) if len(later) else None
    finding = findings.completed(shown)
    with page.card(
        "funnel", finding, Text(N_("Customers who reach each step, share of the first")), funnel,
        caption(page, funnel, entrants_of(shown)), ("customers", "share_of_first", "drop_off"),
    ):  # fmt: skip
        figure.altair(lambda who: draw_funnel(shown, who, worst=worst), finding, key="funnel")


def draw_table(page: Page, funnel: Result, frame: pd.DataFrame) -> None:
    """From each step to the next: the share that goes on with its interval, those lost, and the time it takes."""
    later = frame[frame["step"] > 1]
    slow = later[later["median_seconds"].notna()]
    finding = findings_drop_off.least_goes_on(frame)
    if len(slow):
        top = slow.loc[slow["median_seconds"].idxmax()]
        finding = Text(N_("The longest wait is before {touchpoint}: median {time}"), {
            "touchpoint": str(top["touchpoint"]), "time": Text("{t}", {"t": page.reader.duration(top["median_seconds"])}),
        })  # fmt: skip
    timed = page.facts.timed
    heads = [Text(N_("Step")), Text(N_("Go on")), Text(N_("Interval")), Text(N_("Lost"))]
    heads += [Text(N_("Not over yet")), Text(N_("Median time")), Text(N_("90% within"))] if timed else []
    with page.card(
        "steps", finding, Text(N_("Step by step, share of the step before")), funnel,
        caption(page, funnel, entrants_of(frame)),
        ("share_of_previous", "drop_off", "not_over", "median_seconds", "p90_seconds"),
    ):  # fmt: skip
        figure.html(lambda m: m.table(heads, [
            [m.moved(m.text(findings.before(frame, r.step)["touchpoint"]), m.text(r.touchpoint)),
             m.percent(r.share_of_previous, 1),
             m.dim(m.interval(r.share_of_previous_low, r.share_of_previous_high, 1, True)), m.number(r.drop_off),
             *([m.number(r.not_over), page.reader.duration(r.median_seconds), page.reader.duration(r.p90_seconds)]
               if timed else [])]
            for r in later.itertuples()
        ], numeric=tuple(range(1, len(heads)))))  # fmt: skip


def draw_differences(page: Page, rules: dict[str, Any], shown: pd.DataFrame) -> None:
    """Who goes on from step to step, and from the first to the last, against other days or another segment."""
    names = {int(r.step): str(r.touchpoint) for r in shown.itertuples()}

    def keep(frame: pd.DataFrame) -> pd.Series[bool]:
        later = (frame["step"] > 2) & (frame["step"] == len(names))
        return (frame["measure"] == "share_of_previous") | later

    differing.draw(page, Compared(
        "funnel", ("share_of_previous", "share_of_first"), lambda row: names.get(int(row.step), str(row.touchpoint)),
        Text(N_("Step")), Text(N_("Share who go on to each step, and to the last: where A and B differ most")), keep=keep,
        options=rules,
    ))  # fmt: skip


def draw_over_time(page: Page, rules: dict[str, Any]) -> None:
    """Do those who enter later convert more often?"""
    period = page.option("conversion_trend", "period") or "week"
    trend = page.ask("conversion_trend", **rules)
    frame = trend.frame
    if len(frame) < 2:
        return
    entrants = int(frame["entrants"].sum())
    shown = frame.assign(is_open=frame["not_over"] > 0)
    words = [
        *caption(page, trend, entrants),
        Text(N_("by the day the try began")),
        *trends.dashed(page),
        Text(N_("hollow: fewer than {n}, or not over yet"), {"n": FEW}),
    ]
    with page.card(
        "trend", findings.moved(frame), Text(N_("Share of those who entered in the period and reached the last step")), trend,
        words, ("conversion_rate", "entrants", "not_over"),
    ):  # fmt: skip
        state.seed("trend_period", period)
        st.segmented_control(page.reader.say(N_("Period")), list(PERIOD_WORDS), key="trend_period", label_visibility="collapsed",
                             format_func=lambda p: page.reader.say(PERIOD_WORDS[p]), on_change=take_period)  # fmt: skip
        trends.draw(page, shown, "period", "conversion_rate", "entrants", findings.moved(frame), "trend",
                    share=True, decimals=1, min_n=FEW, partial="is_open")  # fmt: skip


def take_period() -> None:
    """How long a period is; a week, and a choice taken back, are not written."""
    period = state.value("trend_period")
    state.set_option("conversion_trend", "period", None if period in (None, "week") else str(period))


def draw_times(page: Page, rules: dict[str, Any], shown: pd.DataFrame) -> None:
    """How long did those who completed take?"""
    if not int(shown["customers"].iloc[-1]):
        return
    times = page.ask("time_to_convert", bins=BARS, **rules)
    frame = times.frame
    if frame.empty:
        return
    spans = [
        page.reader.say(Text(N_("{from} to {to}"), {
            "from": Text("{t}", {"t": page.reader.duration(a)}), "to": Text("{t}", {"t": page.reader.duration(b)}),
        })) for a, b in zip(frame["from_seconds"], frame["to_seconds"], strict=True)
    ]  # fmt: skip
    finding = findings_drop_off.takes(frame)
    with page.card(
        "times", finding, Text(N_("Customers by the time from the first step to the last")), times,
        caption(page, times, int(frame["all_customers"].iloc[0]))[1:], ("customers", "share", "all_customers"),
    ):  # fmt: skip
        figure.altair(
            lambda who: draw_bars(frame.assign(span=spans), who, "span", "share", "share_low", "share_high", "customers",
                                  share=True, decimals=1, keep_order=True),
            finding, key="times",
        )  # fmt: skip


def draw_groups(page: Page, rules: dict[str, Any], column: str) -> None:
    """Who completes the funnel: the last step by persona or segment, with intervals."""
    by = page.ask("funnel", by=[column], **rules)
    last = by.frame[by.frame["step"] == len(rules["steps"])]
    last = last.sort_values(["entrants"], ascending=False).head(GROUPS)
    known = last[(last["entrants"] >= findings.MIN_SHARE) & last[column].notna()]
    finding = Text(N_("Too few entrants per group to compare them"))
    if len(known) > 1:
        best, worst = known.loc[known["share_of_first"].idxmax()], known.loc[known["share_of_first"].idxmin()]
        finding = Text(N_("No group completes more often than chance allows"))
        if best["share_of_first_low"] > worst["share_of_first_high"]:
            finding = Text(
                N_("{best} complete most often, {worst} least often"),
                {"best": str(best[column]), "worst": str(worst[column])},
            )
    highest = max([*last["share_of_first_high"].dropna(), 0.01])
    heads = [Text(view_words.LABELS[column]), Text(N_("Entrants")), Text(N_("Complete")), "", Text(N_("Interval"))]
    with page.card(
        f"by_{column}", finding,
        Text(BY_GROUP[column]),
        by, caption(page, by, 0)[1:], ("share_of_first", "entrants"),
    ):  # fmt: skip
        figure.html(lambda m: m.table(heads, [
            [page.group(getattr(r, column)), m.number(r.entrants), m.percent(r.share_of_first, 1),
             m.track(r.share_of_first, r.share_of_first_low, r.share_of_first_high, 0, highest),
             m.dim(m.interval(r.share_of_first_low, r.share_of_first_high, 1, True))]
            for r in last.itertuples()
        ], numeric=(1, 2, 4)))  # fmt: skip


run(show, N_("Drop-off"), N_("Where and when do we lose them, and how long do they take?"), "touchpoints")
