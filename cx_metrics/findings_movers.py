"""What changed, in one sentence: the change with the strongest evidence, or that there is none.

As in `findings`: chosen by rule from finished frames, every number in them is on the page, none claims a cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cx_metrics.texts import N_, NP_, Text

MOST = 8  # movers that a page shows
MOST_OF_ONE = 4  # of them, of one number: a wave of surveys moves the reach of everything else with it

ROSE = {  # whether it is a share, whether it is about everybody
    (True, True): N_("{measure} rose from {before_share} to {now_share}"),
    (True, False): N_("{what}: {measure} rose from {before_share} to {now_share}"),
    (False, True): N_("{measure} rose from {before} to {now}"),
    (False, False): N_("{what}: {measure} rose from {before} to {now}"),
}
FELL = {
    (True, True): N_("{measure} fell from {before_share} to {now_share}"),
    (True, False): N_("{what}: {measure} fell from {before_share} to {now_share}"),
    (False, True): N_("{measure} fell from {before} to {now}"),
    (False, False): N_("{what}: {measure} fell from {before} to {now}"),
}


def movers(frame: pd.DataFrame, titles: Mapping[str, str], names: Mapping[str, str]) -> Text:
    """The first mover in words. `names`: what the places of the first rows are called."""
    if frame.empty:
        return Text(N_("Too few people in the two periods to say what changed"))
    if not frame["flagged"].any():
        return Text(N_("No touchpoint changed more than chance allows"))
    top: Any = frame.iloc[0]
    share, everybody = top["measure"] != "nps", top["kind"] == "all"
    values: dict[str, object] = {"measure": Text(titles[top["measure"]])}
    values |= {} if everybody else {"what": names.get(str(top["name"]), str(top["name"]))}
    if share:
        values |= {"now_share": float(top["value_now"]), "before_share": float(top["value_before"])}
    else:
        values |= {"now": round(float(top["value_now"])), "before": round(float(top["value_before"]))}
    return Text((ROSE if top["difference"] > 0 else FELL)[share, everybody], values)


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """The movers that a page shows: the strongest, at most four of one number."""
    flagged = frame[frame["flagged"]]
    return flagged[flagged.groupby("measure").cumcount() < MOST_OF_ONE].head(MOST)


def tested(frame: pd.DataFrame) -> Text:
    """How many numbers were tested together."""
    n = len(frame)
    one, many = NP_(
        "{n} number tested, at a false discovery rate of 5% (Benjamini–Hochberg)",
        "{n} numbers tested together, at a false discovery rate of 5% (Benjamini–Hochberg)",
    )
    return Text(one, {"n": n}, many, n)


def beyond(frame: pd.DataFrame) -> Text:
    """How many of them changed beyond chance."""
    n = int(frame["flagged"].sum()) if len(frame) else 0
    one, many = NP_("{n} changed beyond chance", "{n} changed beyond chance")
    return Text(one, {"n": n}, many, n)


def flags(count: int) -> Text:
    """How many flags are raised."""
    if not count:
        return Text(N_("No flag is raised"))
    one, many = NP_("{n} flag is raised", "{n} flags are raised")
    return Text(one, {"n": count}, many, count)
