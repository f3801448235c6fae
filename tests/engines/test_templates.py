"""Compiled queries as templates: what stood in gives way to what is asked for, or the query is not used."""

from datetime import date

from cx_metrics.engines.duckdb_store import literal
from cx_metrics.engines.templates import filled
from cx_metrics.view import Filter, View, microseconds

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
    assert moved.first_day is None and moved.last_day is not None and len(instants) == 1
