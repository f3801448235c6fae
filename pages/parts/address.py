"""A view as the address bar holds it, and back. Ids and data values only, never translated labels.

    /flow?ds=<32 hex>&lang=ar&from=2026-01-01&to=2026-03-31&persona=Saver&persona=Family&flow_links.steps=6&b.persona=Student

What cannot be read, or is not in the dataset, is ignored and named in `notes`; a link never fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from cx_metrics.errors import OptionProblem
from cx_metrics.options import Touchpoints
from cx_metrics.registry import METRICS
from cx_metrics.steps import Steps
from cx_metrics.texts import N_, Text
from cx_metrics.view import (
    COMPARES,
    GRAINS,
    RANGE_RULES,
    TOUCHPOINT_FILTERS,
    TOUCHPOINT_RULES,
    Facts,
    Filter,
    Passing,
    Tried,
    View,
)
from pages.parts.language import LANGUAGES

Params = dict[str, list[str]]

PLAIN = ("persona", "segment", "region")  # customer columns that stand in the address under their own name
OTHER_PREFIX = "is."  # any other attribute of a customer: is.age_band=25-34
AGAINST = "b."  # customers of segment B, to compare with: b.persona=Family, b.is.age_band=25-34
NOT_KNOWN = "~"  # stands for "not known" in a filter; a value that begins with it gets one more
FIRST_DAY = date(1900, 1, 1)  # near the ends of the calendar, a day has no day before or after it to count to
LAST_DAY = date(2200, 12, 31)
IGNORED = N_("The link asks for {what}, which this dataset does not have. It was left out.")
UNREADABLE = N_("The link's {name} cannot be read: {found}. It was left out.")


@dataclass(frozen=True)
class Address:
    """What a link says: the dataset and its version, the language, the view, options of metrics in their text form."""

    dataset: str = ""
    language: str = ""
    view: View = View()
    options: tuple[tuple[str, str], ...] = ()
    version: int = 0

    def option(self, metric: str, name: str) -> str | None:
        """The text of an option, if the link gives one."""
        return dict(self.options).get(f"{metric}.{name}")

    def with_option(self, metric: str, name: str, text: str | None) -> Address:
        """The same address with another option; None takes it away."""
        rest = {k: v for k, v in self.options if k != f"{metric}.{name}"}
        kept = rest if text is None else rest | {f"{metric}.{name}": text}
        return replace(self, options=tuple(sorted(kept.items())))


def encode(address: Address) -> Params:
    """The parameters of the address bar; only what differs from the default is written."""
    view = address.view
    found: Params = {
        "ds": [address.dataset],
        "v": [str(address.version)] if address.version else [],
        "lang": [address.language],
    }
    found["from"] = [view.first_day.isoformat()] if view.first_day else []
    found["to"] = [view.last_day.isoformat()] if view.last_day else []
    for name, value, default in (
        ("compare", view.compare, COMPARES[0]),
        ("range", view.range_rule, RANGE_RULES[0]),
        ("grain", view.grain, GRAINS[0]),
        ("only", view.touchpoint_rule, TOUCHPOINT_RULES[0]),
    ):
        found[name] = [value] if value != default else []
    found["goal"] = [Touchpoints("").print(view.goal)] if view.goal else []
    for kept in view.customers + view.touchpoints:
        found[_print_column(kept.column)] = [_print_value(value) for value in kept.values]
    for kept in view.against:
        found[AGAINST + _print_column(kept.column, PLAIN)] = [_print_value(value) for value in kept.values]
    if view.passing:
        found["passing"] = [_print_passing(view.passing)]
    if view.tried:
        found["tried"] = [_print_tried(view.tried)]
    found |= {name: [text] for name, text in address.options}
    return {name: values for name, values in found.items() if values and values != [""]}


def decode(params: Mapping[str, list[str]]) -> tuple[Address, list[Text]]:
    """What the parameters say, and a note for each that cannot be read."""
    notes: list[Text] = []
    one = {name: values[-1] for name, values in params.items() if values}

    def choice(name: str, allowed: Iterable[str]) -> str | None:
        if name in one and one[name] not in allowed:
            notes.append(Text(UNREADABLE, {"name": name, "found": one[name][:60]}))
        return one[name] if one.get(name) in allowed else None

    def day(name: str) -> date | None:
        try:
            found = date.fromisoformat(one[name]) if name in one else None
        except ValueError:
            found = date.max
        if found is None or FIRST_DAY <= found <= LAST_DAY:
            return found
        notes.append(Text(UNREADABLE, {"name": name, "found": one[name][:60]}))
        return None

    first, last = day("from"), day("to")
    if first and last and first > last:
        notes.append(Text(UNREADABLE, {"name": "from", "found": one["from"]}))
        first = last = None
    view = View(
        first_day=first,
        last_day=last,
        compare=choice("compare", COMPARES) or COMPARES[0],  # type: ignore[arg-type]
        range_rule=choice("range", RANGE_RULES) or RANGE_RULES[0],  # type: ignore[arg-type]
        grain=choice("grain", GRAINS) or GRAINS[0],  # type: ignore[arg-type]
        touchpoint_rule=choice("only", TOUCHPOINT_RULES) or TOUCHPOINT_RULES[0],  # type: ignore[arg-type]
        goal=_read_goal(one, notes),
        passing=_read_passing(one, notes),
        tried=_read_tried(one, notes),
    )
    for name, values in params.items():
        kept = tuple(dict.fromkeys(map(_read_value, values)))
        if column := _read_column(name):
            view = view.with_values(column, kept)
        elif name.startswith(AGAINST) and (column := _read_column(name.removeprefix(AGAINST), PLAIN)):
            view = view.with_against(column, kept)
    dataset = one.get("ds", "") if re.fullmatch(r"[0-9a-f]{32}", one.get("ds", "")) else ""
    if one.get("ds") and not dataset:
        notes.append(Text(UNREADABLE, {"name": "ds", "found": one["ds"][:60]}))
    version = int(one["v"]) if re.fullmatch(r"[0-9]{1,6}", one.get("v", "")) else 0
    return Address(dataset, choice("lang", LANGUAGES) or "", view, _read_options(one, notes), version), notes


def fit(view: View, facts: Facts, values: Mapping[str, tuple[str, ...]]) -> tuple[View, list[Text]]:
    """The part of the view that this dataset has; notes for the rest. `values`: known values of filter columns."""
    notes: list[Text] = []
    for kept in view.customers + view.touchpoints:
        known = values.get(kept.column, ())
        left = tuple(v for v in kept.values if v in known)
        for lost in (v for v in kept.values if v not in known):
            notes.append(Text(IGNORED, {"what": f"{kept.column} = {lost or '–'}"[:80]}))
        if left != kept.values:
            view = view.with_values(kept.column, left)
    for kept in view.against:
        left = tuple(v for v in kept.values if v in values.get(kept.column, ()))
        lost = [v for v in kept.values if v not in left]
        notes += [Text(IGNORED, {"what": f"B: {kept.column} = {v or '–'}"[:80]}) for v in lost]
        view = view.with_against(kept.column, left)
    if view.goal:
        goal = tuple(g for g in view.goal if g in values.get("touchpoint", ()))
        notes += [Text(IGNORED, {"what": g[:80]}) for g in view.goal if g not in goal]
        view = replace(view, goal=goal or None)
    passed = (view.passing.touchpoint, view.passing.next_touchpoint) if view.passing else ()
    unknown = next((name for name in passed if name is not None and name not in values.get("touchpoint", ())), None)
    if unknown is not None:
        notes.append(Text(IGNORED, {"what": unknown[:80]}))
        view = replace(view, passing=None)
    steps = Steps("").parse(dict(view.tried.funnel)["steps"]) if view.tried else ()
    lost_names = [name for step in steps for name in step.touchpoints if name not in values.get("touchpoint", ())]
    if lost_names:
        notes += [Text(IGNORED, {"what": name[:80]}) for name in lost_names]
        view = replace(view, tried=None)
    if view.compare == "previous":
        first, last = view.first_day or facts.first_day, view.last_day or facts.last_day
        whole = view.first_day is None and view.last_day is None
        if whole or first is None or last is None:
            notes.append(Text(N_("All dates have no period before them, so there is nothing to compare with.")))
            view = replace(view, compare="none")
        elif (first, last) != (view.first_day, view.last_day):
            notes.append(
                Text(N_("A comparison needs both ends of a range; the missing one was set to the end of the data."))
            )
            view = replace(view, first_day=first, last_day=last)
    if not facts.timed and (view.first_day or view.last_day):
        notes.append(Text(N_("These touchpoints have no time, so the link's date range was left out.")))
        view = replace(view, first_day=None, last_day=None, compare="none")
    if view.grain == "case" and "case_id" not in facts.columns.get("touchpoints", ()):
        notes.append(Text(IGNORED, {"what": "case_id"}))
        view = replace(view, grain="journey")
    return view, notes


def merged(view: View, kept: Filter) -> View:
    """The view with one more value of a filter."""
    before = view.values(kept.column)
    return view.with_values(kept.column, tuple(dict.fromkeys((*before, *kept.values))))


def _print_column(column: str, plain: Sequence[str] = (*PLAIN, *TOUCHPOINT_FILTERS)) -> str:
    return column if column in plain else OTHER_PREFIX + column


def _read_column(name: str, plain: Sequence[str] = (*PLAIN, *TOUCHPOINT_FILTERS)) -> str:
    """The column that a parameter filters; empty if it filters none."""
    if name in plain:
        return name
    return name.removeprefix(OTHER_PREFIX) if name.startswith(OTHER_PREFIX) else ""


def _print_value(value: str) -> str:
    return NOT_KNOWN + value if not value or value.startswith(NOT_KNOWN) else value


def _read_value(text: str) -> str:
    return text[1:] if text == NOT_KNOWN or text.startswith(NOT_KNOWN * 2) else text


def _read_goal(one: Mapping[str, str], notes: list[Text]) -> tuple[str, ...] | None:
    if "goal" not in one:
        return None
    try:
        return Touchpoints("").parse(one["goal"])
    except OptionProblem as problem:
        notes.append(problem.text)
        return None


def _read_options(one: Mapping[str, str], notes: list[Text]) -> tuple[tuple[str, str], ...]:
    """Options of metrics that parse; their text is kept in its one printed form."""
    found = {}
    for name, text in one.items():
        metric, _dot, option = name.partition(".")
        if metric not in METRICS or not option:
            continue
        types = {o.name: o.type for o in METRICS[metric].options}
        if option in types:
            try:
                found[name] = types[option].print(types[option].parse(text))
            except OptionProblem as problem:
                notes.append(problem.text)
    return tuple(sorted(found.items()))


def _print_passing(passing: Passing) -> str:
    """`2|Website` a node, `2|Website|Cart` a link, `2|Website|` journeys that end there."""
    names = [passing.touchpoint]
    if passing.ends or passing.next_touchpoint is not None:
        names.append("" if passing.ends else passing.next_touchpoint or "")
    return f"{passing.step}|" + "|".join(name.replace("\\", r"\\").replace("|", r"\|") for name in names)


def _read_passing(one: Mapping[str, str], notes: list[Text]) -> Passing | None:
    if "passing" not in one:
        return None
    parts = _split(one["passing"])
    if len(parts) in (2, 3) and re.fullmatch("[1-9]|10", parts[0]) and parts[1]:
        following = parts[2] if len(parts) == 3 else None
        return Passing(int(parts[0]), parts[1], following or None, ends=following == "")
    notes.append(Text(UNREADABLE, {"name": "passing", "found": one["passing"][:60]}))
    return None


def _print_tried(tried: Tried) -> str:
    """`lost|3|steps=…|window=7d`, `reached|2|steps=…`."""
    parts = ["lost" if tried.lost else "reached", str(tried.step), *(f"{name}={text}" for name, text in tried.funnel)]
    return "|".join(part.replace("\\", r"\\").replace("|", r"\|") for part in parts)


def _read_tried(one: Mapping[str, str], notes: list[Text]) -> Tried | None:
    if "tried" not in one:
        return None
    side, _bar, rest = one["tried"].partition("|")
    step, *rules = _split(rest)
    given = [rule.split("=", 1) for rule in rules if "=" in rule]
    try:
        known = {option.name: option for option in METRICS["funnel"].options}
        funnel = tuple(sorted((name, str(known[name].type.print(known[name].read(text)))) for name, text in given))
        if side in ("lost", "reached") and re.fullmatch("[1-9]|1[0-2]", step) and "steps" in dict(funnel):
            return Tried(int(step), side == "lost", funnel)
    except (KeyError, OptionProblem):
        pass
    notes.append(Text(UNREADABLE, {"name": "tried", "found": one["tried"][:60]}))
    return None


def _split(text: str) -> list[str]:
    """Cut at bars that no backslash escapes."""
    parts, escaped = [""], False
    for sign in text:
        if not escaped and sign == "\\":
            escaped = True
        elif not escaped and sign == "|":
            parts.append("")
        else:
            parts[-1] += sign
            escaped = False
    return parts
