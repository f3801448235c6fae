"""Which group differs from everybody else, in which number, and is it more than chance? Answers of `compare` and `group_traits`
under each other, with one false discovery rate over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cx_metrics import intervals

COLUMNS = (
    "group", "measure", "n", "value", "value_low", "value_high", "rest", "difference", "difference_low", "difference_high",
    "p_value", "q_value", "flagged",
)  # fmt: skip
FROM_COMPARED = {
    "n_a": "n",
    "value_a": "value",
    "value_a_low": "value_low",
    "value_a_high": "value_high",
    "value_b": "rest",
}
FROM_TRAITS = {
    "customers": "n", "share": "value", "share_low": "value_low", "share_high": "value_high", "share_of_others": "rest",
    "trait": "measure",
}  # fmt: skip


def against_the_rest(
    compared: Mapping[str, Sequence[pd.DataFrame]], measures: Sequence[str], traits: pd.DataFrame | None, column: str,
    kind: str,
) -> pd.DataFrame:  # fmt: skip
    """Which group differs from the rest, in which measure?

    One row per group and measure: group, measure (of `measures`, or a trait of the `kind`), n, value with its interval, rest
    (the number of everybody else), difference with its interval, p_value, q_value and flagged (Benjamini-Hochberg over all rows
    here, q = 0.10). `compared`: by group, comparisons of the group (A) with the rest (B), one row a measure; `traits`: rows of
    `group_traits` by `column`. Rows without a value are left out.
    """
    parts = []
    for group, frames in compared.items():
        for frame in frames:
            own = frame[frame["measure"].isin(measures)].rename(columns=FROM_COMPARED)
            parts.append(own.assign(group=[group] * len(own)))
    if traits is not None:
        own = traits[(traits["kind"] == kind) & traits[column].isin(list(compared))]
        parts.append(own.rename(columns={**FROM_TRAITS, column: "group"}))
    held = [part.reindex(columns=list(COLUMNS)) for part in parts if len(part)]
    if not held:
        return pd.DataFrame(columns=list(COLUMNS))
    rows = pd.concat(held, ignore_index=True)
    rows = rows[rows["value"].notna()].reset_index(drop=True)
    q = intervals.benjamini_hochberg(rows["p_value"].astype(float)) if len(rows) else np.array([])
    return rows.assign(q_value=q, flagged=np.nan_to_num(q, nan=1.0) <= intervals.FALSE_DISCOVERIES)
