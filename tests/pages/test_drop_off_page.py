"""The drop-off page: building steps, rules in the address, where those who were lost went, the trend.

60 customers, one a day, counted by hand: 30 take ad, site, cart, buy; 10 take ad, site, help; 10 take ad, cart, buy; 10 take
ad alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cx_metrics import importing
from cx_metrics.steps import Step, Steps
from cx_metrics.workspace import Workspace
from pages.parts.keeping import ANSWERS

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2026, 1, 5, 9)
JOURNEYS = ["ad site cart buy"] * 30 + ["ad site help"] * 10 + ["ad cart buy"] * 10 + ["ad"] * 10
STEPS = "funnel.steps"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The id of the journeys above, in a workspace of their own."""
    folder = tmp_path_factory.mktemp("drop_off")
    lines = ["customer_id,occurred_at,touchpoint,persona"]
    for u, journey in enumerate(JOURNEYS):
        for i, name in enumerate(journey.split()):
            at = START + timedelta(days=u, minutes=10 * i)
            lines.append(f"c{u},{at.isoformat()},{name},{'Saver' if u < 30 else 'Family'}")
    path = folder / "touchpoints.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    workspace = Workspace(folder / "workspace")
    found = workspace.create("journeys")
    importing.import_version(workspace, found, importing.Plan((importing.ImportFile(path, path.name),), goal=("buy",)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOUCHLINE_WORKSPACE", str(workspace.root))
        st.cache_resource.clear()
        ANSWERS.forget()
        yield found
    st.cache_resource.clear()
    ANSWERS.forget()


def opened(dataset: str, **address: str) -> AppTest:
    """The page at an address; `order` stands for `funnel.order`."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    asked = {f"funnel.{name}": value for name, value in address.items()}
    for name, value in {"ds": dataset, "lang": "en", **asked}.items():
        app.query_params[name] = value
    app.run()
    app.switch_page("pages/behaviour/drop_off.py").run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    """What a reader reads: the markup without its tags."""
    return unescape(re.sub(r"<[^>]+>", " ", "\n".join(element.proto.body for element in app.get("html"))))


def steps(app: AppTest) -> tuple[Step, ...]:
    """The steps of the address."""
    found = app.query_params[STEPS]
    return Steps("").parse(found[0] if isinstance(found, list) else found)


def test_the_page_counts_the_funnel_of_its_address(dataset: str) -> None:
    shown = words(opened(dataset, steps="ad,site,cart,buy"))
    assert "33% are lost between ad and site" in shown  # 20 of 60; then 10 of 40, then none
    assert "30 of 60 entrants reach buy" in shown


def test_an_optional_step_keeps_who_skips_it(dataset: str) -> None:
    app = opened(dataset, steps="ad,site,cart,buy")
    app.checkbox(key="funnel_optional_1").check().run()
    assert steps(app)[1] == Step(("site",), optional=True)
    assert "40 of 60 entrants reach buy" in words(app)
    assert "site (optional)" in words(app)


def test_steps_are_added_moved_and_removed(dataset: str) -> None:
    app = opened(dataset, steps="ad,site?,buy@1d")
    app.button(key="funnel_add_step").click().run()
    assert [s.label for s in steps(app)] == ["ad", "site", "buy", "cart"]  # the most frequent that is no step yet
    app.button(key="funnel_arrow_upward_3").click().run()
    assert [s.label for s in steps(app)] == ["ad", "site", "cart", "buy"]
    assert steps(app)[3].window == timedelta(1)
    app.button(key="funnel_arrow_upward_1").click().run()
    assert steps(app)[:2] == (Step(("site",)), Step(("ad",)))  # what opens the funnel is not optional
    app.button(key="funnel_close_0").click().run()
    assert [s.label for s in steps(app)] == ["ad", "cart", "buy"]
    app.multiselect(key="funnel_names_1").set_value(["cart", "help"]).run()
    assert steps(app)[1] == Step(("cart", "help"))
    app.multiselect(key="funnel_names_1").set_value([]).run()
    assert [s.label for s in steps(app)] == ["ad", "buy"]
    app.multiselect(key="funnel_names_1").set_value([]).run()
    assert [s.label for s in steps(app)] == ["ad", "buy"]  # two are kept


def test_a_window_of_its_own_narrows_one_step(dataset: str) -> None:
    app = opened(dataset, steps="ad,cart,buy")
    assert "40 of 60 entrants reach buy" in words(app)
    app.selectbox(key="funnel_own_1").set_value("10min").run()
    assert steps(app)[1] == Step(("cart",), window=timedelta(minutes=10))
    assert "10 of 60 entrants reach buy" in words(app)  # the others take 20 minutes from ad to cart


def test_rules_stand_in_the_address_and_come_back_from_it(dataset: str) -> None:
    app = opened(dataset, steps="ad,cart,buy")
    app.selectbox(key="funnel_order").set_value("strict").run()
    assert app.query_params["funnel.order"] in ("strict", ["strict"])
    assert "10 of 60 entrants reach buy" in words(app)
    app.multiselect(key="funnel_exclude").set_value(["help"]).run()
    assert "10 of 50 entrants reach buy" in words(
        app
    )  # those with help got no further than ad, and met it within the window
    again = opened(dataset, steps="ad,cart,buy", order="strict", exclude="help")
    assert again.multiselect(key="funnel_exclude").value == ["help"]
    assert "10 of 50 entrants reach buy" in words(again)
    app.selectbox(key="funnel_order").set_value("ordered").run()
    assert "funnel.order" not in app.query_params


def test_in_any_order_rows_say_how_many_steps_were_done(dataset: str) -> None:
    app = opened(dataset, steps="cart,ad,buy", order="unordered")
    assert "40 of 60 entrants reach at least 3 of the steps" in words(app)
    assert not [box for box in app.checkbox if str(box.key).startswith("funnel_optional")]


def test_a_proposal_is_one_click(dataset: str) -> None:
    app = opened(dataset, steps="ad,help")
    places = [str(b.key) for b in app.button if str(b.key).startswith("funnel_propose")]
    assert places
    app.button(key=places[-1]).click().run()
    assert [s.label for s in steps(app)] == ["ad", "site", "cart", "buy"]  # the most frequent path, also to the goal


def test_those_who_were_lost_are_followed(dataset: str) -> None:
    app = opened(dataset, steps="ad,site,cart,buy")
    assert "50% of those lost before site went to cart next" in words(app)  # 10 to the cart, 10 nowhere
    app.selectbox(key="drop_step").set_value(3).run()
    assert "100% of those lost before cart went to help next" in words(app)


def test_those_who_were_lost_can_be_seen_on_the_flow_page(dataset: str) -> None:
    app = opened(dataset, steps="ad,site,cart,buy")
    app.selectbox(key="drop_step").set_value(3).run()
    app.button(key="see_lost").click().run()
    assert not app.exception
    shown = words(app)
    assert "10 journeys" in shown and "Lost before" in shown  # ad, site, help
    assert app.query_params["tried"] in ("lost|3|steps=ad,site,cart,buy", ["lost|3|steps=ad,site,cart,buy"])
    app.button(key="bar_tried").click().run()
    assert re.search("60 (journeys|entrants)", words(app)) and "tried" not in app.query_params


def test_a_link_to_those_who_came_through_opens_with_them(dataset: str) -> None:
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in {"ds": dataset, "lang": "en", "tried": "reached|3|steps=ad,cart,buy|window=7d"}.items():
        app.query_params[name] = value
    app.run()
    app.switch_page("pages/behaviour/flow.py").run()
    assert not app.exception and "40 journeys" in words(app)
    lost = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in {"ds": dataset, "lang": "en", "tried": "lost|2|steps=ad,nowhere"}.items():
        lost.query_params[name] = value
    lost.run()
    assert not lost.exception and "nowhere" in words(lost)


def test_the_trend_has_the_period_that_is_chosen(dataset: str) -> None:
    app = opened(dataset, steps="ad,buy")
    assert (
        "By week" in str(app.button_group(key="trend_period").options)
        or app.button_group(key="trend_period").value == "week"
    )
    app.button_group(key="trend_period").set_value("month").run()
    assert app.query_params["conversion_trend.period"] in ("month", ["month"])
    assert not app.exception


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"steps": "ad,nowhere,buy"}, "nowhere"),
        ({"steps": "ad,site", "exclude": "nothing"}, "nothing"),
        ({"steps": "ad,site?,buy", "order": "unordered"}, "is optional or has a window of its own"),
        ({"steps": "ad?,buy"}, "40 of 60 entrants reach buy"),
        ({"steps": "ad,buy", "order": "sideways"}, "sideways"),
        ({"steps": "ad,,buy"}, "touchpoint is missing"),
        ({"steps": "ad[nothing=1],buy"}, "filters by nothing"),
    ],
)
def test_an_address_that_cannot_be_is_said_and_the_page_stays(dataset: str, address: dict[str, str], said: str) -> None:
    app = opened(dataset, **address)
    assert said in words(app)
    assert app.button(key="funnel_add_step")
