"""Starting the dashboard where it cannot listen: a sentence that says what to do, before anything is imported, and no trace."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs

import pytest
import streamlit as st

from cx_metrics.importing import import_sample
from cx_metrics.view import Filter, View
from cx_metrics.workspace import Workspace
from pages.parts import address, server

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


def test_views_that_are_rehearsed_filter_the_data_by_one_thing_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace(tmp_path / "workspace")
    monkeypatch.setenv("TOUCHLINE_WORKSPACE", str(workspace.root))
    st.cache_resource.clear()
    assert list(server.usual_views()) == []  # without data there is nothing to filter
    import_sample(workspace, ROOT / "sample_data", "Sample")
    facts = workspace.current(workspace.datasets()[0].id).facts
    found = []
    for asked in server.usual_views():
        said, notes = address.decode(parse_qs(asked))
        assert (notes, said.dataset) == ([], workspace.datasets()[0].id)
        found.append(said.view)
    served = replace(workspace.current(workspace.datasets()[0].id), engine="clickhouse")
    with monkeypatch.context() as patch:
        patch.setattr(Workspace, "current", lambda _self, _dataset: served)
        assert list(server.usual_views()) == []  # nor on machines of somebody else
    st.cache_resource.clear()
    by_value, days = found[:-1], found[-1]
    held = [view.customers or view.touchpoints for view in by_value]
    assert [kept[0].column for kept in held] == [*facts.attributes[: server.USUAL_ATTRIBUTES], "channel"]
    assert all(len(kept) == 1 and len(kept[0].values) == 1 and kept[0].values[0] for kept in held)
    assert all(isinstance(kept[0], Filter) and view != View() for kept, view in zip(held, by_value, strict=True))
    assert days == View(first_day=facts.last_day - timedelta(days=27), last_day=facts.last_day)


def test_filtered_views_are_rehearsed_when_nobody_has_been_there_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now, there = [0.0], [0, 0, 1, 1, 0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(server.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(server.time, "sleep", sleep)
    monkeypatch.setattr(server, "readers", lambda: there.pop(0) if there else 0)
    server.wait_for_quiet()
    assert now[0] == 4 + server.QUIET_SECONDS  # since the last look that found somebody


def test_sums_take_one_thread_where_nobody_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "taken away again at the end")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    server.one_thread_for_sums()
    loaded = "from threadpoolctl import threadpool_info; import numpy; print(threadpool_info()[0]['num_threads'])"
    told = f"import os; print(os.environ['OMP_NUM_THREADS']); {loaded}"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["3", "1"]
