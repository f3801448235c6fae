"""Comments as rows of a sparse matrix: which terms they hold, weighed by how rare each is (TF-IDF).

A term is a group of word forms that share a stem (word_forms.py), without stop words, numbers and words of one letter. Words are
taken apart in Arrow, so that a million comments take seconds; Python sees each distinct word of the sample once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cx_metrics.comments.normalise import plain, words
from cx_metrics.comments.stop_words import stop_words
from cx_metrics.comments.word_forms import stem

Numbers = NDArray[np.int64]
Values = NDArray[np.float64]

RAREST = 5  # comments that a term must stand in: what stands in fewer cannot tell themes apart
RAREST_SHARE = 0.0005
COMMONEST_SHARE = 0.3  # of the comments: "seat" says nothing in reviews of seats
MOST_TERMS = 3_000  # the commonest; more made themes no better and everything slower
FEWEST_LETTERS = 2
_BETWEEN_WORDS = r"[^\p{L}\p{N}']+"
_BETWEEN_WRITTEN = "[^\\p{L}\\p{M}\\p{N}'’\u0640\u200d]+"  # in texts as they were written: marks and tatweel are inside


@dataclass(frozen=True)
class Vocabulary:
    """The terms of one language: which words belong to which (`word_terms[i]` is the term of `words[i]`), how rare each term is,
    and how people write it most often."""

    language: str
    words: pa.Array
    word_terms: Numbers
    rarity: Values
    shown: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rarity)

    def counts(self, plain_texts: Sequence[str]) -> Any:
        """How often does each comment hold each term? A sparse matrix, comments by terms."""
        rows, found = _taken_apart(plain_texts)
        known = pc.index_in(found, value_set=self.words).fill_null(-1).to_numpy(zero_copy_only=False)
        return _matrix(rows[known >= 0], self.word_terms[known[known >= 0]], (len(plain_texts), len(self)))

    def weights(self, plain_texts: Sequence[str]) -> Any:
        """TF-IDF of each comment: 1 + log of the count, times the rarity of the term, each row of length 1."""
        return weighed(self.counts(plain_texts), self.rarity)


def weighed(counts: Any, rarity: Values) -> Any:
    """TF-IDF of counted terms: rows of length 1, or of zeros."""
    from scipy import sparse

    found = counts.copy()
    found.data = (1 + np.log(found.data)) * rarity[found.indices]
    lengths = np.sqrt(np.asarray(found.multiply(found).sum(axis=1)).ravel())
    return sparse.csr_matrix(sparse.diags(1 / np.where(lengths > 0, lengths, 1)) @ found)


def vocabulary(plain_texts: Sequence[str], language: str, written: Sequence[str]) -> Vocabulary:
    """Which terms do distinct comments of one language hold? `written`: the same comments as people wrote them, any order."""
    rows, found = _taken_apart(plain_texts)
    coded = found.dictionary_encode()
    distinct, ids = coded.dictionary, coded.indices.to_numpy()
    stems = _stems(distinct.to_pylist(), language)
    names = sorted({name for name in stems if name})
    number = {name: i for i, name in enumerate(names)}
    terms = np.array([number.get(name, -1) for name in stems], dtype=np.int64)
    of_words = terms[ids]
    counts = _matrix(rows[of_words >= 0], of_words[of_words >= 0], (len(plain_texts), len(names)))
    held = np.bincount(counts.indices, minlength=len(names))
    kept = _kept(held, len(plain_texts))
    place = np.full(len(names) + 1, -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    word_terms = place[terms]  # the last place is for words without a term
    used = np.flatnonzero(word_terms >= 0)
    chosen = [names[i] for i in kept]
    return Vocabulary(
        language,
        distinct.take(pa.array(used)),
        word_terms[used],
        np.log((1 + len(plain_texts)) / (1 + held[kept])) + 1,
        _shown(chosen, written, language),
    )


def word_counts(plain_texts: Sequence[str]) -> Numbers:
    """How many words does each comment have, stop words included?"""
    rows, _ = _taken_apart(plain_texts)
    return np.bincount(rows, minlength=len(plain_texts))


def _kept(held: Numbers, comments: int) -> Numbers:
    """The terms that can tell themes apart, in the order of their names."""
    least = max(RAREST, RAREST_SHARE * comments)
    fit = np.flatnonzero((held >= least) & (held <= COMMONEST_SHARE * comments))
    return np.sort(fit[np.argsort(-held[fit], kind="stable")][:MOST_TERMS])


def _stems(found: Sequence[str], language: str) -> list[str]:
    """The stem of each word; "" for one that is no term."""
    passed_over = stop_words(language)
    said = [word.strip("'") for word in found]
    return [
        ""
        if len(word) < FEWEST_LETTERS or word in passed_over or any(sign.isdigit() for sign in word)
        else stem(word, language)
        for word in said
    ]


def _taken_apart(plain_texts: Sequence[str]) -> tuple[Numbers, pa.Array]:
    """All words of all comments in order, and the comment of each."""
    spaced = pc.replace_substring_regex(pa.array(plain_texts, pa.large_string()), _BETWEEN_WORDS, " ")
    parts = pc.split_pattern(pc.utf8_trim_whitespace(spaced), " ")
    rows = np.repeat(np.arange(len(parts)), np.diff(parts.offsets.to_numpy()))
    found = parts.flatten()
    there = pc.not_equal(found, "")
    return rows[there.to_numpy(zero_copy_only=False)], found.filter(there)


def _matrix(rows: Numbers, columns: Numbers, shape: tuple[int, int]) -> Any:
    from scipy import sparse

    found = sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
    found.sum_duplicates()
    return found


def _shown(terms: Sequence[str], written: Sequence[str], language: str) -> tuple[str, ...]:
    """How do people write each term most often? In small letters, with their own forms of letters."""
    said = pc.replace_substring_regex(pa.array(written, pa.large_string()), _BETWEEN_WRITTEN, " ")
    counted = pc.value_counts(pc.split_pattern(pc.utf8_lower(said), " ").flatten())
    forms = [form.strip("'’") for form in counted.field(0).to_pylist()]
    often = counted.field(1).to_numpy()
    best: dict[str, tuple[int, str]] = {}
    for form, spelled, times in zip(forms, plain(forms), often, strict=True):
        if words(spelled) != [spelled]:
            continue
        group = stem(spelled, language)
        best[group] = max(best.get(group, (0, "")), (int(times), form))
    return tuple(best[term][1] if term in best else term for term in terms)
