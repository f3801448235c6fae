"""Themes as factors: terms that stand together, found by non-negative matrix factorisation, and how far to trust them.

Lee & Seung (1999), Nature 401. A comment is a sum of themes, a theme a sum of terms. Every seed is fixed, so that the same
comments give the same themes.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cx_metrics.comments.terms import Numbers, Values

LEAST_WEIGHT = (
    0.1  # of a comment in a theme, where 1 is a comment that says nothing else; below it the comment has no theme
)
LEAST_SHARE = 0.4  # of all its weights, that its strongest theme must have
SECOND_SHARE = 0.25  # that a second theme must have
ROUNDS = 200  # of the factorisation, which ends earlier where nothing moves any more
CLOSE_ENOUGH = 1e-3  # of the first error: a closer fit takes a third longer, and parts the comments alike
ROUNDS_OF_PLACING = 40
TOGETHER = 100_000  # comments that are placed at once
TERMS_SHOWN = 8
_NO_DIRECTION = 1e-6  # a singular value this much smaller than the first holds nothing


@dataclass(frozen=True)
class Placed:
    """The themes of comments, counted from 1 (0: none), with the share of the strongest and how near the comment is to it."""

    theme: Numbers
    weight: Values
    nearness: Values
    second: Numbers


def factorise(weights: Any, number: int, seed: int) -> Values:
    """The `number` themes of comments (rows of TF-IDF), each a row of term weights of length 1; fewer where comments hold fewer.

    Begins at the singular vectors (Boutsidis & Gallopoulos 2008), not at random numbers: steadier, and the same each time.
    """
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.utils.extmath import randomized_svd

    number = min(number, min(weights.shape) - 1)
    if number < 1:
        return np.zeros((0, weights.shape[1]))
    values = randomized_svd(weights, number, random_state=seed)[1]
    number = int((values > _NO_DIRECTION * values[0]).sum()) if values[0] > 0 else 0
    if number < 1:
        return np.zeros((0, weights.shape[1]))
    model = NMF(number, init="nndsvda", random_state=seed, max_iter=ROUNDS, tol=CLOSE_ENOUGH)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.filterwarnings(
            "ignore", "invalid value", RuntimeWarning
        )  # of a fit without a rest, whose error rounds below 0
        model.fit(weights)
    lengths = np.linalg.norm(model.components_, axis=1, keepdims=True)
    found: Values = model.components_[lengths.ravel() > 0] / lengths[lengths.ravel() > 0]
    return found


def place(weights: Any, themes: Values) -> Placed:
    """Which theme is each comment about? Its strongest, if that is at least LEAST_SHARE of it and at least LEAST_WEIGHT."""
    parts = [
        _placed(weights[start : start + TOGETHER], themes) for start in range(0, max(weights.shape[0], 1), TOGETHER)
    ]
    return Placed(*(np.concatenate([getattr(part, name) for part in parts]) for name in Placed.__dataclass_fields__))


def _placed(weights: Any, themes: Values) -> Placed:
    comments = weights.shape[0]
    if not len(themes) or not comments:
        none = np.zeros(comments, dtype=np.int64)
        return Placed(none, np.zeros(comments), np.zeros(comments), none)
    near = np.asarray(weights @ themes.T)
    held = _held(near, themes)
    rows = np.arange(comments)
    order = np.argsort(-held, axis=1, kind="stable")
    first = order[:, 0]
    shares = held / np.maximum(held.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    there = (held[rows, first] >= LEAST_WEIGHT) & (shares[rows, first] >= LEAST_SHARE)
    second = np.zeros(comments, dtype=np.int64)
    if len(themes) > 1:
        other = order[:, 1]
        also = there & (held[rows, other] >= LEAST_WEIGHT) & (shares[rows, other] >= SECOND_SHARE)
        second = np.where(also, other + 1, 0)
    return Placed(
        np.where(there, first + 1, 0), np.where(there, shares[rows, first], 0.0), np.where(there, near[rows, first], 0.0), second
    )  # fmt: skip


def _held(near: Values, themes: Values) -> Values:
    """How much of each theme each comment holds: non-negative least squares, one theme after the other, until nothing moves."""
    overlaps = themes @ themes.T
    held: Values = np.maximum(near, 0) / overlaps.sum(axis=1)
    for _round in range(ROUNDS_OF_PLACING):
        for j in range(len(themes)):
            held[:, j] = np.maximum(0, held[:, j] + near[:, j] - held @ overlaps[:, j])
    return held


def coherence(themes: Values, counts: Any) -> Values:
    """Do the leading terms of each theme stand in the same comments? Mean NPMI of their pairs, −1 (never) to 1 (only together).

    Bouma (2009), as recommended for topics by Lau, Newman & Baldwin (2014). Pairs are counted in whole comments; a pair that never
    occurs counts −1; a theme of one term has no pair, and no coherence (NaN). Short comments give low values: .1 is usual, below 0
    the terms rather avoid each other.
    """
    there = counts > 0
    comments = there.shape[0]
    found = np.zeros(len(themes))
    for i, theme in enumerate(themes):
        leading = leading_terms(theme)
        held = there[:, leading].astype(float)
        both = np.asarray((held.T @ held).todense()) / comments
        one = np.diag(both)
        upper = np.triu_indices(len(leading), 1)
        p, q = both[upper], np.outer(one, one)[upper]
        never = p <= 0
        known = np.where(never, 0.5, p)
        always = known >= 1
        npmi = np.log(known / np.where(q > 0, q, 1)) / -np.log(np.where(always, 0.5, known))
        found[i] = np.where(never, -1, np.where(always, 1, npmi)).mean() if len(p) else np.nan
    return found


def mean_coherence(coherent: Values) -> float:
    """The mean over the themes that have one; 0 where none has."""
    known = coherent[~np.isnan(coherent)]
    return float(known.mean()) if len(known) else 0.0


def leading_terms(theme: Values) -> Numbers:
    """The terms of most weight, at most TERMS_SHOWN, none of no weight; of equal ones the earlier."""
    order = np.argsort(-theme, kind="stable")[:TERMS_SHOWN]
    return order[theme[order] > 0]


def resampled(weights: Any, theme: Numbers, number: int, seed: int, times: int) -> Iterator[tuple[float, Values]]:
    """Does half of the comments lead to the same themes? `times` times: adjusted Rand index, Jaccard by theme.

    The themes are found anew in the half, and its comments placed in them; both placings of these comments, the new one and
    `theme`, are compared. Adjusted Rand index (Hubert & Arabie 1985): 1 is the same grouping, 0 what chance would give; having no
    theme is a group too. Jaccard index of each theme with the likest new one (Hennig 2007): above .75 a theme is steady, below .5
    it dissolves.
    """
    from sklearn.metrics import adjusted_rand_score

    themes = int(theme.max(initial=0))
    draw = np.random.default_rng(seed)
    for _time in range(times):
        half = np.sort(draw.permutation(weights.shape[0])[: weights.shape[0] // 2])
        before, again = theme[half], place(weights[half], factorise(weights[half], number, seed)).theme
        table = np.zeros((themes + 1, max(int(again.max(initial=0)) + 1, 2)))
        np.add.at(table, (before, again), 1)
        either = table.sum(axis=1, keepdims=True) + table.sum(axis=0, keepdims=True) - table
        likeness = (table / np.maximum(either, 1))[1:, 1:].max(axis=1)
        yield float(adjusted_rand_score(before, again)), likeness
