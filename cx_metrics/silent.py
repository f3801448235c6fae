"""The silent majority: what would the score be if those who did not answer felt like similar customers who did?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import ibis
import numpy as np
import pandas as pd
from scipy import special

from cx_metrics import intervals, reweighting
from cx_metrics.datasets import Dataset
from cx_metrics.intervals import FALSE_DISCOVERIES
from cx_metrics.known import Prepared, latest_answers, patterns_of, patterns_query, read_patterns
from cx_metrics.known_in_memory import patterns_here
from cx_metrics.options import Count
from cx_metrics.registry import Measure, metric
from cx_metrics.reweighting import Adjusted
from cx_metrics.texts import N_
from cx_metrics.two_shares import either_p
from cx_metrics.view import View

Score = Literal["csat", "ces", "rating"]
AnyScore = Literal["any", "nps", "csat", "ces", "rating"]
Trim = Annotated[
    int, Count(N_("no answer counts more than this many times the average, before weights are calibrated"), 2, 1_000)
]
CUSTOMERS = Measure(N_("Customers"), "count", meaning=N_("customers with a touchpoint, whether or not they answered"))


def as_nps(score: pd.Series) -> pd.Series:
    """100 for promoters, −100 for detractors, 0 for passives."""
    return pd.Series(np.where(score >= 9, 100.0, np.where(score <= 6, -100.0, 0.0)), index=score.index)


def _row(
    found: Adjusted, name: str, raw: tuple[float, float], bounds: tuple[float, float], confidence: float
) -> dict[str, Any]:
    """One group's row of an adjusted score."""
    free = max(found.effective - 1, 1.0)
    reach = float(special.stdtrit(free, 0.5 + confidence / 2)) if found.effective == found.effective else np.nan
    apart = found.adjusted - found.raw
    error = found.difference_error
    p = 2 * special.stdtr(free, -abs(apart) / error) if error and error > 0 else np.nan
    rate_low, rate_high = intervals.wilson(found.answers, found.customers, confidence)
    clip = {"low": bounds[0], "high": bounds[1]}
    return {
        "customers": found.customers, "answered": found.answers,
        "answer_rate": float(intervals.ratio(found.answers, found.customers)), "answer_rate_low": float(rate_low),
        "answer_rate_high": float(rate_high), f"raw_{name}": found.raw, f"raw_{name}_low": raw[0], f"raw_{name}_high": raw[1],
        f"adjusted_{name}": found.adjusted,
        f"adjusted_{name}_low": _clipped(found.adjusted - reach * found.error, **clip),
        f"adjusted_{name}_high": _clipped(found.adjusted + reach * found.error, **clip),
        "difference": apart, "difference_low": apart - reach * error, "difference_high": apart + reach * error, "p_value": float(p),
        "flagged": bool(p < 1 - confidence), "effective_answers": found.effective, "largest_weight": found.largest,
        "trimmed": found.trimmed, "beyond": found.beyond, "traits": len(found.traits), "refusal": found.refusal,
    }  # fmt: skip


def _patterns(options: Mapping[str, Any]) -> tuple[str, str]:
    """Everybody's patterns beside one kind of answers: all metrics of this module look at them."""
    return "patterns", str(options.get("score", "nps"))


def _patterns_here(
    dataset: Dataset, view: View, options: Mapping[str, Any], by: tuple[str, ...]
) -> pd.DataFrame | None:
    return None if by else patterns_here(dataset, view, _patterns(options)[1])


def _clipped(value: float, low: float, high: float) -> float:
    return float(np.clip(value, low, high))


def _finished(rows: list[dict[str, Any]], by: Sequence[str], keys: list[tuple[Any, ...]], name: str) -> pd.DataFrame:
    columns = list(_row(Adjusted(0, 0), name, (np.nan, np.nan), (-1, 1), 0.95))
    made = pd.DataFrame(rows, columns=columns)
    if not rows:  # else whole numbers are whole, and yes is yes
        whole = ("customers", "answered", "trimmed", "beyond", "traits")
        made = made.astype({c: "int64" for c in whole} | {"flagged": bool})
    return pd.concat([pd.DataFrame(keys, columns=list(by)), made], axis=1) if by else made


def finish_adjusted_nps(frame: pd.DataFrame, *, by: tuple[str, ...], trim: int, confidence: float) -> pd.DataFrame:
    """Adjust each group by itself."""
    parts, known = read_patterns(frame, by)
    rows = []
    for _key, part in parts:
        patterns = patterns_of(part, known, as_nps)
        n, score = patterns.count[patterns.answered], patterns.score[patterns.answered]
        promoters, passives, detractors = (float(n[score == code].sum()) for code in (100, 0, -100))
        low, high = intervals.nps_interval(promoters, passives, detractors, "adjusted_wald", confidence)
        rows.append(
            _row(reweighting.adjust(patterns, trim), "nps", (float(low[0]), float(high[0])), (-100, 100), confidence)
        )
    return _finished(rows, by, [key for key, _part in parts], "nps")


def finish_adjusted_score(frame: pd.DataFrame, *, by: tuple[str, ...], trim: int, confidence: float) -> pd.DataFrame:
    """Adjust each group by itself; answers on several scales have no mean."""
    parts, known = read_patterns(frame, by)
    rows = []
    for _key, part in parts:
        patterns = patterns_of(part, known, lambda score: score)
        scales = part.loc[patterns.answered, "scale"].dropna().unique()
        found = reweighting.adjust(patterns, trim)
        if len(scales) > 1:
            found = Adjusted(found.customers, found.answers, refusal="several_scales")
        deviation = found.raw_error * np.sqrt(found.answers)
        low, high = intervals.mean_t(found.raw, deviation, found.answers, confidence)
        ends = (
            [float(end) for end in str(scales[0]).split("|")[:2]]
            if len(scales) == 1 and scales[0]
            else [-np.inf, np.inf]
        )
        rows.append(_row(found, "score", (float(low), float(high)), (ends[0], ends[1]), confidence))
    return _finished(rows, by, [key for key, _part in parts], "score")


def _measures(name: str, title: str, unit: Any, about: str, ends: str) -> dict[str, Measure]:
    """The measures of an adjusted score."""
    return {
        "customers": CUSTOMERS,
        "answered": Measure(N_("Answered"), "count", meaning=N_("of these, customers with a valid answer; the latest counts")),
        "answer_rate": Measure(
            N_("Share who answered"), "share", n="customers", interval="wilson", meaning=N_("answered, as a share of customers")
        ),
        f"raw_{name}": Measure(title, unit, n="answered", interval=ends, higher_is_better=True, meaning=about),
        f"adjusted_{name}": Measure(
            N_("Adjusted"), unit, n="answered", interval="linearised, weights estimated", higher_is_better=True,
            meaning=N_("the score if the silent felt like similar customers who answered"),
        ),
        "difference": Measure(
            N_("Difference"), "ratio", n="answered", interval="linearised, weights estimated", meaning=N_("adjusted minus plain")
        ),
        "p_value": Measure(
            N_("p-value"), "ratio", n="answered", meaning=N_("how often chance alone would make a difference this large")
        ),
        "effective_answers": Measure(
            N_("Effective answers"), "ratio", n="answered", meaning=N_("as many answers of equal weight would tell as much (Kish)")
        ),
        "largest_weight": Measure(
            N_("Largest weight"), "ratio", n="answered", meaning=N_("the part of the score that the heaviest answer makes")
        ),
        "trimmed": Measure(N_("Trimmed"), "count", meaning=N_("answers whose weight was cut")),
        "beyond": Measure(
            N_("Customers left out"), "count",
            meaning=N_("customers that the adjusted score is not about, because nobody of their kind answered"),
        ),
        "traits": Measure(N_("Traits"), "count", meaning=N_("attributes and behaviours that the weights are made from")),
    }  # fmt: skip


SOURCE = "Robins, Rotnitzky & Zhao (1994), JASA 89; Deville & Särndal (1992), JASA 87; Kish (1965), Survey Sampling"


@metric(
    title=N_("NPS with the silent majority"),
    unit=N_("points, −100 to 100"),
    denominator=N_("customers with a touchpoint, those who did not answer included"),
    inputs=("touchpoints", "surveys"),
    optional_inputs=("customers", "met", "channels"),
    source=SOURCE,
    finish=finish_adjusted_nps,
    same_rows=_patterns,
    here=_patterns_here,
    measures=_measures("nps", N_("NPS of those who answered"), "points", N_("promoters minus detractors, per 100 who answered"),
                       "adjusted Wald"),
)  # fmt: skip
def adjusted_nps(
    touchpoints: ibis.Table, surveys: ibis.Table, customers: ibis.Table | None = None, met: ibis.Table | None = None,
    channels: ibis.Table | None = None, by: tuple[str, ...] = (), attributes: tuple[str, ...] = (), *, trim: Trim = 10,
) -> ibis.Table:  # fmt: skip
    """What would the NPS be if those who did not answer felt like similar customers who did?

    One row per group of `by`: customers, answered, answer_rate, raw_nps (of those who answered, one answer each, the latest),
    adjusted_nps, difference, each with its interval, p_value and flagged (of the difference), effective_answers (Kish),
    largest_weight (the share of the heaviest answer), trimmed, traits (how many the weights are made from), refusal.

    Known of everybody are the first 12 attributes, and what they did in the view: contacts, different touchpoints, conversion,
    last stage, which of the 6 largest channels and 10 touchpoints they met. Those that go with answering most are used: at most
    12, and one term per 10 answers. Each answer weighs 1 / (the chance of answering of customers like this one; logistic
    regression), at most `trim` times the average, then calibrated so that the answers have every trait as often as all customers.
    The interval counts that the weights are estimated. What is not known of the silent cannot be adjusted for: if it moves both
    answers and answering, the score stays wrong. What customers did after they answered counts too.

    refusal says why there is no adjusted score: few_answers (under 100), few_silent (under 30), nothing_known (no trait that
    enough have), separable (traits tell for certain who answers), few_effective (under 30). A group is adjusted by itself.
    """
    answers = latest_answers(surveys, "nps")
    return patterns_query(touchpoints, answers, customers, by, attributes, Prepared(met, channels))


@metric(
    title=N_("Mean score with the silent majority"),
    unit=N_("mean score on the scale"),
    denominator=N_("customers with a touchpoint, those who did not answer included"),
    inputs=("touchpoints", "surveys"),
    optional_inputs=("customers", "met", "channels"),
    source=SOURCE,
    finish=finish_adjusted_score,
    same_rows=_patterns,
    here=_patterns_here,
    measures=_measures("score", N_("Mean of those who answered"), "score", N_("mean of the answers, one a customer"), "Student t"),
)  # fmt: skip
def adjusted_score(
    touchpoints: ibis.Table, surveys: ibis.Table, customers: ibis.Table | None = None, met: ibis.Table | None = None,
    channels: ibis.Table | None = None, by: tuple[str, ...] = (), attributes: tuple[str, ...] = (), *,
    score: Annotated[Score, N_("which score")] = "csat", trim: Trim = 10,
) -> ibis.Table:  # fmt: skip
    """What would the mean score be if those who did not answer felt like similar customers who did?

    As `adjusted_nps`, for the mean of one kind of answers: raw_score and adjusted_score. It is a mean, not the share of satisfied
    customers. Answers on several scales have no mean: refusal several_scales.
    """
    answers = latest_answers(surveys, score)
    return patterns_query(touchpoints, answers, customers, by, attributes, Prepared(met, channels))


def finish_answer_bias(frame: pd.DataFrame, *, by: tuple[str, ...], confidence: float) -> pd.DataFrame:
    """One row per value that is known of some, and how much more often those who answered have it than the silent."""
    parts, known = read_patterns(frame, by)
    found = []
    for place, (key, part) in enumerate(parts):
        n = part["customers"].to_numpy(dtype="int64")
        who = part["answered"].to_numpy(dtype="int64") == 1
        for one in known:
            codes = one.codes[part.index.to_numpy()]
            size = int(codes.max(initial=0)) + 1
            held, said = np.bincount(codes, n, size).astype("int64"), np.bincount(codes, n * who, size).astype("int64")
            yes_no = len(one.values) == 2
            for code in np.flatnonzero(held):
                if not (yes_no and code == 0):  # who has not says no more than who has
                    found.append(
                        (
                            place,
                            *key,
                            one.column,
                            one.values.get(int(code)),
                            held[code],
                            said[code],
                            n[who].sum(),
                            n.sum(),
                        )
                    )
    counts = ["customers", "answered_with", "answered", "all_customers"]
    rows = pd.DataFrame(found, columns=["group", *by, "column", "value", *counts])
    rows = rows.astype(dict.fromkeys(counts, "int64"))
    rows = rows.assign(
        silent=rows["all_customers"] - rows["answered"], silent_with=rows["customers"] - rows["answered_with"]
    )
    rows = intervals.add_share(rows, "share_of_answered", "answered_with", "answered", confidence)
    rows = intervals.add_share(rows, "share_of_silent", "silent_with", "silent", confidence)
    having, answered, others, silent = (
        rows[c].to_numpy() for c in ("answered_with", "answered", "silent_with", "silent")
    )
    low, high = intervals.newcombe(having, answered, others, silent, confidence)
    p = either_p(having, answered, others, silent)
    q = intervals.benjamini_hochberg(p) if len(rows) else p
    gap, a, b = rows["share_of_answered"] - rows["share_of_silent"], rows["share_of_answered"], rows["share_of_silent"]
    spread = np.sqrt((a * (1 - a) + b * (1 - b)) / 2)
    rows = rows.assign(
        difference=gap, difference_low=low, difference_high=high, standardised=intervals.ratio(gap, spread), p_value=p, q_value=q,
        flagged=np.nan_to_num(q, nan=1.0) <= FALSE_DISCOVERIES, size=gap.abs().round(12),
    )  # fmt: skip
    rows = rows.sort_values(
        ["group", "flagged", "size", "column", "value"], ascending=[True, False, False, True, True], na_position="last"
    )
    ends = ("", "_low", "_high")
    return rows[[
        *by, "column", "value", "customers", "answered_with", *(f"share_of_answered{e}" for e in ends),
        "silent_with", *(f"share_of_silent{e}" for e in ends), *(f"difference{e}" for e in ends), "standardised", "p_value",
        "q_value",         "flagged", "answered", "silent",
    ]].reset_index(drop=True)  # fmt: skip


@metric(
    title=N_("Who answers, and who stays silent"),
    unit=N_("share of customers"),
    denominator=N_("customers with a touchpoint who answered; and those who did not"),
    inputs=("touchpoints", "surveys"),
    optional_inputs=("customers", "met", "channels"),
    source="Newcombe (1998), Stat. Med. 17; Austin (2009), Stat. Med. 28; Benjamini & Hochberg (1995), JRSS B 57",
    groups=("column", "value"),
    finish=finish_answer_bias,
    same_rows=_patterns,
    here=_patterns_here,
    measures={
        "customers": Measure(N_("Customers"), "count", meaning=N_("customers with this value")),
        "answered_with": Measure(N_("Answered with it"), "count", meaning=N_("of those who answered, how many have the value")),
        "share_of_answered": Measure(
            N_("Of those who answered"), "share", n="answered", interval="wilson",
            meaning=N_("share of those who answered that has the value"),
        ),
        "silent_with": Measure(N_("Silent with it"), "count", meaning=N_("of those who did not answer, how many have the value")),
        "share_of_silent": Measure(
            N_("Of the silent"), "share", n="silent", interval="wilson",
            meaning=N_("share of those who did not answer that has the value"),
        ),
        "difference": Measure(
            N_("Difference"), "ratio", n="customers", interval="newcombe",
            meaning=N_("share of those who answered minus share of the silent")
        ),
        "standardised": Measure(
            N_("Standardised difference"), "ratio", n="customers",
            meaning=N_("the difference in standard deviations; 0.1 is where groups count as unlike"),
        ),
        "p_value": Measure(
            N_("p-value"), "ratio", n="customers", meaning=N_("how often chance alone would make a difference this large")
        ),
        "q_value": Measure(
            N_("q-value"), "ratio", n="customers",
            meaning=N_("the p-value after looking at all values: of those up to q, a share of q is there by chance"),
        ),
        "answered": Measure(N_("Answered"), "count", meaning=N_("customers with a valid answer")),
        "silent": Measure(N_("Silent"), "count", meaning=N_("customers without one")),
    },
)  # fmt: skip
def answer_bias(
    touchpoints: ibis.Table, surveys: ibis.Table, customers: ibis.Table | None = None, met: ibis.Table | None = None,
    channels: ibis.Table | None = None, by: tuple[str, ...] = (), attributes: tuple[str, ...] = (), *,
    score: Annotated[AnyScore, N_("answers to which questions count")] = "any",
) -> ibis.Table:  # fmt: skip
    """How do those who answer differ from those who stay silent?

    One row per value of what is known of everybody (as in `adjusted_nps`): column, value (null: not known), customers with it,
    answered_with, share_of_answered, silent_with, share_of_silent, difference (Newcombe's interval), standardised (in standard
    deviations), p_value, q_value (Benjamini-Hochberg over all rows), flagged (q up to 0.10), answered, silent. The value of a
    channel or touchpoint is that the customer met it. Order: flagged, then by size of the difference, column, value.
    """
    answers = latest_answers(surveys, score)
    if score == "any":
        answers = answers.mutate(score=ibis.null("float64"))
    return patterns_query(touchpoints, answers, customers, by, attributes, Prepared(met, channels))
