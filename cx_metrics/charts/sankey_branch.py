"""What is highlighted in a flow: the branch of a node or link, or the way of one whole path through the nodes that are shown."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cx_metrics.charts.sankey import FOLDED, OTHER, Anchor, Link


def links_of_branch(frame: pd.DataFrame) -> dict[Link, int]:
    """The links of a branch and how many of its journeys take each. `frame`: flow_branch without groups."""
    found = {}
    for row in frame.to_dict("records"):
        target = str(row["target"]) if row["kind"] == "move" else None
        found[Link(int(row["step"]), str(row["source"]), target, str(row["kind"]))] = int(row["journeys"])
    return found


def links_of_path(
    frame: pd.DataFrame, path: Sequence[str], journeys: int, steps: int, anchor: Anchor = "none"
) -> dict[Link, int]:
    """The links of the flow that the journeys with exactly this path take. `frame`: flow_links without groups; `steps`: as it
    was asked. Where paths end at an anchor, nothing is said of what comes after it: the path does not know."""
    named = {(int(step), str(source)) for step, source in zip(frame["step"], frame["source"], strict=True)}
    nodes = [(step, name if (step, name) in named else OTHER) for step, name in _placed(path, steps, anchor)]
    found = {
        Link(step, source, target, "move"): journeys
        for (step, source), (_next, target) in zip(nodes, nodes[1:], strict=False)
    }
    if nodes and anchor in ("none", "after"):
        step, source = nodes[-1]
        found[Link(step, source, None, "drop_off" if len(path) == len(nodes) else "continues_beyond")] = journeys
    return found


def _placed(path: Sequence[str], steps: int, anchor: Anchor) -> list[tuple[int, str]]:
    """Which name stands at which step shown: paths before an anchor end at the last, the middle between two is folded."""
    numbered = list(enumerate(path, 1))
    if anchor == "before":
        return [(place - len(path) + steps, name) for place, name in numbered[-steps:]]
    if anchor == "between" and len(path) > steps:
        head, tail = steps // 2, (steps - 1) // 2
        last = [(place - len(path) + steps, name) for place, name in numbered[-tail:]]
        return [*numbered[:head], (head + 1, FOLDED), *last]
    return numbered[:steps]
