"""What a file really is, by what stands in it and never by its name: a table of some kind, or something to refuse in words."""

from __future__ import annotations

import codecs
import re
import zipfile
from pathlib import Path

from cx_metrics.errors import FileProblem
from cx_metrics.reading.report import shorten
from cx_metrics.texts import N_, Text

GZIP = b"\x1f\x8b"

_JSON = N_("a JSON document")
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


_LOG = re.compile(r"\s*(<\?xml[^>]*>)?\s*(<!--.*?-->\s*|<\?.*?\?>\s*)*<(\w+:)?log[\s/>]", re.DOTALL)
_DOCUMENT_TYPE = re.compile(r"\s*(<\?xml[^>]*>)?\s*(<!--.*?-->\s*)*<!DOCTYPE\s+(\w+:)?log\b", re.DOTALL)


def kind_of(start: bytes, path: Path, name: str) -> str:
    """Which reader a file needs: "text", "workbook", "json", "parquet", "xes", "zip", or "packed" (bzip2 and xz).

    `start` are its first bytes, unpacked where the file is a gzip archive; a ZIP archive is opened to see what is in it.

    Raises:
        FileProblem: what the file is instead, and what to do.
    """
    if start.startswith((b"BZh", b"\xfd7zXZ")):
        return "packed"
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        return "workbook"
    if start.startswith((b"PAR1", b"PARE")):
        return "parquet"
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "workbook" if _is_workbook(start, path) else "zip"
    begin = _letters(start)
    if _LOG.match(begin) or _DOCUMENT_TYPE.match(begin):
        return "xes"
    found = _kind(begin.encode()) if begin[:1] in ("{", "[") else _kind(start)
    if found is None:
        return "text"
    if found[0] == _JSON:
        return "json"
    raise _refusal(*found, name)


def _is_workbook(start: bytes, path: Path) -> bool:
    """Whether a ZIP archive has the parts of a workbook; one that cannot be opened is judged by its first bytes."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {member.casefold() for member in archive.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return b"[Content_Types].xml" in start[:200] or b"opendocument.spreadsheet" in start[:200] or b"xl/" in start
    is_document = "content.xml" in names and "mimetype" in names
    return is_document or any(member.startswith("xl/") for member in names)


def _letters(start: bytes) -> str:
    """The first letters of a text, whichever Unicode it is written in."""
    encoding = "utf-8"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif start[1:2] == b"\0" and start[:1] != b"\0":
        encoding = "utf-16-le"
    elif start[:1] == b"\0" and start[1:2] != b"\0":
        encoding = "utf-16-be"
    return start[:4096].decode(encoding, "ignore").removeprefix("\ufeff").lstrip()


def refuse_other_kinds(start: bytes, name: str) -> None:
    """Raise where the first bytes say that this is not a text table.

    Raises:
        FileProblem: what the file is instead, and what to do.
    """
    found = _kind(start)
    if found is None:
        return
    raise _refusal(*found, name)


def _refusal(kind: str, advice: str, name: str) -> FileProblem:
    return FileProblem(
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
        return _JSON, _EXPORT_AGAIN
    return None
