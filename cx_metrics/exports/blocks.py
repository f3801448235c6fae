"""What does a piece of our own markup say? Its words, numbers and tables, for files that are not HTML.

Markup is written in one place (`pages/parts/markup.py`), with few classes. Here it is read back: tables stay tables, tiles
stay tiles, anything new becomes its words. So every file says what the page says, digit for digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Literal

from cx_metrics.safe_text import clean, has_right_to_left

LRI, RLI, FSI, PDI = "\u2066", "\u2067", "\u2068", "\u2069"
Kind = Literal["text", "caption", "notice", "head", "hero"]
VOID = frozenset({"br", "img", "wbr", "hr", "col", "input"})
BLOCKS = frozenset({"div", "p", "h1", "h2", "h3", "section", "ul", "ol", "li", "dl", "dt", "dd", "table", "figure"})
NONE = "none"  # instead of a direction: nothing is isolated
LISTED = ("tl-hero", "tl-goes", "tl-foot")  # parts side by side, without a sign between them
SEPARATE = ("tl-under", "tl-share", "tl-track")  # stand under or beside what they belong to


@dataclass(frozen=True)
class Said:
    """A line of words; what kind of line it is."""

    text: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Cell:
    """A cell of a table: what it says, what stands muted under it; its ground and ink, how long its bar is (0..100)."""

    text: str
    under: str = ""
    number: bool = False
    strong: bool = False
    dim: bool = False
    fill: str = ""
    ink: str = ""
    bar: float | None = None


@dataclass(frozen=True)
class Grid:
    """A table: heads, rows."""

    heads: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Pairs:
    """Terms and what stands for each."""

    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Items:
    """Sentences, one under the other."""

    items: Sequence[str]


@dataclass(frozen=True)
class Tiles:
    """Numbers side by side: each has its label, its value, and what stands under it."""

    tiles: Sequence[tuple[str, str, Sequence[str]]]


@dataclass(frozen=True)
class Split:
    """The parts of a whole in one bar: group, its share of the bar (0..100), its words."""

    parts: Sequence[tuple[str, float, str]]


Block = Said | Grid | Pairs | Items | Tiles | Split


@dataclass
class _Node:
    tag: str
    attributes: dict[str, str]
    children: list[_Node | str] = field(default_factory=list)

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    def is_(self, name: str) -> bool:
        return name in self.classes

    @property
    def nodes(self) -> list[_Node]:
        return [c for c in self.children if isinstance(c, _Node)]

    def all(self, *tags: str) -> Iterator[_Node]:
        """Those under it with one of these tags, in order."""
        for child in self.nodes:
            if child.tag in tags:
                yield child
            yield from child.all(*tags)

    def first(self, name: str) -> _Node | None:
        """The first under it of that class."""
        return next((n for n in self.walk() if n.is_(name)), None)

    def walk(self) -> Iterator[_Node]:
        for child in self.nodes:
            yield child
            yield from child.walk()


class _Tree(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Node("div", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = _Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        for i in range(len(self.open) - 1, 0, -1):
            if self.open[i].tag == tag:
                del self.open[i:]
                return

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def plain(markup: str, rtl: bool = False) -> str:
    """The markup as its words alone."""
    return " ".join(block.text for block in blocks(markup, rtl) if isinstance(block, Said))


def blocks(markup: str, rtl: bool = False) -> list[Block]:
    """The markup as what it says, in order. `rtl`: for a page from right to left, where every number keeps its own direction.

    >>> blocks('<p class="tl-caption"><bdi>48 customers</bdi></p>')
    [Said(text='48 customers', kind='caption')]
    """
    tree = _Tree()
    tree.feed(markup)
    tree.close()
    if not rtl:
        _let_be(tree.root)
    return list(_blocks(tree.root))


def _let_be(node: _Node) -> None:
    """Nothing is to be isolated in a page from left to right but words from right to left."""
    for inner in node.walk():
        if inner.tag in ("bdi", "q") and not has_right_to_left(_words(inner, ())):
            inner.attributes["dir"] = NONE


def _blocks(node: _Node) -> Iterator[Block]:
    loose: list[_Node | str] = []
    for child in node.children:
        if isinstance(child, str) or child.tag not in BLOCKS:
            loose.append(child)
            continue
        yield from _loose(loose)
        loose = []
        yield from _block(child)
    yield from _loose(loose)


def _loose(parts: list[_Node | str]) -> Iterator[Block]:
    text = _text(_Node("span", {}, list(parts)))
    if text:
        yield Said(text)


def _block(node: _Node) -> Iterator[Block]:
    if node.tag == "table":
        yield _grid(node)
    elif node.tag == "dl":
        yield _pairs(node)
    elif node.is_("tl-tiles"):
        yield Tiles([_tile(n) for n in node.nodes])
    elif node.is_("tl-strip"):
        yield Tiles([_tile(n) for n in node.nodes if n.tag == "li"])
    elif node.is_("tl-split"):
        yield Split([_part(n) for n in node.nodes])
    elif node.is_("tl-score"):
        return  # a scale without words; its numbers stand beside it
    elif node.tag in ("ul", "ol"):
        yield Items([text for n in node.nodes if (text := _text(n))])
    elif any(n.tag in BLOCKS for n in node.nodes):
        yield from _blocks(node)
    elif text := _text(node):
        yield Said(text, _kind(node))


def _kind(node: _Node) -> Kind:
    if node.tag in ("h1", "h2", "h3"):
        return "head"
    known: dict[str, Kind] = {"tl-notice": "notice", "tl-hero": "hero", "tl-caption": "caption", "tl-sub": "caption"}
    return next((kind for name, kind in known.items() if node.is_(name)), "text")


def _grid(table: _Node) -> Grid:
    rows = [[c for c in row.nodes if c.tag in ("td", "th")] for row in table.all("tr")]
    head = next((part for part in table.nodes if part.tag == "thead"), None)
    top = len(list(head.all("tr"))) if head else 0
    cells = [[_cell(c) for c in row] for row in rows]
    heads, body = (cells[0] if top else []), cells[top:]
    empty = [
        i
        for i in range(len(heads))
        if not heads[i].text and all(i < len(r) and not (r[i].text or r[i].under) for r in body)
    ]  # columns of marks alone
    return Grid(_without(heads, empty), [_without(row, empty) for row in body])


def _without(cells: list[Cell], columns: list[int]) -> list[Cell]:
    return [cell for i, cell in enumerate(cells) if i not in columns]


def _cell(node: _Node) -> Cell:
    under = node.first("tl-under")
    bar = next((n for n in node.walk() if n.is_("tl-share")), None)
    style = _style(node)
    spans = [n for n in node.walk() if n.is_("dim")]
    strong = node.tag == "th" or any(n.tag == "strong" for n in node.walk())
    text = _text(node, skip=SEPARATE)
    whole = bool(spans) and _text(spans[0], skip=SEPARATE) == text
    return Cell(
        text, _text(under) if under else "", node.is_("n") or node.is_("cell"), strong, whole or node.is_("dim"),
        style.get("background", ""), style.get("color", ""), _size(bar.nodes[0]) if bar and bar.nodes else None,
    )  # fmt: skip


def _pairs(node: _Node) -> Pairs:
    return Pairs([
        (_text(term), _text(meaning))
        for term, meaning in zip(node.all("dt"), node.all("dd"), strict=False)
    ])  # fmt: skip


def _tile(node: _Node) -> tuple[str, str, Sequence[str]]:
    label = node.first("tl-label")
    value = node.first("tl-value") or node.first("tl-mid")
    rest = [n for n in (node.first("tl-range"), node.first("tl-foot"), node.first("tl-goes")) if n is not None]
    if label is None or value is None:
        return "", _text(node), ()
    return _text(label), _text(value), [text for n in rest if (text := _text(n))]


def _part(node: _Node) -> tuple[str, float, str]:
    return (node.classes or [""])[0], _size(node), _text(node)


def _size(node: _Node) -> float:
    try:
        return float(_style(node).get("inline-size", "0").rstrip("%"))
    except ValueError:
        return 0.0


def _style(node: _Node) -> dict[str, str]:
    pairs = (rule.split(":", 1) for rule in node.attributes.get("style", "").split(";") if ":" in rule)
    return {name.strip(): value.strip() for name, value in pairs}


def _text(node: _Node, skip: Sequence[str] = ()) -> str:
    """The words under a node in one line; parts that stand by themselves keep their direction."""
    return re.sub(" {2,}", " ", clean(_words(node, skip))).strip()


def _words(node: _Node, skip: Sequence[str]) -> str:
    if any(node.is_(name) for name in LISTED):
        return " · ".join(text for child in node.nodes if (text := _words(child, skip).strip()))
    found = ""
    for child in node.children:
        if isinstance(child, str):
            found += child
        elif child.tag in ("br", "em") or child.tag in BLOCKS:
            found += f" {_words(child, skip)} "
        elif child.tag not in ("img", "style") and not any(child.is_(name) for name in (*skip, "tl-track")):
            inner = f"“{_words(child, skip)}”" if child.tag == "q" else _words(child, skip)
            found += _isolated(child, inner) if child.tag in ("bdi", "q") else inner
    return found


def _isolated(node: _Node, text: str) -> str:
    """The text as <bdi> sets it apart."""
    if node.attributes.get("dir") == NONE:
        return text
    start = {"rtl": RLI, "ltr": LRI}.get(node.attributes.get("dir", "auto"), FSI)
    return f"{start}{text}{PDI}" if text.strip() else text
