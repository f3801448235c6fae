"""The catalog agrees with the folders, or says so: in SQLite and in PostgreSQL alike."""

from __future__ import annotations

import random
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from cx_metrics import importing
from cx_metrics.errors import DamagedVersion, WorkspaceProblem
from cx_metrics.view import Facts
from cx_metrics.workspace import Version, Workspace, facts_to_dict
from cx_metrics.workspace import catalog as c
from cx_metrics.workspace.facts import manifest_of
from cx_metrics.workspace.store import STORE
from tests import servers


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with servers.postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """An empty workspace, its catalog in a file and in a server."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres")
        server = sa.create_engine(url.replace("postgresql://", "postgresql+pg8000://"), isolation_level="AUTOCOMMIT")
        name = f"catalog_{tmp_path.name}".replace("-", "_").replace("[", "_").replace("]", "_").lower()[:60]
        with server.connect() as connection:
            connection.execute(sa.text(f'drop database if exists "{name}"'))
            connection.execute(sa.text(f'create database "{name}"'))
        server.dispose()
        monkeypatch.setenv("TOUCHLINE_CATALOG", f"{url.rpartition('/')[0]}/{name}")
    made = Workspace(tmp_path / "workspace")
    yield made
    made.close()


def published(workspace: Workspace, dataset: str, content: bytes = b"a store") -> Version:
    with workspace.building() as part:
        (part / STORE).write_bytes(content)
        return workspace.publish(dataset, part, {"facts": facts_to_dict(Facts()), "plan": {"files": []}})


def written_behind(workspace: Workspace, statement: str) -> None:
    """Change a row as a fault of the disk would, not as we do."""
    with workspace.catalog.engine.begin() as connection:
        connection.execute(sa.text(statement))


def test_a_dataset_is_kept_found_changed_and_deleted(workspace: Workspace) -> None:
    dataset = workspace.create("متجر «А» \0 shop")
    first = published(workspace, dataset, b"one")
    workspace.keep_segment(dataset, "Savers", "persona=Saver")
    workspace.retitle(dataset, "Shop")
    again = Workspace(workspace.root)
    assert [(i.id, i.title, i.version) for i in again.datasets()] == [(dataset, "Shop", 1)]
    assert again.current(dataset) == first and again.segments(dataset) == {"Savers": "persona=Saver"}
    source = again.receive("a.csv", [b"a,b\n", b"1,2\n"])
    home = again.adopt(dataset, source.token)
    again.check_sources(dataset, [home])
    again.delete(dataset)
    assert workspace.datasets() == [] and not home.exists() and not first.path.exists()
    with pytest.raises(WorkspaceProblem, match="no such dataset"):
        workspace.versions(dataset)


def test_twenty_writers_on_one_name_come_one_after_the_other(workspace: Workspace) -> None:
    dataset = workspace.create("shop")
    made: list[Version] = []

    def publish(n: int) -> None:
        made.append(published(Workspace(workspace.root), dataset, bytes([n])))

    writers = [threading.Thread(target=publish, args=(n,)) for n in range(20)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(v.number for v in made) == list(range(1, 21))
    last = max(made, key=lambda v: v.number)
    assert workspace.current(dataset) == last
    workspace.verify(last)
    assert len({v.path for v in made}) == 20


@pytest.mark.parametrize(
    "statement",
    [
        "update versions set store_sha256 = 'f' || substr(store_sha256, 2)", "update versions set number = 2",
        "update versions set store = 'versions/../../x'", "update datasets set current = 2", "update datasets set title = 'x'",
    ],
)  # fmt: skip
def test_a_row_that_was_damaged_is_refused(workspace: Workspace, statement: str) -> None:
    dataset = workspace.create("shop")
    published(workspace, dataset)
    written_behind(workspace, statement)
    with pytest.raises(WorkspaceProblem, match="damaged on disk"):
        workspace.datasets()
        workspace.versions(dataset)


def test_a_catalog_that_was_lost_is_built_from_the_folders(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    kept = workspace.create("Shop, 2026")
    token = workspace.receive("a.csv", [b"x"]).token
    workspace.adopt(kept, token)
    for n in range(3):
        published(workspace, kept, bytes([n]))
    workspace.keep_segment(kept, "Savers", "persona=Saver")
    view = workspace.save_view(kept, "Savers", "for Monday", "flow", "persona=Saver", 3)
    broken = workspace.create("broken")
    gone = published(workspace, broken, b"will rot")
    before = workspace.datasets(), workspace.versions(kept)
    workspace.close()
    gone.path.chmod(0o644)
    gone.path.write_bytes(b"has rotted")
    for path in workspace.root.glob("catalog*"):
        path.unlink()
    again = Workspace(workspace.root)
    assert [i.title for i in again.datasets()] == ["Shop, 2026"]  # what does not match its checksum is no version
    assert again.versions(kept) == before[1] and again.current(kept).number == 3
    assert again.segments(kept) == {"Savers": "persona=Saver"}
    assert again.views(kept) == [view] and again.view_of(view.id) == view
    again.check_sources(kept, [workspace.root / "datasets" / kept / "sources" / token])
    assert published(again, kept).number == 4


def test_a_catalog_belongs_to_one_folder(workspace: Workspace, tmp_path: Path) -> None:
    published(workspace, workspace.create("shop"))
    if workspace.catalog.is_local:
        workspace.close()
        shutil.copytree(workspace.root, tmp_path / "moved")  # moved with its folder it is the same one
        assert [i.title for i in Workspace(tmp_path / "moved").datasets()] == ["shop"]
        return
    with pytest.raises(WorkspaceProblem, match="belongs to another workspace folder"):
        Workspace(tmp_path / "another")


def test_a_catalog_of_a_newer_touchline_is_refused(workspace: Workspace) -> None:
    written_behind(workspace, "update alembic_version set version_num = '9999'")
    with pytest.raises(WorkspaceProblem, match="newer Touchline"):
        Workspace(workspace.root)


@pytest.mark.parametrize(
    "url", ["mysql://u:secret@h/db", "secret", "postgresql+psycopg://u:secret@h/db", "sqlite:////etc/secret"]
)
def test_an_address_that_is_none_is_refused_without_repeating_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("TOUCHLINE_CATALOG", url)
    with pytest.raises(WorkspaceProblem) as said:
        Workspace(tmp_path)
    assert "TOUCHLINE_CATALOG" in str(said.value) and "secret" not in str(said.value)


def test_a_server_that_does_not_answer_is_said_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOUCHLINE_CATALOG", "postgresql://u:secret@127.0.0.1:9/db")
    with pytest.raises(WorkspaceProblem) as said:
        Workspace(tmp_path)
    assert "secret" not in str(said.value)


def test_the_tables_are_those_that_the_migrations_make(tmp_path: Path) -> None:
    Workspace(tmp_path).close()
    with sqlite3.connect(tmp_path / "catalog.sqlite") as made:
        found = {
            name: {(column[1], bool(column[3])) for column in made.execute(f"pragma table_info({name})")}
            for name in c.metadata.tables
        }
    assert found == {
        name: {(column.name, not column.nullable) for column in table.columns}
        for name, table in c.metadata.tables.items()
    }


def test_a_flipped_byte_anywhere_is_found_before_it_counts(tmp_path: Path) -> None:
    flip(tmp_path, 120)


@pytest.mark.long
def test_a_thousand_flipped_bytes_are_found_before_they_count(tmp_path: Path) -> None:
    flip(tmp_path, 1_000)


def flip(folder: Path, flips: int) -> None:
    """Store, manifest and source: every flip is named. Catalog: what is read is what was written, or it is refused."""
    file = folder / "touchpoints.csv"
    lines = "".join(f"u{i % 50},2026-01-{1 + i % 28:02},Website {i % 7}\n" for i in range(2_000))
    file.write_text("customer_id,occurred_at,touchpoint\n" + lines)
    workspace = Workspace(folder / "workspace")
    dataset = workspace.create("shop")
    version = importing.import_version(workspace, dataset, importing.Plan((importing.ImportFile(file, file.name),)))
    workspace.keep_segment(dataset, "Savers", "persona=Saver")
    workspace.close()
    with sqlite3.connect(workspace.root / "catalog.sqlite") as whole:
        whole.execute("pragma wal_checkpoint(truncate)")
    (source,) = (workspace.root / "datasets" / dataset / "sources").iterdir()
    catalog = workspace.root / "catalog.sqlite"
    wanted = said(workspace.root, dataset)
    draw = random.Random(7)
    for path in (version.path, version.manifest_path, source, catalog):
        content = path.read_bytes()
        path.chmod(0o644)
        for _ in range(flips // 4):
            place = draw.randrange(len(content))
            path.write_bytes(content[:place] + bytes([content[place] ^ draw.randrange(1, 256)]) + content[place + 1 :])
            found = said(workspace.root, dataset)
            assert found == "refused" or (path == catalog and found == wanted), (path.name, place)
        path.write_bytes(content)
        assert said(workspace.root, dataset) == wanted


def said(root: Path, dataset: str) -> object:
    """What a fresh server says about a dataset, or that it refuses to."""
    manifest_of.cache_clear()
    try:
        workspace = Workspace(root)
        try:
            version = workspace.current(dataset)
            workspace.verify(version)
            workspace.check_sources(dataset, [file.path for file in importing.plan_of(workspace, version).files])
            listed = [(i.id, i.title, i.version) for i in workspace.datasets()]
            return listed, version, version.manifest, workspace.segments(dataset)
        finally:
            workspace.close()
    except (WorkspaceProblem, DamagedVersion):
        return "refused"


def test_how_a_header_was_read_is_remembered_and_forgotten(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = ("a" * 64, "b" * 64, "c" * 64)
    workspace.keep_mapping(first, "table: touchpoints\n")
    workspace.keep_mapping(first, "table: surveys  # سؤال\n")
    workspace.keep_mapping(second, "table: spend\n")
    again = Workspace(workspace.root)
    assert again.mapping_of(first) == "table: surveys  # سؤال\n" and again.mapping_of(third) is None
    again.forget_mapping(first)
    assert again.mapping_of(first) is None and again.mapping_of(second) == "table: spend\n"
    monkeypatch.setattr("cx_metrics.workspace.mappings.MOST_MAPPINGS", 1)
    monkeypatch.setattr("cx_metrics.workspace.mappings.now", lambda: "2099-01-01T00:00:00+00:00")
    again.keep_mapping(third, "table: changes\n")
    assert again.mapping_of(second) is None and again.mapping_of(third) == "table: changes\n"
    assert [p.stem for p in (workspace.root / "mappings").iterdir()] == [third]
    with pytest.raises(WorkspaceProblem, match="too large"):
        again.keep_mapping(first, "x" * 300_000)
    for none in ("../../../etc/passwd", "A" * 64, "a" * 63, "a" * 31, ""):
        with pytest.raises(ValueError, match="fingerprint"):
            again.mapping_of(none)
    written_behind(again, "update mappings set said = 'table: touchpoints'")
    with pytest.raises(WorkspaceProblem):
        again.mapping_of(third)


def test_a_lost_catalog_still_knows_how_headers_were_read(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    workspace.keep_mapping("a" * 64, "table: surveys\n")
    workspace.close()
    (tmp_path / "w" / "mappings" / "notes.json").write_text("{}", encoding="utf-8")
    for path in (tmp_path / "w").glob(c.FILE + "*"):
        path.unlink()
    assert Workspace(tmp_path / "w").mapping_of("a" * 64) == "table: surveys\n"


def test_a_file_made_from_an_upload_is_an_upload_of_its_own(workspace: Workspace) -> None:
    with workspace.building() as part:
        (part / "0.csv").write_bytes(b"a,b\n1,2\n")
        made = workspace.receive_made("book.xlsx · Sheet1", part / "0.csv")
    assert made.path.read_bytes() == b"a,b\n1,2\n" and (made.name, made.size) == ("book.xlsx · Sheet1", 8)
    assert workspace.sweep() == 0
    dataset = workspace.create("Shop")
    home = workspace.adopt(dataset, made.token)
    workspace.check_sources(dataset, [home])
    discarded = workspace.receive("x", [b"1"])
    workspace.discard(discarded.token)
    assert not discarded.path.exists() and not made.path.exists()
