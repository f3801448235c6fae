"""Every metric of the registry for two views: agreement with the two answers alone, mirrored sides, and the edges."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
import pytest

import cx_metrics as cx
from cx_metrics.comparison import COMPARED
from cx_metrics.differences import COLUMNS, REFUSED, REPEATED, folding
from cx_metrics.engines import Store
from cx_metrics.errors import OptionProblem
from cx_metrics.exports.tables import safe_csv
from cx_metrics.view import Filter, View
from tests.conftest import paths, seldom
from tests.engines.events import groups, questions
from tests.test_differences import OTHERS, SAVERS, A, B, answered, known, needed, store, two_sides

__all__ = ["store"]  # a fixture
ANSWERED = [name for name in cx.METRICS if name not in COMPARED and name not in REFUSED]


def near(value: Any) -> Any:
    """The same number, but for the order of a sum; unknown is the same as unknown."""
    return pytest.approx(float("nan") if value is None else value, rel=1e-9, nan_ok=True)


def test_every_metric_is_compared_or_says_why_not(store: Store) -> None:
    for name in cx.METRICS:
        if name in REFUSED:
            with pytest.raises(OptionProblem, match=f"{name} cannot be asked for A against B: .* These can: .*nps"):
                two_sides(name, store)
        else:
            assert len(two_sides(name, store))


def rows_alone(frame: pd.DataFrame, keys: Sequence[str]) -> dict[tuple[Any, ...], Any]:
    values = frame[list(keys)].astype(object)
    found = {tuple(known(*v)): row for v, (_i, row) in zip(values.to_numpy(), frame.iterrows(), strict=True)}
    assert len(found) == len(frame)
    return found


def asked(some: bool) -> Iterator[tuple[str, tuple[str, ...], dict[str, Any]]]:
    """Every metric by what it can be grouped by, and with choices of its options; `some`: each metric once, and by one group."""
    for name in ANSWERED:
        metric = cx.METRICS[name]
        every = [
            options for options in questions(metric) if "least" not in options
        ]  # folds each side by its own journeys
        dice = random.Random(name)
        for options in (every[0], *dice.sample(every[1:], 0 if some else min(2, len(every) - 1))):
            yield name, (), options
        grouped = [by for by in groups(metric) if by]
        yield from (
            (name, by, needed(name)) for by in (dice.sample(grouped, min(1, len(grouped))) if some else grouped)
        )


@pytest.mark.parametrize("some", [True, *seldom(False)])
def test_each_side_has_the_numbers_of_its_own_answer(store: Store, some: bool) -> None:
    checked = 0
    for name, by, options in asked(some):
        try:
            frame = cx.compare(name, store, SAVERS, OTHERS, by=by, **options).frame
        except OptionProblem:
            assert {"month", "period"} & {*cx.METRICS[name].groups} and by == ("week",)
            continue
        metric = cx.METRICS[name]
        whole = folding(metric) | options
        alone = [cx.run(name, store, view, by=by, **whole).frame for view in (SAVERS, OTHERS)]
        keys = [c for c in (*by, *metric.groups) if c in alone[0]]
        named = ["contact_measure" if c == "measure" else c for c in keys]
        sides = [rows_alone(side, keys) for side in alone]
        measures = [m for m in metric.measures if m not in REPEATED]
        found = rows_alone(frame, [*named, "measure"])
        assert [key[-1] for key in found] == measures * (len(frame) // len(measures))
        if not folding(metric).keys() & options:
            assert {key[:-1] for key in found} == {*sides[0], *sides[1]}, (name, by, options)
        for key, row in found.items():
            measure = metric.measures[row["measure"]]
            for letter, side in zip("ab", sides, strict=True):
                if key[:-1] not in side:
                    continue
                own = side[key[:-1]]
                assert row[f"value_{letter}"] == near(own[row["measure"]]), (name, key)
                if measure.interval:
                    for end in ("_low", "_high"):
                        assert row[f"value_{letter}{end}"] == near(own[row["measure"] + end])
                if measure.n:
                    assert row[f"n_{letter}"] == own[measure.n]
            if known(row["difference"])[0] is not None:
                assert row["difference"] == row["value_a"] - row["value_b"]
                if measure.unit != "points":  # the interval of NPS stands around the adjusted scores
                    low, high = row["difference_low"], row["difference_high"]
                    assert low != low or low - 1e-9 <= row["difference"] <= high + 1e-9
                if row["value_b"] > 0:
                    assert row["relative"] == pytest.approx(row["difference"] / row["value_b"])
            assert bool(row["method"]) == bool(measure.interval)
            assert known(row["p_value"])[0] is None or 0 <= row["p_value"] <= 1 and row["method"]
            checked += known(row["p_value"])[0] is not None
    assert checked > (100 if some else 300)


@pytest.mark.parametrize("name", [*ANSWERED[::2], *seldom(*ANSWERED[1::2])])
def test_exchanged_sides_mirror_differences_and_intervals(name: str, store: Store) -> None:
    for by in groups(cx.METRICS[name]):
        if by == ("week",) and {"month", "period"} & {*cx.METRICS[name].groups}:
            continue
        keys = [c for c in two_sides(name, store, by).columns if c not in COLUMNS] + ["measure"]
        one = rows_alone(two_sides(name, store, by), keys)
        other = rows_alone(two_sides(name, store, by, OTHERS, SAVERS), keys)
        assert one.keys() == other.keys()
        for key, row in one.items():
            back = other[key]
            expected = [-row["difference"], -row["difference_high"], -row["difference_low"], row["p_value"]]
            found = back[["difference", "difference_low", "difference_high", "p_value"]].tolist()
            assert found == pytest.approx(expected, nan_ok=True, abs=1e-9), (name, key)
            assert row["flagged"] == back["flagged"] and known(row["value_a"], row["n_a"]) == known(
                back["value_b"], back["n_b"]
            )


@pytest.mark.parametrize("name", ANSWERED)
def test_a_view_does_not_differ_from_itself(name: str, store: Store) -> None:
    frame = two_sides(name, store, (), View(), View())
    assert frame["difference"].dropna().abs().max() < 1e-9  # sums of money may come in another order
    assert not frame["flagged"].any() and (frame["p_value"].dropna() > 0.999).all()
    assert (frame["difference_low"].dropna() <= 0).all() and (frame["difference_high"].dropna() >= 0).all()


@pytest.mark.parametrize("name", ANSWERED)
def test_a_side_without_anybody_has_no_numbers_and_nothing_is_flagged(name: str, store: Store) -> None:
    nobody = View(customers=(Filter("persona", ("nobody",)),))
    frame = two_sides(name, store, (), View(), nobody)
    assert len(frame) and not frame["flagged"].any() and frame["p_value"].isna().all()
    rests = [bool(cx.METRICS[name].measures[m].n) for m in frame["measure"]]
    assert frame.loc[rests, "difference"].isna().all() or name == "stickiness"  # days are there without anybody
    assert frame["value_b"].fillna(0).eq(0).all()
    mirrored = two_sides(name, store, (), nobody, View())
    assert mirrored["value_b"].tolist() == pytest.approx(frame["value_a"].tolist(), nan_ok=True)
    both = two_sides(name, store, (), nobody, nobody)
    assert both["difference"].fillna(0).eq(0).all() and list(both.columns) == list(frame.columns)


@pytest.mark.parametrize("name", [*ANSWERED[1::2], *seldom(*ANSWERED[::2])])
def test_sides_of_one_row_are_compared_and_can_be_exported(name: str) -> None:
    answers = [
        {"survey_type": kind, "score": score, "scale_low": 1.0, "scale_high": 5.0, "persona": persona}
        for kind in ("nps", "csat", "ces") for persona, score in (("a", 5.0), ("b", 2.0))
    ]  # fmt: skip
    asked = [{"customer_id": f"u{i}"} for i in (1, 4)]
    result = cx.compare(name, answered(answers, paths("A", "A"), invitations=asked, goal=("A",)), A, B, **needed(name))
    # no measure, nothing before the goal, no next, no words
    nothing = ("contact_measures", "exposure_curve", "transitions", "themes")
    assert list(result.frame[["value_a", "value_b"]].notna().any()) == [name not in nothing] * 2
    json.dumps(result.to_dict(), allow_nan=False)
    frame = result.frame
    assert safe_csv(frame).count(b"\n") == len(frame) + 1
    welch = frame[frame["method"] == "Welch t"]
    assert welch[["difference_low", "p_value"]].isna().all(axis=None)  # one value says nothing of their spread
    assert not frame["flagged"].any()
