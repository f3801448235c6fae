"""The embedded engine: one immutable DuckDB file per dataset version, opened read-only and locked. `duckdb_build` writes it.

The facts behind the settings: a connection that threads share gives silently wrong answers, so every query runs on a
cursor of its own; a `.wal` beside an immutable file would be replayed even in read-only mode, so it is refused.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pandas as pd
import pyarrow as pa

from cx_metrics.answers_in_memory import MOST_NUMBERS, Answers, asked
from cx_metrics.engines.incoming import lent_rows
from cx_metrics.engines.patience import patiently, query_seconds
from cx_metrics.engines.templates import filled, renamed
from cx_metrics.errors import ViewProblem, WorkspaceProblem
from cx_metrics.sequences import MOST_ROWS, Sequences
from cx_metrics.shelf import Shelf, content
from cx_metrics.tables import PREPARED_TABLES, TABLES
from cx_metrics.texts import N_
from cx_metrics.view import Facts

LENT = "lent_"
LENT_NAMES = re.compile(rf"\b{LENT}[0-9a-f]{{16}}\b")
MOST_LENT = 32  # frames lent to queries of a dataset, kept in memory
MOST_COMPILED = 1_000  # queries kept compiled per dataset
MOST_KEPT = 200  # queries kept compiled for all datasets of the process
MEMORY_LIMIT = "2GB"  # of an import, which writes to disk what is too much
MEMORY_VARIABLE = "TOUCHLINE_MEMORY"  # of the questions to one dataset, like 6GB
SIZE = re.compile(r"[1-9][0-9]{0,5}(MB|GB)")
THREADS = 2

Settings = dict[str, str | bool | int | float | list[str]]  # what DuckDB takes, invariant

CLOSED: Settings = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}


@dataclass(frozen=True)
class Store:
    """An opened dataset: its tables as Ibis expressions, and the one way to fetch a frame from them."""

    connection: duckdb.DuckDBPyConnection
    facts: Facts
    tables: Mapping[str, ibis.Table] = field(default_factory=dict)
    _compiled: dict[tuple[Any, ...], tuple[str, pa.Schema, Any, tuple[str, ...]]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )  # of this store alone: one with other facts, as by `replace`, asks other queries
    shelf: Shelf = field(default_factory=Shelf, init=False, compare=False, repr=False)
    _sequences: Shelf = field(default_factory=lambda: Shelf(1), init=False, compare=False, repr=False)
    _answered: Shelf = field(default_factory=lambda: Shelf(1), init=False, compare=False, repr=False)
    _lent: Shelf = field(default_factory=lambda: Shelf(MOST_LENT), init=False, compare=False, repr=False)

    def sequences(self) -> Sequences | None:
        """All touchpoints as columns in memory, read once; None if they are too many, or were not prepared."""
        found: Sequences | None = self._sequences.get("all", self._read_sequences)
        return found

    def _read_sequences(self) -> Sequences | None:
        t, named = self.tables.get("touchpoints"), self.tables.get("names")
        if t is None or named is None:
            return None
        rows, timed = self.fetch(t.aggregate(n=t.count(), timed=t.occurred_microseconds.count())).iloc[0].astype(int)
        if rows > MOST_ROWS:
            return None
        names = self.fetch(named)
        at = ibis.coalesce(t.occurred_microseconds, t.sequence)
        held = t.select(
            "sequence", who=t.customer_number.cast("int32"), at=at, number=t.touchpoint_number.cast("int32")
        )
        return Sequences.of(
            self.fetch(held),
            dict(zip(names["touchpoint"], names["touchpoint_number"].tolist(), strict=True)),
            rows == timed,
        )

    def answered(self) -> Answers | None:
        """All survey answers in memory, read once; None if they are too many or not one of a kind, or there are none."""
        found: Answers | None = self._answered.get("all", self._read_answers)
        return found

    def _read_answers(self) -> Answers | None:
        s = self.tables.get("surveys")
        if s is None:
            return None
        query, own = asked(s)
        rows = int(self.fetch(s.aggregate(n=s.count()))["n"].iloc[0])
        return None if rows * (1 + len(own)) > MOST_NUMBERS else Answers.of(self.fetch(query), own)

    def fetch(self, expression: ibis.Table) -> pd.DataFrame:
        """Run the query on a cursor of its own and give a frame with the types that the expression promises."""
        return self._run(self.sql(expression), expression.schema().to_pyarrow())

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
        compiled = self._compiled.get(key)
        if compiled is None:
            expression, known = build()
            compiled = (self.sql(expression), expression.schema().to_pyarrow(), known, lent)
            if len(self._compiled) >= MOST_COMPILED:  # by any thread: nobody counts on finding a query again
                self._compiled.clear()
            self._compiled[key] = compiled
        sql, schema, known, then = compiled
        asked = filled(renamed(sql, then, lent), values, instants, literal)
        return None if asked is None else (self._run(asked, schema), known)

    def lend(self, frame: pd.DataFrame) -> ibis.Table:
        """A small frame as a table for queries: the same rows have the same name. It is nowhere but in memory."""
        rows = lent_rows(frame)
        name = LENT + content(frame)
        self._lent.get(name, lambda: rows)
        return ibis.table(ibis.Schema.from_pyarrow(rows.schema), name=name)

    def _run(self, sql: str, schema: pa.Schema) -> pd.DataFrame:
        def begin() -> tuple[Callable[[], pa.Table], Callable[[], object]]:
            cursor = self.connection.cursor()
            for name in dict.fromkeys(LENT_NAMES.findall(sql)):
                if (rows := self._lent.peek(name)) is not None:
                    cursor.register(name, rows)  # for this cursor alone
            # Only its own interrupt ends what runs on a cursor: that of the connection does not.
            return lambda: cursor.execute(sql).to_arrow_table(), cursor.interrupt

        try:
            fetched = patiently(begin, duckdb.InterruptException)
        except (
            duckdb.OutOfMemoryException,
            duckdb.PermissionException,
        ):  # the file is all that it may read: it cannot spill
            raise ViewProblem(
                N_(
                    "This question needs more memory than a dataset has here ({limit}). Narrow the view, or set {variable} higher."
                ),
                limit=memory_limit(),
                variable=MEMORY_VARIABLE,
            ) from None
        frame: pd.DataFrame = fetched.rename_columns(schema.names).cast(schema).to_pandas()
        return frame

    def sql(self, expression: ibis.Table) -> str:
        """The query as text, for "explain this number"."""
        return sql_of(expression)

    def close(self) -> None:
        """Give the file back."""
        self.connection.close()


def sql_of(expression: ibis.Table) -> str:
    """The query as DuckDB reads it. Compiling takes longer than most queries run, and datasets of the same columns ask the same:
    what was compiled is kept."""
    return _compiled(expression.op())


@functools.lru_cache(maxsize=MOST_KEPT)
def _compiled(asked: Any) -> str:
    return str(ibis.to_sql(asked.to_expr(), dialect="duckdb"))


def memory_limit() -> str:
    """How much memory the questions to one dataset may take: TOUCHLINE_MEMORY, else a quarter of the machine's, 2 GB at least.
    Raises WorkspaceProblem for a size that is none."""
    asked = os.environ.get(MEMORY_VARIABLE)
    if asked and not SIZE.fullmatch(asked):
        raise WorkspaceProblem(
            N_("{variable} has to be a size like 6GB or 900MB; found {found}."), variable=MEMORY_VARIABLE, found=asked
        )
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return asked or f"{max(machine // 4 // 2**20, 2_000)}MB"


_LIVE: weakref.WeakValueDictionary[str, Store] = weakref.WeakValueDictionary()
_OPENING = threading.Lock()


def open_store(path: Path, facts: Facts) -> Store:
    """Open a finished version for serving: read-only, no file access, configuration locked.

    A process opens a file once: whoever asks again while somebody still reads it gets the same store (every query runs on
    a cursor of its own).
    """
    refuse_log(path)
    with _OPENING:
        store = _LIVE.get(str(path.resolve()))
        if store is not None and not _is_open(store):
            store = None
        if store is None or store.facts != facts:
            store = _open(path, facts, store)
            _LIVE[str(path.resolve())] = store
    return store


def refuse_log(path: Path) -> None:
    """Raise where a `.wal` lies beside a version: reading would replay it."""
    if path.with_name(path.name + ".wal").exists():
        raise WorkspaceProblem(
            N_("{file} has a leftover log beside it and is not opened, because the log would change it. Remove {wal}."),
            file=path.name, wal=path.name + ".wal",
        )  # fmt: skip


def _is_open(store: Store) -> bool:
    try:
        store.connection.cursor().close()
    except duckdb.ConnectionException:
        return False
    return True


def _open(path: Path, facts: Facts, live: Store | None) -> Store:
    if live is not None:
        return Store(live.connection, facts, live.tables)
    query_seconds()  # a limit that is none is said here, before anybody asks
    folder = tempfile.mkdtemp(prefix="touchline_engine_")
    settings: Settings = {"memory_limit": memory_limit(), "threads": str(THREADS), "temp_directory": folder}
    connection = duckdb.connect(str(path), read_only=True, config=CLOSED | settings)
    connection.cursor().execute("set disabled_filesystems = 'LocalFileSystem'")
    connection.cursor().execute("set lock_configuration = true")
    weakref.finalize(connection, shutil.rmtree, folder, ignore_errors=True)
    return Store(connection, facts, tables_of(connection))


def tables_of(connection: duckdb.DuckDBPyConnection) -> dict[str, ibis.Table]:
    cursor = connection.cursor()
    names = [row[0] for row in cursor.execute("select table_name from duckdb_tables() where not internal").fetchall()]
    return {n: table_of(cursor, n) for n in names if n in TABLES or n in PREPARED_TABLES}


def table_of(cursor: duckdb.DuckDBPyConnection, name: str) -> ibis.Table:
    """A table or view of the store as an expression."""
    schema = cursor.execute(f"select * from {quoted(name)} limit 0").to_arrow_table().schema
    return ibis.table(ibis.Schema.from_pyarrow(schema), name=name)


def quoted(name: str) -> str:
    """An identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text literal, quoted."""
    return "'" + text.replace("'", "''") + "'"
