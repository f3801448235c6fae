"""Bytes → raw table: what kind of file it is, how it is written, and its rows as text with their numbers."""

from __future__ import annotations

import codecs
import io
import itertools
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import IO, Any

from cx_metrics.errors import FileProblem, OptionProblem
from cx_metrics.reading.dialect import find_delimiter, said_delimiter
from cx_metrics.reading.encodings import ENCODINGS, errors_of, known_encoding
from cx_metrics.reading.kinds import GZIP, refuse_other_kinds
from cx_metrics.reading.records import MAX_COLUMNS, first_record
from cx_metrics.reading.report import shorten
from cx_metrics.reading.scan import open_bytes, readable, scan
from cx_metrics.texts import N_, Text

MAX_NAME = 4_000  # letters of a column name; survey tools put whole questions there
SAMPLE = 256 * 1024  # bytes that decide on kind and delimiter
SAMPLE_LINES = 200
MAX_HEADER = MAX_COLUMNS * MAX_NAME  # letters
BLOCK = 1024 * 1024  # characters looked at together


@dataclass(frozen=True)
class RawFile:
    """An opened upload: where it lies, the name the user gave it (data, never a path), and how it is written.

    `header` are the column names, trimmed; a column without a name is called `column_3` after its place.
    `size` is the size on disk, `lines` how many lines there are (at least as many as rows), `damaged_lines` how many of
    them hold bytes that are not text. `encoding` is a codec; `encoding_reason` says how it was found (None: the bytes are
    UTF-8), `other_encodings` in which others the words would read nearly as well, the likeliest first.
    """

    path: Path
    name: str
    delimiter: str
    encoding: str
    header: tuple[str, ...]
    compressed: bool
    size: int
    delimiter_line: bool = False
    damaged_lines: int = 0
    lines: int = 0
    encoding_reason: Text | None = None
    other_encodings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What was found as plain JSON values."""
        reason = None if self.encoding_reason is None else self.encoding_reason.to_dict()
        kept = {field.name: getattr(self, field.name) for field in fields(self)}
        lists = {"header": list(self.header), "other_encodings": list(self.other_encodings)}
        return {**kept, **lists, "path": str(self.path), "encoding_reason": reason}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> RawFile:
        """The reverse of `to_dict`."""
        reason = None if kept["encoding_reason"] is None else Text.from_dict(kept["encoding_reason"])
        lists = {"header": tuple(kept["header"]), "other_encodings": tuple(kept["other_encodings"])}
        return cls(**{**kept, **lists, "path": Path(kept["path"]), "encoding_reason": reason})


def open_raw(path: Path, name: str, encoding: str | None = None, delimiter: str | None = None) -> RawFile:
    """Is this a table in text form, and how is it written?

    Reads the file from end to end: kind by its first bytes, encoding, inflated size, damaged lines; then the delimiter and the
    header. `encoding` and `delimiter` are what the user says of them; a byte order mark wins over the encoding that was said.

    Raises:
        FileProblem: what was found, what was expected, what to do.
        OptionProblem: an encoding that we do not know, or a delimiter that parts no cells.
    """
    if delimiter is not None and (len(delimiter) != 1 or delimiter.isalnum() or delimiter in '"\r\n\0'):
        raise OptionProblem(
            N_('"{found}" cannot part columns. One sign was expected, like ; or a tab.'), found=shorten(delimiter)
        )
    found = open_text(path, name, encoding)
    with readable(name):
        with lines_of(found) as text:
            sample = first_lines(text)
        said = said_delimiter(sample[0])
        found = replace(found, delimiter=delimiter or said or find_delimiter(sample), delimiter_line=said is not None)
        return replace(found, header=_header(found))


def open_text(path: Path, name: str, encoding: str | None = None) -> RawFile:
    """The same before anything is known of columns: delimiter and header are still to be found.

    Raises:
        FileProblem: it is no text, or beyond a limit.
        OptionProblem: an encoding that we do not know.
    """
    path = Path(path)
    codec = None if encoding is None else known_encoding(encoding)
    if encoding is not None and codec is None:
        raise OptionProblem(
            N_('"{found}" is no encoding that files are read in. Those are: {known}.'),
            found=shorten(encoding),
            known=", ".join(ENCODINGS.values()),
        )
    with readable(name):
        size = path.stat().st_size
        with path.open("rb") as file:
            compressed = file.read(2) == GZIP
        start = _start(path, compressed)
        if not start.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
            raise FileProblem(N_("{file} is empty. A header and at least one row were expected."), file=shorten(name))
        refuse_other_kinds(start, name)
        found, tally = scan(path, compressed, start, name, codec)
        raw = RawFile(path, name, ",", found.codec, (), compressed, size, False, tally.damaged, tally.lines)
        return replace(raw, encoding_reason=found.reason, other_encodings=found.others)


def is_damaged(cells: list[str]) -> bool:
    """Whether the cells hold bytes that are no text."""
    whole = "".join(cells)
    return "\0" in whole or "\x1f" in whole or any("\udc80" <= sign <= "\udcff" for sign in whole)


@contextmanager
def lines_of(raw: RawFile) -> Iterator[IO[str]]:
    """The lines of the file from its header on; bytes that are no text stay recognisable as lone surrogates."""
    with open_bytes(raw.path, raw.compressed) as file:
        skip_mark(file, raw.encoding)
        with io.TextIOWrapper(file, encoding=raw.encoding, errors=errors_of(raw.encoding), newline="") as text:
            if raw.delimiter_line:
                next(text, None)
            yield text


def skip_mark(file: IO[bytes], codec: str) -> bytes:
    """Read past the byte order mark, which is handed back; the codec "utf-16" needs to see it, and keeps it."""
    marks = {"utf-8": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
    mark = marks.get(codec, b"")
    if file.read(len(mark)) == mark:
        return mark
    file.seek(0)
    return b""


def _start(path: Path, compressed: bool) -> bytes:
    with open_bytes(path, compressed) as file:
        return file.read(SAMPLE)


def first_lines(text: IO[str]) -> list[str]:
    """The lines that decide on the delimiter: the header, then whole lines of at most 256 kB together."""
    header = text.readline(MAX_HEADER)
    start = text.read(SAMPLE) if header.endswith(("\n", "\r")) else ""
    lines = list(itertools.islice(io.StringIO(start, newline=""), SAMPLE_LINES))
    if len(start) == SAMPLE and len(lines) < SAMPLE_LINES:
        lines.pop()  # it may be cut
    return [header, *lines]


def _header(raw: RawFile) -> tuple[str, ...]:
    with lines_of(raw) as text:
        _, cells, broken = first_record(text, raw.delimiter)
        if broken is not None or not cells:
            raise FileProblem(
                N_("{file} has no readable header in its first row: {why}"),
                file=shorten(raw.name),
                why=broken or Text(N_("it is blank.")),
            )
        if not any(block.strip() for block in iter(lambda: text.read(BLOCK), "")):
            raise FileProblem(
                N_("{file} has a header but no rows. Was the export empty? Choose another period and export again."),
                file=shorten(raw.name),
            )
    if len(cells) > MAX_COLUMNS:
        raise FileProblem(
            N_("{file} has {found} columns, more than {limit}. Keep the columns you need and upload the file again."),
            file=shorten(raw.name),
            found=len(cells),
            limit=MAX_COLUMNS,
        )
    if any(len(cell) > MAX_NAME for cell in cells):
        raise FileProblem(
            N_("{file} has a column name longer than {limit} letters. Is the header in its first row?"),
            file=shorten(raw.name),
            limit=MAX_NAME,
        )
    names = [_clean_name(cell) or f"column_{place}" for place, cell in enumerate(cells, 1)]
    _refuse_twins(names, raw.name)
    return tuple(names)


def _clean_name(cell: str) -> str:
    """A header in one line, without control characters and spaces around it."""
    kinds = {"Cc": " ", "Cs": "\ufffd"}  # the latter: bytes that are no text
    return " ".join("".join(kinds.get(unicodedata.category(c), c) for c in cell).split())


def _refuse_twins(names: list[str], file: str) -> None:
    plain = Counter("".join(name.casefold().split()) for name in names)
    twins = [name for name in names if plain["".join(name.casefold().split())] > 1]
    if twins:
        raise FileProblem(
            N_(
                "{file} has column names that are the same but for case or spaces: {names}. Give each column its own name."
            ),
            file=shorten(file),
            names=", ".join(f'"{shorten(name)}"' for name in twins[:6]),
        )
