"""Small groups through the one door: metrics, comparisons, counts and comments of a store, asked by somebody protected."""

from __future__ import annotations

import functools
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

import cx_metrics as cx
from cx_metrics import protecting
from cx_metrics.engines import Store
from cx_metrics.errors import ViewProblem
from cx_metrics.run import comments, conversions
from cx_metrics.small_groups import Privacy
from cx_metrics.view import Answered, Filter, Member, Passing, Tried, View
from tests.conftest import dataset

PRIVACY = Privacy()
LEAST = PRIVACY.scores
PERSONAS, REGIONS, PLACES = (
    ("saver", "family", "guest", ""),
    ("north", "south", "west"),
    ("Checkout", "Delivery", "Support"),
)


def people(count: int, seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Customers with rare and frequent attributes, one answer each, and their touchpoints over half a year."""
    rng = np.random.default_rng(seed)
    customers, answers, touchpoints = [], [], []
    for i in range(count):
        who, begun = f"u{i}", datetime(2026, 1, 5) + timedelta(days=int(rng.integers(150)))
        persona, region = rng.choice(PERSONAS, p=(0.5, 0.3, 0.05, 0.15)), rng.choice(REGIONS, p=(0.6, 0.3, 0.1))
        customers.append({"customer_id": who, "persona": persona or None, "region": region})
        answers.append({
            "customer_id": who, "score": float(rng.integers(11)), "scale_low": 0.0, "scale_high": 10.0, "answered_at": begun,
            "touchpoint": rng.choice(PLACES, p=(0.5, 0.4, 0.1)), "comment": f"words {i}" if rng.random() < 0.5 else None,
        })  # fmt: skip
        for step, name in enumerate("ABCD"[: int(rng.integers(1, 5))]):
            at = begun + timedelta(days=9 * step)
            channel = rng.choice(("web", "store", "call"), p=(0.7, 0.25, 0.05))
            touchpoints.append({"customer_id": who, "touchpoint": name, "occurred_at": at, "channel": channel})
    return customers, answers, touchpoints


def store(count: int = 240, seed: int = 1) -> Store:
    customers, answers, touchpoints = people(count, seed)
    return dataset(touchpoints, answers, customers, goal=("C",))


@pytest.fixture(scope="module")
def held() -> Store:
    return store()


def a_view(rng: np.random.Generator, inside: View) -> View:
    """A view within another one: fewer values of some attributes, a part of the range."""
    view = inside
    for column, values in (("persona", PERSONAS), ("region", REGIONS)):
        known = view.values(column) or values
        if rng.random() < 0.5 and len(known) > 1:
            view = view.with_values(column, tuple(v for v in known if rng.random() < 0.7) or known[:1])
    if rng.random() < 0.3:
        view = View(
            **vars(view) | {"first_day": max(date(2026, int(rng.integers(1, 4)), 10), view.first_day or date.min)}
        )
    return view


def counts(held: Store, view: View, by: str, count: str, metric: str, privacy: Privacy | None) -> dict[Any, int]:
    """How many each row of a table shows, and the total under ""."""
    total = cx.run(metric, held, view, privacy=privacy).frame
    rows = cx.run(metric, held, view, by=[by], privacy=privacy).frame
    found = {str(k): int(n) for k, n in zip(rows[by], rows[count].fillna(0), strict=True)}
    return found | {"total": int(total[count].fillna(0).sum())}


Pair = tuple[View, View, str]  # a view, one within it, and a column to group both by


def at_random(pairs: int) -> list[Pair]:
    rng = np.random.default_rng(3)
    wide = [a_view(rng, View()) for _pair in range(pairs)]
    return [(view, a_view(rng, view), str(rng.choice(["persona", "region"]))) for view in wide]


def one_left_out() -> list[Pair]:
    """Everybody, and everybody without one value of an attribute, grouped by the other one."""
    other = {"persona": "region", "region": "persona"}
    values = [("persona", PERSONAS, p) for p in PERSONAS] + [("region", REGIONS, r) for r in REGIONS]
    return [(View(), View().with_values(c, tuple(v for v in all_ if v != one)), other[c]) for c, all_, one in values]


def small_ones(
    held: Store, privacy: Privacy | None, pairs: list[Pair], metric: str = "nps", count: str = "responses"
) -> int:
    """Small groups that pairs of nested views give away: shown, a row less the same row, a total less a total or its rows."""
    found = 0
    ask = functools.cache(lambda view, by: counts(held, view, by, count, metric, privacy))
    for wide, narrow, by in pairs:
        tables = [ask(view, by) for view in (wide, narrow)]
        seen = [n for t in tables for n in t.values()]
        seen += [n - tables[1].get(key, 0) for key, n in tables[0].items()]
        seen += [2 * t["total"] - sum(t.values()) for t in tables]
        found += sum(0 < n < LEAST for n in seen)
    return found


def test_nested_views_of_a_store_give_no_small_group_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """With small rows hidden and no blocks they do: the attacker subtracts."""
    few = store(70, 2)
    assert small_ones(few, PRIVACY, [*one_left_out(), *at_random(3)]) == 0
    monkeypatch.setattr(protecting, "wholly", lambda _block, kept: kept)
    monkeypatch.setattr(protecting, "alike", lambda block, _codes: np.ones(len(block), dtype=bool))
    assert small_ones(few, PRIVACY, one_left_out()) > 0


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_two_hundred_pairs_of_views_of_each_store(seed: int) -> None:
    held = store(80 + 80 * seed, seed)
    assert small_ones(held, PRIVACY, at_random(200)) == 0
    assert small_ones(held, None, at_random(50)) > 0
    assert small_ones(held, PRIVACY, at_random(100), "conversion", "customers") == 0


def test_customers_count_in_whole_blocks_too(held: Store) -> None:
    assert small_ones(held, PRIVACY, at_random(3), "conversion", "customers") == 0


def test_everybody_is_all_and_the_frame_says_that_nothing_is_hidden(held: Store) -> None:
    plain, guarded = cx.run("nps", held), cx.run("nps", held, privacy=PRIVACY)
    assert guarded.frame.drop(columns="suppressed").equals(plain.frame)
    assert guarded.frame["suppressed"].tolist() == [False]
    assert plain.kept_back is None and guarded.kept_back is None
    assert "privacy" not in plain.definition
    assert guarded.definition["privacy"] == {"scores": 5, "comments": 8, "first": [], "kept_back": 0, "unit": "answers"}
    assert guarded.definition["hash"] != plain.definition["hash"]


def test_a_group_that_is_too_small_is_a_row_without_numbers_and_is_said_to_be_kept_back() -> None:
    answers = [{"customer_id": f"u{i}", "score": 9.0, "answered_at": datetime(2026, 1, 5)} for i in range(23)]
    customers = [{"customer_id": f"u{i}", "persona": "rare" if i < 3 else "b" if i < 8 else "c"} for i in range(23)]
    held = dataset(None, answers, customers)
    result = cx.run("nps", held, by=["persona"], privacy=PRIVACY)
    rows = result.frame.set_index("persona")
    assert rows["suppressed"].to_dict() == {"c": False, "b": True, "rare": True}
    assert rows.loc["c", "responses"] == 15 and rows.loc[["b", "rare"], ["responses", "nps", "promoters"]].isna().all(
        axis=None
    )
    assert str(result.kept_back) == "Up to 8 answers are kept back to protect small groups."  # the block of 3 and 5
    only = cx.run("nps", held, View(customers=(Filter("persona", ("rare",)),)), privacy=PRIVACY)
    assert only.frame["responses"].tolist() == [0] and str(only.kept_back).startswith("Up to 8 answers")
    both = cx.run("nps", held, View(customers=(Filter("persona", ("b", "rare")),)), privacy=PRIVACY)
    assert both.frame["responses"].tolist() == [8] and both.kept_back is None


def test_ranges_are_whole_months_and_journeys_those_that_start_in_them(held: Store) -> None:
    view = View(first_day=date(2026, 2, 10), last_day=date(2026, 3, 3))
    said = cx.run("nps", held, view, privacy=PRIVACY).definition["range"]
    assert (said["first_day"], said["last_day"], said["rule"]) == ("2026-02-01", "2026-03-31", "touchpoints")
    assert cx.run("conversion", held, view, privacy=PRIVACY).definition["range"]["rule"] == "journeys"
    within = View(first_day=date(2026, 2, 1), last_day=date(2026, 3, 31))
    shown = cx.run("nps", held, view, privacy=PRIVACY).frame["responses"].sum()
    assert 0 < shown <= cx.run("nps", held, within).frame["responses"].sum()
    months = cx.run("nps", held, by=["month"], privacy=PRIVACY).frame
    assert (months.loc[~months["suppressed"], "responses"] >= LEAST).all()


@pytest.mark.parametrize(
    "view",
    [
        View(answered=Answered("nps", 0, 6)), View(passing=Passing(1, "A")), View(tried=Tried(2, True, (("steps", "A,B"),))),
        View(members=(Member("those", "persona=saver"),)), View(customers=(Filter("customer_id", ("u1",)),)),
    ],
)  # fmt: skip
def test_views_that_would_ask_about_single_people_are_refused(held: Store, view: View) -> None:
    for metric in ("nps", "conversion"):
        with pytest.raises(ViewProblem, match="Small groups are protected"):
            cx.run(metric, held, view, privacy=PRIVACY)


@pytest.mark.parametrize("by", ["response_id", "customer_id", "day", "score"])
def test_answers_are_not_grouped_by_what_tells_single_people_apart(held: Store, by: str) -> None:
    with pytest.raises(ViewProblem, match="would tell single people apart"):
        cx.run("nps", held, by=[by], privacy=PRIVACY)


@pytest.mark.parametrize(
    ("metric", "options"),
    [("funnel", {"steps": "A,B,C"}), ("flow_links", {}), ("variants", {}), ("rework", {}), ("channel_performance", {})],
)
def test_every_route_counts_the_same_customers(few: Store, metric: str, options: dict[str, Any]) -> None:
    """Whole journeys from memory, from stored columns and from cubes: each leaves out who is kept back. Asked before without
    protection, so that nothing of that is taken for an answer."""
    plain = cx.run(metric, few, View(customers=(Filter("persona", ("saver",)),)), **options).frame
    guarded = cx.run(metric, few, View(customers=(Filter("persona", ("saver",)),)), privacy=PRIVACY, **options).frame
    count = next(c for c in ("customers", "journeys") if c in plain)
    assert plain[count].max() == 3
    assert guarded[count].fillna(0).max() == 0 or guarded.empty
    view = View(customers=(Filter("persona", ("guest",)),))
    assert cx.run(metric, few, view, privacy=PRIVACY, **options).frame[count].max() == 12


@pytest.fixture(scope="module")
def few() -> Store:
    return dataset_of_few()


def dataset_of_few() -> Store:
    """Three savers, twelve families and twelve guests on one way."""
    personas = ["saver"] * 3 + ["family"] * 12 + ["guest"] * 12
    customers = [{"customer_id": f"u{i}", "persona": persona} for i, persona in enumerate(personas)]
    rows = [
        {"customer_id": f"u{i}", "touchpoint": name, "channel": "web", "occurred_at": datetime(2026, 1, 5, 9, step)}
        for i in range(27) for step, name in enumerate("ABC")
    ]  # fmt: skip
    answers = [{"customer_id": f"u{i}", "score": 9.0, "answered_at": datetime(2026, 1, 5)} for i in range(27)]
    return dataset(rows, answers, customers, goal=("C",), cube_share=9.0)


def test_what_customers_met_keeps_whole_blocks(held: Store) -> None:
    for channel in ("web", "store", "call"):
        view = View(touchpoints=(Filter("channel", (channel,)),))
        plain, guarded = (
            cx.run("conversion", held, view, privacy=p).frame["customers"].fillna(0).sum() for p in (None, PRIVACY)
        )
        assert guarded == 0 or LEAST <= guarded <= plain
        only = View(touchpoints=view.touchpoints, touchpoint_rule="touchpoints")
        assert cx.run("conversion", held, only, privacy=PRIVACY).frame["customers"].fillna(0).sum() == guarded


def test_captions_count_who_is_shown(held: Store) -> None:
    view = View(customers=(Filter("persona", ("guest",)), Filter("region", ("north",))))
    shown = cx.people(held, view, PRIVACY)
    assert shown["responses"] == cx.run("nps", held, view, privacy=PRIVACY).frame["responses"].sum()
    assert shown["customers"] == cx.run("conversion", held, view, privacy=PRIVACY).frame["customers"].fillna(0).sum()
    assert cx.people(held, View(), PRIVACY) == cx.people(held)
    assert conversions(held, View(), PRIVACY) == conversions(held)


def test_comments_come_by_the_dozen_or_not_at_all(held: Store) -> None:
    plain, count = comments(held)
    found, shown = comments(held, privacy=PRIVACY)
    assert shown == count and found["comment"].tolist() == plain["comment"].tolist()
    assert found[["answered_at", "touchpoint", "language"]].isna().all(axis=None)
    seen = []
    for persona in PERSONAS[2:]:
        for region in REGIONS:
            view = View(customers=(Filter("persona", (persona,)), Filter("region", (region,))))
            _frame, shown = comments(held, view, privacy=PRIVACY)
            seen.append((comments(held, view)[1], shown))
    assert all(shown == 0 or shown >= PRIVACY.comments for _all, shown in seen)
    assert any(0 < every < PRIVACY.comments for every, _shown in seen)


@pytest.mark.parametrize("metric", ["nps", "conversion", "flow_links"])
def test_comparisons_hide_a_side_that_is_hidden(few: Store, metric: str) -> None:
    a, b = (View(customers=(Filter("persona", (p,)),)) for p in ("guest", "saver"))
    plain, guarded = (cx.compare(metric, few, a, b, privacy=p) for p in (None, PRIVACY))
    sides = ("journeys_a", "journeys_b") if metric == "flow_links" else ("n_a", "n_b")
    assert [plain.frame[side].max() for side in sides] == [12, 3]
    assert guarded.frame[sides[0]].max() == 12
    assert not (guarded.frame[sides[1]].fillna(0) > 0).any()
    assert guarded.kept_back is not None and "suppressed" in guarded.frame
    assert guarded.definition["privacy"]["kept_back"] == 15  # the block of three savers and twelve families


def test_by_groups_a_comparison_says_nothing_of_those_who_are_hidden() -> None:
    rows = [{"customer_id": f"u{i}", "score": 9.0, "answered_at": datetime(2026, 1 + i % 2, 5)} for i in range(40)]
    customers = [{"customer_id": f"u{i}", "persona": "rare" if i < 4 else "b" if i < 18 else "many"} for i in range(40)]
    held = dataset(None, rows, customers)
    a, b = (View(first_day=date(2026, m, 1), last_day=date(2026, m, 20)) for m in (1, 2))
    frame = cx.compare("nps", held, a, b, by=["persona"], privacy=PRIVACY).frame
    rare = frame[frame["persona"] == "rare"]
    numbers = ["n_a", "value_a", "n_b", "value_b", "difference", "p_value"]
    assert len(rare) and rare["suppressed"].all() and rare[numbers].isna().all(axis=None)
    many = frame[(frame["persona"] == "many") & (frame["measure"] == "nps")]
    assert not many["suppressed"].any() and many["n_a"].tolist() and (many["n_a"] >= LEAST).all()


def test_the_first_attributes_come_through_whole(held: Store) -> None:
    regions = cx.run("nps", held, by=["region"])
    first = cx.run("nps", held, by=["region"], privacy=Privacy(first=("region",)))
    assert first.frame["responses"].tolist() == regions.frame["responses"].tolist() and first.kept_back is None


def test_an_import_of_answers_that_name_nobody_counts_each_as_somebody() -> None:
    base = {"customer_id": None, "score": 9.0, "answered_at": datetime(2026, 1, 5)}
    rows = [base | {"channel": "web" if i < 6 else "call"} for i in range(12)]
    frame = cx.run("nps", dataset(None, rows), by=["channel"], privacy=PRIVACY).frame
    assert frame["responses"].tolist() == [6, 6]
    one = [row | {"customer_id": "u1" if row["channel"] == "web" else f"v{i}"} for i, row in enumerate(rows)]
    assert cx.run("nps", dataset(None, one), by=["channel"], privacy=PRIVACY).frame["responses"].isna().all()
