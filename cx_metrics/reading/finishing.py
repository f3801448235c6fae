"""From columns that are known to a whole mapping: times, numbers, scales, wide files, and what a person must be asked."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.aliases import LABELS
from cx_metrics.reading.batches import read_batches
from cx_metrics.reading.clock_columns import ClockFound, find_clock
from cx_metrics.reading.dates import TIME_FORMATS, TimeGuess, guess_time_format
from cx_metrics.reading.files import RawFile
from cx_metrics.reading.ids import looks_damaged_ids
from cx_metrics.reading.mapping import FileMapping, missing_fields
from cx_metrics.reading.matching import HALF, KEPT, KNOWN_NAME, NUMBERS, TIMES, ColumnMatch, name_fit
from cx_metrics.reading.presets import Match, propose
from cx_metrics.reading.presets.proposals import spread_reason
from cx_metrics.reading.questions import (
    Question,
    customer_question,
    day_or_month,
    rated_question,
    score_questions,
    wide_question,
    with_clock,
)
from cx_metrics.reading.recognition import Recognition
from cx_metrics.reading.report import shorten
from cx_metrics.reading.sample import Sample, Values
from cx_metrics.reading.scale import guess_scale, word_scale
from cx_metrics.reading.shapes import Kind, KindsBy
from cx_metrics.reading.wide import Wide
from cx_metrics.reading.words import means_no_answer
from cx_metrics.texts import N_, NP_, Text

BATCHES_READ_ON = 10  # some 600,000 rows
FEW_ROWS = 20  # with fewer rows, each with its own customer says nothing

IDS = ("customer_id", "case_id", "session_id", "response_id")
_DOUBT = N_('"{column}" (first: {found}): {doubt}')
_MONTH_FIRST = N_(
    'Every date in "{column}" can be read as day/month or as month/day (first: {found}). '
    "Month first is taken, as this tool usually writes it; choose day first if that is wrong."
)


def finish(
    raw: RawFile, sample: Sample, table: str, confidence: float, reason: Text, found: dict[str, ColumnMatch]
) -> Recognition:
    columns = {match.field: match.column for match in found.values() if match.field}
    times, problems, asked = _time_format(raw, sample, columns)
    clock = find_clock(sample, table, columns, times.format)
    problems += clock.notes
    asked += [clock.question] if clock.question else []
    unreadable = _unreadable_times(raw, sample, table, found)
    blockers = unreadable if table == "touchpoints" and "occurred_at" not in columns else ()
    found_one = {"touchpoints": "occurred_at", "surveys": "answered_at"}.get(table) in columns
    problems += () if blockers or found_one else unreadable  # beside a time, the list of columns says it
    problems += _damaged_ids(sample, columns)
    if table == "touchpoints" and not {"occurred_at", "sequence"} & set(columns):
        problems.append(Text(N_("No column holds times or an order number: the rows are taken to be in order.")))
    if table == "touchpoints" and sample.rows >= FEW_ROWS and _one_step(sample, columns):
        source = N_(
            'Nearly every row has its own "{column}", so journeys have one step. Is another column the customer?'
        )
        problems.append(Text(source, {"column": shorten(columns["customer_id"])}))
    decimal_comma, mixed = _decimal_comma(sample, [h for name, h in columns.items() if name in NUMBERS])
    scale, said = _scale(sample, table, columns)
    ends = (scale.scale_low, scale.scale_high, scale.higher_is_better) if scale else (None, None, None)
    found_all = Recognition(
        table,
        confidence,
        reason,
        _with_clock(found, clock),
        times.format,
        decimal_comma,
        scale.survey_type if scale else "text" if table == "surveys" and "score" not in columns else None,
        *ends,
        (*problems, *mixed, *said, *_missing(table, columns)),
        blockers,
        no_answer=(scale.no_answer or ()) if scale else (),
        score_words=(scale.score_words or {}) if scale else {},
        kinds_by=_kinds_by_question(sample, table, columns),
        clock=clock.header,
    )
    return replace(found_all, questions=(*asked, *_questions(sample, mapping_of(raw, found_all))))


def _with_clock(found: Mapping[str, ColumnMatch], clock: ClockFound) -> tuple[ColumnMatch, ...]:
    """The columns, with the one that is the time of day told as such."""
    if clock.header is None or clock.reason is None:
        return tuple(found.values())
    is_it = ColumnMatch(clock.header, None, KNOWN_NAME, clock.reason, "clock")
    return tuple(is_it if match.column == clock.header else match for match in found.values())


def by_preset(raw: RawFile, sample: Sample, match: Match, table: str | None) -> Recognition | None:
    """What a file is as the export of a tool; None where a column is missing without which the preset is of no use."""
    proposal = propose(match.preset, sample, raw.name, table)
    name, label = match.preset.name, match.reason
    if proposal.mapping is None:
        blocked = (proposal.blocked,) if proposal.blocked else ()
        return Recognition(None, match.confidence, label, proposal.matches, blockers=blocked, preset=name)
    mapping = proposal.mapping
    if missing_fields(mapping):
        return None
    times, problems, asked = _time_format(raw, sample, mapping.columns, _spread_times(mapping), match.preset.usual_time)
    numbers = [header for field, header in mapping.columns.items() if field in NUMBERS]
    costs = list(mapping.spread.headers) if mapping.spread and mapping.spread.kind.startswith("costs") else []
    decimal_comma, mixed = _decimal_comma(sample, numbers + costs)
    mapping = replace(mapping, time_format=times.format or "iso", decimal_comma=decimal_comma)
    said: tuple[Text, ...] = ()
    if "score" in mapping.columns and mapping.survey_type is None and mapping.kinds_by is None:
        mapping, said = _with_scale(sample, mapping)
    notes = (*proposal.notes, *problems, *mixed, *said)
    questions = (*asked, *proposal.questions, *_questions(sample, mapping))
    return _as_proposed(mapping, match.confidence, label, proposal.matches, notes, questions)


def with_wide(
    raw: RawFile, sample: Sample, plain: Recognition, found: Mapping[str, ColumnMatch], wide: Wide
) -> Recognition:
    """The file as a wide one, where that is sure, or as it is recognised otherwise; the other way is asked for."""
    one = mapping_of(raw, plain)
    taken = {*wide.spread.headers}
    columns = {
        m.field: m.column
        for m in found.values()
        if m.field and m.column not in taken and m.field not in wide.spread.makes
    }
    each = FileMapping(wide.table, columns, spread=wide.spread)
    times, problems, asked = _time_format(raw, sample, columns, _spread_times(each))
    numbers = [header for field, header in columns.items() if field in NUMBERS]
    costs = [*wide.spread.headers] if wide.table == "spend" else []
    decimal_comma, mixed = _decimal_comma(sample, numbers + costs)
    taken |= set(columns.values())
    rest = tuple(name for name in raw.header if name not in taken)
    each = replace(each, attributes=rest, time_format=times.format or "iso", decimal_comma=decimal_comma)
    each = with_clock(each, plain.clock)
    if missing_fields(each):
        return plain
    asked += [question for question in plain.questions if question.key == "clock" and each.clock]
    of_each = _questions(sample, each)
    if wide.doubtful:
        of_each = (rated_question(wide.doubtful, raw.header), *of_each)
    if missing_fields(one) or one.table != each.table:
        questions: tuple[Question, ...] = (*asked, *of_each)
        matches = _wide_matches(raw, found, each)
        return _as_proposed(each, wide.confidence, wide.reason, matches, (wide.reason, *problems, *mixed), questions)
    chosen = "each" if wide.sure else "one"
    way = wide_question(one, each, chosen, wide.reason)
    of_both = ("day_or_month", "clock")
    either = [replace(q, only_if=("wide", "one")) for q in plain.questions if q.key not in of_both]
    also = [replace(q, only_if=("wide", "each")) for q in of_each]
    if not wide.sure:
        return replace(plain, questions=(*[q for q in plain.questions if q.key in of_both], way, *either, *also))
    matches = _wide_matches(raw, found, each)
    notes = (wide.reason, *problems, *mixed)
    return _as_proposed(each, wide.confidence, wide.reason, matches, notes, (*asked, way, *either, *also))


def _as_proposed(
    mapping: FileMapping,
    confidence: float,
    reason: Text,
    matches: tuple[ColumnMatch, ...],
    notes: tuple[Text, ...],
    questions: tuple[Question, ...],
) -> Recognition:
    return Recognition(
        mapping.table,
        confidence,
        reason,
        matches,
        mapping.time_format,
        mapping.decimal_comma,
        mapping.survey_type,
        mapping.scale_low,
        mapping.scale_high,
        mapping.higher_is_better,
        notes,
        preset=mapping.preset,
        proposed=mapping,
        questions=questions,
        no_answer=mapping.no_answer,
        score_words=mapping.score_words,
        kinds_by=mapping.kinds_by,
    )


def _wide_matches(raw: RawFile, found: Mapping[str, ColumnMatch], each: FileMapping) -> tuple[ColumnMatch, ...]:
    spread = {column.column: column for column in each.spread.columns} if each.spread else {}
    fields = {column: name for name, column in each.columns.items()}
    return tuple(
        ColumnMatch(name, None, 0.7, spread_reason(spread[name], each.spread), "spread")
        if name in spread
        else found[name]
        if name in fields
        else ColumnMatch(name, None, 0.0, KEPT)
        for name in raw.header
    )


def mapping_of(raw: RawFile, found: Recognition) -> FileMapping:
    """The mapping of a file whose rows are records."""
    taken = {*found.columns.values(), found.clock}
    rest = tuple(name for name in raw.header if name not in taken)
    return FileMapping(
        found.table or "touchpoints",
        found.columns,
        rest,
        found.time_format or "iso",
        found.survey_type,
        found.scale_low,
        found.scale_high,
        found.higher_is_better,
        found.decimal_comma,
        no_answer=found.no_answer,
        score_words=found.score_words,
        kinds_by=found.kinds_by,
        clock=found.clock,
    )


def _questions(sample: Sample, mapping: FileMapping) -> tuple[Question, ...]:
    who = customer_question(sample, mapping) if mapping.table != "spend" else None
    return (*((who,) if who else ()), *score_questions(sample, mapping))


def _spread_times(mapping: FileMapping) -> list[str]:
    return list(mapping.spread.headers) if mapping.spread and mapping.spread.kind == "times" else []


def _decimal_comma(sample: Sample, headers: Sequence[str]) -> tuple[bool, tuple[Text, ...]]:
    """Whether numbers are written with a decimal comma, and what is doubtful about it."""
    commas = [sample.columns[header].decimal_comma for header in headers]
    if True in commas and False in commas:
        return False, (Text(N_("Some columns write a decimal comma, others a decimal point; the point is taken.")),)
    return True in commas, ()


def _with_scale(sample: Sample, mapping: FileMapping) -> tuple[FileMapping, tuple[Text, ...]]:
    """The kind and scale of a column of scores that a preset leaves open."""
    if mapping.score_words:
        low, high = min(mapping.score_words.values()), max(mapping.score_words.values())
        return replace(mapping, survey_type="csat", scale_low=low, scale_high=high, higher_is_better=True), ()
    kind, said = _scale(sample, "surveys", mapping.columns)
    if kind is None:
        return mapping, said
    none = (*mapping.no_answer, *(kind.no_answer or ()))
    ends = {"scale_low": kind.scale_low, "scale_high": kind.scale_high}
    mapping = replace(mapping, survey_type=kind.survey_type, higher_is_better=kind.higher_is_better, no_answer=none)
    return replace(
        mapping, scale_low=ends["scale_low"], scale_high=ends["scale_high"], score_words=kind.score_words or {}
    ), said


def _kinds_by_question(sample: Sample, table: str, columns: Mapping[str, str]) -> KindsBy | None:
    """The kind of each question, where a file with a column for questions holds several on different scales."""
    if table != "surveys" or not {"question", "score"} <= set(columns) or "survey_type" in columns:
        return None
    questions, scores = sample.columns[columns["question"]], sample.columns[columns["score"]]
    kinds = {}
    for question in questions.distinct_texts:
        mine = Values(scores.texts.filter(pc.fill_null(pc.equal(questions.texts, question), False)))
        if mine.present and mine.number_share >= HALF:
            guess = guess_scale(question, mine)
            kinds[question] = Kind(guess.survey_type, guess.low, guess.high, guess.higher_is_better)
    different = {(kind.survey_type, kind.scale_low, kind.scale_high, kind.higher_is_better) for kind in kinds.values()}
    return KindsBy(columns["question"], kinds) if len(different) > 1 else None


def _damaged_ids(sample: Sample, columns: Mapping[str, str]) -> list[Text]:
    """What a spreadsheet did to the ids of the file."""
    source = N_('"{column}": {damage}')
    found = {columns[name]: looks_damaged_ids(sample.columns[columns[name]].texts) for name in IDS if name in columns}
    return [Text(source, {"column": shorten(header), "damage": damage}) for header, damage in found.items() if damage]


def _one_step(sample: Sample, columns: Mapping[str, str]) -> bool:
    return "customer_id" in columns and sample.columns[columns["customer_id"]].near_unique


def _scale(sample: Sample, table: str, columns: Mapping[str, str]) -> tuple[Kind | None, tuple[Text, ...]]:
    """Kind of question and scale of the whole file, where no column says them row by row."""
    if table != "surveys" or "score" not in columns or "survey_type" in columns:
        return None, ()
    header = columns["score"]
    values = sample.columns[header]
    asked = sample.columns[columns["question"]].texts.drop_null().unique().to_pylist() if "question" in columns else []
    none = tuple(text for text in values.distinct_texts if means_no_answer(text)) if values.number_share < 1 else ()
    in_words = word_scale(header, values.distinct_texts) if values.number_share < HALF else None
    if in_words:
        said = {"column": shorten(header), "low": in_words.scale_low, "high": in_words.scale_high}
        source = N_(
            'The answers in "{column}" are words of a known scale; they are read as numbers from {low} to {high}.'
        )
        return replace(in_words, no_answer=none), (Text(source, said),)
    guess = guess_scale(header, values, asked[0] if len(asked) == 1 else "")
    kind = Kind(guess.survey_type, guess.low, guess.high, guess.higher_is_better, none)
    if len(asked) > 1:
        split = _kinds_by_question(sample, table, columns)
        one, many = NP_(
            "The file holds {questions} question and no column for its kind: all answers are read alike.",
            "The file holds {questions} questions and no column for their kind: all are read alike.",
        )
        if split:
            one, many = NP_(
                "The file holds {questions} question: it is read on the scale that its name and its answers say.",
                "The file holds {questions} questions: each is read on the scale that its name and its answers say.",
            )
        counted = Text(one, {"questions": len(asked)}, many, len(asked))
        return kind, (*(() if split else (guess.reason,)), counted)
    return kind, (guess.reason,)


def _time_format(
    raw: RawFile, sample: Sample, columns: Mapping[str, str], also: Sequence[str] = (), usual: str | None = None
) -> tuple[TimeGuess, list[Text], list[Question]]:
    """One format for the times of the file, what is doubtful about it, and what must be asked.

    `also`: further columns with times. `usual`: how the tool writes days and months where its dates can be read both ways.
    """
    headers = [*(header for name, header in columns.items() if name in TIMES), *also]
    if not headers:
        return TimeGuess(None, 0, 0), [], []
    values = pa.concat_arrays([sample.columns[header].texts for header in headers])
    guess = _read_on(raw, headers, guess_time_format(values, sure=True))
    found = shorten(next((v for v in values.to_pylist() if v), ""))
    said = {"column": shorten(headers[0]), "found": found}
    problems, asked = [], []
    if guess.doubt is not None and guess.format and guess.also:
        both = (guess.format, guess.also)
        question = day_or_month(headers[0], found, both, usual if usual in both else None)
        asked.append(question)
        by_tool = question.chosen != guess.format
        problems.append(Text(_MONTH_FIRST, said) if by_tool else Text(_DOUBT, {**said, "doubt": guess.doubt}))
        guess = replace(guess, format=question.chosen)
    if guess.format and guess.readable < guess.of:
        counted = {**said, "readable": guess.readable, "of": guess.of, "format": Text(TIME_FORMATS[guess.format])}
        one, many = NP_(
            '{readable} of {of} value in the sample of "{column}" is a usable date written as {format}; '
            "other rows will be set aside.",
            '{readable} of {of} values in the sample of "{column}" are usable dates written as {format}; '
            "other rows will be set aside.",
        )
        problems.append(Text(one, counted, many, guess.of))
    return guess, problems, asked


def _read_on(raw: RawFile, headers: list[str], guess: TimeGuess) -> TimeGuess:
    """Where the sample leaves open whether the day or the month comes first, the first later row that tells decides.

    A log sorted by time often begins with the first days of a month.
    """
    if not guess.ambiguous:
        return guess
    for batch, _, _ in itertools.islice(read_batches(raw), BATCHES_READ_ON):
        for header in headers:
            later = guess_time_format(Values(batch.column(header)).texts, sure=True)
            if later.format and not later.ambiguous:
                return later
    return guess


def _unreadable_times(raw: RawFile, sample: Sample, table: str, found: Mapping[str, ColumnMatch]) -> tuple[Text, ...]:
    """Columns that are times by their names, but whose values are not written in a known way."""
    name = {"touchpoints": "occurred_at", "surveys": "answered_at"}.get(table)
    source = N_(
        '{file}: "{column}" is a time by its name, but its values (first: {found}) are written in no known way. '
        "Write the times as year-month-day or choose another column."
    )
    said = {"file": shorten(raw.name)}
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
