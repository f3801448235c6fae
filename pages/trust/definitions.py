"""What does this number mean, and do the numbers agree?"""

from __future__ import annotations

from typing import Any

import streamlit as st

from cx_metrics.registry import METRICS, Metric
from cx_metrics.texts import N_, Text
from pages.parts import cache, figure
from pages.parts.page import INTERVALS, Page, run

WHOLE_JOURNEYS: dict[str, Any] = {"start": None, "end": None, "exclude": None, "group": None}  # whatever a link cuts


def show(page: Page) -> None:
    """The reconciliation table, then every metric of the registry as it declares itself."""
    page.open(Text(N_("Every number on these pages comes from one population and one definition")))
    if page.has("touchpoints"):
        draw_reconciliation(page) if page.people.get("touchpoints") else page.nobody()
    for metric in METRICS.values():
        draw_metric(page, metric)


def draw_reconciliation(page: Page) -> None:
    """The same people, counted by every page in its own way."""
    flow = page.ask("flow_links", **WHOLE_JOURNEYS)
    start = int(flow.frame.loc[flow.frame["step"] == 1, "journeys"].sum())
    stages = page.ask("stage_engagement").frame
    touchpoints = page.ask("touchpoint_engagement").frame
    variants = page.ask("variants", top=1, **WHOLE_JOURNEYS).frame
    rows: list[tuple[Text, int, int]] = [
        (Text(N_("Journeys that start in the flow")), start, page.people["journeys"]),
        (Text(N_("Journeys over all whole paths")), int(variants["all_journeys"].max()), page.people["journeys"]),
        (Text(N_("Population of the stages")), int(stages["population"].max()), page.people["customers"]),
        (Text(N_("Population of the touchpoints")), int(touchpoints["population"].max()), page.people["customers"]),
        (Text(N_("Touchpoints over all stages")), int(stages["touchpoints"].sum()), page.people["touchpoints"]),
        (Text(N_("Touchpoints over all names")), int(touchpoints["touchpoints"].sum()), page.people["touchpoints"]),
    ]
    if page.has_goal():
        conversion = page.ask("conversion").frame
        everybody = page.people["customers"]
        rows.append((Text(N_("Customers behind the conversion rate")), int(conversion["customers"].sum()), everybody))
        channels = page.ask("channel_performance").frame
        goals = cache.conversions(page.version, page.view)
        rows.append(
            (Text(N_("Conversions credited by first touch")), int(channels["first_touch_conversions"].sum()), goals)
        )
        rows.append(
            (Text(N_("Conversions credited by last touch")), int(channels["last_touch_conversions"].sum()), goals)
        )
    agree = all(found == expected for _label, found, expected in rows)
    finding = Text(N_("All counts agree to the person")) if agree else Text(N_("Some counts do not agree"))
    heads = [Text(N_("Count")), Text(N_("Found there")), Text(N_("Counted once for the view")), Text(N_("Agrees"))]
    yes, no = page.reader.say(N_("yes")), page.reader.say(N_("no"))
    with figure.card(
        "reconciliation", finding, Text(N_("The same people, counted by each page in its own way")), page.caption()
    ):
        figure.html(lambda m: m.table(heads, [
            [label, m.number(found), m.number(expected), yes if found == expected else no] for label, found, expected in rows
        ], numeric=(1, 2)))  # fmt: skip


def draw_metric(page: Page, metric: Metric) -> None:
    """A metric as it declares itself: question, unit, denominator, measures, options, source."""
    heads = [Text(N_("Measure")), Text(N_("What it is")), Text(N_("Rests on")), Text(N_("Interval"))]

    def rows(m: Any) -> list[list[object]]:
        found = []
        for measure in metric.measures.values():
            rests = metric.measures[measure.n].title if measure.n in metric.measures else None
            interval = Text(INTERVALS[measure.interval]) if measure.interval else m.dim("–")
            found.append(
                [m.strong(Text(measure.title)), Text(measure.meaning), Text(rests) if rests else m.dim("–"), interval]
            )
        return found

    with figure.card(f"metric_{metric.name}", Text(metric.title), Text(metric.question)):
        left, right = st.columns([0.32, 0.68], gap="medium")
        with left:
            figure.html(lambda m: m.definitions([
                (Text(N_("Unit")), Text(metric.unit)), (Text(N_("Denominator")), Text(metric.denominator)),
                *((Text(N_("Option {name}"), {"name": o.name}), Text(o.type.help)) for o in metric.options),
                (Text(N_("Source")), metric.source),
            ]))  # fmt: skip
        with right:
            figure.html(lambda m: m.table(heads, rows(m)))


run(show, N_("Definitions"), N_("What does this number mean, and do the numbers agree?"))
