"""What the first rows of a file say about its columns: dates, numbers, ids, words."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.batches import read_batches
from cx_metrics.reading.dates import CALENDAR_FORMATS, TimeGuess, guess_time_format
from cx_metrics.reading.files import RawFile
from cx_metrics.reading.numbers import evident_decimal_comma, read_numbers, readable_share

ALMOST_ALL = 0.95
_CODE = r"^[^\d]*[eE][+-]?\d{1,3}$"  # E195: an exponent without a number before it is a code
MOST_ANSWERS = 60  # different values of a column of answers
BATCHES_TRIED = 10  # for one with a good row
SAMPLE_BYTES = 16 * 1024**2


class Values:
    """The values of one column in the sample, blank ones null; each question is answered once."""

    def __init__(self, texts: pa.Array) -> None:
        trimmed = pc.utf8_trim_whitespace(texts)
        self.texts = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
        self.rows = len(texts)
        self.present = self.rows - int(self.texts.null_count)

    @cached_property
    def filled_share(self) -> float:
        """Share of the rows that have a value."""
        return self.present / self.rows if self.rows else 0.0

    @cached_property
    def distinct(self) -> int:
        """How many different values there are."""
        return int(pc.count_distinct(self.texts, mode="only_valid").as_py())

    @cached_property
    def distinct_texts(self) -> tuple[str, ...]:
        """The different values, where they are few enough to be answers; none otherwise."""
        return tuple(self.texts.drop_null().unique().to_pylist()) if self.distinct <= MOST_ANSWERS else ()

    @cached_property
    def near_unique(self) -> bool:
        """Whether nearly every row has a value of its own."""
        return self.present > 0 and self.distinct >= ALMOST_ALL * self.rows

    @cached_property
    def time(self) -> TimeGuess:
        """The time format of the values, seconds since 1970 included."""
        return guess_time_format(self.texts)

    @cached_property
    def sure_time(self) -> TimeGuess:
        """The time format of the values of a column that is a time by its name: days as spreadsheets count them included."""
        return guess_time_format(self.texts, sure=True) if self.time.format is None else self.time

    @cached_property
    def calendar_time(self) -> TimeGuess:
        """The time format of the values where bare numbers are no times."""
        bare = self.time.format is not None and self.time.format not in CALENDAR_FORMATS
        return TimeGuess(None, 0, self.present) if bare else self.time

    @cached_property
    def number_share(self) -> float:
        """Share of the values that are numbers."""
        coded = pc.fill_null(pc.match_substring_regex(self.texts, _CODE), False)
        if not pc.any(coded).as_py():
            return readable_share(self.texts)
        others = self.texts.filter(pc.invert(coded))
        return readable_share(others) * (len(others) - int(others.null_count)) / self.present

    @cached_property
    def decimal_comma(self) -> bool | None:
        return evident_decimal_comma(self.texts)

    @cached_property
    def numbers(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """The values that are numbers."""
        found: np.ndarray[tuple[int], np.dtype[np.float64]]
        texts = self.texts.filter(pc.invert(pc.fill_null(pc.match_substring_regex(self.texts, _CODE), False)))
        found = read_numbers(texts, self.decimal_comma is True).values.drop_null().to_numpy(zero_copy_only=False)
        return found

    @property
    def whole(self) -> bool:
        """Whether all numbers are whole ones from 0 up."""
        return len(self.numbers) > 0 and bool(((self.numbers == np.floor(self.numbers)) & (self.numbers >= 0)).all())

    def share_in(self, allowed: tuple[str, ...]) -> float:
        """Share of the values that are one of `allowed`, in any case."""
        known = pc.sum(pc.is_in(pc.utf8_lower(self.texts), value_set=pa.array(allowed, pa.string()))).as_py() or 0
        return known / self.present if self.present else 0.0


@dataclass(frozen=True)
class Sample:
    """The first rows of a file, column by column."""

    columns: dict[str, Values]
    rows: int


def take_sample(raw: RawFile, rows: int) -> Sample:
    """The first `rows` good rows of the file; fewer where they are wide, none where far more rows at its start are broken."""
    found = itertools.islice(read_batches(raw, rows, SAMPLE_BYTES), BATCHES_TRIED)
    batch = next((batch.slice(0, rows) for batch, _, _ in found if batch.num_rows), None)
    if batch is None:
        return Sample({name: Values(pa.array([], pa.string())) for name in raw.header}, 0)
    return Sample({name: Values(batch.column(name)) for name in raw.header}, batch.num_rows)
