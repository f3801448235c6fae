"""Findings about one touchpoint: whom it reaches, where they come from and go, when, by which group, and what is said there.

As in `findings`: chosen by rule from finished frames, every number in them is on the page, none claims a cause.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from cx_metrics.findings import MIN_SCORES, MIN_SHARE, Month, highest, lowest
from cx_metrics.flows import PATH_END, PATH_START
from cx_metrics.groups import OTHER
from cx_metrics.texts import N_, Text

NOT_NAMES = (OTHER, PATH_END, PATH_START)


def summary(row: Any, following: pd.DataFrame | None) -> Text:
    """Whom does the touchpoint reach, and where do most of them go? `following`: rows of `step_matrix` at step 2."""
    values: dict[str, Any] = {"touchpoint": str(row["touchpoint"]), "reach_share": float(row["reach"])}
    top = None if following is None else _first(following)
    if top is None or int(row["customers"]) < MIN_SHARE:
        return Text(N_("{touchpoint} reaches {reach_share} of customers"), values)
    values |= {"next": str(top["touchpoint"]), "next_share": float(top["share"])}
    return Text(N_("{touchpoint} reaches {reach_share} of customers; {next_share} go on to {next}"), values)


def _first(rows: pd.DataFrame) -> Any:
    """The touchpoint of most journeys, ties by name; None where there is none with a name."""
    named = rows[~rows["touchpoint"].isin(NOT_NAMES)]
    return named.sort_values(["journeys", "touchpoint"], ascending=[False, True]).iloc[0] if len(named) else None


def came_from(rows: pd.DataFrame) -> Text:
    """Where do most come from, and how many begin here? `rows`: of `step_matrix` at the step before."""
    return _around(
        rows, PATH_START, N_("{begin_share} of the journeys begin here"), N_("{first_share} come here from {first}"),
        N_("{first_share} come here from {first}, and {begin_share} begin here"), "begin_share",
    )  # fmt: skip


def goes_to(rows: pd.DataFrame) -> Text:
    """Where do most go next, and how many stop here? `rows`: of `step_matrix` at the step after."""
    return _around(
        rows, PATH_END, N_("{stop_share} of the journeys stop here"), N_("{first_share} go on to {first}"),
        N_("{first_share} go on to {first}, and {stop_share} stop here"), "stop_share",
    )  # fmt: skip


def _around(rows: pd.DataFrame, nothing: str, alone: str, moves: str, both: str, name: str) -> Text:
    if not len(rows) or int(rows["all_journeys"].max()) < MIN_SHARE:
        return Text(N_("Too few journeys to see a pattern"))
    none = rows[rows["touchpoint"] == nothing]
    values: dict[str, Any] = {name: float(none["share"].iloc[0])} if len(none) else {}
    top = _first(rows)
    if top is None:
        return Text(alone, values) if values else Text(N_("The journeys go many ways from here"))
    values |= {"first": str(top["touchpoint"]), "first_share": float(top["share"])}
    return Text(both if name in values else moves, values)


def reach_over_time(months: pd.DataFrame) -> Text:
    """Between which two months did the reach move most, by more than chance allows?"""
    known = months[months["population"] >= MIN_SCORES]
    if len(known) < 2:
        return Text(N_("Too few months with enough customers for a trend"))
    best, worst = highest(known, "reach"), lowest(known, "reach")
    if best["reach_low"] <= worst["reach_high"]:
        return Text(N_("The reach moved no more than chance allows"))
    return Text(N_("The reach was highest in {best}, {best_share}, and lowest in {worst}, {worst_share}"), {
        "best": Month(best["month"]), "best_share": float(best["reach"]),
        "worst": Month(worst["month"]), "worst_share": float(worst["reach"]),
    })  # fmt: skip


def channels(frame: pd.DataFrame, name: str) -> Text:
    """Through which channel do most customers come here? `name`: the column that names the channel."""
    if not len(frame):
        return Text(N_("No contact here names a channel"))
    top = frame.sort_values(["reach", name], ascending=[False, True]).iloc[0]
    return Text(
        N_("{reach_share} of the customers met here used {channel}"),
        {"reach_share": float(top["reach"]), "channel": str(top[name])},
    )


def groups(frame: pd.DataFrame, name: str) -> Text:
    """Which group does it reach most, beyond what chance allows? `name`: the column that names the group."""
    known = frame[frame["population"] >= MIN_SCORES]
    if len(known) < 2:
        return Text(N_("Too few customers to compare the groups"))
    best, worst = highest(known, "reach"), lowest(known, "reach")
    if best["reach_low"] <= worst["reach_high"]:
        return Text(N_("Its reach differs between no groups by more than chance allows"))
    return Text(N_("It reaches {best_share} of {best}, and {worst_share} of {worst}"), {
        "best": str(best[name]), "best_share": float(best["reach"]),
        "worst": str(worst[name]), "worst_share": float(worst["reach"]),
    })  # fmt: skip


def answers(frame: pd.DataFrame) -> Text:
    """Which answer did most give here? `frame`: rows of `distribution` of one question."""
    if int(frame["all_responses"].max()) < MIN_SHARE:
        return Text(N_("Too few answers to compare them"))
    top = frame.sort_values(["responses", "score"], ascending=[False, False]).iloc[0]
    score = float(top["score"])
    return Text(N_("The most frequent answer is {score}, given by {answer_share}"),
                {"score": int(score) if score == int(score) else score, "answer_share": float(top["share"])})  # fmt: skip
