"""The score with the silent majority: by hand, in worlds whose truth is known, and where it has to refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import cx_metrics as cx
from benchmarks.silent_majority import measured, patterns_of_world, world
from cx_metrics.reweighting import MOST_TOGETHER, Patterns, Terms, adjust
from cx_metrics.view import View
from tests.conftest import dataset


def patterns(*rows: tuple[int, int | None, int]) -> Patterns:
    """(value of the one trait, code of the answer or None, customers)."""
    answered = np.array([code is not None for _v, code, _n in rows])
    score = np.array([100.0 * (code or 0) for _v, code, _n in rows])
    return Patterns(np.array([[v] for v, _c, _n in rows]), answered, score, np.array([float(n) for *_v, n in rows]))


# Half of the customers are regulars, of whom 60 % answer with an NPS of 50; of the others 10 % answer, with -20.
TWO = ((0, 1, 360), (0, 0, 180), (0, -1, 60), (0, None, 400), (1, 1, 30), (1, 0, 20), (1, -1, 50), (1, None, 900))


def test_one_trait_by_hand() -> None:
    # Weights are 1 / .6 and 1 / .1, so the adjusted score is the mean of the two groups: (50 - 20) / 2 = 15.
    # As it stands: (390 - 110) / 700 = 40. Kish: (600/.6 + 100/.1)² / (600/.36 + 100/.01) = 2000² / 11666.67 = 342.86.
    found = adjust(patterns(*TWO), trim=10)
    assert (found.customers, found.answers, found.refusal) == (2000, 700, "")
    assert (found.raw, found.adjusted) == (pytest.approx(40), pytest.approx(15, abs=1e-5))
    assert found.effective == pytest.approx(342.857, abs=1e-3)
    assert found.largest == pytest.approx(10 / 2000)
    # Post-stratified: variance within groups / answers, by the square of half each, and of the two means around 15.
    # Of codes: regulars .6 + .1 - .5² = .45, others .3 + .5 - .2² = .76; 100² · (.25·.45/600 + .25·.76/100) = 20.875
    # and 35² / 2000 = .6125. √21.4875 = 4.6355; the own answers of a fit are taken into account by 1 / (1 - 1/n) each.
    assert found.error == pytest.approx(4.6355, rel=0.01)


@pytest.mark.parametrize(
    "sizes", [[], [2], [2, 3, 4], [MOST_TOGETHER + 1, 2, 2], [2] * 12, [8, 7, 5, 2, 2, 2, 2, 4, 30]]
)
def test_sums_of_terms_are_those_of_the_matrix_that_is_never_held(sizes: list[int]) -> None:
    chance = np.random.default_rng(len(sizes))
    rows = 400
    levels = np.stack([chance.integers(0, size, rows) for size in sizes], axis=1) if sizes else np.zeros((rows, 0), int)
    plain = [np.ones(rows)]
    plain += [levels[:, at] == level for at, size in enumerate(sizes) for level in range(1, size)]
    matrix, by = np.stack(plain, axis=1).astype(float), chance.random(rows)
    square = matrix.T @ matrix
    some = chance.choice(rows, 50, replace=False)
    for terms, held, weights in (
        (Terms(levels, sizes), matrix, by),
        (Terms(levels, sizes).of(some), matrix[some], by[some]),
    ):
        assert terms.times(square[0]) == pytest.approx(held @ square[0])
        assert terms.sums(weights) == pytest.approx(held.T @ weights)
        assert terms.squares(weights) == pytest.approx((held.T * weights) @ held)
        assert terms.lengths(square) == pytest.approx(((held @ square) * held).sum(axis=1))


def test_customers_of_whom_nobody_answered_are_left_out_and_counted() -> None:
    # As above, and 500 customers with a third value of whom nobody was asked: the score of the others is not about them.
    found, without = adjust(patterns(*TWO, (2, None, 500)), trim=10), adjust(patterns(*TWO), trim=10)
    assert (found.customers, found.beyond, found.refusal) == (2500, 500, "")
    assert (found.adjusted, found.error) == (pytest.approx(without.adjusted), pytest.approx(without.error))
    few = adjust(patterns(*TWO, (2, None, 29)), trim=10)
    assert few.beyond == 0  # too few to say that none of them would


def test_a_weight_beyond_the_limit_is_cut_and_counted() -> None:
    # The mean weight is 2000 / 700 = 2.857; at most twice that is 5.714, less than the 10 of the 100 who seldom answer.
    assert adjust(patterns(*TWO), trim=2).trimmed == 100
    assert adjust(patterns(*TWO), trim=10).trimmed == 0


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (((0, 1, 50), (1, -1, 49), (0, None, 500), (1, None, 500)), "few_answers"),
        (((0, 1, 500), (1, -1, 500), (0, None, 10), (1, None, 19)), "few_silent"),
        (((0, 1, 200), (0, -1, 100), (0, None, 900)), "nothing_known"),
        (
            ((0, 1, 200), (0, -1, 100), (1, None, 900)),
            "out_of_reach",
        ),  # a value with which nobody answered tells of no answer
    ],
)
def test_too_little_is_refused_in_words(rows: Any, why: str) -> None:
    found = adjust(patterns(*rows), trim=10)
    assert found.refusal == why and found.adjusted != found.adjusted
    assert found.raw == found.raw


def test_values_that_together_tell_for_certain_who_answers_are_refused() -> None:
    # Each trait alone leaves doubt; who has both never answers, who has neither always does, and hardly anybody has one of them.
    codes = np.array([[0, 0], [0, 1], [0, 1], [1, 0], [1, 0], [1, 1]])
    answered = np.array([True, True, False, True, False, False])
    count = np.array([5e8, 10, 10, 10, 10, 5e8])
    assert adjust(Patterns(codes, answered, np.where(answered, 50.0, 0.0), count), 10).refusal in (
        "separable",
        "few_effective",
    )


def test_the_error_is_at_most_half_of_the_naive_one_where_answering_is_biased() -> None:
    found = measured(range(60), biased=True)
    assert found.refused == 0
    assert found.adjusted_error <= found.naive_error / 2
    assert found.coverage >= 0.88


def test_where_answering_has_no_bias_it_is_seldom_flagged() -> None:
    found = measured(range(60), biased=False, customers=1_500)
    assert found.flagged <= 0.12  # of 60 worlds; the long version asks for 5 % of 1,000
    assert abs(found.adjusted_error - found.naive_error) < 1.0


@pytest.mark.long
def test_errors_flags_and_coverage_over_many_worlds() -> None:
    biased, fair = measured(range(400), biased=True), measured(range(1_000), biased=False)
    assert biased.adjusted_error <= biased.naive_error / 2
    assert biased.coverage >= 0.93 and fair.coverage >= 0.93
    assert fair.flagged <= 0.065  # 5 % and two standard errors of 1,000 worlds


def test_order_and_names_of_customers_do_not_matter() -> None:
    codes, answered, score = world(1, True, 2_000)
    one = adjust(patterns_of_world(codes, answered, score), 10)
    order = np.random.default_rng(0).permutation(len(codes))
    other = adjust(
        Patterns(codes[order], answered[order], np.where(answered, score, 0.0)[order], np.ones(len(codes))), 10
    )
    assert other.adjusted == pytest.approx(one.adjusted, abs=1e-4)
    assert (other.error, other.difference_error) == (pytest.approx(one.error), pytest.approx(one.difference_error))


@pytest.fixture(scope="module")
def shop() -> Any:
    """TWO as a dataset: savers are the regulars."""
    touched, answers, people, number = [], [], [], 0
    for value, code, customers in TWO:
        for _again in range(customers):
            number += 1
            who = f"u{number}"
            people.append({"customer_id": who, "persona": ("saver", "spender")[value]})
            touched.append({"customer_id": who, "touchpoint": "Visit", "channel": "web"})
            if code is not None:
                answers.append(
                    {"customer_id": who, "score": {1: 9.0, 0: 7.0, -1: 3.0}[code], "scale_low": 0.0, "scale_high": 10.0}
                )
    return dataset(touched, answers, people)


def test_the_metric_finds_the_same_from_touchpoints_and_answers(shop: Any) -> None:
    row = cx.run("adjusted_nps", shop).frame.iloc[0]
    assert (row["customers"], row["answered"], row["answer_rate"]) == (2000, 700, 0.35)
    assert (row["raw_nps"], row["adjusted_nps"]) == (pytest.approx(40), pytest.approx(15, abs=1e-5))
    assert row["difference"] == pytest.approx(-25, abs=1e-5) and row["flagged"] and row["refusal"] == ""
    assert row["adjusted_nps_low"] < 15 < row["adjusted_nps_high"]


def test_each_group_is_adjusted_by_itself(shop: Any) -> None:
    frame = cx.run("adjusted_nps", shop, by=["persona"]).frame.set_index("persona")
    assert frame["raw_nps"].to_dict() == {"saver": pytest.approx(50), "spender": pytest.approx(-20)}
    assert frame["refusal"].to_dict() == {"saver": "nothing_known", "spender": "nothing_known"}


def test_what_sets_those_who_answered_apart_is_told(shop: Any) -> None:
    frame = cx.run("answer_bias", shop).frame
    found = frame[frame["column"] == "persona"].set_index("value")
    assert found["answered_with"].to_dict() == {"saver": 600, "spender": 100}
    assert found["silent_with"].to_dict() == {"saver": 400, "spender": 900}
    # 600 / 700 - 400 / 1300 = .5495; standardised by √((.857·.143 + .308·.692) / 2) = .4095: 1.342
    assert found.loc["saver", "difference"] == pytest.approx(0.5495, abs=1e-4)
    assert found.loc["saver", "standardised"] == pytest.approx(1.342, abs=2e-3)
    assert found["flagged"].all()


def test_who_is_silent_and_what_they_would_say_is_asked_once(shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, run = [], type(shop)._run
    monkeypatch.setattr(type(shop), "_run", lambda store, sql, schema: asked.append(sql) or run(store, sql, schema))
    savers, spenders = (View().with_values("persona", (name,)) for name in ("saver", "spender"))
    counted = [int(cx.run("adjusted_nps", shop, view).frame["answered"].iloc[0]) for view in (savers, spenders)]
    assert (counted, len(asked)) == ([600, 100], 2)
    biases = [cx.run("answer_bias", shop, view, score="nps").frame for view in (savers, spenders)]
    assert [int(frame["answered"].iloc[0]) for frame in biases] == [600, 100]
    assert len(asked) == 2  # the same customers beside the same answers
    cx.run("answer_bias", shop, savers)
    cx.run("answer_bias", shop, savers, score="csat")
    cx.run("answer_bias", shop, savers, score="nps", by=["persona"])
    assert len(asked) == 5


def test_scores_on_several_scales_have_no_mean() -> None:
    answers = [
        {"customer_id": f"u{i}", "survey_type": "csat", "score": 3.0, "scale_low": 1.0, "scale_high": high}
        for i, high in enumerate((5.0, 7.0))
    ]
    store = dataset([{"customer_id": "u0", "touchpoint": "A"}, {"customer_id": "u1", "touchpoint": "A"}], answers)
    assert cx.run("adjusted_score", store).frame["refusal"].tolist() == ["several_scales"]
