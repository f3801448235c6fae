"""Flows: known answers of PostHog and of process mining, balance at every node, and a plain-Python second opinion."""

from __future__ import annotations

import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cx_metrics as cx
from cx_metrics.engines import Store
from cx_metrics.errors import OptionProblem, ViewProblem
from cx_metrics.groups import OTHER
from cx_metrics.view import Passing, View
from tests.conftest import MORNING, dataset, paths

Row = dict[str, Any]
Node = tuple[str, float, float]  # name, seconds when its run began, seconds when it ended
Link = tuple[int, str, str | None, str]

SESSIONS = View(grain="session")
L1 = ["a b c d"] * 3 + ["a c b d"] * 2 + ["a e d"]  # van der Aalst (2016), log L1


def records(frame: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """Rows as tuples, unknown as None."""
    known = frame[list(columns)].astype(object)
    return [tuple(None if v != v else v for v in row) for row in known.itertuples(index=False)]


def links(store: Store, view: View | None = None, **options: Any) -> dict[Link, int]:
    """Journeys by step, source, target and kind."""
    frame = cx.run("flow_links", store, view, **options).frame
    return {(s, a, b, k): n for s, a, b, k, n in records(frame, "step", "source", "target", "kind", "journeys")}


def timed(customer: str, *items: tuple[str, float], **more: Any) -> list[Row]:
    """Touchpoints of one customer: name and seconds since the morning."""
    return [
        {"customer_id": customer, "touchpoint": name, "occurred_at": MORNING + timedelta(seconds=s), "mark": str(i)}
        | more
        for i, (name, s) in enumerate(items)
    ]


# Known answers


def test_posthog_customer_with_two_sessions_makes_one_link_of_value_2() -> None:
    #: `/` then `/about` 5 min later, the same next day
    day = 86_400
    store = dataset(timed("u1", ("/", 0), ("/about", 300), ("/", day), ("/about", day + 300)))
    assert links(store, SESSIONS) == {(1, "/", "/about", "move"): 2, (2, "/about", None, "drop_off"): 2}
    frame = cx.run("flow_links", store, SESSIONS).frame
    assert frame[["mean_seconds", "median_seconds"]].values[0].tolist() == [300, 300]
    assert frame["mean_seconds"].isna().tolist() == [False, True]


def test_transition_matrix_of_two_journeys_has_rows_of_one_half() -> None:
    #: paths A B and A: row A: B .5, path_end .5; step 2: B .5, path_end .5
    store = dataset(paths("A B", "A"))
    after_a = {target: n / 2 for (step, _a, target, _k), n in links(store).items() if step == 1}
    assert after_a == {"B": 0.5, None: 0.5}
    assert records(cx.run("transitions", store).frame, "touchpoint", "next_touchpoint", "transitions") == [
        ("A", "B", 1)
    ]


def test_directly_follows_graph_of_log_l1() -> None:
    #: van der Aalst's L1, PM4Py 2.7.23
    frame = cx.run("transitions", dataset(paths(*L1))).frame
    assert dict(zip(frame["touchpoint"] + frame["next_touchpoint"], frame["transitions"], strict=True)) == {
        "ab": 3, "ac": 2, "ae": 1, "bc": 3, "bd": 2, "cb": 2, "cd": 3, "ed": 1,
    }  # fmt: skip


def test_log_l1_has_three_variants_and_starts_and_ends_in_one_place() -> None:
    store = dataset(paths(*L1))
    frame = cx.run("variants", store).frame
    assert records(frame, "rank", "path", "steps", "journeys", "all_journeys") == [
        (1, ("a", "b", "c", "d"), 4, 3, 6), (2, ("a", "c", "b", "d"), 4, 2, 6), (3, ("a", "e", "d"), 3, 1, 6),
    ]  # fmt: skip
    assert frame["share"].tolist() == pytest.approx([1 / 2, 1 / 3, 1 / 6])
    started, ended = Counter[str](), Counter[str]()
    for (step, source, _target, kind), n in links(store).items():
        started[source] += n * (step == 1)
        ended[source] += n * (kind == "drop_off")
    assert (+started, +ended) == ({"a": 6}, {"d": 6})


# Repeats


def test_equal_neighbours_merge_into_one_step_that_carries_the_time_of_the_last() -> None:
    store = dataset(timed("u1", ("A", 0), ("A", 100), ("B", 130)))
    frame = cx.run("flow_links", store).frame  #: the time of the last of the run
    assert records(frame, "step", "source", "target", "journeys", "mean_seconds") == [
        (1, "A", "B", 1, 30),
        (2, "B", None, 1, None),
    ]


def test_equal_neighbours_stay_two_steps_where_repeats_are_kept() -> None:
    store = dataset(timed("u1", ("A", 0), ("A", 100), ("B", 130)))
    assert links(store, repeats="keep") == {
        (1, "A", "A", "move"): 1,
        (2, "A", "B", "move"): 1,
        (3, "B", None, "drop_off"): 1,
    }


def test_a_touchpoint_that_follows_itself_is_a_transition_unless_repeats_merge() -> None:
    store = dataset(paths("A A A B"))
    pairs = ("touchpoint", "next_touchpoint", "transitions", "journeys")
    assert records(cx.run("transitions", store).frame, *pairs) == [("A", "A", 2, 1), ("A", "B", 1, 1)]
    assert records(cx.run("transitions", store, repeats="merge").frame, *pairs) == [("A", "B", 1, 1)]


def test_a_whole_path_lasts_from_first_to_last_touchpoint_also_where_repeats_merge() -> None:
    #: case duration = last − first
    store = dataset(timed("u1", ("A", 0), ("A", 100), ("B", 130)))
    for repeats, path in (("keep", ("A", "A", "B")), ("merge", ("A", "B"))):
        assert records(cx.run("variants", store, repeats=repeats).frame, "path", "median_seconds") == [(path, 130)]


# One touchpoint, untimed, top and limits


def test_a_journey_of_one_touchpoint_is_a_node_without_link_and_lasts_0() -> None:
    store = dataset(paths("A"))
    assert links(store) == {(1, "A", None, "drop_off"): 1}
    assert len(cx.run("transitions", store).frame) == 0
    assert records(cx.run("variants", store).frame, "path", "median_seconds") == [(("A",), 0)]


def test_touchpoints_with_only_an_order_flow_by_their_order_with_unknown_times() -> None:
    store = dataset([row | {"occurred_at": None} for row in paths("A B", "A B C")])
    frame = cx.run("flow_links", store).frame
    assert links(store)[1, "A", "B", "move"] == 2
    assert frame["mean_seconds"].isna().all() and frame["median_seconds"].isna().all()
    assert cx.run("variants", store).frame["median_seconds"].isna().all()


def test_equal_times_keep_the_order_of_arrival() -> None:
    rows = [row | {"sequence": 9 - i, "occurred_at": MORNING} for i, row in enumerate(paths("A B C"))]
    assert records(cx.run("variants", dataset(rows)).frame, "path") == [(("C", "B", "A"),)]


def test_small_touchpoints_of_a_step_fold_into_one_and_the_totals_stay() -> None:
    store = dataset(paths("A X", "A X", "A Y", "B Y", "C Z"))
    assert links(store, top=1) == {
        (1, "A", "X", "move"): 2,
        (1, "A", OTHER, "move"): 1,
        (1, OTHER, OTHER, "move"): 2,
        (2, "X", None, "drop_off"): 2,
        (2, OTHER, None, "drop_off"): 3,
    }  # step 2: X and Y have 2 journeys each, and the tie goes to the name that comes first


def test_journeys_longer_than_the_steps_shown_continue_beyond() -> None:
    store = dataset(paths("A B C", "A B", "A B C D"))
    assert links(store, steps=2) == {
        (1, "A", "B", "move"): 3,
        (2, "B", None, "continues_beyond"): 2,
        (2, "B", None, "drop_off"): 1,
    }


def test_the_top_paths_keep_the_share_of_all_journeys_and_ties_go_by_name() -> None:
    store = dataset(paths("B", "A C", "A B", "A", "A"))
    frame = cx.run("variants", store, top=3).frame
    assert records(frame, "rank", "path", "journeys", "all_journeys", "share") == [
        (1, ("A",), 2, 5, 0.4), (2, ("A", "B"), 1, 5, 0.2), (3, ("A", "C"), 1, 5, 0.2),
    ]  # fmt: skip


def test_a_path_counts_as_converted_if_it_holds_a_goal() -> None:
    store = dataset(paths("A buy", "A buy", "A"), goal=("buy",))
    frame = cx.run("variants", store).frame
    assert records(frame, "path", "converted", "conversion_rate") == [(("A", "buy"), 2, 1), (("A",), 0, 0)]
    assert cx.run("variants", dataset(paths("A buy"))).frame["converted"].tolist() == [0]  # no goal is set


@pytest.mark.parametrize("options", [{"steps": 1}, {"steps": "11"}, {"top": 0}, {"repeats": "both"}])
def test_options_out_of_bounds_are_refused_as_values_and_as_text(options: dict[str, Any]) -> None:
    with pytest.raises(OptionProblem):
        cx.run("flow_links", dataset(paths("A B")), **options)


# Grain


@pytest.mark.parametrize(("gap", "sessions"), [(1_800, 1), (1_800.000001, 2)])
def test_a_gap_of_exactly_30_minutes_does_not_start_a_session(gap: float, sessions: int) -> None:
    store = dataset(timed("u1", ("A", 0), ("B", gap)))  #
    assert sum(n for (step, *_), n in links(store, SESSIONS).items() if step == 1) == sessions
    assert links(store)[1, "A", "B", "move"] == 1  # the journey is one


def test_midnight_does_not_cut_a_session() -> None:
    rows = timed("u1", ("A", 0), ("B", 1_200))
    rows[0]["occurred_at"], rows[1]["occurred_at"] = datetime(2026, 1, 5, 23, 50), datetime(2026, 1, 6, 0, 10)
    assert links(dataset(rows), SESSIONS)[1, "A", "B", "move"] == 1


def test_by_case_each_ticket_is_a_journey_and_touchpoints_without_one_are_left_out() -> None:
    rows = timed("u1", ("open", 0), ("open", 1), ("close", 2), ("close", 3), ("visit", 4))
    for row, case in zip(rows, ["t1", "t2", "t2", "t1", None], strict=True):
        row["case_id"] = case
    assert links(dataset(rows), View(grain="case")) == {
        (1, "open", "close", "move"): 2,
        (2, "close", None, "drop_off"): 2,
    }


def test_cases_are_refused_where_no_touchpoint_names_one() -> None:
    with pytest.raises(ViewProblem, match="no case"):
        links(dataset(paths("A B")), View(grain="case"))


# Journeys that pass a node


@pytest.mark.parametrize(
    ("passing", "left"),
    [
        (Passing(2, "B"), {("A", "A", "B", "C"): 1, ("A", "B"): 1}),  # steps are counted with equal neighbours merged
        (Passing(2, "B", "C"), {("A", "A", "B", "C"): 1}),
        (Passing(2, "B", ends=True), {("A", "B"): 1}),
        (Passing(1, "B"), {("B", "A"): 1}),
        (Passing(3, "A"), {}),
    ],
)
def test_journeys_that_pass_a_node_or_link_are_kept_whole(passing: Passing, left: dict[tuple[str, ...], int]) -> None:
    store = dataset(paths("A A B C", "A B", "B A", "C"))
    frame = cx.run("variants", store, View(passing=passing)).frame
    assert dict(records(frame, "path", "journeys")) == left


def test_clicking_a_node_leaves_as_many_journeys_as_the_node_shows() -> None:
    store = dataset(paths("A A B C", "A B", "B", "A B"))
    for (step, source, target, kind), n in links(store).items():
        passing = Passing(step, source, target, ends=kind == "drop_off")
        assert cx.people(store, View(passing=passing))["journeys"] == n


# Second opinion in plain Python


def nodes(journey: Sequence[tuple[str, float]], repeats: str) -> list[Node]:
    """The steps of one journey; a merged run has the time of its last touchpoint."""
    if repeats == "keep":
        return [(name, t, t) for name, t in journey]
    runs = [(name, [t for _n, t in run]) for name, run in groupby(journey, key=lambda item: item[0])]
    return [(name, times[0], times[-1]) for name, times in runs]


def random_journeys(chance: random.Random, customers: int) -> dict[str, list[tuple[str, float]]]:
    """Journeys of 1 to 8 touchpoints; the list is in order of arrival, times tie and jump over the session gap."""
    journeys = {}
    for u in range(customers):
        times = sorted(chance.choice([0, 60, 60.5, 1_860, 1_861, 5_000, 9_000]) for _ in range(chance.randint(1, 8)))
        journeys[f"u{u}"] = [(chance.choice("AABCD"), t) for t in times]
    return journeys


def sessions_of(journeys: dict[str, list[tuple[str, float]]]) -> list[list[tuple[str, float]]]:
    cut = []
    for journey in journeys.values():
        cut.append([journey[0]])
        for before, item in pairwise(journey):
            cut.append([item]) if item[1] - before[1] > 1_800 else cut[-1].append(item)
    return cut


def opinion_links(units: list[list[Node]], steps: int) -> dict[Link, list[float]]:
    """Seconds of the moves by link; the seconds of an end are not known."""
    found: dict[Link, list[float]] = defaultdict(list)
    for unit in units:
        for position, node in enumerate(unit[:steps], 1):
            following = unit[position] if position < len(unit) else None
            if following is None:
                found[position, node[0], None, "drop_off"].append(float("nan"))
            elif position == steps:
                found[position, node[0], None, "continues_beyond"].append(following[2] - node[2])
            else:
                found[position, node[0], following[0], "move"].append(following[2] - node[2])
    return found


@pytest.mark.parametrize("repeats", ["merge", "keep"])
@pytest.mark.parametrize("grain", ["journey", "session"])
def test_flows_agree_with_plain_python_on_random_journeys(repeats: str, grain: Any) -> None:
    journeys = random_journeys(random.Random(f"{repeats} {grain}"), 250)
    rows = [row for u, items in journeys.items() for row in timed(u, *items)]
    store, view = dataset(rows, goal=("D",)), View(grain=grain)
    units = [nodes(j, repeats) for j in (journeys.values() if grain == "journey" else sessions_of(journeys))]

    frame = cx.run("flow_links", store, view, steps=4, top=200, repeats=repeats).frame
    columns = ("step", "source", "target", "kind", "journeys", "mean_seconds", "median_seconds")
    found = {row[:4]: row[4:] for row in records(frame, *columns)}
    expected = opinion_links(units, 4)
    assert {key: row[0] for key, row in found.items()} == {key: len(s) for key, s in expected.items()}
    for key, seconds in expected.items():
        if key[3] != "drop_off":
            assert found[key][1:] == pytest.approx((statistics.mean(seconds), statistics.median(seconds)))

    frame = cx.run("transitions", store, view, repeats=repeats).frame
    pairs = [(a[0], b[0], b[2] - a[2], i) for i, unit in enumerate(units) for a, b in pairwise(unit)]
    assert sorted(
        records(frame, "touchpoint", "next_touchpoint", "transitions", "journeys", "median_seconds")
    ) == sorted(
        (a, b, len(of), len({i for *_, i in of}), statistics.median(s for _a, _b, s, _i in of))
        for (a, b) in {(a, b) for a, b, *_ in pairs}
        for of in [[p for p in pairs if p[:2] == (a, b)]]
    )

    frame = cx.run("variants", store, view, top=200, repeats=repeats).frame
    spans = defaultdict(list)
    for unit in units:
        spans[tuple(name for name, *_ in unit)].append(unit[-1][2] - unit[0][1])
    ranked = sorted(spans, key=lambda path: (-len(spans[path]), path))[:200]
    assert records(frame, "path", "journeys", "converted", "median_seconds") == [
        (p, len(spans[p]), len(spans[p]) if "D" in p else 0, statistics.median(spans[p])) for p in ranked
    ]


# Properties


@settings(deadline=None, max_examples=8)
@given(
    st.lists(st.lists(st.sampled_from("ABCDE"), min_size=1, max_size=7), min_size=1, max_size=12),
    st.integers(2, 5),
    st.integers(1, 4),
    st.sampled_from(["merge", "keep"]),
)
def test_what_flows_into_a_node_is_what_flows_out_drops_off_and_continues(
    journeys: list[list[str]], steps: int, top: int, repeats: str
) -> None:
    found = links(dataset(paths(*map(" ".join, journeys))), steps=steps, top=top, repeats=repeats)
    inflow, outflow = Counter[tuple[int, str]](), Counter[tuple[int, str]]()
    for (step, source, target, kind), n in found.items():
        outflow[step, source] += n
        if kind == "move":
            assert target is not None
            inflow[step + 1, target] += n
        else:
            assert target is None and (kind == "drop_off" or step == steps)
    assert {node: n for node, n in outflow.items() if node[0] > 1} == inflow
    assert sum(n for (step, _name), n in outflow.items() if step == 1) == len(journeys)
    assert all(len({a for (s, a, *_) in found if s == step}) <= top + 1 for step in range(1, steps + 1))


def test_flow_of_customer_groups_adds_up_to_the_flow_of_all() -> None:
    rows = [
        row | {"persona": "odd" if row["customer_id"] in ("u1", "u3") else None}
        for row in paths("A B", "A B C", "B", "A")
    ]
    frame = cx.run("flow_links", dataset(rows), by=["persona"]).frame
    total = Counter[tuple[Any, ...]]()
    for *key, n in records(frame, "step", "source", "target", "kind", "journeys"):
        total[tuple(key)] += n
    assert total == links(dataset(rows))
