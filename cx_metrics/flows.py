"""Flows: how do people really move from touchpoint to touchpoint?

All of this family reads the same steps (`journeys.steps`): flow links for the Sankey, the directly-follows table, whole paths.
"""

from __future__ import annotations

from typing import Annotated

import ibis
import pandas as pd
from ibis import _

from cx_metrics import intervals, journeys
from cx_metrics.journeys import Repeats
from cx_metrics.options import Count
from cx_metrics.registry import Measure, metric
from cx_metrics.texts import N_

OTHER = "(other)"  # the touchpoints of a step beyond the largest ones, folded into one
PATH_SIGN = "\x1f"  # unit separator: stands in no name, so a path can be cut again exactly
PAD = 1_000_000  # steps are padded to one width so that they sort as text

JOURNEYS = Measure(N_("Journeys"), "count", meaning=N_("journeys that make this move"))
MEAN_SECONDS = Measure(N_("Mean time"), "seconds", n="journeys", meaning=N_("mean time of the move"))
MEDIAN_SECONDS = Measure(N_("Median time"), "seconds", n="journeys", meaning=N_("median time of the move"))

MaxSteps = Annotated[int, Count(N_("how many steps to show, from the start of the journey"), 2, 10)]
Top = Annotated[int, Count(N_("how many touchpoints to show at each step; the rest becomes one group"), 1, 200)]
RepeatsOption = Annotated[Repeats, N_("whether the same touchpoint twice in a row is one step (merge) or two (keep)")]


@metric(
    title=N_("Journey flow"),
    unit=N_("journeys"),
    denominator=N_("journeys of the view"),
    inputs=("touchpoints",),
    source="PostHog user paths",
    groups=("step", "source", "target", "kind"),
    measures={"journeys": JOURNEYS, "mean_seconds": MEAN_SECONDS, "median_seconds": MEDIAN_SECONDS},
)
def flow_links(
    touchpoints: ibis.Table,
    by: tuple[str, ...] = (),
    *,
    steps: MaxSteps = 5,
    top: Top = 10,
    repeats: RepeatsOption = "merge",
) -> ibis.Table:
    """How do people move, step by step, and where do they stop?

    One row per step, source, target and kind: `move` to the touchpoint at the next step, `drop_off` (the journey ends
    there, target null), `continues_beyond` (it goes on after the last step shown, target null), with journeys, and mean and
    median seconds of the move. At every node what flows in is what flows out + drop_off + continues_beyond, exactly.

    At each step the `top` touchpoints with most journeys (over all groups of `by`; ties by name) keep their names, the rest
    is `(other)`; the totals of a step do not change. With `repeats="merge"` equal neighbours are one step that carries the
    time of the last of the run. A journey with one touchpoint is a drop_off at step 1.
    """
    path = journeys.steps(touchpoints, repeats, by).filter(_.position <= steps)
    sizes = path.group_by(["position", "touchpoint"]).aggregate(size=_.count())
    largest = ibis.window(group_by="position", order_by=[ibis.desc("size"), "touchpoint"])
    kept = sizes.mutate(rank=ibis.row_number().over(largest)).filter(_.rank < top).select("position", "touchpoint")
    here = kept.mutate(is_kept=1)
    following = kept.select(next_position=_.position - 1, next_name=_.touchpoint, next_kept=1)
    path = path.left_join(here, ["position", "touchpoint"]).drop("position_right", "touchpoint_right")
    path = path.left_join(
        following, (path.position == following.next_position) & (path.next_touchpoint == following.next_name)
    )
    ends = path.next_touchpoint.isnull()
    beyond = path.position == steps
    named = path.mutate(
        step=path.position,
        source=ibis.ifelse(path.is_kept == 1, path.touchpoint, OTHER).fill_null(OTHER),
        target=ibis.ifelse(
            ends | beyond, ibis.null("string"), ibis.ifelse(path.next_kept.isnull(), OTHER, path.next_touchpoint)
        ),
        kind=ibis.ifelse(ends, "drop_off", ibis.ifelse(beyond, "continues_beyond", "move")),
    )
    return (
        named.group_by([*by, "step", "source", "target", "kind"])
        .aggregate(journeys=_.count(), mean_seconds=_.seconds_to_next.mean(), median_seconds=_.seconds_to_next.median())
        .order_by([*by, "step", ibis.desc("journeys"), "source", "target", "kind"])
    )


@metric(
    title=N_("Transitions"),
    unit=N_("transitions"),
    denominator=N_("journeys of the view"),
    inputs=("touchpoints",),
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
def transitions(touchpoints: ibis.Table, by: tuple[str, ...] = (), *, repeats: RepeatsOption = "keep") -> ibis.Table:
    """Which touchpoint follows which directly, how often, and after how long?

    One row per pair that occurs: touchpoint, next_touchpoint, transitions (over all journeys), journeys (in which the pair
    occurs), mean and median seconds from the first to the second. A touchpoint that follows itself is a pair too, unless
    `repeats="merge"`.
    """
    path = journeys.steps(touchpoints, repeats, by).filter(_.next_touchpoint.notnull())
    return (
        path.group_by([*by, "touchpoint", "next_touchpoint"])
        .aggregate(
            transitions=_.count(),
            journeys=_.journey_id.nunique(),
            mean_seconds=_.seconds_to_next.mean(),
            median_seconds=_.seconds_to_next.median(),
        )
        .order_by([*by, ibis.desc("transitions"), "touchpoint", "next_touchpoint"])
    )


def finish_variants(frame: pd.DataFrame, *, by: tuple[str, ...], confidence: float) -> pd.DataFrame:
    """Cut the paths into names; add the share of all journeys and the conversion rate with their intervals."""
    paths = [tuple(step[7:] for step in path.split(PATH_SIGN)) for path in frame["path"]]
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
    inputs=("touchpoints",),
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
    touchpoints: ibis.Table, by: tuple[str, ...] = (), *, top: Top = 20, repeats: RepeatsOption = "keep"
) -> ibis.Table:
    """Which whole paths are the most frequent, and do they reach the goal?

    One row per path (the exact sequence of touchpoints), the `top` most frequent in each group of `by`: rank, path (a list
    of names), steps, journeys, share of all journeys, converted (journeys with a goal touchpoint; 0 where no goal is set),
    conversion_rate, median_seconds from first to last touchpoint (a journey with one touchpoint lasts 0), all_journeys.
    Ties in rank go to the path that comes first by name.
    """
    each = ibis.window(group_by=[*by, "journey_id"])
    begun = touchpoints.mutate(begun_microseconds=touchpoints.occurred_microseconds.min().over(each))
    path = journeys.steps(begun, repeats, (*by, "begun_microseconds"))  # a merged run carries the time of its last
    padded = (path.position + PAD).cast("string") + path.touchpoint
    whole = (
        path.mutate(named=padded)
        .group_by([*by, "journey_id"])
        .aggregate(
            names=_.named.collect(),
            steps=_.count(),
            reached=_.is_goal.max(),
            seconds=(_.occurred_microseconds.max() - _.begun_microseconds.min()).cast("float64") / 1e6,
        )
    )
    counted = (
        whole.mutate(path=whole.names.sort().join(PATH_SIGN))
        .group_by([*by, "path", "steps"])
        .aggregate(journeys=_.count(), converted=_.reached.sum(), median_seconds=_.seconds.median())
    )
    ranked = counted.mutate(
        rank=ibis.row_number().over(ibis.window(group_by=list(by), order_by=[ibis.desc("journeys"), "path"])) + 1,
        all_journeys=counted.journeys.sum().over(ibis.window(group_by=list(by))),
    )
    return (
        ranked.filter(_.rank <= top)
        .select(*by, "rank", "path", "steps", "journeys", "converted", "median_seconds", "all_journeys")
        .order_by([*by, "rank"])
    )
