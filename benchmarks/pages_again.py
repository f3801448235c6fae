"""How much processor time does a page take that was seen before, with and without a full collection of garbage after each run?

    python -m benchmarks.pages_again [--rounds 12] [--rows 200k]

Two servers with the same data: one started as `make run` does, one with Streamlit's own setting (`runner.postScriptGC`) and with
nothing kept from the collector.
One viewer of each asks every page, as in benchmarks/load.py; after two rounds that do not count the two take turns, page by page.
What counts is the processor time of the server from the request until it rests: a collection runs after the page was sent.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

from benchmarks.generate import number_of
from benchmarks.load import PAGES, Load, imported, rerun
from benchmarks.measuring import Report
from cx_metrics.workspace import Workspace
from tests.browser.conftest import Server, start_server

COLLECTING = """
import sys
from streamlit.web import bootstrap
from pages.parts import server
load = bootstrap.load_config_options
bootstrap.load_config_options = lambda flag_options: load({**flag_options, "runner.postScriptGC": True})
server.keep_what_is_loaded = lambda: None
sys.exit(server.main(sys.argv[1:]))
"""
WAYS = {"collected after each run": ("-c", COLLECTING), "as it is": ("-m", "pages.parts.server")}
NOT_COUNTED = 2  # rounds
TICK_SECONDS = 0.15  # a server that used no processor for so long rests


def used(server: Server) -> float:
    """The processor time of a server so far, in seconds."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def rested(server: Server) -> float:
    """Wait until a server rests; its processor time then."""
    before = used(server)
    while True:
        await asyncio.sleep(TICK_SECONDS)
        now = used(server)
        if now == before:
            return now
        before = now


async def take_turns(
    servers: Mapping[str, Server], loads: Mapping[str, Load], rounds: int
) -> dict[tuple[str, str], list[float]]:
    """Processor seconds of each page, by page and way."""
    took: dict[tuple[str, str], list[float]] = {(page, way): [] for page in PAGES for way in servers}
    doors: dict[str, ClientConnection] = {}
    for way, server in servers.items():
        here = f"127.0.0.1:{server.port}"
        doors[way] = await connect(
            f"ws://{here}/_stcore/stream", subprotocols=["streamlit"], origin=f"http://{here}", max_size=None  # type: ignore[list-item,arg-type]
        )  # fmt: skip
    for round_ in range(rounds + NOT_COUNTED):
        for page in PAGES:
            for way in sorted(servers, reverse=bool(round_ % 2)):
                before = await rested(servers[way])
                run = await rerun(loads[way], doors[way], page, {})
                if run.problem:
                    raise RuntimeError(f"{page or 'overview'}, {way}: {run.problem}")
                seconds = await rested(servers[way]) - before
                took[page, way] += [seconds] * (round_ >= NOT_COUNTED)
    for door in doors.values():
        await door.close()
    return took


def main() -> None:
    """Start both servers, ask, say the ratio."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rounds", type=int, default=12)
    asked.add_argument("--rows", default="200k")
    given = asked.parse_args()
    rows = number_of(given.rows)
    report = Report("pages_again", rows, "How much processor time does a page take that was seen before?")
    with tempfile.TemporaryDirectory() as made, ExitStack() as open_servers:
        servers, loads = {}, {}
        for place, (way, program) in enumerate(WAYS.items()):
            workspace = Workspace(Path(made) / f"workspace_{place}")
            dataset = imported(workspace, rows)
            log = Path(made) / f"log_{place}"
            servers[way] = start_server(workspace.root, log, "--no-sample", program=program)
            open_servers.callback(servers[way].stop)
            facts = workspace.current(dataset).facts
            loads[way] = Load(servers[way].port, dataset, facts, 0, random.Random(1))
        took = asyncio.run(take_turns(servers, loads, given.rounds))
    first, second = WAYS
    table: list[list[object]] = []
    for page in PAGES:
        before, now = (statistics.median(took[page, way]) for way in WAYS)
        table.append([page or "overview", before, now, now / before, len(took[page, first])])
    report.table("Processor seconds of a page seen before, medians", ["page", first, second, "times", "rounds"], table)
    report.note(f"All pages together: {sum(row[2] for row in table) / sum(row[1] for row in table):.2f} times.")  # type: ignore[misc]
    report.write()


if __name__ == "__main__":
    main()
