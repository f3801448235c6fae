"""How long does it take to erase a customer from a workspace?

    python -m benchmarks.erasing --rows 10M

A copy of a prepared dataset with its uploaded file: every version and source is written afresh without the customer, everything is
made durable and checked, and the bytes of the id are looked for in all files afterwards.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks.generate import folder, number_of, short
from benchmarks.measuring import Report
from benchmarks.stores import prepared
from cx_metrics import erasing
from cx_metrics.engines import open_store
from cx_metrics.workspace import Workspace

MOST_SECONDS = 60.0
ROUNDS = 3


def main() -> None:
    """Erase three customers, one after the other; state the goal."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", default="10M")
    rows = number_of(asked.parse_args().rows)
    report = Report("erasing", rows, "How long does it take to erase a customer?")
    made = prepared(rows)
    home = Path(tempfile.mkdtemp(prefix="erasing_", dir=folder()))
    try:
        shutil.copytree(made.workspace, home / "workspace")
        workspace = Workspace(home / "workspace")
        table = [erased(workspace, made.dataset, n) for n in range(1, ROUNDS + 1)]
        head = ["round", "seconds", "rows erased", "rows of the file left out", "files with the id afterwards"]
        report.table(f"A customer of {short(rows)} touchpoints", head, table)
        report.goal("erasing a customer, seconds", sorted(row[1] for row in table)[ROUNDS // 2], MOST_SECONDS)
    finally:
        shutil.rmtree(home)
    report.write()


def erased(workspace: Workspace, dataset: str, n: int) -> list[float]:
    """One customer: how long it took, what went, and in how many uploaded files the id still stands."""
    version = workspace.current(dataset)
    store = open_store(version.path, version.facts)
    customers = store.tables["customers"]
    found = store.fetch(customers.filter(customers.customer_number == n * 1_000).select("customer_id"))
    customer = str(found["customer_id"].iloc[0])
    store.close()
    began = time.perf_counter()
    receipt = erasing.erase(workspace, dataset, customer)
    seconds = time.perf_counter() - began
    needle, home = f"\n{customer},".encode(), workspace.root / "datasets" / dataset / "sources"
    left = sum(
        needle in path.read_bytes() for path in home.iterdir()
    )  # its ids are too short to look for in packed files
    return [n, seconds, sum(receipt["removed"].values()), receipt["left_out"], left]


if __name__ == "__main__":
    main()
