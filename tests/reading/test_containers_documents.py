"""JSON: which tables a document holds, that no number changes, and that no record is lost."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_metrics.errors import FileProblem
from cx_metrics.reading import documents, json_values
from cx_metrics.reading.documents import tables
from cx_metrics.reading.found import Broken, FoundTable

Document = Callable[..., list[FoundTable]]


@pytest.fixture
def document(tmp_path: Path) -> Document:
    """The tables of a document, given as text, bytes or values."""

    def found(content: object) -> list[FoundTable]:
        path = tmp_path / "file"
        text = content if isinstance(content, (str, bytes)) else json.dumps(content)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tables(path, "export.json")

    return found


def cells(table: FoundTable) -> dict[int, list[str]]:
    return {row: list(found) for row, found in table.records if not isinstance(found, Broken)}


def said(table: FoundTable) -> str:
    return " ".join(map(str, table.told))


def test_lines_of_a_product_analytics_export(document: Document) -> None:
    lines = [
        {"event": "$pageview", "properties": {"time": 1767603600, "distinct_id": "u1", "$insert_id": "a"}},
        {
            "event": "Sign up",
            "properties": {"time": 1767603700, "distinct_id": 12345678901234567890, "tags": ["x", "y"]},
        },
    ]
    (table,) = document("\n".join(map(json.dumps, lines)) + "\n")
    assert table.header == (
        "event",
        "properties.time",
        "properties.distinct_id",
        "properties.$insert_id",
        "properties.tags",
    )
    assert cells(table) == {
        2: ["$pageview", "1767603600", "u1", "a", ""],
        3: ["Sign up", "1767603700", "12345678901234567890", "", "x|y"],
    }
    assert '"properties.tags"' in said(table)


def test_numbers_stay_as_they_are_written(document: Document) -> None:
    (table,) = document(
        '[{"a": 1.50, "b": 0.1234567890123456789, "c": 1.23E+15, "d": 7.0, "e": -0.0, "f": 1e-7, "g": 9007199254740993}]'
    )
    assert cells(table)[2] == [
        "1.50",
        "0.1234567890123456789",
        "1230000000000000",
        "7",
        "0",
        "0.0000001",
        "9007199254740993",
    ]


def test_values_of_every_kind(document: Document) -> None:
    (table,) = document(
        '{"t": true, "f": false, "n": null, "s": "", "e": {}, "l": [], "m": [1, null, true, "x"], "d": [[1.50], {"a": "é"}]}\n{}'
    )
    assert table.header == ("t", "f", "n", "s", "l", "m", "d")
    assert cells(table) == {2: ["true", "false", "", "", "", "1||true|x", '[[1.50], {"a": "é"}]'], 3: [""] * 7}
    assert '"d"' in said(table)


def test_a_broken_line_is_one_broken_row(document: Document) -> None:
    (table,) = document(b'{"a": 1}\n{"a": \n\n[1]\n{"a": "\xff"}\n{"a": 2}\n' + b"[" * 100_000 + b"\n")
    found = dict(table.records)
    assert {row: one.code for row, one in found.items() if isinstance(one, Broken)} == {3: "json", 5: "json", 8: "json"}
    assert {row for row, one in found.items() if not isinstance(one, Broken)} == {2, 6, 7}
    assert found[6] == ["\udcff"]  # the writer hands it on as damaged


def test_a_broken_first_line_is_a_row_too(document: Document) -> None:
    (table,) = document('{"a": \n{"a": 1}\n{"a": 2}\n')
    assert [row for row, one in table.records if isinstance(one, Broken)] == [2] and table.header == ("a",)


def test_not_a_number_and_twins_are_told(document: Document) -> None:
    (table,) = document('[{"a": NaN, "b": -Infinity, "a": 5}]')
    assert cells(table) == {2: ["5", ""]}
    assert "NaN" in said(table) and "stands twice" in said(table) and '"a"' in said(table)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_any_unicode_packed_or_not(document: Document, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    for text in ('[{"name": "Zoë"}]', '{"name": "Zoë"}\n{"name": "x"}'):
        assert cells(document(pack(text.encode(encoding)))[0])[2] == ["Zoë"]


def test_lists_inside_of_one_object(document: Document) -> None:
    found = document(
        {"meta": {"n": 2, "tags": ["x"]}, "data": [{"a": 1}], "more": {"rows": [{"b": 2}, 5]}, "end": [1, 2]}
    )
    assert [(table.part, table.header) for table in found] == [("data", ("a",)), ("more.rows", ("b",))]
    assert [type(one) is Broken for _, one in found[1].records] == [False, True]


def test_one_object_is_one_row(document: Document) -> None:
    for text in ('{"a": 1, "b": {"c": 2}}', '{\n"a": 1,\n"b": {"c": 2}\n}\n'):
        (table,) = document(text)
        assert (table.header, cells(table)) == (("a", "b.c"), {2: ["1", "2"]})


VISITS = [
    {
        "idVisit": 1,
        "visitorId": "v1",
        "actionDetails": [
            {"type": "action", "timestamp": 1767603600, "url": "/"},
            {"type": "goal", "timestamp": 1767603660},
        ],
    },
    {"idVisit": 2, "visitorId": "v2", "actionDetails": []},
    {"idVisit": 3, "visitorId": "v3", "actionDetails": [{"type": "action", "timestamp": 1767603700}]},
]


def test_the_actions_of_visits_are_a_table_too(document: Document) -> None:
    visits, actions = document(VISITS)
    assert len(cells(visits)) == 3 and visits.header == ("idVisit", "visitorId", "actionDetails")
    assert actions.part == "actionDetails"
    assert actions.header == (
        "idVisit",
        "visitorId",
        "actionDetails.type",
        "actionDetails.timestamp",
        "actionDetails.url",
    )
    assert cells(actions) == {
        2: ["1", "v1", "action", "1767603600", "/"],
        3: ["1", "v1", "goal", "1767603660", ""],
        4: ["3", "v3", "action", "1767603700", ""],
    }
    assert "1 record has no entry in actionDetails" in said(actions)


def test_the_parts_of_conversations_are_a_table_too(document: Document) -> None:
    parts = {
        "type": "list",
        "conversation_parts": [{"part_type": "comment", "created_at": 1767603600, "author": {"id": "9"}}],
    }
    conversations, found = document({"conversations": [{"id": "c1", "conversation_parts": parts}]})
    assert found.part == "conversations: conversation_parts.conversation_parts"
    assert cells(found)[2] == ["c1", "list", "comment", "1767603600", "9"] or cells(found)[2] == [
        "c1",
        "comment",
        "1767603600",
        "9",
    ]


def test_pairs_of_names_and_values_are_columns(document: Document) -> None:
    params = [
        {"key": "page", "value": {"string_value": "/a", "int_value": None}},
        {"key": "n", "value": {"int_value": 3}},
    ]
    (table,) = document([{"event_name": "view", "event_params": params}, {"event_params": [{"key": "n", "value": 4}]}])
    assert (table.header, cells(table)) == (
        ("event_name", "event_params.page", "event_params.n"),
        {2: ["view", "/a", "3"], 3: ["", "", "4"]},
    )


def test_a_name_with_a_dot_does_not_hide_a_nested_one(document: Document) -> None:
    (table,) = document([{"a.b": 1, "a": {"b": 2}}])
    assert cells(table)[2] == ["1", "2"] and len(set(table.header)) == 2


def test_columns_beyond_the_limit_are_told_by_name(document: Document) -> None:
    (table,) = document(
        [
            {"id": 1, **{f"n{i}": 1 for i in range(400)}},
            {"id": 2, **{f"m{i}": 1 for i in range(300)}},
            {"id": 3, "m299": 1},
        ]
    )
    assert len(table.header) == 500 and {"id", "m299"} <= set(table.header)
    assert "201 names of values" in said(table)
    assert all(len(row) == 500 for row in cells(table).values())


def test_values_that_name_themselves_are_refused(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_values, "MAX_NAMES", 1000)
    with pytest.raises(FileProblem, match="more than 1,000 different names"):
        document("\n".join(json.dumps({f"u{i}": 1}) for i in range(2000)))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[]", "without a list of objects"),
        ("{}\n", "without a list of objects"),
        ("[1, 2]", "no object with named values"),
        ('[{"a": 1},', "breaks off or is wrong at its end"),
        ('[{"a": 1} {"a": 2}]', "wrong at"),
        ('[{"a": 1}] x', "wrong at x"),
        ('{"data": [{"a": 1}', "breaks off"),
        ("[" * 200_000, "nested too deep"),
        ('{"a":' * 200_000, "nested too deep"),
        ('[{"a": 1}]'.encode("utf-16")[:-1], "not text in the encoding"),
        (gzip.compress(b'[{"a": 1}]')[:-6], "damaged gzip"),
        ('[{"a": "' + "x" * (17 * 1024**2) + '"}]', "longer than 16 MB"),
        ('{"a": 1}\n{"a": "' + "x" * (17 * 1024**2) + '"}\n', "longer than 16 MB"),
    ],
    ids=range(13),
)
def test_what_holds_no_table_is_refused_in_words(document: Document, content: str | bytes, says: str) -> None:
    with pytest.raises(FileProblem, match=re.escape(says)) as refused:
        for table in document(content):
            list(table.records)
    assert "export.json" in str(refused.value) and len(str(refused.value)) < 300


def test_the_size_after_unpacking_is_limited(document: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_INFLATED", 100_000)
    for record in ('{"a": 1}\n', '{"a": 1},'):
        with pytest.raises(FileProblem, match="when unpacked"):
            document(gzip.compress(("[" * (record[-1] == ",") + record * 30_000).encode()))


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=4))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=200)
@given(
    records=st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=4), min_size=1, max_size=6),
    piece=st.integers(1, 40),
)
def test_lines_and_lists_say_the_same(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]], piece: int
) -> None:
    """One object a line or all in a list, read in pieces of any size: the same cells; and each plain value is among them."""
    folder = tmp_path_factory.mktemp("json")
    (folder / "lines").write_text("\n".join(map(json.dumps, [*records, {"z": 0}])))
    (folder / "list").write_text(json.dumps([*records, {"z": 0}], indent=1))
    lines = tables(folder / "lines", "f")[0]
    before, documents.PIECE = documents.PIECE, piece
    try:
        whole = tables(folder / "list", "f")[0]
        assert whole.header == lines.header
        found = list(whole.records)
    finally:
        documents.PIECE = before
    assert found == list(lines.records) and len(found) == len(records) + 1
    for record, (_, row) in zip(records, found, strict=False):
        texts = {value for value in record.values() if isinstance(value, str)}
        texts |= {str(value) for value in record.values() if type(value) is int}
        assert texts <= set(row)


DATA = os.environ.get("TOUCHLINE_TEST_DATA")


@pytest.mark.skipif(not DATA, reason="TOUCHLINE_TEST_DATA is not set")
def test_the_tables_of_csv_spectrum() -> None:
    folder = Path(DATA or "") / "dirty_csv" / "csv-spectrum" / "expected_json"
    for path in sorted(folder.glob("*.json")):
        expected = json.loads(path.read_text())
        (table,) = tables(path, path.name)
        got = [dict(zip(table.header, row, strict=True)) for row in cells(table).values()]
        assert got == (expected if isinstance(expected, list) else [expected]), path.name
