"""Where an engine is: `TOUCHLINE_ENGINE`, read once and never shown with its password.

clickhouse://user:password@host:8123/touchline?secure=1
postgresql://user:password@host:5432/database?schema=touchline
spark://master:7077/touchline?spark.sql.warehouse.dir=/shared/warehouse
sc://host:15002/touchline
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from urllib.parse import parse_qsl, unquote, urlsplit

from cx_metrics.errors import EngineProblem
from cx_metrics.texts import N_

DEFAULT_DATABASE = "touchline"
INSTALL = ".venv/bin/python -m pip install --require-hashes -r requirements-engines.txt"


ENGINES = {
    "clickhouse": "ClickHouse",
    "chdb": "ClickHouse",
    "postgresql": "PostgreSQL",
    "spark": "Spark",
    "sc": "Spark",
}


@dataclass(frozen=True)
class EngineAddress:
    """The parts of an engine's URL. `database` is where our tables are: a database, or in PostgreSQL a schema."""

    scheme: str
    host: str = ""
    port: int | None = None
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    path: str = ""
    database: str = DEFAULT_DATABASE
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def engine(self) -> str:
        """The name of the engine, as its makers write it."""
        return ENGINES[self.scheme]

    @property
    def shown(self) -> str:
        """The address for people: no user, no password, no options (which may hold a token)."""
        port = f":{self.port}" if self.port else ""
        inside = f"/{self.path}" if self.path and self.path != self.database else ""
        return f"{self.scheme}://{self.host}{port}{inside}/{self.database}"

    @property
    def id(self) -> str:
        """What links call the dataset that lives here: 32 hexadecimal digits, the same on every start."""
        return hashlib.sha256(self.shown.encode()).hexdigest()[:32]


def read_address(url: str) -> EngineAddress:
    """The parts of a URL. Raises EngineProblem for one that names no engine; its text never repeats the URL."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise _unreadable() from None
    scheme = "postgresql" if parts.scheme == "postgres" else parts.scheme
    if scheme not in ENGINES:
        raise _unreadable()
    path, _semicolon, parameters = parts.path.strip("/").partition(";")
    path = unquote(path).strip("/")
    options = dict(parse_qsl(parts.query)) | dict(parse_qsl(parameters.replace(";", "&")))
    if scheme == "postgresql":
        database = options.pop("schema", DEFAULT_DATABASE)
    elif scheme == "chdb":
        database = options.pop("database", DEFAULT_DATABASE)
        path = "/".join(p for p in (parts.hostname if parts.hostname != "memory" else "", path) if p)
        return EngineAddress(scheme, path=path, database=_checked(database), options=options)
    else:
        database = path or DEFAULT_DATABASE
    if not parts.hostname:
        raise _unreadable()
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return EngineAddress(scheme, parts.hostname, port, user, password, path, _checked(database), options)


def _checked(database: str) -> str:
    if not re.fullmatch(r"\w+", database):
        raise EngineProblem(
            N_("A database for Touchline has a name of letters, digits and _; found {found}."), found=database
        )
    return database


def _unreadable() -> EngineProblem:
    return EngineProblem(
        N_("TOUCHLINE_ENGINE cannot be read. Write it like clickhouse://user:password@host:8123/touchline, "
           "postgresql://user:password@host:5432/database, spark://master:7077 or sc://host:15002.")
    )  # fmt: skip


def needs(module: str) -> ModuleType:
    """Import the driver of an engine. Raises EngineProblem that names the command to install it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise EngineProblem(
            N_("The driver for this engine is not installed. Install it: {command}"), command=INSTALL
        ) from None


@contextlib.contextmanager
def reaching(address: EngineAddress) -> Iterator[None]:
    """What a driver raises because the server is gone becomes EngineProblem; what we did wrong stays what it is."""
    try:
        yield
    except Exception as problem:
        if not _is_outage(problem):
            raise
        raise EngineProblem(
            N_("{engine} cannot be reached, or refuses the name or password. It is asked for by TOUCHLINE_ENGINE."),
            engine=address.shown,
        ) from None


def _is_outage(problem: BaseException) -> bool:
    """Drivers tell "not reached" from "not understood" by the class of their errors, or by its words alone."""
    kinds = {kind.__name__ for kind in type(problem).__mro__}
    said = str(problem)
    if kinds & {"ConnectionError", "ConnectionRefusedError", "SparkConnectGrpcException", "_MultiThreadedRendezvous"}:
        return "UNAVAILABLE" in said or "SparkConnectGrpcException" not in kinds
    if "OperationalError" in kinds:
        return True
    return bool(
        re.search(r"AUTHENTICATION_FAILED|Authentication failed|Connection refused|All masters are unresponsive", said)
    )
