"""Writing the survey answers of a DuckDB file: once each, with the calendar, the attributes of who answered, and the journey
before the answer."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import duckdb
import ibis

from cx_metrics import tallies
from cx_metrics.engines import prepared
from cx_metrics.engines.before_answers import before_answers
from cx_metrics.engines.duckdb_store import literal, quoted, table_of
from cx_metrics.engines.duckdb_tables import arrived, create, one
from cx_metrics.tables import PREPARED_ANSWERS

ONCE = "answers_once"  # the answers as they came, each once: its rows have numbers
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
            row_number() over (order by t.answered_at nulls first, t.response_id desc, t.question desc) as nth_answer{made}{joined}
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
    """In which order answers are kept: those with words first, so that who reads words reads few blocks of rows; then by time."""
    spoken = f"{prefix}comment is null, " if "comment" in columns else ""
    return f"{spoken}{prefix}answered_at, {prefix}response_id"


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
    """Write the answers added up, by as many attributes as their limit allows; of no column that makes it nearly as long as the
    answers."""
    s = table_of(connection, "surveys")
    rows = one(connection, "select count(*) from surveys")
    attributes = [a for a in attributes if a in s.columns and a.casefold() not in tallies.HELD]
    counts = {a: one(connection, f"select count(distinct {quoted(a)}) + 1 from customers") for a in attributes}
    ways = ibis.to_sql(tallies.tally(s, None, ()), dialect="duckdb")
    cells = one(connection, f"select count(*) from ({ways})")
    chosen = prepared.cube_attributes(counts, cells, int(share * rows))
    finest: dict[str | None, str] = {}
    for column in (None, *(c for c in tallies.COLUMNS if c in s.columns)):
        name = f"finest_{len(finest)}"
        _keep(connection, f"temp table {name}", tallies.tally(s, column, chosen))
        if one(connection, f"select count(*) from {name}") <= share * rows:
            finest[column] = name
        else:
            connection.execute(f"drop table {name}")
    kinds = {c: str(s[c].type()) for c in [*(c for c in finest if c is not None), *chosen]}
    parts = [
        part for c, name in finest.items() for part in tallies.rolled_up(table_of(connection, name), c, chosen, kinds)
    ]
    if None in finest:
        _keep(connection, "table tallies", ibis.union(*parts), "order by all")
    for name in finest.values():
        connection.execute(f"drop table {name}")


def _keep(connection: duckdb.DuckDBPyConnection, what: str, counted: ibis.Table, order: str = "") -> None:
    """Write answers added up: texts as they are, since touchpoints may have codes for others, and numbers of one width."""
    sql = ibis.to_sql(counted, dialect="duckdb")
    connection.execute(f"create {what} as select * replace (answers::bigint as answers) from ({sql}) {order}")
