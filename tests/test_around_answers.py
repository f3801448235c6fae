"""What people did before and after their answer: by hand, against slow plain Python, and what holds for any answers."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from importlib import import_module
from itertools import groupby, pairwise
from statistics import median
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cx_metrics as cx
from cx_metrics import around_in_memory, whose
from cx_metrics.engines import Store
from cx_metrics.errors import ViewProblem
from cx_metrics.small_groups import Privacy
from cx_metrics.view import Answered, Filter, Member, View
from tests.conftest import MORNING, dataset

Row = dict[str, Any]
Key = tuple[str, int, str | None]
MOODS = ("unhappy", "neutral", "happy")
DAY = timedelta(days=1)


def at(days: float) -> datetime:
    return MORNING + timedelta(days=days)


def touch(who: str, days: float | None, name: str, **more: Any) -> Row:
    return {
        "customer_id": who,
        "occurred_at": None if days is None else at(days),
        "touchpoint": name,
        "raw_touchpoint": name,
    } | more


def said(who: str | None, days: float | None, score: float | None, **more: Any) -> Row:
    when = None if days is None else at(days)
    return {
        "customer_id": who,
        "answered_at": when,
        "score": score,
        "scale_low": 0.0,
        "scale_high": 10.0,
        "survey_type": "nps",
    } | more


def by_key(frame: Any) -> dict[Key, Row]:
    """The rows by side, place and touchpoint; nothing is None."""
    return {
        (r["side"], r["place"], None if r["touchpoint"] is None or r["touchpoint"] != r["touchpoint"] else r["touchpoint"]): r
        for r in frame.to_dict("records")
    }  # fmt: skip


# By hand. Two detractors, two promoters, one passive; the data end on day 20.
JOURNEYS = [
    touch("d1", 0, "Shop"), touch("d1", 2, "Delivery"), touch("d1", 5, "Support"), touch("d1", 6, "Support"),
    touch("d2", 1, "Shop"), touch("d2", 3, "Delivery"), touch("d2", 3, "Survey"),
    touch("p1", 0, "Shop"), touch("p1", 1, "Delivery"), touch("p1", 1.25, "Delivery"), touch("p1", 2, "Shop"),
    touch("p2", 10, "Shop"),
    touch("n1", 0, "Shop"), touch("n1", 20, "Shop"),
]  # fmt: skip
ANSWERS = [
    said("d1", 3, 2), said("d2", 3, 6), said("p1", 1.5, 9), said("p2", 9, 10), said("n1", 18, 7),
    said(None, 3, 1), said("d1", None, 0), said("nobody", 3, 10), said("d1", 4, None, score_status="missing"),
]  # fmt: skip


def test_the_last_and_the_next_touchpoint_of_an_answer_by_hand() -> None:
    rows = by_key(cx.run("around_answers", dataset(JOURNEYS, ANSWERS), window="7d").frame)
    last = {name: [rows["before", 1, name][mood] for mood in MOODS] for name in ("Delivery", "Survey", None)}
    # d1 and p1 were last at the delivery; d2 at the survey of the same instant; p2 and n1 (18 days) had nothing for a week
    assert last == {"Delivery": [1, 0, 1], "Survey": [1, 0, 0], None: [0, 1, 1]}
    following = {name: [rows["after", 1, name][mood] for mood in MOODS] for name in ("Support", "Shop", None)}
    # d1 goes to support, p1, p2 and n1 to the shop, d2 nowhere
    assert following == {"Support": [1, 0, 0], "Shop": [0, 1, 2], None: [1, 0, 0]}
    assert [rows["after", 2, None][mood] for mood in MOODS] == [2, 1, 2]  # two contacts with support are one
    support = rows["after", 1, "Support"]
    assert (support["unhappy_share"], support["happy_share"], support["difference"]) == (0.5, 0, 0.5)
    assert support["unhappy_median_seconds"] == 2 * 86_400  # from day 3 to day 5
    assert rows["after", 1, "Shop"]["happy_median_seconds"] == 0.75 * 86_400  # p1 half a day, p2 a day
    # what the answers are that stand nowhere
    whole = ("all_answers", "without_customer", "without_time", "without_journey", "without_scale")
    assert [support[name] for name in whole] == [8, 1, 1, 1, 0]
    assert [support[f"all_{mood}"] for mood in MOODS] == [2, 1, 2]


def test_a_window_that_reaches_beyond_the_data_is_not_over() -> None:
    rows = by_key(cx.run("around_answers", dataset(JOURNEYS, ANSWERS), window="7d").frame)
    # n1 answered on day 18 and was back on day 20, when the data end: at the second place its week is not over
    assert [rows["after", 1, None][f"{mood}_not_over"] for mood in MOODS] == [0, 0, 0]
    assert [rows["after", 2, None][f"{mood}_not_over"] for mood in MOODS] == [0, 1, 0]
    open_ = by_key(cx.run("around_answers", dataset(JOURNEYS, ANSWERS), window="unlimited").frame)
    assert open_["after", 1, None]["unhappy_not_over"] == open_["after", 1, None]["unhappy"] == 1
    assert open_["before", 1, "Shop"]["neutral"] == 1  # 18 days before


def test_the_answer_itself_can_be_left_out_and_repeats_be_kept() -> None:
    store = dataset(JOURNEYS, ANSWERS)
    rows = by_key(cx.run("around_answers", store, exclude="Survey", window="7d").frame)
    assert rows["before", 1, "Delivery"]["unhappy"] == 2 and ("before", 1, "Survey") not in rows
    merged, kept = (
        by_key(cx.run("around_answers", store, window="7d", repeats=rule).frame) for rule in ("merge", "keep")
    )
    assert kept["after", 2, "Support"]["unhappy"] == 1 and ("after", 2, "Support") not in merged
    assert (merged["before", 2, "Shop"]["happy"], kept["before", 2, "Delivery"]["happy"]) == (1, 1)


def test_a_run_that_the_answer_cuts_stands_on_both_sides() -> None:
    """A A | A B: the last before is A, an hour ago; the next is A, in two hours."""
    hours = [-2, -1, 2, 3]
    journey = [touch("u", hour / 24, name) for hour, name in zip(hours, "AAAB", strict=True)]
    rows = by_key(cx.run("around_answers", dataset(journey, [said("u", 0, 1)])).frame)
    assert rows["before", 1, "A"]["unhappy_median_seconds"] == 3_600
    assert rows["before", 2, None]["unhappy"] == 1
    assert rows["after", 1, "A"]["unhappy_median_seconds"] == 7_200
    assert rows["after", 2, "B"]["unhappy"] == 1


def test_the_window_ends_after_its_last_microsecond() -> None:
    """A touchpoint exactly as far away as the window counts, one a microsecond further does not."""
    micro = timedelta(microseconds=1)
    journey = [
        touch("in", 0, "A") | {"occurred_at": at(0) - DAY},
        touch("in", 0, "B") | {"occurred_at": at(0) + DAY},
        touch("out", 0, "A") | {"occurred_at": at(0) - DAY - micro},
        touch("out", 0, "B") | {"occurred_at": at(0) + DAY + micro},
    ]
    rows = by_key(cx.run("around_answers", dataset(journey, [said("in", 0, 1), said("out", 0, 10)]), window="1d").frame)
    for side, name in (("before", "A"), ("after", "B")):
        assert (rows[side, 1, name]["unhappy"], rows[side, 1, name]["happy"]) == (1, 0)
        assert (rows[side, 1, None]["unhappy"], rows[side, 1, None]["happy"]) == (0, 1)


def test_other_scores_have_a_happy_and_an_unhappy_side() -> None:
    scale = {"scale_low": 1.0, "scale_high": 5.0, "survey_type": "csat"}
    answers = [said("d1", 3, 3, **scale), said("p1", 1.5, 4, **scale), said("p2", 9, 5, **scale)]
    answers += [said("d2", 3, 5, survey_type="csat", scale_low=None, scale_high=None)]
    row = cx.run("around_answers", dataset(JOURNEYS, answers), score="csat").frame.iloc[0]
    assert [row[f"all_{mood}"] for mood in MOODS] == [1, 0, 2]
    assert (row["all_answers"], row["without_scale"]) == (4, 1)
    effort = scale | {"survey_type": "ces", "higher_is_better": False}  # less is better: 3 is the middle, and not easy
    answers = [said("d1", 3, 3, **effort), said("p1", 1.5, 2, **effort), said("p2", 9, 5, **effort)]
    row = cx.run("around_answers", dataset(JOURNEYS, answers), score="ces").frame.iloc[0]
    assert [row[f"all_{mood}"] for mood in MOODS] == [2, 0, 1]


def test_a_range_chooses_answers_and_cuts_no_journey() -> None:
    store = dataset(JOURNEYS, ANSWERS)
    day = (MORNING + 3 * DAY).date()
    rows = by_key(cx.run("around_answers", store, View(first_day=day, last_day=day), window="7d").frame)
    assert rows["before", 1, "Delivery"]["unhappy"] == 1 and rows["before", 1, "Delivery"]["happy"] == 0
    assert rows["after", 1, "Support"]["unhappy"] == 1  # on day 5, after the range
    only = View(touchpoints=(Filter("touchpoint", ("Shop",)),), touchpoint_rule="touchpoints")
    rows = by_key(
        cx.run("around_answers", dataset(JOURNEYS, [r | {"touchpoint": "Shop"} for r in ANSWERS]), only).frame
    )
    assert rows["before", 1, "Shop"]["unhappy"] == 2 and ("after", 1, "Support") not in rows


def test_no_answers_are_rows_of_nobody_and_no_times_are_a_refusal() -> None:
    frame = cx.run("around_answers", dataset(JOURNEYS, [said("d1", 3, 4, survey_type="csat")])).frame
    assert set(frame["touchpoint"].isna()) <= {True} and frame["unhappy"].sum() == 0
    assert frame["unhappy_share"].isna().all() and frame["difference"].isna().all()
    untimed = [touch("d1", None, "Shop")]
    with pytest.raises(ViewProblem, match="needs times"):
        cx.run("around_answers", dataset(untimed, ANSWERS, timed=False))


def test_groups_of_answers_keep_their_rows() -> None:
    people = [{"customer_id": who, "persona": who[0]} for who in ("d1", "d2", "p1", "p2", "n1")]
    frame = cx.run("around_answers", dataset(JOURNEYS, ANSWERS, people), by=["persona"], window="7d").frame
    alone = cx.run("around_answers", dataset(JOURNEYS, ANSWERS, people), window="7d").frame
    assert set(frame["persona"].dropna()) == {"d", "p", "n"} and frame["persona"].isna().any()
    for mood in MOODS:
        together = frame.groupby(["side", "place", "touchpoint"], dropna=False)[mood].sum()
        whole = alone.groupby(["side", "place", "touchpoint"], dropna=False)[mood].sum()
        assert together.to_dict().values() and together.sum() == whole.sum()
        assert {k: n for k, n in together.items() if n} == {k: n for k, n in whole.items() if n}


# The second opinion: answer by answer, touchpoint by touchpoint ------------------------------------------------------

NAMES = ("A", "a", "B", "o'clock", "خرید")
GAPS = (0, 0, 1e-6, 1, 3_600, 86_400, 3 * 86_400)


def world(seed: int, unknown: float = 0.1) -> tuple[list[Row], list[Row]]:
    """Touchpoints and answers with ties, `unknown` times, people nobody knows, and answers that are not valid."""
    dice = random.Random(seed)
    touched: list[Row] = []
    instants: dict[str, list[datetime]] = defaultdict(list)
    for number in range(20):
        moment = MORNING
        for _again in range(dice.choice((1, 1, 2, 4, 9))):
            moment += timedelta(seconds=dice.choice(GAPS))
            instants[f"u{number}"].append(moment)
            name = dice.choice(NAMES[: dice.randint(1, 5)])
            known = dice.random() >= unknown
            touched.append({"customer_id": f"u{number}", "occurred_at": moment if known else None, "touchpoint": name,
                            "raw_touchpoint": name, "value": float(len(touched))})  # fmt: skip
    dice.shuffle(touched)
    answers = []
    for number in range(60):
        who = dice.choice((None, "nobody", *(f"u{n}" for n in range(20))))
        near = dice.choice(instants.get(str(who), [MORNING]))
        moved = near + timedelta(seconds=dice.choice((-86_400, -1e-6, 0, 0, 1e-6, 86_400)))
        answers.append({
            "response_id": f"r{number}", "customer_id": who, "answered_at": dice.choice((None, moved, moved, moved)),
            "score": float(dice.randint(0, 10)), "scale_low": 0.0, "scale_high": 10.0,
            "survey_type": dice.choice(("nps", "nps", "ces")), "score_status": dice.choice(("valid", "valid", "valid", "invalid")),
        })  # fmt: skip
    return touched, answers


def slowly(
    touched: list[Row], answers: list[Row], places: int, window: timedelta, merge: bool, leave: set[str]
) -> tuple[dict[tuple[Key, str], list[float]], Counter[str], Counter[tuple[Key, str]]]:
    """What stands where: seconds by key and mood; how many answers of each kind; those whose time is not over."""
    times = [row["occurred_at"] for row in touched if row["occurred_at"] is not None]
    found: dict[tuple[Key, str], list[float]] = defaultdict(list)
    kinds: Counter[str] = Counter()
    open_: Counter[tuple[Key, str]] = Counter()
    for answer in answers:
        if answer["survey_type"] != "nps" or answer["score_status"] != "valid":
            continue
        kinds["all_answers"] += 1
        who, when = answer["customer_id"], answer["answered_at"]
        own = [(row["occurred_at"], place, row["touchpoint"]) for place, row in enumerate(touched)
               if row["customer_id"] == who and row["occurred_at"] is not None]  # fmt: skip
        if who is None or when is None or not own:
            kinds["without_customer" if who is None else "without_time" if when is None else "without_journey"] += 1
            continue
        mood = "happy" if answer["score"] >= 9 else "unhappy" if answer["score"] <= 6 else "neutral"
        kinds[mood] += 1
        own = sorted(row for row in own if row[2] not in leave)
        before, after = [r for r in own if r[0] <= when], [r for r in own if r[0] > when]
        for side, rows in (("before", before[::-1]), ("after", after)):
            if merge:
                rows = [next(run) for _name, run in groupby(rows, key=lambda row: row[2])]
            for place in range(1, places + 1):
                row = rows[place - 1] if place <= len(rows) and abs(rows[place - 1][0] - when) <= window else None
                key = (side, place, row[2] if row else None)
                found[key, mood].append(abs(row[0] - when) / timedelta(seconds=1) if row else 0.0)
                open_[key, mood] += side == "after" and row is None and when + window > max(times)
    return found, kinds, open_


def compare(seed: int, unknown: float) -> None:
    touched, answers = world(seed, unknown)
    dice = random.Random(f"options {seed}")
    places, days, merge = dice.randint(1, 5), dice.choice((1, 2, 30)), dice.random() < 0.5
    leave = set(dice.sample(NAMES, dice.choice((0, 0, 1, 2))))
    options: Row = {"places": places, "window": f"{days}d", "repeats": "merge" if merge else "keep", "top": 200}
    options |= {"exclude": tuple(sorted(leave))} if leave else {}
    rows = by_key(cx.run("around_answers", dataset(touched, answers), **options).frame)
    found, kinds, open_ = slowly(touched, answers, places, days * DAY, merge, leave)
    counted = {(key, mood): row[mood] for key, row in rows.items() for mood in MOODS if row[mood]}
    assert counted == {key: len(seconds) for key, seconds in found.items()}
    for (key, mood), seconds in found.items():
        assert rows[key][f"{mood}_not_over"] == open_[key, mood], (key, mood)
        if key[2] is not None:
            assert rows[key][f"{mood}_median_seconds"] == pytest.approx(median(seconds), abs=1e-6), (key, mood)
    any_row = next(iter(rows.values()))
    assert {k: any_row[k] for k in ("all_answers", "without_customer", "without_time", "without_journey")} == {
        k: kinds[k] for k in ("all_answers", "without_customer", "without_time", "without_journey")
    }
    assert {m: any_row[f"all_{m}"] for m in MOODS} == {m: kinds[m] for m in MOODS}


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 10**6))
def test_every_number_is_what_slow_plain_python_finds(seed: int) -> None:
    compare(seed, 0.1)  # by its query
    compare(seed, 0.0)  # from touchpoints in memory


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_every_number_of_ten_thousand_answers_is_what_slow_plain_python_finds() -> None:
    for seed in range(170):
        compare(3_000_000 + seed, 0.1 * (seed % 2))


VIEWS = {
    "all": View(), "goal": View(goal=("B",)), "touchpoint": View().with_values("touchpoint", ("B", "خرید")),
    "touchpoints alone": View(touchpoints=(Filter("touchpoint", ("B", "خرید")),), touchpoint_rule="touchpoints"),
    "days": View(first_day=MORNING.date(), last_day=MORNING.date()),
    "journeys": View(first_day=MORNING.date(), last_day=MORNING.date(), range_rule="journeys"),
    "sessions": View(grain="session"), "answered": View(answered=Answered("nps", 0, 6)),
    "segment": View(members=(Member("who met it", "touchpoint=B"),)), "persona": View(customers=(Filter("persona", ("a",)),)),
    "persona or none": View(customers=(Filter("persona", ("a", "")),)), "no persona": View(customers=(Filter("persona", ("",)),)),
}  # fmt: skip


@pytest.mark.parametrize("name", VIEWS)
def test_touchpoints_in_memory_tell_what_the_query_tells(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for: list[Row] = [
        {},
        {"repeats": "keep", "window": "unlimited", "top": 1},
        {"exclude": NAMES[:2], "places": 5},
    ]
    for seed, options in enumerate(asked_for):
        touched, answers = world(seed, 0.0)
        people = [{"customer_id": f"u{n}", "persona": (None, "a", "b")[n % 3]} for n in range(20)]
        store = dataset(touched, answers, people, attributes=("persona",))
        with monkeypatch.context() as near:
            if name not in ("sessions", "touchpoints alone"):  # these are asked
                near.setattr(import_module("cx_metrics.around_answers"), "_there", None)
            near.setattr(around_in_memory, "MOST_MARKS", (0, 50_000_000)[seed % 2])
            near.setattr(around_in_memory, "MOST_KEPT", (0, 5_000_000)[seed % 2])
            known = cx.run("around_answers", store, VIEWS[name], **options).frame
        store.shelf.forget()
        with monkeypatch.context() as far:
            far.setattr(Store, "sequences", lambda store: None)
            asked = cx.run("around_answers", store, VIEWS[name], **options).frame
        pd.testing.assert_frame_equal(known, asked)


MET_VIEWS = (
    View(touchpoints=(Filter("channel", ("web",)),)), View(touchpoints=(Filter("channel", ("app", "store")),), goal=("B",)),
    View(touchpoints=(Filter("touchpoint", ("B",)),)), View(touchpoints=(Filter("touchpoint", ("never met",)),)),
)  # fmt: skip


@pytest.mark.parametrize("most", [0, 2_000_000])
def test_answers_are_read_once_for_all_views_of_what_was_met(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    touched, answers = world(3, 0.0)
    touched = [row | {"channel": ("web", "app", "store", None)[at * 7 % 4]} for at, row in enumerate(touched)]
    answers = [row | {"response_id": f"r{at}"} for at, row in enumerate(answers)]
    answers += [said(None, 1, 3, response_id="of nobody"), said("met nothing", 1, 10, response_id="of a stranger")]
    store = dataset(touched, answers)
    assert store.answered() is not None
    plain, asked = Store._run, list[str]()

    def noted(self: Store, sql: str, schema: Any) -> Any:
        asked.append(sql)
        return plain(self, sql, schema)

    monkeypatch.setattr(whose, "MOST_ROWS_KEPT", most)
    monkeypatch.setattr(Store, "_run", noted)
    known = [cx.run("around_answers", store, view).frame for view in MET_VIEWS]
    assert sum('"mood"' in sql for sql in asked) == (1 if most else len(MET_VIEWS))
    monkeypatch.setattr(Store, "sequences", lambda store: None)
    store.shelf.forget()
    for view, frame in zip(MET_VIEWS, known, strict=True):
        pd.testing.assert_frame_equal(frame, cx.run("around_answers", store, view).frame)
    assert len(known[0]) and not len(known[3])


# What holds for any answers -----------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=3)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_each_place_adds_up_to_all_answers_and_folding_loses_none(seed: int, top: int) -> None:
    store = dataset(*world(seed))
    frame = cx.run("around_answers", store, top=top).frame
    for mood in MOODS:
        assert (frame.groupby(["side", "place"])[mood].sum() == frame[f"all_{mood}"].iloc[0]).all()
        assert (frame[f"{mood}_customers"] <= frame[mood]).all()
        assert (frame[f"{mood}_not_over"] <= frame[mood]).all()
    assert frame.groupby(["side", "place"])["touchpoint"].nunique().max() <= top + 1
    left = frame[["without_customer", "without_time", "without_journey", "without_scale"]].iloc[0].sum()
    assert frame["all_answers"].iloc[0] == left + sum(frame[f"all_{mood}"].iloc[0] for mood in MOODS)
    wide = cx.run("around_answers", store, top=top, window="unlimited").frame
    for mood in MOODS:  # a longer window finds no fewer touchpoints
        nothing, more = (f[f["touchpoint"].isna()].set_index(["side", "place"])[mood] for f in (frame, wide))
        assert (more <= nothing).all()


@settings(deadline=None, max_examples=3)
@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
def test_the_order_of_answers_and_names_of_customers_do_not_matter(seed: int, dice: random.Random) -> None:
    touched, answers = world(seed)
    names = [f"u{n}" for n in range(20)]
    other = dict(zip(names, dice.sample(names, 20), strict=True))
    renamed = [row | {"customer_id": other.get(row["customer_id"], row["customer_id"])} for row in answers]
    dice.shuffle(renamed)
    moved = [row | {"customer_id": other[row["customer_id"]]} for row in touched]
    one, two = (cx.run("around_answers", dataset(*rows)).frame for rows in ((touched, answers), (moved, renamed)))
    assert one.to_dict("list").keys() == two.to_dict("list").keys()
    assert one.fillna(-1).to_dict("list") == two.fillna(-1).to_dict("list")


# Small groups -------------------------------------------------------------------------------------------------------


def many(count: int = 300) -> Store:
    dice = random.Random(7)
    touched, answers, people = [], [], []
    for i in range(count):
        who, day = f"u{i}", dice.randrange(150)
        people.append({"customer_id": who, "persona": dice.choice(("saver", "family", "family"))})
        for k in range(dice.randint(1, 4)):
            touched.append(touch(who, day + k, dice.choice("AABCD"), channel=dice.choice(("web", "store"))))
        answers.append(said(who, day + 1.5, dice.randrange(11)))
    return dataset(touched, answers, people)


def test_rows_of_few_are_hidden_and_people_count_in_whole_blocks() -> None:
    store, privacy = many(), Privacy()
    for view in (View(), View(customers=(Filter("persona", ("saver",)),)), View(first_day=date(2026, 2, 10))):
        frame = cx.run("around_answers", store, view, privacy=privacy).frame
        shown = frame[~frame["suppressed"].astype(bool)]
        assert len(shown) and frame["suppressed"].any()
        for mood in MOODS:
            assert not shown[mood].between(1, privacy.scores - 1).any(), mood
        hidden = frame[frame["suppressed"].astype(bool)]
        assert hidden.drop(columns=["side", "place", "touchpoint", "suppressed"]).isna().all(axis=None)


def test_nested_ranges_differ_by_nobody_or_by_a_group() -> None:
    """Who subtracts two views finds no group of fewer than five in the totals."""
    store, privacy = many(), Privacy()
    ends = [date(2026, month, day) for month in (1, 2, 3, 4, 5) for day in (3, 28)]
    totals = set()
    for end in ends:
        frame = cx.run("around_answers", store, View(last_day=end), privacy=privacy).frame
        known = frame.loc[~frame["suppressed"].astype(bool), "all_answers"]
        totals |= {int(known.iloc[0])} if len(known) else set()
    steps = sorted(totals)
    assert len(steps) > 2
    assert all(b - a >= privacy.scores for a, b in pairwise(steps))
