"""How a text parts its columns and quotes its cells: decided by the header and the first rows, never by the file name."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from types import MappingProxyType

from cx_metrics.reading.records import Dialect, records
from cx_metrics.texts import N_

DELIMITERS: Mapping[str, str] = MappingProxyType(
    {",": N_("comma"), ";": N_("semicolon"), "\t": N_("tab"), "|": N_("pipe")}
)
# Signs that also stand in cells: they part columns only where nothing else does and every row agrees.
RARE: Mapping[str, str] = MappingProxyType(
    {"^": N_("caret"), "~": N_("tilde"), "¦": N_("broken bar"), ":": N_("colon"), " ": N_("space")}
)
DELIMITER_NAMES: Mapping[str, str] = MappingProxyType({**DELIMITERS, **RARE})
RARE_ROWS = 3  # rows that have to agree on a rare delimiter
RARE_WIDTH = 3  # and the columns that it has to make
SAMPLE_LINES = 200
HALF = 0.5
NEARLY_ALL = 0.95
MARKS = 3  # cells in single quotation marks


def said_delimiter(first_line: str) -> str | None:
    """The delimiter of a `sep=;` line, which Excel writes and hides, or None if the line is not one."""
    line = first_line.strip("\r\n").strip('"')
    if line[:4].lower() == "sep=" and len(line) == 5 and not line[4].isalnum() and line[4] not in "\"'\r\n":
        return line[4]
    return None


def find_delimiter(lines: Sequence[str]) -> str:
    """The delimiter under which most of the first rows have as many cells as the header.

    The header weighs most: a sign that it does not contain parts no columns. With a tie the wider reading wins. A rare sign
    (caret, colon, space …) has to make three columns or more in every row, where no usual one makes two. A file of one column is
    read with a sign that stands in none of its rows, if there is one.
    """
    fits = {delimiter: _fit(lines, delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: fits[delimiter])
    if fits[best][1] < HALF:
        rare = {delimiter: _fit(lines, delimiter) for delimiter in RARE}
        found = max(RARE, key=lambda delimiter: rare[delimiter])
        _made, same, width = rare[found]
        if same >= NEARLY_ALL and width >= RARE_WIDTH and len(lines) > RARE_ROWS:
            return found
    if not fits[best][0]:
        return next((delimiter for delimiter in DELIMITERS if not any(delimiter in line for line in lines)), best)
    return best


def _fit(lines: Sequence[str], delimiter: str) -> tuple[bool, float, int]:
    widths = [len(cells) for _, cells, broken in records(lines, delimiter) if broken is None and cells]
    if not widths or widths[0] < 2:
        return False, 0.0, 0
    same = sum(width == widths[0] for width in widths[1:]) / max(len(widths) - 1, 1)
    return True, round(same, 2), widths[0]


def find_dialect(lines: Sequence[str], delimiter: str | None = None) -> Dialect:
    """How a text is written that may hold more than a table: notes before it, several tables, single quotation marks, backslashes.

    `delimiter`: what is known already. `lines`: the beginning of the text, as much of it as shall be looked at.
    """
    first = [line for line in lines[: 2 * SAMPLE_LINES] if line.strip()][:SAMPLE_LINES]
    if delimiter is None:
        delimiter = find_delimiter(first)
        _made, same, _width = _fit(first, delimiter)
        if same < NEARLY_ALL:
            usual = {sign: _in_runs(first, Dialect(sign)) for sign in DELIMITERS}
            best = max(DELIMITERS, key=lambda sign: (round(usual[sign][0], 2), sign == delimiter, usual[sign]))
            rare = {sign: _in_runs(first, Dialect(sign), True) for sign in RARE} if usual[best][0] < HALF else {}
            found = max(rare, key=lambda sign: rare[sign], default=best)
            overwhelming = found in rare and rare[found][0] >= NEARLY_ALL and rare[found][1] >= RARE_WIDTH
            if overwhelming:
                delimiter = found
            elif usual[best][0] > 0:
                delimiter = best
            elif not any(delimiter in line for line in first[:1]):  # tables of a header alone, below their titles
                delimiter = max(DELIMITERS, key=lambda sign: (sum(sign in line for line in first), sign == delimiter))
    return _quotation(lines, Dialect(delimiter))


def _in_runs(lines: Sequence[str], dialect: Dialect, after_notes: bool = False) -> tuple[float, float]:
    """The share of the records that follow or precede one with as many cells (two at least), and how many cells those have.

    `after_notes`: of those from the first such one on, where they are three or more.
    """
    found = [len(cells) if broken is None else 0 for _, cells, broken in records(lines, dialect) if cells]
    runs = [(width, len(list(group))) for width, group in groupby(found)]
    good = [(width, count) for width, count in runs if width > 1 and count > 1]
    rows = sum(count for _width, count in good)
    if after_notes and rows >= RARE_ROWS:
        begun = runs.index(good[0])
        runs = runs[begun:]
    return rows / max(sum(count for _width, count in runs), 1), sum(width * count for width, count in good) / max(
        rows, 1
    )


def _quotation(lines: Sequence[str], dialect: Dialect) -> Dialect:
    """The dialect with the quotation marks that its cells have."""
    text = "".join(lines)
    part = re.escape(dialect.delimiter)
    if '"' in text and dialect.delimiter != " " and re.search(f'{part} +"', text):
        spaced = len(re.findall(f'{part} +"', text))
        if spaced >= NEARLY_ALL * len(re.findall(f'{part} *"', text)):
            dialect = _if_better(lines, dialect, replace(dialect, spaced=True))
    if '\\"' in text or "\\" + dialect.delimiter in text:
        dialect = _if_better(lines, dialect, replace(dialect, escaped=True))
    if not re.search(f'(^|{part})"', text, re.MULTILINE):
        opened = len(re.findall(f"(?:^|{part})'", text, re.MULTILINE))
        closed = len(re.findall(f"'(?:[\r\n]|$|{part})", text))
        if min(opened, closed) >= MARKS and abs(opened - closed) <= 0.05 * opened:
            dialect = _if_better(lines, dialect, replace(dialect, quote="'"), also_equal=True)
    return dialect


def _if_better(lines: Sequence[str], now: Dialect, other: Dialect, also_equal: bool = False) -> Dialect:
    """The other dialect, where fewer records are broken or have another number of cells than most."""
    odd_now, odd_other = _odd(lines, now), _odd(lines, other)
    return other if odd_other < odd_now or (also_equal and odd_other == odd_now) else now


def _odd(lines: Sequence[str], dialect: Dialect) -> int:
    widths: dict[int, int] = {}
    total = broken_ones = 0
    try:
        for _, cells, broken in records(list(dialect.unescaped(lines)), dialect):
            if cells:
                total += 1
                broken_ones += broken is not None
                width = len(cells) if broken is None else 0
                widths[width] = widths.get(width, 0) + 1
    except csv.Error:
        return len(lines) + 1
    usual = max((count for width, count in widths.items() if width), default=0)
    return total - usual + 3 * broken_ones
