"""Durations as people and tools write them."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_metrics.reading.durations import read_durations


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("65", 65.0),
        ("65.5", 65.5),
        ("0:01:23", 83.0),
        ("00:03:21", 201.0),
        ("26:00:00", 93_600.0),
        ("12:34.5", 754.5),
        ("2 days, 03:04:05", 183_845.0),
        ("1.02:03:04", 93_784.0),
        ("1h 5m", 3900.0),
        ("1h05m", 3900.0),
        ("1 hour, 5 minutes and 3 seconds", 3903.0),
        ("5 min", 300.0),
        ("350 ms", 0.35),
        ("1.5 h", 5400.0),
        ("PT1H5M3.5S", 3903.5),
        ("P1DT2H", 93_600.0),
        ("1 ч 5 мин 3 сек.", 3903.0),
        ("۱ ساعت و ۵ دقیقه", 3900.0),
        ("١ ساعة ٥ دقائق", 3900.0),
        ("٠٠:٠٣:٢١", 201.0),
        ("1:23", None),  # minutes or hours
        ("-5", None),
        ("-0:01:23", None),
        ("0:61:00", None),
        ("5 parsecs", None),
        ("5m 1h", None),
        ("5m 5m", None),
        ("1h 5", None),
        ("P", None),
        ("50%", None),
        ("now", None),
        ("", None),
        ("h" * 10**6, None),
        ("1h" * 10**5, None),
    ],
)
def test_duration_is_read_as_it_is_meant_or_not_at_all(written: str, seconds: float | None) -> None:
    found = read_durations(pa.array([written, None]))
    assert found.values.to_pylist() == [seconds, None]
    assert found.unreadable.tolist() == [seconds is None, False]


@settings(deadline=None)
@given(st.lists(st.timedeltas(timedelta(0), timedelta(days=900)), min_size=1, max_size=4))
def test_what_python_and_tools_print_comes_back(spans: list[timedelta]) -> None:
    whole = [timedelta(seconds=int(span.total_seconds())) for span in spans]
    seconds = [span.total_seconds() for span in whole]
    assert read_durations(pa.array([str(span) for span in whole])).values.to_pylist() == seconds  # 2 days, 3:04:05
    clocks = [f"{int(s) // 3600}:{int(s) // 60 % 60:02}:{int(s) % 60:02}" for s in seconds]
    assert read_durations(pa.array(clocks)).values.to_pylist() == seconds
    units = [f"{int(s) // 3600}h {int(s) // 60 % 60}m {int(s) % 60}s" for s in seconds]
    assert read_durations(pa.array(units)).values.to_pylist() == seconds
