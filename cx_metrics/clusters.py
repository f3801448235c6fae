"""Clusters: which kinds of journeys are there, by the moves that people make?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import ibis
import numpy as np
import pandas as pd
from ibis import _

from cx_metrics import intervals
from cx_metrics.groups import how_many
from cx_metrics.medoids import Ints, Path, best_number, distances, mean_silhouette, medoids, nearest_of, stability
from cx_metrics.options import Count
from cx_metrics.registry import Measure, metric
from cx_metrics.routes import Paths
from cx_metrics.texts import N_
from cx_metrics.two_shares import either_p

LONGEST = 50  # steps of a path that are looked at
STEADY = 0.6  # METRICS §3.6: below this stability, other journeys would give other clusters
SHARED_BY = 5  # journeys that have a path, before it is shown as that of a cluster: fewer would show single people
MARKS = 2  # touchpoints that name a cluster
# Ranks are scattered by squares modulo a prime, so that any engine draws the same journeys, and evenly from all of them.
PRIME, FACTOR = 2_147_483_647, 1_103_515_245

ENDS = ("", "_low", "_high")
COLUMNS = (
    "cluster", "journeys", *(f"share{e}" for e in ENDS), "path", "path_journeys", "more", "less", "converted",
    *(f"conversion_rate{e}" for e in ENDS), "steps_mean", "silhouette", "stability", "all_journeys", "journeys_of_view",
)  # fmt: skip
COUNTS = ("cluster", "journeys", "path_journeys", "converted", "all_journeys", "journeys_of_view")


def finish_clusters(
    frame: pd.DataFrame, *, by: tuple[str, ...], clusters: int, most: int, confidence: float
) -> pd.DataFrame:
    """From the steps of the journeys drawn to one row per group and cluster."""
    made = pd.DataFrame(columns=[*by, *COLUMNS]).astype(dict.fromkeys(COUNTS, "int64"))
    if len(frame):
        made = _made(frame, by, clusters, most)
    made = intervals.add_share(made, "share", "journeys", "all_journeys", confidence)
    made = intervals.add_share(made, "conversion_rate", "converted", "journeys", confidence)
    return made[[*by, *COLUMNS]]


def _made(frame: pd.DataFrame, by: Sequence[str], clusters: int, most: int) -> pd.DataFrame:
    """The clusters of the journeys, and how many of each group are in each."""
    from threadpoolctl import threadpool_limits

    each = frame.groupby("journey_id", sort=False)
    steps: list[Path] = [tuple(str(name) for name in names) for names in each["touchpoint"].agg(list)]
    reached = each["reaches"].max().to_numpy(dtype="int64")
    weights_of = Counter(steps)
    paths = sorted(weights_of)
    weights = np.array([weights_of[path] for path in paths], dtype="int64")
    with threadpool_limits(1):  # small matrices: more threads only wait for each other
        apart = distances(paths)
        k = min(clusters, len(paths)) if clusters else best_number(apart, weights, most)
        chosen = medoids(apart, weights, k)
        labels = nearest_of(apart, chosen)
        order = _largest_first(labels, weights, k)
        chosen, labels = chosen[order], np.argsort(order)[labels]
        known = {
            "silhouette": mean_silhouette(apart, labels, weights) if k > 1 else np.nan,
            "stability": stability(apart, weights, labels, k) if k > 1 else np.nan,
        }
    place = {path: i for i, path in enumerate(paths)}
    own = labels[[place[path] for path in steps]]
    told = [_told(paths, weights, labels, own, chosen, c) for c in range(k)]
    people = pd.DataFrame(
        {"journey_id": list(each.groups), "own": own, "reached": reached, "steps": [len(p) for p in steps]}
    )
    groups = frame[["journey_id", *by]].drop_duplicates()
    view = {"journeys_of_view": int(frame["journeys_of_view"].iloc[0]), **known}
    rows: list[dict[str, Any]] = []
    parts = groups.groupby(list(by), dropna=False, sort=True) if by else [((), groups)]
    for key, part in parts:
        inside = people[people["journey_id"].isin(part["journey_id"])]
        named = dict(zip(by, key if isinstance(key, tuple) else (key,), strict=True))
        rows += [named | told[c] | view | _counted(inside, c) for c in range(k)]
    return pd.DataFrame(rows).astype(dict.fromkeys(COUNTS, "int64"))


def _largest_first(labels: Ints, weights: Ints, k: int) -> Ints:
    """The clusters by size, ties by their first path."""
    sizes = np.bincount(labels, weights, k)
    firsts = np.array([int(np.flatnonzero(labels == c)[0]) for c in range(k)])
    return np.lexsort((firsts, -sizes)).astype("int64")


def _counted(inside: pd.DataFrame, cluster: int) -> dict[str, Any]:
    """How many of a group are in a cluster, and what is counted of them."""
    own = inside[inside["own"] == cluster]
    return {
        "journeys": len(own), "converted": int(own["reached"].sum()), "all_journeys": len(inside),
        "steps_mean": float(own["steps"].mean()) if len(own) else np.nan,
    }  # fmt: skip


def _told(paths: Sequence[Path], weights: Ints, labels: Ints, own: Ints, chosen: Ints, cluster: int) -> dict[str, Any]:
    """The number of a cluster, its path if enough share it, and the touchpoints that mark it."""
    medoid = int(chosen[cluster])
    shared = int(weights[medoid])
    inside = own == cluster
    met: dict[str, list[int]] = {}
    for path, weight, label in zip(paths, weights, labels, strict=True):
        for name in set(path):
            counts = met.setdefault(name, [0, 0])
            counts[0 if label == cluster else 1] += int(weight)
    more, less = _marks(met, int(inside.sum()), int((~inside).sum()))
    shown = shared >= SHARED_BY
    return {
        "cluster": cluster + 1, "path": list(paths[medoid]) if shown else None, "path_journeys": shared if shown else 0,
        "more": more, "less": less,
    }  # fmt: skip


def _marks(met: Mapping[str, Sequence[int]], inside: int, outside: int) -> tuple[list[str], list[str]]:
    """The touchpoints that more of the cluster meet than of the others, and those that fewer do, beyond chance, widest first."""
    names = sorted(met)
    if not inside or not outside:
        return [], []
    k, j = (np.array([met[name][side] for name in names]) for side in (0, 1))
    gap = k / inside - j / outside
    p = intervals.benjamini_hochberg(either_p(k, np.full(len(k), inside), j, np.full(len(j), outside)))
    sure = np.nan_to_num(p, nan=1.0) <= intervals.FALSE_DISCOVERIES
    widest = sorted(np.flatnonzero(sure), key=lambda i: (-abs(gap[i]), names[i]))
    more = [names[i] for i in widest if gap[i] > 0][:MARKS]
    return more, [names[i] for i in widest if gap[i] < 0][:MARKS]


@metric(
    title=N_("Kinds of journeys"),
    unit=N_("journeys"),
    denominator=N_("journeys drawn from those of the view"),
    inputs=("paths",),
    source="Kaufman & Rousseeuw (1990), Finding Groups in Data, ch. 2 (medoids); Rousseeuw (1987), J. Comput. Appl. Math. 20 "
           "(silhouette); Hubert & Arabie (1985), J. Classification 2 (adjusted Rand index)",
    groups=("cluster",),
    finish=finish_clusters,
    measures={
        "journeys": Measure(N_("Journeys"), "count", meaning=N_("journeys drawn that are in this cluster")),
        "share": Measure(N_("Share"), "share", n="all_journeys", interval="wilson", meaning=N_("share of all journeys drawn")),
        "path_journeys": Measure(N_("With this path"), "count", meaning=N_("journeys drawn that have exactly the path shown")),
        "converted": Measure(N_("Converted"), "count", meaning=N_("of its journeys, those that reach the goal")),
        "conversion_rate": Measure(
            N_("Conversion rate"), "share", n="journeys", interval="wilson", higher_is_better=True,
            meaning=N_("share of its journeys that reach the goal"),
        ),
        "steps_mean": Measure(N_("Steps"), "count", n="journeys", meaning=N_("mean number of steps of its journeys")),
        "silhouette": Measure(
            N_("Silhouette"), "ratio", n="journeys_of_view",
            meaning=N_("how much nearer journeys are to their own cluster than to the next, from −1 to 1, on average"),
        ),
        "stability": Measure(
            N_("Stability"), "ratio", n="journeys_of_view",
            meaning=N_("mean adjusted Rand index of 20 parts of the journeys: 1 for the same clusters in each, 0 for chance"),
        ),
        "all_journeys": Measure(N_("Journeys drawn"), "count", meaning=N_("journeys drawn in the group")),
        "journeys_of_view": Measure(N_("All journeys"), "count", meaning=N_("journeys of the view, from which they were drawn")),
    },
)  # fmt: skip
def journey_clusters(
    paths: Paths,
    by: tuple[str, ...] = (),
    *,
    clusters: Annotated[int, Count(N_("how many clusters; 0 for the number with the highest silhouette"), 0, 12)] = 0,
    most: Annotated[int, Count(N_("how many clusters to look for at most"), 2, 12)] = 6,
    sample: Annotated[int, Count(N_("how many journeys to draw"), 2, 3_000)] = 800,
) -> ibis.Table:
    """Which kinds of journeys are there?

    Two journeys are as far apart as the moves that they do not share: one minus shared moves / all moves of the two (Jaccard's
    distance of bags of moves, with the beginning and the end; equal neighbours are one step, the first 50 steps count). Clusters
    are partitions around medoids, as many as give the highest mean silhouette.

    One row per group of `by` and cluster, the largest cluster first: journeys, share (of the journeys drawn in the group), path
    (that of the medoid, where 5 journeys or more have it, else null), path_journeys, more and less (touchpoints that more, or
    fewer, of its journeys have than of the others beyond chance), converted, conversion_rate, steps_mean, silhouette, stability
    (below 0.6, other journeys would give other clusters), all_journeys, journeys_of_view. All groups share the clusters; a
    journey counts in each group in which it has a touchpoint. One kind of path gives one cluster, with neither silhouette nor
    stability.

    Where the view has more journeys than `sample`, as many are drawn evenly, the same every time.
    """
    path = paths.nodes("merge", by).filter(_.position <= LONGEST)
    everyone = path.select("journey_id").distinct()
    nth = ibis.row_number().over(ibis.window(order_by="journey_id")).cast("int64")
    ranked = everyone.mutate(nth=nth, journeys_of_view=_.count().over(ibis.window()))
    scattered = ((ranked.nth + 1) * FACTOR) % PRIME
    ranked = ranked.mutate(drawn=(scattered * scattered) % PRIME)
    ranked = ranked.order_by(["drawn", "nth"]).limit(sample).drop("nth", "drawn")
    reached = paths.touchpoints.group_by("journey_id").aggregate(reaches=how_many(_.is_goal == 1))
    chosen = ranked.inner_join(reached, "journey_id").mutate(reaches=ibis.ifelse(_.reaches > 0, 1, 0))
    steps = path.select("journey_id", "position", "touchpoint", *by).inner_join(chosen, "journey_id")
    columns = ("journey_id", "position", "touchpoint", "reaches", "journeys_of_view")
    return steps.select(*by, *columns).order_by(["journey_id", "position"])
