"""What marks a group: a published interval, counts by hand, and properties."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cx_metrics as cx
from cx_metrics.small_groups import Privacy
from cx_metrics.view import Filter, View
from tests.conftest import dataset, paths


def of(store: Any, persona: str, kind: str, trait: str, **more: Any) -> Any:
    """The row of one group and trait."""
    frame = cx.run("group_traits", store, by=["persona"], **more).frame
    return frame[(frame["persona"] == persona) & (frame["kind"] == kind) & (frame["trait"] == trait)].iloc[0]


def people(*personas: str, **attributes: list[str]) -> list[dict[str, str]]:
    return [
        {"customer_id": f"u{i}", "persona": persona} | {name: values[i - 1] for name, values in attributes.items()}
        for i, persona in enumerate(personas, 1)
    ]


def test_the_difference_to_the_others_is_that_of_newcombe() -> None:
    # Newcombe (1998), Stat. Med. 17, table II, case a, method 10: 56/70 against 48/80
    journeys = ["ad web"] * 56 + ["ad"] * 14 + ["ad web"] * 48 + ["ad"] * 32
    store = dataset(paths(*journeys), customers=people(*["Saver"] * 70, *["Family"] * 80))
    row = of(store, "Saver", "touchpoint", "web")
    assert (row.customers_with, row.customers, row.others_with, row.others) == (56, 70, 48, 80)
    assert row.difference == pytest.approx(0.2)
    assert (row.difference_low, row.difference_high) == (
        pytest.approx(0.0524, abs=5e-5),
        pytest.approx(0.3339, abs=5e-5),
    )
    assert row.p_value == pytest.approx(0.00805, abs=5e-6) and row.flagged
    other = of(store, "Family", "touchpoint", "web")
    assert other.difference == pytest.approx(-0.2) and other.p_value == pytest.approx(row.p_value)


def test_what_everybody_has_is_compared_with_nobody_and_few_are_not_tested() -> None:
    store = dataset(paths("ad web", "ad", "ad", "web"), customers=people("Saver", "Saver", "Family", "Family"))
    frame = cx.run("group_traits", store, by=["persona"]).frame
    assert frame["p_value"].isna().all() and not frame["flagged"].any()
    assert of(store, "Saver", "touchpoint", "ad").share == 1 and of(store, "Family", "touchpoint", "ad").share == 0.5
    assert cx.run("group_traits", store, by=["persona"], min_support=0).frame["p_value"].notna().all()


def test_attributes_stand_before_what_people_met_and_the_grouping_is_no_trait() -> None:
    rows = [row | {"channel": "web", "stage": "awareness"} for row in paths("ad web", "ad")]
    store = dataset(rows, customers=people("Saver", "Family", region=["north", "south"]))
    frame = cx.run("group_traits", store, by=["persona"]).frame
    assert list(dict.fromkeys(frame["kind"])) == ["region", "stage", "channel", "touchpoint"]
    # each group has each trait, also those that nobody of it has
    assert len(frame) == 2 * (2 + 1 + 1 + 2)
    assert of(store, "Family", "touchpoint", "web").customers_with == 0


def test_an_attribute_that_names_single_people_is_no_trait() -> None:
    n = 70
    store = dataset(paths(*["ad"] * n), customers=people(*["Saver"] * n, email=[f"{i}@x" for i in range(n)]))
    assert set(cx.run("group_traits", store, by=["persona"]).frame["kind"]) == {"touchpoint"}


def test_without_groups_there_are_no_others() -> None:
    frame = cx.run("group_traits", dataset(paths("ad web", "ad"))).frame
    assert frame["others"].tolist() == [0, 0] and frame["share"].tolist() == [1, 0.5]
    assert frame["share_of_others"].isna().all() and frame["difference"].isna().all()


def test_a_group_by_what_customers_did_holds_whoever_did_it() -> None:
    rows = paths("ad web", "ad", "web")
    rows = [row | {"channel": {"ad": "paid", "web": "own"}[row["touchpoint"]]} for row in rows]
    frame = cx.run("group_traits", dataset(rows), by=["channel"]).frame
    own = frame[(frame["channel"] == "own") & (frame["trait"] == "ad")].iloc[0]
    assert (own.customers_with, own.customers, own.others_with, own.others) == (1, 2, 1, 1)


def test_a_filter_narrows_the_group_and_the_others() -> None:
    store = dataset(paths("ad web", "ad", "ad web"), customers=people("Saver", "Family", "Student"))
    view = View(customers=(Filter("persona", ("Saver", "Family")),))
    assert of(store, "Saver", "touchpoint", "web", view=view).others == 1


JOURNEYS = st.lists(
    st.tuples(st.sampled_from(["Saver", "Family", "Student"]), st.lists(st.sampled_from("ABC"), min_size=1, max_size=4)),
    min_size=2, max_size=12,
)  # fmt: skip


@given(JOURNEYS)
@settings(deadline=None, max_examples=20)
def test_group_and_others_add_up_to_everybody(found: list[tuple[str, list[str]]]) -> None:
    store = dataset(paths(*(" ".join(path) for _who, path in found)), customers=people(*(who for who, _path in found)))
    frame = cx.run("group_traits", store, by=["persona"]).frame
    assert (frame["customers"] + frame["others"] == len(found)).all()
    for _trait, rows in frame.groupby("trait"):
        met = int(sum(rows["trait"].iloc[0] in path for _who, path in found))
        assert rows["customers_with"].sum() == met
        assert (rows["customers_with"] + rows["others_with"] == met).all()
    slow = {
        (persona, name): sum(name in path for who, path in found if who == persona)
        for persona in set(frame["persona"]) for name in set(frame["trait"])
    }  # fmt: skip
    assert {(r.persona, r.trait): r.customers_with for r in frame.itertuples()} == slow


def test_small_groups_hide_their_traits() -> None:
    journeys = ["ad web"] * 3 + ["ad"] * 37 + ["ad web"] * 20 + ["ad"] * 20
    store = dataset(paths(*journeys), customers=people(*["Saver"] * 40, *["Family"] * 40))
    frame = cx.run("group_traits", store, by=["persona"], privacy=Privacy()).frame
    shown = frame[~frame["suppressed"].astype(bool)]
    assert not shown["customers_with"].between(1, 4).any() and not shown["others_with"].between(1, 4).any()
