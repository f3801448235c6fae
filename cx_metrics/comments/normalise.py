"""One spelling for what people spell in many ways: for matching only, never for showing.

Persian and Arabic share one form of each letter (ی, ک, ه, ا, و), as everywhere in Touchline. The zero-width non-joiner
of Persian becomes a space: it parts a word from its ending (کتاب‌ها), many people type a space there, and the word before
it is then found as it is. Elsewhere it is noise and goes. What points at a person or a thing (addresses, handles, phone
numbers, order numbers) becomes one sign, HIDDEN, so that no model and no list of words can learn it.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

LONGEST = 5_000  # characters of a comment that are read: the longest answers of survey tools; keeps every step linear
HIDDEN = "\N{CURRENCY SIGN}"  # stands for an address, a handle, a number of a person or an order; no letter, so no word

Signs = NDArray[np.uint32]  # characters as code points
TOGETHER = 20_000  # texts that are worked on as one array of characters: a few megabytes
SEAM = "\0"  # between them

_LETTERS = {"ا": "أإآٱٲٳ", "ی": "ىيےېۍئ", "ک": "كڪ", "ه": "ةۀہۂۃە", "و": "ؤٶ", "е": "ё", "'": "’‘‛ʼ`′"}  # to → from
_MARKS = (
    (0x300, 0x700),
    (0x8D0, 0x900),
    (0x1DC0, 0x1E00),
    (0x20D0, 0x2100),
    (0xFE00, 0xFE30),
)  # Latin, Cyrillic, Arabic
_TATWEEL = 0x640  # stretches a line, it is no letter
_SPACING = ("Zs", "Zl", "Zp")
_TAKEN_OUT = ("Cc", "Cf", "Cs")  # controls; bidi signs, joiners, soft hyphens; halves of surrogate pairs
_RANGES = ((0x1, 0x3400), (0xA600, 0xAC00), (0xD800, 0xE000), (0xFE00, 0x12000), (0xE0000, 0xE0200))  # where they are
_BREAKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85"
_GONE = 0x110000  # no character

_JOINER = re.compile("(?<=[\u0620-\u06d3])\u200c+(?=[\u0620-\u06d3])")
_ADDRESS = re.compile(r"(?<!\w)(?:[a-z][a-z\d+.-]{1,20}://|www\.)\S+")
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_HANDLE = re.compile(r"(?<!\w)@\w+")
_NUMBER = re.compile(
    r"""(?<!\w)[\da-f]{8}-[\da-f]{4}-[\da-f-]{14,}                   # a UUID
      | (?<!\w)\+?\(?\d(?:[ ().-]{0,2}\d){6,}(?!\w)                # seven digits and more: a phone, a card, an order
      | (?<!\w)\#?(?=[\d_-]{0,60}[^\W\d_])(?=[\w-]{0,60}\d{4})[\w-]{5,64}(?![\w-])  # letters and four digits in a row
      | (?<!\w)\#\ ?\d+(?!\w)                                      # No 12""",
    re.VERBOSE,
)
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def plain(texts: Sequence[str | None]) -> list[str]:
    """How is each text spelled once case, forms of letters, marks, digits, stretched letters and personal numbers no longer count?

    One text for each, in order; "" for None (or NaN) and for texts of nothing but spaces, controls and marks. Compatibility forms
    (presentation forms of Arabic, full-width signs) become plain letters; ё is е; all digits are 0-9; a sign in a row is
    there at most twice, digits excepted. Only the first LONGEST characters are read. Punctuation and emoji stay.

    >>> plain(["Sooooo GOOD!!!", "كتابٌ عربيّة", "Ещё раз: ivan@example.com", None])
    ['soo good!!', 'کتاب عربیه', 'еще раз: ¤', '']
    """
    found: list[str] = []
    for start in range(0, len(texts), TOGETHER):
        found += _plain([composed(text) if isinstance(text, str) else "" for text in texts[start : start + TOGETHER]])
    return found


def words(text: str) -> list[str]:
    """Which words does a plain text hold? In order, repeats included; what is only digits is no word, and neither is HIDDEN.

    >>> words("don't wait 20 min, wi-fi ¤")
    ["don't", 'wait', 'min', 'wi', 'fi']
    """
    return [word for word in _WORD.findall(text) if not word.isdigit()]


def composed(text: str) -> str:
    """The text with entities read, in compatibility form and without case, its letters as they were typed."""
    text = text[:LONGEST].replace(SEAM, "")
    if "&" in text:
        text = html.unescape(text)  # exports of web forms write &amp; and &quot;
    if not text.isascii():
        text = text.replace("´", "'").replace("№", "#")  # else a space and a mark; "No"
        text = unicodedata.normalize("NFKC", text)[:LONGEST]
        if "\u200c" in text:
            text = _JOINER.sub(" ", text)
    return text.casefold()[:LONGEST]


def _plain(texts: list[str]) -> list[str]:
    signs = _table()[_signs(texts)]
    signs = signs[signs != _GONE]
    numbers = _many_digits(signs)
    return _squeezed([hidden(text, number) for text, number in zip(_texts(signs), numbers, strict=True)])


def hidden(text: str, numbers: bool) -> str:
    """The text with HIDDEN for addresses and handles, and for `numbers` where it may have some."""
    if "://" in text or "www." in text:
        text = _ADDRESS.sub(HIDDEN, text)
    if "@" in text:
        text = _HANDLE.sub(HIDDEN, _MAIL.sub(HIDDEN, text) if "." in text else text)
    return _NUMBER.sub(HIDDEN, text) if numbers or "#" in text else text


def _many_digits(signs: Signs) -> list[bool]:
    """Which texts have four digits or more?"""
    digits = np.cumsum(_is_digit(signs))
    ends = np.append(np.flatnonzero(signs == 0), signs.size) - 1  # the last sign of each text
    upto = np.where(ends >= 0, digits[np.maximum(ends, 0)], 0) if signs.size else np.zeros(1, int)
    many: list[bool] = (np.diff(upto, prepend=0) >= 4).tolist()
    return many


def _squeezed(texts: list[str]) -> list[str]:
    """No sign but digits more than twice in a row, no space twice or at an end."""
    signs = _signs(texts)
    as_before = signs[1:] == signs[:-1]
    extra = np.zeros(signs.size, bool)
    extra[1:] = as_before & (signs[1:] == ord(" "))
    extra[2:] |= as_before[1:] & as_before[:-1] & (signs[2:] != 0) & ~_is_digit(signs[2:])
    return [text.strip() for text in _texts(signs[~extra])]


def _is_digit(signs: Signs) -> NDArray[np.bool_]:
    return (signs >= ord("0")) & (signs <= ord("9"))


def _signs(texts: list[str]) -> Signs:
    return np.frombuffer(SEAM.join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)


def _texts(signs: Signs) -> list[str]:
    return signs.tobytes().decode("utf-32-le").split(SEAM)


@cache
def _table() -> Signs:
    """What each code point becomes: made once, at the first question."""
    table = np.arange(0x110000, dtype=np.uint32)
    for first, end in _RANGES:
        for code in range(first, end):
            sign = chr(code)
            kind = unicodedata.category(sign)
            if kind == "Nd":
                table[code] = ord("0") + unicodedata.decimal(sign)
            elif kind in _SPACING or sign in _BREAKS:
                table[code] = ord(" ")
            elif kind in _TAKEN_OUT or code == _TATWEEL or (kind == "Mn" and _in(code, _MARKS)):
                table[code] = _GONE
    for to, letters in _LETTERS.items():
        table[[ord(letter) for letter in letters]] = ord(to)
    return table


def _in(code: int, ranges: Sequence[tuple[int, int]]) -> bool:
    return any(first <= code < end for first, end in ranges)
