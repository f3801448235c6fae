"""Segments: conditions as text, who belongs to them, and views of those inside and outside."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cx_metrics as cx
from cx_metrics.errors import OptionProblem, ViewProblem
from cx_metrics.segments import (
    DEEPEST,
    AllOf,
    AnyOf,
    Condition,
    Leaf,
    Not,
    condition_of,
    opposite,
    parse_condition,
    print_condition,
)
from cx_metrics.view import Answered, Filter, Member, Passing, Tried, View
from tests.conftest import MORNING, dataset, paths
from tests.parts.test_address import HOSTILE
from tests.second_opinion import people_of, random_condition
from tests.test_reconciliation import random_store

JOURNEYS = ("A B C", "A B", "A X B X", "A", "A Y", "B C")
ANSWERS = [
    {"customer_id": f"u{i}", "score": score, "scale_low": 0.0, "scale_high": 10.0}
    for i, score in ((1, 10.0), (2, 3.0), (3, 7.0), (9, 0.0))
]
PEOPLE = [{"customer_id": f"u{i}", "persona": "saver" if i % 2 else "family"} for i in range(1, 7)]


def store() -> Any:
    return dataset(paths(*JOURNEYS), ANSWERS, customers=PEOPLE)


def inside(condition: str) -> View:
    return View(members=(Member("those", condition),))


def outside(condition: str) -> View:
    return View(members=(Member("those", condition, inside=False),))


def who(held: Any, view: View) -> list[str]:
    """The customers with touchpoints that a view leaves."""
    found = cx.run("conversion", held, replace(view, goal=("C",)), by=["customer_id"]).frame
    return sorted(found["customer_id"])


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("persona=saver", "135"),
        ("persona=saver&persona=family", "123456"),
        ("persona=saver&touchpoint=X", "3"),
        ("touchpoint=X&touchpoint=Y", "35"),
        ("passing=1|A", "12345"),
        ("passing=2|B|C", "1"),
        ("passing=2|B|", "2"),
        ("tried=lost|3|steps=A,B,C", "23"),
        ("tried=reached|2|steps=A,B", "123"),
        ("answered=nps|0|6", "2"),
        ("answered=nps|7|10", "13"),
        ("not(answered=nps|0|6)", "13456"),
        ("all(persona=saver;touchpoint=B)", "13"),
        ("any(touchpoint=Y;answered=nps|0|6)", "25"),
        ("all(any(touchpoint=Y;touchpoint=X);not(persona=family))", "35"),
        ("not(all(persona=saver;touchpoint=B))", "2456"),
        ("from=2026-01-05&to=2026-01-05", "123456"),
        ("from=2027-01-05", ""),
    ],
)
def test_who_is_inside_and_who_is_outside(condition: str, expected: str) -> None:
    held = store()
    assert who(held, inside(condition)) == [f"u{n}" for n in expected]
    assert who(held, outside(condition)) == [f"u{n}" for n in "123456" if n not in expected]


def test_answers_follow_their_customers_also_those_without_touchpoints() -> None:
    held = store()
    responses = {c: cx.people(held, v)["responses"] for c, v in (
        ("all", View()), ("unhappy", inside("answered=nps|0|6")), ("others", outside("answered=nps|0|6")),
        ("savers", inside("persona=saver")), ("not savers", outside("persona=saver")), ("did A", inside("touchpoint=A")),
    )}  # fmt: skip
    assert responses == {"all": 4, "unhappy": 2, "others": 2, "savers": 2, "not savers": 2, "did A": 3}


def test_answers_of_nobody_belong_to_no_segment() -> None:
    held = dataset(paths("A"), [{"customer_id": None, "score": 9.0}, {"customer_id": "u1", "score": 9.0}])
    assert cx.people(held, inside("touchpoint=A"))["responses"] == 1
    assert cx.people(held, outside("touchpoint=B"))["responses"] == 1


def test_a_view_of_answers_chooses_customers_with_their_whole_journeys() -> None:
    held = store()
    view = View(answered=Answered("nps", 0, 6))
    assert who(held, view) == ["u2"]
    assert cx.people(held, view) == {
        "customers": 1, "journeys": 1, "touchpoints": 2, "begun_earlier": 0, "responses": 2, "answers": 2,
    }  # fmt: skip
    assert who(held, replace(view, answered=Answered("nps", 0, 10, "Checkout"))) == []
    frame = cx.run("flow_links", held, view).frame
    assert frame["journeys"].max() == 1


def test_answers_count_in_the_range_in_which_they_were_given() -> None:
    day = timedelta(days=1)
    answers = [{"customer_id": "u1", "score": 2.0, "answered_at": MORNING + 9 * day},
               {"customer_id": "u2", "score": 2.0, "answered_at": MORNING}]  # fmt: skip
    held = dataset(paths("A", "A"), answers)
    unhappy = Answered("nps", 0, 6)
    first = View(first_day=MORNING.date(), last_day=MORNING.date(), answered=unhappy)
    assert who(held, first) == ["u2"]
    assert who(held, View(answered=unhappy)) == ["u1", "u2"]
    assert who(held, inside(f"answered=nps|0|6&from={(MORNING + 9 * day).date()}")) == ["u1"]


def test_a_segment_means_the_same_under_every_range() -> None:
    day = timedelta(days=1)
    rows = [{"customer_id": "u1", "touchpoint": n, "occurred_at": MORNING + i * day} for i, n in enumerate("AB")]
    held = dataset([*rows, {"customer_id": "u2", "touchpoint": "A", "occurred_at": MORNING}])
    lost = inside("tried=lost|2|steps=A,B")
    assert who(held, lost) == who(held, replace(lost, last_day=MORNING.date())) == ["u2"]
    within = inside(f"tried=lost|2|steps=A,B|span=every_step&to={MORNING.date()}")
    assert who(held, within) == ["u1", "u2"]


def test_the_lost_of_a_segment_are_those_its_funnel_loses() -> None:
    held = store()
    savers = inside("persona=saver")
    lost = replace(savers, tried=Tried(3, True, (("steps", "A,B,C"),)))
    frame = cx.run("funnel", held, savers, steps="A,B,C").frame
    assert frame["drop_off"].tolist() == [0, 1, 1]
    assert who(held, lost) == ["u3"]


@pytest.mark.parametrize("seed", range(3))
def test_a_segment_made_from_a_view_has_the_customers_of_that_view(seed: int) -> None:
    held, rows = random_store(seed, 12, timed=seed != 1)
    dice = random.Random(seed)
    for _ in range(4):
        made = random_condition(dice, rows, held, deepest=0)
        if made is None:
            continue
        assert isinstance(made, Leaf)
        text = print_condition(made)
        touched = made.view.touchpoint_rule == "touchpoints"
        assert touched or cx.people(held, made.view)["customers"] <= cx.people(held, inside(text))["customers"]
        both = cx.people(held, inside(text))["customers"], cx.people(held, outside(text))["customers"]
        assert sum(both) == cx.people(held)["customers"]


def test_nobody_and_everybody() -> None:
    held = store()
    assert who(held, inside("persona=nobody")) == []
    assert len(who(held, outside("persona=nobody"))) == 6
    assert cx.run("flow_links", held, inside("persona=nobody")).frame.empty
    assert cx.run("nps", held, inside("persona=nobody")).frame["responses"].tolist() == [0]


def test_customers_are_numbered_from_one_without_gaps() -> None:
    held = dataset(paths("A", "B"), ANSWERS, customers=PEOPLE)
    numbers = held.fetch(held.tables["customers"].select("customer_id", "customer_number"))
    assert sorted(numbers["customer_number"]) == list(range(1, len(numbers) + 1))
    assert set(numbers["customer_id"]) == {"u1", "u2", "u3", "u4", "u5", "u6", "u9"}
    assert len(people_of(held).attributes) == 7


def test_the_definition_says_who_belongs_but_not_what_we_call_them() -> None:
    held = store()
    one = cx.run("conversion", held, replace(inside("persona=saver"), goal=("C",))).definition
    other = cx.run(
        "conversion", held, replace(View(members=(Member("Sparer", "persona=saver"),)), goal=("C",))
    ).definition
    out = cx.run("conversion", held, replace(outside("persona=saver"), goal=("C",))).definition
    assert one["population"]["segments"] == [{"inside": "persona=saver"}]
    assert one["hash"] == other["hash"] != out["hash"]


def test_frames_of_the_same_rows_under_other_names_are_told_apart() -> None:
    held = dataset(paths("A B", "A"))
    view = replace(inside("touchpoint=A"), tried=Tried(1, False, (("steps", "A,B"),)))  # both lend 1 and 2
    assert cx.people(held, view)["customers"] == 2
    nobody = replace(inside("touchpoint=Z"), tried=Tried(2, False, (("steps", "B,A"),)))
    assert cx.people(held, nobody)["customers"] == 0


# As text


leaves = st.builds(
    lambda column, names, days, more: Leaf(View(*days, customers=(Filter(column, tuple(names)),), **more)),
    st.sampled_from(["persona", "plan", "odd;name)", "a&b=c"]),
    st.lists(st.text(max_size=8) | st.sampled_from(HOSTILE), min_size=1, max_size=3, unique=True),
    st.sampled_from([(None, None), (date(2026, 1, 1), None), (date(2026, 1, 1), date(2026, 2, 1))]),
    st.sampled_from([
        {}, {"passing": Passing(2, "a|b;c)", "d\\")}, {"answered": Answered("nps", 0, 6, "x;y)")},
        {"tried": Tried(2, True, (("steps", "a;b,c)"), ("window", "2d")))}, {"grain": "case"},
    ]),
)  # fmt: skip
conditions = st.recursive(
    leaves,
    lambda inner: (
        st.builds(lambda parts: AllOf(tuple(parts)), st.lists(inner, min_size=1, max_size=3))
        | st.builds(lambda parts: AnyOf(tuple(parts)), st.lists(inner, min_size=1, max_size=3))
        | st.builds(Not, inner)
    ),
    max_leaves=5,
)


@settings(deadline=None, max_examples=300)
@given(conditions)
def test_a_condition_survives_its_text(condition: Condition) -> None:
    text = print_condition(condition)
    if len(text) <= 4_000 and _depth(condition) <= DEEPEST:
        assert parse_condition(text) == condition


def _depth(condition: Condition) -> int:
    if isinstance(condition, Leaf):
        return 0
    parts = (condition.part,) if isinstance(condition, Not) else condition.parts
    return 1 + max(_depth(part) for part in parts)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be read"),
        ("persno=saver", "cannot be read"),
        ("goal=A", "cannot be read"),
        ("in=x|persona=saver", "cannot be read"),
        ("b.persona=saver", "cannot be read"),
        ("tried=lost|99|steps=A,B", "cannot be read"),
        ("answered=nps|6|0", "cannot be read"),
        ("answered=stars|0|6", "cannot be read"),
        ("all(persona=saver", "no closing bracket"),
        ("all()", "cannot be read"),
        ("not(persona=a;persona=b)", "takes one condition"),
        ("persona=a;persona=b", "should end"),
        ("persona=a)", "should end"),
        ("not(" * 20 + "persona=a" + ")" * 20, "deep"),
        ("persona=" + "a" * 5_000, "at most 4,000 characters"),
        ("any(" + ";".join(f"persona=p{i}" for i in range(31)) + ")", "at most 30 parts; this one has 31"),
    ],
)
def test_what_is_no_condition_is_refused(text: str, words: str) -> None:
    with pytest.raises(OptionProblem, match=words):
        parse_condition(text)


def test_a_condition_about_what_the_data_do_not_have_says_so() -> None:
    held = dataset(paths("A"))
    with pytest.raises(ViewProblem, match="no survey answers"):
        cx.people(held, inside("answered=nps|0|6"))
    with pytest.raises(ViewProblem, match="no column"):
        cx.people(held, inside("persona=saver&touchpoint=A"))


def test_a_view_becomes_a_condition_that_depends_on_nothing_else() -> None:
    view = View(
        goal=("C",), compare="previous", first_day=date(2026, 1, 1), last_day=date(2026, 1, 31),
        customers=(Filter("persona", ("saver",)),), members=(Member("x", "touchpoint=X", inside=False),),
        against=(Filter("persona", ("family",)),),
    )  # fmt: skip
    made = condition_of(view)
    assert made is not None
    assert print_condition(made) == "all(from=2026-01-01&to=2026-01-31&persona=saver;not(touchpoint=X))"
    assert condition_of(View(goal=("C",), grain="session")) is None
    assert condition_of(inside("persona=saver")) == parse_condition("persona=saver")


def test_everybody_else_is_who_is_not_inside() -> None:
    held = store()
    one, other = inside("touchpoint=X").members[0], Member("savers", "persona=saver", inside=False)
    assert opposite(()) == ()
    assert opposite((one,)) == outside("touchpoint=X").members
    for members in ((one,), (other,), (one, other)):
        both = who(held, View(members=members)) + who(held, View(members=opposite(members)))
        assert sorted(both) == [f"u{n}" for n in "123456"]
