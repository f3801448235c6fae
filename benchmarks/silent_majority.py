"""How much of the bias of a score does weighting by who answers take away, and how often is it wrong?

    python -m benchmarks.silent_majority --worlds 1000

Worlds of customers whose whole truth is known: in half of them answering depends on attributes and behaviour that move the score
too, in the others on nothing. The adjusted NPS is compared with that of all customers of the world.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from benchmarks.measuring import Report
from cx_metrics.reweighting import Adjusted, Patterns, adjust

CUSTOMERS = 4_000
ANSWERING = -1.6  # logit of the share who answer where nothing moves it: 17 %
TRIM = 10
Z = 1.96
MOST_OF_NAIVE = 0.5
MOST_FLAGGED = 0.05

World = tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.float64]]


@dataclass(frozen=True)
class Measured:
    """Over many worlds: mean absolute errors in points, how often the adjusted interval holds the truth, how often the difference
    to the plain score is flagged."""

    worlds: int
    refused: int
    naive_error: float
    adjusted_error: float
    coverage: float
    plain_coverage: float
    flagged: float
    seconds: float


def world(seed: int, biased: bool, customers: int = CUSTOMERS) -> World:
    """Traits, who answers, and the code that everybody has in mind: 100, 0 or −100."""
    dice = np.random.default_rng(seed)
    persona, region = dice.integers(0, 4, customers), dice.integers(0, 3, customers)
    contacts = np.minimum(dice.geometric(0.25, customers) - 1, 7)
    converted = dice.random(customers) < special.expit(-1 + 0.2 * contacts)
    trouble = dice.random(customers) < 0.2
    moves = dice.uniform(0.3, 1.0)  # some worlds have little bias, some much
    mood = dice.normal(0, 0.5, 4)[persona] + 0.1 * (contacts - 3) + 0.4 * converted - dice.uniform(0.3, 1.0) * trouble
    pull = dice.choice([-1, 1]) * moves * (mood - mood.mean()) if biased else np.zeros(customers)
    answered = dice.random(customers) < special.expit(ANSWERING + pull)
    felt = np.clip(np.round(7.5 + mood - mood.mean() + dice.normal(0, 1.8, customers)), 0, 10)
    code = np.where(felt >= 9, 100.0, np.where(felt <= 6, -100.0, 0.0))
    return np.stack([persona, region, contacts, converted, trouble], axis=1).astype(np.int64), answered, code


def patterns_of_world(codes: NDArray[np.int64], answered: NDArray[np.bool_], code: NDArray[np.float64]) -> Patterns:
    """The world as it is seen: equal customers are one row, and the silent say nothing."""
    rows = np.column_stack([codes, answered, np.where(answered, code, 0).astype(np.int64)])
    found, count = np.unique(rows, axis=0, return_counts=True)
    return Patterns(found[:, :-2], found[:, -2] == 1, found[:, -1].astype(float), count.astype(float))


def measured(seeds: Iterable[int], biased: bool, customers: int = CUSTOMERS) -> Measured:
    """Adjust the NPS of each world."""
    began, found, refused = time.perf_counter(), [], 0
    for seed in seeds:
        codes, answered, code = world(seed, biased, customers)
        seen: Adjusted = adjust(patterns_of_world(codes, answered, code), TRIM)
        if seen.refusal:
            refused += 1
            continue
        truth = float(code.mean())
        raw, adjusted = abs(seen.raw - truth), abs(seen.adjusted - truth)
        apart = abs(seen.adjusted - seen.raw)
        found.append(
            (raw, adjusted, adjusted <= Z * seen.error, raw <= Z * seen.raw_error, apart > Z * seen.difference_error)
        )
    means = np.mean(np.array(found, dtype=float), axis=0)
    return Measured(len(found), refused, *(float(mean) for mean in means), time.perf_counter() - began)


def main() -> None:
    """Both kinds of world; state the goals."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--worlds", type=int, default=1_000)
    worlds = asked.parse_args().worlds
    report = Report(
        "silent_majority", worlds * CUSTOMERS, "Does weighting by who answers take the bias out of a score?"
    )
    biased, fair = measured(range(worlds), True), measured(range(worlds), False)
    head = [
        "", "worlds", "refused", "error as it stands", "error adjusted", "coverage",
        "coverage as it stands", "flagged", "ms a world",
    ]  # fmt: skip
    rows = [
        [name, m.worlds, m.refused, m.naive_error, m.adjusted_error, m.coverage, m.plain_coverage, m.flagged,
         1_000 * m.seconds / max(m.worlds + m.refused, 1)]
        for name, m in (("answering is biased", biased), ("it is not", fair))
    ]  # fmt: skip
    report.table(f"NPS of {CUSTOMERS:,} customers, mean absolute error in points", head, rows)
    report.goal("error adjusted / error as it stands", biased.adjusted_error / biased.naive_error, MOST_OF_NAIVE)
    report.goal("flagged where there is no bias", fair.flagged, MOST_FLAGGED)
    report.write()


if __name__ == "__main__":
    main()
