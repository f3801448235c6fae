"""A source file written again, with records of some customers left out or under another id; all else byte for byte as it was.

Three ways, by what a block of lines is like: copied as it is, where nothing in it can change; looked at by places of its
delimiters, where every line is one record; read record by record, as importing does, for all others.
"""

from __future__ import annotations

import codecs
import gzip
import io
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cx_metrics.reading.blocks import Cut, Source, as_cell, blank_lines, cell_of, is_blank
from cx_metrics.reading.encodings import MARKED, UTF16
from cx_metrics.reading.files import RawFile, is_damaged, skip_mark
from cx_metrics.reading.mapping import FileMapping, check_mapping
from cx_metrics.reading.records import first_record, only_around_cells, records
from cx_metrics.reading.scan import open_bytes, readable
from cx_metrics.reading.standing import Ids
from cx_metrics.reading.typed import trimmed

AS_IT_IS = ("", 0, 0)  # of a line whose cell does not change
LISTED = 20  # rows of mentions that are named
PACKED = 1  # gzip level: a file of ours is read once or twice

Change = Callable[[str], str | None]
Write = Callable[[bytes], int]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rewritten:
    """What rewriting did to a file.

    `records`: those below the header, blank lines aside. `left_out`: those of customers who were to go; `unreadable`: rows left
    out that importing would set aside and that may be theirs. `changed`: records with another id now. `mentions`: records that
    stay although one of the ids stands in another cell; `mention_rows`: the first of them, rows of the new file (the header is 1).
    """

    records: int = 0
    left_out: int = 0
    unreadable: int = 0
    changed: int = 0
    mentions: int = 0
    mention_rows: tuple[int, ...] = ()


def rewrite(
    raw: RawFile, mapping: FileMapping, out: Path, change: Change, only: Collection[str] | None = None
) -> Rewritten:
    """Write the file again at `out` (which must not exist yet), each record as `change` says of its customer's id.

    `change` is given the id as importing has it (without spaces around it) and gives None to leave the record out, another id to
    put in its cell, or the same one to leave the record as it is, byte for byte. It has to say the same of the same id.
    Line ends, quotation, byte order mark, `sep=` line and header stay; a gzip file stays one. UTF-8 and UTF-16 stay what they
    are. A text in an older encoding, whose words said which it is, becomes UTF-8 with a byte order mark: with fewer words left
    it might be taken for another. UTF-16 and UTF-8 that hold bytes which are no text get a mark for the same reason.

    `only`: the ids that can change. Then blocks without any of them are copied as they are, and records that stay although one of
    these ids stands in another cell as a whole word are counted.

    A row that importing sets aside because it is no row (broken quotation, number of cells, bytes that are no text) does not say
    whose it is: it is left out where one of `only` stands in it, and always where `only` is not given. Such rows that follow a
    record that was left out are likely its rest (a comment with a line break), and go with it. What a broken quotation swallows
    depends on what follows it: where such a row stays and a later one goes, importing may read it otherwise than before.

    A table without a customer_id is copied as it is; mentions are counted there too. Where anything fails, `out` is removed.

    Raises:
        FileProblem: the file cannot be read.
        MappingProblem: the mapping names columns that the file does not have.
        FileExistsError: there is something at `out`.
        ValueError: `change` gave a blank id.
    """
    check_mapping(raw, mapping)
    header = mapping.columns.get("customer_id")
    place = None if header is None else raw.header.index(header)
    ids = None if only is None else Ids(only)
    with _new(out) as plain, open_bytes(raw.path, raw.compressed) as file:
        mark, encoding = _encoding(raw, file)
        source = Source(raw, file, encoding if encoding in UTF16 else raw.encoding)
        if place is None:
            done = _Rewriting(raw, place, change, ids, source, len).run()
        else:
            with _writing(plain, raw.compressed, mark, encoding) as write:
                done = _Rewriting(raw, place, change, ids, source, write).run()
        if place is None or (raw.compressed and not (done.left_out or done.unreadable or done.changed)):
            shutil.copyfile(raw.path, out)
    return done


@contextmanager
def _new(out: Path) -> Iterator[IO[bytes]]:
    with out.open("xb") as file:
        try:
            yield file
        except BaseException:
            out.unlink(missing_ok=True)
            raise


def _encoding(raw: RawFile, file: IO[bytes]) -> tuple[bytes, str]:
    """The byte order mark that is written, and the encoding of what follows it. The mark of the file is read here."""
    with readable(raw.name):
        if raw.encoding == "utf-16":
            mark = file.read(2)
            return mark, "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-16-be"
        mark = skip_mark(file, raw.encoding)
    if raw.encoding in UTF16:
        return codecs.BOM_UTF16_LE if raw.encoding == "utf-16-le" else codecs.BOM_UTF16_BE, raw.encoding
    if raw.encoding == "utf-8" and not raw.damaged_lines:
        return mark, "utf-8"
    return codecs.BOM_UTF8, "utf-8"


@contextmanager
def _writing(plain: IO[bytes], compressed: bool, mark: bytes, encoding: str) -> Iterator[Write]:
    """Takes text as UTF-8 and writes it as the file shall have it. The new archive names neither file nor time."""
    file = gzip.GzipFile("", "wb", PACKED, plain, mtime=0) if compressed else plain
    file.write(mark)

    def other(text: bytes) -> int:
        return file.write(text.decode("utf-8", "surrogateescape").encode(encoding, MARKED))

    yield file.write if encoding == "utf-8" else other
    if file is not plain:
        file.close()
    plain.flush()


class _Rewriting:
    """One file on its way. `row` is the number of the next row in the file as it was."""

    def __init__(
        self, raw: RawFile, place: int | None, change: Change, ids: Ids | None, source: Source, write: Write
    ) -> None:
        self._raw, self._place, self._width = raw, place, len(raw.header)
        self._change, self._ids, self._source, self._write = change, ids, source, write
        self._row = 1
        self._follows = False  # the record before was left out: a row that is no row may be its rest
        self._records = self._left_out = self._unreadable = self._changed = self._mentions = 0
        self._mention_rows: list[int] = []

    def run(self) -> Rewritten:
        lines = self._source.lines()
        if self._raw.delimiter_line:
            self._write(_bytes(next(lines, "")))
        seen: list[str] = []
        self._row = first_record(_noting(lines, seen), self._raw.delimiter)[0] + 1
        self._write(_bytes("".join(seen)))
        while block := self._source.block():
            if not self._has_a_record_a_line(block):
                self._one_by_one(block)
                continue
            places = None if self._ids is None else self._ids.places(block)
            if places == [] and not self._follows:
                self._as_it_is(block)
            elif self._can_be_cut(block):
                self._by_places(block, places or [])
            else:
                self._one_by_one(block)
        return Rewritten(
            self._records, self._left_out, self._unreadable, self._changed, self._mentions, tuple(self._mention_rows)
        )

    def _has_a_record_a_line(self, block: bytes) -> bool:
        """Is every line of the block one record, whatever stands before and after?"""
        if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):
            return False
        return b'"' not in block or (self._raw.delimiter.isascii() and only_around_cells(block, self._raw.delimiter))

    def _can_be_cut(self, block: bytes) -> bool:
        """Can its cells be told by the bytes of the delimiter?"""
        if self._width == 1 or not self._raw.delimiter.isascii():
            return False
        return not self._raw.damaged_lines or not is_damaged([block.decode("utf-8", "surrogateescape")])

    def _as_it_is(self, block: bytes) -> None:
        self._write(block)
        lines = block.count(b"\n") + (not block.endswith(b"\n"))
        self._records += lines - blank_lines(block, self._raw.delimiter)
        self._row += lines

    def _by_places(self, block: bytes, places: list[int]) -> None:
        """Leave out, change and count records of a block that has one in every line."""
        cut = Cut.of(block, self._raw.delimiter)
        good = cut.cells == self._width
        blank = np.zeros(len(good), bool)
        for single in np.flatnonzero(cut.cells == 1):
            blank[single] = is_blank(block[cut.starts[single] : cut.ends[single]], self._raw.delimiter)
        own = self._own_cells(block, cut, good)
        near = cut.lines_at(places)
        odd: set[int] = set(np.flatnonzero(~good).tolist())
        kept: list[bytes] = []
        copied, before = 0, -1
        for line in sorted(own.keys() | near | odd):
            self._follows = self._follows and line == before + 1
            before = line
            if blank[line]:
                continue
            new, start, stop = own.get(line, AS_IT_IS)
            if new is None or line in odd or line in near:
                begin, end = int(cut.starts[line]), int(cut.starts[line + 1]) if line + 1 < len(good) else len(block)
                written = block[begin:end].decode("utf-8", "surrogateescape")
                if self._leaves_out(line not in odd, new, written, line in near):
                    kept.append(block[copied:begin])
                    copied = end
                    continue
                if line in near:
                    self._note_mention(self._row + line, line not in odd, written)
            if new:
                quoted = block[start : start + 1] == b'"'
                kept += (block[copied:start], as_cell(new, quoted, self._raw.delimiter).encode())
                copied = stop
                self._changed += 1
                self._follows = False
        self._follows = self._follows and before == len(good) - 1
        self._write(b"".join((*kept, block[copied:])))
        self._records += len(good) - int(blank.sum())
        self._row += len(good)

    def _own_cells(self, block: bytes, cut: Cut, good: Mask) -> dict[int, tuple[str | None, int, int]]:
        """The lines whose customer changes → the new id, or None; and where their cells begin and end."""
        if self._place is None:
            return {}
        lines = np.flatnonzero(good)
        begins, ends = (places.tolist() for places in cut.cell(lines, self._place, self._width))
        found = [block[begin:end] for begin, end in zip(begins, ends, strict=True)]
        if b'"' in block:
            found = [cell[1:-1] if cell[:1] == b'"' else cell for cell in found]
        said = self._said(pa.array(found, pa.binary()).cast(pa.string()))
        return {int(lines[n]): (new, begins[n], ends[n]) for n, new in said.items()}

    def _said(self, written: pa.Array) -> dict[int, str | None]:
        """Which of these cells change, and to what (None: the record is left out)? Each id is asked for once."""
        ids = trimmed(written).dictionary_encode()
        values = ids.dictionary.to_pylist()
        news = [self._change(v) if self._ids is None or v in self._ids.all else v for v in values]
        if "" in news:
            raise ValueError("an id cannot be blank")
        touched = np.array([new != value for new, value in zip(news, values, strict=True)] + [False])
        codes = ids.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
        return {int(n): news[codes[n]] for n in np.flatnonzero(touched[codes])}

    def _one_by_one(self, block: bytes) -> None:
        """The same for any block, as importing reads it; takes further lines where a record goes on."""
        lines = io.StringIO(block.decode("utf-8", "surrogateescape"), newline="").readlines()
        taken: list[str] = []
        found = []
        for row, cells, broken in records(lines, self._raw.delimiter, self._row, self._source.lines(), taken):
            good = broken is None and len(cells) == self._width
            good = good and not (self._raw.damaged_lines and is_damaged(cells))
            found.append((row, cells, good, "".join(taken)))
        readables = [n for n, (_row, _cells, good, _written) in enumerate(found) if good]
        own: dict[int, str | None] = {}
        if self._place is not None:
            said = self._said(pa.array([found[n][1][self._place] for n in readables], pa.string()))
            own = {readables[n]: new for n, new in said.items()}
        near = self._ids is not None and self._ids.places(_bytes("".join(written for *_, written in found))) != []
        for n, (row, cells, good, written) in enumerate(found):
            if cells:
                self._records += 1
                if self._leaves_out(good, own.get(n, ""), written, near):
                    continue
                if near:
                    self._note_mention(row, good, written)
                if (new := own.get(n)) is not None and self._place is not None:
                    begin, end = cell_of(written, self._raw.delimiter, self._place)
                    written = written[:begin] + as_cell(new, written[begin] == '"', self._raw.delimiter) + written[end:]
                    self._changed += 1
            self._write(_bytes(written))
        self._row = found[-1][0] + 1

    def _leaves_out(self, good: bool, new: str | None, written: str, near: bool) -> bool:
        """Does a record go? `new`: None where its customer says so; `near`: whether an id may stand in it."""
        if good:
            self._follows = new is None
            self._left_out += new is None
            return new is None
        held = self._ids is None or (near and self._ids.in_line(written))
        self._follows = self._place is not None and (held or self._follows)
        self._unreadable += self._follows
        return self._follows

    def _note_mention(self, row: int, good: bool, written: str) -> None:
        """Count a record that stays, where one of the ids stands in another cell than the customer's."""
        assert self._ids is not None
        if not self._ids.in_line(written):
            return
        if good:
            _row, cells, _broken = next(records(io.StringIO(written, newline=""), self._raw.delimiter))
            if not any(cell in self._ids for place, cell in enumerate(cells) if place != self._place):
                return
        self._mentions += 1
        if len(self._mention_rows) < LISTED:
            self._mention_rows.append(row - self._left_out - self._unreadable)


def _noting(lines: Iterable[str], seen: list[str]) -> Iterator[str]:
    for line in lines:
        seen.append(line)
        yield line


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
