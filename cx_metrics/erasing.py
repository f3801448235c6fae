"""Erase a customer: every version and source of a dataset is written afresh without their rows, and a receipt says so.

New files are complete before anything is replaced; then all versions and sources change at once, and the old files go. Who has
an old version open reads on until the page is drawn anew.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cx_metrics.engines import duckdb_erase
from cx_metrics.errors import DamagedVersion, WorkspaceProblem
from cx_metrics.logs import event
from cx_metrics.plans import ImportFile, open_file, plan_from_dict
from cx_metrics.reading.pseudonyms import pseudonym
from cx_metrics.reading.rewriting import Rewritten, rewrite
from cx_metrics.reading.standing import Ids
from cx_metrics.texts import N_
from cx_metrics.view import Facts
from cx_metrics.workspace import Version, Workspace, files, limits
from cx_metrics.workspace.access import EVERY, authorize
from cx_metrics.workspace.aside import ASIDE, Line
from cx_metrics.workspace.aside import rewrite as rewrite_aside
from cx_metrics.workspace.facts import facts_to_dict
from cx_metrics.workspace.ids import new_id, now
from cx_metrics.workspace.sources import DATASETS, UPLOADS
from cx_metrics.workspace.store import STORE

LONG_ENOUGH = 8  # bytes of an id from which on finding them by chance in a packed file is as good as impossible
PIECE = 1 << 23
KEEPING = N_("Keeping the dataset")  # the last stage of an import and of an erasure: it is not stopped any more
Tell = Callable[[str, float], None]  # what is being done, and what share of all is done


def erase(
    workspace: Workspace, dataset: str, customer_id: str, tell: Tell = lambda _stage, _share: None
) -> dict[str, Any]:
    """Remove every row of a customer from a dataset. Returns the receipt, which is also kept.

    The receipt names the customer by a keyed digest alone: whoever knows the id can check it, nobody can read it there. It says
    the rows removed of each table, the rows left out of each source and of the lists of rows set aside, rows of others that
    mention the id (they stay: whose they are cannot be told; in a list of rows set aside they go), and in how many files of the
    dataset the bytes of the id stand afterwards.
    """
    authorize(workspace.viewer, dataset, "delete")
    customer_id = customer_id.strip()
    if not customer_id:
        raise WorkspaceProblem(N_("Say which customer is to be erased: the id as it stands in the files."))
    ids = (customer_id, pseudonym(workspace.key(), customer_id))
    versions = workspace.versions(dataset)
    limits.check_disk(workspace.root, sum(v.size for v in versions) * 2)
    receipt: dict[str, Any] = {
        "receipt": new_id(), "dataset": dataset, "erased_at": now(), "customer": digest(workspace, customer_id),
        "removed": {}, "left_out": 0, "set_aside": 0, "mentions": 0, "versions": [], "dropped_versions": [], "uploads": 0,
    }  # fmt: skip
    with limits.room(), workspace.building() as part:
        tell(N_("Rewriting the files"), 0.0)
        renamed = _rewrite_sources(workspace, dataset, versions, ids, part, receipt)
        parts: dict[int, tuple[Path, Mapping[str, Any]]] = {}
        for done, version in enumerate(versions):
            tell(N_("Rewriting the versions"), 0.3 + 0.6 * done / max(len(versions), 1))
            try:
                made = _rewrite_version(
                    version, ids, {old: token for old, (token, _path) in renamed.items()}, part, receipt
                )
            except (DamagedVersion, KeyError):  # it cannot be read, so it cannot stay
                receipt["dropped_versions"].append(version.number)
                continue
            if made is not None:
                parts[version.number] = made
        tell(KEEPING, 0.9)
        workspace.swap(dataset, parts, renamed, receipt["dropped_versions"])
    receipt["uploads"] = _discard_uploads(workspace, ids)
    receipt["files_with_the_id"] = sum(1 for _path in holding(workspace.root / DATASETS / dataset, ids))
    receipt["signature"] = _signature(workspace, receipt)
    workspace.keep_receipt(dataset, receipt)
    event("erased", dataset=dataset, receipt=receipt["receipt"], rows=sum(receipt["removed"].values()))
    return receipt


def digest(workspace: Workspace, customer_id: str) -> str:
    """What a receipt calls a customer."""
    return hmac.new(workspace.key(), b"touchline receipt\0" + customer_id.strip().encode(), hashlib.sha256).hexdigest()


def is_genuine(workspace: Workspace, receipt: Mapping[str, Any]) -> bool:
    """Whether this workspace wrote a receipt, and nobody changed it since."""
    return hmac.compare_digest(_signature(workspace, receipt), str(receipt.get("signature", "")))


def holding(folder: Path, ids: Sequence[str]) -> Iterator[Path]:
    """The files in which the bytes of one of the ids stand, packed ones unpacked; too short ids are not sought."""
    needles = [
        n for i in ids if len(i) >= LONG_ENOUGH for n in (i.encode(), i.encode("utf-16-le"), i.encode("utf-16-be"))
    ]
    for path in sorted(folder.rglob("*")) if needles else ():
        if path.is_file() and any(_stands(path, needle) for needle in needles):
            yield path


def _stands(path: Path, needle: bytes) -> bool:
    with path.open("rb") as plain:
        packed = plain.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as file:
        rest = b""
        while piece := file.read(PIECE):
            if needle in rest + piece:
                return True
            rest = piece[-len(needle) :]
    return False


def _rewrite_sources(
    workspace: Workspace,
    dataset: str,
    versions: Sequence[Version],
    ids: Sequence[str],
    part: Path,
    receipt: dict[str, Any],
) -> dict[str, tuple[str, Path]]:
    """Old token → new token and file, for each source that held the customer."""
    home = workspace.root / DATASETS / dataset
    asked: dict[str, dict[str, ImportFile]] = {}
    for version in versions:
        try:
            plan = plan_from_dict(version.manifest["plan"], home)
        except (DamagedVersion, KeyError):
            continue
        for file in plan.files:
            _raw, mapping = open_file(file)
            header = mapping.columns.get("customer_id", "")
            asked.setdefault(file.path.name, {})[header] = replace(file, mapping=mapping)
    renamed = {}
    for token, by_header in asked.items():
        current, changed = home / "sources" / token, False
        for file in by_header.values():
            raw, mapping = open_file(replace(file, path=current))
            out = part / new_id()
            found: Rewritten = rewrite(raw, mapping, out, lambda i: None if i in ids else i, ids)
            receipt["left_out"] += found.left_out + found.unreadable
            receipt["mentions"] += found.mentions
            if found.left_out or found.unreadable:
                current, changed = out, True
        if changed:
            renamed[token] = (new_id(), current)
    return renamed


def _rewrite_version(
    version: Version, ids: Sequence[str], renamed: Mapping[str, str], part: Path, receipt: dict[str, Any]
) -> tuple[Path, Mapping[str, Any]] | None:
    """A version's folder without the customer; None if it never knew them."""
    manifest = dict(version.manifest)
    folder = part / f"version_{version.number}"
    (folder / "spill").mkdir(parents=True)
    if files.sha256(version.path) != version.checksums[0]:
        raise DamagedVersion(N_("Version {version} of this dataset is damaged on disk."), version=version.number)
    plan = manifest["plan"]
    given = Facts(tuple(plan["stages"]), plan["zone"], version.facts.goal)
    erased = duckdb_erase.erase(version.path, folder / STORE, ids, given, folder / "spill")
    reports = json.dumps(manifest["reports"], ensure_ascii=False)
    listed = _rewrite_aside(version, ids, folder / ASIDE)
    if (
        not erased.any
        and not listed
        and not any(i in reports for i in ids)
        and not any(Path(f["path"]).name in renamed for f in plan["files"])
    ):
        return None
    if erased.any:
        receipt["versions"].append(version.number)
        for table, rows in erased.removed.items():
            receipt["removed"][table] = max(rows, receipt["removed"].get(table, 0))
        goal = tuple(g for g in version.facts.goal if g in erased.touchpoints) or erased.facts.goal
        manifest["rows"], manifest["facts"] = erased.rows, facts_to_dict(replace(erased.facts, goal=goal))
    else:
        (folder / STORE).hardlink_to(version.path)
    manifest["erased"] = manifest.get("erased", 0) + sum(erased.removed.values())
    manifest["plan"] = plan | {"files": [_moved(f, renamed) for f in plan["files"]]}
    manifest["reports"] = _without(manifest["reports"], ids)
    if (folder / ASIDE).exists():
        aside = manifest["aside"]
        counts = {"rows": aside["rows"] - listed, "of": aside["of"] - listed}
        manifest["aside"] = aside | counts | {"reasons": _without(aside["reasons"], ids)}
        receipt["set_aside"] = max(listed, receipt["set_aside"])
    return folder, manifest


def _rewrite_aside(version: Version, ids: Sequence[str], out: Path) -> int:
    """Write the list of rows set aside without those in which one of the ids stands, whoever they are about; returns how many. A
    list that is damaged goes."""
    path = version.aside
    if path is None or not path.exists() or files.sha256(path) != version.manifest["aside"]["sha256"]:
        return 0
    known, long = Ids(ids), [i for i in ids if len(i) >= LONG_ENOUGH]

    def keep(line: Line) -> bool:
        written = line.record.replace('""', '"')
        return not (known.in_line(line.record) or line.reason in known or any(i in written for i in long))

    _left, gone = rewrite_aside(path, out, keep)
    if not gone:
        out.unlink()
        out.hardlink_to(path)
    return gone


def _moved(file: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    token = renamed.get(Path(file["path"]).name)
    return dict(file) if token is None else dict(file) | {"path": f"sources/{token}"}


def _without(kept: Any, ids: Sequence[str]) -> Any:
    """The reports of an import: what was found in a row, where one of the ids stands in it, is not repeated any more."""
    if isinstance(kept, dict):
        return {name: _without(value, ids) for name, value in kept.items()}
    if isinstance(kept, list):
        return [_without(value, ids) for value in kept]
    return "…" if isinstance(kept, str) and any(i in kept for i in ids) else kept


def _discard_uploads(workspace: Workspace, ids: Sequence[str]) -> int:
    """Uploads that nobody imported yet and that hold the id go; returns how many."""
    found = [path for path in holding(workspace.root / UPLOADS, ids) if not path.name.endswith(files.PART)]
    for path in found:
        workspace.discard(path.name)
    return len(found)


def _signature(workspace: Workspace, receipt: Mapping[str, Any]) -> str:
    said = json.dumps({k: v for k, v in receipt.items() if k != "signature"}, sort_keys=True)
    return hmac.new(workspace.key(), b"touchline signature\0" + said.encode(), hashlib.sha256).hexdigest()


def erase_everywhere(
    workspace: Workspace, customer_id: str, tell: Tell = lambda _stage, _share: None
) -> list[dict[str, Any]]:
    """Erase a customer from every dataset of the workspace; a receipt for each that knew them."""
    authorize(workspace.viewer, EVERY, "delete")
    found = []
    for info in workspace.datasets():
        if not info.engine:
            receipt = erase(workspace, info.id, customer_id, tell)
            if receipt["versions"] or receipt["left_out"] or receipt["dropped_versions"]:
                found.append(receipt)
    return found
