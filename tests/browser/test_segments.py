"""Segments in a real browser: made from a click, saved, combined, and the same for whoever opens the link."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Server, Visit, visit
from tests.browser.test_languages import CLIPPED, WIDER

NODE = "/flow?passing=1%7CWebsite"


def save(tab: Visit, name: str) -> None:
    """Save who is on the page under a name."""
    tab.page.locator(".st-key-save_segment_bar button").first.click()
    tab.page.get_by_role("dialog").get_by_role("textbox").fill(name)
    tab.page.keyboard.press("Enter")
    button = tab.page.locator(".st-key-segment_save button")
    button.and_(tab.page.locator(":enabled")).wait_for(timeout=20_000)
    button.click()
    tab.page.wait_for_function("() => location.search.includes('in=')", timeout=20_000)
    tab.settle()


def journeys(tab: Visit) -> str:
    """The first number of journeys that the page counts."""
    found = re.search(r"([\d,]+) journeys", tab.text)
    assert found
    return found[1]


def test_a_node_becomes_a_segment_that_a_link_hands_on(browser: Browser, server: Server, tab: Visit) -> None:
    tab.open(NODE)
    before = journeys(tab)
    save(tab, "Begin <b>with</b> a blog")
    assert "passing=" not in tab.page.url
    assert journeys(tab) == before
    assert "In Begin <b>with</b> a blog" in tab.text
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="ru-RU")
    other = visit(context, server)
    other.page.goto(tab.page.url)
    other.settle()
    assert journeys(other) == before and tab.foreign == other.foreign == []
    context.close()
    tab.open("/drop-off")
    tab.page.locator('[class*="st-key-chip_people"] button').first.click()
    tab.page.locator(".st-key-bar_segments button").click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_text("Step 1: Website").wait_for()
    assert (
        tab.page.locator('[data-testid="stPopoverBody"]:visible').count() == 0
    )  # the menu steps back behind the dialog
    dialog.get_by_role("button", name="Delete").first.click()
    tab.settle()


@pytest.mark.parametrize(
    ("language", "width"), [("ar", 1440), ("fa", 390), pytest.param("en", 1440, marks=pytest.mark.long)]
)
def test_comparisons_fit(browser: Browser, server: Server, language: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="en-US")
    tab = visit(context, server)
    wrong = {}
    days = "from=2026-07-01&to=2026-08-31&compare=previous"
    for page in ("drop-off", "stages", "channels", "voice"):
        tab.open(f"/{page}?{days}&persona=Saver&b.persona=Family&lang={language}")
        cards = tab.page.locator('[class*="st-key-card_differs_"]')
        cards.first.wait_for()
        assert cards.count() >= 2
        wrong |= {(page, what): found for what, script in {"wider": WIDER, "clipped": CLIPPED}.items()
                  if (found := tab.page.evaluate(script))}  # fmt: skip
        tab.shot(f"compared-{page}-{language}-{width}")
    context.close()
    assert wrong == {} and tab.foreign == []
