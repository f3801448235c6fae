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
from pages.parts import cache, figure, filter_bar
from pages.parts.page import Page, run

MIN_N = findings.MIN_SCORES
MOST_ROWS, MOST_COLUMNS, COMMENTS = 15, 6, 30
MEASURES = {"nps": N_("NPS"), "csat": N_("Satisfied (CSAT)"), "ces": N_("Ease (CES)")}
DOMAINS = {"nps": (-80.0, 80.0), "csat": (0.0, 1.0)}  # fixed, so that cells compare across pages and periods
MOODS = {"all": N_("All"), "low": N_("Unhappy"), "high": N_("Happy")}
MOOD_BOUNDS = {  # scores that count as unhappy and happy, by question
    "nps": {"low": (None, 6), "high": (9, None)},
    "csat": {"low": (None, 2), "high": (4, None)},
    "ces": {"low": (None, 3), "high": (5, None)},
}


def show(page: Page) -> None:
    """The score with its groups, its trend, where it is low, satisfaction and effort by touchpoint, comments."""
    results = {name: page.ask(name) for name in MEASURES}
    asked = [n for n, r in results.items() if len(r.frame) and int(r.frame.iloc[0]["responses"])]
    if not asked:
        page.open(Text(N_("No valid answers in this view")))
        page.nobody()
        return
    main = asked[0] if asked[0] != "ces" else asked[-1]
    place = "touchpoint" if "touchpoint" in page.columns("surveys") else None
    broad = broadest(page, [n for n in asked if n in DOMAINS]) if place else None
    where = page.ask(broad, by=["touchpoint"]) if broad else None
    page.open(
        findings.score_by(where.frame, "touchpoint", str(broad)) if where else headline(results[main].frame, main)
    )
    left, right = st.columns([0.42, 0.58], gap="small")
    with left:
        draw_nps(page, results["nps"]) if main == "nps" else draw_share(page, results[main], main)
    with right:
        draw_monthly(page, main)
    column = next((c for c in ("persona", "segment", "region") if c in page.columns("surveys")), None)
    if place and column and broad:
        draw_heat(page, broad, place, column)
    if place:
        draw_by_touchpoint(page, place, asked, broad or asked[0])
    draw_comments(page, asked)


def broadest(page: Page, asked: list[str]) -> str | None:
    """The score that was asked about most touchpoints."""

    def touchpoints(name: str) -> int:
        frame = page.ask(name, by=["touchpoint"]).frame
        return int(((frame["responses"] >= MIN_N) & frame["touchpoint"].notna()).sum())

    return max(asked, key=touchpoints, default=None)


def headline(frame: pd.DataFrame, main: str) -> Text:
    """The score itself, where answers name no touchpoint."""
    if main == "nps":
        return findings.nps_split(frame)
    return (
        findings.overview(None, None, frame, 0) if main == "csat" else Text(N_("What customers say about their effort"))
    )


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


def draw_share(page: Page, result: Result, main: str) -> None:
    """Satisfaction or ease where nobody was asked to recommend."""
    row = result.frame.iloc[0]
    measure, second = ("csat", "mean_score") if main == "csat" else ("easy_share", "ces")
    caption = page.caption("responses", left_out(row), int(row["responses"]))
    with page.card(main, headline(result.frame, main), Text(MEASURES[main]), result, caption, height="stretch"):
        figure.html(lambda m: m.hero(m.percent(row[measure]), [
            m.interval(row[f"{measure}_low"], row[f"{measure}_high"], 0, True), m.dim(Text(N_("95% interval")))]))  # fmt: skip
        figure.html(lambda m: m.definitions([
            (Text(N_("Mean score")), m.number(row[second], 2)),
            (Text(N_("95% interval")), m.interval(row[f"{second}_low"], row[f"{second}_high"], 2)),
        ]))  # fmt: skip


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
    measure = main
    finding = findings.trend(frame, measure, Text(MEASURES[main])) if main in DOMAINS else Text(N_("Effort by month"))
    changes = cache.changes(page.version, page.view)
    words = [
        Text(N_("by date of answer")),
        Text(N_("dated changes are dashed")),
        Text(N_("hollow points: fewer than 30 answers")),
    ]
    with page.card("trend", finding, Text(N_("{measure} by month with its interval"), {"measure": Text(MEASURES[main])}), result,
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
    label = Text(filter_bar.IN_SENTENCE[column])
    finding = findings.score_of_pair(frame.assign(**{column: frame["group"]}), place, column, main)
    note = Text(N_("{measure} by touchpoint and {column}"), {"measure": Text(MEASURES[main]), "column": label})
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


def draw_by_touchpoint(page: Page, place: str, asked: list[str], first: str) -> None:
    """Every score by touchpoint with its interval and n."""
    scored = {name: {r[0]: r[1] for r in _by(page, name, place)} for name in asked}
    said = (t for rows in scored.values() for t, row in rows.items() if isinstance(t, str) and row["responses"])
    names = list(dict.fromkeys(said))[:MOST_ROWS]
    heads: list[Any] = [Text(N_("Touchpoint"))]
    for name in asked:
        heads += [Text(MEASURES[name]), Text(N_("Interval")), Text(N_("n"))]

    def cells(m: Any, name: str, row: Any) -> list[Any]:
        if row is None or not row["responses"]:
            return [m.dim("–"), "", ""]
        share, decimals = name == "csat", 1 if name == "ces" else 0
        shown = m.percent(row[name]) if share else m.number(row[name], decimals)
        bounds = m.dim(m.interval(row[f"{name}_low"], row[f"{name}_high"], decimals, share))
        return [shown if row["responses"] >= MIN_N else m.dim(shown), bounds, m.number(row["responses"])]

    result = page.ask(first, by=[place])
    finding = findings.score_by(result.frame, place, first) if first in DOMAINS else Text(N_("Scores by touchpoint"))
    with page.card("where", finding, Text(N_("Scores by the touchpoint the answer is about")), result,
                   page.caption("responses", [Text(N_("grey: fewer than {n} answers"), {"n": MIN_N})])):  # fmt: skip
        figure.html(lambda m: m.table(heads, [
            [m.strong(t), *(c for name in asked for c in cells(m, name, scored[name].get(t)))] for t in names
        ], numeric=tuple(range(1, len(heads)))))  # fmt: skip


def _by(page: Page, name: str, place: str) -> list[tuple[Any, Any]]:
    return [(row[place], row) for _i, row in page.ask(name, by=[place]).frame.iterrows()]


def draw_comments(page: Page, asked: list[str]) -> None:
    """What people wrote, newest first, by question and mood."""
    say = page.reader.say
    with st.container(key="card_comments"):
        with st.container(horizontal=True, key="comment_filters"):
            question = st.selectbox(say(N_("Question")), asked, key="comment_question", width=220,
                                    format_func=lambda n: say(MEASURES[n]))  # fmt: skip
            mood = st.segmented_control(say(N_("Answers")), list(MOODS), default="all", key="comment_mood",
                                        format_func=lambda x: say(MOODS[x]))  # fmt: skip
        low, high = MOOD_BOUNDS[question].get(mood or "all", (None, None))
        frame, count = cache.comments(page.version, page.view, survey_type=question, low=low, high=high, most=COMMENTS)
        shown = Text(N_("{shown} of {count} comments, newest first"), {"shown": len(frame), "count": count})
        st.html(page.m.card_head(Text(N_("In their own words")), shown))
        heads = [Text(N_("Date")), Text(N_("Score")), Text(N_("Touchpoint")), Text(N_("Comment"))]
        rows = [[page.reader.date(r.answered_at) if pd.notna(r.answered_at) else "–", page.m.number(r.score),
                 page.group(r.touchpoint), r.comment] for r in frame.itertuples()]  # fmt: skip
        if rows:
            st.html(page.m.table(heads, rows, numeric=(1,)))


run(show, N_("Voice"), N_("What do they say, where, and why?"), "surveys")
