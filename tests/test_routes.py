"""Routes: by cube, by columns or by windows, a question has one answer."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import cx_metrics as cx
from cx_metrics.engines import Store, memory_store
from cx_metrics.errors import ViewProblem
from cx_metrics.routes import ROUTES, Route
from cx_metrics.tables import TOUCHPOINTS
from cx_metrics.view import Facts, Filter, Passing, View
from tests.conftest import MORNING, dataset, incoming, paths, seldom
from tests.engines.events import random_events, views
from tests.second_opinion import Row, random_view, rows_of

QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    *(("flow_links", {"steps": s, "times": t, "repeats": r, "top": n})
      for s in (2, 5, 10) for t in ("mean", "median") for r in ("merge", "keep") for n in (2, 200)),
    *(("transitions", {"times": t, "repeats": r}) for t in ("mean", "median") for r in ("merge", "keep")),
    *(("variants", {"who": w, "repeats": r, "top": n})
      for w in ("all", "converters", "drop-outs") for r in ("merge", "keep") for n in (3, 200)),
)  # fmt: skip
GROUPS = (
    (),
    (),
    ("persona",),
    ("plan", "persona"),
    ("channel",),
    ("region",),
    ("touchpoint",),
    ("week",),
    ("next_touchpoint",),
)
GROUPS_OF = {"transitions": GROUPS[:6], "variants": GROUPS[:8], "flow_links": GROUPS}
FEW = (Phase.explicit, Phase.reuse, Phase.generate)  # an example asks many questions: shrinking would take minutes


def random_store(seed: int, customers: int, timed: bool = True) -> tuple[Store, list[Row]]:
    events = random_events(seed, customers, timed)
    store, _built = memory_store(events.tables(), events.facts, cube_share=float("inf"))
    assert {"moves", "pairs"} <= set(store.tables)
    return store, rows_of(store)


def answers(
    store: Store, view: View, metric: str, by: Sequence[str], options: dict[str, Any]
) -> dict[str, pd.DataFrame]:
    """The answer by each route that holds, and by the one that is taken without being asked for (under "")."""
    found = {"": cx.run(metric, store, view, by=by, **options).frame}
    for route in ROUTES:
        try:
            found[route] = cx.run(metric, store, view, by=by, route=route, **options).frame
        except ViewProblem as refused:
            assert "route" in str(refused)
    return found


def check_same(found: dict[str, pd.DataFrame], about: object) -> None:
    """Counts, names and their order are exactly the same; times up to 1e-9 of their size."""
    first, *others = found
    for other in others:
        pd.testing.assert_frame_equal(
            found[other],
            found[first],
            check_exact=False,
            rtol=1e-9,
            atol=0,
            obj=f"{first or 'own'} and {other}: {about}",
        )
        for column in found[first].select_dtypes("integer").columns:
            assert (found[first][column] == found[other][column]).all(), (other, column, about)


def holding(view: View) -> set[Route]:
    """The routes that the view's own kind allows where cubes are kept."""
    if view.grain == "case" or view.touchpoints and view.touchpoint_rule == "touchpoints":
        return {"windows"}
    narrowed = view.grain != "journey" or view.first_day or view.last_day or view.touchpoints or view.chooses_people()
    return {"columns", "windows"} if narrowed else {"cube", "columns", "windows"}


def compare(store: Store, view: View, questions: Sequence[tuple[str, dict[str, Any]]], dice: random.Random) -> None:
    for metric, options in questions:
        by = [c for c in dice.choice(GROUPS_OF[metric]) if c in store.tables["touchpoints"].columns]
        found = answers(store, view, metric, by, options)
        assert set(found) == {"", *holding(view)}, (view, by)
        check_same(found, (metric, view, by, options))


def each_question(dice: random.Random) -> list[tuple[str, dict[str, Any]]]:
    """One question of each metric."""
    return [
        dice.choice([q for q in QUESTIONS if q[0] == metric]) for metric in ("flow_links", "transitions", "variants")
    ]


def test_every_option_of_every_metric_of_paths_has_one_answer_by_three_routes() -> None:
    store, _rows = random_store(7, 30)
    dice = random.Random(7)
    view = View(customers=(Filter("persona", ("saver", "", "new'ish")), Filter("plan", ("x", ""))))
    for metric in ("flow_links", "transitions", "variants"):
        asked = [q for q in QUESTIONS if q[0] == metric]
        compare(store, view, dice.sample(asked, min(len(asked), 5)), dice)


def test_every_kind_of_view_has_one_answer_by_every_route_that_holds() -> None:
    store, _rows = random_store(8, 30)
    dice = random.Random(8)
    for view in views().values():
        compare(store, view, dice.sample(each_question(dice), 1), dice)


@settings(deadline=None, max_examples=6, phases=FEW)
@given(st.integers(0, 10**6))
def test_random_views_have_one_answer_by_every_route_that_holds(seed: int) -> None:
    dice = random.Random(seed)
    store, rows = random_store(seed, dice.choice((1, 3, 20)), timed=seed % 5 > 0)
    compare(store, random_view(dice, rows, store), each_question(dice), dice)
    store.close()


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(3))
def test_views_of_ten_thousand_random_journeys_have_one_answer_by_every_route(seed: int) -> None:
    store, rows = random_store(seed, 10_000)
    dice = random.Random(seed)
    for view in (*views().values(), *(random_view(dice, rows, store) for _ in range(30))):
        compare(store, view, [*each_question(dice), *each_question(dice)], dice)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_every_question_of_many_random_views_of_small_logs_has_one_answer_by_every_route() -> None:
    dice = random.Random(0)
    for seed in range(12):
        store, rows = random_store(seed, 25, timed=seed % 4 > 0)
        for _ in range(3):
            compare(store, random_view(dice, rows, store), QUESTIONS, dice)
        store.close()


def test_the_fastest_route_that_holds_is_taken() -> None:
    store, _rows = random_store(9, 20)
    days = {"first_day": date(2025, 10, 25), "last_day": date(2025, 11, 2)}
    few = (Filter("channel", ("web",)),)
    taken = {
        "cube": [View(), View(customers=(Filter("persona", ("saver", "")),)), View(goal=("A",))],
        "columns": [
            View(grain="session"), View(**days), View(**days, range_rule="journeys"), View(touchpoints=few),
            View(passing=Passing(1, "A")), View(grain="session", **days, passing=Passing(1, "A")),
        ],
        "windows": [View(grain="case"), View(touchpoints=few, touchpoint_rule="touchpoints")],
    }  # fmt: skip
    for route, asked in taken.items():
        assert {cx.run("flow_links", store, view).route for view in asked} == {route}


# Where a range or a session cuts through a run of equal neighbours


def cut_cases() -> Iterator[tuple[str, View, list[tuple[str, int, float | None]]]]:
    """Touchpoints at hours of two days, a view, and the merged steps that stay: name, position, seconds to the next."""
    second = View(first_day=date(2026, 1, 6))
    first = View(last_day=date(2026, 1, 5))
    # hours 20, 22, 23 lie on the first day, 24 and later on the second
    yield "A20 A22 B23 B24 C25", first, [("A", 1, 3600.0), ("B", 2, None)]
    yield "A20 A22 B23 B24 C25", second, [("B", 1, 3600.0), ("C", 2, None)]
    yield "A20 B22 B24", first, [("A", 1, 7200.0), ("B", 2, None)]
    yield "A20 A24 A25 B26", second, [("A", 1, 3600.0), ("B", 2, None)]
    yield "A20 A24 A25 B26", first, [("A", 1, None)]
    yield "A20 B22 C23 C24", replace(first, range_rule="journeys"), [("A", 1, 7200.0), ("B", 2, 7200.0), ("C", 3, None)]


@pytest.mark.parametrize(("journey", "view", "left"), list(cut_cases()))
@pytest.mark.parametrize("route", ["columns", "windows"])
def test_a_range_cuts_runs_of_equal_neighbours_the_same_way_by_every_route(
    journey: str, view: View, left: list[tuple[str, int, float | None]], route: Route
) -> None:
    midnight = datetime(2026, 1, 5)
    rows = [
        {"customer_id": "u", "touchpoint": t[0], "occurred_at": midnight + timedelta(hours=int(t[1:]))}
        for t in journey.split()
    ]
    frame = cx.run("flow_links", dataset(rows), view, route=route).frame
    found = frame[["source", "step", "mean_seconds", "median_seconds"]].astype(object).values.tolist()
    assert [tuple(None if v != v else v for v in row) for row in found] == [(n, s, t, t) for n, s, t in left]


# What a filter of customers may hold


def test_a_filter_of_customers_keeps_journeys_whole_also_where_only_touchpoints_have_the_column() -> None:
    #: customer filters keep journeys whole; u1 saw a banner once, u2 never
    rows = paths("A B C", "A C")
    rows[1]["banner"] = "yes"
    view = View(customers=(Filter("banner", ("yes",)),))
    store = dataset(rows)
    for route in ("columns", "windows"):
        frame = cx.run("variants", store, view, route=route).frame
        assert frame["path"].tolist() in ([("A", "B", "C")], [("B",)]), (
            "whole, or only these touchpoints: but one of them"
        )
    check_same(answers(store, view, "flow_links", (), {}), view)
    check_same(answers(store, view, "transitions", (), {}), view)
    check_same(answers(store, view, "variants", (), {}), view)


HOSTILE = ("it's", 'say "x"', "back\\slash", "100%", "\ue0000\ue001", "\ue0001\ue001", "$1", "?", "{0}", "'; drop table paths;--",
           "line\nbreak", "tab\t", "\u00e9", "e\u0301", "خرید", " ", "NULL", "0", "saver")  # fmt: skip


@pytest.mark.parametrize("value", [*HOSTILE[::3], *seldom(*HOSTILE[1::3], *HOSTILE[2::3])])
def test_a_value_of_a_filter_is_nothing_but_a_value(value: str) -> None:
    people = [
        {"customer_id": "u1", "persona": value},
        {"customer_id": "u2", "persona": "other"},
        {"customer_id": "u3", "persona": None},
    ]
    rows = [row | {"channel": value if row["customer_id"] == "u1" else "other"} for row in paths("A B", "B C", "C")]
    store = dataset(rows, customers=people)
    for kept, left in (
        ((value,), [("A", "B")]),
        ((value, ""), [("A", "B"), ("C",)]),
        (("other", value), [("A", "B"), ("B", "C")]),
    ):
        view = View(customers=(Filter("persona", kept),))
        for frame in answers(store, view, "variants", (), {}).values():
            assert frame["path"].tolist() == left
    for rule in ("customers", "touchpoints"):
        view = View(touchpoints=(Filter("channel", (value,)),), touchpoint_rule=rule)  # type: ignore[arg-type]
        assert cx.people(store, view)["touchpoints"] == 2
    both = View(customers=(Filter("persona", (value,)), Filter("customer_id", ("u1",))))
    assert cx.people(store, both)["customers"] == 1


def test_two_filters_with_each_others_values_are_not_mixed_up() -> None:
    people = [{"customer_id": f"u{n}", "persona": "ab"[n % 2], "plan": "ab"[n // 2]} for n in range(4)]
    store = dataset(
        [{"customer_id": f"u{n}", "touchpoint": f"T{n}", "occurred_at": MORNING} for n in range(4)], customers=people
    )
    for persona in "ab":
        for plan in "ab":
            view = View(customers=(Filter("persona", (persona,)), Filter("plan", (plan,))))
            wanted = f"T{'ab'.index(persona) + 2 * 'ab'.index(plan)}"
            for frame in answers(store, view, "variants", (), {}).values():
                assert frame["path"].tolist() == [(wanted,)]


# Names that the results use themselves


OWN_NAMES = ("(other)", "(none)", "path_end", "path_start", "...", "drop_off", "None", "nan", "NULL", "A ")


@pytest.mark.parametrize("name", [*OWN_NAMES[:4], *seldom(*OWN_NAMES[4:])])
def test_touchpoints_named_like_words_of_ours_are_touchpoints(name: str) -> None:
    stores = []
    for word in ("X", name):
        rows = [
            {"sequence": n, "raw_touchpoint": "-", "mark": str(n)} | row
            for n, row in enumerate(paths("A X B", "X A", "X X"))
        ]
        rows = [row | {"touchpoint": word if row["touchpoint"] == "X" else row["touchpoint"]} for row in rows]
        tables = {"touchpoints": incoming(rows, TOUCHPOINTS.schema)}
        stores.append(memory_store(tables, Facts(goal=(word,)), cube_share=float("inf"))[0])

    def usual(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(usual(v) for v in value)
        return "X" if value == name else value

    for metric in ("flow_links", "transitions", "variants"):
        for route in ROUTES:
            ours, theirs = (cx.run(metric, store, route=route).frame for store in stores)
            columns = [c for c in ours.columns if c != "rank"]  # ties go by name, and the name is another one
            back = theirs[columns].astype(object)
            named = [c for c in columns if c != "kind"]  # a word of ours, whatever the touchpoints are called
            back[named] = back[named].map(usual)
            assert sorted(map(repr, back.values.tolist())) == sorted(
                map(repr, ours[columns].astype(object).values.tolist())
            )
