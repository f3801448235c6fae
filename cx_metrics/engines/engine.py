"""An engine beside the embedded one: a server or cluster in which a prepared dataset lives, and answers there.

An engine knows four things: how to run a query of ours, how to make a table, how to take rows in, and how to drop a table.
Everything else (what is prepared, what a metric counts) is written once, in Ibis, for all of them.

Every load writes tables of its own (`touchpoints_3fa1`), which nobody sees before its note stands in `touchline_facts`: so
nobody reads half of one load and half of another.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Generic, TypeVar

import ibis
import pandas as pd
import pyarrow as pa
import sqlglot
from ibis.backends.sql.compilers.base import SQLGlotCompiler

from cx_metrics.engines.incoming import Incoming, lent_rows
from cx_metrics.engines.patience import check_wanted, query_seconds
from cx_metrics.engines.templates import filled, renamed
from cx_metrics.errors import EngineProblem
from cx_metrics.shelf import Shelf, content
from cx_metrics.texts import N_
from cx_metrics.view import Facts

NOTES = "touchline_facts"  # one row per load: its number, and its manifest as JSON text
NOTES_SCHEMA = ibis.schema({"version": "int64", "manifest": "string"})
KEPT_VERSIONS = 2  # the newest, and the one before it, which somebody may still be reading
LENT = "touchline_lent_"
MOST_LENT = 32  # frames lent to queries of a dataset
MOST_COMPILED = 1_000  # queries kept compiled per dataset
MOST_IDLE = 8  # connections kept open between queries

Client = TypeVar("Client")


class Pool(Generic[Client]):
    """Connections that are lent to one query at a time: a connection shared by threads mixes up their answers."""

    def __init__(self, connect: Callable[[], Client], close: Callable[[Client], None]) -> None:
        self._connect, self._close = connect, close
        self._idle: queue.LifoQueue[Client] = queue.LifoQueue()

    @contextlib.contextmanager
    def lent(self) -> Iterator[Client]:
        """A connection of one's own. One on which something failed is not used again."""
        try:
            client = self._idle.get_nowait()
        except queue.Empty:
            client = self._connect()
        try:
            yield client
        except BaseException:
            self._close(client)
            raise
        if self._idle.qsize() < MOST_IDLE:
            self._idle.put(client)
        else:
            self._close(client)

    def close(self) -> None:
        """Close what is idle."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._close(self._idle.get_nowait())


class Engine(ABC):
    """A server or cluster that holds a prepared dataset. One object serves all threads."""

    name: ClassVar[str]  # as its makers write it
    compiler: ClassVar[SQLGlotCompiler]  # turns our queries into its SQL
    years: ClassVar[tuple[int, int]] = (1, 9999)  # the first and the last whose times it keeps

    @abstractmethod
    def arrow(self, sql: str, seconds: int | None = None) -> pa.Table:
        """The rows of a query. One that takes longer than `seconds` is ended there and raises ViewProblem, where the engine
        can do that."""

    @abstractmethod
    def make(self, table: str, schema: ibis.Schema) -> None:
        """An empty table with these columns. Every column may hold null."""

    @abstractmethod
    def insert(self, table: str, rows: pa.Table) -> None:
        """Add rows to a table."""

    @abstractmethod
    def fill(self, table: str, expression: ibis.Table) -> None:
        """Add the rows of a query to a table that `make` made; sorted by `expression`'s order where the engine keeps one."""

    @abstractmethod
    def drop(self, table: str) -> None:
        """Remove a table, if there is one."""

    @abstractmethod
    def names(self) -> list[str]:
        """The tables there are."""

    @abstractmethod
    def close(self) -> None:
        """Give all connections back."""

    def sql(self, expression: ibis.Table) -> str:
        """The query as text, in the words of the engine."""
        return str(self.compiler.to_sqlglot(expression.unbind()).sql(dialect=self.compiler.dialect))

    def literal(self, text: str) -> str:
        """A text as the engine's SQL writes it."""
        return str(sqlglot.exp.Literal.string(text).sql(dialect=self.compiler.dialect))

    def fetch(self, expression: ibis.Table) -> pd.DataFrame:
        """Run the query and give a frame with the types that the expression promises."""
        frame: pd.DataFrame = as_promised(self.arrow(self.sql(expression)), expression.schema()).to_pandas()
        return frame

    def create(self, table: str, expression: ibis.Table) -> ibis.Table:
        """Keep the rows of a query as a table, with the types that the expression promises."""
        schema = stored(expression.schema())
        self.make(table, schema)
        self.fill(table, expression)
        return ibis.table(schema, name=table)

    def put(self, table: str, incoming: Incoming) -> ibis.Table:
        """Take the rows of a file in, batch by batch."""
        schema = stored(ibis.Schema.from_pyarrow(incoming.schema))
        self.make(table, schema)
        for batch in incoming.batches:
            if batch.num_rows:
                self.insert(table, pa.Table.from_batches([batch]))
        return ibis.table(schema, name=table)

    # notes: what was loaded ----------------------------------------------------------------------------------------

    def manifests(self) -> dict[int, dict[str, Any]]:
        """What was loaded, by number; the older ones may have no tables any more."""
        if NOTES not in self.names():
            return {}
        found = self.fetch(ibis.table(NOTES_SCHEMA, name=NOTES).order_by("version"))
        return {int(n): json.loads(text) for n, text in zip(found["version"], found["manifest"], strict=True)}

    def readable(self) -> dict[int, dict[str, Any]]:
        """The loads whose tables are still there, oldest first. Raises EngineProblem if nothing was loaded."""
        known = self.manifests()
        if not known:
            raise EngineProblem(
                N_("There is no dataset in {engine} yet. Load one: python -m cx_metrics engine load --touchpoints FILE"),
                engine=self.name,
            )  # fmt: skip
        return {number: known[number] for number in sorted(known)[-KEPT_VERSIONS:]}

    def publish(self, manifest: Mapping[str, Any]) -> int:
        """Write the note that makes a load the newest one, then remove the tables of loads nobody reads any more. Returns its
        number. `manifest["tables"]` names what the load wrote."""
        known = self.manifests()
        number = max(known, default=0) + 1
        if not known:
            self.make(NOTES, NOTES_SCHEMA)
        rows = {"version": [number], "manifest": [json.dumps(manifest, ensure_ascii=False)]}
        self.insert(NOTES, pa.table(rows, schema=NOTES_SCHEMA.to_pyarrow()))
        there = set(self.names())
        for version, old in known.items():
            for table in old["tables"].values() if version <= number - KEPT_VERSIONS else ():
                if table["name"] in there:
                    self.drop(table["name"])
        left_behind = datetime.now(UTC).toordinal() - 1
        for name in there:
            if name.startswith(LENT) and int(name.removeprefix(LENT).split("_")[0]) < left_behind:
                self.drop(name)
        return number


@dataclass(frozen=True)
class Served:
    """A dataset that lives in an engine: its facts, its tables as Ibis expressions, and the way to fetch a frame."""

    engine: Engine
    facts: Facts
    tables: Mapping[str, ibis.Table] = field(default_factory=dict)
    _compiled: dict[tuple[Any, ...], tuple[str, ibis.Schema, Any, tuple[str, ...]]] = field(
        default_factory=dict, compare=False, repr=False
    )
    shelf: Shelf = field(default_factory=Shelf, init=False, compare=False, repr=False)
    _lent: dict[tuple[str, int], ibis.Table] = field(default_factory=dict, init=False, compare=False, repr=False)
    _lending: threading.Lock = field(default_factory=threading.Lock, init=False, compare=False, repr=False)

    def lend(self, frame: pd.DataFrame) -> ibis.Table:
        """A frame as a table of the engine: on one day, the same rows have the same table. The oldest ones are removed; what a
        server left behind is removed by a load two days later."""
        rows = lent_rows(frame)
        day = datetime.now(UTC).toordinal()
        held = (content(frame), day)
        with self._lending:
            if held not in self._lent:
                name = f"{LENT}{day}_{held[0]}_{uuid.uuid4().hex[:8]}"  # of this server alone: others remove their own
                schema = stored(ibis.Schema.from_pyarrow(rows.schema))
                self.engine.make(name, schema)
                if len(rows):
                    self.engine.insert(name, as_promised(rows, schema))
                self._lent[held] = ibis.table(schema, name=name)
            found = self._lent.pop(held)
            self._lent[held] = found  # the last asked for stands last
            while len(self._lent) > MOST_LENT:
                self.engine.drop(self._lent.pop(next(iter(self._lent))).get_name())
            return found

    def fetch(self, expression: ibis.Table) -> pd.DataFrame:
        """Run the query in the engine and give a frame with the types that the expression promises."""
        return self._run(self.engine.sql(expression), expression.schema())

    def _run(self, sql: str, schema: ibis.Schema) -> pd.DataFrame:
        check_wanted()  # a query that runs in an engine goes on there until its end or the limit
        frame: pd.DataFrame = as_promised(self.engine.arrow(sql, query_seconds()), schema).to_pandas()
        return frame

    def remembered(
        self,
        key: tuple[Any, ...],
        build: Callable[[], tuple[ibis.Table, Any]],
        values: Mapping[str, str],
        instants: Mapping[str, str] | None = None,
        lent: tuple[str, ...] = (),
    ) -> tuple[pd.DataFrame, Any] | None:
        """The frame of a query that is compiled once per key, filled as `templates.filled` says; None where it cannot be.
        `lent`: tables that other ones, of the same columns, stand for when the key comes again."""
        if key not in self._compiled:
            expression, known = build()
            if len(self._compiled) >= MOST_COMPILED:
                self._compiled.clear()
            self._compiled[key] = (self.engine.sql(expression), expression.schema(), known, lent)
        sql, schema, known, then = self._compiled[key]
        asked = filled(renamed(sql, then, lent), values, instants, self.engine.literal)
        return None if asked is None else (self._run(asked, schema), known)

    def sql(self, expression: ibis.Table) -> str:
        """The query as text for people, for "explain this number"."""
        compiler = self.engine.compiler
        return str(compiler.to_sqlglot(expression.unbind()).sql(dialect=compiler.dialect, pretty=True))

    def close(self) -> None:
        """Give the connections back."""
        self.engine.close()


def serve(engine: Engine, facts: Facts, tables: Mapping[str, Mapping[str, Any]]) -> Served:
    """Open a load of an engine: `tables` says what it wrote, each with its name there and the types of its columns."""
    opened = {name: ibis.table(ibis.schema(kept["columns"]), name=kept["name"]) for name, kept in tables.items()}
    return Served(engine, facts, opened)


def stored(schema: ibis.Schema) -> ibis.Schema:
    """The types that tables are made of: each kind in its one width, and every column may hold null."""
    kinds = {}
    for name, kind in schema.items():
        if kind.is_integer():
            kinds[name] = "int64"
        elif kind.is_numeric():
            kinds[name] = "float64"
        elif kind.is_timestamp():
            kinds[name] = "timestamp(6)"
        else:
            kinds[name] = str(kind).lstrip("!")
    return ibis.schema(kinds)


def as_promised(found: pa.Table, schema: ibis.Schema) -> pa.Table:
    """The rows with the types of the schema. Engines answer with wider ones: decimals, unsigned numbers, times with a zone."""
    promised = schema.to_pyarrow()
    columns = []
    for column, wanted in zip(found.columns, promised, strict=True):
        kind = column.type
        if pa.types.is_dictionary(kind):
            column = column.cast(kind.value_type)
        elif pa.types.is_decimal(kind) and not pa.types.is_decimal(wanted.type):
            column = column.cast(pa.float64()) if pa.types.is_floating(wanted.type) else column.cast(pa.int64())
        elif pa.types.is_timestamp(kind) and kind.tz is not None:
            column = column.cast(pa.timestamp(kind.unit))  # the session's zone is UTC
        columns.append(column.cast(wanted.type))
    return pa.table(columns, names=list(schema.names))
