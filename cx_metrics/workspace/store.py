"""The workspace folder: datasets, each with its sources and immutable versions, and the catalog that lists them.

    workspace/
      secret                                the key of pseudonyms and receipts
      workspace.json                        the id of this workspace; its catalog has the same
      catalog.sqlite                        the catalog, unless TOUCHLINE_CATALOG names a PostgreSQL database
      datasets/<id>/sources/<token>         uploads as they came, so that a mapping can be corrected
      datasets/<id>/versions/<n>-<hex>/     store.duckdb, manifest.json and, where rows were set aside, aside.csv.gz; all read-only
      uploads/<token>                       uploads that belong to no dataset yet
      segments/<dataset>.json               saved segments, as the catalog has them
      views/<dataset>.json                  saved views, as the catalog has them
      protected/<dataset>.json              there where small groups of a dataset are protected for everybody
      jobs/<id>/                            the log of an import
      parts/<token>/                        what is being built; its folder is locked while somebody does

Ids are random (128 bits); a name that a user gave is data and never part of a path. Files come first and their row in the
catalog last, inside the one transaction that may write: a file without a row was never finished, and is swept.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Collection, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cx_metrics.errors import DamagedVersion, WorkspaceProblem
from cx_metrics.logs import event
from cx_metrics.texts import N_
from cx_metrics.view import Facts
from cx_metrics.workspace import catalog as c
from cx_metrics.workspace import files, limits
from cx_metrics.workspace.access import EVERY, NO_SUCH, OWNER, Viewer, authorize, may, needs
from cx_metrics.workspace.aside import ASIDE, Line
from cx_metrics.workspace.aside import read as read_aside
from cx_metrics.workspace.facts import facts_from_dict, facts_of, manifest_of
from cx_metrics.workspace.ids import checked, new_id, now
from cx_metrics.workspace.mappings import FOLDER as MAPPINGS
from cx_metrics.workspace.mappings import KeptMappings
from cx_metrics.workspace.protection import PROTECTED, KeptProtection
from cx_metrics.workspace.recovery import rebuild, sweep
from cx_metrics.workspace.sources import DATASETS, UPLOADS, KeptSources
from cx_metrics.workspace.views import VIEWS, SavedViews

FORMAT = 4  # of a version and its manifest; a newer one is refused, an older one is prepared afresh
STORE, MANIFEST = "store.duckdb", "manifest.json"
JOBS, PARTS = "jobs", "parts"


@dataclass(frozen=True)
class DatasetInfo:
    """What the list of datasets shows. `version` is the one that pages open."""

    id: str
    title: str
    created_at: str
    is_sample: bool
    version: int
    engine: str = ""  # where it lives, if not in the workspace


@dataclass(frozen=True)
class Version:
    """One immutable version of a dataset: its store file and its manifest."""

    dataset: str
    number: int
    path: Path
    manifest_path: Path = Path()
    checksums: tuple[str, str] = ("", "")  # SHA-256 of the store and of the manifest
    created_at: str = ""
    size: int = 0
    engine: str = ""  # where it lives, if not in the workspace
    given: Mapping[str, Any] | None = None  # its manifest, if that is no file here

    @property
    def key(self) -> str:
        """What definitions call this version."""
        return f"{self.dataset[:8]}.{self.number}"

    @property
    def content(self) -> str:
        """What caches call it: the same number can hold less after somebody was erased."""
        return f"{self.dataset}.{self.number}.{self.checksums[0][:16]}"

    @property
    def manifest(self) -> Mapping[str, Any]:
        """What its import found. Raises DamagedVersion if the file is not the one that was written."""
        if self.given is not None:
            return self.given
        try:
            return manifest_of(self.manifest_path, self.checksums[1])
        except (OSError, ValueError):
            raise damaged(self.number) from None

    @property
    def aside(self) -> Path | None:
        """The file with all rows that its import set aside, where there is one."""
        return self.path.with_name(ASIDE) if not self.engine and self.manifest.get("aside") else None

    @property
    def facts(self) -> Facts:
        """The facts of the dataset, as preparing found them."""
        kept = self.manifest["facts"]  # also says so if the file is damaged
        return facts_from_dict(kept) if self.given is not None else facts_of(self.manifest_path, self.checksums[1])


def damaged(number: int) -> DamagedVersion:
    """The problem of a version that is not what it was when it was written."""
    event("damaged", version=number)
    return DamagedVersion(
        N_("Version {version} of this dataset is damaged on disk. Open the one before it, or import its files again "
           "on the Data page."),
        version=number,
    )  # fmt: skip


def default_root() -> Path:
    """Where datasets are kept: TOUCHLINE_WORKSPACE, else the folder `workspace` beside app.py."""
    return Path(os.environ.get("TOUCHLINE_WORKSPACE") or Path(__file__).resolve().parents[2] / "workspace")


class Workspace(SavedViews, KeptSources, KeptMappings, KeptProtection):
    """The folder in which datasets outlive the browser tab and the server, as one viewer may use it."""

    def __init__(self, root: Path, viewer: Viewer = OWNER) -> None:
        self.root, self.viewer = root, viewer
        for folder in (DATASETS, UPLOADS, JOBS, PARTS, "segments", VIEWS, MAPPINGS, PROTECTED):
            (root / folder).mkdir(parents=True, exist_ok=True)
        self.catalog = c.Catalog(root)
        self._recognise()

    def seen_by(self, viewer: Viewer) -> Workspace:
        """The same workspace, for somebody else."""
        other = copy(self)
        other.viewer = viewer
        return other

    def close(self) -> None:
        """Give the connections to the catalog back."""
        self.catalog.close()

    # datasets -----------------------------------------------------------------------------------------------------

    def datasets(self) -> list[DatasetInfo]:
        """All datasets that have a version and that the viewer may see, newest first; the sample last."""
        with self.catalog.reading() as connection:
            rows = connection.execute(sa.select(c.datasets).where(c.datasets.c.current > 0)).mappings().all()
        found = [
            DatasetInfo(row["id"], row["title"], row["created_at"], row["is_sample"], row["current"])
            for row in map(c.unsealed, rows)
            if may(self.viewer, row["id"], "see")
        ]
        return sorted(found, key=lambda i: (not i.is_sample, i.created_at), reverse=True)

    def create(self, title: str, is_sample: bool = False) -> str:
        """Make an empty dataset and return its id."""
        authorize(self.viewer, EVERY, "change")
        dataset = new_id()
        row = {
            "id": dataset,
            "title": c.kept_text(title),
            "created_at": now(),
            "is_sample": is_sample,
            "current": 0,
            "numbered": 0,
        }
        with self.catalog.writing() as connection:
            connection.execute(c.datasets.insert().values(c.sealed(row)))
            for folder in ("versions", "sources"):
                (self.root / DATASETS / dataset / folder).mkdir(parents=True)
        return dataset

    @needs("change")
    def retitle(self, dataset: str, title: str) -> None:
        """Call a dataset something else; what its versions were called stays in their manifests."""
        with self.catalog.writing() as connection:
            self._edit(connection, dataset, title=c.kept_text(title))

    @needs("delete")
    def delete(self, dataset: str) -> None:
        """Remove a dataset with all that belongs to it. Readers that have it open go on until they close it."""
        with self.catalog.writing() as connection:
            self._row(connection, dataset)
            ours = connection.execute(sa.select(c.jobs.c.id).where(c.jobs.c.dataset == dataset)).scalars().all()
            for table in (c.versions, c.sources, c.segments, c.views, c.jobs):
                connection.execute(table.delete().where(table.c.dataset == dataset))
            connection.execute(c.datasets.delete().where(c.datasets.c.id == dataset))
        beside = [self.root / folder / f"{dataset}.json" for folder in ("segments", VIEWS, PROTECTED)]
        for path in (self.root / DATASETS / dataset, *beside, *(self.root / JOBS / checked(job) for job in ours)):
            files.remove(path)
        files.sync_folder(self.root / DATASETS)

    # versions -----------------------------------------------------------------------------------------------------

    @needs("see")
    def versions(self, dataset: str) -> list[Version]:
        """The versions of a dataset, oldest first. Raises WorkspaceProblem if there is no such dataset."""
        with self.catalog.reading() as connection:
            self._row(connection, dataset)
            return self._versions(connection, dataset)

    @needs("see")
    def current(self, dataset: str) -> Version:
        """The version that pages open: the newest, unless somebody went back. Raises WorkspaceProblem if there is none."""
        with self.catalog.reading() as connection:
            number = self._row(connection, dataset)["current"]
            found = [v for v in self._versions(connection, dataset) if v.number == number]
        if not found:
            raise WorkspaceProblem(N_("This dataset has no finished import yet."))
        return found[0]

    @needs("change")
    def use(self, dataset: str, number: int) -> None:
        """Make pages open this version from now on: one step back is undo, one step on is redo."""
        with self.catalog.writing() as connection:
            self._row(connection, dataset)
            if number not in [v.number for v in self._versions(connection, dataset)]:
                raise WorkspaceProblem(N_("There is no version {version} of this dataset any more."), version=number)
            self._edit(connection, dataset, current=number)

    @contextlib.contextmanager
    def building(self) -> Iterator[Path]:
        """A folder of one's own in which to build a version: `store.duckdb` is its file; what is left in it at the end goes."""
        with files.held(self.root / PARTS / new_id()) as part:
            yield part

    @needs("change")
    def publish(self, dataset: str, part: Path, manifest: Mapping[str, Any]) -> Version:
        """Turn a built folder into the next version: all of it durable first, its name next, its row in the catalog last.

        The versions that are too many by TOUCHLINE_KEEP_VERSIONS go, the oldest first.
        """
        checksum, size = files.seal(part / STORE), (part / STORE).stat().st_size
        manifest, more = _with_aside(part, manifest)
        home = self.root / DATASETS / checked(dataset) / "versions"
        with self.catalog.writing() as connection:
            known = self._row(connection, dataset)
            number = known["numbered"] + 1
            kept = {
                "format": FORMAT, "dataset": dataset, "title": known["title"], "is_sample": known["is_sample"], "version": number,
                "sha256": checksum, "size": size + more, "created_at": now(), **manifest,
            }  # fmt: skip
            files.write_json(part / MANIFEST, kept)
            row = self._publish(connection, dataset, number, part, home, kept)
            self._edit(connection, dataset, current=number, numbered=number)
        self._keep_the_last(dataset)
        return self._version(row)

    @needs("change")
    def settle(self, dataset: str, connection: sa.Connection, title: str, current: int, numbered: int) -> None:
        """Say how a dataset that was restored is called, which version counts, and the highest number it had."""
        self._edit(connection, dataset, title=c.kept_text(title), current=current, numbered=numbered)

    @needs("change")
    def name_version(
        self, dataset: str, connection: sa.Connection, number: int, part: Path, manifest: Mapping[str, Any]
    ) -> None:
        """Give a folder whose files are durable its place among the versions of a dataset, under a number that is not taken."""
        self._publish(connection, dataset, number, part, self.root / DATASETS / checked(dataset) / "versions", manifest)

    def _publish(
        self, connection: sa.Connection, dataset: str, number: int, part: Path, home: Path, kept: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Name the finished folder, then write its row."""
        name = f"{number:06d}-{secrets.token_hex(4)}"
        checksum = files.seal(part / MANIFEST)
        for other in part.iterdir():
            if other.name not in (STORE, MANIFEST, *([ASIDE] if kept.get("aside") else [])):
                files.remove(other)
        files.sync_folder(part)
        part.rename(home / name)
        files.sync_folder(home)
        row = c.sealed({
            "dataset": dataset, "number": number, "store": f"versions/{name}/{STORE}", "manifest": f"versions/{name}/{MANIFEST}",
            "store_sha256": kept["sha256"], "manifest_sha256": checksum, "size": kept["size"], "created_at": kept["created_at"],
        })  # fmt: skip
        connection.execute(c.versions.insert().values(row))
        return row

    @needs("delete")
    def swap(
        self,
        dataset: str,
        parts: Mapping[int, tuple[Path, Mapping[str, Any]]],
        sources: Mapping[str, tuple[str, Path]],
        dropped: Collection[int],
    ) -> None:
        """Put rewritten folders in the place of versions, under their numbers, and rewritten sources in the place of sources (old
        token → new token and file); drop versions that could not be rewritten. All at once; the old files go."""
        ready = {n: (part, files.seal(part / STORE), *_with_aside(part, given)) for n, (part, given) in parts.items()}
        moved = {old: (token, path, files.seal(path), path.stat().st_size) for old, (token, path) in sources.items()}
        home = self.root / DATASETS / checked(dataset)
        with self.catalog.writing() as connection:
            known = {v.number: v for v in self._versions(connection, dataset)}
            for old, (token, path, checksum, size) in moved.items():
                path.rename(home / "sources" / token)
                row = {"dataset": dataset, "token": token, "size": size, "sha256": checksum}
                connection.execute(c.sources.delete().where(c.sources.c.dataset == dataset, c.sources.c.token == old))
                connection.execute(c.sources.insert().values(c.sealed(row)))
            files.sync_folder(home / "sources")
            for number in (*ready, *dropped):
                this = c.versions.c.dataset == dataset, c.versions.c.number == number
                connection.execute(c.versions.delete().where(*this))
            for number, (part, checksum, manifest, more) in ready.items():
                kept = dict(manifest) | {"sha256": checksum, "size": (part / STORE).stat().st_size + more}
                files.write_json(part / MANIFEST, kept)
                self._publish(connection, dataset, number, part, home / "versions", kept)
            left = [v.number for v in self._versions(connection, dataset)]
            if self._row(connection, dataset)["current"] not in left:
                self._edit(connection, dataset, current=max(left, default=0))
        gone = [known[number].path.parent for number in (*ready, *dropped) if number in known]
        for path in (*gone, *(home / "sources" / old for old in moved)):
            files.remove(path)
        self._keep_the_last(dataset)  # a source that only dropped versions knew was not rewritten, so it goes too

    @needs("delete")
    def keep_receipt(self, dataset: str, receipt: Mapping[str, Any]) -> None:
        """Keep what was said of an erasure."""
        row = {
            "id": receipt["receipt"],
            "dataset": dataset,
            "created_at": receipt["erased_at"],
            "said": json.dumps(receipt),
        }
        with self.catalog.writing() as connection:
            connection.execute(c.receipts.insert().values(c.sealed(row)))

    def receipts(self) -> list[dict[str, Any]]:
        """The receipts of all erasures, oldest first."""
        authorize(self.viewer, EVERY, "administer")
        with self.catalog.reading() as connection:
            rows = connection.execute(sa.select(c.receipts).order_by(c.receipts.c.created_at)).mappings().all()
        return [json.loads(c.unsealed(row)["said"]) for row in rows]

    def erasures(self) -> int:
        """How many erasures there were: whoever keeps answers forgets them when it grows."""
        with self.catalog.reading() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(c.receipts)).scalar() or 0)

    def key(self) -> bytes:
        """The secret of this workspace: 32 random bytes, made when first needed, readable by its owner alone."""
        path = self.root / "secret"
        with contextlib.suppress(FileExistsError):
            made = path.with_name(f"secret.{secrets.token_hex(4)}{files.PART}")
            if not path.exists():
                with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(secrets.token_bytes(32))
                    os.fsync(file.fileno())
                try:
                    path.hardlink_to(made)  # whoever comes second keeps the first one's
                finally:
                    made.unlink()
                files.sync_folder(self.root)
        return path.read_bytes()

    def is_old(self, version: Version) -> bool:
        """Whether an earlier Touchline prepared it, in a form that this one does not read."""
        return int(version.manifest["format"]) < FORMAT

    def sweep(self) -> int:
        """Remove what a crash left behind and uploads that nobody imported; returns how many."""
        authorize(self.viewer, EVERY, "administer")
        return sweep(self.catalog, self.root)

    def verify(self, version: Version) -> None:
        """Raises DamagedVersion if its files are not, byte for byte, those that were published; WorkspaceProblem for a format
        that this Touchline does not read."""
        authorize(self.viewer, version.dataset, "see")
        found = int(version.manifest["format"])
        if found > FORMAT:
            raise WorkspaceProblem(
                N_("This dataset was written by a newer Touchline (format {found}, this one reads up to {known}). "
                   "Update Touchline to open it."), found=found, known=FORMAT,
            )  # fmt: skip
        if found < FORMAT:
            raise WorkspaceProblem(
                N_("This version was prepared by an earlier Touchline (format {found}, this one reads {known}). "
                   "It is prepared afresh from its files: python -m cx_metrics workspace upgrade"), found=found, known=FORMAT,
            )  # fmt: skip
        with contextlib.suppress(OSError):
            aside = version.aside is None or files.sha256(version.aside) == version.manifest["aside"]["sha256"]
            if aside and files.sha256(version.path) == version.checksums[0]:
                return
        raise damaged(version.number)

    @needs("export")
    def set_aside(self, version: Version) -> Iterator[Line]:
        """All rows that the import of a version set aside, in the order of their files. Raises DamagedVersion if the list is not
        the one that was written."""
        path = version.aside
        if path is None:
            return iter(())
        with contextlib.suppress(OSError):
            if files.sha256(path) == version.manifest["aside"]["sha256"]:
                return read_aside(path)
        raise damaged(version.number)

    def _keep_the_last(self, dataset: str) -> None:
        """Remove versions that are too many, and sources that none of the others was made from."""
        most = max(limits.setting("TOUCHLINE_KEEP_VERSIONS"), 1)
        with self.catalog.writing() as connection:
            current, found = self._row(connection, dataset)["current"], self._versions(connection, dataset)
            gone = [v for v in found[:-most] if v.number != current]
            for v in gone:
                connection.execute(
                    c.versions.delete().where(c.versions.c.dataset == dataset, c.versions.c.number == v.number)
                )
            unused = self._unused_sources(connection, dataset)
            connection.execute(c.sources.delete().where(c.sources.c.dataset == dataset, c.sources.c.token.in_(unused)))
        for path in (*(v.path.parent for v in gone), *(self.root / DATASETS / dataset / "sources" / t for t in unused)):
            files.remove(path)

    def _unused_sources(self, connection: sa.Connection, dataset: str) -> list[str]:
        """The sources that no version and no import under way was asked to read. None if one of these cannot be read."""
        tokens = set(connection.execute(sa.select(c.sources.c.token).where(c.sources.c.dataset == dataset)).scalars())
        used: list[str] = []
        try:
            used += [
                Path(f["path"]).name for v in self._versions(connection, dataset) for f in v.manifest["plan"]["files"]
            ]
        except (DamagedVersion, KeyError):
            return []
        asked = sa.select(c.jobs.c.request).where(
            c.jobs.c.dataset == dataset, c.jobs.c.state.in_(("waiting", "running"))
        )
        for request in connection.execute(asked).scalars():
            used += [Path(f["path"]).name for f in json.loads(request)["plan"]["files"]]
        return sorted(tokens - set(used))

    # within ------------------------------------------------------------------------------------------------------

    def _row(self, connection: sa.Connection, dataset: str) -> dict[str, Any]:
        found = connection.execute(sa.select(c.datasets).where(c.datasets.c.id == checked(dataset))).mappings().first()
        if found is None:
            raise WorkspaceProblem(NO_SUCH)
        return c.unsealed(found)

    def _edit(self, connection: sa.Connection, dataset: str, **changes: Any) -> None:
        row = c.sealed(self._row(connection, dataset) | changes)
        connection.execute(c.datasets.update().where(c.datasets.c.id == dataset).values(row))

    def _versions(self, connection: sa.Connection, dataset: str) -> list[Version]:
        asked = sa.select(c.versions).where(c.versions.c.dataset == dataset).order_by(c.versions.c.number)
        return [self._version(c.unsealed(row)) for row in connection.execute(asked).mappings()]

    def _version(self, row: Mapping[str, Any]) -> Version:
        home = self.root / DATASETS / row["dataset"]
        return Version(
            row["dataset"], row["number"], home / row["store"], home / row["manifest"],
            (row["store_sha256"], row["manifest_sha256"]), row["created_at"], row["size"],
        )  # fmt: skip

    def _recognise(self) -> None:
        """A folder and its catalog belong together; a catalog that is new beside datasets is built from what they say."""
        path = self.root / "workspace.json"
        with self.catalog.reading() as connection:
            known = connection.execute(sa.select(c.workspaces.c.id)).scalar()
        if known is not None and path.exists() and files.read_json(path)["id"] == known:
            return
        with self.catalog.writing() as connection:
            known = connection.execute(sa.select(c.workspaces.c.id)).scalar()
            here = files.read_json(path)["id"] if path.exists() else None
            if known is not None and (here != known if here else not self.catalog.is_local):
                raise WorkspaceProblem(
                    N_("The catalog that {variable} names belongs to another workspace folder. "
                       "Give each workspace a database of its own."),
                    variable=c.VARIABLE,
                )  # fmt: skip
            if not here:
                files.write_json(path, {"id": known or new_id(), "format": FORMAT})
            if known is None:
                row = {"id": files.read_json(path)["id"], "created_at": now()}
                connection.execute(c.workspaces.insert().values(row))
                rebuild(connection, self.root)


def _with_aside(part: Path, manifest: Mapping[str, Any]) -> tuple[Mapping[str, Any], int]:
    """The manifest with the checksum of the rows set aside, which are made durable, and their size; without them where none are."""
    if not (part / ASIDE).exists():
        return {name: value for name, value in manifest.items() if name != "aside"}, 0
    checksum, size = files.seal(part / ASIDE), (part / ASIDE).stat().st_size
    return {**manifest, "aside": {**manifest["aside"], "sha256": checksum, "size": size}}, size
