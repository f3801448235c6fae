"""Any metric for two views: published intervals and tests, agreement with the two answers alone, and what cannot be compared."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

import cx_metrics as cx
from cx_metrics.differences import COLUMNS, differences
from cx_metrics.engines import Store, memory_store
from cx_metrics.errors import OptionProblem, ViewProblem
from cx_metrics.view import Filter, View
from tests.conftest import MORNING, dataset, paths
from tests.engines.events import questions, random_events
from tests.test_intervals import PLANT_GROWTH

A, B = (View(customers=(Filter("persona", (name,)),)) for name in "ab")
NOBODY = View(customers=(Filter("persona", ("nobody",)),))
SAVERS, OTHERS = (View(customers=(Filter("persona", names),)) for names in (("saver",), ("", "Saver", "new'ish")))


def two(a: list[str], b: list[str], **facts: Any) -> Store:
    """A dataset of the journeys of two personas."""
    return dataset(
        [row | {"persona": "a" if int(row["customer_id"][1:]) <= len(a) else "b"} for row in paths(*a, *b)], **facts
    )


def said(a: Sequence[float], b: Sequence[float], kind: str = "nps", scale: tuple[int, int] = (0, 10)) -> Store:
    """A dataset of the answers of two personas."""
    low, high = scale
    return answered([
        {"survey_type": kind, "score": float(score), "scale_low": low, "scale_high": high, "persona": persona}
        for persona, scores in (("a", a), ("b", b)) for score in scores
    ])  # fmt: skip


def answered(answers: list[dict[str, Any]], touchpoints: list[dict[str, Any]] | None = None, **facts: Any) -> Store:
    """A dataset of answers, each of a customer of its own who has the persona that the answer names."""
    people = [{"customer_id": f"u{i}", "persona": row["persona"]} for i, row in enumerate(answers, 1)]
    given = [
        {name: value for name, value in row.items() if name != "persona"} | {"customer_id": who["customer_id"]}
        for row, who in zip(answers, people, strict=True)
    ]
    return dataset(touchpoints, given, people, **facts)


def only(frame: pd.DataFrame, measure: str, **keys: Any) -> Any:
    """The one row of a measure."""
    for column, value in {"measure": measure, **keys}.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def known(*cells: Any) -> list[Any]:
    """Cells, unknown as None."""
    return [None if cell != cell else cell for cell in cells]


def needed(name: str) -> dict[str, Any]:
    """The options without which a metric cannot be asked."""
    return next(iter(questions(cx.METRICS[name])))


def two_sides(name: str, store: Store, by: Sequence[str] = (), a: View = SAVERS, b: View = OTHERS) -> pd.DataFrame:
    return cx.compare(name, store, a, b, by=by, **needed(name)).frame


@pytest.fixture(scope="module")
def store() -> Store:
    events = random_events(3, customers=40)
    return memory_store(events.tables(), events.facts)[0]


# Known answers


@pytest.mark.parametrize(
    ("method", "low", "high", "p"),
    [("adjusted_wald", 7.91, 50.34, 0.00712), ("wald", 8.44, 51.56, 0.00639), ("bonett_price", 7.91, 50.91, 0.00733)],
)
def test_nps_30_minus_nps_0_is_30_with_the_interval_of_the_method(
    method: str, low: float, high: float, p: float
) -> None:
    store = said([10] * 50 + [7] * 30 + [0] * 20, [9] * 30 + [8] * 40 + [6] * 30)
    result = cx.compare("nps", store, A, B, method=method)
    row = only(result.frame, "nps")
    assert (row["value_a"], row["n_a"], row["value_b"], row["n_b"], row["difference"]) == (30, 100, 0, 100, 30)
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((low, high), abs=0.006)
    assert row["p_value"] == pytest.approx(p, abs=0.000006)
    assert row["method"] == method and row["flagged"] and known(row["relative"]) == [None]
    assert result.definition["differences"] == {"nps": method}


def test_bootstrap_of_nps_stands_around_the_shown_difference_and_repeats_itself() -> None:
    store = said([10] * 50 + [7] * 30 + [0] * 20, [9] * 30 + [8] * 40 + [6] * 30)
    rows = [only(cx.compare("nps", store, A, B, method="bootstrap").frame, "nps") for _ in range(2)]
    assert (rows[0]["difference_low"], rows[0]["difference_high"]) == pytest.approx((8.44, 51.56), abs=2)
    assert known(*rows[0]) == known(*rows[1]) and rows[0]["method"] == "bootstrap"


@pytest.mark.parametrize("method", ["wilson", "jeffreys", "clopper_pearson"])
def test_shares_have_newcombes_interval_whatever_their_own_is(method: str) -> None:
    #: Newcombe (1998): 56/70 and 48/80: .2, [.0524, .3339]; z 2.6502, p .00805
    store = said([5] * 56 + [1] * 14, [4] * 48 + [3] * 32, "csat", (1, 5))
    result = cx.compare("csat", store, A, B, method=method)
    row = only(result.frame, "csat")
    assert (row["value_a"], row["n_a"], row["value_b"], row["n_b"]) == pytest.approx((0.8, 70, 0.6, 80))
    assert (row["difference"], row["difference_low"], row["difference_high"]) == pytest.approx(
        (0.2, 0.0524, 0.3339), abs=5e-5
    )
    assert row["p_value"] == pytest.approx(0.00805, abs=5e-6) and row["method"] == "newcombe"
    assert row["relative"] == pytest.approx(1 / 3)
    alone = cx.run("csat", store, A, method=method).frame.iloc[0]
    assert (row["value_a_low"], row["value_a_high"]) == (alone["csat_low"], alone["csat_high"])
    assert result.definition["intervals"]["csat"] == method and result.definition["differences"]["csat"] == "newcombe"


def test_the_parts_of_shares_are_whole_numbers_again() -> None:
    store = said([5] * 29 + [1] * 21, [5] * 14 + [1] * 36, "csat", (1, 5))  # 29 / 50 × 50 is less than 29
    _z, p = proportions_ztest([29, 14], [50, 50])
    assert only(cx.compare("csat", store, A, B).frame, "csat")["p_value"] == pytest.approx(p)


def test_mean_scores_of_plant_growth_have_welchs_interval() -> None:
    #: R 4.2.2: t 1.1913, df 16.524, p .2504, [-.2875, 1.0295]
    for confidence in (0.95, 0.8):
        result = cx.compare("csat", said(*PLANT_GROWTH.values(), "csat", (1, 7)), A, B, confidence=confidence)
        row = only(result.frame, "mean_score")
        assert (row["difference"], row["p_value"]) == pytest.approx((0.371, 0.2504), abs=6e-5)
        assert row["method"] == "Welch t" and row["n_a"] == row["n_b"] == 10
        if confidence == 0.95:
            assert (row["difference_low"], row["difference_high"]) == pytest.approx((-0.2875, 1.0295), abs=6e-5)
        else:
            assert row["difference_low"] > -0.1


def test_mean_durations_have_welchs_interval_also_where_one_end_was_cut_at_0() -> None:
    rows = [
        {"customer_id": f"{who}{i}", "persona": who, "touchpoint": name, "occurred_at": MORNING + timedelta(seconds=at)}
        for who, lasting in (("a", (0, 0, 900)), ("b", (60, 80, 300, 500)))
        for i, seconds in enumerate(lasting) for name, at in (("A", 0), ("B", seconds))
    ]  # fmt: skip
    row = only(cx.compare("journey_duration", dataset(rows), A, B).frame, "mean_seconds")
    found = stats.ttest_ind((0, 0, 900), (60, 80, 300, 500), equal_var=False)
    ends = found.confidence_interval()
    assert row["value_a_low"] == 0 and row["p_value"] == pytest.approx(found.pvalue)
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((ends.low, ends.high))


def test_other_intervals_are_put_together_from_those_of_the_two_sides() -> None:
    journeys = [["A " * n + "B" for n in counts] for counts in ((1, 2, 3, 4, 9), (1, 1, 2, 2, 3))]
    row = only(cx.compare("touchpoint_engagement", two(*journeys), A, B).frame, "frequency", touchpoint="A")
    assert (row["value_a"], row["value_b"], row["method"]) == (3.8, 1.8, "MOVER")  # 19 and 9 contacts of 5 customers
    down = ((3.8 - row["value_a_low"]) ** 2 + (row["value_b_high"] - 1.8) ** 2) ** 0.5
    up = ((row["value_a_high"] - 3.8) ** 2 + (1.8 - row["value_b_low"]) ** 2) ** 0.5
    assert (row["difference_low"], row["difference_high"]) == pytest.approx((2 - down, 2 + up))
    error = (down + up) / 2 / stats.norm.ppf(0.975)
    assert row["p_value"] == pytest.approx(2 * stats.norm.sf(2 / error))


def test_counts_have_a_difference_and_a_relative_change_and_no_test() -> None:
    row = only(cx.compare("conversion", two(["A"] * 6, ["A"] * 4, goal=("B",)), A, B).frame, "customers")
    assert known(*row[list(COLUMNS[1:])]) == [6, 6, None, None, 4, 4, None, None, 2, None, None, 0.5, None, False, ""]


# Rows of one side


def test_a_count_is_0_where_a_side_lacks_the_row_and_shares_are_unknown() -> None:
    frame = cx.compare("touchpoint_engagement", two(["A B", "A"], ["A", "A"]), A, B).frame
    row = only(frame, "customers", touchpoint="B")
    assert (row["value_a"], row["value_b"], row["n_b"], row["difference"]) == (1, 0, 0, 1)
    row = only(frame, "reach", touchpoint="B")
    assert known(row["value_a"], row["n_b"], row["value_b"], row["difference"]) == [0.5, 0, None, None]
    frame = cx.compare("touchpoint_engagement", two(["A B", "A"], ["A", "A"]), A, NOBODY).frame
    assert known(*only(frame, "customers", touchpoint="B")[["value_b", "difference"]]) == [None, None]


def test_counts_are_0_where_people_are_there_and_the_answer_has_no_rows() -> None:
    frame = cx.compare("transitions", two(["A B"], ["A"]), A, B).frame
    assert only(frame, "transitions")["value_b"] == 0 and only(frame, "transitions")["difference"] == 1


def test_rows_stand_in_the_order_of_a_and_those_of_b_alone_after() -> None:
    frame = cx.compare("rework", two(["B B", "B", "A"], ["C", "C", "C", "A"]), A, B).frame
    assert list(dict.fromkeys(frame["touchpoint"])) == ["B", "A", "C"]
    measures = [m for m in cx.METRICS["rework"].measures if m != "all_journeys"]
    assert frame["measure"].tolist() == measures * 3
    assert list(frame.columns) == ["touchpoint", *COLUMNS]


def test_a_touchpoint_that_nobody_met_has_no_curve_and_its_counts_are_unknown() -> None:
    store = two(["A G", "A", "G"], ["G", "C"], goal=("G",))
    frame = cx.compare("exposure_curve", store, A, B).frame
    row = only(frame, "customers", touchpoint="A", contacts="0")
    assert known(row["value_a"], row["n_b"], row["value_b"], row["difference"]) == [1, 0, None, None]


def test_groups_of_unknown_value_find_each_other() -> None:
    rows = [row | {"persona": "ab"[i % 2], "region": (None, "n")[i // 2]} for i, row in enumerate(paths(*["A"] * 4))]
    frame = cx.compare("conversion", dataset(rows, goal=("A",)), A, B, by=["region"]).frame
    assert len(frame) == 2 * 3 and (frame["value_a"] == frame["value_b"]).all()


# Names that a metric would fold into a rest


def test_curves_among_the_largest_of_one_side_have_the_numbers_of_both() -> None:
    store = two(["X"] * 3 + ["Y"] * 2 + ["X Y"], ["Z"] * 4 + ["Y"] * 3 + ["X"], goal=("G",))
    frame = cx.compare("exposure_curve", store, A, B, top=1).frame
    assert set(frame["touchpoint"]) == {"X", "Z"}
    row = only(frame, "customers", touchpoint="X", contacts="1")
    assert (row["value_a"], row["value_b"]) == (4, 1)


def test_what_came_next_is_counted_by_name_also_where_one_side_alone_would_fold_it() -> None:
    store = two(["S X"] * 3 + ["S Y"] * 2 + ["S V"], ["S Y"] * 4 + ["S X"])
    frame = cx.compare("drop_out_next", store, A, B, steps="S,T", next_top=1).frame
    found = {
        row.next_touchpoint: (row.value_a, row.value_b) for row in frame[frame["measure"] == "customers"].itertuples()
    }
    assert found == {"X": (3, 1), "Y": (2, 4)}  # and no "(other)": it is V on one side, X on the other
    share = only(frame, "share", next_touchpoint="Y")
    assert (share["n_a"], share["n_b"], share["value_b"]) == (6, 5, 0.8)


def test_a_name_that_one_side_does_not_have_counts_0_there_unless_there_are_more_than_can_be_named() -> None:
    few, many = ["S Y"] * 4 + ["S W"], [f"S N{i}" for i in range(201)]  # at most 200 are named
    for others, expected in ((few, 0), (many, None)):
        frame = cx.compare("drop_out_next", two(["S X"] * 3 + ["S Y"], others), A, B, steps="S,T", next_top=1).frame
        assert known(only(frame, "customers", next_touchpoint="X")["value_b"]) == [expected]


def test_groups_of_a_funnel_are_compared_by_name() -> None:
    rows = [
        row | {"persona": persona, "region": region}
        for i, (persona, region) in enumerate([("a", "n")] * 3 + [("a", "s")] * 2 + [("b", "s")] * 3 + [("b", "n")])
        for row in [{"customer_id": f"u{i}", "touchpoint": "A"}]
    ]
    frame = cx.compare("funnel", dataset(rows), A, B, by=["region"], steps="A,B", top=1).frame
    entrants = frame[(frame["measure"] == "entrants") & (frame["step"] == 1)]
    assert list(zip(entrants["region"], entrants["value_a"], entrants["value_b"], strict=True)) == [
        ("n", 3, 1),
        ("s", 2, 3),
    ]


# Periods


def days(*counts: int, first: date = date(2026, 1, 5), name: str = "A") -> list[dict[str, Any]]:
    """So many customers on each day from a Monday on."""
    return [
        {"customer_id": f"{name}{day}.{i}", "touchpoint": name,
         "occurred_at": datetime.combine(first + timedelta(day), MORNING.time())}
        for day, count in enumerate(counts) for i in range(count)
    ]  # fmt: skip


def test_periods_are_compared_by_their_place_in_the_two_ranges() -> None:
    store = dataset(days(1, 2, 3, 0, 5, 6, 7, 8))
    now = View(date(2026, 1, 9), date(2026, 1, 12))  # Friday to Monday
    before = now.previous()
    assert before is not None
    frame = cx.compare("conversion_trend", store, now, before, steps="A,B", period="day").frame
    rows = frame[frame["measure"] == "entrants"]
    assert list(zip(rows["period"], rows["other_period"], rows["value_a"], rows["value_b"], strict=True)) == [
        (date(2026, 1, 9 + i), date(2026, 1, 5 + i), a, b) for i, (a, b) in enumerate(((5, 1), (6, 2), (7, 3), (8, 0)))
    ]


def test_the_place_is_counted_from_the_range_and_not_from_the_first_row() -> None:
    store = dataset(days(0, 2, 0, 3, 4))
    frame = cx.compare(
        "conversion_trend", store, View(date(2026, 1, 7), date(2026, 1, 8)), View(date(2026, 1, 5), date(2026, 1, 6)),
        steps="A,B", period="day",
    ).frame  # fmt: skip
    rows = frame[frame["measure"] == "entrants"]
    assert list(zip(rows["period"], rows["other_period"], rows["value_a"], rows["value_b"], strict=True)) == [
        (date(2026, 1, 8), date(2026, 1, 6), 3, 2)
    ]


def test_a_period_beyond_the_range_or_the_data_of_a_side_is_unknown_there() -> None:
    store = dataset(days(1, 1, 1, 1, 1, 1))
    long, short = View(date(2026, 1, 5), date(2026, 1, 7)), View(date(2026, 1, 9), date(2026, 1, 11))
    frame = cx.compare("conversion_trend", store, long, short, steps="A,B", period="day").frame
    entrants = frame[frame["measure"] == "entrants"]
    assert known(*entrants["value_b"]) == [1, 1, None]  # the data end on the 10th
    assert entrants["other_period"].tolist() == [date(2026, 1, 9), date(2026, 1, 10), date(2026, 1, 11)]


def test_calendar_columns_to_group_by_are_compared_by_place() -> None:
    store = dataset(days(*[1] * 7, *[2] * 7), goal=("A",))
    now = View(date(2026, 1, 12), date(2026, 1, 18))
    frame = cx.compare("conversion", store, now, now.previous() or now, by=["week"]).frame
    row = only(frame, "customers")
    assert (row["week"], row["other_period"]) == (date(2026, 1, 12), date(2026, 1, 5))
    assert (row["value_a"], row["value_b"]) == (14, 7)


def test_segments_of_one_range_are_compared_at_the_same_dates() -> None:
    early, late = days(2, 2), days(0, 0, 3, 3, name="B")
    store = dataset([r | {"persona": "a"} for r in early] + [r | {"persona": "b"} for r in late])
    frame = cx.compare("conversion_trend", store, A, B, steps="A|B,C", period="day").frame
    assert (frame["period"] == frame["other_period"]).all() and frame["period"].nunique() == 4
    row = only(frame, "entrants", period=date(2026, 1, 7))
    assert (row["value_a"], row["value_b"]) == (0, 3)


def test_months_of_unlike_parts_have_no_difference_in_stickiness() -> None:
    store = dataset(days(*[2] * 120, first=date(2026, 1, 1)))
    january, february = View(date(2026, 1, 1), date(2026, 1, 31)), View(date(2026, 2, 1), date(2026, 2, 28))
    whole = only(cx.compare("stickiness", store, february, january).frame, "stickiness")
    assert (whole["month"], whole["other_period"]) == (date(2026, 2, 1), date(2026, 1, 1))
    assert whole["difference"] == pytest.approx(1 / 28 - 1 / 31)
    part = View(date(2026, 1, 1), date(2026, 1, 9))
    row = only(cx.compare("stickiness", store, february, part).frame, "stickiness")
    assert known(row["value_b"], row["difference"], row["p_value"]) == [pytest.approx(1 / 9), None, None]
    assert known(*only(cx.compare("stickiness", store, february, part).frame, "customers")[["difference"]]) == [56 - 18]


def test_two_calendar_columns_at_once_are_refused(store: Store) -> None:
    with pytest.raises(OptionProblem, match="Group by one of week, month"):
        cx.compare("conversion", store, SAVERS, OTHERS, by=["week", "month"])


# What is not alike


def test_scores_on_unlike_scales_have_no_difference() -> None:
    five, seven = (
        [{"survey_type": kind, "score": score, "scale_low": 1.0, "scale_high": high, "persona": persona}
         for kind in ("csat", "ces") for score in (1.0, 4.0, high)]
        for persona, high in (("a", 5.0), ("b", 7.0))
    )  # fmt: skip
    store = answered(five + seven)
    for name, mean, share in (("csat", "mean_score", "csat"), ("ces", "ces", "easy_share")):
        frame = cx.compare(name, store, A, B).frame
        row = only(frame, mean)
        assert known(*row[["difference", "difference_low", "relative", "p_value"]]) == [None] * 4
        assert row["value_a"] == pytest.approx(10 / 3) and row["value_b"] == 4
        assert only(frame, share)["difference"] == pytest.approx(0, abs=0.4)


def test_money_of_unlike_currencies_has_no_difference() -> None:
    rows = [
        {"customer_id": f"{who}{i}", "persona": who, "touchpoint": name, "channel": "web", "value": 9.0 + i, "currency": money}
        for who, money in (("a", "EUR"), ("b", "USD")) for i in range(3) for name in ("A", "G")
    ]  # fmt: skip
    store = dataset(rows, goal=("G",))
    for name, measure, keys in (
        ("channel_performance", "value", {"channel": "web"}),
        ("contact_measures", "mean", {"contact_measure": "value"}),
    ):
        apart = only(cx.compare(name, store, A, B).frame, measure, **keys)
        assert known(apart["difference"], apart["p_value"], apart["relative"]) == [None] * 3 and apart["value_a"] > 0
        assert only(cx.compare(name, store, A, A).frame, measure, **keys)["difference"] == 0
    assert only(cx.compare("channel_performance", store, A, B).frame, "reach", channel="web")["difference"] == 0


def test_a_number_below_0_has_no_relative_change() -> None:
    store = said([0, 0, 10], [0, 0, 0])
    row = only(cx.compare("nps", store, A, B).frame, "nps")
    assert row["value_b"] == -100 and row["difference"] > 0 and known(row["relative"]) == [None]


# Flags, columns, definition


def test_flags_are_those_of_benjamini_and_hochberg_over_all_rows_with_a_p_value() -> None:
    journeys = [random.Random(seed).choices(("A", "A B", "A C", "B C", "C C"), weights, k=150)
                for seed, weights in ((1, (5, 4, 3, 2, 1)), (2, (1, 4, 3, 2, 5)))]  # fmt: skip
    frame = cx.compare("touchpoint_engagement", two(*journeys), A, B).frame
    tested = frame[frame["p_value"].notna()]
    assert tested["flagged"].tolist() == multipletests(tested["p_value"], 0.10, "fdr_bh")[0].tolist()
    assert 0 < tested["flagged"].sum() < len(tested)
    assert not frame.loc[frame["p_value"].isna(), "flagged"].any()


def test_columns_have_their_types_and_counts_are_whole(store: Store) -> None:
    frame = two_sides("stage_engagement", store)
    assert {str(frame[c].dtype) for c in ("n_a", "n_b")} == {"int64"} and frame["flagged"].dtype == bool
    money = two_sides("channel_performance", store)
    assert money["n_a"].isna().any()  # a value names no count that it rests on
    assert set(money.loc[money["n_a"].isna(), "measure"]) == {"value", "cost", "first_touch_value"}


def test_a_measure_among_the_keys_has_a_name_of_its_own(store: Store) -> None:
    frame = two_sides("contact_measures", store)
    assert list(frame.columns[:3]) == ["channel", "contact_measure", "measure"]
    assert {"clicks", "value", "duration_seconds"} == {*frame["contact_measure"]}


@pytest.mark.parametrize("column", ["flagged", "other_period", "contact_measure", "measure"])
def test_a_column_with_the_name_of_one_of_ours_is_refused(column: str) -> None:
    rows = [row | {"persona": "a", column: "x"} for row in paths("A")]
    with pytest.raises(ViewProblem, match=f"a column {column} of its own"):
        cx.compare("conversion", dataset(rows, goal=("A",)), A, B, by=[column])


def test_the_definition_says_both_sides_the_methods_and_that_people_may_be_in_both(store: Store) -> None:
    result = cx.compare("journey_duration", store, SAVERS, View(first_day=date(2025, 11, 1)), version="7")
    definition = result.definition
    assert definition["differences"] == {"mean_seconds": "Welch t", "median_seconds": "MOVER"}
    assert set(definition["tests"]) == {"Welch t", "MOVER"}
    assert definition["a"]["population"]["customers"] == {"persona": ["saver"]} and "population" not in definition
    assert definition["b"]["range"]["first_day"] == "2025-11-01" and definition["data_version"] == "7"
    assert definition["overlap"] == "a person in both sides counts in both; intervals take the sides as independent"
    hashes = {
        cx.compare("nps", store, *views, **more).definition["hash"]
        for views, more in (((SAVERS, OTHERS), {}), ((OTHERS, SAVERS), {}), ((SAVERS, SAVERS), {}),
                            ((SAVERS, OTHERS), {"confidence": 0.9}), ((SAVERS, OTHERS), {"method": "wald"}))
    }  # fmt: skip
    assert len(hashes) == 5
    assert result.metric.question == cx.METRICS["journey_duration"].question


def test_one_door_answers_as_the_comparison_of_numbers_does(store: Store) -> None:
    one, other = cx.compare("nps", store, SAVERS, OTHERS), differences("nps", store, SAVERS, OTHERS)
    assert one.to_dict() == other.to_dict() and one.frame["measure"].tolist()[4] == "nps"
    with pytest.raises(OptionProblem, match="confidence lies between"):
        cx.compare("nps", store, SAVERS, OTHERS, confidence=95)
    with pytest.raises(ViewProblem, match="cannot be grouped by personna"):
        cx.compare("nps", store, SAVERS, OTHERS, by=["personna"])
    with pytest.raises(OptionProblem, match="nps has no option windov"):
        cx.compare("nps", store, SAVERS, OTHERS, windov="1d")
