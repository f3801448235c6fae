"""Why do they say it? Key drivers of a score, the score by what happened before it, and who did not answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from cx_metrics import answers, findings, findings_silent, findings_voice
from cx_metrics.charts.bars import draw_bars
from cx_metrics.charts.quadrant import draw_quadrant
from cx_metrics.driver_choice import MEASURE
from cx_metrics.drivers import FIX_FIRST, QUADRANTS
from cx_metrics.errors import DataProblem, OptionProblem, ViewProblem
from cx_metrics.options import Columns
from cx_metrics.registry import METRICS
from cx_metrics.tables import HEARD, PREPARED_ANSWERS, SURVEYS
from cx_metrics.texts import N_, NP_, Text
from pages.parts import cache, figure, scores, state, view_words
from pages.parts.markup import Markup, Words
from pages.parts.page import Page

MOST_POINTS, MOST_ROWS, MOST_TRAITS = 12, 15, 5
CALENDAR = ("day", "week", "month")
BEFORE = {
    "contacts_before": N_("Contacts"), "waiting": N_("Longest wait"), "repeats_before": N_("Met again"),
    "channel_switches_before": N_("Changes of channel"),
}  # fmt: skip
MEASURES = {  # columns of the journey before an answer, as drivers
    "contacts_before": N_("Contacts before the answer"),
    "repeats_before": N_("Touchpoints met again before the answer"),
    "channel_switches_before": N_("Changes of channel before the answer"),
    "longest_wait_seconds": N_("Longest wait before the answer"),
    "journey_seconds_before": N_("Length of the journey before the answer"),
    "seconds_since_last": N_("Time since the last touchpoint"),
}


def draw_drivers(page: Page, main: str) -> None:
    """What goes with a high or low score: importance against performance, and the table with intervals."""
    asked = page.option("key_drivers", "outcome") or main
    try:
        result = page.ask("key_drivers", outcome=asked)
    except (DataProblem, OptionProblem, ViewProblem) as problem:
        text = problem.text
        if page.option("key_drivers", "drivers") is not None:
            with st.container(key="card_drivers"):
                figure.html(lambda m: m.notice(text))
                _choose(page, ())
        return
    frame = result.frame
    if not len(frame) or frame["importance"].isna().all():
        offer_drivers(page)
        return
    frame = frame.assign(named=[driver_name(page, r) for r in frame.itertuples()])
    known = frame[frame["importance"].notna()].head(MOST_POINTS)
    said = findings_voice.key_drivers(frame.assign(driver=[page.reader.say(_driver(r)) for r in frame.itertuples()]))
    row = frame.iloc[0]
    words: list[Words] = [
        Text(
            N_("{explained_share} of the spread of the score goes with all of them"),
            {"explained_share": float(row["r_squared"])},
        ),
        Text(N_("association, not cause")),
    ]
    caption = page.caption("responses", words, int(row["responses"]))
    with page.card("drivers", said, Text(N_("What goes with the score, and how well it does")), result, caption,
                   ("importance", "correlation", "performance_share")):  # fmt: skip
        _choose(page, frame["driver"])
        left, right = st.columns([0.52, 0.48], gap="medium")
        placed = known[known["performance_share"].notna()]
        with left:
            if len(placed) > 1:
                figure.altair(lambda who: draw_quadrant(
                    placed, who, "named", "performance_share", "importance", "importance_low", "importance_high",
                    urgent=[q == FIX_FIRST for q in placed["quadrant"]],
                ), findings_voice.priorities(frame), key="drivers", wide=True)  # fmt: skip
            else:
                figure.altair(lambda who: draw_bars(
                    known, who, "named", "importance", "importance_low", "importance_high", "responses", share=True,
                ), said, key="drivers_bars", wide=True)  # fmt: skip
        with right:
            heads = [Text(N_("Driver")), Text(N_("Importance")), Text(N_("Correlation")), Text(N_("Priority"))]
            figure.html(lambda m: m.table(heads, _drivers(m, frame), numeric=(1, 2)))


def offer_drivers(page: Page) -> None:
    """Nothing is set beside the score by itself: the columns that could be. An offer to who looks, and nothing for a file."""
    if figure.is_quiet() or not _offered(page, ()):
        return
    with st.container(key="card_drivers"):
        note = Text(N_("Choose what could go with it, like a late delivery or a product"))
        st.html(page.m.card_head(Text(N_("Columns of your file can be set beside the score")), note))
        _choose(page, ())


def _drivers(m: Markup, frame: pd.DataFrame) -> list[list[object]]:
    return [
        [m.strong(r.named),
         m.over(m.percent(r.importance), m.interval(r.importance_low, r.importance_high, 0, True)),
         m.over(m.number(r.correlation, 2, True), m.interval(r.correlation_low, r.correlation_high, 2)),
         m.dim(Text(QUADRANTS[r.quadrant])) if isinstance(r.quadrant, str) else m.dim("–")]
        for r in frame.head(MOST_ROWS).itertuples()
    ]  # fmt: skip


def _driver(r: Any) -> Text:
    name = Text(MEASURES[r.driver]) if r.kind == MEASURE and r.driver in MEASURES else str(r.driver)
    return Text("{name}", {"name": name})


def driver_name(page: Page, r: Any) -> str:
    """A driver in the reader's words; of a column with two values, the value it stands for."""
    name = page.reader.say(_driver(r))
    if isinstance(r.level, str):
        return page.reader.say(Text(findings_voice.NAMED_LEVEL, {"driver": name, "level": r.level}))
    return name


def _choose(page: Page, now: Sequence[str]) -> None:
    """Which questions and columns are set beside the score: kept in the address."""
    state.seed("driver_choice", list(now))
    st.multiselect(
        page.reader.say(N_("Set beside the score")), _offered(page, now), key="driver_choice", on_change=_take_drivers,
        format_func=lambda name: page.reader.say(MEASURES[name]) if name in MEASURES else str(name),
    )  # fmt: skip


def _offered(page: Page, now: Sequence[str]) -> list[str]:
    """What is set beside the score now, and what else could be: how people came to their answer, and columns of few values."""
    listed = {*SURVEYS.names, *CALENDAR, *HEARD, *PREPARED_ANSWERS}
    others = [c for c in page.columns("surveys") if c not in listed and 1 < len(cache.values(page.version, c)) <= 12]
    return [*dict.fromkeys([*now, *(c for c in MEASURES if c in page.columns("surveys")), *others])]


def _take_drivers() -> None:
    chosen = state.value("driver_choice")
    option = next(o for o in METRICS["key_drivers"].options if o.name == "drivers")
    assert isinstance(option.type, Columns)
    names = tuple(map(str, chosen)) if isinstance(chosen, list) else ()
    state.set_option("key_drivers", "drivers", option.type.print(names) if names else None)


def draw_before(page: Page, main: str) -> None:
    """The score by what happened before the answer: contacts, waiting, repeats, changes of channel."""
    offered = [name for name, bands in answers.GROUPS.items() if bands.column in page.columns("surveys")]
    if not offered:
        return
    asked = page.option("voice", "before")
    group = asked if asked in offered else offered[0]
    result = page.ask(main, by=[group])
    bands = {band.id: page.reader.say(band.title) for band in answers.GROUPS[group].bands}
    frame = result.frame[result.frame[group].notna() & (result.frame["responses"] > 0)]
    if len(frame) < 2:
        return
    frame = frame.assign(named=[bands[b] for b in frame[group]])
    label = scores.label(main, result.frame)
    finding = findings.score_by(frame, "named", main)
    note = Text(N_("{measure} by what happened before the answer"), {"measure": label})
    caption = page.caption(
        "responses", [Text(N_("journeys whole, whatever the days chosen"))], int(frame["responses"].sum())
    )
    with page.card("before", finding, note, result, caption, (main, "responses"), height="stretch"):
        state.seed("before_by", group)
        st.segmented_control(
            page.reader.say(N_("Grouped by")), offered, key="before_by", on_change=_take_before,
            format_func=lambda name: page.reader.say(BEFORE[name]), label_visibility="collapsed",
        )  # fmt: skip
        decimals, share = 1 if main == "ces" else 0, main == "csat"
        heads = [Text(answers.GROUPS[group].title), label, Text(N_("Interval")), Text(N_("n"))]
        figure.html(lambda m: m.table(heads, [
            [m.strong(r["named"]), m.percent(r[main]) if share else m.number(r[main], decimals),
             m.dim(m.interval(r[f"{main}_low"], r[f"{main}_high"], decimals, share)), m.number(r["responses"])]
            for _i, r in frame.iterrows()
        ], numeric=(1, 2, 3)))  # fmt: skip


def _take_before() -> None:
    chosen = state.value("before_by")
    state.set_option("voice", "before", str(chosen) if chosen else None)


def draw_silent(page: Page, main: str) -> None:
    """Who answers and who does not, and the score with the silent counted in."""
    if page.has("invitations"):
        draw_response_rate(page)
    if not (page.has("touchpoints") and "customer_id" in page.columns("surveys")):
        return
    metric = "adjusted_nps" if main == "nps" else "adjusted_score"
    try:
        result = page.ask(metric) if main == "nps" else page.ask(metric, score=main)
        bias = page.ask("answer_bias", score=main)
    except (DataProblem, OptionProblem, ViewProblem):
        return
    if not len(result.frame) or not int(result.frame.iloc[0]["customers"] or 0):
        return
    row, name = result.frame.iloc[0], "nps" if main == "nps" else "score"
    decimals = 0 if main == "nps" else 2
    caption: list[Words] = [
        *page.caption("customers", [], int(row["customers"])),
        Text(N_("weights from what is known of everybody; the interval holds that the weights are estimates")),
    ]
    if beyond := int(row["beyond"]):
        one, many = NP_(
            "{n} customer is left out: nobody of that kind answered",
            "{n} customers are left out: nobody of their kind answered",
        )
        caption.append(Text(one, {"n": beyond}, many, beyond))
    with page.card("silent", findings_silent.silent_majority(result.frame), Text(N_("Those who answered, and those who did not")),
                   result, caption, (f"adjusted_{name}", "answer_rate"), height="stretch"):  # fmt: skip

        def pairs(m: Markup) -> list[tuple[Words, object]]:
            found: list[tuple[Words, object]] = [
                (Text(N_("Answered")), m.over(m.percent(row["answer_rate"]), m.number(row["answered"]))),
                (Text(N_("As answered")), _value(m, row, f"raw_{name}", decimals)),
            ]
            if not row["refusal"]:
                found.append((Text(N_("With the silent")), _value(m, row, f"adjusted_{name}", decimals)))
            return found

        figure.html(lambda m: m.definitions(pairs(m)))
        apart = bias.frame[bias.frame["flagged"].fillna(False).astype(bool)] if len(bias.frame) else bias.frame
        if len(apart) and not row["refusal"]:
            heads = [Text(N_("Trait")), Text(N_("Of those who answered")), Text(N_("Of the silent"))]
            figure.html(lambda m: m.table(heads, [
                [m.strong(_trait(page, r)), m.percent(r.share_of_answered), m.percent(r.share_of_silent)]
                for r in apart.head(MOST_TRAITS).itertuples()
            ], numeric=(1, 2)))  # fmt: skip


def _trait(page: Page, r: Any) -> str:
    value = page.stage(r.value) if r.column == "last_stage" and r.value else r.value
    return page.reader.say(findings_silent.trait(r.column, value))


def _value(m: Markup, row: Any, measure: str, decimals: int) -> Any:
    return m.over(m.number(row[measure], decimals), m.interval(row[f"{measure}_low"], row[f"{measure}_high"], decimals))


def draw_response_rate(page: Page) -> None:
    """How many of those who were asked answered, by wave where there are waves."""
    by = ["wave"] if "wave" in page.columns("invitations") else []
    whole = page.ask("response_rate")
    if not len(whole.frame) or not int(whole.frame.iloc[0]["invited"] or 0):
        return
    result = page.ask("response_rate", by=by) if by else whole
    invited = int(whole.frame.iloc[0]["invited"])
    one, many = NP_("{n} invitation", "{n} invitations")
    caption: list[Words] = [
        Text(one, {"n": invited}, many, invited),
        Text(N_("sent, without those that bounced or opted out before")),
    ]
    heads = [Text(view_words.LABELS["wave"]) if by else Text(N_("All")), Text(N_("Invited")), Text(N_("Completed")),
             Text(N_("Response rate")), Text(N_("Interval"))]  # fmt: skip
    with page.card("response_rate", findings_silent.response_rate(whole.frame), Text(N_("Response rate")), result, caption,
                   ("response_rate", "invited"), height="stretch"):  # fmt: skip
        figure.html(lambda m: m.table(heads, [
            [m.strong(page.group(r["wave"]) if by else page.reader.say(N_("All"))), m.number(r["invited"]),
             m.number(r["completes"]),
             m.percent(r["response_rate"]), m.dim(m.interval(r["response_rate_low"], r["response_rate_high"], 0, True))]
            for _i, r in result.frame.head(MOST_ROWS).iterrows()
        ], numeric=(1, 2, 3, 4)))  # fmt: skip
