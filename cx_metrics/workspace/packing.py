"""A dataset as one file, to keep elsewhere or to move: its versions, sources, segments and views in a tar archive.

The archive begins with `contents.json`: format, title, and the SHA-256 of every file in it. Restoring makes a new dataset; nothing
of it is listed before every checksum was found right.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from cx_metrics.errors import FileProblem, WorkspaceProblem
from cx_metrics.texts import N_
from cx_metrics.workspace import catalog as c
from cx_metrics.workspace import files, limits
from cx_metrics.workspace.access import EVERY, authorize
from cx_metrics.workspace.aside import ASIDE
from cx_metrics.workspace.ids import ID, now
from cx_metrics.workspace.saved import write_segments
from cx_metrics.workspace.sources import DATASETS
from cx_metrics.workspace.store import FORMAT, MANIFEST, STORE, Workspace
from cx_metrics.workspace.views import readable, write_views

CONTENTS = "contents.json"


def pack(workspace: Workspace, dataset: str, path: Path) -> int:
    """Write a dataset to an archive at `path`, whole or not at all; returns its size. Each file is checked on its way."""
    authorize(workspace.viewer, dataset, "export")
    current = workspace.current(dataset).number  # raises for a dataset without a version
    versions, title = workspace.versions(dataset), next(i.title for i in workspace.datasets() if i.id == dataset)
    for version in versions:
        workspace.verify(version)
    with workspace.catalog.reading() as connection:
        rows = connection.execute(sa.select(c.sources).where(c.sources.c.dataset == dataset)).mappings().all()
    sources = {row["token"]: row["sha256"] for row in map(c.unsealed, rows)}
    home = workspace.root / DATASETS / dataset
    workspace.check_sources(dataset, [home / "sources" / token for token in sources])
    listed: dict[str, tuple[Path, str]] = {}
    for version in versions:
        listed[f"versions/{version.number}/{STORE}"] = version.path, version.checksums[0]
        listed[f"versions/{version.number}/{MANIFEST}"] = version.manifest_path, version.checksums[1]
        if version.aside is not None:
            listed[f"versions/{version.number}/{ASIDE}"] = version.aside, version.manifest["aside"]["sha256"]
    listed |= {f"sources/{token}": (home / "sources" / token, checksum) for token, checksum in sources.items()}
    contents = {
        "format": FORMAT, "title": title, "current": current, "packed_at": now(),
        "segments": workspace.segments(dataset), "views": [asdict(v) for v in workspace.views(dataset)],
        "files": {name: checksum for name, (_path, checksum) in listed.items()},
    }  # fmt: skip
    part = path.with_name(path.name + files.PART)
    try:
        with tarfile.open(part, "w") as archive:
            _add(archive, CONTENTS, json.dumps(contents, ensure_ascii=False, indent=1).encode())
            for name, (file, _checksum) in listed.items():
                archive.add(file, name, recursive=False)
        files.seal(part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path.stat().st_size


def unpack(workspace: Workspace, path: Path, title: str = "") -> str:
    """Make a dataset of an archive that `pack` wrote; returns its id. Raises FileProblem for anything else, or one byte changed."""
    authorize(workspace.viewer, EVERY, "change")
    limits.check_disk(workspace.root, path.stat().st_size)
    dataset = workspace.create(title)
    try:
        with limits.room(), workspace.building() as part, _opened(path) as archive:
            contents = _contents(archive, path)
            _extract(archive, contents["files"], part, path)
            _publish(workspace, dataset, contents, part, title or str(contents["title"]))
    except BaseException:
        workspace.delete(dataset)
        raise
    return dataset


def _publish(workspace: Workspace, dataset: str, contents: Mapping[str, Any], part: Path, title: str) -> None:
    """All rows at once: until then nothing of the dataset is to be seen."""
    home = workspace.root / DATASETS / dataset
    numbers = sorted({int(name.split("/")[1]) for name in contents["files"] if name.startswith("versions/")})
    with workspace.catalog.writing() as connection:
        for token in (name.split("/")[1] for name in contents["files"] if name.startswith("sources/")):
            file = part / "sources" / token
            row = {"dataset": dataset, "token": token, "size": file.stat().st_size, "sha256": files.seal(file)}
            file.rename(home / "sources" / token)
            connection.execute(c.sources.insert().values(c.sealed(row)))
        files.sync_folder(home / "sources")
        for number in numbers:
            folder = part / "versions" / str(number)
            manifest = files.read_json(folder / MANIFEST)
            if int(manifest["format"]) > FORMAT:
                raise WorkspaceProblem(
                    N_("This dataset was written by a newer Touchline (format {found}, this one reads up to {known}). "
                       "Update Touchline to open it."), found=int(manifest["format"]), known=FORMAT,
                )  # fmt: skip
            files.seal(folder / STORE)
            if (folder / ASIDE).exists():
                files.seal(folder / ASIDE)
            workspace.name_version(dataset, connection, number, folder, manifest)
        write_segments(connection, dataset, dict(contents["segments"]))
        write_views(connection, dataset, contents.get("views", ()), fresh=True)
        workspace.settle(dataset, connection, title, int(contents["current"]), max(numbers))


def _opened(path: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(path, "r:")
    except (OSError, tarfile.TarError):
        raise _no_archive(path) from None


def _contents(archive: tarfile.TarFile, path: Path) -> dict[str, Any]:
    """The first file of the archive, as far as it can be believed: names are ours, and there is a version."""
    try:
        first = archive.next()
        file = (
            archive.extractfile(first) if first is not None and first.name == CONTENTS and first.size < 2**24 else None
        )
        found: dict[str, Any] = json.loads(file.read()) if file is not None else {}
        named = [str(name) for name in found["files"]]
        whole = all(_is_ours(name) for name in named) and f"versions/{int(found['current'])}/{STORE}" in named
        readable(found.get("views", ()))
        both = all((name.rpartition("/")[0] + "/" + MANIFEST) in named for name in named if name.endswith(STORE))
    except (tarfile.TarError, ValueError, KeyError, TypeError, OSError):
        raise _no_archive(path) from None
    if not whole or not both:
        raise _no_archive(path)
    return found


def _is_ours(name: str) -> bool:
    kind, _slash, rest = name.partition("/")
    number, _slash, file = rest.partition("/")
    if kind == "sources":
        return bool(ID.fullmatch(rest))
    return (
        kind == "versions"
        and number.isascii()
        and number.isdecimal()
        and len(number) < 7
        and file in (STORE, MANIFEST, ASIDE)
    )


def _extract(archive: tarfile.TarFile, expected: Mapping[str, str], part: Path, path: Path) -> None:
    """Write out the files that the contents name, each only if its bytes are those it had."""
    left = dict(expected)
    try:
        while (member := archive.next()) is not None:
            content = archive.extractfile(member) if member.isreg() and member.name in left else None
            if content is None:
                raise _no_archive(path)
            target = part / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with files.written(target, _pieces(content)) as (made, _size, checksum):
                if checksum != left.pop(member.name):
                    raise _no_archive(path)
                made.rename(target)
    except (tarfile.TarError, EOFError):
        raise _no_archive(path) from None
    if left:
        raise _no_archive(path)


def _pieces(file: IO[bytes]) -> Any:
    return iter(lambda: file.read(1 << 20), b"")


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    about = tarfile.TarInfo(name)
    about.size = len(content)
    archive.addfile(about, io.BytesIO(content))


def _no_archive(path: Path) -> FileProblem:
    return FileProblem(
        N_("{file} is no dataset that Touchline exported, or it was damaged since. Take another copy of it."),
        file=path.name,
    )
