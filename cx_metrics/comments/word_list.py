"""Sentiment by lists of words: what is said where a language has too few scored comments to learn from.

A list gives each word a weight (−5..5). The weights of a comment are added, with the opposite sign (and three quarters of
the weight) where a word is negated, and the sum s becomes s / √(s² + 15), as in VADER (Hutto & Gilbert 2014): from .05 on
positive, to −.05 negative. The lists were made elsewhere (lists/NOTICE), those for Arabic and Persian by translating an
English one: a baseline, to be checked on scored answers before anybody trusts it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cx_metrics.comments.normalise import plain

LISTS = Path(__file__).with_name("lists")
LISTED = ("en", "ar", "fa", "ru")
SPREAD = 15.0  # VADER's: how quickly the sum of the weights goes to its ends
SIDE = 0.05  # VADER's: less is neutral
NEGATED = -0.74  # VADER's: "not good" is less bad than "bad"
REACH = 3  # words after a negation that it turns; VADER's
REACH_BACK = 2  # words before a negation that stands at the end: "خوب نبود"
TOGETHER = 50_000

_EMOTICON = r"[:;=]'?-?(?:[()/\\|*]+|[dp](?!\w))|<3"
_TOKEN = re.compile(rf"[^\W\d_]+(?:'[^\W\d_]+)*|[\u2600-\u27bf\U0001f000-\U0001faff]|{_EMOTICON}")
_DOUBLED = re.compile(r"(.)\1")
_RUSSIAN_ENDING = re.compile(r"(?:[аеиоуыэюя][а-я]{0,3}|[йь]|л[аои]?(?:сь|ся)?|ть(?:ся)?)?")
_ENDINGS = {
    "ar": re.compile(r"(?:ها|هم|نا|ین|ون|ات|ه|ا|ی)$"),
    "fa": re.compile(r"(?:ترین|تر|ها|هم|ست|ای|اش|ش|م|ه|ی)$"),
}
_BEFORE_A_WORD = re.compile(r"^(?:[وفبک]?ال|لل|[وفبل])")  # Arabic: and, the, by, for


@dataclass(frozen=True)
class WordList:
    """The words of one language with their weights; its negations that turn what follows, those that turn what was before."""

    weights: dict[str, float]
    negations: frozenset[str]
    negations_after: frozenset[str]


def list_scores(texts: Sequence[str], language: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """How positive is each plain text by the list: −1..1, and how many of its words did the list know?

    `texts` come from `normalise.plain`. A language without a list is read by its emoji alone. No known word: 0.

    >>> scores, known = list_scores(["smart, handsome, and funny."], "en")
    >>> round(float(scores[0]), 4), int(known[0])
    (0.8316, 3)
    """
    parts = [_scores(texts[start : start + TOGETHER], language) for start in range(0, len(texts), TOGETHER)]
    if not parts:
        return np.empty(0), np.empty(0, np.int64)
    return np.concatenate([score for score, _ in parts]), np.concatenate([known for _, known in parts])


def _scores(texts: Sequence[str], language: str) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    listed = _list(language)
    found = [_TOKEN.findall(text) for text in texts]
    rows = np.repeat(np.arange(len(texts)), [len(tokens) for tokens in found])
    codes, vocabulary = pd.factorize(np.array([token for tokens in found for token in tokens], dtype=object))
    weights = (
        np.array([_weight(word, listed.weights, language) for word in vocabulary])[codes] if codes.size else np.empty(0)
    )
    weights = _with_phrases(weights, rows, codes, list(vocabulary), listed.weights)
    weights = np.where(_negated(rows, codes, list(vocabulary), listed), NEGATED * weights, weights)
    total = np.bincount(rows, weights, minlength=len(texts))
    known = np.bincount(rows, weights != 0, minlength=len(texts)).astype(np.int64)
    return total / np.sqrt(total**2 + SPREAD), known


def _with_phrases(
    weights: NDArray[np.float64],
    rows: NDArray[np.intp],
    codes: NDArray[np.intp],
    vocabulary: list[str],
    known: dict[str, float],
) -> NDArray[np.float64]:
    """Two words that the list has as one weigh as that one, at the second of them."""
    number = {word: code for code, word in enumerate(vocabulary)}
    pairs = {}
    for phrase, weight in known.items():
        first, space, second = phrase.partition(" ")
        if space and first in number and second in number:
            pairs[number[first] * len(vocabulary) + number[second]] = weight
    if not pairs:
        return weights
    here = codes[:-1] * len(vocabulary) + codes[1:]
    at = np.flatnonzero(np.isin(here, list(pairs)) & (rows[1:] == rows[:-1]))
    changed = weights.copy()
    changed[at] = 0
    changed[at + 1] = [pairs[key] for key in here[at].tolist()]
    return changed


def _negated(
    rows: NDArray[np.intp], codes: NDArray[np.intp], vocabulary: list[str], listed: WordList
) -> NDArray[np.bool_]:
    """Which words stand within the reach of a negation of their comment?"""
    turned = np.zeros(codes.size, bool)
    if not codes.size:
        return turned
    ahead = np.array([word in listed.negations or word.endswith("n't") for word in vocabulary])[codes]
    back = np.array([word in listed.negations_after for word in vocabulary])[codes]
    for step in range(1, REACH + 1):
        turned[step:] |= ahead[:-step] & (rows[step:] == rows[:-step])
    for step in range(1, REACH_BACK + 1):
        turned[:-step] |= back[step:] & (rows[step:] == rows[:-step])
    return turned


def _weight(word: str, known: dict[str, float], language: str) -> float:
    """The weight of a word or of the form of it that the list has; 0 where it has none."""
    return next((known[form] for form in _forms(word, language, known) if form in known), 0.0)


def _forms(word: str, language: str, known: dict[str, float]) -> Iterator[str]:
    """The word; with doubled letters once; without what Arabic puts before and after; its Russian stem."""
    yield word
    if (once := _DOUBLED.sub(r"\1", word)) != word:
        yield once
    if language == "ru":
        yield from (word[:end] for end in range(len(word), 2, -1) if _RUSSIAN_ENDING.fullmatch(word[end:]))
    if language == "ar" and len(bare := _BEFORE_A_WORD.sub("", word)) > 2:
        yield bare
        word = bare
    if language in _ENDINGS and len(bare := _ENDINGS[language].sub("", word)) > 2:
        yield bare


@cache
def _list(language: str) -> WordList:
    """A list as it ships, in plain spelling; where two spellings became one, their mean. Emoji serve all languages."""
    files = [LISTS / "emoji.csv", *([LISTS / f"{language}.csv"] if language in LISTED else [])]
    rows = [row for file in files for row in _rows(file)]
    weights: dict[str, list[float]] = {}
    for word, row in zip(plain([row["word"] for row in rows]), rows, strict=True):
        weights.setdefault(word, []).append(float(row["weight"]))
    turning = [row for row in _rows(LISTS / "negations.csv") if row["language"] == language]
    ahead, back = (plain([row["word"] for row in turning if row["turns"] == side]) for side in ("after", "before"))
    return WordList({word: sum(w) / len(w) for word, w in weights.items()}, frozenset(ahead), frozenset(back))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
