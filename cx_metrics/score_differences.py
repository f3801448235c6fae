"""Two groups of answers: how far apart are their scores? And all answers of a question: how many gave each one?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import ibis
import numpy as np
import pandas as pd
from ibis import _

from cx_metrics import intervals
from cx_metrics.answers import scale_of
from cx_metrics.errors import DataProblem, OptionProblem, nearest
from cx_metrics.groups import how_many
from cx_metrics.intervals import NpsMethod
from cx_metrics.options import Name, Switch
from cx_metrics.registry import Measure, metric
from cx_metrics.surveys import best_two, better_side
from cx_metrics.tallies import times_of
from cx_metrics.texts import N_

ENDS = ("", "_low", "_high")
EVERYBODY_ELSE = "(everybody else)"
SHARES = ("csat", "easy")  # of answers; the others are scores
CLASSES = ("promoters", "passives", "detractors")

Score = Annotated[
    Literal["nps", "csat", "ces", "easy", "rating"],
    N_("what is compared: nps, csat (share satisfied), ces (mean effort), easy (share on the easy side) or rating (mean)"),
]  # fmt: skip
Column = Annotated[str, Name(N_("the column whose values make the two groups"))]
First = Annotated[str, Name(N_("the value of the first group"))]
Second = Annotated[str, Name(N_("the value of the second group; empty for everybody else"))]
Paired = Annotated[bool, Switch(N_("compare the two answers of each customer, and nobody who gave only one"))]


def finish_difference(
    frame: pd.DataFrame, *, score: Score, first: First, second: Second, method: NpsMethod, paired: Paired, by: Sequence[str],
    confidence: float,
) -> pd.DataFrame:  # fmt: skip
    """One row per group of `by`: the two scores, and their difference."""
    if score in ("ces", "rating") and int(frame["scales"].max() if len(frame) else 0) > 1:
        raise DataProblem(N_("Scores on different scales cannot be compared. Choose one question, wave or source."))
    rows = _of_pairs(frame, confidence) if paired else _of_groups(frame, score, by, method, confidence)
    size = 100 if score == "nps" and paired else 1
    named = [c + end for c in ("value_a", "value_b") for end in ENDS[:1]] + [f"difference{end}" for end in ENDS]
    rows = rows.assign(
        group_a=first, group_b=second or EVERYBODY_ELSE, score=score, **{c: rows[c].astype(float) * size for c in named}
    )
    return rows[[*by, "score", "group_a", "group_b", "n_a", "value_a", "n_b", "value_b", *named[2:], "p_value"]]


def _of_pairs(frame: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Each customer's own difference: its mean, with Student's t."""
    low, high = intervals.mean_t(frame["mean"], frame["deviation"], frame["pairs"], confidence)
    error = intervals.error_of_t(frame["mean"], high, frame["pairs"], confidence)
    nothing, two = np.zeros(len(frame)), np.full(len(frame), 2)
    p = intervals.welch(frame["mean"], error, frame["pairs"], nothing, nothing, two, confidence)[2]  # against a known 0
    return frame.assign(difference=frame["mean"], difference_low=low, difference_high=high, p_value=p,
                        n_a=frame["pairs"], n_b=frame["pairs"])  # fmt: skip


def _of_groups(
    frame: pd.DataFrame, score: str, by: Sequence[str], method: NpsMethod, confidence: float
) -> pd.DataFrame:
    """The scores of two groups that have nobody in common, by the formulas of a comparison of two views."""
    a, b = (
        {c: frame[f"{c}_{side}"].to_numpy(dtype=float) for c in (*CLASSES, "n", "good", "mean", "deviation")}
        for side in "ab"
    )
    n, m = a["n"], b["n"]
    if score == "nps":
        x, y = (100 * intervals.ratio(side["promoters"] - side["detractors"], side["n"]) for side in (a, b))
        sides: Any = tuple(tuple(side[c] for c in CLASSES) for side in (a, b))
        low, high, p = intervals.nps_difference(sides[0], sides[1], method, confidence)
    elif score in SHARES:
        x, y = (intervals.ratio(side["good"], side["n"]) for side in (a, b))
        low, high = intervals.newcombe(a["good"], n, b["good"], m, confidence)
        p = intervals.difference_p(a["good"], n, b["good"], m)
    else:
        x, y = a["mean"], b["mean"]
        errors = [side["deviation"] / np.sqrt(np.maximum(side["n"], 1)) for side in (a, b)]
        low, high, p = intervals.welch(x, errors[0], n, y, errors[1], m, confidence)
    return frame.assign(value_a=x, value_b=y, difference=x - y, difference_low=low, difference_high=high, p_value=p)


@metric(
    title=N_("Difference of two scores"),
    unit=N_("unit of the score"),
    denominator=N_("responses of each group"),
    inputs=("surveys",),
    finish=finish_difference,
    source="Rocks (2016), Am. Stat. 70; Newcombe (1998), Stat. Med. 17; Welch (1947), Biometrika 34",
    groups=("score", "group_a", "group_b"),
    measures={
        "n_a": Measure(N_("Responses of the first"), "count", meaning=N_("valid answers of the first group")),
        "value_a": Measure(N_("First"), "ratio", n="n_a", meaning=N_("the score of the first group")),
        "n_b": Measure(N_("Responses of the second"), "count", meaning=N_("valid answers of the second group")),
        "value_b": Measure(N_("Second"), "ratio", n="n_b", meaning=N_("the score of the second group")),
        "difference": Measure(
            N_("Difference"), "ratio", n="n_a", interval="by score", meaning=N_("the score of the first minus that of the second")
        ),
        "p_value": Measure(
            N_("p-value"), "ratio", n="n_a", meaning=N_("how often chance alone would make a difference this large")
        ),
    },
)  # fmt: skip
def score_difference(
    surveys: ibis.Table, by: tuple[str, ...] = (), *, column: Column, first: First, second: Second = "", score: Score = "nps",
    method: Annotated[NpsMethod, N_("how the interval of a difference of two NPS is made")] = "adjusted_wald",
    paired: Paired = False,
) -> ibis.Table:  # fmt: skip
    """How far apart are the scores of two groups, and is it more than chance?

    One row per group of `by`: score, group_a, group_b, n_a, value_a, n_b, value_b, difference (first minus second) with its
    interval, p_value. NPS: z with the errors that `method` gives; shares (csat, easy): Newcombe, and the z test with pooled
    variance; means (ces, rating): Welch. Without a second value the others are everybody else, also those whose value is not
    known. Means on different scales are refused. A group of `by` without valid answers keeps its row, with 0 and nulls.

    `paired`: of customers with answers in both groups (two waves), each one's own difference (of their means; NPS: of the codes
    1, 0, −1), with Student's t; n_a and n_b are these customers. Answers that name nobody are left out.
    """
    s = surveys
    if column not in s.columns:
        raise OptionProblem(
            N_("The answers have no column {found}. Nearest: {nearest}. Columns: {columns}."),
            found=column, nearest=nearest(column, s.columns) or "–", columns=tuple(s.columns),
        )  # fmt: skip
    kind, held = ("ces" if score == "easy" else score), s[column].cast("string")
    other = held == second if second else ibis.literal(True)
    side = ibis.ifelse(
        (held == first).fill_null(False), "a", ibis.ifelse(other.fill_null(False), "b", ibis.null("string"))
    )
    valid = (s.survey_type == kind) & (s.score_status == "valid") & s.score.notnull()
    code = {
        "nps": ibis.ifelse(s.score >= 9, 1, ibis.ifelse(s.score <= 6, -1, 0)),
        "csat": best_two(s), "easy": better_side(s),
    }.get(score, s.score)  # fmt: skip
    s = s.mutate(side=ibis.ifelse(valid, side, ibis.null("string")), code=code.cast("float64"), scale=scale_of(s))
    return (_pairs if paired else _groups)(s, by)


def _groups(s: ibis.Table, by: tuple[str, ...]) -> ibis.Table:
    counts: dict[str, ibis.Value] = {"scales": s.scale.nunique(where=s.side.notnull())}
    for letter in "ab":
        mine = s.side == letter
        counts |= {
            f"n_{letter}": how_many(mine),
            f"promoters_{letter}": how_many(mine & (s.code > 0)),
            f"passives_{letter}": how_many(mine & (s.code == 0)),
            f"detractors_{letter}": how_many(mine & (s.code < 0)),
            f"good_{letter}": how_many(mine & (s.code == 1)),
            f"mean_{letter}": s.code.mean(where=mine),
            f"deviation_{letter}": s.code.std(where=mine, how="sample"),
        }
    return s.aggregate(by=list(by), **counts).order_by([*by, "n_a"])


def _pairs(s: ibis.Table, by: tuple[str, ...]) -> ibis.Table:
    held = s.side.notnull()
    own = s.group_by([*by, "customer_id"]).aggregate(
        a=s.code.mean(where=s.side == "a"), b=s.code.mean(where=s.side == "b"),
        low=s.scale.min(where=held), high=s.scale.max(where=held),
    )  # fmt: skip
    both = own.a.notnull() & own.b.notnull() & own.customer_id.notnull()
    mixed = ibis.ifelse(own.low.min(where=both) == own.high.max(where=both), 1, 2)
    found = own.aggregate(
        by=list(by), pairs=how_many(both), value_a=own.a.mean(where=both), value_b=own.b.mean(where=both),
        mean=(own.a - own.b).mean(where=both), deviation=(own.a - own.b).std(where=both, how="sample"),
        scales=mixed.fill_null(0),
    )  # fmt: skip
    return found.order_by([*by, "pairs"])


def finish_distribution(frame: pd.DataFrame, *, by: Sequence[str], confidence: float) -> pd.DataFrame:
    """Add the share of all answers to the question, in the group."""
    keys = [*by, "survey_type", "question"]
    frame = frame.assign(all_responses=frame.groupby(keys, dropna=False)["responses"].transform("sum").astype("int64"))
    frame = intervals.add_share(frame, "share", "responses", "all_responses", confidence)
    return frame[[*keys, "score", "responses", *(f"share{end}" for end in ENDS), "all_responses", *SCALE]]


SCALE: Sequence[str] = ("scale_low", "scale_high", "higher_is_better")
DISTRIBUTION: Mapping[str, Measure] = {
    "responses": Measure(N_("Responses"), "count", meaning=N_("valid answers with this score")),
    "share": Measure(N_("Share"), "share", n="all_responses", interval="wilson", meaning=N_("share of all valid answers to it")),
    "all_responses": Measure(N_("All responses"), "count", meaning=N_("valid answers to the question")),
}  # fmt: skip


@metric(
    title=N_("Distribution of answers"),
    unit=N_("share of responses"),
    denominator=N_("responses to the question"),
    inputs=("surveys",),
    finish=finish_distribution,
    source="Wilson (1927), JASA 22",
    groups=("survey_type", "question", "score"),
    tallied=True,
    tallied_by=("question",),
    measures=DISTRIBUTION,
)
def distribution(surveys: ibis.Table, by: tuple[str, ...] = ()) -> ibis.Table:
    """How many gave each answer?

    One row per group of `by`, question and score that was given: survey_type, question, score, responses, share of all valid
    answers to the question in the group (Wilson), all_responses, and the scale with its direction. An answer that nobody gave has
    no row. No answers: no rows.
    """
    s = surveys.filter((surveys.score_status == "valid") & surveys.score.notnull())
    counted = s.group_by([*by, "survey_type", "question", "score"]).aggregate(
        responses=how_many(s.score.notnull(), times_of(s)), scale_low=_.scale_low.min(), scale_high=_.scale_high.max(),
        higher_is_better=_.higher_is_better.max(),
    )  # fmt: skip
    return counted.order_by([*by, "survey_type", "question", "score"])
