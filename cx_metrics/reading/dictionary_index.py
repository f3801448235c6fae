"""The dictionary of touchpoints as it is looked up: whole names, stems of names, single words, and what words do to names.

Three files beside this one hold it, to be read and corrected by people who know touchpoints and no Python:

- `dictionary.csv`: a row a touchpoint: its axes, its names in four languages. `sure` says how far people agree on where
  it belongs (0 to 1): below 0.6 it is only ever proposed. `strength` says which of two touchpoints a name is about: an
  "email about a refund" is a refund (7), not an email (0).
- `dictionary_words.csv`: words that say nothing (filler), where it happened (place), or what was done (modifier).
- `dictionary_rules.csv`: what a modifier makes of a touchpoint: a Purchase that fails is a Checkout problem.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cx_metrics.reading.wording import parts, shortened, stem

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "ar", "fa", "ru")
LONGEST_PHRASE = 6  # words of a name that are compared with the dictionary at once
LEAST_SPELLED = 5  # letters of a word that may be misspelt: of shorter ones too many differ by a letter


@dataclass(frozen=True)
class Entry:
    """One touchpoint of the dictionary with its axes; `goal` ranks likely goals, 1 first, None = no goal."""

    touchpoint: str
    phase: str | None
    stage: str | None
    touchpoint_type: str | None
    channel: str | None
    goal: int | None
    names: tuple[str, ...]
    sure: float = 0.9
    strength: int = 5


@dataclass(frozen=True)
class Word:
    """What a word of `dictionary_words.csv` says; of a place: the channel and its type."""

    kind: str
    name: str
    touchpoint_type: str | None


@dataclass(frozen=True)
class Index:
    """Ready to be looked up.

    Keys are folded words written together: as they stand (`names`, `words`), as stems (`stems`, `word_stems`), as stems
    in any order without fillers (`gists`). A stem that could mean two touchpoints means none. `spellings` leads from
    words with a letter left out to the words.
    """

    names: dict[str, Entry]
    stems: dict[str, Entry]
    gists: dict[str, Entry]
    words: dict[str, tuple[Word, ...]]
    word_stems: dict[str, tuple[Word, ...]]
    fillers: frozenset[str]
    rules: dict[tuple[str, str], Entry]
    spellings: dict[str, str]


@cache
def entries() -> tuple[Entry, ...]:
    """All touchpoints of the dictionary."""
    return tuple(
        Entry(
            row["touchpoint"],
            row["phase"] or None,
            row["stage"] or None,
            row["touchpoint_type"] or None,
            row["channel"] or None,
            int(row["goal"]) if row["goal"] else None,
            (row["touchpoint"], *_names(row)),
            float(row["sure"]),
            int(row["strength"]),
        )
        for row in _rows("dictionary.csv")
    )


@cache
def index() -> Index:
    """The dictionary, read once."""
    names: dict[str, Entry] = {}
    stems: dict[str, Entry | None] = {}
    gists: dict[str, Entry | None] = {}
    vocabulary: set[str] = set()
    words = _words()
    fillers = frozenset(key for key, said in words.items() if any(word.kind == "filler" for word in said))
    for entry in entries():
        for name in entry.names:
            parted = [word for part in parts(name) for word in part]
            names["".join(parted)] = entry
            _mean(stems, "".join(map(stem, parted)), entry)
            telling = [word for word in parted if word not in fillers]
            if len(telling) > 1:
                _mean(gists, gist(telling), entry)
            vocabulary.update(parted)
    vocabulary.update(words)
    word_stems: dict[str, tuple[Word, ...]] = {}
    for key, said in words.items():
        word_stems[stem(key)] = tuple(dict.fromkeys((*word_stems.get(stem(key), ()), *said)))
    by_name = {entry.touchpoint: entry for entry in entries()}
    rules = {(r["touchpoint"], r["with"]): by_name[r["becomes"]] for r in _rows("dictionary_rules.csv")}
    return Index(names, _clear(stems), _clear(gists), words, word_stems, fillers, rules, _spellings(vocabulary))


def gist(words: Iterable[str]) -> str:
    """The stems of words in whatever order: "refunded money" and "money refunded" are one."""
    return "".join(sorted(map(stem, words)))


def _mean(meanings: dict[str, Entry | None], key: str, entry: Entry) -> None:
    meanings[key] = entry if meanings.get(key, entry) is entry else None


def _clear(meanings: dict[str, Entry | None]) -> dict[str, Entry]:
    return {key: entry for key, entry in meanings.items() if entry}


def _words() -> dict[str, tuple[Word, ...]]:
    said: dict[str, tuple[Word, ...]] = {}
    for row in _rows("dictionary_words.csv"):
        word = Word(row["kind"], row["name"], row["touchpoint_type"] or None)
        for name in _names(row):
            key = "".join(w for part in parts(name) for w in part)
            said[key] = tuple(dict.fromkeys((*said.get(key, ()), word)))
    return said


def _spellings(vocabulary: set[str]) -> dict[str, str]:
    """Words with a letter left out → the word, where there is only one."""
    found: dict[str, str] = {}
    for word in vocabulary:
        if len(word) >= LEAST_SPELLED and not word[0] > "\u05ff":  # one Arabic root makes many words a letter apart
            for short in shortened(word):
                found[short] = word if short not in found or short == word else ""
    return found


def _names(row: dict[str, str]) -> Iterator[str]:
    return (name for code in LANGUAGES for name in row[code].split("|") if name)


def _rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
