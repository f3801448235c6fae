"""Option types: one text form for page, command line and address, and messages that say what was found."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cx_metrics.errors import OptionProblem
from cx_metrics.options import Choice, Columns, Count, Duration, Name, OptionType, Patterns, Switch, Touchpoints
from cx_metrics.steps import Step, Steps

QUIET = settings(deadline=None, max_examples=50)
names = st.text(min_size=1, max_size=12) | st.text(' ,|?@"\n', min_size=1, max_size=4) | st.sampled_from(["ad", "a b"])
durations = st.timedeltas(timedelta(microseconds=1), timedelta(10_000)) | st.integers(1, 10**7).map(
    lambda s: timedelta(seconds=s)
)
alternatives = st.lists(names, min_size=1, max_size=3, unique=True).map(tuple)
steps = st.lists(st.builds(Step, alternatives, st.booleans(), st.none() | durations), min_size=2, max_size=12).map(
    tuple
)


def again(kind: OptionType, value: Any) -> Any:
    return kind.parse(kind.print(value))


def message(kind: OptionType, text: str) -> str:
    with pytest.raises(OptionProblem) as problem:
        kind.parse(text)
    return str(problem.value)


@QUIET
@given(durations)
@example(timedelta(seconds=1_234_567))
@example(timedelta(microseconds=1))
def test_a_duration_reads_back_what_it_prints(value: timedelta) -> None:
    assert again(Duration(""), value) == value


@QUIET
@given(st.integers(-5, 500))
def test_a_count_reads_back_what_it_prints(value: int) -> None:
    assert again(Count("", -5, 500), value) == value


@QUIET
@given(alternatives)
@example((" padded ",))
@example(('say "hi"', "a|b", "c,d", "e?", "f@2d"))
def test_touchpoints_read_back_what_they_print(value: tuple[str, ...]) -> None:
    assert again(Touchpoints(""), value) == value


@QUIET
@given(st.none() | alternatives)
@example(("all",))
@example(("/product/*", "*/", "a|b*"))
def test_patterns_and_touchpoints_that_may_be_off_read_back_what_they_print(value: tuple[str, ...] | None) -> None:
    assert again(Patterns(""), value) == again(Touchpoints("", off=True), value) == value


@pytest.mark.parametrize("kind", [Patterns(""), Touchpoints("", off=True)])
def test_the_empty_text_switches_off(kind: OptionType) -> None:
    assert kind.parse("") is kind.parse("  ") is None
    assert kind.print(None) == kind.print(()) == ""
    assert "missing" in message(kind, "a||b") and "missing" in message(kind, '""')


@QUIET
@given(steps)
def test_steps_read_back_what_they_print(value: tuple[Step, ...]) -> None:
    assert again(Steps(""), value) == value


def test_a_choice_reads_back_what_it_prints() -> None:
    kind = Choice("", ("merge", "keep"))
    assert [again(kind, name) for name in kind.names] == ["merge", "keep"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("14d", timedelta(14)),
        ("36h", timedelta(hours=36)),
        ("30min", timedelta(minutes=30)),
        ("90s", timedelta(seconds=90)),
        ("1.5d", timedelta(hours=36)),
        (" 2 h ", timedelta(hours=2)),
    ],
)
def test_a_duration_reads_the_forms_of_its_help(text: str, value: timedelta) -> None:
    assert Duration("").parse(text) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(14), "14d"),
        (timedelta(hours=36), "36h"),
        (timedelta(minutes=90), "90min"),
        (timedelta(seconds=90), "90s"),
        (timedelta(seconds=0.5), "0.5s"),
    ],
)
def test_a_duration_prints_the_largest_unit_that_divides_it(value: timedelta, text: str) -> None:
    assert Duration("").print(value) == text


def test_unlimited_is_none_where_the_metric_allows_it_and_refused_elsewhere() -> None:
    assert Duration("", unlimited=True).parse("unlimited") is None
    assert Duration("", unlimited=True).print(None) == "unlimited"
    assert "unlimited" in message(Duration(""), "unlimited")


@pytest.mark.parametrize("text", ["", "14", "d", "-1d", "1w", "1 day", "nan d", "1e3s", "1d2h"])
def test_what_is_no_duration_is_named_with_the_forms_there_are(text: str) -> None:
    said = message(Duration(""), text)
    assert text in said and "14d, 36h, 30min or 90s" in said


def test_a_duration_of_nothing_or_beyond_counting_is_refused() -> None:
    assert "more than 0; found 0d" in message(Duration(""), "0d")
    assert "longer than any time" in message(Duration(""), "9999999999d")
    assert "longer than any time" in message(Duration(""), "9" * 400 + "s")


def test_a_count_out_of_bounds_is_named_with_the_bounds() -> None:
    assert message(Count("", 2, 10), "11") == "11 is outside 2 to 10."
    assert message(Count("", 2, 10), "1") == "1 is outside 2 to 10."
    assert message(Count("", 2, 10), "two") == "two is not a whole number."
    assert message(Count("", 2, 10), "2.5") == "2.5 is not a whole number."


def test_an_unknown_choice_is_named_with_the_choices_and_the_nearest() -> None:
    said = message(Choice("", ("every_entry", "first_entry")), "first-entry")
    assert "first-entry" in said and "every_entry, first_entry" in said and "Nearest: first_entry" in said


def test_steps_read_the_example_of_the_model() -> None:
    #
    text = 'ad|search,visit,"cart, web"?,purchase@2d'
    assert Steps("").parse(text) == (
        Step(("ad", "search")),
        Step(("visit",)),
        Step(("cart, web",), optional=True),
        Step(("purchase",), window=timedelta(2)),
    )
    assert Steps("").print(Steps("").parse(text)) == text


def test_spaces_around_signs_do_not_matter() -> None:
    spaced = Steps("").parse(' ad | "search" , visit ? , "cart" ? @2d , purchase @ 2d ')
    assert spaced == Steps("").parse("ad|search,visit?,cart?@2d,purchase@2d")


def test_an_alternative_that_stands_twice_counts_once() -> None:
    assert Touchpoints("").parse("a|b|a") == ("a", "b")


def test_the_label_of_a_step_joins_its_touchpoints() -> None:
    assert Step(("ad", "search")).label == "ad | search"


@pytest.mark.parametrize("text", ["", ",a", "a,", "a,,b", "a||b", "|a", '"",a', "a,?", '"a'])
def test_a_step_without_touchpoint_is_refused(text: str) -> None:
    assert "A touchpoint is missing" in message(Steps(""), text)


def test_a_name_after_a_closing_quote_is_refused_with_the_step_before() -> None:
    said = message(Steps(""), '"a"b,c')
    assert "b,c" in said and "after step a" in said


def test_a_funnel_of_one_step_or_of_thirteen_is_refused_with_the_number_found() -> None:
    assert message(Steps(""), "a") == "A funnel has 2 to 12 steps; found 1."
    assert message(Steps(""), ",".join("abcdefghijklm")) == "A funnel has 2 to 12 steps; found 13."


def test_a_window_of_a_step_that_is_no_time_is_refused() -> None:
    assert "soon is not a length of time" in message(Steps(""), "a,b@soon")


def test_a_sign_after_touchpoints_is_refused() -> None:
    assert ",b cannot be read" in message(Touchpoints(""), "a,b")


def test_all_touchpoints_are_no_names_and_one_called_all_stands_in_quotes() -> None:
    some = Touchpoints("", optional=True)
    assert some.parse("all") == some.parse(" all ") == () and some.print(()) == "all"
    for names in ((), ("all",), ("all", "b"), ("b", "all"), ("a,b",)):
        assert some.parse(some.print(names)) == names
    assert Touchpoints("").parse("all") == ("all",)  # where all is no answer, it is a name


@QUIET
@given(st.lists(names, max_size=4, unique=True).map(tuple))
def test_names_of_columns_and_questions_survive_their_text_form(given_names: tuple[str, ...]) -> None:
    assert again(Columns(""), given_names) == given_names


def test_a_switch_is_yes_or_no_and_a_name_stands_as_it_is() -> None:
    assert again(Switch(""), True) is True and again(Switch(""), False) is False
    assert message(Switch(""), "on") == "on is neither yes nor no."
    assert again(Name(""), 'How, "exactly"?|') == 'How, "exactly"?|'
