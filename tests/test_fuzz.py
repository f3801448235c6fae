"""A few hundred damaged files in every run; `make fuzz` reads ten thousand."""

from __future__ import annotations

import os

import pytest

from tests.fuzz import cases, damaged, run, sources

FILES = 300
FRESH = 3


def test_the_same_seed_makes_the_same_files() -> None:
    made = [list(cases(5, 7)) for _ in range(2)]
    assert made[0] == made[1] and len({content for _name, content in made[0]}) == 5
    whole = b"".join(b"%d,visit %d\n" % (n, n * n) for n in range(50))
    assert all(damaged(whole, whole, seed) != whole for seed in range(5))


@pytest.mark.timeout(900)
def test_damaged_files_are_read_or_refused_and_no_row_is_lost_in_silence() -> None:
    given = len(sources())
    assert given > (50 if os.environ.get("TOUCHLINE_TEST_DATA") else 4)
    counts, faults, longest, grown = run(FILES, FRESH, seed=20_000)
    assert faults == []
    assert counts["files"] == FILES + FRESH and counts["tables"] > 40 and counts["refused"] > 40
    assert counts["loaded"] > 1_000 and counts["aside"] > 100
    assert longest < 30 and grown < 300
