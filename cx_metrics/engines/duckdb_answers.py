"""Writing the survey answers of a DuckDB file: once each, with the calendar, the attributes of who answered, and the journey
before the answer."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from cx_metrics.engines.before_answers import before_answers
from cx_metrics.engines.duckdb_store import literal, quoted, table_of
from cx_metrics.engines.duckdb_tables import arrived, create, one
from cx_metrics.tables import PREPARED_ANSWERS

ONCE = "answers_once"  # the answers as they came, each once: its rows have numbers
TIMED = "timed_answers"  # those of known customers at known times


def write_answers(
    connection: duckdb.DuckDBPyConnection, own: Sequence[str], attributes: Sequence[str], zone: str, touched: bool
) -> int:
    """Carry on every answer the customers' attributes, the calendar of its time in the dataset's zone, and the columns
    `PREPARED_ANSWERS` where there are touchpoints (`touched`).

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
            date_trunc('week', {local})::date as week, date_trunc('month', {local})::date as month{made}{joined}
        from {arrived(ONCE)} t
        left join customers on customers.customer_id = t.customer_id {before}
        order by t.answered_at, t.response_id
    """)
    if touched:
        connection.execute("drop table before_answers")
    return one(connection, f"select count(*) from {arrived('surveys')}") - one(
        connection, "select count(*) from surveys"
    )


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
