"""Do the numbers agree? The same people, counted by each page in its own way, beside what is counted once for the view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cx_metrics.errors import TouchlineError
from cx_metrics.run import Result
from cx_metrics.steps import Step
from cx_metrics.texts import N_, Text
from cx_metrics.view import Facts, View

MOST_PATHS = 200  # that the list of whole paths can hold
SCORES = ("nps", "csat", "ces")
FLOW, DROP_OFF, STAGES, CHANNELS, VOICE = N_("Journey flow"), N_("Drop-off"), N_("Stages"), N_("Channels"), N_("Voice")


class Ask(Protocol):
    """The answer of a metric for the view in question, its options as they are by default."""

    def __call__(self, metric: str, by: tuple[str, ...] = (), **options: Any) -> Result: ...


@dataclass(frozen=True)
class Check:
    """One count: on which page, what was found there, what it should be. `why`: it could not be counted, for this reason."""

    page: str
    what: Text
    found: int = 0
    expected: int = 0
    why: Text | None = None

    @property
    def agrees(self) -> bool:
        return self.why is None and self.found == self.expected


def checks(ask: Ask, people: Mapping[str, int], conversions: int | None, facts: Facts, view: View) -> list[Check]:
    """All counts that have to agree, as far as the dataset has them. `people`: who the view leaves; `conversions`: its touchpoints
    of the goal, None where there is no goal."""
    found: list[Check] = []
    parts = []
    if "touchpoints" in facts.tables:
        parts += [(FLOW, _flow(ask, people)), (STAGES, _engagement(ask, people)), (DROP_OFF, _funnel(ask, facts, view))]
        if conversions is not None:
            parts.append((CHANNELS, _goal(ask, people, conversions)))
    if "surveys" in facts.tables:
        parts.append((VOICE, _answers(ask, facts)))
    for page, counted in parts:
        try:
            found += counted
        except TouchlineError as problem:  # the others can be counted nevertheless
            found.append(Check(page, Text(N_("The counts of this page")), why=problem.text))
    return found


def _flow(ask: Ask, people: Mapping[str, int]) -> Iterator[Check]:
    """Flow, list of paths and transitions hold the same journeys."""
    journeys = people["journeys"]
    flow = ask("flow_links").frame
    starts = flow.loc[flow["step"] == 1, "journeys"].sum()
    ends = flow.loc[flow["kind"] != "move", "journeys"].sum()
    yield Check(FLOW, Text(N_("Journeys that start in the flow")), int(starts), journeys)
    yield Check(FLOW, Text(N_("Journeys that end in the flow or go on beyond it")), int(ends), journeys)
    paths = ask("variants", top=MOST_PATHS, who="all").frame
    yield Check(FLOW, Text(N_("Journeys over all whole paths")), int(paths["all_journeys"].max()), journeys)
    if len(paths) < MOST_PATHS:  # the list is complete
        yield Check(FLOW, Text(N_("Journeys in the list of whole paths")), int(paths["journeys"].sum()), journeys)
    pairs = ask("transitions", repeats="keep").frame
    ways = int(pairs["transitions"].sum()) + journeys
    yield Check(FLOW, Text(N_("Transitions, and one first touchpoint for each journey")), ways, people["touchpoints"])


def _engagement(ask: Ask, people: Mapping[str, int]) -> Iterator[Check]:
    """Stages, touchpoints and channels part the same touchpoints of the same people."""
    stages, names = ask("stage_engagement").frame, ask("touchpoint_engagement").frame
    customers, touchpoints = people["customers"], people["touchpoints"]
    yield Check(STAGES, Text(N_("Population of the stages")), int(stages["population"].max()), customers)
    yield Check(STAGES, Text(N_("Population of the touchpoints")), int(names["population"].max()), customers)
    yield Check(STAGES, Text(N_("Touchpoints over all stages")), int(stages["touchpoints"].sum()), touchpoints)
    yield Check(STAGES, Text(N_("Touchpoints over all names")), int(names["touchpoints"].sum()), touchpoints)


def _funnel(ask: Ask, facts: Facts, view: View) -> Iterator[Check]:
    """A funnel of the two most frequent touchpoints: who enters, comes through and is lost are the same people everywhere."""
    names = ask("touchpoint_engagement").frame.sort_values(["touchpoints", "touchpoint"], ascending=[False, True])
    if len(names) < 2:
        return
    first, second = (str(name) for name in names["touchpoint"].head(2))
    asked: dict[str, Any] = {"steps": (Step((first,)), Step((second,))), "window": None}
    funnel = ask("funnel", **asked).frame
    entered, through = (int(n) for n in funnel["customers"])
    named = {"first": first, "second": second}
    if view.grain == "journey":
        reached = int(names["customers"].iloc[0])
        yield Check(
            DROP_OFF,
            Text(
                N_("A trial funnel of the two most frequent touchpoints, {first} to {second}: customers who enter it"),
                named,
            ),
            entered,
            reached,
        )
    lost = ask("drop_out_next", **asked).frame
    yield Check(
        DROP_OFF,
        Text(N_("Those who are lost, by where they went next")),
        int(lost["customers"].sum()),
        entered - through,
    )
    if facts.timed:
        trend, times = ask("conversion_trend", **asked).frame, ask("time_to_convert", **asked).frame
        yield Check(DROP_OFF, Text(N_("Those who enter, over all periods")), int(trend["entrants"].sum()), entered)
        yield Check(
            DROP_OFF, Text(N_("Those who come through, over all periods")), int(trend["converted"].sum()), through
        )
        yield Check(
            DROP_OFF, Text(N_("Those who come through, by how long it took")), int(times["customers"].sum()), through
        )


def _goal(ask: Ask, people: Mapping[str, int], conversions: int) -> Iterator[Check]:
    """Conversions are credited once."""
    rate, channels = ask("conversion").frame, ask("channel_performance").frame
    first, last = (int(channels[f"{touch}_touch_conversions"].sum()) for touch in ("first", "last"))
    yield Check(
        CHANNELS, Text(N_("Customers behind the conversion rate")), int(rate["customers"].sum()), people["customers"]
    )
    yield Check(CHANNELS, Text(N_("Conversions credited by first touch")), first, conversions)
    yield Check(CHANNELS, Text(N_("Conversions credited by last touch")), last, conversions)
    yield Check(
        CHANNELS, Text(N_("Touchpoints over all channels")), int(channels["touchpoints"].sum()), people["touchpoints"]
    )


def _answers(ask: Ask, facts: Facts) -> Iterator[Check]:
    """The parts of a score are all its answers."""
    for name in SCORES:
        try:
            whole = ask(name).frame
        except TouchlineError:  # scales that cannot be averaged: the page says so
            continue
        answers = int(whole["responses"].sum())
        if not answers:
            continue
        if name == "nps":
            groups = int(whole[["promoters", "passives", "detractors"]].sum().sum())
            yield Check(VOICE, Text(N_("NPS: promoters, passives and detractors")), groups, answers)
        if "answered_at" in facts.columns.get("surveys", ()):
            months = int(ask(name, by=("month",)).frame["responses"].sum())
            yield Check(VOICE, Text(N_("{score}: answers over all months"), {"score": name.upper()}), months, answers)
