"""Survey answers added up in advance: equal answers of like customers are one row that says how many they are.

Scores of everybody, or of customers chosen by what they are, by month, touchpoint or the like, need no single answer. A tally
holds, for each of these columns and for none, the answers by all that scores are made of: once for each attribute of customers
alone, once for none and once for all together (`level` says which). Metrics count a row as often as it says (`TIMES`), so a
definition exists once. Two tables more hold the same by what the customers met, a bit for each channel or touchpoint, in place of
attributes: for filters that keep whoever met one. Days and numbers of single answers are in none: such questions read the answers
themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import ibis

from cx_metrics import answers
from cx_metrics.population import BITS, KEPT_BACK, MEMBERS, asked_to_meet, by_customer, of_those_who_met
from cx_metrics.routes import level
from cx_metrics.view import View

SCORED = (
    "survey_type",
    "score_status",
    "score",
    "scale_low",
    "scale_high",
    "higher_is_better",
)  # all that a score is made of
BANDED = {
    bands.column: bands.edges for bands in answers.GROUPS.values()
}  # numbers of which a tally holds the lower end of a band
COLUMNS = (
    "month",
    "week",
    "question",
    "touchpoint",
    "stage",
    "channel",
    "language",
    "wave",
    "source",
    *BANDED,
)  # one at a time
BY_MET = {f"{column}_tallies": bits for column, (bits, _names) in BITS.items()}
HELD = {"level", "answers", *SCORED, *COLUMNS, *BY_MET.values()}
TIMES = "times in all"  # for how many answers a row stands


def tallied(tables: Mapping[str, ibis.Table], view: View, by: Sequence[str]) -> ibis.Table | None:
    """The answers that a view leaves, added up, with `TIMES`; None where it or `by` asks for more than the tallies tell."""
    found = _told_by(tables, view, by)
    if found is None:
        return None
    t, columns = found
    rows = by_customer(t.filter(t["level"] == level(columns)), view)
    if asked_to_meet(view) is not None:
        rows = of_those_who_met(rows, view, tables)
    return rows.rename({TIMES: "answers"}).drop("level")


def is_tallied(tables: Mapping[str, ibis.Table], view: View, by: Sequence[str]) -> bool:
    """Do the tallies tell it?"""
    return _told_by(tables, view, by) is not None


def _told_by(tables: Mapping[str, ibis.Table], view: View, by: Sequence[str]) -> tuple[ibis.Table, list[str]] | None:
    """The table that tells it, and the columns that are told apart there."""
    meeting = asked_to_meet(view)
    name = "tallies" if meeting is None else f"{meeting.column}_tallies"
    t = tables.get(name)
    if t is None or MEMBERS in tables or KEPT_BACK in tables:
        return None
    chosen = replace(view.alone(), goal=None, grain="journey", customers=(), range_rule="touchpoints")
    if meeting is not None:
        chosen = replace(chosen, touchpoints=())
    if replace(chosen, touchpoint_rule="customers") != View() or is_taken(tables["surveys"]):
        return None
    asked = {source_of(name) for name in by} | {kept.column for kept in view.customers}
    columns = asked & set(COLUMNS)
    if not asked <= set(t.columns) - {"level", "answers", *SCORED, *BY_MET.values()} or len(columns) > 1:
        return None
    attributes = asked - columns if meeting is None else {BY_MET[name]}
    if len(attributes) > 1:
        attributes = set(t.columns) - HELD
    return t, [*columns, *attributes]


def is_taken(surveys: ibis.Table) -> bool:
    """Has the file columns of its own that are called like what is made here?"""
    return any(c in surveys.columns for c in ("quarter", TIMES))


def source_of(name: str) -> str:
    """The column that a group is made of."""
    if name == "quarter":
        return "month"
    return answers.GROUPS[name].column if name in answers.GROUPS else name


def times_of(s: ibis.Table) -> ibis.Value:
    """For how many answers each row stands."""
    return s[TIMES] if TIMES in s.columns else ibis.literal(1)
