"""Batches made ahead: the same ones, in order; what fails is raised where it belongs; whoever stops early stops the work."""

from collections.abc import Iterator

import pyarrow as pa
import pytest

from cx_metrics.ahead import ahead


def batch(n: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"n": [n]})


def test_all_batches_come_in_order() -> None:
    assert [b["n"][0].as_py() for b in ahead(batch(n) for n in range(50))] == list(range(50))
    assert list(ahead([])) == []


def test_a_failure_is_raised_after_the_batches_before_it() -> None:
    def failing() -> Iterator[pa.RecordBatch]:
        yield batch(1)
        yield batch(2)
        raise ValueError("the third")

    came = ahead(failing())
    assert [next(came)["n"][0].as_py(), next(came)["n"][0].as_py()] == [1, 2]
    with pytest.raises(ValueError, match="the third"):
        next(came)


def test_who_stops_early_has_no_more_made_than_the_next() -> None:
    made: list[int] = []

    def counting() -> Iterator[pa.RecordBatch]:
        for n in range(1_000):
            made.append(n)
            yield batch(n)

    came = ahead(counting())
    next(came)
    came.close()  # type: ignore[attr-defined]
    assert made in ([0], [0, 1])
