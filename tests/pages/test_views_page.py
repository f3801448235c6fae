"""Saved views, short links, undo and redo, from the bar to the page that lists them.

60 customers, counted by hand: 40 Savers take ad, site, buy; 20 Families take ad, help.
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
from cx_metrics.workspace import SavedView, Workspace
from pages.parts.keeping import ANSWERS

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2026, 1, 5, 9)
HOSTILE = "<img src=x>[a](http://b) $x$ :red[x]"


def load(workspace: Workspace, folder: Path, dataset: str, personas: tuple[str, str]) -> None:
    """A version of the journeys above, with these names for the personas."""
    lines = ["customer_id,occurred_at,touchpoint,persona,channel"]
    for u in range(60):
        for i, name in enumerate(["ad", "site", "buy"] if u < 40 else ["ad", "help"]):
            at = START + timedelta(days=u, minutes=10 * i)
            lines.append(f"c{u},{at.isoformat()},{name},{personas[u >= 40]},{'ads' if name == 'ad' else 'web'}")
    path = folder / f"{personas[0]}.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    importing.import_version(
        workspace, dataset, importing.Plan((importing.ImportFile(path, path.name),), goal=("buy",))
    )


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[tuple[Workspace, str]]:
    """The journeys above, in a workspace of their own."""
    workspace = Workspace(tmp_path / "workspace")
    dataset = workspace.create("journeys")
    load(workspace, tmp_path, dataset, ("Saver", "Family"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOUCHLINE_WORKSPACE", str(workspace.root))
        st.cache_resource.clear()
        ANSWERS.forget()
        yield workspace, dataset
    st.cache_resource.clear()
    ANSWERS.forget()


def opened(page: str = "", **address: str) -> AppTest:
    """A page at an address, in a new session."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in {"lang": "en", **address}.items():
        app.query_params[name] = value
    return turned(app.run(), page) if page else clean(app.run())


def turned(app: AppTest, page: str) -> AppTest:
    return clean(app.switch_page(f"pages/{page}.py").run())


def clean(app: AppTest) -> AppTest:
    assert [e.message for e in app.exception] == []
    return app


def words(app: AppTest) -> str:
    """What a reader reads: the markup without its tags, and without direction marks."""
    shown = unescape(re.sub(r"<[^>]+>", " ", "\n".join(element.proto.body for element in app.get("html"))))
    return re.sub("[\u2066-\u2069]", "", shown)


def param(app: AppTest, name: str) -> list[str]:
    found = app.query_params.get(name, [])
    return found if isinstance(found, list) else [found]


def save(app: AppTest, name: str, note: str = "") -> AppTest:
    app.text_input(key="view_name").set_value(name)
    app.text_input(key="view_note").set_value(note)
    return clean(app.button(key="view_save").click().run())


def eyebrow(app: AppTest) -> str:
    found = re.findall(r'tl-eyebrow">(.*?)</p>', "\n".join(element.proto.body for element in app.get("html")))
    return re.sub(r"<[^>]+>", "", found[0])


def popovers(app: AppTest) -> list[str]:
    return [block.proto.popover.label.replace("\\", "") for block in app.get("popover")]


def label(app: AppTest, key: str) -> str:
    return app.button(key=key).label.replace("\\", "")


def the_view(kept: tuple[Workspace, str]) -> SavedView:
    (view,) = kept[0].views(kept[1])
    return view


def test_without_views_the_page_says_how_to_save_one(kept: tuple[Workspace, str]) -> None:
    shown = words(opened("start/views", ds=kept[1]))
    assert "No views are saved yet" in shown and "Save view" in shown


def test_a_view_is_saved_and_its_short_link_opens_page_and_filters(kept: tuple[Workspace, str]) -> None:
    app = save(
        opened("behaviour/flow", ds=kept[1], persona="Saver", **{"flow_links.steps": "4"}), HOSTILE, "for <b>Monday</b>"
    )
    view = the_view(kept)
    assert (view.name, view.note, view.page, view.version) == (HOSTILE, "for <b>Monday</b>", "flow", 1)
    assert param(app, "saved") == [view.id] and "is saved" in app.toast[0].value
    for language in ("en", "ar"):
        linked = opened(saved=view.id, lang=language)
        assert eyebrow(linked) == {"en": "Journey flow", "ar": "مسار الرحلة"}[language] or language == "ar"
        assert (param(linked, "ds"), param(linked, "persona")) == ([kept[1]], ["Saver"])
        assert param(linked, "flow_links.steps") == ["4"] and param(linked, "lang") == [language]
    assert "40 journeys" in words(opened(saved=view.id))
    assert not any("<img" in element.proto.body for element in linked.get("html"))


def test_a_short_link_that_leads_nowhere_says_so_and_shows_the_data(kept: tuple[Workspace, str]) -> None:
    app = opened(saved="0" * 32)
    assert "There is no such saved view here" in words(app) and param(app, "saved") == []
    assert param(app, "ds") == [kept[1]]


def test_a_view_that_is_open_says_whether_it_was_changed_and_its_name_overwrites_it(
    kept: tuple[Workspace, str],
) -> None:
    kept[0].save_view(kept[1], "Savers", "", "flow", "persona=Saver", 1)
    view = the_view(kept)
    app = opened(saved=view.id)
    assert "View: Savers" in popovers(app)
    assert f"?saved={view.id}" in "".join(block.value for block in app.code)
    app.multiselect(key="bar_channel").set_value(["web"]).run()
    assert "View: Savers, changed" in popovers(app) and f"?saved={view.id}" not in "".join(b.value for b in app.code)
    assert app.text_input(key="view_name").value == "Savers"
    save(app, "Savers")
    assert (the_view(kept).id, the_view(kept).query) == (view.id, "persona=Saver&channel=web")
    assert "View: Savers" in popovers(app)


def test_the_fields_hold_the_words_of_the_view_that_is_open(kept: tuple[Workspace, str]) -> None:
    first, second = (kept[0].save_view(kept[1], name, f"about {name}", "flow", "", 1) for name in ("one", "two"))
    app = opened(saved=first.id)
    assert app.text_input(key="view_name").value == "one"
    turned(app, "start/views").button(key=f"view_open_{second.id}").click().run()
    assert [clean(app).text_input(key=f"view_{field}").value for field in ("name", "note")] == ["two", "about two"]


def test_the_page_of_views_opens_pins_renames_deletes_and_brings_back(kept: tuple[Workspace, str]) -> None:
    workspace, dataset = kept
    first = workspace.save_view(dataset, "Savers", "of May", "flow", "persona=Saver&from=2026-01-05&to=2026-01-14", 1)
    second = workspace.save_view(dataset, "All", "", "drop-off", "", 1)
    app = opened("start/views", ds=dataset)
    shown = words(app)
    assert "2 views are saved for the team" in shown and "Everything, no filters" in shown
    assert "Persona: Saver" in shown and "5–14 Jan 2026" in shown and "the one that counts" in shown
    app.button(key=f"view_pin_{first.id}").click().run()
    assert [v.name for v in workspace.views(dataset)] == ["Savers", "All"] and "pinned" in words(app)
    app.text_input(key=f"view_name_{second.id}").set_value("Savers")
    app.button(key=f"view_rename_{second.id}").click().run()
    assert "There is a view Savers already" in words(clean(app))
    app.text_input(key=f"view_name_{second.id}").set_value("Where they leave")
    app.button(key=f"view_rename_{second.id}").click().run()
    app.button(key=f"view_drop_{second.id}").click().run()
    assert [v.name for v in workspace.views(dataset)] == ["Savers"] and "was deleted" in words(app)
    app.button(key="view_back").click().run()
    assert {v.name for v in workspace.views(dataset)} == {"Savers", "Where they leave"} and "was deleted" not in words(
        app
    )
    assert workspace.view_of(second.id).page == "drop-off"
    app.button(key=f"view_open_{first.id}").click().run()
    assert eyebrow(clean(app)) == "Journey flow" and param(app, "persona") == ["Saver"] and "10 journeys" in words(app)


def test_a_view_whose_data_were_replaced_says_what_is_gone(kept: tuple[Workspace, str], tmp_path: Path) -> None:
    workspace, dataset = kept
    workspace.save_view(dataset, "Savers", "", "flow", "persona=Saver", 1)
    load(workspace, tmp_path, dataset, ("Thrifty", "Family"))
    shown = words(opened("start/views", ds=dataset))
    assert "of version 1 of the data; version 2 counts now" in shown
    assert "persona = Saver" in shown and "does not have" in shown


def test_views_of_other_datasets_are_listed_and_open_them(kept: tuple[Workspace, str], tmp_path: Path) -> None:
    workspace, dataset = kept
    other = workspace.create("another shop")
    load(workspace, tmp_path, other, ("Student", "Senior"))
    view = workspace.save_view(other, "Students", "", "stages", "persona=Student", 1)
    app = opened("start/views", ds=dataset)
    assert "Of the dataset another shop" in words(app)
    app.button(key=f"view_open_{view.id}").click().run()
    assert param(clean(app), "ds") == [other] and eyebrow(app) == "Stages"


class TestUndo:
    """Steps back and forth, by the buttons and by the address."""

    def test_each_edit_is_named_undone_and_done_again(self, kept: tuple[Workspace, str]) -> None:
        app = opened("behaviour/flow", ds=kept[1])
        assert [b.key for b in app.button if b.key in ("bar_undo", "bar_redo")] == []
        app.multiselect(key="bar_persona").set_value(["Saver"]).run()
        app.multiselect(key="bar_channel").set_value(["web"]).run()
        assert label(app, "bar_undo") == "Undo: Channel: web"
        app.button(key="bar_undo").click().run()
        assert (param(app, "persona"), param(app, "channel")) == (["Saver"], [])
        assert app.multiselect(key="bar_channel").value == [] and "40 journeys" in words(app)
        assert label(app, "bar_undo") == "Undo: Persona: Saver"
        assert label(app, "bar_redo") == "Redo: Channel: web"
        app.button(key="bar_redo").click().run()
        assert param(app, "channel") == ["web"]
        app.button(key="bar_undo").click().run()
        app.button(key="bar_undo").click().run()
        assert param(app, "persona") == [] and "60 journeys" in words(app)
        app.multiselect(key="bar_persona").set_value(
            ["Family"]
        ).run()  # another way on: nothing is left to be done again
        assert [b.key for b in app.button if b.key == "bar_redo"] == []

    def test_steps_survive_a_change_of_page_and_language(self, kept: tuple[Workspace, str]) -> None:
        app = opened("behaviour/flow", ds=kept[1])
        app.multiselect(key="bar_persona").set_value(["Saver"]).run()
        turned(app, "behaviour/stages")
        app.selectbox(key="side_language").set_value("fa").run()
        app.button(key="bar_undo").click().run()
        assert param(clean(app), "persona") == [] and param(app, "lang") == ["fa"]

    def test_a_step_back_of_the_browser_is_an_undo(self, kept: tuple[Workspace, str]) -> None:
        app = opened("behaviour/flow", ds=kept[1])
        before = {name: param(app, name) for name in app.query_params}
        app.multiselect(key="bar_persona").set_value(["Saver"]).run()
        for name in list(app.query_params):
            del app.query_params[name]
        for name, values in before.items():
            app.query_params[name] = values
        app.run()
        assert "60 journeys" in words(clean(app))
        assert [b.key for b in app.button if b.key == "bar_undo"] == []
        assert label(app, "bar_redo") == "Redo: Persona: Saver"

    def test_what_a_link_asks_in_vain_is_no_step(self, kept: tuple[Workspace, str]) -> None:
        app = opened("behaviour/flow", ds=kept[1], persona="Nobody")
        assert param(app, "persona") == []
        assert [b.key for b in app.run().button if b.key == "bar_undo"] == []
