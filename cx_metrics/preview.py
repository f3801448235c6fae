"""What a file is taken for, from its beginning alone: python -m cx_metrics preview FILE.

The first megabyte of a text says nearly all that the Data page would say of the whole, however large the file is. Other kinds
(workbooks, JSON documents, Parquet files, archives) cannot be read in part, so all of such a file is looked at.
"""

from __future__ import annotations

import argparse
import inspect
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cx_metrics import looking, reading
from cx_metrics.errors import FileProblem, MappingProblem, TouchlineError
from cx_metrics.reading import PlainTable, Recognition, shorten
from cx_metrics.reading.containers import kind_of_file
from cx_metrics.reading.dialect import DELIMITER_NAMES
from cx_metrics.reading.encodings import encoding_name
from cx_metrics.reading.kinds import GZIP
from cx_metrics.reading.scan import open_bytes, readable
from cx_metrics.tables import TABLES
from cx_metrics.texts import N_

START = 1024 * 1024  # bytes of a text that are looked at, unpacked
WIDEST = 28  # letters of a cell on the terminal
MB = 1024 * 1024


@dataclass(frozen=True)
class Previewed:
    """One table of a file as it would be read: how it is written, what it was recognised as, its first rows, and why it cannot
    be imported as it is (None: it can). `size`: bytes of the file; `whole`: whether all of it was looked at."""

    plain: PlainTable
    found: Recognition
    rows: tuple[tuple[str, ...], ...]
    problem: TouchlineError | None
    size: int
    whole: bool

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain JSON values, texts in English."""
        raw, found = self.plain.raw, self.found
        return {
            "file": raw.name, "part": self.plain.part, "bytes": self.size, "whole": self.whole,
            "encoding": encoding_name(raw.encoding), "delimiter": raw.delimiter, "compressed": raw.compressed,
            "table": found.table, "confidence": found.confidence, "reason": str(found.reason), "preset": found.preset,
            "columns": [
                {"column": m.column, "field": m.field, "confidence": m.confidence, "reason": str(m.reason), "use": m.use}
                for m in found.matches
            ],
            "first_rows": [list(row) for row in self.rows],
            "told": [str(text) for text in self.plain.told],
            "questions": [
                {"key": q.key, "text": str(q.text), "chosen": q.chosen, "reason": str(q.reason),
                 "options": [{"value": o.value, "label": str(o.label)} for o in q.options]}
                for q in found.questions
            ],
            "problems": [str(text) for text in found.problems],
            "blockers": [str(text) for text in found.blockers],
            "refused": None if self.problem is None else str(self.problem),
        }  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Say what a file is taken for, from its first megabyte: its table, how it is written, which column becomes which and why, its
    first rows, and what a person would be asked. Nothing is imported."""
    asked = _parser().parse_args(arguments)
    shown: list[dict[str, Any]] = []
    for file in asked.files:
        for found in preview(file, asked.table, asked.encoding, asked.delimiter):
            if asked.json:
                shown.append(found.to_dict())
            else:
                print("\n".join(_lines(found)), end="\n\n")
    if asked.json:
        print(json.dumps(shown, ensure_ascii=False, indent=1))
    return 0


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m cx_metrics preview", description=inspect.getdoc(main))
    top.add_argument("files", metavar="FILE", type=Path, nargs="+", help="an export as it came; gzip is fine")
    top.add_argument("--table", choices=tuple(TABLES), help="what the file holds (default: found out)")
    top.add_argument("--encoding", metavar="NAME", help="like UTF-8 or Windows-1252 (default: found out)")
    top.add_argument("--delimiter", metavar="SIGN", help="what parts its columns (default: found out)")
    top.add_argument("--json", action="store_true", help="a list with one object a table")
    return top


def preview(
    path: Path, table: str | None = None, encoding: str | None = None, delimiter: str | None = None
) -> list[Previewed]:
    """The tables of a file as they would be read, from its beginning where it is a text.

    Rows and lines are those of that beginning; an encoding that only later bytes betray is not seen.

    Raises:
        FileProblem: what the file is instead, or what is wrong with it.
        OptionProblem: an encoding that we do not know, or a delimiter that parts no cells.
    """
    if not path.is_file():
        raise FileProblem(N_("There is no file {path}. Check the name and the folder."), path=str(path))
    with tempfile.TemporaryDirectory(prefix="touchline_preview_") as folder, _beginning(path) as (start, whole):
        size = path.stat().st_size
        made = Path(folder) / "tables"
        made.mkdir()
        return [
            _seen(plain, table, size, whole)
            for plain in reading.open_upload(start, path.name, made, encoding, delimiter)
        ]


def _seen(plain: PlainTable, table: str | None, size: int, whole: bool) -> Previewed:
    found = reading.recognise(plain.raw, table)
    problem: TouchlineError | None = None
    try:
        reading.default_mapping(plain.raw, found)
    except MappingProblem as refused:
        problem = refused
    return Previewed(plain, found, looking.first_rows(plain.raw), problem, size, whole)


@contextmanager
def _beginning(path: Path) -> Iterator[tuple[Path, bool]]:
    """A file that holds the beginning of this one, or all of it; and whether it is all."""
    with readable(path.name), path.open("rb") as file:
        packed = file.read(2) == GZIP
    start = b""
    if kind_of_file(path, path.name) == "text":
        with readable(path.name), open_bytes(path, packed) as content:
            start = content.read(START + 1)
    if len(start) <= START:
        yield path, True
        return
    with tempfile.TemporaryDirectory(prefix="touchline_preview_") as folder:
        cut = Path(folder) / "beginning"
        cut.write_bytes(_whole_lines(start[:START]))
        yield cut, False


def _whole_lines(start: bytes) -> bytes:
    """The lines that end here, in any encoding; all of it where none does."""
    cut = max(start.rfind(b"\n"), start.rfind(b"\r", 0, -1) if b"\n" not in start else -1) + 1
    cut += cut % 2 and start[cut : cut + 1] == b"\0"  # the second half of a line end in UTF-16
    return start[:cut] if cut else start


def _lines(seen: Previewed) -> Iterator[str]:
    """What was found, for a terminal."""
    raw, found = seen.plain.raw, seen.found
    yield f"{shorten(raw.name)}: {found.table or 'not recognised'} ({found.confidence:.0%}): {found.reason}"
    looked = "looked at all of it" if seen.whole else f"looked at its first {START // MB} MB"
    written = [encoding_name(raw.encoding), DELIMITER_NAMES.get(raw.delimiter, raw.delimiter)]
    yield ", ".join([*written, f"{seen.size / MB:,.1f} MB", looked])
    yield from (f"  {text}" for text in seen.plain.told)
    yield ""
    columns = [[m.column, _use(m), f"{m.confidence:.0%}" if m.field else "", str(m.reason)] for m in found.matches]
    yield from _table(["column", "becomes", "sure", "why"], columns)
    yield ""
    yield from _table([*raw.header[: looking.PREVIEW_COLUMNS]], [list(row) for row in seen.rows])
    for question in found.questions:
        yield f"\n? {question.text}\n  {question.reason}"
        yield from (f"  {'*' if o.value == question.chosen else ' '} {o.label}" for o in question.options)
    yield from (f"\n! {text}" for text in (*found.problems, *found.blockers))
    if seen.problem is not None and seen.problem.text not in found.blockers:
        yield f"\n! {seen.problem}"


def _use(match: reading.ColumnMatch) -> str:
    return match.field or {"spread": "records", "left": "–"}.get(match.use, "kept as it is")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns below each other; the last one as long as it is."""
    cells = [[_cell(cell, place == len(head) - 1) for place, cell in enumerate(row)] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _cell(text: str, is_last: bool) -> str:
    shown = shorten(text) if not is_last else " ".join(text.split())
    return shown if is_last or len(shown) <= WIDEST else shown[: WIDEST - 1] + "…"
