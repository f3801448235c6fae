"""Files that no export makes: what somebody uploads by mistake, or to do harm. Each writes itself to a path, quickly."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import random
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

MB = 1024**2
HEADER = b"customer_id,occurred_at,touchpoint\n"
ROW = b"c1,2026-01-05 09:00:00,visit\n"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(100)

Write = Callable[[Path], None]


def plain(*parts: tuple[bytes, int]) -> Write:
    """Pieces, each as often as said."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            _repeat(file.write, parts)

    return write


def packed(*parts: tuple[bytes, int]) -> Write:
    """The same, compressed."""

    def write(path: Path) -> None:
        with gzip.open(path, "wb", 1) as file:
            _repeat(file.write, parts)

    return write


def _repeat(put: Callable[[bytes], int], parts: Iterable[tuple[bytes, int]]) -> None:
    for piece, times in parts:
        whole = max(1, MB // len(piece))
        for _ in range(times // whole):
            put(piece * whole)
        put(piece * (times % whole))


def numbered(count: int, line: str, header: bytes = HEADER) -> Write:
    """Rows that each have a number of their own at {i}, five to a customer {c}, one of 99,990 numbers at {m}."""

    def write(path: Path) -> None:
        with path.open("wb") as file:
            file.write(header)
            for start in range(0, count, 10_000):
                rows = (line.format(i=i, c=i // 5, m=i % 99_990) for i in range(start, min(start + 10_000, count)))
                file.write("".join(rows).encode())

    return write


def workbook(cell: str) -> Write:
    """A workbook with one filled cell."""
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        f'<row r="{cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}"><c r="{cell}" t="str"><v>x</v></c></row>'
        "</sheetData></worksheet>"
    )

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
            book.writestr("[Content_Types].xml", "<Types/>")
            book.writestr("xl/worksheets/sheet1.xml", sheet)

    return write


def archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("data.csv", HEADER + ROW)


def parquet(path: Path) -> None:
    pq.write_table(pa.table({"customer_id": ["c1"], "touchpoint": ["visit"]}), path)


def twice_packed(path: Path) -> None:
    path.write_bytes(gzip.compress(gzip.compress(HEADER + ROW * 1000)))


def cut_short(path: Path) -> None:
    whole = io.BytesIO()
    with gzip.GzipFile(fileobj=whole, mode="wb") as file:
        for i in range(2000):
            file.write(ROW.replace(b"c1", b"c%d" % i))
    path.write_bytes(whole.getvalue()[:-2000])


def deep(path: Path) -> None:
    path.write_text("[" * 500_000 + "]" * 500_000, encoding="ascii")


def deep_cells(path: Path) -> None:
    cell = json.dumps("{" * 5000)[1:-1]
    path.write_bytes(HEADER + ROW + f'c2,2026-01-05 09:00:00,"{cell}"\n'.encode())


# Kept small enough for every run of the tests. Each with a word that its refusal must hold; "" where it is loaded.
SMALL: Mapping[str, tuple[Write, str]] = {
    "gzip in gzip": (twice_packed, "gzip archive inside"),
    "gzip cut short": (cut_short, "damaged gzip"),
    "zip": (archive, ""),
    "workbook": (workbook("A1"), "is damaged"),
    "workbook with a far cell": (workbook("XFD1048576"), "is damaged"),
    "parquet": (parquet, ""),
    "pickle": (lambda path: path.write_bytes(pickle.dumps({"id": [1]})) and None, "pickle"),  # type: ignore[func-returns-value]
    "picture": (plain((PNG, 1)), "PNG picture"),
    "pdf": (plain((b"%PDF-1.7\n1 0 obj\n", 1), (b"<< >>\n", 500)), "PDF"),
    "web page": (plain((b"<!DOCTYPE html>\n<html><title>Log in</title>\n", 1), (b"<p>\n", 500)), "web page"),
    "json, deep": (deep, "JSON"),
    "json in a cell, deep": (deep_cells, ""),
    "bytes that are 0": (plain((b"\0", 5 * MB)), "empty"),
    "every other byte 0": (plain((b"a\0\0b", MB)), "NUL"),
    "some bytes that are 0": (plain((HEADER, 1), (ROW, 5000), (b"c1,2026-01-05 09:00:00,a\0b\n", 1)), ""),
    "one line": (plain((b"x", 40 * MB)), "16 MB"),
    "one line, one column": (plain((HEADER, 1), (ROW, 3), (b"x", 20 * MB)), "16 MB"),
    "one line of UTF-16": (plain((b"\xff\xfe", 1), ("a,b\n".encode("utf-16-le"), 1), ("\u0a0a".encode("utf-16-le"), 18 * MB)),
                           "16 MB"),
    "100,000 columns": (plain((b"a,", 100_000), (b"a\n", 1), (b"1,", 100_000), (b"1\n", 1)), "500"),
    "8 million columns": (plain((b",", 8 * MB), (b"\n", 1), (b"1\n", 1)), "500"),
    "header of 1 MB": (plain((b"customer_id,", 1), (b"n", MB), (b"\nc1,2\n", 1)), "32,768"),
    "header of 20 kB": (plain((b"customer_id,", 1), (b"n", 20 * 1024), (b"\nc1,2\n", 1)), "4,000"),
    "500 long names": (numbered(1, "1\n", ",".join(f"{i}{'a b' * 1300}" for i in range(500)).encode() + b"\n"), "hostile.csv"),
    "only quotation marks": (plain((b'"', 3 * MB)), "hostile.csv"),
    "only lines of quotation marks": (plain((b'"\n', MB)), "hostile.csv"),
    "only line ends": (plain((b"\n", 5 * MB)), "empty"),
    "line ends after the header": (plain((HEADER, 1), (b"\n", 5 * MB)), "no rows"),
    "line ends before the last row": (plain((HEADER, 1), (b"\n", 5 * MB), (ROW, 1)), ""),
    "old line ends": (plain((HEADER.replace(b"\n", b"\r"), 1), (ROW.replace(b"\n", b"\r"), 300_000)), ""),
    "cell of 33 kB": (plain((HEADER, 1), (ROW, 3), (b"c2,2026-01-05 09:00:00,", 1), (b"x", 33 * 1024), (b"\n", 1)), ""),
    "quotation mark never closed": (plain((b'"customer_id,occurred_at,touchpoint\n', 1), (ROW, 300_000)), "header"),
    "quotation marks that chain": (plain((HEADER, 1), (b'c1",2026-01-05 09:00:00,"\n', 100_000)), "was not recognised"),
    "a row in each two bytes": (plain((HEADER, 1), (b"a\n", MB)), ""),
}  # fmt: skip

LARGE: Mapping[str, tuple[Write, str]] = {
    "gzip that unpacks to 5 GB": (packed((HEADER, 1), (b"a" * 99 + b"\n", 50 * MB)), "2 GB"),
    "gzip of 100 million rows": (packed((HEADER, 1), (b"a,b,c\n", 100_000_000)), "50,000,000 rows"),
    "one line of 300 MB": (plain((b"x", 300 * MB)), "16 MB"),
    "300 MB after a quotation mark": (plain((b'"customer_id,occurred_at,touchpoint\n', 1), (ROW, 300 * MB // len(ROW))), "header"),
    "100 MB of line ends": (plain((b"\n", 100 * MB)), "empty"),
    "100 MB of line ends and a row": (plain((HEADER, 1), (b"\n", 100 * MB), (ROW, 1)), "50,000,000 rows"),
    "40 MB of line ends and a row": (plain((HEADER, 1), (b"\n", 40 * MB), (ROW, 1)), ""),
    "100 MB of old line ends": (plain((HEADER.replace(b"\n", b"\r"), 1), (ROW.replace(b"\n", b"\r"), 100 * MB // len(ROW))), ""),
    "100 MB of quotation marks": (plain((b'"\n', 50 * MB)), "hostile.csv"),
    "lines of 15 MB": (packed(*[(b"a,b,c\n", 1), *[(b"x", 15 * MB), (b",1,2\n", 1)] * 60]), "hostile.csv"),
    "100 MB of quotation marks that chain": (plain((HEADER, 1), (b'c1",2026-01-05 09:00:00,"\n', 100 * MB // 26)), ""),
    "a million names": (numbered(1_000_000, "c{c},2026-01-05 09:00:00,name {i}\n"), ""),
    "99,990 names": (numbered(1_000_000, "c{c},2026-01-05 09:00:00,name {m}\n"), ""),
    "a million values": (numbered(1_000_000, "c{c},2026-01-05 09:00:00,visit,p{i}\n", HEADER.replace(b"\n", b",plan\n")), ""),
    "2,000 wide rows": (plain((",".join(f"n{i}" for i in range(500)).encode() + b"\n", 1),
                              ((",".join("2026-01-05 09:00:00" for _ in range(500))).encode() + b"\n", 2000)), "hostile.csv"),
}  # fmt: skip


def mutated(content: bytes, seed: int) -> bytes:
    """A copy with bytes flipped, pieces cut out or doubled, or rows in another order; the same for the same seed."""
    chance = random.Random(seed)
    found = bytearray(content)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(found))
        match chance.randrange(6):
            case 0:
                found[at] = chance.randrange(256)
            case 1:
                found[at] ^= 1 << chance.randrange(8)
            case 2:
                found[at : at + 1] = chance.choice(
                    [b'"', b",", b"\n", b"\r", b"\0", b"\xff", b";", b'""', b"\xef\xbb\xbf"]
                )
            case 3:
                del found[at : at + chance.randint(1, 200)]
            case 4:
                found[at:at] = found[at : at + chance.randint(1, 200)]
            case 5:
                rows = bytes(found).splitlines(keepends=True)
                chance.shuffle(rows)
                found = bytearray(b"".join(rows))
        if not found:
            break
    if chance.random() < 0.1:
        del found[chance.randrange(len(found) + 1) :]
    return bytes(found)
