"""The same text in plain signs: digits of four scripts as 0–9, every space as a space, marks that nobody sees left out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cx_metrics.reading.pieces import places_of, texts_of, written_bytes

_AS_IT_IS, _LEFT_OUT = 255, 0
ARABIC_DECIMAL, ARABIC_GROUP = 0x066B, 0x066C


def _plain_signs() -> npt.NDArray[np.uint8]:
    """For each code point below 65536: the sign of ASCII it stands for, that it is left out, or that it stays."""
    plain = np.full(65_536, _AS_IT_IS, np.uint8)
    for zero in (0x0660, 0x06F0, 0xFF10):  # Arabic-Indic, Persian, full-width
        plain[zero : zero + 10] = np.frombuffer(b"0123456789", np.uint8)
    same = {
        " ": "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
        "-": "\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d",
        "/": "\u2044\u2215\uff0f",
        ":": "\u2236\uff1a",
        ".": "\uff0e",
        ",": "\u060c\uff0c",
        "'": "\u2018\u2019\u02bc",
        "%": "\u066a\uff05",
    }
    for sign, others in same.items():
        plain[[ord(other) for other in others]] = ord(sign)
    # marks of direction, joiners, the soft hyphen, the stretcher of Arabic words, byte order marks
    unseen = [0x00AD, 0x061C, 0x0640, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A)]
    plain[unseen] = _LEFT_OUT
    return plain


_PLAIN = _plain_signs()
_LEADS = np.isin(np.arange(256), [chr(sign).encode()[0] for sign in np.flatnonzero(_PLAIN != _AS_IT_IS)] + [0xD9])


def in_plain_signs(values: pa.Array, decimal: str = ".", group: str = "'") -> pa.Array:
    """The texts in plain signs; Arabic marks of decimals and thousands become `decimal` and `group`. Null stays null.

    Letters stay as they are. A column of ASCII costs a look at its bytes.
    """
    data = written_bytes(values)
    if not len(data) or data.max() < 128:
        return values
    plain = _PLAIN.copy()
    plain[ARABIC_DECIMAL], plain[ARABIC_GROUP] = ord(decimal), ord(group)
    data, keep = data.copy(), np.ones(len(data), bool)
    leads = np.flatnonzero(_LEADS[data])
    long = data[leads] >= 0xE0
    two, three = leads[~long], leads[long]
    points = np.concatenate([
        (data[two] & 31).astype(np.int64) << 6 | data[two + 1] & 63,
        (data[three] & 15).astype(np.int64) << 12 | (data[three + 1] & 63).astype(np.int64) << 6 | data[three + 2] & 63,
    ])  # fmt: skip
    first = np.concatenate([two, three])
    long = np.arange(len(first)) >= len(two)
    signs = plain[points]
    known = signs != _AS_IT_IS
    data[first[known]] = signs[known]
    keep[first[known] + 1] = False
    keep[first[known & long] + 2] = False
    keep[first[signs == _LEFT_OUT]] = False
    texts = texts_of(data[keep], np.concatenate([[0], np.cumsum(keep)])[places_of(values)])
    return pc.if_else(pc.is_valid(values), texts, pa.scalar(None, pa.string())) if values.null_count else texts
