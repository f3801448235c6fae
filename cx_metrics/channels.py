"""Channels: which of them bring people to the goal, and what do they cost?"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import ibis
import numpy as np
import pandas as pd
from ibis import _

from cx_metrics import intervals
from cx_metrics.groups import beside
from cx_metrics.options import Duration
from cx_metrics.registry import Measure, metric
from cx_metrics.texts import N_

NONE = "(none)"  # conversions without a touchpoint before them, kept so that credits sum to the conversions
ORDER = ["occurred_at", "sequence"]

Lookback = Annotated[timedelta | None, Duration(N_("how far before a conversion credit reaches"), unlimited=True)]


def finish_channels(frame: pd.DataFrame, *, by: tuple[str, ...], confidence: float) -> pd.DataFrame:
    """Shares with Wilson intervals; return on the money spent. A cost of 0 gives no return, no conversions no price."""
    counts = [
        "customers",
        "touchpoints",
        "converted",
        "first_touch_conversions",
        "last_touch_conversions",
        "population",
    ]
    frame = frame.assign(**{c: frame[c].fillna(0).astype("int64") for c in counts})
    frame = intervals.add_share(frame, "reach", "customers", "population", confidence)
    frame = intervals.add_share(frame, "conversion_rate", "converted", "customers", confidence)
    for column in ("value", "first_touch_value"):  # money of several currencies cannot be added up
        frame[column] = frame[column].where(frame["currencies"] <= 1)
    frame["cost"] = frame["cost"].astype(float).where(frame["spend_currencies"] <= 1)
    cost = frame["cost"]
    one = frame["currency"].isna() | frame["spend_currency"].isna() | (frame["currency"] == frame["spend_currency"])
    for touch, value in (("last", "value"), ("first", "first_touch_value")):
        if frame[value].notna().any():  # no conversions are worth 0; conversions of unknown value are not
            frame[value] = frame[value].mask(frame[f"{touch}_touch_conversions"] == 0, 0.0)
    frame["cost_per_conversion"] = intervals.ratio(cost, frame["last_touch_conversions"])
    frame["cost_per_first_touch"] = intervals.ratio(cost, frame["first_touch_conversions"])
    frame["return_on_first_touch"] = np.where(
        one & (cost > 0), intervals.ratio(frame["first_touch_value"], cost), np.nan
    )
    frame["return_on_spend"] = np.where(one & (cost > 0), intervals.ratio(frame["value"], cost), np.nan)
    frame = frame.sort_values([*by, "customers", "channel"], ascending=[*[True] * len(by), False, True])
    ends = ("", "_low", "_high")
    return frame[[
        *by, "channel", "customers", *(f"reach{e}" for e in ends), "touchpoints", "converted",
        *(f"conversion_rate{e}" for e in ends), "first_touch_conversions", "last_touch_conversions", "value",
        "cost", "cost_per_conversion", "return_on_spend", "first_touch_value", "cost_per_first_touch", "return_on_first_touch",
        "population", "currency", "spend_currency",
    ]]  # fmt: skip


@metric(
    title=N_("Channel performance"),
    unit=N_("customers"),
    denominator=N_("customers reached by the channel"),
    inputs=("touchpoints",),
    optional_inputs=("spend",),
    source="Google Ads attribution rules (first and last click); ROAS = value / cost",
    needs_goal=True,
    groups=("channel",),
    finish=finish_channels,
    measures={
        "customers": Measure(N_("Customers"), "count", meaning=N_("customers with a touchpoint on the channel")),
        "reach": Measure(
            N_("Reach"), "share", n="population", interval="wilson",
            meaning=N_("customers on the channel, as a share of the population"),
        ),
        "touchpoints": Measure(N_("Touchpoints"), "count", meaning=N_("contacts on the channel")),
        "converted": Measure(
            N_("Converted"), "count", meaning=N_("customers who reach the goal at or after their first contact here")
        ),
        "conversion_rate": Measure(
            N_("Conversion rate"), "share", n="customers", interval="wilson", higher_is_better=True,
            meaning=N_("converted, as a share of the customers on the channel"),
        ),
        "first_touch_conversions": Measure(
            N_("First-touch conversions"), "count", meaning=N_("conversions whose path starts on the channel")
        ),
        "last_touch_conversions": Measure(
            N_("Last-touch conversions"), "count", meaning=N_("conversions whose last touchpoint before is on the channel")
        ),
        "value": Measure(N_("Value"), "money", meaning=N_("value of the conversions credited by last touch")),
        "cost": Measure(N_("Cost"), "money", meaning=N_("money spent on the channel in the range")),
        "cost_per_conversion": Measure(
            N_("Cost per conversion"), "money", n="last_touch_conversions", higher_is_better=False,
            meaning=N_("cost / last-touch conversions"),
        ),
        "return_on_spend": Measure(
            N_("Return on spend"), "ratio", n="last_touch_conversions", higher_is_better=True,
            meaning=N_("value credited by last touch / cost"),
        ),
        "first_touch_value": Measure(
            N_("Value by first touch"), "money", meaning=N_("value of the conversions credited by first touch")
        ),
        "cost_per_first_touch": Measure(
            N_("Cost per first-touch conversion"), "money", n="first_touch_conversions", higher_is_better=False,
            meaning=N_("cost / first-touch conversions"),
        ),
        "return_on_first_touch": Measure(
            N_("Return by first touch"), "ratio", n="first_touch_conversions", higher_is_better=True,
            meaning=N_("value credited by first touch / cost"),
        ),
        "population": Measure(N_("Population"), "count", meaning=N_("customers of the view")),
    },
)  # fmt: skip
def channel_performance(
    touchpoints: ibis.Table,
    spend: ibis.Table | None = None,
    by: tuple[str, ...] = (),
    *,
    lookback: Lookback = timedelta(90),
) -> ibis.Table:
    """Which channels reach people, bring them to the goal, and earn their cost?

    One row per channel (null = not known): customers, reach, touchpoints, converted (customers who reach the goal at or
    after their first contact with the channel), conversion_rate, first_touch_conversions and last_touch_conversions (each
    goal touchpoint is one conversion; its path is the touchpoints since the conversion before, not older than `lookback`,
    inclusive), value (of the conversions credited by last touch; null if none of them has a value), cost (from the spend
    file), cost_per_conversion, return_on_spend, the same by first touch, the population, and the currencies of value and cost.
    Conversions without a touchpoint before them stand in the row `(none)`, so credits sum to conversions; money spent on a channel
    that reached nobody has a row as well.
    """
    before = ibis.window(group_by="customer_id", order_by=ORDER, preceding=(None, 1))
    after = ibis.window(group_by="customer_id", order_by=ORDER, preceding=0, following=None)
    columns = ["customer_id", *ORDER, "occurred_microseconds", "channel", "is_goal", "value", "currency", *by]
    t = touchpoints.select(*dict.fromkeys(columns))
    t = t.mutate(goal_ahead=t.is_goal.max().over(after), path=t.is_goal.sum().over(before).fill_null(0))
    each = t.group_by([*by, "channel", "customer_id"]).aggregate(contacts=_.count(), converted=_.goal_ahead.max())
    channels = each.group_by([*by, "channel"]).aggregate(
        customers=_.count(), touchpoints=_.contacts.sum(), converted=_.converted.sum()
    )
    credits = _credits(t, by, lookback)
    key = [*by, "channel"]
    rows = _outer(channels.mutate(is_none=0), credits, [*key, "is_none"])
    scope = t.aggregate(by=list(by), population=_.customer_id.nunique())
    if spend is None or by:  # spend is not known per group of customers
        rows = rows.mutate(cost=ibis.null("float64"))
    else:  # money spent on a channel that reached nobody is a row too
        costs = spend.group_by("channel").aggregate(cost=_.cost.sum())
        rows = _outer(rows, costs.mutate(is_none=0), [*key, "is_none"])
    rows = beside(rows, scope, list(by)) if by else rows.cross_join(scope)
    goal = t.is_goal == 1
    rows = rows.cross_join(t.aggregate(currencies=t.currency.nunique(where=goal), currency=t.currency.max(where=goal)))
    if spend is None:
        rows = rows.mutate(spend_currencies=ibis.literal(0, type="int64"), spend_currency=ibis.null("string"))
    else:
        paid = spend.aggregate(spend_currencies=spend.currency.nunique(), spend_currency=spend.currency.max())
        rows = rows.cross_join(paid)
    return rows.mutate(channel=ibis.ifelse(rows.is_none == 1, NONE, rows.channel)).drop("is_none").order_by(key)


def _credits(t: ibis.Table, by: tuple[str, ...], lookback: timedelta | None) -> ibis.Table:
    """First-touch and last-touch credit per channel, one conversion each; `is_none` = 1 where no touchpoint came before."""
    same_path = ["customer_id", "path"]
    goals = t.filter(_.is_goal == 1).select(*same_path, *by, goal_at=_.occurred_microseconds, goal_value=_.value)
    touches = t.filter(_.is_goal == 0).select(*same_path, *ORDER, "occurred_microseconds", "channel")
    if lookback is not None:
        limit = round(lookback.total_seconds() * 1e6)
        recent = touches.inner_join(goals.select(*same_path, "goal_at"), same_path)
        touches = recent.filter((_.goal_at - _.occurred_microseconds <= limit) | _.occurred_microseconds.isnull())
    pairs = goals.left_join(touches.select(*same_path, *ORDER, "channel"), same_path)
    pairs = pairs.drop("customer_id_right", "path_right")
    ahead = ibis.window(group_by=["customer_id", "path"], order_by=ORDER)
    back = ibis.window(group_by=["customer_id", "path"], order_by=[ibis.desc("occurred_at"), ibis.desc("sequence")])
    ranked = pairs.mutate(nth=ibis.row_number().over(ahead), nth_last=ibis.row_number().over(back))
    ranked = ranked.mutate(is_none=ibis.ifelse(ranked.sequence.isnull(), 1, 0))
    return ranked.group_by([*by, "channel", "is_none"]).aggregate(
        first_touch_conversions=ibis.ifelse(ranked.nth == 0, 1, 0).sum(),
        last_touch_conversions=ibis.ifelse(ranked.nth_last == 0, 1, 0).sum(),
        value=ranked.goal_value.sum(where=ranked.nth_last == 0),
        first_touch_value=ranked.goal_value.sum(where=ranked.nth == 0),
    )


def _outer(left: ibis.Table, right: ibis.Table, keys: list[str]) -> ibis.Table:
    """The columns of both tables by keys that may be null, keeping rows that stand on one side only.

    Two left joins: not every engine has a full join for keys that may be null.
    """
    every = left.select(*keys).union(right.select(*keys), distinct=True)
    return beside(beside(every, left, keys), right, keys)
