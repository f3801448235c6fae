"""One pass over all bytes of an upload: whether they are text, in which encoding, how many lines, and which of them are damaged."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from cx_metrics.errors import FileProblem
from cx_metrics.reading.encodings import (
    UTF16,
    Encoding,
    bare_utf16,
    encoding_name,
    errors_of,
    find_encoding,
    marked_encoding,
)
from cx_metrics.reading.report import shorten
from cx_metrics.texts import N_, NP_, Text

MAX_INFLATED = 2 * 1024**3  # bytes after unpacking
MAX_LINE = 16 * 1024**2  # bytes: 500 columns of 32 kB; a longer line is no line of a table
MAX_LINES = 50_000_000  # what an import has been measured with; a small archive can hold far more
DAMAGED_SHARE = 0.01  # with more damaged lines than this the whole file is in another encoding
DECIDED_SHARE = 0.5  # the same where the encoding is beyond doubt, and for control signs: such lines are set aside
MIXED_SHARE = 0.05  # lines that are UTF-8 after all, among those of another encoding: by chance
EVIDENCE = 64 * 1024  # bytes of lines that are not UTF-8, which decide on the encoding
FEW_SURE = 3  # so few lines of another encoding are believed, where nothing else speaks for UTF-8

_ZEROS = N_("{file} holds NUL bytes and is not text. A table in text form (CSV UTF-8) was expected.")
FEED = ord("\n")
CONTROL = (b"\0", b"\x1f")  # bytes that no text has; the engine uses the second one as a mark of its own


@dataclass
class Tally:
    """What was counted on the way through a file, in one encoding."""

    bytes: int = 0
    lines: int = 0
    damaged: int = 0
    foreign: int = 0  # damaged because they are no text in the encoding; the others hold control signs
    first: int = 0  # the first foreign line
    valid: int = 0  # lines of UTF-8 beyond ASCII; not all are counted
    evidence: bytearray = field(default_factory=bytearray)


def scan(path: Path, compressed: bool, start: bytes, name: str, chosen: str | None = None) -> tuple[Encoding, Tally]:
    """The encoding of a text file, and its lines; `chosen`: the codec that the user says. A byte order mark wins over it.

    Without a mark a text is UTF-8 if its bytes are, or UTF-16 if its zeros say so. A few lines that hold other bytes among
    lines of UTF-8 are damaged. Else the lines that are not UTF-8 decide: their words are read in each older encoding.

    Raises:
        FileProblem: no text, in no encoding we know, or beyond a limit.
    """
    decided = marked_encoding(start) or (_chosen(chosen) if chosen else None)
    if decided is None:
        decided = bare_utf16(start)
        if decided is None:
            _refuse_zeros(start, name)
    if decided is not None:
        tally = _count(path, compressed, decided.codec, name)
        if tally.foreign > DECIDED_SHARE * tally.lines:
            _refuse_encoding(name, decided.codec, tally)
        _refuse_control(name, tally)
        return decided, tally
    tally = _count(path, compressed, "utf-8", name, find=True)
    found = _other_encoding(tally)
    if found is not None:
        again = _count(path, compressed, found.codec, name)
        if again.foreign <= DAMAGED_SHARE * again.lines:
            _refuse_control(name, again)
            return found, again
    if tally.foreign > DAMAGED_SHARE * tally.lines:
        _refuse_encoding(name, "utf-8", tally)
    _refuse_control(name, tally)
    return Encoding("utf-8", 1.0), tally


def _chosen(codec: str) -> Encoding:
    return Encoding(codec, 1.0, Text(N_("{encoding} was chosen."), {"encoding": encoding_name(codec)}))


def _other_encoding(tally: Tally) -> Encoding | None:
    """The encoding of a file that is not UTF-8; None where it is, but for some damaged lines, or where none fits."""
    if not tally.foreign or tally.valid > MIXED_SHARE * tally.foreign:
        return None
    found = find_encoding(bytes(tally.evidence))
    if found is None or tally.foreign > DAMAGED_SHARE * tally.lines:
        return found
    return found if (tally.foreign >= FEW_SURE and not tally.valid) or tally.first == 1 else None


def _count(path: Path, compressed: bool, codec: str, name: str, find: bool = False) -> Tally:
    """Lines and damaged lines within the limits of size, of lines and of their length. `find`: no further than it takes to see
    that the file is in another encoding."""
    tally, rest, tried = Tally(), b"", False
    decoder = None if codec == "utf-8" else codecs.getincrementaldecoder(codec)(errors_of(codec))
    with open_bytes(path, compressed) as file:
        while block := file.read(1024 * 1024):
            tally.bytes += len(block)
            if decoder is not None:
                block = decoder.decode(block).encode("utf-8", "surrogateescape")
            whole, rest = _whole_lines(rest, block)
            _add(tally, whole)
            tally.lines += int(np.count_nonzero(np.frombuffer(whole, np.uint8) == FEED))
            _refuse_size(tally.bytes if compressed else 0, tally.lines, len(rest), name)
            if find and not tried and len(tally.evidence) >= EVIDENCE and tally.foreign > DAMAGED_SHARE * tally.lines:
                tried = True
                if _other_encoding(tally) is not None:
                    return tally
        if decoder is not None:
            rest += decoder.decode(b"", True).encode("utf-8", "surrogateescape")
    _add(tally, rest)
    tally.lines += 2 if rest.endswith(b"\r") else 1
    return tally


def _add(tally: Tally, block: bytes) -> None:
    """Count the damaged lines of a block, and what its bytes say about the encoding."""
    clean = not any(sign in block for sign in CONTROL)
    if clean and block.isascii():
        return
    if clean:
        try:
            block.decode()
        except UnicodeDecodeError:
            pass
        else:
            if tally.valid < 1000:
                tally.valid += sum(not line.isascii() for line in block.split(b"\n"))
            return
    for place, line in enumerate(block.split(b"\n"), tally.lines + 1):
        if not line.isascii():
            try:
                line.decode()
                tally.valid += 1
            except UnicodeDecodeError:
                tally.foreign += 1
                tally.damaged += 1
                tally.first = tally.first or place
                if len(tally.evidence) < EVIDENCE:
                    tally.evidence += line[:EVIDENCE] + b"\n"
                continue
        tally.damaged += any(sign in line for sign in CONTROL)


def _whole_lines(rest: bytes, block: bytes) -> tuple[bytes, bytes]:
    """The lines that end in a block that goes on after a rest, all with one kind of line end, and what follows them."""
    if b"\r" not in block and not rest.endswith(b"\r") and (cut := block.rfind(b"\n") + 1):
        return b"".join((rest, memoryview(block)[:cut])), block[cut:]
    block = rest + block
    cut = max(block.rfind(b"\n"), block.rfind(b"\r", 0, -1)) + 1  # a \r at the very end may be half of a line end
    return block[:cut].replace(b"\r\n", b"\n").replace(b"\r", b"\n"), block[cut:]


def _refuse_control(name: str, tally: Tally) -> None:
    if tally.damaged > DECIDED_SHARE * tally.lines:
        raise FileProblem(_ZEROS, file=shorten(name))


def _refuse_zeros(start: bytes, name: str) -> None:
    nuls = start.count(0)
    if nuls <= len(start) * 0.2:
        return
    sides = Counter(place % 2 for place, byte in enumerate(start[:4096]) if byte == 0)
    source = _ZEROS
    if len(sides) == 1 or min(sides.values()) * 10 < max(sides.values()):
        source = N_("{file} looks like UTF-16 text without a byte order mark, but is none. Save it again as CSV UTF-8.")
    raise FileProblem(source, file=shorten(name))


def _refuse_size(unpacked: int, lines: int, line: int, name: str) -> None:
    if unpacked > MAX_INFLATED:
        raise FileProblem(
            N_("{file} is larger than {limit} GB when unpacked. Split it into several files."),
            file=shorten(name),
            limit=MAX_INFLATED // 1024**3,
        )
    if lines > MAX_LINES + 1:  # the header comes first
        raise FileProblem(
            N_("{file} has more than {limit} rows. Split it into several files."), file=shorten(name), limit=MAX_LINES
        )
    if line > MAX_LINE:
        raise FileProblem(
            N_("{file} has a line longer than {limit} MB, so it is no table in text form. Export it again as CSV."),
            file=shorten(name),
            limit=MAX_LINE // 1024**2,
        )


def _refuse_encoding(name: str, codec: str, tally: Tally) -> None:
    one, many = NP_(
        "{file} is not {encoding} text, nor in an older encoding whose words could be read: {count} line holds other bytes "
        "(line {line}). In the program that made the file, save it as CSV UTF-8.",
        "{file} is not {encoding} text, nor in an older encoding whose words could be read: {count} lines hold other bytes "
        "(first: line {line}). In the program that made the file, save it as CSV UTF-8.",
    )
    if codec in UTF16 or codec != "utf-8":
        one, many = NP_(
            "{file} is not {encoding} text: {count} line holds other bytes (line {line}). Choose another encoding, or save it "
            "as CSV UTF-8 in the program that made it.",
            "{file} is not {encoding} text: {count} lines hold other bytes (first: line {line}). Choose another encoding, or save "
            "it as CSV UTF-8 in the program that made it.",
        )
    values = {"file": shorten(name), "encoding": encoding_name(codec), "count": tally.foreign, "line": tally.first}
    raise FileProblem(Text(one, values, many, tally.foreign))


@contextmanager
def readable(name: str) -> Iterator[None]:
    """Faults of the file, not of ours, become a FileProblem."""
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error) as fault:
        raise FileProblem(
            N_(
                "{file} is a damaged gzip archive: it ends too early or its check sum is wrong. Compress or upload it again."
            ),
            file=shorten(name),
        ) from fault
    except UnicodeError as fault:
        raise FileProblem(
            N_("{file} holds bytes that are not text in the encoding it begins with. Save it again as CSV UTF-8."),
            file=shorten(name),
        ) from fault
    except OSError as fault:
        raise FileProblem(
            N_("{file} could not be read: {why}."), file=shorten(name), why=fault.strerror or "?"
        ) from fault


@contextmanager
def open_bytes(path: Path, compressed: bool) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked."""
    with path.open("rb") as file:
        if compressed:
            with gzip.GzipFile(fileobj=file) as inflated:
                yield inflated  # type: ignore[misc]
        else:
            yield file
