"""Their headers → our columns: what is recognised, why, and what is asked."""

from __future__ import annotations

import pytest

from cx_metrics.errors import MappingProblem
from cx_metrics.reading import RawFile, Recognition, default_mapping, recognise

from .conftest import Upload


def table(header: str, *rows: str, times: int = 1) -> str:
    return "\n".join([header, *rows * times]) + "\n"


def columns(raw: RawFile, wanted: str | None = None) -> dict[str, str]:
    return recognise(raw, wanted).columns


def said(recognition: Recognition) -> str:
    return " ".join(str(problem) for problem in recognition.problems)


@pytest.mark.parametrize(
    ("text", "expected", "found"),
    [
        (
            table(
                "customer_id,timestamp,touchpoint,order_id,customer_state,payment_type,value",
                "a,2018-05-20 16:26:06,purchase,o,SP,card,1.5",
            ),
            "touchpoints",
            {
                "customer_id": "customer_id",
                "occurred_at": "timestamp",
                "touchpoint": "touchpoint",
                "case_id": "order_id",
                "region": "customer_state",
                "value": "value",
            },
        ),
        (
            table("user_id,event,timestamp", "219483890,catalog,2019-11-01 17:59:13.273932"),
            "touchpoints",
            {"customer_id": "user_id", "touchpoint": "event", "occurred_at": "timestamp"},
        ),
        (
            table(
                "review_id,customer_id,order_id,review_score,title,message,review_creation_date,review_answer_timestamp,customer_state",
                "r1,c1,o1,3,Ok,It came late,2018-06-12 00:00:00,2018-06-18 02:48:33,SP",
                "r2,c2,o2,5,,,2018-06-13 00:00:00,2018-06-19 02:48:33,RJ",
            ),
            "surveys",
            {
                "response_id": "review_id",
                "customer_id": "customer_id",
                "case_id": "order_id",
                "score": "review_score",
                "comment": "message",
                "answered_at": "review_answer_timestamp",
                "region": "customer_state",
            },
        ),
        (
            table("customerID,gender,Contract", "7590-VHVEG,Female,Month", "5575-GNVDE,Male,Year"),
            "customers",
            {"customer_id": "customerID"},
        ),
        (
            table(
                "Date;Channel;Campaign name;Amount spent;Impr.;Link clicks", "31.12.2025;Search;Brand;1.234,50;1000;12"
            ),
            "spend",
            {
                "period_start": "Date",
                "channel": "Channel",
                "campaign": "Campaign name",
                "cost": "Amount spent",
                "impressions": "Impr.",
                "clicks": "Link clicks",
            },
        ),
        (
            table("Release date,What changed,Remarks", "2026-01-12,New checkout,Web only"),
            "changes",
            {"changed_at": "Release date", "title": "What changed", "note": "Remarks"},
        ),
        (
            table("معرف العميل,الحدث,التاريخ,القيمة", "a,شراء,2026-01-01,5"),
            "touchpoints",
            {"customer_id": "معرف العميل", "touchpoint": "الحدث", "occurred_at": "التاريخ", "value": "القيمة"},
        ),
        (
            table("شناسه مشتری,امتیاز,نظر", "a,5,خوب بود", "b,3,بد نبود"),
            "surveys",
            {"customer_id": "شناسه مشتری", "score": "امتیاز", "comment": "نظر"},
        ),
        (
            table("Клиент;Событие;Дата и время;Регион", "a;покупка;31.01.2026 10:00;Москва"),
            "touchpoints",
            {"customer_id": "Клиент", "touchpoint": "Событие", "occurred_at": "Дата и время", "region": "Регион"},
        ),
    ],
    ids=["shop log", "clicks", "reviews", "customers", "spend", "changes", "Arabic", "Persian", "Russian"],
)
def test_file_is_recognised_with_all_its_columns(
    upload: Upload, text: str, expected: str, found: dict[str, str]
) -> None:
    recognition = recognise(upload(text))
    assert recognition.table == expected
    assert recognition.columns == found
    assert all(0 <= match.confidence <= 1 and str(match.reason) for match in recognition.matches)


def test_case_spaces_and_punctuation_of_a_header_do_not_matter(upload: Upload) -> None:
    raw = upload(table("CUSTOMER-ID,Touch Point,Occurred at", "a,visit,2026-01-01"))
    assert columns(raw) == {"customer_id": "CUSTOMER-ID", "touchpoint": "Touch Point", "occurred_at": "Occurred at"}


def test_values_speak_against_a_header(upload: Upload) -> None:
    recognition = recognise(upload(table("customer_id,event,timestamp,amount", "a,visit,2026-01-01,lots")))
    match = next(match for match in recognition.matches if match.column == "amount")
    assert match.field is None
    assert (
        str(match.reason) == "the header is a known name for the value, but 0% of its values are numbers; kept as it is"
    )


def test_better_of_two_headers_wins_and_the_other_says_so(upload: Upload) -> None:
    recognition = recognise(upload(table("customer_id,event,created_at,timestamp", "a,visit,2026-01-01,2026-01-02")))
    assert recognition.columns["occurred_at"] == "timestamp"
    loser = next(match for match in recognition.matches if match.column == "created_at")
    assert loser.field is None
    assert '"timestamp" fits better' in str(loser.reason)


def test_time_without_a_known_header_is_found_by_its_values(upload: Upload) -> None:
    recognition = recognise(upload(table("customer_id,event,wann", "a,visit,2026-01-01", "a,buy,2026-01-02")))
    match = next(match for match in recognition.matches if match.column == "wann")
    assert match.field == "occurred_at"
    assert "2 of 2 values in the sample are dates written as year-month-day" in str(match.reason)


def test_numbers_are_no_times_unless_the_header_says_so(upload: Upload) -> None:
    rows = ("a,visit,1577836800", "a,buy,1577836900")
    assert "occurred_at" not in columns(upload(table("customer_id,event,code", *rows)))
    recognition = recognise(upload(table("customer_id,event,timestamp", *rows)))
    assert recognition.time_format == "epoch_seconds"


def test_case_stands_for_the_customer_where_the_file_names_none(upload: Upload) -> None:
    recognition = recognise(
        upload(table("CaseID,ActivityID,CompleteTimestamp", "2,1,2012-04-03 16:55:38", "2,8,2012-04-03 16:55:53"))
    )
    assert recognition.table == "touchpoints"
    assert recognition.columns == {
        "customer_id": "CaseID",
        "touchpoint": "ActivityID",
        "occurred_at": "CompleteTimestamp",
    }
    match = next(match for match in recognition.matches if match.field == "customer_id")
    assert "names no customer" in str(match.reason)


def test_order_number_counts_only_where_there_are_no_times(upload: Upload) -> None:
    without = upload(table("customer_id,event,step", "a,visit,1", "a,buy,2"))
    assert columns(without)["sequence"] == "step"
    timed = upload(table("customer_id,event,step,time", "a,visit,1,2026-01-01", "a,buy,2,2026-01-02"))
    assert "sequence" not in columns(timed)


def test_file_in_no_order_is_said_to_be_in_file_order(upload: Upload) -> None:
    assert "rows are taken to be in order" in said(recognise(upload(table("customer_id,event", "a,visit", "a,buy"))))


def test_ambiguous_dates_are_day_first_and_ask(upload: Upload) -> None:
    recognition = recognise(upload(table("customer_id,event,date", "a,visit,01/02/2026", "a,buy,03/04/2026")))
    assert recognition.time_format == "day_first"
    assert "All values can be read as day/month/year, as 31/01/2026 or as month/day/year" in said(recognition)


def test_later_rows_decide_where_the_sample_is_ambiguous(upload: Upload) -> None:
    """A log sorted by time whose first rows lie in the first days of a month."""
    rows = [f"a,visit,01/{day:02d}/2026" for day in range(1, 31) for _ in range(300)]
    recognition = recognise(upload(table("customer_id,event,date", *rows)))
    assert recognition.time_format == "month_first"
    assert recognition.problems == ()


def test_dates_that_do_not_fit_the_format_are_announced(upload: Upload) -> None:
    recognition = recognise(
        upload(table("customer_id,event,date", "a,visit,13/04/2026", "a,buy,25/04/2026", "b,buy,04/13/2026"))
    )
    assert "2 of 3 values" in said(recognition)


def test_times_in_no_known_way_must_be_answered_first(upload: Upload) -> None:
    raw = upload(table("customer_id,event,date", "a,visit,week 7 on Monday", "a,buy,week 8 on Friday"))
    with pytest.raises(
        MappingProblem, match='upload.csv: "date" is a time by its name, but its values .first: week 7 on Monday'
    ):
        default_mapping(raw, recognise(raw))


@pytest.mark.parametrize(
    ("header", "values", "expected"),
    [
        ("nps", "0 10 7", ("nps", 0, 10, True)),
        ("NPS score", "9 10 8", ("nps", 0, 10, True)),
        ("nps", "3 4 5", ("nps", 0, 10, True)),
        ("How likely are you to recommend us?", "9 10 8", ("nps", 0, 10, True)),
        ("netpro", "9 10 8 " * 10 + "11", ("nps", 0, 10, True)),
        ("rating", "0 10 7", ("rating", 0, 10, True)),
        ("rating", "1 10 7", ("rating", 1, 10, True)),
        ("rating", "1 5 3", ("csat", 1, 5, True)),
        ("csat", "1 7 6", ("csat", 1, 7, True)),
        ("CES score", "1 7 6", ("ces", 1, 7, True)),
        ("Customer effort score", "1 5 2", ("ces", 1, 5, False)),
        ("services score", "1 5 2", ("csat", 1, 5, True)),
        ("score", "0 100 55", ("rating", 0, 100, True)),
        ("recommended score", "0 1 1", ("choice", 0, 1, True)),
    ],
)
def test_scale_is_told_by_name_and_values(
    upload: Upload, header: str, values: str, expected: tuple[str, float, float, bool]
) -> None:
    rows = [f"r{i},{value},2026-01-01" for i, value in enumerate(values.split())]
    found = recognise(upload(table(f"response_id,{header},submitted at", *rows)), "surveys")
    assert (found.survey_type, found.scale_low, found.scale_high, found.higher_is_better) == expected
    assert header in said(found)


def test_question_text_tells_the_kind(upload: Upload) -> None:
    raw = upload(
        table(
            "respondent id,question,score",
            "r1,How likely are you to recommend us?,9",
            "r2,How likely are you to recommend us?,6",
        )
    )
    assert recognise(raw).survey_type == "nps"


def test_decimal_comma_is_taken_where_it_is_evident(upload: Upload) -> None:
    assert recognise(upload(table("customer_id;event;date;value", "a;buy;2026-01-01;1,5"))).decimal_comma
    assert not recognise(upload(table("customer_id;event;date;value", "a;buy;2026-01-01;1,500"))).decimal_comma


def test_log_with_a_few_scores_is_a_log_and_answers_about_touchpoints_are_answers(upload: Upload) -> None:
    header = "customer_id,timestamp,touchpoint,score"
    log = table(header, *(f"c{i % 9},2026-01-01,visit,{5 if i % 10 == 0 else ''}" for i in range(40)))
    answers = table(header, *(f"c{i},2026-01-01,visit,{i % 5 + 1}" for i in range(40)))
    assert recognise(upload(log)).table == "touchpoints"
    assert recognise(upload(answers)).table == "surveys"


def test_customer_in_every_row_is_asked_about(upload: Upload) -> None:
    rows = [f"c{i},visit,2026-01-01" for i in range(40)]
    assert "journeys have one step" in said(recognise(upload(table("customer_id,event,date", *rows))))


def test_missing_column_is_named_with_the_headers_and_the_nearest(upload: Upload) -> None:
    raw = upload(table("custommer idd,event,timestamp", "a,visit,2026-01-01"), "log.csv")
    with pytest.raises(MappingProblem) as refused:
        default_mapping(raw, recognise(raw))
    message = str(refused.value)
    assert "log.csv: no column was found for customer_id, which touchpoints need" in message
    assert '"custommer idd", "event", "timestamp"' in message
    assert 'Did you mean "custommer idd"?' in message


def test_all_missing_columns_are_named_at_once(upload: Upload) -> None:
    raw = upload(table("a,b", "1,2"))
    with pytest.raises(MappingProblem, match="period_start, channel, cost"):
        default_mapping(raw, recognise(raw, "spend"))


def test_odd_delimiter_is_explained(upload: Upload) -> None:
    raw = upload("customer_id^event^timestamp\na^visit^2026-01-01\n")
    with pytest.raises(
        MappingProblem, match="found for customer_id, touchpoint.*comma, semicolon, tab and pipe were tried. Write sep="
    ):
        default_mapping(raw, recognise(raw))


def test_file_of_another_kind_asks_what_it_is(upload: Upload) -> None:
    raw = upload(table("path;total_conversions", "a > b;3"))
    assert recognise(raw).table is None
    with pytest.raises(MappingProblem, match="was not recognised. Its columns are"):
        default_mapping(raw, recognise(raw))


def test_nothing_of_a_long_value_or_header_reaches_a_message(upload: Upload) -> None:
    secret = "s3cret" * 40
    raw = upload(table(f"customer_id,event,date,{secret}", f"a,visit,{secret},1"))
    with pytest.raises(MappingProblem) as refused:
        default_mapping(raw, recognise(raw))
    assert secret[:61] not in str(refused.value)
