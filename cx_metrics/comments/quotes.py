"""Which comments speak for a theme? Those nearest to its centre that can be read at a glance; and those that feel the opposite."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from cx_metrics.comments.normalise import plain, words
from cx_metrics.comments.terms import Numbers, Values
from cx_metrics.comments.themes import Themes

SHORTEST, LONGEST = 20, 300  # signs of a quote
FEWEST_WORDS = 4
TOO_ALIKE = 0.5  # overlap of words from which two quotes say the same
LOOKED_AT = 500  # comments, the nearest first, before we take fewer quotes


def typical_quotes(
    themes: Themes,
    theme: int,
    comments: Sequence[str | None],
    *,
    how_many: int = 3,
    among: Collection[int] | None = None,
) -> list[int]:
    """Which comments speak for the theme? Positions in `comments`, the nearest first; distinct from each other.

    `among`: positions that may be quoted, as a view or the privacy of small groups leaves them. Of equally near comments the
    one that comes first by its spelling: the order of the comments makes no difference.
    """
    return _quotes(themes, comments, themes.theme == theme, how_many, among)


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
    return _quotes(themes, comments, mine & (side == opposite), how_many, among)


def _quotes(
    themes: Themes, comments: Sequence[str | None], fit: Numbers, how_many: int, among: Collection[int] | None
) -> list[int]:
    rows = np.flatnonzero(fit)
    if among is not None:
        rows = rows[np.isin(rows, np.fromiter(among, dtype=np.int64, count=len(among)))]
    nearest = rows[np.argsort(-np.round(themes.nearness[rows], 9), kind="stable")]
    readable = [row for row in nearest if SHORTEST <= len((comments[row] or "").strip()) <= LONGEST]
    if len(readable) > LOOKED_AT:  # with all that are as near as the last one
        readable = [row for row in readable if themes.nearness[row] >= themes.nearness[readable[LOOKED_AT]] - 1e-9]
    spelled = plain([comments[row] for row in readable])
    order = sorted(
        range(len(readable)),
        key=lambda i: (-round(themes.nearness[readable[i]], 9), spelled[i], comments[readable[i]], readable[i]),
    )
    chosen: list[int] = []
    said: list[frozenset[str]] = []
    for i in order:
        held = frozenset(words(spelled[i]))
        if len(chosen) >= how_many:
            break
        if len(held) >= FEWEST_WORDS and all(len(held & one) < TOO_ALIKE * len(held | one) for one in said):
            chosen.append(int(readable[i]))
            said.append(held)
    return chosen
