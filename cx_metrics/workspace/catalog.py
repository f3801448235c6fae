"""The catalog: which datasets, versions, sources, segments, views, jobs there are. SQLite in the workspace, or PostgreSQL by URL.

A version, a source or a dataset exists when its row does: files come first, rows last, and a file without a row is swept.
There is one writer at a time, among all threads, processes and servers, so whoever writes may look first. Rows that numbers
depend on carry a seal, a checksum of their values: a damaged row is refused, never believed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cx_metrics.errors import WorkspaceProblem
from cx_metrics.texts import N_

VARIABLE = "TOUCHLINE_CATALOG"  # the URL of a PostgreSQL database, for many servers
FILE = "catalog.sqlite"
REVISION = "0003"  # of the tables below, the newest in migrations/
PATIENCE_SECONDS = 30  # how long a writer waits for another
WRITERS = 7_063_211  # the number of the lock that writers hold in PostgreSQL
MIGRATIONS = Path(__file__).parent / "migrations"

metadata = sa.MetaData()
workspaces = sa.Table(
    "workspaces", metadata,
    sa.Column("id", sa.String(32), primary_key=True),  # stands in the folder too: a catalog and a folder belong together
    sa.Column("created_at", sa.String(32), nullable=False),
)  # fmt: skip
datasets = sa.Table(
    "datasets", metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("created_at", sa.String(32), nullable=False),
    sa.Column("is_sample", sa.Boolean, nullable=False),
    sa.Column("current", sa.Integer, nullable=False),  # the number of the version that pages open; 0: none yet
    sa.Column("numbered", sa.Integer, nullable=False),  # the highest number that a version ever had: none is given twice
    sa.Column("seal", sa.String(64), nullable=False),
)  # fmt: skip
versions = sa.Table(
    "versions", metadata,
    sa.Column("dataset", sa.String(32), sa.ForeignKey("datasets.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("store", sa.String(120), nullable=False),  # paths within the folder of the dataset
    sa.Column("manifest", sa.String(120), nullable=False),
    sa.Column("store_sha256", sa.String(64), nullable=False),
    sa.Column("manifest_sha256", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.String(32), nullable=False),
    sa.Column("seal", sa.String(64), nullable=False),
)  # fmt: skip
sources = sa.Table(
    "sources", metadata,
    sa.Column("dataset", sa.String(32), sa.ForeignKey("datasets.id"), primary_key=True),
    sa.Column("token", sa.String(32), primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("seal", sa.String(64), nullable=False),
)  # fmt: skip
segments = sa.Table(
    "segments", metadata,
    sa.Column("dataset", sa.String(32), primary_key=True),
    sa.Column("name", sa.String(80), primary_key=True),
    sa.Column("condition", sa.Text, nullable=False),
    sa.Column("seal", sa.String(64), nullable=False),
)  # fmt: skip
views = sa.Table(
    "views", metadata,
    sa.Column("id", sa.String(32), primary_key=True),  # of the short link
    sa.Column("dataset", sa.String(32), nullable=False, index=True),
    sa.Column("name", sa.String(80), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("page", sa.String(40), nullable=False),
    sa.Column("query", sa.Text, nullable=False),  # what the address says beside dataset, version and language
    sa.Column("version", sa.Integer, nullable=False),  # of the data that it was saved with
    sa.Column("pinned", sa.Boolean, nullable=False),
    sa.Column("saved_at", sa.String(32), nullable=False),
    sa.Column("seal", sa.String(64), nullable=False),
)  # fmt: skip
mappings = sa.Table(
    "mappings", metadata,
    sa.Column("fingerprint", sa.String(64), primary_key=True),  # of a header
    sa.Column("said", sa.Text, nullable=False),  # YAML: how files with it are read
    sa.Column("kept_at", sa.String(32), nullable=False),
    sa.Column("seal", sa.String(64), nullable=False),
)  # fmt: skip
uploads = sa.Table(
    "uploads", metadata,
    sa.Column("token", sa.String(32), primary_key=True),
    sa.Column("session", sa.String(64), nullable=False),  # whose quota it counts against
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("created_at", sa.String(32), nullable=False),
)  # fmt: skip
jobs = sa.Table(
    "jobs", metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("dataset", sa.String(32), nullable=False),
    sa.Column("session", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),  # waiting, running, done, failed, cancelled
    sa.Column("request", sa.Text, nullable=False),  # JSON: what to do
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("share", sa.Float, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # what it made
    sa.Column("error", sa.Text, nullable=False),  # JSON of a text, or ""
    sa.Column("attempt", sa.Integer, nullable=False),  # how often it was begun
    sa.Column("stop", sa.Boolean, nullable=False),  # somebody asked for its end
    sa.Column("created_at", sa.String(32), nullable=False),
    sa.Column("started_at", sa.String(32), nullable=False),
    sa.Column("ended_at", sa.String(32), nullable=False),
)  # fmt: skip
receipts = sa.Table(
    "receipts", metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("dataset", sa.String(32), nullable=False),
    sa.Column("created_at", sa.String(32), nullable=False),
    sa.Column("said", sa.Text, nullable=False),  # JSON: what was erased, where, and how it was checked
    sa.Column("seal", sa.String(64), nullable=False),
)  # fmt: skip


class Catalog:
    """The tables above, opened; made or brought up to date where needed. Raises WorkspaceProblem for those of a newer Touchline."""

    def __init__(self, root: Path, url: str | None = None) -> None:
        self.root = root
        self.url = url or os.environ.get(VARIABLE) or ""
        self.is_local = not self.url
        self.engine = _engine(_checked_url(self.url) if self.url else f"sqlite:///{root / FILE}")
        self._ready()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A look at the catalog as it stood at one moment."""
        with _in_words(), self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A change, whole or not at all, and durable afterwards. Nobody else writes meanwhile."""
        with _in_words(), self.engine.connect().execution_options(writes=True) as connection, connection.begin():
            if not self.is_local:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITERS)))
            yield connection

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    def _ready(self) -> None:
        if self._revision() == REVISION:
            return
        with _one_at_a_time(self.root):
            found = self._revision()
            if found == REVISION:
                return
            if found is not None and not any((MIGRATIONS / "versions").glob(f"{found}_*.py")):
                raise WorkspaceProblem(
                    N_("The catalog of this workspace was written by a newer Touchline (revision {found}, this one knows {known}). "
                       "Update Touchline to open it."), found=found, known=REVISION,
                )  # fmt: skip
            if found is not None and self.is_local:  # the old one stays beside it
                shutil.copy2(self.root / FILE, self.root / f"{FILE}.{found}")
            self._migrate()

    def _revision(self) -> str | None:
        with self.reading() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.execute(sa.text("select version_num from alembic_version")).scalar()
            return found

    def _migrate(self) -> None:
        from alembic import command  # a tenth of a second to load: only where something is to be done
        from alembic.config import Config

        with self.writing() as connection:
            config = Config()
            config.set_main_option("script_location", str(MIGRATIONS))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row with the checksum that `unsealed` asks for."""
    plain = {name: value for name, value in values.items() if name != "seal"}
    text = json.dumps(plain, sort_keys=True, ensure_ascii=True, default=str)
    return plain | {"seal": hashlib.sha256(text.encode()).hexdigest()}


def unsealed(row: sa.RowMapping | Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row. Raises WorkspaceProblem if they are not those that were written."""
    values = dict(row)
    if sealed(values)["seal"] != values["seal"]:
        raise WorkspaceProblem(
            N_("The catalog of this workspace is damaged on disk: what it says about a dataset does not match its checksum. "
               "Restore it from a backup, or build it again: python -m cx_metrics workspace check --rebuild")
        )  # fmt: skip
    return values


def kept_text(text: str) -> str:
    """A text as a database can hold it: NUL and halves of a surrogate pair become marks."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _checked_url(url: str) -> str:
    """The URL with the driver that is installed for it. Raises WorkspaceProblem; the URL is never repeated, it may hold a
    password."""
    scheme, found, rest = url.partition("://")
    if not found or scheme not in ("postgresql", "postgres", "postgresql+pg8000"):
        raise WorkspaceProblem(N_("{variable} has to be the address of a PostgreSQL database, like {example}."), variable=VARIABLE,
                               example="postgresql://user:password@host/touchline")  # fmt: skip
    return f"postgresql+pg8000://{rest}"


def _engine(url: str) -> sa.Engine:
    if not url.startswith("sqlite"):
        return sa.create_engine(url, pool_pre_ping=True)
    engine = sa.create_engine(url, connect_args={"timeout": PATIENCE_SECONDS, "check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def _settings(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say
        cursor = connection.cursor()
        for setting in ("journal_mode = wal", "synchronous = full", "foreign_keys = on"):
            cursor.execute(f"pragma {setting}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("begin immediate" if writes else "begin")

    return engine


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """Faults of the database become a WorkspaceProblem; neither its address nor a value of a row is repeated."""
    try:
        yield
    except sa.exc.OperationalError as fault:
        if "full" in str(fault.orig):
            raise WorkspaceProblem(
                N_("The disk of the workspace is full. Nothing was lost: free some space and try again.")
            ) from None
        raise WorkspaceProblem(
            N_("The catalog of the workspace cannot be reached right now. Try again in a moment.")
        ) from None
    except (sa.exc.DatabaseError, sa.exc.InterfaceError, sqlite3.Error, UnicodeDecodeError):
        raise WorkspaceProblem(
            N_("The catalog of this workspace is damaged on disk. Restore it from a backup, or build it again: "
               "python -m cx_metrics workspace check --rebuild")
        ) from None  # fmt: skip


@contextlib.contextmanager
def _one_at_a_time(root: Path) -> Iterator[None]:
    with (root / "catalog.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
