"""Work ahead: while one batch is used, the next one is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Batch = TypeVar("Batch")


def ahead(batches: Iterable[Batch]) -> Iterator[Batch]:
    """The same batches in the same order, each made by a thread of its own while the one before is in use. What goes wrong
    there is raised here, in its place."""
    source = iter(batches)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, source, None)
        while (batch := coming.result()) is not None:
            coming = pool.submit(next, source, None)
            yield batch
