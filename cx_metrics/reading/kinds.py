"""What a file really is, by its first bytes: a picture or a workbook that is called .csv is refused by name."""

from __future__ import annotations

from cx_metrics.errors import FileProblem
from cx_metrics.reading.report import shorten
from cx_metrics.texts import N_, Text

GZIP = b"\x1f\x8b"

_SAVE_AS_CSV = N_("Open it in a spreadsheet and save it as CSV UTF-8.")
_EXPORT_AGAIN = N_("Export the table itself as CSV and upload that file.")
_UNPACK = N_("Unpack it and upload the CSV file inside.")
_LOG_IN = N_("Log in to the tool, export the table again and upload that file.")

_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89PNG", N_("a PNG picture"), _EXPORT_AGAIN),
    (b"\xff\xd8\xff", N_("a JPEG picture"), _EXPORT_AGAIN),
    (b"GIF8", N_("a GIF picture"), _EXPORT_AGAIN),
    (b"BM", N_("a BMP picture"), _EXPORT_AGAIN),
    (b"RIFF", N_("a picture, sound or film"), _EXPORT_AGAIN),
    (b"%PDF", N_("a PDF document"), _EXPORT_AGAIN),
    (b"{\\rtf", N_("an RTF document"), _EXPORT_AGAIN),
    (b"PAR1", N_("a Parquet file"), _EXPORT_AGAIN),
    (b"ARROW1", N_("an Arrow file"), _EXPORT_AGAIN),
    (b"SQLite format 3", N_("an SQLite database"), _EXPORT_AGAIN),
    (b"\xd0\xcf\x11\xe0", N_("an old Excel workbook (.xls)"), _SAVE_AS_CSV),
    (b"BZh", N_("a bzip2 archive"), _UNPACK),
    (b"\xfd7zXZ", N_("an xz archive"), _UNPACK),
    (b"7z\xbc\xaf", N_("a 7-Zip archive"), _UNPACK),
    (b"\x28\xb5\x2f\xfd", N_("a Zstandard archive"), _UNPACK),
    (b"Rar!", N_("a RAR archive"), _UNPACK),
    (b"\x7fELF", N_("a program"), _EXPORT_AGAIN),
    (b"MZ\x90", N_("a program"), _EXPORT_AGAIN),
)
_PAGES = (b"<!doctype html", b"<html", b"<head", b"<body", b"<script")


def refuse_other_kinds(start: bytes, name: str) -> None:
    """Raise where the first bytes say that this is not a text table.

    Raises:
        FileProblem: what the file is instead, and what to do.
    """
    found = _kind(start)
    if found is None:
        return
    kind, advice = found
    raise FileProblem(
        N_("{file} is {kind}, not a table in text form (CSV). {advice}"),
        file=shorten(name),
        kind=Text(kind),
        advice=Text(advice),
    )


def _kind(start: bytes) -> tuple[str, str] | None:
    for beginning, kind, advice in _BEGINNINGS:
        if start.startswith(beginning) and (len(beginning) > 2 or b"\0" in start[:64]):
            return kind, advice
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        if b"xl/" in start or b"[Content_Types].xml" in start[:200]:
            return N_("an Excel workbook (.xlsx)"), _SAVE_AS_CSV
        return N_("a ZIP archive"), _UNPACK
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return N_("a Python pickle, which can run programs and is never opened"), _EXPORT_AGAIN
    if start[:2] == GZIP:
        return N_("a gzip archive inside a gzip archive"), _UNPACK
    if start[257:262] == b"ustar":
        return N_("a tar archive"), _UNPACK
    return _text_kind(start.removeprefix(b"\xef\xbb\xbf").lstrip()[:200].lower())


def _text_kind(begin: bytes) -> tuple[str, str] | None:
    if begin.startswith(_PAGES):
        return N_("a web page (HTML), often a login page saved by mistake"), _LOG_IN
    if begin.startswith(b"<?xml"):
        return N_("an XML document"), _SAVE_AS_CSV
    if begin[:1] in (b"{", b"[") and begin[1:].lstrip()[:1] in (b'"', b"{", b"[", b"}", b"]"):
        return N_("a JSON document"), _EXPORT_AGAIN
    return None
