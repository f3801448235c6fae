"""What do they say, where, and why?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from cx_metrics import findings
from cx_metrics.charts.heatmap import draw_heatmap
from cx_metrics.run import Result
from cx_metrics.texts import N_, Text
from cx_metrics.view import View
from cx_metrics.view_text import print_belonging, read_belonging
from pages.parts import ahead, around, figure, ratings, scores, state, trends, why, words
from pages.parts.page import Page, run

MIN_N = findings.MIN_SCORES
MOST_ROWS, MOST_COLUMNS = 15, 6
DOMAINS = {"nps": (-80.0, 80.0), "csat": (0.0, 1.0)}  # fixed, so that cells compare across pages and periods
PERIODS = {"day": N_("Day"), "week": N_("Week"), "month": N_("Month"), "quarter": N_("Quarter")}
HEAT = {
    "persona": N_("{measure} by touchpoint and persona"),
    "segment": N_("{measure} by touchpoint and segment"),
    "region": N_("{measure} by touchpoint and region"),
}
BELONGING = {
    "said": N_("what the file says it is about"),
    "last:1d": N_("what the file says, else the last touchpoint up to 1 day before"),
    "last:7d": N_("what the file says, else the last touchpoint up to 7 days before"),
    "last:30d": N_("what the file says, else the last touchpoint up to 30 days before"),
    "journey": N_("every touchpoint of the journey so far"),
    "none": N_("no touchpoint"),
}


def show(page: Page) -> None:
    """The score with its groups, its trend, where it is low, satisfaction and effort by touchpoint, comments."""
    results, problems = scores.ask(page)
    if not results:
        show_unscored(page, problems)
        return
    asked = list(results)
    main = scores.main_of(results)
    place = "touchpoint" if places_known(page) else None
    mapped = [n for n in asked if n in DOMAINS]
    broad, enough = scores.broadest(page, place, mapped or asked) if place else (None, 0)
    finding = scores.finding(page, str(place), str(broad)) if enough > 1 else scores.summary(page, results)
    page.open(finding, comparing=True)
    scores.say(problems)
    scores.draw_differences(page, main, str(broad or main), place)
    dated = "answered_at" in page.columns("surveys")
    left, right = st.columns([0.42, 0.58] if dated else [0.6, 0.4], gap="small")
    with left:
        draw_nps(page, results["nps"]) if main == "nps" else draw_share(page, results[main], main)
    if dated:
        with right, page.part():
            draw_over_time(page, main)
    if "wave" in page.columns("surveys"):
        with page.part():
            scores.draw_scores(page, "wave", asked)
    with page.part():
        ratings.draw_distribution(page, main)
    with page.part():
        ratings.draw(page)
    draw_place_choice(page)
    column = next((c for c in ("persona", "segment", "region") if c in page.columns("surveys")), None)
    if place and column and broad in DOMAINS:
        with page.part():
            draw_heat(page, str(broad), place, column)
    if place:
        with page.part():
            scores.draw_scores(page, place, asked)
    left, right = st.columns([0.5, 0.5], gap="small")
    with left, page.part():
        why.draw_before(page, main)
    with right, page.part():
        why.draw_silent(page, main)
    with page.part():
        around.draw(page, main)
    with page.part():
        why.draw_drivers(page, main)
    draw_words(page)


def draw_words(page: Page) -> None:
    """What people wrote."""
    for draw in (words.draw_themes, words.draw_feelings, words.draw_comments):
        with page.part():
            draw(page)


def show_unscored(page: Page, problems: list[Text]) -> None:
    """Neither NPS, satisfaction nor effort: ratings, and people's own words."""
    rated = ratings.asked(page)
    page.open(ratings.finding(rated) if rated else findings.counted_answers(page.people.get("responses", 0)))
    scores.say(problems)
    if not page.people.get("answers") and scores.narrowed(page.view):
        scores.say_unlinked(page)
        page.nobody()
        return
    ratings.draw(page)
    with page.part():
        ratings.draw_over_time(page)
    with page.part():
        ratings.draw_distribution(page, "rating")
    draw_words(page)


def places_known(page: Page) -> bool:
    """Whether answers say what they are about, or the view puts them where they belong."""
    rule = page.view.belonging.rule
    return rule != "none" and ("touchpoint" in page.columns("surveys") or rule in ("last", "journey"))


def draw_nps(page: Page, result: Result) -> None:
    """The score on its whole scale, and the three groups behind it."""
    row = result.frame.iloc[0]
    groups = {name: int(row[name]) for name in ("promoters", "passives", "detractors")}
    caption = page.caption("responses", [
        Text(N_("promoters 9–10, passives 7–8, detractors 0–6")), *left_out(row)], int(row["responses"]))  # fmt: skip
    with page.card(
        "nps", findings.nps_split(result.frame), Text(N_("NPS and its three groups")), result, caption, height="stretch"
    ):
        figure.html(
            lambda m: m.hero(
                m.number(row["nps"]), [m.interval(row["nps_low"], row["nps_high"]), m.dim(Text(N_("95% interval")))]
            )
        )
        figure.html(lambda m: m.score_line(float(row["nps"]), row["nps_low"], row["nps_high"]))
        figure.html(lambda m: m.split_bar(groups))
        scores.see_groups(page, "nps", row)
        around.jump(page)


def draw_share(page: Page, result: Result, main: str) -> None:
    """Satisfaction or ease where nobody was asked to recommend."""
    row = result.frame.iloc[0]
    measure, second = ("csat", "mean_score") if main == "csat" else ("easy_share", "ces")
    label = Text(scores.NAMES["csat"]) if main == "csat" else Text(N_("Found it easy"))
    title = findings.easy(result.frame) if main == "ces" else scores.summary(page, {main: result})
    caption = page.caption("responses", left_out(row), int(row["responses"]))
    with page.card(main, title, label, result, caption, height="stretch"):
        figure.html(lambda m: m.hero(m.percent(row[measure]), [
            m.interval(row[f"{measure}_low"], row[f"{measure}_high"], 0, True), m.dim(Text(N_("95% interval")))]))  # fmt: skip
        figure.html(lambda m: m.definitions([
            (Text(N_("Mean score")), m.number(row[second], 2)),
            (Text(N_("95% interval")), m.interval(row[f"{second}_low"], row[f"{second}_high"], 2)),
        ]))  # fmt: skip
        scores.see_groups(page, main, row)
        around.jump(page)


def left_out(row: Any) -> list[Text]:
    """Answers that are counted but not in the score."""
    said = []
    if int(row["missing"]):
        said.append(Text(N_("{n} without a score"), {"n": int(row["missing"])}))
    if int(row["invalid"]):
        said.append(Text(N_("{n} off the scale"), {"n": int(row["invalid"])}))
    return said


def draw_over_time(page: Page, main: str) -> None:
    """The score by day, week, month or quarter with dated changes."""
    period = page.option("voice", "period") or "month"
    result = page.ask(main, by=[period])
    frame = result.frame[result.frame[period].notna()]
    measure, label = main, scores.label(main, result.frame)
    finding = findings.trend(frame, measure, label)
    said = [
        Text(N_("by date of answer")),
        *trends.dashed(page),
        Text(N_("hollow points: fewer than 30 answers")),
    ]
    note = Text(N_("{measure} over time with its interval"), {"measure": label})
    with page.card("trend", finding, note, result,
                   page.caption("responses", said, int(result.frame["responses"].sum())), (measure, "responses"),
                   height="stretch"):  # fmt: skip
        state.seed("voice_period", period)
        st.segmented_control(
            page.reader.say(N_("Period")), list(PERIODS), key="voice_period", on_change=_take_period,
            format_func=lambda name: page.reader.say(PERIODS[name]), label_visibility="collapsed",
        )  # fmt: skip
        trends.draw(page, frame, period, measure, "responses", finding, "trend", share=main == "csat",
                    decimals=1 if main == "ces" else 0)  # fmt: skip


def _take_period() -> None:
    chosen = state.value("voice_period")
    state.set_option("voice", "period", None if chosen in (None, "month") else str(chosen))


def draw_place_choice(page: Page) -> None:
    """Where an answer belongs that does not say it: shown above all that is told by touchpoint or stage, and kept in the link."""
    if "contacts_before" not in page.columns("surveys"):
        return
    state.seed("belonging", print_belonging(page.view.belonging))
    offered = list(dict.fromkeys([*BELONGING, print_belonging(page.view.belonging)]))
    say = page.reader.say
    with st.container(horizontal=True, key="belonging_choice", vertical_alignment="bottom"):
        st.selectbox(
            say(N_("An answer belongs to")), offered, key="belonging", width=420, on_change=_take_belonging,
            format_func=lambda text: say(BELONGING[text]) if text in BELONGING else text,
        )  # fmt: skip


def _take_belonging() -> None:
    chosen = read_belonging(str(state.value("belonging")))
    state.change(lambda view: replace(view, belonging=chosen))


def draw_heat(page: Page, main: str, place: str, column: str) -> None:
    """The score by touchpoint and persona."""
    result = page.ask(main, by=[place, column])
    frame = result.frame[result.frame[place].notna() & (result.frame["responses"] > 0)]
    most = list(dict.fromkeys(frame.sort_values("responses", ascending=False)[column]))[:MOST_COLUMNS]
    with ahead.whatever_the_view():
        whole = page.ask("touchpoint_engagement", view=View()).frame if page.has("touchpoints") else None
    order = frame[place] if whole is None else whole["touchpoint"]
    rows = [t for t in dict.fromkeys([*order, *frame[place]]) if t in set(frame[place])][:MOST_ROWS]
    frame = frame[frame[place].isin(rows) & frame[column].isin(most)].assign(
        group=lambda f: [page.group(v) for v in f[column]]
    )
    finding = findings.score_of_pair(frame.assign(**{column: frame["group"]}), place, column, main)
    note = Text(HEAT[column], {"measure": Text(scores.NAMES[main])})
    columns = [page.group(g) for g in most]
    with page.card(
        "heat", finding, note, result,
        page.caption("responses", [Text(N_("grey: fewer than {n} answers"), {"n": MIN_N})], int(result.frame["responses"].sum())),
        (main, "responses"),
    ):  # fmt: skip
        figure.altair(
            lambda who: draw_heatmap(frame, who, place, "group", main, "responses", domain=DOMAINS[main], diverging=main == "nps",
                                     share=main == "csat", min_n=MIN_N, rows=rows, columns=columns),
            finding, key="heat", wide=True,
        )  # fmt: skip


run(show, N_("Voice"), N_("What do they say, where, and why?"), "surveys")
