"""The text of a source file in blocks of whole lines, and where its cells stand in them."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Literal

import numpy as np
import numpy.typing as npt

from cx_metrics.reading.encodings import errors_of
from cx_metrics.reading.files import RawFile
from cx_metrics.reading.scan import readable

BLOCK = 512 * 1024  # bytes looked at together
LINE_END, RETURN, QUOTE = (ord(sign) for sign in '\n\r"')

Places = npt.NDArray[np.int64]


class Source:
    """The text of a file as UTF-8 bytes: by blocks of whole lines, or line by line. `encoding`: what follows a byte order mark.
    `odd`: how what is no character of that encoding is kept: as the bytes that stand there, or as what no UTF-8 text can hold."""

    def __init__(
        self,
        raw: RawFile,
        file: IO[bytes],
        encoding: str,
        odd: Literal["surrogateescape", "surrogatepass"] = "surrogateescape",
    ) -> None:
        self._raw, self._file, self._odd = raw, file, odd
        self.size = BLOCK
        errors = errors_of(encoding)
        self._decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)(errors)
        self._data, self._at, self._ended = b"", 0, False

    def block(self) -> bytes:
        """The next lines, about `size` bytes; nothing at the end."""
        while True:
            if len(self._data) - self._at < self.size and not self._ended:
                self._fill()
            cut = len(self._data) if self._ended else self._last_line_end()
            if cut > self._at or self._ended:
                block, self._at = self._data[self._at : cut], cut
                return block
            self._fill()

    def text(self, block: bytes) -> str:
        """A block as text; what is no text stays recognisable as lone surrogates."""
        return block.decode("utf-8", self._odd)

    def lines(self) -> Iterator[str]:
        """The next lines, one by one."""
        while True:
            end = self._line_end()
            if end == self._at:
                return
            line, self._at = self._data[self._at : end], end
            yield self.text(line)

    def _line_end(self) -> int:
        """Where the next line ends: after a line feed, or a carriage return, or both."""
        while True:
            feed = self._data.find(b"\n", self._at)
            back = self._data.find(b"\r", self._at, feed if feed >= 0 else len(self._data))
            if back >= 0 and feed != back + 1 and (back + 1 < len(self._data) or self._ended):
                return back + 1
            if feed >= 0:
                return feed + 1
            if self._ended:
                return len(self._data)
            self._fill()

    def _last_line_end(self) -> int:
        feed = self._data.rfind(b"\n", self._at)
        if feed < 0:  # old files have carriage returns alone; one at the end may be half of a line end
            feed = self._data.rfind(b"\r", self._at, len(self._data) - 1)
        return max(feed + 1, self._at)

    def _fill(self) -> None:
        with readable(self._raw.name):
            more = self._file.read(self.size)
            self._ended = not more
            if self._decoder:
                more = self._decoder.decode(more, final=self._ended).encode("utf-8", self._odd)
        self._data, self._at = self._data[self._at :] + more, 0


@dataclass(frozen=True)
class Cut:
    """Where the lines of a block begin and end (before the line end), where cells part, and how many each line has."""

    starts: Places
    ends: Places
    parts: Places
    first: Places  # the first parting of each line, by its number
    cells: Places

    @classmethod
    def of(cls, block: bytes, delimiter: str) -> Cut:
        """For a block with a record in every line."""
        signs = np.frombuffer(block, np.uint8)
        feeds = np.flatnonzero(signs == LINE_END)
        starts = np.append(0, feeds + 1)
        starts = starts[starts < len(block)]
        ends = np.append(feeds, len(block))[: len(starts)]
        ends = ends - ((ends > starts) & (signs[np.maximum(ends - 1, 0)] == RETURN))
        parts = np.flatnonzero(signs == ord(delimiter))
        marks = np.flatnonzero(signs == QUOTE)
        parts = parts[np.searchsorted(marks, parts) % 2 == 0] if len(marks) else parts
        first = np.searchsorted(parts, starts)
        return cls(starts, ends, parts, first, np.searchsorted(parts, ends) - first + 1)

    def cell(self, lines: Places, place: int, width: int) -> tuple[Places, Places]:
        """Where the cells at a place of these lines begin and end."""
        first = self.first[lines]
        begins = self.parts[first + place - 1] + 1 if place else self.starts[lines]
        ends = self.parts[first + place] if place < width - 1 else self.ends[lines]
        return begins, ends

    def lines_at(self, places: Sequence[int]) -> set[int]:
        """The lines in which these bytes are."""
        return set((np.searchsorted(self.starts, np.unique(np.array(places, np.int64)), side="right") - 1).tolist())


_MAY_BEGIN_BLANK = np.zeros(256, bool)  # white space, quotation, and the first bytes of white space beyond ASCII
_MAY_BEGIN_BLANK[[*range(0x21), QUOTE, 0xC2, 0xE1, 0xE2, 0xE3]] = True


def blank_lines(block: bytes, delimiter: str) -> int:
    """How many lines hold no cell but a blank one? For blocks with a record in every line."""
    signs = np.frombuffer(block, np.uint8)
    starts = np.append(0, np.flatnonzero(signs == LINE_END) + 1)
    starts = starts[starts < len(block)]
    second = signs[np.minimum(starts + 1, len(block) - 1)]
    odd = starts[_MAY_BEGIN_BLANK[signs[starts]] & ((signs[starts] != QUOTE) | _MAY_BEGIN_BLANK[second])]
    found = 0
    for start in odd.tolist():
        end = block.find(b"\n", start)
        found += is_blank(block[start : end if end >= 0 else len(block)], delimiter)
    return found


def is_blank(line: bytes, delimiter: str) -> bool:
    """Whether a line holds no cell but a blank one."""
    try:
        cells = next(csv.reader([line.decode("utf-8", "surrogateescape")], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return False
    return not cells or (len(cells) == 1 and not cells[0].strip())


def cell_of(written: str, delimiter: str, place: int) -> tuple[int, int]:
    """Where the cell at a place of a record begins and ends, its quotation marks included."""
    begin = 0
    while True:
        end = begin
        if written[begin : begin + 1] == '"':
            end = written.index('"', begin + 1) + 1
            while written[end : end + 1] == '"':  # a doubled one
                end = written.index('"', end + 1) + 1
        parting = written.find(delimiter, end)
        if place == 0:
            last = end + len(written[end:].rstrip("\r\n"))
            return begin, last if parting < 0 else parting
        begin, place = parting + 1, place - 1


def as_cell(text: str, quoted: bool, delimiter: str) -> str:
    """A text as the cell of a record."""
    special = delimiter in text or '"' in text or "\r" in text or "\n" in text
    if quoted or special or text != text.strip():
        return '"' + text.replace('"', '""') + '"'
    return text
