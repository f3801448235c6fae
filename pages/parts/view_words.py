"""What a view says, in the reader's words: filters for chips and captions, segments for lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from cx_metrics.segments import AllOf, Condition, Leaf, Not, parse_condition
from cx_metrics.steps import Steps
from cx_metrics.texts import N_, Text
from cx_metrics.view import Answered, Filter, Member, Passing, Tried, View
from pages.parts.language import PageReader
from pages.parts.markup import Words

ALL = {
    "persona": N_("All personas"),
    "segment": N_("All segments"),
    "region": N_("All regions"),
    "channel": N_("All channels"),
    "customers": N_("All customers"),
}
LABELS = {
    "persona": N_("Persona"),
    "segment": N_("Segment"),
    "region": N_("Region"),
    "channel": N_("Channel"),
    "touchpoint": N_("Touchpoint"),
    "touchpoint_type": N_("Type"),
    "phase": N_("Phase"),
    "stage": N_("Stage"),
    "wave": N_("Wave"),
}
VALUE_WORDS = {
    "physical": N_("physical"), "digital": N_("digital"), "human": N_("human"),
    "before": N_("before purchase"), "during": N_("during purchase"), "after": N_("after purchase"),
    "awareness": N_("Awareness"), "consideration": N_("Consideration"), "decision": N_("Decision"),
    "action": N_("Action"), "loyalty": N_("Loyalty"),
}  # fmt: skip
TRANSLATED = ("touchpoint_type", "phase", "stage")
GRAIN_WORDS = {"journey": N_("Journey"), "session": N_("Session"), "case": N_("Case")}
RANGE_WORDS = {
    "touchpoints": N_("touchpoints in the range"),
    "journeys": N_("journeys that start in the range, kept whole"),
}
RULE_WORDS = {
    "customers": N_("customers who touched these, journeys whole"),
    "touchpoints": N_("only these touchpoints"),
}
SURVEY_WORDS = {
    "nps": N_("NPS"), "csat": N_("Satisfaction"), "ces": N_("Effort (CES)"), "rating": N_("Other rating"),
    "choice": N_("Choice"), "text": N_("Open question"),
}  # fmt: skip
SCORE_GROUPS = {(0.0, 6.0): N_("Detractors"), (7.0, 8.0): N_("Passives"), (9.0, 10.0): N_("Promoters")}  # of NPS


def filters_in_words(view: View, reader: PageReader, paths: bool = False) -> list[Words]:
    """The filters of the view for a caption, data isolated."""
    said: list[Words] = []
    for kept in view.customers + view.touchpoints:
        values = reader.listing(reader.name(value_word(kept.column, v, reader)) for v in kept.values)
        said.append(Text(N_("{column}: {values}"), {"column": label(kept.column), "values": values}))
    if view.touchpoints:
        said.append(Text(RULE_WORDS[view.touchpoint_rule]))
    if view.grain == "case" or (paths and view.grain == "session"):
        said.append(Text(N_("counted by {grain}"), {"grain": Text(GRAIN_WORDS[view.grain])}))
    if view.range_rule == "journeys":
        said.append(Text(RANGE_WORDS["journeys"]))
    if view.passing:
        said.append(passing_label(view.passing, reader))
    if view.tried:
        said.append(tried_label(view.tried, reader))
    if view.answered:
        said.append(answered_label(view.answered, reader))
    return [*said, *(member_label(member, reader) for member in view.members)]


def view_in_words(view: View, reader: PageReader) -> list[str]:
    """All that a view says beside the data: days, filters, goal, what it is compared with. Empty where it says nothing."""
    said = [_days(view, reader)] if view.first_day or view.last_day else []
    said += [w if isinstance(w, str) else reader.say(w) for w in filters_in_words(view, reader, paths=True)]
    if view.goal:
        said.append(_said(view, "goal", reader))
    said += [_said(view, name, reader) for name in ("compare", "against", "belonging") if _differs(view, View(), name)]
    return said


def changes_in_words(before: View, after: View, reader: PageReader) -> list[str]:
    """What `after` says that `before` says otherwise, one by one: "Persona: Saver", "All channels"."""
    said = []
    columns = dict.fromkeys(f.column for v in (before, after) for f in v.customers + v.touchpoints)
    for column in columns:
        if before.values(column) != after.values(column):
            values = several([value_word(column, v, reader) for v in after.values(column)], reader)
            words = Text(N_("{column}: {values}"), {"column": label(column), "values": values})
            said.append(reader.say(words if values else Text(N_("{column}: all"), {"column": label(column)})))
    aspects = ("days", "compare", "goal", "grain", "range_rule", "touchpoint_rule", "passing", "tried", "answered", "members",
               "against", "belonging")  # fmt: skip
    return said + [_said(after, name, reader) for name in aspects if _differs(before, after, name)]


PARTS = {  # of a view, that are chosen together
    "days": ("first_day", "last_day"), "compare": ("compare", "compare_first", "compare_last"),
    "against": ("against", "against_members"),
}  # fmt: skip


def _differs(before: View, after: View, name: str) -> bool:
    return any(getattr(before, part) != getattr(after, part) for part in PARTS.get(name, (name,)))


def _said(view: View, name: str, reader: PageReader) -> str:
    """One aspect of a view as something one chooses."""
    if name == "days":
        return _days(view, reader) if view.first_day or view.last_day else reader.say(N_("All dates"))
    if name == "compare":
        return _compared(view, reader)
    if name == "against":
        attributes = [f.column for f in view.against]
        other = segment_in_words(view.against, attributes, reader, view.against_members)
        words = Text(N_("compared with {segment}"), {"segment": other})
        return reader.say(words if view.has_other_side else N_("no second segment"))
    if name == "goal":
        goal = reader.listing(reader.name(g) for g in view.goal or ())
        return reader.say(Text(N_("Goal: {goal}"), {"goal": goal}) if goal else N_("Goal: as the dataset has it"))
    if name == "grain":
        return reader.say(Text(N_("counted by {grain}"), {"grain": Text(GRAIN_WORDS[view.grain])}))
    if name == "members":
        named = reader.listing(member_label(m, reader) for m in view.members)
        return named or reader.say(N_("No segments"))
    if name == "belonging":
        return reader.say(N_("where answers belong"))
    if name in RULES:
        return reader.say(RULES[name][getattr(view, name)])
    chosen = getattr(view, name)
    return LABELLED[name](chosen, reader) if chosen else reader.say(NOBODY_CHOSEN[name])


def _compared(view: View, reader: PageReader) -> str:
    if view.compare == "range" and view.compare_first and view.compare_last:
        return reader.say(
            Text(N_("compared with {days}"), {"days": reader.dates(view.compare_first, view.compare_last)})
        )
    return reader.say(
        N_("compared with the previous period") if view.compare == "previous" else N_("compared with no other days")
    )


def label(column: str) -> Text:
    """What a column is called; attributes of the user's own carry their own name, which is data and never translated."""
    return Text(LABELS[column]) if column in LABELS else Text("{name}", {"name": column})


def value_word(column: str, value: str, reader: PageReader) -> str:
    """A value in the reader's words: fixed lists are translated, data are not, "" is "not known"."""
    if value == "":
        return reader.say(N_("not known"))
    return reader.say(VALUE_WORDS[value]) if column in TRANSLATED and value in VALUE_WORDS else value


def segment_in_words(
    customers: Sequence[Filter], attributes: Sequence[str], reader: PageReader, members: Sequence[Member] = ()
) -> str:
    """Saver, Family; or everybody."""
    kept = {f.column: f.values for f in customers}
    chosen = [value_word(a, v, reader) for a in attributes for v in kept.get(a, ())]
    chosen += [member_label(member, reader) for member in members]
    if chosen:
        return several(chosen, reader)
    return reader.say(ALL[next((a for a in attributes if a in ALL), "customers")])


def several(values: list[str], reader: PageReader) -> str:
    """The first two values, and how many more."""
    shown = reader.listing(reader.name(v) for v in values[:2])
    if len(values) <= 2:
        return shown
    return reader.say(Text(N_("{values} and {more} more"), {"values": shown, "more": len(values) - 2}))


def passing_label(passing: Passing, reader: PageReader) -> str:
    """Which node or link of the flow journeys pass."""
    where = {"step": passing.step, "touchpoint": passing.touchpoint}
    if passing.ends:
        return reader.say(Text(N_("Stops at step {step}, {touchpoint}"), where))
    if passing.next_touchpoint is not None:
        return reader.say(Text(N_("Step {step}: {touchpoint}, then {next}"), where | {"next": passing.next_touchpoint}))
    return reader.say(Text(N_("Step {step}: {touchpoint}"), where))


def tried_label(tried: Tried, reader: PageReader) -> str:
    """How far journeys came through a funnel."""
    rules = dict(tried.funnel)
    steps = Steps("").parse(rules["steps"])
    named = steps[tried.step - 1].label if tried.step <= len(steps) else "–"
    if rules.get("order") == "unordered":
        named = f"{tried.step}/{len(steps)}"
    words = N_("Lost before {touchpoint}") if tried.lost else N_("Came to {touchpoint}")
    return reader.say(Text(words, {"touchpoint": named}))


def answered_label(answered: Answered, reader: PageReader) -> str:
    """What customers answered: a group of NPS by its name, else the scores."""
    group = SCORE_GROUPS.get((answered.low, answered.high)) if answered.survey_type == "nps" else None
    said = {
        "survey": Text(SURVEY_WORDS.get(answered.survey_type, answered.survey_type)),
        "low": reader.number(answered.low, _decimals(answered.low)), "high": reader.number(answered.high, _decimals(answered.high)),
    }  # fmt: skip
    words = Text(group) if group else Text(N_("{survey} {low} to {high}"), said)
    if answered.touchpoint is None:
        return reader.say(words)
    return reader.say(Text(N_("{answer}, about {touchpoint}"), {"answer": words, "touchpoint": answered.touchpoint}))


def member_label(member: Member, reader: PageReader) -> str:
    """Inside or outside of a segment, by its name, or by what it says if it has none."""
    named = member.name or condition_in_words(parse_condition(member.condition), reader)
    return reader.say(Text(N_("In {segment}") if member.inside else N_("Not in {segment}"), {"segment": named}))


def condition_in_words(condition: Condition, reader: PageReader) -> str:
    """Who belongs to a segment: filters and days; all of, any of, not."""
    if isinstance(condition, Leaf):
        view = condition.view
        said = [_days(view, reader)] if view.first_day or view.last_day else []
        said += [
            words if isinstance(words, str) else reader.say(words)
            for words in filters_in_words(replace(view, members=()), reader)
        ]
        return " · ".join(said)
    if isinstance(condition, Not):
        return reader.say(Text(N_("not ({condition})"), {"condition": condition_in_words(condition.part, reader)}))
    parts = " + ".join(f"({condition_in_words(part, reader)})" for part in condition.parts)
    words = N_("all of: {conditions}") if isinstance(condition, AllOf) else N_("any of: {conditions}")
    return reader.say(Text(words, {"conditions": parts}))


def _days(view: View, reader: PageReader) -> str:
    if view.first_day and view.last_day:
        return reader.dates(view.first_day, view.last_day)
    if view.first_day:
        return reader.say(Text(N_("from {day}"), {"day": reader.date(view.first_day)}))
    assert view.last_day is not None
    return reader.say(Text(N_("until {day}"), {"day": reader.date(view.last_day)}))


def _decimals(value: float) -> int:
    return 0 if value == int(value) else 1


RULES = {"range_rule": RANGE_WORDS, "touchpoint_rule": RULE_WORDS}
LABELLED: dict[str, Callable[[Any, PageReader], str]] = {
    "passing": passing_label, "tried": tried_label, "answered": answered_label,
}  # fmt: skip
NOBODY_CHOSEN = {
    "passing": N_("Whole flow"), "tried": N_("Everybody, however far they came"),
    "answered": N_("Everybody, whatever they answered"),
}  # fmt: skip
