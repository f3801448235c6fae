"""The workspace of every past release opens, and says the same."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

import cx_metrics as cx
from cx_metrics import importing
from cx_metrics.engines import open_store
from cx_metrics.importing import ImportFile
from cx_metrics.workspace import Version, Workspace
from tests.releases import KEPT

RELEASES = sorted(path.name.removesuffix(".tar.gz") for path in KEPT.glob("*.tar.gz"))


@pytest.fixture(params=RELEASES)
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    """What a server of that release left, after an update. A version that it prepared in an older form was prepared afresh."""
    with tarfile.open(KEPT / f"{request.param}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    opened = Workspace(tmp_path / "workspace")
    for job in importing.upgrade(opened):
        assert importing.wait(opened, job, 120).state == "done"
    return opened


def said(version: Version) -> tuple[list[int], float, dict[str, int]]:
    store = open_store(version.path, version.facts)
    funnel = cx.run("funnel", store, steps="ad,visit,buy", window="90d").frame
    people = cx.people(store)
    return funnel["customers"].tolist(), float(cx.run("nps", store).frame["nps"].iloc[0]), people


def test_there_is_one() -> None:
    assert RELEASES


def test_it_opens_whole_and_says_what_can_be_counted_by_hand(workspace: Workspace) -> None:
    (info,) = workspace.datasets()
    assert info.title == "Shop · متجر · Магазин"
    assert workspace.segments(info.id) == {"Visitors": "touchpoint=visit"}
    kept = [v for v in workspace.versions(info.id) if not workspace.is_old(v)]
    for version in kept:
        workspace.verify(version)
    customers, nps, people = said(workspace.current(info.id))
    # u8 came to visit with the later file: 10 saw the ad, 8 then visited, 4 then bought. 4 promoters and 3 detractors of 7: 14.3
    assert customers == [10, 8, 4] and nps == pytest.approx(100 / 7)
    assert (people["customers"], people["touchpoints"], people["answers"]) == (10, 23, 7)


def test_its_data_can_be_imported_once_more_and_added_to(workspace: Workspace, tmp_path: Path) -> None:
    (info,) = workspace.datasets()
    more = tmp_path / "more.csv"
    more.write_text("customer_id,occurred_at,touchpoint\nu8,2026-03-02,buy\n")
    plan = importing.plan_of(workspace, workspace.current(info.id)).with_files([ImportFile(more, more.name)])
    version = importing.import_version(workspace, info.id, plan)
    assert said(version)[0] == [10, 8, 5]
