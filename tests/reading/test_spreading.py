"""Wide files: a row of the file becomes several records, and every cell is accounted for."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_metrics.errors import MappingProblem
from cx_metrics.reading import (
    FileMapping,
    Kind,
    KindsBy,
    Report,
    Spread,
    SpreadColumn,
    check_mapping,
    open_raw,
    read_spend,
    read_surveys,
    read_touchpoints,
)

from .conftest import Upload

ORDERS = """order,who,bought_at,delivered_at
1,a,2026-01-01 10:00,2026-01-03 09:00
2,b,2026-01-02 10:00,
3,c,2026-01-02 11:00,soon
"""
TIMES = Spread("times", (SpreadColumn("bought_at", "bought"), SpreadColumn("delivered_at", "delivered")))


def test_each_time_of_an_order_is_a_touchpoint_and_a_blank_one_did_not_happen(upload: Upload) -> None:
    typed = read_touchpoints(
        upload(ORDERS), FileMapping("touchpoints", {"customer_id": "who", "case_id": "order"}, spread=TIMES)
    )
    table = typed.to_table()
    assert [(r["customer_id"], r["touchpoint"], r["case_id"], r["sequence"]) for r in table.to_pylist()] == [
        ("a", "bought", "1", 0),
        ("a", "delivered", "1", 1),
        ("b", "bought", "2", 2),
        ("c", "bought", "3", 3),
    ]
    report = typed.report
    assert (report.rows, report.loaded, report.set_aside) == (5, 4, 1)
    assert (report.file_rows, report.empty_cells) == (3, 1)
    problem = report.reasons[0].rows[0]
    assert (problem.row, problem.column, problem.found) == (4, "delivered_at", "soon")
    assert [str(note) for note in report.notes][:2] == [
        "3 rows of the file hold the 5 records that are counted here.",
        "1 cell of the columns that were spread was empty and made no record.",
    ]
    assert Report.from_dict(report.to_dict()) == report


def test_a_column_may_name_the_touchpoint_of_its_time(upload: Upload) -> None:
    raw = upload("who,t1,p1,t2,p2\na,2026-01-01,/home,2026-01-02,\n")
    columns = (SpreadColumn("t1", "page", name_from="p1"), SpreadColumn("t2", "page", name_from="p2"))
    mapping = FileMapping("touchpoints", {"customer_id": "who"}, spread=Spread("times", columns))
    assert read_touchpoints(raw, mapping).to_table()["touchpoint"].to_pylist() == ["/home", "page"]


SURVEY = """id,nps,ease,food,why,likes,by mail
r1,9,Very easy,5,Fast,price; speed,yes
r2,11,N/A,6,,,no
r3,,Difficult,0,Late,price,
"""
QUESTIONS = Spread(
    "answers",
    (
        SpreadColumn("nps", "Would you recommend us?", kind=Kind("nps", no_answer=("11",))),
        SpreadColumn("ease", kind=Kind("ces", 1, 5, True, ("n/a",), {"very easy": 5, "difficult": 2})),
        SpreadColumn("food", kind=Kind("csat", 1, 5, True, ("0", "6")), touchpoint="restaurant"),
        SpreadColumn("why", role="text"),
        SpreadColumn("likes", role="choice", parted_by=";"),
        SpreadColumn("by mail", "News", role="option", option="mail"),
    ),
)


def test_each_question_of_a_survey_is_an_answer_on_its_own_scale(upload: Upload) -> None:
    typed = read_surveys(upload(SURVEY), FileMapping("surveys", {"response_id": "id"}, spread=QUESTIONS))
    found = [
        (r["response_id"], r["question"], r["survey_type"], r["score"], r["score_status"], r["comment"])
        for r in typed.to_table().to_pylist()
    ]
    assert found == [
        ("r1", "Would you recommend us?", "nps", 9.0, "valid", None),
        ("r1", "ease", "ces", 5.0, "valid", None),
        ("r1", "food", "csat", 5.0, "valid", None),
        ("r1", "why", "text", None, "valid", "Fast"),
        ("r1", "likes", "choice", None, "valid", "price"),
        ("r1", "likes", "choice", None, "valid", "speed"),
        ("r1", "News", "choice", None, "valid", "mail"),
        ("r2", "Would you recommend us?", "nps", None, "missing", None),
        ("r2", "ease", "ces", None, "missing", None),
        ("r2", "food", "csat", None, "missing", None),
        ("r3", "Would you recommend us?", "nps", None, "missing", None),
        ("r3", "ease", "ces", 2.0, "valid", None),
        ("r3", "food", "csat", None, "missing", None),
        ("r3", "why", "text", None, "valid", "Late"),
        ("r3", "likes", "choice", None, "valid", "price"),
    ]
    assert (typed.report.rows, typed.report.file_rows, typed.report.empty_cells) == (15, 3, 4)
    notes = " ".join(map(str, typed.report.notes))
    assert "1 answer means that nothing was answered (11) and counts as missing." in notes
    assert "2 answers were given in words and read as numbers: very easy = 5, difficult = 2." in notes


def test_scales_and_what_an_answer_is_about_are_those_of_its_column(upload: Upload) -> None:
    table = read_surveys(upload(SURVEY), FileMapping("surveys", {"response_id": "id"}, spread=QUESTIONS)).to_table()
    by_question = {r["question"]: r for r in table.to_pylist()}
    assert (by_question["food"]["scale_low"], by_question["food"]["scale_high"]) == (1, 5)
    assert by_question["Would you recommend us?"]["scale_high"] == 10
    assert (by_question["food"]["touchpoint"], by_question["ease"]["touchpoint"]) == ("restaurant", None)


def test_an_invalid_answer_names_the_row_and_the_column_of_the_file(upload: Upload) -> None:
    columns = (SpreadColumn("q1", kind=Kind("csat", 1, 5)), SpreadColumn("q2", kind=Kind("csat", 1, 5)))
    typed = read_surveys(
        upload("q1,q2\n1,2\n3,9\n8,9\n"), FileMapping("surveys", {}, spread=Spread("answers", columns))
    )
    typed.to_table()
    found = [(group.column, [(p.row, p.found) for p in group.rows]) for group in typed.report.flagged]
    assert sorted(found) == [("q1", [(4, "8")]), ("q2", [(3, "9"), (4, "9")])]


def test_a_budget_with_a_column_for_each_month(upload: Upload) -> None:
    raw = upload("channel;Jan;Feb\nTV;100,5;\nRadio;20;lots\n")
    spread = Spread("costs_by_period", (SpreadColumn("Jan", "2026-01"), SpreadColumn("Feb", "2026-02")))
    typed = read_spend(raw, FileMapping("spend", {"channel": "channel"}, decimal_comma=True, spread=spread))
    found = [
        (r["channel"], str(r["period_start"]), str(r["period_end"]), r["cost"]) for r in typed.to_table().to_pylist()
    ]
    assert found == [("TV", "2026-01-01", "2026-02-01", 100.5), ("Radio", "2026-01-01", "2026-02-01", 20.0)]
    assert (typed.report.rows, typed.report.set_aside, typed.report.empty_cells) == (3, 1, 1)
    assert typed.report.reasons[0].rows[0].column == "Feb"


def test_a_budget_with_a_column_for_each_channel(upload: Upload) -> None:
    raw = upload("week,TV,Radio\n2026-01-05,10,1\n2026-01-12,20,2\n")
    spread = Spread("costs_by_channel", (SpreadColumn("TV"), SpreadColumn("Radio", "radio ads")))
    table = read_spend(raw, FileMapping("spend", {"period_start": "week"}, spread=spread)).to_table()
    found = [(r["channel"], str(r["period_end"]), r["cost"]) for r in table.to_pylist()]
    assert found == [
        ("TV", "2026-01-12", 10.0),
        ("radio ads", "2026-01-12", 1.0),
        ("TV", "2026-01-19", 20.0),
        ("radio ads", "2026-01-19", 2.0),
    ]


def test_rows_are_left_out_by_their_values_and_each_value_is_a_reason(upload: Upload) -> None:
    raw = upload("score;Status\n5;IP Address\n1;Survey Preview\n2; survey preview \n3;\n4;Survey Test\n")
    mapping = FileMapping(
        "surveys", {"score": "score"}, leave_out={"Status": ("Survey Preview", "Survey Test", "")}, survey_type="csat"
    )
    typed = read_surveys(raw, mapping)
    assert typed.to_table()["score"].to_pylist() == [5.0]
    assert (typed.report.rows, typed.report.loaded, typed.report.set_aside, typed.report.file_rows) == (5, 1, 4, 5)
    assert [str(group.counted) for group in typed.report.reasons] == [
        '2 rows were set aside: left out: "Status" is "Survey Preview" (first: row 3)',
        '1 row was set aside: left out: "Status" is "Survey Test" (row 6)',
        '1 row was set aside: left out: "Status" is blank (row 5)',
    ]


def test_two_surveys_in_one_column_of_ratings_have_their_own_scales(upload: Upload) -> None:
    raw = upload("survey,rating\nNPS,9\nSupport,2\nSupport,3\nOther,4\n")
    kinds = {"nps": Kind("nps", 0, 10), "support": Kind("csat", 0, 2)}
    mapping = FileMapping(
        "surveys", {"score": "rating", "source": "survey"}, survey_type="rating", kinds_by=KindsBy("survey", kinds)
    )
    table = read_surveys(raw, mapping).to_table().to_pylist()
    assert [(r["survey_type"], r["scale_high"], r["score_status"]) for r in table] == [
        ("nps", 10, "valid"),
        ("csat", 2, "valid"),
        ("csat", 2, "invalid"),
        ("rating", None, "valid"),
    ]


@pytest.mark.parametrize(
    ("table", "columns", "spread", "says"),
    [
        ("surveys", {}, TIMES, "makes touchpoints, not survey answers"),
        ("touchpoints", {"touchpoint": "order"}, TIMES, '"touchpoint" is filled by spreading'),
        ("touchpoints", {}, Spread("times", ()), "No column is named"),
        ("spend", {}, Spread("costs_by_period", (SpreadColumn("bought_at", "May"),)), '"May" is no period'),
        ("surveys", {}, Spread("answers", (SpreadColumn("who", role="scores"),)), 'Did you mean "score"?'),
        ("surveys", {}, Spread("answers", (SpreadColumn("who"), SpreadColumn("who"))), "spread twice"),
        ("surveys", {}, Spread("answers", (SpreadColumn("who", kind=Kind("nbs")),)), 'Did you mean "nps"?'),
        ("touchpoints", {}, Spread("times", (SpreadColumn("sent_at"),)), 'no column "sent_at"'),
    ],
)
def test_a_spread_that_cannot_be_is_refused(
    upload: Upload, table: str, columns: dict[str, str], spread: Spread, says: str
) -> None:
    with pytest.raises(MappingProblem, match=says):
        check_mapping(upload(ORDERS), FileMapping(table, columns, spread=spread))


CELLS = st.one_of(st.just(""), st.integers(0, 12).map(str), st.sampled_from(["N/A", "many words", " 5 "]))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=30))
def test_spreading_loses_nothing_and_grouping_gives_the_table_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["id", "out", "a", "b", "c"])
    for number, cells in enumerate(rows):
        writer.writerow([f"r{number}", str(number % 4), *cells])
    path = tmp_path_factory.mktemp("wide") / "file"
    path.write_text(out.getvalue())
    columns = (SpreadColumn("a", role="text"), SpreadColumn("b", role="text"), SpreadColumn("c"))
    mapping = FileMapping(
        "surveys", {"response_id": "id"}, leave_out={"out": ("3",)}, spread=Spread("answers", columns)
    )
    typed = read_surveys(open_raw(Path(path), "wide.csv"), mapping)
    table, report = typed.to_table(), typed.report
    left = sum(number % 4 == 3 for number in range(len(rows)))
    assert report.rows == report.loaded + report.set_aside
    assert (report.file_rows, report.set_aside) == (len(rows), left)
    assert 3 * (report.file_rows - left) == report.loaded + report.empty_cells
    again: dict[str, dict[str, str]] = {}
    for row in table.to_pylist():
        score = None if row["score"] is None else f"{row['score']:g}"
        again.setdefault(row["response_id"], {})[row["question"]] = row["comment"] or score or ""
    for number, (a, b, c) in enumerate(rows):
        if number % 4 == 3:
            assert f"r{number}" not in again
            continue
        number_only = c.strip() if c.strip().isdigit() else ""
        wanted = {"a": a.strip(), "b": b.strip(), "c": number_only}
        assert {name: again[f"r{number}"].get(name, "") for name in wanted} == wanted


def test_many_columns_are_read_in_parts_and_in_order(upload: Upload) -> None:
    header = ",".join(f"q{n}" for n in range(100))
    raw = upload("id," + header + "\n" + "".join(f"{i}," + ",".join(["5"] * 100) + "\n" for i in range(1500)))
    spread = Spread("answers", tuple(SpreadColumn(f"q{n}") for n in range(100)))
    typed = read_surveys(raw, FileMapping("surveys", {"response_id": "id"}, spread=spread))
    batches = list(typed.batches)
    assert max(batch.num_rows for batch in batches) <= 65_536
    table = pa.Table.from_batches(batches)
    assert table.num_rows == 150_000
    assert table["response_id"].to_pylist()[::100] == [str(i) for i in range(1500)]
    assert table["question"].to_pylist()[:3] == ["q0", "q1", "q2"]
