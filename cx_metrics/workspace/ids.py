"""Random ids, and the time of day as the catalog writes it."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

from cx_metrics.errors import WorkspaceProblem
from cx_metrics.workspace.access import NO_SUCH

ID = re.compile(r"[0-9a-f]{32}")


def new_id() -> str:
    """128 random bits in hex: nobody guesses one."""
    return secrets.token_hex(16)


def checked(token: str) -> str:
    """A random id as it was given out; anything else never becomes part of a path."""
    if not ID.fullmatch(token):
        raise WorkspaceProblem(NO_SUCH)
    return token


def now() -> str:
    """The present second, UTC, in ISO form: such texts sort as times do."""
    return datetime.now(UTC).isoformat(timespec="seconds")
