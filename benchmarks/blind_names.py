"""How well does the dictionary place touchpoint names that nobody who made it has seen?

    python -m benchmarks.blind_names

`labelled_names.csv`: 440 names, 110 in each language, written and labelled without sight of the dictionary; `note` holds a second
stage where two can be defended, and no label where nobody could place a name. Scored are what is applied in silence
(confidence from 0.6 on) and what is proposed at all. The list was scored once, before anybody who works on the dictionary saw it;
from then on a better score says less.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.measuring import markdown
from cx_metrics.reading import NameMapping, look_up, propose
from cx_metrics.tables import STAGES

NAMES = Path(__file__).with_name("labelled_names.csv")
LANGUAGES = ("en", "ar", "fa", "ru")
SCORED: dict[str, Callable[[str], NameMapping | None]] = {"applied": look_up, "proposed": propose}

Row = dict[str, str]


def main() -> None:
    """Score and print."""
    with NAMES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    table, by_language = [], []
    for name, place in SCORED.items():
        said = [(found.stage or "") if (found := place(row["name"])) else "" for row in rows]
        wrong = [row for row, stage in zip(rows, said, strict=True) if stage and stage != row["stage"]]
        defended = [row for row, stage in zip(rows, said, strict=True) if stage and f"also:{stage}" in row["note"]]
        table.append(
            [
                name,
                macro_f1(rows, said),
                len(wrong) / len(rows),
                (len(wrong) - len(defended)) / len(rows),
                said.count(""),
            ]
        )
        for language in LANGUAGES:
            mine = [(row, stage) for row, stage in zip(rows, said, strict=True) if row["language"] == language]
            by_language.append([
                name, language, sum(row["stage"] == stage for row, stage in mine),
                sum(bool(stage) and stage != row["stage"] for row, stage in mine), len(mine),
            ])  # fmt: skip
    head = ["", "macro-F1 of stages", "wrong", "wrong by both labels", "names without an answer"]
    print(markdown({"title": f"{len(rows)} blind names", "head": head, "rows": table}))
    head = ["", "language", "right", "wrong", "of"]
    print(markdown({"title": "By language", "head": head, "rows": by_language}))


def macro_f1(rows: Sequence[Row], said: Sequence[str]) -> float:
    """The mean over the stages of F1: names placed there rightly against those placed there or belonging there."""
    scores = []
    for stage in STAGES:
        right = sum(row["stage"] == stage == found for row, found in zip(rows, said, strict=True))
        there = sum(found == stage for found in said) + sum(row["stage"] == stage for row in rows)
        scores.append(2 * right / there if there else 0.0)
    return sum(scores) / len(scores)


if __name__ == "__main__":
    main()
