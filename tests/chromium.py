"""Find a Chromium for the browser tests, or install one: apt as root on Debian, else Playwright's own download.

python tests/chromium.py     # prints its path; installs it if there is none
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-default-apps", "--no-first-run", "--no-pings", "--metrics-recording-only",
]  # fmt: skip


def path() -> str | None:
    """The Chromium of this machine: CHROMIUM, one on the path, or the one Playwright installed; None if there is none."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    found = next((p for name in NAMES if (p := shutil.which(name))), None)
    return found or _playwrights()


def _playwrights() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    return own if os.path.exists(own) else None


def install() -> None:
    """Install a Chromium in the way this machine allows."""
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {"stdout": subprocess.DEVNULL}
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=False, env=environment, **quiet)  # type: ignore[call-overload]
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
            check=False,
            env=environment,
            **quiet,
        )  # type: ignore[call-overload]
    if path() is None:
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=True)


if __name__ == "__main__":
    if path() is None:
        print("Touchline: installing Chromium for the browser tests …", flush=True)
        install()
    print(f"Touchline: browser tests use {path()}")
