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
    "few_answers": N_("Fewer than 100 customers answered: too few to say what the silent would have said"),
    "few_silent": N_("Fewer than 30 customers stayed silent: what they would have said hardly matters"),
    "nothing_known": N_(
        "Nothing is known of the silent that enough of those who answered have too: add attributes of customers"
    ),
    "out_of_reach": N_("Nobody like those who stayed silent answered: what they would have said cannot be known"),
    "separable": N_(
        "What is known of customers tells for certain who answers: nobody who answered can stand for the silent"
    ),
    "few_effective": N_(
        "Too few of those who answered are like the silent: the score would rest on a handful of answers"
    ),
    "several_scales": N_("The answers are on several scales, so they have no mean"),
}
UNKNOWN_COLUMNS = {  # what customers did, as a sentence names it; attributes go by their own name
    "contacts": N_("number of contacts"),
    "touchpoints_met": N_("number of different touchpoints"),
    "converted": N_("reached the goal"),
    "last_stage": N_("last stage"),
    "channel": N_("met the channel"),
    "touchpoint": N_("met the touchpoint"),
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
    shown: dict[str, object] = {"answered_share": float(row["answer_rate"])}
    shown |= {"raw": round(raw), "adjusted": round(adjusted)} if name == "nps" else {"raw": raw, "adjusted": adjusted}
    if not row["flagged"]:
        within = {
            "nps": N_(
                "{answered_share} of customers answered; those who did not are like them, as far as is "
                "known: NPS {raw} would be {adjusted} with them"
            ),
            "score": N_(
                "{answered_share} of customers answered; those who did not are like them, as far as is "
                "known: the mean {raw} would be {adjusted} with them"
            ),
        }  # fmt: skip
        return Text(within[name], shown)
    apart = {
        "nps": N_(
                "{answered_share} of customers answered; if the silent felt like similar customers who "
                "answered, NPS would be {adjusted} instead of {raw}"
            ),
        "score": N_(
                "{answered_share} of customers answered; if the silent felt like similar customers who "
                "answered, the mean would be {adjusted} instead of {raw}"
            ),
    }  # fmt: skip
    return Text(apart[name], shown)


def trait(column: object, value: object) -> Text:
    """One thing that is known of customers, in words: a column and its value."""
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
    column = str(row["column"])
    what = Text(UNKNOWN_COLUMNS[column]) if column in UNKNOWN_COLUMNS else column
    shown = {
        "column": what, "value": str(row["value"]), "a_share": float(row["share_of_answered"]),
        "b_share": float(row["share_of_silent"]),
    }  # fmt: skip
    return Text(N_("{column}, {value}: {a_share} of those who answered, {b_share} of the silent"), shown)


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
