"""XML as a stream of events, from files that a stranger made: no document types, no entities, nothing fetched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import IO
from xml.parsers import expat

from cx_metrics.errors import FileProblem
from cx_metrics.reading.report import shorten
from cx_metrics.reading.scan import MAX_INFLATED
from cx_metrics.texts import N_

BLOCK = 256 * 1024
MAX_DEPTH = 200

Start = Callable[[str, Mapping[str, str]], None]
End = Callable[[str], None]
Words = Callable[[str], None]


def plain(name: str) -> str:
    """The name of an element or attribute without its prefix."""
    return name.rpartition(":")[2]


def read_xml(file: IO[bytes], name: str, start: Start, end: End, words: Words | None = None) -> Iterator[None]:
    """Call `start`, `end` and `words` for what the file holds, and hand over after each block, so that a caller can stream.

    Names of elements come without prefix. Text between two tags comes in one piece, unless it is very long.

    Raises:
        FileProblem: no XML, a document type (where entities are made), or elements nested beyond MAX_DEPTH.
    """
    depth = 0

    def begin(tag: str, attributes: Mapping[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise FileProblem(
                N_("{file} nests its elements more than {limit} deep, as no export does. Export it again."),
                file=shorten(name), limit=MAX_DEPTH,
            )  # fmt: skip
        start(plain(tag), attributes)

    def close(tag: str) -> None:
        nonlocal depth
        depth -= 1
        end(plain(tag))

    def refuse(*_declared: object) -> int:
        raise FileProblem(
            N_("{file} holds a document type (DOCTYPE), by which a small file can grow without end. Export it again."),
            file=shorten(name),
        )

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = begin
    parser.EndElementHandler = close
    if words is not None:
        parser.CharacterDataHandler = words
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    size = 0
    try:
        while block := file.read(BLOCK):
            size += len(block)
            if size > MAX_INFLATED:
                raise FileProblem(
                    N_("{file} is larger than {limit} GB when unpacked. Split it into several files."),
                    file=shorten(name), limit=MAX_INFLATED // 1024**3,
                )  # fmt: skip
            parser.Parse(block)
            yield
        parser.Parse(b"", True)
    except expat.ExpatError as fault:
        raise FileProblem(
            N_("{file} is damaged: its XML breaks off or is wrong in line {line}. Export or save it again."),
            file=shorten(name), line=fault.lineno,
        ) from fault  # fmt: skip
    yield
