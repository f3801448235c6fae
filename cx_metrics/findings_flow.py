"""Findings about paths: anchored flows, what follows what, touchpoints that journeys come back to, one segment against another.

As in `findings`: chosen by rule from finished frames, every number in them is on the page, none claims a cause.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from cx_metrics.findings import MIN_SCORES, MIN_SHARE, counted
from cx_metrics.flows import PATH_END, PATH_START
from cx_metrics.groups import OTHER
from cx_metrics.rules import FOLDED
from cx_metrics.texts import N_, NP_, Text

MOST_NAMES = 4  # touchpoints of a path that fit in a title
TOO_FEW = N_("Too few journeys to see a pattern")


def after(links: pd.DataFrame, start: Sequence[str]) -> Text:
    """Where do paths go from the touchpoint they begin at, and how many stop there?"""
    first = links[links["step"] == 1]
    total = int(first["journeys"].sum())
    if total < MIN_SHARE:
        return Text(TOO_FEW)
    stops = int(first.loc[first["kind"] == "drop_off", "journeys"].sum())
    values: dict[str, Any] = {"touchpoint": tuple(start), "stop_share": stops / total}
    moves = _by_name(first[first["kind"] == "move"], "target")
    if not moves:
        return Text(N_("After {touchpoint}, {stop_share} of journeys stop"), values)
    name, journeys = moves[0]
    values |= {"next": name, "next_share": journeys / total}
    if not stops:
        return Text(N_("After {touchpoint}, {next_share} go on to {next}"), values)
    return Text(N_("After {touchpoint}, {next_share} go on to {next}, and {stop_share} stop"), values)


def before(links: pd.DataFrame, end: Sequence[str]) -> Text:
    """Where do paths come from to the touchpoint they end at, and how many begin there?"""
    if not len(links):
        return Text(TOO_FEW)
    last = int(links["step"].max())
    total = int(links.loc[links["step"] == last, "journeys"].sum())
    if total < MIN_SHARE:
        return Text(TOO_FEW)
    arriving = links[(links["step"] == last - 1) & (links["kind"] == "move")]
    begin = total - int(arriving["journeys"].sum())
    values: dict[str, Any] = {"touchpoint": tuple(end), "begin_share": begin / total}
    moves = _by_name(arriving, "source")
    if not moves:
        return Text(N_("{begin_share} of the journeys to {touchpoint} begin there"), values)
    name, journeys = moves[0]
    values |= {"previous": name, "previous_share": journeys / total}
    if not begin:
        return Text(N_("{previous_share} come to {touchpoint} from {previous}"), values)
    return Text(N_("{previous_share} come to {touchpoint} from {previous}, and {begin_share} begin there"), values)


def between(links: pd.DataFrame, start: Sequence[str], end: Sequence[str]) -> Text:
    """How many journeys lead from one touchpoint to another, and how many of them straight?"""
    first = links[links["step"] == 1]
    total = int(first["journeys"].sum())
    values: dict[str, Any] = {"journeys": total, "start": tuple(start), "end": tuple(end)}
    straight = int(first.loc[(first["kind"] == "move") & first["target"].isin(end), "journeys"].sum())
    if total < MIN_SHARE or not straight:
        one, many = NP_(
            "{journeys} journey leads from {start} to {end}", "{journeys} journeys lead from {start} to {end}"
        )
        return counted(one, many, total, **values)
    one, many = NP_(
        "{journeys} journey leads from {start} to {end}, {straight_share} of them without a step between",
        "{journeys} journeys lead from {start} to {end}, {straight_share} of them without a step between",
    )
    return counted(one, many, total, **values, straight_share=straight / total)


def _by_name(rows: pd.DataFrame, column: str) -> list[tuple[str, int]]:
    """Journeys by name, the most frequent first, ties by name; folded names are no name."""
    known = rows[rows[column] != OTHER].groupby(column)["journeys"].sum()
    return sorted(((str(name), int(n)) for name, n in known.items()), key=lambda found: (-found[1], found[0]))


def steps(matrix: pd.DataFrame) -> Text:
    """At which step are most journeys over?"""
    if not len(matrix) or int(matrix["all_journeys"].max()) < MIN_SHARE:
        return Text(TOO_FEW)
    later = matrix[(matrix["touchpoint"] == PATH_START) & (matrix["step"] == 1)]
    if len(later):  # paths that end together begin at different steps
        return Text(N_("{later_share} of journeys have not begun at step {step}"),
                    {"later_share": float(later["share"].iloc[0]), "step": 1})  # fmt: skip
    over = matrix[(matrix["touchpoint"] == PATH_END) & (matrix["journeys"] > 0)]
    if not len(over):
        return Text(N_("No journey is over within {steps} steps"), {"steps": int(matrix["step"].max())})
    most = over[over["share"] > 0.5]
    row = (most if len(most) else over.iloc[::-1]).iloc[0]
    return Text(N_("{over_share} of journeys are over before step {step}"),
                {"over_share": float(row["share"]), "step": int(row["step"])})  # fmt: skip


def in_order_of_steps(matrix: pd.DataFrame) -> list[str]:
    """The touchpoints in the order in which journeys come to them; what stands in the place of one at the end."""
    foot = (OTHER, PATH_START, PATH_END)
    ordered = matrix.sort_values(["step", "journeys", "touchpoint"], ascending=[True, False, True])
    names = list(dict.fromkeys(ordered["touchpoint"]))
    return [n for n in names if n not in foot] + [n for n in foot if n in names]


def largest_rows(matrix: pd.DataFrame, most: int) -> list[str]:
    """The touchpoints with most contacts, ties by name."""
    known = matrix[matrix["touchpoint"] != PATH_START]
    ordered = known.sort_values(["all_transitions", "touchpoint"], ascending=[False, True])
    return list(dict.fromkeys(ordered["touchpoint"]))[:most]


def follows(matrix: pd.DataFrame) -> Text:
    """Which touchpoint leads most surely to another?"""
    moves = matrix[
        (matrix["touchpoint"] != PATH_START) & (matrix["next_touchpoint"] != PATH_END)
        & (matrix["all_transitions"] >= MIN_SCORES)
    ]  # fmt: skip
    if not len(moves):
        return Text(N_("Too few transitions to compare the touchpoints"))
    top = moves.sort_values(["share", "touchpoint", "next_touchpoint"], ascending=[False, True, True]).iloc[0]
    values = {
        "touchpoint": str(top["touchpoint"]),
        "next": str(top["next_touchpoint"]),
        "next_share": float(top["share"]),
    }
    if values["touchpoint"] == values["next"]:
        return Text(N_("{touchpoint} follows itself in {next_share} of cases, the surest of all pairs"), values)
    return Text(N_("After {touchpoint} comes {next} in {next_share} of cases, the surest of all pairs"), values)


def rework(frame: pd.DataFrame) -> Text:
    """Which touchpoint do journeys come back to most often?"""
    known = frame[frame["journeys"] >= MIN_SHARE]
    if not len(known):
        return Text(N_("Too few journeys to compare the touchpoints"))
    if not int(known["reworked"].sum()):
        return Text(N_("No journey has the same touchpoint twice"))
    top = known.sort_values(["rework_rate", "journeys", "touchpoint"], ascending=[False, False, True]).iloc[0]
    return Text(N_("{rework_share} of journeys with {touchpoint} have it more than once, the most of all"),
                {"rework_share": float(top["rework_rate"]), "touchpoint": str(top["touchpoint"])})  # fmt: skip


def largest_differences(compared: pd.DataFrame, most: int) -> pd.DataFrame:
    """The rows where A and B differ most: those beyond chance first, then by size of the difference."""
    keys = [c for c in ("step", "rank", "source", "touchpoint", "target", "next_touchpoint", "kind") if c in compared]
    size = compared.assign(size=compared["difference"].abs())
    ordered = size.sort_values(["flagged", "size", *keys], ascending=[False, False, *(True for _ in keys)])
    return ordered.drop(columns="size").head(most)


def against(compared: pd.DataFrame) -> Text:
    """What is the largest difference between A and B beyond chance?"""
    if not len(compared):
        return Text(N_("There is nothing to compare"))
    if not compared["flagged"].any():
        return Text(N_("No difference between A and B is larger than chance allows"))
    named = compared[~_has_folded(compared) & compared["flagged"].astype(bool)]
    if not len(named):
        return Text(N_("A and B differ most in the touchpoints that are folded together"))
    row = largest_differences(named, 1).iloc[0]
    shares = {"a_share": float(row["share_a"]), "b_share": float(row["share_b"])}
    if "path" in row:
        path = tuple(str(name) for name in row["path"])
        shown = path if len(path) <= MOST_NAMES else (*path[: MOST_NAMES - 1], "…")
        return Text(N_("The path {path} is taken by {a_share} of A and {b_share} of B"), shares | {"path": shown})
    if "kind" in row:
        return _link(row, shares)
    if row["touchpoint"] == PATH_END:
        return Text(N_("{a_share} of the journeys of A are over before step {step}, and {b_share} of those of B"),
                    shares | {"step": int(row["step"])})  # fmt: skip
    if row["touchpoint"] == PATH_START:
        return Text(N_("At step {step}, {a_share} of the journeys of A and {b_share} of B have not begun"),
                    shares | {"step": int(row["step"])})  # fmt: skip
    return Text(N_("At step {step}, {a_share} of A and {b_share} of B are at {touchpoint}"),
                shares | {"step": int(row["step"]), "touchpoint": str(row["touchpoint"])})  # fmt: skip


def _has_folded(compared: pd.DataFrame) -> pd.Series:
    """Rows that are about touchpoints folded into one, which have no name to speak of."""
    named = compared[[c for c in ("source", "target", "touchpoint", "next_touchpoint") if c in compared]]
    return named.isin([OTHER, FOLDED]).any(axis=1)


def _link(row: Any, shares: dict[str, float]) -> Text:
    values = shares | {"source": str(row["source"]), "step": int(row["step"])}
    if row["kind"] == "move":
        return Text(N_("From {source} at step {step}, {a_share} of A go to {target}, and {b_share} of B"),
                    values | {"target": str(row["target"])})  # fmt: skip
    if row["kind"] == "drop_off":
        return Text(N_("At step {step}, {a_share} of A stop at {source}, and {b_share} of B"), values)
    return Text(N_("At step {step}, {a_share} of A are at {source} and go on, and {b_share} of B"), values)
