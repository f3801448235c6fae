"""Customers, spend and changes: the short lists beside the journeys."""

from __future__ import annotations

from datetime import date, datetime

from cx_metrics.reading import Typed

from .conftest import Upload, read


def reasons(typed: Typed) -> dict[str, int]:
    return {str(group.reason): group.count for group in typed.report.reasons}


def periods(typed: Typed) -> list[tuple[date, date]]:
    table = typed.to_table()
    return list(zip(table["period_start"].to_pylist(), table["period_end"].to_pylist(), strict=True))


def test_customer_counts_once(upload: Upload) -> None:
    typed = read(upload("id,segment,age band\na,Gold,18-24\nb,,25-34\na,Silver,18-24\n,Gold,\n"), "customers")
    assert typed.to_table().to_pylist() == [
        {"customer_id": "a", "persona": None, "segment": "Gold", "region": None, "age band": "18-24"},
        {"customer_id": "b", "persona": None, "segment": None, "region": None, "age band": "25-34"},
    ]
    assert reasons(typed) == {"The customer is missing.": 1, "The customer stands in an earlier row, which counts.": 1}
    assert [p.row for g in typed.report.reasons for p in g.rows if p.found == "a"] == [4]


def test_one_date_a_row_is_one_day(upload: Upload) -> None:
    typed = read(upload("date,channel,cost\n2026-01-01,search,10\n2026-01-02,search,12\n2026-01-01,social,5\n"))
    assert periods(typed)[:2] == [(date(2026, 1, 1), date(2026, 1, 2)), (date(2026, 1, 2), date(2026, 1, 3))]
    assert "each row is taken as one day" in str(typed.report.notes[0])


def test_dates_seven_days_apart_in_every_channel_are_weeks(upload: Upload) -> None:
    rows = "2026-01-05,search,10\n2026-01-12,search,12\n2026-01-06,social,5\n2026-01-20,social,5\n"
    typed = read(upload("date,channel,cost\n" + rows))
    assert periods(typed)[0] == (date(2026, 1, 5), date(2026, 1, 12))
    assert "7 days apart" in str(typed.report.notes[0])


def test_end_is_the_last_day_unless_the_next_period_begins_on_it(upload: Upload) -> None:
    head = "period_start,period_end,channel,cost\n"
    last = read(upload(head + "2026-01-01,2026-01-31,search,10\n2026-02-01,2026-02-28,search,10\n"))
    assert periods(last) == [(date(2026, 1, 1), date(2026, 2, 1)), (date(2026, 2, 1), date(2026, 3, 1))]
    assert "taken as its last day" in str(last.report.notes[0])
    half_open = read(upload(head + "2026-01-01,2026-02-01,search,10\n2026-02-01,2026-03-01,search,10\n"))
    assert periods(half_open) == [(date(2026, 1, 1), date(2026, 2, 1)), (date(2026, 2, 1), date(2026, 3, 1))]
    assert "the next period begins on it" in str(half_open.report.notes[0])


def test_costs_are_read_with_thousands_and_currency_signs(upload: Upload) -> None:
    typed = read(upload('date,channel,campaign,cost,currency,clicks\n2026-01-01,search,x,"€1,234.50",EUR,"1,000"\n'))
    row = typed.to_table().to_pylist()[0]
    assert (row["cost"], row["currency"], row["clicks"], row["impressions"]) == (1234.5, "EUR", 1000.0, None)
    comma = read(upload("Дата;Канал;Расход\n31.12.2025;поиск;1 234,50 руб.\n"))
    assert comma.to_table()["cost"].to_pylist() == [1234.5]


def test_spend_without_cost_channel_or_period_is_set_aside(upload: Upload) -> None:
    rows = [
        "2026-01-01,2026-01-07,search,10",
        "2026-01-01,2026-01-07,search,",
        "2026-01-01,2026-01-07,search,much",
        "2026-01-01,2026-01-07,,10",
        ",2026-01-07,search,10",
        "2026-01-01,,search,10",
        "2026-01-08,2026-01-01,search,10",
        "2026-01-01,today,search,10",
        *["2026-01-08,2026-01-14,search,11"] * 3,
    ]
    typed = read(upload("period_start,period_end,channel,cost\n" + "\n".join(rows) + "\n"), "spend")
    assert typed.to_table()["cost"].to_pylist() == [10, 11, 11, 11]
    assert typed.report.rows == 11 == typed.report.loaded + typed.report.set_aside
    assert reasons(typed)["The period ends before it begins."] == 1


def test_empty_result_is_a_table_without_rows(upload: Upload) -> None:
    typed = read(upload("date,channel,cost\n2026-01-01,,10\n"))
    assert typed.to_table().num_rows == 0
    assert typed.report.set_aside == 1


def test_changes_have_a_date_and_a_title(upload: Upload) -> None:
    typed = read(
        upload(
            "changed_at,title,touchpoint,stage,owner\n2026-01-12 09:00,New checkout,Checkout,Action,Ann\n2026-02-01,,,,\n,Old,,,\n"
        )
    )
    assert typed.to_table().to_pylist() == [
        {
            "changed_at": datetime(2026, 1, 12, 9),
            "title": "New checkout",
            "touchpoint": "Checkout",
            "channel": None,
            "stage": "action",
            "note": None,
            "owner": "Ann",
        }
    ]
    assert reasons(typed) == {"The date is missing.": 1, "The title is missing.": 1}
