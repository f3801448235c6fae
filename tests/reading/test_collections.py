"""Collections of odd text files, each against what its README or its right answer says; rows in = rows read + rows reported."""

from __future__ import annotations

import csv
import io
import json
import os
import tarfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cx_metrics.errors import FileProblem
from cx_metrics.reading import open_raw, read_batches
from cx_metrics.reading.found import Broken
from cx_metrics.reading.records import records
from cx_metrics.reading.text_tables import text_tables

TestData = Callable[[str], Path]
ROOT = Path(os.environ.get("TOUCHLINE_TEST_DATA", "/no such folder"))
TEXTS = (".csv", ".tsv", ".txt")
FILES = sorted(
    str(path.relative_to(ROOT))
    for folder in ("dirty_csv", "encodings", "formats")
    for path in (ROOT / folder).rglob("*.*")
    if path.suffix in TEXTS
)


@dataclass
class Read:
    """What became of a file: its tables as header, rows, and rows that are reported."""

    headers: list[tuple[str, ...]] = field(default_factory=list)
    rows: list[list[list[str]]] = field(default_factory=list)
    reported: list[list[int]] = field(default_factory=list)
    told: str = ""


def read(path: Path) -> Read:
    """The file as an upload is read: the tables found in it, or the plain table that it is."""
    found = Read()
    tables = text_tables(path, path.name)
    if tables is None:
        raw = open_raw(path, path.name)
        found.headers.append(raw.header)
        found.rows.append([])
        found.reported.append([])
        for batch, _numbers, problems in read_batches(raw):
            found.rows[0] += [list(row) for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)]
            found.reported[0] += [problem.row for problem in problems]
        return found
    for table in tables:
        good, bad = [], []
        for row, cells in table.records:
            if isinstance(cells, Broken) or len(cells) != len(table.header):
                bad.append(row)
            else:
                good.append(cells)
        found.headers.append(table.header)
        found.rows.append(good)
        found.reported.append(bad)
        found.told += "\n".join(map(str, table.told)) + "\n"
    return found


REFUSED = {"empty.csv": "is empty"}  # of csvkit: one line end


@pytest.mark.parametrize("name", FILES or [pytest.param("", marks=pytest.mark.skip("TOUCHLINE_TEST_DATA is not set"))])
def test_every_file_is_read_or_refused_in_words(name: str) -> None:
    path = ROOT / name
    refusal = REFUSED.get(path.name) if "csvkit" in name else None
    if refusal is not None:
        with pytest.raises(FileProblem, match=refusal):
            read(path)
        return
    found = read(path)
    assert found.headers and all(len(set(reported)) == len(reported) for reported in found.reported)
    if len(found.headers) == 1 and not found.told:  # a plain table: each record below its header is in one place
        raw = open_raw(path, path.name)
        text = path.read_bytes().decode({"utf-8": "utf-8-sig"}.get(raw.encoding, raw.encoding), "surrogateescape")
        every = sum(bool(cells) for _, cells, _ in records(io.StringIO(text, newline=""), raw.delimiter))
        assert len(found.rows[0]) + len(found.reported[0]) == every - 1


KIT = {
    "bad.csv": (("column_a", "column_b", "column_c"), 1, [2, 3]),
    "bad_skip_lines.csv": (("column_a", "column_b", "column_c"), 1, [5, 6]),
    "blanks.csv": (tuple("abcdef"), 1, []),
    "dummy.tsv": (tuple("abc"), 1, []),
    "mac_newlines.csv": (tuple("abc"), 2, []),
    "no_header_row.csv": (("column_1", "column_2", "column_3"), 1, []),
    "null_byte.csv": (tuple("abc"), 0, [2]),
    "optional_quote_characters.csv": (tuple("abc"), 1, []),
    "sniff_limit.csv": (tuple("abc"), 1, []),
    "test_empty_columns_long_row.csv": (tuple("abc"), 0, [2]),
    "test_empty_columns_short_row.csv": (tuple("abc"), 0, [2]),
    "test_extra_header.csv": (tuple("abcd"), 0, [2]),
    "test_header_newline.csv": (("start end", "b", "c"), 1, []),
    "test_latin1.csv": (tuple("abc"), 2, []),
    "test_skip_lines.csv": (tuple("abc"), 1, []),
    "test_utf16_big.csv": (tuple("abc"), 2, []),
    "test_utf16_little.csv": (tuple("abc"), 2, []),
    "test_utf8_bom.csv": (("foo", "bar", "baz"), 2, []),
}


@pytest.mark.parametrize("name", KIT)
def test_files_of_csvkit(test_data: TestData, name: str) -> None:
    found = read(test_data(f"dirty_csv/csvkit/{name}"))
    assert (found.headers[0], len(found.rows[0]), found.reported[0]) == KIT[name]


def test_letters_of_csvkit(test_data: TestData) -> None:
    last = {"test_latin1.csv": "©", "test_utf16_big.csv": "ʤ", "test_utf16_little.csv": "ʤ", "test_utf8_bom.csv": "ʤ"}
    assert {name: read(test_data(f"dirty_csv/csvkit/{name}")).rows[0][-1][-1] for name in last} == last


def test_csv_spectrum_reads_as_its_json_says(test_data: TestData) -> None:
    paths = sorted(test_data("dirty_csv/csv-spectrum/csvs").iterdir())
    assert len(paths) == 12
    for path in paths:
        wanted = json.loads((path.parents[1] / "expected_json" / f"{path.stem}.json").read_text())
        found = read(path)
        rows = [dict(zip(found.headers[0], row, strict=True)) for row in found.rows[0]]
        if path.stem == "location_coordinates":  # its JSON is no list, and has another telephone number than the CSV
            wanted = [{**wanted, "Contact Phone Number": "2095257564"}]
        assert rows == wanted, path.stem


def test_examples_of_clevercsv(test_data: TestData) -> None:
    films = read(test_data("dirty_csv/clevercsv/imdb.csv"))
    assert (len(films.rows[0]), films.reported[0]) == (100, [])
    assert "Dr. Seltsam, oder wie ich lernte, die Bombe zu lieben (1964)" in [row[2] for row in films.rows[0]]
    payments = read(test_data("dirty_csv/clevercsv/airedale.csv"))
    assert (payments.headers[0][-1], payments.reported[0]) == ("Amount", [56])  # "Report created October 10"
    assert sum(float(row[-1].replace(",", "")) < 0 for row in payments.rows[0]) > 0
    milk = read(test_data("dirty_csv/clevercsv/milk.csv"))
    assert (len(milk.headers[0]), milk.rows[0][0][0]) == (23, "1987")


# Pollock: 2,290 variants of one file with one defect each, and the right answer


def test_variants_of_one_file_with_one_defect_each(test_data: TestData, tmp_path: Path) -> None:
    """A defect costs the row that has it, which is reported; one in the header costs the names, or the file is refused."""
    with tarfile.open(test_data("dirty_csv/pollock_polluted/polluted_files.tar.xz")) as packed:
        packed.extractall(tmp_path, filter="data")
    folder = tmp_path / "polluted_files"
    source = _rows((folder / "csv" / "source.csv").read_bytes())
    assert len(source) == 84
    became: Counter[str] = Counter()
    for path in sorted((folder / "csv").glob("row_*")):
        try:
            found = read(path)
        except FileProblem as refused:
            assert "no readable header" in str(refused)
            assert (
                path.name.startswith("row_extra_quote0") or path.name == "row_less_sep_row0_col8.csv"
            )  # "URL"Comments
            became["refused"] += 1
            continue
        assert len(found.headers) == 1
        rows, reported = _counted(found.rows[0]), len(found.reported[0])
        lost, made = _counted(source[1:]) - rows, rows - _counted(source[1:])
        assert sum(rows.values()) + reported == 83
        if reported or (not lost and not made):
            assert (sum(lost.values()), sum(made.values())) == (reported, 0), path.name
            became["header" if not reported else "reported"] += 1
        else:  # a delimiter less before a quotation that holds another one: the row has as many cells as all others
            assert "less_sep" in path.name and (sum(lost.values()), sum(made.values())) == (1, 1)
            became["shifted"] += 1
    # nine marks, eight delimiters less, nine more and one other delimiter are in the header; the others are in 83 rows
    assert became == {"reported": 83 * (9 + 8 + 9 + 1) - 47, "header": 7 + 9 + 1, "refused": 9 + 1, "shifted": 47}


def _rows(content: bytes) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(content.decode(), newline="")) if row]


def _counted(rows: list[list[str]]) -> Counter[tuple[str, ...]]:
    return Counter(tuple(cell.strip() for cell in row) for row in rows)


EXACT = [
    "source", "file_double_trailing_newline", "file_no_trailing_newline", "file_one_data_row", "file_preamble",
    "file_field_delimiter_0x3B", "file_field_delimiter_0x9", "file_field_delimiter_0x2C_0x20", "file_escape_char_0x5C",
    "file_record_delimiter_0xA", "file_record_delimiter_0xD",
]  # fmt: skip


def test_variants_of_the_whole_file(test_data: TestData, tmp_path: Path) -> None:
    with tarfile.open(test_data("dirty_csv/pollock_polluted/polluted_files.tar.xz")) as packed:
        for member in packed.getmembers():
            if "/file_" in member.name or member.name.endswith("/source.csv"):
                packed.extract(member, tmp_path, filter="data")
    folder = tmp_path / "polluted_files" / "csv"
    source = _rows((folder / "source.csv").read_bytes())
    for name in EXACT:
        found = read(folder / f"{name}.csv")
        clean = _rows((folder.parent / "clean" / f"{name}.csv").read_bytes())
        assert _stripped([list(found.headers[0]), *found.rows[0]]) == _stripped(clean), name
    first = _stripped(source)
    assert _stripped(read(folder / "file_no_header.csv").rows[0]) == first[1:]
    for name in ("file_header_multirow_2", "file_header_multirow_3"):
        found = read(folder / f"{name}.csv")
        assert _stripped([list(found.headers[0]), *found.rows[0]]) == first
    for name in ("file_multitable_less", "file_multitable_more"):
        found = read(folder / f"{name}.csv")
        assert len(found.headers) == 2 and _stripped([list(found.headers[0]), *found.rows[0]]) == first
    again = read(folder / "file_multitable_same.csv")
    assert _stripped(again.rows[0])[:83] == first[1:] and again.reported[0][0] == 85
    single = read(folder / "file_quotation_char_0x27.csv")
    assert [row[:5] for row in single.rows[0]] == [row[:5] for row in source[1:]] and not single.reported[0]
    for name, says in {"file_header_only": "no rows", "file_no_payload": "empty"}.items():
        with pytest.raises(FileProblem, match=says):
            read(folder / f"{name}.csv")


def _stripped(rows: list[list[str]]) -> list[list[str]]:
    return [[cell.strip() for cell in row] for row in rows]


# Exports of tools


def test_a_snapshot_of_reports_holds_nine_tables_with_rows(test_data: TestData) -> None:
    found = read(test_data("formats/ga4/Reports_snapshot_multi_section_with_comments.csv"))
    assert [(header[0], len(rows)) for header, rows in zip(found.headers, found.rows, strict=True)] == [
        ("Nth day", 28), ("Nth day", 28), ("First user default channel group", 1), ("Session default channel group", 1),
        ("Country ID", 1), ("Country", 1), ("Nth day", 7), ("Page title and screen class", 6), ("Event name", 6),
    ]  # fmt: skip
    assert "3 tables of the file have a header but no rows" in found.told


def test_the_answers_of_survey_tools(test_data: TestData) -> None:
    three = read(test_data("formats/qualtrics/qualtrics_v3_german_3_header_rows.csv"))
    assert three.headers[0][:3] == ("StartDate", "EndDate", "Status")
    assert three.headers[0][-3:] == (
        "Q1 · This is a multiple choice question.",
        "Q2 · This is a free text question.",
        "Q2 - Topics",
    )
    assert (three.rows[0][0][8], three.reported[0]) == ("R_2YPOQ602ER1jkf1", [])
    two = read(test_data("formats/qualtrics/qualtrics_legacy_2_header_rows.csv"))
    assert two.headers[0][0] == "ResponseID" and two.rows[0][0][-5:] == [
        "Hello World!",
        "47.115097045898",
        "7.2315979003906",
        "-1",
        "",
    ]
    films = read(test_data("formats/surveymonkey/StarWars_2_header_rows_latin1.csv"))
    assert (len(films.rows[0]), films.reported[0]) == (1186, [])  # as its README says
    assert len(set(films.headers[0])) == 38
    fans = read(test_data("formats/surveymonkey/nfl_fandom_2_header_rows_percent.csv"))
    assert fans.headers[0][2] == "Democrat · Asian" and fans.headers[0][-1] == "Nonwhite%"
    assert (len(fans.rows[0]), fans.reported[0]) == (32, [35])  # the teams, and their grand total
    assert len(read(test_data("formats/limesurvey/results-survey_german_question_text.csv")).rows[0]) == 53
