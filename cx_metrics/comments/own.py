"""A classifier of the user's own comments: learnt from the scores that customers gave beside them, per language.

TF-IDF of the runs of characters in words (grams.py) and a logistic regression in which each class counts alike: one for each
class against the others, which the dual solver of LIBLINEAR finds ten times as fast as one for all. It is judged on comments
it has not seen: five parts, each read by what was learnt from the other four, with one text in one part only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cx_metrics.comments.grams import Counts, count_runs, rarity, weighted
from cx_metrics.comments.labels import NEGATIVE, NEUTRAL, POSITIVE, UNKNOWN, Labels

LEAST_LABELLED = 200  # texts with a label; below, five parts of them say little
LEAST_OF_A_CLASS = 30  # negative and positive texts each; a neutral class with fewer is not learnt
MOST_LEARNT = 20_000  # more take longer and change little
PARTS = 5
SEED = 20_260_101
TOGETHER = 10_000  # texts whose runs are in memory at once

Chances = NDArray[np.float64]  # one row a text; P(negative), P(neutral), P(positive)
ORDER = (NEGATIVE, NEUTRAL, POSITIVE)


@dataclass(frozen=True)
class Learnt:
    """What was learnt: how telling each run is, and the regression."""

    rare: NDArray[np.float32]
    regression: Any

    def chances(self, texts: Sequence[str]) -> Chances:
        """How likely is each class for each plain text?"""
        parts = [self.of_counts(count_runs(texts[i : i + TOGETHER])) for i in range(0, len(texts), TOGETHER)]
        return np.concatenate(parts) if parts else np.empty((0, len(ORDER)))

    def of_counts(self, counts: Counts) -> Chances:
        """The same, from counted runs."""
        found = np.zeros((counts.shape[0], len(ORDER)))
        places = [ORDER.index(name) for name in self.regression.classes_]
        found[:, places] = self.regression.predict_proba(weighted(counts, self.rare))
        return found


@dataclass(frozen=True)
class Judged:
    """The comments that were learnt from (numbers of rows), the chances each got from the other parts, what all taught."""

    rows: NDArray[np.intp]
    chances: Chances
    learnt: Learnt


def learn(texts: Sequence[str], labels: Labels) -> Judged | None:
    """Learn from the labelled ones of these plain texts of one language, and read each by what the others teach.

    At most MOST_LEARNT are used, drawn by SEED with each label's share kept. None where they are not enough.
    """
    rows = sample(labels, MOST_LEARNT)
    chosen, drawn = [texts[row] for row in rows.tolist()], labels[rows]
    if not enough(chosen, drawn):
        return None
    counts = count_runs(chosen)
    parts = parts_of(chosen, drawn)
    teaching = (drawn != NEUTRAL) | (_distinct(chosen, drawn, NEUTRAL) >= LEAST_OF_A_CLASS)
    chances = np.zeros((rows.size, len(ORDER)))
    for part in range(PARTS):
        learnt = _fit(counts[teaching & (parts != part)], drawn[teaching & (parts != part)])
        chances[parts == part] = learnt.of_counts(counts[parts == part])
    return Judged(rows, chances, _fit(counts[teaching], drawn[teaching]))


def enough(texts: Sequence[str], labels: Labels) -> bool:
    """Do these labelled texts suffice? A text that comes twice counts once: its copy teaches nothing new."""
    least = min(_distinct(texts, labels, NEGATIVE), _distinct(texts, labels, POSITIVE))
    return len(set(texts)) >= LEAST_LABELLED and least >= LEAST_OF_A_CLASS


def _distinct(texts: Sequence[str], labels: Labels, name: str) -> int:
    return len({texts[row] for row in np.flatnonzero(labels == name).tolist()})


def sample(labels: Labels, most: int) -> NDArray[np.intp]:
    """The rows that have a label, in order; where they are more, about `most` of them, each label with its share.

    A label that is rare keeps LEAST_OF_A_CLASS × PARTS rows, if it has as many.
    """
    rows = np.flatnonzero(labels != UNKNOWN)
    if rows.size <= most:
        return rows
    random = np.random.default_rng(SEED)
    drawn = []
    for name in ORDER:
        mine = rows[labels[rows] == name]
        wanted = max(round(mine.size * most / rows.size), LEAST_OF_A_CLASS * PARTS)
        drawn.append(random.permutation(mine)[:wanted])
    return np.sort(np.concatenate(drawn))


def parts_of(texts: Sequence[str], labels: Labels) -> NDArray[np.intp]:
    """The part (0..PARTS-1) of each comment: one text in one part, and each label spread evenly over the parts."""
    codes, distinct = pd.factorize(np.array(texts, dtype=object))
    first = np.unique(codes, return_index=True)[1]  # a text stands where its first label puts it
    order = np.random.default_rng(SEED).permutation(len(distinct))
    order = order[np.argsort(labels[first][order].astype(str), kind="stable")]
    part = np.empty(len(distinct), np.intp)
    part[order] = np.arange(len(distinct)) % PARTS
    return part[codes]


def _fit(counts: Counts, labels: Labels) -> Learnt:
    from sklearn.linear_model import LogisticRegression  # only who reads sentiment waits for it
    from sklearn.multiclass import OneVsRestClassifier

    rare = rarity(counts)
    one = LogisticRegression(class_weight="balanced", solver="liblinear", dual=True, tol=1e-2, random_state=SEED)
    return Learnt(rare, OneVsRestClassifier(one).fit(weighted(counts, rare), labels.astype(str)))
