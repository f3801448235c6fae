"""Compiled queries as templates: what stood in gives way to what is asked for, or the query is not used."""

from dataclasses import replace
from datetime import date, datetime

import pytest

import cx_metrics as cx
from cx_metrics.engines.duckdb_store import literal
from cx_metrics.engines.templates import filled
from cx_metrics.view import Filter, View, microseconds
from tests.conftest import dataset

VIEW = View(first_day=date(2025, 3, 30), last_day=date(2025, 10, 26), customers=(Filter("persona", ("it's", "")),))


def test_names_and_instants_take_the_places_of_those_that_stood_in() -> None:
    shape, values = VIEW.shape()
    moved, instants = shape.at_stand_in("Europe/Berlin")
    ends = [microseconds(at) for at in moved.bounds("Europe/Berlin") if at]
    name = moved.customers[0].values[0]
    sql = f"select {ends[0]}, {ends[1]}, -{ends[0]}, {ends[0]}0 where persona in ('{name}', '')"
    #: midnight in Berlin: 30 March 2025 is 23:00 UTC the day before, 27 October (after the last day) too
    start, end = 1_743_289_200_000_000, 1_761_519_600_000_000
    assert filled(sql, values, instants, literal) == (
        f"select {start}, {end}, -{start}, {ends[0]}0 where persona in ('it''s', '')"
    )
    assert filled("select 1", {}, None, literal) == "select 1"


def test_timestamps_take_the_places_of_those_that_stood_in() -> None:
    moved, instants = replace(VIEW, customers=()).at_stand_in("Europe/Berlin")
    start, end = (at for at in moved.bounds("Europe/Berlin") if at)
    said = "at >= MAKE_TIMESTAMP({}, {}, {}, {}, 0, 0.0) and at < MAKE_TIMESTAMP({}, {}, {}, {}, 0, 0.0)"
    sql = said.format(start.year, start.month, start.day, start.hour, end.year, end.month, end.day, end.hour)
    #: midnight in Berlin: 30 March 2025 is 23:00 UTC the day before; summer time ended on 26 October
    assert filled(sql, {}, instants, literal) == said.format(2025, 3, 29, 23, 2025, 10, 26, 23)


def test_days_take_the_places_of_those_that_stood_in() -> None:
    moved, instants = VIEW.at_stand_in("Europe/Berlin")
    first, last = moved.first_day, moved.last_day
    assert first and last
    said = "least(period_end, MAKE_DATE({}, {}, {})) - greatest(period_start, MAKE_DATE({}, {}, {}))"
    sql = said.format(last.year, last.month, last.day + 1, first.year, first.month, first.day)
    assert filled(sql, {}, instants, literal) == said.format(2025, 10, 27, 2025, 3, 30)


def test_another_range_of_days_asks_answers_a_query_that_is_compiled_already(monkeypatch: pytest.MonkeyPatch) -> None:
    store = dataset(None, [{"score": 10.0, "answered_at": datetime(2026, 1, day)} for day in range(1, 29)])
    compiled: list[str] = []
    sql = type(store).sql
    monkeypatch.setattr(type(store), "sql", lambda self, asked: compiled.append("") or sql(self, asked))
    for last in (7, 14, 21):
        view = View(first_day=date(2026, 1, 3), last_day=date(2026, 1, last))
        assert cx.run("nps", store, view).frame["responses"].item() == last - 2
    assert len(compiled) == 1


def test_a_query_that_names_the_day_itself_is_not_used() -> None:
    moved, instants = VIEW.at_stand_in("UTC")
    assert moved.first_day and moved.last_day
    since = moved.last_day.toordinal() - date(1970, 1, 1).toordinal()
    for said in (
        str(moved.first_day),
        f"make_timestamp({moved.last_day.year}, 8, 8, 0, 0, 0.0)",
        f"least(x, {since + 1})",
    ):
        assert filled(f"select {said}", {}, instants, literal) is None


def test_a_range_with_one_end_or_none_moves_only_what_it_has() -> None:
    assert View().at_stand_in("UTC") == (View(), {})
    moved, instants = View(last_day=date(2025, 1, 1)).at_stand_in("UTC")
    assert moved.first_day is None and moved.last_day is not None
    assert sorted(instants.values()) == ["1735776000000000", "2025-01-02"]  # the end is the day after, and its midnight
