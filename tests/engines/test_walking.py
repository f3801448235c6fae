"""The walk over sorted touchpoints against the windows that define its columns, and its cuts between customers."""

from __future__ import annotations

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_metrics.engines import Store, prepared, walking
from cx_metrics.tables import PREPARED
from tests.engines.test_prepared import Log, random_log


def by_windows(store: Store) -> str:
    """The query that prepares the touchpoints of a store once more, by the definition that all engines share."""
    own = [c for c in store.tables["touchpoints"].columns if c not in (*PREPARED, *store.facts.attributes)]
    columns = ", ".join(f'"{c}"' for c in own)
    store.connection.execute(f"""
        create or replace view raw_rows as
        select {columns}, epoch_us(occurred_at) as occurred_microseconds, hash(sequence) as arrival from touchpoints
    """)
    ask = store.connection.execute("select min(occurred_at), max(occurred_at) from touchpoints").fetchone()
    shifts = prepared.clock_shifts(store.facts.zone, *ask) if ask and ask[0] is not None else ()
    schema = store.connection.execute("select * from raw_rows limit 0").to_arrow_table().schema
    raw = ibis.table(ibis.Schema.from_pyarrow(schema), name="raw_rows")
    customers = store.tables["customers"]
    found = prepared.touchpoints(
        raw, customers, prepared.names(raw), store.facts.stages, shifts, store.facts.attributes
    )
    return str(ibis.to_sql(found, dialect="duckdb"))


def rows(store: Store, sql: str, columns: tuple[str, ...]) -> list[tuple[object, ...]]:
    named = ", ".join(f'"{c}"' for c in columns)
    found: list[tuple[object, ...]] = store.connection.execute(
        f"select {named} from ({sql}) order by sequence"
    ).fetchall()
    return found


def assert_agrees(log: Log) -> None:
    store, _built = log.store()
    columns = tuple(store.tables["touchpoints"].columns)
    stored = rows(store, "select * from touchpoints", columns)
    assert stored and stored == rows(store, by_windows(store), columns)
    in_order = store.connection.execute("select customer_number, step from touchpoints").fetchall()
    assert in_order == sorted(in_order), "the table is not written in the order of journeys"
    store.close()


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 10**6))
def test_walk_and_windows_give_the_same_prepared_touchpoints(seed: int) -> None:
    assert_agrees(random_log(seed))


WALKED = pa.schema(
    [
        ("customer_number", pa.int64()), ("occurred_microseconds", pa.int64()), ("touchpoint", pa.string()),
        ("touchpoint_number", pa.int64()),
    ]
)  # fmt: skip


@pytest.mark.parametrize("at_once", [1, 2, 7])
def test_journeys_are_whole_however_few_rows_are_walked_at_once(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(walking, "ROWS_AT_ONCE", at_once)
    for seed in (3, 4, 5):
        log = random_log(seed)
        ids = sorted({row["customer_id"] for row in log.touchpoints})
        names = sorted({row["touchpoint"] for row in log.touchpoints})
        own = sorted(
            (ids.index(row["customer_id"]) + 1, n, row["touchpoint"], names.index(row["touchpoint"]) + 1)
            for n, row in enumerate(log.touchpoints)
        )
        t = pa.table(list(zip(*own, strict=True)), schema=WALKED)
        whole = list(walking._with_path(t, ()))
        cut = list(walking.walk(t.to_batches(max_chunksize=2), WALKED, ()))
        assert pa.Table.from_batches(cut).equals(pa.Table.from_batches(whole))


def test_no_rows_are_walked_to_no_rows() -> None:
    assert list(walking.walk([pa.RecordBatch.from_pylist([], WALKED)], WALKED, ())) == []
