"""What keeps people from using a page, as far as a machine can tell: the rules of axe for WCAG 2.2 AA."""

from __future__ import annotations

import json
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import Page

RULES = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
STREAMLITS = {  # what Streamlit draws itself and nobody else can mend: rule, and the part of the page; also in CONTRIBUTING
    ("list", '[data-testid="stSidebarNavItems"]'),  # groups of the navigation are a div between list and items
    ("listitem", '[data-testid="stSidebarNavItems"]'),
}
ASK = """async tags => (await axe.run(document, {runOnly: tags})).violations.flatMap(v => v.nodes.map(n => {
  const at = document.querySelector(n.target[0]);
  return [v.id, n.html.slice(0, 200), n.failureSummary, %s.filter(([_rule, part]) => at && at.closest(part)).map(([rule]) => rule)];
}))"""


def violations(page: Page) -> list[str]:
    """Each violation on the page as it stands, but for the listed ones of Streamlit."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(RULES)
    found = page.evaluate(ASK % json.dumps(sorted(STREAMLITS)), TAGS)
    return [f"{rule}: {html} ({why})" for rule, html, why, excused in found if rule not in excused]
