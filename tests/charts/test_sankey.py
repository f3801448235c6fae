"""The Sankey: fixed order, plain numbers, mirrored for readers from right to left, names shown as they are."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd
import pytest

from cx_metrics.charts.picture import Picture
from cx_metrics.charts.sankey import Link, Node, draw_sankey
from cx_metrics.charts.sankey_picture import sankey_picture
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
    assert "<path" not in sankey_picture(flow().head(0), EN).svg


def drawn(picture: Picture) -> ElementTree.Element:
    """The picture as any reader of SVG has it; raises where it is not well formed."""
    return ElementTree.fromstring(f'<svg xmlns="http://www.w3.org/2000/svg">{picture.svg}</svg>')


def named(root: ElementTree.Element, tag: str) -> list[ElementTree.Element]:
    return root.findall(f".//{{http://www.w3.org/2000/svg}}{tag}")


def test_the_picture_for_files_has_the_same_nodes_and_links_and_escapes_its_texts() -> None:
    picture = sankey_picture(flow(EVIL), EN)
    root, on_page = drawn(picture), series(flow(EVIL))
    assert len(named(root, "path")) == len(on_page["links"]) and len(named(root, "rect")) == len(on_page["data"])
    texts = [text.text for text in named(root, "text")]
    assert [node["id"] for node in on_page["data"]] == texts[: len(on_page["data"])]
    assert EVIL + "  60" in texts and "<img" not in picture.svg


def test_nodes_of_the_picture_are_as_high_as_they_are_large_and_mirrored_for_a_reader_from_the_right() -> None:
    boxes = [
        {k: float(rect.attrib[k]) for k in ("x", "y", "width", "height")}
        for rect in named(drawn(sankey_picture(flow(), EN)), "rect")
    ]
    sizes = [int(node["id"].split("  ")[1]) for node in series(flow())["data"]]
    per_journey = {round(box["height"] / size, 2) for box, size in zip(boxes, sizes, strict=True)}
    assert max(per_journey) - min(per_journey) <= 0.02  # written with one decimal
    mirrored = [float(rect.attrib["x"]) for rect in named(drawn(sankey_picture(flow(), FA)), "rect")]
    assert all(abs(960 - 10 - box["x"] - x) < 0.2 for box, x in zip(boxes, mirrored, strict=True))


# Parts of journeys


def links(*rows: tuple) -> pd.DataFrame:
    """Rows of step, source, target, kind, journeys; every move takes ten minutes on average, and no median is known."""
    frame = pd.DataFrame(list(rows), columns=["step", "source", "target", "kind", "journeys"])
    return frame.assign(median_seconds=None, mean_seconds=[600.0 if k == "move" else None for k in frame.kind])


BEFORE = links(  # 10 journeys to "buy": 6 of three touchpoints, 3 of two, 1 that begins there; 4 go on
    (1, "ad", "site", "move", 6), (2, "site", "buy", "move", 6), (2, "mail", "buy", "move", 3),
    (3, "buy", None, "continues_beyond", 4), (3, "buy", None, "drop_off", 6),
)  # fmt: skip
BETWEEN = links(  # 5 journeys from "ad" to "buy" in three steps at most: 3 straight, 2 longer than the picture
    (1, "ad", "buy", "move", 3), (1, "ad", "...", "move", 2), (2, "...", "buy", "move", 2),
    (2, "buy", None, "drop_off", 3), (3, "buy", None, "continues_beyond", 2),
)  # fmt: skip


def test_paths_before_a_touchpoint_end_in_the_last_column_and_begin_at_any() -> None:
    figure = draw_sankey(BEFORE, EN, anchor="before")
    sizes = {(n.step, n.touchpoint): figure.options["series"][0]["data"][i]["id"] for i, n in enumerate(figure.nodes)}
    assert sizes[1, "ad"] == "ad  6" and sizes[2, "mail"] == "mail  3" and sizes[3, "buy"] == "buy  10"
    assert figure.journeys == 10  # 6 enter at the first step, 3 at the second, 1 at the last
    heads = [title["text"] for title in figure.options["title"]]
    assert heads == ["2 steps before", "1 step before", "End", "Afterwards"]
    assert [node["id"] for node in figure.options["series"][0]["data"][-2:]] == ["Goes on  4", "Drop-off  6"]


def test_steps_folded_in_the_middle_are_one_grey_node() -> None:
    figure = draw_sankey(BETWEEN, EN, anchor="between")
    folded = figure.nodes.index(Node(2, "...", "folded"))
    data = figure.options["series"][0]["data"]
    assert data[folded]["id"] == "Steps in between  2"
    assert data[folded]["itemStyle"]["color"] != data[0]["itemStyle"]["color"]
    assert [t["text"] for t in figure.options["title"]] == ["Step 1", "Step 2", "Step 3", "Afterwards"]
    assert "Goes on  2" in [node["id"] for node in data]
    assert figure.journeys == 5


def test_a_touchpoint_that_ends_a_short_path_has_its_end_in_the_next_column() -> None:
    figure = draw_sankey(BETWEEN, EN, anchor="between")
    assert Node(3, "", "drop_off") in figure.nodes  # the three straight ones end at step 2
    assert Node(4, "", "continues_beyond") in figure.nodes


def test_tooltips_say_the_mean_where_no_median_is_known() -> None:
    tips = [link["tooltip"]["formatter"] for link in series(BEFORE)["links"]]
    assert "mean time 10 minutes" in tips[0] and "median" not in "".join(tips)
    assert "time" not in tips[-1]  # where a path ends nothing takes time


def test_flows_of_many_steps_ask_for_more_width_than_a_card_has() -> None:
    def long(steps: int) -> pd.DataFrame:
        moves = [(k, f"t{k}", f"t{k + 1}", "move", 5) for k in range(1, steps)]
        return links(*moves, (steps, f"t{steps}", None, "drop_off", 5))

    assert draw_sankey(long(4), EN).width is None
    widths = [draw_sankey(long(steps), EN).width for steps in range(6, 11)]
    assert widths == sorted(widths) and len(set(widths)) == 5
    style = (Path(__file__).parents[2] / "pages/parts/style.css").read_text(encoding="utf-8")
    for width in widths:  # the page gives each of them its room
        assert f'[class*="st-key-wide_{width}_"]>*{{min-width:{width}px' in style
    wide = draw_sankey(long(10), FA)
    assert len(wide.options["title"]) == 11
    assert sankey_picture(long(10), EN).width == wide.width


def test_the_picture_of_a_part_has_the_same_heads() -> None:
    texts = [text.text for text in named(drawn(sankey_picture(BEFORE, EN, anchor="before")), "text")]
    assert texts[-4:] == ["2 steps before", "1 step before", "End", "Afterwards"]
