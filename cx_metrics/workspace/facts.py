"""Manifests, and the facts of a dataset as plain JSON values: how a manifest keeps them."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from cx_metrics.heard import Heard
from cx_metrics.view import Facts
from cx_metrics.workspace.files import sha256_of


def facts_to_dict(facts: Facts) -> dict[str, Any]:
    """The facts as plain JSON values."""
    ranges = {name: [day.isoformat() for day in days] for name, days in facts.ranges.items()}
    return vars(facts) | {"ranges": ranges, "heard": facts.heard.to_dict() if facts.heard else None}


def facts_from_dict(kept: Mapping[str, Any]) -> Facts:
    """The reverse of `facts_to_dict`."""
    lists = {name: tuple(kept[name]) for name in ("stages", "goal", "tables", "attributes")}
    columns = {name: tuple(found) for name, found in kept["columns"].items()}
    ranges = {
        name: (date.fromisoformat(first), date.fromisoformat(last)) for name, (first, last) in kept["ranges"].items()
    }
    heard = Heard.from_dict(kept["heard"]) if kept.get("heard") else None
    return Facts(**lists, columns=columns, zone=kept["zone"], timed=kept["timed"], ranges=ranges, heard=heard)


@functools.lru_cache(maxsize=256)
def manifest_of(path: Path, checksum: str) -> Mapping[str, Any]:
    """What a manifest says. Raises ValueError for a file that is not the one with that checksum, OSError where there is none."""
    content = path.read_bytes()
    if sha256_of(content) != checksum:
        raise ValueError(checksum)
    found: Mapping[str, Any] = json.loads(content)
    return found


@functools.lru_cache(maxsize=64)
def facts_of(path: Path, checksum: str) -> Facts:
    """The facts in such a manifest: every run of a page asks for them."""
    return facts_from_dict(manifest_of(path, checksum)["facts"])
