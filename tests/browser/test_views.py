"""Saved views and steps back in a real browser: a short link opens the page of another reader; undo and the back button agree."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Server, Visit, visit
from tests.browser.test_languages import CLIPPED, WIDER

NAME = "Savers <img src=http://x.invalid/y> [a](http://x.invalid)"


def asked(tab: Visit) -> dict[str, list[str]]:
    return parse_qs(urlsplit(tab.page.url).query)


def choose_email(tab: Visit) -> None:
    """Filter by a channel, as a reader does."""
    tab.page.locator('[class*="st-key-chip_channel"] button').first.click()
    tab.page.locator(".st-key-bar_channel input").click()
    tab.page.get_by_role("option", name="email").click()
    tab.page.wait_for_function("() => location.search.includes('channel=email')", timeout=20_000)
    tab.page.keyboard.press("Escape")
    tab.settle()


def test_a_view_is_saved_and_opened_by_its_short_link_elsewhere(browser: Browser, server: Server, tab: Visit) -> None:
    tab.open("/flow?persona=Saver")
    heading = tab.heading
    tab.page.locator(".st-key-quiet_view button").first.click()
    tab.page.locator(".st-key-view_name input").fill(NAME)
    tab.page.locator(".st-key-view_save button").click()
    tab.page.wait_for_function("() => location.search.includes('saved=')", timeout=20_000)
    saved = asked(tab.settle())["saved"][0]
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="ru-RU")
    other = visit(context, server)
    other.page.goto(f"{server.url}/?saved={saved}&lang=en")  # whatever page it names: the view knows its own
    other.page.wait_for_url(re.compile("/flow"))
    assert (other.settle().heading, asked(other)["persona"]) == (heading, ["Saver"])
    other.open("/views?lang=en")
    assert NAME in other.text and "Persona: Saver" in other.text
    assert (other.page.evaluate(WIDER), other.page.evaluate(CLIPPED)) == (0, [])
    other.page.locator('[class*="st-key-view_drop_"] button').first.click()
    other.page.locator(".st-key-view_back button").wait_for()
    assert NAME not in other.page.locator('[class*="st-key-card_view_"]').all_inner_texts()
    other.page.locator(".st-key-view_back button").click()
    other.page.locator('[class*="st-key-card_view_"]').first.wait_for()
    assert tab.foreign == other.foreign == []
    context.close()


def test_undo_and_the_back_button_of_the_browser_agree(tab: Visit) -> None:
    tab.open("/flow?persona=Saver")
    choose_email(tab)
    tab.page.locator(".st-key-bar_undo button").click()
    tab.page.wait_for_function("() => !location.search.includes('channel')", timeout=20_000)
    assert tab.settle().page.locator(".st-key-bar_redo").count() == 1
    tab.page.go_back()  # back to before the undo
    tab.page.wait_for_function("() => location.search.includes('channel=email')", timeout=20_000)
    tab.settle()
    assert (tab.page.locator(".st-key-bar_undo").count(), tab.page.locator(".st-key-bar_redo").count()) == (1, 0)
    tab.page.go_back()  # and to before the choice
    tab.page.wait_for_function("() => !location.search.includes('channel')", timeout=20_000)
    assert "Channel: email" in tab.settle().page.locator(".st-key-bar_redo").inner_text()
    tab.page.go_forward()
    tab.page.wait_for_function("() => location.search.includes('channel=email')", timeout=20_000)
    assert "Channel: email" in tab.settle().page.locator(".st-key-bar_undo").inner_text()


@pytest.mark.parametrize(("language", "width"), [("en", 1440), ("ar", 1440), ("fa", 390)])
def test_a_query_fits_into_its_explanation(browser: Browser, server: Server, language: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="en-US")
    tab = visit(context, server)
    tab.open(f"/?lang={language}&persona=Saver")
    tab.page.locator(".st-key-explain_tiles button").first.click()
    tab.settle().page.locator('[class*="st-key-explain_tiles_1"] summary').click()
    tab.settle().page.locator(".st-key-query_tiles_1 label").first.click()
    code = tab.page.locator('[data-testid="stPopoverBody"] [data-testid="stCode"]')
    code.wait_for(timeout=20_000)
    assert code.inner_text().startswith("SELECT") and "$1" in code.inner_text() and "Saver" not in code.inner_text()
    assert code.evaluate("e => getComputedStyle(e).direction") == "ltr"
    tab.settle().shot(f"explained-{language}-{width}")
    assert (tab.page.evaluate(WIDER), tab.page.evaluate(CLIPPED), tab.foreign) == (0, [], [])
    context.close()
