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

LONGEST = 5_000  # characters of a comment that are read: the longest answers of survey tools; keeps every step linear
HIDDEN = "\N{CURRENCY SIGN}"  # stands for an address, a handle, a number of a person or an order; no letter, so no word

_LETTERS = {"ا": "أإآٱٲٳ", "ی": "ىيےېۍئ", "ک": "كڪ", "ه": "ةۀہۂۃە", "و": "ؤٶ", "е": "ё"}  # to → from
_AS_TYPED = str.maketrans("’‘‛ʼ`´′＇№", "''#")  # NFKC would make a space of ´ and "No" of №
_MARKS = (
    "\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u08d3-\u08ff\ufe00-\ufe0f"
)
_SPACING = ("Zs", "Zl", "Zp")
_TAKEN_OUT = ("Cc", "Cf", "Cs")  # controls; bidi signs, joiners, soft hyphens; halves of surrogate pairs
_RANGES = ((0x80, 0x3400), (0xD800, 0xE000), (0xFE00, 0x10000), (0xE0000, 0xE0200))  # where such signs are
_BREAKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85"

_JOINER = re.compile("(?<=[\u0620-\u06d3])\u200c+(?=[\u0620-\u06d3])")
_HIDDEN = re.compile(
    r"""(?:https?://|ftp://|www\.)\S+                                  # an address on the web
      | (?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}    # an e-mail address
      | (?<!\w)@\w+                                                    # somebody's handle
      | (?<!\w)[\da-f]{8}-[\da-f]{4}-[\da-f-]{14,}                     # a UUID
      | (?<!\w)\+?\(?\d(?:[\s().-]{0,2}\d){6,}(?!\w)                   # seven digits and more: a phone, a card, an order
      | (?<!\w)\#?(?=[\d_-]{0,60}[^\W\d_])(?=[\w-]{0,60}\d{4})[\w-]{5,64}(?![\w-])  # letters with four digits in a row
      | (?<!\w)#\s?\d+(?!\w)                                         # No 12""",
    re.VERBOSE,
)
_MAY_HIDE = re.compile(r"\d{4}|[@#]|://|www\.|\d[\s().-]{1,2}\d")
_REPEATED = re.compile(r"([^\d\s])\1{2,}")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")


def plain(texts: Sequence[str | None]) -> list[str]:
    """How is each text spelled once case, forms of letters, marks, digits, stretched letters and personal numbers no longer count?

    One text for each, in order; "" for None and for texts of nothing but spaces, controls and marks. Compatibility forms
    (presentation forms of Arabic, full-width signs) become plain letters; ё is е; all digits are 0-9; a sign in a row is
    there at most twice, digits excepted. Only the first LONGEST characters are read. Punctuation and emoji stay.

    >>> plain(["Sooooo GOOD!!!", "كتابٌ عربيّة", "Ещё раз: ivan@example.com", None])
    ['soo good!!', 'کتاب عربیه', 'еще раз: ¤', '']
    """
    table = _table()
    return [_plain(text, table) if text else "" for text in texts]


def words(text: str) -> list[str]:
    """Which words does a plain text hold? In order, repeats included; what is only digits is no word, and neither is HIDDEN.

    >>> words("don't wait 20 min, wi-fi ¤")
    ["don't", 'wait', 'min', 'wi', 'fi']
    """
    return [word for word in _WORD.findall(text) if not word.isdigit()]


def _plain(text: str, table: dict[int, str | None]) -> str:
    text = text[:LONGEST]
    if "&" in text:
        text = html.unescape(text)  # exports of web forms write &amp; and &quot;
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_AS_TYPED))
        if "\u200c" in text:
            text = _JOINER.sub(" ", text)
    text = text.casefold().translate(table)
    if _MAY_HIDE.search(text):
        text = _HIDDEN.sub(HIDDEN, text)
    return " ".join(_REPEATED.sub(r"\1\1", text).split())[:LONGEST]


@cache
def _table() -> dict[int, str | None]:
    """What each character becomes: made once, at the first question."""
    table: dict[int, str | None] = dict.fromkeys(range(0x20))
    table |= dict.fromkeys((0x7F, *range(0x80, 0xA0)))
    for first, end in _RANGES:
        for code in range(first, end):
            kind = unicodedata.category(chr(code))
            if kind == "Nd":
                table[code] = str(unicodedata.decimal(chr(code)))
            elif kind in _SPACING:
                table[code] = " "
            elif kind in _TAKEN_OUT or re.match(f"[{_MARKS}]", chr(code)):
                table[code] = None
    table |= {ord(sign): " " for sign in _BREAKS}
    table |= {ord(letter): to for to, letters in _LETTERS.items() for letter in letters}
    return table | {0x640: None}  # tatweel stretches a line, it is no letter
