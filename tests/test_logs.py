"""What is written down about a server: that something happened and where, never what somebody's data say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cx_metrics import logs

ROOT = Path(__file__).parents[1]
CANARY = "canary@example.com"


def test_an_event_holds_numbers_ids_and_our_own_words(capsys: pytest.CaptureFixture[str]) -> None:
    logs.event(
        "imported", rows=3, share=0.5, job="0" * 32, short="0" * 8, state="failed", kind="FileProblem", title=CANARY,
        name="كناري", sentence="two words", path="/home/somebody", number="12345678901",
    )  # fmt: skip
    said = json.loads(capsys.readouterr().err)
    assert said.pop("time").endswith("+00:00")
    assert said == {"event": "imported", "rows": 3, "share": 0.5, "job": "0" * 32, "short": "0" * 8, "state": "failed",
                    "kind": "FileProblem"}  # fmt: skip


def test_a_fault_is_described_by_its_kind_and_place() -> None:
    try:
        raise ValueError(CANARY)
    except ValueError as fault:
        said = logs.described(fault)
    assert said.startswith("ValueError\n") and "test_logs.py" in said and "canary" not in said


@pytest.mark.parametrize(
    "fault",
    [
        "logging.getLogger('x').exception('a fault')", "raise fault", "_log_uncaught_app_exception(fault)",
        "threading.Thread(target=fail).start()",
    ],
    ids=["a library logs it", "nobody caught it", "a page", "another thread"],
)  # fmt: skip
def test_no_message_of_a_fault_reaches_the_log_of_a_server(fault: str) -> None:
    code = f"""
import logging, threading
from streamlit import config
from streamlit.error_util import _log_uncaught_app_exception
from cx_metrics.logs import keep_messages_out
config.set_option("logger.enableRich", False)
keep_messages_out()
def fail():
    raise KeyError({CANARY!r})
try:
    raise KeyError({CANARY!r})
except KeyError as problem:
    fault = problem
    {fault}
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    said = ran.stdout + ran.stderr
    assert "KeyError" in said and "canary" not in said.replace(code, "")
