"""Survey scores through `run`: known answers, groups that stay, scales that do not mix."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from scipy import stats

import cx_metrics as cx
from cx_metrics.errors import DataProblem, OptionProblem
from tests.conftest import dataset

Row = dict[str, Any]


def answers(kind: str, scores: list[float], low: float = 0, high: float = 10, **more: Any) -> list[Row]:
    """One valid answer per score."""
    scale = {"scale_low": float(low), "scale_high": float(high)}
    return [{"survey_type": kind, "score": float(score)} | scale | more for score in scores]


def unscored(kind: str, status: str, score: float | None = None, **more: Any) -> Row:
    return {"survey_type": kind, "score_status": status, "score": score, "scale_low": 0.0, "scale_high": 10.0} | more


def only_row(metric: str, rows: list[Row], **options: Any) -> Row:
    frame = cx.run(metric, dataset(surveys=rows), **options).frame
    assert len(frame) == 1
    return dict(frame.iloc[0])


HUNDRED = answers("nps", [10] * 20 + [9] * 30 + [8] * 15 + [7] * 15 + [6] * 10 + [0] * 10)

# NPS:


@pytest.mark.parametrize(
    ("method", "low", "high"),
    [("wald", 14.69, 45.31), ("adjusted_wald", 14.05, 44.20), ("bonett_price", 14.14, 44.68)],  #
)
def test_fifty_promoters_thirty_passives_twenty_detractors_score_30(method: str, low: float, high: float) -> None:
    row = only_row("nps", HUNDRED, method=method)
    assert (row["responses"], row["promoters"], row["passives"], row["detractors"]) == (100, 50, 30, 20)
    assert row["nps"] == 30
    assert (row["nps_low"], row["nps_high"]) == pytest.approx((low, high), abs=0.006)


def test_adjusted_wald_is_the_default_and_the_bootstrap_is_about_14_to_45() -> None:
    assert only_row("nps", HUNDRED) == only_row("nps", HUNDRED, method="adjusted_wald")
    row = only_row("nps", HUNDRED, method="bootstrap")
    assert (row["nps_low"], row["nps_high"]) == pytest.approx((14, 45), abs=1.01)


def test_every_answer_belongs_to_the_group_of_reichheld() -> None:
    rows = [row for score in range(11) for row in answers("nps", [score], wave=str(score))]
    frame = cx.run("nps", dataset(surveys=rows), by=["wave"]).frame.set_index("wave")
    groups = ["detractors"] * 7 + ["passives"] * 2 + ["promoters"] * 2
    for score, group in enumerate(groups):
        counted = frame.loc[str(score), ["promoters", "passives", "detractors"]]
        assert counted.to_dict() == {g: int(g == group) for g in ("promoters", "passives", "detractors")}


def test_blank_and_off_scale_answers_are_counted_and_left_out() -> None:
    rows = [*answers("nps", [10, 9, 0]), unscored("nps", "missing"), unscored("nps", "invalid", 11.0)]
    row = only_row("nps", [*rows, unscored("nps", "invalid", -1.0)])
    assert (row["responses"], row["missing"], row["invalid"]) == (3, 1, 2)
    assert row["nps"] == pytest.approx(100 / 3)


def test_group_without_a_valid_answer_keeps_its_row_with_null_never_zero() -> None:
    rows = answers("nps", [9, 9], channel="web") + [unscored("nps", "missing", channel="store")] * 8
    rows = [row | {"response_id": str(i)} for i, row in enumerate(rows)]
    result = cx.run("nps", dataset(surveys=rows), by=["channel"]).to_dict()["rows"]
    store = next(row for row in result if row["channel"] == "store")
    assert (store["responses"], store["missing"]) == (0, 8)
    assert store["nps"] is store["nps_low"] is store["nps_high"] is None


def test_answers_whose_group_is_not_known_are_a_group_of_their_own() -> None:
    rows = answers("nps", [9, 0], channel="web") + answers("nps", [10])
    result = cx.run("nps", dataset(surveys=rows), by=["channel"]).to_dict()["rows"]
    assert {row["channel"]: row["nps"] for row in result} == {"web": 0, None: 100}


def test_groups_of_two_columns_start_with_these_columns_in_the_order_asked() -> None:
    rows = answers("nps", [9], channel="web", wave="w1") + answers("nps", [0], channel="web", wave="w2")
    frame = cx.run("nps", dataset(surveys=rows), by=["wave", "channel"]).frame
    assert list(frame.columns[:3]) == ["wave", "channel", "responses"]
    assert frame[["wave", "nps"]].values.tolist() == [["w1", 100], ["w2", -100]]


def test_one_survey_type_never_counts_another() -> None:
    rows = (
        answers("nps", [9]) + answers("csat", [5, 1], 1, 5) + answers("ces", [7], 1, 7) + answers("rating", [3], 1, 5)
    )
    store = dataset(surveys=rows)
    assert [cx.run(m, store).frame["responses"].item() for m in ("nps", "csat", "ces")] == [1, 2, 1]


def test_a_lower_confidence_gives_a_narrower_interval_and_is_said_in_the_definition() -> None:
    store = dataset(surveys=HUNDRED)
    wide, narrow = cx.run("nps", store), cx.run("nps", store, confidence=0.8)
    assert narrow.frame["nps_low"].item() > wide.frame["nps_low"].item()
    assert narrow.definition["confidence"] == 0.8
    # wald at 80 %: 30 ± 1.2816 × 7.810
    row = cx.run("nps", store, confidence=0.8, method="wald").frame.iloc[0]
    assert (row["nps_low"], row["nps_high"]) == pytest.approx((19.99, 40.01), abs=0.006)


def test_a_confidence_that_is_no_share_is_refused() -> None:
    for confidence in (95, 0, 1, -0.5):
        with pytest.raises(OptionProblem, match="between 0 and 1"):
            cx.run("nps", dataset(surveys=HUNDRED), confidence=confidence)


def test_definition_names_the_method_that_made_the_interval() -> None:
    store = dataset(surveys=HUNDRED)
    assert cx.run("nps", store, method="bootstrap").definition["intervals"] == {"nps": "bootstrap"}
    assert cx.run("nps", store).definition["intervals"] == {"nps": "adjusted_wald"}
    made = cx.run("csat", store, method="jeffreys").definition["intervals"]
    assert made == {"csat": "jeffreys", "mean_score": "Student t"}


# CSAT:


def test_eight_satisfied_of_ten_is_80_percent_with_the_wilson_interval() -> None:
    row = only_row("csat", answers("csat", [5, 5, 5, 5, 4, 4, 4, 4, 3, 1], 1, 5))
    assert (row["responses"], row["satisfied"], row["csat"]) == (10, 8, 0.8)
    assert (row["csat_low"], row["csat_high"]) == pytest.approx((0.4902, 0.9433), abs=0.00006)  # R prop.test


@pytest.mark.parametrize(
    ("method", "low", "high"),
    [("clopper_pearson", 0.4439, 0.9748), ("agresti_coull", 0.4794, 0.9541)],  # statsmodels 0.15.0;
)
def test_csat_takes_its_interval_by_name(method: str, low: float, high: float) -> None:
    row = only_row("csat", answers("csat", [5] * 8 + [1] * 2, 1, 5), method=method)
    assert (row["csat_low"], row["csat_high"]) == pytest.approx((low, high), abs=0.00006)


def test_none_satisfied_of_ten_starts_at_exactly_zero() -> None:
    row = only_row("csat", answers("csat", [1, 2, 3, 3, 2, 1, 1, 2, 3, 3], 1, 5))
    assert (row["csat"], row["csat_low"]) == (0, 0)
    assert row["csat_high"] == pytest.approx(0.2775, abs=0.00006)  #


@pytest.mark.parametrize(("high", "boxes"), [(5, (4, 5)), (7, (6, 7)), (10, (9, 10))])
def test_satisfied_are_the_two_highest_boxes_of_the_scale(high: int, boxes: tuple[int, int]) -> None:
    #: 4–5 of 5, 6–7 of 7, 9–10 of 10: two boxes, whatever the scale
    row = only_row("csat", answers("csat", list(range(1, high + 1)), 1, high))
    assert (row["responses"], row["satisfied"], row["csat"]) == (high, 2, 2 / high)
    each = [row for score in range(1, high + 1) for row in answers("csat", [score], 1, high, wave=str(score))]
    frame = cx.run("csat", dataset(surveys=each), by=["wave"]).frame.set_index("wave")
    assert {int(score) for score in frame.index[frame["satisfied"] == 1]} == set(boxes)


def test_mean_score_is_another_number_than_csat_and_carries_students_t() -> None:
    scores = [5.0, 5, 4, 2, 1]
    row = only_row("csat", answers("csat", scores, 1, 5))
    assert row["csat"] == 0.6
    assert row["mean_score"] == pytest.approx(3.4)
    low, high = stats.t.interval(0.95, 4, loc=3.4, scale=stats.sem(scores))
    assert (row["mean_score_low"], row["mean_score_high"]) == pytest.approx((low, high))


def test_csat_on_two_scales_has_one_share_and_no_mean() -> None:
    row = only_row("csat", answers("csat", [5, 1], 1, 5) + answers("csat", [7, 6], 1, 7))
    assert (row["responses"], row["satisfied"], row["csat"]) == (4, 3, 0.75)
    assert all(row[c] != row[c] for c in ("mean_score", "mean_score_low", "mean_score_high"))


def test_csat_can_be_grouped_by_its_scale() -> None:
    rows = answers("csat", [5, 1], 1, 5) + answers("csat", [7, 6], 1, 7)
    frame = cx.run("csat", dataset(surveys=rows), by=["scale_high"]).frame
    assert frame[["scale_high", "satisfied", "mean_score"]].values.tolist() == [[5, 1, 3], [7, 2, 6.5]]


# CES:


def test_effort_answers_7_7_6_5_2_have_mean_5_4_and_four_of_five_found_it_easy() -> None:
    row = only_row("ces", answers("ces", [7, 7, 6, 5, 2], 1, 7))  # CES 2.0,
    assert row["ces"] == pytest.approx(5.4)
    assert (row["easy"], row["responses"], row["easy_share"]) == (4, 5, 0.8)
    # t(4, .975) × s / √n = 2.7764 × √(4.3 / 5) = 2.5748; Wilson of 4 of 5 (statsmodels 0.15.0): .3755, .9638
    assert (row["ces_low"], row["ces_high"]) == pytest.approx((2.8252, 7.9748), abs=0.0002)
    assert (row["easy_share_low"], row["easy_share_high"]) == pytest.approx((0.3755, 0.9638), abs=0.0001)


def test_on_the_seven_point_scale_easy_starts_at_5() -> None:
    row = only_row("ces", answers("ces", [1, 2, 3, 4, 5, 6, 7], 1, 7))
    assert row["easy"] == 3


def test_on_the_effort_scale_of_2010_less_is_better_and_easy_is_1_to_2() -> None:
    row = only_row("ces", answers("ces", [1, 2, 3, 4, 5], 1, 5, higher_is_better=False))
    assert (row["ces"], row["easy"]) == (3, 2)
    assert not row["higher_is_better"]
    assert (row["scale_low"], row["scale_high"]) == (1, 5)


def test_effort_on_two_scales_in_one_group_is_refused() -> None:
    old = answers("ces", [1, 2], 1, 5, higher_is_better=False, wave="2012")
    store = dataset(surveys=old + answers("ces", [7, 6], 1, 7, wave="2026"))
    with pytest.raises(DataProblem, match="different scales"):
        cx.run("ces", store)
    assert cx.run("ces", store, by=["wave"]).frame["ces"].tolist() == [1.5, 6.5]


def test_effort_on_scales_of_one_width_but_two_directions_is_refused_too() -> None:
    rows = answers("ces", [1, 2], 1, 5, higher_is_better=False) + answers("ces", [1, 2], 1, 5)
    with pytest.raises(DataProblem):
        cx.run("ces", dataset(surveys=rows))


def test_the_way_out_that_the_refusal_names_works() -> None:
    store = dataset(surveys=answers("ces", [1, 2], 1, 5, higher_is_better=False) + answers("ces", [7, 6], 1, 7))
    with pytest.raises(DataProblem, match="Group by scale_high"):
        cx.run("ces", store)
    frame = cx.run("ces", store, by=["scale_high"]).frame
    assert frame[["scale_high", "ces"]].values.tolist() == [[5, 1.5], [7, 6.5]]
    assert list(frame.columns).count("scale_high") == 1


@pytest.mark.parametrize("metric", ["nps", "csat", "ces"])
def test_no_answers_at_all_is_one_row_of_zeros_and_nulls(metric: str) -> None:
    row = cx.run(metric, dataset(surveys=[])).to_dict()["rows"]
    assert len(row) == 1
    counts = {k: v for k, v in row[0].items() if k in ("responses", "missing", "invalid")}
    assert counts == {"responses": 0, "missing": 0, "invalid": 0}
    measures = [m for m, d in cx.METRICS[metric].measures.items() if d.interval]
    assert all(row[0][m] is row[0][m + "_low"] is row[0][m + "_high"] is None for m in measures)


@pytest.mark.parametrize("metric", ["csat", "ces"])
def test_one_answer_has_a_mean_without_interval(metric: str) -> None:
    row = cx.run(metric, dataset(surveys=answers(metric, [4], 1, 5))).to_dict()["rows"][0]
    mean = "ces" if metric == "ces" else "mean_score"
    assert (row[mean], row[mean + "_low"], row[mean + "_high"]) == (4, None, None)


def test_calendar_of_answers_is_cut_in_the_zone_of_the_dataset() -> None:
    #: calendar periods are cut in the project time zone. 20:30 UTC on Sunday is Monday 00:00 in Tehran.
    rows = answers("nps", [10], answered_at=datetime(2026, 1, 4, 20, 30)) + answers(
        "nps", [0], answered_at=datetime(2026, 1, 4, 20, 29)
    )
    store = dataset(surveys=rows, zone="Asia/Tehran")
    days = cx.run("nps", store, by=["day"]).to_dict()["rows"]
    assert {row["day"]: row["nps"] for row in days} == {"2026-01-04": -100, "2026-01-05": 100}
    weeks = cx.run("nps", store, by=["week"]).to_dict()["rows"]
    assert {row["week"]: row["nps"] for row in weeks} == {"2025-12-29": -100, "2026-01-05": 100}
