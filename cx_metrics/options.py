"""Option types of metrics. Each reads and prints one text form that the page, the command line and the address share.

A metric declares an option in its signature: `window: Annotated[timedelta | None, Duration(help=N_("…"))] = timedelta(14)`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, runtime_checkable

from cx_metrics.errors import OptionProblem, nearest
from cx_metrics.texts import N_


@runtime_checkable
class OptionType(Protocol):
    """What every option type can do: read its text form, print it, explain itself."""

    @property
    def help(self) -> str:
        """What the option decides, for a page or a command line."""

    def parse(self, text: str) -> Any:
        """The value that `text` stands for. Raises OptionProblem if it stands for none."""

    def print(self, value: Any) -> str:
        """The one text form of `value`; `parse` reads it back."""


UNITS = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}
UNLIMITED = "unlimited"
ALL = "all"


@dataclass(frozen=True)
class Duration:
    """An elapsed time: `14d`, `36h`, `30min`, `90s`; `unlimited` (None) where the metric allows it."""

    help: str
    unlimited: bool = False

    def parse(self, text: str) -> timedelta | None:
        """`14d` → timedelta(days=14). A time of 0 or less is refused."""
        if self.unlimited and text.strip() == UNLIMITED:
            return None
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(d|h|min|s)\s*", text)
        if not found:
            raise OptionProblem(
                N_("{found} is not a length of time. Write it like 14d, 36h, 30min or 90s."), found=text
            )
        try:
            length = timedelta(seconds=float(found[1]) * UNITS[found[2]])
        except OverflowError:
            raise OptionProblem(N_("{found} is longer than any time that can be counted."), found=text) from None
        if length <= timedelta(0):
            raise OptionProblem(N_("A length of time must be more than 0; found {found}."), found=text)
        return length

    def print(self, value: timedelta | None) -> str:
        """The largest unit that divides the time."""
        if value is None:
            return UNLIMITED
        microseconds = value // timedelta(microseconds=1)
        unit, size = next(
            (u, s * 1_000_000) for u, s in UNITS.items() if microseconds % (s * 1_000_000) == 0 or u == "s"
        )
        whole, rest = divmod(microseconds, size)
        return f"{whole}{f'.{rest:06}'.rstrip('0') if rest else ''}{unit}"


@dataclass(frozen=True)
class Count:
    """A whole number between `low` and `high`."""

    help: str
    low: int = 1
    high: int = 1_000

    def parse(self, text: str) -> int:
        """Raises OptionProblem outside the bounds."""
        try:
            value = int(text)
        except ValueError:
            raise OptionProblem(N_("{found} is not a whole number."), found=text) from None
        if not self.low <= value <= self.high:
            raise OptionProblem(N_("{found} is outside {low} to {high}."), found=value, low=self.low, high=self.high)
        return value

    def print(self, value: int) -> str:
        """Plain digits."""
        return str(value)


@dataclass(frozen=True)
class Choice:
    """One of a few named ways."""

    help: str
    names: tuple[str, ...]

    def parse(self, text: str) -> str:
        """Raises OptionProblem with the names there are, and the nearest one."""
        if text in self.names:
            return text
        raise OptionProblem(
            N_("There is no choice {found}. Choose one of: {names}. Nearest: {nearest}."),
            found=text, names=self.names, nearest=nearest(text, self.names) or self.names[0],
        )  # fmt: skip

    def print(self, value: str) -> str:
        """The name."""
        return value


@dataclass(frozen=True)
class Touchpoints:
    """One or more touchpoints, any of which will do: `purchase|in-store purchase`.

    Where the metric allows it: `all` (no names) with `optional`, the empty text (None) with `off`.
    """

    help: str
    optional: bool = False
    off: bool = False

    def parse(self, text: str) -> tuple[str, ...] | None:
        """Names between bars; a name that holds a sign of the syntax, or is the word `all`, stands in double quotes."""
        if self.off and not text.strip():
            return None
        if self.optional and text.strip() == ALL:
            return ()
        names, rest = _alternatives(text)
        if rest.strip():
            raise OptionProblem(N_("{found} cannot be read after the touchpoints in {text}."), found=rest, text=text)
        return names

    def print(self, value: Sequence[str] | None) -> str:
        """The names between bars, quoted where needed."""
        if not value:
            return ALL if self.optional and not self.off else ""
        return '"all"' if self.optional and tuple(value) == (ALL,) else "|".join(_quoted(name) for name in value)


TRAILING_SLASH = "*/"  # the pattern that takes slashes off the end of a name


@dataclass(frozen=True)
class Patterns:
    """Rules that make many names one: `/product/*|/help/*`; the empty text (None) for none.

    A name that matches a pattern becomes the pattern; the first that matches wins. `*` stands for any run of characters,
    also none. The pattern `*/` is a rule of its own: it takes the slashes off the end of a name (`/` alone stays).
    """

    help: str

    def parse(self, text: str) -> tuple[str, ...] | None:
        """Patterns between bars; one that holds a sign of the syntax stands in double quotes."""
        if not text.strip():
            return None
        patterns, rest = _alternatives(text)
        if rest.strip():
            raise OptionProblem(N_("{found} cannot be read after the patterns in {text}."), found=rest, text=text)
        return patterns

    def print(self, value: Sequence[str] | None) -> str:
        """The patterns between bars, quoted where needed."""
        return "|".join(_quoted(pattern) for pattern in value or ())


@dataclass(frozen=True)
class Step:
    """One step of a funnel: any one of `touchpoints`; may be optional; may have a window of its own."""

    touchpoints: tuple[str, ...]
    optional: bool = False
    window: timedelta | None = None

    def __str__(self) -> str:
        own = "" if self.window is None else "@" + Duration("").print(self.window)
        return "|".join(_quoted(t) for t in self.touchpoints) + ("?" if self.optional else "") + own

    @property
    def label(self) -> str:
        """The step's touchpoints as a reader sees them."""
        return " | ".join(self.touchpoints)


@dataclass(frozen=True)
class Steps:
    """An ordered list of steps: `ad|search,visit,"cart, web"?,purchase@2d`."""

    help: str
    fewest: int = 2
    most: int = 12

    def parse(self, text: str) -> tuple[Step, ...]:
        """`,` between steps, `|` either-or, trailing `?` optional, trailing `@2d` its own window."""
        steps, rest = [], text
        while True:
            names, rest = _alternatives(rest)
            optional = rest.startswith("?")
            rest = rest[1:].lstrip() if optional else rest
            found = re.match(r"@([^,]*)", rest)
            window = Duration("").parse(found[1]) if found else None
            rest = rest[found.end() :] if found else rest
            steps.append(Step(names, optional, window))
            if not rest.strip():
                break
            if not rest.startswith(","):
                raise OptionProblem(N_("{found} cannot be read after step {step}. Put a comma between steps."),
                                    found=rest, step=str(steps[-1]))  # fmt: skip
            rest = rest[1:]
        if not self.fewest <= len(steps) <= self.most:
            raise OptionProblem(N_("A funnel has {low} to {high} steps; found {found}."),
                                low=self.fewest, high=self.most, found=len(steps))  # fmt: skip
        return tuple(steps)

    def print(self, value: Sequence[Step]) -> str:
        """The steps between commas."""
        return ",".join(str(step) for step in value)


SIGNS = re.compile(r'[,|?@"]')


def _quoted(name: str) -> str:
    """A name as the syntax writes it; quotes are doubled inside quotes."""
    plain = name and name == name.strip() and not SIGNS.search(name)
    return name if plain else '"' + name.replace('"', '""') + '"'


def _alternatives(text: str) -> tuple[tuple[str, ...], str]:
    """The either-or names at the start of `text`, and what follows them."""
    names: list[str] = []
    while True:
        found = re.match(r'\s*(?:"((?:[^"]|"")*)"\s*|([^,|?@"]+))', text)
        name = "" if not found else (found[1].replace('""', '"') if found[1] is not None else found[2].strip())
        if not found or not name:
            raise OptionProblem(N_("A touchpoint is missing in {found}."), found=text or '""')
        names.append(name)
        text = text[found.end() :]
        if not text.startswith("|"):
            return tuple(dict.fromkeys(names)), text
        text = text[1:]
