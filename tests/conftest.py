"""Small datasets for tests: a few rows in, an opened dataset out."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cx_metrics.engines import Store, memory_store
from cx_metrics.engines.incoming import Incoming
from cx_metrics.engines.prepared import CUBE_SHARE
from cx_metrics.tables import INVITATIONS, SURVEYS, TOUCHPOINTS
from cx_metrics.view import Facts

MORNING = datetime(2026, 1, 5, 9, 0)


def dataset(
    touchpoints: Iterable[Mapping[str, Any]] | None = None,
    surveys: Iterable[Mapping[str, Any]] | None = None,
    customers: Iterable[Mapping[str, Any]] | None = None,
    cube_share: float = CUBE_SHARE,
    invitations: Iterable[Mapping[str, Any]] | None = None,
    **facts: Any,
) -> Store:
    """An opened dataset in memory from rows that name only the columns they need. A large `cube_share` keeps its cubes."""
    tables = {}
    if touchpoints is not None:
        rows = [
            {"sequence": i, "occurred_at": MORNING + timedelta(minutes=i), "raw_touchpoint": r.get("touchpoint")}
            | dict(r)
            for i, r in enumerate(touchpoints)
        ]
        tables["touchpoints"] = incoming(rows, TOUCHPOINTS.schema)
    if surveys is not None:
        base = {"question": "q", "higher_is_better": True, "score_status": "valid", "weight": 1.0, "survey_type": "nps"}
        tables["surveys"] = incoming(
            [base | {"response_id": str(i)} | dict(r) for i, r in enumerate(surveys)], SURVEYS.schema
        )
    if invitations is not None:
        tables["invitations"] = incoming(
            [{"status": "sent", "stands_for": 1} | dict(r) for r in invitations], INVITATIONS.schema
        )
    if customers is not None:
        rows = [dict(r) for r in customers]
        schema = pa.schema([(name, pa.string()) for name in (rows[0] if rows else ["customer_id"])])
        tables["customers"] = incoming(rows, schema)
    store, _built = memory_store(tables, Facts(**facts), cube_share)
    return store


def pytest_collection_finish() -> None:
    """Libraries and collected tests stay to the end: nobody looks through them for garbage again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def seldom(*values: Any) -> list[Any]:
    """Cases of a parametrised test that `make long` alone goes through."""
    return [pytest.param(value, marks=pytest.mark.long) for value in values]


def incoming(rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> Incoming:
    """Rows as one typed batch; columns beyond the schema become text attributes."""
    extra = sorted({name for row in rows for name in row} - set(schema.names))
    for name in extra:
        schema = schema.append(pa.field(name, pa.string()))
    columns = [pa.array([row.get(f.name) for row in rows], f.type) for f in schema]
    return Incoming(schema, [pa.record_batch(columns, schema=schema)])


def paths(*journeys: str, seconds: int = 60) -> list[dict[str, Any]]:
    """Touchpoint rows from paths like "A B C", one customer each, `seconds` apart."""
    return [
        {"customer_id": f"u{u}", "touchpoint": name, "occurred_at": MORNING + timedelta(seconds=seconds * i)}
        for u, path in enumerate(journeys, 1)
        for i, name in enumerate(path.split())
    ]


@pytest.fixture(scope="session")
def test_data() -> Callable[[str], Path]:
    """The folder of a real data set; skips where the data are not at hand."""
    root = os.environ.get("TOUCHLINE_TEST_DATA")
    if not root:
        pytest.skip("TOUCHLINE_TEST_DATA is not set: the real data sets are not at hand")
    return lambda name: Path(root) / name
