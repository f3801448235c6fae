"""Files on their way into an engine: one stream of typed rows per table.

Where files came with several uploads, each row carries the number of its upload, and the newest one of a key counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from cx_metrics import reading
from cx_metrics.engines.incoming import ORDER, UPLOAD, Incoming, with_upload
from cx_metrics.errors import MappingProblem
from cx_metrics.plans import Plan, open_file
from cx_metrics.reading import RawFile, Report, Typed
from cx_metrics.reading.mapping import EXTRA
from cx_metrics.tables import TABLES
from cx_metrics.texts import N_, Text

# What makes two rows of different uploads the same contact, answer, customer, cost or change.
KEYS = {
    "touchpoints": ("customer_id", "occurred_at", "raw_touchpoint", "channel", "session_id", "case_id"),
    "surveys": ("response_id", "question"),
    "invitations": ("invitation_id", "customer_id", "wave", "sent_at", "channel", "touchpoint"),
    "customers": ("customer_id",),
    "spend": ("period_start", "channel", "campaign"),
    "changes": ("changed_at", "title"),
}
OF_NOBODY = (
    "invitation_id",
    "wave",
    "sent_at",
    "channel",
    "touchpoint",
    "status",
)  # the key of invitations that name no customer
WITHOUT_IDS = ("customer_id", "answered_at", "question")  # the key of answers whose files do not number them


@dataclass(frozen=True)
class Opened:
    """One file that was opened: its typed rows, the upload it came with, the columns it fills, and about how many rows it has."""

    typed: Typed
    upload: int
    columns: frozenset[str]
    lines: int
    first: int = 0  # where the `sequence` of its rows begins
    raw: RawFile | None = None
    records: int = 0  # about how many there are: in a wide file a row holds several


def open_plan(plan: Plan) -> dict[str, list[Opened]]:
    """Open every file and say how it becomes a typed table. Touchpoint files come one after another in `sequence`."""
    if not plan.files:
        raise MappingProblem(
            N_("There is no file to import. Choose at least one file of touchpoints or survey answers.")
        )
    found: dict[str, list[Opened]] = {}
    read = {
        "touchpoints": lambda raw, m: reading.read_touchpoints(
            raw, m, plan.names, 2**40 * len(found.get("touchpoints", ()))
        ),
        "surveys": lambda raw, m: reading.read_surveys(raw, m, plan.names),
        "invitations": reading.read_invitations,
        "customers": reading.read_customers,
        "spend": reading.read_spend,
        "changes": reading.read_changes,
    }
    for file in plan.files:
        raw, mapping = open_file(file)
        if (
            mapping.time_zone == "UTC"
        ):  # a file may have a zone of its own; otherwise its times are local to the dataset
            mapping = replace(mapping, time_zone=plan.zone)
        typed = read[mapping.table](raw, mapping)
        for text in file.told:
            typed.report.assume(text)
        first = 2**40 * len(found.get(mapping.table, ()))
        several = len(mapping.spread.columns) if mapping.spread else 1
        opened = Opened(typed, file.upload, mapping.filled, raw.lines, first, raw, raw.lines * several)
        found.setdefault(mapping.table, []).append(opened)
    ordered = {name: found[name] for name in TABLES if name in found}
    _say_what_stands_twice({name: [o.typed for o in group] for name, group in ordered.items()})
    return ordered


def reports(opened: Mapping[str, Sequence[Opened]]) -> list[Report]:
    """What became of the rows of each file; complete once they were read."""
    return [o.typed.report for group in opened.values() for o in group]


def streams(opened: Mapping[str, Sequence[Opened]], seen: Callable[[int], None]) -> dict[str, Incoming]:
    """One stream per table: files of one table follow each other, columns that only one has are null in the others."""
    spelled = _spelling({name: [o.typed for o in group] for name, group in opened.items()})
    found = {}
    for name, group in opened.items():
        several = len({o.upload for o in group}) > 1
        named = [(o, [spelled.get((name, column), column) for column in o.typed.schema.names]) for o in group]
        schema = pa.unify_schemas([_renamed(o.typed.schema, columns) for o, columns in named])
        kept = with_upload(schema) if several else schema
        batches = itertools.chain.from_iterable(_batches(o, columns, several) for o, columns in named)
        found[name] = Incoming(
            schema,
            _counted(batches, kept, seen),
            any(o.typed.ordered for o in group),
            _key(name, group) if several else (),
        )
    return found


def _key(name: str, group: Sequence[Opened]) -> tuple[str, ...]:
    if name == "surveys" and not all("response_id" in o.columns for o in group):
        return WITHOUT_IDS
    if name == "invitations" and not any("customer_id" in o.columns for o in group):
        return OF_NOBODY
    return KEYS[name]


def _batches(opened: Opened, names: Sequence[str], several: bool) -> Iterator[pa.RecordBatch]:
    for batch in opened.typed.batches:
        renamed = batch.rename_columns(names)
        if several:
            renamed = renamed.append_column(UPLOAD, pa.repeat(pa.scalar(opened.upload, pa.int32()), batch.num_rows))
            if opened.typed.ordered:  # the number that the file gives its row; `sequence` has its place in it too
                places = renamed["sequence"].to_numpy(zero_copy_only=False) - opened.first
                renamed = renamed.append_column(ORDER, pa.array(places // opened.lines))
        yield renamed


def _say_what_stands_twice(typed: Mapping[str, Sequence[Typed]]) -> None:
    """An attribute of customers that another file has too counts as the customers file says it; that is noted there."""
    known = {n for t in typed.get("customers", ()) for n in t.schema.names if n not in TABLES["customers"].names}
    for name in ("touchpoints", "surveys", "invitations"):
        for t in typed.get(name, ()):
            for column in sorted(known & set(t.schema.names) - set(TABLES[name].names)):
                t.report.assume(
                    Text(N_('"{column}" stands in the customers file too; that file counts.'), {"column": column})
                )


def _spelling(typed: Mapping[str, Sequence[Typed]]) -> dict[tuple[str, str], str]:
    """(table, attribute) → how it is called: "Plan" in one file and "plan" in another are one attribute, as they are one
    name for the engine. The customers' spelling counts, else the first one."""
    first: dict[str, str] = {}
    spelled = {}
    for name in sorted(typed, key=lambda table: table != "customers"):
        own = {*TABLES[name].names, *EXTRA[name]}
        for column in (c for t in typed[name] for c in t.schema.names if c not in own):
            spelled[name, column] = first.setdefault(column.casefold(), column)
    return spelled


def _renamed(schema: pa.Schema, names: Sequence[str]) -> pa.Schema:
    return pa.schema([field.with_name(name) for field, name in zip(schema, names, strict=True)])


def _counted(
    batches: Iterator[pa.RecordBatch], schema: pa.Schema, seen: Callable[[int], None]
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        columns = [batch[f.name] if f.name in batch.schema.names else pa.nulls(batch.num_rows, f.type) for f in schema]
        yield pa.record_batch(columns, schema=schema)
        seen(batch.num_rows)
