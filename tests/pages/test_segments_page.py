"""Segments, answers and comparisons on the pages.

60 customers, one a day, counted by hand: 30 take ad, site, cart, buy and give a 10; 10 take ad, site, help and give a 2; 10
take ad, cart, buy and give an 8; 10 take ad alone and say nothing. The first 30 are Savers, the others Family.
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
from cx_metrics.workspace import Workspace
from pages.parts.keeping import ANSWERS

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2026, 1, 5, 9)
JOURNEYS = ["ad site cart buy"] * 30 + ["ad site help"] * 10 + ["ad cart buy"] * 10 + ["ad"] * 10
SCORES = [10] * 30 + [2] * 10 + [8] * 10
PAGES = {
    "flow": "behaviour/flow.py", "drop-off": "behaviour/drop_off.py", "stages": "behaviour/stages.py",
    "channels": "behaviour/channels.py", "voice": "opinion/voice.py", "overview": "start/overview.py",
}  # fmt: skip


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, str]]:
    """The journeys and answers above, in a workspace of their own."""
    folder = tmp_path_factory.mktemp("segments")
    touched = ["customer_id,occurred_at,touchpoint,persona,channel,stage"]
    said = ["customer_id,answered_at,survey_type,score,touchpoint,comment"]
    for u, journey in enumerate(JOURNEYS):
        for i, name in enumerate(journey.split()):
            at = START + timedelta(days=u, minutes=10 * i)
            stage = {"ad": "awareness", "buy": "action"}.get(name, "consideration")
            touched.append(
                f"c{u},{at.isoformat()},{name},{'Saver' if u < 30 else 'Family'},{'ads' if name == 'ad' else 'web'},{stage}"
            )
        if u < len(SCORES):
            said.append(f"c{u},{(START + timedelta(days=u, hours=2)).isoformat()},nps,{SCORES[u]},site,<b>so</b> {u}")
    files = []
    for name, lines in (("touchpoints", touched), ("surveys", said)):
        path = folder / f"{name}.csv"
        path.write_text("\n".join(lines), encoding="utf-8")
        files.append(importing.ImportFile(path, path.name))
    workspace = Workspace(folder / "workspace")
    found = workspace.create("journeys")
    importing.import_version(workspace, found, importing.Plan(tuple(files), goal=("buy",)))
    workspace.keep_segment(found, "Helped", "touchpoint=help")
    workspace.keep_segment(found, "Savers", "persona=Saver")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOUCHLINE_WORKSPACE", str(workspace.root))
        st.cache_resource.clear()
        ANSWERS.forget()
        yield workspace, found
    st.cache_resource.clear()
    ANSWERS.forget()


def opened(kept: tuple[Workspace, str], page: str, **address: str | list[str]) -> AppTest:
    """A page at an address."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in {"ds": kept[1], "lang": "en", **address}.items():
        app.query_params[name] = value
    app.run()
    app.switch_page(f"pages/{PAGES[page]}").run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    """What a reader reads: the markup without its tags."""
    return unescape(re.sub(r"<[^>]+>", " ", "\n".join(element.proto.body for element in app.get("html"))))


def param(app: AppTest, name: str) -> list[str]:
    """What the address says."""
    found = app.query_params.get(name, [])
    return found if isinstance(found, list) else [found]


def test_a_saved_segment_is_chosen_in_the_bar_and_stands_in_the_link(kept: tuple[Workspace, str]) -> None:
    app = opened(kept, "flow")
    assert app.multiselect(key="bar_in_segments").options == ["Helped", "Savers"]
    app.multiselect(key="bar_in_segments").set_value(["touchpoint=help"]).run()
    assert param(app, "in") == ["Helped|touchpoint=help"]
    assert "10 journeys" in words(app) and "In Helped" in words(app)
    app.multiselect(key="bar_out_segments").set_value(["touchpoint=help"]).run()
    assert (param(app, "in"), param(app, "out")) == ([], ["Helped|touchpoint=help"])
    assert "50 journeys" in words(app) and "Not in Helped" in words(app)
    app.button(key="bar_member_0").click().run()
    assert "60 journeys" in words(app) and param(app, "out") == []


@pytest.mark.parametrize("page", list(PAGES))
def test_every_page_counts_a_segment_of_a_link(kept: tuple[Workspace, str], page: str) -> None:
    condition = "any(tried=lost|2|steps=ad,site;answered=nps|0|6)"  # 10 to the cart, 10 nowhere, 10 with help
    app = opened(kept, page, **{"in": r"Mixed|" + condition.replace("|", r"\|")})
    shown = words(app)
    assert "In Mixed" in shown
    assert "20 responses" in shown if page == "voice" else re.search("30 (customers|journeys|entrants)", shown)


def test_inside_against_outside_is_one_click(kept: tuple[Workspace, str]) -> None:
    app = opened(kept, "flow", **{"in": "Helped|touchpoint=help"})
    app.button(key="bar_others").click().run()
    assert param(app, "b.out") == ["Helped|touchpoint=help"]
    shown = words(app)
    assert "A: In Helped, 10 journeys" in shown and "B: Not in Helped, 50 journeys" in shown
    app.button(key="bar_alone").click().run()
    assert param(app, "b.out") == []


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("flow", "A: Saver, 30 journeys"), ("drop-off", "A: Saver, 30 customers"), ("stages", "A: Saver, 30 customers"),
        ("channels", "A: Saver, 30 customers"), ("voice", "A: Saver, 30 responses"),
    ],
)  # fmt: skip
def test_two_segments_are_compared_on_every_page_of_numbers(kept: tuple[Workspace, str], page: str, said: str) -> None:
    shown = words(opened(kept, page, **{"persona": "Saver", "b.persona": "Family"}))
    assert said in shown and "beyond chance" in shown


def test_days_are_compared_with_other_days(kept: tuple[Workspace, str]) -> None:
    app = opened(kept, "drop-off", **{"funnel.steps": "ad,site,buy", "from": "2026-01-05", "to": "2026-02-03"})
    app.radio(key="bar_compare").set_value("range").run()
    assert param(app, "compare") == ["2026-01-05..2026-02-03"]
    app.date_input(key="bar_compare_last").set_value(datetime(2026, 3, 5).date()).run()
    app.date_input(key="bar_compare_first").set_value(datetime(2026, 2, 4).date()).run()
    assert param(app, "compare") == ["2026-02-04..2026-03-05"]
    shown = words(app)
    assert "A: 5 Jan – 3 Feb 2026, 30 customers" in shown and "B: 4 Feb – 5 Mar 2026, 30 customers" in shown
    assert re.search(r"100\.0%\s+33\.3%", shown)  # site: 30 of 30 against 10 of 30
    app.radio(key="bar_compare").set_value("previous").run()
    assert "Nobody is in this view on the other days" in words(app)
    app.radio(key="bar_compare").set_value("none").run()
    assert param(app, "compare") == []


def test_days_are_typed_in_the_readers_calendar(kept: tuple[Workspace, str]) -> None:
    """4 February 2026 is 15 Bahman 1404; the calendar sheet of a date field is Gregorian, so a field to type in takes its place."""
    app = opened(kept, "stages", calendar="jalali")
    app.text_input(key="bar_first_typed").set_value("1404/11/15").run()
    assert param(app, "from") == ["2026-02-04"] and param(app, "calendar") == ["jalali"]
    assert "15 Bahman" in words(app)
    app.text_input(key="bar_first_typed").set_value("soon").run()
    assert param(app, "from") == ["2026-02-04"]
    assert any("This is no day" in caption.value for caption in app.caption)
    assert app.text_input(key="bar_first_typed").value == "soon"
    app.text_input(key="bar_last_typed").set_value("2026-02-10").run()
    assert param(app, "to") == ["2026-02-10"]


def test_overview_says_with_which_days_it_compares(kept: tuple[Workspace, str]) -> None:
    shown = words(opened(kept, "overview", compare="2026-01-05..2026-01-14", **{"from": "2026-02-04"}))
    assert "change against 5–14 Jan 2026" in shown


def test_a_group_of_answers_is_followed_to_the_flow_page(kept: tuple[Workspace, str]) -> None:
    app = opened(kept, "voice")
    app.button(key="see_nps_0").click().run()
    assert param(app, "answered") == ["nps|0|6"]
    assert "10 journeys" in words(app) and "Detractors" in words(app)
    app.button(key="bar_answered").click().run()
    assert param(app, "answered") == []


def test_the_drop_off_page_says_what_sets_the_lost_apart_and_what_they_said(kept: tuple[Workspace, str]) -> None:
    app = opened(kept, "drop-off", **{"funnel.steps": "ad,site,buy"})
    app.selectbox(key="drop_step").set_value(3).run()  # before buy: the 10 with help
    shown = words(app)
    assert "Where Persona is Saver, fewer are lost before buy: 0% against 100%" in shown
    assert "NPS: those lost before buy score lower than those who came through" in shown
    assert "comments of those who were lost: 10" in shown and "comments of those who came through: 30" in shown
    assert "<b>so</b> 39" in shown  # as it was written


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"in": r"Odd|is.nothing=1&touchpoint=help"}, "no column nothing"),
        ({"tried": "lost|9|steps=ad,site"}, "Nobody can be lost before step 9"),
    ],
)
def test_a_filter_that_cannot_be_is_said_and_can_be_taken_away(
    kept: tuple[Workspace, str], address: dict[str, str], said: str
) -> None:
    app = opened(kept, "flow", **address)
    assert said in words(app)
    button = app.button(key="remove_members" if "in" in address else "remove_tried")
    button.click().run()
    assert not app.exception and "60 journeys" in words(app)


def test_a_segment_that_cannot_be_read_is_left_out_with_a_note(kept: tuple[Workspace, str]) -> None:
    app = opened(kept, "flow", **{"in": "Broken|all(touchpoint=help"})
    assert "The link asks for Broken" in words(app) and "60 journeys" in words(app)


def test_damaged_segments_stop_no_page(kept: tuple[Workspace, str]) -> None:
    workspace, dataset = kept
    path = workspace.root / "segments" / f"{dataset}.json"
    before = path.read_text(encoding="utf-8")
    try:
        path.write_text("{")
        shown = words(opened(kept, "flow"))
    finally:
        path.write_text(before, encoding="utf-8")
    assert "60 journeys" in shown
