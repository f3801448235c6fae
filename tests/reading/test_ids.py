"""Ids stay as they are written, and what a spreadsheet did to them is told."""

from __future__ import annotations

import pyarrow as pa
import pytest

from cx_metrics.reading.ids import looks_damaged_ids
from cx_metrics.reading.typed import trimmed

from .conftest import Upload, read

IDS = [
    "00123",
    "NA",
    "null",
    "None",
    "nan",
    "1.23E+15",
    "9007199254740993",
    "1.0",
    "٠٠١٢٣",
    "۰۰۱۲۳",
    "1e5",
    "1,5",
    "TRUE",
    "0x1F",
    "١٢٣",
]


def test_no_id_is_turned_into_anything_else(upload: Upload) -> None:
    rows = "".join(f'"{one}",2026-01-01,visit\n" {one} ",2026-01-02,visit\n' for one in IDS)
    found = read(upload("customer_id,occurred_at,touchpoint\n" + rows)).to_table()["customer_id"].to_pylist()
    assert found == [one for one in IDS for _ in range(2)]  # spaces around an id are no part of it
    assert trimmed(pa.array(IDS)).to_pylist() == IDS


@pytest.mark.parametrize(
    "texts",
    [
        ["a", "b c"],
        [" a", "b"],
        ["a", "b\t"],
        ["a", ""],
        ["a", None],
        ["\u00a0a", "b"],
        ["a", "b\u3000"],
        ["é", "ب"],
        ["a\x1f"],
        [],
    ],
)
def test_a_glance_at_the_ends_of_texts_takes_nothing_for_bare_that_is_not(texts: list[str | None]) -> None:
    whole = pa.array(["cut off ", *texts], pa.string()).slice(1)  # a part of a longer column
    assert trimmed(whole).to_pylist() == [text.strip() or None if text else None for text in texts]


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (["1.23E+15", "42"], '1 of 2 ids was turned into a rounded number by a spreadsheet (first: "1.23E+15")'),
        (["1,23E+15", "1,23E+15"], "2 of 2 ids were turned into rounded numbers by a spreadsheet"),
        (["۱٫۲۳E+۱۵"], '1 of 1 ids was turned into a rounded number by a spreadsheet (first: "1.23E+15")'),
        ([f"{n}23456789012345000" for n in range(1, 6)], "All 5 long ids end in zeros behind their 15th digit"),
        (["12.0", "13.0"], 'All 2 ids are written as decimal numbers (first: "12.0")'),
        (
            ["00123", "04567", "891", "45678"],
            'Ids begin with zeros and have 5 digits, but 1 has fewer and no zero (first: "891")',
        ),
    ],
)
def test_damage_that_can_be_seen_is_told(ids: list[str], said: str) -> None:
    assert str(looks_damaged_ids(pa.array([*ids, None, ""]))).startswith(said)


@pytest.mark.parametrize(
    "ids",
    [
        [],
        [None],
        ["1", "20", "300"],
        ["00123", "04567", "45678"],
        ["1E5", "1e10", "12E34"],  # codes may look so
        ["12.0", "13.5"],
        ["9007199254740993", "9007199254740992"],
        ["1234567890123450"],  # one may end so by chance
        ["0012", "00123", "1"],  # no common length
        ["a-0001", "17"],
        ["\u200f" * 10**5, "E+" * 10**5],
    ],
)
def test_ids_that_may_be_whole_are_left_in_peace(ids: list[str | None]) -> None:
    assert looks_damaged_ids(pa.array(ids, pa.string())) is None
