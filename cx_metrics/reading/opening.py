"""Any upload → the plain tables in it. What is no plain table yet is written as one, once; everything after reads that."""

from __future__ import annotations

import lzma
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cx_metrics.errors import FileProblem
from cx_metrics.reading.batches import read_batches
from cx_metrics.reading.containers import found_tables, kind_of_file
from cx_metrics.reading.files import RawFile, open_raw
from cx_metrics.reading.found import Broken, FoundTable, Record, write_plain
from cx_metrics.reading.json_cells import json_columns, with_columns_of_json
from cx_metrics.reading.report import shorten
from cx_metrics.reading.scan import readable
from cx_metrics.reading.text_tables import text_tables
from cx_metrics.texts import N_, NP_, Text

MOST_TABLES = 60  # in one upload; a report of a year has a sheet a month or a week


@dataclass(frozen=True)
class PlainTable:
    """One table of an upload, ready to be read. `part`: its sheet, member or title (data), "" where the upload is one table.
    `told`: what had to be understood to find it. `made`: whether its file was written for it; else it is the upload itself."""

    raw: RawFile
    part: str = ""
    told: tuple[Text, ...] = ()
    made: bool = False
    questions: Mapping[str, str] = field(default_factory=dict)  # column → the whole question, where the file has both

    def to_dict(self) -> dict[str, Any]:
        """The table as plain JSON values."""
        return {
            "raw": self.raw.to_dict(), "part": self.part, "told": [text.to_dict() for text in self.told], "made": self.made,
            "questions": dict(self.questions),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> PlainTable:
        """The reverse of `to_dict`."""
        told = tuple(map(Text.from_dict, kept["told"]))
        return cls(RawFile.from_dict(kept["raw"]), kept["part"], told, kept["made"], dict(kept["questions"]))


def open_upload(
    path: Path, name: str, folder: Path, encoding: str | None = None, delimiter: str | None = None
) -> list[PlainTable]:
    """Which tables does this file hold, and how are they written?

    A workbook, a JSON document, a Parquet file, an event log, an archive, or a text with notes around its table, several header
    rows or several tables becomes files of plain text in `folder`, an empty one: `0.csv`, `1.csv` … Their rows have the numbers
    that they have in the upload. `encoding` and `delimiter` say what is otherwise found out.

    Raises:
        FileProblem: what the file is instead, what is wrong with it, or which limit it goes beyond.
    """

    def texts(member: Path, called: str) -> list[FoundTable]:
        found = text_tables(member, called, encoding, delimiter)
        return [_as_found(open_raw(member, called, encoding, delimiter))] if found is None else found

    if kind_of_file(path, name) == "text" and text_tables(path, name, encoding, delimiter) is None:
        raw = open_raw(path, name, encoding, delimiter)
        objects = json_columns(raw)
        if not objects:
            return [PlainTable(raw)]
        with _whole(name):
            return [_made(with_columns_of_json(raw, objects), folder / "0.csv", name)]
    unpacked = folder / "unpacked"
    unpacked.mkdir()
    with _whole(name):
        tables = found_tables(path, name, unpacked, texts)
    if len(tables) > MOST_TABLES:
        one, many = NP_(
            "{file} holds {found} table, more than {limit}. Upload those you need in a file of their own.",
            "{file} holds {found} tables, more than {limit}. Upload those you need in a file of their own.",
        )
        about = {"file": shorten(name), "found": len(tables), "limit": MOST_TABLES}
        raise FileProblem(Text(one, about, many, len(tables)))
    made, refused = [], []
    for number, table in enumerate(tables):
        called = f"{name} · {table.part}" if table.part else name
        try:
            with _whole(called):
                made.append(_made(table, folder / f"{number}.csv", called))
        except FileProblem as problem:  # one sheet of several: the others are offered
            refused.append(problem)
    if not made:
        raise refused[0] if refused else FileProblem(
            N_("{file} holds no table with a header and at least one row."), file=shorten(name)
        )  # fmt: skip
    if refused:
        made[0] = replace(made[0], told=(*made[0].told, *(problem.text for problem in refused)))
    return made


@contextmanager
def _whole(name: str) -> Iterator[None]:
    """Faults of a file that is not whole, as libraries raise them, become a FileProblem."""
    try:
        with readable(name):
            yield
    except (zipfile.BadZipFile, lzma.LZMAError, NotImplementedError) as fault:
        raise FileProblem(
            N_("{file} is damaged, or packed in a way that is not read. Save or export it again."), file=shorten(name)
        ) from fault


def _made(table: FoundTable, path: Path, name: str) -> PlainTable:
    """A table as a file of its own."""
    if table.ready is not None:
        raw = table.ready
        raw.path.rename(path)
        return PlainTable(
            replace(raw, path=path, name=name), table.part, tuple(table.told), True, dict(table.questions)
        )
    written = write_plain(table, path, name)
    raw = open_raw(path, name)
    names = dict(zip(table.header, written.header, strict=True))
    questions = {names[column]: question for column, question in table.questions.items() if column in names}
    return PlainTable(raw, table.part, written.told, True, questions)


def _as_found(raw: RawFile) -> FoundTable:
    """A plain table inside of an archive: it is read as it is, unless it is joined with another one."""

    def records() -> Any:
        for batch, rows, problems in read_batches(raw):
            good: list[Record] = list(
                zip(rows.tolist(), zip(*(c.to_pylist() for c in batch.columns), strict=True), strict=True)
            )
            bad: list[Record] = [(p.row, Broken("unreadable", p.found)) for p in problems]
            yield from sorted([*good, *bad], key=lambda record: record[0])

    return FoundTable("", raw.header, records(), ready=raw)
