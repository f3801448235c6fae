"""The compiled loops give, touchpoint for touchpoint, what the walk that knows all rules makes of the same touchpoints."""

from __future__ import annotations

import random
from dataclasses import fields
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from cx_metrics.funnel_rules import Funnel
from cx_metrics.plain_tries import is_plain
from cx_metrics.sequences import Sequences
from cx_metrics.steps import Exclusion, Kind, Step
from cx_metrics.tries import Tries, walk

NAMES = "ABCDE"
SECOND = 1_000_000


def sequences(chance: random.Random, ties: bool) -> Sequences:
    """Sixty customers of up to twelve touchpoints, in twenty seconds or, so that hardly two share one, in two weeks."""
    seconds = 20 if ties else 14 * 86_400
    rows = [
        (customer, chance.randrange(seconds) * SECOND, NAMES.index(chance.choice(NAMES)))
        for customer in range(1, 61)
        for _touchpoint in range(chance.randrange(1, 12))
    ]
    frame = pd.DataFrame(rows, columns=["who", "at", "number"]).astype({"who": "int32"})
    frame["sequence"] = range(len(frame))
    return Sequences.of(frame, {name: number for number, name in enumerate(NAMES)})


def steps_of(chance: random.Random, apart: bool) -> list[Step]:
    """Steps that share no name, the last one perhaps either-or; where equal times are apart, one may stand twice."""
    names = chance.sample(NAMES, chance.choice([1, 2, 3, 4]))
    left = [name for name in NAMES if name not in names][: chance.choice([0, 1])]
    steps = [Step((name,)) for name in names[:-1]] + [Step((names[-1], *left))]
    return [*steps, chance.choice(steps)] if apart else steps


def same(found: Tries, expected: Tries) -> None:
    for field in fields(Tries):
        if field.name not in ("funnel", "timed", "groups"):
            np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name), field.name)
    pd.testing.assert_frame_equal(found.groups, expected.groups)


@pytest.mark.parametrize("seed", range(80))
def test_they_give_the_tries_of_the_walk_that_knows_all_rules(seed: int) -> None:
    chance = random.Random(seed)
    held, apart = sequences(chance, ties=seed % 4 > 0), seed % 2 == 0
    window = chance.choice([None, timedelta(seconds=5), timedelta(seconds=15), timedelta(days=4)])
    funnel = Funnel(
        tuple(steps_of(chance, apart)), window, entry=chance.choice(["every_entry", "first_entry"]),
        equal_times="apart" if apart else "together",
    )  # fmt: skip
    bounds = chance.choice([(None, None), (5 * SECOND, None), (3 * SECOND, 15 * SECOND), (None, 86_400 * 5 * SECOND)])
    people = None if chance.random() < 0.5 else np.array([chance.random() < 0.6 for _ in range(50)])
    all_inside, timed = chance.random() < 0.3, chance.random() < 0.8
    ends = int(held.at.max())
    found = held.tries(funnel, people, bounds, all_inside, ends, timed)
    assert found is not None
    same(found, walk(held.step_events(funnel, people, bounds, all_inside), funnel, ends, timed=timed))


def test_the_touchpoints_of_steps_are_those_of_customers_who_enter() -> None:
    held = sequences(random.Random(3), ties=True)
    funnel = Funnel((Step(("A",)), Step(("B", "C"))), exclude=(Exclusion(Kind(("D",))),))
    found = held.step_events(funnel, None, (5 * SECOND, 15 * SECOND), False)
    names = np.array(list(NAMES))[held.number]
    inside = (held.at >= 5 * SECOND) & (held.at < 15 * SECOND)
    enter = set(held.who[(names == "A") & inside])
    expected = [n for n in range(len(names)) if held.who[n] in enter and names[n] in "ABCD"]
    assert 0 < len(expected) < len(names)
    assert found["position"].tolist() == expected
    assert found["journey_id"].tolist() == held.who[expected].tolist()
    assert found["in_range"].tolist() == inside[expected].astype(int).tolist()
    assert found["marks"].tolist() == [{"A": 1, "B": 2, "C": 2, "D": 4}[names[n]] for n in expected]


def test_a_funnel_with_any_other_rule_is_left_to_the_walk() -> None:
    a, b = Step(("A",)), Step(("B",))
    assert is_plain(Funnel((a, b), timedelta(days=1), entry="first_entry"))
    assert is_plain(Funnel((a, b, a), equal_times="apart"))
    assert not is_plain(Funnel((a, b, a)))  # one touchpoint cannot be two steps of one instant
    assert not is_plain(Funnel((a, b), order="strict"))
    assert not is_plain(Funnel((a, b), order="unordered"))
    assert not is_plain(Funnel((a, b), repeats="end_the_try"))
    assert not is_plain(Funnel((a, Step(("B",), optional=True), b)))
    assert not is_plain(Funnel((a, Step(("B",), window=timedelta(days=1)))))
    assert not is_plain(Funnel((a, b), exclude=(Exclusion(Kind(("C",))),)))
