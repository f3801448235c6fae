"""Findings about a node or link of the flow: how many pass it, where they come from and go to; what is folded.

As in `findings`: chosen by rule from finished frames, every number in them is on the page, none claims a cause.
"""

from __future__ import annotations

import pandas as pd

from cx_metrics.flows import PATH_END, PATH_START
from cx_metrics.groups import OTHER
from cx_metrics.rules import FOLDED
from cx_metrics.texts import N_, NP_, Text

OTHER_WORD = N_("Other")
IN_BETWEEN = N_("Steps in between")


def through(frame: pd.DataFrame, step: int, source: str, target: str, kind: str) -> Text:
    """Which share of journeys passes the node or link?"""
    row = frame.iloc[0]
    share = float(row["share"]) if int(row["all_journeys"]) else 0.0
    values = {"journeys_share": share, "step": step, "touchpoint": named(source), "next": named(target)}
    if kind == "drop_off" and source:
        return Text(N_("{journeys_share} of journeys end at {touchpoint} at step {step}"), values)
    if kind == "drop_off":
        return Text(N_("{journeys_share} of journeys end at step {step}"), values)
    if kind == "continues_beyond" and source:
        return Text(N_("{journeys_share} of journeys go on from {touchpoint} after step {step}"), values)
    if kind == "continues_beyond":
        return Text(N_("{journeys_share} of journeys go on after step {step}"), values)
    if target:
        return Text(N_("{journeys_share} of journeys go from {touchpoint} at step {step} to {next}"), values)
    return Text(N_("{journeys_share} of journeys are at {touchpoint} at step {step}"), values)


def named(name: str) -> str | Text:
    """A name of the flow; what stands in the place of a touchpoint in the reader's words."""
    return Text(OTHER_WORD) if name == OTHER else Text(IN_BETWEEN) if name == FOLDED else name


def came_from(branch: pd.DataFrame, step: int, source: str) -> pd.DataFrame:
    """The step before the chosen node or link, and how many come from each touchpoint: the rows of the branch, largest first.
    `source` "": the foot of a column, before which the touchpoints of the step itself stand."""
    rows = branch[branch["step"] == (step - 1 if source else step)]
    return rows.sort_values(["journeys", "source"], ascending=[False, True])


def went_to(branch: pd.DataFrame, step: int, source: str, target: str, kind: str) -> pd.DataFrame:
    """The step after it, and how many go to each touchpoint, end, or go on; no rows after an end."""
    if kind in ("drop_off", "continues_beyond") or not source:
        return branch.head(0)
    rows = branch[branch["step"] == (step + 1 if target else step)]
    return rows.sort_values(["journeys", "target"], ascending=[False, True])


def largest_step(links: pd.DataFrame, name: str) -> int | None:
    """The step at which most journeys are at a touchpoint that the flow shows; None where it shows it nowhere."""
    here = links[links["source"] == name]
    if here.empty:
        return None
    sizes = here.groupby("step")["journeys"].sum()
    return max((int(n), -int(str(step))) for step, n in sizes.items())[1] * -1


def folded(matrix: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """The touchpoints that the flow folds, step by step, largest first. `matrix`: step_matrix of the same journeys, not folded."""
    shown = links[["step", "source"]].drop_duplicates().rename(columns={"source": "touchpoint"})
    both = matrix.merge(shown, "left", on=["step", "touchpoint"], indicator=True)
    rest = both[(both["_merge"] == "left_only") & ~both["touchpoint"].isin([PATH_START, PATH_END, OTHER])]
    return rest.drop(columns="_merge").sort_values(["step", "journeys", "touchpoint"], ascending=[True, False, True])


def what_is_folded(rest: pd.DataFrame) -> Text:
    """How many touchpoints stand in Other, and which is the largest of them?"""
    n = int(rest["touchpoint"].nunique())
    if not n:
        return Text(N_("No touchpoint is folded into Other"))
    top = rest.sort_values(["journeys", "touchpoint"], ascending=[False, True]).iloc[0]
    one, many = NP_(
        "{n} touchpoint is folded into Other; the largest: {touchpoint}, {top_share} of journeys at step {step}",
        "{n} touchpoints are folded into Other; the largest: {touchpoint}, {top_share} of journeys at step {step}",
    )
    values = {"n": n, "touchpoint": str(top["touchpoint"]), "top_share": float(top["share"]), "step": int(top["step"])}
    return Text(one, values, many, n)


def journeys_of(variants: pd.DataFrame, path: tuple[str, ...]) -> int | None:
    """How many journeys have exactly this path; None where it is not listed."""
    found = [int(n) for listed, n in zip(variants["path"], variants["journeys"], strict=True) if tuple(listed) == path]
    return found[0] if found else None
