"""How a file that is not one record a row is told apart into records: declared here, carried out in `spreading`.

A wide survey has a column for each question, an order table a column for each time, a budget a column for each month or channel.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from cx_metrics.errors import MappingProblem, nearest
from cx_metrics.reading.report import shorten
from cx_metrics.tables import SURVEY_TYPES, TABLE_NAMES
from cx_metrics.texts import N_, Text

ROLES = ("score", "text", "choice", "option")
# What each way of spreading makes of a column of the file, and for which table.
MAKES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "answers": ("question", "survey_type", "score", "comment", "scale_low", "scale_high", "higher_is_better"),
        "times": ("occurred_at", "touchpoint", "sequence"),
        "costs_by_period": ("period_start", "period_end", "cost"),
        "costs_by_channel": ("channel", "cost"),
    }
)
TABLE_OF: Mapping[str, str] = MappingProxyType(
    {"answers": "surveys", "times": "touchpoints", "costs_by_period": "spend", "costs_by_channel": "spend"}
)
SPREAD_NAMES: Mapping[str, str] = MappingProxyType(  # what stands in the columns that become rows
    {
        "answers": N_("columns of answers"),
        "times": N_("columns of times"),
        "costs_by_period": N_("columns of costs by period"),
        "costs_by_channel": N_("columns of costs by channel"),
    }
)
ABOUT = ("touchpoint", "stage", "channel")  # what an answer is about, where the columns of a survey say it
_PERIOD = re.compile(r"(\d{4})-(\d{2})(?:-(\d{2})(?:/(\d{4})-(\d{2})-(\d{2}))?)?")


@dataclass(frozen=True)
class Kind:
    """What a question is: its type, its scale and direction, which values mean no answer, which words mean which number.

    None: as the whole file has it, or else as the type has it.
    """

    survey_type: str | None = None
    scale_low: float | None = None
    scale_high: float | None = None
    higher_is_better: bool | None = None
    no_answer: tuple[str, ...] | None = None
    score_words: Mapping[str, float] | None = None

    def over(self, other: Kind) -> Kind:
        """This kind, and the other where this one says nothing."""
        said = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}
        return replace(other, **said)

    def holds(self, number: float) -> bool:
        """Whether a number lies on the scale, as far as it is known."""
        low = -float("inf") if self.scale_low is None else self.scale_low
        high = float("inf") if self.scale_high is None else self.scale_high
        return low <= number <= high

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Kind:
        """The reverse of `asdict`."""
        refuse_unknown(kept, {f.name for f in fields(cls)}, N_('A kind of question has no "{name}". {hint}'))
        found = dict(kept)
        if found.get("no_answer") is not None:
            found["no_answer"] = texts(found["no_answer"], "no_answer")
        if found.get("score_words") is not None:
            found["score_words"] = numbers(found["score_words"], "score_words")
        return cls(**found)

    def check(self) -> None:
        """Raise where the kind cannot be."""
        if self.survey_type is not None:
            refuse_unknown((self.survey_type,), set(SURVEY_TYPES), N_('There is no survey type "{name}". {hint}'))
        if self.scale_low is not None and self.scale_high is not None and self.scale_low >= self.scale_high:
            raise MappingProblem(
                N_("A scale begins with its lowest answer: {low} is not below {high}."),
                low=self.scale_low,
                high=self.scale_high,
            )


@dataclass(frozen=True)
class KindsBy:
    """Several questions in one column of scores: the header whose values tell them apart, and the kind for each value."""

    column: str
    kinds: Mapping[str, Kind]

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> KindsBy:
        """The reverse of `asdict`."""
        _refuse_other(kept, {"column", "kinds"})
        return cls(str(kept["column"]), {str(value): Kind.from_dict(kind) for value, kind in kept["kinds"].items()})


@dataclass(frozen=True)
class SpreadColumn:
    """One column of the file that becomes records.

    `name` is the question, the touchpoint, the channel, or the period (2026-01, 2026-01-05 or 2026-01-05/2026-01-11); blank: the
    header. `name_from`: a column of the file whose cell is the touchpoint, where it is not blank. `role` of a question: `score`;
    `text`; `choice` (the cell is what was chosen; several are parted by `parted_by`); `option` (one box of a list: any value but
    "no" means that `option` was chosen). `kind` is that of a score.
    """

    column: str
    name: str = ""
    name_from: str = ""
    role: str = "score"
    kind: Kind | None = None
    option: str = ""
    parted_by: str = ""
    touchpoint: str | None = None
    stage: str | None = None
    channel: str | None = None

    @property
    def shown(self) -> str:
        """What the records of this column are called."""
        return self.name or self.column

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> SpreadColumn:
        """The reverse of `asdict`."""
        refuse_unknown(kept, {f.name for f in fields(cls)}, N_('A column that is spread has no "{name}". {hint}'))
        if not isinstance(kept.get("column"), str):
            raise MappingProblem(N_("A column that is spread must say which column of the file it is."))
        kind = kept.get("kind")
        return cls(**{**kept, "kind": None if kind is None else Kind.from_dict(kind)})


@dataclass(frozen=True)
class Spread:
    """One row of the file becomes several records: one for each of `columns`.

    `kind`: `answers` (a question a column), `times` (a touchpoint a column; a blank time did not happen), `costs_by_period`,
    `costs_by_channel`.
    """

    kind: str
    columns: tuple[SpreadColumn, ...] = field(default=())

    @property
    def makes(self) -> tuple[str, ...]:
        """The columns of ours that spreading fills."""
        about = [name for name in ABOUT if any(getattr(column, name) for column in self.columns)]
        return (*MAKES[self.kind], *(about if self.kind == "answers" else ()))

    @property
    def headers(self) -> tuple[str, ...]:
        """The columns of the file that are spread."""
        return tuple(column.column for column in self.columns)

    @property
    def beside(self) -> tuple[str, ...]:
        """The columns of the file that say what those that are spread are called."""
        return tuple(dict.fromkeys(column.name_from for column in self.columns if column.name_from))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, to be kept in a manifest; what says nothing is left out."""
        return {"kind": self.kind, "columns": [_said(asdict(column)) for column in self.columns]}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Spread:
        """The reverse of `to_dict`."""
        _refuse_other(kept, {"kind", "columns"})
        refuse_unknown((str(kept["kind"]),), set(MAKES), N_('There is no way "{name}" to spread a file. {hint}'))
        columns = kept["columns"]
        if not isinstance(columns, list | tuple) or not all(isinstance(column, Mapping) for column in columns):
            raise MappingProblem(N_("The columns that are spread must be a list, each with its settings."))
        return cls(str(kept["kind"]), tuple(map(SpreadColumn.from_dict, columns)))

    def check(self, table: str, columns: Iterable[str]) -> None:
        """Raise where the file cannot be spread like this."""
        if TABLE_OF[self.kind] != table:
            raise MappingProblem(
                N_("Spreading {kind} makes {needed}, not {table}. Choose that table, or spread nothing."),
                kind=Text(SPREAD_NAMES[self.kind]),
                needed=Text(TABLE_NAMES[TABLE_OF[self.kind]]),
                table=Text(TABLE_NAMES[table]),
            )
        if not self.columns:
            raise MappingProblem(N_("No column is named that should be spread."))
        twice = [name for name in columns if name in self.makes]
        if twice:
            raise MappingProblem(
                N_('"{name}" is filled by spreading. Take it from the other columns, or spread nothing.'), name=twice[0]
            )
        seen: set[str] = set()
        for column in self.columns:
            if column.column in seen:
                raise MappingProblem(N_('"{column}" is spread twice.'), column=shorten(column.column))
            seen.add(column.column)
            refuse_unknown((column.role,), set(ROLES), N_('A column that is spread has no role "{name}". {hint}'))
            if column.kind:
                column.kind.check()
            if column.name_from and self.kind != "times":
                raise MappingProblem(N_("Only touchpoints can be named by another column of the file."))
            if self.kind == "costs_by_period":
                period(column.shown)


def period(name: str) -> tuple[date, date]:
    """First and last day of a period written as 2026-01, 2026-01-05 or 2026-01-05/2026-01-11.

    Raises:
        MappingProblem: it is no such period.
    """
    found = _PERIOD.fullmatch(name)
    try:
        if found:
            year, month, day, *end = found.groups()
            first = date(int(year), int(month), int(day or 1))
            if end[0]:
                last = date(*map(int, end))
                if last >= first:
                    return first, last
            elif day:
                return first, first
            else:
                return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    except ValueError:
        pass
    raise MappingProblem(
        N_('"{name}" is no period. Write a month as 2026-01, a day as 2026-01-05, others as 2026-01-05/2026-01-11.'),
        name=shorten(name),
    )


def texts(kept: Any, name: str) -> tuple[str, ...]:
    """A list of texts, as it was kept; whole numbers are texts too.

    Raises:
        MappingProblem: it is none.
    """
    if not isinstance(kept, list | tuple) or not all(_is_word(one) for one in kept):
        raise MappingProblem(N_('"{name}" must be a list of texts.'), name=name)
    return tuple(map(str, kept))


def numbers(kept: Any, name: str) -> dict[str, float]:
    """Words with a number each, as they were kept.

    Raises:
        MappingProblem: they are none.
    """
    if not isinstance(kept, Mapping) or not all(_is_word(word) and _is_number(n) for word, n in kept.items()):
        raise MappingProblem(N_('"{name}" must give a number for each word.'), name=name)
    return {str(word): float(number) for word, number in kept.items()}


def _is_word(found: Any) -> bool:
    return isinstance(found, str) or (isinstance(found, int) and not isinstance(found, bool))


def _is_number(found: Any) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool) and abs(found) < 1e9


def refuse_unknown(names: Iterable[str], known: set[str], source: str) -> None:
    """Raise for the first name that is none of the known ones, with the nearest."""
    for name in names:
        if name not in known:
            hint = nearest(name, known)
            choice = Text(N_("Choose one of: {known}."), {"known": ", ".join(sorted(known))})
            raise MappingProblem(source, name=shorten(name), hint=did_you_mean(hint) if hint else choice)


def did_you_mean(name: str | None) -> Text | str:
    """The question that offers another name; nothing where there is none."""
    return Text(N_('Did you mean "{name}"?'), {"name": shorten(name)}) if name else ""


def _refuse_other(kept: Mapping[str, Any], needed: set[str]) -> None:
    if set(kept) != needed:
        raise MappingProblem(
            N_("Here exactly these settings are needed: {needed}. Found: {found}."),
            needed=", ".join(sorted(needed)),
            found=", ".join(shorten(name) for name in sorted(map(str, kept))) or "–",
        )


def _said(kept: dict[str, Any]) -> dict[str, Any]:
    """Without what says nothing; lists in place of tuples."""
    found = {name: _said(value) if isinstance(value, dict) else value for name, value in kept.items()}
    bare = {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}
    return {name: value for name, value in bare.items() if value is not None and value != ""}
