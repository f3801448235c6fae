"""Start the dashboard: `python -m pages.parts.server [--port N]`. What `make run` calls.

Imports the sample data once, opens the server on this machine alone, prints the address, and warms it up with one visit.
Settings of Streamlit stand in .streamlit/config.toml; TOUCHLINE_WORKSPACE says where datasets are kept.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import functools
import gc
import os
import socket
import sqlite3
import sys
import threading
import time
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60
FIRST_PORT = 8501
# Pages that the first visit asks for: some in any case, the others as long as nobody else is there.
WITH_ANYBODY = ("", "flow")
WITH_NOBODY = ("drop-off", "stages", "voice", "touchpoint", "channels", "personas")
FILTERED = ("", "flow", "drop-off", "stages", "channels", "voice")
QUIET_SECONDS = 30  # without a reader, before these are looked at too
USUAL_ATTRIBUTES, USUAL_DAYS = 2, 28  # what people filter by first: attributes of customers, a channel, the last days


def main(arguments: Sequence[str]) -> int:
    """Run the server until it is stopped."""
    parser = argparse.ArgumentParser(prog="python -m pages.parts.server", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=0, help=f"port to listen on (default: the first free one from {FIRST_PORT})"
    )
    parser.add_argument(
        "--address", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine alone)"
    )
    parser.add_argument("--no-sample", action="store_true", help="do not import the sample data")
    asked = parser.parse_args(arguments)
    refused = asked.port and cannot_listen(asked.address, asked.port)
    if refused := refused or cannot_hire():
        print(f"Touchline: {refused}", file=sys.stderr)
        return 1
    os.chdir(ROOT)
    one_thread_for_sums()
    prepare(sample=not asked.no_sample)
    port = asked.port or free_port(asked.address)
    hire_workers()  # by this thread: libraries that two load at once meet each other half loaded
    threading.Thread(target=announce, args=(asked.address, port), daemon=True).start()
    serve(asked.address, port)
    return 0


def one_thread_for_sums() -> None:
    """Products of matrices are small here: a second thread for them would wait busily for the next, on a processor that somebody
    else's question needs. Read when numpy is loaded, here and in the workers."""
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def prepare(sample: bool) -> None:
    """Import the sample data if they are not there yet."""
    if not sample or has_sample():
        return
    from cx_metrics.importing import import_sample
    from cx_metrics.workspace import Workspace, default_root

    print("Touchline: importing the sample data …", flush=True)
    import_sample(Workspace(default_root()), ROOT / "sample_data", "Sample data")


def has_sample() -> bool:
    """Whether the workspace holds the sample. Looks into the catalog as it is: loading the libraries would take longer."""
    catalog = Path(os.environ.get("TOUCHLINE_WORKSPACE") or ROOT / "workspace") / "catalog.sqlite"
    if not catalog.exists():
        return False
    with (
        contextlib.suppress(sqlite3.Error),
        contextlib.closing(sqlite3.connect(f"file:{catalog}?mode=ro", uri=True)) as looked,
    ):
        return looked.execute("select count(*) from datasets where is_sample and current > 0").fetchone()[0] > 0
    return False


def serve(address: str, port: int) -> None:
    """Run Streamlit in this process.

    Streamlit takes a folder called `pages` for its old page discovery until st.navigation has run once; a deep link as the
    very first request would then meet a "Page not found" dialog. Our pages are named in app.py, so discovery is off.
    """
    from starlette.routing import Route
    from streamlit.runtime.pages_manager import PagesManager
    from streamlit.web import bootstrap
    from streamlit.web.server.starlette import starlette_app

    from cx_metrics.logs import keep_messages_out

    PagesManager.uses_pages_directory = False
    routes = starlette_app.create_streamlit_routes
    starlette_app.create_streamlit_routes = lambda runtime: [Route("/healthz", health), *routes(runtime)]
    keep_messages_out()
    settings = {"server.port": port, "server.address": address, "server.headless": True, "logger.enableRich": False}
    bootstrap.load_config_options(flag_options=settings)
    bootstrap.run(str(ROOT / "app.py"), False, [], settings)


def health(_request: Any) -> Any:
    """What a load balancer or a monitor asks: 200 where the workspace can be written, else 503. It names nobody and nothing."""
    from starlette.responses import JSONResponse

    from cx_metrics.errors import TouchlineError
    from cx_metrics.operations import health as look

    try:
        found = look(_workspace())
    except (TouchlineError, OSError):
        found = {"ok": False}
    found.pop("problem", None)
    return JSONResponse(found, 200 if found["ok"] else 503, headers={"Cache-Control": "no-store"})


@functools.cache
def _workspace() -> Any:
    from cx_metrics.workspace import Workspace, default_root

    return Workspace(default_root())


def announce(address: str, port: int) -> None:
    """Wait until the server answers, print the address, and visit it once so that the first reader finds it warm."""
    host = "127.0.0.1" if address in ("0.0.0.0", "") else address
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"http://{host}:{port}/_stcore/health", timeout=1).close()
            break
        except OSError:
            time.sleep(0.05)
    shown = "localhost" if host == "127.0.0.1" else host
    print(f"\nTouchline is ready: http://{shown}:{port}\nStop it with Ctrl+C.\n", flush=True)
    rehearse(host, port, (("", page) for page in (*WITH_ANYBODY, *WITH_NOBODY)))
    compile_ahead()
    sweep()
    keep_what_is_loaded()
    wait_for_quiet()
    rehearse(host, port, ((view, page) for view in usual_views() for page in FILTERED))


def keep_what_is_loaded() -> None:
    """Libraries and what the first visit made stay as long as the server: nobody looks through them for garbage again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 5, 5)  # a query makes ten thousands of objects: no search after each few hundred


def hire_workers() -> None:
    """Have the processes started that answer questions beside this one."""
    from cx_metrics import workers

    workers.hire(workers.wanted())


def rehearse(host: str, port: int, runs: Iterable[tuple[str, str]]) -> None:
    """Visit pages once (`runs`: what their address asks for, and their path), when the workers can be asked."""
    from cx_metrics import workers

    with workers.rehearsal(PATIENCE_SECONDS, alone=lambda: readers() <= 1):  # this visit is one
        visit(host, port, runs)


def wait_for_quiet() -> None:
    """Wait until nobody has been there for a while: who has just started the server looks at it first."""
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < QUIET_SECONDS:
        time.sleep(1)
        if readers():
            quiet_since = time.monotonic()


def usual_views() -> Iterator[str]:
    """What addresses of views say that people choose first, each filtered by one thing. What is compiled for one of them answers
    all others of its kind: other values, other days."""
    from cx_metrics.view import View
    from pages.parts import cache
    from pages.parts.address import Address, encode

    datasets = cache.workspace().datasets()
    if not datasets:
        return
    version = cache.workspace().current(datasets[0].id)
    if version.engine:  # somebody else's machines are not kept busy for nobody
        return
    facts, views = version.facts, []
    for column in (
        *facts.attributes[:USUAL_ATTRIBUTES],
        *(c for c in ("channel",) if c in facts.columns.get("touchpoints", ())),
    ):
        views += [View().with_values(column, (value,)) for value in cache.values(version, column)[:1] if value]
    if facts.last_day is not None:
        views.append(View(first_day=facts.last_day - timedelta(days=USUAL_DAYS - 1), last_day=facts.last_day))
    yield from (urlencode(encode(Address(datasets[0].id, view=view)), doseq=True) for view in views)


def compile_ahead() -> None:
    """Have what answers a funnel compiled before somebody asks for one."""
    from cx_metrics import plain_tries, workers

    workers.prepare(plain_tries.compile_ahead)


def sweep() -> None:
    """Remove what a crash left behind, let imports go on that wait, and prepare afresh what an earlier Touchline prepared."""
    from cx_metrics.importing import upgrade
    from cx_metrics.workspace import Workspace, default_root, jobs

    workspace = Workspace(default_root())
    workspace.sweep()
    jobs.advance(workspace)
    upgrade(workspace)


def visit(host: str, port: int, runs: Iterable[tuple[str, str]]) -> None:
    """One visit over the same door a browser takes: libraries are loaded, and views of the pages are computed. Most of them only
    while nobody else is there."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    message = BackMsg()
    try:
        with connect(
            f"ws://{host}:{port}/_stcore/stream", subprotocols=["streamlit"], origin=f"http://{host}:{port}", max_size=None
        ) as door:  # type: ignore[arg-type]  # fmt: skip
            for asked, page in runs:
                if (asked or page not in WITH_ANYBODY) and readers() > 1:  # this visit is one
                    return
                message.rerun_script.query_string, message.rerun_script.page_name = asked, page
                door.send(message.SerializeToString())
                answer = ForwardMsg()
                while answer.WhichOneof("type") != "script_finished":
                    answer.ParseFromString(door.recv(timeout=PATIENCE_SECONDS))  # type: ignore[arg-type]
    except ConnectionClosed:
        return  # the server is stopped
    except Exception as problem:  # a cold start is slower, not wrong
        print(f"Touchline: not warmed up ({type(problem).__name__})", file=sys.stderr)


def readers() -> int:
    """How many sessions are open."""
    from streamlit.runtime import get_instance

    family = "active_sessions"
    return sum(int(getattr(stat, "value", 0)) for stat in get_instance().stats_mgr.get_stats([family])[family])


def cannot_listen(address: str, port: int) -> str:
    """Why this server cannot listen there, and what to do; nothing where it can. Asked first: Streamlit would end with a trace."""
    if not 0 < port < 65_536:
        return f"{port} is no port. Choose one from 1 to 65535, or leave out --port."
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(kind) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was left a moment ago is free
        try:
            door.bind((address, port))
        except PermissionError:
            return f"port {port} is kept for the system's own programs. Choose one above 1023, or leave out --port."
        except OSError as problem:
            if problem.errno != errno.EADDRINUSE:
                return f"this machine has no address {address} to listen on. Leave out --address to listen on this machine alone."
            other = free_port("127.0.0.1" if address in ("0.0.0.0", "") else address)
            return (
                f"port {port} is taken by another program, perhaps by a Touchline that still runs. "
                f"Stop that program, or choose another port: --port {other} is free. "
                f"Without --port the first free one from {FIRST_PORT} is taken."
            )
    return ""


def cannot_hire() -> str:
    """Why the workers that were asked for cannot be had; nothing where they can."""
    if os.environ.get("TOUCHLINE_WORKERS"):  # loading the libraries takes a while
        from cx_metrics import workers
        from cx_metrics.errors import TouchlineError

        try:
            workers.wanted()
        except TouchlineError as problem:
            return str(problem)
    return ""


def free_port(address: str) -> int:
    """The first port from 8501 on that nobody listens on."""
    for port in range(FIRST_PORT, FIRST_PORT + 100):
        with socket.socket() as door:
            if door.connect_ex((address, port)) != 0:
                return port
    return FIRST_PORT


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
