"""A preset and a file → the mapping it proposes, with a reason for every column and what must be asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow.compute as pc

from cx_metrics.reading.aliases import LABELS
from cx_metrics.reading.mapping import FileMapping
from cx_metrics.reading.matching import ColumnMatch
from cx_metrics.reading.presets.notes import CHECKED, INSTEAD, NOTES
from cx_metrics.reading.presets.presets import Preset, column_of, columns_like
from cx_metrics.reading.questions import Question, leave_out_question, rows_with
from cx_metrics.reading.report import shorten
from cx_metrics.reading.sample import Sample, Values
from cx_metrics.reading.scale import guess_scale
from cx_metrics.reading.shapes import Kind, KindsBy, Spread, SpreadColumn
from cx_metrics.reading.wide import question_columns
from cx_metrics.reading.words import fold
from cx_metrics.texts import N_, Text

FILLED = 0.5  # share of the rows from which the best name of the customer is taken
_PERSONAL = N_("it is not kept: the export holds it beside the answers, and no question needs it")


@dataclass(frozen=True)
class Proposal:
    """What a preset makes of a file. `blocked`: the file cannot be used, and why; then the mapping is empty."""

    mapping: FileMapping | None
    matches: tuple[ColumnMatch, ...]
    notes: tuple[Text, ...]
    questions: tuple[Question, ...] = ()
    blocked: Text | None = None


def propose(preset: Preset, sample: Sample, file: str, table: str | None = None) -> Proposal:
    """The mapping under a preset. `table` is `spend` where somebody chose it for a report with costs."""
    header = list(sample.columns)
    if preset.instead is not None:
        return _report(preset, sample, file)
    columns = _columns(preset.columns, preset, sample)
    leave_out, questions = _leave_out(preset, sample)
    kind = Kind.from_dict(preset.kind or {})
    mapping = FileMapping(
        preset.table or table or "touchpoints",
        columns,
        survey_type=kind.survey_type,
        scale_low=kind.scale_low,
        scale_high=kind.scale_high,
        higher_is_better=kind.higher_is_better,
        time_zone=preset.time_zone or "UTC",
        preset=preset.name,
        leave_out=leave_out,
        no_answer=preset.no_answer,
        score_words=preset.score_words if _has_words(preset, sample, columns) else {},
        kinds_by=_kinds_by(preset, sample, columns),
    )
    left = {name for pattern in preset.left for name, _ in columns_like(header, pattern)} - set(columns.values())
    mapping = replace(mapping, spread=_spread(preset, sample, mapping, left))
    taken = {*columns.values(), *left, *(mapping.spread.headers if mapping.spread else ())}
    mapping = replace(mapping, attributes=tuple(name for name in header if name not in taken))
    notes = (*(Text(NOTES[note]) for note in preset.notes), Text(CHECKED[preset.checked]))
    return Proposal(mapping, tuple(_matches(preset, mapping, header, left)), notes, tuple(questions))


def _report(preset: Preset, sample: Sample, file: str) -> Proposal:
    """A report: what it cost, where it says so day by day; else what to export instead."""
    header = list(sample.columns)
    columns = _columns(preset.spend, preset, sample)
    if {"period_start", "channel", "cost"} <= set(columns):
        leave_out, _ = _leave_out(preset, sample)
        rest = tuple(name for name in header if name not in columns.values())
        mapping = FileMapping("spend", columns, rest, preset=preset.name, leave_out=leave_out)
        return Proposal(mapping, tuple(_matches(preset, mapping, header, set())), (Text(CHECKED[preset.checked]),))
    kept = tuple(ColumnMatch(name, None, 0.0, Text(N_("it is a number added up"))) for name in header)
    assert preset.instead is not None
    return Proposal(None, kept, (), (), Text(INSTEAD[preset.instead], {"file": shorten(file)}))


def _columns(wanted: Mapping[str, Sequence[str]], preset: Preset, sample: Sample) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, names in wanted.items():
        column = _fullest(sample, names) if name == "customer_id" else column_of(sample.columns, tuple(names))
        if column is None or column in found.values():
            continue
        values = sample.columns[column]
        if name == "answered_at" and preset.blank_times and _all_blank(values, preset.blank_times):
            continue
        found[name] = column
    return found


def _fullest(sample: Sample, names: Sequence[str]) -> str | None:
    """The best of these columns that names the customer in most rows; else the one that does in the most."""
    named = [column for name in names if (column := column_of(sample.columns, (name,)))]
    there = [column for column in named if sample.columns[column].distinct > 1 or sample.columns[column].present < 3]
    good = [column for column in there if sample.columns[column].filled_share >= FILLED]
    if good:
        return good[0]
    return max(there, key=lambda column: sample.columns[column].filled_share, default=None)


def _all_blank(values: Values, blanks: Sequence[str]) -> bool:
    return all(text in blanks for text in values.texts.drop_null().unique().to_pylist())


def _has_words(preset: Preset, sample: Sample, columns: Mapping[str, str]) -> bool:
    """Whether a column of scores holds words at all."""
    return bool(preset.score_words) and "score" in columns and sample.columns[columns["score"]].number_share < 1


def _leave_out(preset: Preset, sample: Sample) -> tuple[dict[str, tuple[str, ...]], list[Question]]:
    leave_out: dict[str, tuple[str, ...]] = {}
    questions = []
    for rule in preset.leave_out:
        column = column_of(sample.columns, tuple(rule["column"]))
        if column is None:
            continue
        values = tuple(map(str, rule["values"]))
        if not rule.get("ask"):
            leave_out[column] = values
            continue
        found = [value for value in values if _stands(sample.columns[column], value)]
        count = _rows(sample, column, found)
        if not found or (rule.get("unless_all") and count == sample.rows):
            continue
        chosen = bool(rule.get("chosen"))
        if chosen:
            leave_out[column] = tuple(found)
        questions.append(leave_out_question(column, found, count, chosen))
    return leave_out, questions


def _stands(values: Values, value: str) -> bool:
    if not value:
        return values.present < values.rows
    return fold(value) in {fold(text) for text in values.texts.drop_null().unique().to_pylist()}


def _rows(sample: Sample, column: str, values: Sequence[str]) -> int:
    blank = sample.rows - sample.columns[column].present if "" in values else 0
    return rows_with(sample, column, [value for value in values if value]) + blank


def _kinds_by(preset: Preset, sample: Sample, columns: Mapping[str, str]) -> KindsBy | None:
    if preset.kinds_by is None or "score" not in columns:
        return None
    column = column_of(sample.columns, tuple(preset.kinds_by["column"]))
    if column is None:
        return None
    given = preset.kinds_by.get("kinds")
    if given:
        return KindsBy(column, {value: Kind.from_dict(kind) for value, kind in given.items()})
    return KindsBy(column, _by_top(preset.kinds_by["tops"], sample.columns[column], sample.columns[columns["score"]]))


def _by_top(tops: Mapping[Any, Mapping[str, Any]], names: Values, scores: Values) -> dict[str, Kind]:
    """The kind of each survey: what its name says, else the smallest scale that holds its highest rating."""
    found: dict[str, Kind] = {}
    for name in names.texts.drop_null().unique().to_pylist():
        mine = Values(scores.texts.filter(pc.fill_null(pc.equal(names.texts, name), False)))
        top = float(np.max(mine.numbers)) if len(mine.numbers) else 0.0
        guess = guess_scale(name, mine)
        if guess.survey_type == "nps":
            found[name] = Kind("nps", 0.0, 10.0, True)
            continue
        fitting = [Kind.from_dict(tops[key]) for key in sorted(tops, key=float) if top <= float(key)]
        exact = guess.survey_type in ("csat", "ces") and top > float(min(tops, key=float))
        if exact:
            found[name] = Kind(guess.survey_type, guess.low, guess.high, guess.higher_is_better)
        elif fitting:
            found[name] = fitting[0]
    return found


def _spread(preset: Preset, sample: Sample, mapping: FileMapping, left: set[str]) -> Spread | None:
    if preset.spread is None:
        return None
    header = list(sample.columns)
    rules = [column_of(header, tuple(rule["column"])) for rule in preset.leave_out]
    taken = {*mapping.columns.values(), *left, *(name for name in rules if name)}
    if preset.spread.get("questions") != "all":  # what tells the tool is no question
        signs = (*preset.signs.all, *preset.signs.any, preset.signs.first)
        taken |= {sign for names in signs if (sign := column_of(header, names))}
    columns = [c for rule in preset.spread.get("columns", ()) for c in _rule(rule, preset.spread["kind"], sample)]
    columns = [c for c in columns if c.column not in mapping.columns.values()]
    if preset.spread.get("questions"):
        other = {name for pattern in preset.spread.get("except", ()) for name, _ in columns_like(header, pattern)}
        asked = [name for name in header if name not in taken | other]
        columns += question_columns(sample, asked, preset.spread.get("parted_by", ()))
    seen: dict[str, SpreadColumn] = {}
    for column in columns:
        seen.setdefault(column.column, column)
    return Spread(preset.spread["kind"], tuple(seen.values())) if seen else None


def _rule(rule: Mapping[str, Any], kind: str, sample: Sample) -> Iterator[SpreadColumn]:
    """The columns that one rule of a preset means."""
    header = list(sample.columns)
    if "pattern" in rule:
        found = [(name, match.groups()) for name, match in columns_like(header, rule["pattern"])]
    else:
        column = column_of(header, tuple(rule["column"]))
        found = [(column, ())] if column else []
    for name, groups in found:
        if not sample.columns[name].present and kind == "times" and "pattern" not in rule:
            continue
        said = str(rule.get("name", name)).format(*groups).strip().strip('"')
        if "option" in rule:
            yield SpreadColumn(name, said, role="option", option=rule["option"].format(*groups))
        elif kind == "answers" and "role" not in rule:
            yield from (replace(column, name=said) for column in question_columns(sample, [name]))
        else:
            from_ = column_of(header, tuple(place.format(*groups) for place in rule.get("name_from", ())))
            yield SpreadColumn(name, said, name_from=from_ or "", role=rule.get("role", "score"))


def _matches(preset: Preset, mapping: FileMapping, header: Sequence[str], left: set[str]) -> Iterator[ColumnMatch]:
    """Why each column is what it is."""
    fields = {column: name for name, column in mapping.columns.items()}
    spread = {column.column: column for column in mapping.spread.columns} if mapping.spread else {}
    for name in header:
        said = {"tool": preset.tool}
        if name in fields:
            text = Text(N_("{tool} writes {label} there"), said | {"label": Text(LABELS[fields[name]])})
            yield ColumnMatch(name, fields[name], 0.95, text)
        elif name in spread:
            yield ColumnMatch(name, None, 0.9, spread_reason(spread[name], mapping.spread), "spread")
        elif name in left:
            yield ColumnMatch(name, None, 0.9, Text(_PERSONAL), "left")
        else:
            yield ColumnMatch(name, None, 0.0, Text(N_("{tool} has it; kept as it is"), said))


def spread_reason(column: SpreadColumn, spread: Spread | None) -> Text:
    """What becomes of a column that is spread."""
    name = {"name": shorten(column.shown)}
    if spread is None or spread.kind != "answers":
        return Text(N_('its cells are records of their own, called "{name}"'), name)
    return Text(
        {
            "score": N_('it is a question of its own, "{name}", answered on a scale'),
            "choice": N_('it is a question of its own, "{name}", answered by a choice'),
            "option": N_('it is one of the choices of "{name}"'),
            "text": N_('it is a question of its own, "{name}", answered in words'),
        }[column.role],
        name,
    )
