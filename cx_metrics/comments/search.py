"""Which comments hold these words? Search in prepared text, so that the engine does it, and the places to mark.

What people type: words, all of which a comment must hold, each as the beginning of a word (deliv finds delivery); "words in
quotes" side by side and whole; -word for comments without it. Spelling counts as little as in `plain`. In Arabic script a word is
also found behind the article and what is written before it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any

from cx_metrics.comments.normalise import HIDDEN, plain

if TYPE_CHECKING:
    import ibis.expr.types as ir

MOST_TERMS = 20  # of a question
LONGEST_QUESTION = 500
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_ARTICLES = ("ال", "وال", "بال", "فال", "کال", "لل")  # as plain text has them
_ARABIC = re.compile("^[\u0600-\u06ff]{3}")
_PART = re.compile(
    r"""(?P<sign>(?<!\S)[-\u2212])?(?:["“”«»„](?P<quoted>[^"“”«»„]*)(?:["“”«»„]|$)|(?P<free>[^\s"“”«»„]+))"""
)
_CHUNK = re.compile(r"\S+")
_MARKS = "\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u0640\u200d"
_WRITTEN = re.compile(rf"[^\W_](?:[^\W_]|[{_MARKS}])*(?:['’ʼ][^\W_](?:[^\W_]|[{_MARKS}])*)*")


@dataclass(frozen=True)
class Sought:
    """One part of a question: words side by side, of which the last may go on unless `whole`; `without`: comments that lack it."""

    words: tuple[str, ...]
    whole: bool = False
    without: bool = False

    def patterns(self) -> list[str]:
        """What to look for in a prepared text: any of these."""
        said = " ".join(self.words) + (" " if self.whole else "")
        before = (
            ("", *_ARTICLES) if not self.whole and _ARABIC.match(said) and not self.words[0].startswith("ال") else ("",)
        )
        return [f" {article}{said}" for article in before]


def searchable(plain_texts: Sequence[str]) -> list[str]:
    """Plain texts as search wants them prepared: words and numbers with one space before, between and after them.

    >>> searchable(["wi-fi: 20 min late!", ""])
    [' wi fi 20 min late ', '']
    """
    return [f" {' '.join(found)} " if (found := _WORD.findall(text)) else "" for text in plain_texts]


def sought(text: str) -> tuple[Sought, ...]:
    """The parts of what a person typed.

    >>> [(part.words, part.whole, part.without) for part in sought('late "customer service" -refund')]
    [(('late',), False, False), (('customer', 'service'), True, False), (('refund',), False, True)]
    """
    parts = []
    for found in _PART.finditer(text[:LONGEST_QUESTION]):
        quoted = found["quoted"] is not None
        spelled = plain([found["quoted"] if quoted else found["free"]])[0]
        words = tuple(_WORD.findall(spelled)) or (HIDDEN,) * (
            HIDDEN in spelled
        )  # a phone number is asked for, and found nowhere
        if words:
            parts.append(Sought(words, quoted, bool(found["sign"])))
    return tuple(dict.fromkeys(parts))[:MOST_TERMS]


def search_condition(column: ir.StringColumn, text: str) -> ir.BooleanValue | None:
    """The condition that a comment holds what was typed, for a column of `searchable` texts; None where nothing was typed.

    A comment without text holds nothing: it is found by no question, not even by one that only excludes.
    """
    parts = sought(text)
    if not parts:
        return None
    held = [_held(column, part) for part in parts]
    there = column.notnull() & (column != "")
    return reduce(and_, [there, *(~one if part.without else one for one, part in zip(held, parts, strict=True))])


def _held(column: Any, part: Sought) -> Any:
    patterns = part.patterns()
    either = reduce(or_, [column.contains(pattern) for pattern in patterns])
    return either if len(patterns) == 1 else column.contains(patterns[0].strip()) & either  # few are left for the rest


def places(comment: str, text: str) -> list[tuple[int, int]]:
    """Where in the comment, as it was written, are the words that were found? Whole words, as (start, end), from left to right.

    Parts that exclude mark nothing. What `plain` hides (addresses, handles, long numbers) cannot be found, and is not marked.
    """
    written = _written(comment)
    spelled = [_WORD.findall(one) for one in plain([token.group() for token in written])]
    there = set(_WORD.findall(plain([comment])[0]))
    flat = [(word, i) for i, words in enumerate(spelled) for word in words if word in there]
    marked: set[int] = set()
    for part in sought(text):
        if not part.without:
            marked |= _marked(flat, part)
    return [written[i].span() for i in sorted(marked)]


def _written(comment: str) -> list[re.Match[str]]:
    """The words as they were written, but for those of addresses and handles."""
    chunks = list(_CHUNK.finditer(comment))
    spelled = plain([chunk.group() for chunk in chunks])
    seen = [chunk.span() for chunk, one in zip(chunks, spelled, strict=True) if HIDDEN not in one]
    return [word for start, end in seen for word in _WRITTEN.finditer(comment, start, end)]


def _marked(flat: Sequence[tuple[str, int]], part: Sought) -> set[int]:
    """The written words that the part is found in."""
    size, found = len(part.words), set()
    for start in range(len(flat) - size + 1):
        here = " " + " ".join(word for word, _ in flat[start : start + size]) + " "
        if any(here.startswith(pattern) for pattern in part.patterns()):
            found |= {i for _, i in flat[start : start + size]}
    return found
