"""Small groups stay unknown to somebody who may filter and group freely: an attacker tries, and has to fail; and has to succeed
where a part of the protection is taken away."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest

import cx_metrics as cx
from cx_metrics.blocks import NO_BLOCK, Members, alike, blocks_of, wholly
from cx_metrics.registry import Measure
from cx_metrics.small_groups import hide, suppress

LEAST = 5
Ints = np.ndarray[Any, np.dtype[np.int64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]
Rule = Callable[
    [Ints, Bools, int | None], Bools
]  # values, who is in the view, the attribute to group by → who is counted


def people(rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Some answers: what each holds of 4 to 6 attributes of 2 to 6 values, some frequent and some rare; and who gave each."""
    count, sizes = int(rng.integers(60, 401)), rng.integers(2, 7, int(rng.integers(4, 7)))
    values = np.stack([rng.choice(k, count, p=rng.dirichlet(np.full(k, 0.8))) for k in sizes], axis=1)
    often = rng.random() < 0.5
    person = rng.integers(0, count // 2, count) if often else np.arange(count)
    return values.astype("int64"), person.astype("int64")


def divided(values: Ints, person: Ints, least: int = LEAST) -> Ints:
    """The block of each answer; the second attribute is in order, as months are."""
    cells, cell = np.unique(values, axis=0, return_inverse=True)
    pairs = np.unique(np.stack([cell.ravel(), person], axis=1), axis=0)
    in_order = [column == 1 for column in range(values.shape[1])]
    return blocks_of(cells, in_order, Members(pairs[:, 0], pairs[:, 1]), least)[cell.ravel()]


def kernel(values: Ints, inside: Bools, least: int = LEAST) -> Bools:
    """The largest part of a view in which each value of each attribute has nobody or enough."""
    left = inside.copy()
    while True:
        small = np.zeros(len(left), dtype=bool)
        for column in values.T:
            small |= np.bincount(column[left], minlength=int(column.max()) + 1)[column] < least
        if not (left & small).any():
            return left
        left &= ~small


def a_view(rng: np.random.Generator, values: Ints, inside: Bools) -> Bools:
    """A view within another: of one to three attributes, some values."""
    for column in rng.choice(values.shape[1], int(rng.integers(1, 4)), replace=False):
        kinds = int(values[:, column].max()) + 1
        kept = rng.random(kinds) < 0.6
        inside = inside & kept[values[:, column]]
    return inside


def distinct(person: Ints, which: Bools) -> int:
    return len(np.unique(person[which]))


def blocks_rule(block: Ints) -> Rule:
    def counted(values: Ints, inside: Bools, by: int | None) -> Bools:
        return wholly(block, inside) & alike(block, values[:, [] if by is None else [by]])

    return counted


def kernel_rule(values: Ints, inside: Bools, _by: int | None) -> Bools:
    return kernel(values, inside)


def no_rule(_values: Ints, inside: Bools, _by: int | None) -> Bools:
    return inside


def found_small(rng: np.random.Generator, values: Ints, person: Ints, rule: Rule, pairs: int) -> int:
    """How many small groups does an attacker find? Two nested views, each as a total and as a table by one attribute: what each
    shows, a table from a table, a total minus its rows, and a total minus the totals of its parts."""
    found = 0
    everybody = np.ones(len(values), dtype=bool)
    for _pair in range(pairs):
        wide = a_view(rng, values, everybody) if rng.random() < 0.7 else everybody
        narrow = a_view(rng, values, wide)
        by = int(rng.integers(values.shape[1]))
        groups = [values[:, by] == value for value in range(int(values[:, by].max()) + 1)]
        totals = [rule(values, view, None) for view in (wide, narrow)]
        tables = [rule(values, view, by) for view in (wide, narrow)]
        shown = [*totals, *(table & group for table in tables for group in groups)]
        shown += [totals[0] & ~totals[1], totals[0] & ~tables[0], totals[1] & ~tables[1]]
        shown += [(tables[0] & group) & ~(tables[1] & group) for group in groups]
        shown += [rule(values, wide & group, None) ^ (tables[0] & group) for group in groups]
        shown += [totals[0] & ~np.any([rule(values, wide & group, None) for group in groups], axis=0)]
        found += sum(0 < distinct(person, group) < LEAST for group in shown)
    return found


def test_no_pair_of_views_gives_a_small_group_away() -> None:
    rng, kept, members = np.random.default_rng(1), 0, 0
    for _dataset in range(40):
        values, person = people(rng)
        block = divided(values, person)
        assert found_small(rng, values, person, blocks_rule(block), 60) == 0
        kept, members = kept + int((block != NO_BLOCK).sum()), members + len(block)
    assert kept == members  # whoever asks for everybody gets everybody


def test_a_hundred_thousand_pairs_of_views() -> None:
    """The same with the blocks alone: what a view counts, and any difference of two, as sums over blocks of how many they hold."""
    rng, tried = np.random.default_rng(2), 0
    while tried < 100_000:
        values, person = people(rng)
        block = divided(values, person)
        blocks, sizes = int(block.max()) + 1, [distinct(person, block == b) for b in range(int(block.max()) + 1)]
        assert min(sizes) >= LEAST
        kinds = int(values.max()) + 1
        has = np.zeros((blocks, values.shape[1], kinds), dtype=bool)  # which values the answers of a block have
        for column in range(values.shape[1]):
            has[block, column, values[:, column]] = True
        pairs = 2_500
        kept = rng.random((pairs, 1, values.shape[1], kinds)) < 0.75
        wide = ~(has[None] & ~kept).any(axis=(2, 3))
        narrow = wide & ~(has[None] & ~(rng.random((pairs, 1, values.shape[1], kinds)) < 0.75)).any(axis=(2, 3))
        column = rng.integers(values.shape[1], size=pairs)
        own = has[:, column].transpose(1, 0, 2)
        rows = np.where(own.sum(axis=2, keepdims=True) == 1, own, False)  # blocks with one value of what is grouped by
        for counted in (wide, narrow, wide & ~narrow):
            for taken in (counted[:, :, None] & rows, (counted & ~rows.any(axis=2))[:, :, None]):
                together = np.einsum("pbk,b->pk", taken, np.array(sizes))
                assert not ((together > 0) & (together < LEAST)).any()
        for pair in rng.integers(pairs, size=4):  # these sums are what the rules themselves count
            view = kept[pair, 0][np.arange(values.shape[1]), values].all(axis=1)
            by = int(column[pair])
            assert (wholly(block, view) == wide[pair][block]).all()
            assert (alike(block, values[:, [by]]) == rows[pair].any(axis=1)[block]).all()
        tried += pairs


def test_whatever_is_added_up_or_subtracted_rests_on_whole_blocks() -> None:
    """All totals and rows that 120 views show, as equations: nothing that solves them tells the members of a block apart, while
    the same attacker without blocks finds single people."""
    rng = np.random.default_rng(3)
    values, person = people(rng)
    person = np.arange(len(values))
    block = divided(values, person)
    views = [a_view(rng, values, np.ones(len(values), dtype=bool)) for _view in range(120)]

    def alone(rule: Rule) -> int:
        """How many people's own numbers follow from what is shown? Theirs is a unit vector in the span of the equations."""
        shown = [rule(values, view, by) & (values[:, by] == v) for view in views for by in (0, 1) for v in range(6)]
        equations = np.unique(np.array(shown), axis=0).astype(float)
        weights, base = np.linalg.eigh(equations.T @ equations)
        return int((np.linalg.norm(base[:, weights > 1e-8 * weights.max()], axis=1) > 1 - 1e-9).sum())

    assert alone(blocks_rule(block)) == 0
    assert alone(no_rule) > 10
    assert alone(kernel_rule) > 0


def test_without_blocks_the_attacker_succeeds() -> None:
    rng = np.random.default_rng(4)
    values, person = people(rng)
    assert found_small(rng, values, person, no_rule, 60) > 20
    assert found_small(rng, values, np.arange(len(person)), kernel_rule, 200) > 20


def test_kernels_of_nested_views_differ_by_nobody_or_enough_and_three_of_them_by_three() -> None:
    """Ten of (a, p), three of (a, q), ten each of (b, p) and (b, q). Everybody is a kernel, 33. Of a alone the q are too few: 10;
    of b all 20. No two differ by fewer than five, and 33 − 10 − 20 are the three of (a, q)."""
    values = np.repeat(np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), [10, 3, 10, 10], axis=0)
    everybody = np.ones(33, dtype=bool)
    a = values[:, 0] == 0
    assert [int(kernel(values, view).sum()) for view in (everybody, a, ~a)] == [33, 10, 20]
    rng = np.random.default_rng(5)
    for _pair in range(300):
        values, _person = people(rng)
        wide = a_view(rng, values, np.ones(len(values), dtype=bool))
        narrow = a_view(rng, values, wide)
        inner, outer = kernel(values, narrow), kernel(values, wide)
        assert not (inner & ~outer).any()
        assert not 0 < int((outer & ~inner).sum()) < LEAST


def test_a_block_counts_people_and_not_their_answers() -> None:
    values = np.repeat(np.array([[0], [1]]), [30, 6], axis=0)
    many = np.concatenate(
        [np.zeros(30, dtype="int64"), np.arange(1, 7)]
    )  # thirty answers of one person, six of six others
    block = divided(values, many)
    assert len(set(block.tolist())) == 1
    assert len(set(divided(values, np.arange(36)).tolist())) == 2


def test_months_with_too_few_join_the_months_beside_them() -> None:
    months = np.repeat(np.arange(6), [9, 2, 2, 2, 9, 3])
    values = np.stack([np.zeros(27, dtype="int64"), months], axis=1)
    block = divided(values, np.arange(27))
    held = [
        sorted(set(months[block == b].tolist()))
        for b in sorted(set(block.tolist()), key=lambda b: months[block == b].min())
    ]
    assert all(part == list(range(part[0], part[-1] + 1)) for part in held)
    assert all((block == b).sum() >= LEAST for b in set(block.tolist()))
    assert held[0] == [0]


def test_too_few_people_make_no_block() -> None:
    assert set(divided(np.zeros((4, 2), dtype="int64"), np.arange(4)).tolist()) == {NO_BLOCK}
    cells = np.array([[0, 0], [1, 0]])
    members = Members(np.repeat([0, 1], [9, 4]), np.arange(13))
    assert blocks_of(cells, [False, False], members, LEAST, apart=1).tolist() == [0, NO_BLOCK]
    assert not wholly(np.array([0, NO_BLOCK]), np.array([True, True])).tolist()[1]


# One table


def table(rng: np.random.Generator, rows: int, columns: int) -> tuple[Ints, Ints]:
    """The counts of a two-way table: keys and how many, some few."""
    counts = np.where(
        rng.random((rows, columns)) < 0.3, rng.integers(0, 7, (rows, columns)), rng.integers(5, 60, (rows, columns))
    )
    return np.array(list(product(range(rows), range(columns)))), counts.ravel()


def solved(codes: Ints, counts: Ints, hidden: Bools) -> list[int]:
    """The cells with hidden counts under the threshold that follow from the shown cells and the sums of both margins, as far as
    the margins' own tables show these: a sum under the threshold they hide."""
    places = np.flatnonzero(hidden)
    lines = [codes[:, axis] == value for axis in (0, 1) for value in range(int(codes[:, axis].max()) + 1)]
    sums = [line[places].astype(float) for line in lines if counts[line].sum() >= LEAST]
    rank = np.linalg.matrix_rank(np.array(sums)) if len(places) and sums else 0
    known = [np.linalg.matrix_rank(np.array([*sums, one])) == rank for one in np.eye(len(places))]
    return [int(p) for p, is_known in zip(places, known, strict=True) if is_known and counts[p] < LEAST]


def test_both_margins_solved_as_equations_leave_small_cells_open() -> None:
    """Unless nobody is left beside a small cell who could be hidden: then its whole row and column are."""
    rng, without, alone, lines = np.random.default_rng(6), 0, 0, 0
    for _table in range(250):
        codes, counts = table(rng, int(rng.integers(2, 7)), int(rng.integers(2, 7)))
        hidden = hide(codes, counts, LEAST)
        small = (counts > 0) & (counts < LEAST)
        open_ = ~hidden & (counts > 0)
        assert (hidden | ~small).all() and not (hidden & (counts == 0)).any()
        for cell in solved(codes, counts, hidden):
            alone += 1
            assert not (open_ & (codes == codes[cell]).any(axis=1)).any()
        for axis in (0, 1):
            for line in (codes[:, axis] == value for value in range(int(codes[:, axis].max()) + 1)):
                if (hidden & line).any() and (open_ & line).any():
                    lines += 1
                    assert (hidden & line).sum() >= 2 and counts[hidden & line].sum() >= LEAST
        without += len(solved(codes, counts, small))
    assert without > 100 > 10 > alone  # hiding the small ones alone gives them away
    assert lines > 100


def test_what_rows_are_about_hides_no_more_than_it_has_to() -> None:
    """Links of a flow: three go from A to Y, so the next smallest link from A is hidden as well; what comes after stays."""
    links = pd.DataFrame({
        "step": [1, 1, 1, 2, 2], "source": ["A", "A", "A", "X", "X"], "target": ["X", "Y", "Z", "P", "Q"],
        "journeys": [40, 3, 20, 15, 25], "mean_seconds": 1.0,
    })  # fmt: skip
    measures = {
        "journeys": Measure("Journeys", "count"),
        "mean_seconds": Measure("Seconds", "seconds", n="journeys"),
    }
    found = suppress(links, measures, [], ["step", "source", "target"], LEAST)
    assert found.loc[found["suppressed"], "target"].tolist() == ["Y", "Z"]


MEASURES = {
    "responses": Measure("Responses", "count"), "promoters": Measure("Promoters", "count"),
    "nps": Measure("NPS", "points", n="responses", interval="adjusted_wald"),
}  # fmt: skip


def test_a_hidden_row_shows_nothing_and_the_smallest_other_one_is_hidden_with_it() -> None:
    frame = pd.DataFrame({
        "persona": ["a", "b", "c", "d", None], "responses": [40, 3, 12, 0, 30], "promoters": [10, 1, 4, 0, 9],
        "nps": [1.0, 2.0, 3.0, np.nan, 5.0], "nps_low": -1.0, "nps_high": 9.0,
    })  # fmt: skip
    found = suppress(frame, MEASURES, ["persona"], [], LEAST)
    assert found["suppressed"].tolist() == [False, True, True, False, False]
    assert found.loc[[1, 2], ["responses", "promoters", "nps", "nps_low", "nps_high"]].isna().all(axis=None)
    assert found["responses"].fillna(-1).tolist() == [40, -1, -1, 0, 30]
    assert frame["responses"].tolist() == [40, 3, 12, 0, 30]


def test_nothing_is_hidden_where_nobody_is_few_and_a_single_small_row_is() -> None:
    frame = pd.DataFrame({"responses": [5], "promoters": [1], "nps": [20.0], "nps_low": 0.0, "nps_high": 40.0})
    assert suppress(frame, MEASURES, [], [], LEAST)["responses"].tolist() == [5]
    assert suppress(frame.assign(responses=4), MEASURES, [], [], LEAST)["responses"].isna().all()


def test_a_group_of_which_nobody_counts_is_a_hidden_row() -> None:
    frame = pd.DataFrame({"persona": ["a", "b"], "responses": [40, 0], "promoters": [10, 0], "nps": [1.0, np.nan]})
    found = suppress(frame, MEASURES, ["persona"], [], LEAST, pd.DataFrame({"persona": ["b", None]}))
    assert found["persona"].isna().tolist() == [False, False, True]
    assert found["suppressed"].tolist() == [False, True, True]
    assert found["responses"].fillna(-1).tolist() == [40, -1, -1]


@pytest.mark.long
def test_no_pair_of_views_of_many_datasets_gives_a_small_group_away() -> None:
    rng = np.random.default_rng(7)
    for _dataset in range(1_000):
        values, person = people(rng)
        assert found_small(rng, values, person, blocks_rule(divided(values, person)), 100) == 0


def test_the_library_hides_nothing_unless_asked() -> None:
    assert cx.run.__kwdefaults__["privacy"] is None
