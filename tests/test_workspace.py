"""What is kept survives a crash, is never half there, and has a name that no user chose."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path

import duckdb
import ibis
import pyarrow as pa
import pytest

from cx_metrics.engines import Store, build, duckdb_store, open_store
from cx_metrics.engines.incoming import Incoming
from cx_metrics.errors import OptionProblem, ViewProblem, WorkspaceProblem
from cx_metrics.tables import TOUCHPOINTS
from cx_metrics.view import Facts
from cx_metrics.workspace import Version, Workspace, facts_from_dict, facts_to_dict, saved, store
from cx_metrics.workspace import views as kept_views
from cx_metrics.workspace.ids import new_id
from cx_metrics.workspace.store import STORE

ROOT = Path(__file__).parents[1]
HOSTILE = [
    "../../outside/evil.csv", "/etc/passwd", "..", ".", "", "a/b\\c", "C:\\evil.csv", "nul\0byte", "line\nbreak", "x" * 5_000,
    "\u202egnp.exe", "![](http://x)", "<script>", "$(touch evil)", "; rm -rf .", "تجربة", "~root", "%2e%2e%2f", "half \udcff",
]  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "workspace")


def published(workspace: Workspace, dataset: str, content: bytes = b"a store") -> Version:
    """A version whose file holds any bytes: publishing does not look into it."""
    with workspace.building() as part:
        (part / STORE).write_bytes(content)
        return workspace.publish(dataset, part, {"facts": facts_to_dict(Facts()), "plan": {"files": []}})


def opened(workspace: Workspace, customers: int = 3) -> tuple[Version, Store]:
    """A real version of one touchpoint for each customer, opened for serving."""
    rows = [
        {"customer_id": f"u{i}", "sequence": i, "touchpoint": "Website", "raw_touchpoint": "Website"}
        for i in range(customers)
    ]
    batch = pa.RecordBatch.from_pylist(rows, TOUCHPOINTS.schema)
    dataset = workspace.create("shop")
    with workspace.building() as part:
        (part / "spill").mkdir()
        incoming = {"touchpoints": Incoming(TOUCHPOINTS.schema, [batch])}
        built = build(part / STORE, incoming, Facts(), lambda *_: None, part / "spill")
        manifest = {"facts": facts_to_dict(built.facts), "rows": built.rows, "plan": {"files": []}}
        version = workspace.publish(dataset, part, manifest)
    return version, open_store(version.path, version.facts)


def tree(folder: Path, without: Path | None = None) -> dict[str, bytes | None]:
    """Every file under a folder with its bytes; of the catalog the log counts, which every change goes to first."""
    return {
        str(path): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
        if (without is None or not path.is_relative_to(without)) and path.name != "catalog.sqlite-shm"
    }


# Names and ids


def test_ids_are_128_random_bits(workspace: Workspace) -> None:
    # 64 ids: a bit that is drawn fairly stays the same in all of them once in 2^63 runs.
    ids = [new_id() for _ in range(60)] + [workspace.create("same title") for _ in range(4)]
    assert all(re.fullmatch("[0-9a-f]{32}", i) for i in ids)
    numbers = [int(i, 16) for i in ids]
    always_set, ever_set = numbers[0], 0
    for number in numbers:
        always_set, ever_set = always_set & number, ever_set | number
    assert (always_set, ever_set) == (0, 2**128 - 1)


def test_hostile_titles_and_file_names_never_become_paths(workspace: Workspace, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "evil.csv").write_text("untouched")
    before = tree(tmp_path, without=workspace.root)
    for name in HOSTILE:
        dataset = workspace.create(name)
        source = workspace.receive(name, [b"bytes"])
        workspace.adopt(dataset, source.token)
        published(workspace, dataset)
        assert source.name == name
    assert tree(tmp_path, without=workspace.root) == before
    shapes = re.compile(
        r"(datasets|uploads|jobs|segments|views|mappings|protected|parts|workspace\.json|catalog\.(lock|sqlite(-wal|-shm)?))"
        r"|datasets/[0-9a-f]{32}(/(versions|sources|sources/[0-9a-f]{32}"
        r"|versions/\d{6}-[0-9a-f]{8}(/(store\.duckdb|manifest\.json))?))?"
    )
    names = [str(path.relative_to(workspace.root)) for path in workspace.root.rglob("*")]
    assert [name for name in names if not shapes.fullmatch(name)] == []
    shown = [name.replace("\0", "\ufffd").replace("\udcff", "?") for name in HOSTILE]  # what no database can hold
    assert {info.title for info in workspace.datasets()} == set(shown)


@pytest.mark.parametrize("token", [*HOSTILE, "0" * 31, "0" * 33, "G" * 32, "0" * 32 + "\n", "٠" * 32])
def test_a_token_that_was_never_given_out_reaches_no_file(workspace: Workspace, tmp_path: Path, token: str) -> None:
    dataset = workspace.create("kept")
    published(workspace, dataset)
    before = tree(tmp_path)
    for use in (workspace.delete, workspace.versions, workspace.current, workspace.segments, workspace.views):
        with pytest.raises(WorkspaceProblem):
            use(token)
    with pytest.raises(WorkspaceProblem):
        workspace.adopt(dataset, token)
    with pytest.raises(WorkspaceProblem):
        workspace.adopt(token, "0" * 32)
    assert tree(tmp_path) == before


# Sources


def test_an_upload_is_adopted_once_and_found_there_again(workspace: Workspace) -> None:
    dataset = workspace.create("shop")
    source = workspace.receive("export.csv", [b"one,", b"two"])
    assert (source.size, source.path.read_bytes()) == (7, b"one,two")
    home = workspace.adopt(dataset, source.token)
    assert home.read_bytes() == b"one,two" and not source.path.exists()
    assert workspace.adopt(dataset, source.token) == home
    with pytest.raises(WorkspaceProblem, match="Upload it again"):
        workspace.adopt(dataset, "0" * 32)


def test_an_upload_that_breaks_off_leaves_nothing(workspace: Workspace) -> None:
    def broken() -> object:
        yield b"half of "
        raise ConnectionError

    with pytest.raises(ConnectionError):
        workspace.receive("export.csv", broken())  # type: ignore[arg-type]
    assert list((workspace.root / "uploads").iterdir()) == []


# Versions


def test_versions_count_up_and_the_latest_is_the_highest(workspace: Workspace) -> None:
    dataset = workspace.create("shop")
    with pytest.raises(WorkspaceProblem, match="no finished import"):
        workspace.current(dataset)
    assert workspace.datasets() == []  # a dataset without a version is not offered
    numbers = [published(workspace, dataset, bytes([i])).number for i in range(11)]
    assert numbers == list(range(1, 12))
    assert [v.number for v in workspace.versions(dataset)] == numbers[-5:]  # so many are kept
    assert workspace.current(dataset).path.read_bytes() == bytes([10])
    assert workspace.current(dataset).key == f"{dataset[:8]}.11"
    assert workspace.datasets()[0].version == 11


def test_datasets_are_listed_newest_first_and_the_sample_last(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for title, when in {"old": "2026-01-01", "sample": "2026-01-03", "new": "2026-01-02"}.items():
        monkeypatch.setattr(store, "now", lambda when=when: f"{when}T00:00:00+00:00")
        published(workspace, workspace.create(title, is_sample=title == "sample"))
    assert [info.title for info in workspace.datasets()] == ["new", "old", "sample"]


def test_a_published_file_can_no_longer_be_written(workspace: Workspace) -> None:
    version = published(workspace, workspace.create("shop"))
    assert [path.stat().st_mode & 0o777 for path in (version.path, version.manifest_path)] == [0o444, 0o444]


def test_going_back_and_forth_between_versions(workspace: Workspace) -> None:
    dataset = workspace.create("shop")
    first, second = published(workspace, dataset, b"one"), published(workspace, dataset, b"two")
    assert workspace.current(dataset) == second
    workspace.use(dataset, 1)
    assert workspace.current(dataset) == first and workspace.datasets()[0].version == 1
    third = published(workspace, dataset, b"three")  # an undone version keeps its number
    assert (third.number, workspace.current(dataset)) == (3, third)
    workspace.use(dataset, 2)
    assert workspace.current(dataset) == second
    for gone in (0, 4):
        with pytest.raises(WorkspaceProblem, match=f"no version {gone} "):
            workspace.use(dataset, gone)


def test_the_last_versions_are_kept_and_the_one_that_counts(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_KEEP_VERSIONS", "3")
    dataset = workspace.create("shop")
    for n in range(4):
        published(workspace, dataset, bytes([n]))
    assert [v.number for v in workspace.versions(dataset)] == [2, 3, 4]
    workspace.use(dataset, 2)
    with monkeypatch.context() as patch:  # the one that counts is never the one that goes
        patch.setattr(workspace, "_edit", lambda *_a, **_n: None)
        workspace._keep_the_last(dataset)
    assert workspace.current(dataset).number == 2
    folder = workspace.root / "datasets" / dataset / "versions"
    assert sorted(path.name[:6] for path in folder.iterdir()) == ["000002", "000003", "000004"]


def test_versions_published_at_the_same_time_get_different_numbers(workspace: Workspace) -> None:
    # The number is part of the key of every cache: two versions of one number would show each other's answers.
    dataset = workspace.create("shop")
    numbers: list[int] = []
    content = os.urandom(1_000_000)

    def publish() -> None:
        numbers.append(published(Workspace(workspace.root), dataset, content).number)

    threads = [threading.Thread(target=publish) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == [1, 2, 3, 4, 5, 6]


def test_a_version_of_a_newer_touchline_is_refused_with_both_numbers(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = workspace.create("shop")
    monkeypatch.setattr(store, "FORMAT", 99)
    version = published(workspace, dataset)
    monkeypatch.undo()
    with pytest.raises(WorkspaceProblem, match=rf"format 99, this one reads up to {store.FORMAT}.*Update Touchline"):
        workspace.verify(version)


@pytest.mark.parametrize("damage", ["one bit", "one byte short", "gone", "another version's"])
def test_a_damaged_file_is_named_by_verify(workspace: Workspace, damage: str) -> None:
    dataset = workspace.create("shop")
    published(workspace, dataset, b"an older store")
    version = published(workspace, dataset, b"a store")
    workspace.verify(version)
    version.path.chmod(0o644)
    if damage == "gone":
        version.path.unlink()
    else:
        version.path.write_bytes({"one bit": b"a stord", "one byte short": b"a stor"}.get(damage, b"an older store"))
    with pytest.raises(WorkspaceProblem, match="Version 2 of this dataset is damaged"):
        workspace.verify(version)


def test_facts_are_the_same_after_they_were_kept() -> None:
    facts = Facts(("start", "end"), "Asia/Tehran", ("Purchase",), ("touchpoints",), {"touchpoints": ("a", "b")}, ("a",),
                  False, {"touchpoints": (date(2026, 1, 1), date(2026, 1, 9))})  # fmt: skip
    assert facts_from_dict(facts_to_dict(facts)) == facts


def test_deleting_removes_one_dataset_and_every_byte_of_it(workspace: Workspace) -> None:
    gone, kept = workspace.create("gone"), workspace.create("kept")
    published(workspace, gone, b"canary in the store")
    workspace.adopt(gone, workspace.receive("a.csv", [b"canary in the source"]).token)
    other = published(workspace, kept)
    workspace.delete(gone)
    assert not any(b"canary" in (content or b"") for content in tree(workspace.root).values())
    assert [info.id for info in workspace.datasets()] == [kept] and other.path.exists()
    for use in (workspace.delete, workspace.versions):
        with pytest.raises(WorkspaceProblem, match="no such dataset"):
            use(gone)


# Opening a version for serving


def counted(store_: Store) -> int:
    t = store_.tables["touchpoints"]
    return int(store_.fetch(t.aggregate(n=t.count()))["n"].iloc[0])


def test_who_has_a_dataset_open_reads_on_after_it_was_deleted(workspace: Workspace) -> None:
    version, reading = opened(workspace)
    workspace.delete(version.dataset)
    assert counted(reading) == 3


def test_a_leftover_log_beside_a_version_is_refused_by_name(workspace: Workspace) -> None:
    version, reading = opened(workspace)
    reading.close()
    log = version.path.with_name(version.path.name + ".wal")
    log.write_bytes(b"")
    with pytest.raises(WorkspaceProblem, match=re.escape(log.name)):
        open_store(version.path, version.facts)


def test_two_processes_read_one_version_at_once(workspace: Workspace) -> None:
    version, reading = opened(workspace)
    second = (
        "import sys; from pathlib import Path; from cx_metrics.engines import open_store; from cx_metrics.view import Facts\n"
        "store = open_store(Path(sys.argv[1]), Facts()); t = store.tables['touchpoints']\n"
        "print(store.fetch(t.aggregate(n=t.count()))['n'].iloc[0])"
    )
    found = subprocess.run(
        [sys.executable, "-c", second, str(version.path)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (found.returncode, found.stdout.strip(), counted(reading)) == (0, "3", 3), found.stderr


def test_many_threads_read_one_store_and_all_are_right(workspace: Workspace) -> None:
    _version, reading = opened(workspace, customers=40)
    t = reading.tables["touchpoints"]
    wrong: list[object] = []

    def ask(first: int) -> None:
        for i in range(first, 40, 8):
            try:
                found = list(reading.fetch(t.filter(t.customer_id == f"u{i}").select("customer_id"))["customer_id"])
            except Exception as problem:
                wrong.append(problem)
                raise
            if found != [f"u{i}"]:
                wrong.append(found)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Version, Store]:
    folder = tmp_path_factory.mktemp("served")
    return folder, *opened(Workspace(folder / "workspace"))


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_csv('/etc/hosts')", "select * from read_text('/etc/hosts')", "select * from '/etc/hosts'",
        "select * from glob('/etc/*')", "copy touchpoints to '{folder}/stolen.csv'",
        "copy touchpoints to '{file}' (use_tmp_file false)",
        "attach '{folder}/other.duckdb'", "attach ':memory:' as other", "export database '{folder}/all'", "install httpfs",
        "load httpfs", "select * from read_csv('http://127.0.0.1:9/x.csv')", "set memory_limit = '64GB'", "set threads = 64",
        "set enable_external_access = true", "set disabled_filesystems = ''", "set lock_configuration = false",
        "reset lock_configuration", "pragma temp_directory = '/tmp'", "drop table touchpoints", "delete from touchpoints",
        "create table other (a int)", "call enable_logging(storage = 'file', storage_path = '{folder}')",
    ],
)  # fmt: skip
def test_an_opened_store_lets_no_statement_out_of_its_file(served: tuple[Path, Version, Store], statement: str) -> None:
    folder, version, reading = served
    before = tree(folder)
    with pytest.raises(duckdb.Error):
        reading.connection.cursor().execute(statement.format(folder=folder, file=version.path)).fetchall()
    assert counted(reading) == 3
    assert tree(folder) == before


# Memory


def test_a_question_that_needs_too_much_memory_ends_with_a_message(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_MEMORY", "40MB")
    monkeypatch.setenv("TOUCHLINE_QUERY_SECONDS", "100")
    _version, held = opened(workspace)
    numbers = ibis.range(30_000_000).unnest().name("n").as_table()
    texts = numbers.select(text=numbers.n.cast("string") + "a text that is long").distinct()
    with pytest.raises(ViewProblem, match="needs more memory .* TOUCHLINE_MEMORY"):
        held.fetch(texts.aggregate(n=texts.count()))
    touchpoints = held.tables["touchpoints"]
    assert held.fetch(touchpoints.aggregate(n=touchpoints.count()))["n"].tolist() == [3]  # and the next one is answered


@pytest.mark.parametrize(("said", "expected"), [("6GB", "6GB"), ("900MB", "900MB")])
def test_memory_is_a_size(monkeypatch: pytest.MonkeyPatch, said: str, expected: str) -> None:
    monkeypatch.setenv("TOUCHLINE_MEMORY", said)
    assert duckdb_store.memory_limit() == expected


def test_without_a_size_it_is_a_part_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOUCHLINE_MEMORY", raising=False)
    assert int(duckdb_store.memory_limit().removesuffix("MB")) >= 2_000
    monkeypatch.setenv("TOUCHLINE_MEMORY", "much'; drop")
    with pytest.raises(WorkspaceProblem, match="a size like 6GB"):
        duckdb_store.memory_limit()


# Saved segments


def test_segments_are_saved_by_name_renamed_and_forgotten(workspace: Workspace) -> None:
    dataset, other = workspace.create("shop"), workspace.create("another")
    assert workspace.segments(dataset) == {}
    workspace.keep_segment(dataset, "  Web   savers ", "persona=Saver&channel=web")
    workspace.keep_segment(dataset, "Lost", "tried=lost|2|steps=ad,visit")
    workspace.keep_segment(dataset, "Lost", "not(touchpoint=visit)")  # the same name is replaced
    assert workspace.segments(dataset) == {"Lost": "not(touchpoint=visit)", "Web savers": "persona=Saver&channel=web"}
    workspace.rename_segment(dataset, "Lost", "Never visited")
    workspace.drop_segment(dataset, "Web savers")
    workspace.drop_segment(dataset, "Web savers")
    assert Workspace(workspace.root).segments(dataset) == {"Never visited": "not(touchpoint=visit)"}
    assert workspace.segments(other) == {}
    workspace.delete(dataset)
    assert list((workspace.root / "segments").glob("*.json")) == []


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_a_segment_needs_a_name(workspace: Workspace, name: str) -> None:
    with pytest.raises(WorkspaceProblem, match="at most 80 characters"):
        workspace.keep_segment(workspace.create("shop"), name, "persona=Saver")


def test_what_is_no_condition_is_not_saved(workspace: Workspace) -> None:
    dataset = workspace.create("shop")
    with pytest.raises(OptionProblem, match="cannot be read"):
        workspace.keep_segment(dataset, "x", "persno=Saver")
    with pytest.raises(WorkspaceProblem, match="no segment gone"):
        workspace.rename_segment(dataset, "gone", "x")
    assert workspace.segments(dataset) == {}


@pytest.mark.parametrize("name", [n for n in HOSTILE if 0 < len(" ".join(n.split())) <= 80 and "\udcff" not in n])
def test_the_name_of_a_segment_is_data(workspace: Workspace, name: str) -> None:
    dataset = workspace.create("shop")
    workspace.keep_segment(dataset, name, "persona=Saver")
    assert workspace.segments(dataset) == {" ".join(name.replace("\0", "\ufffd").split()): "persona=Saver"}
    assert [p.name for p in (workspace.root / "segments").glob("*.json")] == [f"{dataset}.json"]


def test_many_writers_at_once_lose_no_segment(workspace: Workspace) -> None:
    dataset = workspace.create("shop")
    writers = [
        threading.Thread(target=workspace.keep_segment, args=(dataset, f"s{i}", f"persona=p{i}")) for i in range(20)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert workspace.segments(dataset) == {f"s{i}": f"persona=p{i}" for i in range(20)}


def test_there_is_an_end_to_saved_segments(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saved, "MOST_SEGMENTS", 2)
    dataset = workspace.create("shop")
    for name in "ab":
        workspace.keep_segment(dataset, name, "persona=Saver")
    with pytest.raises(WorkspaceProblem, match="at most 2"):
        workspace.keep_segment(dataset, "c", "persona=Saver")
    assert set(workspace.segments(dataset)) == {"a", "b"}


def test_a_segment_that_was_changed_behind_our_back_is_refused(workspace: Workspace) -> None:
    dataset = workspace.create("shop")
    workspace.keep_segment(dataset, "Savers", "persona=Saver")
    with sqlite3.connect(workspace.root / "catalog.sqlite") as behind:
        behind.execute("update segments set condition = 'persona=Family'")
    with pytest.raises(WorkspaceProblem, match="damaged on disk"):
        workspace.segments(dataset)


# Saved views


def test_views_are_saved_by_name_pinned_renamed_and_forgotten(workspace: Workspace) -> None:
    dataset, other = workspace.create("shop"), workspace.create("another")
    assert workspace.views(dataset) == []
    first = workspace.save_view(
        dataset, "  Savers   in May ", " who \n left ", "flow", "persona=Saver&from=2026-05-01", 1
    )
    assert (first.name, first.note, first.page, first.pinned) == ("Savers in May", "who left", "flow", False)
    second = workspace.save_view(dataset, "Drop-off", "", "drop-off", "", 1)
    workspace.pin_view(dataset, first.id, True)
    assert [v.id for v in workspace.views(dataset)] == [first.id, second.id]
    again = workspace.save_view(dataset, "Savers in May", "", "voice", "persona=Saver", 2)  # the same name is replaced
    assert (again.id, again.page, again.version, again.pinned) == (first.id, "voice", 2, True)
    workspace.rename_view(dataset, second.id, "Where they leave", "by step")
    assert {v.name: v.note for v in workspace.views(dataset)} == {"Savers in May": "", "Where they leave": "by step"}
    workspace.drop_view(dataset, first.id)
    workspace.drop_view(dataset, first.id)
    with pytest.raises(WorkspaceProblem, match="no such saved view"):
        workspace.view_of(first.id)
    workspace.put_view_back(dataset, again)
    assert Workspace(workspace.root).view_of(first.id) == again
    assert workspace.views(other) == []
    workspace.delete(dataset)
    assert list((workspace.root / "views").glob("*.json")) == []
    with pytest.raises(WorkspaceProblem, match="no such saved view"):
        workspace.view_of(first.id)


def test_a_view_that_cannot_be_saved_says_why(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_views, "MOST_VIEWS", 2)
    dataset = workspace.create("shop")
    for name in ("", "   ", "x" * 81):
        with pytest.raises(WorkspaceProblem, match="at most 80 characters"):
            workspace.save_view(dataset, name, "", "flow", "", 1)
    for page, query in (("../evil", ""), ("Flow", ""), ("flow", "x" * 70_000)):
        with pytest.raises(WorkspaceProblem, match="too long"):
            workspace.save_view(dataset, "x", "", page, query, 1)
    with pytest.raises(WorkspaceProblem, match="A note"):
        workspace.save_view(dataset, "x", "n" * 281, "flow", "", 1)
    a, b = (workspace.save_view(dataset, name, "", "flow", "", 1) for name in "ab")
    with pytest.raises(WorkspaceProblem, match="at most 2"):
        workspace.save_view(dataset, "c", "", "flow", "", 1)
    with pytest.raises(WorkspaceProblem, match="a view a already"):
        workspace.rename_view(dataset, b.id, "a", "")
    workspace.drop_view(dataset, a.id)
    workspace.rename_view(dataset, b.id, "a", "")
    with pytest.raises(WorkspaceProblem, match="a view a already"):
        workspace.put_view_back(dataset, a)
    for change in (workspace.pin_view, lambda d, t, _on: workspace.rename_view(d, t, "z", "")):
        with pytest.raises(WorkspaceProblem, match="no such saved view"):
            change(dataset, a.id, True)
    assert [v.name for v in workspace.views(dataset)] == ["a"]


@pytest.mark.parametrize("name", [n for n in HOSTILE if 0 < len(" ".join(n.split())) <= 80 and "\udcff" not in n])
def test_the_name_of_a_view_is_data(workspace: Workspace, name: str) -> None:
    dataset = workspace.create("shop")
    made = workspace.save_view(dataset, name, name[:200], "flow", "touchpoint=" + name, 1)
    shown = " ".join(name.replace("\0", "\ufffd").split())
    assert [(v.name, v.note) for v in workspace.views(dataset)] == [(shown, shown)]
    assert workspace.view_of(made.id).name == shown
    assert [p.name for p in (workspace.root / "views").glob("*.json")] == [f"{dataset}.json"]


def test_many_writers_at_once_lose_no_view(workspace: Workspace) -> None:
    dataset = workspace.create("shop")
    writers = [
        threading.Thread(target=workspace.save_view, args=(dataset, f"v{i}", "", "flow", "", 1)) for i in range(20)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert {v.name for v in workspace.views(dataset)} == {f"v{i}" for i in range(20)}


def test_a_view_that_was_changed_behind_our_back_is_refused(workspace: Workspace) -> None:
    dataset = workspace.create("shop")
    made = workspace.save_view(dataset, "Savers", "", "flow", "persona=Saver", 1)
    with sqlite3.connect(workspace.root / "catalog.sqlite") as behind:
        behind.execute("update views set query = 'persona=Family'")
    for ask in (lambda: workspace.views(dataset), lambda: workspace.view_of(made.id)):
        with pytest.raises(WorkspaceProblem, match="damaged on disk"):
            ask()
