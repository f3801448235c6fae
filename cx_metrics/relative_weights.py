"""How much of the spread of a score goes with each of several drivers? The share of R² that is each one's, by two methods.

Plain numpy. A driver is one column or several (the yes-or-no columns of an attribute with many values): `blocks` says which.
A correlation matrix has the drivers' columns first and the outcome last; all functions take many of them at once, so that a
bootstrap costs little more than one answer. Nothing here says what leads to what.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cx_metrics.intervals import Array, Bounds, z_of

Blocks = Sequence[Sequence[int]]

MOST_LMG = 15  # drivers: each one more doubles the models, and there are 32,768 of them already
ALIKE = 1e-9  # of a column's own spread: what is left beside the others is rounding
RESAMPLES = 1_000
SEED = 0  # fixed and shown, so that a bootstrap gives the same interval twice
BLOCKS = 2_000  # the error of an interval's width is 1 / sqrt(2 x blocks): under 2 %
MOST_UNITS = BLOCKS  # drawn one by one; more of them are dealt into blocks, and these are drawn
AT_ONCE = 100_000  # numbers of one kind in memory: few enough that they stay near


def correlations(moments: Array) -> Array:
    """Correlation matrices from matrices of mean products, whose first row and column are those of the constant 1.

    A column that does not vary has no correlation with any other: 0.
    """
    mean = moments[..., 0, 1:]
    covariance = moments[..., 1:, 1:] - mean[..., :, None] * mean[..., None, :]
    variance = np.diagonal(covariance, axis1=-2, axis2=-1)
    scale = np.diagonal(moments, axis1=-2, axis2=-1)[..., 1:]
    varies = variance > ALIKE**2 * scale
    spread = np.where(varies, np.sqrt(np.where(varies, variance, 1)), np.inf)
    found = np.clip(covariance / spread[..., :, None] / spread[..., None, :], -1, 1)
    places = np.arange(found.shape[-1])
    found[..., places, places] = 1
    return np.asarray(found, dtype=float)


def moments(values: Array, weights: ArrayLike | None = None) -> Array:
    """Mean products of the columns of `values` and the constant 1; rows may weigh more than one answer."""
    w = np.ones(len(values)) if weights is None else np.asarray(weights, dtype=float)
    return mean_products(_with_one(values), w)


def mean_products(z: Array, weights: Array) -> Array:
    """The same of columns that have the constant 1 beside them already, as `beside_one` puts them."""
    found: Array = _times(z, weights).T @ z / weights.sum()
    return found


def r_squared_of_subsets(matrix: Array, blocks: Blocks) -> Array:
    """R² of the outcome on every set of drivers: (…, 2^drivers); the first driver is the highest bit of a set's number.

    Each set is had from the one without its last driver by one sweep, which leaves ever smaller matrices: all sets together
    cost about as much as a few for each. A column that the others of its set determine adds nothing.
    """
    given = np.asarray(matrix, dtype=float)
    order = [*(column for block in blocks for column in block), -1]
    many = given.reshape(-1, *given.shape[-2:])[:, order][:, :, order]
    rest = np.ascontiguousarray(np.moveaxis(many, 0, -1))[:, :, None]  # matrices stand last: long rows are quick
    spread = rest[-1, -1]
    for block in blocks:
        size = len(block)
        taken = rest
        for _column in range(size):
            taken = _swept(taken)
        both = np.stack([rest[size:, size:], taken], axis=3)
        rest = both.reshape(*both.shape[:2], -1, both.shape[-1])
    found: Array = np.clip(1 - rest[0, 0] / spread, 0, 1)
    return found.T.reshape(*given.shape[:-2], -1)


def _swept(rest: Array) -> Array:
    """What is left of the other columns beside the first; all of it where the first is nothing new."""
    pivot = rest[0, 0]
    new = pivot > ALIKE
    beside = rest[1:, 0] * np.where(new, 1 / np.where(new, pivot, 1), 0)
    left: Array = rest[1:, 1:] - beside[:, None] * rest[None, 0, 1:]
    return left


def lmg(matrix: Array, blocks: Blocks) -> Array:
    """The mean over all orders of what a driver adds to R² (Lindeman, Merenda & Gold 1980): Shapley's value. (…, drivers)."""
    count = len(blocks)
    subsets, shares = np.arange(2**count), np.empty((2**count, count))
    size = sum((subsets >> bit) & 1 for bit in range(count))
    orders = np.array([factorial(k) * factorial(count - k - 1) / factorial(count) for k in range(count)])
    for driver in range(count):
        inside = ((subsets >> (count - 1 - driver)) & 1).astype(bool)
        shares[:, driver] = np.where(inside, orders[np.maximum(size, 1) - 1], -orders[np.minimum(size, count - 1)])
    given = np.asarray(matrix, dtype=float)
    many = given.reshape(-1, *given.shape[-2:])
    step = max(1, AT_ONCE // 2 ** (count + 1))
    found = [r_squared_of_subsets(many[at : at + step], blocks) @ shares for at in range(0, len(many), step)]
    return np.maximum(np.concatenate(found).reshape(*given.shape[:-2], count), 0)


def johnson(matrix: Array, blocks: Blocks) -> Array:
    """Relative weights by way of the nearest uncorrelated columns (Johnson 2000; the same as Genizi 1993). (…, drivers).

    Directions without spread, of columns that the others determine, carry nothing. Several columns of one driver are added up.
    """
    given = np.asarray(matrix, dtype=float)
    spread, directions = np.linalg.eigh(given[..., :-1, :-1])
    root = np.sqrt(np.where(spread > ALIKE, spread, 0))
    back = np.where(root > 0, 1 / np.where(root > 0, root, 1), 0)
    with_outcome = given[..., :-1, -1:]
    loadings = (directions * root[..., None, :]) @ directions.swapaxes(-1, -2)
    own = (directions * back[..., None, :]) @ (directions.swapaxes(-1, -2) @ with_outcome)
    columns = (loadings**2 @ own**2)[..., 0]
    return np.stack([columns[..., list(block)].sum(axis=-1) for block in blocks], axis=-1)


def r_squared(matrix: Array) -> Array:
    """R² of the outcome on all drivers together."""
    return np.asarray(r_squared_of_subsets(matrix, [range(matrix.shape[-1] - 1)])[..., -1], dtype=float)


def adjusted_r_squared(explained: ArrayLike, n: ArrayLike, columns: int) -> Array:
    """R² less what as many columns would explain of chance alone (Ezekiel 1930); unknown for too few answers."""
    count = np.asarray(n, dtype=float)
    free = count - columns - 1
    share = (count - 1) / np.where(free > 0, free, 1)
    return np.where(free > 0, 1 - (1 - np.asarray(explained, dtype=float)) * share, np.nan)


def inflation(matrix: Array, blocks: Blocks) -> Array:
    """Variance inflation factor of each driver: 1 where the others say nothing of it, infinite where they determine it.

    Of a driver with several columns the generalised one, by column (Fox & Monette 1992).
    """
    drivers = np.asarray(matrix, dtype=float)[:-1, :-1]
    found = np.full(len(blocks), np.inf)
    for place, block in enumerate(blocks):
        own = list(block)
        others = [column for column in range(len(drivers)) if column not in own]
        left = drivers[np.ix_(own, own)]
        if others:
            across = drivers[np.ix_(own, others)]
            left = (
                left - across @ np.linalg.pinv(drivers[np.ix_(others, others)], rcond=ALIKE, hermitian=True) @ across.T
            )
        alone, beside = np.linalg.det(drivers[np.ix_(own, own)]), np.linalg.det(left)
        if alone > ALIKE and beside > ALIKE * alone:
            found[place] = max(alone / beside, 1.0) ** (1 / len(own))
    return found


def fisher(correlation: ArrayLike, n: ArrayLike, confidence: float = 0.95, ranks: bool = False) -> Bounds:
    """Interval of a correlation by Fisher's z (1921), error 1 / sqrt(n - 3); unknown for three answers or fewer.

    `ranks`: of Spearman's, whose error is larger by sqrt(1 + r² / 2) (Bonett & Wright 2000, Psychometrika 65).
    """
    r, count = np.asarray(correlation, dtype=float), np.asarray(n, dtype=float)
    known = count > 3
    error = np.sqrt((1 + r**2 / 2 if ranks else 1) / np.where(known, count - 3, 1))
    with np.errstate(divide="ignore"):  # 1 and -1 have no width
        z, half = np.arctanh(np.clip(r, -1, 1)), z_of(confidence) * error
        low, high = np.tanh(z - half), np.tanh(z + half)
    return np.where(known, low, np.nan), np.where(known, high, np.nan)


def ranks(values: Array, weights: ArrayLike) -> Array:
    """The place of each value in their order, equal ones in the middle of their places; a row stands for `weights` answers."""
    if len(values) and np.ptp(values) < len(values) and np.array_equal(values, np.floor(values)):
        where = (values - values.min()).astype("int64")  # few whole numbers are counted rather than sorted
    else:
        where = np.unique(values, return_inverse=True)[1]
    counts = np.bincount(where, weights=np.asarray(weights, dtype=float))
    middle: Array = (np.cumsum(counts) - (counts - 1) / 2)[where]
    return middle


def resampled(values: Array, counts: ArrayLike, units: ArrayLike | None = None, resamples: int = RESAMPLES) -> Array:
    """Mean products (see `moments`) of `resamples` draws with replacement, as `sampled` draws them."""
    return sampled(_with_one(values), counts, units, resamples)[1]


def sampled(
    z: Array, counts: ArrayLike, units: ArrayLike | None = None, resamples: int = RESAMPLES
) -> tuple[Array, Array]:
    """Mean products (see `mean_products`) of all answers, and of `resamples` draws with replacement. `counts`: answers that a row
    of `z` stands for.

    `units`: who gave the row's answers, from 0; those who answered several times are drawn whole. Without them each answer is
    drawn by itself. More than MOST_UNITS are dealt at random into BLOCKS blocks, and blocks are drawn (the bag of blocks of a
    mean has the error of the mean itself).
    """
    chance = np.random.default_rng(SEED)
    n, dealt = np.asarray(counts, dtype="int64"), False
    if units is None and len(z) <= MOST_UNITS:
        products, answers, drawn_from = _products(z), np.ones(len(z)), n
    else:
        if units is None:
            z, n = np.repeat(z.T, n, axis=1).T, np.ones(int(n.sum()), dtype="int64")
            who = np.arange(len(z))
        else:
            who = _numbered(np.asarray(units))
        many = int(who.max()) + 1
        if dealt := many > MOST_UNITS:
            who, many = (chance.permutation(many) % BLOCKS)[who], BLOCKS
        products, answers = _sums(z, n, who, many)
        drawn_from = np.ones(many, dtype="int64")
    whole = drawn_from @ products / (drawn_from @ answers)
    draws = _draws_of_blocks(resamples) if dealt else _draws(chance, drawn_from, resamples)
    flat = [drawn @ products / np.maximum(drawn @ answers, 1)[:, None] for drawn in draws]
    return _squares(whole[None], z.shape[1])[0], _squares(np.concatenate(flat), z.shape[1])


def percentile(drawn: Array, estimate: Array, confidence: float) -> Bounds:
    """The middle part of what was drawn, along the first axis, stretched where it would leave out the estimate itself."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail], axis=0)
    return np.minimum(low, estimate), np.maximum(high, estimate)


def side_by_side(columns: Sequence[Array]) -> Array:
    """Columns as one table, each in a stretch of memory of its own: nearly all that is done here goes along columns."""
    found: Array = np.concatenate([column.reshape(len(column), -1).T for column in columns]).T
    return found


def beside_one(columns: Iterable[Array], count: int, weights: Array) -> Array:
    """A 1 and `count` columns, each less its mean: products of large numbers would leave no digits for their spread."""
    found = np.empty((count + 1, len(weights)))
    found[0], total = 1, weights.sum()
    for row, column in zip(found[1:], columns, strict=True):
        np.subtract(column, weights @ column / total, out=row)
    return found.T


def _with_one(values: Array) -> Array:
    return side_by_side([np.ones(len(values)), values])


def _times(z: Array, counts: Any) -> Array:
    """Rows as often as they count."""
    return z if (counts == 1).all() else z * counts[:, None]


def _numbered(units: Any) -> Any:
    """The different numbers of some, each by its place in their order, from 0."""
    low = units.min(initial=0)
    span = int(units.max(initial=0) - low) + 1
    if span > 16 * len(units) + 1_000:
        return np.unique(units, return_inverse=True)[1]
    there = np.zeros(span, dtype=bool)
    there[units - low] = True
    return (np.cumsum(there) - 1)[units - low]


def _pairs(columns: int) -> tuple[Any, Any]:
    rows, others = np.triu_indices(columns)
    return rows, others


def _products(z: Array) -> Array:
    """The products of all pairs of columns, row by row."""
    rows, others = _pairs(z.shape[1])
    found: Array = z[:, rows] * z[:, others]
    return found


def _sums(z: Array, counts: Any, who: Any, many: int) -> tuple[Array, Any]:
    """The products of all pairs of columns, added up by unit, and how many answers each unit gave."""
    rows, others = _pairs(z.shape[1])
    columns, counted = np.ascontiguousarray(z.T), np.ascontiguousarray(_times(z, counts).T)
    pairs = zip(rows, others, strict=True)
    sums = [np.bincount(who, weights=columns[i] * counted[j], minlength=many) for i, j in pairs]
    return np.stack(sums, axis=1), np.bincount(who, weights=counts, minlength=many)


def _draws_of_blocks(resamples: int) -> Iterator[Array]:
    """The same of all blocks, a few draws at a time."""
    held, step = _drawn_blocks(resamples), AT_ONCE // BLOCKS
    return (held[at : at + step].astype(float) for at in range(0, resamples, step))


@lru_cache(maxsize=2)
def _drawn_blocks(resamples: int) -> Any:
    """Blocks are dealt at random, so what is drawn of them may always be the same: it is drawn once."""
    draws = _draws(np.random.default_rng((SEED, BLOCKS)), np.ones(BLOCKS, dtype="int64"), resamples)
    return np.concatenate([drawn.astype("int16") for drawn in draws])


def _draws(chance: np.random.Generator, counts: Any, resamples: int) -> Iterator[Array]:
    """How often each of `counts` is drawn, when as many are drawn with replacement as there are; a few draws at a time."""
    size, alike = len(counts), bool((counts == 1).all())  # each as likely as any other
    step = max(1, AT_ONCE // size)
    for begin in range(0, resamples, step):
        several = min(step, resamples - begin)
        if alike:
            drawn = chance.integers(0, size, (several, size)) + size * np.arange(several)[:, None]
            held = np.bincount(drawn.ravel(), minlength=several * size).reshape(several, size)
        else:
            held = chance.multinomial(int(counts.sum()), counts / counts.sum(), size=several)
        yield held.astype(float)


def _squares(flat: Array, columns: int) -> Array:
    rows, others = _pairs(columns)
    found = np.empty((len(flat), columns, columns))
    found[:, rows, others] = flat
    found[:, others, rows] = flat
    return found
