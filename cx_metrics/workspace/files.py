"""Writing that survives a crash: temporary file, fsync, rename, fsync of the folder."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_HOLDING: set[Path] = set()
PART = ".part"  # suffix of a file that is not finished; swept at start


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file so that a reader sees the old one or the new one, never half of one."""
    text = json.dumps(value, ensure_ascii=False, indent=1)
    write_bytes(path, [text.encode(errors="backslashreplace")])  # half a surrogate pair becomes its JSON escape


def write_bytes(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file as a whole or not at all."""
    with written(path, pieces) as (part, _size, _checksum):
        part.replace(path)
    sync_folder(path.parent)


@contextlib.contextmanager
def written(path: Path, pieces: Iterable[bytes]) -> Iterator[tuple[Path, int, str]]:
    """A finished temporary file beside `path`, its size and its SHA-256; gone with this block unless it was given another name."""
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PART}")
    size, checksum = 0, hashlib.sha256()
    try:
        with part.open("xb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # whoever sweeps sees that somebody writes
            for piece in pieces:
                size += file.write(piece)
                checksum.update(piece)
            file.flush()
            os.fsync(file.fileno())
            yield part, size, checksum.hexdigest()
    finally:
        with contextlib.suppress(FileNotFoundError):
            part.unlink()


def seal(path: Path) -> str:
    """Make a finished file durable and read-only; returns its SHA-256."""
    with path.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    path.chmod(0o444)
    return checksum


@contextlib.contextmanager
def held(folder: Path) -> Iterator[Path]:
    """A new folder in which somebody builds something: `is_held` says so until this block or its process ends, however it ends."""
    folder.mkdir(parents=True)
    descriptor = os.open(folder, os.O_RDONLY)
    _HOLDING.add(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _HOLDING.discard(folder)
        os.close(descriptor)


def holding() -> list[Path]:
    """The folders that this process holds."""
    return list(_HOLDING)


def is_held(path: Path) -> bool:
    """Whether a process that lives holds the lock of a file or folder; of one that is gone, nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def remove(path: Path) -> None:
    """Remove a file or a folder, read-only ones too; nothing where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(content: bytes) -> str:
    """The SHA-256 of these bytes, in hex."""
    return hashlib.sha256(content).hexdigest()


def read_json(path: Path) -> Any:
    """The value in a JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
