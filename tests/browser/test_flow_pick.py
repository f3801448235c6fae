"""A click on the flow in a real browser, and the same by keyboard: the branch stands out, its card opens, a link shows the same."""

from __future__ import annotations

from playwright.sync_api import Browser

from tests.browser.conftest import Server, Visit, visit

CENTRE = """() => {
  const bars = [...document.querySelectorAll('.st-key-card_flow svg path')].map(p => p.getBoundingClientRect())
    .filter(r => Math.abs(r.width - 10) < 1.5 && r.height > 40).sort((a, b) => a.left - b.left || b.height - a.height);
  return [bars[0].left + 5, bars[0].top + bars[0].height / 2];
}"""
FAINT = """() => [...document.querySelectorAll('.st-key-card_flow svg path')]
  .map(p => Number(p.getAttribute('fill-opacity') ?? 1)).filter(o => o > 0.05 && o < 0.1).length"""


def drawn(tab: Visit) -> Visit:
    tab.page.locator('.st-key-card_flow [data-testid="stEChartsChart"] svg path').first.wait_for()
    return tab.settle()


def test_a_click_on_a_node_opens_its_card_and_filters_nothing(browser: Browser, server: Server, tab: Visit) -> None:
    drawn(tab.open("/flow"))
    assert tab.page.evaluate(FAINT) == 0 and tab.page.locator(".st-key-card_branch").count() == 0
    tab.page.mouse.click(*tab.page.evaluate(CENTRE))
    tab.page.locator(".st-key-card_branch").wait_for(timeout=60_000)
    drawn(tab)
    assert "passing=" not in tab.page.url and "flow_branch.source=Online" in tab.page.url
    assert tab.page.evaluate(FAINT) > 5
    said = tab.page.locator(".st-key-card_branch").inner_text()
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    other = visit(context, server)
    other.page.goto(tab.page.url)
    drawn(other)
    assert other.page.locator(".st-key-card_branch").inner_text() == said
    context.close()
    tab.page.mouse.click(*tab.page.evaluate(CENTRE))  # the same again: the whole flow
    tab.page.locator(".st-key-card_branch").wait_for(state="detached", timeout=60_000)
    assert "flow_branch" not in tab.page.url


def test_the_keyboard_reaches_the_same(tab: Visit) -> None:
    drawn(tab.open("/flow"))
    tab.page.locator(".st-key-flow_pick input").focus()
    tab.page.keyboard.type("1 · Online ad →")
    tab.page.keyboard.press("Enter")
    tab.page.locator(".st-key-card_branch").wait_for(timeout=60_000)
    drawn(tab)
    assert "flow_branch.kind=move" in tab.page.url and "The step before" not in tab.text
    tab.page.locator(".st-key-branch_close button").focus()
    tab.page.keyboard.press("Enter")
    tab.page.locator(".st-key-card_branch").wait_for(state="detached", timeout=60_000)
    tab.page.locator(".st-key-flow_path button").first.focus()
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_function("() => location.search.includes('flow.path=')", timeout=60_000)
    assert drawn(tab).page.evaluate(FAINT) > 5
