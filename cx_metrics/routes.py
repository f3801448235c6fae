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
from typing import Literal

import ibis
from ibis import _

from cx_metrics import journeys
from cx_metrics.errors import ViewProblem
from cx_metrics.journeys import Repeats, Way
from cx_metrics.population import Population, by_customer
from cx_metrics.texts import N_
from cx_metrics.view import Facts, View

Route = Literal["cube", "columns", "windows"]
ROUTES: tuple[Route, ...] = ("cube", "columns", "windows")
CUBE_COLUMNS = {  # of the prepared tables, beside the attributes of customers
    "level", "repeats", "position", "touchpoint", "next_touchpoint", "journeys", "transitions", "opens", "timed", "seconds",
    "customer_number", "customer_id", "journey_start", "touchpoints", "sessions", "path_merge", "path_keep",
}  # fmt: skip


@dataclass(frozen=True)
class Paths:
    """The paths that a view leaves, by whichever routes lead to them.

    `touchpoints`: the rows in the range, with journey_id. `ways`: how they become nodes. `cubes`: the prepared tables
    `journeys`, `paths`, `moves`, `pairs`, cut to the customers of the view; empty where the view touches more than customers.
    `held`: the attributes that filters and groups tell apart. `goal`: what counts as conversion. `route`: None for the
    fastest, or the one to take.
    """

    touchpoints: ibis.Table
    ways: tuple[Way, ...]
    cubes: Mapping[str, ibis.Table]
    held: tuple[str, ...] = ()
    goal: tuple[str, ...] = ()
    route: Route | None = None

    def grouped(self, groups: Mapping[str, str]) -> Paths:
        """The same with further columns to group by: new name → column. A cube without the column is left aside."""
        wanted = set(groups.values())
        cubes = {n: t for n, t in self.cubes.items() if n == "paths" or wanted <= set(t.columns) - CUBE_COLUMNS}
        named = {n: t if n == "paths" else _named(t, groups) for n, t in cubes.items()}
        held = tuple(dict.fromkeys([*self.held, *groups.values()]))
        return replace(self, touchpoints=_named(self.touchpoints, groups), cubes=named, held=held)

    def nodes(self, repeats: Repeats, keep: Sequence[str] = ()) -> ibis.Table:
        """What stands at each step: one row per node of every journey, as `journeys.nodes`."""
        return journeys.nodes(self.touchpoints, repeats, self._way(), keep)

    def moves(self, repeats: Repeats, by: Sequence[str] = (), most: int | None = None) -> ibis.Table:
        """How many journeys make each move at each step? `by` and the columns of `journeys.moves`."""
        if most is not None and most <= 10 and self._takes("cube", "moves"):
            cube = self._cube("moves", repeats).filter(_.position <= most)
            return _summed(cube, [*by, "position", "touchpoint", "next_touchpoint"], ("journeys", "timed", "seconds"))
        return journeys.moves(self.nodes(repeats, by), by, most)

    def pairs(self, repeats: Repeats, by: Sequence[str] = ()) -> ibis.Table:
        """How often does one touchpoint follow another directly? `by` and the columns of `journeys.pairs`."""
        if self._takes("cube", "pairs"):
            cube = self._cube("pairs", repeats)
            counts = ("transitions", "journeys", "opens", "timed", "seconds")
            return _summed(cube, [*by, "touchpoint", "next_touchpoint"], counts)
        return journeys.pairs(self.nodes(repeats, by), by)

    def whole(self, repeats: Repeats, by: Sequence[str] = ()) -> ibis.Table:
        """One row per journey: `by`, path_key (sorts as the path does), seconds from first to last touchpoint."""
        if self._stored():
            return self.cubes["journeys"].select(*by, "seconds", path_key=self.cubes["journeys"][f"path_{repeats}"])
        each = ibis.window(
            group_by=[*by, "journey_id"]
        )  # a merged run carries the time of its last: the first is kept beside
        begun = self.touchpoints.mutate(begun_microseconds=_.occurred_microseconds.min().over(each))
        path = journeys.whole(journeys.nodes(begun, repeats, self._way(), (*by, "begun_microseconds")), by)
        seconds = (path.ended_microseconds - path.begun_microseconds).cast("float64") / 1e6
        return path.select(*by, seconds=seconds, path_key=path.path)

    def named(self, counted: ibis.Table) -> ibis.Table:
        """Add `path` (names with PATH_SIGN between) and `steps` to rows that have a path_key."""
        if self._stored():
            names = self.cubes["paths"].select("path_id", "path", "steps")
            return counted.join(names, counted.path_key == names.path_id).drop("path_id")
        return counted.mutate(path=counted.path_key, steps=steps_of(counted.path_key))

    def taken(self) -> str:
        """The route that answers, for those who want to know."""
        if self.route is not None:
            return self.route
        if {"moves", "pairs"} & set(self.cubes):
            return "cube"
        return "windows" if self.ways[0] == "windows" else "columns"

    def _stored(self) -> bool:
        return self._takes("columns", "journeys") or self._takes("cube", "journeys")

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
        return self.ways[0]


def paths(
    left: Population, tables: Mapping[str, ibis.Table], view: View, facts: Facts, route: Route | None = None
) -> Paths:
    """The paths of a population. Raises ViewProblem if `route` cannot answer this view."""
    ways = left.ways
    cubes: dict[str, ibis.Table] = {}
    if whole_customers(view):
        held = {f.column for f in view.customers}
        for name in ("journeys", "moves", "pairs"):
            if name in tables and held <= set(tables[name].columns) - CUBE_COLUMNS:
                cubes[name] = by_customer(tables[name], view)
        if "paths" in tables:
            cubes["paths"] = tables["paths"]
    possible = (
        {"windows"} | ({"columns"} if ways[0] != "windows" else set()) | ({"cube"} if "moves" in cubes else set())
    )
    if route is not None and route not in possible:
        raise ViewProblem(N_("The route {found} cannot answer this view."), found=route)
    filtered = tuple(f.column for f in view.customers)
    return Paths(left["touchpoints"], ways, cubes, filtered, facts.goal_of(view), route)


def whole_customers(view: View) -> bool:
    """Does the view choose nothing but customers by their attributes, each with the whole journey?"""
    return (
        view.grain == "journey" and view.first_day is None and view.last_day is None
        and not view.touchpoints and view.passing is None
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
