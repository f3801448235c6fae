"""A log of contacts → the table touchpoints."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.errors import MappingProblem
from cx_metrics.reading.dictionary import look_up
from cx_metrics.reading.files import RawFile
from cx_metrics.reading.mapping import EXTRA, FileMapping, NameMapping
from cx_metrics.reading.numbers import read_numbers
from cx_metrics.reading.report import Report, shorten
from cx_metrics.reading.typed import Rowset, Typed, read_typed, table_schema
from cx_metrics.tables import PHASES, STAGES, TOUCHPOINT_TYPES
from cx_metrics.texts import N_, Text

AXES = ("channel", "touchpoint_type", "phase", "stage")
MOST_NAMES = 100_000  # touchpoints that are told apart; a person gives each a place on the Data page, and more are ids
MAX_ORDER = 2**62  # where an order number would leave the 64 bits of `sequence`

NO_CUSTOMER = N_("The customer is missing.")
NO_TOUCHPOINT = N_("The touchpoint is missing.")


class Names:
    """Where touchpoints belong: what the user mapped, then what the file says, then the dictionary; each name once."""

    def __init__(self, names: Mapping[str, NameMapping], file: str, column: str) -> None:
        self._mapped = names
        self._file, self._column = file, column
        self._known: dict[str, NameMapping | None] = {}
        self._seen: set[str | None] = set()

    def mapped(self, raw: str | None) -> NameMapping | None:
        return None if raw is None else self._mapped.get(raw)

    def known(self, raw: str | None) -> NameMapping | None:
        if raw is None:
            return None
        if raw not in self._known:
            self._known[raw] = look_up(raw)
        return self._known[raw]

    def shown(self, raw: pa.Array) -> pa.Array:
        """The touchpoint as it is shown: the raw name unless the user mapped it to another.

        Raises:
            MappingProblem: the file has more names than any log of touchpoints.
        """
        self._seen.update(raw.dictionary_encode().dictionary.to_pylist())
        if len(self._seen) > MOST_NAMES:
            raise MappingProblem(
                N_(
                    '{file}: "{column}" holds more than {limit} different touchpoints, so it looks like an id or like free '
                    "text. Choose the column that says what was done, or write the same thing in the same words."
                ),
                file=shorten(self._file),
                column=shorten(self._column),
                limit=MOST_NAMES,
            )
        return self._spread(raw, lambda name: (m.touchpoint if (m := self.mapped(name)) else None) or name)

    def axis(self, raw: pa.Array, axis: str, in_file: pa.Array) -> pa.Array:
        """One axis of the touchpoints, null where nobody says it."""
        said = in_file
        if self._mapped:
            said = _else(self._spread(raw, lambda name: getattr(self.mapped(name), axis, None)), in_file)
        if not said.null_count:
            return said
        return _else(said, self._spread(raw, lambda name: getattr(self.known(name), axis, None)))

    @staticmethod
    def _spread(raw: pa.Array, say: Callable[[str], str | None]) -> pa.Array:
        encoded = raw.dictionary_encode()
        said = pa.array([say(name) for name in encoded.dictionary.to_pylist()], pa.string())
        return said.take(encoded.indices)


def _else(said: pa.Array, other: pa.Array) -> pa.Array:
    """What is said, and the other where nothing is."""
    return other if said.null_count == len(said) else pc.coalesce(said, other)


def read_touchpoints(
    raw: RawFile, mapping: FileMapping, names: Mapping[str, NameMapping] | None = None, sequence_start: int = 0
) -> Typed:
    """Which customer had which contact when, and which rows do not say it?

    One row per row of the file that names a customer, a touchpoint and, where the file has times, a readable time; in a file with
    a time for each touchpoint one row per time.
    `sequence` counts on from `sequence_start` in file order. Where the file has an order number, it is that number times
    the lines of the file, plus the place in the file: in order, and unique. Exact duplicates stay.

    Raises:
        MappingProblem: the mapping does not fit the file, or its touchpoints are ids (while the batches are read).
    """
    report = Report(raw.name, "touchpoints")
    known = Names(names or {}, raw.name, mapping.columns.get("touchpoint", ""))
    schema = table_schema(mapping, EXTRA["touchpoints"])
    done = 0

    def build(rows: Rowset) -> Mapping[str, pa.Array]:
        nonlocal done
        columns = _build(rows, known, sequence_start, done)
        done += len(rows)
        return columns

    if "occurred_at" not in mapping.filled:
        source = N_("The file has no times: the order number says what came first.")
        if "sequence" not in mapping.columns:
            source = N_("The file has neither times nor an order number: its rows are taken to be in order.")
        report.assume(Text(source))
    return read_typed(raw, mapping, schema, build, report)


def _build(rows: Rowset, names: Names, start: int, done: int) -> dict[str, pa.Array]:
    columns = {"customer_id": rows.required("customer_id", NO_CUSTOMER)}
    raw = rows.required("touchpoint", NO_TOUCHPOINT)
    by_name = raw.dictionary_encode()
    columns["raw_touchpoint"], columns["touchpoint"] = raw, names.shown(by_name)
    columns["occurred_at"] = rows.times("occurred_at")
    if rows.header("occurred_at"):
        blank = pc.is_null(rows.text("occurred_at")).to_numpy(zero_copy_only=False)
        rows.set_aside(blank, "occurred_at", rows.text("occurred_at"), Text(N_("The time is missing.")))
    columns["sequence"] = _sequence(rows, start, done)
    in_file = {
        "channel": rows.text("channel"),
        "touchpoint_type": rows.choice("touchpoint_type", TOUCHPOINT_TYPES),
        "phase": rows.choice("phase", PHASES),
        "stage": file_stage(rows.text("stage")),
    }
    columns |= {axis: names.axis(by_name, axis, in_file[axis]) for axis in AXES}
    columns |= {name: rows.text(name) for name in ("session_id", "case_id", "currency", *EXTRA["touchpoints"])}
    columns |= {name: rows.numbers(name) for name in ("value", "cost", "duration_seconds")}
    return columns


def _sequence(rows: Rowset, start: int, done: int) -> pa.Array:
    places = start + np.arange(done, done + len(rows), dtype=np.int64)
    if not rows.header("sequence"):
        return pa.array(places)
    values = rows.text("sequence")
    order = pc.fill_null(read_numbers(values).values, -1.0).to_numpy(zero_copy_only=False)
    bad = (order < 0) | (order != np.floor(order)) | (order * rows.raw.lines > MAX_ORDER - start)
    rows.set_aside(bad, "sequence", values, Text(N_("The order number is missing or not a whole number.")))
    return pa.array(np.where(bad, 0, order).astype(np.int64) * rows.raw.lines + places)


def file_stage(values: pa.Array) -> pa.Array:
    """The stage as the file says it; one of the default five in lower case."""
    lower = pc.utf8_lower(values)
    return pc.if_else(pc.is_in(lower, value_set=pa.array(STAGES)), lower, values)
