"""Bars, funnel, lines and heat map: prepared columns only, honest axes, small groups marked, names shown as they are."""

import datetime
import itertools
import json

import altair as alt
import pandas as pd
import pytest

from cx_metrics.charts.bars import draw_bars
from cx_metrics.charts.curves import draw_curves
from cx_metrics.charts.fields import nice_ticks
from cx_metrics.charts.funnel import draw_funnel
from cx_metrics.charts.heatmap import draw_heatmap
from cx_metrics.charts.lines import draw_trend
from cx_metrics.charts.quadrant import draw_quadrant
from cx_metrics.charts.theme import LIGHT
from pages.parts.language import PageReader

EN, FA = PageReader("en"), PageReader("fa")
EVIL = ["a.b[0]:Q", "<img src=x>", "![](http://x.example)", "{b}|{c}", "a'\"\\b"]


def bars(reader: PageReader = EN) -> alt.LayerChart:
    frame = pd.DataFrame({
        "image": EVIL, "share": [0.1, 0.4, 0.2, None, 0.3], "low": [0.05, 0.3, 0.1, None, 0.2],
        "high": [0.2, 0.5, 0.3, None, 0.4], "n": [100, 12, 50, 0, 80],
    })  # fmt: skip
    return draw_bars(frame, reader, "image", "share", "low", "high", "n", share=True, min_n=30, other=EVIL[4])


def funnel(reader: PageReader = EN) -> alt.LayerChart:
    frame = pd.DataFrame({
        "step": [1, 2, 3], "touchpoint": ["site", "cart", "site"], "customers": [100, 40, 10], "share_of_first": [1, 0.4, 0.1],
        "share_of_first_low": [1, 0.3, 0.05], "share_of_first_high": [1, 0.5, 0.2], "drop_off": [0, 60, 30],
    })  # fmt: skip
    return draw_funnel(frame, reader, worst=3)


def months(count: int = 12) -> list[datetime.date]:
    return [datetime.date(2025 + (9 + i) // 12, (9 + i) % 12 + 1, 1) for i in range(count)]


def trend(reader: PageReader = EN, **more: object) -> alt.LayerChart:
    frame = pd.DataFrame({
        "month": months(), "nps": [33.0, 35, None, *[34] * 9], "nps_low": [29.0, 31, None, *[30] * 9],
        "nps_high": [37.0, 39, None, *[38] * 9], "responses": [12, 300, 0, *[300] * 9],
    })  # fmt: skip
    changes = pd.DataFrame({
        "changed_at": [datetime.datetime(2026, 2, 10), datetime.datetime(1999, 1, 1)], "title": ["<b>{x}</b>", "long ago"],
    })  # fmt: skip
    return draw_trend(frame, reader, "month", "nps", "nps_low", "nps_high", "responses", changes=changes, **more)


def heatmap(reader: PageReader = EN) -> alt.LayerChart:
    frame = pd.DataFrame({
        "touchpoint": ["a.b[0]:Q", "a.b[0]:Q", "shop", "shop"], "href": ["x", "y", "x", "y"], "nps": [80, -80, 5, None],
        "n": [100, 100, 18, 3],
    })  # fmt: skip
    return draw_heatmap(frame, reader, "touchpoint", "href", "nps", "n", domain=(-80, 80), diverging=True, min_n=30)


def curves(reader: PageReader = EN) -> alt.LayerChart:
    frame = pd.DataFrame({
        "image": [EVIL[0]] * 3 + [EVIL[1]] * 3, "href": ["0", "1", "2+"] * 2, "rate": [0.1, 0.3, 0.31, 0.2, 0.3, None],
        "low": [0.05, 0.2, 0.1, 0.1, 0.2, None], "high": [0.2, 0.4, 0.6, 0.3, 0.4, None], "n": [100, 90, 5, 80, 70, 0],
    })  # fmt: skip
    return draw_curves(frame, reader, "href", "rate", "low", "high", "n", series="image", steps=("0", "1", "2+"),
                       shown_steps={"2+": "2 or more"})  # fmt: skip


def quadrant(reader: PageReader = EN) -> alt.LayerChart:
    frame = pd.DataFrame({
        "image": [*EVIL, "late"], "does": [0.8, 0.5, 0.81, None, 0.7, 0.3], "weighs": [0.1, 0.02, 0.1, 0.4, 0.3, 0.5],
        "low": [0.05, 0.0, 0.05, 0.3, 0.2, None], "high": [0.15, 0.05, 0.2, 0.5, 0.4, None],
    })  # fmt: skip
    return draw_quadrant(frame, reader, "image", "does", "weighs", "low", "high", urgent=[False] * 5 + [True])


EVERY = pytest.mark.parametrize("draw", [bars, funnel, trend, heatmap, curves, quadrant])


def rows(chart: alt.LayerChart, layer: int) -> list[dict]:
    spec = chart.to_dict()
    data = spec["layer"][layer].get("data", spec.get("data"))
    return spec["datasets"][data["name"]]


@EVERY
@pytest.mark.parametrize("reader", [EN, FA])
def test_only_prepared_columns_reach_the_specification(draw, reader: PageReader) -> None:
    spec = draw(reader).to_dict()
    for records in spec["datasets"].values():
        for record in records:
            assert all(name[0] == "f" and name[1:].isdigit() for name in record)
    for layer in spec["layer"]:
        assert not {"href", "url", "image"} & set(layer["encoding"])
        for channel in layer["encoding"].values():
            if isinstance(channel, dict) and "field" in channel:
                assert channel["field"][0] == "f"
                assert channel["field"][1:].isdigit()
        tooltip = layer["encoding"].get("tooltip")
        assert tooltip is None or tooltip["type"] == "nominal"
    assert spec["config"]["mark"]["tooltip"] is None


@EVERY
def test_specification_is_plain_json(draw) -> None:
    spec = draw().to_dict()
    assert json.loads(json.dumps(spec, allow_nan=False)) == spec


def test_bars_are_ranked_and_other_is_last_and_grey() -> None:
    drawn = rows(bars(), 0)
    assert [r["f0"] for r in drawn] == [EVIL[1], EVIL[2], EVIL[0], EVIL[3], EVIL[4]]
    assert drawn[-1]["f5"] == LIGHT.other


def test_bars_start_at_zero_and_say_value_and_n() -> None:
    spec = bars().to_dict()
    assert spec["layer"][0]["encoding"]["x"]["scale"]["domainMin"] == 0
    written = [r["f7"] for r in rows(bars(), 0)]
    assert written[0] == "40% · n 12"
    assert written[3] == "– · n 0"


def test_bars_of_few_cases_are_pale() -> None:
    assert [r["f6"] for r in rows(bars(), 0)] == [0.4, 1.0, 1.0, 0.4, 1.0]


def test_funnel_starts_at_zero_and_marks_what_was_lost() -> None:
    drawn = rows(funnel(), 0)
    assert funnel().to_dict()["layer"][0]["encoding"]["x"]["scale"]["domainMin"] == 0
    assert [r["f2"] for r in drawn] == pytest.approx([1.0, 1.0, 0.4])  # the pale segment ends where the step before did
    assert [r["f5"] for r in drawn] == [0.22, 0.22, 0.75]
    assert [r["f6"] for r in drawn] == ["100 · 100%", "40 · 40%", "10 · 10%"]


def test_a_touchpoint_may_be_two_steps_of_a_funnel() -> None:
    names = [r["f0"] for r in rows(funnel(), 0)]
    assert len(set(names)) == 3
    assert [n.strip("\u2060") for n in names] == ["site", "cart", "site"]


@pytest.mark.parametrize("draw", [bars, funnel])
def test_bars_grow_from_the_right_for_readers_from_the_right(draw) -> None:
    encoding = draw(FA).to_dict()["layer"][0]["encoding"]
    assert encoding["x"]["scale"]["reverse"] is True
    assert encoding["y"]["axis"]["orient"] == "right"


def test_time_runs_from_left_to_right_for_every_reader() -> None:
    for reader in (EN, FA):
        encoding = trend(reader).to_dict()["layer"][2]["encoding"]
        assert "reverse" not in encoding["x"]["scale"]


def test_axis_words_are_those_of_the_reader() -> None:
    axis = trend(FA).to_dict()["layer"][2]["encoding"]["x"]["axis"]
    assert json.loads(axis["labelExpr"].split("[indexof")[0])[-1].strip("\u2067\u2069") == "سپتامبر"


def test_scores_may_leave_out_zero_and_counts_may_not() -> None:
    low = trend().to_dict()["layer"][2]["encoding"]["y"]["scale"]["domain"][0]
    assert low > 0
    assert trend(zero=True).to_dict()["layer"][2]["encoding"]["y"]["scale"]["domain"][0] == 0


def test_small_groups_are_hollow_and_changes_are_dashed_and_named() -> None:
    layers = trend().to_dict()["layer"]
    hollow = [layer for layer in layers if layer["mark"].get("fill") == LIGHT.surface]
    assert len(hollow) == 1
    dashed = [layer for layer in layers if layer["mark"].get("strokeDash")]
    assert len(dashed) == 1  # the change outside the range is left out
    texts = [
        r["f1"]
        for i, layer in enumerate(layers)
        if layer["mark"]["type"] == "text"
        for r in rows(trend(), i)
        if "f1" in r
    ]
    assert "<b>{x}</b>" in texts


def test_series_are_labelled_at_their_last_point() -> None:
    frame = pd.DataFrame({"month": months(3) * 2, "v": [1, 2, 3, 4, 5, 6], "who": ["A"] * 3 + ["B"] * 3})
    spec = draw_trend(frame, EN, "month", "v", series="who").to_dict()
    labels = [r["f5"] for d in spec["datasets"].values() if len(d) == 1 for r in d]
    assert labels == ["3  A", "6  B"]


def test_months_of_several_years_say_their_year_and_do_not_lie_over_each_other() -> None:
    days = [*months(3), datetime.date(2030, 5, 1), datetime.date(2034, 5, 1)]
    spec = draw_trend(pd.DataFrame({"month": days, "v": [1.0, 2, 3, 4, 5]}), EN, "month", "v").to_dict()
    axis = next(layer["encoding"]["x"]["axis"] for layer in spec["layer"] if layer["encoding"]["x"].get("axis"))
    assert axis["values"] == [d.toordinal() for d in days[2:]]  # October and November would lie over December
    assert '"Dec 2025", "May 2030", "May 2034"' in axis["labelExpr"]


def test_the_band_of_two_answers_does_not_press_the_others_flat() -> None:
    frame = pd.DataFrame(
        {"month": months(3), "v": [4.0, 5, 5], "low": [3.0, -40, 4], "high": [5.0, 50, 6], "n": [90, 2, 90]}
    )
    for counts, lowest, highest in (([90, 2, 90], 2.0, 8.0), ([2, 2, 2], 2.0, 8.0)):
        spec = draw_trend(frame.assign(n=counts), EN, "month", "v", "low", "high", "n").to_dict()
        low, high = spec["layer"][0]["encoding"]["y"]["scale"]["domain"]
        assert lowest <= low <= 4 and 5 <= high <= highest


def test_an_empty_trend_draws_nothing_and_does_not_fail() -> None:
    frame = pd.DataFrame({"month": [], "v": []})
    spec = draw_trend(frame, EN, "month", "v").to_dict()
    assert not any(data for data in spec.get("datasets", {}).values())


def test_heat_map_cells_say_their_number_small_groups_their_n() -> None:
    drawn = rows(heatmap(), 0)
    assert [r["f4"] for r in drawn] == ["80", "−80", "5 (n 18)", "–"]
    assert [r["f2"] for r in drawn] == [LIGHT.diverging[-1], LIGHT.diverging[0], LIGHT.sunken, LIGHT.sunken]


def test_heat_map_columns_run_from_the_right_for_readers_from_the_right() -> None:
    assert heatmap(EN).to_dict()["layer"][0]["encoding"]["x"]["sort"] == ["x", "y"]
    assert heatmap(FA).to_dict()["layer"][0]["encoding"]["x"]["sort"] == ["y", "x"]


@pytest.mark.parametrize(("low", "high"), [(28, 41), (0, 1), (-80, 80), (0.061, 0.074), (5, 5), (0, 0), (1200, 98_000)])
def test_ticks_cover_the_range_and_are_few(low: float, high: float) -> None:
    ticks = nice_ticks(low, high)
    assert ticks[0] <= low
    assert ticks[-1] >= high
    assert 2 <= len(ticks) <= 7 or low == high


def test_empty_frames_are_empty_pictures() -> None:
    empty = pd.DataFrame({"a": [], "b": [], "v": []})
    steps = pd.DataFrame({"step": [], "touchpoint": [], "customers": [], "share_of_first": []})
    pictures = (
        draw_bars(empty, EN, "a", "v"),
        draw_heatmap(empty, EN, "a", "b", "v", domain=(0, 1)),
        draw_funnel(steps, EN),
    )
    for picture in pictures:
        assert not any(data for data in picture.to_dict().get("datasets", {}).values())


def test_curves_start_at_zero_and_few_cases_are_hollow() -> None:
    spec = curves().to_dict()
    assert spec["layer"][0]["encoding"]["y"]["scale"]["domain"][0] == 0
    assert [r["f0"] for r in rows(curves(), 3)] == [2]  # the third point of the first line rests on 5 cases
    assert rows(curves(), 0)[1]["f4"] == "a.b[0]:Q · 1 · 30.0% · 20.0% – 40.0% · n 90"


def test_curves_carry_their_name_and_last_value_at_the_edge_without_lying_over_each_other() -> None:
    ends = [rows(curves(), layer)[0] for layer in (4, 8)]
    assert [end["f2"] for end in ends] == ["31%  a.b[0]:Q", "30%  <img src=x>"]
    assert [end["f0"] for end in ends] == [2, 2]  # the second line ends before the edge
    assert ends[0]["f1"] - ends[1]["f1"] >= 0.6 * 16 / 252  # of an axis up to 60 %: a line of text apart


def test_curves_run_in_reading_direction_with_the_words_of_the_reader() -> None:
    for reader in (EN, FA):
        across = curves(reader).to_dict()["layer"][0]["encoding"]["x"]
        assert across["scale"]["reverse"] == reader.rtl
        assert "2 or more" in across["axis"]["labelExpr"]


def test_a_period_that_is_not_over_is_hollow_however_many_cases_it_has() -> None:
    frame = pd.DataFrame({"month": months(3), "v": [0.1, 0.2, 0.3], "n": [900, 900, 900], "open": [False, False, True]})
    spec = draw_trend(frame, EN, "month", "v", n="n", partial="open").to_dict()
    (hollow,) = [layer for layer in spec["layer"] if layer["mark"].get("strokeWidth") == 2]
    assert [r["f1"] for r in spec["datasets"][hollow["data"]["name"]]] == [0.3]


def test_a_quadrant_parts_at_the_medians_and_leaves_out_what_has_no_performance() -> None:
    chart = quadrant()
    across, up = chart.to_dict()["layer"][:2]
    medians = rows(chart, 0)[0]
    assert medians[across["encoding"]["x"]["field"]] == 0.7  # of 0.3 0.5 0.7 0.8 0.81
    assert medians[up["encoding"]["y"]["field"]] == 0.1  # of 0.02 0.1 0.1 0.3 0.5
    assert len(rows(chart, 2)) == 5


def test_labels_of_a_quadrant_lie_apart_and_inside() -> None:
    frame = pd.DataFrame({
        "name": [f"Question number {i}" for i in range(8)], "does": [0.9] * 8, "weighs": [0.5] * 8, "low": [0.4] * 8,
        "high": [0.6] * 8,
    })  # fmt: skip
    chart = draw_quadrant(frame, EN, "name", "does", "weighs", "low", "high", urgent=[False] * 8, height=300)
    spec = chart.to_dict()["layer"][4]["encoding"]
    heights = sorted(row[spec["y"]["field"]] for layer in (4, 5) for row in rows(chart, layer))
    apart = [(b - a) / spec["y"]["scale"]["domain"][1] * 300 for a, b in itertools.pairwise(heights)]
    assert len(heights) == 8
    assert min(apart) >= 16.9  # the height of a label
    assert heights[0] > 0


def named_changes(days: list[datetime.date], at: list[int]) -> list[tuple[float, ...]]:
    """Of each dated change: its date, the heights of its name and of the end of its rule, from where to where the name goes."""
    frame = pd.DataFrame({"day": days, "v": [float(i % 7) for i in range(len(days))]})
    changes = pd.DataFrame({"changed_at": [days[i] for i in at], "title": [f"A change with number {i}" for i in at]})
    spec = draw_trend(frame, EN, "day", "v", changes=changes).to_dict()
    found = []
    for rule, text in itertools.pairwise(spec["layer"]):
        if rule["mark"]["type"] == "rule" and text["mark"]["type"] == "text":
            row = spec["datasets"][text["data"]["name"]][0]
            long = len(row["f1"]) * 6.2 * (days[-1] - days[0]).days / 520
            reach = (row["f0"] - long, row["f0"]) if text["mark"]["align"] == "right" else (row["f0"], row["f0"] + long)
            found.append((row["f0"], text["encoding"]["y"]["value"], rule["encoding"]["y"]["value"], *sorted(reach)))
    return found


@pytest.mark.parametrize(
    "at", [[50], [40, 60, 80, 250, 300], [10, 20, 30, 40, 50], [300, 310, 320, 330], [150, 175, 200, 210]]
)
def test_rules_of_changes_reach_their_names_and_run_through_no_other(at: list[int]) -> None:
    days = [datetime.date(2025, 10, 1) + datetime.timedelta(days=i) for i in range(365)]
    names = named_changes(days, at)
    assert len(names) == len(at)
    for x, middle, begins, start, end in names:
        assert begins < middle < begins + 16
        for other_x, other_middle, other_begins, other_start, other_end in names:
            if other_x != x:
                assert other_middle != middle or other_end <= start or end <= other_start
                assert not (start < other_x < end and other_begins < middle)


def test_names_of_changes_stand_above_the_highest_value_and_its_line() -> None:
    days = [datetime.date(2025, 10, 1) + datetime.timedelta(days=i) for i in range(365)]
    frame = pd.DataFrame({"day": days, "v": [float(i % 7) for i in range(len(days))]})
    changes = pd.DataFrame({"changed_at": [days[50], days[60]], "title": ["A change", "Another change"]})
    spec = draw_trend(frame, EN, "day", "v", changes=changes, height=236).to_dict()
    up = next(layer["encoding"]["y"] for layer in spec["layer"] if "axis" in layer["encoding"].get("y", {}))
    low, high = up["scale"]["domain"]
    drawn = 236 - 28  # without the dates below
    assert (high - up["axis"]["values"][-1]) / (high - low) * drawn >= 2 * 16  # two rows of names


@pytest.mark.parametrize("draw", [bars, trend, curves, quadrant])
def test_words_on_a_picture_keep_their_own_direction_where_pages_are_read_from_the_right(draw) -> None:
    spec = json.dumps(draw(FA).to_dict(), ensure_ascii=False)
    plain = json.dumps(draw(EN).to_dict(), ensure_ascii=False)
    assert "\u2068" in spec or "\u2067" in spec
    assert not {"\u2066", "\u2067", "\u2068"} & set(plain)


def test_days_on_an_axis_begin_with_the_day_where_pages_are_read_from_the_right() -> None:
    frame = pd.DataFrame({"day": [datetime.date(2026, 9, d) for d in (2, 9, 16, 23)], "v": [1.0, 2.0, 3.0, 2.5]})
    axes = [layer["encoding"]["x"].get("axis") for layer in draw_trend(frame, FA, "day", "v").to_dict()["layer"]]
    words, _places = json.JSONDecoder().raw_decode(next(axis["labelExpr"] for axis in axes if axis))
    assert words[-1] == "\u2067۱ مهر ۱۴۰۵\u2069"
