"""Traits: what marks each group of customers: who they are, and which channels and touchpoints they meet?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import ibis
import numpy as np
import pandas as pd
from ibis import _

from cx_metrics import intervals
from cx_metrics.groups import beside, nullable
from cx_metrics.intervals import FALSE_DISCOVERIES
from cx_metrics.options import Count
from cx_metrics.registry import Measure, metric
from cx_metrics.texts import N_
from cx_metrics.two_shares import either_p

MET = ("stage", "channel", "touchpoint_type", "touchpoint")  # kinds of what they met
MOST_VALUES = 60  # an attribute with more says who somebody is, not what kind of customer
MOST_MET = 200  # stages, channels, types or touchpoints: those that most customers met
GROUP = "by "  # before the names of columns to group by
SCOPE = ""  # the kind of the rows that say how many customers a group has
COUNTS = ("customers_with", "customers", "others_with", "others")
ENDS = ("", "_low", "_high")
COLUMNS = (
    "kind", "trait", "customers_with", "customers", *(f"share{e}" for e in ENDS), "others_with", "others",
    *(f"share_of_others{e}" for e in ENDS), *(f"difference{e}" for e in ENDS), "p_value", "q_value", "flagged",
)  # fmt: skip

MinSupport = Annotated[
    int, Count(N_("how many customers must have a trait, and how many must not, for it to be compared"), 0, 1_000_000)
]


def finish_traits(frame: pd.DataFrame, *, by: tuple[str, ...], min_support: int, confidence: float) -> pd.DataFrame:
    """Set each group beside all others, and say what is beyond chance."""
    scope = frame[frame["kind"] == SCOPE]
    sizes = scope[[*by, "customers_with"]].rename(columns={"customers_with": "customers"})
    rows = frame[frame["kind"] != SCOPE]
    values = rows.groupby("kind")["trait"].transform("nunique")
    rows = rows[(values <= MOST_VALUES) | rows["kind"].isin(MET)]
    everybody = int(scope["everybody"].iloc[0]) if len(scope) else 0
    rows = _complete(rows, sizes, by)
    rows = rows.assign(others=everybody - rows["customers"], others_with=rows["all_with"] - rows["customers_with"])
    rows = rows.astype(dict.fromkeys(COUNTS, "int64"))
    rows = intervals.add_share(rows, "share", "customers_with", "customers", confidence)
    rows = intervals.add_share(rows, "share_of_others", "others_with", "others", confidence)
    k, n, j, m = (rows[c].to_numpy() for c in COUNTS)
    low, high = intervals.newcombe(k, n, j, m, confidence)
    enough = (k + j >= min_support) & (n + m - k - j >= min_support)
    p = np.where(enough, either_p(k, n, j, m), np.nan) if len(rows) else np.array([])
    q = intervals.benjamini_hochberg(p) if len(rows) else p
    rows = rows.assign(
        difference=rows["share"] - rows["share_of_others"], difference_low=low, difference_high=high, p_value=p, q_value=q,
        flagged=np.nan_to_num(q, nan=1.0) <= FALSE_DISCOVERIES,
    )  # fmt: skip
    return rows[[*by, *COLUMNS]]


def _complete(rows: pd.DataFrame, sizes: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Every group has every trait: with 0 customers, where nobody of it has the trait."""
    kinds = {kind: i for i, kind in enumerate(dict.fromkeys(rows["kind"]))}
    traits = rows[["kind", "trait", "all_with"]].drop_duplicates()
    order = {kind: len(kinds) + MET.index(kind) if kind in MET else at for kind, at in kinds.items()}
    traits = traits.assign(place=traits["kind"].map(order).astype("int64"))
    traits = traits.sort_values(["place", "all_with", "trait"], ascending=[True, False, True])
    every = sizes.sort_values([*by], kind="stable") if by else sizes
    every = every.merge(traits, how="cross")
    keys = [*by, "kind", "trait"]
    found = every.merge(rows[[*keys, "customers_with"]], how="left", on=keys)
    return found.assign(customers_with=found["customers_with"].fillna(0))


@metric(
    title=N_("What marks a group"),
    unit=N_("share of customers"),
    denominator=N_("customers of the group; beside them, all other customers of the view"),
    inputs=("touchpoints",),
    source="Wilson (1927), JASA 22; Newcombe (1998), Stat. Med. 17; Benjamini & Hochberg (1995), JRSS B 57",
    groups=("kind", "trait"),
    rests_on=("customers", "customers_with", "others_with"),
    finish=finish_traits,
    measures={
        "customers_with": Measure(N_("With it"), "count", meaning=N_("customers of the group who have the trait")),
        "customers": Measure(N_("Customers"), "count", meaning=N_("customers of the group")),
        "share": Measure(
            N_("Share"), "share", n="customers", interval="wilson", meaning=N_("share of the group who have the trait")
        ),
        "others_with": Measure(N_("Others with it"), "count", meaning=N_("all other customers who have the trait")),
        "others": Measure(N_("Others"), "count", meaning=N_("customers of the view who are not in the group")),
        "share_of_others": Measure(
            N_("Share of the others"), "share", n="others", interval="wilson",
            meaning=N_("share of all other customers who have the trait"),
        ),
        "difference": Measure(
            N_("Difference"), "ratio", n="others", interval="newcombe", meaning=N_("share of the group minus share of the others")
        ),
        "p_value": Measure(
            N_("p-value"), "ratio", n="others",
            meaning=N_("how often chance alone would make a difference this large (z test, or Fisher's exact test of few)"),
        ),
        "q_value": Measure(
            N_("q-value"), "ratio", n="others",
            meaning=N_("the share of false alarms among all traits at least as sure (Benjamini-Hochberg)"),
        ),
    },
)  # fmt: skip
def group_traits(
    touchpoints: ibis.Table, by: tuple[str, ...] = (), attributes: tuple[str, ...] = (), *, min_support: MinSupport = 30
) -> ibis.Table:
    """What marks each group of customers, against everybody else?

    One row per group of `by`, kind and trait: kind (a column: an attribute of customers, or stage, channel, touchpoint_type,
    touchpoint, which they met at least once in the view), trait (its value), customers_with, customers, share, others_with,
    others, share_of_others, difference (share minus share of the others), p_value, q_value, flagged (over all rows that are
    compared). Traits that fewer than `min_support` customers have, or have not, stand there without a test.

    The others are all customers of the view who are not in the group, so that the two are apart; without `by` there are none.
    What is not known is no trait. An attribute with more than 60 values, and columns of `by`, are left out; of what they met the
    200 that most customers met. A group by what customers did (a channel) holds whoever did it, and a trait then counts wherever
    they met it.
    """
    t, grouped = touchpoints, {name.removeprefix(GROUP) for name in by}
    met = [c for c in MET if c in t.columns and c not in grouped]
    described = [c for c in dict.fromkeys(attributes) if c in t.columns and c not in (*met, *MET) and c not in grouped]
    who = t.select("customer_number", *by).distinct()
    everybody = t.aggregate(everybody=t.customer_number.nunique())
    sizes = who.aggregate(by=list(by), customers_with=_.count()).mutate(
        kind=ibis.literal(SCOPE), trait=ibis.literal(""), all_with=ibis.literal(0)
    )
    columns = [*by, "kind", "trait", "customers_with", "all_with"]
    found = nullable(sizes.select(*columns))
    for kind in (*described, *met):
        most = MOST_MET if kind in MET else MOST_VALUES + 1
        found = found.union(nullable(_counted(t, who, kind, by, most).select(*columns)))
    return found.cross_join(everybody).order_by([*by, "kind", "trait"])


def _counted(t: ibis.Table, who: ibis.Table, kind: str, by: Sequence[str], most: int) -> ibis.Table:
    """How many customers of each group have each value of a kind, and how many of all."""
    value = t[kind] if t[kind].type().is_string() else t[kind].cast("string")
    has = t.select("customer_number", trait=value).filter(_.trait.notnull()).distinct()
    totals = has.group_by("trait").aggregate(all_with=_.count()).order_by([ibis.desc("all_with"), "trait"]).limit(most)
    inside = who.inner_join(has, "customer_number").group_by([*by, "trait"]).aggregate(customers_with=_.count())
    counted = beside(inside, totals, ["trait"]).filter(_.all_with.notnull())
    return counted.mutate(kind=ibis.literal(kind))
