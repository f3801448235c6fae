"""Five things that people come for, from the overview, counted in clicks: none may take more than six, on the sample and on the
real orders of a shop with their reviews."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Locator
from pptx import Presentation

from cx_metrics.importing import ImportFile, Plan, import_version
from cx_metrics.workspace import Workspace
from tests.browser.conftest import Server, Visit, visit

MOST = 6
COUNT = """() => addEventListener('pointerdown', e => {
  if (e.isTrusted) sessionStorage.clicks = Number(sessionStorage.clicks || 0) + 1;
}, true)"""
ARABIC = re.compile("[\u0600-\u06ff]")
pytestmark = pytest.mark.long


@dataclass
class Data:
    """A dataset: its id, the attribute that is compared and filtered by, two of its values."""

    id: str
    column: str
    values: tuple[str, str]


@pytest.fixture(scope="module", params=["sample", "orders"])
def data(server: Server, request: pytest.FixtureRequest) -> Iterator[Data]:
    if request.param == "sample":
        yield Data(server.sample.removeprefix("ds="), "persona", ("Saver", "Family"))
        return
    test_data: Callable[[str], Path] = request.getfixturevalue("test_data")
    workspace = Workspace(server.workspace)
    dataset = workspace.create("Orders and reviews")
    files = [test_data(f"olist_journey/{name}.csv.gz") for name in ("touchpoints", "survey")]
    import_version(workspace, dataset, Plan(tuple(ImportFile(path, path.name) for path in files)))
    yield Data(dataset, "region", ("SP", "RJ"))
    workspace.delete(dataset)


@pytest.fixture
def start(browser: Browser, server: Server, data: Data) -> Iterator[Visit]:
    """The overview as somebody sees it first; pointer presses are counted from here."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    context.add_init_script(f"({COUNT})()")
    tab = visit(context, server).open(f"/?lang=en&ds={data.id}")
    tab.page.evaluate("() => { sessionStorage.clicks = 0 }")
    yield tab
    context.close()
    assert tab.foreign == []


def clicks(tab: Visit) -> int:
    return int(tab.page.evaluate("() => Number(sessionStorage.clicks)"))


def go(tab: Visit, name: str) -> None:
    """One click in the sidebar."""
    before = tab.page.url
    tab.page.locator('[data-testid="stSidebarNavLink"]').filter(has_text=name).first.click()
    tab.page.wait_for_function("u => location.href.split('?')[0] !== u.split('?')[0]", arg=before, timeout=30_000)
    tab.settle()


def take(tab: Visit, box: Locator, value: str, sign: str) -> None:
    """Two clicks: open a list, take a value; then wait for the address. The list stays open, over what lies below it."""
    box.click()
    tab.page.get_by_role("option", name=value, exact=True).click()
    tab.page.wait_for_function("sign => location.search.includes(sign)", arg=sign, timeout=30_000)


def open_people(tab: Visit) -> None:
    """One click: the chip that says who is looked at."""
    tab.page.locator('[class*="st-key-chip_people"] button').first.click()


def choose(tab: Visit, data: Data, key: str, value: str, sign: str) -> None:
    """Two clicks: an attribute of the people, and a value of it."""
    take(tab, tab.page.locator(f".st-key-{key}_{data.column} input"), value, f"{sign}{data.column}={value}")


def test_the_worst_drop_off_and_why(start: Visit) -> None:
    go(start, "Drop-off")
    assert re.search(r"\d+% are lost between .+ and .+, more customers than at any other step", start.heading)
    heads = "\n".join(start.page.locator("h2").all_inner_texts())
    assert re.search(r"of those lost before .+( went to|, nothing came after| came there too late)", heads), (
        heads
    )  # where to
    assert "Lost with it" in start.text  # and what sets them apart
    assert clicks(start) <= MOST


def test_two_groups_side_by_side(start: Visit, data: Data) -> None:
    go(start, "Stages")
    open_people(start)
    choose(start, data, "bar_b", data.values[1], "b.")
    start.settle()
    choose(start, data, "bar", data.values[0], "")
    start.settle()
    first, second = data.values
    assert re.search(
        rf"{first}.+against.+{second}", start.page.locator(".st-key-chip_people button").first.inner_text()
    )
    assert "beyond chance" in start.text or "within chance" in start.text
    assert clicks(start) <= MOST


def test_what_detractors_did(start: Visit) -> None:
    go(start, "Voice")
    card = start.page.locator('[class*="st-key-card_responses"], [class*="st-key-card_around"]').first
    assert re.search(r"\d+% of (detractors|the unhappy) go to .+ next", card.locator("h2, h3").first.inner_text())
    assert clicks(start) <= MOST


def test_a_filtered_view_is_shared(browser: Browser, server: Server, start: Visit, data: Data) -> None:
    open_people(start)
    choose(start, data, "bar", data.values[0], "")
    start.page.keyboard.press("Escape")
    heading = start.settle().heading
    start.page.locator(".st-key-quiet_link button").first.click()
    code = start.page.locator('[data-testid="stPopoverBody"] [data-testid="stCode"]')
    code.wait_for()
    link = code.inner_text()
    code.hover()
    code.get_by_role("button").click()
    assert clicks(start) <= MOST
    assert parse_qs(urlsplit(link).query)[data.column] == [data.values[0]]
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    other = visit(context, server)
    other.page.goto(link)
    assert other.settle().heading == heading
    context.close()


def test_a_board_slide_in_arabic(start: Visit, tmp_path: Path) -> None:
    start.page.get_by_role("combobox", name="Language").click()
    start.page.get_by_role("option", name="العربية").click()
    start.page.wait_for_function("() => document.documentElement.lang === 'ar'", timeout=30_000)
    start.settle().page.locator(".st-key-bar_export button").first.click()
    start.page.locator(".st-key-export_slides button").click()
    ready = start.page.locator(".st-key-export_save button")
    ready.wait_for(timeout=120_000)
    with start.page.expect_download(timeout=60_000) as saving:
        ready.click()
    assert clicks(start) <= MOST
    saving.value.save_as(tmp_path / "board.pptx")
    deck = Presentation(io.BytesIO((tmp_path / "board.pptx").read_bytes()))
    assert all(ARABIC.search(slide.shapes.title.text_frame.text) for slide in list(deck.slides)[1:])
