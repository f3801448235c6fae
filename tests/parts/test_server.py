"""Starting the dashboard where it cannot listen: a sentence that says what to do, before anything is imported, and no trace."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pages.parts import server

ROOT = Path(__file__).parents[2]


def test_a_port_that_is_taken_is_named_with_one_that_is_free(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ran = subprocess.run(
            [sys.executable, "-m", "pages.parts.server", "--port", str(port)], cwd=ROOT, capture_output=True, text=True, timeout=60,
            env={"PATH": "/usr/bin:/bin", "TOUCHLINE_WORKSPACE": str(tmp_path / "workspace")},
        )  # fmt: skip
    assert ran.returncode == 1 and "Traceback" not in ran.stderr
    assert f"port {port} is taken by another program" in ran.stderr
    free = re.search(r"--port (\d+) is free", ran.stderr)
    assert free and int(free[1]) != port
    assert not (tmp_path / "workspace").exists()  # nothing was imported for a server that cannot be


ELSEWHERE = ["--port", "8598", "--address", "203.0.113.7"]


@pytest.mark.parametrize(
    ("arguments", "said"), [(["--port", "70000"], "70000 is no port"), (ELSEWHERE, "no address 203.0.113.7")]
)
def test_what_cannot_be_listened_on_is_said(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "prepare", lambda sample: pytest.fail("nothing is prepared for it"))
    assert server.main(arguments) == 1
    assert said in capsys.readouterr().err


def test_a_free_port_is_taken_as_it_is() -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    assert server.cannot_listen("127.0.0.1", port) == ""
