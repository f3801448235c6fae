"""Our own side of a comparison, in a process of its own like every peer: the public `cx_metrics`, an opened version, `run`."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from protocol import Peer

sys.path.insert(0, str(Path(__file__).parents[2]))

import cx_metrics as cx
from cx_metrics.arriving import open_plan, streams
from cx_metrics.engines import build, open_store
from cx_metrics.engines.duckdb_build import READ
from cx_metrics.engines.room import memory_for
from cx_metrics.importing import ImportFile, Plan, import_version
from cx_metrics.view import Facts
from cx_metrics.workspace import Workspace

peer = Peer("duckdb", "ibis-framework", "sqlglot", "pandas", "pyarrow")
opened: list[Any] = []


@peer.preparation
def store(workspace: str, dataset: str, **_paths: str) -> None:
    """Open the version, as a page does."""
    version = Workspace(Path(workspace)).current(dataset)
    opened[:] = [open_store(version.path, version.facts)]


@peer.preparation
def import_csv(workspace: str, dataset: str, csv: str, stages: list[str], goal: list[str]) -> None:
    """Import a file as the Data page does: read, prepare, publish."""
    plan = Plan((ImportFile(Path(csv), Path(csv).name),), stages=tuple(stages), goal=tuple(goal))
    import_version(Workspace(Path(workspace)), dataset, plan)


class Arrived(Exception):
    """All rows are where the store takes them in."""


@peer.preparation
def read_csv(csv: str, folder: str, stages: list[str], goal: list[str]) -> None:
    """The same, but no further than to the last row that the store takes in."""

    def stop(done: int, _of: int) -> None:
        if done == READ:
            raise Arrived

    (spill := Path(folder) / "spill").mkdir()
    plan = Plan((ImportFile(Path(csv), Path(csv).name),), stages=tuple(stages), goal=tuple(goal))
    opened = open_plan(plan)
    memory, *_more = memory_for(sum(o.records for group in opened.values() for o in group))
    tables, facts = streams(opened, lambda _rows: None), Facts(tuple(stages), "UTC", tuple(goal))
    with suppress(Arrived):
        build(Path(folder) / "store", tables, facts, stop, spill, memory=memory)
        raise RuntimeError("the rows never arrived")


def view(persona: str | None) -> cx.View:
    """Everybody, or one persona."""
    return cx.View() if persona is None else cx.View().with_values("persona", (persona,))


def link_rows(result: cx.Result) -> list[list[Any]]:
    """The rows of the flow in order, without its times."""
    frame = result.frame.assign(target=result.frame["target"].astype(object).fillna(""))
    return sorted(frame[["step", "source", "target", "kind", "journeys"]].values.tolist())


def pair_rows(result: cx.Result) -> list[list[Any]]:
    """The pairs in order, without their times."""
    return sorted(result.frame[["touchpoint", "next_touchpoint", "transitions"]].values.tolist())


def path_rows(result: cx.Result) -> list[list[Any]]:
    """The paths as they are ranked."""
    return [[list(path), int(n)] for path, n in zip(result.frame["path"], result.frame["journeys"], strict=True)]


@peer.question(link_rows)
def links(persona: str, route: str, **options: Any) -> cx.Result:
    """The flow of one persona."""
    return cx.run("flow_links", opened[0], view(persona), route=route, **options)


@peer.question(pair_rows)
def directly_follows(route: str, **options: Any) -> cx.Result:
    """The directly-follows table of everybody."""
    return cx.run("transitions", opened[0], route=route, **options)


@peer.question(path_rows)
def variants(route: str, **options: Any) -> cx.Result:
    """The whole paths of everybody."""
    return cx.run("variants", opened[0], route=route, **options)


@peer.question(lambda result: [[int(n)] for n in result.frame["customers"]])
def funnel(steps: list[str], days: int, **options: Any) -> cx.Result:
    """Customers per step, with times, shares and intervals; other steps every time, so nothing is answered from memory."""
    return cx.run("funnel", opened[0], steps=",".join(steps), window=f"{days}d", **options)


if __name__ == "__main__":
    peer.serve()
