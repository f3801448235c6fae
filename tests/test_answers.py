"""Where answers belong, and scores by what came before them: known answers by hand, a second opinion on random journeys."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest

import cx_metrics as cx
from cx_metrics import answers
from cx_metrics.engines import Store
from cx_metrics.errors import OptionProblem, ViewProblem
from cx_metrics.segments import condition_of, parse_condition
from cx_metrics.texts import Text
from cx_metrics.view import Belonging, Filter, View
from cx_metrics.view_text import read_belonging
from tests.conftest import MORNING, dataset

Row = dict[str, Any]
WEEK = View(belonging=Belonging("last", 7 * 86_400))
JOURNEY, NOWHERE = View(belonging=Belonging("journey")), View(belonging=Belonging("none"))


def day(number: float) -> datetime:
    return MORNING + timedelta(days=number)


def touch(who: str, at: float, touchpoint: str, stage: str | None, channel: str | None, kind: str | None = None) -> Row:
    return {"customer_id": who, "occurred_at": day(at), "touchpoint": touchpoint, "stage": stage, "channel": channel,
            "touchpoint_type": kind}  # fmt: skip


def answer(who: str | None, at: float | None, score: int, **said: str) -> Row:
    return {"customer_id": who, "answered_at": None if at is None else day(at), "score": float(score), **said}


TOUCHED = [
    touch("u1", 0, "Ad", "awareness", "web", "digital"), touch("u1", 1, "Shop", "action", "store", "physical"),
    touch("u1", 2, "Ad", "awareness", "web", "digital"), touch("u1", 9, "Help", None, "call", "human"),
    touch("u2", 0, "Shop", "action", "store", "physical"),
]  # fmt: skip
SAID = [
    answer("u1", 3, 10), answer("u1", 3, 9, touchpoint="Shop", channel="email"), answer("u1", 3, 8, touchpoint="Ad"),
    answer("u2", 7, 7), answer("u2", 7.001, 0), answer("u1", -1, 5), answer(None, 3, 5), answer("u1", None, 5),
]  # fmt: skip


@pytest.fixture(scope="module")
def shop() -> Store:
    return dataset(TOUCHED, SAID)


def responses(store: Store, view: View, *by: str) -> dict[Any, int]:
    frame = cx.run("nps", store, view, by=by).frame
    groups = [tuple(None if v != v else v for v in row) for row in frame[list(by)].itertuples(index=False)]
    counted = zip(groups, frame["responses"], strict=True)
    return {key[0] if len(by) == 1 else key: int(n) for key, n in counted}


# Where answers belong


def test_by_default_answers_belong_to_what_the_file_says(shop: Store) -> None:
    assert responses(shop, View(), "touchpoint") == {"Shop": 1, "Ad": 1, None: 6}
    result = cx.run("nps", shop, by=["touchpoint"])
    assert result.definition["belonging"]["rule"] == "said"
    assert str(answers.said_of(result.definition)) == "an answer belongs to what the file says it is about"


def test_the_last_touchpoint_within_the_window_where_the_file_says_none(shop: Store) -> None:
    # u1 at day 3: Ad at day 2. u2 at day 7: Shop exactly seven days before, and a little more than that for the next answer.
    assert responses(shop, WEEK, "touchpoint") == {"Ad": 2, "Shop": 2, None: 4}
    # The one about Shop by email keeps its channel and gets no stage of Ad; the one about Ad gets what is known of Ad.
    assert responses(shop, WEEK, "touchpoint", "stage", "channel", "touchpoint_type") == {
        ("Ad", "awareness", "web", "digital"): 2, ("Shop", None, "email", None): 1,
        ("Shop", "action", "store", "physical"): 1, (None, None, None, None): 4,
    }  # fmt: skip
    short = View(belonging=Belonging("last", 86_400))  # exactly one day
    assert responses(shop, short, "channel") == {"web": 2, "email": 1, None: 5}
    said = str(answers.said_of(cx.run("nps", shop, WEEK, by=["stage"]).definition))
    assert "up to 7d earlier" in said and "else to the last touchpoint" in said


def test_along_the_journey_an_answer_counts_once_for_each_place(shop: Store) -> None:
    # Before day 3, u1 met Ad twice and Shop; u2 met Shop. Three answers of u1 and two of u2; three belong nowhere.
    assert responses(shop, JOURNEY, "touchpoint") == {"Ad": 3, "Shop": 5, None: 3}
    assert responses(shop, JOURNEY, "stage") == {"awareness": 3, "action": 5, None: 3}
    assert responses(shop, JOURNEY, "touchpoint", "channel") == {
        ("Ad", "web"): 3,
        ("Shop", "store"): 5,
        (None, None): 3,
    }
    said = answers.said_of(cx.run("nps", shop, JOURNEY, by=["stage"]).definition)
    assert said == Text(answers.JOURNEY["stage"]) and "do not add up" in str(said)


def test_answers_that_belong_nowhere_are_one_group(shop: Store) -> None:
    for place in answers.PLACES:
        assert responses(shop, NOWHERE, place) == {None: 8}


def test_a_place_whose_name_is_not_known_is_none_along_the_journey() -> None:
    store = dataset([touch("u1", 0, "Help", None, None)], [answer("u1", 0, 9), answer("u1", 1, 9)])
    assert responses(store, JOURNEY, "stage") == {None: 2}
    assert responses(store, JOURNEY, "touchpoint") == {"Help": 2}  # the one at the same instant too


def test_a_column_of_the_file_says_the_type_where_it_says_one() -> None:
    said = [answer("u1", 1, 9, touchpoint_type="human"), answer("u1", 1, 9)]
    store = dataset([touch("u1", 0, "Ad", None, None, "digital")], said)
    assert responses(store, View(), "touchpoint_type") == {"human": 1, None: 1}
    assert responses(store, WEEK, "touchpoint_type") == {"human": 1, "digital": 1}


@pytest.mark.parametrize("view", [WEEK, JOURNEY, NOWHERE], ids=lambda view: view.belonging.rule)
def test_the_rule_acts_on_scores_by_place_alone(shop: Store, view: View) -> None:
    for by in ((), ("month",), ("contacts_before",)):
        asked, usual = cx.run("nps", shop, view, by=by), cx.run("nps", shop, by=by)
        assert asked.frame.equals(usual.frame) and asked.definition == usual.definition
    assert cx.people(shop, view) == cx.people(shop)
    engaged = cx.run("stage_engagement", shop, view)
    assert engaged.definition == cx.run("stage_engagement", shop).definition
    result, usual = cx.run("nps", shop, view, by=["stage"]), cx.run("nps", shop, by=["stage"])
    assert result.definition["hash"] != usual.definition["hash"]
    assert json.loads(json.dumps(result.to_dict()))["definition"]["belonging"]["rule"] == view.belonging.rule


def test_the_journey_before_an_answer_does_not_depend_on_the_range_of_the_view(shop: Store) -> None:
    later = View(first_day=day(3).date(), last_day=day(3).date(), belonging=Belonging("journey"))
    assert responses(shop, later, "touchpoint") == {"Ad": 3, "Shop": 3, None: 1}
    assert responses(shop, later, "contacts_before") == {"3": 3, None: 1}


def test_the_sides_of_a_comparison_follow_the_rule(shop: Store) -> None:
    other = View(customers=(Filter("customer_id", ("u2",)),), belonging=Belonging("journey"))
    result = cx.compare("nps", shop, JOURNEY, other, by=["touchpoint"])
    found = result.frame[result.frame["measure"] == "responses"].set_index("touchpoint")
    assert found.loc["Shop", ["value_a", "value_b"]].tolist() == [5, 2]
    assert [result.definition[side]["belonging"]["rule"] for side in "ab"] == ["journey", "journey"]


def test_a_dataset_without_touchpoints_cannot_follow_journeys() -> None:
    store = dataset(surveys=[answer("u1", 1, 9, touchpoint="Ad")])
    for view in (WEEK, JOURNEY):
        with pytest.raises(ViewProblem, match="name the same customers"):
            cx.run("nps", store, view, by=["touchpoint"])
        assert responses(store, view, "customer_id") == {"u1": 1}
    assert responses(store, NOWHERE, "touchpoint") == {None: 1}
    with pytest.raises(ViewProblem, match="cannot be grouped by waiting"):
        cx.run("nps", store, by=["waiting"])


def test_whom_a_view_leaves_does_not_depend_on_where_answers_belong() -> None:
    assert condition_of(JOURNEY) is None
    assert condition_of(
        View(customers=(Filter("persona", ("Saver",)),), belonging=Belonging("none"))
    ) == parse_condition("persona=Saver")
    with pytest.raises(OptionProblem):
        parse_condition("persona=Saver&belonging=journey")


@pytest.mark.parametrize("text", ["", "last", "last:0d", "last:0.5s", "journey:1d", "first:7d"])
def test_a_rule_that_cannot_be_read_is_refused_with_how_to_write_it(text: str) -> None:
    with pytest.raises(OptionProblem, match="7d|14d|more than 0"):  # how a rule is written, or a length of time
        read_belonging(text)


# A second opinion


def by_hand(touched: list[Row], said: list[Row], rule: Belonging, place: str) -> dict[str | None, int]:
    """Responses by place, answer by answer."""
    counted: dict[str | None, int] = defaultdict(int)
    for one in said:
        own = [t for t in touched if t["customer_id"] == one["customer_id"] and one["answered_at"] is not None]
        met = [t for t in own if t["occurred_at"] <= one["answered_at"]]
        met.sort(key=lambda t: (t["occurred_at"], touched.index(t)))
        if rule.rule == "journey":
            for name in {t[place] for t in met} - {None} or {None}:
                counted[name] += 1
            continue
        last = met[-1] if met else None
        near = last and (one["answered_at"] - last["occurred_at"]).total_seconds() <= (rule.within_seconds or 0)
        lends = near and last and one.get("touchpoint") in (None, last["touchpoint"])
        counted[one.get(place) or (last[place] if lends and last else None)] += 1
    return dict(counted)


@pytest.mark.parametrize("seed", range(2))
def test_random_answers_belong_where_plain_python_puts_them(seed: int) -> None:
    dice = random.Random(seed)
    names, stages, channels = ("A", "B", "C", "D"), ("action", "loyalty", None), ("web", "Web", None)
    touched = [
        touch(f"u{dice.randrange(12)}", dice.randrange(8), dice.choice(names), dice.choice(stages), dice.choice(channels))
        | {"session_id": str(number)}
        for number in range(60)
    ]  # fmt: skip
    said = []
    for _again in range(60):
        own = {
            "touchpoint": dice.choice((None, None, *names)),
            "stage": dice.choice(stages),
            "channel": dice.choice(channels),
        }
        who = dice.choice((None, "nobody", *(f"u{n}" for n in range(12))))
        said.append(answer(who, dice.choice((None, *range(9), 0.5)), 9) | own)
    store = dataset(touched, said)
    for rule in (Belonging("last", 2 * 86_400), Belonging("last", 1), Belonging("journey")):
        for place in ("touchpoint", "stage", "channel"):
            found = {k: n for k, n in responses(store, View(belonging=rule), place).items() if n}
            assert found == by_hand(touched, said, rule, place), (rule, place)


# Groups by what came before


def one_each(*journeys: list[Row]) -> Store:
    """Journeys of one customer each, and an answer of each long after."""
    rows = [row | {"customer_id": f"u{n}"} for n, own in enumerate(journeys) for row in own]
    return dataset(rows, [answer(f"u{n}", 10_000, 9) for n in range(len(journeys))])


def test_bands_of_contacts_and_repeats_stand_in_their_order() -> None:
    lengths = (12, 11, 10, 6, 5, 4, 3, 2, 1)
    store = one_each(*([touch("", at, "A", None, None) for at in range(length)] for length in lengths))
    found = responses(store, View(), "contacts_before")
    assert list(found.items()) == [("1", 1), ("2", 1), ("3", 1), ("4-5", 2), ("6-10", 2), ("11+", 2)]
    assert tuple(found) == answers.GROUPS["contacts_before"].order
    # always the same touchpoint: all but the first are repeats
    assert list(responses(store, View(), "repeats_before").items()) == [("0", 1), ("1", 1), ("2", 1), ("3+", 6)]


def test_bands_of_waiting_begin_at_whole_hours_and_days() -> None:
    hour, day_long = 3_600, 86_400
    edges = (0, hour, day_long, 3 * day_long, 7 * day_long, 14 * day_long)
    waits = [edge + moved for edge in edges for moved in (-1e-6, 0) if edge + moved >= 0]
    journeys = [[touch("", 0, "A", None, None), touch("", wait / day_long, "B", None, None)] for wait in waits]
    store = one_each([touch("", 0, "A", None, None)], *journeys)
    found = list(responses(store, View(), "waiting").items())  # who had one touchpoint waited for none
    assert found == [("<1h", 2), ("<1d", 2), ("<3d", 2), ("<7d", 2), ("<14d", 2), ("14d+", 1), (None, 1)]


def test_changes_of_channel_are_counted_between_neighbours_that_have_one() -> None:
    journeys = [[touch("", at, "A", None, None if c == "-" else c) for at, c in enumerate(path)] for path in
                ("w", "ww", "ws", "w-s", "wsw", "wsws", "wswsw")]  # fmt: skip
    assert responses(one_each(*journeys), View(), "channel_switches_before") == {"0": 3, "1": 1, "2": 1, "3+": 2}


def test_groups_stand_beside_other_columns_and_keep_their_order() -> None:
    rows = [touch(f"u{n}", at, "A", None, None) for n in (1, 2) for at in range(11 * n - 9)]
    store = dataset(rows, [answer("u1", 99, 9, wave="b"), answer("u2", 99, 9, wave="b"), answer(None, 99, 9, wave="a")])
    assert list(responses(store, View(), "wave", "contacts_before")) == [("a", None), ("b", "2"), ("b", "11+")]


def test_scores_by_whole_path_have_the_paths_of_variants() -> None:
    names = ("A", "A", "B")
    rows = [touch(f"u{n}", at, name, None, None) for n in range(2) for at, name in enumerate(names)]
    rows += [touch("u2", 0, "B", None, None), touch("u2", 50, "C", None, None)]
    store = dataset(rows, [*(answer(f"u{n}", 9, 10) for n in range(3)), answer("u9", 9, 0)])
    found = responses(store, View(), "path")  # the path goes on after the answer of u2
    assert list(found.items()) == [(("A", "A", "B"), 2), (("B", "C"), 1), (None, 1)]
    assert set(found) - {None} == set(cx.run("variants", store).frame["path"])


def test_beyond_the_largest_paths_there_is_one_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST_PATHS", 2)
    rows = [touch(f"u{n}", 0, name, None, None) for n, name in enumerate("CABBD")]
    store = dataset(rows, [answer(f"u{n}", 9, 10) for n in range(5)])
    assert list(responses(store, View(), "path").items()) == [(("B",), 2), (("A",), 1), (("(other)",), 2)]


@pytest.mark.parametrize("name", answers.GROUPS)
def test_every_group_has_a_title_and_as_many_bands_as_edges(name: str) -> None:
    group = answers.GROUPS[name]
    assert len(group.edges) == len(group.bands) == len(set(group.order)) and list(group.edges) == sorted(group.edges)
    assert answers.TITLES[name] == group.title and all(str(band.title) for band in group.bands)
