"""Charts that PowerPoint draws itself, from the numbers of ours: bars, a funnel, lines, each with its intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cx_metrics.charts.picture import Numbers, Series
from cx_metrics.charts.theme import LIGHT, Reader
from cx_metrics.exports.number_formats import decimals
from cx_metrics.exports.slide_words import Words, points, style
from cx_metrics.safe_text import clean

ROW = 32.0  # points of a bar with its room
LABELS = 6  # names along a line that can be read side by side


@dataclass(frozen=True)
class Chart:
    """A chart, or a part of one that is too long for a slide; the longest bar of the whole."""

    numbers: Numbers
    alt: str
    largest: float


def charts(numbers: Numbers, alt: str, room: float) -> Iterator[Chart]:
    """The chart in parts that fit on a slide, all of one scale."""
    ends = [v for s in numbers.series for v in (*s.values, *s.high) if v is not None]
    largest = max([0.0, *ends])
    if numbers.kind == "funnel":
        largest = max(
            [0.0, *(sum(v or 0.0 for v in step) for step in zip(*(s.values for s in numbers.series), strict=True))]
        )
    most = len(numbers.names) if numbers.kind == "lines" else max(int(room // ROW), 3)
    for start in range(0, max(len(numbers.names), 1), max(most, 1)):
        part = slice(start, start + most)
        series = [_cut(one, part) for one in numbers.series]
        yield Chart(replace(numbers, names=numbers.names[part], series=series), alt, largest)


def _cut(series: Series, part: slice) -> Series:
    return Series(
        series.name, list(series.values)[part], list(series.low)[part], list(series.high)[part], list(series.written)[part],
        list(series.colours)[part],
    )  # fmt: skip


def add_chart(slide: Any, chart: Chart, place: tuple[float, float, float, float], size: float, reader: Reader) -> None:
    """The chart as PowerPoint's own: editable, mirrored where ours is."""
    from pptx.chart.data import CategoryChartData
    from pptx.enum.chart import XL_CHART_TYPE

    numbers = chart.numbers
    pattern = decimals(numbers.decimals, reader, numbers.share)
    data = CategoryChartData(number_format=pattern)
    data.categories = _names(numbers)
    for series in numbers.series:
        data.add_series(clean(series.name), list(series.values))
    kinds = {
        "bars": XL_CHART_TYPE.BAR_CLUSTERED,
        "funnel": XL_CHART_TYPE.BAR_STACKED,
        "lines": XL_CHART_TYPE.LINE_MARKERS,
    }
    frame = slide.shapes.add_chart(kinds[numbers.kind], *(points(p) for p in place), data)
    frame._element._nvXxPr.cNvPr.set("descr", clean(chart.alt))
    drawn = frame.chart
    drawn.has_title = False
    style(drawn.font, Words("", size), reader)
    drawn.has_legend = len(numbers.series) > 1
    if drawn.has_legend:
        from pptx.enum.chart import XL_LEGEND_POSITION

        drawn.legend.position, drawn.legend.include_in_layout = XL_LEGEND_POSITION.TOP, False
    if numbers.kind == "lines":
        _lines(drawn, numbers, pattern, reader)
    else:
        _bars(drawn, chart)
    for ours, theirs in zip(numbers.series, drawn.plots[0].series, strict=True):
        _intervals(theirs, ours)


def _bars(drawn: Any, chart: Chart) -> None:
    numbers = chart.numbers
    plot = drawn.plots[0]
    plot.gap_width = 45
    if numbers.kind == "funnel":
        plot.overlap = 100
    across = drawn.value_axis
    across.visible, across.has_major_gridlines = False, False
    across.minimum_scale = min([0.0, *(v for s in numbers.series for v in (*s.values, *s.low) if v is not None)])
    across.maximum_scale = (chart.largest or 1.0) * 1.02
    across.reverse_order = numbers.mirrored
    names = drawn.category_axis
    names.reverse_order = True  # the first on top
    names.format.line.fill.background()
    _no_ticks(names)
    for ours, theirs in zip(numbers.series, plot.series, strict=True):
        theirs.invert_if_negative = False
        _paint(theirs.format.fill, (list(ours.colours) or [LIGHT.accent])[0])  # for the legend
        for i, colour in enumerate(ours.colours):
            _paint(theirs.points[i].format.fill, colour)


def _names(numbers: Numbers) -> list[str]:
    """The names along the axis; of a bar with its number, which would lie over its interval beside it."""
    written = list(numbers.series[0].written) if numbers.series and numbers.kind != "lines" else []
    return [clean(f"{name} · {written[i]}" if written else name) for i, name in enumerate(numbers.names)]


def _lines(drawn: Any, numbers: Numbers, pattern: str, reader: Reader) -> None:
    from pptx.dml.color import RGBColor
    from pptx.enum.chart import XL_LABEL_POSITION, XL_TICK_LABEL_POSITION
    from pptx.util import Pt

    up, names = drawn.value_axis, drawn.category_axis
    up.major_gridlines.format.line.color.rgb = RGBColor.from_string(LIGHT.line.lstrip("#"))
    up.format.line.fill.background()
    whole = numbers.share and max((v for s in numbers.series for v in s.values if v is not None), default=0.0) >= 0.1
    pattern = decimals(0, reader, True) if whole else pattern
    up.tick_labels.number_format, up.tick_labels.number_format_is_linked = pattern, False
    names.reverse_order = numbers.mirrored
    names.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    names.format.line.color.rgb = RGBColor.from_string(LIGHT.line_strong.lstrip("#"))
    _no_ticks(names)
    _every(names, -(-len(numbers.names) // LABELS))
    for ours, theirs in zip(numbers.series, drawn.plots[0].series, strict=True):
        theirs.smooth = False
        colour = RGBColor.from_string((list(ours.colours) or [LIGHT.accent])[0].lstrip("#"))
        theirs.format.line.color.rgb, theirs.format.line.width = colour, Pt(2.25)
        theirs.marker.size = 5
        theirs.marker.format.fill.solid()
        theirs.marker.format.fill.fore_color.rgb = colour
        theirs.marker.format.line.fill.background()
        newest = max((i for i, v in enumerate(ours.values) if v is not None), default=None)
        if newest is not None:
            label = theirs.points[newest].data_label
            label.has_text_frame = False
            label.position = XL_LABEL_POSITION.ABOVE
            labels = label._get_or_add_dLbl()
            for tag, on in (("showVal", "1"), ("showLegendKey", "0"), ("showCatName", "0"), ("showSerName", "0")):
                for found in labels.iter(f"{{http://schemas.openxmlformats.org/drawingml/2006/chart}}{tag}"):
                    found.set("val", on)


def _intervals(theirs: Any, ours: Series) -> None:
    """The interval of each mark as an error bar of PowerPoint, from the very bounds of the page."""
    from pptx.oxml import parse_xml
    from pptx.oxml.ns import nsdecls, qn

    if not any(v is not None for v in (*ours.low, *ours.high)):
        return
    less = [_gap(v, end) for v, end in zip(ours.values, ours.low, strict=True)]
    more = [_gap(end, v) for v, end in zip(ours.values, ours.high, strict=True)]
    bars = parse_xml(
        f'<c:errBars {nsdecls("c", "a")}><c:errBarType val="both"/><c:errValType val="cust"/><c:noEndCap val="1"/>'
        f"<c:plus>{_literal(more)}</c:plus><c:minus>{_literal(less)}</c:minus>"
        f'<c:spPr><a:ln w="15875"><a:solidFill><a:srgbClr val="{LIGHT.text.lstrip("#")}"/></a:solidFill></a:ln></c:spPr>'
        "</c:errBars>"
    )
    theirs._element.find(qn("c:cat")).addprevious(bars)


def _gap(high: float | None, low: float | None) -> float:
    return max(high - low, 0.0) if high is not None and low is not None else 0.0


def _literal(values: Sequence[float]) -> str:
    marks = "".join(f'<c:pt idx="{i}"><c:v>{value!r}</c:v></c:pt>' for i, value in enumerate(values))
    return f'<c:numLit><c:formatCode>General</c:formatCode><c:ptCount val="{len(values)}"/>{marks}</c:numLit>'


def _every(axis: Any, skip: int) -> None:
    """A name at every so many places."""
    from pptx.oxml import parse_xml
    from pptx.oxml.ns import nsdecls, qn

    if skip > 1:
        label = parse_xml(f'<c:tickLblSkip {nsdecls("c")} val="{skip}"/>')
        axis._element.find(qn("c:noMultiLvlLbl")).addprevious(label)


def _no_ticks(axis: Any) -> None:
    from pptx.enum.chart import XL_TICK_MARK

    axis.major_tick_mark = axis.minor_tick_mark = XL_TICK_MARK.NONE


def _paint(fill: Any, colour: str) -> None:
    from pptx.dml.color import RGBColor

    fill.solid()
    fill.fore_color.rgb = RGBColor.from_string(colour.lstrip("#"))
