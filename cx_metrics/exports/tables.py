"""Frames as files. Text that a spreadsheet would read as a formula is disarmed; numbers stay numbers.

After OWASP ASVS 5, 1.2.10 (CWE-1236): a text cell that starts with = + - @, a tab, a line break or a null, also after
spaces or in full-width form, gets a leading apostrophe. Quoting alone does not help: spreadsheets evaluate quoted cells too.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

FORMULA_SIGNS = frozenset("=+-@\t\r\n\0＝＋－＠﹢﹣﹦﹫−")
PATH_JOINER = " > "  # between the touchpoints of a path in one cell


def safe_csv(frame: pd.DataFrame) -> bytes:
    """The frame as a CSV file in UTF-8 (with the mark by which spreadsheets know it), header line first, no index."""
    text: str = safe_frame(frame).to_csv(index=False, lineterminator="\r\n")
    return text.encode("utf-8-sig", errors="replace")


def safe_lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The same for rows of texts that would be too many for a frame."""
    text = io.StringIO(newline="")
    out = csv.writer(text, lineterminator="\r\n")
    out.writerow(map(disarmed, header))
    out.writerows(map(disarmed, row) for row in rows)
    return text.getvalue().encode("utf-8-sig", errors="replace")


def safe_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with every text cell and column name disarmed; for any file a spreadsheet may open."""
    columns = {name: frame.iloc[:, i] for i, name in enumerate(frame.columns)}
    safe = {disarmed(str(name)): _column(values) for name, values in columns.items()}
    return pd.DataFrame(safe, columns=list(safe), index=frame.index)


def disarmed(text: str) -> str:
    """The text, with a leading apostrophe if a spreadsheet could take it for a formula.

    >>> disarmed("=1+1"), disarmed("  @SUM(A1)"), disarmed("a=1")
    ("'=1+1", "'  @SUM(A1)", 'a=1')
    """
    start = text.lstrip(" \u00a0\u3000\ufeff\u200b")
    armed = start[:1] in FORMULA_SIGNS if start else False
    return "'" + text.replace("\0", "") if armed else text.replace("\0", "")


def _column(values: pd.Series[Any]) -> pd.Series[Any]:
    if pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_datetime64_any_dtype(values.dtype):
        return values
    return values.astype(object).map(_cell)


def _cell(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        value = PATH_JOINER.join(str(v) for v in value)
    return disarmed(value) if isinstance(value, str) else value
