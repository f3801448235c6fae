"""A hundred viewers at once: how long does a page take to run again, how many runs fail, and where is the knee?

    python -m benchmarks.load [--viewers 100] [--minutes 10] [--think 30] [--rows 1M]
    python -m benchmarks.load --viewers 50 100 150 200 --minutes 2       the knee: one stretch for each number of viewers

A server of its own, started as `make run` does, with data like the sample's, so many touchpoints of them. Each viewer is a session
over a websocket that speaks Streamlit's own messages, as a browser does, without drawing anything: it opens a page, thinks (on
average so many seconds, exponentially), then asks for another page or another filter through the address, and so on. A run lasts
from the request to the message that the script has finished.

Filters: three runs of four take one of ten usual views (a persona, a segment, a month, a channel …; `--usual` takes fewer), the
fourth a range of days that is drawn anew, with or without a comparison. Before the clock starts, one viewer asks every page under
every usual view, as after a morning of use. A run is cold where nobody asked for its page under its view since the server started,
warm otherwise. A run fails where the page shows a fault, does not finish within a minute, or the connection breaks. Server and
viewers share the cores that this process may use: `taskset -c 0,1 python -m benchmarks.load` on a larger machine.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from benchmarks.generate import folder, number_of, short
from benchmarks.measuring import Report
from cx_metrics.importing import ImportFile, Plan, import_version
from cx_metrics.view import Facts
from cx_metrics.workspace import Workspace
from tests.browser.conftest import Server, start_server

ROOT = Path(__file__).resolve().parents[1]
TOUCHPOINTS_EACH = 9.93  # of a customer of the sample, in a year
PAGES = ("", "flow", "drop-off", "stages", "channels", "voice", "data", "definitions")
USUAL: tuple[dict[str, object], ...] = (
    {}, {"persona": "Family"}, {"from": "2026-09-01", "to": "2026-09-30", "compare": "previous"}, {"segment": "Guest"},
    {"channel": "web"}, {"persona": "Saver"}, {"from": "2026-07-01", "to": "2026-09-30"},
    {"persona": "Family", "b.persona": "Saver"}, {"touchpoint": "Support"}, {"persona": "Saver", "segment": "Guest"},
)  # fmt: skip
NEW_SHARE = 0.25  # of runs, with a range of days that is drawn anew
ANOTHER_PAGE = 0.5  # of runs; the others stay on the page and change the filter
PATIENCE_SECONDS = 60.0
WARM, COLD = 1.0, 2.5  # seconds that 95 of 100 runs may take


@dataclass
class Run:
    """One run of a page: how long it took, whether somebody asked for the same before, what went wrong."""

    page: str
    cold: bool
    seconds: float
    problem: str = ""
    megabytes: float = 0.0


@dataclass
class Load:
    """What all viewers share: where the server is, which data, what was asked for, and the runs so far."""

    port: int
    dataset: str
    facts: Facts
    think: float
    chance: random.Random
    usual: Sequence[dict[str, object]] = USUAL
    until: float = 0.0
    asked: set[tuple[str, str]] = field(default_factory=set)
    runs: list[Run] = field(default_factory=list)

    def view(self) -> dict[str, object]:
        """A usual view, or a range of days of one's own."""
        first, last = self.facts.first_day, self.facts.last_day
        if self.chance.random() >= NEW_SHARE or first is None or last is None:
            return dict(self.chance.choice(self.usual))
        length = self.chance.randrange(7, 92)
        start = first + timedelta(days=self.chance.randrange((last - first).days - length))
        days = {"from": start.isoformat(), "to": (start + timedelta(days=length)).isoformat()}
        return days | ({"compare": "previous"} if self.chance.random() < 0.5 else {})


async def viewer(load: Load) -> None:
    """One session, from its first page to the end of the time."""
    page, view = load.chance.choice(PAGES), load.view()
    await think(load)  # as if they had been here before: if all opened within one pause, that would be twice the load
    where = f"ws://127.0.0.1:{load.port}/_stcore/stream"
    while time.monotonic() < load.until:
        try:
            async with connect(
                where,
                subprotocols=["streamlit"],
                origin=f"http://127.0.0.1:{load.port}",
                max_size=None,  # type: ignore[list-item,arg-type]
            ) as door:
                while time.monotonic() < load.until:
                    load.runs.append(await rerun(load, door, page, view))
                    await think(load)
                    if load.chance.random() < ANOTHER_PAGE:
                        page = load.chance.choice(PAGES)
                    else:
                        view = load.view()
        except (OSError, TimeoutError, WebSocketException) as problem:
            load.runs.append(Run(page, False, PATIENCE_SECONDS, type(problem).__name__))


async def think(load: Load) -> None:
    """Look at the page for a while, exponentially; not beyond the end of the time."""
    await asyncio.sleep(max(0, min(load.chance.expovariate(1 / load.think), load.until - time.monotonic())))


async def rerun(load: Load, door: ClientConnection, page: str, view: dict[str, object]) -> Run:
    """Ask for a page under a view, and wait until its script has finished."""
    query = urlencode({"ds": load.dataset, "lang": "en", **view}, doseq=True)
    key = (page, query)
    is_cold, size, problem = key not in load.asked, 0, ""
    load.asked.add(key)
    message = BackMsg()
    message.rerun_script.query_string = query
    message.rerun_script.page_name = page
    start = time.perf_counter()
    await door.send(message.SerializeToString())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            received = await door.recv()
            size += len(received)
            answer = ForwardMsg()
            answer.ParseFromString(received)  # type: ignore[arg-type]
            kind = answer.WhichOneof("type")
            if kind == "delta" and answer.delta.new_element.WhichOneof("type") == "exception":
                problem = answer.delta.new_element.exception.type
            if kind == "page_not_found":
                problem = "page not found"
            if kind == "script_finished" and answer.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                break
    if answer.script_finished != ForwardMsg.FINISHED_SUCCESSFULLY:
        problem = problem or "did not finish"
    return Run(page or "overview", is_cold, time.perf_counter() - start, problem, size / 2**20)


async def stretch(load: Load, viewers: int, seconds: float) -> list[Run]:
    """So many viewers for so long; the runs that ended."""
    load.until, load.runs = time.monotonic() + seconds, []
    await asyncio.gather(*(viewer(load) for _viewer in range(viewers)))
    return load.runs


async def morning(load: Load) -> None:
    """One viewer asks every page under every usual view, one after the other; it waits longer than others would."""
    where = f"ws://127.0.0.1:{load.port}/_stcore/stream"
    async with connect(
        where,
        subprotocols=["streamlit"],
        origin=f"http://127.0.0.1:{load.port}",
        max_size=None,  # type: ignore[list-item,arg-type]
    ) as door:
        for page in PAGES:
            for view in load.usual:
                try:
                    await rerun(load, door, page, dict(view))
                except TimeoutError:  # the script goes on, and so does the next request, after it
                    print(f"  {page or 'overview'} {view}: more than {PATIENCE_SECONDS:g} s", flush=True)


def data_like_the_sample(rows: int) -> Path:
    """The files of the sample's generator with so many customers that they have about that many touchpoints."""
    into = folder() / f"retailer_{short(rows)}"
    if not (into / "touchpoints.csv.gz").exists():
        into.mkdir(parents=True, exist_ok=True)
        customers = str(round(rows / TOUCHPOINTS_EACH))
        print(f"generating {short(rows)} touchpoints in {into} …", flush=True)
        script = ROOT / "sample_data" / "generate.py"
        subprocess.run([sys.executable, str(script), "--out", str(into), "--customers", customers], check=True)
    return into


def imported(workspace: Workspace, rows: int) -> str:
    """The dataset in a workspace; returns its id."""
    files = sorted(data_like_the_sample(rows).glob("*.csv*"))
    dataset = workspace.create(f"Retailer {short(rows)}")
    print("importing …", flush=True)
    import_version(workspace, dataset, Plan(tuple(ImportFile(path, path.name) for path in files)))
    return dataset


def at(took: Sequence[float], share: float) -> float | None:
    """What that share of the runs does not exceed; None without runs."""
    return sorted(took)[min(int(share * len(took)), len(took) - 1)] if took else None


def seconds_of(runs: Sequence[Run], cold: bool) -> list[float]:
    """How long the cold or the warm runs took that ended."""
    return [run.seconds for run in runs if run.cold == cold and not run.problem]


def tell(report: Report, viewers: int, runs: Sequence[Run], seconds: float) -> None:
    """The table of one stretch, page by page and all together."""
    rows: list[list[object]] = []
    for page in [*sorted({run.page for run in runs}), "all"]:
        own = [run for run in runs if page in (run.page, "all")]
        cells: list[object] = [page, len(own), sum(bool(run.problem) for run in own)]
        for cold in (False, True):
            took = seconds_of(own, cold)
            cells += [len(took), at(took, 0.5), at(took, 0.95)]
        rows.append([*cells, sum(run.megabytes for run in own) / max(len(own), 1)])
    head = ["page", "runs", "failed", "warm", "median", "p95", "cold", "median", "p95", "MiB a run"]
    report.table(f"{viewers} viewers, {seconds / 60:g} minutes, {len(runs) / seconds:.1f} runs a second", head, rows)
    if problems := sorted({run.problem for run in runs if run.problem}):
        report.note(f"What failed: {', '.join(problems)}")


def memory_mib(server: Server) -> float:
    """What the server holds in memory now."""
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def main() -> None:
    """Start a server, let viewers at it, say what they waited."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--viewers", type=int, nargs="+", default=[100])
    asked.add_argument("--minutes", type=float, default=10)
    asked.add_argument("--think", type=float, default=30, help="seconds between two runs of a viewer, on average")
    asked.add_argument("--usual", type=int, default=len(USUAL), help="how many usual views there are")
    asked.add_argument("--rows", default="1M")
    asked.add_argument(
        "--workspace", type=Path, help="a workspace that has the data already, under the title Retailer 1M"
    )
    given = asked.parse_args()
    rows, seconds = number_of(given.rows), 60 * given.minutes
    with tempfile.TemporaryDirectory() as made:
        workspace = Workspace(given.workspace or Path(made) / "workspace")
        titles = {info.title: info.id for info in workspace.datasets()}
        dataset = titles.get(f"Retailer {short(rows)}") or imported(workspace, rows)
        facts = workspace.current(dataset).facts
        report = Report("load", rows, "A hundred viewers at once: how long does a page take to run again?")
        server = start_server(workspace.root, Path(made) / "log")
        try:
            load, knee = Load(server.port, dataset, facts, given.think, random.Random(1), USUAL[: given.usual]), None
            print("asking every page under every usual view …", flush=True)
            began = time.monotonic()
            asyncio.run(morning(load))
            report.note(f"{len(load.asked)} pages and views were asked before, in {time.monotonic() - began:.0f} s.")
            for viewers in given.viewers:
                runs = asyncio.run(stretch(load, viewers, seconds))
                tell(report, viewers, runs, seconds)
                p95 = at(seconds_of(runs, cold=False), 0.95)
                if p95 is not None and p95 <= WARM and not any(run.problem for run in runs):
                    knee = viewers
                report.note(f"The server holds {memory_mib(server):,.0f} MiB.")
                report.goal(f"p95 of a warm run, {viewers} viewers", p95, WARM)
                report.goal(f"p95 of a cold run, {viewers} viewers", at(seconds_of(runs, cold=True), 0.95), COLD)
                report.goal(f"failed runs, {viewers} viewers", float(sum(bool(run.problem) for run in runs)), 0.0)
            if len(given.viewers) > 1:
                report.note(
                    f"The knee: up to {knee or 'none of these numbers of'} viewers, 95 of 100 warm runs take {WARM:g} s."
                )
        finally:
            server.stop()
        report.write()


if __name__ == "__main__":
    main()
