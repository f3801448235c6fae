"""Binary workbooks whose cells leave out their columns, as some programs write them, in the form that the library reads.

A cell of a sheet may say its column, or be a short one that follows the cell before it (MS-XLSB 2.4: BrtCell…, BrtShort…). The
library passes over short ones without a word, so a sheet that has them is written again with whole cells.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path

LOOKED_AT = 5_000  # records of a sheet; a program that writes short cells does so from the first row on
ROW, FIRST_CELL, FIRST_SHORT, LAST_SHORT = 0, 1, 12, 19  # types of records
LAST_CELL = 11
TO_WHOLE = FIRST_SHORT - FIRST_CELL
MAX_SHEET = 512 * 1024**2  # bytes of one sheet, unpacked

Records = Iterator[tuple[int, bytes]]


def with_whole_cells(path: Path) -> Path | io.BytesIO:
    """The workbook as it is, or one in memory whose cells all say their columns.

    Raises:
        ValueError: a sheet is damaged, or larger than any that is read.
    """
    with zipfile.ZipFile(path) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/") and name.endswith(".bin")]
        short = {name for name in sheets if _has_short_cells(archive, name)}
        if not short:
            return path
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as whole:
            for name in archive.namelist():
                content = _part(archive, name)
                whole.writestr(name, b"".join(_whole(content)) if name in short else content)
    out.seek(0)
    return out


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > MAX_SHEET:
        raise ValueError(name)
    return archive.read(name)


def _has_short_cells(archive: zipfile.ZipFile, name: str) -> bool:
    with archive.open(name) as file:
        start = file.read(64 * LOOKED_AT)
    try:
        for number, (kind, _data) in enumerate(_records(start)):
            if FIRST_SHORT <= kind <= LAST_SHORT:
                return True
            if number > LOOKED_AT:
                return False
    except ValueError:  # the part that was looked at ends within a record
        return False
    return False


def _whole(content: bytes) -> Iterator[bytes]:
    """The records of a sheet with each short cell as a whole one."""
    column = -1
    for kind, data in _records(content):
        if kind == ROW:
            column = -1
        elif FIRST_CELL <= kind <= LAST_CELL:
            (column,) = struct.unpack_from("<I", data)
        elif FIRST_SHORT <= kind <= LAST_SHORT:
            column += 1
            kind, data = kind - TO_WHOLE, struct.pack("<I", column) + data
        yield _head(kind, len(data)) + data


def _records(content: bytes) -> Records:
    """The records of a part: type and data. Raises ValueError where one breaks off."""
    place, end = 0, len(content)
    while place < end:
        kind, place = _number(content, place, 2)
        size, place = _number(content, place, 4)
        if place + size > end:
            raise ValueError("a record breaks off")
        yield kind, content[place : place + size]
        place += size


def _number(content: bytes, place: int, most: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where the next one begins."""
    value = 0
    for n in range(most):
        if place >= len(content):
            raise ValueError("a record breaks off")
        byte = content[place]
        place += 1
        value |= (byte & 0x7F) << 7 * n
        if byte < 0x80:
            break
    return value, place


def _head(kind: int, size: int) -> bytes:
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    while size >= 0x80:
        head += bytes([size & 0x7F | 0x80])
        size >>= 7
    return head + bytes([size])
