"""The view: what a page, a link and a command line ask for. Pure values; nothing here touches data.

A link is a view in text; the bar edits a view; a metric receives one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Grain = Literal["journey", "session", "case"]
RangeRule = Literal["touchpoints", "journeys"]
TouchpointRule = Literal["customers", "touchpoints"]
Compare = Literal["none", "previous"]

GRAINS: tuple[Grain, ...] = ("journey", "session", "case")
RANGE_RULES: tuple[RangeRule, ...] = ("touchpoints", "journeys")
TOUCHPOINT_RULES: tuple[TouchpointRule, ...] = ("customers", "touchpoints")
COMPARES: tuple[Compare, ...] = ("none", "previous")

TOUCHPOINT_FILTERS = ("channel", "touchpoint_type", "phase", "stage", "touchpoint")


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
class View:
    """One frozen answer to "whom, when and how are we looking at?".

    `first_day` and `last_day` are days of the dataset's time zone; the whole of `last_day` belongs to the range.
    """

    first_day: date | None = None
    last_day: date | None = None
    compare: Compare = "none"
    range_rule: RangeRule = "touchpoints"
    goal: tuple[str, ...] | None = None
    grain: Grain = "journey"
    customers: tuple[Filter, ...] = ()
    touchpoints: tuple[Filter, ...] = ()
    touchpoint_rule: TouchpointRule = "customers"
    passing: Passing | None = None

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

    def bounds(self, zone: str) -> tuple[datetime | None, datetime | None]:
        """The range as half-open UTC instants without zone, `[from, to)`."""
        ends = self.last_day + timedelta(days=1) if self.last_day else None
        return _midnight(self.first_day, zone), _midnight(ends, zone)

    def previous(self) -> View | None:
        """The view of the range just before, equally long; None if the range has no two ends."""
        if self.first_day is None or self.last_day is None:
            return None
        length = self.last_day - self.first_day + timedelta(days=1)
        return replace(
            self, first_day=self.first_day - length, last_day=self.first_day - timedelta(days=1), compare="none"
        )


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


def _midnight(day: date | None, zone: str) -> datetime | None:
    if day is None:
        return None
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC).replace(tzinfo=None)
