"""Answers in words: what stands for no answer, and the usual words of rating scales, in four languages."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.yaml_text import load_own

_SAME = str.maketrans("أإآٱىيكةؤئё", "ااااییکهوئе", "\ufe0f\u0640\u200c\u200d\u200e\u200f")


def fold(text: str) -> str:
    """A word without what does not matter: case, spaces around it, variants of letters, the mark for coloured signs."""
    return " ".join(unicodedata.normalize("NFKC", text).translate(_SAME).casefold().split())


def folded(values: pa.Array) -> pa.Array:
    """Every text as `fold` has it; null is blank."""
    encoded = pc.fill_null(values, "").dictionary_encode()
    return pa.array([fold(value) for value in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


WORDS = Path(__file__).with_name("words.yaml")


@cache
def _words() -> Mapping[str, Any]:
    found: Mapping[str, Any] = load_own(WORDS.read_text(encoding="utf-8"))
    return found


@cache
def not_chosen() -> tuple[str, ...]:
    """What stands in the cell of a box that was not ticked."""
    return tuple(_words()["not_chosen"])


@cache
def of_headers(about: str) -> frozenset[str]:
    """Words of column names about something: `people`, `planned` times, `time`, `channels`."""
    return frozenset(fold(word) for line in _words()["headers"][about] for word in line)


def advertiser(word: str) -> str | None:
    """The channel that a word of a column name stands for, where an advertising tool writes it there."""
    return {fold(short): str(name) for short, name in _words()["advertisers"].items()}.get(fold(word))


@cache
def _statuses() -> Mapping[str, str]:
    return {
        fold(word): str(status) for status, lines in _words()["invitations"].items() for line in lines for word in line
    }


def invitation_status(text: str) -> str | None:
    """How far an invitation came, in our words; `not_sent` for one that never left. None: no word for it."""
    return _statuses().get(fold(text).replace("_", " "))


@cache
def _no_answer() -> frozenset[str]:
    return frozenset(fold(word) for line in _words()["no_answer"] for word in line)


@cache
def scales() -> tuple[Mapping[str, float], ...]:
    """The known scales, pairs first: folded word → its number, 1 the lowest of five."""
    pairs = [{fold(word): float(number) for word, number in pair.items()} for pair in _words()["pairs"]]
    fives = [
        {fold(word): float(number) for number, words in enumerate(scale, 1) for word in words}
        for scale in _words()["scales"]
    ]
    return (*pairs, *fives)


def find_scale(words: Iterable[str]) -> Mapping[str, float] | None:
    """The words with their numbers, where all of them (those for no answer apart) stand on one known scale; or None.

    A pair is tried before a scale of five: where nothing but good and bad was said, they are the ends.
    """
    said = {word: fold(word) for word in words if fold(word) and fold(word) not in _no_answer()}
    if len(set(said.values())) < 2:
        return None
    for scale in scales():
        if all(word in scale for word in said.values()):
            return {word: scale[found] for word, found in said.items()}
    return None


def means_no_answer(text: str) -> bool:
    """Whether a text is a usual word for no answer."""
    return fold(text) in _no_answer()
