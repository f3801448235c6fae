"""What is known of every customer, answered or not: attributes, and what they did. One query, added up to patterns.

Traits are small numbers, so that rows that are equal are one: a million customers cost little more than their patterns. What the
numbers mean comes with them, as rows of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import numpy as np
import pandas as pd
from ibis import _
from numpy.typing import NDArray

from cx_metrics.answers import scale_of
from cx_metrics.groups import OTHER, nullable
from cx_metrics.reweighting import Patterns

CONTACT_LIMITS = (1, 2, 3, 5, 8, 13, 21)  # contacts up to which a band goes, the last one open
CONTACT_BANDS = ("1", "2", "3", "4–5", "6–8", "9–13", "14–21", "22+")


def contact_band(contacts: ibis.Value) -> ibis.Value:
    """The band that a number of contacts lies in, as its place in CONTACT_BANDS."""
    return ibis.cases(
        *((contacts <= most, place) for place, most in enumerate(CONTACT_LIMITS)), else_=len(CONTACT_LIMITS)
    )


MOST_ATTRIBUTES = 12  # the first ones of the dataset
MOST_VALUES = 12  # of an attribute, the most frequent; the rest is one
MOST_CHANNELS = 6
MOST_TOUCHPOINTS = 10
MOST_MET = 6  # different touchpoints up to which each number stands alone
CODE = "int16"
OF, MET = "of ", "met "  # columns of codes: "of persona"; of bits: "met channel"
MET_MOST = {"channel": MOST_CHANNELS, "touchpoint": MOST_TOUCHPOINTS}
OWN: dict[str, dict[int, str | None]] = {  # traits whose codes mean themselves
    "contacts": dict(enumerate(CONTACT_BANDS)),
    "touchpoints_met": {k: str(k) if k <= MOST_MET else f"{k}+" for k in range(1, MOST_MET + 2)},
    "converted": {0: "no", 1: "yes"},
}
UNKNOWN = 0  # the code of a value that is not known; those of values begin at 1


@dataclass(frozen=True)
class Known:
    """A trait in a frame of patterns: its codes, and the value that each stands for."""

    column: str
    codes: NDArray[np.int64]
    values: dict[int, str | None]


@dataclass(frozen=True)
class Prepared:
    """What was written down of each customer (`met`: customer_number, contacts, different, last_stage, and a bit for each
    touchpoint and channel), and the numbers of channels, which say the bits. Both or none."""

    met: ibis.Table | None = None
    channels: ibis.Table | None = None


def patterns_query(
    touchpoints: ibis.Table,
    answers: ibis.Table,
    customers: ibis.Table | None,
    by: Sequence[str],
    attributes: Sequence[str],
    prepared: Prepared = Prepared(),
) -> ibis.Table:
    """Customers with a touchpoint, added up to patterns: the columns of `by`, one column of codes per trait ("of persona", "met
    channel"), answered, score, scale, customers; and what the codes mean, as rows with `trait`, `place` (the code) and `value`.

    `answers`: one row per customer, with customer_number, score and scale. `prepared`: of the same customers, where it is known.
    """
    t, number = touchpoints, "customer_number"
    kinds = kinds_of(t)
    told = _legends_of(kinds, customers, attributes)
    ranked = {column: told[column][1] for column in MET_MOST}
    if prepared.met is not None and prepared.channels is not None:
        did = _told(prepared.met, prepared.channels, kinds, ranked)
    else:
        for column, most in MET_MOST.items():
            t = _with_bits(t, column, ranked[column], most)
        did = t.group_by(number).aggregate(
            contacts=_.count(), different=_.touchpoint_number.nunique(), converted=_.is_goal.max(),
            last_stage=t.stage_rank.argmax(t.step, where=t.stage_rank.notnull()),
            **{f"{MET}{column}": t[f"{MET}{column}"].bit_or() for column in MET_MOST},
        )  # fmt: skip
    codes = {
        f"{OF}contacts": contact_band(did.contacts),
        f"{OF}touchpoints_met": ibis.least(did.different, MOST_MET + 1),
        f"{OF}converted": did.converted,
        f"{OF}last_stage": did.last_stage.fill_null(UNKNOWN),
        **{f"{MET}{column}": did[f"{MET}{column}"] for column in MET_MOST},
    }
    people = did.select(number, **{name: code.cast(CODE) for name, code in codes.items()})
    if customers is not None:
        known = customers
        held = attributes_of(customers, attributes)
        for name in held:
            known = _coded(known, name, told[OF + name][1])
        own = known.select(whose=known[number], **{f"{OF}{a}": known[f"{OF}{a}"] for a in held})
        people = people.join(own, people[number] == own.whose).drop("whose")
    names = [c for c in people.columns if c != number]
    given = answers.select(who=answers[number], score="score", scale="scale")
    people = people.left_join(given, people[number] == given.who)
    people = people.mutate(
        answered=ibis.ifelse(people.who.notnull(), 1, 0).cast(CODE), score=people.score.cast("float64")
    )
    if by:
        groups = touchpoints.select(in_group=touchpoints[number], **{c: touchpoints[c] for c in by}).distinct()
        people = groups.join(people, groups.in_group == people[number])
    keys = [*by, *names, "answered", "score", "scale"]
    patterns = people.group_by(keys).aggregate(customers=_.count().cast("int64"))
    return _with_legends(patterns, keys, [legend for legend, _ranked in told.values()])


def kinds_of(touchpoints: ibis.Table) -> ibis.Table:
    """The touchpoints by name, channel and stage: n, rank (of the stage), goal (1 or 0)."""
    kinds = touchpoints.group_by(["touchpoint", "touchpoint_number", "channel", "stage"])
    return kinds.aggregate(n=_.count(), rank=_.stage_rank.max(), goal=_.is_goal.max())


def attributes_of(customers: ibis.Table, attributes: Sequence[str]) -> list[str]:
    """The attributes that are traits."""
    return [a for a in attributes if a in customers.columns and a not in OWN][:MOST_ATTRIBUTES]


def _legends_of(
    kinds: ibis.Table, customers: ibis.Table | None, attributes: Sequence[str]
) -> dict[str, tuple[ibis.Table, ibis.Table]]:
    """By trait ("last_stage", "channel", "of persona") what its codes mean: trait, place, value; and the same as held and place."""
    ranks = (
        kinds.filter(kinds.stage.notnull()).group_by(held=kinds.stage.cast("string")).aggregate(place=_["rank"].max())
    )
    ranked = {"last_stage": ranks}
    ranked |= {column: _ranked(kinds, column, most, kinds.n) for column, most in MET_MOST.items()}
    if customers is not None:
        ranked |= {OF + name: _ranked(customers, name, MOST_VALUES) for name in attributes_of(customers, attributes)}
    return {trait: (_legend(trait.removeprefix(OF), held), held) for trait, held in ranked.items()}


def _told(met: ibis.Table, channels: ibis.Table, kinds: ibis.Table, ranked: dict[str, ibis.Table]) -> ibis.Table:
    """What customers did, out of what was written down of them: the same columns as counted from touchpoints. `kinds`: the
    touchpoints of the view by name, channel and stage. `ranked`: the largest names and channels, whose bits are asked for."""
    one = ibis.literal(1, "int64")
    named = kinds.select(
        known=kinds.touchpoint.cast("string"), number=kinds.touchpoint_number, goal=kinds.goal
    ).distinct()
    known = {
        "touchpoint": named.select("known", "number"),
        "channel": channels.select(known=channels.channel, number=channels.channel_number),
    }
    goals = named.filter(named.goal == 1)
    goals = goals.select(bit=(one << (goals.number - 1)).cast("int64")).distinct()
    t = met.cross_join(goals.aggregate(goals=goals.bit.sum().fill_null(0).cast("int64")))
    made = {"converted": ibis.ifelse((t.touchpoints_met & t.goals) != 0, 1, 0)}
    for column, most in MET_MOST.items():
        top = ranked[column].join(known[column], ranked[column].held == known[column].known)
        bit = (one << (top.number - 1)).cast("int64")
        held = top.aggregate(**{f"{column} {place}": bit.max(where=top.place == place) for place in range(1, most + 1)})
        t = t.cross_join(held)
        own = t[f"{column}s_met"]
        made[f"{MET}{column}"] = sum(
            ibis.ifelse((own & t[f"{column} {place}"]) != 0, 2 ** (place - 1), 0) for place in range(1, most + 1)
        )
    return t.select("customer_number", "contacts", "different", "last_stage", **made)


def _ranked(rows: ibis.Table, column: str, most: int, times: ibis.Value | None = None) -> ibis.Table:
    """The values that most rows hold, ties by name: held, place (from 1). A row stands for as many as `times` says."""
    held = rows.mutate(times=ibis.literal(1) if times is None else times).filter(rows[column].notnull())
    counted = held.group_by(held=held[column].cast("string")).aggregate(n=_.times.sum())
    order = ibis.window(order_by=[ibis.desc("n"), "held"])
    top = counted.mutate(place=ibis.row_number().over(order) + 1)
    return top.filter(top.place <= most).select("held", "place")


def _legend(trait: str, ranked: ibis.Table) -> ibis.Table:
    """What the codes of a trait mean."""
    return ranked.select(trait=ibis.literal(trait), place=ranked.place, value=ranked.held)


def _coded(customers: ibis.Table, name: str, ranked: ibis.Table) -> ibis.Table:
    """An attribute as codes: 0 not known, 1 and on its values, the most frequent first, one more for all others."""
    named = ranked.select(known=ranked.held, place=ranked.place)
    joined = customers.left_join(named, customers[name].cast("string") == named.known)
    code = ibis.ifelse(joined[name].isnull(), UNKNOWN, joined.place.fill_null(MOST_VALUES + 1)).cast(CODE)
    return joined.mutate(**{f"{OF}{name}": code}).drop("known", "place")


def _with_bits(t: ibis.Table, column: str, ranked: ibis.Table, most: int) -> ibis.Table:
    """Touchpoints with one bit that says which of the most frequent channels or touchpoints it is; 0: none of them."""
    named = ranked.select(known=ranked.held, place=ranked.place)
    joined = t.left_join(named, t[column].cast("string") == named.known)
    bit = ibis.cases(*((joined.place == place, 2 ** (place - 1)) for place in range(1, most + 1)), else_=0)
    return joined.mutate(**{f"{MET}{column}": bit.cast("int64")}).drop("known", "place")


def _with_legends(rows: ibis.Table, keys: Sequence[str], legends: Sequence[ibis.Table]) -> ibis.Table:
    """Patterns, and under them what codes mean."""
    columns = [*keys, "customers"]
    kinds = {name: rows.schema()[name].copy(nullable=True) for name in columns}
    nothing = {"trait": ibis.null("string"), "place": ibis.null("int64"), "value": ibis.null("string")}
    together = nullable(rows.select(*columns).mutate(**nothing))
    for legend in legends:
        said = legend.select(
            **{name: ibis.null(kind) for name, kind in kinds.items()},
            trait=legend.trait.cast("string"), place=legend.place.cast("int64"), value=legend.value.cast("string"),
        )  # fmt: skip
        together = together.union(nullable(said))
    return together


def latest_answers(surveys: ibis.Table, kind: str) -> ibis.Table:
    """The latest valid answer of each customer: customer_number, score, scale (its ends and direction, as a text; empty where
    nobody asks for it: the answers are on one scale by definition, or of all kinds)."""
    valid = answerers(surveys.filter(surveys.score_status == "valid"))
    if kind != "any":
        valid = valid.filter(valid.survey_type == kind)
    newest = {"score": valid.score.argmax(valid.nth_answer)}
    if kind not in ("any", "nps"):
        newest["scale"] = scale_of(valid).fill_null("").argmax(valid.nth_answer)
    last = valid.group_by("customer_number").aggregate(**newest)
    return last if "scale" in newest else last.mutate(scale=ibis.literal(""))


# Frames -------------------------------------------------------------------------------------------------------------


def read_patterns(
    frame: pd.DataFrame, by: Sequence[str]
) -> tuple[list[tuple[tuple[Any, ...], pd.DataFrame]], list[Known]]:
    """The patterns of each group, and what their codes mean; without `by` there is always one group."""
    legend = frame[frame["trait"].notna()]
    rows = frame[frame["trait"].isna()].reset_index(drop=True)
    means: dict[str, dict[int, str | None]] = {}
    for trait, place, value in zip(legend["trait"], legend["place"], legend["value"], strict=True):
        means.setdefault(str(trait), {})[int(place)] = str(value)
    known = [one for c in frame.columns for one in _known(str(c), rows, means)]
    if not by:
        return [((), rows)], known
    parts = rows.groupby(list(by), dropna=False, sort=True)
    return [(key if isinstance(key, tuple) else (key,), part) for key, part in parts], known


def _known(column: str, rows: pd.DataFrame, means: dict[str, dict[int, str | None]]) -> list[Known]:
    """The traits that a column of the frame holds: none where it is no column of codes."""
    if column.startswith(MET):
        name = column.removeprefix(MET)
        bits = _codes(rows, column)
        return [
            Known(name, (bits >> (place - 1)) & 1, {0: None, 1: value})
            for place, value in sorted(means.get(name, {}).items())
        ]
    if not column.startswith(OF):
        return []
    name = column.removeprefix(OF)
    values = OWN.get(name) or {UNKNOWN: None, MOST_VALUES + 1: OTHER} | means.get(name, {})
    return [Known(name, _codes(rows, column), values)]


def _codes(rows: pd.DataFrame, column: str) -> NDArray[np.int64]:
    return rows[column].to_numpy(dtype="int64")


def patterns_of(part: pd.DataFrame, known: Sequence[Known], score: Callable[[pd.Series], pd.Series]) -> Patterns:
    at = part.index.to_numpy()
    codes = np.stack([one.codes[at] for one in known]).T if known else np.zeros((len(part), 0), np.int64)
    answered = part["answered"].to_numpy(dtype="int64") == 1
    given = np.where(answered, score(part["score"].astype("float64")).to_numpy(dtype="float64"), 0.0)
    return Patterns(codes, answered, given, part["customers"].to_numpy(dtype="float64"))


def answerers(surveys: ibis.Table) -> ibis.Table:
    """The answers that name a customer."""
    return surveys.filter(surveys.customer_number.notnull())
