"""What people did to themes: gave them names, put some together, hid some. Kept by the terms of the theme, so that it outlives the
next import, when the same comments and more lead to nearly the same themes.

Themes that got the same name are one theme, also those of two languages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cx_metrics.comments.normalise import plain
from cx_metrics.comments.themes import COLUMNS, Themes
from cx_metrics.errors import OptionProblem, nearest
from cx_metrics.intervals import ratio, wilson
from cx_metrics.texts import N_

SAME_THEME = 1 / 3  # least overlap (Jaccard) of the terms of one theme, then and now: half of eight terms
LONGEST_NAME = 80
MOST_TERMS = 20
_SETTINGS = ("language", "terms", "name", "hidden")


@dataclass(frozen=True)
class ThemeEdit:
    """What was done to one theme: known again by its language and terms; `name` (none: the proposed one); `hidden`."""

    language: str
    terms: tuple[str, ...]
    name: str = ""
    hidden: bool = False

    @property
    def fingerprint(self) -> str:
        """The mark of the theme that was edited."""
        return fingerprint(self.language, self.terms)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; what says nothing is left out."""
        kept = asdict(self) | {"terms": list(self.terms)}
        return {name: value for name, value in kept.items() if value not in ("", False)}

    @classmethod
    def from_dict(cls, found: Any) -> ThemeEdit:
        """The reverse of `to_dict`, also for what a person wrote.

        Raises:
            OptionProblem: a setting that does not exist, is missing, or is of another kind.
        """
        if not isinstance(found, Mapping):
            raise OptionProblem(
                N_("Each theme must be a list of settings with their names: language, terms, name, hidden.")
            )
        for name in found:
            if name not in _SETTINGS:
                hint = nearest(str(name), _SETTINGS) or ", ".join(_SETTINGS)
                raise OptionProblem(N_('A theme has no setting "{name}". Nearest: {hint}.'), name=str(name), hint=hint)
        language, terms = found.get("language"), found.get("terms")
        if not isinstance(language, str) or not language:
            raise OptionProblem(N_('A theme must say its language, like "language: en".'))
        if not isinstance(terms, list | tuple) or not terms or not all(isinstance(term, str) for term in terms):
            raise OptionProblem(N_('A theme must say its terms, like "terms: [delivery, late]".'))
        name, hidden = found.get("name", ""), found.get("hidden", False)
        if not isinstance(name, str) or len(name.strip()) > LONGEST_NAME:
            raise OptionProblem(
                N_("The name of a theme must be a text of at most {limit} letters."), limit=LONGEST_NAME
            )
        if not isinstance(hidden, bool):
            raise OptionProblem(N_('"{name}" must be true or false.'), name="hidden")
        return cls(language, tuple(terms[:MOST_TERMS]), name.strip(), hidden)


@dataclass(frozen=True)
class Edited:
    """Themes after the edits. `matched`: the edit, the number of its theme before the edits, and the overlap of their terms (1: the
    same); `unmatched`: edits whose theme is not there any more, to be kept for a later import."""

    themes: Themes
    matched: tuple[tuple[ThemeEdit, int, float], ...]
    unmatched: tuple[ThemeEdit, ...]


def fingerprint(language: str, terms: Iterable[str]) -> str:
    """The mark of a theme: its language and terms, whatever their order and spelling. 32 hexadecimal digits."""
    said = [language, *sorted(set(plain(list(terms))))]
    return hashlib.sha256("\n".join(said).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def edit_of(themes: Themes, theme: int, *, name: str = "", hidden: bool = False) -> ThemeEdit:
    """The edit that gives a theme a name or hides it.

    Raises:
        OptionProblem: there is no such theme, or the name is too long.
    """
    found = themes.themes[themes.themes["theme"] == theme]
    if found.empty:
        raise OptionProblem(N_("There is no theme {theme}."), theme=theme)
    row = found.iloc[0]
    kept = {"language": row["language"], "terms": list(row["terms"]), "name": name, "hidden": hidden}
    return ThemeEdit.from_dict(kept)


def apply_edits(themes: Themes, edits: Sequence[ThemeEdit]) -> Edited:
    """Themes under the names that people gave them; those of one name put together; hidden ones without comments of theirs.

    Each edit goes to the theme of its language with the same terms, or else with the likest ones, if that overlap is SAME_THEME and
    more; no theme gets two edits (of the same terms the last edit counts). A theme put together counts each comment once; its
    coherence and stability are unknown. Hidden themes keep their row, marked; their comments count as having no theme.
    """
    latest = list({edit.fingerprint: edit for edit in edits}.values())
    frame = themes.themes.reset_index(drop=True)
    matched = _matched(frame, latest)
    taken = {edit.fingerprint for edit, _, _ in matched}
    after = _applied(themes, frame, {theme: edit for edit, theme, _ in matched})
    return Edited(after, tuple(matched), tuple(edit for edit in latest if edit.fingerprint not in taken))


def _matched(frame: pd.DataFrame, edits: Sequence[ThemeEdit]) -> list[tuple[ThemeEdit, int, float]]:
    """Which edit belongs to which theme? The pairs that together overlap most."""
    from scipy.optimize import linear_sum_assignment

    if frame.empty or not edits:
        return []
    there = [
        (str(language), frozenset(plain(terms)))
        for language, terms in zip(frame["language"], frame["terms"], strict=True)
    ]
    said = [(edit.language, frozenset(plain(edit.terms))) for edit in edits]
    overlap = np.array([[_overlap(one, other) for other in there] for one in said])
    overlap[overlap < SAME_THEME] = 0
    pairs = zip(*linear_sum_assignment(-(overlap + (overlap == 1))), strict=True)  # the same terms go before any sum
    return [(edits[i], int(frame["theme"][j]), float(overlap[i, j])) for i, j in pairs if overlap[i, j] > 0]


def _overlap(one: tuple[str, frozenset[str]], other: tuple[str, frozenset[str]]) -> float:
    return len(one[1] & other[1]) / len(one[1] | other[1]) if one[0] == other[0] and one[1] | other[1] else 0.0


def _applied(themes: Themes, frame: pd.DataFrame, edits: Mapping[int, ThemeEdit]) -> Themes:
    """Rows under their new names and numbers, and the comments with them."""
    said = [edits.get(int(theme)) for theme in frame["theme"]]
    hidden = np.array([edit is not None and edit.hidden for edit in said], dtype=bool)
    keys = [(edit.name.casefold(), edit.hidden) if edit and edit.name else (i, False) for i, edit in enumerate(said)]
    group = pd.factorize(pd.Series(keys, dtype=object))[
        0
    ]  # themes of one name are one group, in the order of their first
    if not len(group):
        return themes
    goes_to = np.concatenate([[0], np.where(hidden, 0, group + 1)])
    first = goes_to[themes.theme]
    second = goes_to[themes.second]
    rows = [_row(frame[group == g], said, hidden, first == g + 1) for g in range(int(group.max()) + 1)]
    found = pd.DataFrame(rows)
    found["theme"] = np.arange(1, len(found) + 1)
    found["share"] = ratio(found["comments"], found["comments_in_language"])
    found["share_low"], found["share_high"] = wilson(found["comments"], found["comments_in_language"])
    there = first > 0
    return replace(
        themes, themes=found[list(COLUMNS)], theme=first, second=np.where(there & (second != first), second, 0),
        weight=np.where(there, themes.weight, 0.0), nearness=np.where(there, themes.nearness, 0.0),
    )  # fmt: skip


def _row(of: pd.DataFrame, said: Sequence[ThemeEdit | None], hidden: Any, comments: Any) -> dict[str, Any]:
    """One row for the themes that are put together; `comments`: those that are now its own."""
    leading = of.iloc[0].to_dict()
    edit = said[int(of.index[0])]
    row = leading | {"name": edit.name if edit and edit.name else leading["name"], "hidden": bool(hidden[of.index[0]])}
    row["comments"] = int(comments.sum()) if not row["hidden"] else int(of["comments"].sum())
    if len(of) > 1:
        each = of.drop_duplicates("language")
        row["language"] = ", ".join(each["language"])
        row["comments_in_language"] = int(each["comments_in_language"].sum())
        row["coherence"] = row["stability"] = np.nan
    return row
