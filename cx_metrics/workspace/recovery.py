"""After a crash or a loss: sweeping away what was never finished, and building the catalog from what the folders say."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cx_metrics.errors import WorkspaceProblem
from cx_metrics.workspace import catalog as c
from cx_metrics.workspace import files
from cx_metrics.workspace.aside import ASIDE
from cx_metrics.workspace.ids import ID, now
from cx_metrics.workspace.mappings import write_mappings
from cx_metrics.workspace.saved import write_segments
from cx_metrics.workspace.views import VIEWS, write_views

UPLOAD_HOURS = 24  # an upload that nobody imported goes after that
JOB_DAYS = 7  # an import that ended is remembered so long
BEGUN_HOURS = 1  # a dataset without a version whose import is not under way any more


def sweep(catalog: c.Catalog, root: Path) -> int:
    """Remove what a crash left behind and what nobody wanted; returns how many files, folders and rows.

    While this runs nobody else publishes or receives, and those do so in one transaction: a file or folder without a row was
    never finished.
    """
    swept = 0
    with catalog.writing() as connection:
        swept += _old_rows(connection)
        for path in list(_orphans(connection, root)):
            files.remove(path)
            swept += 1
    return swept


def _old_rows(connection: sa.Connection) -> int:
    u, j, d = c.uploads.c, c.jobs.c, c.datasets.c
    busy = sa.select(j.dataset).where(j.state.in_(("waiting", "running")))
    old = [
        c.uploads.delete().where(u.created_at < _ago(hours=UPLOAD_HOURS)),
        c.jobs.delete().where(j.ended_at != "", j.ended_at < _ago(days=JOB_DAYS)),
        c.sources.delete().where(
            c.sources.c.dataset.in_(
                sa.select(d.id).where(d.current == 0, d.created_at < _ago(hours=BEGUN_HOURS), d.id.not_in(busy))
            )
        ),
        c.datasets.delete().where(d.current == 0, d.created_at < _ago(hours=BEGUN_HOURS), d.id.not_in(busy)),
    ]
    return sum(connection.execute(statement).rowcount for statement in old)


def _orphans(connection: sa.Connection, root: Path) -> Iterator[Path]:
    """Everything in the workspace that no row speaks of and nobody is writing."""
    for part in (root / "parts").iterdir():
        if not files.is_held(part):
            yield part
    uploads = set(connection.execute(sa.select(c.uploads.c.token)).scalars())
    for path in (root / "uploads").iterdir():
        if path.name not in uploads and not files.is_held(path):
            yield path
    jobs = set(connection.execute(sa.select(c.jobs.c.id)).scalars())
    yield from (path for path in (root / "jobs").iterdir() if path.name not in jobs)
    known = set(connection.execute(sa.select(c.datasets.c.id)).scalars())
    sources = {tuple(row) for row in connection.execute(sa.select(c.sources.c.dataset, c.sources.c.token))}
    versions = {tuple(row) for row in connection.execute(sa.select(c.versions.c.dataset, c.versions.c.store))}
    manifests = {tuple(row) for row in connection.execute(sa.select(c.versions.c.dataset, c.versions.c.manifest))}
    for home in (root / "datasets").iterdir():
        if home.name not in known:
            yield home
            continue
        yield from (p for p in home.glob("sources/*") if (home.name, p.name) not in sources)
        for path in home.glob("versions/*"):
            inside = [path] if path.is_file() else list(path.iterdir())
            if not any((home.name, str(p.relative_to(home))) in versions | manifests for p in inside):
                yield path
    for folder in (root, root / "segments", root / VIEWS, root / "mappings", root / "protected"):
        yield from (p for p in folder.glob(f"*{files.PART}") if not files.is_held(p))


def rebuild(connection: sa.Connection, root: Path) -> None:
    """Write the rows of datasets, versions, sources, segments, views and mappings from the files: for a catalog that was lost, and
    for a workspace from before there was one. Only a store that matches the checksum in its manifest becomes a version."""
    for home in sorted((root / "datasets").iterdir()):
        if not ID.fullmatch(home.name):
            continue
        found = [row for path in sorted(home.glob("versions/**/*.json")) if (row := _version(home, path)) is not None]
        rows = list({row["number"]: row for row in found}.values())
        if not rows:
            continue
        title, created, is_sample = _described(home, home / rows[-1]["manifest"])
        last = max(row["number"] for row in rows)
        about = {
            "id": home.name,
            "title": title,
            "created_at": created,
            "is_sample": is_sample,
            "current": last,
            "numbered": last,
        }
        connection.execute(c.datasets.insert().values(c.sealed(about)))
        connection.execute(c.versions.insert(), [c.sealed(row) for row in rows])
        sources = [
            {"dataset": home.name, "token": p.name, "size": p.stat().st_size, "sha256": files.sha256(p)}
            for p in home.glob("sources/*") if ID.fullmatch(p.name)
        ]  # fmt: skip
        if sources:
            connection.execute(c.sources.insert(), [c.sealed(row) for row in sources])
    for path in root.glob("segments/*.json"):
        with contextlib.suppress(ValueError, KeyError):
            write_segments(connection, path.stem, files.read_json(path)["segments"])
    for path in root.glob(f"{VIEWS}/*.json"):
        with contextlib.suppress(ValueError, KeyError, TypeError, WorkspaceProblem):
            write_views(connection, path.stem, files.read_json(path)["views"])
    write_mappings(connection, root)


def _version(home: Path, path: Path) -> dict[str, Any] | None:
    """What a manifest says of its version, if its store is whole."""
    store = path.with_suffix(".duckdb") if path.parent.name == "versions" else path.with_name("store.duckdb")
    try:
        content = path.read_bytes()
        kept = json.loads(content)
        if files.sha256(store) != kept["sha256"]:
            return None
        aside = store.with_name(ASIDE).stat().st_size if kept.get("aside") else 0
        return {
            "dataset": home.name, "number": int(kept["version"]), "store": str(store.relative_to(home)),
            "manifest": str(path.relative_to(home)), "store_sha256": kept["sha256"], "manifest_sha256": files.sha256_of(content),
            "size": store.stat().st_size + aside, "created_at": str(kept["created_at"]),
        }  # fmt: skip
    except (OSError, ValueError, KeyError):
        return None


def _described(home: Path, newest: Path) -> tuple[str, str, bool]:
    kept = files.read_json(newest)
    with contextlib.suppress(OSError, ValueError, KeyError):
        old = files.read_json(home / "dataset.json")
        return c.kept_text(old["title"]), str(old["created_at"]), bool(old["is_sample"])
    return str(kept.get("title", "")), str(kept.get("created_at", now())), bool(kept.get("is_sample", False))


def _ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat(timespec="seconds")
