"""What stands behind a number, beyond its declaration: who was counted, on how many cases it rests, by which way it came and why,
and the query itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from cx_metrics.errors import TouchlineError
from cx_metrics.explaining import Parameter, Query, rests_on
from cx_metrics.run import Result
from cx_metrics.texts import N_, Text
from cx_metrics.view import View
from cx_metrics.workspace import Version
from pages.parts import cache
from pages.parts.language import PageReader, _
from pages.parts.markup import Markup, Words

ROUTE_WORDS = {  # by which way an answer was counted; all ways give the same
    "cube": N_("journeys added up at import"),
    "columns": N_("columns prepared at import"),
    "windows": N_("the filtered touchpoints, put in order again"),
}
ROUTE_WHY = {
    "cube": N_(
        "The view chooses customers by their attributes alone and keeps their journeys whole, so sums made at import hold."
    ),
    "columns": N_(
        "The view keeps the order of the touchpoints it leaves, so what import wrote beside each of them holds."
    ),
    "windows": N_("The view or an option changes which touchpoints are neighbours, so they are put in order again."),
}
PLAIN_WAYS = {  # of what has no paths, by its first table
    "surveys": N_("Survey answers, read one by one"), "touchpoints": N_("Touchpoints as import prepared them"),
    "invitations": N_("Invitations, read one by one"), "walk": N_("Touchpoints that serve a step, followed in memory"),
}  # fmt: skip
WALKED = N_("The query picks the touchpoints that serve a step; they are then followed in memory, customer by customer. Where all "
            "touchpoints fit in memory they are picked there by the same rule, without the query.")  # fmt: skip
LENT = N_(
    "Tables named “lent” hold the customers that a segment, an answer or a funnel chose. They are in memory alone."
)
FINISHED = N_("Shares, intervals and tests are worked out from the rows of this query.")
LINES, HEIGHT = 16, 360  # a query of more lines scrolls in a box so high
SIDES = {"a": N_("Query of A"), "b": N_("Query of B")}


def ways(result: Result) -> list[tuple[Words, object]]:
    """By which way the answer came, and why."""
    if result.route in ROUTE_WORDS:
        return [
            (Text(N_("Answered from")), Text(ROUTE_WORDS[result.route])),
            (Text(N_("Why this way")), Text(ROUTE_WHY[result.route])),
        ]
    kind = "walk" if result.metric.walk is not None else result.metric.inputs[0]
    return [(Text(N_("Answered from")), Text(PLAIN_WAYS[kind]))] if kind in PLAIN_WAYS else []


def cases(result: Result, measures: Sequence[str]) -> list[tuple[Words, object]]:
    """On how many cases the measures rest."""
    said = []
    for column, (low, high) in rests_on(result, measures).items():
        named = result.metric.measures[column].title if column in result.metric.measures else column
        if low == high:
            said.append((Text(N_("Rests on (n)")), Text(N_("{counted}: {n}"), {"counted": Text(named), "n": low})))
        else:
            words = N_("{counted}: {low} to {high}, each row its own")
            said.append((Text(N_("Rests on (n)")), Text(words, {"counted": Text(named), "low": low, "high": high})))
    return list(said)


def population(result: Result, words: Callable[[View], Sequence[Words]]) -> list[tuple[Words, object]]:
    """Whom the answer counts; `words`: a view in words."""
    heads = (
        (Text(N_("Population")),)
        if len(result.views) < 2
        else (Text(N_("Population of A")), Text(N_("Population of B")))
    )
    return [(head, tuple(words(view))) for head, view in zip(heads, result.views, strict=False)]


def query_of(version: Version, result: Result, options: Mapping[str, str]) -> Callable[[], Sequence[Query]]:
    """The queries of a result, put together when they are asked for."""
    by = tuple(result.definition["by"])
    return lambda: cache.queries(version, result.metric, result.views, by, options)


def show_queries(key: str, ask: Callable[[], Sequence[Query]], m: Markup) -> None:
    """The queries behind a figure, with their parameters, where somebody wants to see them."""
    if not st.toggle(_("Show the query"), key=f"query_{key}"):
        return
    try:
        found = ask()
    except TouchlineError as problem:
        st.html(m.notice(problem.text, "plain"))
        return
    for query in found:
        if query.side:
            st.html(m.caption([Text(SIDES[query.side])]))
        st.code(
            query.sql, language="sql", wrap_lines=True, height=HEIGHT if query.sql.count("\n") > LINES else "content"
        )
        if query.parameters:
            st.html(m.definitions([(p.name, _value(p, m.reader)) for p in query.parameters]))
    notes = [WALKED] if any(q.walked for q in found) else [FINISHED]
    notes += [LENT] if any(q.lent for q in found) else []
    st.html(m.caption([Text(note) for note in notes]))


def _value(parameter: Parameter, reader: PageReader) -> object:
    """What a place stands for: data as they are; an instant in microseconds, and when that is."""
    if parameter.at is None:
        return str(parameter.value)
    said = {"number": str(parameter.value), "day": reader.date(parameter.at.date()), "time": reader.clock(parameter.at)}
    return Text(N_("{number} (microseconds since 1970): {day}, {time} UTC"), said)
