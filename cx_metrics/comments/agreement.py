"""How well do the classes that were read agree with the labels that people gave? Plain numpy on two lists."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cx_metrics.comments.labels import CLASSES, Labels
from cx_metrics.intervals import wilson


@dataclass(frozen=True)
class Agreement:
    """Of `n` comments: the share read like their label, with its Wilson interval, kappa and macro-F1. NaN where n is 0.

    `kappa` (Cohen 1960) is the agreement beyond what the two would have by chance, 1 at best; NaN where both know one class
    alone. `macro_f1` is the mean of F1 over the classes that the labels have, each class counting alike.
    """

    n: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    kappa: float
    macro_f1: float


def agreement(labels: Labels, read: Labels) -> Agreement:
    """How often, and how far beyond chance, is a comment read like its label?

    >>> found = agreement(np.array(["positive"] * 3 + ["negative"]), np.array(["positive"] * 2 + ["negative"] * 2))
    >>> (found.n, found.accuracy, found.kappa, round(found.macro_f1, 4))
    (4, 0.75, 0.5, 0.7333)
    """
    n = len(labels)
    if n == 0:
        return Agreement(0, *[float("nan")] * 5)
    names = list(CLASSES)
    same = np.array([np.sum((labels == name) & (read == name)) for name in names])
    given = np.array([np.sum(labels == name) for name in names])
    found = np.array([np.sum(read == name) for name in names])
    right = int(same.sum())
    low, high = wilson(right, n)
    chance = float(np.dot(given, found)) / n**2
    there = given > 0
    f1 = 2 * same[there] / (given + found)[there]
    kappa = (right / n - chance) / (1 - chance) if chance < 1 else float("nan")
    return Agreement(n, right / n, float(low), float(high), kappa, float(f1.mean()))
