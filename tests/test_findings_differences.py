"""Which difference between A and B stands first, and in the heading."""

import pandas as pd

from cx_metrics import findings_differences
from cx_metrics.registry import METRICS

MEASURES = METRICS["nps"].measures


def frame(*rows: tuple[str, str, float, float, float, bool]) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=["what", "measure", "value_a", "value_b", "p_value", "flagged"])
    return found.assign(difference=found["value_a"] - found["value_b"])


def test_rows_of_one_measure_stand_by_the_size_of_their_difference() -> None:
    found = frame(
        ("surer", "nps", 10, 0, 0.0001, True),
        ("chance", "nps", 90, 0, 0.4, False),
        ("larger", "nps", -40, 0, 0.01, True),
    )
    assert findings_differences.largest(found, 3)["what"].tolist() == ["larger", "surer", "chance"]
    assert findings_differences.strongest(found, MEASURES, False).values["what"] == "larger"


def test_rows_of_several_measures_stand_by_their_evidence() -> None:
    found = frame(("larger", "nps", 40, 0, 0.01, True), ("surer", "promoters", 0.2, 0.1, 0.0001, True),
                  ("untested", "nps", 50, 0, float("nan"), False))  # fmt: skip
    assert findings_differences.largest(found, 2)["what"].tolist() == ["surer", "larger"]
    assert findings_differences.largest(found, 3)["what"].tolist()[-1] == "untested"
