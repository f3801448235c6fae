"""An export holds what the pages show: the same words and numbers, page by page, in every form; and leaves the page as it was."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from streamlit.testing.v1 import AppTest

from cx_metrics.engines import open_store
from cx_metrics.run import run
from cx_metrics.view import View
from cx_metrics.workspace import Workspace
from pages.parts.language import PageReader
from tests.conftest import seldom
from tests.pages.test_every_page import PAGES, ROOT, datasets, opened  # noqa: F401  (a fixture)

VIEWS = [page for page in PAGES if page not in ("data", "definitions", "views")]
LIGHT = PageReader("en")


def quietly() -> None:
    import streamlit as st

    from pages.parts import quiet, state

    state.load()
    st.session_state["ran"] = quiet.run(st.session_state["scripts"], lambda _n, _of: None)


def ran(dataset: str, *pages: str, **address: str) -> list[Any]:
    app = AppTest.from_function(quietly, default_timeout=120)
    for name, value in {"ds": dataset, "lang": "en", **address}.items():
        app.query_params[name] = value
    app.session_state["scripts"] = [str(ROOT / "pages" / PAGES[page]) for page in pages]
    app.run()
    assert not app.exception
    found: list[Any] = app.session_state["ran"]
    return found


def said(opening: Any, cards: list[Any]) -> list[Any]:
    """All words and numbers of a page."""
    return [str(opening.finding), [str(line) for line in opening.lines]] + [
        (
            str(c.finding),
            str(c.note),
            [str(p) for p in c.caption],
            [p for draw in c.body if isinstance(p := draw(LIGHT), str)],
        )
        for c in cards
    ]


def shown(app: AppTest) -> list[Any]:
    cards = [c for c in app.session_state["shown_cards"] if c.finding or c.body]
    return said(app.session_state["shown_page"], cards)


@pytest.mark.parametrize("page", [*VIEWS[:3], *seldom(*VIEWS[3:])])
def test_a_page_that_nobody_looks_at_says_what_it_shows(datasets: dict[str, str], page: str) -> None:  # noqa: F811
    for address in ({}, {"persona": "Saver"}):
        (found,) = ran(datasets["both"], page, **address)
        assert said(*found) == shown(opened(datasets["both"], page, **address))


def test_small_groups_stay_hidden_in_exports(datasets: dict[str, str]) -> None:  # noqa: F811
    few, workspace = datasets["one"], Workspace(app_workspace())  # two customers
    told = said(*ran(few, "stages")[0])
    workspace.protect(few, True)
    try:
        (hidden,) = ran(few, "stages") or [None]
        assert hidden is None or said(*hidden) != told
        assert "100%" in str(told) and "100%" not in str(hidden and said(*hidden))
        assert hidden is None or said(*hidden) == shown(opened(few, "stages"))
    finally:
        workspace.protect(few, False)


def test_all_pages_in_one_workbook_have_the_numbers_of_the_metrics(datasets: dict[str, str]) -> None:  # noqa: F811
    app = opened(datasets["both"], "stages")
    before = app.session_state["address"]
    app.radio(key="export_scope").set_value("all").run()
    app.button(key="export_workbook").click().run()
    assert not app.exception
    made = app.session_state["export_made"]
    assert (made.name, made.scope) == ("touchline-all-pages.xlsx", "all")
    book = openpyxl.load_workbook(io.BytesIO(made.data))
    pages = list(dict.fromkeys(name.rsplit(" ", 1)[0] for name in book.sheetnames[1:]))
    assert pages == ["Overview", "Journey flow", "Drop-off", "Stages", "Touchpoint", "Channels", "Personas", "Voice"]
    version = Workspace(app_workspace()).current(datasets["both"])
    frame = run("stage_engagement", open_store(version.path, version.facts), View()).frame
    stages = [sheet for sheet in book if sheet.title.startswith("Stages")]
    values = [cell.value for sheet in stages for row in sheet.iter_rows() for cell in row]
    cells = {round(float(v), 14) for v in values if isinstance(v, (int, float))}  # a workbook holds 16 digits
    for column in ("customers", "reach", "reach_low", "reach_high", "touchpoints", "frequency"):
        assert {round(float(v), 14) for v in frame[column].dropna()} <= cells, column
    assert app.session_state["address"] == before  # the pages of the export left the reader's own as it was
    assert app.session_state["shown_page"].name == "Stages"


@pytest.mark.parametrize("form", ["pdf", "slides", "html"])
def test_every_form_can_be_made_of_hostile_data(datasets: dict[str, str], form: str) -> None:  # noqa: F811
    app = opened(datasets["hostile"], "stages")
    app.radio(key="export_scope").set_value("all").run()
    app.button(key=f"export_{form}").click().run()
    assert not app.exception
    data = app.session_state["export_made"].data
    assert data[:4] == {"pdf": b"%PDF", "slides": b"PK\x03\x04", "html": b"<!do"}[form]
    if form == "html":
        assert b"<img src=x>" not in data and b"<script" not in data


def test_another_view_forgets_the_file_that_was_made(datasets: dict[str, str]) -> None:  # noqa: F811
    app = opened(datasets["both"], "stages")
    app.radio(key="export_scope").set_value("all").run()
    app.button(key="export_workbook").click().run()
    assert app.session_state["export_made"] is not None
    app.run()
    assert app.session_state["export_made"] is None


def app_workspace() -> Path:
    """The workspace of these tests."""
    return Path(os.environ["TOUCHLINE_WORKSPACE"])
