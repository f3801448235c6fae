"""Answers to a survey → the table surveys: one answer to one question.

What a question is (`Kind`) may hold for the whole file, for the rows with one value of a column, or for one column of a wide file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.files import RawFile
from cx_metrics.reading.mapping import EXTRA, FileMapping, NameMapping
from cx_metrics.reading.numbers import read_numbers
from cx_metrics.reading.report import Mask, Report, shorten
from cx_metrics.reading.shapes import Kind
from cx_metrics.reading.spreading import Places
from cx_metrics.reading.touchpoints import Names, file_stage
from cx_metrics.reading.typed import Rowset, Typed, read_typed, table_schema
from cx_metrics.reading.words import fold
from cx_metrics.tables import SURVEY_TYPES
from cx_metrics.texts import N_, NP_, Text

# Lowest and highest answer where neither the user nor the file says it.
SCALES = {"nps": (0.0, 10.0), "csat": (1.0, 5.0), "ces": (1.0, 7.0)}
WITHOUT_SCORE = ("choice", "text")

INVALID = N_("The answer is not on its scale; the row was loaded and its answer counts as invalid.")
INVALID_COUNT = NP_(
    '{count} answer in "{column}" is not on its scale and counts as invalid '
    "(first: {found} in row {row}, on a scale from {low} to {high}).",
    '{count} answers in "{column}" are not on their scale and count as invalid '
    "(first: {found} in row {row}, on a scale from {low} to {high}).",
)
_NUMBERED = NP_(
    "{count} answer had no id and was named after its row.",
    "{count} answers had no id and were named after their rows.",
)
_IN_WORDS = NP_(
    "{count} answer was given in words and read as a number: {words}.",
    "{count} answers were given in words and read as numbers: {words}.",
)
_NO_ANSWER = NP_(
    "{count} answer means that nothing was answered ({words}) and counts as missing.",
    "{count} answers mean that nothing was answered ({words}) and count as missing.",
)
_NOT_USED = Text(N_("The weights are kept. Scores count every answer once, unless weighted scores are asked for."))
_WEIGHTED = NP_("{count} answer had no weight and counts 1.", "{count} answers had no weight and count 1.")


def read_surveys(raw: RawFile, mapping: FileMapping, names: Mapping[str, NameMapping] | None = None) -> Typed:
    """Which answers were given, and which of them can be counted?

    One row per row of the file, or per row and question of a wide one. A blank answer, or one that the mapping calls none, is
    `missing`; one that is no number, not on the scale, or not whole on an NPS question is `invalid`: such rows are loaded and
    flagged, because metrics count them. Rows are set aside for a time that is there but cannot be read, and for a weight that is
    no weight.

    Raises:
        MappingProblem: the mapping does not fit the file, or its touchpoints are ids (while the batches are read).
    """
    report = Report(raw.name, "surveys")
    known = Names(names or {}, raw.name, mapping.columns.get("touchpoint", ""))
    of_columns = _of_columns(mapping)
    wave = _wave_of_the_name(raw.name, mapping)
    if wave:
        words = N_(
            'The answers have no date and no wave. They count as the wave "{wave}", the year in the name of the file.'
        )
        report.assume(Text(words, {"wave": wave}))
    schema = table_schema(mapping, EXTRA["surveys"])

    def build(rows: Rowset) -> Mapping[str, pa.Array]:
        return _build(rows, known, of_columns, wave)

    return read_typed(raw, mapping, schema, build, report)


_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")


@dataclass(frozen=True)
class _Asked:
    """The kinds of question of a batch, and for each record the place of its kind among them."""

    kinds: list[Kind]
    of: Places

    def each(self, values: Sequence[str | float | bool | None], type_: pa.DataType) -> pa.Array:
        """One value for each kind → one for each record."""
        return pa.array(values, type_).take(pa.array(self.of))


def _of_columns(mapping: FileMapping) -> list[Kind]:
    """The kind of each column of a wide file."""
    found = []
    for column in mapping.spread.columns if mapping.spread and mapping.spread.kind == "answers" else ():
        kind = (column.kind or Kind()).over(mapping.kind)
        role = {"text": "text", "choice": "choice", "option": "choice"}.get(column.role)
        found.append(replace(kind, survey_type=role) if role else kind)
    return found


def _asked(rows: Rowset, of_columns: list[Kind]) -> _Asked:
    if rows.places is not None:
        return _Asked(of_columns, rows.places)
    split, whole = rows.mapping.kinds_by, rows.mapping.kind
    if split is None:
        return _Asked([whole], np.zeros(len(rows), np.int64))
    kinds = [whole, *(kind.over(whole) for kind in split.kinds.values())]
    place_of = {fold(value): place for place, value in enumerate(split.kinds, 1)}
    encoded = pc.fill_null(rows.batch.column(split.column), "").dictionary_encode()
    places = np.array([place_of.get(fold(value), 0) for value in encoded.dictionary.to_pylist()], np.int64)
    return _Asked(kinds, places[encoded.indices.to_numpy()])


def _wave_of_the_name(name: str, mapping: FileMapping) -> str | None:
    """The year in the name of a file whose answers say nothing of when they were given: "Survey 2017.csv" is the wave 2017."""
    if "answered_at" in mapping.filled or "wave" in mapping.filled:
        return None
    years = set(_YEAR.findall(name))
    return years.pop() if len(years) == 1 else None


def _build(rows: Rowset, names: Names, of_columns: list[Kind], wave: str | None) -> dict[str, pa.Array]:
    asked = _asked(rows, of_columns)
    kinds = _kinds(rows, asked)
    low, high = _scale(rows, kinds, asked)
    score, status = _scores(rows, kinds, low, high, asked)
    better = asked.each([kind.higher_is_better is not False for kind in asked.kinds], pa.bool_())
    columns = {
        "response_id": _ids(rows),
        "customer_id": rows.text("customer_id"),
        "answered_at": rows.times("answered_at"),
        "question": _filled(rows.text("question"), rows.header("score") or rows.header("comment") or ""),
        "survey_type": kinds,
        "scale_low": low,
        "scale_high": high,
        "higher_is_better": pc.coalesce(rows.yes_no("higher_is_better"), better),
        "score": score,
        "score_status": status,
        "comment": rows.text("comment"),
        "source": _filled(rows.text("source"), shorten(rows.raw.name)),
        "weight": _weights(rows),
    }
    columns |= {name: rows.text(name) for name in ("language", "wave", *EXTRA["surveys"])}
    columns["wave"] = _filled(columns["wave"], wave) if wave else columns["wave"]
    about = rows.text("touchpoint")
    columns["touchpoint"] = names.shown(about)
    columns["stage"] = names.axis(about, "stage", file_stage(rows.text("stage")))
    columns["channel"] = names.axis(about, "channel", rows.text("channel"))
    return columns


def _kinds(rows: Rowset, asked: _Asked) -> pa.Array:
    default = "rating" if rows.header("score") else "text"
    said = asked.each([kind.survey_type or default for kind in asked.kinds], pa.string())
    return pc.coalesce(rows.choice("survey_type", SURVEY_TYPES), said)


def _scale(rows: Rowset, kinds: pa.Array, asked: _Asked) -> tuple[pa.Array, pa.Array]:
    """Lowest and highest answer of each row: as its columns say, else as the user says, else as the type has it."""
    encoded = kinds.dictionary_encode()
    said = ([kind.scale_low for kind in asked.kinds], [kind.scale_high for kind in asked.kinds])
    ends = []
    for name, end in (("scale_low", 0), ("scale_high", 1)):
        usual = [SCALES.get(kind, (None, None))[end] for kind in encoded.dictionary.to_pylist()]
        by_type = pa.array(usual, pa.float64()).take(encoded.indices)
        ends.append(pc.coalesce(rows.numbers(name), asked.each(said[end], pa.float64()), by_type))
    nps = pc.equal(kinds, "nps")  # NPS has one scale, whatever a file says
    return pc.if_else(nps, SCALES["nps"][0], ends[0]), pc.if_else(nps, SCALES["nps"][1], ends[1])


def _scores(rows: Rowset, kinds: pa.Array, low: pa.Array, high: pa.Array, asked: _Asked) -> tuple[pa.Array, pa.Array]:
    values, numbers = _numbers(rows, asked)
    plain = pc.fill_null(numbers, np.nan).to_numpy(zero_copy_only=False)
    lowest = pc.fill_null(low, -np.inf).to_numpy(zero_copy_only=False)
    highest = pc.fill_null(high, np.inf).to_numpy(zero_copy_only=False)
    given: Mask = pc.is_valid(values).to_numpy(zero_copy_only=False)
    on_scale = ~np.isnan(plain) & (plain >= lowest) & (plain <= highest)
    nps = pc.equal(kinds, "nps").to_numpy(zero_copy_only=False)
    on_scale &= ~nps | (plain == np.floor(plain))
    words = pc.is_in(kinds, value_set=pa.array(WITHOUT_SCORE)).to_numpy(zero_copy_only=False)
    said = pc.is_valid(rows.text("comment")).to_numpy(zero_copy_only=False)
    valid = np.where(words & ~given, said, on_scale)
    status = np.where(valid, "valid", np.where(given, "invalid", "missing"))
    invalid = given & ~valid
    first = int(np.argmax(invalid)) if len(invalid) else 0
    ends = {"low": _end(low, first), "high": _end(high, first)}
    rows.flag(invalid, "score", values, Text(INVALID, ends), INVALID_COUNT)
    return numbers, pa.array(status, pa.string())


def _numbers(rows: Rowset, asked: _Asked) -> tuple[pa.Array, pa.Array]:
    """The answers as texts, those that mean none taken out, and their numbers, words read as the mapping says."""
    values = rows.text("score")
    if not any(kind.no_answer or kind.score_words for kind in asked.kinds):
        return values, read_numbers(values, rows.mapping.decimal_comma).values
    encoded = values.dictionary_encode()
    texts = encoded.dictionary
    folds = [fold(text) for text in texts.to_pylist()]
    plain = read_numbers(texts, rows.mapping.decimal_comma).values
    numbers = pc.fill_null(plain, np.nan).to_numpy(zero_copy_only=False)
    index = pc.fill_null(encoded.indices, -1).to_numpy()
    none, found = np.zeros(len(rows), bool), np.full(len(rows), np.nan)
    for place, kind in enumerate(asked.kinds):
        mine = (asked.of == place) & (index >= 0)
        if mine.any():
            no_answer, by_word = _meaning(kind, folds, numbers, rows.mapping.decimal_comma)
            none[mine] = no_answer[index[mine]]
            found[mine] = np.where(np.isnan(by_word), numbers, by_word)[index[mine]]
            rows.assume_counted(_NO_ANSWER, int((mine & none & rows.keep).sum()), kind.no_answer or ())
            in_words = mine & ~none
            in_words[mine] &= ~np.isnan(by_word)[index[mine]]
            shown = [f"{word} = {number:g}" for word, number in (kind.score_words or {}).items()]
            rows.assume_counted(_IN_WORDS, int((in_words & rows.keep).sum()), shown)
    without = pa.array(none)
    left = pc.if_else(without, pa.scalar(None, pa.string()), values)
    return left, pa.array(found, mask=none | np.isnan(found))


def _meaning(
    kind: Kind, folds: list[str], numbers: npt.NDArray[np.float64], decimal_comma: bool
) -> tuple[Mask, npt.NDArray[np.float64]]:
    """Which of the texts mean no answer, and the number of those that are words. Numbers are compared as numbers: 0 is 0.0."""
    named = [fold(value) for value in kind.no_answer or ()]
    as_numbers = read_numbers(pa.array(named, pa.string()), decimal_comma).values.drop_null().to_numpy()
    none: Mask = np.isin(numbers, as_numbers) | np.isin(np.array(folds, object), np.array(named, object))
    words = {fold(word): number for word, number in (kind.score_words or {}).items()}
    return none, np.array([words.get(text, np.nan) for text in folds], float)


def _ids(rows: Rowset) -> pa.Array:
    given = rows.text("response_id")
    without = int(given.null_count)
    if without and rows.header("response_id"):
        rows.report.assume(Text(_NUMBERED[0], {"count": without}, _NUMBERED[1], without))
    made = pa.array([f"{shorten(rows.raw.name)}:{row}" for row in rows.rows]) if without else given
    return pc.coalesce(given, made)


def _weights(rows: Rowset) -> pa.Array:
    if not rows.header("weight"):
        return pa.array(np.ones(len(rows)))
    rows.report.assume(_NOT_USED)
    values = rows.text("weight")
    numbers = read_numbers(values, rows.mapping.decimal_comma)
    weights = pc.fill_null(numbers.values, 1.0)
    bad = numbers.unreadable | pc.less(weights, 0.0).to_numpy(zero_copy_only=False)
    rows.set_aside(bad, "weight", values, Text(N_("The weight is not a number from 0 up.")))
    blank = int(values.null_count)
    if blank:
        rows.report.assume(Text(_WEIGHTED[0], {"count": blank}, _WEIGHTED[1], blank))
    return weights


def _filled(values: pa.Array, default: str) -> pa.Array:
    return pc.fill_null(values, default)


def _end(ends: pa.Array, place: int) -> int | float | str:
    """One end of a scale as it may stand in a message."""
    end = ends[place].as_py() if len(ends) else None
    if end is None:
        return "…"
    return int(end) if end == int(end) else float(end)
