"""What a file was recognised as: kept between the process that looks and the page that asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from cx_metrics.reading.mapping import FileMapping
from cx_metrics.reading.matching import ColumnMatch
from cx_metrics.reading.questions import Question
from cx_metrics.reading.shapes import KindsBy
from cx_metrics.texts import Text


@dataclass(frozen=True)
class Recognition:
    """What a file seems to be. `problems` are said on the page; `blockers` must be answered by a person first.

    `table` is None where no table fits well enough: the user chooses, and `nearest` is the one that fits best.
    `time_format` is None where no time was found. `preset` is the tool's export that the file is. `proposed` is the whole mapping,
    where a preset or the shape of the file makes it. `questions` are what a page must ask (`answered` changes the mapping).
    `clock` is the column that holds the time of day, where the time holds the day alone.
    """

    table: str | None
    confidence: float
    reason: Text
    matches: tuple[ColumnMatch, ...]
    time_format: str | None = None
    decimal_comma: bool = False
    survey_type: str | None = None
    scale_low: float | None = None
    scale_high: float | None = None
    higher_is_better: bool | None = None
    problems: tuple[Text, ...] = ()
    blockers: tuple[Text, ...] = ()
    nearest: str | None = None
    preset: str | None = None
    proposed: FileMapping | None = None
    questions: tuple[Question, ...] = ()
    no_answer: tuple[str, ...] = ()
    score_words: Mapping[str, float] = field(default_factory=dict)
    kinds_by: KindsBy | None = None
    clock: str | None = None

    @property
    def columns(self) -> dict[str, str]:
        """Our column → their header, where one was found."""
        return {match.field: match.column for match in self.matches if match.field}

    def to_dict(self) -> dict[str, Any]:
        """What was recognised as plain JSON values."""
        said = {name: [text.to_dict() for text in getattr(self, name)] for name in ("problems", "blockers")}
        matches = [match.to_dict() for match in self.matches]
        nested = {
            "proposed": self.proposed.to_dict() if self.proposed else None,
            "questions": [question.to_dict() for question in self.questions],
            "no_answer": list(self.no_answer),
            "score_words": dict(self.score_words),
            "kinds_by": asdict(self.kinds_by) if self.kinds_by else None,
        }
        return {**vars(self), "reason": self.reason.to_dict(), "matches": matches, **said, **nested}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Recognition:
        """The reverse of `to_dict`."""
        said = {name: tuple(map(Text.from_dict, kept[name])) for name in ("problems", "blockers")}
        matches = tuple(map(ColumnMatch.from_dict, kept["matches"]))
        proposed, kinds_by = kept["proposed"], kept["kinds_by"]
        nested = {
            "proposed": FileMapping.from_dict(proposed) if proposed else None,
            "questions": tuple(map(Question.from_dict, kept["questions"])),
            "no_answer": tuple(kept["no_answer"]),
            "kinds_by": KindsBy.from_dict(kinds_by) if kinds_by else None,
        }
        return cls(**{**kept, "reason": Text.from_dict(kept["reason"]), "matches": matches, **said, **nested})
