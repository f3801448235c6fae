"""Findings about those who were lost in a funnel, what sets them apart from those who went on, and how long these took.

As in `findings`: chosen by rule from finished frames, every number in them is on the page, none claims a cause.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from cx_metrics.findings import MIN_SHARE, before, lowest
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


def takes(frame: pd.DataFrame) -> Text:
    """In which bar of times are most of those who converted?"""
    first: Any = frame.iloc[0]
    if len(frame) == 1:
        return Text(N_("All who convert take the same time"))
    if int(first["customers"]) == int(frame["customers"].max()):
        return Text(
            N_("{rate_share} of those who convert fall into the fastest range, the first bar"),
            {"rate_share": float(first["share"])},
        )
    return Text(N_("Most of those who convert take longer than the shortest times"))


def least_goes_on(funnel: pd.DataFrame) -> Text:
    """After which step does the smallest share go on?"""
    needed = funnel["previous"] - funnel["customers"] == funnel["drop_off"]  # nobody is lost at an optional step
    later = funnel[(funnel["step"] > 1) & (funnel["previous"] > 0) & needed]
    if not len(later) or not int(later["customers"].max()):
        return Text(N_("No customer reached a second step"))
    least = lowest(later, "share_of_previous")
    from_step = before(funnel, int(least["step"]))
    return Text(N_("{rate_share} go on from {before} to {after}, the smallest share of all steps"), {
        "rate_share": float(least["share_of_previous"]), "before": str(from_step["touchpoint"]),
        "after": str(least["touchpoint"]),
    })  # fmt: skip
