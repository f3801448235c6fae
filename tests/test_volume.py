"""Touchpoints a day: known limits, gaps, weekdays, and how often chance alone looks like a fall."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import pytest

import cx_metrics as cx
from cx_metrics.view import View
from cx_metrics.volume import WEEKS, spread_of, usual_of
from tests.conftest import dataset

MONDAY = date(2026, 1, 5)
NIST = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]  # e-Handbook 6.3.2.2


def test_the_limits_are_those_of_the_handbook() -> None:
    #: mean 50.81, mean moving range 1.8778: 55.8041 and 45.8159
    half = spread_of([NIST])[0]
    assert (np.mean(NIST) + half, np.mean(NIST) - half) == pytest.approx((55.8041, 45.8159), abs=1e-4)


def of_days(counts: list[int], **view: date) -> list[tuple[object, ...]]:
    rows = [
        {"customer_id": f"u{i}", "touchpoint": "A", "occurred_at": datetime(2026, 1, 5, 9) + timedelta(days=day)}
        for day, count in enumerate(counts)
        for i in range(count)
    ]
    frame = cx.run("volume", dataset(rows), View(**view)).frame  # type: ignore[arg-type]
    return list(
        frame[["period", "touchpoints", "usual", "usual_low", "baseline", "is_low"]].itertuples(index=False, name=None)
    )


def test_a_day_is_low_against_its_own_weekday() -> None:
    #: eight weeks of 10 on weekdays and 30 on Saturdays, all alike: no spread, so the limits are the means themselves
    rows = of_days([*[10, 10, 10, 10, 10, 30, 10] * WEEKS, 10, 9])
    assert [row[1:] for row in rows[56:]] == [(10, 10.0, 10.0, 56, False), (9, 10.0, 10.0, 56, True)]
    assert [row[4:] for row in rows[:56]] == [(0, False)] * 56  # nothing is usual before there are eight weeks
    on_saturday = of_days([*[10, 10, 10, 10, 10, 30, 10] * WEEKS, *[10] * 5, 29])
    assert on_saturday[-1] == (date(2026, 3, 7), 29, 30.0, 30.0, 56, True)


def test_a_limit_by_hand() -> None:
    #: Two weekdays, eight weeks: the first has 8 and 12 in turn, the second always 10. Means 10 and 10, relations .8 1 1.2 1 .8 …:
    #: every one of the 15 ranges is .2, so the limits are 10 (1 ± .2 x 3 / 1.128).
    usual, low, high, of = usual_of(np.array([8.0, 10, 12, 10] * 4 + [4]), np.zeros(17, dtype=bool), 2)
    assert (usual[-1], of[-1]) == (10, 16)
    assert (low[-1], high[-1]) == pytest.approx((10 * (1 - 0.2 * 3 / 1.128), 10 * (1 + 0.2 * 3 / 1.128)))


def test_days_without_touchpoints_have_their_row_and_a_cut_range_its_own_days() -> None:
    counts = [2, 0, 0, 1]
    assert [row[:2] for row in of_days(counts)] == [(MONDAY + timedelta(days=i), n) for i, n in enumerate(counts)]
    inside = of_days(counts, first_day=MONDAY + timedelta(days=1), last_day=MONDAY + timedelta(days=2))
    assert [row[:2] for row in inside] == [(MONDAY + timedelta(days=1), 0), (MONDAY + timedelta(days=2), 0)]


def test_a_week_that_is_not_covered_in_full_is_never_low() -> None:
    rows = [
        {"customer_id": f"u{i}", "touchpoint": "A", "occurred_at": datetime(2026, 1, 5) + timedelta(days=i // 3)}
        for i in range(3 * 65)
    ]
    frame = cx.run("volume", dataset(rows), period="week").frame
    assert list(frame["touchpoints"]) == [21] * 9 + [6]
    assert list(frame["is_partial"]) == [False] * 9 + [True] and not frame["is_low"].any()
    assert frame["usual"].iloc[8] == 21 and frame["baseline"].iloc[8] == 8


def test_chance_alone_rarely_looks_like_a_fall() -> None:
    #: three standard deviations leave one day in 740 below; the baseline is itself by chance, so up to one in 100 is allowed
    chance = np.random.default_rng(3)
    low = looked = 0
    for _world in range(60):
        weekday = chance.uniform(40, 400, 7)
        values = chance.poisson(np.tile(weekday, 30)).astype(float)
        _usual, limit, _high, of = usual_of(values, np.zeros(len(values), dtype=bool), 7)
        low += int((values < limit)[of > 0].sum())
        looked += int((of > 0).sum())
    assert looked > 9_000 and low / looked < 0.01


def test_a_fall_by_half_is_seen() -> None:
    #: 100 a day by chance: three standard deviations are about 30, so 50 lies under the limit
    chance = np.random.default_rng(4)
    values = chance.poisson(100, 57).astype(float)
    values[-1] = 50
    assert values[-1] < usual_of(values, np.zeros(57, dtype=bool), 7)[1][-1]
