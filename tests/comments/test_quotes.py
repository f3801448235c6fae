"""Quotes of a theme: near its centre, readable, distinct, the same each time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cx_metrics.comments.quotes import contrasting_quotes, typical_quotes
from cx_metrics.comments.themes import COLUMNS, Themes

COMMENTS = [
    "The courier came two hours late again",  # 0
    "the courier came TWO hours late, again!!!",  # 1: says the same
    "Late.",  # 2: too short
    "My parcel was left in front of the wrong door",  # 3
    "late " * 80,  # 4: too long
    "Delivery was quick and the driver called before",  # 5
    "Prices have gone up a lot since last year",  # 6: another theme
    "No word from anybody where my order was",  # 7
    "late late late late late",  # 8: one word only
    None,  # 9
]
THEME = np.array([1, 1, 1, 1, 1, 1, 2, 1, 1, 0])
NEAR = np.array([0.9, 0.9, 1.0, 0.7, 1.0, 0.8, 0.9, 0.6, 1.0, 0.0])
FEELING = [-0.8, -0.8, -0.1, -0.5, -0.9, 0.9, -0.4, float("nan"), 0, float("nan")]


def themes(order: np.ndarray | None = None) -> Themes:
    rows = order if order is not None else np.arange(len(THEME))
    none = np.zeros(len(THEME), dtype=int)
    return Themes(pd.DataFrame(columns=list(COLUMNS)), THEME[rows], NEAR[rows], none, NEAR[rows], ("en",) * len(THEME))


def test_the_nearest_readable_and_distinct_comments_are_quoted() -> None:
    found = typical_quotes(themes(), 1, COMMENTS)
    assert len({0, 1} & set(found)) == 1  # not both of the two that say the same
    assert set(found[1:]) == {5, 3} and found[1:] == [5, 3]
    assert typical_quotes(themes(), 1, COMMENTS, how_many=10)[3:] == [7]
    assert typical_quotes(themes(), 3, COMMENTS) == []


def test_the_order_of_comments_makes_no_difference() -> None:
    quoted = [COMMENTS[i] for i in typical_quotes(themes(), 1, COMMENTS)]
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(len(COMMENTS))
        shuffled = [COMMENTS[i] for i in order]
        assert [shuffled[i] for i in typical_quotes(themes(order), 1, shuffled)] == quoted


def test_a_contrasting_quote_feels_the_opposite_of_most() -> None:
    assert contrasting_quotes(themes(), 1, COMMENTS, FEELING) == [5]
    turned = [-feeling for feeling in FEELING]
    assert contrasting_quotes(themes(), 1, COMMENTS, turned) == [5]  # now the only bad one
    assert contrasting_quotes(themes(), 1, COMMENTS, [-1.0] * len(COMMENTS)) == []


def test_only_comments_that_may_be_shown_are_quoted() -> None:
    assert typical_quotes(themes(), 1, COMMENTS, among=[3, 7, 6]) == [3, 7]
    assert typical_quotes(themes(), 1, COMMENTS, among=[]) == []


def test_many_equally_near_comments_give_the_same_quotes_in_any_order() -> None:
    comments = [
        f"number {chr(97 + i % 26)}{chr(97 + i // 26)} speaks of word{'x' * (i % 7)} alone" for i in range(2_000)
    ]
    equal = Themes(
        pd.DataFrame(columns=list(COLUMNS)),
        np.ones(2_000, int),
        np.ones(2_000),
        np.zeros(2_000, int),
        np.ones(2_000),
        ("en",) * 2_000,
    )
    quoted = {comments[i] for i in typical_quotes(equal, 1, comments)}
    assert quoted == {comments[::-1][i] for i in typical_quotes(equal, 1, comments[::-1])}


def test_a_comment_with_several_leading_terms_speaks_before_a_nearer_one_with_one() -> None:
    comments = [
        "on the very first flight today",
        "our flights were late and then cancelled",
        "flight late but no word from them",
    ]
    frame = pd.DataFrame([{name: None for name in COLUMNS} | {"theme": 1, "terms": ["flight", "late", "cancelled"]}])
    near, none = np.array([0.9, 0.5, 0.6]), np.zeros(3, int)
    found = typical_quotes(Themes(frame, np.ones(3, int), near, none, near, ("en",) * 3), 1, comments)
    assert found == [2, 1, 0]
