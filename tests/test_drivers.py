"""What goes with a score: published decompositions, a slow second opinion, and answers where the truth is known."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import cx_metrics as cx
from cx_metrics import findings_voice
from cx_metrics import relative_weights as weights
from cx_metrics.drivers import COLLINEAR, CONSTANT, FIX_FIRST, KEEP_UP, LOW_PRIORITY, OVERKILL, SAME_SCORE, TOO_FEW
from cx_metrics.errors import DataProblem, OptionProblem
from tests.conftest import dataset

Row = dict[str, Any]

# Henderson & Velleman (1981), Biometrics 37: 32 cars, mpg cyl disp hp gear (R's mtcars).
CARS = """
21 6 160 110 4; 21 6 160 110 4; 22.8 4 108 93 4; 21.4 6 258 110 3; 18.7 8 360 175 3; 18.1 6 225 105 3; 14.3 8 360 245 3;
24.4 4 146.7 62 4; 22.8 4 140.8 95 4; 19.2 6 167.6 123 4; 17.8 6 167.6 123 4; 16.4 8 275.8 180 3; 17.3 8 275.8 180 3;
15.2 8 275.8 180 3; 10.4 8 472 205 3; 10.4 8 460 215 3; 14.7 8 440 230 3; 32.4 4 78.7 66 4; 30.4 4 75.7 52 4; 33.9 4 71.1 65 4;
21.5 4 120.1 97 3; 15.5 8 318 150 3; 15.2 8 304 150 3; 13.3 8 350 245 3; 19.2 8 400 175 3; 27.3 4 79 66 4; 26 4 120.3 91 5;
30.4 4 95.1 113 5; 15.8 8 351 264 5; 19.7 6 145 175 5; 15 8 301 335 5; 21.4 4 121 109 4
"""
MTCARS = np.array([[float(cell) for cell in row.split()] for row in CARS.split(";")])[:, [1, 2, 3, 4, 0]]
NAMES = ("cyl", "disp", "hp", "gear")
LMG = (0.24705, 0.24350, 0.21091, 0.07773)  # R relaimpo 2.2-7
JOHNSON = (0.22848, 0.22215, 0.23217, 0.09639)  # R rwa


def single(count: int) -> list[list[int]]:
    return [[i] for i in range(count)]


def matrix_of(values: np.ndarray, counts: Any = None) -> np.ndarray:
    return weights.correlations(weights.moments(values, counts))


# The decompositions


def test_the_cars_are_those_of_the_published_r_squared() -> None:
    assert MTCARS.shape == (32, 5)
    assert float(weights.r_squared(matrix_of(MTCARS))) == pytest.approx(0.7791896, abs=5e-8)


def test_lmg_and_relative_weights_of_the_cars_are_the_published_ones_and_add_up_to_r_squared() -> None:
    matrix = matrix_of(MTCARS)
    for split, published in ((weights.lmg, LMG), (weights.johnson, JOHNSON)):
        parts = split(matrix, single(4))
        assert parts == pytest.approx(published, abs=6e-6)
        assert parts.sum() == pytest.approx(0.7791896, abs=5e-8)


def slow_lmg(values: np.ndarray, blocks: list[list[int]]) -> list[float]:
    """The definition, word by word: the mean over all orders, each model fitted anew by least squares."""
    y = values[:, -1] - values[:, -1].mean()

    def explained(columns: list[int]) -> float:
        x = np.column_stack([np.ones(len(values)), values[:, columns]])
        rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
        return 1 - float(rest @ rest / (y @ y))

    parts = [0.0] * len(blocks)
    orders = list(itertools.permutations(range(len(blocks))))
    for order in orders:
        held: list[int] = []
        for driver in order:
            before = explained(held)
            held = held + blocks[driver]
            parts[driver] += (explained(held) - before) / len(orders)
    return parts


@pytest.mark.parametrize(
    "blocks", [single(5), [[0, 1], [2], [3, 4]], [[4], [0, 2, 3], [1]], [[0, 1, 2, 3, 4]]], ids=str
)
def test_lmg_is_the_mean_over_all_orders_also_of_drivers_with_several_columns(blocks: list[list[int]]) -> None:
    chance = np.random.default_rng(7)
    values = chance.normal(size=(60, 6))
    values[:, 1] += values[:, 0]
    values[:, 5] += values @ [1, 0.5, 0, -1, 0.2, 0]
    found = weights.lmg(matrix_of(values), blocks)
    assert found == pytest.approx(slow_lmg(values, blocks), abs=1e-9)


def test_uncorrelated_drivers_have_their_squared_correlations() -> None:
    # a full design: three columns of -1 and 1, each uncorrelated with the others; y = 3 a + 2 b + c: R2 9/14, 4/14, 1/14
    design = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))
    matrix = matrix_of(np.column_stack([design, design @ [3, 2, 1]]))
    for split in (weights.lmg, weights.johnson):
        assert split(matrix, single(3)) == pytest.approx([9 / 14, 4 / 14, 1 / 14])
    assert weights.inflation(matrix, single(3)) == pytest.approx([1, 1, 1])


def test_of_two_equal_columns_each_has_half_and_neither_is_negative() -> None:
    values = np.column_stack([MTCARS[:, 0], MTCARS[:, 0], MTCARS[:, 3:]])
    alone = matrix_of(values[:, 1:])
    for split in (weights.lmg, weights.johnson):
        parts = split(matrix_of(values), single(3))
        assert (parts >= 0).all() and parts[0] == pytest.approx(parts[1])
        assert parts.sum() == pytest.approx(float(weights.r_squared(alone)))
    inflated = weights.inflation(matrix_of(values), single(3))
    assert inflated[0] == inflated[1] == math.inf and math.isfinite(inflated[2])


def test_inflation_is_one_over_what_the_others_leave() -> None:
    for i, found in enumerate(weights.inflation(matrix_of(MTCARS), single(4))):
        others = [c for c in range(4) if c != i]
        x = np.column_stack([np.ones(32), MTCARS[:, others]])
        rest = MTCARS[:, i] - x @ np.linalg.lstsq(x, MTCARS[:, i], rcond=None)[0]
        left = rest @ rest / ((MTCARS[:, i] - MTCARS[:, i].mean()) ** 2).sum()
        assert found == pytest.approx(1 / left)


def test_a_row_that_stands_for_many_weighs_as_many() -> None:
    counts = np.arange(1, 33) % 4
    repeated = np.repeat(MTCARS, counts, axis=0)
    assert matrix_of(MTCARS, counts) == pytest.approx(np.corrcoef(repeated.T))
    assert np.repeat(weights.ranks(MTCARS[:, 0], counts), counts) == pytest.approx(stats.rankdata(repeated[:, 0]))


def test_fifteen_drivers_are_split_exactly() -> None:
    chance = np.random.default_rng(3)
    values = chance.normal(size=(400, 16))
    values[:, -1] += values[:, :15] @ np.linspace(0, 1, 15)
    parts = weights.lmg(matrix_of(values), single(15))
    assert parts.sum() == pytest.approx(float(weights.r_squared(matrix_of(values))))
    # with three drivers in one block each, the same subsets are counted by the definition
    blocks = [list(range(0, 5)), list(range(5, 10)), list(range(10, 15))]
    assert weights.lmg(matrix_of(values), blocks) == pytest.approx(slow_lmg(values, blocks), abs=1e-9)


# Intervals


def test_interval_of_pearson_is_that_of_scipy_and_of_spearman_wider_by_bonett_and_wright() -> None:
    found = stats.pearsonr(MTCARS[:, 0], MTCARS[:, -1])
    theirs = found.confidence_interval(0.95)
    low, high = weights.fisher(found.statistic, 32)
    assert (float(low), float(high)) == pytest.approx((theirs.low, theirs.high))
    # r = .5, n = 28: atanh .5 = .549306, error sqrt((1 + .125) / 25) = .212132; .549306 -+ 1.959964 x .212132 = .133535, .965077
    low, high = weights.fisher(0.5, 28, ranks=True)
    assert (float(low), float(high)) == pytest.approx((math.tanh(0.133535), math.tanh(0.965077)), abs=1e-6)
    assert all(math.isnan(end) for end in weights.fisher(0.5, 3))


def test_bootstrap_draws_a_thousand_and_the_same_ones_twice() -> None:
    first = weights.resampled(MTCARS, np.ones(32, dtype=int))
    assert first.shape == (1_000, 6, 6) and weights.RESAMPLES >= 1_000
    assert (first == weights.resampled(MTCARS, np.ones(32, dtype=int))).all()


def test_bootstrap_of_a_mean_has_the_error_of_the_mean_in_every_way_of_drawing() -> None:
    chance = np.random.default_rng(5)
    values = chance.integers(0, 11, size=(20_000, 1)).astype(float)
    held, counts = np.unique(values, return_counts=True)
    error = values.std() / math.sqrt(len(values))
    drawn = {
        "patterns": weights.resampled(held[:, None], counts),
        "blocks": weights.resampled(values + chance.normal(size=values.shape) * 1e-9, np.ones(len(values), dtype=int)),
        "customers": weights.resampled(values, np.ones(len(values), dtype=int), np.arange(len(values))),
    }
    for way, found in drawn.items():
        means = found[:, 0, 1]
        assert means.std() == pytest.approx(error, rel=0.08), way  # 1,000 draws, 2,000 blocks: 2.7 % of error
        assert means.mean() == pytest.approx(values.mean(), abs=0.2 * error), way


def test_customers_who_answered_the_same_four_times_count_once() -> None:
    chance = np.random.default_rng(6)
    once = chance.normal(size=(1_000, 1))
    four, who = np.repeat(once, 4, axis=0), np.repeat(np.arange(1_000), 4)
    ones = np.ones(4_000, dtype=int)
    by_customer = weights.resampled(four, ones, who)[:, 0, 1].std()
    by_response = weights.resampled(four, ones)[:, 0, 1].std()
    assert by_customer == pytest.approx(once.std() / math.sqrt(1_000), rel=0.08)
    assert by_customer == pytest.approx(2 * by_response, rel=0.12)


# Through the metric


def responses(columns: dict[str, list[float]], score: str, **scale: Any) -> list[Row]:
    """One response per row, with one question per column; `score` is the outcome, of type nps."""
    scales = {"scale_low": 0.0, "scale_high": 500.0} | scale
    count = len(columns[score])
    return [
        {"response_id": f"r{i}", "customer_id": f"u{i}", "survey_type": "nps" if name == score else "csat", "question": name,
         "score": float(values[i])} | scales
        for i in range(count) for name, values in columns.items()
    ]  # fmt: skip


def cars() -> list[Row]:
    columns = dict(zip((*NAMES, "mpg"), MTCARS.T.tolist(), strict=True))
    return responses(columns, "mpg")


@pytest.mark.parametrize(("method", "published"), [("lmg", LMG), ("johnson", JOHNSON)])
def test_questions_of_one_response_are_the_drivers_of_its_score(method: str, published: tuple[float, ...]) -> None:
    store = dataset(surveys=cars())
    frame = cx.run("key_drivers", store, method=method, min_per_driver=8).frame.set_index("driver")
    assert set(frame.index) == set(NAMES) and set(frame["kind"]) == {"csat"}
    assert frame.loc[list(NAMES), "contribution"].tolist() == pytest.approx(published, abs=6e-6)
    assert frame.loc[list(NAMES), "importance"].tolist() == pytest.approx(np.array(published) / 0.7791896, abs=1e-5)
    assert frame["r_squared"].tolist() == pytest.approx([0.7791896] * 4, abs=5e-8)
    # 1 - (1 - .7791896) x 31 / 27
    assert frame["adjusted_r_squared"].tolist() == pytest.approx([0.746477] * 4, abs=5e-7)
    for i, name in enumerate(NAMES):
        rank, plain = stats.spearmanr(MTCARS[:, i], MTCARS[:, -1]), stats.pearsonr(MTCARS[:, i], MTCARS[:, -1])
        assert frame.loc[name, "spearman"] == pytest.approx(rank.statistic)
        assert frame.loc[name, "correlation"] == pytest.approx(plain.statistic)
        assert frame.loc[name, "mean_score"] == pytest.approx(MTCARS[:, i].mean())
    assert (frame["importance_low"] <= frame["importance"]).all() and (frame["importance_high"] < 1).all()


def test_fewer_than_ten_responses_for_each_driver_are_refused_with_their_number() -> None:
    with pytest.raises(DataProblem, match="32 responses know the score and all 4 drivers; 40 are needed, 10 for each"):
        cx.run("key_drivers", dataset(surveys=cars()))
    assert len(cx.run("key_drivers", dataset(surveys=cars()), drivers="cyl|hp|gear").frame) == 3


def test_only_complete_responses_count_and_the_others_are_said() -> None:
    rows = [row for row in cars() if not (row["question"] == "hp" and row["response_id"] in ("r0", "r1"))]
    rows[5] |= {"score_status": "invalid"}  # a question of the second response, which lacks hp anyway
    frame = cx.run("key_drivers", dataset(surveys=rows), min_per_driver=7).frame
    assert set(frame["responses"]) == {30} and set(frame["answers"]) == {32}


def test_questions_that_fewer_than_half_were_asked_are_no_drivers_unless_named() -> None:
    rows = [row for row in cars() if row["question"] != "gear" or int(row["response_id"][1:]) < 15]
    store = dataset(surveys=rows)
    assert set(cx.run("key_drivers", store, min_per_driver=8).frame["driver"]) == {"cyl", "disp", "hp"}
    frame = cx.run("key_drivers", store, drivers="gear|hp", min_per_driver=5).frame
    assert set(frame["driver"]) == {"gear", "hp"} and set(frame["responses"]) == {15}


def wide(count: int, make: Callable[[int], Row], kind: str = "csat") -> list[Row]:
    scale = {"scale_low": 1.0, "scale_high": 5.0}
    return [
        {"response_id": f"r{i}", "customer_id": f"u{i}", "survey_type": kind} | scale | make(i) for i in range(count)
    ]


def test_a_column_of_two_values_stands_as_its_rarer_one_with_a_sign() -> None:
    def late(i: int) -> Row:
        return {"score": 2.0 if i % 4 == 0 else 4.0 + i % 2, "delivery": "late" if i % 4 == 0 else "on time"}

    row = cx.run("key_drivers", dataset(surveys=wide(80, late)), drivers="delivery").frame.iloc[0]
    assert (row["driver"], row["kind"], row["level"], row["mean_score"]) == ("delivery", "attribute", "late", 0.25)
    # late: 20 x 2; on time: 20 x 4 and 40 x 5: means 2 and 14/3; r = -(8/3) sqrt(.25 x .75) / s, s2 = .25 x .75 x 64/9 + .75 x 2/9
    assert row["correlation"] == pytest.approx(-math.sqrt((4 / 3) / (4 / 3 + 1 / 6)))
    assert row["r_squared"] == row["contribution"] == pytest.approx((4 / 3) / (4 / 3 + 1 / 6))


def test_a_column_of_several_values_counts_together_and_has_no_sign() -> None:
    means = {"card": 2.0, "cash": 3.0, "invoice": 5.0}

    def paid(i: int) -> Row:
        kind = list(means)[i % 3]
        return {"score": means[kind] + (i // 3 % 2) * 0.5 - 0.25, "payment": kind}

    row = cx.run("key_drivers", dataset(surveys=wide(90, paid)), drivers="payment").frame.iloc[0]
    between = np.var([2, 3, 5])
    assert row["r_squared"] == pytest.approx(between / (between + 0.0625))
    assert row["level"] is None and math.isnan(row["correlation"]) and math.isnan(row["mean_score"])


def test_a_column_of_numbers_in_text_is_a_measure_and_one_of_names_is_refused() -> None:
    store = dataset(surveys=wide(60, lambda i: {"score": float(1 + i % 5), "waited": str(i % 5 * 10), "name": f"n{i}"}))
    row = cx.run("key_drivers", store, drivers="waited").frame.iloc[0]
    assert (row["kind"], row["mean_score"], row["r_squared"]) == ("measure", 20, pytest.approx(1))
    with pytest.raises(DataProblem, match="column name has 60 different values"):
        cx.run("key_drivers", store, drivers="name")


def test_constant_and_collinear_drivers_are_said() -> None:
    chance = np.random.default_rng(2)
    a, b = chance.integers(1, 6, (2, 90)).astype(float)
    columns = {"same": [3.0] * 90, "a": a.tolist(), "twice a": (2 * a).tolist(), "b": b.tolist(), "y": (a + b).tolist()}
    frame = cx.run("key_drivers", dataset(surveys=responses(columns, "y"))).frame.set_index("driver")
    assert frame["note"].to_dict() == {"same": CONSTANT, "a": COLLINEAR, "twice a": COLLINEAR, "b": None}
    assert math.isnan(frame.loc["same", "importance"]) and math.isnan(frame.loc["a", "vif"])
    assert frame["contribution"].sum() == pytest.approx(1)
    assert frame.loc["a", "contribution"] == pytest.approx(frame.loc["twice a", "contribution"])


def test_where_all_scores_are_the_same_nothing_goes_with_them() -> None:
    columns = {"a": [1.0, 2.0] * 10, "y": [3.0] * 20}
    row = cx.run("key_drivers", dataset(surveys=responses(columns, "y"))).frame.iloc[0]
    assert row["note"] == SAME_SCORE and math.isnan(row["r_squared"]) and math.isnan(row["correlation"])


def test_groups_are_told_apart_and_one_with_too_few_keeps_its_row() -> None:
    rows = wide(
        60,
        lambda i: {"score": float(1 + i % 5), "waited": str((i % 5) * (1 if i < 30 else -1)), "persona": "ab"[i >= 30]},
    )
    rows += [row | {"response_id": "few", "customer_id": "nobody", "persona": None} for row in rows[:1]]
    frame = cx.run("key_drivers", dataset(surveys=rows), by=["persona"], drivers="waited").frame
    assert frame["correlation"].tolist()[:2] == pytest.approx([1, -1])
    assert frame["note"].tolist() == [None, None, TOO_FEW] and frame["responses"].tolist() == [30, 30, 1]


def test_quadrants_are_important_or_not_and_good_or_not() -> None:
    # importance 16 : 9 : 4 : 1 by an orthogonal design; means on the scale 0 to 10 by the level added
    design = np.array(list(itertools.product((-1.0, 1.0), repeat=4)) * 3)
    y = design @ [4, 3, 2, 1]
    columns = {
        name: (at + design[:, i]).tolist() for i, (name, at) in enumerate({"a": 2, "b": 8, "c": 3, "d": 9}.items())
    }
    rows = responses(columns | {"y": y.tolist()}, "y", scale_low=0.0, scale_high=10.0)
    frame = cx.run("key_drivers", dataset(surveys=rows)).frame
    assert frame["driver"].tolist() == ["a", "b", "c", "d"]
    assert frame["importance"].tolist() == pytest.approx([16 / 30, 9 / 30, 4 / 30, 1 / 30])
    assert frame["quadrant"].tolist() == [FIX_FIRST, KEEP_UP, LOW_PRIORITY, OVERKILL]
    assert frame["performance_share"].tolist() == pytest.approx([0.2, 0.8, 0.3, 0.9])


def test_performance_follows_the_direction_of_the_scale() -> None:
    rows = responses({"effort": [1.0, 2.0] * 10, "y": [5.0, 4.0] * 10}, "y", scale_low=1.0, scale_high=5.0)
    rows = [row | {"higher_is_better": row["question"] != "effort"} for row in rows]
    row = cx.run("key_drivers", dataset(surveys=rows)).frame.iloc[0]
    assert (row["mean_score"], row["performance_share"]) == (1.5, pytest.approx(0.875))
    assert row["performance_share_low"] < row["performance_share"] < row["performance_share_high"]


def test_what_cannot_be_meant_is_refused_with_the_names_there_are() -> None:
    store = dataset(surveys=cars())
    with pytest.raises(OptionProblem, match="called mpgg. Nearest: mpg"):
        cx.run("key_drivers", store, outcome="mpgg")
    with pytest.raises(OptionProblem, match="called geer. Nearest: gear"):
        cx.run("key_drivers", store, drivers="geer")
    with pytest.raises(DataProblem, match="Several questions are of the type csat: cyl, disp, gear, hp"):
        cx.run("key_drivers", store, outcome="csat")
    many = {f"q{i}": np.random.default_rng(i).integers(1, 6, 200).astype(float).tolist() for i in range(17)}
    with pytest.raises(OptionProblem, match="lmg takes at most 15 drivers; here are 16.*johnson"):
        cx.run("key_drivers", dataset(surveys=responses(many, "q16")))
    assert len(cx.run("key_drivers", dataset(surveys=responses(many, "q16")), method="johnson").frame) == 16


def test_two_wordings_of_one_score_are_one_outcome_where_nobody_answered_both() -> None:
    rows = cars()
    for row in rows:
        if row["question"] == "mpg" and int(row["response_id"][1:]) % 2:
            row["question"] = "miles per gallon"
    frame = cx.run("key_drivers", dataset(surveys=rows), outcome="nps", min_per_driver=8).frame
    assert frame.set_index("driver").loc[list(NAMES), "contribution"].tolist() == pytest.approx(LMG, abs=6e-6)


def test_names_with_bars_and_quotes_survive_their_text_form() -> None:
    option = next(o for o in cx.METRICS["key_drivers"].options if o.name == "drivers")
    names = ("How, exactly?", 'a "b" | c', "plain")
    assert option.type.parse(option.type.print(names)) == names
    with pytest.raises(OptionProblem, match="name is missing"):
        option.type.parse("a||b")


def test_late_delivery_goes_with_the_score_of_real_orders_more_than_anything_else(
    test_data: Callable[[str], Path],
) -> None:
    folder = test_data("olist_sample")

    def table(name: str) -> list[Row]:
        path = next(folder.glob(f"{name}_dataset*"), None) or next(folder.glob(f"{name}*"))
        held = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        return list(csv.DictReader(io.StringIO(held.decode("utf-8"), newline="")))

    orders = {row["order_id"]: row for row in table("olist_orders")}
    paid: dict[str, Row] = {row["order_id"]: row for row in table("olist_order_payments")}
    rows = []
    for i, review in enumerate(table("olist_order_reviews")):
        order = orders[review["order_id"]]
        arrived, promised = order["order_delivered_customer_date"], order["order_estimated_delivery_date"]
        if not arrived:
            continue
        pay = paid.get(review["order_id"], {})
        rows.append({
            "response_id": str(i), "survey_type": "csat", "scale_low": 1.0, "scale_high": 5.0,
            "score": float(review["review_score"]), "delivered": "late" if arrived > promised else "on time",
            "payment": pay.get("payment_type"), "instalments": pay.get("payment_installments"), "paid": pay.get("payment_value"),
        })  # fmt: skip
    store = dataset(surveys=rows)
    means = cx.run("csat", store, by=["delivered"]).frame.set_index("delivered")
    assert (
        means.loc["late", "responses"] == 323 and means.loc["on time", "responses"] == 3_562
    )  # the data set's own README
    assert means.loc["late", "mean_score"] == pytest.approx(2.427, abs=0.0005)
    assert means.loc["on time", "mean_score"] == pytest.approx(4.294, abs=0.0005)
    frame = cx.run("key_drivers", store, drivers="paid|payment|delivered|instalments").frame
    top = frame.iloc[0]
    assert (top["driver"], top["level"]) == ("delivered", "late") and top["correlation_high"] < -0.3
    assert top["importance_low"] > frame["importance_high"].iloc[1:].max()
    assert str(findings_voice.key_drivers(frame)) == (
        "delivered: late goes with lower scores, more than any other driver"
    )


# The sentence of a page


def said(rows: list[Row], **options: Any) -> tuple[str, str]:
    frame = cx.run("key_drivers", dataset(surveys=rows), **options).frame
    return str(findings_voice.key_drivers(frame)), str(findings_voice.priorities(frame))


def test_the_finding_names_a_driver_only_where_it_stands_out() -> None:
    chance = np.random.default_rng(4)
    a, b, noise = chance.integers(1, 6, (3, 200)).astype(float)
    scale = {"scale_low": 0.0, "scale_high": 20.0}
    clear = responses({"Staff": a.tolist(), "Food": b.tolist(), "y": (4 * a - 0 * b + noise).tolist()}, "y", **scale)
    assert said(clear)[0] == "Staff goes with higher scores, more than any other driver"
    both = responses({"Staff": a.tolist(), "Food": b.tolist(), "y": (a + b).tolist()}, "y", **scale)
    assert said(both)[0] == "100% of the spread of the score goes with 2 drivers; none stands out"
    alone = responses({"Staff": a.tolist(), "y": noise.tolist()}, "y", **scale)
    assert said(alone)[0] == "No driver goes with the score by more than chance allows"
    assert said(alone)[1] == "What matters most for the score stands above the rest"
    low = responses({"Staff": (a / 5).tolist(), "Food": (b + 10).tolist(), "y": (4 * a + noise).tolist()}, "y", **scale)
    assert said(low)[1] == "Staff matters and stands 3% of the way to its best answer"


def test_the_finding_says_where_there_is_nothing_to_say() -> None:
    rows = wide(40, lambda i: {"score": float(1 + i % 5), "waited": str(-(i % 5))})
    assert said(rows)[0] == "Nothing else is known of those who gave this score"
    column, scale = said(rows, drivers="waited")
    assert column == "waited goes with lower scores, more than any other driver"
    assert scale == "No driver has a scale on which it could be called good or bad"
    same = wide(40, lambda i: {"score": 3.0, "waited": str(i % 5)})
    assert said(same, drivers="waited")[0] == "Nothing can be said to go with this score"
