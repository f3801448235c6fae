"""Texts of a column cut into pieces, all at once; and the different ones among them, so that each is looked at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Places = npt.NDArray[np.int64]


def written_bytes(values: pa.Array) -> npt.NDArray[np.uint8]:
    """All texts of a column, one behind the other, as bytes."""
    _valid, offsets, data = values.buffers()
    if offsets is None or data is None or not len(values):
        return np.zeros(0, np.uint8)
    places = np.frombuffer(offsets, np.int32)
    return np.frombuffer(data, np.uint8)[places[values.offset] : places[values.offset + len(values)]]


def places_of(values: pa.Array) -> Places:
    """Where each text begins in `written_bytes`, and where the last one ends."""
    if not len(values):
        return np.zeros(1, np.int64)
    places = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    begins: Places = (places - places[0]).astype(np.int64)
    return begins


def texts_of(data: npt.NDArray[np.uint8], ends: Places) -> pa.Array:
    """Texts from their bytes: `ends` has where the first begins and where each one ends."""
    buffers = [None, pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.string(), len(ends) - 1, buffers)


def cut(data: npt.NDArray[np.uint8], begin: Places, end: Places) -> pa.Array:
    """The texts between two places of the same bytes; `begin` never falls."""
    filled = end > begin
    inside = np.zeros(len(data) + 1, np.int8)
    inside[begin[filled]] += 1
    inside[end[filled]] -= 1
    kept = data[np.cumsum(inside, dtype=np.int8)[:-1].astype(bool)]
    return texts_of(kept, np.concatenate([[0], np.cumsum(end - begin)]))


def different(texts: pa.Array) -> tuple[list[str], Places]:
    """The different texts, and which of them stands where. No text is null."""
    encoded = texts.dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def different_pairs(one: Places, other: Places, limit: int, other_limit: int) -> tuple[Places, Places, Places]:
    """The different pairs of two numbers below their limits, each as two columns, and which of them stands where."""
    codes = one * other_limit + other
    if limit * other_limit > 4 * len(codes):
        found, places = np.unique(codes, return_inverse=True)
    else:
        used = np.zeros(limit * other_limit, bool)
        used[codes] = True
        found, places = np.flatnonzero(used), (np.cumsum(used) - 1)[codes]
    return found // max(other_limit, 1), found % max(other_limit, 1), places.astype(np.int64)
