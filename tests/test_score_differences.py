"""Weights, the difference of two scores and the spread of answers: published numbers, formulas by hand, other programs."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

import cx_metrics as cx
from cx_metrics import findings_voice
from cx_metrics.errors import DataProblem, OptionProblem
from tests.conftest import dataset
from tests.test_surveys import Row, answers, only_row

# Weights


def weighed(kind: str, scores: list[float], weights: list[float], low: float = 0, high: float = 10) -> list[Row]:
    return [row | {"weight": float(w)} for row, w in zip(answers(kind, scores, low, high), weights, strict=True)]


def by_hand(values: list[float], weights: list[float]) -> tuple[float, float]:
    """Weighted mean and its error as R's svymean has them: n / (n - 1) x sum of (w (x - mean) / sum w)²."""
    w, x = np.array(weights), np.array(values)
    mean = (w * x).sum() / w.sum()
    return mean, math.sqrt(len(x) / (len(x) - 1) * ((w * (x - mean) / w.sum()) ** 2).sum())


def test_weighted_nps_is_the_weighted_mean_of_the_codes_with_a_linearised_interval() -> None:
    # codes 1, 1, 0, -1 with weights 1, 2, 3, 2: (1 + 2 - 2) / 8 = .125; the sum of squares is
    # (1 x .875)² + (2 x .875)² + (3 x .125)² + (2 x 1.125)² = .765625 + 3.0625 + .140625 + 5.0625 = 9.03125;
    # error = sqrt(4 / 3 x 9.03125) / 8 = .433763; Kish: 64 / 18
    row = only_row("nps", weighed("nps", [10, 9, 8, 3], [1, 2, 3, 2]), weighted=True)
    assert (row["responses"], row["promoters"], row["nps"]) == (4, 2, 12.5)
    assert row["effective_responses"] == pytest.approx(64 / 18)
    half = 1.959964 * 43.3763
    assert (row["nps_low"], row["nps_high"]) == pytest.approx((12.5 - half, 12.5 + half), abs=0.001)


def test_weighted_satisfaction_and_effort_follow_the_same_formula() -> None:
    scores, weights = [5.0, 4, 4, 3, 1, 2], [1.0, 0.5, 2, 1, 3, 0.25]
    row = only_row("csat", weighed("csat", scores, weights, 1, 5), weighted=True)
    mean, error = by_hand(scores, weights)
    t = stats.t.ppf(0.975, 5)
    assert (row["mean_score"], row["mean_score_low"]) == pytest.approx((mean, mean - t * error))
    share, error = by_hand([float(s >= 4) for s in scores], weights)
    assert (row["csat"], row["csat_high"]) == pytest.approx((share, min(share + 1.959964 * error, 1)))
    row = only_row("ces", weighed("ces", scores, weights, 1, 5), weighted="yes")
    assert (row["ces"], row["easy_share"]) == pytest.approx((mean, share))


@pytest.mark.parametrize("metric", ["nps", "csat", "ces", "rating"])
def test_equal_weights_change_no_score_and_weight_zero_leaves_an_answer_out(metric: str) -> None:
    scores = [10.0, 9, 3, 7, 8, 0, 9]
    measure = {"nps": "nps", "csat": "csat", "ces": "ces", "rating": "mean_score"}[metric]
    plain = only_row(metric, answers(metric, scores))
    row = only_row(metric, weighed(metric, [*scores, 0, 0], [2.0] * 7 + [0, 0]), weighted=True)
    assert row[measure] == pytest.approx(plain[measure])
    assert row["responses"] == row["effective_responses"] == plain["effective_responses"] == 7
    if metric in ("ces", "rating"):  # the same formula where weights are equal
        assert row[measure + "_low"] == pytest.approx(plain[measure + "_low"])


def test_the_definition_says_that_weighted_intervals_are_linearised() -> None:
    store = dataset(surveys=answers("csat", [5, 4, 1], 1, 5))
    assert cx.run("csat", store, weighted=True).definition["intervals"] == {
        "csat": "linearised",
        "mean_score": "linearised",
    }
    with pytest.raises(OptionProblem, match="maybe is neither yes nor no"):
        cx.run("csat", store, weighted="maybe")


def test_one_weighted_answer_says_nothing_of_the_others() -> None:
    row = only_row("csat", weighed("csat", [5], [2], 1, 5), weighted=True)
    assert (row["csat"], row["csat_low"], row["csat_high"]) == (1, 0, 1) and math.isnan(row["mean_score_low"])


# Ratings


def test_ratings_have_a_mean_and_a_share_of_the_two_best_for_each_question() -> None:
    rows = answers("rating", [5, 4, 1, 2], 1, 5, question="Staff") + answers(
        "rating", [10, 9, 1], 1, 10, question="Food"
    )
    frame = cx.run("rating", dataset(surveys=rows), by=["question"]).frame.set_index("question")
    assert frame["top_two"].to_dict() == {"Food": 2, "Staff": 2}
    assert frame["mean_score"].to_dict() == pytest.approx({"Food": 20 / 3, "Staff": 3})
    # Wilson of 2 of 4 by hand: (.5 + z²/8) / (1 + z²/4) -+ z sqrt(1/16 + z²/64) / (1 + z²/4) = .15, .85
    assert frame.loc["Staff", ["top_two_share_low", "top_two_share_high"]].tolist() == pytest.approx(
        [0.15, 0.85], abs=5e-4
    )
    assert math.isnan(only_row("rating", rows)["mean_score"])


# Differences


def nps_of(promoters: int, passives: int, detractors: int, **more: Any) -> list[Row]:
    return answers("nps", [9] * promoters + [7] * passives + [2] * detractors, **more)


@pytest.mark.parametrize(
    ("method", "low", "high", "p"), [("wald", 8.44, 51.56, 0.00639), ("adjusted_wald", 7.91, 50.34, 0.00712)]
)
def test_fifty_thirty_twenty_minus_thirty_forty_thirty(method: str, low: float, high: float, p: float) -> None:
    rows = nps_of(50, 30, 20, wave="new") + nps_of(30, 40, 30, wave="old")
    row = only_row("score_difference", rows, column="wave", first="new", second="old", method=method)
    assert (row["n_a"], row["value_a"], row["n_b"], row["value_b"], row["difference"]) == (100, 30, 100, 0, 30)
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((low, high), abs=0.006)
    assert row["p_value"] == pytest.approx(p, abs=6e-6)


def test_satisfaction_of_56_of_70_against_48_of_80_is_that_of_newcombe() -> None:
    rows = answers("csat", [5] * 56 + [1] * 14, 1, 5, channel="web") + answers(
        "csat", [4] * 48 + [2] * 32, 1, 5, channel="shop"
    )
    row = only_row("score_difference", rows, column="channel", first="web", second="shop", score="csat")
    assert (row["difference"], row["difference_low"], row["difference_high"]) == pytest.approx(
        (0.2, 0.0524, 0.3339), abs=6e-5
    )
    assert row["p_value"] == pytest.approx(0.00805, abs=6e-6)
    theirs = confint_proportions_2indep(56, 70, 48, 80, method="newcomb")
    assert (row["difference_low"], row["difference_high"]) == pytest.approx(theirs)


def test_effort_of_two_groups_is_compared_by_welch() -> None:
    a, b = [7.0, 6, 6, 5, 7, 2], [3.0, 4, 5, 2, 6, 1, 4]
    rows = answers("ces", a, 1, 7, source="new") + answers("ces", b, 1, 7, source="old")
    row = only_row("score_difference", rows, column="source", first="new", second="old", score="ces")
    found = stats.ttest_ind(a, b, equal_var=False)
    theirs = found.confidence_interval(0.95)
    assert row["p_value"] == pytest.approx(found.pvalue)
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((theirs.low, theirs.high))


def test_without_a_second_value_the_others_are_everybody_else() -> None:
    rows = nps_of(1, 0, 1, channel="web") + nps_of(0, 0, 1, channel="shop") + nps_of(0, 1, 0)
    row = only_row("score_difference", rows, column="channel", first="web")
    assert (row["group_b"], row["n_a"], row["n_b"], row["value_b"]) == ("(everybody else)", 2, 2, -50)
    empty = only_row("score_difference", rows, column="channel", first="nowhere", second="web")
    assert empty["n_a"] == 0 and math.isnan(empty["value_a"]) and math.isnan(empty["p_value"])


@pytest.mark.parametrize("paired", [False, True])
def test_a_group_without_a_valid_answer_keeps_its_row(paired: bool) -> None:
    rows = nps_of(3, 0, 2, channel="web", wave="1", customer_id="u1") + nps_of(
        2, 0, 1, channel="web", wave="2", customer_id="u1"
    )
    rows += answers("csat", [5], 1, 5, channel="shop", wave="1")
    asked = {"column": "wave", "first": "2", "second": "1", "paired": paired}
    found = cx.run("score_difference", dataset(surveys=rows), by=["channel"], **asked).frame.set_index("channel")
    assert found.loc["shop", ["n_a", "n_b"]].tolist() == [0, 0] and math.isnan(found.loc["shop", "difference"])
    assert found.loc["web", "difference"] == pytest.approx(100 / 3 - 20)  # 2 - 1 of 3, 3 - 2 of 5


def test_customers_who_answered_twice_are_compared_with_themselves() -> None:
    before, after = [3.0, 9, 7, 2, 8, 10, 6], [9.0, 9, 8, 7, 3, 10, 9]
    rows = [
        row | {"customer_id": f"u{i}"}
        for wave, scores in (("1", before), ("2", after))
        for i, row in enumerate(answers("nps", scores, wave=wave))
    ]
    rows += answers("nps", [0.0, 0], wave="2", customer_id="other") + answers("nps", [0.0], wave="1")
    row = only_row("score_difference", rows, column="wave", first="2", second="1", paired=True)
    # codes before -1 1 0 -1 0 1 -1, after 1 1 0 0 -1 1 1: differences 2 0 0 1 -1 0 2, mean 4/7
    theirs = stats.ttest_1samp([2, 0, 0, 1, -1, 0, 2], 0)
    interval = theirs.confidence_interval(0.95)
    assert (row["n_a"], row["n_b"]) == (7, 7)
    assert (row["value_a"], row["value_b"], row["difference"]) == pytest.approx((300 / 7, -100 / 7, 400 / 7))
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((100 * interval.low, 100 * interval.high))
    assert row["p_value"] == pytest.approx(theirs.pvalue)


def test_a_difference_that_cannot_be_is_refused() -> None:
    rows = answers("ces", [1, 2], 1, 5, channel="web") + answers("ces", [6, 7], 1, 7, channel="shop")
    store = dataset(surveys=rows)
    with pytest.raises(OptionProblem, match="no column chanel. Nearest: channel"):
        cx.run("score_difference", store, column="chanel", first="web")
    with pytest.raises(DataProblem, match="different scales"):
        cx.run("score_difference", store, column="channel", first="web", score="ces")


# All answers


def test_every_answer_of_a_question_has_its_share_with_its_interval() -> None:
    rows = answers("csat", [5] * 8 + [1] * 2, 1, 5, question="Happy?") + nps_of(1, 0, 0, question="Recommend?")
    frame = cx.run("distribution", dataset(surveys=rows)).frame
    assert frame[["survey_type", "question", "score", "responses", "all_responses"]].values.tolist() == [
        ["csat", "Happy?", 1, 2, 10], ["csat", "Happy?", 5, 8, 10], ["nps", "Recommend?", 9, 1, 1],
    ]  # fmt: skip
    assert frame.loc[1, ["share_low", "share_high"]].tolist() == pytest.approx(
        [0.4902, 0.9433], abs=6e-5
    )  # R prop.test


def test_scores_by_quarter_begin_with_its_first_day_in_the_zone_of_the_dataset() -> None:
    # 20:30 UTC on 31 March is 1 April in Tehran
    rows = answers("nps", [10], answered_at=datetime(2026, 3, 31, 20, 30)) + answers(
        "nps", [0], answered_at=datetime(2026, 3, 31, 20)
    )
    found = cx.run("nps", dataset(surveys=rows, zone="Asia/Tehran"), by=["quarter"]).to_dict()["rows"]
    assert {row["quarter"]: row["nps"] for row in found} == {"2026-01-01": -100, "2026-04-01": 100}


# The sentences of a page


def test_a_finding_says_that_groups_differ_only_beyond_chance() -> None:
    rows = nps_of(50, 30, 20, wave="new") + nps_of(30, 40, 30, wave="old") + nps_of(1, 0, 0, wave="tiny")
    store = dataset(surveys=rows)

    def said(first: str, second: str) -> str:
        frame = cx.run("score_difference", store, column="wave", first=first, second=second).frame
        return str(findings_voice.difference(frame))

    assert said("new", "old") == "NPS is higher in new than in old"
    assert said("old", "new") == "NPS is lower in old than in new"
    assert said("new", "new") == "Too few answers per group to compare them"  # all of them are in the first
    assert said("new", "tiny") == "Too few answers per group to compare them"
    alike = dataset(surveys=nps_of(20, 10, 10, wave="a") + nps_of(20, 11, 10, wave="b"))
    frame = cx.run("score_difference", alike, column="wave", first="a").frame
    assert str(findings_voice.difference(frame)) == "The two groups differ by no more than chance allows"


def test_findings_name_the_best_rated_and_the_most_frequent_answer() -> None:
    rows = answers("rating", [5] * 36 + [1] * 4, 1, 5, question="Staff") + answers(
        "rating", [9] * 8 + [2] * 32, 1, 10, question="Food"
    )
    frame = cx.run("rating", dataset(surveys=rows), by=["question"]).frame
    assert str(findings_voice.ratings(frame, "question")) == (
        "90% give one of the two best answers to Staff, 20% give one to Food"
    )
    assert str(findings_voice.ratings(frame[:1], "question")) == "Too few answers per group to compare them"
    same = frame.assign(top_two_share_low=0.1, top_two_share_high=0.9)
    assert str(findings_voice.ratings(same, "question")) == "No group differs from another by more than chance allows"
    spread = cx.run("distribution", dataset(surveys=rows)).frame
    food = spread[spread["question"] == "Food"]
    assert str(findings_voice.distribution(food)) == "The answer given most often is 2, by 80%"
    assert str(findings_voice.distribution(spread[:0])) == "Too few answers to say which one most people give"
