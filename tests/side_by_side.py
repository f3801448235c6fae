"""The whole suite, the tests in a browser, of the engines and of reading beside the others: they wait more than they work.

    python tests/side_by_side.py [options of pytest]

With paths or options of one's own, everything runs in one go.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTEST = [sys.executable, "-m", "pytest", "-m", "not long and not parity"]
BESIDE = ("tests/browser", "tests/engines", "tests/reading")  # about as long as all the others
NOTHING_CHOSEN = 5  # pytest's exit status where no test was chosen


def main(options: list[str]) -> int:
    """Run the suite; returns the exit status of the part that failed, 0 if none did."""
    if options:
        return subprocess.run([*PYTEST, *options], cwd=ROOT).returncode
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        browser = subprocess.Popen([*PYTEST, *BESIDE], cwd=ROOT, stdout=said, stderr=subprocess.STDOUT)
        others = subprocess.run([*PYTEST, *(f"--ignore={part}" for part in BESIDE), "tests"], cwd=ROOT).returncode
        beside = browser.wait()
        said.seek(0)
        print(f"In the browser, of the engines and of reading:\n{said.read()}", flush=True)
    return others or (0 if beside == NOTHING_CHOSEN else beside)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
