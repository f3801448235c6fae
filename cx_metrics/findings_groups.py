"""Findings about groups of customers: who differs most, what marks one, and which kinds of journeys there are.

As in `findings`: chosen by rule from finished frames, every number in them is on the page, none claims a cause.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from cx_metrics.clusters import STEADY
from cx_metrics.texts import N_, NP_, Text

SHARES = ("conversion_rate", "csat")


def most_different(rows: pd.DataFrame, names: dict[str, Text]) -> Text:
    """Which group differs most from everybody else, in standard errors? `rows`: of `against_the_rest`; `names`: of the measures
    that are no trait."""
    if not len(rows):
        return Text(N_("There is nothing to compare"))
    flagged = rows[rows["flagged"].astype(bool)]
    if not len(flagged):
        return Text(N_("No group differs from the others by more than chance allows"))
    row = flagged.sort_values(["p_value", "measure"], kind="stable").iloc[0]
    group, measure = str(row["group"]), str(row["measure"])
    if measure in SHARES or measure not in names:
        values: dict[str, Any] = {"group": group, "own_share": float(row["value"]), "rest_share": float(row["rest"])}
        if measure == "conversion_rate":
            return Text(N_("{own_share} of {group} reach the goal, against {rest_share} of everybody else"), values)
        if measure == "csat":
            return Text(N_("{own_share} of the answers of {group} are satisfied, {rest_share} of all others"), values)
        return Text(
            N_("{own_share} of {group} reach {stage}, against {rest_share} of everybody else"),
            values | {"stage": measure},
        )
    return Text(
        N_("{group} differ most from everybody else in this: {measure}"), {"group": group, "measure": names[measure]}
    )


def marks(traits: pd.DataFrame, group: str) -> Text:
    """What marks one group most? `traits`: its flagged rows that it has more often, the widest first."""
    if not len(traits):
        return Text(N_("{group}: nothing marks them beyond chance"), {"group": group})
    top = traits.iloc[0]
    values = {
        "group": group, "trait": str(top["trait"]), "own_share": float(top["share"]), "rest_share": float(top["share_of_others"])
    }  # fmt: skip
    if top["kind"] in ("stage", "channel", "touchpoint_type", "touchpoint"):
        return Text(N_("{group}: {own_share} meet {trait}, against {rest_share} of the others"), values)
    return Text(N_("{group}: {own_share} are {trait}, {rest_share} of the others are"), values)


def kinds(frame: pd.DataFrame) -> Text:
    """How many kinds of journeys are there, and are they steady? `frame`: rows of `journey_clusters`."""
    if len(frame) < 2:
        return Text(N_("All journeys are of one kind"))
    row, n = frame.iloc[0], len(frame)
    if float(row["stability"]) < STEADY:
        return Text(N_("No steady kinds of journeys: other journeys would fall into other groups"))
    one, many = NP_(
        "There is {n} kind of journey; the largest holds {largest_share} of them",
        "There are {n} kinds of journeys; the largest holds {largest_share} of them",
    )
    return Text(one, {"n": n, "largest_share": float(row["share"])}, many, n)
