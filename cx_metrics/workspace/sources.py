"""The uploaded files: kept as they came, first for whoever imports them, then for the dataset they belong to."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cx_metrics.errors import WorkspaceProblem
from cx_metrics.texts import N_
from cx_metrics.workspace import catalog as c
from cx_metrics.workspace import files, limits
from cx_metrics.workspace.access import EVERY, Viewer, authorize, needs
from cx_metrics.workspace.ids import checked, new_id, now

DATASETS, UPLOADS = "datasets", "uploads"


@dataclass(frozen=True)
class Source:
    """One uploaded file: where it lies, and the name its user gave it."""

    token: str
    name: str
    path: Path
    size: int


class KeptSources:
    """What a workspace knows of uploads and sources."""

    root: Path
    catalog: c.Catalog
    viewer: Viewer

    def receive(self, name: str, pieces: Iterable[bytes], session: str = "", size: int = 0) -> Source:
        """Keep an upload until it is imported. `name` is data: the path is a random token. `size` is what is expected.

        Raises WorkspaceProblem if the disk or a quota is too small.
        """
        authorize(self.viewer, EVERY, "change")
        self._check_room(session, size)
        token = new_id()
        path = self.root / UPLOADS / token
        with (
            limits.room(),
            files.written(path, self._within_disk(pieces)) as (part, found, checksum),
            self.catalog.writing() as connection,
        ):
            part.rename(path)
            files.sync_folder(path.parent)
            row = {"token": token, "session": session, "size": found, "sha256": checksum, "created_at": now()}
            connection.execute(c.uploads.insert().values(row))
        return Source(token, name, path, found)

    def receive_made(self, name: str, path: Path, session: str = "") -> Source:
        """Keep a file that was made from an upload, on the same disk, as an upload of its own; `path` is moved.

        Raises WorkspaceProblem if the disk or a quota is too small.
        """
        authorize(self.viewer, EVERY, "change")
        token, size = new_id(), path.stat().st_size
        self._check_room(session, size)
        home = self.root / UPLOADS / token
        with limits.room(), self.catalog.writing() as connection:
            checksum = files.seal(path)
            path.rename(home)
            files.sync_folder(home.parent)
            row = {"token": token, "session": session, "size": size, "sha256": checksum, "created_at": now()}
            connection.execute(c.uploads.insert().values(row))
        return Source(token, name, home, size)

    def _within_disk(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            limits.check_disk(self.root, len(piece))
            yield piece

    def _check_room(self, session: str, size: int) -> None:
        limits.check_disk(self.root, size * limits.DISK_FACTOR)
        with self.catalog.reading() as connection:
            held = self._held(connection)
            own = sa.select(sa.func.sum(c.uploads.c.size)).where(c.uploads.c.session == session)
            limits.check_quota(held, size, "TOUCHLINE_WORKSPACE_GB")
            if session:
                limits.check_quota(int(connection.execute(own).scalar() or 0), size, "TOUCHLINE_SESSION_GB")

    @staticmethod
    def _held(connection: sa.Connection) -> int:
        tables = (c.versions, c.sources, c.uploads)
        return sum(int(connection.execute(sa.select(sa.func.sum(t.c.size))).scalar() or 0) for t in tables)

    def spare_bytes(self) -> int:
        """How many bytes the disk and the quota of the workspace leave."""
        authorize(self.viewer, EVERY, "change")
        with self.catalog.reading() as connection:
            return limits.spare(self.root, self._held(connection))

    def discard(self, token: str) -> None:
        """Remove an upload that nobody wants to import."""
        authorize(self.viewer, EVERY, "change")
        with self.catalog.writing() as connection:
            connection.execute(c.uploads.delete().where(c.uploads.c.token == checked(token)))
        files.remove(self.root / UPLOADS / token)

    @needs("change")
    def adopt(self, dataset: str, token: str) -> Path:
        """Give an upload to the dataset it is imported into; returns where it lies (also if it was given before)."""
        with self.catalog.writing() as connection:
            self._row(connection, dataset)
            home = self.root / DATASETS / checked(dataset) / "sources" / checked(token)
            waiting = self.root / UPLOADS / token
            mine = sa.select(c.sources).where(c.sources.c.dataset == dataset, c.sources.c.token == token)
            if connection.execute(mine).first() is not None:
                return home
            found = connection.execute(sa.select(c.uploads).where(c.uploads.c.token == token)).mappings().first()
            if found is None or not waiting.exists():
                raise WorkspaceProblem(N_("An uploaded file is no longer there. Upload it again."))
            home.unlink(missing_ok=True)  # of an attempt that got no row
            home.hardlink_to(waiting)
            files.sync_folder(home.parent)
            row = {"dataset": dataset, "token": token, "size": found["size"], "sha256": found["sha256"]}
            connection.execute(c.sources.insert().values(c.sealed(row)))
            connection.execute(c.uploads.delete().where(c.uploads.c.token == token))
        waiting.unlink(missing_ok=True)
        return home

    @needs("change")
    def exchange(self, dataset: str, token: str, path: Path) -> Path:
        """Put a rewritten file in the place of a source that no version was made from yet; returns where it lies."""
        home, renewed = self.root / DATASETS / checked(dataset) / "sources", new_id()
        checksum, size = files.seal(path), path.stat().st_size
        with self.catalog.writing() as connection:
            path.rename(home / renewed)
            files.sync_folder(home)
            connection.execute(
                c.sources.delete().where(c.sources.c.dataset == dataset, c.sources.c.token == checked(token))
            )
            row = {"dataset": dataset, "token": renewed, "size": size, "sha256": checksum}
            connection.execute(c.sources.insert().values(c.sealed(row)))
        files.remove(home / token)
        return home / renewed

    @needs("see")
    def check_sources(self, dataset: str, paths: Iterable[Path]) -> None:
        """Raises WorkspaceProblem if one of these sources of the dataset is gone or not what was uploaded."""
        with self.catalog.reading() as connection:
            rows = connection.execute(sa.select(c.sources).where(c.sources.c.dataset == dataset)).mappings().all()
        known = {row["token"]: row["sha256"] for row in map(c.unsealed, rows)}
        for path in paths:
            try:
                same = path.name not in known or files.sha256(path) == known[path.name]
            except OSError:
                same = False
            if not same:
                raise WorkspaceProblem(N_("An uploaded file is damaged on disk. Upload it again."))

    @abstractmethod
    def _row(self, connection: sa.Connection, dataset: str) -> dict[str, Any]:
        """The row of a dataset; raises WorkspaceProblem if there is none."""
