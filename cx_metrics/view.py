"""The view: what a page, a link and a command line ask for. Pure values; nothing here touches data.

A link is a view in text; the bar edits a view; a metric receives one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from cx_metrics.heard import Heard

Grain = Literal["journey", "session", "case"]
RangeRule = Literal["touchpoints", "journeys"]
TouchpointRule = Literal["customers", "touchpoints"]
Compare = Literal["none", "previous", "range"]
BelongingRule = Literal["said", "last", "journey", "none"]

GRAINS: tuple[Grain, ...] = ("journey", "session", "case")
RANGE_RULES: tuple[RangeRule, ...] = ("touchpoints", "journeys")
TOUCHPOINT_RULES: tuple[TouchpointRule, ...] = ("customers", "touchpoints")
COMPARES: tuple[Compare, ...] = ("none", "previous", "range")
BELONGING_RULES: tuple[BelongingRule, ...] = ("said", "last", "journey", "none")

TOUCHPOINT_FILTERS = ("channel", "touchpoint_type", "phase", "stage", "touchpoint")
EPOCH = 719_163  # ordinal of 1970-01-01
# Days that no data have: years end before. The range of one view, and that of another one that is asked with it.
STAND_INS = (date(9990, 5, 4), date(9991, 8, 7), date(9993, 5, 4), date(9994, 8, 7))


@dataclass(frozen=True)
class Filter:
    """Rows whose `column` holds one of `values`; an empty value stands for "not known"."""

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Passing:
    """Journeys that pass one node of the flow, or one link of it: `touchpoint` at `step`, then `next_touchpoint`.

    `ends` asks for journeys that stop there. Steps are counted as the flow counts them: equal neighbours merged.
    """

    step: int
    touchpoint: str
    next_touchpoint: str | None = None
    ends: bool = False


@dataclass(frozen=True)
class Tried:
    """Journeys by how far they came through a funnel: those that were lost before its step `step`, or those that reached it.

    `funnel`: its rules by name, in the text form of the options; what is not named is as usual.
    """

    step: int
    lost: bool
    funnel: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Answered:
    """Customers who gave a valid answer from `low` to `high` to a question of that type; `touchpoint`: about this touchpoint."""

    survey_type: str
    low: float
    high: float
    touchpoint: str | None = None


@dataclass(frozen=True)
class Belonging:
    """To which touchpoint, stage and channel does a survey answer belong?

    said: to what the file says. last: to what the file says, else to the last touchpoint before the answer, if it is no longer
    than `within_seconds` before. journey: to each that the customer met at or before the answer. none: to none.
    """

    rule: BelongingRule = "said"
    within_seconds: int | None = None  # of `last` alone


@dataclass(frozen=True)
class Member:
    """Customers inside a segment, or outside: `condition` is its text (`segments.parse`), `name` what people call it."""

    name: str
    condition: str
    inside: bool = True


@dataclass(frozen=True)
class View:
    """One frozen answer to "whom, when and how are we looking at?".

    `first_day` and `last_day` are days of the dataset's time zone; the whole of `last_day` belongs to the range.
    `compare`: with the period before, or with the days from `compare_first` to `compare_last`.
    `answered` and `members` choose customers, journeys whole, as `customers` does.
    `belonging`: where survey answers belong when their scores are asked by touchpoint, stage, channel or type; it chooses nobody.
    `against` and `against_members`: the customers of a second segment, B, to compare with; who is counted (A) does not depend
    on it.
    """

    first_day: date | None = None
    last_day: date | None = None
    compare: Compare = "none"
    compare_first: date | None = None
    compare_last: date | None = None
    range_rule: RangeRule = "touchpoints"
    goal: tuple[str, ...] | None = None
    grain: Grain = "journey"
    customers: tuple[Filter, ...] = ()
    touchpoints: tuple[Filter, ...] = ()
    touchpoint_rule: TouchpointRule = "customers"
    passing: Passing | None = None
    tried: Tried | None = None
    answered: Answered | None = None
    members: tuple[Member, ...] = ()
    against: tuple[Filter, ...] = ()
    against_members: tuple[Member, ...] = ()
    belonging: Belonging = Belonging()

    def values(self, column: str) -> tuple[str, ...]:
        """The values that the view keeps of a filtered column; empty if it keeps all."""
        return next((f.values for f in self.customers + self.touchpoints if f.column == column), ())

    def with_values(self, column: str, values: tuple[str, ...]) -> View:
        """The same view with another filter on `column`; no values takes the filter away."""
        which = "touchpoints" if column in TOUCHPOINT_FILTERS else "customers"
        rest = tuple(f for f in getattr(self, which) if f.column != column)
        kept = (*rest, Filter(column, values)) if values else rest
        ordered = tuple(sorted(kept, key=lambda f: f.column))
        return replace(self, touchpoints=ordered) if which == "touchpoints" else replace(self, customers=ordered)

    def shape(self, after: int = 0) -> tuple[View, dict[str, str]]:
        """The view with a placeholder for every value of a filter, and what they stand for: views of one shape ask the same
        query. `after`: how many placeholders another view has that is asked with it. The empty value ("not known") is part of the
        shape. Of a funnel and of segments it is only part that there are some: whom they choose is found out before, and lent to
        the query."""
        values: dict[str, str] = {}

        def place(value: str) -> str:
            if not value:
                return value
            name = f"\ue000{after + len(values)}\ue001"  # private signs: stand in no name
            values[name] = value
            return name

        def filters(kept: tuple[Filter, ...]) -> tuple[Filter, ...]:
            return tuple(Filter(f.column, tuple(place(v) for v in f.values)) for f in kept)

        tried = self.tried and Tried(1, False, ())
        members = (Member("", ""),) if self.members else ()
        customers, touchpoints = filters(self.customers), filters(self.touchpoints)
        return replace(self, customers=customers, touchpoints=touchpoints, tried=tried, members=members), values

    def at_stand_in(self, zone: str, other: bool = False) -> tuple[View, dict[str, str]]:
        """The same view with its range moved to days that no data have, and what its ends stand for, as instants (microseconds, as
        numbers are written) and as days: views that differ by their range alone ask the same query at other instants.
        `other`: it is asked with another one, and has days of its own."""
        first, last = STAND_INS[2:] if other else STAND_INS[:2]
        moved = replace(self, first_day=self.first_day and first, last_day=self.last_day and last)
        both = zip(moved.bounds(zone), self.bounds(zone), strict=True)
        instants = {str(microseconds(there)): str(microseconds(here)) for there, here in both if there and here}
        return moved, instants | dict(zip(moved.days(), self.days(), strict=True))

    def values_against(self, column: str) -> tuple[str, ...]:
        """The values of a customer column that segment B keeps; empty if it keeps all."""
        return next((f.values for f in self.against if f.column == column), ())

    def with_against(self, column: str, values: tuple[str, ...]) -> View:
        """The same view with another filter of segment B on `column`; no values takes the filter away."""
        rest = tuple(f for f in self.against if f.column != column)
        kept = (*rest, Filter(column, values)) if values else rest
        return replace(self, against=tuple(sorted(kept, key=lambda f: f.column)))

    @property
    def has_other_side(self) -> bool:
        """Whether there is a segment B to compare with."""
        return bool(self.against or self.against_members)

    def with_member(self, member: Member) -> View:
        """The same view with its customers inside that segment, or outside; what it said about the segment before is gone."""
        rest = self.without_member(member.condition).members
        return replace(self, members=tuple(sorted((*rest, member), key=lambda m: m.condition)))

    def without_member(self, condition: str) -> View:
        """The same view whatever that segment says."""
        return replace(self, members=tuple(m for m in self.members if m.condition != condition))

    def alone(self) -> View:
        """The view of segment A, with nothing to compare with: what every metric is asked for."""
        nothing = {"compare": "none", "compare_first": None, "compare_last": None, "against": (), "against_members": ()}
        alone = View(**vars(self) | nothing)
        return self if alone == self else alone

    def other_side(self) -> View:
        """The view of segment B: its customers, and all else as in this view."""
        return replace(self, customers=self.against, members=self.against_members, against=(), against_members=())

    def chooses_people(self) -> bool:
        """Whether it chooses customers by what they did or said, beyond attributes and touchpoint filters."""
        return bool(self.passing or self.tried or self.answered or self.members)

    def bounds(self, zone: str) -> tuple[datetime | None, datetime | None]:
        """The range as half-open UTC instants without zone, `[from, to)`."""
        ends = self.last_day + timedelta(days=1) if self.last_day else None
        return _midnight(self.first_day, zone), _midnight(ends, zone)

    def days(self) -> tuple[str, ...]:
        """The ends of the range that it has, half-open, as days: 2026-03-30."""
        ends = (self.first_day, self.last_day and self.last_day + timedelta(days=1))
        return tuple(day.isoformat() for day in ends if day)

    def previous(self) -> View | None:
        """The view of the range just before, equally long; None if the range has no two ends."""
        if self.first_day is None or self.last_day is None:
            return None
        length = self.last_day - self.first_day + timedelta(days=1)
        return replace(self.alone(), first_day=self.first_day - length, last_day=self.first_day - timedelta(days=1))

    def compared(self) -> View | None:
        """The view of the days that this one is compared with, if it is: the period before, or other days."""
        if self.compare == "previous":
            return self.previous()
        if self.compare == "range" and self.compare_first and self.compare_last:
            return replace(self.alone(), first_day=self.compare_first, last_day=self.compare_last)
        return None


@dataclass(frozen=True)
class Facts:
    """What a dataset knows about itself and a view or a metric needs: order of stages, zone, goal, columns, days per table."""

    stages: tuple[str, ...] = ("awareness", "consideration", "decision", "action", "loyalty")
    zone: str = "UTC"
    goal: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    timed: bool = True
    ranges: dict[str, tuple[date, date]] = field(default_factory=dict)
    heard: Heard | None = None

    @property
    def first_day(self) -> date | None:
        """The first day with a touchpoint or an answer."""
        return min((first for first, _last in self.ranges.values()), default=None)

    @property
    def last_day(self) -> date | None:
        """The last day with a touchpoint or an answer."""
        return max((last for _first, last in self.ranges.values()), default=None)

    def goal_of(self, view: View) -> tuple[str, ...]:
        """The goal of the view, or else of the dataset."""
        return view.goal if view.goal is not None else self.goal

    def days_of(self, view: View, table: str = "touchpoints") -> tuple[date, date] | None:
        """The days of a table that the view covers: those of the data, cut to the range; None if there are none.

        Journeys that start in the range are kept whole, so they reach to the end of the data.
        """
        if table not in self.ranges:
            return None
        first, last = self.ranges[table]
        start = max(first, view.first_day or first)
        end = last if view.range_rule == "journeys" else min(last, view.last_day or last)
        return (start, end) if start <= end else None


def microseconds(at: datetime) -> int:
    """Since 1970, exact; `at` is UTC without zone."""
    return (at - datetime(1970, 1, 1)) // timedelta(microseconds=1)


def _midnight(day: date | None, zone: str) -> datetime | None:
    if day is None:
        return None
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
