"""Exports of tools, by their headers: what is recognised, how it is read, and what is asked."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cx_metrics.errors import MappingProblem
from cx_metrics.reading import (
    FileMapping,
    Recognition,
    answered,
    default_mapping,
    mappable,
    mapping_from_yaml,
    mapping_to_yaml,
    open_raw,
    presets,
    recognise,
)
from cx_metrics.reading.presets.notes import INSTEAD, NOTES

from .conftest import READERS, Upload

TestData = Callable[[str], Path]
Rows = Sequence[Sequence[object]]


def sheet(header: str, rows: Rows, delimiter: str = ",") -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(header.split("|"))
    writer.writerows(rows)
    return out.getvalue()


def load(upload: Upload, header: str, rows: Rows, answers: dict[str, str] | None = None):  # type: ignore[no-untyped-def]
    """A file as it is recognised, after these answers: what was recognised, its mapping, its records, the report."""
    raw = upload(sheet(header, rows))
    found = recognise(raw)
    assert Recognition.from_dict(json.loads(json.dumps(found.to_dict()))) == found
    mapping = default_mapping(raw, found)
    for question in found.questions:
        if answers and question.key in answers:
            mapping = answered(mapping, question, answers[question.key])
    assert FileMapping.from_dict(json.loads(json.dumps(mapping.to_dict()))) == mapping
    assert mapping_from_yaml(mapping_to_yaml(mapping)).mapping == mapping
    typed = READERS[mapping.table](raw, mapping)
    table = typed.to_table()
    assert typed.report.rows == typed.report.loaded + typed.report.set_aside
    assert typed.report.file_rows == len(rows)
    return found, mapping, table.to_pylist(), typed.report


def asked(found: Recognition) -> dict[str, str]:
    return {question.key: question.chosen for question in found.questions}


def test_presets_are_well_formed_and_each_note_is_used() -> None:
    known = presets()
    assert len(known) >= 25
    assert {note for preset in known.values() for note in preset.notes} == set(NOTES)
    assert {preset.instead for preset in known.values() if preset.instead} == set(INSTEAD)
    tools = {preset.tool for preset in known.values()}
    assert len(tools) == 21
    for preset in known.values():
        assert set(preset.columns) <= set(mappable(preset.table or "spend")), preset.name
        assert set(preset.spend) <= set(mappable("spend")), preset.name


ZENDESK = (
    "Summation column|Id|Requester|Requester id|Requester email|Assignee|Status|Via|Created at|Assigned at|Solved at|"
    "Satisfaction Score"
)


def tickets(*scores: str) -> Rows:
    return [
        [
            1,
            70 + i,
            "A B",
            100 + i // 2,
            "a@x.org",
            "C",
            "Solved",
            "Mail",
            "2025-03-01 10:00",
            "",
            f"2025-03-0{i + 2} 09:00",
            s,
        ]
        for i, s in enumerate(scores)
    ]


def test_zendesk_satisfaction_in_words(upload: Upload) -> None:
    found, mapping, rows, _ = load(upload, ZENDESK, tickets("Good", "Bad", "Offered", "Not Offered", "", "Good"))
    assert (found.preset, found.table) == ("zendesk_satisfaction", "surveys")
    assert [(r["score"], r["score_status"]) for r in rows] == [
        (1.0, "valid"), (0.0, "valid"), (None, "missing"), (None, "missing"), (None, "missing"), (1.0, "valid"),
    ]  # fmt: skip
    assert {(r["survey_type"], r["scale_low"], r["scale_high"]) for r in rows} == {("csat", 0.0, 1.0)}
    assert rows[2]["customer_id"] == "101"
    assert not {"Requester", "Requester email"} & set(mapping.attributes)
    assert "Zendesk" in str(found.reason)


def test_zendesk_tickets_without_ratings_are_touchpoints(upload: Upload) -> None:
    found, _, rows, report = load(upload, ZENDESK, tickets("", "Offered"))
    assert (found.preset, found.table) == ("zendesk_tickets", "touchpoints")
    assert [(r["touchpoint"], r["case_id"]) for r in rows] == [
        ("ticket created", "70"),
        ("ticket solved", "70"),
        ("ticket created", "71"),
        ("ticket solved", "71"),
    ]
    assert (report.rows, report.empty_cells) == (4, 0)


def test_hubspot_surveys_of_two_kinds_are_told_apart_by_their_names(upload: Upload) -> None:
    rows: list[list[object]] = [[i, "NPS 2025", "2025-01-01 10:00", i % 11, f"a{i}@x.org"] for i in range(22)]
    rows += [[100 + i, "After support", "2025-01-01 10:00", i % 3, f"a{i}@x.org"] for i in range(9)]
    rows += [[200 + i, "Website", "2025-01-01 10:00", i, f"a{i}@x.org"] for i in range(11)]
    found, _, read, _ = load(upload, "Record ID|Survey Name|Date|Rating|Contact email", rows)
    assert found.preset == "hubspot_feedback"
    kinds = {(r["source"], r["survey_type"], r["scale_high"]) for r in read}
    assert kinds == {("NPS 2025", "nps", 10.0), ("After support", "csat", 2.0), ("Website", "nps", 10.0)}


HUBSPOT = "Record ID|First Name|Email|Create Date|Last Modified Date|Lifecycle Stage|Lead Status|Became a Customer Date"


def test_hubspot_contacts_are_dates_where_there_are_some_and_customers_otherwise(upload: Upload) -> None:
    row = [1, "A", "a@x.org", "2024-03-12 09:14", "2025-01-01 00:00", "Customer", "New", "2024-04-01 10:00"]
    found, mapping, rows, _ = load(upload, HUBSPOT, [row])
    assert (found.preset, [r["touchpoint"] for r in rows]) == (
        "hubspot_lifecycle",
        ["contact created", "became Customer"],
    )
    assert "First Name" not in mapping.attributes
    found, _, rows, _ = load(upload, HUBSPOT.rpartition("|")[0], [row[:-1]])
    assert (found.preset, rows[0]["segment"]) == ("hubspot_contacts", "Customer")
    assert recognise(upload(sheet(HUBSPOT, [row])), "customers").preset == "hubspot_contacts"


QUALTRICS = (
    "StartDate|EndDate|Status|IPAddress|Progress|Duration (in seconds)|Finished|RecordedDate|ResponseId|RecipientEmail|"
    "ExternalReference|UserLanguage|How likely are you to recommend us?|How satisfied are you?|What could be better?"
)


def test_qualtrics_previews_are_left_out_and_unfinished_answers_asked_about(upload: Upload) -> None:
    day = "2025-01-01 10:00:00"
    rows = [
        [day, day, ["0", "1"][i % 5 == 0], "1.2.3.4", 100, 38, int(i % 4 > 0), day, f"R_{i}", "", f"c{i}", "EN", i % 11,
         -99 if i % 10 == 1 else i % 5 + 1, f"some words {i}"]
        for i in range(40)
    ]  # fmt: skip
    found, mapping, read, report = load(upload, QUALTRICS, rows)
    assert found.preset == "qualtrics_answers"
    assert asked(found)["leave_out:Finished"] == "no"
    assert asked(found)["no_answer:-99"] == "yes"
    assert report.set_aside == 8  # every fifth row is a preview
    assert str(report.reasons[0].counted).startswith('8 rows were set aside: left out: "Status" is "1"')
    assert len(read) == 3 * 32
    assert {r["survey_type"] for r in read} == {"nps", "csat", "text"}
    assert sum(r["score_status"] == "missing" for r in read) == 4  # rows 1, 11, 21, 31
    assert not {"IPAddress", "RecipientEmail"} & set(mapping.headers)
    again = load(upload, QUALTRICS, rows, {"leave_out:Finished": "yes"})[3]
    assert again.set_aside == 8 + 8  # rows 0, 4, 8 … are unfinished, 0 and 20 of them previews


def test_google_forms_in_russian_with_boxes_and_words(upload: Upload) -> None:
    header = "Отметка времени|Насколько вероятно, что вы порекомендуете нас друзьям?|Что вам понравилось?|Довольны ли вы доставкой?"
    rows = [
        [
            f"{13 + i % 5}.05.2024 15:12:45",
            i % 11,
            ["Цена;Скорость", "Цена"][i % 2],
            ["Очень доволен", "Недоволен", "Не знаю"][i % 3],
        ]
        for i in range(30)
    ]
    found, mapping, read, _ = load(upload, header, rows)
    assert (found.preset, mapping.time_format) == ("google_forms_answers", "day_first")
    recommended, liked, delivery = header.split("|")[1:]
    assert {r["survey_type"] for r in read if r["question"] == recommended} == {"nps"}
    assert [r["comment"] for r in read if r["question"] == liked][:3] == ["Цена", "Скорость", "Цена"]
    assert [(r["score"], r["score_status"]) for r in read if r["question"] == delivery][:3] == [
        (5.0, "valid"),
        (2.0, "valid"),
        (None, "missing"),
    ]


def test_typeform_options_in_columns_of_their_own(upload: Upload) -> None:
    header = "#|How likely are you to recommend us to a friend?|Email|Web|Start Date (UTC)|Submit Date (UTC)|Network ID"
    rows = [
        [f"k{i}", i % 11, ["Email", ""][i % 2], ["", "Web"][i % 2], "2025-01-01 10:00:00", "2025-01-01 10:01:00", "n"]
        for i in range(30)
    ]
    found, _, read, report = load(upload, header, rows)
    assert found.preset == "typeform_answers"
    assert sum(r["survey_type"] == "nps" for r in read) == 30
    assert sum(r["comment"] == "Web" for r in read) == 15
    assert report.empty_cells == 30


def test_limesurvey_codes_and_hidden_dates(upload: Upload) -> None:
    header = "id|submitdate|lastpage|startlanguage|seed|How was it? [Service]|How was it? [Food]"
    rows = [
        [i, "1980-01-01 00:00:00" if i else "", 3, "ru", 1, ["A1", "A5", "N/A"][i % 3], ["A2", "A4"][i % 2]]
        for i in range(30)
    ]
    found, mapping, read, report = load(upload, header, rows)
    assert found.preset == "limesurvey_answers"
    assert "answered_at" not in mapping.columns  # every date was put to 1980
    assert asked(found)["leave_out:submitdate"] == "no"
    service = [(r["score"], r["score_status"]) for r in read if r["question"] == "How was it? [Service]"][:3]
    assert service == [(1.0, "valid"), (5.0, "valid"), (None, "missing")]
    assert load(upload, header, rows, {"leave_out:submitdate": "yes"})[3].set_aside == 1


def test_delighted_kinds_stand_in_the_rows(upload: Upload) -> None:
    rows = [
        [1, "nps", 9, "", 1714561200, "p1"],
        [2, "csat", 5, "", 1714561200, "p2"],
        [3, "smileys", 6, "", 1714561200, "p2"],
    ]
    found, _, read, _ = load(upload, "id|survey_type|score|comment|created_at|person.id", rows)
    assert found.preset == "delighted_answers"
    assert [(r["survey_type"], r["scale_high"], r["score_status"]) for r in read] == [
        ("nps", 10.0, "valid"),
        ("csat", 5.0, "valid"),
        ("csat", 5.0, "invalid"),
    ]
    assert str(read[0]["answered_at"]) == "2024-05-01 11:00:00"


def test_gsa_choices_are_options(upload: Upload) -> None:
    header = (
        "external_id|question_1|positive_effectiveness|positive_ease|negative_effectiveness|negative_ease|question_4"
    )
    rows = [[i, i % 5 + 1, int(i % 2 == 0), 0, 0, 1, f"words number {i} here"] for i in range(20)]
    found, _, read, _ = load(upload, header, rows)
    assert found.preset == "gsa_a11_answers"
    assert sum(r["question"] == "What went well?" and r["comment"] == "effectiveness" for r in read) == 10
    assert sum(r["question"] == "What could have been better?" and r["comment"] == "ease" for r in read) == 20
    assert sum(r["question"] == "Trust" and r["score_status"] == "valid" for r in read) == 20


@pytest.mark.parametrize(
    ("preset", "header", "row", "expected"),
    [
        ("ga4_bigquery", "event_date|event_timestamp|event_name|user_id|user_pseudo_id|geo.country",
         ["20250101", "1735689600000000", "page_view", "", "u1", "DE"], ("u1", "page_view", "2025-01-01 00:00:00")),
        ("mixpanel_events", "event|time|distinct_id|$insert_id",
         ["buy", "1735689600", "a", "x"], ("a", "buy", "2025-01-01 00:00:00")),
        ("amplitude_events", "user_id|device_id|amplitude_id|event_type|event_time|session_id|country",
         ["", "d", "77", "open", "2025-01-01 00:00:00.123", "-1", "DE"], ("77", "open", "2025-01-01 00:00:00.123000")),
        ("posthog_events", "uuid|event|properties|timestamp|distinct_id|$session_id|person_id",
         ["1", "$pageview", "{}", "2025-01-01T00:00:00Z", "d", "s", "p"], ("p", "$pageview", "2025-01-01 00:00:00")),
        ("segment_events", "id|anonymous_id|user_id|event|event_text|timestamp|original_timestamp|sent_at|received_at",
         ["1", "an", "", "order_done", "Order Done", "2025-01-01 00:00:00", "", "", "2025-01-02 00:00:00"],
         ("an", "Order Done", "2025-01-01 00:00:00")),
        ("xes_events", "case:concept:name|concept:name|time:timestamp|org:resource",
         ["c", "A", "2025-01-01T01:00:00+01:00", "r"], ("c", "A", "2025-01-01 00:00:00")),
        ("yandex_visits", "ym:s:visitID|ym:s:dateTime|ym:s:clientID|ym:s:lastTrafficSource",
         ["9007199254740993", "2025-01-01 00:00:00", "77", "organic"], ("77", "visit", "2025-01-01 00:00:00")),
        ("yandex_hits", "ym:pv:watchID|ym:pv:dateTime|ym:pv:clientID|ym:pv:title|ym:pv:URL",
         ["1", "2025-01-01 00:00:00", "77", "Home", "/"], ("77", "Home", "2025-01-01 00:00:00")),
        ("intercom_messages", "message_id|message_body|message_type|message_created_at|message_author_user_id|conversation_id",
         ["1", "hi", "comment", "2025-01-01 00:00:00", "u", "c"], ("u", "comment", "2025-01-01 00:00:00")),
    ],
)  # fmt: skip
def test_logs_of_events(
    upload: Upload, preset: str, header: str, row: list[str], expected: tuple[str, str, str]
) -> None:
    found, _, read, _ = load(upload, header, [row])
    assert (found.preset, found.table) == (preset, "touchpoints")
    assert [(r["customer_id"], r["touchpoint"], str(r["occurred_at"])) for r in read] == [expected]


def test_a_start_and_an_end_of_one_activity_are_not_two(upload: Upload) -> None:
    header = "case:concept:name|concept:name|time:timestamp|lifecycle:transition"
    rows = [["1", "A", "2025-01-01T10:00:00Z", "start"], ["1", "A", "2025-01-01T11:00:00Z", "complete"]]
    found, _, read, report = load(upload, header, rows)
    assert asked(found)["leave_out:lifecycle:transition"] == "yes"
    assert (len(read), report.set_aside) == (1, 1)
    assert len(load(upload, header, rows, {"leave_out:lifecycle:transition": "no"})[2]) == 2
    started = load(upload, header, [row for row in rows if row[3] == "start"])  # then nothing else says when it was
    assert len(started[2]) == 1


@pytest.mark.parametrize(
    ("header", "row", "says"),
    [
        ("Session default channel group|Sessions|Engaged sessions|Engagement rate|Total revenue", ["Direct", 1, 1, 0.5, 0],
         "is a report of Google Analytics 4.*user_pseudo_id"),
        ("Каналы|Активные пользователи|Сеансы|Количество событий", ["Direct", 1, 1, 5], "is a report of Google Analytics 4"),
        ("Источник трафика|Визиты|Посетители|Отказы|Глубина просмотра", ["Прямые заходы", 10, 9, "0,1", "1,5"],
         "is a report of Yandex Metrica.*Logs API"),
        ("label|nb_visits|nb_actions|bounce_rate", ["a", 1, 2, "50%"], "is a report of Matomo.*Live.getLastVisitsDetails"),
    ],
)  # fmt: skip
def test_a_report_says_what_to_export_instead(upload: Upload, header: str, row: list[object], says: str) -> None:
    raw = upload(sheet(header, [row]), "report.csv")
    found = recognise(raw)
    assert found.table is None and found.preset
    with pytest.raises(MappingProblem, match="report.csv " + says):
        default_mapping(raw, found)


def test_a_report_with_costs_is_spend_and_its_totals_are_left_out(upload: Upload) -> None:
    header = "Дата|Источник трафика|Визиты|Посетители|Отказы|Расходы"
    rows = [
        ["Итого и средние", "", 20, 18, "0,1", "150,5"],
        ["2025-01-01", "Переходы по рекламе", 10, 9, "0,1", "100,5"],
        ["2025-01-02", "Переходы по рекламе", 10, 9, "0,1", "50"],
    ]
    found, _, read, report = load(upload, header, rows)
    assert (found.preset, found.table) == ("yandex_report", "spend")
    assert sum(r["cost"] for r in read) == 150.5
    assert [str(group.counted) for group in report.reasons] == [
        '1 row was set aside: left out: "Дата" is "Итого и средние" (row 2)'
    ]


def test_a_preset_can_be_declined_and_chosen(upload: Upload) -> None:
    raw = upload(sheet("event|time|distinct_id|$insert_id", [["buy", "1735689600", "a", "x"]]))
    assert recognise(raw).preset == "mixpanel_events"
    declined = recognise(raw, preset="")
    assert declined.preset is None
    assert declined.columns["touchpoint"] == "event"
    assert recognise(raw, preset="mixpanel_events").confidence == 1.0
    with pytest.raises(MappingProblem, match='Did you mean "mixpanel_events"?'):
        recognise(raw, preset="mixpanel_event")


def test_a_log_that_only_looks_like_a_report_is_a_log(upload: Upload) -> None:
    header = "customer_id|event|timestamp|Sessions|Views|Event count|Total revenue"
    raw = upload(sheet(header, [["a", "buy", "2025-01-01", 1, 2, 3, 4]]))
    assert (recognise(raw).table, recognise(raw).preset) == ("touchpoints", None)


@pytest.mark.parametrize(
    ("path", "preset"),
    [
        ("formats/ga4/Pages_and_screens_no_comment_lines.csv", "ga4_report"),
        ("formats/matomo/OneVisitorTwoVisits_csv__API.get_month.csv", "matomo_report"),
        ("formats/matomo/csvExport_multi__VisitsSummary.get_week.csv", "matomo_report"),
        ("formats/matomo/csvExport_xp0__Contents.getContentNames_day.csv", "matomo_report"),
        ("formats/matomo/csvExport_xp1_inner1_trans-de__VisitsSummary.get_day.csv", "matomo_report"),
    ],
)
def test_real_reports_are_known(test_data: TestData, path: str, preset: str) -> None:
    found = recognise(open_raw(test_data(path), "file.csv"))
    assert (found.preset, found.table) == (preset, None)


def test_real_matomo_visits(test_data: TestData) -> None:
    raw = open_raw(test_data("formats/matomo/csvExport__Live.getLastVisitsDetails_day.csv"), "visits.csv")
    found = recognise(raw)
    assert found.preset == "matomo_visits"
    rows = READERS["touchpoints"](raw, default_mapping(raw, found)).to_table().to_pylist()
    assert [(r["session_id"], r["touchpoint"], r["channel"], str(r["occurred_at"])) for r in rows] == [
        ("2", "visit", "Direct Entry", "2010-01-03 11:52:33"),
        ("1", "visit", "Direct Entry", "2010-01-03 11:22:33"),
    ]  # firstActionTimestamp 1262519553 and 1262517753


def test_real_qualtrics_header(test_data: TestData, upload: Upload) -> None:
    """The file has three header rows, which another part of reading joins; here its names with its one answer."""
    with test_data("formats/qualtrics/qualtrics_v3_german_3_header_rows.csv").open(
        encoding="utf-8-sig", newline=""
    ) as file:
        rows = list(csv.reader(file))
    found, mapping, read, _ = load(upload, "|".join(rows[0]), rows[3:])
    assert found.preset == "qualtrics_answers"
    assert mapping.columns["answered_at"] == "RecordedDate"
    assert {r["question"] for r in read} >= {"Q1", "Q2"}
    in_german = load(upload, "|".join(rows[1]), rows[3:])
    assert in_german[0].preset == "qualtrics_answers"
    assert in_german[1].columns["response_id"] == "Antwort-ID"
