"""ClickHouse: a server reached over HTTP (`clickhouse://`), or the same engine inside this process (`chdb://`)."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from typing import Any

import ibis
import ibis.expr.operations as ops
import pyarrow as pa
from ibis.backends.sql.compilers.clickhouse import ClickHouseCompiler

from cx_metrics.engines.address import EngineAddress, needs, reaching
from cx_metrics.engines.engine import Engine, Pool
from cx_metrics.engines.patience import too_slow

SETTINGS = {
    "session_timezone": "UTC",
    "enable_extended_results_for_datetime_functions": 1,  # Mondays and months before 1970
    "join_use_nulls": 1,  # a left join without a match gives null, as everywhere else
    "prefer_column_name_to_alias": 1,  # a column is the column, not what the same query calls so
    "aggregate_functions_null_for_empty": 1,  # a maximum of nothing is null, not 0
}
TYPES = {"string": "String", "int64": "Int64", "float64": "Float64", "boolean": "Bool", "date": "Date32"}
SORTED_BY = ("customer_number", "occurred_at", "sequence")


class Compiler(ClickHouseCompiler):  # type: ignore[misc]
    """Ibis' compiler, with exact counts of different values, truths, and dates before 1970 and after 2106."""

    SIMPLE_OPS = ClickHouseCompiler.SIMPLE_OPS | {
        ops.CountDistinct: "uniqExact"
    }  # `uniq` guesses above some ten thousand

    def visit_Max(self, op: Any, *, arg: Any, where: Any) -> Any:
        """The largest; of truths too."""
        return self.agg.max(arg, where=where)

    def visit_Min(self, op: Any, *, arg: Any, where: Any) -> Any:
        """The smallest; of truths too."""
        return self.agg.min(arg, where=where)

    def visit_TimestampFromUNIX(self, op: Any, *, arg: Any, unit: Any) -> Any:
        """Whole seconds since 1970 as a time."""
        return self.f.toDateTime64(arg, 0)

    def visit_Date(self, op: Any, *, arg: Any) -> Any:
        """The day of a time."""
        return self.f.toDate32(arg)


class ClickHouse(Engine):
    """A database of a ClickHouse server."""

    name = "ClickHouse"
    years = (1900, 2299)
    compiler = Compiler()

    def __init__(self, address: EngineAddress) -> None:
        with same_signals():
            self._module = needs("clickhouse_connect")
            self._too_slow: type[Exception] = self._module.driver.exceptions.DatabaseError
            if address.scheme == "chdb":
                needs("chdb")
        self._address = address
        with reaching(address), same_signals():
            self._first = self._connect("default")  # kept open: an engine in memory ends with its last connection
            known = self._first.query("SELECT name FROM system.databases").result_rows
            if (address.database,) not in known:  # who may only read need not be allowed to make one
                self._first.command(f"CREATE DATABASE IF NOT EXISTS {quoted(address.database)}")
        self._pool: Pool[Any] = Pool(lambda: self._connect(address.database), lambda client: client.close())

    def _connect(self, database: str) -> Any:
        at = self._address
        if at.scheme == "chdb":
            path = f"/{at.path}" if at.path else "memory"
            return self._module.get_client(dsn=f"chdb://{path}", database=database, settings=SETTINGS)
        return self._module.get_client(
            host=at.host, port=at.port or (8443 if at.options.get("secure") in ("1", "true") else 8123),
            username=at.user or "default", password=at.password or "", database=database, settings=SETTINGS,
            autogenerate_session_id=False, client_name="touchline",
            **{name: text in ("1", "true") for name, text in at.options.items() if name in ("secure", "verify")},
        )  # fmt: skip

    @contextlib.contextmanager
    def _lent(self) -> Iterator[Any]:
        with reaching(self._address), same_signals(), self._pool.lent() as client:
            yield client

    def arrow(self, sql: str, seconds: int | None = None) -> pa.Table:
        # checked from the start, and not only after the ten seconds that a guess about its speed takes
        limit = {"max_execution_time": seconds, "timeout_before_checking_execution_speed": 0} if seconds else {}
        try:
            with self._lent() as client:
                return client.query_arrow(sql, use_strings=True, settings=limit)
        except self._too_slow as problem:
            if seconds is None or "TIMEOUT_EXCEEDED" not in str(problem):
                raise
        raise too_slow(seconds)

    def make(self, table: str, schema: ibis.Schema) -> None:
        columns = ", ".join(f"{quoted(name)} Nullable({_type(kind)})" for name, kind in schema.items())
        order = ", ".join(quoted(c) for c in SORTED_BY if c in schema.names) or "tuple()"
        self._command(
            f"CREATE TABLE {quoted(table)} ({columns}) ENGINE = MergeTree ORDER BY ({order}) SETTINGS allow_nullable_key = 1"
        )

    def insert(self, table: str, rows: pa.Table) -> None:
        with self._lent() as client:
            client.insert_arrow(table, rows)

    def fill(self, table: str, expression: ibis.Table) -> None:
        names = ", ".join(quoted(name) for name in expression.columns)
        self._command(f"INSERT INTO {quoted(table)} ({names}) {self.sql(expression)}")

    def drop(self, table: str) -> None:
        self._command(f"DROP TABLE IF EXISTS {quoted(table)} SYNC")

    def names(self) -> list[str]:
        found = self.arrow("SELECT name FROM system.tables WHERE database = currentDatabase()")
        return [str(name) for name in found["name"].to_pylist()]

    def close(self) -> None:
        self._pool.close()
        self._first.close()

    def _command(self, sql: str) -> None:
        with self._lent() as client:
            client.command(sql)


@contextlib.contextmanager
def same_signals() -> Iterator[None]:
    """The engine in this process blocks SIGPIPE when it is loaded; our commands, and their children, end by it in `… | head`."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def quoted(name: str) -> str:
    """An identifier, quoted."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _type(kind: Any) -> str:
    return "DateTime64(6, 'UTC')" if kind.is_timestamp() else TYPES[str(kind).lstrip("!")]
