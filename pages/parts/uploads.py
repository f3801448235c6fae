"""Uploads in hand: received, opened into the tables they hold, not imported yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cx_metrics import looking
from cx_metrics.errors import TouchlineError, WorkspaceProblem
from cx_metrics.plans import ImportFile
from cx_metrics.reading import FileMapping, RawFile
from cx_metrics.texts import N_, Text
from cx_metrics.workspace import Source
from pages.parts import cache, state

PIECE = 1 << 20


@dataclass(frozen=True)
class Waiting:
    """One table of an upload that is not imported yet: where it lies, how it reads, how it was found, or what is wrong with it.

    `origin` is the upload itself; `source` is what is read: the upload, or the file that was made of one table in it. `told`:
    what had to be understood to find the table. `mapping`: how the table is read now, where it is imported already.
    """

    origin: Source
    source: Source
    raw: RawFile | None = None
    told: tuple[Text, ...] = ()
    problem: TouchlineError | None = None
    mapping: FileMapping | None = None
    file: ImportFile | None = None

    @property
    def token(self) -> str:
        return self.source.token


def waiting() -> tuple[Waiting, ...]:
    """The tables in hand."""
    found = state.kept("waiting", ())
    return found if isinstance(found, tuple) else ()


def receive(uploads: Sequence[Any]) -> None:
    """Write new uploads to the workspace and open each. Raises WorkspaceProblem if there is no room."""
    for upload in uploads:
        source = cache.workspace().receive(upload.name, _pieces(upload.getbuffer()), state.session(), upload.size)
        state.keep("waiting", (*waiting(), *opened(source)))


def opened(origin: Source, encoding: str | None = None, delimiter: str | None = None) -> list[Waiting]:
    """The tables in an upload; one entry that says why, where it cannot be read."""
    workspace = cache.workspace()
    try:
        with workspace.building() as folder:
            found = []
            for table in looking.open_upload(origin.path, origin.name, folder, encoding, delimiter):
                source = origin
                if table.made:
                    source = workspace.receive_made(table.raw.name, table.raw.path, state.session())
                found.append(Waiting(origin, source, replace(table.raw, path=source.path), table.told))
            return found
    except TouchlineError as problem:
        return [Waiting(origin, origin, problem=problem)]


def open_again(origin: Source, encoding: str | None, delimiter: str | None) -> None:
    """Read an upload under another encoding or delimiter: its tables take the place of those it had."""
    before = waiting()
    now = opened(origin, encoding, delimiter)
    place = next((n for n, w in enumerate(before) if w.origin == origin), len(before))
    others = [w for w in before if w.origin != origin]
    for old in before:
        if old.origin == origin and old.source != origin:
            cache.workspace().discard(old.token)
    state.keep("waiting", (*others[:place], *now, *others[place:]))


def drop(token: str) -> None:
    """Forget one table; its upload goes with the last one."""
    left = tuple(w for w in waiting() if w.token != token)
    for gone in (w for w in waiting() if w.token == token):
        if gone.file is None:
            cache.workspace().discard(gone.token)
            if not any(w.origin == gone.origin for w in left):
                cache.workspace().discard(gone.origin.token)
    state.keep("waiting", left)


def discard() -> None:
    """Forget the uploads, and remove them from the disk."""
    for found in waiting():
        if found.file is None:
            cache.workspace().discard(found.token)
            cache.workspace().discard(found.origin.token)
    state.keep("waiting", ())


def adopted(dataset: str, files: Sequence[tuple[Waiting, FileMapping]]) -> list[ImportFile]:
    """The chosen tables as files of a dataset, each moved there; what is not chosen and what they were made from is removed."""
    workspace = cache.workspace()
    moved = []
    for found, mapping in files:
        if found.file is not None:
            moved.append(replace(found.file, mapping=mapping))
            continue
        told = found.told
        path = workspace.adopt(dataset, found.token)
        moved.append(ImportFile(path, found.source.name, mapping, told=told))
    kept = {found.token for found, _mapping in files}
    for found in waiting():
        for token in {found.token, found.origin.token} - kept:
            if found.file is None:
                workspace.discard(token)
    state.keep("waiting", ())
    return moved


def reopen(dataset: str, files: Sequence[ImportFile]) -> None:
    """Take the files of a dataset in hand again, as they are read now: to correct what was recognised.

    Raises WorkspaceProblem where one is gone."""
    found = []
    for file in files:
        if not file.path.exists():
            raise WorkspaceProblem(N_("An uploaded file is no longer there. Upload it again."))
        source = Source(file.path.name, file.name, file.path, file.path.stat().st_size)
        encoding, delimiter = (file.mapping.encoding, file.mapping.delimiter) if file.mapping else (None, None)
        try:
            raw = looking.look(file.path, file.name, encoding, delimiter)
        except TouchlineError as problem:
            found.append(Waiting(source, source, problem=problem, file=file))
            continue
        found.append(Waiting(source, source, raw, file.told, mapping=file.mapping, file=file))
    state.keep("waiting", tuple(found))
    state.keep("reopened", dataset)


def _pieces(buffer: memoryview) -> Iterator[bytes]:
    for start in range(0, len(buffer), PIECE):
        yield bytes(buffer[start : start + PIECE])
