"""What do they say, where, and why?"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from cx_metrics import findings
from cx_metrics.charts.heatmap import draw_heatmap
from cx_metrics.charts.lines import draw_trend
from cx_metrics.run import Result
from cx_metrics.texts import N_, Text
from pages.parts import cache, figure, scores, view_words
from pages.parts.page import Page, run

MIN_N = findings.MIN_SCORES
MOST_ROWS, MOST_COLUMNS, COMMENTS = 15, 6, 30
DOMAINS = {"nps": (-80.0, 80.0), "csat": (0.0, 1.0)}  # fixed, so that cells compare across pages and periods
ALL = "all"
MOODS: dict[str, str] = {ALL: N_("All"), "low": N_("Unhappy"), "high": N_("Happy")}
KINDS = {**scores.NAMES, "ces": N_("Effort (CES)"), "rating": N_("Other rating"), "choice": N_("Choice"),
         "text": N_("Open question")}  # fmt: skip


def show(page: Page) -> None:
    """The score with its groups, its trend, where it is low, satisfaction and effort by touchpoint, comments."""
    results, problems = scores.ask(page)
    if not results:
        show_unscored(page, problems)
        return
    asked = list(results)
    main = scores.main_of(results)
    place = "touchpoint" if "touchpoint" in page.columns("surveys") else None
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
        with right:
            draw_monthly(page, main)
    column = next((c for c in ("persona", "segment", "region") if c in page.columns("surveys")), None)
    if place and column and broad in DOMAINS:
        draw_heat(page, str(broad), place, column)
    if place:
        scores.draw_scores(page, place, asked)
    draw_comments(page)


def show_unscored(page: Page, problems: list[Text]) -> None:
    """No score can be shown: say why, and let people's own words speak."""
    page.open(findings.counted_answers(page.people.get("responses", 0)))
    scores.say(problems)
    if not page.people.get("answers") and scores.narrowed(page.view):
        scores.say_unlinked(page)
        page.nobody()
        return
    draw_comments(page)


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


def left_out(row: Any) -> list[Text]:
    """Answers that are counted but not in the score."""
    said = []
    if int(row["missing"]):
        said.append(Text(N_("{n} without a score"), {"n": int(row["missing"])}))
    if int(row["invalid"]):
        said.append(Text(N_("{n} off the scale"), {"n": int(row["invalid"])}))
    return said


def draw_monthly(page: Page, main: str) -> None:
    """The score by month with dated changes."""
    result = page.ask(main, by=["month"])
    frame = result.frame[result.frame["month"].notna()]
    measure, label = main, scores.label(main, result.frame)
    finding = findings.trend(frame, measure, label)
    changes = cache.changes(page.version, page.view)
    words = [
        Text(N_("by date of answer")),
        Text(N_("dated changes are dashed")),
        Text(N_("hollow points: fewer than 30 answers")),
    ]
    with page.card("trend", finding, Text(N_("{measure} by month with its interval"), {"measure": label}), result,
                   page.caption("responses", words, int(result.frame["responses"].sum())), (measure, "responses"),
                   height="stretch"):  # fmt: skip
        figure.altair(lambda who: draw_trend(frame, who, "month", measure, f"{measure}_low", f"{measure}_high", "responses",
                                             changes=changes, share=main == "csat", decimals=1 if main == "ces" else 0),
                      finding, key="trend", wide=True)  # fmt: skip


def draw_heat(page: Page, main: str, place: str, column: str) -> None:
    """The score by touchpoint and persona."""
    result = page.ask(main, by=[place, column])
    frame = result.frame[result.frame[place].notna() & (result.frame["responses"] > 0)]
    most = list(dict.fromkeys(frame.sort_values("responses", ascending=False)[column]))[:MOST_COLUMNS]
    order = page.ask("touchpoint_engagement").frame["touchpoint"] if page.has("touchpoints") else frame[place]
    rows = [t for t in dict.fromkeys([*order, *frame[place]]) if t in set(frame[place])][:MOST_ROWS]
    frame = frame[frame[place].isin(rows) & frame[column].isin(most)].assign(
        group=lambda f: [page.group(v) for v in f[column]]
    )
    label = Text(view_words.IN_SENTENCE[column])
    finding = findings.score_of_pair(frame.assign(**{column: frame["group"]}), place, column, main)
    note = Text(N_("{measure} by touchpoint and {column}"), {"measure": Text(scores.NAMES[main]), "column": label})
    with page.card(
        "heat", finding, note, result,
        page.caption("responses", [Text(N_("grey: fewer than {n} answers"), {"n": MIN_N})], int(result.frame["responses"].sum())),
        (main, "responses"),
    ):  # fmt: skip
        figure.altair(
            lambda who: draw_heatmap(frame, who, place, "group", main, "responses", domain=DOMAINS[main], diverging=main == "nps",
                                     share=main == "csat", min_n=MIN_N, rows=rows, columns=[page.group(g) for g in most]),
            finding, key="heat", wide=True,
        )  # fmt: skip


def draw_comments(page: Page) -> None:
    """What people wrote, newest first, by question and mood."""
    if "comment" not in page.columns("surveys"):
        return
    say = page.reader.say
    known = cache.values(page.version, "survey_type")
    with st.container(key="card_comments"):
        with st.container(horizontal=True, key="comment_filters"):
            question = st.selectbox(say(N_("Question")), [ALL, *(k for k in KINDS if k in known)], key="comment_question",
                                    width=220, format_func=lambda n: say(KINDS.get(n, MOODS[ALL])))  # fmt: skip
            mood = st.segmented_control(say(N_("Answers")), list(MOODS), default=ALL, key="comment_mood",
                                        format_func=lambda x: say(MOODS[x]))  # fmt: skip
        frame, count = cache.comments(
            page.version, page.view, survey_type=None if question == ALL else question,
            mood=None if mood in (None, ALL) else mood, most=COMMENTS,
        )  # fmt: skip
        shown = Text(N_("{shown} of {count} comments, newest first"), {"shown": len(frame), "count": count})
        st.html(page.m.card_head(Text(N_("In their own words")), shown))
        heads = [Text(N_("Date")), Text(N_("Score")), Text(N_("Touchpoint")), Text(N_("Comment"))]
        rows = [[page.reader.date(r.answered_at) if pd.notna(r.answered_at) else "–", page.m.number(r.score),
                 page.group(r.touchpoint), r.comment] for r in frame.itertuples()]  # fmt: skip
        if rows:
            st.html(page.m.table(heads, rows, numeric=(1,)))


run(show, N_("Voice"), N_("What do they say, where, and why?"), "surveys")
