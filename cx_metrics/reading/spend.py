"""What was paid for channels → the table spend: one channel in one period, half-open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.files import RawFile
from cx_metrics.reading.mapping import FileMapping
from cx_metrics.reading.numbers import read_numbers
from cx_metrics.reading.report import Report
from cx_metrics.reading.typed import Rowset, Typed, read_typed, table_schema
from cx_metrics.texts import N_, Text

Days = npt.NDArray[np.int64]

_DAY = N_("The file has one date a row: each row is taken as one day.")
_WEEK = N_("The dates of each channel are 7 days apart: each row is taken as the week that begins on its date.")
_LAST_DAY = N_("The end of a period is taken as its last day, which belongs to it.")
_NEXT_DAY = N_("The end of a period is taken as the day after its last day, because the next period begins on it.")


def read_spend(raw: RawFile, mapping: FileMapping) -> Typed:
    """What was spent on which channel in which period?

    One row per row of the file that has a channel, a readable cost and a period. With one date a row the period is that
    day, or the week that begins on it where the dates of every channel lie 7 days apart. An end in the file is the last
    day of the period unless the next period begins on it. `period_end` is the day after the last day. The file is held
    in memory, because only the whole of it says which of these it is.

    Raises:
        MappingProblem: the mapping does not fit the file.
    """
    report = Report(raw.name, "spend")
    read = read_typed(raw, mapping, table_schema(mapping), _build, report)

    def whole() -> Iterator[pa.RecordBatch]:
        table = read.to_table().combine_chunks()
        ends = _ends(table, "period_end" in mapping.filled, report)
        place = table.schema.get_field_index("period_end")
        table = table.set_column(place, table.schema.field(place), ends)
        yield from table.to_batches()

    return Typed(read.schema, whole(), report)


def _build(rows: Rowset) -> Mapping[str, pa.Array]:
    starts = rows.times("period_start", "UTC")
    written = rows.text("period_start")
    blank = pc.is_null(written).to_numpy(zero_copy_only=False)
    rows.set_aside(blank, "period_start", written, Text(N_("The date is missing.")))
    ends = _read_ends(rows, starts)
    costs = rows.text("cost")
    numbers = read_numbers(costs, rows.mapping.decimal_comma)
    unknown = pc.is_null(numbers.values).to_numpy(zero_copy_only=False)
    rows.set_aside(unknown, "cost", costs, Text(N_("The cost is missing or no number.")))
    return {
        "period_start": starts.cast(pa.date32(), safe=False),
        "period_end": ends,
        "channel": rows.required("channel", N_("The channel is missing.")),
        "campaign": rows.text("campaign"),
        "cost": numbers.values,
        "currency": rows.text("currency"),
        "impressions": rows.numbers("impressions"),
        "clicks": rows.numbers("clicks"),
    }


def _read_ends(rows: Rowset, starts: pa.Array) -> pa.Array:
    """The end as the file has it; the day of the start where it has none."""
    if not rows.header("period_end"):
        return starts.cast(pa.date32(), safe=False)
    written, ends = rows.text("period_end"), rows.times("period_end", "UTC")
    blank = pc.is_null(written).to_numpy(zero_copy_only=False)
    rows.set_aside(blank, "period_end", written, Text(N_("The end of the period is missing.")))
    early = pc.fill_null(pc.less(ends, starts), False).to_numpy(zero_copy_only=False)
    rows.set_aside(early, "period_end", written, Text(N_("The period ends before it begins.")))
    return ends.cast(pa.date32(), safe=False)


def _ends(table: pa.Table, given: bool, report: Report) -> pa.Array:
    """The day after the last day of each period."""
    starts, ends = (
        table.column(name).cast(pa.int32()).to_numpy().astype(np.int64) for name in ("period_start", "period_end")
    )
    groups = _groups(table)
    if given:
        half_open = _next_begins_at_end(groups, starts, ends)
        report.assume(Text(_NEXT_DAY if half_open else _LAST_DAY))
        days = ends if half_open else ends + 1
        days = np.maximum(days, starts + 1)
    else:
        weekly = _weekly(groups, starts)
        report.assume(Text(_WEEK if weekly else _DAY))
        days = starts + (7 if weekly else 1)
    return pa.array(days.astype(np.int32), pa.int32()).cast(pa.date32())


def _groups(table: pa.Table) -> list[npt.NDArray[np.int64]]:
    """The rows of each channel and campaign."""
    found: dict[tuple[str, str | None], list[int]] = {}
    keys = zip(table.column("channel").to_pylist(), table.column("campaign").to_pylist(), strict=True)
    for place, key in enumerate(keys):
        found.setdefault(key, []).append(place)
    return [np.array(places, np.int64) for places in found.values()]


def _weekly(groups: list[npt.NDArray[np.int64]], starts: Days) -> bool:
    gaps = [gap for places in groups for gap in np.diff(np.unique(starts[places])).tolist()]
    return 7 in gaps and all(gap % 7 == 0 for gap in gaps)


def _next_begins_at_end(groups: list[npt.NDArray[np.int64]], starts: Days, ends: Days) -> bool:
    touching = following = 0
    for places in groups:
        begins = set(starts[places].tolist())
        touching += sum(end in begins and end > start for start, end in zip(starts[places], ends[places], strict=True))
        following += sum(end + 1 in begins for end in ends[places].tolist())
    return touching > following
