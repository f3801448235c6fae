"""JSON → tables: lines that are objects each, a list of objects, lists inside of one object, or rows beside the names of columns.

Every document is read twice: once to learn which columns there are in any of its records, and once for their values.
"""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from cx_metrics.errors import FileProblem
from cx_metrics.reading import files
from cx_metrics.reading.found import Broken, FoundTable, Record
from cx_metrics.reading.json_values import (
    NAMES_SHOWN,
    Names,
    Number,
    decoder,
    entries,
    flatten,
    lists_of_contacts,
)
from cx_metrics.reading.kinds import GZIP
from cx_metrics.reading.records import MAX_COLUMNS
from cx_metrics.reading.report import quoted, shorten
from cx_metrics.reading.scan import MAX_INFLATED, MAX_LINE, open_bytes, readable
from cx_metrics.texts import N_, NP_, Text

_COLUMN_KEYS = frozenset({"columns", "meta", "header", "headers", "fields", "cols", "schema", "names"})
PIECE = 256 * 1024  # letters read at once
MAX_TABLES = 50
FOUND_LETTERS = 200  # of a broken record

Found = tuple[int, dict[str, Any] | Broken]  # row, object
Source = Callable[[json.JSONDecoder], Iterator[Found]]  # the records of one table, as often as asked


@dataclass
class _Notes:
    """What the records came across: by kind, how often or where."""

    paths: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, kind: str, path: str) -> None:
        seen = self.paths.setdefault(kind, {})
        if path in seen or len(seen) < files.SAMPLE_LINES:
            seen[path] = seen.get(path, 0) + 1

    def told(self) -> list[Text]:
        found = []
        for kind, source in _TOLD.items():
            seen = self.paths.get(kind)
            if seen:
                found.append(Text(source, {"names": quoted(seen, NAMES_SHOWN), "count": sum(seen.values())}))
        return found


_TOLD = {
    "joined": N_("Values of a list stand in one cell, with | between them: {names}."),
    "kept": N_("Lists of objects stand in one cell as JSON: {names}."),
    "none": N_("Values that are no numbers ({names}) were read as blank: {count}."),
    "twin": N_("A name stands twice in one object ({names}); the last value counts: {count}."),
}


def tables(path: Path, name: str) -> list[FoundTable]:
    """The tables of a JSON document; a list inside of each record that tells what happened when is offered as one more.

    Raises:
        FileProblem: no JSON that holds a table, or beyond a limit.
    """
    with readable(name):
        sources = _sources(path, name)
        found = [table for part, source in sources for table in _tables_of(part, source, name)]
    if not found:
        raise FileProblem(
            N_("{file} is JSON without a list of objects, so there are no rows in it. Export the records themselves."),
            file=shorten(name),
        )
    return found


def _tables_of(part: str, source: Source, name: str) -> list[FoundTable]:
    notes, names = _Notes(), Names(name)
    lists: dict[tuple[str, ...], Names] = {}
    careful = decoder(lambda found: notes.add("none", found), lambda key: notes.add("twin", key))
    seen = False
    for _, found in source(careful):
        seen = True
        if isinstance(found, Broken):
            continue
        row: dict[str, str] = {}
        flatten(found, row, notes.add)
        names.add(row)
        for path in lists_of_contacts(found):
            if len(lists) < MAX_TABLES:
                lists.setdefault(path, Names(name))
        for path, own in lists.items():
            for entry in entries(found, path):
                if isinstance(entry, dict):
                    own.add(_entry(entry, path))
    if not seen:
        return []
    header, told = names.columns()
    if not header:
        raise FileProblem(
            N_("{file} holds no object with named values in any of its records. Export the records themselves."),
            file=shorten(name),
        )
    tables = [FoundTable(part, header, _records(source, header), [*told, *notes.told()])]
    for path, own in lists.items():
        inside = ".".join(path)
        parents = tuple(
            column for column in header if not column.startswith(inside) and column not in notes.paths.get("kept", ())
        )
        columns, lost = own.columns()
        both = (parents + columns)[:MAX_COLUMNS]
        told = [
            Text(
                N_("Each row is one entry of {list}; the values of the record it belongs to are repeated."),
                {"list": inside},
            ),
            *lost,
        ]
        title = f"{part}: {inside}" if part else inside
        tables.append(FoundTable(title, both, _inner_records(source, path, both, told), told))
    return tables


def _records(source: Source, header: tuple[str, ...]) -> Iterator[Record]:
    blank = dict.fromkeys(header, "")
    known = blank.keys()
    for row, found in source(decoder()):
        if isinstance(found, Broken):
            yield row, found
            continue
        cells = blank.copy()
        values: dict[str, str] = {}
        flatten(found, values)
        if values.keys() <= known:
            cells.update(values)
        else:
            cells.update((name, value) for name, value in values.items() if name in known)
        yield row, list(cells.values())


def _inner_records(
    source: Source, path: tuple[str, ...], header: tuple[str, ...], told: list[Text]
) -> Iterator[Record]:
    """The entries of a list in all records, numbered from the row after the header."""
    row, without = 1, 0
    for _, found in source(decoder()):
        if isinstance(found, Broken):
            row += 1
            yield row, found
            continue
        inside = entries(found, path)
        without += not inside
        parent: dict[str, str] = {}
        flatten(found, parent)
        for entry in inside:
            row += 1
            if not isinstance(entry, dict):
                yield row, Broken("element", str(entry)[:FOUND_LETTERS])
                continue
            values = {**parent, **_entry(entry, path)}
            yield row, [values.get(name, "") for name in header]
    if without:
        one, many = NP_("{count} record has no entry in {list}.", "{count} records have no entry in {list}.")
        told.append(Text(one, {"count": without, "list": ".".join(path)}, many, without))


def _entry(entry: dict[str, Any], path: tuple[str, ...]) -> dict[str, str]:
    row: dict[str, str] = {}
    flatten(entry, row, None, f"{'.'.join(path)}.")
    return row


# where the records are ----------------------------------------------------------------------------------------------


def _sources(path: Path, name: str) -> list[tuple[str, Source]]:
    """The tables of a document by their places in it."""
    with _opened(path) as text:
        first, more = _first_lines(text)
    if any(_is_object(line) for line in first) and more:
        return [("", lambda how: _lines(path, name, how))]
    with _opened(path) as text:
        reader = _Reader(text, decoder(), name)
        if reader.peek() == "{":
            places = _places(reader, ())
            if not places:
                return [("", lambda how: _one_object(path, name, how))]
        else:
            names = _header_of(reader)
            places = [_Place((), names, int(bool(names)))]
    return [
        (".".join(place.keys), lambda how, place=place: _elements(path, name, place, how))  # type: ignore[misc]
        for place in places[:MAX_TABLES]
    ]


def _header_of(reader: _Reader) -> tuple[str, ...]:
    """The names of the columns, where a document is a list of rows with these names first; none where it is one of objects."""
    if reader.peek() != "[":
        return ()
    first = next(reader.elements(), None)
    return _named_columns(first) if isinstance(first, list) else ()


def _named_columns(found: list[Any]) -> tuple[str, ...]:
    """The names in a list of them, each a text or an object with its name; none where it is another list."""
    names = [element.get("name") if isinstance(element, dict) else element for element in found]
    texts = [name for name in names if isinstance(name, str) and not isinstance(name, Number) and name.strip()]
    return tuple(texts) if len(texts) == len(names) == len(set(texts)) else ()


def _first_lines(text: IO[str]) -> tuple[list[str], bool]:
    """The first two lines that are not blank, and whether anything follows the first."""
    found: list[str] = []
    while len(found) < 2 and (line := text.readline(MAX_LINE)):
        if line.strip():
            found.append(line)
    return found, len(found) > 1


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line, parse_int=str), dict)
    except (ValueError, RecursionError):
        return False


def _lines(path: Path, name: str, how: json.JSONDecoder) -> Iterator[Found]:
    """The object in each line."""
    with readable(name), _opened(path) as text:
        row, size = 1, 0
        while line := text.readline(MAX_LINE + 1):
            row += 1
            size += len(line)
            _refuse_size(size, len(line), name)
            if not line.strip():
                continue
            try:
                found = how.decode(line.strip())
            except (ValueError, RecursionError):
                yield row, Broken("json", line[:FOUND_LETTERS])
                continue
            yield row, found if isinstance(found, dict) else Broken("json", line[:FOUND_LETTERS])


def _one_object(path: Path, name: str, how: json.JSONDecoder) -> Iterator[Found]:
    """A document that is one record."""
    with readable(name), _opened(path) as text:
        reader = _Reader(text, how, name)
        found = reader.value()
        reader.end()
        if found:
            yield 2, found


def _elements(path: Path, name: str, place: _Place, how: json.JSONDecoder) -> Iterator[Found]:
    """The objects in one list of a document, or its rows as objects."""
    with readable(name), _opened(path) as text:
        reader = _Reader(text, how, name)
        for key in place.keys:
            for found in reader.members():
                if found == key:
                    break
                reader.skip()
        for number, element in enumerate(reader.elements(), 2 - place.header_rows):
            if number < 2:
                continue
            if isinstance(element, list) and len(element) == len(place.columns):
                element = dict(zip(place.columns, element, strict=True))
            yield number, element if isinstance(element, dict) else Broken("element", str(element)[:FOUND_LETTERS])
        if not place.keys:
            reader.end()


@dataclass(frozen=True)
class _Place:
    """Where a list of records is: the keys on the way to it; the names of its columns, where its records are lists of values; and
    how many of its entries are these names themselves."""

    keys: tuple[str, ...]
    columns: tuple[str, ...] = ()
    header_rows: int = 0


def _places(reader: _Reader, before: tuple[str, ...]) -> list[_Place]:
    """Where in an object there are lists of objects, or lists of rows beside the names of their columns."""
    found: list[_Place] = []
    named: dict[str, tuple[str, ...]] = {}
    rows: dict[str, int] = {}  # how many values most of them have
    for key in reader.members():
        sign = reader.peek()
        if sign == "{" and len(before) < 4:
            found += _places(reader, (*before, key))
        elif sign == "[":
            first: list[Any] = []
            for element in reader.elements():
                if len(first) <= MAX_COLUMNS:
                    first.append(element)
            if any(isinstance(element, dict) for element in first[:100]):
                found.append(_Place((*before, key)))
            elif lengths := [len(element) for element in first[:100] if isinstance(element, list)]:
                rows[key] = max(set(lengths), key=lengths.count)
            if key.casefold() in _COLUMN_KEYS and (names := _named_columns(first)):
                named[key] = names
        else:
            reader.skip()
    for key, width in rows.items():
        beside = next((about for about, names in named.items() if width == len(names)), None)
        if beside is not None:
            found = [place for place in found if place.keys != (*before, beside)]
            found.append(_Place((*before, key), named[beside]))
    return found


def _refuse_size(size: int, line: int, name: str) -> None:
    if size > MAX_INFLATED:
        raise FileProblem(
            N_("{file} is larger than {limit} GB when unpacked. Split it into several files."),
            file=shorten(name), limit=MAX_INFLATED // 1024**3,
        )  # fmt: skip
    if line > MAX_LINE:
        raise FileProblem(
            N_("{file} has a record longer than {limit} MB, so it is no table. Export the records themselves."),
            file=shorten(name), limit=MAX_LINE // 1024**2,
        )  # fmt: skip


@contextmanager
def _opened(path: Path) -> Iterator[IO[str]]:
    """The letters of a document, packed or not, in the encoding it begins with; bytes that are no text stay recognisable."""
    with path.open("rb") as whole:
        packed = whole.read(2) == GZIP
    with open_bytes(path, packed) as content:
        start = content.read(4)
    encoding = "utf-8-sig"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif start[1:2] == b"\0":
        encoding = "utf-16-le"
    elif start[:1] == b"\0":
        encoding = "utf-16-be"
    errors = "surrogateescape" if encoding == "utf-8-sig" else "strict"
    with (
        open_bytes(path, packed) as content,
        io.TextIOWrapper(content, encoding=encoding, errors=errors, newline="\n") as text,
    ):
        yield text


class _Reader:
    """Walks through a document piece by piece; only one value at a time is in memory."""

    def __init__(self, text: IO[str], how: json.JSONDecoder, name: str) -> None:
        self._text, self._how, self._name = text, how, name
        self._piece, self._at, self._size = "", 0, 0
        self._ended = False

    def peek(self) -> str:
        """The next sign that is no space; "" at the end."""
        while True:
            while self._at < len(self._piece) and self._piece[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._piece) or not self._more():
                return self._piece[self._at : self._at + 1]

    def value(self) -> Any:
        """The next value."""
        self.peek()
        while True:
            try:
                found, end = self._how.raw_decode(self._piece, self._at)
                _refuse_size(self._size, end - self._at, self._name)
                if end < len(self._piece) or not self._more():  # a number may go on
                    self._at = end
                    return found
            except RecursionError as fault:
                raise FileProblem(
                    N_("{file} is JSON nested too deep to be a table. Export the records themselves."),
                    file=shorten(self._name),
                ) from fault
            except ValueError as fault:
                if not self._more():
                    raise self._broken() from fault

    def skip(self) -> None:
        self.value()

    def elements(self) -> Iterator[Any]:
        """The values of the list that begins here."""
        self._take("[")
        if self.peek() == "]":
            self._at += 1
            return
        while True:
            yield self.value()
            if self.peek() == "]":
                self._at += 1
                return
            self._take(",")

    def members(self) -> Iterator[str]:
        """The keys of the object that begins here; the value of each is to be taken before the next."""
        self._take("{")
        if self.peek() == "}":
            self._at += 1
            return
        while True:
            if self.peek() != '"':
                raise self._broken()
            yield self._key()
            if self.peek() == "}":
                self._at += 1
                return
            self._take(",")

    def end(self) -> None:
        """Nothing may follow."""
        if self.peek():
            raise self._broken()

    def _key(self) -> str:
        key = self.value()
        self._take(":")
        return str(key)

    def _take(self, sign: str) -> None:
        if self.peek() != sign:
            raise self._broken()
        self._at += 1

    def _more(self) -> bool:
        """Read on; at least as much as there is, so that a long value is not tried again and again."""
        if self._ended:
            return False
        rest = self._piece[self._at :]
        piece = self._text.read(max(PIECE, len(rest)))
        self._ended = not piece
        self._size += len(piece)
        _refuse_size(self._size, len(rest), self._name)
        self._piece, self._at = rest + piece, 0
        return bool(piece)

    def _broken(self) -> FileProblem:
        found = self._piece[self._at : self._at + FOUND_LETTERS]
        return FileProblem(
            N_("{file} is no whole JSON document: it breaks off or is wrong at {found}. Export it again."),
            file=shorten(self._name), found=shorten(found) or Text(N_("its end")),
        )  # fmt: skip
