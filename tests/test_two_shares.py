"""Ratios of two shares and the exact test: known answers and scipy's opinion."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from scipy import stats

from cx_metrics import intervals
from cx_metrics.two_shares import either_p, fisher_p, katz, ratio_of_shares


def test_the_physicians_health_study_has_a_relative_risk_of_1_82() -> None:
    # Agresti, An Introduction to Categorical Data Analysis: heart attacks 189 of 11,034 (placebo), 104 of 11,037 (aspirin):
    # 1.82, interval 1.43 to 2.31. ln 1.8178 = .5976; s = √(1/189 − 1/11034 + 1/104 − 1/11037) = .12135; .5976 ± 1.96 × .12135
    study = (189, 11_034, 104, 11_037)
    assert float(ratio_of_shares(*study)) == pytest.approx(1.82, abs=0.005)
    low, high = katz(*study)
    assert (float(low), float(high)) == pytest.approx((1.43, 2.31), abs=0.005)
    assert float(high) == pytest.approx(math.exp(0.5976 + 1.96 * 0.12135), abs=0.001)


def test_a_ratio_is_unknown_where_the_other_share_is_0_and_its_ends_where_either_is() -> None:
    whole = np.array([10, 10, 10, 0, 10])
    part = np.array([5, 0, 10, 0, 5])
    other, other_whole = np.array([0, 5, 10, 5, 0]), np.array([10, 10, 10, 10, 0])
    assert ratio_of_shares(part, whole, other, other_whole) == pytest.approx(
        [np.nan, 0, 1, np.nan, np.nan], nan_ok=True
    )
    for end in katz(part, whole, other, other_whole):
        assert np.isnan(end).all()


def test_the_lady_tasting_tea_has_a_p_value_of_34_in_70() -> None:
    # Fisher (1935): 3 of 4 cups right. Tables of these sums: 1, 16, 36, 16, 1 of 70; no likelier than 16: 34.
    assert fisher_p(3, 4, 1, 4) == pytest.approx(34 / 70)


def test_the_exact_test_agrees_with_scipy_on_500_random_tables() -> None:
    chance = random.Random(3)
    for size in (6, 40, 300, 5_000, 300_000):
        for _ in range(100):
            n, m = chance.randint(1, size), chance.randint(1, size)
            k, j = chance.randint(0, min(n, 20)), chance.randint(0, min(m, 20))
            expected = stats.fisher_exact([[k, n - k], [j, m - j]]).pvalue
            assert fisher_p(k, n, j, m) == pytest.approx(expected, rel=1e-6), (k, n, j, m)


def test_the_exact_test_is_taken_where_chance_leads_to_less_than_5() -> None:
    # 9 of 20 and 1 of 20: half of 10 expected in either, exactly 5: the z test. 8 and 1: 4.5 expected, the exact test.
    assert either_p(9, 20, 1, 20).tolist() == [pytest.approx(float(intervals.difference_p(9, 20, 1, 20)))]
    assert either_p(8, 20, 1, 20).tolist() == pytest.approx([fisher_p(8, 20, 1, 20)])
    assert either_p(19, 20, 12, 20).tolist() == pytest.approx([fisher_p(1, 20, 8, 20)])  # those who are few count too
    assert np.isnan(either_p([0, 3], [0, 4], [3, 0], [4, 0])).all()
    assert either_p([0, 4], [4, 4], [0, 9], [9, 9]).tolist() == [1, 1]
