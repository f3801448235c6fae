"""What a score says: the boxes at the ends of every scale."""

from __future__ import annotations

import numpy as np
import pytest

from cx_metrics.comments.labels import label_of

SHORT = {"negative": "-", "neutral": "0", "positive": "+", "": "?"}


@pytest.mark.parametrize(
    ("low", "high", "kind", "signs"),
    [
        (0, 10, "nps", "-------00++"),
        (1, 5, "csat", "--0++"),
        (1, 7, "ces", "--000++"),
        (1, 10, "rating", "--000000++"),
        (0, 10, "rating", "--0000000++"),  # a rating from 0 to 10 is no NPS
        (1, 4, "csat", "--++"),  # no middle
        (1, 3, "csat", "-0+"),
        (0, 1, "rating", "-+"),
        (-2, 2, "rating", "--0++"),
    ],
)
def test_the_boxes_of_a_scale(low: int, high: int, kind: str, signs: str) -> None:
    found = label_of(np.arange(low, high + 1), low, high, True, kind)
    assert "".join(SHORT[label] for label in found) == signs
    turned = label_of(np.arange(low, high + 1), low, high, False, kind)
    expected = signs if kind == "nps" else signs[::-1]
    assert "".join(SHORT[label] for label in turned) == expected


def test_a_long_scale_is_read_as_five_parts() -> None:
    assert label_of([0, 40, 41, 59, 60, 100], 0, 100, True, "rating").tolist() == [
        "negative", "negative", "neutral", "neutral", "positive", "positive",
    ]  # fmt: skip


def test_no_score_no_scale_or_a_score_outside_say_nothing() -> None:
    nothing = float("nan")
    found = label_of([nothing, 6, 0, 3, 3, 9], [1, 1, 1, nothing, 3, nothing], [5, 5, 5, 5, 3, nothing], True,
                     ["csat"] * 5 + ["nps"])  # fmt: skip
    assert found.tolist() == ["", "", "", "", "", "positive"]
    assert label_of([], [], [], [], []).tolist() == []


def test_a_score_between_two_boxes_belongs_to_neither_end() -> None:
    assert label_of([2.5, 3.5, 6.9, 8.9], [1, 1, 0, 0], [5, 5, 10, 10], True, ["csat", "csat", "nps", "nps"]).tolist() == [
        "neutral", "neutral", "negative", "neutral",
    ]  # fmt: skip
