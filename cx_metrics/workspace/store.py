"""The workspace folder: datasets, each with its sources and immutable versions.

    workspace/
      datasets/<id>/dataset.json            title, when created, whether it is the sample
      datasets/<id>/sources/<token>         uploads as they came, so that a mapping can be corrected
      datasets/<id>/versions/<n>-<hex>.duckdb + .json    one read-only store and its manifest; exists when the manifest does
      segments/<dataset>.json               saved segments: conditions by name
      uploads/<token>                       uploads that belong to no dataset yet
      jobs/<id>/                            request, progress and log of an import

Ids are random (128 bits); a name that a user gave is data and never part of a path.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cx_metrics.errors import WorkspaceProblem
from cx_metrics.segments import parse_condition, print_condition
from cx_metrics.texts import N_
from cx_metrics.view import Facts
from cx_metrics.workspace import files

FORMAT = 1  # of a version and its manifest; a newer one is refused
MOST_SEGMENTS = 200  # of a dataset
MOST_NAME_SIGNS = 80  # of a segment
STALE_SECONDS = 3_600  # unfinished files older than this are swept
ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class DatasetInfo:
    """What the list of datasets shows."""

    id: str
    title: str
    created_at: str
    is_sample: bool
    version: int
    engine: str = ""  # where it lives, if not in the workspace


@dataclass(frozen=True)
class Source:
    """One uploaded file: where it lies, and the name its user gave it."""

    token: str
    name: str
    path: Path
    size: int


@dataclass(frozen=True)
class Version:
    """One immutable version of a dataset: its store file and its manifest."""

    dataset: str
    number: int
    path: Path
    manifest: Mapping[str, Any]
    engine: str = ""  # where it lives, if not in the workspace

    @property
    def key(self) -> str:
        """What caches and definitions call this version."""
        return f"{self.dataset[:8]}.{self.number}"

    @property
    def facts(self) -> Facts:
        """The facts of the dataset, as preparing found them."""
        return facts_from_dict(self.manifest["facts"])


def default_root() -> Path:
    """Where datasets are kept: TOUCHLINE_WORKSPACE, else the folder `workspace` beside app.py."""
    return Path(os.environ.get("TOUCHLINE_WORKSPACE") or Path(__file__).resolve().parents[2] / "workspace")


class Workspace:
    """The folder in which datasets outlive the browser tab and the server."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("datasets", "uploads", "jobs", "segments"):
            (root / folder).mkdir(parents=True, exist_ok=True)

    # datasets -----------------------------------------------------------------------------------------------------

    def datasets(self) -> list[DatasetInfo]:
        """All datasets that have a version, newest first; the sample last."""
        found = [self._info(folder) for folder in sorted((self.root / "datasets").iterdir())]
        kept = [info for info in found if info is not None and info.version]
        return sorted(kept, key=lambda i: (not i.is_sample, i.created_at), reverse=True)

    def create(self, title: str, is_sample: bool = False) -> str:
        """Make an empty dataset and return its id."""
        dataset = secrets.token_hex(16)
        folder = self.root / "datasets" / dataset
        for part in ("versions", "sources"):
            (folder / part).mkdir(parents=True)
        created = datetime.now(UTC).isoformat(timespec="seconds")
        files.write_json(folder / "dataset.json", {"title": title, "created_at": created, "is_sample": is_sample})
        return dataset

    def delete(self, dataset: str) -> None:
        """Remove a dataset with its sources, versions and jobs. Readers that have it open go on until they close it."""
        folder = self._folder(dataset)
        for job in (self.root / "jobs").glob("*/request.json"):
            with contextlib.suppress(OSError, ValueError):
                if files.read_json(job).get("dataset") == dataset:
                    shutil.rmtree(job.parent, ignore_errors=True)
        self._segments(dataset).unlink(missing_ok=True)
        gone = folder.with_name(f"{folder.name}.{secrets.token_hex(4)}{files.PART}")
        folder.rename(gone)
        shutil.rmtree(gone)
        files.sync_folder(self.root / "datasets")

    # versions -----------------------------------------------------------------------------------------------------

    def versions(self, dataset: str) -> list[Version]:
        """The versions of a dataset, oldest first. Raises WorkspaceProblem if there is no such dataset."""
        folder = self._folder(dataset) / "versions"
        found = []
        for manifest in folder.glob("*.json"):
            try:
                kept = files.read_json(manifest)
            except FileNotFoundError:  # deleted meanwhile
                continue
            except ValueError:
                raise WorkspaceProblem(
                    N_("A version of this dataset is damaged on disk. Import its files again on the Data page.")
                ) from None
            if kept["format"] > FORMAT:
                raise WorkspaceProblem(
                    N_("This dataset was written by a newer Touchline (format {found}, this one reads up to {known}). "
                       "Update Touchline to open it."), found=kept["format"], known=FORMAT,
                )  # fmt: skip
            found.append(Version(dataset, int(kept["version"]), manifest.with_suffix(".duckdb"), kept))
        return sorted(found, key=lambda v: v.number)

    def latest(self, dataset: str) -> Version:
        """The newest version. Raises WorkspaceProblem if there is none."""
        found = self.versions(dataset)
        if not found:
            raise WorkspaceProblem(N_("This dataset has no finished import yet."))
        return found[-1]

    def new_part(self, dataset: str) -> Path:
        """The path of a version file that is being built."""
        return self._folder(dataset) / "versions" / f"{secrets.token_hex(8)}{files.PART}"

    def publish(self, dataset: str, part: Path, manifest: Mapping[str, Any]) -> Version:
        """Turn a finished store file into the next version: the file first, its manifest last. One at a time: no two
        versions have the same number."""
        size, checksum = part.stat().st_size, files.sha256(part)
        with files.locked(part.parent):
            found = self.versions(dataset)
            number = found[-1].number + 1 if found else 1
            path = part.with_name(f"{number:06d}-{secrets.token_hex(4)}.duckdb")
            files.publish(part, path)
            kept = {
                "format": FORMAT, "dataset": dataset, "version": number, "file": path.name, "sha256": checksum, "size": size,
                "created_at": datetime.now(UTC).isoformat(timespec="seconds"), **manifest,
            }  # fmt: skip
            files.write_json(path.with_suffix(".json"), kept)
        return Version(dataset, number, path, kept)

    def verify(self, version: Version) -> None:
        """Raises WorkspaceProblem if the store file is not the one that the manifest describes."""
        if not version.path.exists() or files.sha256(version.path) != version.manifest["sha256"]:
            raise WorkspaceProblem(
                N_("Version {version} of this dataset is damaged on disk. Import its files again on the Data page."),
                version=version.number,
            )  # fmt: skip

    # segments -----------------------------------------------------------------------------------------------------

    def segments(self, dataset: str) -> dict[str, str]:
        """The saved segments of a dataset, the text of each condition by name, in the order of their names."""
        try:
            kept = files.read_json(self._segments(dataset))
        except FileNotFoundError:
            return {}
        except ValueError:
            raise WorkspaceProblem(
                N_(
                    "The saved segments of this dataset are damaged on disk: {file}. Remove the file to save segments again."
                ),
                file=self._segments(dataset).name,
            ) from None
        if kept["format"] > FORMAT:
            raise WorkspaceProblem(
                N_("This dataset was written by a newer Touchline (format {found}, this one reads up to {known}). "
                   "Update Touchline to open it."), found=kept["format"], known=FORMAT,
            )  # fmt: skip
        return dict(sorted(kept["segments"].items()))

    def keep_segment(self, dataset: str, name: str, condition: str) -> None:
        """Save a segment; one of the same name is replaced. Raises OptionProblem for what is no condition, WorkspaceProblem for a
        name that is none or one segment too many."""
        name, text = " ".join(name.split()), print_condition(parse_condition(condition))
        if not 0 < len(name) <= MOST_NAME_SIGNS:
            raise WorkspaceProblem(N_("A segment needs a name of at most {most} characters."), most=MOST_NAME_SIGNS)
        self._edit_segments(dataset, lambda known: known | {name: text})

    def rename_segment(self, dataset: str, name: str, renamed: str) -> None:
        """Call a segment something else. Raises WorkspaceProblem if there is none of that name."""

        def edit(known: dict[str, str]) -> dict[str, str]:
            if name not in known:
                raise WorkspaceProblem(N_("There is no segment {name} any more."), name=name)
            return {k: c for k, c in known.items() if k != name} | {renamed: known[name]}

        self._edit_segments(dataset, edit)

    def drop_segment(self, dataset: str, name: str) -> None:
        """Forget a segment; links that hold it go on working, because they say who belongs."""
        self._edit_segments(dataset, lambda known: {k: c for k, c in known.items() if k != name})

    def _segments(self, dataset: str) -> Path:
        return self.root / "segments" / f"{_checked(dataset)}.json"

    def _edit_segments(self, dataset: str, edit: Callable[[dict[str, str]], dict[str, str]]) -> None:
        """One writer at a time, so that no segment is lost."""
        with files.locked(self.root / "segments"):
            kept = edit(self.segments(dataset))
            if len(kept) > MOST_SEGMENTS:
                raise WorkspaceProblem(
                    N_("A dataset has at most {most} saved segments. Delete one first."), most=MOST_SEGMENTS
                )
            files.write_json(self._segments(dataset), {"format": FORMAT, "segments": kept})

    # sources ------------------------------------------------------------------------------------------------------

    def receive(self, name: str, pieces: Iterable[bytes]) -> Source:
        """Keep an upload until it is imported. `name` is data: the path is a random token."""
        token = secrets.token_hex(16)
        path = self.root / "uploads" / token
        size = files.write_bytes(path, pieces)
        return Source(token, name, path, size)

    def discard(self, token: str) -> None:
        """Remove an upload that nobody wants to import."""
        (self.root / "uploads" / _checked(token)).unlink(missing_ok=True)

    def adopt(self, dataset: str, token: str) -> Path:
        """Move an upload to the dataset it is imported into; returns where it lies (also if it was moved before)."""
        home = self._folder(dataset) / "sources" / _checked(token)
        waiting = self.root / "uploads" / token
        if waiting.exists():
            waiting.rename(home)
        if not home.exists():
            raise WorkspaceProblem(N_("An uploaded file is no longer there. Upload it again."))
        return home

    # jobs ---------------------------------------------------------------------------------------------------------

    def job(self, job: str) -> Path:
        """The folder of a job."""
        return self.root / "jobs" / _checked(job)

    def new_job(self) -> str:
        """Make the folder of a new job and return its id."""
        job = secrets.token_hex(16)
        (self.root / "jobs" / job).mkdir()
        return job

    def sweep(self) -> int:
        """Remove what a crash left behind and uploads nobody imported: unfinished files older than an hour, and datasets of
        that age whose first import never ended. Returns how many."""
        old = time.time() - STALE_SECONDS
        depths = ("datasets/*", "datasets/*/*", "datasets/*/versions/*", "segments/*")
        parts = [p for d in depths for p in self.root.glob(f"{d}{files.PART}")]
        logs = self.root.glob(f"datasets/*/versions/*{files.PART}.wal")  # beside a store that was being built
        waiting = [*self.root.glob("uploads/*"), *self.root.glob("jobs/*")]
        orphans = [p for p in self.root.glob("datasets/*/versions/*.duckdb") if not p.with_suffix(".json").exists()]
        begun = [p for p in self.root.glob("datasets/*") if ID.fullmatch(p.name) and not any(p.glob("versions/*.json"))]
        swept = 0
        for path in [*begun, *parts, *logs, *waiting, *orphans]:
            with contextlib.suppress(FileNotFoundError):  # gone with its folder, or finished meanwhile
                if max(p.stat().st_mtime for p in (path, *path.rglob("*"))) < old:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                    swept += 1
        return swept

    def _folder(self, dataset: str) -> Path:
        folder = self.root / "datasets" / _checked(dataset)
        if not (folder / "dataset.json").exists():
            raise WorkspaceProblem(
                N_("There is no such dataset here. It may have been deleted, or the link is from elsewhere.")
            )
        return folder

    def _info(self, folder: Path) -> DatasetInfo | None:
        if not ID.fullmatch(folder.name) or not (folder / "dataset.json").exists():
            return None
        try:
            kept = files.read_json(folder / "dataset.json")
        except (
            ValueError,
            FileNotFoundError,
        ):  # damaged on disk, or deleted meanwhile: the others are listed all the same
            return None
        numbers = [int(m.name.split("-")[0]) for m in (folder / "versions").glob("*.json")]
        return DatasetInfo(folder.name, kept["title"], kept["created_at"], kept["is_sample"], max(numbers, default=0))


def facts_to_dict(facts: Facts) -> dict[str, Any]:
    """The facts as plain JSON values."""
    return vars(facts) | {"ranges": {name: [day.isoformat() for day in days] for name, days in facts.ranges.items()}}


def facts_from_dict(kept: Mapping[str, Any]) -> Facts:
    """The reverse of `facts_to_dict`."""
    lists = {name: tuple(kept[name]) for name in ("stages", "goal", "tables", "attributes")}
    columns = {name: tuple(found) for name, found in kept["columns"].items()}
    ranges = {
        name: (date.fromisoformat(first), date.fromisoformat(last)) for name, (first, last) in kept["ranges"].items()
    }
    return Facts(**lists, columns=columns, zone=kept["zone"], timed=kept["timed"], ranges=ranges)


def _checked(token: str) -> str:
    """A random id as it was given out; anything else never becomes part of a path."""
    if not ID.fullmatch(token):
        raise WorkspaceProblem(
            N_("There is no such dataset here. It may have been deleted, or the link is from elsewhere.")
        )
    return token
