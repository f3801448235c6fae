"""Which kind of question a column of scores answers: by its name and by the scale its values lie on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cx_metrics.reading.aliases import words
from cx_metrics.reading.report import shorten
from cx_metrics.reading.sample import Values
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
_TOPS = (5.0, 7.0, 10.0, 100.0)


@dataclass(frozen=True)
class ScaleGuess:
    """Survey type, lowest and highest answer, direction, and why."""

    survey_type: str
    low: float
    high: float
    higher_is_better: bool
    reason: Text


def guess_scale(header: str, values: Values, question: str = "") -> ScaleGuess:
    """Is this NPS, CSAT, CES or a plain rating, and on which scale?

    The name, or the question that was asked, decides where it says something; otherwise 1 to 5 and 1 to 7 read as
    satisfaction, all else as a rating. Stray values (under 5 % of the answers) do not widen the scale.
    """
    says = _said(header) | _said(question)
    low, top = _ends(values)
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


def _ends(values: Values) -> tuple[float, float]:
    """Lowest and highest answer of the usual scale that holds at least 95 % of the values."""
    numbers = values.numbers
    if not len(numbers):
        return 1.0, 5.0
    least, most = float(np.floor(np.min(numbers))), float(np.ceil(np.max(numbers)))
    if least < 0:
        return least, most
    if most == 1 and least == 0:
        return 0.0, 1.0
    top = next((end for end in _TOPS if np.mean(numbers <= end) >= 0.95), most)
    return (0.0 if least == 0 and top >= 10 else 1.0), top
