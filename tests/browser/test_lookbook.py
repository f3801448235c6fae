"""The look-book: every page in four languages on laptop and phone, dark, on tablet, projector and paper, and with little or much
to show. `make lookbook` takes the pictures, for people to look at; here every page has to draw, fit and ask nobody else."""

from __future__ import annotations

import html
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Server, start_server, visit
from tests.browser.test_languages import CLIPPED, CUT_IN_CHARTS, PAGES, SCREENS, WIDER

FOLDER = Path(os.environ.get("TOUCHLINE_LOOKBOOK") or Path(__file__).resolve().parents[2] / "lookbook")
WIDE = {**SCREENS, "tablet": (820, 1180), "projector": (1920, 1080), "paper": (794, 1123)}
# (language, screen, ground)
LOOKS = [
    *((language, screen, "light") for language in ("en", "ar", "fa", "ru") for screen in SCREENS),
    *(("fa", screen, "dark") for screen in SCREENS), ("en", "laptop", "dark"),
    *(("en", screen, "light") for screen in ("tablet", "projector", "paper")),
]  # fmt: skip
# with little to show, and with much: name → page and query
STATES = {
    "nobody": ("", "persona=Saver&from=2025-10-01&to=2025-10-01&channel=none-such"),
    "nobody-flow": ("flow", "persona=Saver&from=2025-10-01&to=2025-10-01&channel=none-such"),
    "one-day": ("voice", "from=2025-10-02&to=2025-10-02"),
    "compared": ("", "compare=previous&from=2026-09-01&to=2026-09-30"),
    "two-personas": ("stages", "persona=Saver&b.persona=Family"),
    "two-personas-flow": ("flow", "persona=Saver&b.persona=Family"),
    "two-personas-voice": ("voice", "persona=Saver&b.persona=Family"),
    "views": ("views", ""),
}
STATE_LANGUAGES = ("en", "fa")
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without data."""
    folder = tmp_path_factory.mktemp("bare")
    running = start_server(folder / "workspace", folder / "log", "--no-sample")
    yield running
    running.stop()


@pytest.mark.parametrize(("language", "screen", "ground"), LOOKS)
def test_every_page(
    browser: Browser, server: Server, monkeypatch: pytest.MonkeyPatch, language: str, screen: str, ground: str
) -> None:
    where = {page or "overview": f"/{page}?lang={language}" for page in PAGES}
    assert looked(browser, server, monkeypatch, where, f"{language}-{screen}-{ground}", screen, ground) == []


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("language", STATE_LANGUAGES)
def test_pages_with_little_and_with_much_to_show(
    browser: Browser, server: Server, monkeypatch: pytest.MonkeyPatch, language: str, screen: str
) -> None:
    where = {name: f"/{page}?lang={language}&{query}" for name, (page, query) in STATES.items()}
    assert looked(browser, server, monkeypatch, where, f"states-{language}-{screen}", screen, "light") == []


@pytest.mark.parametrize("language", STATE_LANGUAGES)
def test_pages_without_data(browser: Browser, bare: Server, monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    where = {f"bare-{page or 'overview'}": f"/{page}?lang={language}&ds=none" for page in PAGES}
    assert looked(browser, bare, monkeypatch, where, f"bare-{language}-laptop", "laptop", "light") == []


def looked(
    browser: Browser, server: Server, monkeypatch: pytest.MonkeyPatch, where: dict[str, str], name: str, screen: str, ground: str
) -> list[tuple[str, str, object]]:  # fmt: skip
    """Pictures of addresses into one folder of the look-book, with a page of all; what does not fit."""
    folder = FOLDER / name
    monkeypatch.setenv("TOUCHLINE_SHOTS", str(folder))
    width, height = WIDE[screen]
    context = browser.new_context(viewport={"width": width, "height": height}, locale="en-US", color_scheme=ground)  # type: ignore[arg-type]
    tab = visit(context, server)
    if screen == "paper":
        tab.page.emulate_media(media="print")
    wrong: list[tuple[str, str, object]] = []
    pictures = []
    for page, address in where.items():
        tab.open(address)
        for what, script in {"wider": WIDER, "clipped": CLIPPED, "cut": CUT_IN_CHARTS}.items():
            found = tab.page.evaluate(script)
            wrong += [(page, what, found)] if found else []
        wrong += [(page, "fault", "")] if tab.page.locator('[data-testid="stException"]').count() else []
        pictures.append(tab.shot(page).name)
    context.close()
    shown = "".join(
        f'<figure><figcaption>{html.escape(p)}</figcaption><img src="{html.escape(p)}"></figure>' for p in pictures
    )
    (folder / "index.html").write_text(f"<!doctype html><meta charset=utf-8><title>{name}</title>{shown}", "utf-8")
    return wrong + [("foreign", url, "") for url in tab.foreign]
