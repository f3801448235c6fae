"""Which score is looked at, and which other answers and columns could go with it? Chosen once, then fetched response by response.

One row per response is what drivers are compared on: the outcome and every driver have to be known of it. Rows that say the same
are fetched once, with how many responses say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NoReturn

import ibis
import pandas as pd
from ibis import _

from cx_metrics.answers_in_memory import own_columns
from cx_metrics.contacts import NUMBER
from cx_metrics.errors import DataProblem, OptionProblem, nearest
from cx_metrics.groups import how_many, nullable
from cx_metrics.options import Columns, Name
from cx_metrics.texts import N_

SCORED = ("nps", "csat", "rating", "ces")  # in the order in which one of them is taken for the outcome
HELD = 0.5  # of the responses with the outcome: a driver that fewer of them know would cost the others
MOST_LEVELS = 12  # an attribute with more values says who somebody is, not what happened
MEASURE, ATTRIBUTE = "measure", "attribute"

Outcome = Annotated[
    str, Name(N_("the score looked at: nps, csat, ces, rating, or one question by its words; empty for the first there is"))
]  # fmt: skip
Drivers = Annotated[
    tuple[str, ...],
    Columns(N_("questions and columns set beside it; empty for what at least half of those who gave the score were asked")),
]  # fmt: skip


@dataclass(frozen=True)
class Driver:
    """A question (kind: its survey type), a column of numbers or one of a few values (`levels`: all but the most frequent)."""

    name: str
    kind: str
    scale_low: float | None = None
    scale_high: float | None = None
    higher_is_better: bool = True
    levels: tuple[str, ...] = ()

    @property
    def is_question(self) -> bool:
        """Is it a question of the survey, not a column?"""
        return self.kind not in (MEASURE, ATTRIBUTE)


@dataclass(frozen=True)
class Chosen:
    """The questions of the outcome, the drivers, whether somebody gave the outcome more than once, and how many responses gave
    it (two views that chose the same ask the same query)."""

    outcome: tuple[tuple[str, str], ...] = ()
    drivers: tuple[Driver, ...] = ()
    by_customer: bool = False
    answers: int = field(default=0, compare=False)


def offered(
    surveys: ibis.Table, by: tuple[str, ...] = (), *, outcome: Outcome = "", drivers: Drivers = ()
) -> ibis.Table:
    """What is there to choose from? Rows of four sorts (`what`), over all groups of `by`.

    score: a kind of outcome (name), its responses (n), those with two questions of that kind (numbers), responses that name a
    customer (low) and these customers (high). question: kind, name, answers (n), its scale. column: answers that know it (n),
    those where it is a number (numbers), its values (scales). value: a value of a column and its answers (n). c0, c1, …: how many
    of n were given beside the first, second … kind of outcome.
    """
    s = surveys
    kinds = (outcome,) if outcome else SCORED
    asked = {f"k{i}": _is_of(s, kind) for i, kind in enumerate(kinds)}
    each = (
        s.filter(_is_score(s) & ibis.or_(*asked.values()))
        .group_by("response_number")
        .aggregate(customer=_.customer_number.max(), **{k: how_many(held) for k, held in asked.items()})
    )
    parts = [_score(each, f"k{i}", kind) for i, kind in enumerate(kinds)]
    if drivers:
        named = [c for c in drivers if c in s.columns]
        parts += [_questions(_by_question(s)), *_named_columns(s, named, kinds)]
        parts += [_values(s, c) for c in named if not s[c].type().is_numeric()]
    else:
        own = own_columns(s)
        found = _by_question(s.left_join(each.select("response_number", *asked), "response_number"), len(kinds), own)
        parts += [_questions(found), *_own_columns(found, own, kinds)]
    wide = [_whole(part, len(kinds)) for part in parts]
    return ibis.union(*wide) if len(wide) > 1 else wide[0]


def _score(each: ibis.Table, counted: str, kind: str) -> ibis.Table:
    given = each.filter(each[counted] > 0)
    return given.aggregate(
        n=_.count(), numbers=how_many(given[counted] > 1), low=given.customer.count().cast("float64"),
        high=given.customer.nunique().cast("float64"),
    ).mutate(what=ibis.literal("score"), name=ibis.literal(kind))  # fmt: skip


def _by_question(rows: ibis.Table, kinds: int = 0, own: Sequence[str] = ()) -> ibis.Table:
    """What there is of each question, its scores (is_score 1) and its other answers apart: how many (n), the ends of their scales,
    how many stand beside an outcome (c0, c1 …), how many know each of some columns (n0, n1 …)."""
    better = ibis.ifelse(rows.higher_is_better, 1, 0)
    return rows.group_by("survey_type", "question", is_score=ibis.ifelse(_is_score(rows), 1, 0)).aggregate(
        n=_.count(), low=rows.scale_low.min(), high=rows.scale_high.max(), better=better.max(),
        most_low=rows.scale_low.max(), least_high=rows.scale_high.min(), worse=better.min(),
        **{f"c{i}": how_many(rows[f"k{i}"] > 0) for i in range(kinds)},
        **{f"n{place}": rows[column].count() for place, column in enumerate(own)},
    )  # fmt: skip


def _questions(found: ibis.Table) -> ibis.Table:
    """The questions that have scores."""
    found = found.filter(found.is_score == 1)
    mixed = (found.low < found.most_low) | (found.high > found.least_high) | (found.better > found.worse)
    scales = ibis.ifelse(mixed.fill_null(False), 2, 1)
    return found.mutate(what=ibis.literal("question"), scales=scales).rename(kind="survey_type", name="question")


def _own_columns(found: ibis.Table, columns: Sequence[str], kinds: Sequence[str]) -> list[ibis.Table]:
    """How many answers know each column of numbers, all in all and beside each outcome: added up from the questions."""
    if not columns:
        return []
    counted: dict[str, ibis.Value] = {}
    for place in range(len(columns)):
        held = found[f"n{place}"]
        counted[f"n{place}"] = held.sum().fill_null(0)
        counted |= {f"c{i}_{place}": how_many(_is_of(found, kind), held) for i, kind in enumerate(kinds)}
    whole = found.aggregate(**counted)
    return [
        whole.select(
            n=whole[f"n{place}"], numbers=whole[f"n{place}"], **{f"c{i}": whole[f"c{i}_{place}"] for i in range(len(kinds))},
            what=ibis.literal("column"), name=ibis.literal(column),
        )
        for place, column in enumerate(columns)
    ]  # fmt: skip


def _is_score(rows: ibis.Table) -> ibis.BooleanValue:
    """Whether rows are answers that are a score."""
    return rows.survey_type.isin(SCORED) & (rows.score_status == "valid") & rows.score.notnull()


def _is_of(rows: ibis.Table, kind: str) -> ibis.Value:
    """Whether rows are of a kind of outcome: a survey type, or one question by its words."""
    return (rows.survey_type == kind) | (rows.question == kind)


def _named_columns(s: ibis.Table, columns: Sequence[str], kinds: Sequence[str]) -> list[ibis.Table]:
    """What the answers know of each column that is named, and how many different values it has: all counted at once."""
    counted: dict[str, ibis.Value] = {}
    for place, column in enumerate(columns):
        held = s[column].notnull()
        counted |= {f"n{place}": s[column].count(), f"scales{place}": s[column].nunique()}
        if s[column].type().is_string():
            counted[f"numbers{place}"] = how_many(held & number(s[column]).notnull())
        counted |= {f"c{i}_{place}": how_many(_is_of(s, kind) & held) for i, kind in enumerate(kinds)}
    if not counted:
        return []
    whole = s.aggregate(**counted)
    return [
        whole.select(
            n=whole[f"n{place}"], numbers=whole[f"numbers{place}" if f"numbers{place}" in counted else f"n{place}"],
            scales=whole[f"scales{place}"], **{f"c{i}": whole[f"c{i}_{place}"] for i in range(len(kinds))},
            what=ibis.literal("column"), name=ibis.literal(column),
        )
        for place, column in enumerate(columns)
    ]  # fmt: skip


def _values(s: ibis.Table, column: str) -> ibis.Table:
    counted = (
        s.select(value=s[column].cast("string")).filter(_.value.notnull()).group_by("value").aggregate(n=_.count())
    )
    most = counted.order_by([ibis.desc("n"), "value"]).limit(MOST_LEVELS + 1)
    return most.mutate(what=ibis.literal("value"), name=ibis.literal(column))


def _whole(part: ibis.Table, kinds: int) -> ibis.Table:
    """The rows with all columns, so that they stand under each other."""
    texts, wholes = (
        ("what", "kind", "name", "value"),
        ("n", "numbers", "scales", "better", *(f"c{i}" for i in range(kinds))),
    )
    columns = {c: part[c] if c in part.columns else ibis.null("string") for c in texts}
    columns |= {c: (part[c] if c in part.columns else ibis.literal(0)).cast("int64") for c in wholes}
    columns |= {c: part[c] if c in part.columns else ibis.null("float64") for c in ("low", "high")}
    return nullable(part.select(**columns))


def number(column: ibis.Value) -> ibis.Value:
    """The number in a column, null where there is none."""
    if not column.type().is_string():
        return column.cast("float64")
    plain = column.strip()
    return ibis.ifelse(plain.re_search(NUMBER), plain, ibis.null("string")).cast("float64")


def choose(
    found: pd.DataFrame, by: Sequence[str], *, ends: int | None, timed: bool, outcome: Outcome, drivers: Drivers
) -> Chosen:
    """The outcome and the drivers of what is offered. Nothing where nobody gave the outcome.

    Raises OptionProblem for a name that stands for nothing, DataProblem for an outcome or a driver that is no single score.
    """
    told: dict[str, list[Any]] = {what: [] for what in ("score", "question", "column", "value")}
    for row in found.itertuples(index=False):
        told[str(row.what)].append(row)
    scores = {row.name: row for row in told["score"] if row.n > 0}
    questions = sorted(told["question"], key=lambda row: (row.kind, row.name))
    if outcome and outcome not in SCORED and questions and outcome not in {row.name for row in questions}:
        _refuse(outcome, [row.name for row in questions])
    kinds = [k for k in ((outcome,) if outcome else SCORED) if k in scores]
    if not kinds:
        return Chosen()
    asked = {k: [row for row in questions if k in (row.kind, row.name)] for k in kinds}
    kind = next((k for k in kinds if _is_one(asked[k], scores[k])), kinds[0])
    own, score = asked[kind], scores[kind]
    if not _is_one(own, score):
        raise DataProblem(
            N_("Several questions are of the type {type}: {names}. Name the one whose score you mean as outcome."),
            type=kind, names=tuple(row.name for row in own),
        )  # fmt: skip
    others = [row for row in questions if row not in own]
    if drivers:
        chosen = _named(told, others, drivers)
    else:
        beside, enough = f"c{0 if outcome else SCORED.index(kind)}", HELD * int(score.n)
        chosen = [_question(row) for row in others if getattr(row, beside) >= enough]
        columns = [row.name for row in told["column"] if getattr(row, beside) >= enough]
        chosen += [Driver(name, MEASURE) for name in sorted(columns)]
    pairs = tuple((row.kind, row.name) for row in own)
    return Chosen(pairs, tuple(chosen), float(score.high) < float(score.low), int(score.n))


def _is_one(asked: Sequence[Any], score: Any) -> bool:
    """Do the questions make one score: on one scale, and no response has two of them?"""
    scales = {(*_ends(row), row.better) for row in asked}
    return len(asked) <= 1 or not (int(score.numbers) or len(scales) > 1)


def _named(told: Mapping[str, Sequence[Any]], questions: Sequence[Any], names: Sequence[str]) -> list[Driver]:
    """The drivers that the names stand for, in their order, each once."""
    columns = {row.name: row for row in told["column"]}
    chosen: dict[tuple[str, str], Driver] = {}
    for name in names:
        if name in columns:
            held = [_by_values(columns[name], [row for row in told["value"] if row.name == name])]
        else:
            held = [_question(row) for row in questions if name in (row.kind, row.name)]
        if not held:
            _refuse(name, [*(row.name for row in questions), *columns])
        chosen |= {(driver.kind, driver.name): driver for driver in held}
    return list(chosen.values())


def _refuse(found: str, known: Iterable[str]) -> NoReturn:
    names = tuple(dict.fromkeys(known))
    raise OptionProblem(
        N_("No scored question or column is called {found}. Nearest: {nearest}. Questions: {names}."),
        found=found, nearest=nearest(found, names) or "–", names=names or ("–",),
    )  # fmt: skip


def _question(row: Any) -> Driver:
    if row.scales > 1:
        raise DataProblem(
            N_("The question {question} was asked on several scales. Choose one wave or source, or name other drivers."),
            question=row.name,
        )  # fmt: skip
    return Driver(row.name, row.kind, *_ends(row), bool(row.better))


def _ends(row: Any) -> tuple[float | None, float | None]:
    """The ends of the scale of a question, unknown as None."""
    low, high = (None if end != end else float(end) for end in (row.low, row.high))
    return low, high


def _by_values(column: Any, values: Sequence[Any]) -> Driver:
    """A column as a driver: numbers, or one of a few values."""
    if not values or (column.numbers == column.n and column.scales > 2):
        return Driver(column.name, MEASURE)
    if len(values) > MOST_LEVELS:
        raise DataProblem(
            N_("The column {column} has {count} different values. A driver is a number, or has at most {most} values."),
            column=column.name, count=int(column.scales), most=MOST_LEVELS,
        )  # fmt: skip
    ordered = sorted(values, key=lambda row: (-row.n, row.value))
    return Driver(column.name, ATTRIBUTE, levels=tuple(row.value for row in ordered[1:]))


def named(chosen: Chosen, by: Sequence[str]) -> pd.DataFrame:
    """The questions that are fetched: survey_type, question, place (0: the outcome, 1: the first driver …)."""
    if not chosen.drivers:
        return pd.DataFrame()
    asked = [(d.kind, d.name, place) for place, d in enumerate(chosen.drivers, 1) if d.is_question]
    rows = [*((kind, name, 0) for kind, name in chosen.outcome), *asked]
    return pd.DataFrame(rows, columns=["survey_type", "question", "place"])


def cases(surveys: ibis.Table, lent: ibis.Table, *, by: tuple[str, ...], made: Chosen) -> ibis.Table:
    """The responses that gave the outcome: by, outcome, d1, d2 … and n, how many responses say so. Those that do not know every
    driver have null in all of these; they are left out where there are no groups to count them in. Where some customers gave it
    more than once each response is a row, with its customer: a number, below 0 where it names nobody."""
    s = surveys.join(lent, ["survey_type", "question"])
    s = s.filter((s.score_status == "valid") & s.score.notnull())
    values: dict[str, ibis.Value] = {"outcome": s.score.max(where=s.place == 0)}
    for place, driver in enumerate(made.drivers, 1):
        if driver.is_question:
            values[f"d{place}"] = s.score.max(where=s.place == place)
        else:
            held = s[driver.name]
            values[f"d{place}"] = (number(held) if driver.kind == MEASURE else held.cast("string")).max()
    own = {"customer": s.customer_number.max()} if made.by_customer else {}
    each = s.group_by([*by, "response_number"]).aggregate(**values, **own)
    each = each.filter(each.outcome.notnull())
    known = ibis.and_(*(each[name].notnull() for name in values))
    told = {name: ibis.ifelse(known, each[name], ibis.null(each[name].type())) if by else each[name] for name in values}
    if not by:
        each = each.filter(known)
    if made.by_customer:
        whose = ibis.coalesce(each.customer, -each.response_number)
        one = each.select(*by, "response_number", customer=whose, **told, n=ibis.literal(1, "int64"))
        return one.order_by([*by, "response_number"])
    each = each.mutate(**told)
    return each.group_by([*by, *values]).aggregate(n=_.count()).order_by([*by, *values])
