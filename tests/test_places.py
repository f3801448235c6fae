"""Where touchpoints belong: every row is counted once, under the stage that it has."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from cx_metrics import open_files
from cx_metrics.run import places

ROWS = """customer_id,occurred_at,touchpoint,stage
1,2026-01-01 10:00,visit,awareness
1,2026-01-01 11:00,visit,decision
2,2026-01-01 10:00,visit,awareness
2,2026-01-01 12:00,zzz_unknown,
3,2026-01-01 12:00,zzz_unknown,
3,2026-01-02 12:00,order,action
"""


def test_every_row_stands_under_its_stage(tmp_path: Path) -> None:
    path = tmp_path / "touchpoints.csv"
    path.write_text(ROWS, encoding="utf-8")
    frame = places(open_files(touchpoints=path))
    found = [(t, None if pd.isna(s) else s, int(n), int(k)) for t, s, n, k in frame.itertuples(index=False)]
    assert found == [
        ("visit", "awareness", 2, 2), ("visit", "decision", 1, 2), ("zzz_unknown", None, 2, 1), ("order", "action", 1, 1),
    ]  # fmt: skip
    assert {t for t, *_ in found} == set(places(open_files(touchpoints=path), most=3)["touchpoint"])
    assert set(places(open_files(touchpoints=path), most=1)["touchpoint"]) == {"visit"}
