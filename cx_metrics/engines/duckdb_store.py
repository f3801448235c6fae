"""The embedded engine: one immutable DuckDB file per dataset version, prepared once, opened read-only and locked.

The facts behind the settings: a connection that threads share gives silently wrong answers, so every query runs on a
cursor of its own; a `.wal` beside an immutable file would be replayed even in read-only mode, so it is refused.
"""

from __future__ import annotations

import re
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

from cx_metrics.engines import prepared
from cx_metrics.engines.walking import ROWS_AT_ONCE, walk, walked_schema
from cx_metrics.errors import WorkspaceProblem
from cx_metrics.tables import CUSTOMER_COLUMNS, CUSTOMERS, PREPARED, PREPARED_TABLES, TABLES, TOUCHPOINTS
from cx_metrics.texts import N_
from cx_metrics.view import Facts

MOST_COMPILED = 1_000  # queries kept compiled per dataset
MOST_NAMES = 20_000  # different values up to which a text column is stored as codes
CODED = ("touchpoint", "raw_touchpoint", "channel", "touchpoint_type", "phase", "stage", "currency")
ARRIVED = "arrived"  # what came in, in memory beside the file
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
    _compiled: dict[tuple[Any, ...], tuple[str, pa.Schema, Any]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )  # of this store alone: one with other facts, as by `replace`, asks other queries

    def fetch(self, expression: ibis.Table) -> pd.DataFrame:
        """Run the query on a cursor of its own and give a frame with the types that the expression promises."""
        return self._run(self.sql(expression), expression.schema().to_pyarrow())

    def remembered(
        self, key: tuple[Any, ...], build: Callable[[], tuple[ibis.Table, Any]], values: Mapping[str, str]
    ) -> tuple[pd.DataFrame, Any]:
        """The frame of a query that is compiled once per key; `values` take the places of the placeholders in it."""
        compiled = self._compiled.get(key)
        if compiled is None:
            expression, known = build()
            compiled = (self.sql(expression), expression.schema().to_pyarrow(), known)
            if len(self._compiled) >= MOST_COMPILED:  # by any thread: nobody counts on finding a query again
                self._compiled.clear()
            self._compiled[key] = compiled
        sql, schema, known = compiled
        if values:  # in one go, so that no value is taken for a placeholder
            literals = {_text(place): _text(value) for place, value in values.items()}
            sql = re.sub("|".join(map(re.escape, literals)), lambda found: literals[found[0]], sql)
        return self._run(sql, schema), known

    def _run(self, sql: str, schema: pa.Schema) -> pd.DataFrame:
        fetched = self.connection.cursor().execute(sql).to_arrow_table()
        frame: pd.DataFrame = fetched.rename_columns(schema.names).cast(schema).to_pandas()
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
        if store is not None and not _is_open(store):
            store = None
        if store is None or store.facts != facts:
            store = _open(path, facts, store)
            _LIVE[str(path.resolve())] = store
    return store


def _is_open(store: Store) -> bool:
    try:
        store.connection.cursor().close()
    except duckdb.ConnectionException:
        return False
    return True


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


def memory_store(
    tables: Mapping[str, Incoming], facts: Facts, cube_share: float = prepared.CUBE_SHARE
) -> tuple[Store, Built]:
    """A dataset in memory, for one command or one notebook; prepared like any other."""
    connection = duckdb.connect(":memory:", config=CLOSED | {"threads": str(THREADS)})
    built = _prepare(connection, tables, facts, lambda _done, _of: None, cube_share)
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
    return {n: _table(cursor, n) for n in names if n in TABLES or n in PREPARED_TABLES}


def _table(cursor: duckdb.DuckDBPyConnection, name: str) -> ibis.Table:
    """A table or view of the store as an expression."""
    schema = cursor.execute(f"select * from {_name(name)} limit 0").to_arrow_table().schema
    return ibis.table(ibis.Schema.from_pyarrow(schema), name=name)


def _prepare(
    connection: duckdb.DuckDBPyConnection,
    tables: Mapping[str, Incoming],
    facts: Facts,
    progress: Callable[[int, int], None],
    cube_share: float = prepared.CUBE_SHARE,
) -> Built:
    """Load what came in, then write the prepared tables. Stages: one per table, two for preparing."""
    stages = len(tables) + 2
    connection.execute(
        f"attach ':memory:' as {ARRIVED}"
    )  # not kept, so not packed; what is too much for memory is spilled
    for done, (name, incoming) in enumerate(tables.items()):
        progress(done, stages)
        reader = pa.RecordBatchReader.from_batches(incoming.schema, incoming.batches)
        connection.register("batches", reader)
        connection.execute(f"create table {_arrived(name)} as select * from batches")
        connection.unregister("batches")
    progress(len(tables), stages)
    rows, conflicts = {}, 0
    present = set(tables)
    if present & {"touchpoints", "surveys", "customers"}:
        conflicts = _prepare_customers(connection, tables)
    attributes = tuple(
        c for c in _columns(connection, "customers") if c not in ("customer_id", "customer_number")
    ) if present & {"touchpoints", "surveys", "customers"} else ()  # fmt: skip
    duplicates = 0
    if "touchpoints" in tables:
        facts = replace(facts, stages=_stages(connection, facts.stages))
        joined = _beside(attributes, "touchpoints")
        duplicates = _prepare_touchpoints(connection, tables["touchpoints"], joined, facts)
        told_apart = prepared.told_apart(joined)
        _prepare_paths(connection, told_apart)
        _prepare_cubes(connection, told_apart, cube_share)
    progress(len(tables) + 1, stages)
    if "surveys" in tables:
        schema, joined = tables["surveys"].schema, _beside(attributes, "surveys")
        duplicates += _join_attributes(connection, "surveys", schema, joined, facts.zone)
    for name in present & {"spend", "changes"}:
        connection.execute(f"create table {_name(name)} as select * from {_arrived(name)}")
    connection.execute(f"detach {ARRIVED}")
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
        c
        for c in own
        if c != "customer_id" and (c not in CUSTOMERS.names or _any(connection, _arrived("customers"), c))
    ]
    sources = [n for n in ("touchpoints", "surveys", "customers") if n in tables]
    union = " union ".join(
        f"select distinct customer_id from {_arrived(n)} where customer_id is not null" for n in sources
    )
    first = ", ".join(f"any_value({_name(c)}) as {_name(c)}" for c in attributes)
    joined = (
        f"left join (select customer_id, {first} from {_arrived('customers')} group by 1) using (customer_id)"
        if first
        else ""
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
    connection.execute("""
        create table ordered as select *, row_number() over (order by customer_id) as customer_number from customers
        order by customer_id
    """)
    connection.execute("drop table customers")
    connection.execute("alter table ordered rename to customers")
    return conflicts


def _attribute_from(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> int:
    """Add a customer attribute from the rows of another table: the most frequent value, ties by name."""
    connection.execute(f"""
        create table with_attribute as
        with counted as (
            select customer_id, {_name(column)} as value, count(*) as n from {_arrived(table)}
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
        f"select count(*) from (select customer_id from {_arrived(table)} where {_name(column)} is not null "
        f"group by 1 having count(distinct {_name(column)}) > 1)",
    )


def _prepare_touchpoints(
    connection: duckdb.DuckDBPyConnection, incoming: Incoming, attributes: tuple[str, ...], facts: Facts
) -> int:
    """Write touchpoints sorted by (customer, time, sequence) with the prepared columns. Returns exact duplicates removed.

    A duplicate is the same in every column of the file; rows without a time, or of a file that numbers its rows, are never
    duplicates of each other. Columns of few values are stored as codes.
    """
    same = [c for c in incoming.schema.names if c != "sequence"]
    before = _one(connection, f"select count(*) from {ARRIVED}.touchpoints")
    twice = 0 if incoming.ordered else _alike(connection, same)
    once = f"""
        select rowid from {ARRIVED}.touchpoints
        qualify occurred_at is null
            or row_number() over (partition by {", ".join(_name(c) for c in same)} order by sequence) = 1
    """
    kept = f"where rowid in ({once})" if twice else ""
    own = [c for c in incoming.schema.names if c not in attributes]
    filled = _filled(connection, own)
    coded = [_code(connection, f"{ARRIVED}.touchpoints", c, "t.") for c in filled if c != "customer_id"]
    named = [_code(connection, "customers", c, "customers.") for c in attributes]
    sorted_rows = f"""
        select {", ".join(["t.customer_id", "customer_number", *coded, *named])},
            epoch_us(t.occurred_at) as occurred_microseconds
        from (select * from {ARRIVED}.touchpoints {kept}) t join customers using (customer_id)
        order by customer_number, t.occurred_at, t.sequence
    """
    first, last = connection.execute(
        f"select min(occurred_at), max(occurred_at) from {ARRIVED}.touchpoints"
    ).fetchone() or (
        None,
        None,
    )
    shifts = prepared.clock_shifts(facts.zone, first, last) if first is not None else ()
    reader = connection.cursor().execute(sorted_rows).to_arrow_reader(ROWS_AT_ONCE)
    schema = walked_schema(reader.schema)
    connection.register("walked", pa.RecordBatchReader.from_batches(schema, walk(reader, reader.schema, shifts)))
    t = ibis.table(ibis.Schema.from_pyarrow(schema), name="walked")
    kinds = ibis.Schema.from_pyarrow(incoming.schema)
    t = t.mutate(**{c: ibis.null(kinds[c].copy(nullable=True)) for c in own if c not in filled})
    _create(connection, "touchpoints", prepared.with_rank(t, facts.stages).select(*own, *PREPARED, *attributes))
    connection.unregister("walked")
    return before - _one(connection, "select count(*) from touchpoints")


def _filled(connection: duckdb.DuckDBPyConnection, columns: list[str]) -> list[str]:
    """The columns of the touchpoints that hold anything, and those that are always asked for."""
    counts = ", ".join(f"count({_name(c)})" for c in columns)
    found = connection.execute(f"select {counts} from {ARRIVED}.touchpoints").fetchone() or ()
    asked = ("customer_id", "occurred_at", "sequence", "touchpoint", "stage")
    return [c for c, held in zip(columns, found, strict=True) if held or c in asked]


def _alike(connection: duckdb.DuckDBPyConnection, same: list[str]) -> int:
    """How many rows look like another one, by a fingerprint? None: nothing stands twice."""
    columns = ", ".join(_name(c) for c in same)
    return _one(connection, f"select count(*) - count(distinct hash({columns})) from {ARRIVED}.touchpoints")


def _code(connection: duckdb.DuckDBPyConnection, table: str, column: str, prefix: str = "") -> str:
    """A column as it is stored: texts of few different values as codes that sort as the texts do."""
    plain = f"{prefix}{_name(column)}"
    if column not in CODED and column in TOUCHPOINTS.names or column in ("customer_id", "customer_number"):
        return plain
    kind = connection.execute(f"select typeof({_name(column)}) from {table} limit 1").fetchone()
    if kind is None or kind[0] != "VARCHAR":
        return plain
    values = f"select distinct {_name(column)} as name from {table} where {_name(column)} is not null"
    connection.execute(f"create or replace temp table names as {values} limit {MOST_NAMES + 1}")
    code = _name(f"code_{column}")
    if 0 < _one(connection, "select count(*) from names") <= MOST_NAMES:
        connection.execute(f"create type {code} as enum (select name from names order by 1)")
        plain = f"{plain}::{code} as {_name(column)}"
    connection.execute("drop table names")
    return plain


def _create(connection: duckdb.DuckDBPyConnection, name: str, expression: ibis.Table, order: str = "") -> None:
    """Write an expression as a table, with the types it promises; texts that have codes are stored as codes."""
    kinds = {"int64": "bigint", "float64": "double", "date": "date"}
    codes = {row[0] for row in connection.execute("select type_name from duckdb_types() where not internal").fetchall()}
    typed = []
    for column, kind in expression.schema().items():
        code = f"code_{'touchpoint' if column == 'next_touchpoint' else column}"
        cast = _name(code) if code in codes and kind.is_string() else kinds.get(str(kind))
        typed.append(f"{_name(column)}::{cast} as {_name(column)}" if cast else _name(column))
    sql = ibis.to_sql(expression, dialect="duckdb")
    connection.execute(f"create table {_name(name)} as select {', '.join(typed)} from ({sql}) {order}")


def _prepare_paths(connection: duckdb.DuckDBPyConnection, attributes: tuple[str, ...]) -> None:
    """Write the journeys, one a customer, and the different whole paths they take, numbered in the order of their names."""
    t = _table(connection, "touchpoints")
    for repeats in prepared.REPEATS:
        _create(connection, f"{repeats}_paths", prepared.customer_paths(t, repeats))
    both = " union all ".join(f"select path, steps from {repeats}_paths" for repeats in prepared.REPEATS)
    connection.execute(f"""
        create table paths as select row_number() over (order by path) as path_id, path, steps
        from (select distinct path, steps from ({both})) order by path_id
    """)
    _create(connection, "own_journeys", prepared.journeys(t, attributes))
    numbered = ", ".join(f"{r}_named.path_id as path_{r}" for r in prepared.REPEATS)
    joins = " ".join(
        f"join {r}_paths on {r}_paths.journey_id = own_journeys.customer_number "
        f"join paths as {r}_named on {r}_named.path = {r}_paths.path"
        for r in prepared.REPEATS
    )
    connection.execute(
        f"create table journeys as select own_journeys.*, {numbered} from own_journeys {joins} order by customer_number"
    )
    for name in ("own_journeys", *(f"{r}_paths" for r in prepared.REPEATS)):
        connection.execute(f"drop table {name}")


def _prepare_cubes(connection: duckdb.DuckDBPyConnection, attributes: tuple[str, ...], share: float) -> None:
    """Write the cubes, with as many attributes as their limit allows; none that is nearly as long as the touchpoints."""
    t = _table(connection, "touchpoints")
    rows = _one(connection, "select count(*) from touchpoints")
    counts = {a: _one(connection, f"select count(distinct {_name(a)}) + 1 from customers") for a in attributes}
    cubes = {"moves": prepared.moves_cube, "pairs": prepared.pairs_cube}
    for name, cube in cubes.items():
        cells = _one(connection, f"select count(*) from ({ibis.to_sql(cube(t, ()), dialect='duckdb')})")
        chosen = prepared.cube_attributes(counts, cells)
        _create(connection, "finest", cube(t, chosen))
        if _one(connection, "select count(*) from finest") <= share * rows:
            order = "order by level, repeats" + (", position" if name == "moves" else "")
            _create(connection, name, prepared.rolled_up(_table(connection, "finest"), chosen), order)
        connection.execute("drop table finest")


def _join_attributes(
    connection: duckdb.DuckDBPyConnection, table: str, schema: pa.Schema, attributes: tuple[str, ...], zone: str
) -> int:
    """Carry the customers' attributes on every answer, and the calendar of the answer's time in the dataset's zone.

    Returns how many answers stood twice, the same in every column; each counts once.
    """
    before = _one(connection, f"select count(*) from {_arrived(table)}")
    own = ", ".join(f"t.{_name(f.name)}" for f in schema if f.name not in attributes)
    joined = "".join(f", customers.{_name(c)}" for c in attributes)
    local = f"(t.answered_at at time zone 'UTC' at time zone {_text(zone)})"
    connection.execute(f"""
        create table {_name(table)} as select {own}, {local}::date as day,
            date_trunc('week', {local})::date as week, date_trunc('month', {local})::date as month{joined}
        from (select distinct * from {_arrived(table)}) t
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
        columns[name] = tuple(c for c in _columns(connection, name) if _any(connection, _name(name), c))
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
    names = connection.execute(f"select distinct stage from {ARRIVED}.touchpoints where stage is not null").fetchall()
    if names and {stage for (stage,) in names} <= set(given):
        return given
    found = connection.execute(f"""
        select stage from (
            select stage, row_number() over (partition by customer_id order by occurred_at, sequence) as step
            from {ARRIVED}.touchpoints where stage is not null
        ) group by stage order by avg(step), stage
    """).fetchall()
    own = tuple(stage for (stage,) in found)
    beyond = tuple(stage for stage in own if stage not in given)
    return (*given, *beyond) if not own or set(own) & set(given) else beyond


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    return [row[0] for row in connection.execute(f"describe {_name(table)}").fetchall()]


def _any(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    return bool(_one(connection, f"select count(*) from (from {table} where {_name(column)} is not null limit 1)"))


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    found: Any = connection.execute(sql).fetchone()
    return int(found[0])


def _arrived(table: str) -> str:
    """A table as it came in."""
    return f"{ARRIVED}.{_name(table)}"


def _name(name: str) -> str:
    """An identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def _text(text: str) -> str:
    """A text literal, quoted."""
    return "'" + text.replace("'", "''") + "'"
