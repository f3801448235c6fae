"""How a share, a mean or a score gets its interval, by named method. Plain numpy on counts; no interval for n = 0.

Every function takes arrays (or numbers) and gives arrays `low, high`. Confidence is two-sided, .95 unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special

Array = NDArray[np.float64]
Bounds = tuple[Array, Array]
ShareMethod = Literal["wilson", "clopper_pearson", "jeffreys", "agresti_coull"]
NpsMethod = Literal["adjusted_wald", "wald", "bonett_price", "bootstrap"]

# Answers added to all of them, and of these to promoters and to detractors.
NPS_ADDED: dict[str, tuple[float, float]] = {
    "wald": (0.0, 0.0),
    "adjusted_wald": (3.0, 0.75),
    "bonett_price": (2.0, 1.0),
}
FALSE_DISCOVERIES = 0.10  # of all that is flagged, at most this share by chance
RESAMPLES = 2_000  # fewer would let the ends of an interval wander
SEED = 20_260_101  # fixed and shown, so that a bootstrap gives the same interval twice


def z_of(confidence: float) -> float:
    """Two-sided normal quantile: .95 gives 1.96."""
    return float(special.ndtri(0.5 + confidence / 2))


def ratio(part: ArrayLike, whole: ArrayLike) -> Array:
    """part / whole, NaN where the whole is 0: a rate without a denominator is unknown, not 0."""
    top, bottom = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    quotient: Array = np.divide(top, bottom, out=np.full(np.broadcast(top, bottom).shape, np.nan), where=bottom > 0)
    return quotient


def wilson(part: ArrayLike, whole: ArrayLike, confidence: float = 0.95) -> Bounds:
    """Wilson score interval of a share, without continuity correction (Wilson 1927, JASA 22).

    An end that touches 0 or 1 is exactly 0 or 1.
    """
    k, n = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    z2 = z_of(confidence) ** 2
    p = ratio(k, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = np.sqrt(z2) * np.sqrt(p * (1 - p) / n + z2 / (4 * n**2)) / (1 + z2 / n)
    return _ends(centre - half, centre + half, k, n)


def agresti_coull(part: ArrayLike, whole: ArrayLike, confidence: float = 0.95) -> Bounds:
    """Wald interval around the share with z²/2 successes and failures added (Agresti & Coull 1998), clipped to 0..1."""
    k, n = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    z2 = z_of(confidence) ** 2
    p = (k + z2 / 2) / (n + z2)
    half = np.sqrt(z2 * p * (1 - p) / (n + z2))
    empty = n <= 0
    return np.where(empty, np.nan, np.clip(p - half, 0, 1)), np.where(empty, np.nan, np.clip(p + half, 0, 1))


def clopper_pearson(part: ArrayLike, whole: ArrayLike, confidence: float = 0.95) -> Bounds:
    """The "exact" binomial interval (Clopper & Pearson 1934): never too short, often too long."""
    k, n = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    tail = (1 - confidence) / 2
    with np.errstate(invalid="ignore"):
        low = special.betaincinv(np.maximum(k, 1e-12), n - k + 1, tail)
        high = special.betaincinv(k + 1, np.maximum(n - k, 1e-12), 1 - tail)
    return _ends(low, high, k, n)


def jeffreys(part: ArrayLike, whole: ArrayLike, confidence: float = 0.95) -> Bounds:
    """Equal-tailed interval of the Beta(k + ½, n − k + ½) posterior (Brown, Cai & DasGupta 2001)."""
    k, n = np.asarray(part, dtype=float), np.asarray(whole, dtype=float)
    tail = (1 - confidence) / 2
    low, high = special.betaincinv(k + 0.5, n - k + 0.5, tail), special.betaincinv(k + 0.5, n - k + 0.5, 1 - tail)
    return _ends(low, high, k, n)


SHARE_METHODS: dict[str, Callable[..., Bounds]] = {
    "wilson": wilson,
    "clopper_pearson": clopper_pearson,
    "jeffreys": jeffreys,
    "agresti_coull": agresti_coull,
}


def nps_error(promoters: ArrayLike, detractors: ArrayLike, n: ArrayLike) -> Array:
    """Standard error of the NPS in points: variance p + d − (p − d)² of answers coded +1, 0, −1, over n."""
    p, d = ratio(promoters, n), ratio(detractors, n)
    whole = np.asarray(n, dtype=float)
    return 100 * np.sqrt(np.maximum(ratio(p + d - (p - d) ** 2, whole), 0))


def nps_interval(
    promoters: ArrayLike, passives: ArrayLike, detractors: ArrayLike, method: NpsMethod, confidence: float = 0.95
) -> Bounds:
    """Interval of the NPS in points, clipped to −100..100.

    `adjusted_wald` adds 3 answers, ¾ to either side (Rocks 2016); `bonett_price` adds 2, one to either side (2012);
    `wald` adds none and has no width when all answers are of one class; `bootstrap` is the percentile interval.
    """
    p, s, d = (np.atleast_1d(np.asarray(x, dtype=float)) for x in (promoters, passives, detractors))
    n = p + s + d
    if method == "bootstrap":
        return _nps_bootstrap(p, s, d, confidence)
    centre, error = _nps_adjusted(p, d, n, method)
    half = z_of(confidence) * error
    empty = n <= 0
    return (
        np.where(empty, np.nan, np.clip(centre - half, -100, 100)),
        np.where(empty, np.nan, np.clip(centre + half, -100, 100)),
    )


def _nps_adjusted(p: Array, d: Array, n: Array, method: NpsMethod) -> Bounds:
    """The score that the interval of `method` stands around, and its standard error."""
    more, each = NPS_ADDED[method]
    return 100 * ratio(p - d, n + more), nps_error(p + each, d + each, n + more)


def _nps_bootstrap(p: Array, s: Array, d: Array, confidence: float) -> Bounds:
    """Percentile bootstrap: answers drawn with replacement are a multinomial draw of the three classes."""
    low, high = np.full(p.shape, np.nan), np.full(p.shape, np.nan)
    tail = (1 - confidence) / 2
    for i, counts in enumerate(np.stack([p, s, d], axis=1)):
        n = int(counts.sum())
        if n:
            draws = np.random.default_rng(SEED).multinomial(n, counts / n, size=RESAMPLES)
            low[i], high[i] = np.quantile(100 * (draws[:, 0] - draws[:, 2]) / n, [tail, 1 - tail])
    return low, high


def linearised_error(n: ArrayLike, weights: ArrayLike, squares: ArrayLike, products: ArrayLike, values: ArrayLike,
                     mean: ArrayLike) -> Array:  # fmt: skip
    """Standard error of a weighted mean by linearisation (Taylor), answers drawn one by one, as R's survey package has it:
    n / (n - 1) x sum w² (x - mean)² / (sum w)².

    From sums over the answers: n, w, w², w² x and w² x². Unknown for fewer than two answers.
    """
    count, w, w2, w2x, w2xx, m = (np.asarray(v, dtype=float) for v in (n, weights, squares, products, values, mean))
    known = (count > 1) & (w > 0)
    spread = np.maximum(w2xx - 2 * m * w2x + m**2 * w2, 0) / np.where(known, w, 1) ** 2
    return np.where(known, np.sqrt(spread * count / np.where(known, count - 1, 1)), np.nan)


def kish(weights: ArrayLike, squares: ArrayLike) -> Array:
    """How many answers of equal weight would say as much (Kish 1965): (sum w)² / sum w²; unknown without answers."""
    return ratio(np.asarray(weights, dtype=float) ** 2, squares)


def mean_t(mean: ArrayLike, deviation: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> Bounds:
    """Student's t interval of a mean from the sample standard deviation; unknown for fewer than two values."""
    count = np.asarray(n, dtype=float)
    known = count > 1
    quantile = special.stdtrit(np.where(known, count - 1, 1), 0.5 + confidence / 2)
    half = quantile * np.asarray(deviation, dtype=float) / np.sqrt(np.where(known, count, 1))
    centre = np.asarray(mean, dtype=float)
    return np.where(known, centre - half, np.nan), np.where(known, centre + half, np.nan)


def bootstrap_mean(values: ArrayLike, counts: ArrayLike, confidence: float = 0.95) -> tuple[float, float]:
    """Percentile bootstrap of a mean by customer, from a histogram: `counts[i]` customers have `values[i]`.

    Drawing customers with replacement is drawing a multinomial of the histogram, so 10 million customers cost no more
    than ten. Unknown for fewer than two customers.
    """
    v, c = np.asarray(values, dtype=float), np.asarray(counts, dtype=float)
    n = int(c.sum())
    if n < 2:
        return float("nan"), float("nan")
    draws = np.random.default_rng(SEED).multinomial(n, c / c.sum(), size=RESAMPLES)
    tail = (1 - confidence) / 2
    low, high = np.quantile(draws @ v / n, [tail, 1 - tail])
    return float(low), float(high)


def newcombe(
    part: ArrayLike, whole: ArrayLike, part_before: ArrayLike, whole_before: ArrayLike, confidence: float = 0.95
) -> Bounds:
    """Interval of the difference of two independent shares, now minus before (Newcombe 1998, hybrid score, method 10)."""
    p, q = ratio(part, whole), ratio(part_before, whole_before)
    p_low, p_high = wilson(part, whole, confidence)
    q_low, q_high = wilson(part_before, whole_before, confidence)
    return (
        p - q - np.sqrt((p - p_low) ** 2 + (q_high - q) ** 2),
        p - q + np.sqrt((p_high - p) ** 2 + (q - q_low) ** 2),
    )


def difference_p(part: ArrayLike, whole: ArrayLike, part_before: ArrayLike, whole_before: ArrayLike) -> Array:
    """Two-sided p-value of the difference of two independent shares: z test with the pooled variance, which is Pearson's
    chi-square without correction. Two shares that are both 0 or both 1 do not differ: 1."""
    k, n, j, m = (np.asarray(x, dtype=float) for x in (part, whole, part_before, whole_before))
    pooled, gap = ratio(k + j, n + m), ratio(k, n) - ratio(j, m)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.abs(gap) / np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    p: Array = np.where(np.isnan(gap), np.nan, np.where(gap == 0, 1.0, 2 * special.ndtr(-z)))
    return p


def nps_difference(
    classes: tuple[ArrayLike, ArrayLike, ArrayLike], classes_before: tuple[ArrayLike, ArrayLike, ArrayLike],
    method: NpsMethod, confidence: float = 0.95,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Interval of the difference of two independent NPS in points, now minus before, clipped to −200..200, and its p-value.

    `classes`: promoters, passives, detractors. The interval stands around the difference of the scores as `method` adjusts them
    (see `nps_interval`), with the error sqrt(SE² + SE²), and so does the z test (Rocks 2016; Bonett & Price 2012).
    `bootstrap`: percentile interval; the p-value is twice the part of the drawn differences on the far side of 0 (Davison &
    Hinkley 1997, 4.4). Where neither side varies at all there is no p-value.
    """
    (p, s, d), (q, t, e) = (
        tuple(np.atleast_1d(np.asarray(x, dtype=float)) for x in side) for side in (classes, classes_before)
    )
    n, m = p + s + d, q + t + e
    if method == "bootstrap":
        return _nps_difference_bootstrap(np.stack([p, s, d], axis=1), np.stack([q, t, e], axis=1), confidence)
    (now, error), (before, error_before) = _nps_adjusted(p, d, n, method), _nps_adjusted(q, e, m, method)
    empty = (n <= 0) | (m <= 0)
    gap = np.where(empty, np.nan, now - before)
    error = np.hypot(error, error_before)
    half = z_of(confidence) * error
    return np.clip(gap - half, -200, 200), np.clip(gap + half, -200, 200), _normal_p(gap, error)


def _nps_difference_bootstrap(classes: Array, before: Array, confidence: float) -> tuple[Array, Array, Array]:
    """Both sides drawn anew, each with either of two seeds, so that exchanged sides give the mirrored interval."""
    low, high, p = (np.full(len(classes), np.nan) for _ in range(3))
    tail = (1 - confidence) / 2
    for i, (one, other) in enumerate(zip(classes, before, strict=True)):
        if one.sum() and other.sum():
            scores = [[_drawn_nps(counts, seed) for seed in (SEED, SEED + 1)] for counts in (one, other)]
            drawn = np.concatenate([scores[0][0] - scores[1][1], scores[0][1] - scores[1][0]])
            low[i], high[i] = np.quantile(drawn, [tail, 1 - tail])
            beyond = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
            p[i] = min(2 * (beyond + 1) / (len(drawn) + 1), 1) if np.ptp(drawn) > 0 else np.nan
    return low, high, p


def _drawn_nps(counts: Array, seed: int) -> Array:
    n = int(counts.sum())
    draws = np.random.default_rng(seed).multinomial(n, counts / n, size=RESAMPLES)
    scores: Array = 100 * (draws[:, 0] - draws[:, 2]) / n
    return scores


def error_of_t(mean: ArrayLike, high: ArrayLike, n: ArrayLike, confidence: float = 0.95) -> Array:
    """The standard error of a mean from the upper end of its Student t interval."""
    centre, upper, count = (np.asarray(x, dtype=float) for x in (mean, high, n))
    quantile = special.stdtrit(np.where(count > 1, count - 1, 1), 0.5 + confidence / 2)
    error = np.where(count > 1, (upper - centre) / quantile, np.nan)
    traces = np.abs(error) <= 1e-12 * np.abs(centre)  # of rounding, where all values are the same
    return np.where(traces, 0, error)


def welch(
    mean: ArrayLike, error: ArrayLike, n: ArrayLike,
    mean_before: ArrayLike, error_before: ArrayLike, n_before: ArrayLike, confidence: float = 0.95,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Interval of the difference of two independent means, now minus before, from their standard errors; and its p-value.

    Unequal variances, degrees of freedom by Satterthwaite (Welch 1947, Biometrika 34). Unknown for fewer than two values on a
    side, and where neither side varies.
    """
    x, s, n, y, t, m = (np.asarray(v, dtype=float) for v in (mean, error, n, mean_before, error_before, n_before))
    total = s**2 + t**2
    known = (n > 1) & (m > 1) & (total > 0)
    squares = s**4 / np.where(known, n - 1, 1) + t**4 / np.where(known, m - 1, 1)
    free = np.where(known, total**2 / np.where(known, squares, 1), 1)
    gap, whole = np.where(known, x - y, np.nan), np.sqrt(np.where(known, total, 1))
    half = special.stdtrit(free, 0.5 + confidence / 2) * whole
    return gap - half, gap + half, 2 * special.stdtr(free, -np.abs(gap) / whole)


def mover(
    value: ArrayLike, low: ArrayLike, high: ArrayLike,
    value_before: ArrayLike, low_before: ArrayLike, high_before: ArrayLike, confidence: float = 0.95,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Interval of the difference of two independent numbers, now minus before, from the interval of each; and its p-value.

    The method of variance estimates recovery (Zou & Donner 2008, Statistics in Medicine 27). The p-value is a normal
    approximation with the error that the width of the interval speaks of; an interval without width has none.
    """
    x, below, above = (np.asarray(each, dtype=float) for each in (value, low, high))
    y, below_before, above_before = (np.asarray(each, dtype=float) for each in (value_before, low_before, high_before))
    lower = x - y - np.hypot(x - below, above_before - y)
    upper = x - y + np.hypot(above - x, y - below_before)
    return lower, upper, _normal_p(x - y, (upper - lower) / (2 * z_of(confidence)))


def _normal_p(gap: Array, error: Array) -> Array:
    """Two-sided p-value of a difference by its standard error; none where the error is 0."""
    known = error > 0
    p: Array = np.where(known, 2 * special.ndtr(-np.abs(gap) / np.where(known, error, 1)), np.nan)
    return p


def benjamini_hochberg(p: ArrayLike) -> Array:
    """p-values adjusted for looking at all of them (Benjamini & Hochberg 1995): those up to q have a false discovery rate of q.

    Unknown ones stay unknown and are not counted.
    """
    given = np.atleast_1d(np.asarray(p, dtype=float))
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    stepped = given[order] * len(order) / np.arange(1, len(order) + 1)
    adjusted = given.copy()
    adjusted[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1)
    return adjusted


def add_share(
    frame: pd.DataFrame, name: str, part: str, whole: str, confidence: float, method: ShareMethod = "wilson"
) -> pd.DataFrame:
    """Add `name`, `name_low`, `name_high`: the share of column `part` in column `whole`."""
    low, high = SHARE_METHODS[method](frame[part], frame[whole], confidence)
    return frame.assign(**{name: ratio(frame[part], frame[whole]), f"{name}_low": low, f"{name}_high": high})


def _ends(low: Array, high: Array, k: Array, n: Array) -> Bounds:
    empty = n <= 0
    low = np.where(empty, np.nan, np.where(k <= 0, 0.0, np.clip(low, 0, 1)))
    high = np.where(empty, np.nan, np.where(k >= n, 1.0, np.clip(high, 0, 1)))
    return low, high
