"""Answers to a survey → the table surveys: one answer to one question."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.files import RawFile
from cx_metrics.reading.mapping import EXTRA, FileMapping, NameMapping
from cx_metrics.reading.numbers import read_numbers
from cx_metrics.reading.report import Mask, Report, shorten
from cx_metrics.reading.touchpoints import Names, file_stage
from cx_metrics.reading.typed import Rowset, Typed, read_typed, table_schema
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
_NOT_USED = Text(N_("The weights are kept, but scores count every answer once."))
_WEIGHTED = NP_("{count} answer had no weight and counts 1.", "{count} answers had no weight and count 1.")


def read_surveys(raw: RawFile, mapping: FileMapping, names: Mapping[str, NameMapping] | None = None) -> Typed:
    """Which answers were given, and which of them can be counted?

    One row per row of the file. A blank answer is `missing`, one that is no number, not on the scale, or not whole on
    an NPS question is `invalid`: such rows are loaded and flagged, because metrics count them. Rows are set aside for a
    time that is there but cannot be read, and for a weight that is no weight.

    Raises:
        MappingProblem: the mapping does not fit the file, or its touchpoints are ids (while the batches are read).
    """
    report = Report(raw.name, "surveys")
    known = Names(names or {}, raw.name, mapping.columns.get("touchpoint", ""))
    schema = table_schema(mapping, EXTRA["surveys"])

    def build(rows: Rowset) -> Mapping[str, pa.Array]:
        return _build(rows, known)

    return read_typed(raw, mapping, schema, build, report)


def _build(rows: Rowset, names: Names) -> dict[str, pa.Array]:
    kinds = _kinds(rows)
    low, high = _scale(rows, kinds)
    score, status = _scores(rows, kinds, low, high)
    columns = {
        "response_id": _ids(rows),
        "customer_id": rows.text("customer_id"),
        "answered_at": rows.times("answered_at"),
        "question": _filled(rows.text("question"), rows.header("score") or rows.header("comment") or ""),
        "survey_type": kinds,
        "scale_low": low,
        "scale_high": high,
        "higher_is_better": pc.fill_null(rows.yes_no("higher_is_better"), rows.mapping.higher_is_better is not False),
        "score": score,
        "score_status": status,
        "comment": rows.text("comment"),
        "source": _filled(rows.text("source"), shorten(rows.raw.name)),
        "weight": _weights(rows),
    }
    columns |= {name: rows.text(name) for name in ("language", "wave", *EXTRA["surveys"])}
    about = rows.text("touchpoint")
    columns["touchpoint"] = names.shown(about)
    columns["stage"] = names.axis(about, "stage", file_stage(rows.text("stage")))
    columns["channel"] = names.axis(about, "channel", rows.text("channel"))
    return columns


def _kinds(rows: Rowset) -> pa.Array:
    default = rows.mapping.survey_type or ("rating" if rows.header("score") else "text")
    return _filled(rows.choice("survey_type", SURVEY_TYPES), default)


def _scale(rows: Rowset, kinds: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Lowest and highest answer of each row: as its columns say, else as the user says, else as the type has it."""
    said = (rows.mapping.scale_low, rows.mapping.scale_high)
    encoded = kinds.dictionary_encode()
    ends = []
    for name, end in (("scale_low", 0), ("scale_high", 1)):
        usual = [
            SCALES.get(kind, (None, None))[end] if said[end] is None else said[end]
            for kind in encoded.dictionary.to_pylist()
        ]
        ends.append(pc.coalesce(rows.numbers(name), pa.array(usual, pa.float64()).take(encoded.indices)))
    nps = pc.equal(kinds, "nps")  # NPS has one scale, whatever a file says
    return pc.if_else(nps, SCALES["nps"][0], ends[0]), pc.if_else(nps, SCALES["nps"][1], ends[1])


def _scores(rows: Rowset, kinds: pa.Array, low: pa.Array, high: pa.Array) -> tuple[pa.Array, pa.Array]:
    values = rows.text("score")
    numbers = read_numbers(values, rows.mapping.decimal_comma)
    plain = pc.fill_null(numbers.values, np.nan).to_numpy(zero_copy_only=False)
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
    first = int(np.argmax(invalid))
    ends = {"low": _end(low, first), "high": _end(high, first)}
    rows.flag(invalid, "score", values, Text(INVALID, ends), INVALID_COUNT)
    return numbers.values, pa.array(status, pa.string())


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
