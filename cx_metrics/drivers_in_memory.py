"""What drivers of a score there are to choose from, and the responses that know them, from answers in memory.

The same that `driver_choice.offered` and `driver_choice.cases` ask an engine for, where nobody named the drivers.
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from cx_metrics.answers_in_memory import KEY, SCALE, Answers
from cx_metrics.driver_choice import MEASURE, SCORED, Chosen, Drivers, Outcome
from cx_metrics.instants import Bools, Ints


def offered_here(answers: Answers, places: Ints, *, outcome: Outcome, drivers: Drivers) -> pd.DataFrame | None:
    """The rows of `offered`, of the responses at these places; None where drivers are named, or a question has several scales."""
    questions, of_scores = answers.questions, answers.questions["survey_type"].isin(SCORED)
    if drivers or (of_scores & questions["is_mixed"]).any():
        return None
    kinds = (outcome,) if outcome else SCORED
    known = {at: ~np.isnan(answers.score[at, places]) for at in np.flatnonzero(of_scores)}
    asked = {kind: np.flatnonzero((questions[KEY] == kind).any(axis=1)) for kind in kinds}
    given = {
        kind: sum((known[at].astype("int8") for at in held if at in known), _none(places))
        for kind, held in asked.items()
    }
    person, told = answers.person[places], list[dict[str, Any]]()
    for kind, counted in given.items():
        who = person[counted > 0]
        named = who[who > 0]
        told.append({
            "what": "score", "name": kind, "n": len(who), "numbers": int((counted > 1).sum()), "low": float(len(named)),
            "high": float(_different(named)),
        })  # fmt: skip
    for at, held in known.items():
        beside = {f"c{i}": int((held & (counted > 0)).sum()) for i, counted in enumerate(given.values())}
        survey_type, question, low, high, better = questions.loc[at, [*KEY, *SCALE]]
        told.append({
            "what": "question", "kind": survey_type, "name": question, "n": int(held.sum()), "scales": 1, "low": low, "high": high,
            "better": better, **beside,
        })  # fmt: skip
    rows = answers.asked[:, places]
    for column, values in answers.own.items():
        there = ~np.isnan(values[..., places])  # answers to each question that know the column
        counts = (
            np.count_nonzero(there, axis=-1) if answers.each_once and there.ndim > 1 else (rows * there).sum(axis=1)
        )
        beside = {f"c{i}": int(counts[held].sum()) for i, held in enumerate(asked.values())}
        told.append({
            "what": "column", "name": column, "n": int(counts.sum()), "numbers": int(counts.sum()), **beside
        })  # fmt: skip
    return pd.DataFrame([row for row in told if row["what"] != "question" or row["n"]])


def cases_here(answers: Answers, places: Ints, *, made: Chosen) -> pd.DataFrame | None:
    """What `cases` gives of the responses at these places; None where equal responses are to be counted together, or a column that
    somebody named is not in memory as a number."""
    own = [driver for driver in made.drivers if not driver.is_question]
    if not made.by_customer or any(driver.kind != MEASURE or driver.name not in answers.own for driver in own):
        return None
    chosen = [*made.outcome, *((d.kind, d.name) for d in made.drivers if d.is_question)]
    number = {pair: at for at, pair in enumerate(zip(*(answers.questions[column] for column in KEY), strict=True))}
    score = {pair: answers.score[at, places] for pair, at in number.items() if pair in chosen}
    columns: dict[str, Any] = {"outcome": reduce(np.fmax, [score[pair] for pair in made.outcome])}
    for place, driver in enumerate(made.drivers, 1):
        if driver.is_question:
            columns[f"d{place}"] = score[driver.kind, driver.name]
        else:
            held = answers.own[driver.name]
            alike = held.ndim == 1
            columns[f"d{place}"] = (
                held[places] if alike else _highest(held, places, {number[pair]: of for pair, of in score.items()})
            )
    known: Bools = ~np.isnan(sum(columns.values()))
    response, person = answers.number[places[known]], answers.person[places[known]]
    whose = {"response_number": response, "customer": np.where(person > 0, person, -response)}
    values = {name: held[known] for name, held in columns.items()}
    return pd.DataFrame(whose | values | {"n": np.ones(len(response), dtype="int64")}, copy=False)


def _highest(held: Any, places: Ints, scores: dict[int, Any]) -> Any:
    """The highest known number beside the scores of some questions."""
    return reduce(np.fmax, [np.where(np.isnan(of), np.nan, held[at, places]) for at, of in scores.items()])


def _none(places: Ints) -> Any:
    return np.zeros(len(places), dtype="int8")


def _different(numbers: Ints) -> int:
    """How many different numbers there are."""
    there = np.zeros(int(numbers.max(initial=0)) + 1, dtype=bool)
    there[numbers] = True
    return int(there.sum())
