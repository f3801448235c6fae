"""Findings about those who were lost in a funnel: what sets them apart from those who went on.

As in `findings`: chosen by rule from finished frames, every number in them is on the page, none claims a cause.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from cx_metrics.findings import MIN_SHARE
from cx_metrics.texts import N_, Text

MORE_OFTEN = {
    "touchpoint": N_(
        "Those who touched {trait} are lost before {step} more often: {with_share} against {without_share}"
    ),
    "channel": N_("Those seen on {trait} are lost before {step} more often: {with_share} against {without_share}"),
    "touchpoint_type": N_(
        "Where a contact is {trait}, more are lost before {step}: {with_share} against {without_share}"
    ),
}
LESS_OFTEN = {
    "touchpoint": N_(
        "Those who touched {trait} are lost before {step} less often: {with_share} against {without_share}"
    ),
    "channel": N_("Those seen on {trait} are lost before {step} less often: {with_share} against {without_share}"),
    "touchpoint_type": N_(
        "Where a contact is {trait}, fewer are lost before {step}: {with_share} against {without_share}"
    ),
}
KNOWN = (
    N_("Where {kind} is {trait}, more are lost before {step}: {with_share} against {without_share}"),
    N_("Where {kind} is {trait}, fewer are lost before {step}: {with_share} against {without_share}"),
)
UNKNOWN = (
    N_("Where {kind} is not known, more are lost before {step}: {with_share} against {without_share}"),
    N_("Where {kind} is not known, fewer are lost before {step}: {with_share} against {without_share}"),
)


def said(differences: pd.DataFrame, step: str) -> Text:
    """What those who were lost say, against those who came through. `differences`: rows of scores with `what`, their names."""
    known = differences[differences["p_value"].notna()]
    if known.empty:
        return Text(N_("Too few answers to compare those who were lost with those who came through"))
    flagged = known[known["flagged"]]
    if flagged.empty:
        return Text(N_("Those who were lost before {step} score no differently than chance allows"), {"step": step})
    top = flagged.sort_values("p_value", kind="stable").iloc[0]
    sentences = (
        N_("{what}: those lost before {step} score lower than those who came through"),
        N_("{what}: those lost before {step} score higher than those who came through"),
    )
    return Text(sentences[int(top["difference"] > 0)], {"what": str(top["what"]), "step": step})


def set_apart(correlates: pd.DataFrame, kind: str = "kind", trait: str = "trait") -> Text:
    """What goes most with being lost before the step? `kind` and `trait` are the columns with the names to show."""
    enough = (correlates["compared"] >= MIN_SHARE) & correlates["lost"].between(1, correlates["compared"] - 1)
    if not enough.any():
        return Text(N_("Too few customers to compare those who were lost with those who went on"))
    top = correlates.iloc[0]
    values: dict[str, Any] = {"step": str(top["touchpoint"])}
    if not bool(top["flagged"]):
        return Text(N_("Nothing sets those lost before {step} apart by more than chance allows"), values)
    values |= {"with_share": float(top["lost_share_with"]), "without_share": float(top["lost_share_without"])}
    more = bool(top["difference"] > 0)
    if pd.isna(top["trait"]):
        return Text(UNKNOWN[0 if more else 1], values | {"kind": str(top[kind])})
    values["trait"] = str(top[trait])
    sentences = MORE_OFTEN if more else LESS_OFTEN
    if top["kind"] in sentences:
        return Text(sentences[top["kind"]], values)
    return Text(KNOWN[0 if more else 1], values | {"kind": str(top[kind])})
