"""Which of the first rows of a table are its header, and what its columns are called."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

from cx_metrics.reading.aliases import ALIASES, plain
from cx_metrics.reading.report import shorten
from cx_metrics.texts import N_, NP_, Text

MOST_ROWS = 3  # of names above the values
MOSTLY = 0.8
JOINED = " · "  # between the parts of a name that stands in several rows

_NUMBER = re.compile(r"[-+−(]?\s?[^\w\s.,]?\s?\d[\d.,\s'’٫٬]*\s?([^\w\s]|[kKmM]|[A-Z]{3})?\)?")
_MOMENT = re.compile(
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ,].*)?|\d{1,2}:\d{2}(:\d{2})?( ?[AaPp]\.?[Mm]\.?)?"
    r"|\d{1,2}[. -][^\W\d_]{3,9}\.?[. -]\d{2,4}.*"
)
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.\w+|https?://\S+|\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}")
_NOTHING = frozenset({"", "na", "n/a", "null", "none", "nan", "-", "--", "–", "—", "?", ".", "(not set)"})
_IMPORT_ID = '{"importid"'
_VARIABLE = re.compile(r"V\d+")
_CODE = re.compile(r"[^\W_]{0,4}\d[\w.\-\[\]#]*|\w{1,12}")
# What SurveyMonkey writes under a question that has one column.
_RESPONSES = frozenset(
    {"response", "open-ended response", "antwort", "offene antwort", "respuesta", "respuesta abierta", "réponse",
     "réponse ouverte", "ответ", "открытый ответ", "الرد", "پاسخ"}
)  # fmt: skip

SEVERAL = NP_(
    "The names of the columns stand in {count} row.", "The names of the columns stand in {count} rows and were joined."
)
MISSING = N_(
    "There is no header: the first row holds values already. The columns are called column_1, column_2 and so on. Give the file a "
    "header if that is wrong."
)
OTHER_WIDTH = N_(
    "Row {row} holds {names} names, but the rows below it have {cells} cells: which name belongs to which column cannot be told. "
    "The columns are called column_1, column_2 and so on. The names are: {header}."
)
QUALTRICS = N_(
    "The header has three rows, as Qualtrics writes it: short names and questions were joined, its import marks left out."
)
ONCE_MORE = NP_(
    "The header stands {count} time.", "The header stands {count} times, one under another; it counts once."
)


@dataclass(frozen=True)
class Header:
    """`rows`: how many rows it takes; 0 where there is none. `questions`: name → the whole question."""

    rows: int
    names: tuple[str, ...]
    questions: dict[str, str] = field(default_factory=dict)
    told: tuple[Text, ...] = ()
    sure: bool = False  # the values under it are of another kind


def find_header(rows: Sequence[Sequence[str]]) -> Header:
    """The header of a table by its first rows, all with the same number of cells."""
    first = [cell.strip() for cell in rows[0]]
    found = _qualtrics(rows)
    if found is not None:
        return found
    same = 1
    while same < min(len(rows), MOST_ROWS + 1) and [cell.strip() for cell in rows[same]] == first:
        same += 1
    if 1 < same <= MOST_ROWS and _speaks(first, rows[same:])[1] == 0:
        told = Text(ONCE_MORE[0], {"count": same}, ONCE_MORE[1], same)
        return Header(same, tuple(first), {}, (told,), True)
    speaks_for, against = _speaks(first, rows[1:])
    if _has_none(first, rows[1:], speaks_for, against):
        return Header(0, tuple(f"column_{place}" for place in range(1, len(first) + 1)), {}, (Text(MISSING),), True)
    count = 1
    while count < min(MOST_ROWS, len(rows) - 1) and _is_second(rows, count):
        count += 1
    if count == 1:
        return Header(1, tuple(first), {}, (), speaks_for > 0)
    names, questions = _joined([[cell.strip() for cell in row] for row in rows[:count]])
    return Header(count, names, questions, (Text(SEVERAL[0], {"count": count}, SEVERAL[1], count),), True)


def without_names(row: int, names: Sequence[str], width: int) -> Header:
    """The header of a table whose own has another number of cells than its rows."""
    values = {"row": row, "names": len(names), "cells": width, "header": shorten(", ".join(names))}
    return Header(1, tuple(f"column_{place}" for place in range(1, width + 1)), {}, (Text(OTHER_WIDTH, values),), True)


def kind_of(cell: str) -> str:
    """What a cell holds: "" (nothing), number, moment, address, or word."""
    text = cell.strip()
    if text.casefold() in _NOTHING:
        return ""
    text = text[:80]
    if _MOMENT.fullmatch(text):
        return "moment"
    if _NUMBER.fullmatch(text):
        return "number"
    return "address" if _ADDRESS.fullmatch(text) else "word"


def kinds_of(body: Sequence[Sequence[str]], width: int) -> list[str]:
    """What most values of each column are; "word" where they differ, "" where there are none."""
    found = []
    for place in range(width):
        kinds = [kind for row in body if place < len(row) and (kind := kind_of(row[place]))]
        usual = max(set(kinds), key=kinds.count) if kinds else ""
        found.append(usual if kinds.count(usual) >= MOSTLY * len(kinds) else "word")
    return found


def _speaks(row: Sequence[str], body: Sequence[Sequence[str]]) -> tuple[int, int]:
    """How many columns say that the row is a name above them (a word above numbers), and how many that it is a value."""
    speaks_for = against = 0
    counting = _counts(row)
    for cell, kind in zip(row, kinds_of(body, len(row)), strict=True):
        own = kind_of(cell)
        if kind in ("", "word") or not own:
            continue
        speaks_for += own == "word"
        against += own == kind and not (kind == "number" and counting)
    return speaks_for, against


def _counts(row: Sequence[str]) -> bool:
    """Whether the numbers of a row are names: years, or 1, 2, 3 …"""
    numbers = [int(cell) for cell in row if cell.strip().isdecimal() and len(cell.strip()) < 9]
    in_turn = len(numbers) > 2 and all(b - a == 1 for a, b in zip(numbers, numbers[1:], strict=False))
    return in_turn or (len(numbers) > 0 and all(1900 <= number <= 2100 for number in numbers))


def _has_none(first: Sequence[str], body: Sequence[Sequence[str]], speaks_for: int, against: int) -> bool:
    """Whether the first row is a row of values."""
    if any(plain(cell) in _known() for cell in first if plain(cell)):
        return False
    if against or speaks_for:
        return against > 0 and speaks_for == 0
    kinds = [kind_of(cell) for cell in first]
    if not body:
        return all(kind in ("number", "moment", "address") for kind in kinds)
    again = sum(bool(cell) and any(cell == row[place].strip() for row in body) for place, cell in enumerate(first))
    return len(body) > 1 and again * 2 >= len(first) and again > 1


@cache
def _known() -> frozenset[str]:
    return frozenset(plain(name) for table in ALIASES.values() for names in table.values() for name in names)


def _is_second(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Whether the row at a place goes on with the names of the row above it."""
    above, row, body = rows[place - 1], rows[place], rows[place + 1 :]
    if any(kind_of(cell) not in ("", "word") for cell in (*above, *row)):
        return False
    filled = [bool(cell.strip()) for cell in row]
    speaks_for, against = _speaks(row, body)
    if against or not any(filled):
        return False
    gaps = sum(own and not over.strip() for own, over in zip(filled, above, strict=True))
    responses = sum(cell.strip().casefold() in _RESPONSES for cell in row)
    if responses > 1 or speaks_for > 1:
        return True
    beside = any(
        not own and kind not in ("", "word") for own, kind in zip(filled, kinds_of(body, len(row)), strict=True)
    )
    return gaps > 0 and (speaks_for > 0 or responses > 0 or (beside and gaps > 1))


def _joined(rows: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Names from several rows: a group over its members, a question over its options, or a short name over its question."""
    above = list(rows[0])
    for below in rows[1:]:
        grouped = any(not over and under for over, under in zip(above, below, strict=True))
        filled = _filled(above, below) if grouped else above
        parts = []
        for over, under in zip(filled, below, strict=True):
            under = "" if under.casefold() in _RESPONSES or plain(under) == plain(over) else under
            short = not grouped and under and not _CODE.fullmatch(over)
            parts.append(over if short else JOINED.join(part for part in (over, under) if part))
        above = parts
    names = tuple(above)
    under_codes = not any(not over and under for over, under in zip(rows[0], rows[1], strict=True))
    questions = {
        name: under
        for name, over, under in zip(names, rows[0], rows[1], strict=True)
        if under_codes and under and plain(under) != plain(over) and under.casefold() not in _RESPONSES
    }
    return names, questions


def _filled(above: Sequence[str], below: Sequence[str]) -> list[str]:
    """A row of groups with each group over all its members. Where groups have one size, the last has it too."""
    starts = [place for place, cell in enumerate(above) if cell]
    sizes = {stop - start for start, stop in zip(starts, starts[1:], strict=False)}
    end = starts[-1] + min(sizes) if len(starts) > 2 and len(sizes) == 1 and min(sizes) > 1 else len(above)
    filled, group = [], ""
    for place, (over, under) in enumerate(zip(above, below, strict=True)):
        group = over or (group if under and place < end else "")
        filled.append(group)
    return filled


def _qualtrics(rows: Sequence[Sequence[str]]) -> Header | None:
    """Short names, questions, import marks; or the older form: variables, then names and questions."""
    first = [cell.strip() for cell in rows[0]]
    for place in range(1, min(len(rows), MOST_ROWS)):
        marks = [cell for cell in rows[place] if cell.strip()]
        if marks and sum("".join(cell.split()).casefold().startswith(_IMPORT_ID) for cell in marks) >= MOSTLY * len(
            marks
        ):
            questions = [cell.strip() for cell in rows[1]] if place == 2 else [""] * len(first)
            names, whole = _with_questions(first, questions)
            return Header(place + 1, names, whole, (Text(QUALTRICS),), True)
    if len(rows) > 1 and sum(bool(_VARIABLE.fullmatch(cell)) for cell in first) > 2:
        second = [cell.strip() for cell in rows[1]]
        if "ResponseID" in second:
            short = [name if _VARIABLE.fullmatch(over) else over for over, name in zip(first, second, strict=True)]
            names, whole = _with_questions(short, second)
            return Header(2, names, whole, (Text(SEVERAL[0], {"count": 2}, SEVERAL[1], 2),), True)
    return None


def _with_questions(short: Sequence[str], questions: Sequence[str]) -> tuple[tuple[str, ...], dict[str, str]]:
    """Names of questions get their words; those of other columns stay as they are, whatever language explains them."""
    names: list[str] = []
    whole: dict[str, str] = {}
    for name, words in zip(short, questions, strict=True):
        asked = bool(re.match(r"Q(ID)?\d|[^\W\d_]{1,6}\d", name)) and plain(words) != plain(name)
        names.append(name + JOINED + words if asked and words else name)
        if words and plain(words) != plain(name):
            whole[names[-1]] = words
    return tuple(names), whole
