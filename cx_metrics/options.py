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
class Share:
    """A part of the whole, up to `high`: `1.5%` is 0.015; `0%` for none."""

    help: str
    high: float = 1.0

    def parse(self, text: str) -> float:
        """Raises OptionProblem outside the bounds."""
        found = re.fullmatch(r"\s*(\d{1,3}(?:\.\d{1,3})?)\s*%\s*", text)
        if not found:
            raise OptionProblem(N_("{found} is not a share. Write it like 1.5%."), found=text)
        value = round(float(found[1]) / 100, 5)
        if value > self.high:
            high = self.print(self.high)
            raise OptionProblem(N_("{found} is outside {low} to {high}."), found=text.strip(), low="0%", high=high)
        return value

    def print(self, value: float) -> str:
        """Percent without zeros at the end."""
        return f"{value * 100:.3f}".rstrip("0").rstrip(".") + "%"


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
        names, rest = alternatives(text)
        if rest.strip():
            raise OptionProblem(N_("{found} cannot be read after the touchpoints in {text}."), found=rest, text=text)
        return names

    def print(self, value: Sequence[str] | None) -> str:
        """The names between bars, quoted where needed."""
        if not value:
            return ALL if self.optional and not self.off else ""
        return '"all"' if self.optional and tuple(value) == (ALL,) else "|".join(quoted(name) for name in value)


@dataclass(frozen=True)
class Switch:
    """On or off: `yes`, `no`."""

    help: str

    def parse(self, text: str) -> bool:
        """Raises OptionProblem for anything but yes and no."""
        if text not in ("yes", "no"):
            raise OptionProblem(N_("{found} is neither yes nor no."), found=text)
        return text == "yes"

    def print(self, value: bool) -> str:
        """`yes` or `no`."""
        return "yes" if value else "no"


@dataclass(frozen=True)
class Columns:
    """Names of columns or questions: `How was delivery?|late`; the empty text (none) for what the metric chooses itself."""

    help: str

    def parse(self, text: str) -> tuple[str, ...]:
        """Names between bars; one that holds a sign of the syntax stands in double quotes."""
        if not text.strip():
            return ()
        try:
            names, rest = alternatives(text, SIGNS_OF_NAMES)
        except OptionProblem:
            raise OptionProblem(N_("A name is missing in {found}."), found=text) from None
        if rest.strip():
            raise OptionProblem(N_("{found} cannot be read after the names in {text}."), found=rest, text=text)
        return names

    def print(self, value: Sequence[str]) -> str:
        """The names between bars, quoted where needed."""
        return "|".join(quoted(name, SIGNS_OF_NAMES) for name in value)


@dataclass(frozen=True)
class Name:
    """One name, as it is: a column, a question, a value; the empty text where the metric may choose itself."""

    help: str

    def parse(self, text: str) -> str:
        """The name without blanks around it."""
        return text.strip()

    def print(self, value: str) -> str:
        """The name."""
        return value.strip()


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
        patterns, rest = alternatives(text)
        if rest.strip():
            raise OptionProblem(N_("{found} cannot be read after the patterns in {text}."), found=rest, text=text)
        return patterns

    def print(self, value: Sequence[str] | None) -> str:
        """The patterns between bars, quoted where needed."""
        return "|".join(quoted(pattern) for pattern in value or ())


SIGNS = ',|?@"['
SIGNS_OF_NAMES = '|"'  # questions hold commas and question marks
SIGNS_INSIDE = SIGNS + "];="  # of a filter in brackets


def quoted(name: str, signs: str = SIGNS) -> str:
    """A name as the syntax writes it; quotes are doubled inside quotes."""
    plain = name and name == name.strip() and not set(signs) & set(name)
    return name if plain else '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True)
class Way:
    """A whole path, touchpoint by touchpoint: `ad|site|ad|buy`."""

    help: str

    def parse(self, text: str) -> tuple[str, ...]:
        """Names between bars, in their order; a name may stand there again."""
        names, rest = alternatives(text, again=True)
        if rest.strip():
            raise OptionProblem(N_("{found} cannot be read after the touchpoints in {text}."), found=rest, text=text)
        return names

    def print(self, value: Sequence[str]) -> str:
        """The names between bars, quoted where needed."""
        return "|".join(quoted(name) for name in value)


def alternatives(
    text: str, signs: str = SIGNS, empty: bool = False, again: bool = False
) -> tuple[tuple[str, ...], str]:
    """The names between bars at the start of `text`, and what follows them. `empty`: a name may be "", in quotes; `again`: a name
    may stand there more than once."""
    names: list[str] = []
    while True:
        found = re.match(rf'\s*(?:"((?:[^"]|"")*)"\s*|([^{re.escape(signs)}]+))', text)
        name = "" if not found else (found[1].replace('""', '"') if found[1] is not None else found[2].strip())
        if not found or (not name and not (empty and found[1] is not None)):
            raise OptionProblem(N_("A touchpoint is missing in {found}."), found=text or '""')
        names.append(name)
        text = text[found.end() :]
        if not text.startswith("|"):
            return tuple(names if again else dict.fromkeys(names)), text
        text = text[1:]
