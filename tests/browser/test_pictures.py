"""The pictures of the README, taken from the running pages. `make shots` writes them to docs/pictures."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Server, visit

PICTURES = {
    "overview-en": ("/?lang=en", 1440, "light"),
    "flow-en": ("/flow?lang=en", 1440, "light"),
    "drop-off-ru": ("/drop-off?lang=ru", 1440, "light"),
    "voice-ar": ("/voice?lang=ar", 1440, "light"),
    "flow-fa-dark": ("/flow?lang=fa", 1440, "dark"),
    "overview-ar-phone": ("/?lang=ar", 390, "light"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_picture(browser: Browser, server: Server, name: str) -> None:
    where, width, ground = PICTURES[name]
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="en-US", color_scheme=ground)  # type: ignore[arg-type]
    tab = visit(context, server).open(where)
    assert tab.page.locator("h1").count() == 1
    taken = tab.shot(name)
    assert taken.stat().st_size > 10_000
    context.close()
    assert tab.foreign == []
