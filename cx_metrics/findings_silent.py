"""Findings about who answers and who stays silent: what the score would be, and who is missing among the answers.

As in `findings`: chosen by rule from finished frames, every number in them is on the page, none claims a cause.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from cx_metrics.findings import MIN_SHARE, counted
from cx_metrics.groups import OTHER
from cx_metrics.texts import N_, NP_, Text

NOTICED = 0.1  # standard deviations from which on two groups count as unlike (Austin 2009)

REFUSED = {  # why there is no adjusted score
    "few_answers": N_("Fewer than 100 customers answered: too few to speak for the silent"),
    "few_silent": N_("Fewer than 30 customers stayed silent: too few to change the score"),
    "nothing_known": N_("Too little is known of the silent: add attributes of customers"),
    "out_of_reach": N_("Nobody like the silent answered: what they would say cannot be known"),
    "separable": N_("Those who answered differ too much from the silent to say what the silent would answer"),
    "few_effective": N_("Too few of those who answered are like the silent to speak for them"),
    "several_scales": N_("The answers are on several scales, so they have no mean"),
}
ALIKE = {  # beside the score of those who answered, within chance
    "nps": N_("Weighted for the silent, NPS hardly changes: {adjusted} instead of {raw}"),
    "score": N_("Weighted for the silent, the mean hardly changes: {adjusted} instead of {raw}"),
}
APART = {
    "nps": N_("If the silent felt like similar customers, NPS would be {adjusted}, not {raw}"),
    "score": N_("If the silent felt like similar customers, the mean would be {adjusted}, not {raw}"),
}
MET = {"channel": N_("contact on {value}"), "touchpoint": N_("contact with {value}")}
UNKNOWN_COLUMNS = {  # what customers did, as a sentence names it; attributes go by their own name
    "contacts": N_("number of contacts"),
    "touchpoints_met": N_("number of different touchpoints"),
    "converted": N_("reached the goal"),
    "last_stage": N_("last stage"),
}


def refused(row: Any) -> Text | None:
    """Why a row has no adjusted score; None where it has one."""
    return Text(REFUSED[row["refusal"]]) if row["refusal"] else None


def silent_majority(frame: pd.DataFrame) -> Text:
    """What the score would be with the silent. `frame`: one row of `adjusted_nps` or `adjusted_score`."""
    if frame.empty or not int(frame.iloc[0]["customers"]):
        return Text(N_("There is nobody to ask: no customer has a touchpoint"))
    row = frame.iloc[0]
    name = "nps" if "raw_nps" in frame else "score"
    why = refused(row)
    if why is not None:
        return why
    raw, adjusted = float(row[f"raw_{name}"]), float(row[f"adjusted_{name}"])
    shown: dict[str, object]
    shown = {"raw": round(raw), "adjusted": round(adjusted)} if name == "nps" else {"raw": raw, "adjusted": adjusted}
    return Text((APART if row["flagged"] else ALIKE)[name], shown)


def trait(column: object, value: object) -> Text:
    """One thing that is known of customers, in words: a column and its value."""
    if str(column) in MET:
        return Text(MET[str(column)], {"value": str(value)})
    what = Text(UNKNOWN_COLUMNS[str(column)]) if str(column) in UNKNOWN_COLUMNS else str(column)
    if column == "converted" and value == "yes":
        return Text("{column}", {"column": what})
    return Text(
        N_("{column}: {value}"), {"column": what, "value": "–" if value is None or value != value else str(value)}
    )


def who_is_missing(frame: pd.DataFrame) -> Text:
    """The value that sets those who answered apart most. `frame`: rows of `answer_bias`."""
    known = frame[
        frame["flagged"] & frame["value"].notna() & (frame["value"] != OTHER) & (frame["standardised"].abs() >= NOTICED)
    ]
    if frame.empty or not int(frame["answered"].iloc[0]) or not int(frame["silent"].iloc[0]):
        return Text(N_("There are not both customers who answered and customers who did not"))
    if known.empty:
        return Text(N_("Those who answered are like the silent in all that is known of both"))
    row = known.iloc[int(known["standardised"].abs().to_numpy().argmax())]
    shown = {
        "trait": trait(row["column"], row["value"]), "a_share": float(row["share_of_answered"]),
        "b_share": float(row["share_of_silent"]),
    }  # fmt: skip
    return Text(N_("{trait} – {a_share} of those who answered, {b_share} of the silent"), shown)


def response_rate(frame: pd.DataFrame) -> Text:
    """How many of those who were asked answered. `frame`: one row of `response_rate`."""
    row = frame.iloc[0]
    invited, completes = int(row["invited"]), int(row["completes"])
    if invited < MIN_SHARE:
        few = NP_(
            "{invited} invitation is too few for a response rate",
            "{invited} invitations are too few for a response rate",
        )
        return counted(*few, invited, invited=invited)
    said = NP_(
        "{response_share} of {invited} invitation was answered; of those begun, {finished_share} were finished",
        "{response_share} of {invited} invitations were answered; of those begun, {finished_share} were finished",
    )
    if not completes:
        none = NP_("The invitation was not answered", "None of {invited} invitations was answered")
        return counted(*none, invited, invited=invited)
    return counted(
        *said,
        invited,
        invited=invited,
        response_share=float(row["response_rate"]),
        finished_share=float(row["completion_rate"]),
    )
