"""Rules of a path: names made one, touchpoints left out, and the anchors between which it is cut.

Their order is always the same: names are grouped, touchpoints left out, then equal neighbours merge, then steps are counted,
then anchors cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import ibis
from ibis import _

from cx_metrics.errors import OptionProblem
from cx_metrics.journeys import PATH_SIGN
from cx_metrics.options import TRAILING_SLASH, Patterns, Share, Touchpoints
from cx_metrics.texts import N_

FOLDED = "..."  # the node between two anchors that stands for the steps nobody is shown
GOES_ON = PATH_SIGN  # in place of the next touchpoint, where the path ends at an anchor and the journey does not
FEWEST_BETWEEN = 3  # steps between two anchors: the two, and what lies in the middle
SIGNS = frozenset(".^$*+?()[]{}|\\")  # that mean something in a regular expression

Names = tuple[str, ...]
StartOption = Annotated[
    Names | None,
    Touchpoints(N_("paths begin at the first of these touchpoints; empty for the whole journey"), off=True),
]
EndOption = Annotated[
    Names | None, Touchpoints(N_("paths end at the first of these touchpoints; empty for the whole journey"), off=True)
]
ExcludeOption = Annotated[
    Names | None, Touchpoints(N_("touchpoints left out before anything is counted; empty for none"), off=True)
]
GroupOption = Annotated[
    Names | None,
    Patterns(N_("names that become one, like /product/*|/help/*; */ takes slashes off the end; empty for none")),
]

KeepOption = Annotated[
    Names | None,
    Touchpoints(
        N_("touchpoints that keep their names at every step, however few journeys have them; empty for none"), off=True
    ),
]
LeastOption = Annotated[
    float, Share(N_("touchpoints with a smaller share of the journeys of a step than this are folded too"), high=0.5)
]


@dataclass(frozen=True)
class PathRules:
    """What is read of a journey. Nothing given: all of it, as it is.

    `group`: a name that matches a pattern becomes the pattern; the first that matches wins. `exclude`: touchpoints left out,
    by their own name or by that of their group. `start`, `end`: a path begins at the first touchpoint that has one of these
    names, ends at the first one after it that does, and journeys without them are out.
    """

    start: Names = ()
    end: Names = ()
    exclude: Names = ()
    group: Names = ()

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> PathRules:
        """The rules among the options of a metric."""
        return cls(*(tuple(options.get(name) or ()) for name in ("start", "end", "exclude", "group")))

    @property
    def cut(self) -> bool:
        """Is there an anchor?"""
        return bool(self.start or self.end)

    @property
    def renew(self) -> bool:
        """Do touchpoints get other neighbours?"""
        return bool(self.group or self.exclude)

    @property
    def any(self) -> bool:
        """Is there a rule at all?"""
        return self.cut or self.renew

    @property
    def ends_right(self) -> bool:
        """Do all paths end at the last step shown, and begin at different ones? So it is where only the end is anchored."""
        return bool(self.end and not self.start)


def renamed(touchpoints: ibis.Table, rules: PathRules) -> ibis.Table:
    """The touchpoints under the names of their groups, and `left_out`: 1 for those that the rules take out, else 0."""
    t = touchpoints.mutate(own_name=touchpoints.touchpoint)
    if rules.group:
        names = touchpoints.select("touchpoint").distinct()  # each name is matched once, however often it stands
        named = names.select(named="touchpoint", group_name=_group_of(names.touchpoint, rules.group))
        t = t.drop("touchpoint").join(named, t.own_name == named.named).drop("named").rename(touchpoint="group_name")
    gone = t.own_name.isin(rules.exclude) | t.touchpoint.isin(rules.exclude) if rules.exclude else ibis.literal(False)
    return t.mutate(left_out=ibis.ifelse(gone, 1, 0)).drop("own_name")


def _group_of(name: ibis.Value, patterns: Sequence[str]) -> ibis.Value:
    """The first pattern that the name matches, or the name."""
    ended = name.cast("string") + PATH_SIGN  # a sign that stands in no name marks the end: engines differ about `$`
    found: ibis.Value = name.cast("string")
    for pattern in reversed(patterns):
        if pattern == TRAILING_SLASH:
            bare = ended.re_replace("/*" + PATH_SIGN, "")
            found = ibis.ifelse(name.endswith("/"), ibis.ifelse(bare == "", "/", bare), found)
        else:
            found = ibis.ifelse(ended.re_search(expression_of(pattern)), pattern, found)
    return found


def expression_of(pattern: str) -> str:
    """The regular expression of a pattern, for a name with PATH_SIGN behind it. Every engine reads it the same way."""
    plain = ("".join("\\" + c if c in SIGNS else c for c in part) for part in pattern.split("*"))
    return "^" + f"[^{PATH_SIGN}]*".join(plain) + PATH_SIGN


def cut(path: ibis.Table, rules: PathRules, steps: int | None = None) -> ibis.Table:
    """The nodes between the anchors, with positions of their own.

    After a start, positions count from it. Before an end (and no start), the end stands at position `steps`, and shorter
    paths begin at later positions. Between two, a path longer than `steps` keeps its first and last nodes, and one node
    FOLDED stands for the middle and carries the time of the last in it. Without `steps` a path is cut and nothing else.

    Where a path ends at an anchor and the journey goes on, `next_touchpoint` is GOES_ON.
    """
    if rules.start and rules.end and steps is not None and steps < FEWEST_BETWEEN:
        raise OptionProblem(
            N_("Between two anchors at least {low} steps are shown; found {found}."), low=FEWEST_BETWEEN, found=steps
        )
    path = path.mutate(first=ibis.literal(1, "int64"))
    if rules.start:
        begins = path.filter(path.touchpoint.isin(rules.start))
        first = begins.group_by("journey_id").aggregate(first=_.position.min())
        path = path.drop("first").join(first, "journey_id").filter(_.position >= _.first)
    path = path.mutate(position=path.position - path.first + 1).drop("first")
    if not rules.end:
        return path
    ends = path.filter(path.touchpoint.isin(rules.end))
    if rules.start:
        ends = ends.filter(ends.position > 1)
    path = path.join(ends.group_by("journey_id").aggregate(last=_.position.min()), "journey_id")
    path = path.filter(path.position <= path.last)
    leaves = (path.position == path.last) & path.next_touchpoint.notnull()
    path = path.mutate(next_touchpoint=ibis.ifelse(leaves, GOES_ON, path.next_touchpoint))
    if steps is None:
        return path.drop("last")
    if rules.start:
        return _folded(path, steps)
    return path.mutate(position=path.position - path.last + steps).filter(_.position >= 1).drop("last")


def _folded(path: ibis.Table, steps: int) -> ibis.Table:
    """Paths of at most `steps` nodes: in longer ones, one node stands for the middle. `last`: the length of each path."""
    head, tail = steps // 2, (steps - 1) // 2
    is_long = path.last > steps
    middle = path.filter(is_long & (path.position == path.last - tail))
    middle = middle.select(folded_id=middle.journey_id, folded_microseconds=middle.occurred_microseconds)
    path = path.left_join(middle, path.journey_id == middle.folded_id).drop("folded_id")
    is_long = path.last > steps
    folds, before = is_long & (path.position == path.last - tail), is_long & (path.position == head)
    over_the_middle = (path.folded_microseconds - path.occurred_microseconds).cast("float64") / 1e6
    kept = path.mutate(
        touchpoint=ibis.ifelse(folds, FOLDED, path.touchpoint),
        next_touchpoint=ibis.ifelse(before, FOLDED, path.next_touchpoint),
        seconds_to_next=ibis.ifelse(before, over_the_middle, path.seconds_to_next),
        shown_at=ibis.ifelse(
            is_long & (path.position > head),
            ibis.ifelse(path.position >= path.last - tail, path.position - path.last + steps, 0),
            path.position,
        ),
    )
    return kept.filter(_.shown_at >= 1).drop("position", "last", "folded_microseconds").rename(position="shown_at")
