"""What goes with being lost before a step: tables by hand, a slow second opinion, and worlds where nothing does."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import cx_metrics as cx
from cx_metrics.engines import Store
from cx_metrics.errors import OptionProblem
from cx_metrics.findings_drop_off import set_apart
from cx_metrics.view import Filter, Tried, View
from tests.conftest import MORNING, dataset, paths, seldom
from tests.second_opinion_funnel import Event, SlowFunnel, answer, first_reached
from tests.test_tries import asked, random_funnel

Row = dict[str, Any]
Trait = tuple[str, str | None]


def correlates(store: Store | list[Row], steps: str, view: View | None = None, **options: Any) -> pd.DataFrame:
    """Every trait, whatever its support, unless `options` say otherwise."""
    store = dataset(store) if isinstance(store, list) else store
    given = {"min_support": 0, "top": 1_000, "window": "unlimited"} | options
    return cx.run("drop_out_correlates", store, view, steps=steps, **given).frame


def counts(frame: pd.DataFrame) -> dict[Trait, tuple[int, int]]:
    """How many of each trait were lost, and how many have it."""
    traits = zip(frame["kind"], frame["trait"], strict=True)
    return dict(zip(traits, zip(frame["lost_with"], frame["with_trait"], strict=True), strict=True))


def trait(frame: pd.DataFrame, kind: str, name: str | None) -> Any:
    """The row of one trait."""
    found = frame[(frame["kind"] == kind) & (frame["trait"].isna() if name is None else frame["trait"] == name)]
    assert len(found) == 1
    return found.iloc[0]


def people(**personas: str | None) -> list[Row]:
    return [{"customer_id": customer, "persona": persona} for customer, persona in personas.items()]


# Tables by hand


def study(lost_with: int, stayed_with: int, lost_without: int, stayed_without: int) -> Store:
    """Journeys of A, and of B where they went on; those with the trait touched X before."""
    journeys = ["X A"] * lost_with + ["X A B"] * stayed_with + ["A"] * lost_without + ["A B"] * stayed_without
    return dataset(paths(*journeys))


def test_a_table_by_hand_has_its_shares_difference_ratio_and_p_value() -> None:
    # Lost with X 56 of 70, without 48 of 80: Newcombe (1998) has the difference .2 with .0524 to .3339, and z = 2.6502, p .00805
    row = trait(correlates(study(56, 14, 48, 32), "A,B"), "touchpoint", "X")
    assert row[["lost_with", "with_trait", "lost_without", "without_trait"]].tolist() == [56, 70, 48, 80]
    assert row[["lost_share_with", "lost_share_without"]].tolist() == pytest.approx([0.8, 0.6])
    assert row[["difference", "difference_low", "difference_high"]].tolist() == pytest.approx(
        [0.2, 0.0524, 0.3339], abs=5e-5
    )
    assert row["p_value"] == pytest.approx(0.00805, abs=5e-6)
    # ratio .8 / .6; s² = 1/56 − 1/70 + 1/48 − 1/80
    half = 1.959964 * math.sqrt(1 / 56 - 1 / 70 + 1 / 48 - 1 / 80)
    expected = [4 / 3, 4 / 3 * math.exp(-half), 4 / 3 * math.exp(half)]
    assert row[["ratio", "ratio_low", "ratio_high"]].tolist() == pytest.approx(expected)
    assert row[["step", "touchpoint", "lost", "compared", "flagged"]].tolist() == [2, "B", 104, 150, True]


def test_small_counts_are_tested_exactly() -> None:
    row = trait(correlates(study(4, 1, 2, 8), "A,B"), "touchpoint", "X")
    assert row["p_value"] == pytest.approx(stats.fisher_exact([[4, 1], [2, 8]]).pvalue)


def test_the_ratio_is_unknown_where_nobody_without_the_trait_was_lost() -> None:
    row = trait(correlates(study(3, 2, 0, 8), "A,B"), "touchpoint", "X")
    assert row[["ratio", "ratio_low", "ratio_high"]].isna().all()
    row = trait(correlates(study(0, 5, 3, 8), "A,B"), "touchpoint", "X")
    assert row["ratio"] == 0 and row[["ratio_low", "ratio_high"]].isna().all()


def test_q_values_are_those_of_all_traits_with_support_and_decide_what_is_flagged() -> None:
    customers = [
        {"customer_id": f"u{i}", "group": "ab"[i % 2], "single": "x" if i == 1 else None} for i in range(1, 151)
    ]
    rows = paths(*["X A"] * 56, *["X A B"] * 14, *["A"] * 48, *["A B"] * 32)
    frame = correlates(dataset(rows, customers=customers), "A,B", min_support=10)
    found = {(k, t): (p, q) for k, t, p, q in frame[["kind", "trait", "p_value", "q_value"]].itertuples(index=False)}
    assert set(found) == {("touchpoint", "X"), ("group", "a"), ("group", "b")}  # who has `single` is alone
    p = sorted(p for p, _q in found.values())
    assert found["touchpoint", "X"] == pytest.approx((p[0], 3 * p[0]))
    assert found["group", "a"][1] == found["group", "b"][1] == pytest.approx(p[2])
    assert correlates(dataset(rows, customers=customers), "A,B", min_support=10, top=1)["q_value"].tolist() == [
        found["touchpoint", "X"][1]
    ]
    assert frame["flagged"].tolist() == [True, False, False]


def test_rows_stand_flagged_first_then_by_difference_support_and_name() -> None:
    frame = correlates(sample(), "A,B")
    keys = [
        (not f, -round(abs(d), 12) if d == d else 9, -n, k, t is None, t or "")
        for f, d, n, k, t in frame[["flagged", "difference", "with_trait", "kind", "trait"]].itertuples(index=False)
    ]
    assert keys == sorted(keys) and len(keys) > 10


def sample(customers: int = 150, seed: int = 1) -> Store:
    """Journeys with ties in time, some attributes unknown; who touched X is lost more often."""
    chance = random.Random(seed)
    rows: list[Row] = []
    for u in range(customers):
        names = chance.choices("XYZ", k=chance.randrange(3)) + ["A"] + chance.choices("XYZ", k=chance.randrange(3))
        names += ["B"] if chance.random() > (0.7 if "X" in names[: names.index("A")] else 0.3) else []
        seconds = sorted(chance.randrange(9) for _ in names)
        rows += [
            {"customer_id": f"u{u}", "touchpoint": name, "occurred_at": MORNING + timedelta(seconds=s),
             "channel": chance.choice(["web", "store", None]), "touchpoint_type": chance.choice(["digital", "human", None])}
            for name, s in zip(names, seconds, strict=True)
        ]  # fmt: skip
    described = [
        {"customer_id": f"u{u}", "persona": chance.choice(["saver", "family", None]), "plan": chance.choice("xy")}
        for u in range(customers)
    ]
    return dataset(rows, customers=described)


# Who and what counts


def test_the_touchpoints_of_the_funnel_are_no_traits_nor_are_their_channels() -> None:
    rows = [row | {"channel": {"X": "call"}.get(row["touchpoint"], "web")} for row in paths("X E A", "A A B", "C A B")]
    assert counts(correlates(rows, "A|C,B|D,E?")) == {("touchpoint", "X"): (1, 1), ("channel", "call"): (1, 1)}
    rows = [row | {"channel": "web"} for row in paths("X A", "A B")]
    met = counts(correlates(rows, "A,B"))
    assert met == {("touchpoint", "X"): (1, 1), ("channel", "web"): (1, 1)}  # X was on the web too


def test_nothing_after_the_last_step_before_counts_and_all_of_its_instant_does() -> None:
    assert counts(correlates(paths("A X", "X A Y B", "A B"), "A,B")) == {("touchpoint", "X"): (0, 1)}
    together = [row | {"occurred_at": MORNING} for row in paths("A X", "A B")]
    assert counts(correlates(together, "A,B")) == {("touchpoint", "X"): (1, 1)}
    later = correlates(paths("A X B Y", "A B Z C", "A"), "A,B,C", step=3)
    assert counts(later) == {("touchpoint", "X"): (1, 1)} and later["compared"].tolist() == [2]


def test_an_optional_step_is_not_the_step_before() -> None:
    frame = correlates(paths("A X O Y", "Y A X B", "A O B"), "A,O?,B")
    assert counts(frame) == {("touchpoint", "Y"): (0, 1)}


def test_what_they_met_is_counted_up_to_when_they_first_came_so_far() -> None:
    # Within a minute only the second A leads to B; counted up to it, who goes on would have met more than who is lost.
    assert not len(correlates(paths("A X A B", "A X"), "A,B", window="1min"))
    frame = correlates(paths("A B Y A X B C", "A Y B", "A B"), "A,B,C", window="2min")
    assert counts(frame) == {("touchpoint", "Y"): (1, 1)} and set(frame["compared"]) == {3}


def test_an_attribute_that_is_not_known_is_a_trait_of_its_own() -> None:
    store = dataset(paths("A", "A B", "A"), customers=people(u1="saver", u2="saver"))
    found = counts(correlates(store, "A,B"))
    assert found == {("persona", "saver"): (1, 2), ("persona", None): (1, 1)}


def test_traits_of_too_few_or_of_nearly_all_are_not_looked_at() -> None:
    store = study(2, 3, 4, 2)
    assert counts(correlates(store, "A,B", min_support=5)) == {("touchpoint", "X"): (2, 5)}
    assert not len(correlates(store, "A,B", min_support=6))  # 5 have it
    assert not len(correlates(study(4, 2, 2, 3), "A,B", min_support=6))  # 5 do not
    assert not len(cx.run("drop_out_correlates", study(9, 0, 9, 9), steps="A,B").frame)  # 10, unless said otherwise


def test_an_attribute_of_more_than_60_values_is_left_out_and_so_are_touchpoints_beyond_200() -> None:
    def customers(several: int) -> list[Row]:
        return [{"customer_id": f"u{i}", "code": f"c{i % several:02}"} for i in range(1, 131)]

    journeys = paths(*["A", "A B"] * 65)
    assert len(correlates(dataset(journeys, customers=customers(60)), "A,B")) == 60
    assert not len(correlates(dataset(journeys, customers=customers(61)), "A,B"))
    names = [f"t{i:03}" for i in range(201)]
    frame = correlates(paths(" ".join([*names, "A"]), " ".join([*names[1:], "A B"]), "A"), "A,B")
    assert sorted(frame["trait"]) == names[1:]  # the first one was touched by one customer, the others by two


def test_touchpoints_before_the_range_count_and_those_left_out_by_the_view_do_not() -> None:
    start = datetime(2026, 1, 4, 12)
    rows = [
        {"customer_id": c, "touchpoint": name, "occurred_at": start + timedelta(hours=hours), "channel": channel}
        for c, name, hours, channel in (("u1", "X", 0, "call"), ("u1", "A", 20, "web"), ("u2", "A", 20, "web"),
                                          ("u2", "B", 50, "web"))
    ]  # fmt: skip
    view = View(first_day=date(2026, 1, 5), last_day=date(2026, 1, 5))
    frame = correlates(rows, "A,B", view)
    assert counts(frame) == {("touchpoint", "X"): (1, 1), ("channel", "call"): (1, 1)}
    assert frame["compared"].tolist() == [2, 2]
    only = replace(view, touchpoints=(Filter("channel", ("web",)),), touchpoint_rule="touchpoints")
    assert not len(correlates(rows, "A,B", only))


# Steps


def test_step_0_is_the_one_that_lost_most_the_earliest_of_several() -> None:
    rows = paths("A", "A B", "A B", "A B C", "X A B C")
    assert set(correlates(rows, "A,B,C")["step"]) == {3}
    assert set(correlates(rows[1:], "A,B,C")["step"]) == {3}
    assert set(correlates(paths("X A", "A B", "A B C"), "A,B,C")["step"]) == {2}
    assert set(correlates(rows, "A,B,C", step=2)["step"]) == {2}


@pytest.mark.parametrize("step", [1, 3, 5])
def test_a_step_that_nobody_can_be_lost_before_is_refused(step: int) -> None:
    with pytest.raises(OptionProblem, match=f"lost before step {step}. Name one of these: 2, 4;"):
        correlates(paths("A B C"), "A,B,O?,C", step=step)


def test_a_funnel_that_loses_nobody_by_its_rules_is_refused() -> None:
    with pytest.raises(OptionProblem, match="Nobody can be lost in this funnel"):
        correlates(paths("A B"), "A,B?")


def test_in_any_order_those_compared_did_all_but_one_of_the_steps_named() -> None:
    frame = correlates(paths("X B A", "B X", "A X B"), "A,B", order="unordered")
    assert counts(frame) == {("touchpoint", "X"): (0, 1)}
    assert frame[["touchpoint", "lost", "compared"]].values.tolist() == [["2/2", 1, 3]]


# Sessions, cases, order alone; nobody, and everybody


def test_sessions_are_compared_by_what_lies_in_them() -> None:
    hours = {"u1": (0, 1, 9, 10), "u2": (0, 5)}
    names = {"u1": "X A A B", "u2": "X A"}
    rows = [
        {"customer_id": c, "touchpoint": name, "occurred_at": MORNING + timedelta(hours=h / 4)}
        for c in names for name, h in zip(names[c].split(), hours[c], strict=True)
    ]  # fmt: skip
    frame = correlates(dataset(rows, customers=people(u1="saver")), "A,B", View(grain="session"))
    assert counts(frame) == {("touchpoint", "X"): (1, 1), ("persona", "saver"): (1, 2), ("persona", None): (1, 1)}
    assert set(frame["compared"]) == {3}


def test_cases_are_compared_and_have_the_attributes_of_all_their_customers() -> None:
    rows = [
        {"customer_id": c, "touchpoint": name, "case_id": case}
        for c, name, case in (
            ("u1", "X", "i"), ("u2", "A", "i"), ("u1", "A", "ii"), ("u1", "B", "ii"), ("u2", "Y", None), ("u2", "A", "iii"),
        )
    ]  # fmt: skip
    frame = correlates(dataset(rows, customers=people(u1="saver", u2="family")), "A,B", View(grain="case"))
    assert counts(frame) == {("touchpoint", "X"): (1, 1), ("persona", "saver"): (1, 2), ("persona", "family"): (2, 2)}
    assert set(frame["compared"]) == {3}


def test_without_times_the_order_decides() -> None:
    rows = [row | {"occurred_at": None} for row in paths("X A Y", "A X B", "A B")]
    store = dataset(rows)
    assert not store.facts.timed
    assert counts(correlates(store, "A,B")) == {("touchpoint", "X"): (1, 1)}


@pytest.mark.parametrize("grain", ["journey", "session", "case"])
def test_nobody_compared_is_an_answer(grain: Any) -> None:
    rows = [row | {"case_id": row["customer_id"] + "/1"} for row in paths("A B", "A")]
    store = dataset(rows, customers=people(u1="saver"))
    frame = correlates(store, "Z,B", View(grain=grain))
    assert not len(frame) and list(frame.columns) == list(correlates(store, "A,B", View(grain=grain)).columns)
    assert str(set_apart(frame)).startswith("Too few customers")


@pytest.mark.parametrize(("journeys", "lost"), [(["X A", "A", "A"] * 9, 27), (["X A B", "A B", "A B"] * 9, 0)])
def test_where_all_are_lost_or_none_nothing_differs(journeys: list[str], lost: int) -> None:
    frame = correlates(paths(*journeys), "A,B")
    assert frame[["difference", "p_value", "q_value", "flagged"]].values.tolist() == [[0, 1, 1, False]]
    assert frame[["lost", "compared"]].values.tolist() == [[lost, 27]]
    assert str(set_apart(frame)).startswith("Too few customers")


# Agreement with the funnel, views and groups


def test_those_compared_are_those_the_funnel_has_at_the_step_before() -> None:
    store = sample()
    for options in ({}, {"order": "strict"}, {"order": "unordered"}, {"exclude": "Y"}, {"entry": "first_entry"}):
        whole = cx.run("funnel", store, steps="A,B", **options).frame.iloc[1]
        frame = cx.run("drop_out_correlates", store, steps="A,B", min_support=1, **options).frame
        assert set(frame["compared"]) == {whole["previous"]} and set(frame["lost"]) == {whole["drop_off"]}
        assert (frame["lost_with"] + frame["lost_without"] == frame["lost"]).all()
        assert (frame["with_trait"] + frame["without_trait"] == frame["compared"]).all()
        for kind in ("persona", "plan"):  # everybody has one value of each attribute
            rows = frame[frame["kind"] == kind]
            assert (rows["lost_with"].sum(), rows["with_trait"].sum()) == (whole["drop_off"], whole["previous"])


def test_each_group_is_answered_as_a_view_of_it_alone() -> None:
    store = sample()
    frame = correlates(store, "A,B", by=())
    grouped = cx.run(
        "drop_out_correlates", store, steps="A,B", window="unlimited", min_support=0, top=1_000, by=["plan"]
    ).frame
    assert list(grouped.columns) == ["plan", *frame.columns]
    for plan in ("x", "y"):
        alone = correlates(store, "A,B", View(customers=(Filter("plan", (plan,)),)))
        assert counts(grouped[grouped["plan"] == plan]) == counts(alone)


def test_a_view_of_those_who_came_further_compares_these() -> None:
    store = dataset(paths("X A", "X A B", "A B C", "Y A B C", "Y A B"))
    reached = View(tried=Tried(2, False, (("steps", "A,B"),)))
    frame = correlates(store, "A,B,C", reached, step=3)
    assert counts(frame) == {("touchpoint", "X"): (1, 1), ("touchpoint", "Y"): (1, 2)} and set(frame["compared"]) == {4}
    assert not correlates(store, "A,B,C", reached, step=2)["lost"].any()


def test_other_options_of_the_comparison_alone_ask_nothing_of_the_tables_again(monkeypatch: pytest.MonkeyPatch) -> None:
    store, asked_again = sample(20), []
    first = correlates(store, "A,B")
    monkeypatch.setattr(Store, "fetch", lambda *_: asked_again.append(1))
    few = correlates(store, "A,B", min_support=3, top=2, step=0)
    assert 0 < len(few) == 2 < len(first) and not asked_again
    assert few["trait"].isin(first["trait"]).all()


# A second opinion


def slow_counts(
    journeys: dict[str, list[Event]], personas: dict[str, str | None], slow: SlowFunnel, place: int
) -> tuple[dict[Trait, tuple[int, int]], int, int]:
    """Each trait's lost and all, those lost, and those compared: customer by customer."""
    own = {name for step in slow.steps for name in step.names}
    depth = place if slow.order == "unordered" else slow.needed.index(place)
    lost, having = Counter[Trait](), Counter[Trait]()
    outcomes = []
    for customer, events in journeys.items():
        result = answer(events, slow)
        if result is None or result[0] < depth:
            continue
        until = first_reached(events, slow, max(j for j in slow.needed if j < place))
        before = [e for e in events if e.at <= until and e.name not in own]
        traits = {("persona", personas[customer]), *(("touchpoint", e.name) for e in before)}
        traits |= {("channel", e.channel) for e in before if e.channel is not None}
        outcomes.append(result[0] == depth)
        having.update(traits)
        lost.update(traits if outcomes[-1] else ())
    return {t: (lost[t], n) for t, n in having.items()}, sum(outcomes), len(outcomes)


def random_journeys(chance: random.Random, timed: bool) -> dict[str, list[Event]]:
    """Short journeys; with times from a tiny set, those at 0 before the range."""
    found = {}
    for u in range(80):
        times: Iterable[int] = range(1, chance.randint(4, 8))
        times = sorted(chance.randrange(8) for _ in times) if timed else times
        found[f"u{u}"] = [Event(chance.choice("ABCDXYZ"), at, chance.choice(["x", "y", None]), at != 0) for at in times]
    return found


@pytest.mark.parametrize("order", ["strict", "untimed", *seldom("ordered", "unordered")])
def test_counts_agree_with_going_customer_by_customer_on_random_journeys(order: str) -> None:
    chance = random.Random(order)
    timed, compared = order != "untimed", 0
    midnight = datetime(2026, 1, 4, 23, 59, 59)
    for _ in range(6):
        fixed = {"order": order} if timed else {"order": chance.choice(["ordered", "unordered"]), "window": 1_000}
        slow = random_funnel(chance, **fixed)
        slow = slow if timed else replace(slow, steps=tuple(replace(s, window=None) for s in slow.steps))
        funnel = asked(slow)
        journeys = random_journeys(chance, timed)
        personas = {customer: chance.choice(["saver", "family", None]) for customer in journeys}
        rows = [
            {"customer_id": customer, "touchpoint": event.name, "channel": event.channel,
             "occurred_at": midnight + timedelta(seconds=event.at) if timed else None, "mark": str(i)}
            for customer, events in journeys.items() for i, event in enumerate(events)
        ]  # fmt: skip
        store = dataset(rows, customers=people(**personas))
        rules = {name: getattr(funnel, name) for name in ("order", "entry", "equal_times", "repeats", "exclude")}
        rules |= {"window": funnel.window if timed else None, "min_support": 0, "top": 1_000}
        view = View(first_day=date(2026, 1, 5)) if timed else View()
        for place in slow.needed[1:]:
            frame = cx.run("drop_out_correlates", store, view, steps=funnel.steps, step=place + 1, **rules).frame
            expected, lost, whole = slow_counts(journeys, personas, slow, place)
            assert counts(frame) == expected, (slow, place)
            assert set(zip(frame["lost"], frame["compared"], strict=True)) <= {(lost, whole)}
            compared += whole
    assert compared > 200


# Worlds


def world(chance: random.Random, effect: float, customers: int = 300) -> pd.DataFrame:
    """Customers with four attributes who come up to six times to A, and who meet other touchpoints before and between; who touched
    X at first is lost more often by `effect`."""
    rows: list[Row] = []
    for u in range(customers):
        names = [
            name
            for _ in range(chance.randint(1, 6))
            for name in (*chance.choices("XYZUVW", k=chance.randrange(4)), "A")
        ]
        gone = chance.random() < 0.4 + (effect if "X" in names[: names.index("A")] else 0)
        rows += [{"customer_id": f"u{u}", "touchpoint": name} for name in (*names, *([] if gone else ["B"]))]
    described = [
        {"customer_id": f"u{u}", **{f"attribute {i}": chance.choice("abc") for i in range(4)}} for u in range(customers)
    ]
    store = dataset(rows, customers=described)
    return cx.run("drop_out_correlates", store, steps="A,B").frame


def test_where_nothing_goes_with_being_lost_little_is_flagged() -> None:
    chance = random.Random(5)
    frames = [world(chance, effect=0) for _ in range(10)]
    assert all(len(frame) == 6 + 12 for frame in frames)
    flagged = [bool(frame["flagged"].any()) for frame in frames]
    assert sum(flagged) <= 3  # one world in ten in the long run; 4 of 10 has a chance of 1 in 78
    assert np.mean([frame["flagged"].mean() for frame in frames]) < 0.05
    quiet = frames[flagged.index(False)]
    assert str(set_apart(quiet)) == "Nothing sets those lost before B apart by more than chance allows"


def test_what_was_planted_is_found_and_said_without_a_cause() -> None:
    frame = world(random.Random(6), effect=0.35)
    assert frame.iloc[0][["kind", "trait", "flagged"]].tolist() == ["touchpoint", "X", True]
    said = str(set_apart(frame))
    shares = [f"{frame.iloc[0][name]:.0%}" for name in ("lost_share_with", "lost_share_without")]
    assert said == f"Those who touched X are lost before B more often: {shares[0]} against {shares[1]}"
