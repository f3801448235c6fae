"""Whom a view counts where small groups are protected: its answers or customers in whole blocks (`blocks`), and how many are not.

Two tables are divided, each once for a dataset: survey answers (those of one type apart from those of another; a block has enough
people with a valid answer, or with a comment), and customers with touchpoints. They are told apart by what a view may choose by:
attributes with few values, the month of the answer or of the journey's start, what an answer is about, channels and stages that
a customer met. So a range means whole months there, and of touchpoints the journeys that start in it, kept whole.

Answers are protected in whatever way they are chosen and grouped. Of touchpoints it is the people who count: the customers of two
views differ by nobody or by a whole block. Rows about what they did (a touchpoint, a link of the flow) are hidden within their
table (`small_groups`); the same row of two views may differ by few, as two scores may differ by few detractors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Any, Literal

import ibis
import numpy as np
import pandas as pd

from cx_metrics.blocks import NO_BLOCK, Bools, Ints, Members, alike, blocks_of, wholly
from cx_metrics.datasets import Dataset
from cx_metrics.errors import ViewProblem
from cx_metrics.narrowing import Narrowed
from cx_metrics.population import HELD, KEPT_BACK, MEMBERS, UNDATED, check, held_as, population
from cx_metrics.registry import Metric
from cx_metrics.small_groups import Privacy
from cx_metrics.tables import SURVEY_TYPES
from cx_metrics.texts import N_, NP_, Text
from cx_metrics.view import EPOCH, Filter, View

Unit = Literal["answers", "comments", "customers"]
MONTH, KIND, TOUCHED = "month", "survey_type", "touched "
# What blocks are divided by, in this order unless `Privacy.first` says otherwise; other attributes come after.
ORDER = (
    "persona", "touchpoint", "stage", "channel", MONTH, "segment", "region", "wave", "language", "question", "source",
)  # fmt: skip
OF_ANSWERS = ("touchpoint", "channel", "stage", "wave", "language", "question", "source")
MET = ("channel", "stage")  # what a customer met is told apart by these
MOST_VALUES, MOST_MET = (
    60,
    8,
)  # of an attribute, of a column in MET: with more, views cannot choose by it; or rarely keep anybody
CHOSEN_BY_WAY = N_(
    "Small groups are protected here: nobody can be chosen by their answers, their way, a funnel or a segment."
)
COUNTED = {
    "answers": NP_("Up to {count} answer is kept back to protect small groups.",
                   "Up to {count} answers are kept back to protect small groups."),
    "comments": NP_("Up to {count} comment is kept back to protect small groups.",
                    "Up to {count} comments are kept back to protect small groups."),
    "customers": NP_("Up to {count} customer is kept back to protect small groups.",
                     "Up to {count} customers are kept back to protect small groups."),
}  # fmt: skip


@dataclass(frozen=True)
class Divided:
    """The members of a table in blocks: cells (one row per combination of values; `rows`, and `members`, those that count), what
    each holds as numbers, and its block."""

    names: tuple[str, ...]
    cells: pd.DataFrame
    codes: Ints
    block: Ints
    where: Members

    def holds(self, kept: Filter) -> Bools:
        """The cells that a filter keeps."""
        found: Bools = self.cells[HELD + kept.column].isin(kept.values).to_numpy()
        return found

    def within(self, first: date | None, last: date | None) -> Bools:
        """The cells in the months from that of `first` to that of `last`."""
        if MONTH not in self.names or (first is None and last is None):
            return np.ones(len(self.cells), dtype=bool)
        begins = self.cells[HELD + MONTH].to_numpy()
        inside: Bools = begins != UNDATED
        inside &= True if first is None else begins >= first.toordinal() - EPOCH
        return inside & (True if last is None else begins <= last.toordinal() - EPOCH)


@dataclass(frozen=True)
class Protected:
    """What a protected viewer is answered from: the dataset with whole blocks alone, and the view in whole months.

    `kept_back`: how many of `unit` stand in blocks that the view or the groups would cut, at most so many are missing. `lacking`:
    the groups of which nobody is counted, though there is somebody.
    """

    dataset: Dataset
    view: View
    unit: Unit
    kept_back: int
    lacking: pd.DataFrame

    def said(self, privacy: Privacy) -> dict[str, Any]:
        """For the definition of a result."""
        least = {"scores": privacy.scores, "comments": privacy.comments}
        return least | {"first": list(privacy.first), "kept_back": self.kept_back, "unit": self.unit}


def kept_back_text(definition: dict[str, Any]) -> Text | None:
    """The sentence for under a chart: how many a result keeps back; None where nobody is, or small groups are not protected."""
    said = definition.get("privacy") or {}
    if not said.get("kept_back"):
        return None
    one, many = COUNTED[said["unit"]]
    return Text(one, {"count": said["kept_back"]}, many, said["kept_back"])


def said_of_both(said: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the definition of a comparison says of both its sides."""
    return dict(said[0]) | {"kept_back": sum(side["kept_back"] for side in said)}


def whole_months(view: View, journeys: bool) -> View:
    """The view with its ranges widened to whole months; `journeys`: they choose the journeys that start in them."""
    view = replace(
        view, first_day=_month(view.first_day), last_day=_month_end(view.last_day),
        compare_first=_month(view.compare_first), compare_last=_month_end(view.compare_last),
    )  # fmt: skip
    return replace(view, range_rule="journeys") if journeys and (view.first_day or view.last_day) else view


def protect(
    dataset: Dataset, view: View, by: Sequence[str], privacy: Privacy, unit: Unit, kind: str | None = None
) -> Protected:
    """The dataset as this view and these groups may count it. `kind`: the survey type whose answers `kept_back` counts.

    Raises ViewProblem for a view that chooses people by what they said or did, and for columns that blocks do not tell apart.
    """
    if view.chooses_people():  # each such choice would ask a block about its members one by one
        raise ViewProblem(CHOSEN_BY_WAY)
    view = whole_months(view, journeys=unit == "customers")
    check(dataset.tables, view, dataset.facts)
    found: Divided = dataset.shelf.get(("blocks", unit, privacy), partial(_divide, dataset, unit, privacy))
    _check(found, view, by, unit)
    chosen = found.within(view.first_day, view.last_day)
    for kept in view.customers:
        chosen &= found.holds(kept)
    left = chosen & _left(dataset, view, unit, found) if view.touchpoints else chosen
    columns = [found.names.index(c) for c in by if c in found.names and (unit != "customers" or c != MONTH)]
    counted = wholly(found.block, left) & alike(found.block, found.codes[:, columns])
    members = found.cells["members"].to_numpy()
    mine = chosen & (members > 0)
    if kind is not None:
        mine &= (found.cells[HELD + KIND] == kind).to_numpy()
    cut = np.unique(found.block[mine & ~counted])
    kept_back = int(members[np.isin(found.block, cut[cut != NO_BLOCK])].sum()) + privacy.scores * int(NO_BLOCK in cut)
    lacking = _lacking(found, [HELD + found.names[c] for c in columns], mine, counted)
    return Protected(_lent(dataset, found, left, counted, unit), view, unit, kept_back, lacking)


def _check(found: Divided, view: View, by: Sequence[str], unit: Unit) -> None:
    known = tuple(name for name in found.names if not name.startswith(TOUCHED))
    grouped = () if unit == "customers" else by  # what customers did is no part of who they are
    for column in (*(f.column for f in view.customers), *grouped):
        if column not in known:
            raise ViewProblem(
                N_("Small groups are protected here, and {found} would tell single people apart. These do not: {columns}."),
                found=column, columns=known,
            )  # fmt: skip


def _lacking(found: Divided, groups: Sequence[str], chosen: Bools, counted: Bools) -> pd.DataFrame:
    """The groups in which somebody is chosen and nobody is counted."""
    if not groups:
        return pd.DataFrame()
    there = found.cells.loc[chosen, groups].drop_duplicates()
    told = there.merge(
        found.cells.loc[chosen & counted, groups].drop_duplicates(), "left", on=list(groups), indicator=True
    )
    lacking = told.loc[told["_merge"] == "left_only", groups]
    return _as_read(lacking.rename(columns=lambda column: column.removeprefix(HELD)))


def _lent(dataset: Dataset, found: Divided, left: Bools, counted: Bools, unit: Unit) -> Dataset:
    """The dataset with those who count beside it; itself where these are all whom the view leaves."""
    if not (left & ~counted).any():
        return dataset
    if unit == "customers":
        numbers = np.sort(found.where.person[counted[found.where.cell]])
        lent = {MEMBERS: dataset.lend(pd.DataFrame({"customer_number": numbers}))}
    else:
        back = found.cells.loc[left & ~counted, [HELD + name for name in found.names]]
        lent = {KEPT_BACK: dataset.lend(back.reset_index(drop=True))}
    return Narrowed(dataset, lent, scope=tuple(table.get_name() for table in lent.values()))


def _divide(dataset: Dataset, unit: Unit, privacy: Privacy) -> Divided:
    """Count the cells, find out which people are in them, and put them into blocks."""
    rows = _rows(dataset, View(), unit)
    names = tuple(c.removeprefix(HELD) for c in rows.columns if c.startswith(HELD))
    places = {name: i for i, name in enumerate((*privacy.first, *(n for n in ORDER if n not in privacy.first)))}
    ordered = sorted(names, key=lambda n: (n != KIND, n.startswith(TOUCHED), places.get(n, len(places)), n))
    held = [HELD + name for name in ordered]
    cells = dataset.fetch(rows.group_by(held).aggregate(rows=rows.count(), members=rows.is_member.sum()))
    cells = cells.sort_values(held, ignore_index=True)
    codes = [np.unique(cells[c].to_numpy(), return_inverse=True)[1].ravel() for c in held]
    where = _members(dataset, rows, cells, held)
    table = np.stack(codes, axis=1).astype("int64") if codes else np.zeros((len(cells), 0), dtype="int64")
    least = privacy.comments if unit == "comments" else privacy.scores
    block = blocks_of(table, [n == MONTH for n in ordered], where, least, apart=int(unit == "answers"))
    return Divided(tuple(ordered), cells, table, block, where)


def _members(dataset: Dataset, rows: ibis.Table, cells: pd.DataFrame, held: Sequence[str]) -> Members:
    """Which people are in which cells. An answer that names nobody is a person of its own."""
    lent = dataset.lend(cells[list(held)].assign(cell=np.arange(len(cells))))
    counting = rows.filter(rows.is_member == 1)
    inside = counting.inner_join(lent, list(held)) if held else counting.cross_join(lent)
    frame = dataset.fetch(inside.group_by("cell", "person").aggregate(n=inside.count()))
    cell, person = frame["cell"].to_numpy(dtype="int64"), frame["person"].to_numpy(dtype="int64")
    alone, times = person < 0, frame["n"].to_numpy(dtype="int64")
    nobody = np.repeat(cell[alone], times[alone])
    own = int(person.max(initial=0)) + 1 + np.arange(len(nobody))
    return Members(np.concatenate([cell[~alone], nobody]), np.concatenate([person[~alone], own]))


def _left(dataset: Dataset, view: View, unit: Unit, found: Divided) -> Bools:
    """The cells of which the view leaves every row."""
    rows, held = _rows(dataset, view, unit), [HELD + name for name in found.names]
    counted = dataset.fetch(rows.group_by(held).aggregate(left=rows.count()))
    beside = found.cells.merge(counted, "left", on=held)
    whole: Bools = (beside["left"] == beside["rows"]).to_numpy()
    return whole


def _rows(dataset: Dataset, view: View, unit: Unit) -> ibis.Table:
    """One row per answer or customer that the view leaves: what they are told apart by, `person` and `is_member`."""
    names, met = dataset.shelf.get(("told apart by", unit), partial(_names, dataset, unit))
    left = population(dataset.tables, view, dataset.facts)
    if unit == "customers":
        t = dataset.tables["touchpoints"]
        return _customers(t.semi_join(left["touchpoints"], "customer_number") if view != View() else t, names, met)
    s = left["surveys"]
    counts = s.score_status == "valid" if unit == "answers" else s.comment.notnull() & (s.comment.strip() != "")
    numbers = dataset.tables["customers"].select("customer_number", who="customer_id")
    said = s.left_join(numbers, s.customer_id == numbers.who)
    held = {HELD + name: held_as(said, name) for name in names}
    return said.select(
        **held, person=said.customer_number.fill_null(-1), is_member=ibis.ifelse(counts.fill_null(False), 1, 0)
    )


def _customers(t: ibis.Table, names: Sequence[str], met: Mapping[str, tuple[str, str]]) -> ibis.Table:
    """One row per customer; their month is that of their first touchpoint. `met`: column and value of what they met or not."""
    told: dict[str, Any] = {HELD + name: held_as(t, name).max() for name in names if name not in met}
    for name, (column, value) in met.items():
        told[HELD + name] = ibis.ifelse((t[column] == value).fill_null(False), 1, 0).max()
    if MONTH in names:
        begun = t.journey_start == t.occurred_at
        told[HELD + MONTH] = ibis.ifelse(begun, held_as(t, MONTH), UNDATED).max()
    rows = t.group_by("customer_number").aggregate(**told)
    return rows.rename(person="customer_number").mutate(is_member=ibis.literal(1))


def _names(dataset: Dataset, unit: Unit) -> tuple[tuple[str, ...], dict[str, tuple[str, str]]]:
    """What members are told apart by: columns with few values, and months; and of customers, names for what they met or not, each
    with its column and value."""
    table = "touchpoints" if unit == "customers" else "surveys"
    t, known = dataset.tables[table], set(dataset.facts.columns.get(table, dataset.tables[table].columns))
    own = () if unit == "customers" else OF_ANSWERS
    offered = [c for c in dict.fromkeys((*dataset.facts.attributes, *own)) if c in known and c in t.columns]
    names = [MONTH] if MONTH in t.columns and dataset.facts.timed else []
    if offered:
        counted = dataset.fetch(t.aggregate(**{f"n{i}": held_as(t, c).nunique() for i, c in enumerate(offered)})).iloc[
            0
        ]
        names += [c for i, c in enumerate(offered) if counted[f"n{i}"] <= MOST_VALUES]
    if unit != "customers":
        return (*names, KIND), {}
    met: dict[str, tuple[str, str]] = {}
    for column in MET:
        if column in known:
            values = dataset.fetch(t.filter(t[column].notnull()).select(value=column).distinct().limit(MOST_MET + 1))[
                "value"
            ]
            few = sorted(values) if len(values) <= MOST_MET else []
            met |= {f"{TOUCHED}{column} {i}": (column, value) for i, value in enumerate(few)}
    return (*names, *met), met


def _as_read(groups: pd.DataFrame) -> pd.DataFrame:
    """Groups as a result has them: unknown is null, months are days."""
    found = groups.astype(object)
    for column in found.columns:
        if column == MONTH:
            found[column] = [None if d == UNDATED else date.fromordinal(int(d) + EPOCH) for d in found[column]]
        else:
            found[column] = found[column].where(found[column] != "", None)
    return found.reset_index(drop=True)


def _month(day: date | None) -> date | None:
    return day and day.replace(day=1)


def _month_end(day: date | None) -> date | None:
    return day and (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def kind_of(name: str) -> str | None:
    """The survey type that a metric of that name counts."""
    return name if name in SURVEY_TYPES else None


def unit_of(metric: Metric) -> Unit:
    """Whom a metric counts: answers, whatever it tells of those who gave them, or customers by what they did."""
    return "answers" if metric.inputs[0] == "surveys" else "customers"
