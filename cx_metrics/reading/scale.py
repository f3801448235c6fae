"""Which kind of question a column of scores answers: by its name and by the scale its values lie on."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cx_metrics.reading.aliases import words
from cx_metrics.reading.report import shorten
from cx_metrics.reading.sample import Values
from cx_metrics.reading.shapes import Kind
from cx_metrics.reading.words import find_scale, fold, scales
from cx_metrics.texts import N_, Text

# What names the kind in a header or question: whole words, and beginnings of words.
_WORDS = {
    "nps": "nps",
    "netpro": "nps",
    "ltr": "recommend",
    "csat": "csat",
    "ces": "effort",
    "easy": "easy",
    "ease": "easy",
}
_BEGINNINGS = {
    "nps": ("netpromoter",),
    "recommend": ("recommend", "توصی", "التوصی", "рекоменд", "порекоменд"),
    "easy": ("easi", "легк", "просто", "سهول", "السهول", "سهل", "اسان", "راحت"),
    "effort": ("effort", "усили", "جهد", "الجهد", "مجهود", "تلاش", "زحمت"),
    "csat": ("satisf", "удовлетвор", "доволен", "довольны", "رضا", "الرضا", "راضی"),
}
OFTEN = 0.01  # share of the answers from which a number off the scale is a code and no slip
ENOUGH = 100  # answers, among which a scale to 7 would hold a 7
_FAR = frozenset({77.0, 88.0, 97.0, 98.0, 99.0, 777.0, 888.0, 997.0, 998.0, 999.0})
_TOPS = (5.0, 7.0, 10.0, 100.0)


@dataclass(frozen=True)
class ScaleGuess:
    """Survey type, lowest and highest answer, direction, and why."""

    survey_type: str
    low: float
    high: float
    higher_is_better: bool
    reason: Text


def guess_scale(header: str, values: Values, question: str = "", without: Collection[str] = ()) -> ScaleGuess:
    """Is this NPS, CSAT, CES or a plain rating, and on which scale?

    The name, or the question that was asked, decides where it says something; otherwise 1 to 5 and 1 to 7 read as
    satisfaction, all else as a rating. Stray values (under 5 % of the answers) do not widen the scale; those of `without`, which
    mean no answer, do not count.
    """
    says = _said(header) | _said(question)
    numbers = values.numbers
    low, top = _ends(numbers[~np.isin(numbers, [float(value) for value in without])] if without else numbers)
    seen = {"column": shorten(header), "low": int(low), "high": int(top)}
    if top <= 10 and ("nps" in says or ("recommend" in says and top > 5)):
        reason = Text(N_('"{column}" is read as NPS, 0 to 10, by its name.'), seen)
        return ScaleGuess("nps", 0.0, 10.0, True, reason)
    if (low, top) == (0, 1):
        return ScaleGuess("choice", low, top, True, Text(N_('"{column}" is read as a choice between 0 and 1.'), seen))
    if says & {"easy", "effort"} and top <= 7:
        # The effort question of 2010 asks how much effort it was (1 to 5, low is good); that of 2013 how easy (1 to 7).
        higher = "easy" in says or top > 5
        source = N_('"{column}" is read as CES, {low} to {high}, high is good.')
        if not higher:
            source = N_('"{column}" is read as CES, {low} to {high}, low is good because it asks for effort.')
        return ScaleGuess("ces", low, top, higher, Text(source, seen))
    if "csat" in says or (low == 1 and top <= 7):
        return ScaleGuess("csat", low, top, True, Text(N_('"{column}" is read as CSAT, {low} to {high}.'), seen))
    return ScaleGuess("rating", low, top, True, Text(N_('"{column}" is read as a rating from {low} to {high}.'), seen))


def _said(name: str) -> set[str]:
    """The kinds of question that a name speaks of."""
    parts = words(name)
    said = {_WORDS[part] for part in parts if part in _WORDS}
    said |= {kind for kind, begins in _BEGINNINGS.items() if any(part.startswith(begins) for part in parts)}
    return said | ({"nps"} if "netpromoter" in "".join(parts) else set())


def says(header: str) -> bool:
    """Whether a header names a kind of question."""
    return bool(_said(header))


def asks_to_recommend(header: str) -> bool:
    """Whether a header names the score or asks how likely people are to recommend."""
    return bool(_said(header) & {"nps", "recommend"})


def answer_codes(header: str, values: Values) -> tuple[str, ...]:
    """Numbers in a column of answers that are no answers, by where they stand: below zero, far off (88, 99, 999), one above the
    scale (6 after 1 to 5, 11 after 0 to 10), or 0 below a scale from 1.

    Only whole numbers that occur often are named: twice at least, and in one of a hundred answers.
    """
    numbers, counts = np.unique(values.numbers, return_counts=True)
    if not len(numbers) or (numbers != np.floor(numbers)).any():
        return ()
    often = dict(zip(numbers.tolist(), (counts >= max(2, OFTEN * counts.sum())).tolist(), strict=True))
    near = [number for number in often if 0 <= number <= 11]
    if len([number for number in near if number]) < 2 or any(number > 11 and number not in _FAR for number in often):
        return ()
    codes = [number for number in often if number < 0 or number in _FAR]
    top = max(near)
    if top == 11 and 10 in near:
        codes.append(11.0)
    elif top == 6 and len(values.numbers) >= ENOUGH and {2.0, 3.0, 4.0, 5.0} <= set(near):  # nobody may have said 1
        codes.append(6.0)
    elif top in (8.0, 9.0) and {1.0, 2.0, 3.0, 4.0, 5.0} <= set(near) and not {6.0, 7.0} & set(near):
        codes += [number for number in near if number >= 8]
    if (
        0.0 in near
        and top - (top in codes) < 10
        and 1.0 in near
        and not _said(header) & {"nps", "recommend"}
        and top > 1
    ):
        codes.append(0.0)
    return tuple(f"{code:g}" for code in sorted(codes) if often[code])


def word_scale(header: str, said: Iterable[str]) -> Kind | None:
    """The question whose answers are these words, where they stand on a known scale: their numbers, its ends and its kind."""
    words_of = find_scale(said)
    if words_of is None:
        return None
    scale = next(scale for scale in scales() if all(fold(word) in scale for word in words_of))
    low, high = min(scale.values()), max(scale.values())
    kinds = _said(header)
    survey_type = "csat" if {"satisfied", "dissatisfied"} & set(scale) or "csat" in kinds else "rating"
    if "promoter" in scale:
        survey_type = "nps"
    elif (low, high) == (0.0, 1.0):
        survey_type = "csat"
    elif {"easy", "difficult"} & set(scale) or kinds & {"easy", "effort"}:
        survey_type = "ces"
    return Kind(survey_type, low, high, True, None, dict(words_of))


def _ends(numbers: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Lowest and highest answer of the usual scale that holds at least 95 % of the values."""
    if not len(numbers):
        return 1.0, 5.0
    least, most = float(np.floor(np.min(numbers))), float(np.ceil(np.max(numbers)))
    if least < 0:
        return least, most
    if most == 1 and least == 0:
        return 0.0, 1.0
    top = next((end for end in _TOPS if np.mean(numbers <= end) >= 0.95), most)
    return (0.0 if least == 0 and top >= 10 else 1.0), top
