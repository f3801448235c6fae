"""A small book with every kind of part, hostile names in all of them, and the frames that its numbers come from."""

from __future__ import annotations

import datetime

import altair as alt
import pandas as pd

from cx_metrics.charts.bars import draw_bars
from cx_metrics.charts.funnel import draw_funnel
from cx_metrics.charts.heatmap import draw_heatmap
from cx_metrics.charts.lines import draw_trend
from cx_metrics.charts.sankey_picture import sankey_picture
from cx_metrics.exports.book import Book, Card, Chapter, Column, Drawing, Words
from pages.parts.language import PageReader
from pages.parts.markup import Markup
from pages.parts.strips import Tile

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "＝1", '=HYPERLINK("http://x.example","y")')
BARS = pd.DataFrame({
    "channel": ["web", "=cmd|' /C calc'!A0", "سلام"], "rate": [0.4567, 0.25, 0.0312], "rate_low": [0.41, 0.2, 0.01],
    "rate_high": [0.5, 0.31, 0.06], "customers": [1234, 200, 96],
})  # fmt: skip
STEPS = pd.DataFrame({
    "step": [1, 2, 3], "touchpoint": ["Website", "Cart", "Purchase"], "customers": [1000, 640, 310],
    "share_of_first": [1.0, 0.64, 0.31], "share_of_first_low": [1.0, 0.61, 0.28], "share_of_first_high": [1.0, 0.67, 0.34],
    "drop_off": [0, 360, 330],
})  # fmt: skip
TREND = pd.DataFrame({
    "month": pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01"]), "nps": [12.4, None, -7.1],
    "nps_low": [8.0, None, -12.0], "nps_high": [16.0, None, -2.0], "responses": [300, 0, 280],
})  # fmt: skip
FLOW = pd.DataFrame({
    "step": [1, 2], "source": ["</svg><script>", "b"], "target": ["b", None], "kind": ["move", "drop_off"], "journeys": [5, 5],
    "median_seconds": [60.0, None], "mean_seconds": [60.0, None],
})  # fmt: skip
HEAT = pd.DataFrame({"stage": ["A", "A"], "persona": ["x", "y"], "rate": [0.2, 0.8], "n": [40, 50]})
TYPES = pd.DataFrame({
    "name": list(FORMULAS), "n": range(8), "share": [i / 8 for i in range(8)],
    "day": [datetime.date(2026, 1, i + 1) for i in range(8)], "none": [None] * 8,
})  # fmt: skip


def bars(reader: PageReader) -> alt.LayerChart:
    return draw_bars(BARS, reader, "channel", "rate", "rate_low", "rate_high", "customers", share=True, decimals=1)


def trend(reader: PageReader) -> alt.LayerChart:
    return draw_trend(TREND, reader, "month", "nps", "nps_low", "nps_high", "responses")


def sample(reader: PageReader) -> Book:
    """Two pages: tiles, bars with a table, a funnel, a trend, a flow, a heat map, hostile text."""
    m = Markup(reader)
    tiles = m.tiles([Tile("NPS", 31, 28, 34, n=412), Tile("Conversion", 0.353, n=20_000, decimals=1, share=True)])
    table = m.table(
        ["Channel", "Customers"], [[r.channel, m.number(r.customers)] for r in BARS.itertuples()], numeric=(1,)
    )
    meaning = [("Denominator", "customers of the view")]
    cards = [
        Card(body=[tiles], name="tiles"),
        Card("Web converts most", "Conversion by channel", [Drawing(bars(reader), "bars"), table], ["1,530 customers", "Oct"],
             meaning, BARS, [Column("Channel"), Column("Rate", "share"), Column("Low", "share"), Column("High", "share"),
                             Column("Customers", "whole")], "bars"),
        Card("310 of 1,000 reach Purchase", "", [Drawing(draw_funnel(STEPS, reader, worst=2), "funnel")], ["all"], meaning, STEPS),
        Card("NPS by month", "", [Drawing(trend(reader), "trend")], ["all"], meaning, TREND),
    ]  # fmt: skip
    heat = draw_heatmap(HEAT, reader, "stage", "persona", "rate", "n", domain=(0, 1), share=True)
    more = [
        Card("How they move", "", [Drawing(sankey_picture(FLOW, reader), "flow")], ["all"], meaning, FLOW),
        Card("Who goes on", "", [Drawing(heat, "heat")]),
        Card("=1+1", "@note", [m.list(list(FORMULAS)), m.definitions([(f, f) for f in FORMULAS])], ["-caption"],
             [("=term", "+meaning")], TYPES),
    ]  # fmt: skip
    chapters = [
        Chapter("Overview", "35% reach the goal", "What changed?", ["1,530 customers"], cards),
        Chapter("Flow", "Journeys start with ads", "How do people move?", ["1,530 customers"], more),
    ]
    return Book("Sample", chapters, Words("Contents", "How this is counted", lambda i, of: f"{i} of {of}"))
