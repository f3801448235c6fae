"""What does this number mean, and do the numbers agree?"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from cx_metrics.reconciling import Check, checks
from cx_metrics.registry import METRICS, Metric, Option
from cx_metrics.run import Result
from cx_metrics.safe_text import safe
from cx_metrics.steps import Step
from cx_metrics.texts import N_, NP_, Text
from pages.parts import cache, explained, figure, glossary
from pages.parts.figure import Explain
from pages.parts.markup import Markup
from pages.parts.page import INTERVALS, Page, run

COMPARED = N_("Each row is one count. It is found by the metric of its page, by the way that this metric takes, and set "
              "beside what is counted once for the whole view. They agree when they are the same number.")  # fmt: skip
OPENED = 2  # with so few metrics found, they are shown unfolded


def show(page: Page) -> None:
    """Whether the numbers agree; then a search, every metric of the registry as it declares itself, and the words."""
    page.open(Text(N_("Every number on these pages comes from one population and one definition")))
    draw_reconciliation(page) if page.people.get("touchpoints") or page.people.get("responses") else page.nobody()
    say = page.reader.say
    asked = st.text_input(say(N_("Search in definitions and words")), key="definitions_find", icon=":material/search:",
                          placeholder=say(N_("For example: conversion, interval, NPS")))  # fmt: skip
    sought = asked.casefold().split()
    found = [metric for metric in METRICS.values() if holds(page, words_of(metric), sought)]
    terms = {term: meaning for term, meaning in glossary.TERMS.items() if holds(page, (term, meaning), sought)}
    if not found and not terms:
        st.html(page.m.notice(Text(N_("No definition has these words. Try fewer or other ones.")), "plain"))
    for family in (*glossary.FAMILIES, glossary.OTHERS):
        draw_family(page, family, found, bool(sought) and len(found) <= OPENED)
    draw_words(page, terms)


def holds(page: Page, texts: Sequence[str], sought: Sequence[str]) -> bool:
    """Whether all the words stand in the texts, as they are in English or in the reader's language."""
    whole = " ".join((*texts, *map(page.reader.gettext, texts))).casefold()
    return all(word in whole for word in sought)


def words_of(metric: Metric) -> list[str]:
    """The texts of a metric that a search looks at."""
    titles = [text for m in metric.measures.values() for text in (m.title, m.meaning)]
    return [metric.name, metric.title, metric.question, metric.denominator, metric.source, *titles]


def draw_reconciliation(page: Page) -> None:
    """The same people, counted by every page in its own way."""

    def ask(metric: str, by: tuple[str, ...] = (), **options: Any) -> Result:
        return cache.answered(page.version, metric, page.view.alone(), by, options)

    goals = cache.conversions(page.version, page.view.alone()) if page.has("touchpoints") and page.has_goal() else None
    found = checks(ask, page.people, goals, page.facts, page.view)
    heads = [Text(N_("Count")), Text(N_("Found there")), Text(N_("Counted once for the view")),
             Text(N_("Agrees"))]  # fmt: skip
    how = Explain(Text(COMPARED))
    note = Text(N_("The same people, counted by each page in its own way"))
    caption = [*page.caption("customers" if page.has("touchpoints") else "responses"), *protected(page)]
    with figure.card("reconciliation", verdict(found), note, caption, how):
        figure.html(lambda m: m.table(heads, [_row(m, check) for check in found], numeric=(1, 2)))


def _row(m: Markup, check: Check) -> list[object]:
    named = m.over(m.strong(check.what), Text(check.page))
    if check.why is not None:
        return [named, m.dim("–"), m.dim("–"), m.text(check.why)]
    answer = Text(N_("yes")) if check.agrees else m.strong(Text(N_("no")))
    return [named, m.number(check.found), m.number(check.expected), answer]


def verdict(found: Sequence[Check]) -> Text:
    """Whether they all agree, and how many do not."""
    wrong = [check for check in found if not check.agrees]
    if not wrong:
        one, many = NP_("{n} count, and it agrees to the person", "All {n} counts agree to the person")
        return Text(one, {"n": len(found)}, many, len(found))
    one, many = NP_("{n} of {all} counts does not agree", "{n} of {all} counts do not agree")
    return Text(one, {"n": len(wrong), "all": len(found)}, many, len(wrong))


def protected(page: Page) -> list[Text]:
    """Where small groups are protected, parts are less than their whole, and that is no fault."""
    words = N_("small groups are protected here: hidden rows are missing from sums, so these can be lower")
    return [] if cache.privacy(page.version) is None else [Text(words)]


def draw_family(page: Page, family: str, found: Sequence[Metric], unfolded: bool) -> None:
    """The metrics of one family, each under its name."""
    ours = [m for m in found if glossary.family_of(m.function.__module__) == family]
    if not ours:
        return
    one, many = NP_("{family}: {n} metric", "{family}: {n} metrics")
    title = Text(one, {"family": Text(family), "n": len(ours)}, many, len(ours))
    with figure.card(f"family_{ours[0].name}", title):
        for metric in ours:
            with st.expander(
                safe(page.reader.say(metric.title), "markdown"), expanded=unfolded, key=f"metric_{metric.name}"
            ):
                draw_metric(page, metric)


def draw_metric(page: Page, metric: Metric) -> None:
    """A metric as it declares itself: question, measures and how they are made, unit, denominator, options, source; on demand its
    query for this dataset, and its code."""
    heads = [Text(N_("Measure")), Text(N_("What it is")), Text(N_("Rests on")), Text(N_("Interval"))]
    about = [
        (Text(N_("Metric")), Text(metric.title)), (Text(N_("Question")), Text(metric.question)),
        (Text(N_("Unit")), Text(metric.unit)),
        (Text(N_("Denominator")), Text(metric.denominator)),
        *((Text(N_("Option {name}"), {"name": o.name}), (Text(o.type.help), default(o))) for o in metric.options),
        (Text(N_("Source")), metric.source), (Text(N_("On the command line")), f"python -m cx_metrics {metric.name}"),
    ]  # fmt: skip
    left, right = st.columns([0.36, 0.64], gap="medium")
    with left:
        figure.html(lambda m: m.definitions(about))
    with right:
        figure.html(lambda m: m.table(heads, [_measure(m, metric, name) for name in metric.measures]))
    options = texts(page, metric)
    explained.show_queries(f"of_{metric.name}", lambda: cache.queries(
        page.version, metric, (page.view.alone(),), (), options), page.m)  # fmt: skip
    if st.toggle(page.reader.say(N_("Show the code")), key=f"code_{metric.name}"):
        st.code(inspect.getsource(metric.function), language="python", wrap_lines=True)


def _measure(m: Markup, metric: Metric, name: str) -> list[object]:
    measure = metric.measures[name]
    rests = metric.measures[measure.n].title if measure.n in metric.measures else None
    interval = Text(INTERVALS[measure.interval]) if measure.interval else m.dim("–")
    return [m.strong(Text(measure.title)), Text(measure.meaning), Text(rests) if rests else m.dim("–"), interval]


def default(option: Option) -> Text:
    """What an option is where nobody chooses."""
    if option.required:
        return Text(N_("has to be chosen"))
    return Text(N_("by default: {value}"), {"value": option.type.print(option.default) or Text(N_("none"))})


def texts(page: Page, metric: Metric) -> Mapping[str, str]:
    """The options for the query that is shown: those of the address; steps are the two most frequent touchpoints where there are
    none."""
    values = page.given(metric.name, {})
    if "steps" not in values and any(o.name == "steps" and o.required for o in metric.options):
        names = cache.values(page.version, "touchpoint")[:2] if page.has("touchpoints") else ()
        values |= {"steps": tuple(Step((name,)) for name in names)} if names else {}
    return {o.name: str(o.type.print(values[o.name])) for o in metric.options if o.name in values}


def draw_words(page: Page, terms: Mapping[str, str]) -> None:
    """The words that these pages use, each in one sentence."""
    if terms:
        with figure.card(
            "words", Text(N_("Words on these pages")), Text(N_("What they mean here, and everywhere in Touchline"))
        ):
            figure.html(lambda m: m.definitions([(Text(term), Text(meaning)) for term, meaning in terms.items()]))


run(show, N_("Definitions"), N_("What does this number mean, and do the numbers agree?"))
