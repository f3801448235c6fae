"""Exports of survey tools and help desks by their documented headers: from the bytes of an upload to typed answers."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cx_metrics.reading import FileMapping, Recognition, Report, default_mapping, open_upload, read_surveys, recognise

Rows = Sequence[Sequence[object]]


def load(folder: Path, rows: Rows, before: str = "") -> tuple[Recognition, FileMapping, list[dict[str, Any]], Report]:
    """Rows as an upload, what they are recognised as, the mapping, and the typed answers; no row is lost."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    (folder / "upload").write_text(before + out.getvalue(), encoding="utf-8")
    (folder / "made").mkdir()
    (plain,) = open_upload(folder / "upload", "export.csv", folder / "made")
    found = recognise(plain.raw)
    mapping = default_mapping(plain.raw, found)
    typed = read_surveys(plain.raw, mapping)
    answers = typed.to_table().to_pylist()
    assert typed.report.rows == typed.report.loaded + typed.report.set_aside == len(answers) + typed.report.set_aside
    return found, mapping, answers, typed.report


def scores(answers: list[dict[str, Any]], question: str) -> list[tuple[float | None, str]]:
    return [(row["score"], row["score_status"]) for row in answers if row["question"] == question]


def test_questionpro_begins_below_its_preamble(tmp_path: Path) -> None:
    """FORMATS.md: "Data Export Generated on ...", "Survey ID ...", "Survey Name ...", a blank line, and only then the header."""
    before = "Data Export Generated on 05/20/2025\nSurvey ID 1234567\nSurvey Name Store visit\n\n"
    likely, why = "How likely are you to recommend us to a friend?", "Why did you choose this score?"
    header = ["Response ID", "Timestamp (MM/dd/yyyy)", "Time Taken to Complete (Seconds)", "IP Address", likely, why]
    words = ["friendly people in the shop", "waited far too long for help", "it was all right, nothing special", ""]
    rows = [
        [n, f"05/{13 + n:02}/2025", 40 + n, "192.0.2.1", score, said]
        for n, (score, said) in enumerate(zip((10, 3, 7, 9), words, strict=True), 1)
    ]
    found, mapping, answers, _ = load(tmp_path, [header, *rows], before)
    assert (found.preset, found.table, mapping.time_format) == ("questionpro_answers", "surveys", "month_first")
    assert scores(answers, likely) == [(10.0, "valid"), (3.0, "valid"), (7.0, "valid"), (9.0, "valid")]
    assert {row["survey_type"] for row in answers if row["question"] == likely} == {"nps"}
    assert [row["comment"] for row in answers if row["question"] == why] == words[:3]  # a blank text is no answer
    assert answers[0]["response_id"] == "1" and answers[0]["answered_at"] == datetime(2025, 5, 14)
    assert "IP Address" not in mapping.headers
    assert {row["question"] for row in answers} == {likely, why}  # the time that it took is no question


def test_medallia_scores_and_comments_are_answers_of_one_survey(tmp_path: Path) -> None:
    """FORMATS.md: one row per survey, Survey ID, Response Date, Likelihood to Recommend, OSAT, unit columns."""
    header = [
        "Survey ID",
        "Response Date",
        "Likelihood to Recommend",
        "OSAT",
        "Comments",
        "Unit Name",
        "Region",
        "Customer ID",
    ]
    said = [
        "quick and friendly service",
        "the room was not clean at all",
        "good value for the money",
        "will come again soon",
    ]
    rows = [
        [f"S{n}", f"2025-05-{10 + n}", likely, osat, comment, f"Unit {n % 2}", "North", f"C{n}"]
        for n, (likely, osat, comment) in enumerate(zip((10, 2, 8, 9), (10, 3, 8, 9), said, strict=True))
    ]
    found, _, answers, report = load(tmp_path, [header, *rows])
    assert (found.preset, found.table, report.file_rows) == ("medallia_answers", "surveys", 4)
    assert scores(answers, "Likelihood to Recommend") == [
        (10.0, "valid"),
        (2.0, "valid"),
        (8.0, "valid"),
        (9.0, "valid"),
    ]
    assert {r["survey_type"] for r in answers if r["question"] == "Likelihood to Recommend"} == {"nps"}
    assert [score for score, _ in scores(answers, "OSAT")] == [10.0, 3.0, 8.0, 9.0]
    assert {r["survey_type"] for r in answers if r["question"] == "OSAT"} <= {"csat", "rating"}
    assert [r["comment"] for r in answers if r["question"] == "Comments"] == said
    assert (answers[0]["customer_id"], answers[0]["region"], answers[0]["Unit Name"]) == ("C0", "North", "Unit 0")
    assert {r["question"] for r in answers} == {"Likelihood to Recommend", "OSAT", "Comments"}


def test_help_scout_faces_and_words_are_three_steps(tmp_path: Path) -> None:
    """FORMATS.md: faces are emoji values."""
    header = ["Conversation Number", "Rating", "Rating Comments", "Customer Email", "ratingCreatedAt"]
    rows = [
        [101, "Great", "thank you", "a@example.com", "2025-05-01 09:00:00"],
        [102, "Okay", "", "b@example.com", "2025-05-02 09:00:00"],
        [103, "Not Good", "no answer for days", "c@example.com", "2025-05-03 09:00:00"],
        [104, "😀", "", "d@example.com", "2025-05-04 09:00:00"],
        [105, "", "", "e@example.com", "2025-05-05 09:00:00"],
    ]
    found, _, answers, _ = load(tmp_path, [header, *rows])
    assert (found.preset, found.table) == ("help_scout_ratings", "surveys")
    assert [(r["score"], r["score_status"]) for r in answers] == [
        (3.0, "valid"), (2.0, "valid"), (1.0, "valid"), (3.0, "valid"), (None, "missing"),
    ]  # fmt: skip
    assert {(r["survey_type"], r["scale_low"], r["scale_high"]) for r in answers} == {("csat", 1.0, 3.0)}
    assert (answers[2]["comment"], answers[2]["customer_id"]) == ("no answer for days", "c@example.com")
    assert answers[0]["answered_at"] == datetime(2025, 5, 1, 9)


def test_intercom_ratings_are_satisfaction_from_1_to_5(tmp_path: Path) -> None:
    """FORMATS.md: conversation id, started at, last closed, channel, teammate, tags, `Conversation rating` 1-5, remark."""
    header = ["Conversation ID", "Started at", "Last closed at", "Channel", "Teammate", "Conversation rating",
              "Conversation rating remark", "User ID"]  # fmt: skip
    rows = [
        ["21", "2025-05-01 09:00:00", "2025-05-01 10:30:00", "Email", "Kim", 5, "solved at once", "u1"],
        ["22", "2025-05-02 09:00:00", "2025-05-03 08:00:00", "Messenger", "Kim", 2, "slow", "u2"],
        ["23", "2025-05-02 11:00:00", "", "Messenger", "Lee", "", "", "u3"],
    ]
    found, _, answers, _ = load(tmp_path, [header, *rows])
    assert (found.preset, found.table) == ("intercom_ratings", "surveys")
    assert [(r["score"], r["score_status"]) for r in answers] == [(5.0, "valid"), (2.0, "valid"), (None, "missing")]
    assert {(r["survey_type"], r["scale_low"], r["scale_high"], r["higher_is_better"]) for r in answers} == {
        ("csat", 1.0, 5.0, True)
    }
    assert [(r["customer_id"], r["channel"], r["comment"]) for r in answers[:2]] == [
        ("u1", "Email", "solved at once"),
        ("u2", "Messenger", "slow"),
    ]
    assert answers[0]["answered_at"] == datetime(2025, 5, 1, 10, 30) and answers[0]["Teammate"] == "Kim"


def test_surveymonkey_has_two_rows_of_names_and_boxes_without_one(tmp_path: Path) -> None:
    """FORMATS.md: row 2 holds `Response`, `Open-Ended Response` or the option; multi-select columns have empty names in row 1."""
    likely, why, where = (
        "How likely is it that you would recommend us?",
        "What could we do better?",
        "Where did you hear of us?",
    )
    first = ["Respondent ID", "Collector ID", "Start Date", "End Date", "IP Address", "Email Address", "First Name", "Last Name",
             "Custom Data 1", likely, why, where, ""]  # fmt: skip
    second = [""] * 9 + ["Response", "Open-Ended Response", "Friends", "Radio"]
    said = ["faster delivery would be good", "nothing, all was well done", "answer the phone at weekends"]
    rows = [
        [f"1000000000{n}", "4711", f"05/{13 + n}/2025 02:14:07 PM", f"05/{13 + n}/2025 02:20:07 PM", "192.0.2.1",
         f"p{n}@example.com", "A", "B", f"cust{n}", score, text, "Friends" if n % 2 else "", "Radio"]
        for n, (score, text) in enumerate(zip((9, 4, 10), said, strict=True))
    ]  # fmt: skip
    found, mapping, answers, report = load(tmp_path, [first, second, *rows])
    assert (found.preset, found.table, report.file_rows) == ("surveymonkey_answers", "surveys", 3)
    (asked,) = {row["question"] for row in answers if row["score"] is not None}
    assert asked.startswith(likely)
    assert scores(answers, asked) == [(9.0, "valid"), (4.0, "valid"), (10.0, "valid")]
    assert {row["survey_type"] for row in answers if row["question"] == asked} == {"nps"}
    assert [row["comment"] for row in answers if row["question"].startswith(why)] == said
    chosen = [(row["response_id"], row["comment"]) for row in answers if row["question"].startswith(where)]
    assert sorted(chosen) == [
        ("10000000000", "Radio"),
        ("10000000001", "Friends"),
        ("10000000001", "Radio"),
        ("10000000002", "Radio"),
    ]
    assert (answers[0]["customer_id"], answers[0]["answered_at"]) == ("cust0", datetime(2025, 5, 13, 14, 20, 7))
    assert not {"IP Address", "First Name", "Last Name"} & set(mapping.headers)
