"""How much memory and disk an import may take."""

from __future__ import annotations

import contextlib
import ctypes
import shutil
from pathlib import Path

import pyarrow as pa

from cx_metrics.engines.duckdb_store import MEMORY_LIMIT

LEAST_MEMORY, ROWS_IN_LEAST_MEMORY = (
    "700MB",
    12_000_000,
)  # of an import of no more rows; twice what it takes, as measured


def memory_for(rows: int) -> tuple[str, ...]:
    """How much an import of so many rows may hold in memory before it writes to the disk; where that is too little after all, the
    next amount. Some of what it holds cannot be written there: 35 to 40 MB for a million touchpoints."""
    return (LEAST_MEMORY, MEMORY_LIMIT) if rows <= ROWS_IN_LEAST_MEMORY else (MEMORY_LIMIT,)


def spill_room(spill: Path) -> int:
    """How many bytes an import may put beside the file it writes: half of what is free, so that the file has room too."""
    return shutil.disk_usage(spill).free // 2


def give_back() -> None:
    """Give the system back what is free in this process: batches come and go, and what held them stays taken else."""
    pa.default_memory_pool().release_unused()
    with contextlib.suppress(OSError, AttributeError):  # another system than Linux with glibc
        ctypes.CDLL(None).malloc_trim(0)
