"""Saved views of a dataset: a page and what its address says, under a name that a team calls it.

The catalog counts; a file beside it is for building it again. A view keeps a question, not its answer: it is asked of the data
that count when it is opened."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import sqlalchemy as sa

from cx_metrics.errors import WorkspaceProblem
from cx_metrics.texts import N_
from cx_metrics.workspace import catalog as c
from cx_metrics.workspace import files
from cx_metrics.workspace.access import may, needs
from cx_metrics.workspace.ids import ID, checked, new_id, now
from cx_metrics.workspace.saved import SavedSegments

VIEWS = "views"
MOST_VIEWS = 500  # of a dataset
MOST_NAME_SIGNS, MOST_NOTE_SIGNS = 80, 280
MOST_SIGNS = 64 * 1024  # of what an address says: segments are spelled out in it
PAGE = re.compile(r"[a-z0-9-]{0,40}")  # the last part of the path of a page; empty for the first one
NO_SUCH_VIEW = N_("There is no such saved view here. It may have been deleted, or the link is from elsewhere.")


@dataclass(frozen=True)
class SavedView:
    """A view under a name: `query` is what the address bar says beside the dataset, its version and the language. `version`: the
    version of the data that it was saved with."""

    id: str
    dataset: str
    name: str
    note: str
    page: str
    query: str
    version: int
    pinned: bool
    saved_at: str


class SavedViews(SavedSegments):
    """What a workspace knows of saved views. Who may see a dataset sees its views; who may change it, changes them."""

    @needs("see")
    def views(self, dataset: str) -> list[SavedView]:
        """The saved views of a dataset: those that are pinned first, then the newest."""
        with self.catalog.reading() as connection:
            return _read(connection, dataset)

    def view_of(self, token: str) -> SavedView:
        """The view with that id. Raises WorkspaceProblem, in the same words, for one that is not there and one that the viewer
        may not see."""
        with self.catalog.reading() as connection:
            asked = sa.select(c.views).where(c.views.c.id == (token if ID.fullmatch(token) else ""))
            row = connection.execute(asked).mappings().first()
        if row is None or not may(self.viewer, row["dataset"], "see"):
            raise WorkspaceProblem(NO_SUCH_VIEW)
        return SavedView(**_plain(c.unsealed(row)))

    @needs("change")
    def save_view(self, dataset: str, name: str, note: str, page: str, query: str, version: int) -> SavedView:
        """Save what a page shows; the view of the same name is replaced and keeps its id, so that its links go on working. Raises
        WorkspaceProblem for a name that is none, an address that is too long, or one view too many."""
        if not PAGE.fullmatch(page) or len(query) > MOST_SIGNS:
            raise WorkspaceProblem(N_("This view is too long to be saved. Take some filters away."))
        made = SavedView(
            new_id(), dataset, _name(name), _note(note), page, c.kept_text(query), int(version), False, now()
        )

        def edit(known: list[SavedView]) -> list[SavedView]:
            same = next((v for v in known if v.name == made.name), None)
            kept = made if same is None else replace(made, id=same.id, pinned=same.pinned)
            return [*(v for v in known if v.name != made.name), kept]

        return next(v for v in self._edit_views(dataset, edit) if v.name == made.name)

    @needs("change")
    def rename_view(self, dataset: str, token: str, name: str, note: str) -> None:
        """Call a view something else, and say something else about it. Raises WorkspaceProblem where another one has the name."""
        name, note = _name(name), _note(note)

        def edit(known: list[SavedView]) -> list[SavedView]:
            if any(v.name == name and v.id != token for v in known):
                raise WorkspaceProblem(N_("There is a view {name} already. Choose another name."), name=name)
            return _changed(known, token, name=name, note=note)

        self._edit_views(dataset, edit)

    @needs("change")
    def pin_view(self, dataset: str, token: str, pinned: bool) -> None:
        """Let a view stand first in the list, or no longer."""
        self._edit_views(dataset, lambda known: _changed(known, token, pinned=pinned))

    @needs("change")
    def drop_view(self, dataset: str, token: str) -> None:
        """Forget a view. Its short link says so from now on; whole addresses go on working, because they say everything."""
        self._edit_views(dataset, lambda known: [v for v in known if v.id != token])

    @needs("change")
    def put_view_back(self, dataset: str, view: SavedView) -> None:
        """Undo `drop_view`: the view is there again, with its id. Raises WorkspaceProblem where another one has its name by now."""

        def edit(known: list[SavedView]) -> list[SavedView]:
            if any(v.name == view.name for v in known):
                raise WorkspaceProblem(N_("There is a view {name} already. Choose another name."), name=view.name)
            return [*known, replace(view, dataset=dataset)]

        self._edit_views(dataset, edit)

    def _edit_views(self, dataset: str, edit: Callable[[list[SavedView]], list[SavedView]]) -> list[SavedView]:
        """One writer at a time, so that no view is lost."""
        with self.catalog.writing() as connection:
            kept = edit(_read(connection, dataset))
            if len(kept) > MOST_VIEWS:
                raise WorkspaceProblem(
                    N_("A dataset has at most {most} saved views. Delete one first."), most=MOST_VIEWS
                )
            connection.execute(c.views.delete().where(c.views.c.dataset == dataset))
            rows = [asdict(view) for view in kept]
            _insert(connection, rows)
            files.write_json(self.root / VIEWS / f"{checked(dataset)}.json", {"format": 1, "views": rows})
        return kept


def write_views(
    connection: sa.Connection, dataset: str, kept: Sequence[Mapping[str, Any]], fresh: bool = False
) -> None:
    """Write the rows of views that are not there yet, as a file or an archive has them. `fresh`: under new ids, for a dataset that
    may stand beside the one it was made of. Raises as `readable` does."""
    rows = [row | {"dataset": checked(dataset)} | ({"id": new_id()} if fresh else {}) for row in readable(kept)]
    _insert(connection, rows)


def readable(kept: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The values of views as a file or an archive has them. Raises ValueError, KeyError or TypeError for what are none."""
    rows = [_plain(row) for row in kept]
    if not all(ID.fullmatch(row["id"]) and PAGE.fullmatch(row["page"]) for row in rows):
        raise ValueError("no saved views")
    return rows


def _insert(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(c.views.insert(), [c.sealed(row) for row in rows])


def _read(connection: sa.Connection, dataset: str) -> list[SavedView]:
    asked = sa.select(c.views).where(c.views.c.dataset == checked(dataset))
    found = [SavedView(**_plain(c.unsealed(row))) for row in connection.execute(asked).mappings()]
    return sorted(sorted(found, key=lambda v: (v.saved_at, v.name), reverse=True), key=lambda v: not v.pinned)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a view. Raises KeyError where one is missing."""
    texts = {name: str(row[name]) for name in ("id", "dataset", "name", "note", "page", "query", "saved_at")}
    return texts | {"version": int(row["version"]), "pinned": bool(row["pinned"])}


def _changed(known: Sequence[SavedView], token: str, **values: Any) -> list[SavedView]:
    if token not in [v.id for v in known]:
        raise WorkspaceProblem(NO_SUCH_VIEW)
    return [replace(v, **values) if v.id == token else v for v in known]


def _name(name: str) -> str:
    name = " ".join(c.kept_text(name).split())
    if not 0 < len(name) <= MOST_NAME_SIGNS:
        raise WorkspaceProblem(N_("A view needs a name of at most {most} characters."), most=MOST_NAME_SIGNS)
    return name


def _note(note: str) -> str:
    note = " ".join(c.kept_text(note).split())
    if len(note) > MOST_NOTE_SIGNS:
        raise WorkspaceProblem(N_("A note has at most {most} characters."), most=MOST_NOTE_SIGNS)
    return note
