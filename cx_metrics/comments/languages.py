"""In which language is each comment written: English, Arabic, Persian or Russian?

By script, then by letters and small words that only one language of the script has. What the file says about the language
wins. Where nothing decides, the language is "": scripts mixed, another script or a neighbour in the same one, only digits
or emoji, a word that Arabic and Persian share. Rules, no model: nothing here was learnt from anybody's comments, and every
answer can be traced to a letter or a word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from cx_metrics.comments.normalise import composed, hidden, plain, words

LANGUAGES = ("en", "ar", "fa", "ru")
UNKNOWN = ""
MAIN_SHARE = 2 / 3  # of the letters, in one script: a brand name in Latin letters does not hide the language
FOREIGN_SHARE = (
    1 / 20
)  # of the letters of that script, not of its language: more, and it is a neighbour (German, Ukrainian, Urdu)
READ = 300  # characters in which small words are looked for
TOGETHER = 20_000  # texts that are looked at as one array of characters

_NONE, _LATIN, _ARABIC, _CYRILLIC, _OTHER = range(5)
_EITHER = "ar or fa"
_OF_SCRIPT = (UNKNOWN, "en", _EITHER, "ru", UNKNOWN)  # by number
_NEIGHBOUR = 5  # added for a letter of the script that none of our languages has
_OWN = {
    _LATIN: "abcdefghijklmnopqrstuvwxyz",
    _CYRILLIC: "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    _ARABIC: "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيپچژکگیۀٱ",
}
_EVIDENCE = {
    "پ": 3,
    "چ": 3,
    "ژ": 3,
    "گ": 3,
    "ک": 2,
    "ی": 2,
    "ۀ": 2,
    "ة": -3,
    "إ": -2,
    "أ": -1,
    "ى": -1,
    "ٱ": -1,
    "ك": -1,
    "ي": -1,
}
# for Persian above 0, for Arabic below: a Persian text typed on an Arabic keyboard has ك and ي too
_SMALL_WORDS = {
    "fa": "از که در با را این است بود نبود نیست شد نشد خیلی برای می نمی هر همه چون ولی رو دیگه بسیار ها های خوبه خوب بد البته",
    "ar": "في على الى هذا هذه كان كانت لم لن ليس التي الذي انا هو هي عن مع لكن عند هناك لا ولا وفي ومن",
}
_SMALL = 2  # a small word, or the article of Arabic, weighs as much as a letter
_ARTICLE = ("ال", "وال", "بال", "فال", "کال", "لل")
_PERSIAN_WITH_IT = frozenset(("البته", "الان", "الکی", "الهی", "الگو", "الگوی", "الویه", "المان", "الکل"))
FILE_SHARE, FILE_LEAST = 0.95, 20  # of the Arabic-script comments that decide; then the rest of the file follows them
_NAMES = {
    "english": "en", "eng": "en", "arabic": "ar", "ara": "ar", "العربية": "ar", "عربي": "ar", "عربى": "ar",
    "persian": "fa", "farsi": "fa", "fas": "fa", "per": "fa", "فارسی": "fa", "فارسي": "fa", "russian": "ru", "rus": "ru",
    "русский": "ru", "английский": "en", "انگلیسی": "en", "الإنجليزية": "en", "арабский": "ar", "персидский": "fa",
}  # fmt: skip


NEARLY_ALL = 0.9  # of the long comments in Latin letters
LONG_WORDS = 5  # a comment of more words holds a small one, nearly always
_SHORT, _FOREIGN = "latin, short", "latin, not English"  # on the way
_ENGLISH = re.compile(  # no word of the languages around
    r"\b(?:the|and|of|with|was not|is|it|it's|this|that|were|they|them|their|have|had|has|been|my|you|your|would|could|should|"
    r"there|here|when|which|because|very|from|but|not|didn't|don't|can't|wasn't|i'm|i've|our|what|about|after|too|good|great|"
    r"easy|thanks|thank)\b",
    re.IGNORECASE,
)


def languages_of(comments: Sequence[str | None], given: Sequence[str | None] | None = None) -> list[str]:
    """In which language is each comment? One of LANGUAGES or UNKNOWN, or what `given` says.

    `given` is the column of the file: codes ("fa", "en-GB", "rus") and names ("Farsi", "العربية") are understood, another
    language keeps its code. Where it is empty, the text decides. A comment of nothing but words that Arabic and Persian
    share follows the file, if at least FILE_LEAST of its comments tell and FILE_SHARE of these are in one of the two.

    >>> languages_of(["Great!", "خدمة ممتازة", "خیلی خوب بود", "Очень хорошо", "👍 10/10", "سلام", "ok"], [None] * 6 + ["ru-RU"])
    ['en', 'ar', 'fa', 'ru', '', '', 'ru']
    """
    found: list[str] = []
    for start in range(0, len(comments), TOGETHER):
        found += _read([comment if isinstance(comment, str) else "" for comment in comments[start : start + TOGETHER]])
    follows = _of_the_file(found)
    latin, foreign = _latin_of_the_file(found)
    meant = {_EITHER: follows, _SHORT: latin, _FOREIGN: foreign}
    found = [meant.get(language, language) for language in found]
    if given is not None:
        found = [_code(said) or read for said, read in zip(given, found, strict=True)]
    return found


def _of_the_file(found: list[str]) -> str:
    """Which of Arabic and Persian is this file written in? UNKNOWN where both are there, or hardly anything tells."""
    arabic, persian = found.count("ar"), found.count("fa")
    if arabic + persian < FILE_LEAST or max(arabic, persian) < FILE_SHARE * (arabic + persian):
        return UNKNOWN
    return "ar" if arabic > persian else "fa"


def _latin_of_the_file(found: list[str]) -> tuple[str, str]:
    """What comments in Latin letters are that hold no small word of English: short ones, and ones long enough to hold one.

    Where nearly all long ones are English, all are; where most are, the short ones are; else nobody knows. A file of short ones
    alone is taken for English.
    """
    english, foreign = found.count("en"), found.count(_FOREIGN)
    return (
        "en" if english >= foreign else UNKNOWN,
        "en" if english >= NEARLY_ALL * (english + foreign) else UNKNOWN,
    )


def _code(said: str | None) -> str:
    """What the file means by its language, as a code; "" where it says nothing."""
    if not isinstance(said, str):
        return ""
    name = unicodedata.normalize("NFKC", said).strip().casefold()
    return _NAMES.get(name, re.split("[-_ ]", name)[0][:20])


def _read(comments: list[str]) -> list[str]:
    texts = [hidden(composed(comment), False) for comment in comments]
    counts, evidence = _letters(texts)
    letters = counts[:, _LATIN:_NEIGHBOUR] + counts[:, _NEIGHBOUR + _LATIN :]
    each = np.arange(len(texts))
    script = letters.argmax(axis=1) + _LATIN
    in_main = letters[each, script - _LATIN]
    foreign = counts[each, script + _NEIGHBOUR]
    sure = (in_main > 0) & (in_main >= MAIN_SHARE * letters.sum(axis=1)) & (foreign <= FOREIGN_SHARE * in_main)
    found = np.array(_OF_SCRIPT, dtype=object)[np.where(sure, script, _NONE)]
    arabic = np.flatnonzero(found == _EITHER)
    said = evidence[arabic] + _SMALL * np.array(
        [_small(text) for text in plain([texts[i] for i in arabic])], dtype=float
    )
    latin = np.flatnonzero(found == "en")
    found[latin] = [_latin(texts[i][:READ]) for i in latin]
    found[arabic] = np.where(said > 0, "fa", np.where(said < 0, "ar", _EITHER))
    languages: list[str] = found.tolist()
    return languages


def _latin(text: str) -> str:
    """English where it holds a small word of English alone; else one long enough to hold one, or a short one."""
    if _ENGLISH.search(text):
        return "en"
    return _FOREIGN if text.count(" ") >= LONG_WORDS else _SHORT


def _small(text: str) -> int:
    """How many small words of Persian more than of Arabic has a plain text?"""
    small = _small_words()
    more = 0
    for word in words(text[:READ]):
        if word in small["fa"]:
            more += 1
        elif word in small["ar"] or (word.startswith(_ARTICLE) and len(word) > 4 and word not in _PERSIAN_WITH_IT):
            more -= 1
    return more


@cache
def _small_words() -> dict[str, frozenset[str]]:
    return {language: frozenset(plain([small])[0].split()) for language, small in _SMALL_WORDS.items()}


def _letters(texts: list[str]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """How many letters of each script has each text, one column a kind, those of neighbours after our own? And which
    evidence for Persian do they add up to?"""
    signs = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.uint32)
    rows = np.repeat(np.arange(len(texts)), np.fromiter(map(len, texts), np.int64, len(texts)))
    kinds, evidence = _kinds()
    counted = np.bincount(rows * 2 * _NEIGHBOUR + kinds[signs], minlength=len(texts) * 2 * _NEIGHBOUR)
    return counted.astype(np.int64).reshape(len(texts), -1), np.bincount(
        rows, evidence[signs], minlength=len(texts)
    ).astype(float)


@cache
def _kinds() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The script of each code point, and its evidence for Persian.

    A letter that our languages of the script do not have counts as a neighbour's.
    """
    kinds = np.zeros(0x110000, np.int64)
    scripts = {"LATIN": _LATIN, "ARABIC": _ARABIC, "CYRILLIC": _CYRILLIC}
    for code in (*range(0x41, 0x3400), *range(0xA000, 0xD800), *range(0xF900, 0x11000)):
        sign = chr(code)
        if sign.isalpha():
            script = scripts.get(unicodedata.name(sign, "").split(" ")[0], _OTHER)
            kinds[code] = script + (_NEIGHBOUR if script in _OWN and sign not in _OWN[script] else 0)
    kinds[0x3400:0xA000] = kinds[0x20000:0x32000] = _OTHER
    kinds[ord("ـ")] = _NONE
    evidence = np.zeros(0x110000)
    for sign, weight in _EVIDENCE.items():
        evidence[ord(sign)] = weight
    return kinds, evidence
