"""The quick way of reading says what the careful way says, of any bytes: the same rows, numbers, problems; nothing is lost."""

from __future__ import annotations

import csv
import io
import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cx_metrics.errors import FileProblem
from cx_metrics.reading import RawFile, batches, open_raw, read_batches, records
from cx_metrics.reading.records import lines_in, written_lines

WORDS = (
    "home",
    "Купить",
    "خرید",
    "café",
    "",
    " a b ",
    "x" * 40,
    "12",
    "3.5",
    "2026-01-01 10:00:00",
    "o'clock",
    "\ufeff",
)
TROUBLE = ('say "hi"', 'a""b', '"', "line\nbreak", "line\r\nbreak", "back\rhere", "sep;,|\t", "\ufeffmark")
DAMAGE = (
    b"\xff", b"\xed\xb2\x81", b"\xc3", b"\0", b"\x1f", b"\x1f!note\x1fx", b"\xc0\xaf", b"\xf4\x90\x80\x80", b'"', b"\r", b"\n\n",
)  # fmt: skip
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1251", "cp1256", "iso8859-6")
ENDS = ("\n", "\n", "\r\n", "\r")

Seen = tuple[list[tuple[Any, ...]], list[int], list[tuple[Any, ...]]]


def seen(raw: RawFile) -> Seen | str:
    """All rows, their numbers, and the problems in the order of their rows; or why the file cannot be read."""
    rows: list[tuple[Any, ...]] = []
    numbers: list[int] = []
    problems = []
    try:
        for batch, places, found in read_batches(raw, 200):
            assert batch.schema.names == list(raw.header)
            rows += zip(*(column.to_pylist() for column in batch.columns), strict=True)
            numbers += places.tolist()
            problems += [(p.row, p.column, p.found, str(p.reason)) for p in found]
    except FileProblem as problem:
        return str(problem)
    return rows, numbers, sorted(problems)


def a_file(rng: random.Random, rows: int) -> tuple[bytes, str, str]:
    """A text in some dialect, with what may go wrong in it; its encoding and its delimiter."""
    encoding, delimiter, end = rng.choice(ENCODINGS), rng.choice(",;\t|"), rng.choice(ENDS)
    width, quoting, trouble = rng.randint(1, 5), rng.random(), rng.choice((0.0, 0.0, 0.01, 0.2))
    blank, ragged = rng.choice((0.0, 0.05)), rng.choice((0.0, 0.02))

    def cell() -> str:
        text = rng.choice(TROUBLE if rng.random() < trouble else WORDS)
        if rng.random() < trouble / 4:
            return text  # not quoted, whatever stands in it
        special = any(sign in text for sign in f'{delimiter}"\r\n')
        return '"' + text.replace('"', '""') + '"' if special or rng.random() < quoting else text

    lines = [delimiter.join(f"c{place}" for place in range(width))]
    for _row in range(rows):
        cells = width + (rng.choice((-1, 1)) if rng.random() < ragged else 0)
        lines.append(
            rng.choice(("", "  ")) if rng.random() < blank else delimiter.join(cell() for _cell in range(cells))
        )
    text = ("sep=" + delimiter + end if rng.random() < 0.1 else "") + end.join(lines) + rng.choice((end, ""))
    return text.encode(encoding, "replace"), encoding.removesuffix("-sig"), delimiter


def damaged(rng: random.Random, content: bytes) -> bytes:
    """The same with bytes here and there that belong to no text."""
    for _damage in range(rng.randint(1, 3)):
        place = rng.randrange(len(content) // 2, len(content) + 1)
        content = content[:place] + rng.choice(DAMAGE) + content[place:]
    return content


@pytest.fixture
def blocks_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Blocks of so many bytes, so that small files have many."""

    def set_size(size: int) -> None:
        monkeypatch.setattr(batches, "BLOCK", size)

    yield set_size


def compare(path: Path, rounds: int, seed: int, set_size: Any, patch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Read generated files in both ways. Returns how many there were, and how many blocks were read the quick way."""
    rng = random.Random(seed)
    compared = quick = 0
    plain_columns = batches.plain_columns

    def counting(*asked: Any) -> Any:
        nonlocal quick
        found = plain_columns(*asked)
        quick += found is not None
        return found

    for number in range(rounds):
        content, encoding, delimiter = a_file(rng, rng.choice((1, 20, 150)))
        if rng.random() < 0.4:
            content = damaged(rng, content)
        path.write_bytes(content)
        try:
            raw = open_raw(path, "upload.csv", encoding, delimiter)
        except FileProblem:
            continue
        patch.setattr(batches, "plain_columns", lambda *_asked: None)
        set_size(1 << 22)
        careful = seen(raw)
        patch.setattr(batches, "plain_columns", counting)
        for size in (64, 700, 1 << 22):
            set_size(size)
            assert seen(raw) == careful, (seed, number, size, content)
        compared += 1
    return compared, quick


@pytest.mark.parametrize("seed", range(4))
def test_quick_and_careful_reading_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocks_of: Any, seed: int
) -> None:
    compared, quick = compare(tmp_path / "file", 60, seed, blocks_of, monkeypatch)
    assert compared > 40
    assert quick > 300


@pytest.mark.parametrize("window", [2, 3, 7])
def test_quick_and_careful_reading_agree_wherever_a_window_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocks_of: Any, window: int
) -> None:
    monkeypatch.setattr(records, "WINDOW", window)
    compared, quick = compare(tmp_path / "file", 25, window, blocks_of, monkeypatch)
    assert compared > 12 and quick > 80


def test_marks_that_are_said_to_stand_around_cells_do() -> None:
    """All short texts of the signs that matter: where as many parts are found as a reader finds cells, no mark stands elsewhere."""
    agreed = 0
    for length in range(1, 8):
        for written in itertools.product(b'a,"\n', repeat=length):
            data = bytes(written)
            parts, careful = records._parts(data, ","), records._around_cells(data, ",")
            cells = sum(len(row) for row in csv.reader(io.StringIO(data.decode(), newline=""), strict=False))
            if parts == cells:
                agreed += 1
                assert careful, data
    assert agreed > 1_000


@pytest.mark.long
def test_quick_and_careful_reading_agree_at_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocks_of: Any
) -> None:
    compared, quick = compare(tmp_path / "file", 3_000, 99, blocks_of, monkeypatch)
    assert compared > 2_000
    assert quick > 15_000


def test_one_damaged_line_costs_its_row_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks without damage are read the quick way, though another line of the file holds bytes that are no text."""
    monkeypatch.setattr(batches, "BLOCK", 1000)
    lines = [b"id,n"] + [b"c%d,%d" % (n, n) for n in range(2_000)]
    lines[900], lines[1500] = b"c\xff,1", b"c\0,2"
    path = tmp_path / "file"
    path.write_bytes(b"\n".join(lines))
    careful = []
    one_by_one = batches._one_by_one
    monkeypatch.setattr(batches, "_one_by_one", lambda block, *rest: careful.append(1) or one_by_one(block, *rest))
    found = seen(open_raw(path, "file"))
    assert not isinstance(found, str)
    rows, numbers, problems = found
    assert [(row, shown) for row, _column, shown, _reason in problems] == [(901, "c ,1"), (1501, "c ,2")]
    assert numbers == [n for n in range(2, 2_002) if n not in (901, 1501)]
    assert rows[0] == ("c0", "0")
    assert len(careful) == 2


@pytest.mark.parametrize(
    ("block", "lines", "written"),
    [
        (b"a\nb\n", 2, [0, 1]),
        (b"a\nb", 2, [0, 1]),
        (b"\n\na\r\n\r\nb\r\rc", 7, [2, 4, 6]),
        (b"\r\n", 1, []),
        (b"a\r", 1, [0]),
        (b"a\n\r\n\n", 3, [0]),
    ],
)
def test_lines_are_counted_as_text_readers_count_them(block: bytes, lines: int, written: list[int]) -> None:
    assert lines_in(block) == lines
    assert written_lines(block).tolist() == written
