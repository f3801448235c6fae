"""Saved segments of a dataset: a name and the text of a condition.

The catalog counts; a file beside it is for building it again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from cx_metrics.errors import WorkspaceProblem
from cx_metrics.segments import parse_condition, print_condition
from cx_metrics.texts import N_
from cx_metrics.workspace import catalog as c
from cx_metrics.workspace import files
from cx_metrics.workspace.access import Viewer, needs
from cx_metrics.workspace.ids import checked

MOST_SEGMENTS = 200  # of a dataset
MOST_NAME_SIGNS = 80  # of a segment


class SavedSegments:
    """What a workspace knows of segments. A segment holds for all versions of its dataset, and for a dataset in an engine."""

    root: Path
    catalog: c.Catalog
    viewer: Viewer

    @needs("see")
    def segments(self, dataset: str) -> dict[str, str]:
        """The saved segments of a dataset, the text of each condition by name, in the order of their names."""
        with self.catalog.reading() as connection:
            return _read(connection, dataset)

    @needs("change")
    def keep_segment(self, dataset: str, name: str, condition: str) -> None:
        """Save a segment; one of the same name is replaced. Raises OptionProblem for what is no condition, WorkspaceProblem for a
        name that is none or one segment too many."""
        name, text = " ".join(c.kept_text(name).split()), print_condition(parse_condition(c.kept_text(condition)))
        if not 0 < len(name) <= MOST_NAME_SIGNS:
            raise WorkspaceProblem(N_("A segment needs a name of at most {most} characters."), most=MOST_NAME_SIGNS)
        self._edit_segments(dataset, lambda known: known | {name: text})

    @needs("change")
    def rename_segment(self, dataset: str, name: str, renamed: str) -> None:
        """Call a segment something else. Raises WorkspaceProblem if there is none of that name."""
        renamed = " ".join(c.kept_text(renamed).split())
        if not 0 < len(renamed) <= MOST_NAME_SIGNS:
            raise WorkspaceProblem(N_("A segment needs a name of at most {most} characters."), most=MOST_NAME_SIGNS)

        def edit(known: dict[str, str]) -> dict[str, str]:
            if name not in known:
                raise WorkspaceProblem(N_("There is no segment {name} any more."), name=name)
            return {k: text for k, text in known.items() if k != name} | {renamed: known[name]}

        self._edit_segments(dataset, edit)

    @needs("change")
    def drop_segment(self, dataset: str, name: str) -> None:
        """Forget a segment; links that hold it go on working, because they say who belongs."""
        self._edit_segments(dataset, lambda known: {k: text for k, text in known.items() if k != name})

    def _edit_segments(self, dataset: str, edit: Callable[[dict[str, str]], dict[str, str]]) -> None:
        """One writer at a time, so that no segment is lost."""
        with self.catalog.writing() as connection:
            kept = edit(_read(connection, dataset))
            if len(kept) > MOST_SEGMENTS:
                raise WorkspaceProblem(
                    N_("A dataset has at most {most} saved segments. Delete one first."), most=MOST_SEGMENTS
                )
            connection.execute(c.segments.delete().where(c.segments.c.dataset == dataset))
            write_segments(connection, dataset, kept)
            files.write_json(self.root / "segments" / f"{checked(dataset)}.json", {"format": 1, "segments": kept})


def write_segments(connection: sa.Connection, dataset: str, kept: dict[str, str]) -> None:
    """Write the rows of segments that are not there yet."""
    rows = [c.sealed({"dataset": dataset, "name": name, "condition": text}) for name, text in kept.items()]
    if rows:
        connection.execute(c.segments.insert(), rows)


def _read(connection: sa.Connection, dataset: str) -> dict[str, str]:
    asked = sa.select(c.segments).where(c.segments.c.dataset == checked(dataset))
    found = [c.unsealed(row) for row in connection.execute(asked).mappings()]
    return dict(sorted((row["name"], row["condition"]) for row in found))
