"""How long from a click on another persona to the painted Sankey, in Chromium, on a warm server?

    python -m benchmarks.persona_on_screen --rows 10M

The clock runs in the browser: from the pointer going down on the persona in the list to the second frame after the picture has
changed. Every choice is one that nobody made before, so nothing is answered from memory. Server and browser share the machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.generate import PERSONAS, number_of
from benchmarks.measuring import Report
from benchmarks.stores import prepared
from cx_metrics.workspace import Workspace
from tests.browser.conftest import SETTLED, Server, start_server
from tests.chromium import FLAGS, path

GOAL_MS = 800
WATCH = """() => { window.tlPainted = new Promise(done => {
  const shown = () => [...document.querySelectorAll('.st-key-card_flow svg text')].map(t => t.textContent).join('|');
  const before = shown(); let start = null;
  document.addEventListener('pointerdown', () => { start ??= performance.now(); }, {capture: true, once: true});
  const look = () => {
    const now = shown();
    if (start !== null && now && now !== before)
      requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}); }"""


def measure(page: Page, address: str, rounds: int) -> list[float]:
    """Milliseconds of each change: one persona more, until all are chosen; then again over another range of steps."""
    found: list[float] = []
    for steps in range(4, 11):
        page.goto(f"{address}&flow_links.steps={steps}&lang=en")
        settle(page)
        for persona in PERSONAS[:-1]:
            field = page.locator('[class*="st-key-bar_persona"] input').first
            if not field.is_visible():  # the list closes when its chip says something else
                page.locator('[class*="st-key-chip_people"] button').first.click()
            field.click()
            page.evaluate(WATCH)
            page.get_by_role("option", name=persona).click()
            found.append(page.evaluate("window.tlPainted"))
            print(f"  {steps} steps, {persona} added: {found[-1]:.0f} ms", flush=True)
            settle(page)
            if len(found) == rounds:
                return found
    return found


def settle(page: Page) -> None:
    """Wait until the whole page is drawn, so that one change does not wait for what the last one left."""
    page.wait_for_timeout(200)
    page.wait_for_function(SETTLED, timeout=180_000)
    page.wait_for_timeout(500)


def main() -> None:
    """Serve the generated version, choose personas by hand, state the goal."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", default="1M")
    asked.add_argument("--rounds", type=int, default=10)
    given = asked.parse_args()
    rows = number_of(given.rows)
    report = Report("persona_on_screen", rows, "Another persona chosen: how long until the Sankey is painted?")
    store = prepared(rows)
    workspace = Path(store.workspace)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "workspace"
        shutil.copytree(workspace, home, copy_function=os.link)  # the server keeps sample data of its own beside it
        server = start_server(home, Path(folder) / "log")
        try:
            found = on_screen(
                server, f"{server.url}/flow?ds={Workspace(home).current(store.dataset).dataset}", given.rounds
            )
        finally:
            server.stop()
    head = ["", "median ms", "fastest", "slowest", "rounds"]
    median = statistics.median(found)
    report.table("Click to paint", head, [["persona added", median, min(found), max(found), len(found)]])
    report.goal("click to painted Sankey, ms", median, GOAL_MS)
    report.write()


def on_screen(server: Server, address: str, rounds: int) -> list[float]:
    """The measured changes, after one that warms up server and browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-US")
        measure(page, address + "&flow_links.top=5", 1)
        found = measure(page, address, rounds)
        browser.close()
    return found


if __name__ == "__main__":
    main()
