"""What people wrote, counted: feelings and themes of comments, by hand."""

from __future__ import annotations

from typing import Any

import pytest

import cx_metrics as cx
from cx_metrics.intervals import mean_t, wilson
from tests.conftest import dataset

Row = dict[str, Any]


def comment(feeling: str | None, theme: str | None = None, score: float | None = None, **more: Any) -> Row:
    """One comment that was read, with a score from 1 to 5 or none."""
    return {
        "survey_type": "csat", "score": score, "score_status": "missing" if score is None else "valid", "scale_low": 1.0,
        "scale_high": 5.0, "comment": "words", "comment_words": " words ", "sentiment": feeling, "theme": theme,
    } | more  # fmt: skip


SAID = [
    comment("negative", "delivery", 1, wave="a"), comment("negative", "delivery", 3, wave="a"),
    comment("positive", "delivery", wave="a"),
    comment("positive", "price", 5, wave="b"), comment(None, None, 2, wave="b"),
    {"survey_type": "csat", "score": 5.0, "score_status": "valid", "scale_low": 1.0, "scale_high": 5.0, "wave": "c"},
]  # fmt: skip


def test_feelings_are_counted_among_the_comments_that_could_be_read() -> None:
    row = cx.run("sentiment", dataset(surveys=SAID)).frame.iloc[0]
    assert (row["comments"], row["read"], row["negative"], row["neutral"], row["positive"]) == (5, 4, 2, 0, 2)
    assert row["negative_share"] == row["positive_share"] == 0.5
    low, high = wilson(2, 4)
    assert (row["negative_share_low"], row["negative_share_high"]) == pytest.approx((float(low), float(high)))


def test_a_group_without_comments_has_no_row() -> None:
    frame = cx.run("sentiment", dataset(surveys=SAID), by=["wave"]).frame
    assert frame["wave"].tolist() == ["a", "b"]
    assert frame["comments"].tolist() == [3, 2]
    assert frame["read"].tolist() == [3, 1]


def test_themes_share_the_comments_of_their_group() -> None:
    frame = cx.run("themes", dataset(surveys=SAID)).frame
    assert frame["theme"].fillna("").tolist() == ["delivery", "price", ""]  # equal ones by name, those without one last
    delivery = frame.iloc[0]
    assert (delivery["comments"], delivery["of"], delivery["share"]) == (3, 5, 0.6)
    assert (delivery["negative"], delivery["positive"], delivery["scored"]) == (2, 1, 2)
    assert delivery["mean_score"] == 0.25  # scores 1 and 3 of 1 to 5: 0 and .5
    low, high = mean_t(0.25, 0.5 / 2**0.5, 2)  # the deviation of 0 and .5 is .354
    assert (delivery["mean_score_low"], delivery["mean_score_high"]) == (max(float(low), 0), min(float(high), 1))


def test_themes_of_a_group_share_the_comments_of_that_group_alone() -> None:
    frame = cx.run("themes", dataset(surveys=SAID), by=["wave"]).frame.fillna({"theme": ""})
    assert frame[["wave", "theme", "comments", "of"]].to_numpy().tolist() == [
        ["a", "delivery", 3, 3], ["b", "price", 1, 2], ["b", "", 1, 2],
    ]  # fmt: skip


def test_a_scale_on_which_less_is_better_is_turned_round() -> None:
    rows = [
        comment("positive", "help", 1, higher_is_better=False),
        comment("negative", "help", 5, higher_is_better=False),
    ]
    assert cx.run("themes", dataset(surveys=[rows[0]])).frame["mean_score"].tolist() == [1.0]
    assert cx.run("themes", dataset(surveys=[rows[1]])).frame["mean_score"].tolist() == [0.0]


def test_answers_whose_comments_were_not_read_count_as_none() -> None:
    rows = [{"survey_type": "text", "comment": "late again"}]
    assert cx.run("themes", dataset(surveys=rows)).frame.empty
    assert cx.run("sentiment", dataset(surveys=rows)).frame["comments"].tolist() == [0]
