"""Tries against a slow second opinion that looks at every chain, under every option alone and together."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cx_metrics.funnel_rules import Funnel
from cx_metrics.instants import NEVER
from cx_metrics.steps import Exclusion, Kind, Step, Where
from cx_metrics.tries import Tries, walk
from tests.second_opinion_funnel import (
    INFINITY,
    Answer,
    Event,
    SlowExclusion,
    SlowFunnel,
    SlowStep,
    answer,
    first_reached,
)

SECOND = 1_000_000


def rows_of(journeys: list[list[Event]], funnel: Funnel) -> pd.DataFrame:
    """What an engine would pick for the walk: rows that serve a step or break a try; for a strict funnel all of them."""
    rows = []
    for journey, events in enumerate(journeys):
        for sequence, event in enumerate(events):
            marks = sum(
                1 << bit for bit, kind in enumerate(funnel.kinds)
                if event.name in kind.touchpoints and all(event.channel in where.values for where in kind.where)
            )  # fmt: skip
            if marks or funnel.order == "strict":
                rows.append((journey, event.at * SECOND, sequence, int(event.in_range), marks))
    columns = ["journey_id", "at", "sequence", "in_range", "marks"]
    frame = pd.DataFrame(rows, columns=columns).astype("int64")
    return frame.sample(frac=1, random_state=1)  # in any order of arrival


def random_funnel(chance: random.Random, **fixed: Any) -> SlowFunnel:
    """Two to four steps with repeats, overlaps, options and windows of their own."""
    order = fixed.get("order") or chance.choice(["ordered", "ordered", "strict", "unordered"])
    free = order == "unordered"
    steps: list[SlowStep] = []
    for j in range(chance.choice([2, 3, 3, 4])):
        if free:
            names = frozenset(chance.choice(["A", "B", "C", "D"]))
        else:
            names = frozenset(chance.sample("ABCD", chance.choice([1, 1, 1, 2, 2, 3])))
        optional = not free and j > 0 and chance.random() < 0.25
        window = chance.choice([1, 2, 3]) if not free and j > 0 and chance.random() < 0.25 else None
        channels = frozenset() if free or chance.random() < 0.85 else frozenset(["x"])
        steps.append(SlowStep(names, channels, optional, window))
    funnel = SlowFunnel(
        tuple(steps), chance.choice([1, 2, 3, 6]), order, chance.random() < 0.3,
        not free and chance.random() < 0.25, not free and chance.random() < 0.25,
    )  # fmt: skip
    needed = funnel.needed
    exclusions = []
    while chance.random() < 0.35 and len(exclusions) < 2:
        after, before = (0, needed[-1]) if free or len(needed) < 2 else sorted(chance.sample(needed, 2))
        if free or len(needed) < 2:
            after, before = 0, needed[-1]
        exclusions.append(SlowExclusion(frozenset(chance.choice("ABCDX")), after, before))
    return replace(funnel, exclude=tuple(exclusions), **{k: v for k, v in fixed.items() if k != "order"})


def asked(slow: SlowFunnel) -> Funnel:
    """The same rules as the product takes them."""

    def own(window: int | None) -> timedelta | None:
        return None if window is None else timedelta(seconds=window)

    steps = tuple(
        Step(
            tuple(sorted(s.names)),
            s.optional,
            own(s.window),
            (Where("channel", tuple(s.channels)),) if s.channels else (),
        )
        for s in slow.steps
    )
    whole = slow.order == "unordered" or len(slow.needed) < 2
    exclude = tuple(
        Exclusion(Kind(tuple(x.names)), *((None, None) if whole else (x.after + 1, x.before + 1))) for x in slow.exclude
    )
    return Funnel(
        steps, timedelta(seconds=slow.window), slow.order,  # type: ignore[arg-type]
        "first_entry" if slow.first_entry else "every_entry", "apart" if slow.apart else "together",
        "end_the_try" if slow.no_repeats else "tolerated", exclude,
    )  # fmt: skip


def random_journey(chance: random.Random) -> list[Event]:
    """A few touchpoints with times from a tiny set, so that equal times are common; some lie outside the range."""
    return [
        Event(chance.choice("ABCDX"), at, chance.choice(["x", "y", None]), at != 0 or chance.random() < 0)
        for at in sorted(chance.randrange(7) for _ in range(chance.randint(1, 6)))
    ]


def answers(tries: Tries) -> dict[int, Answer]:
    at = np.where(tries.at < NEVER, tries.at / SECOND, INFINITY)
    return {int(u): (int(d), tuple(at[:, k])) for k, (u, d) in enumerate(zip(tries.journey, tries.depth, strict=True))}


def compare(seed: int, funnels: int, journeys: int, **fixed: Any) -> None:
    chance = random.Random(seed)
    for _ in range(funnels):
        slow = random_funnel(chance, **fixed)
        people = [random_journey(chance) for _ in range(journeys)]
        funnel = asked(slow)
        tries = walk(rows_of(people, funnel), funnel)
        found = answers(tries)
        expected = {u: a for u, events in enumerate(people) if (a := answer(events, slow)) is not None}
        for u in range(journeys):
            assert found.get(u) == expected.get(u), (seed, slow, people[u])
        first_at = np.where(tries.first_at < NEVER, tries.first_at / SECOND, INFINITY)
        for k, u in enumerate(tries.journey):
            soonest = [first_reached(people[u], slow, j) for j in range(len(slow.steps))]
            assert first_at[:, k].tolist() == soonest, (seed, slow, people[u])


@pytest.mark.parametrize("order", ["ordered", "strict", "unordered"])
def test_every_option_agrees_with_looking_at_every_chain_on_random_journeys(order: str) -> None:
    compare(seed=11, funnels=40, journeys=25, order=order)


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("seed", range(200, 210))
def test_every_option_agrees_with_looking_at_every_chain_on_10000_random_journeys(seed: int) -> None:
    compare(seed, funnels=150, journeys=100)
