"""How long from opening a link to the first chart, in Chromium, on a warm server with the sample data?

    python -m benchmarks.first_chart [rounds]

Cold: a fresh browser context (empty cache). Warm: a second tab of the same context. Prints medians in seconds per page. Server
and browser share the machine, so the figures are upper bounds.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.conftest import Server, start_server
from tests.chromium import FLAGS, path

VEGA = '[data-testid="stVegaLiteChart"] :is(canvas, svg)'
CHARTS = {"": VEGA, "flow": '[data-testid="stEChartsChart"] svg path', "drop-off": VEGA, "voice": VEGA}


def measure(server: Server, rounds: int) -> dict[str, dict[str, list[float]]]:
    """Seconds to the first chart, per page, cold and warm; pages interleaved."""
    found: dict[str, dict[str, list[float]]] = {page: {"cold": [], "warm": []} for page in CHARTS}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path(), args=FLAGS)
        for _round in range(rounds):
            for page, chart in CHARTS.items():
                context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
                for kind in ("cold", "warm"):
                    tab = context.new_page()
                    start = time.perf_counter()
                    tab.goto(f"{server.url}/{page}?{server.sample}&lang=en", wait_until="commit")
                    tab.wait_for_selector(chart, timeout=30_000)
                    found[page][kind].append(time.perf_counter() - start)
                    tab.wait_for_timeout(500)
                    tab.close()
                context.close()
        browser.close()
    return found


def main() -> None:
    """Start a server of its own, measure, print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        server = start_server(Path(folder) / "workspace", Path(folder) / "log")
        try:
            measure(server, 1)  # the first readers find every page's answers computed
            for page, kinds in measure(server, rounds).items():
                cold, warm = (statistics.median(kinds[k]) for k in ("cold", "warm"))
                print(f"{page or 'overview':10} cold {cold:.2f} s   warm {warm:.2f} s   ({rounds} rounds)")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
