"""Erasing customers from a version: its file is written afresh without them, as if their rows had never been imported.

Deleting rows would leave their bytes in the file. So every table is copied in the order it has: what belongs to one customer
alone (steps, sessions, paths) stays as it is, numbers that count customers, names or paths close their gaps, and only the cubes
are added up again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from cx_metrics.engines import prepared
from cx_metrics.engines.duckdb_answers import answers_order, prepare_tallies
from cx_metrics.engines.duckdb_build import (
    beside,
    facts_of,
    make_code,
    may_be_coded,
    prepare_cubes,
    prepare_met,
    stages_of,
)
from cx_metrics.engines.duckdb_store import (
    CLOSED,
    MEMORY_LIMIT,
    THREADS,
    Settings,
    literal,
    quoted,
    refuse_log,
)  # fmt: skip
from cx_metrics.engines.duckdb_tables import columns_of, one
from cx_metrics.tables import CUSTOMER_COLUMNS, TABLES
from cx_metrics.view import Facts

BEFORE = "before_erasing"  # the version as it was, attached for reading alone
LEFT = "customer_number not in (select customer_number from erased)"
AT_ONCE = 256  # customers whose gaps one statement closes


@dataclass(frozen=True)
class Erased:
    """What erasing took out of a version, and what it has now.

    `removed`: rows taken out, `rows`: rows left, per table. `facts` and `touchpoints` (how often each occurs) as importing says
    them. `emptied`: persona, segment or region, where nobody is left for whom it is known; the column stays, and is empty.
    """

    removed: dict[str, int]
    rows: dict[str, int]
    facts: Facts
    touchpoints: dict[str, int]
    emptied: tuple[str, ...] = ()

    @property
    def any(self) -> bool:
        """Whether the version held anything of these customers. Where not, no file was written."""
        return any(self.removed.values())


def erase(
    path: Path,
    new: Path,
    customer_ids: Sequence[str],
    facts: Facts,
    spill: Path,
    cube_share: float = prepared.CUBE_SHARE,
) -> Erased:
    """Write the version at `path` once more, at `new` (which must not exist yet), without these customers.

    The new file holds what importing the same rows without theirs would have written, with these exceptions:
    - `sequence` keeps its numbers, and an answer without an id of its own its name after its row: both count rows of the file
      that was imported;
    - a stage list that is made from the data is ordered by rows that stand once, where importing counts repeated ones too;
    - a persona, segment or region that nobody has any more stays as an empty column (`Erased.emptied`). Where a touchpoint or
      survey file says it too, importing anew would take it from there.
    No metric reads the first; the second can reorder stages that journeys reach at nearly the same step.

    `facts`: stages, zone and goal as importing was asked for them. `spill`: an empty folder for what memory cannot hold. An id
    that is not there is no fault; where none is, nothing is written. Where anything fails, `new` is removed.

    Raises:
        FileExistsError: there is something at `new`.
        WorkspaceProblem: a log lies beside the version, which reading would replay.
    """
    refuse_log(path)
    if new.exists():
        raise FileExistsError(new)
    settings: Settings = {"memory_limit": MEMORY_LIMIT, "threads": str(THREADS), "temp_directory": str(spill)}
    attaching: Settings = {name: value for name, value in CLOSED.items() if name != "enable_external_access"}
    connection = duckdb.connect(str(new), config=attaching | settings)
    kept = False
    try:
        connection.execute(f"attach {literal(str(path))} as {BEFORE} (read_only)")
        connection.execute("set enable_external_access = false")
        erased = _erase(connection, customer_ids, facts, cube_share)
        kept = erased.any
        connection.execute("checkpoint")
    finally:
        connection.close()
        for file in () if kept else (new, new.with_name(new.name + ".wal")):
            file.unlink(missing_ok=True)
    return erased


def _erase(
    connection: duckdb.DuckDBPyConnection, customer_ids: Sequence[str], facts: Facts, cube_share: float
) -> Erased:
    tables = _tables(connection)
    removed = _find(connection, tables, customer_ids)
    if not any(removed.values()):
        connection.execute(f"use {BEFORE}")
        return _said(connection, removed, tables, facts)
    connection.execute("begin")  # one transaction: no table is packed twice
    connection.execute(f"""
        create table customers as select c.* replace (row_number() over (order by customer_number) as customer_number)
        from {BEFORE}.customers c where {LEFT} order by customer_number
    """)
    emptied = tuple(c for c in _filled(connection, f"{BEFORE}.customers") if c not in _filled(connection, "customers"))
    if "touchpoints" in tables:
        facts = replace(facts, stages=_stages(connection, facts))
        codes = _codes(connection)
        _copy_names(connection)
        _copy_touchpoints(connection, codes, facts.stages)
        _copy_journeys(connection, codes)
    staying = "(customer_id is null or customer_id not in (select customer_id from erased))"
    if "surveys" in tables:
        connection.execute(f"""
            create table surveys as select t.* exclude (old) replace (
                customers.customer_number as customer_number,
                dense_rank() over (order by t.response_number) as response_number,
                row_number() over (order by t.nth_answer) as nth_answer
            ) from (select *, rowid as old from {BEFORE}.surveys where {staying}) t
            left join customers on customers.customer_id = t.customer_id
            order by {answers_order(_kinds(connection, "surveys"), "t.")}, t.old
        """)
    if "invitations" in tables:
        connection.execute(f"""
            create table invitations as select t.* from {BEFORE}.invitations t
            where {staying} order by sent_at, invitation_id, rowid
        """)
    for name in sorted({"spend", "changes"} & tables):
        connection.execute(f"create table {name} as select * from {BEFORE}.{name}")
    connection.execute("commit")
    connection.execute(f"detach {BEFORE}")
    if "touchpoints" in tables:
        joined = beside(_attributes(connection), "touchpoints")
        prepare_cubes(connection, prepared.told_apart(joined), cube_share)
        prepare_met(connection)
    if "surveys" in tables:
        prepare_tallies(connection, beside(_attributes(connection), "surveys"), cube_share)
    return replace(_said(connection, removed, tables, facts), emptied=emptied)


def _tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The typed tables of the version."""
    asked = f"select table_name from duckdb_tables() where database_name = '{BEFORE}' and not internal"
    return {name for (name,) in connection.execute(asked).fetchall()} & set(TABLES)


def _find(connection: duckdb.DuckDBPyConnection, tables: set[str], customer_ids: Sequence[str]) -> dict[str, int]:
    """Note who is erased, in memory; returns how many rows of each table that takes out."""
    removed = dict.fromkeys(sorted(tables), 0)
    if "customers" not in tables:  # a version about nobody
        return removed
    connection.execute("create temp table asked (customer_id varchar)")
    connection.execute("insert into asked select unnest(?::varchar[])", [list(customer_ids)])
    connection.execute(f"""
        create temp table erased as select customer_number, customer_id from {BEFORE}.customers
        where customer_id in (select customer_id from asked) order by customer_number
    """)
    removed["customers"] = one(connection, "select count(*) from erased")
    for name, key in (("touchpoints", "customer_number"), ("surveys", "customer_id"), ("invitations", "customer_id")):
        if name in tables and removed["customers"]:
            within = f"{key} in (select {key} from erased)"
            removed[name] = one(connection, f"select count(*) from {BEFORE}.{name} where {within}")
    return removed


def _said(connection: duckdb.DuckDBPyConnection, removed: dict[str, int], tables: set[str], facts: Facts) -> Erased:
    """The rows and facts of the database in use."""
    rows = {name: one(connection, f"select count(*) from {name}") for name in sorted(tables)}
    counted = "select touchpoint::varchar as name, count(*) from touchpoints group by 1 order by 2 desc, 1"
    touchpoints = dict(connection.execute(counted).fetchall()) if "touchpoints" in tables else {}
    attributes = _attributes(connection) if "customers" in tables else ()
    if touchpoints and not any(removed.values()):
        facts = replace(facts, stages=stages_of(connection, "touchpoints", "customer_number", facts.stages))
    return Erased(removed, rows, facts_of(connection, facts, rows, attributes), touchpoints)


def _attributes(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    return tuple(c for c in columns_of(connection, "customers") if c not in ("customer_id", "customer_number"))


def _filled(connection: duckdb.DuckDBPyConnection, customers: str) -> list[str]:
    """Which of persona, segment and region are known of anybody?"""
    present = [c for c in CUSTOMER_COLUMNS if c in _attributes(connection)]
    counts = ", ".join(f"count({c})" for c in present) or "null"
    found = connection.execute(f"select {counts} from {customers}").fetchone() or ()
    return [c for c, held in zip(present, found, strict=False) if held]


def _stages(connection: duckdb.DuckDBPyConnection, facts: Facts) -> tuple[str, ...]:
    return stages_of(connection, f"(from {BEFORE}.touchpoints where {LEFT})", "customer_number", facts.stages)


def _kinds(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """The columns of a table as it was, in order, and their types."""
    return {row[0]: str(row[1]) for row in connection.execute(f"describe {BEFORE}.{table}").fetchall()}


def _codes(connection: duckdb.DuckDBPyConnection) -> dict[str, str | None]:
    """The columns of touchpoints that have codes, or may get them now that fewer values are left → the code, made here."""
    joined = beside(_attributes(connection), "touchpoints")
    left = f"(from {BEFORE}.touchpoints where {LEFT})"
    codes = {
        c: make_code(connection, "customers" if c in joined else left, c)
        for c, kind in _kinds(connection, "touchpoints").items()
        if may_be_coded(c) and (kind == "VARCHAR" or kind.startswith("ENUM"))
    }
    return codes | {"next_touchpoint": codes["touchpoint"]}


def _as_coded(column: str, codes: dict[str, str | None], prefix: str = "") -> str:
    """A column as it is copied: under its new code, as text where it has none any more, else as it is."""
    plain = f"{prefix}{quoted(column)}"
    return f"{plain}::{codes[column] or 'varchar'} as {quoted(column)}" if column in codes else plain


def _copy_names(connection: duckdb.DuckDBPyConnection) -> None:
    """The names that are left, numbered from 1 in their order."""
    connection.execute(f"""
        create table names as
        select row_number() over (order by touchpoint_number) as touchpoint_number, touchpoint from {BEFORE}.names
        where touchpoint_number in (select distinct touchpoint_number from {BEFORE}.touchpoints where {LEFT}) order by 1
    """)


def _copy_touchpoints(
    connection: duckdb.DuckDBPyConnection, codes: dict[str, str | None], stages: tuple[str, ...]
) -> None:
    """Copy the rows in their order. Numbers of customers are made dense by saying how many erased ones are lower, a few at a
    time: a join would not promise the order."""
    lost = _numbers(
        connection, f"select touchpoint_number from {BEFORE}.names anti join names using (touchpoint) order by 1"
    )
    number, code = f"touchpoint_number - ({_lower('touchpoint_number', lost)})", codes["touchpoint"]
    if lost and code:
        number = f"enum_code(touchpoint::{code}) + 1"
    made = {
        "touchpoint_number": f"({number})::bigint as touchpoint_number",
        "stage_rank": f"({_ranks(connection, stages)})::bigint as stage_rank",
    }
    erased = _numbers(connection, "select customer_number from erased order by 1")
    for begin in range(0, len(erased), AT_ONCE):
        some = erased[begin : begin + AT_ONCE]
        lower = _lower("customer_number", some, begin)
        made["customer_number"] = f"(customer_number - ({lower}))::bigint as customer_number"
        selected = ", ".join(made.get(c) or _as_coded(c, codes) for c in _kinds(connection, "touchpoints"))
        after = f"customer_number > {erased[begin - 1]}" if begin else "true"
        until = f"customer_number < {some[-1]}" if begin + AT_ONCE < len(erased) else "true"
        rows = f"""
            select {selected} from {BEFORE}.touchpoints
            where {after} and {until} and customer_number not in ({", ".join(map(str, some))})
        """
        connection.execute(f"insert into touchpoints {rows}" if begin else f"create table touchpoints as {rows}")


def _numbers(connection: duckdb.DuckDBPyConnection, sql: str) -> list[int]:
    return [number for (number,) in connection.execute(sql).fetchall()]


def _lower(column: str, numbers: Sequence[int], already: int = 0) -> str:
    """An expression: how many of the numbers (in order) are lower than the column's value, which is none of them?"""
    if not numbers:
        return str(already)
    middle = len(numbers) // 2
    below, above = numbers[:middle], numbers[middle + 1 :]
    return (
        f"case when {column} < {numbers[middle]} then {_lower(column, below, already)} "
        f"else {_lower(column, above, already + middle + 1)} end"
    )


def _ranks(connection: duckdb.DuckDBPyConnection, stages: tuple[str, ...]) -> str:
    """The rank of the stage: as it is, or the new one where the list of stages has changed."""
    held = connection.execute(
        f"select distinct stage::varchar, stage_rank from {BEFORE}.touchpoints where {LEFT} and stage is not null"
    ).fetchall()
    ranks = {rank: stages.index(stage) + 1 for stage, rank in held}
    if all(rank == new for rank, new in ranks.items()):
        return "stage_rank"
    return f"case stage_rank {' '.join(f'when {rank} then {new}' for rank, new in ranks.items())} end"


def _copy_journeys(connection: duckdb.DuckDBPyConnection, codes: dict[str, str | None]) -> None:
    """Copy journeys and their whole paths; the numbers of customers and of paths close their gaps."""
    connection.execute(f"create temp table staying as select * from {BEFORE}.journeys where {LEFT}")
    both = " union ".join(f"select path_{repeats} as path_id from staying" for repeats in prepared.REPEATS)
    connection.execute(f"""
        create temp table numbered as select path_id as old, row_number() over (order by path_id) as path_id from ({both})
    """)
    connection.execute(f"""
        create table paths as select p.* replace (numbered.path_id as path_id)
        from {BEFORE}.paths p join numbered on numbered.old = p.path_id order by numbered.path_id
    """)
    made = {f"path_{r}": f"{r}_paths.path_id as path_{r}" for r in prepared.REPEATS}
    made["customer_number"] = "customers.customer_number"
    columns = [made.get(c) or _as_coded(c, codes, "staying.") for c in columns_of(connection, "staying")]
    joins = " ".join(f"join numbered as {r}_paths on {r}_paths.old = staying.path_{r}" for r in prepared.REPEATS)
    connection.execute(f"""
        create table journeys as select {", ".join(columns)} from staying {joins} join customers using (customer_id)
        order by customers.customer_number
    """)
    for name in ("staying", "numbered"):
        connection.execute(f"drop table {name}")
