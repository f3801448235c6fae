"""Groups of alike paths: how far apart two paths are, which paths stand for a group, and how surely the groups are found again.

Plain numpy over a few thousand paths. A path with a weight stands for as many journeys. Nothing is drawn at random but the
subsamples of `stability`, whose seed is fixed: the same paths give the same groups, in whatever order they come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from cx_metrics.intervals import Array

Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Path: TypeAlias = tuple[str, ...]

SUBSAMPLES = 20  # METRICS §3.6
PART = 0.8  # of the journeys, in each subsample
SEED = 0  # fixed, so that stability is the same twice
EVEN = 1e-12  # a swap has to gain more than rounding does


def moves_of(path: Path) -> Counter[tuple[str | None, str | None, int]]:
    """The moves of a path, its beginning and its end among them; the second time that it makes a move is a move of its own.

    >>> sorted(moves_of(("A",)), key=str)
    [('A', None, 1), (None, 'A', 1)]
    """
    made: Counter[tuple[str | None, str | None]] = Counter()
    found: Counter[tuple[str | None, str | None, int]] = Counter()
    for move in pairwise((None, *path, None)):
        made[move] += 1
        found[(*move, made[move])] = 1
    return found


def distances(paths: Sequence[Path]) -> Array:
    """How unlike are two paths? One minus the moves that they share, as a part of all moves of the two (Jaccard's distance of
    bags of moves): 0 for the same bag, 1 where they share none."""
    from scipy import sparse

    bags = [moves_of(path) for path in paths]
    place = {move: i for i, move in enumerate(dict.fromkeys(move for bag in bags for move in bag))}
    rows = [i for i, bag in enumerate(bags) for _move in bag]
    columns = [place[move] for bag in bags for move in bag]
    held = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(bags), max(len(place), 1)))
    shared = np.asarray((held @ held.T).todense(), dtype=float)
    sizes = np.diagonal(shared)
    found: Array = 1 - shared / (sizes[:, None] + sizes[None, :] - shared)
    return found


def medoids(apart: Array, weights: Ints, k: int) -> Ints:
    """The `k` paths that all others are nearest to, in sum over weights (partitioning around medoids: build, then swap while it
    gains, the best swap each time). Ties go to the first path."""
    w = weights.astype(float)
    chosen = [int(np.argmin(apart @ w))]
    nearest = apart[chosen[0]].copy()
    while len(chosen) < k:
        gains = np.maximum(nearest[None, :] - apart, 0) @ w
        gains[chosen] = -1
        chosen.append(int(np.argmax(gains)))
        nearest = np.minimum(nearest, apart[chosen[-1]])
    while k > 1:
        place, candidate, gain = _best_swap(apart, w, chosen)
        if gain <= EVEN * max(float(apart[chosen].min(axis=0) @ w), 1):
            break
        chosen[place] = candidate
    return np.array(sorted(chosen), dtype="int64")


def _best_swap(apart: Array, w: Array, chosen: Sequence[int]) -> tuple[int, int, float]:
    """Which chosen path to give up for which other, and what that gains. All swaps at once: who stays with another medoid gains
    what the newcomer is nearer; who loses theirs goes to the newcomer or to the second nearest (Schubert & Rousseeuw 2021)."""
    two = np.partition(apart[chosen], 1, axis=0)
    first, second = two[0], two[1]
    owner = apart[chosen].argmin(axis=0)
    to_first = np.minimum(apart, first[:, None])
    shared = w @ to_first  # the cost if nothing were given up
    lost = np.minimum(apart, second[:, None])
    lost -= to_first
    owned = (owner == np.arange(len(chosen))[:, None]) * w
    costs = shared + owned @ lost
    place, candidate = np.unravel_index(int(np.argmin(costs)), costs.shape)
    return int(place), int(candidate), float(first @ w - costs[place, candidate])


def nearest_of(apart: Array, chosen: Ints) -> Ints:
    """Which of the chosen paths is each nearest to? The first of several."""
    found: Ints = apart[:, chosen].argmin(axis=1).astype("int64")
    return found


def silhouettes(apart: Array, labels: Ints, weights: Ints) -> Array:
    """How much nearer is each path to its own group than to the next one? From −1 to 1 (Rousseeuw 1987); a path that stands for
    one journey alone in its group has 0."""
    inside = np.eye(int(labels.max()) + 1)[labels] * weights[:, None]  # journeys of each path in each group
    sizes, sums = inside.sum(axis=0), apart @ inside
    own = np.arange(len(labels)), labels
    with np.errstate(divide="ignore", invalid="ignore"):
        a = sums[own] / (sizes[labels] - 1)
        means = sums / sizes[None, :]
        means[own] = np.inf
        b = means.min(axis=1)
        found: Array = (b - a) / np.maximum(a, b)
    return np.where((sizes[labels] > 1) & np.isfinite(found), found, 0.0)


def mean_silhouette(apart: Array, labels: Ints, weights: Ints) -> float:
    """The mean over journeys."""
    return float(np.average(silhouettes(apart, labels, weights), weights=weights))


def best_number(apart: Array, weights: Ints, most: int) -> int:
    """Into how many groups do the paths fall best, by the mean silhouette? The fewest of several; 1 where all are alike."""
    highest = min(most, len(apart))
    scores = {
        k: mean_silhouette(apart, nearest_of(apart, medoids(apart, weights, k)), weights) for k in range(2, highest + 1)
    }
    return max(scores, key=lambda k: (scores[k], -k), default=1)


def stability(apart: Array, weights: Ints, labels: Ints, k: int) -> float:
    """Are the same groups found in a part of the journeys? The mean adjusted Rand index of 20 subsamples (Hubert & Arabie 1985):
    1 where always, about 0 where no more than chance."""
    from sklearn.metrics import adjusted_rand_score

    single = np.repeat(np.arange(len(apart)), weights)
    size = max(int(PART * len(single)), min(k, len(single)))
    draw, found = np.random.default_rng(SEED), []
    for _subsample in range(SUBSAMPLES):
        drawn = np.sort(draw.choice(single, size, replace=False))
        held, counts = np.unique(drawn, return_counts=True)
        part = apart[np.ix_(held, held)]
        again = nearest_of(part, medoids(part, counts.astype("int64"), min(k, len(held))))
        found.append(adjusted_rand_score(np.repeat(labels[held], counts), np.repeat(again, counts)))
    return float(np.mean(found))
