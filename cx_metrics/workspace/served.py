"""The workspace of a server that is told, by TOUCHLINE_ENGINE, of a dataset in Spark, ClickHouse or PostgreSQL.

It lists that dataset first, and lets nobody change it from a page: it is loaded by the command line. The address of the
engine, with its password, comes from the environment and goes nowhere else.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cx_metrics.engines import Engine, EngineAddress, Served, connect, read_address, serve
from cx_metrics.errors import WorkspaceProblem
from cx_metrics.texts import N_
from cx_metrics.workspace.access import authorize, may
from cx_metrics.workspace.store import DatasetInfo, Version, Workspace, default_root

VARIABLE = "TOUCHLINE_ENGINE"
PATIENCE_SECONDS = 30  # how long it may take until a page sees that somebody loaded the dataset again


class ServedWorkspace(Workspace):
    """A workspace with one more dataset, which lives in an engine."""

    def __init__(self, root: Path, address: EngineAddress) -> None:
        super().__init__(root)
        self.address = address
        self._reached = _Reached()  # shared by all who see this workspace

    def datasets(self) -> list[DatasetInfo]:
        """All datasets, the one in the engine first. It is listed also while nobody can reach it."""
        if not may(self.viewer, self.address.id, "see"):
            return super().datasets()
        there = DatasetInfo(self.address.id, self.address.database, "", False, 1, self.address.engine)
        return [there, *super().datasets()]

    def versions(self, dataset: str) -> list[Version]:
        """The versions of a dataset. Raises EngineProblem if its engine cannot be reached or holds none."""
        if dataset != self.address.id:
            return super().versions(dataset)
        authorize(self.viewer, dataset, "see")
        engine = self._connected()
        with self._reached.lock:
            if not self._reached.found or time.monotonic() - self._reached.looked > PATIENCE_SECONDS:
                kept = engine.readable()
                found = [
                    Version(dataset, n, Path(), engine=engine.name, given=manifest) for n, manifest in kept.items()
                ]
                self._reached.looked, self._reached.found = time.monotonic(), found
            return self._reached.found

    def current(self, dataset: str) -> Version:
        """The version that pages open; in an engine, the newest load."""
        return super().current(dataset) if dataset != self.address.id else self.versions(dataset)[-1]

    def verify(self, version: Version) -> None:
        """Files are checked; what lives in an engine is the engine's to keep."""
        if not version.engine:
            super().verify(version)

    def served(self, version: Version) -> Served:
        """A version that lives in the engine, opened."""
        authorize(self.viewer, version.dataset, "see")
        return serve(self._connected(), version.facts, version.manifest["tables"])

    def _connected(self) -> Engine:
        with self._reached.lock:
            if self._reached.engine is None:
                self._reached.engine = connect(self.address)
            return self._reached.engine

    def _row(self, connection: sa.Connection, dataset: str) -> dict[str, Any]:
        if dataset == self.address.id:
            raise WorkspaceProblem(
                N_("This dataset lives in {engine} and is changed there: python -m cx_metrics engine load"),
                engine=self.address.engine,
            )
        return super()._row(connection, dataset)


@dataclass
class _Reached:
    """The engine, once somebody asked for it, and what was in it when somebody last looked."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    engine: Engine | None = None
    looked: float = 0.0
    found: list[Version] = field(default_factory=list)


def open_workspace() -> Workspace:
    """The workspace of this server, with the dataset of TOUCHLINE_ENGINE if that is set."""
    url = os.environ.get(VARIABLE)
    return ServedWorkspace(default_root(), read_address(url)) if url else Workspace(default_root())
