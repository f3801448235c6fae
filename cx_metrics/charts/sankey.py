"""How do people really move, step by step, and where do they stop? The flow of journeys as a Sankey.

One picture, drawn twice: by ECharts on the page (clicks on nodes and links come back), as plain SVG in files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import pandas as pd

from cx_metrics.charts.letters import fitting, width_of
from cx_metrics.charts.theme import FONT, LIGHT, Options, Reader, Tokens, echarts_base, tokens
from cx_metrics.safe_text import clean, safe
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
ON_IT = NP_("{count} journey of those highlighted", "{count} journeys of those highlighted")
ALT = N_("Flow of {count} journeys over {steps} steps. The largest move: {source} to {target}, {largest} journeys.")

MOST_COLUMNS = 6  # that fit in a card; more are drawn wider, and the card scrolls
COLUMN_WIDTH, LABEL_WIDTH = 150, 160  # pixels, of a picture that scrolls
NARROWEST = 680  # pixels of a picture that does not scroll; narrower cards scroll (style.css)
LEFT, RIGHT, HEAD, FOOT = 0.5, 17.0, 32, 6  # room around the picture: percent across, pixels down
LABEL_SIZE, NODE_WIDTH, NODE_GAP, LABEL_DISTANCE, LABEL_GAP = 12, 10, 14, 6, 4  # pixels
ON_BRANCH, OFF_BRANCH, FAINT = 0.72, 0.07, 0.35  # opacity of links on a branch, of the others, and of nodes beside it
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
    """The options for st.echarts_chart; `nodes` and `links` in the order of the picture, so that a click finds them. A link of
    which a part is highlighted stands there twice, the highlighted part first.

    `journeys`: how many it shows. `width`: pixels it needs where that is more than a card has; else None.
    """

    options: Options
    nodes: list[Node]
    links: list[Link]
    alt: str
    journeys: int = 0
    width: int | None = None


@dataclass(frozen=True)
class Flow:
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
    parts: list[tuple[int, int, bool]]  # what is drawn: the place of a link, journeys, whether they are highlighted
    branch: frozenset[Node] | None = None  # the nodes that are highlighted, if any are

    def stands_out(self, node: Node) -> bool:
        """Whether nothing is highlighted, or the node is."""
        return self.branch is None or node in self.branch

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
    branch: Mapping[Link, int] | None = None,
) -> SankeyFigure:
    """The flow as ECharts options. `frame`: flow_links without groups; `names`: touchpoints in the reader's words.

    Per column by size, then other, continues and drop-off at the foot; this order holds under every filter. Labels are
    the ids of the nodes: ECharts shows an id as it is, while a label formatter would read the name as a template.
    `picked` marks a node that was chosen. A right-to-left reader gets it mirrored. `branch`: links to highlight, each with the
    number of its journeys that are; the rest of the picture keeps its size and place, and steps back.

    `anchor`: paths "after" a touchpoint begin in the first column, paths "before" one end in the last (shorter ones begin
    further on), paths "between" two have their middle folded where they are longer than the picture.
    """
    flow = flow_of(frame, anchor, branch)
    named = Names(reader, names or {}, anchor)
    t = tokens(reader.mode)
    labels = labels_of(flow, named)
    series: Options = {
        "type": "sankey",
        "data": [_node_options(node, flow, named, labels[node], picked, t) for node in flow.nodes],
        "links": [_link_options(part, flow, named, t) for part in flow.parts],
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
            "fontSize": LABEL_SIZE,
            "distance": LABEL_DISTANCE,
            "textBorderColor": t.surface,
            "textBorderWidth": 3,
        },
    }
    options = echarts_base(reader) | {"title": heads_of(flow, named, t), "series": [series]}
    links = [flow.links[i] for i, _journeys, _on in flow.parts]
    return SankeyFigure(options, flow.nodes, links, _alt(flow, named), flow.total, flow.width)


class Names:
    """How nodes are called in the reader's language."""

    def __init__(self, reader: Reader, names: Mapping[str, str], anchor: Anchor) -> None:
        self.reader, self.names, self.anchor = reader, names, anchor

    def node(self, node: Node) -> str:
        beyond = GOES_ON if self.anchor in ("before", "between") else CONTINUES
        fixed = {"drop_off": DROP_OFF, "continues_beyond": beyond, "other": OTHER_WORD, "folded": IN_BETWEEN}
        word = fixed.get(node.kind)
        return self.reader.say(word) if word else clean(self.names.get(node.touchpoint, node.touchpoint))

    def head(self, step: int, flow: Flow) -> str:
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


def flow_of(frame: pd.DataFrame, anchor: Anchor, branch: Mapping[Link, int] | None = None) -> Flow:
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
    parts, highlighted = _parts(moves, branch)
    last = max((n.step for n in nodes if n.kind in ("touchpoint", "folded", "other")), default=1)
    return Flow(
        nodes, order, sizes, [m[0] for m in moves], [(m[1], m[2]) for m in moves], [m[3] for m in moves], [m[4] for m in moves],
        columns=max((n.step for n in nodes), default=1), last=last,
        total=sum(size - arriving.get(node, 0) for node, size in sizes.items()), anchor=anchor,
        parts=parts, branch=highlighted,
    )  # fmt: skip


def _parts(
    moves: list[tuple[Link, Node, Node, int, tuple[str, float] | None]], branch: Mapping[Link, int] | None
) -> tuple[list[tuple[int, int, bool]], frozenset[Node] | None]:
    """What is drawn: each link, or its highlighted part and the rest; and the nodes at the ends of what is highlighted."""
    if branch is None:
        return [(i, move[3], False) for i, move in enumerate(moves)], None
    parts: list[tuple[int, int, bool]] = []
    nodes: set[Node] = set()
    for i, (link, start, end, journeys, _took) in enumerate(moves):
        on = min(branch.get(link, 0), journeys)
        parts += [(i, n, is_on) for n, is_on in ((on, True), (journeys - on, False)) if n]
        nodes |= {start, end} if on else set()
    return parts, frozenset(nodes)


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


def _node_options(node: Node, flow: Flow, named: Names, label: str, picked: Node | None, t: Tokens) -> Options:
    depth = flow.columns - node.step if named.reader.rtl else node.step - 1
    item: Options = {"color": tone_of(node.kind, t), "borderWidth": 0}
    beside = {} if flow.stands_out(node) else {"label": {"color": t.muted}}
    if beside:
        item |= {"opacity": FAINT}
    if node == picked:
        item |= {"borderColor": t.text, "borderWidth": 2}
    tip = {"formatter": "<br>".join(_echarts_tip(node_tip(node, flow, named)))}
    key = f"{node.step}|{node.kind}|{node.touchpoint}"
    return {"id": label, "name": key, "depth": depth, "itemStyle": item, "tooltip": tip} | beside


def _link_options(part: tuple[int, int, bool], flow: Flow, named: Names, t: Tokens) -> Options:
    i, journeys, _on = part
    source, target = flow.ends[i]
    colour, opacity = colour_of(part, flow, t)
    start, end = (target, source) if named.reader.rtl else (source, target)
    return {
        "source": flow.order[start],
        "target": flow.order[end],
        "value": journeys,
        "lineStyle": {"color": colour, "opacity": opacity},
        "tooltip": {"formatter": "<br>".join(_echarts_tip(link_tip(part, flow, named)))},
    }


def heads_of(flow: Flow, named: Names, t: Tokens) -> list[Options]:
    style = {"fontSize": 12, "fontWeight": "normal", "color": t.muted, "fontFamily": FONT}
    side = "right" if named.reader.rtl else "left"
    width = (100 - LEFT - flow.right) / max(flow.columns - 1, 1)
    return [
        {side: f"{LEFT + (step - 1) * width:.1f}%", "top": 7, "text": named.head(step, flow), "padding": 0, "textStyle": style}
        for step in range(1, flow.columns + 1)
    ]  # fmt: skip


def room_of(node: Node, flow: Flow, narrowest: int = NARROWEST) -> float:
    """Pixels for the label of a node, up to the next column or the edge of the narrowest picture."""
    width = flow.width or narrowest
    beside = width * flow.right / 100
    if node.step < flow.columns:
        across = width * (1 - LEFT / 100) - beside - NODE_WIDTH
        beside = across / (flow.columns - 1) - NODE_WIDTH
    return beside - LABEL_DISTANCE - LABEL_GAP


def _label(node: Node, flow: Flow, named: Names) -> str:
    """Name and number of journeys; the name is cut where the next column begins."""
    reader = named.reader
    number = reader.number(flow.sizes[node])
    room = room_of(node, flow) - width_of(f"  {number}", LABEL_SIZE)
    name = safe(fitting(named.node(node), room, LABEL_SIZE), "canvas", limit=0, isolate=reader.rtl)
    label = f"{name}  {reader.isolate(number) if reader.rtl else number}"
    return reader.isolate(label) if reader.rtl else label


def labels_of(flow: Flow, named: Names) -> dict[Node, str]:
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


def node_tip(node: Node, flow: Flow, named: Names) -> list[str]:
    say, size = named.reader.say, flow.sizes[node]
    return [named.node(node), named.journeys(size), say(Text(OF_ALL, {"count_share": size / (flow.total or 1)}))]


def link_tip(part: tuple[int, int, bool], flow: Flow, named: Names) -> list[str]:
    i, highlighted, is_on = part
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
    if is_on:
        lines.insert(1, reader.say(Text(ON_IT[0], {"count": highlighted}, many=ON_IT[1], count=highlighted)))
    time = flow.times[i]
    if time is not None:
        lines.append(reader.say(Text(time[0], {"duration": reader.duration(time[1])})))
    return lines


def _echarts_tip(lines: list[str]) -> list[str]:
    return [f"<b>{safe(lines[0], 'echarts')}</b>", *(safe(line, "echarts") for line in lines[1:])]


def _alt(flow: Flow, named: Names) -> str:
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


def tone_of(kind: Kind, t: Tokens) -> str:
    return {"other": t.other, "folded": t.other, "drop_off": t.drop_off}.get(kind, t.accent)


def colour_of(part: tuple[int, int, bool], flow: Flow, t: Tokens) -> tuple[str, float]:
    """Colour and opacity of a link: drop-off has its own, whatever goes through folded names or steps is grey."""
    i, _journeys, is_on = part
    source, target = flow.ends[i]
    if target.kind == "drop_off":
        colour, opacity = t.drop_off, 0.30
    elif {"other", "folded"} & {source.kind, target.kind}:
        colour, opacity = t.other, 0.22
    else:
        colour, opacity = t.accent, 0.24 if t is LIGHT else 0.30
    if flow.branch is not None:
        opacity = ON_BRANCH if is_on else OFF_BRANCH
    return colour, opacity
