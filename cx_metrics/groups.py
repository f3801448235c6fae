"""Rows of groups set side by side, where the name of a group may be unknown."""

from __future__ import annotations

from collections.abc import Sequence

import ibis


def beside(left: ibis.Table, right: ibis.Table, keys: Sequence[str]) -> ibis.Table:
    """The columns of `right` beside the rows of `left` that have the same `keys`; null finds null, and all rows stay."""
    renamed = right.rename({f"{k}_of_right": k for k in keys})
    same = [left[k].identical_to(renamed[f"{k}_of_right"]) for k in keys]
    return left.left_join(renamed, same).drop(*(f"{k}_of_right" for k in keys))
