"""A real server and a real Chromium: one of each for all browser tests."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from cx_metrics.workspace import Workspace
from tests.chromium import FLAGS, path

ROOT = Path(__file__).resolve().parents[2]
# the script has rested for half a second: between two runs of one visit it rests for a moment as well
SETTLED = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  const rests = app && app.getAttribute('data-test-script-state') !== 'running'
    && app.getAttribute('data-test-connection-state') === 'CONNECTED' && document.querySelector('[data-testid="stMain"] h1')
    && !document.querySelector('[data-testid="stAppSkeleton"], [data-testid="stSkeleton"]');
  if (!rests) window.touchlineRests = undefined;
  else window.touchlineRests ??= performance.now();
  return rests && performance.now() - window.touchlineRests > 500;
}"""


@dataclass
class Server:
    """A running Touchline: where it listens, where it keeps its data, what it printed."""

    port: int
    workspace: Path
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def sample(self) -> str:
        """The query that names the sample data."""
        return "ds=" + next(info.id for info in Workspace(self.workspace).datasets() if info.is_sample)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=20)


def start_server(
    workspace: Path, log: Path, *arguments: str, program: Sequence[str] = ("-m", "pages.parts.server")
) -> Server:
    """Start the server as `make run` does and wait until it prints its address."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *program, "--port", str(port), *arguments],
            cwd=ROOT, stdout=out, stderr=out, env=os.environ | {"TOUCHLINE_WORKSPACE": str(workspace)},
        )  # fmt: skip
    server = Server(port, workspace, process, log)
    until = time.monotonic() + 120
    while b"Touchline is ready" not in log.read_bytes():
        assert process.poll() is None and time.monotonic() < until, log.read_text()
        time.sleep(0.1)
    return server


def wait_for_health(port: int) -> None:
    """Wait until the server answers at all."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the server did not answer")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the sample data, for all tests of the session."""
    folder = tmp_path_factory.mktemp("server")
    running = start_server(folder / "workspace", folder / "log")
    yield running
    running.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of the session."""
    found = path()
    assert found, "no Chromium: run `python tests/chromium.py`"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield running
        running.close()


@dataclass
class Visit:
    """One browser tab, and every request that left for another host."""

    page: Page
    server: Server
    foreign: list[str] = field(default_factory=list)

    def open(self, where: str = "/") -> Visit:
        """Open an address of the server and wait until the page is drawn; without a dataset, the sample."""
        if "ds=" not in where:
            where += ("&" if "?" in where else "?") + self.server.sample
        self.page.goto(self.server.url + where)
        return self.settle()

    def settle(self) -> Visit:
        """Wait until the script has run and everything is on the page."""
        self.page.wait_for_timeout(100)
        self.page.evaluate("() => { window.touchlineRests = undefined }")
        self.page.wait_for_function(SETTLED, timeout=120_000, polling=50)
        return self

    @property
    def text(self) -> str:
        """What the page says, without direction marks."""
        found = self.page.locator('[data-testid="stMain"]').inner_text()
        return re.sub("[\u2066-\u2069\u200e\u200f]", "", found)

    @property
    def heading(self) -> str:
        return self.page.locator("h1").first.inner_text()

    def shot(self, name: str) -> Path:
        """A picture of the whole page, for people to look at."""
        folder = Path(os.environ.get("TOUCHLINE_SHOTS") or ROOT / "tests" / "shots")
        folder.mkdir(parents=True, exist_ok=True)
        size = self.page.viewport_size or {"width": 1440, "height": 900}
        height = self.page.evaluate("""() => document.querySelector('[data-testid="stMain"]').scrollHeight""")
        self.page.set_viewport_size({"width": size["width"], "height": min(max(height, 600), 6_000)})
        self.page.wait_for_timeout(500)
        target = folder / f"{name}.png"
        self.page.screenshot(path=target)
        self.page.set_viewport_size(size)
        return target


def visit(context: BrowserContext, server: Server) -> Visit:
    """A new tab that writes down requests to other hosts."""
    tab = Visit(context.new_page(), server)

    def note(request: Request) -> None:
        if not request.url.startswith((server.url, server.url.replace("http", "ws"), "data:", "blob:")):
            tab.foreign.append(request.url)

    tab.page.on("request", note)
    return tab


@pytest.fixture
def tab(browser: Browser, server: Server) -> Iterator[Visit]:
    """A laptop-sized tab in a fresh context; at its end no request may have left for another host."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-US")
    found = visit(context, server)
    yield found
    context.close()
    assert found.foreign == []
