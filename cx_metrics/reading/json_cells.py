"""Columns whose cells are JSON objects, as PostHog and warehouses export them: their values get columns of their own."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Sequence

import pyarrow.compute as pc

from cx_metrics.reading.batches import read_batches
from cx_metrics.reading.files import SAMPLE, RawFile, lines_of
from cx_metrics.reading.found import Broken, FoundTable, Record
from cx_metrics.reading.json_values import NAMES_SHOWN, Names, decoder, flatten
from cx_metrics.reading.report import quoted
from cx_metrics.reading.scan import readable
from cx_metrics.texts import NP_, Text

LOOKED_AT = 200  # rows that decide
BATCHES_TRIED = 3
ALMOST_ALL = 0.95
PERSONAL = ("person_properties", "user_properties")  # who somebody is: stays one cell, which presets leave out
_HOW = decoder()


def json_columns(raw: RawFile) -> tuple[str, ...]:
    """The columns in which nearly every cell that is filled is a JSON object, and one of them holds something."""
    with readable(raw.name), lines_of(raw) as text:
        if "{" not in text.read(SAMPLE):
            return ()
    found = itertools.islice(read_batches(raw, LOOKED_AT), BATCHES_TRIED)
    batch = next((batch.slice(0, LOOKED_AT) for batch, _, _ in found if batch.num_rows), None)
    if batch is None:
        return ()
    named = [name for name in raw.header if name.casefold() not in PERSONAL]
    likely = [name for name in named if pc.any(pc.match_substring_regex(batch.column(name), r"^\s*\{\s*\"")).as_py()]
    fitting = []
    for name in likely:
        cells = [cell for cell in batch.column(name).to_pylist() if cell.strip()]
        objects = [value for cell in cells if (value := _object(cell)) is not None]
        if any(objects) and len(objects) >= ALMOST_ALL * len(cells):
            fitting.append(name)
    return tuple(fitting)


def with_columns_of_json(raw: RawFile, spread: Sequence[str]) -> FoundTable:
    """The table with a column for each value of these objects, by its path: properties.$browser. A cell that is no object stays
    in a column of the old name. Beyond the most columns that are read, values that few rows have are left out, and told.

    Raises:
        FileProblem: the objects have more names than any table.
    """
    names = Names(raw.name)
    plain = [name for name in raw.header if name not in spread]
    names.add(dict.fromkeys(plain, ""))
    taken = set(plain)
    for batch, _rows, _problems in read_batches(raw):
        for name in spread:
            for cell in batch.column(name).to_pylist():
                names.add(_values(name, cell, taken))
    header, lost = names.columns(plain)
    told = [_told(spread), *lost]
    return FoundTable("", header, _records(raw, spread, plain, header), told)


def _records(raw: RawFile, spread: Sequence[str], plain: Sequence[str], header: Sequence[str]) -> Iterator[Record]:
    taken = set(plain)
    blank = dict.fromkeys(header, "")
    for batch, rows, problems in read_batches(raw):
        kept = zip(*(batch.column(name).to_pylist() for name in plain), strict=True) if plain else itertools.repeat(())
        cells = zip(*(batch.column(name).to_pylist() for name in spread), strict=True)
        good: list[Record] = []
        for row, ours, theirs in zip(rows.tolist(), kept, cells, strict=False):
            record = {**blank, **dict(zip(plain, ours, strict=True))}
            for name, cell in zip(spread, theirs, strict=True):
                record.update((path, value) for path, value in _values(name, cell, taken).items() if path in blank)
            good.append((row, list(record.values())))
        bad: list[Record] = [(problem.row, Broken("unreadable", problem.found)) for problem in problems]
        yield from sorted([*good, *bad], key=lambda record: record[0])


def _values(name: str, cell: str, taken: set[str]) -> dict[str, str]:
    """What a cell says, by the names of its columns; a name that the file has is not taken twice."""
    if not cell.strip():
        return {}
    found = _object(cell)
    if found is None:
        return {name: cell}
    values: dict[str, str] = {}
    flatten(found, values, None, f"{name}.")
    return {path if path not in taken else f"{path} (JSON)": value for path, value in values.items()}


def _object(cell: str) -> dict[str, object] | None:
    try:
        found = _HOW.decode(cell.strip())
    except (json.JSONDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _told(spread: Sequence[str]) -> Text:
    one, many = NP_(
        "The cells of {count} column ({names}) hold JSON; their values stand in columns of their own. Leave out those that nobody "
        "needs.",
        "The cells of {count} columns ({names}) hold JSON; their values stand in columns of their own. Leave out those that nobody "
        "needs.",
    )
    return Text(one, {"count": len(spread), "names": quoted(spread, NAMES_SHOWN)}, many, len(spread))
