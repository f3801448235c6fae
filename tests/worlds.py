"""Worlds in which nothing changed between two periods, or one thing did: customers, their touchpoints and answers, by chance."""

from __future__ import annotations

import math
import random
from datetime import date, datetime, timedelta
from typing import Any

from cx_metrics.engines import Store
from cx_metrics.view import View
from tests.conftest import dataset

FIRST = date(2026, 3, 2)
DAYS = 28  # of a period; two of them
BEFORE = View(first_day=FIRST, last_day=FIRST + timedelta(days=DAYS - 1))
NOW = View(first_day=FIRST + timedelta(days=DAYS), last_day=FIRST + timedelta(days=2 * DAYS - 1))
STEPS = (  # touchpoint, stage, channel, chance that a visit goes on to it
    (("Ad", "awareness", "ads", 0.5), ("Search", "awareness", "web", 0.5)),
    (("Website", "consideration", "web", 0.7), ("Catalogue", "consideration", "store", 0.3)),
    (("Cart", "decision", "web", 0.4), ("Advice", "decision", "store", 0.3)),
    (("Purchase", "action", "web", 0.4),),
)  # fmt: skip
SCALES = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}
Rows = list[dict[str, Any]]


def worlds(count: int, customers: int, seed: int, fall: float = 0.0) -> Store:
    """Many worlds in one dataset, told apart by the attribute `world`.

    Customers differ: each has a mood of their own and comes more or less often, in both periods alike. `fall`: by how much the
    chance of a satisfied answer about the Website falls in the second period; 0: nothing changes.
    """
    chance = random.Random(seed)
    touchpoints: Rows = []
    answers: Rows = []
    people: Rows = []
    for world in range(count):
        for number in range(customers):
            who = f"w{world}c{number}"
            persona = chance.choice(("saver", "family", "planner"))
            people.append({"customer_id": who, "world": str(world), "persona": persona})
            mood, often = chance.betavariate(4, 2), chance.gammavariate(2, 0.8)
            for _visit in range(poisson(chance, often)):
                visit(chance, who, mood, fall, touchpoints, answers)
    stages = tuple(dict.fromkeys(stage for step in STEPS for _name, stage, _channel, _p in step))
    return dataset(touchpoints, answers, people, goal=("Purchase",), stages=stages)


def visit(chance: random.Random, who: str, mood: float, fall: float, touchpoints: Rows, answers: Rows) -> None:
    """One visit: a first contact, how far it leads, and perhaps an answer about one of its touchpoints."""
    at = datetime(FIRST.year, FIRST.month, FIRST.day, 8) + timedelta(
        days=chance.randrange(2 * DAYS), minutes=chance.randrange(600)
    )
    met = []
    for step in STEPS:
        name, stage, channel, leads = chance.choice(step)
        if met and chance.random() > leads:
            break
        met.append((name, stage, channel))
        at += timedelta(minutes=chance.randrange(1, 20))
        touchpoints.append(
            {"customer_id": who, "touchpoint": name, "stage": stage, "channel": channel, "occurred_at": at}
        )
    if chance.random() > 0.9:
        return
    name, stage, channel = chance.choice(met)
    kind = chance.choice(list(SCALES))
    low, high = SCALES[kind]
    better = mood - (fall if name == "Website" and kind == "csat" and at.date() >= NOW.first_day else 0.0)  # type: ignore[operator]
    good = chance.random() < better
    score = chance.randint(high - 1, high) if good else chance.randint(low, high - 2)
    answers.append({
        "customer_id": who, "survey_type": kind, "score": float(score), "scale_low": float(low), "scale_high": float(high),
        "touchpoint": name, "stage": stage, "channel": channel, "answered_at": at + timedelta(minutes=1),
    })  # fmt: skip


def poisson(chance: random.Random, mean: float) -> int:
    """A number of events (Knuth)."""
    least, product, n = math.exp(-mean), chance.random(), 0
    while product > least:
        product *= chance.random()
        n += 1
    return n
