"""Texts as counts of the pieces of their words: every run of 2 to 5 characters within a word, its ends included.

No vocabulary is kept: a run is a number (a hash of its characters), so a model is as large for a million comments as for a
hundred, and reading goes over all characters at once. Two runs may share a number; with 2^18 of them a linear model hardly
notices.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

SHORTEST, LONGEST_RUN = 2, 5
NUMBERS = 2**18  # columns
_SPACE, _PRIME = np.uint32(ord(" ")), np.uint32(16_777_619)  # of the FNV hash

Counts = Any  # scipy's csr_matrix of float32, which has no type arguments


def count_runs(texts: Sequence[str]) -> Counts:
    """How often does each run stand in each plain text? One row a text, NUMBERS columns."""
    padded = [f" {text} " for text in texts]
    signs = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32)
    rows = np.repeat(np.arange(len(texts), dtype=np.int32), np.fromiter(map(len, padded), np.int64, len(texts)))
    spaces = np.cumsum(signs == _SPACE, dtype=np.int32)
    hashed = (signs ^ np.uint32(2_166_136_261)) * _PRIME
    found: list[NDArray[Any]] = []
    of: list[NDArray[Any]] = []
    for length in range(SHORTEST, LONGEST_RUN + 1):
        if signs.size < length:
            break
        hashed = (hashed[:-1] ^ signs[length - 1 :]) * _PRIME
        ends = slice(length - 1, None)
        inner = spaces[length - 2 : -1] - spaces[: hashed.size]  # spaces after the first sign and before the last
        whole = (inner == 0) & (rows[ends] == rows[: hashed.size])
        found.append((hashed[whole] ^ (hashed[whole] >> np.uint32(15))) & np.uint32(NUMBERS - 1))
        of.append(rows[: hashed.size][whole])
    shape = (len(texts), NUMBERS)
    if not found:
        return sparse.csr_matrix(shape, dtype=np.float32)
    columns, lines = np.concatenate(found).astype(np.int32), np.concatenate(of)
    return sparse.csr_matrix((np.ones(columns.size, np.float32), (lines, columns)), shape=shape)


def rarity(counts: Counts) -> NDArray[np.float32]:
    """How telling is each run: ln((1 + texts) / (1 + texts that have it)) + 1, the usual smooth inverse document frequency."""
    texts = np.bincount(counts.indices, minlength=NUMBERS)
    rare: NDArray[np.float32] = (np.log((1 + counts.shape[0]) / (1 + texts)) + 1).astype(np.float32)
    return rare


def weighted(counts: Counts, rare: NDArray[np.float32]) -> Counts:
    """TF-IDF: (1 + ln count) × rarity, each row of length 1."""
    data = (1 + np.log(counts.data)) * rare[counts.indices]
    lines = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    length = np.sqrt(np.bincount(lines, data**2, minlength=counts.shape[0]))
    data = (data / length[lines]).astype(np.float32)
    return sparse.csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)
