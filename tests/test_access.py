"""Everything that loads, imports, exports or deletes asks first whether the viewer may; nothing is allowed by default."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cx_metrics.errors import WorkspaceProblem
from cx_metrics.small_groups import Privacy
from cx_metrics.view import Facts
from cx_metrics.workspace import NOBODY, OWNER, Viewer, Workspace, facts_to_dict, jobs
from cx_metrics.workspace.access import ACTIONS, EVERY, authorize, may
from cx_metrics.workspace.store import STORE

DATASETLESS = {
    "seen_by",
    "close",
    "datasets",
    "building",
    "create",
    "is_old",
    "verify",
    "sweep",
    "receive",
    "receive_made",
    "spare_bytes",
    "mapping_of",
    "keep_mapping",
    "forget_mapping",
    "discard",
    "receipts",
    "erasures",
    "key",
    "view_of",
}


@pytest.fixture
def shop(tmp_path: Path) -> tuple[Workspace, str]:
    workspace = Workspace(tmp_path / "workspace")
    dataset = workspace.create("shop")
    with workspace.building() as part:
        (part / STORE).write_bytes(b"a store")
        workspace.publish(dataset, part, {"facts": facts_to_dict(Facts()), "plan": {"files": []}})
    return workspace, dataset


def methods() -> dict[str, Callable[..., Any]]:
    found = inspect.getmembers(Workspace, inspect.isfunction)
    return {name: method for name, method in found if not name.startswith("_")}


def test_every_method_about_a_dataset_names_the_right_it_needs() -> None:
    guarded = {name for name, method in methods().items() if getattr(method, "needs", None) in ACTIONS}
    assert set(methods()) - guarded == DATASETLESS


def test_nobody_may_do_anything(shop: tuple[Workspace, str]) -> None:
    workspace, dataset = shop
    version = workspace.current(dataset)
    stranger = workspace.seen_by(NOBODY)
    for name, method in methods().items():
        if getattr(method, "needs", None):
            missing = [None] * (len(inspect.signature(method).parameters) - 2)
            with pytest.raises(WorkspaceProblem, match="no such dataset"):
                getattr(stranger, name)(dataset, *missing)
    for forbidden in (
        lambda: stranger.create("x"), lambda: stranger.receive("x", [b""]), lambda: stranger.discard("0" * 32),
        lambda: stranger.receive_made("x", Path("x")), lambda: stranger.mapping_of("0" * 64),
        lambda: stranger.keep_mapping("0" * 64, ""), lambda: stranger.forget_mapping("0" * 64),
        lambda: stranger.verify(version), stranger.sweep, stranger.receipts,
        stranger.spare_bytes, lambda: jobs.ask(stranger, dataset, {}),
    ):  # fmt: skip
        with pytest.raises(WorkspaceProblem, match="no such dataset"):
            forbidden()
    assert stranger.datasets() == [] and jobs.under_way(stranger) == []
    assert workspace.current(dataset) == version


def test_unknown_and_forbidden_look_the_same(shop: tuple[Workspace, str]) -> None:
    workspace, dataset = shop
    other = workspace.create("another")
    guest = workspace.seen_by(Viewer("guest", {other: frozenset(("see",))}))
    said = set()
    for asked in (dataset, "0" * 32, "../../etc", ""):
        with pytest.raises(WorkspaceProblem) as refused:
            guest.versions(asked)
        said.add(str(refused.value))
    assert len(said) == 1
    assert guest.versions(other) == []


def test_a_right_to_one_thing_is_no_right_to_another(shop: tuple[Workspace, str]) -> None:
    workspace, dataset = shop
    reader = workspace.seen_by(Viewer("reader", {dataset: frozenset(("see",))}))
    assert [i.id for i in reader.datasets()] == [dataset] and reader.current(dataset).number == 1
    for forbidden in (
        lambda: reader.delete(dataset), lambda: reader.use(dataset, 1), lambda: reader.keep_segment(dataset, "x", "persona=a"),
        lambda: reader.save_view(dataset, "x", "", "flow", "", 1),
        lambda: reader.adopt(dataset, "0" * 32), lambda: jobs.ask(reader, dataset, {}), lambda: reader.create("mine"),
    ):  # fmt: skip
        with pytest.raises(WorkspaceProblem, match="no such dataset"):
            forbidden()


def test_a_short_link_to_a_view_tells_strangers_nothing(shop: tuple[Workspace, str]) -> None:
    workspace, dataset = shop
    made = workspace.save_view(dataset, "Savers", "", "flow", "persona=Saver", 1)
    reader = workspace.seen_by(Viewer("reader", {dataset: frozenset(("see",))}))
    assert reader.view_of(made.id) == workspace.view_of(made.id) == made and reader.views(dataset) == [made]
    other = workspace.create("another")
    guest = workspace.seen_by(Viewer("guest", {other: frozenset(("see",))}))
    said = set()
    for asked in (made.id, "0" * 32, "../../etc", ""):
        with pytest.raises(WorkspaceProblem) as refused:
            guest.view_of(asked)
        said.add(str(refused.value))
    assert len(said) == 1


def test_rights_name_their_dataset_or_all() -> None:
    one = Viewer("one", {"a": frozenset(("see",))})
    assert (
        may(one, "a", "see") and not may(one, "b", "see") and not may(one, "a", "change") and not may(one, EVERY, "see")
    )
    assert all(may(OWNER, "any", action) for action in ACTIONS)
    authorize(OWNER, "any", "delete")


def test_what_a_job_says_is_for_those_who_may_see_its_dataset(
    shop: tuple[Workspace, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, dataset = shop
    monkeypatch.setattr(jobs, "_begin", lambda _workspace, _job, log: log.close())
    job = jobs.ask(workspace, dataset, {"plan": {"files": []}})
    assert jobs.look(workspace, job).dataset == dataset
    stranger = workspace.seen_by(NOBODY)
    for asked in (jobs.look, jobs.cancel):
        with pytest.raises(WorkspaceProblem, match="no such import"):
            asked(stranger, job)


def test_small_groups_are_hidden_from_all_but_the_owner_until_the_owner_says_otherwise(
    shop: tuple[Workspace, str],
) -> None:
    workspace, dataset = shop
    reader = workspace.seen_by(Viewer("a reader", {dataset: frozenset({"see"})}))
    assert workspace.privacy(dataset) is None and reader.privacy(dataset) == Privacy()
    assert not workspace.protects(dataset)
    with pytest.raises(WorkspaceProblem):
        reader.protect(dataset, False)
    workspace.protect(dataset, True)
    assert workspace.protects(dataset) and workspace.privacy(dataset) == Privacy()
    workspace.protect(dataset, False)
    assert workspace.privacy(dataset) is None and reader.privacy(dataset) == Privacy()
    workspace.protect(dataset, True)
    workspace.delete(dataset)
    assert not list((workspace.root / "protected").iterdir())
