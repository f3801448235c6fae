"""A compiled query as a template: names and instants that stood in when it was compiled give way to those that are asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from cx_metrics.view import EPOCH, STAND_INS

MARKS = [mark for day in STAND_INS for mark in (day.year, day.toordinal() - EPOCH, day.toordinal() - EPOCH + 1)]
SAYS_A_DAY = re.compile(r"\b(" + "|".join(map(str, MARKS)) + r")\b")


def filled(
    sql: str, values: Mapping[str, str], instants: Mapping[str, str] | None, literal: Callable[[str], str]
) -> str | None:
    """The query with `values` in the places of their placeholders and `instants` (microseconds, as numbers are written) in those
    of the ones that stand in. None where it names a day that stands in in another form too, as a date or counted from 1970.

    `literal` is how the engine writes a text.
    """
    if instants:
        if SAYS_A_DAY.search(sql):
            return None
        sql = re.sub(r"\b(" + "|".join(instants) + r")\b", lambda found: instants[found[0]], sql)
    if values:  # in one go, so that no value is taken for a placeholder
        literals = {literal(place): literal(value) for place, value in values.items()}
        sql = re.sub("|".join(map(re.escape, literals)), lambda found: literals[found[0]], sql)
    return sql
