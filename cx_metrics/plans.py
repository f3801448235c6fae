"""What to import and how: a plan. It is kept with every version, so that a name can be corrected, files added, or a step undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cx_metrics.comments.theme_edits import ThemeEdit
from cx_metrics.reading import FileMapping, NameMapping, RawFile, default_mapping, open_raw, recognise
from cx_metrics.tables import STAGES
from cx_metrics.texts import Text


@dataclass(frozen=True)
class ImportFile:
    """One file to import: where it lies, what its user calls it, how its columns are meant (None = as recognised), and with
    which upload it came: its rows replace rows of the same key from earlier uploads."""

    path: Path
    name: str
    mapping: FileMapping | None = None
    upload: int = 1
    is_pseudonymous: bool = False
    told: tuple[Text, ...] = ()  # what had to be understood to find the table in its upload


@dataclass(frozen=True)
class Plan:
    """What to import and how. `goal` None asks for a proposal from the touchpoint names. A `pseudonyms` plan keeps no customer id
    as it came. `themes`: what people called themes of comments, or hid."""

    files: tuple[ImportFile, ...]
    names: Mapping[str, NameMapping] = field(default_factory=dict)
    stages: tuple[str, ...] = STAGES
    zone: str = "UTC"
    goal: tuple[str, ...] | None = None
    pseudonyms: bool = False
    themes: tuple[ThemeEdit, ...] = ()

    def with_files(self, files: Sequence[ImportFile]) -> Plan:
        """The same with newer files: a customer or answer that stands in both counts as the newer ones say it."""
        newest = max((f.upload for f in self.files), default=0) + 1
        return replace(self, files=(*self.files, *(replace(f, upload=newest) for f in files)))

    def instead(self, files: Sequence[ImportFile]) -> Plan:
        """Other files, read with the same names, stages, zone and goal."""
        return replace(self, files=tuple(replace(f, upload=1) for f in files))


def open_file(file: ImportFile) -> tuple[RawFile, FileMapping]:
    """A file of a plan, opened as it is to be read: as was confirmed, else as recognised."""
    said = file.mapping
    raw = open_raw(file.path, file.name, said.encoding if said else None, said.delimiter if said else None)
    return raw, said or default_mapping(raw, recognise(raw))


def plan_to_dict(plan: Plan, home: Path) -> dict[str, Any]:
    """A plan as plain JSON values: kept in the manifest, and handed to the child process. Paths are kept as seen from
    `home` where they lie in it."""
    return {
        "files": [
            {
                "path": str(f.path.relative_to(home) if f.path.is_relative_to(home) else f.path),
                "name": f.name, "upload": f.upload, "mapping": f.mapping.to_dict() if f.mapping else None,
                "is_pseudonymous": f.is_pseudonymous, "told": [text.to_dict() for text in f.told],
            }
            for f in plan.files
        ],
        "names": {raw: mapping.to_dict() for raw, mapping in plan.names.items()},
        "stages": list(plan.stages),
        "zone": plan.zone,
        "goal": None if plan.goal is None else list(plan.goal),
        "pseudonyms": plan.pseudonyms,
        "themes": [edit.to_dict() for edit in plan.themes],
    }  # fmt: skip


def plan_from_dict(kept: Mapping[str, Any], home: Path) -> Plan:
    """The reverse of `plan_to_dict`; a source that moved with its workspace is found by its name."""
    asked = tuple(
        ImportFile(
            _found(Path(f["path"]), home),
            f["name"],
            FileMapping.from_dict(f["mapping"]) if f["mapping"] else None,
            f.get("upload", 1),
            f.get("is_pseudonymous", False),
            tuple(map(Text.from_dict, f.get("told", ()))),
        )
        for f in kept["files"]
    )
    names = {raw: NameMapping.from_dict(mapping) for raw, mapping in kept["names"].items()}
    goal = None if kept["goal"] is None else tuple(kept["goal"])
    themes = tuple(map(ThemeEdit.from_dict, kept.get("themes", ())))
    return Plan(asked, names, tuple(kept["stages"]), kept["zone"], goal, kept.get("pseudonyms", False), themes)


def _found(path: Path, home: Path) -> Path:
    if not path.is_absolute():
        return home / path
    here = home / "sources" / path.name
    return here if here.exists() and not path.exists() else path
