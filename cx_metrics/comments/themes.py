"""What do people write about? Themes of open answers, by language, with how coherent and how steady each is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from cx_metrics.comments.factors import (
    Placed,
    coherence,
    factorise,
    leading_terms,
    mean_coherence,
    place,
    resampled,
)
from cx_metrics.comments.normalise import plain
from cx_metrics.comments.terms import Numbers, Values, Vocabulary, vocabulary, weighed, word_counts
from cx_metrics.errors import OptionProblem
from cx_metrics.intervals import ratio, wilson
from cx_metrics.safe_text import has_right_to_left
from cx_metrics.texts import N_, NP_, Text

NUMBERS = (4, 6, 8, 10, 12)  # of themes that are tried
LARGEST_SAMPLE = 20_000  # distinct comments that themes are found in; all others are then placed in them
FEWEST_COMMENTS = 100  # of a language, with FEWEST_WORDS at least: fewer gave themes that no second look found again
FEWEST_WORDS = 3
MIN_N = 10  # comments of a theme: the least a share is shown for
STEADY = 0.7  # adjusted Rand index from which a number of themes is taken for steady
COHERENT_ENOUGH = 0.05  # so far below the most coherent number of themes a larger one may lie
HALVES = 10  # random halves in which the themes are looked for again
HALVES_OF_TRIAL = 5  # for each number that is tried
TERMS_OF_NAME = 3
ARABIC_COMMA = "، "
COLUMNS = (
    "theme", "language", "name", "terms", "weights", "comments", "comments_in_language",
    "share", "share_low", "share_high", "coherence", "stability", "hidden",
)  # fmt: skip


@dataclass(frozen=True)
class Stability:
    """How steady are the themes of a language? `adjusted_rand`: mean over HALVES random halves, between the groups found in the
    half and in the whole; `tried`: each number of themes with its adjusted Rand index and coherence; `found_in`: comments of the
    sample."""

    adjusted_rand: float
    coherence: float
    number: int
    tried: pd.DataFrame
    found_in: int


@dataclass(frozen=True)
class Themes:
    """Themes, and the theme of each comment.

    `themes`: one row a theme, with COLUMNS; the most frequent first, language by language. `theme`: the theme of each comment
    (0: none), `weight`: the share of it that this theme makes up, 0..1; `second`: a second theme, or 0; `nearness`: how near it
    is to the centre of its theme (cosine). `stability` and `notes` (why a language has no themes) by language.
    """

    themes: pd.DataFrame
    theme: Numbers
    weight: Values
    second: Numbers
    nearness: Values
    language: tuple[str, ...]
    stability: Mapping[str, Stability] = field(default_factory=dict)
    notes: Mapping[str, Text] = field(default_factory=dict)


@dataclass(frozen=True)
class _Found:
    """The themes of one language: rows of the frame without numbers, and the comments' themes counted from 1."""

    rows: list[dict[str, Any]]
    placed: Placed
    stability: Stability


def find_themes(
    comments: Sequence[str | None],
    languages: Sequence[str | None],
    *,
    seed: int = 0,
    most: int = max(NUMBERS),
    number: int | None = None,
    min_n: int = MIN_N,
    plain_texts: Sequence[str] | None = None,
) -> Themes:
    """What do people write about, in each language, and which comment is about what?

    `languages` says the language of each comment; comments without one have no theme. The number of themes of a language is the
    largest of NUMBERS up to `most` that is steady (adjusted Rand index of STEADY and more) and nearly as coherent as the most
    coherent one; where none is steady, the steadiest; or `number`. Themes are found in at most LARGEST_SAMPLE distinct comments,
    chosen by `seed`; then every comment is placed. The order of the comments makes no difference. `plain_texts`: their plain
    spelling, where it is there already.

    Raises:
        OptionProblem: not as many languages as comments, or a number of themes below 2.
    """
    from threadpoolctl import threadpool_limits

    _check(comments, languages, most, number)
    spelled = np.asarray(plain(comments) if plain_texts is None else plain_texts, dtype=object)
    written = np.asarray([text if isinstance(text, str) else "" for text in comments], dtype=object)
    spoken = np.asarray([language if isinstance(language, str) else "" for language in languages], dtype=object)
    answered = (spelled != "") & (spoken != "")
    counts = pd.Series(spoken[answered], dtype=object).value_counts()
    by_size = sorted(counts.index, key=lambda name: (-int(counts[name]), name))
    result = _nothing(len(spelled), tuple(spoken))
    frames: list[pd.DataFrame] = []
    notes = _without_language(int(((spelled != "") & (spoken == "")).sum()))
    stabilities = {}
    for language in by_size:
        rows = np.flatnonzero(answered & (spoken == language))
        numbers = (number,) if number else tuple(n for n in NUMBERS if n <= most) or (most,)
        with threadpool_limits(1):  # small matrices: threads are in each other's way, and round differently
            found = _of_language(spelled[rows], written[rows], language, numbers, min_n, seed)
        if isinstance(found, Text):
            notes[language] = found
            continue
        _write(result, rows, found.placed, sum(len(frame) for frame in frames))
        frames.append(pd.DataFrame(found.rows))
        stabilities[language] = found.stability
    return replace(result, themes=_frame(frames), stability=stabilities, notes=notes)


def _check(comments: Sequence[Any], languages: Sequence[Any], most: int, number: int | None) -> None:
    if len(comments) != len(languages):
        raise OptionProblem(
            N_("There are {comments} comments and {languages} languages. Each comment needs its language, or none."),
            comments=len(comments), languages=len(languages),
        )  # fmt: skip
    wanted = most if number is None else number
    if wanted < 2:
        raise OptionProblem(N_("There must be 2 themes at least, not {number}."), number=wanted)


def _nothing(comments: int, languages: tuple[str, ...]) -> Themes:
    none = np.zeros(comments, dtype=np.int64)
    return Themes(_frame([]), none, np.zeros(comments), none.copy(), np.zeros(comments), languages)


def _write(result: Themes, rows: Numbers, placed: Placed, before: int) -> None:
    """The themes of one language into the arrays of all; `before`: themes of other languages."""
    result.theme[rows] = np.where(placed.theme > 0, placed.theme + before, 0)
    result.second[rows] = np.where(placed.second > 0, placed.second + before, 0)
    result.weight[rows], result.nearness[rows] = placed.weight, placed.nearness


def _frame(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    whole = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=list(COLUMNS))
    whole["theme"] = np.arange(1, len(whole) + 1)
    whole["hidden"] = np.zeros(len(whole), dtype=bool)
    whole["share"] = ratio(whole["comments"], whole["comments_in_language"])
    whole["share_low"], whole["share_high"] = wilson(whole["comments"], whole["comments_in_language"])
    return whole[list(COLUMNS)]


def _of_language(
    spelled: Any, written: Any, language: str, numbers: Sequence[int], min_n: int, seed: int
) -> _Found | Text:
    """The themes of comments of one language, or why there are none."""
    codes, distinct = _distinct(spelled, seed)
    enough = np.flatnonzero(word_counts(distinct) >= FEWEST_WORDS)
    if len(enough) < FEWEST_COMMENTS:
        return _too_few(len(enough), language)
    chosen = enough[:LARGEST_SAMPLE]
    in_sample = np.zeros(len(distinct), dtype=bool)
    in_sample[chosen] = True
    terms = vocabulary([distinct[i] for i in chosen], language, list(written[in_sample[codes]]))
    counts = terms.counts([distinct[i] for i in chosen])
    weights = weighed(counts, terms.rarity)
    best = _best(weights, counts, [n for n in numbers if n < len(terms)] or [2], seed)
    if best is None:
        return Text(
            N_("The comments in this language ({language}) have too few words in common for themes."),
            {"language": language},
        )
    themes, tried = best
    kept, placed = _enough(place(terms.weights(distinct), themes), codes, len(themes), min_n)
    if not len(kept):
        values = {"language": language, "least": min_n}
        return Text(N_("No theme of the comments in this language ({language}) has {least} comments."), values)
    sample_theme = place(weights, themes).theme
    halves = list(
        resampled(weights, sample_theme, len(themes), seed + 2, HALVES)
    )  # others than those that chose the number
    likeness = np.mean([by_theme for _, by_theme in _same_length(halves, len(themes))], axis=0)
    coherent = coherence(themes, counts)
    steady = Stability(
        float(np.mean([rand for rand, _ in halves])), mean_coherence(coherent[kept]), len(kept), tried, len(chosen)
    )
    rows = [
        _row(themes[i], terms, int((placed.theme == n).sum()), len(spelled), coherent[i], likeness[i])
        for n, i in enumerate(kept, 1)
    ]
    return _Found(rows, placed, steady)


def _same_length(halves: Sequence[tuple[float, Values]], themes: int) -> list[tuple[float, Values]]:
    """Themes that no comment of the sample is in are found in no half: 0."""
    return [(rand, np.pad(likeness, (0, themes - len(likeness)))) for rand, likeness in halves]


def _without_language(comments: int) -> dict[str, Text]:
    one, many = NP_(
        "{comments} comment has no language, and so no theme.", "{comments} comments have no language, and so no theme."
    )
    return {"": Text(one, {"comments": comments}, many, comments)} if comments else {}


def _too_few(found: int, language: str) -> Text:
    one, many = NP_(
        "{found} different comment of {words} words and more in this language ({language}); themes need {least}.",
        "{found} different comments of {words} words and more in this language ({language}); themes need {least}.",
    )
    values = {"found": found, "language": language, "words": FEWEST_WORDS, "least": FEWEST_COMMENTS}
    return Text(one, values, many, found)


def _distinct(spelled: Any, seed: int) -> tuple[Numbers, list[str]]:
    """The distinct texts in an order that `seed` and they alone decide, and which of them each comment is."""
    codes, distinct = pd.factorize(spelled)
    order = np.argsort(
        pd.util.hash_array(np.asarray(distinct, dtype=object), hash_key=f"{seed:016d}"[-16:]), kind="stable"
    )
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[codes], [str(text) for text in np.asarray(distinct, dtype=object)[order]]


def _best(weights: Any, counts: Any, numbers: Sequence[int], seed: int) -> tuple[Values, pd.DataFrame] | None:
    """The themes of the number that is chosen, and what was tried."""
    tried, found = [], {}
    for number in numbers:
        themes = factorise(weights, number, seed)
        if len(themes) < 2 or len(themes) in found:
            continue
        theme = place(weights, themes).theme
        halves = resampled(weights, theme, len(themes), seed + 1, HALVES_OF_TRIAL) if len(numbers) > 1 else []
        rands = [rand for rand, _ in halves]
        found[len(themes)] = themes
        steady = float(np.mean(rands)) if rands else np.nan
        tried.append(
            {"number": len(themes), "adjusted_rand": steady, "coherence": mean_coherence(coherence(themes, counts))}
        )
    if not tried:
        return None
    frame = pd.DataFrame(tried)
    return found[_chosen(frame)], frame


def _chosen(tried: pd.DataFrame) -> int:
    """The largest steady and coherent number of those that were tried: themes can be merged by hand, but not taken apart."""
    steady = tried[tried["adjusted_rand"] >= STEADY]
    if len(steady):
        return int(steady.loc[steady["coherence"] >= steady["coherence"].max() - COHERENT_ENOUGH, "number"].max())
    return int(tried.sort_values(["adjusted_rand", "number"], ascending=[False, True])["number"].iloc[0])


def _enough(placed: Placed, codes: Numbers, themes: int, min_n: int) -> tuple[Numbers, Placed]:
    """Themes with at least `min_n` comments, most frequent first (numbers of `themes`), and every comment placed among them."""
    first, second = placed.theme[codes], placed.second[codes]
    frequent = np.bincount(first, minlength=themes + 1)[1:]
    kept = np.argsort(-frequent, kind="stable")
    kept = kept[frequent[kept] >= max(min_n, 1)]
    number = np.zeros(themes + 1, dtype=np.int64)
    number[kept + 1] = np.arange(1, len(kept) + 1)
    there = number[first] > 0
    return kept, Placed(
        number[first],
        np.where(there, placed.weight[codes], 0.0),
        np.where(there, placed.nearness[codes], 0.0),
        np.where(there, number[second], 0),
    )


def _row(theme: Values, terms: Vocabulary, comments: int, of: int, coherent: float, steady: float) -> dict[str, Any]:
    leading = leading_terms(theme)
    shown = [terms.shown[i] for i in leading]
    return {
        "language": terms.language,
        "name": (ARABIC_COMMA if has_right_to_left("".join(shown)) else ", ").join(shown[:TERMS_OF_NAME]),
        "terms": shown,
        "weights": [float(theme[i]) for i in leading],
        "comments": comments,
        "comments_in_language": of,
        "coherence": float(coherent),
        "stability": float(steady),
    }
