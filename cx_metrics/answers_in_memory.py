"""All survey answers of a dataset in memory, a column for each question: what goes with a score is looked for here.

What a view leaves is still decided by its query, which tells the numbers of the answers alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import ibis
import numpy as np
import pandas as pd

from cx_metrics.instants import Ints
from cx_metrics.tables import HEARD, NUMBERED_ANSWERS, PREPARED, SURVEYS

MOST_NUMBERS = 25_000_000  # of answers and of cells: beyond, the engine is asked
KEY = ["survey_type", "question"]
SCALE = ["scale_low", "scale_high", "higher_is_better"]
# What says nothing new of a score: words are its echo, and what came after cannot have gone before it.
NOTHING_NEW = frozenset({*SURVEYS.names, *PREPARED, *HEARD, *NUMBERED_ANSWERS, "contacts_after"})


@dataclass(frozen=True)
class Answers:
    """Responses in the order of their numbers, with what each said to every question.

    response: by nth_answer less 1, the place of its response. rows: how many answers each response holds. number, person
    (customer_number, 0: it names nobody). score (questions by responses): NaN where none was given; asked: how many answers there
    are, scores or not. own: columns of numbers, NaN where not known, of a response or, where its answers differ, of each answer as
    score has it. questions: survey_type, question, scale_low, scale_high (NaN: not known), higher_is_better (0 or 1), and is_mixed
    (were its scores given on several scales? These are not told then).
    """

    response: np.ndarray[Any, np.dtype[np.int32]]
    rows: Ints
    number: Ints
    person: Ints
    score: np.ndarray[Any, np.dtype[np.float64]]
    asked: np.ndarray[Any, np.dtype[np.int32]]
    own: Mapping[str, np.ndarray[Any, np.dtype[np.float64]]]
    questions: pd.DataFrame

    @staticmethod
    def of(rows: pd.DataFrame, own: list[str]) -> Answers | None:
        """From the rows of `asked`, and what its own columns are called. None where they are too many, or a response names two
        customers, or holds two scores of one question, or two values of an own column there."""
        number, place = np.unique(rows["response_number"].to_numpy(dtype="int64"), return_inverse=True)
        question, questions = _numbered(rows)
        if len(number) * (2 + len(own)) * len(questions) > MOST_NUMBERS:
            return None
        scored = rows["is_score"].to_numpy() == 1
        cell, shape = question * len(number) + place, (len(questions), len(number))
        person = _of_each(place, rows["customer_number"].to_numpy(dtype="int64"), len(number))
        values = [
            _of_response_or_answer(place, cell, rows[f"own{i}"].to_numpy(dtype=float), shape) for i in range(len(own))
        ]
        if person is None or any(held is None for held in values) or (np.bincount(cell[scored], minlength=1) > 1).any():
            return None
        score = np.full(len(questions) * len(number), np.nan)
        score[cell[scored]] = rows["score"].to_numpy(dtype=float)[scored]
        response = np.empty(len(rows), dtype="int32")
        response[rows["nth_answer"].to_numpy(dtype="int64") - 1] = place
        return Answers(
            response, np.bincount(place, minlength=len(number)), number, person, score.reshape(shape),
            np.bincount(cell, minlength=score.size).astype("int32").reshape(shape), dict(zip(own, values, strict=True)),
            _with_scales(questions, question[scored], rows.loc[scored, SCALE]),
        )  # fmt: skip

    @cached_property
    def each_once(self) -> bool:
        """Does no response hold two answers to one question?"""
        return int(self.asked.max(initial=0)) <= 1

    def whole(self, nth_answers: Ints) -> Ints | None:
        """The places of the responses of these answers; None where some answers of them are not among these."""
        there = np.bincount(self.response[nth_answers - 1], minlength=len(self.number))
        places = np.flatnonzero(there)
        return places if (there[places] == self.rows[places]).all() else None


def asked(surveys: ibis.Table) -> tuple[ibis.Table, list[str]]:
    """All answers with what is kept of them, own columns of numbers as own0, own1 …; and what these are called."""
    s, own = surveys, own_columns(surveys)
    valid = (s.score_status == "valid") & s.score.notnull()
    return s.select(
        "nth_answer", "response_number", customer_number=s.customer_number.fill_null(0), survey_type=s.survey_type.cast("string"),
        question=s.question.cast("string"), scale_low=s.scale_low, scale_high=s.scale_high, score=s.score,
        higher_is_better=ibis.ifelse(s.higher_is_better, 1, 0), is_score=ibis.ifelse(valid, 1, 0),
        **{f"own{i}": s[name].cast("float64") for i, name in enumerate(own)},
    ), own  # fmt: skip


def own_columns(surveys: ibis.Table) -> list[str]:
    """The columns of numbers that say something of a response beside its scores."""
    return [
        c for c in surveys.columns
        if c not in NOTHING_NEW and not c.startswith("by ") and surveys[c].type().is_numeric()
    ]  # fmt: skip


def _numbered(rows: pd.DataFrame) -> tuple[Ints, pd.DataFrame]:
    """The number of each row's question, and the questions; what is not known is a value like any other."""
    codes, found = zip(*(pd.factorize(rows[column], use_na_sentinel=False) for column in KEY), strict=True)
    both, number = np.unique(codes[0] * len(found[1]) + codes[1], return_inverse=True)
    kind, name = np.divmod(both, max(len(found[1]), 1))
    return number, pd.DataFrame({KEY[0]: np.asarray(found[0])[kind], KEY[1]: np.asarray(found[1])[name]})


def _with_scales(questions: pd.DataFrame, number: Ints, scales: pd.DataFrame) -> pd.DataFrame:
    """The questions with the scale of their scores. `number`: the question of each score."""
    known = scales.assign(number=number).drop_duplicates()
    mixed = known["number"][known["number"].duplicated()]
    known = known[~known["number"].isin(mixed)].set_index("number")
    return questions.join(known).assign(is_mixed=questions.index.isin(mixed))


def _of_response_or_answer(place: Ints, cell: Ints, values: Any, shape: tuple[int, int]) -> Any:
    """A column of each response; of each of its answers where these differ; None where two answers to one question do."""
    found = _of_each(place, values, shape[1])
    if found is not None:
        return found
    found = _of_each(cell, values, shape[0] * shape[1])
    return None if found is None else found.reshape(shape)


def _of_each(place: Ints, values: Any, many: int) -> Any:
    """The value that all rows of each place have; None where they differ."""
    held = np.full(many, np.nan) if values.dtype == float else np.zeros(many, dtype=values.dtype)
    held[place] = values
    again = held[place]
    return held if ((again == values) | (np.isnan(again) & np.isnan(values))).all() else None
