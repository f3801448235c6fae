"""What the user confirmed: which of their columns is which of ours, and which touchpoint belongs where."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any
from zoneinfo import available_timezones

from cx_metrics.errors import MappingProblem, nearest
from cx_metrics.reading.aliases import ALIASES, plain
from cx_metrics.reading.dates import TIME_FORMATS
from cx_metrics.reading.files import RawFile
from cx_metrics.reading.report import quoted, shorten
from cx_metrics.reading.shapes import Kind, KindsBy, Spread, did_you_mean, numbers, refuse_unknown, texts
from cx_metrics.tables import CUSTOMER_COLUMNS, HEARD, PREPARED, PREPARED_ANSWERS, RESERVED, TABLE_NAMES, TABLES
from cx_metrics.texts import N_, Text

# Columns of a file that counts invitations, as a row of its own for each round.
COUNTED = ("sent", "bounced", "opted_out", "started", "completed")
# Columns that a table does not list but that keep our name when a file has them, as attributes.
EXTRA = MappingProxyType(
    {
        "touchpoints": CUSTOMER_COLUMNS,
        "surveys": ("case_id", *CUSTOMER_COLUMNS),
        "invitations": (*COUNTED, *CUSTOMER_COLUMNS),
        "customers": (),
        "spend": (),
        "changes": (),
    }
)
# What a file must have, at least one of each group. The time of a touchpoint may be missing: then the file order counts.
REQUIRED: Mapping[str, tuple[tuple[str, ...], ...]] = MappingProxyType(
    {
        "touchpoints": (("customer_id",), ("touchpoint",)),
        "surveys": (("score", "comment"),),
        "invitations": (("status", "sent"),),
        "customers": (("customer_id",),),
        "spend": (("period_start",), ("channel",), ("cost",)),
        "changes": (("changed_at",), ("title",)),
    }
)
ALIKE = 0.75  # from here on a header may be a known name misspelt
# The time of each table beside which a column may hold the time of day.
TIME_WITH_CLOCK: Mapping[str, str] = MappingProxyType(
    {"touchpoints": "occurred_at", "surveys": "answered_at", "changes": "changed_at"}
)
# Columns that are made while reading and cannot come from the file.
MADE = frozenset({"raw_touchpoint", "score_status"})


def mappable(table: str) -> tuple[str, ...]:
    """The columns of ours that a column of a file can be mapped to, for one table."""
    return (*(name for name in TABLES[table].names if name not in MADE), *EXTRA[table])


@dataclass(frozen=True)
class FileMapping:
    """How one file is read: the table, our column → their header, and what its times and numbers look like.

    `time_zone` is the zone of times that name none.
    `attributes` are headers kept as they are, as text. `survey_type`, the scale and the direction hold for the rows in
    which no column says otherwise; None means: as the type has it.

    `encoding` and `delimiter` are what the file was opened with, `preset` is the tool whose export it is; None: found out.
    `leave_out`: header → values; a row with one of them is set aside ("" is a blank cell). `no_answer`: values of a score that
    mean not rated, not known, not applicable. `score_words`: answers in words → their number. `kinds_by` tells several questions
    in one column of scores apart. `spread`: a row becomes several records. `clock`: the header of the time of day, where the time
    of the table (`TIME_WITH_CLOCK`) holds the day alone.
    """

    table: str
    columns: Mapping[str, str]
    attributes: tuple[str, ...] = ()
    time_format: str = "iso"
    survey_type: str | None = None
    scale_low: float | None = None
    scale_high: float | None = None
    higher_is_better: bool | None = None
    decimal_comma: bool = False
    time_zone: str = "UTC"
    encoding: str | None = None
    delimiter: str | None = None
    preset: str | None = None
    leave_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    no_answer: tuple[str, ...] = ()
    score_words: Mapping[str, float] = field(default_factory=dict)
    kinds_by: KindsBy | None = None
    spread: Spread | None = None
    clock: str | None = None

    @property
    def kind(self) -> Kind:
        """The question that holds for the rows in which nothing says otherwise."""
        ends = (self.scale_low, self.scale_high, self.higher_is_better)
        return Kind(self.survey_type, *ends, self.no_answer, self.score_words)

    @property
    def filled(self) -> frozenset[str]:
        """The columns of ours that the file fills."""
        return frozenset((*self.columns, *(self.spread.makes if self.spread else ())))

    @property
    def headers(self) -> tuple[str, ...]:
        """Every column of the file that the mapping speaks of, each once."""
        spread = (*self.spread.headers, *self.spread.beside) if self.spread else ()
        split = (self.kinds_by.column,) if self.kinds_by else ()
        clock = (self.clock,) if self.clock is not None else ()
        return tuple(
            dict.fromkeys((*self.columns.values(), *self.attributes, *spread, *self.leave_out, *split, *clock))
        )

    def to_dict(self) -> dict[str, Any]:
        """The mapping as plain JSON values, to be kept in a manifest."""
        leave_out = {header: list(values) for header, values in self.leave_out.items()}
        spread = self.spread.to_dict() if self.spread else None
        plain = {"columns": dict(self.columns), "attributes": list(self.attributes), "no_answer": list(self.no_answer)}
        return {**asdict(self), **plain, "leave_out": leave_out, "spread": spread}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> FileMapping:
        """The reverse of `to_dict`.

        Raises:
            MappingProblem: a name that is none of ours.
        """
        known = {f.name for f in fields(cls)}
        refuse_unknown((str(name) for name in kept), known, N_('A file mapping has no "{name}". {hint}'))
        if "table" not in kept or not isinstance(kept.get("columns"), Mapping):
            raise MappingProblem(N_("A file mapping must name its table and its columns."))
        mapping = cls(**{**kept, **_nested(kept)})
        _check_names(mapping)
        return mapping


@dataclass(frozen=True)
class NameMapping:
    """Where one touchpoint of the files belongs. None = as the file or the dictionary says it.

    `confidence` and `reason` are set where the dictionary made the mapping.
    """

    raw_touchpoint: str
    touchpoint: str | None = None
    channel: str | None = None
    touchpoint_type: str | None = None
    stage: str | None = None
    phase: str | None = None
    confidence: float = 1.0
    reason: Text | None = field(default=None, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """The mapping as plain JSON values, to be kept in a manifest."""
        return {**asdict(self), "reason": self.reason.to_dict() if self.reason else None}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> NameMapping:
        """The reverse of `to_dict`."""
        reason = kept.get("reason")
        return cls(**{**kept, "reason": Text.from_dict(reason) if reason else None})


def check_mapping(raw: RawFile, mapping: FileMapping) -> None:
    """Can this file be read under this mapping?

    Raises:
        MappingProblem: everything that is missing or unknown, at once, with the headers there are and the nearest.
    """
    _check_names(mapping)
    lost = [name for name in mapping.headers if name not in raw.header]
    if lost:
        hint = nearest(lost[0], raw.header)
        raise MappingProblem(
            N_("{file} has no column {names}. Its columns are: {headers}. {hint}"),
            file=shorten(raw.name),
            names=quoted(lost, 6),
            headers=header_list(raw),
            hint=did_you_mean(hint),
        )
    missing = missing_fields(mapping)
    if missing:
        raise missing_columns(raw, mapping.table, missing)


def missing_fields(mapping: FileMapping) -> list[tuple[str, ...]]:
    """The groups of columns of which the mapping has none although the table needs one."""
    return [group for group in REQUIRED[mapping.table] if not any(name in mapping.filled for name in group)]


def missing_columns(raw: RawFile, table: str, missing: Iterable[tuple[str, ...]]) -> MappingProblem:
    """The error that names all missing columns at once."""
    groups = [" / ".join(group) for group in missing]
    hint = next((found for group in missing for name in group if (found := _nearest_header(raw, table, name))), None)
    return MappingProblem(
        N_("{file}: no column was found for {fields}, which {table} need. Its columns are: {headers}. {hint}"),
        file=shorten(raw.name),
        fields=", ".join(groups),
        table=Text(TABLE_NAMES[table]),
        headers=header_list(raw),
        hint=one_column_hint(raw)
        or (did_you_mean(hint) if hint else Text(N_("Rename a column or choose one by hand."))),
    )


def _nearest_header(raw: RawFile, table: str, name: str) -> str | None:
    """The header that looks most like one of the known names of a column of ours."""
    known = {plain(alias) for alias in (name, *ALIASES[table][name])}
    likeness = {header: max(_likeness(plain(header), alias) for alias in known if alias) for header in raw.header}
    best = max(likeness, key=lambda header: likeness[header])
    return best if likeness[best] >= ALIKE else None


def _likeness(header: str, alias: str) -> float:
    """How much alike two names are, 0..1; 0 where their lengths alone say that they are not."""
    matcher = difflib.SequenceMatcher(None, header, alias)
    return matcher.ratio() if matcher.real_quick_ratio() >= ALIKE else 0.0


def one_column_hint(raw: RawFile) -> Text | None:
    """Why a file of one column may be one that is parted by another sign."""
    if len(raw.header) > 1:
        return None
    return Text(
        N_(
            "Only one column was found; comma, semicolon, tab and pipe were tried. Write sep= and the sign in the first line."
        )
    )


def header_list(raw: RawFile) -> tuple[Text, ...]:
    """The headers of the file for a message: at most 12, each cut."""
    return quoted(raw.header, 12)


def attribute_names(mapping: FileMapping) -> dict[str, str]:
    """Our name → their header for each attribute; a name that is taken gets the suffix `_in_file`."""
    listed = TABLES[mapping.table].names
    extra = [name for name in EXTRA[mapping.table] if name in mapping.columns]
    taken = {name.casefold() for name in (*listed, *extra, *PREPARED, *PREPARED_ANSWERS, *HEARD, *RESERVED)}
    named: dict[str, str] = {}
    for header in mapping.attributes:
        name, number = header, 1
        while name.casefold() in taken:
            name = f"{header}_in_file" if number == 1 else f"{header}_in_file_{number}"
            number += 1
        taken.add(name.casefold())
        named[name] = header
    return named


def _check_names(mapping: FileMapping) -> None:
    refuse_unknown((mapping.table,), set(TABLES), N_('There is no table "{name}". {hint}'))
    known = set(mappable(mapping.table))
    refuse_unknown(mapping.columns, known, N_('The table has no column "{name}" that a file could fill. {hint}'))
    refuse_unknown((mapping.time_format,), set(TIME_FORMATS), N_('There is no time format "{name}". {hint}'))
    if mapping.time_zone not in available_timezones():
        raise MappingProblem(
            N_('There is no time zone "{name}". Name one as Europe/Berlin.'), name=shorten(mapping.time_zone)
        )
    if mapping.clock is not None and TIME_WITH_CLOCK.get(mapping.table) not in mapping.columns:
        raise MappingProblem(
            N_('"{column}" is a time of day, and no column is the date that it belongs to. Choose that column too.'),
            column=shorten(mapping.clock),
        )
    mapping.kind.check()
    for kind in mapping.kinds_by.kinds.values() if mapping.kinds_by else ():
        kind.check()
    if mapping.spread is not None:
        mapping.spread.check(mapping.table, mapping.columns)


def _nested(kept: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a kept mapping that are more than one word or number.

    Raises:
        MappingProblem: one of them is not what it should be.
    """
    leave_out, spread, kinds_by = (kept.get(name) or {} for name in ("leave_out", "spread", "kinds_by"))
    for name, found in (("leave_out", leave_out), ("spread", spread), ("kinds_by", kinds_by)):
        if not isinstance(found, Mapping):
            raise MappingProblem(N_('"{name}" must be a list of settings, each with its name.'), name=name)
    for name, header in kept["columns"].items():
        if not isinstance(header, str):
            raise MappingProblem(N_('The column for "{name}" must be named by a text.'), name=shorten(name))
    return {
        "columns": dict(kept["columns"]),
        "attributes": texts(kept.get("attributes", ()), "attributes"),
        "leave_out": {str(header): texts(values, "leave_out") for header, values in leave_out.items()},
        "no_answer": texts(kept.get("no_answer", ()), "no_answer"),
        "score_words": numbers(kept.get("score_words", {}), "score_words"),
        "kinds_by": KindsBy.from_dict(kinds_by) if kinds_by else None,
        "spread": Spread.from_dict(spread) if spread else None,
    }
