"""Which number does a text say, as this reader's numbers are written? For tables that reach an export as they are shown."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from cx_metrics.charts.theme import Reader
from cx_metrics.exports.number_formats import decimals

MARKS = re.compile("[\u2066-\u2069\u200e\u200f]")
PERCENT = ("%", "٪")


@dataclass(frozen=True)
class Amount:
    """A number as it is shown, and the format that shows it so again."""

    value: float
    pattern: str


def amount(text: str, reader: Reader) -> Amount | None:
    """The number that the text is, share or plain; None if it says anything else.

    What the reader's own way of writing does not give back letter by letter is no number: "2026-10-01", "007", "1 to 3".
    """
    shown = MARKS.sub("", text).strip()
    share = shown.endswith(PERCENT)
    body = shown.rstrip("".join(PERCENT)).rstrip("\u00a0") if share else shown
    point = MARKS.sub("", reader.number(0.5, 1))[1:2]
    whole, _point, rest = body.partition(point)
    digits = "".join(str(unicodedata.decimal(sign, "")) for sign in whole)
    after = "".join(str(unicodedata.decimal(sign, "")) for sign in rest)
    if not digits or len(after) != len(rest):
        return None
    sign = -1 if body.startswith("\N{MINUS SIGN}") else 1
    value = sign * float(f"{digits}.{after or 0}")
    for plus in (False, True):
        again = MARKS.sub("", reader.number(value, len(after), plus))
        if again == body:
            places = len(after)
            return Amount(round(value / 100, places + 2) if share else value, decimals(places, reader, share))
    return None
