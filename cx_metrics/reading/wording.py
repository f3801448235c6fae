"""The words of a touchpoint's name: parted, folded to one spelling, and brought to their stems, in four languages.

The stems are rough on purpose. They never reach a reader; they only make "orders", "ordered" and "order" one word, and
names and dictionary go through the same mill.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import unquote

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORDS = re.compile(r"[^\W\d_]+|\d+")
_ADDRESS = re.compile(r"^\s*(?:[A-Za-z][A-Za-z0-9+.-]*://[^/\s?#]*|www\.[^/\s?#]+)")
_PATH = re.compile(r"^/[^\s]*$")
_QUERY = re.compile(r"[?#].*$", re.DOTALL)
_FILE_TYPE = re.compile(r"\.(?:html?|php|aspx?|jsp)$", re.IGNORECASE)
_NUMBER = re.compile(r"№|\b(?:no|nr)\.?[\s_#]*(?=\d)", re.IGNORECASE)  # "order no. 5" denies nothing
_PARTS = re.compile(r"\s[-–—:>»·•~]+\s|[|/\\>»→]+|::|:\s")
# The same letters as in aliases.py: keyboards of Arabic and Persian differ, ё and й are told apart from е and и by marks.
_SAME = str.maketrans("أإآٱىيكةؤئё", "ااااییکهوئе", "ـ\u200c\u200d\u200e\u200f")
_KEPT_MARKS = "\u0653\u0306"
_MARKS = dict.fromkeys(
    c
    for start, end in ((0x300, 0x1E00), (0x20D0, 0x2100), (0xFE00, 0xFE30))
    for c in range(start, end)
    if unicodedata.category(chr(c)) == "Mn" and chr(c) not in _KEPT_MARKS
)
LONGEST = 2_000  # letters of a name that are looked at: what is longer is no name


def fold(text: str) -> str:
    """The text in one spelling: lower case, no marks, one letter for what keyboards write in two ways."""
    parted = _CAMEL.sub(" ", unicodedata.normalize("NFKC", text))
    if parted.isascii():
        return parted.lower()
    bare = unicodedata.normalize("NFC", unicodedata.normalize("NFD", parted).translate(_MARKS))
    return bare.translate(_SAME).casefold()


def parts(name: str) -> tuple[tuple[str, ...], ...]:
    """The words of a name, part by part: "Cart | My shop" has two, the path of an address one for each folder.

    Scheme, host, query, the kind of a file and folders of one or two letters (a language) of an address are no words.
    """
    name = _NUMBER.sub(" ", name[:LONGEST])
    rest = _ADDRESS.sub("", name, count=1)
    if rest != name or _PATH.match(name):
        folders = [unquote(_FILE_TYPE.sub("", folder)) for folder in _QUERY.sub("", rest).split("/")]
        long = [folder for folder in folders if len(folder) > 2]
        return tuple(words for folder in long if (words := tuple(_WORDS.findall(fold(folder))))) or (("homepage",),)
    return tuple(words for part in _PARTS.split(name) if (words := tuple(_WORDS.findall(fold(part)))))


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The rough stem of a folded word.

    >>> stem("orders") == stem("ordered") == stem("ordering") == "order"
    True
    """
    first = word[:1]
    if first.isascii():
        return _english(word)
    return _russian(word) if "а" <= first <= "я" else _arabic_script(word)


def _english(word: str) -> str:
    if len(word) <= 3 or not word.isascii():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    for ending in ("ing", "ed", "es", "s", "e"):
        if word.endswith(ending) and not word.endswith("ss") and len(word) - len(ending) >= 3:
            cut = word[: -len(ending)]
            if ending in ("ing", "ed") and cut[-1] == cut[-2] and cut[-1] not in "ls":
                cut = cut[:-1]
            return cut[:-1] if ending == "s" and cut.endswith("e") and len(cut) > 3 else cut
    return word


_ENDINGS = (
    "анию ами ями ого его ому ему ыми ими ена ено ены ила или ала али ение ения ению ании ание ания "
    "ой ей ый ий ая яя ое ее ые ие ую юю ых их ым им ом ем ам ям ах ях ов ев ию ия ии ью ья ье ен ил ал а я о е ы и у ю ь"
)
_RUSSIAN = tuple(sorted(_ENDINGS.split(), key=len, reverse=True))


def _russian(word: str) -> str:
    if len(word) > 5 and word.endswith(("ся", "сь")):
        word = word[:-2]
    for ending in _RUSSIAN:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


_ARTICLES = ("وال", "بال", "فال", "کال", "ال", "لل")
_ARABIC_SCRIPT = ("هایی", "های", "هاي", "ها", "یان", "یات", "یه", "ات", "ان", "ون", "ین", "ه", "ی")


def _arabic_script(word: str) -> str:
    for article in _ARTICLES:
        if word.startswith(article) and len(word) - len(article) >= 3:
            word = word[len(article) :]
            break
    for ending in _ARABIC_SCRIPT:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def shortened(word: str) -> Iterable[str]:
    """The word, and the word with each of its letters left out: two words that share one differ by one slip of the pen."""
    yield word
    for i in range(1, len(word)):
        yield word[:i] + word[i + 1 :]
