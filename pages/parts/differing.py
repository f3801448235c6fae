"""Two views side by side: now against other days, segment A against segment B; each number with the interval of its difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
import streamlit as st

from cx_metrics import findings_differences
from cx_metrics.errors import TouchlineError
from cx_metrics.registry import METRICS, Measure
from cx_metrics.texts import N_, NP_, Text
from cx_metrics.view import View
from pages.parts import cache, figure, view_words
from pages.parts.markup import Html, Markup, Words
from pages.parts.page import Page

ROWS = 12
UNITS = {"share": "pt", "points": "pts", "score": "pts"}  # how a difference is said, by the unit of the measure
DECIMALS = {"share": 1, "points": 0, "score": 2, "per customer": 2}
BEYOND = NP_(
    "beyond chance: at a false discovery rate of 10% over the {n} row compared",
    "beyond chance: at a false discovery rate of 10% over the {n} rows compared",
)
NOBODY = {
    "days": N_("Nobody is in this view on the other days, so there is nothing to compare."),
    "segment": N_("Nobody is in segment B in this view, so there is nothing to compare."),
}


@dataclass(frozen=True)
class Pair:
    """Two views to compare: what sets them apart (days or segment), and what either is called."""

    kind: str
    a: View
    b: View
    named_a: str
    named_b: str

    def shared(self) -> View:
        """What both views have in common, for a caption."""
        return self.a if self.kind == "days" else replace(self.a, customers=(), members=())


def pairs(page: Page) -> list[Pair]:
    """What the view compares with: other days, another segment, both, or nothing."""
    view, found = page.view, []
    before = view.compared()
    if before is not None and before.first_day and before.last_day and page.facts.first_day and page.facts.last_day:
        first, last = view.first_day or page.facts.first_day, view.last_day or page.facts.last_day
        days = page.reader.dates(first, last), page.reader.dates(before.first_day, before.last_day)
        found.append(Pair("days", view.alone(), before, *days))
    if view.has_other_side:
        a, b = view.alone(), view.other_side().alone()
        attributes = page.facts.attributes
        who = (view_words.segment_in_words(side.customers, attributes, page.reader, side.members) for side in (a, b))
        found.append(Pair("segment", a, b, *who))
    return found


def sides(page: Page, pair: Pair, unit: str, n_a: int | None = None, n_b: int | None = None) -> list[Words]:
    """A: who, how many; B: who, how many."""
    counts = (
        (page.people if pair.a == page.view.alone() else cache.people(page.version, pair.a)).get(unit, 0) if n_a is None else n_a,
        cache.people(page.version, pair.b).get(unit, 0) if n_b is None else n_b,
    )  # fmt: skip
    said: list[Words] = [
        Text(N_("{side}: {who}, {counted}"), {"side": side, "who": who, "counted": page.counted(unit, n)})
        for side, who, n in zip("AB", (pair.named_a, pair.named_b), counts, strict=True)
    ]
    if pair.kind == "segment":
        return [
            *said,
            Text(N_("who is in both counts in both")),
            *page.period("surveys" if unit == "responses" else "touchpoints"),
        ]
    return said


def is_empty(page: Page, pair: Pair, unit: str) -> bool:
    """Whether B has nobody; then that is said."""
    if cache.people(page.version, pair.b).get(unit):
        return False
    st.html(page.m.notice(Text(NOBODY[pair.kind])))
    return True


@dataclass(frozen=True)
class Compared:
    """What is compared: measures of a metric; what its rows are called, and which of them stand on the page.

    label: the name of a row. head: what such a name is. keep: the rows that are shown, from the frame. note: what the numbers are.
    """

    metric: str
    measures: tuple[str, ...]
    label: Callable[[Any], str]
    head: Words
    note: Words
    unit: str = "customers"
    by: tuple[str, ...] = ()
    keep: Callable[[pd.DataFrame], pd.Series[bool]] | None = None
    definition: tuple[Words, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


def draw(page: Page, asked: Compared) -> None:
    """A card for each comparison of the view: the rows that differ most."""
    for pair in pairs(page):
        if is_empty(page, pair, asked.unit):
            continue
        try:
            draw_pair(page, asked, pair)
        except TouchlineError as problem:
            st.html(page.m.notice(problem.text))


def draw_pair(page: Page, asked: Compared, pair: Pair) -> None:
    """One comparison as a card."""
    result = cache.compared(
        page.version, asked.metric, pair.a, pair.b, page.given(asked.metric, asked.options), asked.by
    )
    frame = result.frame[result.frame["measure"].isin(asked.measures) & result.frame["difference"].notna()]
    frame = frame if asked.keep is None else frame[asked.keep(frame)]
    frame = frame.assign(what=[asked.label(r) for r in frame.itertuples()])
    n = int(frame["p_value"].notna().sum())
    caption = [
        *sides(page, pair, asked.unit), *view_words.filters_in_words(pair.shared(), page.reader), *asked.definition,
        Text(BEYOND[0], {"n": n}, BEYOND[1], n),
    ]  # fmt: skip
    declared, several = METRICS[asked.metric].measures, len(asked.measures) > 1
    finding = findings_differences.strongest(frame, declared, several)
    shown = findings_differences.largest(frame, ROWS)
    heads: list[Words] = [asked.head, *([Text(N_("Measure"))] if several else [])]
    numeric = tuple(range(len(heads), len(heads) + 3))
    heads += [Text(N_("A")), Text(N_("B")), Text(N_("Difference")), "", Text(N_("Chance"))]
    key = "_".join(("differs", pair.kind, asked.metric, *asked.by))
    with page.card(key, finding, asked.note, result, caption, ("value_a", "value_b", "difference")):
        if len(shown):
            figure.html(lambda m: m.table(heads, rows(page, m, declared, shown, several), numeric=numeric))


def rows(
    page: Page, m: Markup, declared: Mapping[str, Measure], shown: pd.DataFrame, several: bool
) -> list[list[object]]:
    """What differs, A, B, the difference with its interval, and whether it is beyond chance in words."""
    beyond, within = page.reader.say(N_("beyond chance")), page.reader.say(N_("within chance"))
    units = [declared[name].unit for name in shown["measure"]]
    reach = dict.fromkeys(units, 1e-9)  # one scale for each unit
    for unit, *ends in zip(units, shown["difference_low"], shown["difference_high"], strict=True):
        reach[unit] = max(reach[unit], *(abs(end) for end in ends if end == end), 0.0)
    found = []
    for r in shown.itertuples():
        measure = declared[str(r.measure)]
        widest = reach[measure.unit]
        factor, decimals = 100 if measure.unit == "share" else 1, DECIMALS.get(measure.unit, 1)
        bounds = m.interval(r.difference_low * factor, r.difference_high * factor, decimals)
        better = measure.higher_is_better if r.flagged else None
        found.append([
            r.what, *([Text(measure.title)] if several else []),
            value(m, r.value_a, measure.unit), value(m, r.value_b, measure.unit),
            m.over(m.change(r.difference, UNITS.get(measure.unit, ""), better, decimals), bounds),
            m.track(r.difference, r.difference_low, r.difference_high, -widest, widest),
            m.strong(beyond) if r.flagged else m.dim(within),
        ])  # fmt: skip
    return found


def value(m: Markup, x: float, unit: str) -> Html:
    """A number in its unit."""
    return m.percent(x, 1) if unit == "share" else m.number(x, DECIMALS.get(unit, 1))
