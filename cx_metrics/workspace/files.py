"""Writing that survives a crash: temporary file, fsync, rename, fsync of the folder."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

PART = ".part"  # suffix of a file that is not finished; swept at start


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file so that a reader sees the old one or the new one, never half of one."""
    text = json.dumps(value, ensure_ascii=False, indent=1)
    write_bytes(path, [text.encode(errors="backslashreplace")])  # half a surrogate pair becomes its JSON escape


def write_bytes(path: Path, pieces: Iterable[bytes]) -> int:
    """Write a file as a whole or not at all; returns its size."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PART}")
    size = 0
    try:
        with part.open("wb") as file:
            for piece in pieces:
                size += file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()
    sync_folder(path.parent)
    return size


def publish(part: Path, path: Path) -> None:
    """Give a finished temporary file its final, never used name; read-only from then on."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.chmod(0o444)
    part.rename(path)
    sync_folder(path.parent)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One writer at a time in the folder, among all threads and processes. The lock ends with the process that holds it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_json(path: Path) -> Any:
    """The value in a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
