"""Archives → the files in them. Names in an archive are data: what is unpacked lies under a number in a folder of the caller."""

from __future__ import annotations

import bz2
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from cx_metrics.errors import FileProblem
from cx_metrics.reading.found import Broken, FoundTable, Record
from cx_metrics.reading.report import shorten
from cx_metrics.reading.scan import MAX_INFLATED, open_bytes, readable
from cx_metrics.reading.workbooks import check_archive
from cx_metrics.texts import N_, NP_, Text

MAX_MEMBERS = 1_000
MAX_TOLD = 10
BLOCK = 1024 * 1024
XZ_MEMORY = 200 * 1024**2  # what a dictionary of xz may need; its strongest setting asks for 65 MB
_LOCKED = 1  # flag of a member that needs a password

OpenMember = Callable[[Path, str], list[FoundTable]]


def tables(path: Path, name: str, folder: Path, open_member: OpenMember) -> list[FoundTable]:
    """The tables of all files in a ZIP archive, each read as what it is; `part` is the name of the file in the archive.

    Files whose names differ in numbers alone, with the same columns, are one table. What is no table is told by its name.

    Raises:
        FileProblem: damaged, protected by a password, beyond a limit, or no table in it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            check_archive(archive, name)
            members = [member for member in archive.infolist() if not _is_aside(member)]
            if len(members) > MAX_MEMBERS:
                raise FileProblem(
                    N_("{file} holds {found} files, more than {limit}. Upload the ones you need."),
                    file=shorten(name), found=len(members), limit=MAX_MEMBERS,
                )  # fmt: skip
            if any(member.flag_bits & _LOCKED for member in members):
                raise FileProblem(
                    N_("{file} is protected by a password. Unpack it and upload the files inside."), file=shorten(name)
                )
            unpacked = [(member.filename, _unpack(archive, member, folder, name)) for member in members]
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        lzma.LZMAError,
        ValueError,
    ) as fault:
        raise FileProblem(
            N_("{file} is a damaged ZIP archive, or packed in an unusual way. Pack or export it again."),
            file=shorten(name),
        ) from fault
    found: list[tuple[str, list[FoundTable]]] = []
    refused: list[Text] = []
    for member, inside in unpacked:
        try:
            found.append((member, open_member(inside, member)))
        except FileProblem as problem:
            refused.append(problem.text)
    if not found:
        raise FileProblem(
            N_("{file} holds no file that can be read as a table. {why}"),
            file=shorten(name), why=refused[0] if refused else Text(N_("It is empty.")),
        )  # fmt: skip
    tables = _named(_joined(found))
    one, many = NP_(
        "{count} file of the archive is no table. {why}", "{count} files of the archive are no tables. The first: {why}"
    )
    if refused:
        tables[0].told.append(Text(one, {"count": len(refused), "why": refused[0]}, many, len(refused)))
    return tables


def unpack(path: Path, name: str, folder: Path) -> Path:
    """A file packed by gzip, bzip2 or xz as it was before; where it lies now.

    Raises:
        FileProblem: damaged, or larger than a limit.
    """
    with path.open("rb") as file:
        start = file.read(6)
    target = folder / f"{len(list(folder.iterdir()))}"
    if start.startswith(b"\x1f\x8b"):
        with readable(name), open_bytes(path, True) as packed:
            return _copied(iter(lambda: packed.read(BLOCK), b""), target, name)
    try:
        with path.open("rb") as packed:
            return _copied(_unpacked(packed, start.startswith(b"BZh")), target, name)
    except (lzma.LZMAError, OSError, ValueError, EOFError) as fault:
        raise FileProblem(
            N_("{file} is a damaged archive: it ends too early or its check sum is wrong. Pack or upload it again."),
            file=shorten(name),
        ) from fault


def _unpacked(packed: IO[bytes], is_bzip2: bool) -> Iterator[bytes]:
    """The content of all streams in a file, in blocks."""

    def decompressor() -> bz2.BZ2Decompressor | lzma.LZMADecompressor:
        return bz2.BZ2Decompressor() if is_bzip2 else lzma.LZMADecompressor(memlimit=XZ_MEMORY)

    current, rest = decompressor(), b""
    while True:
        if current.eof:
            rest = (current.unused_data or packed.read(BLOCK)).lstrip(b"\0")  # xz fills up with zeros
            if not rest:
                return
            current = decompressor()
        elif current.needs_input:
            rest = packed.read(BLOCK)
            if not rest:
                raise EOFError
        yield current.decompress(rest, BLOCK)
        rest = b""


def _unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, name: str) -> Path:
    target = folder / f"{len(list(folder.iterdir()))}"
    with archive.open(member) as file:
        return _copied(iter(lambda: file.read(BLOCK), b""), target, name)


def _copied(blocks: Iterator[bytes], target: Path, name: str) -> Path:
    size = 0
    with target.open("xb") as file:
        for block in blocks:
            size += len(block)
            if size > MAX_INFLATED:
                raise FileProblem(
                    N_("{file} is larger than {limit} GB when unpacked. Split it into several files."),
                    file=shorten(name), limit=MAX_INFLATED // 1024**3,
                )  # fmt: skip
            file.write(block)
    return target


def _is_aside(member: zipfile.ZipInfo) -> bool:
    """Whether a member is a folder, or a thing that a system puts into archives on its own."""
    own = member.filename.rpartition("/")[2]
    return (
        member.is_dir() or "__MACOSX/" in member.filename or own.startswith("._") or own in (".DS_Store", "Thumbs.db")
    )


def _named(found: list[tuple[str, list[FoundTable]]]) -> list[FoundTable]:
    """All tables, called by their files; a single one needs no name."""
    tables = []
    for member, inside in found:
        for table in inside:
            table.told.append(Text(N_("Read from {member} in the archive."), {"member": shorten(member)}))
            table.part = f"{member}: {table.part}" if table.part else member
            tables.append(table)
    if len(tables) == 1:
        tables[0].part = ""
    return tables


def _joined(found: list[tuple[str, list[FoundTable]]]) -> list[tuple[str, list[FoundTable]]]:
    """Files that are pieces of one table as one: their names differ in numbers alone, and most of their columns are the same."""
    pieces: dict[str, list[tuple[str, FoundTable]]] = {}
    joined: list[tuple[str, list[FoundTable]]] = []
    for member, inside in found:
        if len(inside) == 1:
            pieces.setdefault(re.sub(r"\d+", "0", member), []).append((member, inside[0]))
        else:
            joined.append((member, inside))
    for alike in pieces.values():
        first = set(alike[0][1].header)
        same = [one for one in alike if len(first & set(one[1].header)) * 2 > len(first | set(one[1].header))]
        if len(same) > 1:
            joined.append((same[0][0], [_join([table for _, table in same])]))
            alike = [one for one in alike if one not in same]
        joined += [(member, [table]) for member, table in alike]
    return joined


def _join(tables: list[FoundTable]) -> FoundTable:
    header = tuple(dict.fromkeys(name for table in tables for name in table.header))
    one, many = NP_(
        "{count} file of the archive has the columns of another one and was read after it.",
        "{count} files of the archive have the same columns and were read one after another, the first one first.",
    )
    told = [Text(one, {"count": len(tables)}, many, len(tables))]

    def records() -> Iterator[Record]:
        before = 0
        for table in tables:
            last = table.header_row
            places = [header.index(name) for name in table.header]
            plain = table.header == header
            for row, cells in table.records:
                last = row
                if plain or isinstance(cells, Broken) or len(cells) != len(places):
                    yield row + before, cells
                else:
                    whole = [""] * len(header)
                    for place, cell in zip(places, cells, strict=True):
                        whole[place] = cell
                    yield row + before, whole
            before += last - (tables[0].header_row if table is tables[0] else table.header_row)
            told.extend(note for note in table.told if note not in told and len(told) < MAX_TOLD)

    return FoundTable("", header, records(), told, tables[0].header_row)
