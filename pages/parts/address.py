"""An address as the address bar holds it, and back: the dataset, the language, the view (`cx_metrics.view_text`), options.

    /flow?saved=<32 hex>                                                             a saved view, by its id alone
    /flow?ds=<32 hex>&lang=ar&from=2026-01-01&to=2026-03-31&persona=Saver&persona=Family&flow_links.steps=6&b.persona=Student

What cannot be read, or is not in the dataset, is ignored and named in `notes`; a link never fails.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlencode

from cx_metrics.answers import GROUPS
from cx_metrics.around_answers import MOODS
from cx_metrics.errors import OptionProblem
from cx_metrics.options import Way
from cx_metrics.registry import METRICS
from cx_metrics.segments import fitting
from cx_metrics.steps import Steps
from cx_metrics.texts import N_, Text
from cx_metrics.view import Belonging, Facts, Filter, View
from cx_metrics.view_text import UNREADABLE, Params, decode_view, encode_view, print_belonging
from pages.parts.calendars import CALENDARS
from pages.parts.language import LANGUAGES

CHOICES = {  # of pages, that are no option of a metric
    "voice.period": ("day", "week", "quarter"),
    "voice.before": tuple(GROUPS),
    "flow.moves": ("matrix", "steps"),
    "flow.against_segment": ("step_matrix", "variants"),
    "flow.against_days": ("step_matrix", "variants"),
    "flow.folded": ("shown",),
    "voice.around": MOODS[1:],
}
NAMED = ("touchpoint.name", "personas.column")  # choices of pages that name something of the data
LONGEST_NAME = 2_000  # signs: more would not fit in a link
WAYS = {"flow.path": Way("")}  # of pages too: a whole path that is shown
IGNORED = N_("The link asks for {what}, which this dataset does not have. It was left out.")


@dataclass(frozen=True)
class Address:
    """What a link says: the dataset and its version, the language, the view, options of metrics in their text form; digits and
    calendar, where they are others than is usual in the language; the id of the saved view that it was opened from, if it was."""

    dataset: str = ""
    language: str = ""
    view: View = View()
    options: tuple[tuple[str, str], ...] = ()
    version: int = 0
    digits: str = ""
    calendar: str = ""
    saved: str = ""

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
    found: Params = {
        "ds": [address.dataset],
        "v": [str(address.version)] if address.version else [],
        "lang": [address.language],
        "digits": [address.digits],
        "calendar": [address.calendar],
        "saved": [address.saved],
        **encode_view(address.view),
    }
    found |= {name: [text] for name, text in address.options}
    return {name: values for name, values in found.items() if values and values != [""]}


def decode(params: Mapping[str, list[str]]) -> tuple[Address, list[Text]]:
    """What the parameters say, and a note for each that cannot be read."""
    notes: list[Text] = []
    one = {name: values[-1] for name, values in params.items() if values}

    view = decode_view(params, notes)
    language = one.get("lang", "")
    if language and language not in LANGUAGES:
        notes.append(Text(UNREADABLE, {"name": "lang", "found": language[:60]}))
        language = ""
    dataset = one.get("ds", "") if re.fullmatch(r"[0-9a-f]{32}", one.get("ds", "")) else ""
    if one.get("ds") and not dataset:
        notes.append(Text(UNREADABLE, {"name": "ds", "found": one["ds"][:60]}))
    version = int(one["v"]) if re.fullmatch(r"[0-9]{1,6}", one.get("v", "")) else 0
    digits = one.get("digits", "") if one.get("digits") == "latin" else ""
    calendar = one.get("calendar", "") if one.get("calendar") in CALENDARS else ""
    saved = one.get("saved", "")
    if not re.fullmatch(r"[0-9a-f]{32}", saved):
        notes += [Text(UNREADABLE, {"name": "saved", "found": saved[:60]})] if saved else []
        saved = ""
    return Address(dataset, language, view, _read_options(one, notes), version, digits, calendar, saved), notes


def as_query(address: Address) -> str:
    """What a saved view keeps of an address: view and options; not of which dataset, in which language and writing."""
    return urlencode(
        encode(replace(address, dataset="", language="", version=0, digits="", calendar="", saved="")), doseq=True
    )


def from_query(text: str) -> tuple[Address, list[Text]]:
    """The view and options that `as_query` wrote, and a note for each part that cannot be read."""
    found, notes = decode(parse_qs(text, keep_blank_values=True))
    return Address(view=found.view, options=found.options), notes


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
    if view.answered and "surveys" not in facts.tables:
        notes.append(Text(IGNORED, {"what": view.answered.survey_type}))
        view = replace(view, answered=None)
    if view.belonging.rule in ("last", "journey") and "contacts_before" not in facts.columns.get("surveys", ()):
        notes.append(Text(IGNORED, {"what": f"belonging = {print_belonging(view.belonging)}"}))
        view = replace(view, belonging=Belonging())
    members, unread = fitting(view.members)
    against, unread_against = fitting(view.against_members)
    notes += [Text(IGNORED, {"what": name[:80]}) for name in (*unread, *unread_against)]
    view = replace(view, members=members, against_members=against)
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
    if not facts.timed and (view.first_day or view.last_day or view.compare_first):
        notes.append(Text(N_("These touchpoints have no time, so the link's date range was left out.")))
        view = replace(view, first_day=None, last_day=None, compare="none", compare_first=None, compare_last=None)
    if view.grain == "case" and "case_id" not in facts.columns.get("touchpoints", ()):
        notes.append(Text(IGNORED, {"what": "case_id"}))
        view = replace(view, grain="journey")
    return view, notes


def merged(view: View, kept: Filter) -> View:
    """The view with one more value of a filter."""
    before = view.values(kept.column)
    return view.with_values(kept.column, tuple(dict.fromkeys((*before, *kept.values))))


def _read_options(one: Mapping[str, str], notes: list[Text]) -> tuple[tuple[str, str], ...]:
    """Options of metrics that parse; their text is kept in its one printed form."""
    found = {}
    for name, text in one.items():
        if text in CHOICES.get(name, ()) or (name in NAMED and 0 < len(text) <= LONGEST_NAME):
            found[name] = text
        if name in WAYS:
            try:
                found[name] = WAYS[name].print(WAYS[name].parse(text))
            except OptionProblem as problem:
                notes.append(problem.text)
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
