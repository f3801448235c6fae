"""Bytes → raw table: what is refused, how a file is read, and that no row is lost."""

from __future__ import annotations

import csv
import gzip
import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_metrics.errors import FileProblem
from cx_metrics.reading import batches, files, open_raw, read_batches, scan
from cx_metrics.reading.records import MAX_CELL, plain_columns, records
from cx_metrics.reading.report import RowProblem

from .conftest import Upload

TABLE = "customer_id,event,timestamp\na,visit,2026-01-01\nb,buy,2026-01-02\n"
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(100)


def rows_of(raw: files.RawFile) -> tuple[list[tuple[str, ...]], list[int], list[RowProblem]]:
    cells: list[tuple[str, ...]] = []
    numbers: list[int] = []
    problems: list[RowProblem] = []
    for batch, rows, found in read_batches(raw):
        cells.extend(zip(*(column.to_pylist() for column in batch.columns), strict=True))
        numbers.extend(rows.tolist())
        problems.extend(found)
    return cells, numbers, problems


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found_in_the_content(upload: Upload, delimiter: str) -> None:
    raw = upload(
        f"id{delimiter}note{delimiter}n\n1{delimiter}x, y; z{delimiter}2\n".replace("x, y; z", '"x, y; z | w"')
    )
    assert raw.delimiter == delimiter
    assert rows_of(raw)[0] == [("1", "x, y; z | w", "2")]


def test_decimal_commas_do_not_make_a_semicolon_file_a_comma_file(upload: Upload) -> None:
    raw = upload("kunde;wert\na;1,5\nb;2,5\nc;3,5\n")
    assert raw.delimiter == ";"
    assert rows_of(raw)[0] == [("a", "1,5"), ("b", "2,5"), ("c", "3,5")]


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;", "sep=^"])
def test_sep_line_is_honoured_and_is_no_row(upload: Upload, line: str) -> None:
    sign = line.strip('"')[-1]
    raw = upload(f"{line}\r\na,b{sign}c\r\n1,2{sign}3\r\n")
    assert raw.header == ("a,b", "c")
    assert rows_of(raw)[:2] == ([("1,2", "3")], [2])


@pytest.mark.parametrize(
    "content",
    [TABLE.encode(), b"\xef\xbb\xbf" + TABLE.encode(), TABLE.encode("utf-16"), b"\xfe\xff" + TABLE.encode("utf-16-be")],
    ids=["utf-8", "byte order mark", "utf-16 little", "utf-16 big"],
)
def test_same_text_in_every_encoding_reads_alike(upload: Upload, content: bytes) -> None:
    for packed in (content, gzip.compress(content)):
        raw = upload(packed)
        assert raw.header == ("customer_id", "event", "timestamp")
        assert rows_of(raw)[0] == [("a", "visit", "2026-01-01"), ("b", "buy", "2026-01-02")]


def test_words_for_nothing_and_long_numbers_stay_text(upload: Upload) -> None:
    words = ["00123", "NA", "null", "None", "nan", "9007199254740993", "1e5", "TRUE", "-"]
    raw = upload("id,n\n" + "".join(f"{word},1\n" for word in words))
    assert [row[0] for row in rows_of(raw)[0]] == words


def test_record_with_quoted_line_breaks_is_one_row(upload: Upload) -> None:
    raw = upload('id,comment\r\n1,"two\r\nlines, ""quoted"""\r\n2,plain\r\n')
    assert rows_of(raw)[:2] == ([("1", 'two\r\nlines, "quoted"'), ("2", "plain")], [2, 3])


def test_blank_lines_are_counted_as_rows_but_are_no_records(upload: Upload) -> None:
    raw = upload("id,n\n\na,1\n   \nb,2\n\n")
    assert rows_of(raw) == ([("a", "1"), ("b", "2")], [3, 5], [])


def test_ragged_rows_are_set_aside_with_their_row_numbers(upload: Upload) -> None:
    cells, numbers, problems = rows_of(upload("id,n\na,1\nb\nc,1,2\nd,4\n"))
    assert (cells, numbers) == ([("a", "1"), ("d", "4")], [2, 5])
    assert [(p.row, p.found) for p in problems] == [(3, "b"), (4, "c,1,2")]
    assert "header (2)" in str(problems[0].reason)


def test_stray_quotation_mark_costs_one_row(upload: Upload) -> None:
    cells, numbers, problems = rows_of(upload('id,n\na,1\nb,"2\nc,3\nd,"4"\ne,5\n'))
    assert [row[0] for row in cells] == ["a", "c", "d", "e"]
    assert numbers == [2, 4, 5, 6]
    assert [p.row for p in problems] == [3]


def test_quotation_mark_open_until_the_end_costs_one_row(upload: Upload) -> None:
    many = "".join(f"x{i},1\n" for i in range(50_000))  # longer than a cell may be
    cells, _, problems = rows_of(upload('id,n\na,1\nb,"2\n' + many))
    assert len(cells) == 50_001
    assert [p.row for p in problems] == [3]


def test_long_cell_is_a_row_set_aside(upload: Upload) -> None:
    for long in ("x" * (40 * 1024), '"' + "x," * (20 * 1024) + '"', "x" * 200_000):
        cells, _, problems = rows_of(upload(f"id,n\na,{long}\nb,2\n"))
        assert [row[0] for row in cells] == ["b"]
        assert [(p.row, len(p.found) <= 60) for p in problems] == [(2, True)]
        assert f"{MAX_CELL:,}" in str(problems[0].reason)


def test_damaged_row_is_set_aside_and_the_others_are_read(upload: Upload) -> None:
    good = b"".join(b"c%d,visit\n" % i for i in range(300))
    for bad in (b"x\xff,visit\n", b"x\0,visit\n", b"x\x1f,visit\n"):
        cells, _, problems = rows_of(upload(b"id,event\n" + good + bad + good))
        assert len(cells) == 600
        assert [p.row for p in problems] == [302]


def refusal(upload: Upload, content: str | bytes) -> str:
    with pytest.raises(FileProblem) as refused:
        upload(content, "upload.csv")
    return str(refused.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"\r\n\n  \n", "empty"),
        (b"id,n\n", "no rows"),
        (b"id,n\n\n \n", "no rows"),
        (PNG, "PNG picture"),
        (b"\xff\xd8\xff\xe0" + bytes(50), "JPEG picture"),
        (b"%PDF-1.7\n1 0 obj\n", "PDF"),
        (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml", "Excel workbook"),
        (b"PK\x03\x04" + bytes(26) + b"other.txt", "ZIP archive"),
        (b"PAR1" + bytes(40), "Parquet"),
        (pickle.dumps({"id": [1, 2]}), "pickle"),
        (gzip.compress(gzip.compress(TABLE.encode())), "gzip archive inside"),
        (gzip.compress(PNG), "PNG picture"),
        (b"<!DOCTYPE html>\n<html><title>Log in</title>", "web page"),
        (b"\n <HTML><body>Log in</body></html>", "web page"),
        (b'{"id": 1}', "JSON"),
        (gzip.compress(TABLE.encode() * 50)[:-20], "damaged gzip"),
        ("ชื่อ,คะแนน\nสมชาย,5\n".encode("cp874"), "not UTF-8"),
        ("é,n\n".encode() + b"\xe9,1\n\xe9,2\n", "not UTF-8"),  # two encodings in one file
        (b"a,b\0\0\0\0\0\0\0\0\n1,\0\0\0\0\0\0\0\n", "NUL"),
        (bytes(range(256)) * 40, "not UTF-8"),
        ("id,ID \n1,2\n", "the same but for case"),
        ("id,n,id\n1,2,3\n", "the same but for case"),
        (",".join(f"c{i}" for i in range(2000)) + "\n" + "," * 1999 + "\n", "2,000 columns"),
        ('"id,n\n1,2\n', "no readable header"),
        ("id," + "n" * 40_000 + "\n1,2\n", "column name longer than"),
    ],
)
def test_what_is_no_table_is_refused_by_name(upload: Upload, content: str | bytes, says: str) -> None:
    message = refusal(upload, content)
    assert says in message
    assert "upload.csv" in message


def test_message_about_encoding_names_the_first_line(upload: Upload) -> None:
    assert "first: line 2" in refusal(upload, "id,name\n1,สมชาย\n2,ชื่อ\n".encode("cp874"))


def test_inflated_size_is_bounded(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MAX_INFLATED", 1024**2)
    bomb = gzip.compress(b"id,n\n" + b"a,1\n" * 1_000_000)
    assert "when unpacked" in refusal(upload, bomb)
    plain = upload(b"id,n\n" + b"a,1\n" * 300_000)  # what is not packed is as large as it looks, and is read
    assert plain.path.stat().st_size > scan.MAX_INFLATED


def test_endless_line_is_refused(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MAX_LINE", 1024**2)
    assert "line longer than 1 MB" in refusal(upload, b"id,n\n" + b"x" * 3_000_000)


def test_missing_file_is_a_file_problem(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match="gone.csv could not be read"):
        open_raw(tmp_path / "gone.csv", "gone.csv")


def test_column_without_a_name_is_called_after_its_place(upload: Upload) -> None:
    assert upload(",event, two  words \n1,2,3\n").header == ("column_1", "event", "two words")


def test_hostile_file_name_is_shown_short_and_on_one_line(upload: Upload) -> None:
    with pytest.raises(FileProblem) as refused:
        upload(b"", "../" + "x" * 500 + "\n\x00.csv")
    assert len(str(refused.value)) < 200
    assert "\n" not in str(refused.value)


CELL = st.text(st.sampled_from('ab1;, "\n|\té'), max_size=6)


@settings(deadline=None, max_examples=150)
@given(rows=st.lists(st.lists(CELL, max_size=5), max_size=12), ending=st.sampled_from(["\n", "\r\n"]))
def test_every_written_record_is_loaded_or_set_aside(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], ending: str
) -> None:
    """Rows in = rows loaded + rows set aside, with ragged rows, quotes and line breaks in cells."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=ending)
    writer.writerows([["id", "n", "m"], *rows, ["last", "1", "2"]])
    path = tmp_path_factory.mktemp("sum") / "file"
    path.write_bytes(text.getvalue().encode())
    cells, numbers, problems = rows_of(open_raw(path, "file.csv"))
    written = [row for row in [*rows, ["last", "1", "2"]] if "".join(row).strip() or len(row) > 1]
    assert cells == [tuple(row) for row in written if len(row) == 3]
    assert len(problems) == sum(len(row) != 3 for row in written)
    assert len({*numbers, *(p.row for p in problems)}) == len(written)


@settings(deadline=None, max_examples=200)
@given(lines=st.lists(st.text(st.sampled_from('ab1, "é\ufeff'), max_size=8), min_size=1, max_size=8))
def test_broken_quotes_lose_no_line(lines: list[str]) -> None:
    """Every line is in a record, as broken, or blank: nothing is swallowed and nothing is read twice."""
    block = [line + "\n" for line in lines]
    seen = "".join("".join(cells) for _, cells, _ in records(block, ","))
    assert sorted(c for c in seen if c not in '", \n') == sorted(c for c in "".join(block) if c not in '", \n')


CELLS = st.sampled_from(['"a,b"', '""', '"é"', '"a""b"', 'a"b', '"a"b', "a", "", '"', '"a\n1"', '"a,'])


@settings(deadline=None, max_examples=400)
@given(
    lines=st.lists(
        st.one_of(st.text(st.sampled_from('ab1,é "\r'), max_size=8), st.tuples(CELLS, CELLS).map(",".join)),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_quick_way_says_what_the_careful_way_says(lines: list[str]) -> None:
    block = io.StringIO("".join(line + "\n" for line in lines), newline="").readlines()
    quick = plain_columns("".join(block).encode(), ",", ["x", "y"])
    careful = [cells for _, cells, _ in records(block, ",")]
    if quick is not None:
        assert list(zip(*(c.to_pylist() for c in quick.batch.columns), strict=True)) == [tuple(c) for c in careful if c]
        assert quick.places.tolist() == [place for place, cells in enumerate(careful) if cells]
        assert quick.lines == len(block)


def test_quick_way_takes_cells_in_quotation_marks_that_are_whole() -> None:
    quick = plain_columns(b'"a,b",1\n"","x y"\r\n', ",", ["x", "y"])
    assert quick is not None
    assert quick.batch.to_pydict() == {"x": ["a,b", ""], "y": ["1", "x y"]}
    for broken in (b'"a""b",1\n', b'a"b,1\n', b'"a"b,1\n', b'"a,1\n'):
        assert plain_columns(broken + b"a,b\n", ",", ["x", "y"]) is None


def test_batches_come_in_pieces_with_running_row_numbers(upload: Upload, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "BLOCK", 1000)
    raw = upload("id,n\n" + "".join(f'c{i},"{i}"\n' if i % 700 == 3 else f"c{i},{i}\n" for i in range(5000)))
    found = list(read_batches(raw, 512))
    assert len(found) > 5
    assert np.concatenate([rows for _, rows, _ in found]).tolist() == list(range(2, 5002))
    assert [name for batch, _, _ in found for name in batch["id"].to_pylist()] == [f"c{i}" for i in range(5000)]


@pytest.mark.parametrize(
    ("delimiter", "rows"), [("^", "1^a b^2"), (":", "1:a b:2"), (" ", '1 "a b" 2'), ("~", "1~a b~2")]
)
def test_rare_delimiter_parts_columns_where_every_row_agrees(upload: Upload, delimiter: str, rows: str) -> None:
    raw = upload(delimiter.join(("id", "note", "n")) + "\n" + (rows + "\n") * 4)
    assert (raw.delimiter, rows_of(raw)[0]) == (delimiter, [("1", "a b", "2")] * 4)
    assert upload("note\nthis is good\n12:30 was late, sadly\nfine\n").header == ("note",)


def test_one_column_is_read_whole_whatever_stands_in_it(upload: Upload) -> None:
    raw = upload("comment\ngood\nbad, really\nso; so\n")
    assert rows_of(raw)[0] == [("good",), ("bad, really",), ("so; so",)]
