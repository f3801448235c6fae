"""The flow as a finished picture (SVG), for files: order, colours and labels of the screen. What a tooltip says there is the title
of its mark here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import pandas as pd

from cx_metrics.charts.picture import Picture
from cx_metrics.charts.sankey import (
    FAINT,
    FOOT,
    HEAD,
    LEFT,
    NODE_GAP,
    NODE_WIDTH,
    Anchor,
    Flow,
    Link,
    Names,
    Node,
    colour_of,
    flow_of,
    labels_of,
    link_tip,
    node_tip,
    tone_of,
)
from cx_metrics.charts.theme import FONT, Reader, Tokens, tokens
from cx_metrics.safe_text import safe

PICTURE_WIDTH, PICTURE_HEIGHT = 960, 470  # pixels
Boxes = dict[Node, tuple[float, float, float]]  # of each node: from the left, from the top, its height


def sankey_picture(
    frame: pd.DataFrame,
    reader: Reader,
    names: Mapping[str, str] | None = None,
    anchor: Anchor = "none",
    branch: Mapping[Link, int] | None = None,
) -> Picture:
    """The same picture as `draw_sankey`, the branch highlighted in it too."""
    flow = flow_of(frame, anchor, branch)
    named, t = Names(reader, names or {}, anchor), tokens(reader.mode)
    width = width_of_picture(flow)
    boxes = boxes_of(flow, flow.sizes, PICTURE_HEIGHT - HEAD - FOOT, HEAD, reader.rtl)
    ends = [flow.ends[i] for i, _journeys, _on in flow.parts]
    amounts = [float(journeys) for _i, journeys, _on in flow.parts]
    out = [begin(t)]
    for part, ribbon in zip(flow.parts, ribbons(ends, amounts, flow.sizes, boxes, reader.rtl), strict=True):
        colour, opacity = colour_of(part, flow, t)
        out.append(link_mark(ribbon, colour, opacity, link_tip(part, flow, named)))
    labels = labels_of(flow, named)
    for node in flow.nodes:
        opacity = 1.0 if flow.stands_out(node) else FAINT
        out.append(
            node_mark(
                boxes[node], tone_of(node.kind, t), labels[node], node_tip(node, flow, named), reader.rtl, t, opacity
            )
        )
    out += heads(flow, width, lambda step: named.head(step, flow), reader.rtl, t)
    return Picture("".join([*out, "</g>"]), width, PICTURE_HEIGHT)


def width_of_picture(flow: Flow) -> float:
    """As wide as its columns need."""
    return float(flow.width or PICTURE_WIDTH)


def boxes_of(
    flow: Flow, sizes: Mapping[Node, float], height: float, top: float, rtl: bool, scale: float | None = None
) -> Boxes:
    """Each node as ECharts lays it out: every column from the top, gaps between, the fullest as high as there is room."""
    columns = {step: [n for n in flow.nodes if n.step == step] for step in range(1, flow.columns + 1)}
    scale = scale or scale_of(flow, sizes, height)
    found = {}
    for step, nodes in columns.items():
        at = top
        for node in nodes:
            found[node] = (_column(step, flow, rtl), at, sizes[node] * scale)
            at += sizes[node] * scale + NODE_GAP
    return found


def scale_of(flow: Flow, sizes: Mapping[Node, float], height: float) -> float:
    """Pixels of one journey, or of all where sizes are shares."""
    columns = [[n for n in flow.nodes if n.step == step] for step in range(1, flow.columns + 1)]
    rooms = ((height - NODE_GAP * (len(nodes) - 1)) / (sum(sizes[n] for n in nodes) or 1) for nodes in columns if nodes)
    return min(rooms, default=1.0)


def ribbons(
    ends: Sequence[tuple[Node, Node]], amounts: Sequence[float], sizes: Mapping[Node, float], boxes: Boxes, rtl: bool
) -> Iterator[str]:
    """The outline of each link: from the part of its source that it leaves to the part of its target that it reaches."""
    left: dict[Node, float] = {}
    reached: dict[Node, float] = {}
    for (source, target), amount in zip(ends, amounts, strict=True):
        (x0, top0, size0), (x1, top1, _size) = boxes[source], boxes[target]
        thick = amount * size0 / (sizes[source] or 1)
        y0, y1 = top0 + left.get(source, 0.0), top1 + reached.get(target, 0.0)
        left[source], reached[target] = left.get(source, 0.0) + thick, reached.get(target, 0.0) + thick
        x0, x1 = (x0, x1 + NODE_WIDTH) if rtl else (x0 + NODE_WIDTH, x1)
        middle = (x0 + x1) / 2
        yield (
            f"M{x0:.1f},{y0:.1f}C{middle:.1f},{y0:.1f} {middle:.1f},{y1:.1f} {x1:.1f},{y1:.1f}"
            f"V{y1 + thick:.1f}C{middle:.1f},{y1 + thick:.1f} {middle:.1f},{y0 + thick:.1f} {x0:.1f},{y0 + thick:.1f}Z"
        )


def begin(t: Tokens) -> str:
    """The group that holds everything, with its letters."""
    return f'<g font-family="{FONT}" font-size="12" fill="{t.text}">'


def link_mark(ribbon: str, colour: str, opacity: float, tip: Sequence[str]) -> str:
    """A move, with what its tooltip says."""
    return f'<path d="{ribbon}" fill="{colour}" fill-opacity="{opacity}">{_title(tip)}</path>'


def node_mark(
    box: tuple[float, float, float],
    colour: str,
    label: str,
    tip: Sequence[str],
    rtl: bool,
    t: Tokens,
    opacity: float = 1.0,
) -> str:
    """A node with its label beside it."""
    x, top, size = box
    at = x - 6 if rtl else x + NODE_WIDTH + 6
    halo = f'stroke="{t.surface}" stroke-width="3" stroke-linejoin="round" paint-order="stroke"'
    words = f'x="{at:.1f}" y="{top + size / 2 + 4:.1f}" text-anchor="{"end" if rtl else "start"}"'
    ink = "" if opacity == 1 else f' fill="{t.muted}"'
    bar = f'<rect x="{x:.1f}" y="{top:.1f}" width="{NODE_WIDTH}" height="{size:.1f}" fill="{colour}" fill-opacity="{opacity}">'
    return f"{bar}{_title(tip)}</rect><text {words}{ink} {halo}>{safe(label, 'html')}</text>"


def heads(flow: Flow, width: float, say: Callable[[int], str], rtl: bool, t: Tokens, top: float = 18) -> list[str]:
    """The name of each column over it."""
    found = []
    for step in range(1, flow.columns + 1):
        x = _column(step, flow, rtl) + (NODE_WIDTH if rtl else 0)
        place = f'x="{min(x, width):.1f}" y="{top}" text-anchor="{"end" if rtl else "start"}"'
        found.append(f'<text {place} fill="{t.muted}">{safe(say(step), "html")}</text>')
    return found


def _title(lines: Sequence[str]) -> str:
    return f"<title>{safe(' · '.join(lines), 'html')}</title>"


def _column(step: int, flow: Flow, rtl: bool) -> float:
    """Where a column begins, from the left."""
    width = width_of_picture(flow)
    start, end = LEFT / 100 * width, (1 - flow.right / 100) * width - NODE_WIDTH
    at = start + (end - start) * (step - 1) / max(flow.columns - 1, 1)
    return width - at - NODE_WIDTH if rtl else at
