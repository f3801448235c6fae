"""Where touchpoints belong, for names that everyone uses: a dictionary in four languages that ships with the product.

The file beside this one has a row for each touchpoint: its axes, whether it is a likely goal (1 the likeliest), and the
names it goes by. A file's own axes win over it, and what the user maps wins over both; the shown name stays the user's.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cx_metrics.reading.aliases import plain
from cx_metrics.reading.mapping import NameMapping
from cx_metrics.texts import N_, Text

DICTIONARY = Path(__file__).with_name("dictionary.csv")
LANGUAGES = ("en", "ar", "fa", "ru")

_EXACT = N_("the dictionary knows it as {touchpoint}")
_NUMBERED = N_("the dictionary knows it, without its number, as {touchpoint}")


@dataclass(frozen=True)
class Entry:
    """One touchpoint of the dictionary with its axes; `goal` ranks likely goals, 1 first, None = no goal."""

    touchpoint: str
    phase: str | None
    stage: str | None
    touchpoint_type: str | None
    channel: str | None
    goal: int | None
    names: tuple[str, ...]


@cache
def entries() -> tuple[Entry, ...]:
    """All touchpoints of the dictionary."""
    with DICTIONARY.open(encoding="utf-8", newline="") as file:
        return tuple(
            Entry(
                row["touchpoint"],
                row["phase"] or None,
                row["stage"] or None,
                row["touchpoint_type"] or None,
                row["channel"] or None,
                int(row["goal"]) if row["goal"] else None,
                (row["touchpoint"], *(name for code in LANGUAGES for name in row[code].split("|") if name)),
            )
            for row in csv.DictReader(file)
        )


def look_up(raw_name: str) -> NameMapping | None:
    """Where does a touchpoint with this name usually belong? None where the dictionary does not know it.

    Case, spaces, punctuation and spelling variants of letters do not matter; a number at the end ("product2") lowers the
    confidence. `touchpoint` is the name of the dictionary, a proposal: reading keeps the raw name unless the user maps it.
    """
    name = plain(raw_name)
    entry, source, confidence = _index().get(name), _EXACT, 0.9
    if entry is None:
        entry, source, confidence = _index().get(re.sub(r"\d+$", "", name)), _NUMBERED, 0.7
    if entry is None:
        return None
    reason = Text(source, {"touchpoint": entry.touchpoint})
    axes = (entry.channel, entry.touchpoint_type, entry.stage, entry.phase)
    return NameMapping(raw_name, entry.touchpoint, *axes, confidence=confidence, reason=reason)


def propose_goal(names: Iterable[str] | Mapping[str, int]) -> tuple[str, ...]:
    """Which touchpoints probably are the conversion? Purchases, else payments, else checkouts and tills.

    `names` may carry counts; the most frequent name comes first. Nothing is proposed where no name is known as an action.
    """
    counts = names if isinstance(names, Mapping) else dict.fromkeys(names, 0)
    ranked = [(goal, -counts[name], name) for name in counts if (goal := _goal(name))]
    best = min(ranked, default=None)
    return tuple(name for goal, _, name in sorted(ranked) if best and goal == best[0])


def _goal(name: str) -> int | None:
    entry = _index().get(plain(name))
    return entry.goal if entry else None


@cache
def _index() -> dict[str, Entry]:
    return {plain(name): entry for entry in entries() for name in entry.names}
