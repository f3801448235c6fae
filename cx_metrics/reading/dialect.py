"""Which sign parts the columns: decided by the header and the first rows, never by the file name."""

from __future__ import annotations

from collections.abc import Sequence

from cx_metrics.reading.records import records
from cx_metrics.texts import N_

DELIMITERS = {",": N_("comma"), ";": N_("semicolon"), "\t": N_("tab"), "|": N_("pipe")}


def said_delimiter(first_line: str) -> str | None:
    """The delimiter of a `sep=;` line, which Excel writes and hides, or None if the line is not one."""
    line = first_line.strip("\r\n").strip('"')
    if line[:4].lower() == "sep=" and len(line) == 5 and not line[4].isalnum() and line[4] not in "\"'\r\n":
        return line[4]
    return None


def find_delimiter(lines: Sequence[str]) -> str:
    """The delimiter under which most of the first rows have as many cells as the header.

    The header weighs most: a sign that it does not contain parts no columns. With a tie the wider reading wins, and a
    file of one column reads as comma separated.
    """
    return max(DELIMITERS, key=lambda delimiter: _fit(lines, delimiter))


def _fit(lines: Sequence[str], delimiter: str) -> tuple[bool, float, int]:
    widths = [len(cells) for _, cells, broken in records(lines, delimiter) if broken is None]
    if not widths or widths[0] < 2:
        return False, 0.0, 0
    same = sum(width == widths[0] for width in widths[1:]) / max(len(widths) - 1, 1)
    return True, round(same, 2), widths[0]
