"""Writing a DuckDB file: typed tables come in, sorted and prepared ones stay. `duckdb_store` opens it.

The connection belongs to the one thread that builds, so statements run on it directly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import duckdb
import ibis
import pyarrow as pa

from cx_metrics.ahead import ahead
from cx_metrics.engines import prepared
from cx_metrics.engines.duckdb_answers import prepare_tallies, write_answers
from cx_metrics.engines.duckdb_store import (
    CLOSED,
    MEMORY_LIMIT,
    THREADS,
    Settings,
    Store,
    literal,
    quoted,
    sql_of,
    table_of,
    tables_of,
)  # fmt: skip
from cx_metrics.engines.duckdb_tables import ARRIVED, any_known, arrived, codes_of, columns_of, create, one
from cx_metrics.engines.incoming import ORDER, UPLOAD, Built, Incoming, with_upload
from cx_metrics.engines.room import give_back, spill_room
from cx_metrics.engines.row_groups import in_row_groups
from cx_metrics.engines.walking import ROWS_AT_ONCE, walk, walked_schema
from cx_metrics.errors import TooLittleMemory, TouchlineError
from cx_metrics.journeys import PATH_SIGN, PLACE
from cx_metrics.tables import CUSTOMER_COLUMNS, CUSTOMERS, NUMBERED_ANSWERS, PREPARED, TABLES, TOUCHPOINTS
from cx_metrics.texts import N_
from cx_metrics.view import Facts

MOST_NAMES = 20_000  # different values up to which a text column is stored as codes
CODED = ("touchpoint", "raw_touchpoint", "channel", "touchpoint_type", "phase", "stage", "currency")
READ = 40  # percent of the progress of an import that is said of reading
NEEDED = (
    "customer_id",
    "occurred_at",
    "answered_at",
    "response_id",
    "changed_at",
)  # a row without one is like no other
CLOCKS = {"touchpoints": "occurred_at", "surveys": "answered_at", "invitations": "sent_at"}


def memory_store(
    tables: Mapping[str, Incoming], facts: Facts, cube_share: float = prepared.CUBE_SHARE
) -> tuple[Store, Built]:
    """A dataset in memory, for one command or one notebook; prepared like any other."""
    connection = duckdb.connect(":memory:", config=CLOSED | {"threads": str(THREADS)})
    built = _prepare(connection, tables, facts, lambda _done, _of: None, cube_share)
    return Store(connection, built.facts, tables_of(connection)), built


def build(
    path: Path,
    tables: Mapping[str, Incoming],
    facts: Facts,
    progress: Callable[[int, int], None],
    spill: Path,
    cube_share: float = prepared.CUBE_SHARE,
    memory: str = MEMORY_LIMIT,
) -> Built:
    """Write and prepare a new version file at `path` (which must not exist yet), then close it. Raises TooLittleMemory if what does
    not fit into so much memory has no room on the disk, or has to be in memory."""
    room = spill_room(spill)
    connection = _open(path, spill, room, memory)
    try:
        built = _prepare(connection, tables, facts, progress, cube_share)
        connection.execute("checkpoint")
    except duckdb.OutOfMemoryException:
        raise TooLittleMemory(
            N_("This import needs more room than there is: {memory} of memory and {room} MB of the disk. "
               "Free some of the disk, or import fewer rows."),
            memory=memory, room=room // 10**6,
        ) from None  # fmt: skip
    finally:
        connection.close()
    return built


def _open(path: Path, spill: Path, room: int, memory: str) -> duckdb.DuckDBPyConnection:
    """A connection that may write its file and what it spills, and that nothing makes into one that may do more. It keeps to the
    room on the disk only where that is set after connecting."""
    settings: Settings = {"memory_limit": memory, "threads": str(THREADS), "temp_directory": str(spill)}
    connection = duckdb.connect(str(path), config=CLOSED | settings)
    connection.execute(f"set max_temp_directory_size = '{room}B'")
    connection.execute("set lock_configuration = true")
    return connection


def _prepare(
    connection: duckdb.DuckDBPyConnection,
    tables: Mapping[str, Incoming],
    facts: Facts,
    progress: Callable[[int, int], None],
    cube_share: float = prepared.CUBE_SHARE,
) -> Built:
    """Load what came in, then write the prepared tables; says what percent of the work is done."""
    progress(0, 100)
    connection.execute(
        f"attach ':memory:' as {ARRIVED}"
    )  # not kept, so not packed; what is too much for memory is spilled
    replaced = {}
    for name, incoming in tables.items():
        _take_in(connection, name, incoming)
        if incoming.key:
            replaced[name] = _keep_the_newest(connection, name, incoming)
    give_back()
    progress(READ, 100)
    rows, conflicts = {}, 0
    present = set(tables)
    about_people = present & {*CLOCKS, "customers"}
    if about_people:
        conflicts = _prepare_customers(connection, tables)
    attributes = tuple(
        c for c in columns_of(connection, "customers") if c not in ("customer_id", "customer_number")
    ) if about_people else ()  # fmt: skip
    progress(45, 100)
    duplicates = 0
    if "touchpoints" in tables:
        facts = replace(facts, stages=stages_of(connection, arrived("touchpoints"), "customer_id", facts.stages))
        joined = beside(attributes, "touchpoints")
        duplicates = _prepare_touchpoints(connection, tables["touchpoints"], joined, facts)
        told_apart = prepared.told_apart(joined)
        give_back()
        progress(70, 100)
        _prepare_paths(connection, told_apart)
        progress(85, 100)
        prepare_cubes(connection, told_apart, cube_share)
        prepare_met(connection)
    progress(95, 100)
    if "surveys" in tables:
        own = [name for name in tables["surveys"].schema.names if name not in beside(attributes, "surveys")]
        duplicates += write_answers(connection, own, beside(attributes, "surveys"), facts.zone, "touchpoints" in tables)
        prepare_tallies(connection, beside(attributes, "surveys"), cube_share)
    if "invitations" in tables:
        _write_invitations(connection, tables["invitations"].schema, beside(attributes, "invitations"), facts.zone)
    for name in present & {"spend", "changes"}:
        connection.execute(f"create table {quoted(name)} as select * from {arrived(name)}")
    connection.execute(f"detach {ARRIVED}")
    for name in sorted(present | ({"customers"} if attributes or present & set(CLOCKS) else set())):
        rows[name] = one(connection, f"select count(*) from {quoted(name)}")
    progress(100, 100)
    counted = "select touchpoint, count(*) from touchpoints group by 1 order by 2 desc, 1"
    touchpoints = dict(connection.execute(counted).fetchall()) if "touchpoints" in tables else {}
    return Built(rows, duplicates, conflicts, facts_of(connection, facts, rows, attributes), touchpoints, replaced)


def _take_in(connection: duckdb.DuckDBPyConnection, name: str, incoming: Incoming) -> None:
    """Write the rows of a file beside the store. A problem of the file is raised as itself; DuckDB keeps its words alone."""
    raised: list[BaseException] = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from ahead(in_row_groups(incoming.batches))
        except (TouchlineError, MemoryError) as problem:
            raised.append(problem)
            raise

    schema = with_upload(incoming.schema) if incoming.key else incoming.schema
    connection.register("batches", pa.RecordBatchReader.from_batches(schema, batches()))
    try:
        connection.execute(f"create table {arrived(name)} as select * from batches")
    except duckdb.Error:
        for problem in raised:
            raise problem from None
        raise
    finally:
        connection.unregister("batches")


def _keep_the_newest(connection: duckdb.DuckDBPyConnection, name: str, incoming: Incoming) -> int:
    """Of rows that agree in a key of known values, only those of the newest upload stay. Returns how many went.

    Columns that no file has are not asked; where files number their rows, the number is part of the key.
    """
    known = [c for c in incoming.key if c in incoming.schema.names]
    numbered = incoming.ordered and name == "touchpoints"
    needed = [f"{quoted(c)} is not null" for c in known if c in NEEDED and not (numbered and c == "occurred_at")]
    key = [*map(quoted, known), *([ORDER] if numbered else [])]
    newest = f"max({UPLOAD}) over (partition by {', '.join(key)})"
    where = " and ".join(needed) or "true"
    older = f"select rowid, {UPLOAD} < {newest} as older from {arrived(name)} where {where}"
    gone = f"select rowid from ({older}) where older"
    before = one(connection, f"select count(*) from {arrived(name)}")
    connection.execute(f"delete from {arrived(name)} where rowid in ({gone})")
    for column in (UPLOAD, ORDER):
        connection.execute(f"alter table {arrived(name)} drop column {column}")
    return before - one(connection, f"select count(*) from {arrived(name)}")


def beside(attributes: tuple[str, ...], table: str) -> tuple[str, ...]:
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
        if c != "customer_id" and (c not in CUSTOMERS.names or any_known(connection, arrived("customers"), c))
    ]
    sources = [n for n in (*CLOCKS, "customers") if n in tables]
    union = " union ".join(
        f"select distinct customer_id from {arrived(n)} where customer_id is not null" for n in sources
    )
    first = ", ".join(f"any_value({quoted(c)}) as {quoted(c)}" for c in attributes)
    joined = (
        f"left join (select customer_id, {first} from {arrived('customers')} group by 1) using (customer_id)"
        if first
        else ""
    )
    connection.execute(f"create table customers as select * from ({union}) {joined}")
    conflicts = 0
    for name in (
        "invitations",
        "surveys",
        "touchpoints",
    ):  # touchpoints last: what people did wins over what they wrote down
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
    """Add a customer attribute from the rows of another table: the most frequent value, ties by name. Returns how many customers
    have several."""
    connection.execute(f"""
        create temp table counted as select customer_id, {quoted(column)} as value, count(*) as n from {arrived(table)}
        where {quoted(column)} is not null and customer_id is not null group by all
    """)
    connection.execute(f"""
        create table with_attribute as
        with ranked as (select *, row_number() over (partition by customer_id order by n desc, value) as rank from counted)
        select customers.*, ranked.value as {quoted(column)} from customers
        left join ranked on ranked.customer_id = customers.customer_id and ranked.rank = 1
    """)
    connection.execute("drop table customers")
    connection.execute("alter table with_attribute rename to customers")
    several = one(connection, "select count(*) from (select customer_id from counted group by 1 having count(*) > 1)")
    connection.execute("drop table counted")
    return several


def _prepare_touchpoints(
    connection: duckdb.DuckDBPyConnection, incoming: Incoming, attributes: tuple[str, ...], facts: Facts
) -> int:
    """Write touchpoints sorted by (customer, time, sequence) with the prepared columns. Returns exact duplicates removed.

    A duplicate is the same in every column of the file; rows without a time, or of a file that numbers its rows, are never
    duplicates of each other. Columns of few values are stored as codes.
    """
    same = [c for c in incoming.schema.names if c != "sequence"]
    before = one(connection, f"select count(*) from {ARRIVED}.touchpoints")
    twice = 0 if incoming.ordered else _alike(connection, same)
    once = f"""
        select rowid from {ARRIVED}.touchpoints
        qualify occurred_at is null
            or row_number() over (partition by {", ".join(quoted(c) for c in same)} order by sequence) = 1
    """
    kept = f"where rowid in ({once})" if twice else ""
    own = [c for c in incoming.schema.names if c not in attributes]
    filled = _filled(connection, own)
    coded = [_code(connection, f"{ARRIVED}.touchpoints", c, "t.") for c in filled if c != "customer_id"]
    named = [_code(connection, "customers", c, "customers.") for c in attributes]
    number, joined = _number(connection)
    sorted_rows = f"""
        select {", ".join(["t.customer_id", "customer_number", number, *coded, *named])},
            epoch_us(t.occurred_at) as occurred_microseconds
        from (select * from {ARRIVED}.touchpoints {kept}) t join customers using (customer_id)
        {joined}
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
    walked = ahead(walk(reader, reader.schema, shifts))
    connection.register("walked", pa.RecordBatchReader.from_batches(schema, walked))
    t = ibis.table(ibis.Schema.from_pyarrow(schema), name="walked")
    kinds = ibis.Schema.from_pyarrow(incoming.schema)
    t = t.mutate(**{c: ibis.null(kinds[c].copy(nullable=True)) for c in own if c not in filled})
    create(connection, "touchpoints", prepared.with_rank(t, facts.stages).select(*own, *PREPARED, *attributes))
    connection.unregister("walked")
    return before - one(connection, "select count(*) from touchpoints")


def _filled(connection: duckdb.DuckDBPyConnection, columns: list[str]) -> list[str]:
    """The columns of the touchpoints that hold anything, and those that are always asked for."""
    counts = ", ".join(f"count({quoted(c)})" for c in columns)
    found = connection.execute(f"select {counts} from {ARRIVED}.touchpoints").fetchone() or ()
    asked = ("customer_id", "occurred_at", "sequence", "touchpoint", "stage")
    return [c for c, held in zip(columns, found, strict=True) if held or c in asked]


def _alike(connection: duckdb.DuckDBPyConnection, same: list[str]) -> int:
    """How many rows look like another one, by a fingerprint? None: nothing stands twice."""
    columns = ", ".join(quoted(c) for c in same)
    return one(connection, f"select count(*) - count(distinct hash({columns})) from {ARRIVED}.touchpoints")


def _code(connection: duckdb.DuckDBPyConnection, table: str, column: str, prefix: str = "") -> str:
    """A column as it is stored: texts of few different values as codes that sort as the texts do."""
    plain = f"{prefix}{quoted(column)}"
    if not may_be_coded(column):
        return plain
    kind = connection.execute(f"select typeof({quoted(column)}) from {table} limit 1").fetchone()
    if kind is None or kind[0] != "VARCHAR":
        return plain
    code = make_code(connection, table, column)
    return f"{plain}::{code} as {quoted(column)}" if code else plain


def may_be_coded(column: str) -> bool:
    """Whether a column of touchpoints, or an attribute, is one whose texts are stored as codes if they are few."""
    return column in CODED or (column not in TOUCHPOINTS.names and column not in PREPARED)


def make_code(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> str | None:
    """Make the code of a column's values, in the order of the texts. Returns its name; None where they are none, or too many."""
    values = f"select distinct {quoted(column)} as name from {table} where {quoted(column)} is not null"
    connection.execute(f"create or replace temp table values_held as {values} limit {MOST_NAMES + 1}")
    code = quoted(f"code_{column}")
    found = 0 < one(connection, "select count(*) from values_held") <= MOST_NAMES
    if found:
        connection.execute(f"create type {code} as enum (select name::varchar as name from values_held order by 1)")
    connection.execute("drop table values_held")
    return code if found else None


def _number(connection: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    """Write the names of touchpoints, numbered in their order. Returns the number of a row's name, and the join it needs; where
    names have codes, these are the numbers, less one."""
    numbered = "select row_number() over (order by touchpoint) as touchpoint_number, touchpoint"
    each = f"select distinct touchpoint from {ARRIVED}.touchpoints"
    connection.execute(f"create table names as {numbered} from ({each}) order by 1")
    if "code_touchpoint" in codes_of(connection):
        return "enum_code(t.touchpoint::code_touchpoint)::bigint + 1 as touchpoint_number", ""
    return "touchpoint_number", "join names on names.touchpoint = t.touchpoint"


def _prepare_paths(connection: duckdb.DuckDBPyConnection, attributes: tuple[str, ...]) -> None:
    """Write the journeys, one a customer, and the different whole paths they take, numbered in the order of their names."""
    t = table_of(connection, "touchpoints")
    for repeats in prepared.REPEATS:
        create(connection, f"{repeats}_paths", prepared.customer_paths(t, repeats))
    both = " union ".join(f"select path_key from {repeats}_paths" for repeats in prepared.REPEATS)
    connection.execute(
        f"create table keys as select row_number() over (order by path_key) as path_id, path_key from ({both})"
    )
    connection.execute(f"""
        create table paths as select path_id, len(path_key) as steps,
            array_to_string(list_transform(path_key, node -> held.names[node % {PLACE}]), chr({ord(PATH_SIGN)})) as path
        from keys, (select list(touchpoint::varchar order by touchpoint_number) as names from names) held order by path_id
    """)
    create(connection, "own_journeys", prepared.journeys(t, attributes))
    numbered = ", ".join(f"{r}_keys.path_id as path_{r}" for r in prepared.REPEATS)
    joins = " ".join(
        f"join {r}_paths on {r}_paths.journey_id = own_journeys.customer_number "
        f"join keys as {r}_keys on {r}_keys.path_key = {r}_paths.path_key"
        for r in prepared.REPEATS
    )
    connection.execute(
        f"create table journeys as select own_journeys.*, {numbered} from own_journeys {joins} order by customer_number"
    )
    for name in ("own_journeys", "keys", *(f"{r}_paths" for r in prepared.REPEATS)):
        connection.execute(f"drop table {name}")


def prepare_cubes(connection: duckdb.DuckDBPyConnection, attributes: tuple[str, ...], share: float) -> None:
    """Write the cubes, with as many attributes as their limit allows; none that is nearly as long as the touchpoints."""
    t = table_of(connection, "touchpoints")
    rows = one(connection, "select count(*) from touchpoints")
    counts = {a: one(connection, f"select count(distinct {quoted(a)}) + 1 from customers") for a in attributes}
    for name, cube in prepared.CUBES.items():
        cells = one(connection, f"select count(*) from ({sql_of(cube(t, ()))})")
        chosen = prepared.cube_attributes(counts, cells)
        create(connection, "finest", cube(t, chosen))
        if one(connection, "select count(*) from finest") <= share * rows:
            order = "order by level, repeats" + (", position" if name == "moves" else "")
            create(connection, name, prepared.rolled_up(table_of(connection, "finest"), chosen), order)
        connection.execute("drop table finest")


def prepare_met(connection: duckdb.DuckDBPyConnection) -> None:
    """Write down what each customer met, where there are few enough names and channels."""
    t = table_of(connection, "touchpoints")
    create(connection, "channels", prepared.channels(t), "order by channel_number")
    most = max(one(connection, f"select count(*) from {name}") for name in ("names", "channels"))
    if most <= prepared.MOST_BITS:
        each = prepared.met(t, table_of(connection, "channels"))
        create(connection, "met", each, "order by customer_number")


def _write_invitations(
    connection: duckdb.DuckDBPyConnection, schema: pa.Schema, attributes: tuple[str, ...], zone: str
) -> None:
    """Carry the customers' attributes on every invitation, and the calendar of its day in the dataset's zone. Invitations that name
    nobody are alike and not the same, so all of them stay."""
    own = ", ".join(f"t.{quoted(f.name)}" for f in schema if f.name not in attributes)
    joined = "".join(f", customers.{quoted(c)}" for c in attributes)
    local = f"(t.sent_at at time zone 'UTC' at time zone {literal(zone)})"
    connection.execute(f"""
        create table invitations as select {own}, {local}::date as day,
            date_trunc('week', {local})::date as week, date_trunc('month', {local})::date as month{joined}
        from {arrived("invitations")} t left join customers on customers.customer_id = t.customer_id
        order by t.sent_at, t.invitation_id
    """)


def facts_of(
    connection: duckdb.DuckDBPyConnection, given: Facts, rows: Mapping[str, int], attributes: tuple[str, ...]
) -> Facts:
    """The facts of the prepared dataset: its range, columns that hold something, and stages beyond the given list."""
    columns = {}
    for name in rows:
        own = [c for c in columns_of(connection, name) if name != "surveys" or c not in NUMBERED_ANSWERS]
        columns[name] = tuple(c for c in own if any_known(connection, quoted(name), c))
    timed = not rows.get("touchpoints") or "occurred_at" in columns["touchpoints"]  # no rows: nothing says untimed
    ranges = {}
    for name in CLOCKS:
        if name in rows:
            first, last = connection.execute(f"select min(day), max(day) from {name}").fetchone() or (None, None)
            if first is not None:
                ranges[name] = (first, last)
    kept = tuple(a for a in beside(attributes, "touchpoints") if a in columns.get("customers", ()))
    return Facts(given.stages, given.zone, given.goal, tuple(sorted(rows)), columns, kept, timed, ranges)


def stages_of(
    connection: duckdb.DuckDBPyConnection, touchpoints: str, customer: str, given: tuple[str, ...]
) -> tuple[str, ...]:
    """The stages in order: the given ones, then the file's own in the order in which journeys reach them.

    A file with stages of its own alone has none of the given ones. `customer`: the column that tells customers apart.
    """
    names = connection.execute(f"select distinct stage::varchar from {touchpoints} where stage is not null").fetchall()
    if names and {stage for (stage,) in names} <= set(given):
        return given
    found = connection.execute(f"""
        select stage::varchar as name from (
            select stage, row_number() over (partition by {customer} order by occurred_at, sequence) as step
            from {touchpoints} where stage is not null
        ) group by stage order by avg(step), name
    """).fetchall()
    own = tuple(stage for (stage,) in found)
    beyond = tuple(stage for stage in own if stage not in given)
    return (*given, *beyond) if not own or set(own) & set(given) else beyond
