"""Findings about the silent: which sentence a frame leads to, and the numbers in it. Frames are written by hand."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from cx_metrics import findings_silent


def adjusted(**more: Any) -> pd.DataFrame:
    row = {
        "customers": 1000,
        "answered": 180,
        "answer_rate": 0.18,
        "raw_nps": 21.2,
        "adjusted_nps": 12.4,
        "flagged": True,
    }
    return pd.DataFrame([row | {"refusal": ""} | more])


def test_a_difference_beyond_chance_says_what_the_score_would_be() -> None:
    assert str(findings_silent.silent_majority(adjusted())) == (
        "If the silent felt like similar customers, NPS would be 12, not 21"
    )


def test_within_chance_the_silent_are_like_those_who_answered() -> None:
    said = str(findings_silent.silent_majority(adjusted(flagged=False)))
    assert said == "Weighted for the silent, NPS hardly changes: 12 instead of 21"


def test_a_mean_keeps_its_digit() -> None:
    frame = adjusted(raw_score=4.12, adjusted_score=3.87).drop(columns=["raw_nps", "adjusted_nps"])
    assert str(findings_silent.silent_majority(frame)).endswith("the mean would be 3.9, not 4.1")


@pytest.mark.parametrize("why", findings_silent.REFUSED)
def test_a_refusal_is_said_in_words(why: str) -> None:
    assert str(findings_silent.silent_majority(adjusted(refusal=why))) == findings_silent.REFUSED[why]


def test_nobody_there() -> None:
    assert str(findings_silent.silent_majority(adjusted(customers=0))).startswith("There is nobody to ask")


def bias(*rows: tuple[str, str | None, float, float, float, bool]) -> pd.DataFrame:
    columns = ["column", "value", "share_of_answered", "share_of_silent", "standardised", "flagged"]
    return pd.DataFrame(list(rows), columns=columns).assign(answered=100, silent=400)


def test_the_value_that_sets_those_who_answered_apart_most_is_named() -> None:
    frame = bias(
        ("persona", "saver", 0.6, 0.3, 0.63, True),
        ("channel", "call", 0.1, 0.35, -0.7, True),
        ("plan", None, 1, 0, 9, True),
    )
    assert (
        str(findings_silent.who_is_missing(frame)) == "contact on call – 10% of those who answered, 35% of the silent"
    )
    assert (
        str(findings_silent.who_is_missing(frame[:1]))
        == "persona: saver – 60% of those who answered, 30% of the silent"
    )


def test_where_nothing_stands_out_that_is_the_finding() -> None:
    frame = bias(("persona", "saver", 0.31, 0.3, 0.02, True), ("plan", "x", 0.6, 0.3, 0.6, False))
    assert (
        str(findings_silent.who_is_missing(frame))
        == "Those who answered are like the silent in all that is known of both"
    )


def invited(invited: int, completes: int) -> pd.DataFrame:
    rate = completes / invited if invited else None
    return pd.DataFrame([{"invited": invited, "completes": completes, "response_rate": rate, "completion_rate": 0.75}])


def test_response_rate() -> None:
    said = findings_silent.response_rate(invited(900, 225))
    assert str(said) == "25% of 900 invitations were answered; of those begun, 75% were finished"
    assert str(findings_silent.response_rate(invited(900, 0))) == "None of 900 invitations was answered"
    assert str(findings_silent.response_rate(invited(1, 1))) == "1 invitation is too few for a response rate"
