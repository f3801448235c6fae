"""From text columns to typed ones, batch by batch: what the five readers share."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.ahead import ahead
from cx_metrics.reading.batches import read_batches
from cx_metrics.reading.dates import TIME_FORMATS, first_and_last_year, read_times
from cx_metrics.reading.day_and_clock import Joined, read_day_and_clock
from cx_metrics.reading.durations import read_durations
from cx_metrics.reading.files import RawFile
from cx_metrics.reading.mapping import TIME_WITH_CLOCK, FileMapping, attribute_names, check_mapping
from cx_metrics.reading.numbers import read_numbers
from cx_metrics.reading.pieces import places_of, written_bytes
from cx_metrics.reading.report import KEPT_ROWS, Mask, Report, RowProblem, Rows, shorten
from cx_metrics.reading.spreading import MARK, Places, effective, made_from, records
from cx_metrics.tables import TABLES, UTC_TIME
from cx_metrics.texts import N_, NP_, Text

EMPTY_NUMBER = NP_(
    'In {count} row a value of "{column}" is no number and was left empty (first: {found} in row {row}).',
    'In {count} rows a value of "{column}" is no number and was left empty (first: {found} in row {row}).',
)
EMPTY_NAME = NP_(
    'In {count} row a value of "{column}" is none of {allowed} and was left empty (first: {found} in row {row}).',
    'In {count} rows a value of "{column}" is none of {allowed} and was left empty (first: {found} in row {row}).',
)
_NAIVE = NP_(
    "{count} time names no zone and was taken as {zone}.",
    "{count} times name no zone and were taken as {zone}.",
)


SPACE, BEYOND_ASCII = 0x20, 0x80  # bytes up to the one, and from the other on, may be or begin white space
SHOWN_WORDS = 8  # in a note
_PERCENT = NP_(
    '{count} value of "{column}" has a percent sign and was read as the number before it.',
    '{count} values of "{column}" have a percent sign and were read as the numbers before it.',
)
_DAY_ALONE = NP_(
    'In {count} row no time of day could be read from "{column}": its date counts alone (first: {found} in row {row}).',
    'In {count} rows no time of day could be read from "{column}": their dates count alone (first: {found} in row {row}).',
)
CLOCK = "clock"  # how the time of day in a column of its own is called here
NO_CLOCK = N_("The time of day is missing.")
BAD_CLOCK = N_("The time of day is not written as 14:05 or 2:05 PM.")
TWO_CLOCKS = N_("The date has a time of day or a zone of its own, and another column holds the time of day too.")
DURATIONS = frozenset({"duration_seconds"})

YES = ("true", "yes", "1", "y", "نعم", "بله", "да")
NO = ("false", "no", "0", "n", "لا", "خیر", "нет")


@dataclass(frozen=True)
class Typed:
    """A typed table on its way: `batches` can be read once; `report` is complete after the last one."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    report: Report
    ordered: bool = False  # the file numbers its rows

    def to_table(self) -> pa.Table:
        """All rows at once; for files that fit in memory."""
        return pa.Table.from_batches(list(self.batches), self.schema)


@dataclass
class Rowset:
    """One batch of records under a mapping: hands out columns by our names, remembers which rows are set aside and why.

    `places`: the place in the spread of the column that each record comes from; None where a row of the file is a record.
    """

    raw: RawFile
    mapping: FileMapping
    batch: pa.RecordBatch
    rows: Rows
    report: Report
    places: Places | None = None
    keep: Mask = field(init=False)
    _texts: dict[str, pa.Array] = field(default_factory=dict)
    _flags: list[tuple[Mask, str, pa.Array, Text, tuple[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keep = np.ones(len(self.rows), bool)

    def __len__(self) -> int:
        return len(self.rows)

    def header(self, name: str) -> str | None:
        """Their header for our column, or None where the file has none."""
        return self.mapping.clock if name == CLOCK else self.mapping.columns.get(name)

    def as_written(self, name: str) -> pa.Array:
        """The column exactly as the file has it, null where the file has none."""
        header = self.header(name)
        return pa.nulls(len(self), pa.string()) if header is None else self.batch.column(header)

    def text(self, name: str) -> pa.Array:
        """The column without spaces around its values; blank is null."""
        if self.header(name) is None:
            return self.as_written(name)
        if name not in self._texts:  # a time is asked for twice
            self._texts[name] = trimmed(self.as_written(name))
        return self._texts[name]

    def required(self, name: str, reason: str) -> pa.Array:
        """The column as `text`; rows where it is blank are set aside."""
        values = self.text(name)
        self.set_aside(pc.is_null(values).to_numpy(zero_copy_only=False), name, values, Text(reason))
        return values

    def times(self, name: str, zone: str | None = None) -> pa.Array:
        """The column as UTC times, with the time of day that stands in a column of its own; rows whose time is there but cannot
        be are set aside."""
        values = self.text(name)
        if not self.header(name):
            return pa.nulls(len(self), UTC_TIME)
        zone = zone or self.mapping.time_zone
        joined = None
        if self.mapping.clock is not None and name == TIME_WITH_CLOCK.get(self.mapping.table):
            joined = read_day_and_clock(values, self.text(CLOCK), self.mapping.time_format, zone=zone)
        times = joined.times if joined else read_times(values, self.mapping.time_format, zone=zone)
        expected = {"format": Text(TIME_FORMATS[self.mapping.time_format])}
        first, last = first_and_last_year(self.mapping.time_format)
        bounds = {"first": str(first), "last": str(last)}
        self.set_aside(
            times.unreadable, name, values, Text(N_("The time is not an existing date written as {format}."), expected)
        )
        self.set_aside(
            times.out_of_range, name, values, Text(N_("The year is not between {first} and {last}."), bounds)
        )
        if joined:
            self._look_at_clocks(joined, name, values)
        naive = int((times.naive & self.keep).sum())
        if naive:
            self.report.assume(Text(_NAIVE[0], {"count": naive, "zone": zone}, _NAIVE[1], naive))
        return times.values

    def _look_at_clocks(self, joined: Joined, name: str, days: pa.Array) -> None:
        """A contact whose time of day is not known has no place in its journey, and is set aside; an answer and a change have their
        day, and are flagged."""
        clocks = self.text(CLOCK)
        self.set_aside(joined.twice, name, days, Text(TWO_CLOCKS))
        for bad, reason in ((joined.missing, NO_CLOCK), (joined.unreadable, BAD_CLOCK)):
            if name == "occurred_at":
                self.set_aside(bad, CLOCK, clocks, Text(reason))
            else:
                self.flag(bad, CLOCK, clocks, Text(reason), _DAY_ALONE)

    def numbers(self, name: str) -> pa.Array:
        """The column as numbers; what is no number becomes null, and is flagged."""
        if self.header(name) is None:
            return pa.nulls(len(self), pa.float64())
        values = self.text(name)
        numbers = (read_durations if name in DURATIONS else read_numbers)(values, self.mapping.decimal_comma)
        if percents := int((numbers.percent & self.keep).sum()):
            about = {"column": shorten(self.header(name)), "count": percents}
            self.report.assume(Text(_PERCENT[0], about, _PERCENT[1], percents))
        self.flag(
            numbers.unreadable,
            name,
            values,
            Text(N_("This is no number; the row was loaded without it.")),
            EMPTY_NUMBER,
        )
        return numbers.values

    def choice(self, name: str, allowed: tuple[str, ...]) -> pa.Array:
        """The column in lower case where it is one of `allowed`; what is none of them becomes null, and is flagged."""
        values = self.text(name)
        if self.header(name) is None:
            return values
        lower = pc.utf8_lower(values)
        known = pc.is_in(lower, value_set=pa.array(allowed, pa.string()))
        unknown = pc.and_(pc.is_valid(values), pc.invert(known)).to_numpy(zero_copy_only=False)
        reason = Text(N_("This is none of {allowed}; the row was loaded without it."), {"allowed": ", ".join(allowed)})
        self.flag(unknown, name, values, reason, EMPTY_NAME)
        return pc.if_else(known, lower, pa.scalar(None, pa.string()))

    def yes_no(self, name: str) -> pa.Array:
        """The column as yes or no; what is neither becomes null, and is flagged."""
        said = self.choice(name, (*YES, *NO))
        yes = pc.is_in(said, value_set=pa.array(YES))
        return pc.if_else(pc.is_valid(said), yes, pa.scalar(None, pa.bool_()))

    def set_aside(self, bad: Mask, name: str, found: pa.Array, reason: Text) -> None:
        """Set the rows aside that are still kept; a row is counted for the first thing wrong with it."""
        bad = bad & self.keep
        for part, _count in self._by_column(bad, name):
            self.report.set_rows_aside(self._problems(part, name, found, reason), self.rows[part])
        self.keep &= ~bad

    def flag(self, bad: Mask, name: str, found: pa.Array, reason: Text, note: tuple[str, str]) -> None:
        """Remember rows that are loaded although a value could not be kept; those set aside later do not count."""
        if bad.any():
            self._flags.append((bad, name, found, reason, note))

    def assume_counted(self, note: tuple[str, str], count: int, words: Sequence[str]) -> None:
        """Say how many values were read in another way, and which words they are."""
        if count:
            shown = [shorten(word) for word in words[:SHOWN_WORDS]]
            said = ", ".join([*shown, "…"] if len(words) > SHOWN_WORDS else shown)
            self.report.assume(Text(note[0], {"count": count, "words": said}, note[1], count))

    def finish(self, columns: Mapping[str, pa.Array], schema: pa.Schema) -> pa.RecordBatch:
        """The typed batch of the rows that are kept, attributes included; the report counts them."""
        for bad, name, found, reason, note in self._flags:
            for part, count in self._by_column(bad & self.keep, name):
                self.report.flag_rows(self._problems(part, name, found, reason), count, note)
        attributes = attribute_names(self.mapping)
        whole = {**columns, **{name: blank_to_null(self.batch.column(header)) for name, header in attributes.items()}}
        batch = pa.RecordBatch.from_arrays([whole[name] for name in schema.names], schema=schema)
        self.report.loaded += int(self.keep.sum())
        return batch if self.keep.all() else batch.filter(pa.array(self.keep))

    def _by_column(self, bad: Mask, name: str) -> Iterator[tuple[Mask, int]]:
        """The rows in groups that come from one column of the file, each with its size."""
        header = self.header(name)
        if self.places is None or header is None or not header.startswith(MARK):
            groups = [bad]
        else:
            groups = [bad & (self.places == place) for place in np.unique(self.places[bad])]
        for group in groups:
            if count := int(group.sum()):
                yield group, count

    def _problems(self, bad: Mask, name: str, found: pa.Array, reason: Text) -> Iterator[RowProblem]:
        header = self.header(name) or name
        for place in np.flatnonzero(bad)[:KEPT_ROWS]:
            column = made_from(header, self.mapping, None if self.places is None else int(self.places[place]))
            value = found[int(place)].as_py()
            yield RowProblem(int(self.rows[place]), column, shorten("" if value is None else value), reason)


def trimmed(values: pa.Array) -> pa.Array:
    """The texts without spaces around them; blank is null. What an id is, wherever it is read."""
    if _is_bare(values):
        return values
    bare = pc.utf8_trim_whitespace(values)
    blank = pc.equal(bare, "")
    return pc.if_else(blank, pa.scalar(None, pa.string()), bare) if pc.any(blank).as_py() else bare


def _is_bare(values: pa.Array) -> bool:
    """Whether no text is blank, nor begins or ends with a sign that may be white space: a glance at its first and last byte."""
    if not pa.types.is_string(values.type) or values.null_count or not len(values):
        return False
    data, places = written_bytes(values), places_of(values)
    first, after = places[:-1], places[1:]
    if (first == after).any():
        return False
    return not any(((ends <= SPACE) | (ends >= BEYOND_ASCII)).any() for ends in (data[first], data[after - 1]))


def blank_to_null(values: pa.Array) -> pa.Array:
    """The same texts, null where nothing but white space stands."""
    blank = pc.equal(values, "")
    if pc.any(pc.ascii_is_space(values)).as_py():  # in few columns
        blank = pc.match_substring_regex(values, r"^\s*$")
    return pc.if_else(blank, pa.scalar(None, pa.string()), values)


def table_schema(mapping: FileMapping, extra: tuple[str, ...] = ()) -> pa.Schema:
    """The columns of the table, then those of `extra` that the mapping fills, then the attributes, all text."""
    schema = TABLES[mapping.table].schema
    for name in (*(name for name in extra if name in mapping.columns), *attribute_names(mapping)):
        schema = schema.append(pa.field(name, pa.string()))
    return schema


def read_typed(
    raw: RawFile,
    mapping: FileMapping,
    schema: pa.Schema,
    build: Callable[[Rowset], Mapping[str, pa.Array]],
    report: Report,
) -> Typed:
    """Stream the file through `build`, which makes the columns of one batch and sets rows aside.

    Raises:
        MappingProblem: the mapping names columns that the file does not have.
    """
    check_mapping(raw, mapping)

    meant = effective(mapping)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch, rows, problems in ahead(read_batches(raw)):
            report.rows += len(problems)
            report.file_rows += len(problems)
            for _, alike in itertools.groupby(problems, lambda problem: (problem.reason.source, problem.column)):
                rows_alike = list(alike)
                report.set_rows_aside(rows_alike, np.array([problem.row for problem in rows_alike], np.int64))
            for found in records(batch, rows, mapping, report):
                rowset = Rowset(raw, meant, found.batch, found.rows, report, found.places)
                yield rowset.finish(build(rowset), schema)

    return Typed(schema, batches(), report, "sequence" in mapping.columns)
