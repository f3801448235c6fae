"""Our own prepared versions of the generated files, made by the importer that the Data page uses.

    python -m benchmarks.stores --rows 10M

A store is kept per size and per state of the program that prepares it, so that it is made once for a run of all benchmarks.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.generate import GOAL, STAGES, events, folder, number_of, short
from benchmarks.peers import Peer
from cx_metrics.engines import Store, open_store
from cx_metrics.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
PREPARES = ("engines", "reading", "arriving.py", "journeys.py", "tables.py", "view.py")


@dataclass(frozen=True)
class Prepared:
    """Where a version lies, and what making it took: seconds, the peak of memory, the size of its file."""

    workspace: str
    dataset: str
    seconds: float
    peak_mib: float
    size_mib: float

    @property
    def paths(self) -> dict[str, str]:
        """What the program of our side wants to know."""
        return {"workspace": self.workspace, "dataset": self.dataset}

    def open(self) -> Store:
        """The version, opened as a page opens it."""
        version = Workspace(Path(self.workspace)).current(self.dataset)
        return open_store(version.path, version.facts)


def prepared(rows: int) -> Prepared:
    """The version of the generated file of that many rows; made when this program has not made it yet."""
    made = _home(rows) / "made.json"
    return Prepared(**json.loads(made.read_text())) if made.exists() else renewed(rows)


def renewed(rows: int) -> Prepared:
    """The version, made anew; older ones of this size go."""
    home = _home(rows)
    for old in home.parent.glob(f"{short(rows)}-*"):
        shutil.rmtree(old)
    print(f"preparing {short(rows)} rows …", flush=True)
    made = make(rows, home)
    (home / "made.json").write_text(json.dumps(asdict(made)))
    return made


def _home(rows: int) -> Path:
    return folder() / "stores" / f"{short(rows)}-{_state()}"


def make(rows: int, into: Path) -> Prepared:
    """Import the CSV into a workspace of its own, in a process of its own, as the Data page does."""
    source = events(rows).csv
    workspace = Workspace(into)
    dataset = workspace.create(short(rows))
    with Peer("touchline") as peer:
        asked = {"workspace": str(into), "dataset": dataset, "csv": str(source), "stages": STAGES, "goal": [GOAL]}
        seconds = peer.prepare("import_csv", asked)
        peak = peer.peak_mib()
    version = workspace.current(dataset)
    kept = int(version.manifest["rows"]["touchpoints"])
    if kept != rows:
        raise RuntimeError(f"{kept:,} of {rows:,} rows were kept: {version.manifest['reports']}")
    return Prepared(str(into), dataset, seconds, peak, version.path.stat().st_size / 2**20)


def _state() -> str:
    """A mark of the program that prepares."""
    mark = hashlib.sha256()
    for part in PREPARES:
        path = ROOT / "cx_metrics" / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            mark.update(file.read_bytes())
    return mark.hexdigest()[:10]


def main() -> None:
    """Make a store, or say where it is and what it took."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--rows", default="1M")
    print(prepared(number_of(asked.parse_args().rows)))


if __name__ == "__main__":
    main()
