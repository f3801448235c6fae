"""What the silent would have said, if they felt like those who answered and are otherwise like them. Plain numpy on counts.

Rows are patterns: all customers with the same known traits, the same answer or none, and how many they are. Answers get the
weight 1 / (chance of answering), from a logistic regression on the traits; weights are trimmed and then calibrated, so that the
weighted answers have each trait as often as all customers do. The error is that of the estimate with its weights estimated:
each customer's influence is what a linear regression on the traits says, plus the weighted residual of an answer (Robins, Rotnitzky
& Zhao 1994; Deville & Särndal 1992), so that the difference to the plain score is tested with what the two have in common.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

LEAST_ANSWERS = 100
LEAST_OF_A_CLASS = 30  # answered, silent
LEAST_EFFECTIVE = 30.0
LEAST_IN_LEVEL = 30  # customers with a value that is looked at by itself
LEAST_OF_LEVEL = 5  # of these answered, and as many silent: else nobody can stand for the others
PER_TERM = 10  # answers, and silent customers, for each term of the regression
STEPS = 60
STEEPEST = 15.0  # a logit beyond which answering is as good as certain, or never happens
SHARP = 1e-9
AT_ONCE = 65_536  # rows whose terms are held at a time
REFUSALS = ("few_answers", "few_silent", "nothing_known", "separable", "few_effective")


@dataclass(frozen=True)
class Patterns:
    """Customers by what is known of them. `codes`: a column per trait, values as numbers from 0. `score`: of those who answered."""

    codes: Codes
    answered: NDArray[np.bool_]
    score: Array
    count: Array


@dataclass(frozen=True)
class Adjusted:
    """The plain score and the adjusted one, with standard errors; `refusal` says why there is none of the latter."""

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
    traits: tuple[int, ...] = ()
    refusal: str = ""


class Terms:
    """Traits as columns of 0 and 1 beside a 1, made a block of rows at a time."""

    def __init__(self, levels: Codes, sizes: list[int]) -> None:
        self.levels = levels
        starts = np.cumsum([1, *(size - 1 for size in sizes)])
        self.starts, self.width = starts[:-1], int(starts[-1])

    def block(self, rows: slice | NDArray[np.int64]) -> Array:
        """The terms of some rows. Level 0 of a trait is what the others are compared with."""
        levels = self.levels[rows]
        found = np.zeros((len(levels), self.width))
        found[:, 0] = 1
        for trait, start in enumerate(self.starts):
            at = np.flatnonzero(levels[:, trait])
            found[at, start + levels[at, trait] - 1] = 1
        return found

    def times(self, vector: Array, rows: NDArray[np.int64] | None = None) -> Array:
        """Each row's terms times a vector."""
        chosen = self.levels if rows is None else self.levels[rows]
        found = np.full(len(chosen), vector[0])
        for trait, start in enumerate(self.starts):
            size = int(self.levels[:, trait].max(initial=0)) if len(self.levels) else 0
            found += np.concatenate([[0.0], vector[start : start + size]])[chosen[:, trait]]
        return found

    def sums(self, by: Array, rows: NDArray[np.int64] | None = None) -> Array:
        """Terms of all rows (or some), each times its number, added up."""
        chosen = self.levels if rows is None else self.levels[rows]
        found = np.zeros(self.width)
        found[0] = by.sum()
        for trait, start in enumerate(self.starts):
            counted = np.bincount(chosen[:, trait], weights=by)
            found[start : start + max(len(counted) - 1, 0)] = counted[1:]
        return found

    def squares(self, by: Array, rows: NDArray[np.int64] | None = None) -> Array:
        """The products of all pairs of terms, each row's times its number, added up."""
        total = np.zeros((self.width, self.width))
        places = np.arange(len(self.levels)) if rows is None else rows
        for begin in range(0, len(places), AT_ONCE):
            block = self.block(places[begin : begin + AT_ONCE])
            total += block.T @ (block * by[begin : begin + AT_ONCE, None])
        return total


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
    terms, traits = chosen_terms(patterns)
    if not traits:
        return _refused(plain, "nothing_known")
    chance = answering(terms, who, n)
    if chance is None:
        return _refused(plain, "separable")
    rows = np.flatnonzero(who)
    counted, score = n[rows], patterns.score[rows]
    weight = 1 / chance[rows]
    most = trim * float((weight * counted).sum() / answers)
    trimmed = int(counted[weight > most].sum())
    calibrated = calibrate(terms, np.minimum(weight, most), rows, n)
    if calibrated is None:
        return _refused(plain, "separable")
    weight = calibrated
    effective = float((weight * counted).sum() ** 2 / (weight**2 * counted).sum())
    if effective < LEAST_EFFECTIVE:
        return _refused(plain, "few_effective")
    value = float((weight * counted * score).sum() / customers)
    error, apart = _errors(patterns, terms, rows, weight, value, plain.raw)
    return Adjusted(
        customers, answers, plain.raw, plain.raw_error, value, error, apart, effective, float(weight.max() / customers), trimmed,
        traits,
    )  # fmt: skip


def _refused(plain: Adjusted, why: str) -> Adjusted:
    return Adjusted(plain.customers, plain.answers, plain.raw, plain.raw_error, refusal=why)


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
    patterns: Patterns, terms: Terms, rows: NDArray[np.int64], weight: Array, value: float, raw: float
) -> tuple[float, float]:
    """Standard errors of the adjusted score and of its difference to the plain one, from each customer's influence on them."""
    n, total = patterns.count, float(patterns.count.sum())
    counted, score = n[rows], patterns.score[rows]
    gram = terms.squares(weight * counted, rows)
    solved = np.linalg.pinv(gram, hermitian=True)
    slope = solved @ terms.sums(weight * counted * score, rows)
    expected = terms.times(slope)
    leverage = np.empty(len(rows))
    for begin in range(0, len(rows), AT_ONCE):
        some = rows[begin : begin + AT_ONCE]
        block = terms.block(some)
        leverage[begin : begin + AT_ONCE] = ((block @ solved) * block).sum(axis=1) * weight[begin : begin + AT_ONCE]
    residual = (score - expected[rows]) / np.sqrt(np.maximum(1 - leverage, 0.05))  # a fit follows its own answers
    influence = expected - value
    influence[rows] += weight * residual
    plain = np.zeros(len(n))
    plain[rows] = total / counted.sum() * (score - raw)
    error = np.sqrt((n * influence**2).sum()) / total
    apart = np.sqrt((n * (influence - plain) ** 2).sum()) / total
    return float(error), float(apart)


def chosen_terms(patterns: Patterns) -> tuple[Terms, tuple[int, ...]]:
    """The traits that go with answering most, as many as the answers bear, and their terms."""
    n, who = patterns.count, patterns.answered
    bears = int(min(n[who].sum(), n[~who].sum())) // PER_TERM
    found = []
    for trait in range(patterns.codes.shape[1]):
        levels, size = pooled(patterns.codes[:, trait], who, n)
        if size > 1:
            found.append((_chance_alone(levels, size, who, n), trait, levels, size))
    chosen: list[tuple[int, Codes, int]] = []
    for _p, trait, levels, size in sorted(found, key=lambda one: one[:2]):
        if size - 1 <= bears:
            bears -= size - 1
            chosen.append((trait, levels, size))
    chosen.sort(key=lambda one: one[0])
    stacked = np.stack([levels for _t, levels, _s in chosen], axis=1) if chosen else np.zeros((len(n), 0), np.int64)
    return Terms(stacked, [size for _t, _l, size in chosen]), tuple(trait for trait, _l, _s in chosen)


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
        step = np.linalg.pinv(terms.squares(n * chance * (1 - chance)), hermitian=True) @ gradient
        slope = slope + step * min(1.0, 4.0 / max(float(np.abs(step).max()), SHARP))
        if np.abs(slope).max() > STEEPEST:
            return None
        if float(np.abs(step).max()) < SHARP * 100:
            return np.asarray(special.expit(terms.times(slope)))
    return None


def calibrate(terms: Terms, weight: Array, rows: NDArray[np.int64], n: Array) -> Array | None:
    """Weights as near as may be to the given ones with which the answers have every trait as often as all customers; none is
    negative (raking, by Newton's steps). None where that cannot be."""
    wanted, counted = terms.sums(n), n[rows]
    weight = weight * float(n.sum() / (weight * counted).sum())
    tilt = np.zeros(terms.width)
    found, gap = weight, wanted - terms.sums(weight * counted, rows)
    for _step in range(STEPS):
        if float(np.abs(gap).max()) <= 1e-7 * float(n.sum()):
            return found
        step = np.linalg.pinv(terms.squares(found * counted, rows), hermitian=True) @ gap
        size = min(1.0, 2.0 / max(float(np.abs(step).max()), SHARP))
        for _half in range(20):
            tried = weight * np.exp(np.clip(terms.times(tilt + size * step, rows), -30, 30))
            left = wanted - terms.sums(tried * counted, rows)
            if float(np.abs(left).max()) < float(np.abs(gap).max()):
                break
            size /= 2
        else:
            return None
        tilt, found, gap = tilt + size * step, tried, left
    return None
