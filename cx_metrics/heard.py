"""What is known about the comments of a dataset: how well each language was read, and which themes there are. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class LanguageHeard:
    """How the comments of one language were read, and how far that can be trusted.

    `method`: own (learnt from the scores beside the comments) or list (a list of words). `accuracy` … `macro_f1` are those of
    that method, cross-validated against the scores of `judged` comments; `majority_accuracy` is what the most frequent class
    alone would reach. All None where the language is `unproven`.
    """

    language: str
    comments: int
    labelled: int
    method: str
    unproven: bool
    judged: int = 0
    accuracy: float | None = None
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    kappa: float | None = None
    macro_f1: float | None = None
    majority_accuracy: float | None = None
    own_accuracy: float | None = None
    list_accuracy: float | None = None


@dataclass(frozen=True)
class ThemeHeard:
    """One theme: what it is called (of its terms, or by a person), its terms, and how steady it is (0..1)."""

    language: str
    name: str
    terms: tuple[str, ...]
    comments: int
    coherence: float | None = None
    stability: float | None = None
    hidden: bool = False


@dataclass(frozen=True)
class Heard:
    """All that was read. `stability`: mean adjusted Rand index of the themes, by language; `notes`: why a language has no themes
    (as `Text.to_dict` gives it), by language."""

    languages: tuple[LanguageHeard, ...] = ()
    themes: tuple[ThemeHeard, ...] = ()
    stability: Mapping[str, float] | None = None
    notes: Mapping[str, Mapping[str, Any]] | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Heard:
        """The reverse of `to_dict`."""
        return cls(
            tuple(LanguageHeard(**one) for one in kept["languages"]),
            tuple(ThemeHeard(**(one | {"terms": tuple(one["terms"])})) for one in kept["themes"]),
            kept["stability"], kept["notes"],
        )  # fmt: skip
