"""Findings: the sentence a page opens with, chosen by rule from finished frames. Every number in it is on the page.

Each function answers with a Text (translated later) that states subject, verb and number; none claims a cause. Where
nothing stands out, or too few are counted, it says so.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd

from cx_metrics.channels import NONE
from cx_metrics.groups import OTHER
from cx_metrics.texts import N_, NP_, Text

MIN_SCORES = 30  # answers below which a score is not put in a title
MIN_SHARE = 10  # customers below which a share is not


def counted(one: str, many: str, count: int, **values: Any) -> Text:
    """A sentence that counts."""
    return Text(one, values, many, count)


def highest(frame: pd.DataFrame, column: str) -> Any:
    """The row with the highest value; the first of several."""
    at: Any = frame[column].idxmax()
    return frame.loc[at]


def lowest(frame: pd.DataFrame, column: str) -> Any:
    """The row with the lowest value; the first of several."""
    at: Any = frame[column].idxmin()
    return frame.loc[at]


def stands_out(now: Any, before: Any, measure: str) -> bool:
    """Did a measure change by more than chance allows? Yes if the two intervals have nothing in common (a strict test)."""
    bounds = [row.get(f"{measure}_{end}") for row in (now, before) for end in ("low", "high")]
    if any(b is None or b != b for b in bounds):
        return False
    return bool(bounds[0] > bounds[3] or bounds[1] < bounds[2])


def change(now: Any, before: pd.DataFrame | None, measure: str) -> float | None:
    """How far did a measure move since the period before? None where one of the two is not known."""
    if before is None or not len(before):
        return None
    then, current = before.iloc[0].get(measure), now.get(measure)
    if then is None or current is None or then != then or current != current:
        return None
    return float(current) - float(then)


def growth(now: int, before: int) -> float | None:
    """By which share did a count grow? None where there was nothing before."""
    return (now - before) / before if before else None


def overview(
    nps: pd.DataFrame | None, conversion: pd.DataFrame | None, csat: pd.DataFrame | None, customers: int,
    ces: pd.DataFrame | None = None, answers: int = 0,
) -> Text:  # fmt: skip
    """The state of the experience in one sentence: conversion and score, whichever there are; else how many are counted."""
    converted = None if conversion is None or not len(conversion) else conversion.iloc[0]
    scored, satisfied, tried = (_scored(frame) for frame in (nps, csat, ces))
    if converted is not None and converted["customers"] >= MIN_SHARE:
        rate = float(converted["conversion_rate"])
        if scored is not None:
            return Text(N_("{conversion_share} of customers reach the goal, and NPS stands at {nps}"),
                        {"conversion_share": rate, "nps": round(float(scored["nps"]))})  # fmt: skip
        if satisfied is not None:
            return Text(N_("{conversion_share} of customers reach the goal, and {satisfied_share} of answers are satisfied"),
                        {"conversion_share": rate, "satisfied_share": float(satisfied["csat"])})  # fmt: skip
        return Text(N_("{conversion_share} of customers reach the goal"), {"conversion_share": rate})
    if scored is not None:
        return Text(N_("NPS stands at {nps}"), {"nps": round(float(scored["nps"]))})
    if satisfied is not None:
        return Text(N_("{satisfied_share} of answers are satisfied"), {"satisfied_share": float(satisfied["csat"])})
    if tried is not None:
        return effort(tried)
    if not customers:
        return counted_answers(answers)
    if not answers:
        one, many = NP_(
            "{customers} customer, and no answers to surveys", "{customers} customers, and no answers to surveys"
        )
        return counted(one, many, customers, customers=customers)
    one, many = NP_(
        "{customers} customer, and too few answers for a score",
        "{customers} customers, and too few answers for a score",
    )
    return counted(one, many, customers, customers=customers)


def _scored(frame: pd.DataFrame | None) -> Any:
    """The one row of a score, if it rests on enough answers to stand in a title."""
    enough = frame is not None and len(frame) and frame.iloc[0]["responses"] >= MIN_SCORES
    return frame.iloc[0] if frame is not None and enough else None


def effort(row: Any) -> Text:
    """How hard was it, on which scale, and which end of it is the easy one?"""
    values = {"ces": float(row["ces"]), "low": _plain(row["scale_low"]), "high": _plain(row["scale_high"])}
    if bool(row["higher_is_better"]):
        return Text(N_("Ease is rated {ces} on average, on a scale from {low} to {high}"), values)
    return Text(N_("Effort is rated {ces} on average, on a scale from {low} to {high}"), values)


def _plain(end: Any) -> int | float:
    return int(end) if float(end) == int(end) else float(end)


def counted_answers(answers: int) -> Text:
    """How many answers there are, where they carry no score to speak of."""
    if not answers:
        return Text(N_("No valid answers in this view"))
    one, many = NP_("Customers gave {answers} answer", "Customers gave {answers} answers")
    return counted(one, many, answers, answers=answers)


def easy(frame: pd.DataFrame) -> Text:
    """How many found it easy?"""
    row = _scored(frame)
    if row is None:
        return Text(N_("Too few answers for a score"))
    return Text(N_("{easy_share} of answers say it was easy"), {"easy_share": float(row["easy_share"])})


def score(frame: pd.DataFrame, measure: str, answers: int) -> Text:
    """One score in one sentence; where too few gave it, how many answers there are of any kind."""
    row = _scored(frame)
    if row is None:
        return counted_answers(answers)
    if measure == "nps":
        return nps_split(frame)
    if measure == "csat":
        return Text(N_("{satisfied_share} of answers are satisfied"), {"satisfied_share": float(row["csat"])})
    return effort(row)


def stages(engagement: pd.DataFrame) -> Text:
    """Which stage do fewest people go on from? From the last that anybody reaches nobody can: it is named, not blamed."""
    known = engagement[engagement["next_stage_rate"].notna() & (engagement["customers"] >= MIN_SHARE)]
    if not len(known):
        return Text(N_("Too few customers to compare the stages"))
    reached = engagement[engagement["stage"].notna()].iloc[-1]
    before = known[known["stage"] != reached["stage"]]
    if reached["next_stage_rate"] == 0 and len(before):
        worst = lowest(before, "next_stage_rate")
        return Text(N_("{rate_share} of those who reach {stage} go on, the lowest share before {last}, the last stage reached"), {
            "rate_share": float(worst["next_stage_rate"]), "stage": stage(worst["stage"]), "last": stage(reached["stage"]),
        })  # fmt: skip
    worst = lowest(known, "next_stage_rate")
    return Text(N_("{rate_share} of those who reach {stage} go on, the lowest share of all stages"),
                {"rate_share": float(worst["next_stage_rate"]), "stage": stage(worst["stage"])})  # fmt: skip


def stages_by(engagement: pd.DataFrame, column: str, name: str) -> Text:
    """Which group goes on least from a stage, below the best group there by more than chance allows?"""
    known = engagement[engagement["next_stage_rate"].notna() & (engagement["customers"] >= MIN_SHARE)]
    known = known[known[column].notna()]
    if engagement[column].nunique() == 1:
        return Text(N_("Only one group is in this view"))
    compared, widest = False, 0.0
    found: tuple[Any, Any] | None = None
    for _stage, rows in known.groupby("stage", sort=False):
        best, worst = highest(rows, "next_stage_rate"), lowest(rows, "next_stage_rate")
        compared = compared or len(rows) > 1
        gap = float(best["next_stage_rate"] - worst["next_stage_rate"])
        if worst["next_stage_rate_high"] < best["next_stage_rate_low"] and gap > widest:
            found, widest = (worst, best), gap
    if not compared:
        return Text(N_("Too few customers to compare the groups"))
    if found is None:
        return Text(N_("No group goes on less often than another by more than chance allows"))
    worst, best = found
    return Text(N_("From {stage}, {rate_share} of {group} go on, against {best_share} of {best}"), {
        "stage": str(worst[name]), "group": str(worst[column]), "rate_share": float(worst["next_stage_rate"]),
        "best": str(best[column]), "best_share": float(best["next_stage_rate"]),
    })  # fmt: skip


def flow(links: pd.DataFrame) -> Text:
    """Where do most journeys start, and how many stop after one touchpoint?"""
    first = links[links["step"] == 1]
    total = int(first["journeys"].sum())
    if total < MIN_SHARE:
        return Text(N_("Too few journeys to see a pattern"))
    starts = first[first["source"] != OTHER].groupby("source")["journeys"].sum()
    stops = int(first.loc[first["kind"] == "drop_off", "journeys"].sum())
    if not len(starts):
        return Text(N_("{stop_share} of journeys stop at the first touchpoint"), {"stop_share": stops / total})
    top = max(starts.items(), key=lambda item: (item[1], str(item[0])))
    return Text(N_("{start_share} of journeys start with {touchpoint}; {stop_share} of all stop at the first touchpoint"),
                {"start_share": top[1] / total, "touchpoint": str(top[0]), "stop_share": stops / total})  # fmt: skip


def busiest_move(links: pd.DataFrame, numbered: bool = True) -> Text:
    """Which move from one step to the next do most journeys make? `numbered`: steps are counted from the first one on."""
    moves = links[(links["kind"] == "move") & (links["source"] != OTHER) & (links["target"] != OTHER)]
    if not len(moves):
        return Text(N_("No two touchpoints follow each other"))
    top = moves.sort_values(["journeys", "source", "target"], ascending=[False, True, True]).iloc[0]
    n, step = int(top["journeys"]), int(top["step"])
    names: dict[str, Any] = {"source": str(top["source"]), "target": str(top["target"]), "journeys": n}
    if not numbered:
        one, many = NP_(
            "The busiest move, from {source} to {target}, is made by {journeys} journey",
            "The busiest move, from {source} to {target}, is made by {journeys} journeys",
        )
        return counted(one, many, n, **names)
    one, many = NP_(
        "The busiest move between steps {step} and {next}, from {source} to {target}, is made by {journeys} journey",
        "The busiest move between steps {step} and {next}, from {source} to {target}, is made by {journeys} journeys",
    )
    return counted(one, many, n, step=step, next=step + 1, **names)


def paths(variants: pd.DataFrame) -> Text:
    """How much do the most frequent paths cover?"""
    if not len(variants):
        return Text(N_("No paths in this view"))
    shown = len(variants)
    covered = float(variants["journeys"].sum() / variants["all_journeys"].iloc[0])
    one, many = NP_(
        "The most frequent path covers {covered_share} of journeys",
        "The {shown} most frequent paths cover {covered_share} of journeys",
    )
    return counted(one, many, shown, shown=shown, covered_share=covered)


def drop_off(funnel: pd.DataFrame) -> Text:
    """Between which two steps are most people lost?"""
    if not len(funnel) or int(funnel["customers"].iloc[0]) == 0:
        return Text(N_("No customer reached the first step"))
    later = funnel.iloc[1:]
    worst = highest(later, "drop_off")
    from_step = before(funnel, int(worst["step"]))
    if int(worst["drop_off"]) == 0:
        return Text(N_("Nobody is lost between the steps"))
    lost = int(worst["drop_off"]) / int(worst["previous"])
    return Text(N_("{lost_share} are lost between {before} and {after}, more customers than at any other step"),
                {"lost_share": lost, "before": str(from_step["touchpoint"]), "after": str(worst["touchpoint"])})  # fmt: skip


def before(funnel: pd.DataFrame, step: int) -> Any:
    """The row of the step that a step is compared with: the last one before it that is not optional."""
    row: Any = funnel[funnel["step"] == step].iloc[0]
    earlier = funnel[(funnel["step"] < step) & (funnel["customers"] == row["previous"])]
    return earlier.iloc[-1] if len(earlier) else row


def went(frame: pd.DataFrame) -> Text:
    """Where did most of those who were lost before a step go?"""
    top = frame.sort_values("customers", ascending=False, kind="stable").iloc[0]
    share = float(top["share"])
    if pd.isna(top["next_touchpoint"]):
        return Text(N_("For {lost_share} of those lost before {touchpoint}, nothing came after"),
                    {"lost_share": share, "touchpoint": str(top["touchpoint"])})  # fmt: skip
    named = frame[frame["next_touchpoint"].notna() & (frame["next_touchpoint"] != OTHER)]
    if not len(named):
        return Text(N_("Those lost before {touchpoint} went many ways"), {"touchpoint": str(top["touchpoint"])})
    best = highest(named, "customers")
    if best["next_touchpoint"] in str(best["touchpoint"]).split(" | "):
        return Text(N_("{rate_share} of those lost before {touchpoint} came there too late for this funnel"),
                    {"rate_share": float(best["share"]), "touchpoint": str(best["touchpoint"])})  # fmt: skip
    return Text(N_("{rate_share} of those lost before {touchpoint} went to {next_touchpoint} next"), {
        "rate_share": float(best["share"]), "touchpoint": str(best["touchpoint"]), "next_touchpoint": str(best["next_touchpoint"]),
    })  # fmt: skip


def moved(frame: pd.DataFrame) -> Text:
    """Between which two periods did the conversion rate move most, by more than chance allows?"""
    known = frame[(frame["entrants"] >= MIN_SHARE) & (frame["not_over"] == 0)]
    if len(known) < 2:
        return Text(N_("Too few periods that are over to see a trend"))
    best, worst = highest(known, "conversion_rate"), lowest(known, "conversion_rate")
    if best["conversion_rate_low"] <= worst["conversion_rate_high"]:
        return Text(N_("The conversion rate moved no more than chance allows"))
    words = N_(
        "Conversion was highest in the period of {best}, {best_share}, and lowest in that of {worst}, {worst_share}"
    )
    return Text(words, {
        "best": best["period"], "worst": worst["period"],
        "best_share": float(best["conversion_rate"]), "worst_share": float(worst["conversion_rate"]),
    })  # fmt: skip


def completed(funnel: pd.DataFrame) -> Text:
    """How many of the entrants complete the funnel?"""
    if not len(funnel) or int(funnel["customers"].iloc[0]) == 0:
        return Text(N_("No customer reached the first step"))
    last = funnel.iloc[-1]
    one, many = NP_(
        "{customers} of {entrants} entrant reaches {last}",
        "{customers} of {entrants} entrants reach {last}",
    )
    n = int(last["entrants"])
    return counted(one, many, n, customers=int(last["customers"]), entrants=n, last=str(last["touchpoint"]))


def touchpoints(engagement: pd.DataFrame) -> Text:
    """Which touchpoint reaches most, and which loses most on the first visit?"""
    known = engagement[engagement["population"] >= MIN_SHARE]
    if not len(known):
        return Text(N_("Too few customers to compare the touchpoints"))
    top = known.sort_values(["customers", "touchpoint"], ascending=[False, True]).iloc[0]
    return Text(N_("{touchpoint} reaches {reach_share} of customers, more than any other touchpoint"),
                {"touchpoint": str(top["touchpoint"]), "reach_share": float(top["reach"])})  # fmt: skip


def frequency(engagement: pd.DataFrame) -> Text:
    """Which touchpoint do those who meet it meet most often?"""
    known = engagement[engagement["customers"] >= MIN_SHARE]
    if len(known) < 2:
        return Text(N_("Too few customers to compare the touchpoints"))
    top = highest(known, "frequency")
    return Text(N_("{touchpoint} is met most often: {frequency} contacts per customer reached"),
                {"touchpoint": str(top["touchpoint"]), "frequency": round(float(top["frequency"]), 1)})  # fmt: skip


def bounce(engagement: pd.DataFrame) -> Text:
    """At which touchpoint do most sessions end as soon as they started?"""
    known = engagement[engagement["entry_sessions"] >= MIN_SCORES]
    if not len(known):
        return Text(N_("Too few sessions to compare where they end"))
    worst = highest(known, "bounced_sessions")
    return Text(N_("{bounce_share} of sessions that start at {touchpoint} have no second touchpoint"),
                {"bounce_share": float(worst["bounce_rate"]), "touchpoint": str(worst["touchpoint"])})  # fmt: skip


def channels(performance: pd.DataFrame) -> Text:
    """Which channel converts best, and which worst, beyond what chance allows?"""
    known = performance[(performance["customers"] >= MIN_SCORES) & performance["channel"].notna()]
    known = known[known["conversion_rate"].notna()]
    named = performance["channel"][performance["channel"].notna() & (performance["channel"] != NONE)].unique()
    if len(named) == 1:
        return Text(N_("{channel} is the only channel that is known"), {"channel": str(named[0])})
    if len(known) < 2:
        return Text(N_("Too few customers per channel to compare them"))
    best, worst = highest(known, "conversion_rate"), lowest(known, "conversion_rate")
    if best["conversion_rate_low"] <= worst["conversion_rate_high"]:
        return Text(N_("No channel converts better than another by more than chance allows"))
    return Text(N_("{best_share} of customers on {best} reach the goal, {worst_share} of those on {worst}"), {
        "best_share": float(best["conversion_rate"]), "best": str(best["channel"]),
        "worst_share": float(worst["conversion_rate"]), "worst": str(worst["channel"]),
    })  # fmt: skip


def credits(performance: pd.DataFrame) -> Text:
    """Which channel opens more paths than it closes?"""
    both = performance[performance["channel"].notna() & (performance["channel"] != NONE)]
    moved = both.assign(gap=both["last_touch_conversions"] - both["first_touch_conversions"])
    if not len(moved) or int(moved["gap"].abs().max()) == 0:
        return Text(N_("Every conversion is credited once by first and once by last touch"))
    top = lowest(moved, "gap")
    return Text(N_("{channel} opens {first} paths and closes {last}"), {
        "channel": str(top["channel"]), "first": int(top["first_touch_conversions"]),
        "last": int(top["last_touch_conversions"]),
    })  # fmt: skip


def spend(performance: pd.DataFrame) -> Text:
    """What does it cost to open a path that converts, on the cheapest and the dearest paid channel?"""
    paid = performance[
        performance["cost_per_first_touch"].notna() & (performance["first_touch_conversions"] >= MIN_SHARE)
    ]
    if not len(paid):
        return Text(N_("No spend is known for these channels"))
    least, most = lowest(paid, "cost_per_first_touch"), highest(paid, "cost_per_first_touch")
    if least["channel"] == most["channel"]:
        return Text(N_("A first-touch conversion on {channel} costs {cost}"),
                    {"channel": str(least["channel"]), "cost": round(float(least["cost_per_first_touch"]), 1)})  # fmt: skip
    return Text(N_("A first-touch conversion costs {least_cost} on {least} and {most_cost} on {most}"), {
        "least_cost": round(float(least["cost_per_first_touch"]), 1), "least": str(least["channel"]),
        "most_cost": round(float(most["cost_per_first_touch"]), 1), "most": str(most["channel"]),
    })  # fmt: skip


def score_by(scores: pd.DataFrame, column: str, measure: str) -> Text:
    """In which group is the score lowest, beyond what chance allows?"""
    known = scores[(scores["responses"] >= MIN_SCORES) & scores[column].notna() & scores[measure].notna()]
    if len(known) < 2:
        return Text(N_("Too few answers per group to compare them"))
    worst, best = lowest(known, measure), highest(known, measure)
    if best[f"{measure}_low"] <= worst[f"{measure}_high"]:
        above, below = highest(known, f"{measure}_low"), lowest(known, f"{measure}_high")
        if above[f"{measure}_low"] <= below[f"{measure}_high"]:
            return Text(N_("No group differs from another by more than chance allows"))
        groups = {"worst": str(below[column]), "best": str(above[column])}
        return Text(N_("{worst} and {best} differ by more than chance allows"), groups)
    at, during = _ENDS_OF[measure if measure in ("nps", "ces") else "csat"]
    ends: dict[str, str | float] = {"worst": str(worst[column]), "best": str(best[column])}
    for name, row in (("worst", worst), ("best", best)):
        value = float(row[measure])
        ends[f"{name}_score"] = round(value) if measure == "nps" else round(value, 1)
        ends[f"{name}_share"] = value
    return Text(during if column == "wave" else at, ends)


_ENDS_OF = {  # of touchpoints and other groups, and of survey rounds
    "nps": (
        N_("NPS is lowest at {worst}, {worst_score}, and highest at {best}, {best_score}"),
        N_("NPS was lowest in {worst}, {worst_score}, and highest in {best}, {best_score}"),
    ),
    "ces": (
        N_("The effort score is lowest at {worst}, {worst_score}, and highest at {best}, {best_score}"),
        N_("The effort score was lowest in {worst}, {worst_score}, and highest in {best}, {best_score}"),
    ),
    "csat": (
        N_("{worst_share} are satisfied with {worst}, {best_share} with {best}"),
        N_("{worst_share} were satisfied in {worst}, {best_share} in {best}"),
    ),
}


def score_of_pair(scores: pd.DataFrame, first: str, second: str, measure: str) -> Text:
    """In which cell of two groups with enough answers is the score lowest?"""
    known = scores[(scores["responses"] >= MIN_SCORES) & scores[first].notna() & scores[second].notna()]
    if len(known) < 2:
        return Text(N_("Too few answers per cell to compare them"))
    worst = lowest(known, measure)
    return Text(
        N_("The lowest score is that of {second} at {first}"),
        {"first": str(worst[first]), "second": str(worst[second])},
    )


def nps_split(nps: pd.DataFrame) -> Text:
    """How many warn others, for each who recommends?"""
    if not len(nps) or int(nps["responses"].iloc[0]) == 0:
        return Text(N_("No answers to the recommendation question"))
    row = nps.iloc[0]
    n = int(row["responses"])
    return Text(N_("{promoters_share} recommend us and {detractors_share} would not"),
                {"promoters_share": int(row["promoters"]) / n, "detractors_share": int(row["detractors"]) / n})  # fmt: skip


def trend(frame: pd.DataFrame, measure: str, name: Text, when: str = "month") -> Text:
    """Between which two periods did a score move most, by more than chance allows?"""
    known = frame[frame["responses"] >= MIN_SCORES]
    if len(known) < 2:
        return Text(N_("Too few periods with enough answers for a trend"))
    best, worst = highest(known, measure), lowest(known, measure)
    if best[f"{measure}_low"] <= worst[f"{measure}_high"]:
        return Text(N_("{measure} moved no more than chance allows"), {"measure": name})
    values = {"measure": name, "best": Month(best[when]), "worst": Month(worst[when])}
    if measure == "csat":
        scores = {"best_share": float(best[measure]), "worst_share": float(worst[measure])}
        return Text(
            N_("{measure} was highest in {best}, {best_share}, and lowest in {worst}, {worst_share}"), values | scores
        )
    places = 1 if measure in ("ces", "mean_score") else None
    rounded = {"best_score": round(float(best[measure]), places), "worst_score": round(float(worst[measure]), places)}
    return Text(
        N_("{measure} was highest in {best}, {best_score}, and lowest in {worst}, {worst_score}"), values | rounded
    )


class Month(date):
    """The first day of a month, shown as the month and its year."""

    def __new__(cls, day: date) -> Month:
        return super().__new__(cls, day.year, day.month, 1)

    def __str__(self) -> str:
        return f"{self:%b %Y}"


STAGE_NAMES = {
    "awareness": N_("Awareness"),
    "consideration": N_("Consideration"),
    "decision": N_("Decision"),
    "action": N_("Action"),
    "loyalty": N_("Loyalty"),
}
UNMAPPED = N_("unmapped")
NOT_KNOWN = N_("not known")


def stage(name: object) -> Text | str:
    """The name of a stage: translated if it is one of ours, as it is if the dataset has its own."""
    if name is None or name != name:
        return Text(UNMAPPED)
    return Text(STAGE_NAMES[str(name)]) if str(name) in STAGE_NAMES else str(name)
