"""Real exports, read as they are recognised, against the counts that their README files state."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from cx_metrics.errors import FileProblem, MappingProblem
from cx_metrics.reading import FileMapping, Report, default_mapping, open_raw, propose_goal, recognise

from .conftest import READERS, read

TestData = Callable[[str], Path]


def load(path: Path) -> tuple[pa.Table, Report]:
    typed = read(open_raw(path, path.name))
    return typed.to_table(), typed.report


def counts(table: pa.Table, column: str) -> dict[str, int]:
    return {pair["values"]: pair["counts"] for pair in table[column].value_counts().to_pylist()}


def test_olist_touchpoints(test_data: TestData) -> None:
    table, report = load(test_data("olist_journey/touchpoints.csv.gz"))
    assert (report.rows, report.set_aside) == (23_803, 0)
    assert pc.count_distinct(table["customer_id"]).as_py() == 3_998
    assert round(pc.sum(table["value"]).as_py(), 2) == 549_545.09
    orders = {"purchase": 4000, "payment_approved": 3994, "handed_to_carrier": 3939, "delivered": 3898}
    pairs = table.group_by(["touchpoint", "case_id"]).aggregate([])
    assert {name: counts(pairs, "touchpoint")[name] for name in orders} == orders
    assert counts(table, "touchpoint")["survey_sent"] == 3986
    assert propose_goal(counts(table, "touchpoint")) == ("purchase",)
    assert {"region", "payment_type"} <= set(table.schema.names)
    assert table["stage"].null_count == 0


def test_olist_survey(test_data: TestData) -> None:
    table, report = load(test_data("olist_journey/survey.csv.gz"))
    assert (report.rows, report.set_aside) == (3_986, 0)
    means = table.group_by("region").aggregate([("score", "mean"), ("score", "count")]).to_pylist()
    found = {row["region"]: (round(row["score_mean"], 3), row["score_count"]) for row in means}
    assert found["SP"] == (4.201, 1710)
    assert found["RS"] == (4.185, 195)
    assert set(counts(table, "survey_type")) == {"csat"}
    assert "review_comment_title" in table.schema.names


def test_simple_shop(test_data: TestData) -> None:
    table, report = load(test_data("simple_shop/simple-onlineshop.csv.gz"))
    assert (report.rows, report.loaded) == (32_283, 32_283)
    people = table.group_by(["customer_id", "touchpoint"]).aggregate([])
    assert counts(people, "touchpoint")["catalog"] == 3611
    assert counts(people, "touchpoint")["payment_done"] == 653
    assert propose_goal(counts(table, "touchpoint")) == ("payment_done",)
    assert table["occurred_at"][0].as_py().microsecond == 273932


def test_sepsis_keeps_the_patient_called_na(test_data: TestData) -> None:
    table, _ = load(test_data("sepsis/sepsis.csv.gz"))
    assert table.num_rows == 15_214
    patients = counts(table, "customer_id")
    assert (len(patients), patients["NA"]) == (1050, 24)


def test_numeric_event_names_stay_names(test_data: TestData) -> None:
    table, _ = load(test_data("helpdesk_tickets/helpdesk.csv"))
    assert (table.num_rows, len(counts(table, "customer_id"))) == (13_710, 3_804)
    assert set(counts(table, "touchpoint")) == set("123456789")


def test_airport_survey_counts_answers_off_the_scale_as_invalid(test_data: TestData) -> None:
    table, report = load(test_data("sfo_survey/2017_SFO_Customer_Survey.csv.gz"))
    valid = table.filter(pc.equal(table["score_status"], "valid"))
    scores = valid["score"].to_numpy()
    assert (len(scores), int((scores >= 9).sum()), int((scores <= 6).sum())) == (2746, 1436, 342)
    assert counts(table, "score_status")["invalid"] == 84
    assert counts(table, "survey_type") == {"nps": report.rows}
    assert len(report.flagged[0].rows) == 84


def test_ticket_export_with_blank_scores(test_data: TestData) -> None:
    table, report = load(test_data("support_tickets_synthetic/customer_support_tickets.csv"))
    assert report.rows == 1000
    assert counts(table, "score_status") == {"valid": 428, "missing": 572}
    assert round(pc.mean(table["score"]).as_py(), 4) == 3.6963
    assert table["customer_id"].null_count == 1000


def test_sample_data_blemishes_are_all_found() -> None:
    folder = Path(__file__).parents[2] / "sample_data"
    reports = {
        name: load(folder / name)[1] for name in ("touchpoints.csv.gz", "surveys.csv", "spend.csv", "changes.csv")
    }
    touchpoints = reports["touchpoints.csv.gz"]
    assert (touchpoints.rows, touchpoints.set_aside) == (198_054, 12)
    assert sorted(group.count for group in touchpoints.reasons) == [5, 7]
    assert [group.count for group in reports["surveys.csv"].flagged] == [9]
    assert (reports["spend.csv"].loaded, reports["changes.csv"].loaded) == (430, 5)


def test_arabic_file_reads_as_its_check_column_says(test_data: TestData) -> None:
    table, report = load(test_data("encodings/arabic_indic_digits_am_pm_arabic.csv"))
    assert (report.rows, report.set_aside) == (2000, 0)
    shown = pc.strftime(table["occurred_at"], "%Y-%m-%dT%H:%M:%S").to_pylist()
    assert [text[:19] for text in shown] == table["iso_check"].to_pylist()


def test_two_hundred_thousand_rows_in_three_seconds(test_data: TestData) -> None:
    """The limit is generous: on an idle machine it takes one second."""
    started = time.perf_counter()
    load(Path(__file__).parents[2] / "sample_data" / "touchpoints.csv.gz")
    assert time.perf_counter() - started < 6


@pytest.mark.parametrize("folder", ["dirty_csv", "formats", "encodings"])
def test_no_file_crashes_and_no_row_is_lost(test_data: TestData, folder: str) -> None:
    """Everything in the collections of broken files ends as typed rows, rows set aside, or a message."""
    paths = [path for path in sorted(test_data(folder).rglob("*.*")) if path.stat().st_size < 300_000]
    opened = 0
    for path in paths:
        try:
            raw = open_raw(path, path.name)
        except FileProblem as refused:
            assert len(str(refused)) < 1000
            continue
        opened += 1
        try:
            mapping = default_mapping(raw, recognise(raw))
        except MappingProblem as unclear:
            assert len(str(unclear)) < 2500
            mapping = FileMapping("customers", {"customer_id": raw.header[0]}, raw.header[1:])
        typed = READERS[mapping.table](raw, mapping)
        loaded = typed.to_table().num_rows
        assert typed.report.rows == typed.report.loaded + typed.report.set_aside
        assert typed.report.loaded == loaded
    assert opened > 3
