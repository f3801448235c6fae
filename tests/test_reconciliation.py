"""Reconciliation: every number of a view counts the same people, to the person, whatever the view and by every route.

Each view is asked of all metrics of journeys; the answers have to add up among themselves, and to what plain Python counts.
"""

from __future__ import annotations

import csv
import io
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import cx_metrics as cx
from cx_metrics.engines import Store, memory_store
from cx_metrics.errors import ViewProblem
from cx_metrics.exports.tables import safe_csv
from cx_metrics.routes import ROUTES, Route
from cx_metrics.run import conversions
from cx_metrics.steps import Step
from cx_metrics.view import Filter, View
from tests import second_opinion
from tests.conftest import seldom
from tests.engines.events import random_events, views
from tests.second_opinion import Left, Row, left_by, people_of, random_view, rows_of, segment_view

ENGAGEMENT = {
    "stage_engagement": "stage",
    "touchpoint_engagement": "touchpoint",
    "channel_engagement": "channel",
    "type_engagement": "touchpoint_type",
    "phase_engagement": "phase",
}
REPEATS = ("merge", "keep")
REAL = (  # files of touchpoints among the real data sets; `test_data` says where they lie
    "olist_journey/touchpoints.csv.gz",
    "simple_shop/simple-onlineshop.csv.gz",
    "simple_shop/ab_test_demo.csv.gz",
    "retentioneering_ecom/ecom.csv.gz",
    "sepsis/sepsis.csv.gz",
    "helpdesk_tickets/helpdesk.csv",
    "bpi12_workitems/bpi_12_w.csv.gz",
)


def cells(frame: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """Rows as tuples, unknown as None."""
    return [
        tuple(None if v != v else v for v in row) for row in frame[list(columns)].astype(object).itertuples(index=False)
    ]


def exact(value: Any) -> int:
    """A count, which has to be a whole number."""
    assert value == int(value)
    return int(value)


def routes_of(store: Store, view: View) -> Iterator[Route]:
    """The routes that hold for a view: windows always, columns unless touchpoints are taken out of the middle, the cube for
    whole journeys of customers."""
    removed = view.grain == "case" or (view.touchpoints and view.touchpoint_rule == "touchpoints")
    cut = view.grain != "journey" or view.first_day or view.last_day or view.touchpoints or view.chooses_people()
    for route in ROUTES:
        if route == "columns" and removed or route == "cube" and (cut or "moves" not in store.tables):
            with pytest.raises(ViewProblem):
                cx.run("flow_links", store, view, route=route)
        else:
            yield route


LINKS = tuple(itertools.product((2, 5, 10), ("merge", "keep"), (200, 2)))  # steps, repeats, top


def reconcile(store: Store, rows: Sequence[Row], view: View, dice: random.Random | None = None) -> None:
    """Ask everything of one view, and add it up; with `dice`, one of each kind by each route."""
    left = left_by(rows, view, store.facts.zone, store.facts.goal, people_of(store))
    counted = cx.people(store, view)
    assert {name: counted[name] for name in left.people} == left.people
    for route in routes_of(store, view):
        for steps, repeats, top in [dice.choice(LINKS)] if dice else LINKS:
            check_links(store, view, left, route, steps, repeats, top)
        for repeats in [dice.choice(REPEATS)] if dice else REPEATS:
            check_paths(store, view, left, route, repeats)
            check_transitions(store, view, left, route, repeats)
            if left.goal and not dice:
                check_halves(store, view, left, route, repeats)
    for metric in [dice.choice(list(ENGAGEMENT))] if dice else ENGAGEMENT:
        check_engagement(store, view, left, metric)
    check_conversions(store, view, left)
    check_funnel(store, view, left)


def check_links(store: Store, view: View, left: Left, route: Route, steps: int, repeats: str, top: int) -> None:
    """All links are those of plain Python; folded ones keep the totals of each step; at each node, in = out."""
    journeys, expected = len(left.units), second_opinion.flow(left, steps, repeats)
    asked = {"steps": steps, "repeats": repeats, "top": top, "times": "mean", "route": route}
    frame = cx.run("flow_links", store, view, **asked).frame
    found = Counter({row[:4]: exact(row[4]) for row in cells(frame, "step", "source", "target", "kind", "journeys")})
    assert len(found) == len(frame)
    if top == 200:
        assert found == expected
    check_balance(found, journeys, steps)
    totals = step_totals(expected)
    assert step_totals(found) == totals
    assert exported_counts(frame, "journeys", "step") == {str(step): n for step, n in totals.items()}


def step_totals(found: Counter[Any]) -> Counter[int]:
    totals = Counter[int]()
    for (step, *_), n in found.items():
        totals[step] += n
    return totals


def check_balance(found: Counter[Any], journeys: int, steps: int) -> None:
    """What begins is what ends or goes on beyond, and what enters a node leaves it, drops off there or continues."""
    inflow, outflow, ends = Counter[Any](), Counter[Any](), 0
    for (step, source, target, kind), n in found.items():
        outflow[step, source] += n
        if kind == "move":
            inflow[step + 1, target] += n
        else:
            assert target is None and (kind == "drop_off" or step == steps)
            ends += n
    assert sum(n for (step, _name), n in outflow.items() if step == 1) == journeys == ends
    assert {node: n for node, n in outflow.items() if node[0] > 1} == inflow


def check_paths(store: Store, view: View, left: Left, route: Route, repeats: str) -> None:
    """Ranked paths hold every journey; transitions are all touchpoints but the first of each journey."""
    paths = second_opinion.whole_paths(left, repeats)
    ranked = sorted(paths, key=lambda path: (-paths[path], path))
    frame = cx.run("variants", store, view, repeats=repeats, top=200, route=route).frame
    reached = {path: paths[path] if set(path) & set(left.goal) else 0 for path in paths}
    assert cells(frame, "path", "journeys", "converted", "steps") == [
        (path, paths[path], reached[path], len(path)) for path in ranked[:200]
    ]
    assert set(frame["all_journeys"]) <= {len(left.units)}
    assert len(paths) > 200 or sum(frame["journeys"]) == len(left.units)
    assert exported_count(frame, "journeys") == sum(frame["journeys"])


def check_halves(store: Store, view: View, left: Left, route: Route, repeats: str) -> None:
    """Those who reach the goal and those who do not are everyone, each path on one side."""
    paths = second_opinion.whole_paths(left, repeats)
    for who, reaches in (("converters", True), ("drop-outs", False)):
        side = {path: n for path, n in paths.items() if bool(set(path) & set(left.goal)) == reaches}
        frame = cx.run("variants", store, view, repeats=repeats, top=200, who=who, route=route).frame
        ranked = sorted(side, key=lambda path: (-paths[path], path))[:200]
        assert cells(frame, "path", "journeys", "all_journeys") == [(p, side[p], len(left.units)) for p in ranked]


def check_transitions(store: Store, view: View, left: Left, route: Route, repeats: str) -> None:
    """Transitions are all nodes but the first of each journey."""
    paths = second_opinion.whole_paths(left, repeats)
    pairs = cx.run("transitions", store, view, repeats=repeats, times="mean", route=route).frame
    found = {row[:2]: row[2:] for row in cells(pairs, "touchpoint", "next_touchpoint", "transitions", "journeys")}
    assert found == second_opinion.transitions(left, repeats)
    nodes = sum(len(path) * n for path, n in paths.items())
    assert exact(pairs["transitions"].sum()) + len(left.units) == nodes
    assert repeats == "merge" or nodes == len(left.rows)
    assert exported_count(pairs, "transitions") == nodes - len(left.units)


def check_engagement(store: Store, view: View, left: Left, metric: str) -> None:
    """Reach times population is the customers; touchpoints of all groups are those of the people."""
    column = ENGAGEMENT[metric]
    frame = cx.run(metric, store, view).frame
    found = {row[0]: row[1:] for row in cells(frame, column, "customers", "touchpoints")}
    assert found == second_opinion.touched(left, column), metric
    assert set(frame["population"]) <= {len(left.customers)}
    assert all(abs(r * n - c) < 1e-6 for r, n, c in cells(frame, "reach", "population", "customers"))
    sums = {"touchpoints": len(left.rows), "customers": sum(n for n, _t in found.values())}
    assert {name: exported_count(frame, name) for name in sums} == sums
    assert exact(frame["bounced_sessions"].sum()) <= exact(frame["entry_sessions"].sum()) <= len(left.rows)


def check_funnel(store: Store, view: View, left: Left) -> None:
    """Who enters has the first touchpoint in the view; who is lost is followed to the person; parts add up to the whole."""
    names = [
        name
        for name, _n in sorted(Counter(row["touchpoint"] for row in left.rows).items(), key=lambda kv: (-kv[1], kv[0]))
    ]
    if len(names) < 2:
        return
    asked: dict[str, Any] = {"steps": tuple(Step((name,)) for name in names[:2]), "window": None, "span": "every_step"}
    frame = cx.run("funnel", store, view, **asked).frame
    entered = [unit for unit in left.units.values() if any(row["touchpoint"] == names[0] for row in unit)]
    done = [unit for unit in entered if goes_on(unit, *names[:2], timed=store.facts.timed)]
    assert frame["customers"].tolist() == [len(entered), len(done)]
    if view.grain == "journey":
        reached = cx.run("touchpoint_engagement", store, view).frame.set_index("touchpoint")["customers"]
        assert reached[names[0]] == len(entered)
    lost = cx.run("drop_out_next", store, view, **asked, next_top=2).frame
    assert lost["customers"].sum() == frame["drop_off"].sum() == len(entered) - len(done)
    for by in ("persona", "channel"):
        if by in store.tables["touchpoints"].columns:
            parts = cx.run("funnel", store, view, by=[by], **asked, top=2).frame
            assert parts.groupby("step")["customers"].sum().to_dict() == {1: len(entered), 2: len(done)} or not len(
                entered
            )
    if store.facts.timed:
        trend = cx.run("conversion_trend", store, view, **asked).frame
        assert (trend["entrants"].sum(), trend["converted"].sum()) == (len(entered), len(done))
        assert cx.run("time_to_convert", store, view, **asked).frame["customers"].sum() == len(done)


def goes_on(unit: Sequence[Row], first: str, second: str, timed: bool) -> bool:
    """Does the second touchpoint follow the first, at its time or later?"""
    places = {name: [i for i, row in enumerate(unit) if row["touchpoint"] == name] for name in (first, second)}
    if not places[first] or not places[second]:
        return False
    if not timed:
        return places[second][-1] > places[first][0]
    latest: Any = max(unit[i]["occurred_at"] for i in places[second])
    return bool(latest >= min(unit[i]["occurred_at"] for i in places[first]))


def check_conversions(store: Store, view: View, left: Left) -> None:
    """Conversions are the touchpoints of the goal; the credits of channels, and those of every curve, add up to them."""
    if not left.goal:
        return
    goals = [row for row in left.rows if row["touchpoint"] in left.goal]
    assert conversions(store, view) == len(goals)
    frame = cx.run("conversion", store, view).frame
    assert cells(frame, "customers", "converted") == [(len(left.customers), len({r["customer_id"] for r in goals}))]
    frame = cx.run("channel_performance", store, view).frame
    for credit in ("first_touch_conversions", "last_touch_conversions"):
        assert exact(frame[credit].sum()) == len(goals)
        assert exported_count(frame, credit) == len(goals)
    assert exact(frame["touchpoints"].sum()) == len(left.rows)
    assert set(frame["population"]) <= {len(left.customers)}
    curve = cx.run("exposure_curve", store, view, top=200).frame
    each = curve.groupby("touchpoint")[["customers", "converted"]].sum()
    everyone = (len(left.customers), len({r["customer_id"] for r in goals}))
    assert {tuple(row) for row in each.itertuples(index=False)} <= {everyone}


def exported_counts(frame: pd.DataFrame, count: str, by: str) -> dict[str, int]:
    """The sums of a count column in the CSV file of a frame, by the text in another column."""
    sums = Counter[str]()
    for row in exported(frame):
        sums[row[by]] += int(row[count])
    return dict(sums)


def exported_count(frame: pd.DataFrame, count: str) -> int:
    return sum(int(row[count]) for row in exported(frame))


def exported(frame: pd.DataFrame) -> list[dict[str, str]]:
    """The rows that a spreadsheet finds in the CSV file of a frame."""
    rows = list(csv.DictReader(io.StringIO(safe_csv(frame).decode("utf-8-sig"), newline="")))
    assert len(rows) == len(frame)
    return rows


# Random logs


def random_store(seed: int, customers: int, timed: bool = True) -> tuple[Store, list[Row]]:
    events = random_events(seed, customers, timed)
    store, _built = memory_store(events.tables(), events.facts, cube_share=float("inf"))
    return store, rows_of(store)


@pytest.mark.parametrize("third", [0, *seldom(1, 2)])
def test_every_kind_of_view_of_a_random_log_adds_up(third: int) -> None:
    store, rows = random_store(1, 25)
    assert {"moves", "pairs", "journeys", "paths"} <= set(store.tables)
    dice = random.Random(1)
    for view in list(views().values())[third::3]:
        reconcile(store, rows, view, dice)


@pytest.mark.parametrize("seed", [0, 1, *seldom(2, 3, 4)])
def test_random_views_of_random_logs_add_up(seed: int) -> None:
    store, rows = random_store(seed, 20, timed=seed != 1)
    dice = random.Random(seed)
    for _ in range(2):
        reconcile(store, rows, random_view(dice, rows, store), dice)
        reconcile(store, rows, segment_view(dice, rows, store), dice)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(4))
def test_random_views_of_ten_thousand_random_journeys_add_up(seed: int) -> None:
    store, rows = random_store(seed, 2_600)
    dice = random.Random(seed)
    asked = [
        *(random_view(dice, rows, store) for _ in range(40)),
        *(segment_view(dice, rows, store) for _ in range(20)),
    ]
    for view in (*views().values(), *asked):
        reconcile(store, rows, view)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_many_random_views_of_many_small_logs_add_up() -> None:
    for seed in range(100, 140):
        store, rows = random_store(seed, 12, timed=seed % 4 != 0)
        dice = random.Random(seed)
        for _ in range(12):
            reconcile(store, rows, random_view(dice, rows, store))
            reconcile(store, rows, segment_view(dice, rows, store))


# Real data sets


def real(path: Path) -> tuple[Store, list[Row]]:
    store = cx.open_files(touchpoints=path)
    return store, rows_of(store)


TestData = Callable[[str], Path]


@pytest.mark.parametrize("name", ["olist_journey/touchpoints.csv.gz", *seldom("retentioneering_ecom/ecom.csv.gz")])
def test_views_of_a_real_data_set_add_up(test_data: TestData, name: str) -> None:
    store, rows = real(test_data(name))
    dice = random.Random(name)
    for view in (View(), random_view(dice, rows, store), segment_view(dice, rows, store)):
        reconcile(store, rows, view, dice)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", REAL)
def test_many_views_of_every_real_data_set_add_up(test_data: TestData, name: str) -> None:
    store, rows = real(test_data(name))
    dice = random.Random(name)
    few = (Filter("touchpoint", tuple(sorted({row["touchpoint"] for row in rows})[:2])),)
    kinds = [View(), View(grain="session"), View(touchpoints=few), View(touchpoints=few, touchpoint_rule="touchpoints")]
    segments = [segment_view(dice, rows, store) for _ in range(8)]
    for view in (*kinds, *(random_view(dice, rows, store) for _ in range(16)), *segments):
        reconcile(store, rows, view)
