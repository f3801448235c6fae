"""Response rates on counts from the definition and on invitations that can be followed by hand; the share who answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

import cx_metrics as cx
from tests.conftest import MORNING, dataset, paths

DAY = timedelta(days=1)


def invited(customer: str | None, status: str = "sent", day: int = 0, **more: Any) -> dict[str, Any]:
    return {"customer_id": customer, "status": status, "sent_at": MORNING + day * DAY} | more


def rate(
    invitations: list[dict[str, Any]], surveys: list[dict[str, Any]] | None = None, **options: Any
) -> dict[str, Any]:
    rows = cx.run("response_rate", dataset(surveys=surveys, invitations=invitations), **options).frame
    return dict(rows.iloc[0])


def counts(row: dict[str, Any], *names: str) -> tuple[int, ...]:
    return tuple(int(row[name]) for name in names)


KNOWN = [
    {"wave": "1", "status": status, "stands_for": n}
    for status, n in {"sent": 600, "bounced": 100, "started": 75, "completed": 225}.items()
]


def test_the_known_answer() -> None:
    # METRICS 1.4: sent 1000, bounced 100, starts 300, completes 225 → .25, .3333, .75
    row = rate(KNOWN)
    assert counts(row, "sent", "bounced", "invited", "starts", "completes", "partials") == (
        1000,
        100,
        900,
        300,
        225,
        75,
    )
    assert row["response_rate"] == 0.25
    assert row["start_rate"] == pytest.approx(1 / 3, abs=1e-12)
    assert row["completion_rate"] == 0.75
    # Wilson, 225 of 900: centre (.25 + 3.8415/1800) / (1 + 3.8415/900) = .251062, half .028237
    assert (row["response_rate_low"], row["response_rate_high"]) == (
        pytest.approx(0.22283, abs=2e-5),
        pytest.approx(0.27930, abs=2e-5),
    )


def test_a_reminder_is_no_second_invitation_and_the_furthest_status_counts() -> None:
    rows = [invited("a", wave="1"), invited("a", "completed", 7, wave="1"), invited("b", "started", wave="1"),
            invited("b", "sent", 7, wave="1"), invited("a", "sent", wave="2")]  # fmt: skip
    assert counts(rate(rows), "sent", "starts", "completes", "partials") == (3, 2, 1, 1)


def test_an_event_log_of_a_bounce_is_a_bounce() -> None:
    row = rate(
        [
            invited("a", wave="1"),
            invited("a", "bounced", wave="1"),
            invited("b", wave="1"),
            invited("b", "opted_out", 1, wave="1"),
        ]
    )
    assert counts(row, "sent", "bounced", "opted_out", "invited") == (2, 1, 1, 0)
    assert row["response_rate"] != row["response_rate"]  # of nobody: not known
    assert counts(rate([invited("b", "opted_out")], opt_outs="after"), "invited") == (1,)


def test_without_a_wave_messages_close_together_are_one_invitation() -> None:
    rows = [invited("a", day=0), invited("a", day=20), invited("a", day=45), invited("a", "completed", 90)]
    assert counts(rate(rows), "sent", "completes") == (2, 1)  # 0, 20, 45; then 90
    assert counts(rate(rows, reminder="7d"), "sent") == (4,)


def test_those_without_a_customer_are_one_by_their_id_else_each_for_itself() -> None:
    rows = [
        invited(None),
        invited(None),
        invited(None, invitation_id="x"),
        invited(None, "completed", invitation_id="x"),
    ]
    assert counts(rate(rows), "sent", "completes") == (3, 1)


def answer(customer: str | None, day: float, **more: Any) -> dict[str, Any]:
    return {"customer_id": customer, "answered_at": MORNING + day * DAY, "score": 9.0} | more


def test_where_statuses_say_sent_alone_completes_come_from_the_answers() -> None:
    rows = [invited(c) for c in "abcdef"] + [invited("a", day=7)]
    given = [
        answer("a", 30), answer("a", 36), answer("b", 31), answer("c", -1), answer(None, 1),
        answer("d", 1, score=None, score_status="missing"), answer("e", 2, score=None, score_status="missing", comment="why"),
    ]  # fmt: skip
    row = rate(
        rows, given
    )  # a within 30 days of the reminder; b a day too late; c before; d began; e commented; f nothing
    assert counts(row, "invited", "starts", "completes", "partials") == (6, 3, 2, 1)
    assert row["completes_from"] == "answers"
    assert counts(rate(rows, given, within="60d"), "completes") == (3,)
    assert counts(rate(rows, given, completes="statuses"), "completes") == (0,)


def test_answers_of_a_wave_belong_to_its_invitation() -> None:
    rows = [invited("a", wave="1"), invited("a", day=100, wave="2"), invited("b", wave="1")]
    given = [answer("a", 500, wave="2"), answer("b", 1, wave="2")]
    row = cx.run("response_rate", dataset(surveys=given, invitations=rows), by=["wave"]).frame
    assert row.set_index("wave")["completes"].to_dict() == {"1": 0, "2": 1}


def test_rates_by_month_persona_and_channel_follow_the_first_message() -> None:
    rows = [
        invited("u1", day=0, wave="1", channel="email"), invited("u1", "completed", 40, wave="1", channel="sms"),
        invited("u2", day=40, wave="1", channel="sms"),
    ]  # fmt: skip
    people = [{"customer_id": "u1", "persona": "saver"}, {"customer_id": "u2", "persona": "spender"}]
    store = dataset(invitations=rows, customers=people)
    found = {by: cx.run("response_rate", store, by=[by]).frame for by in ("month", "persona", "channel")}
    assert [str(m)[:7] for m in found["month"]["month"]] == ["2026-01", "2026-02"]
    assert dict(zip(found["persona"]["persona"], found["persona"]["completes"], strict=True)) == {
        "saver": 1,
        "spender": 0,
    }
    assert dict(zip(found["channel"]["channel"], found["channel"]["completes"], strict=True)) == {"email": 1, "sms": 0}


def test_a_range_of_days_keeps_the_invitations_sent_in_it() -> None:
    view = cx.View(first_day=datetime(2026, 1, 6).date())
    frame = cx.run("response_rate", dataset(invitations=[invited("a"), invited("b", "completed", 1)]), view).frame
    assert counts(dict(frame.iloc[0]), "sent", "completes") == (1, 1)


def test_without_invitations_the_share_of_customers_who_answered_is_told() -> None:
    store = dataset(
        paths("A B C", "A", "B B", "A C"), [answer("u1", 0), answer("u1", 1), answer("u4", 1), answer("nobody", 1)]
    )
    whole = cx.run("answer_rate", store).frame
    assert whole[["band", "customers", "answered", "answer_rate"]].values.tolist() == [["all", 4, 2, 0.5]]
    by_contacts = cx.run("answer_rate", store, band="contacts").frame
    assert by_contacts[["band", "customers", "answered"]].values.tolist() == [["1", 1, 0], ["2", 2, 1], ["3", 1, 1]]
    last = cx.run("answer_rate", store, band="last_touchpoint").frame
    assert last[["band", "customers", "answered"]].values.tolist() == [["C", 2, 2], ["A", 1, 0], ["B", 1, 0]]
    met = cx.run("answer_rate", store, by=["touchpoint"]).frame
    assert dict(zip(met["touchpoint"], zip(met["customers"], met["answered"], strict=True), strict=True)) == {
        "A": (3, 2), "B": (2, 1), "C": (2, 2),
    }  # fmt: skip
