"""Workbooks for tests, written by hand: sheets as lists of rows, each cell a value or a `Cell`."""

from __future__ import annotations

import datetime as dt
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
FORMATS = {
    "general": None, "date": "yyyy\\-mm\\-dd", "moment": "dd/mm/yyyy hh:mm", "time": "h:mm AM/PM", "duration": "[h]:mm:ss",
    "percent": "0.0%", "science": "0.00E+00", "words": '"day "0',
}  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """A cell as it stands in the XML: its type, the text of its value, its format, a formula."""

    value: str | None
    kind: str = ""
    style: str = "general"
    formula: str | None = None


@dataclass(frozen=True)
class Sheet:
    """A sheet: rows by their number, and what is said beside them."""

    rows: Mapping[int, Sequence[object]]
    state: str = "visible"
    merged: Sequence[str] = ()
    tables: Mapping[str, str] | None = None
    hidden_rows: Sequence[int] = ()
    kind: str = "worksheet"


def rows(*rows: Sequence[object], first: int = 1) -> dict[int, Sequence[object]]:
    """Rows that follow each other."""
    return dict(enumerate(rows, first))


def letters(column: int) -> str:
    return (letters(column // 26 - 1) if column >= 26 else "") + chr(65 + column % 26)


def serial(moment: dt.datetime, from_1904: bool = False) -> str:
    first = dt.datetime(1904, 1, 1) if from_1904 else dt.datetime(1899, 12, 30)
    return repr((moment - first) / dt.timedelta(days=1))


def xlsx(
    path: Path,
    sheets: Mapping[str, Sheet],
    from_1904: bool = False,
    prefix: str = "",
    shared: bool = True,
    others: Mapping[str, str] = {},
) -> Path:
    """Write a workbook; `prefix` makes it one that writes its elements with a name space; `others` are further parts."""
    texts: dict[str, int] = {}
    parts: dict[str, str] = dict(others)
    listed, related = [], []
    for number, (name, sheet) in enumerate(sheets.items(), 1):
        listed.append(f'<sheet name={quoteattr(name)} sheetId="{number}" state="{sheet.state}" r:id="rId{number}"/>')
        related.append(
            f'<Relationship Id="rId{number}" Type="{RELATIONS}/{sheet.kind}" Target="{sheet.kind}s/sheet{number}.xml"/>'
        )
        if sheet.kind != "worksheet":
            parts[f"xl/{sheet.kind}s/sheet{number}.xml"] = "<chartsheet/>"
            continue
        parts[f"xl/worksheets/sheet{number}.xml"] = _sheet_xml(sheet, texts if shared else None, prefix)
        links = []
        for place, (title, area) in enumerate((sheet.tables or {}).items(), 1):
            own = f"table{number}_{place}.xml"
            parts[f"xl/tables/{own}"] = (
                f'<table xmlns="{MAIN}" id="{place}" name={quoteattr(title)} displayName={quoteattr(title)} ref="{area}"/>'
            )
            links.append(f'<Relationship Id="rId{place}" Type="{RELATIONS}/table" Target="../tables/{own}"/>')
        parts[f"xl/worksheets/_rels/sheet{number}.xml.rels"] = (
            f'<Relationships xmlns="{PACKAGE}/relationships">{"".join(links)}</Relationships>'
        )
    related += [
        f'<Relationship Id="rS" Type="{RELATIONS}/styles" Target="styles.xml"/>',
        f'<Relationship Id="rT" Type="{RELATIONS}/sharedStrings" Target="/xl/sharedStrings.xml"/>',
    ]
    parts["xl/sharedStrings.xml"] = (
        f'<sst xmlns="{MAIN}">'
        + "".join(f'<si><t xml:space="preserve">{_xml(text)}</t></si>' for text in texts)
        + "</sst>"
    )
    parts["xl/workbook.xml"] = (
        f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><workbookPr date1904="{int(from_1904)}"/>'
        f"<sheets>{''.join(listed)}</sheets></workbook>"
    )
    parts["xl/_rels/workbook.xml.rels"] = (
        f'<Relationships xmlns="{PACKAGE}/relationships">{"".join(related)}</Relationships>'
    )
    codes = [code for code in FORMATS.values() if code]
    parts["xl/styles.xml"] = (
        f'<styleSheet xmlns="{MAIN}"><numFmts>'
        + "".join(f'<numFmt numFmtId="{164 + i}" formatCode={quoteattr(code)}/>' for i, code in enumerate(codes))
        + '</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/>'
        + "".join(f'<xf numFmtId="{164 + i}"/>' for i in range(len(codes)))
        + "</cellXfs></styleSheet>"
    )
    parts["_rels/.rels"] = (
        f'<Relationships xmlns="{PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("[Content_Types].xml", f'<Types xmlns="{PACKAGE}/content-types"/>')
        for part, content in parts.items():
            book.writestr(part, '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n' + content)
    return path


def _sheet_xml(sheet: Sheet, texts: dict[str, int] | None, prefix: str) -> str:
    p = f"{prefix}:" if prefix else ""
    body = []
    for number, cells in sheet.rows.items():
        written = [_cell_xml(cell, f"{letters(place)}{number}", texts, p) for place, cell in enumerate(cells)]
        hidden = ' hidden="1"' if number in sheet.hidden_rows else ""
        body.append(f'<{p}row r="{number}" spans="1:3"{hidden}>{"".join(written)}</{p}row>')
    merged = "".join(f'<{p}mergeCell ref="{area}"/>' for area in sheet.merged)
    merged = f"<{p}mergeCells>{merged}</{p}mergeCells>" if merged else ""
    named = f"xmlns:{prefix}" if prefix else "xmlns"
    return f'<{p}worksheet {named}="{MAIN}"><{p}sheetData>{"".join(body)}</{p}sheetData>{merged}</{p}worksheet>'


def _cell_xml(cell: object, place: str, texts: dict[str, int] | None, p: str) -> str:
    if cell is None or cell == "":
        return ""
    if not isinstance(cell, Cell):
        if isinstance(cell, bool):
            cell = Cell(str(int(cell)), "b")
        elif isinstance(cell, (int, float)):
            cell = Cell(repr(cell))
        elif texts is None:
            return f'<{p}c r="{place}" t="inlineStr"><{p}is><{p}t xml:space="preserve">{_xml(str(cell))}</{p}t></{p}is></{p}c>'
        else:
            cell = Cell(str(texts.setdefault(str(cell), len(texts))), "s")
    style = list(FORMATS).index(cell.style)
    attributes = (f' s="{style}"' if style else "") + (f' t="{cell.kind}"' if cell.kind else "")
    formula = f"<{p}f>{_xml(cell.formula)}</{p}f>" if cell.formula is not None else ""
    value = f"<{p}v>{_xml(cell.value)}</{p}v>" if cell.value is not None else ""
    return f'<{p}c r="{place}"{attributes}>{formula}{value}</{p}c>'


def _xml(text: str) -> str:
    """As XML; signs that it cannot hold as workbooks write them, and what looks like such a sign too."""
    coded = text.replace("_x", "_x005F_x")
    coded = "".join(f"_x{ord(sign):04X}_" if ord(sign) < 32 and sign not in "\t\n" else sign for sign in coded)
    return escape(coded)


def ods(path: Path, sheets: Mapping[str, str], others: Mapping[str, str] = {}) -> Path:
    """Write a workbook of OpenDocument: the XML of the rows of each sheet."""
    spaces = " ".join(
        f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{short}:1.0"'
        for short in ("office", "table", "text", "style")
    )
    tables = "".join(f'<table:table table:name="{name}">{body}</table:table>' for name, body in sheets.items())
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr(
            zipfile.ZipInfo("mimetype"),
            "application/vnd.oasis.opendocument.spreadsheet",
            compress_type=zipfile.ZIP_STORED,
        )
        book.writestr(
            "content.xml",
            f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces}>'
            f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>",
        )
        manifest = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
        book.writestr("META-INF/manifest.xml", f'<manifest:manifest xmlns:manifest="{manifest}"/>')
        for part, content in others.items():
            book.writestr(part, content)
    return path


def ods_cell(kind: str = "", text: str = "", **said: str) -> str:
    attributes = "".join(f' {key.replace("_", ":", 1).replace("_", "-")}="{value}"' for key, value in said.items())
    return f"<table:table-cell{f' office:value-type={kind!r}' if kind else ''}{attributes}>{text}</table:table-cell>"


def ods_words(text: str) -> str:
    return ods_cell("string", f"<text:p>{text}</text:p>")


def ods_row(*cells: str, **said: str) -> str:
    attributes = "".join(f' table:{key.replace("_", "-")}="{value}"' for key, value in said.items())
    return f"<table:table-row{attributes}>{''.join(cells)}</table:table-row>"


def xls(path: Path, name: str, rows: Sequence[Sequence[object]]) -> Path:
    """Write an old workbook (BIFF8 in a compound file) of one sheet: texts, numbers, booleans, dates and "#N/A"."""

    def record(kind: int, content: bytes) -> bytes:
        return struct.pack("<HH", kind, len(content)) + content

    def text(written: str, length: str) -> bytes:
        signs = written.encode("utf-16-le")
        return struct.pack(length, len(signs) // 2) + b"\x01" + signs

    start = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0)) + record(0x42, struct.pack("<H", 1200))
    start += record(0xE0, struct.pack("<HHH", 0, 0, 0) + bytes(14)) + record(
        0xE0, struct.pack("<HHH", 0, 22, 0) + bytes(14)
    )
    sheet = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    sheet += record(0x200, struct.pack("<IIHHH", 0, len(rows), 0, max(map(len, rows)), 0))
    for r, cells in enumerate(rows):
        for c, cell in enumerate(cells):
            if isinstance(cell, bool):
                sheet += record(0x205, struct.pack("<HHHBB", r, c, 0, cell, 0))
            elif cell == "#N/A":
                sheet += record(0x205, struct.pack("<HHHBB", r, c, 0, 42, 1))
            elif isinstance(cell, dt.datetime):
                sheet += record(0x203, struct.pack("<HHHd", r, c, 1, float(serial(cell))))
            elif isinstance(cell, (int, float)):
                sheet += record(0x203, struct.pack("<HHHd", r, c, 0, cell))
            elif cell is not None:
                sheet += record(0x204, struct.pack("<HHH", r, c, 0) + text(str(cell), "<H"))
    sheet += record(0x0A, b"")
    listed = text(name, "<B")
    at = len(start) + 4 + 6 + len(listed) + 4
    book = start + record(0x85, struct.pack("<IBB", at, 0, 0) + listed) + record(0x0A, b"") + sheet
    path.write_bytes(compound({"Workbook": book}))
    return path


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file (the container of old Office documents) with these streams."""
    sector = 512
    contents = [content.ljust(max(4096, -(-len(content) // sector) * sector), b"\0") for content in streams.values()]
    counts = [len(content) // sector for content in contents]
    total = sum(counts) + 1  # the directory first
    fat_sectors = -(-(total + 1) // 128)
    while fat_sectors * 128 < total + fat_sectors:
        fat_sectors += 1
    chain = [-2]
    starts = []
    for count in counts:
        starts.append(len(chain))
        chain += [*range(len(chain) + 1, len(chain) + count), -2]
    first_fat = len(chain)
    chain += [-3] * fat_sectors
    chain += [-1] * (fat_sectors * 128 - len(chain))
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
    header += struct.pack("<IIiIIiIiI", 0, fat_sectors, 0, 0, 4096, -2, 0, -2, 0)
    header += struct.pack("<109i", *range(first_fat, first_fat + fat_sectors), *[-1] * (109 - fat_sectors))

    def entry(name: str, kind: int, child: int, right: int, start: int, size: int) -> bytes:
        written = name.encode("utf-16-le")
        return (
            written.ljust(64, b"\0") + struct.pack("<HBBiii", len(written) + 2 if name else 0, kind, 1, -1, right, child)
            + bytes(36) + struct.pack("<iII", start, size, 0)
        )  # fmt: skip

    directory = entry("Root Entry", 5, 1, -1, -2, 0)
    for place, (name, start, content) in enumerate(zip(streams, starts, streams.values(), strict=True), 1):
        directory += entry(name, 2, -1, place + 1 if place < len(streams) else -1, start, max(len(content), 4096))
    directory = directory.ljust(sector, b"\0")
    assert len(directory) == sector
    return header + directory + b"".join(contents) + struct.pack(f"<{len(chain)}i", *chain)
