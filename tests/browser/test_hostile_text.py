"""Hostile names in a real browser: every place shows them character by character, and no other host is asked for anything.

The escapes of safe_text.py rest on what Streamlit's front end does with text; a new Streamlit has to pass here.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.test_safe_text import HOSTILE

ROOT = Path(__file__).parents[2]
NAMES = [text for text in HOSTILE if text.strip()]
APP = """
import pandas as pd
import streamlit as st
from cx_metrics.charts.bars import draw_bars
from cx_metrics.charts.sankey import draw_sankey
from cx_metrics.charts.sankey_picture import sankey_picture
from cx_metrics.safe_text import safe
from pages.parts import figure
from pages.parts.language import reader
from tests.test_safe_text import HOSTILE

names = [text for text in HOSTILE if text.strip()]
figure.page_style()
figure.begin()
st.markdown("emoji :wave: and math $x^2$ of our own load the plugins")
with st.container(key="places"):
    for name in names:
        st.markdown(safe(name, "markdown"))
        st.button(safe(name, "markdown"))
        st.error(safe(name, "markdown"))
        st.metric(safe(name, "markdown"), 1)
links = pd.DataFrame({"step": 1, "source": names, "target": None, "kind": "drop_off", "journeys": range(100, 100 - len(names), -1)})
with figure.card("flow", names[0], names[1], [names[2]]):
    figure.echarts(draw_sankey(links, reader()), "sankey", lambda who: sankey_picture(links, who), height=900)
bars = pd.DataFrame({"image": names, "n": range(len(names))})
with figure.card("bars", names[0]):
    figure.altair(lambda who: draw_bars(bars, who, "image", "n"), names[0])
st.caption("all drawn")
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    app = tmp_path_factory.mktemp("app") / "app.py"
    app.write_text(APP, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(app),
        "--server.port",
        str(port),
        "--server.headless",
        "true",
    ]
    server = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL)
    where = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{where}/_stcore/health", timeout=1).read()
                break
            except OSError:
                time.sleep(0.5)
        yield where
    finally:
        server.terminate()
        server.wait(timeout=20)


def test_hostile_names_are_shown_and_do_nothing(address: str, browser: Browser) -> None:
    asked: list[str] = []
    with browser.new_context(viewport={"width": 1300, "height": 1000}, locale="en-US") as context:
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto(address)
        page.get_by_text("all drawn").wait_for(timeout=60_000)
        page.locator("[data-testid=stEChartsChart] svg text").first.wait_for(timeout=30_000)
        page.wait_for_timeout(1500)

        for kind, inner in (("stMarkdown", ""), ("stButton", ""), ("stAlert", ""), ("stMetricLabel", "")):
            found = page.locator(f".st-key-places [data-testid={kind}] {inner}".strip()).all_text_contents()
            assert found == NAMES, kind
        made = page.locator(".st-key-places").locator("a, img, em, strong, code, .katex, [role=img]")
        assert made.count() == 0
        labels = page.locator("[data-testid=stEChartsChart] svg text").all_text_contents()
        short = [name for name in NAMES if len(name) <= 28]
        assert all(any(label.startswith(f"{name}  ") for label in labels) for name in short)
        assert page.locator("[data-testid=stVegaLiteChart] a").count() == 0
        heads = page.locator(".st-key-card_flow h2, .st-key-card_flow .tl-sub, .st-key-card_flow .tl-caption")
        assert heads.all_text_contents() == NAMES[:3]
    assert [
        url for url in asked if not url.startswith((address, "data:", "blob:", address.replace("http", "ws")))
    ] == []
