"""Words that say nothing of what a comment is about: our own lists, one file a language.

The lists hold what grammar needs (pronouns, helping verbs, prepositions with what is written onto them), courtesy, and words that
only praise or blame: how somebody feels is measured apart, and themes made of "great" and "terrible" would say it a second time.
Lists that are in circulation were made for newspapers and searches; they take out "room", "help", "problem" and "service".
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cx_metrics.comments.normalise import plain, words

LISTED = ("en", "ar", "fa", "ru")
_FOLDER = Path(__file__).with_name("stop_words")


@cache
def stop_words(language: str) -> frozenset[str]:
    """The words of a language to pass over, in plain spelling; none for a language without a list.

    >>> "nevertheless" in stop_words("en"), "delivery" in stop_words("en"), stop_words("pt")
    (True, False, frozenset())
    """
    if language not in LISTED:
        return frozenset()
    lines = (_FOLDER / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    said = [line for line in lines if line and not line.startswith("#")]
    return frozenset(word for line in plain(said) for word in words(line))
