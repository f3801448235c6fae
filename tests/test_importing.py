"""From files to a dataset version: in a child process, whole or not at all, with nothing lost in silence."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import cx_metrics as cx
from cx_metrics import importing
from cx_metrics.engines import Store, open_store
from cx_metrics.errors import FileProblem, MappingProblem, WorkspaceProblem
from cx_metrics.importing import ImportFile, Plan, Progress
from cx_metrics.plans import plan_from_dict, plan_to_dict
from cx_metrics.reading import NameMapping
from cx_metrics.view import Facts, View
from cx_metrics.workspace import Version, Workspace, jobs

TOUCHPOINTS = """customer_id,occurred_at,touchpoint,channel
u1,2026-01-05 09:00:00,Website,web
u1,2026-01-05 09:05:00,Purchase,web
u2,2026-01-05 10:00:00,Website,app
"""
SURVEYS = """customer_id,answered_at,survey_type,score,touchpoint
u1,2026-01-06 09:00:00,nps,10,Purchase
u2,2026-01-06 09:00:00,nps,3,Website
"""
CUSTOMERS = "customer_id,persona,plan\nu1,Saver,gold\nu2,Family,silver\n"
PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


def plan(
    folder: Path, names: Sequence[NameMapping] = (), goal: tuple[str, ...] | None = None, **files: str | bytes
) -> Plan:
    """A plan to import files of this content, each called as its keyword says."""
    written = []
    for name, content in files.items():
        path = folder / f"{name}.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        written.append(ImportFile(path, path.name))
    return Plan(tuple(written), {n.raw_touchpoint: n for n in names}, goal=goal)


def loaded(asked: Plan) -> Store:
    return importing.load(asked)[0]


def rows(store: Store, table: str, *columns: str) -> list[tuple[Any, ...]]:
    frame = store.fetch(store.tables[table].select(*columns))
    return list(frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None))


def order(store: Store) -> list[str]:
    """The touchpoints of all customers, customer by customer, in the order of their journeys."""
    return [name for _c, _s, name in sorted(rows(store, "touchpoints", "customer_id", "step", "touchpoint"))]


def leftovers(workspace: Workspace) -> list[str]:
    return [path.name for path in (*(workspace.root / "parts").iterdir(), *workspace.root.rglob("*.part"))]


# The child process


def test_files_become_a_version_in_a_child_process(workspace: Workspace, tmp_path: Path) -> None:
    dataset = workspace.create("shop")
    asked = plan(tmp_path, touchpoints=TOUCHPOINTS, surveys=SURVEYS, customers=CUSTOMERS)
    job = importing.start(workspace, dataset, asked)
    assert jobs.look(workspace, job).state in (
        "waiting",
        "running",
    )  # not failed, although it has said nothing yet
    ended = importing.wait(workspace, job, 60)
    # 3 touchpoints + 2 answers + 2 customers
    assert replace(ended, seconds=0) == Progress("done", "Done", rows=7, share=1.0, version=1, dataset=dataset)
    again = Workspace(workspace.root)  # another server, another day
    assert replace(jobs.look(again, job), seconds=0) == replace(ended, seconds=0)
    version = again.current(dataset)
    again.verify(version)
    assert version.manifest["rows"] == {"touchpoints": 3, "surveys": 2, "customers": 2}
    assert [(r["file"], r["rows"], r["loaded"]) for r in version.manifest["reports"]] == [
        ("touchpoints.csv", 3, 3), ("surveys.csv", 2, 2), ("customers.csv", 2, 2)
    ]  # fmt: skip
    store = open_store(version.path, version.facts)
    frame = cx.run("nps", store, by=["persona"]).frame
    assert dict(zip(frame["persona"], frame["nps"], strict=True)) == {"Saver": 100, "Family": -100}
    assert leftovers(workspace) == []


def test_a_picture_called_csv_ends_failed_in_words(workspace: Workspace, tmp_path: Path) -> None:
    dataset = workspace.create("shop")
    job = importing.start(workspace, dataset, plan(tmp_path, touchpoints=PICTURE))
    ended = importing.wait(workspace, job, 60)
    with pytest.raises(FileProblem) as expected:
        loaded(plan(tmp_path, touchpoints=PICTURE))
    assert (ended.state, str(ended.error), ended.version) == ("failed", str(expected.value), 0)
    assert "touchpoints.csv" in str(ended.error)
    assert workspace.versions(dataset) == [] and leftovers(workspace) == []


def test_a_killed_import_leaves_no_version_and_is_said_to_have_failed(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"u{i},2026-01-05 09:00:00,Website,web\n" for i in range(400_000)]
    asked = plan(tmp_path, touchpoints="customer_id,occurred_at,touchpoint,channel\n" + "".join(lines))
    children: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def caught(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        children.append(popen(*arguments, **options))
        return children[-1]

    monkeypatch.setattr(subprocess, "Popen", caught)
    dataset = workspace.create("shop")
    job = importing.start(workspace, dataset, asked)
    until = time.monotonic() + 60
    while not jobs.look(workspace, job).rows and time.monotonic() < until:
        time.sleep(0.005)
    assert os.getpriority(os.PRIO_PROCESS, children[0].pid) >= 10  # pages come first
    os.kill(children[0].pid, signal.SIGKILL)
    assert children[0].wait() == -signal.SIGKILL  # it was still at work
    assert workspace.versions(dataset) == [] and workspace.datasets() == []
    ended = importing.wait(workspace, job, 5)
    assert ended.state == "failed" and job[:8] in str(ended.error) and "memory" in str(ended.error)
    until = time.monotonic() + 10
    while leftovers(workspace) and time.monotonic() < until:  # swept as soon as its end is known
        time.sleep(0.05)
    assert leftovers(workspace) == []


def in_this_process(
    workspace: Workspace, dataset: str, asked: Plan, monkeypatch: pytest.MonkeyPatch
) -> tuple[int, str]:
    """The same as `start`, without the second a child process takes: its exit status and its job."""
    monkeypatch.setattr(jobs, "_begin", lambda _workspace, _job, log: log.close())
    monkeypatch.setattr(importing, "step_back", lambda: None)
    monkeypatch.setattr(importing, "limit_this_process", lambda *_limits: None)
    job = importing.start(workspace, dataset, asked)
    return importing.main([str(workspace.root), job]), job


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("when,touchpoint\n2026-01-05,Website\n", r"no column was found for customer_id.*\"when\", \"touchpoint\""),
        ("", "is empty"),
        ("customer_id,occurred_at,touchpoint\n", "header but no rows"),
        ("<!doctype html><html><body>Please log in</body></html>", "bad.csv"),
    ],
    ids=["no customer", "0 bytes", "header only", "a login page"],
)
def test_a_file_that_cannot_be_read_fails_with_the_text_of_the_family_and_keeps_earlier_versions(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, said: str
) -> None:
    dataset = workspace.create("shop")
    importing.import_version(workspace, dataset, plan(tmp_path, touchpoints=TOUCHPOINTS))
    status, job = in_this_process(workspace, dataset, plan(tmp_path, touchpoints=TOUCHPOINTS, bad=content), monkeypatch)
    ended = jobs.look(workspace, job)
    assert (status, ended.state) == (2, "failed")
    assert ended.error is not None and re.search(said, str(ended.error))
    assert [v.number for v in workspace.versions(dataset)] == [1] and leftovers(workspace) == []


def test_a_fault_of_ours_names_the_job_and_not_the_data(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(part: Path, *_: object, **_more: object) -> None:
        part.write_bytes(b"half a store")
        part.with_name(f"{part.name}.wal").write_bytes(b"its log")
        raise RuntimeError("canary@example.com")

    monkeypatch.setattr(importing, "build", broken)
    status, job = in_this_process(
        workspace, workspace.create("shop"), plan(tmp_path, touchpoints=TOUCHPOINTS), monkeypatch
    )
    ended = jobs.look(workspace, job)
    assert (status, ended.state) == (1, "failed")
    assert job[:8] in str(ended.error) and "canary" not in str(ended.error)
    log = capfd.readouterr().err  # which is the job's log
    assert "RuntimeError" in log and "test_importing.py" in log and "canary" not in log
    assert leftovers(workspace) == []


def test_a_job_nobody_started_is_a_workspace_problem(workspace: Workspace) -> None:
    for job in ("0" * 32, "../../etc", ""):
        with pytest.raises(WorkspaceProblem):
            jobs.look(workspace, job)


def test_progress_never_goes_back(workspace: Workspace, tmp_path: Path) -> None:
    told: list[Progress] = []
    importing.import_version(workspace, workspace.create("shop"), plan(tmp_path, touchpoints=TOUCHPOINTS), told.append)
    shares, counts = [p.share for p in told], [p.rows for p in told]
    assert (shares, counts) == (sorted(shares), sorted(counts))
    assert 0 <= shares[0] < shares[-1] < 1 and {p.state for p in told} == {"running"}


# For a notebook


def test_a_notebook_opens_files_by_path_and_gets_a_dataset(tmp_path: Path) -> None:
    plan(tmp_path, touchpoints=TOUCHPOINTS, surveys=SURVEYS)
    store = cx.open_files(touchpoints=str(tmp_path / "touchpoints.csv"), surveys=[tmp_path / "surveys.csv"])
    assert store.facts.tables == ("customers", "surveys", "touchpoints")
    assert cx.people(store) == {"customers": 2, "journeys": 2, "touchpoints": 3, "begun_earlier": 0,
                                "responses": 2, "answers": 2}  # fmt: skip


def test_a_file_that_is_not_there_is_a_file_problem(tmp_path: Path) -> None:
    with pytest.raises(FileProblem, match=r"missing\.csv"):
        cx.open_files(touchpoints=tmp_path / "missing.csv")


def test_nothing_to_import_says_what_to_choose() -> None:
    with pytest.raises(MappingProblem, match="Choose at least one file"):
        importing.load(Plan(()))


def test_a_plan_is_the_same_after_it_was_kept(tmp_path: Path) -> None:
    asked = plan(tmp_path, [NameMapping("Website", "Site", stage="decision")], ("Purchase",), touchpoints=TOUCHPOINTS)
    asked = replace(asked, stages=("start", "end"), zone="Asia/Tehran")
    assert plan_from_dict(plan_to_dict(asked, tmp_path), tmp_path) == asked


def test_every_row_is_loaded_or_set_aside(tmp_path: Path) -> None:
    broken = TOUCHPOINTS + "u3,not a time,Website,web\n,2026-01-05 09:00:00,Website,web\nu4,2026-01-05 09:00:00,,web\n"
    store, (report,) = importing.load(plan(tmp_path, touchpoints=broken))
    assert (report.rows, report.loaded, report.set_aside) == (6, 3, 3)
    assert sorted(problem.row for reason in report.reasons for problem in reason.rows) == [5, 6, 7]
    assert len(rows(store, "touchpoints", "customer_id")) == 3


# Names and goals


def test_a_corrected_name_stage_and_channel_make_the_next_version(workspace: Workspace, tmp_path: Path) -> None:
    dataset = workspace.create("shop")
    first = importing.import_version(workspace, dataset, plan(tmp_path, touchpoints=TOUCHPOINTS))
    asked = importing.plan_of(workspace, first)
    names = {"Website": NameMapping("Website", "Shop pages", channel="online", stage="decision")}
    second = importing.import_version(workspace, dataset, replace(asked, names=names, goal=("Shop pages",)))
    assert [v.number for v in workspace.versions(dataset)] == [1, 2]

    def axes(version: Version) -> set[tuple[Any, ...]]:
        store = open_store(version.path, version.facts)
        return set(rows(store, "touchpoints", "raw_touchpoint", "touchpoint", "channel", "stage"))

    assert axes(second) == {("Website", "Shop pages", "online", "decision"), ("Purchase", "Purchase", "web", "action")}
    assert {name for _raw, name, _channel, _stage in axes(first)} == {"Website", "Purchase"}  # a version never changes
    assert (first.facts.goal, second.facts.goal) == (("Purchase",), ("Shop pages",))


def test_a_goal_is_proposed_from_the_names_unless_one_is_set(tmp_path: Path) -> None:
    assert loaded(plan(tmp_path, touchpoints=TOUCHPOINTS)).facts.goal == ("Purchase",)
    assert loaded(plan(tmp_path, touchpoints=TOUCHPOINTS, goal=("Website",))).facts.goal == ("Website",)
    assert loaded(plan(tmp_path, touchpoints=TOUCHPOINTS, goal=())).facts.goal == ()  # none is an answer too
    assert loaded(plan(tmp_path, touchpoints=TOUCHPOINTS.replace("Purchase", "Zzyzx"))).facts.goal == ()


def test_stages_of_the_users_own_have_the_order_of_the_plan(tmp_path: Path) -> None:
    text = "customer_id,occurred_at,touchpoint,stage\nu1,2026-01-05,A,late\nu1,2026-01-06,B,early\n"
    store = loaded(replace(plan(tmp_path, touchpoints=text), stages=("early", "late")))
    assert sorted(rows(store, "touchpoints", "touchpoint", "stage_rank")) == [("A", 2), ("B", 1)]


# Several files


def test_two_touchpoint_files_follow_each_other(tmp_path: Path) -> None:
    # All at one instant: only the order of arrival says which came first.
    first = "customer_id,occurred_at,touchpoint\n" + "".join(f"u1,2026-01-05,{n}\n" for n in "CA")
    second = "customer_id,occurred_at,touchpoint,agent\n" + "".join(f"u1,2026-01-05,{n},Eve\n" for n in "DB")
    store = loaded(plan(tmp_path, a=first, b=second))
    assert order(store) == ["C", "A", "D", "B"]
    assert set(rows(store, "touchpoints", "touchpoint", "agent")) == {
        ("C", None),
        ("A", None),
        ("D", "Eve"),
        ("B", "Eve"),
    }
    assert order(loaded(plan(tmp_path, b=second, a=first))) == ["D", "B", "C", "A"]


def test_files_with_different_columns_keep_each_value_in_its_own(tmp_path: Path) -> None:
    first = "customer_id,occurred_at,touchpoint,value,store\nu1,2026-01-05,Purchase,5,North\n"
    second = "touchpoint,agent,customer_id,occurred_at\nCall,Eve,u2,2026-01-06\n"
    third = "customer_id,occurred_at,touchpoint,channel\nu3,2026-01-07,Website,web\n"
    store = loaded(plan(tmp_path, a=first, b=second, c=third))
    assert sorted(rows(store, "touchpoints", "customer_id", "touchpoint", "value", "store", "agent")) == [
        ("u1", "Purchase", 5.0, "North", None), ("u2", "Call", None, None, "Eve"), ("u3", "Website", None, None, None)
    ]  # fmt: skip


def test_exact_duplicates_are_removed_once_and_counted(workspace: Workspace, tmp_path: Path) -> None:
    twice = TOUCHPOINTS + "u2,2026-01-05 10:00:00,Website,app\n" * 2 + "u2,2026-01-05 10:00:00,Website,web\n"
    asked = plan(
        tmp_path, a=twice, b="customer_id,occurred_at,touchpoint,channel\nu1,2026-01-05 09:00:00,Website,web\n"
    )
    version = importing.import_version(workspace, workspace.create("shop"), asked)
    # u2's row stands three times (2 too many), u1's first row in both files (1); on another channel it is another contact
    assert (version.manifest["duplicates"], version.manifest["rows"]["touchpoints"]) == (3, 4)
    assert sum(report["loaded"] for report in version.manifest["reports"]) == 7


def test_attributes_of_customers_stand_beside_touchpoints_and_answers(tmp_path: Path) -> None:
    store = loaded(plan(tmp_path, touchpoints=TOUCHPOINTS, surveys=SURVEYS, customers=CUSTOMERS + "u3,Saver,gold\n"))
    assert set(rows(store, "touchpoints", "customer_id", "persona", "plan")) == {
        ("u1", "Saver", "gold"),
        ("u2", "Family", "silver"),
    }
    assert set(rows(store, "surveys", "customer_id", "persona", "plan")) == {
        ("u1", "Saver", "gold"),
        ("u2", "Family", "silver"),
    }
    assert store.facts.attributes == ("persona", "plan")
    assert len(rows(store, "customers", "customer_id")) == 3  # also who never touched anything


def test_a_persona_in_touchpoint_rows_only_belongs_to_the_customer(workspace: Workspace, tmp_path: Path) -> None:
    text = (
        "customer_id,occurred_at,touchpoint,persona\n"
        "u1,2026-01-05,A,Saver\nu1,2026-01-06,B,Family\nu1,2026-01-07,C,Family\nu2,2026-01-05,A,\nu3,2026-01-05,A,Saver\n"
    )
    asked = plan(tmp_path, touchpoints=text, surveys=SURVEYS)
    version = importing.import_version(workspace, workspace.create("shop"), asked)
    store = open_store(version.path, version.facts)
    # u1 is Family twice and Saver once: the most frequent one counts, on every row, and the conflict is counted
    assert sorted(rows(store, "customers", "customer_id", "persona"), key=str) == [
        ("u1", "Family"),
        ("u2", None),
        ("u3", "Saver"),
    ]
    assert set(rows(store, "touchpoints", "customer_id", "persona")) == {
        ("u1", "Family"),
        ("u2", None),
        ("u3", "Saver"),
    }
    assert set(rows(store, "surveys", "customer_id", "persona")) == {("u1", "Family"), ("u2", None)}
    assert version.manifest["conflicts"] == 1


def test_attributes_that_differ_only_in_case_are_one(tmp_path: Path) -> None:
    first = "customer_id,occurred_at,touchpoint,Shop\nu1,2026-01-05,A,North\n"
    second = "customer_id,occurred_at,touchpoint,SHOP,Plan\nu2,2026-01-05,B,South,?\n"
    store = loaded(plan(tmp_path, a=first, b=second, customers=CUSTOMERS))
    assert sorted(rows(store, "touchpoints", "customer_id", "Shop", "plan")) == [
        ("u1", "North", "gold"),
        ("u2", "South", "silver"),
    ]
    names = [name.casefold() for name in store.tables["touchpoints"].columns]
    assert len(names) == len(set(names)) and not [name for name in names if name.endswith("_1")]
    assert cx.people(store, View().with_values("plan", ("gold",)))["customers"] == 1


def test_times_and_days_lie_in_the_zone_of_the_plan_unless_the_file_says_otherwise(tmp_path: Path) -> None:
    text = "customer_id,occurred_at,touchpoint\nu1,2026-01-05T22:00:00,local\nu1,2026-01-05T22:00:00Z,utc\n"
    store = loaded(replace(plan(tmp_path, touchpoints=text), zone="Asia/Tehran"))  # UTC+3:30
    found = {
        name: (str(at), str(day)[:10])
        for name, at, day in rows(store, "touchpoints", "touchpoint", "occurred_at", "day")
    }
    assert found == {"local": ("2026-01-05 18:30:00", "2026-01-05"), "utc": ("2026-01-05 22:00:00", "2026-01-06")}
    assert [str(day) for day in (store.facts.first_day, store.facts.last_day)] == ["2026-01-05", "2026-01-06"]


def test_surveys_alone_are_a_dataset(tmp_path: Path) -> None:
    store = loaded(plan(tmp_path, surveys=SURVEYS))
    assert store.facts.tables == ("customers", "surveys") and store.facts.goal == ()
    assert Facts().stages == store.facts.stages
    assert cx.people(store) == {"responses": 2, "answers": 2}


# The sample


def test_the_sample_is_imported_once(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    folder.mkdir()
    plan(folder, touchpoints=TOUCHPOINTS, surveys=SURVEYS)
    (folder / "README.md").write_text("no table")
    dataset = importing.import_sample(workspace, folder, "Sample")
    assert importing.import_sample(workspace, folder, "Sample") == dataset
    (info,) = workspace.datasets()
    assert (info.id, info.title, info.is_sample, info.version) == (dataset, "Sample", True, 1)
