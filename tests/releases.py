"""A workspace as each release wrote it, kept for all later ones: python -m tests.releases NAME makes tests/releases/NAME.tar.gz.

Run it once, when a release is made; test_releases.py opens every one of them.
"""

from __future__ import annotations

import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from cx_metrics import importing
from cx_metrics.importing import ImportFile, Plan
from cx_metrics.workspace import Workspace

KEPT = Path(__file__).parent / "releases"
# Ten customers: each begins with an ad, the first seven visit, the first four buy; the buyers answer 10, the other visitors 3.
STEPS = (("ad", 10), ("visit", 7), ("buy", 4))
LATER = "customer_id,occurred_at,touchpoint\nu1,2026-03-01 10:00:00,buy\nu8,2026-03-01 10:00:00,visit\n"


def files(folder: Path) -> list[ImportFile]:
    """The exports that the workspace was made of."""
    touchpoints = [
        f"u{u},2026-01-{day:02} 09:00:00,{name},web" for day, (name, n) in enumerate(STEPS, 5) for u in range(1, n + 1)
    ]
    answers = [f"r{u},u{u},2026-02-01,nps,{10 if u <= 4 else 3},words of u{u}" for u in range(1, 8)]
    customers = [f"u{u},{'Saver' if u % 2 else 'Family'}" for u in range(1, 11)]
    made = []
    for name, head, rows in (
        ("touchpoints", "customer_id,occurred_at,touchpoint,channel", touchpoints),
        ("surveys", "response_id,customer_id,answered_at,survey_type,score,comment", answers),
        ("customers", "customer_id,persona", customers),
    ):
        path = folder / f"{name}.csv"
        path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
        made.append(ImportFile(path, path.name))
    return made


def make(folder: Path) -> Workspace:
    """The workspace: two versions, a segment, a title in three scripts."""
    workspace = Workspace(folder / "workspace")
    dataset = workspace.create("Shop · متجر · Магазин")
    first = importing.import_version(workspace, dataset, Plan(tuple(files(folder)), goal=("buy",)))
    later = folder / "later.csv"
    later.write_text(LATER, encoding="utf-8")
    importing.import_version(
        workspace, dataset, importing.plan_of(workspace, first).with_files([ImportFile(later, later.name)])
    )
    workspace.keep_segment(dataset, "Visitors", "touchpoint=visit")
    return workspace


def main(name: str) -> None:
    """Make the workspace of this release and pack it."""
    folder = Path(tempfile.mkdtemp(prefix="touchline_release_"))
    try:
        make(folder).close()
        KEPT.mkdir(exist_ok=True)
        with tarfile.open(KEPT / f"{name}.tar.gz", "w:gz") as archive:
            archive.add(folder / "workspace", "workspace")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main(sys.argv[1])
