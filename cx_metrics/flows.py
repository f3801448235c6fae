"""Flows: how do people really move from touchpoint to touchpoint?

All of this family reads the same paths (`routes.Paths`): flow links for the Sankey, the directly-follows table, whole paths.
"""

from __future__ import annotations

from typing import Annotated, Literal

import ibis
import pandas as pd
from ibis import _

from cx_metrics import intervals
from cx_metrics.groups import beside
from cx_metrics.journeys import PATH_SIGN, Repeats
from cx_metrics.options import Count
from cx_metrics.registry import Measure, metric
from cx_metrics.routes import Paths
from cx_metrics.texts import N_

OTHER = "(other)"  # the touchpoints of a step beyond the largest ones, folded into one

JOURNEYS = Measure(N_("Journeys"), "count", meaning=N_("journeys that make this move"))
MEAN_SECONDS = Measure(N_("Mean time"), "seconds", n="journeys", meaning=N_("mean time of the move"))
MEDIAN_SECONDS = Measure(N_("Median time"), "seconds", n="journeys", meaning=N_("median time of the move"))

MaxSteps = Annotated[int, Count(N_("how many steps to show, from the start of the journey"), 2, 10)]
Top = Annotated[int, Count(N_("how many touchpoints to show at each step; the rest becomes one group"), 1, 200)]
Times = Literal["median", "mean"]
TimesOption = Annotated[
    Times, N_("times of moves: mean and median, or the mean alone, which needs no look at single moves")
]
Who = Literal["all", "converters", "drop-outs"]
WhoOption = Annotated[Who, N_("whose paths: everyone's, of journeys that reach the goal, or of those that do not")]
RepeatsOption = Annotated[Repeats, N_("whether the same touchpoint twice in a row is one step (merge) or two (keep)")]


@metric(
    title=N_("Journey flow"),
    unit=N_("journeys"),
    denominator=N_("journeys of the view"),
    inputs=("paths",),
    source="PostHog user paths",
    groups=("step", "source", "target", "kind"),
    measures={"journeys": JOURNEYS, "mean_seconds": MEAN_SECONDS, "median_seconds": MEDIAN_SECONDS},
)
def flow_links(
    paths: Paths,
    by: tuple[str, ...] = (),
    *,
    steps: MaxSteps = 5,
    top: Top = 10,
    repeats: RepeatsOption = "merge",
    times: TimesOption = "median",
) -> ibis.Table:
    """How do people move, step by step, and where do they stop?

    One row per step, source, target and kind: `move` to the touchpoint at the next step, `drop_off` (the journey ends
    there, target null), `continues_beyond` (it goes on after the last step shown, target null), with journeys, and mean and
    median seconds of the move (median null with `times="mean"`). At every node what flows in is what flows out + drop_off +
    continues_beyond, exactly.

    At each step the `top` touchpoints with most journeys (over all groups of `by`; ties by name) keep their names, the rest
    is `(other)`; the totals of a step do not change. With `repeats="merge"` equal neighbours are one step that carries the
    time of the last of the run. A journey with one touchpoint is a drop_off at step 1.
    """
    moves = paths.moves(repeats, by, steps)
    sizes = moves.group_by(["position", "touchpoint"]).aggregate(size=_.journeys.sum())
    largest = ibis.window(group_by="position", order_by=[ibis.desc("size"), "touchpoint"])
    kept = sizes.mutate(rank=ibis.row_number().over(largest)).filter(_.rank < top).select("position", "touchpoint")
    keys = [*by, "step", "source", "target", "kind"]
    counted = (
        _links(moves, kept, steps)
        .group_by(keys)
        .aggregate(journeys=_.journeys.sum(), timed=_.timed.sum(), total_seconds=_.seconds.sum())
        .mutate(mean_seconds=_.total_seconds / _.timed.nullif(0).cast("float64"))
    )
    if times == "mean":
        links = counted.mutate(median_seconds=ibis.null("float64"))
    else:
        single = _links(paths.nodes(repeats, by).filter(_.position <= steps), kept, steps)
        medians = single.group_by(keys).aggregate(median_seconds=_.seconds_to_next.median())
        links = beside(counted, medians, keys)
    return links.select(*keys, "journeys", "mean_seconds", "median_seconds").order_by(
        [*by, "step", ibis.desc("journeys"), "source", "target", "kind"]
    )


def _links(moves: ibis.Table, kept: ibis.Table, steps: int) -> ibis.Table:
    """Moves with their step, source, target and kind; names that are not `kept` at their step become OTHER."""
    here = kept.mutate(is_kept=1)
    following = kept.select(next_position=_.position - 1, next_name=_.touchpoint, next_kept=1)
    moves = moves.left_join(here, ["position", "touchpoint"]).drop("position_right", "touchpoint_right")
    moves = moves.left_join(
        following, (moves.position == following.next_position) & (moves.next_touchpoint == following.next_name)
    )
    ends, beyond = moves.next_touchpoint.isnull(), moves.position == steps
    return moves.mutate(
        step=moves.position,
        source=ibis.ifelse(moves.is_kept == 1, moves.touchpoint, OTHER).fill_null(OTHER),
        target=ibis.ifelse(
            ends | beyond, ibis.null("string"), ibis.ifelse(moves.next_kept.isnull(), OTHER, moves.next_touchpoint)
        ),
        kind=ibis.ifelse(ends, "drop_off", ibis.ifelse(beyond, "continues_beyond", "move")),
    )


@metric(
    title=N_("Transitions"),
    unit=N_("transitions"),
    denominator=N_("journeys of the view"),
    inputs=("paths",),
    source="van der Aalst (2016), Process Mining, ch. 2 (directly-follows graph)",
    groups=("touchpoint", "next_touchpoint"),
    measures={
        "transitions": Measure(
            N_("Transitions"), "count", meaning=N_("how often the second follows the first directly")
        ),
        "journeys": Measure(N_("Journeys"), "count", meaning=N_("journeys in which it does")),
        "mean_seconds": MEAN_SECONDS,
        "median_seconds": MEDIAN_SECONDS,
    },
)
def transitions(
    paths: Paths, by: tuple[str, ...] = (), *, repeats: RepeatsOption = "keep", times: TimesOption = "median"
) -> ibis.Table:
    """Which touchpoint follows which directly, how often, and after how long?

    One row per pair that occurs: touchpoint, next_touchpoint, transitions (over all journeys), journeys (in which the pair
    occurs), mean and median seconds from the first to the second (median null with `times="mean"`). A touchpoint that
    follows itself is a pair too, unless `repeats="merge"`.
    """
    keys = [*by, "touchpoint", "next_touchpoint"]
    counted = paths.pairs(repeats, by).filter(_.next_touchpoint.notnull())
    counted = counted.mutate(mean_seconds=_.seconds / _.timed.nullif(0).cast("float64"))
    if times == "mean":
        found = counted.mutate(median_seconds=ibis.null("float64"))
    else:
        single = paths.nodes(repeats, by).filter(_.next_touchpoint.notnull())
        found = beside(counted, single.group_by(keys).aggregate(median_seconds=_.seconds_to_next.median()), keys)
    return found.select(*keys, "transitions", "journeys", "mean_seconds", "median_seconds").order_by(
        [*by, ibis.desc("transitions"), "touchpoint", "next_touchpoint"]
    )


def finish_variants(frame: pd.DataFrame, *, by: tuple[str, ...], confidence: float) -> pd.DataFrame:
    """Cut the paths into names; add the share of all journeys and the conversion rate with their intervals."""
    paths = [tuple(path.split(PATH_SIGN)) for path in frame["path"]]
    frame = frame.assign(path=pd.Series(paths, index=frame.index, dtype=object))
    frame = intervals.add_share(frame, "share", "journeys", "all_journeys", confidence)
    frame = intervals.add_share(frame, "conversion_rate", "converted", "journeys", confidence)
    ends = ("", "_low", "_high")
    return frame[[
        *by, "rank", "path", "steps", "journeys", *(f"share{e}" for e in ends), "converted",
        *(f"conversion_rate{e}" for e in ends), "median_seconds", "all_journeys",
    ]]  # fmt: skip


@metric(
    title=N_("Whole paths"),
    unit=N_("journeys"),
    denominator=N_("journeys of the view"),
    inputs=("paths",),
    source="van der Aalst (2016), Process Mining, ch. 2 (trace variants)",
    groups=("rank", "path"),
    finish=finish_variants,
    measures={
        "steps": Measure(N_("Steps"), "count", meaning=N_("touchpoints of the path")),
        "journeys": Measure(N_("Journeys"), "count", meaning=N_("journeys with exactly this path")),
        "share": Measure(N_("Share"), "share", n="all_journeys", interval="wilson", meaning=N_("share of all journeys")),
        "converted": Measure(N_("Converted"), "count", meaning=N_("of these, journeys that reach the goal")),
        "conversion_rate": Measure(
            N_("Conversion rate"), "share", n="journeys", interval="wilson", higher_is_better=True,
            meaning=N_("share of journeys with this path that reach the goal"),
        ),
        "median_seconds": Measure(N_("Median time"), "seconds", n="journeys", meaning=N_("median time from first to last")),
        "all_journeys": Measure(N_("All journeys"), "count", meaning=N_("journeys of the view, with any path")),
    },
)  # fmt: skip
def variants(
    paths: Paths,
    by: tuple[str, ...] = (),
    *,
    top: Top = 20,
    repeats: RepeatsOption = "keep",
    who: WhoOption = "all",
) -> ibis.Table:
    """Which whole paths are the most frequent, and do they reach the goal?

    One row per path (the exact sequence of touchpoints), the `top` most frequent in each group of `by`: rank, path (a list
    of names), steps, journeys, share of all journeys, converted (journeys with a goal touchpoint; 0 where no goal is set),
    conversion_rate, median_seconds from first to last touchpoint (a journey with one touchpoint lasts 0), all_journeys.
    `who` keeps the paths of those who reach the goal, or of those who do not; the share stays that of all journeys.
    Ties in rank go to the path that comes first by name.
    """
    each = ibis.window(group_by=list(by))
    counted = (
        paths.whole(repeats, by).group_by([*by, "path_key"])
        .aggregate(journeys=_.count(), median_seconds=_.seconds.median())
        .mutate(all_journeys=_.journeys.sum().over(each))
    )  # fmt: skip
    if who != "all":
        reached = _reaches(paths.named(counted), paths.goal)
        counted = reached.filter(reached.reaches == (1 if who == "converters" else 0)).drop("path", "steps", "reaches")
    best = ibis.window(group_by=list(by), order_by=[ibis.desc("journeys"), "path_key"])
    ranked = counted.mutate(rank=ibis.row_number().over(best) + 1).filter(_.rank <= top)
    named = _reaches(paths.named(ranked), paths.goal)
    return named.select(
        *by, "rank", "path", "steps", "journeys", converted=named.journeys * named.reaches,
        median_seconds=named.median_seconds, all_journeys=named.all_journeys,
    ).order_by([*by, "rank"])  # fmt: skip


def _reaches(t: ibis.Table, goal: tuple[str, ...]) -> ibis.Table:
    """Add `reaches`: 1 where the path holds a touchpoint of the goal, else 0."""
    cut = ibis.literal(PATH_SIGN) + t.path + PATH_SIGN
    held = [cut.contains(PATH_SIGN + name + PATH_SIGN) for name in goal]
    return t.mutate(reaches=ibis.ifelse(ibis.or_(*held), 1, 0) if held else ibis.literal(0))
