"""Branches: the journeys that pass one node or one link of the flow. Where do they come from, where do they go, do they convert?

Each question is asked of journeys that truly pass, counted one by one; neighbouring links of the flow cannot tell, because they
mix the journeys of several branches. What is a node or a link is what the flow shows: the same rules, and the same names
folded.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import ibis
import pandas as pd
from ibis import _

from cx_metrics import intervals
from cx_metrics.flows import (
    JOURNEYS,
    MEAN_SECONDS,
    MEDIAN_SECONDS,
    MaxSteps,
    RepeatsOption,
    TimesOption,
    Top,
    WhoOption,
    finish_variants,
    largest,
    links_shown,
    paths_of,
    reaches,
    variants,
)
from cx_metrics.groups import beside
from cx_metrics.journeys import Repeats
from cx_metrics.options import Count, Name
from cx_metrics.registry import METRICS, Measure, metric
from cx_metrics.routes import Paths
from cx_metrics.rules import EndOption, ExcludeOption, GroupOption, KeepOption, LeastOption, PathRules, StartOption
from cx_metrics.texts import N_

Kind = Literal["any", "move", "drop_off", "continues_beyond"]
StepOption = Annotated[int, Count(N_("the step of the node, or of the source of the link"), 1, 10)]
SourceOption = Annotated[str, Name(N_("the touchpoint at that step; empty for any"))]
TargetOption = Annotated[str, Name(N_("the touchpoint at the next step; empty for any"))]
KindOption = Annotated[
    Kind, N_("what journeys do after that step: move on, end (drop_off), go on after the last step shown, or any")
]
Most = Annotated[int, Count(N_("how many paths to list"), 1, 200)]
ENDS = ("", "_low", "_high")
SIDES = (("converted", "journeys"), ("other_converted", "other_journeys"))  # those that pass, and the others
PASSING = Measure(N_("All that pass"), "count", meaning=N_("journeys that pass the chosen node or link"))


def finish_branch(frame: pd.DataFrame, *, by: tuple[str, ...], confidence: float) -> pd.DataFrame:
    """Add the share of the journeys that pass, with its interval."""
    frame = intervals.add_share(frame, "share", "journeys", "all_journeys", confidence)
    shares = [f"share{end}" for end in ENDS]
    columns = [
        "step",
        "source",
        "target",
        "kind",
        "journeys",
        *shares,
        "mean_seconds",
        "median_seconds",
        "all_journeys",
    ]
    return frame[[*by, *columns]]


@metric(
    title=N_("Branch of the flow"),
    unit=N_("journeys"),
    denominator=N_("journeys that pass the chosen node or link"),
    inputs=("paths",),
    source="PostHog user paths; Wilson (1927), JASA 22 (interval of a share)",
    groups=("step", "source", "target", "kind"),
    finish=finish_branch,
    chooses_people=True,
    measures={
        "journeys": JOURNEYS,
        "share": Measure(
            N_("Share"), "share", n="all_journeys", interval="wilson", meaning=N_("share of the journeys that pass")
        ),
        "mean_seconds": MEAN_SECONDS,
        "median_seconds": MEDIAN_SECONDS,
        "all_journeys": PASSING,
    },
)
def flow_branch(
    paths: Paths,
    by: tuple[str, ...] = (),
    *,
    step: StepOption = 1,
    source: SourceOption = "",
    target: TargetOption = "",
    kind: KindOption = "any",
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
    """Which way do the journeys take that pass one node or link of the flow?

    One row per link of the flow that at least one of these journeys takes: step, source, target, kind (as `flow_links`),
    journeys, share of the journeys that pass, mean and median seconds (median null with `times="mean"`), all_journeys (that pass).

    A node is `step` and `source`; a link also has `target`, or the `kind` drop_off or continues_beyond. `kind` without a source
    is the foot of a column: all that end after that step, or go on after the last. Names are folded as in the flow of all
    journeys, and `(other)` can be chosen like a name. A node or link that the flow does not have: no rows.
    """
    rules = PathRules.of({"start": start, "end": end, "exclude": exclude, "group": group})
    shown = _shown(paths.under(rules), by, repeats, steps, (top, keep, least))
    taken = shown.semi_join(_passing(shown, step, source, target, kind), "journey_id")
    keys = [*by, "step", "source", "target", "kind"]
    counted = taken.group_by(keys).aggregate(
        journeys=_.count(), timed=_.seconds_to_next.count(), seconds=_.seconds_to_next.sum()
    )
    counted = counted.mutate(mean_seconds=_.seconds / _.timed.nullif(0).cast("float64"))
    if times == "mean":
        found = counted.mutate(median_seconds=ibis.null("float64"))
    else:
        medians = taken.group_by(keys).aggregate(median_seconds=_.seconds_to_next.median())
        found = beside(counted, medians, keys)
    everybody = taken.aggregate(by=list(by), all_journeys=_.journey_id.nunique())
    found = beside(found, everybody, by) if by else found.cross_join(everybody)
    return found.select(*keys, "journeys", "mean_seconds", "median_seconds", "all_journeys").order_by(
        [*by, "step", ibis.desc("journeys"), "source", "target", "kind"]
    )


def finish_through(frame: pd.DataFrame, *, by: tuple[str, ...], confidence: float) -> pd.DataFrame:
    """Add the three shares with their intervals, and the difference of the two conversion rates."""
    frame = frame.assign(
        other_journeys=frame["all_journeys"] - frame["journeys"],
        other_converted=frame["all_converted"] - frame["converted"],
    )
    for name, part, whole in (
        ("share", "journeys", "all_journeys"), ("conversion_rate", "converted", "journeys"),
        ("other_rate", "other_converted", "other_journeys"),
    ):  # fmt: skip
        frame = intervals.add_share(frame, name, part, whole, confidence)
    here, others = ((frame[part].to_numpy(), frame[whole].to_numpy()) for part, whole in SIDES)
    low, high = intervals.newcombe(*here, *others, confidence)
    frame = frame.assign(
        difference=frame["conversion_rate"] - frame["other_rate"], difference_low=low, difference_high=high
    )
    columns = [
        "journeys",
        *_three("share"),
        "converted",
        *_three("conversion_rate"),
        "other_journeys",
        "other_converted",
    ]
    return frame[[*by, *columns, *_three("other_rate"), *_three("difference"), "all_journeys"]]


def _three(name: str) -> list[str]:
    return [name + end for end in ENDS]


@metric(
    title=N_("Journeys of a branch"),
    unit=N_("journeys"),
    denominator=N_("journeys of the view"),
    inputs=("paths",),
    source="Wilson (1927), JASA 22; Newcombe (1998), Statistics in Medicine 17 (interval of a difference)",
    finish=finish_through,
    chooses_people=True,
    measures={
        "journeys": PASSING,
        "share": Measure(N_("Share"), "share", n="all_journeys", interval="wilson", meaning=N_("share of all journeys")),
        "converted": Measure(N_("Converted"), "count", meaning=N_("of these, journeys that reach the goal")),
        "conversion_rate": Measure(
            N_("Conversion rate"), "share", n="journeys", interval="wilson", higher_is_better=True,
            meaning=N_("share of the journeys that pass that reach the goal"),
        ),
        "other_journeys": Measure(N_("All others"), "count", meaning=N_("journeys that do not pass")),
        "other_converted": Measure(N_("Others converted"), "count", meaning=N_("of the others, journeys that reach the goal")),
        "other_rate": Measure(
            N_("Conversion rate of the others"), "share", n="other_journeys", interval="wilson", higher_is_better=True,
            meaning=N_("share of the journeys that do not pass that reach the goal"),
        ),
        "difference": Measure(
            N_("Difference"), "ratio", n="journeys", interval="newcombe",
            meaning=N_("conversion rate of those that pass minus that of the others"),
        ),
        "all_journeys": Measure(N_("All journeys"), "count", meaning=N_("journeys of the view, with any path")),
    },
)  # fmt: skip
def flow_through(
    paths: Paths,
    by: tuple[str, ...] = (),
    *,
    step: StepOption = 1,
    source: SourceOption = "",
    target: TargetOption = "",
    kind: KindOption = "any",
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
    """How many journeys pass one node or link of the flow, and do they reach the goal more often than the others?

    One row per group of `by`: journeys that pass, their share of all journeys, converted (of them; 0 where no goal is set),
    conversion_rate, the same of all others, the difference of the two rates (Newcombe), all_journeys. Node, link and rules are
    those of `flow_branch`. With anchors, journeys without one are out of all_journeys; a journey is converted if it reaches the
    goal in its path or after it.
    """
    rules = {"start": start, "end": end, "exclude": exclude, "group": group}
    held = paths.under(PathRules.of(rules))
    shown = _shown(held, by, repeats, steps, (top, keep, least))
    chosen = _converted(held.only(_passing(shown, step, source, target, kind)), repeats, by)
    everybody = _converted(held, repeats, by).rename(all_journeys="journeys", all_converted="converted")
    found = beside(everybody, chosen, by) if by else everybody.cross_join(chosen)
    columns = ("journeys", "converted", "all_journeys", "all_converted")
    known = {name: found[name].fill_null(0).cast("int64") for name in columns}
    return found.select(*by, **known).order_by([*by, "journeys"])


@metric(
    title=N_("Whole paths of a branch"),
    unit=N_("journeys"),
    denominator=N_("journeys that pass the chosen node or link"),
    inputs=("paths",),
    source="van der Aalst (2016), Process Mining, ch. 2 (trace variants)",
    groups=("rank", "path"),
    finish=finish_variants,
    chooses_people=True,
    measures={**METRICS["variants"].measures, "all_journeys": PASSING},
)
def branch_paths(
    paths: Paths,
    by: tuple[str, ...] = (),
    *,
    step: StepOption = 1,
    source: SourceOption = "",
    target: TargetOption = "",
    kind: KindOption = "any",
    most: Most = 20,
    who: WhoOption = "all",
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
    """Which whole paths pass one node or link of the flow, and do they reach the goal?

    The rows of `variants` for the journeys that pass, the `most` frequent in each group of `by`; share is one of all journeys
    that pass (all_journeys). Node, link and rules are those of `flow_branch`.
    """
    rules: dict[str, Any] = {"start": start, "end": end, "exclude": exclude, "group": group}
    shown = _shown(paths.under(PathRules.of(rules)), by, repeats, steps, (top, keep, least))
    chosen = paths.only(_passing(shown, step, source, target, kind))
    found: ibis.Table = variants(chosen, by, top=most, repeats=repeats, who=who, **rules)
    return found


def _shown(
    paths: Paths, by: tuple[str, ...], repeats: Repeats, steps: int, fold: tuple[int, tuple[str, ...] | None, float]
) -> ibis.Table:
    """The nodes of every journey that the flow shows, with their step, source, target and kind; folded as the flow folds."""
    kept = largest(paths.moves(repeats, by, steps), *fold)
    nodes = paths.nodes(repeats, by, steps).filter(_.position <= steps)
    return links_shown(nodes, kept, steps, bool(paths.rules.end))


def _passing(shown: ibis.Table, step: int, source: str, target: str, kind: Kind) -> ibis.Table:
    """Which journeys pass? One row each: journey_id."""
    found = shown.filter(shown.step == step)
    for column, wanted in (("source", source), ("target", target), ("kind", "" if kind == "any" else kind)):
        found = found.filter(found[column] == wanted) if wanted else found
    return found.select("journey_id").distinct()


def _converted(paths: Paths, repeats: Repeats, by: tuple[str, ...]) -> ibis.Table:
    """How many journeys there are, and how many of them reach the goal: `by`, journeys, converted."""
    counted = paths_of(paths, repeats, by, "all")
    if "converted" not in counted.columns:
        counted = reaches(paths.named(counted), paths.goal).mutate(converted=_.journeys * _.reaches)
    return counted.aggregate(by=list(by), journeys=_.journeys.sum(), converted=_.converted.sum())
