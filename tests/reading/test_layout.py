"""What stands around the tables of a text file: each layout in a small file written here, after what the tools write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_metrics.errors import FileProblem
from cx_metrics.reading.dialect import find_dialect
from cx_metrics.reading.found import BROKEN, Broken, FoundTable
from cx_metrics.reading.layout import find_layout
from cx_metrics.reading.text_tables import text_tables

Find = Callable[..., list[FoundTable] | None]


@pytest.fixture
def find(tmp_path: Path) -> Find:
    def found(content: str | bytes, **said: str) -> list[FoundTable] | None:
        path = tmp_path / "file"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return text_tables(path, "export.csv", **said)

    return found


def one(tables: list[FoundTable] | None) -> tuple[FoundTable, list[tuple[int, list[str] | str]]]:
    """The only table, and its records with the code of what is broken in the place of the cells."""
    assert tables is not None and len(tables) == 1
    return tables[0], records(tables[0])


def records(table: FoundTable) -> list[tuple[int, list[str] | str]]:
    return [(row, cells.code if isinstance(cells, Broken) else cells) for row, cells in table.records]


def told(table: FoundTable) -> str:
    return "\n".join(map(str, table.told))


@pytest.mark.parametrize(
    "content",
    [
        "id,event\na,1\nb,2\n",
        "sep=;\nid;event\na;1\n",
        "\n\nid,event\na,1\n\n\nb,2\n",  # blank lines are rows, but part nothing
        "id,event\na,1\nb\nc,1,2\nd,3\n",  # ragged rows are reported by whoever reads
        'id,note\na,"two\n\nlines"\nb,x\n',
        "comment\ngood\nbad, really\n",
        "#,What is your name?\n1,Anna\n2,Ben\n",  # a tool that calls its first column so
        "id;amount\na;1,5\nb;2,5\n",
        "country,2023,2024\nFR,5,6\nDE,7,8\n",  # years are names
        "name,city\nAnna,Rome\nBen,Oslo\n",
        "id,n\n",  # refused by who reads it
        "a,b\n,\nc,d\n",  # blank cells
    ],
)
def test_a_plain_table_is_left_as_it_is(find: Find, content: str) -> None:
    assert find(content) is None


def test_lines_before_the_header_are_told_and_rows_count_as_in_the_file(find: Find) -> None:
    table, rows = one(find(
        "Data Export Generated on,May 2026\nSurvey ID,77\n\nResponse ID,Time,Q1\n1,2026-05-01,9\n2,2026-05-02,4\n"
    ))  # fmt: skip
    assert table.header == ("Response ID", "Time", "Q1")
    assert rows == [(5, ["1", "2026-05-01", "9"]), (6, ["2", "2026-05-02", "4"])]
    assert "header is in row 4; 2 lines before it" in told(table)
    assert table.notes == ("Data Export Generated on, May 2026", "Survey ID, 77")


def test_a_title_padded_with_blank_cells_is_no_header(find: Find) -> None:
    table, rows = one(find("Visits,,\n,,\nday,page,n\n2026-01-01,Home,3\n2026-01-02,Cart,5\n"))
    assert (table.header, len(rows), rows[0][0]) == (("day", "page", "n"), 2, 4)


COMMENTS = "# ---------\n# Traffic acquisition\n# Account: Shop\n# ---------\n#\n# Start date: 20260501\n# End date: 20260531\n"


def test_comment_lines_before_the_header(find: Find) -> None:
    table, rows = one(find(COMMENTS + 'Channel,Sessions\nDirect,"1,025"\nEmail,17\n'))
    assert table.header == ("Channel", "Sessions")
    assert rows == [(9, ["Direct", "1,025"]), (10, ["Email", "17"])]
    assert table.notes == ("Traffic acquisition", "Account: Shop", "Start date: 20260501", "End date: 20260531")
    assert table.part == ""


def test_a_header_that_is_a_comment_itself(find: Find) -> None:
    table, rows = one(find("# made by a script\n#id,score\n7,3\n8,4\n"))
    assert table.header == ("id", "score")
    assert [cells for _row, cells in rows] == [["7", "3"], ["8", "4"]]


def test_several_tables_with_titles_and_empty_ones(find: Find) -> None:
    tables = find(
        COMMENTS
        + "Nth day,Users\n0000,1\n0001,4\n\n# Where do they come from?\n# Start date: 20260501\nChannel,New users\n"
        "Social,3\n\n# Start date: 20260501\nChannel,Sessions\nSocial,7\n\n# What are your conversions?\nEvent,Conversions\n\n\n"
        "# Start date: 20260501\nItem,Sold\n"
    )
    assert tables is not None
    assert [(t.part, t.header, records(t)) for t in tables] == [
        ("Traffic acquisition", ("Nth day", "Users"), [(9, ["0000", "1"]), (10, ["0001", "4"])]),
        ("Where do they come from?", ("Channel", "New users"), [(15, ["Social", "3"])]),
        ("Channel, Sessions", ("Channel", "Sessions"), [(19, ["Social", "7"])]),
    ]
    assert "holds 3 tables" in told(tables[0])
    assert '"What are your conversions?", "Item, Sold"' in told(tables[0])


def test_only_empty_tables_are_refused_by_name(find: Find) -> None:
    with pytest.raises(FileProblem, match='2 tables with a header but no rows: "First", "Second"'):
        find("# First\na,b\n\n# Second\nc,d\n")


def test_tables_of_two_widths_with_plain_titles(find: Find) -> None:
    tables = find("Visits\ndate,visits\n2026-01-01,5\n2026-01-02,6\n\nPages\npage,hits,time\n/a,3,0:10\n/b,4,0:20\n")
    assert tables is not None
    assert [(t.part, t.header, len(records(t))) for t in tables] == [
        ("Visits", ("date", "visits"), 2),
        ("Pages", ("page", "hits", "time"), 2),
    ]


def test_a_wider_table_right_below_another(find: Find) -> None:
    tables = find("id,n\na,1\nb,2\nc,3\nid,n,m\na,1,7\nb,2,8\nc,3,9\n")
    assert tables is not None
    assert [(t.header, [row for row, _ in records(t)]) for t in tables] == [
        (("id", "n"), [2, 3, 4]),
        (("id", "n", "m"), [6, 7, 8]),
    ]


def test_titles_that_are_the_same_are_numbered(find: Find) -> None:
    tables = find("# Sales\na,b\nx,1\n\n# Sales\na,b\ny,2\n")
    assert tables is not None and [t.part for t in tables] == ["Sales", "Sales (2)"]


def test_totals_and_notes_are_reported_and_no_records(find: Find) -> None:
    table, rows = one(find("page,visits\nTotal,11\nHome,5\nCart,6\n\nGrand total,11\n\nReport made in May\n"))
    assert rows == [(2, "total"), (3, ["Home", "5"]), (4, ["Cart", "6"]), (6, "total"), (8, "note")]
    assert "3 rows are totals, notes" in told(table)
    assert all(code in BROKEN for _row, code in rows if isinstance(code, str))


@pytest.mark.parametrize("word", ["Grand Total", "Итого и средние", "المجموع", "جمع کل", "Gesamt:"])
def test_the_last_row_may_be_a_total(find: Find, word: str) -> None:
    _table, rows = one(find(f"page,visits,time\nHome,5,0:10\nCart,6,0:20\n{word},11,0:15\n"))
    assert [row for row, cells in rows if cells == "total"] == [4]


def test_a_page_called_total_without_numbers_is_a_record(find: Find) -> None:
    assert find("page,name\nHome,a\nTotal,b\n") is None


def test_three_rows_of_names_with_import_marks(find: Find) -> None:
    table, rows = one(find(
        "StartDate,Finished,Q1,Q2_1\nStart Date,Finished,How likely are you to recommend us?,Why?\n"
        '"{""ImportId"":""startDate""}","{""ImportId"":""finished""}","{""ImportId"":""QID1""}","{""ImportId"": ""QID2""}"\n'
        "2026-05-01 10:00,1,9,Fast\n2026-05-02 10:00,1,3,Slow\n"
    ))  # fmt: skip
    assert table.header == ("StartDate", "Finished", "Q1 · How likely are you to recommend us?", "Q2_1 · Why?")
    assert table.questions[table.header[2]] == "How likely are you to recommend us?"
    assert [row for row, _cells in rows] == [4, 5]


def test_the_older_form_with_two_rows_of_names(find: Find) -> None:
    table, rows = one(find("V1,V2,V3,Q1,\nResponseID,Name,Status,How was it?,\nR_1,Anna,0,5,\nR_2,Ben,0,4,\n"))
    assert table.header == ("ResponseID", "Name", "Status", "Q1 · How was it?", "")
    assert (table.questions, len(rows)) == ({"Q1 · How was it?": "How was it?"}, 2)


def test_options_under_a_question(find: Find) -> None:
    table, rows = one(find(
        "Respondent ID,Date,Which have you seen?,,,How likely?,Anything else?\n"
        ",,Film A,Film B,Film C,Response,Open-Ended Response\n"
        "100,05/13/2025,Film A,,Film C,9,no\n101,05/14/2025,,Film B,,10,\n"
    ))  # fmt: skip
    assert table.header == (
        "Respondent ID", "Date", "Which have you seen? · Film A", "Which have you seen? · Film B", "Which have you seen? · Film C",
        "How likely?", "Anything else?",
    )  # fmt: skip
    assert [row for row, _cells in rows] == [3, 4]
    assert "stand in 2 rows" in told(table)


def test_groups_over_names_end_where_the_others_end(find: Find) -> None:
    table, _rows = one(
        find(",,East,,West,,South,,,\nTeam,All,m,f,m,f,m,f,x,y\nA,9,1,2,3,4,5,6,7,8\nB,8,1,2,3,4,5,6,7,8\n")
    )
    assert table.header == (
        "Team",
        "All",
        "East · m",
        "East · f",
        "West · m",
        "West · f",
        "South · m",
        "South · f",
        "x",
        "y",
    )


def test_codes_over_whole_questions(find: Find) -> None:
    table, rows = one(find("id,Q01,Q02\nResponse number,How satisfied are you?,Would you come back?\n1,5,4\n2,3,2\n"))
    assert table.header == ("id · Response number", "Q01 · How satisfied are you?", "Q02 · Would you come back?")
    assert table.questions["Q02 · Would you come back?"] == "Would you come back?"
    assert len(rows) == 2


def test_a_header_that_stands_again(find: Find) -> None:
    table, rows = one(find("id,n\nid,n\na,1\nid,n\nb,2\n"))
    assert rows == [(3, ["a", "1"]), (4, "header"), (5, ["b", "2"])]
    assert "2 times" in told(table)


def test_a_missing_header_is_told_and_no_row_is_lost(find: Find) -> None:
    table, rows = one(find("c1,2026-01-05 10:00,visit\nc2,2026-01-06 11:00,buy\n"))
    assert table.header == ("column_1", "column_2", "column_3")
    assert rows == [(2, ["c1", "2026-01-05 10:00", "visit"]), (3, ["c2", "2026-01-06 11:00", "buy"])]
    assert "no header" in told(table) and "rows count one more" in told(table)


def test_a_header_of_another_width_gives_no_names(find: Find) -> None:
    table, rows = one(find("id,date,first name,last name\na,2026-01-01,Anna\nb,2026-01-02,Ben\n"))
    assert table.header == ("column_1", "column_2", "column_3")
    assert "holds 4 names, but the rows below it have 3 cells" in told(table)
    assert [row for row, _cells in rows] == [2, 3]


def test_numbered_rows_without_a_name(find: Find) -> None:
    table, rows = one(find("page,visits\n1,Home,5\n2,Cart,6\n"))
    assert table.header == ("", "page", "visits")
    assert "first column has no name" in told(table)
    assert rows[0] == (2, ["1", "Home", "5"])
    pandas, _rows = one(find(",page,visits\n0,Home,5\n1,Cart,6\n"))
    assert pandas.header == ("", "page", "visits") and "first column has no name" in told(pandas)


def test_a_delimiter_at_the_end_of_each_row(find: Find) -> None:
    table, rows = one(find("page,visits\nHome,5,\nCart,6,\n"))
    assert (table.header, len(rows)) == (("page", "visits", ""), 2)
    assert "last column has no name" in told(table)


def test_twin_and_blank_names_are_handed_on(find: Find) -> None:
    table, _rows = one(find("id,score,Score,\na,1,2,x\nb,3,4,y\n"))
    assert table.header == ("id", "score", "Score", "")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("id, name, n\n1, \"Doe, Jane\", 2\n3, \"Roe, John\", 4\n", "space stands after"),
        ("id,name,n\n1,'Doe, Jane',2\n3,'Roe''s, it''s John',4\n4,'x','y'\n", "single quotation"),
        ('id,name,n\n1,"Doe \\"J\\", Jane",2\n3,Roe,4\n5,Poe,6\n', "backslash"),
        ("id,name,n\n1,Doe\\, Jane,2\n3,Roe,4\n5,Poe,6\n", "backslash"),
    ],
)  # fmt: skip
def test_other_quotation_is_read_and_told(find: Find, content: str, says: str) -> None:
    table, rows = one(find(content))
    assert table.header == ("id", "name", "n")
    assert says in told(table)
    assert rows[0][1] in (["1", "Doe, Jane", "2"], ["1", 'Doe "J", Jane', "2"])
    assert len(rows) == content.count("\n") - 1


def test_apostrophes_in_words_are_no_quotation_marks(find: Find) -> None:
    assert find("id,say\n1,don't\n2,it's 'fine'\n3,'tis\n") is None
    _table, rows = one(find("id,name,n\n1,'Kid's shoes, red',2\n3,'Men's hat',4\n5,'x','y'\n"))
    assert rows[0][1] == ["1", "Kid's shoes, red", "2"]


def test_a_rare_delimiter_needs_every_row(find: Find) -> None:
    assert find("id^name^n\n1^Ann^2\n2^Bo^3\n3^Cy^4\n") is None  # plain, and open_raw finds the same
    table, rows = one(find("Notes from the till\n\nid:name:n\n1:Ann:2\n2:Bo:3\n3:Cy:4\n"))
    assert (table.header, len(rows)) == (("id", "name", "n"), 3)
    assert "parted by this sign: colon" in told(table)
    assert find("comment\nthe food was good\nthe staff was kind\n") is None


def test_rows_that_are_damaged_or_broken_are_reported(find: Find) -> None:
    good = b"".join(b"%d,visit\n" % n for n in range(200))
    _table, rows = one(
        find(b"Report\n\nid,event\n" + good + b"x\xff,buy\n" + b'y,"buy\n' + b"z," + b"x" * 40_000 + b"\n")
    )
    assert rows[-3:] == [(204, "damaged"), (205, "quotation"), (206, "long")]
    assert len(rows) == 203


def test_the_encoding_is_told(find: Find) -> None:
    table, rows = one(find("Отчёт за май\n\nИмя;Оценка\nАнна;5\nПётр;4\n".encode("cp1251")))
    assert (table.header, rows[0]) == (("Имя", "Оценка"), (4, ["Анна", "5"]))
    assert "Windows-1251" in told(table)
    chosen, _rows = one(find("Bericht\n\nname,n\nJ\xfcrgen,1\n".encode("latin-1"), encoding="cp1251"))
    assert "Windows-1251 was chosen" in told(chosen)


def test_of_a_large_file_the_beginning_decides(find: Find, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cx_metrics.reading.text_tables.SMALL", 20_000)
    monkeypatch.setattr("cx_metrics.reading.text_tables.SAMPLE", 4_000)
    body = "".join(f"c{n},page {n}\n" for n in range(5_000))
    assert find("id,page\n" + body) is None
    table, rows = one(find("Events of May\n\nid,page\n" + body + "\nTotal,5000\n"))
    assert table.header == ("id", "page")
    assert (rows[0], rows[-2:]) == ((4, ["c0", "page 0"]), [(5003, ["c4999", "page 4999"]), (5005, ["Total", "5000"])])


@pytest.mark.parametrize(
    "content", ['"id,n\n1,2\n3,4\n', "a,b\n" + "1," * 600 + "1\n", "x," * 600 + "x\n" + "1," * 600 + "1\n"]
)
def test_what_cannot_be_read_is_left_to_the_message_of_opening(find: Find, content: str) -> None:
    assert find(content) is None


LINES = st.lists(
    st.sampled_from(
        ["id,n,m", "a,1,x", "b,2,y", "c,3", "", ",,", "# note", "Title", "Total,3,", "2026-01-01,5,z", '"q', "7,8,9,10"]
    ),
    max_size=14,
)


@settings(deadline=None, max_examples=400)
@given(lines=LINES)
def test_every_line_is_a_record_once_or_told(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    """Lines in = records handed on + rows of headers + lines told as standing before a table, where no table is empty."""
    path = tmp_path_factory.mktemp("sum") / "file"
    path.write_bytes("".join(line + "\n" for line in lines).encode())
    try:
        tables = text_tables(path, "f.csv")
    except FileProblem as refused:
        assert "f.csv" in str(refused)
        return
    if tables is None:  # counted in test_files.py
        return
    layout = find_layout([line + "\n" for line in lines], find_dialect([line + "\n" for line in lines]), True)
    assert layout is not None and len(layout.tables) == len(tables)
    rows = [[row for row, _cells in records(table)] for table in tables]
    assert all(numbers == sorted(set(numbers)) for numbers in rows)
    if not layout.empty:
        handed_on = sum(len(numbers) - blank(table) for numbers, table in zip(rows, find_again(path), strict=True))
        headers = sum(table.header.rows + table.before for table in layout.tables)
        assert handed_on + headers == sum(bool(line.strip(",")) for line in lines)


def find_again(path: Path) -> list[FoundTable]:
    return text_tables(path, "f.csv") or []


def blank(table: FoundTable) -> int:
    """How many records have blank cells alone: they are handed on where they stand within a table."""
    return sum(isinstance(cells, list) and not any(cells) for _row, cells in table.records)
