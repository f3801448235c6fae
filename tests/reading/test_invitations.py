"""Invitations: who was asked and how far that came, from exports of survey tools and from tables of counts."""

from __future__ import annotations

import pytest

from cx_metrics.reading import recognise
from cx_metrics.reading.words import invitation_status
from tests.reading.conftest import Upload, read


def lines(*rows: str) -> str:
    return "\n".join(rows) + "\n"


EXPORTS = {
    "survey tool": (
        lines("Email,Status,Sent Date,Distribution", "a@x.org,Email Sent,2026-01-05,Q1", "b@x.org,Email Bounced,2026-01-05,Q1",
              "c@x.org,Survey Started,2026-01-05,Q1", "d@x.org,Survey Finished,2026-01-05,Q1", "e@x.org,Opted Out,2026-01-05,Q1"),
        ["sent", "bounced", "started", "completed", "opted_out"],
    ),
    "API": (
        lines("recipient_id,survey_response_status", "1,not_responded", "2,partially_responded", "3,completely_responded"),
        ["sent", "started", "completed"],
    ),
    "Arabic": (
        lines("معرف العميل,الحالة,تاريخ الإرسال", "a,تم الإرسال,2026-01-05", "b,مكتمل,2026-01-05", "c,ارتد,2026-01-05"),
        ["sent", "completed", "bounced"],
    ),
    "Persian": (
        lines("شناسه مشتری,وضعیت,تاریخ ارسال", "a,ارسال شده,2026-01-05", "b,پاسخ داده شد,2026-01-05", "c,لغو اشتراک,2026-01-05"),
        ["sent", "completed", "opted_out"],
    ),
    "Russian": (
        lines("Клиент;Статус;Дата отправки", "a;Отправлено;05.01.2026", "b;Завершён;05.01.2026", "c;Начато;05.01.2026"),
        ["sent", "completed", "started"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_of_invitations_is_recognised_by_its_statuses(name: str, upload: Upload) -> None:
    text, statuses = EXPORTS[name]
    raw = upload(text)
    assert recognise(raw).table == "invitations"
    table = read(raw).to_table()
    assert table["status"].to_pylist() == statuses
    assert table["customer_id"].null_count == 0 and set(table["stands_for"].to_pylist()) == {1}
    if name != "API":
        assert {str(at)[:10] for at in table["sent_at"].to_pylist()} == {"2026-01-05"}


def test_customers_with_a_status_of_their_own_are_customers(upload: Upload) -> None:
    raw = upload(lines("customer_id,status,region", "a,active,north", "b,churned,south", "c,active,south"))
    assert recognise(raw).table == "customers"


def test_answers_with_a_status_are_answers(upload: Upload) -> None:
    text = lines(
        "response_id,customer_id,nps_score,status,answered_at",
        "1,a,9,completed,2026-01-05",
        "2,b,3,completed,2026-01-06",
    )
    assert recognise(upload(text)).table == "surveys"


def test_what_never_left_or_says_no_status_is_set_aside_with_its_reason(upload: Upload) -> None:
    rows = ["a,sent", "b,Not sent", "c,who knows", "d,", "e,completed", "f,sent", "g,bounced"]
    typed = read(upload(lines("customer_id,invitation status", *rows)), "invitations")
    assert typed.to_table()["customer_id"].to_pylist() == ["a", "e", "f", "g"]
    report = typed.report
    assert (report.rows, report.loaded, report.set_aside) == (7, 4, 3)
    said = {str(reason.reason): reason.rows[0].row for reason in report.reasons}
    assert said == {
        "The invitation was never sent.": 3,
        "The status says none of: sent, bounced, opted out, started, completed.": 4,
        "The status is missing.": 5,
    }


def test_counts_of_a_round_become_rows_that_came_that_far_and_no_further(upload: Upload) -> None:
    # 1000 sent: 100 bounced, 300 began, of whom 225 finished: 600 heard nothing back, 75 broke off.
    raw = upload(lines("Wave,Sent,Bounced,Started,Completed", "Q1,1000,100,300,225", "Q2,10,0,0,0"))
    assert recognise(raw).table == "invitations"
    typed = read(raw)
    table = typed.to_table()
    found = zip(*(table[name].to_pylist() for name in ("wave", "status", "stands_for")), strict=True)
    assert list(found) == [
        ("Q1", "sent", 600), ("Q1", "bounced", 100), ("Q1", "started", 75), ("Q1", "completed", 225), ("Q2", "sent", 10),
    ]  # fmt: skip
    assert (typed.report.rows, typed.report.loaded) == (2, 2)


def test_counts_that_cannot_be_are_set_aside(upload: Upload) -> None:
    rows = ["Q1,10,5,6,1", "Q2,10,0,3,4", "Q3,ten,0,3,1", "Q4,10,0,3.5,1", "Q5,10,1,3,1"]
    typed = read(upload(lines("wave,sent,bounced,started,completed", *rows)), "invitations")
    table = typed.to_table()
    assert set(table["wave"].to_pylist()) == {"Q5"} and sum(table["stands_for"].to_pylist()) == 10
    assert typed.report.set_aside == 4


def test_a_long_table_of_counts_keeps_them(upload: Upload) -> None:
    raw = upload(lines("wave,status,count", "Q1,sent,70", "Q1,completed,30"))
    table = read(raw).to_table()
    assert table["stands_for"].to_pylist() == [70, 30]


@pytest.mark.parametrize(
    ("said", "meant"),
    [("EMAIL_SENT", "sent"), (" Hard  Bounce ", "bounced"), ("Opted-out", "opted_out"), ("Начат", "started"),
     ("پاسخ‌داده", None), ("تم إلغاء الاشتراك", "opted_out"), ("active", None)],
)  # fmt: skip
def test_words_for_a_status(said: str, meant: str | None) -> None:
    assert invitation_status(said) == meant
