"""What several servers, a damaged file and a stranger's eyes find: datasets stay whole, visible, and to themselves."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from cx_metrics import importing
from cx_metrics.importing import ImportFile, Plan
from cx_metrics.workspace import Workspace
from tests.browser.conftest import Server, Visit, start_server, visit

PAGES = ("", "flow", "drop-off", "stages", "touchpoint", "channels", "personas", "voice", "data", "definitions")
CANARIES = [f"canary{n:02}-{7919 * (n + 3):x}@example.com" for n in range(50)]


@pytest.fixture
def tab(browser: Browser, server: Server) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    yield visit(context, server)
    context.close()


def journeys(folder: Path, customers: int, name: str = "touchpoints.csv") -> Path:
    lines = [
        f"u{i},2026-01-{1 + i % 28:02} 09:00:00,{step}\n" for i in range(customers) for step in ("Visit", "Purchase")
    ]
    path = folder / name
    path.write_text("customer_id,occurred_at,touchpoint\n" + "".join(lines))
    return path


def upload(tab: Visit, path: Path) -> Visit:
    tab.page.set_input_files("input[type=file]", str(path))
    tab.page.get_by_role("button", name="Discard", exact=True).wait_for(timeout=60_000)
    return tab.settle()


def test_two_servers_over_one_workspace(browser: Browser, tmp_path: Path) -> None:
    """Import on one, view on the other; the one that is viewed dies, and the other serves on."""
    root = tmp_path / "workspace"
    first = start_server(root, tmp_path / "first", "--no-sample")
    second = start_server(root, tmp_path / "second", "--no-sample")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    try:
        on_first = visit(context, first)
        on_first.page.goto(f"{first.url}/data?lang=en")
        on_first.settle()
        upload(on_first, journeys(tmp_path, 300)).page.get_by_role("button", name="Import", exact=True).click()
        on_first.page.get_by_role("heading", name="All 600 rows of your files are loaded").wait_for(timeout=90_000)
        (info,) = Workspace(root).datasets()
        on_second = visit(context, second)
        on_second.page.goto(f"{second.url}/flow?ds={info.id}&lang=en")
        assert "300 journeys" in on_second.settle().text
        second.process.kill()
        second.process.wait()
        on_second.page.goto(f"{first.url}/flow?ds={info.id}&lang=en")
        assert "300 journeys" in on_second.settle().text
    finally:
        context.close()
        for running in (first, second):
            if running.process.poll() is None:
                running.stop()


def test_a_damaged_version_is_named_and_the_one_before_it_opens(tab: Visit, server: Server, tmp_path: Path) -> None:
    workspace = Workspace(server.workspace)
    dataset = workspace.create("Rotten")
    path = journeys(tmp_path, 40)
    importing.import_version(workspace, dataset, Plan((ImportFile(path, path.name),)))
    second = importing.import_version(workspace, dataset, Plan((ImportFile(path, path.name),)))
    second.path.chmod(0o644)
    content = bytearray(second.path.read_bytes())
    content[len(content) // 2] ^= 1
    second.path.write_bytes(content)
    tab.open(f"/flow?ds={dataset}&lang=en")
    assert "Version 2 of this dataset is damaged on disk" in tab.text and "40 journeys" not in tab.text
    tab.page.get_by_role("button", name=re.compile("Open version .*1")).click()
    assert "40 journeys" in tab.settle().text
    workspace.delete(dataset)


def test_more_files_undo_and_an_erasure(tab: Visit, server: Server, tmp_path: Path) -> None:
    workspace = Workspace(server.workspace)
    dataset = workspace.create("Growing")
    path = journeys(tmp_path, 40)
    importing.import_version(workspace, dataset, Plan((ImportFile(path, path.name),)))
    tab.open(f"/data?ds={dataset}&lang=en")
    later = tmp_path / "later.csv"
    later.write_text(
        "customer_id,occurred_at,touchpoint\nu1,2026-01-02 09:00:00,Visit\nnewcomer-77,2026-02-01 09:00:00,Visit\n"
    )
    upload(tab, later)
    tab.page.get_by_text("More of", exact=False).click()
    tab.settle().page.get_by_role("button", name="Import", exact=True).click()
    tab.page.get_by_text("Version 2: 81 touchpoints", exact=False).wait_for(timeout=90_000)
    assert "1 row of an earlier upload was replaced by a newer one" in tab.settle().text
    tab.page.get_by_role("button", name="Let it count for everybody").click()
    tab.page.get_by_text("Version 1: 80 touchpoints", exact=False).wait_for(timeout=30_000)
    tab.settle().page.get_by_role("button", name="Let it count for everybody").click()
    tab.page.get_by_text("Version 2: 81 touchpoints", exact=False).wait_for(timeout=30_000)
    tab.settle().page.get_by_role("button", name="Erase a customer").click()
    tab.page.get_by_label("Customer id, as it stands in the files").fill("newcomer-77")
    tab.page.get_by_role("button", name="Erase for good").click()
    tab.page.get_by_text("Version 2: 80 touchpoints", exact=False).wait_for(timeout=60_000)
    assert "row was erased on request" in tab.settle().text or "rows were erased on request" in tab.text
    assert b"newcomer-77" not in b"".join(
        p.read_bytes() for p in (server.workspace / "datasets" / dataset).rglob("*") if p.is_file()
    )
    workspace.delete(dataset)


def test_a_saved_mapping_is_loaded_for_a_file_that_is_not_recognised(
    tab: Visit, server: Server, tmp_path: Path
) -> None:
    path, saved = tmp_path / "odd.csv", tmp_path / "saved.yaml"
    path.write_text("k1,k2,k3\n" + "".join(f"u{n},2026-01-0{1 + n % 9},buy\n" for n in range(30)))
    tab.open("/data?lang=en")
    upload(tab, path)
    tab.page.get_by_text("Use a saved mapping").click()
    begin = "touchline_mapping: 1\ntable: touchpoints\ncolumns:\n  customer_id: k1\n  occurred_at: k2\n"
    saved.write_text(begin + "  touchpoint: k4\n")
    tab.settle().page.locator("input[type=file]").nth(1).set_input_files(str(saved))
    tab.page.get_by_text("odd.csv has no column", exact=False).wait_for(timeout=30_000)
    saved.write_text(begin + "  touchpoint: k3\ntouchpoints:\n  buy:\n    touchpoint: Purchase\n    stage: action\n")
    saved = saved.rename(tmp_path / "better.yaml")  # the same file once more would be no change
    tab.settle().page.locator("input[type=file]").nth(1).set_input_files(str(saved))
    tab.page.get_by_text("It is read as the saved mapping says.").wait_for(timeout=30_000)
    tab.settle().page.get_by_role("button", name="Import", exact=True).click()
    tab.page.get_by_role("heading", name="All 30 rows of your files are loaded").wait_for(timeout=90_000)
    workspace = Workspace(server.workspace)
    (info,) = [found for found in workspace.datasets() if found.title == "odd"]
    assert workspace.current(info.id).facts.goal == ("Purchase",)
    workspace.delete(info.id)


def test_health_names_nobody(server: Server) -> None:
    with urllib.request.urlopen(f"{server.url}/healthz", timeout=10) as answer:
        found = json.loads(answer.read())
    assert answer.status == 200 and found["ok"] is True
    assert set(found) == {"ok", "free_mb", "imports_running", "imports_waiting"}


def test_no_personal_data_in_logs_urls_and_error_pages(browser: Browser, tmp_path: Path) -> None:
    """Fifty canaries as ids, in comments and in rows that are no rows: none in what the server writes down or puts into URLs."""
    running = start_server(tmp_path / "workspace", tmp_path / "log", "--no-sample")
    workspace = Workspace(tmp_path / "workspace")
    touchpoints = [
        f"{who},2026-01-0{1 + n % 9} 09:00:00,{'Visit' if n % 2 else 'Call'}" for n, who in enumerate(CANARIES)
    ]
    broken = [f"{CANARIES[0]},not a time,Visit", f"{CANARIES[1]},2026-01-01,Visit,one cell too many"]
    surveys = [f"{who},2026-01-05,nps,{n % 11},please write to {who}" for n, who in enumerate(CANARIES)]
    files = []
    for name, head, rows in (
        ("touchpoints", "customer_id,occurred_at,touchpoint", touchpoints + broken),
        ("surveys", "customer_id,answered_at,survey_type,score,comment", surveys),
    ):
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join([head, *rows]), encoding="utf-8")
        files.append(ImportFile(path, path.name))
    dataset = workspace.create("Canaries")
    job = importing.start(workspace, dataset, Plan(tuple(replace_paths(workspace, dataset, files))))
    assert importing.wait(workspace, job, 60).state == "done"
    failing = importing.start(workspace, dataset, Plan((ImportFile(tmp_path / f"{CANARIES[3]}.csv", "gone.csv"),)))
    assert importing.wait(workspace, failing, 60).state == "failed"
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    addresses: list[str] = []
    try:
        tab = visit(context, running)
        tab.page.on("request", lambda request: addresses.append(request.url))
        for page in PAGES:
            tab.page.goto(f"{running.url}/{page}?ds={dataset}&lang=en")
            tab.settle()
            addresses.append(tab.page.url)
            assert "Traceback" not in tab.text
        said = "\n".join(addresses)
        tab.page.goto(
            f"{running.url}/flow?ds={dataset}&lang=en&v=999&from=nonsense&persona={CANARIES[4]}"
        )  # a link that is wrong
        tab.settle()
        assert CANARIES[4] not in tab.page.title()
    finally:
        context.close()
        running.stop()
    logs = running.log.read_text(errors="replace") + "".join(
        p.read_text() for p in (tmp_path / "workspace" / "jobs").rglob("log")
    )
    assert [canary for canary in CANARIES if canary in logs + said] == []
    assert '"event": "imported"' in logs and '"event": "job_ended"' in logs  # something was written down


def replace_paths(workspace: Workspace, dataset: str, files: list[ImportFile]) -> list[ImportFile]:
    """The files as the page hands them over: uploaded, and adopted by the dataset."""
    found = []
    for file in files:
        token = workspace.receive(file.name, [file.path.read_bytes()]).token
        found.append(ImportFile(workspace.adopt(dataset, token), file.name))
    return found
