"""A date in one column, its time of day in another: one time, told or asked, and never midnight in silence."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cx_metrics.errors import MappingProblem
from cx_metrics.reading import (
    FileMapping,
    Recognition,
    answered,
    check_mapping,
    default_mapping,
    open_raw,
    read_surveys,
    read_touchpoints,
    recognise,
)
from cx_metrics.reading.day_and_clock import read_clocks, read_day_and_clock

from .conftest import Upload, read


def joined(day: str, clock: str | None, time_format: str = "iso", zone: str = "UTC") -> datetime | None:
    found = read_day_and_clock(pa.array([day]), pa.array([clock], pa.string()), time_format, 2027, zone)
    return None if found.missing[0] or found.unreadable[0] or found.twice[0] else found.times.values[0].as_py()


@pytest.mark.parametrize(
    ("day", "time_format"),
    [
        ("2026-01-31", "iso"),
        ("2026-01-31 00:00:00", "iso"),  # as spreadsheets write a day
        ("31/01/2026", "day_first"),
        ("1/31/26", "month_first_short"),
        ("31 января 2026", "month_name"),
        ("20260131", "compact"),
        ("۱۴۰۴/۱۱/۱۱", "jalali"),
        ("12 شعبان 1447", "hijri"),
        ("46053", "excel_serial"),
    ],
)
def test_a_day_of_any_calendar_takes_its_time_of_day(day: str, time_format: str) -> None:
    assert joined(day, "14:05:09", time_format) == datetime(2026, 1, 31, 14, 5, 9)


@pytest.mark.parametrize(
    ("clock", "meant"),
    [
        ("14:05", (14, 5)), ("9:05", (9, 5)), ("14:05:09.25", (14, 5, 9, 250_000)), ("2:05 PM", (14, 5)), ("12:05 am", (0, 5)),
        ("۱۴:۰۵", (14, 5)), ("٢:٠٥ م", (14, 5)), ("2:05 ب.ظ", (14, 5)), ("14.05", (14, 5)), ("14.05.09", (14, 5, 9)),
        ("14h05", (14, 5)), ("1405", (14, 5)), ("140509", (14, 5, 9)), ("905", (9, 5)), ("2 PM", (14, 0)), ("14 ч 05 мин", (14, 5)),
        ("00:00", (0, 0)),
    ],
)  # fmt: skip
def test_times_of_day_as_people_write_them(clock: str, meant: tuple[int, ...]) -> None:
    assert joined("2026-01-31", clock) == datetime(2026, 1, 31, *meant)


@pytest.mark.parametrize(
    "clock", ["24:00", "14:60", "14", "13:05 PM", "soon", "2026-01-31 14:05", "14:05:61", "0.75", "-1:00"]
)
def test_what_is_no_time_of_day_is_none(clock: str) -> None:
    assert joined("2026-01-31", clock) is None


@pytest.mark.parametrize(
    ("day", "clock", "zone", "meant"),
    [
        ("2026-07-01", "14:05", "Europe/Berlin", datetime(2026, 7, 1, 12, 5)),
        ("2026-07-01", "14:05+03:00", "Europe/Berlin", datetime(2026, 7, 1, 11, 5)),
        ("2026-07-01", "14:05 МСК", "UTC", datetime(2026, 7, 1, 11, 5)),
        ("2026-07-01", "00:30 Europe/Berlin", "Europe/Berlin", datetime(2026, 6, 30, 22, 30)),
        (
            "2026-03-29",
            "02:30",
            "Europe/Berlin",
            datetime(2026, 3, 29, 1, 0),
        ),  # an hour that the clocks skip is moved on
        ("2026-10-25", "02:30", "Europe/Berlin", datetime(2026, 10, 25, 0, 30)),  # one that they repeat is the first
    ],
)
def test_zones(day: str, clock: str, zone: str, meant: datetime) -> None:
    assert joined(day, clock, zone=zone) == meant


@given(st.datetimes(datetime(1990, 1, 1), datetime(2026, 12, 31)))
def test_a_time_in_two_columns_is_the_time_in_one(moment: datetime) -> None:
    assert joined(f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S.%f}") == moment


HEADERS = [("date", "time"), ("дата", "время"), ("تاریخ", "ساعت"), ("التاريخ", "الوقت"), ("Order Date", "Start Time")]


@pytest.mark.parametrize(("day", "clock"), HEADERS)
@pytest.mark.parametrize("turned", [False, True])
def test_two_columns_are_recognised_and_told(upload: Upload, day: str, clock: str, turned: bool) -> None:
    names = (clock, day) if turned else (day, clock)
    rows = [("2026-01-05", "09:30:00"), ("2026-01-06", "18:45:10")]
    lines = [",".join(["customer_id", *names, "event"])]
    lines += [",".join([f"c{n}", *(row[::-1] if turned else row), "visit"]) for n, row in enumerate(rows)]
    raw = upload("\n".join(lines) + "\n")
    found = recognise(raw)
    assert (found.table, found.clock, found.questions) == ("touchpoints", clock, ())
    told = [str(text) for text in found.problems]
    assert f'"{day}" and "{clock}" are read as one time: "2026-01-05 09:30:00" is 2026-01-05 09:30:00.' in told
    mapping = default_mapping(raw, Recognition.from_dict(found.to_dict()))
    assert mapping.clock == clock and clock not in mapping.attributes
    assert FileMapping.from_dict(mapping.to_dict()) == mapping
    table = read_touchpoints(raw, mapping).to_table()
    assert table["occurred_at"].to_pylist() == [datetime(2026, 1, 5, 9, 30), datetime(2026, 1, 6, 18, 45, 10)]
    assert clock not in table.schema.names


LOG = "customer_id,date,time,event\na,2026-01-05,09:30,visit\nb,2026-01-05,,visit\nc,2026-01-05,later,buy\nd,2026-01-05,00:00,buy\n"


def test_a_contact_without_a_time_of_day_is_set_aside(upload: Upload) -> None:
    raw = upload(LOG + "".join(f"e{n},2026-01-05,10:00,visit\n" for n in range(40)))
    typed = read(raw)
    assert typed.to_table()["occurred_at"].to_pylist()[:2] == [datetime(2026, 1, 5, 9, 30), datetime(2026, 1, 5)]
    assert [(str(r.reason), r.column, [(p.row, p.found) for p in r.rows]) for r in typed.report.reasons] == [
        ("The time of day is missing.", "time", [(3, "")]),
        ("The time of day is not written as 14:05 or 2:05 PM.", "time", [(4, "later")]),
    ]
    assert typed.report.rows == typed.report.loaded + typed.report.set_aside == 44


def test_an_answer_without_a_time_of_day_keeps_its_date_and_is_reported(upload: Upload) -> None:
    raw = upload("id,date,time,nps\n1,2026-01-05,09:30,9\n2,2026-01-06,,10\n3,2026-01-07,?,3\n4,,10:00,3\n")
    columns = {"response_id": "id", "answered_at": "date", "score": "nps"}
    typed = read_surveys(raw, FileMapping("surveys", columns, survey_type="nps", clock="time"))
    assert typed.to_table()["answered_at"].to_pylist() == [
        datetime(2026, 1, 5, 9, 30),
        datetime(2026, 1, 6),
        datetime(2026, 1, 7),
        None,
    ]
    assert [(str(r.reason), [p.row for p in r.rows]) for r in typed.report.flagged] == [
        ("The time of day is missing.", [3]),
        ("The time of day is not written as 14:05 or 2:05 PM.", [4]),
    ]
    assert any("its date counts alone" in str(note) for note in typed.report.notes)


def test_a_date_with_a_time_of_its_own_is_not_joined(upload: Upload) -> None:
    raw = upload("customer_id,date,time,event\na,2026-01-05 08:00,09:30,visit\nb,2026-01-05 09:00,10:30,visit\n")
    found = recognise(raw)
    assert (found.clock, found.questions) == (None, ())
    by_hand = FileMapping(
        "touchpoints", {"customer_id": "customer_id", "occurred_at": "date", "touchpoint": "event"}, clock="time"
    )
    typed = read_touchpoints(raw, by_hand)
    assert typed.to_table().num_rows == 0
    assert "another column holds the time of day too" in str(typed.report.reasons[0].reason)


@pytest.mark.parametrize(
    ("header", "values", "chosen"),
    [
        ("slot", ("09:30", "10:15"), ""),  # times of day, but no name says so
        ("time", ("0930", "1015"), "time"),  # the name says so, the values may be numbers
    ],
)
def test_where_it_is_doubtful_it_is_asked(upload: Upload, header: str, values: tuple[str, str], chosen: str) -> None:
    raw = upload(f"customer_id,date,{header},event\na,2026-01-05,{values[0]},visit\nb,2026-01-06,{values[1]},visit\n")
    found = recognise(raw)
    (question,) = [q for q in found.questions if q.key == "clock"]
    assert question.chosen == chosen
    assert str(question.text) == 'Which column is the time of day of "date"?'
    mapping = default_mapping(raw, found)
    yes, no = answered(mapping, question, header), answered(mapping, question, "")
    assert (yes.clock, header in yes.attributes) == (header, False)
    assert (no.clock, header in no.attributes) == (None, True)
    assert answered(no, question, header) == yes
    assert read_touchpoints(raw, yes).to_table()["occurred_at"].to_pylist()[0] == datetime(2026, 1, 5, 9, 30)
    assert read_touchpoints(raw, no).to_table()["occurred_at"].to_pylist()[0] == datetime(2026, 1, 5)


def test_of_two_columns_a_person_chooses(upload: Upload) -> None:
    raw = upload(
        "customer_id,date,start time,end,event\na,2026-01-05,09:30,10:00,visit\nb,2026-01-05,10:30,11:00,visit\n"
    )
    (question,) = recognise(raw).questions
    assert ([option.value for option in question.options], question.chosen) == (["start time", "end", ""], "start time")


def test_a_duration_is_no_time_of_day(upload: Upload) -> None:
    raw = upload("customer_id,date,time,event\na,2026-01-05,26:30:00,visit\nb,2026-01-05,31:00:00,visit\n")
    assert (recognise(raw).clock, recognise(raw).questions) == (None, ())


def test_a_time_of_day_without_its_date_is_refused(upload: Upload) -> None:
    raw = upload("customer_id,date,time,event\na,2026-01-05,09:30,visit\n")
    mapping = FileMapping("touchpoints", {"customer_id": "customer_id", "touchpoint": "event"}, clock="time")
    with pytest.raises(MappingProblem, match="no column is the date that it belongs to"):
        check_mapping(raw, mapping)


@pytest.mark.skipif("TOUCHLINE_TEST_DATA" not in os.environ, reason="TOUCHLINE_TEST_DATA is not set")
def test_a_persian_log_is_read_to_the_second() -> None:
    """The same rows of simple_shop, one file with Jalali dates and Persian clocks, the other with times since the first."""
    root = Path(os.environ["TOUCHLINE_TEST_DATA"])
    path = root / "encodings/persian_digits_jalali_dates_utf8bom.csv"
    persian = read(open_raw(path, path.name)).to_table()["occurred_at"].to_pylist()
    path = root / "simple_shop/simple-onlineshop.csv.gz"
    whole = read(open_raw(path, path.name)).to_table()["occurred_at"].to_pylist()[:2000]
    assert persian == [moment.replace(microsecond=0) for moment in whole]


def test_many_rows_are_read_as_few_are() -> None:
    begin = datetime(2026, 1, 1)
    moments = [begin + timedelta(seconds=37 * n) for n in range(200_000)]
    clocks = pa.array([f"{moment:%H:%M:%S}" for moment in moments])
    found = read_day_and_clock(pa.array([f"{moment:%Y-%m-%d}" for moment in moments]), clocks, "iso", 2027)
    assert pc.all(pc.equal(found.times.values, pa.array(moments, pa.timestamp("us")))).as_py()
    assert read_clocks(clocks).good.all()
