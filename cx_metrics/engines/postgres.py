"""PostgreSQL: a schema of a database (`postgresql://`)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import pyarrow as pa
from ibis.backends.sql.compilers.postgres import PostgresCompiler

from cx_metrics.engines.address import EngineAddress, needs, reaching
from cx_metrics.engines.engine import Engine, Pool
from cx_metrics.engines.patience import too_slow
from cx_metrics.errors import EngineProblem
from cx_metrics.texts import N_

# Text is compared byte by byte, as everywhere else: in another collation ties "by name" would fall differently.
TYPES = {"string": 'text COLLATE "C"', "int64": "bigint", "float64": "double precision", "boolean": "boolean",
         "date": "date", "timestamp(6)": "timestamp"}  # fmt: skip
SORTED_BY = ("customer_number", "occurred_at", "sequence")
LONGEST_NAME = 60  # bytes; PostgreSQL cuts names after 63, and a grouped column has three more than its name


class Compiler(PostgresCompiler):  # type: ignore[misc]
    """Ibis' compiler, with what it lacks."""

    def visit_TimestampFromUNIX(self, op: Any, *, arg: Any, unit: Any) -> Any:
        """Whole seconds since 1970 as a time without zone."""
        return self.cast(self.f.to_timestamp(arg), dt.timestamp)


class Postgres(Engine):
    """A schema of a PostgreSQL database."""

    name = "PostgreSQL"
    compiler = Compiler()

    def __init__(self, address: EngineAddress) -> None:
        self._psycopg = needs("psycopg")
        self._address = address
        self._pool: Pool[Any] = Pool(self._connect, lambda connection: connection.close())
        known = self.arrow("SELECT nspname::text FROM pg_namespace")[0].to_pylist()
        if address.database not in known:  # who may only read need not be allowed to make one
            self._command(f"CREATE SCHEMA IF NOT EXISTS {quoted(address.database)}")

    def _connect(self) -> Any:
        at = self._address
        given = {"host": at.host, "port": at.port, "user": at.user, "password": at.password, "dbname": at.path}
        connection = self._psycopg.connect(
            **{name: value for name, value in given.items() if value}, **at.options,
            autocommit=True, application_name="touchline",
        )  # fmt: skip
        connection.execute("SET timezone = 'UTC'")
        connection.execute("SET jit = off")  # compiling takes longer than most of our queries
        connection.execute("SET client_min_messages = warning")
        connection.execute(f"SET search_path = {quoted(at.database)}, pg_catalog")
        return connection

    def arrow(self, sql: str, seconds: int | None = None) -> pa.Table:
        asked = sql.encode()  # as bytes: a % in a name is no placeholder
        with reaching(self._address), self._pool.lent() as connection, self._limited(connection, seconds):
            cursor = connection.execute(asked)
            rows = cursor.fetchall()
            names = [column.name for column in cursor.description]
        columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
        return pa.table([_array(values) for values in columns], names=[f"{i} {name}" for i, name in enumerate(names)])

    @contextlib.contextmanager
    def _limited(self, connection: Any, seconds: int | None) -> Iterator[None]:
        """A query within is ended by the server after so many seconds. The connection is lent to loads too, which have no limit."""
        if seconds is None:
            yield
            return
        connection.execute(f"SET statement_timeout = '{seconds}s'")
        try:
            yield
        except self._psycopg.errors.QueryCanceled:
            raise too_slow(seconds) from None
        connection.execute("SET statement_timeout = 0")  # where it was ended, the connection is not lent again

    def make(self, table: str, schema: ibis.Schema) -> None:
        long = [name for name in schema.names if len(name.encode()) > LONGEST_NAME]
        if long:
            raise EngineProblem(
                N_("PostgreSQL cuts column names after {most} bytes. Rename {columns} in the file."),
                most=LONGEST_NAME, columns=tuple(long),
            )  # fmt: skip
        columns = ", ".join(f"{quoted(name)} {TYPES[str(kind)]}" for name, kind in schema.items())
        self._command(f"CREATE TABLE {quoted(table)} ({columns})")

    def insert(self, table: str, rows: pa.Table) -> None:
        names = ", ".join(quoted(name) for name in rows.column_names)
        sending = f"COPY {quoted(table)} ({names}) FROM STDIN"
        with reaching(self._address), self._pool.lent() as connection, connection.cursor().copy(sending) as copy:
            for row in zip(*(_values(column) for column in rows.columns), strict=True):
                copy.write_row(row)

    def fill(self, table: str, expression: ibis.Table) -> None:
        order = ", ".join(quoted(c) for c in SORTED_BY if c in expression.columns)
        names = ", ".join(quoted(name) for name in expression.columns)
        rows = f"SELECT {names} FROM ({self.sql(expression)}) AS filled" + (f" ORDER BY {order}" if order else "")
        self._command(f"INSERT INTO {quoted(table)} ({names}) {rows}")
        if order:
            self._command(f"CREATE INDEX ON {quoted(table)} ({order})")
        self._command(f"ANALYZE {quoted(table)}")

    def drop(self, table: str) -> None:
        self._command(f"DROP TABLE IF EXISTS {quoted(table)}")

    def names(self) -> list[str]:
        found = self.arrow("SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()")
        return [str(name) for name in found[0].to_pylist()]

    def close(self) -> None:
        self._pool.close()

    def _command(self, sql: str) -> None:
        with reaching(self._address), self._pool.lent() as connection:
            connection.execute(sql.encode())


def quoted(name: str) -> str:
    """An identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def _values(column: pa.ChunkedArray) -> list[Any]:
    """Values as PostgreSQL takes them: its text has no room for the character 0."""
    values = column.to_pylist()
    return [v.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(v, str) else v for v in values]


def _array(values: tuple[Any, ...]) -> pa.Array:
    """One column. Sums and means of whole numbers come as Decimal, of one scale or many."""
    if any(isinstance(v, Decimal) for v in values):
        whole = all(v is None or v == int(v) for v in values)
        kind = int if whole else float
        return pa.array([None if v is None else kind(v) for v in values])
    return pa.array(values)
