"""The rows of a sheet that is written in the plain way, found by the places of its tags: many rows at once.

In such a sheet each "<" begins a tag and each ">" ends one, and each cell begins with its place: <c r="B7" s="1" t="s">.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cx_metrics.reading.grids import Tally, cell_name
from cx_metrics.reading.sheet_xml import LAST_ROW, Meaning, Means, Rows, blocks, disorder, no_such_text

LONGEST = 64  # bytes of the type and style of a cell
DIGITS = 9  # of a number of a shared text; there are fewer texts

_ROW = re.compile(rb'<row\b(?:[^>]*? r="(\d+)")?')
_HIDDEN = re.compile(rb'\bhidden="(?:1|true)"')
_VALUE = re.compile(r"<v(?: [^>]*)?>([^<]*)</v>")
_WORDS = re.compile(r"<t(?: [^>]*)?>([^<]*)</t>")
_SOUNDS = re.compile(r"<rPh\b.*?</rPh>", re.DOTALL)
_TYPE = re.compile(r'\bt="(\w+)"')
_STYLE = re.compile(r'\bs="(\d+)"')
_REFERENCE = re.compile(r"&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_SPACE, _QUOTE, _SLASH, _A, _Z, _0, _9, _C, _O, _R, _V = b' "/AZ09corv'

Places = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


def quick_rows(file: IO[bytes], name: str, width: int, means: Means, tally: Tally) -> Rows:
    """The rows that have a value, with their numbers."""
    reader = _Reader(name, width, means, tally)
    for rows, is_tail in blocks(file, name):
        if not is_tail:
            yield from reader.read(rows)


class _Reader:
    def __init__(self, name: str, width: int, means: Means, tally: Tally) -> None:
        self._name, self._width, self._means, self._tally = name, width, means, tally
        self._meanings: dict[bytes, Meaning] = {}
        self._texts: npt.NDArray[np.object_] | None = None
        self._last = 0

    def read(self, data: bytes) -> Rows:
        """The rows of a block of whole rows."""
        signs = np.frombuffer(data + bytes(16), np.uint8)
        begins, ends = np.flatnonzero(signs == ord("<")), np.flatnonzero(signs == ord(">"))
        if len(begins) != len(ends) or (ends < begins).any():
            raise disorder(self._last, self._name)
        first, second = signs[begins + 1], signs[begins + 2]
        row_tags = np.flatnonzero((first == _R) & (second == _O))
        cells = np.flatnonzero((first == _C) & (second == _SPACE))
        cells = cells[signs[ends[cells] - 1] != _SLASH]
        tags = [data[begin:end] for begin, end in zip(begins[row_tags].tolist(), ends[row_tags].tolist(), strict=True)]
        numbers = self._numbers(tags)
        row = np.searchsorted(row_tags, cells) - 1
        if len(row) and row[0] < 0:
            raise disorder(self._last, self._name)
        used = np.zeros(len(tags), bool)
        used[row] = True
        line = np.cumsum(used) - 1
        texts = np.full(int(used.sum()) * self._width, "", object)
        column, after = _columns(signs, begins[cells] + 6)
        kinds, examples = _alike(signs, after, ends[cells])
        attributes = [data[after[place] : ends[cells[place]]] for place in examples.tolist()]

        closing = np.concatenate([first, np.zeros(4, np.uint8)])
        plain = (closing[cells + 1] == _V) & (ends[cells + 1] - begins[cells + 1] == 2)
        plain &= (closing[cells + 2] == _SLASH) & (closing[cells + 3] == _SLASH)
        starts, stops = ends[np.where(plain, cells + 1, 0)] + 1, begins[np.where(plain, cells + 2, 0)]
        filled = plain & (stops > starts)
        if (column[filled | ~plain] >= self._width).any():  # cells of a row stand in no order
            raise disorder(self._last, self._name)
        at = line[row] * self._width + column
        faults: list[tuple[int, str]] = []
        for kind, said in enumerate(attributes):
            chosen = np.flatnonzero(filled & (kinds == kind))
            meaning = self._meaning(said)
            if meaning is None:
                faults += [(place, "error") for place in chosen.tolist()]
            elif len(chosen):
                texts[at[chosen]] = self._values(meaning, data, signs, starts[chosen], stops[chosen])
        for place in np.flatnonzero(~plain).tolist():
            begin = int(ends[cells[place]]) + 1
            inner = data[begin : data.index(b"</c>", begin)].decode()
            text, fault = self._other(inner, attributes[kinds[place]])
            texts[at[place]] = text
            faults += [(place, fault)] if fault else []
        for place, fault in sorted(faults):
            self._tally.add(fault, cell_name(numbers[row[place]], int(column[place])))
        found = texts.reshape(-1, self._width).tolist()
        for number, tag, read in zip(*(_chosen(part, used) for part in (numbers, tags)), found, strict=True):
            if b"hidden=" in tag and _HIDDEN.search(tag) and any(read):
                self._tally.add("hidden", f"{number}:{number}")
            if any(read):
                yield number, read

    def _numbers(self, tags: Sequence[bytes]) -> list[int]:
        numbers = []
        for tag in tags:
            said = _ROW.match(tag)
            number = int(said[1]) if said and said[1] else self._last + 1
            if not self._last < number <= LAST_ROW:
                raise disorder(number, self._name)
            self._last = number
            numbers.append(number)
        return numbers

    def _meaning(self, attributes: bytes) -> Meaning:
        if attributes not in self._meanings:
            said = attributes.decode()
            kind, style = _TYPE.search(said), _STYLE.search(said)
            self._meanings[attributes] = self._means(kind[1] if kind else "", style[1] if style else "")
        return self._meanings[attributes]

    def _values(
        self, meaning: Meaning, data: bytes, signs: Bytes, starts: Places, stops: Places
    ) -> npt.NDArray[np.object_]:
        """The values between these places in words."""
        if isinstance(meaning, list):
            if self._texts is None:
                self._texts = np.array([*meaning, ""], object)
            places = _whole_numbers(signs, starts, stops)
            if (places >= len(meaning)).any():
                raise no_such_text(self._name)
            return self._texts[places]
        said = meaning or str
        between = zip(starts.tolist(), stops.tolist(), strict=True)
        read = np.empty(len(starts), object)
        if data.isascii():
            letters = data.decode()
            read[:] = [said(resolved(letters[start:stop])) for start, stop in between]
        else:
            read[:] = [said(resolved(data[start:stop].decode())) for start, stop in between]
        return read

    def _other(self, inner: str, attributes: bytes) -> tuple[str, str | None]:
        """What a cell says that holds more than a value (words of its own, or a formula), and what is wrong with it."""
        if "<is" in inner:
            value = "".join(_WORDS.findall(_SOUNDS.sub("", inner)))
        else:
            found = _VALUE.search(inner)
            value = found[1] if found else ""
        if not value:
            is_uncomputed = "<f" in inner and not _TYPE.search(attributes.decode())
            return "", "uncomputed" if is_uncomputed else None
        meaning = self._meaning(attributes)
        if meaning is None:
            return "", "error"
        if not isinstance(meaning, list):
            return meaning(resolved(value)), None
        if not value.isdecimal() or int(value) >= len(meaning):
            raise no_such_text(self._name)
        return meaning[int(value)], None


def _chosen(parts: Sequence[object], used: npt.NDArray[np.bool_]) -> list[object]:
    return [parts[place] for place in np.flatnonzero(used).tolist()]


def _columns(signs: Bytes, places: Places) -> tuple[Places, Places]:
    """The columns of cells whose places (B7") are written here, and where each ends."""
    column = np.zeros(len(places), np.int64)
    end = places.copy()
    named = np.ones(len(places), bool)
    for _ in range(3):
        sign = signs[end].astype(np.int64)
        named &= (sign >= _A) & (sign <= _Z)
        column = np.where(named, column * 26 + sign - _A + 1, column)
        end += named
    for _ in range(8):
        digit = signs[end]
        end += (digit >= _0) & (digit <= _9)
    return column - 1, end + 1


def _alike(signs: Bytes, starts: Places, ends: Places) -> tuple[Places, Places]:
    """Which cells have the same attributes: a number for each kind, and where the first of each kind is."""
    lengths = np.maximum(ends - starts, 0)
    marks = lengths.astype(np.uint64)
    for place in range(min(int(lengths.max(initial=0)), LONGEST)):
        sign = signs[np.minimum(starts + place, len(signs) - 1)]
        marks = np.where(place < lengths, marks * np.uint64(1_099_511_628_211) + sign, marks)
    for cell in np.flatnonzero(lengths > LONGEST).tolist():
        marks[cell] = hash(signs[starts[cell] : ends[cell]].tobytes()) & 0xFFFF_FFFF_FFFF_FFFF
    kinds = pa.array(marks).dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
    count = int(kinds.max(initial=-1)) + 1
    examples = np.zeros(count, np.int64)
    examples[kinds[::-1]] = np.arange(len(kinds) - 1, -1, -1)
    return kinds, examples


def _whole_numbers(signs: Bytes, starts: Places, stops: Places) -> Places:
    """Numbers of shared texts; what is none is larger than any."""
    lengths = stops - starts
    numbers = np.zeros(len(starts), np.int64)
    for place in range(min(int(lengths.max(initial=0)), DIGITS)):
        digit = signs[starts + np.minimum(place, lengths - 1)].astype(np.int64) - _0
        inside = place < lengths
        numbers = np.where(inside, numbers * 10 + digit, numbers)
        numbers[inside & ((digit < 0) | (digit > 9))] = 10**12
    numbers[lengths > DIGITS] = 10**12
    return numbers


def resolved(text: str) -> str:
    """A text of XML with its references as the signs they stand for."""
    return _REFERENCE.sub(_sign, text) if "&" in text else text


def _sign(found: re.Match[str]) -> str:
    if found[3]:
        return _NAMED[found[3]]
    code = int(found[1]) if found[1] else int(found[2], 16)
    return chr(code) if code <= 0x10FFFF else found[0]
