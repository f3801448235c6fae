"""Ids that a spreadsheet has damaged. Ids are text here and stay as they are written; what was lost before is told."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.report import shorten
from cx_metrics.reading.signs import in_plain_signs
from cx_metrics.texts import NP_, Text

_POWER = r"^[0-9](?:[.,][0-9]{1,14})?[eE]\+[0-9]{2,3}$"  # as spreadsheets show numbers of 12 digits and more
_LONG = r"^[1-9][0-9]{15,}$"
_ENDS_IN_ZEROS = r"^[1-9][0-9]{14}0+$"  # 15 digits is what a spreadsheet keeps
_DECIMAL = r"^[0-9]+[.,]0$"
_LED_BY_ZERO = r"^0[0-9]+$"
_DIGITS = r"^[0-9]+$"
FEW = 5  # long ids that end in zeros by chance are fewer

_ROUNDED = NP_(
    '{count} of {of} ids was turned into a rounded number by a spreadsheet (first: "{found}"), so different customers may have '
    "the same one. Export the file again without opening it in a spreadsheet.",
    '{count} of {of} ids were turned into rounded numbers by a spreadsheet (first: "{found}"), so different customers may have '
    "the same one. Export the file again without opening it in a spreadsheet.",
)
_CUT = NP_(
    'The long id ends in zeros behind its 15th digit (first: "{found}"): a spreadsheet keeps no more digits. Export the file '
    "again without opening it in a spreadsheet.",
    'All {count} long ids end in zeros behind their 15th digit (first: "{found}"): a spreadsheet keeps no more digits. Export '
    "the file again without opening it in a spreadsheet.",
)
_WITH_DECIMALS = NP_(
    'The id is written as a decimal number (first: "{found}"), so it will not match the same id in other files.',
    'All {count} ids are written as decimal numbers (first: "{found}"), so they will not match the same ids in other files.',
)
_WITHOUT_ZEROS = NP_(
    'Ids begin with zeros and have {width} digits, but {count} has fewer and no zero (first: "{found}"): a spreadsheet may have '
    "taken its zeros away.",
    'Ids begin with zeros and have {width} digits, but {count} have fewer and no zero (first: "{found}"): a spreadsheet may '
    "have taken their zeros away.",
)


def looks_damaged_ids(values: pa.Array) -> Text | None:
    """What a spreadsheet seems to have done to these ids, or None. Nothing is changed.

    Rounded (1.23E+15), cut after 15 digits, written as decimals (123.0), or without the zeros at their beginning where
    others still have them. Zeros that all ids lost cannot be seen.
    """
    ids = pc.utf8_trim_whitespace(in_plain_signs(values.drop_null()))
    ids = ids.filter(pc.not_equal(ids, ""))
    if not len(ids):
        return None
    if len(rounded := _those(ids, _POWER)):
        return _said(_ROUNDED, rounded, {"of": len(ids)})
    long = _those(ids, _LONG).unique()
    if len(long) >= FEW and len(_those(long, _ENDS_IN_ZEROS)) == len(long):
        return _said(_CUT, long)
    if len(_those(ids, _DECIMAL)) == len(ids):
        return _said(_WITH_DECIMALS, ids)
    widths = pc.utf8_length(_those(ids, _LED_BY_ZERO)).unique().to_pylist()
    if len(widths) == 1 and len(_those(ids, _DIGITS)) == len(ids):
        shorter = ids.filter(pc.less(pc.utf8_length(ids), widths[0]))
        longer = pc.any(pc.greater(pc.utf8_length(ids), widths[0])).as_py()
        if len(shorter) and not longer:
            return _said(_WITHOUT_ZEROS, shorter, {"width": widths[0]})
    return None


def _those(ids: pa.Array, pattern: str) -> pa.Array:
    return ids.filter(pc.match_substring_regex(ids, pattern))


def _said(message: tuple[str, str], ids: pa.Array, more: dict[str, int] | None = None) -> Text:
    values = {"count": len(ids), "found": shorten(ids[0].as_py()), **(more or {})}
    return Text(message[0], values, message[1], len(ids))
