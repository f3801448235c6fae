"""Whether small groups of a dataset are protected for everybody, its owner too: a file that is there or not.

It decides no stored number, so it is no part of a version; a file that cannot be read protects."""

from __future__ import annotations

from pathlib import Path

from cx_metrics.small_groups import Privacy
from cx_metrics.workspace import files
from cx_metrics.workspace.access import Viewer, needs
from cx_metrics.workspace.ids import checked

PROTECTED = "protected"


class KeptProtection:
    """What a workspace knows of the protection of small groups."""

    root: Path
    viewer: Viewer

    @needs("see")
    def protects(self, dataset: str) -> bool:
        """Whether the owner of a dataset has switched the protection of small groups on."""
        return self._switch(dataset).exists()

    @needs("administer")
    def protect(self, dataset: str, on: bool) -> None:
        """Protect small groups of a dataset for everybody who looks at it, or no longer for its owner."""
        switch = self._switch(dataset)
        if on:
            files.write_json(switch, {"format": 1})
        else:
            files.remove(switch)
            files.sync_folder(switch.parent)

    @needs("see")
    def privacy(self, dataset: str) -> Privacy | None:
        """What `run` is told for whoever looks: thresholds for a protected viewer or dataset, None where nothing is hidden."""
        return Privacy() if self.viewer.protected or self._switch(dataset).exists() else None

    def _switch(self, dataset: str) -> Path:
        return self.root / PROTECTED / f"{checked(dataset)}.json"
