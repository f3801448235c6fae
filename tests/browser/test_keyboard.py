"""Every page by keyboard alone: the Tab key comes to everything that can be pressed or filled in, and shows where it is."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Server, visit
from tests.browser.test_languages import PAGES
from tests.conftest import seldom

MOST_STOPS = 400
# marks everything that can be pressed or filled in and is seen; says how much that is
MARK = """() => {
  const usable = ['a[href]', 'button', 'input', 'select', 'textarea', '[role="button"]', '[role="combobox"]', '[tabindex="0"]'];
  let marked = 0;
  for (const e of document.querySelectorAll(`:is([data-testid="stMain"], [data-testid="stSidebar"]) :is(${usable})`)) {
    const box = e.getBoundingClientRect(), look = getComputedStyle(e);
    if (e.disabled || e.getAttribute('aria-disabled') === 'true' || e.tabIndex < 0 || e.closest('[inert], canvas')) continue;
    if (!box.width || !box.height || look.visibility === 'hidden') continue;
    e.dataset.reach = String(marked++);
  }
  return marked;
}"""
HERE = """() => {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  return {reach: e.dataset.reach ?? null, name: (e.getAttribute('aria-label') || e.textContent || e.id || e.tagName).slice(0, 60)};
}"""
# of a group of choices one is a stop, and the arrow keys go on from it
MISSED = """reached => {
  const came = e => reached.includes(e.dataset.reach);
  const groups = e => e.closest('[role="radiogroup"]')?.querySelectorAll('[data-reach]') ?? [];
  return [...document.querySelectorAll('[data-reach]')].filter(e => !came(e) && ![...groups(e)].some(came))
    .map(e => e.outerHTML.slice(0, 160));
}"""


@pytest.mark.parametrize("page", [*PAGES[:5], *seldom(*PAGES[5:])])
def test_the_tab_key_comes_to_everything(browser: Browser, server: Server, page: str) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    tab = visit(context, server).open(f"/{page}")
    marked = tab.page.evaluate(MARK)
    assert marked > 10
    reached: list[str] = []
    for _stop in range(MOST_STOPS):
        tab.page.keyboard.press("Tab")
        here = tab.page.evaluate(HERE)
        if here is None:
            break
        if here["reach"] is not None:
            if here["reach"] in reached:
                break
            reached.append(here["reach"])
    missed = tab.page.evaluate(MISSED, reached)
    context.close()
    assert missed == []
