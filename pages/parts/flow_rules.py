"""Which part of the journeys a page speaks about, and by which rules touchpoints become steps. All of it is in the address.

The options of `flow_links` hold them; every other metric of the page is asked with the same ones, so that all charts of the
page show the same paths.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from cx_metrics.charts.sankey import Anchor
from cx_metrics.definition import differing
from cx_metrics.errors import OptionProblem
from cx_metrics.options import TRAILING_SLASH, OptionType
from cx_metrics.registry import METRICS
from cx_metrics.run import Result
from cx_metrics.safe_text import safe
from cx_metrics.texts import N_, NP_, Text
from pages.parts import address, cache, filter_bar, state
from pages.parts.markup import Words
from pages.parts.page import Page

FLOW = "flow_links"
MOST_WITH_MEDIANS = 500_000  # touchpoints of a view above which a median of every move would be waited for

PART_WORDS: dict[Anchor, str] = {
    "none": N_("Whole journeys"),
    "after": N_("After a touchpoint"),
    "before": N_("Before a touchpoint"),
    "between": N_("Between two touchpoints"),
}
CHIPS: dict[Anchor, str] = {
    "none": N_("Whole journeys"), "after": N_("After {start}"), "before": N_("Before {end}"),
    "between": N_("From {start} to {end}"),
}  # fmt: skip
CAPTIONS: dict[Anchor, str] = {
    "none": N_("whole journeys"), "after": N_("after {start}"), "before": N_("before {end}"),
    "between": N_("from {start} to {end}"),
}  # fmt: skip
REPEAT_WORDS = {
    "merge": N_("the same touchpoint twice in a row is one step"),
    "keep": N_("the same touchpoint twice in a row is two steps"),
}
NODE_WORDS = {
    "path_start": N_("Journey begins"), "path_end": N_("Journey over"), "(other)": N_("Other"), "...": N_("Steps in between"),
    "drop_off": N_("Drop-off"), "continues_beyond": N_("Continues"),
}  # fmt: skip
UNLIKE_WORDS = {  # what a card does that the flow does not, by the part of the definition that differs
    "options.start": N_("whole journeys, not only a part of them"),
    "options.end": N_("whole journeys, not only a part of them"),
    "options.exclude": N_("no touchpoint is left out"),
    "options.group": N_("names are not grouped"),
    "options.repeats": N_("the same touchpoint twice in a row counts twice"),
    "population": N_("other customers or touchpoints"),
    "grain": N_("another unit than the journeys of the flow"),
    "range": N_("other dates"),
}
TIME_WORDS = {"median": N_("median time of a move"), "mean": N_("mean time of a move")}
PATTERN_HELP = N_(
    "A name that matches a pattern becomes the pattern. * stands for any signs, | stands between two patterns, and the first "
    "one that matches counts: /product/*|/help/*. The pattern */ takes slashes off the end of names."
)


@dataclass(frozen=True)
class Rules:
    """The part of the journeys between `start` and `end`; names left out, names grouped by patterns, repeats."""

    start: tuple[str, ...] = ()
    end: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    repeats: str = "merge"

    @property
    def anchor(self) -> Anchor:
        """Where paths begin and end."""
        if self.start:
            return "between" if self.end else "after"
        return "before" if self.end else "none"

    @property
    def plain(self) -> bool:
        """Whether the steps are those that a filter on a node counts: whole journeys, all names, repeats merged."""
        return self == Rules()

    def of(self, metric: str) -> dict[str, Any]:
        """These rules as options of a metric, those that it has."""
        known = {option.name for option in METRICS[metric].options}
        given = {
            "start": self.start or None, "end": self.end or None, "exclude": self.exclude or None,
            "group": self.group or None, "repeats": self.repeats,
        }  # fmt: skip
        return {name: value for name, value in given.items() if name in known}

    def in_words(self, metric: str) -> list[Words]:
        """Those of the rules that a metric has, for a caption: where paths begin and end, repeats, names."""
        known = self.of(metric)
        said: list[Words] = []
        if self.anchor != "none" and "start" in known:
            said.append(self.filled(CAPTIONS))
        if "repeats" in known:
            said.append(Text(REPEAT_WORDS[self.repeats]))
        if self.exclude and "exclude" in known:
            said.append(Text(N_("left out: {names}"), {"names": self.exclude}))
        if self.group and "group" in known:
            said.append(Text(N_("names grouped by {patterns}"), {"patterns": self.group}))
        return said

    def filled(self, words: dict[Anchor, str]) -> Text:
        """One of `words` for the anchor, with the touchpoints it names."""
        return Text(words[self.anchor], {"start": self.start, "end": self.end})


def asked(page: Page) -> Rules:
    """The rules of the address; touchpoints that the dataset does not have are left out and named."""
    group = tuple(_value(page, "group"))
    known = set(names(page, group))
    kept: dict[str, tuple[str, ...]] = {}
    for name in ("start", "end", "exclude"):
        given = _value(page, name)
        state.note([Text(address.IGNORED, {"what": lost[:80]}) for lost in given if lost not in known])
        kept[name] = tuple(touchpoint for touchpoint in given if touchpoint in known)
    return Rules(**kept, group=group, repeats=page.option(FLOW, "repeats") or "merge")


def times(page: Page) -> str:
    """Median times of moves, unless there are so many touchpoints that the mean alone is quick; the address may ask."""
    few = page.people.get("touchpoints", 0) <= MOST_WITH_MEDIANS
    return page.option(FLOW, "times") or ("median" if few else "mean")


def show(page: Page, rules: Rules) -> None:
    """The row under the filters: two chips, each with its current value."""
    with st.container(horizontal=True, key="flow_rules", vertical_alignment="center"):
        _part(page, rules)
        _naming(page, rules)


def unlike(here: Result, flow: Result) -> Text | None:
    """What is counted by another definition in this card than in the flow, if anything."""
    parts = differing(here.definition, flow.definition)
    found = [words for name, words in UNLIKE_WORDS.items() if _differs(name, parts)]
    if not found:
        return None
    return Text(N_("Counted by another definition than the flow: {differences}."),
                {"differences": [Text(words) for words in dict.fromkeys(found)]})  # fmt: skip


def _differs(name: str, parts: dict[str, tuple[Any, Any]]) -> bool:
    """Whether a part says two things; a metric without the option counts whole journeys, all names, repeats kept."""
    given = [(mine, its) for part, (mine, its) in parts.items() if part == name or part.startswith(f"{name}.")]
    usual = "keep" if name == "options.repeats" else ""
    return any((mine or usual) != (its or usual) for mine, its in given)


def node(page: Page, name: object) -> str:
    """A touchpoint, or what stands in its place, in the reader's words."""
    return page.reader.say(NODE_WORDS[str(name)]) if str(name) in NODE_WORDS else str(name)


def nodes(page: Page, names: Sequence[str]) -> dict[str, str]:
    """Names that stand in the place of a touchpoint, in the reader's words."""
    return {name: page.reader.say(NODE_WORDS[name]) for name in names if name in NODE_WORDS}


def names(page: Page, group: Sequence[str]) -> tuple[str, ...]:
    """The names of steps, as they are after grouping: patterns first, then touchpoints, the most frequent first."""
    known = cache.values(page.version, "touchpoint")
    if TRAILING_SLASH in group:
        known = tuple(name.rstrip("/") or "/" for name in known)
    return tuple(dict.fromkeys((*(pattern for pattern in group if pattern != TRAILING_SLASH), *known)))


def _part(page: Page, rules: Rules) -> None:
    """Where paths begin and end."""
    say = page.reader.say
    shown = say(rules.filled(CHIPS))
    with filter_bar.chip("part", rules.anchor != "none", shown, "start"):
        state.seed("flow_part", rules.anchor)
        st.radio(say(N_("Which part of the journeys")), list(PART_WORDS), key="flow_part",
                 format_func=lambda part: say(PART_WORDS[part]),
                 on_change=_take_part, args=(rules, *_proposed(page)))  # fmt: skip
        if rules.start:
            _choose(page, rules, "start", N_("Begins at the first of"))
        if rules.end:
            _choose(page, rules, "end", N_("Ends at the first of"))


def _proposed(page: Page) -> tuple[str, str]:
    """What paths begin and end at until the reader chooses: the most frequent touchpoint, and the goal."""
    known = cache.values(page.version, "touchpoint")
    goal = page.facts.goal_of(page.view)
    end = goal[0] if goal else known[-1]
    return next((name for name in known if name not in (end, *goal)), end), end


def _take_part(rules: Rules, first: str, last: str) -> None:
    part = state.value("flow_part")
    start = (rules.start or (first,)) if part in ("after", "between") else ()
    end = (rules.end or (last,)) if part in ("before", "between") else ()
    _set("start", start)
    _set("end", end)


def _naming(page: Page, rules: Rules) -> None:
    """Repeats, names left out, names grouped, and which time a link says."""
    say = page.reader.say
    n = sum((rules.repeats != "merge", bool(rules.exclude), bool(rules.group)))
    one, many = NP_("{n} rule for steps", "{n} rules for steps")
    shown = say(Text(one, {"n": n}, many, n)) if n else say(N_("Rules for steps"))
    with filter_bar.chip("naming", n > 0, shown, "rule"):
        state.seed("flow_repeats", rules.repeats)
        st.radio(say(N_("The same touchpoint twice in a row")), list(REPEAT_WORDS), key="flow_repeats",
                 format_func=lambda r: say(REPEAT_WORDS[r]), on_change=_take_choice, args=("repeats", "merge"))  # fmt: skip
        _choose(page, rules, "exclude", N_("Leave out touchpoints"))
        _patterns(page, rules)
        if page.facts.timed:
            state.seed("flow_times", times(page))
            st.radio(say(N_("Time on links")), list(TIME_WORDS), key="flow_times", format_func=lambda t: say(TIME_WORDS[t]),
                     on_change=_take_choice, args=("times", ""))  # fmt: skip
        st.button(say(N_("Standard rules")), key="flow_standard", type="tertiary", on_click=_reset, disabled=not n)


def _choose(page: Page, rules: Rules, option: str, label: str) -> None:
    """A multiselect of names, as they are after grouping."""
    state.seed(f"flow_{option}", list(getattr(rules, option)))
    st.multiselect(
        page.reader.say(label), names(page, rules.group), key=f"flow_{option}", format_func=page.reader.name,
        placeholder=page.reader.say(N_("Choose touchpoints")), on_change=_take_names, args=(option,),
    )  # fmt: skip


def _patterns(page: Page, rules: Rules) -> None:
    """The patterns that group names; text that is none stays in the field with what is wrong about it."""
    wrong = state.kept("flow_patterns_wrong")
    text, problem = wrong if isinstance(wrong, tuple) else (_type("group").print(rules.group or None), None)
    state.seed("flow_group", text)
    st.text_input(page.reader.say(N_("Group names by patterns")), key="flow_group", on_change=_take_patterns,
                  help=safe(page.reader.say(PATTERN_HELP), "markdown"), placeholder="/product/*|/help/*")  # fmt: skip
    if problem is not None:
        st.html(page.m.notice(problem, "bad"))


def _take_patterns() -> None:
    text = str(state.value("flow_group") or "").strip()
    try:
        _set("group", _type("group").parse(text) if text else ())
    except OptionProblem as problem:
        state.keep("flow_patterns_wrong", (text, problem.text))
        return
    state.keep("flow_patterns_wrong", None)


def _take_names(option: str) -> None:
    chosen = state.value(f"flow_{option}")
    _set(option, tuple(str(name) for name in chosen) if isinstance(chosen, Sequence) else ())


def _take_choice(option: str, default: str) -> None:
    chosen = str(state.value(f"flow_{option}"))
    state.set_option(FLOW, option, None if chosen == default else chosen)


def _reset() -> None:
    for option in ("repeats", "exclude", "group"):
        state.set_option(FLOW, option, None)
    state.keep("flow_patterns_wrong", None)


def anchor(side: str, touchpoint: str) -> None:
    """The flow begins ("start") or ends ("end") at a touchpoint; what it did at its other side stays."""
    _set(side, (touchpoint,))


def fold(page: Page, top: int) -> dict[str, Any]:
    """How touchpoints are folded into Other: the largest of a step keep their names, those chosen always do."""
    least = page.option(FLOW, "least")
    return {"top": top, "keep": _value(page, "keep") or None, "least": _type("least").parse(least) if least else 0.0}


def _set(option: str, value: Sequence[str]) -> None:
    """An option in the address; none takes it away."""
    state.set_option(FLOW, option, _type(option).print(tuple(value)) if value else None)


def _value(page: Page, option: str) -> tuple[str, ...]:
    text = page.option(FLOW, option)
    return tuple(_type(option).parse(text) or ()) if text else ()


def _type(option: str) -> OptionType:
    return next(o.type for o in METRICS[FLOW].options if o.name == option)
