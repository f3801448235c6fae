"""Routes: three ways to the same paths, from the fastest to the one that always works. The one place that chooses.

cube: moves and pairs added up at import. Reads thousands of rows, however many touchpoints there are. Holds where the view
touches nothing but attributes of customers that the cube has.
columns: step, run and next touchpoint, prepared at import. Holds for customers, whole journeys, sessions, date ranges.
windows: the filtered touchpoints, put in order again. Holds for anything: cases, "only these touchpoints", renamed ones.

Whichever is taken, a metric receives the same tables: nodes of paths, weighted moves, weighted pairs, whole journeys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import ibis
from ibis import _

from cx_metrics import journeys
from cx_metrics.errors import ViewProblem
from cx_metrics.groups import beside
from cx_metrics.journeys import Cut, Repeats, Way
from cx_metrics.population import MEMBERS, Population, by_customer
from cx_metrics.rules import PathRules, cut, renamed
from cx_metrics.texts import N_
from cx_metrics.view import Facts, View

Route = Literal["cube", "columns", "windows"]
ROUTES: tuple[Route, ...] = ("cube", "columns", "windows")
UNANSWERABLE = N_("The route {found} cannot answer this view.")
BY_WINDOWS: tuple[Way, ...] = ("gaps", "windows")
CUBES = ("moves", "pairs", "visits")
SPELLING = ("names", "paths")  # prepared tables that hold for every view
CUBE_COLUMNS = {  # of the prepared tables, beside the attributes of customers
    "level", "repeats", "position", "touchpoint", "next_touchpoint", "journeys", "transitions", "opens", "timed", "seconds",
    "reworked", "occurrences", "begins", "ends",
    "customer_number", "customer_id", "journey_start", "touchpoints", "sessions", "path_merge", "path_keep",
}  # fmt: skip


@dataclass(frozen=True)
class Paths:
    """The paths that a view leaves, by whichever routes lead to them.

    `touchpoints`: the rows in the range, with journey_id. `ways`: how they become nodes. `cubes`: the prepared tables that
    hold for the view: `journeys` where it keeps them whole, `moves`, `pairs`, `visits` where it chooses customers by nothing
    but their attributes, each cut to its customers; and `names` and `paths`, which spell them. `held`: the attributes that filters
    and groups tell apart. `constant`: those that are the same all through a journey. `goal`: what counts as conversion.
    `route`: None for the fastest, or the one to take.
    """

    touchpoints: ibis.Table
    ways: tuple[Way, ...]
    cubes: Mapping[str, ibis.Table]
    held: tuple[str, ...] = ()
    constant: frozenset[str] = frozenset()
    goal: tuple[str, ...] = ()
    route: Route | None = None
    rules: PathRules = PathRules()

    across: ClassVar[
        tuple[str, ...]
    ] = ()  # groups over which the largest names are chosen together, whatever a metric does

    def under(self, rules: PathRules) -> Paths:
        """The same paths under rules. Raises ViewProblem where the route that was asked for has no such paths."""
        if (rules.any and self.route == "cube") or (rules.renew and self.route == "columns"):
            raise ViewProblem(UNANSWERABLE, found=self.route)
        return replace(self, rules=rules)

    def grouped(self, groups: Mapping[str, str]) -> Paths:
        """The same with further columns to group by: new name → column. A cube without the column is left aside."""
        wanted = set(groups.values())
        cubes = {n: t for n, t in self.cubes.items() if n in SPELLING or wanted <= set(t.columns) - CUBE_COLUMNS}
        named = {n: t if n in SPELLING else _named(t, groups) for n, t in cubes.items()}
        held = tuple(dict.fromkeys([*self.held, *groups.values()]))
        constant = self.constant | {name for name, column in groups.items() if column in self.constant}
        return replace(self, touchpoints=_named(self.touchpoints, groups), cubes=named, held=held, constant=constant)

    def nodes(self, repeats: Repeats, keep: Sequence[str] = (), steps: int | None = None) -> ibis.Table:
        """What stands at each step: one row per node of every journey, as `journeys.nodes`.

        `steps`: how many are shown, which decides what anchored paths look like (`rules.cut`).
        """
        return self._nodes(self._rows(), repeats, keep, steps)

    def count(self, repeats: Repeats, by: Sequence[str] = ()) -> ibis.Table:
        """How many journeys have a path? `by`, all_journeys."""
        if self.stored():
            return self.cubes["journeys"].aggregate(by=list(by), all_journeys=_.count())
        found = self.nodes(repeats, by) if self.rules.cut else self._rows()
        return found.aggregate(by=list(by), all_journeys=_.journey_id.nunique())

    def lasting(self, by: Sequence[str] = ()) -> ibis.Table:
        """How long does each journey last? One row per journey: `by`, seconds from first to last touchpoint, touchpoints."""
        if self.stored():
            return self.cubes["journeys"].select(*by, "seconds", "touchpoints")
        each = self._rows().group_by([*by, "journey_id"])
        lasted = (_.occurred_microseconds.max() - _.occurred_microseconds.min()).cast("float64") / 1e6
        return each.aggregate(seconds=lasted, touchpoints=_.count()).drop("journey_id")

    def moves(self, repeats: Repeats, by: Sequence[str] = (), most: int | None = None) -> ibis.Table:
        """How many journeys make each move at each step? `by` and the columns of `journeys.moves`."""
        if not self.rules.any and most is not None and most <= 10 and self._takes("cube", "moves"):
            cube = self._cube("moves", repeats).filter(_.position <= most)
            return _summed(cube, [*by, "position", "touchpoint", "next_touchpoint"], ("journeys", "timed", "seconds"))
        return journeys.moves(self.nodes(repeats, by, most), by, most)

    def pairs(self, repeats: Repeats, by: Sequence[str] = ()) -> ibis.Table:
        """How often does one touchpoint follow another directly? `by` and the columns of `journeys.pairs`."""
        if not self.rules.any and self._takes("cube", "pairs"):
            cube = self._cube("pairs", repeats)
            counts = ("transitions", "journeys", "opens", "timed", "seconds")
            return _summed(cube, [*by, "touchpoint", "next_touchpoint"], counts)
        return journeys.pairs(self.nodes(repeats, self._counting("pair_visit", by)), by, self._partly())

    def visits(self, by: Sequence[str] = ()) -> ibis.Table:
        """How many journeys are at each touchpoint, once and again? `by` and the columns of `journeys.visits`."""
        if not self.rules.any and self._takes("cube", "visits"):
            counts = ("journeys", "reworked", "occurrences", "begins", "ends")
            return _summed(self._cube("visits", "keep"), [*by, "touchpoint"], counts)
        return journeys.visits(self.nodes("keep", self._counting("visit", by)), by, self._partly())

    def whole(self, repeats: Repeats, by: Sequence[str] = ()) -> ibis.Table:
        """One row per journey: `by`, path_key (sorts as the path does), seconds from first to last touchpoint of the path.

        And `reaches`, where it is known without looking at names: 1 if the journey reaches the goal, in its path or after it.
        """
        if self.stored():
            return self.cubes["journeys"].select(*by, "seconds", path_key=self.cubes["journeys"][f"path_{repeats}"])
        keep = [*by, *(["touchpoint_number"] if self._numbered() else [])]
        if self.rules.any:
            told = self._told(by)
            path = journeys.whole(self._nodes(told, repeats, [*keep, "begun_microseconds", "reaches"], None), by)
        else:
            each = self.touchpoints.group_by([*by, "journey_id"])
            told = each.aggregate(begun_microseconds=_.occurred_microseconds.min(), reaches=_.is_goal.max())
            path = beside(journeys.whole(self.nodes(repeats, keep), by), told, [*by, "journey_id"])
        seconds = (path.ended_microseconds - path.begun_microseconds).cast("float64") / 1e6
        return path.select(*by, "reaches", "path_key", seconds=seconds)

    def named(self, counted: ibis.Table) -> ibis.Table:
        """Add `path` (names with PATH_SIGN between) and `steps` to rows that have a path_key."""
        if self.stored():
            names = self.cubes["paths"].select("path_id", "path", "steps")
            return counted.join(names, counted.path_key == names.path_id).drop("path_id")
        if self._numbered():
            keys = counted.select("path_key").distinct()
            keys = keys.mutate(path_id=ibis.row_number().over(ibis.window(order_by="path_key")))
            names = keys.join(journeys.spelled(keys, self.cubes["names"]), "path_id")
            return counted.join(names, "path_key").drop("path_id")
        return counted.mutate(path=counted.path_key, steps=steps_of(counted.path_key))

    def taken(self) -> str:
        """The route that answers, for those who want to know."""
        if self.route is not None:
            return self.route
        if {"moves", "pairs"} & set(self.cubes) and not self.rules.any:
            return "cube"
        return "windows" if self._way() in BY_WINDOWS else "columns"

    def unstored(self) -> Paths:
        """The same without what was stored for whole journeys: paths are put together from their nodes."""
        return replace(self, cubes={n: t for n, t in self.cubes.items() if n == "names"})

    def only(self, journeys: ibis.Table) -> Paths:
        """The same of some journeys alone (`journeys`: journey_id). What was added up for all is left aside."""
        cubes = {name: table for name, table in self.cubes.items() if name in SPELLING}
        if "journeys" in self.cubes:  # only where a journey is a customer's
            people = journeys.select(customer_number="journey_id")
            cubes["journeys"] = self.cubes["journeys"].semi_join(people, "customer_number")
        return replace(self, touchpoints=self.touchpoints.semi_join(journeys, "journey_id"), cubes=cubes)

    def _rows(self) -> ibis.Table:
        """The touchpoints under the rules."""
        if not self.rules.renew:
            return self.touchpoints
        return renamed(self.touchpoints, self.rules).filter(_.left_out == 0).drop("left_out")

    def _nodes(self, rows: ibis.Table, repeats: Repeats, keep: Sequence[str], steps: int | None) -> ibis.Table:
        path = journeys.nodes(rows, repeats, self._way(), keep)
        return cut(path, self.rules, steps) if self.rules.cut else path

    def _told(self, by: Sequence[str]) -> ibis.Table:
        """The touchpoints under rules, with `begun_microseconds`, when the path begins, and `reaches`, whether the journey
        reaches the goal after that. A goal that is left out, or has another name now, is reached nevertheless."""
        each, grouped = ibis.window(group_by="journey_id"), ibis.window(group_by=[*by, "journey_id"])
        t = renamed(self.touchpoints, self.rules)
        if self.rules.start:
            t = t.mutate(place=ibis.row_number().over(journeys.within()) + 1)
            begins = t.touchpoint.isin(self.rules.start) & (t.left_out == 0)
            t = t.mutate(
                begins_at=ibis.ifelse(begins, t.place, ibis.null("int64")).min().over(each),
                goal_at=ibis.ifelse(t.is_goal == 1, t.place, ibis.null("int64")).max().over(each),
            )
            t = t.mutate(in_path=ibis.ifelse((t.place >= t.begins_at) & (t.left_out == 0), 1, 0))
            t = t.mutate(reaches=ibis.ifelse(t.goal_at >= t.begins_at, 1, 0)).drop("place", "begins_at", "goal_at")
        else:
            t = t.mutate(in_path=1 - t.left_out, reaches=t.is_goal.max().over(each))
        known = ibis.ifelse(t.in_path == 1, t.occurred_microseconds, ibis.null("int64"))
        t = t.mutate(begun_microseconds=known.min().over(grouped))
        return t.filter(t.left_out == 0).drop("left_out", "in_path")

    def stored(self) -> bool:
        """Are whole journeys and their paths at hand, as they were stored?"""
        return not self.rules.any and (self._takes("columns", "journeys") or self._takes("cube", "journeys"))

    def _numbered(self) -> bool:
        """Are paths put together from numbers? Not where touchpoints have the names of groups."""
        return "names" in self.cubes and not self.rules.group

    def _counting(self, column: str, by: Sequence[str]) -> list[str]:
        """The columns of nodes to count by: `by`, and the prepared one that says what is the first time, where it is still true."""
        holds = not self.rules.any and set(by) <= self.constant
        return [*by, column] if holds else [*by]

    def _partly(self) -> bool:
        return isinstance(self._way(), Cut)

    def _takes(self, route: Route, cube: str) -> bool:
        return cube in self.cubes and self.route in (None, route)

    def _cube(self, name: str, repeats: Repeats) -> ibis.Table:
        """The rows of a cube that tell apart what filters and groups do, and no more if possible."""
        cube = self.cubes[name]
        attributes = tuple(c for c in cube.columns if c not in CUBE_COLUMNS and not c.startswith("by "))
        held = self.held if len(self.held) <= 1 else attributes
        return cube.filter((cube.level == level(held)) & (cube.repeats == repeats))

    def _way(self) -> Way:
        if self.route == "windows" or self.ways[0] == "windows":
            return "windows"
        return "gaps" if self.rules.renew else self.ways[0]


def paths(
    left: Population, tables: Mapping[str, ibis.Table], view: View, facts: Facts, route: Route | None = None
) -> Paths:
    """The paths of a population. Raises ViewProblem if `route` cannot answer this view."""
    ways = left.ways
    cubes = {name: tables[name] for name in SPELLING if name in tables}
    held = {f.column for f in view.customers}
    if left.journeys is not None and held <= set(left.journeys.columns) - CUBE_COLUMNS | {"customer_id"}:
        cubes["journeys"] = left.journeys
    if whole_customers(view) and MEMBERS not in tables:
        for name in CUBES:
            if name in tables and held <= set(tables[name].columns) - CUBE_COLUMNS:
                cubes[name] = by_customer(tables[name], view)
    possible = (
        {"windows"} | ({"columns"} if ways[0] not in BY_WINDOWS else set()) | ({"cube"} if "moves" in cubes else set())
    )
    if route is not None and route not in possible:
        raise ViewProblem(UNANSWERABLE, found=route)
    filtered = tuple(f.column for f in view.customers)
    return Paths(left["touchpoints"], ways, cubes, filtered, frozenset(facts.attributes), facts.goal_of(view), route)


def whole_customers(view: View) -> bool:
    """Does the view choose nothing but customers by their attributes, each with the whole journey?"""
    return (
        view.grain == "journey" and view.first_day is None and view.last_day is None
        and not view.touchpoints and not view.chooses_people()
    )  # fmt: skip


def level(attributes: Sequence[str]) -> str:
    """How a cube calls the rows that tell these attributes apart."""
    return journeys.PATH_SIGN.join(sorted(attributes))


def steps_of(path: ibis.Value) -> ibis.Value:
    """How many names a path has."""
    return path.length() - path.replace(journeys.PATH_SIGN, "").length() + 1


def _named(t: ibis.Table, groups: Mapping[str, str]) -> ibis.Table:
    return t.mutate(**{name: t[column] for name, column in groups.items()}) if groups else t


def _summed(cube: ibis.Table, keys: Sequence[str], counts: Sequence[str]) -> ibis.Table:
    """The rows of a cube added up. A sum of floats is null only where nothing was timed."""
    return cube.group_by(list(keys)).aggregate(**{name: cube[name].sum() for name in counts})
