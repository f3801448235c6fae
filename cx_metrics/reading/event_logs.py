"""Event logs (XES) → one table: each event a row, with the attributes of its case beside its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cx_metrics.errors import FileProblem
from cx_metrics.reading.found import FoundTable, Record
from cx_metrics.reading.json_values import Names
from cx_metrics.reading.kinds import GZIP
from cx_metrics.reading.report import shorten
from cx_metrics.reading.scan import open_bytes, readable
from cx_metrics.reading.xml_events import read_xml
from cx_metrics.texts import N_, NP_, Text

CASE = "case:"  # before the name of an attribute of the case
_VALUES = {"string", "date", "int", "float", "boolean", "id", "list", "container"}
_BESIDE = {"extension", "global", "classifier"}

Row = dict[str, str]


def tables(path: Path, name: str) -> list[FoundTable]:
    """The events of a log. Attributes keep their names (concept:name, time:timestamp); those of the case begin with `case:`.

    An attribute inside of another one is named after both, with a dot between. Read twice: the second time for the rows.

    Raises:
        FileProblem: no XES, damaged, or beyond a limit.
    """
    names, log = Names(name), _Log()
    for row in _rows(path, name, log):
        names.add(row)
    header, told = names.columns()
    if not header:
        raise FileProblem(N_("{file} is an event log without any events. Export it again."), file=shorten(name))
    if log.empty:
        one, many = NP_("{count} case has no events.", "{count} cases have no events and stand in no row.")
        told.append(Text(one, {"count": log.empty}, many, log.empty))
    if log.beside:
        one, many = NP_(
            "What the log says about itself (extensions, defaults, classifiers) was not read: {count} entry.",
            "What the log says about itself (extensions, defaults, classifiers) was not read: {count} entries.",
        )
        told.append(Text(one, {"count": log.beside}, many, log.beside))
    return [FoundTable("", header, _records(path, name, header), told)]


def _records(path: Path, name: str, header: tuple[str, ...]) -> Iterator[Record]:
    for number, row in enumerate(_rows(path, name, _Log()), 2):
        yield number, [row.get(column, "") for column in header]


def _rows(path: Path, name: str, log: _Log) -> Iterator[Row]:
    with readable(name):
        with path.open("rb") as start:
            packed = start.read(2) == GZIP
        with open_bytes(path, packed) as file:
            for _ in read_xml(file, name, log.start, log.end):
                yield from log.rows
                log.rows.clear()


class _Log:
    """Turns the events of the XML into rows; those of a case wait until it ends, when all of its attributes are known."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.empty = self.beside = 0
        self._case: Row | None = None
        self._event: Row | None = None
        self._waiting: list[Row] = []
        self._keys: list[str] = []  # the attributes that enclose the one being read
        self._skipped = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._skipped or tag in _BESIDE:
            self._skipped += 1
            self.beside += self._skipped == 1
        elif tag == "trace":
            self._case, self._waiting = {}, []
        elif tag == "event":
            self._event = {}
        elif tag in _VALUES:
            self._keys.append(attributes.get("key", ""))
            into = self._event if self._event is not None else self._case
            if into is not None and "value" in attributes:
                _put(into, ".".join(filter(None, self._keys)), attributes["value"])

    def end(self, tag: str) -> None:
        if self._skipped:
            self._skipped -= 1
        elif tag == "event" and self._event is not None:
            (self.rows if self._case is None else self._waiting).append(self._event)
            self._event = None
        elif tag == "trace" and self._case is not None:
            case = {f"{CASE}{key}": value for key, value in self._case.items()}
            self.rows.extend({**case, **event} for event in self._waiting)
            self.empty += not self._waiting
            self._case = None
        elif tag in _VALUES and self._keys:
            self._keys.pop()


def _put(into: Row, key: str, value: str) -> None:
    if key in into:
        number = 2
        while f"{key} ({number})" in into:
            number += 1
        key = f"{key} ({number})"
    into[key] = value
