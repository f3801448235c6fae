"""Their headers → our columns, each with a confidence and a reason that the Data page shows."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from cx_metrics.errors import MappingProblem
from cx_metrics.reading.aliases import LABELS
from cx_metrics.reading.dates import TIME_FORMATS, TimeGuess, guess_time_format
from cx_metrics.reading.files import RawFile, read_batches
from cx_metrics.reading.ids import looks_damaged_ids
from cx_metrics.reading.mapping import (
    REQUIRED,
    FileMapping,
    header_list,
    missing_columns,
    missing_fields,
    one_column_hint,
)
from cx_metrics.reading.matching import KEPT, KNOWN_NAME, NUMBERS, TIMES, ColumnMatch, match_columns, name_fit
from cx_metrics.reading.report import shorten
from cx_metrics.reading.sample import Sample, Values, take_sample
from cx_metrics.reading.scale import ScaleGuess, guess_scale
from cx_metrics.tables import TABLES
from cx_metrics.texts import N_, Text

SURE_TABLE = 0.5  # below this the user is asked which table it is
BATCHES_READ_ON = 10  # some 600,000 rows
FEW_ROWS = 20  # with fewer rows, each with its own customer says nothing
IDS = ("customer_id", "case_id", "session_id", "response_id")
LIKELY_TABLE = 0.3  # below this no table is even named


@dataclass(frozen=True)
class Recognition:
    """What a file seems to be. `problems` are said on the page; `blockers` must be answered by a person first.

    `table` is None where no table fits well enough: the user chooses, and `nearest` is the one that fits best.
    `time_format` is None where no time was found.
    """

    table: str | None
    confidence: float
    reason: Text
    matches: tuple[ColumnMatch, ...]
    time_format: str | None = None
    decimal_comma: bool = False
    survey_type: str | None = None
    scale_low: float | None = None
    scale_high: float | None = None
    higher_is_better: bool | None = None
    problems: tuple[Text, ...] = ()
    blockers: tuple[Text, ...] = ()
    nearest: str | None = None

    @property
    def columns(self) -> dict[str, str]:
        """Our column → their header, where one was found."""
        return {match.field: match.column for match in self.matches if match.field}

    def to_dict(self) -> dict[str, Any]:
        """What was recognised as plain JSON values."""
        said = {name: [text.to_dict() for text in getattr(self, name)] for name in ("problems", "blockers")}
        matches = [match.to_dict() for match in self.matches]
        return {**vars(self), "reason": self.reason.to_dict(), "matches": matches, **said}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Recognition:
        """The reverse of `to_dict`."""
        said = {name: tuple(map(Text.from_dict, kept[name])) for name in ("problems", "blockers")}
        matches = tuple(map(ColumnMatch.from_dict, kept["matches"]))
        return cls(**{**kept, "reason": Text.from_dict(kept["reason"]), "matches": matches, **said})


def recognise(raw: RawFile, table: str | None = None, sample_rows: int = 2000) -> Recognition:
    """What does this file hold, which column is which, and how sure is that?

    Headers are compared with known names in four languages, values in the first `sample_rows` rows with what a column
    must hold. `table` fixes the table; otherwise the one that fits best is taken, or none.
    """
    sample = take_sample(raw, sample_rows)
    if table is not None:
        found = match_columns(sample, table)
        return _finish(raw, sample, table, 1.0, Text(N_("the table was chosen by hand")), found)
    fits = {name: match_columns(sample, name) for name in TABLES}
    scores = _table_scores(sample, fits)
    best = max(scores, key=lambda name: scores[name])
    if scores[best] < SURE_TABLE:
        unsure = Text(N_("no table fits these columns well; choose what the file is"))
        kept = tuple(ColumnMatch(name, None, 0.0, KEPT) for name in raw.header)
        nearest = best if scores[best] >= LIKELY_TABLE and best != "changes" else None
        return Recognition(None, round(scores[best], 2), unsure, kept, nearest=nearest)
    columns = ", ".join(f'"{shorten(match.column)}"' for match in fits[best].values() if match.field in _needed(best))
    reason = Text(N_("it has the columns {columns}"), {"columns": columns})
    return _finish(raw, sample, best, round(scores[best], 2), reason, fits[best])


def default_mapping(raw: RawFile, recognition: Recognition) -> FileMapping:
    """The mapping that recognition proposes; every other column is kept as an attribute.

    Raises:
        MappingProblem: the table is not clear, a column it needs was not found (all of them are named, with the headers
            there are and the nearest), or something must be answered first.
    """
    if recognition.table is None:
        raise _unrecognised(raw, recognition.nearest)
    columns = recognition.columns
    mapping = FileMapping(
        recognition.table,
        columns,
        tuple(name for name in raw.header if name not in columns.values()),
        recognition.time_format or "iso",
        recognition.survey_type,
        recognition.scale_low,
        recognition.scale_high,
        recognition.higher_is_better,
        recognition.decimal_comma,
    )
    missing = missing_fields(mapping)
    if missing:
        raise missing_columns(raw, mapping.table, missing)
    if recognition.blockers:
        raise MappingProblem(recognition.blockers[0])
    return mapping


def _unrecognised(raw: RawFile, nearest: str | None) -> MappingProblem:
    """The error for a file that fits no table: what the nearest table misses, or what there is to choose."""
    nearest = nearest or ("touchpoints" if len(raw.header) == 1 else None)
    missing = missing_fields(FileMapping(nearest, recognise(raw, nearest).columns)) if nearest else []
    if nearest and missing:
        return missing_columns(raw, nearest, missing)
    choose = Text(N_("Choose what it is: touchpoints, surveys, customers, spend or changes."))
    return MappingProblem(
        N_("{file} was not recognised. Its columns are: {headers}. {hint}"),
        file=shorten(raw.name),
        headers=header_list(raw),
        hint=one_column_hint(raw) or choose,
    )


def _needed(table: str) -> set[str]:
    optional = {"touchpoints": {"occurred_at", "sequence"}, "surveys": {"answered_at"}}.get(table, set())
    return {name for group in REQUIRED[table] for name in group} | optional


def _table_scores(sample: Sample, fits: Mapping[str, dict[str, ColumnMatch]]) -> dict[str, float]:
    """How well each table fits, 0..1: the confidence of the columns it needs, with what speaks against it."""
    by_field = {table: {m.field: m for m in matches.values() if m.field} for table, matches in fits.items()}

    def sure(table: str, *names: str) -> float:
        return max((by_field[table][name].confidence for name in names if name in by_field[table]), default=0.0)

    def column(table: str, name: str) -> str | None:
        match = by_field[table].get(name)
        return match.column if match else None

    touchpoints = (sure("touchpoints", "customer_id") + sure("touchpoints", "touchpoint")) / 2
    touchpoints *= 1.0 if sure("touchpoints", "occurred_at", "sequence") else 0.7
    surveys = max(sure("surveys", "score"), 0.7 * sure("surveys", "comment"))
    surveys *= 1.0 if sure("surveys", "answered_at", "response_id", "customer_id", "comment") else 0.6
    if min(touchpoints, surveys) >= SURE_TABLE:
        # A log in which few rows carry a score is a log; answers about touchpoints are answers.
        score = column("surveys", "score")
        if score and sample.columns[score].filled_share >= 0.5:
            touchpoints *= 0.7
        else:
            surveys *= 0.7
    spend = (
        sure("spend", "cost") + sure("spend", "period_start") + max(sure("spend", "channel"), sure("spend", "campaign"))
    )
    spend *= 1 / 3 if sure("spend", "cost") and sure("spend", "period_start") else 0.7 / 3
    changes = (sure("changes", "changed_at") + sure("changes", "title")) / 2
    if touchpoints >= SURE_TABLE or sure("surveys", "score", "response_id"):
        changes *= 0.5
    if column("changes", "title") == column("touchpoints", "touchpoint"):
        changes *= 0.5  # a title that may as well be the name of an event makes no list of changes
    customers = 0.0
    if who := column("customers", "customer_id"):
        spend, changes = spend * 0.5, changes * 0.4
        customers = sure("customers", "customer_id") * 0.85 if sample.columns[who].near_unique else 0.0
    if changes >= SURE_TABLE and not sure("surveys", "score", "response_id", "customer_id"):
        surveys *= 0.7  # dated titles with remarks are changes, not comments
    if max(touchpoints, surveys) >= SURE_TABLE:
        customers *= 0.5
    return {"touchpoints": touchpoints, "surveys": surveys, "customers": customers, "spend": spend, "changes": changes}


def _finish(
    raw: RawFile, sample: Sample, table: str, confidence: float, reason: Text, found: dict[str, ColumnMatch]
) -> Recognition:
    columns = {match.field: match.column for match in found.values() if match.field}
    time_format, problems = _time_format(raw, sample, columns)
    unreadable = _unreadable_times(raw, sample, table, found)
    blockers = unreadable if table == "touchpoints" and "occurred_at" not in columns else ()
    problems += () if blockers else unreadable
    problems += _damaged_ids(sample, columns)
    if table == "touchpoints" and not {"occurred_at", "sequence"} & set(columns):
        problems.append(Text(N_("No column holds times or an order number: the rows are taken to be in order.")))
    if table == "touchpoints" and sample.rows >= FEW_ROWS and _one_step(sample, columns):
        source = N_(
            'Nearly every row has its own "{column}", so journeys have one step. Is another column the customer?'
        )
        problems.append(Text(source, {"column": shorten(columns["customer_id"])}))
    commas = [sample.columns[header].decimal_comma for name, header in columns.items() if name in NUMBERS]
    decimal_comma = True in commas and False not in commas
    if True in commas and False in commas:
        problems.append(Text(N_("Some columns write a decimal comma, others a decimal point; the point is taken.")))
    scale, said = _scale(sample, table, columns)
    return Recognition(
        table,
        confidence,
        reason,
        tuple(found.values()),
        time_format,
        decimal_comma,
        scale.survey_type if scale else "text" if table == "surveys" and "score" not in columns else None,
        scale.low if scale else None,
        scale.high if scale else None,
        scale.higher_is_better if scale else None,
        (*problems, *said, *_missing(table, columns)),
        blockers,
    )


def _damaged_ids(sample: Sample, columns: Mapping[str, str]) -> list[Text]:
    """What a spreadsheet did to the ids of the file."""
    source = N_('"{column}": {damage}')
    found = {columns[name]: looks_damaged_ids(sample.columns[columns[name]].texts) for name in IDS if name in columns}
    return [Text(source, {"column": shorten(header), "damage": damage}) for header, damage in found.items() if damage]


def _one_step(sample: Sample, columns: Mapping[str, str]) -> bool:
    return "customer_id" in columns and sample.columns[columns["customer_id"]].near_unique


def _scale(sample: Sample, table: str, columns: Mapping[str, str]) -> tuple[ScaleGuess | None, tuple[Text, ...]]:
    """Kind of question and scale of the whole file, where no column says them row by row."""
    if table != "surveys" or "score" not in columns or "survey_type" in columns:
        return None, ()
    header = columns["score"]
    asked = sample.columns[columns["question"]].texts.drop_null().unique().to_pylist() if "question" in columns else []
    guess = guess_scale(header, sample.columns[header], asked[0] if len(asked) == 1 else "")
    source = N_("The file holds {questions} questions and no column for their kind: all are read alike.")
    several = (Text(source, {"questions": len(asked)}),) if len(asked) > 1 else ()
    return guess, (guess.reason, *several)


def _time_format(raw: RawFile, sample: Sample, columns: Mapping[str, str]) -> tuple[str | None, list[Text]]:
    """One format for the times of the file, and what is doubtful about it."""
    headers = [header for name, header in columns.items() if name in TIMES]
    if not headers:
        return None, []
    values = pa.concat_arrays([sample.columns[header].texts for header in headers])
    guess = _read_on(raw, headers, guess_time_format(values, sure=True))
    said = {"column": shorten(headers[0]), "found": shorten(next((v for v in values.to_pylist() if v), ""))}
    problems = []
    if guess.doubt:
        source = N_('"{column}" (first: {found}): {doubt}')
        problems.append(Text(source, {**said, "doubt": guess.doubt}))
    if guess.format and guess.readable < guess.of:
        counted = {**said, "readable": guess.readable, "of": guess.of, "format": Text(TIME_FORMATS[guess.format])}
        source = N_(
            '{readable} of {of} values in the sample of "{column}" are usable dates written as {format}; '
            "other rows will be set aside."
        )
        problems.append(Text(source, counted))
    return guess.format, problems


def _read_on(raw: RawFile, headers: list[str], guess: TimeGuess) -> TimeGuess:
    """Where the sample leaves open whether the day or the month comes first, the first later row that tells decides.

    A log sorted by time often begins with the first days of a month.
    """
    if not guess.ambiguous:
        return guess
    for batch, _, _ in itertools.islice(read_batches(raw), BATCHES_READ_ON):
        for header in headers:
            later = guess_time_format(Values(batch.column(header)).texts)
            if later.format and not later.ambiguous:
                return later
    return guess


def _unreadable_times(raw: RawFile, sample: Sample, table: str, found: Mapping[str, ColumnMatch]) -> tuple[Text, ...]:
    """Columns that are times by their names, but whose values are not written in a known way."""
    name = {"touchpoints": "occurred_at", "surveys": "answered_at"}.get(table)
    source = N_(
        '{file}: "{column}" is a time by its name, but its values (first: {found}) are written in no known way. '
        "Known are: {formats}. Write the times as year-month-day or choose another column."
    )
    said = {"file": shorten(raw.name), "formats": "; ".join(TIME_FORMATS.values())}
    return tuple(
        Text(source, {**said, "column": shorten(header), "found": shorten(values.texts.drop_null()[0])})
        for header, match in found.items()
        if name and match.field is None and (values := sample.columns[header]).present
        if values.time.format is None and name_fit(header, table, name)[0] >= KNOWN_NAME
    )


def _missing(table: str, columns: Mapping[str, str]) -> list[Text]:
    missing = missing_fields(FileMapping(table, columns))
    source = N_("No column was found for {label}, which is needed.")
    return [Text(source, {"label": Text(LABELS[group[0]])}) for group in missing]
