"""Uploads for tests: a text in, an opened file out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from cx_metrics.reading import (
    RawFile,
    Typed,
    default_mapping,
    open_raw,
    read_changes,
    read_customers,
    read_invitations,
    read_spend,
    read_surveys,
    read_touchpoints,
    recognise,
)

Upload = Callable[..., RawFile]
READERS = {
    "touchpoints": read_touchpoints,
    "surveys": read_surveys,
    "invitations": read_invitations,
    "customers": read_customers,
    "spend": read_spend,
    "changes": read_changes,
}


@pytest.fixture
def upload(tmp_path: Path) -> Upload:
    """Write a text or bytes to a file and open it as an upload."""

    def write(content: str | bytes, name: str = "upload.csv") -> RawFile:
        path = tmp_path / "file"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return open_raw(path, name)

    return write


def read(raw: RawFile, table: str | None = None) -> Typed:
    """Read a file as it is recognised."""
    mapping = default_mapping(raw, recognise(raw, table))
    return READERS[mapping.table](raw, mapping)
