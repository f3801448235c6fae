"""Which kind of question a column of scores answers: by its name and by the scale its values lie on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cx_metrics.reading.aliases import plain
from cx_metrics.reading.report import shorten
from cx_metrics.reading.sample import Values
from cx_metrics.texts import N_, Text

# Parts of a header or question, without spaces and punctuation, that name the kind.
_SAYS = {
    "nps": ("nps", "recommend", "netpro", "promoter", "ltr", "توصی", "رکومند", "рекоменд"),
    "easy": ("easy", "ease", "сложно", "легк", "легко", "سهول", "اسان", "راحت"),
    "effort": ("effort", "ces", "усили", "جهد", "مجهود", "تلاش", "زحمت"),
    "csat": ("csat", "satisf", "удовлетвор", "رضا", "رضایت"),
}
_TOPS = (5.0, 7.0, 10.0)


@dataclass(frozen=True)
class ScaleGuess:
    """Survey type, lowest and highest answer, direction, and why."""

    survey_type: str
    low: float
    high: float
    higher_is_better: bool
    reason: Text


def guess_scale(header: str, values: Values) -> ScaleGuess:
    """Is this NPS, CSAT, CES or a plain rating, and on which scale?

    The name decides where it says something; otherwise 1 to 5 and 1 to 7 read as satisfaction, all else as a rating.
    Stray values (under 5 % of the answers) do not widen the scale.
    """
    name = plain(header)
    says = {kind for kind, parts in _SAYS.items() if any(plain(part) in name for part in parts)}
    low, top = _ends(values)
    seen = {"column": shorten(header), "low": int(low), "high": int(top)}
    if "nps" in says and top > 5:
        reason = Text(N_('"{column}" is read as NPS, 0 to 10, by its name.'), seen)
        return ScaleGuess("nps", 0.0, 10.0, True, reason)
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


def _ends(values: Values) -> tuple[float, float]:
    """Lowest and highest answer of the usual scale that holds at least 95 % of the values."""
    numbers = values.numbers
    if not len(numbers):
        return 1.0, 5.0
    top = next((end for end in _TOPS if np.mean(numbers <= end) >= 0.95), None)
    if top is None:
        top = 100.0 if np.mean(numbers <= 100) >= 0.95 else float(np.ceil(np.max(numbers)))
    zero = np.mean(numbers == 0) > 0
    low = 0.0 if zero and top >= 10 else 1.0
    return (float(np.floor(np.min(numbers))), top) if np.min(numbers) < 0 else (low, top)
