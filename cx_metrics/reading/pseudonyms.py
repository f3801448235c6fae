"""Pseudonyms for customer ids."""

from __future__ import annotations

import hmac

KEY_BYTES = 32  # as long as the hash: RFC 2104, section 3
DIGITS = 32  # 128 bits: among 10^9 customers two share a pseudonym with a probability of 10^-21
_ABOUT = b"touchline customer id\0"  # the same key used for something else gives other values


def pseudonym(key: bytes, customer_id: str) -> str:
    """What a customer is called in place of the id: HMAC-SHA256 under a secret key, its first 32 hexadecimal digits.

    The same id has the same pseudonym under the same key, in every file, so that files still join. Without the key nobody can tell
    which id a pseudonym stands for, nor find out by trying ids, as with a plain hash. It does not protect from who has the key
    (they can compute the pseudonym of any id they know), from what else a row says (an e-mail address, a comment, a rare
    journey), nor from telling that two datasets under one key speak of the same customer. Such data are still personal data.

    `customer_id`: as it is read from files, without spaces around it.

    Raises:
        ValueError: the key is shorter than 32 bytes.
    """
    if len(key) < KEY_BYTES:
        raise ValueError(f"a key of at least {KEY_BYTES} bytes is needed")
    return hmac.digest(key, _ABOUT + customer_id.encode(), "sha256").hex()[:DIGITS]
