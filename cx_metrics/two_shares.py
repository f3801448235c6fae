"""Two shares against each other, beyond what `intervals` says of their difference: their ratio, and an exact test.

Every function takes arrays (or numbers): part and whole of the one share, part and whole of the other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cx_metrics.intervals import Array, Bounds, difference_p, ratio, z_of

FEWEST_EXPECTED = 5  # below it in any of the four cells, the normal curve is no good likeness of chance (Cochran 1954)
ALIKE = 1 + 1e-7  # tables are equally likely up to rounding


def ratio_of_shares(part: ArrayLike, whole: ArrayLike, part_other: ArrayLike, whole_other: ArrayLike) -> Array:
    """How many times the other share is the one? (Relative risk.) Unknown where the other is 0, or either is."""
    return ratio(ratio(part, whole), ratio(part_other, whole_other))


def katz(
    part: ArrayLike, whole: ArrayLike, part_other: ArrayLike, whole_other: ArrayLike, confidence: float = 0.95
) -> Bounds:
    """Interval of the ratio of two shares by its logarithm (Katz et al. 1978, Biometrics 34).

    Unknown where either share is 0 or not known, and where both are 1: the formula gives no width there.
    """
    k, n, j, m = (np.asarray(x, dtype=float) for x in (part, whole, part_other, whole_other))
    centre = ratio_of_shares(k, n, j, m)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = 1 / k - 1 / n + 1 / j - 1 / m
        half = z_of(confidence) * np.sqrt(np.where((k > 0) & (j > 0) & (variance > 0), variance, np.nan))
    return centre * np.exp(-half), centre * np.exp(half)


def either_p(part: ArrayLike, whole: ArrayLike, part_other: ArrayLike, whole_other: ArrayLike) -> Array:
    """Two-sided p-value of the difference: the z test with pooled variance, or Fisher's exact test where one of the four counts
    that chance would lead to is below 5. Unknown where either share is."""
    k, n, j, m = (np.atleast_1d(np.asarray(x, dtype=float)) for x in (part, whole, part_other, whole_other))
    p = difference_p(k, n, j, m)
    least = np.minimum(k + j, n + m - k - j) * ratio(np.minimum(n, m), n + m)
    for row in np.flatnonzero((n > 0) & (m > 0) & (least < FEWEST_EXPECTED)):
        p[row] = fisher_p(int(k[row]), int(n[row]), int(j[row]), int(m[row]))
    return p


def fisher_p(part: int, whole: int, part_other: int, whole_other: int) -> float:
    """Two-sided p-value of Fisher's exact test: how likely are tables with these sums that are no likelier than this one?"""
    parts = part + part_other
    fewest, most = max(0, parts - whole_other), min(whole, parts)
    x = np.arange(fewest, most)  # from each table to the next, the likelihood is multiplied by this
    steps = np.log(whole - x) + np.log(parts - x) - np.log(x + 1) - np.log(whole_other - parts + x + 1)
    weights = np.concatenate([[0.0], np.cumsum(steps)])
    likely = np.exp(weights - weights.max())
    return float(min(likely[likely <= likely[part - fewest] * ALIKE].sum() / likely.sum(), 1.0))
