"""A page saved as one file opens offline with the same numbers, in any language."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Visit


@pytest.mark.parametrize(("page", "language", "words"), [("flow", "en", "Save page"), ("voice", "fa", "ذخیرهٔ صفحه")])
def test_a_saved_page_opens_offline(
    tab: Visit, browser: Browser, tmp_path: Path, page: str, language: str, words: str
) -> None:
    tab.open(f"/{page}?lang={language}")
    with tab.page.expect_download(timeout=60_000) as saving:
        tab.page.get_by_role("button", name=words).click()
    target = tmp_path / "page.html"
    saving.value.save_as(target)
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
        assert offline.locator(".js-plotly-plot .sankey").count() == 1
        assert "20,000 journeys" in offline.locator("body").inner_text()
    context.close()
