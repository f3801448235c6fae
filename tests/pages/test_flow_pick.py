"""The flow page: a node, link or path that is looked at, what is folded, names that are found; all of it in the address.

70 journeys, counted by hand: 40 take ad, site, buy; 20 ad, help; 10 site, site, buy. Savers are the first 40.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cx_metrics import importing
from cx_metrics.workspace import Workspace
from pages.parts import flow_branch, flow_pick
from pages.parts.flow_pick import Pick
from pages.parts.keeping import ANSWERS
from tests.pages.test_flow_page import JOURNEYS, START, load, opened, plain, table, title, words

SCORES = [10] * 30 + [9] * 10 + [3] * 20 + [7] * 10  # of the 70 customers, in order


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The journeys, each customer with an answer and a comment."""
    folder = tmp_path_factory.mktemp("pick")
    workspace = Workspace(folder / "workspace")
    found = load(workspace, folder / "known", JOURNEYS)
    lines = ["customer_id,answered_at,nps,comment"]
    lines += [
        f"c{u},{(START + timedelta(days=u, hours=5)).isoformat()},{score},words of {u}"
        for u, score in enumerate(SCORES)
    ]
    file = folder / "answers.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    sources = [folder / "known" / f"{name}.csv" for name in ("touchpoints", "customers")] + [file]
    importing.import_version(workspace, found, importing.Plan(tuple(importing.ImportFile(f, f.name) for f in sources)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOUCHLINE_WORKSPACE", str(workspace.root))
        st.cache_resource.clear()
        ANSWERS.forget()
        yield found
    st.cache_resource.clear()
    ANSWERS.forget()


def branch(**given: str) -> dict[str, str]:
    return {f"flow_branch.{name}": value for name, value in given.items()}


def links(app: AppTest) -> list[dict[str, Any]]:
    """The links of the Sankey as it is drawn."""
    spec = json.loads(app.get("echarts_chart")[0].proto.spec)
    return spec["series"][0]["links"]  # type: ignore[no-any-return]


def strong(app: AppTest) -> list[int]:
    """Journeys of the highlighted parts."""
    return [link["value"] for link in links(app) if link["lineStyle"]["opacity"] > 0.5]


def test_a_node_of_a_link_is_opened_without_filtering_the_page(dataset: str) -> None:
    app = opened(dataset, **branch(step="1", source="ad"))
    assert "70 journeys" in words(app) and "passing" not in app.query_params
    numbers = {row[0]: row for row in table(app, "These journeys")}
    assert numbers["Journeys"][1].startswith("6085.7%") and numbers["Journeys"][2] == "10"  # 60 of 70
    assert numbers["Reach the goal"][1].startswith("66.7%") and numbers["Reach the goal"][2].startswith("100.0%")
    assert [row[:2] for row in table(app, "The next step")] == [["site", "40"], ["help", "20"]]
    assert sorted(strong(app)) == [20, 20, 40, 40, 40]  # site and buy of the other ten step back
    assert sum(link["value"] for link in links(app) if link["lineStyle"]["opacity"] < 0.1) == 20


def test_paths_beside_are_those_that_pass(dataset: str) -> None:
    assert [row[1:3] for row in table(opened(dataset), "Path")] == [
        ["ad→site→buy", "40"],
        ["ad→help", "20"],
        ["site→buy", "10"],
    ]
    app = opened(dataset, **branch(step="1", source="ad", target="help", kind="move"))
    assert [row[1:3] for row in table(app, "Path")] == [["ad→help", "20"]]


def test_scores_and_comments_of_these_people_against_everyone_else(dataset: str) -> None:
    app = opened(dataset, **branch(step="2", source="help"))
    row = next(r for r in table(app, "These people") if r[0].startswith("NPS"))
    assert row[1].startswith("−100") and "20" in row[1]  # 20 times a 3
    assert row[2].startswith("80") and "50" in row[2]  # of 50: 40 promoters, 10 passives
    comments = [r[2] for r in table(app, "Comment")]
    assert len(comments) == flow_branch.QUOTES and all(40 <= int(c.split()[-1]) < 60 for c in comments)


def test_the_list_is_the_keyboard_path_to_the_same(dataset: str) -> None:
    app = opened(dataset)
    app.selectbox(key="flow_pick").set_value(Pick(2, "site", "buy", "move")).run()
    assert app.query_params["flow_branch.source"] == "site" and app.query_params["flow_branch.target"] == "buy"
    assert [row[:2] for row in table(app, "The step before")] == [["ad", "40"]]
    app.button(key="branch_close").click().run()
    assert not [name for name in app.query_params if name.startswith("flow_branch")] and strong(app) == []


def test_a_path_is_shown_in_the_flow_and_a_node_lets_it_go(dataset: str) -> None:
    app = opened(dataset, **{"flow.path": "ad|help"})
    assert sorted(strong(app)) == [20, 20]
    app.selectbox(key="flow_pick").set_value(Pick(1, "site")).run()
    assert "flow.path" not in app.query_params and app.query_params["flow_branch.source"] == "site"


def test_only_these_journeys_filters_all_pages(dataset: str) -> None:
    app = opened(dataset, **branch(step="2", source="help"))
    app.button(key="branch_only").click().run()
    assert app.query_params["passing"] == "2|help" and "flow_branch.step" not in app.query_params
    assert "20 journeys" in words(app)


def test_everyone_else_is_one_click_away_and_both_flows_are_drawn(dataset: str) -> None:
    app = opened(dataset, **branch(step="2", source="help"))
    app.button(key="branch_compare").click().run()
    rows = {(row[0], row[1]): row for row in table(app, "Chance")}
    assert rows["ad→help", "1"][2:4] == ["100.0%", "0.0%"]
    spec = json.loads(app.get("echarts_chart")[0].proto.spec)
    a, b = spec["series"]
    assert [node["name"] for node in a["data"]] == [node["name"] for node in b["data"]]
    assert sum(link["value"] for link in a["links"][:2]) <= 1.000001


def test_anchors_are_picked_on_the_flow(dataset: str) -> None:
    app = opened(dataset, **branch(step="1", source="ad"))
    app.button(key="branch_start").click().run()
    assert app.query_params["flow_links.start"] == "ad" and title(app).startswith("After ad")
    app.selectbox(key="flow_pick").set_value(Pick(2, "site")).run()
    assert {row[0]: row for row in table(app, "These journeys")}["Journeys"][1].startswith("40")
    assert app.button(key="branch_only").disabled  # a filter knows whole journeys alone
    app.button(key="branch_end").click().run()
    assert app.query_params["flow_links.end"] == "site" and "flow_branch.step" not in app.query_params


def test_what_is_folded_is_listed_and_found_by_its_name(dataset: str) -> None:
    app = opened(dataset, top="1", **{"flow.folded": "shown"})
    folded = next(t for t in [table(app, "Touchpoint")] if t)
    assert ["1", "site", "10"] in [row[:3] for row in folded] and ["2", "help", "20"] in [row[:3] for row in folded]
    app.selectbox(key="flow_find").set_value("help").run()
    assert app.query_params["flow_links.keep"] == "help" and app.query_params["flow_branch.source"] == "help"
    assert app.query_params["flow_branch.step"] == "2" and "20 journeys" in words(app)
    app.multiselect(key="flow_keep").set_value([]).run()
    assert "flow_links.keep" not in app.query_params


def test_a_name_that_the_flow_shows_is_found_where_most_journeys_have_it(dataset: str) -> None:
    app = opened(dataset)
    app.selectbox(key="flow_find").set_value("site").run()
    assert app.query_params["flow_branch.step"] == "2" and "flow_links.keep" not in app.query_params


@pytest.mark.parametrize("lost", [branch(step="1", source="nowhere"), {"flow.path": "no|such|path"}])
def test_what_a_link_looks_at_and_the_flow_does_not_have_is_said(dataset: str, lost: dict[str, str]) -> None:
    app = opened(dataset, **lost)
    assert "which this dataset does not have" in words(app) and strong(app) == []


def test_a_click_that_is_repeated_lets_go(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[Pick | None] = []
    monkeypatch.setattr(flow_pick, "clicked_in", lambda _event, _drawn: Pick(1, "ad"))
    monkeypatch.setattr(flow_pick.state, "value", lambda _key: {})
    monkeypatch.setattr(flow_pick, "take", taken.append)
    for now in (None, Pick(2, "ad"), Pick(1, "ad")):
        flow_pick.take_click("key", None, now)  # type: ignore[arg-type]
    assert taken == [Pick(1, "ad"), Pick(1, "ad"), None]


def test_the_looks_of_the_cards_are_in_the_address(dataset: str) -> None:
    assert any(
        "Step 1" in head for head in [" ".join(r) for r in all_heads(opened(dataset, **{"flow.moves": "steps"}))]
    )


def all_heads(app: AppTest) -> list[list[str]]:
    from tests.pages.test_flow_page import tables

    return [[plain(cell) for cell in t[0]] for t in tables(app)]
