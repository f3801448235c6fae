"""The one sentence at the top of Overview says what there is to say, and nothing of what there is not."""

from __future__ import annotations

import pandas as pd
import pytest

from cx_metrics import findings

NPS = pd.DataFrame({"nps": [41.6], "responses": [400]})
THIN = pd.DataFrame({"nps": [41.6], "responses": [2]})
CONVERSION = pd.DataFrame({"conversion_rate": [0.32], "customers": [900]})


@pytest.mark.parametrize(
    ("nps", "conversion", "customers", "answers", "said"),
    [
        (NPS, CONVERSION, 900, 400, "32% of customers reach the goal, and NPS stands at 42"),
        (NPS, None, 900, 400, "NPS stands at 42"),
        (THIN, CONVERSION, 900, 2, "32% of customers reach the goal"),
        (THIN, None, 900, 2, "900 customers, and too few answers for a score"),
        (None, None, 900, 0, "900 customers, and no answers to surveys"),
        (None, None, 1, 0, "1 customer, and no answers to surveys"),
        (None, None, 0, 0, "No valid answers in this view"),
        (None, None, 0, 7, "Customers gave 7 answers"),
    ],
)
def test_the_overview_in_one_sentence(
    nps: pd.DataFrame | None, conversion: pd.DataFrame | None, customers: int, answers: int, said: str
) -> None:
    assert str(findings.overview(nps, conversion, None, customers, answers=answers)) == said


def test_the_last_stage_that_anybody_reaches_is_named_and_not_blamed() -> None:
    rows = pd.DataFrame({
        "stage": ["awareness", "decision", "action", None], "customers": [900, 500, 200, 40],
        "next_stage_rate": [0.55, 0.4, 0.0, None],
    })  # fmt: skip
    assert str(findings.stages(rows)) == (
        "40% of those who reach Decision go on, the lowest share before Action, the last stage reached"
    )
    some = rows.assign(next_stage_rate=[0.55, 0.4, 0.1, None])
    assert str(findings.stages(some)) == "10% of those who reach Action go on, the lowest share of all stages"


def test_a_wide_interval_of_few_does_not_hide_that_others_differ() -> None:
    rows = pd.DataFrame({
        "place": ["few", "b", "c"], "nps": [-5.0, 10.0, 40.0], "nps_low": [-60.0, 5.0, 35.0], "nps_high": [50.0, 15.0, 45.0],
        "responses": [40, 400, 400],
    })  # fmt: skip
    assert str(findings.score_by(rows, "place", "nps")) == "b and c differ by more than chance allows"
    same = rows.assign(nps_low=0.0, nps_high=45.0)
    assert str(findings.score_by(same, "place", "nps")) == "No group differs from another by more than chance allows"


def test_one_group_is_not_compared_with_itself() -> None:
    rows = pd.DataFrame({
        "stage": ["a", "b"], "named": ["A", "B"], "persona": ["Saver", "Saver"], "customers": [900, 800],
        "next_stage_rate": [0.5, 0.4], "next_stage_rate_low": [0.45, 0.35], "next_stage_rate_high": [0.55, 0.45],
    })  # fmt: skip
    assert str(findings.stages_by(rows, "persona", "named")) == "Only one group is in this view"
