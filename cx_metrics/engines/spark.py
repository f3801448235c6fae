"""Spark: a standalone cluster that this process drives (`spark://`), or one behind a Spark Connect server (`sc://`).

Tables are Parquet folders in the warehouse (`spark.sql.warehouse.dir`), which all workers have to see: a shared folder, HDFS
or an object store. A catalogue that forgets them when a session ends (the one Spark has on its own) is told about them again.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

import ibis
import pyarrow as pa
from ibis.backends.sql.compilers.pyspark import PySparkCompiler

from cx_metrics.engines.address import EngineAddress, needs, reaching
from cx_metrics.engines.engine import KEPT_VERSIONS, NOTES, NOTES_SCHEMA, Engine, stored

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",  # a division by nothing is null, as everywhere else
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
TYPES = {"string": "STRING", "int64": "BIGINT", "float64": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE",
         "timestamp(6)": "TIMESTAMP"}  # fmt: skip
SORTED_BY = ("customer_number", "occurred_at", "sequence")
ROWS_AT_ONCE = 200_000  # rows that go to the cluster in one piece


class Spark(Engine):
    """A database of a Spark warehouse."""

    name = "Spark"
    compiler = PySparkCompiler()

    def __init__(self, address: EngineAddress) -> None:
        needs("pyspark")
        self._address = address
        with reaching(address):
            self._session = self._start()
            self._session.sql(f"CREATE DATABASE IF NOT EXISTS {quoted(address.database)}")
            self._session.sql(f"USE {quoted(address.database)}")
            self._folder = self._warehouse()
            self._recall()

    def _start(self) -> Any:
        from pyspark.sql import SparkSession

        ibis.pyspark  # noqa: B018  # registers the options that compiling needs
        at, port = self._address, f":{self._address.port}" if self._address.port else ""
        own = {name: text for name, text in at.options.items() if name.startswith("spark.")}
        if at.scheme == "sc":
            rest = ";".join(f"{name}={text}" for name, text in at.options.items() if name not in own)
            session = SparkSession.builder.remote(f"sc://{at.host}{port}/;{rest}").create()
        else:
            builder = SparkSession.builder.master(f"spark://{at.host}{port or ':7077'}").appName("Touchline")
            for name, text in ({"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"} | own).items():
                builder = builder.config(name, text)
            session = builder.getOrCreate().newSession()
            session.sparkContext.setLogLevel("ERROR")
        for name, text in (SETTINGS | own).items():
            with contextlib.suppress(Exception):  # some are fixed when the cluster starts
                session.conf.set(name, text)
        return session

    def _warehouse(self) -> str:
        described = self._session.sql(f"DESCRIBE DATABASE {quoted(self._address.database)}").collect()
        return next(str(row[1]) for row in described if row[0] == "Location")

    def _recall(self) -> None:
        """Tell the catalogue of the tables that earlier sessions wrote, if it has forgotten them."""
        with contextlib.suppress(Exception):  # no note: nothing was loaded yet
            notes = self._session.read.parquet(f"{self._folder}/{NOTES}").collect()
            for note in sorted(notes, key=lambda row: int(row["version"]))[-KEPT_VERSIONS:]:
                for kept in json.loads(note["manifest"])["tables"].values():
                    self.make(kept["name"], ibis.schema(kept["columns"]))
            self.make(NOTES, NOTES_SCHEMA)

    def arrow(self, sql: str, seconds: int | None = None) -> pa.Table:  # Spark has no limit of time for one query
        with reaching(self._address):
            return self._session.sql(sql).toArrow()

    def make(self, table: str, schema: ibis.Schema) -> None:
        columns = ", ".join(f"{quoted(name)} {TYPES[str(kind)]}" for name, kind in schema.items())
        with reaching(self._address):
            self._session.sql(
                f"CREATE TABLE IF NOT EXISTS {quoted(table)} ({columns}) USING parquet LOCATION '{self._folder}/{table}'"
            )

    def insert(self, table: str, rows: pa.Table) -> None:
        with reaching(self._address):
            for start in range(0, rows.num_rows, ROWS_AT_ONCE):
                self._write(self._session.createDataFrame(rows.slice(start, ROWS_AT_ONCE)), table, "append")
            self._session.sql(f"REFRESH TABLE {quoted(table)}")

    def fill(self, table: str, expression: ibis.Table) -> None:
        kinds = stored(expression.schema())
        columns = ", ".join(
            f"CAST({quoted(name)} AS {TYPES[str(kind)]}) AS {quoted(name)}" for name, kind in kinds.items()
        )
        with reaching(self._address):
            rows = self._session.sql(f"SELECT {columns} FROM ({self.sql(expression)})")
            order = [c for c in SORTED_BY if c in expression.columns]
            self._write(rows.sortWithinPartitions(*order) if order else rows, table, "append")
            self._session.sql(f"REFRESH TABLE {quoted(table)}")

    def drop(self, table: str) -> None:
        with reaching(self._address):
            self._write(self._session.range(0), table, "overwrite")  # dropping a table at a location leaves its files
            self._session.sql(f"DROP TABLE IF EXISTS {quoted(table)}")

    def names(self) -> list[str]:
        with reaching(self._address):
            return [str(row.tableName) for row in self._session.sql("SHOW TABLES").collect() if not row.isTemporary]

    def close(self) -> None:
        """End the session of a Connect server. A cluster that this process drives is let go when the process ends."""
        if self._address.scheme == "sc":
            self._session.stop()

    def _write(self, rows: Any, table: str, mode: str) -> None:
        rows.write.mode(mode).parquet(f"{self._folder}/{table}")


def quoted(name: str) -> str:
    """An identifier, quoted."""
    return "`" + name.replace("`", "``") + "`"
