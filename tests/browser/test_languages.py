"""Every page in every language: direction, words, nothing clipped, nothing wider than the screen, nothing that axe finds, on laptop
and phone."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser

from tests.browser.accessible import violations
from tests.browser.conftest import Server, visit

PAGES = ("", "flow", "drop-off", "stages", "touchpoint", "channels", "personas", "voice", "data", "definitions")
SCREENS = {"laptop": (1440, 900), "phone": (390, 844)}

WIDER = """() => document.querySelector('[data-testid="stMain"]').scrollWidth
  - document.querySelector('[data-testid="stMain"]').clientWidth"""
# our own words that are cut off: wider than their box, in a box that hides what is too much
CLIPPED = """() => [...document.querySelectorAll('[class*="tl-"], .st-key-filters button p, [data-testid="stSidebarNavLink"] span')]
  .filter(e => e.offsetParent && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 && e.children.length === 0
    && ['hidden', 'clip'].includes(getComputedStyle(e).overflowX) && !e.classList.contains('tl-hidden'))
  .map(e => e.textContent)"""
# text in charts that reaches out of its drawing
CUT_IN_CHARTS = """() => [...document.querySelectorAll('[data-testid="stEChartsChart"] svg')].flatMap(svg => {
  const box = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter(t => {
    const r = t.getBoundingClientRect();
    return r.width > 0 && (r.left < box.left - 2 || r.right > box.right + 2 || r.top < box.top - 2 || r.bottom > box.bottom + 2);
  }).map(t => t.textContent);
})"""
ARABIC, CYRILLIC = re.compile("[\u0600-\u06ff]"), re.compile("[\u0400-\u04ff]")


@pytest.mark.parametrize(
    ("language", "screen"),
    [*((language, "laptop") for language in ("en", "ar", "fa", "ru")), ("en", "phone"), ("fa", "phone"),
     pytest.param("ar", "phone", marks=pytest.mark.long), pytest.param("ru", "phone", marks=pytest.mark.long)],
)  # fmt: skip
def test_every_page_fits_and_reads_in_its_language(
    browser: Browser, server: Server, language: str, screen: str
) -> None:
    width, height = SCREENS[screen]
    context = browser.new_context(viewport={"width": width, "height": height}, locale="en-US")
    tab = visit(context, server)
    wrong = []
    for page in PAGES:
        tab.open(f"/{page}?lang={language}")
        root = tab.page.locator("html")
        assert root.get_attribute("lang") == language
        assert root.get_attribute("dir") == ("rtl" if language in ("ar", "fa") else "ltr")
        letters = {"ar": ARABIC, "fa": ARABIC, "ru": CYRILLIC}.get(language)
        assert letters is None or letters.search(tab.heading), (page, tab.heading)
        for what, script in {"wider": WIDER, "clipped": CLIPPED, "cut": CUT_IN_CHARTS}.items():
            found = tab.page.evaluate(script)
            if found and found != 0:
                wrong.append((page, what, found))
        if screen == "laptop" or language == "fa":  # the same marks on either screen
            wrong += [(page, "axe", said) for said in violations(tab.page)]
    context.close()
    assert wrong == []
    assert tab.foreign == []


def test_the_switch_changes_words_and_keeps_the_view(browser: Browser, server: Server) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    tab = visit(context, server).open("/stages?persona=Saver")
    before = tab.page.url
    tab.page.get_by_role("combobox", name="Language").click()
    tab.page.get_by_role("option", name="العربية").click()
    tab.page.wait_for_function("() => document.documentElement.lang === 'ar'", timeout=20_000)
    tab.settle()
    assert tab.page.url == before.replace("lang=en", "lang=ar")
    assert ARABIC.search(tab.heading)
    context.close()


@pytest.mark.parametrize(("locale", "language"), [("fa-IR", "fa"), ("ru-RU", "ru"), ("de-DE", "en")])
def test_the_first_visit_speaks_the_language_of_the_browser(
    browser: Browser, server: Server, locale: str, language: str
) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale=locale)
    tab = visit(context, server).open("/")
    assert tab.page.locator("html").get_attribute("lang") == language
    context.close()


def test_numbers_and_dates_are_written_as_the_language_writes_them(browser: Browser, server: Server) -> None:
    """20,000 customers from 1 October 2025 to 30 September 2026; 1 October 2025 is 9 Mehr 1404."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    tab = visit(context, server)
    said = {
        "en": ("20,000", "1 Oct 2025 – 30 Sep 2026"),
        "ru": ("20\u00a0000", "1 окт. 2025 – 30 сент. 2026"),
        "ar": ("٢٠٬٠٠٠", "١ أكتوبر ٢٠٢٥ – ٣٠ سبتمبر ٢٠٢٦"),
        "fa": ("۲۰٬۰۰۰", "۹ مهر ۱۴۰۴ – ۸ مهر ۱۴۰۵"),
    }
    for language, (number, dates) in said.items():
        text = tab.open(f"/?lang={language}").text
        assert number in text and dates in text, language
    context.close()
