"""How do people really move, step by step, and where do they stop? The flow of journeys as a Sankey.

One picture, drawn twice: by ECharts on the page (clicks on nodes and links come back), as plain SVG in files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import pandas as pd

from cx_metrics.charts.picture import Picture
from cx_metrics.charts.theme import FONT, LIGHT, Options, Reader, Tokens, echarts_base, tokens
from cx_metrics.safe_text import clean, cut, safe
from cx_metrics.texts import N_, NP_, Text

OTHER = "(other)"  # the name that flow_links gives the folded touchpoints
FOLDED = "..."  # and the one it gives the steps in the middle of a path that is longer than the picture
Kind = Literal["touchpoint", "folded", "other", "continues_beyond", "drop_off"]
Anchor = Literal["none", "after", "before", "between"]
_PLACE = {
    "touchpoint": 0, "folded": 1, "other": 2, "continues_beyond": 3, "drop_off": 4,
}  # from the head of a column to its foot  # fmt: skip

DROP_OFF = N_("Drop-off")
# i18n: a node: journeys that go on after the last step shown
CONTINUES = N_("Continues")
# i18n: a node: journeys that go on after the touchpoint where the picture ends
GOES_ON = N_("Goes on")
OTHER_WORD = N_("Other")
# i18n: a node: the steps in the middle, which the picture does not show one by one
IN_BETWEEN = N_("Steps in between")
STEP = N_("Step {number}")
# i18n: head of the column after the last step
AFTERWARDS = N_("Afterwards")
# i18n: head of a column: so many steps before the touchpoint where the picture ends
STEPS_BEFORE = NP_("{number} step before", "{number} steps before")
# i18n: head of the column with the touchpoint where the picture ends
PATH_END = N_("End")
OF_ALL = N_("{count_share} of all journeys")
OF_SOURCE = N_("{count_share} of those at {source}")
MEDIAN = N_("median time {duration}")
MEAN = N_("mean time {duration}")
JOURNEYS = NP_("{count} journey", "{count} journeys")
ALT = N_("Flow of {count} journeys over {steps} steps. The largest move: {source} to {target}, {largest} journeys.")

NAME_LIMITS = {3: 28, 4: 24, 5: 17, 6: 15}  # characters of a name by columns; the tooltip has the whole name
NARROWEST = 14
MOST_COLUMNS = 6  # that fit in a card; more are drawn wider, and the card scrolls
COLUMN_WIDTH, LABEL_WIDTH = 150, 160  # pixels, of a picture that scrolls
LEFT, RIGHT, HEAD, FOOT = 0.5, 19.0, 32, 6  # room around the picture: percent across, pixels down
PICTURE_WIDTH, PICTURE_HEIGHT, NODE_WIDTH, NODE_GAP = 960, 470, 10, 14  # pixels
STRAIT = "\u2060"  # word joiner: sets equal labels apart without being seen


class Node(NamedTuple):
    """A touchpoint at a step, the steps folded in the middle, or what stands at its foot: other, continues, drop-off."""

    step: int
    touchpoint: str
    kind: Kind


class Link(NamedTuple):
    """A move from a touchpoint at `step` to one at the next; `target` is None where it ends or goes beyond."""

    step: int
    source: str
    target: str | None
    kind: str


@dataclass(frozen=True)
class SankeyFigure:
    """The options for st.echarts_chart; `nodes` and `links` in the order of the picture, so that a click finds them.

    `journeys`: how many it shows. `width`: pixels it needs where that is more than a card has; else None.
    """

    options: Options
    nodes: list[Node]
    links: list[Link]
    alt: str
    journeys: int = 0
    width: int | None = None


@dataclass(frozen=True)
class _Flow:
    """The frame as a graph: nodes in their fixed order with their sizes, links with their ends."""

    nodes: list[Node]
    order: dict[Node, int]
    sizes: dict[Node, int]
    links: list[Link]
    ends: list[tuple[Node, Node]]
    journeys: list[int]
    times: list[tuple[str, float] | None]  # of each link: median or mean, and its seconds
    columns: int
    last: int  # the last step that has touchpoints
    total: int  # journeys that enter, at whichever step
    anchor: Anchor

    @property
    def width(self) -> int | None:
        return self.columns * COLUMN_WIDTH + LABEL_WIDTH if self.columns > MOST_COLUMNS else None

    @property
    def right(self) -> float:
        """Room for the labels of the last column, in percent of the width."""
        return RIGHT if self.width is None else round(LABEL_WIDTH / self.width * 100, 1)


def draw_sankey(
    frame: pd.DataFrame,
    reader: Reader,
    names: Mapping[str, str] | None = None,
    picked: Node | None = None,
    anchor: Anchor = "none",
) -> SankeyFigure:
    """The flow as ECharts options. `frame`: flow_links without groups; `names`: touchpoints in the reader's words.

    Per column by size, then other, continues and drop-off at the foot; this order holds under every filter. Labels are
    the ids of the nodes: ECharts shows an id as it is, while a label formatter would read the name as a template.
    `picked` marks a node that was chosen outside the picture. A right-to-left reader gets it mirrored.

    `anchor`: paths "after" a touchpoint begin in the first column, paths "before" one end in the last (shorter ones begin
    further on), paths "between" two have their middle folded where they are longer than the picture.
    """
    flow = _flow(frame, anchor)
    named = _Names(reader, names or {}, anchor)
    t = tokens(reader.mode)
    labels = _labels(flow, named)
    series: Options = {
        "type": "sankey",
        "data": [_node_options(node, flow, named, labels[node], picked, t) for node in flow.nodes],
        "links": [_link_options(i, flow, named, t) for i in range(len(flow.links))],
        "selectedMode": "single",
        "draggable": False,
        "nodeWidth": NODE_WIDTH,
        "nodeGap": NODE_GAP,
        "layoutIterations": 0,
        "nodeAlign": "justify",
        "top": HEAD,
        "bottom": FOOT,
        "left": f"{flow.right if reader.rtl else LEFT}%",
        "right": f"{LEFT if reader.rtl else flow.right}%",
        "emphasis": {"focus": "adjacency", "lineStyle": {"opacity": 0.55}},
        "select": {"itemStyle": {"borderColor": t.text, "borderWidth": 2}},
        "label": {
            "position": "left" if reader.rtl else "right",
            "color": t.text,
            "fontFamily": FONT,
            "fontSize": 12,
            "distance": 6,
            "textBorderColor": t.surface,
            "textBorderWidth": 3,
        },
    }
    options = echarts_base(reader) | {"title": _heads(flow, named, t), "series": [series]}
    return SankeyFigure(options, flow.nodes, flow.links, _alt(flow, named), flow.total, flow.width)


def sankey_picture(
    frame: pd.DataFrame, reader: Reader, names: Mapping[str, str] | None = None, anchor: Anchor = "none"
) -> Picture:
    """The same picture as SVG, for files: same order, colours and labels; what a tooltip says is the title of its mark."""
    flow = _flow(frame, anchor)
    named = _Names(reader, names or {}, anchor)
    t = tokens(reader.mode)
    boxes, width = _boxes(flow, reader.rtl)
    labels = _labels(flow, named)
    side = "end" if reader.rtl else "start"
    out = [f'<g font-family="{FONT}" font-size="12" fill="{t.text}">']
    for i, (ends, ribbon) in enumerate(zip(flow.ends, _ribbons(flow, boxes, reader.rtl), strict=True)):
        colour, opacity = _colour(*ends, t)
        out.append(
            f'<path d="{ribbon}" fill="{colour}" fill-opacity="{opacity}">{_title(_link_tip(i, flow, named))}</path>'
        )
    for node in flow.nodes:
        x, top, size = boxes[node]
        tip = _title(_node_tip(node, flow, named))
        out.append(
            f'<rect x="{x:.1f}" y="{top:.1f}" width="{NODE_WIDTH}" height="{size:.1f}" fill="{_tone(node.kind, t)}">{tip}</rect>'
        )
        at = x - 6 if reader.rtl else x + NODE_WIDTH + 6
        halo = f'stroke="{t.surface}" stroke-width="3" stroke-linejoin="round" paint-order="stroke"'
        place = f'x="{at:.1f}" y="{top + size / 2 + 4:.1f}" text-anchor="{side}"'
        out.append(f"<text {place} {halo}>{safe(labels[node], 'html')}</text>")
    for step in range(1, flow.columns + 1):
        x = _column(step, flow, width, reader.rtl) + (NODE_WIDTH if reader.rtl else 0)
        head = safe(named.head(step, flow), "html")
        out.append(f'<text x="{x:.1f}" y="18" text-anchor="{side}" fill="{t.muted}">{head}</text>')
    return Picture("".join([*out, "</g>"]), width, PICTURE_HEIGHT)


class _Names:
    """How nodes are called in the reader's language."""

    def __init__(self, reader: Reader, names: Mapping[str, str], anchor: Anchor) -> None:
        self.reader, self.names, self.anchor = reader, names, anchor

    def node(self, node: Node) -> str:
        beyond = GOES_ON if self.anchor in ("before", "between") else CONTINUES
        fixed = {"drop_off": DROP_OFF, "continues_beyond": beyond, "other": OTHER_WORD, "folded": IN_BETWEEN}
        word = fixed.get(node.kind)
        return self.reader.say(word) if word else clean(self.names.get(node.touchpoint, node.touchpoint))

    def head(self, step: int, flow: _Flow) -> str:
        before = flow.last - step
        if before < 0:
            said = self.reader.say(AFTERWARDS)
        elif self.anchor != "before":
            said = self.reader.say(Text(STEP, {"number": step}))
        elif before:
            said = self.reader.say(Text(STEPS_BEFORE[0], {"number": before}, many=STEPS_BEFORE[1], count=before))
        else:
            said = self.reader.say(PATH_END)
        return self.reader.isolate(said) if self.reader.rtl else said

    def journeys(self, count: int) -> str:
        return self.reader.say(Text(JOURNEYS[0], {"count": count}, many=JOURNEYS[1], count=count))


def _flow(frame: pd.DataFrame, anchor: Anchor) -> _Flow:
    rows = frame.loc[frame["journeys"] > 0].to_dict("records")
    arriving: dict[Node, int] = {}
    leaving: dict[Node, int] = {}
    moves: list[tuple[Link, Node, Node, int, tuple[str, float] | None]] = []
    for row in rows:
        step, source, kind, journeys = int(row["step"]), str(row["source"]), str(row["kind"]), int(row["journeys"])
        start = Node(step, source, _kind(source, "move"))
        target = str(row["target"]) if kind == "move" else None
        end = Node(step + 1, target or "", _kind(target, kind))
        leaving[start] = leaving.get(start, 0) + journeys
        arriving[end] = arriving.get(end, 0) + journeys
        moves.append((Link(step, source, target, kind), start, end, journeys, _time(row)))
    sizes = arriving | leaving  # all that arrives leaves; what leaves and did not arrive begins there
    nodes = sorted(sizes, key=lambda n: (n.step, _PLACE[n.kind], -sizes[n], n.touchpoint))
    order = {node: i for i, node in enumerate(nodes)}
    moves.sort(key=lambda m: (order[m[1]], order[m[2]]))
    last = max((n.step for n in nodes if n.kind in ("touchpoint", "folded", "other")), default=1)
    return _Flow(
        nodes, order, sizes, [m[0] for m in moves], [(m[1], m[2]) for m in moves], [m[3] for m in moves], [m[4] for m in moves],
        columns=max((n.step for n in nodes), default=1), last=last,
        total=sum(size - arriving.get(node, 0) for node, size in sizes.items()), anchor=anchor,
    )  # fmt: skip


def _kind(target: str | None, kind: str) -> Kind:
    if kind == "drop_off":
        return "drop_off"
    if kind == "continues_beyond":
        return "continues_beyond"
    if target == FOLDED:
        return "folded"
    return "other" if target == OTHER else "touchpoint"


def _time(row: Mapping[Any, Any]) -> tuple[str, float] | None:
    """How long the move takes: the median where it is known, else the mean; a move that ends a path takes no time."""
    for column, words in (("median_seconds", MEDIAN), ("mean_seconds", MEAN)):
        seconds = row.get(column)
        if not pd.isna(seconds):
            return words, float(seconds)
    return None


def _node_options(node: Node, flow: _Flow, named: _Names, label: str, picked: Node | None, t: Tokens) -> Options:
    depth = flow.columns - node.step if named.reader.rtl else node.step - 1
    item: Options = {"color": _tone(node.kind, t), "borderWidth": 0}
    if node == picked:
        item |= {"borderColor": t.text, "borderWidth": 2}
    tip = {"formatter": "<br>".join(_echarts_tip(_node_tip(node, flow, named)))}
    key = f"{node.step}|{node.kind}|{node.touchpoint}"
    return {"id": label, "name": key, "depth": depth, "itemStyle": item, "tooltip": tip}


def _link_options(i: int, flow: _Flow, named: _Names, t: Tokens) -> Options:
    source, target = flow.ends[i]
    colour, opacity = _colour(source, target, t)
    start, end = (target, source) if named.reader.rtl else (source, target)
    return {
        "source": flow.order[start],
        "target": flow.order[end],
        "value": flow.journeys[i],
        "lineStyle": {"color": colour, "opacity": opacity},
        "tooltip": {"formatter": "<br>".join(_echarts_tip(_link_tip(i, flow, named)))},
    }


def _heads(flow: _Flow, named: _Names, t: Tokens) -> list[Options]:
    style = {"fontSize": 12, "fontWeight": "normal", "color": t.muted, "fontFamily": FONT}
    side = "right" if named.reader.rtl else "left"
    width = (100 - LEFT - flow.right) / max(flow.columns - 1, 1)
    return [
        {side: f"{LEFT + (step - 1) * width:.1f}%", "top": 7, "text": named.head(step, flow), "padding": 0, "textStyle": style}
        for step in range(1, flow.columns + 1)
    ]  # fmt: skip


def _room(columns: int) -> int:
    """How many letters of a name fit beside a node, so that it does not reach the next column."""
    return next((limit for most, limit in NAME_LIMITS.items() if columns <= most), NARROWEST)


def _label(node: Node, flow: _Flow, named: _Names) -> str:
    reader = named.reader
    name = safe(cut(named.node(node), _room(flow.columns)), "canvas", limit=0, isolate=reader.rtl)
    label = (
        f"{name}  {reader.isolate(reader.number(flow.sizes[node])) if reader.rtl else reader.number(flow.sizes[node])}"
    )
    return reader.isolate(label) if reader.rtl else label


def _labels(flow: _Flow, named: _Names) -> dict[Node, str]:
    """A label for every node; equal ones (same name and size at two steps) are told apart by a sign nobody sees."""
    labels: dict[Node, str] = {}
    taken: set[str] = set()
    for node in flow.nodes:
        label = _label(node, flow, named)
        while label in taken:
            label += STRAIT
        taken.add(label)
        labels[node] = label
    return labels


def _node_tip(node: Node, flow: _Flow, named: _Names) -> list[str]:
    say, size = named.reader.say, flow.sizes[node]
    return [named.node(node), named.journeys(size), say(Text(OF_ALL, {"count_share": size / (flow.total or 1)}))]


def _link_tip(i: int, flow: _Flow, named: _Names) -> list[str]:
    source, target = flow.ends[i]
    reader, journeys = named.reader, flow.journeys[i]
    arrow = "←" if reader.rtl else "→"
    of_source = {"count_share": journeys / flow.sizes[source], "source": named.node(source)}
    lines = [
        f"{named.node(source)} {arrow} {named.node(target)}",
        named.journeys(journeys),
        reader.say(Text(OF_SOURCE, of_source)),
        reader.say(Text(OF_ALL, {"count_share": journeys / (flow.total or 1)})),
    ]
    time = flow.times[i]
    if time is not None:
        lines.append(reader.say(Text(time[0], {"duration": reader.duration(time[1])})))
    return lines


def _echarts_tip(lines: list[str]) -> list[str]:
    return [f"<b>{safe(lines[0], 'echarts')}</b>", *(safe(line, "echarts") for line in lines[1:])]


def _title(lines: list[str]) -> str:
    return f"<title>{safe(' · '.join(lines), 'html')}</title>"


def _alt(flow: _Flow, named: _Names) -> str:
    moves = [i for i, link in enumerate(flow.links) if link.kind == "move"]
    if not moves:
        return named.journeys(flow.total)
    largest = max(moves, key=lambda i: flow.journeys[i])
    source, target = flow.ends[largest]
    values: dict[str, Any] = {
        "count": flow.total, "steps": flow.last, "source": named.node(source), "target": named.node(target),
        "largest": flow.journeys[largest],
    }  # fmt: skip
    return named.reader.say(Text(ALT, values))


def _tone(kind: Kind, t: Tokens) -> str:
    return {"other": t.other, "folded": t.other, "drop_off": t.drop_off}.get(kind, t.accent)


def _colour(source: Node, target: Node, t: Tokens) -> tuple[str, float]:
    """Colour and opacity of a link: drop-off has its own, whatever goes through folded names or steps is grey."""
    if target.kind == "drop_off":
        return t.drop_off, 0.30
    if {"other", "folded"} & {source.kind, target.kind}:
        return t.other, 0.22
    return t.accent, 0.24 if t is LIGHT else 0.30


def _column(step: int, flow: _Flow, width: float, rtl: bool) -> float:
    """Where a column begins, from the left."""
    start, end = LEFT / 100 * width, (1 - flow.right / 100) * width - NODE_WIDTH
    at = start + (end - start) * (step - 1) / max(flow.columns - 1, 1)
    return width - at - NODE_WIDTH if rtl else at


def _boxes(flow: _Flow, rtl: bool) -> tuple[dict[Node, tuple[float, float, float]], float]:
    """Each node as ECharts lays it out: from the left, from the top, its height; and how wide the picture is."""
    columns = {step: [n for n in flow.nodes if n.step == step] for step in range(1, flow.columns + 1)}
    inside, width = PICTURE_HEIGHT - HEAD - FOOT, float(flow.width or PICTURE_WIDTH)
    scale = min(
        (
            (inside - NODE_GAP * (len(nodes) - 1)) / (sum(flow.sizes[n] for n in nodes) or 1)
            for nodes in columns.values()
            if nodes
        ),
        default=1.0,
    )
    boxes = {}
    for step, nodes in columns.items():
        top = float(HEAD)
        for node in nodes:
            boxes[node] = (_column(step, flow, width, rtl), top, flow.sizes[node] * scale)
            top += flow.sizes[node] * scale + NODE_GAP
    return boxes, width


def _ribbons(flow: _Flow, boxes: Mapping[Node, tuple[float, float, float]], rtl: bool) -> list[str]:
    """The outline of each link: from the part of its source that it leaves to the part of its target that it reaches."""
    left: dict[Node, float] = {}
    reached: dict[Node, float] = {}
    found = []
    for (source, target), journeys in zip(flow.ends, flow.journeys, strict=True):
        (x0, top0, size0), (x1, top1, _size) = boxes[source], boxes[target]
        thick = journeys * size0 / (flow.sizes[source] or 1)
        y0, y1 = top0 + left.get(source, 0.0), top1 + reached.get(target, 0.0)
        left[source], reached[target] = left.get(source, 0.0) + thick, reached.get(target, 0.0) + thick
        x0, x1 = (x0, x1 + NODE_WIDTH) if rtl else (x0 + NODE_WIDTH, x1)
        middle = (x0 + x1) / 2
        found.append(
            f"M{x0:.1f},{y0:.1f}C{middle:.1f},{y0:.1f} {middle:.1f},{y1:.1f} {x1:.1f},{y1:.1f}"
            f"V{y1 + thick:.1f}C{middle:.1f},{y1 + thick:.1f} {middle:.1f},{y0 + thick:.1f} {x0:.1f},{y0 + thick:.1f}Z"
        )
    return found
