"""The tables that a file holds, before each is written as a plain table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from cx_metrics.reading.files import DAMAGED
from cx_metrics.reading.records import LONG_CELL, OPEN_QUOTE
from cx_metrics.texts import N_, Text


@dataclass(frozen=True)
class Broken:
    """A record that is none: `code` is a key of BROKEN, `found` what stands there."""

    code: str
    found: str


# Why a record is none.
BROKEN: Mapping[str, Text] = MappingProxyType(
    {
        "damaged": DAMAGED,
        "quotation": OPEN_QUOTE,
        "long": LONG_CELL,
        "header": Text(N_("The header stands here once more.")),
        "total": Text(N_("The row is a total of the others, not a record.")),
        "note": Text(N_("The row stands after the table and is a note or a total, not a record.")),
    }
)

Record = tuple[int, "list[str] | Broken"]


@dataclass
class FoundTable:
    """One table of a file.

    `part` is "" where the file is one table, else the sheet, member or title: data, to be escaped where it is shown. `header`
    holds the names as they are in the file, trimmed; they may be "" or twins. `records`: row and cells ("" is blank), or row and
    what is broken; every record of the file appears exactly once, and rows count as the user's tool counts. `told`: what had to
    be understood to read it; complete after the last record. `questions`: name in the header → the whole question, where the
    file has both. `notes`: the first lines that stand before the table, such as a title and a period.
    """

    part: str
    header: tuple[str, ...]
    records: Iterator[Record]
    told: list[Text] = field(default_factory=list)
    questions: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
