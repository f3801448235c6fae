"""Time zones as times carry them: an offset, UTC or GMT with one, a known abbreviation, a name as Europe/Berlin."""

from __future__ import annotations

import re
from functools import lru_cache
from zoneinfo import available_timezones

# Abbreviations that say one thing. Those of North America are meant as headers of mails define them (RFC 5322). CST, CDT, IST,
# BST, AST, GST and SST are used for several zones and say nothing.
_HOURS = {
    "utc": 0, "gmt": 0, "z": 0, "ut": 0, "wet": 0, "west": 1, "cet": 1, "cest": 2, "eet": 2, "eest": 3,
    "est": -5, "edt": -4, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "akst": -9, "akdt": -8, "hst": -10,
    "wat": 1, "cat": 2, "sast": 2, "eat": 3, "trt": 3, "irst": 3.5, "irdt": 4.5, "pkt": 5, "wib": 7, "wita": 8, "hkt": 8, "jst": 9,
    "kst": 9, "awst": 8, "acst": 9.5, "acdt": 10.5, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13,
}  # fmt: skip
_PLACES = {"msk": "Europe/Moscow", "мск": "Europe/Moscow"}  # its offset changed in 2011 and 2014
_OFFSET = re.compile(r"(?:utc|gmt)?\s?([+-])([0-9]{1,2})(?::?([0-9]{2}))?", re.IGNORECASE)
_BRACKET = re.compile(r"\s?[(\[]([^)\]]*)[)\]]$")
_FURTHEST = 14 * 60  # minutes

# What may stand behind the time of day; `zone_of` says what it means.
AFTER_CLOCK = (
    r"(?:[Zz]|(?:UTC|GMT)? ?[+-][0-9]{1,2}(?::?[0-9]{2})?|[A-Za-z]{2,5}|МСК|мск|[A-Z][A-Za-z_]+/[A-Za-z_/+\-0-9]+)?"
    r"(?: ?\[[^\]]*\]| ?\([^)]*\))?"
)


@lru_cache(maxsize=1024)
def zone_of(written: str) -> int | str | None:
    """Seconds east of UTC, or the name of a zone whose clock the time follows; None for what is neither.

    An offset counts before the name of a zone in brackets behind it.
    """
    bracket = _BRACKET.search(written)
    before = written[: bracket.start()].strip() if bracket else written.strip()
    if bracket and not before:
        return zone_of(bracket[1]) if not _BRACKET.search(bracket[1]) and bracket[1].strip() else None
    name = before.casefold()
    if name in _HOURS:
        return int(_HOURS[name] * 3600)
    if offset := _OFFSET.fullmatch(before):
        minutes = int(offset[2]) * 60 + int(offset[3] or 0)
        return (
            None
            if minutes > _FURTHEST or int(offset[3] or 0) > 59
            else (minutes * 60 if offset[1] == "+" else -minutes * 60)
        )
    if name in _PLACES:
        return _PLACES[name]
    return before if "/" in before and before in available_timezones() else None
