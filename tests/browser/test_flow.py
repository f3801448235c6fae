"""The flow page in a real browser: parts of journeys, many steps, matrices, A against B, on laptop and phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Server, Visit, visit
from tests.browser.test_languages import CLIPPED, CUT_IN_CHARTS, WIDER
from tests.browser.test_saved_page import save

LOOKS = {
    "after": "/flow?flow_links.start=Website&flow_links.steps=10",
    "before": "/flow?flow_links.end=Purchase",
    "between": "/flow?flow_links.start=Website&flow_links.end=Purchase&flow_links.steps=5",
    "against": "/flow?persona=Saver&b.persona=Family",
}
LABELS_THAT_MEET = """() => {
  const found = [...document.querySelectorAll('.st-key-card_flow svg text')].map(t => [t.textContent, t.getBoundingClientRect()]);
  return found.filter(([a, r], i) => found.some(([b, q], j) => j > i && r.width && q.width
    && r.left < q.right - 4 && q.left < r.right - 4 && r.top < q.bottom - 6 && q.top < r.bottom - 6)).map(([a]) => a);
}"""


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(
    ("language", "width", "ground"), [("en", 1440, "light"), ("ar", 1440, "dark"), ("fa", 390, "light")]
)
def test_every_look_fits(browser: Browser, server: Server, look: str, language: str, width: int, ground: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="en-US", color_scheme=ground)  # type: ignore[arg-type]
    tab = visit(context, server).open(f"{LOOKS[look]}&lang={language}")
    tab.page.locator('.st-key-card_flow [data-testid="stEChartsChart"] svg path').first.wait_for()
    wrong = {what: found for what, script in {"wider": WIDER, "clipped": CLIPPED, "cut": CUT_IN_CHARTS}.items()
             if (found := tab.page.evaluate(script))}  # fmt: skip
    tab.shot(f"flow-{look}-{language}-{width}")
    context.close()
    assert wrong == {} and tab.foreign == []


def test_ten_steps_scroll_inside_their_card(tab: Visit) -> None:
    tab.open(LOOKS["after"])
    box = tab.page.locator('.st-key-card_flow [class*="st-key-wide_"]').first
    box.locator('[data-testid="stEChartsChart"] svg path').first.wait_for()
    inside, outside = box.evaluate("e => [e.scrollWidth, e.clientWidth]")
    assert inside >= 1_800 > outside and tab.page.evaluate(WIDER) == 0
    assert len(tab.page.evaluate(LABELS_THAT_MEET)) == 0


def test_a_part_of_the_journeys_is_chosen_by_hand_and_a_link_shows_the_same(
    browser: Browser, server: Server, tab: Visit
) -> None:
    """7,067 customers of the sample buy, as its README counts them; a purchase ends a journey for none of them."""
    tab.open("/flow")
    tab.page.locator(".st-key-chip_part button").first.click()
    tab.page.get_by_text("Before a touchpoint").click()
    tab.page.wait_for_function("() => location.search.includes('flow_links.end=Purchase')", timeout=20_000)
    tab.settle()
    assert re.search(r"come to Purchase from \w+", tab.heading)
    assert "7,067 journeys" in tab.text
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    other = visit(context, server)
    other.page.goto(tab.page.url)
    other.settle()
    assert other.heading == tab.heading and "7,067 journeys" in other.text
    context.close()


def test_the_matrices_are_tables_with_a_number_in_every_cell(tab: Visit) -> None:
    tab.open("/flow")
    for label in ("What follows what", "Step by step"):
        tab.page.locator(".st-key-card_moves").get_by_text(label, exact=True).click()
        tab.settle()
        cells = tab.page.locator(".st-key-card_moves td.cell").all_inner_texts()
        assert len(cells) > 30 and all(re.fullmatch(r"\d+%|–", cell) for cell in cells), label


def test_the_saved_page_has_the_comparison_and_the_matrix(tab: Visit) -> None:
    tab.open(LOOKS["against"])
    saved = save(tab, "html").path().read_text(encoding="utf-8")
    assert "beyond chance" in saved and "A: Saver" in saved
