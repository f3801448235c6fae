"""Further files for a dataset: of what stands in both, the newer one counts, and the manifest says how many rows that were."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cx_metrics import importing
from cx_metrics.engines import open_store
from cx_metrics.importing import ImportFile, Plan
from cx_metrics.workspace import Version, Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


def file(folder: Path, name: str, text: str) -> ImportFile:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return ImportFile(path, name)


def added(workspace: Workspace, folder: Path, *uploads: dict[str, str]) -> Version:
    """A dataset of these uploads, one after the other; each a file or several, by name."""
    dataset = workspace.create("shop")
    version: Version | None = None
    for n, upload in enumerate(uploads):
        files = [file(folder, f"{n}_{name}.csv", text) for name, text in upload.items()]
        plan = Plan(tuple(files)) if version is None else importing.plan_of(workspace, version).with_files(files)
        version = importing.import_version(workspace, dataset, plan)
    assert version is not None
    return version


def rows(version: Version, table: str, *columns: str) -> list[tuple[Any, ...]]:
    store = open_store(version.path, version.facts)
    frame = store.fetch(store.tables[table].select(*columns))
    frame = frame.astype(object).where(frame.notna(), None)
    return sorted(frame.itertuples(index=False, name=None), key=str)


def test_a_contact_that_stands_in_both_counts_as_the_newer_file_says(workspace: Workspace, tmp_path: Path) -> None:
    head = "customer_id,occurred_at,touchpoint,channel,status\n"
    first = (
        head
        + "u1,2026-01-05 09:00:00,Order,web,open\nu1,2026-01-06 09:00:00,Order,web,open\nu2,2026-01-05 09:00:00,Order,web,open\n"
    )
    second = (
        head
        + "u1,2026-01-06 09:00:00,Order,web,shipped\nu1,2026-01-06 09:00:00,Order,shop,new\nu3,2026-01-07 09:00:00,Order,web,new\n"
    )
    version = added(workspace, tmp_path, {"touchpoints": first}, {"touchpoints": second})
    assert version.manifest["replaced"] == {"touchpoints": 1} and version.manifest["duplicates"] == 0
    assert rows(version, "touchpoints", "customer_id", "channel", "status") == [
        ("u1", "shop", "new"), ("u1", "web", "open"), ("u1", "web", "shipped"), ("u2", "web", "open"), ("u3", "web", "new"),
    ]  # fmt: skip


def test_the_same_export_twice_changes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    # two equal contacts in one file are exact duplicates; two of one moment that differ are two contacts, also when both come again
    text = "customer_id,occurred_at,touchpoint,note\nu1,2026-01-05,A,x\nu1,2026-01-05,A,y\nu1,2026-01-05,A,y\nu1,,B,z\n"
    once = added(workspace, tmp_path, {"touchpoints": text})
    twice = added(workspace, tmp_path, {"touchpoints": text}, {"touchpoints": text})
    assert twice.manifest["replaced"] == {"touchpoints": 3}
    columns = ("customer_id", "touchpoint", "note")
    assert rows(once, "touchpoints", *columns) == rows(twice, "touchpoints", *columns)


def test_answers_are_known_by_their_number_or_by_who_answered_when(workspace: Workspace, tmp_path: Path) -> None:
    numbered = "response_id,customer_id,answered_at,survey_type,score\n"
    version = added(
        workspace, tmp_path,
        {"surveys": numbered + "r1,u1,2026-01-05,nps,3\nr2,u2,2026-01-05,nps,9\n"},
        {"surveys": numbered + "r1,u1,2026-01-05,nps,10\nr3,u1,2026-01-05,nps,7\n"},
    )  # fmt: skip
    assert version.manifest["replaced"] == {"surveys": 1}
    assert rows(version, "surveys", "response_id", "score") == [("r1", 10.0), ("r2", 9.0), ("r3", 7.0)]
    plain = "customer_id,answered_at,survey_type,score\n"
    version = added(
        workspace, tmp_path,
        {"surveys": plain + "u1,2026-01-05,nps,3\nu2,2026-01-05,nps,9\n,2026-01-05,nps,1\n"},
        {"surveys": plain + "u1,2026-01-05,nps,10\nu1,2026-01-06,nps,7\n,2026-01-05,nps,1\n"},
    )  # fmt: skip
    # nobody knows whose the answers without a customer are: both count
    assert version.manifest["replaced"] == {"surveys": 1}
    assert sorted(score for (score,) in rows(version, "surveys", "score")) == [1.0, 1.0, 7.0, 9.0, 10.0]


def test_customers_costs_and_changes_are_replaced_by_their_keys(workspace: Workspace, tmp_path: Path) -> None:
    spend = "period_start,period_end,channel,cost,currency\n"
    version = added(
        workspace, tmp_path,
        {
            "customers": "customer_id,persona\nu1,Saver\nu2,Family\n",
            "spend": spend + "2026-01-01,2026-02-01,web,100,EUR\n2026-01-01,2026-02-01,email,10,EUR\n",
            "changes": "changed_at,title\n2026-01-05,New shop\n",
        },
        {
            "customers": "customer_id,persona\nu1,Family\nu3,Saver\n",
            "spend": spend + "2026-01-01,2026-02-01,web,150,EUR\n2026-02-01,2026-03-01,web,90,EUR\n",
            "changes": "changed_at,title\n2026-01-05,New shop\n2026-01-09,Sale\n",
        },
    )  # fmt: skip
    assert version.manifest["replaced"] == {"customers": 1, "spend": 1, "changes": 1}
    assert rows(version, "customers", "customer_id", "persona") == [("u1", "Family"), ("u2", "Family"), ("u3", "Saver")]
    assert rows(version, "spend", "channel", "cost") == [("email", 10.0), ("web", 150.0), ("web", 90.0)]
    assert [title for (title,) in rows(version, "changes", "title")] == ["New shop", "Sale"]


def test_a_numbered_file_is_known_by_its_numbers(workspace: Workspace, tmp_path: Path) -> None:
    head = "customer_id,sequence,touchpoint,note\n"
    version = added(
        workspace,
        tmp_path,
        {"touchpoints": head + "u1,1,A,x\nu1,2,A,x\n"},
        {"touchpoints": head + "u1,2,A,y\nu1,3,A,y\n"},
    )
    assert version.manifest["replaced"] == {"touchpoints": 1}
    assert [note for (note,) in rows(version, "touchpoints", "note")] == ["x", "y", "y"]


@pytest.mark.parametrize("seed", range(3))
def test_many_uploads_agree_with_plain_python(workspace: Workspace, tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    uploads: list[list[tuple[str, str, str, str]]] = [
        [
            (f"u{draw.randrange(4)}", f"2026-01-0{1 + draw.randrange(3)}", draw.choice("AB"), draw.choice("xyz"))
            for _ in range(draw.randrange(1, 14))
        ]
        for _ in range(4)
    ]  # fmt: skip
    texts = [
        "customer_id,occurred_at,touchpoint,note\n" + "".join(",".join(row) + "\n" for row in rows_)
        for rows_ in uploads
    ]
    version = added(workspace, tmp_path, *({"touchpoints": text} for text in texts))
    newest = {row[:3]: n for n, rows_ in enumerate(uploads) for row in rows_}
    kept = [row for n, rows_ in enumerate(uploads) for row in rows_ if newest[row[:3]] == n]
    found = Counter(
        (who, name, note) for who, name, note in rows(version, "touchpoints", "customer_id", "touchpoint", "note")
    )
    once = {
        (n, row) for n, rows_ in enumerate(uploads) for row in rows_ if newest[row[:3]] == n
    }  # equal in all: a duplicate
    assert found == Counter((who, name, note) for _n, (who, _at, name, note) in once)
    assert version.manifest["replaced"]["touchpoints"] == sum(map(len, uploads)) - len(kept)
