"""Where and when do we lose them, and how long do they take?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from cx_metrics import findings
from cx_metrics.charts.funnel import draw_funnel
from cx_metrics.errors import OptionProblem
from cx_metrics.options import Duration
from cx_metrics.registry import METRICS
from cx_metrics.run import Result
from cx_metrics.steps import Step, Steps
from cx_metrics.texts import N_, Text
from pages.parts import address, cache, figure, filter_bar, state
from pages.parts.page import Page, run

WINDOWS = ("1h", "1d", "7d", "14d", "30d", "90d", "unlimited")
ENTRY_WORDS = {
    "every_entry": N_("Every touchpoint of the first step may start a try"),
    "first_entry": N_("Only the first one of each customer"),
}
MOST_STEPS = 8
WORTH_SHOWING = 0.02  # share of entrants who complete: below it the proposed order is probably not theirs
GROUPS = 6


def show(page: Page) -> None:
    """The step builder, the funnel with intervals, the table of steps, and who completes it."""
    names = cache.values(page.version, "touchpoint")
    steps = asked(page, names) or proposed(page)
    if len(steps) < 2:
        page.open(Text(N_("Choose at least two steps")))
        build(page, steps, names)
        return
    try:
        funnel = page.ask("funnel", steps=steps)
    except OptionProblem as problem:  # what can be put right in the builder leaves the builder there
        page.open(problem.text)
        build(page, steps, names)
        return
    page.open(findings.drop_off(funnel.frame))
    build(page, steps, names)
    left, right = st.columns([0.58, 0.42], gap="small")
    with left:
        draw(page, funnel)
        draw_table(page, funnel)
    with right:
        for column in [c for c in ("persona", "segment", "region") if c in page.facts.attributes][:2]:
            draw_groups(page, steps, column)


def asked(page: Page, names: Sequence[str]) -> tuple[Step, ...]:
    """The steps of the address as this funnel can count them; what it leaves out is said in a note."""
    text = page.option("funnel", "steps")
    try:
        given = Steps("").parse(text) if text else ()
    except OptionProblem as problem:
        state.note([problem.text])
        return ()
    steps = []
    for step in given:
        lost = [t for t in step.touchpoints if t not in names]
        state.note([Text(address.IGNORED, {"what": name[:80]}) for name in lost])
        if step.optional or step.window is not None:
            plain = Text(N_("Step {step} of the link is optional or has a window of its own. It counts as a plain step."),
                         {"step": step.label[:80]})  # fmt: skip
            state.note([plain])
        kept = tuple(t for t in step.touchpoints if t in names)
        steps += [Step(kept)] if kept else []
    return tuple(steps)


def proposed(page: Page) -> tuple[Step, ...]:
    """A first funnel: by stage up to the goal; where next to nobody completes that, along the most frequent path."""
    steps = by_stage(page)
    if len(steps) > 1:
        last = page.ask("funnel", steps=steps).frame.iloc[-1]
        if last["share_of_first"] >= WORTH_SHOWING:
            return steps
    for path in page.ask("variants", top=20, repeats="merge", who="all").frame["path"]:
        names = list(dict.fromkeys(path))
        if len(names) >= 3:
            return tuple(Step((name,)) for name in names[:5])
    return steps


def by_stage(page: Page) -> tuple[Step, ...]:
    """The touchpoint of each stage that most customers reach, in the order of the stages, then the goal."""
    goal = page.facts.goal_of(page.view)
    engagement = page.ask("touchpoint_engagement").frame.sort_values(
        ["customers", "touchpoint"], ascending=[False, True]
    )
    stage_of = cache.stages(page.version)
    largest: dict[str, str] = {}
    for name in engagement["touchpoint"]:
        if name in stage_of and name not in goal:
            largest.setdefault(stage_of[name], name)
    stages = page.facts.stages
    last = max((stages.index(stage_of[t]) for t in goal if stage_of.get(t) in stages), default=len(stages))
    chosen = [largest[s] for i, s in enumerate(stages) if s in largest and i <= last]
    steps = [Step((name,)) for name in (chosen or list(engagement["touchpoint"]))[-3:]]
    return tuple([*steps, Step(goal)] if goal else steps)


def build(page: Page, steps: Sequence[Step], names: Sequence[str]) -> None:
    """The steps in order; the window; what may start a try. All of it stands in the address."""
    say = page.reader.say
    shown = (*names, *(s.label for s in steps if len(s.touchpoints) > 1))
    with st.container(key="card_builder"):
        state.seed("funnel_steps", [s.label for s in steps])
        st.multiselect(say(N_("Steps, in order")), shown, key="funnel_steps", max_selections=MOST_STEPS,
                       placeholder=say(N_("Choose touchpoints")), on_change=take_steps, args=(tuple(steps),))  # fmt: skip
        with st.container(horizontal=True, key="funnel_options"):
            if page.facts.timed:
                window = page.option("funnel", "window") or "14d"
                state.seed("funnel_window", window)
                st.selectbox(say(N_("Within")), list(dict.fromkeys((*WINDOWS, window))), key="funnel_window", width=200,
                             format_func=lambda w: window_in_words(page, w), on_change=take, args=("window", "14d"))  # fmt: skip
            state.seed("funnel_entry", page.option("funnel", "entry") or "every_entry")
            st.selectbox(say(N_("What starts a try")), list(ENTRY_WORDS), key="funnel_entry", width=420,
                         format_func=lambda e: say(ENTRY_WORDS[e]), on_change=take, args=("entry", "every_entry"))  # fmt: skip


def window_in_words(page: Page, text: str) -> str:
    """14 days, or without a limit."""
    window = Duration("", unlimited=True).parse(text)
    return page.reader.say(N_("any time")) if window is None else page.reader.duration(window.total_seconds())


def take(option: str, default: str) -> None:
    """A choice becomes an option in the address; the default is not written."""
    chosen = str(state.value(f"funnel_{option}"))
    state.set_option("funnel", option, None if chosen == default else chosen)


def take_steps(before: tuple[Step, ...]) -> None:
    """The chosen steps, in the order they were chosen; either-or steps of a link stay as they are."""
    known = {s.label: s for s in before}
    chosen = state.value("funnel_steps")
    steps = [known.get(label) or Step((label,)) for label in chosen] if isinstance(chosen, Sequence) else []
    option = next(o for o in METRICS["funnel"].options if o.name == "steps")
    state.set_option("funnel", "steps", option.type.print(steps) if len(steps) > 1 else None)


def caption(page: Page, funnel: Result, steps: bool = True) -> list[Any]:
    """Who entered, when, within which window."""
    options = funnel.definition["options"]
    words = Text(
        N_("steps in order, within {window}"), {"window": Text("{w}", {"w": window_in_words(page, options["window"])})}
    )
    if options["window"] == "unlimited":
        words = Text(N_("steps in order, without a time limit"))
    entrants = int(funnel.frame["entrants"].iloc[0]) if len(funnel.frame) else 0
    if not page.facts.timed:
        return page.caption("entrants", [Text(N_("steps in order"))], entrants)
    return page.caption(
        "entrants", [words, Text(N_("first step in the range, later steps within the window"))], entrants
    )


def draw(page: Page, funnel: Result) -> None:
    """The funnel: solid bars reached, pale segments lost, the worst loss stronger."""
    later = funnel.frame.iloc[1:]
    worst = int(later.loc[later["drop_off"].idxmax(), "step"]) if len(later) else None
    finding = findings.completed(funnel.frame)
    with page.card(
        "funnel", finding, Text(N_("Customers who reach each step, share of the first")), funnel, caption(page, funnel),
        ("customers", "share_of_first", "drop_off"),
    ):  # fmt: skip
        figure.altair(lambda who: draw_funnel(funnel.frame, who, worst=worst), finding, key="funnel")


def draw_table(page: Page, funnel: Result) -> None:
    """From each step to the next: the share that goes on with its interval, those lost, and the time it takes."""
    frame = funnel.frame
    later = frame[frame["step"] > 1]
    slow = later[later["median_seconds"].notna()]
    finding = findings.least_goes_on(frame)
    if len(slow):
        top = slow.loc[slow["median_seconds"].idxmax()]
        finding = Text(N_("The longest wait is before {touchpoint}: {time} in the middle case"), {
            "touchpoint": str(top["touchpoint"]), "time": Text("{t}", {"t": page.reader.duration(top["median_seconds"])}),
        })  # fmt: skip
    names = list(frame["touchpoint"])
    timed = page.facts.timed
    heads = [Text(N_("Step")), Text(N_("Go on")), Text(N_("Interval")), Text(N_("Lost"))]
    heads += [Text(N_("Median time")), Text(N_("90% within"))] if timed else []
    with page.card(
        "steps", finding, Text(N_("Step by step, share of the step before")), funnel, caption(page, funnel),
        ("share_of_previous", "drop_off", "median_seconds", "p90_seconds"),
    ):  # fmt: skip
        figure.html(lambda m: m.table(heads, [
            [m.moved(m.text(names[r.step - 2]), m.text(r.touchpoint)), m.percent(r.share_of_previous, 1),
             m.dim(m.interval(r.share_of_previous_low, r.share_of_previous_high, 1, True)), m.number(r.drop_off),
             *([page.reader.duration(r.median_seconds), page.reader.duration(r.p90_seconds)] if timed else [])]
            for r in later.itertuples()
        ], numeric=tuple(range(1, len(heads)))))  # fmt: skip


def draw_groups(page: Page, steps: Sequence[Step], column: str) -> None:
    """Who completes the funnel: the last step by persona or segment, with intervals."""
    by = page.ask("funnel", by=[column], steps=tuple(steps))
    last = by.frame[by.frame["step"] == len(steps)]
    last = last.sort_values(["entrants"], ascending=False).head(GROUPS)
    known = last[(last["entrants"] >= findings.MIN_SHARE) & last[column].notna()]
    finding = Text(N_("Too few entrants per group to compare them"))
    if len(known) > 1:
        best, worst = known.loc[known["share_of_first"].idxmax()], known.loc[known["share_of_first"].idxmin()]
        finding = Text(N_("No group completes more often than chance allows"))
        if best["share_of_first_low"] > worst["share_of_first_high"]:
            finding = Text(
                N_("{best} complete most often, {worst} least often"),
                {"best": str(best[column]), "worst": str(worst[column])},
            )
    highest = max([*last["share_of_first_high"].dropna(), 0.01])
    heads = [Text(filter_bar.LABELS[column]), Text(N_("Entrants")), Text(N_("Complete")), "", Text(N_("Interval"))]
    with page.card(
        f"by_{column}", finding,
        Text(N_("Share of entrants who reach the last step, by {column}"), {"column": Text(filter_bar.IN_SENTENCE[column])}),
        by, caption(page, by)[1:], ("share_of_first", "entrants"),
    ):  # fmt: skip
        figure.html(lambda m: m.table(heads, [
            [page.group(getattr(r, column)), m.number(r.entrants), m.percent(r.share_of_first, 1),
             m.track(r.share_of_first, r.share_of_first_low, r.share_of_first_high, 0, highest),
             m.dim(m.interval(r.share_of_first_low, r.share_of_first_high, 1, True))]
            for r in last.itertuples()
        ], numeric=(1, 2, 4)))  # fmt: skip


run(show, N_("Drop-off"), N_("Where and when do we lose them, and how long do they take?"), "touchpoints")
