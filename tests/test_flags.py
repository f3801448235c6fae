"""Flags: each is raised by its rule and not below it, and says the figures it rests on."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from cx_metrics import flags
from cx_metrics.flags import RULES, raised, watched
from cx_metrics.texts import Text
from cx_metrics.view import Facts, View

FIRST, LAST = date(2026, 1, 1), date(2026, 3, 31)
NPS = Text("NPS")


def facts(surveys: date = LAST) -> Facts:
    ranges = {"touchpoints": (FIRST, LAST), "surveys": (FIRST, surveys)}
    return Facts(tables=("touchpoints", "surveys"), ranges=ranges)


def volume(counts: dict[date, int] | None = None, low: date | None = None) -> pd.DataFrame:
    """Twenty touchpoints on every day of the data, but for `counts`; `low` lies under a limit of 15."""
    days = [FIRST + timedelta(days=i) for i in range((LAST - FIRST).days + 1)]
    found = [(counts or {}).get(day, 20) for day in days]
    return pd.DataFrame({
        "period": days, "touchpoints": found, "usual": 20.0, "usual_low": 15.0, "is_low": [day == low for day in days],
    })  # fmt: skip


def said(*given: object, view: View | None = None, today: date | None = LAST, about: Facts | None = None) -> list[str]:
    frame = next((g for g in given if isinstance(g, pd.DataFrame)), volume())
    scores = next((g for g in given if isinstance(g, dict)), {})
    return [str(flag.found) for flag in raised(about or facts(), view or View(), frame, scores, today)]


def test_nothing_is_raised_where_all_is_well() -> None:
    assert said({"nps": (NPS, 30)}, today=LAST + timedelta(days=14)) == []


def test_old_data_are_said_with_their_newest_day() -> None:
    later = LAST + timedelta(days=15)
    assert said(today=later) == ["The newest row is of 2026-03-31, 15 days before today"]
    assert said(today=None) == []  # the sample waits for nobody
    assert (
        said(today=later, view=View(last_day=date(2026, 2, 1))) == []
    )  # who looks back is not told that time has passed


def test_a_file_that_lags_behind_the_other_is_said() -> None:
    assert said(about=facts(date(2026, 3, 16))) == ["Answers end on 2026-03-16, 15 days before touchpoints"]
    assert said(about=facts(date(2026, 3, 17))) == []
    late = facts(date(2026, 4, 20))
    assert said(about=late, today=date(2026, 4, 20)) == ["Touchpoints end on 2026-03-31, 20 days before answers"]


def test_days_without_touchpoints_are_missing_where_their_weekday_has_many() -> None:
    gap = {date(2026, 2, 3): 0, date(2026, 2, 4): 0}
    assert said(volume(gap)) == ["2 of 90 days are missing, the last one 2026-02-04"]
    assert said(volume(gap), view=View(first_day=date(2026, 2, 4))) == ["1 of 56 days is missing: 2026-02-04"]
    few = {FIRST + timedelta(days=i): 0 if i % 2 else 5 for i in range(90)}
    assert said(volume(few)) == []
    closed = {FIRST + timedelta(days=i): 0 for i in range(90) if (FIRST + timedelta(days=i)).weekday() == 6}
    assert said(volume(closed)) == []  # Sundays never have any


def test_a_fall_is_said_for_the_last_days_but_not_the_very_last() -> None:
    tuesday = date(2026, 3, 24)
    words = "9 touchpoints on 2026-03-24, under the limit of 15; usual is 20"
    assert said(volume({tuesday: 9}, low=tuesday)) == [words]
    assert said(volume({LAST: 9}, low=LAST)) == []  # it may not be over
    assert said(volume({date(2026, 3, 23): 9}, low=date(2026, 3, 23))) == []  # more than a week ago
    assert said(volume({tuesday: 0}, low=tuesday)) == [
        "1 of 90 days is missing: 2026-03-24"
    ]  # said once, as what it is


@pytest.mark.parametrize(
    ("n", "words"), [(29, "NPS rests on 29 answers"), (1, "NPS rests on 1 answer"), (30, ""), (0, "")]
)
def test_a_score_of_few_answers_is_said(n: int, words: str) -> None:
    assert said({"nps": (NPS, n)}) == ([words] if words else [])


def test_every_flag_says_its_rule_with_the_threshold_in_it() -> None:
    for kind, number in (("stale", "14"), ("behind", "14"), ("missing", "10"), ("fall", "8"), ("few", "30")):
        assert number in str(RULES[kind])
    found = raised(facts(), View(), volume(), {"nps": (NPS, 3)}, LAST)
    assert [flag.rule for flag in found] == [RULES["few"]]


def test_the_volume_is_asked_with_eight_weeks_before_the_last_seven_days() -> None:
    view = View(first_day=date(2026, 3, 20), last_day=date(2026, 3, 25), compare="previous")
    asked = watched(view, facts())
    assert asked == View(first_day=date(2026, 3, 25) - timedelta(days=63), last_day=date(2026, 3, 25))
    whole = watched(View(), facts())
    assert whole is not None and (whole.first_day, whole.last_day) == (FIRST, LAST)
    assert watched(View(), Facts(timed=False)) is None and flags.WATCHED_DAYS == 7
