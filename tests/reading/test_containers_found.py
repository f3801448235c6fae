"""The writer of plain tables: what it writes is read again as it was, at the same rows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_metrics.errors import FileProblem
from cx_metrics.reading import files, open_raw, scan
from cx_metrics.reading.broken import BROKEN
from cx_metrics.reading.found import Broken, FoundTable, Record, Written, usable_header, write_plain
from cx_metrics.reading.records import MAX_CELL, records


def write(folder: Path, header: tuple[str, ...], rows: Iterable[Record], header_row: int = 1) -> tuple[Written, str]:
    path = folder / "plain"
    written = write_plain(FoundTable("", header, iter(rows), [], header_row), path, "book.xlsx")
    assert written.size == path.stat().st_size
    return written, path.read_bytes().decode()


def read(text: str) -> dict[int, list[str]]:
    """The records of a plain file by their numbers."""
    lines = iter(text.splitlines(keepends=True))
    return {row: cells for row, cells, broken in records(list(lines), ",") if cells and broken is None}


def test_rows_keep_their_numbers(tmp_path: Path) -> None:
    written, text = write(
        tmp_path, ("id", "n"), [(4, ["a", "1"]), (5, ["", " "]), (9, ["b", "x\ny"]), (10, ["c", ""])], 3
    )
    assert text == '\n\nid,n\na,1\n\n\n\n\nb,"x\ny"\nc,\n'
    assert (written.rows, written.broken_rows, written.header, written.told) == (3, 0, ("id", "n"), ())


def test_a_record_that_is_none_is_one_marked_line(tmp_path: Path) -> None:
    bad: list[Record] = [(2, ["1", "2"]), (4, Broken("json", '{"a",\n "b')), (5, ["a\0b", "x"]), (6, ["c\x1fd", "x"])]
    written, text = write(
        tmp_path, ("id", "n"), [*bad, (7, ["\ud800", "x"]), (8, ["x" * (MAX_CELL + 1), ""]), (9, ["z", "9"])]
    )
    lines = text.splitlines()
    assert [line.split("\x1f")[1] for line in lines if line.startswith("\x1f!")] == [
        "!json",
        "!control",
        "!control",
        "!damaged",
        "!long",
    ]
    assert lines[3] == "\x1f!json\x1f{'a', 'b"  # in one line, and no quotation mark that could open a cell
    assert (written.rows, written.broken_rows) == (2, 5)
    assert {line.split("\x1f")[1][1:] for line in lines if line.startswith("\x1f!")} <= BROKEN.keys()


def test_a_cell_of_the_longest_length_is_kept(tmp_path: Path) -> None:
    written, text = write(
        tmp_path, ("id", "n"), [(2, ["é" * (MAX_CELL // 2), 'a"b']), (3, ["é" * (MAX_CELL // 2 + 1), ""])]
    )
    assert (written.rows, written.broken_rows) == (1, 1)
    assert read(text)[2] == ["é" * (MAX_CELL // 2), 'a"b']


def test_names_of_columns_are_repaired_and_told() -> None:
    header, told = usable_header(["a", "", "A", " x\0y ", "a (2)", "column_2", "n" * 5000], "f.csv")
    assert header == ("a", "column_2 (2)", "A (3)", "x y", "a (2)", "column_2", "n" * files.MAX_NAME)
    assert [note.count for note in told] == [1, 1, 1]
    assert "column_2 (2)" in str(told[0]) and "A (3)" in str(told[1]) and "4,000" in str(told[2])
    assert usable_header(["sep=;"], "f.csv")[0] == ("column_1",)


def test_a_repaired_header_is_one_the_reader_takes(tmp_path: Path) -> None:
    names = ("", "a", "A ", "\ufeffb", "sep=;", "c\nd", "\ud800")
    written, _ = write(tmp_path, names, [(2, list("1234567"))])
    assert open_raw(tmp_path / "plain", "x").header == written.header


@pytest.mark.parametrize(("columns", "says"), [(0, "no columns"), (501, "501 columns, more than 500")])
def test_too_few_and_too_many_columns_are_refused(columns: int, says: str) -> None:
    with pytest.raises(FileProblem, match=says):
        usable_header([f"c{i}" for i in range(columns)], "f.csv")


def test_limits_of_bytes_and_rows_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "MAX_LINES", 1000)
    with pytest.raises(FileProblem, match="more than 1,000 rows"):
        write(tmp_path, ("a",), ((row, ["x"]) for row in range(2, 5000)))
    with pytest.raises(FileProblem, match="more than 1,000 rows"):
        write(tmp_path, ("a",), [(2_000_000_000, ["x"])])
    monkeypatch.setattr(scan, "MAX_INFLATED", 1000)
    with pytest.raises(FileProblem, match="0 GB when written"):
        write(tmp_path, ("a",), ((row, ["x" * 9]) for row in range(2, 900)))


CELLS = st.text(st.sampled_from('ab,"\r\n\té\ufeff;\x1f\0 \ud800'), max_size=5)


@settings(deadline=None, max_examples=300)
@given(rows=st.dictionaries(st.integers(2, 40), st.lists(CELLS, min_size=2, max_size=2), max_size=12))
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, rows: dict[int, list[str]]) -> None:
    """Every record is read as it was at its row, or stands there as broken, or is blank."""
    folder = tmp_path_factory.mktemp("plain")
    written, _ = write(folder, ("x", "y"), sorted(rows.items()))
    text = (folder / "plain").open(encoding="utf-8", newline="").read()
    good = {
        row: cells
        for row, cells in rows.items()
        if "".join(cells).strip() and not set("".join(cells)) & set("\0\x1f\ud800")
    }
    blank = {row for row, cells in rows.items() if not any(map(str.strip, cells))}
    import io

    lines = io.StringIO(text, newline="").readlines()
    back = {row: cells for row, cells, _ in records(lines, ",") if cells}
    assert {row: cells for row, cells in back.items() if row > 1 and not cells[0].startswith("\x1f!")} == good
    assert {row for row, cells in back.items() if cells[0].startswith("\x1f!")} == rows.keys() - good.keys() - blank
    assert (written.rows, written.broken_rows) == (len(good), len(rows) - len(good) - len(blank))
