"""Findings about what customers say: what goes with their scores, where two groups differ, what most of them answer.

As in `findings`: chosen by rule from finished frames, every number in them is on the page, none claims a cause.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from cx_metrics.drivers import FIX_FIRST
from cx_metrics.findings import MIN_SCORES, counted, highest, lowest
from cx_metrics.texts import N_, NP_, Text

NAMED_LEVEL = N_("{driver}: {level}")


def driver_name(row: Any) -> Text | str:
    """The name of a driver; of one with two values, the value it stands for too."""
    level = row["level"]
    if level is None or level != level:
        return str(row["driver"])
    return Text(NAMED_LEVEL, {"driver": str(row["driver"]), "level": str(level)})


def key_drivers(drivers: pd.DataFrame) -> Text:
    """What goes with the score more than any other driver, beyond what chance allows?"""
    if not len(drivers):
        return Text(N_("Nothing else is known of those who gave this score"))
    known = drivers[drivers["importance"].notna()]
    if not len(known):
        return Text(N_("Nothing can be said to go with this score"))
    top, rest = highest(known, "importance"), known[known["importance"] < known["importance"].max()]
    if len(known) > 1 and (not len(rest) or top["importance_low"] <= rest["importance_high"].max()):
        return _together(known, top)
    values = {"driver": driver_name(top)}
    if top["correlation"] != top["correlation"]:
        return Text(N_("{driver} goes with the score more than any other driver"), values)
    if top["correlation_low"] <= 0 <= top["correlation_high"]:
        return Text(N_("No driver goes with the score by more than chance allows"))
    if top["correlation"] < 0:
        return Text(N_("{driver} goes with lower scores, more than any other driver"), values)
    return Text(N_("{driver} goes with higher scores, more than any other driver"), values)


def _together(known: pd.DataFrame, top: Any) -> Text:
    """No driver stands out: how much goes with all of them?"""
    explained, several = float(top["r_squared"]), len(known)
    one, many = NP_(
        "{explained_share} of the spread of the score goes with the driver",
        "{explained_share} of the spread of the score goes with {drivers} drivers; none stands out",
    )
    return counted(one, many, several, explained_share=explained, drivers=several)


def priorities(drivers: pd.DataFrame) -> Text:
    """What is important and stands below the mean of all?"""
    first = drivers[drivers["quadrant"] == FIX_FIRST]
    if not drivers["quadrant"].notna().any():
        return Text(N_("No driver has a scale on which it could be called good or bad"))
    if not len(first):
        return Text(N_("What matters most for the score stands above the rest"))
    top = highest(first, "importance")
    return Text(N_("{driver} matters and stands {performance_share} of the way to its best answer"),
                {"driver": driver_name(top), "performance_share": float(top["performance_share"])})  # fmt: skip


UP, DOWN = N_("{score} is higher in {first} than in {second}"), N_("{score} is lower in {first} than in {second}")
SCORES = {
    "nps": N_("NPS"),
    "csat": N_("The share of satisfied answers"),
    "ces": N_("The effort score"),
    "easy": N_("The share who found it easy"),
    "rating": N_("The rating"),
}


def difference(differences: pd.DataFrame) -> Text:
    """Do the scores of two groups differ by more than chance allows? Of several rows, the first."""
    row = differences.iloc[0] if len(differences) else None
    if (
        row is None
        or min(int(row["n_a"]), int(row["n_b"])) < MIN_SCORES
        or row["difference_low"] != row["difference_low"]
    ):
        return Text(N_("Too few answers per group to compare them"))
    if row["difference_low"] <= 0 <= row["difference_high"]:
        return Text(N_("The two groups differ by no more than chance allows"))
    names = {"score": Text(SCORES[str(row["score"])]), "first": str(row["group_a"]), "second": str(row["group_b"])}
    return Text(UP if row["difference"] > 0 else DOWN, names)


def ratings(rated: pd.DataFrame, column: str) -> Text:
    """What is rated best, and what worst, beyond what chance allows? By the share of the two best answers, which needs no common
    scale."""
    known = rated[(rated["responses"] >= MIN_SCORES) & rated[column].notna()]
    if len(known) < 2:
        return Text(N_("Too few answers per group to compare them"))
    best, worst = highest(known, "top_two_share"), lowest(known, "top_two_share")
    if best["top_two_share_low"] <= worst["top_two_share_high"]:
        return Text(N_("No group differs from another by more than chance allows"))
    return Text(N_("{best_share} give one of the two best answers to {best}, {worst_share} give one to {worst}"), {
        "best_share": float(best["top_two_share"]), "best": str(best[column]),
        "worst_share": float(worst["top_two_share"]), "worst": str(worst[column]),
    })  # fmt: skip


def rated(row: Any) -> Text:
    """How is a single question rated, and on which scale?"""
    if int(row["responses"]) < MIN_SCORES or row["mean_score"] != row["mean_score"]:
        return Text(N_("Too few answers to say how “{question}” is rated"), {"question": str(row["question"])})
    return Text(N_("“{question}” is rated {mean} on average, on a scale from {low} to {high}"), {
        "question": str(row["question"]), "mean": round(float(row["mean_score"]), 1), "low": int(row["scale_low"]),
        "high": int(row["scale_high"]),
    })  # fmt: skip


def distribution(answers: pd.DataFrame) -> Text:
    """Which answer do most give? `answers`: of one question."""
    if not len(answers) or int(answers["all_responses"].iloc[0]) < MIN_SCORES:
        return Text(N_("Too few answers to say which one most people give"))
    top = highest(answers, "responses")
    answer = float(top["score"])
    answer = int(answer) if answer == int(answer) else answer
    return Text(N_("The answer given most often is {answer}, by {most_share}"),
                {"answer": answer, "most_share": float(top["share"])})  # fmt: skip
