"""What a customer does and says, and how it is recorded."""

import random
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

import retailer as shop
from retailer import DAY, HOUR, YEAR_SECONDS


class Customer(NamedTuple):
    """One row of customers.csv."""

    customer_id: str
    persona: str
    segment: str
    region: str
    age_band: str
    language: str


class Touch(NamedTuple):
    """One contact; `moment` counts seconds since the data begin."""

    moment: int
    touchpoint: str
    channel: str
    case_id: str
    value: str


class Answer(NamedTuple):
    """One scored answer; touchpoint and channel are empty for the relationship survey."""

    moment: int
    customer: Customer
    survey_type: str
    score: int
    comment: str
    touchpoint: str
    channel: str


class Journey:
    """What one customer does and says, recorded until the data end."""

    def __init__(self, customer: Customer, chance: random.Random, words: random.Random) -> None:
        self.customer, self.chance, self.words = customer, chance, words
        self.touches: list[Touch] = []
        self.answers: list[Answer] = []
        self.deliveries: list[tuple[int, float]] = []  # when, and the mood it left, 0-1
        self.taken: set[tuple[int, str]] = set()
        self.orders = 0
        self.referred = False  # whether the first contact was a referral

    def add(self, moment: int, touchpoint: str, channel: str, case_id: str = "", value: str = "") -> None:
        """Record a contact, one second later if the same contact stands there already; nothing after the data end."""
        while (moment, touchpoint) in self.taken:
            moment += 1
        if moment < YEAR_SECONDS:
            self.taken.add((moment, touchpoint))
            self.touches.append(Touch(moment, touchpoint, channel, case_id, value))

    def new_case(self) -> str:
        """The next order number of this customer."""
        self.orders += 1
        return f"O{self.customer.customer_id[1:]}-{self.orders}"

    def happens(self, share: float) -> bool:
        """True in `share` of all calls."""
        return self.chance.random() < share

    def later(self, moment: int, shortest: int, longest: int) -> int:
        """A moment that many seconds later, each length equally likely."""
        return moment + self.chance.randint(shortest, longest)

    def on_day(self, day: int, rhythm: str) -> int:
        """A moment of that day, at an hour that fits shop, web or courier."""
        hour = self.chance.choices(range(24), shop.HOUR_WEIGHT[rhythm])[0]
        return day * DAY + hour * HOUR + self.chance.randrange(HOUR)

    def days_later(self, moment: int, days: float, rhythm: str) -> int:
        """Another day, `days` later on average and at least the next; store visits lean to Saturday."""
        day = moment // DAY + 1 + int(self.chance.expovariate(1 / days))
        if rhythm == "store" and self.happens(0.35):
            day += (5 - weekday(day)) % 7
        return self.on_day(day, rhythm)


def pick(chance: random.Random, weights: Mapping[str, float]) -> str:
    """One key, as often as its weight says."""
    return chance.choices(list(weights), list(weights.values()))[0]


def weekday(day: int) -> int:
    """Monday is 0."""
    return (shop.START.weekday() + day) % 7


def seconds_at(day: date) -> int:
    """Midnight of that day, in seconds since the data begin."""
    return (day - shop.START).days * DAY
