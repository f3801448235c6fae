"""A against B: published intervals and tests, the same names on both sides, and agreement with the two answers alone."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportions_ztest

import cx_metrics as cx
from cx_metrics.errors import OptionProblem, ViewProblem
from cx_metrics.view import Filter, View
from tests.conftest import dataset, paths
from tests.test_flows import random_journeys, records, timed

A, B = (View(customers=(Filter("persona", (name,)),)) for name in "ab")
NOBODY = View(customers=(Filter("persona", ("nobody",)),))


def two(a: list[str], b: list[str]) -> Any:
    """A dataset of the journeys of two personas."""
    return dataset([row | {"persona": "a" if int(row["customer_id"][1:]) <= len(a) else "b"} for row in paths(*a, *b)])


def random_two(seed: str, customers: int = 120) -> Any:
    journeys = random_journeys(random.Random(seed), customers)
    return dataset([row | {"persona": "ab"[len(u) % 2]} for u, items in journeys.items() for row in timed(u, *items)])


def test_difference_of_56_of_70_and_48_of_80_is_that_of_newcombe() -> None:
    #: Newcombe (1998): .2, [.0524, .3339]; z 2.6502, p .00805
    store = two(["A B"] * 56 + ["A"] * 14, ["A B"] * 48 + ["A"] * 32)
    frame = cx.compare("flow_links", store, A, B).frame
    row = frame[(frame["step"] == 1) & (frame["target"] == "B")].iloc[0]
    assert (row["journeys_a"], row["all_a"], row["journeys_b"], row["all_b"]) == (56, 70, 48, 80)
    assert (row["difference"], row["difference_low"], row["difference_high"]) == pytest.approx(
        (0.2, 0.0524, 0.3339), abs=5e-5
    )
    assert row["p_value"] == pytest.approx(0.00805, abs=5e-6) and row["flagged"]


def test_columns_are_keys_then_sides_then_difference() -> None:
    frame = cx.compare("variants", two(["A B"], ["B"]), A, B).frame
    assert list(frame.columns) == [
        "rank", "path", "steps", "journeys_a", "share_a", "share_a_low", "share_a_high", "journeys_b", "share_b", "share_b_low",
        "share_b_high", "difference", "difference_low", "difference_high", "p_value", "flagged", "all_a", "all_b",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("metric", "keys"),
    [("flow_links", ("step", "source", "target", "kind")), ("step_matrix", ("step", "touchpoint")),
     ("transition_matrix", ("touchpoint", "next_touchpoint")), ("variants", ("path",))],
)  # fmt: skip
@pytest.mark.parametrize(
    "options", [{}, {"exclude": "B", "group": "A*"}, {"start": "A", "end": "D"}, {"end": "D"}], ids=str
)
def test_each_side_has_the_numbers_of_its_own_answer(
    metric: str, keys: tuple[str, ...], options: dict[str, Any]
) -> None:
    if metric == "transition_matrix" and {"start", "end"} & set(options):
        return  # a matrix of all transitions has no anchors
    store = random_two(metric)
    if "top" in {o.name for o in cx.METRICS[metric].options}:
        options = options | {"top": 200}
    frame = cx.compare(metric, store, A, B, **options).frame
    count = "transitions" if metric == "transition_matrix" else "journeys"
    for view, side in ((A, "a"), (B, "b")):
        alone = cx.run(metric, store, view, **options).frame
        expected = {row[:-1]: row[-1] for row in records(alone, *keys, count)}
        found = {row[:-1]: row[-1] for row in records(frame, *keys, f"journeys_{side}")}
        assert {key: n for key, n in found.items() if n} == expected
        if "share" in alone:
            shares = {row[:-1]: row[-1] for row in records(alone, *keys, "share")}
            for *key, share in records(frame, *keys, f"share_{side}"):
                assert share is None or share == pytest.approx(shares.get(tuple(key), 0))
    assert len(set(records(frame, *keys))) == len(frame)


@pytest.mark.parametrize("metric", ["flow_links", "step_matrix", "transition_matrix", "variants"])
def test_other_days_on_both_sides_ask_the_query_that_is_compiled_already(
    metric: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    journeys = random_journeys(random.Random(metric), 60)
    days = [row | {"persona": "ab"[len(u) % 2], "occurred_at": row["occurred_at"] + timedelta(days=i)}
            for u, items in journeys.items() for i, row in enumerate(timed(u, *items))]  # fmt: skip
    store, first = dataset(days), min(row["occurred_at"] for row in days).date()
    compiled: list[str] = []
    sql = type(store).sql
    monkeypatch.setattr(type(store), "sql", lambda self, asked: compiled.append("") or sql(self, asked))
    found = []
    for persona, since, length in (("a", 0, 1), ("b", 1, 1), ("a", 1, 2)):
        kept = (Filter("persona", (persona,)),)
        ends = [first + timedelta(days=since + length * sides - 1) for sides in (1, 2)]
        a, b = (View(first_day=first, last_day=last, customers=kept) for last in ends)
        expected = cx.compare(metric, dataset(days), a, b).frame
        many = len(compiled)
        found.append(cx.compare(metric, store, a, b).frame)
        assert found[-1].equals(expected) and len(compiled) - many == (0 if len(found) > 1 else many)
    assert not found[0].equals(found[1]) and not found[1].equals(found[2])


def test_the_largest_names_are_chosen_over_both_sides_together() -> None:
    store = two(["X"] * 3 + ["Y"] * 2, ["Z"] * 4 + ["Y"] * 3)  # of A alone X, of B alone Z, of both Y
    frame = cx.compare("flow_links", store, A, B, top=1).frame
    assert records(frame, "source", "journeys_a", "journeys_b") == [("(other)", 3, 4), ("Y", 2, 3)]
    frame = cx.compare("variants", store, A, B, top=2).frame
    assert records(frame, "rank", "path", "journeys_a", "journeys_b") == [(1, ("Y",), 2, 3), (2, ("Z",), 0, 4)]


def test_shares_of_the_transition_matrix_are_those_of_its_rows() -> None:
    frame = cx.compare("transition_matrix", two(["A B", "A"], ["A B", "A B", "B"]), A, B).frame
    row = frame[(frame["touchpoint"] == "A") & (frame["next_touchpoint"] == "B")].iloc[0]
    assert (row["share_a"], row["all_a"], row["share_b"], row["all_b"]) == (0.5, 2, 1, 2)


def test_a_person_in_both_sides_counts_in_both() -> None:
    store = two(["A B"], ["A"])
    frame = cx.compare("variants", store, View(), B).frame
    assert records(frame, "path", "journeys_a", "journeys_b", "all_a", "all_b") == [
        (("A",), 1, 1, 2, 1),
        (("A", "B"), 1, 0, 2, 1),
    ]


@pytest.mark.parametrize("metric", ["flow_links", "step_matrix", "transition_matrix", "variants"])
def test_a_side_without_anybody_has_no_shares_and_nothing_is_flagged(metric: str) -> None:
    store = two(["A B"] * 30, ["A"])
    frame = cx.compare(metric, store, A, NOBODY).frame
    assert len(frame) and not frame["flagged"].any()
    assert (frame["journeys_b"] == 0).all() and (frame["all_b"] == 0).all()
    assert frame[["share_b", "share_b_low", "difference", "difference_low", "p_value"]].isna().all(axis=None)
    assert len(cx.compare(metric, store, NOBODY, NOBODY).frame) == 0


def test_flags_are_those_of_benjamini_and_hochberg_over_all_rows() -> None:
    store = random_two("flags", 400)
    frame = cx.compare("flow_links", store, A, View(customers=B.customers, grain="session"), top=5).frame
    for row in frame.itertuples():
        if row.share_a != row.share_b:
            _z, p = proportions_ztest([row.journeys_a, row.journeys_b], [row.all_a, row.all_b])
            assert row.p_value == pytest.approx(p)
    assert frame["flagged"].tolist() == multipletests(frame["p_value"], 0.10, "fdr_bh")[0].tolist()
    assert 0 < frame["flagged"].sum() < len(frame)


def test_groups_are_compared_each_with_its_own_journeys() -> None:
    rows = [
        row | {"persona": "ab"[i % 2], "region": (None, "n")[i // 2]}
        for i in range(4)
        for row in timed(f"u{i}", ("A", 0))
    ]
    frame = cx.compare("step_matrix", dataset(rows), A, B, by=["region"], steps=2).frame
    assert records(frame, "region", "step", "touchpoint", "journeys_a", "all_a", "journeys_b", "all_b") == [
        ("n", 1, "A", 1, 1, 1, 1), ("n", 2, "path_end", 1, 1, 1, 1), (None, 1, "A", 1, 1, 1, 1), (None, 2, "path_end", 1, 1, 1, 1),
    ]  # fmt: skip


def test_sides_may_take_different_routes_and_have_different_goals() -> None:
    store = dataset(
        [row | {"persona": "ab"[u % 2]} for u in range(6) for row in timed(f"u{u}", ("A", 0), ("B", 9_000))]
    )
    frame = cx.compare("variants", store, View(goal=("B",)), View(goal=("Z",)), who="converters").frame
    assert records(frame, "path", "journeys_a", "journeys_b") == [(("A", "B"), 6, 0)]
    sessions = cx.compare("variants", store, A, View(customers=B.customers, grain="session")).frame
    assert sorted(records(sessions, "path", "journeys_a", "journeys_b")) == [
        (("A",), 0, 3),
        (("A", "B"), 3, 0),
        (("B",), 0, 3),
    ]


def test_the_definition_holds_both_populations_and_a_hash_that_changes_with_either() -> None:
    store = two(["A"], ["B"])
    result = cx.compare("flow_links", store, A, B, version="7")
    assert result.definition["a"]["population"]["customers"] == {"persona": ["a"]}
    assert result.definition["b"]["population"]["customers"] == {"persona": ["b"]}
    assert "both" in result.definition["overlap"] and "population" not in result.definition
    hashes = {
        cx.compare("flow_links", store, *views).definition["hash"] for views in ((A, B), (B, A), (A, A), (A, View()))
    }
    assert len(hashes) == 4 and len(result.to_dict()["rows"]) == len(result.frame)


def test_a_metric_whose_rows_cannot_be_compared_is_refused_and_the_view_has_to_be_answerable() -> None:
    store = two(["A"], ["B"])
    with pytest.raises(OptionProblem, match="bars of its own width.* These can: .*flow_links"):
        cx.compare("time_to_convert", store, A, B, steps="A,B")
    with pytest.raises(ViewProblem, match="no case"):
        cx.compare("flow_links", store, A, View(grain="case"))
    with pytest.raises(ViewProblem, match="cannot be grouped by personna"):
        cx.compare("flow_links", store, A, B, by=["personna"])


# Unlike definitions


def test_two_definitions_differ_in_the_parts_that_decide_numbers() -> None:
    store = two(["A B"], ["B"])
    one = cx.run("variants", store, A, repeats="merge").definition
    other = cx.run("variants", store, View(grain="session"), repeats="keep").definition
    assert cx.differing(one, other) == {
        "population.customers": ({"persona": ["a"]}, {}), "grain": ("journey", "session"), "options.repeats": ("merge", "keep"),
    }  # fmt: skip
    assert cx.differing(one, one) == {}


def test_options_that_only_one_metric_has_differ_from_nothing() -> None:
    store = two(["A B"], ["B"])
    found = cx.differing(cx.run("flow_links", store).definition, cx.run("variants", store).definition)
    assert found["options.steps"] == ("5", None) and found["options.who"] == (None, "all")
    assert not {"title", "question", "hash"} & set(found)


@pytest.mark.long
@pytest.mark.parametrize("metric", ["flow_links", "step_matrix", "transition_matrix"])
def test_many_random_journeys_have_the_counts_of_both_sides(metric: str) -> None:
    store = random_two("long", 10_000)
    options = {} if metric == "transition_matrix" else {"top": 200}
    frame = cx.compare(metric, store, A, B, **options).frame
    keys = cx.METRICS[metric].groups
    count = "transitions" if metric == "transition_matrix" else "journeys"
    both = Counter[tuple[Any, ...]]()
    for view in (A, B):
        for *key, n in records(cx.run(metric, store, view, **options).frame, *keys, count):
            both[tuple(key)] += n
    assert {row[:-2]: row[-2] + row[-1] for row in records(frame, *keys, "journeys_a", "journeys_b")} == both
