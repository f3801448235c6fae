"""Option types of funnels: the steps, what must not happen between them, and whose value a breakdown takes.

    visit, ad|search[channel=web], cart?, purchase@2d     steps: either-or, a filter, optional, a window of its own
    complaint, refund|return@2-3                          exclusions: in the whole funnel, between steps 2 and 3

Names and values that hold a sign of the syntax stand in double quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from cx_metrics.errors import OptionProblem
from cx_metrics.options import SIGNS_INSIDE, Duration, alternatives, quoted
from cx_metrics.texts import N_

MOST_STEPS = 12
MOST_EXCLUSIONS = 6

Part = TypeVar("Part")


@dataclass(frozen=True)
class Where:
    """A filter on the touchpoints of one step: `column` holds one of `values`; the empty value stands for "not known"."""

    column: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return "=".join(
            (quoted(self.column, SIGNS_INSIDE), "|".join(quoted(value, SIGNS_INSIDE) for value in self.values))
        )


@dataclass(frozen=True)
class Kind:
    """Which touchpoints will do: any one of `touchpoints` that keeps every filter."""

    touchpoints: tuple[str, ...]
    where: tuple[Where, ...] = ()

    def __str__(self) -> str:
        kept = "[" + ";".join(str(w) for w in self.where) + "]" if self.where else ""
        return "|".join(quoted(t) for t in self.touchpoints) + kept

    @property
    def label(self) -> str:
        """The touchpoints and filters as a reader sees them."""
        kept = ", ".join(f"{w.column}: {' | '.join(w.values)}" for w in self.where)
        return " | ".join(self.touchpoints) + (f" ({kept})" if kept else "")


@dataclass(frozen=True)
class Step:
    """One step of a funnel: any one of `touchpoints`; may be optional; may have a window of its own, from the step before."""

    touchpoints: tuple[str, ...]
    optional: bool = False
    window: timedelta | None = None
    where: tuple[Where, ...] = ()

    @property
    def kind(self) -> Kind:
        """Which touchpoints serve the step."""
        return Kind(self.touchpoints, self.where)

    def __str__(self) -> str:
        own = "" if self.window is None else "@" + Duration("").print(self.window)
        return str(self.kind) + ("?" if self.optional else "") + own

    @property
    def label(self) -> str:
        """The step's touchpoints as a reader sees them."""
        return self.kind.label


@dataclass(frozen=True)
class Exclusion:
    """A try that meets `kind` between step `after` and step `before` (from 1; None: the whole funnel) does not count."""

    kind: Kind
    after: int | None = None
    before: int | None = None

    def __str__(self) -> str:
        return str(self.kind) + ("" if self.after is None else f"@{self.after}-{self.before}")


@dataclass(frozen=True)
class Steps:
    """An ordered list of steps: `ad|search,visit[channel=web],"cart, web"?,purchase@2d`."""

    help: str
    fewest: int = 2
    most: int = MOST_STEPS

    def parse(self, text: str) -> tuple[Step, ...]:
        """`,` between steps, `|` either-or, `[column=value]` a filter, trailing `?` optional, trailing `@2d` its own window."""
        steps = _parts(text, _step, N_("{found} cannot be read after step {part}. Put a comma between steps."))
        if not self.fewest <= len(steps) <= self.most:
            raise OptionProblem(N_("A funnel has {low} to {high} steps; found {found}."),
                                low=self.fewest, high=self.most, found=len(steps))  # fmt: skip
        return steps

    def print(self, value: Sequence[Step]) -> str:
        """The steps between commas."""
        return ",".join(str(step) for step in value)


@dataclass(frozen=True)
class Exclusions:
    """What must not happen: `complaint,refund|return@2-3`; the empty text for nothing."""

    help: str
    most: int = MOST_EXCLUSIONS

    def parse(self, text: str) -> tuple[Exclusion, ...]:
        """`,` between them; `@2-3` strictly between steps 2 and 3, else anywhere in the funnel."""
        if not text.strip():
            return ()
        found = _parts(
            text, _exclusion, N_("{found} cannot be read after the exclusion {part}. Put a comma between exclusions.")
        )
        if len(found) > self.most:
            raise OptionProblem(N_("{count} exclusions; at most {most} may be."), count=len(found), most=self.most)
        return found

    def print(self, value: Sequence[Exclusion]) -> str:
        """The exclusions between commas."""
        return ",".join(str(exclusion) for exclusion in value)


FIRST_TOUCH, LAST_TOUCH, EVERY_TOUCHPOINT = "first_touch", "last_touch", "every_touchpoint"


@dataclass(frozen=True)
class TakenFrom:
    """Where the value of a breakdown comes from: `first_touch`, `last_touch`, `every_touchpoint`, or the number of a step."""

    help: str
    names: tuple[str, ...] = (FIRST_TOUCH, LAST_TOUCH, EVERY_TOUCHPOINT)

    def parse(self, text: str) -> str:
        """`first_touch`, `last_touch`, `every_touchpoint`, or a step as `step 2` or `2`."""
        found = re.fullmatch(r"\s*(?:step\s*)?(\d{1,2})\s*", text)
        if found and 1 <= int(found[1]) <= MOST_STEPS:
            return f"step {int(found[1])}"
        if text in self.names:
            return text
        raise OptionProblem(
            N_("There is no choice {found}. Choose one of: {names}, or a step, like step 2."),
            found=text,
            names=self.names,
        )

    def print(self, value: str) -> str:
        """The name."""
        return value


def _parts(text: str, read: Callable[[str], tuple[Part, str]], unread: str) -> tuple[Part, ...]:
    """What stands between commas, each part read by `read`, which gives what it read and what follows it."""
    parts, rest = [], text
    while True:
        part, rest = read(rest)
        parts.append(part)
        if not rest.strip():
            return tuple(parts)
        if not rest.startswith(","):
            raise OptionProblem(unread, found=rest, part=str(part))
        rest = rest[1:]


def _step(text: str) -> tuple[Step, str]:
    kind, rest = _kind(text)
    optional = rest.startswith("?")
    rest = rest[1:].lstrip() if optional else rest
    found = re.match(r"@([^,]*)", rest)
    window = Duration("").parse(found[1]) if found else None
    return Step(kind.touchpoints, optional, window, kind.where), rest[found.end() :] if found else rest


def _exclusion(text: str) -> tuple[Exclusion, str]:
    kind, rest = _kind(text)
    if not rest.startswith("@"):
        return Exclusion(kind), rest
    found = re.match(r"@\s*(\d{1,2})\s*-\s*(\d{1,2})\s*(?=,|$)", rest)
    if not found:
        raise OptionProblem(N_("{found} does not say between which steps. Write it like @2-3."), found=rest)
    after, before = int(found[1]), int(found[2])
    if not 1 <= after < before:
        raise OptionProblem(
            N_("An exclusion lies between an earlier and a later step; found {found}."), found=found[0].strip()
        )
    return Exclusion(kind, after, before), rest[found.end() :]


def _kind(text: str) -> tuple[Kind, str]:
    """Either-or names, and the filters in brackets after them."""
    names, rest = alternatives(text)
    if not rest.startswith("["):
        return Kind(names), rest
    rest, where = rest[1:], []
    while True:
        columns, rest = alternatives(rest, SIGNS_INSIDE)
        if not rest.startswith("=") or len(columns) > 1:
            raise OptionProblem(N_("A filter in brackets names a column and its values, like [channel=web|app]; found {found}."),
                                found=text)  # fmt: skip
        values, rest = alternatives(rest[1:], SIGNS_INSIDE, empty=True)
        where.append(Where(columns[0], values))
        if rest.startswith("]"):
            return Kind(names, tuple(where)), rest[1:].lstrip()
        if not rest.startswith(";"):
            raise OptionProblem(N_("The filter of {found} is not closed by a bracket ]."), found=text)
        rest = rest[1:]
