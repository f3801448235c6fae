"""Writing tables of a DuckDB file from expressions, and asking small things of what is written."""

from __future__ import annotations

from typing import Any

import duckdb
import ibis

from cx_metrics.engines.duckdb_store import quoted, sql_of

ARRIVED = "arrived"  # what came in, in memory beside the file


def create(
    connection: duckdb.DuckDBPyConnection, name: str, expression: ibis.Table, order: str = "", temporary: bool = False
) -> None:
    """Write an expression as a table, with the types it promises; texts that have codes are stored as codes. A temporary one is no
    part of the file."""
    kinds = {"int64": "bigint", "float64": "double", "date": "date"}
    codes = codes_of(connection)
    typed = []
    for column, kind in expression.schema().items():
        code = f"code_{'touchpoint' if column == 'next_touchpoint' else column}"
        cast = quoted(code) if code in codes and kind.is_string() else kinds.get(str(kind))
        typed.append(f"{quoted(column)}::{cast} as {quoted(column)}" if cast else quoted(column))
    sql = sql_of(expression)
    connection.execute(
        f"create {'temp ' * temporary}table {quoted(name)} as select {', '.join(typed)} from ({sql}) {order}"
    )


def codes_of(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The kinds of codes that were made."""
    return {row[0] for row in connection.execute("select type_name from duckdb_types() where not internal").fetchall()}


def columns_of(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """The columns of a table, in order."""
    return [row[0] for row in connection.execute(f"describe {quoted(table)}").fetchall()]


def any_known(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    """Does a column hold anything?"""
    return bool(one(connection, f"select count(*) from (from {table} where {quoted(column)} is not null limit 1)"))


def one(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    """The whole number that a query gives."""
    found: Any = connection.execute(sql).fetchone()
    return int(found[0])


def arrived(table: str) -> str:
    """A table as it came in."""
    return f"{ARRIVED}.{quoted(table)}"
