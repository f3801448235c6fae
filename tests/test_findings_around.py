"""Sentences about what people did around their answer, and about what they write, chosen by rule from finished frames."""

from __future__ import annotations

from typing import Any

import pandas as pd

import cx_metrics as cx
from cx_metrics import findings_around, findings_words
from tests.conftest import dataset
from tests.test_around_answers import said, touch

Row = dict[str, Any]


def around(*rows: Row, unhappy: int = 40, happy: int = 40) -> pd.DataFrame:
    base = {
        "place": 1,
        "all_unhappy": unhappy,
        "all_happy": happy,
        "unhappy_share": 0.3,
        "happy_share": 0.1,
        "difference": 0.2,
    }
    return pd.DataFrame([base | {"flagged": True, "touchpoint": None} | row for row in rows])


def test_where_the_unhappy_go_next_comes_before_where_they_come_from() -> None:
    frame = around(
        {"side": "before", "touchpoint": "Delivery", "difference": 0.9},
        {"side": "after", "touchpoint": "Search", "difference": 0.1},
        {"side": "after", "touchpoint": "Support"},
        {"side": "after", "touchpoint": "(other)", "difference": 0.5},
        {"side": "after", "difference": 0.5},
        {"side": "after", "touchpoint": "Return", "difference": 0.7, "flagged": False},
        {"side": "after", "touchpoint": "Website", "difference": 0.8, "place": 2},
    )
    found = findings_around.around(frame, "nps")
    assert str(found) == "30% of detractors go to Support next, and 10% of promoters"
    rest = frame[~frame["touchpoint"].isin(["Support", "Search"])]
    assert findings_around.around(rest, "nps").source == findings_around.OF_NPS["nothing"]
    rest = frame[frame["side"] == "before"]
    assert findings_around.around(rest, "csat").source == findings_around.OF_OTHERS["last"]
    rest = frame.assign(flagged=False)
    assert findings_around.around(rest, "ces").source == findings_around.OF_OTHERS["alike"]


def test_few_answers_are_not_compared() -> None:
    frame = around({"side": "after", "touchpoint": "Support"}, happy=9)
    assert "Too few" in findings_around.around(frame, "nps").source
    assert "Too few" in findings_around.around(frame.iloc[:0], "nps").source


def test_what_detractors_do_next_is_said_of_an_answered_metric() -> None:
    """40 detractors of whom 30 call support, 40 promoters of whom none does."""
    journeys, answers = [], []
    for i in range(80):
        journeys.append(touch(f"u{i}", 0, "Delivery"))
        if i < 30:
            journeys.append(touch(f"u{i}", 2, "Support"))
        answers.append(said(f"u{i}", 1, 2 if i < 40 else 10))
    found = findings_around.around(cx.run("around_answers", dataset(journeys, answers)).frame, "nps")
    assert found.values == {"unhappy_share": 0.75, "happy_share": 0.0, "touchpoint": "Support"}


THEMES = pd.DataFrame([
    {"theme": "delay", "comments": 50, "read": 50, "negative_share": 0.8},
    {"theme": "price", "comments": 50, "read": 50, "negative_share": 0.2},
    {"theme": None, "comments": 90, "read": 90, "negative_share": 0.1},
])  # fmt: skip
AT = pd.DataFrame([
    {"theme": "delay", "comments": 20, "read": 20, "negative_share": 0.7, "stage": "action"},
    {"theme": "delay", "comments": 30, "read": 30, "negative_share": 0.9, "stage": "loyalty"},
    {"theme": "price", "comments": 20, "read": 20, "negative_share": 0.2, "stage": "action"},
    {"theme": "price", "comments": 90, "read": 90, "negative_share": 0.2, "stage": None},
    {"theme": None, "comments": 99, "read": 90, "negative_share": 0.2, "stage": "action"},
])  # fmt: skip


def test_the_loudest_theme_is_that_of_most_comments_and_of_equals_the_first_by_name() -> None:
    loud = findings_words.loudest(AT, "stage").set_index("stage")["theme"]
    assert loud.to_dict() == {"loyalty": "delay", "action": "delay"}
    worst = findings_words.loudest_at(findings_words.loudest(AT, "stage"), "stage")
    assert worst.values == {"theme": "delay", "place": "loyalty", "negative_share": 0.9}
    found = findings_words.loudest_of_all(THEMES, AT, "stage")
    assert found.values == {"theme": "delay", "negative_share": 0.8, "place": "loyalty"}
    assert findings_words.loudest_of_all(THEMES, AT.iloc[:0], "stage").values == {
        "theme": "delay",
        "negative_share": 0.8,
    }
    assert findings_words.loudest_of_all(THEMES.assign(read=9), AT, "stage").values == {"theme": "delay"}
    assert "no themes" in findings_words.loudest_of_all(THEMES.iloc[2:], AT, "stage").source
    assert findings_words.where_most(AT, "price", "stage") == "action"
    assert findings_words.where_most(AT, "service", "stage") is None


def test_what_the_lost_write_about_is_said_where_it_is_beyond_chance() -> None:
    rows = pd.DataFrame([
        {"theme": "price", "value_a": 0.1, "value_b": 0.3, "p_value": 0.001, "flagged": True},
        {"theme": "delay", "value_a": 0.5, "value_b": 0.2, "p_value": 0.0001, "flagged": True},
        {"theme": "other", "value_a": 0.5, "value_b": 0.2, "p_value": 0.00001, "flagged": False},
    ])  # fmt: skip
    found = findings_words.said_of_themes(rows, "Purchase")
    assert found.values == {"step": "Purchase", "theme": "delay", "lost_share": 0.5, "other_share": 0.2}
    assert "within chance" in findings_words.said_of_themes(rows.assign(flagged=False), "Purchase").source
