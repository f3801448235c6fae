"""A log of contacts → touchpoints: nothing guessed, nothing lost, the user's own names on screen."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_metrics.errors import MappingProblem
from cx_metrics.reading import FileMapping, NameMapping, Report, open_raw, read_touchpoints
from cx_metrics.reading.typed import blank_to_null
from cx_metrics.tables import TOUCHPOINTS

from .conftest import Upload, read

HEADER = "customer_id,occurred_at,touchpoint"
MAPPING = FileMapping(
    "touchpoints", {"customer_id": "customer_id", "occurred_at": "occurred_at", "touchpoint": "touchpoint"}
)


def reasons(report: Report) -> dict[str, int]:
    return {str(group.reason): group.count for group in report.reasons}


def test_table_has_the_listed_columns_then_the_attributes(upload: Upload) -> None:
    raw = upload(f"{HEADER},region,plan,step\na,2026-01-01 10:00,visit,North,gold,7\n")
    table = read(raw).to_table()
    assert table.schema.names == [*TOUCHPOINTS.names, "region", "plan", "step_in_file"]
    assert table.schema.field("customer_id").type == "string"
    assert table.select(["region", "plan", "step_in_file"]).to_pylist() == [
        {"region": "North", "plan": "gold", "step_in_file": "7"}
    ]
    row = table.slice(0, 1).to_pylist()[0]
    assert row["occurred_at"] == datetime(2026, 1, 1, 10)
    assert (row["touchpoint"], row["raw_touchpoint"], row["sequence"], row["value"]) == ("visit", "visit", 0, None)


def test_rows_that_say_too_little_are_set_aside_for_the_first_thing_wrong(upload: Upload) -> None:
    raw = upload(
        HEADER
        + "\na,2026-01-01,visit"
        + "\n,2026-01-01,visit"
        + "\na,2026-01-01,  "
        + "\na,now,visit"
        + "\na,,visit"
        + "\na,1970-01-01,visit"
        + "\n,never,\na,2026-01-01\nb,2026-01-02,buy\n"
    )
    typed = read(raw)
    assert typed.to_table()["customer_id"].to_pylist() == ["a", "b"]
    report = typed.report
    assert (report.rows, report.loaded, report.set_aside) == (9, 2, 7)
    assert reasons(report) == {
        "The number of cells is not that of the header (3).": 1,
        "The customer is missing.": 2,
        "The touchpoint is missing.": 1,
        "The time is not an existing date written as year-month-day, as 2026-01-31 14:05.": 1,
        f"The year is not between 1990 and {datetime.now().year + 1}.": 1,
        "The time is missing.": 1,
    }
    unreadable = next(group for group in report.reasons if "not an existing date" in str(group.reason))
    assert [(p.row, p.column, p.found) for p in unreadable.rows] == [(5, "occurred_at", "now")]
    assert str(unreadable.counted).startswith("1 row was set aside: The time is not an existing date")


def test_ids_stay_text(upload: Upload) -> None:
    ids = ["00123", "NA", "null", "nan", "9007199254740993", "1.0"]
    raw = upload(HEADER + "\n" + "".join(f"{i},2026-01-01,visit\n" for i in ids))
    assert read(raw).to_table()["customer_id"].to_pylist() == ids


def test_words_for_now_are_never_a_time(upload: Upload) -> None:
    raw = upload(HEADER + "\na,2026-01-01,visit\nb,now,visit\nc,today,visit\nd,NOW(),visit\n")
    assert read(raw).to_table()["customer_id"].to_pylist() == ["a"]


def test_exact_duplicates_stay_for_the_engine(upload: Upload) -> None:
    typed = read(upload(HEADER + "\na,2026-01-01,visit\na,2026-01-01,visit\n"))
    assert typed.to_table()["sequence"].to_pylist() == [0, 1]
    assert typed.report.loaded == 2


def test_sequence_goes_on_over_batches_and_files(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cx_metrics.reading.batches.BLOCK", 500)
    monkeypatch.setattr("cx_metrics.reading.batches.BATCH", 500)
    raw = upload(HEADER + "\n" + "".join(f"c{i},2026-01-01,visit\n" for i in range(300)))
    typed = read_touchpoints(raw, MAPPING, sequence_start=2**40)
    batches = list(typed.batches)
    assert len(batches) > 3
    assert np.concatenate([b["sequence"] for b in batches]).tolist() == list(range(2**40, 2**40 + 300))


def test_file_without_times_is_ordered_by_its_order_number(upload: Upload) -> None:
    raw = upload("customer_id,event,step\na,buy,2\na,visit,1\nb,visit,1\nb,x,first\nb,y,\n")
    columns = {"customer_id": "customer_id", "touchpoint": "event", "sequence": "step"}
    typed = read_touchpoints(raw, FileMapping("touchpoints", columns))
    table = typed.to_table().sort_by([("customer_id", "ascending"), ("sequence", "ascending")])
    assert table["touchpoint"].to_pylist() == ["visit", "buy", "visit"]
    assert table["occurred_at"].null_count == 3
    assert len(set(table["sequence"].to_pylist())) == 3
    assert reasons(typed.report) == {"The order number is missing or not a whole number.": 2}
    assert "the order number says what came first" in str(typed.report.notes[0])


def test_file_in_no_order_is_read_in_file_order_and_says_so(upload: Upload) -> None:
    typed = read(upload("customer_id,event\na,visit\na,buy\n"))
    assert typed.to_table()["sequence"].to_pylist() == [0, 1]
    assert "its rows are taken to be in order" in str(typed.report.notes[0])


def test_offsets_are_turned_into_utc_and_naive_times_are_counted(upload: Upload) -> None:
    typed = read(upload(HEADER + "\na,2026-01-01T00:30:00+03:30,visit\na,2026-01-01 10:00,buy\n"))
    assert typed.to_table()["occurred_at"].to_pylist() == [datetime(2025, 12, 31, 21), datetime(2026, 1, 1, 10)]
    assert [str(note) for note in typed.report.notes] == ["1 time names no zone and was taken as UTC."]


def test_unreadable_optional_number_becomes_null_with_a_counted_note(upload: Upload) -> None:
    typed = read(
        upload(HEADER + ",value\na,2026-01-01,buy,5\nb,2026-01-01,buy,9.5\nc,2026-01-01,buy,free\n,2026-01-01,buy,x\n")
    )
    assert typed.to_table()["value"].to_pylist() == [5.0, 9.5, None]
    assert [str(note) for note in typed.report.notes] == [
        'In 1 row a value of "value" is no number and was left empty (first: free in row 4).'
    ]
    assert [(p.row, p.column, p.found) for p in typed.report.flagged[0].rows] == [(4, "value", "free")]


def test_decimal_comma_is_read_where_it_is_evident(upload: Upload) -> None:
    raw = upload("customer_id;date;event;value\na;31.01.2026;buy;1.234,50\na;01.02.2026;buy;5\n")
    table = read(raw).to_table()
    assert table["value"].to_pylist() == [1234.5, 5.0]
    assert table["occurred_at"].to_pylist() == [datetime(2026, 1, 31), datetime(2026, 2, 1)]


def test_shown_name_stays_the_users_and_the_dictionary_fills_empty_axes(upload: Upload) -> None:
    raw = upload(
        HEADER
        + ",channel,stage\na,2026-01-01,add_to_cart,,\na,2026-01-02,add_to_cart,app,Loyalty\na,2026-01-03,zzz,,my own\n"
    )
    rows = read(raw).to_table().to_pylist()
    assert [row["touchpoint"] for row in rows] == ["add_to_cart", "add_to_cart", "zzz"]
    assert [(row["channel"], row["stage"], row["phase"]) for row in rows] == [
        ("web", "decision", "during"),
        ("app", "loyalty", "during"),
        (None, "my own", None),
    ]


def test_what_the_user_maps_wins_over_file_and_dictionary(upload: Upload) -> None:
    raw = upload(HEADER + ",channel\na,2026-01-01,add_to_cart,app\n")
    mapping = FileMapping("touchpoints", {**MAPPING.columns, "channel": "channel"})
    names = {"add_to_cart": NameMapping("add_to_cart", touchpoint="Basket", channel="shop", stage="consideration")}
    row = read_touchpoints(raw, mapping, names).to_table().to_pylist()[0]
    assert (row["touchpoint"], row["raw_touchpoint"]) == ("Basket", "add_to_cart")
    assert (row["channel"], row["stage"], row["phase"]) == ("shop", "consideration", "during")


def test_unknown_type_or_phase_becomes_null_with_a_note(upload: Upload) -> None:
    raw = upload(
        HEADER
        + ",phase,touchpoint_type\na,2026-01-01,zzz,During,Digital\na,2026-01-02,zzz,later,digital\na,2026-01-03,zzz,,\n"
    )
    typed = read(raw)
    assert typed.to_table()["phase"].to_pylist() == ["during", None, None]
    assert "is none of before, during, after and was left empty (first: later in row 3)" in str(typed.report.notes[0])


def test_report_keeps_two_hundred_rows_a_reason_and_the_full_count(upload: Upload) -> None:
    typed = read(upload(HEADER + "\na,2026-01-01,visit\n" + ",2026-01-01,visit\n" * 5000 + "x\n" * 300))
    typed.to_table()
    assert typed.report.set_aside == 5300
    assert sorted((group.count, len(group.rows)) for group in typed.report.reasons) == [(300, 200), (5000, 200)]


def test_report_survives_json(upload: Upload) -> None:
    typed = read(
        upload(HEADER + ",value\na,2026-01-01 10:00,visit,x\nb,2026-01-01,visit,1\nb,2026-01-01,visit,1\n,,\n")
    )
    typed.to_table()
    kept = Report.from_dict(json.loads(json.dumps(typed.report.to_dict())))
    assert kept == typed.report
    assert [str(note) for note in kept.notes] == [str(note) for note in typed.report.notes]


def test_mapping_that_does_not_fit_the_file_is_refused_before_reading(upload: Upload) -> None:
    with pytest.raises(MappingProblem, match='has no column "occurred_at"'):
        read_touchpoints(upload("customer_id,touchpoint,when\na,b,c\n"), MAPPING)


WORDS = st.sampled_from(
    ["a", "b", "", " ", "NA", "now", "2026-01-01", "2026-13-01", "1970-01-01", "x\ny", 'q"q', "1,5"]
)


@settings(deadline=None, max_examples=100)
@given(rows=st.lists(st.lists(WORDS, min_size=1, max_size=5), max_size=20))
def test_rows_in_are_rows_loaded_and_rows_set_aside(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    path: Path = tmp_path_factory.mktemp("sum") / "file"
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    path.write_text("\n".join([HEADER, "a,2026-01-01,visit", *quoted]) + "\n")
    typed = read_touchpoints(open_raw(path, "file.csv"), MAPPING)
    table = typed.to_table()
    report = typed.report
    blank = sum(len(row) == 1 and not row[0].strip() for row in rows)
    assert report.rows == report.loaded + report.set_aside == len(rows) + 1 - blank
    assert report.loaded == table.num_rows
    assert sum(group.count for group in report.reasons) == report.set_aside
    assert table["customer_id"].null_count == table["touchpoint"].null_count == table["occurred_at"].null_count == 0


def test_times_without_a_zone_are_local_to_the_zone_of_the_mapping(upload: Upload) -> None:
    raw = upload(HEADER + "\na,2026-07-01 12:00,visit\na,2026-07-01,visit\n")
    typed = read_touchpoints(raw, FileMapping("touchpoints", MAPPING.columns, time_zone="Asia/Tehran"))
    assert typed.to_table()["occurred_at"].to_pylist() == [datetime(2026, 7, 1, 8, 30), datetime(2026, 6, 30, 20, 30)]
    assert [str(note) for note in typed.report.notes] == ["1 time names no zone and was taken as Asia/Tehran."]


@settings(deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(" \t\n\v\f\r\x1c\u00a0\u2009a", max_size=3)), max_size=6))
def test_blank_is_what_holds_nothing_but_the_five_signs_of_white_space(column: list[str | None]) -> None:
    said = [None if text is None or not text.strip(" \t\n\f\r") else text for text in column]
    assert blank_to_null(pa.array(column, pa.string())).to_pylist() == said
