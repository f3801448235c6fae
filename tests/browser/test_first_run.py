"""From two exports to the journey, in a real browser: upload, numbers, links, filters, hostile names, bad files."""

from __future__ import annotations

import gzip
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import ROOT, Server, Visit, start_server, visit, wait_for_health

HOSTILE = "<img src=x>[a](http://b)$x$"


def upload(tab: Visit, *files: Path) -> Visit:
    """Drop files on the Data page and wait until they are recognised."""
    tab.open("/data")
    tab.page.set_input_files("input[type=file]", [str(f) for f in files])
    tab.page.get_by_role("button", name="Discard", exact=True).wait_for(timeout=60_000)
    return tab.settle()


def import_all(tab: Visit, rows: str) -> str:
    """Press Import, wait until the dataset is there; returns the query that names it."""
    tab.page.get_by_role("button", name="Import", exact=True).click()
    tab.page.get_by_role("heading", name=f"All {rows} rows of your files are loaded").wait_for(timeout=120_000)
    tab.settle()
    return tab.page.url.split("?", 1)[1]


@pytest.fixture(scope="module")
def olist(
    browser: Browser, server: Server, test_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The olist journey, uploaded through the page; gives the query that names it."""
    folder = tmp_path_factory.mktemp("olist")
    files = []
    for name in ("touchpoints", "survey"):
        files.append(folder / f"{name}.csv")
        files[-1].write_bytes(gzip.decompress((test_data("olist_journey") / f"{name}.csv.gz").read_bytes()))
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    tab = upload(visit(context, server), *files)
    assert "“review_score” is read as CSAT" in tab.text or '"review_score" is read as CSAT' in tab.text
    query = import_all(tab, "27,789")  # 23,803 touchpoints and 3,986 answers
    yield query
    context.close()
    assert tab.foreign == []


class TestOlist:
    """Numbers on screen against the README of the data set: 3,998 customers, touchpoint counts, 3,986 answers."""

    def test_the_data_page_says_what_was_loaded(self, tab: Visit, olist: str) -> None:
        text = tab.open(f"/data?{olist}").text
        assert "23,803" in text and "3,986" in text  # rows of the two files
        # four lines of the file stand in it twice (`sort | uniq -d`); each counts once
        assert "Version 1: 23,799 touchpoints, 3,986 answers, 3,998 customers" in text
        assert "4 exact duplicates counted once" in text

    def test_every_touchpoint_reaches_as_many_as_the_readme_says(self, tab: Visit, olist: str) -> None:
        tab.open(f"/stages?{olist}")
        rows = tab.page.locator(".st-key-card_scorecard table tbody tr")
        rows.first.wait_for()
        found = {}
        for i in range(rows.count()):
            cells = rows.nth(i).locator("td").all_inner_texts()
            found[cells[0].strip()] = int(cells[2].split()[0].replace(",", ""))
        assert (
            found["purchase"] == 3998
        )  # every customer bought; orders per touchpoint stand in the README, customers here
        assert set(found) == {
            "purchase", "payment_approved", "handed_to_carrier", "delivered", "survey_sent", "survey_answered",
        }  # fmt: skip

    def test_satisfaction_counts_all_answers(self, tab: Visit, olist: str) -> None:
        assert "3,986 responses" in tab.open(f"/voice?{olist}").text

    def test_mean_score_of_a_state_is_that_of_the_readme(self, tab: Visit, olist: str) -> None:
        """SP 4.201 (1,710 answers), MG 4.116 (492)."""
        sp = tab.open(f"/voice?{olist}&region=SP").text
        assert "4.20" in sp and "1,710 responses" in sp
        assert "4.12" in tab.open(f"/voice?{olist}&region=MG").text

    def test_the_flow_counts_every_customer(self, tab: Visit, olist: str) -> None:
        assert "3,998 journeys" in tab.open(f"/flow?{olist}").text


def test_a_deep_link_is_right_as_the_very_first_request(browser: Browser, server: Server, tmp_path: Path) -> None:
    """On a server that nobody visited yet: no "page not found" dialog, the right page, the sample data."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    code = (
        "import os, sys; from pages.parts import server; os.chdir(server.ROOT);"
        f"server.serve('127.0.0.1', {port})"  # serve, without the warm-up visit that `make run` makes
    )
    log = tmp_path / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, stdout=out, stderr=out,
            env=os.environ | {"TOUCHLINE_WORKSPACE": str(server.workspace)},
        )  # fmt: skip
    try:
        wait_for_health(port)
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
        fresh = visit(context, Server(port, server.workspace, process, log))
        fresh.open("/flow?persona=Saver")
        assert fresh.page.locator('[role="dialog"]').count() == 0
        assert "start with" in fresh.heading
        assert "5,648 journeys" in fresh.text  # the Savers of the sample, as its README counts them
        context.close()
        assert fresh.foreign == []
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_the_address_always_holds_the_view(tab: Visit) -> None:
    tab.open("/")
    assert re.search(r"ds=[0-9a-f]{32}&(v=1&)?lang=en", tab.page.url)
    tab.page.get_by_test_id("stSidebarNav").get_by_role("link", name="Drop-off").click()
    tab.settle()
    assert re.search(r"/drop-off\?ds=[0-9a-f]{32}&(v=1&)?lang=en", tab.page.url)


def test_a_persona_filter_changes_every_chart_of_the_page(tab: Visit) -> None:
    """20,000 customers of the sample, 5,648 of them Savers: every caption of the page says so."""
    tab.open("/")
    captions = tab.page.locator("p.tl-caption")
    expect(captions.filter(has_text="20,000 customers").first).to_be_visible(timeout=30_000)
    before = [t for t in captions.all_inner_texts() if "customers" in t]
    assert before and all(t.startswith("20,000 customers") for t in before)
    tab.page.locator(".st-key-chip_people button").first.click()
    tab.page.get_by_role("combobox", name=re.compile("Persona")).click()
    tab.page.get_by_role("option", name="Saver").click()
    tab.page.keyboard.press("Escape")
    tab.page.wait_for_function("() => location.search.includes('persona=Saver')", timeout=20_000)
    tab.settle()
    expect(captions.filter(has_text="20,000 customers")).to_have_count(0, timeout=30_000)
    after = [t for t in captions.all_inner_texts() if "customers" in t]
    assert len(after) == len(before)
    assert all(t.startswith("5,648 customers") and "Persona: Saver" in t for t in after)


def test_a_link_shows_the_same_numbers_in_another_browser(browser: Browser, server: Server, tab: Visit) -> None:
    tab.open("/drop-off?segment=Guest&channel=app&funnel.window=7d&from=2025-11-01&to=2026-02-28")
    here = tab.page.locator('[data-testid="stMain"] table').all_inner_texts()
    assert here
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="ru-RU")
    other = visit(context, server)
    other.page.goto(tab.page.url)
    other.settle()
    assert other.heading == tab.heading
    assert other.page.locator('[data-testid="stMain"] table').all_inner_texts() == here
    context.close()


def test_unknown_and_stale_values_of_a_link_are_ignored_with_a_note(tab: Visit) -> None:
    text = tab.open("/?persona=Nobody&grain=galaxy&from=not-a-day").text
    assert "persona = Nobody" in text and "galaxy" in text and "not-a-day" in text
    assert "20,000 customers" in text
    assert "persona" not in tab.page.url


def test_a_link_to_a_dataset_that_is_gone_says_so(tab: Visit) -> None:
    text = tab.open(f"/flow?ds={'0' * 32}").text
    assert "There is no such dataset here" in text
    assert tab.page.get_by_role("button", name="Look at sample data").count() == 1


def test_a_click_on_a_node_filters_the_page(tab: Visit) -> None:
    tab.open("/flow")
    tab.page.locator('.st-key-card_flow [data-testid="stEChartsChart"] svg path').first.wait_for()
    box = tab.page.locator('.st-key-card_flow [data-testid="stEChartsChart"] svg').bounding_box()
    assert box
    tab.page.mouse.click(box["x"] + 0.012 * box["width"], box["y"] + 60)  # the first node of the first step: Online ad
    tab.page.get_by_role(
        "button", name="Only these journeys"
    ).click()  # a click opens the node; this button filters by it
    tab.page.wait_for_function("() => location.search.includes('passing=')", timeout=20_000)
    tab.settle()
    assert "passing=1%7COnline+ad" in tab.page.url
    assert "8,491 journeys" in tab.text  # as many as the README of the sample says start with an ad
    captions = [t for t in tab.page.locator("p.tl-caption").all_inner_texts() if "journeys" in t]
    assert len(captions) >= 4 and all(t.startswith("8,491 journeys") for t in captions)


def test_the_keyboard_path_filters_like_a_click(tab: Visit) -> None:
    tab.open("/flow")
    box = tab.page.get_by_role("combobox", name=re.compile("Look closer"))
    box.focus()
    box.press_sequentially("Referral")
    tab.page.keyboard.press("Enter")
    tab.page.get_by_role("button", name="Only these journeys").focus()
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_function("() => location.search.includes('passing=')", timeout=20_000)
    tab.settle()
    assert "1,745 journeys" in tab.text  # customers who start with a referral, as the README of the sample counts them


def write_hostile(folder: Path) -> Path:
    rows = "".join(
        f'c{i},2026-01-0{1 + i % 5} 10:00,"{HOSTILE}",web\nc{i},2026-01-0{1 + i % 5} 10:05,Purchase,web\n'
        for i in range(40)
    )
    path = folder / "hostile.csv"
    path.write_text("customer_id,occurred_at,touchpoint,channel\n" + rows, encoding="utf-8")
    return path


def test_a_hostile_touchpoint_shows_byte_for_byte(tab: Visit, tmp_path: Path) -> None:
    query = import_all(upload(tab, write_hostile(tmp_path)), "80")
    for page in ("flow", "drop-off", "stages", "channels", ""):
        tab.open(f"/{page}?{query}&touchpoint={HOSTILE.replace('$', '%24').replace('[', '%5B')}")
        html = tab.page.content()
        assert HOSTILE in tab.text or page == "channels", page
        assert "<img src=x>" not in html and 'href="http://b' not in html
        assert tab.page.locator(".katex").count() == 0


BAD_FILES = {
    "empty.csv": (b"", "empty"),
    "header.csv": (b"customer_id,occurred_at,touchpoint\n", "has a header but no rows"),
    "odd.csv": ("customer_id§occurred_at§touchpoint\na§2026-01-01§x\n".encode(), "customer"),
    "noid.csv": (b"when,touchpoint\n2026-01-01,x\n", "customer_id"),
    "picture.csv": (b"\x89PNG\r\n\x1a\n" + b"\0" * 200, "PNG"),
    "wide.csv": (
        (",".join(f"c{i}" for i in range(2_000)) + "\n" + ",".join("1" for _ in range(2_000)) + "\n").encode(),
        "2,000",
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_gets_a_clear_message_and_the_app_lives(tab: Visit, tmp_path: Path, name: str) -> None:
    content, said = BAD_FILES[name]
    (tmp_path / name).write_bytes(content)
    upload(tab, tmp_path / name)
    notice = tab.page.locator(".tl-notice.bad").first.inner_text()
    assert said in notice and name in notice, notice
    assert tab.page.get_by_role("button", name="Import", exact=True).is_disabled()
    tab.page.get_by_role("button", name="Discard", exact=True).click()
    tab.settle()
    assert "rows are loaded" in tab.open("/data").text


def test_an_import_survives_a_restart(browser: Browser, tab: Visit, server: Server, tmp_path: Path) -> None:
    query = import_all(upload(tab, write_hostile(tmp_path)), "80")
    second = start_server(server.workspace, tmp_path / "log")
    try:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
        again = visit(context, second)
        assert "80 touchpoints" in again.open(f"/data?{query}").text
        context.close()
    finally:
        second.stop()
