"""Findings about engagement: who is reached, how contacts go with conversion, how often people come back.

As in `findings`: chosen by rule from finished frames, every number in them is on the page, none claims a cause.
"""

from __future__ import annotations

import pandas as pd

from cx_metrics.findings import MIN_SCORES, MIN_SHARE, Month, counted, highest, lowest
from cx_metrics.texts import N_, NP_, Text


def groups(engagement: pd.DataFrame, column: str) -> Text:
    """Which group reaches most customers? `column` holds the names of the groups."""
    known = engagement[engagement["population"] >= MIN_SHARE]
    known = known[known[column].notna()]
    if not len(known):
        return Text(N_("Too few customers to compare the groups"))
    top = known.sort_values(["customers", column], ascending=[False, True]).iloc[0]
    return Text(N_("{group} reaches {reach_share} of customers, more than any other group"),
                {"group": str(top[column]), "reach_share": float(top["reach"])})  # fmt: skip


def exposure(curves: pd.DataFrame) -> Text:
    """With which number of contacts does the conversion rate differ most from that without any, beyond what chance allows?"""
    found, widest, compared = None, 0.0, False
    for _name, points in curves.groupby("touchpoint", sort=False):
        none = points.iloc[0]
        met = points[(points["customers"] >= MIN_SCORES) & (points["contacts"] != "0")]
        if not len(met) or none["customers"] < MIN_SCORES:
            continue
        compared = True
        apart = (met["conversion_rate_low"] > none["conversion_rate_high"]) | (
            met["conversion_rate_high"] < none["conversion_rate_low"]
        )
        for _at, point in met[apart].iterrows():
            gap = abs(float(point["conversion_rate"] - none["conversion_rate"]))
            if gap > widest:
                found, widest = (point, none), gap
    if not compared:
        return Text(N_("Too few customers to compare by number of contacts"))
    if found is None:
        return Text(N_("Conversion differs by number of contacts no more than chance allows"))
    point, none = found
    one, many = NP_(
        "{met_share} reach the goal after one contact with {touchpoint}, {none_share} without",
        "{met_share} reach the goal after {contacts} contacts with {touchpoint}, {none_share} without",
    )
    number = int(str(point["contacts"]).removesuffix("+"))
    if str(point["contacts"]).endswith("+"):
        one, many = NP_(
            "{met_share} reach the goal after {contacts} or more contacts with {touchpoint}, {none_share} without",
            "{met_share} reach the goal after {contacts} or more contacts with {touchpoint}, {none_share} without",
        )
    return counted(one, many, number, met_share=float(point["conversion_rate"]), contacts=number,
                   touchpoint=str(point["touchpoint"]), none_share=float(none["conversion_rate"]))  # fmt: skip


def stickiness(months: pd.DataFrame) -> Text:
    """How much of a month's customers did a day of the last whole month see?"""
    whole = months[~months["is_partial"] & (months["customers"] >= MIN_SHARE)]
    if not len(whole):
        return Text(N_("No month with enough customers is covered in full"))
    last = whole.iloc[-1]
    return Text(N_("In {month}, an average day saw {stickiness_share} of the customers of the month"),
                {"month": Month(last["month"]), "stickiness_share": float(last["stickiness"])})  # fmt: skip


def active_days(days: pd.DataFrame) -> Text:
    """How many customers are there on one day only?"""
    if not len(days) or int(days["population"].iloc[0]) < MIN_SHARE:
        return Text(N_("Too few customers to compare their days"))
    return Text(
        N_("{once_share} of customers are active on one day only"), {"once_share": float(days["share"].iloc[0])}
    )


def measures(contacts: pd.DataFrame, group: str, name: str) -> Text:
    """Which group has the highest mean of the best known measure, beyond what chance allows? `group` and `name` are the
    columns with the names of group and measure."""
    known = contacts[contacts["known"] > 0]
    if not len(known):
        return Text(N_("No contact carries a number"))
    main = known.groupby("measure", sort=False)["known"].sum().idxmax()
    rows = contacts[contacts["measure"] == main]
    compared = rows[(rows["customers"] >= MIN_SCORES) & rows[group].notna() & rows["mean"].notna()]
    if len(compared) > 1:
        best, worst = highest(compared, "mean"), lowest(compared, "mean")
        if best["mean_low"] > worst["mean_high"]:
            return Text(N_("{measure} per contact is highest at {best}, {best_mean}, and lowest at {worst}, {worst_mean}"), {
                "measure": str(best[name]), "best": str(best[group]), "best_mean": round(float(best["mean"]), 1),
                "worst": str(worst[group]), "worst_mean": round(float(worst["mean"]), 1),
            })  # fmt: skip
    counts = {"known": int(rows["known"].sum()), "contacts": int(rows["contacts"].sum())}
    return Text(
        N_("{measure} is known for {known} of {contacts} contacts"), {"measure": str(rows[name].iloc[0])} | counts
    )
