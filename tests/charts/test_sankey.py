"""The Sankey: fixed order, plain numbers, mirrored for readers from right to left, names shown as they are."""

import json

import pandas as pd
import pytest

from cx_metrics.charts.sankey import Link, Node, draw_sankey, plotly_sankey
from pages.parts.language import PageReader

EN, FA = PageReader("en"), PageReader("fa")
EVIL = "<img src=x>[a](http://b)$x$"
TEMPLATE = "{b}|{c}"


def flow(first: str = "ad", second: str = "search") -> pd.DataFrame:
    """100 journeys, two steps: 60 begin with the first, 30 with the second, 10 elsewhere."""
    rows = [
        (1, first, "site", "move", 40, 600.0),
        (1, first, None, "drop_off", 20, None),
        (1, second, "site", "move", 25, 86_400.0),
        (1, second, "(other)", "move", 5, 60.0),
        (1, "(other)", "site", "move", 10, 60.0),
        (2, "site", None, "drop_off", 45, None),
        (2, "site", None, "continues_beyond", 30, None),
        (2, "(other)", None, "drop_off", 5, None),
    ]
    frame = pd.DataFrame(rows, columns=["step", "source", "target", "kind", "journeys", "median_seconds"])
    return frame.assign(mean_seconds=frame.median_seconds).sample(frac=1, random_state=1)


def series(frame: pd.DataFrame, reader: PageReader = EN) -> dict:
    return draw_sankey(frame, reader).options["series"][0]


def test_columns_run_by_size_then_other_then_continues_then_drop_off() -> None:
    nodes = draw_sankey(flow(), EN).nodes
    assert nodes == [
        Node(1, "ad", "touchpoint"),
        Node(1, "search", "touchpoint"),
        Node(1, "(other)", "other"),
        Node(2, "site", "touchpoint"),
        Node(2, "(other)", "other"),
        Node(2, "", "drop_off"),
        Node(3, "", "continues_beyond"),
        Node(3, "", "drop_off"),
    ]
    assert series(flow())["layoutIterations"] == 0


def test_clicks_find_their_node_and_link() -> None:
    figure = draw_sankey(flow(), EN)
    data, links = figure.options["series"][0]["data"], figure.options["series"][0]["links"]
    assert len(data) == len(figure.nodes)
    assert len(links) == len(figure.links)
    assert figure.links[0] == Link(1, "ad", "site", "move")
    assert (links[0]["source"], links[0]["target"], links[0]["value"]) == (0, 3, 40)


def test_labels_carry_name_and_size_of_the_node() -> None:
    labels = [node["id"] for node in series(flow())["data"]]
    assert labels == [
        "ad  60", "search  30", "Other  10", "site  75", "Other  5", "Drop-off  20", "Continues  30", "Drop-off  50",
    ]  # fmt: skip


def test_what_flows_into_a_node_is_its_size() -> None:
    figure = draw_sankey(flow(), EN)
    links = figure.options["series"][0]["links"]
    site = figure.nodes.index(Node(2, "site", "touchpoint"))
    assert sum(link["value"] for link in links if link["target"] == site) == 75
    assert sum(link["value"] for link in links if link["source"] == site) == 75


@pytest.mark.parametrize("name", [EVIL, TEMPLATE, "$& $$ {@x}", "a.b[0]:Q"])
def test_hostile_names_are_shown_as_they_are_and_no_label_is_a_template(name: str) -> None:
    drawn = series(flow(name))
    assert drawn["data"][0]["id"] == f"{name}  60"
    assert all("formatter" not in node.get("label", {}) for node in drawn["data"])
    assert "formatter" not in drawn["label"]
    for mark in (*drawn["data"], *drawn["links"]):
        tip = mark["tooltip"]["formatter"].replace("<b>", "").replace("</b>", "").replace("<br>", "")
        assert not set("<>{}") & set(tip)


def test_names_that_look_alike_stay_two_nodes() -> None:
    frame = pd.DataFrame({
        "step": [1, 2], "source": ["a", "a"], "target": ["a", None], "kind": ["move", "drop_off"], "journeys": [5, 5],
        "median_seconds": [1.0, None],
    })  # fmt: skip
    ids = [node["id"] for node in series(frame)["data"]]
    assert len(set(ids)) == 3
    assert [i.strip("\u2060") for i in ids] == ["a  5", "a  5", "Drop-off  5"]


def test_options_are_plain_json() -> None:
    frame = flow().astype({"journeys": "int64", "step": "int64"})
    assert json.loads(json.dumps(draw_sankey(frame, EN).options, allow_nan=False))


def test_readers_from_right_to_left_get_the_mirrored_picture_with_the_same_order() -> None:
    left, right = draw_sankey(flow(), EN), draw_sankey(flow(), FA)
    assert left.links == right.links
    assert left.nodes == right.nodes
    a, b = left.options["series"][0], right.options["series"][0]
    assert [(x["source"], x["target"]) for x in a["links"]] == [(x["target"], x["source"]) for x in b["links"]]
    assert [x["depth"] for x in a["data"]] == [2 - x["depth"] for x in b["data"]]
    assert b["label"]["position"] == "left"
    assert (a["left"], a["right"]) == (b["right"], b["left"])


def test_heads_name_the_steps_and_what_comes_after() -> None:
    assert [title["text"] for title in draw_sankey(flow(), EN).options["title"]] == ["Step 1", "Step 2", "Afterwards"]


def test_tooltips_say_journeys_shares_and_median_time() -> None:
    tip = series(flow())["links"][0]["tooltip"]["formatter"]
    assert (
        tip == "<b>ad → site</b><br>40 journeys<br>67% of those at ad<br>40% of all journeys<br>median time 10 minutes"
    )


def test_names_are_in_the_words_of_the_reader() -> None:
    figure = draw_sankey(flow(), EN, {"ad": "Online ad"})
    assert figure.options["series"][0]["data"][0]["id"] == "Online ad  60"


def test_a_picked_node_is_marked() -> None:
    node = Node(1, "ad", "touchpoint")
    marked = draw_sankey(flow(), EN, picked=node).options["series"][0]["data"]
    assert [n["itemStyle"]["borderWidth"] for n in marked] == [2, 0, 0, 0, 0, 0, 0, 0]


def test_alt_text_says_the_largest_move() -> None:
    assert draw_sankey(flow(), EN).alt == (
        "Flow of 100 journeys over 2 steps. The largest move: ad to site, 40 journeys."
    )


def test_an_empty_flow_is_an_empty_picture() -> None:
    figure = draw_sankey(flow().head(0), EN)
    assert (figure.nodes, figure.links, figure.alt) == ([], [], "0 journeys")
    plotly_sankey(flow().head(0), EN)


def test_the_plotly_twin_has_the_same_links_and_escapes_its_texts() -> None:
    drawn = plotly_sankey(flow(EVIL), EN)
    sankey = drawn.data[0]
    assert list(sankey.link.value) == [link["value"] for link in series(flow(EVIL))["links"]]
    texts = [note.text for note in drawn.layout.annotations]
    assert "&lt;img src=x&gt;[a](http://b)$x$  60" in texts
    assert "<img" not in drawn.to_json()
    mirrored = plotly_sankey(flow(EVIL), FA).data[0]
    assert list(mirrored.link.source) == list(sankey.link.target)
