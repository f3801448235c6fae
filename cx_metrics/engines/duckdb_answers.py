"""Writing the survey answers of a DuckDB file: once each, with the calendar, the attributes of who answered, and the journey
before the answer."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence

import duckdb

from cx_metrics import tallies
from cx_metrics.engines import prepared
from cx_metrics.engines.before_answers import before_answers
from cx_metrics.engines.duckdb_store import literal, quoted, table_of
from cx_metrics.engines.duckdb_tables import arrived, columns_of, create, one
from cx_metrics.routes import level
from cx_metrics.tables import PREPARED_ANSWERS

ONCE = "answers_once"  # the answers as they came, each once: its rows have numbers
MET_SHARE = 0.25  # of what tallies may be long: those by what customers met
TIMED = "timed_answers"  # those of known customers at known times


def write_answers(
    connection: duckdb.DuckDBPyConnection, own: Sequence[str], attributes: Sequence[str], zone: str, touched: bool
) -> int:
    """Carry on every answer the customers' attributes, the calendar of its time in the dataset's zone, the columns
    `NUMBERED_ANSWERS`, and `PREPARED_ANSWERS` where there are touchpoints (`touched`).

    Returns how many answers stood twice, the same in every column; each counts once.
    """
    connection.execute(f"create table {arrived(ONCE)} as select distinct * from {arrived('surveys')}")
    before = _before(connection) if touched else ""
    joined = "".join(f", customers.{quoted(c)}" for c in attributes)
    kinds = {"string": "::varchar"}  # texts as they are: touchpoints may hold codes
    made = "".join(f", b.{c}{kinds.get(kind, '')} as {c}" for c, kind in PREPARED_ANSWERS.items()) if touched else ""
    local = f"(t.answered_at at time zone 'UTC' at time zone {literal(zone)})"
    connection.execute(f"""
        create table surveys as select {", ".join(f"t.{quoted(c)}" for c in own)}, {local}::date as day,
            date_trunc('week', {local})::date as week, date_trunc('month', {local})::date as month,
            customers.customer_number, dense_rank() over (order by t.response_id) as response_number,
            row_number() over (
                order by t.answered_at nulls first, t.response_id desc, t.question desc, t.score desc nulls last
            ) as nth_answer{made}{joined}
        from {arrived(ONCE)} t
        left join customers on customers.customer_id = t.customer_id {before}
        order by {answers_order(own, "t.")}
    """)
    if touched:
        connection.execute("drop table before_answers")
    return one(connection, f"select count(*) from {arrived('surveys')}") - one(
        connection, "select count(*) from surveys"
    )


def answers_order(columns: Collection[str], prefix: str = "") -> str:
    """In which order answers are kept: those with words first, by time, so that who reads words reads few blocks of rows; then the
    others by the time of their response, beside each other, since what goes with a score is asked of whole responses."""
    at, response, silent = (f"{prefix}{column}" for column in ("answered_at", "response_id", "comment is null"))
    begun = f"min({at}) over (partition by {response})"
    if "comment" not in columns:
        return f"{begun}, {response}, {at}"
    return f"{silent}, case when {silent} then {begun} else {at} end, {response}, {at}"


def _before(connection: duckdb.DuckDBPyConnection) -> str:
    """Find what lies before each answer. Returns the join that brings it to its answer."""
    connection.execute(f"""
        create temp view {TIMED} as
        select t.rowid as answer_number, customers.customer_number, epoch_us(t.answered_at) as answered_microseconds
        from {arrived(ONCE)} t join customers on customers.customer_id = t.customer_id where t.answered_at is not null
    """)
    answers, touchpoints = table_of(connection, TIMED), table_of(connection, "touchpoints")
    create(connection, "before_answers", before_answers(answers, touchpoints), temporary=True)
    connection.execute(f"drop view {TIMED}")
    return "left join before_answers b on b.answer_number = t.rowid"


def prepare_tallies(connection: duckdb.DuckDBPyConnection, attributes: Sequence[str], share: float) -> None:
    """Write the answers added up, by as many attributes as their limit allows, and by what customers met where that was written
    down; of no column that makes it nearly as long as the answers."""
    columns = columns_of(connection, "surveys")
    most = int(min(share * one(connection, "select count(*) from surveys"), sys.maxsize))
    offered = [a for a in attributes if a in columns and a.casefold() not in tallies.HELD]
    counts = {a: one(connection, f"select count(distinct {quoted(a)}) + 1 from customers") for a in offered}
    scored = ", ".join(tallies.SCORED)
    chosen = prepared.cube_attributes(
        counts, one(connection, f"select count(*) from (select distinct {scored} from surveys)"), most
    )
    own = [c for c in tallies.COLUMNS if c in columns]
    levels = [(), *((a,) for a in chosen), chosen]
    _add_up(connection, "tallies", "surveys", own, list(dict.fromkeys(levels)), most)
    met = one(connection, "select count(*) from duckdb_tables() where table_name = 'met' and not internal")
    held = ", ".join(f"surveys.{quoted(c)}" for c in (*tallies.SCORED, *own))
    for name, bits in tallies.BY_MET.items() if met else ():
        source = f"(select {held}, met.{bits} from surveys join met on met.customer_number = surveys.customer_number)"
        _add_up(connection, name, source, own, [(bits,)], int(most * MET_SHARE))


def _add_up(
    connection: duckdb.DuckDBPyConnection, table: str, source: str, columns: Sequence[str], levels: Sequence[tuple[str, ...]],
    most: int,
) -> None:  # fmt: skip
    """Write the answers of a source added up, for none of its columns and for each alone, once for each level. The last level tells
    apart all that the others do; a column whose rows are then more than `most` is left out."""
    finest: dict[str | None, str] = {}
    for column in (None, *columns):
        name, told = f"finest_{len(finest)}", [_banded(column)] if column else []
        told += [quoted(a) for a in levels[-1]]
        connection.execute(f"""
            create temp table {name} as
            select {", ".join([*tallies.SCORED, *told])}, count(*) as answers from {source} group by all
        """)
        if one(connection, f"select count(*) from {name}") <= most:
            finest[column] = name
        else:
            connection.execute(f"drop table {name}")
    if None in finest:
        _roll_up(connection, table, finest, levels)
    for name in finest.values():
        connection.execute(f"drop table {name}")


def _banded(column: str) -> str:
    """A column as tallies tell it apart: of a number that is asked by bands, where its band begins."""
    edges = tallies.BANDED.get(column)
    if edges is None:
        return quoted(column)
    cases = " ".join(f"when {quoted(column)} >= {edge} then {edge}" for edge in reversed(edges))
    return f"case {cases} end as {quoted(column)}"


def _roll_up(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    finest: Mapping[str | None, str],
    levels: Sequence[tuple[str, ...]],
) -> None:
    """Add answers up once for each level, of each column and of none."""
    scored, own = ", ".join(tallies.SCORED), [c for c in finest if c is not None]
    held = ", ".join(["level", scored, *(quoted(c) for c in [*own, *levels[-1]]), "answers"])
    parts = []
    for column, name in finest.items():
        for told in levels:
            keys = [*([column] if column else []), *told]
            known = ", ".join([scored, *map(quoted, keys)])
            parts.append(f"""
                select {literal(level(keys))} as level, {known}, sum(answers)::bigint as answers from {name} group by all
            """)
    united = " union all by name ".join(parts)
    connection.execute(f"create table {table} as select {held} from ({united}) order by all")
