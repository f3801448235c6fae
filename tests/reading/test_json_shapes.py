"""JSON that holds rows beside the names of their columns, and CSV whose cells hold JSON."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from cx_metrics.reading import PlainTable, default_mapping, open_upload, read_batches, read_touchpoints, recognise
from cx_metrics.reading.records import MAX_COLUMNS

COLUMNS = ["customer_id", "occurred_at", "event", "value"]
ROWS = [["u1", "2026-01-05 09:00", "visit", None], ["u2", "2026-01-06 10:00", "buy", 12.50]]


def opened(folder: Path, text: str, name: str) -> list[PlainTable]:
    (folder / "upload").write_text(text, encoding="utf-8")
    (folder / "made").mkdir()
    return open_upload(folder / "upload", name, folder / "made")


def cells(table: PlainTable) -> list[tuple[str, ...]]:
    return [row for b, _, _ in read_batches(table.raw) for row in zip(*(c.to_pylist() for c in b.columns), strict=True)]


@pytest.mark.parametrize(
    "document",
    [
        {"columns": COLUMNS, "rows": ROWS},
        {"columns": COLUMNS, "index": [0, 1], "data": ROWS},  # split, as pandas writes it
        {"results": ROWS, "columns": COLUMNS, "types": ["String"] * 4, "hasMore": False},  # the names may come later
        {"meta": [{"name": c, "type": "String"} for c in COLUMNS], "data": ROWS, "rows": 2},  # compact, as ClickHouse writes it
        {"answer": {"columns": COLUMNS, "rows": ROWS}},
        [COLUMNS, *ROWS],
    ],
    ids=["rows", "split", "results", "meta", "nested", "list of lists"],
)  # fmt: skip
def test_rows_beside_their_names_are_a_table(tmp_path: Path, document: object) -> None:
    (table,) = opened(tmp_path, json.dumps(document), "log.json")
    assert table.raw.header == tuple(COLUMNS)
    assert cells(table) == [("u1", "2026-01-05 09:00", "visit", ""), ("u2", "2026-01-06 10:00", "buy", "12.5")]
    typed = read_touchpoints(table.raw, default_mapping(table.raw, recognise(table.raw)))
    assert (typed.to_table()["value"].to_pylist(), typed.report.set_aside) == ([None, 12.5], 0)


def test_a_row_of_another_length_is_reported(tmp_path: Path) -> None:
    (table,) = opened(tmp_path, json.dumps({"columns": COLUMNS, "rows": [*ROWS, ["u3"], "none", *ROWS]}), "log.json")
    assert len(cells(table)) == 4
    assert [(p.row, str(p.reason)) for _, _, problems in read_batches(table.raw) for p in problems] == [
        (4, "The entry is no object with named values."),
        (5, "The entry is no object with named values."),
    ]


def test_lists_of_lists_without_names_are_no_table(tmp_path: Path) -> None:
    records = [{"id": "1", "path": [[1, 2], [3, 4]]}, {"id": "2", "path": []}]
    (table,) = opened(tmp_path, json.dumps({"points": [[1, 2], [3, 4]], "records": records}), "log.json")
    assert (table.part, table.raw.header) == ("records", ("id", "path"))


def posthog(rows: list[list[str]]) -> str:
    text = io.StringIO()
    header = ["uuid", "event", "properties", "timestamp", "distinct_id", "$session_id", "person_id"]
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue()


def test_properties_of_posthog_get_columns_of_their_own(tmp_path: Path) -> None:
    """The header is the documented one of a SQL export; `properties` is one JSON cell."""
    first = {
        "$browser": "Chrome",
        "$current_url": "https://shop.example/a,b",
        "price": 12.50,
        "tags": ["a", "b"],
        "deep": {"x": True},
    }
    text = posthog([
        ["1", "$pageview", json.dumps(first), "2026-01-05 09:00:00", "d1", "s1", "p1"],
        ["2", "purchase", json.dumps({"$browser": "Safari", "$new": None}), "2026-01-05 09:10:00", "d1", "s1", "p1"],
        ["3", "purchase", "", "2026-01-06 09:10:00", "d2", "s2", "p2"],
    ])  # fmt: skip
    (table,) = opened(tmp_path, text, "posthog.csv")
    assert table.made
    assert '("properties") hold JSON; their values stand in columns of their own' in str(table.told[0])
    found = recognise(table.raw)
    assert found.preset == "posthog_events"
    mapping = default_mapping(table.raw, found)
    typed = read_touchpoints(table.raw, mapping).to_table()
    assert typed["properties.$browser"].to_pylist() == ["Chrome", "Safari", None]
    assert typed["properties.$current_url"].to_pylist()[0] == "https://shop.example/a,b"
    assert typed["properties.price"].to_pylist()[0] == "12.5" and typed["properties.tags"].to_pylist()[0] == "a|b"
    assert typed["properties.deep.x"].to_pylist()[0] == "true"
    assert typed["customer_id"].to_pylist() == ["p1", "p1", "p2"] and "properties" not in typed.schema.names


def test_personal_properties_are_not_kept(tmp_path: Path) -> None:
    header = "uuid,event,timestamp,distinct_id,properties,person_properties\n"
    row = '1,visit,2026-01-05 09:00,d1,"{""$lib"": ""web""}","{""email"": ""a@example.com""}"\n'
    (table,) = opened(tmp_path, header + row, "posthog.csv")
    found = recognise(table.raw)
    assert found.preset == "posthog_events" and "properties.$lib" in table.raw.header
    assert not [name for name in default_mapping(table.raw, found).headers if name.startswith("person_properties")]


def test_a_cell_that_is_no_object_stays_and_rows_keep_their_numbers(tmp_path: Path) -> None:
    rows = [["1", json.dumps({"a": n})] for n in range(30)] + [
        ["2", "no object"],
        ["3"],
        ["4", json.dumps({"id": "x", "a": 7})],
    ]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["id", "details"], *rows])
    (table,) = opened(tmp_path, text.getvalue(), "log.csv")
    assert table.raw.header == ("id", "details.a", "details", "details.id")
    assert cells(table)[-2:] == [("2", "", "no object", ""), ("4", "7", "", "x")]
    assert [p.row for _, _, problems in read_batches(table.raw) for p in problems] == [33]


def test_more_names_than_columns_are_told(tmp_path: Path) -> None:
    wide = json.dumps({f"k{n}": n for n in range(MAX_COLUMNS + 20)})
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["details", "id"], [wide, "1"], ['{"k500": 1}', "2"]])
    (table,) = opened(tmp_path, text.getvalue(), "log.csv")
    assert len(table.raw.header) == MAX_COLUMNS and {"id", "details.k500"} <= set(table.raw.header)
    assert "21 names of values" in str(table.told[1])


def test_a_table_without_json_is_read_as_it_lies_there(tmp_path: Path) -> None:
    (table,) = opened(tmp_path, 'id,note\n1,"{curly} words"\n2,{}\n', "log.csv")
    assert not table.made and cells(table)[0] == ("1", "{curly} words")
