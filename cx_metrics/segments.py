"""Segments: which customers belong, by what they are, did and said; combined by and, or, not.

    persona=Saver                                                   the customers that a view leaves
    tried=lost|3|steps=ad,visit,purchase&from=2026-01-01            also those who did one thing and then not another
    all(persona=Saver|Family;not(answered=nps|9|10))                combined

A leaf is the text of a view (`view_text`): whoever it leaves belongs. So a segment made from what a page shows has exactly the
customers of that page, and whatever can be filtered by can make a segment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias
from urllib.parse import parse_qs

import numpy as np

from cx_metrics.errors import OptionProblem
from cx_metrics.texts import N_
from cx_metrics.view import Belonging, Member, View
from cx_metrics.view_text import OTHER_PREFIX, PLAIN, print_view, read_view

MOST_SIGNS = 4_000  # of a condition: more would not fit in a link
MOST_PARTS = 30  # filters combined in a condition: each is a question of its own
DEEPEST = 8  # conditions inside conditions
LEAF_NAMES = {"from", "to", "range", "grain", "only", "passing", "tried", "answered", *PLAIN,
              "channel", "touchpoint_type", "phase", "stage", "touchpoint"}  # fmt: skip

Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Leaf:
    """The customers that a view leaves."""

    view: View


@dataclass(frozen=True)
class AllOf:
    """Customers in each of these."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class AnyOf:
    """Customers in at least one of these."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Not:
    """Customers outside."""

    part: Condition


Condition: TypeAlias = Leaf | AllOf | AnyOf | Not
SEVERAL: dict[str, type[AllOf] | type[AnyOf]] = {"all": AllOf, "any": AnyOf}


def print_condition(condition: Condition) -> str:
    """The one text form of a condition."""
    if isinstance(condition, Leaf):
        return print_view(condition.view)
    if isinstance(condition, Not):
        return f"not({print_condition(condition.part)})"
    name = "all" if isinstance(condition, AllOf) else "any"
    return f"{name}({';'.join(print_condition(part) for part in condition.parts)})"


def parse_condition(text: str) -> Condition:
    """The condition of a text. Raises OptionProblem that says what cannot be read, and why."""
    if len(text) > MOST_SIGNS:
        raise OptionProblem(
            N_("A condition has at most {most} characters; this one has {count}."), most=MOST_SIGNS, count=len(text)
        )
    condition, end = _parse(text, 0, 0)
    if len(views_of(condition)) > MOST_PARTS:
        raise OptionProblem(N_("A condition has at most {most} parts; this one has {count}."), most=MOST_PARTS,
                            count=len(views_of(condition)))  # fmt: skip
    if end != len(text):
        raise OptionProblem(
            N_("The condition {text} goes on with {found} where it should end."), text=text[:80], found=text[end:][:40]
        )
    return condition


def is_readable(text: str) -> bool:
    """Whether that is the text of a condition."""
    try:
        parse_condition(text)
    except OptionProblem:
        return False
    return True


def condition_of(view: View) -> Condition | None:
    """Who a view leaves, as a condition that depends on nothing else; None if it leaves everybody."""
    parts: list[Condition] = []
    for member in view.members:
        inside = parse_condition(member.condition)
        parts.append(inside if member.inside else Not(inside))
    own = _bare(view)
    if own != View():
        parts.insert(0, Leaf(own))
    if len(parts) > 1:
        return AllOf(tuple(parts))
    return parts[0] if parts else None


def opposite(members: Sequence[Member]) -> tuple[Member, ...]:
    """Everybody else: the other side of the one segment, or outside of several together."""
    if len(members) == 1:
        return (replace(members[0], inside=not members[0].inside),)
    together = condition_of(View(members=tuple(members)))
    return () if together is None else (Member("", print_condition(together), inside=False),)


def fitting(members: Sequence[Member]) -> tuple[tuple[Member, ...], list[str]]:
    """The members whose condition can be read, and the names of the others."""
    kept = tuple(m for m in members if is_readable(m.condition))
    return kept, [m.name or m.condition for m in members if m not in kept]


def views_of(condition: Condition) -> list[View]:
    """The views that a condition is made of."""
    if isinstance(condition, Leaf):
        return [condition.view]
    parts = (condition.part,) if isinstance(condition, Not) else condition.parts
    return [view for part in parts for view in views_of(part)]


def members_of(condition: Condition, ask: Callable[[View], Numbers]) -> Numbers:
    """Who belongs? `ask` says for each customer of the dataset whether a view leaves them."""
    if isinstance(condition, Leaf):
        return ask(condition.view)
    if isinstance(condition, Not):
        return ~members_of(condition.part, ask)
    found = [members_of(part, ask) for part in condition.parts]
    combined: Numbers = (np.logical_and if isinstance(condition, AllOf) else np.logical_or).reduce(found)
    return combined


def _bare(view: View) -> View:
    """What decides who a view leaves, and nothing else of it."""
    by_path = bool(view.passing or view.tried)
    dated = view.first_day is not None or view.last_day is not None
    return replace(
        view.alone(), members=(), goal=None, belonging=Belonging(),
        grain=view.grain if by_path or view.grain == "case" else "journey",
        range_rule=view.range_rule if dated else "touchpoints",
        touchpoint_rule=view.touchpoint_rule if by_path and view.touchpoints else "customers",
    )  # fmt: skip


def _parse(text: str, start: int, depth: int) -> tuple[Condition, int]:
    """The condition that begins there, and where it ends."""
    if depth > DEEPEST:
        raise OptionProblem(N_("A condition may hold others at most {most} deep."), most=DEEPEST)
    name, bracket, _rest = text[start : start + 4].partition("(")
    if not bracket or name not in ("all", "any", "not"):
        return _leaf(text, start)
    parts, at = [], start + 4
    while True:
        part, at = _parse(text, at, depth + 1)
        parts.append(part)
        if text[at : at + 1] == ")":
            break
        if text[at : at + 1] != ";":
            raise OptionProblem(
                N_("The condition {text} has no closing bracket for {name}."), text=text[:80], name=f"{name}("
            )
        at += 1
    if name == "not":
        if len(parts) > 1:
            raise OptionProblem(N_("not(…) takes one condition; the condition {text} gives it {count}."), text=text[:80],
                                count=len(parts))  # fmt: skip
        return Not(parts[0]), at + 1
    return SEVERAL[name](tuple(parts)), at + 1


def _leaf(text: str, start: int) -> tuple[Condition, int]:
    """A view up to the next ; or ) or the end."""
    end = min((place for sign in ";)" if (place := text.find(sign, start)) >= 0), default=len(text))
    leaf = text[start:end]
    unknown = [
        name
        for name in parse_qs(leaf, keep_blank_values=True)
        if name not in LEAF_NAMES and not name.startswith(OTHER_PREFIX)
    ]
    view, notes = read_view(leaf.replace("?", "%3F"))
    if notes or unknown or _bare(view) == View():
        raise OptionProblem(
            N_("The condition {found} cannot be read. Write it as filters of a link: persona=Saver&touchpoint=Checkout, or "
               "all(…;…), any(…;…), not(…)."), found=leaf[:80] or "–",
        )  # fmt: skip
    return Leaf(_bare(view)), end
