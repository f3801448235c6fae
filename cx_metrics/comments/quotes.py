"""Which comments speak for a theme? Those nearest to its centre that can be read at a glance; and those that feel the opposite."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from cx_metrics.comments.normalise import plain, words
from cx_metrics.comments.terms import Numbers, Values
from cx_metrics.comments.themes import Themes
from cx_metrics.comments.word_forms import stem

SHORTEST, LONGEST = 20, 300  # signs of a quote
FEWEST_WORDS = 4
TOO_ALIKE = 0.5  # overlap of words from which two quotes say the same
TERMS_HELD = 2  # leading terms of the theme: a comment with one alone is near to the centre, but tells little
LOOKED_AT = 2_000  # comments, the nearest first, before we take fewer quotes


def typical_quotes(
    themes: Themes,
    theme: int,
    comments: Sequence[str | None],
    *,
    how_many: int = 3,
    among: Collection[int] | None = None,
) -> list[int]:
    """Which comments speak for the theme? Positions in `comments`; distinct from each other.

    First those that hold TERMS_HELD of the leading terms, then those with fewer; each the nearest first.

    `among`: positions that may be quoted, as a view or the privacy of small groups leaves them. Of equally near comments the
    one that comes first by its spelling: the order of the comments makes no difference.
    """
    return _quotes(themes, theme, comments, themes.theme == theme, how_many, among)


def contrasting_quotes(
    themes: Themes,
    theme: int,
    comments: Sequence[str | None],
    sentiment: Sequence[float] | Values,
    *,
    how_many: int = 2,
    among: Collection[int] | None = None,
) -> list[int]:
    """Which comments of the theme feel the opposite of most of it? None where all of it feels alike.

    `sentiment`: −1 to 1 for each comment, NaN where it is not known. Most of a theme is on the side where more of its comments are;
    where both sides have as many, the bad one is opposite.
    """
    side = np.sign(np.nan_to_num(np.asarray(sentiment, dtype=float)))
    mine = themes.theme == theme
    opposite = -1 if (side[mine] > 0).sum() >= (side[mine] < 0).sum() else 1
    return _quotes(themes, theme, comments, mine & (side == opposite), how_many, among)


def _quotes(
    themes: Themes,
    theme: int,
    comments: Sequence[str | None],
    fit: Numbers,
    how_many: int,
    among: Collection[int] | None,
) -> list[int]:
    rows = np.flatnonzero(fit)
    if among is not None:
        rows = rows[np.isin(rows, np.fromiter(among, dtype=np.int64, count=len(among)))]
    near = np.round(themes.nearness, 9)
    nearest = rows[np.argsort(-near[rows], kind="stable")]
    readable = [int(row) for row in nearest if SHORTEST <= len((comments[row] or "").strip()) <= LONGEST]
    if len(readable) > LOOKED_AT:  # with all that are as near as the last one
        readable = [row for row in readable if near[row] >= near[readable[LOOKED_AT - 1]]]
    spelled = plain([comments[row] for row in readable])
    held = [frozenset(words(text)) for text in spelled]
    terms = _terms_held(themes, theme, readable, held)
    order = sorted(
        range(len(readable)),
        key=lambda i: (-terms[i], -near[readable[i]], spelled[i], comments[readable[i]], readable[i]),
    )
    chosen: list[int] = []
    for i in order:
        if len(chosen) >= how_many:
            break
        if len(held[i]) >= FEWEST_WORDS and all(_unlike(held[i], held[other]) for other in chosen):
            chosen.append(i)
    return [readable[i] for i in chosen]


def _unlike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) < TOO_ALIKE * len(one | other)


def _terms_held(themes: Themes, theme: int, rows: Sequence[int], held: Sequence[frozenset[str]]) -> list[int]:
    """How many of the leading terms does each comment hold? TERMS_HELD at most."""
    leading = [term for terms in themes.themes.loc[themes.themes["theme"] == theme, "terms"] for term in plain(terms)]
    stems = {language: {stem(term, language) for term in leading} for language in set(themes.language)}
    return [
        min(len({stem(word, themes.language[row]) for word in found} & stems[themes.language[row]]), TERMS_HELD)
        for row, found in zip(rows, held, strict=True)
    ]
