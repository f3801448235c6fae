"""Where touchpoints belong, for names that everyone uses: a dictionary in four languages that ships with the product.

What it holds is in `dictionary.csv` and its neighbours (see dictionary_index.py), how a name is compared with it in
dictionary_matching.py. A file's own axes win over it, and what the user maps wins over both; the shown name stays the user's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from cx_metrics.reading.dictionary_index import LANGUAGES, Entry, entries, index
from cx_metrics.reading.dictionary_matching import find
from cx_metrics.reading.mapping import NameMapping

__all__ = ["APPLIED", "LANGUAGES", "Entry", "entries", "look_up", "propose", "propose_goal"]

APPLIED = 0.6  # from this confidence on a name is mapped without asking; below, it is proposed and stays unmapped


def look_up(raw_name: str) -> NameMapping | None:
    """Where does a touchpoint with this name belong? None where the dictionary does not know it, or is not sure.

    Case, spaces, punctuation, numbers, endings and spelling variants of letters do not matter. `touchpoint` is the name of
    the dictionary, a proposal: reading keeps the raw name unless the user maps it.
    """
    found = propose(raw_name)
    return found if found and found.confidence >= APPLIED else None


def propose(raw_name: str) -> NameMapping | None:
    """The best the dictionary can say about a name, however unsure; None where it knows none of its words.

    What lies below `APPLIED` is for a person to confirm: some of its words are unknown, or speak against each other, or
    businesses differ on where such a touchpoint belongs. `reason` says which.
    """
    found = find(raw_name, index())
    if found is None:
        return None
    entry = found.entry
    axes = (found.channel, found.touchpoint_type, entry.stage, entry.phase)
    return NameMapping(raw_name, entry.touchpoint, *axes, confidence=found.confidence, reason=found.reason)


def propose_goal(names: Iterable[str] | Mapping[str, int]) -> tuple[str, ...]:
    """Which touchpoints probably are the conversion? Purchases, else payments, else checkouts and tills.

    `names` may carry counts; the most frequent name comes first. Nothing is proposed where no name is known as an action,
    and never one that says that it was only seen or begun, or that it failed.
    """
    counts = names if isinstance(names, Mapping) else dict.fromkeys(names, 0)
    ranked = [(goal, -counts[name], name) for name in counts if (goal := _goal(name))]
    best = min(ranked, default=None)
    return tuple(name for goal, _, name in sorted(ranked) if best and goal == best[0])


def _goal(name: str) -> int | None:
    found = find(name, index())
    return found.entry.goal if found and found.done and found.confidence >= APPLIED else None
