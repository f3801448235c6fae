"""What only a person can say about a file: asked with what speaks for each answer, and put into the mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.errors import MappingProblem
from cx_metrics.reading.dates import TIME_FORMATS
from cx_metrics.reading.mapping import TIME_WITH_CLOCK, FileMapping, mappable
from cx_metrics.reading.matching import name_fit
from cx_metrics.reading.numbers import read_numbers
from cx_metrics.reading.report import quoted, shorten
from cx_metrics.reading.sample import Sample, Values
from cx_metrics.reading.scale import answer_codes, asks_to_recommend
from cx_metrics.reading.shapes import Kind, Spread, SpreadColumn
from cx_metrics.reading.words import fold, folded, means_no_answer
from cx_metrics.texts import N_, NP_, Text

MOST_VALUES = 8  # values of which it is asked whether they mean no answer
YES_NO = ("yes", "no")
_ANSWERS = {"yes": N_("yes"), "no": N_("no")}


@dataclass(frozen=True)
class Option:
    """One answer: its value, and how it is shown."""

    value: str
    label: Text


@dataclass(frozen=True)
class Question:
    """Something a page must ask: the options, the one that holds until somebody answers, and why.

    `about` is what `answered` needs to know. `only_if`: key and value of another question; without that answer this one is moot.
    """

    key: str
    text: Text
    options: tuple[Option, ...]
    chosen: str
    reason: Text
    about: Mapping[str, Any] = field(default_factory=dict)
    only_if: tuple[str, str] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The question as plain JSON values."""
        return {
            "key": self.key,
            "text": self.text.to_dict(),
            "options": [[option.value, option.label.to_dict()] for option in self.options],
            "chosen": self.chosen,
            "reason": self.reason.to_dict(),
            "about": dict(self.about),
            "only_if": list(self.only_if) if self.only_if else None,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Question:
        """The reverse of `to_dict`."""
        options = tuple(Option(value, Text.from_dict(label)) for value, label in kept["options"])
        only_if = (kept["only_if"][0], kept["only_if"][1]) if kept["only_if"] else None
        text, reason = Text.from_dict(kept["text"]), Text.from_dict(kept["reason"])
        return cls(kept["key"], text, options, kept["chosen"], reason, kept["about"], only_if)


def answered(mapping: FileMapping, question: Question, answer: str) -> FileMapping:
    """The mapping after somebody answered a question; the same mapping where the question no longer concerns it.

    Raises:
        MappingProblem: the answer is none of the options.
    """
    if answer not in {option.value for option in question.options}:
        raise MappingProblem(
            N_('"{answer}" is no answer here. Choose one of: {known}.'),
            answer=shorten(answer),
            known=", ".join(shorten(option.value) for option in question.options),
        )
    about, kind = question.about, question.key.split(":")[0]
    if kind == "day_or_month":
        return replace(mapping, time_format=answer)
    if kind == "clock":
        return with_clock(mapping, answer or None)
    if kind == "customer":
        return _with_customer(mapping, answer)
    if kind == "wide":
        other = FileMapping.from_dict(about[answer])
        same = ("time_format", "time_zone", "encoding", "delimiter", "preset", "leave_out")
        return with_clock(replace(other, **{name: getattr(mapping, name) for name in same}), mapping.clock)
    if kind == "rated":
        return _with_rated(mapping, about["columns"], about["order"], answer == "yes")
    if kind == "leave_out":
        left = {header: values for header, values in mapping.leave_out.items() if header != about["column"]}
        return replace(mapping, leave_out=left | ({about["column"]: tuple(about["values"])} if answer == "yes" else {}))
    if kind == "no_answer":
        return _with_no_answer(mapping, about["value"], about["columns"], answer == "yes")
    if kind == "nps":
        kept = Kind("nps", 0.0, 10.0, True) if answer == "yes" else Kind.from_dict(about["otherwise"])
        return _with_kind(mapping, about["column"], kept)
    raise MappingProblem(N_('There is no question "{name}".'), name=shorten(question.key))


def with_clock(mapping: FileMapping, header: str | None) -> FileMapping:
    """The mapping with another column as the time of day, or none; the one before stays as it is in the file."""
    taken = {*mapping.columns.values(), *(mapping.spread.headers if mapping.spread else ())}
    if mapping.clock == header or header in taken or TIME_WITH_CLOCK.get(mapping.table) not in mapping.columns:
        return mapping
    rest = [name for name in mapping.attributes if name != header]
    if mapping.clock is not None and mapping.clock not in taken:
        rest.append(mapping.clock)
    return replace(mapping, clock=header, attributes=tuple(rest))


def _with_customer(mapping: FileMapping, header: str) -> FileMapping:
    before = mapping.columns.get("customer_id")
    if before == header:
        return mapping
    columns = {name: column for name, column in mapping.columns.items() if column != header} | {"customer_id": header}
    taken = {header, *(mapping.spread.headers if mapping.spread else ())}
    attributes = [name for name in mapping.attributes if name not in taken]
    return replace(mapping, columns=columns, attributes=(*attributes, *((before,) if before else ())))


def _with_rated(
    mapping: FileMapping, columns: Sequence[Mapping[str, Any]], order: Sequence[str], rated: bool
) -> FileMapping:
    """The mapping in which these columns are questions too, or attributes as they stand."""
    if mapping.spread is None:
        return mapping
    found = [SpreadColumn.from_dict(column) for column in columns]
    names = {column.column for column in found}
    kept = {column.column: column for column in mapping.spread.columns if rated or column.column not in names}
    if rated:
        kept = {column.column: column for column in found} | kept
    spread = replace(mapping.spread, columns=tuple(kept[name] for name in order if name in kept))
    taken = {*spread.headers, *mapping.columns.values(), mapping.clock}
    rest = {*mapping.attributes, *(() if rated else names)} - taken
    return replace(mapping, spread=spread, attributes=tuple(name for name in order if name in rest))


def _with_no_answer(mapping: FileMapping, value: str, columns: Sequence[str], none: bool) -> FileMapping:
    def changed(values: Sequence[str]) -> tuple[str, ...]:
        left = tuple(known for known in values if fold(known) != fold(value))
        return (*left, value) if none else left

    if mapping.spread is None:
        return replace(mapping, no_answer=changed(mapping.no_answer))
    spread = [
        replace(column, kind=replace(column.kind or Kind(), no_answer=changed((column.kind or Kind()).no_answer or ())))
        if column.column in columns
        else column
        for column in mapping.spread.columns
    ]
    return replace(mapping, spread=Spread(mapping.spread.kind, tuple(spread)))


def _with_kind(mapping: FileMapping, header: str, kind: Kind) -> FileMapping:
    if mapping.spread is None:
        low, high, better = kind.scale_low, kind.scale_high, kind.higher_is_better
        return replace(mapping, survey_type=kind.survey_type, scale_low=low, scale_high=high, higher_is_better=better)
    spread = [replace(c, kind=kind.over(c.kind or Kind())) if c.column == header else c for c in mapping.spread.columns]
    return replace(mapping, spread=Spread(mapping.spread.kind, tuple(spread)))


def day_or_month(header: str, found: str, formats: tuple[str, str], usual: str | None = None) -> Question:
    """Where every time can be read in two ways, most often with the day or the month first. `usual`: how the tool writes them."""
    options = tuple(Option(name, Text(TIME_FORMATS[name])) for name in formats)
    reason = Text(
        N_('Every date in "{column}" can be read both ways (first: {found}).'),
        {"column": shorten(header), "found": shorten(found)},
    )
    days = all(name.startswith(("day_first", "month_first")) for name in formats)
    text = N_("Does the day or the month come first?") if days else N_("How are these times written?")
    return Question("day_or_month", Text(text), options, usual or formats[0], reason)


def clock_question(day: str, clocks: Mapping[str, str], chosen: str | None) -> Question:
    """Whether a column beside the date is its time of day, and which. `clocks`: header → its first value."""
    options = [Option(header, Text("{column}", {"column": shorten(header)})) for header in clocks]
    options.append(Option("", Text(N_("None: the date counts alone"))))
    first, value = next(iter(clocks.items()))
    about = {"date": shorten(day), "column": shorten(first), "found": shorten(value)}
    reason = Text(N_('The dates in "{date}" have no time of day, and "{column}" holds some (first: {found}).'), about)
    text = Text(N_('Which column is the time of day of "{date}"?'), about)
    return Question("clock", text, tuple(options), chosen or "", reason)


def customer_question(sample: Sample, mapping: FileMapping) -> Question | None:
    """Where several columns may be the customer: which one is it?"""
    if "customer_id" not in mappable(mapping.table):
        return None
    chosen = mapping.columns.get("customer_id")
    others = [
        header
        for header, values in sample.columns.items()
        if header != chosen and values.filled_share >= 0.5 and values.distinct > 1
        if name_fit(header, mapping.table, "customer_id")[0] > 0
    ]
    others = [header for header in others if header in mapping.attributes]
    if chosen is None or not others:
        return None
    counted = N_('"{column}": {n}')
    said = tuple(Text(counted, {"column": shorten(h), "n": sample.columns[h].distinct}) for h in (chosen, *others))
    one, many = NP_("Different values in {rows} row: {counts}.", "Different values in {rows} rows: {counts}.")
    reason = Text(one, {"rows": sample.rows, "counts": said}, many, sample.rows)
    options = tuple(Option(header, Text("{column}", {"column": shorten(header)})) for header in (chosen, *others))
    return Question("customer", Text(N_("Which column says who the customer is?")), options, chosen, reason)


def yes_no(key: str, text: Text, chosen: bool, reason: Text, about: Mapping[str, Any]) -> Question:
    """A question with two answers."""
    options = tuple(Option(value, Text(_ANSWERS[value])) for value in YES_NO)
    return Question(key, text, options, "yes" if chosen else "no", reason, about)


def score_questions(sample: Sample, mapping: FileMapping) -> list[Question]:
    """Which values mean no answer, and which 0 to 10 is a recommendation?"""
    if mapping.table != "surveys":
        return []
    if mapping.spread is None:
        header = mapping.columns.get("score")
        asked = (
            {header: mapping.kind} if header and not mapping.kinds_by and "survey_type" not in mapping.columns else {}
        )
    else:
        asked = {c.column: (c.kind or Kind()).over(mapping.kind) for c in mapping.spread.columns if c.role == "score"}
    found: dict[str, dict[str, int]] = {}
    for header, kind in asked.items():
        for value in _possibly_none(header, sample.columns[header], kind):
            found.setdefault(value, {})[header] = _count(sample.columns[header], value)
    values = sorted(found, key=lambda value: -sum(found[value].values()))[:MOST_VALUES]
    questions = [_no_answer(value, found[value], asked) for value in values]
    for header, kind in asked.items():
        if (question := _nps(header, sample.columns[header], kind)) and len(asked) <= MOST_VALUES:
            questions.append(question)
    return questions


def _possibly_none(header: str, values: Values, kind: Kind) -> tuple[str, ...]:
    words = tuple(
        text
        for text in values.texts.drop_null().unique().to_pylist()
        if means_no_answer(text) and not _is_word(kind, text)
    )
    codes = answer_codes(header, values) if values.number_share >= 0.5 else ()
    listed = tuple(v for v in kind.no_answer or () if _count(values, v))
    return tuple(dict.fromkeys((*codes, *words, *listed)))


def _is_word(kind: Kind, text: str) -> bool:
    return fold(text) in {fold(word) for word in kind.score_words or {}}


def _count(values: Values, value: str) -> int:
    """How often a value stands in a column; numbers are compared as numbers."""
    number = read_numbers(pa.array([value])).values[0].as_py()
    if number is not None:
        return int((values.numbers == number).sum())
    return int(pc.sum(pc.equal(folded(values.texts), fold(value))).as_py() or 0)


def _no_answer(value: str, counts: Mapping[str, int], asked: Mapping[str, Kind]) -> Question:
    columns = sorted(counts, key=lambda header: -counts[header])
    names = quoted(columns, 3)
    total = sum(counts.values())
    one, many = NP_(
        'In the sample "{value}" stands {count} time in {columns}, beside answers from {low} to {high}.',
        'In the sample "{value}" stands {count} times in {columns}, beside answers from {low} to {high}.',
    )
    kind = asked[columns[0]]
    ends = {"low": _end(kind.scale_low), "high": _end(kind.scale_high)}
    reason = Text(one, {"value": shorten(value), "count": total, "columns": names, **ends}, many, total)
    text = Text(N_('Does "{value}" mean that nothing was answered?'), {"value": shorten(value)})
    if fold(value) == "0":
        text = Text(N_('Does "0" mean "not rated"?'))
    chosen = any(fold(value) in map(fold, asked[header].no_answer or ()) for header in columns)
    return yes_no(f"no_answer:{value}", text, chosen, reason, {"value": value, "columns": columns})


def _nps(header: str, values: Values, kind: Kind) -> Question | None:
    """Whether an answer from 0 to 10 (or from 1 to 10) is the question of the Net Promoter Score."""
    ten = kind.scale_high == 10.0 and kind.scale_low in (0.0, 1.0)
    whole = len(values.numbers) > 0 and bool((values.numbers == np.floor(values.numbers)).all())
    if not ten or not whole or kind.survey_type not in ("nps", "rating") or asks_to_recommend(header):
        return None
    reason = Text(
        N_(
            '"{column}" has answers from {low} to 10. It is NPS only if people were asked how likely they are to recommend you.'
        ),
        {"column": shorten(header), "low": _end(kind.scale_low)},
    )
    if kind.survey_type == "nps":
        otherwise = Kind("rating", kind.scale_low, kind.scale_high, True)
    else:
        otherwise = Kind(kind.survey_type, kind.scale_low, kind.scale_high, kind.higher_is_better)
    text = Text(N_('Does "{column}" ask how likely people are to recommend you (NPS)?'), {"column": shorten(header)})
    about = {
        "column": header,
        "otherwise": {name: value for name, value in vars(otherwise).items() if value is not None},
    }
    return yes_no(f"nps:{header}", text, kind.survey_type == "nps", reason, about)


def rated_question(columns: Sequence[SpreadColumn], order: Sequence[str]) -> Question:
    """Whether columns of numbers beside a block of ratings are ratings too. `order`: the headers of the file."""
    names = quoted([column.column for column in columns], 6)
    one, many = NP_(
        "Is {names} an answer on a scale, as the other questions are?",
        "Are {names} answers on a scale, as the other questions are?",
    )
    text = Text(one, {"names": names}, many, len(columns))
    reason = Text(
        N_(
            "Their numbers are not spread as ratings usually are, or end elsewhere than those of the other questions. They may be "
            "codes, as of an age, an income or a reason. Codes are kept as columns to group by."
        )
    )
    said = Spread("answers", tuple(columns)).to_dict()["columns"]
    return yes_no("rated", text, False, reason, {"columns": said, "order": list(order)})


def wide_question(one: FileMapping, each: FileMapping, chosen: str, reason: Text) -> Question:
    """Whether a row is one record or several."""
    options = (
        Option("one", Text(N_("Each row is one record"))),
        Option("each", Text(N_("Each of these columns is a record of its own"))),
    )
    about = {"one": one.to_dict(), "each": each.to_dict()}
    return Question("wide", Text(N_("How is this file to be read?")), options, chosen, reason, about)


def leave_out_question(header: str, values: Sequence[str], count: int, chosen: bool) -> Question:
    """Whether rows with these values are left out."""
    shown = quoted(values[:4])
    source = N_('Should rows be left out where "{column}" is {values}?')
    if not any(values):
        source = N_('Should rows be left out where "{column}" is blank?')
    text = Text(source, {"column": shorten(header), "values": shown})
    one, many = NP_("{count} row of the sample has it.", "{count} rows of the sample have it.")
    reason = Text(one, {"count": count}, many, count)
    return yes_no(f"leave_out:{header}", text, chosen, reason, {"column": header, "values": list(values)})


def _end(end: float | None) -> int | float | str:
    if end is None:
        return "…"
    return int(end) if end == int(end) else end


def rows_with(sample: Sample, header: str, values: Sequence[str]) -> int:
    """How many rows of the sample have one of these values."""
    wanted = pa.array([fold(value) for value in values], pa.string())
    return int(pc.sum(pc.is_in(folded(sample.columns[header].texts), value_set=wanted)).as_py() or 0)
