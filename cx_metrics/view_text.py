"""A view as text, and back: what links, segments and the command line write.

    from=2026-01-01&to=2026-03-31&persona=Saver&persona=Family&passing=2|Website|Cart&in=Regulars|persona%3DSaver

Ids and data values only, never translated labels. What cannot be read is named in `notes` and left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from cx_metrics.errors import OptionProblem
from cx_metrics.options import Duration, Touchpoints
from cx_metrics.registry import METRICS
from cx_metrics.tables import SURVEY_TYPES
from cx_metrics.texts import N_, Text
from cx_metrics.view import (
    BELONGING_RULES,
    COMPARES,
    GRAINS,
    RANGE_RULES,
    TOUCHPOINT_FILTERS,
    TOUCHPOINT_RULES,
    Answered,
    Belonging,
    Member,
    Passing,
    Tried,
    View,
)

Params = dict[str, list[str]]

PLAIN = ("persona", "segment", "region")  # customer columns that stand in the text under their own name
OTHER_PREFIX = "is."  # any other attribute of a customer: is.age_band=25-34
AGAINST = "b."  # customers of segment B, to compare with: b.persona=Family, b.is.age_band=25-34
NOT_KNOWN = "~"  # stands for "not known" in a filter; a value that begins with it gets one more
FIRST_DAY = date(1900, 1, 1)  # near the ends of the calendar, a day has no day before or after it to count to
LAST_DAY = date(2200, 12, 31)
UNREADABLE = N_("The link's {name} cannot be read: {found}. It was left out.")
MOST_MEMBERS, MOST_NAME_SIGNS = 12, 80  # segments that a link names, and signs of what it calls one
SAFE = "|,:@/~"  # signs that stay readable in the text of a view


def print_view(view: View) -> str:
    """One line of text; only what differs from the default is written."""
    return urlencode(encode_view(view), doseq=True, quote_via=quote, safe=SAFE)


def read_view(text: str) -> tuple[View, list[Text]]:
    """The view of a text, or of a whole link, and a note for each part that cannot be read."""
    notes: list[Text] = []
    query = urlsplit(text).query if "?" in text else text
    return decode_view(parse_qs(query, keep_blank_values=True), notes), notes


def encode_view(view: View) -> Params:
    """The view as parameters."""
    found: Params = {
        "from": [view.first_day.isoformat()] if view.first_day else [],
        "to": [view.last_day.isoformat()] if view.last_day else [],
    }
    compare = view.compare
    if compare == "range" and view.compare_first and view.compare_last:
        found["compare"] = [f"{view.compare_first.isoformat()}..{view.compare_last.isoformat()}"]
    elif compare == "previous":
        found["compare"] = [compare]
    for name, value, default in (
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
    if view.answered:
        found["answered"] = [_print_answered(view.answered)]
    if view.belonging != Belonging():
        found["belonging"] = [print_belonging(view.belonging)]
    for prefix, members in (("", view.members), (AGAINST, view.against_members)):
        for inside, name in ((True, "in"), (False, "out")):
            found[prefix + name] = [_joined(m.name, m.condition) for m in members if m.inside == inside]
    return {name: values for name, values in found.items() if values and values != [""]}


def decode_view(params: Mapping[str, list[str]], notes: list[Text]) -> View:
    """The view that parameters say; a note for each that cannot be read. Parameters that are none of a view are passed over."""
    one = {name: values[-1] for name, values in params.items() if values}

    def choice(name: str, allowed: Sequence[str]) -> str | None:
        if name in one and one[name] not in allowed:
            notes.append(Text(UNREADABLE, {"name": name, "found": one[name][:60]}))
        return one[name] if one.get(name) in allowed else None

    first, last = _range(one.get("from"), one.get("to"), notes)
    compare, compare_first, compare_last = _read_compare(one, notes)
    view = View(
        first_day=first,
        last_day=last,
        compare=compare,  # type: ignore[arg-type]
        compare_first=compare_first,
        compare_last=compare_last,
        range_rule=choice("range", RANGE_RULES) or RANGE_RULES[0],  # type: ignore[arg-type]
        grain=choice("grain", GRAINS) or GRAINS[0],  # type: ignore[arg-type]
        touchpoint_rule=choice("only", TOUCHPOINT_RULES) or TOUCHPOINT_RULES[0],  # type: ignore[arg-type]
        goal=_read_goal(one, notes),
        passing=_read_passing(one, notes),
        tried=_read_tried(one, notes),
        answered=_read_answered(one, notes),
        belonging=_read_belonging(one, notes),
        members=_read_members(params, "", notes),
        against_members=_read_members(params, AGAINST, notes),
    )
    for name, values in params.items():
        kept = tuple(dict.fromkeys(map(_read_value, values)))
        if column := _read_column(name):
            view = view.with_values(column, kept)
        elif name.startswith(AGAINST) and (column := _read_column(name.removeprefix(AGAINST), PLAIN)):
            view = view.with_against(column, kept)
    return view


def _day(name: str, text: str | None, notes: list[Text]) -> date | None:
    try:
        found = date.fromisoformat(text) if text is not None else None
    except ValueError:
        found = date.max
    if found is None or FIRST_DAY <= found <= LAST_DAY:
        return found
    notes.append(Text(UNREADABLE, {"name": name, "found": str(text)[:60]}))
    return None


def _range(start: str | None, end: str | None, notes: list[Text]) -> tuple[date | None, date | None]:
    first, last = _day("from", start, notes), _day("to", end, notes)
    if first and last and first > last:
        notes.append(Text(UNREADABLE, {"name": "from", "found": str(start)}))
        return None, None
    return first, last


def _read_compare(one: Mapping[str, str], notes: list[Text]) -> tuple[str, date | None, date | None]:
    """`previous`, or days: `2026-01-01..2026-01-31`."""
    text = one.get("compare")
    if text is None or text in COMPARES[:2]:
        return text or COMPARES[0], None, None
    start, _dots, end = text.partition("..")
    unread: list[Text] = []
    first, last = _day("compare", start, unread), _day("compare", end, unread)
    if unread or first is None or last is None or first > last:
        notes.append(Text(UNREADABLE, {"name": "compare", "found": text[:60]}))
        return COMPARES[0], None, None
    return "range", first, last


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


def _print_passing(passing: Passing) -> str:
    """`2|Website` a node, `2|Website|Cart` a link, `2|Website|` journeys that end there."""
    names = [passing.touchpoint]
    if passing.ends or passing.next_touchpoint is not None:
        names.append("" if passing.ends else passing.next_touchpoint or "")
    return _joined(str(passing.step), *names)


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
    side = "lost" if tried.lost else "reached"
    return _joined(side, str(tried.step), *(f"{name}={text}" for name, text in tried.funnel))


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


def _print_answered(answered: Answered) -> str:
    """`nps|0|6`, `csat|4|5|Checkout`."""
    about = [answered.touchpoint] if answered.touchpoint is not None else []
    return _joined(answered.survey_type, f"{answered.low:g}", f"{answered.high:g}", *about)


def _read_answered(one: Mapping[str, str], notes: list[Text]) -> Answered | None:
    if "answered" not in one:
        return None
    parts = _split(one["answered"])
    number = r"-?\d{1,6}(\.\d{1,6})?"
    if len(parts) in (3, 4) and parts[0] in SURVEY_TYPES and all(re.fullmatch(number, p) for p in parts[1:3]):
        low, high = float(parts[1]), float(parts[2])
        if low <= high:
            return Answered(parts[0], low, high, parts[3] if len(parts) == 4 else None)
    notes.append(Text(UNREADABLE, {"name": "answered", "found": one["answered"][:60]}))
    return None


def print_belonging(belonging: Belonging) -> str:
    """`said`, `last:7d`, `journey`, `none`."""
    if belonging.within_seconds is None:
        return belonging.rule
    return f"{belonging.rule}:{Duration('').print(timedelta(seconds=belonging.within_seconds))}"


def read_belonging(text: str) -> Belonging:
    """The reverse of `print_belonging`. Raises OptionProblem."""
    rule, _colon, within = text.partition(":")
    if rule == "last":
        length = Duration("").parse(within)
        seconds, rest = divmod(length, timedelta(seconds=1)) if length else (0, length)
        if not rest:
            return Belonging("last", seconds)
    elif not within and rule in BELONGING_RULES:
        return Belonging(rule)
    raise OptionProblem(
        N_("{found} does not say where answers belong. Write said, last:7d (whole seconds), journey or none."),
        found=text[:60],
    )


def _read_belonging(one: Mapping[str, str], notes: list[Text]) -> Belonging:
    try:
        return read_belonging(one["belonging"]) if "belonging" in one else Belonging()
    except OptionProblem:
        notes.append(Text(UNREADABLE, {"name": "belonging", "found": one["belonging"][:60]}))
        return Belonging()


def _read_members(params: Mapping[str, list[str]], prefix: str, notes: list[Text]) -> tuple[Member, ...]:
    """`in=Regulars|persona=Saver`, `out=…`: what the condition says is read where somebody asks for its customers."""
    found: dict[str, Member] = {}
    for name, inside in (("in", True), ("out", False)):
        for text in params.get(prefix + name, ()):
            parts = _split(text)
            if len(parts) == 2 and parts[1] and len(found) < MOST_MEMBERS:
                found[parts[1]] = Member(parts[0][:MOST_NAME_SIGNS], parts[1], inside)
            else:
                notes.append(Text(UNREADABLE, {"name": prefix + name, "found": text[:60]}))
    return tuple(sorted(found.values(), key=lambda member: member.condition))


def _joined(*parts: str) -> str:
    """The parts with bars between; bars in a part are escaped."""
    return "|".join(part.replace("\\", r"\\").replace("|", r"\|") for part in parts)


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
