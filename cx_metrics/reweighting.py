"""What the silent would have said, if they felt like those who answered and are otherwise like them. Plain numpy on counts.

Rows are patterns: all customers with the same known traits, the same answer or none, and how many they are. Answers get the
weight 1 / (chance of answering), from a logistic regression on the traits; weights are trimmed and then calibrated, so that the
weighted answers have each trait as often as all customers do. The error is that of the estimate with its weights estimated:
each customer's influence is what a linear regression on the traits says, plus the weighted residual of an answer (Robins, Rotnitzky
& Zhao 1994; Deville & Särndal 1992), so that the difference to the plain score is tested with what the two have in common.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]
Codes = NDArray[np.int64]
Places = NDArray[np.int64]

LEAST_ANSWERS = 100
LEAST_OF_A_CLASS = 30  # answered, silent
LEAST_EFFECTIVE = 30.0
LEAST_IN_LEVEL = 30  # customers with a value that is looked at by itself
LEAST_OF_LEVEL = 5  # of these answered, and as many silent: else nobody can stand for the others
PER_TERM = 10  # answers, and silent customers, for each term of the regression
MOST_TRAITS = 12  # those that go with answering most: the others hardly move the score, and cost time
STEPS = 60
STEEPEST = 15.0  # a logit beyond which answering is as good as certain, or never happens
SHARP = 1e-9
MOST_TOGETHER = 128  # combinations of levels that are counted as one: their square still fits beside the processor
REFUSALS = ("few_answers", "few_silent", "nothing_known", "out_of_reach", "separable", "few_effective")


@dataclass(frozen=True)
class Patterns:
    """Customers by what is known of them. `codes`: a column per trait, values as numbers from 0. `score`: of those who answered."""

    codes: Codes
    answered: NDArray[np.bool_]
    score: Array
    count: Array


@dataclass(frozen=True)
class Adjusted:
    """The plain score and the adjusted one, with standard errors; `refusal` says why there is none of the latter. `beyond`:
    customers that the adjusted score is not about, because nobody like them answered."""

    customers: int
    answers: int
    raw: float = np.nan
    raw_error: float = np.nan
    adjusted: float = np.nan
    error: float = np.nan
    difference_error: float = np.nan
    effective: float = np.nan
    largest: float = np.nan
    trimmed: int = 0
    beyond: int = 0
    traits: tuple[int, ...] = ()
    refusal: str = ""


class Terms:
    """Traits as columns of 0 and 1 beside a 1: level 0 of a trait is what its others are compared with.

    Nothing of that width is held: sums of products of two terms are counts of two levels together. Traits with few levels are
    counted together, as one with a level for each of their combinations (a joint): of two joints one count tells all their pairs.
    """

    def __init__(self, levels: Codes, sizes: Sequence[int]) -> None:
        self.sizes, self.rows = list(sizes), len(levels)
        self.width = 1 + sum(size - 1 for size in sizes)
        self.joints: list[Codes] = []  # each row's combination
        self.shown: list[Array] = []  # the terms of each combination; the first joint has the 1
        start = 1
        for column, size in zip(levels.T, sizes, strict=True):
            own = np.zeros((size, self.width))
            own[np.arange(1, size), np.arange(start, start + size - 1)] = 1
            start += size - 1
            if self.joints and len(self.shown[-1]) * size <= MOST_TOGETHER:
                self.joints[-1] = self.joints[-1] * size + column
                self.shown[-1] = (self.shown[-1][:, None] + own).reshape(-1, self.width)
            else:
                self.joints.append(np.ascontiguousarray(column))
                self.shown.append(own)
        if not self.joints:
            self.joints, self.shown = [np.zeros(self.rows, np.int64)], [np.zeros((1, self.width))]
        self.shown[0][:, 0] = 1

    def of(self, rows: Places) -> Terms:
        """The terms of some rows alone."""
        chosen = copy(self)
        chosen.rows, chosen.joints = len(rows), [joint[rows] for joint in self.joints]
        return chosen

    def times(self, vector: Array) -> Array:
        """Each row's terms times a vector."""
        found = (self.shown[0] @ vector)[self.joints[0]]
        for joint, shown in zip(self.joints[1:], self.shown[1:], strict=True):
            found += (shown @ vector)[joint]
        return found

    def sums(self, by: Array) -> Array:
        """Terms of all rows, each row's times its number, added up."""
        found = np.zeros(self.width)
        for joint, shown in zip(self.joints, self.shown, strict=True):
            found += np.bincount(joint, by, len(shown)) @ shown
        return found

    def squares(self, by: Array) -> Array:
        """The products of all pairs of terms, each row's times its number, added up."""
        total = np.zeros((self.width, self.width))
        for place, (joint, shown) in enumerate(zip(self.joints, self.shown, strict=True)):
            total += shown.T * np.bincount(joint, by, len(shown)) @ shown
            for other, beside in zip(self.joints[:place], self.shown, strict=False):
                size = len(shown), len(beside)
                both = np.bincount(joint * size[1] + other, by, size[0] * size[1]).reshape(size)
                across = shown.T @ both @ beside
                total += across + across.T
        return total

    def lengths(self, solved: Array) -> Array:
        """Each row's terms, times a symmetric matrix, times themselves."""
        found = np.zeros(self.rows)
        for place, (joint, shown) in enumerate(zip(self.joints, self.shown, strict=True)):
            found += ((shown @ solved) * shown).sum(axis=1)[joint]
            for other, beside in zip(self.joints[:place], self.shown, strict=False):
                found += 2 * (shown @ solved @ beside.T)[joint, other]
        return found


def adjust(patterns: Patterns, trim: float) -> Adjusted:
    """The score of all customers, from the answers of some. `trim`: no answer counts more than so many times the average, before
    the weights are calibrated."""
    n, who = patterns.count, patterns.answered
    customers, answers = int(n.sum()), int(n[who].sum())
    plain = _plain(patterns, customers, answers)
    if answers < LEAST_ANSWERS:
        return _refused(plain, "few_answers")
    if customers - answers < LEAST_OF_A_CLASS:
        return _refused(plain, "few_silent")
    reached = within_reach(patterns)
    plain = replace(plain, beyond=int(n[~reached].sum()))
    if not reached.all():
        patterns = Patterns(patterns.codes[reached], who[reached], patterns.score[reached], n[reached])
    if customers - plain.beyond - answers < LEAST_OF_A_CLASS:
        return _refused(plain, "out_of_reach")
    chosen = chosen_traits(patterns)
    if not chosen:
        return _refused(plain, "nothing_known")
    patterns, terms = merged(patterns, chosen)
    return _adjusted(patterns, terms, trim, plain, tuple(trait.place for trait in chosen))


def within_reach(patterns: Patterns) -> NDArray[np.bool_]:
    """Which rows are about customers that somebody who answered can stand for?

    Where nobody of LEAST_IN_LEVEL customers and more with some value of a trait answered (they were never asked, say), no answer
    tells what these feel, whatever its weight: they are left out of the score, and counted.
    """
    n, who, kept = patterns.count, patterns.answered, np.ones(len(patterns.count), dtype=bool)
    while True:
        before, left, heard = int(kept.sum()), n * kept, n * (kept & who)
        for codes in patterns.codes.T:
            held, said = np.bincount(codes, left), np.bincount(codes, heard)
            silent = (held >= LEAST_IN_LEVEL) & (said == 0)
            if silent.any():
                kept &= ~silent[codes]
                left, heard = n * kept, n * (kept & who)
        if int(kept.sum()) == before:
            return kept


def _adjusted(patterns: Patterns, terms: Terms, trim: float, plain: Adjusted, traits: tuple[int, ...]) -> Adjusted:
    """The score by weights, or why there is none."""
    n, customers, answers = patterns.count, plain.customers, plain.answers
    chance = answering(terms, patterns.answered, n)
    if chance is None:
        return _refused(plain, "separable")
    rows = np.flatnonzero(patterns.answered)
    said, counted, score = terms.of(rows), n[rows], patterns.score[rows]
    weight = 1 / chance[rows]
    most = trim * float((weight * counted).sum() / answers)
    trimmed = int(counted[weight > most].sum())
    calibrated = calibrate(said, np.minimum(weight, most), counted, terms.sums(n))
    if calibrated is None:
        return _refused(plain, "separable")
    weight = calibrated
    effective = float((weight * counted).sum() ** 2 / (weight**2 * counted).sum())
    if effective < LEAST_EFFECTIVE:
        return _refused(plain, "few_effective")
    value = float((weight * counted * score).sum() / n.sum())
    error, apart = _errors(patterns, terms, said, weight, value, plain.raw)
    return Adjusted(
        customers, answers, plain.raw, plain.raw_error, value, error, apart, effective, float(weight.max() / n.sum()), trimmed,
        plain.beyond, traits,
    )  # fmt: skip


def _refused(plain: Adjusted, why: str) -> Adjusted:
    return Adjusted(plain.customers, plain.answers, plain.raw, plain.raw_error, beyond=plain.beyond, refusal=why)


def _plain(patterns: Patterns, customers: int, answers: int) -> Adjusted:
    """The mean of the answers as they are."""
    if not answers:
        return Adjusted(customers, answers)
    who = patterns.answered
    score, n = patterns.score[who], patterns.count[who]
    mean = float((score * n).sum() / answers)
    error = float(np.sqrt((n * (score - mean) ** 2).sum() / answers / max(answers - 1, 1)))
    return Adjusted(customers, answers, mean, error if answers > 1 else np.nan)


def _errors(
    patterns: Patterns, terms: Terms, said: Terms, weight: Array, value: float, raw: float
) -> tuple[float, float]:
    """Standard errors of the adjusted score and of its difference to the plain one, from each customer's influence on them."""
    n, total = patterns.count, float(patterns.count.sum())
    rows = np.flatnonzero(patterns.answered)
    counted, score = n[rows], patterns.score[rows]
    solved = inverse(said.squares(weight * counted))
    slope = solved @ said.sums(weight * counted * score)
    leverage = said.lengths(solved) * weight
    influence = terms.times(slope) - value
    residual = score - value - influence[rows]
    influence[rows] += weight * residual / np.sqrt(np.maximum(1 - leverage, 0.05))  # a fit follows its own answers
    plain = np.zeros(len(n))
    plain[rows] = total / counted.sum() * (score - raw)
    error = np.sqrt((n * influence**2).sum()) / total
    apart = np.sqrt((n * (influence - plain) ** 2).sum()) / total
    return float(error), float(apart)


@dataclass(frozen=True)
class Trait:
    """A trait that the weights are made from: its column, each row's level, how many levels there are."""

    place: int
    levels: Codes
    size: int


def chosen_traits(patterns: Patterns) -> list[Trait]:
    """The traits that go with answering most, as many as the answers bear and at most MOST_TRAITS."""
    n, who = patterns.count, patterns.answered
    bears = int(min(n[who].sum(), n[~who].sum())) // PER_TERM
    found = []
    for place in range(patterns.codes.shape[1]):
        levels, size = pooled(patterns.codes[:, place], who, n)
        if size > 1:
            found.append((_chance_alone(levels, size, who, n), Trait(place, levels, size)))
    chosen: list[Trait] = []
    for _p, trait in sorted(found, key=lambda one: (one[0], one[1].place)):
        if trait.size - 1 <= bears and len(chosen) < MOST_TRAITS:
            bears -= trait.size - 1
            chosen.append(trait)
    return sorted(chosen, key=lambda trait: trait.place)


def merged(patterns: Patterns, chosen: Sequence[Trait]) -> tuple[Patterns, Terms]:
    """Rows that are equal in what counts are one row."""
    scores, place_of = np.unique(np.where(patterns.answered, patterns.score, 0.0), return_inverse=True)
    key = place_of * 2 + patterns.answered
    for trait in chosen:
        key = key * trait.size + trait.levels
    _keys, first, which = np.unique(key, return_index=True, return_inverse=True)
    levels = np.stack([trait.levels[first] for trait in chosen], axis=1)
    count: Array = np.bincount(which, patterns.count).astype(np.float64)
    kept = Patterns(levels, patterns.answered[first], scores[place_of[first]], count)
    return kept, Terms(levels, [trait.size for trait in chosen])


def pooled(codes: Codes, who: NDArray[np.bool_], n: Array) -> tuple[Codes, int]:
    """The values of a trait that many have, of whom some answered and some did not; all others are one level, 0, with the most
    frequent value where they are too few themselves. Returns the levels and how many there are."""
    size = int(codes.max(initial=0)) + 1
    held, said = np.bincount(codes, n, size), np.bincount(codes, n * who, size)
    enough = (held >= LEAST_IN_LEVEL) & (said >= LEAST_OF_LEVEL) & (held - said >= LEAST_OF_LEVEL)
    rest = [numbers[~enough].sum() for numbers in (held, said)]
    alone = rest[0] >= LEAST_IN_LEVEL and LEAST_OF_LEVEL <= rest[1] <= rest[0] - LEAST_OF_LEVEL
    if not enough.any():
        return np.zeros(len(codes), np.int64), 1
    if not alone:
        enough[int(np.argmax(np.where(enough, held, -1)))] = False
    level = np.where(enough, np.cumsum(enough), 0)
    return level[codes].astype(np.int64), int(enough.sum()) + 1


def _chance_alone(levels: Codes, size: int, who: NDArray[np.bool_], n: Array) -> float:
    """How often chance alone makes the shares of answers differ as much between the levels (chi-square)."""
    held, said = np.bincount(levels, n, size), np.bincount(levels, n * who, size)
    share = said.sum() / held.sum()
    square = ((said - held * share) ** 2 / (held * share * (1 - share))).sum()
    return float(special.chdtrc(size - 1, square))


def answering(terms: Terms, who: NDArray[np.bool_], n: Array) -> Array | None:
    """Each row's chance of answering, by logistic regression (Newton's steps); None where traits tell for certain who answers."""
    share = float(n[who].sum() / n.sum())
    slope = np.zeros(terms.width)
    slope[0] = np.log(share / (1 - share))
    for _step in range(STEPS):
        chance = special.expit(terms.times(slope))
        gradient = terms.sums(n * (who - chance))
        step = inverse(terms.squares(n * chance * (1 - chance))) @ gradient
        slope = slope + step * min(1.0, 4.0 / max(float(np.abs(step).max()), SHARP))
        if np.abs(slope).max() > STEEPEST:
            return None
        if float(np.abs(step).max()) < SHARP * 100:
            return np.asarray(special.expit(terms.times(slope)))
    return None


def calibrate(said: Terms, weight: Array, counted: Array, wanted: Array) -> Array | None:
    """Weights of answers as near as may be to the given ones with which they have every trait as often as is `wanted`; none is
    negative (raking, by Newton's steps). None where that cannot be."""
    whole = float(wanted[0])
    weight = weight * (whole / float((weight * counted).sum()))
    tilt = np.zeros(said.width)
    found, gap = weight, wanted - said.sums(weight * counted)
    for _step in range(STEPS):
        if float(np.abs(gap).max()) <= 1e-7 * whole:
            return found
        step = inverse(said.squares(found * counted)) @ gap
        size = min(1.0, 2.0 / max(float(np.abs(step).max()), SHARP))
        for _half in range(20):
            tried = weight * np.exp(np.clip(said.times(tilt + size * step), -30, 30))
            left = wanted - said.sums(tried * counted)
            if float(np.abs(left).max()) < float(np.abs(gap).max()):
                break
            size /= 2
        else:
            return None
        tilt, found, gap = tilt + size * step, tried, left
    return None


def inverse(squares: Array) -> Array:
    """The inverse of sums of squares; the one of least length where some terms say the same as others. By spectrum only there: it
    is slow beside other work, since small matrices gain nothing by several threads."""
    own = np.diagonal(squares)
    if (own > 0).all():
        scale = np.sqrt(own)
        whole = squares / scale / scale[:, None]
        try:
            independent = np.diagonal(np.linalg.cholesky(whole)).min() ** 2 > SHARP
        except np.linalg.LinAlgError:
            independent = False
        if independent:
            return np.asarray(np.linalg.inv(whole) / scale / scale[:, None], dtype=np.float64)
    return np.asarray(np.linalg.pinv(squares, hermitian=True), dtype=np.float64)
