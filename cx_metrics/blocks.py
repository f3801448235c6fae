"""Blocks: people put together so that no choice of views tells fewer than so many of them apart.

Whoever may filter and group freely can subtract: everybody, minus one region, minus another, leaves a third; a row of a table,
minus the same row of a narrower view, leaves the few that the narrower view does not have. To hide small groups one by one does
not help, nor does it to leave out, view by view, who belongs to a value with too few (a k-core, or kernel, of the view): two
kernels differ by nobody or by enough, but three of them, or the rows of two tables, do not (`tests/test_small_groups.py`).

So who is told apart does not depend on the view. The members (answers, or customers) are divided once into blocks of at least
`least` people, and a row of a result counts a block as a whole or not at all: it counts those that lie wholly in its view and
group. The rest is kept back.

Why that holds. A member's number enters a result together with those of its whole block, always with the same weight. So whatever
is added to or subtracted from what, over any views, groups and tables, every member of a block has the same coefficient in it:
nothing can be had that rests on a part of a block, and a block is at least `least` people. This needs three things. The division
may depend on what views choose by, never on what they count (an answer's score). Who counts depends on nothing else either: views
that choose people by what they said or did in a flow or funnel would ask about the members of a block one by one, and are refused.
And the number of those kept back is said of whole blocks too ("up to"), because the exact one would be the count of the small
group. Several values of an attribute, unknown values, touchpoints that a customer met and months are no special cases: a view
contains a block or it does not. Two versions of a dataset are two divisions; what an import adds can be had by subtracting them.

What it costs: a filter on an attribute counts the blocks that have one value of it, and a block of few people cannot have one
value of everything. Attributes are taken in an order, each block is divided by the next one where it is large enough, and values
with too few stay together: in order of time for months, else the smallest with the smallest. What comes first comes through whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

Ints: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]
Bools: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
NO_BLOCK = -1


@dataclass(frozen=True)
class Members:
    """In which cells are which people: one row per cell and person. A person may be in several cells, by several answers."""

    cell: Ints
    person: Ints
    once: bool = field(init=False)  # whether each person is in one cell: then people add up

    def __post_init__(self) -> None:
        once = len(self.person) == 0 or int(np.bincount(_numbered(self.person)).max()) == 1
        object.__setattr__(self, "once", once)

    def count(self, group: Ints, groups: int) -> Ints:
        """How many people are in each group of cells; `group`: that of each cell, negative for none."""
        found = group[self.cell]
        known = found >= 0
        if not self.once:
            width = int(self.person.max(initial=0)) + 1
            both = np.sort(found[known] * width + self.person[known])
            first = np.ones(len(both), dtype=bool)
            first[1:] = both[1:] != both[:-1]
            return np.bincount(both[first] // width, minlength=groups)
        return np.bincount(found[known], minlength=groups)


def blocks_of(codes: Ints, in_order: Sequence[bool], members: Members, least: int, apart: int = 0) -> Ints:
    """The block of each cell, numbered from 0; NO_BLOCK where people are too few to make one.

    `codes`: what each cell holds of each attribute, as numbers (cells × attributes), the attributes in the order in which blocks
    are divided by them. `in_order`: whether the numbers of an attribute have an order, like months. The first `apart` attributes
    keep their values in different blocks, whatever becomes of the small ones.
    """
    block: Ints = np.zeros(len(codes), dtype="int64")
    for column in range(apart):
        block = _numbered(block * (int(codes[:, column].max(initial=0)) + 1) + codes[:, column])
    sizes = members.count(block, int(block.max(initial=-1)) + 1)
    block = np.where(sizes[block] >= least, block, NO_BLOCK) if len(block) else block
    known = block >= 0
    for column in range(apart, codes.shape[1]):
        if known.any():
            block[known] = _divided(block, codes[:, column], in_order[column], members, least)[known]
    block[known] = _numbered(block[known])
    return block


def wholly(block: Ints, kept: Bools) -> Bools:
    """The cells whose whole block is kept."""
    cut = np.zeros(int(block.max(initial=-1)) + 2, dtype=bool)
    cut[block[~kept]] = True
    cut[NO_BLOCK] = True
    return ~cut[block]


def alike(block: Ints, codes: Ints) -> Bools:
    """The cells whose block has one value of every one of these attributes (cells × attributes)."""
    blocks = int(block.max(initial=-1)) + 1
    one = np.ones(blocks + 1, dtype=bool)
    known = block >= 0
    for column in codes.T:
        low = np.full(blocks, np.iinfo("int64").max)
        high = np.full(blocks, -1)
        np.minimum.at(low, block[known], column[known])
        np.maximum.at(high, block[known], column[known])
        one[:blocks] &= low == high
    return one[block]


def _divided(block: Ints, values: Ints, in_order: bool, members: Members, least: int) -> Ints:
    """Blocks divided by one more attribute, parts with too few people merged with a neighbour until they are enough."""
    known = block >= 0
    width = int(values.max(initial=0)) + 1
    keys, part = np.unique(np.where(known, block * width + values, -1), return_inverse=True)
    first = int(keys[0] < 0)  # the cells of no block
    part, keys = part.ravel() - first, keys[first:]
    owner = keys // width
    counted = members.count(part, len(keys))
    order = np.lexsort((keys, keys % width if in_order else counted, owner))
    place = np.empty(len(order), dtype="int64")
    place[order] = np.arange(len(order))
    owner, sizes = owner[order], counted[order]
    run = np.arange(len(order), dtype="int64")  # the run of each part, in order
    while True:
        starts = np.flatnonzero(np.diff(run, prepend=-1))
        joined = _joined(sizes < least, owner[starts])
        if not joined.any():
            return np.where(known, run[place[part]], -1)
        merged = np.arange(len(starts)) - np.concatenate([[0], np.cumsum(joined)])
        grown = np.bincount(merged) > 1
        run = merged[run]
        again = np.where(grown, np.arange(len(grown)), -1)[run]  # only what grew is counted once more
        kept = np.zeros(len(grown), dtype="int64")
        kept[merged] = sizes
        sizes = np.where(grown, members.count(np.where(known, again[place[part]], -1), len(grown)), kept)


def _joined(small: Bools, owner: Ints) -> Bools:
    """Between which neighbouring runs (each and the next) the border falls: each small run takes the next one, the last of its
    block the one before; of several borders in a row every other one stays."""
    same = owner[1:] == owner[:-1]
    falls: Bools = small[:-1] & same
    last = small[1:] & same & np.append(owner[2:] != owner[1:-1], True)
    falls |= last
    starts = np.flatnonzero(falls & ~np.concatenate([[False], falls[:-1]]))
    if not len(starts):
        return falls
    at = np.arange(len(falls))
    chain = starts[np.clip(np.searchsorted(starts, at, side="right") - 1, 0, None)]
    every_other: Bools = falls & ((at - chain) % 2 == 0)
    return every_other


def _numbered(values: Ints) -> Ints:
    """The values as numbers from 0, without gaps."""
    return np.unique(values, return_inverse=True)[1].ravel().astype("int64")
