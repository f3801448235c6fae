"""Erasing a customer: gone from every version and source, everything else as it was, and a receipt that can be checked."""

from __future__ import annotations

import gzip
import json
import sqlite3
from pathlib import Path

import pytest

import cx_metrics as cx
from cx_metrics import erasing, importing
from cx_metrics.engines import open_store
from cx_metrics.errors import WorkspaceProblem
from cx_metrics.importing import ImportFile, Plan
from cx_metrics.reading.pseudonyms import pseudonym
from cx_metrics.run import values
from cx_metrics.workspace import NOBODY, Version, Workspace, jobs
from cx_metrics.workspace.facts import manifest_of

CANARY = "canary-7f3a9c51@example.com"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


def files(folder: Path, canary: str = CANARY) -> list[ImportFile]:
    """Touchpoints (packed), answers and customers; the canary is one of six, and in a row that is no row."""
    people = ["u1", "u2", canary, "u3", "u4", "u5"]
    touchpoints = ["customer_id,occurred_at,touchpoint,channel"]
    touchpoints += [f"{who},2026-01-0{1 + i} 09:00:00,{name},web" for who in people for i, name in enumerate("ABC")]
    touchpoints += [
        f"{canary},2026-02-01 09:00:00,Only here,web",
        f"{canary},2026-02-02 09:00:00,B,web,one cell too many",
    ]
    surveys = ["customer_id,answered_at,survey_type,score,comment"]
    surveys += [f"{who},2026-01-05,nps,{9 if i % 2 else 3},words of {who}" for i, who in enumerate(people)]
    surveys += [f"u1,2026-01-06,nps,5,please also ask {canary} about it"]
    customers = ["customer_id,persona,email"]
    customers += [f"{who},{'Saver' if i % 2 else 'Family'},{who}.mail" for i, who in enumerate(people)]
    packed = folder / "touchpoints.csv.gz"
    packed.write_bytes(gzip.compress("\n".join(touchpoints).encode()))
    plain = []
    for name, lines in (("surveys.csv", surveys), ("customers.csv", customers)):
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        plain.append(folder / name)
    return [ImportFile(path, path.name) for path in (packed, *plain)]


def answers(version: Version) -> dict[str, object]:
    store = open_store(version.path, version.facts)
    said: dict[str, object] = {"people": cx.people(store)}
    for metric in ("nps", "variants", "touchpoint_engagement", "flow_links"):
        said[metric] = cx.run(metric, store).frame.to_json(orient="records")
    return said


def test_a_customer_is_gone_and_all_else_is_as_if_they_had_never_been_there(
    workspace: Workspace, tmp_path: Path
) -> None:
    dataset, other = workspace.create("shop"), workspace.create("other")
    given = files(tmp_path)
    first = importing.import_version(workspace, dataset, Plan(tuple(given[:1])))
    second = importing.import_version(workspace, dataset, importing.plan_of(workspace, first).with_files(given[1:]))
    importing.import_version(workspace, other, Plan(tuple(given)))
    sources = {path.name for path in (workspace.root / "datasets" / dataset / "sources").iterdir()}
    receipt = erasing.erase(workspace, dataset, f" {CANARY} ")
    assert receipt["versions"] == [1, 2] and receipt["dropped_versions"] == []
    # 4 touchpoints, an answer, a line about the customer; and the row that was no row, but whose it is can be read
    assert receipt["removed"] == {"customers": 1, "surveys": 1, "touchpoints": 4} and receipt["left_out"] == 7
    assert receipt["mentions"] == 1  # u1 wrote about them: whose the row is, is known, so it stays, and is told
    for number, before in ((1, first), (2, second)):
        after = next(v for v in workspace.versions(dataset) if v.number == number)
        workspace.verify(after)
        assert after.path != before.path and not before.path.exists()
        assert after.content != before.content  # what caches are keyed by
    assert {path.name for path in (workspace.root / "datasets" / dataset / "sources").iterdir()}.isdisjoint(sources)
    again = importing.import_version(workspace, dataset, importing.plan_of(workspace, workspace.current(dataset)))
    assert again.number == 3
    assert answers(again) == answers(next(v for v in workspace.versions(dataset) if v.number == 2))
    names = set(values(open_store(again.path, again.facts), "touchpoint", 100))
    assert names == {"A", "B", "C"}
    assert answers(workspace.current(other))["people"] != answers(again)["people"]  # asked of one dataset alone


def test_the_id_stands_in_no_byte_afterwards(workspace: Workspace, tmp_path: Path) -> None:
    dataset = workspace.create("shop")
    given = files(tmp_path)
    survey = given[1].path
    survey.write_text("\n".join(line for line in survey.read_text().splitlines() if "please also" not in line))
    importing.import_version(workspace, dataset, Plan(tuple(given)))
    upload = workspace.receive("waiting.csv", [f"customer_id\n{CANARY}\n".encode()])
    kept = workspace.receive("others.csv", [b"customer_id\nu1\n"])
    assert len(list(erasing.holding(workspace.root, [CANARY]))) >= 4
    job = importing.start_erasing(workspace, dataset, CANARY)
    ended = importing.wait(workspace, job, 60)
    assert (ended.state, ended.error) == ("done", None)
    (receipt,) = workspace.receipts()
    assert (
        receipt["files_with_the_id"] == 0
        and receipt["uploads"] == 1
        and not upload.path.exists()
        and kept.path.exists()
    )
    with sqlite3.connect(workspace.root / "catalog.sqlite") as catalog:
        catalog.execute("pragma wal_checkpoint(truncate)")
    assert list(erasing.holding(workspace.root, [CANARY])) == []
    version = workspace.current(dataset)
    store = open_store(version.path, version.facts)
    for name, table in store.tables.items():  # packed columns hide bytes: every text is read
        texts = [column for column, kind in table.schema().items() if kind.is_string()]
        if texts:
            assert (
                not store.fetch(table.select(*texts))
                .astype(str)
                .apply(lambda c: c.str.contains("canary"))
                .any(axis=None)
            ), name
    assert not (jobs.folder(workspace, job) / jobs.SECRET).exists()
    assert CANARY not in json.dumps(workspace.receipts())


def test_a_receipt_can_be_checked_and_not_forged(workspace: Workspace, tmp_path: Path) -> None:
    dataset = workspace.create("shop")
    importing.import_version(workspace, dataset, Plan(tuple(files(tmp_path))))
    (receipt,) = erasing.erase_everywhere(workspace, CANARY)
    assert workspace.receipts() == [receipt] and erasing.is_genuine(workspace, receipt)
    assert receipt["customer"] == erasing.digest(workspace, CANARY) != erasing.digest(workspace, "u1")
    assert not erasing.is_genuine(workspace, receipt | {"left_out": 0})
    assert erasing.erase_everywhere(workspace, CANARY) == []  # nobody knows them any more
    assert (workspace.root / "secret").stat().st_mode & 0o777 == 0o600


def test_an_unknown_customer_changes_no_file(workspace: Workspace, tmp_path: Path) -> None:
    dataset = workspace.create("shop")
    importing.import_version(workspace, dataset, Plan(tuple(files(tmp_path))))
    before = {p: p.read_bytes() for p in (workspace.root / "datasets").rglob("*") if p.is_file()}
    receipt = erasing.erase(workspace, dataset, "nobody-with-this-id")
    assert (receipt["versions"], receipt["left_out"], receipt["removed"]) == ([], 0, {})
    assert {p: p.read_bytes() for p in (workspace.root / "datasets").rglob("*") if p.is_file()} == before
    for blank in ("", "   "):
        with pytest.raises(WorkspaceProblem, match="Say which customer"):
            erasing.erase(workspace, dataset, blank)


def test_a_version_that_cannot_be_read_cannot_stay(workspace: Workspace, tmp_path: Path) -> None:
    dataset = workspace.create("shop")
    given = tuple(files(tmp_path))
    first = importing.import_version(workspace, dataset, Plan(given))
    importing.import_version(workspace, dataset, importing.plan_of(workspace, first))
    first.path.chmod(0o644)
    first.path.write_bytes(first.path.read_bytes() + b"rot")
    receipt = erasing.erase(workspace, dataset, CANARY)
    assert (receipt["versions"], receipt["dropped_versions"]) == ([2], [1])
    assert [v.number for v in workspace.versions(dataset)] == [2] and not first.path.exists()


def test_a_source_that_only_a_damaged_version_names_goes_with_it(workspace: Workspace, tmp_path: Path) -> None:
    dataset = workspace.create("shop")
    given = tuple(files(tmp_path))
    first = importing.import_version(workspace, dataset, Plan(given))
    importing.import_version(workspace, dataset, Plan(given[2:]))  # from sources of its own
    first.manifest_path.chmod(0o644)
    first.manifest_path.write_text("{}")
    manifest_of.cache_clear()
    receipt = erasing.erase(workspace, dataset, CANARY)
    assert (receipt["versions"], receipt["dropped_versions"]) == ([2], [1])
    assert list(erasing.holding(workspace.root / "datasets" / dataset, [CANARY])) == []
    assert len(list((workspace.root / "datasets" / dataset / "sources").iterdir())) == 1


def test_the_id_goes_with_an_erasure_that_never_began(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    logs = []
    monkeypatch.setattr(jobs, "_begin", lambda _workspace, _job, log: logs.append(log))
    dataset = workspace.create("shop")
    importing.start_erasing(workspace, dataset, "somebody before")
    waiting = importing.start_erasing(workspace, dataset, CANARY)
    assert CANARY in (jobs.folder(workspace, waiting) / jobs.SECRET).read_text()
    jobs.cancel(workspace, waiting)
    assert list(erasing.holding(workspace.root, [CANARY])) == []


def test_only_who_may_delete_may_erase(workspace: Workspace, tmp_path: Path) -> None:
    dataset = workspace.create("shop")
    importing.import_version(workspace, dataset, Plan(tuple(files(tmp_path))))
    stranger = workspace.seen_by(NOBODY)
    for forbidden in (erasing.erase, importing.start_erasing):
        with pytest.raises(WorkspaceProblem, match="no such dataset"):
            forbidden(stranger, dataset, CANARY)
    with pytest.raises(WorkspaceProblem, match="no such dataset"):
        erasing.erase_everywhere(stranger, CANARY)


def test_pseudonyms_leave_no_id_on_the_disk_and_still_join(workspace: Workspace, tmp_path: Path) -> None:
    plain, hidden = workspace.create("plain"), workspace.create("hidden")
    given = files(tmp_path)
    survey = given[1].path
    survey.write_text(survey.read_text().replace(f"words of {CANARY}", "words").replace(f"ask {CANARY}", "ask"))
    customers = given[2].path
    customers.write_text("\n".join(line.rpartition(",")[0] for line in customers.read_text().splitlines()))
    one = importing.import_version(workspace, plain, Plan(tuple(given)))
    two = importing.import_version(workspace, hidden, Plan(tuple(given), pseudonyms=True))
    assert list(erasing.holding(workspace.root / "datasets" / hidden, [CANARY])) == []
    assert answers(two) == answers(one)
    ids = open_store(two.path, two.facts)
    found = set(ids.fetch(ids.tables["customers"].select("customer_id"))["customer_id"])
    assert pseudonym(workspace.key(), CANARY) in found and len(found) == 6
    # further files of the same customers join those that are there, and an erasure finds them by the id
    more = tmp_path / "more.csv"
    more.write_text(f"customer_id,occurred_at,touchpoint\n{CANARY},2026-03-01,Later\nu1,2026-03-01,Later\n")
    plan = importing.plan_of(workspace, two).with_files([ImportFile(more, "more.csv")])
    three = importing.import_version(workspace, hidden, plan)
    assert (
        three.manifest["rows"]["customers"] == 6
        and list(erasing.holding(workspace.root / "datasets" / hidden, [CANARY])) == []
    )
    receipt = erasing.erase(workspace, hidden, CANARY)
    assert receipt["versions"] == [2, 1][::-1] and receipt["removed"]["customers"] == 1
    assert workspace.current(hidden).manifest["rows"]["customers"] == 5
