"""Do two groups go other ways? The flow of A over that of B: same nodes, same order, same places, shares on one scale."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cx_metrics.charts.letters import fitting, width_of
from cx_metrics.charts.picture import Picture
from cx_metrics.charts.sankey import (
    FOOT,
    HEAD,
    LABEL_DISTANCE,
    LABEL_SIZE,
    LEFT,
    NODE_WIDTH,
    STRAIT,
    Anchor,
    Flow,
    Names,
    Node,
    SankeyFigure,
    flow_of,
    heads_of,
    room_of,
)
from cx_metrics.charts.sankey_picture import (
    begin,
    boxes_of,
    heads,
    link_mark,
    node_mark,
    ribbons,
    scale_of,
    width_of_picture,
)
from cx_metrics.charts.theme import FONT, Options, Reader, Tokens, echarts_base, tokens
from cx_metrics.safe_text import safe
from cx_metrics.texts import N_, Text

EACH, BETWEEN = 330, 40  # pixels of one flow, and between the two
BOTH_HEIGHT = HEAD + 2 * EACH + BETWEEN + FOOT
NARROWEST_OF_BOTH = 1_000  # pixels: it has the width of the page, and scrolls where that is less (style.css)
SIDES = ("a", "b")
SHARES = N_("{a_share} of A, {b_share} of B")
NAMED = {"a": N_("A: {who}"), "b": N_("B: {who}")}
ALT = N_("Two flows on one scale, A over B: {a} and {b}.")


def draw_both(frame: pd.DataFrame, reader: Reader, who: tuple[str, str], anchor: Anchor = "none") -> SankeyFigure:
    """Both flows as ECharts options. `frame`: flow_links of A against B (journeys and share of either); `who`: what A and B are
    called. A node or link that one side does not have keeps its place there, with 0."""
    flow, parts = _together(frame, anchor)
    named, t = Names(reader, {}, anchor), tokens(reader.mode)
    series = [_series(side, i, flow, parts, named, t) for i, side in enumerate(SIDES)]
    options = echarts_base(reader) | {"title": [*heads_of(flow, named, t), *_titles(reader, who, t)], "series": series}
    alt = reader.say(Text(ALT, {"a": who[0], "b": who[1]}))
    return SankeyFigure(options, [], [], alt, flow.total, flow.width)


def picture_both(frame: pd.DataFrame, reader: Reader, who: tuple[str, str], anchor: Anchor = "none") -> Picture:
    """The same as a finished picture, for files."""
    flow, shares = _together(frame, anchor)
    named, t = Names(reader, {}, anchor), tokens(reader.mode)
    both, width = _sizes(flow, shares), width_of_picture(flow)
    of = {side: {node: both[node][side] for node in flow.nodes} for side in SIDES}
    scale = min(scale_of(flow, of[side], EACH - BETWEEN) for side in SIDES)
    out = [begin(t), *heads(flow, width, lambda step: named.head(step, flow), reader.rtl, t)]
    for i, side in enumerate(SIDES):
        top = HEAD + BETWEEN / 2 + i * (EACH + BETWEEN)
        boxes = boxes_of(flow, of[side], EACH - BETWEEN, top, reader.rtl, scale)
        colour = t.group_a if side == "a" else t.group_b
        at = f'x="{width if reader.rtl else 0:.1f}" y="{top - 8:.1f}" text-anchor="{"end" if reader.rtl else "start"}"'
        title = reader.say(Text(NAMED[side], {"who": who[i]}))
        out.append(f'<text {at} font-weight="600" fill="{colour}">{safe(title, "html")}</text>')
        amounts = [shares[tuple(link)][side] for link in flow.links]
        drawn = ribbons(flow.ends, amounts, of[side], boxes, reader.rtl)
        for link, (source, target), ribbon in zip(flow.links, flow.ends, drawn, strict=True):
            tip = [
                f"{named.node(source)} {'←' if reader.rtl else '→'} {named.node(target)}",
                _both_shares(reader, shares[tuple(link)]),
            ]
            out.append(link_mark(ribbon, t.drop_off if target.kind == "drop_off" else colour, 0.28, tip))
        for node in flow.nodes:
            tone = t.drop_off if node.kind == "drop_off" else t.other if node.kind in ("other", "folded") else colour
            label = _label(node, of[side][node], flow, named)
            out.append(
                node_mark(boxes[node], tone, label, [named.node(node), _both_shares(reader, both[node])], reader.rtl, t)
            )
    return Picture("".join([*out, "</g>"]), width, BOTH_HEIGHT)


def _together(frame: pd.DataFrame, anchor: Anchor) -> tuple[Flow, dict[Any, dict[str, float]]]:
    """The flow of A and B as one, which gives nodes and their order; and the shares of either side by link."""
    both = frame.assign(journeys=frame["journeys_a"] + frame["journeys_b"], median_seconds=None, mean_seconds=None)
    flow = flow_of(both, anchor)
    shares = {}
    for row in frame.to_dict("records"):
        target = str(row["target"]) if row["kind"] == "move" else None
        known = {side: 0.0 if pd.isna(row[f"share_{side}"]) else float(row[f"share_{side}"]) for side in SIDES}
        shares[int(row["step"]), str(row["source"]), target, str(row["kind"])] = known
    return flow, shares


def _series(
    side: str, i: int, flow: Flow, shares: dict[Any, dict[str, float]], named: Names, t: Tokens
) -> Options:  # fmt: skip
    reader = named.reader
    sizes = _sizes(flow, shares)
    top = HEAD + BETWEEN / 2 + i * (EACH + BETWEEN)
    colour = t.group_a if side == "a" else t.group_b
    taken: set[str] = set()
    data = []
    for node in flow.nodes:
        label = _label(node, sizes[node][side], flow, named)
        while label in taken:
            label += STRAIT
        taken.add(label)
        tip = [f"<b>{safe(named.node(node), 'echarts')}</b>", safe(_both_shares(reader, sizes[node]), "echarts")]
        tone = t.drop_off if node.kind == "drop_off" else t.other if node.kind in ("other", "folded") else colour
        depth = flow.columns - node.step if reader.rtl else node.step - 1
        data.append({"id": label, "name": f"{node.step}|{node.kind}|{node.touchpoint}", "depth": depth,
                     "itemStyle": {"color": tone, "borderWidth": 0}, "tooltip": {"formatter": "<br>".join(tip)}})  # fmt: skip
    links = []
    for link, (source, target) in zip(flow.links, flow.ends, strict=True):
        share = shares[tuple(link)]
        start, end = (target, source) if reader.rtl else (source, target)
        arrow = "←" if reader.rtl else "→"
        tip = [f"<b>{safe(f'{named.node(source)} {arrow} {named.node(target)}', 'echarts')}</b>",
               safe(_both_shares(reader, share), "echarts")]  # fmt: skip
        tone = t.drop_off if target.kind == "drop_off" else colour
        links.append({"source": flow.order[start], "target": flow.order[end], "value": share[side],
                      "lineStyle": {"color": tone, "opacity": 0.28}, "tooltip": {"formatter": "<br>".join(tip)}})  # fmt: skip
    return {
        "type": "sankey", "data": data, "links": links, "draggable": False, "nodeWidth": NODE_WIDTH, "nodeGap": 12,
        "layoutIterations": 0, "nodeAlign": "justify", "top": top, "height": EACH - BETWEEN / 2,
        "left": f"{flow.right if reader.rtl else LEFT}%", "right": f"{LEFT if reader.rtl else flow.right}%",
        "emphasis": {"focus": "adjacency", "lineStyle": {"opacity": 0.55}},
        "label": {"position": "left" if reader.rtl else "right", "color": t.text, "fontFamily": FONT, "fontSize": LABEL_SIZE,
                  "distance": LABEL_DISTANCE, "textBorderColor": t.surface, "textBorderWidth": 3},
    }  # fmt: skip


def _sizes(flow: Flow, shares: dict[Any, dict[str, float]]) -> dict[Node, dict[str, float]]:
    """The share of the journeys of either side at each node: what leaves it, or what arrives where nothing does."""
    leaving: dict[Node, dict[str, float]] = {}
    arriving: dict[Node, dict[str, float]] = {}
    for link, (source, target) in zip(flow.links, flow.ends, strict=True):
        for found, node in ((leaving, source), (arriving, target)):
            size = found.setdefault(node, dict.fromkeys(SIDES, 0.0))
            for side in SIDES:
                size[side] += shares[tuple(link)][side]
    return arriving | leaving


def _label(node: Node, share: float, flow: Flow, named: Names) -> str:
    reader = named.reader
    number = reader.percent(share)
    room = room_of(node, flow, NARROWEST_OF_BOTH) - width_of(f"  {number}", LABEL_SIZE)
    name = safe(fitting(named.node(node), room, LABEL_SIZE), "canvas", limit=0, isolate=reader.rtl)
    label = f"{name}  {reader.isolate(number) if reader.rtl else number}"
    return reader.isolate(label) if reader.rtl else label


def _both_shares(reader: Reader, share: dict[str, float]) -> str:
    return reader.say(Text(SHARES, {"a_share": share["a"], "b_share": share["b"]}))


def _titles(reader: Reader, who: tuple[str, str], t: Tokens) -> list[Options]:
    """A: who, over the upper flow; B: who, over the lower one."""
    style = {"fontSize": 13, "fontWeight": 600, "fontFamily": FONT}
    edge = "right" if reader.rtl else "left"
    return [
        {edge: f"{LEFT}%", "top": HEAD - 6 + i * (EACH + BETWEEN), "padding": 0,
         "text": safe(reader.say(Text(NAMED[side], {"who": who[i]})), "canvas"),
         "textStyle": style | {"color": t.group_a if side == "a" else t.group_b}}
        for i, side in enumerate(SIDES)
    ]  # fmt: skip
