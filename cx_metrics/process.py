"""Process: what is done more than once, where journeys begin and end, how long they last, and how soon they go on."""

from __future__ import annotations

from typing import Annotated

import ibis
import numpy as np
import pandas as pd
from ibis import _

from cx_metrics import intervals
from cx_metrics.options import Touchpoints
from cx_metrics.registry import Measure, metric
from cx_metrics.routes import Paths
from cx_metrics.texts import N_


def finish_rework(frame: pd.DataFrame, *, by: tuple[str, ...], confidence: float) -> pd.DataFrame:
    """Add the share of journeys that came back, with its interval."""
    frame = intervals.add_share(frame, "rework_rate", "reworked", "journeys", confidence)
    rates = ["rework_rate", "rework_rate_low", "rework_rate_high"]
    return frame[[*by, "touchpoint", "journeys", "reworked", *rates, "occurrences", "begins", "ends", "all_journeys"]]


@metric(
    title=N_("Rework"),
    unit=N_("share of journeys"),
    denominator=N_("journeys with the touchpoint"),
    inputs=("paths",),
    source="van der Aalst (2016), Process Mining, ch. 2 (start and end activities), ch. 9 (repeated activities of a case)",
    groups=("touchpoint",),
    finish=finish_rework,
    measures={
        "journeys": Measure(N_("Journeys"), "count", meaning=N_("journeys with this touchpoint")),
        "reworked": Measure(
            N_("Reworked"), "count", higher_is_better=False, meaning=N_("journeys that have it more than once")
        ),
        "rework_rate": Measure(
            N_("Rework rate"), "share", n="journeys", interval="wilson", higher_is_better=False,
            meaning=N_("share of journeys with this touchpoint that have it more than once"),
        ),
        "occurrences": Measure(N_("Occurrences"), "count", meaning=N_("how often it stands in all journeys together")),
        "begins": Measure(N_("Begin here"), "count", meaning=N_("journeys whose first touchpoint it is")),
        "ends": Measure(N_("End here"), "count", meaning=N_("journeys whose last touchpoint it is")),
        "all_journeys": Measure(N_("All journeys"), "count", meaning=N_("journeys of the view")),
    },
)  # fmt: skip
def rework(paths: Paths, by: tuple[str, ...] = ()) -> ibis.Table:
    """Which touchpoints do journeys come back to?

    One row per touchpoint, that of most journeys first: journeys with it, reworked (those that have it more than once, directly
    after itself or later), rework_rate, occurrences, begins and ends (journeys whose first or last touchpoint it is; each adds
    up to all_journeys), all_journeys. Grouped by what changes within a journey (a week), all_journeys are those that begin in
    the group.
    """
    whole = paths.visits(by).mutate(all_journeys=_.begins.sum().over(ibis.window(group_by=list(by))))
    return whole.order_by([*by, ibis.desc("journeys"), "touchpoint"])


def finish_duration(frame: pd.DataFrame, *, by: tuple[str, ...], confidence: float) -> pd.DataFrame:
    """Add the interval of the mean; the median's comes with the rows."""
    n = frame["timed_journeys"].to_numpy(dtype=float)
    spread = np.sqrt(intervals.ratio(frame["squares"].fillna(0), n - 1))
    low, high = intervals.mean_t(frame["mean_seconds"], spread, n, confidence)
    frame = frame.assign(mean_seconds_low=np.maximum(low, 0), mean_seconds_high=high)  # no journey lasts less than 0
    times = [f"{name}_seconds{end}" for name in ("mean", "median") for end in ("", "_low", "_high")]
    return frame[[*by, "journeys", *times, "touchpoints_mean", "timed_journeys"]]


@metric(
    title=N_("Journey duration"),
    unit=N_("seconds"),
    denominator=N_("journeys of the view with known times"),
    inputs=("paths",),
    source="van der Aalst (2016), Process Mining, ch. 9 (flow time); Conover (1999), Practical Nonparametric Statistics, 3.2",
    finish=finish_duration,
    measures={
        "journeys": Measure(N_("Journeys"), "count", meaning=N_("journeys of the view")),
        "mean_seconds": Measure(
            N_("Mean duration"), "seconds", n="timed_journeys", interval="t",
            meaning=N_("mean time from the first to the last touchpoint of a journey"),
        ),
        "median_seconds": Measure(
            N_("Median duration"), "seconds", n="timed_journeys", interval="order statistics",
            meaning=N_("median time from the first to the last touchpoint of a journey"),
        ),
        "touchpoints_mean": Measure(
            N_("Touchpoints a journey"), "count", n="journeys", meaning=N_("mean number of touchpoints of a journey")
        ),
        "timed_journeys": Measure(N_("Timed journeys"), "count", meaning=N_("journeys of which a time is known")),
    },
)  # fmt: skip
def journey_duration(paths: Paths, by: tuple[str, ...] = (), confidence: float = 0.95) -> ibis.Table:
    """How long do journeys last?

    One row per group of `by`: journeys, mean_seconds and median_seconds from the first to the last touchpoint, touchpoints_mean,
    timed_journeys (with a known time). A journey with one touchpoint lasts 0. The interval of the mean is Student's t; that of
    the median is free of any distribution (order statistics, normal approximation): fewer than six journeys have none at 95 %.
    """
    group = ibis.window(group_by=list(by))
    each = paths.lasting(by).mutate(is_untimed=ibis.ifelse(_.seconds.isnull(), 1, 0))
    ordered = ibis.window(group_by=list(by), order_by=["is_untimed", "seconds"])
    each = each.mutate(
        rank=ibis.row_number().over(ordered) + 1,
        timed=each.seconds.count().over(group),
        middle=each.seconds.mean().over(group),
    )
    n = each.timed.cast("float64")
    low = ((n + 1) / 2 - intervals.z_of(confidence) * n.sqrt() / 2).floor()  # 0: the interval has no such end
    rank = each["rank"].cast("float64")
    unknown = ibis.null("float64")
    each = each.mutate(
        square=(each.seconds - each.middle) * (each.seconds - each.middle),
        at_low=ibis.ifelse(rank == low, each.seconds, unknown),
        at_high=ibis.ifelse((rank == n + 1 - low) & (low >= 1), each.seconds, unknown),
    )
    counts = {
        "journeys": _.count(), "timed_journeys": _.seconds.count(), "touchpoints_mean": _.touchpoints.mean(),
        "mean_seconds": _.seconds.mean(), "median_seconds": _.seconds.median(), "squares": _.square.sum(),
        "median_seconds_low": _.at_low.min(), "median_seconds_high": _.at_high.max(),
    }  # fmt: skip
    found = each.aggregate(by=list(by), **counts)
    return found.order_by(list(by)) if by else found


@metric(
    title=N_("Time to the next touchpoint"),
    unit=N_("seconds, median"),
    denominator=N_("journeys in which another touchpoint follows, with known times"),
    inputs=("paths",),
    source="Conover (1999), Practical Nonparametric Statistics, 3.2 (interval of a quantile by order statistics)",
    groups=("touchpoint",),
    needs_time=True,
    measures={
        "journeys": Measure(N_("Journeys"), "count", meaning=N_("journeys with this touchpoint")),
        "went_on": Measure(N_("Went on"), "count", meaning=N_("of these, journeys in which another touchpoint follows")),
        "timed": Measure(N_("With known time"), "count", meaning=N_("of these, journeys of which the time is known")),
        "median_seconds": Measure(
            N_("Median time"), "seconds", n="timed", interval="order statistics",
            meaning=N_("median time from the first contact with the touchpoint to the next touchpoint of the journey"),
        ),
    },
)  # fmt: skip
def time_to_next(
    paths: Paths,
    by: tuple[str, ...] = (),
    confidence: float = 0.95,
    *,
    touchpoint: Annotated[tuple[str, ...], Touchpoints(N_("which touchpoints; all, or names"), optional=True)] = (),
) -> ibis.Table:
    """How long after a touchpoint does the next one follow?

    One row per touchpoint, that of most journeys first: journeys with it, went_on (those in which another touchpoint comes after
    their first contact with it), timed (with a known time), median_seconds to that next one, with the interval of a median that
    is free of any distribution (order statistics, normal approximation): fewer than six journeys have none at 95 %. One contact a
    journey counts, so that each rests on another customer; equal neighbours are one contact that carries the time of the last.
    """
    keys = [*by, "touchpoint"]
    path = paths.nodes("merge", by)
    path = path.filter(_.touchpoint.isin(touchpoint)) if touchpoint else path
    path = path.select(*keys, "journey_id", "position", "next_touchpoint", "seconds_to_next")
    firsts = ibis.window(group_by=[*keys, "journey_id"], order_by="position")
    each = path.mutate(nth=ibis.row_number().over(firsts)).filter(_.nth == 0)
    each = each.mutate(
        goes_on=ibis.ifelse(_.next_touchpoint.notnull(), 1, 0), is_untimed=ibis.ifelse(_.seconds_to_next.isnull(), 1, 0)
    )
    ordered = ibis.window(group_by=keys, order_by=["is_untimed", "seconds_to_next"])
    each = each.mutate(
        rank=ibis.row_number().over(ordered) + 1, known=_.seconds_to_next.count().over(ibis.window(group_by=keys))
    )
    n, rank, unknown = each.known.cast("float64"), each["rank"].cast("float64"), ibis.null("float64")
    low = ((n + 1) / 2 - intervals.z_of(confidence) * n.sqrt() / 2).floor()  # 0: the interval has no such end
    each = each.mutate(
        at_low=ibis.ifelse(rank == low, each.seconds_to_next, unknown),
        at_high=ibis.ifelse((rank == n + 1 - low) & (low >= 1), each.seconds_to_next, unknown),
    )
    found = each.group_by(keys).aggregate(
        journeys=_.count(), went_on=_.goes_on.sum(), timed=_.seconds_to_next.count(), median_seconds=_.seconds_to_next.median(),
        median_seconds_low=_.at_low.min(), median_seconds_high=_.at_high.max(),
    )  # fmt: skip
    return found.order_by([*by, ibis.desc("journeys"), "touchpoint"])
