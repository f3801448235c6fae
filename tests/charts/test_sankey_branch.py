"""What stands out in the Sankey: a branch, or one path; two flows over each other; labels end where the next column begins."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest

from cx_metrics.charts import sankey, sankey_both
from cx_metrics.charts.letters import width_of
from cx_metrics.charts.sankey import Link, Node, draw_sankey
from cx_metrics.charts.sankey_both import draw_both, picture_both
from cx_metrics.charts.sankey_branch import links_of_branch, links_of_path
from cx_metrics.charts.sankey_picture import sankey_picture
from pages.parts.language import PageReader
from tests.charts.test_sankey import BEFORE, BETWEEN, EVIL, flow, links, series

EN, FA = PageReader("en"), PageReader("fa")
ON = {Link(1, "ad", "site", "move"): 30, Link(2, "site", None, "drop_off"): 45}


def test_the_highlighted_part_of_a_link_is_drawn_first_and_the_rest_steps_back() -> None:
    drawn = draw_sankey(flow(), EN, picked=Node(1, "ad", "touchpoint"), branch=ON)
    own = drawn.options["series"][0]
    parts = [
        (link, o["value"], o["lineStyle"]["opacity"] > 0.5) for link, o in zip(drawn.links, own["links"], strict=True)
    ]
    assert parts[:2] == [(Link(1, "ad", "site", "move"), 30, True), (Link(1, "ad", "site", "move"), 10, False)]
    assert (Link(2, "site", None, "drop_off"), 45, True) in parts  # all of it: no second part
    assert sum(value for _link, value, _on in parts) == int(flow()["journeys"].sum())
    assert "30 journeys of those highlighted" in own["links"][0]["tooltip"]["formatter"]
    assert "40 journeys" in own["links"][0]["tooltip"]["formatter"]
    faint = {n["name"] for n in own["data"] if n["itemStyle"].get("opacity", 1) < 1}
    assert "1|touchpoint|search" in faint and "1|touchpoint|ad" not in faint and "2|touchpoint|site" not in faint
    assert [n["id"] for n in own["data"]] == [n["id"] for n in series(flow())["data"]]  # sizes and places stay


def test_the_offline_twin_highlights_the_same() -> None:
    drawn, twin = draw_sankey(flow(), EN, branch=ON), sankey_picture(flow(), EN, branch=ON).svg
    links = drawn.options["series"][0]["links"]
    opacities = [float(found) for found in re.findall(r'<path [^>]*fill-opacity="([0-9.]+)"', twin)]
    assert opacities == [link["lineStyle"]["opacity"] for link in links] and len(set(opacities)) == 2


def test_a_branch_is_read_from_its_frame() -> None:
    assert links_of_branch(BEFORE)[Link(2, "mail", "buy", "move")] == 3
    assert links_of_branch(BEFORE)[Link(3, "buy", None, "continues_beyond")] == 4


@pytest.mark.parametrize(
    ("path", "steps", "expected"),
    [
        (("ad", "site"), 2, [(1, "ad", "site", "move"), (2, "site", None, "drop_off")]),
        (("ad", "site", "buy"), 2, [(1, "ad", "site", "move"), (2, "site", None, "continues_beyond")]),
        (("rare", "site"), 2, [(1, "(other)", "site", "move"), (2, "site", None, "drop_off")]),
        (("ad",), 2, [(1, "ad", None, "drop_off")]),
    ],
)
def test_a_path_goes_through_the_nodes_that_are_shown(path: tuple[str, ...], steps: int, expected: list[tuple]) -> None:
    assert links_of_path(flow(), path, 7, steps) == {Link(*link): 7 for link in expected}


def test_a_path_before_an_anchor_ends_in_the_last_column_and_one_between_two_is_folded() -> None:
    assert list(links_of_path(BEFORE, ("x", "ad", "site", "buy"), 1, 3, "before")) == [
        Link(1, "ad", "site", "move"), Link(2, "site", "buy", "move"),
    ]  # fmt: skip
    assert list(links_of_path(BEFORE, ("mail", "buy"), 1, 3, "before")) == [Link(2, "mail", "buy", "move")]
    folded = links_of_path(BETWEEN, ("ad", "x", "y", "buy"), 1, 3, "between")
    assert list(folded) == [Link(1, "ad", "...", "move"), Link(2, "...", "buy", "move")]
    assert list(links_of_path(BETWEEN, ("ad", "buy"), 1, 3, "between")) == [Link(1, "ad", "buy", "move")]


def test_labels_of_long_names_end_before_the_next_column() -> None:
    long = "A touchpoint with an uncommonly long name, as exports have them"
    frame = links(*[(k, f"{long} {k}", f"{long} {k + 1}", "move", 123_456) for k in range(1, 5)],
                  (5, f"{long} 5", None, "drop_off", 123_456))  # fmt: skip
    drawn = draw_sankey(frame, EN)
    own = drawn.options["series"][0]
    columns = len(drawn.options["title"])
    inner = sankey.NARROWEST * (1 - float(own["left"][:-1]) / 100 - float(own["right"][:-1]) / 100) - own["nodeWidth"]
    for node in own["data"][:-1]:
        assert width_of(node["id"], 12) + own["nodeWidth"] + own["label"]["distance"] <= inner / (columns - 1), node[
            "id"
        ]
        assert "…" in node["id"] and node["id"].strip("\u2060").endswith("123,456")
        assert long[:40] in node["tooltip"]["formatter"]  # the whole name is there on hover
    style = (Path(__file__).parents[2] / "pages/parts/style.css").read_text(encoding="utf-8")
    assert f'"st-key-wide_sankey"]>*{{min-width:{sankey.NARROWEST}px}}' in style
    assert f'"st-key-wide_both"]>*{{min-width:{sankey_both.NARROWEST_OF_BOTH}px!important}}' in style


def both(name: str = "ad") -> pd.DataFrame:
    """A: 10 journeys, 8 go from the first to site; B: 20, of which 4 do, and 5 begin elsewhere."""
    rows = [(1, name, "site", "move", 8, 4), (1, name, None, "drop_off", 2, 11), (1, "mail", None, "drop_off", 0, 5),
            (2, "site", None, "drop_off", 8, 4)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["step", "source", "target", "kind", "journeys_a", "journeys_b"])
    return frame.assign(share_a=frame["journeys_a"] / 10, share_b=frame["journeys_b"] / 20)


def test_two_flows_have_the_same_nodes_in_the_same_places_on_one_scale() -> None:
    drawn = draw_both(both(), EN, ("Saver", "Family"))
    a, b = drawn.options["series"]
    assert [n["name"] for n in a["data"]] == [n["name"] for n in b["data"]]
    assert [(x["source"], x["target"]) for x in a["links"]] == [(x["source"], x["target"]) for x in b["links"]]
    assert (a["height"], a["nodeGap"], a["left"]) == (b["height"], b["nodeGap"], b["left"]) and a["top"] < b["top"]
    for own in (a, b):  # 1 is everybody on either side
        assert sum(x["value"] for x in own["links"][:3]) == pytest.approx(1)
    labels = [n["id"].strip("\u2060") for n in b["data"]]
    assert labels[:2] == ["ad  75%", "mail  25%"] and "mail  0%" in [n["id"] for n in a["data"]]
    assert "80% of A, 20% of B" in a["links"][0]["tooltip"]["formatter"]
    assert json.loads(json.dumps(drawn.options, allow_nan=False))


def test_two_flows_are_mirrored_and_say_names_as_they_are() -> None:
    left, right = draw_both(both(EVIL), EN, (EVIL, "B")), draw_both(both(EVIL), FA, (EVIL, "B"))
    a, b = left.options["series"][0], right.options["series"][0]
    assert [(x["source"], x["target"]) for x in a["links"]] == [(x["target"], x["source"]) for x in b["links"]]
    assert b["label"]["position"] == "left" and (a["left"], a["right"]) == (b["right"], b["left"])
    for mark in (*a["data"], *a["links"]):
        assert "<img" not in mark["tooltip"]["formatter"]
    picture = picture_both(both(EVIL), EN, (EVIL, "B")).svg
    assert "<img" not in picture and "&lt;img" in picture
    assert picture.count("<path") == 2 * len(a["links"]) and picture.count("<rect") == 2 * len(a["data"])
