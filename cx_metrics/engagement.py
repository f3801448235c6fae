"""Engagement: whom do stages and touchpoints reach, how much happens there, and does it lead on?"""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
from ibis import _

from cx_metrics import intervals
from cx_metrics.registry import Measure, metric
from cx_metrics.texts import N_

MEASURES = {
    "customers": Measure(N_("Customers"), "count", meaning=N_("customers with a touchpoint here")),
    "reach": Measure(
        N_("Reach"), "share", n="population", interval="wilson", higher_is_better=True,
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
        meaning=N_("sessions that start here and have no second touchpoint, as a share of sessions that start here"),
    ),
    "population": Measure(N_("Population"), "count", meaning=N_("customers of the view")),
    "went_on": Measure(N_("Went on"), "count", meaning=N_("customers reached who later reach a later stage")),
    "entry_sessions": Measure(N_("Sessions started here"), "count", meaning=N_("sessions whose first touchpoint is here")),
    "bounced_sessions": Measure(
        N_("Sessions of one touchpoint"), "count", meaning=N_("of these, sessions with no second touchpoint")
    ),
}  # fmt: skip


def finish_engagement(
    frame: pd.DataFrame, *, by: tuple[str, ...], stages: tuple[str, ...], confidence: float
) -> pd.DataFrame:
    """From one row per group and number of contacts to one row per group: frequency with its bootstrap, shares with Wilson."""
    group = "stage" if "stage_rank" not in frame.columns else "touchpoint"
    rows = []
    for key, part in frame.groupby([*by, group], dropna=False, sort=False):
        first = {str(name): part[name].iloc[0] for name in part.columns}
        row = first | dict(zip([*by, group], key, strict=True))
        row["frequency"] = float(intervals.ratio(first["touchpoints"], first["customers"]))
        low, high = intervals.bootstrap_mean(part["contacts"], part["with_contacts"], confidence)
        rows.append(row | {"frequency_low": low, "frequency_high": high})
    finished = pd.DataFrame(
        rows, columns=None if rows else [*frame.columns, "frequency", "frequency_low", "frequency_high"]
    )
    counts = (
        "customers",
        "touchpoints",
        "dwell_customers",
        "population",
        "went_on",
        "entry_sessions",
        "bounced_sessions",
    )
    finished = finished.astype({c: "int64" for c in counts})
    finished = intervals.add_share(finished, "reach", "customers", "population", confidence)
    finished = intervals.add_share(finished, "next_stage_rate", "went_on", "customers", confidence)
    finished = intervals.add_share(finished, "bounce_rate", "bounced_sessions", "entry_sessions", confidence)
    rank = finished["own_rank"]
    for column in ("next_stage_rate", "next_stage_rate_low", "next_stage_rate_high"):
        finished[column] = finished[column].mask(rank.isna() | (rank >= len(stages)), np.nan)
    finished["order"] = rank.fillna(len(stages) + 1).mask(finished[group].isna(), len(stages) + 2)
    finished = finished.sort_values(
        [*by, "order", "customers", group], ascending=[*[True] * len(by), True, False, True]
    )
    ends = ("", "_low", "_high")
    return finished[[
        *by, group, "customers", *(f"reach{e}" for e in ends), "touchpoints", *(f"frequency{e}" for e in ends),
        "depth_median", "dwell_seconds_median", "dwell_customers", *(f"next_stage_rate{e}" for e in ends),
        *(f"bounce_rate{e}" for e in ends), "population", "went_on", "entry_sessions", "bounced_sessions",
    ]]  # fmt: skip


@metric(
    title=N_("Engagement by stage"),
    unit=N_("customers"),
    denominator=N_("customers of the view"),
    inputs=("touchpoints",),
    source="Google Analytics 4 (engagement, bounce)",
    groups=("stage",),
    finish=finish_engagement,
    measures=MEASURES,
)
def stage_engagement(touchpoints: ibis.Table, by: tuple[str, ...] = ()) -> ibis.Table:
    """Whom does each stage reach, how much happens there, and does it lead on?

    One row per stage, in the order of the dataset's stages, unmapped touchpoints (stage null) last: customers, reach (of the
    customers of the view in the group), touchpoints, frequency (per customer reached), depth_median (distinct touchpoints
    per customer), dwell_seconds_median over the dwell_customers, next_stage_rate, bounce_rate, and the counts they rest on.

    A visit is a run of touchpoints of one stage with none of another stage between; a visit of one touchpoint has no known
    length and is left out. next_stage_rate is null for the last stage and for unmapped touchpoints.
    """
    return _engagement(touchpoints, by, "stage")


@metric(
    title=N_("Engagement by touchpoint"),
    unit=N_("customers"),
    denominator=N_("customers of the view"),
    inputs=("touchpoints",),
    source="Google Analytics 4 (engagement, bounce)",
    groups=("touchpoint",),
    finish=finish_engagement,
    measures=MEASURES,
)
def touchpoint_engagement(touchpoints: ibis.Table, by: tuple[str, ...] = ()) -> ibis.Table:
    """Whom does each touchpoint reach, how often, and does it lead on?

    One row per touchpoint, in the order of its stage and then by customers, with the columns of `stage_engagement`. A visit
    is a run of the same touchpoint; next_stage_rate counts customers who later reach a stage after the touchpoint's own.
    A touchpoint that stands in several stages counts under the earliest.
    """
    return _engagement(touchpoints, by, "touchpoint").mutate(stage_rank=ibis.null("int64"))


def _engagement(touchpoints: ibis.Table, by: tuple[str, ...], group: str) -> ibis.Table:
    """One row per group and number of contacts; everything but `contacts`, `with_contacts` repeats within the group."""
    keys = [*by, group]
    journey = ibis.window(group_by="customer_id", order_by=["occurred_at", "sequence"])
    ahead = ibis.window(group_by="customer_id", order_by=["occurred_at", "sequence"], following=(1, None))
    so_far = ibis.window(group_by="customer_id", order_by=["occurred_at", "sequence"], preceding=None, following=0)
    session = ibis.window(group_by=["customer_id", "session_number"], order_by=["occurred_at", "sequence"])
    whole_session = ibis.window(group_by=["customer_id", "session_number"])
    columns = ["customer_id", "occurred_at", "sequence", "touchpoint", "stage_rank", "session_number",
               "occurred_microseconds", *keys]  # fmt: skip
    t = touchpoints.select(*dict.fromkeys(columns))
    here = t[group].fill_null("")
    t = t.mutate(here=here, later_rank=t.stage_rank.max().over(ahead))
    t = t.mutate(
        moved=ibis.ifelse(t.here.lag().over(journey) == t.here, 0, 1),
        goes_on=ibis.ifelse((t.later_rank > t.stage_rank).fill_null(False), 1, 0),
        opens=ibis.ifelse((ibis.row_number().over(session) == 0) & t.occurred_microseconds.notnull(), 1, 0),
        alone=ibis.ifelse(t.count().over(whole_session) == 1, 1, 0),
    )
    t = t.mutate(visit=t.moved.sum().over(so_far))
    visits = (
        t.group_by([*keys, "customer_id", "visit"])
        .aggregate(n=_.count(), length=_.occurred_microseconds.max() - _.occurred_microseconds.min())
        .filter((_.n > 1) & _.length.notnull())
        .group_by([*keys, "customer_id"])
        .aggregate(dwell=_.length.sum().cast("float64") / 1e6)
    )
    dwell = visits.group_by(keys).aggregate(dwell_seconds_median=_.dwell.median(), dwell_customers=_.count())
    each = t.group_by([*keys, "customer_id"]).aggregate(
        contacts=_.count(), depth=_.touchpoint.nunique(), goes_on=_.goes_on.max(),
        entries=_.opens.sum(), bounces=(_.opens * _.alone).sum(), rank=_.stage_rank.min(),
    )  # fmt: skip
    groups = each.group_by(keys).aggregate(
        customers=_.count(), touchpoints=_.contacts.sum(), depth_median=_.depth.median(), went_on=_.goes_on.sum(),
        entry_sessions=_.entries.sum(), bounced_sessions=_.bounces.sum(), own_rank=_.rank.min(),
    )  # fmt: skip
    histogram = each.group_by([*keys, "contacts"]).aggregate(with_contacts=_.count())
    scope = t.aggregate(by=list(by), population=_.customer_id.nunique())
    joined = _join(_join(histogram, groups, keys), dwell, keys)
    joined = _join(joined, scope, list(by)) if by else joined.cross_join(scope)
    return joined.mutate(dwell_customers=_.dwell_customers.fill_null(0)).order_by([*keys, "contacts"])


def _join(left: ibis.Table, right: ibis.Table, keys: list[str]) -> ibis.Table:
    """Left join on columns that may be null: an unmapped group finds itself."""
    renamed = right.rename({f"{k}_of_right": k for k in keys})
    same = [left[k].identical_to(renamed[f"{k}_of_right"]) for k in keys]
    return left.left_join(renamed, same).drop(*(f"{k}_of_right" for k in keys))
