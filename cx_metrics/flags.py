"""Flags: what a reader should know before believing the numbers. Each says the figures it rests on and its rule, in words.

The thresholds stand here alone; a flag is raised from finished frames, so the page shows the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Literal

import pandas as pd

from cx_metrics.texts import N_, NP_, Text
from cx_metrics.view import Facts, View
from cx_metrics.volume import WEEKS

Kind = Literal["stale", "behind", "missing", "fall", "few"]

STALE_DAYS = 14  # without a new row: two Mondays on which nothing came
WATCHED_DAYS = 7  # at the end of the range: what came in since last week
MANY_A_DAY = (
    10  # touchpoints on the average day of its weekday; chance leaves such a day empty less than once in 20,000
)
FEWEST_ANSWERS = 30  # below which a score is shown grey

RULES: Mapping[str, Text] = {
    "stale": Text(N_("Data count as old where their newest row is more than {n} days before today."), {"n": STALE_DAYS}),
    "behind": Text(
        N_("A file counts as late where its newest row is more than {n} days before that of the other."), {"n": STALE_DAYS}
    ),
    "missing": Text(
        N_("A day counts as missing where it has no touchpoint, though that weekday has {n} or more on average."),
        {"n": MANY_A_DAY},
    ),
    "fall": Text(
        N_("A day is called low where it lies under the lower control limit: mean of its weekday in the {weeks} weeks before, "
           "less three standard deviations (by the mean moving range). Looked at are the last {n} days; the last day of the data "
           "may not be whole."),
        {"weeks": WEEKS, "n": WATCHED_DAYS},
    ),
    "few": Text(N_("A score is flagged where fewer than {n} people answered."), {"n": FEWEST_ANSWERS}),
}  # fmt: skip


@dataclass(frozen=True)
class Flag:
    """One thing that calls for a look: what was found, and by which rule."""

    kind: Kind
    found: Text

    @property
    def rule(self) -> Text:
        """The rule and its threshold."""
        return RULES[self.kind]


def watched(view: View, facts: Facts) -> View | None:
    """The view of the days whose volume is asked for: its own, and the eight weeks before the last seven of them."""
    days = facts.days_of(view)
    if days is None or not facts.timed or view.range_rule == "journeys":
        return None
    first = min(days[0], days[1] - timedelta(days=7 * WEEKS + WATCHED_DAYS))
    return replace(view.alone(), first_day=first, last_day=days[1])


def raised(
    facts: Facts, view: View, volume: pd.DataFrame | None, scores: Mapping[str, tuple[Text, int]], today: date | None
) -> list[Flag]:
    """The flags of a view, in the order in which they matter. `volume`: of the days that `watched` says; `scores`: what each is
    called, and how many gave it; `today`: None where nobody waits for new data."""
    found = [*_old(facts, view, today), *_late(facts, view)]
    if volume is not None and len(volume):
        found += [*_missing(facts, view, volume), *_low(facts, volume)]
    for label, n in scores.values():
        if 0 < n < FEWEST_ANSWERS:
            one, many = NP_("{score} rests on {n} answer", "{score} rests on {n} answers")
            found.append(Flag("few", Text(one, {"score": label, "n": n}, many, n)))
    return found


def _ends(facts: Facts, view: View) -> dict[str, date]:
    """The newest day of touchpoints and of answers, where the view reaches to the end of the data."""
    known: dict[str, date] = {t: facts.ranges[t][1] for t in ("touchpoints", "surveys") if t in facts.ranges}
    newest = max(known.values(), default=None)
    return {} if newest is None or (view.last_day is not None and view.last_day < newest) else known


def _old(facts: Facts, view: View, today: date | None) -> list[Flag]:
    newest = max(_ends(facts, view).values(), default=None)
    if newest is None or today is None or (today - newest).days <= STALE_DAYS:
        return []
    n = (today - newest).days
    one, many = NP_(
        "The newest row is of {day}, {n} day before today", "The newest row is of {day}, {n} days before today"
    )
    return [Flag("stale", Text(one, {"day": newest, "n": n}, many, n))]


def _late(facts: Facts, view: View) -> list[Flag]:
    ends = _ends(facts, view)
    if len(ends) < 2 or abs(n := (ends["surveys"] - ends["touchpoints"]).days) <= STALE_DAYS:
        return []
    if n < 0:
        one, many = NP_(
            "Answers end on {day}, {n} day before touchpoints", "Answers end on {day}, {n} days before touchpoints"
        )
        return [Flag("behind", Text(one, {"day": ends["surveys"], "n": -n}, many, -n))]
    one, many = NP_(
        "Touchpoints end on {day}, {n} day before answers", "Touchpoints end on {day}, {n} days before answers"
    )
    return [Flag("behind", Text(one, {"day": ends["touchpoints"], "n": n}, many, n))]


def _missing(facts: Facts, view: View, volume: pd.DataFrame) -> list[Flag]:
    """Days of the view without a touchpoint, though their weekday has many."""
    days = facts.days_of(view)
    assert days is not None
    inside = volume[(volume["period"] >= days[0]) & (volume["period"] <= days[1])]
    weekday = pd.to_datetime(inside["period"]).dt.day_of_week
    usual = inside.groupby(weekday)["touchpoints"].transform("mean")
    lost = inside[(inside["touchpoints"] == 0) & (usual >= MANY_A_DAY)]
    if not len(lost):
        return []
    n, last = len(lost), lost["period"].iloc[-1]
    one, many = NP_("{n} of {all} days is missing: {last}", "{n} of {all} days are missing, the last one {last}")
    return [Flag("missing", Text(one, {"n": n, "all": len(inside), "last": last}, many, n))]


def _low(facts: Facts, volume: pd.DataFrame) -> list[Flag]:
    """The lowest of the last days that lie under their control limit; days without any are missing, not low."""
    whole = volume[volume["period"] < facts.ranges["touchpoints"][1]]
    low = whole.tail(WATCHED_DAYS)
    low = low[low["is_low"] & (low["touchpoints"] > 0)]
    if not len(low):
        return []
    at: Any = (low["touchpoints"] / low["usual"]).idxmin()
    worst: Any = low.loc[at]
    values = {"day": worst["period"], "touchpoints": int(worst["touchpoints"]), "limit": round(float(worst["usual_low"])),
              "usual": round(float(worst["usual"]))}  # fmt: skip
    one, many = NP_(
        "{touchpoints} touchpoint on {day}, under the limit of {limit}; usual is {usual}",
        "{touchpoints} touchpoints on {day}, under the limit of {limit}; usual is {usual}",
    )
    return [Flag("fall", Text(one, values, many, int(worst["touchpoints"])))]
