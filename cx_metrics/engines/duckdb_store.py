"""The embedded engine: one immutable DuckDB file per dataset version, prepared once, opened read-only and locked.

The facts behind the settings: a connection that threads share gives silently wrong answers, so every query runs on a
cursor of its own; a `.wal` beside an immutable file would be replayed even in read-only mode, so it is refused.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pandas as pd
import pyarrow as pa

from cx_metrics.errors import WorkspaceProblem
from cx_metrics.tables import CUSTOMER_COLUMNS, CUSTOMERS, TABLES
from cx_metrics.texts import N_
from cx_metrics.view import Facts

SESSION_GAP_SECONDS = 30 * 60  # a gap of more than this starts a new session
MEMORY_LIMIT = "2GB"
THREADS = 2

Settings = dict[str, str | bool | int | float | list[str]]  # what DuckDB takes, invariant

CLOSED: Settings = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}


@dataclass(frozen=True)
class Store:
    """An opened dataset: its tables as Ibis expressions, and the one way to fetch a frame from them."""

    connection: duckdb.DuckDBPyConnection
    facts: Facts
    tables: Mapping[str, ibis.Table] = field(default_factory=dict)

    def fetch(self, expression: ibis.Table) -> pd.DataFrame:
        """Run the query on a cursor of its own and give a frame with the types that the expression promises."""
        sql = ibis.to_sql(expression, dialect="duckdb")
        schema = expression.schema()
        fetched = self.connection.cursor().execute(str(sql)).to_arrow_table()
        frame: pd.DataFrame = fetched.rename_columns(list(schema.names)).cast(schema.to_pyarrow()).to_pandas()
        return frame

    def sql(self, expression: ibis.Table) -> str:
        """The query as text, for "explain this number"."""
        return str(ibis.to_sql(expression, dialect="duckdb"))

    def close(self) -> None:
        """Give the file back."""
        self.connection.close()


@dataclass(frozen=True)
class Incoming:
    """One typed table on its way into the store: a schema and its batches.

    `ordered` says that its file numbers its rows: then rows that look alike are not duplicates, their numbers differ.
    """

    schema: pa.Schema
    batches: Iterable[pa.RecordBatch]
    ordered: bool = False


@dataclass(frozen=True)
class Built:
    """What preparing found: rows per table, exact duplicates removed, customers with more than one persona, segment or region
    in their rows, the facts of the dataset, and how often each touchpoint occurs."""

    rows: dict[str, int]
    duplicates: int
    conflicts: int
    facts: Facts
    touchpoints: dict[str, int] = field(default_factory=dict)


_LIVE: weakref.WeakValueDictionary[str, Store] = weakref.WeakValueDictionary()
_OPENING = threading.Lock()


def open_store(path: Path, facts: Facts) -> Store:
    """Open a finished version for serving: read-only, no file access, configuration locked.

    A process opens a file once: whoever asks again while somebody still reads it gets the same store (every query runs on
    a cursor of its own).
    """
    if path.with_name(path.name + ".wal").exists():
        raise WorkspaceProblem(
            N_("{file} has a leftover log beside it and is not opened, because the log would change it. Remove {wal}."),
            file=path.name, wal=path.name + ".wal",
        )  # fmt: skip
    with _OPENING:
        store = _LIVE.get(str(path.resolve()))
        if store is None or store.facts != facts:
            store = _open(path, facts, store)
            _LIVE[str(path.resolve())] = store
    return store


def _open(path: Path, facts: Facts, live: Store | None) -> Store:
    if live is not None:
        return Store(live.connection, facts, live.tables)
    folder = tempfile.mkdtemp(prefix="touchline_engine_")
    settings: Settings = {"memory_limit": MEMORY_LIMIT, "threads": str(THREADS), "temp_directory": folder}
    connection = duckdb.connect(str(path), read_only=True, config=CLOSED | settings)
    connection.cursor().execute("set disabled_filesystems = 'LocalFileSystem'")
    connection.cursor().execute("set lock_configuration = true")
    weakref.finalize(connection, shutil.rmtree, folder, ignore_errors=True)
    return Store(connection, facts, _tables(connection))


def memory_store(tables: Mapping[str, Incoming], facts: Facts) -> tuple[Store, Built]:
    """A dataset in memory, for one command or one notebook; prepared like any other."""
    connection = duckdb.connect(":memory:", config=CLOSED | {"threads": str(THREADS)})
    built = _prepare(connection, tables, facts, lambda _done, _of: None)
    return Store(connection, built.facts, _tables(connection)), built


def build(
    path: Path, tables: Mapping[str, Incoming], facts: Facts, progress: Callable[[int, int], None], spill: Path
) -> Built:
    """Write and prepare a new version file at `path` (which must not exist yet), then close it."""
    settings: Settings = {"memory_limit": MEMORY_LIMIT, "threads": str(THREADS), "temp_directory": str(spill)}
    connection = duckdb.connect(str(path), config=CLOSED | settings)
    try:
        built = _prepare(connection, tables, facts, progress)
        connection.execute("checkpoint")
    finally:
        connection.close()
    return built


def _tables(connection: duckdb.DuckDBPyConnection) -> dict[str, ibis.Table]:
    cursor = connection.cursor()
    names = [row[0] for row in cursor.execute("select table_name from duckdb_tables() where not internal").fetchall()]
    schemas = {n: cursor.execute(f"select * from {_name(n)} limit 0").to_arrow_table().schema for n in names}
    return {n: ibis.table(ibis.Schema.from_pyarrow(schemas[n]), name=n) for n in names if n in TABLES}


def _prepare(
    connection: duckdb.DuckDBPyConnection,
    tables: Mapping[str, Incoming],
    facts: Facts,
    progress: Callable[[int, int], None],
) -> Built:
    """Load what came in, then write the prepared tables. Stages: one per table, two for preparing."""
    stages = len(tables) + 2
    for done, (name, incoming) in enumerate(tables.items()):
        progress(done, stages)
        reader = pa.RecordBatchReader.from_batches(incoming.schema, incoming.batches)
        connection.register("arriving", reader)
        connection.execute(f"create table {_name('raw_' + name)} as select * from arriving")
        connection.unregister("arriving")
    progress(len(tables), stages)
    rows, conflicts = {}, 0
    present = set(tables)
    if present & {"touchpoints", "surveys", "customers"}:
        conflicts = _prepare_customers(connection, tables)
    attributes = tuple(
        c for c in _columns(connection, "customers") if c != "customer_id"
    ) if present & {"touchpoints", "surveys", "customers"} else ()  # fmt: skip
    duplicates = 0
    if "touchpoints" in tables:
        facts = replace(facts, stages=_stages(connection, facts.stages))
        joined = _beside(attributes, "touchpoints")
        duplicates = _prepare_touchpoints(connection, tables["touchpoints"], joined, facts)
    progress(len(tables) + 1, stages)
    if "surveys" in tables:
        schema, joined = tables["surveys"].schema, _beside(attributes, "surveys")
        duplicates += _join_attributes(connection, "surveys", schema, joined, facts.zone)
    for name in present & {"spend", "changes"}:
        connection.execute(f"create table {_name(name)} as select * from {_name('raw_' + name)}")
    for name in present:
        connection.execute(f"drop table {_name('raw_' + name)}")
    for name in sorted(present | ({"customers"} if attributes or present & {"touchpoints", "surveys"} else set())):
        rows[name] = _one(connection, f"select count(*) from {_name(name)}")
    progress(stages, stages)
    counted = "select touchpoint, count(*) from touchpoints group by 1 order by 2 desc, 1"
    touchpoints = dict(connection.execute(counted).fetchall()) if "touchpoints" in tables else {}
    return Built(rows, duplicates, conflicts, _facts(connection, facts, rows, attributes), touchpoints)


def _beside(attributes: tuple[str, ...], table: str) -> tuple[str, ...]:
    """The customers' attributes that a table can carry: a customer's "channel" does not replace that of a touchpoint."""
    own = {name.casefold() for name in TABLES[table].names}
    return tuple(a for a in attributes if a.casefold() not in own)


def _prepare_customers(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Incoming]) -> int:
    """One row per customer of any file. Attributes come from the customers file; persona, segment and region also from
    the other files, where the customers file does not say. Returns how many customers had more than one persona,
    segment or region in those files (the most frequent one counts, ties by name)."""
    own = [f.name for f in tables["customers"].schema] if "customers" in tables else []
    attributes = [
        c for c in own if c != "customer_id" and (c not in CUSTOMERS.names or _any(connection, "customers", c))
    ]
    sources = [n for n in ("touchpoints", "surveys", "customers") if n in tables]
    union = " union ".join(
        f"select distinct customer_id from {_name('raw_' + n)} where customer_id is not null" for n in sources
    )
    first = ", ".join(f"any_value({_name(c)}) as {_name(c)}" for c in attributes)
    joined = (
        f"left join (select customer_id, {first} from raw_customers group by 1) using (customer_id)" if first else ""
    )
    connection.execute(f"create table customers as select * from ({union}) {joined}")
    conflicts = 0
    for name in ("surveys", "touchpoints"):  # touchpoints last: what people did wins over what they wrote down
        if name not in tables:
            continue
        for column in CUSTOMER_COLUMNS:
            if column in tables[name].schema.names and column not in attributes:
                conflicts += _attribute_from(connection, name, column)
                attributes.append(column)
    connection.execute("create table ordered as select * from customers order by customer_id")
    connection.execute("drop table customers")
    connection.execute("alter table ordered rename to customers")
    return conflicts


def _attribute_from(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> int:
    """Add a customer attribute from the rows of another table: the most frequent value, ties by name."""
    connection.execute(f"""
        create table with_attribute as
        with counted as (
            select customer_id, {_name(column)} as value, count(*) as n from {_name("raw_" + table)}
            where {_name(column)} is not null and customer_id is not null group by all
        ), ranked as (
            select *, row_number() over (partition by customer_id order by n desc, value) as rank from counted
        )
        select customers.*, ranked.value as {_name(column)} from customers
        left join ranked on ranked.customer_id = customers.customer_id and ranked.rank = 1
    """)
    connection.execute("drop table customers")
    connection.execute("alter table with_attribute rename to customers")
    return _one(
        connection,
        f"select count(*) from (select customer_id from {_name('raw_' + table)} where {_name(column)} is not null "
        f"group by 1 having count(distinct {_name(column)}) > 1)",
    )


def _prepare_touchpoints(
    connection: duckdb.DuckDBPyConnection, incoming: Incoming, attributes: tuple[str, ...], facts: Facts
) -> int:
    """Write touchpoints sorted by (customer, time, sequence) with the prepared columns. Returns exact duplicates removed.

    A duplicate is the same in every column of the file; rows without a time, or of a file
    that numbers its rows, are never duplicates of each other.
    """
    schema = incoming.schema
    own = [f.name for f in schema if f.name not in attributes]
    same = ", ".join(_name(c) for c in schema.names if c != "sequence")
    journey = "partition by customer_id order by occurred_at, sequence"
    rank = " ".join(f"when {_text(stage)} then {i}" for i, stage in enumerate(facts.stages, 1))
    local = f"(occurred_at at time zone 'UTC' at time zone {_text(facts.zone)})"
    joined = "".join(f", customers.{_name(c)}" for c in attributes)
    before = _one(connection, "select count(*) from raw_touchpoints")
    alike = f"qualify occurred_at is null or row_number() over (partition by {same} order by sequence) = 1"
    once = "" if incoming.ordered else alike
    connection.execute(f"""
        create table touchpoints as
        with once as (
            select * from raw_touchpoints
            {once}
        ), timed as (
            select {", ".join(_name(c) for c in own)},
                epoch_us(occurred_at) as occurred_microseconds,
                row_number() over ({journey}) as step,
                lead(touchpoint) over ({journey}) as next_touchpoint,
                (epoch_us(lead(occurred_at) over ({journey})) - epoch_us(occurred_at)) / 1e6 as seconds_to_next,
                coalesce(epoch_us(occurred_at) - epoch_us(lag(occurred_at) over ({journey}))
                    > {SESSION_GAP_SECONDS * 1_000_000}, false) as new_session,
                min(occurred_at) over (partition by customer_id) as journey_start,
                case stage {rank} end::bigint as stage_rank,
                {local}::date as day,
                date_trunc('week', {local})::date as week,
                date_trunc('month', {local})::date as month
            from once
        )
        select timed.* exclude (new_session),
            1 + (sum(new_session::bigint) over (partition by timed.customer_id order by occurred_at, sequence
                rows unbounded preceding))::bigint as session_number{joined}
        from timed left join customers on customers.customer_id = timed.customer_id
        order by timed.customer_id, occurred_at, sequence
    """)
    return before - _one(connection, "select count(*) from touchpoints")


def _join_attributes(
    connection: duckdb.DuckDBPyConnection, table: str, schema: pa.Schema, attributes: tuple[str, ...], zone: str
) -> int:
    """Carry the customers' attributes on every answer, and the calendar of the answer's time in the dataset's zone.

    Returns how many answers stood twice, the same in every column; each counts once.
    """
    before = _one(connection, f"select count(*) from {_name('raw_' + table)}")
    own = ", ".join(f"t.{_name(f.name)}" for f in schema if f.name not in attributes)
    joined = "".join(f", customers.{_name(c)}" for c in attributes)
    local = f"(t.answered_at at time zone 'UTC' at time zone {_text(zone)})"
    connection.execute(f"""
        create table {_name(table)} as select {own}, {local}::date as day,
            date_trunc('week', {local})::date as week, date_trunc('month', {local})::date as month{joined}
        from (select distinct * from {_name("raw_" + table)}) t
        left join customers on customers.customer_id = t.customer_id
        order by t.answered_at, t.response_id
    """)
    return before - _one(connection, f"select count(*) from {_name(table)}")


def _facts(
    connection: duckdb.DuckDBPyConnection, given: Facts, rows: Mapping[str, int], attributes: tuple[str, ...]
) -> Facts:
    """The facts of the prepared dataset: its range, columns that hold something, and stages beyond the given list."""
    columns = {}
    for name in rows:
        columns[name] = tuple(c for c in _columns(connection, name) if _any(connection, name, c, prefix=""))
    timed = not rows.get("touchpoints") or "occurred_at" in columns["touchpoints"]  # no rows: nothing says untimed
    ranges = {}
    for name in ("touchpoints", "surveys"):
        if name in rows:
            first, last = connection.execute(f"select min(day), max(day) from {name}").fetchone() or (None, None)
            if first is not None:
                ranges[name] = (first, last)
    kept = tuple(a for a in _beside(attributes, "touchpoints") if a in columns.get("customers", ()))
    return Facts(given.stages, given.zone, given.goal, tuple(sorted(rows)), columns, kept, timed, ranges)


def _stages(connection: duckdb.DuckDBPyConnection, given: tuple[str, ...]) -> tuple[str, ...]:
    """The stages in order: the given ones, then the file's own in the order in which journeys reach them.

    A file with stages of its own alone has none of the given ones.
    """
    found = connection.execute("""
        select stage from (
            select stage, row_number() over (partition by customer_id order by occurred_at, sequence) as step
            from raw_touchpoints where stage is not null
        ) group by stage order by avg(step), stage
    """).fetchall()
    own = tuple(stage for (stage,) in found)
    beyond = tuple(stage for stage in own if stage not in given)
    return (*given, *beyond) if not own or set(own) & set(given) else beyond


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [row[0] for row in connection.execute(f"describe {_name(table)}").fetchall()]


def _any(connection: duckdb.DuckDBPyConnection, table: str, column: str, prefix: str = "raw_") -> bool:
    return bool(
        _one(
            connection, f"select count(*) from (from {_name(prefix + table)} where {_name(column)} is not null limit 1)"
        )
    )


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    found: Any = connection.execute(sql).fetchone()
    return int(found[0])


def _name(name: str) -> str:
    """An identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    """A text literal, quoted."""
    return "'" + text.replace("'", "''") + "'"
