"""The step builder of the drop-off page: which steps, in which order, under which rules. All of it stands in the address.

The options of `funnel` hold the rules; every other metric of the page is asked with the same ones, so that all its charts
speak about the same tries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from cx_metrics.errors import OptionProblem
from cx_metrics.funnel import TRIES
from cx_metrics.options import Duration
from cx_metrics.registry import METRICS, Option
from cx_metrics.safe_text import safe
from cx_metrics.steps import MOST_STEPS, Exclusion, Kind, Step, Steps
from cx_metrics.texts import N_, NP_, Text
from pages.parts import address, cache, filter_bar, state
from pages.parts.page import Page

FUNNEL = "funnel"
WINDOWS = ("1h", "1d", "7d", "14d", "30d", "90d", "unlimited")
OWN_WINDOWS = ("", "10min", "1h", "1d", "2d", "7d", "14d", "30d")
WORTH_SHOWING = 0.02  # share of entrants who complete: below it the proposed order is probably not theirs
MOST_PROPOSED = 5  # steps of a path that is proposed
ORDER_WORDS = {
    "ordered": N_("In this order, others may lie between"),
    "strict": N_("In this order, directly one after the other"),
    "unordered": N_("In any order"),
}
ENTRY_WORDS = {
    "every_entry": N_("Every touchpoint of the first step may start a try"),
    "first_entry": N_("Only the first one of each customer"),
}
EQUAL_WORDS = {
    "together": N_("touchpoints of the same moment count as one after the other"),
    "apart": N_("touchpoints of the same moment do not follow each other"),
}
AGAIN_WORDS = {
    "tolerated": N_("a step may be done again before the next one"),
    "end_the_try": N_("a step that is done again ends the try"),
}
SPAN_WORDS = {
    "first_step": N_("the first step lies in the range of dates, later ones may follow it"),
    "every_step": N_("every step lies in the range of dates"),
}
RULE_WORDS = {"equal_times": EQUAL_WORDS, "repeats": AGAIN_WORDS, "span": SPAN_WORDS}
RULE_TITLES = {
    "equal_times": N_("The same moment"),
    "repeats": N_("A step that is done again"),
    "span": N_("Range of dates"),
}


def rules(page: Page, steps: Sequence[Step]) -> dict[str, Any]:
    """The options that every metric of the page is asked with."""
    given = {
        name: _option(name).read(text) for name in TRIES.options if (text := page.option(FUNNEL, name)) is not None
    }
    known = set(cache.values(page.version, "touchpoint"))
    kept = []
    for exclusion in given.get("exclude", ()):
        names = tuple(name for name in exclusion.kind.touchpoints if name in known)
        lost = [name for name in exclusion.kind.touchpoints if name not in known]
        state.note([Text(address.IGNORED, {"what": name[:80]}) for name in lost])
        kept += [replace(exclusion, kind=replace(exclusion.kind, touchpoints=names))] if names else []
    return given | {"steps": tuple(steps)} | ({"exclude": tuple(kept)} if "exclude" in given else {})


def asked(page: Page, names: Sequence[str]) -> tuple[Step, ...]:
    """The steps of the address; names that the dataset does not have are left out and named."""
    text = page.option(FUNNEL, "steps")
    try:
        given = Steps("").parse(text) if text else ()
    except OptionProblem as problem:
        state.note([problem.text])
        return ()
    steps = []
    for step in given:
        lost = [t for t in step.touchpoints if t not in names]
        state.note([Text(address.IGNORED, {"what": name[:80]}) for name in lost])
        kept = tuple(t for t in step.touchpoints if t in names)
        steps += [replace(step, touchpoints=kept)] if kept else []
    if steps:  # whatever was left out before it: the first step opens the funnel
        steps[0] = replace(steps[0], optional=False, window=None)
    return tuple(steps)


def proposed(page: Page) -> tuple[Step, ...]:
    """A first funnel: by stage up to the goal; where next to nobody completes that, along the most frequent path."""
    steps = by_stage(page)
    if len(steps) > 1:
        last = page.ask(FUNNEL, steps=steps).frame.iloc[-1]
        if last["share_of_first"] >= WORTH_SHOWING:
            return steps
    return along_path(page, "all") or steps


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


def along_path(page: Page, who: str) -> tuple[Step, ...]:
    """The touchpoints of the most frequent whole path that has three or more."""
    for path in page.ask("variants", top=20, repeats="merge", who=who).frame["path"]:
        names = list(dict.fromkeys(path))
        if len(names) >= 3:
            return tuple(Step((name,)) for name in names[:MOST_PROPOSED])
    return ()


def show(page: Page, steps: Sequence[Step], names: Sequence[str]) -> None:
    """The steps in one line; unfolded: one row each, proposals, window, order, what starts a try, what must not happen."""
    say = page.reader.say
    order = page.option(FUNNEL, "order") or "ordered"
    with st.container(key="card_builder"):
        st.html(page.m.path([_label(page, step) for step in steps]))
        unfolded = st.expander(say(N_("Change the steps and rules")), icon=":material/tune:")
    with unfolded:
        for place, step in enumerate(steps):
            _row(page, steps, place, step, names, order)
        with st.container(horizontal=True, key="funnel_add", vertical_alignment="center"):
            if len(steps) < MOST_STEPS:
                st.button(say(N_("Add a step")), icon=":material/add:", key="funnel_add_step", type="tertiary",
                          on_click=_set_steps, args=((*steps, Step((_unused(steps, names),))),))  # fmt: skip
            _proposals(page, steps)
        with st.container(horizontal=True, key="funnel_options", vertical_alignment="bottom"):
            _options(page, names, order)


def _label(page: Page, step: Step) -> object:
    """A step in words: its touchpoints, whether it is optional, its own window."""
    if step.window is None and not step.optional:
        return step.label
    words: dict[str, object] = {"touchpoint": step.label}
    form = N_("{touchpoint} (optional)")
    if step.window is not None:
        words["window"] = Text("{t}", {"t": page.reader.duration(step.window.total_seconds())})
        form = N_("{touchpoint} (optional, within {window})") if step.optional else N_("{touchpoint} (within {window})")
    return page.m.words(Text(form, words))


def _row(page: Page, steps: Sequence[Step], place: int, step: Step, names: Sequence[str], order: str) -> None:
    """One step: its touchpoints, whether it is optional, its own window, its place."""
    say = page.reader.say
    steps = tuple(steps)
    with st.container(horizontal=True, key=f"funnel_step_{place}", vertical_alignment="bottom"):
        key = f"funnel_names_{place}"
        label = say(Text(N_("Step {number}: any of"), {"number": place + 1}))
        state.seed(key, [name for name in step.touchpoints if name in names])
        st.multiselect(
            safe(label, "markdown"), names, key=key, format_func=page.reader.name,
            placeholder=say(N_("Choose touchpoints")), on_change=_take_names, args=(steps, place), width=400,
        )  # fmt: skip
        if place and order != "unordered":
            if page.facts.timed:
                own = "" if step.window is None else Duration("").print(step.window)
                state.seed(f"funnel_own_{place}", own)
                st.selectbox(
                    say(N_("After the step before")), list(dict.fromkeys((*OWN_WINDOWS, own))), key=f"funnel_own_{place}",
                    format_func=lambda w: within(page, w) if w else say(N_("any time")),
                    on_change=_take_own, args=(steps, place), width=190,
                )  # fmt: skip
            state.seed(f"funnel_optional_{place}", step.optional)
            st.checkbox(
                say(N_("Optional")), key=f"funnel_optional_{place}", on_change=_take_optional, args=(steps, place)
            )
        _move(page, steps, place, place - 1, "arrow_upward", N_("Move step {number} up"))
        _move(page, steps, place, place + 1, "arrow_downward", N_("Move step {number} down"))
        if len(steps) > 2:
            rest = steps[:place] + steps[place + 1 :]
            _button(page, place, "close", N_("Remove step {number}"), rest)


def _move(page: Page, steps: tuple[Step, ...], place: int, to: int, icon: str, words: str) -> None:
    if 0 <= to < len(steps):
        moved = list(steps)
        moved[place], moved[to] = moved[to], moved[place]
        _button(page, place, icon, words, tuple(moved))


def _button(page: Page, place: int, icon: str, words: str, steps: tuple[Step, ...]) -> None:
    st.button("", icon=f":material/{icon}:", key=f"funnel_{icon}_{place}", type="tertiary", on_click=_set_steps, args=(steps,),
              help=safe(page.reader.say(Text(words, {"number": place + 1})), "markdown"))  # fmt: skip


def _proposals(page: Page, steps: Sequence[Step]) -> None:
    """Common funnels of these data, one click each."""
    found = {N_("By stage, to the goal"): by_stage(page), N_("The most frequent path"): along_path(page, "all")}
    if page.has_goal():
        found[N_("The most frequent path to the goal")] = along_path(page, "converters")
    taken = {tuple(steps)}
    for place, (words, proposal) in enumerate(found.items()):
        if len(proposal) > 1 and proposal not in taken:
            taken.add(proposal)
            st.button(
                safe(page.reader.say(words), "markdown"), key=f"funnel_propose_{place}", type="tertiary",
                icon=":material/auto_awesome:", on_click=_set_steps, args=(proposal,),
            )  # fmt: skip


def _options(page: Page, names: Sequence[str], order: str) -> None:
    say = page.reader.say
    if page.facts.timed:
        window = page.option(FUNNEL, "window") or "14d"
        state.seed("funnel_window", window)
        st.selectbox(say(N_("Within")), list(dict.fromkeys((*WINDOWS, window))), key="funnel_window", width=160,
                     format_func=lambda w: within(page, w), on_change=_take, args=("window", "14d"))  # fmt: skip
    state.seed("funnel_order", order)
    st.selectbox(say(N_("Order")), list(ORDER_WORDS), key="funnel_order", width=330,
                 format_func=lambda o: say(ORDER_WORDS[o]), on_change=_take, args=("order", "ordered"))  # fmt: skip
    state.seed("funnel_entry", page.option(FUNNEL, "entry") or "every_entry")
    st.selectbox(say(N_("What starts a try")), list(ENTRY_WORDS), key="funnel_entry", width=380,
                 format_func=lambda e: say(ENTRY_WORDS[e]), on_change=_take, args=("entry", "every_entry"))  # fmt: skip
    given = _option("exclude").read(page.option(FUNNEL, "exclude") or "")
    shown = {str(exclusion): exclusion for exclusion in (*given, *(Exclusion(Kind((name,))) for name in names))}
    state.seed("funnel_exclude", [str(exclusion) for exclusion in given])
    st.multiselect(say(N_("Must not happen in between")), list(shown), key="funnel_exclude", width=330,
                   format_func=lambda text: excluded(page, shown[text]), placeholder=say(N_("Choose touchpoints")),
                   on_change=_take_exclusions)  # fmt: skip
    _more(page)


def _more(page: Page) -> None:
    """Rules that few ask for."""
    say = page.reader.say
    asked_for = {name: page.option(FUNNEL, name) or str(_option(name).default) for name in RULE_WORDS}
    n = sum(value != _option(name).default for name, value in asked_for.items())
    one, many = NP_("{n} more rule", "{n} more rules")
    with filter_bar.chip(
        "funnel_rules", n > 0, say(Text(one, {"n": n}, many, n)) if n else say(N_("More rules")), "rule"
    ):
        for name, words in RULE_WORDS.items():
            state.seed(f"funnel_{name}", asked_for[name])
            st.radio(say(RULE_TITLES[name]), list(words), key=f"funnel_{name}",
                     format_func=lambda v, words=words: safe(say(words[v]), "markdown"),
                     on_change=_take, args=(name, str(_option(name).default)))  # fmt: skip


def excluded(page: Page, exclusion: Exclusion) -> str:
    """An exclusion in words: its touchpoints, and between which steps if not anywhere."""
    label = page.reader.name(exclusion.kind.label)
    if exclusion.after is None:
        return label
    return page.reader.say(Text(N_("{touchpoint}, between steps {first} and {last}"), {
        "touchpoint": label, "first": exclusion.after, "last": exclusion.before,
    }))  # fmt: skip


def within(page: Page, text: str) -> str:
    """14 days, or without a limit."""
    window = Duration("", unlimited=True).parse(text)
    return page.reader.say(N_("any time")) if window is None else page.reader.duration(window.total_seconds())


def _unused(steps: Sequence[Step], names: Sequence[str]) -> str:
    """The most frequent touchpoint that is no step yet."""
    used = {name for step in steps for name in step.touchpoints}
    return next((name for name in names if name not in used), names[0])


def _option(name: str) -> Option:
    return next(o for o in METRICS[FUNNEL].options if o.name == name)


def _take(option: str, default: str) -> None:
    """A choice becomes an option in the address; the default is not written."""
    chosen = str(state.value(f"funnel_{option}"))
    state.set_option(FUNNEL, option, None if chosen == default else chosen)


def _take_exclusions() -> None:
    chosen = state.value("funnel_exclude")
    state.set_option(FUNNEL, "exclude", ",".join(chosen) if isinstance(chosen, list) and chosen else None)


def _take_names(steps: tuple[Step, ...], place: int) -> None:
    """The touchpoints of a step; a step without any is taken away, while two are left."""
    chosen = state.value(f"funnel_names_{place}")
    names = tuple(str(name) for name in chosen) if isinstance(chosen, list) else ()
    if names:
        _change(steps, place, touchpoints=names)
    elif len(steps) > 2:
        _set_steps(steps[:place] + steps[place + 1 :])


def _take_own(steps: tuple[Step, ...], place: int) -> None:
    text = str(state.value(f"funnel_own_{place}") or "")
    _change(steps, place, window=Duration("").parse(text) if text else None)


def _take_optional(steps: tuple[Step, ...], place: int) -> None:
    _change(steps, place, optional=bool(state.value(f"funnel_optional_{place}")))


def _change(steps: tuple[Step, ...], place: int, **changes: Any) -> None:
    _set_steps(steps[:place] + (replace(steps[place], **changes),) + steps[place + 1 :])


def _set_steps(steps: tuple[Step, ...]) -> None:
    """The steps in the address. What moves to the front opens the funnel: it is not optional and has no window of its own."""
    first = replace(steps[0], optional=False, window=None)
    state.set_option(FUNNEL, "steps", Steps("").print((first, *steps[1:])))
