"""A page saved as one file opens offline with the same numbers, in any language."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Download

from tests.browser.conftest import Visit


def save(tab: Visit, form: str) -> Download:
    """Make a file of the page and save it, as a reader does."""
    tab.page.locator(".st-key-bar_export button").first.click()
    tab.page.locator(f".st-key-export_{form} button").click()
    ready = tab.page.locator(".st-key-export_save button")
    ready.wait_for(timeout=120_000)
    with tab.page.expect_download(timeout=60_000) as saving:
        ready.click()
    return saving.value


@pytest.mark.parametrize(("page", "language"), [("flow", "en"), ("voice", "fa")])
def test_a_saved_page_opens_offline(tab: Visit, browser: Browser, tmp_path: Path, page: str, language: str) -> None:
    tab.open(f"/{page}?lang={language}")
    saved = save(tab, "html")
    target = tmp_path / "page.html"
    saved.save_as(target)
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    offline = context.new_page()
    asked: list[str] = []
    offline.on("request", lambda r: asked.append(r.url) if not r.url.startswith(("file:", "data:", "blob:")) else None)
    offline.goto(target.as_uri())
    offline.wait_for_timeout(1_500)
    assert asked == []
    assert offline.locator("h1").inner_text().strip() == tab.heading.strip()
    assert offline.locator("svg").count() > 0
    if page == "flow":
        assert offline.locator("figure svg path title").count() > 10
        assert "20,000 journeys" in offline.locator("body").inner_text()
    context.close()
