"""The only place that writes HTML. Whatever comes from data passes through `safe`.

A piece of finished markup is an `Html`; any other value is words or data and is escaped where it lands. So a cell that
somebody forgot to build is shown as it is, and never read as markup. Shares come as 0..1; percent exists here only.

    m = Markup(language.reader())
    st.html(m.table([say(N_("Touchpoint")), "n"], [[name, m.number(640)]], numeric=(1,)))
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal
from urllib.parse import urlencode

from cx_metrics.charts.heatmap import Cell, HeatTable
from cx_metrics.charts.theme import tokens
from cx_metrics.safe_text import has_right_to_left, safe
from cx_metrics.texts import N_, Text
from pages.parts.language import PageReader
from pages.parts.strips import Stage, Tile

Tone = Literal["accent", "good", "bad", "drop", "other", "group_a", "group_b"]

NO_CHANGE = N_("no change")
COUNTED = N_("counted, no interval")
# i18n: between two bounds of an interval, "−20 to −8"
RANGE_TO = N_("to")
# i18n: the number of cases, before a number
COUNT = N_("n")
NO_ANSWERS = N_("no answers")
# i18n: after a share: of those who reached this stage, so many go on to a later one
GO_ON = N_("go on")
LAST_STAGE = N_("last stage")
THIN_BAR = N_("Thin bar: previous period")
PREVIOUS = N_("previous period")
ANSWER_GROUPS = {"promoters": N_("Promoters"), "passives": N_("Passives"), "detractors": N_("Detractors")}
REACH = N_("The picture is wider than the screen: arrow keys move it.")
LONG = 600  # characters of a comment, about eight lines on a laptop
CHANGE_DECIMALS = {"pt": 1, "pts": 0, "%": 1}


class Html(str):
    """Markup that is finished: built here, every value in it escaped."""


Words = Text | str | Html


@dataclass(frozen=True)
class Markup:
    """Markup for one reader: language, direction and ground are the reader's. `here`: the query of the address, for links to other
    pages; none in a file, which has no pages beside it."""

    reader: PageReader
    here: str = ""

    # words and numbers -----------------------------------------------------------------------------------------------

    def text(self, value: object) -> Html:
        """Words or data, escaped and isolated against their direction."""
        if isinstance(value, Html):
            return value
        return Html(f"<bdi>{self.plain(value)}</bdi>")

    def words(self, value: Words) -> Html:
        """A sentence or word of ours: in the direction of the page, though it may begin with "NPS"."""
        if isinstance(value, Html):
            return value
        said = self.plain(value)
        foreign = self.reader.rtl and not has_right_to_left(said)  # not translated, or data
        side = "ltr" if foreign or not self.reader.rtl else "rtl"
        return Html(f'<bdi dir="{side}">{said}</bdi>')

    def plain(self, value: object) -> str:
        """Words or data, escaped only: for attributes."""
        return safe(self.reader.say(value) if isinstance(value, Text) else value, "html")

    def _said(self, value: object) -> Html:
        return self.words(value) if isinstance(value, (Text, str)) else self.text(value)

    def word(self, source: str) -> Html:
        """A fixed word of ours, marked with N_."""
        return self.words(self.reader.say(source))

    def figure(self, shown: str) -> Html:
        """A number as shown: signs of Arabic-Indic digits right, all others left, ٪ ends left; with words as the page reads."""
        if any(sign.isalpha() for sign in shown):
            return Html(f'<span class="num">{self.words(shown)}</span>')
        side = "rtl" if self.reader.language == "ar" and self.reader.digits == "native" else "ltr"
        body = safe(shown, "html")
        if body.endswith("٪"):
            return Html(f'<bdi dir="rtl" class="num"><bdi dir="{side}">{body[:-1]}</bdi>٪</bdi>')
        return Html(f'<bdi dir="{side}" class="num">{body}</bdi>')

    def number(self, x: float | None, decimals: int = 0, sign: bool = False) -> Html:
        return self.figure(self.reader.number(x, decimals, sign))

    def percent(self, share: float | None, decimals: int = 0) -> Html:
        return self.figure(self.reader.percent(share, decimals))

    def quote(self, value: str) -> Html:
        """Data as somebody's words: in their own direction, and nothing of it is markup."""
        return self._in_place(value, f'<q dir="auto">{self.plain(value)}</q>')

    def marked(self, value: str, places: Sequence[tuple[int, int]]) -> Html:
        """Data with these places of it marked, each from a sign to before another, from left to right."""
        said, at = "", 0
        for start, end in places:
            said += f"{safe(value[at:start], 'html')}<mark>{safe(value[start:end], 'html')}</mark>"
            at = end
        return self._in_place(value, f"<bdi>{said}{safe(value[at:], 'html')}</bdi>")

    def _in_place(self, value: str, shown: str) -> Html:
        """What is longer than a few lines is read in a box of its own, so that one comment does not fill the page."""
        return Html(f'<span class="tl-long" tabindex="0">{shown}</span>' if len(value) > LONG else shown)

    def day(self, at: Any) -> Html:
        """A day on one line; "–" where it is not known."""
        shown = "–" if at is None or at != at else self.reader.date(at)
        return Html(f'<span class="tl-unbroken">{self.text(shown)}</span>')

    def dim(self, value: object) -> Html:
        """The same in the muted ink: second to what stands beside it, or from too few cases."""
        return Html(f'<span class="dim">{self.text(value)}</span>')

    def strong(self, value: object) -> Html:
        return Html(f"<strong>{self._said(value) if isinstance(value, Text) else self.text(value)}</strong>")

    def profile(self, touchpoint: str) -> Html:
        """The name of a touchpoint, as a link to its profile under the same view."""
        if not self.here:
            return self.text(touchpoint)
        where = f"touchpoint?{self.here}&{urlencode({'touchpoint.name': touchpoint})}"
        return Html(f'<a class="tl-link" href="{self.plain(where)}" target="_self">{self.text(touchpoint)}</a>')

    def join(self, *parts: object) -> Html:
        """Several on one line, with a dot between."""
        return Html('<span class="dot"> · </span>'.join(self.text(p) for p in parts))

    def lines(self, parts: Sequence[object]) -> Html:
        """Several, each on a line of its own."""
        return Html("".join(f'<span class="tl-line">{self.text(p)}</span>' for p in parts))

    def hidden(self, value: object) -> Html:
        """For screen readers only."""
        return Html(f'<span class="tl-hidden">{self.text(value)}</span>')

    def reach(self, everywhere: bool) -> Html:
        """A place for the keyboard in a box that scrolls, on a phone or `everywhere`; seen while it is there."""
        return Html(f'<p class="tl-reach{" always" if everywhere else ""}" tabindex="0">{self.word(REACH)}</p>')

    def count(self, n: int | None) -> Html:
        """n 3,412"""
        return Html(f'<span class="num">{self.word(COUNT)} {self.number(n)}</span>')

    def interval(self, low: float | None, high: float | None, decimals: int = 0, share: bool = False) -> Html:
        """Two isolated numbers in reading order, the low one first; the unit once; "to" where a bound is negative."""
        if not _is_number(low) or not _is_number(high):
            return self.text("–")
        assert low is not None and high is not None
        first = self.number(low * 100 if share else low, decimals)
        last = self.percent(high, decimals) if share else self.number(high, decimals)
        joiner = "–" if low >= 0 else f" {self.word(RANGE_TO)} "
        return Html(f'<span class="num">{first}{joiner}{last}</span>')

    def change(
        self, value: float | None, unit: str = "", higher_is_better: bool | None = True, decimals: int | None = None
    ) -> Html:
        """How much did it move, and is that better? Arrow, sign and word say it; the colour only repeats them."""
        if not _is_number(value):
            return Html("")
        assert value is not None
        decimals = CHANGE_DECIMALS.get(unit, 1) if decimals is None else decimals
        amount = value * 100 if unit in ("pt", "%") else value
        if round(amount, decimals) == 0:
            return Html(f'<span class="tl-delta same">{self.word(NO_CHANGE)}</span>')
        tone = "same" if higher_is_better is None else "good" if (value > 0) == higher_is_better else "bad"
        arrow = "▲" if value > 0 else "▼"
        shown = self.reader.number(amount, decimals, sign=True)
        if unit == "%":
            shown, tail = shown + self.reader.percent_sign, ""
        else:
            tail = f" {self.text(self.reader.unit(unit))}" if unit else ""
        return Html(
            f'<span class="tl-delta {tone}"><span aria-hidden="true">{arrow}</span> {self.figure(shown)}{tail}</span>'
        )

    def path(self, steps: Sequence[object]) -> Html:
        """Touchpoints with arrows between, in reading direction."""
        arrow = f'<em aria-hidden="true">{self.arrow}</em><wbr>'
        return Html(f'<span class="tl-path">{arrow.join(self.text(s) for s in steps)}</span>')

    @property
    def arrow(self) -> str:
        return "←" if self.reader.rtl else "→"

    def moved(self, before: Html, now: Html) -> Html:
        """22 → 8"""
        return Html(f'{before} <span class="dim">{self.arrow}</span> {now}')

    def chip(self, value: Words) -> Html:
        return Html(f'<span class="tl-chip">{self.text(value)}</span>')

    def chips(self, values: Sequence[Words]) -> Html:
        return Html(f'<p class="tl-chips">{" ".join(self.chip(v) for v in values)}</p>')

    # page and card ---------------------------------------------------------------------------------------------------

    def head(self, page: Words, finding: Words, question: Words) -> Html:
        """Name of the page, its finding (h1), the question it answers."""
        return Html(
            f'<div class="tl-head"><p class="tl-eyebrow">{self.words(page)}</p><h1>{self.words(finding)}</h1>'
            f'<p class="tl-question">{self.words(question)}</p></div>'
        )

    def card_head(self, finding: Words, note: Words = "") -> Html:
        sub = f'<p class="tl-sub">{self.words(note)}</p>' if note else ""
        return Html(f'<h2 class="tl-h2">{self.words(finding)}</h2>{sub}')

    def caption(self, parts: Sequence[Words]) -> Html:
        """Who was counted, when, how: population and n · range · definition."""
        return Html(f'<p class="tl-caption">{self.parts(parts)}</p>')

    def notice(self, value: Words, tone: Literal["warning", "bad", "plain"] = "warning") -> Html:
        """One line above the cards: data are old, partial, or something was left out."""
        return Html(f'<p class="tl-notice {tone}" role="status">{self.words(value)}</p>')

    def empty(self, title: Words, body: Words, steps: Sequence[Words] = ()) -> Html:
        """What to add, and what it would show."""
        items = "".join(f"<li>{self.words(s)}</li>" for s in steps)
        listed = f"<ul>{items}</ul>" if items else ""
        return Html(f'<div class="tl-empty"><h2>{self.words(title)}</h2><p>{self.words(body)}</p>{listed}</div>')

    def anchor(self, place: str) -> Html:
        """A place on the page that `jump` leads to."""
        return Html(f'<span id="{self.plain(place)}" class="tl-anchor"></span>')

    def jump(self, place: str, words: Words) -> Html:
        """To another place on this page."""
        return Html(f'<p class="tl-jump"><a href="#{self.plain(place)}" target="_self">{self.words(words)}</a></p>')

    def definitions(self, pairs: Sequence[tuple[Words, object]]) -> Html:
        """Term and meaning, one under the other: how a number is counted."""
        rows = "".join(f"<div><dt>{self.words(t)}</dt><dd>{self._told(v)}</dd></div>" for t, v in pairs)
        return Html(f'<dl class="tl-definitions">{rows}</dl>')

    def _told(self, value: object) -> Html:
        """One value, or several parts of one line."""
        return self.parts(value) if isinstance(value, tuple) else self._said(value)

    def parts(self, values: Sequence[Words]) -> Html:
        """Parts of one line, with a dot between."""
        return Html('<span class="dot"> · </span>'.join(self.words(v) for v in values if v))

    def list(self, values: Sequence[Words]) -> Html:
        """Sentences, one under the other."""
        return Html(f'<ul class="tl-list">{"".join(f"<li>{self.text(v)}</li>" for v in values)}</ul>')

    # tiles and stages ------------------------------------------------------------------------------------------------

    def tiles(self, tiles: Sequence[Tile]) -> Html:
        """A strip of numbers in one bordered card: six, three or two across."""
        return Html(f'<div class="tl-tiles">{"".join(self.tile(t) for t in tiles)}</div>')

    def tile(self, tile: Tile) -> Html:
        if tile.shown is not None:
            value = self.figure(tile.shown)
        else:
            value = self.percent(tile.value, tile.decimals) if tile.share else self.number(tile.value, tile.decimals)
        if not _is_number(tile.low):
            under = self.word(COUNTED) if tile.n is None else self.count(tile.n)
        else:
            bounds = self.interval(tile.low, tile.high, tile.decimals, tile.share)
            under = bounds if tile.n is None else Html(f'{bounds}<span class="dot"> · </span>{self.count(tile.n)}')
        change = self.change(tile.moved, tile.moved_unit, tile.higher_is_better)
        return Html(
            f'<div class="tl-tile"><p class="tl-label">{self.words(tile.label)}</p><p class="tl-value">{value}</p>'
            f'<p class="tl-range">{under}</p>'
            f'<div class="tl-foot">{change}{self.spark(tile.periods, tile.label)}</div></div>'
        )

    def spark(self, values: Sequence[float], label: Words) -> Html:
        """The last periods as a small line, the newest at the right. st.html drops inline SVG: it travels as a picture."""
        known = [float(v) for v in values if _is_number(v)]
        if len(known) < 2:
            return Html("")
        low, span = min(known), (max(known) - min(known)) or 1
        points = [(2 + i * 116 / (len(known) - 1), 24 - (v - low) / span * 20) for i, v in enumerate(known)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        x, y = points[-1]
        t = tokens(self.reader.mode)
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="-3 0 126 28" preserveAspectRatio="none">'
            f'<polyline points="{line}" fill="none" stroke="{t.line_strong}" stroke-width="2.4" stroke-linejoin="round"/>'
            f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="4.6" ry="3.2" fill="{t.accent}"/></svg>'
        )
        source = f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"
        return Html(f'<img class="tl-spark" alt="{self.plain(label)}" src="{source}">')

    def stage_strip(self, stages: Sequence[Stage]) -> Html:
        """How many reach each stage, and which share goes on? One line with a node per stage."""
        items = "".join(self._stage(stage) for stage in stages)
        return Html(f'<ol class="tl-strip" style="--tl-stages:{len(stages)}">{items}</ol>')

    def _stage(self, stage: Stage) -> Html:
        if _is_number(stage.score):
            shown = self.percent(stage.score) if stage.score_share else self.number(stage.score)
            score = f"{self.text(stage.score_name)} {shown} {self.dim(self.count(stage.score_n))}"
        else:
            score = self.dim(self.word(NO_ANSWERS))
        if stage.go_on is not None and _is_number(stage.go_on):
            moved = self.change(stage.moved, "pt", stage.higher_is_better)
            goes = (
                f'<span class="bar" aria-hidden="true"><i style="inline-size:{_part(stage.go_on, 1)}%"></i></span>'
                f"<span>{self.percent(stage.go_on)} {self.word(GO_ON)}</span>{moved}"
            )
        else:
            goes = self.dim(self.word(LAST_STAGE))
        return Html(
            f'<li><p class="tl-label">{self.text(stage.name)}</p><p class="tl-mid">{self.number(stage.customers)}</p>'
            f'<p class="tl-range">{score}</p><div class="tl-goes">{goes}</div></li>'
        )

    def ways(
        self, columns: Sequence[tuple[Words, Sequence[tuple[object, float, bool]]]], middle: Words, at: int
    ) -> Html:
        """Ranked places on the way to something and away from it, in reading order, with a node for it before column `at`. Each
        column: its head, and its rows as name, share, and whether it is second to the others."""
        largest = max((share for _head, rows in columns for _name, share, _dim in rows), default=1)
        items = [
            f'<li><p class="tl-label">{self.words(head)}</p>{"".join(self._way(*row, largest) for row in rows)}</li>'
            for head, rows in columns
        ]
        items.insert(at, f'<li class="node"><p class="tl-label">{self.words(middle)}</p></li>')
        return Html(f'<div class="tl-scroll" tabindex="0"><ol class="tl-ways">{"".join(items)}</ol></div>')

    def _way(self, name: object, share: float, second: bool, largest: float) -> str:
        shown = self.dim(name) if second else self.text(name)
        bar = self.share_bar(share, largest, "other" if second else "accent")
        return f"<div><span>{shown}</span>{self.percent(share)}{bar}</div>"

    # tables and the small marks in their cells -----------------------------------------------------------------------

    def table(
        self, heads: Sequence[Words], rows: Sequence[Sequence[object]], numeric: Sequence[int] = (), label: Words = ""
    ) -> Html:
        """A table of up to about 50 rows. `numeric`: columns that end-align. A head "" stands over bars and plots."""

        def head(i: int, words: Words) -> str:
            kind = ' class="n"' if i in numeric else ""
            return f'<th scope="col"{kind}>{self.words(words)}</th>' if words else f"<td{kind}></td>"

        def row(cells: Sequence[object]) -> str:
            kinds = (' class="n"' if i in numeric else "" for i in range(len(cells)))
            return "<tr>" + "".join(f"<td{k}>{self.text(c)}</td>" for k, c in zip(kinds, cells, strict=True)) + "</tr>"

        named = f' aria-label="{self.plain(label)}"' if label else ""
        top = "".join(head(i, words) for i, words in enumerate(heads))
        body = "".join(row(cells) for cells in rows)
        return Html(
            f'<div class="tl-scroll" tabindex="0"><table class="tl-table"{named}><thead><tr>{top}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )

    def heat(self, table: HeatTable, corner: Words, counted: Words = "") -> Html:
        """A heat map as a table: real text, right to left where the reader reads so. `counted`: what the rows rest on."""
        heads = "".join(f'<th scope="col" class="n">{self.text(name)}</th>' for name in table.heads)
        rest = f'<th scope="col" class="n">{self.words(counted)}</th>' if counted else ""
        rows = "".join(self._heat_row(*row, bool(counted)) for row in table.rows)
        head = f'<tr><th scope="col">{self.words(corner)}</th>{rest}{heads}</tr>'
        return Html(
            f'<div class="tl-scroll" tabindex="0"><table class="tl-table tl-heat"><thead>{head}</thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )

    def _heat_row(self, name: str, n: int | None, cells: Sequence[Cell], counted: bool) -> str:
        rest = f'<td class="n dim">{self.number(n)}</td>' if counted else ""
        inside = "".join(
            f'<td class="cell" style="background:{self.plain(c.fill)};color:{self.plain(c.ink)}" title="{self.plain(c.tip)}">'
            f"{self._pointed(c.shown)}{self._under(c.under)}</td>"
            for c in cells
        )
        return f'<tr><th scope="row">{self.text(name)}</th>{rest}{inside}</tr>'

    def _pointed(self, shown: str) -> str:
        """A number, perhaps behind a triangle."""
        sign, _blank, number = shown.partition(" ")
        return f"{sign} {self.figure(number)}" if sign in ("▲", "▼") else self.figure(shown)

    def _under(self, under: str) -> str:
        return f'<span class="tl-cell-under">{self.text(under)}</span>' if under else ""

    def track(
        self,
        value: float | None,
        low: float | None,
        high: float | None,
        lowest: float,
        highest: float,
        tone: Tone = "accent",
        line: float = 0,
    ) -> Html:
        """A small interval plot on a fixed scale: a line at 0 (1 for ratios), the interval, a dot."""
        parts = [f'<b style="inset-inline-start:{_at(line, lowest, highest)}%"></b>']
        if low is not None and high is not None and _is_number(low) and _is_number(high):
            start, end = _at(low, lowest, highest), _at(high, lowest, highest)
            parts.append(
                f'<i class="{tone}" style="inset-inline-start:{start}%;inline-size:{round(end - start, 1)}%"></i>'
            )
        if value is not None and _is_number(value):
            parts.append(f'<u class="{tone}" style="inset-inline-start:{_at(value, lowest, highest)}%"></u>')
        return Html(f'<span class="tl-track" aria-hidden="true">{"".join(parts)}</span>')

    def share_bar(self, value: float | None, largest: float, tone: Tone = "accent") -> Html:
        """A thin bar next to its number, as long as its part of the largest."""
        size = _part(value, largest)
        return Html(
            f'<span class="tl-share" aria-hidden="true"><i class="{tone}" style="inline-size:{size}%"></i></span>'
        )

    def with_bar(self, shown: Html, value: float | None, largest: float, tone: Tone = "accent") -> Html:
        """A number with its bar under it."""
        return Html(f"{shown}{self.share_bar(value, largest, tone)}")

    def over(self, shown: Html, under: object) -> Html:
        """A number with something muted under it: its interval, or how many it rests on."""
        return Html(f'{shown}<span class="tl-under">{self.text(under)}</span>')

    def mover(self, cells: Sequence[object], head: bool = False) -> Html:
        """One row of what changed, beside which stands its link: what, before and now, the change, its plot, the evidence."""
        kind = " head" if head else ""
        parts = "".join(f"<span>{self._said(cell)}</span>" for cell in cells)
        return Html(f'<div class="tl-mover{kind}">{parts}</div>')

    # scores ----------------------------------------------------------------------------------------------------------

    def hero(self, shown: Html, beside: Sequence[Html] = ()) -> Html:
        """The one big number of a card, with interval and change beside it."""
        tail = "".join(f"<span>{part}</span>" for part in beside if part)
        return Html(f'<div class="tl-hero"><strong>{shown}</strong>{tail}</div>')

    def split_bar(self, now: Mapping[str, float], before: Mapping[str, float] | None = None) -> Html:
        """Promoters, passives and detractors as parts of one bar (counts or shares); the previous period as a thin one."""
        under = ""
        if before and sum(before.values()) > 0:
            under = f'{self._split(before, small=True)}<p class="tl-caption">{self.word(THIN_BAR)}</p>'
        return Html(self._split(now, small=False) + under)

    def _split(self, parts: Mapping[str, float], small: bool) -> str:
        total = sum(parts.values()) or 1
        cells = []
        for group, words in ANSWER_GROUPS.items():
            share = parts.get(group, 0) / total
            said = f"{self.word(words)} {self.percent(share)}"
            inside = said if not small and share >= 0.09 else f'<span class="tl-hidden">{said}</span>'
            cells.append(f'<span class="{group}" style="inline-size:{_part(share, 1)}%">{inside}</span>')
        return f'<div class="tl-split{" small" if small else ""}">{"".join(cells)}</div>'

    def score_line(
        self,
        score: float,
        low: float | None,
        high: float | None,
        before: float | None = None,
        lowest: float = -100,
        highest: float = 100,
    ) -> Html:
        """A score on its whole scale, with its interval and the previous period; in place of a gauge."""
        quarters = (lowest + (highest - lowest) * i / 4 for i in range(5))
        marks = "".join(
            f'<s style="inset-inline-start:{_at(v, lowest, highest)}%">{self.number(v, 0 if v == int(v) else 1)}</s>'
            for v in quarters
        )
        parts = ['<span class="rail"></span>']
        if before is not None and _is_number(before):
            parts.append(f'<span class="was" style="inset-inline-start:{_at(before, lowest, highest)}%"></span>')
        if low is not None and high is not None and _is_number(low) and _is_number(high):
            start, end = _at(low, lowest, highest), _at(high, lowest, highest)
            size = round(end - start, 1)
            parts.append(f'<span class="band" style="inset-inline-start:{start}%;inline-size:{size}%"></span>')
        parts.append(f'<span class="dotmark" style="inset-inline-start:{_at(score, lowest, highest)}%"></span>')
        return Html(f'<div class="tl-score" aria-hidden="true">{"".join(parts)}{marks}</div>')


def _is_number(x: float | None) -> bool:
    return isinstance(x, Real) and math.isfinite(x)


def _at(value: float, lowest: float, highest: float) -> float:
    """Where on the scale, in percent, never outside it."""
    return round(max(0.0, min(100.0, (value - lowest) / ((highest - lowest) or 1) * 100)), 1)


def _part(value: float | None, largest: float) -> float:
    return _at(value, 0, largest) if value is not None and _is_number(value) else 0.0
