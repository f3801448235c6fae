"""The workspace from the command line, and datasets as archives."""

from __future__ import annotations

import json
import random
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cx_metrics.__main__ import main
from cx_metrics.errors import FileProblem, WorkspaceProblem
from cx_metrics.workspace import NOBODY, Workspace, packing

ROWS = "customer_id,occurred_at,touchpoint\nu1,2026-01-05,A\nu1,2026-01-06,B\nu2,2026-01-05,A\n"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in an empty workspace: its status, what it printed, and what it said beside."""
    monkeypatch.setenv("TOUCHLINE_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.delenv("TOUCHLINE_CATALOG", raising=False)

    def command(*arguments: object) -> tuple[int, str, str]:
        status = main(["workspace", *map(str, arguments)])
        return status, *capsys.readouterr()

    return command


def written(folder: Path, name: str, text: str = ROWS) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def imported(run: Run, folder: Path, *more: object) -> str:
    status, out, _said = run("import", "--touchpoints", written(folder, "a.csv"), *more)
    assert status == 0
    return out.split()[0]


def test_files_are_imported_listed_added_and_undone(run: Run, tmp_path: Path) -> None:
    dataset = imported(run, tmp_path, "--title", "Shop")
    later = written(
        tmp_path, "b.csv", "customer_id,occurred_at,touchpoint,note\nu1,2026-01-06,B,again\nu3,2026-01-07,C,new\n"
    )
    status, out, said = run("import", "--to", dataset, "--touchpoints", later)
    assert (status, out.strip()) == (
        0,
        f"{dataset} version 2",
    ) and "touchpoints: 1 rows of earlier uploads replaced" in said
    (listed,) = json.loads(run("list", "--json")[1])
    assert (listed["title"], listed["current"]) == ("Shop", 2)
    assert [v["rows"]["touchpoints"] for v in listed["versions"]] == [3, 4]
    assert run("use", dataset, 1)[0] == 0
    assert "* version 1" in run("list")[1]
    status, _out, _said = run("import", "--to", dataset, "--instead", "--touchpoints", later)
    (listed,) = json.loads(run("list", "--json")[1])
    assert listed["current"] == 3 and listed["versions"][-1]["rows"]["touchpoints"] == 2


def test_a_failed_import_leaves_no_dataset(run: Run, tmp_path: Path) -> None:
    bad = written(tmp_path, "bad.csv", "customer_id,occurred_at,touchpoint\n")
    assert run("import", "--touchpoints", bad)[0] == 2
    assert json.loads(run("list", "--json")[1]) == []


def test_a_check_names_what_is_damaged(run: Run, tmp_path: Path) -> None:
    dataset = imported(run, tmp_path)
    assert run("check")[:2] == (0, "2 files and versions are whole, 0 are not\n")
    home = tmp_path / "workspace" / "datasets" / dataset
    for path in (next(home.glob("versions/*/store.duckdb")), next(home.glob("sources/*"))):
        path.chmod(0o644)
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    status, out, _said = run("check")
    assert status == 1 and f"{dataset} version 1:" in out and f"{dataset} source " in out


def test_a_lost_catalog_is_built_again_and_the_damaged_one_stays_beside_it(run: Run, tmp_path: Path) -> None:
    dataset = imported(run, tmp_path, "--title", "Shop")
    for path in (tmp_path / "workspace").glob("catalog.sqlite*"):
        path.write_bytes(b"not a database" * 100)
    status, _out, said = run("list")
    assert status == 2 and "damaged on disk" in said
    assert run("check", "--rebuild")[0] == 0
    assert json.loads(run("list", "--json")[1])[0]["id"] == dataset
    assert list((tmp_path / "workspace").glob("damaged-*-catalog.sqlite"))


def test_a_dataset_goes_into_an_archive_and_comes_back_the_same(run: Run, tmp_path: Path) -> None:
    dataset = imported(run, tmp_path, "--title", "متجر / ../shop")
    imported(run, tmp_path, "--to", dataset)
    here = Workspace(tmp_path / "workspace")
    here.keep_segment(dataset, "Savers", "persona=Saver")
    view = here.save_view(dataset, "Savers", "for Monday", "flow", "persona=Saver", 1)
    run("use", dataset, 1)
    archive = tmp_path / "shop.tar"
    assert run("export", dataset, archive)[0] == 0
    assert run("export", "all", tmp_path / "all")[0] == 0 and (tmp_path / "all" / f"{dataset}.tar").exists()
    there = Workspace(tmp_path / "elsewhere")
    made = packing.unpack(there, archive)
    (info,) = there.datasets()
    assert (info.title, info.version, made != dataset) == ("متجر / ../shop", 1, True)
    assert [v.checksums for v in there.versions(made)] == [v.checksums for v in here.versions(dataset)]
    assert there.segments(made) == {"Savers": "persona=Saver"}
    (kept,) = there.views(made)
    assert replace(kept, id=view.id, dataset=dataset) == view and kept.id != view.id
    for version in there.versions(made):
        there.verify(version)
    from cx_metrics import importing

    again = importing.import_version(there, made, importing.plan_of(there, there.current(made)))
    assert again.number == 3 and again.manifest["rows"] == there.versions(made)[0].manifest["rows"]
    assert run("restore", archive, tmp_path / "all" / f"{dataset}.tar")[0] == 0
    assert len(json.loads(run("list", "--json")[1])) == 3


def test_an_archive_with_one_byte_changed_is_refused_and_leaves_nothing(run: Run, tmp_path: Path) -> None:
    dataset = imported(run, tmp_path)
    archive = tmp_path / "shop.tar"
    run("export", dataset, archive)
    whole = archive.read_bytes()
    draw = random.Random(3)
    with tarfile.open(archive) as opened:
        last = opened.getmembers()[-1]
    used = last.offset_data + last.size
    there = Workspace(tmp_path / "elsewhere")
    refused = 0
    for _ in range(60):
        place = draw.randrange(used)
        archive.write_bytes(whole[:place] + bytes([whole[place] ^ draw.randrange(1, 256)]) + whole[place + 1 :])
        try:
            made = packing.unpack(there, archive)
        except (FileProblem, WorkspaceProblem):
            refused += 1
            assert there.datasets() == [] and list((there.root / "datasets").iterdir()) == []
            continue
        there.verify(there.current(made))  # a byte of padding, or of a title
        there.delete(made)
    assert refused > 50
    for other in (b"", b"no archive", whole[:4_000], whole[: used // 2]):
        archive.write_bytes(other)
        with pytest.raises(FileProblem, match="no dataset that Touchline exported"):
            packing.unpack(there, archive)


@pytest.mark.parametrize(
    "name", ["../../evil", "/etc/evil", "versions/1/../../../evil", "sources/evil", "versions/x/store.duckdb"]
)
def test_an_archive_never_names_a_path(tmp_path: Path, name: str) -> None:
    import io

    archive = tmp_path / "evil.tar"
    contents = {"format": 2, "title": "x", "current": 1, "segments": {}, "files": {
        "versions/1/store.duckdb": "0" * 64, "versions/1/manifest.json": "0" * 64, name: "0" * 64,
    }}  # fmt: skip
    with tarfile.open(archive, "w") as made:
        for member, content in (("contents.json", json.dumps(contents).encode()), (name, b"evil")):
            about = tarfile.TarInfo(member)
            about.size = len(content)
            made.addfile(about, io.BytesIO(content))
    workspace = Workspace(tmp_path / "workspace")
    with pytest.raises(FileProblem):
        packing.unpack(workspace, archive)
    assert not list(tmp_path.rglob("evil")) and workspace.datasets() == []


def test_a_dataset_without_a_version_is_no_archive(run: Run, tmp_path: Path) -> None:
    empty = Workspace(tmp_path / "workspace").create("empty")
    status, _out, said = run("export", empty, tmp_path / "empty.tar")
    assert status == 2 and "no finished import yet" in said and not (tmp_path / "empty.tar").exists()


def test_archives_pass_the_door_too(run: Run, tmp_path: Path) -> None:
    dataset = imported(run, tmp_path)
    workspace = Workspace(tmp_path / "workspace")
    archive = tmp_path / "shop.tar"
    packing.pack(workspace, dataset, archive)
    stranger = workspace.seen_by(NOBODY)
    with pytest.raises(WorkspaceProblem, match="no such dataset"):
        packing.pack(stranger, dataset, tmp_path / "stolen.tar")
    with pytest.raises(WorkspaceProblem, match="no such dataset"):
        packing.unpack(stranger, archive)
    assert not (tmp_path / "stolen.tar").exists()


def test_erasing_prints_its_receipt(run: Run, tmp_path: Path) -> None:
    dataset = imported(run, tmp_path)
    status, out, _said = run("erase", "u1")
    (receipt,) = json.loads(out)
    assert status == 0 and receipt["dataset"] == dataset and receipt["removed"] == {"customers": 1, "touchpoints": 2}
    assert json.loads(run("list", "--json")[1])[0]["versions"][0]["rows"] == {"customers": 1, "touchpoints": 1}


def test_health_says_whether_the_workspace_can_be_written(run: Run) -> None:
    status, out, _said = run("health")
    found = json.loads(out)
    assert status == 0 and found["ok"] and found["free_mb"] > 0
    assert (found["imports_running"], found["imports_waiting"]) == (0, 0)


def test_sweeping_upgrading_and_deleting(run: Run, tmp_path: Path) -> None:
    dataset = imported(run, tmp_path)
    (tmp_path / "workspace" / "uploads" / "left").write_text("x")
    assert run("sweep")[1] == "1 removed\n" and run("upgrade")[1] == "0 prepared afresh\n"
    assert run("delete", dataset)[0] == 0 and json.loads(run("list", "--json")[1]) == []
    assert run("delete", dataset)[0] == 2
