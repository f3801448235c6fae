"""Answers → surveys: missing and invalid answers are loaded and counted, never lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from cx_metrics.reading import FileMapping, NameMapping, Report, read_surveys
from cx_metrics.tables import SURVEYS

from .conftest import Upload, read

NPS = FileMapping("surveys", {"score": "score"}, survey_type="nps")


def statuses(upload: Upload, scores: list[str], mapping: FileMapping = NPS) -> tuple[list[tuple[float, str]], Report]:
    raw = upload("who;score\n" + "".join(f"x;{score}\n" for score in scores))
    typed = read_surveys(raw, mapping)
    table = typed.to_table()
    return list(zip(table["score"].to_pylist(), table["score_status"].to_pylist(), strict=True)), typed.report


def test_invalid_answers_are_loaded_and_listed_with_their_rows(upload: Upload) -> None:
    found, report = statuses(upload, ["10", "0", "", "11", "-1", "7.5", "inf", "NaN", "nine", "8.0", " 9 "])
    assert found == [
        (10.0, "valid"),
        (0.0, "valid"),
        (None, "missing"),
        (11.0, "invalid"),
        (-1.0, "invalid"),
        (7.5, "invalid"),
        (None, "invalid"),
        (None, "invalid"),
        (None, "invalid"),
        (8.0, "valid"),
        (9.0, "valid"),
    ]
    assert (report.rows, report.loaded, report.set_aside) == (11, 11, 0)
    assert [(p.row, p.found) for p in report.flagged[0].rows] == [
        (5, "11"), (6, "-1"), (7, "7.5"), (8, "inf"), (9, "NaN"), (10, "nine"),
    ]  # fmt: skip
    assert [str(note) for note in report.notes] == [
        '6 answers in "score" are not on their scale and count as invalid (first: 11 in row 5, on a scale from 0 to 10).'
    ]


@pytest.mark.parametrize(
    ("survey_type", "low", "high", "score", "status"),
    [
        ("csat", None, None, "5", "valid"),
        ("csat", None, None, "6", "invalid"),
        ("csat", None, None, "0", "invalid"),
        ("csat", 1.0, 7.0, "6", "valid"),
        ("csat", None, None, "4.5", "valid"),
        ("ces", None, None, "7", "valid"),
        ("ces", 1.0, 5.0, "7", "invalid"),
        ("rating", None, None, "1000", "valid"),
        ("rating", 1.0, 10.0, "11", "invalid"),
    ],
)
def test_scale_decides_what_is_valid(
    upload: Upload, survey_type: str, low: float | None, high: float | None, score: str, status: str
) -> None:
    mapping = FileMapping("surveys", {"score": "score"}, survey_type=survey_type, scale_low=low, scale_high=high)
    assert statuses(upload, [score], mapping)[0][0][1] == status


def test_scores_with_a_decimal_comma_or_persian_digits_are_numbers(upload: Upload) -> None:
    mapping = FileMapping("surveys", {"score": "score"}, survey_type="csat", decimal_comma=True)
    assert statuses(upload, ["5,0", "۴"], mapping)[0] == [(5.0, "valid"), (4.0, "valid")]


def test_columns_that_no_file_has_are_filled_as_said(upload: Upload) -> None:
    raw = upload("how was it\n5\n4\n", "wave 1.csv")
    typed = read_surveys(raw, FileMapping("surveys", {"score": "how was it"}, survey_type="csat"))
    table = typed.to_table()
    assert table.schema.names == list(SURVEYS.names)
    first = table.to_pylist()[0]
    filled = {name: value for name, value in first.items() if value is not None}
    assert filled == {
        "response_id": "wave 1.csv:2",
        "question": "how was it",
        "survey_type": "csat",
        "scale_low": 1.0,
        "scale_high": 5.0,
        "higher_is_better": True,
        "score": 5.0,
        "score_status": "valid",
        "source": "wave 1.csv",
        "weight": 1.0,
    }


def test_reviews_with_score_and_words_are_one_answer_each(upload: Upload) -> None:
    raw = upload(
        "review_id,customer_id,order_id,review_score,title,message,review_creation_date,review_answer_timestamp,customer_state\n"
        "r1,c1,o1,3,Ok,It came late,2018-06-12,2018-06-18 02:48:33,SP\n"
        "r2,c2,o2,,,,2018-06-13,,RJ\n"
    )
    first, second = read(raw).to_table().to_pylist()
    assert (first["survey_type"], first["scale_low"], first["scale_high"], first["score"]) == ("csat", 1.0, 5.0, 3.0)
    assert (first["comment"], first["title"], first["answered_at"]) == (
        "It came late",
        "Ok",
        datetime(2018, 6, 18, 2, 48, 33),
    )
    assert (first["case_id"], first["region"], first["customer_id"]) == ("o1", "SP", "c1")
    assert (second["score_status"], second["answered_at"], second["comment"]) == ("missing", None, None)


def test_kinds_and_scales_may_differ_from_row_to_row(upload: Upload) -> None:
    raw = upload(
        "response_id,survey_type,scale_low,scale_high,higher_is_better,score\n"
        "r1,nps,0,10,true,11\nr2,ces,1,5,false,5\nr3,CSAT,,,,5\nr4,other,,,perhaps,7\n"
    )
    typed = read(raw, "surveys")
    rows = typed.to_table().to_pylist()
    assert [row["survey_type"] for row in rows] == ["nps", "ces", "csat", "rating"]
    assert [(row["scale_low"], row["scale_high"]) for row in rows] == [(0, 10), (1, 5), (1, 5), (None, None)]
    assert [row["higher_is_better"] for row in rows] == [True, False, True, True]
    assert [row["score_status"] for row in rows] == ["invalid", "valid", "valid", "valid"]
    assert len(typed.report.flagged) == 3


def test_words_without_a_score_are_a_text_answer(upload: Upload) -> None:
    rows = read(upload("comment,date\nfine,2026-01-01\n ,2026-01-02\n")).to_table().to_pylist()
    assert [(row["survey_type"], row["score_status"], row["comment"]) for row in rows] == [
        ("text", "valid", "fine"),
        ("text", "missing", None),
    ]


def test_unreadable_time_sets_the_answer_aside_and_a_blank_one_does_not(upload: Upload) -> None:
    typed = read(upload("respondent id,date,nps\na,2026-01-01,9\nb,,9\nc,soon,9\nd,1899-12-31,9\ne,2026-01-02,9\n"))
    assert typed.to_table()["response_id"].to_pylist() == ["a", "b", "e"]
    assert typed.report.set_aside == 2


def test_weights_are_numbers_from_zero_up_and_one_where_blank(upload: Upload) -> None:
    typed = read(upload("respondent id,nps,weight\na,9,0.5\nb,9,\nc,9,-1\nd,9,0\ne,9,heavy\nf,9,1\n"))
    assert typed.to_table()["weight"].to_pylist() == [0.5, 1.0, 0.0, 1.0]
    assert typed.report.set_aside == 2
    assert "1 answer had no weight and counts 1." in [str(note) for note in typed.report.notes]


def test_answer_without_an_id_is_named_after_its_row(upload: Upload) -> None:
    typed = read(upload("respondent id,nps,date\na,9,2026-01-01\n,8,2026-01-01\n", "w.csv"))
    assert typed.to_table()["response_id"].to_pylist() == ["a", "w.csv:3"]
    assert "1 answer had no id and was named after its row." in [str(note) for note in typed.report.notes]


def test_answers_about_touchpoints_take_the_mapped_names(upload: Upload) -> None:
    raw = upload("respondent id,touchpoint,nps\na,checkout,9\nb,hotel,8\nc,,7\n")
    mapping = FileMapping(
        "surveys", {"response_id": "respondent id", "touchpoint": "touchpoint", "score": "nps"}, survey_type="nps"
    )
    rows = read_surveys(raw, mapping, {"checkout": NameMapping("checkout", touchpoint="Till")}).to_table().to_pylist()
    assert [(row["touchpoint"], row["stage"]) for row in rows] == [("Till", "action"), ("hotel", None), (None, None)]


def test_a_year_in_the_name_of_a_file_without_dates_is_its_wave(upload: Upload) -> None:
    def waves(name: str) -> tuple[list[str | None], Report]:
        typed = read_surveys(upload("who;score\nx;9\ny;2\n", name), NPS)
        return typed.to_table()["wave"].to_pylist(), typed.report

    found, report = waves("Passengers_2017.csv")
    assert found == ["2017", "2017"]
    assert any('the wave "2017"' in str(note) for note in report.notes)
    for name in ("Passengers.csv", "2016 against 2017.csv", "Order 120175.csv"):
        assert waves(name)[0] == [None, None]


def test_answers_with_a_date_have_no_wave_of_their_files_name(upload: Upload) -> None:
    dated = replace(NPS, columns={"score": "score", "answered_at": "day"})
    typed = read_surveys(upload("day;score\n2016-05-02;9\n", "Passengers_2017.csv"), dated)
    assert typed.to_table()["wave"].to_pylist() == [None]
