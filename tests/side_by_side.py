"""The whole suite, the tests in a browser, of the engines and of reading beside the others: they wait more than they work.

    python tests/side_by_side.py [options of pytest]

With paths or options of one's own, everything runs in one go.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTEST = [sys.executable, "-m", "pytest", "-m", "not long and not parity", "--durations=25", "--durations-min=5"]
BESIDE = {  # each about as long as all that are not named
    "In the browser, of the command line, of funnels, of comments, of workers and of hostile files": (
        "tests/browser",
        "tests/comments",
        "tests/test_command_line.py",
        "tests/test_funnel.py",
        "tests/test_workers.py",
        "tests/test_hostile_files.py",
    ),
    "Of the engines and of reading": ("tests/engines", "tests/reading"),
    "Of the pages and their parts, and of all metrics": (
        "tests/pages",
        "tests/parts",
        "tests/charts",
        "tests/exports",
        "tests/test_differences_of_all.py",
        "tests/test_explaining.py",
        "tests/test_anchors.py",
        "tests/test_fuzz.py",
    ),
}
POLITE = 5  # steps of politeness towards the part in the browser, which waits for pages with a patience of its own
FAILED = ("FAILED ", "ERROR ")  # lines of pytest's summary
NOTHING_CHOSEN = 5  # pytest's exit status where no test was chosen


def main(options: list[str]) -> int:
    """Run the suite; returns the exit status of the part that failed, 0 if none did."""
    if options:
        return subprocess.run([*PYTEST, *options], cwd=ROOT).returncode
    with ExitStack() as open_files:
        begun = []
        for name, parts in BESIDE.items():
            if len(begun) == 1 and hasattr(os, "nice"):
                os.nice(POLITE)  # this process, and so all that it starts from here on
            said = open_files.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8"))
            begun.append(
                (name, said, subprocess.Popen([*PYTEST, *parts], cwd=ROOT, stdout=said, stderr=subprocess.STDOUT))
            )
        ignored = [f"--ignore={part}" for parts in BESIDE.values() for part in parts]
        others = subprocess.Popen([*PYTEST, *ignored, "tests"], cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8")
        failed = []
        for line in others.stdout or ():
            print(line, end="", flush=True)
            failed += [line] * line.startswith(FAILED)
        status = others.wait()
        for name, said, running in begun:
            ended = running.wait()
            said.seek(0)
            lines = said.readlines()
            print(f"{name}:\n{''.join(lines)}", flush=True)
            failed += [line for line in lines if line.startswith(FAILED)]
            status = status or (0 if ended == NOTHING_CHOSEN else ended)
    print(f"Failed, of all parts: {len(failed)}\n{''.join(failed)}", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
