"""Kinds of journeys: distances by hand, medoids against every swap, silhouettes as scikit-learn has them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cx_metrics as cx
from cx_metrics.medoids import best_number, distances, medoids, nearest_of, silhouettes, stability
from cx_metrics.view import Filter, View
from tests.conftest import dataset, paths

PATHS = st.lists(
    st.lists(st.sampled_from("ABC"), min_size=1, max_size=4).map(tuple), min_size=3, max_size=9, unique=True
)


def test_two_journeys_are_apart_by_the_moves_they_do_not_share() -> None:
    # beginning > A, A > B, B > end; beginning > A, A > C, C > end: one of five moves is shared
    found = distances([("A", "B"), ("A", "C"), ("D",)])
    assert found[0] == pytest.approx([0, 0.8, 1])
    assert (found == found.T).all()


def test_a_move_made_twice_is_two_moves() -> None:
    # >A AB BA AB B> against >A AB B>: three of five moves are shared
    assert distances([("A", "B", "A", "B"), ("A", "B")])[0, 1] == pytest.approx(1 - 3 / 5)


def test_the_adjusted_rand_index_is_that_of_its_source() -> None:
    from sklearn.metrics import adjusted_rand_score

    assert adjusted_rand_score([0, 0, 1, 1], [0, 0, 1, 2]) == pytest.approx(4 / 7)


@given(PATHS, st.integers(1, 3), st.data())
@settings(deadline=None, max_examples=60)
def test_no_swap_of_a_medoid_is_better(found: list[tuple[str, ...]], k: int, data: st.DataObject) -> None:
    apart = distances(found)
    weights = np.array(data.draw(st.lists(st.integers(1, 5), min_size=len(found), max_size=len(found))))
    chosen = medoids(apart, weights, k)
    cost = float(apart[:, chosen].min(axis=1) @ weights)
    for kept in combinations(chosen.tolist(), k - 1):
        for other in range(len(found)):
            swapped = float(apart[:, [*kept, other]].min(axis=1) @ weights)
            assert cost <= swapped + 1e-9
    assert len(set(chosen.tolist())) == k


def test_medoids_of_two_clear_groups_are_the_best_of_all_choices() -> None:
    found = [("A", "B"), ("A", "B", "C"), ("A", "B", "D"), ("X", "Y"), ("X", "Y", "Z"), ("X", "Y", "V")]
    apart, weights = distances(found), np.array([5, 1, 1, 4, 1, 1])
    costs = {pair: float(apart[:, list(pair)].min(axis=1) @ weights) for pair in combinations(range(6), 2)}
    assert tuple(medoids(apart, weights, 2)) == min(costs, key=lambda pair: costs[pair]) == (0, 3)


@given(PATHS, st.data())
@settings(deadline=None, max_examples=40)
def test_silhouettes_are_those_of_scikit_learn(found: list[tuple[str, ...]], data: st.DataObject) -> None:
    from sklearn.metrics import silhouette_samples

    apart = distances(found)
    weights = np.array(data.draw(st.lists(st.integers(1, 3), min_size=len(found), max_size=len(found))))
    labels = nearest_of(apart, medoids(apart, weights, 2))
    single = np.repeat(np.arange(len(found)), weights)
    theirs = silhouette_samples(apart[np.ix_(single, single)], labels[single], metric="precomputed")
    assert silhouettes(apart, labels, weights)[single] == pytest.approx(theirs)


def clear() -> list[str]:
    """30 journeys that shop, 20 that ask for help, 5 + 5 that shop or ask a little otherwise."""
    return ["ad site buy"] * 30 + ["call chat call"] * 20 + ["ad site cart buy"] * 5 + ["call chat"] * 5


def test_clear_kinds_are_found_named_and_steady() -> None:
    frame = cx.run("journey_clusters", dataset(paths(*clear()), goal=("buy",)), clusters=2).frame
    assert frame["journeys"].tolist() == [35, 25] and frame["all_journeys"].tolist() == [60, 60]
    assert frame["path"].tolist() == [["ad", "site", "buy"], ["call", "chat", "call"]]
    assert frame["path_journeys"].tolist() == [30, 20]
    assert frame["more"].tolist() == [
        ["ad", "buy"],
        ["call", "chat"],
    ]  # met by all of the one, by none of the other: by name
    assert frame["less"].tolist() == [["call", "chat"], ["ad", "buy"]]
    assert frame["conversion_rate"].tolist() == [1, 0] and frame["converted"].tolist() == [35, 0]
    assert frame["stability"].tolist() == [1, 1]
    assert frame["steps_mean"].tolist() == pytest.approx([(30 * 3 + 5 * 4) / 35, (20 * 3 + 5 * 2) / 25])


def test_as_many_clusters_as_the_silhouette_says() -> None:
    journeys = ["A B"] * 10 + ["C D"] * 9 + ["E F"] * 8
    frame = cx.run("journey_clusters", dataset(paths(*journeys))).frame
    assert frame["journeys"].tolist() == [10, 9, 8] and frame["silhouette"].tolist() == [1, 1, 1]


def test_one_kind_of_path_is_one_cluster_without_stability() -> None:
    frame = cx.run("journey_clusters", dataset(paths("A B", "A B", "A B"))).frame
    assert frame["journeys"].tolist() == [3]
    assert frame[["silhouette", "stability"]].isna().all().all()
    assert frame["path"].isna().all() and frame["path_journeys"].tolist() == [
        0
    ]  # 3 journeys: single people would be told


def test_journeys_without_any_kind_are_unsteady() -> None:
    rng = np.random.default_rng(7)
    found = sorted({tuple(rng.choice(list("ABCDEFGH"), 6)) for _ in range(120)})
    apart, weights = distances(found), np.ones(len(found), dtype="int64")
    k = best_number(apart, weights, 6)
    assert stability(apart, weights, nearest_of(apart, medoids(apart, weights, k)), k) < 0.6


def test_groups_share_the_clusters_and_add_up_to_them() -> None:
    people = [{"customer_id": f"u{i}", "persona": ("Saver", "Family", "Student")[i % 3]} for i in range(1, 61)]
    store = dataset(paths(*clear()), customers=people)
    whole = cx.run("journey_clusters", store, clusters=2).frame
    parts = cx.run("journey_clusters", store, by=["persona"], clusters=2).frame
    assert parts.groupby("cluster")["journeys"].sum().tolist() == whole["journeys"].tolist()
    assert parts.groupby("persona")["share"].sum().tolist() == pytest.approx([1, 1, 1])
    saver = cx.run("journey_clusters", store, View(customers=(Filter("persona", ("Saver",)),)), clusters=2).frame
    assert saver["all_journeys"].tolist() == [20, 20]


def test_rows_in_another_order_and_other_names_of_customers_change_nothing() -> None:
    rows = paths(*clear())
    renamed = [row | {"customer_id": f"z{1000 - int(row['customer_id'][1:])}"} for row in reversed(rows)]
    found = [cx.run("journey_clusters", dataset(r, goal=("buy",))).frame for r in (rows, renamed)]
    pd.testing.assert_frame_equal(*found)


def test_no_more_journeys_are_drawn_than_asked_for_and_evenly_of_all() -> None:
    # every second customer is of another kind: the draw is not of the first ones, nor of every second
    store = dataset(paths(*(["A B", "C D"][i % 2] for i in range(400))))
    frame = cx.run("journey_clusters", store, sample=100).frame
    assert frame["all_journeys"].tolist() == [100, 100] and frame["journeys_of_view"].tolist() == [400, 400]
    assert frame["share_low"].le(0.5).all() and frame["share_high"].ge(0.5).all()
    assert frame.equals(cx.run("journey_clusters", store, sample=100).frame)


def test_sessions_are_journeys_of_their_own_and_routes_agree() -> None:
    store = dataset(paths(*clear(), seconds=2_000))
    assert (
        cx.run("journey_clusters", store, View(grain="session")).frame["journeys_of_view"].iloc[0]
        == 30 * 3 + 20 * 3 + 20 + 10
    )
    both = [cx.run("journey_clusters", store, route=route).frame for route in ("columns", "windows")]
    pd.testing.assert_frame_equal(*both)
