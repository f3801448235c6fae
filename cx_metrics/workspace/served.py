"""The workspace of a server that is told, by TOUCHLINE_ENGINE, of a dataset in Spark, ClickHouse or PostgreSQL.

It lists that dataset first, and lets nobody change it from a page: it is loaded by the command line. The address of the
engine, with its password, comes from the environment and goes nowhere else.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from cx_metrics.engines import Engine, EngineAddress, Served, connect, read_address, serve
from cx_metrics.errors import WorkspaceProblem
from cx_metrics.texts import N_
from cx_metrics.workspace.store import DatasetInfo, Version, Workspace, default_root

VARIABLE = "TOUCHLINE_ENGINE"
PATIENCE_SECONDS = 30  # how long it may take until a page sees that somebody loaded the dataset again


class ServedWorkspace(Workspace):
    """A workspace with one more dataset, which lives in an engine."""

    def __init__(self, root: Path, address: EngineAddress) -> None:
        super().__init__(root)
        self.address = address
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._seen: tuple[float, list[Version]] = (float("-inf"), [])

    def datasets(self) -> list[DatasetInfo]:
        """All datasets, the one in the engine first. It is listed also while nobody can reach it."""
        there = DatasetInfo(self.address.id, self.address.database, "", False, 1, self.address.engine)
        return [there, *super().datasets()]

    def versions(self, dataset: str) -> list[Version]:
        """The versions of a dataset. Raises EngineProblem if its engine cannot be reached or holds none."""
        if dataset != self.address.id:
            return super().versions(dataset)
        engine = self._connected()
        with self._lock:
            looked, found = self._seen
            if not found or time.monotonic() - looked > PATIENCE_SECONDS:
                kept = engine.readable()
                found = [Version(dataset, n, Path(), manifest, engine.name) for n, manifest in kept.items()]
                self._seen = (time.monotonic(), found)
        return found

    def verify(self, version: Version) -> None:
        """Files are checked; what lives in an engine is the engine's to keep."""
        if not version.engine:
            super().verify(version)

    def served(self, version: Version) -> Served:
        """A version that lives in the engine, opened."""
        return serve(self._connected(), version.facts, version.manifest["tables"])

    def _connected(self) -> Engine:
        with self._lock:
            if self._engine is None:
                self._engine = connect(self.address)
            return self._engine

    def _folder(self, dataset: str) -> Path:
        if dataset == self.address.id:
            raise WorkspaceProblem(
                N_("This dataset lives in {engine} and is changed there: python -m cx_metrics engine load"),
                engine=self.address.engine,
            )
        return super()._folder(dataset)


def open_workspace() -> Workspace:
    """The workspace of this server, with the dataset of TOUCHLINE_ENGINE if that is set."""
    url = os.environ.get(VARIABLE)
    return ServedWorkspace(default_root(), read_address(url)) if url else Workspace(default_root())
