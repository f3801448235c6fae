"""What changed: known answers, agreement with the metrics it is made of, and how often chance alone looks like a change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

import cx_metrics as cx
from cx_metrics import findings_movers, intervals
from cx_metrics.engines import Store
from cx_metrics.movers import COLUMNS, LEVEL, TITLES, counted, movers, ranked, recent
from cx_metrics.small_groups import Privacy
from cx_metrics.view import Facts, Filter, View
from tests.conftest import dataset
from tests.worlds import BEFORE, NOW, worlds

WORLDS, CUSTOMERS = 80, 150


def of_each_world(store: Store) -> Iterator[pd.DataFrame]:
    """The ranked numbers of every world: each period is counted once, for all worlds."""
    sides = [counted(store, view, by=("world",)) for view in (NOW, BEFORE)]
    names = sorted(set(sides[0]["reach"]["world"]))
    for name in names:
        now, before = ({m: f[f["world"] == name].drop(columns="world") for m, f in side.items()} for side in sides)
        yield ranked(now, before)


def shares(store: Store) -> tuple[float, float, float]:
    """In which part of the worlds is there a mover; is the planted one among them; does it, or what it is a part of, come first?"""
    found = [frame[frame["flagged"]] for frame in of_each_world(store)]
    planted = [bool(((f["name"] == "Website") & (f["measure"] == "csat")).any()) for f in found]
    first = [len(f) > 0 and f.iloc[0]["measure"] == "csat" for f in found]
    return float(np.mean([len(f) > 0 for f in found])), float(np.mean(planted)), float(np.mean(first))


def test_where_nothing_changed_hardly_a_page_shows_a_mover() -> None:
    #: 10 of 80 and more would be seen less than once in 100 times if one page of 20 showed a mover (binomial); the long test
    #: says more
    some, _planted, _first = shares(worlds(WORLDS, CUSTOMERS, seed=11))
    assert some * WORLDS < 10


@pytest.mark.long
def test_where_nothing_changed_at_most_one_page_of_twenty_shows_a_mover_in_a_thousand_worlds() -> None:
    found = [shares(worlds(200, customers, seed=seed))[0] for seed, customers in enumerate((100, 150, 150, 200, 400))]
    assert np.mean(found) <= LEVEL


def test_a_change_that_is_there_is_found_and_comes_first() -> None:
    #: satisfied .67 before (mean of Beta(4, 2)), .2 after; some 60 answers about the Website in each period, so
    #: z = .47 / sqrt(2 x .43 x .57 / 60) = 5.2, against about 3.5 for the first of some 70 numbers at 5 %
    _some, planted, first = shares(worlds(10, 1_700, seed=12, fall=0.5))
    assert planted >= 0.9 and first >= 0.9


def facts(**more: object) -> Facts:
    days = (date(2026, 1, 1), date(2026, 3, 31))
    return Facts(tables=("touchpoints",), ranges={"touchpoints": days}, **more)  # type: ignore[arg-type]


def test_the_periods_are_those_of_the_view_or_the_last_four_weeks() -> None:
    assert recent(facts(), View()) == (
        View(first_day=date(2026, 3, 4), last_day=date(2026, 3, 31)),
        View(first_day=date(2026, 2, 4), last_day=date(2026, 3, 3)),
    )
    asked = View(first_day=date(2026, 3, 1), last_day=date(2026, 3, 10), compare="previous")
    now, before = recent(facts(), asked) or (None, None)
    assert now == asked.alone() and before == asked.previous()
    short = View(first_day=date(2026, 3, 1), last_day=date(2026, 3, 14), customers=(Filter("persona", ("saver",)),))
    now, before = recent(facts(), short) or (View(), View())
    assert (now.first_day, now.last_day) == (date(2026, 3, 8), date(2026, 3, 14))
    assert (before.first_day, before.last_day) == (date(2026, 3, 1), date(2026, 3, 7)) and before.customers
    assert recent(facts(), View(first_day=date(2026, 3, 20), last_day=date(2026, 3, 31))) is None
    assert recent(facts(timed=False), View()) is None


def frame_of(**counts: list[int]) -> dict[str, pd.DataFrame]:
    return {"csat": pd.DataFrame({"kind": ["touchpoint", "all"], "name": ["Delivery", "all"], **counts})}


def test_a_share_has_the_difference_and_the_p_value_of_newcombe_1998() -> None:
    #: Newcombe (1998), 56/70 against 48/80: .2 [.0524, .3339]; z 2.6502, p .00805
    found = ranked(frame_of(satisfied=[56, 56], responses=[70, 70]), frame_of(satisfied=[48, 48], responses=[80, 80]))
    assert list(found["name"]) == [
        "Delivery"
    ]  # everybody answered about the delivery: tested once, under the narrower name
    row = found.iloc[0]
    assert (row["difference"], row["difference_low"], row["difference_high"]) == pytest.approx(
        (0.2, 0.0524, 0.3339), abs=5e-5
    )
    assert row["p_value"] == pytest.approx(0.00805, abs=5e-6)
    assert (row["n_now"], row["value_now"], row["n_before"], row["value_before"]) == (70, 0.8, 80, 0.6)


def test_nps_has_the_difference_of_rocks_2016_and_the_family_that_of_benjamini_hochberg() -> None:
    #: METRICS 1.1: (50, 30, 20) minus (30, 40, 30) is 30 [7.91, 50.34], p .00712
    def nps(*classes: tuple[int, int, int]) -> dict[str, pd.DataFrame]:
        rows = pd.DataFrame(classes, columns=["promoters", "passives", "detractors"])
        return {"nps": rows.assign(kind="touchpoint", name=[f"T{i}" for i in range(len(rows))])}

    now, before = nps((50, 30, 20), (40, 30, 30), (9, 9, 9)), nps((30, 40, 30), (40, 31, 30), (20, 20, 20))
    found = ranked(now, before)
    assert list(found["name"]) == ["T0", "T1"]  # 27 answers are too few
    assert found.iloc[0]["difference"] == 30
    assert found.iloc[0]["p_value"] == pytest.approx(0.00712, abs=5e-6)
    assert (found.iloc[0]["difference_low"], found.iloc[0]["difference_high"]) == pytest.approx((7.91, 50.34), abs=5e-3)
    assert list(found["q_value"]) == pytest.approx([2 * found["p_value"][0], found["p_value"][1]])
    assert list(found["flagged"]) == [True, False]


def test_a_number_is_tested_where_chance_leads_to_five_cases_in_each_cell() -> None:
    #: 9 of 50 and 1 of 50: pooled .1, so 5 and 45 expected; with 8, 4.5
    for part, tested in ((9, True), (8, False)):
        found = ranked(
            frame_of(satisfied=[part, part], responses=[50, 50]), frame_of(satisfied=[1, 1], responses=[50, 50])
        )
        assert bool(len(found)) == tested


def test_nothing_to_compare_is_an_empty_list() -> None:
    found = ranked({}, {})
    assert not len(findings_movers.shown(found))
    assert list(found.columns) == list(COLUMNS) and not len(found)
    assert str(findings_movers.movers(found, TITLES, {})) == "Too few people in the two periods to say what changed"


@pytest.fixture(scope="module")
def store() -> Store:
    return worlds(1, 2_500, seed=5, fall=0.6)


def test_every_number_is_that_of_the_metric_that_has_it(store: Store) -> None:
    frame = movers(store, NOW, BEFORE).frame
    engagement = {"reach", "next_stage_rate", "bounce_rate"}
    checked = 0
    for row in frame.itertuples():
        metric = (
            f"{row.kind}_engagement"
            if row.measure in engagement
            else {"conversion_rate": "conversion", "easy_share": "ces"}.get(row.measure, row.measure)
        )
        by = () if row.measure in engagement or row.kind == "all" else (row.kind,)
        for view, value in ((NOW, row.value_now), (BEFORE, row.value_before)):
            alone = cx.run(metric, store, view, by=by).frame
            own = alone if row.kind == "all" else alone[alone[row.kind] == row.name]
            assert own[row.measure].item() == pytest.approx(value)
            checked += 1
    assert checked > 60 and {"touchpoint", "stage", "channel", "persona", "all"} <= set(frame["kind"])
    top = frame.iloc[0]
    assert (top["name"], top["measure"], top["flagged"]) == ("Website", "csat", True)
    said = str(findings_movers.movers(frame, TITLES, {}))
    assert said == f"Website: Satisfied (CSAT) fell from {top['value_before']:.0%} to {top['value_now']:.0%}"
    assert list(frame["q_value"]) == pytest.approx(list(intervals.benjamini_hochberg(frame["p_value"])))


def test_exchanged_periods_mirror_every_difference(store: Store) -> None:
    one, other = (
        movers(store, *views).frame.set_index(["kind", "name", "measure"]) for views in ((NOW, BEFORE), (BEFORE, NOW))
    )
    other = other.loc[one.index]
    assert list(one["difference"]) == pytest.approx(list(-other["difference"]))
    assert list(one["p_value"]) == pytest.approx(list(other["p_value"]))
    assert list(one["difference_low"]) == pytest.approx(list(-other["difference_high"]))


def test_small_groups_are_hidden_from_viewers_who_may_not_see_them(store: Store) -> None:
    result = movers(store, NOW, BEFORE, privacy=Privacy())
    assert result.definition["privacy"]["kept_back"] >= 0
    assert (result.frame[["n_now", "n_before"]].min() >= 5).all()


def test_what_is_said_of_no_change_and_of_how_many_were_tested(store: Store) -> None:
    quiet = View(first_day=NOW.first_day, last_day=NOW.first_day + timedelta(days=6))  # type: ignore[operator]
    frame = movers(store, quiet, quiet).frame
    assert str(findings_movers.movers(frame, TITLES, {})) == "No touchpoint changed more than chance allows"
    assert str(findings_movers.tested(frame)).startswith(f"{len(frame)} numbers tested together")
    assert not len(findings_movers.shown(frame))


def test_answers_alone_and_touchpoints_alone_have_movers_of_their_own() -> None:
    day = [NOW.first_day, BEFORE.first_day]
    touchpoints = [
        {"customer_id": f"u{i}", "touchpoint": "A" if i % 3 else "B", "occurred_at": pd.Timestamp(day[i % 2])}
        for i in range(90)
    ]
    answers = [
        {"score": float(i % 11), "answered_at": pd.Timestamp(day[i % 2]), "customer_id": f"u{i}"} for i in range(90)
    ]
    assert set(movers(dataset(touchpoints), NOW, BEFORE).frame["measure"]) <= {
        "reach",
        "next_stage_rate",
        "bounce_rate",
    }
    assert set(movers(dataset(None, answers), NOW, BEFORE).frame["measure"]) == {"nps"}
