"""Do 95 of 100 intervals hold the truth? Answers drawn from known populations, many times over, for every usual interval.

The printed table of the long version (pytest -m long -s) is the one in benchmarks/README.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from cx_metrics import intervals

SIZES = (10, 30, 100)
SHORT, LONG = 4_000, 100_000
CHANCE = 20_260_101
ENOUGH, TOO_MUCH = 0.94, 0.97
# promoters, passives, detractors
NPS = (
    (0.5, 0.3, 0.2),
    (0.3, 0.4, 0.3),
    (0.6, 0.3, 0.1),
    (0.2, 0.3, 0.5),
    (0.4, 0.2, 0.4),
    (0.25, 0.5, 0.25),
    (0.45, 0.45, 0.1),
)
SHARES = tuple(np.arange(0.1, 0.91, 0.05))
# answers 1 to 7: even, rising, falling, in the middle, at both ends, few in the middle
SCORES = (
    (1, 1, 1, 1, 1, 1, 1), (1, 1, 2, 3, 4, 5, 4), (4, 5, 4, 3, 2, 1, 1), (1, 2, 4, 6, 4, 2, 1), (4, 2, 1, 1, 1, 2, 4),
    (1, 2, 4, 5, 4, 3, 2),
)  # fmt: skip
Held = Callable[[np.random.Generator, int, int], list[float]]


def of_nps(method: str) -> Held:
    def held(chance: np.random.Generator, n: int, draws: int) -> list[float]:
        found = []
        for classes in NPS:
            drawn = chance.multinomial(n, classes, size=draws)
            low, high = intervals.nps_interval(*drawn.T, method)  # type: ignore[arg-type]
            found.append(inside(low, 100 * (classes[0] - classes[2]), high))
        return found

    return held


def of_share(method: str) -> Held:
    def held(chance: np.random.Generator, n: int, draws: int) -> list[float]:
        bounds = [(p, intervals.SHARE_METHODS[method](chance.binomial(n, p, size=draws), n)) for p in SHARES]
        return [inside(low, p, high) for p, (low, high) in bounds]

    return held


def of_mean(chance: np.random.Generator, n: int, draws: int) -> list[float]:
    found = []
    for shape in SCORES:
        chances, values = np.array(shape) / sum(shape), np.arange(1, 8)
        drawn = values[np.searchsorted(np.cumsum(chances)[:-1], chance.random((draws, n)), side="right")]
        low, high = intervals.mean_t(drawn.mean(axis=1), drawn.std(axis=1, ddof=1), n)
        found.append(inside(low, chances @ values, high))
    return found


def inside(low: np.ndarray, truth: float, high: np.ndarray) -> float:
    return float(((low <= truth + 1e-9) & (truth - 1e-9 <= high)).mean())


USUAL: dict[str, Held] = {
    "NPS adjusted_wald": of_nps("adjusted_wald"), "share wilson": of_share("wilson"), "mean Student t": of_mean,
}  # fmt: skip
OTHERS: dict[str, Held] = {
    "NPS wald": of_nps("wald"), "NPS bonett_price": of_nps("bonett_price"), "share jeffreys": of_share("jeffreys"),
    "share agresti_coull": of_share("agresti_coull"), "share clopper_pearson": of_share("clopper_pearson"),
}  # fmt: skip


def coverage(way: Held, n: int, draws: int) -> list[float]:
    return way(np.random.default_rng(CHANCE + n), n, draws)


def is_kept(found: Sequence[float]) -> bool:
    return ENOUGH <= float(np.mean(found)) <= TOO_MUCH


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("way", USUAL)
def test_the_usual_interval_holds_the_truth_95_times_in_100(way: str, n: int) -> None:
    assert is_kept(coverage(USUAL[way], n, SHORT))


def test_the_test_sees_an_interval_that_promises_too_much_or_gives_too_little() -> None:
    assert not is_kept(coverage(OTHERS["NPS wald"], 10, SHORT))
    assert not is_kept(coverage(OTHERS["share clopper_pearson"], 10, SHORT))


@pytest.mark.long
def test_all_intervals_by_a_hundred_thousand_draws() -> None:
    print("\n| interval | n | mean coverage | lowest | highest |\n|---|---|---|---|---|")
    for way, held in (USUAL | OTHERS).items():
        for n in SIZES:
            found = coverage(held, n, LONG)
            print(f"| {way} | {n} | {np.mean(found):.3f} | {min(found):.3f} | {max(found):.3f} |")
            assert way in OTHERS or is_kept(found)
