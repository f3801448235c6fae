"""Reads the presets, checks them, and tells which one a header belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from cx_metrics.reading.aliases import plain
from cx_metrics.reading.presets.notes import CHECKED, EXPORTS, INSTEAD, NOTES
from cx_metrics.reading.questions import rows_with
from cx_metrics.reading.report import quoted
from cx_metrics.reading.sample import Sample
from cx_metrics.reading.words import fold
from cx_metrics.reading.yaml_text import load_own
from cx_metrics.tables import TABLES
from cx_metrics.texts import N_, Text

FOLDER = Path(__file__).parent
SURE_PRESET = 0.8  # from here on a preset wins over what the columns look like
Headers = tuple[str, ...]  # names of one column, in several versions or languages of a tool; the best first


class PresetFault(ValueError):
    """A preset that is written wrongly. A fault of ours, found by a test, never by a user."""


@dataclass(frozen=True)
class Signs:
    """By what a header is recognised: each of `all`, `any_least` of `any`, each of `patterns` somewhere, none of `none`."""

    all: tuple[Headers, ...] = ()
    any: tuple[Headers, ...] = ()
    any_least: int = 1
    patterns: tuple[str, ...] = ()
    none: Headers = ()
    first: Headers = ()
    when: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Preset:
    """One export of one tool. What is not said stays as the values of a file say it."""

    name: str
    tool: str
    export: str
    checked: str
    signs: Signs
    table: str | None = None
    columns: Mapping[str, Headers] = field(default_factory=dict)
    time_zone: str | None = None
    usual_time: str | None = None
    blank_times: tuple[str, ...] = ()
    leave_out: tuple[Mapping[str, Any], ...] = ()
    no_answer: tuple[str, ...] = ()
    score_words: Mapping[str, float] = field(default_factory=dict)
    kind: Mapping[str, Any] | None = None
    kinds_by: Mapping[str, Any] | None = None
    spread: Mapping[str, Any] | None = None
    left: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    instead: str | None = None
    spend: Mapping[str, Headers] = field(default_factory=dict)

    @property
    def label(self) -> Text:
        """How the preset is called: the tool and what is exported."""
        return Text("{tool}: {export}", {"tool": self.tool, "export": Text(EXPORTS[self.export])})


@dataclass(frozen=True)
class Match:
    """A preset that fits a header: how sure that is, and why."""

    preset: Preset
    confidence: float
    reason: Text


@cache
def presets() -> Mapping[str, Preset]:
    """All presets by their names; the exports of one tool in the order in which they are tried."""
    found: dict[str, Preset] = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        kept = load_own(path.read_text(encoding="utf-8"))
        for export in kept["exports"]:
            preset = _preset(path.name, kept["tool"], export)
            if preset.name in found:
                raise PresetFault(f"{path.name}: {preset.name} stands twice")
            found[preset.name] = preset
    return found


def find_preset(header: Sequence[str], sample: Sample, table: str | None = None) -> Match | None:
    """The preset that fits a header best, for one table or any; None where none fits."""
    found = [match for preset in presets().values() if (match := _match(preset, header, sample))]
    fitting = [m for m in found if table is None or m.preset.table == table or (table == "spend" and m.preset.spend)]
    best = max(fitting, key=lambda match: match.confidence, default=None)
    if best is None:
        return None
    same = [
        m for m in fitting if m.preset.tool == best.preset.tool and m.confidence >= min(SURE_PRESET, best.confidence)
    ]
    return same[0]


def column_of(header: Iterable[str], names: Headers) -> str | None:
    """The column of the file that has one of these names, the best name first."""
    known = {_key(name): name for name in reversed(list(header))}
    return next((known[_key(name)] for name in names if _key(name) in known), None)


def columns_like(header: Iterable[str], pattern: str) -> list[tuple[str, re.Match[str]]]:
    """The columns whose whole name is like a pattern, in any case."""
    compiled = re.compile(pattern, re.IGNORECASE | re.DOTALL)
    return [(name, found) for name in header if (found := compiled.fullmatch(name))]


def _key(name: str) -> str:
    return plain(name) or fold(name)  # a name of signs alone is its signs


def _match(preset: Preset, header: Sequence[str], sample: Sample) -> Match | None:
    signs = preset.signs
    needed = [column_of(header, names) for names in signs.all]
    some = [found for names in signs.any if (found := column_of(header, names))]
    if None in needed or (signs.any and len(some) < signs.any_least) or column_of(header, signs.none):
        return None
    if signs.patterns and not any(columns_like(header, pattern) for pattern in signs.patterns):
        return None
    if signs.first and not column_of(header[:1], signs.first):
        return None
    if signs.when:
        asked = column_of(header, signs.when["column"])
        if asked is None or not rows_with(sample, asked, signs.when["values"]):
            return None
    seen = [*(name for name in needed if name), *some, *(header[:1] if signs.first else ())]
    confidence = min(0.7 + 0.06 * len(set(seen)) + (0.06 if signs.patterns else 0), 0.98)
    names = quoted(dict.fromkeys(seen[:4]))
    said = {"tool": preset.tool, "export": Text(EXPORTS[preset.export]), "columns": names}
    reason = Text(N_("it is an export of {tool} ({export}), by its columns {columns}"), said)
    return Match(preset, round(confidence, 2), reason)


def _preset(file: str, tool: str, kept: Mapping[str, Any]) -> Preset:
    known = {f.name for f in fields(Preset)} - {"tool", "signs"} | {"recognise"}
    unknown = set(kept) - known
    if unknown:
        raise PresetFault(f"{file}: unknown settings {sorted(unknown)}")
    signs = dict(kept["recognise"])
    if set(signs) - {f.name for f in fields(Signs)}:
        raise PresetFault(f"{file}: unknown signs {sorted(signs)}")
    for name in ("all", "any"):
        signs[name] = tuple(map(_headers, signs.get(name, ())))
    for name in ("patterns", "none", "first"):
        signs[name] = _headers(signs.get(name, ()))
    if signs.get("when"):
        signs["when"] = {name: _headers(values) for name, values in signs["when"].items()}
    plainly = {name: value for name, value in kept.items() if name != "recognise"}
    for name in ("columns", "spend"):
        plainly[name] = {field_: _headers(names) for field_, names in plainly.get(name, {}).items()}
    for name in ("blank_times", "no_answer", "left", "notes"):
        plainly[name] = _headers(plainly.get(name, ()))
    plainly["leave_out"] = tuple(plainly.get("leave_out", ()))
    preset = Preset(tool=tool, signs=Signs(**signs), **plainly)
    _check(file, preset)
    return preset


def _check(file: str, preset: Preset) -> None:
    wrong = [
        *(note for note in preset.notes if note not in NOTES),
        *(name for name in (preset.export,) if name not in EXPORTS),
        *(name for name in (preset.checked,) if name not in CHECKED),
        *(name for name in (preset.instead,) if name and name not in INSTEAD),
        *(name for name in (preset.table,) if name and name not in TABLES),
    ]
    if wrong:
        raise PresetFault(f"{file}: {preset.name} names what is not there: {wrong}")
    if (preset.table is None) == (preset.instead is None):
        raise PresetFault(f"{file}: {preset.name} needs a table, or what to export instead")


def _headers(names: Iterable[Any]) -> Headers:
    if isinstance(names, str):
        raise PresetFault(f"a list was expected, not {names!r}")
    return tuple(str(name) for name in names)
