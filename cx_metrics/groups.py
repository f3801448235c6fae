"""Rows of groups set side by side or under each other, where the name of a group may be unknown."""

from __future__ import annotations

from collections.abc import Sequence

import ibis

APART = "by "
OTHER = "(other)"  # what lies beyond the largest ones, folded into one


def apart(column: str) -> str:
    """A name for a column to group by that no metric uses, so that any column can be grouped by."""
    return APART + column


def beside(left: ibis.Table, right: ibis.Table, keys: Sequence[str]) -> ibis.Table:
    """The columns of `right` beside the rows of `left` that have the same `keys`; null finds null, and all rows stay."""
    renamed = right.rename({f"{k}_of_right": k for k in keys})
    same = [left[k].identical_to(renamed[f"{k}_of_right"]) for k in keys]
    return left.left_join(renamed, same).drop(*(f"{k}_of_right" for k in keys))


def nullable(t: ibis.Table) -> ibis.Table:
    """The same rows, where nothing is promised not to be null and numbers have one width: such tables stand under each other."""
    wide = {}
    for name, kind in t.schema().items():
        if kind.is_integer():  # by way of another type: what is called int64 already may be something else in an engine
            wide[name] = t[name].cast("float64").cast("int64")
        else:
            wide[name] = t[name].cast("float64" if kind.is_numeric() else kind.copy(nullable=True))
    return t.mutate(**wide)


def how_many(true: ibis.Value, times: ibis.Value | int = 1) -> ibis.Value:
    """For how many rows does it hold? 0 where there are no rows, on every engine (Spark counts none as nothing known). `times`:
    for how many a row stands."""
    return ibis.ifelse(true, times, 0).sum().fill_null(0)
