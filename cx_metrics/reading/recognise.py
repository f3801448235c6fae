"""Their headers → our columns, each with a confidence and a reason that the Data page shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import pyarrow as pa

from cx_metrics.errors import MappingProblem
from cx_metrics.reading.aliases import ALIASES, LABELS, plain, words
from cx_metrics.reading.dates import TIME_FORMATS, guess_time_format
from cx_metrics.reading.files import RawFile
from cx_metrics.reading.mapping import (
    REQUIRED,
    FileMapping,
    header_list,
    mappable,
    missing_columns,
    missing_fields,
    one_column_hint,
)
from cx_metrics.reading.report import shorten
from cx_metrics.reading.sample import ALMOST_ALL, Sample, Values, take_sample
from cx_metrics.reading.scale import ScaleGuess, guess_scale
from cx_metrics.reading.typed import NO, YES
from cx_metrics.tables import PHASES, SURVEY_TYPES, TABLES, TOUCHPOINT_TYPES
from cx_metrics.texts import N_, Text

TIMES = frozenset({"occurred_at", "answered_at", "period_start", "period_end", "changed_at"})
NUMBERS = frozenset(
    {"value", "cost", "duration_seconds", "weight", "impressions", "clicks", "score", "scale_low", "scale_high"}
)
CHOICES: Mapping[str, tuple[str, ...]] = {
    "touchpoint_type": TOUCHPOINT_TYPES,
    "phase": PHASES,
    "survey_type": SURVEY_TYPES,
    "higher_is_better": (*YES, *NO),
}
# Columns that a header may name with a word more ("delivery date"); for the others a longer header means something else.
PARTLY = TIMES | {"value", "cost", "score", "comment", "channel"}
# Names of an order number that are believed even where the file has times.
SURE_ORDER = frozenset(
    {"sequence", "sequencenumber", "seq", "seqno", "eventsequence", "eventindex", "eventnumber", "hitnumber"}
)
SURE_TABLE = 0.5  # below this the user is asked which table it is
FEW_ROWS = 20  # with fewer rows, each with its own customer says nothing
LIKELY_TABLE = 0.3  # below this no table is even named


@dataclass(frozen=True)
class ColumnMatch:
    """One column of the file: which of ours it is (None = kept as an attribute), how sure that is, and why."""

    column: str
    field: str | None
    confidence: float
    reason: Text


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


def recognise(raw: RawFile, table: str | None = None, sample_rows: int = 2000) -> Recognition:
    """What does this file hold, which column is which, and how sure is that?

    Headers are compared with known names in four languages, values in the first `sample_rows` rows with what a column
    must hold. `table` fixes the table; otherwise the one that fits best is taken, or none.
    """
    sample = take_sample(raw, sample_rows)
    if table is not None:
        found = _match(sample, table)
        return _finish(sample, table, 1.0, Text(N_("the table was chosen by hand")), found)
    fits = {name: _match(sample, name) for name in TABLES}
    scores = _table_scores(sample, fits)
    best = max(scores, key=lambda name: scores[name])
    if scores[best] < SURE_TABLE:
        unsure = Text(N_("no table fits these columns well; choose what the file is"))
        kept = tuple(ColumnMatch(name, None, 0.0, _KEPT) for name in raw.header)
        nearest = best if scores[best] >= LIKELY_TABLE and best != "changes" else None
        return Recognition(None, round(scores[best], 2), unsure, kept, nearest=nearest)
    columns = ", ".join(f'"{shorten(match.column)}"' for match in fits[best].values() if match.field in _needed(best))
    return _finish(
        sample, best, round(scores[best], 2), Text(N_("it has the columns {columns}"), {"columns": columns}), fits[best]
    )


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


_KEPT = Text(N_("no known name; kept as it is"))


def _needed(table: str) -> set[str]:
    optional = {"touchpoints": {"occurred_at", "sequence"}, "surveys": {"answered_at"}}.get(table, set())
    return {name for group in REQUIRED[table] for name in group} | optional


def _match(sample: Sample, table: str) -> dict[str, ColumnMatch]:
    """Each header with the column of ours it fits best; a column of ours is given once, to the best header."""
    offers = [
        offer
        for header, values in sample.columns.items()
        for name in mappable(table)
        if (offer := _offer(header, values, table, name))
    ]
    found: dict[str, ColumnMatch] = {}
    given: dict[str, str] = {}
    refused: dict[str, ColumnMatch] = {}
    for offer in sorted(offers, key=lambda o: -o.confidence):
        name = offer.field
        if name is None:
            refused.setdefault(offer.column, offer)
        elif offer.column not in found and name not in given:
            found[offer.column] = offer
            given[name] = offer.column
        elif offer.column not in found:
            better = {"label": Text(LABELS[name]), "better": shorten(given[name])}
            reason = Text(N_('it may be {label} too, but "{better}" fits better; kept as it is'), better)
            refused.setdefault(offer.column, ColumnMatch(offer.column, None, 0.0, reason))
    _add_by_values(sample, table, found, given)
    _stand_in(sample, table, found, given)
    return {
        name: found.get(name) or refused.get(name) or ColumnMatch(name, None, 0.0, _KEPT) for name in sample.columns
    }


def _offer(header: str, values: Values, table: str, name: str) -> ColumnMatch | None:
    """How well a header and its values fit one column of ours; without a field where the values speak against it."""
    confidence, by_header = _name_fit(header, table, name)
    if by_header is None:
        return None
    share, by_values = _value_fit(values, name)
    if share < 0.5:
        reason = Text(
            N_("{by_header}, but {by_values}; kept as it is"), {"by_header": by_header, "by_values": by_values or ""}
        )
        return ColumnMatch(header, None, confidence, reason)
    both = {"by_header": by_header, "by_values": by_values}
    reason = Text(N_("{by_header}, and {by_values}"), both) if by_values else by_header
    return ColumnMatch(header, name, round(confidence * (0.5 + share / 2), 3), reason)


def _name_fit(header: str, table: str, name: str) -> tuple[float, Text | None]:
    known = _known_names(table, name)
    place = known.get(plain(header))
    label = {"label": Text(LABELS[name])}
    if place is not None:
        return max(0.95 - 0.003 * place, 0.7), Text(N_("the header is a known name for {label}"), label)
    if name in PARTLY:
        parts = words(header)
        for length in range(len(parts) - 1, 0, -1):
            for part in ("".join(parts[-length:]), "".join(parts[:length])):
                if len(part) > 3 and part in known:
                    return max(0.65 - 0.003 * known[part], 0.5), Text(
                        N_("the header holds a known name for {label}"), label
                    )
    return 0.0, None


@cache
def _known_names(table: str, name: str) -> dict[str, int]:
    """Known headers of a column of ours → their place in the list, the best first."""
    known: dict[str, int] = {}
    for place, alias in enumerate((name, *ALIASES[table][name])):
        known.setdefault(plain(alias), place)
    return known


def _value_fit(values: Values, name: str) -> tuple[float, Text | None]:
    """Share of the values that fit a column of ours, and what that says."""
    if not values.present:
        return 0.6, Text(N_("it is blank in the sample"))
    if name in TIMES:
        return values.time.share, values.time.reason
    if name in CHOICES:
        allowed = {"allowed": ", ".join(CHOICES[name]), "fitting_share": values.share_in(CHOICES[name])}
        return values.share_in(CHOICES[name]), Text(N_("{fitting_share} of its values are one of {allowed}"), allowed)
    if name == "sequence":
        good = values.number_share == 1.0 and values.whole
        return float(good), Text(
            N_("its values are whole numbers") if good else N_("its values are not all whole numbers")
        )
    if name in NUMBERS:
        number = {"number_share": values.number_share}
        return values.number_share, Text(N_("{number_share} of its values are numbers"), number)
    if name == "comment":
        words_share = {"words_share": 1 - values.number_share}
        return 1 - values.number_share, Text(N_("{words_share} of its values are words"), words_share)
    if name in ("response_id", "customer_id") and values.near_unique:
        return 1.0, Text(N_("nearly every row has a value of its own"))
    return 1.0, None


def _add_by_values(sample: Sample, table: str, found: dict[str, ColumnMatch], given: dict[str, str]) -> None:
    """A time that no header names is known by its values, where they are calendar dates."""
    name = {
        "touchpoints": "occurred_at",
        "surveys": "answered_at",
        "changes": "changed_at",
        "spend": "period_start",
    }.get(table)
    if name is None or name in given:
        return
    for header, values in sample.columns.items():
        if header not in found and values.present and values.calendar_time.share >= ALMOST_ALL:
            found[header] = ColumnMatch(header, name, 0.5, values.calendar_time.reason)
            given[name] = header
            return


def _stand_in(sample: Sample, table: str, found: dict[str, ColumnMatch], given: dict[str, str]) -> None:
    """A log without customers: each case, or else each visit, stands for one. An order number gives way to times."""
    if table != "touchpoints":
        return
    if "customer_id" not in given:
        for name in ("case_id", "session_id"):
            if name in given and not sample.columns[given[name]].near_unique:
                header = given.pop(name)
                label = {"label": Text(LABELS[name])}
                reason = Text(N_("the file names no customer: {label} stands for one"), label)
                found[header] = ColumnMatch(header, "customer_id", 0.6, reason)
                given["customer_id"] = header
                break
    order = given.get("sequence")
    if order and "occurred_at" in given and plain(order) not in SURE_ORDER:
        reason = Text(N_("it may be an order number, but the file has times; kept as it is"))
        found[order] = ColumnMatch(order, None, 0.0, reason)
        del given["sequence"]


def _table_scores(sample: Sample, fits: Mapping[str, dict[str, ColumnMatch]]) -> dict[str, float]:
    """How well each table fits, 0..1: the confidence of the columns it needs, with what speaks against it."""
    by_field = {table: {m.field: m for m in matches.values() if m.field} for table, matches in fits.items()}

    def sure(table: str, *names: str) -> float:
        return max((by_field[table][name].confidence for name in names if name in by_field[table]), default=0.0)

    touchpoints = (sure("touchpoints", "customer_id") + sure("touchpoints", "touchpoint")) / 2
    touchpoints *= 1.0 if sure("touchpoints", "occurred_at", "sequence") else 0.7
    surveys = max(sure("surveys", "score"), 0.7 * sure("surveys", "comment"))
    surveys *= 1.0 if sure("surveys", "answered_at", "response_id", "customer_id", "comment") else 0.6
    scored = by_field["surveys"].get("score") or by_field["surveys"].get("comment")
    if min(touchpoints, surveys) >= SURE_TABLE and scored:
        # A log in which few rows carry a score is a log; answers about touchpoints are answers.
        mostly = sample.columns[scored.column].filled_share >= 0.5 and "score" in by_field["surveys"]
        touchpoints, surveys = (touchpoints * 0.7, surveys) if mostly else (touchpoints, surveys * 0.7)
    who = sure("customers", "customer_id")
    spend = (
        sure("spend", "cost") + sure("spend", "period_start") + max(sure("spend", "channel"), sure("spend", "campaign"))
    ) / 3
    spend *= 1.0 if sure("spend", "cost") and sure("spend", "period_start") else 0.7
    changes = (sure("changes", "changed_at") + sure("changes", "title")) / 2
    customers = 0.0
    if who:
        spend, changes = spend * 0.5, changes * 0.4
        customer = by_field["customers"]["customer_id"].column
        customers = who * 0.85 if sample.columns[customer].near_unique else 0.0
    if max(touchpoints, surveys) >= SURE_TABLE:
        customers, changes = customers * 0.5, changes * 0.5
    return {"touchpoints": touchpoints, "surveys": surveys, "customers": customers, "spend": spend, "changes": changes}


def _finish(sample: Sample, table: str, confidence: float, reason: Text, found: dict[str, ColumnMatch]) -> Recognition:
    columns = {match.field: match.column for match in found.values() if match.field}
    time_format, problems = _time_format(sample, columns)
    unreadable = _unreadable_times(sample, table, found)
    blockers = unreadable if table == "touchpoints" and "occurred_at" not in columns else ()
    problems += () if blockers else unreadable
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


def _time_format(sample: Sample, columns: Mapping[str, str]) -> tuple[str | None, list[Text]]:
    """One format for the times of the file, and what is doubtful about it."""
    headers = [header for name, header in columns.items() if name in TIMES]
    if not headers:
        return None, []
    values = pa.concat_arrays([sample.columns[header].texts for header in headers])
    guess = guess_time_format(values)
    said = {"column": shorten(headers[0]), "found": shorten(next((v for v in values.to_pylist() if v), ""))}
    problems = []
    if guess.ambiguous:
        source = N_(
            'Every date in the sample of "{column}" can be read as day/month or as month/day (first: {found}). '
            "Day first is taken; choose month first if that is wrong."
        )
        problems.append(Text(source, said))
    if guess.format and guess.readable < guess.of:
        counted = {**said, "readable": guess.readable, "of": guess.of, "format": Text(TIME_FORMATS[guess.format])}
        source = N_(
            '{readable} of {of} values in the sample of "{column}" are usable dates written as {format}; other rows will be set aside.'
        )
        problems.append(Text(source, counted))
    return guess.format, problems


def _unreadable_times(sample: Sample, table: str, found: Mapping[str, ColumnMatch]) -> tuple[Text, ...]:
    """Columns that are times by their names, but whose values are not written in a known way."""
    name = {"touchpoints": "occurred_at", "surveys": "answered_at"}.get(table)
    source = N_(
        '"{column}" is a time by its name, but its values (first: {found}) are written in no known way. '
        "Known are: {formats}. Write the times as year-month-day or choose another column."
    )
    formats = "; ".join(TIME_FORMATS.values())
    return tuple(
        Text(source, {"column": shorten(header), "found": shorten(values.texts.drop_null()[0]), "formats": formats})
        for header, match in found.items()
        if name and match.field is None and (values := sample.columns[header]).present
        if values.time.format is None and _name_fit(header, table, name)[0] >= 0.7
    )


def _missing(table: str, columns: Mapping[str, str]) -> list[Text]:
    missing = missing_fields(FileMapping(table, columns))
    source = N_("No column was found for {label}, which is needed.")
    return [Text(source, {"label": Text(LABELS[group[0]])}) for group in missing]
