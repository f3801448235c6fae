"""Parquet, event logs, archives and the door to all kinds of files."""

from __future__ import annotations

import bz2
import datetime as dt
import decimal
import gzip
import json
import lzma
import random
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_metrics.errors import FileProblem
from cx_metrics.reading import archives, event_logs, parquet, xml_events
from cx_metrics.reading.containers import found_tables, kind_of_file
from cx_metrics.reading.found import Broken, FoundTable

from ..hostile import PNG
from .books import Cell, Sheet, compound, rows, serial, xls, xlsx


def as_text(path: Path, _name: str) -> list[FoundTable]:
    """A stand-in for the reader of text: commas, no quotation marks."""
    content = path.read_bytes()
    lines = (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode().splitlines()
    header, *others = (tuple(line.split(",")) for line in lines)
    return [FoundTable("", header, iter(list(enumerate(others, 2))))]


def found(path: Path, name: str = "upload") -> list[FoundTable]:
    folder = path.parent / f"{path.name}.unpacked"
    folder.mkdir(exist_ok=True)
    return found_tables(path, name, folder, as_text)


def cells(table: FoundTable) -> list[list[str]]:
    return [list(row) for _, row in table.records if not isinstance(row, Broken)]


def said(table: FoundTable) -> str:
    return " ".join(map(str, table.told))


def refusal(path: Path) -> str:
    with pytest.raises(FileProblem) as refused:
        for table in found(path):
            list(table.records)
    assert "upload" in str(refused.value)
    return str(refused.value)


# Parquet ------------------------------------------------------------------------------------------------------------


def test_values_of_parquet_are_exact_text(tmp_path: Path) -> None:
    utc = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
    table = pa.table(
        {
            "id": pa.array([9007199254740993, None, -1], pa.int64()),
            "float": pa.array([1.0, 0.1, float("nan")]),
            "small": pa.array([0.1, 1e10, None], pa.float32()),
            "money": pa.array([decimal.Decimal("1.50"), decimal.Decimal("-0.01"), None], pa.decimal128(10, 2)),
            "ok": [True, False, None],
            "at": pa.array([utc, utc.replace(microsecond=120_000), None], pa.timestamp("us", "Europe/Berlin")),
            "local": pa.array([dt.datetime(2026, 1, 5), dt.datetime(2026, 1, 5, 0, 0, 0, 7), None], pa.timestamp("ns")),
            "day": pa.array([dt.date(2026, 1, 5), None, dt.date(1, 1, 1)]),
            "clock": pa.array([dt.time(9, 30), dt.time(9, 30, 1, 500_000), None]),
            "took": pa.array([dt.timedelta(hours=36), dt.timedelta(milliseconds=-1500), None]),
            "word": pa.array(["NA", "", None]).dictionary_encode(),
            "raw": pa.array([b"x", "é".encode(), None]),
            "list": pa.array([[1, 2], [], None]),
            "part": pa.array([{"a": "é"}, {"a": None}, None]),
            "none": pa.nulls(3),
        }
    )
    pq.write_table(table, tmp_path / "p", row_group_size=2)
    (read,) = found(tmp_path / "p")
    assert read.header == tuple(table.column_names)
    by_name = dict(zip(read.header, map(list, zip(*cells(read), strict=True)), strict=True))
    assert by_name == {
        "id": ["9007199254740993", "", "-1"],
        "float": ["1", "0.1", ""],
        "small": ["0.1", "10000000000", ""],
        "money": ["1.50", "-0.01", ""],
        "ok": ["true", "false", ""],
        "at": ["2026-01-05 09:00:00Z", "2026-01-05 09:00:00.12Z", ""],
        "local": ["2026-01-05 00:00:00", "2026-01-05 00:00:00.000007", ""],
        "day": ["2026-01-05", "", "0001-01-01"],
        "clock": ["09:30:00", "09:30:01.5", ""],
        "took": ["36:00:00", "-00:00:01.500", ""],
        "word": ["NA", "", ""],
        "raw": ["x", "é", ""],
        "list": ["[1, 2]", "[]", ""],
        "part": ['{"a": "é"}', '{"a": null}', ""],
        "none": ["", "", ""],
    }
    assert '"at"' in said(read) and '"list", "part"' in said(read)


def test_parquet_beyond_its_limits_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p"
    pq.write_table(pa.table({f"c{i}": [1] for i in range(501)}), path)
    assert "501 columns" in refusal(path)
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), path)
    assert "no rows" in refusal(path)
    pq.write_table(pa.table({"a": ["x"] * 5000}), path)
    monkeypatch.setattr(parquet, "MAX_LINES", 4999)
    assert "more than 4,999 rows" in refusal(path)
    monkeypatch.undo()
    pq.write_table(pa.table({"a": [f"x{i}" for i in range(5000)]}), path, use_dictionary=False)
    monkeypatch.setattr(parquet, "MAX_INFLATED", 10_000)
    assert "when unpacked" in refusal(path)


def test_damaged_parquet_is_refused_in_words(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"id": [f"c{i}" for i in range(500)], "n": range(500)}), tmp_path / "w", write_page_checksum=True
    )
    whole = (tmp_path / "w").read_bytes()
    path = tmp_path / "p"
    path.write_bytes(whole[:-100])
    assert "damaged Parquet" in refusal(path)
    path.write_bytes(b"PARE" + whole[4:-4] + b"PARE")
    assert "is encrypted" in refusal(path)
    good = [[f"c{i}", str(i)] for i in range(500)]
    refused, footer = 0, int.from_bytes(whole[-8:-4], "little") + 8
    for seed in range(60):
        chance = random.Random(seed)
        copy = bytearray(whole)
        copy[chance.randrange(4, len(copy) - footer)] ^= 1 << chance.randrange(8)
        path.write_bytes(copy)
        try:
            (table,) = found(path)
            assert cells(table) == good, seed
        except FileProblem:
            refused += 1
    assert refused > 40  # what is left are bytes that nobody reads


# event logs ---------------------------------------------------------------------------------------------------------

LOG = """<?xml version="1.0" encoding="UTF-8"?>
<!-- an export -->
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
 <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
 <global scope="event"><string key="concept:name" value="none"/></global>
 <classifier name="Activity" keys="concept:name"/>
 <string key="concept:name" value="the log"/>
 <trace>
  <string key="concept:name" value="A1"/>
  <event>
   <string key="concept:name" value="Register &amp; go"/>
   <date key="time:timestamp" value="2026-01-05T09:00:00.000+01:00"/>
   <int key="cost" value="9007199254740993"/>
   <string key="place" value="shop"><string key="city" value="Köln"/></string>
  </event>
  <event><string key="concept:name" value="Pay"/><boolean key="done" value="true"/></event>
  <float key="amount" value="1.50"/>
 </trace>
 <trace><string key="concept:name" value="A2"/></trace>
 <event><string key="concept:name" value="loose"/></event>
</log>"""


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_event_log_is_a_table_of_events(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    (tmp_path / "log").write_bytes(pack(LOG.encode()))
    assert kind_of_file(tmp_path / "log", "x") == "xes"
    (table,) = found(tmp_path / "log")
    assert table.header == (
        "case:concept:name",
        "case:amount",
        "concept:name",
        "time:timestamp",
        "cost",
        "place",
        "place.city",
        "done",
    )
    assert cells(table) == [
        ["A1", "1.50", "Register & go", "2026-01-05T09:00:00.000+01:00", "9007199254740993", "shop", "Köln", ""],
        ["A1", "1.50", "Pay", "", "", "", "", "true"],
        ["", "", "loose", "", "", "", "", ""],
    ]
    assert "1 case has no events" in said(table) and "not read: 3 entries" in said(table)


LAUGHS = '<!DOCTYPE log [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (LAUGHS + LOG.partition("?>")[2], "DOCTYPE"),
        ('<!DOCTYPE log SYSTEM "http://x/y.dtd"><log/>', "DOCTYPE"),
        (LOG[:-60], "XML breaks off"),
        ("<log/>", "without any events"),
        ("<log>" * 500, "200 deep"),
        ("<log><trace>", "XML breaks off"),
    ],
)
def test_hostile_event_logs_are_refused(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "log").write_text(content, encoding="utf-8")
    assert says in refusal(tmp_path / "log")


def test_an_event_log_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml_events, "MAX_INFLATED", 1024**2)
    (tmp_path / "log").write_bytes(
        gzip.compress(b"<log>" + b'<event><string key="a" value="b"/></event>' * 100_000 + b"</log>")
    )
    assert "when unpacked" in refusal(tmp_path / "log")
    assert event_logs.CASE == "case:"


# archives -----------------------------------------------------------------------------------------------------------

CSV = b"id,n\na,1\nb,2\n"


def packed(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_one_table_in_an_archive(tmp_path: Path) -> None:
    (table,) = found(
        packed(
            tmp_path / "z", {"data.csv": CSV, "__MACOSX/._data.csv": b"\0", "folder/": b"", "folder/.DS_Store": b"\1"}
        )
    )
    assert (table.part, table.header, cells(table)) == ("", ("id", "n"), [["a", "1"], ["b", "2"]])
    assert "Read from data.csv" in said(table)


def test_many_kinds_in_an_archive(tmp_path: Path) -> None:
    book = xlsx(tmp_path / "b", {"One": Sheet(rows(["a"], ["x"])), "Two": Sheet(rows(["b"], ["y"]))}).read_bytes()
    inner = packed(tmp_path / "i", {"deep.json": b'[{"k": 1}]'}).read_bytes()
    deepest = packed(tmp_path / "d", {"deeper.zip": packed(tmp_path / "e", {"x.csv": CSV}).read_bytes()}).read_bytes()
    path = packed(
        tmp_path / "z",
        {
            "../../evil.csv": CSV,
            "book.xlsx": book,
            "x.json.gz": gzip.compress(b'[{"j": 1}]'),
            "inner.zip": inner,
            "shot.png": PNG,
            "deep.zip": deepest,
            "page.html": b"<html>",
        },
    )
    tables = found(path)
    assert {table.part: table.header for table in tables} == {
        "../../evil.csv": ("id", "n"),
        "book.xlsx: One": ("a",),
        "book.xlsx: Two": ("b",),
        "x.json.gz": ("j",),
        "inner.zip": ("k",),
    }
    assert all(cells(table) for table in tables)
    assert "3 files of the archive are no tables" in said(tables[0]) and "shot.png" in said(tables[0])
    unpacked = tmp_path / "z.unpacked"
    assert (
        all(one.parent == unpacked and one.name.isdecimal() for one in unpacked.rglob("*"))
        and not (tmp_path.parent / "evil.csv").exists()
    )


def test_pieces_of_one_export_are_one_table(tmp_path: Path) -> None:
    hours = {
        "187520_2026-01-05_0#0.json.gz": [{"event_type": "view", "user_id": "u1"}],
        "187520_2026-01-05_1#0.json.gz": [{"user_id": "u2", "event_type": "buy", "platform": "web"}, {"user_id": "u3"}],
        "187520_2026-01-05_2#0.json.gz": [{"event_type": "view", "user_id": "u4"}],
        "notes_1.csv": [{"other": 1}],
    }
    members = {
        f"1/{name}": gzip.compress("\n".join(map(json.dumps, [*lines, {}])).encode()) for name, lines in hours.items()
    }
    events, notes = found(packed(tmp_path / "z", members))
    assert events.header == ("event_type", "user_id", "platform")
    assert [(row, list(found)) for row, found in events.records if any(found)] == [
        (2, ["view", "u1", ""]),
        (4, ["buy", "u2", "web"]),
        (5, ["", "u3", ""]),
        (7, ["view", "u4", ""]),
    ]
    assert "3 files of the archive" in said(events) and notes.header == ("other",)


def test_hostile_archives_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "holds no file that can be read" in refusal(packed(tmp_path / "a", {"x.png": PNG}))
    assert "It is empty" in refusal(packed(tmp_path / "b", {"folder/": b""}))
    path = packed(tmp_path / "c", {"x.csv": CSV})
    locked = bytearray(path.read_bytes())
    locked[6] |= 1
    locked[locked.find(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(locked)
    assert "protected by a password" in refusal(path)
    path.write_bytes(packed(tmp_path / "d", {"x.csv": CSV * 100}).read_bytes()[:-30])
    assert "damaged ZIP" in refusal(path)
    many = packed(tmp_path / "e", {f"{i}.csv": CSV for i in range(1001)})
    assert "1,001 files, more than 1,000" in refusal(many)
    monkeypatch.setattr("cx_metrics.reading.workbooks.MAX_INFLATED", 1024**2)
    assert "GB when unpacked" in refusal(packed(tmp_path / "f", {"x.csv": bytes(2 * 1024**2)}))
    assert not list((tmp_path / "f.unpacked").iterdir())


@pytest.mark.parametrize(
    "pack", [bz2.compress, lzma.compress, lambda content: bz2.compress(content) + bz2.compress(b"c,3\n")]
)
def test_other_packed_files_are_unpacked(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "p"
    path.write_bytes(pack(CSV))
    (table,) = found(path)
    assert cells(table)[:2] == [["a", "1"], ["b", "2"]]
    path.write_bytes(pack(CSV * 1000)[:-12])
    assert "damaged archive" in refusal(path)


def test_packed_bombs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_INFLATED", 1024**2)
    book = tmp_path / "p"
    for pack in (bz2.compress, lzma.compress):
        book.write_bytes(pack(bytes(3 * 1024**2)))
        assert "when unpacked" in refusal(book)


def test_a_packed_workbook_is_a_workbook(tmp_path: Path) -> None:
    whole = xlsx(tmp_path / "b", {"S": Sheet(rows(["a"], ["x"]))}).read_bytes()
    (tmp_path / "p").write_bytes(gzip.compress(whole))
    (table,) = found(tmp_path / "p")
    assert (table.part, cells(table)) == ("S", [["x"]])


# the door -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (CSV, "text"),
        (gzip.compress(CSV), "text"),
        (CSV.decode().encode("utf-16"), "text"),
        (b"[id],[name]\n1,2\n", "text"),
        (b'{"a": 1}', "json"),
        (b'\xef\xbb\xbf [ {"a": 1}]', "json"),
        ('{"a": 1}'.encode("utf-16-le"), "json"),
        (b"PAR1....", "parquet"),
        (LOG.encode(), "xes"),
        (LOG.encode("utf-16"), "xes"),
        (b"<x:log xmlns:x='y'>", "xes"),
        (bz2.compress(CSV), "packed"),
        (compound({"Workbook": b"x"}), "workbook"),
        (b"BM is a customer\n1\n", "text"),
        (b"PK\x03\x04cut [Content_Types].xml", "workbook"),
        (b"PK\x03\x04cut", "zip"),
    ],
)
def test_a_kind_is_found_in_the_content(tmp_path: Path, content: bytes, kind: str) -> None:
    (tmp_path / "f").write_bytes(content)
    assert kind_of_file(tmp_path / "f", "table.csv") == kind


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (PNG, "PNG picture"),
        (b"", "is empty"),
        (gzip.compress(b" \n"), "is empty"),
        (b"<?xml version='1.0'?><rss/>", "XML document"),
        (b"<!doctype html><p>", "web page"),
        (gzip.compress(gzip.compress(CSV)), "gzip archive inside"),
        (b"%PDF-1.7", "PDF"),
        (b"\x80\x04\x95", "pickle"),
    ],
)
def test_what_is_no_table_is_refused_by_kind(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "f").write_bytes(content)
    assert says in refusal(tmp_path / "f")


WORDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), min_size=1, max_size=5
)
COLUMNS = st.sampled_from(["whole", "float", "word", "truth", "moment"])
KINDS = {
    "whole": st.integers(-(2**53), 2**53),
    "float": st.floats(-1e12, 1e12, allow_nan=False),
    "word": WORDS,
    "truth": st.booleans(),
    "moment": st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2030, 1, 1)).map(lambda at: at.replace(microsecond=0)),
}


@settings(deadline=None, max_examples=60)
@given(data=st.data(), kinds=st.lists(COLUMNS, min_size=2, max_size=5), size=st.integers(1, 6))
def test_one_frame_in_any_form_gives_the_same_cells(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, kinds: list[str], size: int
) -> None:
    """A table written as a workbook, Parquet, JSON lines, a JSON list, an archive of one of them or text is one and the same."""
    folder = tmp_path_factory.mktemp("forms")
    names = [f"{kind} {place}" for place, kind in enumerate(kinds)]
    table = [[data.draw(st.none() | KINDS[kind]) for kind in kinds] for _ in range(size)]
    table.append([data.draw(KINDS[kind]) for kind in kinds])  # a last row without blanks

    def plain(value: object) -> str:
        if value is None:
            return ""
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, float):
            return str(int(value)) if value == int(value) else format(decimal.Decimal(repr(value)), "f")
        return str(value)

    expected = [[plain(value) for value in row] for row in table]
    cell = {dt.datetime: lambda at: Cell(serial(at), style="moment"), float: lambda x: Cell(repr(x))}
    styled = [[cell.get(type(value), lambda v: v)(value) for value in row] for row in table]
    xlsx(folder / "xlsx", {"S": Sheet(rows(names, *styled))})
    frame = pd.DataFrame(
        {
            name: pd.array(list(column), dtype="object")
            for name, column in zip(names, zip(*table, strict=True), strict=True)
        }
    )
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), folder / "parquet")
    lines = [json.dumps(dict(zip(names, row, strict=True)), default=str) for row in table]
    (folder / "jsonl").write_text("\n".join(lines) + "\n")
    (folder / "json").write_text(f"[{','.join(lines)}]")
    packed(folder / "zip", {"a.jsonl": (folder / "jsonl").read_bytes()})
    for form in ("xlsx", "parquet", "jsonl", "json", "zip"):
        (read,) = found(folder / form)
        assert read.header == tuple(names), form
        got = {row: list(cells) for row, cells in read.records}
        assert [got.get(row, [""] * len(names)) for row in range(2, len(table) + 2)] == expected, form
    numbers = [[float(value) if type(value) in (int, float) else value for value in row] for row in table]
    whole = [[plain(value) for value in row] for row in numbers]
    xls(folder / "xls", "S", [names, *numbers])
    if all(isinstance(value, str) or value is None or type(value) is float for row in numbers for value in row):
        assert [got for got in cells(found(folder / "xls")[0])] == [row for row in whole if any(row)]
