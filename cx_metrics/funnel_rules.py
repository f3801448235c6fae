"""The rules of a funnel, and the touchpoints that they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from functools import cached_property
from itertools import combinations
from typing import Any, Literal

import ibis

from cx_metrics.errors import OptionProblem
from cx_metrics.journeys import within
from cx_metrics.steps import Exclusion, Kind, Step, Where
from cx_metrics.texts import N_

Order = Literal["ordered", "strict", "unordered"]
Entry = Literal["every_entry", "first_entry"]
EqualTimes = Literal["together", "apart"]
Repeats = Literal["tolerated", "end_the_try"]

MOST_LINKED = 5  # either-or steps that overlap: every set of them has to be looked at
MOST_OPTIONAL = 4  # each may be taken or not: what one instant can serve is looked at for each way


@dataclass(frozen=True)
class Funnel:
    """The rules of a funnel. Raises OptionProblem where they do not go together."""

    steps: tuple[Step, ...]
    window: timedelta | None = None
    order: Order = "ordered"
    entry: Entry = "every_entry"
    equal_times: EqualTimes = "together"
    repeats: Repeats = "tolerated"
    exclude: tuple[Exclusion, ...] = ()

    def __post_init__(self) -> None:
        first = self.steps[0]
        if first.optional or first.window is not None:
            raise OptionProblem(N_("The first step opens the funnel: it cannot be optional or have a window of its own; "
                                   "found {step}."), step=str(first))  # fmt: skip
        if (optional := sum(step.optional for step in self.steps)) > MOST_OPTIONAL:
            raise OptionProblem(
                N_("{count} steps are optional; at most {most} may be."), count=optional, most=MOST_OPTIONAL
            )
        for exclusion in self.exclude:
            if exclusion.before is None:
                continue
            if exclusion.before > len(self.steps):
                raise OptionProblem(N_("The exclusion {found} names step {step}, and the funnel has {count} steps."),
                                    found=str(exclusion), step=exclusion.before, count=len(self.steps))  # fmt: skip
            for place in (exclusion.after, exclusion.before):
                if place is not None and self.steps[place - 1].optional:
                    raise OptionProblem(N_("The exclusion {found} names step {step}, which is optional. Name the steps around it."),
                                        found=str(exclusion), step=place)  # fmt: skip
            if self.order == "unordered":
                raise OptionProblem(N_("In any order there is no step before or after: the exclusion {found} can only be for the "
                                       "whole funnel. Leave out what follows the @."), found=str(exclusion))  # fmt: skip
        self.demands(self.every_step)
        if self.order != "unordered":
            return
        if step := next((s for s in self.steps if s.optional or s.window is not None), None):
            raise OptionProblem(N_("Step {step} is optional or has a window of its own; a funnel in any order has neither. "
                                   "Leave out ? and @."), step=str(step))  # fmt: skip
        for one, other in combinations(self.kinds[: self.step_kinds], 2):
            if set(one.touchpoints) & set(other.touchpoints):
                raise OptionProblem(N_("In any order, the steps {one} and {other} may not share touchpoints."),
                                    one=str(one), other=str(other))  # fmt: skip

    @cached_property
    def kinds(self) -> tuple[Kind, ...]:
        """What a touchpoint may be good for, each once: steps, then exclusions. The place is the bit of its mark."""
        of_steps = dict.fromkeys(step.kind for step in self.steps)
        return (*of_steps, *dict.fromkeys(e.kind for e in self.exclude if e.kind not in of_steps))

    @cached_property
    def step_kinds(self) -> int:
        """How many of the kinds are kinds of steps."""
        return len({step.kind for step in self.steps})

    @cached_property
    def bits(self) -> tuple[int, ...]:
        """The mark of each step."""
        return tuple(1 << self.kinds.index(step.kind) for step in self.steps)

    @cached_property
    def needed(self) -> tuple[int, ...]:
        """The places of the steps that are not optional."""
        return tuple(j for j, step in enumerate(self.steps) if not step.optional)

    @cached_property
    def limit(self) -> int | None:
        """The window in microseconds; None without one."""
        return None if self.window is None else microseconds(self.window)

    @cached_property
    def beyond(self) -> tuple[int, ...]:
        """Of each step: the next one after it that is not optional; past the last one, how many steps there are."""
        n = len(self.steps)
        return tuple(next((k for k in self.needed if k > j), n) for j in range(n))

    def own_window(self, j: int) -> int | None:
        """The step's own window in microseconds; None without one."""
        window = self.steps[j].window
        return None if window is None else microseconds(window)

    @cached_property
    def every_step(self) -> int:
        """All steps as a set: one bit each."""
        return (1 << len(self.steps)) - 1

    def before(self, j: int) -> list[int]:
        """The steps that may be taken directly before step j: back to the last one that is not optional."""
        found: list[int] = []
        for a in range(j - 1, -1, -1):
            found.append(a)
            if not self.steps[a].optional:
                break
        return found

    def after(self, j: int) -> list[int]:
        """The steps that may be taken directly after step j: up to the first one that is not optional."""
        return [b for b in range(j + 1, len(self.steps)) if j in self.before(b)]

    def barred(self, a: int, b: int) -> int:
        """The marks of what is excluded between the steps a and b."""
        last, found = self.needed[-1], 0
        for exclusion in self.exclude:
            start, end = (exclusion.after or 1) - 1, last if exclusion.before is None else exclusion.before - 1
            if a < end and b > start:
                found |= 1 << self.kinds.index(exclusion.kind)
        return found

    def demands(self, chosen: int) -> dict[int, int]:
        """How many touchpoints of one instant do these steps need to be taken at that instant? Marks → how many with any of them.

        Hall's condition: for every set of steps, as many touchpoints that serve one of them as there are steps in the set.
        Only sets of kinds that share names, one with the next, can add to what the single kinds ask.
        """
        kinds = [self.steps[j].kind for j in range(len(self.steps)) if chosen >> j & 1]
        linked: list[list[Kind]] = []
        for kind in dict.fromkeys(kinds):
            touching = [group for group in linked if any(set(kind.touchpoints) & set(k.touchpoints) for k in group)]
            linked = [group for group in linked if group not in touching] + [[kind, *(k for g in touching for k in g)]]
        needed: dict[int, int] = {}
        for group in linked:
            if len(group) > MOST_LINKED:
                raise OptionProblem(
                    N_("{count} either-or steps share touchpoints with each other; at most {most} may. Name each in fewer steps."),
                    count=len(group), most=MOST_LINKED,
                )  # fmt: skip
            for size in range(1, len(group) + 1):
                for some in combinations(group, size):
                    marks = sum(1 << self.kinds.index(kind) for kind in some)
                    needed[marks] = max(needed.get(marks, 0), sum(kinds.count(kind) for kind in some))
        return needed


def step_events(touchpoints: ibis.Table, by: Sequence[str], funnel: Funnel) -> ibis.Table:
    """The touchpoints that serve a step or break a try; for a strict funnel, all those of the journeys that could enter.

    One row each: journey_id, `at` (microseconds; the order of the file where there is no time), in_range, `marks` (which kinds
    it is: one bit each), and with `by` its columns and sequence: only they ask which of two touchpoints of one instant it was.
    """
    t, names = touchpoints, sorted({name for kind in funnel.kinds for name in kind.touchpoints})
    more = ["sequence", *by] if by else []
    if funnel.order == "strict":
        entering = t.filter(serving(t, funnel.steps[0].kind) & (t.in_range == 1)).select("journey_id").distinct()
        t = t.semi_join(entering, "journey_id")
    else:
        t = t.filter(t.touchpoint.isin(names))
    return t.select(
        "journey_id", *more, in_range=t.in_range.cast("int8"), marks=_marks(t, funnel),
        at=instant(t),
    )  # fmt: skip


def instant(t: ibis.Table) -> ibis.Value:
    """When a touchpoint was, in microseconds; the order of the file where there is no time."""
    return ibis.coalesce(t.occurred_microseconds, t.sequence)


def with_next(t: ibis.Table) -> ibis.Table:
    """The touchpoints with next_touchpoint and seconds_to_next of the journeys that a view makes."""
    each = within()
    t = t.mutate(
        next_touchpoint=t.touchpoint.lead().over(each).nullif(""),
        next_microseconds=t.occurred_microseconds.lead().over(each),
    )
    return t.mutate(seconds_to_next=(t.next_microseconds - t.occurred_microseconds).cast("float64") / 1e6)


def shape(rules: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The rules with a placeholder for every name and value in the steps and exclusions, and what these stand for: funnels of one
    shape ask the same query. Raises OptionProblem where the rules do not go together."""
    Funnel(**{rule.name: rules[rule.name] for rule in fields(Funnel)})
    places: dict[str, str] = {}

    def place(name: str) -> str:
        return (
            places.setdefault(name, f"\ue000t{len(places)}\ue001") if name else name
        )  # private signs: stand in no name

    def kind(kind: Kind) -> Kind:
        where = tuple(Where(w.column, tuple(place(value) for value in w.values)) for w in kind.where)
        return Kind(tuple(place(name) for name in kind.touchpoints), where)

    steps = [replace(s, touchpoints=(k := kind(s.kind)).touchpoints, where=k.where) for s in rules["steps"]]
    exclude = [replace(e, kind=kind(e.kind)) for e in rules["exclude"]]
    shaped = dict(rules) | {"steps": tuple(steps), "exclude": tuple(exclude)}
    return shaped, {token: name for name, token in places.items()}


def _marks(t: ibis.Table, funnel: Funnel) -> ibis.Value:
    """Of each row: the kinds it is. One look at its name, and one at each filter."""
    named: dict[int, list[str]] = {}
    for name in sorted({name for kind in funnel.kinds for name in kind.touchpoints}):
        plain = sum(1 << bit for bit, kind in enumerate(funnel.kinds) if not kind.where and name in kind.touchpoints)
        named.setdefault(plain, []).append(name)
    cases = [(t.touchpoint.isin(names), _mark(marks)) for marks, names in named.items() if marks]
    found: ibis.Value = ibis.cases(*cases, else_=_mark(0)) if cases else _mark(0)
    for bit, kind in enumerate(funnel.kinds):
        if kind.where:
            found = found + ibis.ifelse(serving(t, kind).fill_null(False), _mark(1 << bit), _mark(0))
    return found.cast("int32")


def _mark(bits: int) -> ibis.Value:
    return ibis.literal(bits, type="int32")


def serving(t: ibis.Table, kind: Kind) -> ibis.Value:
    """Is a touchpoint of that kind?"""
    held = t.touchpoint.isin(kind.touchpoints)
    for where in kind.where:
        if where.column not in t.columns:
            raise OptionProblem(
                N_("A step filters by {found}, and the touchpoints have no such column. Columns: {columns}."),
                found=where.column, columns=tuple(t.columns),
            )  # fmt: skip
        column = t[where.column] if t[where.column].type().is_string() else t[where.column].cast("string")
        kept = column.isin(where.values)
        held = held & (kept | column.isnull() if "" in where.values else kept)
    return held


def microseconds(length: timedelta) -> int:
    """A length of time as whole microseconds."""
    return length // timedelta(microseconds=1)
