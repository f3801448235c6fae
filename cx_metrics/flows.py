"""Flows: how do people really move from touchpoint to touchpoint?

All of this family reads the same paths (`routes.Paths`): flow links for the Sankey, the step matrix, the directly-follows
table and its matrix, whole paths. All of it takes the same rules (`rules.PathRules`): names grouped, touchpoints left out, and
anchors where a path begins or ends.
"""

from __future__ import annotations

from typing import Annotated, Literal

import ibis
import pandas as pd
from ibis import _

from cx_metrics import intervals
from cx_metrics.groups import OTHER, beside, how_many, nullable
from cx_metrics.journeys import PATH_SIGN, Repeats
from cx_metrics.options import Count
from cx_metrics.registry import Measure, metric
from cx_metrics.routes import Paths
from cx_metrics.rules import (
    GOES_ON,
    EndOption,
    ExcludeOption,
    GroupOption,
    KeepOption,
    LeastOption,
    PathRules,
    StartOption,
)
from cx_metrics.texts import N_

PATH_START, PATH_END = "path_start", "path_end"  # before the first touchpoint of a path, and after its last

JOURNEYS = Measure(N_("Journeys"), "count", meaning=N_("journeys that make this move"))
MEAN_SECONDS = Measure(N_("Mean time"), "seconds", n="journeys", meaning=N_("mean time of the move"))
MEDIAN_SECONDS = Measure(N_("Median time"), "seconds", n="journeys", meaning=N_("median time of the move"))

MaxSteps = Annotated[int, Count(N_("how many steps to show, from the start of the journey"), 2, 10)]
Top = Annotated[int, Count(N_("how many touchpoints to show at each step; the rest becomes one group"), 1, 200)]
Times = Literal["median", "mean"]
TimesOption = Annotated[
    Times, N_("times of moves: mean and median, or the mean alone, which needs no look at single moves")
]
TransitionTimes = Literal["median", "mean", "all"]
TransitionTimesOption = Annotated[
    TransitionTimes,
    N_("times of transitions: mean and median, the mean alone, or all, which adds what nine in ten stay under"),
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
    start: StartOption = None,
    end: EndOption = None,
    exclude: ExcludeOption = None,
    group: GroupOption = None,
    keep: KeepOption = None,
    least: LeastOption = 0.0,
) -> ibis.Table:
    """How do people move, step by step, and where do they stop?

    One row per step, source, target and kind: `move` to the touchpoint at the next step, `drop_off` (the journey ends
    there, target null), `continues_beyond` (it goes on after the last step shown, target null), with journeys, and mean and
    median seconds of the move (median null with `times="mean"`). At every node what flows in is what flows out + drop_off +
    continues_beyond, exactly.

    At each step the `top` touchpoints with most journeys (over all groups of `by`; ties by name) keep their names, the rest
    is `(other)`; so is what has less than the share `least` of the journeys of its step, and the touchpoints of `keep` never are.
    The totals of a step do not change. With `repeats="merge"` equal neighbours are one step that carries the
    time of the last of the run. A journey with one touchpoint is a drop_off at step 1.

    Names are grouped (`group`), then touchpoints left out (`exclude`, by their own name or that of their group), then equal
    neighbours merge, then steps are counted, then anchors cut; journeys without an anchor are out.
    `start`: a path begins at the first of these touchpoints, which is step 1.
    `end`: it ends at the first of these touchpoints, which always stands at the last step shown. Of a longer path the last
    steps are shown; a shorter one begins at a later step, so more journeys can leave a node there than moves lead to it.
    Both: from the first start to the first end after it. Of a path with more than `steps` nodes, the first and the last are
    shown and one node `...` for the middle, which carries the time of the last in it (at least 3 steps are needed).
    At an end, the kind is `continues_beyond` where the journey goes on after it, else `drop_off`.
    """
    paths = paths.under(PathRules.of({"start": start, "end": end, "exclude": exclude, "group": group}))
    moves = paths.moves(repeats, by, steps)
    kept = largest(moves, top, keep, least)
    keys = [*by, "step", "source", "target", "kind"]
    counted = (
        links_shown(moves, kept, steps, bool(end))
        .group_by(keys)
        .aggregate(journeys=_.journeys.sum(), timed=_.timed.sum(), total_seconds=_.seconds.sum())
        .mutate(mean_seconds=_.total_seconds / _.timed.nullif(0).cast("float64"))
    )
    if times == "mean":
        links = counted.mutate(median_seconds=ibis.null("float64"))
    else:
        single = links_shown(paths.nodes(repeats, by, steps).filter(_.position <= steps), kept, steps, bool(end))
        medians = single.group_by(keys).aggregate(median_seconds=_.seconds_to_next.median())
        links = beside(counted, medians, keys)
    return links.select(*keys, "journeys", "mean_seconds", "median_seconds").order_by(
        [*by, "step", ibis.desc("journeys"), "source", "target", "kind"]
    )


def largest(moves: ibis.Table, top: int, keep: tuple[str, ...] | None = None, least: float = 0.0) -> ibis.Table:
    """The touchpoints that have their own names at each position, over all groups: position, touchpoint. The `top` with most
    journeys (ties by name), if they have the share `least` of the journeys there, and those of `keep`."""
    sizes = moves.group_by(["position", "touchpoint"]).aggregate(size=_.journeys.sum())
    first = ibis.window(group_by="position", order_by=[ibis.desc("size"), "touchpoint"])
    sizes = sizes.mutate(rank=ibis.row_number().over(first))
    named = sizes["rank"] < top
    if least > 0:
        sizes = sizes.mutate(whole=_.size.sum().over(ibis.window(group_by="position")))
        named = (sizes["rank"] < top) & (sizes["size"].cast("float64") >= sizes.whole.cast("float64") * least)
    if keep:
        named = named | sizes.touchpoint.isin(keep)
    return sizes.filter(named).select("position", "touchpoint")


def links_shown(moves: ibis.Table, kept: ibis.Table, steps: int, anchored: bool) -> ibis.Table:
    """Moves with their step, source, target and kind; names that are not `kept` at their step become OTHER. `anchored`: paths
    end where the journey may go on."""
    here = kept.mutate(is_kept=1)
    following = kept.select(next_position=_.position - 1, next_name=_.touchpoint, next_kept=1)
    moves = moves.left_join(here, ["position", "touchpoint"]).drop("position_right", "touchpoint_right")
    moves = moves.left_join(
        following, (moves.position == following.next_position) & (moves.next_touchpoint == following.next_name)
    )
    ends, beyond = moves.next_touchpoint.isnull(), moves.position == steps
    if anchored:
        beyond = beyond | (moves.next_touchpoint == GOES_ON).fill_null(False)
    return moves.mutate(
        step=moves.position,
        source=ibis.ifelse(moves.is_kept == 1, moves.touchpoint, OTHER).fill_null(OTHER),
        target=ibis.ifelse(
            ends | beyond, ibis.null("string"), ibis.ifelse(moves.next_kept.isnull(), OTHER, moves.next_touchpoint)
        ),
        kind=ibis.ifelse(ends, "drop_off", ibis.ifelse(beyond, "continues_beyond", "move")),
    )


def finish_step_matrix(
    frame: pd.DataFrame,
    *,
    by: tuple[str, ...],
    steps: int,
    start: tuple[str, ...] | None,
    end: tuple[str, ...] | None,
    confidence: float,
) -> pd.DataFrame:
    """Give each step the journeys that are over (before an end: not yet begun), then shares with their intervals."""
    elsewhere = PATH_START if PathRules.of({"start": start, "end": end}).ends_right else PATH_END
    keys = [*by, "all_journeys"]
    shown = frame.groupby([*keys, "step"], dropna=False, sort=False, as_index=False)["journeys"].sum()
    groups = shown[keys].drop_duplicates()
    every = groups.merge(pd.DataFrame({"step": range(1, steps + 1)}), how="cross")
    every = every.merge(shown, how="left", on=[*keys, "step"])
    left = (every["all_journeys"] - every["journeys"].fillna(0)).astype("int64")
    absent = every.assign(journeys=left, touchpoint=elsewhere)[left > 0]
    order = groups.reset_index(drop=True).assign(place=range(len(groups)))
    both = pd.concat([frame, absent[list(frame.columns)]]) if len(absent) else frame
    both = both.assign(is_absent=both["touchpoint"] == elsewhere).merge(order, how="left", on=keys)
    both = both.sort_values(["place", "step", "is_absent", "journeys", "touchpoint"],
                            ascending=[True, True, True, False, True], kind="stable")  # fmt: skip
    both = intervals.add_share(both, "share", "journeys", "all_journeys", confidence)
    return both[[*by, "step", "touchpoint", "journeys", "share", "share_low", "share_high", "all_journeys"]]


@metric(
    title=N_("Step matrix"),
    unit=N_("share of journeys"),
    denominator=N_("journeys of the view"),
    inputs=("paths",),
    source="retentioneering, step matrix; Wilson (1927), JASA 22 (interval of a share)",
    groups=("step", "touchpoint"),
    finish=finish_step_matrix,
    measures={
        "journeys": Measure(N_("Journeys"), "count", meaning=N_("journeys at this touchpoint at this step")),
        "share": Measure(
            N_("Share"), "share", n="all_journeys", interval="wilson", meaning=N_("share of all journeys")
        ),
        "all_journeys": Measure(
            N_("All journeys"), "count", meaning=N_("journeys of the view, at any touchpoint or over")
        ),
    },
)
def step_matrix(
    paths: Paths,
    by: tuple[str, ...] = (),
    *,
    steps: MaxSteps = 5,
    top: Top = 10,
    repeats: RepeatsOption = "merge",
    start: StartOption = None,
    end: EndOption = None,
    exclude: ExcludeOption = None,
    group: GroupOption = None,
    keep: KeepOption = None,
    least: LeastOption = 0.0,
) -> ibis.Table:
    """Where are journeys at each step?

    One row per step and touchpoint: journeys that are there, share of all journeys, all_journeys. A journey that is over
    stays in `path_end`, so the journeys of every step add up to all_journeys. Rows of 0 journeys are left out.

    At each step the `top` touchpoints with most journeys keep their names, the rest is `(other)`. Rules, anchors, `keep` and
    `least` are those of the journey flow. With an `end` alone, every path ends at the last step shown, and a journey whose path
    has not begun yet is in `path_start`; all_journeys are the journeys with the anchors. Grouped by what changes within a journey
    (a week), a journey counts in each group in which it has a touchpoint, and is in `path_end` while it is in another.
    """
    paths = paths.under(PathRules.of({"start": start, "end": end, "exclude": exclude, "group": group}))
    moves = paths.moves(repeats, by, steps)
    kept = largest(moves, top, keep, least).mutate(is_kept=1)
    named = moves.left_join(kept, ["position", "touchpoint"]).drop("position_right", "touchpoint_right")
    named = named.mutate(step=named.position, name=ibis.ifelse(named.is_kept.isnull(), OTHER, named.touchpoint))
    counted = named.group_by([*by, "step", "name"]).aggregate(journeys=_.journeys.sum()).rename(touchpoint="name")
    everybody = paths.count(repeats, by)
    found = beside(counted, everybody, by) if by else counted.cross_join(everybody)
    return found.select(*by, "step", "touchpoint", "journeys", "all_journeys").order_by([*by, "step", "touchpoint"])


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
        "p90_seconds": Measure(
            N_("90% within"), "seconds", n="journeys", meaning=N_("nine in ten took no longer than this")
        ),
    },
)
def transitions(
    paths: Paths,
    by: tuple[str, ...] = (),
    *,
    repeats: RepeatsOption = "keep",
    times: TransitionTimesOption = "median",
    exclude: ExcludeOption = None,
    group: GroupOption = None,
) -> ibis.Table:
    """Which touchpoint follows which directly, how often, and after how long?

    One row per pair that occurs: touchpoint, next_touchpoint, transitions (over all journeys), journeys (in which the pair
    occurs), mean and median seconds from the first to the second (median null with `times="mean"`), and with `times="all"`
    p90_seconds, between two times by their distance (else null). A touchpoint that follows itself is a pair too, unless
    `repeats="merge"`. Names are grouped and touchpoints left out before it is said what follows what.
    """
    paths = paths.under(PathRules.of({"exclude": exclude, "group": group}))
    keys = [*by, "touchpoint", "next_touchpoint"]
    counted = paths.pairs(repeats, by).filter(_.next_touchpoint.notnull())
    counted = counted.mutate(mean_seconds=_.seconds / _.timed.nullif(0).cast("float64"))
    unknown = ibis.null("float64")
    if times == "mean":
        found = counted.mutate(median_seconds=unknown, p90_seconds=unknown)
    else:
        single = paths.nodes(repeats, by).filter(_.next_touchpoint.notnull())
        found = beside(counted, single.group_by(keys).aggregate(median_seconds=_.seconds_to_next.median()), keys)
        found = beside(found, _p90(single, keys), keys) if times == "all" else found.mutate(p90_seconds=unknown)
    return found.select(*keys, "transitions", "journeys", "mean_seconds", "median_seconds", "p90_seconds").order_by(
        [*by, ibis.desc("transitions"), "touchpoint", "next_touchpoint"]
    )


def _p90(moves: ibis.Table, keys: list[str]) -> ibis.Table:
    """The time that nine in ten moves stay under: `keys`, p90_seconds. By row numbers, so that it is exact on every engine.

    It lies at place 0.9 (n − 1) among the n times in order, counted from 0; between two places, by the distance to each.
    """
    known = moves.filter(_.seconds_to_next.notnull()).select(*keys, "seconds_to_next")
    ordered = ibis.window(group_by=keys, order_by="seconds_to_next")
    known = known.mutate(rank=ibis.row_number().over(ordered), n=_.count().over(ibis.window(group_by=keys)))
    distance = ((known.n - 1) * 9 - known["rank"] * 10).cast("float64") / 10
    weight = ibis.greatest(1 - distance.abs(), 0.0)
    return known.group_by(keys).aggregate(p90_seconds=(known.seconds_to_next * weight).sum())


def finish_transition_matrix(frame: pd.DataFrame, *, by: tuple[str, ...], confidence: float) -> pd.DataFrame:
    """Add the share of each row with its interval."""
    frame = intervals.add_share(frame, "share", "transitions", "all_transitions", confidence)
    shares = ["share", "share_low", "share_high"]
    return frame[[*by, "touchpoint", "next_touchpoint", "transitions", *shares, "all_transitions"]]


@metric(
    title=N_("Transition matrix"),
    unit=N_("share of transitions"),
    denominator=N_("transitions from the same touchpoint, the end of the journey being one"),
    inputs=("paths",),
    source="Anderl et al. (2016), IJRM 33(3) (first-order transition matrix of journeys)",
    groups=("touchpoint", "next_touchpoint"),
    finish=finish_transition_matrix,
    measures={
        "transitions": Measure(
            N_("Transitions"), "count", meaning=N_("how often the second follows the first directly")
        ),
        "share": Measure(
            N_("Share"), "share", n="all_transitions", interval="wilson",
            meaning=N_("share of what follows the first touchpoint; it adds up to 1"),
        ),
        "all_transitions": Measure(N_("All from here"), "count", meaning=N_("whatever follows the first touchpoint")),
    },
)  # fmt: skip
def transition_matrix(
    paths: Paths,
    by: tuple[str, ...] = (),
    *,
    repeats: RepeatsOption = "keep",
    exclude: ExcludeOption = None,
    group: GroupOption = None,
) -> ibis.Table:
    """Where does one go next from each touchpoint?

    One row per pair that occurs: touchpoint (`path_start` where a journey begins), next_touchpoint (`path_end` where it ends),
    transitions, share of all that follows the touchpoint, all_transitions. The shares of a touchpoint add up to 1. Nothing
    follows `path_end`, so it has no row of its own; and as many journeys begin as end. A touchpoint that follows itself is a
    pair too, unless `repeats="merge"`. The interval takes moves for independent, though one journey can make many.
    """
    pairs = paths.under(PathRules.of({"exclude": exclude, "group": group})).pairs(repeats, by)
    inside = pairs.select(
        *by, touchpoint=pairs.touchpoint.cast("string"),
        next_touchpoint=pairs.next_touchpoint.cast("string").fill_null(PATH_END), transitions=pairs.transitions.cast("int64"),
    )  # fmt: skip
    opening = pairs.group_by([*by, "touchpoint"]).aggregate(transitions=_.opens.sum().cast("int64"))
    opening = opening.filter(opening.transitions > 0).select(
        *by, touchpoint=ibis.literal(PATH_START), next_touchpoint=_.touchpoint.cast("string"), transitions=_.transitions
    )
    each = ibis.window(group_by=[*by, "touchpoint"])
    rows = nullable(inside).union(nullable(opening)).mutate(all_transitions=_.transitions.sum().over(each))
    return rows.order_by([*by, "touchpoint", ibis.desc("transitions"), "next_touchpoint"])


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
    start: StartOption = None,
    end: EndOption = None,
    exclude: ExcludeOption = None,
    group: GroupOption = None,
) -> ibis.Table:
    """Which whole paths are the most frequent, and do they reach the goal?

    One row per path (the exact sequence of touchpoints), the `top` most frequent in each group of `by`: rank, path (a list
    of names), steps, journeys, share of all journeys, converted (journeys that reach the goal; 0 where no goal is set),
    conversion_rate, median_seconds from first to last touchpoint (a journey with one touchpoint lasts 0), all_journeys.
    `who` keeps the paths of those who reach the goal, or of those who do not; the share stays that of all journeys.
    Ties in rank go to the path that comes first by name.

    Rules and anchors are those of the journey flow; a path is cut at them, and never folded. Journeys without an anchor are
    out, of all_journeys too. A journey is converted if it reaches the goal in its path or after it, also where the goal is left
    out or has the name of a group.
    """
    paths = paths.under(PathRules.of({"start": start, "end": end, "exclude": exclude, "group": group}))
    counted = paths_of(paths, repeats, by, who)
    apart = [c for c in by if c not in paths.across]
    sizes = counted
    if paths.across:
        sizes = counted.group_by([*apart, "path_key"]).aggregate(journeys=_.journeys.sum())
    ranked = _most_frequent(sizes, apart, top)
    if paths.across:
        ranked = beside(ranked.drop("journeys"), counted, [*apart, "path_key"])
    if "median_seconds" not in ranked.columns:  # of these few alone: a median is dear
        times = paths.whole(repeats, by).semi_join(ranked.select("path_key").distinct(), "path_key")
        times = times.group_by([*by, "path_key"]).aggregate(median_seconds=_.seconds.median())
        ranked = beside(ranked, times, [*by, "path_key"])
    named = paths.named(ranked)
    if "converted" not in named.columns:
        named = reaches(named, paths.goal).mutate(converted=_.journeys * _.reaches)
    columns = ("rank", "path", "steps", "journeys", "converted", "median_seconds", "all_journeys")
    return named.select(*by, *columns).order_by([*by, "rank"])


def _most_frequent(sizes: ibis.Table, apart: list[str], top: int) -> ibis.Table:
    """The `top` paths of most journeys in each group of `apart`, with their rank; ties go to the first in order."""
    order = [ibis.desc("journeys"), "path_key"]
    if not apart:  # the engine need not put all of them in order
        sizes = sizes.order_by(order).limit(top)
    best = ibis.window(group_by=apart, order_by=order)
    return sizes.mutate(rank=ibis.row_number().over(best) + 1).filter(_.rank <= top)


def paths_of(paths: Paths, repeats: Repeats, by: tuple[str, ...], who: Who) -> ibis.Table:
    """Journeys of `who` by their path: `by`, path_key, journeys, all_journeys (everybody's). Where paths are put together from
    their nodes also median_seconds, because nobody wants to do that twice, and converted, which is known without names."""
    each, wanted = ibis.window(group_by=list(by)), 1 if who == "converters" else 0
    whole = paths.whole(repeats, by)
    grouped = whole.group_by([*by, "path_key"])
    if "reaches" in whole.columns:
        kept = whole.reaches.notnull() if who == "all" else whole.reaches == wanted
        counted = grouped.aggregate(
            everybody=_.count(), journeys=how_many(kept), converted=ibis.ifelse(kept, whole.reaches, 0).sum(),
            median_seconds=ibis.ifelse(kept, whole.seconds, ibis.null("float64")).median(),
        )  # fmt: skip
        counted = counted.mutate(all_journeys=_.everybody.sum().over(each)).drop("everybody")
        return counted.filter(counted.journeys > 0)
    counted = grouped.aggregate(journeys=_.count())
    counted = counted.mutate(all_journeys=_.journeys.sum().over(each))
    if who == "all":
        return counted
    reached = reaches(paths.named(counted), paths.goal)
    return reached.filter(reached.reaches == wanted).drop("path", "steps", "reaches")


def reaches(t: ibis.Table, goal: tuple[str, ...]) -> ibis.Table:
    """Add `reaches`: 1 where the path holds a touchpoint of the goal, else 0."""
    cut = ibis.literal(PATH_SIGN) + t.path + PATH_SIGN
    held = [cut.contains(PATH_SIGN + name + PATH_SIGN) for name in goal]
    return t.mutate(reaches=ibis.ifelse(ibis.or_(*held), 1, 0) if held else ibis.literal(0))
