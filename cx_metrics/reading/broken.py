"""Records that are none, in files that were made from an upload: one line each, which says why."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from cx_metrics.reading.records import LONG_CELL, OPEN_QUOTE
from cx_metrics.reading.scan import MAX_LINE
from cx_metrics.texts import N_, Text

MARK = "\x1f!"  # begins a line that stands for a record that could not be read: MARK, code, the mark's first sign, what was found

DAMAGED = Text(
    N_("The row holds bytes that are no text in the encoding of the file, or control signs that stand in no text.")
)
# Why a record is none, by the code that stands in the line.
BROKEN: Mapping[str, Text] = MappingProxyType(
    {
        "json": Text(N_("The line is no JSON object.")),
        "control": Text(N_("The row holds control signs that stand in no text.")),
        "damaged": DAMAGED,
        "quotation": OPEN_QUOTE,
        "long": LONG_CELL,
        "element": Text(N_("The entry is no object with named values.")),
        "lines": Text(N_("The row is longer than {limit} MB."), {"limit": MAX_LINE // 1024**2}),
        "header": Text(N_("The header stands here once more.")),
        "total": Text(N_("The row is a total of the others, not a record.")),
        "note": Text(N_("The row stands after the table and is a note or a total, not a record.")),
        "unreadable": Text(N_("The row could not be read.")),
    }
)


def why_broken(line: str) -> tuple[str, Text] | None:
    """What stood in the record that a line stands for, and why it is none; None for a line that stands for itself."""
    if not line.startswith(MARK):
        return None
    code, _, found = line.removeprefix(MARK).partition(MARK[0])
    return found, BROKEN.get(code, DAMAGED)
