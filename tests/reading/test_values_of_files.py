"""Values of real exports, from the file to the typed table: serial days, durations, percents, damaged ids, years of calendars."""

from __future__ import annotations

from datetime import datetime

from cx_metrics.reading import default_mapping, read_touchpoints, recognise
from cx_metrics.reading.times import first_and_last_year

from .conftest import Upload, read


def test_serial_days_under_the_name_of_a_time_are_times(upload: Upload) -> None:
    raw = upload("customer_id;date;event\na;46053,25;visit\nb;45000;buy\n")
    assert recognise(raw).time_format == "excel_serial"
    assert read(raw).to_table()["occurred_at"].to_pylist() == [datetime(2026, 1, 31, 6), datetime(2023, 3, 15)]


def test_durations_are_seconds(upload: Upload) -> None:
    raw = upload(
        "customer_id,date,event,duration\na,2026-01-01,visit,0:01:23\nb,2026-01-01,buy,1h 5m\nc,2026-01-01,buy,7\n"
    )
    assert read(raw).to_table()["duration_seconds"].to_pylist() == [83.0, 3900.0, 7.0]


def test_percents_are_read_and_told(upload: Upload) -> None:
    typed = read(upload("customer_id,date,event,value\na,2026-01-01,visit,12.5%\nb,2026-01-01,buy,7\n"))
    assert typed.to_table()["value"].to_pylist() == [12.5, 7.0]
    assert '1 value of "value" has a percent sign and was read as the number before it.' in map(
        str, typed.report.assumed
    )


def test_damaged_ids_are_told_before_the_import(upload: Upload) -> None:
    raw = upload("customer_id,date,event\n1.23E+15,2026-01-01,visit\n1.23E+15,2026-01-02,buy\n")
    assert any("were turned into rounded numbers by a spreadsheet" in str(text) for text in recognise(raw).problems)
    assert read(raw).to_table()["customer_id"].to_pylist() == ["1.23E+15", "1.23E+15"]


def test_range_is_told_in_years_of_the_calendar(upload: Upload) -> None:
    raw = upload("customer_id,date,event\na,1404/05/12,visit\nb,1300/05/12,buy\n")
    typed = read_touchpoints(raw, default_mapping(raw, recognise(raw)))
    assert typed.to_table()["occurred_at"].to_pylist() == [datetime(2025, 8, 3)]
    last = first_and_last_year("jalali")[1]
    assert [str(group.reason) for group in typed.report.reasons] == [f"The year is not between 1368 and {last}."]
