"""How much a workspace takes in: settings with defaults, each with the reason for it.

A setting is an environment variable; a value that is none is refused by name when it is first needed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from cx_metrics.errors import WorkspaceProblem
from cx_metrics.texts import N_

GB = 1024**3
DISK_FACTOR = 3  # an import needs room for what it reads, what it spills and what it keeps
SPARE_BYTES = GB // 4  # a disk is never filled to its end: the catalog and the system need some
DEFAULTS = {
    "TOUCHLINE_KEEP_VERSIONS": 5,  # of a dataset; one can go back to them
    "TOUCHLINE_SESSION_GB": 2,  # uploads of one browser session that are not imported yet
    "TOUCHLINE_WORKSPACE_GB": 0,  # everything together; 0: as much as the disk has
    "TOUCHLINE_IMPORTS_AT_ONCE": 1,  # an import keeps two cores busy
    "TOUCHLINE_IMPORTS_WAITING": 20,  # of one session
    "TOUCHLINE_IMPORT_MINUTES": 120,  # 50 million touchpoints took about ten on two cores
    "TOUCHLINE_IMPORT_GB": 0,  # memory of an import; 0: half of the machine's, 4 at least. 10 million touchpoints took 4.3
}  # fmt: skip


def setting(name: str) -> int:
    """The number that the environment gives a setting, else its default. Raises WorkspaceProblem for what is no number."""
    text = os.environ.get(name, "").strip()
    if not text:
        return DEFAULTS[name]
    if not text.isascii() or not text.isdecimal() or len(text) > 7:
        raise WorkspaceProblem(N_("{variable} has to be a whole number like {example}; found {found}."), variable=name,
                               example=str(DEFAULTS[name]), found=text)  # fmt: skip
    return int(text)


def import_memory() -> int:
    """How many bytes an import may hold."""
    asked = setting("TOUCHLINE_IMPORT_GB")
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return asked * GB if asked else max(machine // 2, 4 * GB)


def check_disk(folder: Path, wanted: int) -> None:
    """Is there room for so many bytes more? Raises WorkspaceProblem with both numbers if not."""
    free = shutil.disk_usage(folder).free - SPARE_BYTES
    if wanted > free:
        raise WorkspaceProblem(
            N_("The disk of the workspace has {free} MB to spare, and this needs about {wanted} MB. "
               "Delete a dataset or free some space, then try again."),
            free=max(free, 0) // 2**20, wanted=wanted // 2**20 + 1,
        )  # fmt: skip


def check_quota(held: int, wanted: int, name: str) -> None:
    """Does one more fit under a quota in GB? Raises WorkspaceProblem that names the quota if not; 0 means none."""
    limit = setting(name)
    if limit and held + wanted > limit * GB:
        raise WorkspaceProblem(
            N_("This would be more than the {limit} GB that {variable} allows. Delete or discard what nobody needs, "
               "or set it higher."), limit=limit, variable=name,
        )  # fmt: skip


def spare(folder: Path, held: int) -> int:
    """How many bytes the disk leaves, and the quota of the workspace, which holds so many now."""
    free = max(shutil.disk_usage(folder).free - SPARE_BYTES, 0)
    limit = setting("TOUCHLINE_WORKSPACE_GB")
    return min(free, max(limit * GB - held, 0)) if limit else free


@contextlib.contextmanager
def room() -> Iterator[None]:
    """A disk that became full is said in words; nothing that was there before is touched."""
    try:
        yield
    except Exception as fault:
        full = isinstance(fault, OSError) and fault.errno == errno.ENOSPC
        if full or "No space left" in str(fault) or "out of disk" in str(fault).casefold():
            raise WorkspaceProblem(
                N_("The disk of the workspace is full. Nothing was lost: free some space and try again.")
            ) from None
        raise
