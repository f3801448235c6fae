"""Survey scores: what do customers say, on the scale they were asked on?

A group never gets lost: answers without a valid score are a row with 0 responses and no score.
"""

from __future__ import annotations

from typing import Annotated

import ibis
import numpy as np
import pandas as pd

from cx_metrics import intervals
from cx_metrics.errors import DataProblem
from cx_metrics.groups import how_many
from cx_metrics.intervals import NpsMethod, ShareMethod
from cx_metrics.registry import Measure, metric
from cx_metrics.texts import N_

RESPONSES = Measure(N_("Responses"), "count", meaning=N_("valid answers"))
MISSING = Measure(N_("No answer"), "count", meaning=N_("answers without a score, left out"))
INVALID = Measure(N_("Off the scale"), "count", meaning=N_("answers outside the scale, left out"))
ShareInterval = Annotated[ShareMethod, N_("how the interval of a share is made")]


def finish_nps(frame: pd.DataFrame, *, method: NpsMethod, confidence: float) -> pd.DataFrame:
    """Add nps, nps_low, nps_high in points."""
    low, high = intervals.nps_interval(frame["promoters"], frame["passives"], frame["detractors"], method, confidence)
    score = 100 * intervals.ratio(frame["promoters"] - frame["detractors"], frame["responses"])
    finished = frame.assign(nps=score, nps_low=low, nps_high=high)
    return finished[[*[c for c in frame.columns if c not in ("missing", "invalid")], "nps", "nps_low", "nps_high",
                     "missing", "invalid"]]  # fmt: skip


@metric(
    title=N_("Net Promoter Score"),
    unit=N_("points, −100 to 100"),
    denominator=N_("responses"),
    inputs=("surveys",),
    finish=finish_nps,
    source="Reichheld (2003), The One Number You Need to Grow, HBR 81(12)",
    measures={
        "responses": RESPONSES,
        "promoters": Measure(N_("Promoters"), "count", meaning=N_("answers 9 and 10")),
        "passives": Measure(N_("Passives"), "count", meaning=N_("answers 7 and 8")),
        "detractors": Measure(N_("Detractors"), "count", meaning=N_("answers 0 to 6")),
        "nps": Measure(
            N_("NPS"), "points", n="responses", interval="adjusted_wald", higher_is_better=True,
            meaning=N_("promoters minus detractors, per 100 responses"),
        ),
        "missing": MISSING,
        "invalid": INVALID,
    },
)  # fmt: skip
def nps(
    surveys: ibis.Table,
    by: tuple[str, ...] = (),
    *,
    method: Annotated[NpsMethod, N_("how the interval is made")] = "adjusted_wald",
) -> ibis.Table:
    """How much more likely are customers to recommend us than to warn others?

    One row per group of `by`: responses, promoters (9–10), passives (7–8), detractors (0–6), nps with its interval, missing,
    invalid. A group without a valid answer keeps its row, with a null nps, never 0. The interval is around the score of
    Rocks (2016) unless `method` says otherwise; the score shown is the raw one.
    """
    s, asked = surveys, surveys.survey_type == "nps"
    valid = asked & (s.score_status == "valid")
    counted = s.aggregate(
        by=list(by),
        responses=how_many(valid),
        promoters=how_many(valid & s.score.between(9, 10)),
        passives=how_many(valid & s.score.between(7, 8)),
        detractors=how_many(valid & s.score.between(0, 6)),
        missing=how_many(asked & (s.score_status == "missing")),
        invalid=how_many(asked & (s.score_status == "invalid")),
    )
    return counted.order_by([*by, "responses"])


def finish_csat(frame: pd.DataFrame, *, method: ShareMethod, confidence: float) -> pd.DataFrame:
    """Add csat (share satisfied) and mean_score with their intervals."""
    _check_scale(frame)
    frame = intervals.add_share(frame, "csat", "satisfied", "responses", confidence, method)
    frame = _add_mean(frame, "mean_score", confidence)
    return _ordered(frame, ("responses", "satisfied", "csat", "csat_low", "csat_high",
                            "mean_score", "mean_score_low", "mean_score_high", "missing", "invalid",
                            "scale_low", "scale_high", "higher_is_better"))  # fmt: skip


@metric(
    title=N_("Customer satisfaction"),
    unit=N_("share of satisfied responses"),
    denominator=N_("responses"),
    inputs=("surveys",),
    finish=finish_csat,
    source="top-2-box; Wilson (1927), JASA 22",
    measures={
        "responses": RESPONSES,
        "satisfied": Measure(N_("Satisfied"), "count", meaning=N_("answers in the two highest boxes of the scale")),
        "csat": Measure(
            N_("CSAT"), "share", n="responses", interval="wilson", higher_is_better=True,
            meaning=N_("share of responses in the two highest boxes of the scale"),
        ),
        "mean_score": Measure(
            N_("Mean score"), "score", n="responses", interval="Student t", higher_is_better=True,
            meaning=N_("mean of the answers; not CSAT"),
        ),
        "missing": MISSING,
        "invalid": INVALID,
    },
)  # fmt: skip
def csat(surveys: ibis.Table, by: tuple[str, ...] = (), *, method: ShareInterval = "wilson") -> ibis.Table:
    """How many customers are satisfied?

    One row per group of `by`: responses, satisfied (the two best answers of the scale: 4–5 of 5, 6–7 of 7, 9–10 of 10),
    csat (share satisfied) with its interval, mean_score (a different measure) with Student's t, missing, invalid, and
    the scale with its direction. Answers on different scales in one group have one csat but no mean_score. A group without a valid
    answer keeps its row, with null.
    """
    s = surveys
    best_two = ibis.ifelse(s.higher_is_better, s.score >= s.scale_high - 1, s.score <= s.scale_low + 1)
    satisfied = ibis.ifelse(best_two, 1, 0)
    return _scored(s, "csat", by, satisfied=satisfied)


def finish_ces(frame: pd.DataFrame, *, confidence: float, method: ShareMethod) -> pd.DataFrame:
    """Add ces (mean) and easy_share with their intervals. Raises DataProblem where two scales meet in one group."""
    _check_scale(frame)
    mixed = frame[frame["scales"] > 1]
    if len(mixed):
        raise DataProblem(
            N_(
                "Effort scores on different scales cannot be averaged. Group by scale_high, or choose one wave or source."
            )
        )
    frame = _add_mean(frame, "ces", confidence)
    frame = intervals.add_share(frame, "easy_share", "easy", "responses", confidence, method)
    return _ordered(frame, ("responses", "ces", "ces_low", "ces_high", "easy_share", "easy_share_low", "easy_share_high",
                            "missing", "invalid", "easy", "scale_low", "scale_high", "higher_is_better"))  # fmt: skip


@metric(
    title=N_("Customer effort"),
    unit=N_("mean score on the scale"),
    denominator=N_("responses"),
    inputs=("surveys",),
    finish=finish_ces,
    source="Dixon, Freeman & Toman (2010), HBR 88(7/8); CES 2.0: CEB (2013)",
    measures={
        "responses": RESPONSES,
        "ces": Measure(
            N_("CES"), "score", n="responses", interval="Student t", higher_is_better=True, meaning=N_("mean effort score")
        ),
        "easy_share": Measure(
            N_("Found it easy"), "share", n="responses", interval="wilson", higher_is_better=True,
            meaning=N_("share of responses on the easy side of the scale"),
        ),
        "missing": MISSING,
        "invalid": INVALID,
    },
)  # fmt: skip
def ces(surveys: ibis.Table, by: tuple[str, ...] = (), *, method: ShareInterval = "wilson") -> ibis.Table:
    """How easy was it for customers?

    One row per group of `by`: responses, ces (mean score) with Student's t, easy_share with its interval, missing, invalid,
    and the scale with its direction. CES 2.0 (1–7, agreement that it was easy): higher is better, easy = 5–7. CES 1.0 (1–5,
    effort): lower is better, easy = 1–2. In general easy is the better side of the middle. Groups that mix scales are refused.
    """
    s = surveys
    middle = (s.scale_low + s.scale_high) / 2
    easy = ibis.ifelse(ibis.ifelse(s.higher_is_better, s.score > middle, s.score < middle), 1, 0)
    return _scored(s, "ces", by, easy=easy)


def _scored(s: ibis.Table, kind: str, by: tuple[str, ...], **counted: ibis.Value) -> ibis.Table:
    """Counts, sum and deviation of valid answers of one kind, and how many scales they are on."""
    asked = s.survey_type == kind
    valid = asked & (s.score_status == "valid")
    scale = s.scale_low.cast("string") + "|" + s.scale_high.cast("string") + "|" + s.higher_is_better.cast("string")
    scored = s.aggregate(
        by=list(by),
        responses=how_many(valid),
        **{name: value.sum(where=valid).fill_null(0) for name, value in counted.items()},
        mean=s.score.mean(where=valid),
        deviation=s.score.std(where=valid, how="sample"),
        scales=scale.nunique(where=valid),
        unscaled=how_many(valid & scale.isnull()),
        scale_low=s.scale_low.min(where=valid),
        scale_high=s.scale_high.max(where=valid),
        higher_is_better=s.higher_is_better.max(where=valid),
        missing=how_many(asked & (s.score_status == "missing")),
        invalid=how_many(asked & (s.score_status == "invalid")),
    )
    return scored.order_by([*by, "responses"])


def _check_scale(frame: pd.DataFrame) -> None:
    """Raises DataProblem for answers that say no scale: nobody can tell which of them are satisfied or easy."""
    if int(frame["unscaled"].sum()):
        raise DataProblem(N_("{count} answers name no scale. Say lowest and highest answer when you import them."),
                          count=int(frame["unscaled"].sum()))  # fmt: skip


def _add_mean(frame: pd.DataFrame, name: str, confidence: float) -> pd.DataFrame:
    low, high = intervals.mean_t(frame["mean"], frame["deviation"], frame["responses"], confidence)
    one_scale = frame["scales"] <= 1
    finished = frame.assign(**{name: frame["mean"].where(one_scale)})
    finished[f"{name}_low"] = np.where(one_scale, low, np.nan)
    finished[f"{name}_high"] = np.where(one_scale, high, np.nan)
    return finished


def _ordered(frame: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    counted = {
        "mean",
        "deviation",
        "scales",
        "unscaled",
        "satisfied",
        "easy",
        "scale_low",
        "scale_high",
        "higher_is_better",
        *columns,
    }
    return frame[[*(c for c in frame.columns if c not in counted), *columns]]
