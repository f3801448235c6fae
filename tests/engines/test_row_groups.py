"""Rows in portions: none is lost, none changes its place, and all portions but the last are full."""

from __future__ import annotations

import pyarrow as pa
import pytest

from cx_metrics.engines.row_groups import in_row_groups


def batch(first: int, rows: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"n": pa.array(range(first, first + rows), pa.int64())})


@pytest.mark.parametrize(
    ("sizes", "portions"),
    [
        ((), []),
        ((0, 0), []),
        ((3,), [3]),
        ((10,), [10]),
        ((4, 6), [10]),
        ((7, 7, 0, 7), [10, 10, 1]),
        ((35,), [10, 10, 10, 5]),
        ((1, 30, 9), [10, 10, 10, 10]),
    ],
)
def test_all_rows_come_in_order_in_full_portions(sizes: tuple[int, ...], portions: list[int]) -> None:
    begins = [sum(sizes[:place]) for place in range(len(sizes))]
    found = list(in_row_groups((batch(first, rows) for first, rows in zip(begins, sizes, strict=True)), 10))
    assert [one.num_rows for one in found] == portions
    assert [n for one in found for n in one["n"].to_pylist()] == list(range(sum(sizes)))
