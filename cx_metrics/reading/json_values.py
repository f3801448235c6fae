"""What an object of JSON holds, as the cells of a row: nested objects by the names on the way, numbers exactly as written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from cx_metrics.errors import FileProblem
from cx_metrics.reading.cell_values import number_text
from cx_metrics.reading.records import MAX_COLUMNS
from cx_metrics.reading.report import quoted, shorten
from cx_metrics.texts import N_, NP_, Text

MAX_DEPTH = 30  # objects within objects that become columns; deeper ones stay JSON
MAX_NAMES = 100_000
NAMES_SHOWN = 6
_TIME = re.compile(r"(^|_|\b)(time|timestamp|date|ts)(_|\b|$)|_at$|(?<=[a-z])(At|Time|Date|Timestamp)$", re.ASCII)


Tell = Callable[[str, str], None]


class Number(str):
    """A number as it is written."""

    __slots__ = ()


def _float(written: str) -> Number:
    plain = written.endswith(".0") or "e" in written or "E" in written
    return Number(number_text(written) if plain else written)


def decoder(none: Callable[[str], None] | None = None, twin: Callable[[str], None] | None = None) -> json.JSONDecoder:
    """Reads JSON without changing a number; tells of NaN and Infinity, which become blank, and of keys that stand twice."""

    def constant(found: str) -> None:
        if none is not None:
            none(found)

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        whole = dict(found)
        if len(whole) != len(found) and twin is not None:
            seen: set[str] = set()
            twin(next(key for key, _ in found if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
        return whole

    return json.JSONDecoder(
        parse_int=Number, parse_float=_float, parse_constant=constant, strict=False,
        object_pairs_hook=None if twin is None else pairs,
    )  # fmt: skip


def json_text(value: Any) -> str:
    """A value as JSON again, numbers as they were written."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json_text(key)}: {json_text(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(json_text, value)) + "]"
    return {None: "null", True: "true", False: "false"}[value]


def flatten(
    found: dict[str, Any], into: dict[str, str], tell: Tell | None = None, before: str = "", depth: int = 0
) -> None:
    """Put the values of an object into `into`, by the path to each: a.b for {"a": {"b": 1}}.

    Lists of plain values are joined by "|", lists of named values ({"key": …, "value": …}) become a column each, other lists
    stay JSON. `tell` hears of each list: "joined" or "kept", and its path.
    """
    for key, value in found.items():
        path = f"{before}{key}"
        if path in into:
            path = f"{path} ({sum(name.startswith(path) for name in into) + 1})"
        if isinstance(value, str):
            into[path] = value
        elif value is None:
            into[path] = ""
        elif value is True or value is False:
            into[path] = "true" if value else "false"
        elif isinstance(value, dict):
            if depth < MAX_DEPTH:
                flatten(value, into, tell, f"{path}.", depth + 1)
            else:
                into[path] = json_text(value)
        elif not value:
            into[path] = ""
        elif not any(isinstance(inner, (dict, list)) for inner in value):
            if tell and len(value) > 1:
                tell("joined", path)
            into[path] = "|".join("" if inner is None else _plain(inner) for inner in value)
        elif _is_named(value):
            flatten({inner["key"]: _single(inner["value"]) for inner in value}, into, tell, f"{path}.", depth + 1)
        else:
            if tell:
                tell("kept", path)
            into[path] = json_text(value)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else str(value).lower()


def _is_named(values: list[Any]) -> bool:
    """Whether a list holds pairs of a name and a value, each name once."""
    names = [inner.get("key") for inner in values if isinstance(inner, dict) and inner.keys() == {"key", "value"}]
    return len(names) == len(values) == len({name for name in names if isinstance(name, str)})


def _single(value: Any) -> Any:
    """The one value that is there among those for each type: {"int_value": 3} is 3."""
    if isinstance(value, dict) and value and all(key.endswith("_value") for key in value):
        there = [inner for inner in value.values() if inner is not None]
        return there[0] if len(there) == 1 else (None if not there else value)
    return value


def entries(found: Any, path: Sequence[str]) -> list[Any]:
    """The list at a path of an object; empty where there is none."""
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, list) else []


def lists_of_contacts(found: dict[str, Any], before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths of lists whose entries are objects with a time: what happened within a visit or a conversation."""
    for key, value in found.items():
        if isinstance(value, dict) and len(before) < 3:
            yield from lists_of_contacts(value, (*before, key))
        elif isinstance(value, list) and value and isinstance(value[0], dict) and not _is_named(value):
            yield from [(*before, key)] if any(map(_TIME.search, value[0])) else []


class Names:
    """The names of all columns, in the order in which they come, and how many rows have a value there."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._filled: dict[str, int] = {}

    def add(self, row: dict[str, str]) -> None:
        filled = self._filled
        for name, value in row.items():
            filled[name] = filled.get(name, 0) + (value != "")
        if len(filled) > MAX_NAMES:
            raise FileProblem(
                N_("{file} has more than {limit} different names for values, so they are no columns. "
                   "Export it again as CSV, or without the details of each record."),
                file=shorten(self._file), limit=MAX_NAMES,
            )  # fmt: skip

    def columns(self, always: Sequence[str] = ()) -> tuple[tuple[str, ...], list[Text]]:
        """The names for a header, and what is told about names that found no room in it. Those of `always` do."""
        names = tuple(self._filled)
        if len(names) <= MAX_COLUMNS:
            return names, []
        first = set(always)
        order = sorted(names, key=lambda name: (name not in first, -self._filled[name]))
        kept, lost = set(order[:MAX_COLUMNS]), order[MAX_COLUMNS:]
        one, many = NP_(
            "{count} name of values that few rows have is beyond {limit} columns and was left out: {names}.",
            "{count} names of values that few rows have are beyond {limit} columns and were left out: {names}.",
        )
        about = {"count": len(lost), "limit": MAX_COLUMNS, "names": quoted(lost, NAMES_SHOWN)}
        return tuple(name for name in names if name in kept), [Text(one, about, many, len(lost))]
