"""What became of every row of a file: loaded, or set aside with a reason. Nothing is lost in silence."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cx_metrics.texts import N_, NP_, Text

_JOINERS = "\u200c\u200d"  # part of the spelling of Persian words
KEPT_ROWS = 200  # rows listed for each reason; every reason keeps its full count
FOUND_LENGTH = 60  # data shown in a message is cut here

_QUOTED = N_('"{name}"')
_SET_ASIDE = NP_(
    "{count} row was set aside: {reason} (row {row})",
    "{count} rows were set aside: {reason} (first: row {row})",
)

_FROM_ROWS = NP_(
    "{count} row of the file holds the {records} records that are counted here.",
    "{count} rows of the file hold the {records} records that are counted here.",
)
_EMPTY_CELLS = NP_(
    "{count} cell of the columns that were spread was empty and made no record.",
    "{count} cells of the columns that were spread were empty and made no record.",
)

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]


def shorten(found: object) -> str:
    """Data as it may stand in a message: one line, at most 60 characters, without control characters."""
    shown = str(found)[: FOUND_LENGTH * 4]
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() or c in _JOINERS else " " for c in shown)
    shown = " ".join(shown.split())
    return shown if len(shown) <= FOUND_LENGTH else shown[: FOUND_LENGTH - 1] + "…"


def quoted(names: Iterable[object], most: int | None = None) -> tuple[Text, ...]:
    """Names as a message lists them, each in the quotation marks of the reader's language; after the first `most`, an ellipsis."""
    every = [Text(_QUOTED, {"name": shorten(name)}) for name in names]
    return (*every,) if most is None or len(every) <= most else (*every[:most], Text("…"))


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One row of the file that has something to tell: `row` counts from 1, the header; `found` is cut at 60 characters."""

    row: int
    column: str | None
    found: str
    reason: Text

    def to_dict(self) -> dict[str, Any]:
        return {"row": self.row, "column": self.column, "found": self.found, "reason": self.reason.to_dict()}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> RowProblem:
        return cls(kept["row"], kept["column"], kept["found"], Text.from_dict(kept["reason"]))


@dataclass
class Reason:
    """All rows that share one reason: how many they are, and the first 200 of them."""

    reason: Text
    column: str | None
    count: int = 0
    rows: list[RowProblem] = field(default_factory=list)
    note: tuple[str, str] | None = None  # the sentence that counts them, singular and plural

    def add(self, problems: Iterable[RowProblem], count: int) -> None:
        self.count += count
        room = KEPT_ROWS - len(self.rows)
        self.rows.extend(problem for problem, _ in zip(problems, range(room), strict=False))

    @property
    def counted(self) -> Text:
        """The reason as a sentence with its count and its first row."""
        one, many = self.note or _SET_ASIDE
        first = {"found": self.rows[0].found, "row": self.rows[0].row} if self.rows else {"found": "", "row": 0}
        about = {"column": shorten(self.column or ""), "count": self.count, "reason": self.reason}
        return Text(one, {**self.reason.values, **first, **about}, many, self.count)

    def to_dict(self) -> dict[str, Any]:
        return {
            "reason": self.reason.to_dict(),
            "column": self.column,
            "count": self.count,
            "rows": [row.to_dict() for row in self.rows],
            "note": list(self.note) if self.note else None,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Reason:
        note = (kept["note"][0], kept["note"][1]) if kept.get("note") else None
        rows = [RowProblem.from_dict(row) for row in kept["rows"]]
        return cls(Text.from_dict(kept["reason"]), kept["column"], kept["count"], rows, note)


class Remembers(Protocol):
    """Who wants to know each row that was set aside."""

    def add(self, rows: Rows, column: str | None, reason: Text) -> None: ...


@dataclass
class Report:
    """What became of the rows of one file. Always: `rows == loaded + set_aside`, and the counts of `reasons` sum to `set_aside`.

    A row is set aside for the first thing that is wrong with it. `flagged` are rows that were loaded although one value
    could not be kept as it was; `notes` are sentences with counts: what was flagged, what was assumed.

    A row is a record. In a wide file one row of the file holds several: `file_rows` counts the rows of the file, `empty_cells`
    the cells of spread columns that hold no record; otherwise `file_rows == rows` and no cell is counted.
    """

    file: str
    table: str
    rows: int = 0
    loaded: int = 0
    set_aside: int = 0
    reasons: list[Reason] = field(default_factory=list)
    flagged: list[Reason] = field(default_factory=list)
    assumed: list[Text] = field(default_factory=list)
    file_rows: int = 0
    empty_cells: int = 0
    every: Remembers | None = field(
        default=None, compare=False, repr=False
    )  # of all rows set aside, where somebody wants them

    @property
    def notes(self) -> list[Text]:
        """What was coerced or assumed, each with its count, most frequent first."""
        flagged = sorted(self.flagged, key=lambda group: -group.count)
        return [*self._spread_notes(), *self.assumed, *(group.counted for group in flagged if group.note)]

    def _spread_notes(self) -> list[Text]:
        """Where the records come from, if a row of the file is not one record."""
        if self.file_rows == self.rows and not self.empty_cells:
            return []
        count = self.file_rows
        from_rows = Text(_FROM_ROWS[0], {"count": count, "records": self.rows}, _FROM_ROWS[1], count)
        empty = Text(_EMPTY_CELLS[0], {"count": self.empty_cells}, _EMPTY_CELLS[1], self.empty_cells)
        return [from_rows, empty] if self.empty_cells else [from_rows]

    def set_rows_aside(self, problems: Iterable[RowProblem], rows: Rows) -> None:
        """Count rows as set aside; `problems` are the same rows, or the first of them, all with one reason."""
        count = len(rows)
        self.set_aside += count
        first = next(waiting := iter(problems), None)
        if first is not None:
            _add(self.reasons, itertools.chain([first], waiting), count, None)
            if self.every is not None:
                self.every.add(rows, first.column, first.reason)

    def flag_rows(self, problems: Iterable[RowProblem], count: int, note: tuple[str, str]) -> None:
        """Remember `count` loaded rows with something to know; `note` counts them in a sentence."""
        _add(self.flagged, problems, count, note)

    def assume(self, note: Text) -> None:
        """Say once what was assumed; a note that counts is added up over the batches."""
        for place, earlier in enumerate(self.assumed):
            if note.count is not None and earlier.count is not None and _same(earlier, note):
                count = earlier.count + note.count
                self.assumed[place] = Text(note.source, {**note.values, "count": count}, note.many, count)
                return
            if earlier == note:
                return
        self.assumed.append(note)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values, to be kept in a manifest."""
        return {
            "file": self.file,
            "table": self.table,
            "rows": self.rows,
            "loaded": self.loaded,
            "set_aside": self.set_aside,
            "reasons": [group.to_dict() for group in self.reasons],
            "flagged": [group.to_dict() for group in self.flagged],
            "assumed": [note.to_dict() for note in self.assumed],
            "file_rows": self.file_rows,
            "empty_cells": self.empty_cells,
        }

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Report:
        """The reverse of `to_dict`."""
        return cls(
            kept["file"],
            kept["table"],
            kept["rows"],
            kept["loaded"],
            kept["set_aside"],
            [Reason.from_dict(group) for group in kept["reasons"]],
            [Reason.from_dict(group) for group in kept["flagged"]],
            [Text.from_dict(note) for note in kept["assumed"]],
            kept.get("file_rows", kept["rows"]),
            kept.get("empty_cells", 0),
        )


def _same(one: Text, other: Text) -> bool:
    counts = {"count": None}
    return one.source == other.source and {**one.values, **counts} == {**other.values, **counts}


def _key(reason: Text, column: str | None) -> tuple[str, str | None, str | None]:
    """What rows of one reason share. Two values that a user asked to leave out are two reasons."""
    return reason.source, column, reason.values.get("left_out")


def _add(groups: list[Reason], problems: Iterable[RowProblem], count: int, note: tuple[str, str] | None) -> None:
    waiting = iter(problems)
    first = next(waiting, None)
    if first is None or count == 0:
        return
    key = _key(first.reason, first.column)
    group = next((g for g in groups if _key(g.reason, g.column) == key), None)
    if group is None:
        group = Reason(first.reason, first.column, note=note)
        groups.append(group)
    group.add([first, *(p for p, _ in zip(waiting, range(KEPT_ROWS), strict=False))], count)
