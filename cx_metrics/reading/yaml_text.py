"""YAML as people and presets write it: plain values only, within limits, with the line where something is wrong.

No tags, no anchors, no names given twice. `no`, `on` and `2026-01-31` are the texts that stand there, not truth values and dates:
in answers of surveys they are words.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

from cx_metrics.errors import MappingProblem
from cx_metrics.texts import N_

MAX_TEXT = 512 * 1024  # letters; a mapping of 500 columns has some 60,000
MAX_DEPTH = 12
_UNREADABLE = N_(
    "Line {line}, column {column}: this is no YAML. Look here and in the line before: at quotation marks and brackets that are not "
    "closed, at the space after each colon, and at the spaces with which lines begin."
)
_SIGN = N_("Line {line}, column {column}: a sign stands here that no text has.")
_PLAIN = "tag:yaml.org,2002:"
_PLAIN_WORDS = {
    "bool": (r"true|false", "tf"),
    "null": (r"null|~|", "n~\0"),
    "int": (r"[-+]?(?:0|[1-9]\d{0,14})", "-+0123456789"),
}


class _PlainValues:
    """A safe loader with the few plain values that JSON has."""

    yaml_implicit_resolvers: dict[str, list[Any]] = {}

    def construct_mapping(self: Any, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for name, _ in node.value:
            key = self.construct_object(name, deep=True)
            if not isinstance(key, str | int | float):
                raise _at(N_("Line {line}, column {column}: a name must be a text."), name.start_mark)
            if key in seen:
                raise _at(N_("Line {line}, column {column}: this name stands twice."), name.start_mark)
            seen.add(key)
        found: dict[Hashable, Any] = super().construct_mapping(node, deep)  # type: ignore[misc]
        return found


class _Plain(_PlainValues, yaml.SafeLoader):  # type: ignore[misc]
    """For what anybody wrote."""


class _Own(_PlainValues, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """For what we wrote: the compiled parser, where there is one, ten times as fast."""


def _resolve(loader: Any) -> None:
    for name, (pattern, first) in _PLAIN_WORDS.items():
        signs: list[str | None] = ["" if sign == "\0" else sign for sign in first]
        loader.add_implicit_resolver(_PLAIN + name, re.compile(rf"^(?:{pattern})$"), signs)
    number = re.compile(r"^(?:[-+]?\d{1,15}\.\d{0,15}|\.\d{1,15})$")
    loader.add_implicit_resolver(_PLAIN + "float", number, list("-+.0123456789"))


_resolve(_Plain)
_resolve(_Own)


def load(text: str) -> Any:
    """The values of a YAML text.

    Raises:
        MappingProblem: it is too long, too deep, no YAML, or more than plain values; with the line.
    """
    if len(text) > MAX_TEXT:
        raise MappingProblem(N_("This text is longer than {limit} letters."), limit=MAX_TEXT)
    try:
        _check_events(text)
        return yaml.load(text, Loader=_Plain)  # which is a safe one
    except yaml.reader.ReaderError as fault:
        before = text[: fault.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise MappingProblem(_SIGN, line=line, column=column) from fault
    except yaml.YAMLError as fault:
        mark = getattr(fault, "problem_mark", None) or getattr(fault, "context_mark", None)
        raise MappingProblem(
            _UNREADABLE, line=mark.line + 1 if mark else 1, column=mark.column + 1 if mark else 1
        ) from fault


def load_own(text: str) -> Any:
    """The same values of a text of our own, as presets are: neither its limits nor its anchors are looked at."""
    return yaml.load(text, Loader=_Own)  # which is a safe one


def dump(values: Any) -> str:
    """Plain values as a YAML text that `load` reads back."""
    text: str = yaml.dump(values, Dumper=yaml.SafeDumper, allow_unicode=True, sort_keys=False, width=120)
    return text


def _check_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _refused(N_("Line {line}: anchors and references (& and *) are not read here."), event)
        if getattr(event, "tag", None) is not None:
            raise _refused(N_("Line {line}: tags (!) are not read here."), event)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _refused(N_("Line {line}: settings lie in each other too deeply."), event)


def _at(source: str, mark: yaml.Mark) -> MappingProblem:
    return MappingProblem(source, line=mark.line + 1, column=mark.column + 1)


def _refused(source: str, event: yaml.Event) -> MappingProblem:
    return MappingProblem(source, line=event.start_mark.line + 1)
