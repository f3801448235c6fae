"""What changed: every touchpoint, stage and channel, each of its numbers, now against the days before, by the evidence of a change.

    cx.movers(shop, View(first_day=date(2026, 9, 1), last_day=date(2026, 9, 28)), View(...)).frame

Every number of either period is a part of a whole (or a score of three groups of answers), so one test fits all numbers of a kind.
The whole family is tested together: with nothing changed, a list of movers is empty 19 times of 20.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from cx_metrics import intervals
from cx_metrics.asking import CONFIDENCE
from cx_metrics.datasets import Dataset
from cx_metrics.definition import define_both, with_privacy
from cx_metrics.engagement import EVERYWHERE
from cx_metrics.errors import DataProblem
from cx_metrics.protecting import said_of_both
from cx_metrics.registry import Measure, Metric
from cx_metrics.run import Result, run
from cx_metrics.small_groups import SUPPRESSED, Privacy
from cx_metrics.texts import N_
from cx_metrics.view import Facts, View

LEVEL = 0.05  # false discovery rate over the whole family: of all pages on which nothing changed, so many show a mover
FEWEST_ANSWERS = 30  # of either period, for a score
FEWEST_EXPECTED = (
    5  # cases that chance leads to in any cell of a share: below it the z test does not hold (Cochran 1954)
)
MOST_GROUPS = 8  # of customers: with more values, a column is no small set of personas
RECENT_DAYS = (28, 7)  # how long a period is where the reader chose none, whichever fits twice into the data
GROUPS = ("persona", "segment", "region")  # of customers; the first that the dataset has
ENDS = ("", "_low", "_high")
ALL = "all"  # the kind of rows about everybody

# What is counted of which metric: measure, its part, its whole; of NPS: its three groups.
SHARES: Mapping[str, tuple[tuple[str, str, str], ...]] = {
    "reach": (("reach", "customers", "population"), ("next_stage_rate", "went_on", "customers"),
              ("bounce_rate", "bounced_sessions", "entry_sessions")),
    "conversion": (("conversion_rate", "converted", "customers"),),
    "csat": (("csat", "satisfied", "responses"),),
    "ces": (("easy_share", "easy", "responses"),),
}  # fmt: skip
CLASSES = ("promoters", "passives", "detractors")
SCORES = ("nps", "csat", "ces")
LEAST = {"csat": FEWEST_ANSWERS, "easy_share": FEWEST_ANSWERS, "nps": FEWEST_ANSWERS}
BETTER = {"bounce_rate": False, "reach": None}  # whether more is better; where it is not said, it is

TITLES = {
    "reach": N_("Reach"),
    "next_stage_rate": N_("Next-stage rate"),
    "bounce_rate": N_("Bounce"),
    "conversion_rate": N_("Conversion rate"),
    "nps": N_("NPS"),
    "csat": N_("Satisfied (CSAT)"),
    "easy_share": N_("Found it easy (CES)"),
}


def recent(facts: Facts, view: View) -> tuple[View, View] | None:
    """The two periods that are compared: those of the view, or else the last 28 (or 7) days of it and as many before."""
    now, before = view.alone(), view.compared()
    if before is not None:
        return now, before.alone()
    days = facts.days_of(view) or facts.days_of(view, "surveys")
    if days is None or not facts.timed or view.range_rule == "journeys":
        return None
    first, last = days
    for length in RECENT_DAYS:
        since = last - timedelta(days=length - 1)
        if first <= since - timedelta(days=length):
            now = replace(now, first_day=since, last_day=last)
            return now, replace(now, first_day=since - timedelta(days=length), last_day=since - timedelta(days=1))
    return None


def movers(
    dataset: Dataset, now: View, before: View, *, confidence: float = CONFIDENCE, version: str = "",
    privacy: Privacy | None = None,
) -> Result:  # fmt: skip
    """Which touchpoint, stage or channel changed by more than chance allows?

    One row per number that can be tested, the strongest evidence first: kind (touchpoint, stage, channel, all, or the column of
    customers), name, measure; n_now, value_now, n_before, value_before; difference with its interval (shares: Newcombe; NPS:
    adjusted Wald), p_value, q_value and flagged (Benjamini-Hochberg over all rows, 5 %); higher_is_better.

    Counted of every touchpoint, stage and channel: reach, next-stage rate, bounce, NPS, CSAT, share that found it easy; of
    everybody, and by persona (or segment, or region) where there are up to 8: conversion and the scores. A number is tested
    where chance would lead to 5 cases or more in each of its four cells, and scores where 30 answered in either period: that
    depends on the size of the groups, not on the change. What two names share to the last customer is tested once.
    Sides are taken for independent: who is there in both periods makes the test stricter.
    """
    sides = [counted(dataset, view, privacy=privacy) for view in (now, before)]
    frame = ranked(sides[0], sides[1], confidence)
    definition = define_both(
        MOVERS, dataset.facts, (now, before), (), {}, confidence, version,
        flagged=f"Benjamini-Hochberg over all rows, q = {LEVEL:g}",
        tests={"shares": "z test, pooled variance", "nps": "z test on the adjusted scores"}, tested=len(frame),
        tested_where={"expected cases in each cell": FEWEST_EXPECTED, "answers in each period": FEWEST_ANSWERS},
    )  # fmt: skip
    if privacy is not None:
        said = [run("conversion" if dataset.facts.goal_of(v) else "nps", dataset, v, privacy=privacy).definition["privacy"]
                for v in (now, before)]  # fmt: skip
        definition = with_privacy(definition, said_of_both(said))
    return Result(MOVERS, frame, definition)


MOVERS = Metric(
    "movers", N_("What changed"), N_("differences of shares and scores"), N_("as each number says"),
    ("touchpoints",), "Benjamini & Hochberg (1995), JRSS B 57; Newcombe (1998), Statistics in Medicine 17; Rocks (2016)",
    {
        "n_now": Measure(N_("n now"), "count", meaning=N_("customers, sessions or answers of this period")),
        "value_now": Measure(N_("Now"), "ratio", n="n_now", meaning=N_("a share, or NPS in points")),
        "n_before": Measure(N_("n before"), "count", meaning=N_("customers, sessions or answers of the period before")),
        "value_before": Measure(N_("Before"), "ratio", n="n_before", meaning=N_("a share, or NPS in points")),
        "difference": Measure(
            N_("Difference"), "ratio", n="n_now", interval="by measure", meaning=N_("now minus before")
        ),
        "p_value": Measure(
            N_("p-value"), "ratio", n="n_now", meaning=N_("how often chance alone would make a difference this large")
        ),
        "q_value": Measure(
            N_("q-value"), "ratio", n="n_now",
            meaning=N_("the same after looking at the whole family (Benjamini-Hochberg); up to 0.05 it is a mover"),
        ),
    },
    movers,  # two views are asked, so it stands in no list of what `run` answers
    optional_inputs=("surveys",), groups=("kind", "name", "measure"),
)  # fmt: skip


def counted(
    dataset: Dataset, view: View, by: Sequence[str] = (), privacy: Privacy | None = None
) -> dict[str, pd.DataFrame]:
    """What is compared of one view, by metric: kind, name, and the counts of the metric, in each group of `by`."""
    facts = dataset.facts
    groups = next(((c,) for c in GROUPS if c in facts.attributes and c not in by), ())
    found: dict[str, pd.DataFrame] = {}
    if "touchpoints" in facts.tables:
        found["reach"] = _shown(run("reach", dataset, view, by=by, privacy=privacy).frame)
        if facts.goal_of(view):
            found["conversion"] = _by_kinds(dataset, "conversion", view, by, groups, privacy)
    if "surveys" in facts.tables:
        places = [c for c in EVERYWHERE if c in facts.columns.get("surveys", ()) or view.belonging.rule == "last"]
        places = [] if view.belonging.rule == "none" else places
        known = [c for c in groups if c in facts.columns.get("surveys", ())]
        for score in SCORES:
            try:
                found[score] = _by_kinds(dataset, score, view, by, (*places, *known), privacy)
            except DataProblem:  # two scales in one dataset: said where the score is shown
                continue
    return found


def _by_kinds(
    dataset: Dataset, metric: str, view: View, by: Sequence[str], kinds: Sequence[str], privacy: Privacy | None
) -> pd.DataFrame:
    """The counts of a metric for everybody and by each of `kinds`. Each case stands in one group of each kind, so all of them are
    sums of one answer; not where small groups are hidden, or an answer belongs to every touchpoint of a journey."""
    if privacy is None and view.belonging.rule != "journey":
        fine = run(metric, dataset, view, by=(*by, *kinds)).frame
        frames = {kind: _summed(fine, [*by, *([] if kind == ALL else [kind])]) for kind in (ALL, *kinds)}
    else:
        each = {kind: (*by, *([] if kind == ALL else [kind])) for kind in (ALL, *kinds)}
        frames = {kind: _shown(run(metric, dataset, view, by=b, privacy=privacy).frame) for kind, b in each.items()}
    parts = []
    for kind, frame in frames.items():
        named = frame.rename(columns={kind: "name"}) if kind != ALL else frame.assign(name=ALL)
        if kind not in GROUPS or named["name"].nunique() <= MOST_GROUPS:
            parts.append(named.assign(kind=kind))
    return pd.concat(parts, ignore_index=True)


def _summed(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Counts added up over all other groups."""
    counts = [c for c in ("customers", "converted", "responses", "satisfied", "easy", *CLASSES) if c in frame]
    if not by:
        return frame[counts].sum().to_frame().T
    return frame.groupby(by, dropna=False, sort=False, as_index=False)[counts].sum()


def _shown(frame: pd.DataFrame) -> pd.DataFrame:
    shown: pd.DataFrame = frame[~frame[SUPPRESSED].astype(bool)] if SUPPRESSED in frame else frame
    return shown


def ranked(
    now: Mapping[str, pd.DataFrame], before: Mapping[str, pd.DataFrame], confidence: float = CONFIDENCE
) -> pd.DataFrame:
    """The counts of two periods as one list of tested numbers, the strongest evidence first."""
    parts = [
        _shares(now[metric], before[metric], *names, confidence)
        for metric, measures in SHARES.items()
        if metric in now and metric in before
        for names in measures
    ]
    if "nps" in now and "nps" in before:
        parts.append(_scores(now["nps"], before["nps"], confidence))
    parts = [part for part in parts if len(part)]
    if not parts:
        return pd.DataFrame(columns=[*COLUMNS]).astype({"flagged": bool})
    frame = _once(pd.concat(parts, ignore_index=True))
    q = intervals.benjamini_hochberg(frame["p_value"])
    better: list[Any] = [BETTER.get(name, True) for name in frame["measure"]]
    frame = frame.assign(q_value=q, flagged=q <= LEVEL, higher_is_better=better)
    width = (frame["difference_high"] - frame["difference_low"]).clip(lower=1e-12)
    frame = frame.assign(strength=-(frame["difference"].abs() / width))  # where p is too small to be told from 0
    order = ["p_value", "strength", "n_now", "name", "measure"]
    frame = frame.sort_values(order, ascending=[True, True, False, True, True], kind="stable")
    return frame[[*COLUMNS]].reset_index(drop=True)


COLUMNS: Sequence[str] = (
    "kind", "name", "measure", *(f"{c}_{side}" for side in ("now", "before") for c in ("n", "value")),
    *(f"difference{end}" for end in ENDS), "p_value", "q_value", "flagged", "higher_is_better",
)  # fmt: skip


def _shares(
    now: pd.DataFrame, before: pd.DataFrame, measure: str, part: str, whole: str, confidence: float
) -> pd.DataFrame:
    """One share of all places: those that can be tested."""
    if measure == "next_stage_rate":  # from the last stage nobody goes on: no share, not a share of 0
        now, before = (side[side["next_stage_rate"].notna() & (side["customers"] > 0)] for side in (now, before))
    rows = _beside(now, before, [part, whole])
    if measure == "reach":  # nobody was here in one of the periods: a share of 0 of everybody
        for side in ("now", "before"):
            rows[f"{whole}_{side}"] = rows[f"{whole}_{side}"].max()
    k, n, j, m = (rows[f"{c}_{side}"].to_numpy(dtype=float) for side in ("now", "before") for c in (part, whole))
    pooled = intervals.ratio(k + j, n + m)
    expected = np.minimum(pooled, 1 - pooled) * np.minimum(n, m)
    tested = (expected >= FEWEST_EXPECTED) & (np.minimum(n, m) >= LEAST.get(measure, 0))
    rows, (k, n, j, m) = rows[tested], (x[tested] for x in (k, n, j, m))
    low, high = intervals.newcombe(k, n, j, m, confidence)
    now_share, before_share = intervals.ratio(k, n), intervals.ratio(j, m)
    found: pd.DataFrame = rows[["kind", "name"]].assign(
        measure=measure, part_now=k, part_before=j, n_now=n.astype("int64"), value_now=now_share, n_before=m.astype("int64"),
        value_before=before_share, difference=now_share - before_share, difference_low=low, difference_high=high,
        p_value=intervals.difference_p(k, n, j, m),
    )  # fmt: skip
    return found


def _scores(now: pd.DataFrame, before: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """NPS of all places: those that can be tested."""
    rows = _beside(now, before, list(CLASSES))
    sides = [tuple(rows[f"{c}_{side}"].to_numpy(dtype=float) for c in CLASSES) for side in ("now", "before")]
    n, m = (sum(side) for side in sides)
    tested = np.minimum(n, m) >= FEWEST_ANSWERS
    rows, n, m = rows[tested], np.asarray(n)[tested], np.asarray(m)[tested]
    a, b = (tuple(x[tested] for x in side) for side in sides)
    low, high, p = intervals.nps_difference(a, b, "adjusted_wald", confidence)  # type: ignore[arg-type]
    values = [100 * intervals.ratio(side[0] - side[2], whole) for side, whole in ((a, n), (b, m))]
    found: pd.DataFrame = rows[["kind", "name"]].assign(
        measure="nps", part_now=a[0] - a[2], part_before=b[0] - b[2], n_now=n.astype("int64"), value_now=values[0],
        n_before=m.astype("int64"), value_before=values[1], difference=values[0] - values[1], difference_low=low,
        difference_high=high, p_value=p,
    )  # fmt: skip
    return found


def _beside(now: pd.DataFrame, before: pd.DataFrame, counts: list[str]) -> pd.DataFrame:
    """The counts of the two periods beside each other by place, 0 where one has none; places without a name are left out."""
    keys = ["kind", "name"] if "kind" in now else []
    sides = [side[side["name"].notna()][[*keys, *counts]] for side in (now, before)]
    rows = sides[0].merge(sides[1], on=keys, how="outer", suffixes=("_now", "_before"), sort=False)
    return rows.fillna({f"{c}_{side}": 0 for c in counts for side in ("now", "before")})


def _once(frame: pd.DataFrame) -> pd.DataFrame:
    """Numbers that are those of another name to the last case stand once, under the narrower name; numbers without a test, not."""
    rank = {kind: place for place, kind in enumerate((*EVERYWHERE, *GROUPS, ALL))}
    order = frame["kind"].map(rank).argsort(kind="stable")
    narrowest: pd.DataFrame = frame.iloc[order.to_numpy()]
    return narrowest[narrowest["p_value"].notna()].drop_duplicates(
        ["measure", "part_now", "n_now", "part_before", "n_before"]
    )
