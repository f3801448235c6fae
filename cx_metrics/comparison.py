"""A against B: the one door to a metric's answers for two views, and how they differ.

Do the journeys of two views go other ways? The flows of both are answered over the same names: the largest touchpoints and paths
are chosen over the two together. Then each row has the share of either side, their difference with its interval, and whether the
difference is flagged. All other metrics are compared number by number (`differences`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeAlias

import ibis
import numpy as np
import pandas as pd

from cx_metrics import intervals, registry, routes
from cx_metrics.asking import CONFIDENCE, check_needs, groups_of, inputs_of
from cx_metrics.datasets import Asked, Dataset, fetched_both
from cx_metrics.definition import SIDES, define_both, with_privacy
from cx_metrics.differences import differences
from cx_metrics.errors import OptionProblem
from cx_metrics.groups import apart, nullable
from cx_metrics.journeys import Repeats
from cx_metrics.narrowing import narrowed
from cx_metrics.population import population
from cx_metrics.protecting import protect, said_of_both
from cx_metrics.registry import Measure, Metric
from cx_metrics.routes import Paths, Route
from cx_metrics.rules import PathRules
from cx_metrics.run import Result
from cx_metrics.small_groups import Privacy, suppress
from cx_metrics.texts import N_
from cx_metrics.view import View

Held: TypeAlias = Sequence[tuple[Dataset, View]]  # the two views, each with its dataset

SIDE = "side"
ENDS = ("", "_low", "_high")


@dataclass(frozen=True)
class Shares:
    """What is compared of a metric: a count, the column it is a share of, and the keys within which that whole is one number."""

    count: str
    whole: str
    within: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


COMPARED = {
    "flow_links": Shares("journeys", "all_journeys"),
    "step_matrix": Shares("journeys", "all_journeys"),
    "transition_matrix": Shares("transitions", "all_transitions", within=("touchpoint",)),
    "variants": Shares("journeys", "all_journeys", beside=("steps",)),
}

MEASURES = {
    "journeys_a": Measure(N_("Count in A"), "count", meaning=N_("journeys (in the transition matrix: transitions) of A")),
    "share_a": Measure(N_("Share in A"), "share", n="all_a", interval="wilson", meaning=N_("their share of all in A")),
    "journeys_b": Measure(N_("Count in B"), "count", meaning=N_("journeys (in the transition matrix: transitions) of B")),
    "share_b": Measure(N_("Share in B"), "share", n="all_b", interval="wilson", meaning=N_("their share of all in B")),
    "difference": Measure(N_("Difference"), "ratio", n="all_a", interval="newcombe", meaning=N_("share in A minus share in B")),
    "p_value": Measure(
        N_("p-value"), "ratio", n="all_a",
        meaning=N_("how often chance alone would make a difference this large (z test with pooled variance)"),
    ),
    "all_a": Measure(N_("All in A"), "count", meaning=N_("what the share in A is a share of")),
    "all_b": Measure(N_("All in B"), "count", meaning=N_("what the share in B is a share of")),
}  # fmt: skip


@dataclass(frozen=True)
class Sides:
    """The paths of two views: the tables of `Paths`, one under the other, with a column `side` to group by."""

    a: Paths
    b: Paths
    across: ClassVar[tuple[str, ...]] = (SIDE,)

    def under(self, rules: PathRules) -> Sides:
        """Both under the same rules."""
        return Sides(self.a.under(rules), self.b.under(rules))

    def grouped(self, groups: Mapping[str, str]) -> Sides:
        """Both with the same further columns to group by."""
        return Sides(self.a.grouped(groups), self.b.grouped(groups))

    def moves(self, repeats: Repeats, by: Sequence[str] = (), most: int | None = None) -> ibis.Table:
        """As `Paths.moves`."""
        return self._both(lambda paths, own: paths.moves(repeats, own, most), by)

    def pairs(self, repeats: Repeats, by: Sequence[str] = ()) -> ibis.Table:
        """As `Paths.pairs`."""
        return self._both(lambda paths, own: paths.pairs(repeats, own), by)

    def count(self, repeats: Repeats, by: Sequence[str] = ()) -> ibis.Table:
        """As `Paths.count`."""
        return self._both(lambda paths, own: paths.count(repeats, own), by)

    def whole(self, repeats: Repeats, by: Sequence[str] = ()) -> ibis.Table:
        """As `Paths.whole`."""
        return self._alike()._both(lambda paths, own: paths.whole(repeats, own), by)

    def named(self, counted: ibis.Table) -> ibis.Table:
        """As `Paths.named`."""
        return self._alike().a.named(counted)

    @property
    def goal(self) -> tuple[str, ...]:
        """What counts as conversion; where the two views say different things, their paths know who reached theirs."""
        return self.a.goal

    def taken(self) -> str:
        """The slower of the two routes."""
        return max((self.a.taken(), self.b.taken()), key=lambda route: [*routes.ROUTES].index(route))  # type: ignore[arg-type]

    def _alike(self) -> Sides:
        """Both with paths that have the same keys: stored ones, or else names."""
        if self.a.stored() and self.b.stored() and self.a.goal == self.b.goal:
            return self
        return Sides(self.a.unstored(), self.b.unstored())

    def _both(self, ask: Callable[[Paths, list[str]], ibis.Table], by: Sequence[str]) -> ibis.Table:
        own = [column for column in by if column != SIDE]
        left, right = (
            nullable(ask(paths, own).mutate(**{SIDE: ibis.literal(side)}))
            for paths, side in zip((self.a, self.b), SIDES, strict=True)
        )
        return left.union(right.select(*left.columns))


def compare(
    name: str | Metric,
    dataset: Dataset,
    a: View,
    b: View,
    *,
    by: Sequence[str] = (),
    confidence: float = CONFIDENCE,
    version: str = "",
    route: Route | None = None,
    privacy: Privacy | None = None,
    **options: Any,
) -> Result:
    """Answer a metric for two views, and say where they differ: two periods, two groups of customers, any two views.

    `flow_links`, `step_matrix`, `transition_matrix`, `variants` are answered over the same names. One row per row of the metric,
    in its order: `by` and the keys of the metric; journeys_a, share_a, journeys_b, share_b; difference (a − b, Newcombe's
    interval), p_value (z test with pooled variance), flagged (Benjamini-Hochberg over all rows shown, q = 0.10); all_a, all_b. A
    share is one of all journeys of its side; in the transition matrix, of what follows the touchpoint (journeys_a, journeys_b are
    transitions there). All other metrics have one row per key and measure: see `differences.differences`.

    The largest names are chosen over A and B together. A row that one side does not have is 0 there; a side without any
    journeys has no shares. A person in both views counts in both, and then the two sides are not independent.
    Raises OptionProblem or ViewProblem.
    """
    metric = name if isinstance(name, Metric) else registry.find(name)
    if not 0 < confidence < 1:
        raise OptionProblem(N_("A confidence lies between 0 and 1, like 0.95; found {found}."), found=str(confidence))
    if metric.name not in COMPARED:
        return differences(metric, dataset, a, b, by=by, confidence=confidence, version=version, route=route,
                           privacy=privacy, **options)  # fmt: skip
    asked, views = metric.read_options(options), (a, b)
    for view in views:
        check_needs(metric, dataset.facts, view)
    guarded = [protect(dataset, view, by, privacy, "customers") for view in (a, b)] if privacy is not None else []
    held = [(g.dataset, g.view) for g in guarded] or [(narrowed(dataset, view), view) for view in (a, b)]
    a, b = (view for _held, view in held)
    shown = replace(metric, measures=MEASURES, finish=None)
    frame, groups, taken = _answers(metric, dataset, shown, held, by, asked, confidence, route)
    frame = frame.rename(columns={apart(column): column for column in groups})
    definition = define_both(
        shown, dataset.facts, (a, b), groups, asked, confidence, version,
        test="z test, pooled variance", names="the largest of a and b together",
    )  # fmt: skip
    if privacy is not None:
        about = [c for c in (*metric.groups, *COMPARED[metric.name].beside) if c in frame]
        counted = ("journeys_a", "journeys_b")
        frame = suppress(frame, MEASURES, groups, about, privacy.scores, counted=counted)
        definition = with_privacy(definition, said_of_both([g.said(privacy) for g in guarded]))
    return Result(shown, frame, definition, taken, views)


def query_of_both(
    metric: Metric,
    dataset: Dataset,
    a: View,
    b: View,
    *,
    by: Sequence[str],
    privacy: Privacy | None,
    options: dict[str, Any],
) -> ibis.Table:
    """The query with which `compare` asks the flows of both."""
    guarded = [protect(dataset, view, by, privacy, "customers") for view in (a, b)] if privacy is not None else []
    held = [(g.dataset, g.view) for g in guarded] or [(narrowed(dataset, view), view) for view in (a, b)]
    sides, groups = _sides(replace(metric, measures=MEASURES), held, by, None)
    return _asked(metric, sides, tuple(map(apart, groups)), options)


def _sides(metric: Metric, held: Held, by: Sequence[str], route: Route | None) -> tuple[Sides, tuple[str, ...]]:
    """The paths of both views, and the columns they are grouped by."""
    first, second = (inputs_of(metric, population(d.tables, v, d.facts), d, v, route)[0] for d, v in held)
    assert isinstance(first, Paths) and isinstance(second, Paths)
    groups = groups_of(metric, [first], by)
    return Sides(first, second).grouped({apart(column): column for column in groups}), groups


def _asked(metric: Metric, sides: Sides, by: tuple[str, ...], options: dict[str, Any]) -> ibis.Table:
    """The query over the paths of both. Times are not compared."""
    return metric.query(sides, by=(SIDE, *by), **(options | ({"times": "mean"} if "times" in options else {})))


def _answers(
    metric: Metric, dataset: Dataset, shown: Metric, held: Held, by: Sequence[str], options: dict[str, Any], confidence: float,
    route: Route | None,
) -> tuple[pd.DataFrame, tuple[str, ...], str]:  # fmt: skip
    """The rows of both sides beside each other, with shares and differences; the columns they are grouped by, and their route."""
    printed = tuple((o.name, str(o.type.print(options[o.name]))) for o in metric.options)
    (_dataset, a), (_other, b) = held

    def fetch(what: str, query: Callable[[Sides, tuple[str, ...]], ibis.Table]) -> tuple[pd.DataFrame, Any]:
        def build(first: View, second: View) -> Asked:
            sides, groups = _sides(shown, [(d, v) for (d, _v), v in zip(held, (first, second), strict=True)], by, route)
            known = groups, sides.under(PathRules.of(options)).taken()
            return query(sides, tuple(map(apart, groups))), known

        if all(own is dataset for own, _view in held):
            return fetched_both(dataset, a.alone(), b.alone(), (what, metric.name, tuple(by), printed, route), build)
        asked, known = build(a, b)  # somebody was chosen before, and is lent to the query
        return dataset.fetch(asked), known

    shares = COMPARED[metric.name]
    frame, (groups, taken) = fetch("of both", lambda sides, own: _asked(metric, sides, own, options))
    by = tuple(map(apart, groups))
    if metric.finish is not None:
        given = options | {"confidence": confidence, "by": (SIDE, *by)}
        frame = metric.finish(frame, **registry.accepted(metric.finish, given))
    within = [*by, *shares.within]
    if shares.whole in frame:
        wholes = frame[[SIDE, *within, shares.whole]].drop_duplicates()
    else:
        wholes, _known = fetch("wholes of both", lambda sides, own: _wholes(sides, own, options, shares.whole))
    keys = [*by, *metric.groups, *shares.beside]
    rows = _beside(frame, keys, shares.count, "journeys")
    rows = _placed(rows, wholes, within, shares.whole)
    lead = [*by, metric.groups[0]]
    rows = rows.assign(together=rows["journeys_a"] + rows["journeys_b"])
    rest = [key for key in metric.groups[1:] if key != "path"]  # a rank has one path
    rows = rows.sort_values([*lead, "together", *rest], ascending=[True] * len(lead) + [False] + [True] * len(rest),
                            kind="stable")  # fmt: skip
    return _differences(rows, confidence)[[*keys, *_columns()]].reset_index(drop=True), groups, taken


def _wholes(sides: Sides, by: tuple[str, ...], options: dict[str, Any], whole: str) -> ibis.Table:
    """How many journeys both sides have."""
    counted = sides.under(PathRules.of(options)).count(options["repeats"], (SIDE, *by))
    return counted.select(SIDE, *by, whole)


def _beside(frame: pd.DataFrame, keys: Sequence[str], count: str, name: str) -> pd.DataFrame:
    """Counts of the two sides beside each other: `keys`, name_a, name_b; 0 where a side does not have the row."""
    counts = {f"{name}_{side}": frame[count].where(frame[SIDE] == side, 0).astype("int64") for side in SIDES}
    kept = frame[list(keys)].assign(**counts)
    return kept.groupby(list(keys), dropna=False, sort=False, as_index=False)[list(counts)].sum()


def _placed(rows: pd.DataFrame, wholes: pd.DataFrame, within: Sequence[str], whole: str) -> pd.DataFrame:
    """Add all_a and all_b, the wholes of the two sides."""
    for side in SIDES:
        own = wholes[wholes[SIDE] == side].rename(columns={whole: f"all_{side}"}).drop(columns=SIDE)
        joined = within and len(own)
        rows = rows.merge(own, how="left", on=list(within)) if joined else rows.assign(**own[[f"all_{side}"]].sum())
    return rows.fillna({"all_a": 0, "all_b": 0}).astype({"all_a": "int64", "all_b": "int64"})


def _differences(rows: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Add the shares of the two sides, their difference, and what is flagged."""
    for side in SIDES:
        rows = intervals.add_share(rows, f"share_{side}", f"journeys_{side}", f"all_{side}", confidence)
    a, all_a, b, all_b = (rows[name].to_numpy() for name in ("journeys_a", "all_a", "journeys_b", "all_b"))
    low, high = intervals.newcombe(a, all_a, b, all_b, confidence)
    p = intervals.difference_p(a, all_a, b, all_b)
    return rows.assign(
        difference=rows["share_a"] - rows["share_b"], difference_low=low, difference_high=high, p_value=p,
        flagged=np.nan_to_num(intervals.benjamini_hochberg(p), nan=1.0) <= intervals.FALSE_DISCOVERIES,
    )  # fmt: skip


def _columns() -> list[str]:
    sides = [column for side in SIDES for column in (f"journeys_{side}", *(f"share_{side}{end}" for end in ENDS))]
    return [*sides, *(f"difference{end}" for end in ENDS), "p_value", "flagged", "all_a", "all_b"]
