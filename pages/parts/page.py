"""What every page does first and last: know its dataset and view, ask metrics, say who was counted, open with its finding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pandas as pd
import streamlit as st

from cx_metrics import findings
from cx_metrics.errors import DamagedVersion, TouchlineError, ViewProblem, WorkspaceProblem
from cx_metrics.registry import METRICS, Metric
from cx_metrics.run import Result
from cx_metrics.safe_text import safe
from cx_metrics.texts import N_, NP_, Text
from cx_metrics.view import Facts, View
from cx_metrics.workspace import Version
from pages.parts import address, ahead, cache, columns, explained, exporting, figure, filter_bar, state, view_words
from pages.parts.figure import Explain
from pages.parts.language import PageReader, reader
from pages.parts.markup import Html, Markup, Words

MISSING_FILES = {
    "touchpoints": (
        N_("Add touchpoints to see how people move"),
        N_("Survey answers alone show what people said. A touchpoint file shows what they did, step by step."),
        (
            N_("Who: a customer number"),
            N_("When: a date or a time"),
            N_("What: the touchpoint, for example Website or Checkout"),
        ),
    ),
    "surveys": (
        N_("Add survey answers to see NPS, satisfaction and comments"),
        N_("Touchpoints alone show what people did. A survey file shows what they said, at each touchpoint."),
        (N_("A score column, for example 0 to 10"), N_("Optional: customer, touchpoint, comment, date")),
    ),
}

INTERVALS = {
    "wilson": N_("Wilson score interval"),
    "adjusted_wald": N_("adjusted Wald interval (3 answers added)"),
    "adjusted Wald": N_("adjusted Wald interval (3 answers added)"),
    "wald": N_("Wald interval"),
    "bonett_price": N_("Bonett–Price interval (2 answers added)"),
    "bootstrap": N_("bootstrap, 2,000 draws"),
    "clopper_pearson": N_("Clopper–Pearson interval"),
    "jeffreys": N_("Jeffreys interval"),
    "agresti_coull": N_("Agresti–Coull interval"),
    "Student t": N_("Student's t interval"),
    "t": N_("Student's t interval"),
    "newcombe": N_("Newcombe's hybrid score interval"),
    "t by customer": N_("Student's t interval, the contacts of a customer taken together"),
    "bootstrap by customer": N_("bootstrap by customer, 2,000 draws"),
    "order statistics": N_("order statistics of the median"),
    "katz": N_("interval of the logarithm of the ratio (Katz)"),
    "individuals chart": N_("control limits of an individuals chart"),
    "as the metric says": N_("as the metric says"),
    "Fisher z": N_("Fisher's z"),
    "Fisher z, Bonett-Wright": N_("Fisher's z with the error of Bonett and Wright"),
    "percentile bootstrap": N_("percentile bootstrap, 1,000 draws"),
    "linearised": N_("linearised, for weighted answers"),
    "linearised, weights estimated": N_("linearised, with the weights as estimates"),
    "by score": N_("NPS: adjusted Wald; shares: Newcombe; means: Welch"),
    "by measure": N_("shares: Newcombe; means: Welch; NPS: adjusted Wald; others: from the two intervals (MOVER)"),
}


@dataclass(frozen=True)
class Page:
    """One run of one page: who reads, which dataset, which view."""

    name: str
    question: str
    reader: PageReader
    version: Version
    view: View
    m: Markup = field(repr=False)
    newest: int = 0
    opened: list[bool] = field(default_factory=list, repr=False)

    @property
    def facts(self) -> Facts:
        """The facts of the dataset."""
        return self.version.facts

    @cached_property
    def people(self) -> dict[str, int]:
        """Who the view leaves: customers, journeys, touchpoints, responses."""
        return cache.people(self.version, self.view.alone())

    def has(self, table: str) -> bool:
        """Whether the dataset has such a table."""
        return table in self.facts.tables

    def has_goal(self) -> bool:
        """Whether anything counts as conversion."""
        return bool(self.facts.goal_of(self.view))

    def ask(self, metric: str, by: Sequence[str] = (), view: View | None = None, **options: Any) -> Result:
        """The answer of a metric under the view of the page (or another), with the options the address gives."""
        return cache.answered(self.version, metric, (view or self.view).alone(), tuple(by), self.given(metric, options))

    def given(self, metric: str, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options of a metric: those that the address gives, and `options` over them."""
        asked = {o.name: (o, self.option(metric, o.name)) for o in METRICS[metric].options}
        return {name: o.type.parse(text) for name, (o, text) in asked.items() if text is not None} | dict(options)

    def option(self, metric: str, name: str) -> str | None:
        """The text of an option in the address."""
        return state.current_address().option(metric, name)

    def columns(self, table: str) -> tuple[str, ...]:
        """The columns of a table that hold something."""
        return self.facts.columns.get(table, ())

    # the frame of the page ------------------------------------------------------------------------------------------

    def open(self, finding: Words, comparing: bool = False) -> None:
        """Name, finding and question; the filter bar; notes about the link; no rows after filtering. `comparing`: whether the
        page compares segments, so that the bar offers a second one."""
        self.opened.append(comparing)
        st.html(self.m.head(self.reader.say(self.name), finding, self.reader.say(self.question)))
        figure.opened(self.name, finding, self.question, self.caption())
        filter_bar.show(self.version, self.view, self.reader, exporting.offer, comparing)
        for note in state.notes():
            st.html(self.m.notice(note))
        if self.version.number != self.newest:
            newer = N_("This link shows version {version} of the data; there is a newer one.")
            undone = N_("This link shows version {version} of the data; an earlier one counts now.")
            words = newer if self.version.number < self.newest else undone
            st.html(self.m.notice(Text(words, {"version": self.version.number})))
            st.button(
                self.reader.say(N_("Show the version that counts")),
                key="newest",
                on_click=state.set_version,
                args=(self.newest,),
            )

    def caption(self, unit: str = "customers", definition: Sequence[Words] = (), n: int | None = None) -> list[Words]:
        """One line under a chart: population and n · range · definition. Where two segments are compared, that it is about A."""
        table = "surveys" if unit == "responses" else "touchpoints"
        counted = self.counted(unit, self.people.get(unit, 0) if n is None else n)
        if any(self.opened) and self.view.has_other_side:
            counted = Text(N_("A alone: {counted}"), {"counted": counted})
        filters = view_words.filters_in_words(self.view, self.reader, unit == "journeys")
        return [counted, *self.period(table), *filters, *definition]

    def counted(self, unit: str, n: int) -> Text:
        """n and what it counts."""
        one, many = COUNTED[unit]
        return Text(one, {"n": n}, many, n)

    def period(self, table: str = "touchpoints") -> list[Words]:
        """The days that are counted, and journeys that began before them."""
        known = self.facts.ranges.get(table) or (self.facts.first_day, self.facts.last_day)
        first, last = self.view.first_day or known[0], self.view.last_day or known[1]
        if first is None or last is None:
            return [Text(N_("no dates, order only") if table == "touchpoints" else N_("no dates"))]
        said: list[Words] = [self.reader.dates(first, last)]
        earlier = self.people.get("begun_earlier", 0) if table == "touchpoints" else 0
        if earlier and self.view.range_rule == "touchpoints":
            one, many = NP_("{n} journey began earlier", "{n} journeys began earlier")
            said.append(Text(one, {"n": earlier}, many, earlier))
        return said

    def explain(self, result: Result, measures: Sequence[str] = ()) -> Explain:
        """How a result is counted, read from its declaration and its definition; its query; its data."""
        metric, definition = result.metric, result.definition
        chosen = measures or tuple(metric.measures)
        pairs: list[tuple[Words, object]] = [(Text(N_("Question")), Text(metric.question))]
        pairs += [
            (
                Text(metric.measures[name].title),
                _meaning(metric, name, definition["intervals"], definition["confidence"]),
            )
            for name in chosen
            if metric.measures[name].meaning
        ]
        unit = {"surveys": "responses", "paths": "journeys"}.get(metric.inputs[0], "customers")
        pairs += explained.cases(result, chosen)
        pairs += explained.population(result, lambda view: self._caption_of(view, unit))
        pairs += [
            (Text(N_("Denominator")), Text(metric.denominator)),
            (
                Text(N_("Order")),
                Text(N_("by time, then by order of arrival; time zone {zone}"), {"zone": self.facts.zone}),
            ),
        ]
        for name, text in definition["options"].items():
            option = next(o for o in metric.options if o.name == name)
            pairs.append((Text(option.type.help), text or Text(N_("none"))))
        pairs += explained.ways(result)
        pairs += [(Text(N_("Source")), metric.source), (Text(N_("Data version")), definition["data_version"]),
                  (Text(N_("Fingerprint of the definition")), definition["hash"])]  # fmt: skip
        query = explained.query_of(self.version, result, definition["options"]) if result.views else None
        words = columns.in_words(metric, result.frame)
        return Explain(pairs, readable(result.frame), metric.name, query, words)

    def _caption_of(self, view: View, unit: str) -> list[Words]:
        """Population, range and filters of another view."""
        page = replace(self, view=view)
        return page.caption(unit)

    def explain_people(self, unit: str) -> Explain:
        """How the people of the view are counted."""
        meaning = {
            "customers": N_(
                "customers with at least one touchpoint that the view leaves; counted, so without an interval"
            ),
            "responses": N_("valid answers that the view leaves; counted, so without an interval"),
        }
        pairs: list[tuple[Words, object]] = [
            (Text(N_("What it is")), Text(meaning[unit])), (Text(N_("Population")), tuple(self.caption(unit))),
            (Text(N_("Data version")), self.version.key),
        ]  # fmt: skip
        return Explain(pairs, query=lambda: cache.queries_of_people(self.version, self.view.alone()))

    def explain_tiles(self, caption: Sequence[Words], tiles: Sequence[tuple[Words, Explain]]) -> None:
        """Under a strip of tiles: who was counted, and how each of its numbers is."""
        with st.container(horizontal=True, wrap=False, key="menu_tiles", gap="small", vertical_alignment="center"):
            figure.html(lambda m: m.caption(caption))
            figure.explain_several("tiles", tiles)

    @contextmanager
    def card(
        self, key: str, finding: Words, note: Words, result: Result, caption: Sequence[Words], measures: Sequence[str] = (),
        height: Any = "content",
    ) -> Iterator[Any]:  # fmt: skip
        """A card whose explanation is the declaration of its metric; its caption says how many small groups keep back."""
        caption = [*caption, result.kept_back] if result.kept_back is not None else caption
        with figure.card(key, finding, note, caption, self.explain(result, measures), height) as place:
            yield place

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part of the page that stands by itself: where it cannot be counted it says why, and the rest goes on."""
        try:
            yield
        except ViewProblem as problem:
            st.html(self.m.notice(problem.text, "plain"))

    def stage(self, name: object) -> str:
        """The name of a stage in the reader's words."""
        return self._words(findings.stage(name))

    def group(self, value: object) -> str:
        """A value of a column in the reader's words: data as they are, "not known" for none."""
        return self.reader.say(N_("not known")) if value is None or value != value else str(value)

    def _words(self, value: Text | str) -> str:
        return self.reader.say(value) if isinstance(value, Text) else value

    def empty(self, table: str) -> None:
        """A table is missing: say what to add, what it would show, and where to go."""
        title, body, steps = MISSING_FILES[table]
        self.open(Text(EMPTY_FINDING[table]))
        box = st.container(key="card_empty")
        box.html(self.m.empty(Text(title), Text(body), [Text(s) for s in steps]))
        with box.container(horizontal=True):
            add_files_button(self.reader)
            sample_button(self.reader)

    def refuse(self, problem: Text) -> None:
        """The view asks for what cannot be: say so, and offer to take each filter away."""
        st.html(self.m.head(self.reader.say(self.name), problem, self.reader.say(self.question)))
        with st.container(horizontal=True, key="card_empty"):
            filter_bar.remove_buttons(self.view, self.reader)

    def nobody(self) -> None:
        """The view leaves nobody: name the filters and offer to take each away."""
        box = st.container(key="card_empty")
        box.html(
            self.m.empty(Text(N_("Nobody is left in this view")), Text(N_("Take away a filter to see people again.")))
        )
        with box.container(horizontal=True):
            filter_bar.remove_buttons(self.view, self.reader)


COUNTED = {
    "customers": NP_("{n} customer", "{n} customers"),
    "journeys": NP_("{n} journey", "{n} journeys"),
    "touchpoints": NP_("{n} touchpoint", "{n} touchpoints"),
    "responses": NP_("{n} response", "{n} responses"),
    "entrants": NP_("{n} entrant", "{n} entrants"),
}
EMPTY_FINDING = {"touchpoints": N_("No touchpoints yet"), "surveys": N_("No survey answers yet")}


def begin(name: str, question: str, *needs: str) -> Page | None:
    """Start a page: the dataset of the address under the view of the address. None if the page has said all there is to say.

    `needs` names tables without which the page has nothing to show.
    """
    figure.begin()
    who = reader()
    m = Markup(who)
    try:
        version, newest = chosen_version()
    except WorkspaceProblem as problem:
        damaged = isinstance(problem, DamagedVersion)
        ways_out = (
            N_("Start with your own exports, or look at the sample") if sample() else N_("Start with your own exports")
        )
        if damaged:
            ways_out = N_("An earlier version may be whole")
        st.html(m.head(who.say(name), Text(N_("No data to show yet")), who.say(question)))
        box = st.container(key="card_empty")
        box.html(m.empty(Text(ways_out), problem.text))
        with box.container(horizontal=True):
            if damaged:
                offer_another(who)
            add_files_button(who)
            sample_button(who)
        return None
    view, notes = address.fit(state.view(), version.facts, known_values(version, state.view()))
    if notes:
        state.note(notes)
    state.change_quietly(view)
    ahead.begin(name, cache.asked_about(version), view)
    page = Page(name, question, who, version, view, m, newest)
    missing = [t for t in needs if not page.has(t)]
    if missing:
        page.empty(missing[0])
        return None
    try:
        counted = page.people
    except TouchlineError as problem:  # of a filter: what is asked for cannot be, so the way out is to take it away
        page.refuse(problem.text)
        return None
    if "touchpoints" in needs and not counted.get("touchpoints"):
        page.open(Text(N_("Nobody is left in this view")))
        page.nobody()
        return None
    return page


def chosen_version() -> tuple[Version, int]:
    """The version that the address names, opened, and the number of the one that counts now. Versions do not change, so a link
    keeps its numbers; where its version is gone, the present one takes its place with a note."""
    cache.forget_erased()
    here, address_now = cache.workspace(), state.current_address()
    current = here.current(address_now.dataset)
    version = current
    if address_now.version:
        version = next((v for v in here.versions(address_now.dataset) if v.number == address_now.version), current)
        if version.number != address_now.version:
            words = N_("Version {version} of the data is no longer there; this is the newest.")
            state.note([Text(words, {"version": address_now.version})])
    state.set_version(version.number)
    cache.opened(version)
    return version, current.number


def offer_another(who: PageReader) -> None:
    """Where a version is damaged: the newest whole one of its dataset."""
    here, now = cache.workspace(), state.current_address()
    for version in reversed(here.versions(now.dataset)):
        if version.number == now.version:
            continue
        with suppress(WorkspaceProblem):
            here.verify(version)
            label = safe(who.say(Text(N_("Open version {version}"), {"version": version.number})), "markdown")
            chosen = {"on_click": state.set_version, "args": (version.number,)}
            st.button(label, type="primary", key="open_whole", **chosen)
            return


def begin_bare(name: str, question: str) -> Page | None:
    """The page without filters, for what is about the dataset and not about a view; None if there is no dataset."""
    who = reader()
    try:
        version, newest = chosen_version()
    except WorkspaceProblem as problem:
        if state.current_address().dataset:
            state.note([problem.text])
        return None
    return Page(name, question, who, version, View(), Markup(who), newest)


def run(show: Callable[[Page], None], name: str, question: str, *needs: str) -> None:
    """Show a page. A problem of the data or the view is said in words; anything else is ours, and is not shown as a trace."""
    with ahead.while_it_asks():
        page = begin(name, question, *needs)
        if page is not None:
            show_or_refuse(show, page)


def show_or_refuse(show: Callable[[Page], None], page: Page) -> None:
    """The page, or the problem of its data or view in words."""
    try:
        show(page)
    except TouchlineError as problem:
        if page.opened:
            st.html(page.m.notice(problem.text, "bad"))
        else:  # the page keeps its head and bar, so that there is a way out
            page.open(problem.text)


def add_files_button(who: PageReader) -> None:
    """To the Data page."""
    if st.button(who.say(N_("Add files")), type="primary", icon=":material/upload_file:", key="go_add"):
        st.switch_page("pages/start/data.py")


def sample() -> str:
    """The dataset that is the sample, if this server has one; else nothing."""
    return next((i.id for i in cache.workspace().datasets() if i.is_sample), "")


def sample_button(who: PageReader) -> None:
    """To the sample data, if this server has them."""
    if (found := sample()) != "":
        st.button(who.say(N_("Look at sample data")), type="tertiary", key="go_sample",
                  on_click=state.set_dataset, args=(found,))  # fmt: skip


def readable(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame for a grid or a file: paths as text, dates as days."""
    signs = {"path": " > ", "more": ", ", "less": ", "}
    lists = {
        c: [signs[c].join(p) if isinstance(p, (list, tuple)) else p for p in frame[c]]
        for c in frame.columns
        if c in signs
    }
    return frame.assign(**lists) if lists else frame


def _meaning(metric: Metric, name: str, methods: Mapping[str, str], confidence: float) -> Text:
    measure = metric.measures[name]
    if measure.interval is None:
        return Text(measure.meaning)
    method = Text(INTERVALS[methods.get(name, measure.interval)])
    said = {"meaning": Text(measure.meaning), "level_share": confidence, "method": method}
    return Text(N_("{meaning}; {level_share} interval: {method}"), said)


def known_values(version: Version, view: View) -> Mapping[str, tuple[str, ...]]:
    """Known values of the columns that the view speaks about."""
    asked = {f.column for f in view.customers + view.touchpoints + view.against}
    if view.goal or view.passing or view.tried:
        asked.add("touchpoint")
    return {column: cache.values(version, column) for column in asked}


__all__ = ["Html", "Page", "begin", "run"]
