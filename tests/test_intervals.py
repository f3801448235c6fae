"""Intervals against published numbers, against statsmodels and scipy, and against their own promise: coverage."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from cx_metrics import intervals

QUIET = settings(deadline=None, max_examples=60)
STATSMODELS = {"wilson": "wilson", "clopper_pearson": "beta", "jeffreys": "jeffreys", "agresti_coull": "agresti_coull"}
classes = st.tuples(*[st.integers(0, 400)] * 3).filter(lambda counts: sum(counts) > 0)


def nps_bounds(counts: tuple[int, int, int], method: str, confidence: float = 0.95) -> tuple[float, float]:
    low, high = intervals.nps_interval(*counts, method, confidence)
    return float(low[0]), float(high[0])


# NPS:, 50 promoters, 30 passives, 20 detractors


def test_standard_error_of_nps_30_is_7_810() -> None:
    assert float(intervals.nps_error(50, 20, 100)) == pytest.approx(7.810, abs=0.0005)  # R package NPS 1.1


@pytest.mark.parametrize(
    ("method", "low", "high"),
    [
        ("wald", 14.69, 45.31),  # R package NPS 1.1
        ("adjusted_wald", 14.05, 44.20),  # Rocks 2016: 29.126 ± 1.96 × 7.692
        ("bonett_price", 14.14, 44.68),  # Bonett & Price 2012: 2 answers more, one to either side
    ],
)
def test_interval_of_nps_30_is_the_published_one(method: str, low: float, high: float) -> None:
    assert nps_bounds((50, 30, 20), method) == pytest.approx((low, high), abs=0.006)


def test_adjusted_wald_stands_around_29_126_with_error_7_692() -> None:
    low, high = nps_bounds((50, 30, 20), "adjusted_wald")
    assert (low + high) / 2 == pytest.approx(29.126, abs=0.0005)  # 100 × (50.75 − 20.75) / 103
    assert (high - low) / 2 / 1.959964 == pytest.approx(7.692, abs=0.0005)


def test_bootstrap_of_nps_30_is_about_14_to_45() -> None:
    assert nps_bounds((50, 30, 20), "bootstrap") == pytest.approx((14, 45), abs=1.01)  # , "about"


def test_bootstrap_gives_the_same_interval_twice_from_at_least_2000_resamples() -> None:
    assert nps_bounds((7, 3, 5), "bootstrap") == nps_bounds((7, 3, 5), "bootstrap")
    assert intervals.RESAMPLES >= 2_000


def test_bootstrap_of_nps_agrees_with_resampling_the_answers_one_by_one() -> None:
    answers = np.repeat([1, 0, -1], (50, 30, 20))
    draws = np.random.default_rng(1).choice(answers, size=(20_000, 100)).mean(axis=1)
    assert nps_bounds((50, 30, 20), "bootstrap") == pytest.approx(100 * np.quantile(draws, [0.025, 0.975]), abs=1.5)


def test_wald_collapses_when_all_answers_are_of_one_class_and_the_others_do_not() -> None:
    assert nps_bounds((12, 0, 0), "wald") == (100, 100)
    for method in ("adjusted_wald", "bonett_price"):
        low, high = nps_bounds((12, 0, 0), method)
        assert low < high <= 100


@pytest.mark.parametrize("method", ["adjusted_wald", "wald", "bonett_price", "bootstrap"])
def test_nps_of_no_answers_has_no_interval(method: str) -> None:
    assert all(map(math.isnan, nps_bounds((0, 0, 0), method)))


@QUIET
@given(classes, st.sampled_from(["adjusted_wald", "wald", "bonett_price"]))
def test_nps_interval_lies_within_the_scale_and_mirrors_when_promoters_and_detractors_change_places(
    counts: tuple[int, int, int], method: str
) -> None:
    low, high = nps_bounds(counts, method)
    assert -100 <= low <= high <= 100
    assert nps_bounds(counts[::-1], method) == pytest.approx((-high, -low))


@pytest.mark.parametrize("n", [10, 30, 100])
def test_adjusted_wald_covers_the_true_nps_in_about_95_of_100_samples(n: int) -> None:
    #: simulated coverage at n = 10 is .944–.966 over the true shares; wald .884–.912
    chance = np.random.default_rng(20_260_105)
    shares = [(0.5, 0.3, 0.2), (0.4, 0.3, 0.3), (0.6, 0.3, 0.1), (0.3, 0.4, 0.3), (0.34, 0.33, 0.33)]
    covered, of_wald = [], []
    for p, s, d in shares:
        drawn = chance.multinomial(n, (p, s, d), size=4_000).T
        for method, kept in (("adjusted_wald", covered), ("wald", of_wald)):
            low, high = intervals.nps_interval(*drawn, method)
            kept.append(np.mean((low <= 100 * (p - d)) & (100 * (p - d) <= high)))
    assert 0.94 <= np.mean(covered) <= 0.97
    assert n > 10 or np.mean(of_wald) < 0.92 < min(covered)


# Shares:


@pytest.mark.parametrize(
    ("method", "low", "high"),
    [  # 8 of 10, statsmodels 0.15.0 = R prop.test(correct = FALSE)
        ("wilson", 0.4902, 0.9433),
        ("clopper_pearson", 0.4439, 0.9748),
        ("agresti_coull", 0.4794, 0.9541),
    ],
)
def test_interval_of_8_of_10_is_the_published_one(method: str, low: float, high: float) -> None:
    assert intervals.SHARE_METHODS[method](8, 10) == pytest.approx((low, high), abs=0.00006)


def test_wilson_of_0_of_10_ends_at_exactly_0_and_2775() -> None:
    low, high = intervals.wilson(0, 10)
    assert low == 0
    assert high == pytest.approx(0.2775, abs=0.00006)  #


@pytest.mark.parametrize("method", intervals.SHARE_METHODS)
def test_an_end_that_touches_0_or_1_is_exactly_0_or_1(method: str) -> None:
    n = np.arange(1, 2_000)
    low, _ = intervals.SHARE_METHODS[method](0 * n, n)
    _, high = intervals.SHARE_METHODS[method](n, n)
    assert set(low) == {0.0} and set(high) == {1.0}


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("method", intervals.SHARE_METHODS)
def test_share_intervals_agree_with_statsmodels_over_a_grid(method: str, confidence: float) -> None:
    k, n = (x.ravel() for x in np.meshgrid(np.arange(0, 61), [1, 2, 3, 7, 10, 24, 60, 333, 10_000]))
    k, n = k[k <= n], n[k <= n]
    low, high = intervals.SHARE_METHODS[method](k, n, confidence)
    theirs = proportion_confint(k, n, alpha=1 - confidence, method=STATSMODELS[method])
    # theirs leave a rounding error, or for Jeffreys a small number, where the share is 0 or 1; ours end there exactly
    touches_0, touches_1 = k == 0, k == n
    np.testing.assert_allclose(low[~touches_0], np.clip(theirs[0], 0, 1)[~touches_0], atol=1e-9)
    np.testing.assert_allclose(high[~touches_1], np.clip(theirs[1], 0, 1)[~touches_1], atol=1e-9)


@pytest.mark.parametrize("method", intervals.SHARE_METHODS)
def test_a_share_of_nothing_is_unknown_without_a_warning(method: str) -> None:
    assert np.isnan(intervals.SHARE_METHODS[method]([0, 0], [0, 0])).all()
    assert math.isnan(float(intervals.ratio(0, 0)))


@QUIET
@given(st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_share_interval_holds_the_share_and_widens_with_confidence(counts: tuple[int, int]) -> None:
    k, n = counts
    for method in intervals.SHARE_METHODS.values():
        low, high = method(k, n)
        wide_low, wide_high = method(k, n, 0.99)
        assert 0 <= wide_low <= low <= k / n <= high <= wide_high <= 1


def test_difference_of_56_of_70_and_48_of_80_is_that_of_newcombe() -> None:
    # Newcombe 1998, Statistics in Medicine 17, table II;: .2 [.0524, .3339]
    low, high = intervals.newcombe(56, 70, 48, 80)
    assert (float(low), float(high)) == pytest.approx((0.0524, 0.3339), abs=0.00006)


def test_difference_changes_sign_when_now_and_before_change_places() -> None:
    low, high = intervals.newcombe(56, 70, 48, 80)
    assert intervals.newcombe(48, 80, 56, 70) == pytest.approx((-high, -low))


def test_difference_to_a_period_without_data_is_unknown() -> None:
    assert np.isnan(intervals.newcombe(5, 10, 0, 0)).all()


# Means


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_t_interval_of_a_mean_is_that_of_scipy(confidence: float) -> None:
    chance = np.random.default_rng(7)
    for n in (2, 3, 5, 30, 400):
        answers = chance.integers(1, 8, size=n).astype(float)
        answers[0] = 7.5  # never all equal
        theirs = stats.t.interval(confidence, n - 1, loc=answers.mean(), scale=stats.sem(answers))
        assert intervals.mean_t(answers.mean(), answers.std(ddof=1), n, confidence) == pytest.approx(theirs)


def test_t_interval_by_hand_for_five_effort_scores() -> None:
    #: 7 7 6 5 2, mean 5.4; squared deviations 2.56 2.56 .36 .16 11.56 sum to 17.2; s² = 4.3;
    # t(4, .975) = 2.7764 (Student's table); half = 2.7764 × √(4.3 / 5) = 2.5748
    assert intervals.mean_t(5.4, math.sqrt(4.3), 5) == pytest.approx((2.8252, 7.9748), abs=0.0002)


def test_one_answer_or_none_has_a_mean_without_interval() -> None:
    low, high = intervals.mean_t([3.0, np.nan], [np.nan, np.nan], [1, 0])
    assert np.isnan(low).all() and np.isnan(high).all()


def test_bootstrap_of_a_mean_agrees_with_resampling_customers_one_by_one() -> None:
    contacts = np.repeat([1, 2, 3, 10], (60, 25, 10, 5))  # 100 customers with so many contacts each
    draws = np.random.default_rng(3).choice(contacts, size=(20_000, 100)).mean(axis=1)
    low, high = intervals.bootstrap_mean([1, 2, 3, 10], [60, 25, 10, 5])
    assert (low, high) == pytest.approx(np.quantile(draws, [0.025, 0.975]), abs=0.05)
    assert low < contacts.mean() < high


def test_bootstrap_of_a_mean_follows_the_confidence() -> None:
    low, high = intervals.bootstrap_mean([1, 2, 9], [30, 30, 30], 0.5)
    wide_low, wide_high = intervals.bootstrap_mean([1, 2, 9], [30, 30, 30], 0.99)
    assert wide_low < low < high < wide_high


def test_bootstrap_of_one_customer_is_unknown_and_of_equal_customers_has_no_width() -> None:
    assert all(map(math.isnan, intervals.bootstrap_mean([4], [1])))
    assert all(map(math.isnan, intervals.bootstrap_mean([], [])))
    assert intervals.bootstrap_mean([4], [9]) == (4.0, 4.0)


def test_two_sided_normal_quantile_of_95_percent_is_1_96() -> None:
    assert intervals.z_of(0.95) == pytest.approx(1.959964, abs=1e-6)  # standard normal table


# Differences and many of them


def test_p_value_of_56_of_70_and_48_of_80_is_that_of_the_pooled_z_test() -> None:
    #: Newcombe (1998), Statistics in Medicine 17: z 2.6502, p .00805
    assert intervals.difference_p(56, 70, 48, 80) == pytest.approx(0.00805, abs=5e-6)
    assert intervals.difference_p(48, 80, 56, 70) == pytest.approx(0.00805, abs=5e-6)


def test_shares_without_variance_do_not_differ_and_a_share_of_nothing_has_no_p_value() -> None:
    assert intervals.difference_p([0, 5], [5, 5], [0, 7], [9, 7]).tolist() == [1, 1]
    assert np.isnan(intervals.difference_p(1, 2, 0, 0))


def test_five_p_values_are_adjusted_as_benjamini_and_hochberg_do() -> None:
    #: statsmodels 0.15.0
    adjusted = intervals.benjamini_hochberg([0.005, 0.01, 0.03, 0.04, 0.2])
    assert adjusted == pytest.approx([0.025, 0.025, 0.05, 0.05, 0.2])


@QUIET
@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_adjusted_p_values_are_those_of_statsmodels_in_any_order(p: list[float]) -> None:
    assert intervals.benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])


def test_unknown_p_values_stay_unknown_and_are_not_counted() -> None:
    assert intervals.benjamini_hochberg([np.nan, 0.04, np.nan])[1] == pytest.approx(0.04)
    assert np.isnan(intervals.benjamini_hochberg([np.nan, 0.04])[0]) and not len(intervals.benjamini_hochberg([]))


# Differences:, 50 30 20 against 30 40 30


@pytest.mark.parametrize(
    ("method", "low", "high", "p"),
    [
        ("wald", 8.44, 51.56, 0.00639),  # 30 ± 1.96 × 11.0
        ("adjusted_wald", 7.91, 50.34, 0.00712),  # 29.13 ± 1.96 × 10.823
        # 100 × 20 / 102 … 51 31 and 21 31 of 102 each: 29.412 ± 1.96 × sqrt(7.7913² + 7.7170²)
        ("bonett_price", 7.91, 50.91, 0.00733),
    ],
)
def test_difference_of_nps_30_and_nps_0(method: intervals.NpsMethod, low: float, high: float, p: float) -> None:
    found = intervals.nps_difference((50, 30, 20), (30, 40, 30), method)
    assert (found[0][0], found[1][0]) == pytest.approx((low, high), abs=0.006)
    assert found[2][0] == pytest.approx(p, abs=0.000006)


def test_bootstrap_of_a_difference_is_near_wald_repeats_itself_and_mirrors() -> None:
    one, other = (50, 30, 20), (30, 40, 30)
    low, high, p = intervals.nps_difference(one, other, "bootstrap")
    assert (low[0], high[0]) == pytest.approx((8.44, 51.56), abs=2)
    assert p[0] == pytest.approx(0.00639, abs=0.006)
    assert [x[0] for x in intervals.nps_difference(one, other, "bootstrap")] == [low[0], high[0], p[0]]
    assert [x[0] for x in intervals.nps_difference(other, one, "bootstrap")] == pytest.approx([-high[0], -low[0], p[0]])
    low, high, p = intervals.nps_difference(one, one, "bootstrap")  # two samples, not one
    assert low[0] == pytest.approx(-high[0]) and high[0] > 15 and p[0] > 0.9


@pytest.mark.parametrize("method", ["wald", "adjusted_wald", "bonett_price", "bootstrap"])
def test_difference_of_nps_keeps_to_its_bounds_and_is_unknown_without_answers(method: intervals.NpsMethod) -> None:
    none = [0, 0, 0]
    low, high, p = intervals.nps_difference(([3, 3, 0], none, none), (none, none, [3, 0, 3]), method, 0.999)
    assert -200 <= low[0] <= high[0] <= 200 and high[0] == 200
    assert np.isnan([low[1], high[1], p[1], low[2], high[2], p[2]]).all()
    if method in ("wald", "bootstrap"):  # no side varies: there is nothing to test by
        assert low[0] == 200 and math.isnan(p[0])


PLANT_GROWTH = {  # R 4.2.2, datasets::PlantGrowth
    "ctrl": (4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14),
    "trt1": (4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69),
}


def welch_of(one: list[float], other: list[float], confidence: float = 0.95) -> tuple[float, float, float]:
    """By the way of the two intervals."""
    sides: list[float] = []
    for values in (one, other):
        mean, n = np.mean(values), len(values)
        _low, high = intervals.mean_t(mean, np.std(values, ddof=1), n, confidence)
        sides += [mean, intervals.error_of_t(mean, high, n, confidence), n]
    low, high, p = intervals.welch(*sides, confidence)
    return float(low), float(high), float(p)


def test_welch_of_plant_growth_is_that_of_r() -> None:
    #: t 1.1913, df 16.524, p .2504, [-.2875, 1.0295]
    low, high, p = welch_of(list(PLANT_GROWTH["ctrl"]), list(PLANT_GROWTH["trt1"]))
    assert (low, high, p) == pytest.approx((-0.2875, 1.0295, 0.2504), abs=0.00006)


samples = st.lists(st.integers(-50, 50), min_size=2, max_size=30).map(lambda v: [x / 4 for x in v])


@QUIET
@given(samples, samples, st.sampled_from([0.8, 0.95, 0.99]))
def test_welch_is_that_of_scipy(one: list[float], other: list[float], confidence: float) -> None:
    low, high, p = welch_of(one, other, confidence)
    if len(set(one)) == len(set(other)) == 1:
        assert np.isnan([low, high, p]).all()
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of scipy, where one side does not vary
        found = stats.ttest_ind(one, other, equal_var=False)
    assert p == pytest.approx(found.pvalue, rel=1e-6, abs=1e-9)
    assert (low, high) == pytest.approx(tuple(found.confidence_interval(confidence)), rel=1e-6, abs=1e-6)


def test_welch_is_unknown_for_one_value() -> None:
    assert np.isnan(intervals.welch(3.0, math.nan, 1, 2.0, 0.5, 10)).all()


def test_mover_adds_half_widths_as_sides_of_a_right_angle() -> None:
    low, high, p = intervals.mover(10, 7, 13, 6, 2, 10)  # 4 ± sqrt(3² + 4²)
    assert (low, high) == pytest.approx((-1, 9))
    assert p == pytest.approx(2 * stats.norm.sf(4 / (5 / stats.norm.ppf(0.975))))
    low, high, p = intervals.mover(10, 7, 18, 6, 2, 18)  # down by 3 and 12, up by 8 and 4
    assert (low, high) == pytest.approx((4 - math.hypot(3, 12), 4 + math.hypot(8, 4)))


def test_mover_of_wilson_intervals_is_newcombe() -> None:
    (low, high), (low_before, high_before) = intervals.wilson(56, 70), intervals.wilson(48, 80)
    found = intervals.mover(56 / 70, low, high, 48 / 80, low_before, high_before)
    assert found[:2] == pytest.approx((0.0524, 0.3339), abs=5e-5)  # Newcombe (1998)


def test_mover_of_intervals_without_width_has_no_p_value() -> None:
    assert [float(x) for x in intervals.mover(1, 1, 1, 1, 1, 1)] == pytest.approx([0, 0, math.nan], nan_ok=True)


def test_intervals_of_nps_differences_hold_what_they_promise() -> None:
    dice = np.random.default_rng(7)
    one, other = (0.5, 0.3, 0.2), (0.3, 0.3, 0.4)
    a, b = (tuple(dice.multinomial(n, p, size=4_000).T) for n, p in ((15, one), (25, other)))
    for method, least, most in (("adjusted_wald", 0.94, 0.965), ("wald", 0.90, 0.949)):
        low, high, p = intervals.nps_difference(a, b, method)  # type: ignore[arg-type]
        assert least <= np.mean((low <= 40) & (high >= 40)) <= most
    low, high, p = intervals.nps_difference(a, tuple(dice.multinomial(25, one, size=4_000).T), "adjusted_wald")
    assert 0.035 <= np.mean(p < 0.05) <= 0.06  # no difference: as often as said


def test_intervals_of_welch_hold_what_they_promise() -> None:
    dice = np.random.default_rng(8)
    a, b = dice.normal(5, 1, (4_000, 8)), dice.normal(4, 3, (4_000, 20))
    errors = (x.std(axis=1, ddof=1) / np.sqrt(x.shape[1]) for x in (a, b))
    low, high, _p = intervals.welch(a.mean(axis=1), next(errors), 8, b.mean(axis=1), next(errors), 20)
    assert 0.94 <= np.mean((low <= 1) & (high >= 1)) <= 0.96
