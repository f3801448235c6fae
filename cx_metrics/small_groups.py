"""Small groups in one table: which rows hide their numbers, and which others hide theirs so that nobody can subtract.

Two steps. A row that rests on fewer than `scores` people or answers is hidden: its measures, their intervals, and every count in
it, because promoters, passives and detractors add up to responses, and a share with its whole is a count. Then others are hidden
too (complementary suppression): the totals of a table are taken as known, since who leaves a column out asks for them. So along
each margin (all rows that differ in one column alone) the hidden ones are at least two and have at least `scores` together, the
smallest of the rest being added; and where the margins, as equations, still have one solution for a small row, its smallest shown
neighbour is hidden as well.

A row of nobody stays: a zero is no group. Counts inside a row that is shown may be small: two detractors among forty answers are
part of a score, and the score with its n says them anyway. What hides rows here is one table; what keeps different views from
being subtracted from each other are `blocks`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.linalg import lsqr

from cx_metrics.blocks import Bools, Ints
from cx_metrics.registry import Measure

SUPPRESSED = "suppressed"
UNSOLVED = 1e-6  # what is left of a random number where the equations leave a choice
NO_LINE = -1
SEED = 20_260_101


@dataclass(frozen=True)
class Privacy:
    """How small a group may be that is shown: `scores` people or answers behind a number, `comments` behind comments.

    `first`: attributes in the order of their importance; the earlier, the more of their values come through whole.
    """

    scores: int = 5
    comments: int = 8
    first: tuple[str, ...] = ()


def suppress(
    frame: pd.DataFrame, measures: Mapping[str, Measure], by: Sequence[str], about: Sequence[str], least: int,
    lacking: pd.DataFrame | None = None, counted: Sequence[str] = (),
) -> pd.DataFrame:  # fmt: skip
    """The frame with a column `suppressed`, and nothing but its keys in the rows that it says yes to.

    `by` and `about` (the groups of the metric) are its keys. `lacking`: groups of which nobody is counted, though there is
    somebody; they are rows of their own, hidden. `counted`: columns that each say on how many a row rests, as of two sides; else
    it is the smallest denominator.
    """
    frame, held = _with_lacking(frame, measures, by, lacking)
    keys = [*by, *about]
    rests = [_whole(frame[c]) for c in counted] or [sizes(frame, measures)]
    codes = codes_of(frame, keys)
    hidden = np.any([held, *(hide(codes, rest, least, len(about)) for rest in rests)], axis=0)
    blank = {c: _without(frame[c], hidden) for c in frame.columns if c not in keys} if hidden.any() else {}
    return frame.assign(**blank, **{SUPPRESSED: hidden})


def _with_lacking(
    frame: pd.DataFrame, measures: Mapping[str, Measure], by: Sequence[str], lacking: pd.DataFrame | None
) -> tuple[pd.DataFrame, Bools]:
    """The frame with a row for each group that lacks, and which rows these are. A row of nobody may be there already."""
    if lacking is None or not len(lacking):
        return frame, np.zeros(len(frame), dtype=bool)
    both = pd.concat([frame[list(by)].astype(object), lacking[list(by)].astype(object)], ignore_index=True)
    codes = _one_number(codes_of(both, by))
    mine, theirs = codes[: len(frame)], codes[len(frame) :]
    held = np.isin(mine, theirs) & (sizes(frame, measures) == 0)
    new = lacking.loc[~np.isin(theirs, mine), list(by)].reset_index(drop=True)
    if not len(new):
        return frame, held
    wide = {c: both[c].iloc[[*range(len(frame)), *(len(frame) + np.flatnonzero(~np.isin(theirs, mine)))]] for c in by}
    longer = frame.reindex(range(len(frame) + len(new)))
    longer = longer.assign(**{c: wide[c].to_numpy() for c in by})
    return longer, np.concatenate([held, np.ones(len(new), dtype=bool)])


def _without(column: pd.Series, hidden: Bools) -> pd.Series:
    """A column with nothing in the hidden rows."""
    is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    return column.astype("float64" if is_number else object).mask(hidden)


def sizes(frame: pd.DataFrame, measures: Mapping[str, Measure]) -> Ints:
    """On how many each row rests: its smallest denominator that is not 0; 0 where all are."""
    named = dict.fromkeys(m.n for m in measures.values() if m.n and m.n in frame)
    if not named:  # a metric of counts alone rests on them
        named = dict.fromkeys(name for name, m in measures.items() if m.unit == "count" and name in frame)
    if not named:
        return np.zeros(len(frame), dtype="int64")
    counted = np.stack([_whole(frame[name]) for name in named])
    most = np.iinfo("int64").max
    least: Ints = np.where(counted > 0, counted, most).min(axis=0)
    return np.where(least == most, 0, least)


def _whole(column: pd.Series) -> Ints:
    """A count as whole numbers, unknown as 0, a part of one as one."""
    return np.ceil(np.nan_to_num(column.astype("float64").to_numpy())).astype("int64")


def codes_of(frame: pd.DataFrame, keys: Sequence[str]) -> Ints:
    """The keys of the rows as numbers (rows × keys); unknown is a value like any other."""
    columns = [pd.factorize(frame[key].astype(object), use_na_sentinel=False)[0] for key in keys]
    return np.stack(columns, axis=1).astype("int64") if columns else np.zeros((len(frame), 0), dtype="int64")


def hide(codes: Ints, counts: Ints, least: int, about: int = 0) -> Bools:
    """Which rows are hidden: those of fewer than `least` (not 0), and those without which these could be had by subtraction.
    `about`: as in `lines_of`."""
    small = (counts > 0) & (counts < least)
    lines = lines_of(codes, counts, least, about)
    hidden = small.copy()
    while True:
        _complete(hidden, lines, counts, least)
        known = np.flatnonzero(small & hidden & ~unsolved(hidden, lines)).tolist()
        added = [row for row in map(lambda row: _neighbour(row, hidden, lines, counts), known) if row is not None]
        if not added:
            return hidden
        hidden[added] = True


def lines_of(codes: Ints, counts: Ints, least: int, about: int = 0) -> list[Ints]:
    """For each key the number of the line that each row stands in: the rows that differ in this key alone. Where the last `about`
    keys are several, what rows are about, the rows that agree in the others are a line too.

    NO_LINE where nobody knows the sum: a line of fewer than `least` is hidden where it is a row itself. What a metric's rows are
    about cannot be left out of it, so the sum of such a line is known only in so far as other rows make it up.
    """
    keys = codes.shape[1]
    rests = [np.delete(codes, key, axis=1) for key in range(keys)]
    rests += [codes[:, : keys - about]] if about > 1 else []
    lines = []
    for key, rest in enumerate(rests):
        line = _one_number(rest)
        rows, together = np.bincount(line[counts > 0]), np.bincount(line, weights=counts)
        few = together < least
        if key >= keys - about:
            few[: len(rows)] |= rows < 2
        lines.append(np.where(few[line], NO_LINE, line))
    return lines


def _one_number(codes: Ints) -> Ints:
    """Rows of numbers as one number each."""
    found: Ints = np.zeros(len(codes), dtype="int64")
    for column in codes.T:
        found = np.unique(found * (int(column.max(initial=0)) + 1) + column, return_inverse=True)[1].ravel()
    return found.astype("int64")


def unsolved(hidden: Bools, lines: Sequence[Ints]) -> Bools:
    """Do the sums of all lines leave a choice for a hidden row? Those of the shown rows are known, so they are equations for the
    hidden ones; where every solution is the same, a number drawn at random has nothing left beside the space of the equations."""
    open_: Bools = np.zeros(len(hidden), dtype=bool)
    rows = np.flatnonzero(hidden)
    if not len(rows) or not lines:
        open_[rows] = True
        return open_
    at = np.arange(len(rows))
    equations = []
    for line in lines:
        known = line[rows] != NO_LINE
        shape = (int(line.max(initial=0)) + 1, len(rows))
        equations.append(sparse.csr_matrix((np.ones(int(known.sum())), (line[rows][known], at[known])), shape))
    sums = sparse.vstack(equations).tocsr()
    drawn = np.random.default_rng(SEED).uniform(1, 2, len(rows))
    solved = lsqr(sums.T, drawn, atol=1e-12, btol=1e-12, conlim=0, iter_lim=20 * len(rows) + 100)[0]
    open_[rows] = np.abs(drawn - sums.T @ solved) > UNSOLVED
    return open_


def _complete(hidden: Bools, lines: Sequence[Ints], counts: Ints, least: int) -> None:
    """Hide more until along each line nobody is hidden, or at least two rows are that have `least` together."""
    by_size = np.argsort(counts, kind="stable")
    while True:
        before = int(hidden.sum())
        for line in lines:
            places = int(line.max(initial=-1)) + 1
            inside = hidden & (line != NO_LINE)
            rows = np.bincount(line[inside], minlength=places)
            together = np.bincount(line[inside], weights=counts[inside], minlength=places)
            wanting = np.append((rows > 0) & ((rows < 2) | (together < least)), False)  # the last stands for NO_LINE
            free = by_size[~hidden[by_size] & (counts[by_size] > 0) & wanting[line[by_size]]]
            hidden[free[np.unique(line[free], return_index=True)[1]]] = True  # the smallest of each line
        if int(hidden.sum()) == before:
            return


def _neighbour(row: int, hidden: Bools, lines: Sequence[Ints], counts: Ints) -> int | None:
    """The smallest row that is shown and stands in a line with this one."""
    beside = np.zeros(len(hidden), dtype=bool)
    for line in lines:
        beside |= (line == line[row]) & (line != NO_LINE)
    free = np.flatnonzero(beside & ~hidden & (counts > 0))
    return int(free[np.argmin(counts[free])]) if len(free) else None
