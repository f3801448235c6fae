"""The flow page: parts of journeys, rules for steps, whose paths, matrices, rework, and one segment against another.

70 journeys, counted by hand: 40 Savers take ad, site, buy; 20 Families take ad, help; 10 Families take site, site, buy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cx_metrics import importing
from cx_metrics.workspace import Workspace
from pages.parts import flow_rules
from pages.parts.keeping import ANSWERS

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2026, 1, 5, 9)
JOURNEYS = ["ad site buy"] * 40 + ["ad help"] * 20 + ["site site buy"] * 10


@pytest.fixture(scope="module")
def datasets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A workspace with these journeys, and the same with names that mean nothing; ids by name."""
    folder = tmp_path_factory.mktemp("flow")
    workspace = Workspace(folder / "workspace")
    ids = {"known": load(workspace, folder / "known", JOURNEYS)}
    plain_names = [j.translate(str.maketrans({"s": "q", "b": "q", "h": "q"})) for j in JOURNEYS]
    ids["no goal"] = load(workspace, folder / "none", plain_names)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOUCHLINE_WORKSPACE", str(workspace.root))
        st.cache_resource.clear()
        ANSWERS.forget()
        yield ids
    st.cache_resource.clear()
    ANSWERS.forget()


@pytest.fixture
def dataset(datasets: dict[str, str]) -> str:
    """The id of the journeys above."""
    return datasets["known"]


def load(workspace: Workspace, folder: Path, journeys: list[str]) -> str:
    """Import journeys, one customer each, with a persona; the id of the dataset."""
    folder.mkdir()
    touchpoints, customers = ["customer_id,occurred_at,touchpoint"], ["customer_id,persona"]
    for u, journey in enumerate(journeys):
        customers.append(f"c{u},{'Saver' if u < 40 else 'Family'}")
        for i, name in enumerate(journey.split()):
            touchpoints.append(f"c{u},{(START + timedelta(days=u, minutes=10 * i)).isoformat()},{name}")
    found = workspace.create(folder.name)
    files = []
    for name, lines in (("touchpoints", touchpoints), ("customers", customers)):
        files.append(folder / f"{name}.csv")
        files[-1].write_text("\n".join(lines), encoding="utf-8")
    importing.import_version(workspace, found, importing.Plan(tuple(importing.ImportFile(f, f.name) for f in files)))
    return found


def opened(dataset: str, **address: str) -> AppTest:
    """The flow page at an address; `start` stands for `flow_links.start`."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    app.query_params["ds"], app.query_params["lang"] = dataset, "en"
    for name, value in ({"goal": "buy"} | address).items():
        own = name in ("goal", "persona", "from", "to", "touchpoint", "only") or "." in name
        app.query_params[name if own else f"flow_links.{name}"] = value
    app.switch_page("pages/behaviour/flow.py").run()
    assert [e.message for e in app.exception] == []
    return app


def markup(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def plain(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html)).replace("\u2060", "")


def words(app: AppTest) -> str:
    return plain(markup(app))


def title(app: AppTest) -> str:
    return plain(re.findall(r"<h1>(.*?)</h1>", markup(app), re.DOTALL)[0])


def tables(app: AppTest) -> list[list[list[str]]]:
    """The cells of every table, row by row."""
    found = re.findall(r"<table.*?</table>", markup(app), re.DOTALL)
    return [
        [
            [plain(c) for c in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)]
            for row in re.findall("<tr>.*?</tr>", t)
        ]
        for t in found
    ]


def table(app: AppTest, head: str) -> list[list[str]]:
    """The rows of the table whose last or first heads say `head`."""
    return next(rows[1:] for rows in tables(app) if head in rows[0])


class TestParts:
    """Whole journeys, or what comes after, before, between."""

    def test_whole_journeys_until_somebody_chooses(self, dataset: str) -> None:
        app = opened(dataset)
        assert title(app) == "86% of journeys start with ad; 0% of all stop at the first touchpoint"  # 60 of 70
        assert "70 journeys" in words(app) and "Part" not in title(app)

    def test_after_a_touchpoint(self, dataset: str) -> None:
        app = opened(dataset, start="site")
        assert title(app) == "After site, 100% go on to buy"
        assert "50 journeys" in words(app) and "after site" in words(app)
        assert table(app, "Path")[0][1:3] == ["site→buy", "50"]

    def test_before_a_touchpoint(self, dataset: str) -> None:
        app = opened(dataset, end="buy")
        assert title(app) == "100% come to buy from site"
        assert [row[1:3] for row in table(app, "Path")] == [["ad→site→buy", "40"], ["site→buy", "10"]]

    def test_between_two_touchpoints(self, dataset: str) -> None:
        app = opened(dataset, start="ad", end="buy", steps="2")  # two steps leave no room for a middle: three are shown
        assert title(app) == "40 journeys lead from ad to buy"
        assert app.selectbox(key="flow_steps").value == 3

    def test_a_part_that_no_journey_has_is_said(self, dataset: str) -> None:
        app = opened(dataset, start="help", end="buy")
        assert "No journey of this view has such a part" in words(app)
        assert app.radio(key="flow_part").value == "between"

    def test_choosing_a_part_proposes_touchpoints_and_writes_the_address(self, dataset: str) -> None:
        app = opened(dataset)
        app.radio(key="flow_part").set_value("before").run()
        assert app.query_params["flow_links.end"] == "buy" and title(app) == "100% come to buy from site"
        app.radio(key="flow_part").set_value("between").run()
        assert app.query_params["flow_links.start"] == "ad"  # the most frequent touchpoint that is not the goal
        app.multiselect(key="flow_start").set_value(["site"]).run()
        assert title(app) == "50 journeys lead from site to buy, 100% of them without a step between"
        app.radio(key="flow_part").set_value("none").run()
        assert not [name for name in app.query_params if name.startswith("flow_links.")]

    def test_touchpoints_of_a_link_that_are_not_there_are_left_out_and_named(self, dataset: str) -> None:
        app = opened(dataset, start="nowhere|site", exclude="nothing")
        assert "nowhere" in words(app) and "nothing" in words(app)
        assert title(app) == "After site, 100% go on to buy"


class TestRules:
    """Repeats, names left out, names grouped: the same for every chart of the page."""

    def test_repeats_kept_are_two_steps(self, dataset: str) -> None:
        app = opened(dataset, repeats="keep")
        assert ["site→site→buy", "10"] in [row[1:3] for row in table(app, "Path")]
        assert "the same touchpoint twice in a row is two steps" in words(app)
        assert ["site", "site", "10", "10"] in [row[:4] for row in table(app, "Followed by")]
        assert "Counted by another definition" not in words(app)  # what is reworked counts repeats too

    def test_names_left_out_are_out_of_every_chart(self, dataset: str) -> None:
        app = opened(dataset, exclude="site")
        assert [row[1:3] for row in table(app, "Path")] == [["ad→buy", "40"], ["ad→help", "20"], ["buy", "10"]]
        assert {row[0] for row in table(app, "Followed by")} == {"ad"}
        assert "left out: site" in words(app)
        assert "no touchpoint is left out" in words(app)  # said of the rework table, which counts them all

    def test_grouped_names_are_one_step(self, dataset: str) -> None:
        app = opened(dataset, group="*i*|*e*")  # site; help has an e
        assert [row[1] for row in table(app, "Path")] == ["ad→*i*→buy", "ad→*e*", "*i*→buy"]
        app.multiselect(key="flow_exclude").set_value(["*e*"]).run()
        assert ["ad", "20"] in [row[1:3] for row in table(app, "Path")]

    def test_a_pattern_that_cannot_be_read_stays_in_the_field_and_says_why(self, dataset: str) -> None:
        app = opened(dataset)
        app.text_input(key="flow_group").set_value('a*|"').run()
        assert app.text_input(key="flow_group").value == 'a*|"' and "A touchpoint is missing" in words(app)
        assert "flow_links.group" not in app.query_params
        app.text_input(key="flow_group").set_value("a*").run()
        assert app.query_params["flow_links.group"] == "a*" and "is missing" not in words(app)
        app.button(key="flow_standard").click().run()
        assert "flow_links.group" not in app.query_params


class TestCards:
    """Whose paths, matrices, rework."""

    def test_paths_of_those_who_do_not_reach_the_goal(self, dataset: str) -> None:
        app = opened(dataset, **{"variants.who": "drop-outs"})
        assert [row[1:3] for row in table(app, "Path")] == [["ad→help", "20"]]
        assert table(app, "Path")[0][3].startswith("28.6%")  # 20 of all 70
        assert table(opened(dataset), "Path")[0][3].startswith("100%")  # of everyone's paths: how many reach the goal

    def test_without_a_goal_everybody_is_shown_and_no_choice(self, datasets: dict[str, str]) -> None:
        app = opened(datasets["no goal"], goal="", **{"variants.who": "drop-outs"})
        assert [row[1:3] for row in table(app, "Path")] == [
            ["ad→qite→quy", "40"],
            ["ad→qelp", "20"],
            ["qite→quy", "10"],
        ]
        assert "flow_who" not in str([group.proto.id for group in app.get("button_group")])
        assert "flow_who" in str([group.proto.id for group in opened(datasets["known"]).get("button_group")])

    def test_rework_counts_repeats_and_says_that_it_does(self, dataset: str) -> None:
        app = opened(dataset)
        rows = {row[0]: row for row in table(app, "More than once")}
        assert rows["site"][1:3] == ["50", "20.0%"]  # 10 of 50
        assert rows["ad"][5:] == ["60", "0"] and rows["buy"][5:] == ["0", "50"]
        assert "Counted by another definition than the flow: the same touchpoint twice in a row counts twice." in words(
            app
        )

    def test_what_follows_what(self, dataset: str) -> None:
        app = opened(dataset, **{"flow.moves": "matrix"})
        rows = {row[0]: row for row in table(app, "Journey over")}
        heads = next(t[0] for t in tables(app) if "Journey over" in t[0])
        assert rows["ad"][heads.index("site")] == "67%" and rows["ad"][heads.index("help")] == "33%"  # 40 and 20 of 60
        assert rows["site"][1] == "50" and rows["site"][heads.index("buy")] == "100%"
        assert rows["Journey begins"][heads.index("ad")] == "86%"  # 60 of 70
        assert rows["buy"][heads.index("Journey over")] == "100%"

    def test_step_by_step(self, dataset: str) -> None:
        app = opened(dataset, **{"flow.moves": "steps"})
        rows = {row[0]: row[1:] for row in table(app, "Step 1")}
        assert rows["ad"][:2] == ["86%", "–"] and rows["site"][:2] == ["14%", "57%"]  # 60, 10 and 40 of 70
        assert rows["buy"][1:3] == ["14%", "57%"] and rows["Journey over"][2:] == ["43%", "100%"]


class TestAgainst:
    """Segment A against segment B."""

    def test_no_comparison_until_somebody_asks(self, dataset: str) -> None:
        assert "beyond chance" not in words(opened(dataset))

    def test_savers_against_families(self, dataset: str) -> None:
        app = opened(dataset, persona="Saver", **{"b.persona": "Family"})
        rows = {(row[0], row[1]): row for row in table(app, "Difference")}
        assert rows["ad→site", "1"][2:4] == ["100.0%", "0.0%"]
        assert rows["ad→help", "1"][2:4] == ["0.0%", "66.7%"]  # 20 of 30
        assert rows["ad→site", "1"][-1] == "beyond chance"
        said = words(app)
        assert "A: Saver, 40 journeys" in said and "B: Family, 30 journeys" in said
        assert "40 journeys" in said  # every other card speaks about A

    def test_the_comparison_follows_the_rules_of_the_page(self, dataset: str) -> None:
        app = opened(dataset, persona="Saver", exclude="site", **{"b.persona": "Family"})
        moves = {row[0] for row in table(app, "Difference")}
        assert "ad→buy" in moves and not any("site" in move for move in moves)

    def test_filters_that_both_segments_share_are_said(self, dataset: str) -> None:
        app = opened(dataset, persona="Saver", **{"b.persona": "Family", "touchpoint": "site", "only": "touchpoints"})
        caption = next(p for p in re.findall('<p class="tl-caption">.*?</p>', markup(app)) if "A: " in plain(p))
        assert "Touchpoint: site" in plain(caption) and "Persona:" not in plain(caption)

    def test_shares_are_of_the_journeys_that_have_the_part(self, dataset: str) -> None:
        app = opened(dataset, persona="Saver", start="site", **{"b.persona": "Family"})
        assert "A: Saver, 40 journeys" in words(app) and "B: Family, 10 journeys" in words(
            app
        )  # 20 Families see no site
        assert ["site→buy", "1", "100.0%", "100.0%"] in [row[:4] for row in table(app, "Difference")]

    def test_everybody_else_is_one_click_away(self, dataset: str) -> None:
        app = opened(dataset, persona="Saver")
        app.button(key="bar_others").click().run()
        assert app.query_params["b.persona"] == "Family" and "Saver against Family" not in title(app)
        assert "B: Family, 30 journeys" in words(app)
        app.button(key="bar_alone").click().run()
        assert "b.persona" not in app.query_params and "beyond chance" not in words(app)

    def test_whole_paths_and_steps_can_be_compared(self, dataset: str) -> None:
        app = opened(dataset, persona="Saver", **{"b.persona": "Family", "flow.against_segment": "variants"})
        rows = {row[0]: row[1:3] for row in table(app, "Difference")}
        assert rows["ad→site→buy"] == ["100.0%", "0.0%"] and rows["site→buy"] == ["0.0%", "33.3%"]
        app = opened(dataset, persona="Saver", **{"b.persona": "Family", "flow.against_segment": "step_matrix"})
        assert ["ad", "1", "100.0%", "66.7%"] in [row[:4] for row in table(app, "Difference")]

    def test_a_segment_without_anybody_is_said(self, dataset: str) -> None:
        app = opened(dataset, **{"b.persona": "Family", "from": "2026-01-05", "to": "2026-01-10"})
        assert "Nobody is in segment B in this view" in words(app)

    def test_pages_that_do_not_compare_do_not_look_at_it(self, dataset: str) -> None:
        app = opened(dataset, persona="Saver", **{"b.persona": "Family"})
        app.switch_page("pages/start/overview.py").run()
        assert "40 customers" in words(app) and "Family" not in words(app)
        assert "bar_b_persona" not in [box.key for box in app.multiselect]


def test_the_definitions_page_counts_whole_journeys_whatever_the_link_cuts(dataset: str) -> None:
    app = opened(dataset, start="site", exclude="ad")
    app.switch_page("pages/trust/definitions.py").run()
    assert not app.exception and re.search(r"All \d+ counts agree to the person", words(app))


@pytest.mark.parametrize(
    ("touchpoints", "asked", "expected"),
    [(500_000, None, "median"), (500_001, None, "mean"), (500_001, "median", "median"), (5, "mean", "mean")],
)
def test_medians_are_asked_for_where_they_are_quick(touchpoints: int, asked: str | None, expected: str) -> None:
    page = SimpleNamespace(people={"touchpoints": touchpoints}, option=lambda _metric, _name: asked)
    assert flow_rules.times(page) == expected  # type: ignore[arg-type]


def test_an_answer_says_which_way_it_came(dataset: str) -> None:
    assert "Answered from" in words(opened(dataset))
    assert "the filtered touchpoints, put in order again" in words(opened(dataset, exclude="site"))
