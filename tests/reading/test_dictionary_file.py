"""The user's own dictionary: written, corrected in a spreadsheet, read back."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cx_metrics.errors import FileProblem, MappingProblem, TouchlineError
from cx_metrics.reading import NameMapping, read_dictionary_csv, write_dictionary_csv
from cx_metrics.tables import PHASES, STAGES, TOUCHPOINT_TYPES

HEADER = "raw_touchpoint,touchpoint,phase,stage,touchpoint_type,channel\n"
# As reading hands names on: without spaces around them; NUL never survives an export (exports/tables.py).
TEXTS = (
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30)
    .map(str.strip)
    .filter(bool)
)
ARMED = st.builds("".join, st.tuples(st.sampled_from(["=", "+", "-", "@", "'=", "''@", "'", "＝", "'\t"]), TEXTS)).map(
    str.strip
)
NAMES = st.one_of(TEXTS, ARMED)
OWN_STAGES = NAMES.filter(lambda text: text.casefold() not in STAGES)
MAPPINGS = st.builds(
    NameMapping,
    st.just(""),
    st.none() | NAMES,
    st.none() | NAMES,
    st.none() | st.sampled_from(TOUCHPOINT_TYPES),
    st.none() | st.sampled_from(STAGES) | OWN_STAGES,
    st.none() | st.sampled_from(PHASES),
)


def named(raw: str, mapping: NameMapping) -> NameMapping:
    return NameMapping(raw, mapping.touchpoint, mapping.channel, mapping.touchpoint_type, mapping.stage, mapping.phase)


@settings(deadline=None)
@given(st.dictionaries(NAMES, MAPPINGS, max_size=8))
def test_what_is_written_is_read_back(mappings: dict[str, NameMapping]) -> None:
    names = {raw: named(raw, mapping) for raw, mapping in mappings.items()}
    names = {
        raw: m for raw, m in names.items() if raw or any((m.touchpoint, m.channel, m.stage, m.phase, m.touchpoint_type))
    }
    assert read_dictionary_csv(write_dictionary_csv(names).encode()) == names


@settings(deadline=None)
@given(st.dictionaries(NAMES, MAPPINGS, max_size=8))
def test_no_cell_is_a_formula(mappings: dict[str, NameMapping]) -> None:
    written = write_dictionary_csv({raw: named(raw, mapping) for raw, mapping in mappings.items()})
    cells = [cell for row in csv.reader(io.StringIO(written, newline="")) for cell in row]
    assert not [
        cell
        for cell in cells
        if cell.lstrip("\u00a0\u3000\ufeff\u200b ").startswith(tuple("=+-@\t\r\n＝＋－＠﹢﹣﹦﹫−"))
    ]


def test_a_file_of_a_spreadsheet_is_read() -> None:
    content = (
        "Touchpoint;Raw touchpoint;PHASE;Stage\r\nKorb;cart_view;During;Decision\r\n;;;\r\n;x1;;Trying\r\n".encode(
            "utf-8-sig"
        )
    )
    expected = {
        "cart_view": NameMapping("cart_view", "Korb", phase="during", stage="decision"),
        "x1": NameMapping("x1", stage="Trying"),
    }
    assert read_dictionary_csv(content) == expected
    assert read_dictionary_csv(content.decode("utf-8-sig").replace(";", "\t").encode("utf-16")) == expected


def test_a_path_is_read_and_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(HEADER + "a,,sometime,,,\n", encoding="utf-8")
    with pytest.raises(MappingProblem, match='mine.csv: row 2, column "phase" holds "sometime".*before, during, after'):
        read_dictionary_csv(path)


@pytest.mark.parametrize(
    ("content", "problem", "message"),
    [
        (b"", FileProblem, "is empty"),
        (b"\xff\x00\x81\n", FileProblem, r"not text in UTF-8 \(byte 1\)"),
        (HEADER + 'a,"b, c",,,,\nd,e, f,,,,\n', FileProblem, "row 3 has 7 cells, but the header has 6"),
        (HEADER + "a,,,,robot,\n", MappingProblem, 'row 2, column "touchpoint_type" holds "robot"'),
        (HEADER + "\n,Cart,,,,\n", MappingProblem, 'row 3 has no value in column "raw_touchpoint"'),
        (HEADER + "a,Cart,,,,\nb,,,,,\na,Basket,,,,\n", MappingProblem, 'rows 2 and 4 map "a"'),
        ("touchpoint,stage\nCart,decision\n", MappingProblem, 'no column "raw_touchpoint".*"touchpoint", "stage"'),
        ("raw_touchpoint,stagee\na,b\n", MappingProblem, 'column 2 is called "stagee".*Did you mean "stage"'),
        ("raw_touchpoint,stage,Stage\na,b,c\n", MappingProblem, 'column 3 is called "Stage".*there twice'),
    ],
)
def test_problems_say_where_they_are(content: str | bytes, problem: type[Exception], message: str) -> None:
    with pytest.raises(problem, match=message):
        read_dictionary_csv(content if isinstance(content, bytes) else content.encode())


def test_the_same_row_twice_is_no_problem() -> None:
    assert read_dictionary_csv((HEADER + "a,Cart,,,,\n" * 2).encode()) == {"a": NameMapping("a", "Cart")}


@settings(deadline=None, max_examples=300)
@given(
    st.binary(max_size=200)
    | st.text("raw_touchpin,\n\r\"';\t=", max_size=200).map(lambda text: (HEADER + text).encode())
)
def test_any_file_is_read_or_refused_in_words(content: bytes) -> None:
    try:
        found = read_dictionary_csv(content)
    except TouchlineError as problem:
        assert "dictionary.csv" in str(problem)
    else:
        assert all(raw == mapping.raw_touchpoint and raw for raw, mapping in found.items())


def test_a_cell_that_never_ends_is_refused() -> None:
    with pytest.raises(FileProblem, match="row 2 holds a cell that is too long"):
        read_dictionary_csv((HEADER + '"' + "a" * 200_000).encode())
