"""Every benchmark of the engine, one after the other; one that fails is reported and the others go on.

    python -m benchmarks.all --rows 10M              peers and ours, about twenty minutes on two cores
    python -m benchmarks.all --rows 10M --fifty      and ours alone at 50M: another hour, 12 GB of disk
    python -m benchmarks.all --rows 10M --only memory threads
    python -m benchmarks.all --rows 10M --tables     no run: the last results as the tables of the README

Nothing else should run on the machine meanwhile: the load at the start of each benchmark is kept with its figures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.generate import events, number_of, short
from benchmarks.measuring import RESULTS, markdown, number

ROOT = Path(__file__).resolve().parents[1]
# prepare comes first: its last import is the store that the others open
SCRIPTS = (
    "prepare", "reading", "persona_to_sankey", "directly_follows", "variants", "page_data", "funnel", "overhead", "memory",
    "threads", "hog", "erasing",
)  # fmt: skip
FIFTY = {"prepare", "page_data"}
LONGEST_SECONDS = {False: 1_800, True: 7_200}


def run(script: str, rows: int, fifty: bool) -> str:
    """Run one benchmark; returns why it failed, or nothing."""
    larger = fifty and script in FIFTY
    command = [sys.executable, "-m", f"benchmarks.{script}", "--rows", short(rows), *(["--fifty"] if larger else [])]
    try:
        code = subprocess.run(command, cwd=ROOT, timeout=LONGEST_SECONDS[larger]).returncode
    except subprocess.TimeoutExpired:
        return f"took longer than {LONGEST_SECONDS[larger]} s"
    return f"exit code {code}" if code else ""


def large_persona(rows: int) -> str:
    """Persona → Sankey on 50M rows, ours alone."""
    command = [sys.executable, "-m", "benchmarks.persona_to_sankey", "--rows", short(rows), "--ours-only"]
    return f"exit code {code}" if (code := subprocess.run(command, cwd=ROOT).returncode) else ""


def tables(rows: int) -> str:
    """The last results of that many rows, as Markdown."""
    parts = []
    for script in SCRIPTS:
        path = RESULTS / f"{script}_{short(rows)}.json"
        if path.exists():
            parts.append(as_markdown(json.loads(path.read_text(encoding="utf-8"))))
    return "\n\n".join(parts)


def as_markdown(kept: dict[str, Any]) -> str:
    """One benchmark: its question, when and where, its tables, its goals."""
    versions = ", ".join(f"{name} {v}" for name, v in kept["versions"].items())
    lines = [
        f"### {kept['question']}", "",
        f"`python -m benchmarks.{kept['name']} --rows {short(kept['rows'])}` · {kept['date'][:10]} · {kept['machine']} · "
        f"load at the start {number(kept['load_at_start'])} · Python {kept['python']}; {versions}", "",
    ]  # fmt: skip
    goals = []
    for found in kept["found"]:
        if "title" in found:
            lines += [markdown(found), ""]
        elif "note" in found:
            lines += [found["note"], ""]
        else:
            met = {True: "met", False: "**not met**", None: "not measured"}[found["met"]]
            sign = "≤" if found["at_most"] else "≥"
            goals.append(f"| {found['goal']} | {sign} {number(found['wanted'])} | {number(found['found'])} | {met} |")
    if goals:
        lines += ["| goal | wanted | found | |", "|---|---|---|---|", *goals]
    return "\n".join(lines).rstrip()


def main() -> None:
    """Generate, build the environments, run everything, say what failed."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", default="10M")
    asked.add_argument("--fifty", action="store_true")
    asked.add_argument("--only", nargs="+", choices=SCRIPTS, default=SCRIPTS)
    asked.add_argument("--tables", action="store_true")
    given = asked.parse_args()
    rows = number_of(given.rows)
    if given.tables:
        print(tables(rows))
        return
    began = time.monotonic()
    events(rows)
    peers.main()
    said: list[str] = []
    for script in given.only:
        start = time.monotonic()
        problem = run(script, rows, given.fifty)
        said.append(f"{script:20} {time.monotonic() - start:6.0f} s  {problem or 'done'}")
    if given.fifty and "persona_to_sankey" in given.only:
        start = time.monotonic()
        problem = large_persona(50_000_000)
        said.append(f"{'persona_to_sankey 50M':20} {time.monotonic() - start:6.0f} s  {problem or 'done'}")
    print("\n" + "\n".join(said) + f"\n{'together':20} {time.monotonic() - began:6.0f} s")
    sys.exit(any(not line.endswith("done") for line in said))


if __name__ == "__main__":
    main()
