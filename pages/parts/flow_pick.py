"""The node or link of the flow that the reader looks at, or the whole path: kept in the address, so that a link opens it again.

A node or link is held by the options of `flow_branch`, a path by `flow.path`; never both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from cx_metrics.charts.sankey import FOLDED, OTHER, Link, Node, SankeyFigure
from cx_metrics.findings_branch import named
from cx_metrics.options import Way
from cx_metrics.segments import condition_of, print_condition
from cx_metrics.texts import N_, Text
from cx_metrics.view import Member, Passing, View
from pages.parts import state
from pages.parts.flow_rules import Rules
from pages.parts.language import PageReader
from pages.parts.page import Page

BRANCH, STARTS = "flow_branch", {"step": "1", "source": "", "target": "", "kind": "any"}
ENDS_HERE, GOES_ON = N_("Drop-off"), N_("Continues")


@dataclass(frozen=True)
class Pick:
    """A node (`step`, `source`), a link (with `target`, or the `kind` of its end), or the foot of a column (`kind` alone)."""

    step: int
    source: str = ""
    target: str = ""
    kind: str = "any"

    @property
    def options(self) -> dict[str, Any]:
        """As options of the metrics of a branch."""
        return {"step": self.step, "source": self.source, "target": self.target, "kind": self.kind}

    def passing(self, rules: Rules) -> Passing | None:
        """The filter that keeps these journeys; None where a filter cannot say it: other rules, folded names, feet of columns."""
        if not rules.plain or not self.source or {OTHER, FOLDED} & {self.source, self.target}:
            return None
        if self.kind == "continues_beyond":
            return None
        return Passing(self.step, self.source, self.target or None, ends=self.kind == "drop_off")

    def node(self, nodes: Sequence[Node]) -> Node | None:
        """The node of the picture, to mark it; None for a link."""
        return next((node for node in nodes if of_node(node) == self), None)


def of_node(node: Node) -> Pick:
    """What a click on a node asks for."""
    if node.kind in ("drop_off", "continues_beyond"):
        return Pick(node.step - 1, kind=node.kind)
    return Pick(node.step, node.touchpoint)


def of_link(link: Link) -> Pick:
    """What a click on a link asks for."""
    return Pick(link.step, link.source, link.target or "", link.kind)


def asked(page: Page) -> Pick | None:
    """The node or link of the address."""
    given = {name: page.option(BRANCH, name) for name in STARTS}
    if given["step"] is None:
        return None
    return Pick(int(given["step"]), given["source"] or "", given["target"] or "", given["kind"] or "any")


def path() -> tuple[str, ...]:
    """The whole path of the address; empty if there is none."""
    text = state.current_address().option("flow", "path")
    return Way("").parse(text) if text else ()


def take(pick: Pick | None, way: Sequence[str] = ()) -> None:
    """Look at another node or link, at a path, or at the whole flow again."""
    for name, plain in STARTS.items():
        text = None if pick is None else str(pick.options[name])
        state.set_option(BRANCH, name, None if text == plain and name != "step" else text)
    state.set_option("flow", "path", Way("").print(way) if way else None)


def take_click(key: str, drawn: SankeyFigure, now: Pick | None) -> None:
    """What was clicked; a click on what is looked at already shows the whole flow again."""
    clicked = clicked_in(state.value(key), drawn)
    if clicked is not None:
        take(None if clicked == now else clicked)


def clicked_in(event: Any, drawn: SankeyFigure) -> Pick | None:
    """The node or link of a selection event of the chart."""
    for one in event["selection"]["selected"] if event else ():
        for index in one["data_indices"]:
            if one.get("data_type") == "node" and index < len(drawn.nodes):
                return of_node(drawn.nodes[index])
            if one.get("data_type") == "edge" and index < len(drawn.links):
                return of_link(drawn.links[index])
    return None


def offered(drawn: SankeyFigure) -> list[Pick]:
    """All nodes, then all links, each once: the keyboard path to the chart."""
    return list(dict.fromkeys([*map(of_node, drawn.nodes), *map(of_link, drawn.links)]))


def in_words(pick: Pick, reader: PageReader) -> str:
    """1 · Website, or 1 · Website → Cart."""
    parts: list[Text | str] = [named(name) for name in (pick.source, pick.target) if name]
    if pick.kind in ("drop_off", "continues_beyond"):
        parts.append(Text(ENDS_HERE if pick.kind == "drop_off" else GOES_ON))
    arrow = "←" if reader.rtl else "→"
    said = (reader.say(part) if isinstance(part, Text) else reader.name(part) for part in parts)
    return f"{reader.number(pick.step)} · " + f" {arrow} ".join(said)


def sides(view: View, passing: Passing) -> tuple[View, View]:
    """The customers of the view whose journeys pass, and everyone else."""
    alone = view.alone()
    who = condition_of(replace(alone, customers=(), members=(), answered=None, tried=None, passing=passing))
    assert who is not None
    inside = Member("", print_condition(who))
    return alone.with_member(inside), alone.with_member(replace(inside, inside=False))
