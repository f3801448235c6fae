"""Workbooks: every value as the cell holds it, every row where it stands, and whatever could not be read told."""

from __future__ import annotations

import datetime as dt
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_metrics.reading.cell_values import DATE, DURATION, MOMENT, NUMBER, TIME, date_text, kind_of_format, number_text
from cx_metrics.reading.found import FoundTable
from cx_metrics.reading.grids import cell_name, column_number
from cx_metrics.reading.workbooks import tables

from .books import Cell, Sheet, ods, ods_cell, ods_row, ods_words, rows, serial, xls, xlsx

NOON = dt.datetime(2026, 1, 5, 12, 0)


def only(path: Path) -> FoundTable:
    (table,) = tables(path, "book.xlsx")
    return table


def read(table: FoundTable) -> dict[int, list[str]]:
    return {row: list(cells) for row, cells in table.records}  # type: ignore[arg-type]


def said(table: FoundTable) -> str:
    return " ".join(map(str, table.told))


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("123", "123"),
        ("123.0", "123"),
        ("0", "0"),
        ("-0", "0"),
        ("-7", "-7"),
        ("0.1", "0.1"),
        ("0.10000000000000001", "0.1"),
        ("9007199254740993", "9007199254740993"),
        ("1.23E+15", "1230000000000000"),
        ("1.2345678901234567E+19", "12345678901234567000"),
        ("1E-7", "0.0000001"),
        ("1E-3", "0.001"),
        ("1.5e300", "15" + "0" * 299),
        ("007", "7"),
        ("not", "not"),
        ("nan", "nan"),
        ("123456789012345.5", "123456789012345.5"),
    ],
)
def test_numbers_are_short_and_exact(written: str, text: str) -> None:
    assert number_text(written) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_its_value(value: float) -> None:
    assert float(number_text(repr(value))) == value
    assert "e" not in number_text(repr(value))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("yyyy\\-mm\\-dd", DATE),
        ("[$-409]d/m/yy;@", DATE),
        ("mmmm", DATE),
        ("dd.mm.yyyy hh:mm", MOMENT),
        ("h:mm AM/PM", TIME),
        ("mm:ss", TIME),
        ("[h]:mm:ss", DURATION),
        ("[mm]:ss", DURATION),
        ('0" days"', NUMBER),
        ("0.00E+00", NUMBER),
        ("[Red]0.0%", NUMBER),
        ("General", NUMBER),
        ("#,##0.00\\ \\y", NUMBER),
        ("_-* #,##0.00_-;_-@_-", NUMBER),
    ],
)
def test_formats_say_which_numbers_are_dates(code: str, kind: str) -> None:
    assert kind_of_format(164, code) == kind


@pytest.mark.parametrize(
    ("number", "kind", "text"),
    [
        ("1", DATE, "1900-01-01"),
        ("59", DATE, "1900-02-28"),
        ("60", DATE, "60"),
        ("61", DATE, "1900-03-01"),
        ("46027", DATE, "2026-01-05"),
        ("46027.5", DATE, "2026-01-05 12:00:00"),
        ("46027", MOMENT, "2026-01-05 00:00:00"),
        ("46027.000011574074", MOMENT, "2026-01-05 00:00:01"),
        ("0.75", TIME, "18:00:00"),
        ("0", TIME, "00:00:00"),
        ("1.5", DURATION, "36:00:00"),
        ("-0.5", DURATION, "-12:00:00"),
        ("2958465", DATE, "9999-12-31"),
        ("2958466.5", DATE, "2958466.5"),
        ("-1", DATE, "-1"),
        ("x", DATE, "x"),
        ("0.00001157986111", TIME, "00:00:01"),
        ("46027.50000579", MOMENT, "2026-01-05 12:00:00.500"),
    ],
)
def test_serial_numbers_become_dates(number: str, kind: str, text: str) -> None:
    # 1900-02-29 (60) never was; the serials of 2026-01-05 and 9999-12-31 are what spreadsheets show for them
    assert date_text(number, kind, from_1904=False) == text


def test_the_calendar_of_1904_begins_at_zero() -> None:
    assert date_text("0", DATE, from_1904=True) == "1904-01-01"
    assert date_text("44565", DATE, from_1904=True) == "2026-01-05"  # 46027 - 1462


def test_places_have_the_names_of_spreadsheets() -> None:
    assert [cell_name(7, column) for column in (0, 25, 26, 701, 702, 16383)] == [
        "A7",
        "Z7",
        "AA7",
        "ZZ7",
        "AAA7",
        "XFD7",
    ]
    assert [column_number(letters) for letters in ("A", "Z", "AA", "ZZ", "AAA", "XFD")] == [0, 25, 26, 701, 702, 16383]


VALUES = rows(
    ["id", "when", "day", "at", "took", "n", "ok", "note"],
    [
        9007199254740993,
        Cell(serial(NOON), style="moment"),
        Cell("46027", style="date"),
        Cell("0.75", style="time"),
        Cell("1.5", style="duration"),
        Cell("1.23E+15"),
        True,
        ' a & <b>\n"c" ',
    ],
    [
        Cell("0123", "str"),
        Cell("2026-01-05T09:30:00", "d"),
        None,
        None,
        None,
        Cell("0.5", style="percent"),
        False,
        "_x000D_ \r é",
    ],
)


@pytest.mark.parametrize("prefix", ["", "x"])
@pytest.mark.parametrize("shared", [True, False])
def test_cells_are_read_as_they_are_held(tmp_path: Path, prefix: str, shared: bool) -> None:
    table = only(xlsx(tmp_path / "b", {"Data": Sheet(VALUES)}, prefix=prefix, shared=shared))
    assert (table.part, table.header, table.header_row) == ("Data", tuple(VALUES[1]), 1)
    assert read(table) == {
        2: [
            "9007199254740993",
            "2026-01-05 12:00:00",
            "2026-01-05",
            "18:00:00",
            "36:00:00",
            "1230000000000000",
            "true",
            ' a & <b>\n"c" ',
        ],
        3: ["0123", "2026-01-05 09:30:00", "", "", "", "0.5", "false", "_x000D_ \r é"],
    }
    assert table.told == []


def test_a_workbook_of_1904(tmp_path: Path) -> None:
    sheet = Sheet(rows(["when"], [Cell(serial(NOON, from_1904=True), style="moment")]))
    assert read(only(xlsx(tmp_path / "b", {"S": sheet}, from_1904=True))) == {2: ["2026-01-05 12:00:00"]}


def test_rich_texts_are_joined_and_their_sounds_left_out(tmp_path: Path) -> None:
    path = xlsx(tmp_path / "b", {"S": Sheet(rows(["a"], [Cell("1", "s")]))})
    strings = "<sst><si><t>a</t></si><si><r><t>東</t></r><r><t xml:space='preserve'>京 x</t></r><rPh><t>トウ</t></rPh></si></sst>"
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as book:
        for name, content in parts.items():
            book.writestr(name, strings if name == "xl/sharedStrings.xml" else content)
    assert read(only(path)) == {2: ["東京 x"]}


def test_titles_and_blank_edges_stand_around_the_table(tmp_path: Path) -> None:
    sheet = Sheet(
        {
            1: [None, "Visits of March"],
            2: [None, "made by", "me"],
            5: [None, None, "id", "day", "n"],
            6: [None, None, "a", Cell("46027", style="date"), 1],
            8: [None, None, "b", None, 2],
            9: [None, None, "Total", None, 3],
        }
    )
    table = only(xlsx(tmp_path / "b", {"S": sheet}))
    assert table.header_row == 5
    assert table.header == ("", "id", "day", "n")  # the title stands in column B
    assert read(table) == {6: ["", "a", "2026-01-05", "1"], 8: ["", "b", "", "2"], 9: ["", "Total", "", "3"]}
    assert "row 5; 2 lines of notes" in said(table)


def test_a_value_left_of_the_table_is_told(tmp_path: Path) -> None:
    sheet = Sheet(
        {3: [None, "id", "n"], **{row: [None, f"c{row}", row] for row in range(4, 150)}, 150: ["see", "x", 1]}
    )
    table = only(xlsx(tmp_path / "b", {"S": sheet}))
    found = read(table)
    assert table.header == ("id", "n") and found[150] == ["x", "1"]
    assert "1 cell with a value stands outside of the table and was not read (A150)" in said(table)


def test_errors_and_formulas_without_values_are_told_with_their_first_place(tmp_path: Path) -> None:
    sheet = Sheet(
        rows(
            ["id", "n"],
            ["a", Cell("#REF!", "e")],
            ["b", Cell("3", formula="1+2")],
            ["c", Cell(None, formula="NOW()")],
            ["d", Cell("#N/A", "e", formula="NA()")],
            ["e", Cell("", "str", formula='""')],
            ["f", Cell("", formula="SUM(A1)")],
        )
    )
    for prefix in ("", "x"):
        table = only(xlsx(tmp_path / "b", {"S": sheet}, prefix=prefix))
        assert read(table) == {2: ["a", ""], 3: ["b", "3"], 4: ["c", ""], 5: ["d", ""], 6: ["e", ""], 7: ["f", ""]}
        assert "2 cells hold an error such as #N/A and were read as blank (first: B2)" in said(table)
        assert "2 formulas have no computed value and were read as blank (first: B4)" in said(table)


def test_hidden_sheets_and_rows_are_read_and_told(tmp_path: Path) -> None:
    sheets = {
        "Seen": Sheet(rows(["a"], ["1"], ["2"], ["3"]), hidden_rows=(3, 4)),
        "Not": Sheet(rows(["a"], ["1"]), state="veryHidden"),
        "Blank": Sheet({}),
        "Picture": Sheet({}, kind="chartsheet"),
    }
    seen, hidden = tables(xlsx(tmp_path / "b", sheets), "b.xlsx")
    assert len(read(seen)) == 3 and (seen.part, hidden.part) == ("Seen", "Not")
    assert "2 rows are hidden in the sheet and were read too (first: 3:3)" in said(seen)
    assert "hidden in the workbook" in said(hidden)


def test_names_of_merged_cells_reach_their_columns(tmp_path: Path) -> None:
    sheet = Sheet(
        rows(["day", "visits", None, "orders", None], [None, "web", "app", "web", "app"], ["5 May", 1, 2, 3, 4]),
        merged=("A1:A2", "B1:C1", "D1:E1"),
    )
    table = only(xlsx(tmp_path / "b", {"S": sheet}))
    assert table.header == ("day", "visits web", "visits app", "orders web", "orders app")
    assert read(table) == {3: ["5 May", "1", "2", "3", "4"]}
    assert "Row 1 names groups of columns" in said(table)


def test_a_merged_title_is_no_group(tmp_path: Path) -> None:
    sheet = Sheet(rows(["All visits", None, None], ["day", "web", "app"], ["5 May", 1, 2]), merged=("A1:C1",))
    assert only(xlsx(tmp_path / "b", {"S": sheet})).header == ("day", "web", "app")


def test_a_marked_table_says_where_its_header_is(tmp_path: Path) -> None:
    sheet = Sheet(
        rows(["x", "y", "z"], ["a", "b", "c"], [None, "id", "n"], [None, "1", "2"]), tables={"Visits": "B3:C4"}
    )
    table = only(xlsx(tmp_path / "b", {"S": sheet}))
    assert (table.header_row, table.header) == (3, ("", "id", "n"))
    assert "table called Visits is marked" in said(table)


def test_several_marked_tables_are_tables_of_their_own(tmp_path: Path) -> None:
    sheet = Sheet(
        rows(["id", "n", None, "key", "v"], ["a", 1, None, "k", 5], ["b", 2, "note"], [None, None, None, "late", 6]),
        tables={"One": "A1:B3", "Two": "D1:E2"},
    )
    one, two = tables(xlsx(tmp_path / "b", {"S": sheet}), "b.xlsx")
    assert (one.part, one.header, read(one)) == ("S: One", ("id", "n"), {2: ["a", "1"], 3: ["b", "2"]})
    assert (two.part, two.header, read(two)) == ("S: Two", ("key", "v"), {2: ["k", "5"]})
    assert "3 cells with a value stand outside of the table and were not read (first: C3)" in said(one)


def test_a_header_with_missing_names_and_one_of_numbers(tmp_path: Path) -> None:
    sparse = Sheet(rows(["id", "name"], [1, "a", 2, 3, 4], [2, "b", 2, 3, 4]))
    assert only(xlsx(tmp_path / "b", {"S": sparse})).header == ("id", "name", "", "", "")
    numbers = only(xlsx(tmp_path / "c", {"S": Sheet(rows([2024, 2025], [1, 2]))}))
    assert numbers.header == ("2024", "2025") and "more numbers than words" in said(numbers)


# other workbooks ----------------------------------------------------------------------------------------------------


def test_an_old_workbook(tmp_path: Path) -> None:
    path = xls(
        tmp_path / "b",
        "Blatt",
        [
            [None, "id", "when", "n", "ok", "e"],
            [None, 9007199254740991, NOON, 1.5, True, "#N/A"],
            [None, None],
            [None, "x", dt.datetime(2026, 1, 6), 123, False, "é"],
        ],
    )
    table = only(path)
    assert (table.part, table.header) == ("Blatt", ("id", "when", "n", "ok", "e"))
    assert read(table) == {
        2: ["9007199254740991", "2026-01-05 12:00:00", "1.5", "true", ""],
        4: ["x", "2026-01-06 00:00:00", "123", "false", "é"],
    }
    assert "a cell with an error reads as blank" in said(table)


def test_an_open_document(tmp_path: Path) -> None:
    calcext = 'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0" calcext:value-type="error"'
    error = ods_cell("string", "<text:p>#N/A</text:p>").replace("<table:table-cell", f"<table:table-cell {calcext}")
    body = (
        ods_row(ods_cell(), number_rows_repeated="2")
        + ods_row(
            ods_cell(),
            ods_words("id"),
            ods_words("a"),
            ods_words("when"),
            ods_words("day"),
            ods_words("took"),
            ods_words("ok"),
            ods_words("n"),
            ods_words("e"),
        )
        + ods_row(
            ods_cell(),
            ods_cell("float", office_value="9007199254740993"),
            ods_words("x<text:s text:c='2'/>y</text:p><text:p>z"),
            ods_cell("date", office_date_value="2026-01-05T09:30:00"),
            ods_cell("date", office_date_value="2026-01-05"),
            ods_cell("time", office_time_value="PT36H30M00S"),
            ods_cell("boolean", office_boolean_value="true"),
            ods_cell("percentage", office_value="1.5E-3"),
            error,
            number_rows_repeated="2",
        )
        + ods_row(
            ods_cell(),
            ods_words("b"),
            ods_cell(table_formula="of:=NOW()"),
            ods_cell(table_number_columns_repeated="16000"),
            visibility="collapse",
        )
        + ods_row(ods_cell(table_number_columns_repeated="16384"), number_rows_repeated="1048000")
    )
    table = only(ods(tmp_path / "b", {"Blatt": body}))
    assert (table.part, table.header_row, table.header) == (
        "Blatt",
        3,
        ("id", "a", "when", "day", "took", "ok", "n", "e"),
    )
    values = ["9007199254740993", "x  y\nz", "2026-01-05 09:30:00", "2026-01-05", "36:30:00", "true", "0.0015", ""]
    assert read(table) == {4: values, 5: values, 6: ["b", *[""] * 7]}
    assert "I4" in said(table) and "1 formula has no computed value" in said(table) and "1 row is hidden" in said(table)


# the two ways of reading a sheet ------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\ufffe\uffff"), max_size=6)
NUMBERS = st.one_of(st.integers(-(10**18), 10**18), st.floats(allow_nan=False, allow_infinity=False))
KINDS = st.one_of(
    st.none(),
    TEXTS,
    NUMBERS,
    st.booleans(),
    st.just(Cell("#N/A", "e")),
    st.just(Cell(None, formula="A1")),
    st.floats(1, 60_000).map(lambda days: Cell(repr(days), style="moment")),
    st.integers(0, 60_000).map(lambda days: Cell(str(days), style="date")),
)


@settings(deadline=None, max_examples=150)
@given(
    cells=st.dictionaries(st.integers(2, 30), st.lists(KINDS, max_size=5), max_size=8),
    shared=st.booleans(),
    hidden=st.sets(st.integers(2, 30)),
)
def test_the_quick_way_says_what_the_parser_says(
    tmp_path_factory: pytest.TempPathFactory, cells: dict[int, list[object]], shared: bool, hidden: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("ways")
    sheet = Sheet({1: ["id", "n"], **dict(sorted(cells.items()))}, hidden_rows=tuple(hidden))
    quick = only(xlsx(folder / "a", {"S": sheet}, shared=shared))
    careful = only(xlsx(folder / "b", {"S": sheet}, shared=shared, prefix="x"))
    assert quick.header == careful.header and read(quick) == read(careful) and said(quick) == said(careful)


DATA = os.environ.get("TOUCHLINE_TEST_DATA")


@pytest.mark.skipif(not DATA, reason="TOUCHLINE_TEST_DATA is not set")
def test_workbooks_of_csvkit() -> None:
    folder = Path(DATA or "") / "dirty_csv" / "csvkit"
    dummy = only(folder / "dummy.xlsx")
    assert (dummy.header, read(dummy)) == (("a", "b", "c"), {2: ["1", "2", "3"]})  # as its twin dummy.csv says
    first, _ = tables(folder / "sheets.xlsx", "sheets.xlsx")
    assert first.part == "data" and first.header[:6] == ("text", "date", "integer", "boolean", "float", "datetime")
    assert read(first)[2][:6] == ["Chicago Reader", "1966-12-31", "40", "true", "1", "1966-12-31 04:14:00"]
    skipped = only(folder / "test_skip_lines.xlsx")
    assert skipped.header_row == 4 and read(skipped)[5][:2] == ["Chicago Reader", "1966-12-31"]
