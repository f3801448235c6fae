"""Those who were lost before a step of a funnel against those who reached it: who are they, and what did they meet before?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import ibis
import numpy as np
import pandas as pd
from ibis import _

from cx_metrics import intervals
from cx_metrics.errors import OptionProblem
from cx_metrics.funnel import TRIES, FunnelSteps, tries_by_group
from cx_metrics.funnel_rules import instant
from cx_metrics.groups import nullable
from cx_metrics.intervals import FALSE_DISCOVERIES
from cx_metrics.options import Count
from cx_metrics.registry import Follow, Measure, metric
from cx_metrics.texts import N_
from cx_metrics.tries import Tries
from cx_metrics.two_shares import either_p, katz, ratio_of_shares

MET = ("touchpoint", "channel", "touchpoint_type")  # kinds of what they met
MOST_VALUES = 60  # an attribute with more says who somebody is, not what kind of customer
MOST_MET = 200  # touchpoints, channels or types: the most frequent ones
MOST_GROUPS = 25  # as many as the funnel shows

LostStep = Annotated[int, Count(N_("the step before which they were lost; 0 for the one that lost most"), 0, 12)]
MinSupport = Annotated[
    int, Count(N_("how many of those compared must have a trait, and how many must not, for it to be looked at"), 0, 1_000_000)
]  # fmt: skip
TopTraits = Annotated[int, Count(N_("how many traits to show"), 1, 1_000)]


def compared_place(tries: Tries, step: int) -> int:
    """The place of a step that customers can be lost before; of 0: that of the step that lost most, the earliest of several.
    Raises OptionProblem for any other."""
    later = [j for j in tries.funnel.needed if j > 0]
    if not later:
        raise OptionProblem(N_("Nobody can be lost in this funnel: every step after the first is optional."))
    if step and step - 1 not in later:
        raise OptionProblem(
            N_("Nobody can be lost before step {found}. Name one of these: {steps}; or 0 for the one that lost most."),
            found=step, steps=tuple(j + 1 for j in later),
        )  # fmt: skip
    return step - 1 if step else max(later, key=lambda j: int(tries.lost(j).sum()))


def compared_tries(tries: Tries, by: Sequence[str], *, step: LostStep) -> pd.DataFrame:
    """Those who reached the step before, once for each group they stand in: journey_id, number (of the row), group, until (when
    they reached the step before for the first time), lost (1 or 0).

    Not when their counted try reached it: of those who went on that is the last that led on, of the lost the first of all, so
    the lost would have less time to meet anything.
    """
    place = compared_place(tries, step)
    before = max(j for j in tries.funnel.needed if j < place)
    _groups, frame = _grouped(tries, by, place)
    which = frame["which"].to_numpy(dtype="int64")
    ids = tries.journey[which]
    return pd.DataFrame({
        "journey_id": ids if ids.dtype.kind == "i" else ids.astype(str), "number": np.arange(len(which)),
        "group": frame["group"].to_numpy(dtype="int64"), "until": tries.first_at[before][which],
        "lost": tries.lost(place)[which].astype("int64"),
    })  # fmt: skip


def _grouped(tries: Tries, by: Sequence[str], place: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The groups, and those compared in each: which, group (its place)."""
    groups, frame = tries_by_group(tries, by, MOST_GROUPS)
    compared = tries.lost(place) | tries.reached(place)
    return groups, frame[compared[frame["which"]]]


def count_traits(
    touchpoints: ibis.Table, lent: ibis.Table, *, steps: FunnelSteps, attributes: Sequence[str] = ()
) -> ibis.Table:
    """How many of those compared have each trait, and how many of these were lost? `lent`: as `compared_tries` makes it.

    One row per group and trait: group, kind, trait, with_trait, lost_with. Of an attribute with more than MOST_VALUES values one
    more than these; of what they met the MOST_MET most frequent.
    """
    own = sorted({name for step in steps for name in step.touchpoints})
    described = [c for c in dict.fromkeys(attributes) if c in touchpoints.columns and c not in MET]
    met = [c for c in MET if c in touchpoints.columns]
    traits = {f"of {kind}": _as_text(touchpoints[kind]) for kind in (*described, *met)}
    t = touchpoints.select("journey_id", at=instant(touchpoints), serves=touchpoints.touchpoint.isin(own), **traits)
    t = t.join(lent, "journey_id")
    t = t.filter(t.at <= t.until)
    who = t.select("number", "group", "lost", *(f"of {kind}" for kind in described)).distinct()
    what = t.filter(~t.serves).select("number", "group", "lost", *(f"of {kind}" for kind in met)).distinct()
    found = [_most_frequent(_counted(who, kind), kind, MOST_VALUES + 1) for kind in described]
    found += [_most_frequent(_counted(what, kind).filter(_.trait.notnull()), kind, MOST_MET) for kind in met]
    together = found[0]
    for other in found[1:]:
        together = together.union(other)
    return together


def _as_text(column: ibis.Value) -> ibis.Value:
    return column if column.type().is_string() else column.cast("string")


def _counted(rows: ibis.Table, kind: str) -> ibis.Table:
    """In each group: how many have each value of a kind, and how many of these were lost?"""
    each = rows.select("number", "group", "lost", trait=rows[f"of {kind}"]).distinct()
    return each.group_by(["group", "trait"]).aggregate(with_trait=_.count(), lost_with=_.lost.sum())


def _most_frequent(counted: ibis.Table, kind: str, most: int) -> ibis.Table:
    """The values that most have in each group, ties by name."""
    by_size = ibis.window(group_by="group", order_by=[ibis.desc("with_trait"), "trait"])
    ranked = counted.mutate(place=ibis.row_number().over(by_size)).filter(_.place < most)
    return nullable(ranked.select("group", "trait", "with_trait", "lost_with", kind=ibis.literal(kind)))


@metric(
    title=N_("What goes with being lost"),
    unit=N_("customers"),
    denominator=N_("customers who reached the step before"),
    inputs=("touchpoints",),
    source="Newcombe (1998), Stat. Med. 17; Katz et al. (1978), Biometrics 34; Benjamini & Hochberg (1995), JRSS B 57",
    entries=True,
    groups=("step", "touchpoint", "kind", "trait", "flagged"),
    walk=TRIES,
    follow=Follow(compared_tries, count_traits),
    measures={
        "lost_with": Measure(
            N_("Lost with it"), "count", meaning=N_("of those with the trait, how many were lost before the step")
        ),
        "with_trait": Measure(N_("With it"), "count", meaning=N_("how many of those compared have the trait")),
        "lost_share_with": Measure(
            N_("Lost of those with it"), "share", n="with_trait", interval="wilson", higher_is_better=False,
            meaning=N_("share of those with the trait who were lost before the step"),
        ),
        "lost_without": Measure(
            N_("Lost without it"), "count", meaning=N_("of those without the trait, how many were lost before the step")
        ),
        "without_trait": Measure(N_("Without it"), "count", meaning=N_("how many of those compared do not have the trait")),
        "lost_share_without": Measure(
            N_("Lost of those without it"), "share", n="without_trait", interval="wilson", higher_is_better=False,
            meaning=N_("share of those without the trait who were lost before the step"),
        ),
        "difference": Measure(
            N_("Difference"), "ratio", n="with_trait", interval="newcombe",
            meaning=N_("share lost of those with the trait minus share lost of those without"),
        ),
        "ratio": Measure(
            N_("Ratio"), "ratio", n="with_trait", interval="katz",
            meaning=N_("how many times the share lost is as large with the trait as without"),
        ),
        "p_value": Measure(
            N_("p-value"), "ratio", n="compared",
            meaning=N_("how often chance alone would make a difference this large (z test; Fisher's exact test for small counts)"),
        ),
        "q_value": Measure(
            N_("q-value"), "ratio", n="compared",
            meaning=N_("the p-value after looking at all traits: of those up to q, a share of q is there by chance"),
        ),
        "lost": Measure(N_("Lost"), "count", higher_is_better=False, meaning=N_("customers lost since the step before")),
        "compared": Measure(N_("Compared"), "count", meaning=N_("customers who reached the step before")),
    },
)  # fmt: skip
def drop_out_correlates(
    tries: Tries, by: tuple[str, ...] = (), confidence: float = 0.95, followed: pd.DataFrame | None = None, *,
    step: LostStep = 0, min_support: MinSupport = 10, top: TopTraits = 50,
) -> pd.DataFrame:  # fmt: skip
    """What sets those who were lost before a step apart from those who reached it?

    Compared are the counted tries that reached the step before (the last one that is not optional). One row per trait: step,
    touchpoint (the step), kind and trait, lost_with, with_trait, lost_share_with, lost_without, without_trait,
    lost_share_without, difference (Newcombe's interval), ratio (with its interval by logarithm; unknown where nobody without the
    trait was lost), p_value, q_value (Benjamini-Hochberg over all traits with support), flagged (q up to 0.10), lost, compared.
    What goes with being lost need not lead to it.

    Traits are the values of customer attributes with up to 60 of them (kind: the attribute; null: not known), and what they met
    (kind: touchpoint, channel, touchpoint_type; the 200 most frequent of each). They met what the unit of the view touched up to
    and with the instant at which it reached the step before for the first time, by whichever try, in the range or before it: what
    comes later would differ by construction. Touchpoints by the name of any step of the funnel do not count, nor do their channel
    and type; a channel or type of a step counts where another touchpoint has it. A case with several customers has the attributes
    of each.

    `min_support` customers must have a trait, and as many must not. Order: flagged, then by size of the difference, with_trait,
    kind, trait. Step 0 is the one that lost most, over all groups. `by` compares within each group, of which those beyond the 25
    largest are one; the q-values are over all of them. Nobody compared: no rows.
    """
    place = compared_place(tries, step)
    groups, frame = _grouped(tries, by, place)
    if followed is None or followed.empty:
        return pd.DataFrame({c: pd.Series(dtype="object") for c in _columns(by)})
    group = frame["group"].to_numpy(dtype="int64")
    compared = np.bincount(group, minlength=len(groups))
    lost = np.bincount(group[tries.lost(place)[frame["which"]]], minlength=len(groups))
    values = followed.groupby(["group", "kind"])["trait"].transform("size")
    rows = followed[followed["kind"].isin(MET) | (values <= MOST_VALUES)]
    rows = rows.assign(lost=lost[rows["group"]], compared=compared[rows["group"]])
    rows = rows.assign(
        lost_without=rows["lost"] - rows["lost_with"], without_trait=rows["compared"] - rows["with_trait"]
    )
    rows = rows[rows[["with_trait", "without_trait"]].min(axis=1) >= min_support]
    rows = _tested(rows, confidence)
    rows = rows.assign(size=rows["difference"].abs().round(12))  # equal ones are equal, however they were rounded
    rows = rows.sort_values(
        ["group", "flagged", "size", "with_trait", "kind", "trait"], ascending=[True, False, False, False, True, True]
    )
    rows = rows.groupby("group", sort=False).head(top).reset_index(drop=True)
    free = tries.funnel.order == "unordered"
    label = f"{place + 1}/{len(tries.funnel.steps)}" if free else tries.funnel.steps[place].label
    rows = rows.assign(
        step=place + 1, touchpoint=label, trait=rows["trait"].astype(object).where(rows["trait"].notna(), None)
    )
    return pd.concat([groups.iloc[rows["group"]].reset_index(drop=True), rows], axis=1)[_columns(by)]


def _tested(rows: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """The shares lost with and without each trait, how they differ, and which differences are flagged."""
    rows = intervals.add_share(rows, "lost_share_with", "lost_with", "with_trait", confidence)
    rows = intervals.add_share(rows, "lost_share_without", "lost_without", "without_trait", confidence)
    lost, having, others_lost, others = (
        rows[c].to_numpy() for c in ("lost_with", "with_trait", "lost_without", "without_trait")
    )
    low, high = intervals.newcombe(lost, having, others_lost, others, confidence)
    ratio_low, ratio_high = katz(lost, having, others_lost, others, confidence)
    p = either_p(lost, having, others_lost, others)
    q = intervals.benjamini_hochberg(p)
    return rows.assign(
        difference=rows["lost_share_with"] - rows["lost_share_without"], difference_low=low, difference_high=high,
        ratio=ratio_of_shares(lost, having, others_lost, others), ratio_low=ratio_low, ratio_high=ratio_high, p_value=p, q_value=q,
        flagged=np.nan_to_num(q, nan=1.0) <= FALSE_DISCOVERIES,
    )  # fmt: skip


def _columns(by: Sequence[str]) -> list[str]:
    ends = ("", "_low", "_high")
    return [
        *by, "step", "touchpoint", "kind", "trait",
        "lost_with", "with_trait", *(f"lost_share_with{end}" for end in ends),
        "lost_without", "without_trait", *(f"lost_share_without{end}" for end in ends),
        *(f"difference{end}" for end in ends), *(f"ratio{end}" for end in ends),
        "p_value", "q_value", "flagged", "lost", "compared",
    ]  # fmt: skip
