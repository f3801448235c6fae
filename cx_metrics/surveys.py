"""Survey scores: what do customers say, on the scale they were asked on?

A group never gets lost: answers without a valid score are a row with 0 responses and no score.
"""

from __future__ import annotations

from typing import Annotated, Any

import ibis
import numpy as np
import pandas as pd

from cx_metrics import intervals
from cx_metrics.errors import DataProblem
from cx_metrics.groups import how_many
from cx_metrics.intervals import Array, NpsMethod, ShareMethod
from cx_metrics.options import Switch
from cx_metrics.registry import Measure, metric
from cx_metrics.tallies import times_of
from cx_metrics.texts import N_

ROUNDING = 1e-13  # of a sum of squares: less than that says nothing
RESPONSES = Measure(N_("Responses"), "count", meaning=N_("valid answers"))
MISSING = Measure(N_("No answer"), "count", meaning=N_("answers without a score, left out"))
INVALID = Measure(N_("Off the scale"), "count", meaning=N_("answers outside the scale, left out"))
EFFECTIVE = Measure(
    N_("Effective responses"), "ratio", n="responses",
    meaning=N_("how many answers of equal weight would say as much; the responses themselves where nothing is weighted"),
)  # fmt: skip
Weighted = Annotated[
    bool, Switch(N_("let each answer count by its weight; intervals are then linearised, and weight 0 leaves an answer out"))
]  # fmt: skip
ShareInterval = Annotated[ShareMethod, N_("how the interval of a share is made")]


def finish_nps(frame: pd.DataFrame, *, method: NpsMethod, confidence: float, weighted: bool) -> pd.DataFrame:
    """Add nps, nps_low, nps_high in points, and effective_responses."""
    if weighted:
        frame = _weighted(frame, "nps", "code", confidence, (-1, 1), 100)
        return _with_effective(frame, ("promoters", "passives", "detractors", "nps", "nps_low", "nps_high"))
    low, high = intervals.nps_interval(frame["promoters"], frame["passives"], frame["detractors"], method, confidence)
    score = 100 * intervals.ratio(frame["promoters"] - frame["detractors"], frame["responses"])
    finished = frame.assign(nps=score, nps_low=low, nps_high=high)
    return _with_effective(finished, ("promoters", "passives", "detractors", "nps", "nps_low", "nps_high"))


@metric(
    title=N_("Net Promoter Score"),
    unit=N_("points, −100 to 100"),
    denominator=N_("responses"),
    inputs=("surveys",),
    tallied=True,
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
        "effective_responses": EFFECTIVE,
    },
)  # fmt: skip
def nps(
    surveys: ibis.Table,
    by: tuple[str, ...] = (),
    *,
    method: Annotated[NpsMethod, N_("how the interval is made")] = "adjusted_wald",
    weighted: Weighted = False,
) -> ibis.Table:
    """How much more likely are customers to recommend us than to warn others?

    One row per group of `by`: responses, promoters (9–10), passives (7–8), detractors (0–6), nps with its interval, missing,
    invalid. A group without a valid answer keeps its row, with a null nps, never 0. The interval is around the score of
    Rocks (2016) unless `method` says otherwise; the score shown is the raw one. `weighted`: each answer counts by its weight in
    the score, its interval is linearised (normal), and the counts are of answers with a weight above 0.
    """
    s, asked, times = surveys, surveys.survey_type == "nps", times_of(surveys)
    valid = _valid(s, asked, weighted)
    code = ibis.ifelse(s.score >= 9, 1, ibis.ifelse(s.score <= 6, -1, 0))
    counted = s.aggregate(
        by=list(by),
        responses=how_many(valid, times),
        promoters=how_many(valid & s.score.between(9, 10), times),
        passives=how_many(valid & s.score.between(7, 8), times),
        detractors=how_many(valid & s.score.between(0, 6), times),
        missing=how_many(asked & (s.score_status == "missing"), times),
        invalid=how_many(asked & (s.score_status == "invalid"), times),
        **_weighed(s, valid, weighted, code=code),
    )
    return counted.order_by([*by, "responses"])


def finish_csat(frame: pd.DataFrame, *, method: ShareMethod, confidence: float, weighted: bool) -> pd.DataFrame:
    """Add csat (share satisfied) and mean_score with their intervals."""
    _check_scale(frame)
    frame = _add_share(frame, "csat", "satisfied", confidence, method, weighted)
    frame = _add_mean(frame, "mean_score", confidence, weighted)
    return _ordered(frame, ("responses", "satisfied", "csat", "csat_low", "csat_high",
                            "mean_score", "mean_score_low", "mean_score_high", "missing", "invalid",
                            "scale_low", "scale_high", "higher_is_better"))  # fmt: skip


@metric(
    title=N_("Customer satisfaction"),
    unit=N_("share of satisfied responses"),
    denominator=N_("responses"),
    inputs=("surveys",),
    tallied=True,
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
        "effective_responses": EFFECTIVE,
    },
)  # fmt: skip
def csat(
    surveys: ibis.Table, by: tuple[str, ...] = (), *, method: ShareInterval = "wilson", weighted: Weighted = False
) -> ibis.Table:
    """How many customers are satisfied?

    One row per group of `by`: responses, satisfied (the two best answers of the scale: 4–5 of 5, 6–7 of 7, 9–10 of 10),
    csat (share satisfied) with its interval, mean_score (a different measure) with Student's t, missing, invalid, and
    the scale with its direction. Answers on different scales in one group have one csat but no mean_score. A group without a valid
    answer keeps its row, with null. `weighted`: answers count by their weight, and intervals are linearised (share: normal; mean:
    Student's t).
    """
    return _scored(surveys, "csat", by, weighted, satisfied=best_two(surveys))


def best_two(s: ibis.Table) -> ibis.Value:
    """1 for an answer in the two best boxes of its scale, else 0."""
    best = ibis.ifelse(s.higher_is_better, s.score >= s.scale_high - 1, s.score <= s.scale_low + 1)
    return ibis.ifelse(best, 1, 0)


def finish_rating(frame: pd.DataFrame, *, method: ShareMethod, confidence: float, weighted: bool) -> pd.DataFrame:
    """Add mean_score and top_two_share with their intervals."""
    _check_scale(frame)
    frame = _add_mean(frame, "mean_score", confidence, weighted)
    frame = _add_share(frame, "top_two_share", "top_two", confidence, method, weighted)
    return _ordered(frame, ("responses", "mean_score", "mean_score_low", "mean_score_high", "top_two", "top_two_share",
                            "top_two_share_low", "top_two_share_high", "missing", "invalid",
                            "scale_low", "scale_high", "higher_is_better"))  # fmt: skip


@metric(
    title=N_("Ratings"),
    unit=N_("mean score on the scale"),
    denominator=N_("responses"),
    inputs=("surveys",),
    tallied=True,
    finish=finish_rating,
    source="top-2-box; Wilson (1927), JASA 22; Student (1908), Biometrika 6",
    measures={
        "responses": RESPONSES,
        "mean_score": Measure(
            N_("Mean score"), "score", n="responses", interval="Student t", higher_is_better=True, meaning=N_("mean of the answers")
        ),
        "top_two": Measure(N_("Two best answers"), "count", meaning=N_("answers in the two best boxes of the scale")),
        "top_two_share": Measure(
            N_("Share of the two best answers"), "share", n="responses", interval="wilson", higher_is_better=True,
            meaning=N_("share of responses in the two best boxes of the scale"),
        ),
        "missing": MISSING,
        "invalid": INVALID,
        "effective_responses": EFFECTIVE,
    },
)  # fmt: skip
def rating(
    surveys: ibis.Table, by: tuple[str, ...] = (), *, method: ShareInterval = "wilson", weighted: Weighted = False
) -> ibis.Table:
    """How do customers rate single things: staff, food, the website?

    Ratings are scored questions that are neither NPS, CSAT nor CES; group by question to tell them apart. One row per group of
    `by`: responses, mean_score with Student's t, top_two (the two best answers of the scale), top_two_share with its interval,
    missing, invalid, and the scale with its direction. Answers on different scales in one group have one top_two_share but no
    mean_score. `weighted` as in csat.
    """
    return _scored(surveys, "rating", by, weighted, top_two=best_two(surveys))


def finish_ces(frame: pd.DataFrame, *, confidence: float, method: ShareMethod, weighted: bool) -> pd.DataFrame:
    """Add ces (mean) and easy_share with their intervals. Raises DataProblem where two scales meet in one group."""
    _check_scale(frame)
    mixed = frame[frame["scales"] > 1]
    if len(mixed):
        raise DataProblem(
            N_(
                "Effort scores on different scales cannot be averaged. Group by scale_high, or choose one wave or source."
            )
        )
    frame = _add_mean(frame, "ces", confidence, weighted)
    frame = _add_share(frame, "easy_share", "easy", confidence, method, weighted)
    return _ordered(frame, ("responses", "ces", "ces_low", "ces_high", "easy_share", "easy_share_low", "easy_share_high",
                            "missing", "invalid", "easy", "scale_low", "scale_high", "higher_is_better"))  # fmt: skip


@metric(
    title=N_("Customer effort"),
    unit=N_("mean score on the scale"),
    denominator=N_("responses"),
    inputs=("surveys",),
    tallied=True,
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
        "effective_responses": EFFECTIVE,
    },
)  # fmt: skip
def ces(
    surveys: ibis.Table, by: tuple[str, ...] = (), *, method: ShareInterval = "wilson", weighted: Weighted = False
) -> ibis.Table:
    """How easy was it for customers?

    One row per group of `by`: responses, ces (mean score) with Student's t, easy_share with its interval, missing, invalid,
    and the scale with its direction. CES 2.0 (1–7, agreement that it was easy): higher is better, easy = 5–7. CES 1.0 (1–5,
    effort): lower is better, easy = 1–2. In general easy is the better side of the middle. Groups that mix scales are refused.
    `weighted` as in csat.
    """
    return _scored(surveys, "ces", by, weighted, easy=better_side(surveys))


def better_side(s: ibis.Table) -> ibis.Value:
    """1 for an answer on the better side of the middle of its scale, else 0."""
    middle = (s.scale_low + s.scale_high) / 2
    return ibis.ifelse(ibis.ifelse(s.higher_is_better, s.score > middle, s.score < middle), 1, 0)


def _valid(s: ibis.Table, asked: ibis.Value, weighted: bool) -> ibis.Value:
    valid = asked & (s.score_status == "valid")
    return valid & (s.weight > 0) if weighted else valid


def _weighed(s: ibis.Table, valid: ibis.Value, weighted: bool, **values: ibis.Value) -> dict[str, ibis.Value]:
    """The sums that a weighted mean and its linearised error are made of, for each value."""
    if not weighted:
        return {}
    w = s.weight
    sums = {"w": w.sum(where=valid), "ww": (w * w).sum(where=valid)}
    for name, value in values.items():
        sums |= {
            f"w {name}": (w * value).sum(where=valid),
            f"ww {name}": (w * w * value).sum(where=valid),
            f"ww {name} {name}": (w * w * value * value).sum(where=valid),
        }
    return sums


def _scored(s: ibis.Table, kind: str, by: tuple[str, ...], weighted: bool, **counted: ibis.Value) -> ibis.Table:
    """Counts and sums of valid answers of one kind, and whether they are on several scales."""
    asked, times = s.survey_type == kind, times_of(s)
    valid, better = _valid(s, asked, weighted), ibis.ifelse(s.higher_is_better, 1, 0)
    ends = {"low": s.scale_low, "high": s.scale_high, "better": better}
    scored = s.aggregate(
        by=list(by),
        responses=how_many(valid, times),
        **{name: (value * times).sum(where=valid).fill_null(0) for name, value in counted.items()},
        total=(s.score * times).sum(where=valid),
        squares=(s.score * s.score * times).sum(where=valid),
        **{f"least_{name}": end.min(where=valid) for name, end in ends.items()},
        **{f"most_{name}": end.max(where=valid) for name, end in ends.items()},
        unscaled=how_many(valid & (s.scale_low.isnull() | s.scale_high.isnull()), times),
        missing=how_many(asked & (s.score_status == "missing"), times),
        invalid=how_many(asked & (s.score_status == "invalid"), times),
        **_weighed(s, valid, weighted, score=s.score, **counted),
    )
    several = ibis.or_(*(scored[f"least_{name}"] < scored[f"most_{name}"] for name in ends))
    scored = scored.mutate(
        scales=ibis.ifelse(several.fill_null(False), 2, 1), scale_low=scored.least_low, scale_high=scored.most_high,
        higher_is_better=scored.most_better == 1,
    )  # fmt: skip
    return scored.drop(*(f"{which}_{name}" for which in ("least", "most") for name in ends)).order_by(
        [*by, "responses"]
    )


def _check_scale(frame: pd.DataFrame) -> None:
    """Raises DataProblem for answers that say no scale: nobody can tell which of them are satisfied or easy."""
    if int(frame["unscaled"].sum()):
        raise DataProblem(N_("{count} answers name no scale. Say lowest and highest answer when you import them."),
                          count=int(frame["unscaled"].sum()))  # fmt: skip


def _weighted(
    frame: pd.DataFrame,
    name: str,
    value: str,
    confidence: float,
    ends: tuple[float, float] | None = None,
    size: float = 1,
) -> pd.DataFrame:
    """Add the weighted mean of a value with its linearised interval: a share or a score of codes within `ends` by the normal
    curve, a mean by Student's t. `size`: of one in the unit shown."""
    n, w = frame["responses"], frame["w"]
    mean = intervals.ratio(frame[f"w {value}"], w)
    error = intervals.linearised_error(n, w, frame["ww"], frame[f"ww {value}"], frame[f"ww {value} {value}"], mean)
    low, high = mean - intervals.z_of(confidence) * error, mean + intervals.z_of(confidence) * error
    if ends is None:
        low, high = intervals.mean_t(mean, error * np.sqrt(n), n, confidence)
    else:
        unknown = np.isnan(error) & ~np.isnan(mean)  # one answer says nothing of the others
        low, high = (np.where(unknown, end, np.clip(b, *ends)) for end, b in zip(ends, (low, high), strict=True))
    found: dict[str, Any] = {name: size * mean, f"{name}_low": size * low, f"{name}_high": size * high}
    return frame.assign(**found)


def _add_share(
    frame: pd.DataFrame, name: str, part: str, confidence: float, method: ShareMethod, weighted: bool
) -> pd.DataFrame:
    if weighted:
        return _weighted(frame, name, part, confidence, (0, 1))
    return intervals.add_share(frame, name, part, "responses", confidence, method)


def _add_mean(frame: pd.DataFrame, name: str, confidence: float, weighted: bool) -> pd.DataFrame:
    if weighted:
        finished = _weighted(frame, name, "score", confidence)
    else:
        n, mean = frame["responses"], intervals.ratio(frame["total"], frame["responses"])
        low, high = intervals.mean_t(mean, _deviation(n, mean, frame["squares"]), n, confidence)
        found: dict[str, Any] = {name: mean, f"{name}_low": low, f"{name}_high": high}
        finished = frame.assign(**found)
    one_scale = frame["scales"] <= 1
    for end in ("", "_low", "_high"):
        finished[name + end] = finished[name + end].where(one_scale)
    return finished


def _deviation(n: pd.Series, mean: Array, squares: pd.Series) -> Array:
    """The standard deviation of n scores from the sum of their squares; what rounding leaves of none is none."""
    square = squares.to_numpy(dtype=float)
    left = square - n.to_numpy(dtype=float) * mean**2
    spread = np.where(left > ROUNDING * square, left, np.minimum(left, 0) * 0)
    return np.sqrt(intervals.ratio(spread, n - 1))


def _effective(frame: pd.DataFrame) -> Array:
    """How many answers of equal weight would say as much? Unknown where there are none."""
    if "w" in frame:
        return intervals.kish(frame["w"], frame["ww"])
    n = frame["responses"].to_numpy(dtype=float)
    return np.where(n > 0, n, np.nan)


def _with_effective(frame: pd.DataFrame, measures: tuple[str, ...]) -> pd.DataFrame:
    """The groups, the responses and the measures, what was left out, and effective_responses."""
    own = ("responses", *measures, "missing", "invalid")
    groups = [c for c in frame.columns if c not in own and not _is_sum(c)]
    return frame.assign(effective_responses=_effective(frame))[[*groups, *own, "effective_responses"]]


def _is_sum(column: str) -> bool:
    return column in ("w", "ww") or column.startswith(("w ", "ww "))


def _ordered(frame: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """The groups, and these columns in their order; then effective_responses."""
    counted = {"total", "squares", "scales", "unscaled", "satisfied", "easy", "top_two", "scale_low", "scale_high",
               "higher_is_better", *columns}  # fmt: skip
    groups = [c for c in frame.columns if c not in counted and not _is_sum(c)]
    return frame.assign(effective_responses=_effective(frame))[[*groups, *columns, "effective_responses"]]
