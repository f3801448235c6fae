"""The whole registry at once: every metric is declared in full, answers in the shape of, and survives the edges."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, get_args

import pytest

import cx_metrics as cx
from cx_metrics.engines import Store
from cx_metrics.errors import OptionProblem, ViewProblem
from cx_metrics.registry import Metric, Unit
from cx_metrics.view import Filter, Passing, View
from pages.parts.page import INTERVALS
from tests.conftest import MORNING, dataset, paths, seldom

Row = dict[str, Any]
ALL = list(cx.METRICS)
STEPPED = ("funnel", "time_to_convert", "conversion_trend", "drop_out_next", "drop_out_correlates")
ASKED: dict[str, dict[str, Any]] = {name: {"steps": "A,B,C"} for name in STEPPED}  # options without a default
ASKED["drop_out_correlates"] |= {"min_support": 0}  # of a handful of customers
ASKED["score_difference"] = {"column": "customer_id", "first": "u1"}
ASKED["key_drivers"] = {"drivers": "channel", "min_per_driver": 0}
ENDS = ("", "_low", "_high")


def pm(name: str) -> list[str]:
    """A measure with its interval: what writes as ±."""
    return [name + end for end in ENDS]


ENGAGEMENT = [
    "customers", *pm("reach"), "touchpoints", *pm("frequency"), "depth_median", "dwell_seconds_median", "dwell_customers",
    *pm("next_stage_rate"), *pm("bounce_rate"),
]  # fmt: skip
COLUMNS = {  #
    "flow_links": ["step", "source", "target", "kind", "journeys", "mean_seconds", "median_seconds"],
    "flow_branch": [
        "step", "source", "target", "kind", "journeys", *pm("share"), "mean_seconds", "median_seconds", "all_journeys",
    ],
    "flow_through": [
        "journeys", *pm("share"), "converted", *pm("conversion_rate"), "other_journeys", "other_converted", *pm("other_rate"),
        *pm("difference"), "all_journeys",
    ],
    "branch_paths": [
        "rank", "path", "steps", "journeys", *pm("share"), "converted", *pm("conversion_rate"), "median_seconds",
    ],
    "transitions": ["touchpoint", "next_touchpoint", "transitions", "journeys", "mean_seconds", "median_seconds"],
    "step_matrix": ["step", "touchpoint", "journeys", *pm("share"), "all_journeys"],
    "transition_matrix": ["touchpoint", "next_touchpoint", "transitions", *pm("share"), "all_transitions"],
    "rework": ["touchpoint", "journeys", "reworked", *pm("rework_rate"), "occurrences", "begins", "ends", "all_journeys"],
    "time_to_next": ["touchpoint", "journeys", "went_on", "timed", *pm("median_seconds")],
    "group_traits": [
        "kind", "trait", "customers_with", "customers", *pm("share"), "others_with", "others", *pm("share_of_others"),
        *pm("difference"), "p_value", "q_value", "flagged",
    ],
    "journey_clusters": [
        "cluster", "journeys", *pm("share"), "path", "path_journeys", "more", "less", "converted", *pm("conversion_rate"),
        "steps_mean", "silhouette", "stability", "all_journeys", "journeys_of_view",
    ],
    "journey_duration": ["journeys", *pm("mean_seconds"), *pm("median_seconds"), "touchpoints_mean"],
    "variants": [
        "rank", "path", "steps", "journeys", *pm("share"), "converted", *pm("conversion_rate"), "median_seconds",
    ],
    "funnel": [
        "step", "touchpoint", "customers", *pm("share_of_first"), *pm("share_of_previous"), "drop_off",
        "mean_seconds", "median_seconds", "p90_seconds",
    ],
    "time_to_convert": ["bar", "from_seconds", "to_seconds", "customers", *pm("share"), "all_customers"],
    "drop_out_next": [
        "step", "touchpoint", "next_touchpoint", "customers", *pm("share"), "median_seconds", "lost",
    ],
    "drop_out_correlates": [
        "step", "touchpoint", "kind", "trait", "lost_with", "with_trait", *pm("lost_share_with"),
        "lost_without", "without_trait", *pm("lost_share_without"), *pm("difference"), *pm("ratio"),
        "p_value", "q_value", "flagged", "lost", "compared",
    ],
    "conversion_trend": ["period", "entrants", "converted", *pm("conversion_rate"), "not_over"],
    "stage_engagement": ["stage", *ENGAGEMENT],
    "touchpoint_engagement": ["touchpoint", *ENGAGEMENT],
    "channel_engagement": ["channel", *ENGAGEMENT],
    "type_engagement": ["touchpoint_type", *ENGAGEMENT],
    "phase_engagement": ["phase", *ENGAGEMENT],
    "exposure_curve": ["touchpoint", "contacts", "customers", "converted", *pm("conversion_rate")],
    "stickiness": ["month", "days", "is_partial", "customers", "daily_customers_mean", *pm("stickiness")],
    "active_days": ["active_days", "customers", *pm("share"), "population"],
    "contact_measures": [
        "channel", "measure", "contacts", "known", "missing", "not_numbers", "customers", "total", *pm("mean"), "median",
        *pm("per_customer"), "currency",
    ],
    "channel_performance": [
        "channel", "customers", *pm("reach"), "touchpoints", "converted", *pm("conversion_rate"),
        "first_touch_conversions", "last_touch_conversions", "value",
    ],
    "nps": ["responses", "promoters", "passives", "detractors", *pm("nps"), "missing", "invalid"],
    "csat": ["responses", "satisfied", *pm("csat"), *pm("mean_score"), "missing", "invalid"],
    "rating": ["responses", *pm("mean_score"), "top_two", *pm("top_two_share"), "missing", "invalid"],
    "score_difference": ["score", "group_a", "group_b", "n_a", "value_a", "n_b", "value_b", *pm("difference"), "p_value"],
    "distribution": ["survey_type", "question", "score", "responses", *pm("share"), "all_responses"],
    "key_drivers": [
        "driver", "kind", "level", "responses", *pm("correlation"), *pm("spearman"), *pm("importance"), *pm("contribution"),
        *pm("mean_score"), *pm("performance_share"), "vif", *pm("r_squared"),
    ],
    "ces": ["responses", *pm("ces"), *pm("easy_share"), "missing", "invalid"],
    "sentiment": ["comments", "read", "negative", "neutral", "positive", *pm("negative_share"), *pm("positive_share")],
    "themes": [
        "theme", "comments", "of", *pm("share"), "read", "negative", "neutral", "positive", *pm("negative_share"),
        *pm("positive_share"), "scored", *pm("mean_score"),
    ],
    "response_rate": [
        "invited", "starts", "completes", *pm("response_rate"), *pm("start_rate"), *pm("completion_rate"), "partials", "sent",
        "bounced", "opted_out", "completes_from",
    ],
    "answer_rate": ["band", "customers", "answered", *pm("answer_rate")],
    "adjusted_nps": [
        "customers", "answered", *pm("answer_rate"), *pm("raw_nps"), *pm("adjusted_nps"), *pm("difference"), "p_value", "flagged",
        "effective_answers", "largest_weight", "trimmed", "beyond", "traits", "refusal",
    ],
    "answer_bias": [
        "column", "value", "customers", "answered_with", *pm("share_of_answered"), "silent_with", *pm("share_of_silent"),
        *pm("difference"), "standardised", "p_value", "q_value", "flagged", "answered", "silent",
    ],
}  # fmt: skip


def answers() -> list[Row]:
    """Two answers of each scored type."""
    types = (("nps", 10.0), ("csat", 5.0), ("ces", 7.0))
    return [
        {"survey_type": kind, "score": score, "scale_low": 0.0, "scale_high": high, "customer_id": f"u{i}"}
        for kind, high in types
        for i, score in enumerate((high, 3.0), 1)
    ]


def invited() -> list[Row]:
    """One invitation that was answered, one that was not."""
    return [
        {"customer_id": f"u{i}", "status": status, "sent_at": MORNING}
        for i, status in enumerate(("sent", "completed"), 1)
    ]


@pytest.fixture(scope="module")
def full() -> Store:
    """A small dataset with stages, channels, values, personas and answers; some of each is not known."""
    rows = paths("A B C", "A B B", "C", "A C")
    for i, row in enumerate(rows):
        row |= {"channel": ["web", "store", None][i % 3], "stage": ["awareness", "action", None, "elsewhere"][i % 4]}
        row |= {"value": [None, 2.5][i % 2], "touchpoint_type": "digital"}
    people = [{"customer_id": "u1", "persona": "saver", "responses": "x", "n": "1"}]
    return dataset(rows, answers(), people, invitations=invited(), goal=("C",))


def run(name: str, store: Store, view: View | None = None, **more: Any) -> cx.Result:
    return cx.run(name, store, view, **ASKED.get(name, {}), **more)


@pytest.fixture(scope="module")
def results(full: Store) -> dict[str, cx.Result]:
    """Every metric's answer about the small dataset."""
    return {name: run(name, full, version="7") for name in ALL}


def as_json(result: cx.Result) -> Row:
    """What the result looks like on the other side of a wire; fails on numbers that JSON does not have."""
    back: Row = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    return back


# Declarations


@pytest.mark.parametrize("name", ALL)
def test_every_metric_says_what_it_is(name: str) -> None:
    metric = cx.METRICS[name]
    assert metric.name == name
    for text in (metric.title, metric.unit, metric.denominator, metric.source, metric.question, metric.description):
        assert text and text == text.strip()
    assert metric.question.endswith("?")
    assert metric.inputs and metric.measures


@pytest.mark.parametrize("name", ALL)
def test_every_measure_has_a_title_a_unit_and_a_meaning(name: str) -> None:
    for measure in cx.METRICS[name].measures.values():
        assert measure.title and measure.meaning
        assert measure.unit in get_args(Unit)
        if measure.interval or measure.unit in ("share", "points", "ratio"):
            assert measure.n, f"{measure.title} of {name} does not say which count it rests on"
        if measure.n:
            assert cx.METRICS[name].measures.get(measure.n) is not None, f"{measure.n} of {name} is not a measure"


@pytest.mark.parametrize("name", ALL)
def test_every_share_and_score_has_an_interval(name: str) -> None:
    for key, measure in cx.METRICS[name].measures.items():  #
        if measure.unit in ("share", "points", "score", "per customer"):
            assert measure.interval, f"{key} of {name}"


@pytest.mark.parametrize("name", ALL)
def test_every_option_explains_itself_and_reads_back_its_default(name: str) -> None:
    for option in cx.METRICS[name].options:
        assert option.type.help
        assert option.flag == "--" + option.name.replace("_", "-")
        if not option.required:
            printed = option.type.print(option.default)
            assert option.type.parse(printed) == option.default == option.read(option.default) == option.read(printed)


def test_all_metrics_of_the_model_are_there() -> None:
    assert set(COLUMNS) <= set(ALL)


# Results


@pytest.mark.parametrize("name", ALL)
def test_a_result_has_the_columns_of_the_model_in_their_order(name: str, results: dict[str, cx.Result]) -> None:
    columns = list(results[name].frame.columns)
    expected = COLUMNS.get(name, [])
    assert columns[: len(expected)] == expected
    assert len(set(columns)) == len(columns)


@pytest.mark.parametrize("name", ALL)
def test_a_measure_with_an_interval_stands_between_its_ends_beside_its_count(
    name: str, results: dict[str, cx.Result]
) -> None:
    metric, frame = cx.METRICS[name], results[name].frame
    for key, measure in metric.measures.items():
        assert key in frame
        assert (key + "_low" in frame) == (key + "_high" in frame) == bool(measure.interval)
        if measure.n:
            assert (frame[measure.n] >= 0).all()
            known = frame[key].notna()
            assert (frame[measure.n][known] > 0).all(), f"{key} is known where {measure.n} is 0"
        if measure.interval and name not in ("nps", "score_difference"):  # those of NPS stand around the adjusted score
            low, high = frame[key + "_low"], frame[key + "_high"]
            assert ((low <= frame[key]) & (frame[key] <= high) | low.isna()).all()
        if measure.unit == "share":
            assert frame[key].dropna().between(0, 1).all()
            assert frame[key + "_low"].notna().tolist() == frame[key].notna().tolist()


@pytest.mark.parametrize("name", ALL)
def test_a_result_says_what_its_numbers_mean(name: str, results: dict[str, cx.Result]) -> None:
    definition = as_json(results[name])["definition"]
    metric = cx.METRICS[name]
    assert (definition["metric"], definition["title"], definition["source"]) == (name, metric.title, metric.source)
    assert (definition["unit"], definition["denominator"]) == (metric.unit, metric.denominator)
    assert set(definition["options"]) == {o.name for o in metric.options}
    assert set(definition["intervals"]) == {key for key, m in metric.measures.items() if m.interval}
    assert definition["data_version"] == "7" and definition["confidence"] == 0.95 and len(definition["hash"]) == 16


def test_the_hash_changes_with_everything_that_decides_the_numbers(full: Store) -> None:
    views = [
        View(),
        View(first_day=date(2026, 1, 1)),
        View(customers=(Filter("persona", ("saver",)),)),
        View(grain="session"),
        View(goal=("A",)),
        View(passing=Passing(1, "A")),
    ]
    hashes = [run("csat", full, view).definition["hash"] for view in views]
    changes = ({"method": "jeffreys"}, {"by": ["persona"]}, {"version": "2"}, {"confidence": 0.9})
    hashes += [run("csat", full, **change).definition["hash"] for change in changes]
    assert len(set(hashes)) == len(hashes)
    assert run("csat", full, method="wilson").definition["hash"] == hashes[0]


# Groups


@pytest.mark.parametrize("by", [["persona"], ["customer_id", "n"], ["scale_high"]], ids=",".join)
@pytest.mark.parametrize("name", ["nps", "csat", "ces"])
def test_answers_can_be_grouped_by_any_column(name: str, by: list[str], full: Store) -> None:
    result = run(name, full, by=by)
    assert list(result.frame.columns[: len(by) + 1]) == [*by, "responses"]
    rows = as_json(result)["rows"]
    assert sum(row["responses"] for row in rows) == 2
    assert len({tuple(row[c] for c in by) for row in rows}) == len(rows)


@pytest.mark.parametrize("by", [["customer_id", "persona"], ["value"]], ids=",".join)
@pytest.mark.parametrize("name", [n for n in ALL if cx.METRICS[n].inputs == ("touchpoints",)])
def test_touchpoints_can_be_grouped_by_any_column(
    name: str, by: list[str], full: Store, results: dict[str, cx.Result]
) -> None:
    if set(by) & set(cx.METRICS[name].measures):
        with pytest.raises(ViewProblem, match="cannot be grouped by"):
            run(name, full, by=by)
        return
    result = run(name, full, by=by)
    columns = [*by, *results[name].frame.columns]
    assert list(result.frame.columns) == columns
    keys = [c for c in (*by, *cx.METRICS[name].groups) if c in columns]
    rows = as_json(result)["rows"]
    found = [json.dumps([row[c] for c in keys]) for row in rows]
    assert rows and len(set(found)) == len(found), f"{name} has two rows for one group"


def test_grouping_by_a_column_that_is_not_there_names_the_nearest(full: Store) -> None:
    with pytest.raises(ViewProblem, match="cannot be grouped by personna. Nearest: persona"):
        run("nps", full, by=["personna"])
    with pytest.raises(ViewProblem, match="cannot be grouped by responses"):
        run("nps", full, by=["responses"])  # the result has a column of that name


def test_a_column_asked_twice_groups_once(full: Store) -> None:
    assert list(run("nps", full, by=["persona", "persona"]).frame.columns[:2]) == ["persona", "responses"]


# Edges:, STYLE §7


def nothing() -> Store:
    return dataset([], [], invitations=[], goal=("C",))


def one_row() -> Store:
    return dataset(paths("A"), answers()[:1], invitations=invited()[:1], goal=("C",))


def all_null() -> Store:
    unscored = [row | {"score": None, "score_status": "missing", "customer_id": None} for row in answers()]
    asked = [row | {"customer_id": None, "sent_at": None} for row in invited()]
    return dataset([row | {"occurred_at": None} for row in paths("A")], unscored, invitations=asked, goal=("C",))


def equal_times() -> Store:
    rows = [row | {"occurred_at": MORNING} for row in paths("A B C", "C A", "B")]
    return dataset(rows, [row | {"answered_at": MORNING} for row in answers()], invitations=invited(), goal=("C",))


@pytest.mark.parametrize("edge", [nothing, all_null, *seldom(one_row, equal_times)])
def test_every_metric_answers_at_the_edge(edge: Callable[[], Store]) -> None:
    store = edge()
    for name, metric in cx.METRICS.items():
        if metric.needs_time and edge is all_null:
            with pytest.raises(ViewProblem, match="needs times"):
                run(name, store)
            continue
        column = "channel" if "channel" not in metric.groups else "session_number"
        whole = run(name, store)
        if edge is nothing:
            assert list(run(name, store, by=[column]).frame.columns) == [column, *whole.frame.columns]
        expected = COLUMNS.get(name, [])
        assert list(whole.frame.columns[: len(expected)]) == expected
        for row in as_json(whole)["rows"]:
            for key, measure in metric.measures.items():
                if measure.unit == "count" and measure.n is None:
                    assert isinstance(row[key], int), f"{name}: the count {key} is {row[key]}"
                if measure.unit == "share" and measure.n is not None and row[measure.n] == 0:
                    assert row[key] is row[key + "_low"] is row[key + "_high"] is None


def test_metrics_of_customers_or_answers_have_one_row_even_of_nothing() -> None:
    for name in ("nps", "csat", "ces", "conversion", "time_to_goal", "journey_duration"):
        assert len(run(name, nothing()).frame) == 1
    assert run("funnel", nothing()).frame["customers"].tolist() == [0, 0, 0]


def test_a_table_that_was_not_uploaded_is_named() -> None:
    with pytest.raises(ViewProblem, match="Net Promoter Score needs a file of survey answers"):
        run("nps", dataset(paths("A")))
    with pytest.raises(ViewProblem, match="Journey flow needs a file of touchpoints"):
        run("flow_links", dataset(surveys=answers()))


# What is asked wrongly


def test_a_metric_or_option_that_is_not_there_is_refused_with_the_nearest(full: Store) -> None:
    with pytest.raises(OptionProblem, match="no metric funel. Nearest: funnel"):
        cx.run("funel", full)
    with pytest.raises(OptionProblem, match="funnel has no option windov.*Nearest: window"):
        run("funnel", full, windov="1d")
    with pytest.raises(OptionProblem, match="funnel needs the option --steps"):
        cx.run("funnel", full)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("flow_links", {"steps": 99}),
        ("flow_links", {"top": 2.5}),
        ("variants", {"repeats": 3}),
        ("funnel", {"window": timedelta(0)}),
        ("funnel", {"window": 5}),
        ("channel_performance", {"lookback": "soon"}),
        ("csat", {"method": "wald"}),
    ],
)
def test_an_option_out_of_bounds_is_refused_as_value_and_as_text(name: str, options: Row, full: Store) -> None:
    with pytest.raises(OptionProblem):
        run(name, full, **options)


def test_texts_and_values_of_options_give_the_same_answer(full: Store) -> None:
    text = run("channel_performance", full, lookback="36h")
    value = run("channel_performance", full, lookback=timedelta(hours=36))
    assert as_json(text) == as_json(value)
    assert text.definition["options"] == {"lookback": "36h"}


def test_a_metric_stays_a_plain_function_that_takes_tables_by_and_its_options() -> None:
    metric: Metric
    for name, metric in cx.METRICS.items():
        asked = inspect.signature(metric.walk.declared if metric.walk else metric.query).parameters
        assert list(asked)[: len(metric.inputs)] == list(metric.inputs)
        functions = [asked] if metric.walk is None else [asked, inspect.signature(metric.function).parameters]
        assert all("by" in parameters for parameters in functions)
        keyword = [p for ps in functions for p, q in ps.items() if q.kind is inspect.Parameter.KEYWORD_ONLY]
        assert keyword == [o.name for o in metric.options], name


def test_every_interval_has_a_name_on_the_page() -> None:
    used = {m.interval for metric in cx.METRICS.values() for m in metric.measures.values() if m.interval}
    assert used <= set(INTERVALS)
