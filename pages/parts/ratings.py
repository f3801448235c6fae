"""Ratings of single things, each question by itself, and how the answers to a question are spread over its scale."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cx_metrics import findings, findings_voice
from cx_metrics.charts.bars import draw_bars
from cx_metrics.run import Result
from cx_metrics.texts import N_, Text
from pages.parts import figure, scores, trends
from pages.parts.page import Page

MOST_QUESTIONS = 15
MOST_ANSWERS = 11  # of a scale that is shown answer by answer


def asked(page: Page) -> Result | None:
    """The ratings of each question that has answers in this view; None where nobody rated anything, or on no known scale."""
    return _attempt(page)[0]


def _attempt(page: Page) -> tuple[Result | None, list[Text]]:
    """The ratings, and what keeps them from being counted."""
    if not page.has("surveys"):
        return None, []
    result, problems = scores.attempt(page, "rating", by=["question"])
    found = result is not None and len(result.frame) and int(result.frame["responses"].sum())
    return (result if found else None), problems


def finding(result: Result) -> Text:
    """Which question is rated worst and best; of one question, how it is rated."""
    rated = _rated(result)
    return findings_voice.rated(rated.iloc[0]) if len(rated) == 1 else findings_voice.ratings(rated, "question")


def _rated(result: Result) -> pd.DataFrame:
    """The questions with answers, the one answered most first."""
    frame = result.frame[result.frame["responses"] > 0]
    frame = frame.assign(question=[str(q) for q in frame["question"]])
    return frame.sort_values(["responses", "question"], ascending=[False, True])


def draw(page: Page) -> None:
    """A line for each question that is neither NPS, satisfaction nor effort: its mean on its own scale, its two best answers."""
    result, problems = _attempt(page)
    scores.say(problems)
    if result is None:
        return
    rated = _rated(result).head(MOST_QUESTIONS)
    heads = [
        Text(N_("Question")),
        Text(N_("Scale")),
        Text(N_("Mean score")),
        Text(N_("Two best answers")),
        Text(N_("n")),
    ]

    def rows(m: Any) -> list[list[Any]]:
        return [
            [m.strong(r.question), m.interval(r.scale_low, r.scale_high),
             m.over(m.number(r.mean_score, 2), m.interval(r.mean_score_low, r.mean_score_high, 2)),
             m.with_bar(m.over(m.percent(r.top_two_share), m.interval(r.top_two_share_low, r.top_two_share_high, 0, True)),
                        r.top_two_share, 1.0),
             m.number(r.responses)]
            for r in rated.itertuples()
        ]  # fmt: skip

    caption = page.caption(
        "responses", [Text(N_("two best answers: the two best boxes of the scale"))], int(rated["responses"].sum())
    )
    note = Text(N_("Ratings of single things, each on its own scale"))
    with page.card("ratings", finding(result), note, result, caption, ("mean_score", "top_two_share", "responses")):
        figure.html(lambda m: m.table(heads, rows(m), numeric=(1, 2, 3, 4)))


def draw_over_time(page: Page) -> None:
    """The mean of a rating by month, where one question alone was rated: means of several questions say nothing together."""
    result = asked(page)
    if result is None or len(_rated(result)) != 1 or "answered_at" not in page.columns("surveys"):
        return
    monthly = page.ask("rating", by=["month"])
    frame = monthly.frame[monthly.frame["month"].notna()]
    label = Text(N_("Mean score"))
    said = findings.trend(frame, "mean_score", label)
    caption = page.caption(
        "responses",
        [Text(N_("by date of answer")), *trends.dashed(page), Text(N_("hollow points: fewer than 30 answers"))],
        int(frame["responses"].sum()),
    )  # fmt: skip
    note = Text(N_("{measure} by month with its interval"), {"measure": label})
    with page.card("rating_trend", said, note, monthly, caption, ("mean_score", "responses")):
        trends.draw(page, frame, "month", "mean_score", "responses", said, "rating_trend", decimals=1)


def draw_distribution(page: Page, kind: str) -> None:
    """How many gave each answer to the question of a kind that most people answered."""
    result = page.ask("distribution")
    frame = result.frame[result.frame["survey_type"] == kind]
    if not len(frame):
        return
    most = frame.sort_values(["all_responses", "question"], ascending=[False, True], na_position="last").iloc[0]
    of_it = frame[frame["question"].isna() if pd.isna(most["question"]) else frame["question"] == most["question"]]
    if len(of_it) > MOST_ANSWERS:
        return
    of_it = of_it.sort_values("score", ascending=False).assign(answer=lambda f: [f"{float(s):g}" for s in f["score"]])
    names = {f"{float(s):g}": page.reader.number(s, 0 if float(s) == int(s) else 1) for s in of_it["score"]}
    said = findings_voice.distribution(of_it)
    note = Text(N_("How many gave each answer"))
    if pd.notna(most["question"]):
        note = Text(N_("How many gave each answer to “{question}”"), {"question": str(most["question"])})
    caption = page.caption("responses", (), int(most["all_responses"]))
    with page.card("distribution", said, note, result, caption, ("share", "responses")):
        figure.altair(
            lambda who: draw_bars(of_it, who, "answer", "share", "share_low", "share_high", "responses", share=True,
                                  names=names, keep_order=True), said, key="distribution",
        )  # fmt: skip
