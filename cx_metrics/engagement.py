"""Engagement: whom do stages, touchpoints, channels, types and phases reach, how much happens there, and does it lead on?

One query and one finish answer all five, so that reach or bounce means the same in each of them.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

import ibis
import numpy as np
import pandas as pd
from ibis import _
from numpy.typing import ArrayLike

from cx_metrics import intervals, journeys
from cx_metrics.engagement_in_memory import engagement_here, reach_here
from cx_metrics.groups import beside, nullable
from cx_metrics.instants import Ints
from cx_metrics.registry import Measure, metric
from cx_metrics.tables import PHASES
from cx_metrics.texts import N_

GROUPS = ("stage", "touchpoint", "channel", "touchpoint_type", "phase")
NOT_ENGAGED_SECONDS = 10  # Google Analytics 4: a session under 10 seconds is not engaged
SCOPE = N_("customers of the view, also where journeys are cut into sessions or cases")

BounceRule = Literal["one_touchpoint", "not_engaged"]
Bounce = Annotated[
    BounceRule,
    N_(
        "which sessions bounce: one_touchpoint, those of one touchpoint; not_engaged, of these only those under "
        "10 seconds and without a goal (where no duration is known, one touchpoint takes 0 seconds)"
    ),
]

MEASURES = {
    "customers": Measure(N_("Customers"), "count", meaning=N_("customers with a touchpoint here")),
    "reach": Measure(
        N_("Reach"), "share", n="population", interval="wilson",
        meaning=N_("customers with a touchpoint here, as a share of the population"),
    ),
    "touchpoints": Measure(N_("Touchpoints"), "count", meaning=N_("contacts here")),
    "frequency": Measure(
        N_("Frequency"), "per customer", n="customers", interval="bootstrap by customer",
        meaning=N_("contacts per customer reached"),
    ),
    "depth_median": Measure(
        N_("Depth"), "count", n="customers", meaning=N_("distinct touchpoints per customer reached, median")
    ),
    "dwell_seconds_median": Measure(
        N_("Time spent"), "seconds", n="dwell_customers",
        meaning=N_("median over customers of the time in visits of two touchpoints or more, from first to last, added up"),
    ),
    "dwell_customers": Measure(N_("With known time"), "count", meaning=N_("customers with a visit of two touchpoints or more")),
    "next_stage_rate": Measure(
        N_("Next-stage rate"), "share", n="customers", interval="wilson", higher_is_better=True,
        meaning=N_("share of the customers reached who later have a touchpoint in a later stage"),
    ),
    "bounce_rate": Measure(
        N_("Bounce"), "share", n="entry_sessions", interval="wilson", higher_is_better=False,
        meaning=N_("sessions that start here and bounce (no second touchpoint), as a share of sessions that start here"),
    ),
    "population": Measure(N_("Population"), "count", meaning=N_("customers of the view")),
    "went_on": Measure(N_("Went on"), "count", meaning=N_("customers reached who later reach a later stage")),
    "entry_sessions": Measure(N_("Sessions started here"), "count", meaning=N_("sessions whose first touchpoint is here")),
    "bounced_sessions": Measure(N_("Bounced sessions"), "count", meaning=N_("of these, sessions that bounced")),
}  # fmt: skip


ALIKE = ("dwell_seconds_median", "dwell_customers", "population")  # in all rows of a group
TOLD = ("customers", "touchpoints", "frequency", "frequency_low", "frequency_high", "depth_median")
COUNTS = ("customers", "touchpoints", "dwell_customers", "population", "went_on", "entry_sessions", "bounced_sessions")


def finish_engagement(
    frame: pd.DataFrame, *, by: tuple[str, ...], stages: tuple[str, ...], confidence: float
) -> pd.DataFrame:
    """From one row per group, contacts and depth to one row per group: frequency with its bootstrap, shares with Wilson."""
    group = next(name for name in GROUPS if name in frame.columns)
    number = frame.groupby([*by, group], dropna=False, sort=False).ngroup().to_numpy()
    order = np.argsort(number, kind="stable")
    begins = np.flatnonzero(np.diff(number[order], prepend=-1))
    finished = frame.iloc[order[begins]][[*by, group, *ALIKE]].reset_index(drop=True)
    contacts, depth, times = (
        frame[column].to_numpy("int64")[order] for column in ("contacts", "depth", "with_contacts")
    )
    finished["own_rank"] = np.fmin.reduceat(frame["own_rank"].to_numpy(float)[order], begins)
    for name in ("went_on", "entry_sessions", "bounced_sessions"):
        finished[name] = np.add.reduceat(frame[name].to_numpy("int64")[order], begins)
    parts = [slice(*part) for part in zip(begins, [*begins[1:], len(order)], strict=False)]
    told = [_told(contacts[part], depth[part], times[part], confidence) for part in parts]
    finished[list(TOLD)] = pd.DataFrame(told, columns=list(TOLD), dtype=float, index=finished.index)
    finished = finished.astype(dict.fromkeys(COUNTS, "int64") | {"dwell_seconds_median": float})
    finished = intervals.add_share(finished, "reach", "customers", "population", confidence)
    finished = intervals.add_share(finished, "next_stage_rate", "went_on", "customers", confidence)
    finished = intervals.add_share(finished, "bounce_rate", "bounced_sessions", "entry_sessions", confidence)
    rank = finished["own_rank"]
    for column in ("next_stage_rate", "next_stage_rate_low", "next_stage_rate_high"):
        finished[column] = finished[column].mask(rank.isna() | (rank >= len(stages)), np.nan)
    finished["order"] = _places(finished, group, len(stages))
    finished = finished.sort_values(
        [*by, "order", "customers", group], ascending=[*[True] * len(by), True, False, True]
    )
    ends = ("", "_low", "_high")
    return finished[[
        *by, group, "customers", *(f"reach{e}" for e in ends), "touchpoints", *(f"frequency{e}" for e in ends),
        "depth_median", "dwell_seconds_median", "dwell_customers", *(f"next_stage_rate{e}" for e in ends),
        *(f"bounce_rate{e}" for e in ends), "population", "went_on", "entry_sessions", "bounced_sessions",
    ]]  # fmt: skip


def _told(contacts: Ints, depth: Ints, times: Ints, confidence: float) -> tuple[float, ...]:
    """What `TOLD` names, of one group: `times[i]` customers have so many contacts and that depth."""
    values, place = np.unique(contacts, return_inverse=True)
    counts = np.bincount(place, weights=times)
    customers, touchpoints = float(counts.sum()), float((values * counts).sum())
    frequency = float(intervals.ratio(touchpoints, customers))
    return (
        customers,
        touchpoints,
        frequency,
        *intervals.bootstrap_mean(values, counts, confidence),
        _median(depth, times),
    )


def _median(values: ArrayLike, counts: ArrayLike) -> float:
    """The median where `counts[i]` cases have `values[i]`."""
    each = np.asarray(values, dtype=float)
    order = np.argsort(each, kind="stable")
    upto = np.cumsum(np.asarray(counts, dtype="int64")[order])
    if not len(upto) or not upto[-1]:
        return float("nan")
    middle = [(upto[-1] - 1) // 2, upto[-1] // 2]
    return float(each[order][np.searchsorted(upto, middle, side="right")].mean())


def _places(finished: pd.DataFrame, group: str, stages: int) -> pd.Series:
    """Where the rows of a group stand: by stage, by phase, or all alike; groups that are not known last."""
    known = finished[group].notna()
    if group in ("stage", "touchpoint"):
        place = finished["own_rank"].astype(float).fillna(stages + 1)
    elif group == "phase":
        place = finished[group].map({name: i for i, name in enumerate(PHASES)}).astype(float).fillna(len(PHASES))
    else:
        place = pd.Series(0.0, index=finished.index)
    return place.where(known, np.inf)


@metric(
    title=N_("Engagement by stage"),
    unit=N_("customers"),
    denominator=SCOPE,
    inputs=("touchpoints",),
    source="Google Analytics 4 (engagement, bounce)",
    groups=("stage",),
    finish=finish_engagement,
    here=partial(engagement_here, group="stage"),
    measures=MEASURES,
)
def stage_engagement(
    touchpoints: ibis.Table, by: tuple[str, ...] = (), *, bounce: Bounce = "one_touchpoint"
) -> ibis.Table:
    """Whom does each stage reach, how much happens there, and does it lead on?

    One row per stage, in the order of the dataset's stages, unmapped touchpoints (stage null) last: customers, reach (of the
    customers of the view in the group), touchpoints, frequency (per customer reached), depth_median (distinct touchpoints
    per customer), dwell_seconds_median over the dwell_customers, next_stage_rate, bounce_rate, and the counts they rest on.

    A visit is a run of touchpoints of one stage with none of another stage between; a visit of one touchpoint has no known
    length and is left out. next_stage_rate is null for the last stage and for unmapped touchpoints. Customers are counted
    as such, whatever the grain of the view; sessions are those of the whole journey, cut at gaps of more than 30 minutes.

    `bounce`: "one_touchpoint" counts sessions that have no second touchpoint. "not_engaged" is the reading of Google
    Analytics 4: of these, sessions under 10 seconds whose touchpoint is no goal; a touchpoint of unknown duration takes 0.
    """
    return _engagement(touchpoints, by, "stage", bounce)


@metric(
    title=N_("Engagement by touchpoint"),
    unit=N_("customers"),
    denominator=SCOPE,
    inputs=("touchpoints",),
    source="Google Analytics 4 (engagement, bounce)",
    groups=("touchpoint",),
    finish=finish_engagement,
    here=partial(engagement_here, group="touchpoint"),
    measures=MEASURES,
)
def touchpoint_engagement(
    touchpoints: ibis.Table, by: tuple[str, ...] = (), *, bounce: Bounce = "one_touchpoint"
) -> ibis.Table:
    """Whom does each touchpoint reach, how often, and does it lead on?

    One row per touchpoint, in the order of its stage and then by customers, with the columns of `stage_engagement`. A visit
    is a run of the same touchpoint; next_stage_rate counts customers who later reach a stage after the touchpoint's own.
    A touchpoint that stands in several stages counts under the earliest.
    """
    return _engagement(touchpoints, by, "touchpoint", bounce)


@metric(
    title=N_("Engagement by channel"),
    unit=N_("customers"),
    denominator=SCOPE,
    inputs=("touchpoints",),
    source="Google Analytics 4 (engagement, bounce)",
    groups=("channel",),
    finish=finish_engagement,
    here=partial(engagement_here, group="channel"),
    measures=MEASURES,
)
def channel_engagement(
    touchpoints: ibis.Table, by: tuple[str, ...] = (), *, bounce: Bounce = "one_touchpoint"
) -> ibis.Table:
    """Whom does each channel reach, how often, and does it lead on?

    One row per channel, by customers, touchpoints without one (channel null) last, with the columns of `stage_engagement`. A
    visit is a run of touchpoints on one channel; next_stage_rate counts customers who, after a contact here, reach a stage
    beyond that of the contact, on any channel. It is null for a channel that has no contact before the last stage.
    """
    return _engagement(touchpoints, by, "channel", bounce)


@metric(
    title=N_("Engagement by type"),
    unit=N_("customers"),
    denominator=SCOPE,
    inputs=("touchpoints",),
    source="Google Analytics 4 (engagement, bounce)",
    groups=("touchpoint_type",),
    finish=finish_engagement,
    here=partial(engagement_here, group="touchpoint_type"),
    measures=MEASURES,
)
def type_engagement(
    touchpoints: ibis.Table, by: tuple[str, ...] = (), *, bounce: Bounce = "one_touchpoint"
) -> ibis.Table:
    """Whom do physical, digital and human touchpoints reach, how often, and do they lead on?

    One row per type, by customers, touchpoints without one (null) last, with the columns and rules of `channel_engagement`.
    """
    return _engagement(touchpoints, by, "touchpoint_type", bounce)


@metric(
    title=N_("Engagement by phase"),
    unit=N_("customers"),
    denominator=SCOPE,
    inputs=("touchpoints",),
    source="Google Analytics 4 (engagement, bounce)",
    groups=("phase",),
    finish=finish_engagement,
    here=partial(engagement_here, group="phase"),
    measures=MEASURES,
)
def phase_engagement(
    touchpoints: ibis.Table, by: tuple[str, ...] = (), *, bounce: Bounce = "one_touchpoint"
) -> ibis.Table:
    """Whom do the phases before, during and after reach, how often, and do they lead on?

    One row per phase, in their order, touchpoints without one (null) last, with the columns and rules of
    `channel_engagement`.
    """
    return _engagement(touchpoints, by, "phase", bounce)


EVERYWHERE = ("touchpoint", "stage", "channel")  # the kinds of places that `reach` counts side by side


def finish_reach(
    frame: pd.DataFrame, *, by: tuple[str, ...], stages: tuple[str, ...], confidence: float
) -> pd.DataFrame:
    """Shares with Wilson intervals; from the last stage, and from what has none, nobody can go on."""
    counts = ["customers", "population", "went_on", "entry_sessions", "bounced_sessions"]
    frame = frame.assign(**{c: frame[c].fillna(0).astype("int64") for c in counts})
    frame = intervals.add_share(frame, "reach", "customers", "population", confidence)
    frame = intervals.add_share(frame, "next_stage_rate", "went_on", "customers", confidence)
    frame = intervals.add_share(frame, "bounce_rate", "bounced_sessions", "entry_sessions", confidence)
    last = frame["own_rank"].isna() | (frame["own_rank"] >= len(stages))
    ends = ("", "_low", "_high")
    frame = frame.assign(**{f"next_stage_rate{e}": frame[f"next_stage_rate{e}"].mask(last) for e in ends})
    frame = frame.assign(place=frame["kind"].map({kind: place for place, kind in enumerate(EVERYWHERE)}))
    frame = frame.sort_values([*by, "place", "customers", "name"], ascending=[*[True] * len(by), True, False, True])
    return frame[[
        *by, "kind", "name", "customers", *(f"reach{e}" for e in ends), *(f"next_stage_rate{e}" for e in ends),
        *(f"bounce_rate{e}" for e in ends), "population", "went_on", "entry_sessions", "bounced_sessions",
    ]]  # fmt: skip


@metric(
    title=N_("Reach and continuation"),
    unit=N_("customers"),
    denominator=SCOPE,
    inputs=("touchpoints",),
    source="Google Analytics 4 (engagement, bounce)",
    groups=("kind", "name"),
    finish=finish_reach,
    here=partial(reach_here, kinds=EVERYWHERE),
    measures={name: MEASURES[name] for name in (
        "customers", "reach", "next_stage_rate", "bounce_rate", "population", "went_on", "entry_sessions", "bounced_sessions",
    )},
)  # fmt: skip
def reach(touchpoints: ibis.Table, by: tuple[str, ...] = ()) -> ibis.Table:
    """Whom does every touchpoint, stage and channel reach, and does it lead on?

    One row per touchpoint, then per stage, then per channel (kind says which, name is null where it is not known), those of
    most customers first: customers, reach, next_stage_rate and bounce_rate as in `touchpoint_engagement`, `stage_engagement`
    and `channel_engagement`, and the counts they rest on. All of them from one walk over the touchpoints.
    """
    t = _contacts(touchpoints, (*by, "stage", "channel"), "touchpoint", "one_touchpoint")
    who = list(dict.fromkeys([*by, "customer_number", *EVERYWHERE]))
    each = t.group_by(who).aggregate(
        goes_on=_.goes_on.max(), entries=_.opens.sum(), bounces=_.bounces.sum(), own=_.stage_rank.min()
    )
    scope = each.aggregate(by=list(by), population=_.customer_number.nunique())
    parts = []
    for kind in EVERYWHERE:
        named = each.mutate(kind=ibis.literal(kind), name=each[kind].nullif(""))
        keys = [*by, "kind", "name"]
        people = named.group_by([*keys, "customer_number"]).aggregate(
            goes_on=_.goes_on.max(), entries=_.entries.sum(), bounces=_.bounces.sum(), own=_.own.min()
        )
        parts.append(nullable(people.group_by(keys).aggregate(
            customers=_.count(), went_on=_.goes_on.sum(), entry_sessions=_.entries.sum(), bounced_sessions=_.bounces.sum(),
            own_rank=_.own.min(),
        )))  # fmt: skip
    counted = parts[0]
    for part in parts[1:]:
        counted = counted.union(part.select(*counted.columns))
    joined = beside(counted, scope, list(by)) if by else counted.cross_join(scope)
    return joined.order_by([*by, "kind", "name"])


def _engagement(touchpoints: ibis.Table, by: tuple[str, ...], group: str, bounce: BounceRule) -> ibis.Table:
    """One row per group, number of contacts and depth: customers with both, and what else is counted of them. The columns
    `population`, `dwell_seconds_median` and `dwell_customers` repeat within the group."""
    keys = [*by, group]
    t = _contacts(touchpoints, by, group, bounce)
    who = list(dict.fromkeys([*keys, "customer_number", "touchpoint"]))
    each = t.group_by(who).aggregate(
        contacts=_.count(), goes_on=_.goes_on.max(), entries=_.opens.sum(), bounces=_.bounces.sum(),
        microseconds=_.microseconds.sum(), rank=_.stage_rank.min(),
    )  # fmt: skip
    if group == "touchpoint":
        each = each.mutate(depth=ibis.literal(1, type="int64"))
    else:  # counting rows of rows is faster than counting distinct names
        each = each.group_by([*keys, "customer_number"]).aggregate(
            contacts=_.contacts.sum(), depth=_.count(), goes_on=_.goes_on.max(), entries=_.entries.sum(),
            bounces=_.bounces.sum(), microseconds=_.microseconds.sum(), rank=_["rank"].min(),
        )  # fmt: skip
    counted = each.group_by([*keys, "contacts", "depth"]).aggregate(
        with_contacts=_.count(), went_on=_.goes_on.sum(), entry_sessions=_.entries.sum(),
        bounced_sessions=_.bounces.sum(), own_rank=_["rank"].min(),
    )  # fmt: skip
    timed = each.filter(_.microseconds.notnull()).mutate(seconds=_.microseconds.cast("float64") / 1e6)
    dwell = timed.group_by(keys).aggregate(dwell_seconds_median=_.seconds.median(), dwell_customers=_.count())
    scope = each.aggregate(by=list(by), population=_.customer_number.nunique())
    joined = beside(counted, dwell, keys)
    joined = beside(joined, scope, list(by)) if by else joined.cross_join(scope)
    return joined.mutate(dwell_customers=_.dwell_customers.fill_null(0)).order_by([*keys, "contacts", "depth"])


def _contacts(touchpoints: ibis.Table, by: tuple[str, ...], group: str, bounce: BounceRule) -> ibis.Table:
    """Every touchpoint with what its neighbours decide: `goes_on` (a later stage follows), `opens` (a session starts),
    `bounces` (and ends at once), `microseconds` since the one before, if that is of the same group and so of the same visit.
    """
    journey, ahead = journeys.within("customer_number"), journeys.within("customer_number", following=(1, None))
    columns = ["customer_number", *journeys.ORDER, "occurred_microseconds", "touchpoint", "stage_rank", "session_number", *by,
               group]  # fmt: skip
    columns += ["is_goal", "duration_seconds"] if bounce == "not_engaged" else []
    t = touchpoints.select(*dict.fromkeys(columns))
    t = t.mutate(
        nth=ibis.row_number().over(journey),
        group_before=t[group].lag().over(journey).nullif(""),
        microseconds_before=t.occurred_microseconds.lag().over(journey),
        session_before=t.session_number.lag().over(journey),
        session_after=t.session_number.lead().over(journey),
        later_rank=t.stage_rank.max().over(ahead),
    )
    same_visit = (t.nth > 0) & (t.group_before.fill_null("") == t[group].fill_null(""))  # not known is a group too
    opens = ((t.nth == 0) | (t.session_before != t.session_number)) & t.occurred_microseconds.notnull()
    bounces = opens & (t.session_after.fill_null(0) != t.session_number)  # sessions count from 1
    if bounce == "not_engaged":
        bounces = bounces & (t.is_goal == 0) & (t.duration_seconds.fill_null(0) < NOT_ENGAGED_SECONDS)
    return t.mutate(
        goes_on=ibis.ifelse((t.later_rank > t.stage_rank).fill_null(False), 1, 0),
        opens=ibis.ifelse(opens, 1, 0),
        bounces=ibis.ifelse(bounces, 1, 0),
        microseconds=ibis.ifelse(same_visit, t.occurred_microseconds - t.microseconds_before, ibis.null("int64")),
    )
