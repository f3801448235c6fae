"""Mappings that people keep: as a text they can read and change, and a mark by which the next file of the same export is known."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cx_metrics.errors import MappingProblem
from cx_metrics.reading.files import RawFile
from cx_metrics.reading.mapping import FileMapping, NameMapping, check_mapping
from cx_metrics.reading.shapes import refuse_unknown
from cx_metrics.reading.words import fold
from cx_metrics.reading.yaml_text import dump, load
from cx_metrics.texts import N_

FORM = 1  # of the text; a later one may have more settings
_AXES = ("touchpoint", "channel", "touchpoint_type", "stage", "phase")


@dataclass(frozen=True)
class KeptMapping:
    """A mapping as it was kept: how a file is read, and where its touchpoints belong."""

    mapping: FileMapping
    names: Mapping[str, NameMapping]


def fingerprint(header: Iterable[str]) -> str:
    """By what a file of the same export is known again: its column names, whatever their order, case and spaces.

    The order does not count, because columns are found by name, and tools move them. A column more or less makes it another
    file: a mapping that was kept may then still fit, but nobody has said so. 32 hexadecimal digits; the names cannot be read
    from it.
    """
    names = sorted({fold(name) for name in header})
    return hashlib.sha256("\n".join(names).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def mapping_to_yaml(mapping: FileMapping, names: Iterable[NameMapping] | Mapping[str, NameMapping] = ()) -> str:
    """The mapping as a text. Settings that say nothing are left out; `mapping_from_yaml` reads it back."""
    plain = FileMapping(mapping.table, {}).to_dict()
    kept = {name: value for name, value in mapping.to_dict().items() if value != plain.get(name, ...)}
    kinds_by = kept.get("kinds_by")
    if kinds_by:
        kinds = {value: _said(kind) for value, kind in kinds_by["kinds"].items()}
        kept["kinds_by"] = {"column": kinds_by["column"], "kinds": kinds}
    found: dict[str, Any] = {
        "touchline_mapping": FORM,
        "table": mapping.table,
        "columns": dict(mapping.columns),
        **kept,
    }
    said = names.values() if isinstance(names, Mapping) else names
    touchpoints = {
        name.raw_touchpoint: {axis: value for axis in _AXES if (value := getattr(name, axis)) is not None}
        for name in said
    }
    if touchpoints:
        found["touchpoints"] = touchpoints
    return dump(found)


def mapping_from_yaml(text: str) -> KeptMapping:
    """The reverse of `mapping_to_yaml`, also for texts that a person wrote.

    Raises:
        MappingProblem: what is wrong, with the line where it is known; or a setting that does not exist, with the nearest.
    """
    found = load(text)
    if not isinstance(found, dict) or "touchline_mapping" not in found:
        raise MappingProblem(
            N_('This is no mapping of Touchline. It begins with "touchline_mapping: {form}".'), form=FORM
        )
    form = found.pop("touchline_mapping")
    if not isinstance(form, int) or not 1 <= form <= FORM:
        raise MappingProblem(
            N_("This mapping has the form {found}; this version reads forms up to {form}."), found=str(form), form=FORM
        )
    touchpoints = found.pop("touchpoints", None) or {}
    if not isinstance(touchpoints, Mapping):
        raise MappingProblem(N_('"{name}" must be a list of settings, each with its name.'), name="touchpoints")
    _check_types(found)
    return KeptMapping(
        FileMapping.from_dict(found), {str(raw): _name(str(raw), axes) for raw, axes in touchpoints.items()}
    )


def saved_mapping(content: bytes, raw: RawFile) -> KeptMapping:
    """A mapping that somebody saved as a file, for another file: as it was opened, whatever the saved one says of its encoding.

    Raises:
        MappingProblem: it is no text, no mapping, or names columns that the file does not have; all of them are named.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise MappingProblem(N_("This file is no text in UTF-8, so it is no mapping of Touchline.")) from fault
    kept = mapping_from_yaml(text)
    mapping = replace(kept.mapping, encoding=None, delimiter=None)
    check_mapping(raw, mapping)
    return KeptMapping(mapping, kept.names)


def _name(raw: str, axes: Any) -> NameMapping:
    if axes is None:
        return NameMapping(raw)
    if not isinstance(axes, Mapping) or not all(isinstance(value, str) for value in axes.values()):
        raise MappingProblem(N_('The touchpoint "{name}" must say its settings in texts.'), name=raw)
    refuse_unknown(map(str, axes), set(_AXES), N_('A touchpoint has no setting "{name}". {hint}'))
    return NameMapping(raw, **axes)


# What a single setting must be; those that are more than one value are looked at by `FileMapping.from_dict`.
_TEXTS = ("table", "time_format", "survey_type", "time_zone", "encoding", "delimiter", "preset", "clock")
_NUMBERS = ("scale_low", "scale_high")
_SWITCHES = ("higher_is_better", "decimal_comma")


def _check_types(found: Mapping[str, Any]) -> None:
    for name in _TEXTS:
        if found.get(name) is not None and not isinstance(found[name], str):
            raise MappingProblem(N_('"{name}" must be a text.'), name=name)
    for name in _NUMBERS:
        value = found.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise MappingProblem(N_('"{name}" must be a number.'), name=name)
    for name in _SWITCHES:
        if found.get(name) is not None and not isinstance(found[name], bool):
            raise MappingProblem(N_('"{name}" must be true or false.'), name=name)


def _said(kind: Mapping[str, Any]) -> dict[str, Any]:
    return {name: list(v) if isinstance(v, tuple) else v for name, v in kind.items() if v is not None}
